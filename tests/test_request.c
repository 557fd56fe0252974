/* test_request.c -- from an effect to a call, and from a result to an answer. */
#include "common/mem.h"
#include "common/request.h"
#include "common/seal.h"
#include "proto/value.h"

#include <curl/curl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct sw_conf conf;
    struct sw_keys *keys; /* of responder */
    char dir[64];
};

static int set_up(void **state) {
    struct world *w = sw_zalloc(sizeof(*w));
    char error[256], path[128];
    snprintf(w->dir, sizeof(w->dir), "/tmp/sw-request-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(sw_keys_make(w->dir), 0);
    assert_int_equal(sw_keys_load(w->dir, "responder", &w->keys, error, sizeof(error)), 0);
    snprintf(path, sizeof(path), "%s/token", w->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("xoxb-canary\n", file);
    fclose(file);
    setenv("SLIPWAY_SLACK_TOKEN_FILE", path, 1);
    assert_int_equal(sw_conf_load(&w->conf, error, sizeof(error)), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    sw_keys_destroy(w->keys);
    sw_conf_finish(&w->conf);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    int r = system(command);
    free(w);
    return r;
}

static json_t *box_of(const struct world *w, const char *context, const char *url) {
    char *box = NULL;
    SW_AUTO(sw_json) json_t *value = json_pack("{s:s}", "url", url);
    assert_int_equal(sw_seal(w->keys, "responder", context, value, &box), 0);
    json_t *secret = json_pack("{s:s, s:s}", "$box", box, "field", "url");
    free(box);
    return secret;
}

static void finish(struct sw_call_request *call) {
    sw_wipe_free(call->url);
    sw_wipe_free(call->body);
    sw_wipe_headers(call->headers);
}

static int build_hook(const struct world *w, const char *url, struct sw_call_request *ret) {
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:o, s:s, s:{s:s}}", "up", "hooks", "method", "POST", "url",
                  box_of(w, "c1", url), "repeat", "once", "json", "text", "hello");
    return sw_request_build(&w->conf, w->keys, "c1", request, ret);
}

static void a_response_url_goes_nowhere_but_to_the_one_origin(void **state) {
    static const char *const hostile[] = {
        "http://hooks.slack.com/commands/T1/1/x",
        "https://hooks.slack.com.evil.example/commands/T1/1/x",
        "https://hooks.slack.com@evil.example/commands",
        "https://hooks.slack.com:443@evil.example/",
        "https://hooks.slack.com:8443/commands/T1/1/x",
        "https://hooks.slack.com",
        "https://hooks.slack.comcommands/",
        "https://evil.example/?https://hooks.slack.com/",
        "https://hooks.slack.com\\@evil.example/",
        "https://hooks.slack.com/\r\nHost: evil.example",
        "https://hooks.slack.com/ @evil.example",
        "https://hooks.slack.com/x#y",
        " https://hooks.slack.com/commands/T1/1/x",
        "HTTPS://HOOKS.SLACK.COM/commands/T1/1/x",
        "//hooks.slack.com/commands",
        "file:///etc/passwd",
        "gopher://hooks.slack.com/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "",
    };
    const struct world *w = *state;
    struct sw_call_request call;
    assert_int_equal(build_hook(w, "https://hooks.slack.com/commands/T1/1/x", &call), 0);
    assert_string_equal(call.url, "https://hooks.slack.com/commands/T1/1/x");
    assert_true(call.once);
    finish(&call);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        if (build_hook(w, hostile[i], &call) != -EACCES) fail_msg("taken: %s", hostile[i]);
    }
}

static void a_box_of_another_command_does_not_open(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request = json_pack("{s:s, s:s, s:o, s:s}", "up", "hooks", "method", "POST", "url",
                                box_of(w, "c2", "https://hooks.slack.com/x"), "repeat", "once");
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), -EACCES);
}

static void secrets_stand_in_headers_and_bodies_only_when_the_call_is_made(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request = json_pack("{s:s, s:s, s:s, s:{s:s}, s:s, s:{s:s, s:[{s:o}]}}", "up", "slack",
                                "method", "POST", "path", "/chat.postMessage", "bearer", "$conf",
                                "slack_token", "repeat", "safe", "json", "text", "a", "blocks",
                                "url", box_of(w, "c1", "https://example.com/link/1"));
    sw_request_freeze(request);
    assert_non_null(json_object_get(request, "json")); /* it names a secret: not written down */
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), 0);
    assert_string_equal(call.body,
                        "{\"text\":\"a\",\"blocks\":[{\"url\":\"https://example.com/link/1\"}]}");
    assert_string_equal(call.url, "https://slack.com/api/chat.postMessage");
    bool found = false;
    for (struct curl_slist *h = call.headers; h; h = h->next)
        found = found || !strcmp(h->data, "Authorization: Bearer xoxb-canary");
    assert_true(found);
    finish(&call);
}

