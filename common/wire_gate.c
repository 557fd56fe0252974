/* wire_gate.c -- who is let in: ZAP on the process' own loop, and a monitor that counts who was not; see wire_priv.h.
 *
 * ZeroMQ asks for each handshake (mechanism CURVE only: others do not get so far) and keeps the answer as the User-Id of all that
 * comes by that connection. A key may be retired while it is open, so the User-Id is looked up again with each message. */
#include "common/curve.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/wire_priv.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define ZAP "inproc://zeromq.zap.01"
#define MONITOR "inproc://wire.monitor"
#define DOMAIN "slipway"
#define ASKS_A_TURN 64
#define EVENTS_A_TURN 256
#define ZAP_FRAMES 7
#define SAY_MS 1000
#define CONNECTIONS_MAX 1024 /* and half of the files that this process may open */

void sw_wire_refuse(struct sw_wire *wire, const char *reason, const char *who) {
    int64_t now_ms = zclock_mono();
    sw_metric_add(SW_M_WIRE_REFUSED, 1, reason);
    wire->refusals++;
    if (wire->said_at_ms && now_ms - wire->said_at_ms < SAY_MS) return;
    sw_log(SW_LOG_WARN, "refused on the wire", SW_S("reason", reason), SW_S("from", who ? who : ""),
           SW_I("count", wire->refusals));
    wire->said_at_ms = now_ms;
    wire->refusals = 0;
}

static bool is(zmq_msg_t *frame, const char *text) {
    size_t size = strlen(text);
    return zmq_msg_size(frame) == size && memcmp(zmq_msg_data(frame), text, size) == 0;
}

