/* test_auth_oauth.c -- back from Heroku: state, code, tokens, account, and what goes on. */
#include "auth_browser.h"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void the_code_is_exchanged_with_sealed_secrets(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *call = come_back(w, &b, "login");
    const json_t *request = json_object_get(call, "value"),
                 *form = json_object_get(request, "form");
    assert_string_equal(sw_str(request, "up"), "heroku_id");
    assert_string_equal(sw_str(request, "path"), "/oauth/token");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(form, "grant_type"), "authorization_code");
    assert_string_equal(sw_str(form, "redirect_uri"), BASE "/auth/heroku/callback");
    assert_string_equal(sw_str(json_object_get(form, "client_secret"), "$conf"), "heroku_secret");
    SW_AUTO(sw_json) json_t *secret = NULL;
    const json_t *code = json_object_get(form, "code");
    assert_int_equal(sw_unseal(w->auth, sw_str(code, "$box"), sw_str(call, "cmd"), &secret), 0);
    assert_string_equal(sw_str(secret, sw_str(code, "field")), "the-code");
    const char *verifier = sw_str(secret, "code_verifier");
    assert_string_equal(sw_str(json_object_get(form, "code_verifier"), "field"), "code_verifier");
    assert_int_equal(strlen(verifier), 43);
    const char *secrets[] = {"the-code", verifier, NULL};
    assert_hidden(w, secrets);
    assert_int_equal(count(w, "answer", NULL, NULL), 0); /* the browser waits */
    assert_int_equal(json_object_size(w->facts), 0);
    json_decref(call);
}

static void the_challenge_is_the_hash_of_the_verifier(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    char challenge[64];
    between(sw_str(page(w, 303), "location"), "code_challenge=", "&", challenge, sizeof(challenge));
    back(w, b.cookie, b.state, "code", "the-code");
    const json_t *call = the(w, "http", NULL, NULL);
    SW_AUTO(sw_json) json_t *secret = opened(call, "oauth", w->auth);
    uint8_t hash[32];
    sw_sha256(sw_str(secret, "code_verifier"), 43, hash);
    SW_AUTO(sw_text) char *expected = sw_base64url(hash, sizeof(hash));
    assert_string_equal(challenge, expected);
}

static void a_state_works_once_for_its_browser_and_ten_minutes(void **state) {
    struct world *w = *state;
    struct browser b = {0}, other = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    type_command(w, &other, "U2", "login");
    get_link(w, &other);
    go(w, &other);
    back(w, other.cookie, b.state, "code", "x"); /* the state of another person */
    assert_only_page(w, 403);
    back(w, "", b.state, "code", "x");
    assert_only_page(w, 403);
    back(w, b.cookie, b.token, "code", "x"); /* a link is no state */
    assert_only_page(w, 410);
    back(w, b.cookie, "", "code", "x");
    assert_only_page(w, 410);
    back(w, b.cookie, b.state, "code", "x");
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    back(w, b.cookie, b.state, "code", "x"); /* replayed */
    assert_only_page(w, 410);
    w->now_ms += 10 * MINUTE;
    back(w, other.cookie, other.state, "code", "x");
    assert_only_page(w, 410);
}

static void a_state_swapped_in_the_store_does_not_open(void **state) {
    struct world *w = *state;
    struct browser b = {0}, other = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    SW_AUTO(sw_text) char *key = sw_strdup(sw_str(the(w, "store", NULL, NULL), "name"));
    type_command(w, &other, "U2", "login");
    get_link(w, &other);
    go(w, &other);
    const char *key2 = sw_str(the(w, "store", NULL, NULL), "name");
    json_object_set(json_object_get(w->facts, key), "verifier",
                    json_object_get(json_object_get(w->facts, key2), "verifier"));
    assert_int_equal(
        world_try(w, web(w, "GET", SW_PATH_CALLBACK,
                         json_pack("{s:s, s:s}", "state", b.state, "code", "x"), NULL, b.cookie)),
        -EBADMSG);
}

/* Whoever can write to the store, but holds no key. */
static void a_way_moved_to_another_person_links_nobody(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    json_t *kept = json_object_get(w->facts, sw_str(the(w, "store", NULL, NULL), "name"));
    json_object_set_new(json_object_get(kept, "who"), "user", json_string("U2"));
    assert_int_equal(
        world_try(w, web(w, "GET", SW_PATH_CALLBACK,
                         json_pack("{s:s, s:s}", "state", b.state, "code", "x"), NULL, b.cookie)),
        -EBADMSG);
    for (int step = 0; step < 2; step++) {
        json_t *call = come_back(w, &b, "login");
        if (step == 1) call = exchanged(w, call);
        struct sw_msg *m =
            http_answer(w, call, step == 1 ? ada() : json_pack("{s:i}", "status", 200));
        if (step == 0) box(m, w->auth, "auth", "answer", tokens());
        json_object_set_new(m->body, "who", json_pack("{s:s, s:s}", "team", "T1", "user", "U2"));
        assert_int_equal(world_try(w, m), -EBADMSG);
        json_decref(call);
    }
}

