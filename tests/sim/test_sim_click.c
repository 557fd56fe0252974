/* test_sim_click.c -- buttons of the simulated Slack: their limits, a press, and what its URL may do. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const options[] = {"--secret", "shh", NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    ingress_start_of(&sim);
    return 0;
}

static json_t *button(const char *action_id, const char *value) {
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "type", "button", "action_id", action_id,
                     "value", value, "text", "type", "plain_text", "text", "Go");
}

/* A message with these elements (taken) in one actions block; the reply of Slack. */
static struct client_reply post(const char *method, json_t *elements) {
    json_auto_t *body = json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:o}]}", "channel", "C0DEPLOY",
                                  "user", "U0ADA", "text", "choose", "blocks", "type", "actions",
                                  "block_id", "choice", "elements", elements);
    SIM_FREE char *text = json_dumps(body, 0);
    return client_slack(&sim, method, text);
}

static struct client_reply click(const char *user, const char *ts, const char *action_id) {
    SIM_FREE char *body = sim_fmt("{\"team\":\"T0SIM1\",\"user\":\"%s\",\"channel\":\"C0DEPLOY\","
                                  "\"ts\":\"%s\",\"action_id\":\"%s\"}",
                                  user, ts, action_id);
    return client_post(&sim, "/sim/click", body);
}

/* What the ingress was sent: the payload, new. */
static json_t *payload(unsigned nth) {
    struct ingress_request got = ingress_wait(sim.ingress, nth);
    assert_string_equal(got.path, "/slack/interactive");
    SIM_FREE char *base = sim_fmt("v0:%s:%s", got.stamp, got.body);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[80];
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)"shh", 3);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)base, strlen(base));
    crypto_auth_hmacsha256_final(&st, mac);
    SIM_FREE char *expected = sim_fmt("v0=%s", sodium_bin2hex(hex, 80, mac, sizeof(mac)));
    assert_string_equal(got.signature, expected);
    json_auto_t *form = sim_form_parse(got.body, strlen(got.body));
    assert_int_equal(json_object_size(form), 1);
    return json_loads(client_text(form, "payload"), 0, NULL);
}

static void a_click_is_sent_as_slack_sends_it(void **state) {
    (void)state;
    REPLY made = post("chat.postMessage", json_pack("[oo]", button("type/0", "wait 12"),
                                                    button("type/1", "cancel 12")));
    assert_true(json_is_true(json_object_get(made.json, "ok")));
    const char *ts = client_text(made.json, "ts");
    REPLY clicked = click("U0BOB", ts, "type/1");
    assert_int_equal(clicked.status, 200);
    assert_int_equal(sim_json_int(clicked.json, "status", 0), 200);
    json_auto_t *p = payload(0);
    assert_string_equal(client_text(p, "type"), "block_actions");
    assert_string_equal(sim_json_text2(p, "user", "id"), "U0BOB");
    assert_string_equal(sim_json_text2(p, "team", "id"), "T0SIM1");
    assert_string_equal(sim_json_text2(p, "channel", "id"), "C0DEPLOY");
    assert_string_equal(sim_json_text2(p, "message", "ts"), ts);
    assert_string_equal(sim_json_text2(p, "container", "message_ts"), ts);
    assert_true(json_is_null(json_object_get(p, "enterprise")));
    assert_string_equal(client_text(p, "trigger_id"), client_text(clicked.json, "trigger_id"));
    const json_t *action = json_array_get(json_object_get(p, "actions"), 0);
    assert_string_equal(client_text(action, "action_id"), "type/1");
    assert_string_equal(client_text(action, "block_id"), "choice");
    assert_string_equal(client_text(action, "value"), "cancel 12");
    assert_string_equal(client_text(action, "type"), "button");
    assert_non_null(strchr(client_text(action, "action_ts"), '.'));
    SIM_FREE char *url = sim_fmt("%s/actions/T0SIM1/", sim.base);
    assert_memory_equal(client_text(p, "response_url"), url, strlen(url));
}

static void a_click_needs_a_button_that_its_person_sees(void **state) {
    (void)state;
    REPLY made = post("chat.postEphemeral", json_pack("[o]", button("type/0", "help")));
    const char *ts = client_text(made.json, "message_ts");
    REPLY none = click("U0ADA", ts, "type/7");
    assert_int_equal(none.status, 404);
    REPLY other = click("U0BOB", ts, "type/0");
    assert_int_equal(other.status, 404);
    REPLY stranger = click("U0CYD", ts, "type/0");
    assert_int_equal(stranger.status, 422);
    assert_int_equal(ingress_count(sim.ingress), 0);
    REPLY hers = click("U0ADA", ts, "type/0");
    assert_int_equal(hers.status, 200);
    json_auto_t *p = payload(0);
    assert_null(json_object_get(p, "message"));
    assert_true(json_is_true(json_object_get(json_object_get(p, "container"), "is_ephemeral")));
    assert_string_equal(sim_json_text2(p, "container", "message_ts"), ts);
}

