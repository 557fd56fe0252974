/* test_notifier_route.c -- routes are made, listed, tested, taken away and taken over, through sw_step. */
#include "notifier_world.h"

static void a_route_is_kept_confirmed_indexed_and_in_the_audit(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'only': ['deploys'], 'branch': 'main'}", id);
    world_expect(&w, "private route.added U0ADA");
    SW_AUTO(sw_text) char *test = sw_printf("route test %s", id);
    const json_t *buttons = json_object_get(world_data(&w, "route.added"), "buttons");
    assert_string_equal(sw_str(json_array_get(buttons, 0), "line"), test);
    assert_int_equal(strlen(id), 4);
    assert_int_equal(id[0], 'r');
    world_expect_outputs(&w, "source", "pipeline/p1 github/7 heroku/p1-prod heroku/p1-stag");
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    const json_t *route = json_array_get(json_object_get(pipe, "routes"), 0);
    assert_string_equal(sw_str(route, "channel"), "C0OPS");
    assert_string_equal(sw_str(route, "branch"), "main");
    assert_string_equal(sw_str(route, "by"), "U0ADA");
    assert_int_equal(sw_int(route, "since_ms"), START_MS);
    assert_string_equal(sw_str(json_object_get(pipe, "owner"), "user"), "U0ADA");
    assert_string_equal(json_string_value(world_fact(&w, "route", id)), "p1");
    static const char *const lists[][2] = {{"chan", "C0OPS"},
                                           {"owner", "U0ADA"},
                                           {"all", ""},
                                           {"src", "github/7"},
                                           {"src", "heroku/p1-stag"}};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        const json_t *list = world_fact(&w, lists[i][0], lists[i][1]);
        assert_int_equal(json_array_size(list), 1);
        assert_string_equal(json_string_value(json_array_get(list, 0)), "p1");
    }
    assert_int_equal(json_object_size(w.timers), 2);
    SW_AUTO(sw_json) json_t *audit = world_outputs(&w, "audit", NULL, NULL);
    const json_t *entry = json_object_get(json_array_get(audit, 0), "value");
    assert_string_equal(sw_str(entry, "task"), "route");
    assert_string_equal(sw_str(entry, "pipeline"), "storefront");
    assert_string_equal(sw_str(json_object_get(entry, "accounts"), "heroku"), "U0ADA@example.com");
    world_finish(&w);
}

static void the_same_channel_and_pipeline_again_is_changed_not_doubled(void **state) {
    struct world w;
    char first[16], again[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'only': ['deploys']}", first);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'states': ['failed']}", again);
    assert_string_equal(first, again);
    assert_true(json_is_true(json_object_get(world_data(&w, "route.added"), "changed")));
    const json_t *routes = json_object_get(world_fact(&w, "pipe", "p1"), "routes");
    assert_int_equal(json_array_size(routes), 1);
    assert_null(json_object_get(json_array_get(routes, 0), "only"));
    assert_non_null(json_object_get(json_array_get(routes, 0), "states"));
    world_expect_outputs(&w, "source", ""); /* it is there */
    world_finish(&w);
}

static void what_is_missing_is_said_to_who_asked(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_t *body = world_seen("p1", "storefront", "U0ADA");
    json_object_set_new(body, "hooks", world_json("{'heroku': 'some', 'github': 'denied'}"));
    json_object_set_new(body, "route", world_json("{'channel': 'C0OPS'}"));
    assert_int_equal(world_route(&w, "add", "U0ADA", "C0DEV", body), 0);
    const json_t *data = world_data(&w, "route.added");
    assert_string_equal(sw_str(json_object_get(data, "hooks"), "github"), "denied");
    assert_string_equal(sw_str(data, "repo"), "acme/storefront");
    world_finish(&w);
}

static void there_are_limits_and_they_are_said(void **state) {
    struct world w;
    char id[16], channel[16], pipeline[16];
    (void)state;
    world_init(&w);
    for (int i = 0; i < 50; i++) {
        snprintf(channel, sizeof(channel), "C%d", i);
        world_add(&w, "p1", "U0ADA", channel, NULL, id);
    }
    json_t *body = world_seen("p1", "storefront", "U0ADA");
    json_object_set_new(body, "route", world_json("{'channel': 'C50'}"));
    assert_int_equal(world_route(&w, "add", "U0ADA", "C0DEV", body), 0);
    world_expect(&w, "private route.too_many U0ADA");
    assert_string_equal(sw_str(world_data(&w, "route.too_many"), "what"), "routes");
    world_expect_outputs(&w, "store", "");
    for (int i = 2; i <= 200; i++) {
        snprintf(pipeline, sizeof(pipeline), "p%d", i);
        world_add(&w, pipeline, "U0ADA", "C0OPS", NULL, id);
    }
    body = world_seen("p201", "one-too-many", "U0ADA");
    json_object_set_new(body, "route", world_json("{'channel': 'C0OPS'}"));
    assert_int_equal(world_route(&w, "add", "U0ADA", "C0DEV", body), 0);
    assert_string_equal(sw_str(world_data(&w, "route.too_many"), "what"), "pipelines");
    world_finish(&w);
}

