/* overview_priv.h -- between overview.c (what is owed, and by whom) and overview_redis.c (what a Redis says of itself).
 *
 * shapes   struct sw__reading: one overview, while it is read
 * units    *_ms milliseconds
 * errors   `failed`: the first one of the Redis that is read; nothing more is read there
 * owner    sw_overview_read
 * source   overview.h
 * limits   none
 */
#ifndef SW_OVERVIEW_PRIV_H
#define SW_OVERVIEW_PRIV_H

#include "common/overview.h"
#include "common/run_priv.h"
#include "common/seal_priv.h"

#include <hiredis/hiredis.h>

struct sw__sums { /* of one role */
    json_t *processes, *unowned, *waiting;
    int64_t owned, free, expired;
    int64_t owed[SW_LANES], oldest_ms[SW_LANES];
    int64_t calls, marked, late, late_ms;
    int64_t armed, overdue, due_ms; /* due_ms 0: none */
    int64_t tries, dead_hour;
};

struct sw__reading {
    const struct sw_conf *conf;
    redisContext *redis; /* the one that is read */
    char *error;
    size_t room;
    int failed;      /* the first error with it: nothing more is read there */
    bool living;     /* the living are known: they stand at each Redis */
    int64_t now_ms;  /* of the Redis that is read */
    char run_id[64]; /* of it, too */
    char gen[24];    /* of the shard that is read, "" where no process of now made one */
    struct sw__sums sums[SW__ROLES];
    int64_t dead, dead_hour;
    bool dead_more; /* of some shard not all of the last hour are counted */
    int64_t gen_now, gen_older, gen_none;
    json_t *installations;
    bool partial;
};

/* The next answer; NULL once anything failed; freed by the caller. */
redisReply *sw__overview_take(struct sw__reading *r);
/* "" where there is none. */
const char *sw__overview_text(const redisReply *reply, size_t i);

/* Asks at once for its time: r->now_ms and the skew. */
void sw__overview_greet(struct sw__reading *r, json_t *server);
/* What is asked of each Redis, `shard` being one of its own; and the answers, into `server` and r->run_id. */
void sw__overview_ask_server(redisContext *redis, unsigned shard);
void sw__overview_take_server(struct sw__reading *r, json_t *server);

#endif
