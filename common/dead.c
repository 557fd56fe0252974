/* dead.c -- see dead.h. */
#include "common/dead.h"

#include "common/mem.h"
#include "common/sync.h"
#include "proto/msg.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define SHARDS 64

static void print(FILE *out, unsigned shard, const redisReply *entry) {
    const redisReply *fields = entry->element[1];
    json_t *line = json_pack("{s:s, s:i, s:I}", "id", entry->element[0]->str, "shard", (int)shard,
                             "at_ms", (json_int_t)strtoll(entry->element[0]->str, NULL, 10));
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *value = fields->element[i + 1];
        struct sw_msg *m = NULL;
        if (strcmp(fields->element[i]->str, "m") != 0) {
            json_object_set_new(line, fields->element[i]->str,
                                json_stringn(value->str, value->len));
        } else if (sw_msg_unpack(value->str, value->len, &m) == 0) {
            json_object_set_new(line, "kind", json_string(m->kind));
            json_object_set_new(line, "cmd", json_string(m->cmd));
            json_object_set_new(line, "inst", json_string(m->inst));
            json_object_set(line, "body", m->body);
            sw_msg_destroy(m);
        }
    }
    json_dumpf(line, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(line);
}

int sw_dead_list(const struct sw_conf *conf, FILE *out, unsigned *ret_count, char *error,
                 size_t room) {
    unsigned count = 0;
    int r = 0;
    struct sw_sync *sync = sw_sync_open(conf, error, room);
    for (unsigned shard = 0; r == 0 && shard < SHARDS; shard++) {
        char key[32];
        redisReply *reply;
        redisContext *redis = sw_sync_of(sync, shard);
        snprintf(key, sizeof(key), "sw:{%02u}:dead", shard);
        r = !redis ? -ENOTCONN
                   : sw_sync_ask(conf, redis, &reply, error, room, "XRANGE", key, "-", "+", NULL);
        if (r < 0) break;
        for (size_t i = 0; i < reply->elements; i++, count++)
            print(out, shard, reply->element[i]);
        freeReplyObject(reply);
    }
    sw_sync_close(sync);
    if (r == 0) *ret_count = count;
    return r;
}
