/* test_notifier_own.c -- what was typed and what is heard of it are one thread, through sw_step. */
#include "notifier_events.h"

#include "actors/blocks.h"

static void promoted(struct world *w, const char *state, int version) {
    json_t *app = json_pack("{s:s, s:s}", "id", "p1-prod", "name", "storefront-production");
    if (version > 0) json_object_set_new(app, "version", json_integer(version));
    assert_int_equal(
        world_step(w, SW_KIND_PROMOTED,
                   json_pack("{s:{s:s, s:s, s:s}, s:s, s:{s:s, s:s}, s:[o], s:s, s:s}", "who",
                             "team", "T0SIM1", "user", "U0BOB", "channel", "C0OPS", "op", "0001-op",
                             "pipeline", "id", "p1", "name", "storefront", "apps", app, "email",
                             "bob@example.com", "state", state)),
        0);
}

static void linked(struct world *w, const char *user, const char *provider, const char *id) {
    assert_int_equal(world_step(w, SW_KIND_PERSON,
                                json_pack("{s:s, s:s, s:s, s:s}", "user", user, "provider",
                                          provider, "id", id, "name", "")),
                     0);
}

static json_t *made(const struct world *w, const char *id, int version, const char *status) {
    json_t *body = release(w, "p1-prod", id, version, status);
    json_object_set_new(json_object_get(body, "release"), "description",
                        json_string("Promote storefront-staging v42 1f0c2d3a"));
    return body;
}

static void an_operation_s_own_channel_has_the_operation_s_message_only(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, id);
    promoted(&w, "started", 0);
    event(&w, made(&w, "e1", 7, "pending"));
    world_expect(&w, "notice C0DEV 1");
    assert_string_equal(verdict(&w, "e1", 0), "own");
    promoted(&w, "done", 7);
    event(&w, made(&w, "e2", 7, "succeeded"));
    world_expect(&w, "notice C0DEV 2");
    /* By the same person, meanwhile, and not of the operation: in its thread. */
    event(&w, release(&w, "p1-prod", "e3", 8, "succeeded"));
    world_expect(&w, "thread release.notice.thread U0BOB; notice C0DEV 1");
    /* Much later it is a subject like any other. */
    w.now_ms += 2 * HOUR_MS;
    event(&w, release(&w, "p1-prod", "e4", 9, "succeeded"));
    world_expect(&w, "notice C0OPS 1; notice C0DEV 1");
    world_finish(&w);
}

static json_t *maintenance(const struct world *w, const char *id, bool on, const char *email) {
    SW_AUTO(sw_json)
    json_t *app = json_pack("{s:s, s:s, s:b}", "id", "p1-prod", "name", "storefront-production",
                            "maintenance", (int)on);
    json_t *body = heroku(w, "api:app", "p1-prod", id, "'previous': {}");
    json_object_set(body, "app", app);
    json_object_set_new(body, "previous", json_pack("{s:b}", "maintenance", (int)!on));
    json_object_set_new(body, "actor", json_pack("{s:s}", "email", email));
    return body;
}

static void maintenance_that_was_typed_is_not_shown_twice_and_what_follows_is(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, id);
    SW_AUTO(sw_json)
    json_t *still = world_json(
        "{" WHO("U0BOB", "C0OPS") ", 'op': '0001-op', 'pipeline': {'id': "
                                  "'p1', 'name': 'storefront'}, 'apps': [{'id': 'p1-prod', 'name': "
                                  "'storefront-production'}], 'email': 'bob@example.com', 'state': "
                                  "'started', 'sets': true}");
    assert_int_equal(world_step(&w, SW_KIND_PROMOTED, json_incref(still)), 0);
    SW_AUTO(sw_json) json_t *sources = world_outputs(&w, "source", NULL, NULL);
    assert_int_equal(json_array_size(sources), 0); /* where nobody routes it nobody hears of it */
    assert_int_equal(event(&w, maintenance(&w, "e1", true, "bob@example.com")), 0);
    world_expect(&w, "notice C0DEV 1");
    assert_string_equal(verdict(&w, "e1", 0), "own");
    /* Of the same day and the same message, but of somebody else. */
    assert_int_equal(event(&w, maintenance(&w, "e2", false, "eve@example.com")), 0);
    world_expect(&w, "notice C0OPS 2; notice C0DEV 2");
    /* A release is no part of it. */
    event(&w, release(&w, "p1-prod", "e3", 8, "succeeded"));
    world_expect(&w, "notice C0OPS 1; notice C0DEV 1");
    world_finish(&w);
}

static json_t *build(const struct world *w, const char *id, const char *number) {
    SW_AUTO(sw_text)
    char *more = sw_printf("'build': {'id': '%s', 'status': 'pending', 'commit': '" SHA "'%s}",
                           number, strcmp(number, "b1") ? "" : ", 'op': '0001-op'");
    return heroku(w, "api:build", "p1-prod", id, more);
}

/* The same commit at the same app is the same subject. */
static void what_is_deployed_again_later_is_shown_where_the_operation_was(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    promoted(&w, "started", 0);
    linked(&w, "U0BOB", "heroku", "bob@example.com");
    event(&w, build(&w, "e1", "b1"));
    world_expect(&w, "");
    assert_string_equal(verdict(&w, "e1", 0), "own");
    w.now_ms += HOUR_MS;
    event(&w, build(&w, "e2", "b2"));
    world_expect(&w, "");
    w.now_ms += 2 * HOUR_MS;
    event(&w, build(&w, "e3", "b3"));
    world_expect(&w, "notice C0OPS 3");
    world_finish(&w);
}

