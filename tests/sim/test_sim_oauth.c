/* test_sim_oauth.c -- the simulated id.heroku.com: consent, PKCE, refresh, revoke, expiry. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const options[] = {"--client-id", "cid", "--client-secret", "csec", NULL};
static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    return 0;
}

static struct client_reply token_call(const char *fmt, const char *value) {
    SIM_FREE char *form = sim_fmt("client_secret=csec&%s%s", fmt, value);
    return client_call(&sim, "POST", "/oauth/token", NULL, form);
}

static long account_status(const char *token) {
    sim.token = token;
    REPLY reply = client_api(&sim, "GET", "/account", NULL, NULL);
    return reply.status;
}

static void the_consent_page_offers_each_account(void **state) {
    (void)state;
    REPLY page = client_get(&sim, "/oauth/authorize?client_id=cid&response_type=code&state=%3Cb%3E"
                                  "&redirect_uri=http://127.0.0.1:9/cb");
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "value=\"ada@example.com\""));
    assert_non_null(strstr(page.body, "value=\"cyd@example.com\""));
    assert_non_null(strstr(page.body, "&lt;b&gt;"));
    REPLY client = client_get(&sim, "/oauth/authorize?client_id=no&response_type=code"
                                    "&redirect_uri=http://127.0.0.1:9/cb");
    assert_int_equal(client.status, 400);
    REPLY elsewhere = client_get(&sim, "/oauth/authorize?client_id=cid&response_type=code"
                                       "&redirect_uri=http://127.0.0.1:9@example.com/cb");
    assert_int_equal(elsewhere.status, 400);
}

static void only_the_registered_redirect_is_taken(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"redirect_uri\":\"http://127.0.0.1:9/cb\"}");
    REPLY other = client_get(&sim, "/oauth/authorize?client_id=cid&response_type=code"
                                   "&redirect_uri=http://127.0.0.1:9/cb2");
    assert_int_equal(other.status, 400);
    json_auto_t *tokens = client_sign_in(&sim, "bob@example.com");
    assert_non_null(tokens);
}

static void a_code_is_good_once(void **state) {
    (void)state;
    char code[64];
    client_code(&sim, "ada@example.com", NULL, code);
    REPLY first = token_call("grant_type=authorization_code&code=", code);
    assert_int_equal(first.status, 200);
    assert_int_equal(strlen(client_text(first.json, "access_token")), 65);
    assert_memory_equal(client_text(first.json, "access_token"), "HRKU-", 5);
    assert_int_equal(sim_json_int(first.json, "expires_in", 0), 28800);
    assert_int_equal(account_status(client_text(first.json, "access_token")), 200);
    REPLY again = token_call("grant_type=authorization_code&code=", code);
    assert_int_equal(again.status, 400);
    assert_string_equal(client_text(again.json, "id"), "invalid_grant");
    REPLY secret = client_call(&sim, "POST", "/oauth/token", NULL,
                               "client_secret=wrong&grant_type=authorization_code&code=x");
    assert_int_equal(secret.status, 401);
    assert_string_equal(client_text(secret.json, "id"), "unauthorized");
}

/* The pair of RFC 7636, appendix B. */
static void the_verifier_must_fit_the_challenge(void **state) {
    (void)state;
    const char *challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const char *verifiers[] = {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                               "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(verifiers); i++) {
        char code[64];
        client_code(&sim, "ada@example.com", challenge, code);
        SIM_FREE char *rest = sim_fmt("%s&code_verifier=%s", code, verifiers[i]);
        REPLY reply = token_call("grant_type=authorization_code&code=", rest);
        assert_int_equal(reply.status, i == 0 ? 200 : 400);
    }
    char code[64];
    client_code(&sim, "ada@example.com", challenge, code);
    REPLY none = token_call("grant_type=authorization_code&code=", code);
    assert_int_equal(none.status, 400);
}

