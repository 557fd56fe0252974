/* ingress.c -- a server that remembers what the sim sent and answers what it is told; client.h. */
#include "client.h"

#include "util.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct ingress {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ingress_request seen[64];
    unsigned count, status;
    char type[64], body[1024];
};

static void copy_header(struct MHD_Connection *conn, const char *name, char *ret, size_t size) {
    const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);
    if (value != NULL) snprintf(ret, size, "%s", value);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_len, void **req_cls) {
    (void)method;
    (void)version;
    struct ingress *ingress = cls;
    struct ingress_request *req = *req_cls;
    if (req == NULL) {
        req = *req_cls = sim_alloc(sizeof(*req));
        snprintf(req->path, sizeof(req->path), "%s", url);
        copy_header(conn, "X-Slack-Request-Timestamp", req->stamp, sizeof(req->stamp));
        copy_header(conn, "X-Slack-Signature", req->signature, sizeof(req->signature));
        copy_header(conn, "X-Slack-Retry-Num", req->retry, sizeof(req->retry));
        copy_header(conn, "X-Slack-Retry-Reason", req->reason, sizeof(req->reason));
        copy_header(conn, "Heroku-Webhook-Hmac-SHA256", req->signature, sizeof(req->signature));
        copy_header(conn, "X-Hub-Signature-256", req->signature, sizeof(req->signature));
        copy_header(conn, "X-GitHub-Event", req->event, sizeof(req->event));
        copy_header(conn, "X-GitHub-Delivery", req->delivery, sizeof(req->delivery));
        return MHD_YES;
    }
    if (*data_len != 0) {
        size_t len = strlen(req->body);
        snprintf(req->body + len, sizeof(req->body) - len, "%.*s", (int)*data_len, data);
        *data_len = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&ingress->lock);
    if (ingress->count < SIM_ARRAY_LEN(ingress->seen)) ingress->seen[ingress->count] = *req;
    ingress->count++;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(ingress->body), ingress->body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", ingress->type);
    enum MHD_Result r = MHD_queue_response(conn, ingress->status, response);
    pthread_cond_broadcast(&ingress->changed);
    pthread_mutex_unlock(&ingress->lock);
    MHD_destroy_response(response);
    return r;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
                         enum MHD_RequestTerminationCode code) {
    (void)cls;
    (void)conn;
    (void)code;
    free(*req_cls);
}

struct ingress *ingress_start(char ret_url[64]) {
    struct ingress *ingress = sim_alloc(sizeof(*ingress));
    struct sockaddr_in addr = {.sin_family = AF_INET};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pthread_mutex_init(&ingress->lock, NULL);
    pthread_cond_init(&ingress->changed, NULL);
    ingress_answer(ingress, 200, "text/plain", "");
    ingress->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_access,
                         ingress, MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, NULL, MHD_OPTION_END);
    assert_non_null(ingress->daemon);
    snprintf(ret_url, 64, "http://127.0.0.1:%u",
             MHD_get_daemon_info(ingress->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return ingress;
}

void ingress_start_of(struct client *client) {
    client->ingress = ingress_start(client->ingress_url);
    SIM_FREE char *config = sim_fmt("{\"ingress\":\"%s\"}", client->ingress_url);
    REPLY set = client_post(client, "/sim/config", config);
    assert_int_equal(set.status, 200);
}

void ingress_stop(struct ingress *ingress) {
    MHD_stop_daemon(ingress->daemon);
    pthread_cond_destroy(&ingress->changed);
    pthread_mutex_destroy(&ingress->lock);
    free(ingress);
}

void ingress_answer(struct ingress *ingress, unsigned status, const char *type, const char *body) {
    pthread_mutex_lock(&ingress->lock);
    ingress->status = status;
    snprintf(ingress->type, sizeof(ingress->type), "%s", type);
    snprintf(ingress->body, sizeof(ingress->body), "%s", body);
    pthread_mutex_unlock(&ingress->lock);
}

struct ingress_request ingress_wait(struct ingress *ingress, unsigned nth) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    int r = 0;
    pthread_mutex_lock(&ingress->lock);
    while (ingress->count <= nth && r == 0) {
        r = pthread_cond_timedwait(&ingress->changed, &ingress->lock, &deadline);
    }
    struct ingress_request req = ingress->seen[nth];
    pthread_mutex_unlock(&ingress->lock);
    if (r != 0) fail_msg("the ingress never got request %u", nth);
    return req;
}

unsigned ingress_count(struct ingress *ingress) {
    pthread_mutex_lock(&ingress->lock);
    unsigned count = ingress->count;
    pthread_mutex_unlock(&ingress->lock);
    return count;
}
