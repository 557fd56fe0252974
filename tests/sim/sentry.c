/* sentry.c -- authentication and framing of envelopes; see sentry.h. */
#include "sentry.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 1000

static json_t *list_of(struct sim *sim, const char *name) {
    if (sim->sentry == NULL) sim->sentry = json_pack("{s:[], s:[]}", "events", "refused");
    return json_object_get(sim->sentry, name);
}

static void keep(json_t *list, json_t *entry) {
    if (json_array_size(list) == KEPT) json_array_remove(list, 0);
    json_array_append_new(list, entry);
}

void sim_sentry_forget(struct sim *sim) {
    json_decref(sim->sentry);
    sim->sentry = NULL;
}

void sim_sentry_show(struct sim *sim, struct sim_req *req) {
    (void)list_of(sim, "events");
    sim_reply_json(req, 200, json_incref(sim->sentry));
}

static void refuse(struct sim *sim, struct sim_req *req, unsigned status, const char *reason) {
    keep(list_of(sim, "refused"), json_pack("{s:s}", "reason", reason));
    sim_reply_json(req, status, json_pack("{s:s}", "detail", reason));
}

/* "Sentry sentry_version=7, sentry_key=abc, ...": the value of one of them, new, or NULL. */
static char *auth_value(const char *auth, const char *name) {
    if (auth == NULL || strncmp(auth, "Sentry ", 7) != 0) return NULL;
    for (const char *at = auth + 7; at != NULL; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        size_t len = strlen(name);
        if (strncmp(at, name, len) == 0 && at[len] == '=') {
            return sim_strndup(at + len + 1, strcspn(at + len + 1, ", "));
        }
    }
    return NULL;
}

/* http://KEY@host/any/PROJECT */
static bool dsn_is(const char *dsn, const char *key, const char *project) {
    const char *start = strstr(dsn, "://"), *at = strchr(dsn, '@'), *end = strrchr(dsn, '/');
    if (start == NULL || at == NULL || end == NULL || at > end || start + 3 >= at) return false;
    size_t len = strcspn(start + 3, ":@");
    bool same = key == NULL || (strlen(key) == len && strncmp(key, start + 3, len) == 0);
    return same && len != 0 && strcmp(end + 1, project) == 0;
}

/* 0 when the sender may send, else the status of the refusal. */
static unsigned auth_check(const struct sim_req *req, const json_t *header, const char **ret_why) {
    const char *auth = sim_req_header(req, "X-Sentry-Auth"), *dsn = sim_json_text(header, "dsn");
    const char *query = sim_req_query(req, "sentry_key");
    SIM_FREE char *version = auth_value(auth, "sentry_version");
    SIM_FREE char *key = auth != NULL ? auth_value(auth, "sentry_key") : sim_strdup(query);
    *ret_why = NULL;
    if (auth != NULL && (version == NULL || strcmp(version, "7") != 0)) {
        *ret_why = "X-Sentry-Auth names no sentry_version=7";
    } else if ((key == NULL || key[0] == '\0') && dsn == NULL) {
        *ret_why = "neither a sentry_key nor a dsn";
    }
    if (*ret_why != NULL) return 401;
    if (dsn == NULL || dsn_is(dsn, key, req->arg[0])) return 0;
    *ret_why = "dsn is of another project or key";
    return 403;
}

/* One line as JSON object, new; *ret_rest is what comes after it. */
static json_t *header_line(const char *at, size_t len, const char **ret_rest) {
    const char *end = memchr(at, '\n', len);
    size_t line_len = end != NULL ? (size_t)(end - at) : len;
    *ret_rest = end != NULL ? end + 1 : at + len;
    json_t *o = json_loadb(at, line_len, 0, NULL);
    if (json_is_object(o)) return o;
    json_decref(o);
    return NULL;
}

/* Items are {type, length?} in one line, then so many bytes or the rest of a line. */
static const char *item_read(const char **at, const char *end, const char *event_id,
                             json_t *ret_events) {
    const char *payload;
    json_auto_t *item = header_line(*at, (size_t)(end - *at), &payload);
    const char *type = sim_json_text(item, "type");
    const json_t *length = json_object_get(item, "length");
    if (type == NULL) return "an item has no header with a type";
    const char *newline = memchr(payload, '\n', (size_t)(end - payload));
    size_t size = newline != NULL ? (size_t)(newline - payload) : (size_t)(end - payload);
    if (length != NULL) {
        json_int_t n = json_integer_value(length);
        if (!json_is_integer(length) || n < 0 || n > end - payload) return "an item is cut off";
        size = (size_t)n;
    }
    if (payload + size < end && payload[size] != '\n') return "length is not where the item ends";
    *at = payload + size < end ? payload + size + 1 : end;
    if (strcmp(type, "event") != 0) return NULL;
    json_t *event = json_loadb(payload, size, 0, NULL);
    const char *wrong = sim_sentry_check(event, event_id);
    if (wrong == NULL) {
        json_array_append_new(ret_events, event);
    } else {
        json_decref(event);
    }
    return wrong;
}

static const char *envelope_read(const struct sim_req *req, const char *at, const json_t *header,
                                 json_t *ret_events) {
    const char *type = sim_req_header(req, "Content-Type");
    const char *id = sim_json_text(header, "event_id"), *end = req->body + req->body_len;
    if (type == NULL || strncmp(type, "application/x-sentry-envelope", 29) != 0) {
        return "the content type is not application/x-sentry-envelope";
    }
    if (header == NULL) return "the first line is not a JSON object";
    if (id != NULL && !sim_sentry_id(id)) return "event_id is not 32 hexadecimal digits";
    if (at == end) return "the envelope has no items";
    while (at < end) {
        const char *wrong = item_read(&at, end, id, ret_events);
        if (wrong != NULL) return wrong;
    }
    return json_array_size(ret_events) > 1 ? "more than one event in an envelope" : NULL;
}

void sim_sentry_post(struct sim *sim, struct sim_req *req) {
    const char *rest, *why;
    json_auto_t *header = header_line(req->body, req->body_len, &rest), *events = json_array();
    unsigned status = auth_check(req, header, &why);
    if (status == 0) why = envelope_read(req, rest, header, events);
    if (why != NULL) {
        refuse(sim, req, status != 0 ? status : 400, why);
        return;
    }
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        keep(list_of(sim, "events"), json_incref(event));
    }
    const char *id = sim_json_text(header, "event_id");
    sim_reply_json(req, 200, id != NULL ? json_pack("{s:s}", "id", id) : json_object());
}
