/* streams.c -- see streams.h. Read page by page and merged; from their ends backwards where only the newest are wanted. */
#include "common/streams.h"

#include "common/mem.h"
#include "common/run_priv.h"
#include "common/sync.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <string.h>

struct source {
    const struct sw_stream *stream;
    redisReply *page; /* NULL: nothing was read yet */
    size_t at;        /* in the page */
    bool done, has_head;
    struct sw_id head; /* what comes next, or was the last one */
};

struct reading {
    const struct sw_conf *conf;
    const struct sw_streams_query *query;
    struct sw_sync *sync;
    struct source *source;
    char *error;
    size_t room;
};

static int read_page(struct reading *reading, struct source *source) {
    const struct sw_streams_query *query = reading->query;
    char next[48], oldest[24] = "-";
    if (query->since_ms > 0) snprintf(oldest, sizeof(oldest), "%" PRId64, query->since_ms);
    const char *first = query->backward ? "+" : oldest, *last = query->backward ? oldest : "+";
    if (source->page) {
        snprintf(next, sizeof(next), "(%" PRIu64 "-%" PRIu64, source->head.gen, source->head.seq);
        first = next;
        freeReplyObject(sw_take(&source->page));
    }
    source->at = 0;
    redisContext *redis = sw_sync_of(reading->sync, source->stream->shard);
    if (!redis) return -ENOTCONN;
    return sw_sync_ask(reading->conf, redis, &source->page, reading->error, reading->room,
                       query->backward ? "XREVRANGE" : "XRANGE", source->stream->key, first, last,
                       "COUNT", query->page, NULL);
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
    return reading->query->backward ? order > 0 : order < 0;
}

/* The source whose entry comes next; NULL: none is left. */
static int next_source(struct reading *reading, struct source **ret) {
    *ret = NULL;
    for (size_t i = 0; i < reading->query->streams; i++) {
        struct source *source = &reading->source[i];
        int r = fill(reading, source);
        if (r < 0) return r;
        if (source->done) continue;
        if (!source->has_head)
            sw__id_parse(source->page->element[source->at]->element[0]->str, &source->head);
        source->has_head = true;
        if (!*ret || is_before(reading, source, *ret)) *ret = source;
    }
    return 0;
}

int sw_streams_read(const struct sw_conf *conf, struct sw_sync *sync,
                    const struct sw_streams_query *query, sw_streams_fn *fn, void *arg, char *error,
                    size_t room) {
    struct reading reading = {
        .conf = conf, .sync = sync, .query = query, .error = error, .room = room};
    struct source *next;
    int r;
    reading.source = sw_zalloc((query->streams + 1) * sizeof(*reading.source));
    for (size_t i = 0; i < query->streams; i++)
        reading.source[i].stream = &query->stream[i];
    while ((r = next_source(&reading, &next)) == 0 && next) {
        const redisReply *entry = next->page->element[next->at++];
        next->has_head = false;
        if (fn(arg, (size_t)(next - reading.source), entry)) break;
    }
    for (size_t i = 0; i < query->streams; i++) {
        if (reading.source[i].page) freeReplyObject(reading.source[i].page);
    }
    free(reading.source);
    return r;
}
