/* test_executor_route.c -- which channel hears of a pipeline: what executor looks up, and what notifier is told. */
#include "executor_hooks.h"

#include "actors/executor_priv.h"

#define ROUTE                                                                                      \
    "{\"task\":\"route\",\"handler\":\"route\",\"pipeline\":\"storefront\",\"channel\":\"C0OPS\"," \
    "\"only\":[\"deploys\",\"ci\"],\"stages\":null,\"states\":[\"failed\"],\"branch\":\"main\"}"
#define RESUME                                                                                     \
    "{\"task\":\"route\",\"handler\":\"route_resume\",\"pipeline\":\"storefront\",\"id\":"         \
    "\"r7k2\"}"
#define GOOD "{\"ok\":true,\"name\":\"ops\"}"

struct scene {
    struct world w;
    struct hub h;
    struct hooks hooks;
};

static void scene_init(struct scene *s, bool hub) {
    world_init(&s->w);
    hooks_init(&s->hooks, &s->w);
    hub_init(&s->h, &s->w);
    s->w.hub = hub;
    free(s->w.conf.github_client_id);
    s->w.conf.github_client_id = sw_strdup("Iv1.client");
    s->w.channel = GOOD;
    s->w.channel_ms = 300;
}

static void scene_finish(struct scene *s) {
    hub_finish(&s->h);
    hooks_finish(&s->hooks);
    world_finish(&s->w);
}

/* The one message to notifier, with which the plan is over; nobody was told anything. */
static const json_t *route_told(const struct world *w, const char *what) {
    int count;
    const json_t *body = world_sent(w, SW_KIND_ROUTE, &count);
    assert_int_equal(count, 1);
    assert_string_equal(sw_str(body, "do"), what);
    assert_string_equal(sw_str(body, "op"), CMD);
    assert_string_equal(sw_str(json_object_get(body, "who"), "channel"), "C0DEPLOY");
    assert_int_equal(json_array_size(w->replies), 0);
    assert_int_equal(json_object_size(w->timers), 0);
    assert_int_equal(world_kept(w), 0);
    assert_int_equal(json_array_size(w->audit), 0); /* notifier's */
    return body;
}

static void refused(const struct world *w, const char *template) {
    int count;
    (void)world_sent(w, SW_KIND_ROUTE, &count);
    assert_int_equal(count, 0);
    world_is_over((struct world *)w);
    assert_non_null(world_reply(w, template));
    assert_string_equal(sw_str(world_reply(w, template), "to"), "private");
}

static void expect_json(const json_t *is, const char *text) {
    SW_AUTO(sw_json) json_t *expected = json_loads(text, JSON_DECODE_ANY, NULL);
    SW_AUTO(sw_text) char *dump = json_dumps(is, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!json_equal(is, expected)) fail_msg("%s, not %s", dump ? dump : "null", text);
}

/* Without a repository: why. */
static void expect_hub(const json_t *body, const char *why) {
    if (why)
        assert_null(json_object_get(body, "repo"));
    else
        expect_json(json_object_get(body, "repo"), "{\"id\":4242,\"name\":\"acme/storefront\"}");
    assert_string_equal(sw_str(json_object_get(body, "hooks"), "github"), why ? why : "ok");
    assert_string_equal(sw_str(json_object_get(body, "hooks"), "heroku"), "ok");
}

static void notifier_learns_all_that_a_route_needs(void **state) {
    struct scene s;
    (void)state;
    scene_init(&s, true);
    s.w.twice = true;
    world_granted(&s.w, ROUTE, false);
    world_run(&s.w);
    const json_t *body = route_told(&s.w, "add");
    expect_json(json_object_get(body, "pipeline"),
                "{\"id\":\"p-storefront\",\"name\":\"storefront\"}");
    expect_json(json_object_get(body, "apps"),
                "[{\"id\":\"app-storefront-dev\",\"stage\":\"development\",\"name\":\"storefront-"
                "dev\"},{\"id\":\"app-storefront-staging\",\"stage\":\"staging\",\"name\":"
                "\"storefront-staging\"},{\"id\":\"app-storefront-production\",\"stage\":"
                "\"production\",\"name\":\"storefront-production\"}]");
    expect_json(json_object_get(body, "route"),
                "{\"channel\":\"C0OPS\",\"channel_name\":\"ops\",\"only\":[\"deploys\",\"ci\"],"
                "\"states\":[\"failed\"],\"branch\":\"main\"}");
    expect_json(json_object_get(body, "owner"),
                "{\"user\":\"U0ADA\",\"team\":\"T0SIM1\",\"channel\":\"C0DEPLOY\",\"email\":\"ada@"
                "example.com\"}");
    expect_json(json_object_get(body, "repo"), "{\"id\":4242,\"name\":\"acme/storefront\"}");
    expect_json(json_object_get(body, "hooks"), "{\"heroku\":\"ok\",\"github\":\"ok\"}");
    assert_int_equal(hooks_count(&s.hooks), 4); /* of three apps and the repository */
    assert_null(json_object_get(body, "left_out"));
    int asked;
    const json_t *channel = world_sent(&s.w, SW_KIND_CHANNEL, &asked);
    assert_int_equal(asked, 1);
    assert_string_equal(sw_str(channel, "channel"), "C0OPS");
    assert_true(json_is_true(json_object_get(channel, "join")));
    scene_finish(&s);
}

