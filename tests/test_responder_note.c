/* test_responder_note.c -- private and say: the ways to a person, one after the other. */
#include "responder_world.h"

static json_t *line(void) {
    return json_pack("{s:s, s:s}", "line", "releases storefront", "message", "no");
}

static json_t *help(void) {
    return json_pack("{s:[{s:s, s:s}]}", "commands", "usage", "login", "summary", "connects");
}

static void expect_method(const struct world *w, size_t i, const char *method) {
    assert_true(i < world_count(w));
    assert_string_equal(world_method(w, i), method);
}

static void help_is_one_call_and_nothing_else(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_reply(&w, CMD, "private", "help", help(), -1, true), 0);
    assert_int_equal(json_array_size(w.last), 1);
    expect_method(&w, 0, "hooks");
    const json_t *request = world_request(&w, 0), *json = world_json(&w, 0);
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "quiet")));
    assert_string_equal(sw_str(json_object_get(request, "url"), "$box"), "box-of-url");
    assert_string_equal(sw_str(json_object_get(request, "url"), "field"), "url");
    assert_string_equal(sw_str(json, "response_type"), "ephemeral");
    assert_true(json_is_false(json_object_get(json, "replace_original")));
    assert_true(sw_str(json, "text")[0]);
    assert_true(json_array_size(json_object_get(json, "blocks")) > 0);
    world_finish(&w);
}

static void five_posts_go_to_a_response_url_and_the_sixth_elsewhere(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_reply(&w, CMD, "private", "error.heroku", line(), -1, false), 0);
        expect_method(&w, (size_t)i, "hooks");
    }
    assert_int_equal(sw_int(world_conv(&w, CMD), "urls"), 5);
    assert_int_equal(world_reply(&w, CMD, "private", "error.heroku", line(), -1, true), 0);
    expect_method(&w, 5, "chat.postEphemeral");
    assert_string_equal(sw_str(world_json(&w, 5), "user"), "U0ADA");
    assert_string_equal(sw_str(world_json(&w, 5), "channel"), "C0DEPLOY");
    assert_string_equal(sw_str(json_object_get(world_request(&w, 5), "bearer"), "$conf"),
                        "slack_token");
    world_finish(&w);
}

static void an_old_response_url_is_not_used(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.now_ms = START_MS + 29 * 60 * 1000;
    assert_int_equal(world_reply(&w, CMD, "private", "help", help(), -1, true), 0);
    expect_method(&w, 0, "hooks");
    w.now_ms += 1;
    assert_int_equal(world_reply(&w, CMD, "private", "help", help(), -1, true), 0);
    expect_method(&w, 1, "chat.postEphemeral");
    world_finish(&w);
}

static void somebody_else_is_told_by_a_direct_message_at_once(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_reply(&w, CMD, "direct", "error.heroku", line(), -1, false), 0);
    expect_method(&w, 0, "conversations.open");
    assert_int_equal((int)world_count(&w), 1);
    world_finish(&w);
}

static void a_box_of_another_command_is_not_used(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_reply(&w, "release/a/7", "private", "help", help(), -1, true), 0);
    expect_method(&w, 0, "chat.postEphemeral");
    world_finish(&w);
}