static void refresh_works_after_expiry_but_not_after_revoke(void **state) {
    (void)state;
    json_auto_t *tokens = client_sign_in(&sim, "bob@example.com");
    const char *refresh = client_text(tokens, "refresh_token");
    client_tell(&sim, "/sim/expire", "{\"email\":\"bob@example.com\"}");
    assert_int_equal(account_status(client_text(tokens, "access_token")), 401);
    REPLY fresh = token_call("grant_type=refresh_token&refresh_token=", refresh);
    assert_int_equal(fresh.status, 200);
    assert_string_equal(client_text(fresh.json, "refresh_token"), refresh);
    assert_int_equal(account_status(client_text(fresh.json, "access_token")), 200);
    client_tell(&sim, "/sim/revoke", "{\"email\":\"bob@example.com\"}");
    assert_int_equal(account_status(client_text(fresh.json, "access_token")), 401);
    REPLY refused = token_call("grant_type=refresh_token&refresh_token=", refresh);
    assert_int_equal(refused.status, 400);
}

/* The authorizations of the person whose token sim.token is; new. */
static json_t *authorizations(void) {
    REPLY list = client_api(&sim, "GET", "/oauth/authorizations", NULL, NULL);
    assert_int_equal(list.status, 200);
    return json_incref(list.json);
}

/* The one that holds this access token; borrowed, NULL where there is none. */
static json_t *that_holds(const json_t *list, const char *token) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        if (strcmp(client_text(json_object_get(one, "access_token"), "token"), token) == 0)
            return one;
    }
    return NULL;
}

static struct client_reply delete_authorization(const char *id) {
    SIM_FREE char *path = sim_fmt("/oauth/authorizations/%s", id);
    return client_api(&sim, "DELETE", path, NULL, NULL);
}

static long totals(const char *key) {
    REPLY state = client_get(&sim, "/sim/state");
    return (long)sim_json_int(json_object_get(state.json, "tokens"), key, -1);
}

static void an_authorization_is_listed_with_its_newest_pair(void **state) {
    (void)state;
    json_auto_t *tokens = client_sign_in(&sim, "cyd@example.com");
    const char *refresh = client_text(tokens, "refresh_token");
    REPLY fresh = token_call("grant_type=refresh_token&refresh_token=", refresh);
    const char *access = client_text(fresh.json, "access_token");
    sim.token = access;
    json_auto_t *list = authorizations();
    assert_int_equal(json_array_size(list), 2); /* the other one is the API key */
    const json_t *own = that_holds(list, access);
    assert_non_null(own);
    assert_null(that_holds(list, client_text(tokens, "access_token")));
    const json_t *renewal = json_object_get(own, "refresh_token");
    assert_string_equal(client_text(renewal, "token"), refresh);
    assert_true(json_is_null(json_object_get(renewal, "expires_in")));
    int64_t left_s = sim_json_int(json_object_get(own, "access_token"), "expires_in", -1);
    assert_true(left_s > 28700 && left_s <= 28800);
    const json_t *client = json_object_get(own, "client");
    assert_string_equal(client_text(client, "id"), "cid");
    assert_string_equal(client_text(client, "redirect_uri"), "http://127.0.0.1:9/cb");
    assert_string_equal(client_text(json_object_get(own, "user"), "email"), "cyd@example.com");
    assert_string_equal(json_string_value(json_array_get(json_object_get(own, "scope"), 0)),
                        "repo"); /* what client.c asks for */
    assert_int_equal(strlen(client_text(own, "id")), 36);
    assert_int_equal(strlen(client_text(own, "created_at")), strlen("2026-11-27T10:00:00Z"));
    assert_true(strcmp(client_text(own, "updated_at"), client_text(own, "created_at")) >= 0);
}

