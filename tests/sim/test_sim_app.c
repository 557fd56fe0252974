/* test_sim_app.c -- rollbacks, dynos, maintenance and repositories of the simulated Heroku. */
#include "app_world.h"

static int start(void **state) {
    (void)state;
    app_world_start();
    return 0;
}

static void a_rollback_is_a_new_release_with_the_old_slug(void **state) {
    (void)state;
    REPLY to = client_api(&sim, "GET", "/apps/storefront-production/releases/15", NULL, NULL);
    SIM_FREE char *body = sim_fmt("{\"release\":\"%s\"}", client_text(to.json, "id"));
    REPLY made = client_api(&sim, "POST", "/apps/storefront-production/releases", NULL, body);
    assert_int_equal(made.status, 201);
    assert_int_equal(sim_json_int(made.json, "version", 0), 18);
    assert_string_equal(client_text(made.json, "status"), "pending");
    assert_string_equal(client_text(made.json, "description"), "Rollback to v15");
    json_auto_t *done = release_end("storefront-production", client_text(made.json, "id"));
    assert_string_equal(client_text(done, "status"), "succeeded");
    assert_string_equal(sim_json_text2(done, "slug", "id"), sim_json_text2(to.json, "slug", "id"));
    fail_at("storefront-production", "release");
    REPLY again = client_api(&sim, "POST", "/apps/storefront-production/releases", NULL, body);
    json_auto_t *failed = release_end("storefront-production", client_text(again.json, "id"));
    assert_string_equal(client_text(failed, "status"), "failed");
    assert_true(json_is_false(json_object_get(failed, "current")));
    assert_int_equal(client_state(&sim, "rollbacks"), 2);
}

static void a_rollback_to_what_is_not_eligible_is_refused(void **state) {
    (void)state;
    REPLY to = client_api(&sim, "GET", "/apps/storefront-production/releases/15", NULL, NULL);
    SIM_FREE char *body = sim_fmt("{\"release\":\"%s\"}", client_text(to.json, "id"));
    static const struct {
        const char *config, *body;
        long status;
    } rows[] = {
        {"\"status\":\"expired\"", NULL, 422},
        {"\"status\":\"succeeded\",\"eligible_for_rollback\":false", NULL, 422},
        {"\"eligible_for_rollback\":true", "{\"release\":\"15\"}", 404},
        {"\"eligible_for_rollback\":true", "{}", 422},
        {"\"eligible_for_rollback\":true", NULL, 201},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *config = sim_fmt(
            "{\"release\":{\"app\":\"storefront-production\",\"version\":15,%s}}", rows[i].config);
        client_tell(&sim, "/sim/config", config);
        REPLY reply = client_api(&sim, "POST", "/apps/storefront-production/releases", NULL,
                                 rows[i].body != NULL ? rows[i].body : body);
        assert_int_equal(reply.status, rows[i].status);
    }
}

static void restarted_dynos_start_and_come_up(void **state) {
    (void)state;
    size_t all;
    assert_int_equal(dynos_in("storefront-production", "up", &all), 3);
    REPLY before = client_api(&sim, "GET", "/apps/storefront-production/dynos/web.1", NULL, NULL);
    REPLY one = client_api(&sim, "DELETE", "/apps/storefront-production/dynos/web.1", NULL, NULL);
    assert_int_equal(one.status, 202);
    assert_int_equal(dynos_in("storefront-production", "starting", &all), 1);
    REPLY after = client_api(&sim, "GET", "/apps/storefront-production/dynos/web.1", NULL, NULL);
    assert_string_not_equal(client_text(before.json, "id"), client_text(after.json, "id"));
    wait_for_dynos("storefront-production", "up");
    REPLY type = client_api(&sim, "DELETE", "/apps/storefront-production/dynos/web", NULL, NULL);
    assert_int_equal(type.status, 202);
    assert_int_equal(dynos_in("storefront-production", "starting", &all), 2);
    REPLY every = client_api(&sim, "DELETE", "/apps/storefront-production/dynos", NULL, NULL);
    assert_int_equal(every.status, 202);
    assert_int_equal(dynos_in("storefront-production", "starting", &all), 3);
    wait_for_dynos("storefront-production", "up");
    REPLY none = client_api(&sim, "DELETE", "/apps/storefront-production/dynos/clock", NULL, NULL);
    assert_int_equal(none.status, 404);
    fail_at("storefront-production", "dynos");
    REPLY bad = client_api(&sim, "DELETE", "/apps/storefront-production/dynos", NULL, NULL);
    assert_int_equal(bad.status, 202);
    wait_for_dynos("storefront-production", "crashed");
    REPLY formation = client_api(&sim, "GET", "/apps/storefront-production/formation", NULL, NULL);
    assert_int_equal(sim_json_int(json_array_get(formation.json, 0), "quantity", 0), 2);
    assert_int_equal(client_state(&sim, "restarts"), 4);
}

