/* test_responder_feed.c -- what a channel shows of a subject: one message, one reply with its history, its failures once. */
#include "feed_world.h"

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
    assert_int_equal(feed_shows(&f, "`" OP "` v5 is released", &parent), 1);
    assert_null(json_object_get(parent, "thread_ts"));
    assert_int_equal(feed_shows(&f, "`history " OP "` v5", &log), 1);
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
    assert_int_equal(feed_shows(&f, "`" OP "` v100", NULL), 1);
    assert_int_equal(feed_shows(&f, "`history " OP "` v100", NULL), 1);
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

static bool is_repeat(const struct feed *f, size_t i) {
    return json_is_true(json_object_get(world_request(&f->w, i), "repeated"));
}

static void trouble(struct feed *f, const char *http) {
    f->trouble = http;
    feed_answer(f, 0);
    f->trouble = NULL;
}

static void a_lost_answer_is_repeated_once_and_counted(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    assert_false(is_repeat(&f, 0));
    trouble(&f, LOST);
    assert_int_equal(world_count(&f.w), 0); /* the channel has no place yet */
    feed_run(&f, 1000);
    assert_int_equal(world_count(&f.w), 1);
    assert_true(is_repeat(&f, 0));
    feed_settle(&f);
    feed_say(&f, OP, 2, "pending"); /* what comes next begins anew */
    feed_run(&f, 1000);
    assert_false(is_repeat(&f, 0));
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 2);
    feed_check_pace(&f);
    feed_finish(&f);
}

static void what_nobody_knows_of_twice_is_named_in_a_digest(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    trouble(&f, LOST);
    feed_run(&f, 1000);
    trouble(&f, SICK);
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 1);
    assert_int_equal(feed_shows(&f, "*1 more*: 1 deploy (1 under way)", NULL), 1);
    feed_say(&f, OP, 2, "succeeded");
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "*1 more*: 1 deploy", NULL), 1);
    assert_int_equal(json_object_size(f.seen), 1);
    feed_finish(&f);
}

static void an_unreached_slack_is_tried_for_an_hour_and_gets_the_newest(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    f.trouble = UNREACHED;
    for (int n = 1; n <= 50; n++) {
        feed_say(&f, OP, n, "pending");
        feed_run(&f, 60000);
    }
    assert_true(json_array_size(f.posts) > 40 && json_array_size(f.posts) < 60);
    f.trouble = NULL;
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "`" OP "` v50", NULL), 1);
    assert_int_equal(feed_shows(&f, "`history " OP "` v50", NULL), 1);
    assert_int_equal(json_object_size(f.seen), 2);
    feed_finish(&f);
}

static void blocks_that_slack_refuses_are_left_out(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    trouble(&f, SAYS("invalid_blocks"));
    feed_run(&f, 1000);
    assert_null(json_object_get(world_json(&f.w, 0), "blocks"));
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 1);
    feed_finish(&f);
}

static const json_t *told(const struct feed *f) {
    size_t i;
    json_t *o;
    json_array_foreach(f->w.last, i, o) {
        if (!strcmp(sw_str(o, "op"), "send")) return o;
    }
    return NULL;
}

static void a_channel_that_is_gone_is_told_to_notifier(void **state) {
    static const struct {
        const char *http, *reason;
    } rows[] = {
        {SAYS("channel_not_found"), "missing"}, {SAYS("is_archived"), "archived"},
        {SAYS("not_in_channel"), "private"},    {SAYS("restricted_action"), "scope"},
        {SAYS("missing_scope"), "scope"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct feed f;
        feed_init(&f);
        feed_say(&f, OP, 1, "pending");
        feed_say(&f, "n/tag/1/v1/C0DEPLOY", 1, "succeeded"); /* waits */
        trouble(&f, rows[i].http);
        assert_non_null(told(&f));
        assert_string_equal(sw_str(told(&f), "name"), "notifier");
        assert_string_equal(sw_str(json_object_get(told(&f), "body"), "reason"), rows[i].reason);
        assert_string_equal(sw_str(json_object_get(told(&f), "body"), "channel"), "C0DEPLOY");
        feed_settle(&f);
        assert_int_equal(json_object_size(f.seen), 0);
        feed_say(&f, OP, 2, "pending"); /* the bot was invited, say */
        feed_settle(&f);
        assert_int_equal(feed_shows(&f, "`" OP "` v2", NULL), 1);
        feed_finish(&f);
    }
}

static void a_token_that_is_gone_is_silence(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    trouble(&f, SAYS("account_inactive"));
    assert_null(told(&f));
    feed_settle(&f);
    assert_int_equal(json_array_size(f.posts), 1);
    feed_finish(&f);
}

static void a_token_that_does_not_open_is_waited_for(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    trouble(&f, "{\"error\":\"refused\"}");
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 1);
    f.w.now_ms += 5000;
    feed_say(&f, "n/tag/1/v1/C0DEPLOY", 1, "succeeded");
    trouble(&f, "{\"error\":\"refused\"}");
    f.w.conf.slack_token.current = NULL; /* it was taken away */
    feed_settle(&f);
    assert_int_equal(json_object_size(f.seen), 1);
    f.w.conf.slack_token.current = f.w.token;
    feed_say(&f, "n/tag/1/v1/C0DEPLOY", 2, "succeeded");
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "`n/tag/1/v1/C0DEPLOY` v2", NULL), 1);
    feed_finish(&f);
}

