/* test_ingress_github.c -- what GitHub sends: signed, in JSON, of a kind that somebody is told of. */
#include "tests/ingress_world.h"

#define DELIVERY "72d3162e-cc78-11e3-81ab-4c9367dc0958"
#define REVOKED                                                                                    \
    "{\"action\":\"revoked\",\"sender\":{\"login\":\"ada-l\",\"id\":583231,\"node_id\":\"x\","     \
    "\"url\":\"https://api.github.com/users/ada-l\",\"type\":\"User\"}}"

static const struct sw_decision *hook_of(struct world *w, const char *event, const char *body) {
    world_request(w, "POST", "/webhooks/github", body, strlen(body));
    w->request.github_event = event;
    w->request.github_delivery = DELIVERY;
    seal_github(w, "hub secret");
    return ask(w);
}

static const struct sw_decision *hook(struct world *w, const char *body) {
    return hook_of(w, "github_app_authorization", body);
}

static void asks_whom_a_person_concerns_then_tells_auth_of_each(void **state) {
    static const char *const insts[] = {"T1", "E2"};
    static const char *const keys[] = {"gh:" DELIVERY ":T1", "gh:" DELIVERY ":E2"};
    struct world *w = *state;
    const struct sw_decision *d = hook(w, REVOKED);
    assert_int_equal(d->appends, 0);
    assert_null(d->refused);
    assert_string_equal(d->source, "github/user/583231");
    assert_int_equal(d->away.status, 503);
    w->installations = json_pack("[s, s, s]", "T1", "not an id", "E2");
    ask(w);
    assert_both_told(d, "auth", insts, keys,
                     json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "source", "github/user/583231",
                               "type", "github_app_authorization", "action", "revoked", "event_id",
                               DELIVERY, "sender", "id", "583231", "login", "ada-l"));
}

static void no_installation_of_many_is_left_out(void **state) {
    struct world *w = *state;
    w->installations = json_array();
    for (int i = 0; i < 100; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("T%d", i);
        json_array_append_new(w->installations, json_string(id));
    }
    assert_int_equal(hook(w, REVOKED)->appends, 100);
    json_decref(sw_take(&w->installations));
    w->installations = json_array();
    assert_refused(ask(w), 200, "unrouted");
}

