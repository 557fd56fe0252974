/* test_cli_status.c -- `slipway status` on a real redis-server, in states that a test prepares. */
#include "actors/cli.h"
#include "cli_run.h"
#include "common/overview.h"
#include "common/redis.h"
#include "common/run_priv.h"
#include "common/scripts.h"
#include "common/seal_priv.h"
#include "redis_world.h"

#define INST "T0STATUS"

static char prefix[16], run_id[64];

static int set_up(void **state) {
    snprintf(prefix, sizeof(prefix), "sw:{%02u}:", sw__shard_of(INST));
    redisReply *info = ask(redis_world_enter(state, redis_world_fit), "INFO server");
    assert_int_equal(sscanf(strstr(info->str, "run_id:"), "run_id:%63[0-9a-f]", run_id), 1);
    freeReplyObject(info);
    setenv("SLIPWAY_SWEEP_MS", "50", 1);
    return 0;
}

static struct shown status(const char *option) {
    char *argv[] = {(char *)"status", (char *)(uintptr_t)option, NULL};
    return run_cli(sw_cli_status, argv);
}

static void expect(int want, const char *says) {
    struct shown shown = status(NULL);
    if (shown.status != want || !strstr(shown.out, says))
        fail_msg("%d, not %d and \"%s\":\n%s%s", shown.status, want, says, shown.out, shown.err);
}

static void append_script(const struct redis_world *w, enum sw_script script, const char *on, ...) {
    const char *argv[16] = {"EVAL", sw_script_text[script], "1", on};
    int argc = 4;
    va_list args;
    va_start(args, on);
    while ((argv[argc] = va_arg(args, const char *)))
        argc++;
    va_end(args);
    assert_int_equal(redisAppendCommandArgv(w->c, argc, argv, NULL), REDIS_OK);
}

/* Every role has a process, and its processes all shards, for so long. */
static void live(const struct redis_world *w, const char *lease_ms) {
    unsigned asked = 0;
    for (unsigned role = 0; role < SW__ROLES; role++, asked++)
        append_script(w, SW_SCRIPT_LIVE, "sw:", sw__roles[role], "ipc://x", "60000", "{}", NULL);
    /* The first script of a shard makes its generation, and nothing else. */
    for (unsigned role = 0; role < SW__ROLES; role++) {
        for (unsigned i = 0; i < SW_SHARDS; i++, asked++) {
            SW_AUTO(sw_text) char *shard = sw_printf("sw:{%02u}:", i);
            append_script(w, SW_SCRIPT_TAKE, shard, run_id, sw__roles[role ? role : 1], "me",
                          "ipc://x", lease_ms, NULL);
        }
    }
    while (asked-- > 0) {
        redisReply *reply;
        assert_int_equal(redisGetReply(w->c, (void **)&reply), REDIS_OK);
        if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s", reply->str);
        freeReplyObject(reply);
    }
}

static void put(const struct redis_world *w, const char *mailbox, int64_t born_ms) {
    struct sw_msg *m = sw_msg_create("slash.v1", "c1", INST, born_ms);
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    redisReply *reply = redisCommand(w->c, "XADD %s%s * m %b", prefix, mailbox, bytes, size);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
    free(bytes);
    sw_msg_destroy(m);
}

static void an_empty_redis_is_not_well(void **state) {
    (void)state;
    expect(1, "not well: no actor is running with this Redis\n");
}

static void it_is_well_where_each_actor_lives_and_owns_its_shards(void **state) {
    live(*state, "60000");
    put(*state, "parser", redis_ms(*state));
    expect(0, "well: processes 7, messages owed 1, calls owed 0\n");
    struct shown shown = status(NULL);
    assert_non_null(strstr(shown.out, "\nexecutor         1     64     0        0 "));
}

static void an_expired_lease_with_owed_work_is_not_well(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    put(w, "auth", redis_ms(w));
    SW_AUTO(sw_text) char *until = sw_printf("%lld", (long long)redis_ms(w) - 30000);
    freeReplyObject(ask(w, "HSET %sauth:own until %s", prefix, until));
    expect(1, "not well: auth has 1 shard without an owner since 30 s, with 1 owed");
    /* Of another life of Redis it is void, and nobody's fault yet. */
    freeReplyObject(ask(w, "HSET %sauth:own gen 5", prefix));
    expect(0, "well: ");
}

static void what_nobody_came_to_is_not_well(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    put(w, "responder", redis_ms(w) - 200000);
    expect(1, "not well: responder has not come to what was asked 3 min ago, in 1 shard\n");
}

/* An old command's message that a sweep finds in its time: its age alone is no fault. */
static void what_is_found_by_the_next_sweep_is_not_late(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    put(w, "responder", redis_ms(w) - 1500000);
    setenv("SLIPWAY_SWEEP_MS", "1000", 1);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        redisContext *redis = redisConnectUnix(getenv("SLIPWAY_REDIS"));
        redisCommand(redis, "BLPOP nobody 0.6"); /* longer than a turn, less than a sweep */
        redisCommand(redis, "DEL %sresponder", prefix);
        _exit(0);
    }
    expect(0, "well: ");
    assert_int_equal(waitpid(owner, NULL, 0), owner);
}

static void a_dead_letter_is_said_for_an_hour(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    SW_AUTO(sw_text) char *older = sw_printf("%lld-0", (long long)redis_ms(w) - 3700000);
    freeReplyObject(ask(w, "XADD %sdead %s actor parser reason crash m x", prefix, older));
    expect(0, "well: ");
    freeReplyObject(ask(w, "XADD %sdead * actor parser reason crash m x", prefix));
    expect(0, "well, but: 1 dead letter within the last hour\n");
    expect(0, "\nDead letters: 2, of the last hour 1\n");
    for (int i = 0; i < 60; i++)
        freeReplyObject(ask(w, "XADD %sdead * actor parser reason crash m x", prefix));
    expect(0, "well, but: 50 or more dead letters within the last hour\n");
    expect(0, "\nDead letters: 62, of the last hour 50 or more\n");
}

