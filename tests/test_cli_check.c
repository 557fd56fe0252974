/* test_cli_check.c -- what `slipway status` and `slipway doctor` make of what Redis says: pure. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"ingress",   "parser",    "auth",    "executor",
                                    "responder", "refresher", "notifier"};

/* Seven actors, a process each, all shards owned, nothing owed; a Redis as it should be. */
static json_t *healthy(void) {
    json_t *actors = json_array();
    for (int i = 0; i < 7; i++) {
        json_t *one = json_pack("{s:s, s:[s], s:i}", "actor", names[i], "processes", "ipc:///x",
                                "dead_hour", 0);
        json_t *more = json_pack("{s:i, s:{s:i, s:i, s:i}, s:[], s:{s:i, s:i}, s:{s:i, s:i}, s:[],"
                                 " s:{s:i, s:i, s:i, s:i}, s:{s:i, s:i, s:n}}",
                                 "tries", 0, "shards", "owned", 64, "free", 0, "expired", 0,
                                 "unowned", "owed", "urgent", 0, "bulk", 0, "oldest_ms", "urgent",
                                 0, "bulk", 0, "waiting", "calls", "owed", 0, "marked", 0, "late",
                                 0, "late_ms", 0, "timers", "armed", 0, "overdue", 0, "next_ms");
        if (i > 0) json_object_update(one, more);
        json_decref(more);
        json_array_append_new(actors, one);
    }
    json_t *redis = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:b, s:b, s:b, s:b, s:s, s:{s:i, s:i, s:i}}",
        "address", "r:6379", "shards", "0-63", "version", "7.0.15", "role", "master", "replicas", 0,
        "used_bytes", 1000, "max_bytes", 10000, "policy", "noeviction", "aof", 1, "written", 1,
        "loading", 0, "scripts", 1, "fsync", "always", "generations", "now", 64, "older", 0, "none",
        0);
    return json_pack("{s:i, s:o, s:{s:i, s:i}, s:[], s:b, s:[o]}", "at_ms", 1, "actors", actors,
                     "dead", "total", 0, "hour", 0, "installations", "partial", 0, "redis", redis);
}

static json_t *actor(const json_t *overview, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(overview, "actors"), i, one) {
        if (!strcmp(sw_str(one, "actor"), name)) return one;
    }
    fail_msg("no %s", name);
    return NULL;
}

static json_t *redis_of(const json_t *overview) {
    return json_array_get(json_object_get(overview, "redis"), 0);
}

static struct sw_conf conf = {.durability = (char *)"disk", .lease_ms = 10000, .owed_max = 1000};

static json_t *rows_of(const json_t *overview, const json_t *before) {
    json_t *rows = json_array();
    sw__check_work(&conf, overview, before, rows);
    sw__check_redis(&conf, overview, rows);
    return rows;
}

/* The one row of its level and check that says `seen` names what to do with `mend`. */
static void expect_row(const json_t *rows, const char *check, enum sw__level level,
                       const char *seen, const char *mend) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        if (strcmp(sw_str(row, "check"), check) != 0 || !strstr(sw_str(row, "seen"), seen))
            continue;
        assert_string_equal(sw_str(row, "level"), sw__levels[level]);
        if (mend && !strstr(sw_str(row, "mend"), mend)) fail_msg("%s", sw_str(row, "mend"));
        if (!mend) assert_null(json_object_get(row, "mend"));
        return;
    }
    SW_AUTO(sw_text) char *all = json_dumps(rows, JSON_INDENT(1));
    fail_msg("no row %s \"%s\" in %s", check, seen, all);
}

static void expect(const json_t *overview, const json_t *before, const char *check,
                   enum sw__level level, const char *seen, const char *mend) {
    SW_AUTO(sw_json) json_t *rows = rows_of(overview, before);
    expect_row(rows, check, level, seen, mend);
}

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void where_nothing_is_wrong_every_row_is_ok(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    SW_AUTO(sw_json) json_t *rows = rows_of(o, NULL);
    SW_AUTO(sw_json) json_t *none = json_array();
    assert_int_equal(sw__rows_worst(rows), SW__OK);
    SW_AUTO(sw_text) char *line = sw__status_line(o, none);
    assert_string_equal(line, "well: processes 7, messages owed 0, calls owed 0");
}

