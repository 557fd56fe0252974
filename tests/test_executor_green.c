/* test_executor_green.c -- deploys from a repository: the commit, its checks, and waiting for them. */
#include "executor_deploy.h"
#include "executor_github.h"

#include "actors/plan_priv.h"

#define DEPLOYMENT "POST " HUB_REPO "/deployments"
#define COMMIT HUB_REPO "/commits/" SHA_MAIN
#define DOUBT "{\"error\":\"unsure\"}"
#define DOWN "{\"status\":503,\"json\":{}}"
#define BAD_TOKEN "{\"status\":401,\"json\":{\"message\":\"Bad credentials\"}}"
#define UNSEEN "{\"status\":404,\"json\":{\"message\":\"Not Found\"}}"
#define OF(more) "{\"task\":\"deploy\",\"handler\":\"deploy\",\"pipeline\":\"storefront\"" more "}"
#define FORCED ",\"forced\":true"

struct both {
    struct deploy_fake heroku;
    struct hub hub;
};

static void hub_begin(struct world *w, struct both *b) {
    world_init(w);
    deploy_fake_init(w, &b->heroku);
    w->more[0].route = NULL;
    hub_init(&b->hub, w);
    w->more[1].route = deploy_fake_route;
    w->more[1].arg = &b->heroku;
    w->twice = true;
    json_array_append_new(b->hub.protection, json_string("ci/test"));
    json_array_append_new(b->hub.rules, json_string("lint"));
}

static void hub_end(struct world *w, struct both *b) {
    world_finish(w);
    deploy_fake_finish(&b->heroku);
    hub_finish(&b->hub);
}

static void all_green(struct both *b) {
    hub_state(&b->hub, "ci/test", "success");
    hub_run(&b->hub, 10, "lint", 1, "success");
}

static void hub_run_all(struct world *w, const char *command) {
    world_granted(w, command, false);
    world_run(w);
    world_is_over(w);
}

static bool called(const struct world *w, const char *call) {
    size_t i;
    json_t *one;
    json_array_foreach(w->calls, i, one) {
        if (!strncmp(json_string_value(one), call, strlen(call))) return true;
    }
    return false;
}

static void a_deploy_is_recorded(void **state) {
    static const char *const words[] = {"build running", "release phase running",
                                        "release phase completed", "runs v43"};
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    all_green(&b);
    hub_run_all(&w, OF(""));
    assert_string_equal(world_state(&w, "deploy"), "success");
    assert_string_equal(sw_str(world_data(&w, "deploy"), "ref"), "main");
    assert_int_equal(b.hub.made, 1);
    assert_int_equal(b.heroku.posts, 1);
    const json_t *made = json_array_get(b.hub.asked, 0);
    assert_string_equal(sw_str(made, "ref"), SHA_MAIN);
    assert_string_equal(sw_str(made, "task"), "deploy");
    assert_string_equal(sw_str(made, "environment"), "staging");
    assert_true(json_is_false(json_object_get(made, "production_environment")));
    for (size_t i = 0; i < 4; i++) {
        const char *said = sw_str(json_array_get(b.hub.asked, i + 1), "description");
        if (!strstr(said, words[i])) fail_msg("status %zu: %s", i, said);
    }
    SW_AUTO(sw_text) char *told = hub_told(&b.hub, 0);
    assert_string_equal(told, "pending, pending, pending, success");
    hub_end(&w, &b);
}

