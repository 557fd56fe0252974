/* test_auth_web.c -- the link page and its form, and all that is tried against them. */
#include "actors/auth_priv.h"
#include "auth_browser.h"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void the_link_page_says_what_comes_and_changes_nothing(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    SW_AUTO(sw_json) json_t *before = json_deep_copy(w->facts);
    for (int i = 0; i < 3; i++) {
        get_link(w, &b);
        assert_only_page(w, 200);
    }
    assert_true(json_equal(before, w->facts));
    const json_t *value = page(w, 200);
    const char *html = sw_str(value, "html");
    assert_non_null(strstr(html, "Slack will be asked first whether you are the person"));
    assert_non_null(strstr(html, "<h1>Link your Heroku account</h1>"));
    assert_non_null(strstr(html, "Go on to Slack<"));
    SW_AUTO(sw_text) char *words = sw_strndup(html, (size_t)(strstr(html, "<form") - html));
    assert_null(strstr(words, "U1")); /* whom it was made for, Slack has to say */
    assert_null(strstr(words, "T1"));
    assert_non_null(strstr(sw_str(value, "html"), "<form method=\"post\">"));
    assert_null(strstr(sw_str(value, "html"), "<script"));
    SW_AUTO(sw_text)
    char *cookie = sw_printf(
        "__Host-sw_link=%s; HttpOnly; SameSite=Lax; Path=/; Max-Age=1800; Secure", b.cookie);
    assert_string_equal(sw_str(value, "cookie"), cookie);
    assert_int_equal(strlen(b.cookie), 43);
}

static void without_https_the_cookie_is_not_secure(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    w->conf.base_url[0] = '\0'; /* http://<HTTP> */
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b.token);
    run(w, web(w, "GET", path, NULL, NULL, NULL));
    assert_null(strstr(sw_str(page(w, 200), "cookie"), "Secure"));
    assert_int_equal(strncmp(sw_str(page(w, 200), "cookie"), "sw_link=", 8), 0);
    between(sw_str(page(w, 200), "cookie"), "sw_link=", ";", b.cookie, sizeof(b.cookie));
    between(sw_str(page(w, 200), "html"), "name=\"csrf\" value=\"", "\"", b.csrf, sizeof(b.csrf));
    struct sw_msg *m =
        message(w, SW_KIND_WEB, "c-web",
                json_pack("{s:s, s:s, s:s}", "wait", "w1", "method", "POST", "path", path));
    box(m, w->ingress, "auth", "web",
        json_pack("{s:{}, s:{s:s}, s:{s:s}}", "query", "form", "csrf", b.csrf, "cookies", "sw_link",
                  b.cookie));
    run(w, m);
    assert_non_null(strstr(sw_str(page(w, 303), "location"),
                           "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fauth%2Fslack%2Fcallback"));
}

/* Over https a cookie of the plain name may be a neighbour's below the same domain, who knows it. */
static void a_cookie_that_a_neighbour_could_plant_counts_for_nothing(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b.token);
    struct sw_msg *m = web(w, "POST", path, NULL, json_pack("{s:s}", "csrf", b.csrf), NULL);
    box(m, w->ingress, "auth", "web",
        json_pack("{s:{}, s:{s:s}, s:{s:s}}", "query", "form", "csrf", b.csrf, "cookies", "sw_link",
                  b.cookie));
    run(w, m);
    assert_only_page(w, 403);
}

static void the_token_may_stand_in_the_query(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    run(w, web(w, "GET", "/link", json_pack("{s:s}", "token", b.token), NULL, NULL));
    page(w, 200);
}

static void a_link_that_is_not_ours_is_no_link(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    char tokens_[5][160];
    snprintf(tokens_[0], 160, "%s", b.token);
    tokens_[0][5] ^= 1; /* its random text */
    snprintf(tokens_[1], 160, "%s", b.token);
    tokens_[1][50] ^= 1; /* its MAC */
    snprintf(tokens_[2], 160, "%sA", b.token);
    snprintf(tokens_[3], 160, "%.80s", b.token);
    tokens_[4][0] = '\0';
    for (size_t i = 0; i < 5; i++) {
        SW_AUTO(sw_text) char *path = sw_printf("/link/%s", tokens_[i]);
        run(w, web(w, "GET", path, NULL, NULL, NULL));
        assert_only_page(w, 410);
        run(w, web(w, "POST", path, NULL, NULL, NULL));
        assert_only_page(w, 410);
    }
    /* Of another installation, and one that was never offered. */
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b.token);
    struct sw_msg *m = web(w, "GET", path, NULL, NULL, NULL);
    strcpy(m->inst, "T2");
    run(w, m);
    assert_only_page(w, 410);
    json_object_clear(w->facts);
    run(w, web(w, "GET", path, NULL, NULL, NULL));
    assert_only_page(w, 410);
}