static void wrong_settings_are_not_well(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    freeReplyObject(ask(w, "CONFIG SET appendfsync everysec"));
    freeReplyObject(ask(w, "CONFIG SET maxmemory-policy allkeys-lru"));
    expect(1, "allkeys-lru: it forgets work; appendfsync of ");
}

static void memory_is_said_where_something_is_shed_and_no_mere_setting(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    freeReplyObject(ask(w, "SETRANGE filler 20000000 x"));
    redisReply *info = ask(w, "INFO memory");
    const char *line = strstr(info->str, "used_memory:");
    assert_non_null(line);
    const long long used = atoll(line + strlen("used_memory:"));
    freeReplyObject(info);
    SW_AUTO(sw_text) char *most = sw_printf("%lld", used * 4 / 3);
    freeReplyObject(ask(w, "CONFIG SET maxmemory %s", most));
    expect(0, "well, but: ");
    expect(0, " %): webhooks are refused at the door\n");
    freeReplyObject(ask(w, "CONFIG SET maxmemory 0"));
    expect(0, "well: processes 7");
}

static void json_has_the_documented_fields(void **state) {
    const struct redis_world *w = *state;
    static const char *const top[] = {"well", "line",  "rows",          "at_ms",  "actors",
                                      "dead", "redis", "installations", "partial"};
    static const char *const of_actor[] = {"actor",   "processes", "dead_hour", "tries",
                                           "shards",  "unowned",   "owed",      "oldest_ms",
                                           "waiting", "calls",     "timers"};
    live(w, "60000");
    freeReplyObject(ask(w, "HSET %sowed " INST " 100 T0FEW 99", prefix));
    freeReplyObject(ask(w, "HSET %sexecutor:fx 1-1 x 1-2 y", prefix));
    freeReplyObject(ask(w, "HSET %sexecutor:fx:started 1-1 3:1000", prefix));
    freeReplyObject(ask(w, "ZADD %srefresher:timers 9000000000000 a", prefix));
    struct shown shown = status("--json");
    SW_AUTO(sw_json) json_t *o = json_loads(shown.out, 0, NULL);
    assert_non_null(o);
    for (size_t i = 0; i < sizeof(top) / sizeof(*top); i++)
        if (!json_object_get(o, top[i])) fail_msg("no %s", top[i]);
    const json_t *executor = json_array_get(json_object_get(o, "actors"), 3);
    for (size_t i = 0; i < sizeof(of_actor) / sizeof(*of_actor); i++)
        if (!json_object_get(executor, of_actor[i])) fail_msg("no %s", of_actor[i]);
    const json_t *calls = json_object_get(executor, "calls");
    assert_int_equal(sw_int(calls, "owed"), 2);
    assert_int_equal(sw_int(calls, "marked"), 1);
    assert_int_equal(sw_int(calls, "late"), 1);
    assert_true(json_is_false(json_object_get(o, "well")));
    assert_int_equal(shown.status, 1);
    const json_t *refresher = json_array_get(json_object_get(o, "actors"), 5);
    assert_true(sw_int(json_object_get(refresher, "timers"), "next_ms") > 0);
    const json_t *owing = json_object_get(o, "installations");
    assert_int_equal(json_array_size(owing), 1);
    assert_string_equal(sw_str(json_array_get(owing, 0), "installation"), INST);
}

static void of_several_redis_one_that_is_away_is_named_and_the_other_shown(void **state) {
    const struct redis_world *w = *state;
    live(w, "60000");
    SW_AUTO(sw_text) char *both = sw_printf("0-31=%s/redis 32-63=/nowhere/r.sock", w->dir);
    setenv("SLIPWAY_REDIS", both, 1);
    expect(1, "not well: shards 32-63: no Redis at SLIPWAY_REDIS ");
    expect(1, "\nexecutor         1     32     0        0 ");
    expect(1, "/redis, shards 0-31: primary");
}

static void without_redis_it_ends_with_69_and_a_wrong_word_with_64(void **state) {
    (void)state;
    struct shown shown = status("--jason");
    assert_int_equal(shown.status, 64);
    setenv("SLIPWAY_REDIS", "/nowhere/redis.sock", 1);
    shown = status(NULL);
    assert_int_equal(shown.status, 69);
    assert_non_null(strstr(shown.err, "no Redis at SLIPWAY_REDIS /nowhere/redis.sock"));
    assert_string_equal(shown.out, "");
    setenv("SLIPWAY_LEASE_MS", "soon", 1);
    assert_int_equal(status(NULL).status, 78);
    unsetenv("SLIPWAY_LEASE_MS");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, redis_world_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_redis_is_not_well),
        TEST(it_is_well_where_each_actor_lives_and_owns_its_shards),
        TEST(an_expired_lease_with_owed_work_is_not_well),
        TEST(what_nobody_came_to_is_not_well),
        TEST(what_is_found_by_the_next_sweep_is_not_late),
        TEST(a_dead_letter_is_said_for_an_hour),
        TEST(wrong_settings_are_not_well),
        TEST(memory_is_said_where_something_is_shed_and_no_mere_setting),
        TEST(json_has_the_documented_fields),
        TEST(of_several_redis_one_that_is_away_is_named_and_the_other_shown),
        TEST(without_redis_it_ends_with_69_and_a_wrong_word_with_64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
