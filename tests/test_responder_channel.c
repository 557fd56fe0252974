/* test_responder_channel.c -- may the bot post there: what Slack says, and what is answered to whom. */
#include "responder_talk.h"

#define ROOM "C0ROOM"
#define INFO(rest)                                                                                 \
    "{\"status\":200,\"json\":{\"ok\":true,\"channel\":{\"id\":\"" ROOM                            \
    "\",\"name\":\"room\"," rest "}}}"
#define MEMBER INFO("\"is_member\":true,\"is_private\":false")
#define STRANGER INFO("\"is_member\":false,\"is_private\":false")

static int ask(struct world *w, const char *from, bool join) {
    json_t *body = json_pack("{s:o, s:s, s:s, s:b, s:{s:i}}", "who", who(), "channel", ROOM, "from",
                             from, "join", join, "keep", "step", 7);
    return world_step(w, SW_KIND_CHANNEL, CMD, body, json_pack("{s:s}", "token", "box-of-token"));
}

/* The answer among the outputs of the last step; NULL: none. */
static const json_t *told(const struct world *w, const char *to) {
    size_t i;
    json_t *o;
    json_array_foreach(w->last, i, o) {
        if (strcmp(sw_str(o, "op"), "send") != 0) continue;
        assert_string_equal(sw_str(o, "name"), to);
        assert_string_equal(sw_str(o, "kind"), SW_KIND_CHANNEL_STATE);
        assert_string_equal(sw_str(o, "cmd"), CMD);
        return json_object_get(o, "body");
    }
    return NULL;
}

/* `reason` "": it may. Nothing of the question is left. */
static void expect_state(const struct world *w, const char *to, const char *reason) {
    const json_t *body = told(w, to);
    assert_non_null(body);
    assert_string_equal(sw_str(body, "reason"), reason);
    assert_int_equal(json_is_true(json_object_get(body, "ok")), !reason[0]);
    assert_string_equal(sw_str(body, "channel"), ROOM);
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "U0ADA");
    assert_int_equal(sw_int(json_object_get(body, "keep"), "step"), 7);
    assert_int_equal(json_object_size(w->timers), 0);
    assert_int_equal(world_count(w), 0);
    assert_null(json_object_get(w->facts, "ask/" CMD "/" ROOM));
}

static void a_channel_that_the_bot_is_in_is_open(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(ask(&w, "executor", true), 0);
    expect_method(&w, 0, "conversations.info");
    assert_string_equal(sw_str(json_object_get(world_request(&w, 0), "form"), "channel"), ROOM);
    answer(&w, MEMBER);
    expect_state(&w, "executor", "");
    assert_string_equal(sw_str(told(&w, "executor"), "name"), "room");
    assert_true(world_shows(w.last, "box-of-token")); /* what executor's question carried */
    world_finish(&w);
}

static void a_public_channel_is_joined_where_that_is_wished(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    ask(&w, "notifier", true);
    answer(&w, STRANGER);
    expect_method(&w, 0, "conversations.join");
    answer(&w, STRANGER); /* Slack describes it as it was */
    expect_state(&w, "notifier", "");
    ask(&w, "notifier", false);
    answer(&w, STRANGER);
    expect_state(&w, "notifier", "");
    world_finish(&w);
}

static void each_word_of_slack_has_its_reason(void **state) {
    static const struct {
        const char *info, *join, *reason;
    } rows[] = {
        {SAYS("channel_not_found"), NULL, "missing"},
        {SAYS("missing_scope"), NULL, "scope"},
        {SAYS("token_revoked"), NULL, "no_bot"},
        {"{\"error\":\"refused\"}", NULL, "no_bot"},
        {SAYS("something_new"), NULL, "away"},
        {INFO("\"is_archived\":true,\"is_member\":true"), NULL, "archived"},
        {INFO("\"is_private\":true,\"is_member\":false"), NULL, "private"},
        {STRANGER, SAYS("method_not_supported_for_channel_type"), "private"},
        {STRANGER, SAYS("is_archived"), "archived"},
        {STRANGER, SAYS("missing_scope"), "scope"},
        {STRANGER, SAYS("channel_not_found"), "missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_init(&w);
        ask(&w, "executor", true);
        answer(&w, rows[i].info);
        if (rows[i].join) answer(&w, rows[i].join);
        expect_state(&w, "executor", rows[i].reason);
        world_finish(&w);
    }
}

static void without_a_bot_nothing_is_asked(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.conf.slack_token.current = NULL;
    ask(&w, "executor", true);
    expect_state(&w, "executor", "no_bot");
    world_finish(&w);
}

static void a_slack_that_is_too_busy_is_asked_again(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    ask(&w, "executor", true);
    answer(&w, TOO_FAST);
    assert_int_equal(world_count(&w), 0);
    assert_true(world_fire(&w));
    assert_int_equal(w.now_ms, START_MS + 7000);
    expect_method(&w, 0, "conversations.info");
    answer(&w, SICK);
    assert_true(world_fire(&w));
    answer(&w, MEMBER);
    expect_state(&w, "executor", "");
    world_finish(&w);
}

static void what_has_no_answer_in_time_is_away(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    ask(&w, "executor", true);
    assert_true(world_fire(&w)); /* the call still runs */
    assert_int_equal(w.now_ms, START_MS + 15000);
    assert_string_equal(sw_str(told(&w, "executor"), "reason"), "away");
    answer(&w, MEMBER); /* too late: nobody waits any more */
    assert_null(told(&w, "executor"));
    ask(&w, "executor", true);
    for (int i = 0; i < 10 && world_count(&w) > 0; i++) {
        answer(&w, "{\"status\":429,\"retry_after\":60}");
        world_fire(&w);
    }
    expect_state(&w, "executor", "away");
    world_finish(&w);
}

static void a_question_that_was_asked_anew_takes_no_answer_of_the_old_one(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    ask(&w, "executor", true);
    ask(&w, "executor", true);
    answer(&w, SAYS("channel_not_found"));
    assert_null(told(&w, "executor"));
    answer(&w, MEMBER);
    expect_state(&w, "executor", "");
    world_finish(&w);
}

static void only_those_who_may_ask_are_answered(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(ask(&w, "ingress", true), -EBADMSG);
    json_t *body =
        json_pack("{s:o, s:s, s:s}", "who", who(), "channel", "#room", "from", "executor");
    assert_int_equal(world_step(&w, SW_KIND_CHANNEL, CMD, body, json_object()), -EBADMSG);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_the_bot_is_in_is_open),
        cmocka_unit_test(a_public_channel_is_joined_where_that_is_wished),
        cmocka_unit_test(each_word_of_slack_has_its_reason),
        cmocka_unit_test(without_a_bot_nothing_is_asked),
        cmocka_unit_test(a_slack_that_is_too_busy_is_asked_again),
        cmocka_unit_test(what_has_no_answer_in_time_is_away),
        cmocka_unit_test(a_question_that_was_asked_anew_takes_no_answer_of_the_old_one),
        cmocka_unit_test(only_those_who_may_ask_are_answered),
    };
    return cmocka_run_group_tests_name("responder_channel", tests, NULL, NULL);
}
