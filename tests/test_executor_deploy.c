/* test_executor_deploy.c -- whole deploys against a Heroku in this process: each step, each way to fail. */
#include "executor_deploy.h"

static void from_the_source_to_running_dynos(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    run(&w);
    const json_t *data = world_data(&w, "deploy");
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(f.posts, 1);
    assert_string_equal(sw_str(data, "app"), "storefront-staging");
    assert_string_equal(sw_str(data, "repo"), "acme/storefront");
    assert_string_equal(sw_str(data, "ref"), "main");
    assert_string_equal(sw_str(data, "sha"), "4f2a9c1");
    assert_int_equal(sw_int(data, "version"), 43);
    assert_int_equal(world_count(&w, "deploy.started"), 1);
    assert_int_equal(world_count(&w, "deploy.building"), 1);
    assert_int_equal(world_count(&w, "deploy.releasing"), 1);
    assert_int_equal(world_count(&w, "deploy.restarting"), 1);
    assert_int_equal(world_count(&w, "deploy.done"), 1);
    assert_true(w.now_ms >= START_MS + f.build_ms + f.release_ms + f.dyno_ms);
    assert_int_equal(world_kept(&w), 1); /* the mark of a plan that wrote: no lock */
    finish(&w, &f);
}

static void the_build_says_what_it_is_made_of_and_of_whom(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    run(&w);
    const json_t *blob = json_object_get(json_object_get(f.last, "json"), "source_blob");
    assert_string_equal(sw_str(blob, "version"), SHA);
    assert_string_equal(sw_str(blob, "version_description"),
                        "acme/storefront@main 4f2a9c1 (slipway " CMD ")");
    finish(&w, &f);
}

/* It is a key to the source: nobody is told, and it is kept no longer than needed. */
static void the_link_to_the_source_is_in_a_box_until_the_build_has_begun(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    typed(&w, DEPLOY);
    SW_AUTO(sw_json) json_t *build = world_until(&w, "build");
    const json_t *plan = json_object_get(w.facts, PLAN);
    assert_string_equal(sw_str(plan, "archive"), "answer-box");
    assert_null(json_object_get(json_object_get(build, "boxes"), "answer"));
    world_deliver(&w, build);
    assert_null(json_object_get(json_object_get(w.facts, PLAN), "archive"));
    world_run(&w);
    SW_AUTO(sw_text) char *told = json_dumps(w.replies, 0);
    assert_null(strstr(told, "signed"));
    assert_null(strstr(told, "answer-box"));
    finish(&w, &f);
}

