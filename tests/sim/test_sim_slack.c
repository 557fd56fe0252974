/* test_sim_slack.c -- the simulated Slack, and what the sim itself sends: commands and webhooks. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const options[] = {"--secret", "shh", "--webhook-secret", "hook", NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    ingress_start_of(&sim);
    return 0;
}

static const char *mac_of(const char *secret, const char *text, bool base64, char ret[80]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&st, mac);
    if (base64) {
        return sodium_bin2base64(ret, 80, mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    }
    return sodium_bin2hex(ret, 80, mac, sizeof(mac));
}

#define TYPE_HELP                                                                                  \
    "{\"team\":\"T0SIM1\",\"user\":\"U0ADA\",\"channel\":\"C0DEPLOY\",\"text\":\"help me&\"}"

static void a_typed_command_is_signed_as_slack_signs(void **state) {
    (void)state;
    REPLY reply = client_post(&sim, "/sim/type", TYPE_HELP);
    assert_int_equal(sim_json_int(reply.json, "status", 0), 200);
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    assert_string_equal(got.path, "/slack/commands");
    SIM_FREE char *base = sim_fmt("v0:%s:%s", got.stamp, got.body);
    char hex[80];
    SIM_FREE char *expected = sim_fmt("v0=%s", mac_of("shh", base, false, hex));
    assert_string_equal(got.signature, expected);
    json_auto_t *form = sim_form_parse(got.body, strlen(got.body));
    assert_string_equal(client_text(form, "text"), "help me&");
    assert_string_equal(client_text(form, "command"), "/h");
    assert_string_equal(client_text(form, "user_id"), "U0ADA");
    assert_string_equal(client_text(form, "trigger_id"), client_text(reply.json, "trigger_id"));
    assert_memory_equal(client_text(form, "response_url"), sim.base, strlen(sim.base));
}

/* As Slack does for an app with should_escape; what is no channel of this workspace stays. */
static void a_channel_that_is_typed_goes_out_with_its_id(void **state) {
    (void)state;
    REPLY reply = client_post(&sim, "/sim/type",
                              "{\"team\":\"T0SIM1\",\"user\":\"U0ADA\",\"channel\":\"C0DEPLOY\","
                              "\"text\":\"#ops to #ops  #general x#ops #ops2 #\"}");
    assert_int_equal(sim_json_int(reply.json, "status", 0), 200);
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    json_auto_t *form = sim_form_parse(got.body, strlen(got.body));
    assert_string_equal(client_text(form, "text"),
                        "<#C0OPS|ops> to <#C0OPS|ops>  #general x#ops #ops2 #");
}

static void a_response_url_takes_five_posts_of_its_person(void **state) {
    (void)state;
    REPLY typed = client_post(&sim, "/sim/type", TYPE_HELP);
    assert_int_equal(typed.status, 200);
    struct ingress_request got = ingress_wait(sim.ingress, 0);
    json_auto_t *form = sim_form_parse(got.body, strlen(got.body));
    const char *path = client_text(form, "response_url") + strlen(sim.base);
    for (int i = 0; i < 5; i++) {
        REPLY reply = client_post(&sim, path, "{\"text\":\"hello\"}");
        assert_int_equal(reply.status, 200);
    }
    REPLY sixth = client_post(&sim, path, "{\"text\":\"hello\"}");
    assert_int_equal(sixth.status, 404);
    json_auto_t *hers = client_view(&sim, "U0ADA"), *his = client_view(&sim, "U0BOB");
    assert_int_equal(json_array_size(hers), 5);
    assert_int_equal(json_array_size(his), 0);
    REPLY state_reply = client_get(&sim, "/sim/state");
    const json_t *urls = json_object_get(state_reply.json, "response_urls");
    assert_int_equal(sim_json_int(json_object_get(urls, "by_uses"), "5", 0), 1);
    const json_t *url = json_array_get(json_object_get(urls, "list"), 0);
    assert_int_equal(sim_json_int(url, "uses", 0), 5);
    assert_string_equal(client_text(url, "trigger_id"), client_text(typed.json, "trigger_id"));
    REPLY journal = client_get(&sim, "/sim/journal?text=1");
    assert_null(strstr(journal.body, path));
    assert_non_null(strstr(journal.body, "POST /commands/\xe2\x80\xa6 404\n"));
}

static void a_url_minted_elsewhere_is_taken_for_a_known_team(void **state) {
    (void)state;
    REPLY known = client_post(&sim, "/commands/T0SIM2/77/abc", "{\"text\":\"x\"}");
    assert_int_equal(known.status, 200);
    REPLY unknown = client_post(&sim, "/commands/T0NONE/77/abc", "{\"text\":\"x\"}");
    assert_int_equal(unknown.status, 404);
    REPLY empty = client_post(&sim, "/commands/T0SIM2/78/abc", "{}");
    assert_int_equal(empty.status, 400);
    assert_string_equal(empty.body, "no_text");
}

