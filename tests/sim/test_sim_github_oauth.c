/* test_sim_github_oauth.c -- tokens of both kinds of GitHub apps, rates, faults and secrets. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "/github.com/login/oauth/authorize?client_id=cid&scope=repo&state=%3Cb%3E"
#define TOKEN "/github.com/login/oauth/access_token"

static const char *const options[] = {"--github-client-id", "cid", "--github-client-secret", "csec",
                                      NULL};
static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    return 0;
}

static struct client_reply token_call(const char *fmt, const char *value) {
    const char *headers[] = {"Accept: application/json", NULL};
    SIM_FREE char *form = sim_fmt("client_id=cid&client_secret=csec&%s%s", fmt, value);
    return client_call(&sim, "POST", TOKEN, headers, form);
}

static void assert_error(const struct client_reply *reply, const char *error) {
    assert_int_equal(reply->status, 200);
    assert_string_equal(client_text(reply->json, "error"), error);
    assert_null(json_object_get(reply->json, "access_token"));
}

static long user_status(const char *token) {
    sim.token = token;
    REPLY reply = client_github(&sim, "GET", "/user", NULL);
    if (reply.status == 401) {
        assert_string_equal(client_text(reply.json, "message"), "Bad credentials");
    }
    return reply.status;
}

static void the_page_offers_each_account(void **state) {
    (void)state;
    REPLY page = client_get(&sim, PAGE "&redirect_uri=http://127.0.0.1:9/cb");
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "action=\"/github.com/login/oauth/authorize\""));
    assert_non_null(strstr(page.body, "value=\"ada-l\""));
    assert_non_null(strstr(page.body, "value=\"cyd-c\""));
    assert_non_null(strstr(page.body, "&lt;b&gt;"));
    REPLY far = client_get(&sim, PAGE "&redirect_uri=http://127.0.0.1:9@example.com/cb");
    assert_int_equal(far.status, 400);
    client_tell(&sim, "/sim/config", "{\"github_redirect_uri\":\"http://127.0.0.1:9/cb\"}");
    REPLY other = client_get(&sim, PAGE "&redirect_uri=http://127.0.0.1:9/cb2");
    assert_int_equal(other.status, 302);
    char location[256];
    client_header(&other, "Location", location, sizeof(location));
    assert_string_equal(location,
                        "http://127.0.0.1:9/cb?error=redirect_uri_mismatch&state=%3Cb%3E");
    json_auto_t *tokens = client_github_sign_in(&sim, "bob-b");
    assert_non_null(tokens);
}

static void an_oauth_app_gets_a_token_without_end(void **state) {
    (void)state;
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    const char *token = client_text(tokens, "access_token");
    assert_int_equal(strlen(token), 40);
    assert_memory_equal(token, "gho_", 4);
    assert_string_equal(client_text(tokens, "scope"), "repo");
    assert_string_equal(client_text(tokens, "token_type"), "bearer");
    assert_null(json_object_get(tokens, "expires_in"));
    assert_null(json_object_get(tokens, "refresh_token"));
    sim.token = token;
    REPLY user = client_github(&sim, "GET", "/user", NULL);
    assert_string_equal(client_text(user.json, "login"), "ada-l");
    char scopes[32];
    assert_string_equal(client_header(&user, "X-OAuth-Scopes", scopes, sizeof(scopes)), "repo");
}

static void a_token_without_the_scope_reaches_no_repository(void **state) {
    (void)state;
    char location[256];
    REPLY allowed = client_call(&sim, "POST", "/github.com/login/oauth/authorize", NULL,
                                "account=ada-l&client_id=cid&scope=read:user&"
                                "redirect_uri=http://127.0.0.1:9/cb");
    client_header(&allowed, "Location", location, sizeof(location));
    const char *start = "http://127.0.0.1:9/cb?code=";
    assert_memory_equal(location, start, strlen(start));
    REPLY tokens = token_call("code=", location + strlen(start));
    sim.token = client_text(tokens.json, "access_token");
    assert_int_equal(user_status(sim.token), 200);
    REPLY repo = client_github(&sim, "GET", "/repos/acme/storefront", NULL);
    assert_int_equal(repo.status, 404);
}

static void errors_come_as_200_and_codes_are_good_once(void **state) {
    (void)state;
    char code[64];
    client_github_code(&sim, "ada-l", NULL, code);
    const char *form[] = {"Accept: text/html", NULL};
    SIM_FREE char *body = sim_fmt("client_id=cid&client_secret=csec&code=%s", code);
    REPLY first = client_call(&sim, "POST", TOKEN, form, body);
    assert_int_equal(first.status, 200);
    assert_memory_equal(first.body, "access_token=gho_", 17);
    assert_non_null(strstr(first.body, "&token_type=bearer"));
    REPLY again = token_call("code=", code);
    assert_error(&again, "bad_verification_code");
    client_github_code(&sim, "ada-l", NULL, code);
    SIM_FREE char *rest = sim_fmt("%s&redirect_uri=http://127.0.0.1:9/other", code);
    REPLY elsewhere = token_call("code=", rest);
    assert_error(&elsewhere, "redirect_uri_mismatch");
    REPLY secret = token_call("code=x&client_secret=", "wrong");
    assert_error(&secret, "incorrect_client_credentials");
    REPLY refresh = token_call("grant_type=refresh_token&refresh_token=", "ghr_none");
    assert_error(&refresh, "bad_refresh_token");
}

/* The pair of RFC 7636, appendix B. */
static void the_verifier_must_fit_the_challenge(void **state) {
    (void)state;
    const char *challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const char *good = "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const char *verifiers[] = {good, "&code_verifier=aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                               ""};
    for (size_t i = 0; i < SIM_ARRAY_LEN(verifiers); i++) {
        char code[64];
        client_github_code(&sim, "ada-l", challenge, code);
        SIM_FREE char *rest = sim_fmt("%s%s", code, verifiers[i]);
        REPLY reply = token_call("code=", rest);
        if (i == 0) {
            assert_non_null(sim_json_text(reply.json, "access_token"));
        } else {
            assert_error(&reply, "bad_verification_code");
        }
    }
}

