/* test_notifier_event.c -- which channel an event is shown in, and why, through sw_step. */
#include "notifier_events.h"

static void a_subject_is_one_message_that_grows(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    assert_int_equal(event(&w, push(&w, "d1", "main")), 0);
    world_expect(&w, "notice C0OPS 1");
    SW_AUTO(sw_json) json_t *sent = world_outputs(&w, "send", "responder", SW_KIND_NOTICE);
    const json_t *body = json_object_get(json_array_get(sent, 0), "body");
    assert_string_equal(sw_str(body, "op"), "n/commit/7/" SHA "/C0OPS");
    assert_string_equal(sw_str(json_object_get(body, "who"), "team"), "T0SIM1");
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "");
    assert_non_null(json_object_get(body, "parent"));
    assert_non_null(json_object_get(body, "digest"));
    assert_true(json_is_true(json_object_get(json_array_get(sent, 0), "bulk")));
    event(&w, check(&w, "d2", "in_progress", NULL));
    world_expect(&w, "notice C0OPS 2");
    json_t *failed = check(&w, "d3", "completed", "failure"), *again = json_deep_copy(failed);
    event(&w, failed);
    world_expect(&w, "notice C0OPS 3");
    /* A repeat says nothing new, and does not hide what its first time said. */
    event(&w, again);
    world_expect(&w, "");
    assert_string_equal(verdict(&w, "d3", 0), "posted");
    world_finish(&w);
}

static json_int_t number_told(const struct world *w) {
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", "responder", SW_KIND_NOTICE);
    return sw_int(json_object_get(json_array_get(sent, 0), "body"), "n");
}

/* Responder may hold longer what it was not told the end of. */
static void a_subject_that_was_forgotten_is_newer_when_it_begins_again(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    event(&w, push(&w, "d1", "main"));
    event(&w, check(&w, "d2", "completed", "failure"));
    json_int_t before = number_told(&w);
    w.now_ms += 4 * DAY_MS;
    assert_int_equal(json_object_del(w.facts, "subj/T0SIM1/commit/7/" SHA), 0);
    event(&w, check(&w, "d3", "completed", "success"));
    assert_true(number_told(&w) > before);
    world_finish(&w);
}

static void a_repeat_is_not_told(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    json_t *body = push(&w, "d1", "main");
    json_t *again = json_deep_copy(body);
    json_object_set_new(again, "event_id", json_string("d1-again"));
    event(&w, body);
    event(&w, again);
    world_expect(&w, "");
    assert_string_equal(verdict(&w, "d1-again", 0), "old");
    SW_AUTO(sw_json) json_t *tally = world_outputs(&w, "tally", NULL, NULL);
    const json_t *labels = json_object_get(json_array_get(tally, 0), "value");
    assert_string_equal(json_string_value(json_array_get(labels, 0)), "nothing_new");
    world_finish(&w);
}

static void several_routes_to_a_channel_are_one_notice(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'only': ['pushes']}", id);
    world_add(&w, "p2", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p2", "U0ADA", "C0DEV", "{'only': ['ci']}", id);
    world_add(&w, "p2", "U0ADA", "C0ALL", NULL, id);
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "notice C0OPS 1; notice C0ALL 1");
    world_finish(&w);
}

static void a_deployment_is_of_the_pipeline_whose_app_it_names(void **state) {
    static const struct {
        const char *environment, *told;
    } rows[] = {
        {"p2-app", "notice C0TWO 1"},
        {"production/p2-app", "notice C0TWO 1"},
        {"storefront-staging", "notice C0ONE 1"},
        {"production", "notice C0ONE 1; notice C0TWO 1"}, /* nobody knows whose */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0ONE", NULL, id);
        json_t *body = world_seen("p2", "eu", "U0ADA");
        json_object_set_new(
            body, "apps", world_json("[{'id': 'p2-a', 'name': 'p2-app', 'stage': 'production'}]"));
        json_object_set_new(body, "route", world_json("{'channel': 'C0TWO'}"));
        assert_int_equal(world_route(&w, "add", "U0ADA", "C0TWO", body), 0);
        SW_AUTO(sw_text)
        char *more = sw_printf("'action': 'created', 'deployment': {'id': 99, 'sha': '" SHA
                               "', 'ref': 'main', 'environment': '%s', 'task': 'deploy', "
                               "'creator': {'id': 12, 'login': 'ada'}}",
                               rows[i].environment);
        assert_int_equal(event(&w, github(&w, "deployment", "d1", more)), 0);
        world_expect(&w, rows[i].told);
        world_finish(&w);
    }
}

