/* test_notifier_pause.c -- routes that cannot be served are paused, and those whom it concerns are told, through sw_step. */
#include "notifier_world.h"

static int lose(struct world *w, const char *user, const char *reason) {
    return world_route(w, "lost", user, "C0DEV",
                       json_pack("{s:{s:s}, s:s}", "pipeline", "id", "p1", "reason", reason));
}

static int state_of(struct world *w, const char *body) {
    return world_step(w, SW_KIND_CHANNEL_STATE, world_json(body));
}

static int slack(struct world *w, const char *type, const char *channel, const char *name) {
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:I, s:{s:s}}", "source", "slack", "type", type, "event_id",
                  "Ev1", "at_ms", (json_int_t)w->now_ms, "channel", "id", channel);
    if (name) json_object_set_new(json_object_get(body, "channel"), "name", json_string(name));
    return world_step(w, SW_KIND_EVENT, body);
}

static const char *paused_of(const struct world *w, const char *pipeline, size_t number) {
    const json_t *routes = json_object_get(world_fact(w, "pipe", pipeline), "routes");
    return sw_str(json_array_get(routes, number), "paused");
}

static void lost_rights_pause_all_routes_and_say_who_can_take_over(void **state) {
    static const struct {
        const char *reason;
        bool button;
    } rows[] = {{"unlinked", true}, {"denied", true}, {"github", true}, {"gone", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char ops[16], dev[16], other[16], line[64];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, ops);
        world_add(&w, "p1", "U0ADA", "C0DEV", NULL, dev);
        world_add(&w, "p2", "U0ADA", "C0DEV", NULL, other);
        assert_int_equal(lose(&w, "U0ADA", rows[i].reason), 0);
        world_expect(&w, "say route.lost.channel C0OPS; say route.lost.channel C0DEV; "
                         "direct route.lost U0ADA");
        assert_string_equal(paused_of(&w, "p1", 0), rows[i].reason);
        assert_string_equal(paused_of(&w, "p1", 1), rows[i].reason);
        assert_string_equal(paused_of(&w, "p2", 0), "");
        const json_t *data = world_data(&w, "route.lost.channel");
        const json_t *button = json_array_get(json_object_get(data, "buttons"), 0);
        snprintf(line, sizeof(line), "route resume %s storefront", ops);
        assert_string_equal(sw_str(button, "line"), rows[i].button ? line : "");
        assert_string_equal(sw_str(data, "owner"), "U0ADA");
        /* Each day it is found again: once is enough. */
        assert_int_equal(lose(&w, "U0ADA", rows[i].reason), 0);
        world_expect(&w, "");
        world_finish(&w);
    }
}

static void an_owner_who_may_again_is_told_that_it_goes_on(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    lose(&w, "U0ADA", "denied");
    assert_int_equal(world_route(&w, "away", "U0ADA", "C0DEV", world_json("{'pipeline': 'p1'}")),
                     0);
    assert_int_equal(json_array_size(w.out), 0);
    assert_string_equal(paused_of(&w, "p1", 0), "denied");
    world_route(&w, "sync", "U0ADA", "C0DEV", world_seen("p1", "storefront", "U0ADA"));
    world_expect(&w, "say route.resumed.channel C0OPS; direct route.goes_on U0ADA");
    assert_string_equal(paused_of(&w, "p1", 0), "");
    world_finish(&w);
}

