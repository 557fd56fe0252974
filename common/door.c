/* door.c -- HTTP in, on libmicrohttpd with an epoll of its own inside zloop; see door.h.
 *
 * One struct sw_waiting lives as long as its connection and serves its requests one after the other,
 * so that a request costs no memory of its own. Three clocks bound a peer: libmicrohttpd's idle time,
 * and from the sweep the time of a whole request and of the silence (or trickle) before one. */
#include "common/door.h"
#include "common/door_priv.h"
#include "common/mem.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_S 15
#define SWEEP_MS 1000
#define POOL_BYTES (2 * SW__HEAD_BYTES)  /* half of it is the first read buffer */
#define KEEP_BYTES 4096                  /* a body's room that stays with its connection */
#define BODIES_BYTES (128 * 1024 * 1024) /* of all connections together */
#define SMALL_BYTES (32 * 1024 * 1024)   /* of them, what large ones leave to the others */
#define ROUNDS_MAX 8                     /* before other pollers of the loop get their turn */
#define FLUSH_ROUNDS 50
#define FLUSH_MS 10

enum state { IDLE, READING, ASKED, WAITING, ANSWERED };

struct sw_waiting {
    struct sw_door *door;              /* NULL: gone; lives on only to be answered */
    struct MHD_Connection *connection; /* NULL: the peer is gone */
    LIST_ENTRY(sw_waiting) link;
    enum state state;
    bool checked;     /* its headers were looked at */
    bool given_up;    /* by the sweep */
    int64_t since_ms; /* in this state */
    char *uri;
    size_t uri_size, uri_room;
    char *body;
    size_t body_size, body_room, body_most;
    struct sw__head head;
    unsigned status; /* ANSWERED */
    struct MHD_Response *response;
    bool shared; /* the response is the door's */
};

struct sw_door {
    struct _zloop_t *loop;
    struct MHD_Daemon *daemon;
    struct zmq_pollitem_t poll;
    int sweep_timer, again_timer; /* again_timer: -1 not armed */
    void (*turn)(void *arg);
    void *turn_arg;
    struct sw_door_limits limits;
    sw_door_fn *fn;
    void (*refused)(void *arg, const char *reason);
    void *arg;
    LIST_HEAD(, sw_waiting) all;
    size_t bodies_bytes;          /* room held by all connections */
    unsigned port, unsent, count; /* connections: waiting for the answer to leave; in all */
    bool leaving, quiet, running, more;
    struct MHD_Response *empty; /* the answer given most: shared */
};

static void enter(struct sw_waiting *w, enum state state) {
    w->state = state;
    w->since_ms = sw__door_ms();
}

static void release_body(struct sw_waiting *w) {
    w->door->bodies_bytes -= w->body_room;
    free(w->body);
    w->body = NULL;
    w->body_room = 0;
}

static void release_response(struct sw_waiting *w) {
    if (w->response && !w->shared) MHD_destroy_response(w->response);
    w->response = NULL;
    w->shared = false;
}

static void destroy(struct sw_waiting *w) {
    free(w->uri);
    free(w->body);
    release_response(w);
    free(w);
}

static void count_refusal(struct sw_door *door, const char *reason) {
    if (door->refused) door->refused(door->arg, reason);
}

static enum MHD_Result queue(struct sw_waiting *w) {
    enum MHD_Result result = MHD_queue_response(w->connection, w->status, w->response);
    release_response(w);
    return result;
}

/* Answers before the request is read whole, and closes: what follows cannot be trusted. */
static enum MHD_Result refuse(struct sw_waiting *w, unsigned status, const char *reason) {
    struct sw_reply reply = {.status = (int)status, .body = sw_printf("%s\n", reason)};
    w->response = sw__response(&reply, true);
    w->status = (unsigned)reply.status;
    count_refusal(w->door, reason);
    enter(w, ANSWERED);
    w->door->unsent++;
    return queue(w);
}

/* The door closes before this request was answered. */
static enum MHD_Result forsake(struct MHD_Connection *connection) {
    struct sw_reply reply = {.status = 503, .body = sw_strdup("closing\n")};
    struct MHD_Response *response = sw__response(&reply, true);
    enum MHD_Result result = MHD_queue_response(connection, 503, response);
    MHD_destroy_response(response);
    return result;
}

