/* test_notifier_private.c -- who may not see a repository or a channel learns nothing of it, and records that others wrote to the
 * stream harm nobody; through sw_step. */
#include "notifier_events.h"

static json_t *test_run(const struct world *w, const char *id, const char *status) {
    SW_AUTO(sw_text)
    char *text =
        sw_printf("{'v': 1, 'source': 'pipeline/p1', 'type': 'test-run', 'event_id': '%s', "
                  "'at_ms': %s, 'action': 'update', 'pipeline': {'id': 'p1'}, 'run': {'id': 't1', "
                  "'number': 3, 'status': '%s', 'sha': '" SHA "', 'branch': 'main'}}",
                  id, at(w->now_ms), status);
    return world_json(text);
}

/* What the channel was told last, as one text; "": nothing. The caller's. */
static char *told_in(const struct world *w, const char *channel) {
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", "responder", SW_KIND_NOTICE);
    char *text = sw_strdup("");
    size_t i;
    json_t *one;
    json_array_foreach(sent, i, one) {
        const json_t *body = json_object_get(one, "body");
        if (strcmp(sw_str(json_object_get(body, "who"), "channel"), channel) != 0) continue;
        free(text);
        text = json_dumps(body, JSON_COMPACT);
    }
    return text;
}

static void route_blind(struct world *w, const char *user, const char *channel, const char *how) {
    json_t *body = world_seen("p1", "storefront", user);
    json_object_del(body, "repo");
    json_object_set_new(body, "hooks", json_pack("{s:s, s:s}", "heroku", "ok", "github", how));
    json_object_set_new(body, "route", json_pack("{s:s}", "channel", channel));
    assert_int_equal(world_route(w, "add", user, channel, body), 0);
}

static void heroku_s_half_of_a_commit_does_not_bring_github_s(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    route_blind(&w, "U0BOB", "C0BOB", "denied");
    event(&w, push(&w, "d1", "main")); /* "Fix it", by ada, of acme/storefront */
    event(&w, check(&w, "d2", "completed", "success"));
    world_expect(&w, "notice C0OPS 2");
    event(&w, test_run(&w, "e1", "failed"));
    world_expect(&w, "notice C0OPS 3; notice C0BOB 3");
    SW_AUTO(sw_text) char *all = told_in(&w, "C0OPS"), *half = told_in(&w, "C0BOB");
    static const char *const secrets[] = {"Fix it", "acme/storefront", "ada", "test\""};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
        assert_non_null(strstr(all, secrets[i]));
        if (strstr(half, secrets[i])) fail_msg("%s in %s", secrets[i], half);
    }
    assert_non_null(strstr(half, "Heroku CI"));
    /* A repeat says nothing new there, either. */
    event(&w, test_run(&w, "e1-again", "failed"));
    assert_string_equal(verdict(&w, "e1-again", 1), "posted"); /* a later time: a newer state */
    world_finish(&w);
}

static void who_is_told_of_no_repository_where_others_see_one_hears_nothing_of_it(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    route_blind(&w, "U0BOB", "C0BOB", "none");
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "notice C0OPS 1");
    assert_string_equal(verdict(&w, "d1", 1), "blind");
    world_finish(&w);
}

