/* test_dead.c -- `slipway dead` on a real redis-server, beside a process whose handler refuses, and then one that does not. */
#include "actors/cli.h"
#include "tests/cli_run.h"
#include "tests/run_world.h"

#include <errno.h>

/* ---- before and after an upgrade ---- */

static int refuse(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    (void)ctx;
    (void)in;
    (void)out;
    return -EINVAL;
}

static int count(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *done;
    (void)ctx;
    (void)in;
    int r = sw_fact(out, "done", &done);
    if (r == 0) sw_store(out, "done", json_integer(json_integer_value(done) + 1), 0);
    return r;
}

static const char *const kinds[] = {SW_KIND_GRANTED, NULL};
static const struct sw_actor before = {"executor", kinds, NULL, refuse};
static const struct sw_actor after = {"executor", kinds, NULL, count};

/* ---- helpers ---- */

#define DEAD(...) run_cli(sw_cli_dead, (char *[]){"dead", __VA_ARGS__, NULL})

static int set_up_sweeping(void **state) {
    int r = set_up(state);
    setenv("SLIPWAY_SWEEP_MS", "100", 1);
    return r;
}

static int64_t length(const struct world *w, const char *key) {
    return number(w, "XLEN %s%s", key);
}

static void wait_until(const struct world *w, const char *key, int64_t n) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (length(w, key) != n)
        if (!patient(deadline_ms)) fail_msg("%s: %d", key, (int)length(w, key));
}

/* The id of the only letter, as an operator would copy it. */
static char *only_letter(void) {
    struct shown shown = DEAD("list");
    char *line = strchr(shown.out, '\n');
    assert_non_null(line);
    return sw_strndup(line + 1, strcspn(line + 1, " "));
}

static void append_person(const struct world *w) {
    append(w, json_pack("{s:{s:s, s:s, s:s}}", "who", "team", INST, "user", "U1", "channel", "C1"));
    appended(w);
}

static void become(struct world *w, const struct sw_actor *actor) {
    end(w->run, SIGTERM);
    w->run = start(w, actor);
}

/* lane "": as before v0.5.0. */
static void write_letter(const struct world *w, const char *id, const char *actor, const char *lane,
                         const char *reason, const struct sw_msg *m) {
    SW_AUTO(sw_text) char *bytes = NULL;
    size_t size = 0;
    if (m) assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    freeReplyObject(ask(&w->redis, "XADD %sdead %s actor %s reason %s %s %s m %b", w->prefix, id,
                        actor, reason, lane[0] ? "lane" : "other", lane, bytes ? bytes : "", size));
}

static json_int_t done(const struct world *w) {
    SW_AUTO(sw_json) json_t *value = stored(w, "done");
    return json_integer_value(value);
}

/* ---- tests ---- */

static void of_two_who_retry_a_letter_one_does_and_it_is_handled_once(void **state) {
    struct world *w = *state;
    append_person(w);
    w->run = start(w, &before);
    wait_until(w, "dead", 1);
    SW_AUTO(sw_text) char *id = only_letter();
    become(w, &after);
    char *argv[] = {"dead", "retry", id, NULL};
    struct cli_started both[2];
    for (int i = 0; i < 2; i++)
        both[i] = cli_start(sw_cli_dead, argv);
    struct shown a = cli_end(both[0]), b = cli_end(both[1]);
    assert_int_equal(a.status + b.status, 1);
    const struct shown *won = a.status ? &b : &a, *lost = a.status ? &a : &b;
    assert_non_null(strstr(won->out, " is owed again, as "));
    assert_true(strstr(lost->err, "there is no such letter") ||
                strstr(lost->err, "it is not there any more"));
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; done(w) != 1;)
        assert_true(patient(deadline_ms));
    wait_until(w, "executor", 0);
    assert_int_equal(length(w, "dead"), 0);
    assert_int_equal(done(w), 1);
    struct shown audit = run_cli(sw_cli_audit, (char *[]){"audit", INST, NULL});
    SW_AUTO(sw_text) char *line = sw_printf("  slipway dead retry %s  ", id);
    char *told = strstr(audit.out, line);
    assert_non_null(told);
    assert_null(strstr(told + 1, line));
    assert_non_null(strchr(audit.out, '@')); /* login@host */
    assert_non_null(strstr(told, "  done  "));
    assert_non_null(strstr(told, " executor granted.v1 refused  c1\n"));
}

