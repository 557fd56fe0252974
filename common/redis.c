/* redis.c -- hiredis on zloop; see redis.h. */
#include "common/redis_priv.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define SILENT_MS 10000
#define DEAF_MS 1000   /* between two ticks */
#define MASTER_MS 2000 /* a master is silent for so long: the sentinels may know another */

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
    sw__redis_sure_flush(redis);
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

static bool has_sentinels(const struct sw_redis *redis) {
    return redis->address.master[0];
}

/* When it is tried again: what a sentinel said at once, the next sentinel too, and after a whole round later and later. */
static size_t pause_ms(struct sw_redis *redis) {
    if (redis->asking && redis->master[0]) return 1;
    if (redis->asking && ++redis->sentinel % redis->address.hosts) return 1;
    size_t ms = redis->retry_ms;
    redis->retry_ms = ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : ms * 2;
    return ms;
}

/* hiredis frees the context after this returns. */
static void gone(struct sw_redis *redis) {
    bool was_up = redis->up;
    redis->context = NULL;
    redis->up = false;
    redis->run_id[0] = 0;
    if (redis->destroying) return;
    sw__redis_sure_lost(redis);
    if (was_up) {
        redis->retry_ms = RETRY_MIN_MS;
        redis->events.down(redis->events.arg);
    }
    if (!redis->asking) redis->master[0] = 0;
    redis->retry_timer = zloop_timer(redis->loop, pause_ms(redis), 1, on_retry, redis);
}

static void on_disconnect(const redisAsyncContext *context, int status) {
    (void)status;
    gone(context->data);
}

static const char *target(struct sw_redis *redis) {
    redis->asking = has_sentinels(redis) && !redis->master[0];
    if (redis->asking) return redis->address.host[redis->sentinel % redis->address.hosts];
    return redis->master[0] ? redis->master : redis->address.host[0];
}

/* One line until it is there again. */
static void unreached(struct sw_redis *redis, const char *error) {
    if (redis->unreached) return;
    redis->unreached = true;
    sw_log(SW_LOG_WARN, "redis cannot be reached", SW_S("redis", target(redis)),
           SW_S("error", error));
}

static void on_connect(const redisAsyncContext *context, int status) {
    if (status != REDIS_OK) {
        unreached(context->data, context->c.errstr);
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

void sw__redis_greeted(struct sw_redis *redis) {
    redis->up = true;
    redis->complained = redis->unreached = false;
    redis->retry_ms = RETRY_MIN_MS;
    redis->events.up(redis->events.arg);
}

static void connect_now(struct sw_redis *redis) {
    char host[SW_REDIS_HOST];
    int port;
    const char *address = target(redis);
    redisAsyncContext *context = sw_redis_host_split(address, host, &port)
                                     ? redisAsyncConnect(host, port)
                                     : redisAsyncConnectUnix(address);
    redis->began_at_ms = zclock_mono();
    if (!context || context->err) {
        unreached(redis, context ? context->c.errstr : strerror(errno));
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
    if (redis->asking) {
        sw__redis_ask_sentinel(redis);
    } else {
        sw__redis_greet(redis);
    }
}

struct sw_redis *sw_redis_create(zloop_t *loop, const struct sw_redis_address *address,
                                 const struct sw_conf *conf, const struct sw_redis_events *events) {
    struct sw_redis *redis = sw_zalloc(sizeof(*redis));
    redis->loop = loop;
    redis->address = *address;
    redis->conf = conf;
    redis->durable = strcmp(conf->durability, "memory") != 0;
    redis->events = *events;
    redis->retry_timer = -1;
    redis->retry_ms = RETRY_MIN_MS;
    sw__redis_sure_begin(redis);
    connect_now(redis);
    return redis;
}

void sw_redis_destroy(struct sw_redis *redis) {
    if (!redis) return;
    redis->destroying = true;
    if (redis->retry_timer >= 0) zloop_timer_end(redis->loop, redis->retry_timer);
    if (redis->context) redisAsyncFree(redis->context);
    sw__redis_sure_end(redis);
    free(redis);
}

bool sw_redis_up(const struct sw_redis *redis) {
    return redis && redis->up;
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
    const redisReply *r = reply;
    /* It is a replica now: its clients go to the master. */
    bool demoted = r && r->type == REDIS_REPLY_ERROR && !strncmp(r->str, "READONLY", 8);
    if (call.fn) call.fn(call.arg, reply);
    if (demoted) sw_redis_reset(redis);
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

/* One that is not connected yet goes without hiredis saying so. */
void sw_redis_reset(struct sw_redis *redis) {
    redisAsyncContext *context = redis->context;
    if (!context) return;
    bool silent = !connected(redis);
    redisAsyncFree(context);
    if (silent && redis->context == context) gone(redis);
}

void sw_redis_tick(struct sw_redis *redis) {
    int64_t limit_ms = has_sentinels(redis) ? MASTER_MS : SILENT_MS, now_ms = zclock_mono();
    /* This process stood still and heard nothing: what was answered meanwhile is read first. */
    if (now_ms - redis->ticked_at_ms > DEAF_MS) redis->heard_at_ms = now_ms;
    redis->ticked_at_ms = now_ms;
    if (redis->context && !redis->up && now_ms - redis->began_at_ms > limit_ms) {
        unreached(redis, "no answer");
        sw_redis_reset(redis);
    } else if (sw_redis_silent_ms(redis) > limit_ms) {
        /* It may hang for long. What it was asked takes up room that the shards of other servers need: it counts as away. */
        sw_log(SW_LOG_WARN, "redis does not answer", SW_I("ms", limit_ms));
        sw_redis_reset(redis);
    }
    sw__redis_sure_tick(redis);
}
