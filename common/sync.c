/* sync.c -- see sync.h. */
#include "common/sync.h"

#include "common/mem.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define WORDS_MAX 16

static int fail(const struct sw_conf *conf, const char *text, int r, char *error, size_t room) {
    bool away = r == -ENOTCONN;
    snprintf(error, room, "%s at SLIPWAY_REDIS %s: %.*s", away ? "no Redis" : "Redis", conf->redis,
             (int)strcspn(text, "\r\n"), text);
    return r;
}

int sw_sync_connect(const struct sw_conf *conf, redisContext **ret, char *error, size_t room) {
    const char *colon = strrchr(conf->redis, ':');
    struct timeval connecting = {.tv_sec = 2}, answering = {.tv_sec = 10};
    redisContext *redis;
    if (conf->redis[0] == '/' || !colon) {
        redis = redisConnectUnixWithTimeout(conf->redis, connecting);
    } else {
        const char *from = conf->redis;
        size_t size = (size_t)(colon - from);
        if (size > 2 && from[0] == '[' && from[size - 1] == ']') from++, size -= 2;
        SW_AUTO(sw_text) char *host = sw_strndup(from, size);
        redis = redisConnectWithTimeout(host, atoi(colon + 1), connecting);
    }
    if (!redis) abort();
    if (redis->err) {
        int r = fail(conf, redis->errstr, -ENOTCONN, error, room);
        redisFree(redis);
        return r;
    }
    redisSetTimeout(redis, answering);
    *ret = redis;
    return 0;
}

int sw_sync_ask(const struct sw_conf *conf, redisContext *redis, redisReply **ret, char *error,
                size_t room, ...) {
    const char *argv[WORDS_MAX];
    int argc = 0;
    va_list args;
    va_start(args, room);
    while (argc < WORDS_MAX && (argv[argc] = va_arg(args, const char *)))
        argc++;
    va_end(args);
    redisAppendCommandArgv(redis, argc, argv, NULL);
    return sw_sync_take(conf, redis, ret, error, room);
}

int sw_sync_take(const struct sw_conf *conf, redisContext *redis, redisReply **ret, char *error,
                 size_t room) {
    redisReply *reply = NULL;
    if (redisGetReply(redis, (void **)&reply) != REDIS_OK || !reply) {
        bool late = redis->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
        return fail(conf, late ? "it does not answer" : redis->errstr, -ENOTCONN, error, room);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        int r = fail(conf, reply->str, -EIO, error, room);
        freeReplyObject(reply);
        return r;
    }
    *ret = reply;
    return 0;
}