static bool append(struct sw_waiting *w, const char *data, size_t size) {
    size_t need = w->body_size + size + 1;
    if (need > w->body_most + 1) return false;
    if (need > w->body_room) {
        size_t room = w->body_room ? w->body_room : 1024;
        while (room < need) {
            room *= 2;
        }
        if (room > w->body_most + 1) room = w->body_most + 1;
        size_t all =
            need > w->door->limits.body_bytes + 1 ? BODIES_BYTES - SMALL_BYTES : BODIES_BYTES;
        if (w->door->bodies_bytes - w->body_room + room > all) return false;
        w->door->bodies_bytes += room - w->body_room;
        w->body = sw_realloc(w->body, room);
        w->body_room = room;
    }
    memcpy(w->body + w->body_size, data, size);
    w->body_size += size;
    w->body[w->body_size] = '\0';
    return true;
}

static enum MHD_Result ask(struct sw_waiting *w, const char *method) {
    char *query = strchr(w->uri, '?');
    if (query) *query++ = '\0';
    const struct sw_request request = {
        .method = method,
        .path = w->uri,
        .query = query ? query : "",
        .body = w->body_size ? w->body : "",
        .body_size = w->body_size,
        .content_type = w->head.content_type,
        .cookie = w->head.cookie,
        .authorization = w->head.authorization,
        .slack_signature = w->head.slack_signature,
        .slack_timestamp = w->head.slack_timestamp,
        .heroku_hmac = w->head.heroku_hmac,
        .github_event = w->head.github_event,
        .github_delivery = w->head.github_delivery,
        .github_signature = w->head.github_signature,
        .github_hook = w->head.github_hook,
        .accept = w->head.accept,
    };
    enter(w, ASKED);
    w->door->fn(w->door->arg, w, &request);
    if (w->body_room > KEEP_BYTES) release_body(w); /* whoever waits does so without it */
    if (w->state == ANSWERED) return queue(w);
    enter(w, WAITING);
    MHD_suspend_connection(w->connection);
    return MHD_YES;
}

static size_t body_most(const struct sw_waiting *w) {
    const struct sw_door_path *p = w->door->limits.paths;
    size_t size = strcspn(w->uri, "?");
    for (; p && p->path; p++) {
        if (strlen(p->path) == size && !memcmp(p->path, w->uri, size)) return p->body_bytes;
    }
    return w->door->limits.body_bytes;
}

/* libmicrohttpd calls this when the headers are in, for each part of the body, when all is in, and
 * again after a resume. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **context) {
    struct sw_waiting *w = *context;
    const char *reason = NULL;
    (void)arg;
    (void)url;
    if (!w) return MHD_NO;
    if (!w->door) return forsake(connection);
    if (w->state == ANSWERED) return w->response ? queue(w) : MHD_NO;
    if (!w->checked) {
        const struct sw__request_line line = {method, version, w->uri, w->uri_size};
        w->body_most = body_most(w);
        unsigned status = sw__head_check(connection, &line, w->body_most, &w->head, &reason);
        w->checked = true;
        return status ? refuse(w, status, reason) : MHD_YES;
    }
    if (*size) {
        if (!append(w, data, *size)) {
            count_refusal(w->door, "no_room");
            return MHD_NO;
        }
        *size = 0;
        return MHD_YES;
    }
    return ask(w, method);
}

static struct sw_waiting *waiting_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The request line is in: the only sight of the URI as it was sent. */
static void *begin(void *arg, const char *uri, struct MHD_Connection *connection) {
    struct sw_waiting *w = waiting_of(connection);
    (void)arg;
    if (!w || !uri) return NULL;
    w->uri_size = strlen(uri);
    if (w->uri_size >= w->uri_room) {
        w->uri_room = w->uri_size + 64;
        w->uri = sw_realloc(w->uri, w->uri_room);
    }
    memcpy(w->uri, uri, w->uri_size + 1);
    w->checked = false;
    enter(w, READING);
    return w;
}

static void complete(void *arg, struct MHD_Connection *connection, void **context,
                     enum MHD_RequestTerminationCode how) {
    struct sw_waiting *w = *context;
    struct sw_door *door = arg;
    (void)connection;
    *context = NULL;
    if (!w || !w->door || w->state == WAITING) return;
    if (w->state == READING && !w->checked && !w->given_up &&
        how == MHD_REQUEST_TERMINATED_WITH_ERROR)
        count_refusal(door, "malformed"); /* refused by libmicrohttpd itself */
    if (w->state == ANSWERED) door->unsent--;
    release_response(w);
    if (w->body_room > KEEP_BYTES) release_body(w); /* it was not read whole */
    w->body_size = 0;
    enter(w, IDLE);
}

