/* test_sim_webhook.c -- webhooks of apps: who may register them, what they are told, how often it is tried. */
#include "app_world.h"

#include <sodium.h>

#define EVERYTHING "[\"api:release\",\"api:build\",\"api:app\",\"api:dyno\",\"dyno\"]"
#define STAGING "/apps/storefront-staging"

static int start(void **state) {
    (void)state;
    app_world_start();
    ingress_start_of(&sim);
    client_tell(&sim, "/sim/config", "{\"hook_retry_ms\":10,\"webhook_secret\":\"nobodys\"}");
    return 0;
}

static struct client_reply hook_add(const char *include, const char *level, const char *more) {
    SIM_FREE char *body = sim_fmt("{\"include\":%s,\"level\":\"%s\",\"url\":\"%s/mine\"%s}",
                                  include, level, sim.ingress_url, more);
    return client_api(&sim, "POST", STAGING "/webhooks", NULL, body);
}

static void assert_signed(const struct ingress_request *got, const char *secret) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char text[80];
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)got->body, strlen(got->body));
    crypto_auth_hmacsha256_final(&st, mac);
    sodium_bin2base64(text, sizeof(text), mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    assert_string_equal(got->signature, text);
}

static json_t *body_of(const struct ingress_request *got) {
    json_t *body = json_loads(got->body, 0, NULL);
    if (body == NULL) fail_msg("no JSON: %s", got->body);
    return body;
}

static const char *include_of(const json_t *body) {
    return client_text(json_object_get(json_object_get(body, "webhook_metadata"), "event"),
                       "include");
}

static void maintenance(bool on) {
    REPLY set = client_api(&sim, "PATCH", STAGING, NULL,
                           on ? "{\"maintenance\":true}" : "{\"maintenance\":false}");
    assert_int_equal(set.status, 200);
}

static void a_secret_is_made_and_shown_once(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "sync", "");
    assert_int_equal(made.status, 201);
    char secret[80];
    client_header(&made, "Heroku-Webhook-Secret", secret, sizeof(secret));
    assert_int_equal(strlen(secret), 64);
    assert_null(strstr(made.body, secret));
    SIM_FREE char *path = sim_fmt(STAGING "/webhooks/%s", client_text(made.json, "id"));
    REPLY shown = client_api(&sim, "GET", path, NULL, NULL);
    assert_true(json_equal(shown.json, made.json));
    maintenance(true);
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    assert_string_equal(got.path, "/mine");
    assert_signed(&got, secret);
    json_auto_t *body = body_of(&got);
    assert_string_equal(client_text(body, "resource"), "app");
    assert_string_equal(client_text(body, "action"), "update");
    assert_true(json_is_true(json_object_get(json_object_get(body, "data"), "maintenance")));
    assert_true(
        json_is_false(json_object_get(json_object_get(body, "previous_data"), "maintenance")));
    REPLY set = client_api(&sim, "PATCH", path, NULL, "{\"secret\":\"given\"}");
    assert_int_equal(set.status, 200);
    assert_string_equal(client_header(&set, "Heroku-Webhook-Secret", secret, sizeof(secret)), "");
    maintenance(false);
    got = ingress_wait(sim.ingress, 1);
    assert_signed(&got, "given");
    REPLY end = client_api(&sim, "DELETE", path, NULL, NULL);
    assert_int_equal(end.status, 200);
    REPLY gone = client_api(&sim, "GET", path, NULL, NULL);
    assert_int_equal(gone.status, 404);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "given"));
}

static void a_wrong_hook_is_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"[\"api:weather\"]", "sync"}, {"[]", "sync"}, {"[\"api:app\"]", "loud"}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY made = hook_add(rows[i][0], rows[i][1], "");
        assert_int_equal(made.status, 422);
    }
    client_tell(&sim, "/sim/config",
                "{\"deny\":{\"app\":\"storefront-staging\",\"email\":\"ada@example.com\"}}");
    REPLY denied = hook_add("[\"api:app\"]", "sync", "");
    assert_int_equal(denied.status, 403);
}

/* The first webhook of this kind; new. */
static json_t *wait_for(const char *include, const char *key, const char *value) {
    for (unsigned i = 0; i < 16; i++) {
        struct ingress_request got = ingress_wait(sim.ingress, i);
        json_t *body = body_of(&got);
        assert_string_equal(got.path, "/mine"); /* and nothing to nobody's */
        const char *is = sim_json_text2(body, "data", key);
        if (strcmp(include_of(body), include) == 0 && is != NULL && strcmp(is, value) == 0)
            return body;
        json_decref(body);
    }
    fail_msg("no %s with %s %s", include, key, value);
    return NULL;
}