static void a_private_channel_is_said_to_be_private(void **state) {
    struct scene s;
    (void)state;
    scene_init(&s, true);
    s.w.channel = "{\"ok\":true,\"name\":\"secret\",\"private\":true}";
    world_granted(&s.w, ROUTE, false);
    world_run(&s.w);
    const json_t *route = json_object_get(route_told(&s.w, "add"), "route");
    assert_true(json_is_true(json_object_get(route, "private")));
    scene_finish(&s);
}

static void resume_looks_up_the_same_and_asks_for_no_channel(void **state) {
    struct scene s;
    int asked;
    (void)state;
    scene_init(&s, true);
    world_granted(&s.w, RESUME, false);
    world_run(&s.w);
    const json_t *body = route_told(&s.w, "resume");
    assert_string_equal(sw_str(body, "id"), "r7k2");
    assert_string_equal(sw_str(json_object_get(body, "pipeline"), "id"), "p-storefront");
    assert_string_equal(sw_str(json_object_get(body, "owner"), "user"), "U0ADA");
    assert_int_equal(json_array_size(json_object_get(body, "apps")), 3);
    expect_hub(body, NULL);
    assert_null(json_object_get(body, "route"));
    (void)world_sent(&s.w, SW_KIND_CHANNEL, &asked);
    assert_int_equal(asked, 0);
    scene_finish(&s);
}

