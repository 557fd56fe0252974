/* test_sim_happen.c -- somebody pushes, opens a pull request, crashes a dyno: what GitHub and Heroku then do and tell. */
#include "app_world.h"

#include <stdlib.h>

#define REPO "/repos/acme/storefront"
#define STAGING "/apps/storefront-staging"

static int start_with(const char *const *more) {
    const char *options[24] = {"--github-webhook-secret",
                               "app",
                               "--github-app-events",
                               "--webhook-secret",
                               "w",
                               "--event-ms",
                               "10",
                               "--build-ms",
                               "50-60",
                               "--promote-ms",
                               "50-60",
                               "--dyno-ms",
                               "20-30"};
    for (size_t i = 13; *more != NULL; i++) {
        options[i] = *more++;
    }
    client_start(&sim, options);
    ingress_start_of(&sim);
    return 0;
}

static int start(void **state) {
    (void)state;
    static const char *const none[] = {NULL};
    return start_with(none);
}

static int start_repeated(void **state) {
    (void)state;
    static const char *const repeated[] = {"--repeat-events", NULL};
    return start_with(repeated);
}

/* What it answered; new. */
static json_t *happen(const char *path, const char *ask) {
    REPLY reply = client_post(&sim, path, ask);
    if (reply.status != 200) fail_msg("%s %s: %ld", path, ask, reply.status);
    return json_incref(reply.json);
}

/* What an event is about: of GitHub its action, of a status its state, of Heroku include and status. */
static char *label_of(const struct ingress_request *got, const json_t *body) {
    const char *state = NULL, *action = sim_json_text(body, "action");
    static const char *const parts[] = {"check_run", "deployment_status", "data"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(parts) && state == NULL; i++) {
        state = sim_json_text2(body, parts[i], "conclusion");
        if (state == NULL) state = sim_json_text2(body, parts[i], "state");
        if (state == NULL) state = sim_json_text2(body, parts[i], "status");
    }
    if (state == NULL) state = sim_json_text(body, "state");
    if (state == NULL) state = action;
    const char *include =
        sim_json_text2(json_object_get(body, "webhook_metadata"), "event", "include");
    return sim_fmt("%s%s%s", include != NULL ? include : got->event, state != NULL ? " " : "",
                   state != NULL ? state : "");
}

/* Waits for the event with this label, from the nth on; *ret_nth is the next one; new. */
static json_t *wait_for(const char *label, unsigned *nth) {
    struct sim_buf seen = {0};
    while (*nth < 64) {
        struct ingress_request got = ingress_wait(sim.ingress, (*nth)++);
        json_t *body = json_loads(got.body, 0, NULL);
        if (body == NULL) fail_msg("no JSON: %s", got.body);
        SIM_FREE char *is = label_of(&got, body);
        if (strcmp(is, label) == 0) {
            sim_buf_free(&seen);
            return body;
        }
        sim_buf_printf(&seen, "%s, ", is);
        json_decref(body);
    }
    fail_msg("no %s; but %s", label, seen.data);
    return NULL;
}

static void expect(const char *const *labels) {
    for (unsigned nth = 0; *labels != NULL; labels++) {
        json_decref(wait_for(*labels, &nth));
        /* What leaves in one step may arrive in any order. */
        nth = nth > 4 ? nth - 4 : 0;
    }
}

static void a_green_commit_is_checked_and_deployed(void **state) {
    (void)state;
    json_auto_t *pushed = happen("/sim/push", "{\"message\":\"Round prices\\n\\nAll.\"}");
    const char *sha = client_text(pushed, "sha");
    static const char *const labels[] = {"push",
                                         "check_suite requested",
                                         "workflow_run requested",
                                         "check_run queued",
                                         "status pending",
                                         "check_run success",
                                         "status success",
                                         "check_suite completed",
                                         "workflow_run completed",
                                         "deployment created",
                                         "deployment_status pending",
                                         "deployment_status in_progress",
                                         "api:release pending",
                                         "api:release succeeded",
                                         "deployment_status success",
                                         NULL};
    expect(labels);
    unsigned nth = 0;
    json_auto_t *push = wait_for("push", &nth);
    assert_string_equal(client_text(push, "ref"), "refs/heads/main");
    assert_string_equal(client_text(push, "after"), sha);
    assert_string_equal(client_text(json_object_get(push, "head_commit"), "message"),
                        "Round prices\n\nAll.");
    json_auto_t *deployed = wait_for("deployment created", &nth);
    const json_t *deployment = json_object_get(deployed, "deployment");
    assert_string_equal(client_text(deployment, "environment"), "storefront-staging");
    assert_string_equal(client_text(deployment, "sha"), sha);
    client_enter(&sim, "ada@example.com");
    REPLY builds = client_api(&sim, "GET", STAGING "/builds", NULL, NULL);
    assert_string_equal(client_text(json_array_get(builds.json, 0), "status"), "succeeded");
    client_github_enter(&sim, "ada-l");
    REPLY runs = client_github(&sim, "GET", REPO "/commits/main/check-runs", NULL);
    assert_int_equal(sim_json_int(runs.json, "total_count", 0), 2);
}

