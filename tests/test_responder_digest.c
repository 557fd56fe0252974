/* test_responder_digest.c -- many subjects at once: those beyond a channel's share of a minute are lines of one message. */
#include "feed_world.h"

#include <stdio.h>

static void say(struct feed *f, int subject, int n, const char *status) {
    SW_AUTO(sw_text) char *op = sw_printf("n/commit/1/c%d./C0DEPLOY", subject);
    feed_say(f, op, n, status);
}

static const char *digest(const struct feed *f) {
    const json_t *message = NULL;
    assert_int_equal(feed_shows(f, " more*", &message), 1);
    return sw_str(message, "text");
}

static void only_the_first_of_a_minute_have_messages_of_their_own(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    for (int i = 0; i < 57; i++)
        say(&f, i, 1, "pending");
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 21);
    assert_string_equal(digest(&f), "*37 more*: 37 commits (37 under way)");
    feed_check_pace(&f);
    feed_finish(&f);
}

static void a_subject_of_a_digest_goes_on_there(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    for (int i = 0; i < 30; i++)
        say(&f, i, 1, "pending");
    feed_settle(&f);
    for (int i = 0; i < 30; i++)
        say(&f, i, 2, i % 3 ? "succeeded" : "failed");
    feed_settle(&f);
    assert_string_equal(digest(&f), "*10 more*: 10 commits (3 failed)");
    /* 20 messages, their histories, their failures and the digest */
    assert_int_equal(json_object_size(f.seen), 20 + 20 + 7 + 1);
    feed_check_pace(&f);
    feed_finish(&f);
}

static void a_line_that_fails_later_is_told_to_the_channel_once(void **state) {
    struct feed f;
    const json_t *alarm = NULL;
    (void)state;
    feed_init(&f);
    f.w.conf.digest = 2;
    for (int i = 0; i < 4; i++)
        say(&f, i, 1, "pending");
    feed_run(&f, 120000);
    assert_int_equal(json_object_size(f.seen), 3);
    say(&f, 3, 2, "failed");
    say(&f, 3, 3, "failed"); /* as many as the minute bears */
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "alarm", &alarm), 2);
    assert_true(json_is_true(json_object_get(alarm, "broadcast")));
    assert_non_null(json_object_get(f.seen, sw_str(alarm, "thread_ts")));
    say(&f, 3, 3, "failed");
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 5);
    feed_finish(&f);
}

static void the_next_minute_begins_anew(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    f.w.conf.digest = 2;
    for (int minute = 0; minute < 3; minute++) {
        for (int i = 0; i < 4; i++)
            say(&f, 10 * minute + i, 1, "pending");
        feed_run(&f, 60000);
    }
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, " more*", NULL), 3);
    assert_int_equal(json_object_size(f.seen), 9);
    feed_finish(&f);
}

static void what_somebody_looks_for_is_never_a_line(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    for (int i = 0; i < 100; i++)
        say(&f, i, 1, "pending");
    json_t *body = notice("n/test/0001/C0DEPLOY", "C0DEPLOY", 1, "succeeded");
    json_object_set_new(body, "test", json_true());
    feed_send(&f, body);
    feed_run(&f, 3000); /* and it comes next */
    assert_int_equal(feed_shows(&f, "`n/test/0001/C0DEPLOY` v1", NULL), 1);
    feed_settle(&f);
    feed_check_pace(&f);
    feed_finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_of_a_minute_have_messages_of_their_own),
        cmocka_unit_test(a_subject_of_a_digest_goes_on_there),
        cmocka_unit_test(what_somebody_looks_for_is_never_a_line),
        cmocka_unit_test(a_line_that_fails_later_is_told_to_the_channel_once),
        cmocka_unit_test(the_next_minute_begins_anew),
    };
    return cmocka_run_group_tests_name("responder_digest", tests, NULL, NULL);
}