static void it_must_be_signed_with_this_secret_or_the_one_before(void **state) {
    struct world *w = *state;
    char body[] = REVOKED;
    world_request(w, "POST", "/webhooks/github", body, strlen(body));
    w->request.github_event = "github_app_authorization";
    w->request.github_delivery = DELIVERY;
    assert_refused(ask(w), 401, "no_signature");
    seal(w, "hub secret"); /* as another door wants it */
    sign(w, "hub secret", NOW_S);
    assert_refused(ask(w), 401, "no_signature");
    seal_github(w, "another");
    assert_refused(ask(w), 401, "bad_signature");
    w->conf.github_webhook_secret.previous = sw_strdup("another");
    assert_string_equal(ask(w)->source, "github/user/583231");
    seal_github(w, "hub secret");
    assert_string_equal(ask(w)->source, "github/user/583231");
    for (size_t i = 0; w->hub[i]; i++) {
        w->hub[i] ^= 1;
        assert_refused(ask(w), 401, "bad_signature");
        w->hub[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof(body) - 1; i++) {
        body[i] ^= 1;
        assert_refused(ask(w), 401, "bad_signature");
        body[i] ^= 1;
    }
    assert_string_equal(ask(w)->source, "github/user/583231");
    free(sw_take(&w->conf.github_webhook_secret.current));
    assert_refused(ask(w), 503, "no_secret");
}

/* GitHub's own example: "Validating webhook deliveries", Testing the webhook payload validation. */
static void a_known_signature_is_computed_as_github_does(void **state) {
    struct world *w = *state;
    free(w->conf.github_webhook_secret.current);
    w->conf.github_webhook_secret.current = sw_strdup("It's a Secret to Everybody");
    world_request(w, "POST", "/webhooks/github", "Hello, World!", 13);
    w->request.github_signature =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_refused(ask(w), 400, "bad_json");
    static const char *const wrong[] = {
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "SHA256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e170",
        "sha256= 757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=",
        "s",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        w->request.github_signature = wrong[i];
        assert_refused(ask(w), 401, "bad_signature");
    }
}

static void all_else_is_answered_and_dropped(void **state) {
    static const struct {
        const char *event, *body;
        int status;
        const char *refused;
    } rows[] = {
        {"ping", "{\"zen\":\"Keep it logically awesome.\",\"hook_id\":1}", 200, "ping"},
        {"push", REVOKED, 400, "bad_event"},
        {"pushes", REVOKED, 200, "ignored"},
        {"installation", "{\"action\":\"deleted\",\"sender\":{\"id\":1}}", 200, "ignored"},
        {"", REVOKED, 200, "ignored"},
        {"github_app_authorization", "{\"action\":\"granted\",\"sender\":{\"id\":1}}", 200,
         "ignored"},
        /* A repository's secret_scanning_alert, sent on by whoever has it, under another name. */
        {"github_app_authorization",
         "{\"action\":\"revoked\",\"repository\":{\"id\":7},\"sender\":{\"id\":583231}}", 200,
         "ignored"},
        {"github_app_authorization",
         "{\"action\":\"revoked\",\"organization\":{\"id\":7},\"sender\":{\"id\":583231}}", 200,
         "ignored"},
        {"github_app_authorization", "{}", 200, "ignored"},
        {"github_app_authorization", "[]", 400, "bad_json"},
        {"github_app_authorization", "", 400, "bad_json"},
        {"github_app_authorization", "payload=%7B%7D", 400, "bad_json"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"action\":\"revoked\"}", 400,
         "bad_json"},
        {"github_app_authorization", "{\"action\":\"revoked\"}", 400, "bad_event"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"sender\":[]}", 400, "bad_event"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"sender\":{\"id\":0}}", 400,
         "bad_event"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"sender\":{\"id\":-1}}", 400,
         "bad_event"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"sender\":{\"id\":1.5}}", 400,
         "bad_event"},
        {"github_app_authorization", "{\"action\":\"revoked\",\"sender\":{\"id\":\"1\"}}", 400,
         "bad_event"},
    };
    struct world *w = *state;
    w->installations = json_pack("[s]", "T1");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_refused(hook_of(w, rows[i].event, rows[i].body), rows[i].status, rows[i].refused);
        assert_string_equal(w->d.source, "");
    }
}

#define REPO                                                                                       \
    "\"repository\":{\"id\":7,\"full_name\":\"ada/api\"},\"ref\":\"v1\",\"ref_type\":\"tag\""

static void an_event_of_a_repository_goes_to_notifier_once_a_hook(void **state) {
    static const char *const insts[] = {"T1", "E2"};
    static const char *const keys[] = {"gh:5117:" DELIVERY ":T1", "gh:5117:" DELIVERY ":E2"};
    struct world *w = *state;
    hook_of(w, "create", "{" REPO "}");
    w->request.github_hook = "5117";
    ask(w);
    assert_string_equal(w->d.source, "github/7");
    assert_string_equal(sw_str(w->d.record, "source"), "github/7");
    assert_string_equal(sw_str(w->d.record, "dedupe"), "gh:5117:" DELIVERY);
    w->installations = json_pack("[s, s]", "T1", "E2");
    assert_both_told(ask(w), "notifier", insts, keys,
                     json_pack("{s:i, s:s, s:s, s:s, s:I, s:{s:i, s:s}, s:s, s:s}", "v", 1,
                               "source", "github/7", "type", "create", "event_id", DELIVERY,
                               "at_ms", (json_int_t)NOW, "repo", "id", 7, "name", "ada/api", "ref",
                               "v1", "ref_type", "tag"));
    w->request.github_hook = "5117:x";
    assert_refused(ask(w), 400, "bad_event");
}

