/* test_ingress_click.c -- what Slack sends when somebody clicks. */
#include "tests/ingress_world.h"

#define URL HOOKS "/actions/T1/2/abc"
#define TEAM "\"team\":{\"id\":\"T1\",\"domain\":\"d\"},"
#define USER "\"user\":{\"id\":\"U1\",\"username\":\"ada\"},"
#define CHANNEL "\"channel\":{\"id\":\"C1\",\"name\":\"ops\"},"
#define TS "\"container\":{\"type\":\"message\",\"message_ts\":\"1795000000.000100\"},"
#define HOOK "\"response_url\":\"" URL "\","
#define BUTTON(id, value)                                                                          \
    "\"actions\":[{\"type\":\"button\",\"action_id\":\"" id "\",\"value\":\"" value                \
    "\",\"action_ts\":\"1795000000.5\"}]"
#define HEAD "{\"type\":\"block_actions\",\"trigger_id\":\"1.2.abc\","
#define REST TEAM USER CHANNEL TS HOOK
#define CLICK HEAD REST BUTTON("type/0", "wait 01abc") "}"

/* Like a browser's form, every byte escaped. */
static char *form_of(const char *payload, size_t size) {
    char *form = sw_malloc(8 + 3 * size + 1);
    strcpy(form, "payload=");
    for (size_t i = 0; i < size; i++) {
        sprintf(form + 8 + 3 * i, "%%%02X", (unsigned char)payload[i]);
    }
    return form;
}

static const struct sw_decision *post(struct world *w, const char *form) {
    world_request(w, "POST", "/slack/interactive", form, strlen(form));
    sign(w, SECRET, NOW_S);
    return ask(w);
}

static const struct sw_decision *click(struct world *w, const char *payload) {
    SW_AUTO(sw_text) char *form = form_of(payload, strlen(payload));
    return post(w, form);
}

static void a_click_types_its_line_for_whoever_clicked(void **state) {
    struct world *w = *state;
    const struct sw_decision *d = click(w, CLICK);
    assert_int_equal(d->appends, 1);
    const struct sw_append *append = &d->append[0];
    assert_string_equal(append->actor, "parser");
    assert_true(append->counted);
    assert_int_equal(append->dedupe_ms, 600000);
    assert_string_equal(append->m->kind, SW_KIND_SLASH);
    assert_string_equal(append->m->inst, "T1");
    assert_int_equal(append->m->born_ms, NOW);
    SW_AUTO(sw_json)
    json_t *body = json_pack("{s:{s:s, s:s, s:s, s:s}}", "who", "team", "T1", "user", "U1",
                             "channel", "C1", "channel_name", "ops");
    assert_true(json_equal(append->m->body, body));
    SW_AUTO(sw_json) json_t *text = opened(w, w->parser, "text");
    assert_string_equal(sw_str(text, "text"), "wait 01abc");
    assert_string_equal(sw_str(text, "trigger_id"), "1.2.abc");
    SW_AUTO(sw_json) json_t *url = opened(w, w->responder, "response_url");
    assert_string_equal(sw_str(url, "url"), URL);
    assert_int_equal(json_object_size(append->m->boxes), 2);
    assert_int_equal(d->reply.status, 200);
    assert_null(d->reply.body);
    assert_int_equal(d->duplicate.status, 200);
    assert_null(d->duplicate.body);
    assert_int_equal(d->shed.status, 503);
    assert_int_equal(d->away.status, 503);
    assert_null(d->refused);
    assert_false(d->wait);
}

/* Two clicks differ by the message, the button, the person and the line, and when one is a second try. */
static void a_double_click_is_one_command(void **state) {
    static const char *const others[] = {
        HEAD REST BUTTON("type/1", "wait 01abc") "}",
        HEAD REST BUTTON("type/0", "wait 01abd") "}",
        HEAD TEAM CHANNEL TS HOOK "\"user\":{\"id\":\"U2\"}," BUTTON("type/0", "wait 01abc") "}",
        HEAD TEAM USER TS HOOK "\"channel\":{\"id\":\"C2\"}," BUTTON("type/0", "wait 01abc") "}",
        HEAD USER CHANNEL TS HOOK "\"team\":{\"id\":\"T2\"}," BUTTON("type/0", "wait 01abc") "}",
        HEAD TEAM USER CHANNEL HOOK
        "\"message\":{\"ts\":\"1795000000.000200\"}," BUTTON("type/0", "wait 01abc") "}",
        HEAD REST "\"actions\":[{\"action_id\":\"type/0\",\"value\":\"wait 01abc\",\"action_ts\":"
                  "\"1795000040.1\"}]}",
    };
    struct world *w = *state;
    char first[160];
    strcpy(first, click(w, CLICK)->append[0].dedupe);
    assert_memory_equal(first, "click:", 6);
    w->ctx.now_ms = NOW + 1000;
    w->ctx.seed[3] ^= 1;
    click(w, HEAD REST "\"actions\":[{\"action_id\":\"type/0\",\"value\":\"wait "
                       "01abc\",\"action_ts\":\"1795000003.9\"}]}");
    assert_string_equal(w->d.append[0].dedupe, first);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (click(w, others[i])->appends != 1) fail_msg("row %zu: %s", i, w->d.refused);
        assert_string_not_equal(w->d.append[0].dedupe, first);
    }
}

