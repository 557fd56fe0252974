/* test_executor_hold.c -- locks of people, and what is asked of another command's plan. */
#include "executor_world.h"

#define HELD "held/T0SIM1"
#define OTHER "0ther"
#define LOCK(stage, more)                                                                          \
    "{\"task\":\"lock\",\"handler\":\"lock\",\"pipeline\":\"storefront\"" stage more "}"
#define UNLOCK(stage, more)                                                                        \
    "{\"task\":\"unlock\",\"handler\":\"unlock\",\"pipeline\":\"storefront\"" stage more "}"
#define PRODUCTION ",\"environment\":\"production\""

static void run(struct world *w, const char *command) {
    world_granted(w, command, false);
    world_run(w);
    assert_int_equal(json_object_size(w->timers), 0);
}

/* Bob's, on this stage ("*": on all of the pipeline). */
static void bob_holds(struct world *w, const char *stage) {
    SW_AUTO(sw_text) char *name = sw_printf("%s/%s", "p-storefront", stage);
    json_t *lock = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:I}", "pipeline", "storefront",
                             "user", "U0BOB", "who", "team", "T0SIM1", "user", "U0BOB", "channel",
                             "C0OPS", "reason", "a move", "since_ms", (json_int_t)START_MS - 60000);
    if (strcmp(stage, "*") != 0) json_object_set_new(lock, "stage", json_string(stage));
    json_object_set_new(w->facts, HELD, json_pack("{s:o}", name, lock));
}

static void a_lock_of_all_does_not_claim_what_another_has_locked(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        bob_holds(&w, "production");
        run(&w, i ? LOCK("", "") : LOCK(",\"environment\":\"staging\"", ""));
        assert_int_equal(json_is_true(json_object_get(world_data(&w, "lock.done"), "others")), i);
        world_finish(&w);
    }
}

static const json_t *last_audit(const struct world *w) {
    return json_array_get(w->audit, json_array_size(w->audit) - 1);
}

static void a_lock_is_kept_and_said_in_the_channel(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    run(&w, LOCK(PRODUCTION, ",\"reason\":\"a sale\""));
    const json_t *lock = json_object_get(json_object_get(w.facts, HELD), "p-storefront/production");
    assert_string_equal(sw_str(lock, "user"), "U0ADA");
    assert_string_equal(sw_str(lock, "reason"), "a sale");
    assert_string_equal(sw_str(world_reply(&w, "lock.done"), "to"), "say");
    assert_string_equal(sw_str(last_audit(&w), "outcome"), "done");
    assert_string_equal(sw_str(last_audit(&w), "task"), "lock");
    run(&w, LOCK(PRODUCTION, ",\"reason\":\"a longer sale\""));
    lock = json_object_get(json_object_get(w.facts, HELD), "p-storefront/production");
    assert_string_equal(sw_str(lock, "reason"), "a longer sale");
    assert_true(sw_int(lock, "since_ms") < START_MS + 1000); /* since the first time */
    run(&w, UNLOCK(PRODUCTION, ""));
    assert_null(json_object_get(w.facts, HELD));
    assert_non_null(world_reply(&w, "unlock.done"));
    assert_null(world_reply(&w, "lock.taken"));
    world_finish(&w);
}

