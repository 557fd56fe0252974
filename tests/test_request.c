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

static void a_box_of_another_command_does_not_open(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request = json_pack("{s:s, s:s, s:o, s:s}", "up", "hooks", "method", "POST", "url",
                                box_of(w, "c2", "https://hooks.slack.com/x"), "repeat", "once");
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), -EACCES);
}

static void a_stored_box_opens_with_what_it_was_sealed_with_and_nothing_else(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    SW_AUTO(sw_json)
    json_t *request =
        json_pack("{s:s, s:s, s:o, s:s}", "up", "hooks", "method", "POST", "url",
                  box_of(w, "bot/T1/7", "https://hooks.slack.com/x"), "repeat", "once");
    json_t *url = json_object_get(request, "url");
    json_object_set_new(url, "context", json_string("bot/T2/7"));
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), -EACCES);
    json_object_set_new(url, "context", json_string("bot/T1/7"));
    assert_int_equal(sw_request_build(&w->conf, w->keys, "c1", request, &call), 0);
    finish(&call);
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

static bool has_header(const struct sw_call_request *call, const char *line) {
    for (struct curl_slist *h = call->headers; h; h = h->next) {
        if (!strcmp(h->data, line)) return true;
    }
    return false;
}

static int build(const struct world *w, const char *text, struct sw_call_request *ret) {
    SW_AUTO(sw_json) json_t *request = json_loads(text, 0, NULL);
    assert_non_null(request);
    return sw_request_build(&w->conf, w->keys, "c1", request, ret);
}

static void each_upstream_has_its_base_and_its_headers(void **state) {
    static const struct {
        const char *up, *url, *header[2];
    } rows[] = {
        {"heroku", "https://api.heroku.com/x", {"Accept: application/vnd.heroku+json; version=3"}},
        {"github",
         "https://api.github.com/x",
         {"Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28"}},
        {"github_web", "https://github.com/x", {"Accept: application/json"}},
        {"kolkrabbi", "https://kolkrabbi.heroku.com/x", {"Accept: application/json"}},
        {"heroku_id", "https://id.heroku.com/x", {0}},
    };
    const struct world *w = *state;
    struct sw_call_request call;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text)
        char *text = sw_printf("{\"up\":\"%s\",\"method\":\"GET\",\"path\":\"/x\"}", rows[i].up);
        assert_int_equal(build(w, text, &call), 0);
        assert_string_equal(call.url, rows[i].url);
        for (size_t k = 0; k < 2 && rows[i].header[k]; k++)
            assert_true(has_header(&call, rows[i].header[k]));
        finish(&call);
    }
    assert_int_equal(build(w,
                           "{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\","
                           "\"headers\":{\"Accept\":\"text/plain\"}}",
                           &call),
                     0);
    assert_true(has_header(&call, "Accept: text/plain"));
    assert_false(has_header(&call, "Accept: application/vnd.github+json"));
    finish(&call);
    assert_int_equal(build(w, "{\"up\":\"evil\",\"method\":\"GET\",\"path\":\"/x\"}", &call),
                     -EINVAL);
}

static void an_application_speaks_for_itself_with_its_secret(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    assert_int_equal(
        build(w,
              "{\"up\":\"github\",\"method\":\"DELETE\",\"path\":\"/applications/id/grant\","
              "\"basic\":{\"user\":\"id\",\"password\":{\"$conf\":\"slack_token\"}},"
              "\"json\":{\"access_token\":\"x\"}}",
              &call),
        0);
    assert_true(has_header(&call, "Authorization: Basic aWQ6eG94Yi1jYW5hcnk="));
    finish(&call);
    assert_int_equal(build(w,
                           "{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\","
                           "\"basic\":{\"user\":\"id\",\"password\":{\"$conf\":\"no_such\"}}}",
                           &call),
                     -EACCES);
}

