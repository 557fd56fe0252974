/* test_ingress_web.c -- what Heroku and browsers send: webhooks, links, the way back from Heroku. */
#include "actors/form.h"
#include "tests/ingress_world.h"

#include <errno.h>

#define HOOK                                                                                       \
    "{\"id\":\"ev-1\",\"action\":\"update\",\"resource\":\"release\",\"actor\":{\"id\":\"a\","     \
    "\"email\":\"ada@example.com\"},\"data\":{\"id\":\"rel-1\",\"app\":{\"id\":\"app-1\","         \
    "\"name\":\"storefront\"},\"version\":43,\"status\":\"succeeded\",\"current\":true,"           \
    "\"description\":\"Promote\",\"output_stream_url\":\"https://logs.example/?X-Amz-Signature="   \
    "s\",\"user\":{\"email\":\"u@example.com\"},\"slug\":{\"id\":\"s\"},\"updated_at\":"           \
    "\"2026-11-18T10:26:40Z\"},\"webhook_metadata\":{\"event\":{\"id\":\"ev-1\",\"include\":"      \
    "\"api:release\"},\"attempt\":{\"id\":\"at-1\"}}}"

static const struct sw_decision *hook(struct world *w, const char *body) {
    world_request(w, "POST", "/webhooks/heroku", body, strlen(body));
    seal(w, "hook secret");
    return ask(w);
}

static void asks_whom_a_release_concerns_then_tells_each(void **state) {
    static const char *const insts[] = {"T1", "E2"};
    static const char *const keys[] = {"wh:ev-1:T1", "wh:ev-1:E2"};
    struct world *w = *state;
    const struct sw_decision *d = hook(w, HOOK);
    assert_int_equal(d->appends, 0);
    assert_string_equal(d->source, "heroku/app-1");
    assert_int_equal(d->away.status, 503);
    assert_string_equal(sw_str(d->record, "source"), "heroku/app-1");
    assert_string_equal(sw_str(d->record, "dedupe"), "wh:ev-1");
    w->installations = json_pack("[s, s, s]", "T1", "not an id", "E2");
    ask(w);
    assert_both_told(
        d, "notifier", insts, keys,
        json_pack(
            "{s:i, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:i, s:s, s:b, s:s, s:s}, s:{s:s, "
            "s:s}, s:I}",
            "v", 1, "source", "heroku/app-1", "type", "api:release", "action", "update", "event_id",
            "ev-1", "app", "id", "app-1", "name", "storefront", "release", "id", "rel-1", "version",
            43, "status", "succeeded", "current", 1, "description", "Promote", "slug", "s", "actor",
            "id", "a", "email", "ada@example.com", "at_ms", (json_int_t)1794997600000LL));
}

static json_int_t at_ms(struct world *w, const char *text) {
    SW_AUTO(sw_text)
    char *body = sw_printf(
        "{\"id\":\"e\",\"action\":\"create\",\"resource\":\"release\",\"data\":{"
        "\"app\":{\"id\":\"a\"},\"version\":1,\"status\":\"pending\",\"updated_at\":\"%s\"}}",
        text);
    json_decref(w->installations);
    w->installations = json_pack("[s]", "T1");
    return sw_int(hook(w, body)->append[0].m->body, "at_ms");
}

static void reads_when_it_happened(void **state) {
    struct world *w = *state;
    assert_int_equal(at_ms(w, "1970-01-02T00:00:00Z"), 86400000);
    assert_int_equal(at_ms(w, "2026-01-02T03:04:05Z"), 1767323045000LL);
    assert_int_equal(at_ms(w, "2026-01-02T03:04:05.678901Z"), 1767323045678LL);
    assert_int_equal(at_ms(w, "2026-01-02T03:04:05+00:00"), 1767323045000LL);
    assert_int_equal(at_ms(w, "2026-01-02T03:04:05-04:00"), 1767337445000LL);
    assert_int_equal(at_ms(w, "2026-01-02T03:04:05"), NOW);
    assert_int_equal(at_ms(w, "2099-01-02T03:04:05Z"), NOW); /* nobody's clock is so far ahead */
    assert_int_equal(at_ms(w, "yesterday"), NOW);
    assert_int_equal(at_ms(w, ""), NOW);
}

