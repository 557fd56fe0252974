/* test_auth_revoke.c -- pairs are withdrawn at their provider, and only those; whatever it answers. */
#include "auth_browser.h"
#include "auth_github.h"

#define ID "0b4e3cf2-7c1d-4b5e-9a6f-1d2e3f405162"
#define OTHER "11111111-2222-4333-8444-555555555555"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

/* The only call there is; the caller decrefs. */
static json_t *call(const struct world *w) {
    return json_incref((json_t *)the(w, "http", NULL, SW_KIND_AUTH_HTTP));
}

static const json_t *request_of(const json_t *http) {
    return json_object_get(http, "value");
}

static void assert_request(const json_t *http, const char *method, const char *path) {
    assert_string_equal(sw_str(request_of(http), "method"), method);
    assert_string_equal(sw_str(request_of(http), "path"), path);
    assert_null(strchr(sw_str(request_of(http), "path"), '~')); /* the person's own key */
}

/* Answers `*http` with a status and what is sealed (or NULL), and takes it; *http is the next call, or NULL. */
static void answered(struct world *w, json_t **http, int status, json_t *sealed,
                     const char *next_range) {
    struct sw_msg *m =
        http_answer(w, *http, json_pack("{s:i, s:s*}", "status", status, "next_range", next_range));
    if (sealed) box(m, w->auth, "auth", "answer", sealed);
    json_decref(*http);
    *http = NULL;
    run(w, m);
    if (count(w, "http", NULL, NULL) > 0) *http = call(w);
}

static json_t *authorization(const char *id, const char *access, const char *refresh) {
    return json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", id, "access_token", "token", access,
                     "refresh_token", "token", refresh);
}

static const char *tallied(const struct world *w) {
    const json_t *labels = json_object_get(the(w, "tally", "slipway_links_total", NULL), "value");
    return json_string_value(json_array_get(labels, 1));
}

/* Signed out of Heroku; the first call. */
static json_t *sign_out(struct world *w) {
    json_object_clear(w->facts);
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, command(w, "c1", "logout"));
    reply(w, "logout.done"); /* at once */
    return call(w);
}

static void logout_deletes_the_authorization_that_holds_the_pair(void **state) {
    static const char *const secrets[] = {"HRKU-", NULL};
    static const char *const pairs[][2] = {{"HRKU-access", "x"}, {"x", "HRKU-refresh"}};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        json_t *http = sign_out(w);
        assert_request(http, "GET", "/oauth/authorizations");
        assert_string_equal(sw_str(json_object_get(request_of(http), "bearer"), "field"),
                            "access_token");
        assert_string_equal(sw_str(json_object_get(request_of(http), "headers"), "Range"),
                            "id ..; max=50");
        assert_true(json_is_true(json_object_get(request_of(http), "seal")));
        assert_hidden(w, secrets);
        answered(w, &http, 206, json_pack("[o]", authorization(OTHER, "a", "b")), "id x..; max=50");
        assert_request(http, "GET", "/oauth/authorizations");
        assert_string_equal(sw_str(json_object_get(request_of(http), "headers"), "Range"),
                            "id x..; max=50");
        answered(w, &http, 200,
                 json_pack("[o, o]", authorization(OTHER, "a", "b"),
                           authorization(ID, pairs[i][0], pairs[i][1])),
                 NULL);
        assert_request(http, "DELETE", "/oauth/authorizations/" ID);
        assert_hidden(w, secrets);
        answered(w, &http, 200, NULL, NULL);
        assert_string_equal(tallied(w), "revoked");
        assert_int_equal(json_array_size(w->outputs), 1); /* and nobody is told again */
    }
}

