/* wire_priv.h -- between wire.c (peers, sending), wire_address.c (where), wire_gate.c (who is let in), wire_in.c (what comes).
 *
 * shapes   struct sw__wire_address: a place with its key; User-Id of ZAP: "<role>/<key id>"
 * units    *_ms count on CLOCK_MONOTONIC
 * errors   -errno, with one line in `error`
 * owner    the loop thread; ZeroMQ's own threads see only its sockets
 * source   wire.h
 * limits   an endpoint of 119 characters
 */
#ifndef SW_WIRE_PRIV_H
#define SW_WIRE_PRIV_H

#include "common/key_file.h"
#include "common/wire.h"

#include <czmq.h>

#define SW__WIRE_HWM 1000
#define SW__WIRE_MAX_BYTES (128 * 1024)
#define SW__HANDSHAKE_MS 5000
#define SW__ROLE_CHARS 15

struct sw__wire_head { /* of an entry; id: two u64, big endian */
    uint8_t shard, lane, zero[2];
    uint8_t id[16];
};

enum sw__wire_kind { SW__WIRE_IPC, SW__WIRE_PLAIN, SW__WIRE_CURVE };

struct sw__wire_address {
    char at[72]; /* "tcp://[::1]:7400", as zmq_connect wants it */
    char key[SW_KEY_ID_CHARS + 1];
    bool loopback;
};

struct sw_wire {
    zloop_t *loop;
    const char *role;
    enum sw__wire_kind kind;
    void *context; /* of its own: ZAP has one handler a context */
    void *router;
    char endpoint[160];
    char path[150];  /* of the ipc socket */
    zhashx_t *peers; /* endpoint -> struct peer */
    struct sw_wire_events events;
    struct sw_curve *curve; /* NULL: no keys */
    void *zap, *monitor;
    int listener; /* of tcp: ZeroMQ owns it; -1: none */
    bool paused;  /* nobody new is let in */
    int64_t connections;
    int64_t said_at_ms, refusals; /* since then */
};

/* wire_address.c */
/* "tcp://..." of the setting: -EINVAL with one line. */
int sw__wire_listen(struct sw_wire *wire, const char *setting, const char *name, char *error,
                    size_t room);
/* Where others listen; false: no such endpoint. */
bool sw__wire_address(const char *endpoint, struct sw__wire_address *ret);

/* wire_gate.c */
int sw__gate_open(struct sw_wire *wire); /* before the router listens */
void sw__gate_close(struct sw_wire *wire);
/* The role whose key, still in the list, this frame came under; NULL: it is refused. */
const char *sw__gate_speaker(struct sw_wire *wire, zmq_msg_t *frame, char ret[SW__ROLE_CHARS + 1]);

/* wire_in.c */
int sw__wire_on_readable(zloop_t *loop, zmq_pollitem_t *item, void *arg);
/* One message of at most `most` frames, which the caller closes: how many; 0: there is none, -E2BIG: it had more. */
int sw__wire_frames(void *socket, zmq_msg_t *frame, int most);
void sw__wire_set(void *socket, int option, int value);

#endif