static void answer(struct sw_wire *wire, zmq_msg_t *request_id, const char *user) {
    const char *status = user[0] ? "200" : "400";
    zmq_send(wire->zap, "1.0", 3, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(wire->zap, zmq_msg_data(request_id), zmq_msg_size(request_id),
             ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(wire->zap, status, 3, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(wire->zap, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(wire->zap, user, strlen(user), ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(wire->zap, "", 0, ZMQ_DONTWAIT);
}

/* Frames: version, request id, domain, address, routing id, mechanism, key. */
static void judge(struct sw_wire *wire, zmq_msg_t *frame, int frames) {
    char user[SW__ROLE_CHARS + SW_KEY_ID_CHARS + 2] = "", address[64] = "";
    const char *id = NULL, *role = NULL;
    if (frames == ZAP_FRAMES && is(&frame[0], "1.0") && is(&frame[2], DOMAIN) &&
        is(&frame[5], "CURVE") && zmq_msg_size(&frame[6]) == SW_CURVE_BYTES)
        role = sw_curve_find(wire->curve, zmq_msg_data(&frame[6]), &id);
    if (role) {
        snprintf(user, sizeof(user), "%s/%s", role, id);
    } else {
        if (frames > 3)
            snprintf(address, sizeof(address), "%.*s", (int)zmq_msg_size(&frame[3]),
                     (const char *)zmq_msg_data(&frame[3]));
        sw_wire_refuse(wire, "key", address);
    }
    answer(wire, &frame[1], user);
}

static int on_asked(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_wire *wire = arg;
    (void)loop;
    (void)item;
    for (int n = 0; n < ASKS_A_TURN; n++) {
        zmq_msg_t frame[ZAP_FRAMES];
        int frames = sw__wire_frames(wire->zap, frame, ZAP_FRAMES);
        if (frames == 0) break;
        if (frames > 1)
            judge(wire, frame, frames);
        else
            zmq_send(wire->zap, "", 0,
                     ZMQ_DONTWAIT); /* nobody asks so; unanswered it would ask no more */
        for (int i = 0; i < frames; i++)
            zmq_msg_close(&frame[i]);
    }
    return 0;
}

/* Without a User-Id nobody asked here: nobody was let in by us. */
const char *sw__gate_speaker(struct sw_wire *wire, zmq_msg_t *frame, char ret[SW__ROLE_CHARS + 1]) {
    const char *user = zmq_msg_gets(frame, "User-Id");
    const char *slash = user ? strchr(user, '/') : NULL;
    if (slash && slash - user <= SW__ROLE_CHARS) {
        snprintf(ret, SW__ROLE_CHARS + 1, "%.*s", (int)(slash - user), user);
        if (sw_curve_key(wire->curve, ret, slash + 1)) return ret;
    }
    sw_wire_refuse(wire, "retired", user);
    return NULL;
}

/* ---- connections ---- */

/* The kernel drops who calls at our port, or does not: who is connected notices nothing, who is not tries again. ZeroMQ takes in
 * whoever comes, until no file can be opened any more, also by Redis' connection or a call. */
static void pause_listening(struct sw_wire *wire, bool paused) {
    struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog drop = {.len = 1, .filter = &nothing};
    int none = 0;
    if (paused) sw_wire_refuse(wire, "connections", NULL);
    wire->paused = paused;
    if (setsockopt(wire->listener, SOL_SOCKET, paused ? SO_ATTACH_FILTER : SO_DETACH_FILTER,
                   paused ? (void *)&drop : &none, paused ? sizeof(drop) : sizeof(none)) < 0)
        sw_log(SW_LOG_ERROR, "the wire's port cannot be paused", SW_S("error", strerror(errno)));
}

static void pace(struct sw_wire *wire) {
    struct rlimit files;
    int64_t most = CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < (rlim_t)most)
        most = (int64_t)(files.rlim_cur / 2);
    if (!wire->paused && wire->connections >= most) pause_listening(wire, true);
    if (wire->paused && wire->connections < most * 3 / 4) pause_listening(wire, false);
}

static void note(struct sw_wire *wire, int event) {
    switch (event) {
    case ZMQ_EVENT_ACCEPTED:
        wire->connections++;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        wire->connections--;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        sw_wire_refuse(wire, "protocol", NULL);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        sw_wire_refuse(wire, "handshake", NULL);
        break;
    default:
        break;
    }
}

static int on_event(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_wire *wire = arg;
    (void)loop;
    (void)item;
    for (int n = 0; n < EVENTS_A_TURN; n++) {
        zmq_msg_t frame[2]; /* event u16 and value i32, then the address */
        uint16_t event;
        int frames = sw__wire_frames(wire->monitor, frame, 2);
        if (frames == 0) break;
        if (frames > 0 && zmq_msg_size(&frame[0]) >= sizeof(event)) {
            memcpy(&event, zmq_msg_data(&frame[0]), sizeof(event));
            note(wire, event);
        }
        for (int i = 0; i < frames; i++)
            zmq_msg_close(&frame[i]);
    }
    if (wire->listener >= 0) pace(wire);
    return 0;
}

static int watch(struct sw_wire *wire, void *socket, zloop_fn *fn) {
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    return zloop_poller(wire->loop, &item, fn, wire) < 0 ? -ENOMEM : 0;
}

static int open_monitor(struct sw_wire *wire) {
    const int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    if (zmq_socket_monitor(wire->router, MONITOR, events) < 0) return -zmq_errno();
    wire->monitor = zmq_socket(wire->context, ZMQ_PAIR);
    sw__wire_set(wire->monitor, ZMQ_LINGER, 0);
    /* ZeroMQ's thread waits for room there, and with it all connections: so there is always room, and this loop never stands
     * still for more than its watchdog's time. */
    sw__wire_set(wire->monitor, ZMQ_RCVHWM, 0);
    if (zmq_connect(wire->monitor, MONITOR) < 0) return -zmq_errno();
    return watch(wire, wire->monitor, on_event);
}

int sw__gate_open(struct sw_wire *wire) {
    if (wire->kind == SW__WIRE_IPC) return 0;
    if (wire->curve) {
        wire->zap = zmq_socket(wire->context, ZMQ_REP);
        sw__wire_set(wire->zap, ZMQ_LINGER, 0);
        if (zmq_bind(wire->zap, ZAP) < 0) return -zmq_errno();
        int r = watch(wire, wire->zap, on_asked);
        if (r < 0) return r;
        sw__wire_set(wire->router, ZMQ_CURVE_SERVER, 1);
        zmq_setsockopt(wire->router, ZMQ_CURVE_SECRETKEY, sw_curve_secret(wire->curve),
                       SW_CURVE_BYTES);
        zmq_setsockopt(wire->router, ZMQ_ZAP_DOMAIN, DOMAIN, strlen(DOMAIN));
    }
    return open_monitor(wire);
}

static void unwatch(struct sw_wire *wire, void **socket) {
    zmq_pollitem_t item = {*socket, 0, ZMQ_POLLIN, 0};
    if (!*socket) return;
    zloop_poller_end(wire->loop, &item);
    zmq_close(*socket);
    *socket = NULL;
}

void sw__gate_close(struct sw_wire *wire) {
    /* First the one that sends: it would wait for ever for a reader that is gone. */
    if (wire->monitor) zmq_socket_monitor(wire->router, NULL, 0);
    unwatch(wire, &wire->monitor);
    unwatch(wire, &wire->zap);
}