static void the_url_of_a_click_changes_or_removes_its_message(void **state) {
    (void)state;
    REPLY made = post("chat.postEphemeral", json_pack("[o]", button("type/0", "help")));
    const char *ts = client_text(made.json, "message_ts");
    REPLY clicked = click("U0ADA", ts, "type/0");
    assert_int_equal(clicked.status, 200);
    json_auto_t *p = payload(0);
    const char *path = client_text(p, "response_url") + strlen(sim.base);
    REPLY add = client_post(&sim, path, "{\"text\":\"beside\"}");
    assert_int_equal(add.status, 200);
    REPLY change = client_post(&sim, path, "{\"text\":\"done\",\"replace_original\":true}");
    assert_int_equal(change.status, 200);
    json_auto_t *seen = client_view(&sim, "U0ADA");
    assert_int_equal(json_array_size(seen), 2);
    assert_string_equal(client_text(json_array_get(seen, 0), "text"), "done");
    assert_null(json_object_get(json_array_get(seen, 0), "blocks"));
    assert_string_equal(client_text(json_array_get(seen, 1), "text"), "beside");
    REPLY gone = client_post(&sim, path, "{\"delete_original\":true}");
    assert_int_equal(gone.status, 200);
    json_auto_t *left = client_view(&sim, "U0ADA");
    assert_int_equal(json_array_size(left), 1);
    for (int i = 0; i < 3; i++) {
        REPLY more = client_post(&sim, path, "{\"text\":\"more\"}");
        assert_int_equal(more.status, i < 2 ? 200 : 404);
    }
    REPLY journal = client_get(&sim, "/sim/journal?text=1");
    assert_null(strstr(journal.body, path));
    assert_non_null(strstr(journal.body, "POST /actions/\xe2\x80\xa6 404\n"));
}

static json_t *with(json_t *element, const char *key, json_t *value) {
    json_object_set_new(element, key, value);
    return element;
}

static json_t *plain(const char *text) {
    return json_pack("{s:s, s:s}", "type", "plain_text", "text", text);
}

static json_t *confirm(const char *title, const char *text, const char *yes, const char *no) {
    return json_pack("{s:o, s:o, s:o, s:o}", "title", plain(title), "text", plain(text), "confirm",
                     plain(yes), "deny", plain(no));
}

static json_t *many(int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        SIM_FREE char *id = sim_fmt("type/%d", i);
        json_array_append_new(list, button(id, "help"));
    }
    return list;
}

static void buttons_have_limits(void **state) {
    (void)state;
    static char a_lot[2002];
    memset(a_lot, 'x', 2001);
    const char *x2000 = a_lot + 1, *x301 = a_lot + 1700, *x300 = a_lot + 1701, *x256 = a_lot + 1745;
    const char *x255 = a_lot + 1746, *x101 = a_lot + 1900, *x100 = a_lot + 1901;
    const char *x76 = a_lot + 1925, *x75 = a_lot + 1926, *x31 = a_lot + 1970, *x30 = a_lot + 1971;
    struct {
        json_t *elements;
        bool good;
    } rows[] = {
        {many(25), true},
        {many(26), false},
        {many(0), false},
        {json_pack("[oo]", button("a", "x"), button("a", "y")), false},
        {json_pack("[o]", button(x255, x2000)), true},
        {json_pack("[o]", button(x256, "x")), false},
        {json_pack("[o]", button("a", a_lot)), false},
        {json_pack("[o]", with(button("a", "x"), "text", plain(x75))), true},
        {json_pack("[o]", with(button("a", "x"), "text", plain(x76))), false},
        {json_pack("[o]", with(button("a", "x"), "style", json_string("danger"))), true},
        {json_pack("[o]", with(button("a", "x"), "style", json_string("red"))), false},
        {json_pack("[o]", with(button("a", "x"), "confirm", confirm(x100, x300, x30, x30))), true},
        {json_pack("[o]", with(button("a", "x"), "confirm", confirm(x101, "t", "y", "n"))), false},
        {json_pack("[o]", with(button("a", "x"), "confirm", confirm("t", x301, "y", "n"))), false},
        {json_pack("[o]", with(button("a", "x"), "confirm", confirm("t", "t", x31, "n"))), false},
        {json_pack("[o]", with(button("a", "x"), "confirm", confirm("t", "t", "y", x31))), false},
        {json_pack("[o]", with(button("a", "x"), "confirm", json_object())), false},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        REPLY reply = post("chat.postMessage", rows[i].elements);
        bool ok = json_is_true(json_object_get(reply.json, "ok"));
        if (ok != rows[i].good) fail_msg("row %zu: %s", i, reply.body);
        if (!ok) assert_string_equal(client_text(reply.json, "error"), "invalid_blocks");
    }
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {
        ROW(a_click_is_sent_as_slack_sends_it), ROW(a_click_needs_a_button_that_its_person_sees),
        ROW(the_url_of_a_click_changes_or_removes_its_message), ROW(buttons_have_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