static void a_ref_is_asked_for_by_its_parts(void **state) {
    static const struct {
        const char *branch, *sha;
        bool asked;
    } rows[] = {
        {"main", SHA_MAIN, true},   {"feature/c\xc3\xa4rt", SHA_CART, true},
        {"gone", NULL, true},       {"what?ref=main#x", NULL, true},
        {"..", NULL, false},        {"../../../user", NULL, false},
        {"a/../main", NULL, false}, {"a//b", NULL, false},
        {"/main", NULL, false},     {"main/", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct both b;
        hub_begin(&w, &b);
        all_green(&b);
        SW_AUTO(sw_text)
        char *command = sw_printf(OF(",\"branch\":\"%s\",\"forced\":true"), rows[i].branch);
        hub_run_all(&w, command);
        if (called(&w, "GET " HUB_REPO "/commits/") != rows[i].asked)
            fail_msg("%s: asked or not", rows[i].branch);
        if (rows[i].sha)
            assert_string_equal(sw_str(json_array_get(b.hub.asked, 0), "ref"), rows[i].sha);
        else
            assert_string_equal(sw_str(world_data(&w, "error.unknown_ref"), "ref"), rows[i].branch);
        assert_int_equal(b.heroku.posts, rows[i].sha ? 1 : 0);
        hub_end(&w, &b);
    }
}

/* Nothing was changed where the person is told one of these; with none of them it was deployed. */
static void each_question_may_fail(void **state) {
    static const struct {
        const char *call, *http;
        int times;
        const char *template;
    } rows[] = {
        {"GET /pipelines/p-storefront/rep", UNSEEN, 2, "error.no_repo"},
        {"GET /pipelines/p-storefront/repo", UNSEEN, 1, NULL}, /* the old service knows */
        {"GET /pipelines/p-storefront/repo", DOWN, 1, "error.upstream"},
        {"GET /pipelines/p-storefront/repo", BAD_TOKEN, 1, NULL},
        {"GET " HUB_REPO, UNSEEN, 1, "error.repo_closed"},
        {"GET " HUB_REPO, DOWN, 1, "error.upstream"},
        {"GET " HUB_REPO, BAD_TOKEN, 1, NULL},
        {"GET " HUB_REPO "/commits/main", UNSEEN, 1, "error.unknown_ref"},
        {"GET " HUB_REPO "/commits/main", DOWN, 1, "error.upstream"},
        {"GET " HUB_REPO "/commits/main", BAD_TOKEN, 1, NULL},
        {"GET " COMMIT "/status", UNSEEN, 1, "deploy"}, /* offered */
        {"GET " COMMIT "/status", DOWN, 1, "error.upstream"},
        {"GET " COMMIT "/check-runs", UNSEEN, 1, "deploy"}, /* offered */
        {"GET " COMMIT "/check-runs", DOWN, 1, "error.upstream"},
        {"GET " COMMIT "/check-runs", BAD_TOKEN, 1, NULL},
        {DEPLOYMENT, UNSEEN, 1, "error.repo_closed"},
        {DEPLOYMENT, DOWN, 1, NULL},
        {DEPLOYMENT, DOUBT, 1, NULL},
        {DEPLOYMENT, BAD_TOKEN, 1, NULL},
        {DEPLOYMENT, DOUBT, 2, "error.upstream"},
        {DEPLOYMENT, "{\"status\":422,\"json\":{\"message\":\"No.\"}}", 1, "error.github"},
        {DEPLOYMENT, "{\"status\":429,\"json\":{}}", 1, "error.upstream"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct both b;
        hub_begin(&w, &b);
        all_green(&b);
        w.faults[0] = (struct fault){rows[i].call, 0, rows[i].times, rows[i].http, false};
        hub_run_all(&w, OF(""));
        if (rows[i].template && !world_reply(&w, rows[i].template))
            fail_msg("row %zu: no %s", i, rows[i].template);
        if (b.heroku.posts != !rows[i].template) fail_msg("row %zu: %d builds", i, b.heroku.posts);
        assert_int_equal(b.hub.made, rows[i].template ? 0 : 1);
        hub_end(&w, &b);
    }
}

static void a_pipeline_without_a_repository_says_where_to_connect_it(void **state) {
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    b.hub.unconnected = true;
    hub_run_all(&w, OF(""));
    assert_string_equal(sw_str(world_data(&w, "error.no_repo"), "pipeline_id"), "p-storefront");
    hub_end(&w, &b);
}

static void what_github_refuses_ends_it(void **state) {
    static const char *const ends[] = {"error.merged", "error.github", "error.checks"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct both b;
        hub_begin(&w, &b);
        all_green(&b);
        b.hub.merges = i == 0;
        b.hub.conflicts = i == 1;
        b.hub.vetoes = i == 2;
        hub_run_all(&w, OF(""));
        assert_non_null(world_reply(&w, ends[i]));
        assert_int_equal(b.hub.made, 0);
        assert_int_equal(b.heroku.posts, 0);
        hub_end(&w, &b);
    }
}

static void a_build_that_failed_is_a_failure_at_github(void **state) {
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    all_green(&b);
    b.heroku.build_fails = true;
    hub_run_all(&w, OF(""));
    SW_AUTO(sw_text) char *told = hub_told(&b.hub, 0);
    assert_string_equal(told, "pending, failure");
    hub_end(&w, &b);
}

static void a_forced_deploy_asks_for_no_checks(void **state) {
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    hub_state(&b.hub, "ci/test", "failure");
    hub_run_all(&w, OF(FORCED));
    assert_string_equal(world_state(&w, "deploy"), "success");
    const json_t *made = json_array_get(b.hub.asked, 0);
    assert_int_equal(json_array_size(json_object_get(made, "required_contexts")), 0);
    assert_false(called(&w, "GET " HUB_REPO "/branches"));
    assert_false(called(&w, "GET " COMMIT));
    assert_int_equal(world_count(&w, "github.forced"), 1);
    hub_end(&w, &b);
}

/* ---- what counts as green ---- */

static void each_way_to_report_counts(void **state) {
    enum { GREEN, OPEN, BAD };
    static const struct {
        const char *test;  /* status of ci/test; NULL: none */
        const char *lint;  /* run of lint; "": it runs; NULL: none */
        const char *again; /* a newer run of the same app */
        const char *other; /* a run of another app */
        int end;
    } rows[] = {
        {"success", "success", NULL, NULL, GREEN},
        {"success", "neutral", NULL, NULL, GREEN},
        {"success", "skipped", NULL, NULL, GREEN},
        {"pending", "success", NULL, NULL, OPEN},
        {NULL, "success", NULL, NULL, OPEN},
        {"success", NULL, NULL, NULL, OPEN},
        {"success", "", NULL, NULL, OPEN},
        {"error", "success", NULL, NULL, BAD},
        {"failure", "", NULL, NULL, BAD},
        {"success", "cancelled", NULL, NULL, BAD},
        {"success", "timed_out", NULL, NULL, BAD},
        {"success", "failure", "success", NULL, GREEN},
        {"success", "success", "", NULL, OPEN}, /* a pending rerun blocks */
        {"success", "success", "failure", NULL, BAD},
        {"success", "success", NULL, "failure", BAD},
        {"success", "success", NULL, "", OPEN},
        {"success", "success", NULL, "success", GREEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct both b;
        hub_begin(&w, &b);
        if (rows[i].test) hub_state(&b.hub, "ci/test", rows[i].test);
        hub_state(&b.hub, "other", "failure");
        hub_run(&b.hub, 99, "optional", 1, "failure");
        const char *const ends[] = {rows[i].again, rows[i].lint, rows[i].other};
        for (size_t k = 0; k < 3; k++) {
            if (ends[k])
                hub_run(&b.hub, 20 - (json_int_t)k, "lint", k == 2 ? 2 : 1,
                        ends[k][0] ? ends[k] : NULL);
        }
        hub_run_all(&w, OF(""));
        const char *is = world_state(&w, rows[i].end == BAD ? "error.checks" : "deploy");
        if (rows[i].end == GREEN && strcmp(is, "success") != 0) fail_msg("row %zu: %s", i, is);
        if (rows[i].end == OPEN && strcmp(is, "expired") != 0) fail_msg("row %zu: %s", i, is);
        assert_int_equal(b.heroku.posts, rows[i].end == GREEN ? 1 : 0);
        if (rows[i].end == GREEN) {
            const json_t *made = json_array_get(b.hub.asked, 0);
            bool skipped = !strcmp(rows[i].lint, "skipped"); /* GitHub would refuse it */
            assert_int_equal(json_array_size(json_object_get(made, "required_contexts")),
                             skipped ? 1 : 2);
        }
        hub_end(&w, &b);
    }
}

static void all_pages_are_read(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world w;
        struct both b;
        hub_begin(&w, &b);
        for (int n = 0; n < 230; n++) {
            SW_AUTO(sw_text) char *name = sw_printf("job %d", n);
            hub_state(&b.hub, name, "failure");
            hub_run(&b.hub, 100 + n, name, 1, "failure");
        }
        all_green(&b);
        if (i == 1) hub_run(&b.hub, 900, "lint", 1, "failure"); /* the very last one */
        hub_run_all(&w, OF(""));
        assert_int_equal(b.heroku.posts, i == 0 ? 1 : 0);
        assert_true(called(&w, "GET " COMMIT "/check-runs?filter=all&per_page=100&page=3"));
        assert_false(called(&w, "GET " COMMIT "/check-runs?filter=all&per_page=100&page=4"));
        hub_end(&w, &b);
    }
}

static void a_failed_check_says_what_to_type(void **state) {
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    hub_state(&b.hub, "ci/test", "failure");
    hub_run_all(&w, OF(""));
    const json_t *data = world_data(&w, "error.checks");
    assert_string_equal(sw_str(world_reply(&w, "error.checks"), "to"), "private");
    assert_string_equal(sw_str(data, "type"), "a! typed line");
    assert_int_equal(json_array_size(json_object_get(data, "contexts")), 2);
    assert_null(world_reply(&w, "deploy"));
    assert_false(called(&w, DEPLOYMENT));
    hub_end(&w, &b);
}

static void a_long_name_of_a_check_is_cut_between_letters(void **state) {
    char name[302] = "x";
    (void)state;
    struct world w;
    struct both b;
    for (size_t i = 1; i < 300; i += 2)
        memcpy(name + i, "\xc3\xbc", 3);
    hub_begin(&w, &b);
    json_array_insert_new(b.hub.rules, 0, json_string(name));
    json_array_clear(b.hub.protection);
    hub_state(&b.hub, name, "failure");
    hub_run_all(&w, OF(""));
    world_data(&w, "error.checks");
    const json_t *end = json_array_get(w.audit, json_array_size(w.audit) - 1);
    assert_non_null(strstr(sw_str(end, "detail"), "of its checks failed or are missing"));
    assert_non_null(strstr(sw_str(end, "detail"), "\xc3\xbc (failure)"));
    hub_end(&w, &b);
}

/* ---- the offer ---- */

static const char *step_of(const struct world *w) {
    return sw_str(json_object_get(w->facts, PLAN), "step");
}

static void until_step(struct world *w, const char *step) {
    for (int i = 0; i < 300 && strcmp(step_of(w), step) != 0; i++) {
        SW_AUTO(sw_json) json_t *m = world_next(w);
        if (!m) break;
        world_deliver(w, m);
    }
    assert_string_equal(step_of(w), step);
}

/* Its checks run: the plan offers to wait. */
static void offered(struct world *w, struct both *b, const char *command) {
    hub_begin(w, b);
    hub_state(&b->hub, "ci/test", "success");
    hub_run(&b->hub, 10, "lint", 1, NULL);
    world_granted(w, command, false);
    until_step(w, "offer");
}

static void send(struct world *w, const char *kind) {
    w->twice = false; /* a second one is another person's message, not a copy */
    json_t *body = json_pack("{s:{s:s, s:s, s:s}}", "by", "team", "T0SIM1", "user", "U0ADA",
                             "channel", "C0DEPLOY");
    world_queue(w, w->now_ms, world_msg(kind, body, json_object()));
    for (bool done = false; !done;) {
        SW_AUTO(sw_json) json_t *m = world_next(w);
        done = !strcmp(sw_str(m, "kind"), kind);
        world_deliver(w, m);
    }
    w->twice = true;
}

static const char *line_at(const json_t *data, size_t at) {
    return sw_str(json_array_get(json_object_get(data, "buttons"), at), "line");
}

static void the_offer_is_the_parent_with_two_buttons(void **state) {
    (void)state;
    struct world w;
    struct both b;
    offered(&w, &b, OF(""));
    const json_t *data = world_data(&w, "deploy");
    assert_string_equal(sw_str(data, "state"), "offered");
    assert_string_equal(line_at(data, 0), "wait " CMD);
    assert_string_equal(line_at(data, 1), "cancel " CMD);
    assert_string_equal(json_string_value(json_array_get(json_object_get(data, "pending"), 0)),
                        "lint");
    assert_int_equal(json_array_size(w.sent), 0); /* notifier: nothing has begun */
    assert_null(json_object_get(w.facts, "lock/T0SIM1/" APP));
    world_run(&w);
    world_is_over(&w);
    data = world_data(&w, "deploy");
    assert_string_equal(sw_str(data, "state"), "expired");
    assert_null(json_object_get(data, "buttons"));
    assert_in_range(w.now_ms - START_MS, 600000, 610000);
    assert_false(called(&w, DEPLOYMENT));
    hub_end(&w, &b);
}

static void accepted_it_goes_on_when_all_are_green(void **state) {
    static const char *const kinds[] = {"deploy", "promote"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct both b;
        offered(&w, &b, i == 0 ? OF("") : PROMOTE);
        w.now_ms += 300000;
        send(&w, SW_KIND_GO);
        const json_t *data = world_data(&w, kinds[i]);
        assert_string_equal(sw_str(data, "state"), "green");
        assert_int_equal(sw_int(data, "until_ms"), w.now_ms + w.conf.green_wait_ms);
        assert_string_equal(line_at(data, 0), "cancel " CMD);
        json_object_set_new(b.hub.refs, "main", json_string(SHA_CART)); /* the branch moves */
        b.hub.green_ms = w.now_ms + 20 * 60000;
        w.faults[0] = (struct fault){"GET " COMMIT "/status", 1, 3, DOWN, false};
        world_run(&w);
        world_is_over(&w);
        assert_string_equal(world_state(&w, kinds[i]), "success");
        assert_true(w.now_ms >= b.hub.green_ms);
        assert_int_equal(world_count(&w, "github.green"), 1);
        assert_int_equal(b.hub.made, 1);
        assert_string_equal(sw_str(json_array_get(b.hub.asked, 0), "ref"), SHA_MAIN);
        hub_end(&w, &b);
    }
}

static void waiting_ends_without_a_change(void **state) {
    static const struct {
        bool accepted, cancel, fails;
        const char *end;
    } rows[] = {
        {false, true, false, "cancelled"},
        {true, true, false, "cancelled"},
        {true, false, true, "failure"},
        {true, false, false, "expired"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct both b;
        offered(&w, &b, OF(""));
        if (rows[i].accepted) {
            send(&w, SW_KIND_GO);
            until_step(&w, "green");
        }
        if (rows[i].fails) {
            hub_run(&b.hub, 11, "lint", 1, "failure");
        } else if (rows[i].cancel) {
            send(&w, SW_KIND_CANCEL);
        }
        world_run(&w);
        world_is_over(&w);
        if (strcmp(world_state(&w, "deploy"), rows[i].end) != 0)
            fail_msg("row %zu: %s", i, world_state(&w, "deploy"));
        assert_null(json_object_get(world_data(&w, "deploy"), "buttons"));
        assert_int_equal(world_count(&w, "error.checks"), rows[i].fails ? 1 : 0);
        assert_false(called(&w, DEPLOYMENT));
        assert_int_equal(b.heroku.posts, 0);
        hub_end(&w, &b);
    }
}

/* It is under way, or was cancelled: GitHub learns of that as well. */
static void a_deploy_that_is_cancelled_is_inactive_at_github(void **state) {
    (void)state;
    struct world w;
    struct both b;
    hub_begin(&w, &b);
    all_green(&b);
    world_granted(&w, OF(""), false);
    until_step(&w, "deploy_pause");
    send(&w, SW_KIND_CANCEL);
    world_run(&w);
    world_is_over(&w);
    SW_AUTO(sw_text) char *told = hub_told(&b.hub, 0);
    assert_string_equal(world_state(&w, "deploy"), "cancelled");
    assert_string_equal(told, "pending, inactive");
    hub_end(&w, &b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deploy_is_recorded),
        cmocka_unit_test(a_ref_is_asked_for_by_its_parts),
        cmocka_unit_test(each_question_may_fail),
        cmocka_unit_test(a_pipeline_without_a_repository_says_where_to_connect_it),
        cmocka_unit_test(what_github_refuses_ends_it),
        cmocka_unit_test(a_build_that_failed_is_a_failure_at_github),
        cmocka_unit_test(a_forced_deploy_asks_for_no_checks),
        cmocka_unit_test(each_way_to_report_counts),
        cmocka_unit_test(all_pages_are_read),
        cmocka_unit_test(a_failed_check_says_what_to_type),
        cmocka_unit_test(a_long_name_of_a_check_is_cut_between_letters),
        cmocka_unit_test(the_offer_is_the_parent_with_two_buttons),
        cmocka_unit_test(accepted_it_goes_on_when_all_are_green),
        cmocka_unit_test(waiting_ends_without_a_change),
        cmocka_unit_test(a_deploy_that_is_cancelled_is_inactive_at_github),
    };
    return cmocka_run_group_tests_name("executor_green", tests, NULL, NULL);
}
