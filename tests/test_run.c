/* test_run.c -- the runtime with an actor of our own, on a real redis-server. */
#include "common/effects_priv.h"
#include "tests/run_world.h"

#include <errno.h>
#include <sys/resource.h>

/* ---- the actor ---- */

/* {"n", "source"?, "gone"?}: keeps how many came, and whether they came in order. {"call"}: posts, and keeps the answer. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *seen;
    (void)ctx;
    if (!strcmp(in->kind, SW_KIND_EXECUTOR_HTTP)) {
        sw_store(out, "answer", json_incref(json_object_get(in->body, "http")), 0);
        return 0;
    }
    if (json_object_get(in->body, "source")) {
        const char *source = sw_str(in->body, "source");
        json_object_get(in->body, "gone") ? sw_unsource(out, source) : sw_source(out, source);
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

/* ---- tests ---- */

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

static void test_a_role_without_its_keys_says_so_and_exits_with_78(void **state) {
    struct world *w = *state;
    int status;
    setenv("SLIPWAY_KEY_DIR", "/nonexistent", 1);
    pid_t pid = start(w, &actor);
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
    w->run = start(w, &actor);
    wait_for(w, all);
    assert_int_equal(number(w, "XLEN %s%s", "executor"), 0);
}

static long open_files(pid_t pid) {
    char line[256];
    long soft = -1;
    SW_AUTO(sw_text) char *path = sw_printf("/proc/%d/limits", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        (void)sscanf(line, "Max open files %ld", &soft);
    if (file) fclose(file);
    return soft;
}

/* auth among 64 of each actor has 768 connections, and calls besides. */
static void test_all_files_that_a_process_may_have_are_used(void **state) {
    struct world *w = *state;
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    if (before.rlim_max < 4096) skip();
    few = (struct rlimit){1024, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    w->run = start(w, &actor);
    setrlimit(RLIMIT_NOFILE, &before);
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; open_files(w->run) < 4096;)
        assert_true(patient(deadline_ms));
}

static void relaunch(struct world *w, const char *const *options) {
    redisFree(w->redis.c);
    end(w->redis.redis, SIGKILL);
    redis_world_launch(&w->redis, options);
}

static void test_a_redis_that_reads_its_file_is_waited_for(void **state) {
    struct world *w = *state;
    static const char *const on_disk[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    static const char *const slow[] = {
        "--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "500", NULL};
    const int all = 3000; /* it looks at its clients once in 1024 commands */
    relaunch(w, on_disk);
    for (int n = 1; n <= all; n++)
        append(w, json_pack("{s:i}", "n", n));
    for (int n = 1; n <= all; n++)
        appended(w);
    relaunch(w, slow);
    redisReply *reply = redisCommand(w->redis.c, "PING");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR); /* LOADING: the test tests something */
    freeReplyObject(reply);
    setenv("SLIPWAY_DURABILITY", "disk", 1);
    w->run = start(w, &actor);
    wait_for(w, all);
}

static void test_a_call_that_another_owner_marked_is_not_made(void **state) {
    struct world *w = *state;
    json_t *answer = NULL;
    append(w, json_pack("{s:b}", "call", 1));
    appended(w);
    w->run = start(w, &actor);
    /* Nobody listens, so it is marked and will be tried again. */
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (number(w, "HLEN %s%s", "executor:fx:started") == 0)
        assert_true(patient(deadline_ms));
    redisReply *ids = ask(&w->redis, "HKEYS %sexecutor:fx", w->prefix);
    assert_int_equal(ids->elements, 1);
    /* As if the shard had been another's for a while: it marked the call, made it perhaps, and died. */
    freeReplyObject(ask(&w->redis, "MULTI"));
    freeReplyObject(
        ask(&w->redis, "HSET %sexecutor:fx:started %s 99:1", w->prefix, ids->element[0]->str));
    freeReplyObject(ask(&w->redis, "CLIENT KILL TYPE normal SKIPME yes"));
    freeReplyObject(ask(&w->redis, "EXEC"));
    freeReplyObject(ids);
    assert_int_equal(listen(w->upstream, 16), 0);
    while (!(answer = stored(w, "answer")))
        assert_true(patient(deadline_ms));
    assert_string_equal(sw_str(answer, "error"), "unsure");
    json_decref(answer);
    assert_int_equal(accept(w->upstream, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

static void
test_the_index_of_sources_is_written_before_its_commit_and_counts_changes(void **state) {
    struct world *w = *state;
    append(w, json_pack("{s:i, s:s}", "n", 1, "source", "github/1"));
    append(w, json_pack("{s:i, s:s}", "n", 2, "source", "github/1"));
    append(w, json_pack("{s:i, s:s}", "n", 3, "source", "github/2"));
    append(w, json_pack("{s:i, s:s, s:b}", "n", 4, "source", "github/2", "gone", 1));
    append(w, json_pack("{s:i, s:s, s:b}", "n", 5, "source", "github/2", "gone", 1));
    for (int n = 1; n <= 5; n++)
        appended(w);
    w->run = start(w, &actor);
    wait_for(w, 5);
    redisReply *reply = ask(&w->redis, "SMEMBERS sw:src:github/1");
    assert_int_equal(reply->elements, 1);
    assert_string_equal(reply->element[0]->str, INST);
    freeReplyObject(reply);
    assert_int_equal(number(w, "SCARD sw:src:github/2", ""), 0);
    reply = ask(&w->redis, "GET sw:sources");
    assert_string_equal(reply->str, "3"); /* what was so already is no change */
    freeReplyObject(reply);
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

static int not_loaded(void *arg, const char *key, const json_t **ret) {
    (void)arg;
    (void)key;
    (void)ret;
    return -EAGAIN;
}

static void test_a_value_that_is_not_loaded_yet_reads_as_absent(void **state) {
    struct sw_msg *in = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    struct sw_out out;
    SW_AUTO(sw_json) json_t *garbage = json_array();
    const json_t *value = garbage;
    (void)state;
    sw_out_init(&out, in, not_loaded, NULL);
    assert_int_equal(sw_fact(&out, "k", &value), -EAGAIN);
    assert_null(value);
    sw_out_finish(&out);
    sw_msg_destroy(in);
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
        cmocka_unit_test_setup_teardown(
            test_the_index_of_sources_is_written_before_its_commit_and_counts_changes, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_all_files_that_a_process_may_have_are_used, set_up,
                                        tear_down),
        cmocka_unit_test(test_a_value_that_is_not_loaded_yet_reads_as_absent),
        cmocka_unit_test(test_calls_that_fail_together_make_one_short_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
