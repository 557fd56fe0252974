/* test_run.c -- the runtime with an actor of our own, on a real redis-server. */
#include "common/effects_priv.h"
#include "common/mem.h"
#include "common/run.h"
#include "common/seal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
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

/* ---- the actor ---- */

/* {"n"}: keeps how many came, and whether they came in order. {"call"}: posts, and keeps the answer. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *seen;
    (void)ctx;
    if (!strcmp(in->kind, SW_KIND_EXECUTOR_HTTP)) {
        sw_store(out, "answer", json_incref(json_object_get(in->body, "http")), 0);
        return 0;
    }
    if (json_object_get(in->body, "call")) {
        sw_http(out,
                json_pack("{s:s, s:s, s:s, s:s}", "up", "heroku", "method", "POST", "path", "/x",
                          "repeat", "check"),
                SW_KIND_EXECUTOR_HTTP, NULL);
        return 0;
    }
    int r = sw_fact(out, "seen", &seen);
    if (r < 0) return r;
    json_int_t n = sw_int(in->body, "n");
    sw_store(out, "seen", json_integer(n == json_integer_value(seen) + 1 ? n : -1), 0);
    return 0;
}

static const char *const kinds[] = {SW_KIND_GRANTED, SW_KIND_EXECUTOR_HTTP, NULL};
static const struct sw_actor actor = {"executor", kinds, NULL, handle};

/* ---- the world ---- */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool patient(int64_t deadline_ms) {
    poll(NULL, 0, 2);
    return now_ms() < deadline_ms;
}

static pid_t start(const struct world *w) {
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
        _exit(sw_run("executor", &actor, NULL, 1, argv));
    }
    return pid;
}

static redisReply *ask(const struct world *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(w->c, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s: %s", format, reply->str);
    return reply;
}

static int64_t number(const struct world *w, const char *format, const char *key) {
    redisReply *reply = ask(w, format, w->prefix, key);
    int64_t n = reply->integer;
    freeReplyObject(reply);
    return n;
}

static void start_redis(struct world *w, const char *appendonly, const char *load_delay_us) {
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

static int set_up(void **state) {
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

static void end(pid_t pid, int signal_number) {
    if (pid <= 0) return;
    kill(pid, signal_number);
    waitpid(pid, NULL, 0);
}

static int tear_down(void **state) {
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
static void append(const struct world *w, json_t *body) {
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    char *bytes;
    size_t size;
    json_decref(m->body);
    m->body = body;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    redisAppendCommand(w->c, "XADD %sexecutor 1-* m %b", w->prefix, bytes, size);
    free(bytes);
    sw_msg_destroy(m);
}

static void appended(const struct world *w) {
    redisReply *reply;
    assert_int_equal(redisGetReply(w->c, (void **)&reply), REDIS_OK);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
}

/* What the actor stored, or NULL. */
static json_t *stored(const struct world *w, const char *key) {
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

static void wait_for(const struct world *w, json_int_t all) {
    json_int_t seen = 0;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; seen != all;) {
        json_t *value = stored(w, "seen");
        seen = json_integer_value(value);
        json_decref(value);
        assert_int_not_equal(seen, -1);
        assert_int_equal(waitpid(w->run, NULL, WNOHANG), 0);
        if (!patient(deadline_ms)) fail_msg("stopped at %d of %d", (int)seen, (int)all);
    }
}

/* ---- tests ---- */

static void test_a_role_without_its_keys_says_so_and_exits_with_78(void **state) {
    struct world *w = *state;
    int status;
    setenv("SLIPWAY_KEY_DIR", "/nonexistent", 1);
    pid_t pid = start(w);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 78);
}

static void test_what_the_queue_does_not_hold_is_read_as_soon_as_there_is_room(void **state) {
    struct world *w = *state;
    const int all = 3 * SW_QUEUE_MAX;
    setenv("SLIPWAY_LEASE_MS", "60000", 1); /* nor on what comes with a renewal */
    for (int n = 1; n <= all; n++)
        append(w, json_pack("{s:i}", "n", n));
    for (int n = 1; n <= all; n++)
        appended(w);
    w->run = start(w);
    wait_for(w, all);
    assert_int_equal(number(w, "XLEN %s%s", "executor"), 0);
}

static void test_a_redis_that_reads_its_file_is_waited_for(void **state) {
    struct world *w = *state;
    const int all = 3000; /* it looks at its clients once in 1024 commands */
    redisFree(w->c);
    end(w->redis, SIGKILL);
    start_redis(w, "yes", "0");
    for (int n = 1; n <= all; n++)
        append(w, json_pack("{s:i}", "n", n));
    for (int n = 1; n <= all; n++)
        appended(w);
    redisFree(w->c);
    end(w->redis, SIGKILL);
    start_redis(w, "yes", "500");
    redisReply *reply = redisCommand(w->c, "PING");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR); /* LOADING: the test tests something */
    freeReplyObject(reply);
    setenv("SLIPWAY_DURABILITY", "disk", 1);
    w->run = start(w);
    wait_for(w, all);
}

static void test_a_call_that_another_owner_marked_is_not_made(void **state) {
    struct world *w = *state;
    json_t *answer = NULL;
    append(w, json_pack("{s:b}", "call", 1));
    appended(w);
    w->run = start(w);
    /* Nobody listens, so it is marked and will be tried again. */
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (number(w, "HLEN %s%s", "executor:fx:started") == 0)
        assert_true(patient(deadline_ms));
    redisReply *ids = ask(w, "HKEYS %sexecutor:fx", w->prefix);
    assert_int_equal(ids->elements, 1);
    /* As if the shard had been another's for a while: it marked the call, made it perhaps, and died. */
    freeReplyObject(ask(w, "MULTI"));
    freeReplyObject(ask(w, "HSET %sexecutor:fx:started %s 99:1", w->prefix, ids->element[0]->str));
    freeReplyObject(ask(w, "CLIENT KILL TYPE normal SKIPME yes"));
    freeReplyObject(ask(w, "EXEC"));
    freeReplyObject(ids);
    assert_int_equal(listen(w->upstream, 16), 0);
    while (!(answer = stored(w, "answer")))
        assert_true(patient(deadline_ms));
    assert_string_equal(sw_str(answer, "error"), "unsure");
    json_decref(answer);
    assert_int_equal(accept(w->upstream, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_calls_that_fail_together_make_one_short_pause(void **state) {
    struct sw_effects *effects = sw_zalloc(sizeof(*effects));
    int64_t began_at_ms = sw__boot_ms() - 5;
    (void)state;
    for (int i = 0; i < 10 * SW_BREAKER_FAILURES; i++)
        sw__breaker_note(effects, "slack", true, began_at_ms);
    const struct sw_breaker *breaker = sw__breaker_of(effects, "slack");
    int64_t pause_ms = breaker->open_until_ms - sw__boot_ms();
    assert_in_range(pause_ms, 500, 1000);
    sw__breaker_note(effects, "slack", true, breaker->opened_at_ms + 1);
    assert_in_range(breaker->open_until_ms - sw__boot_ms(), 1500, 2000);
    sw__breaker_note(effects, "slack", false, breaker->opened_at_ms + 1);
    assert_int_equal(breaker->open_until_ms, 0);
    free(effects);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_role_without_its_keys_says_so_and_exits_with_78,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_what_the_queue_does_not_hold_is_read_as_soon_as_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_redis_that_reads_its_file_is_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_call_that_another_owner_marked_is_not_made, set_up,
                                        tear_down),
        cmocka_unit_test(test_calls_that_fail_together_make_one_short_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