static void an_actor_without_a_process_is_named(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    set(actor(o, "executor"), "processes", json_array());
    expect(o, NULL, "actors", SW__FAIL, "no executor is running", "slipway executor");
    for (int i = 0; i < 7; i++)
        set(actor(o, names[i]), "processes", json_array());
    SW_AUTO(sw_json) json_t *rows = rows_of(o, NULL);
    expect_row(rows, "actors", SW__FAIL, "no actor is running with this Redis", "SLIPWAY_REDIS");
    SW_AUTO(sw_text) char *line = sw__status_line(o, rows);
    assert_string_equal(line, "not well: no actor is running with this Redis");
}

static void a_lease_is_stuck_only_when_nobody_took_it_for_longer_than_a_lease(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    json_t *auth = actor(o, "auth"), *unowned = json_object_get(auth, "unowned");
    json_array_append_new(unowned, json_pack("{s:i, s:i}", "shard", 7, "owed", 3));
    json_array_append_new(unowned,
                          json_pack("{s:i, s:i, s:i}", "shard", 8, "owed", 2, "expired_ms", 9999));
    expect(o, NULL, "leases", SW__OK, "no lease is stuck", NULL);
    set(json_array_get(unowned, 1), "expired_ms", json_integer(25000));
    expect(o, NULL, "leases", SW__FAIL, "auth has 1 shard without an owner since 25 s, with 2 owed",
           "restart");
    /* Given back, but what stands there is old: nobody took it. */
    set(auth, "waiting", json_pack("[{s:i, s:s, s:i}]", "shard", 7, "id", "1-1", "age_ms", 90000));
    expect(o, NULL, "leases", SW__FAIL, "auth has 2 shards without an owner", "restart");
    /* Without a process all shards are free: that is said once. */
    set(auth, "processes", json_array());
    expect(o, NULL, "leases", SW__OK, "no lease is stuck", NULL);
}

static void what_waits_is_told_only_when_a_second_look_finds_it_again(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    SW_AUTO(sw_json) json_t *other = healthy();
    assert_false(sw__check_waits(o));
    set(actor(o, "parser"), "waiting",
        json_pack("[{s:i, s:s, s:i}]", "shard", 3, "id", "1-9", "age_ms", 125000));
    set(actor(other, "parser"), "waiting",
        json_pack("[{s:i, s:s, s:i}]", "shard", 3, "id", "1-8", "age_ms", 125000));
    assert_true(sw__check_waits(o));
    expect(o, NULL, "mailboxes", SW__OK, "nothing urgent", NULL);
    expect(o, other, "mailboxes", SW__OK, "nothing urgent", NULL);
    expect(o, o, "mailboxes", SW__FAIL,
           "parser has not come to what was asked 2 min ago, in 1 shard", "processes of parser");
}

static void late_timers_and_calls_are_told_after_a_minute(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    json_t *timers = json_object_get(actor(o, "refresher"), "timers");
    json_t *calls = json_object_get(actor(o, "responder"), "calls");
    set(timers, "next_ms", json_integer(-59000));
    set(calls, "late_ms", json_integer(59000));
    expect(o, NULL, "timers", SW__OK, "no timer", NULL);
    expect(o, NULL, "calls", SW__OK, "no call", NULL);
    set(timers, "next_ms", json_integer(-61000));
    set(timers, "overdue", json_integer(4));
    set(calls, "late_ms", json_integer(3 * 3600000));
    set(calls, "late", json_integer(2));
    expect(o, NULL, "timers", SW__FAIL, "refresher has 4 overdue timers, the first one since 61",
           "log");
    expect(o, NULL, "calls", SW__FAIL, "responder has 2 calls past", "unsure");
}

static void dead_letters_of_the_last_hour_and_tries_are_warnings(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    json_t *dead = json_object_get(o, "dead");
    set(dead, "total", json_integer(5));
    expect(o, NULL, "dead-letters", SW__OK, "5 older", NULL);
    set(dead, "hour", json_integer(2));
    set(actor(o, "notifier"), "tries", json_integer(1));
    SW_AUTO(sw_json) json_t *rows = rows_of(o, NULL);
    expect_row(rows, "dead-letters", SW__WARN, "2 dead letters", "slipway dead list");
    expect_row(rows, "tries", SW__WARN, "notifier has 1 message begun", "log");
    assert_int_equal(sw__rows_worst(rows), SW__WARN);
}