static void a_refresh_token_is_good_once_and_ends_both_old_tokens(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"github_app\":\"expiring\"}");
    json_auto_t *tokens = client_github_sign_in(&sim, "bob-b");
    const char *access = client_text(tokens, "access_token");
    const char *refresh = client_text(tokens, "refresh_token");
    assert_memory_equal(access, "ghu_", 4);
    assert_memory_equal(refresh, "ghr_", 4);
    assert_int_equal(sim_json_int(tokens, "expires_in", 0), 28800);
    assert_int_equal(user_status(access), 200);
    REPLY fresh = token_call("grant_type=refresh_token&refresh_token=", refresh);
    assert_int_equal(user_status(client_text(fresh.json, "access_token")), 200);
    assert_string_not_equal(client_text(fresh.json, "refresh_token"), refresh);
    assert_int_equal(user_status(access), 401);
    REPLY twice = token_call("grant_type=refresh_token&refresh_token=", refresh);
    assert_error(&twice, "bad_refresh_token");
    assert_int_equal(user_status(client_text(fresh.json, "access_token")), 200);
}

static void tokens_expire_and_are_revoked_by_the_admin(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"github_app\":\"expiring\"}");
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    json_auto_t *other = client_github_sign_in(&sim, "bob-b");
    client_tell(&sim, "/sim/expire", "{\"github\":\"ada-l\"}");
    assert_int_equal(user_status(client_text(tokens, "access_token")), 401);
    assert_int_equal(user_status(client_text(other, "access_token")), 200);
    REPLY fresh =
        token_call("grant_type=refresh_token&refresh_token=", client_text(tokens, "refresh_token"));
    assert_int_equal(user_status(client_text(fresh.json, "access_token")), 200);
    client_tell(&sim, "/sim/revoke", "{\"github\":\"ada-l\"}");
    assert_int_equal(user_status(client_text(fresh.json, "access_token")), 401);
    REPLY refused = token_call("grant_type=refresh_token&refresh_token=",
                               client_text(fresh.json, "refresh_token"));
    assert_error(&refused, "bad_refresh_token");
    client_tell(&sim, "/sim/config", "{\"github_expires_in\":0}");
    json_auto_t *dead = client_github_sign_in(&sim, "ada-l");
    assert_int_equal(user_status(client_text(dead, "access_token")), 401);
    REPLY nobody = client_post(&sim, "/sim/revoke", "{\"github\":\"nobody\"}");
    assert_int_equal(nobody.status, 422);
}

static void the_app_ends_a_grant_with_its_secret(void **state) {
    (void)state;
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    const char *access = client_text(tokens, "access_token");
    SIM_FREE char *body = sim_fmt("{\"access_token\":\"%s\"}", access);
    const char *path = "/github/applications/cid/grant";
    const char *wrong[] = {"User-Agent: t", "Authorization: Basic Y2lkOm5v", NULL};
    const char *right[] = {"User-Agent: t", "Authorization: Basic Y2lkOmNzZWM=", NULL};
    REPLY no = client_call(&sim, "DELETE", path, wrong, body);
    assert_int_equal(no.status, 401);
    REPLY other = client_call(&sim, "DELETE", "/github/applications/dic/grant", right, body);
    assert_int_equal(other.status, 401);
    assert_int_equal(user_status(access), 200);
    REPLY gone = client_call(&sim, "DELETE", path, right, body);
    assert_int_equal(gone.status, 204);
    assert_int_equal(user_status(access), 401);
    REPLY again = client_call(&sim, "DELETE", path, right, body);
    assert_int_equal(again.status, 404);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "gho_"));
    assert_null(strstr(journal.body, "csec"));
}