static void connect_or_close(void *arg, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode code) {
    struct sw_door *door = arg;
    struct sw_waiting *w = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        w = sw_zalloc(sizeof(*w));
        w->door = door;
        w->connection = connection;
        enter(w, IDLE);
        LIST_INSERT_HEAD(&door->all, w, link);
        door->count++;
        *context = w;
        return;
    }
    *context = NULL;
    if (!w || !w->door) return;
    if (door->count-- == door->limits.connections) door->more = true; /* room again */
    LIST_REMOVE(w, link);
    release_body(w);
    w->connection = NULL;
    if (w->state != WAITING) {
        destroy(w);
    } else {
        w->door = NULL;
    }
}

static void run_soon(struct sw_door *door);

/* libmicrohttpd's epoll is edge-triggered inside, and neither a resume nor a listening socket that
 * may accept again makes it readable: what is left to do does not wake the loop. */
static int run(struct sw_door *door) {
    MHD_UNSIGNED_LONG_LONG wait_ms;
    unsigned rounds = 0;
    bool more = true;
    door->running = true;
    for (; more && rounds < ROUNDS_MAX; rounds++) {
        door->more = false;
        MHD_run(door->daemon);
        more = door->more || (MHD_get_timeout(door->daemon, &wait_ms) == MHD_YES && wait_ms == 0);
    }
    door->running = false;
    if (more) run_soon(door);
    if (door->turn) door->turn(door->turn_arg);
    return 0;
}

static int on_again(zloop_t *loop, int timer, void *arg) {
    struct sw_door *door = arg;
    (void)loop;
    (void)timer;
    door->again_timer = -1;
    return run(door);
}

static void run_soon(struct sw_door *door) {
    door->more = true;
    if (!door->running && door->again_timer < 0)
        door->again_timer = zloop_timer(door->loop, 0, 1, on_again, door);
}

void sw_door_on_turn(struct sw_door *door, void (*turn)(void *arg), void *arg) {
    door->turn = turn;
    door->turn_arg = arg;
}

void sw_door_flush(struct sw_door *door) {
    if (door->running || door->again_timer < 0) return;
    zloop_timer_end(door->loop, door->again_timer);
    door->again_timer = -1;
    run(door);
}

static int on_ready(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    (void)loop;
    (void)item;
    return run(arg);
}

static int64_t patience_ms(const struct sw_waiting *w) {
    const struct sw_door_limits *limits = &w->door->limits;
    int64_t request_ms = 1000LL * (limits->request_s ? limits->request_s : REQUEST_S);
    switch (w->state) {
    case IDLE: /* libmicrohttpd ends silence; this ends a request line that trickles in */
        return 1000LL * limits->idle_s + request_ms;
    case READING:
    case ANSWERED:
        return request_ms;
    case ASKED:
    case WAITING:
        break;
    }
    return INT64_MAX;
}

static void look_after(struct sw_waiting *w, int64_t now) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(w->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int64_t spent_ms = now - w->since_ms;
    bool late = spent_ms > patience_ms(w);
    bool left = info && spent_ms >= SWEEP_MS && (w->state == IDLE || w->state == READING) &&
                sw__has_left(info->connect_fd);
    if (!late && !left) return;
    if (late && w->state == READING) count_refusal(w->door, "slow");
    w->given_up = true;
    w->since_ms = now;
    if (info) shutdown(info->connect_fd, SHUT_RDWR);
}

static int on_sweep(zloop_t *loop, int timer, void *arg) {
    struct sw_door *door = arg;
    struct sw_waiting *w;
    int64_t now = sw__door_ms();
    (void)loop;
    (void)timer;
    if (LIST_EMPTY(&door->all)) return 0;
    LIST_FOREACH(w, &door->all, link) look_after(w, now);
    return run(door);
}