static void only_a_private_channel_hears_of_its_own_route(void **state) {
    struct world w;
    char id[16];
    static const char *const asks[] = {"why", "d1", "why", "1f0c2d3", "why", "unheard-of"};
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0SECRET", "{'private': true}", id);
    event(&w, push(&w, "d1", "main"));
    for (size_t i = 0; i < 6; i += 2) {
        world_route(&w, asks[i], "U0BOB", "C0ALL", json_pack("{s:s}", "id", asks[i + 1]));
        const json_t *data = world_data(&w, "route.why.unknown");
        assert_int_equal(json_array_size(json_object_get(data, "whose")), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        json_t *body = json_pack("{s:s}", i ? "id" : "pipeline", id);
        world_route(&w, i ? "test" : "remove", "U0BOB", "C0ALL", body);
        world_expect(&w, "private route.none U0BOB");
    }
    assert_non_null(world_fact(&w, "route", id));
    /* Inside, and its owner anywhere. */
    world_route(&w, "why", "U0BOB", "C0SECRET", json_pack("{s:s}", "id", "d1"));
    world_expect(&w, "private route.why U0BOB");
    world_route(&w, "test", "U0ADA", "C0ALL", json_pack("{s:s}", "id", id));
    world_expect(&w, "notice C0SECRET 1; private route.tested U0ADA");
    world_route(&w, "remove", "U0BOB", "C0SECRET", json_pack("{s:s}", "pipeline", id));
    assert_null(world_fact(&w, "route", id));
    world_finish(&w);
}

static void a_channel_that_was_made_private_is_hidden_from_then_on(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    for (int private = 1; private >= 0; private --) {
        json_t *body = json_pack("{s:s, s:s, s:b, s:b}", "channel", "C0OPS", "name", "ops", "ok", 1,
                                 "private", private);
        assert_int_equal(world_step(&w, SW_KIND_CHANNEL_STATE, body), 0);
        world_expect(&w, "");
        world_route(&w, "list", "U0BOB", "C0ALL", json_object());
        const json_t *others = json_object_get(world_data(&w, "route.list"), "others");
        assert_int_equal(json_array_size(others), private ? 0 : 1);
    }
    world_finish(&w);
}

static void beside_a_public_route_a_private_one_is_left_out(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0SECRET", "{'private': true}", id);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    event(&w, push(&w, "d1", "main"));
    world_route(&w, "why", "U0BOB", "C0ALL", json_pack("{s:s}", "id", "d1"));
    SW_AUTO(sw_text) char *shown = json_dumps(world_data(&w, "route.why"), JSON_COMPACT);
    assert_non_null(strstr(shown, "C0OPS"));
    assert_null(strstr(shown, "C0SECRET"));
    world_finish(&w);
}

/* Whoever may write to the stream writes what they like. */
static void a_record_without_what_it_must_have_is_no_dead_letter(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    static const char *const types[] = {
        "push",         "status",  "check_run", "workflow_run", "deployment", "deployment_status",
        "pull_request", "release", "create",    "check_suite",  "repository", "api:release",
        "api:build",    "api:app", "dyno",      "api:dyno",     "test-run",   "unheard"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        char name[16];
        snprintf(name, sizeof(name), "x%zu", i);
        json_t *body = json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "source", "github/7", "type",
                                 types[i], "event_id", name);
        assert_int_equal(event(&w, json_deep_copy(body)), 0);
        json_object_set_new(body, "at_ms", json_integer(w.now_ms));
        assert_int_equal(event(&w, body), 0);
        world_expect(&w, "");
        assert_string_not_equal(sw_str(world_fact(&w, "why", name), "never"), "");
    }
    world_finish(&w);
}

static void a_record_as_large_as_can_be_makes_no_state_that_is_larger(void **state) {
    struct world w;
    char id[16], pad[30001];
    (void)state;
    world_init(&w);
    memset(pad, 'a', sizeof(pad) - 1);
    pad[sizeof(pad) - 1] = 0;
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    for (int i = 0; i < 10; i++) {
        json_t *body = heroku(&w, "dyno", "p1-prod", "x",
                              "'dyno': {'name': 'web.1', 'state': 'up', 'release': 43}");
        json_object_set_new(body, "pad", json_string(pad));
        assert_int_equal(event(&w, body), 0);
        body = heroku(&w, "api:app", "p1-prod", "y", "'x': 1");
        json_object_set_new(json_object_get(body, "app"), "name", json_string(pad));
        assert_int_equal(event(&w, body), 0);
        body = github(&w, "repository", "z", "'action': 'renamed'");
        json_object_set_new(json_object_get(body, "repo"), "name", json_string(pad));
        assert_int_equal(event(&w, body), 0);
    }
    const char *key;
    json_t *value;
    json_object_foreach(w.facts, key, value) {
        if (json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > 8192) fail_msg("%s", key);
    }
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heroku_s_half_of_a_commit_does_not_bring_github_s),
        cmocka_unit_test(who_is_told_of_no_repository_where_others_see_one_hears_nothing_of_it),
        cmocka_unit_test(only_a_private_channel_hears_of_its_own_route),
        cmocka_unit_test(a_channel_that_was_made_private_is_hidden_from_then_on),
        cmocka_unit_test(beside_a_public_route_a_private_one_is_left_out),
        cmocka_unit_test(a_record_without_what_it_must_have_is_no_dead_letter),
        cmocka_unit_test(a_record_as_large_as_can_be_makes_no_state_that_is_larger),
    };
    return cmocka_run_group_tests_name("notifier_private", tests, NULL, NULL);
}