static void ids_are_short_and_no_two_are_the_same(void **state) {
    struct world w;
    char id[16], channel[16];
    (void)state;
    world_init(&w);
    SW_AUTO(sw_json) json_t *seen = json_object();
    for (int i = 0; i < 400; i++) {
        SW_AUTO(sw_text) char *pipeline = sw_printf("p%d", i % 10);
        snprintf(channel, sizeof(channel), "C%d", i / 10);
        world_add(&w, pipeline, "U0ADA", channel, NULL, id);
        assert_null(json_object_get(seen, id));
        json_object_set_new(seen, id, json_true());
        assert_true(strlen(id) <= 6);
    }
    world_finish(&w);
}

/* By its id, by its pipeline, by an id that is typed like a pipeline. */
static void a_route_is_removed_by_what_names_it(void **state) {
    static const struct {
        const char *body; /* %s: its id */
        bool gone;
    } rows[] = {
        {"{'channel': 'C0OPS', 'pipeline': 'storefront'}", true},
        {"{'channel': 'C0DEV', 'pipeline': 'storefront'}", false},
        {"{'channel': 'C0OPS', 'pipeline': 'other'}", false},
        {"{'channel': 'C0DEV', 'pipeline': '%s'}", true},
        {"{'id': '%s'}", true},
        {"{'id': 'rxxxx'}", false},
        {"{'id': '../x'}", false},
        {"{'channel': 'C0OPS', 'sure': true}", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16], text[256];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
        const char *at = strstr(rows[i].body, "%s");
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at ? at - rows[i].body : 255), rows[i].body,
                 at ? id : "", at ? at + 2 : "");
        assert_int_equal(world_route(&w, "remove", "U0ADA", "C0DEV", world_json(text)), 0);
        world_expect(&w, rows[i].gone ? "private route.removed U0ADA" : "private route.none U0ADA");
        assert_int_equal(world_fact(&w, "pipe", "p1") == NULL, rows[i].gone);
        assert_int_equal(json_object_size(w.timers), rows[i].gone ? 0 : 2);
        world_expect_outputs(&w, "unsource",
                             rows[i].gone ? "pipeline/p1 github/7 heroku/p1-prod heroku/p1-stag"
                                          : "");
        if (rows[i].gone) assert_int_equal(json_object_size(w.facts), 0);
        world_finish(&w);
    }
}

static void all_of_a_channel_is_asked_back_first(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p2", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p2", "U0ADA", "C0DEV", NULL, id);
    assert_int_equal(world_route(&w, "remove", "U0BOB", "C0OPS", json_object()), 0);
    world_expect(&w, "private route.sure U0BOB");
    assert_int_equal(json_array_size(world_fact(&w, "chan", "C0OPS")), 2);
    assert_int_equal(world_route(&w, "remove", "U0BOB", "C0OPS", world_json("{'sure': true}")), 0);
    world_expect(&w, "private route.removed U0BOB; direct route.removed.owner U0ADA; "
                     "direct route.removed.owner U0ADA");
    assert_null(world_fact(&w, "chan", "C0OPS"));
    assert_int_equal(json_array_size(world_fact(&w, "all", "")), 1);
    world_finish(&w);
}

static void a_source_is_listened_to_while_anybody_needs_it(void **state) {
    struct world w;
    char one[16], two[16], three[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, one);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, two);
    world_add(&w, "p2", "U0ADA", "C0OPS", NULL, three); /* of the same repository */
    world_expect_outputs(&w, "source", "pipeline/p2 github/7 heroku/p2-prod heroku/p2-stag");
    world_route(&w, "remove", "U0ADA", "C0OPS", json_pack("{s:s}", "id", one));
    world_expect_outputs(&w, "unsource", "");
    /* An app that was operated on is asked for by executor, too. */
    json_object_set_new(w.facts, "app/T0SIM1/p1-prod", json_pack("{s:s}", "op", "0001-a"));
    world_route(&w, "remove", "U0ADA", "C0OPS", json_pack("{s:s}", "id", two));
    world_expect_outputs(&w, "unsource", "pipeline/p1 heroku/p1-stag");
    world_route(&w, "remove", "U0ADA", "C0OPS", json_pack("{s:s}", "id", three));
    world_expect_outputs(&w, "unsource", "pipeline/p2 github/7 heroku/p2-prod heroku/p2-stag");
    world_finish(&w);
}