static void a_redis_that_is_wrongly_set_up_says_how_to_mend_it(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *check, *seen, *mend;
        enum sw__level level;
    } rows[] = {
        {"version", "\"6.2.14\"", "redis-version", "6.2.14", "Redis 7", SW__FAIL},
        {"role", "\"slave\"", "redis-role", "a replica, which takes no writes", "primary",
         SW__FAIL},
        {"loading", "true", "redis-role", "still loads", "wait", SW__FAIL},
        {"policy", "\"allkeys-lru\"", "redis-eviction", "it forgets work",
         "CONFIG SET maxmemory-policy noeviction", SW__FAIL},
        {"max_bytes", "0", "redis-maxmemory", "no maxmemory", "CONFIG SET maxmemory", SW__WARN},
        {"used_bytes", "6999", "redis-memory", "(69 %)", NULL, SW__OK},
        {"used_bytes", "7000", "redis-memory", "webhooks are refused", "maxmemory", SW__WARN},
        {"used_bytes", "8500", "redis-memory", "commands are refused", "maxmemory", SW__FAIL},
        {"aof", "false", "redis-file", "nothing on disk", "CONFIG SET appendonly yes", SW__FAIL},
        {"written", "false", "redis-file", "could not write", "free space", SW__FAIL},
        {"fsync", "\"everysec\"", "redis-fsync", "everysec", "CONFIG SET appendfsync always",
         SW__FAIL},
        {"scripts", "false", "redis-user", "may not run scripts", "slipway acl", SW__FAIL},
        {"fsync", "null", "redis-fsync", "refuses CONFIG", "provider", SW__WARN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *o = healthy();
        set(redis_of(o), rows[i].key, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        expect(o, NULL, rows[i].check, rows[i].level, rows[i].seen, rows[i].mend);
    }
}

static void for_tests_only_memory_is_said_and_nothing_else_of_its_file(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    struct sw_conf kept = conf;
    conf.durability = (char *)"memory";
    set(redis_of(o), "fsync", json_string("everysec"));
    expect(o, NULL, "redis-file", SW__WARN, "may be lost", "SLIPWAY_DURABILITY=disk");
    SW_AUTO(sw_json) json_t *rows = rows_of(o, NULL);
    assert_int_equal(sw__rows_worst(rows), SW__WARN);
    conf = kept;
}

static void replicas_are_counted_where_they_are_waited_for(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    struct sw_conf kept = conf;
    conf.durability = (char *)"replicated";
    conf.wait = 2;
    set(redis_of(o), "replicas", json_integer(2));
    expect(o, NULL, "redis-replicas", SW__OK, "2 replicas follow r:6379", NULL);
    set(redis_of(o), "replicas", json_integer(1));
    expect(o, NULL, "redis-replicas", SW__FAIL, "waits for 2: nothing is confirmed",
           "SLIPWAY_WAIT");
    expect(o, NULL, "redis-fsync", SW__OK, "always", NULL);
    conf = kept;
}

static void a_clock_may_be_a_second_off_and_never_a_minute(void **state) {
    (void)state;
    static const struct {
        int64_t skew_ms, exact_ms;
        enum sw__level level;
        const char *seen;
    } rows[] = {
        {0, 0, SW__OK, "less than 1 s"},      {-999, 0, SW__OK, "less than 1 s"},
        {1000, 0, SW__WARN, "1 s before"},    {-59999, 0, SW__WARN, "59 s behind"},
        {-60000, 0, SW__FAIL, "60 s behind"}, {300000, 0, SW__FAIL, "5 min before"},
        {1900, 1000, SW__OK, "less than"},    {2100, 1000, SW__WARN, "2 s before"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *got = json_array();
        sw__check_clock("Redis", rows[i].skew_ms, rows[i].exact_ms, got);
        expect_row(got, "clock", rows[i].level, rows[i].seen,
                   rows[i].level == SW__OK ? NULL : "NTP");
    }
}

static void a_key_of_no_known_kind_and_work_of_a_missing_actor_are_orphans(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    SW_AUTO(sw_json)
    json_t *space =
        json_pack("{s:i, s:b, s:{s:i, s:i}, s:i, s:[s]}", "looked", 90, "partial", 1, "state",
                  "auth", 5, "notifier", 7, "unknown", 0, "first", "sw:{01}:x");
    SW_AUTO(sw_json) json_t *rows = json_array();
    sw__check_space(o, space, rows);
    expect_row(rows, "orphans", SW__OK, "none among 90 keys (there are more)", NULL);
    set(actor(o, "notifier"), "processes", json_array());
    set(json_object_get(actor(o, "notifier"), "owed"), "bulk", json_integer(3));
    set(space, "unknown", json_integer(2));
    json_array_clear(rows);
    sw__check_space(o, space, rows);
    expect_row(rows, "orphans", SW__WARN,
               "notifier has no process, and 3 messages, calls and timers and 7 values",
               "slipway notifier");
    expect_row(rows, "orphans", SW__WARN, "such as sw:{01}:x", "UNLINK");
}

static void a_process_that_does_not_know_a_key_or_seals_with_another_is_named(void **state) {
    (void)state;
    SW_AUTO(sw_json)
    json_t *rings = json_pack("[{s:s, s:[s, s]}, {s:s, s:[s]}]", "name", "executor", "keys", "aaa",
                              "bbb", "name", "token", "keys", "ttt");
    SW_AUTO(sw_json)
    json_t *processes = json_pack("[{s:s, s:s, s:{s:[s, s]}}]", "role", "parser", "endpoint",
                                  "ipc:///p", "known", "executor", "bbb", "aaa");
    json_t *known = json_object_get(json_array_get(processes, 0), "known");
    SW_AUTO(sw_json) json_t *rows = json_array();
    /* It still seals with the one before, which is there, and needs no token. */
    sw__check_known(processes, rings, rows);
    expect_row(rows, "keys", SW__OK, "all 1 processes know", NULL);
    set(known, "executor", json_pack("[s, s]", "ccc", "aaa"));
    sw__check_known(processes, rings, rows);
    expect_row(rows, "keys", SW__FAIL, "parser at ipc:///p seals with key ccc of executor",
               "SLIPWAY_KEY_DIR");
    set(known, "executor", json_pack("[s]", "bbb"));
    sw__check_known(processes, rings, rows);
    expect_row(rows, "keys", SW__FAIL, "parser at ipc:///p does not know key aaa of executor",
               "copy");
}

static void amounts_are_said_in_the_unit_that_fits(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } spans[] = {{0, "0 ms"},       {999, "999 ms"},    {1000, "1 s"},
                 {119999, "119 s"}, {120000, "2 min"},  {7199999, "119 min"},
                 {7200000, "2 h"},  {172800000, "2 d"}, {-90000, "-90 s"}};
    char text[32];
    for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        sw__span(spans[i].ms, text);
        assert_string_equal(text, spans[i].text);
    }
    sw__bytes(1023, text);
    assert_string_equal(text, "1023 B");
    sw__bytes(1536, text);
    assert_string_equal(text, "1.5 KB");
    sw__bytes(3LL << 40, text);
    assert_string_equal(text, "3.0 TB");
}

