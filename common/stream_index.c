/* stream_index.c -- whom each source concerns, kept between batches; see stream_priv.h.
 *
 * The number in `sw:sources` grows with every change (source.lua): what was looked up under another number is forgotten. It is read
 * once a batch, on the same connection and before the lookups, so what is kept is never older than its number. */
#include "common/stream_priv.h"

#include "common/mem.h"

#include <hiredis/hiredis.h>

#define KEPT_MAX 100000

struct sw__index {
    struct sw_run *run;
    void (*said)(void *arg, bool known);
    void *arg;
    zhashx_t *kept; /* source -> struct sw__concern */
    char number[32], redis[64];
    const char *(*source)(void *arg, size_t i);
    size_t count, asked;
    bool failed;
};

struct lookup {
    struct sw__index *index;
    struct sw__concern *concern;
};

static void concern_destroy(void **p) {
    struct sw__concern *concern = *p;
    for (size_t i = 0; i < concern->count; i++)
        free(concern->inst[i]);
    free(concern->inst);
    free(concern);
    *p = NULL;
}

static void finish(struct sw__index *index) {
    if (index->asked > 0) return;
    /* Half of an answer must not be kept as "nobody". */
    if (index->failed) zhashx_purge(index->kept);
    index->said(index->arg, !index->failed);
}

static void on_members(void *arg, const redisReply *r) {
    struct lookup *lookup = arg;
    struct sw__index *index = lookup->index;
    struct sw__concern *concern = lookup->concern;
    free(lookup);
    index->asked--;
    if (r && r->type == REDIS_REPLY_ARRAY) {
        concern->inst = sw_malloc((r->elements + 1) * sizeof(*concern->inst));
        for (size_t i = 0; i < r->elements; i++) {
            if (sw_is_slack_id(r->element[i]->str, r->element[i]->len))
                concern->inst[concern->count++] = sw_strdup(r->element[i]->str);
        }
    } else {
        index->failed = true;
    }
    finish(index);
}

static void look_up(struct sw__index *index, const char *source) {
    char key[160];
    if (zhashx_lookup(index->kept, source)) return;
    struct lookup *lookup = sw_malloc(sizeof(*lookup));
    *lookup = (struct lookup){index, sw_zalloc(sizeof(*lookup->concern))};
    zhashx_insert(index->kept, source, lookup->concern);
    snprintf(key, sizeof(key), "sw:src:%s", source);
    if (sw_redis_words(index->run->redis, on_members, lookup, "SMEMBERS", key, NULL) == 0) {
        index->asked++;
    } else {
        index->failed = true;
        free(lookup);
    }
}

static void on_number(void *arg, const redisReply *r) {
    struct sw__index *index = arg;
    const char *number = r && r->type == REDIS_REPLY_STRING ? r->str : "";
    const char *redis = sw_redis_run_id(index->run->redis);
    index->asked--;
    index->failed = !r || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_NIL);
    /* Another life of Redis may have come to the same number in another way. */
    if (strcmp(number, index->number) != 0 || strcmp(redis, index->redis) != 0 ||
        zhashx_size(index->kept) > KEPT_MAX)
        zhashx_purge(index->kept);
    snprintf(index->number, sizeof(index->number), "%s", number);
    snprintf(index->redis, sizeof(index->redis), "%s", redis);
    index->asked++; /* not finished while this is under way */
    for (size_t i = 0; i < index->count && !index->failed; i++) {
        const char *source = index->source(index->arg, i);
        if (source) look_up(index, source);
    }
    index->asked--;
    finish(index);
}

int sw__index_ask(struct sw__index *index, const char *(*source)(void *arg, size_t i),
                  size_t count) {
    index->source = source;
    index->count = count;
    int r = sw_redis_words(index->run->redis, on_number, index, "GET", "sw:sources", NULL);
    if (r == 0) index->asked++;
    return r;
}

const struct sw__concern *sw__index_find(struct sw__index *index, const char *source) {
    return zhashx_lookup(index->kept, source);
}

struct sw__index *sw__index_create(struct sw_run *run, void (*said)(void *arg, bool known),
                                   void *arg) {
    struct sw__index *index = sw_zalloc(sizeof(*index));
    *index = (struct sw__index){.run = run, .said = said, .arg = arg, .kept = zhashx_new()};
    zhashx_set_destructor(index->kept, concern_destroy);
    return index;
}

void sw__index_destroy(struct sw__index *index) {
    if (!index) return;
    zhashx_destroy(&index->kept);
    free(index);
}
