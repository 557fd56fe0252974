/* key_live.c -- what the living processes know of keys, and what is asked of them; see key_use.h. */
#include "common/key_use.h"
#include "common/mem.h"
#include "common/redis.h"
#include "common/run_priv.h"
#include "common/scripts.h"
#include "common/seal_priv.h"
#include "common/sync.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

struct asking {
    const struct sw_conf *conf;
    struct sw_sync *sync;
    redisContext *redis;
    char *error;
    size_t room;
};

static int read_role(struct asking *a, const char *role, json_t *list) {
    char living[32], known[32], now[32];
    redisReply *time, *endpoints;
    snprintf(living, sizeof(living), "sw:live:%s", role);
    snprintf(known, sizeof(known), "sw:keys:%s", role);
    int r = sw_sync_ask(a->conf, a->redis, &time, a->error, a->room, "TIME", NULL);
    if (r < 0) return r;
    snprintf(now, sizeof(now), "(%s%03d", time->element[0]->str,
             atoi(time->element[1]->str) / 1000);
    freeReplyObject(time);
    r = sw_sync_ask(a->conf, a->redis, &endpoints, a->error, a->room, "ZRANGEBYSCORE", living, now,
                    "+inf", NULL);
    if (r < 0) return r;
    for (size_t i = 0; r == 0 && i < endpoints->elements; i++) {
        const char *endpoint = endpoints->element[i]->str;
        redisReply *said;
        r = sw_sync_ask(a->conf, a->redis, &said, a->error, a->room, "HGET", known, endpoint, NULL);
        if (r < 0) break;
        json_t *ids = said->str ? json_loads(said->str, 0, NULL) : NULL;
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "role", role, "endpoint", endpoint,
                                              "known", ids ? ids : json_object()));
        freeReplyObject(said);
    }
    freeReplyObject(endpoints);
    return r;
}

/* Every script leaves a generation behind, and who takes shards comes to all of them. */
static int ever_ran(struct asking *a) {
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        char key[16];
        redisReply *reply;
        redisContext *redis = sw_sync_of(a->sync, i);
        if (!redis) return -ENOTCONN;
        snprintf(key, sizeof(key), "sw:{%02u}:gen", i);
        int r = sw_sync_ask(a->conf, redis, &reply, a->error, a->room, "EXISTS", key, NULL);
        if (r < 0) return r;
        const bool there = reply->integer > 0;
        freeReplyObject(reply);
        if (there) return 0;
    }
    snprintf(a->error, a->room,
             "no Slipway ever ran on the Redis at SLIPWAY_REDIS %s: name the one it uses",
             a->conf->redis);
    return -ENOENT;
}

int sw_key_processes_read(const struct sw_conf *conf, json_t **ret, char *error, size_t room) {
    struct asking a = {.conf = conf, .error = error, .room = room};
    a.sync = sw_sync_open(conf, error, room);
    a.redis = sw_sync_home(a.sync);
    int r = a.redis ? 0 : -ENOTCONN;
    json_t *list = json_array();
    for (unsigned i = 0; r == 0 && i < SW__ROLES; i++)
        r = read_role(&a, sw__roles[i], list);
    if (r == 0 && json_array_size(list) == 0) r = ever_ran(&a);
    sw_sync_close(a.sync);
    if (r < 0) {
        json_decref(list);
        return r;
    }
    *ret = list;
    return 0;
}

bool sw_key_process_needs(const json_t *process, const char *name) {
    const char *role = sw_str(process, "role");
    if (!strcmp(name, "token")) return !strcmp(role, "auth");
    if (!strcmp(name, "state")) return !strcmp(role, "auth") || !strcmp(role, "ingress");
    /* "tcp://...#<key>.": who is on the wire between machines with keys, and no other. */
    if (!strncmp(name, SW__CURVE, strlen(SW__CURVE))) {
        const char *mark = strchr(sw_str(process, "endpoint"), '#');
        return mark && mark[1] != '.';
    }
    return true; /* whoever seals for a role needs its public key */
}

static int run_id(struct asking *a, char ret[64]) {
    redisReply *info;
    int r = sw_sync_ask(a->conf, a->redis, &info, a->error, a->room, "INFO", "server", NULL);
    if (r < 0) return r;
    const char *line = strstr(info->str, "run_id:");
    if (line) snprintf(ret, 64, "%.*s", (int)strcspn(line + 7, "\r\n"), line + 7);
    freeReplyObject(info);
    if (line) return 0;
    snprintf(a->error, a->room, "Redis at SLIPWAY_REDIS %s: it does not say its run id",
             a->conf->redis);
    return -EIO;
}

static struct sw_msg *message(const char *installation, const char *user) {
    char id[64];
    uint64_t random;
    struct timeval now;
    gettimeofday(&now, NULL);
    int64_t now_ms = now.tv_sec * 1000LL + now.tv_usec / 1000;
    randombytes_buf(&random, sizeof(random));
    snprintf(id, sizeof(id), "%013" PRId64 "-%016" PRIx64, now_ms, random);
    struct sw_msg *m = sw_msg_create(SW_KIND_RESEAL, id, installation, now_ms);
    json_object_set_new(m->body, "user", json_string(user));
    return m;
}

/* As a door appends: the first one that comes to a new Redis is told the generation, and asks again. */
static int append(struct asking *a, const char *installation, const char *user) {
    char run[64];
    a->redis = sw_sync_of(a->sync, sw__shard_of(installation));
    if (!a->redis) return -ENOTCONN;
    int r = run_id(a, run);
    if (r < 0) return r;
    struct sw_msg *m = message(installation, user);
    SW_AUTO(sw_text) char *bytes = NULL;
    char prefix[16];
    size_t size, sizes[12];
    r = sw_msg_pack(m, &bytes, &size);
    sw_msg_destroy(m);
    if (r < 0) {
        snprintf(a->error, a->room, "%s/%s: no message can be made of it", installation, user);
        return r;
    }
    snprintf(prefix, sizeof(prefix), "sw:{%02u}:", sw__shard_of(installation));
    const char *argv[12] = {
        "EVAL", sw_script_text[SW_SCRIPT_APPEND], "1", prefix, run, "1", "0", "", "0", "", "auth",
        bytes};
    for (size_t i = 0; i < 12; i++)
        sizes[i] = i == 11 ? size : strlen(argv[i]);
    for (int tries = 0; tries < 3; tries++) {
        redisReply *reply;
        redisAppendCommandArgv(a->redis, 12, argv, sizes);
        r = sw_sync_take(a->conf, a->redis, &reply, a->error, a->room);
        if (r < 0) return r;
        bool done = reply->elements > 2 && !strcmp(reply->element[0]->str, "ok");
        freeReplyObject(reply);
        if (done) return 0;
    }
    snprintf(a->error, a->room, "Redis at SLIPWAY_REDIS %s: it takes no message", a->conf->redis);
    return -EIO;
}

int sw_key_reseal_send(const struct sw_conf *conf, const json_t *people, size_t from, size_t count,
                       size_t *ret_sent, char *error, size_t room) {
    struct asking a = {.conf = conf, .error = error, .room = room};
    size_t end = from + count;
    int r = 0;
    *ret_sent = 0;
    a.sync = sw_sync_open(conf, error, room);
    if (end > json_array_size(people)) end = json_array_size(people);
    for (size_t i = from; r == 0 && i < end; i++) {
        const json_t *person = json_array_get(people, i);
        r = append(&a, json_string_value(json_array_get(person, 0)),
                   json_string_value(json_array_get(person, 1)));
        if (r == 0) ++*ret_sent;
    }
    sw_sync_close(a.sync);
    return r;
}