static void a_refusal_of_the_person_is_respected(void **state) {
    struct world *w = *state;
    static const struct {
        const char *key, *value;
        int status;
    } rows[] = {{"error", "access_denied", 403}, {"error", "server_error", 502}, {"code", "", 400}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b = {0};
        type_command(w, &b, "U1", "login");
        get_link(w, &b);
        go(w, &b);
        back(w, b.cookie, b.state, rows[i].key, rows[i].value);
        page(w, rows[i].status);
        assert_int_equal(count(w, "http", NULL, NULL), 0);
        assert_int_equal(json_object_size(w->facts), 0); /* the state is used up */
    }
}

static void the_account_is_asked_for_with_the_new_token(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"HRKU-", "the-code", NULL};
    struct browser b;
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    const json_t *request = json_object_get(call, "value");
    const json_t *bearer = json_object_get(request, "bearer");
    SW_AUTO(sw_json) json_t *value = NULL;
    assert_string_equal(sw_str(request, "up"), "heroku");
    assert_string_equal(sw_str(request, "path"), "/account");
    assert_string_equal(sw_str(request, "repeat"), "safe");
    assert_int_equal(sw_unseal(w->auth, sw_str(bearer, "$box"), sw_str(call, "cmd"), &value), 0);
    assert_string_equal(sw_str(value, sw_str(bearer, "field")), "HRKU-new");
    assert_hidden(w, secrets);
    json_decref(call);
}

static void after_sign_in_the_kept_command_goes_on(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"HRKU-", "the-code", NULL};
    struct browser b;
    sign_in(w, &b, "promote");
    const json_t *done = page(w, 200);
    const char *slack =
        "<dt>Slack</dt><dd><bdi>Ada &lt;L&gt;</bdi> in <bdi>Acme &amp; Co</bdi></dd>";
    assert_non_null(strstr(sw_str(done, "html"), slack));
    assert_non_null(strstr(sw_str(done, "html"), "ada&lt;@example.com"));
    assert_non_null(strstr(sw_str(done, "html"), "slack://channel?team=T1&amp;id=C1"));
    assert_non_null(
        strstr(sw_str(done, "html"), "https://slack.example/app_redirect?team=T1&amp;channel=C1"));
    const json_t *granted = the(w, "send", "executor", SW_KIND_GRANTED);
    SW_AUTO(sw_json) json_t *value = opened(granted, "token", w->executor);
    assert_string_equal(sw_str(granted, "cmd"), "c-typed");
    assert_string_equal(sw_str(value, "token"), "HRKU-new");
    assert_string_not_equal(sw_str(json_object_get(granted, "boxes"), "response_url"), "");
    const json_t *reply_ = body_of(the(w, "send", "responder", SW_KIND_REPLY));
    assert_string_equal(sw_str(reply_, "template"), "login.done");
    assert_string_equal(sw_str(json_object_get(reply_, "data"), "email"), "ada<@example.com");
    assert_int_equal(sw_int(json_object_get(reply_, "data"), "resumed"), 1);
    const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_int_equal(sw_int(news, "expires_ms"), NOW + 8 * HOUR);
    assert_true(json_is_false(json_object_get(news, "gone")));
    const json_t *kept = json_object_get(json_object_get(w->facts, ACCT), "heroku");
    assert_string_equal(sw_str(kept, "id"), "id-1");
    assert_int_equal(strlen(sw_str(kept, "link")), 32);
    assert_int_equal(json_object_size(w->facts), 1);
    assert_hidden(w, secrets);
    run(w, ask(w, SW_KIND_COMMAND, "c2", "U1", "pipelines"));
    the(w, "send", "executor", SW_KIND_GRANTED);
}

static void a_kept_command_older_than_ten_minutes_does_not_go_on(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *call = exchanged(w, come_back(w, &b, "promote"));
    w->now_ms += 10 * MINUTE;
    answer(w, call, ada(), NULL);
    page(w, 200);
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    assert_null(json_object_get(w->facts, PEND));
    json_decref(call);
}

static void another_sign_in_replaces_the_account_with_a_higher_version(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    link_up(w, "U1", NOW + 1000, NOW); /* meanwhile, in another window; and it runs out */
    run(w, command(w, "c2", "promote"));
    struct sw_msg *late = refreshed(w, "l1", NOW + 1000, "ok", NULL);
    assert_int_equal(waiting(w), 1);
    answer(w, call, ada(), NULL);
    the(w, "send", "executor", SW_KIND_GRANTED); /* who waited for the old one */
    the(w, "cancel", FLIGHT, NULL);
    assert_int_equal(sw_int(account(w), "version"), NOW + 1001);
    assert_string_not_equal(sw_str(account(w), "link"), "l1");
    run(w, late); /* nobody's, and withdrawn */
    assert_int_equal(json_array_size(w->outputs), 1);
    assert_string_equal(sw_str(json_object_get(the(w, "http", NULL, NULL), "value"), "path"),
                        "/oauth/authorizations");
    assert_int_equal(sw_int(account(w), "version"), NOW + 1001);
    json_decref(call);
}