static void a_path_does_not_climb(void **state) {
    static const char *const wrong[] = {
        "",     "x",         "/a/../b",   "/a/..",       "/..",  "/./a",
        "/a/.", "/a/%2e%2E", "/%2e./b",   "/a/.%2e?q=1", "/a b", "/a\\u000ab",
        "/a#b", "/a\\\\b",   "/a/..?q=1", "/a/%2e/b",
    };
    static const char *const right[] = {
        "/",     "/a/...",       "/a..b/c", "/a/.github", "/a/v1%2e2?q=../..",
        "/a//b", "/a/%2e%2e%2e", "/a/..b",
    };
    const struct world *w = *state;
    struct sw_call_request call;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        SW_AUTO(sw_text)
        char *text = sw_printf("{\"up\":\"github\",\"method\":\"GET\",\"path\":\"%s\"}", wrong[i]);
        if (build(w, text, &call) != -EINVAL) fail_msg("taken: %s", wrong[i]);
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        SW_AUTO(sw_text)
        char *text = sw_printf("{\"up\":\"github\",\"method\":\"GET\",\"path\":\"%s\"}", right[i]);
        if (build(w, text, &call) != 0) fail_msg("refused: %s", right[i]);
        finish(&call);
    }
}

static void a_location_is_asked_for_sealed_or_not_at_all(void **state) {
    const struct world *w = *state;
    struct sw_call_request call;
    assert_int_equal(build(w,
                           "{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\","
                           "\"location\":true}",
                           &call),
                     -EINVAL);
    assert_int_equal(build(w,
                           "{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\","
                           "\"location\":true,\"seal\":true}",
                           &call),
                     0);
    finish(&call);
}

