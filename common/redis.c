/* redis.c -- hiredis on zloop; see redis.h. */
#include "common/redis.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/scripts.h"

#include <czmq.h>
#include <errno.h>
#include <hiredis/async.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define SILENT_MS 10000

struct sw_redis {
    zloop_t *loop;
    char *address;
    struct sw_redis_events events;
    redisAsyncContext *context; /* NULL between connections */
    bool up, destroying, durable;
    size_t pending;      /* answers owed */
    int64_t heard_at_ms; /* the last answer, or when the first one became owed */
    int retry_timer;     /* -1: not armed */
    size_t retry_ms;
    bool reading, writing; /* what hiredis wants */
    int watched;           /* what zloop watches: ZMQ_POLLIN | ZMQ_POLLOUT */
    unsigned steps;        /* of the greeting still to be answered */
    char run_id[64];
    char hash[SW_SCRIPTS][41];
    bool greeting_failed;
};

static void connect_now(struct sw_redis *redis);

static int on_fd(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_redis *redis = arg;
    (void)loop;
    short got = item->revents;
    if (got & (ZMQ_POLLIN | ZMQ_POLLERR)) redisAsyncHandleRead(redis->context);
    if (redis->context && (got & ZMQ_POLLOUT)) redisAsyncHandleWrite(redis->context);
    redis->events.turn(redis->events.arg);
    return 0;
}

/* Output is written by sw_redis_flush, once a turn; the fd is watched for writing only when the kernel's buffer is full. */
static void watch(struct sw_redis *redis, bool blocked) {
    int want = (redis->reading ? ZMQ_POLLIN : 0) | (redis->writing && blocked ? ZMQ_POLLOUT : 0);
    if (want == redis->watched || !redis->context) return;
    zmq_pollitem_t item = {NULL, redis->context->c.fd, (short)want, 0};
    zloop_poller_end(redis->loop, &item);
    redis->watched = want;
    if (want) zloop_poller(redis->loop, &item, on_fd, redis);
}

static bool connected(const struct sw_redis *redis) {
    return redis->context && (redis->context->c.flags & REDIS_CONNECTED);
}

void sw_redis_flush(struct sw_redis *redis) {
    if (!connected(redis) || !redis->writing || (redis->watched & ZMQ_POLLOUT)) return;
    redisAsyncHandleWrite(redis->context);
    if (redis->context && redis->writing) watch(redis, true);
}

static void add_read(void *arg) {
    struct sw_redis *redis = arg;
    redis->reading = true;
    watch(redis, redis->watched & ZMQ_POLLOUT);
}

static void del_read(void *arg) {
    struct sw_redis *redis = arg;
    redis->reading = false;
    watch(redis, redis->watched & ZMQ_POLLOUT);
}

static void add_write(void *arg) {
    struct sw_redis *redis = arg;
    redis->writing = true;
    if (!connected(redis)) watch(redis, true); /* writable is how a connect reports its end */
}

static void del_write(void *arg) {
    struct sw_redis *redis = arg;
    redis->writing = false;
    watch(redis, false);
}

static void cleanup(void *arg) {
    struct sw_redis *redis = arg;
    redis->reading = redis->writing = false;
    watch(redis, false);
}

static int on_retry(zloop_t *loop, int timer, void *arg) {
    struct sw_redis *redis = arg;
    (void)loop;
    (void)timer;
    redis->retry_timer = -1;
    connect_now(redis);
    redis->events.turn(redis->events.arg);
    return 0;
}

/* hiredis frees the context after this returns. */
static void gone(struct sw_redis *redis) {
    bool was_up = redis->up;
    redis->context = NULL;
    redis->up = false;
    redis->run_id[0] = 0;
    if (redis->destroying) return;
    if (was_up) {
        redis->retry_ms = RETRY_MIN_MS;
        redis->events.down(redis->events.arg);
    }
    redis->retry_timer = zloop_timer(redis->loop, redis->retry_ms, 1, on_retry, redis);
    redis->retry_ms = redis->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : redis->retry_ms * 2;
}

static void on_disconnect(const redisAsyncContext *context, int status) {
    (void)status;
    gone(context->data);
}

static void on_connect(const redisAsyncContext *context, int status) {
    if (status != REDIS_OK) {
        gone(context->data);
        return;
    }
    /* A machine that vanished says nothing. Not hiredis' own call: its failure on a unix socket spoils the context. */
    const int on = 1;
    (void)setsockopt(context->c.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    /* Something is always on its way, and by itself the kernel would wait a quarter of an hour for a word about it. */
    const unsigned int silent_ms = SILENT_MS;
    (void)setsockopt(context->c.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
}

static void greeted(struct sw_redis *redis) {
    if (--redis->steps > 0) return;
    if (redis->greeting_failed) {
        sw_redis_reset(redis);
        return;
    }
    redis->up = true;
    redis->retry_ms = RETRY_MIN_MS;
    redis->events.up(redis->events.arg);
}

static void on_script(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    char *hash = arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_STRING && reply->len == 40) {
        memcpy(hash, reply->str, 41);
    } else {
        /* LOADING is the usual one: Redis reads its file and will be back. */
        redis->greeting_failed = true;
        if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "LOADING", 7) != 0)
            sw_log(SW_LOG_ERROR, "redis refuses a script", SW_S("error", reply->str));
    }
    greeted(redis);
}

static void on_info(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    const char *run = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
    if (!run || sscanf(run, "run_id:%63[0-9a-f]", redis->run_id) != 1)
        redis->greeting_failed = true;
    greeted(redis);
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
    greeted(redis);
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
        unfit("SLIPWAY_DURABILITY is disk, but redis runs without appendonly yes");
    greeted(redis);
}

