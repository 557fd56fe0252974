/* test_executor_hooks.c -- one webhook of ours for each app, and one for the repository: made, put right, never twice. */
#include "executor_hooks.h"

#define APPS 3 /* of storefront */
#define LIST "GET /apps/app-storefront-staging/webhooks"
#define POST "POST /apps/app-storefront-staging/webhooks"
#define GH_LIST "GET " HUB_REPO "/hooks"
#define GH_POST "POST " HUB_REPO "/hooks"

static const char *said(const struct tended *b, const char *platform) {
    return sw_str(json_object_get(hooks_told(&b->w, SW_KIND_ROUTE, 0), "hooks"), platform);
}

static void every_app_and_the_repository_get_one_webhook_of_ours(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    hooks_do(&b->w, TEND);
    hooks_end(&b->w, "sync", "");
    assert_string_equal(said(b, "heroku"), "ok");
    assert_string_equal(said(b, "github"), "ok");
    assert_int_equal(hooks_count(&b->h), APPS + 1);
    const json_t *ours = json_array_get(hooks_list(&b->h, "app-storefront-staging"), 0);
    assert_string_equal(sw_str(ours, "url"), HOOK_URL);
    assert_string_equal(sw_str(ours, "level"), "sync");
    assert_int_equal(json_array_size(json_object_get(ours, "include")), 5);
    const json_t *hub = json_array_get(b->h.github, 0), *config = json_object_get(hub, "config");
    assert_int_equal(json_array_size(json_object_get(hub, "events")), 12);
    assert_true(json_is_true(json_object_get(hub, "active")));
    assert_string_equal(sw_str(config, "url"), GH_HOOK_URL);
    assert_string_equal(sw_str(config, "content_type"), "json");
    assert_string_equal(sw_str(config, "insecure_ssl"), "0");
    tended_end(b);
}

static void what_is_there_is_left_alone(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    hooks_do(&b->w, TEND);
    json_array_clear(b->w.calls);
    json_array_clear(b->w.sent);
    b->h.made = 0;
    hooks_do(&b->w, TEND);
    hooks_end(&b->w, "sync", "");
    assert_string_equal(said(b, "heroku"), "ok");
    assert_int_equal(b->h.made + b->h.changed, 0);
    /* pipeline, couplings, apps, connection, repository, a list for each app, the repository's */
    assert_int_equal(json_array_size(b->w.calls), 5 + APPS + 1);
    tended_end(b);
}

static void ours_is_found_among_others_on_any_page(void **state) {
    (void)state;
    struct tended *b = tended_begin(false);
    hooks_do(&b->w, TEND);
    json_array_clear(b->w.sent);
    for (int i = 0; i < 5; i++)
        json_array_insert_new(hooks_list(&b->h, "app-storefront-staging"), 0,
                              json_pack("{s:s, s:s, s:[], s:s}", "id", "other", "url",
                                        "https://other.example/webhooks/heroku", "include", "level",
                                        "notify"));
    b->h.page = 2;
    b->h.made = 0;
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "heroku"), "ok");
    assert_int_equal(b->h.made + b->h.changed, 0);
    tended_end(b);
}

