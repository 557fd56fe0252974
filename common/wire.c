/* wire.c -- one ROUTER in, one DEALER per peer; see wire.h. */
#include "common/wire.h"

#include "common/mem.h"
#include "common/metrics.h"

#include <czmq.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define HWM 1000
#define PEERS_MAX 256
#define READS_A_TURN 256
#define IDLE_MS 60000

struct head {
    uint8_t shard, lane, zero[2];
    uint8_t id[16];
};

struct peer {
    zsock_t *socket;
    int64_t used_ms;
};

struct sw_wire {
    zloop_t *loop;
    zsock_t *router;
    char endpoint[160];
    char path[150];
    zhashx_t *peers; /* endpoint -> struct peer */
    struct sw_wire_events events;
};

static void peer_destroy(void **p) {
    struct peer *peer = *p;
    if (!peer) return;
    zsock_destroy(&peer->socket);
    free(peer);
    *p = NULL;
}

static void deliver(struct sw_wire *wire, zmq_msg_t *frame, int frames) {
    if (frames < 3 || zmq_msg_size(&frame[1]) != 1) return;
    const char *tag = zmq_msg_data(&frame[1]);
    const char *data = zmq_msg_data(&frame[2]);
    size_t size = zmq_msg_size(&frame[2]);
    if (*tag == 'T') {
        wire->events.tell(wire->events.arg, data, size);
    } else if (*tag == 'H' && size == 1) {
        wire->events.handed(wire->events.arg, (unsigned char)data[0]);
    } else if (*tag == 'L' && frames == 4 && size == sizeof(struct head)) {
        struct head head;
        uint64_t id[2];
        memcpy(&head, data, sizeof(head));
        memcpy(id, head.id, sizeof(id));
        wire->events.entry(wire->events.arg, head.shard, head.lane, be64toh(id[0]), be64toh(id[1]),
                           zmq_msg_data(&frame[3]), zmq_msg_size(&frame[3]));
    }
}

/* ZeroMQ sockets signal edges: read until there is nothing left, but let others have their turn. */
static void read_all(struct sw_wire *wire, void *socket) {
    for (int n = 0; n < READS_A_TURN; n++) {
        zmq_msg_t frame[4];
        int frames = 0, more = 1;
        while (more) {
            zmq_msg_t part;
            zmq_msg_init(&part);
            if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
                zmq_msg_close(&part);
                break;
            }
            more = zmq_msg_more(&part);
            if (frames < 4) {
                frame[frames++] = part;
            } else {
                zmq_msg_close(&part);
                frames = 5;
            }
        }
        if (frames == 0) return;
        if (frames < 5) deliver(wire, frame, frames);
        for (int i = 0; i < frames && i < 4; i++)
            zmq_msg_close(&frame[i]);
    }
}

static int on_readable(zloop_t *loop, zsock_t *reader, void *arg) {
    struct sw_wire *wire = arg;
    (void)loop;
    read_all(wire, zsock_resolve(reader));
    wire->events.turn(wire->events.arg);
    return 0;
}

int sw_wire_create(zloop_t *loop, const char *dir, const char *name,
                   const struct sw_wire_events *events, struct sw_wire **ret) {
    struct sw_wire *wire = sw_zalloc(sizeof(*wire));
    wire->loop = loop;
    wire->events = *events;
    /* The path of a unix socket has 107 characters at most. */
    int n = snprintf(wire->path, sizeof(wire->path), "%s/%s.sock", dir, name);
    if (n >= 100) {
        free(wire);
        return -ENAMETOOLONG;
    }
    snprintf(wire->endpoint, sizeof(wire->endpoint), "ipc://%s", wire->path);
    wire->router = zsock_new(ZMQ_ROUTER);
    zsock_set_router_mandatory(wire->router, 1);
    zsock_set_rcvhwm(wire->router, HWM);
    zsock_set_linger(wire->router, 200);
    zsock_set_maxmsgsize(wire->router, 128 * 1024);
    if (zmq_bind(zsock_resolve(wire->router), wire->endpoint) < 0) {
        int r = -zmq_errno();
        zsock_destroy(&wire->router);
        free(wire);
        return r;
    }
    wire->peers = zhashx_new();
    zhashx_set_destructor(wire->peers, peer_destroy);
    zloop_reader(loop, wire->router, on_readable, wire);
    zloop_reader_set_tolerant(loop, wire->router);
    *ret = wire;
    return 0;
}