static void the_enterprise_owns_an_org_wide_install(void **state) {
    struct world *w = *state;
    click(w, HEAD REST "\"enterprise\":{\"id\":\"E1\"},\"is_enterprise_install\":true," BUTTON(
                 "type/0", "status") "}");
    assert_int_equal(w->d.appends, 1);
    assert_string_equal(w->d.append[0].m->inst, "E1");
    assert_string_equal(sw_str(json_object_get(w->d.append[0].m->body, "who"), "enterprise"), "E1");
    click(w, HEAD REST "\"enterprise\":{\"id\":\"E1\"},\"is_enterprise_install\":false," BUTTON(
                 "type/0", "status") "}");
    assert_string_equal(w->d.append[0].m->inst, "T1");
    click(w, HEAD USER CHANNEL TS HOOK
          "\"team\":null,\"enterprise\":{\"id\":\"E1\"},\"is_enterprise_install\":true," BUTTON(
              "type/0", "status") "}");
    assert_string_equal(w->d.append[0].m->inst, "E1");
    click(w, HEAD REST "\"enterprise\":{\"id\":\"E1\"},\"is_enterprise_install\":\"true\"," BUTTON(
                 "type/0", "status") "}");
    assert_string_equal(w->d.append[0].m->inst, "E1");
    click(w, HEAD REST "\"is_enterprise_install\":true," BUTTON("type/0", "status") "}");
    assert_refused(&w->d, 400, "bad_form");
}

static void what_is_not_a_button_of_ours_is_answered_and_counted(void **state) {
    static const char *const payloads[] = {
        "{}",
        "{\"type\":\"view_submission\"}",
        "{\"type\":\"view_closed\",\"actions\":[]}",
        "{\"type\":\"shortcut\"}",
        "{\"type\":\"message_action\"}",
        "{\"type\":[\"block_actions\"]}",
        HEAD REST "\"actions\":[]}",
        HEAD REST "\"actions\":{}}",
        HEAD REST "\"actions\":[7]}",
        HEAD REST "\"actions\":[{\"action_id\":{}}]}",
        HEAD REST BUTTON("", "wait x") "}",
        HEAD REST BUTTON("type/", "wait x") "}",
        HEAD REST BUTTON("type/x", "wait x") "}",
        HEAD REST BUTTON("type/-1", "wait x") "}",
        HEAD REST BUTTON("type/0 ", "wait x") "}",
        HEAD REST BUTTON("type/00000", "wait x") "}",
        HEAD REST BUTTON("Type/0", "wait x") "}",
        HEAD REST BUTTON("open/0", "wait x") "}",
        HEAD REST BUTTON("\xf0\x9f\x9a\x80", "wait x") "}",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        click(w, payloads[i]);
        if (w->d.appends || w->d.reply.status != 200 || !w->d.refused ||
            strcmp(w->d.refused, "ignored") != 0 || w->d.reply.body)
            fail_msg("row %zu: %s", i, payloads[i]);
    }
}

