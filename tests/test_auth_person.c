/* test_auth_person.c -- notifier's own commands get no card and no answer; and notifier learns who people are elsewhere. */
#include "auth_browser.h"
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static struct sw_msg *tend(const struct world *w, const char *kind, const char *cmd) {
    struct sw_msg *m =
        message(w, kind, cmd,
                json_pack("{s:o, s:{s:s, s:s, s:b, s:s, s:s, s:I}}", "who", who("U1"), "command",
                          "task", "tend", "handler", "tend", "valid", 1, "pipeline", "p-1", "what",
                          "check", "since_ms", (json_int_t)NOW));
    return m;
}

static struct sw_msg *tend_regrant(const struct world *w, const char *provider, json_int_t version,
                                   bool refused) {
    struct sw_msg *m = tend(w, SW_KIND_REGRANT, "c1");
    json_object_set_new(m->body, "provider", json_string(provider));
    json_object_set_new(m->body, "version", json_integer(version));
    json_object_set_new(m->body, "refused", json_boolean(refused));
    return m;
}

/* The only route.v1; and nobody was told anything, and nothing waits for a sign-in. */
static void assert_route(const struct world *w, const char *what, const char *reason) {
    const json_t *m = the(w, "send", "notifier", SW_KIND_ROUTE), *body = body_of(m);
    assert_string_equal(sw_str(body, "do"), what);
    assert_string_equal(sw_str(body, "reason"), reason);
    assert_string_equal(sw_str(json_object_get(body, "pipeline"), "id"), "p-1");
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "U1");
    assert_string_equal(sw_str(body, "op"), sw_str(m, "cmd"));
    assert_int_equal(json_object_size(json_object_get(m, "boxes")), 0);
    assert_int_equal(count(w, "send", "responder", NULL), 0);
    assert_null(json_object_get(w->facts, PEND));
}

static void assert_ungranted(const struct world *w, const char *reason) {
    const json_t *body = body_of(the(w, "send", "executor", SW_KIND_UNGRANTED));
    assert_string_equal(sw_str(body, "reason"), reason);
    assert_int_equal(count(w, "send", "responder", NULL), 0);
    assert_int_equal(count(w, "send", "notifier", SW_KIND_ROUTE), 0);
}

static void whoever_is_linked_is_granted_with_github_where_it_is(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, tend(w, SW_KIND_COMMAND, "c1"));
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_token(w, m, "HRKU-access");
    assert_null(json_object_get(body_of(m), "github"));
    link_github(w, "U1", 6, 0, NULL);
    run(w, tend(w, SW_KIND_COMMAND, "c2"));
    assert_github(w, the(w, "send", "executor", SW_KIND_GRANTED), "gho-access");
}

static void without_an_account_the_route_has_lost_its_owner_and_nobody_gets_a_card(void **state) {
    struct world *w = *state;
    run(w, tend(w, SW_KIND_COMMAND, "c1"));
    assert_route(w, "lost", "unlinked");
    assert_int_equal(json_object_size(w->facts), 0);
    link_github(w, "U1", 6, 0, NULL); /* GitHub alone is not enough */
    run(w, tend(w, SW_KIND_COMMAND, "c2"));
    assert_route(w, "lost", "unlinked");
}

static void a_key_that_is_not_here_is_no_conclusion(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    SW_AUTO(sw_text) char *row = sw_strdup(sw_str(account(w), "row"));
    row[2] = row[2] == 'a' ? 'b' : 'a'; /* of another key's id */
    json_object_set_new((json_t *)account(w), "row", json_string(row));
    run(w, tend(w, SW_KIND_COMMAND, "c1"));
    assert_route(w, "away", "");
    assert_non_null(account(w));
}

static void a_refresh_that_fails_is_away_and_one_that_is_refused_is_lost(void **state) {
    static const struct {
        const char *outcome, *what, *reason;
    } rows[] = {
        {"failed", "away", ""}, {"refused", "lost", "unlinked"}, {"lost", "lost", "unlinked"}};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW);
        run(w, tend(w, SW_KIND_COMMAND, "c1"));
        assert_int_equal(waiting(w), 1);
        run(w, refreshed(w, "l1", 5, rows[i].outcome, NULL));
        assert_route(w, rows[i].what, rows[i].reason);
    }
}

static void refreshes_keep_room_for_people(void **state) {
    struct world *w = *state;
    char id[8];
    link_up(w, "U1", 5, NOW);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        run(w, tend(w, SW_KIND_COMMAND, id));
        assert_int_equal(count(w, "send", "notifier", NULL), 0);
    }
    run(w, tend(w, SW_KIND_COMMAND, "t10"));
    assert_route(w, "away", "");
    run(w, command(w, "c1", "rollback"));
    assert_int_equal(waiting(w), 11);
    assert_int_equal(count(w, "send", "responder", NULL), 0);
}

