/* timers.c -- durable timers: one sorted set a shard, moved into the mailbox when due by Redis TIME. */
#include "common/mem.h"
#include "common/run_priv.h"

#include <hiredis/hiredis.h>

#define LIMIT "100"

struct tick {
    struct sw_shard *shard;
    unsigned life;
};

static void on_ticked(void *arg, const redisReply *reply) {
    struct tick tick = *(struct tick *)arg;
    struct sw_shard *shard = tick.shard;
    free(arg);
    if (!reply || shard->life != tick.life) return;
    shard->ticking = false;
    if (!sw__reply_is(shard, reply, "ok") || reply->elements < 3) return;
    sw__clock(shard->ledger, atoll(reply->element[1]->str));
    /* A timer armed since was noted in next_due_ms, and is in the set by now or will be: the earlier one counts. */
    int64_t next_ms = reply->element[2]->len ? atoll(reply->element[2]->str) : INT64_MAX;
    if (next_ms < shard->next_due_ms) shard->next_due_ms = next_ms;
    for (size_t i = 3; i + 1 < reply->elements; i += 2) {
        struct sw_id id;
        if (sw__id_parse(reply->element[i]->str, &id))
            sw__mailbox_receive(shard, 0, id, reply->element[i + 1]->str,
                                reply->element[i + 1]->len);
    }
}

static void tick(struct sw_shard *shard) {
    const char *argv[] = {LIMIT};
    struct tick *t = sw_malloc(sizeof(*t));
    *t = (struct tick){shard, shard->life};
    if (sw__owner_eval(shard, SW_SCRIPT_TICK, 1, argv, NULL, on_ticked, t) < 0) {
        free(t);
        return;
    }
    shard->ticking = true;
    shard->next_due_ms = INT64_MAX;
}

void sw__timers_tick(struct sw_run *run) {
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct sw_shard *shard = &run->shard[i];
        if (shard->state == SW_OURS && !shard->ticking &&
            shard->next_due_ms <= sw__shard_now_ms(shard))
            tick(shard);
    }
}