static void a_link_lives_ten_minutes(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    w->now_ms += 10 * MINUTE - 1;
    get_link(w, &b);
    w->now_ms += 1;
    post_link(w, &b, b.cookie, b.csrf);
    assert_only_page(w, 410);
}

static void the_form_needs_the_cookie_and_its_proof(void **state) {
    struct world *w = *state;
    struct browser b = {0}, other = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    type_command(w, &other, "U2", "login");
    get_link(w, &other);
    post_link(w, &b, "", b.csrf);
    assert_only_page(w, 403);
    post_link(w, &b, b.cookie, "");
    assert_only_page(w, 403);
    post_link(w, &b, other.cookie, b.csrf);
    assert_only_page(w, 403);
    post_link(w, &b, other.cookie, other.csrf);
    assert_only_page(w, 403);
    post_link(w, &b, b.cookie, other.csrf);
    assert_only_page(w, 403);
    go(w, &b); /* and none of that used it up */
}

/* A double click, or the browser's way back: it is still that browser's link, until Slack has spoken. */
static void a_link_is_for_one_browser_and_works_once(void **state) {
    struct world *w = *state;
    struct browser b = {0}, other = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    strcpy(other.token, b.token);
    get_link(w, &other); /* opened in another one, too; nobody has pressed the button */
    at_slack(w, &b);
    struct browser first = b;
    at_slack(w, &b);
    assert_string_not_equal(first.state, b.state);
    get_link(w, &b);
    post_link(w, &other, other.cookie, other.csrf);
    assert_only_page(w, 410);
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b.token);
    run(w, web(w, "GET", path, NULL, NULL, other.cookie));
    assert_only_page(w, 410);
    run(w, web(w, "GET", path, NULL, NULL, NULL));
    assert_only_page(w, 410);
    slack_says(w, &b, claims(w, &b));
    page(w, 303);
    run(w, web(w, "GET", path, NULL, NULL, b.cookie));
    assert_only_page(w, 410);
    post_link(w, &b, b.cookie, b.csrf);
    assert_only_page(w, 410);
}

static void a_pressed_link_lives_no_longer(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    w->now_ms += 9 * MINUTE;
    at_slack(w, &b);
    SW_AUTO(sw_text) char *random = sw_strndup(b.token + 3, 43);
    SW_AUTO(sw_text) char *hash = sw__auth_hash(random);
    SW_AUTO(sw_text) char *key = sw_printf("link/%s", hash);
    assert_int_equal(sw_int(the(w, "store", key, NULL), "ms"), MINUTE);
    w->now_ms += MINUTE;
    post_link(w, &b, b.cookie, b.csrf);
    assert_only_page(w, 410);
}

static void two_cards_in_two_tabs_both_come_to_an_end(void **state) {
    struct world *w = *state;
    struct browser one = {0}, two = {0};
    type_command(w, &one, "U1", "login");
    get_link(w, &one);
    type_command(w, &two, "U1", "login");
    strcpy(two.cookie, one.cookie); /* one jar */
    get_link(w, &two);
    assert_string_equal(two.cookie, one.cookie);
    at_slack(w, &one);
    at_slack(w, &two);
    slack_says(w, &two, claims(w, &two));
    between(sw_str(page(w, 303), "location"), "&state=", "&", two.state, sizeof(two.state));
    slack_says(w, &one, claims(w, &one));
    between(sw_str(page(w, 303), "location"), "&state=", "&", one.state, sizeof(one.state));
    struct browser *tabs[] = {&one, &two};
    for (size_t i = 0; i < 2; i++) {
        back(w, tabs[i]->cookie, tabs[i]->state, "code", "the-code");
        json_t *call = exchanged(w, call_of(w));
        answer(w, call, ada(), NULL);
        json_decref(call);
        assert_null(json_object_get(page(w, 200), "cookie")); /* the other tab needs it still */
    }
}

