/* msg.c -- the envelope; see msg.h. */
#include "proto/msg.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sw_msg *sw_msg_create(const char *kind, const char *cmd, const char *inst, int64_t born_ms) {
    struct sw_msg *m = calloc(1, sizeof(*m));
    if (!m) abort();
    snprintf(m->kind, sizeof(m->kind), "%s", kind);
    snprintf(m->cmd, sizeof(m->cmd), "%s", cmd);
    snprintf(m->inst, sizeof(m->inst), "%s", inst);
    m->born_ms = born_ms;
    m->body = json_object();
    m->boxes = json_object();
    return m;
}

struct sw_msg *sw_msg_from(const struct sw_msg *in, const char *kind, json_t *body) {
    struct sw_msg *m = sw_msg_create(kind, in->cmd, in->inst, in->born_ms);
    if (body) {
        json_decref(m->body);
        m->body = body;
    }
    json_object_update(m->boxes, in->boxes);
    memcpy(m->parent, in->parent, sizeof(m->parent));
    return m;
}

void sw_msg_destroy(struct sw_msg *m) {
    if (!m) return;
    json_decref(m->body);
    json_decref(m->boxes);
    free(m);
}

static bool boxes_valid(const json_t *boxes) {
    const char *name;
    json_t *box;
    if (!json_is_object(boxes) || json_object_size(boxes) > SW_MSG_MAX_BOXES) return false;
    json_object_foreach((json_t *)boxes, name, box) {
        if (!json_is_string(box)) return false;
    }
    return true;
}

int sw_msg_pack(const struct sw_msg *m, char **ret_data, size_t *ret_size) {
    if (!boxes_valid(m->boxes)) return -EBADMSG;
    json_t *envelope =
        json_pack("{s:i, s:s, s:s, s:s, s:I, s:O, s:O}", "v", SW_MSG_VERSION, "k", m->kind, "c",
                  m->cmd, "i", m->inst, "t", (json_int_t)m->born_ms, "b", m->body, "s", m->boxes);
    if (!envelope) return -EBADMSG;
    if (m->parent[0]) json_object_set_new(envelope, "p", json_string(m->parent));
    char *data;
    size_t size;
    int r = sw_value_pack(envelope, &data, &size);
    json_decref(envelope);
    if (r < 0) return r;
    if (size > SW_MSG_MAX_BYTES) {
        free(data);
        return -EMSGSIZE;
    }
    *ret_data = data;
    *ret_size = size;
    return 0;
}

static int copy_text(const json_t *envelope, const char *key, char *into, size_t room) {
    const json_t *value = json_object_get(envelope, key);
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) >= room || strlen(text) != json_string_length(value))
        return -EBADMSG;
    memcpy(into, text, json_string_length(value) + 1);
    return 0;
}

static int from_envelope(const json_t *envelope, struct sw_msg *m) {
    const json_t *version = json_object_get(envelope, "v");
    json_t *body = json_object_get(envelope, "b");
    json_t *boxes = json_object_get(envelope, "s");
    if (!json_is_integer(version) || json_integer_value(version) < 1) return -EBADMSG;
    if (json_integer_value(version) > SW_MSG_VERSION) return -EPROTONOSUPPORT;
    if (copy_text(envelope, "k", m->kind, sizeof(m->kind)) < 0 ||
        copy_text(envelope, "c", m->cmd, sizeof(m->cmd)) < 0 ||
        copy_text(envelope, "i", m->inst, sizeof(m->inst)) < 0 ||
        !json_is_integer(json_object_get(envelope, "t")) || !json_is_object(body) ||
        (boxes && !boxes_valid(boxes)))
        return -EBADMSG;
    m->born_ms = json_integer_value(json_object_get(envelope, "t"));
    json_object_update(m->body, body);
    if (boxes) json_object_update(m->boxes, boxes);
    const json_t *parent = json_object_get(envelope, "p");
    /* Of no use to the work, so no reason to refuse it. */
    if (sw_is_traceparent(json_string_value(parent), json_string_length(parent)))
        memcpy(m->parent, json_string_value(parent), SW_TRACEPARENT_CHARS + 1);
    return 0;
}

int sw_msg_unpack(const char *data, size_t size, struct sw_msg **ret) {
    json_t *envelope;
    if (size > SW_MSG_MAX_BYTES) return -EMSGSIZE;
    int r = sw_value_unpack(data, size, &envelope);
    if (r < 0) return r;
    struct sw_msg *m = sw_msg_create("", "", "", 0);
    r = from_envelope(envelope, m);
    json_decref(envelope);
    if (r < 0) {
        sw_msg_destroy(m);
        return r;
    }
    *ret = m;
    return 0;
}

const char *sw_msg_box(const struct sw_msg *m, const char *name) {
    return json_string_value(json_object_get(m->boxes, name));
}

void sw_msg_set_box(struct sw_msg *m, const char *name, const char *box) {
    if (box) {
        json_object_set_new(m->boxes, name, json_string(box));
    } else {
        json_object_del(m->boxes, name);
    }
}

/* 00-<32 hex digits>-<16>-<2>, small letters. */
bool sw_is_traceparent(const char *text, size_t size) {
    if (!text || size != SW_TRACEPARENT_CHARS || memcmp(text, "00-", 3) != 0 || text[35] != '-' ||
        text[52] != '-')
        return false;
    for (size_t i = 3; i < size; i++) {
        bool dash = i == 35 || i == 52;
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!dash && !hex) return false;
    }
    return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

bool sw_is_slack_id(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((text[i] < 'A' || text[i] > 'Z') && (text[i] < '0' || text[i] > '9')) return false;
    }
    return size >= 1 && size <= 32;
}
