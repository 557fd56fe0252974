/* test_executor_github.c -- what GitHub adds to a promotion: what is recorded, and what of it may fail. */
#include "executor_github.h"

#include "actors/plan_priv.h"

#define DEPLOYMENT "POST " HUB_REPO "/deployments"
#define STATUS DEPLOYMENT "/7000000001/statuses"
#define LOST "{\"error\":\"unsure\"}"
#define SICK "{\"status\":503,\"json\":{}}"
#define AWAY "{\"error\":\"timeout\"}"
#define FAST "{\"status\":429,\"json\":{}}"
#define AUTH "{\"status\":401,\"json\":{\"message\":\"Bad credentials\"}}"
#define NO "{\"status\":403,\"json\":{\"message\":\"You may not.\"}}"
#define GONE "{\"status\":404,\"json\":{\"message\":\"Not Found\"}}"
#define FORCED                                                                                     \
    "{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"storefront\",\"forced\":true}"

static void begin(struct world *w, struct hub *h) {
    world_init(w);
    hub_init(h, w);
    w->twice = true;
    json_array_append_new(h->protection, json_string("ci/test"));
    json_array_append_new(h->rules, json_string("lint"));
    hub_state(h, "ci/test", "success");
    hub_run(h, 10, "lint", 1, "success");
}

static void finish(struct world *w, struct hub *h) {
    world_finish(w);
    hub_finish(h);
}

static void check_told(const struct hub *h, size_t at, const char *states) {
    SW_AUTO(sw_text) char *told = hub_told(h, at);
    assert_string_equal(told, states);
}

static const json_t *last_audit(const struct world *w) {
    return json_array_get(w->audit, json_array_size(w->audit) - 1);
}

static void a_promotion_is_recorded(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(h.made, 1);
    check_told(&h, 0, "pending, success");
    const json_t *made = json_array_get(h.asked, 0), *payload = json_object_get(made, "payload");
    assert_string_equal(sw_str(made, "ref"), SHA_MAIN);
    assert_string_equal(sw_str(made, "task"), "promote");
    assert_string_equal(sw_str(made, "environment"), "production");
    assert_true(json_is_true(json_object_get(made, "production_environment")));
    assert_string_equal(sw_str(payload, "slipway"), CMD);
    assert_string_equal(sw_str(payload, "app"), "storefront-production");
    SW_AUTO(sw_json) json_t *required = json_pack("[s, s]", "ci/test", "lint");
    assert_true(json_equal(json_object_get(made, "required_contexts"), required));
    const json_t *pending = json_array_get(h.asked, 1), *good = json_array_get(h.asked, 2);
    assert_non_null(strstr(sw_str(pending, "description"), "release phase running"));
    assert_non_null(strstr(sw_str(pending, "log_url"), "/apps/storefront-production/activity/"));
    assert_string_equal(sw_str(good, "description"), "storefront-production runs v18");
    assert_int_equal(world_count(&w, "github.unrecorded"), 0);
    assert_int_equal(world_count(&w, "github.untold"), 0);
    finish(&w, &h);
}

/* The last word at GitHub is after the person's, and the locks are free by then. */
static void github_learns_of_the_end_last(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = NULL;
    do {
        json_decref(m);
        m = world_until(&w, "gh_status");
        if (h.told == 1) world_deliver(&w, m);
    } while (h.told == 1);
    assert_int_equal(world_finals(&w), 1);
    assert_null(json_object_get(w.facts, "lock/T0SIM1/app-storefront-production"));
    assert_non_null(json_object_get(w.facts, PLAN));
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    finish(&w, &h);
}

static void without_github_all_is_as_before(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    w.hub = false;
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(h.made, 0);
    assert_int_equal(world_count(&w, "github.unrecorded"), 0);
    finish(&w, &h);
}

static void a_pipeline_without_a_repository_is_told(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    h.unconnected = true;
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_string_equal(sw_str(world_data(&w, "github.unrecorded"), "why"), "no_repo");
    assert_string_equal(sw_str(world_reply(&w, "github.unrecorded"), "to"), "thread");
    assert_int_equal(h.made, 0);
    finish(&w, &h);
}

/* Each question of a promotion, each way to be answered badly: it goes on, is told why GitHub is
 * left out, or ends before anything was changed. */
