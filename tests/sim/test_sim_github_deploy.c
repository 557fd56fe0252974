/* test_sim_github_deploy.c -- deployments at the simulated GitHub: made, refused, listed, ended. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEPLOYMENTS "/repos/acme/storefront/deployments"

static int start(void **state) {
    (void)state;
    client_start(&sim, NULL);
    client_github_enter(&sim, "ada-l");
    return 0;
}

static struct client_reply deploy(const char *json) {
    return client_github(&sim, "POST", DEPLOYMENTS, json);
}

static int64_t deployed(const char *json) {
    REPLY reply = deploy(json);
    assert_int_equal(reply.status, 201);
    return sim_json_int(reply.json, "id", 0);
}

static void admin(const char *path, const char *json) {
    REPLY reply = client_post(&sim, path, json);
    assert_int_equal(reply.status, 200);
}

static struct client_reply report(int64_t id, const char *json) {
    SIM_FREE char *path = sim_fmt(DEPLOYMENTS "/%lld/statuses", (long long)id);
    return client_github(&sim, "POST", path, json);
}

static void reported(int64_t id, const char *json) {
    REPLY reply = report(id, json);
    assert_int_equal(reply.status, 201);
}

/* The states of a deployment as a list answers them: newest first, joined. */
static void assert_states(int64_t id, const char *want) {
    SIM_FREE char *path = sim_fmt(DEPLOYMENTS "/%lld/statuses", (long long)id);
    REPLY reply = client_github(&sim, "GET", path, NULL);
    struct sim_buf got = {0};
    size_t i;
    json_t *status;
    json_array_foreach(reply.json, i, status) {
        sim_buf_printf(&got, "%s%s", i != 0 ? " " : "", client_text(status, "state"));
    }
    assert_string_equal(got.data != NULL ? got.data : "", want);
    sim_buf_free(&got);
}

static void a_deployment_is_answered_as_it_is_kept(void **state) {
    (void)state;
    REPLY made = deploy("{\"ref\":\"main\",\"auto_merge\":false,\"environment\":\"staging\","
                        "\"task\":\"promote\",\"payload\":{\"app\":\"x\"},"
                        "\"description\":\"by ada\"}");
    assert_int_equal(made.status, 201);
    assert_string_equal(client_text(made.json, "ref"), "main");
    assert_int_equal(strlen(client_text(made.json, "sha")), 40);
    assert_string_equal(sim_json_text2(made.json, "creator", "login"), "ada-l");
    assert_string_equal(sim_json_text2(made.json, "payload", "app"), "x");
    SIM_FREE char *path = sim_fmt(DEPLOYMENTS "/%lld", (long long)sim_json_int(made.json, "id", 0));
    REPLY kept = client_github(&sim, "GET", path, NULL);
    assert_true(json_equal(made.json, kept.json));
    REPLY none = client_github(&sim, "GET", DEPLOYMENTS "/12", NULL);
    assert_int_equal(none.status, 404);
    assert_int_equal(client_state(&sim, "deployments"), 1);
    admin("/sim/reset", "{}");
    REPLY list = client_github(&sim, "GET", DEPLOYMENTS, NULL);
    assert_int_equal(json_array_size(list.json), 0);
}

static void what_cannot_be_understood_is_refused(void **state) {
    (void)state;
    REPLY unknown = deploy("{\"ref\":\"no-such\"}");
    assert_int_equal(unknown.status, 422);
    assert_string_equal(client_text(unknown.json, "message"), "No ref found for: no-such");
    REPLY without = deploy("{\"environment\":\"staging\"}");
    assert_int_equal(without.status, 422);
    REPLY type = deploy("{\"ref\":\"main\",\"required_contexts\":\"ci/test\"}");
    assert_int_equal(type.status, 422);
    const json_t *error = json_array_get(json_object_get(type.json, "errors"), 0);
    assert_string_equal(client_text(error, "field"), "required_contexts");
    REPLY broken = deploy("{\"ref\"");
    assert_int_equal(broken.status, 400);
    assert_int_equal(client_state(&sim, "deployments"), 0);
    assert_int_equal(client_state(&sim, "deployments_refused"), 4);
}

