/* test_auth_github.c -- two accounts of one person: what needs which, and each token's own end. */
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static void each_command_waits_for_what_it_needs_and_no_more(void **state) {
    struct world *w = *state;
    static const struct {
        const char *handler;
        bool set_up, heroku, github; /* what is there */
        const char *outcome;         /* "granted", "card" or a template */
    } rows[] = {
        {"deploy", true, true, true, "granted"},
        {"deploy", true, true, false, "card"},
        {"deploy", true, false, true, "card"},
        {"deploy", true, false, false, "card"},
        {"deploy", false, true, true, "error.no_github"},
        {"deploy", false, false, false, "error.no_github"},
        {"promote", true, true, true, "granted"},
        {"promote", true, true, false, "card"},
        {"promote", false, true, false, "granted"},
        {"promote", false, true, true, "granted"},
        {"pipelines", true, true, false, "granted"},
        {"rollback", true, true, false, "granted"},
        {"rollback", true, false, true, "card"},
        {"wait", true, true, false, "granted"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object_clear(w->facts);
        w->conf.github_client_id[0] = rows[i].set_up ? 'I' : '\0';
        if (rows[i].heroku) link_up(w, "U1", 5, NOW + HOUR);
        if (rows[i].github) link_github(w, "U1", 6, 0, NULL);
        run(w, command(w, "c1", rows[i].handler));
        if (!strcmp(rows[i].outcome, "granted")) {
            const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
            const json_t *at = json_object_get(body_of(m), "github");
            assert_token(w, m, "HRKU-access");
            assert_int_equal(at != NULL, rows[i].github);
            if (rows[i].github) assert_github(w, m, "gho-access");
        } else if (!strcmp(rows[i].outcome, "card")) {
            assert_card(w, "missing", true);
            assert_missing(w, !rows[i].heroku, !rows[i].github);
            assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
        } else {
            reply(w, rows[i].outcome);
            assert_null(json_object_get(w->facts, PEND));
            assert_int_equal(json_array_size(w->outputs), 1);
        }
    }
}

static void a_grant_says_who_it_is_at_github(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"gho-", "HRKU-", NULL};
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "deploy"));
    const json_t *at =
        json_object_get(body_of(the(w, "send", "executor", SW_KIND_GRANTED)), "github");
    assert_string_equal(sw_str(at, "login"), "ada-l");
    assert_string_equal(sw_str(at, "id"), "7");
    assert_int_equal(sw_int(at, "version"), 6);
    assert_int_equal(sw_int(at, "expires_ms"), 0);
    assert_int_equal(json_object_size(at), 4);
    assert_hidden(w, secrets);
}

static void a_row_of_the_other_provider_is_never_used(void **state) {
    struct world *w = *state;
    for (int at_github = 0; at_github < 2; at_github++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW + HOUR);
        link_github(w, "U1", 5, 0, NULL);
        json_t *person = json_object_get(w->facts, ACCT);
        json_t *heroku = json_object_get(person, "heroku"),
               *other = json_object_get(person, "github");
        json_object_set(at_github ? other : heroku, "row",
                        json_object_get(at_github ? heroku : other, "row"));
        run(w, command(w, "c1", "deploy"));
        assert_card(w, "unreadable", true);
        assert_missing(w, !at_github, at_github);
    }
    json_object_clear(w->facts);
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U2", 5, 0, NULL); /* of another person */
    json_object_set(json_object_get(w->facts, ACCT), "github",
                    json_object_get(json_object_get(w->facts, "acct/T1/U2"), "github"));
    run(w, command(w, "c1", "deploy"));
    assert_card(w, "unreadable", true);
    assert_null(github(w));
    assert_non_null(account(w));
}

static void a_stale_token_of_github_is_refreshed_by_a_flight_of_its_own(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW, "ghr-first");
    run(w, command(w, "c1", "deploy"));
    const json_t *m = the(w, "send", "refresher", SW_KIND_REFRESH);
    SW_AUTO(sw_json) json_t *value = opened(m, "refresh_token", w->refresher);
    assert_string_equal(sw_str(value, "refresh_token"), "ghr-first");
    assert_string_equal(sw_str(body_of(m), "provider"), "github");
    assert_int_equal(sw_int(body_of(m), "version"), 6);
    const json_t *armed = the(w, "after", FLIGHT_GITHUB, SW_KIND_AUTH_TIMER);
    assert_string_equal(sw_str(body_of(armed), "provider"), "github");
    assert_null(json_object_get(w->facts, FLIGHT));
    run(w, command(w, "c2", "pipelines")); /* needs Heroku only, and goes at once */
    the(w, "send", "executor", SW_KIND_GRANTED);
    run(w, github_refreshed(w, 6, "ok", 28800));
    m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_string_equal(sw_str(m, "cmd"), "c1");
    assert_github(w, m, "ghu-second");
    assert_token(w, m, "HRKU-access");
    assert_int_equal(sw_int(github(w), "expires_ms"), NOW + 8 * HOUR);
    assert_int_equal(sw_int(account(w), "version"), 5);
    const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_string_equal(sw_str(news, "provider"), "github");
    assert_true(json_is_false(json_object_get(news, "gone")));
    assert_null(json_object_get(w->facts, FLIGHT_GITHUB));
}