static void the_way_to_heroku_is_a_code_with_pkce(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    const char *location = sent_to(w,
                                   "https://id.heroku.example/oauth/authorize?client_id=client%261"
                                   "&response_type=code&scope=identity%20write-protected&state=T1.",
                                   "&redirect_uri=https%3A%2F%2Fslipway.example%2Fauth%2Fheroku"
                                   "%2Fcallback&code_challenge=");
    assert_non_null(strstr(location, "&code_challenge_method=S256"));
    assert_int_equal(json_object_size(w->facts), 1); /* the link is gone, the state is there */
    assert_int_equal(sw_int(the(w, "store", NULL, NULL), "ms"), 10 * MINUTE);
    char random[44];
    snprintf(random, sizeof(random), "%.43s", b.state + 3);
    SW_AUTO(sw_text) char *facts = json_dumps(w->facts, 0);
    assert_null(strstr(facts, random));
    assert_null(strstr(facts, b.cookie));
}

static void without_a_client_id_the_page_says_so(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    char *const ids[] = {w->conf.slack_client_id, w->conf.heroku_client_id};
    static const char *const labels[] = {"client id at Slack", "client id at Heroku"};
    for (size_t i = 0; i < 2; i++) {
        char was = ids[i][0];
        type_command(w, &b, "U1", "login");
        get_link(w, &b);
        ids[i][0] = '\0';
        post_link(w, &b, b.cookie, b.csrf);
        assert_only_page(w, 503);
        assert_non_null(strstr(sw_str(page(w, 503), "html"), labels[i]));
        SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b.token);
        run(w, web(w, "GET", path, NULL, NULL, b.cookie));
        assert_only_page(w, 503);
        ids[i][0] = was;
        go(w, &b); /* and none of that used it up */
    }
}

static void other_pages_and_methods_are_refused(void **state) {
    struct world *w = *state;
    static const struct {
        const char *method, *path;
        int status;
    } rows[] = {{"PUT", "/link/x", 405},
                {"POST", SW_PATH_CALLBACK, 405},
                {"POST", SW_PATH_CALLBACK_SLACK, 405},
                {"GET", "/", 404},
                {"GET", "/links", 404},
                {"GET", "", 404},
                {"GET", SW_PATH_CALLBACK "/x", 404},
                {"DELETE", "/link", 405}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run(w, web(w, rows[i].method, rows[i].path, NULL, NULL, NULL));
        assert_only_page(w, rows[i].status);
    }
}

static void a_request_that_ingress_did_not_seal_is_refused(void **state) {
    struct world *w = *state;
    struct sw_msg *m = web(w, "GET", "/link/x", NULL, NULL, NULL);
    strcpy(m->cmd, "c9");
    assert_int_equal(world_try(w, m), -EBADMSG);
}

static void texts_are_escaped(void **state) {
    (void)state;
    SW_AUTO(sw_text) char *html = sw_html_escape("<a href=\"x\">'&amp;");
    SW_AUTO(sw_text) char *url = sw_url_escape("a b&c=d/\xc3\xa9~-._");
    SW_AUTO(sw_json)
    json_t *evil = json_pack("{s:s, s:s, s:s, s:s, s:s}", "team", "\"><script>", "user", "<b>",
                             "channel", "\"&<", "name", "<script>", "team_name", "<b>");
    SW_AUTO(sw_json) json_t *names = json_pack("[s, s]", "<script>", "\"><script>");
    SW_AUTO(sw_json) json_t *accounts = json_pack("[[s, s], [s]]", "<script>", "<script>", "x");
    SW_AUTO(sw_text) char *link = sw_page_link(names, "\"><script>");
    SW_AUTO(sw_text) char *done = sw_page_done(evil, accounts, "\"><script>");
    SW_AUTO(sw_text) char *error = sw_page_error("<script>", "<script>");
    assert_string_equal(html, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;");
    assert_string_equal(url, "a%20b%26c%3Dd%2F%C3%A9~-._");
    assert_null(strstr(link, "<script"));
    assert_null(strstr(done, "<script"));
    assert_null(strstr(error, "<script"));
    assert_null(strstr(done, "<b>"));
    assert_non_null(strstr(done, "id=%22%26%3C\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(the_link_page_says_what_comes_and_changes_nothing),
        T(without_https_the_cookie_is_not_secure),
        T(the_token_may_stand_in_the_query),
        T(a_link_that_is_not_ours_is_no_link),
        T(a_link_lives_ten_minutes),
        T(the_form_needs_the_cookie_and_its_proof),
        T(a_cookie_that_a_neighbour_could_plant_counts_for_nothing),
        T(a_link_is_for_one_browser_and_works_once),
        T(a_pressed_link_lives_no_longer),
        T(two_cards_in_two_tabs_both_come_to_an_end),
        T(the_way_to_heroku_is_a_code_with_pkce),
        T(without_a_client_id_the_page_says_so),
        T(other_pages_and_methods_are_refused),
        T(a_request_that_ingress_did_not_seal_is_refused),
        T(texts_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
