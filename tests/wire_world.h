/* wire_world.h -- ends of the wire between machines in one process, on one loop, and strangers who try to be heard.
 *
 * shapes   struct party: a wire of a role and what it heard; a stranger: a DEALER in a context of its own
 * units    *_ms milliseconds
 * errors   none: a test that goes wrong fails
 * owner    world_open .. world_close ends all parties; strangers end with stranger_close
 * source   common/wire.h
 * limits   PARTIES ends; a wait of PATIENCE_MS
 */
#ifndef SW_TESTS_WIRE_WORLD_H
#define SW_TESTS_WIRE_WORLD_H

#include "common/curve.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/wire.h"
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <czmq.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define PARTIES 8
#define PATIENCE_MS 20000
#define TCP "tcp://127.0.0.1:0"

struct party {
    struct sw_wire *wire;
    const char *role;
    unsigned entries, tells, hands, strange; /* strange: what a stranger said */
    char from[16], last[64];                 /* of the last tell or entry; "" nobody's key */
};

struct world {
    char dir[64];
    zloop_t *loop;
    struct party party[PARTIES];
    unsigned parties;
};

static inline void heard(struct party *p, const char *from, const char *data, size_t size) {
    snprintf(p->from, sizeof(p->from), "%s", from ? from : "");
    snprintf(p->last, sizeof(p->last), "%.*s", (int)size, data);
    p->strange += !strcmp(p->last, "strange");
}

static inline void on_entry(void *arg, const char *from, unsigned shard, unsigned lane,
                            uint64_t gen, uint64_t seq, const char *data, size_t size) {
    struct party *p = arg;
    (void)shard, (void)lane, (void)gen, (void)seq;
    p->entries++;
    heard(p, from, data, size);
}

static inline void on_tell(void *arg, const char *from, const char *data, size_t size) {
    struct party *p = arg;
    p->tells++;
    heard(p, from, data, size);
}

static inline void on_hand(void *arg, unsigned shard) {
    (void)shard;
    ((struct party *)arg)->hands++;
}

static inline void on_turn(void *arg) {
    (void)arg;
}

/* With keys of the wire for all roles, unless `plain`. */
static inline void world_open(struct world *w, bool plain) {
    char error[512];
    memset(w, 0, sizeof(*w));
    assert_int_equal(keys_dir_make(w->dir), 0);
    if (!plain) assert_int_equal(sw_keys_curve(w->dir, error, sizeof(error)), 0);
    w->loop = zloop_new();
    sw_metrics_reset();
}

static inline int party_try(struct world *w, const char *role, const char *setting, char *error,
                            size_t room) {
    static unsigned number;
    struct party *p = &w->party[w->parties];
    struct sw_conf conf = {
        .wire = (char *)(uintptr_t)setting, .run_dir = w->dir, .key_dir = w->dir};
    struct sw_wire_events events = {on_entry, on_tell, on_hand, on_turn, p};
    SW_AUTO(sw_text) char *name = sw_printf("%s-%u", role, ++number);
    *p = (struct party){.role = role};
    return sw_wire_create(w->loop, &conf, role, name, &events, &p->wire, error, room);
}

static inline struct party *party_at(struct world *w, const char *role, const char *setting) {
    char error[512];
    if (w->parties == PARTIES) fail_msg("too many parties");
    if (party_try(w, role, setting, error, sizeof(error)) < 0) fail_msg("%s", error);
    return &w->party[w->parties++];
}

static inline struct party *party(struct world *w, const char *role) {
    return party_at(w, role, TCP);
}

static inline void world_close(struct world *w) {
    for (unsigned i = 0; i < w->parties; i++)
        sw_wire_destroy(w->party[i].wire);
    zloop_destroy(&w->loop);
    keys_dir_remove(w->dir);
}

static inline int on_moment(zloop_t *loop, int timer, void *arg) {
    (void)loop, (void)timer, (void)arg;
    return -1;
}

static inline void turn(struct world *w) {
    zloop_timer(w->loop, 1, 1, on_moment, NULL);
    zloop_start(w->loop);
}

static inline int64_t patience_ms(void) {
    return zclock_mono() + PATIENCE_MS;
}