/* A repository that somebody does not see, its events do not come to a channel by their hand. */
static void who_does_not_see_the_repository_does_not_route_it(void **state) {
    struct scene s;
    (void)state;
    static const struct {
        bool linked, unconnected, closed;
        const char *github;
    } rows[] = {
        {false, false, false, "no_account"},
        {true, true, false, "none"},
        {true, false, true, "denied"},
        {true, false, false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene_init(&s, rows[i].linked);
        s.h.unconnected = rows[i].unconnected;
        s.h.closed = rows[i].closed;
        world_granted(&s.w, ROUTE, false);
        world_run(&s.w);
        expect_hub(route_told(&s.w, "add"), rows[i].github);
        scene_finish(&s);
    }
}

#define HTTP_404 "{\"status\":404,\"json\":{\"id\":\"not_found\",\"message\":\"No.\"}}"
#define HTTP_403 "{\"status\":403,\"json\":{\"id\":\"forbidden\",\"message\":\"No.\"}}"
#define HTTP_301 "{\"status\":301,\"json\":{\"message\":\"Moved Permanently\"}}"
#define HTTP_503 "{\"status\":503}"
#define HTTP_401 "{\"status\":401,\"json\":{\"id\":\"unauthorized\",\"message\":\"No.\"}}"
#define TIMEOUT "{\"error\":\"timeout\"}"
#define NO_JSON "{\"error\":\"bad_json\",\"status\":200}"
#define PIPELINES "GET /pipelines"
#define COUPLINGS "GET /pipelines/p-storefront/pipeline-couplings"
#define APPS "POST /filters/apps"
#define REPO "GET /pipelines/p-storefront/repo"
#define REPOSITORY "GET /pipelines/p-storefront/repository"
#define GITHUB "GET /repos/acme/storefront"

/* Each step, and each way in which it can end. */
static void each_step_may_fail(void **state) {
    static const struct {
        const char *call, *http;
        int times;
        const char *template; /* NULL: it is routed */
        const char *github;   /* then; NULL: with the repository */
        int version;          /* of the grant in the end */
    } rows[] = {
        {PIPELINES, HTTP_403, 1, "error.heroku", NULL, 1},
        {PIPELINES, HTTP_503, 1, "error.upstream", NULL, 1},
        {PIPELINES, TIMEOUT, 1, "error.upstream", NULL, 1},
        {PIPELINES, NO_JSON, 1, "error.upstream", NULL, 1},
        {PIPELINES, HTTP_401, 1, NULL, NULL, 2},
        {PIPELINES, HTTP_401, 9, "error.heroku", NULL, 3},
        {COUPLINGS, HTTP_404, 1, "error.heroku", NULL, 1},
        {COUPLINGS, HTTP_503, 1, "error.upstream", NULL, 1},
        {COUPLINGS, TIMEOUT, 1, "error.upstream", NULL, 1},
        {COUPLINGS, HTTP_401, 1, NULL, NULL, 2},
        {APPS, HTTP_403, 1, "error.heroku", NULL, 1},
        {APPS, HTTP_503, 1, "error.upstream", NULL, 1},
        {APPS, TIMEOUT, 1, "error.upstream", NULL, 1},
        {APPS, HTTP_401, 1, NULL, NULL, 2},
        {REPO, HTTP_404, 1, NULL, NULL, 1}, /* the old service knows it */
        {REPO, HTTP_404, 2, NULL, "none", 1},
        {REPO, HTTP_503, 1, NULL, "away", 1},
        {REPO, TIMEOUT, 1, NULL, "away", 1},
        {REPO, HTTP_401, 1, NULL, NULL, 2},
        {REPOSITORY, HTTP_503, 1, NULL, "away", 1},
        {REPOSITORY, TIMEOUT, 1, NULL, "away", 1},
        {REPOSITORY, HTTP_403, 1, NULL, "none", 1},
        {REPOSITORY, HTTP_401, 1, NULL, NULL, 2},
        {GITHUB, HTTP_404, 1, NULL, "denied", 1},
        {GITHUB, HTTP_403, 1, NULL, "denied", 1},
        {GITHUB, HTTP_301, 1, NULL, "denied", 1},
        {GITHUB, HTTP_503, 1, NULL, "away", 1},
        {GITHUB, TIMEOUT, 1, NULL, "away", 1},
        {GITHUB, NO_JSON, 1, NULL, "away", 1},
        {GITHUB, "{\"status\":200,\"json\":{\"full_name\":\"acme/storefront\"}}", 1, NULL, "away",
         1},
        {GITHUB, HTTP_401, 1, NULL, NULL, 2}, /* signed in again, not left out */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int resume = 0; resume < 2; resume++) {
            struct scene s;
            scene_init(&s, true);
            s.w.faults[0] =
                (struct fault){.match = rows[i].call, .times = rows[i].times, .http = rows[i].http};
            if (!strcmp(rows[i].call, REPOSITORY))
                s.w.faults[1] = (struct fault){
                    .match = "GET /pipelines/p-storefront/repo", .times = 1, .http = HTTP_404};
            world_granted(&s.w, resume ? RESUME : ROUTE, false);
            world_run(&s.w);
            if (rows[i].template)
                refused(&s.w, rows[i].template);
            else
                expect_hub(route_told(&s.w, resume ? "resume" : "add"), rows[i].github);
            assert_int_equal(s.w.version, rows[i].version);
            scene_finish(&s);
        }
    }
}

#define HOOKS "GET /apps/app-storefront-staging/webhooks"
#define HOOK "POST /apps/app-storefront-staging/webhooks"
#define HUB_HOOKS "GET /repos/acme/storefront/hooks"
#define HUB_HOOK "POST /repos/acme/storefront/hooks"

