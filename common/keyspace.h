/* keyspace.h -- every key in Redis, by what it is: for what nobody looks after any more.
 *
 * shapes   {"looked" (keys), "partial" (true: there are more), "state": {role: keys}, "unknown": count, "first": [up to 5 of those]}
 * units    *_ms milliseconds
 * errors   as sync.h, with its one line
 * owner    the caller
 * source   ARCHITECTURE.md "The ledger"; Redis SCAN
 * limits   never KEYS: pages of 1000; ends after `most_ms`
 */
#ifndef SW_KEYSPACE_H
#define SW_KEYSPACE_H

#include "common/conf.h"

#include <jansson.h>

enum sw_key_kind {
    SW_KEY_UNKNOWN,
    SW_KEY_SHARED, /* of no one actor */
    SW_KEY_WORK,   /* a mailbox, lease, timers, calls */
    SW_KEY_STATE,
};
/* *ret_role: the actor whose key it is, or NULL. Pure. */
enum sw_key_kind sw_keyspace_kind(const char *key, size_t size, const char **ret_role);

int sw_keyspace_read(const struct sw_conf *conf, int64_t most_ms, json_t **ret, char *error,
                     size_t room);

#endif
