/* redis_world.h -- a redis-server of the test's own, in a directory that goes with it.
 *
 * shapes   struct redis_world; SLIPWAY_REDIS names its socket; without options its file holds all
 *          that was ever written
 * units    *_ms milliseconds
 * errors   fail the test
 * owner    redis_world_start, redis_world_end; as a test's state redis_world_enter, redis_world_leave
 * source   none
 * limits   none
 */
#ifndef SW_TESTS_REDIS_WORLD_H
#define SW_TESTS_REDIS_WORLD_H

#include "common/mem.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 15000

/* As an actor wants it. */
static const char *const redis_world_fit[] = {
    "--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "100mb", NULL};

struct redis_world {
    char dir[64];
    pid_t redis;
    redisContext *c;
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

/* In w->dir; `options` (NULL-ended) say what is kept, NULL: all that was ever written. */
static inline void redis_world_launch(struct redis_world *w, const char *const *options) {
    static const char *const all[] = {
        "--appendonly", "yes", "--appendfsync", "no", "--stream-node-max-entries", "10", NULL};
    SW_AUTO(sw_text) char *path = sw_printf("%s/redis", w->dir);
    const char *argv[32] = {"redis-server", "--port", "0", "--unixsocket", path, "--dir",
                            w->dir,         "--save", ""};
    size_t argc = 9;
    for (const char *const *o = options ? options : all; *o; o++)
        argv[argc++] = *o;
    w->redis = fork();
    assert_true(w->redis >= 0);
    if (w->redis == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(99);
    }
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (!(w->c = redisConnectUnix(path)) || w->c->err) {
        if (w->c) redisFree(w->c);
        if (!patient(deadline_ms)) fail_msg("no redis-server");
    }
    setenv("SLIPWAY_REDIS", path, 1);
}

static inline void redis_world_start(struct redis_world *w, const char *const *options) {
    snprintf(w->dir, sizeof(w->dir), "/tmp/sw-redis-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    redis_world_launch(w, options);
}

static inline void redis_world_stop(struct redis_world *w) {
    if (w->redis > 0) {
        kill(w->redis, SIGTERM);
        waitpid(w->redis, NULL, 0);
    }
    w->redis = 0;
}

static inline void redis_world_end(struct redis_world *w) {
    SW_AUTO(sw_text) char *remove = sw_printf("rm -rf %s", w->dir);
    if (w->c) redisFree(w->c);
    redis_world_stop(w);
    assert_int_equal(system(remove), 0);
}

/* On the heap, as the state of a test, which redis_world_leave ends. */
static inline struct redis_world *redis_world_enter(void **state, const char *const *options) {
    struct redis_world *w = sw_zalloc(sizeof(*w));
    redis_world_start(w, options);
    *state = w;
    return w;
}

static inline int redis_world_leave(void **state) {
    redis_world_end(*state);
    free(*state);
    return 0;
}

static inline redisReply *ask(const struct redis_world *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(w->c, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s: %s", format, reply->str);
    return reply;
}

/* Its own clock. */
static inline int64_t redis_ms(const struct redis_world *w) {
    redisReply *reply = ask(w, "TIME");
    int64_t ms = atoll(reply->element[0]->str) * 1000 + atoll(reply->element[1]->str) / 1000;
    freeReplyObject(reply);
    return ms;
}

#endif