static void a_long_list_of_authorizations_comes_in_pages(void **state) {
    (void)state;
    char next[128] = "id ..; max=2;", ids[8][37] = {""};
    size_t count = 0, pages = 0;
    for (size_t i = 0; i < 4; i++) {
        client_enter(&sim, "cyd@example.com");
    }
    while (next[0] != '\0') {
        SIM_FREE char *range = sim_fmt("Range: %s", next);
        REPLY page = client_api(&sim, "GET", "/oauth/authorizations", range, NULL);
        client_header(&page, "Next-Range", next, sizeof(next));
        assert_int_equal(page.status, next[0] != '\0' ? 206 : 200);
        assert_true(json_array_size(page.json) <= 2);
        size_t i;
        json_t *one;
        json_array_foreach(page.json, i, one) {
            assert_true(count < SIM_ARRAY_LEN(ids));
            strcpy(ids[count], client_text(one, "id"));
            assert_true(count == 0 || strcmp(ids[count - 1], ids[count]) < 0);
            count++;
        }
        pages++;
    }
    assert_int_equal(count, 5);
    assert_int_equal(pages, 3);
}

static void deleting_an_authorization_ends_its_pair_and_no_other(void **state) {
    (void)state;
    json_auto_t *kept = client_sign_in(&sim, "cyd@example.com");
    json_auto_t *tokens = client_sign_in(&sim, "cyd@example.com");
    const char *access = client_text(tokens, "access_token");
    sim.token = access;
    json_auto_t *list = authorizations();
    const char *id = client_text(that_holds(list, access), "id");
    sim.token = client_text(kept, "access_token");
    REPLY gone = delete_authorization(id);
    assert_int_equal(gone.status, 200);
    assert_string_equal(client_text(gone.json, "id"), id);
    assert_int_equal(account_status(access), 401);
    REPLY refused =
        token_call("grant_type=refresh_token&refresh_token=", client_text(tokens, "refresh_token"));
    assert_int_equal(refused.status, 400);
    assert_int_equal(account_status(client_text(kept, "access_token")), 200);
    REPLY twice = delete_authorization(id);
    assert_int_equal(twice.status, 404);
    client_enter(&sim, "bob@example.com"); /* not his to end */
    REPLY foreign = delete_authorization(
        client_text(that_holds(list, client_text(kept, "access_token")), "id"));
    assert_int_equal(foreign.status, 404);
    assert_int_equal(totals("deleted"), 1);
    assert_int_equal(totals("api_keys_deleted"), 0);
}

static void deleting_the_api_key_is_a_catastrophe_that_is_counted(void **state) {
    (void)state;
    client_enter(&sim, "cyd@example.com");
    json_auto_t *list = authorizations();
    const json_t *key = json_array_get(list, 0);
    if (!json_is_null(json_object_get(key, "client"))) key = json_array_get(list, 1);
    assert_true(json_is_null(json_object_get(key, "client")));
    assert_true(json_is_null(json_object_get(key, "refresh_token")));
    SIM_FREE char *own = sim_strdup(sim.token);
    const char *api_key = client_text(json_object_get(key, "access_token"), "token");
    assert_int_equal(account_status(api_key), 200);
    REPLY revoked = client_post(&sim, "/sim/revoke", "{\"email\":\"ada@example.com\"}");
    assert_int_equal(sim_json_int(revoked.json, "count", -1), 0); /* it is nobody's to revoke */
    sim.token = own;
    REPLY gone = delete_authorization("~");
    assert_int_equal(gone.status, 200);
    assert_int_equal(account_status(api_key), 401);
    assert_int_equal(account_status(own), 200);
    assert_int_equal(totals("api_keys_deleted"), 1);
    client_enter(&sim, "ada@example.com");
    json_auto_t *hers = authorizations();
    const json_t *first = json_array_get(hers, 0), *second = json_array_get(hers, 1);
    bool is_first = json_is_null(json_object_get(first, "client"));
    REPLY by_id = delete_authorization(client_text(is_first ? first : second, "id"));
    assert_int_equal(by_id.status, 200);
    assert_int_equal(totals("api_keys_deleted"), 2);
}

