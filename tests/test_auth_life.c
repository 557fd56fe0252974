/* test_auth_life.c -- how accounts end, what is said of it afterwards, and what is sealed anew. */
#include "auth_browser.h"
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static void uninstall(struct world *w, int64_t at_ms) {
    json_object_set_new(w->facts, "gone/T1", json_pack("{s:I}", "at_ms", (json_int_t)at_ms));
}

static struct sw_msg *due(const struct world *w, const char *provider, json_int_t version) {
    return message(
        w, SW_KIND_DUE, "c-due",
        json_pack("{s:s, s:s, s:I}", "user", "U1", "provider", provider, "version", version));
}

static const char *why(const struct world *w, const char *provider) {
    const json_t *was = json_object_get(json_object_get(w->facts, ACCT), "was");
    return sw_str(json_object_get(was, provider), "reason");
}

/* Another key of the same installation becomes current: rows of the first still open. */
static void rotate(struct world *w) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/token.key", w->dir);
    char old[256] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(old, sizeof(old), file));
    fclose(file);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%064d\n%s", 7, old);
    fclose(file);
    sw_keys_destroy(w->auth);
    w->auth = world_keys(w, "auth");
}

static void why_an_account_is_gone_is_said_until_there_is_another(void **state) {
    static const char *const outcomes[] = {"refused", "lost"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW + HOUR);
        run(w, due(w, "heroku", 5));
        run(w, refreshed(w, "l1", 5, outcomes[i], NULL));
        assert_int_equal(count(w, "send", "responder", NULL), 0); /* nobody asked */
        const json_t *kept = the(w, "store", ACCT, NULL);
        assert_int_equal(sw_int(kept, "ms"), 30 * 24 * HOUR); /* not for ever */
        run(w, command(w, "c1", "promote"));
        assert_card(w, outcomes[i], true);
        assert_string_equal(sw_str(json_object_get(body_of(reply(w, "login.card")), "data"), "by"),
                            "Heroku");
        run(w, command(w, "c2", "login"));
        assert_card(w, outcomes[i], false);
        assert_true(json_is_false(json_object_get(
            json_object_get(body_of(reply(w, "login.card")), "data"), "again"))); /* it is there */
        run(w, command(w, "c3", "logout"));
        reply(w, "logout.none");
        run(w, command(w, "c4", "promote"));
        assert_card(w, "missing", true);
    }
}

static void who_is_linked_at_the_other_provider_still_hears_why(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW + HOUR, "ghr-first");
    run(w, due(w, "github", 6));
    run(w, github_refreshed(w, 6, "lost", 0));
    assert_int_equal(sw_int(the(w, "store", ACCT, NULL), "ms"), 0);
    assert_non_null(account(w));
    run(w, command(w, "c1", "deploy"));
    assert_card(w, "lost", true);
    assert_missing(w, false, true);
    /* Renewing the other one does not forget it. */
    run(w, regrant(w, "c2", 5, true));
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    assert_string_equal(why(w, "github"), "lost");
}

static void each_end_is_told_to_executor_and_counted(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "logout"));
    assert_int_equal(count(w, "send", "executor", SW_KIND_REVOKED), 2);
    assert_int_equal(count(w, "tally", "slipway_links_total", NULL), 2);
    assert_int_equal(count(w, "send", "refresher", SW_KIND_ACCOUNT), 2);
    assert_int_equal(count(w, "audit", NULL, NULL), 1);
    assert_int_equal(count(w, "http", NULL, NULL), 2);
    assert_null(json_object_get(w->facts, ACCT));
}

static void an_account_of_before_the_uninstalling_is_as_good_as_not_linked(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR); /* linked_ms NOW */
    uninstall(w, NOW);
    run(w, command(w, "c1", "promote"));
    assert_card(w, "uninstalled", true);
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    run(w, command(w, "c2", "whoami"));
    assert_null(json_object_get(json_object_get(body_of(reply(w, "whoami")), "data"), "email"));
    run(w, regrant(w, "c3", 5, false)); /* of a plan that still ran */
    assert_card(w, "uninstalled", false);
    assert_string_equal(sw_str(body_of(the(w, "send", "executor", SW_KIND_UNGRANTED)), "reason"),
                        "missing");
    uninstall(w, NOW - 1); /* it was linked after that */
    run(w, command(w, "c4", "pipelines"));
    the(w, "send", "executor", SW_KIND_GRANTED);
}

static void its_next_round_erases_and_withdraws_it(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    uninstall(w, NOW);
    run(w, due(w, "github", 4)); /* whatever version the timer is of */
    assert_null(github(w));
    assert_string_equal(sw_str(json_object_get(the(w, "http", NULL, NULL), "value"), "method"),
                        "DELETE");
    assert_string_equal(sw_str(audited(w, "unlinked"), "detail"), "uninstalled");
    run(w, due(w, "heroku", 5));
    assert_null(account(w));
    assert_string_equal(sw_str(json_object_get(the(w, "http", NULL, NULL), "value"), "path"),
                        "/oauth/authorizations");
    assert_true(json_is_true(
        json_object_get(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "gone")));
    run(w, command(w, "c1", "promote"));
    assert_card(w, "uninstalled", true);
    /* A pair that was on its way then belongs to nobody. */
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    assert_int_equal(json_array_size(w->outputs), 1);
    the(w, "http", NULL, NULL);
}

