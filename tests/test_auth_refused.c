/* test_auth_refused.c -- tokens of GitHub that are refused, run out or are due, beside those of Heroku. */
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static void a_refusal_at_github_unlinks_github_only(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW, "ghr-first");
    run(w, command(w, "c1", "deploy"));
    run(w, github_refreshed(w, 6, "refused", 0));
    assert_card(w, "refused", false);
    assert_missing(w, false, true);
    const json_t *data = json_object_get(body_of(reply(w, "login.card")), "data");
    assert_string_equal(sw_str(data, "by"), "GitHub");
    const json_t *gone = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_string_equal(sw_str(gone, "provider"), "github");
    assert_true(json_is_true(json_object_get(gone, "gone")));
    assert_null(github(w));
    assert_int_equal(sw_int(account(w), "version"), 5);
    const json_t *entry = audited(w, "unlinked");
    assert_string_equal(sw_str(json_object_get(entry, "accounts"), "github"), "ada-l");
    assert_string_equal(sw_str(entry, "detail"), "refused");
}

static void a_refusal_at_heroku_leaves_github(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW);
    link_github(w, "U1", 6, 0, NULL);
    run(w, command(w, "c1", "deploy"));
    run(w, refreshed(w, "l1", 5, "refused", NULL));
    assert_card(w, "refused", false);
    assert_missing(w, true, false);
    assert_null(account(w));
    assert_string_equal(sw_str(github(w), "login"), "ada-l");
}

static void a_refused_token_without_another_is_definite_at_once(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, 0, NULL);
    run(w, regrant_github(w, "c0", 5, true)); /* an older one: this one was not refused yet */
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_true(json_is_true(json_object_get(body_of(m), "renewal")));
    assert_github(w, m, "gho-access");
    assert_token(w, m, "HRKU-access");
    run(w, regrant_github(w, "c1", 6, true));
    assert_card(w, "refused", false);
    const json_t *ungranted = body_of(the(w, "send", "executor", SW_KIND_UNGRANTED));
    assert_string_equal(sw_str(ungranted, "reason"), "refused");
    assert_string_equal(sw_str(ungranted, "provider"), "github");
    assert_int_equal(count(w, "send", "refresher", SW_KIND_REFRESH), 0);
    assert_null(github(w));
    assert_non_null(account(w));
    run(w, regrant_github(w, "c2", 6, true)); /* who comes after that is not linked */
    assert_card(w, "refused", false);
    the(w, "send", "executor", SW_KIND_UNGRANTED);
}

static void a_refused_token_with_another_is_renewed_once(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW + HOUR, "ghr-first");
    run(w, regrant_github(w, "c1", 6, true));
    the(w, "send", "refresher", SW_KIND_REFRESH);
    run(w, github_refreshed(w, 6, "ok", 28800));
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_true(json_is_true(json_object_get(body_of(m), "renewal")));
    assert_github(w, m, "ghu-second");
    json_int_t version = sw_int(github(w), "version");
    assert_int_equal(json_array_size(json_object_get(account(w), "renewed")), 0);
    run(w, regrant(w, "c1", 5, true)); /* Heroku's is another matter */
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_non_null(github(w));
    run(w, regrant_github(w, "c1", version, true));
    assert_card(w, "refused", false);
    assert_null(github(w));
}

static void a_token_that_ran_out_without_another_is_no_account(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW, NULL);
    run(w, command(w, "c1", "deploy"));
    assert_card(w, "expired", true);
    assert_missing(w, false, true);
    run(w, command(w, "c2", "pipelines"));
    assert_null(json_object_get(body_of(the(w, "send", "executor", NULL)), "github"));
    run(w, command(w, "c3", "logout"));
    assert_null(json_object_get(w->facts, ACCT));
}

static void a_token_without_an_end_is_never_refreshed(void **state) {
    struct world *w = *state;
    static const char *const refresh[] = {NULL, "ghr-first"};
    for (size_t i = 0; i < 2; i++) {
        json_object_clear(w->facts);
        link_up(w, "U1", 5, NOW + HOUR);
        link_github(w, "U1", 6, 0, refresh[i]);
        w->now_ms = NOW + 1000 * HOUR;
        run(w, message(w, SW_KIND_DUE, "c1",
                       json_pack("{s:s, s:s, s:i}", "user", "U1", "provider", "github", "version",
                                 i ? 4 : 6)));
        const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
        assert_true(json_is_false(json_object_get(news, "gone"))); /* but it has a timer */
        assert_true(json_is_false(json_object_get(news, "first")));
        assert_int_equal(sw_int(news, "version"), 6);
        assert_int_equal(sw_int(news, "expires_ms"), 0);
        assert_int_equal(count(w, "send", "refresher", SW_KIND_REFRESH), 0);
    }
}

static void a_token_of_github_that_is_due_is_refreshed(void **state) {
    struct world *w = *state;
    link_github(w, "U1", 6, NOW + 2 * HOUR, "ghr-first");
    json_t *due = json_pack("{s:s, s:s, s:i}", "user", "U1", "provider", "github", "version", 6);
    run(w, message(w, SW_KIND_DUE, "c1", due));
    const json_t *m = the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_true(json_is_true(json_object_get(m, "bulk")));
    assert_string_equal(sw_str(body_of(m), "provider"), "github");
    /* One that comes back without an end is not hurried any more. */
    run(w, github_refreshed(w, 6, "ok", 0));
    assert_int_equal(sw_int(github(w), "expires_ms"), 0);
    const json_t *news = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_true(json_is_false(json_object_get(news, "gone")));
    assert_int_equal(sw_int(news, "expires_ms"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_refusal_at_github_unlinks_github_only),
        T(a_refusal_at_heroku_leaves_github),
        T(a_refused_token_without_another_is_definite_at_once),
        T(a_refused_token_with_another_is_renewed_once),
        T(a_token_that_ran_out_without_another_is_no_account),
        T(a_token_without_an_end_is_never_refreshed),
        T(a_token_of_github_that_is_due_is_refreshed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