static void nothing_presigned_goes_on(void **state) {
    struct world *w = *state;
    w->installations = json_pack("[s]", "T1");
    hook(w, HOOK);
    SW_AUTO(sw_text) char *all = json_dumps(w->d.append[0].m->body, 0);
    assert_null(strstr(all, "logs.example"));
    assert_null(strstr(all, "Amz"));
}

static void a_webhook_must_be_signed(void **state) {
    struct world *w = *state;
    char body[] = HOOK;
    world_request(w, "POST", "/webhooks/heroku", body, strlen(body));
    assert_refused(ask(w), 401, "no_signature");
    seal(w, "another");
    assert_refused(ask(w), 401, "bad_signature");
    w->conf.webhook_secret.previous = sw_strdup("another");
    assert_string_equal(ask(w)->source, "heroku/app-1");
    seal(w, "hook secret");
    for (size_t i = 0; w->hmac[i]; i++) {
        w->hmac[i] ^= 1;
        assert_refused(ask(w), 401, "bad_signature");
        w->hmac[i] ^= 1;
    }
    body[7] ^= 1;
    assert_refused(ask(w), 401, "bad_signature");
    body[7] ^= 1;
    assert_string_equal(ask(w)->source, "heroku/app-1");
    free(sw_take(&w->conf.webhook_secret.current));
    assert_refused(ask(w), 503, "no_secret");
}

static void other_webhooks_are_answered_and_dropped(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *refused;
    } rows[] = {
        {"{\"resource\":\"build\",\"action\":\"destroy\"}", 200, "ignored"},
        {"{\"resource\":\"formation\",\"action\":\"update\"}", 200, "ignored"},
        {"{\"resource\":\"release\",\"action\":\"destroy\"}", 200, "ignored"},
        {"{}", 200, "ignored"},
        {"[]", 400, "bad_json"},
        {"", 400, "bad_json"},
        {"{\"a\":1,\"a\":1}", 400, "bad_json"},
        {"{\"resource\":\"release\",\"action\":\"create\",\"id\":\"e\"}", 400, "bad_event"},
        {"{\"resource\":\"release\",\"action\":\"create\",\"id\":\"e\",\"data\":{\"app\":{\"id\":"
         "\"a/b\"}}}",
         400, "bad_event"},
        {"{\"resource\":\"release\",\"action\":\"create\",\"id\":\"e:1\",\"data\":{\"app\":{\"id\":"
         "\"a\"}}}",
         400, "bad_event"},
        {"{\"resource\":\"release\",\"action\":\"create\",\"data\":{\"app\":{\"id\":\"a\"}}}", 400,
         "bad_event"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_refused(hook(w, rows[i].body), rows[i].status, rows[i].refused);
        assert_string_equal(w->d.source, "");
    }
    w->installations = json_array();
    assert_refused(hook(w, HOOK), 200, "unrouted");
}

static void tells_every_installation_however_many_there_are(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_json) json_t *ids = json_object(), *keys = json_object();
    w->installations = json_array();
    for (int i = 0; i < 300; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("T%d", i);
        json_array_append_new(w->installations, json_string(id));
    }
    const struct sw_decision *d = hook(w, HOOK);
    assert_int_equal(d->appends, 300);
    for (size_t i = 0; i < 300; i++) {
        const char *inst = json_string_value(json_array_get(w->installations, i));
        assert_string_equal(d->append[i].m->inst, inst);
        json_object_set_new(ids, d->append[i].m->cmd, json_true());
        json_object_set_new(keys, d->append[i].dedupe, json_true());
    }
    assert_int_equal(json_object_size(ids), 300);
    assert_int_equal(json_object_size(keys), 300);
}

