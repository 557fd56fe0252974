/* test_responder_feed_storm.c -- many notices, a Slack in trouble, any order: commands do not wait, nothing is lost, nothing is
 * doubled but what may be, and what is kept stays small. */
#include "feed_world.h"
#include "responder_talk.h"

#include <stdio.h>
#include <time.h>

static uint64_t seed_of(void) {
    const char *given = getenv("SW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("SW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static unsigned pick(uint64_t *random, unsigned below) {
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(*random >> 33) % below;
}

static char *op_of(int subject) {
    return sw_printf("n/commit/1/c%d./C0DEPLOY", subject);
}

static size_t bytes_of(const json_t *value) {
    return value ? json_dumpb(value, NULL, 0, JSON_COMPACT) : 0;
}

/* Each state is far from what the ledger takes. */
static void check_sizes(const struct feed *f) {
    const char *key;
    json_t *value;
    json_object_foreach(f->w.facts, key, value) {
        if (bytes_of(value) > 24000) fail_msg("%s: %zu bytes", key, bytes_of(value));
    }
}

static void a_command_does_not_wait_for_a_thousand_notices(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    f.latency_ms = 30000; /* and Slack is slow */
    for (int i = 0; i < 1000; i++) {
        SW_AUTO(sw_text) char *op = op_of(i);
        feed_say(&f, op, 1, "pending");
        feed_run(&f, 7);
        if (i % 50) continue;
        size_t before = world_count(&f.w);
        SW_AUTO(sw_text) char *cmd = sw_printf("0001-cmd%d", i);
        parent(&f.w, cmd, "started", 1, false);
        assert_int_equal(world_count(&f.w), before + 1);
        expect_text(&f.w, before, "is promoting");
        /* Its answer is not what this is about. */
        json_array_remove(f.w.calls, before);
        feed_run(&f, 3000);
    }
    check_sizes(&f);
    feed_finish(&f);
}

static void a_thousand_subjects_and_a_slow_slack_end_in_a_few_messages(void **state) {
    struct feed f;
    int named = 0;
    (void)state;
    feed_init(&f);
    f.latency_ms = 20000;
    for (int n = 1; n <= 2; n++) {
        for (int i = 0; i < 1000; i++) {
            SW_AUTO(sw_text) char *op = op_of(i);
            feed_say(&f, op, n, n == 2 && i % 100 == 7 ? "failed" : "pending");
            if (i % 50 == 0) check_sizes(&f);
        }
        feed_run(&f, 120000);
    }
    feed_settle(&f);
    for (int i = 0; i < 1000; i++) {
        SW_AUTO(sw_text) char *text = sw_printf("`n/commit/1/c%d./C0DEPLOY`", i);
        named += feed_shows(&f, text, NULL);
    }
    assert_int_equal(named, 20);
    assert_int_equal(feed_shows(&f, "*980 more*: 980 commits (9 failed, 971 under way)", NULL), 1);
    assert_int_equal(json_object_size(f.seen),
                     20 + 20 + 1 + 1 + 1); /* one failed, and the last line */
    check_sizes(&f);
    feed_check_pace(&f);
    feed_finish(&f);
}

static void five_minutes_of_429_lose_nothing(void **state) {
    static const char *const channels[] = {"C0A", "C0B", "C0C", "C0D"};
    struct feed f;
    int calls = 0, n = 0;
    (void)state;
    feed_init(&f);
    f.trouble = TOO_FAST;
    int64_t healed_ms = f.w.now_ms + 300000;
    while (f.w.now_ms < healed_ms) {
        n++;
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 2; k++) {
                SW_AUTO(sw_text) char *op = sw_printf("n/deploy/a/%d%d./%s", k, n % 7, channels[i]);
                feed_send(&f, notice(op, channels[i], n, "pending"));
            }
        }
        feed_run(&f, 1000);
    }
    calls = (int)json_array_size(f.posts);
    /* One try each seven seconds and channel at most, of a workspace that was told to wait. */
    assert_true(calls <= 4 * (300 / 7 + 2));
    f.trouble = NULL;
    json_array_clear(f.posts);
    feed_settle(&f);
    feed_check_pace(&f);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 2; k++) {
            for (int m = n - 6; m <= n; m++) {
                SW_AUTO(sw_text)
                char *text = sw_printf("`n/deploy/a/%d%d./%s` v%d ", k, m % 7, channels[i], m);
                assert_int_equal(feed_shows(&f, text, NULL), 1);
            }
        }
    }
    assert_int_equal(json_object_size(f.seen), 2 * 4 * 14); /* with their histories */
    check_sizes(&f);
    feed_finish(&f);
}

#define MANY 450

