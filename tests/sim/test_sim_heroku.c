/* test_sim_heroku.c -- the simulated Heroku answers as the real one is documented to. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The tests ask as fast as they can: the pool must not end before they do. */
static const char *const options[] = {"--heroku-pool",   "1000000",     "--promote-ms",
                                      "300-400",         "--client-id", "cid",
                                      "--client-secret", "csec",        NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    client_enter(&sim, "ada@example.com");
    return 0;
}

static char *app_id(const char *name) {
    SIM_FREE char *path = sim_fmt("/apps/%s", name);
    REPLY reply = client_api(&sim, "GET", path, NULL, NULL);
    assert_int_equal(reply.status, 200);
    return sim_strdup(client_text(reply.json, "id"));
}

static struct client_reply promote(const char *pipeline, const char *from, const char *to,
                                   const char *release, const char *header) {
    SIM_FREE char *path = sim_fmt("/pipelines/%s", pipeline);
    REPLY p = client_api(&sim, "GET", path, NULL, NULL);
    SIM_FREE char *source = app_id(from), *target = app_id(to);
    SIM_FREE char *pin =
        release != NULL ? sim_fmt(",\"release\":{\"id\":\"%s\"}", release) : sim_strdup("");
    SIM_FREE char *body =
        sim_fmt("{\"pipeline\":{\"id\":\"%s\"},\"source\":{\"app\":{\"id\":\"%s\"}%s},"
                "\"targets\":[{\"app\":{\"id\":\"%s\"}}]}",
                client_text(p.json, "id"), source, pin, target);
    return client_api(&sim, "POST", "/pipeline-promotions", header, body);
}

/* Asks until the target has left `pending`; *ret_release is 1 when it was seen with a release
 * while still pending. */
static json_t *target_end(const char *promotion, bool *ret_release_phase) {
    SIM_FREE char *path = sim_fmt("/pipeline-promotions/%s/promotion-targets", promotion);
    for (int64_t until_ms = sim_mono_ms() + 20000; sim_mono_ms() < until_ms;) {
        REPLY reply = client_api(&sim, "GET", path, NULL, NULL);
        json_t *target = json_array_get(reply.json, 0);
        if (strcmp(client_text(target, "status"), "pending") != 0) return json_incref(target);
        if (json_is_object(json_object_get(target, "release"))) *ret_release_phase = true;
    }
    fail_msg("the promotion did not end");
    return NULL;
}

static void a_promotion_moves_through_its_release_phase(void **state) {
    (void)state;
    REPLY made = promote("storefront", "storefront-staging", "storefront-production", NULL, NULL);
    assert_int_equal(made.status, 201);
    assert_string_equal(client_text(made.json, "status"), "pending");
    bool release_phase = false;
    json_auto_t *target = target_end(client_text(made.json, "id"), &release_phase);
    assert_true(release_phase);
    assert_string_equal(client_text(target, "status"), "succeeded");
    REPLY latest = client_api(&sim, "GET", "/apps/storefront-production/releases",
                              "Range: version ..; order=desc,max=1;", NULL);
    const json_t *release = json_array_get(latest.json, 0);
    assert_int_equal(sim_json_int(release, "version", 0), 18);
    assert_true(json_is_true(json_object_get(release, "current")));
    assert_string_equal(sim_json_text2(release, "user", "email"), "ada@example.com");
    assert_string_equal(client_text(release, "id"), sim_json_text2(target, "release", "id"));
    const char *start_text = "Promote storefront-staging v42 ";
    assert_memory_equal(client_text(release, "description"), start_text, strlen(start_text));
    REPLY old = client_api(&sim, "GET", "/apps/storefront-production/releases/17", NULL, NULL);
    assert_true(json_is_false(json_object_get(old.json, "current")));
    SIM_FREE char *slug =
        sim_fmt("/apps/storefront-production/slugs/%s", sim_json_text2(release, "slug", "id"));
    REPLY slug_reply = client_api(&sim, "GET", slug, NULL, NULL);
    assert_int_equal(strlen(client_text(slug_reply.json, "commit")), 40);
    SIM_FREE char *path = sim_fmt("/pipeline-promotions/%s", client_text(made.json, "id"));
    REPLY done = client_api(&sim, "GET", path, NULL, NULL);
    assert_string_equal(client_text(done.json, "status"), "completed");
}