/* Turns until `condition`. */
#define UNTIL(w, condition)                                                                        \
    for (int64_t until_ms_ = patience_ms(); !(condition);) {                                       \
        if (zclock_mono() > until_ms_) fail_msg("waited in vain for " #condition);                 \
        turn(w);                                                                                   \
    }

static inline int64_t refused(const char *reason) {
    return sw_metric_value(SW_M_WIRE_REFUSED, reason);
}

static inline void tell(struct party *from, struct party *to, const char *text) {
    sw_wire_tell(from->wire, sw_wire_endpoint(to->wire), to->role, text, strlen(text));
}

/* Handshakes that failed, whoever saw it first. */
static inline int64_t failed(void) {
    return refused("protocol") + refused("handshake");
}

/* Says it again and again, as senders do, until it is heard. */
static inline void tell_until_heard(struct world *w, struct party *from, struct party *to,
                                    const char *text) {
    UNTIL(w, (tell(from, to, text), turn(w), !strcmp(to->last, text)));
    assert_string_equal(to->from, sw_wire_curve(from->wire) ? from->role : "");
}

/* "tcp://127.0.0.1:1234" of its endpoint. */
static inline char *place(const struct party *p) {
    const char *endpoint = sw_wire_endpoint(p->wire);
    return sw_strndup(endpoint, strcspn(endpoint, "#"));
}

/* A connection without ZeroMQ that is there, or comes to be. */
static inline int dial_soon(const struct party *p) {
    SW_AUTO(sw_text) char *at = place(p);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(strrchr(at, ':') + 1)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EINPROGRESS);
    return fd;
}

static inline int dial(const struct party *p) {
    int fd = dial_soon(p);
    struct pollfd there = {fd, POLLOUT, 0};
    assert_int_equal(poll(&there, 1, PATIENCE_MS), 1);
    return fd;
}

/* The other side may have hung up already. */
static inline void say(int fd, const void *bytes, size_t size) {
    assert_true(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size || errno == EPIPE ||
                errno == ECONNRESET);
}

/* Whether the other side has hung up. */
static inline bool is_ended(int fd) {
    char bytes[256];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
    }
    return n == 0 || errno != EAGAIN;
}

struct stranger {
    void *context, *socket, *monitor;
};

/* What is not connected yet. `events` are told by stranger_met. */
static inline struct stranger stranger_open(int type) {
    struct stranger s = {.context = zmq_ctx_new()};
    int none = 0;
    s.socket = zmq_socket(s.context, type);
    zmq_setsockopt(s.socket, ZMQ_LINGER, &none, sizeof(none));
    zmq_socket_monitor(s.socket, "inproc://m", ZMQ_EVENT_ALL);
    s.monitor = zmq_socket(s.context, ZMQ_PAIR);
    zmq_setsockopt(s.monitor, ZMQ_LINGER, &none, sizeof(none));
    zmq_setsockopt(s.monitor, ZMQ_RCVHWM, &none, sizeof(none));
    zmq_connect(s.monitor, "inproc://m");
    return s;
}

static inline void stranger_close(struct stranger *s) {
    zmq_socket_monitor(s->socket, NULL, 0);
    zmq_close(s->monitor);
    zmq_close(s->socket);
    zmq_ctx_term(s->context);
}

/* Whether any of these events came since the last look. */
static inline bool stranger_met(struct stranger *s, int events) {
    bool met = false;
    zmq_msg_t m;
    zmq_msg_init(&m);
    while (zmq_msg_recv(&m, s->monitor, ZMQ_DONTWAIT) >= 0) {
        uint16_t event;
        if (zmq_msg_more(&m)) {
            memcpy(&event, zmq_msg_data(&m), sizeof(event));
            met = met || (event & events);
        }
    }
    zmq_msg_close(&m);
    return met;
}

static inline void stranger_curve(struct stranger *s, const uint8_t *server,
                                  const uint8_t public[32], const uint8_t secret[32]) {
    zmq_setsockopt(s->socket, ZMQ_CURVE_SERVERKEY, server, 32);
    zmq_setsockopt(s->socket, ZMQ_CURVE_PUBLICKEY, public, 32);
    zmq_setsockopt(s->socket, ZMQ_CURVE_SECRETKEY, secret, 32);
}

static inline void stranger_connect(struct stranger *s, const struct party *p) {
    SW_AUTO(sw_text) char *at = place(p);
    assert_int_equal(zmq_connect(s->socket, at), 0);
    zmq_send(s->socket, "T", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(s->socket, "strange", 7, ZMQ_DONTWAIT);
}

#endif
