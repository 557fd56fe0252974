/* test_refresher.c -- when tokens are due, and what each answer of the provider leads to. */
#include "auth_world.h"

#define NAME "tok/T1/U1/heroku"

static int up(void **state) {
    return world_up(state, &sw_actor_refresher);
}

static void announce(struct world *w, int64_t expires_ms, bool gone) {
    run(w, message(w, SW_KIND_ACCOUNT, "c1",
                   json_pack("{s:s, s:s, s:I, s:b, s:I}", "user", "U1", "provider", "heroku",
                             "version", (json_int_t)7, "gone", gone, "expires_ms",
                             (json_int_t)expires_ms)));
}

static struct sw_msg *refresh(const struct world *w, const char *link, int version,
                              const char *flight) {
    struct sw_msg *m =
        message(w, SW_KIND_REFRESH, "c2",
                json_pack("{s:s, s:s, s:s, s:i, s:s}", "user", "U1", "provider", "heroku", "link",
                          link, "version", version, "flight", flight));
    box(m, w->auth, "refresher", "refresh_token", json_pack("{s:s}", "refresh_token", "HRKU-old"));
    return m;
}

/* The http output of a first call; the caller decrefs. */
static json_t *called(struct world *w) {
    run(w, refresh(w, "l1", 7, "f1"));
    return json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
}

static void answer(struct world *w, const json_t *call, json_t *http, json_t *sealed) {
    struct sw_msg *m = http_answer(w, call, http);
    if (sealed) box(m, w->refresher, "refresher", "answer", sealed);
    run(w, m);
}

static const char *outcome(const struct world *w) {
    return sw_str(body_of(the(w, "send", "auth", SW_KIND_REFRESHED)), "outcome");
}

static int64_t armed(const struct world *w) {
    return sw_int(the(w, "after", NAME, SW_KIND_REFRESHER_TIMER), "ms");
}

