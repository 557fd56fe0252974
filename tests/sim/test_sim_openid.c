/* test_sim_openid.c -- the simulated Sign in with Slack: who is offered, codes, what a token says. */
#include "slack_world.h"

#include <sodium.h>

#define CALLBACK "http://127.0.0.1:9/auth/slack/callback"
#define QUERY                                                                                      \
    "client_id=sid&response_type=code&scope=openid%20profile&state=s%2B1&nonce=n1"                 \
    "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fauth%2Fslack%2Fcallback"

static const char *const options[] = {SLACK_OPTIONS, NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    return 0;
}

static char *code_of(const char *name) {
    SIM_FREE char *button = sim_fmt("account=%s", name);
    return slack_press("/openid/connect/authorize", button,
                       "response_type=code&scope=openid%20profile&nonce=n1", CALLBACK, NULL);
}

static struct client_reply exchange(const char *auth, const char *code, const char *more) {
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", auth, NULL};
    SIM_FREE char *form = sim_fmt("code=%s&redirect_uri=" CALLBACK "%s", code, more);
    return client_call(&sim, "POST", "/api/openid.connect.token", headers, form);
}

static json_t *claims_of(const json_t *reply) {
    const char *jwt = client_text(reply, "id_token"), *body = strchr(jwt, '.') + 1;
    char text[4096];
    size_t len = 0;
    assert_int_equal(sodium_base642bin((unsigned char *)text, sizeof(text), body,
                                       strcspn(body, "."), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    assert_non_null(strchr(body, '.'));
    json_t *claims = json_loadb(text, len, 0, NULL);
    assert_non_null(claims);
    return claims;
}

static void the_page_offers_everybody_and_first_who_is_signed_in(void **state) {
    (void)state;
    REPLY fresh = client_get(&sim, "/openid/connect/authorize?" QUERY "&team=T0SIM2");
    assert_int_equal(fresh.status, 200);
    const char *ada = strstr(fresh.body, "name=\"account\" value=\"ada\"");
    const char *bob = strstr(fresh.body, "name=\"account\" value=\"bob\"");
    const char *cyd = strstr(fresh.body, "name=\"account\" value=\"cyd\"");
    assert_non_null(ada);
    assert_non_null(bob);
    assert_non_null(cyd);
    assert_true(cyd < ada); /* hers is the workspace that was asked for */
    assert_null(strstr(fresh.body, "Continue as"));
    REPLY allowed =
        client_call(&sim, "POST", "/openid/connect/authorize", NULL, "account=bob&" QUERY);
    char cookie[128];
    client_header(&allowed, "Set-Cookie", cookie, sizeof(cookie));
    assert_memory_equal(cookie, "sim_slack=U0BOB; Path=/; HttpOnly", 33);
    const char *headers[] = {"Cookie: other=1; sim_slack=U0BOB", NULL};
    REPLY again = client_call(&sim, "GET", "/openid/connect/authorize?" QUERY, headers, NULL);
    ada = strstr(again.body, "value=\"ada\"");
    bob = strstr(again.body, "value=\"bob\">Continue as bob<");
    assert_true(ada != NULL && bob != NULL && bob < ada);
    assert_null(strstr(bob + 1, "value=\"bob\"")); /* once */
}

static void a_wrong_request_leads_nowhere(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"client_id=no&response_type=code&scope=openid&redirect_uri=" CALLBACK,
         "invalid_client_id"},
        {"client_id=sid&response_type=code&scope=openid&redirect_uri=https://example.com/",
         "bad_redirect_uri"},
        {"client_id=sid&response_type=code&scope=profile&redirect_uri=" CALLBACK, "invalid_scope"},
        {"client_id=sid&scope=openid&redirect_uri=" CALLBACK, "unsupported_response_type"}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(wrong); i++) {
        SIM_FREE char *path = sim_fmt("/openid/connect/authorize?%s", wrong[i][0]);
        REPLY page = client_get(&sim, path);
        assert_int_equal(page.status, 400);
        assert_string_equal(client_text(page.json, "id"), wrong[i][1]);
        REPLY post = client_call(&sim, "POST", "/openid/connect/authorize", NULL, wrong[i][0]);
        assert_int_equal(post.status, 400);
    }
}

