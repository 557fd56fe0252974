/* audit.c -- see audit.h. */
#include "common/audit.h"

#include "common/mem.h"
#include "common/run_priv.h"
#include "common/streams.h"
#include "common/sync.h"
#include "proto/value.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define PAGE "500"

struct reading {
    const struct sw_conf *conf;
    const struct sw_audit_query *query;
    struct sw_stream *stream; /* of each installation */
    size_t streams;
    sw_audit_fn *fn;
    void *arg;
    json_t *found; /* of the last ones, newest first: [installation, entry] */
    char *error;
    size_t room;
};

static void add_stream(struct reading *reading, unsigned shard, const char *installation) {
    size_t size = (reading->streams + 1) * sizeof(*reading->stream);
    reading->stream = sw_realloc(reading->stream, size);
    char *key = sw_printf("sw:{%02u}:audit:%s", shard, installation);
    reading->stream[reading->streams++] = (struct sw_stream){.shard = shard, .key = key};
}

static int find_streams(struct reading *reading, struct sw_sync *sync) {
    int r = 0;
    if (reading->query->installation) {
        const char *installation = reading->query->installation;
        add_stream(reading, sw__shard_of(installation), installation);
        return 0;
    }
    for (unsigned shard = 0; r == 0 && shard < SW_SHARDS; shard++) {
        char key[32];
        redisReply *reply;
        redisContext *redis = sw_sync_of(sync, shard);
        if (!redis) return -ENOTCONN;
        snprintf(key, sizeof(key), "sw:{%02u}:audits", shard);
        r = sw_sync_ask(reading->conf, redis, &reply, reading->error, reading->room, "SMEMBERS",
                        key, NULL);
        if (r < 0) return r;
        for (size_t i = 0; i < reply->elements; i++)
            add_stream(reading, shard, reply->element[i]->str);
        freeReplyObject(reply);
    }
    return r;
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
    const json_t *who = json_object_get(entry, "who");
    const char *user = sw_str(who, "user");
    if (query->cmd && strcmp(sw_str(entry, "cmd"), query->cmd) != 0) return false;
    if (query->user && strcmp(user[0] ? user : sw_str(who, "operator"), query->user) != 0)
        return false;
    return !query->pipeline || !strcmp(sw_str(entry, "pipeline"), query->pipeline);
}

static bool on_entry(void *arg, size_t at, const redisReply *reply) {
    struct reading *reading = arg;
    const char *installation = strstr(reading->stream[at].key, ":audit:") + strlen(":audit:");
    SW_AUTO(sw_json) json_t *entry = entry_of(reply);
    if (!matches(reading->query, entry)) return false;
    if (!reading->query->last) {
        reading->fn(reading->arg, installation, entry);
        return false;
    }
    json_array_append_new(reading->found, json_pack("[s, O]", installation, entry));
    return json_array_size(reading->found) == reading->query->last;
}

int sw_audit_read(const struct sw_conf *conf, const struct sw_audit_query *query, sw_audit_fn *fn,
                  void *arg, char *error, size_t room) {
    SW_AUTO(sw_json) json_t *found = json_array();
    struct reading reading = {.conf = conf,
                              .query = query,
                              .fn = fn,
                              .arg = arg,
                              .found = found,
                              .error = error,
                              .room = room};
    struct sw_sync *sync = sw_sync_open(conf, error, room);
    int r = find_streams(&reading, sync);
    const struct sw_streams_query streams = {.stream = reading.stream,
                                             .streams = reading.streams,
                                             .page = PAGE,
                                             .backward = query->last > 0,
                                             .since_ms = query->since_ms};
    if (r == 0) r = sw_streams_read(conf, sync, &streams, on_entry, &reading, error, room);
    for (size_t i = r < 0 ? 0 : json_array_size(found); i > 0; i--) {
        const json_t *pair = json_array_get(found, i - 1);
        fn(arg, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
    }
    for (size_t i = 0; i < reading.streams; i++)
        free(reading.stream[i].key);
    free(reading.stream);
    sw_sync_close(sync);
    return r;
}