static void a_token_is_due_each_six_hours_more_or_less(void **state) {
    struct world *w = *state;
    int64_t least = 7 * HOUR, most = 0;
    for (int i = 0; i < 200; i++) {
        announce(w, NOW + 8 * HOUR, false);
        int64_t ms = armed(w);
        assert_in_range(ms, 6 * HOUR - 36 * MINUTE, 6 * HOUR + 36 * MINUTE);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_true(most - least > HOUR); /* spread, not all at once */
}

static void it_is_due_before_it_runs_out_and_never_in_a_tight_loop(void **state) {
    struct world *w = *state;
    static const struct {
        int64_t left_ms, least_ms, most_ms;
    } rows[] = {{7 * HOUR, 6 * HOUR - 46 * MINUTE, 6 * HOUR + 36 * MINUTE},
                {2 * HOUR, 88 * MINUTE, 110 * MINUTE},
                {20 * MINUTE, 8 * MINUTE, 10 * MINUTE},
                {MINUTE, 24 * 1000, MINUTE / 2},
                {100, 1000, 1000},
                {0, 1000, 1000},
                {-HOUR, 1000, 1000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t least = INT64_MAX, most = 0;
        for (int k = 0; k < 50; k++) {
            announce(w, NOW + rows[i].left_ms, false);
            int64_t ms = armed(w);
            assert_in_range(ms, rows[i].least_ms, rows[i].most_ms);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
        /* Never one moment for all of them. */
        assert_true(most - least >= (rows[i].most_ms - rows[i].least_ms) / 2);
    }
}

static void an_account_that_is_gone_has_no_timer(void **state) {
    struct world *w = *state;
    json_decref(called(w));
    announce(w, 0, true);
    the(w, "cancel", NAME, NULL);
    assert_int_equal(count(w, "after", NULL, NULL), 0);
    assert_int_equal(json_object_size(w->facts), 0);
}

static void a_timer_asks_auth_as_a_story_of_its_own_and_is_armed_again(void **state) {
    struct world *w = *state;
    struct sw_msg *m =
        message(w, SW_KIND_REFRESHER_TIMER, "c1",
                json_pack("{s:s, s:s, s:i}", "user", "U1", "provider", "heroku", "version", 7));
    m->born_ms = NOW - 100 * HOUR;
    run(w, m);
    const json_t *due = the(w, "send", "auth", SW_KIND_DUE);
    assert_string_not_equal(sw_str(due, "cmd"), "c1");
    assert_int_equal(strncmp(sw_str(due, "cmd"), "1795000000000-", 14), 0);
    assert_int_equal(sw_int(body_of(due), "version"), 7);
    assert_in_range(armed(w), 5 * HOUR, 7 * HOUR);
}

static void a_refresh_is_one_call_whose_secrets_are_references(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"HRKU-old", NULL};
    json_t *call = called(w);
    const json_t *request = json_object_get(call, "value"),
                 *form = json_object_get(request, "form");
    assert_string_equal(sw_str(request, "up"), "heroku_id");
    assert_string_equal(sw_str(request, "method"), "POST");
    assert_string_equal(sw_str(request, "path"), "/oauth/token");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(form, "grant_type"), "refresh_token");
    assert_string_equal(sw_str(json_object_get(form, "client_secret"), "$conf"), "heroku_secret");
    const json_t *secret = json_object_get(form, "refresh_token");
    SW_AUTO(sw_json) json_t *value = NULL;
    assert_string_equal(sw_str(secret, "field"), "refresh_token");
    assert_int_equal(sw_unseal(w->refresher, sw_str(secret, "$box"), sw_str(call, "cmd"), &value),
                     0);
    assert_string_equal(sw_str(value, "refresh_token"), "HRKU-old");
    assert_hidden(w, secrets);
    json_decref(call);
}

static void a_second_request_joins_the_call_that_is_under_way(void **state) {
    struct world *w = *state;
    json_t *call = called(w);
    run(w, refresh(w, "l1", 7, "f2"));
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    answer(w, call, json_pack("{s:i}", "status", 503), NULL);
    assert_string_equal(sw_str(body_of(the(w, "send", "auth", NULL)), "flight"), "f2");
    /* It failed, so the next request may try again. */
    run(w, refresh(w, "l1", 7, "f3"));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    /* Another link, another version: another token. */
    run(w, refresh(w, "l2", 9, "f4"));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    json_decref(call);
}

static void a_call_that_is_never_answered_does_not_block_for_ever(void **state) {
    struct world *w = *state;
    json_decref(called(w));
    w->now_ms += 31 * MINUTE;
    run(w, refresh(w, "l1", 7, "f2"));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
}

static void a_new_pair_goes_sealed_to_auth(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"HRKU-new", "HRKU-next", "HRKU-old", NULL};
    json_t *call = called(w);
    answer(w, call, json_pack("{s:i}", "status", 200),
           json_pack("{s:s, s:s, s:i}", "access_token", "HRKU-new", "refresh_token", "HRKU-next",
                     "expires_in", 28800));
    const json_t *m = the(w, "send", "auth", SW_KIND_REFRESHED);
    SW_AUTO(sw_json) json_t *pair = opened(m, "pair", w->auth);
    assert_string_equal(outcome(w), "ok");
    assert_int_equal(sw_int(body_of(m), "expires_in"), 28800);
    assert_int_equal(sw_int(body_of(m), "version"), 7);
    assert_string_equal(sw_str(body_of(m), "link"), "l1");
    assert_string_equal(sw_str(pair, "access_token"), "HRKU-new");
    assert_string_equal(sw_str(pair, "refresh_token"), "HRKU-next");
    assert_int_equal(json_object_size(json_object_get(m, "boxes")), 1);
    m = the(w, "store", NULL, NULL); /* that it was done, for a day */
    assert_int_equal(sw_int(m, "ms"), 24 * HOUR);
    assert_hidden(w, secrets);
    json_decref(call);
}

static void an_answer_without_a_new_refresh_token_keeps_the_old_one(void **state) {
    struct world *w = *state;
    json_t *call = called(w);
    answer(w, call, json_pack("{s:i}", "status", 200),
           json_pack("{s:s}", "access_token", "HRKU-new"));
    SW_AUTO(sw_json) json_t *pair = opened(the(w, "send", "auth", NULL), "pair", w->auth);
    assert_null(json_object_get(pair, "refresh_token"));
    json_decref(call);
}