static void each_question_may_fail(void **state) {
    static const struct {
        const char *call, *http, *command;
        const char *why;      /* left out of GitHub */
        const char *template; /* the end */
    } rows[] = {
        {"GET /pipelines/p-storefront/repo", AUTH, PROMOTE, NULL, NULL},
        {"GET /pipelines/p-storefront/repo", NO, PROMOTE, NULL, NULL}, /* the old one knows */
        {"GET /pipelines/p-storefront/repo", SICK, PROMOTE, NULL, "error.upstream"},
        {"GET /apps/app-storefront-staging/slugs", AUTH, PROMOTE, NULL, NULL},
        {"GET /apps/app-storefront-staging/slugs", GONE, PROMOTE, "no_commit", NULL},
        {"GET /apps/app-storefront-staging/slugs", SICK, PROMOTE, NULL, "error.upstream"},
        {"GET " HUB_REPO, AUTH, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO, GONE, PROMOTE, NULL, "error.repo_closed"},
        {"GET " HUB_REPO, GONE, FORCED, "no_access", NULL},
        {"GET " HUB_REPO, AWAY, PROMOTE, NULL, "error.upstream"},
        {"GET " HUB_REPO, AWAY, FORCED, "away", NULL},
        {"GET " HUB_REPO "/branches", AUTH, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/branches", GONE, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/branches", SICK, PROMOTE, NULL, "error.upstream"},
        {"GET " HUB_REPO "/rules", AUTH, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/rules", NO, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/rules", SICK, PROMOTE, NULL, "error.upstream"},
        {"GET " HUB_REPO "/commits/" SHA_MAIN "/status", AUTH, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/commits/" SHA_MAIN "/status", GONE, PROMOTE, NULL,
         "promote"}, /* an offer, until it runs out */
        {"GET " HUB_REPO "/commits/" SHA_MAIN "/status", SICK, PROMOTE, NULL, "error.upstream"},
        {"GET " HUB_REPO "/commits/" SHA_MAIN "/check-runs", AUTH, PROMOTE, NULL, NULL},
        {"GET " HUB_REPO "/commits/" SHA_MAIN "/check-runs", AWAY, PROMOTE, NULL, "error.upstream"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        bool bad = rows[i].template != NULL;
        w.faults[0] = (struct fault){rows[i].call, 0, 1, rows[i].http, false};
        world_do(&w, rows[i].command);
        if (bad && !world_reply(&w, rows[i].template))
            fail_msg("row %zu: no %s", i, rows[i].template);
        if (w.posts != !bad) fail_msg("row %zu: %d promotions", i, w.posts);
        if (h.made != (!bad && !rows[i].why)) fail_msg("row %zu: %d deployments", i, h.made);
        const json_t *asked = json_array_get(h.asked, 0);
        /* What is required was not told: GitHub shall want everything. */
        bool all = (strstr(rows[i].call, "/branches") || strstr(rows[i].call, "/rules")) &&
                   (!strcmp(rows[i].http, GONE) || !strcmp(rows[i].http, NO));
        if (asked && !json_object_get(asked, "required_contexts") != all)
            fail_msg("row %zu: required contexts", i);
        assert_int_equal(world_count(&w, "github.unrecorded"), rows[i].why ? 1 : 0);
        if (rows[i].why)
            assert_string_equal(sw_str(world_data(&w, "github.unrecorded"), "why"), rows[i].why);
        assert_int_equal(w.faults[0].times, 0);
        finish(&w, &h);
    }
}

/* A deployment that may exist is looked for, never made twice; a promotion goes on without it. */
static void no_deployment_is_made_twice(void **state) {
    static const struct {
        const char *http;
        bool effect;
        int times, made;
        bool untold;
    } rows[] = {
        {LOST, true, 1, 1, false},  {LOST, false, 1, 1, false}, {SICK, true, 1, 1, false},
        {SICK, false, 1, 1, false}, {AUTH, false, 1, 1, false}, {NO, false, 1, 0, true},
        {FAST, false, 1, 0, true},  {LOST, false, 2, 0, true},  {AUTH, false, 4, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        w.faults[0] = (struct fault){DEPLOYMENT, 0, rows[i].times, rows[i].http, rows[i].effect};
        world_do(&w, PROMOTE);
        if (h.made != rows[i].made) fail_msg("row %zu: %d deployments", i, h.made);
        if (world_count(&w, "github.untold") != rows[i].untold) fail_msg("row %zu: untold", i);
        assert_int_equal(w.posts, 1);
        assert_string_equal(world_state(&w, "promote"), "success");
        if (h.made > 0) check_told(&h, 0, "pending, success");
        finish(&w, &h);
    }
}

/* Each of the two statuses, each way to fail: told once or not at all, and never in the way. */
static void no_status_is_told_twice(void **state) {
    static const struct {
        const char *http;
        bool effect;
        int times;
        bool lost;
    } rows[] = {
        {LOST, true, 1, false},  {LOST, false, 1, false}, {SICK, true, 1, false},
        {SICK, false, 1, false}, {AUTH, false, 1, false}, {NO, false, 1, true},
        {FAST, false, 1, true},  {LOST, false, 2, true},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct hub h;
        int skip = (int)(i % 2);
        begin(&w, &h);
        w.faults[0] =
            (struct fault){STATUS, skip, rows[i / 2].times, rows[i / 2].http, rows[i / 2].effect};
        world_do(&w, PROMOTE);
        assert_string_equal(world_state(&w, "promote"), "success");
        assert_int_equal(w.posts, 1);
        assert_int_equal(h.made, 1);
        if (!rows[i / 2].lost)
            check_told(&h, 0, "pending, success");
        else
            check_told(&h, 0, skip ? "pending" : "success");
        assert_int_equal(world_count(&w, "github.untold"), rows[i / 2].lost && !skip);
        assert_int_equal(world_count(&w, "promote.checking"), 0);
        if (rows[i / 2].lost)
            assert_string_equal(sw_str(last_audit(&w), "detail"), "GitHub was not told");
        assert_string_equal(sw_str(last_audit(&w), "outcome"), "done");
        finish(&w, &h);
    }
}

static void what_github_refuses_ends_it(void **state) {
    static const char *const ends[] = {"error.merged", "error.github", "error.checks"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        h.merges = i == 0;
        h.conflicts = i == 1;
        h.vetoes = i == 2;
        world_do(&w, PROMOTE);
        assert_non_null(world_reply(&w, ends[i]));
        assert_int_equal(h.made, 0);
        assert_int_equal(w.posts, 0);
        if (i == 2) {
            const json_t *list = json_object_get(world_data(&w, "error.checks"), "contexts");
            assert_int_equal(json_array_size(list), 1);
            assert_string_equal(sw_str(json_array_get(list, 0), "context"), "lint");
        }
        finish(&w, &h);
    }
}

static void a_promotion_that_is_cancelled_makes_no_further_deployment(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    fake_app(&w.heroku, "p-storefront", "production", "storefront-eu", 3);
    world_granted(
        &w,
        "{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"storefront\",\"to\":"
        "\"production\",\"to_app\":\"*\"}",
        false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "gh_deployment");
    SW_AUTO(sw_json)
    json_t *cancel =
        world_msg(SW_KIND_CANCEL, json_pack("{s:{s:s}}", "by", "user", "U0ADA"), json_object());
    w.twice = false; /* who asks twice is told twice */
    world_deliver(&w, cancel);
    w.twice = true;
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(world_state(&w, "promote"), "cancelled");
    assert_int_equal(h.made, 1);
    assert_int_equal(w.posts, 0);
    finish(&w, &h);
}

static void each_target_has_its_own_deployment(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    fake_app(&w.heroku, "p-storefront", "production", "storefront-eu", 3);
    json_object_set_new(json_object_get(w.heroku.apps, "app-storefront-eu"), "phase_fails",
                        json_true());
    w.faults[0] = (struct fault){DEPLOYMENT, 1, 1, LOST, true}; /* the second one's */
    world_do(&w, "{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"storefront\",\"to\":"
                 "\"production\",\"to_app\":\"*\"}");
    assert_string_equal(world_state(&w, "promote"), "partial");
    assert_int_equal(h.made, 2);
    const json_t *second = json_array_get(h.deployments, 0);
    assert_string_equal(sw_str(second, "environment"), "production/storefront-eu");
    check_told(&h, 1, "pending, success");
    check_told(&h, 0, "pending, failure");
    finish(&w, &h);
}

static void a_promotion_that_is_refused_closes_its_deployment(void **state) {
    static const struct {
        const char *http, *last;
    } rows[] = {
        {"{\"status\":422,\"json\":{\"id\":\"invalid\",\"message\":\"No.\"}}", "error"},
        {"{\"status\":403,\"json\":{\"id\":\"two_factor\",\"message\":\"A code.\"}}", "error"},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        w.faults[0] = (struct fault){"POST /pipeline-promotions", 0, 1, rows[i].http, false};
        world_do(&w, PROMOTE);
        assert_int_equal(h.made, 1);
        check_told(&h, 0, rows[i].last);
        finish(&w, &h);
    }
}

static void an_unknown_outcome_is_an_error_at_github(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    w.faults[0] = (struct fault){"POST /pipeline-promotions", 0, 2, LOST, false};
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    check_told(&h, 0, "error");
    finish(&w, &h);
}

/* Access is gone before the end: the person is told, GitHub cannot be. */
static void without_access_github_is_not_told(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "post");
    world_deliver(&w, m);
    w.ungrant = true;
    w.faults[0] = (struct fault){"GET /pipeline-promotions", 0, 9, AUTH, false};
    w.faults[1] = (struct fault){STATUS, 0, 9, AUTH, false};
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(world_state(&w, "promote"), "unknown");
    assert_int_equal(h.told, 0);
    assert_string_equal(sw_str(last_audit(&w), "outcome"), "unknown");
    finish(&w, &h);
}

/* Of two accounts the one at GitHub is gone: Heroku's work is followed to its end, and the person is
 * asked for it once. */
static void without_github_the_promotion_is_followed_to_its_end(void **state) {
    (void)state;
    for (int skip = 0; skip < 2; skip++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        world_granted(&w, PROMOTE, false);
        w.ungrant = true;
        w.faults[0] = (struct fault){STATUS, skip, 99, AUTH, false};
        world_run(&w);
        world_is_over(&w);
        assert_string_equal(world_state(&w, "promote"), "success");
        assert_int_equal(h.told, skip);
        assert_int_equal(world_count(&w, "github.untold"),
                         1 - skip); /* the last one is told late */
        assert_int_equal(world_count(&w, "promote.unknown"), 0);
        finish(&w, &h);
    }
}

static void a_forced_promotion_asks_for_no_checks(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    begin(&w, &h);
    json_array_clear(h.states);
    world_do(&w, FORCED);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(h.made, 1);
    const json_t *made = json_array_get(h.asked, 0);
    assert_int_equal(json_array_size(json_object_get(made, "required_contexts")), 0);
    assert_int_equal(world_count(&w, "github.forced"), 1);
    assert_true(json_is_true(json_object_get(last_audit(&w), "forced")));
    finish(&w, &h);
}

static void info_shows_the_repository(void **state) {
    static const struct {
        const char *call, *http, *repo, *required;
    } rows[] = {
        {NULL, NULL, "acme/storefront", "[\"ci/test\", \"lint\"]"},
        {"GET /pipelines/p-storefront/rep", SICK, "", NULL},
        {"GET " HUB_REPO, AUTH, "", NULL}, /* nobody signs in for that */
        {"GET " HUB_REPO, SICK, "", NULL},
        {"GET " HUB_REPO "/branches", SICK, "acme/storefront", NULL},
        {"GET " HUB_REPO "/rules", GONE, "acme/storefront", "[\"ci/test\"]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct hub h;
        begin(&w, &h);
        w.faults[0] = (struct fault){rows[i].call, 0, 1, rows[i].http, false};
        world_granted(
            &w, "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"storefront\"}", false);
        world_run(&w);
        const json_t *data = world_data(&w, "pipelines.info");
        SW_AUTO(sw_text) char *required = json_dumps(json_object_get(data, "required"), 0);
        assert_string_equal(sw_str(data, "repo"), rows[i].repo);
        assert_string_equal(required ? required : "", rows[i].required ? rows[i].required : "");
        assert_int_equal(json_array_size(json_object_get(data, "stages")), 3);
        assert_int_equal(json_array_size(w.sent), 0);
        finish(&w, &h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_promotion_is_recorded),
        cmocka_unit_test(github_learns_of_the_end_last),
        cmocka_unit_test(without_github_all_is_as_before),
        cmocka_unit_test(a_pipeline_without_a_repository_is_told),
        cmocka_unit_test(each_question_may_fail),
        cmocka_unit_test(no_deployment_is_made_twice),
        cmocka_unit_test(no_status_is_told_twice),
        cmocka_unit_test(what_github_refuses_ends_it),
        cmocka_unit_test(a_promotion_that_is_cancelled_makes_no_further_deployment),
        cmocka_unit_test(each_target_has_its_own_deployment),
        cmocka_unit_test(a_promotion_that_is_refused_closes_its_deployment),
        cmocka_unit_test(an_unknown_outcome_is_an_error_at_github),
        cmocka_unit_test(without_access_github_is_not_told),
        cmocka_unit_test(without_github_the_promotion_is_followed_to_its_end),
        cmocka_unit_test(a_forced_promotion_asks_for_no_checks),
        cmocka_unit_test(info_shows_the_repository),
    };
    return cmocka_run_group_tests_name("executor_github", tests, NULL, NULL);
}
