/* test_refresher_lost.c -- refresh tokens that work once, and answers that never came. */
#include "auth_world.h"

#define NAME "tok/T1/U1/github"

static int up(void **state) {
    return world_up(state, &sw_actor_refresher);
}

static struct sw_msg *refresh(const struct world *w, int version) {
    struct sw_msg *m =
        message(w, SW_KIND_REFRESH, "c2",
                json_pack("{s:s, s:s, s:s, s:i, s:s}", "user", "U1", "provider", "github", "link",
                          "l1", "version", version, "flight", "f1"));
    box(m, w->auth, "refresher", "refresh_token", json_pack("{s:s}", "refresh_token", "ghr-old"));
    return m;
}

/* What GitHub does with the call that is out: "lost" it answers and nobody hears, "down" nothing is sent, "no", "yes". */
static void answer(struct world *w, const char *what) {
    const bool lost = !strcmp(what, "lost"), down = !strcmp(what, "down");
    SW_AUTO(sw_json)
    json_t *http = json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
    json_t *said = json_pack("{s:i}", "status", 200);
    if (lost) json_object_set_new(said, "error", json_string("unsure"));
    if (down) json_object_set_new(said, "error", json_string("connect"));
    if (!strcmp(what, "garbled")) json_object_set_new(said, "error", json_string("bad_json"));
    struct sw_msg *m = http_answer(w, http, said);
    if (!strcmp(what, "no"))
        box(m, w->refresher, "refresher", "answer",
            json_pack("{s:s}", "error", "bad_refresh_token"));
    if (!strcmp(what, "ours"))
        box(m, w->refresher, "refresher", "answer",
            json_pack("{s:s}", "error", "incorrect_client_credentials"));
    if (!strcmp(what, "yes"))
        box(m, w->refresher, "refresher", "answer",
            json_pack("{s:s, s:s}", "access_token", "ghu-2", "refresh_token", "ghr-2"));
    run(w, m);
}

static const char *outcome(const struct world *w) {
    return sw_str(body_of(the(w, "send", "auth", SW_KIND_REFRESHED)), "outcome");
}

static void what_comes_of_a_token_that_works_once(void **state) {
    struct world *w = *state;
    /* Each word answers a call; ";" is where the token falls due again. */
    static const struct {
        const char *calls[8], *outcome;
    } rows[] = {
        {{"yes"}, "ok"},
        {{"no"}, "refused"},
        {{"lost", "yes"}, "ok"},               /* it had not got there */
        {{"lost", "no"}, "lost"},              /* once: the repeat shows that it was spent */
        {{"lost", "lost", ";", "no"}, "lost"}, /* twice: only the next round shows it */
        {{"lost", "lost", ";", "lost", ";", "no"}, "lost"},
        {{"lost", "lost", ";", "yes"}, "ok"},
        {{"lost", "down", ";", "no"}, "lost"},
        {{"down", ";", "no"}, "refused"}, /* nothing was sent: it was not spent by us */
        {{"down", ";", "down", ";", "no"}, "refused"},
        {{"garbled", ";", "no"}, "lost"},
        {{"ours", ";", "no"}, "refused"},
        {{"ours"}, "failed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object_clear(w->facts);
        run(w, refresh(w, 7));
        for (size_t k = 0; rows[i].calls[k]; k++) {
            if (strcmp(rows[i].calls[k], ";") != 0) {
                answer(w, rows[i].calls[k]);
                continue;
            }
            assert_string_equal(outcome(w), "failed");
            the(w, "after", NAME, SW_KIND_REFRESHER_TIMER);
            run(w, refresh(w, 7));
        }
        assert_string_equal(outcome(w), rows[i].outcome);
        const json_t *tally = the(w, "tally", "slipway_token_refreshes_total", NULL);
        assert_string_equal(json_string_value(json_array_get(json_object_get(tally, "value"), 0)),
                            "github");
        assert_string_equal(json_string_value(json_array_get(json_object_get(tally, "value"), 1)),
                            rows[i].outcome);
        /* A loop it never is: what has ended is not called again. */
        const bool ended = strcmp(rows[i].outcome, "failed") != 0;
        assert_int_equal(count(w, "http", NULL, NULL), 0);
        assert_int_equal(count(w, "after", NULL, NULL), !ended);
        const bool noted = !ended || !strcmp(rows[i].outcome, "ok");
        assert_int_equal(json_object_size(w->facts), noted);
    }
}

static void a_call_whose_answer_is_overdue_may_have_spent_the_token(void **state) {
    struct world *w = *state;
    run(w, refresh(w, 7));
    w->now_ms += 31 * MINUTE;
    run(w, refresh(w, 7));
    answer(w, "no");
    assert_string_equal(outcome(w), "lost");
}

static void a_new_pair_is_another_story(void **state) {
    struct world *w = *state;
    run(w, refresh(w, 7));
    answer(w, "lost");
    answer(w, "lost");
    run(w, refresh(w, 8)); /* linked anew, say */
    answer(w, "no");
    assert_string_equal(outcome(w), "refused");
}

/* A request in the bulk lane may be handled long after another one, in the urgent lane, got a new pair. */
static void a_token_that_was_exchanged_is_not_used_again(void **state) {
    struct world *w = *state;
    run(w, refresh(w, 7));
    answer(w, "yes");
    assert_string_equal(outcome(w), "ok");
    run(w, refresh(w, 7)); /* late */
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    assert_string_equal(outcome(w), "lost"); /* or auth has no use for it: it has the pair */
    run(w, refresh(w, 8));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
    SW_AUTO(sw_json)
    json_t *http = json_incref((json_t *)the(w, "http", NULL, SW_KIND_REFRESHER_HTTP));
    run(w, refresh(w, 7)); /* while its successor is on its way */
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    struct sw_msg *m = http_answer(w, http, json_pack("{s:i}", "status", 200));
    box(m, w->refresher, "refresher", "answer",
        json_pack("{s:s, s:s}", "access_token", "ghu-3", "refresh_token", "ghr-3"));
    run(w, m);
    assert_string_equal(outcome(w), "ok");
    run(w, refresh(w, 8));
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    m = http_answer(w, http, json_pack("{s:s}", "error", "unsure")); /* of an earlier call */
    run(w, m);
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    /* Linked anew it is another story. */
    struct sw_msg *other = refresh(w, 6);
    json_object_set_new(other->body, "link", json_string("l2"));
    run(w, other);
    assert_int_equal(count(w, "http", NULL, NULL), 1);
}

static void a_provider_that_has_been_away_is_asked_once_a_time(void **state) {
    struct world *w = *state;
    run(w, refresh(w, 7));
    answer(w, "lost");
    assert_int_equal(count(w, "http", NULL, NULL), 1); /* at once, the first time */
    answer(w, "lost");
    run(w, refresh(w, 7));
    answer(w, "lost");
    assert_int_equal(count(w, "http", NULL, NULL), 0);
    assert_string_equal(outcome(w), "failed");
}

static void a_call_of_a_clock_that_was_set_back_does_not_block(void **state) {
    struct world *w = *state;
    run(w, refresh(w, 7));
    w->now_ms -= HOUR;
    run(w, refresh(w, 7));
    assert_int_equal(count(w, "http", NULL, NULL), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(what_comes_of_a_token_that_works_once),
        T(a_call_whose_answer_is_overdue_may_have_spent_the_token),
        T(a_new_pair_is_another_story),
        T(a_token_that_was_exchanged_is_not_used_again),
        T(a_provider_that_has_been_away_is_asked_once_a_time),
        T(a_call_of_a_clock_that_was_set_back_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
