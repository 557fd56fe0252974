/* test_executor_check.c -- a promotion whose outcome is not known: looked for first, repeated once at most. */
#include "executor_world.h"

#include "actors/plan_priv.h"

#include <stdlib.h>

#define POST "POST /pipeline-promotions"
#define LOST "{\"error\":\"unsure\"}"
#define SICK "{\"status\":503,\"json\":{}}"

static const char *why(const struct world *w) {
    return sw_str(world_data(w, "promote.unknown"), "why");
}

static void found_at_the_first_look(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    w.heroku.begin_ms = 0;
    w.faults[0] = (struct fault){POST, 0, 1, LOST, true};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 1);
    assert_int_equal(world_count(&w, "promote.checking"), 1);
    assert_int_equal(world_count(&w, "promote.found"), 1);
    assert_true(w.now_ms < START_MS + 30000);
    world_finish(&w);
}

static void found_at_the_second_look(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    w.faults[0] = (struct fault){POST, 0, 1, LOST, true};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 1);
    assert_true(w.now_ms >= START_MS + w.conf.check_gap_ms);
    world_finish(&w);
}

static void heroku_may_work_on_a_lost_post_until_its_own_limit(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.begin_ms = w.conf.write_timeout_ms;
    w.heroku.end_ms = w.conf.write_timeout_ms + 4000;
    w.faults[0] = (struct fault){POST, 0, 1, LOST, true};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 1);
    world_finish(&w);
}

static void not_found_is_done_once_more(void **state) {
    static const struct {
        const char *http;
        bool answered; /* so that Heroku is not at work on it any more */
    } rows[] = {{LOST, false}, {SICK, true}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.faults[0] = (struct fault){POST, 0, 1, rows[i].http, false};
        world_granted(&w, PROMOTE, false);
        SW_AUTO(sw_json) json_t *m = world_until(&w, "targets");
        int64_t wait_ms = rows[i].answered ? w.conf.check_gap_ms : w.conf.write_timeout_ms;
        assert_in_range(w.now_ms - START_MS, wait_ms, wait_ms + 20000);
        world_deliver(&w, m);
        world_run(&w);
        world_is_over(&w);
        assert_string_equal(world_state(&w, "promote"), "success");
        assert_int_equal(w.posts, 2);
        assert_int_equal(w.heroku.made, 1);
        assert_int_equal(world_count(&w, "promote.again"), 1);
        world_finish(&w);
    }
}

/* As after the death of the process that had the call: told when its time is over. */
static void two_looks_are_a_gap_apart_however_late_it_is_told(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 1, LOST, false};
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "post");
    w.now_ms += w.conf.write_timeout_ms + 10000;
    int64_t told_ms = w.now_ms;
    world_deliver(&w, m);
    SW_AUTO(sw_json) json_t *again = world_until(&w, "post");
    assert_in_range(w.now_ms - told_ms, w.conf.check_gap_ms, w.conf.check_gap_ms + 1000);
    world_deliver(&w, again);
    world_run(&w);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 2);
    world_finish(&w);
}

static void the_second_one_may_be_lost_and_found(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 1, LOST, false};
    w.faults[1] = (struct fault){POST, 0, 1, LOST, true};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 2);
    assert_int_equal(w.heroku.made, 1);
    world_finish(&w);
}

static void lost_twice_is_not_tried_a_third_time(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 9, LOST, false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    assert_string_equal(why(&w), "twice");
    assert_int_equal(w.posts, 2);
    world_finish(&w);
}

static void a_refused_repeat_says_nothing_about_the_first(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 1, LOST, false};
    w.faults[1] = (struct fault){
        POST, 0, 1, "{\"status\":409,\"json\":{\"id\":\"conflict\",\"message\":\"Busy.\"}}", false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    assert_string_equal(why(&w), "refused");
    assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "reason"), "Busy.");
    world_finish(&w);
}

static void what_cannot_be_looked_at_is_not_repeated(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 1, LOST, false};
    w.faults[1] = (struct fault){"GET /apps/app-storefront-production/releases", 1, 9, SICK, false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    assert_string_equal(why(&w), "look");
    assert_int_equal(w.posts, 1);
    world_finish(&w);
}

static void a_new_grant_does_not_disturb_the_looks(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){POST, 0, 1, LOST, true};
    w.faults[1] = (struct fault){"GET /apps/app-storefront-production/releases", 1, 1,
                                 "{\"status\":401,\"json\":{}}", false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 1);
    assert_int_equal(w.version, 2);
    world_finish(&w);
}

static void a_target_without_a_release_is_not_waited_for_for_ever(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    json_object_set_new(json_object_get(w.heroku.apps, "app-billing-us"), "fails", json_true());
    w.faults[0] = (struct fault){POST, 0, 1, LOST, true};
    world_do(&w, PROMOTE_ALL);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    const json_t *apps = json_object_get(world_data(&w, "promote"), "apps");
    assert_string_equal(sw_str(json_array_get(apps, 0), "state"), "success");
    assert_string_equal(sw_str(json_array_get(apps, 1), "state"), "unknown");
    assert_in_range(w.now_ms - START_MS, 120000, 180000);
    world_finish(&w);
}