/* null: all there are; a list: those, reported or not; []: none. */
static void required_contexts_decide_which_checks_count(void **state) {
    (void)state;
    admin("/sim/github/checks", "{\"repo\":\"acme/storefront\",\"ref\":\"main\","
                                "\"context\":\"lint\",\"state\":\"pending\"}");
    REPLY all = deploy("{\"ref\":\"main\"}");
    assert_int_equal(all.status, 409);
    assert_string_equal(client_text(all.json, "message"),
                        "Conflict: Commit status checks failed for main.");
    const json_t *error = json_array_get(json_object_get(all.json, "errors"), 0);
    assert_string_equal(client_text(error, "field"), "required_contexts");
    assert_string_equal(client_text(error, "code"), "invalid");
    const json_t *contexts = json_object_get(error, "contexts");
    assert_int_equal(json_array_size(contexts), 2);
    assert_string_equal(client_text(json_array_get(contexts, 1), "context"), "lint");
    assert_string_equal(client_text(json_array_get(contexts, 1), "state"), "pending");
    REPLY null = deploy("{\"ref\":\"main\",\"required_contexts\":null}");
    assert_int_equal(null.status, 409);
    (void)deployed("{\"ref\":\"main\",\"required_contexts\":[\"ci/test\"]}");
    (void)deployed("{\"ref\":\"main\",\"required_contexts\":[]}");
    REPLY missing = deploy("{\"ref\":\"main\",\"required_contexts\":[\"ci/test\",\"never\"]}");
    assert_int_equal(missing.status, 409);
    assert_int_equal(client_state(&sim, "deployments"), 2);
    admin("/sim/github/checks", "{\"repo\":\"acme/storefront\",\"ref\":\"main\","
                                "\"context\":\"lint\",\"state\":\"success\"}");
    (void)deployed("{\"ref\":\"main\"}");
    admin("/sim/github/checks", "{\"repo\":\"acme/storefront\",\"ref\":\"main\","
                                "\"context\":\"lint\",\"state\":\"skipped\"}");
    REPLY skipped = deploy("{\"ref\":\"main\"}");
    assert_int_equal(skipped.status, 409);
}

/* The trap: auto_merge is on unless it is switched off, and then nothing is deployed. */
static void a_branch_behind_is_merged_instead_of_deployed(void **state) {
    (void)state;
    REPLY before = client_github(&sim, "GET", "/repos/acme/storefront/commits/feature/cart", NULL);
    (void)deployed("{\"ref\":\"feature/cart\",\"auto_merge\":false}");
    REPLY merged = deploy("{\"ref\":\"feature/cart\"}");
    assert_int_equal(merged.status, 202);
    assert_string_equal(client_text(merged.json, "message"),
                        "Auto-merged main into feature/cart on deployment.");
    assert_int_equal(client_state(&sim, "deployments"), 1);
    REPLY after = client_github(&sim, "GET", "/repos/acme/storefront/commits/feature/cart", NULL);
    assert_string_not_equal(client_text(before.json, "sha"), client_text(after.json, "sha"));
    (void)deployed("{\"ref\":\"feature/cart\"}");
    (void)deployed("{\"ref\":\"hot-fix\"}");
}

static void merges_and_conflicts_come_as_often_as_told(void **state) {
    (void)state;
    const char *ask = "{\"ref\":\"main\",\"auto_merge\":false}";
    admin("/sim/github/auto_merge", "{\"repo\":\"acme/storefront\",\"times\":2}");
    admin("/sim/github/conflict", "{\"repo\":\"acme/storefront\"}");
    const long want[] = {409, 202, 202, 201};
    for (size_t i = 0; i < SIM_ARRAY_LEN(want); i++) {
        REPLY reply = deploy(ask);
        assert_int_equal(reply.status, want[i]);
        if (want[i] != 409) continue;
        assert_string_equal(client_text(reply.json, "message"), "Conflict merging main into main.");
        assert_null(json_object_get(reply.json, "errors"));
    }
    assert_int_equal(client_state(&sim, "deployments"), 1);
}

static long found(const char *query, const char *want_first) {
    SIM_FREE char *path = sim_fmt(DEPLOYMENTS "?%s", query);
    REPLY reply = client_github(&sim, "GET", path, NULL);
    assert_int_equal(reply.status, 200);
    if (want_first != NULL) {
        assert_string_equal(client_text(json_array_get(reply.json, 0), "task"), want_first);
    }
    return (long)json_array_size(reply.json);
}

