/* redis_sure.c -- durability `replicated`: nothing is confirmed before replicas have it; see redis_priv.h.
 *
 * WAIT holds up all that is asked on its connection, leases too. So there is one at a time, for all that asked until the turn
 * ended; it takes a tenth of a lease or a second at most; and after one that failed nothing waits (it is told at once that it is not
 * confirmed) until a short one, asked now and then, has succeeded. */
#include "common/redis_priv.h"

#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>

#define WAIT_MS 1000 /* at most: people are answered within two seconds */
#define PROBE_MS "100"
#define PROBE_EVERY_MS 500

struct sure {
    sw_redis_sure_fn *fn;
    void *arg;
};

void sw__redis_sure_begin(struct sw_redis *redis) {
    bool replicated = !strcmp(redis->conf->durability, "replicated");
    redis->replicas = replicated ? (unsigned)redis->conf->wait : 0;
    redis->sure_now = zlistx_new();
    redis->sure_next = zlistx_new();
    redis->few = replicated; /* until it is known */
}

static void tell(zlistx_t *list, bool sure) {
    /* Those who are told may ask again. */
    for (size_t n = zlistx_size(list); n > 0; n--) {
        struct sure *s = zlistx_first(list);
        zlistx_detach(list, zlistx_cursor(list));
        s->fn(s->arg, sure);
        free(s);
    }
}

void sw__redis_sure_lost(struct sw_redis *redis) {
    redis->waiting = false;
    redis->few = redis->replicas > 0;
    redis->probed_at_ms = 0;
    tell(redis->sure_now, false);
    tell(redis->sure_next, false);
}

void sw__redis_sure_end(struct sw_redis *redis) {
    sw__redis_sure_lost(redis);
    zlistx_destroy(&redis->sure_now);
    zlistx_destroy(&redis->sure_next);
}

bool sw_redis_few(const struct sw_redis *redis) {
    return redis->few;
}

void sw_redis_sure(struct sw_redis *redis, sw_redis_sure_fn *fn, void *arg) {
    if (!redis->replicas || !redis->up || redis->few) {
        fn(arg, !redis->replicas);
        return;
    }
    struct sure *s = sw_malloc(sizeof(*s));
    *s = (struct sure){fn, arg};
    zlistx_add_end(redis->sure_next, s);
}

static int wait_for(struct sw_redis *redis, const char *ms, sw_redis_fn *fn) {
    char count[16];
    snprintf(count, sizeof(count), "%u", redis->replicas);
    const int r = sw_redis_words(redis, fn, redis, "WAIT", count, ms, NULL);
    redis->waiting = r == 0;
    return r;
}

static bool is_enough(const struct sw_redis *redis, const redisReply *reply) {
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= redis->replicas;
}

static void on_waited(void *arg, const redisReply *reply) {
    struct sw_redis *redis = arg;
    if (!reply) return; /* gone() tells them */
    redis->waiting = false;
    redis->few = !is_enough(redis, reply);
    redis->probed_at_ms = zclock_mono();
    if (redis->few)
        sw_log(SW_LOG_WARN, "too few replicas of redis answer: nothing is confirmed until they do",
               SW_I("wanted", redis->replicas));
    tell(redis->sure_now, !redis->few);
    if (redis->few) tell(redis->sure_next, false);
}

void sw__redis_sure_flush(struct sw_redis *redis) {
    char ms[24];
    if (redis->waiting || !redis->up || zlistx_size(redis->sure_next) == 0) return;
    zlistx_t *empty = redis->sure_now;
    redis->sure_now = redis->sure_next;
    redis->sure_next = empty;
    int64_t most_ms = redis->conf->lease_ms / 10;
    snprintf(ms, sizeof(ms), "%" PRId64, most_ms < WAIT_MS ? most_ms : WAIT_MS);
    (void)wait_for(redis, ms, on_waited);
}

static void on_probed(void *arg, const redisReply *reply) {
    struct sw_redis *redis = arg;
    if (!reply) return;
    bool first = redis->probed_at_ms == 0;
    redis->waiting = false;
    redis->probed_at_ms = zclock_mono();
    redis->few = !is_enough(redis, reply);
    if (!redis->few) {
        sw_log(SW_LOG_INFO, "enough replicas of redis answer", SW_I("wanted", redis->replicas));
    } else if (first) {
        sw_log(SW_LOG_WARN, "redis has too few replicas: nothing is confirmed until it has",
               SW_I("wanted", redis->replicas),
               SW_S("error", reply->type == REDIS_REPLY_ERROR ? reply->str : ""));
    }
}

void sw__redis_sure_tick(struct sw_redis *redis) {
    if (!redis->few || redis->waiting || !redis->up) return;
    if (redis->probed_at_ms && zclock_mono() - redis->probed_at_ms < PROBE_EVERY_MS) return;
    (void)wait_for(redis, PROBE_MS, on_probed);
}