static void what_has_run_out_for_good_is_erased_when_it_is_due(void **state) {
    struct world *w = *state;
    link_github(w, "U1", 6, NOW, NULL);
    run(w, due(w, "github", 6));
    assert_null(github(w));
    assert_string_equal(why(w, "github"), "expired");
    assert_int_equal(count(w, "http", NULL, NULL), 0); /* there is nothing to withdraw */
}

static void a_row_of_another_key_is_sealed_anew_when_it_is_due(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, due(w, "github", 6));
    assert_int_equal(count(w, "store", NULL, NULL), 0); /* of the current key */
    rotate(w);
    run(w, due(w, "github", 6));
    the(w, "store", ACCT, NULL);
    assert_true(sw_row_current(w->auth, sw_str(github(w), "row")));
    assert_false(sw_row_current(w->auth, sw_str(account(w), "row")));
    assert_int_equal(sw_int(github(w), "version"), 6); /* nothing else changes */
    run(w, due(w, "heroku", 5));
    assert_true(sw_row_current(w->auth, sw_str(account(w), "row")));
    SW_AUTO(sw_json)
    json_t *token =
        opened(the(w, "send", "refresher", SW_KIND_REFRESH), "refresh_token", w->refresher);
    assert_string_equal(sw_str(token, "refresh_token"), "HRKU-refresh");
}

static void all_rows_of_a_person_are_sealed_anew_on_request(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    rotate(w);
    run(w, command(w, "c1", "deploy"));
    the(w, "send", "executor", SW_KIND_GRANTED); /* the older key opens */
    run(w, message(w, SW_KIND_RESEAL, "c2", json_pack("{s:s}", "user", "U1")));
    assert_true(sw_row_current(w->auth, sw_str(account(w), "row")));
    assert_true(sw_row_current(w->auth, sw_str(github(w), "row")));
    assert_int_equal(count(w, "send", NULL, NULL), 0); /* nobody has to know */
    run(w, message(w, SW_KIND_RESEAL, "c3", json_pack("{s:s}", "user", "U1")));
    assert_int_equal(json_array_size(w->outputs), 0);
    run(w, message(w, SW_KIND_RESEAL, "c4", json_pack("{s:s}", "user", "U2")));
    assert_int_equal(json_array_size(w->outputs), 0);
}

/* Key files of another time, after a restart with an old Kubernetes secret, say. */
static void a_row_whose_key_is_not_here_is_kept_and_not_used(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *path = sw_printf("%s/token.key", w->dir);
    SW_AUTO(sw_text) char *aside = sw_printf("%s/aside", w->dir);
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    SW_AUTO(sw_json) json_t *before = json_deep_copy(account(w));
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(sw_keys_make(w->dir), 0);
    sw_keys_destroy(w->auth);
    w->auth = world_keys(w, "auth");
    const unsigned broken = sw_seal_broken();
    run(w, due(w, "heroku", 5));
    assert_int_equal(count(w, "send", "refresher", SW_KIND_REFRESH), 0);
    assert_true(sw_seal_broken() > broken); /* the alarm */
    run(w, command(w, "c1", "promote"));
    assert_card(w, "unreadable", true);
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    assert_true(json_equal(account(w), before));
    assert_int_equal(rename(aside, path), 0);
    sw_keys_destroy(w->auth);
    w->auth = world_keys(w, "auth");
    run(w, command(w, "c2", "promote"));
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 1);
}

/* The answer to a refresh that began before: what it brings is not withdrawn, it is what is linked from then on. */
static void a_new_pair_makes_a_row_whole_whose_key_is_not_here(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    json_object_set_new(json_object_get(json_object_get(w->facts, ACCT), "heroku"), "row",
                        json_string("2.00000000.AAAABBBBCCCC"));
    run(w, refreshed(w, "l1", 5, "ok", "r2"));
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    run(w, command(w, "c1", "promote"));
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 1);
}

static void who_asks_is_not_told_of_an_account_that_cannot_be_used(void **state) {
    static const char *const asked[] = {"login", "whoami"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW + HOUR);
        link_github(w, "U1", 6, 0, NULL);
        json_object_set_new(json_object_get(json_object_get(w->facts, ACCT), "heroku"), "row",
                            json_string("1.AAAABBBBCCCC"));
        run(w, command(w, "c1", asked[i]));
        assert_null(account(w));
        if (i == 0) assert_card(w, "unreadable", false);
        const json_t *data =
            json_object_get(body_of(the(w, "send", "responder", SW_KIND_REPLY)), "data");
        assert_null(json_object_get(data, "email"));
        assert_string_equal(sw_str(data, "login"), "ada-l");
    }
}