static void deployments_are_filtered_and_newest_first(void **state) {
    (void)state;
    (void)deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    (void)deployed("{\"ref\":\"hot-fix\",\"environment\":\"staging\",\"task\":\"promote\"}");
    REPLY last = deploy("{\"ref\":\"main\",\"task\":\"rollback\"}");
    SIM_FREE char *sha = sim_fmt("sha=%s", client_text(last.json, "sha"));
    assert_int_equal(found("", "rollback"), 3);
    assert_int_equal(found("environment=staging", "promote"), 2);
    assert_int_equal(found("environment=production", "rollback"), 1);
    assert_int_equal(found("ref=hot-fix", "promote"), 1);
    assert_int_equal(found("task=deploy", "deploy"), 1);
    assert_int_equal(found(sha, "rollback"), 2);
    assert_int_equal(found("environment=staging&task=rollback", NULL), 0);
    assert_int_equal(found("per_page=1&page=2", "promote"), 1);
}

static void statuses_are_checked_and_kept_in_order(void **state) {
    (void)state;
    int64_t id = deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    struct sim_buf text = {0};
    for (int i = 0; i < 140; i++) {
        sim_buf_printf(&text, "\xc3\xa9"); /* characters count, not bytes */
    }
    SIM_FREE char *fits = sim_fmt("{\"state\":\"queued\",\"description\":\"%s\"}", text.data);
    SIM_FREE char *over = sim_fmt("{\"state\":\"queued\",\"description\":\"%s!\"}", text.data);
    sim_buf_free(&text);
    reported(id, fits);
    REPLY long_text = report(id, over);
    assert_int_equal(long_text.status, 422);
    assert_string_equal(
        client_text(json_array_get(json_object_get(long_text.json, "errors"), 0), "field"),
        "description");
    REPLY word = report(id, "{\"state\":\"running\"}");
    assert_int_equal(word.status, 422);
    REPLY link = report(id, "{\"state\":\"pending\",\"log_url\":\"javascript:x\"}");
    assert_int_equal(link.status, 422);
    REPLY none = report(12, "{\"state\":\"pending\"}");
    assert_int_equal(none.status, 404);
    REPLY made = report(id, "{\"state\":\"in_progress\",\"log_url\":\"https://log.example/1\"}");
    assert_int_equal(made.status, 201);
    assert_string_equal(client_text(made.json, "log_url"), "https://log.example/1");
    assert_string_equal(client_text(made.json, "target_url"), "https://log.example/1");
    assert_string_equal(client_text(made.json, "environment"), "staging");
    reported(id, "{\"state\":\"success\"}");
    assert_states(id, "success in_progress queued");
    assert_int_equal(client_state(&sim, "deployment_statuses"), 3);
}

static void a_success_retires_earlier_ones_of_the_same_place(void **state) {
    (void)state;
    int64_t first = deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    int64_t failed = deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    int64_t live = deployed("{\"ref\":\"main\"}");
    int64_t kept = deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    int64_t last = deployed("{\"ref\":\"main\",\"environment\":\"staging\"}");
    reported(first, "{\"state\":\"success\"}");
    reported(failed, "{\"state\":\"failure\"}");
    reported(live, "{\"state\":\"success\"}");
    reported(kept, "{\"state\":\"success\",\"auto_inactive\":false}");
    assert_states(first, "success");
    reported(last, "{\"state\":\"success\"}");
    assert_states(first, "inactive success");
    assert_states(kept, "inactive success");
    assert_states(failed, "failure");
    assert_states(live, "success");
    int64_t live_again = deployed("{\"ref\":\"main\"}");
    reported(live_again, "{\"state\":\"success\"}");
    assert_states(live, "success");
    REPLY shown = client_get(&sim, "/sim/github");
    const json_t *repo = json_array_get(json_object_get(shown.json, "repos"), 0);
    assert_int_equal(json_array_size(json_object_get(repo, "deployments")), 6);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_deployment_is_answered_as_it_is_kept),
                                       ROW(what_cannot_be_understood_is_refused),
                                       ROW(required_contexts_decide_which_checks_count),
                                       ROW(a_branch_behind_is_merged_instead_of_deployed),
                                       ROW(merges_and_conflicts_come_as_often_as_told),
                                       ROW(deployments_are_filtered_and_newest_first),
                                       ROW(statuses_are_checked_and_kept_in_order),
                                       ROW(a_success_retires_earlier_ones_of_the_same_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
