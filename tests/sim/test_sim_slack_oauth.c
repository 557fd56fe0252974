/* test_sim_slack_oauth.c -- installing in the simulated Slack, its bot tokens, and how they end. */
#include "slack_world.h"

static const char *const options[] = {SLACK_OPTIONS, NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    return 0;
}

static void the_page_offers_both_workspaces_and_the_organization(void **state) {
    (void)state;
    REPLY page = client_get(&sim, "/oauth/v2/authorize?client_id=sid&scope=commands&state=s1"
                                  "&redirect_uri=" SLACK_CALLBACK);
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "name=\"team\" value=\"T0SIM1\""));
    assert_non_null(strstr(page.body, "name=\"team\" value=\"T0SIM2\""));
    assert_non_null(strstr(page.body, "name=\"team\" value=\"E0SIM\""));
    REPLY scopes = client_get(&sim, "/oauth/v2/authorize?client_id=sid&scope=&state=s1"
                                    "&redirect_uri=" SLACK_CALLBACK);
    assert_int_equal(scopes.status, 400);
    assert_string_equal(client_text(scopes.json, "id"), "no_scopes");
    REPLY deny = client_call(&sim, "POST", "/oauth/v2/authorize", NULL,
                             "deny=1&client_id=sid&scope=commands&state=s1"
                             "&redirect_uri=" SLACK_CALLBACK);
    char location[256];
    client_header(&deny, "Location", location, sizeof(location));
    assert_string_equal(location, SLACK_CALLBACK "?error=access_denied&state=s1");
}

static void an_install_answers_as_slack_does(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM2", SLACK_SCOPES);
    assert_memory_equal(client_text(one, "access_token"), "xoxb-", 5);
    assert_string_equal(client_text(one, "token_type"), "bot");
    assert_string_equal(client_text(one, "scope"), SLACK_SCOPES);
    assert_string_equal(client_text(one, "bot_user_id"), "U0BOT2");
    assert_string_equal(client_text(one, "app_id"), "A0SLIPWAY");
    assert_string_equal(client_text(json_object_get(one, "team"), "id"), "T0SIM2");
    assert_string_equal(client_text(json_object_get(one, "team"), "name"), "Sim Two");
    assert_true(json_is_null(json_object_get(one, "enterprise")));
    assert_true(json_is_false(json_object_get(one, "is_enterprise_install")));
    assert_string_equal(client_text(json_object_get(one, "authed_user"), "id"), "U0CYD");
    assert_null(json_object_get(one, "refresh_token"));
    assert_null(json_object_get(one, "expires_in"));
    json_auto_t *all = slack_install("E0SIM", SLACK_SCOPES);
    assert_true(json_is_null(json_object_get(all, "team")));
    assert_string_equal(client_text(json_object_get(all, "enterprise"), "id"), "E0SIM");
    assert_true(json_is_true(json_object_get(all, "is_enterprise_install")));
    /* In an organization it is named for a workspace too, which stays what was installed. */
    json_auto_t *within = slack_install("T0SIM1", SLACK_SCOPES);
    assert_string_equal(client_text(json_object_get(within, "enterprise"), "id"), "E0SIM");
    assert_string_equal(client_text(json_object_get(within, "team"), "id"), "T0SIM1");
    assert_true(json_is_false(json_object_get(within, "is_enterprise_install")));
}

static void who_is_signed_in_is_who_installs(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"Cookie: sim_slack=U0BOB", "U0BOB"},
                                          {"Cookie: sim_slack=U0CYD", "U0ADA"}}; /* not hers */
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *code = install_code("T0SIM1", "commands", rows[i][0]);
        SIM_FREE char *form = sim_fmt("code=%s&redirect_uri=" SLACK_CALLBACK, code);
        REPLY reply = slack_access(form);
        assert_ok(&reply);
        assert_string_equal(client_text(json_object_get(reply.json, "authed_user"), "id"),
                            rows[i][1]);
    }
}

