/* test_responder_away.c -- a conversation where the bot cannot post. */
#include "responder_talk.h"

static void play_without_the_bot(struct world *w) {
    expect_method(w, 0, "hooks");
    assert_string_equal(sw_str(world_json(w, 0), "response_type"), "in_channel");
    expect_text(w, 0, "is promoting");
    answer(w, OK_PLAIN);
    parent(w, CMD, "running", 2, false);
    for (int i = 1; i <= 3; i++)
        thread(w, CMD, i);
    assert_int_equal(world_count(w), 0);
    parent(w, CMD, "success", 9, true);
    assert_int_equal(world_count(w), 1);
    expect_method(w, 0, "hooks");
    expect_text(w, 0, "promoted *storefront*");
    expect_text(w, 0, " v1 ");
    expect_text(w, 0, " v3 ");
    answer(w, OK_PLAIN);
}

static void where_the_bot_cannot_post_the_response_url_tells_beginning_and_end(void **state) {
    static const char *const errors[] = {
        SAYS("channel_not_found"), SAYS("is_archived"), SAYS("restricted_action"),
        SAYS("invalid_auth"),      SAYS("whatever"),    SAYS("not_in_channel"),
        "{\"status\":400}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        struct world w;
        world_init(&w);
        parent(&w, CMD, "started", 1, false);
        answer(&w, errors[i]);
        play_without_the_bot(&w);
        world_finish(&w);
    }
}

static void in_a_channel_that_is_closed_to_the_bot_its_invitation_is_asked_for_once(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_object_set_new(
        w.facts, "bot/T0SIM1",
        json_pack("{s:i, s:s, s:s}", "version", 1, "box", "b", "bot_user", "U0BOT"));
    parent(&w, CMD, "started", 1, false);
    answer(&w, SAYS("not_in_channel"));
    expect_text(&w, 0, "is promoting");
    expect_text(&w, 0, "`/invite` <@U0BOT>");
    answer(&w, OK_PLAIN);
    parent(&w, CMD, "success", 9, true);
    expect_text(&w, 0, "promoted *storefront*");
    assert_false(world_shows(world_json(&w, 0), "/invite"));
    world_finish(&w);
}

static void without_a_token_slack_is_not_called(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.conf.slack_token.current = NULL;
    parent(&w, CMD, "started", 1, false);
    play_without_the_bot(&w);
    world_finish(&w);
}

static void late_replies_without_the_bot_stay_within_five_posts(void **state) {
    struct world w;
    size_t hooks = 0, others = 0;
    (void)state;
    world_init(&w);
    parent(&w, CMD, "started", 1, false);
    answer(&w, SAYS("is_archived"));
    parent(&w, CMD, "success", 9, true);
    for (int i = 0; i < 10; i++)
        thread(&w, CMD, i);
    for (size_t i = 0; i < world_count(&w); i++) {
        if (!strcmp(world_method(&w, i), "hooks"))
            hooks++;
        else
            others++;
    }
    assert_int_equal(hooks, 5);
    assert_int_equal(others, 7);
    world_finish(&w);
}

static void the_last_state_counts_where_the_final_word_is_private(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.conf.slack_token.current = NULL;
    parent(&w, CMD, "started", 1, false);
    parent(&w, CMD, "two_factor", 1000000, false);
    assert_int_equal(world_count(&w), 2);
    expect_text(&w, 1, "one-time code");
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_the_bot_cannot_post_the_response_url_tells_beginning_and_end),
        cmocka_unit_test(in_a_channel_that_is_closed_to_the_bot_its_invitation_is_asked_for_once),
        cmocka_unit_test(without_a_token_slack_is_not_called),
        cmocka_unit_test(late_replies_without_the_bot_stay_within_five_posts),
        cmocka_unit_test(the_last_state_counts_where_the_final_word_is_private),
    };
    return cmocka_run_group_tests_name("responder_away", tests, NULL, NULL);
}
