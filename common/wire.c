/* wire.c -- one ROUTER in, one DEALER per peer; see wire.h. */
#include "common/curve.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/wire_priv.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PEERS_MAX 512 /* 64 processes of each role */
#define IDLE_MS 60000
#define STUCK_MS 2000 /* a peer that takes nothing for so long is connected anew */
#define ANSWER_MAX_BYTES                                                                           \
    4096 /* a peer says nothing on our own connection but ZeroMQ's handshake and heartbeats */

struct peer {
    void *socket;
    char role[SW__ROLE_CHARS + 1], key[SW_KEY_ID_CHARS + 1];
    int64_t used_ms, stuck_ms; /* stuck_ms 0: it takes what it is sent */
};

void sw__wire_set(void *socket, int option, int value) {
    zmq_setsockopt(socket, option, &value, sizeof(value));
}

static void peer_destroy(void **p) {
    struct peer *peer = *p;
    if (!peer) return;
    zmq_close(peer->socket);
    free(peer);
    *p = NULL;
}

/* ---- the wire ---- */

static int listen_ipc(struct sw_wire *wire, const char *dir, const char *name, char *error,
                      size_t room) {
    /* The path of a unix socket has 107 characters at most. */
    int n = snprintf(wire->path, sizeof(wire->path), "%s/%s.sock", dir, name);
    int r = n >= 100 ? -ENAMETOOLONG : 0;
    if (r < 0) wire->path[0] = 0;
    snprintf(wire->endpoint, sizeof(wire->endpoint), "ipc://%s", wire->path);
    if (r == 0 && zmq_bind(wire->router, wire->endpoint) < 0) r = -zmq_errno();
    if (r < 0) snprintf(error, room, "SLIPWAY_RUN_DIR %s: %s", dir, strerror(-r));
    return r;
}

/* Keys of this role: they are used. None: only this machine is spoken to. */
static int load_keys(struct sw_wire *wire, const char *dir, char *error, size_t room) {
    int r = sw_curve_load(dir, wire->role, &wire->curve, error, room);
    wire->kind = r == 0 ? SW__WIRE_CURVE : SW__WIRE_PLAIN;
    return r == -ENOENT && !error[0] ? 0 : r;
}

static void make_router(struct sw_wire *wire) {
    wire->context = zmq_ctx_new();
    wire->router = zmq_socket(wire->context, ZMQ_ROUTER);
    sw__wire_set(wire->router, ZMQ_ROUTER_MANDATORY, 1);
    sw__wire_set(wire->router, ZMQ_RCVHWM, SW__WIRE_HWM);
    sw__wire_set(wire->router, ZMQ_LINGER, 200);
    int64_t most = SW__WIRE_MAX_BYTES;
    zmq_setsockopt(wire->router, ZMQ_MAXMSGSIZE, &most, sizeof(most));
    if (wire->kind == SW__WIRE_IPC) return;
    sw__wire_set(wire->router, ZMQ_IPV6, 1);
    sw__wire_set(wire->router, ZMQ_HANDSHAKE_IVL, SW__HANDSHAKE_MS);
    /* A machine that is gone says nothing, not even that. */
    sw__wire_set(wire->router, ZMQ_HEARTBEAT_IVL, 2000);
    sw__wire_set(wire->router, ZMQ_HEARTBEAT_TIMEOUT, 6000);
}

int sw_wire_create(zloop_t *loop, const struct sw_conf *conf, const char *role, const char *name,
                   const struct sw_wire_events *events, struct sw_wire **ret, char *error,
                   size_t room) {
    struct sw_wire *wire = sw_zalloc(sizeof(*wire));
    const bool ipc = !strcmp(conf->wire, "ipc");
    wire->loop = loop;
    wire->role = role;
    wire->events = *events;
    wire->listener = -1;
    wire->peers = zhashx_new();
    zhashx_set_destructor(wire->peers, peer_destroy);
    int r = ipc ? 0 : load_keys(wire, conf->key_dir, error, room);
    if (r == 0) {
        make_router(wire);
        r = sw__gate_open(wire);
        if (r < 0) snprintf(error, room, "SLIPWAY_WIRE %s: %s", conf->wire, zmq_strerror(-r));
    }
    if (r == 0)
        r = ipc ? listen_ipc(wire, conf->run_dir, name, error, room)
                : sw__wire_listen(wire, conf->wire, name, error, room);
    if (r < 0) {
        sw_wire_destroy(wire);
        return r;
    }
    zmq_pollitem_t item = {wire->router, 0, ZMQ_POLLIN, 0};
    zloop_poller(loop, &item, sw__wire_on_readable, wire);
    *ret = wire;
    return 0;
}