static void a_pinned_release_is_what_ships(void **state) {
    (void)state;
    REPLY r41 = client_api(&sim, "GET", "/apps/storefront-staging/releases/41", NULL, NULL);
    const char *id = client_text(r41.json, "id");
    REPLY made = promote("storefront", "storefront-staging", "storefront-production", id, NULL);
    assert_int_equal(made.status, 201);
    bool phase = false;
    json_auto_t *target = target_end(client_text(made.json, "id"), &phase);
    SIM_FREE char *path =
        sim_fmt("/apps/storefront-production/releases/%s", sim_json_text2(target, "release", "id"));
    REPLY release = client_api(&sim, "GET", path, NULL, NULL);
    assert_string_equal(sim_json_text2(release.json, "slug", "id"),
                        sim_json_text2(r41.json, "slug", "id"));
    REPLY wrong = promote("storefront", "storefront-staging", "storefront-production",
                          "6f6f6f6f-0000-4000-8000-000000000000", NULL);
    assert_int_equal(wrong.status, 422);
}

static void impossible_promotions_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *pipeline, *from, *to;
        long status;
    } rows[] = {{"storefront", "storefront-staging", "storefront-staging", 422},
                {"storefront", "storefront-production", "storefront-staging", 422},
                {"storefront", "storefront-staging", "billing-eu", 422},
                {"storefront", "billing-staging", "storefront-production", 422},
                {"atlas", "atlas-staging", "atlas-production", 403}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY reply = promote(rows[i].pipeline, rows[i].from, rows[i].to, NULL, NULL);
        assert_int_equal(reply.status, rows[i].status);
        assert_string_equal(client_text(reply.json, "id"),
                            rows[i].status == 422 ? "invalid_params" : "two_factor");
    }
    assert_int_equal(client_state(&sim, "promotions"), 0);
}

static void a_second_factor_opens_atlas(void **state) {
    (void)state;
    REPLY wrong = promote("atlas", "atlas-staging", "atlas-production", NULL,
                          "Heroku-Two-Factor-Code: 654321");
    assert_int_equal(wrong.status, 403);
    REPLY right = promote("atlas", "atlas-staging", "atlas-production", NULL,
                          "Heroku-Two-Factor-Code: 123456");
    assert_int_equal(right.status, 201);
}

static void a_target_and_a_release_can_fail(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        SIM_FREE char *config =
            sim_fmt("{\"fail\":{\"app\":\"storefront-production\",\"where\":\"%s\",\"times\":1}}",
                    i == 0 ? "target" : "release");
        client_tell(&sim, "/sim/config", config);
        REPLY made =
            promote("storefront", "storefront-staging", "storefront-production", NULL, NULL);
        bool phase = false;
        json_auto_t *target = target_end(client_text(made.json, "id"), &phase);
        assert_string_equal(client_text(target, "status"), "failed");
        assert_non_null(sim_json_text(target, "error_message"));
        assert_int_equal(json_is_null(json_object_get(target, "release")), i == 0);
    }
    REPLY release = client_api(&sim, "GET", "/apps/storefront-production/releases/18", NULL, NULL);
    assert_string_equal(client_text(release.json, "status"), "failed");
    assert_true(json_is_false(json_object_get(release.json, "current")));
}

static void the_last_page_has_zebra(void **state) {
    (void)state;
    REPLY first = client_api(&sim, "GET", "/pipelines", NULL, NULL);
    assert_int_equal(first.status, 206);
    assert_int_equal(json_array_size(first.json), 200);
    assert_non_null(strstr(first.body, "\"storefront\""));
    assert_null(strstr(first.body, "\"zebra\""));
    char next[256];
    SIM_FREE char *range =
        sim_fmt("Range: %s", client_header(&first, "Next-Range", next, sizeof(next)));
    REPLY second = client_api(&sim, "GET", "/pipelines", range, NULL);
    assert_int_equal(second.status, 200);
    assert_non_null(strstr(second.body, "\"zebra\""));
    assert_string_equal(client_header(&second, "Next-Range", next, sizeof(next)), "");
    REPLY all = client_api(&sim, "GET", "/pipelines", "Range: id ..; max=1000;", NULL);
    assert_int_equal(all.status, 200);
    assert_int_equal(json_array_size(all.json),
                     json_array_size(first.json) + json_array_size(second.json));
    REPLY bad = client_api(&sim, "GET", "/pipelines", "Range: shoe ..; max=3;", NULL);
    assert_int_equal(bad.status, 416);
}

