/* test_sim_slack_event.c -- removing the application: what Slack tells it, in which order, how often;
 * and what commands say of an organization. */
#include "slack_world.h"

#include <sodium.h>

static const char *const options[] = {SLACK_OPTIONS, NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    ingress_start_of(&sim);
    return 0;
}

static json_t *body_of(const struct ingress_request *got) {
    json_t *body = json_loads(got->body, 0, NULL);
    assert_non_null(body);
    return body;
}

static const char *type_of(const json_t *body) {
    return client_text(json_object_get(body, "event"), "type");
}

static void assert_signed(const struct ingress_request *got) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state st;
    SIM_FREE char *base = sim_fmt("v0:%s:%s", got->stamp, got->body);
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)"shh", 3);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)base, strlen(base));
    crypto_auth_hmacsha256_final(&st, mac);
    SIM_FREE char *expected = sim_fmt("v0=%s", sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac)));
    assert_string_equal(got->signature, expected);
}

static void an_uninstall_ends_the_token_and_is_told_twice(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM2", SLACK_SCOPES);
    int64_t since_s = sim_now_ms() / 1000;
    client_tell(&sim, "/sim/uninstall", "{\"team\":\"T0SIM2\"}");
    REPLY dead = slack_say(client_text(one, "access_token"), "C0OTHER");
    assert_refused(&dead, "account_inactive");
    struct ingress_request first = ingress_wait(sim.ingress, 0);
    struct ingress_request second = ingress_wait(sim.ingress, 1);
    assert_string_equal(first.path, "/slack/events");
    assert_signed(&first);
    assert_string_equal(first.retry, "");
    json_auto_t *gone = body_of(&first), *revoked = body_of(&second);
    assert_string_equal(client_text(gone, "type"), "event_callback");
    assert_string_equal(type_of(gone), "app_uninstalled");
    assert_string_equal(client_text(gone, "team_id"), "T0SIM2");
    assert_true(json_is_null(json_object_get(gone, "enterprise_id")));
    assert_string_equal(client_text(gone, "api_app_id"), "A0SLIPWAY");
    int64_t event_time_s = sim_json_int(gone, "event_time", 0);
    assert_true(event_time_s >= since_s && event_time_s <= sim_now_ms() / 1000);
    const json_t *by = json_array_get(json_object_get(gone, "authorizations"), 0);
    assert_string_equal(client_text(by, "team_id"), "T0SIM2");
    assert_true(json_is_false(json_object_get(by, "is_enterprise_install")));
    assert_string_equal(type_of(revoked), "tokens_revoked");
    const json_t *tokens = json_object_get(json_object_get(revoked, "event"), "tokens");
    assert_string_equal(json_string_value(json_array_get(json_object_get(tokens, "bot"), 0)),
                        "U0BOT2");
    assert_string_not_equal(client_text(gone, "event_id"), client_text(revoked, "event_id"));
    json_auto_t *again = slack_install("T0SIM2", "commands");
    assert_string_equal(client_text(again, "scope"), "commands"); /* nothing is left of before */
}

static void the_order_and_the_time_are_as_asked(void **state) {
    (void)state;
    client_tell(&sim, "/sim/uninstall",
                "{\"team\":\"T0SIM1\",\"event_time\":1700000000,"
                "\"order\":[\"tokens_revoked\",\"app_uninstalled\"]}");
    struct ingress_request first = ingress_wait(sim.ingress, 0);
    struct ingress_request second = ingress_wait(sim.ingress, 1);
    json_auto_t *revoked = body_of(&first), *gone = body_of(&second);
    assert_string_equal(type_of(revoked), "tokens_revoked");
    assert_string_equal(type_of(gone), "app_uninstalled");
    assert_int_equal(sim_json_int(revoked, "event_time", 0), 1700000000);
    REPLY wrong = client_post(&sim, "/sim/uninstall", "{\"team\":\"T0SIM1\",\"order\":[\"x\"]}");
    assert_int_equal(wrong.status, 422);
}

