/* test_sim_hook.c -- webhooks of repositories at the simulated GitHub: who may see them, what they are told. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define REPO "/repos/acme/storefront"
#define DEPLOY "{\"ref\":\"main\",\"required_contexts\":[],\"environment\":\"staging\"}"

static const char *const options[] = {"--github-webhook-secret", "app", "--github-app-events",
                                      NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    ingress_start_of(&sim);
    client_github_enter(&sim, "ada-l");
    return 0;
}

static struct client_reply hook_post(const char *events, const char *type) {
    SIM_FREE char *ask = sim_fmt("{\"events\":%s,\"config\":{\"url\":\"%s/mine\",\"content_type\":"
                                 "\"%s\",\"secret\":\"hush\"}}",
                                 events, sim.ingress_url, type);
    return client_github(&sim, "POST", REPO "/hooks", ask);
}

/* The path of one that was made, with `rest`; its ping is request 0. */
static char *hook_path(const char *events, const char *rest) {
    REPLY made = hook_post(events, "json");
    assert_int_equal(made.status, 201);
    (void)ingress_wait(sim.ingress, 0);
    return sim_fmt(REPO "/hooks/%lld%s", (long long)sim_json_int(made.json, "id", 0), rest);
}

static void assert_signed(const struct ingress_request *got, const char *secret) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)got->body, strlen(got->body));
    crypto_auth_hmacsha256_final(&st, mac);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    assert_memory_equal(got->signature, "sha256=", 7);
    assert_string_equal(got->signature + 7, hex);
}

static void deploy(void) {
    REPLY made = client_github(&sim, "POST", REPO "/deployments", DEPLOY);
    assert_int_equal(made.status, 201);
}

static void only_an_administrator_sees_webhooks(void **state) {
    (void)state;
    REPLY repo = client_github(&sim, "GET", REPO, NULL);
    assert_int_equal(sim_json_int(repo.json, "id", 0), 7001);
    assert_true(json_is_true(json_object_get(json_object_get(repo.json, "permissions"), "admin")));
    SIM_FREE char *path = hook_path("[\"push\"]", "");
    client_github_enter(&sim, "bob-b");
    REPLY list = client_github(&sim, "GET", REPO "/hooks", NULL);
    REPLY one = client_github(&sim, "GET", path, NULL);
    REPLY made = hook_post("[\"push\"]", "json");
    assert_int_equal(list.status, 404);
    assert_int_equal(one.status, 404);
    assert_int_equal(made.status, 404);
    client_tell(&sim, "/sim/github/access",
                "{\"repo\":\"acme/storefront\",\"login\":\"bob-b\",\"right\":\"admin\"}");
    REPLY now = client_github(&sim, "GET", REPO "/hooks", NULL);
    assert_int_equal(json_array_size(now.json), 1);
}

static void a_webhook_is_pinged_and_shows_no_secret(void **state) {
    (void)state;
    REPLY made = hook_post("[\"push\",\"status\"]", "json");
    assert_int_equal(made.status, 201);
    struct ingress_request ping = ingress_wait(sim.ingress, 0);
    assert_string_equal(ping.path, "/mine");
    assert_string_equal(ping.event, "ping");
    assert_signed(&ping, "hush");
    const json_t *config = json_object_get(made.json, "config");
    assert_string_equal(client_text(config, "secret"), "********");
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "hush"));
    REPLY again = hook_post("[\"push\"]", "json");
    assert_int_equal(again.status, 422);
    assert_non_null(strstr(again.body, "Hook already exists on this repository"));
    REPLY unknown = client_github(&sim, "POST", REPO "/hooks",
                                  "{\"events\":[\"weather\"],\"config\":{\"url\":\"http://x\"}}");
    assert_int_equal(unknown.status, 422);
}

static void a_webhook_is_changed_and_ended(void **state) {
    (void)state;
    SIM_FREE char *path = hook_path("[\"push\"]", "");
    REPLY more = client_github(&sim, "PATCH", path,
                               "{\"add_events\":[\"status\",\"push\"],\"remove_events\":[\"push\"],"
                               "\"active\":false}");
    assert_int_equal(more.status, 200);
    json_auto_t *want = json_pack("[s]", "status");
    assert_true(json_equal(json_object_get(more.json, "events"), want));
    assert_true(json_is_false(json_object_get(more.json, "active")));
    REPLY end = client_github(&sim, "DELETE", path, NULL);
    assert_int_equal(end.status, 204);
    REPLY gone = client_github(&sim, "GET", path, NULL);
    assert_int_equal(gone.status, 404);
}