static void an_immediate_reply_in_channel_shows_the_command(void **state) {
    (void)state;
    ingress_answer(sim.ingress, 200, "application/json",
                   "{\"response_type\":\"in_channel\",\"text\":\"at once\"}");
    client_tell(&sim, "/sim/type", TYPE_HELP);
    json_auto_t *seen = client_view(&sim, "U0BOB");
    assert_int_equal(json_array_size(seen), 2);
    assert_string_equal(client_text(json_array_get(seen, 0), "text"), "/h help me&");
    assert_string_equal(client_text(json_array_get(seen, 0), "user"), "U0ADA");
    assert_string_equal(client_text(json_array_get(seen, 1), "text"), "at once");
}

static void a_failed_command_shows_slacks_own_error(void **state) {
    (void)state;
    ingress_answer(sim.ingress, 400, "text/plain", "no");
    REPLY typed = client_post(&sim, "/sim/type", TYPE_HELP);
    assert_int_equal(sim_json_int(typed.json, "status", 0), 400);
    json_auto_t *seen = client_view(&sim, "U0ADA");
    assert_non_null(strstr(client_text(json_array_get(seen, 0), "text"), "http_client_error"));
    assert_int_equal(client_state(&sim, "user_errors"), 1);
}

static void a_thread_moves_and_its_parent_is_updated(void **state) {
    (void)state;
    REPLY parent = client_slack(&sim, "chat.postMessage",
                                "{\"channel\":\"C0DEPLOY\",\"text\":\"begins\",\"metadata\":"
                                "{\"event_type\":\"op\",\"event_payload\":{\"id\":\"1\"}}}");
    assert_true(json_is_true(json_object_get(parent.json, "ok")));
    const char *ts = client_text(parent.json, "ts");
    SIM_FREE char *reply_body =
        sim_fmt("{\"channel\":\"C0DEPLOY\",\"text\":\"step\",\"thread_ts\":\"%s\"}", ts);
    REPLY step = client_slack(&sim, "chat.postMessage", reply_body);
    assert_true(json_is_true(json_object_get(step.json, "ok")));
    SIM_FREE char *update_body =
        sim_fmt("{\"channel\":\"C0DEPLOY\",\"text\":\"ends\",\"ts\":\"%s\"}", ts);
    REPLY update = client_slack(&sim, "chat.update", update_body);
    assert_true(json_is_true(json_object_get(update.json, "ok")));
    json_auto_t *seen = client_view(&sim, "U0BOB");
    const json_t *m = json_array_get(seen, 0);
    assert_int_equal(json_array_size(seen), 1);
    assert_string_equal(client_text(m, "text"), "ends");
    assert_true(json_is_true(json_object_get(m, "edited")));
    assert_string_equal(sim_json_text2(m, "metadata", "event_type"), "op");
    const json_t *thread = json_object_get(m, "thread");
    assert_string_equal(client_text(json_array_get(thread, 0), "text"), "step");
}

static void refusals_carry_slacks_names(void **state) {
    (void)state;
    SIM_FREE char *long_text = sim_alloc(3002);
    memset(long_text, 'x', 3001);
    SIM_FREE char *long_section =
        sim_fmt("{\"channel\":\"C0DEPLOY\",\"text\":\"t\",\"blocks\":[{\"type\":\"section\","
                "\"text\":{\"type\":\"mrkdwn\",\"text\":\"%s\"}}]}",
                long_text);
    struct sim_buf many = {0};
    sim_buf_printf(&many, "{\"channel\":\"C0DEPLOY\",\"text\":\"t\",\"blocks\":[");
    for (int i = 0; i < 51; i++) {
        sim_buf_printf(&many, "%s{\"type\":\"divider\"}", i == 0 ? "" : ",");
    }
    sim_buf_printf(&many, "]}");
    const struct {
        const char *method, *body, *error;
    } rows[] = {
        {"chat.postMessage", "{\"channel\":\"C0NONE\",\"text\":\"t\"}", "channel_not_found"},
        {"chat.postMessage", "{\"channel\":\"C0DEPLOY\"}", "no_text"},
        {"chat.postMessage", long_section, "invalid_blocks"},
        {"chat.postMessage", many.data, "invalid_blocks"},
        {"chat.postMessage", "{\"channel\":\"C0DEPLOY\",\"text\":\"t\",\"blocks\":{}}",
         "invalid_blocks_format"},
        {"chat.update", "{\"channel\":\"C0DEPLOY\",\"text\":\"t\",\"ts\":\"1.2\"}",
         "message_not_found"},
        {"chat.postEphemeral", "{\"channel\":\"C0DEPLOY\",\"text\":\"t\",\"user\":\"U0CYD\"}",
         "user_not_in_channel"},
        {"conversations.open", "{\"users\":\"U0NONE\"}", "user_not_found"},
        {"chat.whistle", "{}", "unknown_method"},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY reply = client_slack(&sim, rows[i].method, rows[i].body);
        assert_int_equal(reply.status, 200);
        assert_string_equal(client_text(reply.json, "error"), rows[i].error);
    }
    sim_buf_free(&many);
    REPLY nobody = client_post(&sim, "/api/chat.postMessage", "{}");
    assert_string_equal(client_text(nobody.json, "error"), "not_authed");
}