static void of_a_plan_executor_alone_hears_how_its_grant_ends(void **state) {
    struct world *w = *state;
    run(w, tend_regrant(w, "heroku", 5, true));
    assert_ungranted(w, "missing");
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, tend_regrant(w, "github", 6, true)); /* it does not run out, so no other comes */
    assert_ungranted(w, "refused");
    assert_null(github(w));
    run(w, tend_regrant(w, "heroku", 5, true));
    assert_int_equal(waiting(w), 1);
    run(w, refreshed(w, "l1", 5, "failed", NULL));
    assert_ungranted(w, "upstream");
}

/* ---- person.v1 ---- */

static void assert_person(const json_t *m, const char *provider, const char *id, const char *name,
                          bool gone) {
    const json_t *body = body_of(m);
    assert_string_equal(sw_str(body, "user"), "U1");
    assert_string_equal(sw_str(body, "provider"), provider);
    assert_string_equal(sw_str(body, "id"), id);
    assert_string_equal(sw_str(body, "name"), name);
    assert_int_equal(json_is_true(json_object_get(body, "gone")), gone);
    assert_int_equal(json_object_size(json_object_get(m, "boxes")), 0);
}

static const json_t *person(const struct world *w) {
    return the(w, "send", "notifier", SW_KIND_PERSON);
}

static void who_links_is_named_by_id_and_by_email_or_login(void **state) {
    struct world *w = *state;
    struct browser b;
    sign_in(w, &b, "login");
    assert_person(person(w), "heroku", "id-1", "ada<@example.com", false);
    at_github(w, &b);
    finish_at_github(w, &b, oauth_token());
    assert_person(person(w), "github", "7", "ada-l", false);
}

static void another_account_takes_the_place_of_the_one_before(void **state) {
    struct world *w = *state;
    struct browser b;
    w->conf.github_client_id[0] = '\0';
    type_command(w, (memset(&b, 0, sizeof(b)), &b), "U1", "login");
    link_up(w, "U1", 5, NOW + HOUR);
    json_object_set_new((json_t *)account(w), "id", json_string("id-0"));
    get_link(w, &b);
    go(w, &b);
    back(w, b.cookie, b.state, "code", "the-code");
    json_t *call = exchanged(w, call_of(w));
    answer(w, call, ada(), NULL);
    json_decref(call);
    const json_t *gone = NULL, *new = NULL;
    size_t i;
    json_t *o;
    json_array_foreach(w->outputs, i, o) {
        if (!output_is(o, "send", "notifier", SW_KIND_PERSON)) continue;
        json_is_true(json_object_get(body_of(o), "gone")) ? (gone = o) : (new = o);
        assert_true(!new || gone); /* in this order */
    }
    assert_person(gone, "heroku", "id-0", "ada@example.com", true);
    assert_person(new, "heroku", "id-1", "ada<@example.com", false);
}

static void each_refresh_says_it_again(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "promote"));
    run(w, refreshed(w, "l1", 5, "ok", "HRKU-next"));
    assert_person(person(w), "heroku", "id-1", "ada@example.com", false);
}

static void who_signs_out_or_is_refused_is_gone(void **state) {
    struct world *w = *state;
    size_t i;
    json_t *o;
    int gone = 0;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "logout"));
    json_array_foreach(w->outputs, i, o) {
        if (!output_is(o, "send", "notifier", SW_KIND_PERSON)) continue;
        bool hub = !strcmp(sw_str(body_of(o), "provider"), "github");
        assert_person(o, hub ? "github" : "heroku", hub ? "7" : "id-1",
                      hub ? "ada-l" : "ada@example.com", true);
        gone++;
    }
    assert_int_equal(gone, 2);
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c2", "promote"));
    run(w, refreshed(w, "l1", 5, "refused", NULL));
    assert_person(person(w), "heroku", "id-1", "ada@example.com", true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, world_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(whoever_is_linked_is_granted_with_github_where_it_is),
        TEST(without_an_account_the_route_has_lost_its_owner_and_nobody_gets_a_card),
        TEST(a_key_that_is_not_here_is_no_conclusion),
        TEST(a_refresh_that_fails_is_away_and_one_that_is_refused_is_lost),
        TEST(refreshes_keep_room_for_people),
        TEST(of_a_plan_executor_alone_hears_how_its_grant_ends),
        TEST(who_links_is_named_by_id_and_by_email_or_login),
        TEST(another_account_takes_the_place_of_the_one_before),
        TEST(each_refresh_says_it_again),
        TEST(who_signs_out_or_is_refused_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
