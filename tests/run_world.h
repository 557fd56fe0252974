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

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 15000
#define INST "T0RUN"

struct world {
    char dir[64];
    pid_t redis, run;
    redisContext *c;
    int upstream; /* bound, so that nobody else has its port; nobody listens yet */
    char prefix[16];
};

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline bool patient(int64_t deadline_ms) {
    poll(NULL, 0, 2);
    return now_ms() < deadline_ms;
}

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

static inline redisReply *ask(const struct world *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(w->c, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s: %s", format, reply->str);
    return reply;
}

static inline int64_t number(const struct world *w, const char *format, const char *key) {
    redisReply *reply = ask(w, format, w->prefix, key);
    int64_t n = reply->integer;
    freeReplyObject(reply);
    return n;
}

static inline void start_redis(struct world *w, const char *appendonly, const char *load_delay_us) {
    SW_AUTO(sw_text) char *socket_path = sw_printf("%s/redis", w->dir);
    w->redis = fork();
    assert_true(w->redis >= 0);
    if (w->redis == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, STDOUT_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--dir",
               w->dir, "--save", "", "--appendonly", appendonly, "--appendfsync", "always",
               "--key-load-delay", load_delay_us, NULL);
        _exit(99);
    }
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        w->c = redisConnectUnix(socket_path);
        if (w->c && !w->c->err) break;
        if (w->c) redisFree(w->c);
        if (!patient(deadline_ms)) fail_msg("no redis-server");
    }
    setenv("SLIPWAY_REDIS", socket_path, 1);
}

static inline int set_up(void **state) {
    struct world *w = sw_zalloc(sizeof(*w));
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    snprintf(w->dir, sizeof(w->dir), "/tmp/sw-run-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    SW_AUTO(sw_text) char *keys = sw_printf("%s/keys", w->dir);
    SW_AUTO(sw_text) char *run = sw_printf("%s/run", w->dir);
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
    start_redis(w, "no", "0");
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
    SW_AUTO(sw_text) char *remove = sw_printf("rm -rf %s", w->dir);
    end(w->run, SIGKILL);
    redisFree(w->c);
    end(w->redis, SIGKILL);
    close(w->upstream);
    assert_int_equal(system(remove), 0);
    free(w);
    return 0;
}

/* As a door appends, before any process has made a generation. */
static inline void append_message(const struct world *w, struct sw_msg *m) {
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    redisAppendCommand(w->c, "XADD %sexecutor 1-* m %b", w->prefix, bytes, size);
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
    assert_int_equal(redisGetReply(w->c, (void **)&reply), REDIS_OK);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
}

/* What the actor stored, or NULL. */
static inline json_t *stored(const struct world *w, const char *key) {
    redisReply *reply = redisCommand(w->c, "GET %sexecutor:s:%s", w->prefix, key);
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