static void add_many(struct world *w, const char *pipeline, const char *prefix, int count) {
    char id[16], channel[16];
    for (int i = 0; i < count; i++) {
        snprintf(channel, sizeof(channel), "C%s%d", prefix, i);
        world_add(w, pipeline, "U0ADA", channel, NULL, id);
    }
}

static size_t noticed(const struct world *w) {
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", "responder", SW_KIND_NOTICE);
    return json_array_size(sent);
}

static void all_channels_that_a_pipeline_may_have_hear_of_an_event(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    add_many(&w, "p1", "", 50);
    assert_int_equal(event(&w, push(&w, "d1", "main")), 0);
    assert_int_equal(noticed(&w), 50);
    /* Of an app that somebody operates on more is kept, and it has a new name. */
    json_object_set_new(w.facts, "app/T0SIM1/p1-prod",
                        world_json("{'op': 'cmd-1', 'who': {'channel': 'C0ELSE'}, 'state': "
                                   "'succeeded', 'version': 7, 'told': [], 'at_ms': 1764000000000, "
                                   "'email': 'bob@example.com', 'pipeline': {'id': 'p1'}}"));
    json_object_set_new(w.facts, "op/T0SIM1/cmd-1", world_json("{'events': []}"));
    assert_int_equal(event(&w, release(&w, "p1-prod", "e1", 8, "succeeded")), 0);
    assert_int_equal(noticed(&w), 50);
    world_finish(&w);
}

static void many_channels_of_several_pipelines_have_a_limit_that_is_said(void **state) {
    static const char *const filters[] = {"{'only': ['ci']}", "{'stages': ['staging']}",
                                          "{'branch': 'x'}", "{'states': ['failed']}",
                                          "{'channel_name': 'x'}"};
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    /* All kinds of verdicts at once, each of which is counted. */
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        SW_AUTO(sw_text) char *channel = sw_printf("C0F%zu", i);
        world_add(&w, "p2", "U0ADA", channel, filters[i], id);
    }
    world_step(&w, SW_KIND_CHANNEL_STATE,
               world_json("{'channel': 'C0F4', 'ok': false, 'reason': 'archived'}"));
    add_many(&w, "p1", "A", 50);
    add_many(&w, "p3", "B", 50);
    assert_int_equal(event(&w, push(&w, "d1", "main")), 0);
    assert_int_equal(noticed(&w), 51);
    SW_AUTO(sw_json) json_t *tally = world_outputs(&w, "tally", NULL, NULL);
    assert_int_equal(json_array_size(tally), 4); /* filtered, paused, posted, limit */
    assert_string_equal(verdict(&w, "d1", 49), "posted");
    world_finish(&w);
}

static void a_paused_route_is_quiet_and_why_says_so(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_step(&w, SW_KIND_CHANNEL_STATE,
               world_json("{'channel': 'C0OPS', 'ok': false, 'reason': 'archived'}"));
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "");
    assert_string_equal(verdict(&w, "d1", 0), "paused");
    /* Opened again, the next change shows all of it. */
    world_step(&w, SW_KIND_CHANNEL_STATE, world_json("{'channel': 'C0OPS', 'ok': true}"));
    event(&w, check(&w, "d2", "completed", "success"));
    world_expect(&w, "notice C0OPS 2");
    world_finish(&w);
}