static void what_dies_again_is_a_new_letter_and_nobody_is_told_twice(void **state) {
    struct world *w = *state;
    append_person(w);
    w->run = start(w, &before);
    wait_until(w, "dead", 1);
    assert_int_equal(length(w, "responder"), 1);
    SW_AUTO(sw_text) char *id = only_letter();
    assert_int_equal(DEAD("retry", id).status, 0);
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        if (length(w, "dead") == 1) {
            SW_AUTO(sw_text) char *next = only_letter();
            if (strcmp(next, id) != 0) break;
        }
        assert_true(patient(deadline_ms));
    }
    assert_int_equal(length(w, "responder"), 1);
    struct shown shown = DEAD("list", "--json");
    SW_AUTO(sw_json) json_t *letter = json_loads(shown.out, 0, NULL);
    assert_true(json_is_true(json_object_get(json_object_get(letter, "body"), "retried")));
    assert_string_equal(sw_str(letter, "lane"), "executor");
}

static void a_letter_goes_back_into_its_lane_and_is_counted_as_the_door_did(void **state) {
    struct world *w = *state;
    struct sw_msg *bulk = sw_msg_create(SW_KIND_GRANTED, "c2", INST, 1);
    struct sw_msg *slash = sw_msg_create(SW_KIND_SLASH, "c3", INST, 1);
    freeReplyObject(ask(&w->redis, "HSET %sgen run x gen 5", w->prefix));
    write_letter(w, "2000-0", "executor", "executor:bulk", "refused", bulk);
    write_letter(w, "3000-0", "parser", "", "refused", slash);
    struct shown shown = DEAD("retry", "--all");
    assert_int_equal(shown.status, 1);
    assert_non_null(strstr(shown.err, "these are 2 letters, and nothing was done; with --yes"));
    assert_int_equal(length(w, "dead"), 2);
    shown = DEAD("retry", "--all", "--yes", "--json");
    assert_int_equal(shown.status, 0);
    assert_non_null(strstr(shown.out, "\"done\":true,\"entry\":\"5-0\"}\n"));
    assert_int_equal(length(w, "executor:bulk"), 1);
    assert_int_equal(length(w, "parser"), 1);
    assert_int_equal(length(w, "dead"), 0);
    redisReply *owed = ask(&w->redis, "HGET %sowed " INST, w->prefix);
    assert_string_equal(owed->str, "1");
    freeReplyObject(owed);
    sw_msg_destroy(bulk);
    sw_msg_destroy(slash);
}

static void a_letter_stays_where_redis_refuses_its_mailbox(void **state) {
    struct world *w = *state;
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c2", INST, 1);
    freeReplyObject(ask(&w->redis, "HSET %sgen run x gen 5", w->prefix));
    freeReplyObject(ask(&w->redis, "XADD %sexecutor 6-0 m x", w->prefix)); /* ids only grow */
    write_letter(w, "1000-0", "executor", "", "refused", m);
    SW_AUTO(sw_text) char *id = only_letter();
    assert_int_equal(DEAD("retry", id).status, 1);
    assert_int_equal(length(w, "dead"), 1);
    assert_int_equal(length(w, "executor"), 1);
    sw_msg_destroy(m);
}

