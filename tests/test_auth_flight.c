/* test_auth_flight.c -- one refresh at a time, who waits for it, and how it ends. */
#include "auth_world.h"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void a_token_that_runs_out_is_refreshed_first(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + MINUTE);
    run(w, command(w, "c1", "promote"));
    const json_t *m = the(w, "send", "refresher", SW_KIND_REFRESH);
    SW_AUTO(sw_json) json_t *value = opened(m, "refresh_token", w->refresher);
    assert_string_equal(sw_str(value, "refresh_token"), "HRKU-refresh");
    assert_int_equal(json_object_size(json_object_get(m, "boxes")), 1);
    assert_string_equal(sw_str(body_of(m), "link"), "l1");
    assert_int_equal(sw_int(body_of(m), "version"), 5);
    assert_int_equal(sw_int(the(w, "after", FLIGHT, SW_KIND_AUTH_TIMER), "ms"), 90000);
    assert_int_equal(count(w, "send", "responder", NULL), 0);
    run(w, command(w, "c2", "promote")); /* the same flight */
    assert_int_equal(count(w, "send", NULL, NULL), 0);
    assert_int_equal(waiting(w), 2);

    run(w, refreshed(w, "l1", 5, "ok", "HRKU-refresh-2"));
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 2);
    the(w, "cancel", FLIGHT, NULL);
    assert_null(json_object_get(w->facts, FLIGHT));
    assert_int_equal(sw_int(account(w), "version"), NOW);
    assert_int_equal(sw_int(account(w), "expires_ms"), NOW + 8 * HOUR);
    const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_true(json_is_false(json_object_get(news, "gone")));
    assert_int_equal(sw_int(news, "version"), NOW);
    assert_int_equal(sw_int(news, "expires_ms"), NOW + 8 * HOUR);
    run(w, command(w, "c3", "promote"));
    assert_token(w, the(w, "send", "executor", SW_KIND_GRANTED), "HRKU-second");
}

static void an_old_refresh_token_is_kept_where_no_new_one_came(void **state) {
    static const char *const sent[] = {NULL, "HRKU-refresh-2"};
    static const char *const kept[] = {"HRKU-refresh", "HRKU-refresh-2"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        link_up(w, "U1", 5, NOW);
        run(w, command(w, "c1", "promote"));
        run(w, refreshed(w, "l1", 5, "ok", sent[i]));
        SW_AUTO(sw_json) json_t *tokens = NULL;
        assert_int_equal(sw_row_unseal(w->auth, sw_str(account(w), "row"), "T1/U1/heroku", &tokens),
                         0);
        assert_string_equal(sw_str(tokens, "refresh_token"), kept[i]);
    }
}

static void tokens_are_never_in_clear(void **state) {
    static const char *const secrets[] = {"HRKU-", NULL};
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + 2 * MINUTE);
    run(w, command(w, "c1", "promote"));
    assert_hidden(w, secrets);
    w->now_ms += 2 * MINUTE;
    run(w, command(w, "c2", "promote"));
    assert_hidden(w, secrets);
    run(w, refreshed(w, "l1", 5, "ok", "HRKU-refresh-2"));
    assert_hidden(w, secrets);
}

static void a_flight_takes_20_and_tells_the_next_one(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    for (int i = 0; i < 20; i++) {
        run(w, regrant(w, "c1", 5, false));
    }
    run(w, regrant(w, "c21", 5, false));
    reply(w, "error.internal");
    the(w, "send", "executor", SW_KIND_UNGRANTED);
    assert_int_equal(waiting(w), 20);
    run(w, command(w, "c22", "promote"));
    reply(w, "error.upstream");
    assert_int_equal(count(w, "send", "executor", NULL), 0); /* executor does not know it yet */
    run(w, refreshed(w, "l1", 5, "refused", NULL));          /* the most that can come of it fits */
    assert_int_equal(count(w, "send", "executor", SW_KIND_UNGRANTED), 20);
}