static void a_form_is_refused_with_what_to_set(void **state) {
    static const char *const types[] = {"application/x-www-form-urlencoded",
                                        "Application/X-WWW-Form-Urlencoded; charset=utf-8"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        hook_of(w, "push", "payload=%7B%7D");
        w->request.content_type = types[i];
        assert_int_equal(ask(w)->reply.status, 415);
        assert_string_equal(w->d.refused, "bad_content_type");
        assert_non_null(strstr(w->d.reply.body, "\"Content type\" to application/json"));
        w->request.github_signature = "sha256=0";
        assert_refused(ask(w), 401, "bad_signature"); /* strangers are told nothing */
    }
}

static void a_bomb_is_refused_and_a_huge_text_is_cut(void **state) {
    struct world *w = *state;
    const size_t size = 25 * 1024 * 1024;
    SW_AUTO(sw_text) char *deep = sw_zalloc(200001), *huge = sw_zalloc(size + 1);
    memset(deep, '[', 200000);
    assert_refused(hook_of(w, "push", deep), 400, "bad_json");
    for (size_t i = 0; i < 200000; i += 5)
        memcpy(deep + i, "{\"a\":", 5);
    assert_refused(hook_of(w, "push", deep), 400, "bad_json");
    memset(huge, 'a', size);
    const int n = sprintf(huge, "{" REPO ",\"x\":\"");
    huge[n] = 'a';
    memcpy(huge + size - 2, "\"}", 2);
    assert_string_equal(hook_of(w, "create", huge)->source, "github/7");
    huge[strlen("{\"repository\":{\"id\":7")] = 'x';
    assert_refused(hook_of(w, "create", huge), 400, "bad_json");
    for (size_t i = 0; i + 3 < size; i += 3) /* two gigabytes, were it parsed */
        memcpy(huge + i, "{},", 3);
    assert_refused(hook_of(w, "create", huge), 413, "too_many_values");
}

static void a_delivery_needs_a_name_that_can_be_a_key(void **state) {
    static const char *const wrong[] = {"", "a:b", "a b", "\xc3\xa9", "a/b", DELIVERY DELIVERY};
    struct world *w = *state;
    w->installations = json_pack("[s]", "T1");
    hook(w, REVOKED);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        w->request.github_delivery = wrong[i];
        assert_refused(ask(w), 400, "bad_event");
    }
}

static void nothing_else_of_the_sender_goes_on(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *name = sw_zalloc(2001);
    memset(name, 'n', 2000);
    SW_AUTO(sw_text)
    char *body = sw_printf("{\"action\":\"revoked\",\"sender\":{\"id\":9223372036854775807,"
                           "\"login\":\"%s\",\"email\":\"secret\"},\"token\":\"secret\"}",
                           name);
    w->installations = json_pack("[s]", "T1");
    const json_t *got = hook(w, body)->append[0].m->body;
    SW_AUTO(sw_text) char *all = json_dumps(got, 0);
    assert_null(strstr(all, "secret"));
    assert_string_equal(sw_str(got, "source"), "github/user/9223372036854775807");
    assert_true(strlen(all) < 600);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(asks_whom_a_person_concerns_then_tells_auth_of_each),
        TEST(no_installation_of_many_is_left_out),
        TEST(it_must_be_signed_with_this_secret_or_the_one_before),
        TEST(a_known_signature_is_computed_as_github_does),
        TEST(all_else_is_answered_and_dropped),
        TEST(a_delivery_needs_a_name_that_can_be_a_key),
        TEST(nothing_else_of_the_sender_goes_on),
        TEST(an_event_of_a_repository_goes_to_notifier_once_a_hook),
        TEST(a_form_is_refused_with_what_to_set),
        TEST(a_bomb_is_refused_and_a_huge_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
