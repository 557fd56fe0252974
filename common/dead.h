/* dead.h -- the dead letters: what could not be handled, kept with the reason, and what an operator does with it.
 *
 * shapes   stream sw:{SS}:dead, fields actor, reason, lane (the mailbox it lay in; older ones have none), m (one envelope, empty
 *          where it was none). A letter's id is "<shard>/<id of its entry>", "17/1731-0"
 * units    *_ms is milliseconds since 1970 UTC
 * errors   as sync.h, with its one line; sw_dead_find: -EINVAL no id of a letter, -ENOENT there is none; sw_dead_settle:
 *          -ENOENT there is none any more, -EMSGSIZE it would be too large, -EAGAIN no process ever ran on this Redis
 * owner    sw_dead_open .. sw_dead_close; what callbacks get is borrowed
 * source   ARCHITECTURE.md "Poison"; common/lua/dead.lua
 * limits   about 10,000 a shard, the oldest go
 */
#ifndef SW_DEAD_H
#define SW_DEAD_H

#include "common/conf.h"
#include "proto/msg.h"

#define SW_DEAD_ID 48

struct sw_dead; /* Redis, asked for dead letters */

struct sw_dead_letter {
    char id[SW_DEAD_ID];
    unsigned shard;
    int64_t at_ms;        /* when it died */
    const json_t *fields; /* all but m, as texts */
    const char *actor, *reason, *lane;
    const struct sw_msg *m; /* NULL: it is none, or none that this version can read */
    int error;              /* then why, as sw_msg_unpack; -ENODATA: nothing was kept of it */
};

struct sw_dead_query {
    const char *actor, *reason, *installation; /* NULL: any */
    int64_t since_ms;                          /* 0: all */
};

typedef void sw_dead_fn(void *arg, const struct sw_dead_letter *letter);

/* Connects nothing yet; `error` stays in use until sw_dead_close. */
struct sw_dead *sw_dead_open(const struct sw_conf *conf, char *error, size_t room);
void sw_dead_close(struct sw_dead *dead);
/* Those that match, oldest first, over all shards. */
int sw_dead_read(struct sw_dead *dead, const struct sw_dead_query *query, sw_dead_fn *fn,
                 void *arg);
int sw_dead_find(struct sw_dead *dead, const char *id, sw_dead_fn *fn, void *arg);

/* In one step, so that of two who try it one does it: it is gone, and with `retry` owed by its actor again, whose person is told
 * nothing if it dies once more. `line` is what the operator typed, for the audit; ret_entry: its id in the mailbox, or "". */
int sw_dead_settle(struct sw_dead *dead, const struct sw_dead_letter *letter, bool retry,
                   const char *line, char ret_entry[SW_DEAD_ID]);

#endif
