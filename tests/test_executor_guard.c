/* test_executor_guard.c -- what guards a promotion: one-time codes, locks, grants. */
#include "executor_world.h"

#include "common/out.h"

#include <errno.h>

#define LOCK_EU "lock/T0SIM1/app-billing-eu"
#define LOCK_US "lock/T0SIM1/app-billing-us"

static void without_a_code_it_asks_and_frees_the_lock(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.needs_code = true;
    world_do(&w, PROMOTE);
    const json_t *data = world_data(&w, "promote.two_factor");
    assert_false(json_is_true(json_object_get(data, "wrong")));
    assert_string_equal(sw_str(data, "line"), "a typed line");
    assert_int_equal(json_array_size(json_object_get(data, "apps")), 2);
    assert_string_equal(world_state(&w, "promote"), "two_factor");
    assert_int_equal(world_kept(&w), 0); /* nothing was written: it may be typed again */
    world_finish(&w);
}

static void a_code_goes_to_heroku_once_and_is_erased(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.needs_code = true;
    w.code = "right-code-box";
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "pause");
    assert_null(json_object_get(json_object_get(w.facts, PLAN), "code"));
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(world_state(&w, "promote"), "success");
    world_finish(&w);

    world_init(&w);
    w.heroku.needs_code = true;
    w.code = "wrong-code-box";
    world_do(&w, PROMOTE);
    assert_true(json_is_true(json_object_get(world_data(&w, "promote.two_factor"), "wrong")));
    world_finish(&w);
}

static void an_app_that_is_not_read_without_a_code_is_read_with_it(void **state) {
    static const struct {
        const char *code, *template;
        int calls; /* of the source's releases */
    } rows[] = {{NULL, "promote.two_factor", 1},
                {"wrong-code-box", "promote.two_factor", 2},
                {"right-code-box", "promote", 2}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        size_t k;
        json_t *call;
        int calls = 0;
        world_init(&w);
        w.twice = true;
        w.heroku.needs_code = true;
        w.code = rows[i].code;
        world_breaks(&w, "app-storefront-staging", "locked");
        world_do(&w, PROMOTE);
        const json_t *data = world_data(&w, rows[i].template);
        assert_int_equal(json_is_true(json_object_get(data, "wrong")), i == 1);
        assert_string_equal(sw_str(data, "state"), i == 2 ? "success" : "");
        json_array_foreach(w.calls, k, call) {
            calls += !strcmp(json_string_value(call), "GET /apps/app-storefront-staging/releases");
        }
        assert_int_equal(calls, rows[i].calls);
        world_finish(&w);
    }
}

static void a_release_that_may_not_be_read_ends_as_the_promotion_says(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.code = "right-code-box";
        world_breaks(&w, "app-billing-eu", "locked");
        if (i == 1) world_breaks(&w, "app-billing-us", "fails");
        world_do(&w, PROMOTE_ALL);
        assert_string_equal(world_state(&w, "promote"), i == 1 ? "partial" : "success");
        assert_true(w.now_ms > START_MS + w.heroku.end_ms);
        world_finish(&w);
    }
}

static void lock_of(struct world *w, const char *key, const char *op, int64_t until_ms) {
    json_object_set_new(w->facts, key,
                        json_pack("{s:s, s:s, s:I, s:I}", "op", op, "user", "U0BOB", "since_ms",
                                  (json_int_t)START_MS - 60000, "until_ms", (json_int_t)until_ms));
}

static void a_lock_of_another_refuses_and_stays(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    lock_of(&w, LOCK_US, "other", START_MS + 1000000);
    world_granted(&w, PROMOTE_ALL, false);
    world_run(&w);
    const json_t *data = world_data(&w, "error.locked");
    assert_string_equal(sw_str(data, "app"), "billing-us");
    assert_string_equal(sw_str(data, "by"), "U0BOB");
    assert_int_equal(sw_int(data, "since_ms"), START_MS - 60000);
    assert_null(world_reply(&w, "promote"));
    assert_int_equal(world_kept(&w), 1); /* the other's */
    assert_int_equal(w.posts, 0);
    world_finish(&w);
}

static void a_lock_that_ran_out_is_taken(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    lock_of(&w, LOCK_EU, "other", START_MS - 1);
    world_do(&w, PROMOTE_ALL);
    assert_string_equal(world_state(&w, "promote"), "success");
    world_finish(&w);
}

static void a_lock_that_is_anothers_by_now_stays(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE_ALL, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "targets");
    assert_string_equal(sw_str(json_object_get(w.facts, LOCK_EU), "op"), CMD);
    lock_of(&w, LOCK_EU, "other", START_MS + 10000000);
    world_deliver(&w, m);
    world_run(&w);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_string_equal(sw_str(json_object_get(w.facts, LOCK_EU), "op"), "other");
    assert_null(json_object_get(w.facts, LOCK_US));
    world_finish(&w);
}

/* Locks are not loaded yet: each that is asked for is counted. */
struct slow_facts {
    json_t *facts;
    int asked;
};

static int slow_fact(void *arg, const char *key, const json_t **ret) {
    struct slow_facts *slow = arg;
    if (!strncmp(key, "lock/", 5)) {
        slow->asked++;
        return -EAGAIN;
    }
    *ret = json_object_get(slow->facts, key);
    return 0;
}