static void heroku_ci_lists_its_run(void **state) {
    (void)state;
    client_enter(&sim, "ada@example.com");
    json_auto_t *pushed = happen("/sim/push", "{\"fail\":\"ci\",\"branch\":\"hot-fix\"}");
    unsigned nth = 0;
    json_decref(wait_for("check_run failure", &nth));
    json_decref(wait_for("check_suite completed", &nth));
    json_auto_t *run = wait_until_not("/pipelines/storefront/test-runs/1", "status", "running");
    assert_string_equal(client_text(run, "status"), "failed");
    assert_string_equal(client_text(run, "commit_sha"), client_text(pushed, "sha"));
    assert_string_equal(client_text(run, "commit_branch"), "hot-fix");
    REPLY all = client_api(&sim, "GET", "/pipelines/storefront/test-runs", NULL, NULL);
    assert_int_equal(json_array_size(all.json), 1);
    client_github_enter(&sim, "ada-l");
    REPLY deployments = client_github(&sim, "GET", REPO "/deployments", NULL);
    assert_int_equal(json_array_size(deployments.json), 0); /* nothing red is deployed */
}

static void each_step_can_fail(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"{\"fail\":\"build\"}", "deployment_status failure", NULL},
        {"{\"fail\":\"release\"}", "api:release failed", "deployment_status failure"}};
    unsigned nth = 0;
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        json_decref(happen("/sim/push", rows[i][0]));
        json_decref(wait_for(rows[i][1], &nth));
        if (rows[i][2] != NULL) json_decref(wait_for(rows[i][2], &nth));
    }
    REPLY wrong = client_post(&sim, "/sim/push", "{\"fail\":\"weather\"}");
    assert_int_equal(wrong.status, 422);
}

static void a_pull_request_gets_a_review_app_and_is_merged(void **state) {
    (void)state;
    json_auto_t *opened =
        happen("/sim/pull", "{\"action\":\"open\",\"user\":\"bob\",\"title\":\"Carts\"}");
    assert_int_equal(sim_json_int(opened, "number", 0), 12);
    unsigned nth = 0;
    json_decref(wait_for("create", &nth));
    nth = 0;
    json_auto_t *told = wait_for("pull_request opened", &nth);
    const json_t *pull = json_object_get(told, "pull_request");
    assert_string_equal(client_text(pull, "title"), "Carts");
    assert_string_equal(client_text(json_object_get(pull, "user"), "login"), "bob-b");
    json_auto_t *review = wait_for("deployment created", &nth);
    const json_t *deployment = json_object_get(review, "deployment");
    assert_string_equal(client_text(deployment, "environment"), "storefront-pr-12");
    assert_true(json_is_true(json_object_get(deployment, "transient_environment")));
    json_decref(wait_for("deployment_status success", &nth));
    json_decref(happen("/sim/pull", "{\"action\":\"label\",\"number\":12}"));
    json_decref(wait_for("pull_request labeled", &nth));
    json_decref(happen("/sim/pull", "{\"action\":\"merge\"}"));
    json_auto_t *closed = wait_for("pull_request closed", &nth);
    assert_true(json_is_true(json_object_get(json_object_get(closed, "pull_request"), "merged")));
    json_auto_t *live = wait_for("deployment created", &nth);
    assert_string_equal(client_text(json_object_get(live, "deployment"), "environment"),
                        "storefront-staging");
    REPLY none = client_post(&sim, "/sim/pull", "{\"action\":\"close\"}");
    assert_int_equal(none.status, 422);
}

static void a_crashed_dyno_is_told_and_starts_again(void **state) {
    (void)state;
    client_enter(&sim, "ada@example.com");
    SIM_FREE char *hook =
        sim_fmt("{\"include\":[\"dyno\"],\"level\":\"sync\",\"url\":\"%s/mine\"}", sim.ingress_url);
    REPLY made = client_api(&sim, "POST", "/apps/storefront-production/webhooks", NULL, hook);
    assert_int_equal(made.status, 201);
    json_decref(happen("/sim/crash", "{\"dyno\":\"web.2\"}"));
    unsigned nth = 0;
    json_auto_t *told = wait_for("dyno crashed", &nth);
    assert_string_equal(client_text(json_object_get(told, "data"), "name"), "web.2");
    json_decref(wait_for("dyno starting", &nth));
    json_decref(wait_for("dyno up", &nth));
    REPLY wrong = client_post(&sim, "/sim/crash", "{\"dyno\":\"web.9\"}");
    assert_int_equal(wrong.status, 422);
}