/* Also who types again what is paused; and who was told that it stopped hears that it goes on. */
static void who_adds_while_it_is_lost_takes_over(void **state) {
    static const struct {
        const char *channel;
        json_int_t resumed;
    } rows[] = {{"C0BOB", 1}, {"C0OPS", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
        lose(&w, "U0ADA", "unlinked");
        world_add(&w, "p1", "U0BOB", rows[i].channel, NULL, id);
        world_expect(&w, "say route.resumed.channel C0OPS; direct route.taken U0ADA; "
                         "private route.added U0BOB");
        assert_string_equal(paused_of(&w, "p1", 0), "");
        assert_int_equal(sw_int(world_data(&w, "route.added"), "resumed"), rows[i].resumed);
        assert_string_equal(sw_str(json_object_get(world_fact(&w, "pipe", "p1"), "owner"), "user"),
                            "U0BOB");
        world_finish(&w);
    }
}

static void what_is_lost_while_its_channel_is_archived_does_not_go_on_by_itself(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    slack(&w, "channel_archive", "C0OPS", NULL);
    lose(&w, "U0ADA", "denied");
    world_expect(&w, "direct route.lost U0ADA");
    slack(&w, "channel_unarchive", "C0OPS", NULL);
    world_expect(&w, "");
    assert_string_equal(paused_of(&w, "p1", 0), "denied");
    world_finish(&w);
}

static void many_channels_that_go_on_fit_into_one_call(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    for (int i = 0; i < 50; i++) {
        SW_AUTO(sw_text) char *channel = sw_printf("C%d", i);
        world_add(&w, "p1", "U0ADA", channel, NULL, id);
    }
    lose(&w, "U0ADA", "denied");
    world_add(&w, "p1", "U0BOB", "C0", NULL, id);
    SW_AUTO(sw_json) json_t *replies = world_outputs(&w, "send", "responder", SW_KIND_REPLY);
    assert_int_equal(json_array_size(replies), 52);
    lose(&w, "U0BOB", "denied");
    assert_int_equal(world_resume(&w, "U0ADA", id), 0);
    assert_string_equal(paused_of(&w, "p1", 49), "");
    world_finish(&w);
}

static void a_channel_that_cannot_be_posted_to_pauses_its_routes(void **state) {
    static const struct {
        const char *body, *paused;
    } rows[] = {
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'archived'}", "archived"},
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'missing'}", "missing"},
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'private'}", "private"},
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'scope'}", "scope"},
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'no_bot'}", "no_bot"},
        {"{'channel': 'C0OPS', 'ok': false, 'reason': 'away'}", ""},
        {"{'channel': 'C0OPS', 'ok': true, 'name': 'ops'}", ""},
        {"{'channel': 'C0ELSE', 'ok': false, 'reason': 'archived'}", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
        world_add(&w, "p2", "U0ADA", "C0OPS", NULL, id);
        assert_int_equal(state_of(&w, rows[i].body), 0);
        /* One message, however many routes of theirs it concerns. */
        world_expect(&w, rows[i].paused[0] ? "direct route.paused U0ADA" : "");
        assert_string_equal(paused_of(&w, "p1", 0), rows[i].paused);
        assert_string_equal(paused_of(&w, "p2", 0), rows[i].paused);
        state_of(&w, rows[i].body);
        world_expect(&w, "");
        world_finish(&w);
    }
}

static void slack_s_events_pause_rename_and_resume(void **state) {
    static const struct {
        const char *type, *paused, *told;
    } rows[] = {
        {"channel_archive", "archived", "direct route.paused U0ADA"},
        {"group_archive", "archived", "direct route.paused U0ADA"},
        {"channel_deleted", "missing", "direct route.paused U0ADA"},
        {"group_deleted", "missing", "direct route.paused U0ADA"},
        {"channel_left", "left", "direct route.paused U0ADA"},
        {"group_left", "left", "direct route.paused U0ADA"},
        {"channel_unarchive", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", "{'channel_name': 'ops'}", id);
        assert_int_equal(slack(&w, rows[i].type, "C0OPS", NULL), 0);
        world_expect(&w, rows[i].told);
        assert_string_equal(paused_of(&w, "p1", 0), rows[i].paused);
        world_finish(&w);
    }
}

static void only_what_was_archived_goes_on_by_itself(void **state) {
    static const struct {
        const char *type, *then;
        bool back;
    } rows[] = {
        {"channel_archive", "channel_unarchive", true},
        {"channel_archive", "state", true},
        {"channel_archive", "channel_rename", false},
        {"channel_left", "channel_unarchive", false},
        {"channel_left", "state", false},
        {"channel_deleted", "state", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", "{'channel_name': 'ops'}", id);
        slack(&w, rows[i].type, "C0OPS", NULL);
        if (!strcmp(rows[i].then, "state"))
            state_of(&w, "{'channel': 'C0OPS', 'ok': true, 'name': 'ops'}");
        else
            slack(&w, rows[i].then, "C0OPS", "ops");
        world_expect(&w, rows[i].back ? "direct route.back U0ADA" : "");
        assert_int_equal(paused_of(&w, "p1", 0)[0] == '\0', rows[i].back);
        world_finish(&w);
    }
}

static void what_is_typed_again_is_not_paused_any_more(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    slack(&w, "channel_left", "C0OPS", NULL);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id); /* executor has looked at the channel */
    assert_string_equal(paused_of(&w, "p1", 0), "");
    world_finish(&w);
}

static void a_new_name_is_kept_and_told_nothing_else_changes(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'channel_name': 'ops'}", id);
    assert_int_equal(slack(&w, "channel_rename", "C0OPS", "operations"), 0);
    world_expect(&w, "direct route.renamed U0ADA");
    const json_t *route =
        json_array_get(json_object_get(world_fact(&w, "pipe", "p1"), "routes"), 0);
    assert_string_equal(sw_str(route, "channel_name"), "operations");
    assert_null(json_object_get(route, "paused"));
    slack(&w, "channel_rename", "C0OPS", "operations");
    world_expect(&w, "");
    world_finish(&w);
}