static void an_install_code_is_good_once_at_its_own_address(void **state) {
    (void)state;
    SIM_FREE char *code = install_code("T0SIM2", "commands", NULL);
    SIM_FREE char *form = sim_fmt("code=%s&redirect_uri=" SLACK_CALLBACK, code);
    REPLY first = slack_access(form);
    assert_ok(&first);
    REPLY again = slack_access(form);
    assert_refused(&again, "invalid_code");
    SIM_FREE char *other = install_code("T0SIM2", "commands", NULL);
    SIM_FREE char *wrong = sim_fmt("code=%s&redirect_uri=" SLACK_CALLBACK "/", other);
    REPLY elsewhere = slack_access(wrong);
    assert_refused(&elsewhere, "bad_redirect_uri");
    SIM_FREE char *sign_in = slack_press("/openid/connect/authorize", "account=ada",
                                         "response_type=code&scope=openid", SLACK_CALLBACK, NULL);
    SIM_FREE char *mixed = sim_fmt("code=%s&redirect_uri=" SLACK_CALLBACK, sign_in);
    REPLY mismatch = slack_access(mixed);
    assert_refused(&mismatch, "oauth_authorization_url_mismatch");
    REPLY type = slack_access("grant_type=client_credentials");
    assert_refused(&type, "invalid_grant_type");
    REPLY none = client_call(&sim, "POST", "/api/oauth.v2.access", NULL,
                             "client_id=sid&client_secret=no&code=1");
    assert_refused(&none, "bad_client_secret");
}

static void a_token_speaks_in_its_own_workspace_only(void **state) {
    (void)state;
    json_auto_t *two = slack_install("T0SIM2", SLACK_SCOPES);
    const char *token = client_text(two, "access_token");
    REPLY there = slack_say(token, "C0OTHER");
    assert_ok(&there);
    REPLY other = slack_say(token, "C0DEPLOY");
    assert_refused(&other, "channel_not_found");
    REPLY person = slack_call(token, "conversations.open", "{\"users\":\"U0ADA\"}");
    assert_refused(&person, "user_not_found");
    REPLY test = slack_call(token, "auth.test", "{}");
    assert_string_equal(client_text(test.json, "team_id"), "T0SIM2");
    REPLY file = slack_say("xoxb-of-the-file", "C0DEPLOY");
    assert_ok(&file);
    REPLY file_other = slack_say("xoxb-of-the-file", "C0OTHER");
    assert_refused(&file_other, "channel_not_found");
    REPLY unknown = slack_say("xoxb-1-2-3", "C0OTHER");
    assert_refused(&unknown, "invalid_auth");
    json_auto_t *all = slack_install("E0SIM", SLACK_SCOPES);
    REPLY here = slack_say(client_text(all, "access_token"), "C0DEPLOY");
    assert_ok(&here);
    REPLY everywhere = slack_say(client_text(all, "access_token"), "C0OTHER");
    assert_ok(&everywhere);
    REPLY org = slack_call(client_text(all, "access_token"), "auth.test", "{}");
    assert_string_equal(client_text(org.json, "team_id"), "E0SIM");
    assert_string_equal(client_text(org.json, "user_id"), client_text(all, "bot_user_id"));
}

static void a_method_needs_its_scope(void **state) {
    (void)state;
    json_auto_t *few = slack_install("T0SIM2", "commands,im:write");
    const char *token = client_text(few, "access_token");
    REPLY say = slack_say(token, "C0OTHER");
    assert_refused(&say, "missing_scope");
    assert_string_equal(client_text(say.json, "needed"), "chat:write");
    assert_string_equal(client_text(say.json, "provided"), "commands,im:write");
    REPLY open = slack_call(token, "conversations.open", "{\"users\":\"U0CYD\"}");
    assert_ok(&open);
    REPLY join = slack_call(token, "conversations.join", "{\"channel\":\"C0OTHER\"}");
    assert_refused(&join, "missing_scope");
    /* What a second install asks for comes on top, and the token of the first gets it too. */
    json_auto_t *more = slack_install("T0SIM2", "chat:write");
    assert_string_equal(client_text(more, "scope"), "commands,im:write,chat:write");
    assert_string_equal(client_text(more, "access_token"), token);
    REPLY now = slack_say(token, "C0OTHER");
    assert_ok(&now);
}