void sw_wire_destroy(struct sw_wire *wire) {
    if (!wire) return;
    zloop_reader_end(wire->loop, wire->router);
    zhashx_destroy(&wire->peers);
    zsock_destroy(&wire->router);
    unlink(wire->path);
    free(wire);
}

const char *sw_wire_endpoint(const struct sw_wire *wire) {
    return wire->endpoint;
}

static void *peer_socket(struct sw_wire *wire, const char *endpoint) {
    struct peer *peer = zhashx_lookup(wire->peers, endpoint);
    if (!peer) {
        if (strncmp(endpoint, "ipc://", 6) != 0 || zhashx_size(wire->peers) >= PEERS_MAX)
            return NULL;
        peer = sw_zalloc(sizeof(*peer));
        peer->socket = zsock_new(ZMQ_DEALER);
        zsock_set_sndhwm(peer->socket, HWM);
        zsock_set_linger(peer->socket, 200);
        zsock_set_reconnect_ivl(peer->socket, 20);
        zsock_set_reconnect_ivl_max(peer->socket, 1000);
        zsock_set_heartbeat_ivl(peer->socket, 2000);
        zsock_set_heartbeat_timeout(peer->socket, 6000);
        zmq_connect(zsock_resolve(peer->socket), endpoint);
        zhashx_insert(wire->peers, endpoint, peer);
    }
    peer->used_ms = zclock_mono();
    return zsock_resolve(peer->socket);
}

static void send_frames(struct sw_wire *wire, const char *endpoint, const char *tag,
                        const void *head, size_t head_size, const char *data, size_t size) {
    void *socket = endpoint[0] ? peer_socket(wire, endpoint) : NULL;
    if (!socket || zmq_send(socket, tag, 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        sw_metric_add(SW_M_WIRE_SKIPPED, 1);
        return;
    }
    if (head) zmq_send(socket, head, head_size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(socket, data, size, ZMQ_DONTWAIT);
    sw_metric_add(SW_M_WIRE_SENT, 1);
}

void sw_wire_entry(struct sw_wire *wire, const char *endpoint, unsigned shard, unsigned lane,
                   uint64_t gen, uint64_t seq, const char *data, size_t size) {
    struct head head = {.shard = (uint8_t)shard, .lane = (uint8_t)lane};
    uint64_t id[2] = {htobe64(gen), htobe64(seq)};
    memcpy(head.id, id, sizeof(id));
    send_frames(wire, endpoint, "L", &head, sizeof(head), data, size);
}

void sw_wire_tell(struct sw_wire *wire, const char *endpoint, const char *data, size_t size) {
    send_frames(wire, endpoint, "T", NULL, 0, data, size);
}

void sw_wire_hand(struct sw_wire *wire, const char *endpoint, unsigned shard) {
    char byte = (char)shard;
    send_frames(wire, endpoint, "H", NULL, 0, &byte, 1);
}

void sw_wire_tidy(struct sw_wire *wire) {
    int64_t now_ms = zclock_mono();
    zlistx_t *endpoints = zhashx_keys(wire->peers);
    for (const char *e = zlistx_first(endpoints); e; e = zlistx_next(endpoints)) {
        const struct peer *peer = zhashx_lookup(wire->peers, e);
        if (now_ms - peer->used_ms > IDLE_MS) zhashx_delete(wire->peers, e);
    }
    zlistx_destroy(&endpoints);
}
