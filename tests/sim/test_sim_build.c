/* test_sim_build.c -- the simulated Heroku builds what it can fetch, one at a time and app. */
#include "app_world.h"

#define GZIP "\x1f\x8b\x08 source"

static const char sha[] = "0123456789abcdef0123456789abcdef01234567";
static char source[96];

static int start(void **state) {
    (void)state;
    char url[64];
    app_world_start();
    sim.ingress = ingress_start(url); /* has the source */
    ingress_answer(sim.ingress, 200, "application/gzip", GZIP);
    strcpy(source, url);
    strcat(source, "/archive.tar.gz");
    return 0;
}

static struct client_reply build(const char *app, const char *url, const char *header) {
    SIM_FREE char *path = sim_fmt("/apps/%s/builds", app);
    SIM_FREE char *body = sim_fmt("{\"source_blob\":{\"url\":\"%s\",\"version\":\"%s\","
                                  "\"version_description\":\"acme/storefront:01234567\"}}",
                                  url, sha);
    return client_api(&sim, "POST", path, header, body);
}

static json_t *build_end(const char *app, const char *id) {
    SIM_FREE char *path = sim_fmt("/apps/%s/builds/%s", app, id);
    return wait_until_not(path, "status", "pending");
}

static void a_build_becomes_a_slug_a_release_and_new_dynos(void **state) {
    (void)state;
    REPLY made = build("storefront-production", source, NULL);
    assert_int_equal(made.status, 201);
    assert_string_equal(client_text(made.json, "status"), "pending");
    assert_true(json_is_null(json_object_get(made.json, "release")));
    assert_true(json_is_null(json_object_get(made.json, "slug")));
    assert_string_equal(sim_json_text2(made.json, "user", "email"), "ada@example.com");
    assert_string_equal(sim_json_text2(made.json, "source_blob", "version"), sha);
    assert_string_equal(sim_json_text2(made.json, "source_blob", "version_description"),
                        "acme/storefront:01234567");
    assert_non_null(strstr(client_text(made.json, "output_stream_url"), "X-Amz-Signature="));
    json_auto_t *done = build_end("storefront-production", client_text(made.json, "id"));
    assert_string_equal(client_text(done, "status"), "succeeded");
    assert_string_equal(ingress_wait(sim.ingress, 0).path, "/archive.tar.gz");
    const char *release_id = sim_json_text2(done, "release", "id");
    json_auto_t *release = release_end("storefront-production", release_id);
    assert_string_equal(client_text(release, "status"), "succeeded");
    assert_true(json_is_true(json_object_get(release, "current")));
    assert_int_equal(sim_json_int(release, "version", 0), 18);
    assert_string_equal(client_text(release, "description"), "Deploy 01234567");
    assert_string_equal(sim_json_text2(release, "slug", "id"), sim_json_text2(done, "slug", "id"));
    SIM_FREE char *path =
        sim_fmt("/apps/storefront-production/slugs/%s", sim_json_text2(done, "slug", "id"));
    REPLY slug = client_api(&sim, "GET", path, NULL, NULL);
    assert_string_equal(client_text(slug.json, "commit"), sha);
    wait_for_dynos("storefront-production", "up");
    REPLY dynos = client_api(&sim, "GET", "/apps/storefront-production/dynos", NULL, NULL);
    assert_int_equal(json_array_size(dynos.json), 3);
    assert_int_equal(
        sim_json_int(json_object_get(json_array_get(dynos.json, 0), "release"), "version", 0), 18);
}

static void the_release_of_a_build_is_pending_first(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"promote_ms\":[60000,60000]}");
    REPLY made = build("storefront-staging", source, NULL);
    json_auto_t *done = build_end("storefront-staging", client_text(made.json, "id"));
    assert_string_equal(client_text(done, "status"), "succeeded");
    SIM_FREE char *path =
        sim_fmt("/apps/storefront-staging/releases/%s", sim_json_text2(done, "release", "id"));
    REPLY release = client_api(&sim, "GET", path, NULL, NULL);
    assert_string_equal(client_text(release.json, "status"), "pending");
    assert_true(json_is_false(json_object_get(release.json, "current")));
    assert_true(json_is_false(json_object_get(release.json, "eligible_for_rollback")));
    size_t all;
    assert_int_equal(dynos_in("storefront-staging", "starting", &all), 0);
}