static void the_table_has_a_line_for_each_actor_and_each_redis(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *o = healthy();
    SW_AUTO(sw_text) char *text = NULL;
    size_t size;
    set(o, "installations", json_pack("[{s:s, s:i}]", "installation", "T0SIM1", "owed", 150));
    set(json_object_get(actor(o, "auth"), "timers"), "armed", json_integer(2));
    set(json_object_get(actor(o, "auth"), "timers"), "next_ms", json_integer(-5));
    FILE *out = open_memstream(&text, &size);
    sw__status_show(o, out);
    fclose(out);
    assert_non_null(strstr(text, "\ningress          1\n"));
    assert_non_null(strstr(text, "\nauth             1     64     0        0       0      0        "
                                 "-      0       0       2      now        0     0\n"));
    assert_non_null(strstr(text, "\nT0SIM1: 150 commands taken in and not yet read\n"));
    assert_non_null(strstr(text, "\nRedis 7.0.15 at r:6379, shards 0-63: primary, 0 replicas, "
                                 "1000 B of 9.8 KB (10 %), appendonly yes, appendfsync always;"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nothing_is_wrong_every_row_is_ok),
        cmocka_unit_test(an_actor_without_a_process_is_named),
        cmocka_unit_test(a_lease_is_stuck_only_when_nobody_took_it_for_longer_than_a_lease),
        cmocka_unit_test(what_waits_is_told_only_when_a_second_look_finds_it_again),
        cmocka_unit_test(late_timers_and_calls_are_told_after_a_minute),
        cmocka_unit_test(dead_letters_of_the_last_hour_and_tries_are_warnings),
        cmocka_unit_test(a_redis_that_is_wrongly_set_up_says_how_to_mend_it),
        cmocka_unit_test(for_tests_only_memory_is_said_and_nothing_else_of_its_file),
        cmocka_unit_test(replicas_are_counted_where_they_are_waited_for),
        cmocka_unit_test(a_clock_may_be_a_second_off_and_never_a_minute),
        cmocka_unit_test(a_key_of_no_known_kind_and_work_of_a_missing_actor_are_orphans),
        cmocka_unit_test(a_process_that_does_not_know_a_key_or_seals_with_another_is_named),
        cmocka_unit_test(amounts_are_said_in_the_unit_that_fits),
        cmocka_unit_test(the_table_has_a_line_for_each_actor_and_each_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