void sw_wire_destroy(struct sw_wire *wire) {
    if (!wire) return;
    zhashx_destroy(&wire->peers);
    if (wire->router) {
        zmq_pollitem_t item = {wire->router, 0, ZMQ_POLLIN, 0};
        zloop_poller_end(wire->loop, &item);
        sw__gate_close(wire);
        zmq_close(wire->router);
    }
    while (wire->context && zmq_ctx_term(wire->context) < 0 && zmq_errno() == EINTR) {
    }
    if (wire->path[0]) unlink(wire->path);
    sw_curve_destroy(wire->curve);
    free(wire);
}

const char *sw_wire_endpoint(const struct sw_wire *wire) {
    return wire->endpoint;
}

const struct sw_curve *sw_wire_curve(const struct sw_wire *wire) {
    return wire->curve;
}

/* ---- peers ---- */

/* Where this wire may connect to; a process of another kind of wire cannot be reached. */
static bool may_speak(struct sw_wire *wire, const char *endpoint, const struct peer *peer,
                      const struct sw__wire_address *address, const uint8_t **ret_key) {
    if (wire->kind == SW__WIRE_IPC) return strncmp(endpoint, "ipc://", 6) == 0;
    if (wire->kind == SW__WIRE_PLAIN)
        return address->at[0] && address->loopback && !address->key[0];
    if (!address->at[0]) return false;
    *ret_key = sw_curve_key(wire->curve, peer->role, address->key);
    if (!*ret_key) sw_wire_refuse(wire, "server_key", endpoint);
    return *ret_key != NULL;
}

static void *connect_to(struct sw_wire *wire, const char *at, const uint8_t *key) {
    void *socket = zmq_socket(wire->context, ZMQ_DEALER);
    sw__wire_set(socket, ZMQ_SNDHWM, SW__WIRE_HWM);
    sw__wire_set(socket, ZMQ_LINGER, 200);
    sw__wire_set(socket, ZMQ_RECONNECT_IVL, 20);
    sw__wire_set(socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    sw__wire_set(socket, ZMQ_HEARTBEAT_IVL, 2000);
    sw__wire_set(socket, ZMQ_HEARTBEAT_TIMEOUT, 6000);
    if (wire->kind != SW__WIRE_IPC) {
        int64_t most = ANSWER_MAX_BYTES;
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof(most));
        sw__wire_set(socket, ZMQ_RCVHWM, 1);
        sw__wire_set(socket, ZMQ_IPV6, 1);
        sw__wire_set(socket, ZMQ_HANDSHAKE_IVL, SW__HANDSHAKE_MS);
        sw__wire_set(socket, ZMQ_CONNECT_TIMEOUT, SW__HANDSHAKE_MS);
    }
    if (key) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key, SW_CURVE_BYTES);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, sw_curve_public(wire->curve), SW_CURVE_BYTES);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, sw_curve_secret(wire->curve), SW_CURVE_BYTES);
    }
    zmq_connect(socket, at);
    return socket;
}

static struct peer *peer_create(struct sw_wire *wire, const char *endpoint, const char *to,
                                size_t to_size) {
    struct sw__wire_address address = {0};
    struct peer peer = {0};
    const uint8_t *key = NULL;
    if (zhashx_size(wire->peers) >= PEERS_MAX) return NULL;
    if (wire->kind != SW__WIRE_IPC && !sw__wire_address(endpoint, &address)) return NULL;
    snprintf(peer.role, sizeof(peer.role), "%.*s", (int)to_size, to);
    snprintf(peer.key, sizeof(peer.key), "%s", address.key);
    if (!may_speak(wire, endpoint, &peer, &address, &key)) return NULL;
    peer.socket = connect_to(wire, wire->kind == SW__WIRE_IPC ? endpoint : address.at, key);
    struct peer *kept = sw_malloc(sizeof(*kept));
    *kept = peer;
    zhashx_insert(wire->peers, endpoint, kept);
    return kept;
}