static void a_build_fails_on_demand_or_without_its_source(void **state) {
    (void)state;
    fail_at("storefront-staging", "build");
    REPLY first = build("storefront-staging", source, NULL);
    json_auto_t *bad = build_end("storefront-staging", client_text(first.json, "id"));
    assert_string_equal(client_text(bad, "status"), "failed");
    assert_true(json_is_null(json_object_get(bad, "release")));
    ingress_answer(sim.ingress, 200, "text/html", "<!doctype html>sign in, please");
    REPLY page = build("storefront-staging", source, NULL);
    json_auto_t *no_tarball = build_end("storefront-staging", client_text(page.json, "id"));
    assert_string_equal(client_text(no_tarball, "status"), "failed");
    ingress_answer(sim.ingress, 404, "text/plain", "gone");
    REPLY second = build("storefront-staging", source, NULL);
    json_auto_t *gone = build_end("storefront-staging", client_text(second.json, "id"));
    assert_string_equal(client_text(gone, "status"), "failed");
    REPLY third = build("storefront-staging", "https://elsewhere.example/x.tar.gz", NULL);
    json_auto_t *far = build_end("storefront-staging", client_text(third.json, "id"));
    assert_string_equal(client_text(far, "status"), "failed");
    ingress_answer(sim.ingress, 200, "application/gzip", GZIP);
    REPLY fourth = build("storefront-staging", source, NULL);
    json_auto_t *good = build_end("storefront-staging", client_text(fourth.json, "id"));
    assert_string_equal(client_text(good, "status"), "succeeded");
}

static void one_build_runs_at_a_time_and_can_be_cancelled(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"build_ms\":[60000,60000]}");
    REPLY made = build("storefront-staging", source, NULL);
    assert_int_equal(made.status, 201);
    REPLY second = build("storefront-staging", source, NULL);
    assert_int_equal(second.status, 409);
    assert_string_equal(client_text(second.json, "id"), "conflict");
    REPLY other = build("storefront-dev", source, NULL);
    assert_int_equal(other.status, 201);
    SIM_FREE char *path =
        sim_fmt("/apps/storefront-staging/builds/%s", client_text(made.json, "id"));
    REPLY cancel = client_api(&sim, "DELETE", path, NULL, NULL);
    assert_int_equal(cancel.status, 200);
    REPLY after = client_api(&sim, "GET", path, NULL, NULL);
    assert_string_equal(client_text(after.json, "status"), "failed");
    REPLY again = client_api(&sim, "DELETE", path, NULL, NULL);
    assert_int_equal(again.status, 422);
    REPLY third = build("storefront-staging", source, NULL);
    assert_int_equal(third.status, 201);
    REPLY list = client_api(&sim, "GET", "/apps/storefront-staging/builds",
                            "Range: created_at ..; order=desc,max=10;", NULL);
    assert_int_equal(list.status, 200);
    assert_int_equal(json_array_size(list.json), 2);
    assert_int_equal(client_state(&sim, "builds"), 3);
    assert_int_equal(client_state(&sim, "builds_refused"), 1);
}

static void a_second_factor_opens_builds_once_or_for_a_while(void **state) {
    (void)state;
    REPLY refused = build("atlas-staging", source, NULL);
    assert_int_equal(refused.status, 403);
    assert_string_equal(client_text(refused.json, "id"), "two_factor");
    REPLY once = build("atlas-staging", source, "Heroku-Two-Factor-Code: 123456");
    assert_int_equal(once.status, 201);
    REPLY list = client_api(&sim, "GET", "/apps/atlas-staging/dynos", NULL, NULL);
    assert_int_equal(list.status, 403);
    REPLY wrong = client_api(&sim, "PUT", "/apps/atlas-staging/pre-authorizations",
                             "Heroku-Two-Factor-Code: 654321", NULL);
    assert_int_equal(wrong.status, 403);
    REPLY right = client_api(&sim, "PUT", "/apps/atlas-staging/pre-authorizations",
                             "Heroku-Two-Factor-Code: 123456", NULL);
    assert_int_equal(right.status, 200);
    REPLY open = client_api(&sim, "GET", "/apps/atlas-staging/dynos", NULL, NULL);
    assert_int_equal(open.status, 200);
    REPLY other = client_api(&sim, "GET", "/apps/atlas-production/dynos", NULL, NULL);
    assert_int_equal(other.status, 403);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_build_becomes_a_slug_a_release_and_new_dynos),
                                       ROW(the_release_of_a_build_is_pending_first),
                                       ROW(a_build_fails_on_demand_or_without_its_source),
                                       ROW(one_build_runs_at_a_time_and_can_be_cancelled),
                                       ROW(a_second_factor_opens_builds_once_or_for_a_while)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