/* A route with fewer webhooks is a route: notifier says which are missing. */
static void a_webhook_that_cannot_be_made_is_told_and_no_more(void **state) {
    static const struct {
        const char *call, *http;
        const char *heroku, *github;
        int version;
    } rows[] = {
        {HOOKS, HTTP_403, "some", "ok", 1},      {HOOKS, HTTP_503, "some", "ok", 1},
        {HOOKS, TIMEOUT, "some", "ok", 1},       {HOOKS, HTTP_401, "ok", "ok", 2},
        {HOOK, HTTP_403, "some", "ok", 1},       {HOOK, TIMEOUT, "ok", "ok", 1},
        {HOOK, HTTP_401, "ok", "ok", 2},         {HUB_HOOKS, HTTP_404, "ok", "denied", 1},
        {HUB_HOOKS, HTTP_503, "ok", "none", 1},  {HUB_HOOKS, HTTP_401, "ok", "ok", 2},
        {HUB_HOOK, HTTP_403, "ok", "denied", 1}, {HUB_HOOK, TIMEOUT, "ok", "ok", 1},
        {HUB_HOOK, HTTP_401, "ok", "ok", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene s;
        scene_init(&s, true);
        s.w.faults[0] = (struct fault){.match = rows[i].call, .times = 1, .http = rows[i].http};
        world_granted(&s.w, ROUTE, false);
        world_run(&s.w);
        const json_t *body = route_told(&s.w, "add"), *hooks = json_object_get(body, "hooks");
        assert_string_equal(sw_str(hooks, "heroku"), rows[i].heroku);
        assert_string_equal(sw_str(hooks, "github"), rows[i].github);
        assert_int_equal(sw_int(json_object_get(body, "repo"), "id"), 4242);
        assert_int_equal(s.w.version, rows[i].version);
        scene_finish(&s);
    }
}

static void without_a_new_grant_nothing_is_routed(void **state) {
    static const char *const calls[] = {PIPELINES, GITHUB};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        int count;
        scene_init(&s, true);
        s.w.ungrant = true;
        s.w.faults[0] = (struct fault){.match = calls[i], .times = 9, .http = HTTP_401};
        world_granted(&s.w, ROUTE, false);
        world_run(&s.w);
        (void)world_sent(&s.w, SW_KIND_ROUTE, &count);
        assert_int_equal(count, 0);
        assert_int_equal(json_array_size(s.w.replies), 0); /* auth has told it, with a card */
        assert_int_equal(json_object_size(s.w.timers), 0);
        assert_null(json_object_get(s.w.facts, PLAN));
        scene_finish(&s);
    }
}

static void a_channel_that_does_not_take_it_is_told_why(void **state) {
    static const char *const reasons[] = {"missing", "archived", "private",
                                          "scope",   "away",     "no_bot"};
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct scene s;
        scene_init(&s, true);
        s.w.twice = true;
        SW_AUTO(sw_text) char *says = sw_printf("{\"ok\":false,\"reason\":\"%s\"}", reasons[i]);
        s.w.channel = says;
        world_granted(&s.w, ROUTE, false);
        world_run(&s.w);
        refused(&s.w, "error.channel");
        assert_int_equal(hooks_count(&s.hooks), 0);
        assert_string_equal(sw_str(world_data(&s.w, "error.channel"), "reason"), reasons[i]);
        assert_string_equal(sw_str(world_data(&s.w, "error.channel"), "channel"), "C0OPS");
        scene_finish(&s);
    }
}