static void maintenance_is_switched_and_forgotten_by_a_reset(void **state) {
    (void)state;
    REPLY on =
        client_api(&sim, "PATCH", "/apps/storefront-production", NULL, "{\"maintenance\":true}");
    assert_int_equal(on.status, 200);
    assert_true(json_is_true(json_object_get(on.json, "maintenance")));
    REPLY bad =
        client_api(&sim, "PATCH", "/apps/storefront-production", NULL, "{\"maintenance\":\"on\"}");
    assert_int_equal(bad.status, 422);
    REPLY locked = client_api(&sim, "PATCH", "/apps/atlas-staging", NULL, "{\"maintenance\":true}");
    assert_int_equal(locked.status, 403);
    REPLY made = client_api(&sim, "POST", "/apps/storefront-production/builds", NULL,
                            "{\"source_blob\":{\"url\":\"http://127.0.0.1:9/x\"}}");
    assert_int_equal(made.status, 201);
    client_tell(&sim, "/sim/reset", "");
    REPLY app = client_api(&sim, "GET", "/apps/storefront-production", NULL, NULL);
    assert_true(json_is_false(json_object_get(app.json, "maintenance")));
    REPLY builds = client_api(&sim, "GET", "/apps/storefront-production/builds", NULL, NULL);
    assert_int_equal(json_array_size(builds.json), 0);
}

static void somebody_denied_changes_nothing(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *body;
    } rows[] = {{"POST", "/apps/billing-eu/builds", "{\"source_blob\":{\"url\":\"http://x\"}}"},
                {"POST", "/apps/billing-eu/releases", "{\"release\":\"9\"}"},
                {"PATCH", "/apps/billing-eu", "{\"maintenance\":true}"},
                {"DELETE", "/apps/billing-eu/dynos", NULL}};
    client_tell(&sim, "/sim/config",
                "{\"deny\":{\"app\":\"billing-eu\",\"email\":\"ada@example.com\"}}");
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY reply = client_api(&sim, rows[i].method, rows[i].path, NULL, rows[i].body);
        assert_int_equal(reply.status, 403);
        assert_string_equal(client_text(reply.json, "id"), "forbidden");
    }
}

static struct client_reply repo(const char *path, const char *version) {
    SIM_FREE char *auth = sim_fmt("Authorization: Bearer %s", sim.token);
    SIM_FREE char *accept = sim_fmt("Accept: application/vnd.heroku+json; version=%s", version);
    const char *headers[] = {auth, accept, NULL};
    return client_call(&sim, "GET", path, headers, NULL);
}

static void a_repository_is_known_to_one_of_two_services(void **state) {
    (void)state;
    REPLY new_one = repo("/pipelines/storefront/repo", "3.repositories-api");
    assert_int_equal(new_one.status, 200);
    assert_string_equal(client_text(new_one.json, "full_name"), "acme/storefront");
    REPLY plain = repo("/pipelines/storefront/repo", "3");
    assert_int_equal(plain.status, 404);
    REPLY old_only = repo("/pipelines/billing/repo", "3.repositories-api");
    assert_int_equal(old_only.status, 404);
    REPLY old = repo("/kolkrabbi/pipelines/billing/repository", "3");
    assert_int_equal(old.status, 200);
    assert_string_equal(sim_json_text2(old.json, "repository", "name"), "acme/billing");
    REPLY none = repo("/kolkrabbi/pipelines/zebra/repository", "3");
    assert_int_equal(none.status, 404);
    REPLY nobody = client_get(&sim, "/kolkrabbi/pipelines/billing/repository");
    assert_int_equal(nobody.status, 401);
    client_tell(&sim, "/sim/config", "{\"repositories_api\":false}");
    REPLY gone = repo("/pipelines/storefront/repo", "3.repositories-api");
    assert_int_equal(gone.status, 404);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_non_null(strstr(journal.body, "\"path\":\"/pipelines/billing/repository\""));
    assert_non_null(strstr(journal.body, "\"upstream\":\"kolkrabbi\""));
    assert_null(strstr(journal.body, "\"/kolkrabbi"));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_rollback_is_a_new_release_with_the_old_slug),
                                       ROW(a_rollback_to_what_is_not_eligible_is_refused),
                                       ROW(restarted_dynos_start_and_come_up),
                                       ROW(maintenance_is_switched_and_forgotten_by_a_reset),
                                       ROW(somebody_denied_changes_nothing),
                                       ROW(a_repository_is_known_to_one_of_two_services)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
