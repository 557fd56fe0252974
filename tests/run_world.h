/* run_world.h -- a redis-server and a process of the runtime with an actor of the test's own.
 *
 * shapes   the actor is an executor; messages are granted.v1 of one installation
 * units    none
 * errors   none: a test that goes wrong fails
 * owner    set_up .. tear_down; the test says which actor with start()
 * source   common/run.h
 * limits   every wait ends after PATIENCE_MS
 */
#ifndef RUN_WORLD_H
#define RUN_WORLD_H

#include "common/mem.h"
#include "common/run.h"
#include "common/run_priv.h"
#include "common/seal.h"
#include "tests/redis_world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define INST "T0RUN"

struct world {
    struct redis_world redis;
    pid_t run;
    int upstream; /* bound, so that nobody else has its port; nobody listens yet */
    char prefix[16];
};

static inline pid_t start(const struct world *w, const struct sw_actor *actor) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {"slipway", NULL};
        struct sockaddr_in at;
        socklen_t size = sizeof(at);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        getsockname(w->upstream, (struct sockaddr *)&at, &size);
        SW_AUTO(sw_text) char *up = sw_printf("http://127.0.0.1:%d", ntohs(at.sin_port));
        setenv("SLIPWAY_HEROKU_API", up, 1);
        close(w->upstream);
        _exit(sw_run("executor", actor, NULL, 1, argv));
    }
    return pid;
}

static inline int64_t number(const struct world *w, const char *format, const char *key) {
    redisReply *reply = ask(&w->redis, format, w->prefix, key);
    int64_t n = reply->integer;
    freeReplyObject(reply);
    return n;
}

static inline int set_up(void **state) {
    static const char *const in_memory[] = {"--appendonly", "no", "--appendfsync", "always", NULL};
    struct world *w = sw_zalloc(sizeof(*w));
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    redis_world_start(&w->redis, in_memory);
    SW_AUTO(sw_text) char *keys = sw_printf("%s/keys", w->redis.dir);
    SW_AUTO(sw_text) char *run = sw_printf("%s/run", w->redis.dir);
    assert_int_equal(sw_keys_make(keys), 0);
    setenv("SLIPWAY_KEY_DIR", keys, 1);
    setenv("SLIPWAY_RUN_DIR", run, 1);
    setenv("SLIPWAY_DURABILITY", "memory", 1);
    setenv("SLIPWAY_LOG", "error", 1);
    setenv("SLIPWAY_LEASE_MS", "1000", 1);
    setenv("SLIPWAY_SWEEP_MS", "60000", 1); /* nothing may lean on it */
    w->upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w->upstream, (struct sockaddr *)&any, sizeof(any)), 0);
    snprintf(w->prefix, sizeof(w->prefix), "sw:{%02u}:", sw__shard_of(INST));
    *state = w;
    return 0;
}

static inline void end(pid_t pid, int signal_number) {
    if (pid <= 0) return;
    kill(pid, signal_number);
    waitpid(pid, NULL, 0);
}

static inline int tear_down(void **state) {
    struct world *w = *state;
    end(w->run, SIGKILL);
    redis_world_end(&w->redis);
    close(w->upstream);
    free(w);
    return 0;
}

/* As a door appends, before any process has made a generation. */
static inline void append_message(const struct world *w, struct sw_msg *m) {
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    redisAppendCommand(w->redis.c, "XADD %sexecutor 1-* m %b", w->prefix, bytes, size);
    free(bytes);
    sw_msg_destroy(m);
}

static inline void append(const struct world *w, json_t *body) {
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    json_decref(m->body);
    m->body = body;
    append_message(w, m);
}

static inline void appended(const struct world *w) {
    redisReply *reply;
    assert_int_equal(redisGetReply(w->redis.c, (void **)&reply), REDIS_OK);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
}

/* What the actor stored, or NULL. */
static inline json_t *stored(const struct world *w, const char *key) {
    redisReply *reply = redisCommand(w->redis.c, "GET %sexecutor:s:%s", w->prefix, key);
    assert_non_null(reply);
    json_t *pair, *value = NULL;
    if (reply->type == REDIS_REPLY_STRING && sw_value_unpack(reply->str, reply->len, &pair) == 0) {
        value = json_incref(json_array_get(pair, 1));
        json_decref(pair);
    }
    freeReplyObject(reply);
    return value;
}

#endif