static void many_pipelines_of_a_channel_are_gone_through_in_steps(void **state) {
    struct world w;
    char id[16], pipeline[16];
    (void)state;
    world_init(&w);
    for (int i = 0; i < 45; i++) {
        snprintf(pipeline, sizeof(pipeline), "p%d", i);
        world_add(&w, pipeline, i % 2 ? "U0ADA" : "U0BOB", "C0OPS", NULL, id);
    }
    assert_int_equal(slack(&w, "channel_archive", "C0OPS", NULL), 0);
    for (int i = 0; i < 45; i++) {
        snprintf(pipeline, sizeof(pipeline), "p%d", i);
        assert_string_equal(paused_of(&w, pipeline, 0), "archived");
    }
    SW_AUTO(sw_json) json_t *replies = world_outputs(&w, "send", "responder", NULL);
    assert_int_equal(json_array_size(replies), 6); /* three steps, two owners */
    world_finish(&w);
}

static void a_channel_of_another_installation_is_another(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    w.inst = "T0SIM2";
    slack(&w, "channel_archive", "C0OPS", NULL);
    world_expect(&w, "");
    w.inst = "T0SIM1";
    assert_string_equal(paused_of(&w, "p1", 0), "");
    world_finish(&w);
}

static void what_is_not_whole_goes_dead(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(slack(&w, "channel_archive", "", NULL), -EBADMSG);
    assert_int_equal(slack(&w, "channel_dance", "C0OPS", NULL), -EBADMSG);
    assert_int_equal(slack(&w, "archive", "C0OPS", NULL), -EBADMSG);
    assert_int_equal(state_of(&w, "{'ok': true}"), -EBADMSG);
    assert_int_equal(lose(&w, "U0ADA", "denied"), 0); /* there is no such pipeline */
    char id[16];
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    assert_int_equal(lose(&w, "U0ADA", "bored"), -EBADMSG);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_rights_pause_all_routes_and_say_who_can_take_over),
        cmocka_unit_test(an_owner_who_may_again_is_told_that_it_goes_on),
        cmocka_unit_test(who_adds_while_it_is_lost_takes_over),
        cmocka_unit_test(what_is_lost_while_its_channel_is_archived_does_not_go_on_by_itself),
        cmocka_unit_test(many_channels_that_go_on_fit_into_one_call),
        cmocka_unit_test(a_channel_that_cannot_be_posted_to_pauses_its_routes),
        cmocka_unit_test(slack_s_events_pause_rename_and_resume),
        cmocka_unit_test(only_what_was_archived_goes_on_by_itself),
        cmocka_unit_test(what_is_typed_again_is_not_paused_any_more),
        cmocka_unit_test(a_new_name_is_kept_and_told_nothing_else_changes),
        cmocka_unit_test(many_pipelines_of_a_channel_are_gone_through_in_steps),
        cmocka_unit_test(a_channel_of_another_installation_is_another),
        cmocka_unit_test(what_is_not_whole_goes_dead),
    };
    return cmocka_run_group_tests_name("notifier_pause", tests, NULL, NULL);
}