static void tokens_may_go_without_the_application(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM2", SLACK_SCOPES);
    client_tell(&sim, "/sim/uninstall", "{\"team\":\"T0SIM2\",\"order\":[\"tokens_revoked\"]}");
    REPLY dead = slack_say(client_text(one, "access_token"), "C0OTHER");
    assert_refused(&dead, "token_revoked");
    struct ingress_request only = ingress_wait(sim.ingress, 0);
    json_auto_t *revoked = body_of(&only);
    assert_string_equal(type_of(revoked), "tokens_revoked");
}

static void what_is_not_taken_is_sent_again_three_times(void **state) {
    (void)state;
    ingress_answer(sim.ingress, 503, "text/plain", "");
    client_tell(&sim, "/sim/uninstall",
                "{\"team\":\"T0SIM2\",\"order\":[\"app_uninstalled\"],"
                "\"retry_ms\":[0,10,20]}");
    struct ingress_request last = ingress_wait(sim.ingress, 3);
    struct ingress_request first = ingress_wait(sim.ingress, 0);
    struct ingress_request second = ingress_wait(sim.ingress, 1);
    assert_string_equal(first.retry, "");
    assert_string_equal(second.retry, "1");
    assert_string_equal(last.retry, "3");
    assert_string_equal(last.reason, "http_error");
    assert_string_equal(last.body, first.body); /* the same event_id, too */
    assert_signed(&last);
    int64_t given_up = 0;
    for (int64_t until_ms = sim_mono_ms() + 20000; given_up == 0 && sim_mono_ms() < until_ms;) {
        REPLY counts = client_get(&sim, "/sim/state");
        const json_t *events = json_object_get(json_object_get(counts.json, "slack"), "events");
        given_up = sim_json_int(events, "given_up", 0);
    }
    assert_int_equal(given_up, 1);
    assert_int_equal(ingress_count(sim.ingress), 4);
}

static void a_command_of_an_organization_says_so(void **state) {
    (void)state;
    static const char type[] =
        "{\"team\":\"T0SIM2\",\"user\":\"U0CYD\",\"channel\":\"C0OTHER\",\"text\":\"help\"}";
    static const char *const rows[][3] = {/* installed in, enterprise_id, is_enterprise_install */
                                          {NULL, NULL, "false"},
                                          {"E0SIM", "E0SIM", "true"},
                                          {"T0SIM2", "E0SIM", "false"}};
    for (unsigned i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        if (rows[i][0] != NULL) json_decref(slack_install(rows[i][0], "commands"));
        client_tell(&sim, "/sim/type", type);
        struct ingress_request got = ingress_wait(sim.ingress, i);
        json_auto_t *form = sim_form_parse(got.body, strlen(got.body));
        assert_string_equal(client_text(form, "is_enterprise_install"), rows[i][2]);
        const char *id = sim_json_text(form, "enterprise_id");
        if (rows[i][1] == NULL) assert_null(id);
        if (rows[i][1] != NULL) assert_string_equal(id, rows[i][1]);
    }
}

static void of_an_organization_no_workspace_is_named(void **state) {
    (void)state;
    json_decref(slack_install("E0SIM", SLACK_SCOPES));
    client_tell(&sim, "/sim/uninstall", "{\"team\":\"E0SIM\",\"order\":[\"app_uninstalled\"]}");
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    json_auto_t *gone = body_of(&got);
    const json_t *by = json_array_get(json_object_get(gone, "authorizations"), 0);
    assert_true(json_is_null(json_object_get(gone, "team_id")));
    assert_true(json_is_null(json_object_get(by, "team_id")));
    assert_string_equal(client_text(by, "enterprise_id"), "E0SIM");
    assert_true(json_is_true(json_object_get(by, "is_enterprise_install")));
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(an_uninstall_ends_the_token_and_is_told_twice),
                                       ROW(the_order_and_the_time_are_as_asked),
                                       ROW(tokens_may_go_without_the_application),
                                       ROW(what_is_not_taken_is_sent_again_three_times),
                                       ROW(a_command_of_an_organization_says_so),
                                       ROW(of_an_organization_no_workspace_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