static void a_build_tells_build_release_and_dynos(void **state) {
    (void)state;
    REPLY made = hook_add(EVERYTHING, "notify", ",\"secret\":\"s\"");
    assert_int_equal(made.status, 201);
    SIM_FREE char *ask = sim_fmt("{\"source_blob\":{\"url\":\"%s/page/mark.svg\"}}", sim.base);
    REPLY bad = client_api(&sim, "POST", STAGING "/builds", NULL, ask);
    assert_int_equal(bad.status, 201);
    json_decref(wait_for("api:build", "status", "pending"));
    json_auto_t *failed = wait_for("api:build", "status", "failed"); /* it is no tarball */
    assert_non_null(
        strstr(client_text(json_object_get(failed, "data"), "output_stream_url"), "X-Amz-"));
    REPLY releases = client_api(&sim, "GET", STAGING "/releases", NULL, NULL);
    const json_t *first = json_array_get(releases.json, 0);
    SIM_FREE char *back = sim_fmt("{\"release\":\"%s\"}", client_text(first, "id"));
    REPLY rollback = client_api(&sim, "POST", STAGING "/releases", NULL, back);
    assert_int_equal(rollback.status, 201);
    json_auto_t *release = wait_for("api:release", "status", "succeeded");
    const json_t *slug = json_object_get(json_object_get(release, "data"), "slug");
    assert_int_equal(strlen(client_text(slug, "commit")), 40);
    assert_string_equal(client_text(json_object_get(release, "actor"), "email"), "ada@example.com");
    json_decref(wait_for("api:dyno", "state", "starting"));
    json_auto_t *up = wait_for("dyno", "state", "up");
    assert_string_equal(client_text(json_object_get(up, "data"), "name"), "web.1");
    assert_string_equal(client_text(json_object_get(up, "previous_data"), "state"), "starting");
}

/* Its record, once its status is no longer `from`; new. */
static json_t *delivery_after(const char *from) {
    for (int64_t until_ms = sim_mono_ms() + 20000; sim_mono_ms() < until_ms;) {
        REPLY list = client_api(&sim, "GET", STAGING "/webhook-deliveries", NULL, NULL);
        assert_int_equal(list.status, 200);
        assert_int_equal(json_array_size(list.json), 1);
        json_t *first = json_array_get(list.json, 0);
        if (strcmp(client_text(first, "status"), from) != 0) return json_incref(first);
    }
    fail_msg("it stays %s", from);
    return NULL;
}

static void sync_is_tried_until_it_is_taken(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "sync", ",\"authorization\":\"Bearer me\"");
    assert_int_equal(made.status, 201);
    ingress_answer(sim.ingress, 503, "text/plain", "");
    maintenance(true);
    struct ingress_request first = ingress_wait(sim.ingress, 0);
    struct ingress_request third = ingress_wait(sim.ingress, 2);
    ingress_answer(sim.ingress, 200, "text/plain", "");
    json_auto_t *one = body_of(&first), *three = body_of(&third);
    assert_string_equal(client_text(one, "id"), client_text(three, "id"));
    assert_false(json_equal(json_object_get(one, "webhook_metadata"),
                            json_object_get(three, "webhook_metadata")));
    json_auto_t *delivery = delivery_after("retrying");
    assert_string_equal(client_text(delivery, "status"), "succeeded");
    assert_true(sim_json_int(delivery, "num_attempts", 0) >= 4);
    const json_t *last = json_object_get(delivery, "last_attempt");
    assert_int_equal(sim_json_int(last, "code", 0), 200);
    REPLY events = client_api(&sim, "GET", STAGING "/webhook-events", NULL, NULL);
    const json_t *event = json_array_get(events.json, 0);
    assert_string_equal(client_text(event, "id"), client_text(one, "id"));
    assert_string_equal(client_text(event, "include"), "api:app");
    assert_string_equal(client_text(json_object_get(event, "payload"), "action"), "update");
}

static void notify_is_tried_once(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "notify", "");
    assert_int_equal(made.status, 201);
    ingress_answer(sim.ingress, 503, "text/plain", "");
    maintenance(true);
    json_auto_t *delivery = delivery_after("pending");
    assert_string_equal(client_text(delivery, "status"), "failed");
    assert_int_equal(sim_json_int(delivery, "num_attempts", 0), 1);
    const json_t *last = json_object_get(delivery, "last_attempt");
    assert_int_equal(sim_json_int(last, "code", 0), 503);
    assert_string_equal(client_text(last, "error_class"), "BadResponse");
}