static void what_cannot_be_handled_is_not_retried_and_says_why(void **state) {
    struct world *w = *state;
    static const struct {
        const char *id, *says;
    } rows[] = {
        {"1000-0", "nothing was kept of it: it was no message"},
        {"2000-0", "its actor knows no such kind of message in this version"},
        {"3000-0", "there is no such actor"},
        {"4000-0", "its mailbox is not one of its actor"},
        {"5000-0", "no Slipway ever ran on this Redis"},
    };
    struct sw_msg *m = sw_msg_create("no.v1", "c2", INST, 1);
    struct sw_msg *fine = sw_msg_create(SW_KIND_GRANTED, "c2", INST, 1);
    write_letter(w, "1000-0", "executor", "", "malformed", NULL);
    write_letter(w, "2000-0", "executor", "", "unknown_kind", m);
    write_letter(w, "3000-0", "cook", "", "refused", fine);
    write_letter(w, "4000-0", "executor", "parser", "refused", fine);
    write_letter(w, "5000-0", "executor", "", "refused", fine);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text) char *id = sw_printf("%u/%s", sw__shard_of(INST), rows[i].id);
        struct shown shown = DEAD("retry", id);
        if (shown.status != 1 || !strstr(shown.err, rows[i].says))
            fail_msg("%d: %s", shown.status, shown.err);
        shown = DEAD("show", id);
        assert_int_equal(shown.status, 0);
        if (i < 4 && !strstr(shown.out, rows[i].says)) fail_msg("%s", shown.out);
    }
    assert_int_equal(length(w, "dead"), 5);
    assert_int_equal(length(w, "executor"), 0);
    sw_msg_destroy(m);
    sw_msg_destroy(fine);
}

static void a_letter_is_shown_without_what_is_in_its_boxes(void **state) {
    struct world *w = *state;
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c7", INST, 1764009191000);
    json_object_set_new(m->body, "line", json_string("ps \x1b[2J"));
    sw_msg_set_box(m, "token", "2.auth.0011aabb.executor.2233ccdd.SEALED");
    write_letter(w, "1764009192000-0", "executor", "", "refused", m);
    sw_msg_destroy(m);
    SW_AUTO(sw_text) char *id = only_letter();
    struct shown shown = DEAD("show", id);
    assert_int_equal(shown.status, 0);
    static const char *const says[] = {
        "died at       2025-11-24T18:33:12Z\n",
        "box           token, for executor (key 2233ccdd) from auth (key 0011aabb)\n",
        "typed at      2025-11-24T18:33:11Z\n",
        "ps \\u001B[2J",
        "What it means: the actor's handler refused it",
        "slipway dead retry ",
        "slipway trace c7\n",
    };
    for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++)
        if (!strstr(shown.out, says[i])) fail_msg("no %s in %s", says[i], shown.out);
    assert_null(strstr(shown.out, "SEALED"));
    shown = DEAD("list", "--json");
    assert_null(strstr(shown.out, "SEALED"));
}