static void a_link_goes_to_auth_without_its_token_in_clear(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *text = token(w, "link", "T1");
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", text);
    world_request(w, "POST", path, "csrf=a+b&x=1", 12);
    w->request.query = "q=1&token=evil";
    w->request.cookie = "sw_link=c1; other=2; sw_link=c2";
    ask(w);
    assert_int_equal(w->d.appends, 1);
    assert_true(w->d.wait);
    assert_null(w->d.refused);
    assert_int_equal(w->d.away.status, 503);
    assert_int_equal(w->d.reply.status, 504); /* where no page comes in time */
    assert_non_null(strstr(w->d.reply.body, "may still be done"));
    const struct sw_msg *m = w->d.append[0].m;
    assert_string_equal(w->d.append[0].actor, "auth");
    /* Asked again where Redis' answer was lost, and by nobody else. */
    assert_memory_equal(w->d.append[0].dedupe, "web:", 4);
    assert_string_equal(w->d.append[0].dedupe + 4, m->cmd);
    assert_in_range(w->d.append[0].dedupe_ms, 10000, 600000);
    assert_string_equal(m->kind, SW_KIND_WEB);
    assert_string_equal(m->inst, "T1");
    SW_AUTO(sw_json)
    json_t *body =
        json_pack("{s:s, s:s, s:s}", "wait", w->wait_id, "method", "POST", "path", SW_PATH_LINK);
    assert_true(json_equal(m->body, body));
    SW_AUTO(sw_json) json_t *web = opened(w, w->auth, "web");
    assert_string_equal(sw_str(web, "token"), RANDOM43);
    assert_string_equal(sw_str(json_object_get(web, "query"), "token"), text);
    assert_string_equal(sw_str(json_object_get(web, "query"), "q"), "1");
    assert_string_equal(sw_str(json_object_get(web, "form"), "csrf"), "a b");
    assert_string_equal(sw_str(json_object_get(web, "cookies"), "sw_link"), "c1");
    assert_string_equal(sw_str(json_object_get(web, "cookies"), "other"), "2");
}

static void what_nobody_handed_out_ends_here(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *good = token(w, "link", "T1");
    SW_AUTO(sw_text) char *state_token = token(w, "state", "T1");
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", good);
    world_request(w, "GET", path, "", 0);
    assert_int_equal(ask(w)->appends, 1);
    for (size_t i = strlen("/link/"); path[i]; i++) {
        char was = path[i];
        path[i] = was == 'B' ? 'C' : 'B';
        assert_refused(ask(w), 404, "bad_link");
        assert_string_equal(w->d.reply.type, "text/html; charset=utf-8");
        path[i] = was;
    }
    static const char *const wrong[] = {"", ".", "..", "T1", "T1.a.b", "%00", "/", "t1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        SW_AUTO(sw_text) char *other = sw_printf("/link/%s", wrong[i]);
        world_request(w, "GET", other, "", 0);
        assert_refused(ask(w), 404, "bad_link");
    }
    static const char *const formats[] = {"/link/x%s", "/link/%sx", "/link/%s/", "/link//%s"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        SW_AUTO(sw_text) char *other = sw_strdup(formats[i]);
        char *at = strstr(other, "%s");
        *at = '\0';
        SW_AUTO(sw_text) char *whole = sw_printf("%s%s%s", other, good, at + 2);
        world_request(w, "GET", whole, "", 0);
        assert_refused(ask(w), 404, "bad_link");
    }
    SW_AUTO(sw_text) char *crossed = sw_printf("/link/%s", state_token);
    world_request(w, "GET", crossed, "", 0);
    assert_refused(ask(w), 404, "bad_link"); /* a MAC for another purpose */
}

static void the_way_back_carries_its_state(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *text = token(w, "state", "E9");
    SW_AUTO(sw_text) char *query = sw_printf("code=abc%%2B&state=%s", text);
    SW_AUTO(sw_text) char *twice = sw_printf("%s&state=%s", query, text);
    world_request(w, "GET", SW_PATH_CALLBACK, "", 0);
    assert_refused(ask(w), 404, "bad_link");
    w->request.query = twice;
    assert_refused(ask(w), 400, "bad_form");
    w->request.query = query;
    assert_int_equal(ask(w)->appends, 1);
    assert_true(w->d.wait);
    assert_string_equal(w->d.append[0].m->inst, "E9");
    assert_string_equal(sw_str(w->d.append[0].m->body, "path"), SW_PATH_CALLBACK);
    SW_AUTO(sw_json) json_t *web = opened(w, w->auth, "web");
    assert_string_equal(sw_str(json_object_get(web, "query"), "code"), "abc+");
    assert_string_equal(sw_str(json_object_get(web, "query"), "state"), text);
    assert_string_equal(sw_str(web, "token"), RANDOM43);
    w->request.path = SW_PATH_CALLBACK_GITHUB; /* auth must know whose it is */
    assert_int_equal(ask(w)->appends, 1);
    assert_string_equal(sw_str(w->d.append[0].m->body, "path"), SW_PATH_CALLBACK_GITHUB);
    w->request.path = SW_PATH_CALLBACK_SLACK;
    assert_int_equal(ask(w)->appends, 1);
    assert_string_equal(sw_str(w->d.append[0].m->body, "path"), SW_PATH_CALLBACK_SLACK);
    w->wait_id = "";
    assert_refused(ask(w), 503, "no_wait");
}

