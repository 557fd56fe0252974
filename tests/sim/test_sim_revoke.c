/* test_sim_revoke.c -- how access to the simulated GitHub ends: by the application, and by its owner, who tells. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const options[] = {"--github-client-id",
                                      "cid",
                                      "--github-client-secret",
                                      "csec",
                                      "--github-webhook-secret",
                                      "hook",
                                      NULL};
static const char *const right[] = {"User-Agent: t", "Authorization: Basic Y2lkOmNzZWM=", NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    return 0;
}

static long user_status(const json_t *tokens) {
    sim.token = client_text(tokens, "access_token");
    REPLY reply = client_github(&sim, "GET", "/user", NULL);
    return reply.status;
}

static long end_token(const char *client, const char *const *headers, const char *token) {
    SIM_FREE char *path = sim_fmt("/github/applications/%s/token", client);
    SIM_FREE char *body = sim_fmt("{\"access_token\":\"%s\"}", token);
    REPLY reply = client_call(&sim, "DELETE", path, headers, body);
    return reply.status;
}

static void the_app_ends_one_token_with_its_secret(void **state) {
    (void)state;
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    json_auto_t *other = client_github_sign_in(&sim, "ada-l");
    const char *access = client_text(tokens, "access_token");
    const char *wrong[] = {"User-Agent: t", "Authorization: Basic Y2lkOm5v", NULL};
    const char *none[] = {"User-Agent: t", NULL};
    assert_int_equal(end_token("cid", wrong, access), 401);
    assert_int_equal(end_token("cid", none, access), 401);
    assert_int_equal(end_token("dic", right, access), 401);
    assert_int_equal(user_status(tokens), 200);
    assert_int_equal(end_token("cid", right, access), 204);
    assert_int_equal(user_status(tokens), 401);
    assert_int_equal(user_status(other), 200); /* of another workspace, say */
    assert_int_equal(end_token("cid", right, access), 404);
    assert_int_equal(end_token("cid", right, "gho_never"), 404);
    REPLY empty = client_call(&sim, "DELETE", "/github/applications/cid/token", right, "{}");
    assert_int_equal(empty.status, 422);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "gho_"));
    assert_null(strstr(journal.body, "csec"));
}

static void a_token_that_was_ended_is_not_refreshed(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"github_app\":\"expiring\"}");
    json_auto_t *tokens = client_github_sign_in(&sim, "bob-b");
    assert_int_equal(end_token("cid", right, client_text(tokens, "access_token")), 204);
    const char *headers[] = {"Accept: application/json", NULL};
    SIM_FREE char *form =
        sim_fmt("client_id=cid&client_secret=csec&grant_type=refresh_token&refresh_token=%s",
                client_text(tokens, "refresh_token"));
    REPLY reply = client_call(&sim, "POST", "/github.com/login/oauth/access_token", headers, form);
    assert_string_equal(client_text(reply.json, "error"), "bad_refresh_token");
}

static void who_withdraws_is_told_of_by_a_signed_event(void **state) {
    (void)state;
    ingress_start_of(&sim);
    json_auto_t *tokens = client_github_sign_in(&sim, "bob-b");
    REPLY revoke = client_post(&sim, "/sim/revoke", "{\"github\":\"bob-b\",\"event\":true}");
    assert_int_equal(revoke.status, 200);
    assert_int_equal(sim_json_int(revoke.json, "count", -1), 1);
    assert_int_equal(user_status(tokens), 401);
    struct ingress_request seen = ingress_wait(sim.ingress, 0);
    assert_string_equal(seen.path, "/webhooks/github");
    assert_string_equal(seen.event, "github_app_authorization");
    assert_int_equal(strlen(seen.delivery), 36);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state hash;
    crypto_auth_hmacsha256_init(&hash, (const unsigned char *)"hook", 4);
    crypto_auth_hmacsha256_update(&hash, (const unsigned char *)seen.body, strlen(seen.body));
    crypto_auth_hmacsha256_final(&hash, mac);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    assert_memory_equal(seen.signature, "sha256=", 7);
    assert_string_equal(seen.signature + 7, hex);
    json_auto_t *event = json_loads(seen.body, 0, NULL);
    const json_t *sender = json_object_get(event, "sender");
    assert_string_equal(client_text(event, "action"), "revoked");
    assert_string_equal(client_text(sender, "login"), "bob-b");
    client_github_enter(&sim, "bob-b");
    REPLY user = client_github(&sim, "GET", "/user", NULL);
    assert_int_equal(sim_json_int(sender, "id", -1), sim_json_int(user.json, "id", -2));
}

static void an_event_that_cannot_be_sent_is_refused(void **state) {
    (void)state;
    REPLY nowhere = client_post(&sim, "/sim/revoke", "{\"github\":\"bob-b\",\"event\":true}");
    assert_int_equal(nowhere.status, 422);
    ingress_start_of(&sim);
    REPLY heroku =
        client_post(&sim, "/sim/revoke", "{\"email\":\"bob@example.com\",\"event\":true}");
    assert_int_equal(heroku.status, 422);
    client_tell(&sim, "/sim/revoke", "{\"github\":\"bob-b\"}");
    assert_int_equal(ingress_count(sim.ingress), 0);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(the_app_ends_one_token_with_its_secret),
                                       ROW(a_token_that_was_ended_is_not_refreshed),
                                       ROW(who_withdraws_is_told_of_by_a_signed_event),
                                       ROW(an_event_that_cannot_be_sent_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