static void who_does_not_see_the_repository_hears_only_of_apps(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_t *body = world_seen("p1", "storefront", "U0ADA");
    json_object_set_new(body, "route", world_json("{'channel': 'C0OPS'}"));
    world_route(&w, "add", "U0ADA", "C0DEV", body);
    body = world_seen("p1", "storefront", "U0BOB");
    json_object_del(body, "repo");
    json_object_set_new(body, "hooks", world_json("{'heroku': 'ok', 'github': 'denied'}"));
    json_object_set_new(body, "route", world_json("{'channel': 'C0BOB'}"));
    world_route(&w, "add", "U0BOB", "C0BOB", body);
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "notice C0OPS 1");
    assert_string_equal(verdict(&w, "d1", 1), "blind");
    event(&w, release(&w, "p1-prod", "e1", 7, "succeeded"));
    world_expect(&w, "notice C0OPS 1; notice C0BOB 1");
    world_finish(&w);
}

static void people_are_named_where_they_are_linked(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_step(&w, SW_KIND_PERSON,
               world_json("{'user': 'U0BOB', 'provider': 'heroku', 'id': 'h-2', "
                          "'name': 'bob@example.com'}"));
    event(&w, release(&w, "p1-prod", "e1", 7, "succeeded"));
    SW_AUTO(sw_json) json_t *sent = world_outputs(&w, "send", "responder", SW_KIND_NOTICE);
    SW_AUTO(sw_text) char *text = json_dumps(sent, 0);
    assert_non_null(strstr(text, "U0BOB"));
    world_finish(&w);
}

static void a_repository_s_and_an_app_s_new_name_is_kept(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    json_t *body = github(&w, "repository", "d1", "'action': 'renamed'");
    json_object_set_new(json_object_get(body, "repo"), "name", json_string("acme/shop"));
    assert_int_equal(event(&w, body), 0);
    body = heroku(&w, "api:app", "p1-stag", "e1", "'previous': {'name': 'storefront-staging'}");
    json_object_set_new(json_object_get(body, "app"), "name", json_string("shop-staging"));
    assert_int_equal(event(&w, body), 0);
    const json_t *pipe = world_fact(&w, "pipe", "p1");
    assert_string_equal(sw_str(json_object_get(pipe, "repo"), "name"), "acme/shop");
    assert_string_equal(sw_str(json_array_get(json_object_get(pipe, "apps"), 1), "name"),
                        "shop-staging");
    world_finish(&w);
}

static json_t *dyno_up(const struct world *w, const char *id) {
    return heroku(w, "dyno", "p1-prod", id,
                  "'dyno': {'id': 'dy-1', 'name': 'web.1', 'type': 'web', 'state': 'up', "
                  "'release': 7}");
}

static json_t *deployed(const struct world *w, const char *id) {
    json_t *body = release(w, "p1-prod", id, 7, "succeeded");
    json_object_set_new(json_object_get(body, "release"), "description",
                        json_string("Deploy 1f0c2d3a"));
    return body;
}

/* Whether its dynos come up before or after Heroku says what they run. */
static void dynos_find_their_release_in_any_order(void **state) {
    (void)state;
    json_t *states[2];
    for (int late = 0; late < 2; late++) {
        struct world w;
        char id[16];
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
        json_t *up = dyno_up(&w, "e2"), *rel = deployed(&w, "e1");
        json_object_set_new(up, "at_ms", json_integer(START_MS + 5000));
        assert_int_equal(event(&w, late ? up : rel), 0);
        world_expect(&w, late ? "" : "notice C0OPS 1");
        assert_int_equal(event(&w, late ? rel : up), 0);
        world_expect(&w, late ? "notice C0OPS 1" : "notice C0OPS 2");
        const json_t *kept = world_fact(&w, "subj", "deploy/p1-prod/1f0c2d3a");
        states[late] = json_deep_copy(json_object_get(kept, "state"));
        assert_non_null(states[late]);
        world_finish(&w);
    }
    assert_true(json_equal(states[0], states[1]));
    json_decref(states[0]);
    json_decref(states[1]);
}

