/* test_auth_web.c -- the link page and its form, and all that is tried against them. */
#include "auth_browser.h"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void the_link_page_says_who_links_what_and_changes_nothing(void **state) {
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
    assert_non_null(strstr(sw_str(value, "html"), "user U1 in workspace T1"));
    assert_non_null(strstr(sw_str(value, "html"), "Heroku"));
    assert_non_null(strstr(sw_str(value, "html"), "<form method=\"post\">"));
    assert_null(strstr(sw_str(value, "html"), "<script"));
    SW_AUTO(sw_text)
    char *cookie =
        sw_printf("sw_link=%s; HttpOnly; SameSite=Lax; Path=/; Max-Age=1800; Secure", b.cookie);
    assert_string_equal(sw_str(value, "cookie"), cookie);
    assert_int_equal(strlen(b.cookie), 43);
}

static void without_https_the_cookie_is_not_secure(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    w->conf.base_url[0] = '\0'; /* http://<HTTP> */
    get_link(w, &b);
    assert_null(strstr(sw_str(page(w, 200), "cookie"), "Secure"));
    go(w, &b);
    assert_non_null(
        strstr(sw_str(page(w, 303), "location"),
               "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fauth%2Fheroku%2Fcallback"));
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

static void a_link_works_once(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    post_link(w, &b, b.cookie, b.csrf);
    assert_only_page(w, 410);
}

static void the_way_to_heroku_is_a_code_with_pkce(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    go(w, &b);
    const char *location = sw_str(page(w, 303), "location");
    const char *start = "https://id.heroku.example/oauth/authorize?client_id=client%261"
                        "&response_type=code&scope=identity%20write-protected&state=T1.";
    assert_int_equal(strncmp(location, start, strlen(start)), 0);
    assert_non_null(strstr(location, "&redirect_uri=https%3A%2F%2Fslipway.example%2Fauth%2Fheroku"
                                     "%2Fcallback&code_challenge="));
    assert_non_null(strstr(location, "&code_challenge_method=S256"));
    assert_non_null(strstr(sw_str(page(w, 303), "cookie"), b.cookie));
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
    type_command(w, &b, "U1", "login");
    get_link(w, &b);
    w->conf.heroku_client_id[0] = '\0';
    post_link(w, &b, b.cookie, b.csrf);
    assert_only_page(w, 503);
}

static void other_pages_and_methods_are_refused(void **state) {
    struct world *w = *state;
    static const struct {
        const char *method, *path;
        int status;
    } rows[] = {{"PUT", "/link/x", 405}, {"POST", SW_PATH_CALLBACK, 405},
                {"GET", "/", 404},       {"GET", "/links", 404},
                {"GET", "", 404},        {"GET", SW_PATH_CALLBACK "/x", 404},
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
    json_t *evil =
        json_pack("{s:s, s:s, s:s}", "team", "\"><script>", "user", "<b>", "channel", "\"&<");
    SW_AUTO(sw_json) json_t *names = json_pack("[s, s]", "<script>", "\"><script>");
    SW_AUTO(sw_json) json_t *accounts = json_pack("[[s, s], [s]]", "<script>", "<script>", "x");
    SW_AUTO(sw_text) char *link = sw_page_link(evil, names, "\"><script>");
    SW_AUTO(sw_text) char *done = sw_page_done(evil, accounts);
    SW_AUTO(sw_text) char *error = sw_page_error("<script>", "<script>");
    assert_string_equal(html, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;");
    assert_string_equal(url, "a%20b%26c%3Dd%2F%C3%A9~-._");
    assert_null(strstr(link, "<script"));
    assert_null(strstr(done, "<script"));
    assert_null(strstr(error, "<script"));
    assert_null(strstr(link, "<b>"));
    assert_non_null(strstr(done, "id=%22%26%3C\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(the_link_page_says_who_links_what_and_changes_nothing),
        T(without_https_the_cookie_is_not_secure),
        T(the_token_may_stand_in_the_query),
        T(a_link_that_is_not_ours_is_no_link),
        T(a_link_lives_ten_minutes),
        T(the_form_needs_the_cookie_and_its_proof),
        T(a_link_works_once),
        T(the_way_to_heroku_is_a_code_with_pkce),
        T(without_a_client_id_the_page_says_so),
        T(other_pages_and_methods_are_refused),
        T(a_request_that_ingress_did_not_seal_is_refused),
        T(texts_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