static struct peer *peer_of(struct sw_wire *wire, const char *endpoint, const char *to) {
    const size_t size = strcspn(to, ":");
    if (!endpoint[0]) return NULL;
    struct peer *peer = zhashx_lookup(wire->peers, endpoint);
    /* Under a key of one role nobody is spoken to as another. */
    if (peer && wire->curve && (strlen(peer->role) != size || memcmp(peer->role, to, size) != 0)) {
        sw_wire_refuse(wire, "server_key", endpoint);
        return NULL;
    }
    if (!peer) peer = peer_create(wire, endpoint, to, size);
    if (peer) peer->used_ms = zclock_mono();
    return peer;
}

/* After a refused handshake ZeroMQ does not try again by itself; a key may be known by now that was not. */
static void note_stuck(struct sw_wire *wire, const char *endpoint, struct peer *peer) {
    if (!wire->curve) return;
    if (!peer->stuck_ms) peer->stuck_ms = peer->used_ms;
    if (peer->used_ms - peer->stuck_ms >= STUCK_MS) zhashx_delete(wire->peers, endpoint);
}

static void send_frames(struct sw_wire *wire, const char *endpoint, const char *to, const char *tag,
                        const void *head, size_t head_size, const char *data, size_t size) {
    struct peer *peer = peer_of(wire, endpoint, to);
    if (!peer || zmq_send(peer->socket, tag, 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        sw_metric_add(SW_M_WIRE_SKIPPED, 1);
        if (peer) note_stuck(wire, endpoint, peer);
        return;
    }
    peer->stuck_ms = 0;
    if (head) zmq_send(peer->socket, head, head_size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(peer->socket, data, size, ZMQ_DONTWAIT);
    sw_metric_add(SW_M_WIRE_SENT, 1);
}

void sw_wire_entry(struct sw_wire *wire, const char *endpoint, const char *to, unsigned shard,
                   unsigned lane, uint64_t gen, uint64_t seq, const char *data, size_t size) {
    struct sw__wire_head head = {.shard = (uint8_t)shard, .lane = (uint8_t)lane};
    uint64_t id[2] = {htobe64(gen), htobe64(seq)};
    memcpy(head.id, id, sizeof(id));
    send_frames(wire, endpoint, to, "L", &head, sizeof(head), data, size);
}

void sw_wire_tell(struct sw_wire *wire, const char *endpoint, const char *to, const char *data,
                  size_t size) {
    send_frames(wire, endpoint, to, "T", NULL, 0, data, size);
}

void sw_wire_hand(struct sw_wire *wire, const char *endpoint, unsigned shard) {
    char byte = (char)shard;
    send_frames(wire, endpoint, wire->role, "H", NULL, 0, &byte, 1);
}

/* Those that `gone` is true of. */
static void forget(struct sw_wire *wire,
                   bool (*gone)(const struct sw_wire *, const struct peer *)) {
    zlistx_t *endpoints = zhashx_keys(wire->peers);
    for (const char *e = zlistx_first(endpoints); e; e = zlistx_next(endpoints)) {
        if (gone(wire, zhashx_lookup(wire->peers, e))) zhashx_delete(wire->peers, e);
    }
    zlistx_destroy(&endpoints);
}

static bool is_idle(const struct sw_wire *wire, const struct peer *peer) {
    (void)wire;
    return zclock_mono() - peer->used_ms > IDLE_MS;
}

static bool is_retired(const struct sw_wire *wire, const struct peer *peer) {
    return !sw_curve_key(wire->curve, peer->role, peer->key);
}

void sw_wire_tidy(struct sw_wire *wire) {
    forget(wire, is_idle);
}

int sw_wire_reload(struct sw_wire *wire, char *error, size_t room) {
    if (!wire->curve) return 0;
    int r = sw_curve_reload(wire->curve, error, room);
    if (r == 0) forget(wire, is_retired);
    return r;
}
