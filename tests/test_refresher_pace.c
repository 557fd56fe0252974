/* test_refresher_pace.c -- how many calls a minute 100,000 tokens make: linked all at once, and while their provider is
 * away. Every delay is the handler's own; prints its figures. */
#include "auth_world.h"

#define NAME "tok/T1/U1/heroku"
#define TOKENS 100000
#define LIFE_MS (8 * HOUR)
#define MINUTES (24 * 60)

static int up(void **state) {
    return world_up(state, &sw_actor_refresher);
}

static int64_t armed(const struct world *w) {
    return sw_int(the(w, "after", NAME, SW_KIND_REFRESHER_TIMER), "ms");
}

/* When it is due, after it was announced now. */
static int64_t announced(struct world *w, bool first) {
    run(w, message(w, SW_KIND_ACCOUNT, "c1",
                   json_pack("{s:s, s:s, s:i, s:b, s:b, s:I}", "user", "U1", "provider", "heroku",
                             "version", 7, "gone", 0, "first", first, "expires_ms",
                             (json_int_t)(w->now_ms + LIFE_MS))));
    return w->now_ms + armed(w);
}

static int minute_of(int64_t ms) {
    return (int)((ms - NOW) / MINUTE);
}

/* The most in a minute between two, and how many in all of them. */
static int most_of(const int *calls, int from, int to, int *ret_all) {
    int most = 0;
    *ret_all = 0;
    for (int i = from; i < to && i < MINUTES; i++) {
        most = calls[i] > most ? calls[i] : most;
        *ret_all += calls[i];
    }
    return most;
}

static void a_company_that_links_in_one_minute_is_spread_over_half_a_round(void **state) {
    struct world *w = *state;
    static int calls[MINUTES];
    int all, again;
    for (int i = 0; i < TOKENS; i++) {
        w->now_ms = NOW + i * MINUTE / TOKENS;
        int64_t due = announced(w, true);
        assert_in_range(due - w->now_ms, 3 * HOUR, 6 * HOUR);
        calls[minute_of(due)]++;
        if (i % 4 != 0) continue; /* the second round of a quarter, counted four times */
        w->now_ms = due;
        due = announced(w, false);
        calls[minute_of(due)] += 4;
    }
    const int first = most_of(calls, 0, 6 * 60, &all);
    const int second = most_of(calls, 8 * 60, 14 * 60, &again);
    print_message("%d tokens linked within a minute: at most %d calls a minute in the first round, "
                  "%d in the second (mean %d over 3 h)\n",
                  TOKENS, first, second, TOKENS / 180);
    assert_in_range(all, TOKENS - TOKENS / 100, TOKENS); /* those of the last minute are beyond */
    assert_in_range(again, TOKENS - TOKENS / 20, TOKENS + TOKENS / 20);
    assert_in_range(first, 1, TOKENS / 180 * 13 / 10);
    assert_in_range(second, 1, TOKENS / 180 * 13 / 10);
}

/* The call of a refresh, answered at once; *ret_pair: it gave one. Returns when it is due next. */
static int64_t refreshed_now(struct world *w, int64_t down_ms, int64_t up_ms, int *calls,
                             int weight, bool *ret_pair) {
    static int version = 7;
    struct sw_msg *m =
        message(w, SW_KIND_REFRESH, "c2",
                json_pack("{s:s, s:s, s:s, s:i, s:s}", "user", "U1", "provider", "heroku", "link",
                          "l1", "version", version, "flight", "f1"));
    box(m, w->auth, "refresher", "refresh_token", json_pack("{s:s}", "refresh_token", "HRKU-old"));
    const bool down = w->now_ms >= down_ms && w->now_ms < up_ms;
    run(w, m);
    while (count(w, "http", NULL, NULL) > 0) {
        calls[minute_of(w->now_ms)] += weight;
        const json_t *http = the(w, "http", NULL, SW_KIND_REFRESHER_HTTP);
        m = http_answer(w, http,
                        down ? json_pack("{s:s, s:i}", "error", "unsure", "status", 503)
                             : json_pack("{s:i}", "status", 200));
        if (!down)
            box(m, w->refresher, "refresher", "answer", json_pack("{s:s}", "access_token", "a"));
        run(w, m);
    }
    const json_t *told = body_of(the(w, "send", "auth", SW_KIND_REFRESHED));
    *ret_pair = !strcmp(sw_str(told, "outcome"), "ok");
    if (!*ret_pair) assert_string_equal(sw_str(told, "outcome"), "failed");
    if (*ret_pair) version++; /* the next one is of the new token */
    return *ret_pair ? announced(w, false) : w->now_ms + armed(w);
}

static void
a_provider_that_is_away_for_five_hours_is_not_hammered_and_nothing_is_lost(void **state) {
    struct world *w = *state;
    static int calls[MINUTES];
    const int weight = 25, sample = TOKENS / weight;
    const int64_t down_ms = NOW + 4 * HOUR, up_ms = NOW + 9 * HOUR, end_ms = NOW + 16 * HOUR;
    int64_t latest = 0;
    int all, after, back;
    for (int i = 0; i < sample; i++) {
        bool pair = false, failed = false;
        json_object_clear(w->facts);
        w->now_ms = NOW + i * MINUTE / sample;
        int64_t due = announced(w, true);
        while (due < end_ms) {
            w->now_ms = due;
            due = refreshed_now(w, down_ms, up_ms, calls, weight, &pair);
            if (pair && failed && w->now_ms > latest) latest = w->now_ms;
            failed = !pair;
        }
        assert_true(pair);
    }
    assert_in_range(latest, up_ms, up_ms + 30 * MINUTE); /* the last one that had failed is back */
    const int away = most_of(calls, 4 * 60, 9 * 60, &all);
    const int first = most_of(calls, 9 * 60, 10 * 60, &back);
    const int wave = most_of(calls, 13 * 60, 16 * 60, &after);
    print_message("%d tokens, their provider away for 5 h: at most %d calls a minute while it is, "
                  "%d in the hour after, %d in the round after that (%d of %d tokens walked)\n",
                  TOKENS, away, first, wave, sample, TOKENS);
    /* Full jitter below 30 minutes: each token once in 15 on average. */
    assert_in_range(away, TOKENS / 20, TOKENS / 15 * 13 / 10);
    assert_in_range(first, 1, TOKENS / 15 * 13 / 10);
    assert_in_range(wave, 1, TOKENS / 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_company_that_links_in_one_minute_is_spread_over_half_a_round),
        T(a_provider_that_is_away_for_five_hours_is_not_hammered_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