static void a_click_that_lacks_something_is_refused(void **state) {
    static const char *const payloads[] = {
        HEAD USER CHANNEL TS HOOK BUTTON("type/0", "status") "}",
        HEAD TEAM CHANNEL TS HOOK BUTTON("type/0", "status") "}",
        HEAD TEAM USER TS HOOK BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL HOOK BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL TS BUTTON("type/0", "status") "}",
        HEAD REST BUTTON("type/0", "") "}",
        HEAD REST "\"actions\":[{\"action_id\":\"type/0\"}]}",
        HEAD REST "\"actions\":[{\"action_id\":\"type/0\",\"value\":7}]}",
        HEAD REST "\"enterprise\":{\"id\":\"e\"}," BUTTON("type/0", "status") "}",
        HEAD USER CHANNEL TS HOOK "\"team\":\"T1\"," BUTTON("type/0", "status") "}",
        HEAD USER CHANNEL TS HOOK
        "\"team\":{\"id\":\"T23456789012345678901234567890123\"}," BUTTON("type/0", "status") "}",
        HEAD TEAM CHANNEL TS HOOK "\"user\":{\"id\":\"U1 \"}," BUTTON("type/0", "status") "}",
        HEAD TEAM USER TS HOOK "\"channel\":{\"id\":\"C-1\"}," BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL HOOK
        "\"container\":{\"message_ts\":\"1.x\"}," BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL HOOK
        "\"container\":{\"message_ts\":\"123456789012345678901234567890."
        "123\"}," BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL TS
        "\"response_url\":\"https://evil.example/x\"," BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL TS "\"response_url\":\"" HOOKS
                                  "@evil.example/x\"," BUTTON("type/0", "status") "}",
        HEAD TEAM USER CHANNEL TS "\"response_url\":\"" HOOKS
                                  "/a\\r\\nX:1\"," BUTTON("type/0", "status") "}",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        click(w, payloads[i]);
        if (w->d.appends || w->d.reply.status != 400) fail_msg("row %zu: %s", i, payloads[i]);
        assert_refused(&w->d, 400, "bad_form");
    }
}

static void only_one_payload_of_json_is_read(void **state) {
    static const char nul[] = HEAD "\0" REST BUTTON("type/0", "status") "}";
    static const char *const payloads[] = {
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}{}",
        HEAD REST,
        "{\"type\":1e999}",
        "\xff",
        "{\"a\":1,\"a\":2}",
        HEAD TEAM REST BUTTON("type/0", "status") "}",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        click(w, payloads[i]);
        if (w->d.appends || w->d.reply.status != 400) fail_msg("row %zu: %s", i, payloads[i]);
        assert_refused(&w->d, 400, "bad_json");
    }
    SW_AUTO(sw_text) char *with_nul = form_of(nul, sizeof(nul) - 1);
    assert_refused(post(w, with_nul), 400, "bad_json");
    SW_AUTO(sw_text) char *good = form_of(CLICK, strlen(CLICK));
    SW_AUTO(sw_text) char *twice = sw_printf("%s&%s", good, good);
    SW_AUTO(sw_text) char *beside = sw_printf("a=b&%s&&x", good);
    assert_refused(post(w, twice), 400, "bad_json");
    assert_refused(post(w, ""), 400, "bad_json");
    assert_refused(post(w, "Payload=%7B%7D"), 400, "bad_json");
    assert_int_equal(post(w, beside)->appends, 1);
}

static void deep_and_long_payloads_are_borne(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *deep = sw_zalloc(65537);
    memset(deep, '[', 65536);
    memcpy(deep, "payload=", 8);
    assert_refused(post(w, deep), 400, "bad_json");
    deep[65536] = '[';
    world_request(w, "POST", "/slack/interactive", deep, 65537);
    sign(w, SECRET, NOW_S);
    assert_refused(ask(w), 413, "too_large");
    SW_AUTO(sw_text) char *value = sw_zalloc(4002);
    for (size_t length = 4000; length <= 4001; length++) {
        memset(value, 'a', length);
        SW_AUTO(sw_text)
        char *payload = sw_printf(HEAD REST "\"actions\":[{\"action_id\":\"type/9999\",\"value\":"
                                            "\"%s\"}]}",
                                  value);
        assert_int_equal(click(w, payload)->appends, length == 4000);
    }
    assert_refused(&w->d, 400, "bad_form");
}

static void only_what_slack_signed_is_read(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *form = form_of(CLICK, strlen(CLICK));
    world_request(w, "POST", "/slack/interactive", form, strlen(form));
    assert_refused(ask(w), 401, "no_signature");
    sign(w, OLD_SECRET, NOW_S);
    assert_refused(ask(w), 401, "bad_signature");
    sign(w, SECRET, NOW_S - 301);
    assert_refused(ask(w), 401, "stale");
    sign(w, SECRET, NOW_S);
    form[20] ^= 1;
    assert_refused(ask(w), 401, "bad_signature");
    form[20] ^= 1;
    assert_int_equal(ask(w)->appends, 1);
    w->request.method = "GET";
    assert_refused(ask(w), 405, "method");
    world_request(w, "POST", "/slack/interactive", "ssl_check=1", 11);
    assert_refused(ask(w), 401, "no_signature"); /* only commands have that */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(a_click_types_its_line_for_whoever_clicked),
        TEST(a_double_click_is_one_command),
        TEST(the_enterprise_owns_an_org_wide_install),
        TEST(what_is_not_a_button_of_ours_is_answered_and_counted),
        TEST(a_click_that_lacks_something_is_refused),
        TEST(only_one_payload_of_json_is_read),
        TEST(deep_and_long_payloads_are_borne),
        TEST(only_what_slack_signed_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