static void slack_has_twenty_seconds_to_answer(void **state) {
    static const struct {
        int64_t after_ms;
        bool routed;
    } rows[] = {{19900, true}, {20100, false}, {-1, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene s;
        scene_init(&s, true);
        s.w.channel = rows[i].after_ms < 0 ? NULL : GOOD;
        s.w.channel_ms = rows[i].after_ms;
        world_granted(&s.w, ROUTE, false);
        world_run(&s.w); /* what comes late changes nothing */
        if (rows[i].routed) {
            (void)route_told(&s.w, "add");
        } else {
            refused(&s.w, "error.channel");
            assert_string_equal(sw_str(world_data(&s.w, "error.channel"), "reason"), "away");
        }
        scene_finish(&s);
    }
}

/* An answer to another question, one that was not asked yet, or a second one. */
static void only_the_answer_that_is_waited_for_counts(void **state) {
    struct scene s;
    (void)state;
    scene_init(&s, true);
    world_granted(&s.w, ROUTE, false);
    SW_AUTO(sw_json) json_t *http = world_until(&s.w, "route_repo");
    json_int_t n = sw_int(json_object_get(s.w.facts, PLAN), "n");
    for (json_int_t other = 0; other < n + 3; other++) {
        SW_AUTO(sw_json)
        json_t *early = world_msg(SW_KIND_CHANNEL_STATE,
                                  json_pack("{s:b, s:{s:I}, s:{s:s}}", "ok", 1, "keep", "n", other,
                                            "who", "user", "U0ADA"),
                                  json_object());
        SW_AUTO(sw_json) json_t *outputs = world_step(&s.w, early);
        assert_int_equal(json_array_size(outputs), 0);
    }
    world_deliver(&s.w, http);
    SW_AUTO(sw_json)
    json_t *wrong = world_msg(
        SW_KIND_CHANNEL_STATE,
        json_pack("{s:b, s:{s:I}, s:{s:s}}", "ok", 1, "keep", "n", n, "who", "user", "U0ADA"),
        json_object());
    SW_AUTO(sw_json) json_t *outputs = world_step(&s.w, wrong);
    assert_int_equal(json_array_size(outputs), 0);
    world_run(&s.w);
    (void)route_told(&s.w, "add");
    scene_finish(&s);
}

static void apps_beyond_a_hundred_are_counted(void **state) {
    struct scene s;
    (void)state;
    scene_init(&s, false);
    for (int i = 0; i < 110; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("storefront-%03d", i);
        fake_app(&s.w.heroku, "p-storefront", "production", name, 1);
    }
    world_granted(&s.w, ROUTE, false);
    world_run(&s.w);
    const json_t *body = route_told(&s.w, "add");
    assert_int_equal(json_array_size(json_object_get(body, "apps")), SW__APPS_MAX);
    assert_int_equal(sw_int(body, "left_out"), 13);
    assert_in_range(s.w.state_max_bytes, 1, 32 * 1024);
    scene_finish(&s);
}

static void an_unknown_pipeline_is_told_as_always(void **state) {
    struct scene s;
    (void)state;
    scene_init(&s, true);
    world_granted(&s.w,
                  "{\"task\":\"route\",\"handler\":\"route\",\"pipeline\":\"storefrnt\","
                  "\"channel\":\"C0OPS\"}",
                  false);
    world_run(&s.w);
    refused(&s.w, "error.unknown_pipeline");
    scene_finish(&s);
}

/* What notifier knows by itself costs no call. */
static void what_needs_no_call_is_told_at_once(void **state) {
    static const struct {
        const char *command, *what, *body; /* without who, op, do */
    } rows[] = {
        {"{\"handler\":\"route_list\",\"pipeline\":null}", "list", "{}"},
        {"{\"handler\":\"route_list\",\"pipeline\":\"storefront\"}", "list",
         "{\"pipeline\":\"storefront\"}"},
        {"{\"handler\":\"route_test\",\"id\":\"r7k2\"}", "test", "{\"id\":\"r7k2\"}"},
        {"{\"handler\":\"why\",\"id\":\"4f2a9c1\"}", "why", "{\"id\":\"4f2a9c1\"}"},
        {"{\"handler\":\"unroute\",\"pipeline\":null,\"forced\":false}", "remove",
         "{\"channel\":\"C0DEPLOY\"}"},
        {"{\"handler\":\"unroute\",\"pipeline\":null,\"forced\":true}", "remove",
         "{\"channel\":\"C0DEPLOY\",\"sure\":true}"},
        {"{\"handler\":\"unroute\",\"pipeline\":\"r7k2\",\"forced\":true}", "remove",
         "{\"pipeline\":\"r7k2\",\"channel\":\"C0DEPLOY\"}"},
        {"{\"handler\":\"unroute\",\"pipeline\":\"storefront\",\"channel\":\"C0OPS\"}", "remove",
         "{\"pipeline\":\"storefront\",\"channel\":\"C0OPS\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        world_granted(&w, rows[i].command, false);
        world_run(&w);
        SW_AUTO(sw_json) json_t *body = json_deep_copy(route_told(&w, rows[i].what));
        json_object_del(body, "who");
        json_object_del(body, "op");
        json_object_del(body, "do");
        expect_json(body, rows[i].body);
        assert_int_equal(json_array_size(w.calls), 0);
        world_finish(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifier_learns_all_that_a_route_needs),
        cmocka_unit_test(a_private_channel_is_said_to_be_private),
        cmocka_unit_test(resume_looks_up_the_same_and_asks_for_no_channel),
        cmocka_unit_test(who_does_not_see_the_repository_does_not_route_it),
        cmocka_unit_test(each_step_may_fail),
        cmocka_unit_test(a_webhook_that_cannot_be_made_is_told_and_no_more),
        cmocka_unit_test(without_a_new_grant_nothing_is_routed),
        cmocka_unit_test(a_channel_that_does_not_take_it_is_told_why),
        cmocka_unit_test(slack_has_twenty_seconds_to_answer),
        cmocka_unit_test(only_the_answer_that_is_waited_for_counts),
        cmocka_unit_test(apps_beyond_a_hundred_are_counted),
        cmocka_unit_test(an_unknown_pipeline_is_told_as_always),
        cmocka_unit_test(what_needs_no_call_is_told_at_once),
    };
    return cmocka_run_group_tests_name("executor_route", tests, NULL, NULL);
}
