/* audit.c -- see audit.h. Streams are read page by page and merged by the ids that Redis gave; where only the newest are
 * wanted, from their ends backwards. */
#include "common/audit.h"

#include "common/mem.h"
#include "common/run_priv.h"
#include "common/sync.h"
#include "proto/value.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define PAGE "500"

struct source { /* one installation's stream */
    unsigned shard;
    char *key;
    const char *installation; /* within key */
    redisReply *page;
    size_t at; /* in the page; page and at NULL and 0: nothing was read yet */
    bool done;
    struct sw_id head;
};

struct reading {
    const struct sw_conf *conf;
    const struct sw_audit_query *query;
    struct sw_sync *sync;
    bool backward;
    struct source *source;
    size_t sources;
    char *error;
    size_t room;
};

static void add_source(struct reading *reading, unsigned shard, const char *installation) {
    size_t size = (reading->sources + 1) * sizeof(*reading->source);
    reading->source = sw_realloc(reading->source, size);
    char *key = sw_printf("sw:{%02u}:audit:%s", shard, installation);
    reading->source[reading->sources++] = (struct source){
        .shard = shard, .key = key, .installation = strstr(key, ":audit:") + strlen(":audit:")};
}

static int find_sources(struct reading *reading) {
    if (reading->query->installation) {
        const char *installation = reading->query->installation;
        add_source(reading, sw__shard_of(installation), installation);
        return 0;
    }
    for (unsigned shard = 0; shard < SW_SHARDS; shard++) {
        char key[32];
        redisReply *reply;
        snprintf(key, sizeof(key), "sw:{%02u}:audits", shard);
        redisContext *redis = sw_sync_of(reading->sync, shard);
        if (!redis) return -ENOTCONN;
        int r = sw_sync_ask(reading->conf, redis, &reply, reading->error, reading->room, "SMEMBERS",
                            key, NULL);
        if (r < 0) return r;
        for (size_t i = 0; i < reply->elements; i++)
            add_source(reading, shard, reply->element[i]->str);
        freeReplyObject(reply);
    }
    return 0;
}

static int read_page(struct reading *reading, struct source *source) {
    char from[48];
    const char *first = reading->backward ? "+" : "-", *last = reading->backward ? "-" : "+";
    if (source->page) {
        snprintf(from, sizeof(from), "(%llu-%llu", (unsigned long long)source->head.gen,
                 (unsigned long long)source->head.seq);
        first = from;
        freeReplyObject(sw_take(&source->page));
    }
    source->at = 0;
    redisContext *redis = sw_sync_of(reading->sync, source->shard);
    if (!redis) return -ENOTCONN;
    return sw_sync_ask(reading->conf, redis, &source->page, reading->error, reading->room,
                       reading->backward ? "XREVRANGE" : "XRANGE", source->key, first, last,
                       "COUNT", PAGE, NULL);
}

/* Its next entry stands at its head, or it is done. */
static int fill(struct reading *reading, struct source *source) {
    if (source->done || (source->page && source->at < source->page->elements)) return 0;
    int r = read_page(reading, source);
    if (r < 0) return r;
    source->done = source->page->elements == 0;
    return 0;
}

static bool is_before(const struct reading *reading, const struct source *a,
                      const struct source *b) {
    int order = sw__id_compare(a->head, b->head);
    return reading->backward ? order > 0 : order < 0;
}

/* The source whose entry comes next; NULL: none is left. */
static int next_source(struct reading *reading, struct source **ret) {
    *ret = NULL;
    for (size_t i = 0; i < reading->sources; i++) {
        struct source *source = &reading->source[i];
        int r = fill(reading, source);
        if (r < 0) return r;
        if (source->done) continue;
        sw__id_parse(source->page->element[source->at]->element[0]->str, &source->head);
        if (!*ret || is_before(reading, source, *ret)) *ret = source;
    }
    return 0;
}

static json_t *entry_of(const redisReply *entry) {
    const redisReply *fields = entry->element[1];
    json_t *value = NULL;
    for (size_t i = 0; !value && i + 1 < fields->elements; i += 2) {
        const redisReply *text = fields->element[i + 1];
        if (!strcmp(fields->element[i]->str, "m"))
            value = json_loadb(text->str, text->len, 0, NULL);
    }
    if (json_is_object(value)) return value;
    json_decref(value);
    return json_pack("{s:s, s:s}", "error", "not readable", "id", entry->element[0]->str);
}

static bool matches(const struct sw_audit_query *query, const json_t *entry) {
    const char *user = sw_str(json_object_get(entry, "who"), "user");
    if (query->user && strcmp(user, query->user) != 0) return false;
    return !query->pipeline || !strcmp(sw_str(entry, "pipeline"), query->pipeline);
}

static int read_forward(struct reading *reading, sw_audit_fn *fn, void *arg) {
    struct source *source;
    int r;
    while ((r = next_source(reading, &source)) == 0 && source) {
        SW_AUTO(sw_json) json_t *entry = entry_of(source->page->element[source->at++]);
        if (matches(reading->query, entry)) fn(arg, source->installation, entry);
    }
    return r;
}

static int read_last(struct reading *reading, sw_audit_fn *fn, void *arg) {
    SW_AUTO(sw_json) json_t *found = json_array();
    struct source *source;
    int r = 0;
    while (json_array_size(found) < reading->query->last &&
           (r = next_source(reading, &source)) == 0 && source) {
        json_t *entry = entry_of(source->page->element[source->at++]);
        if (!matches(reading->query, entry)) {
            json_decref(entry);
            continue;
        }
        json_array_append_new(found, json_pack("[s, o]", source->installation, entry));
    }
    for (size_t i = r < 0 ? 0 : json_array_size(found); i > 0; i--) {
        const json_t *pair = json_array_get(found, i - 1);
        fn(arg, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
    }
    return r;
}

int sw_audit_read(const struct sw_conf *conf, const struct sw_audit_query *query, sw_audit_fn *fn,
                  void *arg, char *error, size_t room) {
    struct reading reading = {
        .conf = conf, .query = query, .backward = query->last > 0, .error = error, .room = room};
    reading.sync = sw_sync_open(conf, error, room);
    int r = find_sources(&reading);
    if (r == 0)
        r = reading.backward ? read_last(&reading, fn, arg) : read_forward(&reading, fn, arg);
    for (size_t i = 0; i < reading.sources; i++) {
        if (reading.source[i].page) freeReplyObject(reading.source[i].page);
        free(reading.source[i].key);
    }
    free(reading.source);
    sw_sync_close(reading.sync);
    return r;
}