static void joining_lets_the_bot_post(void **state) {
    (void)state;
    const char *post = "{\"channel\":\"C0OPS\",\"text\":\"t\"}";
    client_tell(&sim, "/sim/config", "{\"channel\":{\"id\":\"C0OPS\",\"bot_in\":false}}");
    REPLY refused = client_slack(&sim, "chat.postMessage", post);
    assert_string_equal(client_text(refused.json, "error"), "not_in_channel");
    REPLY join = client_slack(&sim, "conversations.join", "{\"channel\":\"C0OPS\"}");
    assert_true(json_is_true(json_object_get(join.json, "ok")));
    REPLY posted = client_slack(&sim, "chat.postMessage", post);
    assert_true(json_is_true(json_object_get(posted.json, "ok")));
    REPLY dm = client_slack(&sim, "conversations.open", "{\"users\":\"U0BOB\"}");
    assert_string_equal(sim_json_text2(dm.json, "channel", "id"), "D0BOB");
}

static void a_burst_is_a_rate_violation_and_can_be_refused(void **state) {
    (void)state;
    const char *post = "{\"channel\":\"C0OPS\",\"text\":\"t\"}";
    for (int i = 0; i < 5; i++) {
        REPLY reply = client_slack(&sim, "chat.postMessage", post);
        assert_int_equal(reply.status, 200);
    }
    assert_true(client_state(&sim, "rate_violations") > 0);
    client_tell(&sim, "/sim/config", "{\"enforce_rate\":true,\"rate_burst\":0}");
    REPLY refused = client_slack(&sim, "chat.postMessage", post);
    assert_int_equal(refused.status, 429);
    char after[16];
    assert_string_equal(client_header(&refused, "Retry-After", after, sizeof(after)), "1");
}

static void a_release_is_told_by_webhook_until_it_is_taken(void **state) {
    (void)state;
    ingress_answer(sim.ingress, 503, "text/plain", "");
    REPLY made = client_post(&sim, "/sim/release", "{\"app\":\"storefront-staging\"}");
    assert_int_equal(made.status, 201);
    assert_int_equal(sim_json_int(made.json, "version", 0), 43);
    struct ingress_request first = ingress_wait(sim.ingress, 0);
    (void)ingress_wait(sim.ingress, 1);
    ingress_answer(sim.ingress, 204, "text/plain", "");
    struct ingress_request again = ingress_wait(sim.ingress, 2);
    struct ingress_request other = ingress_wait(sim.ingress, 3);
    char mac[80];
    assert_string_equal(first.path, "/webhooks/heroku");
    assert_string_equal(first.signature, mac_of("hook", first.body, true, mac));
    json_auto_t *a = json_loads(first.body, 0, NULL), *b = json_loads(again.body, 0, NULL);
    json_auto_t *c = json_loads(other.body, 0, NULL);
    const json_t *same = strcmp(client_text(a, "id"), client_text(b, "id")) == 0 ? b : c;
    assert_string_equal(client_text(a, "id"), client_text(same, "id"));
    assert_string_not_equal(
        sim_json_text2(json_object_get(a, "webhook_metadata"), "attempt", "id"),
        sim_json_text2(json_object_get(same, "webhook_metadata"), "attempt", "id"));
    assert_string_equal(client_text(a, "resource"), "release");
    assert_string_equal(sim_json_text2(a, "data", "id"), client_text(made.json, "id"));
    assert_string_equal(sim_json_text2(json_object_get(a, "webhook_metadata"), "event", "id"),
                        client_text(a, "id"));
    assert_int_equal(ingress_count(sim.ingress), 4);
}

static void a_foreign_page_may_not_reset(void **state) {
    (void)state;
    const char *foreign[] = {"Origin: http://evil.example", NULL};
    const char *own[] = {"Origin: http://localhost:1234", NULL};
    const char *rebound[] = {"Host: evil.example", NULL};
    REPLY a = client_call(&sim, "POST", "/sim/reset", foreign, "");
    REPLY b = client_call(&sim, "POST", "/sim/reset", own, "");
    REPLY c = client_call(&sim, "POST", "/sim/reset", rebound, "");
    assert_int_equal(a.status, 403);
    assert_int_equal(b.status, 200);
    assert_int_equal(c.status, 403);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(a_typed_command_is_signed_as_slack_signs),
                                       ROW(a_channel_that_is_typed_goes_out_with_its_id),
                                       ROW(a_response_url_takes_five_posts_of_its_person),
                                       ROW(a_url_minted_elsewhere_is_taken_for_a_known_team),
                                       ROW(an_immediate_reply_in_channel_shows_the_command),
                                       ROW(a_failed_command_shows_slacks_own_error),
                                       ROW(a_thread_moves_and_its_parent_is_updated),
                                       ROW(refusals_carry_slacks_names),
                                       ROW(joining_lets_the_bot_post),
                                       ROW(a_burst_is_a_rate_violation_and_can_be_refused),
                                       ROW(a_release_is_told_by_webhook_until_it_is_taken),
                                       ROW(a_foreign_page_may_not_reset)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
