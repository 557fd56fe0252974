/* test_responder.c -- parent and thread: a message that changes, and the replies below it. */
#include "responder_talk.h"

static void a_parent_is_posted_and_then_updated(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    expect_method(&w, 0, "chat.postMessage");
    assert_string_equal(sw_str(world_request(&w, 0), "repeat"), "once");
    assert_string_equal(sw_str(world_json(&w, 0), "channel"), "C0DEPLOY");
    expect_text(&w, 0, "\"event_payload\": {\"op\": \"" CMD "\"}");
    expect_text(&w, 0, "<@U0ADA> is promoting *storefront* v42: staging");
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    parent(&w, CMD, "success", 2, true);
    expect_method(&w, 0, "chat.update");
    assert_string_equal(sw_str(world_request(&w, 0), "repeat"), "safe");
    assert_string_equal(sw_str(world_json(&w, 0), "ts"), "1.1");
    expect_text(&w, 0, "<@U0ADA> promoted *storefront* v42");
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    assert_int_equal(json_object_size(w.timers), 0);
    world_finish(&w);
}

static void a_hundred_states_are_folded_into_the_newest(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    for (int i = 1; i <= 100; i++)
        parent(&w, CMD, i == 100 ? "partial" : "running", i, false);
    assert_int_equal(world_count(&w), 1);
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 1);
    expect_method(&w, 0, "chat.update");
    expect_text(&w, 0, "only a part");
    for (int i = 101; i <= 200; i++)
        parent(&w, CMD, i == 200 ? "success" : "running", i, i == 200);
    assert_int_equal(world_count(&w), 1);
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 1);
    expect_text(&w, 0, "promoted *storefront*");
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

static void late_news_change_nothing(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    parent(&w, CMD, "success", 9, true);
    parent(&w, CMD, "running", 3, false); /* while the update is under way */
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    parent(&w, CMD, "running", 8, false); /* and when it is shown */
    assert_int_equal(world_count(&w), 0);
    parent(&w, CMD, "failure", 9, true); /* the same rank is news */
    assert_int_equal(world_count(&w), 1);
    world_finish(&w);
}