static void calls_are_refused_in_herokus_words(void **state) {
    (void)state;
    REPLY no_token = client_get(&sim, "/account");
    assert_int_equal(no_token.status, 401);
    assert_string_equal(client_text(no_token.json, "id"), "unauthorized");
    SIM_FREE char *auth = sim_fmt("Authorization: Bearer %s", sim.token);
    const char *headers[] = {auth, NULL};
    REPLY no_accept = client_call(&sim, "GET", "/account", headers, NULL);
    assert_int_equal(no_accept.status, 406);
    REPLY missing = client_api(&sim, "GET", "/apps/nothing", NULL, NULL);
    assert_int_equal(missing.status, 404);
    assert_string_equal(client_text(missing.json, "id"), "not_found");
    REPLY account = client_api(&sim, "GET", "/account", NULL, NULL);
    assert_string_equal(client_text(account.json, "email"), "ada@example.com");
    char value[128];
    assert_int_equal(strlen(client_header(&account, "Request-Id", value, sizeof(value))), 36);
    assert_string_not_equal(client_header(&account, "RateLimit-Remaining", value, sizeof(value)),
                            "");
    SIM_FREE char *known =
        sim_fmt("If-None-Match: %s", client_header(&account, "ETag", value, sizeof(value)));
    REPLY same = client_api(&sim, "GET", "/account", known, NULL);
    assert_int_equal(same.status, 304);
    client_tell(&sim, "/sim/config", "{\"heroku_pool\":0}");
    REPLY limited = client_api(&sim, "GET", "/account", NULL, NULL);
    assert_int_equal(limited.status, 429);
    assert_string_equal(client_text(limited.json, "id"), "rate_limit");
    REPLY is_free = client_api(&sim, "GET", "/account/rate-limits", NULL, NULL);
    assert_int_equal(sim_json_int(is_free.json, "remaining", -1), 0);
}

static void apps_are_filtered_by_id(void **state) {
    (void)state;
    SIM_FREE char *id = app_id("billing-eu");
    SIM_FREE char *body = sim_fmt("{\"in\":{\"id\":[\"%s\",\"nothing\"]}}", id);
    REPLY reply = client_api(&sim, "POST", "/filters/apps", NULL, body);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_array_size(reply.json), 1);
    assert_string_equal(client_text(json_array_get(reply.json, 0), "name"), "billing-eu");
}

static void somebody_denied_may_not_promote(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config",
                "{\"deny\":{\"app\":\"storefront-production\","
                "\"email\":\"ada@example.com\"}}");
    REPLY reply = promote("storefront", "storefront-staging", "storefront-production", NULL, NULL);
    assert_int_equal(reply.status, 403);
    assert_string_equal(client_text(reply.json, "id"), "forbidden");
}

static void a_reset_brings_back_the_first_releases(void **state) {
    (void)state;
    REPLY made = promote("storefront", "storefront-staging", "storefront-production", NULL, NULL);
    assert_int_equal(made.status, 201);
    bool phase = false;
    json_auto_t *target = target_end(client_text(made.json, "id"), &phase);
    assert_string_equal(client_text(target, "status"), "succeeded");
    assert_int_equal(client_state(&sim, "promotions"), 1);
    REPLY running = promote("billing", "billing-staging", "billing-eu", NULL, NULL);
    assert_int_equal(running.status, 201);
    client_tell(&sim, "/sim/reset", "");
    assert_int_equal(client_state(&sim, "promotions"), 0);
    REPLY gone = client_api(&sim, "GET", "/apps/storefront-production/releases/18", NULL, NULL);
    assert_int_equal(gone.status, 404);
    REPLY back = client_api(&sim, "GET", "/apps/storefront-production/releases/17", NULL, NULL);
    assert_true(json_is_true(json_object_get(back.json, "current")));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_promotion_moves_through_its_release_phase),
                                       ROW(a_pinned_release_is_what_ships),
                                       ROW(impossible_promotions_are_refused),
                                       ROW(a_second_factor_opens_atlas),
                                       ROW(a_target_and_a_release_can_fail),
                                       ROW(the_last_page_has_zebra),
                                       ROW(calls_are_refused_in_herokus_words),
                                       ROW(apps_are_filtered_by_id),
                                       ROW(somebody_denied_may_not_promote),
                                       ROW(a_reset_brings_back_the_first_releases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