static void locks_that_are_not_loaded_are_asked_for_all_at_once(void **state) {
    static const char *const steps[] = {"source", "post"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct sw_out out;
        world_init(&w);
        world_granted(&w, PROMOTE_ALL, false);
        SW_AUTO(sw_json) json_t *kept = world_until(&w, steps[i]);
        struct sw_msg *m = sw_msg_from_json(kept);
        struct slow_facts slow = {.facts = w.facts};
        const struct sw_ctx ctx = {.now_ms = w.now_ms, .attempt = 1, .conf = &w.conf};
        sw_out_init(&out, m, slow_fact, &slow);
        assert_int_equal(sw_actor_executor.handle(&ctx, m, &out), -EAGAIN);
        assert_true(out.wanting);
        assert_int_equal(slow.asked, 2);
        sw_out_finish(&out);
        sw_msg_destroy(m);
        world_finish(&w);
    }
}

static void a_grant_that_runs_out_is_renewed_first(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    w.grant_ms = 30000;
    world_do(&w, PROMOTE);
    const json_t *first = json_array_get(w.sent, 0), *body = json_object_get(first, "body");
    assert_string_equal(sw_str(first, "kind"), SW_KIND_REGRANT);
    assert_false(json_is_true(json_object_get(body, "refused")));
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.version, 2); /* once: the new one is as short-lived */
    world_finish(&w);
}

static void revoked_before_the_post_ends_quietly(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.ungrant = true;
    w.faults[0] = (struct fault){"GET /pipelines", 0, 9, "{\"status\":401,\"json\":{}}", false};
    world_granted(&w, PROMOTE, false);
    world_run(&w);
    assert_int_equal(json_array_size(w.replies), 0); /* auth has shown its card */
    assert_int_equal(world_kept(&w), 0);
    assert_int_equal(json_object_size(w.timers), 0);
    world_finish(&w);
}

static void what_one_account_began_another_does_not_go_on_with(void **state) {
    static const struct {
        const char *match, *state;
        int posts;
    } rows[] = {{"GET /apps/", NULL, 0},
                {"POST /pipeline-promotions", "failure", 1},
                {"GET /pipeline-promotions", "unknown", 1}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_init(&w);
        w.other = "u-eve";
        w.faults[0] = (struct fault){rows[i].match, 0, 1, "{\"status\":401,\"json\":{}}", false};
        world_do(&w, PROMOTE);
        assert_int_equal(w.posts, rows[i].posts);
        if (rows[i].state) assert_string_equal(world_state(&w, "promote"), rows[i].state);
        if (i < 2) assert_non_null(world_reply(&w, "error.other_account"));
        if (i == 2)
            assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "why"), "signed_out");
        world_finish(&w);
    }
}

static void revoked_at_the_post_is_a_failure_after_it_unknown(void **state) {
    static const struct {
        const char *match, *state;
    } rows[] = {{"POST /pipeline-promotions", "failure"}, {"GET /pipeline-promotions", "unknown"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        w.ungrant = true;
        w.faults[0] = (struct fault){rows[i].match, 0, 9, "{\"status\":401,\"json\":{}}", false};
        world_do(&w, PROMOTE);
        assert_string_equal(world_state(&w, "promote"), rows[i].state);
        world_finish(&w);
    }
}

static void a_401_that_never_stops_is_not_asked_about_for_ever(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){"POST /pipeline-promotions", 0, 99,
                                 "{\"status\":401,\"json\":{\"message\":\"No.\"}}", false};
    world_do(&w, PROMOTE);
    world_data(&w, "error.heroku");
    assert_string_equal(world_state(&w, "promote"), "failure");
    assert_int_equal(w.posts, 3);
    assert_int_equal(w.heroku.made, 0);
    world_finish(&w);
}

static void without_a_new_grant_it_gives_up_in_two_minutes(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){"GET /pipelines", 0, 1, "{\"status\":401,\"json\":{}}", false};
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "pipelines");
    world_deliver(&w, m);
    SW_AUTO(sw_json) json_t *lost = world_next(&w); /* auth's answer */
    assert_string_equal(sw_str(lost, "kind"), SW_KIND_GRANTED);
    world_run(&w);
    assert_string_equal(sw_str(world_data(&w, "error.upstream"), "why"), "grant");
    assert_int_equal(w.now_ms, START_MS + LATENCY_MS + 120000);
    world_is_over(&w);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_code_it_asks_and_frees_the_lock),
        cmocka_unit_test(a_code_goes_to_heroku_once_and_is_erased),
        cmocka_unit_test(an_app_that_is_not_read_without_a_code_is_read_with_it),
        cmocka_unit_test(a_release_that_may_not_be_read_ends_as_the_promotion_says),
        cmocka_unit_test(a_lock_of_another_refuses_and_stays),
        cmocka_unit_test(a_lock_that_ran_out_is_taken),
        cmocka_unit_test(a_lock_that_is_anothers_by_now_stays),
        cmocka_unit_test(locks_that_are_not_loaded_are_asked_for_all_at_once),
        cmocka_unit_test(a_grant_that_runs_out_is_renewed_first),
        cmocka_unit_test(revoked_before_the_post_ends_quietly),
        cmocka_unit_test(what_one_account_began_another_does_not_go_on_with),
        cmocka_unit_test(revoked_at_the_post_is_a_failure_after_it_unknown),
        cmocka_unit_test(a_401_that_never_stops_is_not_asked_about_for_ever),
        cmocka_unit_test(without_a_new_grant_it_gives_up_in_two_minutes),
    };
    return cmocka_run_group_tests_name("executor_guard", tests, NULL, NULL);
}