/* Rows and boxes of 0.2 begin with "1."; whatever comes first, it ends in a card and not in a dead letter. */
static void what_an_older_slipway_left_is_dropped_with_a_card(void **state) {
    struct world *w = *state;
    for (int first = 0; first < 6; first++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW + (first == 1 ? 0 : HOUR));
        link_github(w, "U1", 6, 0, NULL);
        run(w, regrant(w, "c0", 5, true)); /* it waits in a flight, with a box of that time */
        json_t *flight = json_object_get(w->facts, FLIGHT);
        json_object_set_new(
            json_object_get(json_array_get(json_object_get(flight, "waiting"), 0), "boxes"),
            "response_url", json_string("1.ingress.responder.AAAA"));
        json_object_set_new(json_object_get(json_object_get(w->facts, ACCT), "heroku"), "row",
                            json_string("1.AAAABBBBCCCC"));
        json_object_set_new(json_object_get(json_object_get(w->facts, ACCT), "github"), "row",
                            json_string("1.AAAABBBBCCCC"));
        if (first == 0 || first == 1) run(w, command(w, "c1", "promote"));
        if (first == 2) run(w, due(w, "heroku", 5));
        if (first == 3) run(w, regrant(w, "c1", 5, true));
        if (first == 4) run(w, refreshed(w, "l1", 5, "refused", NULL));
        if (first == 5) run(w, timer(w, flight_id(w))); /* only what waited is told */
        print_message("first %d: %zu outputs\n", first, json_array_size(w->outputs));
        assert_int_equal(account(w) != NULL, first == 5);
        assert_null(json_object_get(w->facts, FLIGHT));
        assert_true(count(w, "send", "responder", SW_KIND_REPLY) >= 1);
        run(w, command(w, "c2", "deploy"));
        assert_card(w, first == 4 ? "refused" : "unreadable", true);
        run(w, command(w, "c3", "logout"));
        assert_int_equal(count(w, "http", NULL, NULL), 0);
    }
}

static void a_version_never_repeats_one_that_ended(void **state) {
    struct world *w = *state;
    link_up(w, "U1", NOW + HOUR, NOW + 2 * HOUR); /* of a clock that was set back since */
    run(w, due(w, "heroku", NOW + HOUR));
    run(w, refreshed(w, "l1", NOW + HOUR, "refused", NULL));
    const json_t *was = json_object_get(json_object_get(w->facts, ACCT), "was");
    assert_int_equal(sw_int(json_object_get(was, "heroku"), "version"), NOW + HOUR);
    struct browser b;
    json_t *call = exchanged(w, come_back(w, &b, "login"));
    answer(w, call, ada(), NULL);
    assert_int_equal(sw_int(account(w), "version"), NOW + HOUR + 1);
    assert_string_equal(why(w, "heroku"), "");
    json_decref(call);
}

static void a_flight_of_a_clock_that_was_set_back_is_not_joined(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    run(w, command(w, "c1", "pipelines"));
    w->now_ms = NOW - HOUR;
    run(w, regrant(w, "c2", 5, true));
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_int_equal(waiting(w), 2);
}

static void the_age_of_a_token_is_observed_when_its_successor_comes(void **state) {
    struct world *w = *state;
    link_up(w, "U1", NOW - 6 * HOUR, NOW + 2 * HOUR);
    run(w, due(w, "heroku", NOW - 6 * HOUR));
    run(w, refreshed(w, "l1", NOW - 6 * HOUR, "ok", NULL));
    assert_int_equal(sw_int(the(w, "tally", "slipway_token_age_seconds", NULL), "ms"), 6 * HOUR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(why_an_account_is_gone_is_said_until_there_is_another),
        T(who_is_linked_at_the_other_provider_still_hears_why),
        T(each_end_is_told_to_executor_and_counted),
        T(an_account_of_before_the_uninstalling_is_as_good_as_not_linked),
        T(its_next_round_erases_and_withdraws_it),
        T(what_has_run_out_for_good_is_erased_when_it_is_due),
        T(a_row_of_another_key_is_sealed_anew_when_it_is_due),
        T(all_rows_of_a_person_are_sealed_anew_on_request),
        T(a_row_whose_key_is_not_here_is_kept_and_not_used),
        T(a_new_pair_makes_a_row_whole_whose_key_is_not_here),
        T(who_asks_is_not_told_of_an_account_that_cannot_be_used),
        T(what_an_older_slipway_left_is_dropped_with_a_card),
        T(a_version_never_repeats_one_that_ended),
        T(a_flight_of_a_clock_that_was_set_back_is_not_joined),
        T(the_age_of_a_token_is_observed_when_its_successor_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