static void what_heroku_says_to_a_revocation(void **state) {
    struct world *w = *state;
    static const struct {
        int list, delete; /* the statuses; delete 0: it does not come to that */
        const char *outcome;
    } rows[] = {{200, 200, "revoked"}, {200, 404, "revoked"}, {200, 410, "revoked"},
                {200, 403, "left"},    {403, 0, "left"},      {404, 0, "left"},
                {503, 0, "later"},     {200, 502, "later"},   {429, 0, "later"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *http = sign_out(w);
        answered(w, &http, rows[i].list,
                 rows[i].list == 200 ? json_pack("[o]", authorization(ID, "HRKU-access", "r"))
                                     : NULL,
                 NULL);
        if (rows[i].delete) answered(w, &http, rows[i].delete, NULL, NULL);
        assert_null(http);
        if (!strcmp(rows[i].outcome, "later")) {
            assert_int_equal(count(w, "after", NULL, SW_KIND_AUTH_TIMER), 1);
            assert_int_equal(json_array_size(w->outputs), 1);
            continue;
        }
        assert_string_equal(tallied(w), rows[i].outcome);
        if (!strcmp(rows[i].outcome, "left")) {
            const json_t *m = reply(w, "logout.left");
            assert_string_equal(sw_str(json_object_get(body_of(m), "data"), "by"), "Heroku");
            assert_non_null(json_object_get(json_object_get(m, "boxes"), "response_url"));
        }
    }
}

static void a_pair_that_no_list_holds_is_left_to_the_person(void **state) {
    struct world *w = *state;
    json_t *http = sign_out(w);
    for (int i = 1; i < 10; i++) {
        answered(w, &http, 206, json_pack("[o]", authorization(OTHER, "a", "b")), "id x..; max=50");
        assert_non_null(http);
    }
    answered(w, &http, 206, json_pack("[o]", authorization(OTHER, "a", "b")), "id x..; max=50");
    assert_null(http); /* ten pages are enough */
    reply(w, "logout.left");
    static const char *const ids[] = {"~", "", "../apps/storefront", "0b4e3cf2/x", "short"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        http = sign_out(w);
        answered(w, &http, 200, json_pack("[o]", authorization(ids[i], "HRKU-access", "b")), NULL);
        assert_null(http); /* never a path of another making */
        reply(w, "logout.left");
    }
}

static void an_access_that_has_run_out_is_renewed_once_to_ask(void **state) {
    struct world *w = *state;
    json_t *http = sign_out(w);
    answered(w, &http, 401, NULL, NULL);
    assert_request(http, "POST", "/oauth/token");
    assert_string_equal(sw_str(json_object_get(request_of(http), "form"), "grant_type"),
                        "refresh_token");
    answered(w, &http, 200, json_pack("{s:s}", "access_token", "HRKU-third"), NULL);
    assert_request(http, "GET", "/oauth/authorizations");
    SW_AUTO(sw_json) json_t *pair = opened(http, "pair", w->auth);
    assert_string_equal(sw_str(pair, "access_token"), "HRKU-third");
    assert_string_equal(sw_str(pair, "refresh_token"), "HRKU-refresh");
    json_t *second = json_incref(http);
    answered(w, &http, 200, json_pack("[o]", authorization(ID, "HRKU-third", "HRKU-refresh")),
             NULL);
    assert_request(http, "DELETE", "/oauth/authorizations/" ID);
    json_decref(http);
    answered(w, &second, 401, NULL, NULL); /* but only once */
    assert_null(second);
    assert_string_equal(tallied(w), "left");
}

static void a_pair_that_is_dead_at_heroku_needs_no_withdrawing(void **state) {
    struct world *w = *state;
    json_t *http = sign_out(w);
    answered(w, &http, 401, NULL, NULL);
    answered(w, &http, 401, json_pack("{s:s}", "error", "invalid_grant"), NULL);
    assert_string_equal(tallied(w), "revoked");
    assert_int_equal(count(w, "send", NULL, NULL), 0);
    http = sign_out(w);
    answered(w, &http, 401, NULL, NULL);
    answered(w, &http, 401, json_pack("{s:s}", "error", "invalid_client"), NULL); /* our fault */
    assert_int_equal(count(w, "after", NULL, SW_KIND_AUTH_TIMER), 1);
}

static void a_row_that_does_not_open_is_left_to_the_person(void **state) {
    struct world *w = *state;
    link_up(w, "U2", 5, NOW + HOUR);
    json_object_set(w->facts, ACCT, json_object_get(w->facts, "acct/T1/U2"));
    run(w, command(w, "c1", "logout"));
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    assert_int_equal(count(w, "send", "responder", SW_KIND_REPLY), 2); /* done, and left */
    assert_null(account(w));
}

static void only_the_pair_and_the_way_to_answer_go_along(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *next = exchanged(w, come_back(w, &b, "login")), *who = ada();
    link_up(w, "U1", 5, NOW + HOUR); /* somebody else's, which is replaced */
    json_object_set_new(json_object_get(who, "json"), "id", json_string("id-2"));
    answer(w, next, who, NULL);
    json_decref(next);
    const json_t *boxes = json_object_get(the(w, "http", NULL, SW_KIND_AUTH_HTTP), "boxes");
    assert_non_null(json_object_get(boxes, "pair"));
    assert_null(json_object_get(boxes, "tokens")); /* those of the new account */
    assert_in_range(json_object_size(boxes), 1, 2);
    json_t *http = sign_out(w);
    assert_int_equal(json_object_size(json_object_get(http, "boxes")), 2);
    answered(w, &http, 503, json_object(), NULL);
    boxes = json_object_get(the(w, "after", NULL, SW_KIND_AUTH_TIMER), "boxes");
    assert_int_equal(json_object_size(boxes), 2);
    assert_null(json_object_get(boxes, "answer"));
}

static void logout_and_login_at_once_do_not_hurt_the_new_account(void **state) {
    static const char *const pairs[][2] = {{"HRKU-access", "r"}, {"a", "HRKU-refresh"}};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        json_t *http = sign_out(w);
        /* Heroku gave the old authorization to the new sign-in, or half of it. */
        link_up(w, "U1", 9, NOW + HOUR);
        answered(w, &http, 200, json_pack("[o]", authorization(ID, pairs[i][0], pairs[i][1])),
                 NULL);
        assert_null(http);
        assert_int_equal(json_array_size(w->outputs), 0);
        assert_int_equal(sw_int(account(w), "version"), 9);
    }
}

