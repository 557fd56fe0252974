/* redis.h -- one connection to Redis on the loop: commands go out in the order asked, in one write a turn.
 *
 * shapes   commands are argument vectors; scripts are common/lua/<name>.lua behind prelude.lua, called by hash
 * units    *_ms milliseconds
 * errors   -ENOTCONN the connection is not up (the callback is then not called)
 * owner    the loop thread; replies live during the callback
 * source   hiredis async API; Redis "Eval scripts": the `#!lua` head makes a script fail as a whole when memory is full;
 *          "Sentinel client spec"; "WAIT"
 * limits   reconnects after 20 ms growing to 1 s, for ever; an answer takes at most 10 s, of a master that sentinels named 2 s
 */
#ifndef SW_REDIS_H
#define SW_REDIS_H

#include "common/conf.h"
#include "common/redis_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct _zloop_t;
struct redisReply;
struct sw_redis;

enum sw_script {
    SW_SCRIPT_TAKE,
    SW_SCRIPT_TEND,
    SW_SCRIPT_RELEASE,
    SW_SCRIPT_LIVE,
    SW_SCRIPT_COMMIT,
    SW_SCRIPT_MARK,
    SW_SCRIPT_SETTLE,
    SW_SCRIPT_TICK,
    SW_SCRIPT_APPEND,
    SW_SCRIPT_SOURCE,
    SW_SCRIPT_DEAD, /* of the command line */
    SW_SCRIPTS,
};

/* reply NULL: the connection was lost before an answer came; the command may or may not have been carried out. */
typedef void sw_redis_fn(void *arg, const struct redisReply *reply);
typedef void sw_redis_sure_fn(void *arg, bool sure);

struct sw_redis_events {
    void (*up)(void *arg);   /* connected, run id known, scripts loaded */
    void (*down)(void *arg); /* lost; every pending callback was called with NULL before */
    void (*turn)(void *arg); /* answers were handled: what they caused may be sent now */
    void *arg;
};

/* Of `conf`, which outlives it: user and password at each connection; durability. With `disk` and `replicated` the server must
 * keep what it confirmed over a loss of power (appendonly, appendfsync always), or the process ends with one clear line; so it
 * does where the server may forget keys (any policy but noeviction). */
struct sw_redis *sw_redis_create(struct _zloop_t *loop, const struct sw_redis_address *address,
                                 const struct sw_conf *conf, const struct sw_redis_events *events);
void sw_redis_destroy(struct sw_redis *redis);
bool sw_redis_up(const struct sw_redis *redis);
/* How long an answer has been owed without any coming; 0 while none is. A server that hangs keeps its connections: here until
 * the limit above. */
int64_t sw_redis_silent_ms(const struct sw_redis *redis);
/* Identifies this life of the server; "" while down. */
const char *sw_redis_run_id(const struct sw_redis *redis);

/* A command of NULL-terminated plain words. */
int sw_redis_words(struct sw_redis *redis, sw_redis_fn *fn, void *arg, ...);
/* EVALSHA of `script` with one key, `prefix`, and argc arguments. */
int sw_redis_eval(struct sw_redis *redis, enum sw_script script, const char *prefix, int argc,
                  const char **argv, const size_t *sizes, sw_redis_fn *fn, void *arg);
/* Calls `fn`, once: true when all that was answered here before is on SLIPWAY_WAIT replicas (at once, where durability is not
 * `replicated`); false where they have not said so in time, or the connection is lost: it may be there or not. */
void sw_redis_sure(struct sw_redis *redis, sw_redis_sure_fn *fn, void *arg);
/* Too few replicas answer: whatever asks sw_redis_sure is told false. */
bool sw_redis_few(const struct sw_redis *redis);
/* Writes what was asked since the last time: to be called at the end of each turn. */
void sw_redis_flush(struct sw_redis *redis);
/* To be called some times a second: looks after a master that hangs, and replicas. */
void sw_redis_tick(struct sw_redis *redis);
/* Drops the connection, so that it is made anew: after an answer that makes no sense, or none for too long. */
void sw_redis_reset(struct sw_redis *redis);

#endif
