/* test_response_url.c -- a response_url is posted to at Slack's hooks and nowhere else, whoever is asked: the door of commands,
 * the door of clicks, and what builds the request. */
#include "common/request.h"
#include "tests/ingress_world.h"

#include <errno.h>

#define OK "https://hooks.slack.com/commands/T1/2/abc"

struct text {
    const char *bytes;
    size_t size;
};
#define TEXT(literal)                                                                              \
    { literal, sizeof(literal) - 1 }

static const struct text hostile[] = {
    /* another scheme */
    TEXT("http://hooks.slack.com/commands/T1/2/abc"),
    TEXT("HTTPS://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https:/hooks.slack.com/commands/T1/2/abc"),
    TEXT("https:hooks.slack.com/commands/T1/2/abc"),
    TEXT("https:///hooks.slack.com/commands/T1/2/abc"),
    TEXT("//hooks.slack.com/commands/T1/2/abc"),
    TEXT("hooks.slack.com/commands/T1/2/abc"),
    TEXT("ftp://hooks.slack.com/commands/T1/2/abc"),
    TEXT("gopher://hooks.slack.com:443/_POST"),
    TEXT("file:///etc/passwd"),
    TEXT("file://hooks.slack.com/commands/T1/2/abc"),
    TEXT("dict://hooks.slack.com/commands"),
    TEXT("data:text/plain,https://hooks.slack.com/commands/T1/2/abc"),
    TEXT("javascript:https://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https+unix://hooks.slack.com/commands/T1/2/abc"),
    TEXT("url:https://hooks.slack.com/commands/T1/2/abc"),
    /* somebody who logs in */
    TEXT("https://hooks.slack.com@evil.example/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com:443@evil.example/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com%40evil.example/commands/T1/2/abc"),
    TEXT("https://ada:secret@hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://@hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/@evil.example/commands"),
    /* another port */
    TEXT("https://hooks.slack.com:443/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com:8443/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com:/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com:0/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com:99999/commands/T1/2/abc"),
    /* a host that begins, or ends, or looks like it */
    TEXT("https://hooks.slack.com.evil.example/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com./commands/T1/2/abc"),
    TEXT("https://hooks.slack.comcommands/T1/2/abc"),
    TEXT("https://hooks.slack.com-evil.example/commands/T1/2/abc"),
    TEXT("https://evil-hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://evil.hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://hooks-slack.com/commands/T1/2/abc"),
    TEXT("https://hooks.slack.co/commands/T1/2/abc"),
    TEXT("https://HOOKS.SLACK.COM/commands/T1/2/abc"),
    TEXT("https://hooks.s1ack.com/commands/T1/2/abc"),
    TEXT("https://hooks.sl\xd0\xb0"
         "ck.com/commands/T1/2/abc"), /* a Cyrillic a */
    TEXT("https://hooks\xe3\x80\x82slack\xe3\x80\x82"
         "com/commands/T1/2/abc"), /* an ideographic full stop */
    TEXT("https://hooks.slack.com\xef\xbc\x8f"
         "commands/T1/2/abc"),                                         /* a fullwidth solidus */
    TEXT("https://hooks.slack.com\xe2\x84\x80.evil.example/commands"), /* becomes a/c */
    TEXT("https://xn--hooks-slack-com.example/commands/T1/2/abc"),
    TEXT("https://hooks.xn--slck-6na.com/commands/T1/2/abc"),
    TEXT("https://hooks.sla\xc2\xad"
         "ck.com/commands/T1/2/abc"), /* a soft hyphen */
    TEXT("https://%68ooks.slack.com/commands/T1/2/abc"),
    TEXT("https://evil.example/https://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://evil.example/?https://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://evil.example#https://hooks.slack.com/commands/T1/2/abc"),
    /* an address */
    TEXT("https://169.254.169.254/latest/meta-data"),
    TEXT("https://2852039166/latest/meta-data"),
    TEXT("https://0xa9fea9fe/latest/meta-data"),
    TEXT("https://[::1]/commands/T1/2/abc"),
    TEXT("https://[::ffff:169.254.169.254]/latest/meta-data"),
    TEXT("https://[hooks.slack.com]/commands/T1/2/abc"),
    TEXT("https://localhost/commands/T1/2/abc"),
    /* no path, or one that is not what it seems */
    TEXT(""),
    TEXT("https://hooks.slack.com"),
    TEXT("https://hooks.slack.com/"),
    TEXT("https://hooks.slack.com//evil.example/commands"),
    TEXT("https://hooks.slack.com/commands//abc"),
    TEXT("https://hooks.slack.com/commands/T1/2/"),
    TEXT("https://hooks.slack.com/."),
    TEXT("https://hooks.slack.com/./commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/../services/T1/B1/x"),
    TEXT("https://hooks.slack.com/commands/.."),
    TEXT("https://hooks.slack.com/commands/%2e%2e/services/T1/B1/x"),
    TEXT("https://hooks.slack.com/commands%2fT1%2f2%2fabc"),
    TEXT("https://hooks.slack.com%2fcommands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/%00"),
    TEXT("https://hooks.slack.com/commands/%0d%0aHost:evil.example"),
    TEXT("https://hooks.slack.com/commands/T1;@evil.example"),
    TEXT("https://hooks.slack.com\\@evil.example/commands"),
    TEXT("https://hooks.slack.com\\commands\\T1"),
    TEXT("https://hooks.slack.com/commands\\..\\services"),
    TEXT("https://hooks.slack.com?/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc?to=https://evil.example"),
    TEXT("https://hooks.slack.com#/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc#x"),
    TEXT("https://hooks.slack.com/commands/T1/2/{abc,def}"),
    TEXT("https://hooks.slack.com/commands/T1/2/[1-9]"),
    TEXT("https://hooks.slack.com/commands/T1/2/\xc3\xa9"),
    /* what breaks a line, or is skipped */
    TEXT(" https://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc "),
    TEXT("\thttps://hooks.slack.com/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com/commands/T1/2/a\tbc"),
    TEXT("https://hooks.slack\t.com/commands/T1/2/abc"),
    TEXT("https://hooks.slack.com\n.evil.example/commands"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc\n"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc\r\nHost: evil.example"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc\x7f"),
    TEXT("https://hooks.slack.com/commands/T1/2/abc\0"),
    TEXT("https://hooks.slack.com/commands/T1\0@evil.example/"),
    TEXT("https://hooks.slack.com\0.evil.example/commands/T1/2/abc"),
};
_Static_assert(sizeof(hostile) / sizeof(*hostile) >= 60, "a table of sixty at least");

static void hooks_of_slack(struct world *w) {
    free(w->conf.hooks);
    w->conf.hooks = sw_strdup("https://hooks.slack.com");
}

/* "name=", then the text with every byte escaped. */
static char *escaped(const char *name, const char *text, size_t size) {
    char *form = sw_malloc(strlen(name) + 1 + 3 * size + 1);
    int n = sprintf(form, "%s=", name);
    form[n] = '\0';
    for (size_t i = 0; i < size; i++) {
        sprintf(form + n + 3 * i, "%%%02x", (unsigned char)text[i]);
    }
    return form;
}

static bool command_takes(struct world *w, const struct text *url) {
    SW_AUTO(sw_text) char *field = escaped("response_url", url->bytes, url->size);
    SW_AUTO(sw_text)
    char *form = sw_printf("team_id=T1&user_id=U1&channel_id=C1&command=/h&%s", field);
    return slash(w, form)->appends > 0;
}

static bool click_takes(struct world *w, const struct text *url) {
    SW_AUTO(sw_json)
    json_t *payload =
        json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:o, s:[{s:s, s:s, s:s, s:s}]}",
                  "type", "block_actions", "team", "id", "T1", "user", "id", "U1", "channel", "id",
                  "C1", "container", "message_ts", "1795000000.000100", "response_url",
                  json_stringn(url->bytes, url->size), "actions", "type", "button", "action_id",
                  "type/0", "value", "help", "action_ts", "1795000000.5");
    assert_non_null(payload);
    SW_AUTO(sw_text) char *text = json_dumps(payload, 0);
    SW_AUTO(sw_text) char *form = escaped("payload", text, strlen(text));
    world_request(w, "POST", "/slack/interactive", form, strlen(form));
    sign(w, SECRET, NOW_S);
    return ask(w)->appends > 0;
}