static void a_command_that_needs_both_waits_for_one_after_the_other(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    link_github(w, "U1", 6, NOW, "ghr-first");
    for (int i = 0; i < 3; i++) {
        run(w, command(w, "c1", i < 2 ? "deploy" : "pipelines"));
    }
    assert_int_equal(waiting(w), 3);
    assert_null(json_object_get(w->facts, FLIGHT_GITHUB));
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    the(w, "send", "executor", SW_KIND_GRANTED); /* the one that needs only Heroku */
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_null(json_object_get(w->facts, FLIGHT));
    assert_int_equal(waiting_for_github(w), 2);
    run(w, github_refreshed(w, 6, "ok", 28800));
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 2);
    assert_int_equal(json_object_size(w->facts), 1);
}

static void two_flights_of_one_person_share_one_bound(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    link_github(w, "U1", 6, NOW, "ghr-first");
    for (int i = 0; i < 20; i++) {
        run(w, i % 2 ? regrant(w, "c1", 5, false) : regrant_github(w, "c2", 6, false));
    }
    assert_int_equal(waiting(w), 10);
    assert_int_equal(waiting_for_github(w), 10);
    run(w, regrant_github(w, "c3", 6, false));
    reply(w, "error.internal");
    run(w, command(w, "c4", "logout")); /* the most that can come of it fits */
    assert_int_equal(count(w, "send", "executor", SW_KIND_UNGRANTED), 20);
    assert_int_equal(count(w, "send", "refresher", SW_KIND_ACCOUNT), 2);
    assert_int_equal(json_object_size(w->facts), 1); /* the link on the cards */
}

static void github_away_names_github(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW, "ghr-first");
    run(w, command(w, "c1", "promote"));
    SW_AUTO(sw_text)
    char *id = sw_strdup(sw_str(json_object_get(w->facts, FLIGHT_GITHUB), "flight"));
    run(w, timer(w, id)); /* of Heroku's flight: another one */
    assert_int_equal(json_array_size(w->outputs), 0);
    run(w, github_refreshed(w, 6, "failed", 0));
    const json_t *data = json_object_get(body_of(reply(w, "error.upstream")), "data");
    assert_string_equal(sw_str(data, "upstream"), "GitHub");
    assert_int_equal(sw_int(github(w), "version"), 6);
    run(w, command(w, "c2", "promote"));
    struct sw_msg *m = timer(w, sw_str(json_object_get(w->facts, FLIGHT_GITHUB), "flight"));
    json_object_set_new(m->body, "provider", json_string("github"));
    run(w, m);
    reply(w, "error.upstream");
}

static void whoami_says_who_and_since_when(void **state) {
    struct world *w = *state;
    run(w, command(w, "c1", "whoami"));
    const json_t *data = json_object_get(body_of(reply(w, "whoami")), "data");
    assert_null(json_object_get(data, "email"));
    assert_true(json_is_true(json_object_get(data, "missing")));
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "whoami"));
    data = json_object_get(body_of(reply(w, "whoami")), "data");
    assert_string_equal(sw_str(data, "email"), "ada@example.com");
    assert_int_equal(sw_int(data, "email_ms"), NOW);
    assert_string_equal(sw_str(data, "login"), "ada-l");
    assert_int_equal(sw_int(data, "login_ms"), NOW - HOUR);
    assert_null(json_object_get(data, "missing"));
    assert_int_equal(json_array_size(w->outputs), 1);
}

static void login_offers_what_is_missing_and_logout_forgets_both(void **state) {
    struct world *w = *state;
    run(w, command(w, "c1", "login"));
    assert_card(w, "login", false);
    assert_missing(w, true, true);
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, command(w, "c2", "login"));
    assert_card(w, "login", false);
    assert_missing(w, false, true);
    const json_t *data = json_object_get(body_of(reply(w, "login.card")), "data");
    assert_string_equal(sw_str(data, "email"), "ada@example.com");
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c3", "login"));
    data = json_object_get(body_of(reply(w, "login.linked")), "data");
    assert_string_equal(sw_str(data, "login"), "ada-l");
    run(w, command(w, "c4", "logout"));
    data = json_object_get(body_of(reply(w, "logout.done")), "data");
    assert_string_equal(sw_str(data, "email"), "ada@example.com");
    assert_string_equal(sw_str(data, "login"), "ada-l");
    assert_true(json_is_true(json_object_get(data, "both")));
    assert_int_equal(count(w, "send", "refresher", SW_KIND_ACCOUNT), 2);
    assert_null(json_object_get(w->facts, ACCT));
    const json_t *accounts = json_object_get(audited(w, "logout"), "accounts");
    assert_string_equal(sw_str(accounts, "heroku"), "ada@example.com");
    assert_string_equal(sw_str(accounts, "github"), "ada-l");
}

static void a_provider_that_is_none_is_refused(void **state) {
    struct world *w = *state;
    static const char *const kinds[] = {SW_KIND_REGRANT, SW_KIND_REFRESHED, SW_KIND_DUE,
                                        SW_KIND_AUTH_TIMER, SW_KIND_AUTH_HTTP};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_t *body =
            json_pack("{s:s, s:o, s:s}", "user", "U1", "who", who("U1"), "provider", "elsewhere");
        assert_int_equal(world_try(w, message(w, kinds[i], "c1", body)), -EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(each_command_waits_for_what_it_needs_and_no_more),
        T(a_grant_says_who_it_is_at_github),
        T(a_row_of_the_other_provider_is_never_used),
        T(a_stale_token_of_github_is_refreshed_by_a_flight_of_its_own),
        T(a_command_that_needs_both_waits_for_one_after_the_other),
        T(two_flights_of_one_person_share_one_bound),
        T(github_away_names_github),
        T(whoami_says_who_and_since_when),
        T(login_offers_what_is_missing_and_logout_forgets_both),
        T(a_provider_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
