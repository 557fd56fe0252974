/* test_executor_deploy_end.c -- what a deploy tells GitHub, how it is cancelled, and whatever fails. */
#include "executor_deploy.h"

static size_t buttons(const json_t *reply) {
    return json_array_size(json_object_get(json_object_get(reply, "data"), "buttons"));
}

/* ---- what GitHub is told ---- */

static void expect_statuses(const struct deploy_fake *f, const char *expected) {
    char told[400] = "";
    size_t i;
    json_t *status;
    json_array_foreach(f->statuses, i, status) {
        size_t size = strlen(told);
        snprintf(told + size, sizeof told - size, "%s%s", size ? " " : "", sw_str(status, "state"));
    }
    assert_string_equal(told, expected);
}

static void github_learns_of_each_phase_in_order(void **state) {
    static const char *const words[] = {"build running", "release phase running",
                                        "release phase completed", "v43"};
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    run(&w);
    assert_int_equal(f.deployments, 1);
    expect_statuses(&f, "pending pending pending success");
    for (size_t i = 0; i < 4; i++) {
        const json_t *status = json_array_get(f.statuses, i);
        assert_non_null(strstr(sw_str(status, "description"), words[i]));
        assert_non_null(strstr(sw_str(status, "log_url"), "/apps/storefront-staging/activity/"));
    }
    finish(&w, &f);
}

static void github_learns_how_it_ended(void **state) {
    static const struct {
        const char *match, *http, *statuses;
        bool build_fails, crashes;
    } rows[] = {
        {"POST " ON "/builds", NO, "error", false, false},
        {"GET " ON "/builds/", NO, "pending error", false, false},
        {NULL, NULL, "pending failure", true, false},
        {NULL, NULL, "pending pending pending failure", false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        w.faults[0] = (struct fault){rows[i].match, 0, 1, rows[i].http, false};
        f.build_fails = rows[i].build_fails;
        f.crashes = rows[i].crashes;
        run(&w);
        expect_statuses(&f, rows[i].statuses);
        finish(&w, &f);
    }
}

static void what_github_does_not_take_stops_nothing(void **state) {
    static const struct {
        const char *http;
        bool effect;
        int untold;
        const char *statuses;
    } rows[] = {
        {NO, false, 1, "pending pending success"},
        {SICK, false, 0, "pending pending pending success"},
        {SICK, true, 0, "pending pending pending success"},
        {LOST, false, 0, "pending pending pending success"},
        {LOST, true, 0, "pending pending pending success"},
        {"{\"error\":\"connect\"}", false, 1, "pending pending success"},
        {AUTH, false, 0, "pending pending pending success"},
    };
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct world w;
            struct deploy_fake f;
            begin(&w, &f);
            w.faults[0] = (struct fault){"POST /repos/acme/storefront/deployments/77/statuses",
                                         (int)at, 1, rows[i].http, rows[i].effect};
            run(&w);
            assert_string_equal(outcome(&w), "success");
            assert_int_equal(f.made, 1);
            assert_int_equal(world_count(&w, "github.untold"), rows[i].untold);
            assert_int_equal(world_count(&w, "github.unclosed"), 0);
            expect_statuses(&f, rows[i].statuses);
            finish(&w, &f);
        }
    }
}

