/* test_executor_promote.c -- whole promotions against a Heroku in this process: good ends and bad ones. */
#include "executor_world.h"

#include "actors/executor_priv.h"

/* The thread's templates in order, with the state where there is one. */
static void expect_thread(const struct world *w, const char *expected) {
    char told[1000] = "";
    size_t i;
    json_t *reply;
    json_array_foreach(w->replies, i, reply) {
        const char *state = sw_str(json_object_get(reply, "data"), "state");
        if (strcmp(sw_str(reply, "to"), "thread") != 0) continue;
        size_t size = strlen(told);
        snprintf(told + size, sizeof told - size, "%s%s%s%s", size ? " " : "",
                 sw_str(reply, "template") + strlen("promote."), state[0] ? ":" : "", state);
    }
    assert_string_equal(told, expected);
}

/* Ranks rise from 1, the last is above all. */
static void expect_ranks(const struct world *w) {
    json_int_t rank = 0;
    size_t i;
    json_t *reply;
    json_array_foreach(w->replies, i, reply) {
        if (strcmp(sw_str(reply, "to"), "parent") != 0) continue;
        assert_true(sw_int(reply, "rank") > rank);
        if (rank == 0) assert_int_equal(sw_int(reply, "rank"), 1);
        rank = sw_int(reply, "rank");
    }
    assert_int_equal(rank, 1000000);
}

static const json_t *promoted(const struct world *w, const char *state) {
    const json_t *found = NULL;
    size_t i;
    json_t *sent;
    json_array_foreach(w->sent, i, sent) {
        const json_t *body = json_object_get(sent, "body");
        if (strcmp(sw_str(sent, "kind"), SW_KIND_PROMOTED) != 0) continue;
        if (strcmp(sw_str(body, "state"), state) != 0) continue;
        assert_null(found);
        found = body;
    }
    assert_non_null(found);
    return found;
}

static void one_post_one_moving_thread_one_end(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(w.posts, 1);
    expect_thread(&w, "started phase:release target:success");
    expect_ranks(&w);
    const json_t *data = world_data(&w, "promote"), *to = json_object_get(data, "to");
    const json_t *app = json_array_get(json_object_get(data, "apps"), 0);
    assert_string_equal(sw_str(data, "pipeline"), "storefront");
    assert_string_equal(sw_str(data, "user"), "U0ADA");
    assert_string_equal(sw_str(data, "line"), "a typed line");
    assert_string_equal(sw_str(data, "op"), CMD);
    assert_int_equal(sw_int(json_object_get(data, "from"), "version"), 42);
    assert_string_equal(sw_str(to, "stage"), "production");
    assert_string_equal(sw_str(app, "name"), "storefront-production");
    assert_int_equal(sw_int(app, "version"), 18);
    assert_string_equal(sw_str(promoted(&w, "started"), "email"), "ada@example.com");
    app = json_array_get(json_object_get(promoted(&w, "done"), "apps"), 0);
    assert_string_equal(sw_str(app, "release_id"), "r-app-storefront-production-18");
    assert_int_equal(sw_int(app, "version"), 18);
    world_finish(&w);
}

static void the_post_pins_the_source_release(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    fake_release(&w.heroku, "app-billing-staging", "failed", "Deploy 2", "bob@example.com");
    fake_release(&w.heroku, "app-billing-staging", "pending", "Deploy 3", "bob@example.com");
    world_do(&w, PROMOTE_ALL);
    SW_AUTO(sw_text)
    char *body = json_dumps(json_object_get(w.last_post, "json"), JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(body, "{\"pipeline\":{\"id\":\"p-billing\"},"
                              "\"source\":{\"app\":{\"id\":\"app-billing-staging\"},"
                              "\"release\":{\"id\":\"r-app-billing-staging-9\"}},"
                              "\"targets\":[{\"app\":{\"id\":\"app-billing-eu\"}},"
                              "{\"app\":{\"id\":\"app-billing-us\"}}]}");
    assert_string_equal(world_state(&w, "promote"), "success");
    expect_thread(&w, "started phase:release phase:release target:success target:success");
    world_finish(&w);
}

static void each_target_counts(void **state) {
    static const struct {
        const char *eu, *us, *state;
    } ends[] = {
        {"fails", NULL, "partial"},
        {NULL, "phase_fails", "partial"},
        {"fails", "phase_fails", "failure"},
        {"phase_fails", "phase_fails", "failure"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct world w;
        world_init(&w);
        if (ends[i].eu) world_breaks(&w, "app-billing-eu", ends[i].eu);
        if (ends[i].us) world_breaks(&w, "app-billing-us", ends[i].us);
        world_do(&w, PROMOTE_ALL);
        assert_string_equal(world_state(&w, "promote"), ends[i].state);
        assert_int_equal(world_count(&w, "promote.target"), 2);
        assert_int_equal(w.posts, 1);
        world_finish(&w);
    }
}

static void heroku_says_why_a_target_failed(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_breaks(&w, "app-storefront-production", "fails");
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "failure");
    assert_string_equal(sw_str(world_data(&w, "promote.target"), "reason"),
                        "No room for this slug.");
    world_finish(&w);
}

static void a_release_phase_without_end_is_told_after_half_an_hour(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.end_ms = 24 * 3600 * 1000LL;
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "why"), "timeout");
    assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "type"),
                        "releases storefront in production");
    assert_int_equal(w.now_ms, START_MS + SW__WRITE_BUDGET_MS);
    assert_in_range(json_array_size(w.calls), 100, 250); /* the polls became slower */
    world_finish(&w);
}

static void an_outage_after_the_post_is_waited_out(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] =
        (struct fault){"GET /pipeline-promotions", 1, 4, "{\"error\":\"timeout\"}", false};
    w.faults[1] = (struct fault){"GET /apps/app-storefront-production/releases/", 0, 3,
                                 "{\"status\":503,\"json\":{}}", false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(world_count(&w, "promote.waiting"), 1);
    world_finish(&w);
}

static void few_calls_left_slow_the_polls(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){"GET /pipeline-promotions", 0, 1,
                                 "{\"status\":200,\"json\":[],\"rate_remaining\":20}", false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_true(w.now_ms > START_MS + 30000);
    world_finish(&w);
}

static void a_plan_of_many_apps_stays_small(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    char name[40];
    fake_app(&w.heroku, "p-zebra", "staging", "zebra-staging", 1);
    for (int i = 0; i < SW__TARGETS_MAX; i++) {
        snprintf(name, sizeof name, "an-app-with-a-name-of-thirty-%02d", i);
        fake_app(&w.heroku, "p-zebra", "production", name, 1);
    }
    const char *all =
        "{\"handler\":\"promote\",\"task\":\"promote\",\"pipeline\":\"zebra\",\"to_app\":\"*\"}";
    world_do(&w, all);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_in_range(w.state_max_bytes, 1, 32 * 1024);
    assert_int_equal(world_count(&w, "promote.target"), SW__TARGETS_MAX);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_post_one_moving_thread_one_end),
        cmocka_unit_test(the_post_pins_the_source_release),
        cmocka_unit_test(each_target_counts),
        cmocka_unit_test(heroku_says_why_a_target_failed),
        cmocka_unit_test(a_release_phase_without_end_is_told_after_half_an_hour),
        cmocka_unit_test(an_outage_after_the_post_is_waited_out),
        cmocka_unit_test(few_calls_left_slow_the_polls),
        cmocka_unit_test(a_plan_of_many_apps_stays_small),
    };
    return cmocka_run_group_tests_name("executor_promote", tests, NULL, NULL);
}
