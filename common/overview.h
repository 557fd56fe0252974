/* overview.h -- all that Redis alone says of how Slipway does: for `slipway status` and `slipway doctor`.
 *
 * shapes   {"at_ms", "actors": [of each role {"actor", "processes": [endpoint], "tries" (entries that were tried already),
 *             "dead_hour", "shards": {"owned", "free", "expired"}, "unowned": [{"shard", "expired_ms"?, "owed"}],
 *             "owed": {"urgent", "bulk"}, "oldest_ms": {"urgent", "bulk"}, "waiting": [{"shard", "id", "age_ms"}],
 *             "calls": {"owed", "marked", "late", "late_ms"}, "timers": {"armed", "overdue", "next_ms"}}],
 *           "dead": {"total", "hour", "more"}, "installations": [{"installation", "owed"}], "partial",
 *           "redis": [{"address", "shards", "error"? (then nothing else), "skew_ms", "version", "role", "replicas" (that follow),
 *             "link", "used_bytes", "max_bytes", "policy", "aof", "written", "loading", "fsync" (null: not told), "user",
 *             "scripts" (whether it may run them), "generations": {"now", "older", "none"}}]}
 *           of ingress only "actor" and "processes". unowned: the lease ran out expired_ms ago; without it the shard was given
 *           back, or never taken. oldest_ms: since the command of what stands first came in, 0 nothing does. waiting: what
 *           stands first in an urgent lane although its command is older than SW_OVERVIEW_OLD_MS. late: its mark ran out.
 *           next_ms: until the next timer, negative when it is overdue, null none. skew_ms: this machine's clock before that
 *           of Redis
 * units    *_ms milliseconds, at_ms since 1970 UTC
 * errors   as sync.h, with its one line
 * owner    the caller
 * source   ARCHITECTURE.md "The ledger"
 * limits   two round trips; dead letters: 50 a shard are counted in "hour" ("more": there may be more); installations: those that
 *          owe a tenth of SLIPWAY_OWED_MAX, of about 500 a shard ("partial": there are more)
 */
#ifndef SW_OVERVIEW_H
#define SW_OVERVIEW_H

#include "common/conf.h"

#include <jansson.h>

#define SW_OVERVIEW_OLD_MS 60000

int sw_overview_read(const struct sw_conf *conf, json_t **ret, char *error, size_t room);

#endif