static void denying_comes_back_without_a_code(void **state) {
    (void)state;
    REPLY deny = client_call(&sim, "POST", "/openid/connect/authorize", NULL, "deny=1&" QUERY);
    char location[256];
    client_header(&deny, "Location", location, sizeof(location));
    assert_string_equal(location, CALLBACK "?error=access_denied&state=s%2B1");
}

static void a_code_tells_who_signed_in(void **state) {
    (void)state;
    SIM_FREE char *code = code_of("ada");
    REPLY reply = exchange(SLACK_BASIC, code, "&grant_type=authorization_code");
    assert_int_equal(reply.status, 200);
    assert_ok(&reply);
    assert_memory_equal(client_text(reply.json, "access_token"), "xoxp-", 5);
    assert_string_equal(client_text(reply.json, "token_type"), "Bearer");
    json_auto_t *claims = claims_of(reply.json);
    int64_t now_s = sim_now_ms() / 1000, exp_s = sim_json_int(claims, "exp", 0);
    assert_string_equal(client_text(claims, "iss"), sim.base);
    assert_string_equal(client_text(claims, "aud"), "sid");
    assert_string_equal(client_text(claims, "nonce"), "n1");
    assert_string_equal(client_text(claims, "sub"), "U0ADA");
    assert_string_equal(client_text(claims, "https://slack.com/user_id"), "U0ADA");
    assert_string_equal(client_text(claims, "https://slack.com/team_id"), "T0SIM1");
    assert_string_equal(client_text(claims, "https://slack.com/team_name"), "Sim One");
    assert_string_equal(client_text(claims, "https://slack.com/team_domain"), "sim-one");
    assert_string_equal(client_text(claims, "name"), "ada");
    assert_null(json_object_get(claims, "email")); /* was not asked for */
    assert_null(json_object_get(claims, "https://slack.com/enterprise_id"));
    assert_true(exp_s > now_s && exp_s <= now_s + 300);
    assert_int_equal(strlen(client_text(claims, "at_hash")), 22);
}

static void of_an_organization_the_token_names_it(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"grid\":true}");
    SIM_FREE char *code = code_of("cyd");
    REPLY reply = exchange(SLACK_BASIC, code, "");
    json_auto_t *claims = claims_of(reply.json);
    assert_string_equal(client_text(claims, "https://slack.com/team_id"), "T0SIM2");
    assert_string_equal(client_text(claims, "https://slack.com/enterprise_id"), "E0SIM");
}

static void a_code_is_good_for_one_try_at_its_own_address(void **state) {
    (void)state;
    SIM_FREE char *code = code_of("ada");
    REPLY first = exchange(SLACK_BASIC, code, "");
    assert_ok(&first);
    REPLY again = exchange(SLACK_BASIC, code, "");
    assert_refused(&again, "invalid_code");
    SIM_FREE char *other = code_of("ada");
    REPLY elsewhere = exchange(SLACK_BASIC, other, "2");
    assert_refused(&elsewhere, "bad_redirect_uri");
    REPLY spent = exchange(SLACK_BASIC, other, "");
    assert_refused(&spent, "invalid_code");
    SIM_FREE char *install = code_of("ada");
    const char *headers[] = {SLACK_BASIC, NULL};
    SIM_FREE char *form = sim_fmt("code=%s&redirect_uri=" CALLBACK, install);
    REPLY mixed = client_call(&sim, "POST", "/api/oauth.v2.access", headers, form);
    assert_refused(&mixed, "oauth_authorization_url_mismatch");
}

