/* test_responder_feed.c -- what a channel shows of a subject: one message, one reply with its history, its failures once. */
#include "feed_world.h"

#include <stdio.h>

#define OP "n/deploy/app1/abcdef12/C0DEPLOY"

static int count_ops(const struct world *w, const char *op) {
    int n = 0;
    size_t i;
    json_t *o;
    json_array_foreach(w->last, i, o) n += !strcmp(sw_str(o, "op"), op);
    return n;
}

static void a_free_channel_gets_the_message_at_once(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    assert_int_equal(world_count(&f.w), 1);
    assert_string_equal(world_method(&f.w, 0), "chat.postMessage");
    assert_true(world_shows(world_json(&f.w, 0), "\"op\": \"" OP "\""));
    assert_int_equal(count_ops(&f.w, "store"), 4);
    assert_int_equal(json_array_size(f.w.last), 5);
    feed_answer(&f, 0);
    assert_int_equal(json_array_size(f.w.last), 1);
    assert_int_equal(json_object_size(f.w.timers), 0);
    feed_finish(&f);
}

static void a_subject_is_one_message_and_one_reply_that_change(void **state) {
    const json_t *parent, *log;
    struct feed f;
    (void)state;
    feed_init(&f);
    for (int n = 1; n <= 5; n++) {
        feed_say(&f, OP, n, n < 5 ? "pending" : "succeeded");
        feed_run(&f, 10000);
    }
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 2);
    assert_int_equal(feed_shows(&f, OP "` v5 is released", &parent), 1);
    assert_null(json_object_get(parent, "thread_ts"));
    assert_int_equal(feed_shows(&f, "`history` v5", &log), 1);
    assert_string_equal(sw_str(log, "thread_ts"), "1.1");
    assert_null(json_object_get(log, "broadcast"));
    feed_finish(&f);
}

static void an_older_notice_and_the_same_one_change_nothing(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 3, "pending");
    feed_settle(&f);
    for (int n = 1; n <= 3; n++) {
        feed_say(&f, OP, n, "succeeded");
        assert_int_equal(json_array_size(f.w.last), 0);
    }
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "v3 is being released", NULL), 2);
    feed_finish(&f);
}

static void updates_of_one_message_are_seconds_apart_and_the_newest_counts(void **state) {
    int updates = 0;
    struct feed f;
    (void)state;
    feed_init(&f);
    f.latency_ms = 10;
    for (int n = 1; n <= 100; n++) {
        feed_say(&f, OP, n, "pending");
        feed_run(&f, 100);
    }
    feed_settle(&f);
    updates = f.next_ts; /* each call has its number */
    assert_true(updates >= 4 && updates <= 10);
    assert_int_equal(feed_shows(&f, OP "` v100", NULL), 1);
    assert_int_equal(feed_shows(&f, "`history` v100", NULL), 1);
    assert_int_equal(json_object_size(f.seen), 2);
    feed_finish(&f);
}

static void what_is_shown_already_is_not_shown_again(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    feed_settle(&f);
    json_t *body = notice(OP, "C0DEPLOY", 1, "pending");
    json_object_set_new(body, "n", json_integer(2));
    feed_send(&f, body);
    feed_settle(&f);
    assert_int_equal(f.next_ts, 1);
    feed_finish(&f);
}

static void a_failure_is_told_to_the_channel_once(void **state) {
    const json_t *cast;
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    feed_settle(&f);
    for (int n = 2; n <= 4; n++) { /* its id is that of the first */
        json_t *body = notice(OP, "C0DEPLOY", n, "failed");
        json_object_set_new(json_object_get(body, "broadcast"), "id", json_string("fail"));
        feed_send(&f, body);
        feed_settle(&f);
    }
    assert_int_equal(feed_shows(&f, "`alarm`", &cast), 1);
    assert_true(json_is_true(json_object_get(cast, "broadcast")));
    assert_string_equal(sw_str(cast, "thread_ts"), "1.1");
    feed_say(&f, OP, 5, "failed");
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "`alarm`", NULL), 2); /* another failure */
    feed_finish(&f);
}

static void a_subject_that_begins_as_a_failure_is_not_told_twice(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "failed");
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 1);
    feed_finish(&f);
}

static void no_bot_is_silence(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    f.w.conf.slack_token.current = NULL;
    feed_say(&f, OP, 1, "pending");
    assert_int_equal(json_array_size(f.w.last), 0);
    feed_finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_channel_gets_the_message_at_once),
        cmocka_unit_test(a_subject_is_one_message_and_one_reply_that_change),
        cmocka_unit_test(an_older_notice_and_the_same_one_change_nothing),
        cmocka_unit_test(updates_of_one_message_are_seconds_apart_and_the_newest_counts),
        cmocka_unit_test(what_is_shown_already_is_not_shown_again),
        cmocka_unit_test(a_failure_is_told_to_the_channel_once),
        cmocka_unit_test(a_subject_that_begins_as_a_failure_is_not_told_twice),
        cmocka_unit_test(no_bot_is_silence),
    };
    return cmocka_run_group_tests_name("responder_feed", tests, NULL, NULL);
}