static struct MHD_Daemon *start(struct sw_door *door, int fd) {
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, door,
                            MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT,
                            door->limits.connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                            door->limits.connections_per_ip, MHD_OPTION_CONNECTION_TIMEOUT,
                            door->limits.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)POOL_BYTES, MHD_OPTION_URI_LOG_CALLBACK, begin, door,
                            MHD_OPTION_NOTIFY_COMPLETED, complete, door,
                            MHD_OPTION_NOTIFY_CONNECTION, connect_or_close, door, MHD_OPTION_END);
}

int sw_door_create(struct _zloop_t *loop, const char *address, const struct sw_door_limits *limits,
                   sw_door_fn *fn, void (*refused)(void *arg, const char *reason), void *arg,
                   struct sw_door **ret) {
    struct sw_reply nothing = {.status = 200};
    int fd;
    int r = sw__listen(address, &fd);
    if (r < 0) return r;
    struct sw_door *door = sw_zalloc(sizeof(*door));
    *door = (struct sw_door){.loop = loop,
                             .again_timer = -1,
                             .limits = *limits,
                             .fn = fn,
                             .refused = refused,
                             .arg = arg,
                             .port = sw__port(fd)};
    LIST_INIT(&door->all);
    errno = 0;
    door->daemon = start(door, fd);
    if (!door->daemon) {
        r = errno ? -errno : -ENOMEM;
        close(fd);
        free(door);
        return r;
    }
    door->empty = sw__response(&nothing, false);
    door->poll = (zmq_pollitem_t){
        .fd = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
        .events = ZMQ_POLLIN};
    zloop_poller(loop, &door->poll, on_ready, door);
    zloop_poller_set_tolerant(loop, &door->poll);
    door->sweep_timer = zloop_timer(loop, SWEEP_MS, 0, on_sweep, door);
    (void)run(door); /* puts the listening socket into the epoll set */
    *ret = door;
    return 0;
}

unsigned sw_door_port(const struct sw_door *door) {
    return door->port;
}

void sw_door_answer(struct sw_waiting *w, struct sw_reply *reply) {
    struct sw_door *door = w->door;
    assert(w->state == ASKED || w->state == WAITING);
    if (!door) {
        sw_reply_finish(reply);
        destroy(w);
        return;
    }
    if (reply->status == 200 && !reply->body && !reply->location && !reply->cookie &&
        !reply->id[0] && !door->leaving) {
        w->response = door->empty;
        w->shared = true;
    } else {
        w->response = sw__response(reply, door->leaving);
    }
    w->status = (unsigned)reply->status;
    sw_reply_finish(reply);
    door->unsent++;
    bool suspended = w->state == WAITING;
    enter(w, ANSWERED);
    if (!suspended) return;
    MHD_resume_connection(w->connection);
    run_soon(door);
}

void sw_door_leave(struct sw_door *door) {
    door->leaving = true;
}

void sw_door_quiesce(struct sw_door *door) {
    if (door->quiet) return;
    sw_door_leave(door);
    door->quiet = true;
    MHD_socket fd = MHD_quiesce_daemon(door->daemon);
    if (fd != MHD_INVALID_SOCKET) close(fd);
}

bool sw_door_is_busy(const struct sw_door *door) {
    const struct sw_waiting *w;
    LIST_FOREACH(w, &door->all, link) {
        if (w->state != IDLE) return true;
    }
    return false;
}

/* Whoever still holds a request may answer it later, into the void. */
static void abandon(struct sw_waiting *w) {
    struct MHD_Connection *connection = w->connection;
    LIST_REMOVE(w, link);
    release_body(w);
    w->door = NULL;
    w->connection = NULL;
    MHD_resume_connection(connection);
}

void sw_door_destroy(struct sw_door *door) {
    struct sw_waiting *w, *next;
    if (!door) return;
    zloop_poller_end(door->loop, &door->poll);
    zloop_timer_end(door->loop, door->sweep_timer);
    if (door->again_timer >= 0) zloop_timer_end(door->loop, door->again_timer);
    sw_door_quiesce(door);
    for (w = LIST_FIRST(&door->all); w; w = next) {
        next = LIST_NEXT(w, link);
        if (w->state == WAITING) abandon(w);
    }
    MHD_run(door->daemon); /* resumes; what is answered goes out in the next rounds */
    for (unsigned i = 0; i < FLUSH_ROUNDS && door->unsent > 0; i++) {
        MHD_run_wait(door->daemon, FLUSH_MS);
    }
    MHD_stop_daemon(door->daemon);
    MHD_destroy_response(door->empty);
    free(door);
}
