/* msg.h -- the envelope: what one actor says to another.
 *
 * shapes   msgpack map {v, k, c, i, t, b, s, p?}: version, kind, command id, installation, born, body, boxes, what caused it
 *          where traces are made (a W3C traceparent; one that is none is ignored);
 *          unknown keys are ignored, on the wire and inside a body
 * units    *_ms are milliseconds since 1970 UTC; sizes are bytes
 * errors   -EBADMSG not an envelope (missing or ill-typed key, version 0); -EPROTONOSUPPORT a version
 *          newer than SW_MSG_VERSION; -EMSGSIZE over SW_MSG_MAX_BYTES
 * owner    a message owns its body and boxes; sw_msg_destroy accepts NULL
 * source   PROTO.md; tests/vectors/
 * limits   64 KiB an envelope; kind 31, command id and installation 63 characters; 16 boxes
 */
#ifndef SW_MSG_H
#define SW_MSG_H

#include "proto/value.h"

#include <stdbool.h>
#include <stdint.h>

#define SW_MSG_VERSION 1
#define SW_MSG_MAX_BYTES 65536
#define SW_MSG_MAX_BOXES 16
#define SW_TRACEPARENT_CHARS 55

struct sw_msg {
    char kind[32];   /* "reply.v1": see proto/kinds.h */
    char cmd[64];    /* one id from the request to its last effect */
    char inst[64];   /* installation: enterprise id of an org-wide install, else team id */
    int64_t born_ms; /* when the command came in */
    json_t *body;    /* object, clear */
    json_t
        *boxes; /* object, name -> sealed text (common/seal.h); opaque to all but its recipient */
    char parent[SW_TRACEPARENT_CHARS + 1]; /* "" none */
};

/* An empty body and no boxes. */
struct sw_msg *sw_msg_create(const char *kind, const char *cmd, const char *inst, int64_t born_ms);
/* A message caused by `in`: same command, installation, birth, parent and boxes; takes `body` (NULL: {}). */
struct sw_msg *sw_msg_from(const struct sw_msg *in, const char *kind, json_t *body);
void sw_msg_destroy(struct sw_msg *m);

int sw_msg_pack(const struct sw_msg *m, char **ret_data, size_t *ret_size);
int sw_msg_unpack(const char *data, size_t size, struct sw_msg **ret);

/* The sealed text named `name`, or NULL. */
const char *sw_msg_box(const struct sw_msg *m, const char *name);
/* Adds or replaces a box; NULL removes it. */
void sw_msg_set_box(struct sw_msg *m, const char *name, const char *box);

/* Of version 00, with ids that are not all zero. */
bool sw_is_traceparent(const char *text, size_t size);

/* [A-Z0-9], 1 to 32: an id of Slack's. */
bool sw_is_slack_id(const char *text, size_t size);

#endif
