/* test_auth_both.c -- the way of signing in to Heroku and on to GitHub: whole, half, and broken. */
#include "auth_browser.h"
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static void from_heroku_it_leads_on_to_github_and_then_all_goes_on(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"gho-", "HRKU-", "the-code", NULL};
    struct browser b;
    sign_in(w, &b, "deploy");
    at_github(w, &b);
    assert_null(json_object_get(page(w, 303), "cookie")); /* it has it */
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    const json_t *data = json_object_get(body_of(reply(w, "login.done")), "data");
    assert_string_equal(sw_str(data, "next"), "GitHub");
    assert_null(json_object_get(data, "login"));
    assert_int_equal(sw_int(data, "resumed"), 0);
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
    assert_string_equal(sw_str(json_object_get(audited(w, "login"), "accounts"), "heroku"),
                        "ada<@example.com");
    finish_at_github(w, &b, oauth_token());
    const json_t *done = page(w, 200);
    assert_non_null(strstr(sw_str(done, "html"), "<dt>Slack</dt><dd><bdi>Ada &lt;L&gt;</bdi> in "));
    assert_non_null(strstr(sw_str(done, "html"), "<dt>Heroku</dt><dd>ada&lt;@example.com</dd>"));
    assert_non_null(strstr(sw_str(done, "html"), "<dt>GitHub</dt><dd>ada-l</dd>"));
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_string_equal(sw_str(m, "cmd"), "c-typed");
    assert_token(w, m, "HRKU-new");
    assert_github(w, m, "gho-new");
    data = json_object_get(body_of(reply(w, "login.done")), "data");
    assert_string_equal(sw_str(data, "login"), "ada-l");
    assert_true(json_is_true(json_object_get(data, "both")));
    assert_int_equal(sw_int(data, "resumed"), 1);
    assert_string_equal(sw_str(github(w), "id"), "7");
    assert_int_equal(sw_int(github(w), "linked_ms"), NOW);
    assert_int_equal(json_object_size(w->facts), 2); /* and who is 7 at GitHub, for its events */
    the(w, "source", "github/user/7", NULL);
    assert_non_null(json_object_get(w->facts, "ghid/T1/7"));
    assert_hidden(w, secrets);
}

static void a_token_with_and_without_an_end(void **state) {
    struct world *w = *state;
    for (int expiring = 0; expiring < 2; expiring++) {
        struct browser b;
        json_object_clear(w->facts);
        sign_in(w, &b, "login");
        at_github(w, &b);
        finish_at_github(w, &b, expiring ? expiring_token() : oauth_token());
        assert_int_equal(sw_int(github(w), "expires_ms"), expiring ? NOW + 8 * HOUR : 0);
        assert_int_equal(json_is_true(json_object_get(github(w), "has_refresh")), expiring);
        const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
        assert_string_equal(sw_str(news, "provider"), "github");
        assert_true(json_is_false(json_object_get(news, "gone")));
        assert_true(json_is_true(json_object_get(news, "first")));
        assert_int_equal(sw_int(news, "expires_ms"), expiring ? NOW + 8 * HOUR : 0);
    }
}

static void who_stops_after_heroku_gets_what_needs_only_heroku(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "deploy");
    run(w, command(w, "c-list", "pipelines"));
    sign_in(w, &b, "promote");
    at_github(w, &b);
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_string_equal(sw_str(m, "cmd"), "c-list");
    assert_null(json_object_get(body_of(m), "github"));
    assert_int_equal(sw_int(json_object_get(body_of(reply(w, "login.done")), "data"), "resumed"),
                     1);
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 2);
    back_from_github(w, b.cookie, b.state, "error", "access_denied");
    page(w, 403);
    assert_non_null(strstr(sw_str(page(w, 403), "html"), "GitHub was not linked"));
    assert_non_null(account(w));
    assert_null(github(w));
    /* With another card it goes to GitHub at once, and what still waits goes on. */
    run(w, command(w, "c-more", "deploy"));
    SW_AUTO(sw_json) json_t *link = opened(reply(w, "login.card"), "link", w->responder);
    between(sw_str(link, "url"), BASE "/link/", "", b.token, sizeof(b.token));
    get_link(w, &b);
    assert_non_null(strstr(sw_str(page(w, 200), "html"), "Link your GitHub account<"));
    go(w, &b);
    at_github(w, &b);
    finish_at_github(w, &b, oauth_token());
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 3);
    assert_null(json_object_get(w->facts, PEND));
}

static void the_link_page_names_what_is_missing(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    assert_non_null(
        strstr(sw_str(page(w, 200), "html"), "<h1>Link your Heroku and GitHub accounts</h1>"));
    /* Both were linked meanwhile: the link is for another account at Heroku, as ever. */
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    get_link(w, &b);
    assert_non_null(strstr(sw_str(page(w, 200), "html"), "<h1>Link your Heroku account</h1>"));
    go(w, &b);
    back(w, b.cookie, b.state, "code", "the-code");
    json_t *call = exchanged(w, call_of(w));
    answer(w, call, ada(), NULL);
    page(w, 200);
    assert_string_equal(sw_str(github(w), "link"), "g1");
    json_decref(call);
}