static void more_than_a_channel_can_hold_waits_elsewhere(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    f.w.conf.digest = 1000;
    for (int n = 1; n <= 2; n++) {
        for (int i = 0; i < MANY; i++) {
            SW_AUTO(sw_text) char *op = op_of(i);
            json_t *body = notice(op, "C0DEPLOY", n, "pending");
            /* Of every other one only the history is new. */
            if (i % 2) json_object_set_new(body, "parent", release(op, 1, "pending"));
            feed_send(&f, body);
            if (n == 1) feed_run(&f, 1100);
        }
        check_sizes(&f);
    }
    feed_settle(&f);
    feed_check_pace(&f);
    assert_int_equal(json_object_size(f.seen), 2 * MANY);
    for (int i = 0; i < MANY; i++) {
        SW_AUTO(sw_text) char *text = sw_printf("`n/commit/1/c%d./C0DEPLOY` v%d ", i, 2 - i % 2);
        SW_AUTO(sw_text) char *history = sw_printf("`history n/commit/1/c%d./C0DEPLOY` v2 ", i);
        assert_int_equal(feed_shows(&f, text, NULL), 1);
        assert_int_equal(feed_shows(&f, history, NULL), 1);
    }
    feed_finish(&f);
}

static void a_429_stops_the_notices_of_a_workspace_and_no_command(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_send(&f, notice("n/tag/1/v1/C0DEPLOY", "C0DEPLOY", 1, "succeeded"));
    f.trouble = TOO_FAST;
    feed_answer(&f, 0);
    f.trouble = NULL;
    feed_send(&f, notice("n/tag/1/v1/C0OTHER", "C0OTHER", 1, "succeeded"));
    assert_int_equal(world_count(&f.w), 0);
    parent(&f.w, "0001-cmd", "started", 1, false);
    assert_int_equal(world_count(&f.w), 1);
    json_array_clear(f.w.calls);
    feed_run(&f, 6900);
    assert_int_equal(json_object_size(f.seen), 0);
    feed_run(&f, 5000);
    assert_int_equal(json_object_size(f.seen), 2);
    feed_finish(&f);
}

static void channels_of_a_workspace_take_turns_with_its_updates(void **state) {
    struct feed f;
    json_int_t all = 0, most = 0;
    const char *channel;
    json_t *count;
    (void)state;
    feed_init(&f);
    int64_t began_ms = f.w.now_ms;
    for (int n = 1; f.w.now_ms < began_ms + 300000; n++) {
        for (int i = 0; i < 20; i++) {
            SW_AUTO(sw_text) char *name = sw_printf("C0%02d", i);
            for (int k = 0; k < (i ? 1 : 10); k++) { /* one of them is noisy */
                SW_AUTO(sw_text) char *op = sw_printf("n/pull/1/%d./%s", k, name);
                feed_send(&f, notice(op, name, n, "pending"));
            }
        }
        feed_run(&f, 1000);
    }
    json_object_foreach(f.updates, channel, count) {
        all += json_integer_value(count);
        if (json_integer_value(count) > most) most = json_integer_value(count);
    }
    /* 50 a minute and 20 at once, and nearly all of them used */
    assert_in_range(all, 240, 270);
    assert_int_equal(json_object_size(f.updates), 20);
    assert_true(most <= all / 20 + 5);
    check_sizes(&f);
    feed_settle(&f);
    feed_finish(&f);
}

/* ---- any order ---- */

#define STATES 8

/* What is seen in the end, without times and numbers. */
static char *ending(const struct feed *f) {
    SW_AUTO(sw_json) json_t *list = json_array();
    const char *ts;
    json_t *message;
    json_object_foreach(f->seen, ts, message) {
        if (!json_object_get(message, "broadcast"))
            json_array_append(list, json_object_get(message, "text"));
    }
    SW_AUTO(sw_json) json_t *set = json_object();
    size_t i;
    json_t *text;
    json_array_foreach(list, i, text)
        json_object_set_new(set, json_string_value(text), json_true());
    assert_int_equal(json_object_size(set), json_array_size(list));
    return json_dumps(set, JSON_SORT_KEYS);
}

static void any_order_of_arrival_ends_in_the_same_messages(void **state) {
    uint64_t seed = seed_of();
    SW_AUTO(sw_text) char *first = NULL;
    (void)state;
    for (unsigned run = 0; run < 100; run++) {
        uint64_t random = seed + run;
        int order[3 * STATES], left[3 * STATES];
        struct feed f;
        feed_init(&f);
        for (int i = 0; i < 3 * STATES; i++)
            left[i] = i;
        for (int i = 0; i < 3 * STATES; i++) {
            unsigned at = pick(&random, (unsigned)(3 * STATES - i));
            order[i] = left[at];
            left[at] = left[3 * STATES - i - 1];
        }
        for (int i = 0; i < 3 * STATES; i++) {
            SW_AUTO(sw_text) char *op = op_of(order[i] / STATES);
            int n = order[i] % STATES + 1;
            feed_say(&f, op, n, n == 5 ? "failed" : n == STATES ? "succeeded" : "pending");
            feed_run(&f, pick(&random, 3000));
        }
        feed_settle(&f);
        feed_check_pace(&f);
        SW_AUTO(sw_text) char *text = ending(&f);
        assert_true(json_object_size(f.seen) >= 6);
        if (!first) first = sw_strdup(text);
        assert_string_equal(first, text);
        feed_finish(&f);
    }
}