static void a_deployment_of_ours_is_not_shown_twice(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, id);
    promoted(&w, "started", 0);
    linked(&w, "U0BOB", "github", "12");
    const char *more = "'action': 'created', 'deployment': {'id': 99, 'sha': '" SHA
                       "', 'ref': 'main', 'environment': 'production', 'task': 'deploy', "
                       "'creator': {'id': 12, 'login': 'ada'}, 'op': '0001-op'}, 'status': {'id': "
                       "1, 'state': 'in_progress'}";
    assert_int_equal(event(&w, github(&w, "deployment_status", "d1", more)), 0);
    world_expect(&w, "notice C0DEV 1");
    assert_string_equal(verdict(&w, "d1", 0), "own");
    /* The operation's id stands there for all to read: somebody else's deployment does not hide behind it. */
    SW_AUTO(sw_json) json_t *forged = github(&w, "deployment_status", "d3", more);
    json_object_set_new(sw_data_at(forged, "deployment.creator"), "id", json_integer(13));
    json_object_set_new(json_object_get(forged, "deployment"), "id", json_integer(101));
    event(&w, json_incref(forged));
    world_expect(&w, "notice C0OPS 1; notice C0DEV 1");
    /* Of an operation that another workspace runs: a subject like any other. */
    SW_AUTO(sw_json) json_t *other = github(&w, "deployment_status", "d2", more);
    json_object_set_new(json_object_get(other, "deployment"), "op", json_string("0009-else"));
    json_object_set_new(json_object_get(other, "deployment"), "id", json_integer(100));
    event(&w, json_incref(other));
    world_expect(&w, "notice C0OPS 1; notice C0DEV 1");
    /* The operation's events can be asked for. */
    world_route(&w, "why", "U0ADA", "C0OPS", world_json("{'id': '0001-op'}"));
    const json_t *events = json_object_get(world_data(&w, "route.why"), "events");
    assert_int_equal(json_array_size(events), 1);
    world_finish(&w);
}

static json_t *at_app(const struct world *w, const char *type, const char *id, const char *more) {
    json_t *body = heroku(w, type, "p1-prod", id, more);
    json_t *object = json_object_get(body, !strcmp(type, "api:build") ? "build" : "release");
    json_object_set_new(object, "began_ms", json_integer(w->now_ms));
    return body;
}

#define RELEASED(version)                                                                          \
    "'release': {'version': " version ", 'status': 'succeeded', 'description': 'Deploy 1f0c2d3a'}"
#define BUILT(id, status, more)                                                                    \
    "'build': {'id': '" id "', 'status': '" status "', 'commit': '" SHA "'" more "}"

/* The channel shows what Heroku deployed of a push, and somebody types a deploy of the same commit there. */
static void a_typed_deploy_of_what_the_channel_shows_already_is_not_shown_twice(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, id);
    linked(&w, "U0BOB", "heroku", "bob@example.com");
    event(&w, at_app(&w, "api:build", "e1", BUILT("b1", "succeeded", "")));
    event(&w, at_app(&w, "api:release", "e2", RELEASED("43")));
    world_expect(&w, "notice C0OPS 2; notice C0DEV 2");
    promoted(&w, "started", 0);
    event(&w, at_app(&w, "api:build", "e3", BUILT("b2", "pending", ", 'op': '0001-op'")));
    world_expect(&w, "notice C0DEV 1");
    assert_string_equal(verdict(&w, "e3", 0), "own");
    SW_AUTO(sw_json) json_t *sent = world_outputs(&w, "send", "responder", SW_KIND_NOTICE);
    assert_string_equal(sw_str(json_object_get(json_array_get(sent, 0), "body"), "op"),
                        "n/deploy/p1-prod/1f0c2d3a/2/C0DEV");
    event(&w, at_app(&w, "api:release", "e4", RELEASED("44")));
    world_expect(&w, "notice C0DEV 2");
    assert_string_equal(verdict(&w, "e4", 0), "own");
    event(&w, heroku(&w, "dyno", "p1-prod", "e5",
                     "'dyno': {'name': 'web.1', 'type': 'web', 'state': 'up', 'release': 44}"));
    world_expect(&w, "notice C0DEV 3");
    /* What the first one is told of late is shown there still, and it stays what it was. */
    event(&w, heroku(&w, "dyno", "p1-prod", "e6",
                     "'dyno': {'name': 'web.1', 'type': 'web', 'state': 'up', 'release': 43}"));
    world_expect(&w, "notice C0OPS 3; notice C0DEV 3");
    const json_t *kept = world_fact(&w, "subj", "deploy/p1-prod/1f0c2d3a");
    const json_t *first = json_array_get(json_object_get(kept, "older"), 0);
    const json_t *was = sw_data_at(json_object_get(first, "state"), "reg.release");
    assert_int_equal(sw_int(json_array_get(was, 2), "v"), 43);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_s_own_channel_has_the_operation_s_message_only),
        cmocka_unit_test(maintenance_that_was_typed_is_not_shown_twice_and_what_follows_is),
        cmocka_unit_test(what_is_deployed_again_later_is_shown_where_the_operation_was),
        cmocka_unit_test(a_deployment_of_ours_is_not_shown_twice),
        cmocka_unit_test(a_typed_deploy_of_what_the_channel_shows_already_is_not_shown_twice),
    };
    return cmocka_run_group_tests_name("notifier_own", tests, NULL, NULL);
}
