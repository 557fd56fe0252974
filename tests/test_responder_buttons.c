/* test_responder_buttons.c -- buttons that type a line: where they stand, and when they go. */
#include "responder_talk.h"

static json_t *with_buttons(json_t *data) {
    json_object_set_new(data, "buttons",
                        json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s}]", "label", "Cancel", "line",
                                  "cancel 0001-cmd", "style", "danger", "confirm", "Really?",
                                  "label", "Status", "line", "status 0001-cmd"));
    return data;
}

/* The actions block of call `i`, or NULL; there is never more than one. */
static const json_t *actions(const struct world *w, size_t i) {
    const json_t *found = NULL;
    size_t k;
    json_t *block;
    json_array_foreach(json_object_get(world_json(w, i), "blocks"), k, block) {
        if (strcmp(sw_str(block, "type"), "actions") != 0) continue;
        assert_null(found);
        found = json_object_get(block, "elements");
    }
    return found;
}

static void expect_buttons(const struct world *w, size_t i) {
    const json_t *list = actions(w, i);
    assert_int_equal(json_array_size(list), 2);
    for (size_t k = 0; k < 2; k++) {
        const json_t *button = json_array_get(list, k);
        assert_string_equal(sw_str(button, "type"), "button");
        assert_string_equal(sw_str(button, "action_id"), k ? "type/2" : "type/1");
        assert_string_equal(sw_str(button, "value"), k ? "status 0001-cmd" : "cancel 0001-cmd");
    }
}

static void a_parent_shows_them_until_a_state_without(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(
        world_reply(&w, CMD, "parent", "promote", with_buttons(promote("started")), 1, false), 0);
    expect_buttons(&w, 0);
    answer(&w, OK_TS);
    assert_int_equal(
        world_reply(&w, CMD, "parent", "promote", with_buttons(promote("running")), 2, false), 0);
    expect_method(&w, 0, "chat.update");
    expect_buttons(&w, 0);
    answer(&w, OK_TS);
    parent(&w, CMD, "success", 3, true);
    expect_method(&w, 0, "chat.update");
    assert_true(json_array_size(json_object_get(world_json(&w, 0), "blocks")) > 0);
    assert_null(actions(&w, 0));
    world_finish(&w);
}

static void each_way_of_saying_shows_them(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    shown(&w, CMD);
    static const char *const ways[] = {"thread", "private", "say"};
    for (size_t i = 0; i < 3; i++) {
        json_t *data = with_buttons(json_pack("{s:s}", "upstream", "Heroku"));
        assert_int_equal(world_reply(&w, CMD, ways[i], "error.upstream", data, -1, false), 0);
        expect_buttons(&w, 0);
        answer(&w, OK_TS);
        assert_int_equal(world_count(&w), 0);
    }
    world_finish(&w);
}

static void what_slack_refuses_goes_without_them(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(
        world_reply(&w, CMD, "parent", "promote", with_buttons(promote("started")), 1, false), 0);
    answer(&w, "{\"status\":200,\"json\":{\"ok\":false,\"error\":\"invalid_blocks\"}}");
    expect_method(&w, 0, "chat.postMessage");
    assert_null(actions(&w, 0));
    expect_text(&w, 0, "<@U0ADA> is promoting");
    world_finish(&w);
}

static void a_message_with_much_folded_below_it_keeps_slacks_limits(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    w.conf.slack_token.current = NULL; /* all goes by response_url: the thread is folded */
    parent(&w, CMD, "started", 1, false);
    for (int i = 0; i < 40; i++)
        thread(&w, CMD, i);
    assert_int_equal(
        world_reply(&w, CMD, "parent", "promote", with_buttons(promote("success")), 2, true), 0);
    size_t last = world_count(&w) - 1;
    assert_true(json_array_size(json_object_get(world_json(&w, last), "blocks")) <= 50);
    expect_buttons(&w, last);
    expect_text(&w, last, "More updates were left out here");
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_shows_them_until_a_state_without),
        cmocka_unit_test(each_way_of_saying_shows_them),
        cmocka_unit_test(what_slack_refuses_goes_without_them),
        cmocka_unit_test(a_message_with_much_folded_below_it_keeps_slacks_limits),
    };
    return cmocka_run_group_tests_name("responder_buttons", tests, NULL, NULL);
}