static void the_application_proves_itself_by_basic_or_in_the_form(void **state) {
    (void)state;
    SIM_FREE char *one = code_of("ada");
    REPLY form = exchange("X-None: 1", one, "&client_id=sid&client_secret=ssec");
    assert_ok(&form);
    SIM_FREE char *two = code_of("ada");
    SIM_FREE char *json = sim_fmt("{\"code\":\"%s\",\"redirect_uri\":\"" CALLBACK
                                  "\",\"client_id\":\"sid\",\"client_secret\":\"ssec\"}",
                                  two);
    REPLY body = client_post(&sim, "/api/openid.connect.token", json);
    assert_ok(&body);
    SIM_FREE char *three = code_of("ada");
    REPLY secret = exchange("X-None: 1", three, "&client_id=sid&client_secret=no");
    assert_refused(&secret, "bad_client_secret");
    REPLY id = exchange("X-None: 1", three, "&client_id=no&client_secret=ssec");
    assert_refused(&id, "invalid_client_id");
    REPLY none = exchange("X-None: 1", three, "");
    assert_refused(&none, "invalid_client_id");
    REPLY type = exchange(SLACK_BASIC, three, "&grant_type=password");
    assert_refused(&type, "invalid_grant_type");
    REPLY good = exchange(SLACK_BASIC, three, ""); /* none of these touched the code */
    assert_ok(&good);
}

static void a_token_of_a_sign_in_asks_who_and_nothing_else(void **state) {
    (void)state;
    SIM_FREE char *code = code_of("bob");
    REPLY reply = exchange(SLACK_BASIC, code, "");
    SIM_FREE char *auth =
        sim_fmt("Authorization: Bearer %s", client_text(reply.json, "access_token"));
    const char *headers[] = {auth, "Content-Type: application/json", NULL};
    REPLY who = client_call(&sim, "GET", "/api/openid.connect.userInfo", headers, NULL);
    assert_ok(&who);
    assert_string_equal(client_text(who.json, "https://slack.com/user_id"), "U0BOB");
    assert_string_equal(client_text(who.json, "https://slack.com/team_name"), "Sim One");
    REPLY post = client_call(&sim, "POST", "/api/chat.postMessage", headers,
                             "{\"channel\":\"C0DEPLOY\",\"text\":\"x\"}");
    assert_refused(&post, "missing_scope");
    assert_string_equal(client_text(post.json, "needed"), "chat:write");
    assert_string_equal(client_text(post.json, "provided"), "openid profile");
    REPLY bot = slack_call("xoxb-of-the-file", "openid.connect.userInfo", "{}");
    assert_refused(&bot, "missing_scope");
}

static void what_is_secret_is_listed_and_not_in_the_journal(void **state) {
    (void)state;
    SIM_FREE char *code = code_of("ada");
    REPLY reply = exchange("X-None: 1", code, "&client_id=sid&client_secret=ssec");
    assert_ok(&reply);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, code));
    assert_null(strstr(journal.body, "ssec"));
    assert_null(strstr(journal.body, "xoxp-"));
    REPLY listed = client_get(&sim, "/sim/tokens");
    assert_non_null(strstr(listed.body, code));
    assert_non_null(strstr(listed.body, client_text(reply.json, "access_token")));
    assert_non_null(strstr(listed.body, client_text(reply.json, "id_token")));
    REPLY lines = client_get(&sim, "/sim/journal?text=1");
    assert_string_equal(lines.body, "POST /openid/connect/authorize 302\n"
                                    "POST /api/openid.connect.token 200\n");
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(the_page_offers_everybody_and_first_who_is_signed_in),
                                       ROW(a_wrong_request_leads_nowhere),
                                       ROW(denying_comes_back_without_a_code),
                                       ROW(a_code_tells_who_signed_in),
                                       ROW(of_an_organization_the_token_names_it),
                                       ROW(a_code_is_good_for_one_try_at_its_own_address),
                                       ROW(the_application_proves_itself_by_basic_or_in_the_form),
                                       ROW(a_token_of_a_sign_in_asks_who_and_nothing_else),
                                       ROW(what_is_secret_is_listed_and_not_in_the_journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