static void what_is_wrong_with_it_is_put_right(void **state) {
    static const struct {
        const char *include, *level;
        int changed;
    } rows[] = {
        {"[\"api:release\",\"api:build\",\"api:app\",\"api:dyno\",\"dyno\"]", "sync", 0},
        {"[\"dyno\",\"api:dyno\",\"api:addon\",\"api:app\",\"api:build\",\"api:release\"]", "sync",
         0}, /* what it brings besides does no harm */
        {"[\"api:release\",\"api:build\",\"api:app\",\"api:dyno\",\"dyno\"]", "notify", 1},
        {"[\"api:release\"]", "sync", 1},
        {"[]", "sync", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(false);
        json_array_append_new(hooks_list(&b->h, "app-storefront-staging"),
                              json_pack("{s:s, s:s, s:o, s:s}", "id", "old", "url", HOOK_URL,
                                        "include", json_loads(rows[i].include, 0, NULL), "level",
                                        rows[i].level));
        hooks_do(&b->w, TEND);
        assert_string_equal(said(b, "heroku"), "ok");
        assert_int_equal(b->h.changed, rows[i].changed);
        assert_int_equal(b->h.made, APPS - 1);
        assert_int_equal(hooks_count(&b->h), APPS);
        tended_end(b);
    }
}

static void what_is_there_twice_is_there_once_afterwards(void **state) {
    static const struct {
        const char *match, *http;
        bool effect;
        size_t hooks;
    } rows[] = {
        {"nothing", "{}", false, APPS},
        {"DELETE /apps/", "{\"error\":\"unsure\"}", true, APPS},
        {"DELETE /apps/", "{\"status\":503}", false, APPS + 1}, /* the next time, then */
        {"DELETE /apps/", "{\"status\":403}", false, APPS + 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(false);
        hooks_do(&b->w, TEND);
        json_array_clear(b->w.sent);
        json_t *list = hooks_list(&b->h, "app-storefront-staging");
        for (int k = 0; k < 2; k++) {
            json_t *copy = json_deep_copy(json_array_get(list, 0));
            json_object_set_new(copy, "id", json_sprintf("copy-%d", k));
            if (k == 0 || i < 2)
                json_array_append_new(list, copy);
            else
                json_decref(copy);
        }
        b->w.faults[0] = (struct fault){rows[i].match, 0, 1, rows[i].http, rows[i].effect};
        hooks_do(&b->w, TEND);
        assert_string_equal(said(b, "heroku"), "ok");
        assert_int_equal(hooks_count(&b->h), rows[i].hooks);
        assert_string_equal(sw_str(json_array_get(list, 0), "id"), "hook-app-storefront-staging-1");
        tended_end(b);
    }
}

static void a_webhook_that_github_has_after_all_is_found(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    b->w.faults[0] = (struct fault){GH_POST, 0, 1,
                                    "{\"status\":422,\"json\":{\"message\":\"Validation Failed\"}}",
                                    true}; /* another plan made it in between */
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "github"), "ok");
    assert_int_equal(json_array_size(b->h.github), 1);
    tended_end(b);
}

static void an_entity_that_heroku_does_not_know_is_left_out(void **state) {
    static const struct {
        const char *unknown, *heroku;
        size_t kept;
    } rows[] = {{"dyno", "ok", 4}, {"api:dyno", "ok", 3}, {"api:release", "none", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(false);
        b->h.unknown = rows[i].unknown;
        hooks_do(&b->w, TEND);
        assert_string_equal(said(b, "heroku"), rows[i].heroku);
        assert_int_equal(hooks_count(&b->h), rows[i].kept ? APPS : 0);
        const json_t *ours = json_array_get(hooks_list(&b->h, "app-storefront-dev"), 0);
        assert_int_equal(json_array_size(json_object_get(ours, "include")), rows[i].kept);
        json_array_clear(b->w.sent);
        b->h.made = 0; /* the next day: what is there is all that can be had */
        hooks_do(&b->w, TEND);
        assert_string_equal(said(b, "heroku"), rows[i].heroku);
        assert_int_equal(b->h.made + b->h.changed, 0);
        tended_end(b);
    }
}

/* One call of one app fails: the others have theirs nevertheless, and there are never two. */
static void each_failure_has_its_end_and_no_app_has_two(void **state) {
    static const struct {
        const char *match, *http;
        int times;
        bool effect;
        const char *what, *heroku;
        size_t hooks;
    } rows[] = {
        {LIST, "{\"status\":403,\"json\":{\"id\":\"forbidden\"}}", 1, false, "sync", "some", 2},
        {LIST, "{\"status\":404,\"json\":{\"id\":\"not_found\"}}", 1, false, "sync", "some", 2},
        {LIST, "{\"status\":403,\"json\":{\"id\":\"two_factor\"}}", 1, false, "sync", "some", 2},
        {LIST, "{\"status\":503}", 1, false, "away", "", 1},
        {LIST, "{\"error\":\"timeout\"}", 1, false, "away", "", 1},
        {LIST, "{\"status\":429}", 1, false, "away", "", 1},
        {LIST, "{\"status\":200,\"json\":{\"a\":1}}", 1, false, "away", "", 1},
        {LIST, "{\"status\":401,\"json\":{\"id\":\"unauthorized\"}}", 1, false, "sync", "ok", 3},
        {POST, "{\"status\":403,\"json\":{\"id\":\"forbidden\"}}", 1, false, "sync", "some", 2},
        {POST, "{\"status\":401,\"json\":{\"id\":\"unauthorized\"}}", 1, false, "sync", "ok", 3},
        {POST, "{\"status\":429}", 1, false, "away", "", 1},
        {POST, "{\"error\":\"connect\"}", 1, false, "away", "", 1},
        {POST, "{\"status\":503}", 1, false, "sync", "ok", 3}, /* not there: once more */
        {POST, "{\"status\":503}", 1, true, "sync", "ok", 3},
        {POST, "{\"error\":\"unsure\"}", 1, false, "sync", "ok", 3},
        {POST, "{\"error\":\"unsure\"}", 1, true, "sync", "ok", 3}, /* found */
        {POST, "{\"error\":\"timeout\"}", 1, true, "sync", "ok", 3},
        {POST, "{\"error\":\"unsure\"}", 2, false, "sync", "some", 2}, /* twice: nobody can say */
        {POST, "{\"status\":201,\"error\":\"bad_json\"}", 1, true, "sync", "ok", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(false);
        print_message("%s %s\n", rows[i].match, rows[i].http);
        b->w.faults[0] =
            (struct fault){rows[i].match, 0, rows[i].times, rows[i].http, rows[i].effect};
        hooks_do(&b->w, TEND);
        hooks_end(&b->w, rows[i].what, "");
        assert_string_equal(said(b, "heroku"), rows[i].heroku);
        assert_int_equal(hooks_count(&b->h), rows[i].hooks);
        tended_end(b);
    }
}

static void a_look_that_fails_leaves_the_app_out(void **state) {
    (void)state;
    struct tended *b = tended_begin(false);
    b->w.faults[0] = (struct fault){POST, 0, 1, "{\"error\":\"unsure\"}", true};
    b->w.faults[1] = (struct fault){LIST, 1, 1, "{\"status\":500}", false};
    hooks_do(&b->w, TEND);
    hooks_end(&b->w, "sync", "");
    assert_string_equal(said(b, "heroku"), "some");
    assert_int_equal(hooks_count(&b->h), APPS);
    tended_end(b);
}

static void all_apps_refused_is_none(void **state) {
    (void)state;
    struct tended *b = tended_begin(false);
    b->w.faults[0] = (struct fault){"POST /apps/", 0, APPS,
                                    "{\"status\":403,\"json\":{\"id\":\"forbidden\"}}", false};
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "heroku"), "none");
    tended_end(b);
}