static void a_public_channel_needs_no_joining_with_its_scope(void **state) {
    (void)state;
    client_tell(&sim, "/sim/config", "{\"channel\":{\"id\":\"C0OTHER\",\"bot_in\":false}}");
    json_auto_t *first = slack_install("T0SIM2", "chat:write");
    const char *token = client_text(first, "access_token");
    REPLY outside = slack_say(token, "C0OTHER");
    assert_refused(&outside, "not_in_channel");
    json_decref(slack_install("T0SIM2", "chat:write.public"));
    REPLY public = slack_say(token, "C0OTHER");
    assert_ok(&public);
    client_tell(&sim, "/sim/config", "{\"channel\":{\"id\":\"C0OTHER\",\"private\":true}}");
    REPLY private = slack_say(token, "C0OTHER");
    assert_refused(&private, "not_in_channel");
}

static void with_rotation_tokens_come_in_pairs_and_refresh_once(void **state) {
    (void)state;
    json_auto_t *lasting = slack_install("T0SIM2", SLACK_SCOPES);
    client_tell(&sim, "/sim/rotation", "{\"on\":true}");
    json_auto_t *pair = slack_install("T0SIM2", SLACK_SCOPES);
    assert_memory_equal(client_text(pair, "access_token"), "xoxe.xoxb-1-", 12);
    assert_memory_equal(client_text(pair, "refresh_token"), "xoxe-1-", 7);
    assert_int_equal(sim_json_int(pair, "expires_in", 0), 43200);
    REPLY old = slack_say(client_text(lasting, "access_token"), "C0OTHER");
    assert_ok(&old); /* what was given before goes on */
    REPLY fresh = slack_refresh(client_text(pair, "refresh_token"));
    assert_ok(&fresh);
    assert_string_not_equal(client_text(fresh.json, "access_token"),
                            client_text(pair, "access_token"));
    assert_string_equal(client_text(fresh.json, "bot_user_id"), "U0BOT2");
    assert_string_equal(client_text(json_object_get(fresh.json, "team"), "id"), "T0SIM2");
    assert_null(json_object_get(fresh.json, "authed_user"));
    REPLY again = slack_refresh(client_text(pair, "refresh_token"));
    assert_refused(&again, "invalid_refresh_token");
    REPLY both = slack_say(client_text(pair, "access_token"), "C0OTHER");
    assert_ok(&both);
    REPLY third = slack_refresh(client_text(fresh.json, "refresh_token"));
    assert_ok(&third);
    REPLY oldest = slack_say(client_text(pair, "access_token"), "C0OTHER");
    assert_refused(&oldest, "token_revoked");
    REPLY second = slack_say(client_text(fresh.json, "access_token"), "C0OTHER");
    assert_ok(&second);
    REPLY counts = client_get(&sim, "/sim/state");
    const json_t *slack = json_object_get(counts.json, "slack");
    assert_int_equal(sim_json_int(slack, "refreshed", 0), 2);
    assert_int_equal(sim_json_int(slack, "refused", 0), 1);
    const json_t *install = json_object_get(json_object_get(slack, "installs"), "T0SIM2");
    assert_int_equal(sim_json_int(install, "tokens", 0), 3);
    REPLY listed = client_get(&sim, "/sim/tokens");
    assert_non_null(strstr(listed.body, client_text(pair, "refresh_token")));
    assert_non_null(strstr(listed.body, client_text(third.json, "access_token")));
}