static void an_unknown_outcome_is_repeated_once_and_then_failed(void **state) {
    static const char *const errors[] = {"unsure", "timeout"};
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        json_object_clear(w->facts);
        json_t *call = called(w);
        answer(w, call, json_pack("{s:s, s:i}", "error", errors[i], "status", 503), NULL);
        assert_int_equal(count(w, "send", NULL, NULL), 0);
        json_decref(call);
        call = json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
        answer(w, call, json_pack("{s:s}", "error", errors[i]), NULL);
        assert_int_equal(count(w, "http", NULL, NULL), 0);
        assert_string_equal(outcome(w), "failed");
        json_decref(call);
    }
}

static void only_a_definite_no_refuses(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *key, *word, *outcome;
    } rows[] = {
        {400, "error", "invalid_grant", "refused"},
        {401, "id", "unauthorized", "refused"},
        {403, "id", "forbidden", "refused"},
        {401, "other", "", "refused"},
        {401, "error", "invalid_client", "failed"},
        {400, "error", "invalid_request", "failed"},
        {401, "message", "Invalid client credentials.", "failed"},
        {429, "id", "rate_limit", "failed"},
        {500, "id", "x", "failed"},
        {404, "id", "not_found", "failed"},
        {200, "id", "junk", "failed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int sealed = 0; sealed < 2; sealed++) {
            json_object_clear(w->facts);
            json_t *call = called(w);
            json_t *json = json_pack("{s:s}", rows[i].key, rows[i].word);
            json_t *http = json_pack("{s:i}", "status", rows[i].status);
            if (!sealed) json_object_set(http, "json", json);
            answer(w, call, http, sealed ? json_incref(json) : NULL);
            assert_string_equal(outcome(w), rows[i].outcome);
            json_decref(json);
            json_decref(call);
        }
    }
}

/* What stands before Heroku (a firewall, a proxy) says no in its own way: that is nobody's access. */
static void a_no_that_is_not_of_the_provider_is_none(void **state) {
    static const int statuses[] = {400, 401, 403, 407};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        json_object_clear(w->facts);
        json_t *call = called(w);
        answer(w, call, json_pack("{s:i}", "status", statuses[i]), NULL); /* a page, no JSON */
        assert_string_equal(outcome(w), "failed");
        json_decref(call);
    }
}

static void a_refusal_lets_the_token_rest(void **state) {
    struct world *w = *state;
    json_t *call = called(w);
    answer(w, call, json_pack("{s:i}", "status", 401),
           json_pack("{s:s}", "error", "invalid_grant"));
    assert_int_equal(count(w, "after", NULL, NULL), 0);
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    assert_int_equal(json_object_size(w->facts), 0);
    json_decref(call);
}

static void failures_are_tried_again_later_and_later(void **state) {
    struct world *w = *state;
    int64_t longest = 0;
    static const int minutes[] = {1, 2, 4, 8, 16, 30, 30, 30};
    for (int k = 0; k < 20; k++) {
        json_object_clear(w->facts);
        for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
            json_t *call = called(w);
            answer(w, call, json_pack("{s:i}", "status", 503), NULL);
            assert_in_range(armed(w), 1000, minutes[i] * 60000);
            if (i == 7) longest = armed(w) > longest ? armed(w) : longest;
            json_decref(call);
        }
    }
    assert_in_range(longest, 20 * MINUTE, 30 * MINUTE);
    w->conf.refresh_ms = 2000; /* never later than the round itself */
    json_t *call = called(w);
    answer(w, call, json_pack("{s:i}", "status", 503), NULL);
    assert_in_range(armed(w), 1000, 2000);
    json_decref(call);
}

static void an_answer_for_a_forgotten_account_arms_nothing(void **state) {
    struct world *w = *state;
    static const char *const errors[] = {"unsure", "connect"};
    for (size_t i = 0; i < 2; i++) {
        json_t *call = called(w);
        announce(w, 0, true);
        answer(w, call, json_pack("{s:s}", "error", errors[i]), NULL);
        assert_string_equal(outcome(w), "failed");
        assert_int_equal(count(w, "after", NULL, NULL), 0);
        assert_int_equal(count(w, "http", NULL, NULL), 0);
        assert_int_equal(json_object_size(w->facts), 0);
        json_decref(call);
    }
}