static void only_what_our_post_makes_is_ours(void **state) {
    static const struct {
        int version, age_s;
        const char *email, *description;
        bool ours;
    } rows[] = {
        {18, 0, "ada@example.com", "Promote storefront-staging v42 abcdef1", true},
        {19, 0, "ada@example.com", "Promote storefront-staging v42", true},
        {18, 50, "ada@example.com", "Promote storefront-staging v42", true}, /* clocks differ */
        {18, 0, "", "Promote storefront-staging v42", true},
        {18, 0, "ada@example.com", "", true},
        {18, -1, "ada@example.com", "Promote storefront-staging v42", true}, /* no time said */
        {17, 0, "ada@example.com", "Promote storefront-staging v42", false},
        {18, 70, "ada@example.com", "Promote storefront-staging v42", false},
        {18, 0, "bob@example.com", "Promote storefront-staging v42", false},
        {18, 0, "ada@example.com", "Promote storefront-dev v42", false},
        {18, 0, "ada@example.com", "Rollback to v42 of storefront-staging", false},
        {18, 0, "ada@example.com", "Deploy 1234567", false},
    };
    SW_AUTO(sw_json)
    json_t *plan =
        json_pack("{s:{s:s}, s:{s:s}, s:I}", "account", "email", "ada@example.com", "from", "name",
                  "storefront-staging", "intent_ms", (json_int_t)START_MS);
    const struct sw__plan p = {.state = plan};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char at[40] = "";
        if (rows[i].age_s >= 0) fake_time(START_MS - rows[i].age_s * 1000LL, at, sizeof at);
        SW_AUTO(sw_json)
        json_t *releases = json_pack("[{s:s, s:i, s:s, s:s, s:{s:s}}]", "id", "r-1", "version",
                                     rows[i].version, "created_at", at, "description",
                                     rows[i].description, "user", "email", rows[i].email);
        SW_AUTO(sw_json) json_t *target = json_pack("{s:s, s:i}", "id", "app-1", "before", 17);
        bool found = sw__promote_take(&p, target, releases);
        if (found != rows[i].ours) fail_msg("row %zu: %d", i, found);
        assert_string_equal(sw_str(target, "release"), found ? "r-1" : "");
    }
}

static bool anything_fails(struct world *w, const char *call, struct fault *ret) {
    static const struct fault of_post[] = {
        {NULL, 0, 0, LOST, false},
        {NULL, 0, 0, LOST, true},
        {NULL, 0, 0, LOST, true},
        {NULL, 0, 0, "{\"error\":\"unsure\",\"status\":504}", true},
        {NULL, 0, 0, SICK, false},
        {NULL, 0, 0, "{\"error\":\"connect\"}", false},
        {NULL, 0, 0, "{\"status\":429,\"json\":{}}", false},
        {NULL, 0, 0, "{\"status\":401,\"json\":{}}", false},
    };
    static const struct fault of_read[] = {
        {NULL, 0, 0, "{\"error\":\"timeout\"}", false},
        {NULL, 0, 0, SICK, false},
        {NULL, 0, 0, "{\"status\":429,\"json\":{}}", false},
        {NULL, 0, 0, "{\"status\":401,\"json\":{}}", false},
        {NULL, 0, 0, "{\"status\":404,\"json\":{\"message\":\"Nowhere.\"}}", false},
    };
    bool post = !strcmp(call, POST);
    uint32_t percent = world_random(w) % 100;
    if (percent >= (post ? 70 : 4)) return false;
    *ret = post ? of_post[world_random(w) % 8] : of_read[world_random(w) % 5];
    return true;
}

/* Whatever fails: at most one promotion, one end that is said, no lock left, and no failure told of what was done. */
static void whatever_fails_nothing_is_promoted_twice(void **state) {
    const char *given = getenv("SW_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
    int ends[4] = {0};
    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t i = 0; i < 200; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.chance = anything_fails;
        w.random = (seed + i) * 2654435761u | 1;
        w.heroku.begin_ms = world_random(&w) % 9000;
        w.heroku.end_ms = w.heroku.begin_ms + world_random(&w) % 20000;
        world_granted(&w, i % 2 ? PROMOTE : PROMOTE_ALL, false);
        world_run(&w);
        world_is_over(&w);
        const json_t *parent = world_reply(&w, "promote");
        const char *end = sw_str(json_object_get(parent, "data"), "state");
        if (w.heroku.made > 1) fail_msg("seed %u: %d promotions", seed + i, w.heroku.made);
        if (!strcmp(end, "success")) assert_int_equal(w.heroku.made, 1);
        if (!strcmp(end, "failure") || !parent) assert_int_equal(w.heroku.made, 0);
        ends[!parent ? 0 : !strcmp(end, "success") ? 1 : !strcmp(end, "failure") ? 2 : 3]++;
        world_finish(&w);
    }
    print_message("not begun %d, success %d, failure %d, unknown %d\n", ends[0], ends[1], ends[2],
                  ends[3]);
    assert_true(ends[1] > 0 && ends[2] > 0 && ends[3] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_at_the_first_look),
        cmocka_unit_test(found_at_the_second_look),
        cmocka_unit_test(heroku_may_work_on_a_lost_post_until_its_own_limit),
        cmocka_unit_test(not_found_is_done_once_more),
        cmocka_unit_test(two_looks_are_a_gap_apart_however_late_it_is_told),
        cmocka_unit_test(the_second_one_may_be_lost_and_found),
        cmocka_unit_test(lost_twice_is_not_tried_a_third_time),
        cmocka_unit_test(a_refused_repeat_says_nothing_about_the_first),
        cmocka_unit_test(what_cannot_be_looked_at_is_not_repeated),
        cmocka_unit_test(a_new_grant_does_not_disturb_the_looks),
        cmocka_unit_test(a_target_without_a_release_is_not_waited_for_for_ever),
        cmocka_unit_test(only_what_our_post_makes_is_ours),
        cmocka_unit_test(whatever_fails_nothing_is_promoted_twice),
    };
    return cmocka_run_group_tests_name("executor_check", tests, NULL, NULL);
}
