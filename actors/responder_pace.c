/* responder_pace.c -- how fast notices may come: a channel's places, and a workspace's calls of a method; see responder_feed.h.
 *
 * A bucket is its "theoretical arrival time" (GCRA): `tat` is when all tokens that were taken are used up, `floor` until when
 * Slack said to wait. */
#include "actors/responder_feed.h"
#include "common/mem.h"

#include <string.h>

/* Slack: several hundred messages a minute for a workspace, without a number; 429 says where it ends. chat.update is tier 3,
 * "50+ a minute"; commands update as well, and do not ask here. */
static const struct bucket {
    const char *method;
    int64_t gap_ms, burst;
} buckets[] = {{"chat.postMessage", 50, 40}, {"chat.update", 1200, 20}};

struct pace {
    const struct bucket *bucket;
    char *key;
    int64_t tat, floor_ms;
};

static int pace_of(const struct sw__feed *f, const char *method, struct pace *ret) {
    const json_t *stored;
    bool update = !strcmp(method, buckets[1].method);
    char *key = sw_printf("pace/%s/%s", f->in->inst, method);
    int r = sw_fact(f->out, key, &stored);
    if (r < 0) {
        free(key);
        return r;
    }
    *ret = (struct pace){.bucket = &buckets[update],
                         .key = key,
                         .tat = sw_int(stored, "tat"),
                         .floor_ms = sw_int(stored, "floor")};
    return 0;
}

static void pace_store(const struct sw__feed *f, struct pace *pace) {
    int64_t last = pace->tat > pace->floor_ms ? pace->tat : pace->floor_ms;
    int64_t left_ms = last > f->ctx->now_ms ? last - f->ctx->now_ms : 0;
    sw_store(
        f->out, pace->key,
        json_pack("{s:I, s:I}", "tat", (json_int_t)pace->tat, "floor", (json_int_t)pace->floor_ms),
        left_ms + 60000);
}

int sw__pace_method(const struct sw__feed *f, const char *method, int64_t *ret_at_ms,
                    int64_t *ret_floor_ms) {
    struct pace pace;
    int r = pace_of(f, method, &pace);
    if (r < 0) return r;
    int64_t at = pace.tat - (pace.bucket->burst - 1) * pace.bucket->gap_ms;
    *ret_at_ms = at > pace.floor_ms ? at : pace.floor_ms;
    *ret_floor_ms = pace.floor_ms;
    free(pace.key);
    return 0;
}

int sw__pace_method_take(const struct sw__feed *f, const char *method, int64_t at_ms) {
    struct pace pace;
    int r = pace_of(f, method, &pace);
    if (r < 0) return r;
    pace.tat = (pace.tat > at_ms ? pace.tat : at_ms) + pace.bucket->gap_ms;
    pace_store(f, &pace);
    free(pace.key);
    return 0;
}

int sw__pace_method_close(const struct sw__feed *f, const char *method, int64_t wait_ms) {
    struct pace pace;
    int r = pace_of(f, method, &pace);
    if (r < 0) return r;
    int64_t floor_ms = f->ctx->now_ms + wait_ms;
    if (pace.floor_ms < floor_ms) pace.floor_ms = floor_ms;
    /* It opens without a burst. */
    int64_t least = pace.floor_ms + (pace.bucket->burst - 1) * pace.bucket->gap_ms;
    if (pace.tat < least) pace.tat = least;
    pace_store(f, &pace);
    free(pace.key);
    return 0;
}
