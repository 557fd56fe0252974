/* sync.c -- see sync.h. */
#include "common/sync.h"

#include "common/mem.h"
#include "common/redis_map.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 16
#define ROUNDS 40 /* of asking the sentinels, PAUSE_MS apart */
#define PAUSE_MS 250

struct sw_sync {
    const struct sw_conf *conf;
    char *error;
    size_t room;
    struct sw_redis_map map;
    redisContext *redis[SW_REDISES];
};

/* Where there are several, the one that is meant. */
static int fail(const struct sw_conf *conf, const redisContext *redis, const char *text, int r,
                char *error, size_t room) {
    bool away = r == -ENOTCONN, one = !strpbrk(conf->redis, "=@") || conf->redis[0] == '/';
    char which[SW_REDIS_HOST + 16] = "";
    if (redis && !one && redis->tcp.host)
        snprintf(which, sizeof(which), " (%s:%d)", redis->tcp.host, redis->tcp.port);
    if (redis && !one && redis->unix_sock.path)
        snprintf(which, sizeof(which), " (%s)", redis->unix_sock.path);
    snprintf(error, room, "%s at SLIPWAY_REDIS %s%s: %.*s", away ? "no Redis" : "Redis",
             conf->redis, which, (int)strcspn(text, "\r\n"), text);
    return r;
}

/* ---- one connection ---- */

static redisContext *connect_to(const char *address) {
    struct timeval connecting = {.tv_sec = 2}, answering = {.tv_sec = 10};
    char host[SW_REDIS_HOST];
    int port;
    redisContext *redis = sw_redis_host_split(address, host, &port)
                              ? redisConnectWithTimeout(host, port, connecting)
                              : redisConnectUnixWithTimeout(address, connecting);
    if (!redis) abort();
    if (!redis->err) redisSetTimeout(redis, answering);
    return redis;
}

/* The password of a user, or of the default one. 0, or the line is written. */
static int greet(const struct sw_conf *conf, redisContext *redis, char *error, size_t room) {
    const char *password = conf->redis_password.current, *user = conf->redis_user;
    redisReply *reply;
    if (redis->err) return fail(conf, redis, redis->errstr, -ENOTCONN, error, room);
    if (!password) return 0;
    int r = sw_sync_ask(conf, redis, &reply, error, room, "AUTH", user[0] ? user : password,
                        user[0] ? password : NULL, NULL);
    if (r == 0) freeReplyObject(reply);
    return r;
}

/* ---- the master that sentinels name ---- */

static bool ask_sentinel(const char *sentinel, const char *master, char ret[SW_REDIS_HOST]) {
    redisContext *redis = connect_to(sentinel);
    redisReply *reply =
        redis->err ? NULL : redisCommand(redis, "SENTINEL get-master-addr-by-name %s", master);
    bool known = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    if (known) {
        const char *host = reply->element[0]->str, *port = reply->element[1]->str;
        snprintf(ret, SW_REDIS_HOST, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    }
    if (reply) freeReplyObject(reply);
    redisFree(redis);
    return known;
}

static bool is_master(redisContext *redis) {
    redisReply *reply = redisCommand(redis, "ROLE");
    bool is = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
              !strcmp(reply->element[0]->str, "master");
    if (reply) freeReplyObject(reply);
    return is;
}

/* What a sentinel says may be out of date for a moment: the server itself must say that it is the master. */
static redisContext *find_master(const struct sw_conf *conf, const struct sw_redis_address *at,
                                 char *error, size_t room) {
    char found[SW_REDIS_HOST];
    fail(conf, NULL, "no sentinel knows a master of that name", -ENOTCONN, error, room);
    for (unsigned n = 0; n < ROUNDS; n++) {
        if (ask_sentinel(at->host[n % at->hosts], at->master, found)) {
            redisContext *redis = connect_to(found);
            int r = greet(conf, redis, error, room);
            if (r == 0 && is_master(redis)) return redis;
            if (r == 0) fail(conf, redis, "it is not the master", -ENOTCONN, error, room);
            redisFree(redis);
            if (r == -EIO) return NULL; /* a wrong password gets no better */
        }
        if ((n + 1) % at->hosts) continue;
        const struct timespec pause = {0, PAUSE_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* ---- all of them ---- */

struct sw_sync *sw_sync_open(const struct sw_conf *conf, char *error, size_t room) {
    struct sw_sync *sync = sw_zalloc(sizeof(*sync));
    sync->conf = conf;
    sync->error = error;
    sync->room = room;
    /* Not wrong where it was checked as a setting; the line is then the answer to the first question. */
    if (sw_redis_map_parse(conf->redis, &sync->map, error, room) < 0) sync->map.count = 0;
    return sync;
}

void sw_sync_close(struct sw_sync *sync) {
    if (!sync) return;
    for (unsigned i = 0; i < sync->map.count; i++) {
        if (sync->redis[i]) redisFree(sync->redis[i]);
    }
    free(sync);
}

unsigned sw_sync_count(const struct sw_sync *sync) {
    return sync->map.count ? sync->map.count : 1;
}

redisContext *sw_sync_at(struct sw_sync *sync, unsigned number) {
    const struct sw_redis_address *at = &sync->map.address[number];
    redisContext *redis = sync->redis[number];
    if (number >= sync->map.count) return NULL;
    if (redis && !redis->err) return redis;
    if (redis) redisFree(sw_take(&sync->redis[number]));
    if (at->master[0]) {
        redis = find_master(sync->conf, at, sync->error, sync->room);
    } else {
        redis = connect_to(at->host[0]);
        if (greet(sync->conf, redis, sync->error, sync->room) < 0) {
            redisFree(redis);
            redis = NULL;
        }
    }
    return sync->redis[number] = redis;
}

redisContext *sw_sync_of(struct sw_sync *sync, unsigned shard) {
    return sw_sync_at(sync, sync->map.of[shard]);
}

redisContext *sw_sync_home(struct sw_sync *sync) {
    return sw_sync_at(sync, 0);
}

/* ---- questions ---- */

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
        return fail(conf, redis, late ? "it does not answer" : redis->errstr, -ENOTCONN, error,
                    room);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        int r = fail(conf, redis, reply->str, -EIO, error, room);
        freeReplyObject(reply);
        return r;
    }
    *ret = reply;
    return 0;
}