static void filters_choose_and_what_is_dropped_is_gone_and_audited(void **state) {
    struct world *w = *state;
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    write_letter(w, "1000-0", "executor", "", "refused", m);
    write_letter(w, "2000-0", "auth", "", "poison", m);
    write_letter(w, "9000000000000-0", "auth", "", "refused", m);
    freeReplyObject(
        ask(&w->redis, "XADD sw:{00}:dead 1500-0 actor parser reason malformed m %s", ""));
    sw_msg_destroy(m);
    static const struct {
        const char *words[3];
        const char *ids; /* in the order shown */
    } rows[] = {
        {{"list"}, "1000-0 1500-0 2000-0 9000000000000-0 "},
        {{"list", "--actor", "auth"}, "2000-0 9000000000000-0 "},
        {{"list", "--reason=refused"}, "1000-0 9000000000000-0 "},
        {{"list", "--installation", INST}, "1000-0 2000-0 9000000000000-0 "},
        {{"list", "--since=1h"}, "9000000000000-0 "},
        {{"list", "--since", "1970-01-01T00:00:02Z"}, "2000-0 9000000000000-0 "},
        {{"list", "--actor", "nobody"}, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char ids[256] = "";
        char *argv[] = {"dead", (char *)rows[i].words[0], (char *)rows[i].words[1],
                        (char *)rows[i].words[2], NULL};
        struct shown shown = run_cli(sw_cli_dead, argv);
        for (char *line = strtok(shown.out, "\n"); line; line = strtok(NULL, "\n")) {
            char *slash = strchr(line, '/');
            if (slash) strncat(ids, slash + 1, strcspn(slash + 1, " ") + 1);
        }
        assert_int_equal(shown.status, 0);
        assert_string_equal(ids, rows[i].ids);
    }
    assert_int_equal(DEAD("drop", "--all").status, 1);
    assert_int_equal(length(w, "dead"), 3);
    struct shown shown = DEAD("drop", "0/1500-0", "--json");
    assert_string_equal(shown.out, "{\"letter\":\"0/1500-0\",\"done\":true}\n");
    shown = DEAD("drop", "--all", "--actor=auth", "--yes");
    assert_int_equal(shown.status, 0);
    assert_int_equal(length(w, "dead"), 1);
    shown = run_cli(sw_cli_audit, (char *[]){"audit", NULL});
    assert_non_null(strstr(shown.out, "  slipway dead drop 0/1500-0  "));
    shown = run_cli(sw_cli_audit, (char *[]){"audit", INST, "--json", NULL});
    assert_non_null(strstr(shown.out, "\"actor\":\"operator\""));
    shown = DEAD("drop", "--all", "--actor=auth", "--yes");
    assert_int_equal(shown.status, 0);
    assert_string_equal(shown.err, "no dead letters\n");
}

static void a_mistake_is_named_with_the_usage(void **state) {
    static const struct {
        const char *words[4];
        int status;
        const char *says;
    } rows[] = {
        {{NULL}, 64, "a word is missing\nusage: slipway dead list|show|retry|drop"},
        {{"burn"}, 64, "not understood here: burn\n"},
        {{"list", "--all"}, 64, "not understood here: --all\nusage: slipway dead list"},
        {{"list", "1/1-1"}, 64, "too many words: 1/1-1\n"},
        {{"list", "--since", "soon"}, 64, "--since wants a time such as 2h, not soon\n"},
        {{"list", "--since", "-5h"}, 64, "--since wants a time such as 2h, not -5h\n"},
        {{"list", "--actor"}, 64, "there is no value behind --actor\n"},
        {{"show"}, 64, "which letter?\n"},
        {{"show", "1/1-1", "1/1-2"}, 64, "too many words: 1/1-2\n"},
        {{"retry"}, 64, "either ids or --all\n"},
        {{"retry", "--all", "1/1-1"}, 64, "either ids or --all\n"},
        {{"retry", "1/1-1", "--actor=auth"}, 64, "filters go with --all, not with ids\n"},
        {{"drop", "17"}, 64, "slipway dead: 17: it is no id of a letter"},
        {{"drop", "64/1-1"}, 64, "it is no id of a letter"},
        {{"drop", "017/1-1"}, 64, "it is no id of a letter"},
        {{"drop", "1/1"}, 64, "it is no id of a letter"},
        {{"drop", "1/+"}, 64, "it is no id of a letter"},
        {{"drop", "1/1-1 "}, 64, "it is no id of a letter"},
        {{"show", "x/1-1"}, 64, "it is no id of a letter"},
        {{"drop", "1/1-1"}, 1, "slipway dead: 1/1-1: there is no such letter\n"},
        {{"show", "1/1-1"}, 1, "slipway dead: 1/1-1: there is no such letter\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[6] = {"dead"};
        for (size_t j = 0; j < 4 && rows[i].words[j]; j++)
            argv[j + 1] = (char *)rows[i].words[j];
        struct shown shown = run_cli(sw_cli_dead, argv);
        if (shown.status != rows[i].status || !strstr(shown.err, rows[i].says))
            fail_msg("row %zu: %d, %s", i, shown.status, shown.err);
        assert_string_equal(shown.out, "");
    }
    static char *const helped[] = {"list", "show", "retry", "drop"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(DEAD(helped[i], "--help").status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_sweeping, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(of_two_who_retry_a_letter_one_does_and_it_is_handled_once),
        TEST(what_dies_again_is_a_new_letter_and_nobody_is_told_twice),
        TEST(a_letter_goes_back_into_its_lane_and_is_counted_as_the_door_did),
        TEST(a_letter_stays_where_redis_refuses_its_mailbox),
        TEST(what_cannot_be_handled_is_not_retried_and_says_why),
        TEST(a_letter_is_shown_without_what_is_in_its_boxes),
        TEST(filters_choose_and_what_is_dropped_is_gone_and_audited),
        TEST(a_mistake_is_named_with_the_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