/* What a fault at one step leads to. */
static void each_step_may_fail_in_each_way(void **state) {
    static const struct {
        const char *match;
        int skip;
        const char *http;
        bool effect;
        const char *outcome; /* of the parent; "" where there is none */
        int posts, made;
    } rows[] = {
        {"GET " ON "/releases", 0, NO, false, "failure", 0, 0},
        {"GET " ON "/releases", 0, SICK, false, "failure", 0, 0},
        {"GET " ON "/releases", 0, LATE, false, "failure", 0, 0},
        {"GET " ON "/releases", 0, AUTH, false, "success", 1, 1},
        {"GET /repos/acme/storefront/tarball/", 0, NO, false, "failure", 0, 0},
        {"GET /repos/acme/storefront/tarball/", 0, SICK, false, "failure", 0, 0},
        {"GET /repos/acme/storefront/tarball/", 0, LATE, false, "failure", 0, 0},
        {"GET /repos/acme/storefront/tarball/", 0, AUTH, false, "success", 1, 1},
        {"GET /repos/acme/storefront/tarball/", 0, "{\"status\":200}", false, "failure", 0, 0},
        {"GET /repos/acme/storefront/tarball/", 0, "{\"status\":302,\"error\":\"no_location\"}",
         false, "failure", 0, 0},
        {"POST " ON "/builds", 0, NO, false, "failure", 1, 0},
        {"POST " ON "/builds", 0, AUTH, false, "success", 1, 1},
        {"POST " ON "/builds", 0, "{\"error\":\"connect\"}", false, "failure", 1, 0},
        {"POST " ON "/builds", 0, SICK, false, "success", 2, 1},
        {"POST " ON "/builds", 0, SICK, true, "success", 1, 1},
        {"POST " ON "/builds", 0, LOST, false, "success", 2, 1},
        {"POST " ON "/builds", 0, LOST, true, "success", 1, 1},
        {"POST " ON "/builds", 0, "{\"status\":201,\"error\":\"bad_json\"}", true, "success", 1, 1},
        {"GET " ON "/builds/", 0, NO, false, "unknown", 1, 1},
        {"GET " ON "/builds/", 0, GONE, false, "success", 1, 1},
        {"GET " ON "/builds/", 0, SICK, false, "success", 1, 1},
        {"GET " ON "/builds/", 0, LATE, false, "success", 1, 1},
        {"GET " ON "/builds/", 0, AUTH, false, "success", 1, 1},
        {"GET " ON "/releases/", 0, NO, false, "unknown", 1, 1},
        {"GET " ON "/releases/", 0, GONE, false, "success", 1, 1},
        {"GET " ON "/releases/", 0, SICK, false, "success", 1, 1},
        {"GET " ON "/releases/", 0, LATE, false, "success", 1, 1},
        {"GET " ON "/releases/", 0, AUTH, false, "success", 1, 1},
        {"GET " ON "/dynos", 0, NO, false, "unknown", 1, 1},
        {"GET " ON "/dynos", 0, GONE, false, "success", 1, 1},
        {"GET " ON "/dynos", 0, SICK, false, "success", 1, 1},
        {"GET " ON "/dynos", 0, LATE, false, "success", 1, 1},
        {"GET " ON "/dynos", 0, AUTH, false, "success", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct deploy_fake f;
        bool poll = rows[i].posts == 1 && strncmp(rows[i].match, "GET " ON "/releases", 99) != 0;
        begin(&w, &f);
        w.faults[0] = (struct fault){rows[i].match, rows[i].skip, 1, rows[i].http, rows[i].effect};
        run(&w);
        bool good = !strcmp(outcome(&w), rows[i].outcome) && f.made == rows[i].made;
        if (!good)
            fail_msg("%s %s: %s, built %d times", rows[i].match, rows[i].http, outcome(&w), f.made);
        /* A request that was answered by a fault did not come to the fake. */
        int posts = 0;
        size_t k;
        json_t *call;
        json_array_foreach(w.calls, k, call) {
            posts += !strcmp(json_string_value(call), "POST " ON "/builds");
        }
        bool refused = !strcmp(rows[i].http, AUTH) && !strncmp(rows[i].match, "POST", 4);
        assert_int_equal(posts, rows[i].posts + refused);
        /* An outage while it is followed is told, once. */
        bool sick = !strcmp(rows[i].http, SICK) || !strcmp(rows[i].http, LATE);
        bool watched = !strncmp(rows[i].match, "GET " ON "/", 5 + strlen(ON)) && poll;
        assert_int_equal(world_count(&w, "promote.waiting"), sick && watched);
        finish(&w, &f);
    }
}

static void a_poll_that_fails_for_minutes_is_told_once_and_goes_on(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    w.faults[0] = (struct fault){"GET " ON "/builds/", 1, 12, SICK, false};
    run(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(world_count(&w, "promote.waiting"), 1);
    finish(&w, &f);
}

static void a_failed_phase_says_which_and_links_its_page(void **state) {
    static const struct {
        const char *phase, *reason, *log;
    } rows[] = {
        {"building", "the build failed", "/apps/storefront-staging/activity/builds/build-1"},
        {"releasing", "the release phase failed",
         "/apps/storefront-staging/activity/releases/r-" APP "-43"},
        {"restarting", "web.2 crashed", "/apps/storefront-staging/logs"},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        f.build_fails = i == 0;
        f.release_fails = i == 1;
        f.crashes = i == 2;
        run(&w);
        const json_t *data = world_data(&w, "deploy.failed");
        assert_string_equal(outcome(&w), "failure");
        assert_string_equal(sw_str(data, "phase"), rows[i].phase);
        assert_string_equal(sw_str(data, "reason"), rows[i].reason);
        SW_AUTO(sw_text) char *log = sw_printf("https://dashboard.heroku.com%s", rows[i].log);
        assert_string_equal(sw_str(data, "log"), log);
        finish(&w, &f);
    }
}

static void what_takes_too_long_ends_in_its_own_time(void **state) {
    static const struct {
        const char *outcome;
        int64_t least_ms, most_ms;
    } rows[] = {{"unknown", 20 * 60000, 21 * 60000},
                {"unknown", 30 * 60000, 32 * 60000},
                {"failure", 30 * 60000, 32 * 60000}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct deploy_fake f;
        const int64_t never_ms = 24 * 3600 * 1000LL;
        begin(&w, &f);
        if (i == 0) f.build_ms = never_ms;
        if (i == 1) f.release_ms = never_ms;
        if (i == 2) f.dyno_ms = never_ms;
        run(&w);
        assert_string_equal(outcome(&w), rows[i].outcome);
        assert_in_range(w.now_ms - START_MS, rows[i].least_ms, rows[i].most_ms);
        assert_int_equal(world_count(&w, "deploy.unknown"), i < 2);
        if (i < 2) {
            const json_t *data = world_data(&w, "deploy.unknown");
            assert_string_equal(sw_str(data, "why"), "timeout");
            assert_string_equal(sw_str(data, "type"), "releases storefront in staging");
        }
        finish(&w, &f);
    }
}

static void the_whole_of_it_has_an_end_as_well(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    f.build_ms = 18 * 60000;
    f.release_ms = 25 * 60000;
    f.dyno_ms = 25 * 60000;
    run(&w);
    assert_string_equal(outcome(&w), "unknown");
    assert_in_range(w.now_ms - START_MS, 55 * 60000, 56 * 60000);
    finish(&w, &f);
}

static void dynos_that_are_nobodys_concern_do_not_count(void **state) {
    (void)state;
    for (int none = 0; none < 2; none++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        f.one_off = true;
        f.no_dynos = none;
        run(&w);
        assert_string_equal(outcome(&w), "success");
        finish(&w, &f);
    }
}

static void a_release_that_follows_ours_is_no_failure(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    typed(&w, DEPLOY);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "dynos");
    (void)fake_release(&w.heroku, APP, "succeeded", "Set a config var", "bob@example.com");
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(sw_int(world_data(&w, "deploy"), "version"), 43);
    finish(&w, &f);
}

static void the_release_may_come_later_than_the_end_of_the_build(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    f.late_ms = 30000;
    run(&w);
    assert_string_equal(outcome(&w), "success");
    finish(&w, &f);
}

static void a_lost_build_without_a_description_is_known_by_who_made_it_of_what(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    f.quiet = true;
    w.faults[0] = (struct fault){"POST " ON "/builds", 0, 1, LOST, true};
    run(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(f.made, 1);
    assert_int_equal(world_count(&w, "deploy.found"), 1);
    finish(&w, &f);
}

/* Of the same source, by the same person, at the same time: but typed in another command. */
static void the_build_of_another_command_is_not_ours(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    char at[40];
    begin(&w, &f);
    fake_time(START_MS + 5000, at, sizeof at);
    json_array_append_new(f.builds, json_pack("{s:s, s:s, s:s, s:I, s:{s:s, s:s}, s:{s:s}, s:n}",
                                              "id", "build-other", "status", "failed", "created_at",
                                              at, "made_ms", (json_int_t)START_MS, "source_blob",
                                              "version", SHA, "version_description",
                                              "acme/storefront@main 4f2a9c1 (slipway other)",
                                              "user", "email", STARTED_BY, "release"));
    w.faults[0] = (struct fault){"POST " ON "/builds", 0, 1, LOST, false};
    run(&w);
    assert_string_equal(outcome(&w), "success");
    assert_int_equal(f.made, 1);
    assert_int_equal(world_count(&w, "promote.again"), 1);
    finish(&w, &f);
}

static void where_nobody_can_say_it_is_said_with_what_to_type(void **state) {
    static const struct {
        struct fault first, second;
        const char *why;
    } rows[] = {
        {{"POST " ON "/builds", 0, 9, LOST, false}, {0}, "twice"},
        {{"POST " ON "/builds", 0, 1, LOST, false},
         {"POST " ON "/builds", 0, 1, NO, false},
         "refused"},
        {{"POST " ON "/builds", 0, 1, LOST, true}, {"GET " ON "/builds", 0, 1, NO, false}, "look"},
        {{"POST " ON "/builds", 0, 1, LOST, true},
         {"GET " ON "/builds", 0, 1, SICK, false},
         "look"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct deploy_fake f;
        begin(&w, &f);
        w.faults[0] = rows[i].first;
        w.faults[1] = rows[i].second;
        run(&w);
        const json_t *data = world_data(&w, "deploy.unknown");
        assert_string_equal(outcome(&w), "unknown");
        assert_string_equal(sw_str(data, "why"), rows[i].why);
        assert_string_equal(sw_str(data, "type"), "releases storefront in staging");
        assert_in_range(f.made, 0, 1);
        finish(&w, &f);
    }
}

static void a_build_that_runs_already_is_told_in_herokus_words(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    f.busy = true;
    run(&w);
    assert_string_equal(outcome(&w), "failure");
    assert_string_equal(sw_str(world_data(&w, "error.heroku"), "message"), "A build is running");
    finish(&w, &f);
}

static void a_code_opens_the_app_for_all_that_follows(void **state) {
    static const struct {
        const char *code, *template;
        int puts;
    } rows[] = {{NULL, "promote.two_factor", 0},
                {"wrong-code-box", "promote.two_factor", 1},
                {"right-code-box", "deploy.done", 1}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct deploy_fake f;
        int puts = 0;
        size_t k;
        json_t *call;
        begin(&w, &f);
        f.needs_code = true;
        w.code = rows[i].code;
        run(&w);
        world_data(&w, rows[i].template);
        json_array_foreach(w.calls, k, call) {
            puts += !strncmp(json_string_value(call), "PUT ", 4);
        }
        assert_int_equal(puts, rows[i].puts);
        assert_int_equal(f.made, i == 2);
        finish(&w, &f);
    }
}

static void without_the_checks_is_said_in_the_message_and_its_thread(void **state) {
    (void)state;
    struct world w;
    struct deploy_fake f;
    begin(&w, &f);
    typed(&w, "{\"task\":\"deploy\",\"handler\":\"deploy\",\"pipeline\":\"storefront\","
              "\"forced\":true}");
    world_run(&w);
    assert_true(json_is_true(json_object_get(world_data(&w, "deploy"), "forced")));
    assert_int_equal(world_count(&w, "github.forced"), 1);
    finish(&w, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_source_to_running_dynos),
        cmocka_unit_test(the_build_says_what_it_is_made_of_and_of_whom),
        cmocka_unit_test(the_link_to_the_source_is_in_a_box_until_the_build_has_begun),
        cmocka_unit_test(each_step_may_fail_in_each_way),
        cmocka_unit_test(a_poll_that_fails_for_minutes_is_told_once_and_goes_on),
        cmocka_unit_test(a_failed_phase_says_which_and_links_its_page),
        cmocka_unit_test(what_takes_too_long_ends_in_its_own_time),
        cmocka_unit_test(the_whole_of_it_has_an_end_as_well),
        cmocka_unit_test(dynos_that_are_nobodys_concern_do_not_count),
        cmocka_unit_test(a_release_that_follows_ours_is_no_failure),
        cmocka_unit_test(the_release_may_come_later_than_the_end_of_the_build),
        cmocka_unit_test(a_lost_build_without_a_description_is_known_by_who_made_it_of_what),
        cmocka_unit_test(the_build_of_another_command_is_not_ours),
        cmocka_unit_test(where_nobody_can_say_it_is_said_with_what_to_type),
        cmocka_unit_test(a_build_that_runs_already_is_told_in_herokus_words),
        cmocka_unit_test(a_code_opens_the_app_for_all_that_follows),
        cmocka_unit_test(without_the_checks_is_said_in_the_message_and_its_thread),
    };
    return cmocka_run_group_tests_name("executor_deploy", tests, NULL, NULL);
}