/* ---- faults ---- */

#define OPS 6

struct storm {
    struct feed f;
    uint64_t random;
    int n[OPS];
    int doubts; /* calls of which nobody knows whether they were made */
    bool bad;
};

/* What Slack makes of call `i`: done or not, told or not. */
static void storm_answer(struct storm *s, size_t i) {
    static const char *const none[] = {TOO_FAST, UNREACHED, SAYS("ratelimited")};
    static const char *const maybe[] = {LOST, SICK, SAYS("internal_error"),
                                        "{\"error\":\"timeout\"}"};
    unsigned what = s->bad ? pick(&s->random, 6) : 0;
    s->f.trouble = NULL;
    if (what < 3) {
        feed_answer(&s->f, i);
        return;
    }
    if (what == 3) { /* it was done, and the answer is lost */
        free(feed_slack(&s->f, i));
        s->doubts++;
    }
    s->f.trouble = what < 5 ? maybe[pick(&s->random, 4)] : none[pick(&s->random, 3)];
    feed_answer(&s->f, i);
    s->f.trouble = NULL;
}

static void check_busy(const struct storm *s) {
    SW_AUTO(sw_json) json_t *busy = json_object();
    size_t i;
    json_t *call;
    json_array_foreach(s->f.w.calls, i, call) {
        const char *sub = sw_str(json_object_get(call, "body"), "sub");
        assert_null(json_object_get(busy, sub)); /* one at a time */
        json_object_set_new(busy, sub, json_true());
    }
}

static void storm_end(struct storm *s) {
    const char *ts;
    json_t *message;
    int shown = 0, digests = 0;
    json_object_foreach(s->f.seen, ts, message) digests +=
        strstr(sw_str(message, "text"), " more*") != NULL;
    for (int i = 0; i < OPS; i++) {
        SW_AUTO(sw_text) char *text = sw_printf("`n/commit/1/c%d./C0DEPLOY` v%d ", i, s->n[i]);
        shown = feed_shows(&s->f, text, NULL);
        if (s->n[i] && !shown && !digests) fail_msg("%s is not shown", text);
    }
    /* A call of which nobody knows leaves one message more at most. */
    assert_true((int)json_object_size(s->f.seen) <= 2 * OPS + s->doubts + digests);
}

static void whatever_slack_does_the_newest_state_is_shown(void **state) {
    uint64_t seed = seed_of();
    (void)state;
    for (unsigned run = 0; run < 40; run++) {
        struct storm s = {.random = seed + run, .bad = true};
        feed_init(&s.f);
        for (int step = 0; step < 300; step++) {
            unsigned what = pick(&s.random, 10);
            if (what < 3) {
                unsigned i = pick(&s.random, OPS);
                SW_AUTO(sw_text) char *op = op_of((int)i);
                feed_say(&s.f, op, ++s.n[i], "pending");
            } else if (what < 7 && world_count(&s.f.w) > 0) {
                storm_answer(&s, pick(&s.random, (unsigned)world_count(&s.f.w)));
            } else if (json_object_size(s.f.w.timers) > 0) {
                world_fire(&s.f.w);
                feed_note(&s.f);
            }
            check_busy(&s);
        }
        s.bad = false;
        feed_settle(&s.f);
        storm_end(&s);
        feed_check_pace(&s.f);
        feed_finish(&s.f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_does_not_wait_for_a_thousand_notices),
        cmocka_unit_test(a_thousand_subjects_and_a_slow_slack_end_in_a_few_messages),
        cmocka_unit_test(five_minutes_of_429_lose_nothing),
        cmocka_unit_test(more_than_a_channel_can_hold_waits_elsewhere),
        cmocka_unit_test(a_429_stops_the_notices_of_a_workspace_and_no_command),
        cmocka_unit_test(channels_of_a_workspace_take_turns_with_its_updates),
        cmocka_unit_test(any_order_of_arrival_ends_in_the_same_messages),
        cmocka_unit_test(whatever_slack_does_the_newest_state_is_shown),
    };
    return cmocka_run_group_tests_name("responder_feed_storm", tests, NULL, NULL);
}