static void without_a_secret_nothing_is_asked(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    sodium_free(b->w.conf.webhook_secret.current);
    sodium_free(b->w.conf.github_webhook_secret.current);
    b->w.conf.webhook_secret.current = b->w.conf.github_webhook_secret.current = NULL;
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "heroku"), "no_secret");
    assert_string_equal(said(b, "github"), "no_secret");
    assert_int_equal(json_array_size(b->w.calls), 5);
    tended_end(b);
}

/* ---- GitHub ---- */

static void github_s_failures_have_their_ends_too(void **state) {
    static const struct {
        const char *match, *http;
        int times;
        bool effect;
        const char *what, *github;
        size_t hooks;
    } rows[] = {
        {GH_LIST, "{\"status\":404,\"json\":{\"message\":\"Not Found\"}}", 1, false, "sync",
         "denied", 0},
        {GH_LIST, "{\"status\":403,\"json\":{\"message\":\"Must have admin rights\"}}", 1, false,
         "sync", "denied", 0},
        {GH_LIST, "{\"status\":502}", 1, false, "away", "", 0},
        {GH_LIST, "{\"error\":\"timeout\"}", 1, false, "away", "", 0},
        {GH_LIST, "{\"status\":429}", 1, false, "away", "", 0},
        {GH_LIST, "{\"status\":401,\"json\":{\"message\":\"Bad credentials\"}}", 1, false, "sync",
         "ok", 1},
        {GH_POST, "{\"status\":404,\"json\":{\"message\":\"Not Found\"}}", 1, false, "sync",
         "denied", 0},
        {GH_POST, "{\"status\":422,\"json\":{\"message\":\"url is not supported\"}}", 2, false,
         "sync", "none", 0},
        {GH_POST, "{\"status\":500}", 1, true, "sync", "ok", 1},
        {GH_POST, "{\"error\":\"unsure\"}", 1, true, "sync", "ok", 1},
        {GH_POST, "{\"error\":\"unsure\"}", 1, false, "sync", "ok", 1},
        {GH_POST, "{\"error\":\"unsure\"}", 2, false, "sync", "none", 0},
        {GH_POST, "{\"error\":\"connect\"}", 1, false, "away", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(true);
        print_message("%s %s\n", rows[i].match, rows[i].http);
        b->w.faults[0] =
            (struct fault){rows[i].match, 0, rows[i].times, rows[i].http, rows[i].effect};
        hooks_do(&b->w, TEND);
        hooks_end(&b->w, rows[i].what, "");
        assert_string_equal(said(b, "github"), rows[i].github);
        assert_int_equal(json_array_size(b->h.github), rows[i].hooks);
        tended_end(b);
    }
}

static void a_repository_s_webhook_that_brings_other_events_is_put_right(void **state) {
    static const char *const keys[] = {"events", "active", "config"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tended *b = tended_begin(true);
        hooks_do(&b->w, TEND);
        json_array_clear(b->w.sent);
        json_t *ours = json_array_get(b->h.github, 0);
        if (i == 0) json_array_append_new(json_object_get(ours, keys[0]), json_string("star"));
        if (i == 1) json_object_set_new(ours, keys[1], json_false());
        if (i == 2)
            json_object_set_new(json_object_get(ours, keys[2]), "content_type",
                                json_string("form"));
        hooks_do(&b->w, TEND);
        assert_string_equal(said(b, "github"), "ok");
        assert_int_equal(b->h.changed, 1);
        assert_int_equal(json_array_size(b->h.github), 1);
        assert_int_equal(json_array_size(json_object_get(json_array_get(b->h.github, 0), "events")),
                         12);
        tended_end(b);
    }
}

static void of_github_nothing_is_asked_that_is_not_needed(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    free(b->w.conf.github_hooks);
    b->w.conf.github_hooks = sw_strdup("app");
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "github"), "app");
    assert_int_equal(json_array_size(b->h.github), 0);
    tended_end(b);
    b = tended_begin(false);
    hooks_do(&b->w, TEND); /* not set up at all */
    assert_string_equal(said(b, "github"), "none");
    tended_end(b);
    b = tended_begin(false);
    free(b->w.conf.github_client_id);
    b->w.conf.github_client_id = sw_strdup("Iv1.client");
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "github"), "no_account");
    tended_end(b);
    b = tended_begin(true);
    b->hub.unconnected = true;
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "github"), "none");
    tended_end(b);
}