/* As if a door had let it in. */
static int build(const struct world *w, const struct text *url, struct sw_call_request *ret) {
    char *box = NULL;
    SW_AUTO(sw_json) json_t *value = json_pack("{s:o}", "url", json_stringn(url->bytes, url->size));
    assert_int_equal(sw_seal(w->ingress, "responder", "c1", value, &box), 0);
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:{s:s}}", "up", "hooks", "method", "POST", "url",
                  "$box", box, "field", "url", "repeat", "once", "json", "text", "hello");
    free(box);
    return sw_request_build(&w->conf, w->responder, "c1", request, ret);
}

static void finish(struct sw_call_request *call) {
    sw_wipe_free(call->url);
    sw_wipe_free(call->body);
    sw_wipe_headers(call->headers);
}

static void nobody_takes_a_hostile_one(void **state) {
    struct world *w = *state;
    struct sw_call_request call;
    hooks_of_slack(w);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        const struct text *url = &hostile[i];
        if (command_takes(w, url)) fail_msg("a command with %s", url->bytes);
        assert_refused(&w->d, 200, "bad_form");
        assert_non_null(strstr(w->d.reply.body, url->size ? "is not an address of Slack's" : ""));
        if (click_takes(w, url)) fail_msg("a click with %s", url->bytes);
        if (build(w, url, &call) != -EACCES) fail_msg("a call of %s", url->bytes);
    }
}