static void a_private_channel_is_listed_in_itself_only(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0SECRET", "{'private': true, 'channel_name': 'secret'}", id);
    world_route(&w, "list", "U0BOB", "C0OPS", json_object());
    assert_int_equal(json_array_size(json_object_get(world_data(&w, "route.list"), "here")), 0);
    assert_int_equal(json_array_size(json_object_get(world_data(&w, "route.list"), "others")), 0);
    world_route(&w, "list", "U0ADA", "C0SECRET", json_object());
    assert_int_equal(json_array_size(json_object_get(world_data(&w, "route.list"), "here")), 1);
    world_finish(&w);
}

static void a_list_begins_with_this_channel(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    assert_int_equal(world_route(&w, "list", "U0BOB", "C0OPS", json_object()), 0);
    assert_int_equal(json_array_size(json_object_get(world_data(&w, "route.list"), "here")), 0);
    world_add(&w, "p1", "U0ADA", "C0DEV", "{'only': ['ci']}", id);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p2", "U0BOB", "C0OPS", NULL, id);
    world_route(&w, "list", "U0BOB", "C0OPS", json_object());
    const json_t *data = world_data(&w, "route.list");
    assert_int_equal(json_array_size(json_object_get(data, "here")), 2);
    const json_t *other = json_array_get(json_object_get(data, "others"), 0);
    assert_string_equal(sw_str(other, "channel"), "C0DEV");
    assert_string_equal(sw_str(other, "owner"), "U0ADA");
    assert_int_equal(json_array_size(json_object_get(other, "only")), 1);
    world_route(&w, "list", "U0BOB", "C0OPS", world_json("{'pipeline': 'p2'}"));
    data = world_data(&w, "route.list");
    assert_int_equal(json_array_size(json_object_get(data, "here")), 1);
    assert_int_equal(json_array_size(json_object_get(data, "others")), 0);
    world_finish(&w);
}

static void a_test_goes_the_way_of_an_event(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    assert_int_equal(world_route(&w, "test", "U0BOB", "C0DEV", json_pack("{s:s}", "id", id)), 0);
    world_expect(&w, "notice C0OPS 1; private route.tested U0BOB");
    SW_AUTO(sw_json) json_t *sent = world_outputs(&w, "send", "responder", SW_KIND_NOTICE);
    const json_t *body = json_object_get(json_array_get(sent, 0), "body");
    assert_true(json_is_true(json_object_get(body, "test")));
    assert_string_equal(sw_str(json_object_get(body, "parent"), "template"), "route.test");
    world_route(&w, "test", "U0BOB", "C0DEV", world_json("{'id': 'rnone'}"));
    world_expect(&w, "private route.none U0BOB");
    world_finish(&w);
}

static void who_adds_to_a_pipeline_of_another_does_not_become_its_owner(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    /* Bob does not see the repository: his channel does not, either, and Ada's still does. */
    json_t *body = world_seen("p1", "storefront", "U0BOB");
    json_object_del(body, "repo");
    json_object_set_new(body, "hooks", world_json("{'heroku': 'ok', 'github': 'denied'}"));
    json_object_set_new(body, "route", world_json("{'channel': 'C0BOB'}"));
    assert_int_equal(world_route(&w, "add", "U0BOB", "C0BOB", body), 0);
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    assert_string_equal(sw_str(json_object_get(pipe, "owner"), "user"), "U0ADA");
    assert_string_equal(sw_str(json_object_get(pipe, "hooks"), "github"), "ok");
    assert_int_equal(sw_int(json_object_get(pipe, "repo"), "id"), 7);
    const json_t *routes = json_object_get(pipe, "routes");
    assert_null(json_object_get(json_array_get(routes, 0), "blind"));
    assert_true(json_is_true(json_object_get(json_array_get(routes, 1), "blind")));
    assert_null(world_fact(&w, "owner", "U0BOB"));
    world_expect_outputs(&w, "unsource", "");
    world_finish(&w);
}

static int lose(struct world *w, const char *user, const char *reason) {
    return world_route(w, "lost", user, "C0DEV",
                       json_pack("{s:{s:s}, s:s}", "pipeline", "id", "p1", "reason", reason));
}