static void while_a_secret_is_being_changed_each_webhook_gets_the_new_one(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    hooks_do(&b->w, TEND);
    json_array_clear(b->w.sent);
    hooks_previous(&b->w.conf.webhook_secret);
    hooks_previous(&b->w.conf.github_webhook_secret);
    hooks_do(&b->w, TEND);
    assert_string_equal(said(b, "heroku"), "ok");
    assert_string_equal(said(b, "github"), "ok");
    assert_int_equal(b->h.changed, APPS + 1);
    assert_int_equal(hooks_count(&b->h), APPS + 1);
    tended_end(b);
}

/* A person waits: what could not be done is said, and is done when it is tended. */
static void a_route_that_somebody_types_comes_to_its_end_whatever_webhooks_do(void **state) {
    static const struct {
        const char *match, *http;
        const char *heroku, *github;
    } rows[] = {
        {"nothing", "{}", "ok", "ok"},
        {LIST, "{\"status\":503}", "some", "ok"},
        {LIST, "{\"status\":200,\"json\":[],\"rate_remaining\":10}", "ok", "ok"},
        {POST, "{\"error\":\"connect\"}", "some", "ok"},
        {GH_LIST, "{\"status\":503}", "ok", "none"},
        {GH_LIST, "{\"status\":404}", "ok", "denied"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(true);
        b->w.channel = "{\"ok\":true,\"name\":\"ops\"}";
        b->w.faults[0] = (struct fault){rows[i].match, 0, 1, rows[i].http, false};
        hooks_do(&b->w, "{\"task\":\"route\",\"handler\":\"route\",\"pipeline\":\"storefront\","
                        "\"channel\":\"C0OPS\"}");
        assert_string_equal(sw_str(hooks_end(&b->w, "add", ""), "do"), "add");
        assert_string_equal(said(b, "heroku"), rows[i].heroku);
        assert_string_equal(said(b, "github"), rows[i].github);
        tended_end(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_app_and_the_repository_get_one_webhook_of_ours),
        cmocka_unit_test(what_is_there_is_left_alone),
        cmocka_unit_test(ours_is_found_among_others_on_any_page),
        cmocka_unit_test(what_is_wrong_with_it_is_put_right),
        cmocka_unit_test(what_is_there_twice_is_there_once_afterwards),
        cmocka_unit_test(a_webhook_that_github_has_after_all_is_found),
        cmocka_unit_test(an_entity_that_heroku_does_not_know_is_left_out),
        cmocka_unit_test(each_failure_has_its_end_and_no_app_has_two),
        cmocka_unit_test(a_look_that_fails_leaves_the_app_out),
        cmocka_unit_test(all_apps_refused_is_none),
        cmocka_unit_test(without_a_secret_nothing_is_asked),
        cmocka_unit_test(github_s_failures_have_their_ends_too),
        cmocka_unit_test(a_repository_s_webhook_that_brings_other_events_is_put_right),
        cmocka_unit_test(of_github_nothing_is_asked_that_is_not_needed),
        cmocka_unit_test(while_a_secret_is_being_changed_each_webhook_gets_the_new_one),
        cmocka_unit_test(a_route_that_somebody_types_comes_to_its_end_whatever_webhooks_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