static void a_revocation_goes_on_for_a_day_while_the_provider_is_away(void **state) {
    struct world *w = *state;
    json_t *http = sign_out(w);
    int calls = 0;
    while (http && calls < 200) {
        calls++;
        answered(w, &http, 503, NULL, NULL);
        if (count(w, "after", NULL, NULL) == 0) break;
        json_t *after = json_incref((json_t *)the(w, "after", NULL, SW_KIND_AUTH_TIMER));
        assert_in_range(sw_int(after, "ms"), 2000, 69 * MINUTE);
        w->now_ms += sw_int(after, "ms");
        struct sw_msg *m = message(w, SW_KIND_AUTH_TIMER, sw_str(after, "cmd"),
                                   json_deep_copy(json_object_get(after, "body")));
        json_object_update(m->boxes, json_object_get(after, "boxes"));
        json_decref(after);
        run(w, m);
        http = call(w);
    }
    assert_in_range(calls, 20, 60);
    assert_in_range(w->now_ms - NOW, 24 * HOUR, 26 * HOUR);
    assert_string_equal(tallied(w), "left");
    reply(w, "logout.left");
}

static void github_takes_a_token_by_its_text(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *outcome;
    } rows[] = {{204, "revoked"}, {404, "revoked"}, {422, "revoked"},
                {401, "left"},    {403, "left"},    {500, "later"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object_clear(w->facts);
        link_github(w, "U1", 6, 0, NULL);
        run(w, command(w, "c1", "logout"));
        json_t *http = call(w);
        assert_request(http, "DELETE", "/applications/Iv1.client/token");
        const json_t *basic = json_object_get(request_of(http), "basic");
        assert_string_equal(sw_str(basic, "user"), "Iv1.client");
        assert_string_equal(sw_str(json_object_get(basic, "password"), "$conf"), "github_secret");
        const json_t *token =
            json_object_get(json_object_get(request_of(http), "json"), "access_token");
        assert_string_equal(sw_str(token, "field"), "access_token");
        answered(w, &http, rows[i].status, NULL, NULL);
        if (!strcmp(rows[i].outcome, "later")) {
            assert_int_equal(count(w, "after", NULL, SW_KIND_AUTH_TIMER), 1);
        } else {
            assert_string_equal(tallied(w), rows[i].outcome);
        }
    }
}

static void a_token_that_is_in_use_again_is_not_taken_when_its_turn_comes(void **state) {
    struct world *w = *state;
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "logout"));
    json_t *http = call(w);
    answered(w, &http, 503, NULL, NULL);
    const json_t *after = the(w, "after", NULL, SW_KIND_AUTH_TIMER);
    struct sw_msg *m = message(w, SW_KIND_AUTH_TIMER, sw_str(after, "cmd"),
                               json_deep_copy(json_object_get(after, "body")));
    json_object_update(m->boxes, json_object_get(after, "boxes"));
    link_github(w, "U1", 9, 0, NULL); /* with the same text */
    run(w, m);
    assert_int_equal(json_array_size(w->outputs), 0);
}

