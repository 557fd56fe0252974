/* streams.h -- several streams of Redis read as one: for a command of the operator.
 *
 * shapes   an entry as XRANGE gives it: [id, [field, value, ...]]; the order is that of the ids, which Redis gave by its clock
 * units    none
 * errors   as sync.h, with its one line
 * owner    the callback borrows the entry
 * source   Redis XRANGE, XREVRANGE
 * limits   a page of each stream is in memory at once
 */
#ifndef SW_STREAMS_H
#define SW_STREAMS_H

#include "common/conf.h"

struct redisReply;
struct sw_sync;

struct sw_stream {
    unsigned shard; /* whose Redis has it */
    char *key;
};

struct sw_streams_query {
    const struct sw_stream *stream;
    size_t streams;
    const char *page; /* entries read at once of each */
    bool backward;    /* newest first */
    int64_t since_ms; /* only what came then or later; 0: all */
};

/* `at`: which stream it stands in. True: enough. */
typedef bool sw_streams_fn(void *arg, size_t at, const struct redisReply *entry);

int sw_streams_read(const struct sw_conf *conf, struct sw_sync *sync,
                    const struct sw_streams_query *query, sw_streams_fn *fn, void *arg, char *error,
                    size_t room);

#endif
