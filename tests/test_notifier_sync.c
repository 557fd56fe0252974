/* test_notifier_sync.c -- a pipeline, its webhooks and the index stay in line with what its people see, through sw_step. */
#include "notifier_world.h"

static json_t *sync_of(const char *apps, const char *repo, const char *hooks) {
    json_t *body = json_pack("{s:{s:s, s:s}, s:o, s:o}", "pipeline", "id", "p1", "name", "shop",
                             "apps", world_json(apps), "hooks", world_json(hooks));
    if (repo) json_object_set_new(body, "repo", world_json(repo));
    return body;
}

static void who_sees_fewer_apps_takes_none_from_the_owner(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    json_t *body = world_seen("p1", "storefront", "U0BOB");
    json_array_remove(json_object_get(body, "apps"), 0);
    json_object_set_new(body, "route", world_json("{'channel': 'C0BOB'}"));
    assert_int_equal(world_route(&w, "add", "U0BOB", "C0BOB", body), 0);
    assert_int_equal(json_array_size(json_object_get(world_fact(&w, "pipe", "p1"), "apps")), 2);
    world_expect_outputs(&w, "unsource", "");
    /* The owner's own word does. */
    body = world_seen("p1", "storefront", "U0ADA");
    json_array_remove(json_object_get(body, "apps"), 0);
    assert_int_equal(world_route(&w, "sync", "U0ADA", "C0DEV", body), 0);
    world_expect_outputs(&w, "unsource", "heroku/p1-prod");
    world_finish(&w);
}

static void the_index_follows_apps_repository_and_name(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    assert_int_equal(
        world_route(&w, "sync", "U0ADA", "C0DEV",
                    sync_of("[{'id': 'p1-prod', 'name': 'a', 'stage': 'production'}, "
                            "{'id': 'new', 'name': 'b', 'stage': 'staging'}]",
                            "{'id': 8, 'name': 'acme/shop'}", "{'heroku': 'ok', 'github': 'ok'}")),
        0);
    world_expect(&w, "");
    world_expect_outputs(&w, "source", "github/8 heroku/new");
    world_expect_outputs(&w, "unsource", "github/7 heroku/p1-stag");
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    assert_string_equal(sw_str(json_object_get(pipe, "pipeline"), "name"), "shop");
    /* GitHub was not asked: the repository stays. It is gone: so is its source. */
    world_route(&w, "sync", "U0ADA", "C0DEV",
                sync_of("[]", NULL, "{'heroku': 'ok', 'github': 'away'}"));
    world_expect_outputs(&w, "unsource", "heroku/p1-prod heroku/new");
    world_route(&w, "sync", "U0ADA", "C0DEV",
                sync_of("[]", NULL, "{'heroku': 'ok', 'github': 'none'}"));
    world_expect_outputs(&w, "unsource", "github/8");
    world_finish(&w);
}

static void an_owner_hears_when_webhooks_stop(void **state) {
    static const struct {
        const char *before, *now;
        bool told;
    } rows[] = {
        {"{'heroku': 'ok', 'github': 'ok'}", "{'heroku': 'ok', 'github': 'denied'}", true},
        {"{'heroku': 'ok', 'github': 'app'}", "{'heroku': 'ok', 'github': 'none'}", true},
        {"{'heroku': 'ok', 'github': 'ok'}", "{'heroku': 'none', 'github': 'ok'}", true},
        {"{'heroku': 'ok', 'github': 'denied'}", "{'heroku': 'ok', 'github': 'denied'}", false},
        {"{'heroku': 'ok', 'github': 'denied'}", "{'heroku': 'ok', 'github': 'ok'}", false},
        {"{'heroku': 'ok', 'github': 'ok'}", "{'heroku': 'ok', 'github': 'app'}", false},
        {"{'heroku': 'ok', 'github': 'ok'}", "{'heroku': 'away', 'github': 'away'}", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        print_message("row %zu\n", i);
        world_init(&w);
        json_t *body = world_seen("p1", "storefront", "U0ADA");
        json_object_set_new(body, "hooks", world_json(rows[i].before));
        json_object_set_new(body, "route", world_json("{'channel': 'C0OPS'}"));
        world_route(&w, "add", "U0ADA", "C0DEV", body);
        world_route(&w, "sync", "U0ADA", "C0DEV",
                    sync_of("[]", "{'id': 7, 'name': 'acme/storefront'}", rows[i].now));
        world_expect(&w, rows[i].told ? "direct route.hooks U0ADA" : "");
        world_finish(&w);
    }
}

static void an_owner_who_loses_the_repository_keeps_the_apps(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    for (int i = 0; i < 2; i++) {
        json_t *body = sync_of("[]", NULL, "{'heroku': 'ok', 'github': 'denied'}");
        json_object_set_new(body, "github", json_string("lost"));
        world_route(&w, "sync", "U0ADA", "C0DEV", body);
        world_expect(&w, i ? "" : "say route.lost.channel C0OPS; direct route.lost U0ADA");
    }
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    assert_null(json_object_get(json_array_get(json_object_get(pipe, "routes"), 0), "paused"));
    assert_null(world_fact(&w, "src", "github/7"));
    /* Who takes it over brings it back. */
    assert_int_equal(world_resume(&w, "U0BOB", id), 0);
    assert_non_null(world_fact(&w, "src", "github/7"));
    world_finish(&w);
}

static void many_apps_are_indexed_in_steps(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_t *body = world_seen("p1", "storefront", "U0ADA"), *apps = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(apps, json_pack("{s:o, s:s, s:s}", "id", json_sprintf("app-%d", i),
                                              "name", "x", "stage", "staging"));
    json_object_set_new(body, "apps", apps);
    json_object_set_new(body, "route", world_json("{'channel': 'C0OPS'}"));
    assert_int_equal(world_route(&w, "add", "U0ADA", "C0DEV", body), 0);
    SW_AUTO(sw_json) json_t *sources = world_outputs(&w, "source", NULL, NULL);
    assert_int_equal(json_array_size(sources), 102);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sees_fewer_apps_takes_none_from_the_owner),
        cmocka_unit_test(the_index_follows_apps_repository_and_name),
        cmocka_unit_test(an_owner_hears_when_webhooks_stop),
        cmocka_unit_test(an_owner_who_loses_the_repository_keeps_the_apps),
        cmocka_unit_test(many_apps_are_indexed_in_steps),
    };
    return cmocka_run_group_tests_name("notifier_sync", tests, NULL, NULL);
}
