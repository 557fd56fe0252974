/* redis_priv.h -- one connection between redis.c (its life, commands), redis_greet.c (what a new one asks) and redis_sure.c (replicas).
 *
 * shapes   down -> (a sentinel names the master ->) connecting -> greeted: up -> down
 * units    *_ms on CLOCK_MONOTONIC
 * errors   none
 * owner    the loop thread
 * source   redis.h
 * limits   as there
 */
#ifndef SW_REDIS_PRIV_H
#define SW_REDIS_PRIV_H

#include "common/redis.h"

#include <czmq.h>
#include <hiredis/async.h>

struct sw_redis {
    zloop_t *loop;
    struct sw_redis_address address;
    const struct sw_conf *conf;
    struct sw_redis_events events;
    redisAsyncContext *context; /* NULL between connections */
    bool up, destroying, durable;
    size_t pending;      /* answers owed */
    int64_t heard_at_ms; /* the last answer, or when the first one became owed */
    int64_t ticked_at_ms;
    int retry_timer; /* -1: not armed */
    size_t retry_ms;
    int64_t began_at_ms;   /* when this connection was begun */
    bool reading, writing; /* what hiredis wants */
    int watched;           /* what zloop watches: ZMQ_POLLIN | ZMQ_POLLOUT */
    unsigned steps;        /* of the greeting still to be answered */
    char run_id[64];
    char hash[SW_SCRIPTS][41];
    bool greeting_failed, complained, unreached;
    /* sentinels */
    bool asking;                /* the connection is one to a sentinel */
    unsigned sentinel;          /* the one that is asked next */
    char master[SW_REDIS_HOST]; /* what it said; "": ask */
    /* replicas */
    unsigned replicas;              /* that must have it; 0: none */
    bool few;                       /* too few, by the last answer */
    bool waiting;                   /* a WAIT is under way, for those in `now` */
    zlistx_t *sure_now, *sure_next; /* struct sure */
    int64_t probed_at_ms;
};

/* redis.c */
void sw__redis_greeted(struct sw_redis *redis); /* all steps are answered */

/* redis_greet.c: what a new connection is asked, before anything else. */
void sw__redis_greet(struct sw_redis *redis);
void sw__redis_ask_sentinel(struct sw_redis *redis);

/* redis_sure.c */
void sw__redis_sure_begin(struct sw_redis *redis);
void sw__redis_sure_end(struct sw_redis *redis);
void sw__redis_sure_lost(struct sw_redis *redis);
void sw__redis_sure_flush(struct sw_redis *redis); /* one WAIT for all that asked in this turn */
void sw__redis_sure_tick(struct sw_redis *redis);

#endif