static void what_another_has_locked_stays_locked(void **state) {
    static const struct {
        const char *held, *command, *template;
    } rows[] = {
        {"production", LOCK(PRODUCTION, ""), "error.held"},
        {"*", LOCK(PRODUCTION, ""), "error.held"},
        {"production", UNLOCK(PRODUCTION, ""), "error.held"},
        {"production", PROMOTE, "error.held"},
        {"*", PROMOTE, "error.held"},
        {"staging", PROMOTE, NULL},
        {"production", UNLOCK("", ""), "lock.none"},
        {"production", UNLOCK(",\"environment\":\"nowhere\"", ""), "error.unknown_stage"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        bob_holds(&w, rows[i].held);
        run(&w, rows[i].command);
        if (rows[i].template && !world_reply(&w, rows[i].template))
            fail_msg("row %zu: no %s", i, rows[i].template);
        assert_int_equal(w.posts, rows[i].template ? 0 : 1);
        assert_non_null(json_object_get(w.facts, HELD));
        if (rows[i].template) assert_string_equal(sw_str(last_audit(&w), "outcome"), "failed");
        world_finish(&w);
    }
}

static void a_lock_is_taken_away_openly(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    bob_holds(&w, "production");
    run(&w, UNLOCK(PRODUCTION, ",\"forced\":true,\"reason\":\"bob is ill\""));
    assert_null(json_object_get(w.facts, HELD));
    const json_t *said = world_data(&w, "unlock.done"), *told = world_reply(&w, "lock.taken");
    assert_string_equal(sw_str(said, "owner"), "U0BOB");
    assert_string_equal(sw_str(told, "to"), "direct");
    assert_string_equal(sw_str(json_object_get(told, "who"), "user"), "U0BOB");
    assert_string_equal(sw_str(json_object_get(told, "data"), "by"), "U0ADA");
    assert_string_equal(sw_str(json_object_get(told, "data"), "was"), "a move");
    assert_true(json_is_true(json_object_get(last_audit(&w), "forced")));
    world_finish(&w);
}

/* What another command's message makes the executor say or send, nothing of it applied. */
static json_t *ask(struct world *w, const char *handler, const char *id, const char *user) {
    json_t *body =
        json_pack("{s:{s:s, s:s, s:s}, s:s, s:{s:s, s:s, s:s, s:b}, s:{s:i, s:I}}", "who", "team",
                  "T0SIM1", "user", user, "channel", "C0DEPLOY", "line", "typed", "command", "task",
                  handler, "handler", handler, "id", id, "valid", 1, "grant", "version", w->version,
                  "expires_ms", (json_int_t)(w->now_ms + w->grant_ms));
    SW_AUTO(sw_json)
    json_t *m = world_msg(SW_KIND_GRANTED, body, json_pack("{s:s}", "token", "token-box-1"));
    json_object_set_new(m, "cmd", json_string(OTHER));
    return world_step(w, m);
}

static const json_t *sent(const json_t *outputs, const char *kind) {
    size_t i;
    json_t *op;
    json_array_foreach((json_t *)outputs, i, op) {
        if (!strcmp(sw_str(op, "kind"), kind)) return op;
    }
    return NULL;
}

static const char *said(const json_t *outputs) {
    return sw_str(json_object_get(sent(outputs, SW_KIND_REPLY), "body"), "template");
}

static void deliver_cancel(struct world *w) {
    SW_AUTO(sw_json)
    json_t *m =
        world_msg(SW_KIND_CANCEL, json_pack("{s:{s:s}}", "by", "user", "U0ADA"), json_object());
    world_deliver(w, m);
}

static void a_promotion_is_cancelled_before_its_post_and_not_after(void **state) {
    static const struct {
        const char *step;
        bool cancelled;
    } rows[] = {
        {"pipelines", true}, {"apps", true}, {"before", true}, {"post", false}, {"pause", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        world_granted(&w, PROMOTE, false);
        SW_AUTO(sw_json) json_t *late = world_until(&w, rows[i].step);
        SW_AUTO(sw_json) json_t *outputs = ask(&w, "cancel", CMD, "U0ADA");
        const json_t *cancel = sent(outputs, SW_KIND_CANCEL);
        assert_non_null(cancel);
        assert_string_equal(sw_str(cancel, "cmd"), CMD);
        assert_string_equal(said(outputs), "cancel.asked");
        deliver_cancel(&w);
        world_deliver(&w, late);
        world_run(&w);
        assert_int_equal(w.posts, rows[i].cancelled ? 0 : 1);
        assert_string_equal(sw_str(last_audit(&w), "outcome"),
                            rows[i].cancelled ? "cancelled" : "done");
        if (world_reply(&w, "promote"))
            assert_string_equal(sw_str(world_data(&w, "promote"), "state"),
                                rows[i].cancelled ? "cancelled" : "success");
        assert_int_equal(world_count(&w, "op.too_late"), rows[i].cancelled ? 0 : 1);
        assert_null(json_object_get(w.facts, "lock/T0SIM1/app-storefront-production"));
        world_finish(&w);
    }
}

static void only_what_runs_and_is_ones_own_is_cancelled(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    SW_AUTO(sw_json) json_t *none = ask(&w, "cancel", "n0thing", "U0ADA");
    assert_string_equal(said(none), "error.no_operation");
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "before");
    SW_AUTO(sw_json) json_t *hers = ask(&w, "cancel", CMD, "U0BOB");
    assert_string_equal(said(hers), "error.not_yours");
    assert_null(sent(hers, SW_KIND_CANCEL));
    SW_AUTO(sw_json) json_t *nothing = ask(&w, "wait", CMD, "U0ADA");
    assert_string_equal(said(nothing), "wait.nothing");
    assert_null(sent(nothing, SW_KIND_GO));
    json_t *plan = json_object_get(w.facts, PLAN);
    json_object_set_new(plan, "green_until_ms", json_integer(w.now_ms + 60000));
    SW_AUTO(sw_json) json_t *again = ask(&w, "wait", CMD, "U0ADA");
    assert_string_equal(said(again), "wait.asked");
    assert_null(sent(again, SW_KIND_GO));
    json_object_del(plan, "green_until_ms");
    world_deliver(&w, m);
    world_run(&w);
    SW_AUTO(sw_json) json_t *over = ask(&w, "cancel", CMD, "U0ADA");
    assert_string_equal(said(over), "error.op_ended");
    world_finish(&w);
}

static void status_tells_what_runs_and_what_ended(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "pause");
    SW_AUTO(sw_json) json_t *now = ask(&w, "status", "", "U0BOB");
    const json_t *data = json_object_get(json_object_get(sent(now, SW_KIND_REPLY), "body"), "data");
    const json_t *op = json_array_get(json_object_get(data, "running"), 0);
    assert_string_equal(sw_str(op, "id"), CMD);
    assert_string_equal(sw_str(op, "user"), "U0ADA");
    SW_AUTO(sw_json) json_t *one = ask(&w, "status", CMD, "U0BOB");
    assert_string_equal(said(one), "status.one");
    world_deliver(&w, m);
    world_run(&w);
    SW_AUTO(sw_json) json_t *later = ask(&w, "status", "", "U0BOB");
    data = json_object_get(json_object_get(sent(later, SW_KIND_REPLY), "body"), "data");
    assert_int_equal(json_array_size(json_object_get(data, "running")), 0);
    op = json_array_get(json_object_get(data, "ended"), 0);
    assert_string_equal(sw_str(op, "state"), "success");
    world_finish(&w);
}