/* What follows an answer to the post of a response_url. */
static void each_answer_of_a_response_url_has_its_consequence(void **state) {
    static const struct {
        const char *http;
        bool final;
        const char *next; /* the call that follows, NULL: none */
        int64_t timer_ms; /* 0: none */
    } rows[] = {
        {"{\"status\":404}", true, "chat.postEphemeral", 0},
        {"{\"status\":410}", false, "chat.postEphemeral", 0},
        {"{\"status\":302}", true, "chat.postEphemeral", 0},
        {"{\"status\":403,\"json\":{\"error\":\"x\"}}", true, "chat.postEphemeral", 0},
        {"{\"error\":\"refused\"}", true, "chat.postEphemeral", 0},
        {TOO_FAST, true, NULL, 7000},
        {"{\"status\":429}", true, NULL, 1000},
        {"{\"status\":429,\"retry_after\":999999}", true, NULL, 3600 * 1000},
        {LOST, true, "hooks", 0},
        {SICK, true, NULL, 2000},
        {LOST, false, NULL, 0},
        {SICK, false, NULL, 0},
        {UNREACHED, true, NULL, 2000},
        {"{\"status\":200,\"error\":\"bad_json\"}", true, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_init(&w);
        print_message("row %zu: %s\n", i, rows[i].http);
        world_reply(&w, CMD, "private", "error.heroku", line(), -1, rows[i].final);
        assert_int_equal(world_answer(&w, 0, rows[i].http), 0);
        assert_int_equal(world_count(&w), rows[i].next ? 1 : 0);
        if (rows[i].next) expect_method(&w, 0, rows[i].next);
        assert_int_equal(json_object_size(w.timers), rows[i].timer_ms ? 1 : 0);
        if (rows[i].timer_ms) {
            assert_int_equal(world_timer_ms(&w), rows[i].timer_ms);
            world_fire(&w);
            if (rows[i].timer_ms < 29 * 60 * 1000)
                expect_method(&w, 0, "hooks");
            else
                expect_method(&w, 0, "chat.postEphemeral");
        }
        world_finish(&w);
    }
}

static void a_final_answer_is_repeated_once_and_counted(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_reply(&w, CMD, "private", "error.heroku", line(), -1, true);
    assert_null(json_object_get(world_request(&w, 0), "repeated"));
    world_answer(&w, 0, LOST);
    expect_method(&w, 0, "hooks");
    assert_true(json_is_true(json_object_get(world_request(&w, 0), "repeated")));
    assert_int_equal(sw_int(world_conv(&w, CMD), "urls"), 2);
    world_answer(&w, 0, LOST);
    expect_method(&w, 0, "chat.postEphemeral");
    assert_null(json_object_get(world_request(&w, 0), "repeated"));
    assert_int_equal(world_answer(&w, 0, OK_PLAIN), 0);
    assert_int_equal(world_count(&w), 0);
    world_finish(&w);
}

static void
without_a_connection_it_is_tried_longer_each_time_and_then_by_the_next_way(void **state) {
    struct world w;
    int64_t waits_ms[] = {2000, 4000, 8000, 16000, 32000, 64000};
    (void)state;
    world_init(&w);
    world_reply(&w, CMD, "private", "error.heroku", line(), -1, true);
    for (size_t i = 0; i < 6; i++) {
        world_answer(&w, 0, UNREACHED);
        assert_int_equal(world_timer_ms(&w), waits_ms[i]);
        world_fire(&w);
        expect_method(&w, 0, "hooks");
    }
    world_answer(&w, 0, UNREACHED);
    expect_method(&w, 0, "chat.postEphemeral");
    assert_int_equal(sw_int(world_conv(&w, CMD), "urls"), 1);
    world_finish(&w);
}

static void a_person_outside_the_channel_gets_a_direct_message(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    world_reply(&w, CMD, "private", "error.heroku", line(), -1, true);
    expect_method(&w, 0, "chat.postEphemeral");
    world_answer(&w, 0, SAYS("user_not_in_channel"));
    expect_method(&w, 0, "conversations.open");
    assert_string_equal(sw_str(world_request(&w, 0), "repeat"), "safe");
    assert_string_equal(sw_str(world_json(&w, 0), "users"), "U0ADA");
    world_answer(&w, 0, "{\"status\":200,\"json\":{\"ok\":true,\"channel\":{\"id\":\"D0ADA\"}}}");
    expect_method(&w, 0, "chat.postMessage");
    assert_string_equal(sw_str(world_json(&w, 0), "channel"), "D0ADA");
    assert_int_equal(world_answer(&w, 0, OK_TS), 0);
    assert_int_equal(json_array_size(w.last), 0);
    world_finish(&w);
}

static void where_no_way_is_left_it_becomes_a_dead_letter(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    world_reply(&w, CMD, "private", "error.heroku", line(), -1, true);
    world_answer(&w, 0, SAYS("account_inactive"));
    expect_method(&w, 0, "conversations.open");
    assert_int_equal(world_answer(&w, 0, SAYS("account_inactive")), -EHOSTUNREACH);
    w.conf.slack_token.current = NULL;
    assert_int_equal(world_reply(&w, CMD, "private", "error.heroku", line(), -1, true),
                     -EHOSTUNREACH);
    world_finish(&w);
}

static void where_no_way_is_left_what_a_page_has_said_is_dropped(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    w.told = true;
    w.conf.slack_token.current = NULL;
    assert_int_equal(world_reply(&w, CMD, "private", "login.done", line(), -1, true), 0);
    assert_int_equal(json_array_size(w.last), 0);
    world_finish(&w);
}

static void say_is_seen_by_all_and_names_who_asked(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_reply(&w, CMD, "say", "releases.list", line(), -1, true);
    expect_method(&w, 0, "hooks");
    assert_string_equal(sw_str(world_json(&w, 0), "response_type"), "in_channel");
    assert_true(world_shows(world_json(&w, 0), "<@U0ADA>: `/h releases storefront`"));
    world_finish(&w);
}

static void say_without_a_response_url_is_posted(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_reply(&w, CMD, "say", "releases.list", line(), -1, true);
    world_answer(&w, 0, "{\"status\":404}");
    expect_method(&w, 0, "chat.postMessage");
    assert_true(world_shows(world_json(&w, 0), "\"event_type\": \"slipway\""));
    world_answer(&w, 0, SAYS("not_in_channel"));
    expect_method(&w, 0, "chat.postEphemeral");
    world_finish(&w);
}

static void a_post_of_unknown_fate_is_repeated_once(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    world_reply(&w, CMD, "say", "releases.list", line(), -1, false);
    world_answer(&w, 0, SAYS("fatal_error"));
    world_fire(&w);
    expect_method(&w, 0, "chat.postMessage");
    assert_true(json_is_true(json_object_get(world_request(&w, 0), "repeated")));
    assert_int_equal(world_answer(&w, 0, LOST), 0);
    assert_int_equal(world_count(&w), 0);
    assert_int_equal(json_object_size(w.timers), 0);
    world_finish(&w);
}

static void blocks_that_slack_refuses_are_left_away(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    world_reply(&w, CMD, "private", "error.heroku", line(), -1, true);
    assert_non_null(json_object_get(world_json(&w, 0), "blocks"));
    world_answer(&w, 0, SAYS("invalid_blocks"));
    expect_method(&w, 0, "chat.postEphemeral");
    assert_null(json_object_get(world_json(&w, 0), "blocks"));
    assert_true(sw_str(world_json(&w, 0), "text")[0]);
    world_answer(&w, 0, SAYS("invalid_blocks"));
    expect_method(&w, 0, "conversations.open");
    world_finish(&w);
}

static void too_fast_in_a_channel_waits_and_closes_it_for_others(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.no_url = true;
    world_reply(&w, "0001-a", "say", "releases.list", line(), -1, true);
    world_answer(&w, 0, TOO_FAST);
    assert_int_equal(world_timer_ms(&w), 7000);
    world_reply(&w, "0001-b", "say", "releases.list", line(), -1, true);
    assert_int_equal(world_count(&w), 0);
    world_fire(&w);
    assert_int_equal(w.now_ms, START_MS + 7000);
    expect_method(&w, 0, "chat.postMessage");
    world_finish(&w);
}

static void the_login_card_holds_its_link_as_a_secret(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_t *data =
        json_pack("{s:s, s:b, s:s}", "reason", "missing", "kept", 1, "line", "pipelines");
    world_reply(&w, CMD, "private", "login.card", data, -1, false);
    assert_true(
        world_shows(world_json(&w, 0), "\"url\": {\"$box\": \"box-of-link\", \"field\": \"url\"}"));
    world_finish(&w);
}

static void an_unknown_template_still_says_something(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_reply(&w, CMD, "private", "from.the.future", line(), -1, true);
    assert_true(world_shows(world_json(&w, 0), CMD));
    world_finish(&w);
}

static void what_is_no_reply_goes_dead(void **state) {
    static const char *const bodies[] = {
        "{}",
        "{\"op\":\"x\",\"to\":\"private\",\"template\":\"help\"}",
        "{\"op\":\"\",\"to\":\"private\",\"template\":\"help\",\"who\":{\"channel\":\"C\"}}",
        "{\"op\":\"x\",\"to\":\"all\",\"template\":\"help\",\"who\":{\"channel\":\"C\"}}",
        "{\"op\":\"x\",\"to\":\"parent\",\"template\":\"\",\"who\":{\"channel\":\"C\"}}",
        "{\"op\":7,\"to\":[],\"template\":{},\"who\":\"me\"}",
    };
    struct world w;
    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
        assert_int_equal(
            world_step(&w, SW_KIND_REPLY, CMD, json_loads(bodies[i], 0, NULL), json_object()),
            -EBADMSG);
    char op[200];
    memset(op, 'a', sizeof(op) - 1);
    op[sizeof(op) - 1] = 0;
    assert_int_equal(world_reply(&w, op, "parent", "promote", NULL, 1, false), -EBADMSG);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_is_one_call_and_nothing_else),
        cmocka_unit_test(five_posts_go_to_a_response_url_and_the_sixth_elsewhere),
        cmocka_unit_test(an_old_response_url_is_not_used),
        cmocka_unit_test(somebody_else_is_told_by_a_direct_message_at_once),
        cmocka_unit_test(a_box_of_another_command_is_not_used),
        cmocka_unit_test(each_answer_of_a_response_url_has_its_consequence),
        cmocka_unit_test(a_final_answer_is_repeated_once_and_counted),
        cmocka_unit_test(
            without_a_connection_it_is_tried_longer_each_time_and_then_by_the_next_way),
        cmocka_unit_test(a_person_outside_the_channel_gets_a_direct_message),
        cmocka_unit_test(where_no_way_is_left_it_becomes_a_dead_letter),
        cmocka_unit_test(where_no_way_is_left_what_a_page_has_said_is_dropped),
        cmocka_unit_test(say_is_seen_by_all_and_names_who_asked),
        cmocka_unit_test(say_without_a_response_url_is_posted),
        cmocka_unit_test(a_post_of_unknown_fate_is_repeated_once),
        cmocka_unit_test(blocks_that_slack_refuses_are_left_away),
        cmocka_unit_test(too_fast_in_a_channel_waits_and_closes_it_for_others),
        cmocka_unit_test(the_login_card_holds_its_link_as_a_secret),
        cmocka_unit_test(an_unknown_template_still_says_something),
        cmocka_unit_test(what_is_no_reply_goes_dead),
    };
    return cmocka_run_group_tests_name("responder_note", tests, NULL, NULL);
}