static void twenty_that_wait_are_told_of_a_refusal(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    for (int i = 0; i < 20; i++) {
        char cmd[16];
        snprintf(cmd, sizeof(cmd), "c%d", i);
        run(w, i % 2 ? regrant(w, cmd, 5, true) : command(w, cmd, "promote"));
    }
    run(w, refreshed(w, "l1", 5, "refused", NULL));
    assert_int_equal(count(w, "send", "responder", SW_KIND_REPLY), 20);
    assert_int_equal(count(w, "send", "executor", SW_KIND_UNGRANTED), 10);
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 0);
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    assert_int_equal(count(w, "store", NULL, NULL), 2); /* why, and one link for all the cards */
    const json_t *revoked = body_of(the(w, "send", "executor", SW_KIND_REVOKED));
    assert_string_equal(sw_str(revoked, "user"), "U1");
    assert_string_equal(sw_str(revoked, "provider"), "heroku");
    assert_int_equal(sw_int(revoked, "version"), 5);
    assert_true(json_is_true(
        json_object_get(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "gone")));
    assert_null(account(w));
    assert_null(json_object_get(w->facts, FLIGHT));
    assert_null(json_object_get(w->facts, PEND));
    size_t i;
    json_t *o;
    json_array_foreach(w->outputs, i, o) {
        if (!output_is(o, "send", "responder", NULL)) continue;
        SW_AUTO(sw_json) json_t *link = opened(o, "link", w->responder);
        assert_string_not_equal(sw_str(link, "url"), "");
        assert_string_equal(sw_str(json_object_get(body_of(o), "data"), "reason"), "refused");
    }
}

static void heroku_away_leaves_the_account_and_serves_what_still_can_be(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + 10 * MINUTE);
    run(w, message(w, SW_KIND_DUE, "c-due",
                   json_pack("{s:s, s:s, s:i}", "user", "U1", "provider", "heroku", "version", 5)));
    the(w, "send", "refresher", SW_KIND_REFRESH);
    run(w, regrant(w, "c1", 5, true)); /* its token is good for nothing */
    assert_int_equal(waiting(w), 1);
    run(w, refreshed(w, "l1", 5, "failed", NULL));
    const json_t *data = json_object_get(body_of(reply(w, "error.internal")), "data");
    assert_string_equal(sw_str(data, "id"), "c1"); /* it may have done its work: not "type again" */
    assert_string_equal(sw_str(body_of(the(w, "send", "executor", SW_KIND_UNGRANTED)), "reason"),
                        "upstream");
    assert_int_equal(sw_int(account(w), "version"), 5);
    assert_null(json_object_get(w->facts, FLIGHT));
    /* One that only feared that it runs out gets what is left. */
    w->now_ms = NOW + 9 * MINUTE + 1;
    run(w, regrant(w, "c2", 5, false));
    w->now_ms = NOW;
    run(w, refreshed(w, "l1", 5, "failed", NULL));
    the(w, "send", "executor", SW_KIND_GRANTED);
}

static void a_flight_without_an_answer_ends_by_its_timer(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "promote"));
    SW_AUTO(sw_text) char *id = sw_strdup(flight_id(w));
    run(w, timer(w, "another"));
    assert_int_equal(json_array_size(w->outputs), 0);
    run(w, timer(w, id));
    const json_t *data = json_object_get(body_of(reply(w, "error.upstream")), "data");
    assert_string_equal(sw_str(data, "line"), "promote storefront");
    assert_null(json_object_get(w->facts, FLIGHT));
    run(w, command(w, "c2", "promote")); /* may be tried again */
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_string_not_equal(flight_id(w), id);
    /* The late answer of the first call serves who waits in the second. */
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    assert_string_equal(sw_str(the(w, "send", "executor", SW_KIND_GRANTED), "cmd"), "c2");
}

static void a_late_failure_does_not_end_the_next_flight(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "promote"));
    struct sw_msg *late = refreshed(w, "l1", 5, "failed", NULL);
    run(w, timer(w, flight_id(w)));
    run(w, command(w, "c2", "promote"));
    run(w, late);
    assert_int_equal(json_array_size(w->outputs), 0);
    assert_int_equal(waiting(w), 1);
}

static void a_flight_whose_timer_is_lost_is_started_again(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "promote"));
    w->now_ms += 4 * MINUTE;
    run(w, command(w, "c2", "promote"));
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_int_equal(waiting(w), 2);
}

