/* key_use.h -- which keys are still needed: what names them in Redis, and which the living processes know.
 *
 * shapes   a row says "2.<id>.", a box "2.<role>.<id>.<role>.<id>." (seal.h), in clear within whatever holds it: values are
 *          searched as bytes. hash sw:keys:<role>: field endpoint, value as sw_keys_known, while sw:live:<role> has it
 * units    counts
 * errors   as sync.h, with its one line
 * owner    the caller; what callbacks get is borrowed
 * source   Redis SCAN: what is there from beginning to end is seen; what moves meanwhile may not be, so who must be sure
 *          looks twice
 * limits   never KEYS: pages of 200 keys and entries; ids that nobody asked for are counted until SW_KEY_USES are known
 */
#ifndef SW_KEY_USE_H
#define SW_KEY_USE_H

#include "common/conf.h"
#include "common/key_file.h"

#include <jansson.h>
#include <stdbool.h>

#define SW_KEY_USES 128

struct sw_key_use {
    char id[SW_KEY_ID_CHARS + 1];
    size_t rows;    /* tokens at rest, in state of auth */
    size_t owed;    /* messages, timers and calls that are owed */
    size_t values;  /* boxes in state of any actor */
    size_t letters; /* dead letters: nothing opens them any more by itself */
};

struct sw_key_uses {
    size_t count;
    struct sw_key_use use[SW_KEY_USES];
};

enum sw_key_where { SW_KEY_IN_STATE, SW_KEY_OWED, SW_KEY_DEAD };

/* The place for `id`, made where it is missing; NULL: there is no room. */
struct sw_key_use *sw_key_use_of(struct sw_key_uses *uses, const char *id);
/* Counts one value. Pure. */
void sw_key_use_note(struct sw_key_uses *uses, enum sw_key_where where, const char *data,
                     size_t size);
/* Counts all that stands in Redis; what `uses` holds already is added to. */
int sw_key_uses_read(const struct sw_conf *conf, struct sw_key_uses *uses, char *error,
                     size_t room);

/* People (or "bot") with a row under a key of `token` that is not its first, and installations whose bot token responder keeps
 * under a key of `responder` that is not its first: as "bot", perhaps twice. */
typedef void sw_key_stale_fn(void *arg, const char *installation, const char *user);
int sw_key_stale_read(const struct sw_conf *conf, const struct sw_ring *token,
                      const struct sw_ring *responder, sw_key_stale_fn *fn, void *arg, char *error,
                      size_t room);

/* [{"role", "endpoint", "known": as sw_keys_known, {} where it does not say}]; the caller frees.
 * -ENOENT: not one, and none ever was, so this is another Redis than that of the keys. */
int sw_key_processes_read(const struct sw_conf *conf, json_t **ret, char *error, size_t room);
/* Whether the process may seal or open with keys of the file `name`. */
bool sw_key_process_needs(const json_t *process, const char *name);

/* reseal.v1 to auth for each of people, [[installation, user], ...] from `from`, `count` of them at most; ret_sent how many. */
int sw_key_reseal_send(const struct sw_conf *conf, const json_t *people, size_t from, size_t count,
                       size_t *ret_sent, char *error, size_t room);

#endif