static void who_resumes_becomes_the_owner_and_the_pause_ends(void **state) {
    struct world w;
    char ops[16], dev[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, ops);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, dev);
    assert_int_equal(lose(&w, "U0ADA", "denied"), 0);
    assert_int_equal(world_resume(&w, "U0BOB", ops), 0);
    world_expect(&w, "say route.resumed.channel C0OPS; say route.resumed.channel C0DEV; "
                     "direct route.taken U0ADA; private route.resumed U0BOB");
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    assert_string_equal(sw_str(json_object_get(pipe, "owner"), "user"), "U0BOB");
    assert_null(world_fact(&w, "owner", "U0ADA"));
    assert_int_equal(json_array_size(world_fact(&w, "owner", "U0BOB")), 1);
    /* Whether it can go on is for its channel to say. */
    SW_AUTO(sw_json) json_t *asked = world_outputs(&w, "send", "responder", SW_KIND_CHANNEL);
    const json_t *ask = json_object_get(json_array_get(asked, 0), "body");
    assert_int_equal(json_array_size(asked), 1);
    assert_string_equal(sw_str(ask, "channel"), "C0OPS");
    assert_string_equal(sw_str(json_object_get(ask, "who"), "user"), "U0BOB");
    /* What the tending of the old owner still says is not of the new one. */
    assert_int_equal(lose(&w, "U0ADA", "unlinked"), 0);
    world_expect(&w, "");
    json_t *more = world_seen("p1", "storefront", "U0ADA");
    json_object_set_new(json_object_get(more, "repo"), "id", json_integer(8));
    assert_int_equal(world_route(&w, "sync", "U0ADA", "C0DEV", more), 0);
    assert_int_equal(json_array_size(w.out), 0);
    world_resume(&w, "U0BOB", "rnone");
    world_expect(&w, "private route.none U0BOB");
    SW_AUTO(sw_json) json_t *none = world_outputs(&w, "store", NULL, NULL);
    assert_int_equal(json_array_size(none), 0);
    world_finish(&w);
}

static void two_installations_in_one_shard_do_not_mix(void **state) {
    struct world w;
    char one[16], two[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, one);
    w.inst = "T0SIM2";
    world_route(&w, "list", "U0BOB", "C0OPS", json_object());
    assert_int_equal(json_array_size(json_object_get(world_data(&w, "route.list"), "here")), 0);
    world_add(&w, "p1", "U0BOB", "C0OPS", NULL, two);
    world_route(&w, "remove", "U0BOB", "C0OPS", json_pack("{s:s}", "id", two));
    assert_null(world_fact(&w, "pipe", "p1"));
    w.inst = "T0SIM1";
    assert_non_null(world_fact(&w, "pipe", "p1"));
    assert_int_equal(json_object_size(w.timers), 2);
    world_finish(&w);
}

static void what_is_not_whole_goes_dead(void **state) {
    static const struct {
        const char *what, *body;
    } rows[] = {
        {"", "{}"},
        {"dance", "{}"},
        {"add", "{}"},
        {"add", "{'pipeline': {'id': 'p1'}, 'route': {'channel': 'C0OPS'}}"},
        {"add", "{'pipeline': {'id': 'p/1 2'}, 'route': {'channel': 'C0OPS'}, " OWNER("U0A") "}"},
        {"add", "{'pipeline': {'id': 'p1'}, 'route': {'channel': '#ops'}, " OWNER("U0A") "}"},
        {"remove", "{'channel': '#ops'}"},
        {"resume", "{'id': 'r1'}"},
        {"sync", "{}"},
        {"away", "{}"},
        {"lost", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        print_message("row %zu\n", i);
        world_init(&w);
        assert_int_equal(world_route(&w, rows[i].what, "U0ADA", "C0DEV", world_json(rows[i].body)),
                         -EBADMSG);
        world_finish(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_kept_confirmed_indexed_and_in_the_audit),
        cmocka_unit_test(the_same_channel_and_pipeline_again_is_changed_not_doubled),
        cmocka_unit_test(what_is_missing_is_said_to_who_asked),
        cmocka_unit_test(there_are_limits_and_they_are_said),
        cmocka_unit_test(ids_are_short_and_no_two_are_the_same),
        cmocka_unit_test(a_route_is_removed_by_what_names_it),
        cmocka_unit_test(all_of_a_channel_is_asked_back_first),
        cmocka_unit_test(a_source_is_listened_to_while_anybody_needs_it),
        cmocka_unit_test(a_list_begins_with_this_channel),
        cmocka_unit_test(a_private_channel_is_listed_in_itself_only),
        cmocka_unit_test(a_test_goes_the_way_of_an_event),
        cmocka_unit_test(who_adds_to_a_pipeline_of_another_does_not_become_its_owner),
        cmocka_unit_test(who_resumes_becomes_the_owner_and_the_pause_ends),
        cmocka_unit_test(two_installations_in_one_shard_do_not_mix),
        cmocka_unit_test(what_is_not_whole_goes_dead),
    };
    return cmocka_run_group_tests_name("notifier_route", tests, NULL, NULL);
}
