/* stream_index.c -- whom each source concerns, kept between batches; see stream_priv.h.
 *
 * Each Redis knows whom a source concerns among its own shards. The number in its `sw:sources` grows with every change
 * (source.lua): what was looked up under another number is forgotten. It is read once a batch, on the same connection and before
 * the lookups, so what is kept is never older than its number. */
#include "common/stream_priv.h"

#include "common/mem.h"

#include <errno.h>
#include <hiredis/hiredis.h>

#define KEPT_MAX 100000

struct sw__index {
    struct sw_run *run;
    void (*said)(void *arg, bool known);
    void *arg;
    zhashx_t *kept;  /* source -> struct sw__concern */
    struct edition { /* of one Redis */
        struct sw__index *index;
        struct sw_redis *redis;
        char number[32], run[64];
    } edition[SW_REDISES];
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
        size_t most = concern->count + r->elements + 1;
        concern->inst = sw_realloc(concern->inst, most * sizeof(*concern->inst));
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
    struct sw__concern *concern;
    char key[160];
    if (zhashx_lookup(index->kept, source)) return;
    concern = sw_zalloc(sizeof(*concern));
    zhashx_insert(index->kept, source, concern);
    snprintf(key, sizeof(key), "sw:src:%s", source);
    for (unsigned i = 0; i < index->run->ledgers; i++) {
        struct lookup *lookup = sw_malloc(sizeof(*lookup));
        *lookup = (struct lookup){index, concern};
        if (sw_redis_words(index->edition[i].redis, on_members, lookup, "SMEMBERS", key, NULL) ==
            0) {
            index->asked++;
        } else {
            index->failed = true;
            free(lookup);
        }
    }
}

static void on_number(void *arg, const redisReply *r) {
    struct edition *edition = arg;
    struct sw__index *index = edition->index;
    const char *number = r && r->type == REDIS_REPLY_STRING ? r->str : "";
    const char *run = sw_redis_run_id(edition->redis);
    if (!r || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_NIL)) index->failed = true;
    /* Another life of Redis may have come to the same number in another way. */
    if (strcmp(number, edition->number) != 0 || strcmp(run, edition->run) != 0 ||
        zhashx_size(index->kept) > KEPT_MAX)
        zhashx_purge(index->kept);
    snprintf(edition->number, sizeof(edition->number), "%s", number);
    snprintf(edition->run, sizeof(edition->run), "%s", run);
    /* All numbers first: each may empty what is kept. The last one is still counted, so nothing ends meanwhile. */
    bool last = index->asked == 1;
    for (size_t i = 0; last && i < index->count && !index->failed; i++) {
        const char *source = index->source(index->arg, i);
        if (source) look_up(index, source);
    }
    index->asked--;
    finish(index);
}

int sw__index_ask(struct sw__index *index, const char *(*source)(void *arg, size_t i),
                  size_t count) {
    struct sw_run *run = index->run;
    index->source = source;
    index->count = count;
    index->failed = false;
    for (unsigned i = 0; i < run->ledgers; i++) {
        struct edition *edition = &index->edition[i];
        edition->index = index;
        edition->redis = run->ledger[i].redis;
        if (sw_redis_words(edition->redis, on_number, edition, "GET", "sw:sources", NULL) == 0) {
            index->asked++;
        } else {
            index->failed = true;
        }
    }
    return index->asked ? 0 : -ENOTCONN;
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