static void a_body_without_secrets_is_written_down_once(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "up", "heroku", "method", "POST", "path", "/x",
                  "repeat", "check", "json", "text", "gr\xc3\xbc\xc3\x9f");
    sw_request_freeze(request);
    assert_null(json_object_get(request, "json"));
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), 0);
    assert_string_equal(call.body, "{\"text\":\"gr\xc3\xbc\xc3\x9f\"}");
    finish(&call);
}

static void forms_are_escaped(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "up", "heroku_id", "method", "POST", "path",
                  "/oauth/token", "repeat", "once", "form", "code", "a&b=c d", "grant_type", "x");
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), 0);
    assert_string_equal(call.body, "code=a%26b%3Dc%20d&grant_type=x");
    finish(&call);
}

static void a_header_cannot_bring_another_one(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "up", "heroku", "method", "GET", "path", "/x",
                  "repeat", "safe", "headers", "Range", "id\r\nX-Evil: 1");
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), -EINVAL);
}

static json_t *answer(const char *request_text, int status, const char *body) {
    SW_AUTO(sw_json) json_t *request = json_loads(request_text, 0, NULL);
    struct sw_call_result result = {.status = status,
                                    .sent = true,
                                    .json = true,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .next_range = "",
                                    .retry_after_ms = -1,
                                    .rate_remaining = -1};
    return sw_request_answer(request, &result);
}

static void assert_answer(json_t *got, const char *want_text) {
    SW_AUTO(sw_json) json_t *want = json_loads(want_text, 0, NULL);
    SW_AUTO(sw_text) char *shown = json_dumps(got, JSON_COMPACT);
    if (!json_equal(got, want)) fail_msg("%s, not %s", shown, want_text);
    json_decref(got);
}

static void only_what_was_asked_for_is_kept(void **state) {
    (void)state;
    assert_answer(answer("{\"fields\":[\"id\",\"app.id\",\"app.name\"]}", 200,
                         "[{\"id\":1,\"secret\":2,\"app\":{\"id\":3,\"key\":4}},{\"app\":5},6]"),
                  "{\"status\":200,\"json\":[{\"id\":1,\"app\":{\"id\":3}},{},6]}");
    assert_answer(answer("{}", 200, "{\"id\":1}"), "{\"status\":200,\"json\":{}}");
}

static void errors_keep_what_tells_them_apart(void **state) {
    (void)state;
    assert_answer(answer("{\"fields\":[\"x\"]}", 403,
                         "{\"id\":\"two_factor\",\"message\":\"m\",\"url\":\"u\",\"x\":1}"),
                  "{\"status\":403,\"json\":{\"id\":\"two_factor\",\"message\":\"m\"}}");
    assert_answer(
        answer("{\"fields\":[\"ts\"]}", 200, "{\"ok\":false,\"error\":\"not_in_channel\"}"),
        "{\"status\":200,\"json\":{\"ok\":false,\"error\":\"not_in_channel\"}}");
    assert_answer(answer("{\"fields\":[\"id\"]}", 200, "{\"id\":"),
                  "{\"status\":200,\"error\":\"bad_json\"}");
}

static void an_answer_beyond_the_limit_says_so(void **state) {
    (void)state;
    char *body = sw_malloc(70000);
    int n = sprintf(body, "{\"id\":\"");
    memset(body + n, 'a', 60000);
    sprintf(body + n + 60000, "\"}");
    assert_answer(answer("{\"fields\":[\"id\"]}", 200, body),
                  "{\"status\":200,\"error\":\"too_big\"}");
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_url_goes_nowhere_but_to_the_one_origin),
        cmocka_unit_test(a_box_of_another_command_does_not_open),
        cmocka_unit_test(secrets_stand_in_headers_and_bodies_only_when_the_call_is_made),
        cmocka_unit_test(a_body_without_secrets_is_written_down_once),
        cmocka_unit_test(forms_are_escaped),
        cmocka_unit_test(a_header_cannot_bring_another_one),
        cmocka_unit_test(only_what_was_asked_for_is_kept),
        cmocka_unit_test(errors_keep_what_tells_them_apart),
        cmocka_unit_test(an_answer_beyond_the_limit_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