static json_t *answer(const char *request_text, int status, const char *body) {
    SW_AUTO(sw_json) json_t *request = json_loads(request_text, 0, NULL);
    struct sw_call_result result = {.status = status,
                                    .sent = true,
                                    .json = true,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .next_range = "",
                                    .next_cursor = "",
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

static void fields_look_into_each_element_of_a_list_within(void **state) {
    (void)state;
    assert_answer(
        answer("{\"fields\":[\"total_count\",\"check_runs.name\",\"check_runs.app.slug\","
               "\"check_runs.status\"]}",
               200,
               "{\"total_count\":3,\"check_runs\":[{\"name\":\"lint\",\"status\":\"queued\","
               "\"output\":\"long\",\"app\":{\"slug\":\"ci\",\"id\":1}},7,{\"name\":\"x\"}]}"),
        "{\"status\":200,\"json\":{\"total_count\":3,\"check_runs\":[{\"name\":\"lint\","
        "\"status\":\"queued\",\"app\":{\"slug\":\"ci\"}},{},{\"name\":\"x\"}]}}");
    assert_answer(answer("{\"fields\":[\"a.b.c\"]}", 200, "{\"a\":[{\"b\":[{\"c\":1,\"d\":2}]}]}"),
                  "{\"status\":200,\"json\":{\"a\":[{\"b\":[{\"c\":1}]}]}}");
    /* A list where only its elements' inside was meant: nothing of it stands there whole. */
    assert_answer(answer("{\"fields\":[\"a\",\"a.b\"]}", 200, "{\"a\":[]}"),
                  "{\"status\":200,\"json\":{\"a\":[]}}");
}

static void a_conflict_tells_which_contexts_are_not_green(void **state) {
    (void)state;
    assert_answer(
        answer(
            "{\"fields\":[\"id\"]}", 409,
            "{\"message\":\"Conflict\",\"documentation_url\":\"u\",\"errors\":[{\"resource\":\"D\","
            "\"field\":\"required_contexts\",\"code\":\"invalid\",\"contexts\":[{\"context\":"
            "\"ci/test\",\"state\":\"pending\",\"x\":1},3]},\"text\"]}"),
        "{\"status\":409,\"json\":{\"message\":\"Conflict\",\"errors\":[{\"field\":\"required_"
        "contexts\","
        "\"code\":\"invalid\",\"contexts\":[{\"context\":\"ci/"
        "test\",\"state\":\"pending\"},{}]},{}]}}");
    assert_answer(answer("{}", 422, "{\"errors\":\"all of it\"}"), "{\"status\":422,\"json\":{}}");
}

static void a_list_of_errors_is_kept_within_bounds(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *body = json_object(), *errors = json_array();
    SW_AUTO(sw_text) char *wide = sw_malloc(1001);
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(wide + i, "\xc3\xa4", 2);
    wide[1000] = 0;
    for (int i = 0; i < 500; i++) {
        json_t *contexts = json_array();
        for (int k = 0; k < 60; k++)
            json_array_append_new(contexts, json_pack("{s:s}", "context", wide));
        json_array_append_new(errors, json_pack("{s:s, s:o}", "field", wide, "contexts", contexts));
    }
    json_object_set(body, "errors", errors);
    SW_AUTO(sw_text) char *text = json_dumps(body, JSON_COMPACT);
    SW_AUTO(sw_json) json_t *got = answer("{}", 409, text);
    SW_AUTO(sw_text) char *shown = json_dumps(got, JSON_COMPACT);
    const json_t *kept = json_object_get(json_object_get(got, "json"), "errors");
    assert_int_equal(json_array_size(kept), 10);
    const json_t *first = json_array_get(kept, 0);
    assert_int_equal(json_string_length(json_object_get(first, "field")), 200);
    assert_int_equal(json_array_size(json_object_get(first, "contexts")), 50);
    assert_true(strlen(shown) < 48 * 1024);
}

static void the_answer_to_a_location_is_only_that(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *request = json_pack("{s:b, s:b}", "location", 1, "seal", 1);
    struct sw_call_result result = {.status = 302,
                                    .sent = true,
                                    .json = true,
                                    .body = "{\"a\":1}",
                                    .body_size = 7,
                                    .next_range = "",
                                    .next_cursor = "",
                                    .rate_limits = "",
                                    .location = "https://codeload.example/x?token=canary",
                                    .retry_after_ms = -1,
                                    .rate_remaining = -1};
    assert_answer(
        sw_request_answer(request, &result),
        "{\"status\":302,\"json\":{\"location\":\"https://codeload.example/x?token=canary\"}}");
    result.location = NULL;
    assert_answer(sw_request_answer(request, &result),
                  "{\"status\":302,\"error\":\"no_location\"}");
    result.location = "https://\xff/";
    assert_answer(sw_request_answer(request, &result),
                  "{\"status\":302,\"error\":\"no_location\"}");
    /* Without asking for it nobody sees it. */
    result.location = "https://codeload.example/x?token=canary";
    json_object_del(request, "location");
    assert_answer(sw_request_answer(request, &result), "{\"status\":302,\"json\":{}}");
}

/* A box takes less than a message does, and what cannot be sealed must not end the process. */
static void an_answer_that_no_box_holds_is_too_big(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *request;
        bool kept;
    } rows[] = {{32 * 1024 - 8, "{\"fields\":[\"a\"],\"seal\":true}", true},
                {32 * 1024 - 7, "{\"fields\":[\"a\"],\"seal\":true}", false},
                {40 * 1024, "{\"fields\":[\"a\"],\"seal\":true}", false},
                {40 * 1024, "{\"fields\":[\"a\"]}", true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text) char *text = sw_malloc(rows[i].size + 1);
        memset(text, 'x', rows[i].size);
        text[rows[i].size] = '\0';
        SW_AUTO(sw_text) char *body = sw_printf("{\"a\":\"%s\"}", text);
        SW_AUTO(sw_json) json_t *got = answer(rows[i].request, 200, body);
        assert_int_equal(json_object_get(got, "json") != NULL, rows[i].kept);
        assert_string_equal(sw_str(got, "error"), rows[i].kept ? "" : "too_big");
        assert_int_equal(sw_int(got, "status"), 200);
    }
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
        cmocka_unit_test(a_box_of_another_command_does_not_open),
        cmocka_unit_test(a_stored_box_opens_with_what_it_was_sealed_with_and_nothing_else),
        cmocka_unit_test(secrets_stand_in_headers_and_bodies_only_when_the_call_is_made),
        cmocka_unit_test(a_body_without_secrets_is_written_down_once),
        cmocka_unit_test(forms_are_escaped),
        cmocka_unit_test(a_header_cannot_bring_another_one),
        cmocka_unit_test(each_upstream_has_its_base_and_its_headers),
        cmocka_unit_test(an_application_speaks_for_itself_with_its_secret),
        cmocka_unit_test(a_path_does_not_climb),
        cmocka_unit_test(a_location_is_asked_for_sealed_or_not_at_all),
        cmocka_unit_test(fields_look_into_each_element_of_a_list_within),
        cmocka_unit_test(a_conflict_tells_which_contexts_are_not_green),
        cmocka_unit_test(a_list_of_errors_is_kept_within_bounds),
        cmocka_unit_test(the_answer_to_a_location_is_only_that),
        cmocka_unit_test(only_what_was_asked_for_is_kept),
        cmocka_unit_test(an_answer_that_no_box_holds_is_too_big),
        cmocka_unit_test(errors_keep_what_tells_them_apart),
        cmocka_unit_test(an_answer_beyond_the_limit_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