static void what_heroku_does_not_accept_links_nothing(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *error; /* NULL: an answer with that status */
        const char *says;
    } rows[] = {{400, NULL, "did not accept"},       {401, NULL, "did not accept"},
                {429, NULL, "cannot be reached"},    {200, NULL, "cannot be reached"},
                {0, "connect", "cannot be reached"}, {503, "timeout", "cannot be reached"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int step = 0; step < 2; step++) {
            struct browser b;
            json_object_clear(w->facts);
            json_t *call = come_back(w, &b, "login");
            if (step == 1) call = exchanged(w, call);
            json_t *body = json_object_get(call, "body");
            json_object_set_new(body, "tries", json_integer(2));
            answer(w, call,
                   rows[i].error
                       ? json_pack("{s:s, s:i}", "error", rows[i].error, "status", rows[i].status)
                       : json_pack("{s:i, s:{s:s}}", "status", rows[i].status, "json", "id", "x"),
                   NULL);
            assert_non_null(strstr(sw_str(page(w, 502), "html"), rows[i].says));
            /* A pair that is there already is withdrawn. */
            assert_int_equal(json_array_size(w->outputs), 1 + step);
            if (step == 1)
                assert_string_equal(
                    sw_str(json_object_get(the(w, "http", NULL, NULL), "value"), "path"),
                    "/oauth/authorizations");
            assert_int_equal(json_object_size(w->facts), 0);
            json_decref(call);
        }
    }
}

static void what_the_settings_got_wrong_is_not_to_be_typed_again(void **state) {
    struct world *w = *state;
    static const struct {
        const char *error, *field, *value, *says; /* of the call; of the answer */
    } rows[] = {{NULL, "error", "invalid_client", "do not fit together: invalid_client. Heroku"},
                {NULL, "id", "unauthorized_client", "do not fit together: unauthorized_client."},
                {NULL, "message", "No such client.", "do not fit together: invalid_client."},
                {"refused", "id", "", "there is no client secret"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        json_object_clear(w->facts);
        json_t *call = come_back(w, &b, "login");
        json_t *http = json_pack("{s:i, s:{s:s}}", "status", rows[i].error ? 0 : 401, "json",
                                 rows[i].field, rows[i].value);
        if (rows[i].error) json_object_set_new(http, "error", json_string(rows[i].error));
        answer(w, call, http, NULL);
        const char *html = sw_str(page(w, 502), "html");
        if (!strstr(html, rows[i].says)) fail_msg("no %s in %s", rows[i].says, html);
        assert_non_null(strstr(html, "Tell the person who runs it."));
        assert_null(strstr(html, "to try again"));
        json_decref(call);
    }
}

static void an_exchange_of_unknown_outcome_is_repeated_once(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *first = come_back(w, &b, "login");
    answer(w, first, json_pack("{s:s}", "error", "unsure"), NULL);
    const json_t *second = the(w, "http", NULL, SW_KIND_AUTH_HTTP);
    assert_true(json_equal(json_object_get(first, "value"), json_object_get(second, "value")));
    json_decref(first);
    first = json_incref((json_t *)second);
    answer(w, first, json_pack("{s:s}", "error", "unsure"), NULL);
    assert_only_page(w, 502);
    json_decref(first);
}

static void tokens_without_end_or_half_a_pair_are_no_tokens(void **state) {
    struct world *w = *state;
    static const char *const missing[] = {"access_token", "refresh_token"};
    for (size_t i = 0; i < 2; i++) {
        struct browser b;
        json_t *call = come_back(w, &b, "login"), *half = tokens();
        json_object_del(half, missing[i]);
        answer(w, call, json_pack("{s:i}", "status", 200), half);
        assert_only_page(w, 502);
        json_decref(call);
    }
    struct browser b;
    json_t *call = come_back(w, &b, "login"), *sealed = tokens();
    SW_AUTO(sw_text) char *longer = sw_malloc(4098);
    memset(longer, 'x', 4097);
    longer[4097] = '\0';
    json_object_set_new(sealed, "access_token", json_string(longer));
    answer(w, call, json_pack("{s:i}", "status", 200), sealed);
    assert_only_page(w, 502);
    json_decref(call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(the_code_is_exchanged_with_sealed_secrets),
        T(the_challenge_is_the_hash_of_the_verifier),
        T(a_state_works_once_for_its_browser_and_ten_minutes),
        T(a_state_swapped_in_the_store_does_not_open),
        T(a_way_moved_to_another_person_links_nobody),
        T(a_refusal_of_the_person_is_respected),
        T(the_account_is_asked_for_with_the_new_token),
        T(after_sign_in_the_kept_command_goes_on),
        T(a_kept_command_older_than_ten_minutes_does_not_go_on),
        T(another_sign_in_replaces_the_account_with_a_higher_version),
        T(what_heroku_does_not_accept_links_nothing),
        T(what_the_settings_got_wrong_is_not_to_be_typed_again),
        T(an_exchange_of_unknown_outcome_is_repeated_once),
        T(tokens_without_end_or_half_a_pair_are_no_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