static void deliveries_come_by_pages(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "sync", "");
    assert_int_equal(made.status, 201);
    for (int i = 0; i < 3; i++) {
        maintenance(true);
    }
    REPLY page =
        client_api(&sim, "GET", STAGING "/webhook-deliveries", "Range: id ..; max=2;", NULL);
    assert_int_equal(page.status, 206);
    assert_int_equal(json_array_size(page.json), 2);
    char next[128];
    client_header(&page, "Next-Range", next, sizeof(next));
    SIM_FREE char *range = sim_fmt("Range: %s", next);
    REPLY rest = client_api(&sim, "GET", STAGING "/webhook-deliveries", range, NULL);
    assert_int_equal(rest.status, 200);
    assert_int_equal(json_array_size(rest.json), 1);
    REPLY newest = client_api(&sim, "GET", STAGING "/webhook-deliveries",
                              "Range: seq ..; order=desc,max=2", NULL);
    assert_int_equal(newest.status, 206);
    const char *first = client_text(json_array_get(newest.json, 0), "created_at");
    assert_true(strcmp(first, client_text(json_array_get(newest.json, 1), "created_at")) >= 0);
    REPLY failed = client_api(&sim, "GET", STAGING "/webhook-deliveries?eq%5Bstatus%5D=failed",
                              "Range: seq ..; order=desc,max=2", NULL);
    assert_int_equal(failed.status, 200);
    assert_int_equal(json_array_size(failed.json), 0);
}

static void an_app_can_be_renamed_and_is_itself_again(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "sync", "");
    assert_int_equal(made.status, 201);
    REPLY taken = client_api(&sim, "PATCH", STAGING, NULL, "{\"name\":\"billing-eu\"}");
    assert_int_equal(taken.status, 422);
    REPLY set = client_api(&sim, "PATCH", STAGING, NULL, "{\"name\":\"shop-staging\"}");
    assert_int_equal(set.status, 200);
    json_auto_t *told = wait_for("api:app", "name", "shop-staging");
    assert_string_equal(client_text(json_object_get(told, "previous_data"), "name"),
                        "storefront-staging");
    REPLY old = client_api(&sim, "GET", STAGING, NULL, NULL);
    assert_int_equal(old.status, 404);
    client_tell(&sim, "/sim/reset", "{}");
    REPLY again = client_api(&sim, "GET", STAGING "/webhooks", NULL, NULL);
    assert_int_equal(again.status, 200);
    assert_int_equal(json_array_size(again.json), 0);
}

static void nothing_leaves_this_machine(void **state) {
    (void)state;
    REPLY made = client_api(&sim, "POST", STAGING "/webhooks", NULL,
                            "{\"include\":[\"api:app\"],\"level\":\"notify\",\"url\":"
                            "\"http://localhost.example:80/x\"}");
    assert_int_equal(made.status, 201);
    maintenance(true);
    json_auto_t *delivery = delivery_after("pending");
    assert_string_equal(client_text(delivery, "status"), "failed");
    assert_string_equal(client_text(json_object_get(delivery, "last_attempt"), "error_class"),
                        "ConnectionError");
}

static void each_is_delivered_twice_when_that_is_asked_for(void **state) {
    (void)state;
    REPLY made = hook_add("[\"api:app\"]", "sync", "");
    assert_int_equal(made.status, 201);
    client_tell(&sim, "/sim/config", "{\"repeat_events\":true}");
    maintenance(true);
    struct ingress_request one = ingress_wait(sim.ingress, 0), two = ingress_wait(sim.ingress, 1);
    json_auto_t *first = body_of(&one), *second = body_of(&two);
    assert_string_equal(client_text(first, "id"), client_text(second, "id"));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_secret_is_made_and_shown_once),
                                       ROW(a_wrong_hook_is_refused),
                                       ROW(a_build_tells_build_release_and_dynos),
                                       ROW(sync_is_tried_until_it_is_taken),
                                       ROW(notify_is_tried_once),
                                       ROW(nothing_leaves_this_machine),
                                       ROW(deliveries_come_by_pages),
                                       ROW(an_app_can_be_renamed_and_is_itself_again),
                                       ROW(each_is_delivered_twice_when_that_is_asked_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