static void a_config_var_makes_a_release(void **state) {
    (void)state;
    json_auto_t *set = happen("/sim/vars", "{\"user\":\"bob\",\"name\":\"COLOUR\"}");
    assert_string_equal(client_text(set, "description"), "Set COLOUR config vars");
    unsigned nth = 0;
    json_auto_t *told = wait_for("api:release succeeded", &nth);
    assert_string_equal(client_text(json_object_get(told, "actor"), "email"), "bob@example.com");
}

static void a_tag_is_pushed_and_released(void **state) {
    (void)state;
    json_decref(happen("/sim/push", "{\"tag\":\"v1.3\"}"));
    unsigned nth = 0;
    json_auto_t *told = wait_for("release published", &nth);
    assert_string_equal(client_text(json_object_get(told, "release"), "tag_name"), "v1.3");
    nth = 0;
    json_auto_t *push = wait_for("push", &nth);
    assert_string_equal(client_text(push, "ref"), "refs/tags/v1.3");
}

/* The types of the webhooks of a push, in the order of arrival. */
static char *order_of(const char *seed) {
    SIM_FREE char *config = sim_fmt("{\"event_ms\":20,\"shuffle_events\":%s}", seed);
    unsigned first = ingress_count(sim.ingress);
    client_tell(&sim, "/sim/config", config);
    json_decref(happen("/sim/push", "{\"fail\":\"ci\"}"));
    struct sim_buf order = {0};
    for (unsigned i = 0; i < 14; i++) {
        struct ingress_request got = ingress_wait(sim.ingress, first + i);
        sim_buf_printf(&order, "%c%c", got.event[0], got.event[strlen(got.event) - 1]);
    }
    return order.data;
}

static void a_seed_shuffles_what_arrives(void **state) {
    (void)state;
    SIM_FREE char *plain = order_of("0"), *shuffled = order_of("7");
    assert_memory_equal(plain, "ph", 2); /* the push is the first one */
    assert_string_not_equal(plain, shuffled);
}

static void each_webhook_may_come_twice(void **state) {
    (void)state;
    json_decref(happen("/sim/push", "{\"tag\":\"v9\"}"));
    unsigned same = 0;
    for (unsigned i = 0; i < 6; i++) {
        struct ingress_request one = ingress_wait(sim.ingress, i);
        for (unsigned k = 0; k < i; k++) {
            struct ingress_request other = ingress_wait(sim.ingress, k);
            same += strcmp(one.delivery, other.delivery) == 0;
        }
    }
    assert_int_equal(same, 3);
}

static void each_button_of_the_page_does_something(void **state) {
    (void)state;
    REPLY all = client_get(&sim, "/sim/buttons");
    const json_t *buttons = json_object_get(all.json, "buttons");
    assert_int_equal(json_array_size(buttons), 5);
    size_t i;
    json_t *button;
    json_array_foreach(buttons, i, button) {
        json_t *ask = json_object_get(button, "ask");
        json_object_set_new(ask, "user", json_string("bob"));
        SIM_FREE char *text = json_dumps(ask, 0);
        json_decref(happen(client_text(button, "path"), text));
    }
    int64_t stories = -1;
    for (int64_t until_ms = sim_mono_ms() + 20000; stories != 0 && sim_mono_ms() < until_ms;) {
        REPLY told = client_get(&sim, "/sim/webhooks");
        stories = sim_json_int(told.json, "stories", -1);
    }
    assert_int_equal(stories, 0);
    REPLY told = client_get(&sim, "/sim/webhooks?since=1");
    const json_t *second = json_array_get(json_object_get(told.json, "webhooks"), 0);
    assert_int_equal(sim_json_int(second, "n", 0), 2);
    assert_int_equal(sim_json_int(second, "status", 0), 200);
    assert_string_equal(client_text(second, "who"), "GitHub");
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_green_commit_is_checked_and_deployed),
                                       ROW(heroku_ci_lists_its_run),
                                       ROW(each_step_can_fail),
                                       ROW(a_pull_request_gets_a_review_app_and_is_merged),
                                       ROW(a_crashed_dyno_is_told_and_starts_again),
                                       ROW(a_config_var_makes_a_release),
                                       ROW(a_tag_is_pushed_and_released),
                                       ROW(a_seed_shuffles_what_arrives),
                                       ROW(each_button_of_the_page_does_something),
                                       cmocka_unit_test_setup_teardown(each_webhook_may_come_twice,
                                                                       start_repeated,
                                                                       client_tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