static void replies_wait_for_the_parent_and_keep_their_order(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    for (int i = 1; i <= 3; i++)
        thread(&w, CMD, i);
    assert_int_equal(world_count(&w), 1);
    answer(&w, OK_TS);
    for (int i = 1; i <= 3; i++) {
        char version[16];
        while (world_count(&w) == 0)
            assert_true(world_fire(&w));
        assert_int_equal(world_count(&w), 1);
        expect_method(&w, 0, "chat.postMessage");
        assert_string_equal(sw_str(world_json(&w, 0), "thread_ts"), "1.1");
        snprintf(version, sizeof(version), " v%d ", i);
        expect_text(&w, 0, version);
        answer(&w, OK_TS);
    }
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

static void what_a_full_thread_leaves_out_is_told(void **state) {
    struct world w;
    int posts = 0;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    for (int i = 1; i <= 60; i++)
        thread(&w, CMD, i);
    answer(&w, OK_TS);
    do {
        while (world_count(&w) > 0) {
            posts++;
            if (posts == 50) expect_text(&w, 0, " v50 ");
            if (posts == 51) expect_text(&w, 0, "left out here: 10");
            answer(&w, OK_TS);
        }
    } while (world_fire(&w));
    assert_int_equal(posts, 51);
    world_finish(&w);
}

static void a_channel_gets_one_message_a_second_after_a_short_burst(void **state) {
    struct world w;
    int64_t at_ms[10];
    (void)state;
    world_init(&w);
    for (size_t i = 0; i < 10; i++) {
        char op[16];
        snprintf(op, sizeof(op), "0001-%zu", i);
        parent(&w, op, "started", 1, false);
    }
    assert_int_equal(world_count(&w), 3);
    for (size_t i = 0; i < 10; i++) {
        while (world_count(&w) == 0)
            assert_true(world_fire(&w));
        at_ms[i] = w.now_ms - START_MS;
        answer(&w, OK_TS);
    }
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(at_ms[i], i < 3 ? 0 : (int64_t)(i - 2) * 1000);
    assert_false(world_fire(&w));
    world_finish(&w);
}

static void retry_after_closes_the_channel_and_is_not_hammered(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    for (size_t i = 0; i < 6; i++) {
        char op[16];
        snprintf(op, sizeof(op), "0001-%zu", i);
        parent(&w, op, "started", 1, false);
    }
    assert_int_equal(world_count(&w), 3);
    answer(&w, TOO_FAST);
    answer(&w, OK_TS);
    answer(&w, OK_TS);
    int64_t last_ms = 0;
    for (size_t i = 0; i < 4; i++) {
        while (world_count(&w) == 0)
            assert_true(world_fire(&w));
        assert_int_equal(world_count(&w), 1);
        assert_true(w.now_ms >= START_MS + 7000);
        assert_true(i == 0 || w.now_ms - last_ms >= 1000);
        last_ms = w.now_ms;
        answer(&w, OK_TS);
    }
    world_finish(&w);
}

static void a_post_of_unknown_fate_is_repeated_once_and_then_told_by_response_url(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    answer(&w, LOST);
    expect_method(&w, 0, "chat.postMessage");
    assert_true(json_is_true(json_object_get(world_request(&w, 0), "repeated")));
    answer(&w, LOST);
    expect_method(&w, 0, "hooks");
    answer(&w, OK_PLAIN);
    parent(&w, CMD, "success", 2, true);
    expect_method(&w, 0, "hooks");
    expect_text(&w, 0, "promoted *storefront*");
    world_finish(&w);
}

static void a_sick_slack_is_given_time_before_the_repeat(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    answer(&w, SICK);
    assert_int_equal(world_count(&w), 0);
    parent(&w, CMD, "running", 2, false);
    assert_true(world_fire(&w));
    assert_int_equal(w.now_ms - START_MS, 2000);
    expect_method(&w, 0, "chat.postMessage");
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

/* The bot cannot post: beginning and end come by response_url, the thread within the end. */
static void an_update_that_is_too_fast_waits_and_then_shows_the_newest(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    parent(&w, CMD, "running", 2, false);
    answer(&w, TOO_FAST);
    parent(&w, CMD, "success", 3, true);
    assert_int_equal(world_count(&w), 0);
    assert_int_equal(world_timer_ms(&w), 7000);
    world_fire(&w);
    assert_int_equal(world_count(&w), 1);
    expect_text(&w, 0, "promoted *storefront*");
    answer(&w, OK_TS);
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

static void an_update_is_tried_again_while_slack_is_away(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    parent(&w, CMD, "success", 3, true);
    for (int i = 0; i < 20; i++) {
        answer(&w, i % 2 ? "{\"error\":\"timeout\"}" : UNREACHED);
        assert_int_equal(world_count(&w), 0);
        assert_true(world_fire(&w));
        expect_method(&w, 0, "chat.update");
    }
    world_finish(&w);
}

static void a_deleted_message_ends_in_a_new_one(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    parent(&w, CMD, "running", 2, false);
    answer(&w, SAYS("message_not_found"));
    assert_int_equal(world_count(&w), 0);
    parent(&w, CMD, "success", 3, true);
    expect_method(&w, 0, "hooks");
    world_finish(&w);
}

static void each_answer_to_a_reply_has_its_consequence(void **state) {
    static const struct {
        const char *http;
        const char *next; /* the call that follows, at once or by timer */
        bool repeated;
    } rows[] = {
        {TOO_FAST, "chat.postMessage", false},
        {LOST, "chat.postMessage", true},
        {SICK, "chat.postMessage", true},
        {SAYS("internal_error"), "chat.postMessage", true},
        {UNREACHED, "chat.postMessage", false},
        {SAYS("invalid_blocks"), "chat.postMessage", false},
        {SAYS("restricted_action_thread_locked"), "hooks", false},
        {SAYS("not_in_channel"), "hooks", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_init(&w);
        print_message("row %zu: %s\n", i, rows[i].http);
        shown(&w, CMD);
        thread(&w, CMD, 7);
        expect_method(&w, 0, "chat.postMessage");
        answer(&w, rows[i].http);
        if (world_count(&w) == 0) assert_true(world_fire(&w));
        assert_int_equal(world_count(&w), 1);
        expect_method(&w, 0, rows[i].next);
        assert_int_equal(json_is_true(json_object_get(world_request(&w, 0), "repeated")),
                         rows[i].repeated);
        if (!strcmp(rows[i].next, "chat.postMessage")) expect_text(&w, 0, " v7");
        answer(&w, OK_TS);
        assert_int_equal(world_count(&w), 0);
        world_finish(&w);
    }
}

static void a_reply_that_may_be_missing_is_told(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    thread(&w, CMD, 1);
    answer(&w, LOST);
    answer(&w, LOST);
    expect_text(&w, 0, "left out here: 1");
    answer(&w, LOST);
    answer(&w, LOST);
    assert_int_equal(world_count(&w), 0); /* and so it ends */
    world_finish(&w);
}

static void a_reply_whose_parent_never_comes_is_said_by_itself(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    thread(&w, CMD, 7);
    assert_int_equal(world_count(&w), 0);
    assert_true(world_fire(&w));
    assert_int_equal(w.now_ms - START_MS, 60000);
    expect_method(&w, 0, "hooks");
    expect_text(&w, 0, " v7 ");
    world_finish(&w);
}

static void a_reply_whose_parent_comes_late_is_told_once(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    thread(&w, CMD, 7);
    parent(&w, CMD, "started", 1, false);
    answer(&w, OK_TS);
    expect_text(&w, 0, " v7 ");
    answer(&w, OK_TS);
    assert_true(world_fire(&w));
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

static void a_notice_without_a_response_url_falls_back_to_the_person(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, "release/a/7", "started", 1, false);
    answer(&w, SAYS("is_archived"));
    expect_method(&w, 0, "chat.postEphemeral");
    world_finish(&w);
}

static void answers_that_come_twice_do_nothing(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    thread(&w, CMD, 1);
    thread(&w, CMD, 2);
    json_array_append_new(w.calls, json_deep_copy(json_array_get(w.calls, 0)));
    assert_int_equal(world_answer(&w, 1, OK_TS), 0);
    assert_int_equal(world_count(&w), 2); /* the first reply, and the answer still to come twice */
    assert_int_equal(world_answer(&w, 0, OK_TS), 0);
    assert_int_equal(world_count(&w), 1);
    world_finish(&w);
}

static void what_people_type_stays_text(void **state) {
    static const char line[] = "promote <!channel> <@U0BOB> <http://evil.example|x> & `b` *c*";
    struct world w;
    (void)state;
    world_init(&w);
    json_t *data = promote("started");
    json_object_set_new(data, "line", json_string(line));
    json_object_set_new(data, "pipeline", json_string("<!here> *x*"));
    json_object_set_new(data, "user", json_string("U0ADA> <!everyone"));
    assert_int_equal(world_reply(&w, CMD, "parent", "promote", data, 1, false), 0);
    assert_false(world_shows(world_json(&w, 0), "<!"));
    assert_false(world_shows(world_json(&w, 0), "<@U0BOB"));
    assert_false(world_shows(world_json(&w, 0), "<http"));
    expect_text(&w, 0, "`/h promote &lt;!channel&gt;");
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_is_posted_and_then_updated),
        cmocka_unit_test(a_hundred_states_are_folded_into_the_newest),
        cmocka_unit_test(late_news_change_nothing),
        cmocka_unit_test(replies_wait_for_the_parent_and_keep_their_order),
        cmocka_unit_test(what_a_full_thread_leaves_out_is_told),
        cmocka_unit_test(a_channel_gets_one_message_a_second_after_a_short_burst),
        cmocka_unit_test(retry_after_closes_the_channel_and_is_not_hammered),
        cmocka_unit_test(a_post_of_unknown_fate_is_repeated_once_and_then_told_by_response_url),
        cmocka_unit_test(a_sick_slack_is_given_time_before_the_repeat),
        cmocka_unit_test(an_update_that_is_too_fast_waits_and_then_shows_the_newest),
        cmocka_unit_test(an_update_is_tried_again_while_slack_is_away),
        cmocka_unit_test(a_deleted_message_ends_in_a_new_one),
        cmocka_unit_test(each_answer_to_a_reply_has_its_consequence),
        cmocka_unit_test(a_reply_that_may_be_missing_is_told),
        cmocka_unit_test(a_reply_whose_parent_never_comes_is_said_by_itself),
        cmocka_unit_test(a_reply_whose_parent_comes_late_is_told_once),
        cmocka_unit_test(a_notice_without_a_response_url_falls_back_to_the_person),
        cmocka_unit_test(answers_that_come_twice_do_nothing),
        cmocka_unit_test(what_people_type_stays_text),
    };
    return cmocka_run_group_tests_name("responder", tests, NULL, NULL);
}