static void what_runs_in_another_channel_is_only_counted(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    json_object_set_new(w.facts, "ops/T0SIM1",
                        json_pack("[{s:s, s:s, s:s, s:s, s:I}, {s:s, s:s, s:s, s:s, s:I}]", "id",
                                  "s3cret", "user", "U0CYD", "channel", "C0PRIVATE", "line",
                                  "deploy hidden", "since_ms", (json_int_t)START_MS, "id", "m1ne",
                                  "user", "U0BOB", "channel", "C0PRIVATE", "line", "deploy mine",
                                  "since_ms", (json_int_t)START_MS));
    SW_AUTO(sw_json) json_t *list = ask(&w, "status", "", "U0BOB");
    const json_t *data =
        json_object_get(json_object_get(sent(list, SW_KIND_REPLY), "body"), "data");
    assert_int_equal(json_array_size(json_object_get(data, "running")), 1);
    assert_int_equal(sw_int(data, "more"), 1);
    SW_AUTO(sw_json) json_t *one = ask(&w, "status", "s3cret", "U0BOB");
    assert_string_equal(said(one), "error.no_operation");
    SW_AUTO(sw_json) json_t *stop = ask(&w, "cancel", "s3cret", "U0BOB");
    assert_string_equal(said(stop), "error.no_operation");
    world_finish(&w);
}

static void a_call_that_takes_long_is_told_once(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "before");
    for (int i = 0; i < 2; i++) { /* the answer does not come */
        w.now_ms += w.conf.slow_ms;
        json_t *slow = json_object_get(w.timers, "slow/" CMD);
        if (!slow) continue;
        SW_AUTO(sw_json) json_t *due = json_incref(json_object_get(slow, "m"));
        json_object_del(w.timers, "slow/" CMD);
        world_deliver(&w, due);
    }
    assert_int_equal(world_count(&w, "thread.slow"), 1);
    world_deliver(&w, m);
    world_run(&w);
    assert_int_equal(world_count(&w, "thread.slow"), 1);
    assert_string_equal(sw_str(world_data(&w, "promote"), "state"), "success");
    world_finish(&w);
}