static void a_token_runs_out_and_its_refresh_token_does_not(void **state) {
    (void)state;
    client_tell(&sim, "/sim/rotation", "{\"on\":true,\"expires_in\":0}");
    json_auto_t *pair = slack_install("T0SIM2", SLACK_SCOPES);
    assert_int_equal(sim_json_int(pair, "expires_in", -1), 0);
    REPLY late = slack_say(client_text(pair, "access_token"), "C0OTHER");
    assert_refused(&late, "token_expired");
    client_tell(&sim, "/sim/rotation", "{\"on\":true}");
    REPLY fresh = slack_refresh(client_text(pair, "refresh_token"));
    REPLY good = slack_say(client_text(fresh.json, "access_token"), "C0OTHER");
    assert_ok(&good);
    client_tell(&sim, "/sim/expire", "{\"slack\":\"T0SIM2\"}");
    REPLY again = slack_say(client_text(fresh.json, "access_token"), "C0OTHER");
    assert_refused(&again, "token_expired");
    REPLY last = slack_refresh(client_text(fresh.json, "refresh_token"));
    assert_ok(&last);
}

static void a_revoked_token_stays_so_and_a_new_install_gives_another(void **state) {
    (void)state;
    json_auto_t *first = slack_install("T0SIM2", SLACK_SCOPES);
    const char *token = client_text(first, "access_token");
    REPLY own = slack_call(token, "auth.revoke", "{}");
    assert_ok(&own);
    assert_true(json_is_true(json_object_get(own.json, "revoked")));
    REPLY dead = slack_say(token, "C0OTHER");
    assert_refused(&dead, "token_revoked");
    json_auto_t *second = slack_install("T0SIM2", SLACK_SCOPES);
    assert_string_not_equal(client_text(second, "access_token"), token);
    client_tell(&sim, "/sim/rotation", "{\"on\":true}");
    json_auto_t *pair = slack_install("T0SIM2", SLACK_SCOPES);
    client_tell(&sim, "/sim/revoke", "{\"slack\":\"T0SIM2\"}");
    REPLY gone = slack_say(client_text(second, "access_token"), "C0OTHER");
    assert_refused(&gone, "token_revoked");
    REPLY refresh = slack_refresh(client_text(pair, "refresh_token"));
    assert_refused(&refresh, "invalid_refresh_token");
    REPLY file = slack_call("xoxb-of-the-file", "auth.revoke", "{}");
    assert_true(json_is_false(json_object_get(file.json, "revoked")));
    REPLY still = slack_say("xoxb-of-the-file", "C0DEPLOY");
    assert_ok(&still);
}

static void no_secret_of_an_install_reaches_the_journal(void **state) {
    (void)state;
    json_decref(slack_install("T0SIM2", SLACK_SCOPES));
    client_tell(&sim, "/sim/rotation", "{\"on\":true}");
    json_auto_t *pair = slack_install("T0SIM2", SLACK_SCOPES);
    REPLY fresh = slack_refresh(client_text(pair, "refresh_token"));
    assert_ok(&fresh);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "xoxb-"));
    assert_null(strstr(journal.body, "xoxe"));
    assert_null(strstr(journal.body, "ssec"));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {
        ROW(the_page_offers_both_workspaces_and_the_organization),
        ROW(an_install_answers_as_slack_does),
        ROW(who_is_signed_in_is_who_installs),
        ROW(an_install_code_is_good_once_at_its_own_address),
        ROW(a_token_speaks_in_its_own_workspace_only),
        ROW(a_method_needs_its_scope),
        ROW(a_public_channel_needs_no_joining_with_its_scope),
        ROW(with_rotation_tokens_come_in_pairs_and_refresh_once),
        ROW(a_token_runs_out_and_its_refresh_token_does_not),
        ROW(a_revoked_token_stays_so_and_a_new_install_gives_another),
        ROW(no_secret_of_an_install_reaches_the_journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