static void an_event_goes_to_the_webhook_that_wants_it(void **state) {
    (void)state;
    SIM_FREE char *path = hook_path("[\"deployment\"]", "");
    deploy();
    struct ingress_request got = ingress_wait(sim.ingress, 1);
    assert_string_equal(got.path, "/mine");
    assert_string_equal(got.event, "deployment");
    assert_signed(&got, "hush");
    json_auto_t *body = json_loads(got.body, 0, NULL);
    assert_string_equal(client_text(body, "action"), "created");
    assert_string_equal(client_text(json_object_get(body, "repository"), "full_name"),
                        "acme/storefront");
    assert_string_equal(client_text(json_object_get(body, "sender"), "login"), "ada-l");
    const json_t *deployment = json_object_get(body, "deployment");
    SIM_FREE char *statuses =
        sim_fmt(REPO "/deployments/%lld/statuses", (long long)sim_json_int(deployment, "id", 0));
    REPLY unwanted = client_github(&sim, "POST", statuses, "{\"state\":\"success\"}");
    assert_int_equal(unwanted.status, 201);
    REPLY wanted = client_github(&sim, "PATCH", path, "{\"events\":[\"deployment_status\"]}");
    assert_int_equal(wanted.status, 200);
    REPLY error = client_github(&sim, "POST", statuses, "{\"state\":\"error\"}");
    assert_int_equal(error.status, 201);
    got = ingress_wait(sim.ingress, 2);
    assert_string_equal(got.event, "deployment_status");
    json_auto_t *told = json_loads(got.body, 0, NULL);
    assert_string_equal(client_text(json_object_get(told, "deployment_status"), "state"), "error");
}

static void without_a_webhook_the_app_is_told(void **state) {
    (void)state;
    deploy();
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    assert_string_equal(got.path, "/webhooks/github");
    assert_string_equal(got.event, "deployment");
    assert_signed(&got, "app");
}

static void what_was_refused_comes_again_only_when_asked_for(void **state) {
    (void)state;
    SIM_FREE char *path = hook_path("[\"deployment\"]", "/deliveries");
    ingress_answer(sim.ingress, 503, "text/plain", "no");
    deploy();
    struct ingress_request first = ingress_wait(sim.ingress, 1);
    json_auto_t *failed = NULL;
    for (int64_t until_ms = sim_mono_ms() + 20000; failed == NULL && sim_mono_ms() < until_ms;) {
        REPLY list = client_github(&sim, "GET", path, NULL);
        json_t *newest = json_array_get(list.json, 0);
        if (sim_json_int(newest, "status_code", 0) == 503) failed = json_incref(newest);
    }
    assert_non_null(failed);
    assert_string_equal(client_text(failed, "guid"), first.delivery);
    assert_string_equal(client_text(failed, "status"), "Invalid HTTP Response: 503");
    ingress_answer(sim.ingress, 200, "text/plain", "");
    SIM_FREE char *one = sim_fmt("%s/%lld", path, (long long)sim_json_int(failed, "id", 0));
    SIM_FREE char *attempts = sim_fmt("%s/attempts", one);
    REPLY shown = client_github(&sim, "GET", one, NULL);
    const json_t *payload = json_object_get(json_object_get(shown.json, "request"), "payload");
    assert_string_equal(client_text(payload, "action"), "created");
    REPLY asked = client_github(&sim, "POST", attempts, NULL);
    assert_int_equal(asked.status, 202);
    struct ingress_request second = ingress_wait(sim.ingress, 2);
    assert_string_equal(second.delivery, first.delivery);
    assert_string_equal(second.body, first.body);
    REPLY list = client_github(&sim, "GET", path, NULL);
    const json_t *newest = json_array_get(list.json, 0);
    assert_true(json_is_true(json_object_get(newest, "redelivery")));
    assert_int_not_equal(sim_json_int(newest, "id", 0), sim_json_int(failed, "id", 0));
}

static void deliveries_come_newest_first_by_a_cursor(void **state) {
    (void)state;
    SIM_FREE char *path = hook_path("[\"deployment\"]", "/deliveries?per_page=2");
    deploy();
    deploy();
    REPLY page = client_github(&sim, "GET", path, NULL);
    assert_int_equal(json_array_size(page.json), 2);
    assert_true(sim_json_int(json_array_get(page.json, 0), "id", 0) >
                sim_json_int(json_array_get(page.json, 1), "id", 0));
    char link[512];
    client_header(&page, "Link", link, sizeof(link));
    assert_non_null(strstr(link, "rel=\"next\""));
    char *next = strstr(link, "/repos/");
    *strchr(next, '>') = '\0';
    REPLY rest = client_github(&sim, "GET", next, NULL);
    assert_int_equal(json_array_size(rest.json), 1);
    assert_string_equal(client_text(json_array_get(rest.json, 0), "event"), "ping");
}

static void a_form_is_what_who_asks_for_nothing_gets(void **state) {
    (void)state;
    REPLY made = hook_post("[\"push\"]", "form");
    assert_int_equal(made.status, 201);
    struct ingress_request ping = ingress_wait(sim.ingress, 0);
    assert_memory_equal(ping.body, "payload=%7B", 11);
    assert_signed(&ping, "hush");
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(only_an_administrator_sees_webhooks),
                                       ROW(a_webhook_is_pinged_and_shows_no_secret),
                                       ROW(a_webhook_is_changed_and_ended),
                                       ROW(an_event_goes_to_the_webhook_that_wants_it),
                                       ROW(without_a_webhook_the_app_is_told),
                                       ROW(what_was_refused_comes_again_only_when_asked_for),
                                       ROW(deliveries_come_newest_first_by_a_cursor),
                                       ROW(a_form_is_what_who_asks_for_nothing_gets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
