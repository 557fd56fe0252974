/* reply.c -- how a handler writes its answer; see sim.h. */
#include "sim.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

void sim_reply_data(struct sim_req *req, unsigned status, const char *type, const void *data,
                    size_t len) {
    free(req->reply.body);
    req->reply.status = status;
    req->reply.type = type;
    req->reply.body = sim_strndup(data, len);
    req->reply.body_len = len;
}

void sim_reply_text(struct sim_req *req, unsigned status, const char *type, const char *text) {
    sim_reply_data(req, status, type, text, strlen(text));
}

void sim_reply_json(struct sim_req *req, unsigned status, json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL) abort();
    free(req->reply.body);
    req->reply.status = status;
    req->reply.type = "application/json; charset=utf-8";
    req->reply.body = text;
    req->reply.body_len = strlen(text);
}

void sim_reply_header(struct sim_req *req, const char *name, const char *value) {
    struct sim_reply *reply = &req->reply;
    if (reply->headers == SIM_ARRAY_LEN(reply->header)) abort();
    reply->header[reply->headers].name = name;
    reply->header[reply->headers++].value = sim_strdup(value);
}

void sim_reply_error(struct sim_req *req, unsigned status, const char *id, const char *message) {
    sim_reply_json(req, status, json_pack("{s:s, s:s}", "id", id, "message", message));
}