static void an_answer_for_an_older_link_leaves_the_newer_one_alone(void **state) {
    struct world *w = *state;
    static const int statuses[] = {401, 503, 200};
    for (size_t i = 0; i < 3; i++) {
        json_object_clear(w->facts);
        json_t *call = called(w);
        run(w, refresh(w, "l2", 9, "f2"));
        SW_AUTO(sw_json) json_t *before = json_deep_copy(w->facts);
        answer(w, call, json_pack("{s:i}", "status", statuses[i]),
               json_pack("{s:s}", "access_token", "HRKU-new"));
        const json_t *body = body_of(the(w, "send", "auth", SW_KIND_REFRESHED));
        assert_string_equal(sw_str(body, "link"), "l1");
        assert_string_equal(sw_str(body, "flight"), "f1");
        assert_int_equal(json_array_size(w->outputs), 2); /* it, and the count */
        the(w, "tally", "slipway_token_refreshes_total", NULL);
        assert_true(json_equal(before, w->facts));
        json_decref(call);
    }
}

static void a_request_that_does_not_open_is_refused(void **state) {
    struct world *w = *state;
    struct sw_msg *m = refresh(w, "l1", 7, "f1");
    strcpy(m->cmd, "c9"); /* bound to another command */
    assert_int_equal(world_try(w, m), -EBADMSG);
    m = refresh(w, "l1", 7, "f1");
    sw_msg_set_box(m, "refresh_token", NULL);
    assert_int_equal(world_try(w, m), -ENOENT);
    m = refresh(w, "l1", 7, "f1");
    json_object_set_new(m->body, "provider", json_string("elsewhere"));
    assert_int_equal(world_try(w, m), -EINVAL);
    assert_int_equal(world_try(w, message(w, SW_KIND_ACCOUNT, "c", json_object())), -EINVAL);
}

static struct sw_msg *of_github(struct sw_msg *m) {
    json_object_set_new(m->body, "provider", json_string("github"));
    return m;
}

static json_t *called_github(struct world *w) {
    run(w, of_github(refresh(w, "l1", 7, "f1")));
    return json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
}

static void github_is_asked_at_its_own_place_with_the_client_id(void **state) {
    struct world *w = *state;
    free(w->conf.github_client_id);
    w->conf.github_client_id = sw_strdup("Iv1.client");
    json_t *call = called_github(w);
    const json_t *request = json_object_get(call, "value"),
                 *form = json_object_get(request, "form");
    assert_string_equal(sw_str(request, "up"), "github_web");
    assert_string_equal(sw_str(request, "path"), "/login/oauth/access_token");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(form, "client_id"), "Iv1.client");
    assert_string_equal(sw_str(form, "grant_type"), "refresh_token");
    assert_string_equal(sw_str(json_object_get(form, "client_secret"), "$conf"), "github_secret");
    assert_int_equal(json_array_size(json_object_get(request, "fields")), 4);
    /* Heroku's token of the same person and version is another one. */
    run(w, refresh(w, "l1", 7, "f2"));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    run(w, of_github(refresh(w, "l1", 7, "f3")));
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    answer(w, call, json_pack("{s:i}", "status", 200),
           json_pack("{s:s, s:s, s:i}", "access_token", "ghu-new", "refresh_token", "ghr-new",
                     "expires_in", 28800));
    const json_t *m = the(w, "send", "auth", SW_KIND_REFRESHED);
    assert_string_equal(sw_str(body_of(m), "provider"), "github");
    assert_string_equal(sw_str(body_of(m), "flight"), "f3");
    assert_string_equal(outcome(w), "ok");
    json_decref(call);
}