/* What is stored and what is sent is 64 KiB at most, else all that follows goes dead. */
static void locks_are_refused_before_they_are_too_much_to_be_kept(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    char reason[801];
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    json_t *held = json_object();
    size_t count = 0;
    for (; json_dumpb(held, NULL, 0, JSON_COMPACT) < 40 * 1024 - 1100; count++) {
        SW_AUTO(sw_text) char *name = sw_printf("p-%zu/*", count);
        json_object_set_new(held, name,
                            json_pack("{s:s, s:s, s:{s:s}, s:s, s:I}", "pipeline", "service",
                                      "user", "U0BOB", "who", "user", "U0BOB", "reason", reason,
                                      "since_ms", (json_int_t)START_MS));
    }
    json_object_set_new(w.facts, HELD, held);
    SW_AUTO(sw_text) char *lock = sw_printf(LOCK("", ",\"reason\":\"%s\""), reason);
    SW_AUTO(sw_text) char *stage = sw_printf(LOCK(PRODUCTION, ",\"reason\":\"%s\""), reason);
    run(&w, lock);
    assert_non_null(world_reply(&w, "lock.done"));
    run(&w, stage);
    assert_int_equal(sw_int(world_data(&w, "lock.too_many"), "max"), count + 1);
    assert_int_equal(json_object_size(json_object_get(w.facts, HELD)), count + 1);
    assert_string_equal(sw_str(last_audit(&w), "outcome"), "failed");
    run(&w, UNLOCK("", "")); /* there is room again */
    run(&w, LOCK(PRODUCTION, ""));
    assert_int_equal(world_count(&w, "lock.done"), 2);
    world_finish(&w);
}

static void what_runs_is_never_too_much_to_be_kept_or_told(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    char line[201];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    json_t *ops = json_array();
    for (int i = 0; i < 99; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("0p-%02d", i);
        json_array_append_new(ops, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[s,s], s:I}", "id",
                                             id, "kind", "promote", "user", "U0BOB", "channel",
                                             "C0DEPLOY", "line", line, "pipeline", line, "apps",
                                             line, line, "since_ms", (json_int_t)START_MS));
    }
    json_object_set_new(json_array_get(ops, 3), "end_ms", json_integer(START_MS));
    json_object_set_new(w.facts, "ops/T0SIM1", ops);
    run(&w, PROMOTE);
    ops = json_object_get(w.facts, "ops/T0SIM1");
    assert_true(json_dumpb(ops, NULL, 0, JSON_COMPACT) <= 48 * 1024);
    assert_string_equal(sw_str(json_array_get(ops, 0), "id"), CMD);
    size_t i;
    json_t *op;
    json_array_foreach(ops, i, op) { /* it made room first */
        assert_string_not_equal(sw_str(op, "id"), "0p-03");
    }
    json_object_del(w.facts, PLAN); /* another command has another id */
    run(&w, "{\"task\":\"locks\",\"handler\":\"locks\"}");
    const json_t *data = world_data(&w, "locks.list");
    size_t told = json_array_size(json_object_get(data, "running"));
    assert_int_equal(told, 20);
    assert_int_equal(sw_int(data, "more"), json_array_size(ops) - 1 - told);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_is_kept_and_said_in_the_channel),
        cmocka_unit_test(what_another_has_locked_stays_locked),
        cmocka_unit_test(a_lock_of_all_does_not_claim_what_another_has_locked),
        cmocka_unit_test(a_lock_is_taken_away_openly),
        cmocka_unit_test(a_promotion_is_cancelled_before_its_post_and_not_after),
        cmocka_unit_test(only_what_runs_and_is_ones_own_is_cancelled),
        cmocka_unit_test(status_tells_what_runs_and_what_ended),
        cmocka_unit_test(what_runs_in_another_channel_is_only_counted),
        cmocka_unit_test(a_call_that_takes_long_is_told_once),
        cmocka_unit_test(locks_are_refused_before_they_are_too_much_to_be_kept),
        cmocka_unit_test(what_runs_is_never_too_much_to_be_kept_or_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