static void logout_during_a_flight_withdraws_the_new_pair(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "promote"));
    run(w, regrant(w, "c2", 5, false));
    struct sw_msg *late = refreshed(w, "l1", 5, "ok", NULL);
    run(w, command(w, "c3", "logout"));
    assert_int_equal(count(w, "send", "responder", SW_KIND_REPLY),
                     3); /* both are told, and logout */
    assert_string_equal(sw_str(the(w, "send", "executor", SW_KIND_UNGRANTED), "cmd"), "c2");
    the(w, "cancel", FLIGHT, NULL);
    run(w, late);
    assert_int_equal(json_array_size(w->outputs), 1);
    SW_AUTO(sw_json) json_t *pair = opened(the(w, "http", NULL, NULL), "pair", w->auth);
    assert_string_equal(sw_str(pair, "access_token"), "HRKU-second");
    assert_null(account(w));
}

static void the_pair_of_another_link_or_version_changes_nothing(void **state) {
    static const char *const outcomes[] = {"ok", "refused", "failed"};
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    SW_AUTO(sw_json) json_t *before = json_deep_copy(w->facts);
    for (size_t i = 0; i < 3; i++) {
        run(w, refreshed(w, "l0", 5, outcomes[i], NULL));
        assert_int_equal(json_array_size(w->outputs), i == 0); /* a pair of nobody is withdrawn */
        assert_int_equal(count(w, "http", NULL, NULL), i == 0);
        run(w, refreshed(w, "l1", 4, outcomes[i], NULL));
        assert_int_equal(json_array_size(w->outputs), 0);
    }
    assert_true(json_equal(before, w->facts));
}

static void a_pair_that_does_not_open_is_refused(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    struct sw_msg *m = refreshed(w, "l1", 5, "ok", NULL);
    strcpy(m->cmd, "c9");
    assert_int_equal(world_try(w, m), -EBADMSG);
    m = refreshed(w, "l1", 5, "ok", NULL);
    box(m, w->refresher, "auth", "pair", json_object());
    assert_int_equal(world_try(w, m), -EBADMSG);
    assert_int_equal(sw_int(account(w), "version"), 5);
}

static void a_token_that_is_due_is_refreshed_in_the_bulk_lane_once(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + 2 * HOUR);
    json_t *due = json_pack("{s:s, s:s, s:i}", "user", "U1", "provider", "heroku", "version", 5);
    run(w, message(w, SW_KIND_DUE, "c1", json_incref(due)));
    assert_true(
        json_is_true(json_object_get(the(w, "send", "refresher", SW_KIND_REFRESH), "bulk")));
    run(w, message(w, SW_KIND_DUE, "c2", json_incref(due)));
    assert_int_equal(json_array_size(w->outputs), 0);
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    assert_int_equal(sw_int(account(w), "version"), NOW);
    assert_int_equal(count(w, "send", "responder", NULL), 0);
    /* A timer of a version that is past is put right, */
    run(w, message(w, SW_KIND_DUE, "c3", json_incref(due)));
    assert_int_equal(sw_int(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "version"), NOW);
    /* and one of nobody is stopped. */
    json_object_clear(w->facts);
    run(w, message(w, SW_KIND_DUE, "c4", due));
    assert_true(json_is_true(
        json_object_get(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "gone")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_token_that_runs_out_is_refreshed_first),
        T(an_old_refresh_token_is_kept_where_no_new_one_came),
        T(tokens_are_never_in_clear),
        T(a_flight_takes_20_and_tells_the_next_one),
        T(twenty_that_wait_are_told_of_a_refusal),
        T(heroku_away_leaves_the_account_and_serves_what_still_can_be),
        T(a_flight_without_an_answer_ends_by_its_timer),
        T(a_late_failure_does_not_end_the_next_flight),
        T(a_flight_whose_timer_is_lost_is_started_again),
        T(logout_during_a_flight_withdraws_the_new_pair),
        T(the_pair_of_another_link_or_version_changes_nothing),
        T(a_pair_that_does_not_open_is_refused),
        T(a_token_that_is_due_is_refreshed_in_the_bulk_lane_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