static void browsers_cannot_fill_the_box(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *text = token(w, "link", "T1");
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", text);
    char form[4097], query[4097], cookie[4097];
    memset(form, 1, 4096); /* six bytes each in JSON */
    memcpy(form, "a=", 2);
    memset(query, '"', 4096);
    memcpy(query, "a=", 2);
    memset(cookie, '"', 4096);
    memcpy(cookie, "a=", 2);
    form[4096] = query[4096] = cookie[4096] = '\0';
    world_request(w, "POST", path, form, 4096);
    assert_int_equal(ask(w)->appends, 1);
    w->request.query = query;
    w->request.cookie = cookie;
    assert_refused(ask(w), 400, "bad_form");
    SW_AUTO(sw_text) char *pairs = sw_zalloc(400);
    for (int i = 0; i < 33; i++) {
        sprintf(pairs + strlen(pairs), "a%d=1&", i);
    }
    world_request(w, "POST", path, pairs, strlen(pairs));
    assert_refused(ask(w), 400, "bad_form");
    world_request(w, "POST", path, "csrf=1&csrf=2", 13);
    assert_refused(ask(w), 400, "bad_form");
}

static void reads_forms_and_cookies(void **state) {
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", "{}"},
        {"&&&", "{}"},
        {"a", "{\"a\":\"\"}"},
        {"a=", "{\"a\":\"\"}"},
        {"=b", "{}"},
        {"a=b=c&d=%41%4", "{\"a\":\"b=c\",\"d\":\"A%4\"}"},
        {"%61=1", "{\"a\":\"1\"}"},
        {"a%00=1&b b=2&\xff=3", "{}"},
        {"a=+%2b", "{\"a\":\" +\"}"},
    };
    static const struct {
        const char *text, *json;
    } cookies[] = {
        {"", "{}"},
        {"a=b", "{\"a\":\"b\"}"},
        {"  a=b ;c=d;; e", "{\"a\":\"b\",\"c\":\"d\"}"},
        {"a=1; a=2", "{\"a\":\"1\"}"},
        {"a=x=y;", "{\"a\":\"x=y\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *got = NULL;
        SW_AUTO(sw_json) json_t *want = json_loads(rows[i].json, 0, NULL);
        assert_int_equal(sw_form_parse(rows[i].text, strlen(rows[i].text), &got), 0);
        if (!json_equal(got, want)) fail_msg("form %s", rows[i].text);
        json_decref(got);
    }
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        json_t *got = NULL;
        SW_AUTO(sw_json) json_t *want = json_loads(cookies[i].json, 0, NULL);
        assert_int_equal(sw_cookies_parse(cookies[i].text, &got), 0);
        if (!json_equal(got, want)) fail_msg("cookies %s", cookies[i].text);
        json_decref(got);
    }
    json_t *none = NULL;
    assert_int_equal(sw_form_parse("a=1&%61=2", 9, &none), -EEXIST);
    assert_null(none);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(asks_whom_a_release_concerns_then_tells_each),
        TEST(reads_when_it_happened),
        TEST(nothing_presigned_goes_on),
        TEST(a_webhook_must_be_signed),
        TEST(other_webhooks_are_answered_and_dropped),
        TEST(tells_every_installation_however_many_there_are),
        TEST(a_link_goes_to_auth_without_its_token_in_clear),
        TEST(what_nobody_handed_out_ends_here),
        TEST(the_way_back_carries_its_state),
        TEST(browsers_cannot_fill_the_box),
        TEST(reads_forms_and_cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