static void another_account_at_heroku_withdraws_the_first(void **state) {
    static const char *const ids[] = {"id-1", "id-other"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        struct browser b;
        json_object_clear(w->facts);
        json_t *next = exchanged(w, come_back(w, &b, "login")), *who = ada();
        link_up(w, "U1", 5, NOW + HOUR); /* "id-1" */
        json_object_set_new(json_object_get(who, "json"), "id", json_string(ids[i]));
        answer(w, next, who, NULL);
        json_decref(next);
        assert_int_equal(count(w, "http", NULL, SW_KIND_AUTH_HTTP), i);
        assert_int_equal(count(w, "send", "executor", SW_KIND_REVOKED), i);
        if (i == 0) continue;
        assert_request(the(w, "http", NULL, NULL), "GET", "/oauth/authorizations");
        assert_int_equal(sw_int(body_of(the(w, "send", "executor", SW_KIND_REVOKED)), "version"),
                         5);
        SW_AUTO(sw_json) json_t *pair = opened(the(w, "http", NULL, NULL), "pair", w->auth);
        assert_string_equal(sw_str(pair, "access_token"), "HRKU-access");
    }
}

/* The runtime adds `who` to what comes back, so that alone does not tell a sign-out. */
static void who_did_not_sign_out_is_not_sent_to_take_access_away(void **state) {
    struct world *w = *state;
    struct browser b;
    json_t *next = exchanged(w, come_back(w, &b, "login")), *ada_2 = ada();
    link_up(w, "U1", 5, NOW + HOUR);
    json_object_set_new(json_object_get(ada_2, "json"), "id", json_string("id-2"));
    answer(w, next, ada_2, NULL);
    json_decref(next);
    json_t *http = call(w);
    json_object_set_new(json_object_get(http, "body"), "who", who("U1"));
    answered(w, &http, 403, NULL, NULL);
    assert_string_equal(tallied(w), "left");
    assert_int_equal(count(w, "send", NULL, NULL), 0);
}

static void the_most_that_a_sign_out_can_set_off_fits(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    link_github(w, "U1", 6, NOW, "ghr-first");
    json_object_set_new(w->facts, "ghid/T1/7", json_pack("{s:[s]}", "users", "U1"));
    for (int i = 0; i < 10; i++) {
        run(w, regrant(w, "c1", 5, true));
        run(w, regrant_github(w, "c2", 6, true));
    }
    assert_int_equal(waiting(w) + waiting_for_github(w), 20);
    run(w, command(w, "c9", "logout"));
    assert_int_equal(count(w, "send", "executor", SW_KIND_UNGRANTED), 20);
    assert_int_equal(count(w, "http", NULL, NULL), 2);
    assert_int_equal(json_object_size(w->facts), 1); /* the offered link */
    print_message("a sign-out: %zu outputs\n", json_array_size(w->outputs));
}

static void the_most_that_a_sign_in_at_github_can_set_off_fits(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    for (int i = 0; i < 5; i++) {
        type_command(w, &b, "U1", "deploy");
    }
    json_t *next = exchanged(w, come_back(w, &b, "deploy"));
    answer(w, next, ada(), NULL);
    json_decref(next);
    at_github(w, &b);
    link_github(w, "U1", 6, NOW, "ghr-first"); /* meanwhile, as somebody else, */
    json_object_set_new((json_t *)github(w), "id", json_string("6"));
    json_object_set_new(w->facts, "ghid/T1/6", json_pack("{s:[s]}", "users", "U1"));
    for (int i = 0; i < 20; i++) { /* and each of these is a grant, and noted */
        run(w, regrant_github(w, "c1", 6, true));
    }
    assert_int_equal(waiting_for_github(w), 20);
    finish_at_github(w, &b, expiring_token());
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 25);
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    print_message("a sign-in: %zu outputs\n", json_array_size(w->outputs));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(logout_deletes_the_authorization_that_holds_the_pair),
        T(what_heroku_says_to_a_revocation),
        T(a_pair_that_no_list_holds_is_left_to_the_person),
        T(an_access_that_has_run_out_is_renewed_once_to_ask),
        T(a_pair_that_is_dead_at_heroku_needs_no_withdrawing),
        T(a_row_that_does_not_open_is_left_to_the_person),
        T(only_the_pair_and_the_way_to_answer_go_along),
        T(logout_and_login_at_once_do_not_hurt_the_new_account),
        T(a_revocation_goes_on_for_a_day_while_the_provider_is_away),
        T(github_takes_a_token_by_its_text),
        T(a_token_that_is_in_use_again_is_not_taken_when_its_turn_comes),
        T(another_account_at_heroku_withdraws_the_first),
        T(who_did_not_sign_out_is_not_sent_to_take_access_away),
        T(the_most_that_a_sign_out_can_set_off_fits),
        T(the_most_that_a_sign_in_at_github_can_set_off_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
