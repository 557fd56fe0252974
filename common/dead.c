/* dead.c -- see dead.h. */
#include "common/dead.h"

#include "common/mem.h"
#include "proto/msg.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define SHARDS 64

static redisContext *connect_to(const char *address) {
    const char *colon = strrchr(address, ':');
    struct timeval limit = {.tv_sec = 2};
    if (address[0] == '/' || address[0] == '.' || !colon)
        return redisConnectUnixWithTimeout(address, limit);
    SW_AUTO(sw_text) char *host = sw_strndup(address, (size_t)(colon - address));
    return redisConnectWithTimeout(host, atoi(colon + 1), limit);
}

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

int sw_dead_list(const struct sw_conf *conf, FILE *out, unsigned *ret_count) {
    redisContext *redis = connect_to(conf->redis);
    unsigned count = 0;
    int r = !redis || redis->err ? -ENOTCONN : 0;
    for (unsigned shard = 0; r == 0 && shard < SHARDS; shard++) {
        char key[32];
        snprintf(key, sizeof(key), "sw:{%02u}:dead", shard);
        redisReply *reply = redisCommand(redis, "XRANGE %s - +", key);
        if (!reply) r = -ENOTCONN;
        if (reply && reply->type != REDIS_REPLY_ARRAY) r = -EIO;
        for (size_t i = 0; r == 0 && i < reply->elements; i++, count++)
            print(out, shard, reply->element[i]);
        if (reply) freeReplyObject(reply);
    }
    if (redis) redisFree(redis);
    if (r == 0) *ret_count = count;
    return r;
}