static void github_refuses_by_its_word_whatever_the_status(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *word, *outcome;
    } rows[] = {
        {200, "bad_refresh_token", "refused"},
        {401, "bad_refresh_token", "refused"},
        {400, "invalid_grant", "refused"},
        {200, "incorrect_client_credentials", "failed"},
        {401, "incorrect_client_credentials", "failed"},
        {200, "unverified_user_email", "failed"},
        {200, "unsupported_grant_type", "failed"},
        {200, "", "failed"},
        {401, "", "failed"},
        {404, "Not Found", "failed"},
        {503, "bad_refresh_token", "failed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object_clear(w->facts);
        json_t *call = called_github(w);
        answer(w, call, json_pack("{s:i}", "status", rows[i].status),
               json_pack("{s:s}", "error", rows[i].word));
        assert_string_equal(outcome(w), rows[i].outcome);
        json_decref(call);
    }
}

static void a_token_without_an_end_has_a_timer_too(void **state) {
    struct world *w = *state;
    announce(w, 0, false);
    assert_in_range(armed(w), 6 * HOUR - 36 * MINUTE, 6 * HOUR + 36 * MINUTE);
}

static void slack_is_asked_with_http_basic_and_refuses_by_its_word(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *word, *outcome;
    } rows[] = {
        {200, "invalid_refresh_token", "refused"},
        {200, "token_revoked", "refused"},
        {200, "account_inactive", "refused"},
        {200, "bad_client_secret", "failed"},
        {200, "invalid_client_id", "failed"},
        {200, "internal_error", "failed"},
        {401, "", "failed"},
        {503, "invalid_refresh_token", "failed"},
    };
    free(w->conf.slack_client_id);
    w->conf.slack_client_id = sw_strdup("1.2");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sw_msg *m = refresh(w, "l1", 7, "f1");
        json_object_clear(w->facts);
        json_object_set_new(m->body, "provider", json_string("slack"));
        json_object_set_new(m->body, "user", json_string("bot"));
        run(w, m);
        json_t *call = json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
        const json_t *request = json_object_get(call, "value");
        const json_t *form = json_object_get(request, "form"),
                     *basic = json_object_get(request, "basic");
        assert_string_equal(sw_str(request, "up"), "slack");
        assert_string_equal(sw_str(request, "path"), "/oauth.v2.access");
        assert_string_equal(sw_str(basic, "user"), "1.2");
        assert_string_equal(sw_str(json_object_get(basic, "password"), "$conf"),
                            "slack_client_secret");
        assert_string_equal(sw_str(form, "grant_type"), "refresh_token");
        assert_int_equal(json_object_size(form), 2); /* no secret in it */
        answer(w, call, json_pack("{s:i}", "status", rows[i].status),
               json_pack("{s:b, s:s}", "ok", 0, "error", rows[i].word));
        assert_string_equal(outcome(w), rows[i].outcome);
        json_decref(call);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_token_is_due_each_six_hours_more_or_less),
        T(it_is_due_before_it_runs_out_and_never_in_a_tight_loop),
        T(an_account_that_is_gone_has_no_timer),
        T(a_timer_asks_auth_as_a_story_of_its_own_and_is_armed_again),
        T(a_refresh_is_one_call_whose_secrets_are_references),
        T(a_second_request_joins_the_call_that_is_under_way),
        T(a_call_that_is_never_answered_does_not_block_for_ever),
        T(a_new_pair_goes_sealed_to_auth),
        T(an_answer_without_a_new_refresh_token_keeps_the_old_one),
        T(an_unknown_outcome_is_repeated_once_and_then_failed),
        T(only_a_definite_no_refuses),
        T(a_no_that_is_not_of_the_provider_is_none),
        T(a_refusal_lets_the_token_rest),
        T(failures_are_tried_again_later_and_later),
        T(an_answer_for_a_forgotten_account_arms_nothing),
        T(an_answer_for_an_older_link_leaves_the_newer_one_alone),
        T(a_request_that_does_not_open_is_refused),
        T(github_is_asked_at_its_own_place_with_the_client_id),
        T(github_refuses_by_its_word_whatever_the_status),
        T(a_token_without_an_end_has_a_timer_too),
        T(slack_is_asked_with_http_basic_and_refuses_by_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