/* A managed Redis refuses CONFIG: there the operator's word has to do. */
static void on_fsync(redisAsyncContext *context, void *reply_arg, void *arg) {
    struct sw_redis *redis = context->data;
    const redisReply *reply = reply_arg;
    (void)arg;
    if (!reply) return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        strcmp(reply->element[1]->str, "always") != 0)
        unfit("SLIPWAY_DURABILITY is disk, but redis runs without appendfsync always");
    greeted(redis);
}

static void connect_now(struct sw_redis *redis) {
    char host[256];
    const char *colon = strrchr(redis->address, ':');
    redisAsyncContext *context;
    if (redis->address[0] == '/' || redis->address[0] == '.' || !colon) {
        context = redisAsyncConnectUnix(redis->address);
    } else {
        snprintf(host, sizeof(host), "%.*s", (int)(colon - redis->address), redis->address);
        context = redisAsyncConnect(host, atoi(colon + 1));
    }
    if (!context || context->err) {
        if (context) redisAsyncFree(context);
        gone(redis);
        return;
    }
    redis->context = context;
    redis->watched = 0;
    redis->greeting_failed = false;
    context->data = redis;
    context->ev.data = redis;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    redis->steps = SW_SCRIPTS + (redis->durable ? 4 : 2);
    redisAsyncCommand(context, on_info, NULL, "INFO server");
    redisAsyncCommand(context, on_memory, NULL, "INFO memory");
    if (redis->durable) {
        redisAsyncCommand(context, on_persistence, NULL, "INFO persistence");
        redisAsyncCommand(context, on_fsync, NULL, "CONFIG GET appendfsync");
    }
    for (int i = 0; i < SW_SCRIPTS; i++)
        redisAsyncCommand(context, on_script, redis->hash[i], "SCRIPT LOAD %s", sw_script_text[i]);
}

struct sw_redis *sw_redis_create(zloop_t *loop, const char *address, bool durable,
                                 const struct sw_redis_events *events) {
    struct sw_redis *redis = sw_zalloc(sizeof(*redis));
    redis->loop = loop;
    redis->address = sw_strdup(address);
    redis->durable = durable;
    redis->events = *events;
    redis->retry_timer = -1;
    redis->retry_ms = RETRY_MIN_MS;
    connect_now(redis);
    return redis;
}

void sw_redis_destroy(struct sw_redis *redis) {
    if (!redis) return;
    redis->destroying = true;
    if (redis->retry_timer >= 0) zloop_timer_end(redis->loop, redis->retry_timer);
    if (redis->context) redisAsyncFree(redis->context);
    free(redis->address);
    free(redis);
}

bool sw_redis_up(const struct sw_redis *redis) {
    return redis->up;
}

const char *sw_redis_run_id(const struct sw_redis *redis) {
    return redis->run_id;
}

struct call {
    struct sw_redis *redis;
    sw_redis_fn *fn;
    void *arg;
};

static void on_reply(redisAsyncContext *context, void *reply, void *arg) {
    struct call call = *(struct call *)arg;
    (void)context;
    free(arg);
    struct sw_redis *redis = call.redis;
    redis->pending--;
    redis->heard_at_ms = zclock_mono();
    if (call.fn) call.fn(call.arg, reply);
}

int64_t sw_redis_silent_ms(const struct sw_redis *redis) {
    return redis->up && redis->pending ? zclock_mono() - redis->heard_at_ms : 0;
}

static int command(struct sw_redis *redis, sw_redis_fn *fn, void *arg, int argc, const char **argv,
                   const size_t *sizes) {
    if (!redis->up) return -ENOTCONN;
    struct call *call = sw_malloc(sizeof(*call));
    *call = (struct call){redis, fn, arg};
    if (redisAsyncCommandArgv(redis->context, on_reply, call, argc, argv, sizes) != REDIS_OK) {
        free(call);
        return -ENOTCONN;
    }
    if (redis->pending++ == 0) redis->heard_at_ms = zclock_mono();
    return 0;
}

int sw_redis_words(struct sw_redis *redis, sw_redis_fn *fn, void *arg, ...) {
    const char *argv[16];
    size_t sizes[16];
    int argc = 0;
    va_list words;
    va_start(words, arg);
    for (const char *word; argc < 16 && (word = va_arg(words, const char *));) {
        argv[argc] = word;
        sizes[argc++] = strlen(word);
    }
    va_end(words);
    return command(redis, fn, arg, argc, argv, sizes);
}

int sw_redis_eval(struct sw_redis *redis, enum sw_script script, const char *prefix, int argc,
                  const char **argv, const size_t *sizes, sw_redis_fn *fn, void *arg) {
    const char **all = sw_malloc(sizeof(*all) * (size_t)(argc + 4));
    size_t *all_sizes = sw_malloc(sizeof(*all_sizes) * (size_t)(argc + 4));
    const char *head[4] = {"EVALSHA", redis->hash[script], "1", prefix};
    for (int i = 0; i < 4; i++) {
        all[i] = head[i];
        all_sizes[i] = strlen(head[i]);
    }
    memcpy(all + 4, argv, sizeof(*all) * (size_t)argc);
    memcpy(all_sizes + 4, sizes, sizeof(*all_sizes) * (size_t)argc);
    int r = command(redis, fn, arg, argc + 4, all, all_sizes);
    free(all);
    free(all_sizes);
    return r;
}

void sw_redis_reset(struct sw_redis *redis) {
    if (redis->context) redisAsyncFree(redis->context);
}