static void an_agent_and_a_known_version_are_asked_for(void **state) {
    (void)state;
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    SIM_FREE char *auth = sim_fmt("Authorization: token %s", client_text(tokens, "access_token"));
    const char *nobody[] = {auth, "User-Agent;", NULL}, *bare[] = {auth, NULL};
    const char *future[] = {auth, "User-Agent: t", "X-GitHub-Api-Version: 2099-01-01", NULL};
    const char *fine[] = {auth, "User-Agent: t", NULL};
    const char *anonymous[] = {"User-Agent: t", NULL};
    const struct {
        const char *const *headers;
        long status;
    } rows[] = {{nobody, 403}, {bare, 403}, {future, 400}, {fine, 200}, {anonymous, 401}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY reply = client_call(&sim, "GET", "/github/user", rows[i].headers, NULL);
        assert_int_equal(reply.status, rows[i].status);
    }
}

static void the_rate_is_told_and_kept(void **state) {
    (void)state;
    char text[32];
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    sim.token = client_text(tokens, "access_token");
    client_tell(&sim, "/sim/config", "{\"github_pool\":2,\"github_window\":1000}");
    for (int left = 1; left >= 0; left--) {
        REPLY reply = client_github(&sim, "GET", "/user", NULL);
        assert_int_equal(reply.status, 200);
        client_header(&reply, "x-ratelimit-remaining", text, sizeof(text));
        assert_int_equal(atoi(text), left);
        client_header(&reply, "x-ratelimit-reset", text, sizeof(text));
        assert_in_range(strtoll(text, NULL, 10), sim_now_ms() / 1000 + 900,
                        sim_now_ms() / 1000 + 1001);
    }
    REPLY out =
        client_github(&sim, "POST", "/repos/acme/storefront/deployments", "{\"ref\":\"main\"}");
    assert_int_equal(out.status, 403);
    assert_string_equal(client_header(&out, "x-ratelimit-remaining", text, sizeof(text)), "0");
    assert_int_equal(client_state(&sim, "deployments"), 0);
}

static void faults_meet_github_in_its_own_words(void **state) {
    (void)state;
    json_auto_t *tokens = client_github_sign_in(&sim, "ada-l");
    sim.token = client_text(tokens, "access_token");
    const char *path = "/repos/acme/storefront/deployments", *ask = "{\"ref\":\"main\"}";
    REPLY set = client_post(&sim, "/sim/faults",
                            "{\"match\":\"POST /repos/acme/storefront/deployments\","
                            "\"kind\":\"status\",\"status\":403,\"retry_after\":7,\"times\":1}");
    assert_int_equal(set.status, 201);
    REPLY slow_down = client_github(&sim, "POST", path, ask);
    assert_int_equal(slow_down.status, 403);
    assert_non_null(strstr(client_text(slow_down.json, "message"), "secondary rate limit"));
    REPLY cut = client_post(&sim, "/sim/faults",
                            "{\"match\":\"POST /repos/\",\"kind\":\"lost\",\"times\":1}");
    assert_int_equal(cut.status, 201);
    curl_easy_cleanup(sim.curl); /* a fresh connection: curl does not send again by itself */
    sim.curl = curl_easy_init();
    REPLY lost = client_github(&sim, "POST", path, ask);
    assert_int_equal(lost.code, CURLE_GOT_NOTHING);
    assert_int_equal(client_state(&sim, "deployments"), 1);
    REPLY web = client_post(&sim, "/sim/faults",
                            "{\"match\":\"POST /login/\",\"kind\":\"status\",\"times\":1}");
    assert_int_equal(web.status, 201);
    REPLY page = token_call("code=", "x");
    assert_int_equal(page.status, 503);
    assert_null(page.json);
    REPLY lines = client_get(&sim, "/sim/journal?text=1");
    assert_string_equal(lines.body, "POST /login/oauth/authorize 302\n"
                                    "POST /login/oauth/access_token 200\n"
                                    "POST /repos/acme/storefront/deployments 403\n"
                                    "POST /repos/acme/storefront/deployments 201\n"
                                    "POST /login/oauth/access_token 503\n");
    REPLY journal = client_get(&sim, "/sim/journal?limit=2");
    const json_t *entries = json_object_get(journal.json, "entries");
    assert_string_equal(client_text(json_array_get(entries, 0), "upstream"), "github");
    assert_string_equal(sim_json_text2(json_array_get(entries, 0), "body", "ref"), "main");
    assert_string_equal(client_text(json_array_get(entries, 1), "upstream"), "github_web");
    assert_null(json_object_get(json_array_get(entries, 1), "body"));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(the_page_offers_each_account),
                                       ROW(an_oauth_app_gets_a_token_without_end),
                                       ROW(a_token_without_the_scope_reaches_no_repository),
                                       ROW(errors_come_as_200_and_codes_are_good_once),
                                       ROW(the_verifier_must_fit_the_challenge),
                                       ROW(a_refresh_token_is_good_once_and_ends_both_old_tokens),
                                       ROW(tokens_expire_and_are_revoked_by_the_admin),
                                       ROW(the_app_ends_a_grant_with_its_secret),
                                       ROW(an_agent_and_a_known_version_are_asked_for),
                                       ROW(the_rate_is_told_and_kept),
                                       ROW(faults_meet_github_in_its_own_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
