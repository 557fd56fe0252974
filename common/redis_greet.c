/* redis_greet.c -- what a new connection is asked: to let us in, who it is, whether it keeps what it confirms, and to know the
 * scripts; see redis_priv.h. */
#include "common/redis_priv.h"

#include "common/log.h"
#include "common/scripts.h"

#include <unistd.h>

static void answered(struct sw_redis *redis) {
    if (--redis->steps > 0) return;
    if (redis->greeting_failed) {
        sw_redis_reset(redis);
        return;
    }
    sw__redis_greeted(redis);
}

/* One line until it is there again: it is asked for ever. */
static void complain(struct sw_redis *redis, const char *what, const redisReply *reply) {
    redis->greeting_failed = true;
    /* LOADING is the usual one: Redis reads its file and will be back. */
    if (redis->complained || reply->type != REDIS_REPLY_ERROR || !strncmp(reply->str, "LOADING", 7))
        return;
    redis->complained = true;
    sw_log(SW_LOG_ERROR, what, SW_S("error", reply->str));
}

static void on_auth(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_ERROR) complain(redis, "redis refuses user or password", reply);
    answered(redis);
}

/* What sentinels say may be out of date: the server itself must say that it is the master. */
static void on_role(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_ERROR) complain(redis, "redis does not say its role", reply);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
        strcmp(reply->element[0]->str, "master") != 0)
        redis->greeting_failed = true;
    answered(redis);
}

static void on_script(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    char *hash = arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_STRING && reply->len == 40) {
        memcpy(hash, reply->str, 41);
    } else {
        complain(redis, "redis refuses a script", reply);
    }
    answered(redis);
}

static void on_info(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    const char *run = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
    if (!run || sscanf(run, "run_id:%63[0-9a-f]", redis->run_id) != 1)
        complain(redis, "redis does not say who it is", reply);
    answered(redis);
}

static void unfit(const char *why) {
    sw_log(SW_LOG_ERROR, why);
    sw_log_flush();
    _exit(78);
}

static void on_memory(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    const char *policy =
        reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "maxmemory_policy:") : NULL;
    if (policy && strncmp(policy, "maxmemory_policy:noeviction", 27) != 0)
        unfit("redis must run with maxmemory-policy noeviction: anything else forgets work");
    answered(redis);
}

static void on_persistence(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    /* While it reads its file Redis says that it keeps none. */
    bool loading = reply->type == REDIS_REPLY_STRING && strstr(reply->str, "loading:1");
    if (loading) redis->greeting_failed = true;
    if (!loading && reply->type == REDIS_REPLY_STRING && strstr(reply->str, "aof_enabled:0"))
        unfit("SLIPWAY_DURABILITY is not memory, but redis runs without appendonly yes");
    answered(redis);
}

/* A managed Redis refuses CONFIG: there the operator's word has to do. */
static void on_fsync(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        strcmp(reply->element[1]->str, "always") != 0)
        unfit("SLIPWAY_DURABILITY is not memory, but redis runs without appendfsync always");
    answered(redis);
}

void sw__redis_greet(struct sw_redis *redis) {
    redisAsyncContext *context = redis->context;
    const char *password = redis->conf->redis_password.current, *user = redis->conf->redis_user;
    redis->steps =
        SW_SCRIPTS + 2 + (password != NULL) + (redis->address.master[0] != 0) + 2 * redis->durable;
    if (password && user[0]) {
        redisAsyncCommand(context, on_auth, NULL, "AUTH %s %s", user, password);
    } else if (password) {
        redisAsyncCommand(context, on_auth, NULL, "AUTH %s", password);
    }
    if (redis->address.master[0]) redisAsyncCommand(context, on_role, NULL, "ROLE");
    redisAsyncCommand(context, on_info, NULL, "INFO server");
    redisAsyncCommand(context, on_memory, NULL, "INFO memory");
    if (redis->durable) {
        redisAsyncCommand(context, on_persistence, NULL, "INFO persistence");
        redisAsyncCommand(context, on_fsync, NULL, "CONFIG GET appendfsync");
    }
    for (int i = 0; i < SW_SCRIPTS; i++)
        redisAsyncCommand(context, on_script, redis->hash[i], "SCRIPT LOAD %s", sw_script_text[i]);
}

/* NIL: it knows no such master. Either way this connection has served. */
static void on_master(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        const char *host = reply->element[0]->str, *port = reply->element[1]->str;
        snprintf(redis->master, sizeof(redis->master), strchr(host, ':') ? "[%s]:%s" : "%s:%s",
                 host, port);
    } else if (reply->type == REDIS_REPLY_NIL && !redis->complained) {
        redis->complained = true;
        sw_log(SW_LOG_ERROR, "a sentinel knows no master of that name",
               SW_S("name", redis->address.master));
    } else {
        complain(redis, "a sentinel refuses", reply);
    }
    sw_redis_reset(redis);
}

void sw__redis_ask_sentinel(struct sw_redis *redis) {
    redisAsyncCommand(redis->context, on_master, NULL, "SENTINEL get-master-addr-by-name %s",
                      redis->address.master);
}
