/* http.c -- the listening side: libmicrohttpd driven from our own loop; see sim.h and state.h.
 *
 * Everything is on one thread, so no handler needs a lock. A handler that must wait holds its
 * request: the connection is suspended and resumed when the reply is ready. */
#include "fault.h"
#include "github.h"
#include "heroku.h"
#include "journal.h"
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX_BYTES (1024 * 1024)

struct sim_http {
    struct MHD_Daemon *daemon;
    int epoll_fd;
    struct sim_req *held;
};

const char *sim_req_header(const struct sim_req *req, const char *name) {
    return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

const char *sim_req_query(const struct sim_req *req, const char *name) {
    return MHD_lookup_connection_value(req->conn, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result query_keep(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
    (void)kind;
    json_t *text = json_string(value != NULL ? value : "");
    if (text != NULL) json_object_set_new(cls, name, text);
    return MHD_YES;
}

json_t *sim_req_queries(const struct sim_req *req) {
    json_t *all = json_object();
    (void)MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, query_keep, all);
    return all;
}

json_t *sim_req_json(const struct sim_req *req) {
    return json_loadb(req->body, req->body_len, JSON_ALLOW_NUL, NULL);
}

void sim_req_hold(struct sim_req *req) {
    req->phase = SIM_HELD;
}

static void held_remove(struct sim_req *req) {
    if (req->prev != NULL) req->prev->next = req->next;
    if (req->next != NULL) req->next->prev = req->prev;
    if (req->sim->http->held == req) req->sim->http->held = req->next;
    req->prev = req->next = NULL;
    req->suspended = false;
}

void sim_req_release(struct sim_req *req) {
    req->phase = SIM_READY;
    if (!req->suspended) return;
    held_remove(req);
    MHD_resume_connection(req->conn);
}

static void req_suspend(struct sim_req *req) {
    struct sim_http *http = req->sim->http;
    req->suspended = true;
    req->next = http->held;
    if (req->next != NULL) req->next->prev = req;
    http->held = req;
    MHD_suspend_connection(req->conn);
}

/* The effect and its journal line; what of it the caller gets to see is decided by `ending`. */
static void req_handle(struct sim *sim, struct sim_req *req) {
    req->phase = SIM_READY;
    if (req->too_big) {
        sim_reply_error(req, 413, "request_entity_too_large", "The body is too large.");
    } else if (req->route->upstream == SIM_GITHUB) {
        if (sim_github_enter(sim, req)) req->route->handle(sim, req);
    } else if (req->route->platform) {
        if (sim_heroku_enter(sim, req)) req->route->handle(sim, req);
        sim_heroku_leave(req);
    } else if (req->route->upstream != SIM_ADMIN || sim_admin_enter(req)) {
        req->route->handle(sim, req);
    }
    if (req->route->upstream != SIM_ADMIN) sim_journal_add(sim, req);
}

static void slow_is_over(struct sim *sim, void *arg, bool dropped) {
    struct sim_req *req = arg;
    if (dropped) {
        sim_reply_error(req, 503, "unavailable", "The sim is stopping.");
    } else {
        req_handle(sim, req);
    }
    if (req->phase != SIM_HELD) sim_req_release(req);
}

static void late_is_over(struct sim *sim, void *arg, bool dropped) {
    (void)sim;
    (void)dropped;
    sim_req_release(arg);
}

static void req_dispatch(struct sim *sim, struct sim_req *req) {
    req->route = sim_route_find(req);
    if (sim->stopping) {
        sim_reply_error(req, 503, "unavailable", "The sim is stopping.");
        req->phase = SIM_READY;
        return;
    }
    sim_route_count(req->route);
    struct sim_fault_hit hit = {0};
    if (req->route->upstream != SIM_ADMIN) hit = sim_fault_take(sim, req);
    req->fault = hit.kind;
    req->ending = hit.ending;
    if (hit.status != 0) {
        sim_fault_reply(req, &hit);
        req->phase = SIM_READY;
        sim_journal_add(sim, req);
    } else if (hit.delay_ms > 0 && !hit.late) {
        sim_req_hold(req);
        sim_timer_add(sim, hit.delay_ms, false, slow_is_over, req);
    } else {
        req_handle(sim, req);
        if (!hit.late || req->phase == SIM_HELD) return; /* it waits by itself */
        sim_req_hold(req);
        sim_timer_add(sim, hit.delay_ms, false, late_is_over, req);
    }
}

struct cut_body {
    char *data;
    size_t len;
};

static ssize_t cut_read(void *cls, uint64_t pos, char *buf, size_t max) {
    struct cut_body *cut = cls;
    size_t half = cut->len / 2;
    if (pos >= half) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = half - (size_t)pos < max ? half - (size_t)pos : max;
    memcpy(buf, cut->data + pos, n);
    return (ssize_t)n;
}

static void cut_free(void *cls) {
    struct cut_body *cut = cls;
    free(cut->data);
    free(cut);
}

static struct MHD_Response *response_of(struct sim_req *req) {
    struct sim_reply *reply = &req->reply;
    char *body = reply->body != NULL ? reply->body : sim_strdup("");
    reply->body = NULL;
    if (req->ending == SIM_CUT && reply->body_len >= 2) {
        struct cut_body *cut = sim_alloc(sizeof(*cut));
        *cut = (struct cut_body){.data = body, .len = reply->body_len};
        return MHD_create_response_from_callback(reply->body_len, 4096, cut_read, cut, cut_free);
    }
    return MHD_create_response_from_buffer(reply->body_len, body, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result req_send(struct sim_req *req) {
    /* MHD closes the TCP connection when a handler answers NO: not one byte leaves. */
    if (req->ending == SIM_SILENCE) return MHD_NO;
    struct sim_reply *reply = &req->reply;
    struct MHD_Response *response = response_of(req);
    if (response == NULL) abort();
    if (reply->type != NULL) MHD_add_response_header(response, "Content-Type", reply->type);
    for (size_t i = 0; i < reply->headers; i++) {
        MHD_add_response_header(response, reply->header[i].name, reply->header[i].value);
    }
    enum MHD_Result r = MHD_queue_response(req->conn, reply->status, response);
    MHD_destroy_response(response);
    return r;
}

static unsigned connection_count(struct MHD_Connection *conn) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    unsigned *count = info != NULL ? info->socket_context : NULL;
    return count != NULL ? ++*count : 1;
}

static void body_append(struct sim_req *req, const char *data, size_t len) {
    if (req->too_big || req->body_len + len > BODY_MAX_BYTES) {
        req->too_big = true;
        return;
    }
    if (req->body_len + len + 1 > req->body_size) {
        req->body_size = (req->body_len + len + 1) * 2;
        req->body = sim_realloc(req->body, req->body_size);
    }
    memcpy(req->body + req->body_len, data, len);
    req->body_len += len;
    req->body[req->body_len] = '\0';
}

/* What is shown and written later must be plain text, whatever a client put into its path. */
static void path_set(struct sim_req *req, const char *url) {
    snprintf(req->path, sizeof(req->path), "%s", url);
    for (char *c = req->path; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '?';
    }
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_len, void **req_cls) {
    (void)version;
    struct sim *sim = cls;
    struct sim_req *req = *req_cls;
    if (req == NULL) {
        req = sim_alloc(sizeof(*req));
        *req = (struct sim_req){.sim = sim, .conn = conn, .method = method};
        req->at_ms = sim_now_ms();
        req->body = sim_strdup("");
        req->nth_on_connection = connection_count(conn);
        path_set(req, url);
        req->shown = req->path;
        *req_cls = req;
        return MHD_YES;
    }
    if (*data_len != 0) {
        body_append(req, data, *data_len);
        *data_len = 0;
        return MHD_YES;
    }
    if (req->phase == SIM_READING) req_dispatch(sim, req);
    if (req->phase == SIM_HELD) {
        req_suspend(req);
        return MHD_YES;
    }
    return req_send(req);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
                         enum MHD_RequestTerminationCode code) {
    (void)cls;
    (void)conn;
    (void)code;
    struct sim_req *req = *req_cls;
    if (req == NULL) return;
    for (size_t i = 0; i < req->reply.headers; i++) {
        free(req->reply.header[i].value);
    }
    free(req->reply.body);
    free(req->body);
    free(req);
    *req_cls = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    (void)cls;
    (void)conn;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = sim_alloc(sizeof(unsigned));
    } else {
        free(*socket_context);
        *socket_context = NULL;
    }
}

static int listen_on(struct sim *sim) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    /* A restarted demo must get its port back at once; failure only costs that. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sim->conf.port)};
    const char *host = sim->conf.host ? sim->conf.host : "127.0.0.1";
    if (inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
        close(fd);
        return -EINVAL;
    }
    sim_local_network(sim->conf.host ? host : "");
    socklen_t len = sizeof(addr);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 512) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    sim->conf.port = ntohs(addr.sin_port);
    snprintf(sim->base, sizeof(sim->base), "http://%s:%d", host, sim->conf.port);
    return fd;
}

int sim_http_create(struct sim *sim) {
    int fd = listen_on(sim);
    if (fd < 0) return fd;
    sim->http = sim_alloc(sizeof(*sim->http));
    sim->http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, sim,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 4000u,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(24 * 1024), MHD_OPTION_END);
    if (sim->http->daemon == NULL) {
        close(fd);
        free(sim->http);
        sim->http = NULL;
        return -EIO;
    }
    sim->http->epoll_fd =
        MHD_get_daemon_info(sim->http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

int sim_http_fd(const struct sim *sim) {
    return sim->http->epoll_fd;
}

int64_t sim_http_run(struct sim *sim) {
    MHD_run(sim->http->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(sim->http->daemon, &wait_ms) != MHD_YES) return -1;
    return wait_ms < 60000 ? (int64_t)wait_ms : 60000;
}

void sim_http_destroy(struct sim *sim) {
    if (sim->http == NULL) return;
    while (sim->http->held != NULL) {
        struct sim_req *req = sim->http->held;
        sim_reply_error(req, 503, "unavailable", "The sim is stopping.");
        sim_req_release(req);
    }
    MHD_run(sim->http->daemon);
    MHD_stop_daemon(sim->http->daemon);
    free(sim->http);
    sim->http = NULL;
}