static void the_code_of_github_is_exchanged_with_sealed_secrets(void **state) {
    struct world *w = *state;
    struct browser b;
    char challenge[64];
    sign_in(w, &b, "login");
    at_github(w, &b);
    between(sw_str(page(w, 303), "location"), "code_challenge=", "&", challenge, sizeof(challenge));
    back_from_github(w, b.cookie, b.state, "code", "the-code");
    json_t *call = call_of(w);
    const json_t *request = json_object_get(call, "value");
    const json_t *form = json_object_get(request, "form");
    assert_string_equal(sw_str(request, "up"), "github_web");
    assert_string_equal(sw_str(request, "path"), "/login/oauth/access_token");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(form, "client_id"), "Iv1.client");
    assert_string_equal(sw_str(form, "redirect_uri"), BASE "/auth/github/callback");
    assert_string_equal(sw_str(json_object_get(form, "client_secret"), "$conf"), "github_secret");
    SW_AUTO(sw_json) json_t *secret = opened(call, "oauth", w->auth);
    uint8_t hash[32];
    sw_sha256(sw_str(secret, "code_verifier"), 43, hash);
    SW_AUTO(sw_text) char *expected = sw_base64url(hash, sizeof(hash));
    assert_string_equal(challenge, expected);
    assert_string_equal(sw_str(secret, "code"), "the-code");
    answer(w, call, json_pack("{s:i}", "status", 200), oauth_token());
    json_decref(call);
    request = json_object_get(the(w, "http", NULL, NULL), "value");
    assert_string_equal(sw_str(request, "up"), "github");
    assert_string_equal(sw_str(request, "path"), "/user");
    assert_string_equal(sw_str(json_object_get(request, "bearer"), "field"), "access_token");
}

static void a_state_is_for_one_provider_and_one_browser(void **state) {
    struct world *w = *state;
    struct browser b;
    sign_in(w, &b, "login");
    at_github(w, &b);
    back(w, b.cookie, b.state, "code", "x"); /* Heroku's path */
    assert_only_page(w, 410);
    back_from_github(w, "other", b.state, "code", "x");
    assert_only_page(w, 403);
    back_from_github(w, b.cookie, b.state, "code", "x"); /* none of that used it up */
    json_decref(call_of(w));
    back_from_github(w, b.cookie, b.state, "code", "x");
    assert_only_page(w, 410);
    struct browser other = {0};
    type_command(w, &other, "U2", "login");
    get_link(w, &other);
    go(w, &other);
    back_from_github(w, other.cookie, other.state, "code", "x");
    assert_only_page(w, 410);
}