static void a_last_state_that_github_refuses_is_told_in_the_thread(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    w.faults[0] = (struct fault){"POST /repos/acme/storefront/deployments/77/statuses", 3, 1,
                                 "{\"status\":403,\"json\":{\"message\":\"no\"}}", false};
    run(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(world_count(&w, "github.untold"), 0);
    assert_int_equal(world_count(&w, "github.unclosed"), 1);
    expect_statuses(&f, "pending pending pending");
    finish(&w, &f);
}

static void a_deploy_goes_on_when_nobody_renews_the_access_to_github(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    w.mute = true;
    w.faults[0] =
        (struct fault){"POST /repos/acme/storefront/deployments/77/statuses", 1, 9, AUTH, false};
    run(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(f.made, 1);
    assert_int_equal(world_count(&w, "github.untold"), 1);
    assert_int_equal(world_count(&w, "github.unclosed"), 1); /* it goes on showing it as pending */
    expect_statuses(&f, "pending");
    finish(&w, &f);
}

static void an_end_is_told_once_though_the_account_is_another_by_then(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    w.other = "u-eve";
    w.faults[0] = (struct fault){"POST " ON "/builds", 0, 1, NO, false};
    w.faults[1] =
        (struct fault){"POST /repos/acme/storefront/deployments/77/statuses", 0, 1, AUTH, false};
    run(&w);
    assert_string_equal(outcome(&w), "failure");
    assert_null(world_reply(&w, "error.other_account"));
    finish(&w, &f);
}

/* ---- cancelling ---- */

static void ask_to_cancel(struct world *w) {
    SW_AUTO(sw_json)
    json_t *m =
        world_msg(SW_KIND_CANCEL, json_pack("{s:{s:s}}", "by", "user", "U0BOB"), json_object());
    bool twice = w->twice;
    w->twice = false; /* who asks twice is told twice */
    world_deliver(w, m);
    w->twice = twice;
}

static void it_is_cancelled_as_long_as_nothing_is_released(void **state) {
    static const struct {
        const char *step, *outcome;
        int made, deletes;
    } rows[] = {
        {"before", "cancelled", 0, 0},       {"archive", "cancelled", 0, 0},
        {"build", "cancelled", 1, 1},        {"build_status", "cancelled", 1, 1},
        {"deploy_pause", "cancelled", 1, 1}, {"build_release", "success", 1, 0},
        {"dynos", "success", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        typed(&w, DEPLOY);
        SW_AUTO(sw_json) json_t *m = world_until(&w, rows[i].step);
        ask_to_cancel(&w);
        world_deliver(&w, m);
        world_run(&w);
        world_is_over(&w);
        assert_string_equal(outcome(&w), rows[i].outcome);
        assert_int_equal(f.made, rows[i].made);
        assert_int_equal(f.deletes, rows[i].deletes);
        bool stopped = !strcmp(rows[i].outcome, "cancelled");
        assert_int_equal(world_count(&w, "op.too_late"), !stopped);
        assert_string_equal(sw_str(world_data(&w, "deploy"), "by"), stopped ? "U0BOB" : "");
        finish(&w, &f);
    }
}

static void a_build_that_ended_meanwhile_is_not_stopped(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    f.build_ms = 0;
    typed(&w, DEPLOY);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "build_status");
    ask_to_cancel(&w);
    assert_int_equal(world_count(&w, "op.cancelling"), 1);
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(world_count(&w, "op.too_late"), 1);
    assert_int_equal(f.deletes, 0);
    finish(&w, &f);
}

static void stopping_the_build_may_fail_in_each_way(void **state) {
    static const struct {
        const char *http;
        bool effect;
        const char *outcome;
        int deletes; /* that did something, or could have */
    } rows[] = {
        {LOST, true, "cancelled", 1},
        {LOST, false, "success", 1},
        {SICK, true, "cancelled", 1},
        {AUTH, false, "cancelled", 1},
        {NO, false, "success", 0},
        {GONE, false, "success", 0},
        {"{\"status\":204}", true, "cancelled", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        w.faults[0] = (struct fault){"DELETE " ON "/builds/", 0, 1, rows[i].http, rows[i].effect};
        typed(&w, DEPLOY);
        SW_AUTO(sw_json) json_t *m = world_until(&w, "build_status");
        ask_to_cancel(&w);
        world_deliver(&w, m);
        world_run(&w);
        world_is_over(&w);
        if (strcmp(outcome(&w), rows[i].outcome) != 0)
            fail_msg("%s, effect %d: %s", rows[i].http, rows[i].effect, outcome(&w));
        assert_int_equal(f.made, 1);
        assert_in_range(f.deletes, 0, rows[i].deletes);
        finish(&w, &f);
    }
}

static void the_button_is_there_as_long_as_it_does_something(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    size_t i, with = 0;
    json_t *reply;
    bool gone = false;
    begin(&w, &f);
    run(&w);
    json_array_foreach(w.replies, i, reply) {
        const json_t *data = json_object_get(reply, "data");
        const char *phase = sw_str(data, "phase");
        if (strcmp(sw_str(reply, "to"), "parent") != 0) continue;
        if (buttons(reply) == 0) gone = true;
        assert_int_equal(buttons(reply) == 1, !phase[0] || !strcmp(phase, "building"));
        assert_false(gone && buttons(reply) > 0);
        with += buttons(reply);
    }
    assert_true(gone && with >= 2);
    const json_t *first = json_array_get(w.replies, 0);
    const json_t *button =
        json_array_get(json_object_get(json_object_get(first, "data"), "buttons"), 0);
    assert_string_equal(sw_str(button, "line"), "cancel " CMD);
    finish(&w, &f);
}

/* ---- whatever fails ---- */

static uint32_t draw(struct world *w, uint32_t below) {
    w->random = w->random * 1664525 + 1013904223;
    return (w->random >> 8) % below;
}

static bool chance(struct world *w, const char *call, struct fault *ret) {
    static const char *const https[] = {LOST, SICK, AUTH, NO, "{\"error\":\"connect\"}"};
    bool write = strncmp(call, "GET ", 4) != 0 && strncmp(call, "POST /filters", 13) != 0;
    if (draw(w, 100) >= (write ? 50 : 8)) return false;
    size_t which = draw(w, 5);
    *ret = (struct fault){call, 0, 1, https[which], which < 2 && draw(w, 2)};
    if (!write && which == 0) ret->http = LATE;
    return true;
}

static void whatever_fails_nothing_is_built_twice(void **state) {
    const char *given = getenv("SW_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : 20261124;
    int ends[5] = {0};
    static const char *const names[] = {"success", "failure", "unknown", "cancelled", "two_factor"};
    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t i = 0; i < 400; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        w.random = seed + i * 7919;
        w.chance = chance;
        f.build_fails = draw(&w, 8) == 0;
        f.release_fails = draw(&w, 8) == 0;
        f.crashes = draw(&w, 8) == 0;
        typed(&w, DEPLOY);
        uint32_t when = draw(&w, 40);
        for (uint32_t n = 0;; n++) {
            SW_AUTO(sw_json) json_t *m = world_next(&w);
            if (!m) break;
            if (n == when && json_object_get(w.facts, PLAN)) ask_to_cancel(&w);
            world_deliver(&w, m);
        }
        if (f.made > 1) fail_msg("seed %u: built %d times", seed + i * 7919, f.made);
        const json_t *parent = world_reply(&w, "deploy");
        if (world_finals(&w) != 1) {
            SW_AUTO(sw_text) char *calls = json_dumps(w.calls, 0);
            SW_AUTO(sw_text) char *facts = json_dumps(w.facts, 0);
            fail_msg("seed %u: %d ends after %s, %s", w.random, world_finals(&w), calls, facts);
        }
        for (size_t k = 0; parent && k < 5; k++)
            ends[k] += !strcmp(sw_str(json_object_get(parent, "data"), "state"), names[k]);
        world_is_over(&w);
        finish(&w, &f);
    }
    assert_true(ends[0] > 0 && ends[1] > 0 && ends[2] > 0 && ends[3] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(github_learns_of_each_phase_in_order),
        cmocka_unit_test(github_learns_how_it_ended),
        cmocka_unit_test(what_github_does_not_take_stops_nothing),
        cmocka_unit_test(a_last_state_that_github_refuses_is_told_in_the_thread),
        cmocka_unit_test(a_deploy_goes_on_when_nobody_renews_the_access_to_github),
        cmocka_unit_test(an_end_is_told_once_though_the_account_is_another_by_then),
        cmocka_unit_test(it_is_cancelled_as_long_as_nothing_is_released),
        cmocka_unit_test(a_build_that_ended_meanwhile_is_not_stopped),
        cmocka_unit_test(stopping_the_build_may_fail_in_each_way),
        cmocka_unit_test(the_button_is_there_as_long_as_it_does_something),
        cmocka_unit_test(whatever_fails_nothing_is_built_twice),
    };
    return cmocka_run_group_tests_name("executor_deploy_end", tests, NULL, NULL);
}
