/* sync.h -- Redis for a command of the operator: one question, one answer, no loop.
 *
 * shapes   struct sw_sync: every Redis of SLIPWAY_REDIS, each connected when it is first asked for
 * units    none
 * errors   one line, in the `error` given to sw_sync_open or sw_sync_ask, that names the address and what is wrong with it;
 *          -ENOTCONN no connection, or none any more; -EIO Redis answered with an error
 * owner    sw_sync_close ends all connections; the caller frees replies (freeReplyObject)
 * source   hiredis; Redis "Sentinel client spec"
 * limits   2 s to connect, 10 s for an answer, 10 s until sentinels name a master
 */
#ifndef SW_SYNC_H
#define SW_SYNC_H

#include "common/conf.h"

struct redisContext;
struct redisReply;
struct sw_sync;

/* Connects nothing yet; `error` stays in use until sw_sync_close. */
struct sw_sync *sw_sync_open(const struct sw_conf *conf, char *error, size_t room);
void sw_sync_close(struct sw_sync *sync);
/* The connection that holds a shard; keys without one: sw_sync_home. NULL: it cannot be reached, and `error` says why. */
struct redisContext *sw_sync_of(struct sw_sync *sync, unsigned shard);
/* Keys without a shard. sw:live:* and sw:keys:* stand in full at each Redis, sw:src:* at each for its own shards. */
struct redisContext *sw_sync_home(struct sw_sync *sync);
/* Each Redis once, for what looks at all keys (SCAN): from 0 to sw_sync_count - 1. */
unsigned sw_sync_count(const struct sw_sync *sync);
struct redisContext *sw_sync_at(struct sw_sync *sync, unsigned number);

/* A command of NULL-terminated plain words. */
int sw_sync_ask(const struct sw_conf *conf, struct redisContext *redis, struct redisReply **ret,
                char *error, size_t room, ...);
/* The next answer to what was appended (hiredis redisAppendCommandArgv). */
int sw_sync_take(const struct sw_conf *conf, struct redisContext *redis, struct redisReply **ret,
                 char *error, size_t room);

#endif