static void an_answer_must_be_of_the_provider_that_it_names(void **state) {
    struct world *w = *state;
    static const struct {
        bool github;
        const char *issuer;
        bool fits;
    } rows[] = {{false, "https://github.example", false},
                {false, "https://id.heroku.example/", false},
                {false, "https://id.heroku.exampl", false},
                {false, "https://id.heroku.example.evil.example", false},
                {false, "", false},
                {false, "https://id.heroku.example", true},
                {true, "https://id.heroku.example", false},
                {true, "https://github.example/login", false},
                {true, "https://github.example/login/oauth/", false},
                {true, "https://github.example/login/oauth", true},
                {true, "https://github.example", true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b = {0};
        json_object_clear(w->facts);
        if (rows[i].github) {
            sign_in(w, &b, "login");
            at_github(w, &b);
        } else {
            type_command(w, &b, "U1", "login");
            get_link(w, &b);
            go(w, &b);
        }
        const char *path = rows[i].github ? SW_PATH_CALLBACK_GITHUB : SW_PATH_CALLBACK;
        run(w,
            web(w, "GET", path,
                json_pack("{s:s, s:s, s:s}", "state", b.state, "code", "x", "iss", rows[i].issuer),
                NULL, b.cookie));
        if (!rows[i].fits) {
            assert_only_page(w, 403);
            run(w, web(w, "GET", path, json_pack("{s:s, s:s}", "state", b.state, "code", "x"), NULL,
                       b.cookie)); /* the state was not used up */
        }
        json_decref(call_of(w));
    }
}

static void what_github_does_not_accept_links_nothing_there(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *error;  /* of the call */
        const char *sealed; /* GitHub's word, in a 200 */
        const char *says;
    } rows[] = {
        {200, NULL, "bad_verification_code", "GitHub did not accept"},
        {200, NULL, "incorrect_client_credentials", "not set up for GitHub"},
        {200, NULL, "redirect_uri_mismatch", "do not fit together: redirect_uri_mismatch."},
        {200, NULL, NULL, "GitHub cannot be reached"},
        {404, NULL, NULL, "GitHub did not accept"},
        {429, NULL, NULL, "GitHub cannot be reached"},
        {503, "timeout", NULL, "GitHub cannot be reached"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        json_object_clear(w->facts);
        sign_in(w, &b, "deploy");
        at_github(w, &b);
        back_from_github(w, b.cookie, b.state, "code", "the-code");
        json_t *call = call_of(w);
        json_object_set_new(json_object_get(call, "body"), "tries", json_integer(2));
        json_t *http = json_pack("{s:i, s:s*}", "status", rows[i].status, "error", rows[i].error);
        answer(w, call, http, rows[i].sealed ? json_pack("{s:s}", "error", rows[i].sealed) : NULL);
        assert_only_page(w, 502);
        assert_non_null(strstr(sw_str(page(w, 502), "html"), rows[i].says));
        assert_null(github(w));
        assert_non_null(account(w));
        assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
        json_decref(call);
    }
}

static void an_answer_without_a_person_is_none(void **state) {
    struct world *w = *state;
    static const char *const missing[] = {"id", "login"};
    for (size_t i = 0; i < 2; i++) {
        struct browser b;
        json_object_clear(w->facts);
        sign_in(w, &b, "login");
        at_github(w, &b);
        back_from_github(w, b.cookie, b.state, "code", "the-code");
        json_t *call = call_of(w), *user = github_user();
        answer(w, call, json_pack("{s:i}", "status", 200), oauth_token());
        json_decref(call);
        call = call_of(w);
        json_object_del(json_object_get(user, "json"), missing[i]);
        answer(w, call, user, NULL);
        page(w, 502);
        assert_null(github(w));
        const json_t *back = json_object_get(the(w, "http", NULL, NULL), "value");
        assert_string_equal(sw_str(back, "method"), "DELETE"); /* the token of nobody */
        assert_int_equal(json_array_size(w->outputs), 2);
        json_decref(call);
    }
}

static void an_answer_of_a_time_before_github_ends_at_heroku(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    json_object_del(json_object_get(call, "body"), "cookie");
    json_object_del(json_object_get(call, "body"), "provider");
    answer(w, call, ada(), NULL);
    page(w, 200);
    assert_non_null(account(w));
    json_decref(call);
}

static void another_account_at_github_replaces_the_first(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "deploy");
    link_up(w, "U1", 5, NOW + HOUR);
    get_link(w, &b);
    go(w, &b);
    at_github(w, &b);
    link_github(w, "U1", NOW + 1000, NOW, "ghr-first"); /* meanwhile, and it runs out */
    run(w, command(w, "c2", "deploy"));
    assert_int_equal(waiting_for_github(w), 1);
    finish_at_github(w, &b, expiring_token());
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 2); /* it, and the kept one */
    the(w, "cancel", FLIGHT_GITHUB, NULL);
    assert_int_equal(sw_int(github(w), "version"), NOW + 1001);
    assert_string_not_equal(sw_str(github(w), "link"), "g1");
}

static void what_is_kept_once_more_on_its_way_is_not_forgotten(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    link_up(w, "U1", 5, NOW + HOUR);
    type_command(w, &b, "U1", "deploy");
    get_link(w, &b);
    go(w, &b);
    link_up(w, "U2", 5, NOW + HOUR); /* and somebody puts this one's row there */
    json_object_set(
        json_object_get(json_object_get(w->facts, ACCT), "heroku"), "row",
        json_object_get(json_object_get(json_object_get(w->facts, "acct/T1/U2"), "heroku"), "row"));
    finish_at_github(w, &b, oauth_token());
    assert_null(account(w));
    assert_int_equal(count(w, "send", "responder", SW_KIND_REPLY), 2); /* linked; and a card */
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    answer(w, call, ada(), NULL);
    json_decref(call);
    assert_string_equal(sw_str(the(w, "send", "executor", SW_KIND_GRANTED), "cmd"), "c-typed");
}

static void the_most_that_a_sign_in_can_set_off_fits(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    for (int i = 0; i < 5; i++) {
        type_command(w, &b, "U1", "pipelines");
    }
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    link_up(w, "U1", 5, NOW);
    for (int i = 0; i < 20; i++) {
        run(w, regrant(w, "c1", 5, true)); /* each is a grant, and noted */
    }
    assert_int_equal(waiting(w), 20);
    answer(w, call, ada(), NULL);
    at_github(w, &b);
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 25);
    json_decref(call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(from_heroku_it_leads_on_to_github_and_then_all_goes_on),
        T(a_token_with_and_without_an_end),
        T(who_stops_after_heroku_gets_what_needs_only_heroku),
        T(the_link_page_names_what_is_missing),
        T(the_code_of_github_is_exchanged_with_sealed_secrets),
        T(a_state_is_for_one_provider_and_one_browser),
        T(an_answer_must_be_of_the_provider_that_it_names),
        T(what_github_does_not_accept_links_nothing_there),
        T(an_answer_without_a_person_is_none),
        T(an_answer_of_a_time_before_github_ends_at_heroku),
        T(another_account_at_github_replaces_the_first),
        T(what_is_kept_once_more_on_its_way_is_not_forgotten),
        T(the_most_that_a_sign_in_can_set_off_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