static void why_finds_events_by_what_people_know(void **state) {
    static const struct {
        const char *id;
        size_t events;
    } rows[] = {
        {"d1", 1},        {"1f0c2d3", 2},   {"1F0C2D3A", 2}, {SHA, 2},
        {"1f0c2d3b", 0},  {"1f0c2d", 0},    {"e1", 1},       {"d2", 1},
        {"0000-none", 0}, {"../../x y", 0}, {"", 0},
    };
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    event(&w, push(&w, "d1", "main"));
    event(&w, check(&w, "d2", "completed", "success"));
    event(&w, release(&w, "p1-prod", "e1", 7, "succeeded"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        assert_int_equal(
            world_route(&w, "why", "U0BOB", "C0DEV", json_pack("{s:s}", "id", rows[i].id)), 0);
        world_expect(&w, rows[i].events ? "private route.why U0BOB"
                                        : "private route.why.unknown U0BOB");
        if (rows[i].events)
            assert_int_equal(
                json_array_size(json_object_get(world_data(&w, "route.why"), "events")),
                rows[i].events);
        else
            assert_int_equal(
                json_array_size(json_object_get(world_data(&w, "route.why.unknown"), "whose")), 1);
    }
    world_finish(&w);
}

static void it_is_known_which_check_and_which_app_an_event_was_of(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    event(&w, github(&w, "status", "d1",
                     "'sha': '1f0c2d3a1f0c2d3a1f0c2d3a1f0c2d3a1f0c2d3a', 'context': 'ci/test', "
                     "'state': 'pending', 'branches': []"));
    assert_string_equal(sw_str(world_fact(&w, "why", "d1"), "name"), "ci/test");
    assert_string_equal(sw_str(world_fact(&w, "why", "d1"), "of"), "acme/storefront");
    json_t *body =
        heroku(&w, "api:build", "p1-prod", "e1", "'build': {'id': 'b-1', 'status': 'pending'}");
    json_object_del(json_object_get(body, "app"), "name");
    event(&w, body);
    assert_string_equal(sw_str(world_fact(&w, "why", "e1"), "of"), "storefront-production");
    world_finish(&w);
}

static void what_no_route_concerns_and_what_is_never_shown_is_known_too(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    event(&w, push(&w, "d1", "main"));
    assert_non_null(world_fact(&w, "why", "d1"));
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    event(&w, github(&w, "pull_request", "d2",
                     "'action': 'labeled', 'pull': {'number': 3, 'title': 'x', 'state': 'open'}"));
    world_expect(&w, "");
    assert_true(sw_str(world_fact(&w, "why", "d2"), "never")[0]);
    world_finish(&w);
}

static void events_of_two_installations_do_not_mix(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    w.inst = "T0SIM2";
    world_add(&w, "p1", "U0BOB", "C0TWO", NULL, id);
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "notice C0TWO 1");
    w.inst = "T0SIM1";
    event(&w, push(&w, "d1", "main"));
    world_expect(&w, "notice C0OPS 1"); /* its own subject */
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subject_is_one_message_that_grows),
        cmocka_unit_test(a_subject_that_was_forgotten_is_newer_when_it_begins_again),
        cmocka_unit_test(a_repeat_is_not_told),
        cmocka_unit_test(several_routes_to_a_channel_are_one_notice),
        cmocka_unit_test(a_deployment_is_of_the_pipeline_whose_app_it_names),
        cmocka_unit_test(all_channels_that_a_pipeline_may_have_hear_of_an_event),
        cmocka_unit_test(many_channels_of_several_pipelines_have_a_limit_that_is_said),
        cmocka_unit_test(a_paused_route_is_quiet_and_why_says_so),
        cmocka_unit_test(who_does_not_see_the_repository_hears_only_of_apps),
        cmocka_unit_test(people_are_named_where_they_are_linked),
        cmocka_unit_test(a_repository_s_and_an_app_s_new_name_is_kept),
        cmocka_unit_test(dynos_find_their_release_in_any_order),
        cmocka_unit_test(why_finds_events_by_what_people_know),
        cmocka_unit_test(it_is_known_which_check_and_which_app_an_event_was_of),
        cmocka_unit_test(what_no_route_concerns_and_what_is_never_shown_is_known_too),
        cmocka_unit_test(events_of_two_installations_do_not_mix),
    };
    return cmocka_run_group_tests_name("notifier_event", tests, NULL, NULL);
}