static void a_message_that_somebody_deleted_stays_so(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    feed_settle(&f);
    json_object_clear(f.seen);
    feed_say(&f, OP, 2, "pending");
    feed_run(&f, 2500); /* its history comes first: a place is free */
    json_object_clear(f.seen);
    feed_settle(&f);
    for (int n = 3; n < 6; n++) {
        feed_say(&f, OP, n, "failed");
        feed_settle(&f);
    }
    assert_int_equal(json_object_size(f.seen), 0);
    assert_null(told(&f));
    feed_finish(&f);
}

static void a_failure_is_seen_where_the_thread_is_locked(void **state) {
    const json_t *cast;
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    feed_settle(&f);
    f.w.now_ms += 5000;
    feed_say(&f, OP, 2, "failed");
    assert_int_equal(world_count(&f.w), 1);
    trouble(&f, SAYS("restricted_action_thread_locked"));
    feed_settle(&f);
    assert_int_equal(feed_shows(&f, "`alarm`", &cast), 1);
    assert_null(json_object_get(cast, "thread_ts"));
    assert_null(json_object_get(cast, "broadcast"));
    feed_finish(&f);
}

static void an_answer_that_comes_twice_changes_nothing(void **state) {
    struct feed f;
    (void)state;
    feed_init(&f);
    feed_say(&f, OP, 1, "pending");
    json_t *body = json_deep_copy(json_object_get(json_array_get(f.w.calls, 0), "body"));
    json_object_set_new(body, "http", json_loads(OK_TS, 0, NULL));
    feed_settle(&f);
    SW_AUTO(sw_json) json_t *before = json_deep_copy(f.w.facts);
    assert_int_equal(world_step(&f.w, SW_KIND_RESPONDER_HTTP, CMD, body, json_object()), 0);
    assert_true(json_equal(before, f.w.facts));
    assert_int_equal(world_count(&f.w), 0);
    feed_finish(&f);
}

static void a_notice_without_what_it_must_have_is_a_dead_letter(void **state) {
    static const char *const keys[] = {"op", "n", "parent", "who"};
    struct feed f;
    (void)state;
    feed_init(&f);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        json_t *body = notice(OP, "C0DEPLOY", 1, "pending");
        json_object_del(body, keys[i]);
        assert_int_equal(world_step(&f.w, SW_KIND_NOTICE, CMD, body, json_object()), -EBADMSG);
    }
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
        cmocka_unit_test(a_lost_answer_is_repeated_once_and_counted),
        cmocka_unit_test(what_nobody_knows_of_twice_is_named_in_a_digest),
        cmocka_unit_test(an_unreached_slack_is_tried_for_an_hour_and_gets_the_newest),
        cmocka_unit_test(blocks_that_slack_refuses_are_left_out),
        cmocka_unit_test(a_channel_that_is_gone_is_told_to_notifier),
        cmocka_unit_test(a_token_that_is_gone_is_silence),
        cmocka_unit_test(a_token_that_does_not_open_is_waited_for),
        cmocka_unit_test(a_message_that_somebody_deleted_stays_so),
        cmocka_unit_test(a_failure_is_seen_where_the_thread_is_locked),
        cmocka_unit_test(an_answer_that_comes_twice_changes_nothing),
        cmocka_unit_test(a_notice_without_what_it_must_have_is_a_dead_letter),
        cmocka_unit_test(no_bot_is_silence),
    };
    return cmocka_run_group_tests_name("responder_feed", tests, NULL, NULL);
}