static void everybody_takes_what_slack_sends(void **state) {
    static const struct text good[] = {
        TEXT(OK),
        TEXT("https://hooks.slack.com/actions/T0SIM1/1234567890123/aBcDeFgHiJkLmNoPqRsTuVwX"),
        TEXT("https://hooks.slack.com/app/T1234/56789/x-y_z.0~"),
        TEXT("https://hooks.slack.com/commands/E1/2/..."),
        TEXT("https://hooks.slack.com/x"),
    };
    struct world *w = *state;
    struct sw_call_request call;
    hooks_of_slack(w);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        if (!command_takes(w, &good[i])) fail_msg("no command with %s", good[i].bytes);
        if (!click_takes(w, &good[i])) fail_msg("no click with %s", good[i].bytes);
        assert_int_equal(build(w, &good[i], &call), 0);
        assert_string_equal(call.url, good[i].bytes);
        assert_true(call.once);
        finish(&call);
    }
}

static void a_very_long_one_is_taken_by_nobody(void **state) {
    struct world *w = *state;
    struct sw_call_request call;
    char bytes[1026] = OK;
    hooks_of_slack(w);
    memset(bytes + strlen(OK), 'x', sizeof(bytes) - 1 - strlen(OK));
    const struct text longest = {bytes, 1024}, longer = {bytes, 1025};
    assert_false(command_takes(w, &longer));
    assert_false(click_takes(w, &longer));
    assert_int_equal(build(w, &longer, &call), -EACCES);
    assert_true(command_takes(w, &longest));
    assert_true(click_takes(w, &longest));
    assert_int_equal(build(w, &longest, &call), 0);
    finish(&call);
}

static void only_the_origin_that_is_set_counts(void **state) {
    static const struct text local = TEXT("http://127.0.0.1:9/commands/T1/2/abc"),
                             other = TEXT("http://127.0.0.1:90/commands/T1/2/abc"),
                             slack = TEXT(OK);
    struct world *w = *state;
    struct sw_call_request call;
    free(w->conf.hooks);
    w->conf.hooks = sw_strdup("http://127.0.0.1:9");
    assert_true(command_takes(w, &local));
    assert_false(command_takes(w, &other));
    assert_false(click_takes(w, &slack));
    assert_int_equal(build(w, &other, &call), -EACCES);
    assert_int_equal(build(w, &slack, &call), -EACCES);
    assert_int_equal(build(w, &local, &call), 0);
    finish(&call);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_takes_a_hostile_one),
        TEST(everybody_takes_what_slack_sends),
        TEST(a_very_long_one_is_taken_by_nobody),
        TEST(only_the_origin_that_is_set_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