static void nothing_secret_reaches_the_journal(void **state) {
    (void)state;
    json_auto_t *tokens = client_sign_in(&sim, "ada@example.com");
    REPLY refreshed =
        token_call("grant_type=refresh_token&refresh_token=", client_text(tokens, "refresh_token"));
    assert_int_equal(refreshed.status, 200);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "HRKU-"));
    assert_null(strstr(journal.body, "csec"));
    REPLY lines = client_get(&sim, "/sim/journal?text=1");
    assert_string_equal(lines.body, "POST /oauth/authorize 302\n"
                                    "POST /oauth/token 200\nPOST /oauth/token 200\n");
}

/* Whether GET /sim/tokens lists this text under this kind. */
static bool is_noted(const json_t *all, const char *kind, const char *text) {
    size_t i;
    json_t *token;
    json_array_foreach(json_object_get(all, "tokens"), i, token) {
        if (strcmp(client_text(token, "text"), text) != 0) continue;
        assert_string_equal(client_text(token, "kind"), kind);
        return true;
    }
    return false;
}

static void all_that_was_handed_out_is_listed_for_tests(void **state) {
    (void)state;
    char code[64];
    client_code(&sim, "ada@example.com", NULL, code);
    REPLY first = token_call("grant_type=authorization_code&code=", code);
    const char *refresh = client_text(first.json, "refresh_token");
    REPLY second = token_call("grant_type=refresh_token&refresh_token=", refresh);
    client_tell(&sim, "/sim/reset", "{}");
    REPLY all = client_get(&sim, "/sim/tokens");
    assert_true(is_noted(all.json, "heroku.code", code));
    assert_true(is_noted(all.json, "heroku.refresh", refresh));
    assert_true(is_noted(all.json, "heroku.access", client_text(first.json, "access_token")));
    assert_true(is_noted(all.json, "heroku.access", client_text(second.json, "access_token")));
    assert_false(is_noted(all.json, "heroku.code", "csec"));
}

static void how_often_a_refresh_token_was_presented_is_counted(void **state) {
    (void)state;
    json_auto_t *tokens = client_sign_in(&sim, "ada@example.com");
    const char *refresh = client_text(tokens, "refresh_token");
    REPLY first = token_call("grant_type=refresh_token&refresh_token=", refresh);
    REPLY revoke = client_post(&sim, "/sim/revoke", "{\"email\":\"ada@example.com\"}");
    REPLY second = token_call("grant_type=refresh_token&refresh_token=", refresh);
    assert_int_equal(first.status, 200);
    assert_int_equal(revoke.status, 200);
    assert_int_equal(second.status, 400);
    REPLY all = client_get(&sim, "/sim/tokens");
    size_t i;
    json_t *token;
    json_array_foreach(json_object_get(all.json, "tokens"), i, token) {
        bool is_it = strcmp(client_text(token, "text"), refresh) == 0;
        assert_int_equal(sim_json_int(token, "used", 0), is_it ? 2 : 0);
    }
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(the_consent_page_offers_each_account),
                                       ROW(only_the_registered_redirect_is_taken),
                                       ROW(a_code_is_good_once),
                                       ROW(the_verifier_must_fit_the_challenge),
                                       ROW(refresh_works_after_expiry_but_not_after_revoke),
                                       ROW(an_authorization_is_listed_with_its_newest_pair),
                                       ROW(a_long_list_of_authorizations_comes_in_pages),
                                       ROW(deleting_an_authorization_ends_its_pair_and_no_other),
                                       ROW(deleting_the_api_key_is_a_catastrophe_that_is_counted),
                                       ROW(all_that_was_handed_out_is_listed_for_tests),
                                       ROW(how_often_a_refresh_token_was_presented_is_counted),
                                       ROW(nothing_secret_reaches_the_journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
