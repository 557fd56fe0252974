/* test_executor_change.c -- which release a rollback goes to, which dynos a restart means, what ps shows. */
#include "executor_ops.h"

static bool called(const struct world *w, const char *text) {
    size_t i;
    json_t *call;
    json_array_foreach(w->calls, i, call) {
        if (!strcmp(json_string_value(call), text)) return true;
    }
    return false;
}

/* The versions or names of a list, joined. */
static void expect(const json_t *list, const char *key, const char *expected) {
    SW_AUTO(sw_text) char *joined = sw_strdup("");
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item) {
        const json_t *value = key ? json_object_get(item, key) : item;
        SW_AUTO(sw_text)
        char *one = json_is_integer(value) ? sw_printf("%d", (int)json_integer_value(value))
                                           : sw_strdup(json_string_value(value));
        char *longer = sw_printf("%s%s%s", joined, i ? " " : "", one);
        free(joined);
        joined = longer;
    }
    assert_string_equal(joined, expected);
}

static void a_rollback_goes_to_the_newest_release_that_it_may_go_to(void **state) {
    static const struct {
        int not_eligible, back;
        const char *command;
    } rows[] = {
        {0, 16, ROLLBACK},
        {16, 14, ROLLBACK},
        {0, 14, COMMAND("rollback", ",\"version\":\"14\"")},
        {0, 14, COMMAND("rollback", IN_PRODUCTION ",\"version\":\"0014\"")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        w.twice = true;
        json_t *out = ops_release_at(ops_app(&w), rows[i].not_eligible);
        if (out) json_object_set_new(out, "eligible_for_rollback", json_false());
        world_do(&w, rows[i].command);
        const json_t *data = world_data(&w, "rollback");
        SW_AUTO(sw_text) char *expected = sw_printf("Rollback to v%d", rows[i].back);
        assert_string_equal(sw_str(data, "state"), "success");
        assert_int_equal(sw_int(data, "from"), 17);
        assert_int_equal(sw_int(data, "back"), rows[i].back);
        assert_string_equal(sw_str(ops_release_at(ops_app(&w), 18), "description"), expected);
        expect(json_object_get(data, "apps"), "version", "18");
        assert_int_equal(world_count(&w, "promote.phase"), 1);
        assert_int_equal(world_count(&w, "promote.target"), 1);
        world_finish(&w);
    }
}

static void what_it_cannot_go_to_is_refused_with_what_it_can(void **state) {
    static const struct {
        const char *version, *why;
    } rows[] = {{"99", "unknown"},      {"0", "unknown"}, {"17", "current"},     {"12", "expired"},
                {"13", "not_eligible"}, {"3", "unknown"}, {"15", "not_eligible"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        SW_AUTO(sw_text)
        char *command = sw_printf(COMMAND("rollback", ",\"version\":\"%s\""), rows[i].version);
        world_do(&w, command);
        const json_t *data = world_data(&w, "rollback.impossible");
        assert_string_equal(sw_str(data, "why"), rows[i].why);
        expect(json_object_get(data, "choices"), "version", "16 14");
        assert_string_equal(sw_str(data, "example"),
                            "rollback storefront in production/storefront-production to v16");
        assert_string_equal(sw_str(world_reply(&w, "rollback.impossible"), "to"), "private");
        assert_int_equal(ops_writes(&w), 0);
        assert_int_equal(world_kept(&w), 0); /* the lock as well */
        world_finish(&w);
    }
}

static void an_app_without_a_past_cannot_go_back(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    struct ops ops;
    ops_init(&w, &ops);
    json_t *releases = json_object_get(ops_app(&w), "releases");
    while (json_array_size(releases) > 1)
        json_array_remove(releases, 1);
    world_do(&w, ROLLBACK);
    const json_t *data = world_data(&w, "rollback.impossible");
    assert_string_equal(sw_str(data, "why"), "none");
    assert_int_equal(json_array_size(json_object_get(data, "choices")), 0);
    assert_null(json_object_get(data, "example"));
    world_finish(&w);
}

static void a_release_that_the_list_is_too_short_for_is_asked_for(void **state) {
    static const struct {
        const char *version, *template;
        bool asked;
    } rows[] = {{"14", "rollback", true},
                {"11", "rollback.impossible", true},
                {"12", "rollback.impossible", true},
                {"16", "rollback", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        ops.page = 2;
        SW_AUTO(sw_text)
        char *command = sw_printf(COMMAND("rollback", ",\"version\":\"%s\""), rows[i].version);
        SW_AUTO(sw_text) char *call = sw_printf("GET /apps/" SHOP "/releases/%s", rows[i].version);
        world_do(&w, command);
        assert_non_null(world_reply(&w, rows[i].template));
        assert_int_equal(called(&w, call), rows[i].asked);
        world_finish(&w);
    }
}

static void a_rollback_fails_with_its_release_phase(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    ops.phase_fails = true;
    world_do(&w, ROLLBACK);
    assert_string_equal(sw_str(world_data(&w, "rollback"), "state"), "failure");
    assert_string_equal(sw_str(world_data(&w, "promote.target"), "state"), "failure");
    world_finish(&w);
}

/* A release phase may last longer than anybody waits. */
static void a_release_phase_that_does_not_end_is_not_followed_for_ever(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    ops.phase_ms = 3600 * 1000;
    world_do(&w, ROLLBACK);
    assert_string_equal(sw_str(world_data(&w, "rollback"), "state"), "unknown");
    assert_string_equal(sw_str(world_data(&w, "change.unknown"), "why"), "timeout");
    assert_string_equal(sw_str(world_data(&w, "change.unknown"), "type"),
                        "releases storefront in production/storefront-production");
    world_finish(&w);
}

static void an_operation_on_the_app_stops_a_rollback(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    json_object_set_new(w.facts, "lock/T0SIM1/" SHOP,
                        json_pack("{s:s, s:s, s:I, s:I}", "op", "other", "user", "U0BOB",
                                  "since_ms", (json_int_t)START_MS, "until_ms",
                                  (json_int_t)START_MS + 1000000));
    world_granted(&w, ROLLBACK, false);
    world_run(&w);
    assert_non_null(world_reply(&w, "error.locked"));
    assert_int_equal(ops.effects, 0);
    world_finish(&w);
}

static void a_restart_means_all_or_a_type_or_one(void **state) {
    static const struct {
        const char *process, *call, *names;
    } rows[] = {
        {"", "DELETE /apps/" SHOP "/dynos", "web.1 web.2 worker.1"},
        {"web", "DELETE /apps/" SHOP "/formations/web", "web.1 web.2"},
        {"web.2", "DELETE /apps/" SHOP "/dynos/web.2", "web.2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        w.twice = true;
        SW_AUTO(sw_text)
        char *command =
            sw_printf(COMMAND("restart", IN_PRODUCTION ",\"process\":\"%s\""), rows[i].process);
        world_do(&w, command);
        const json_t *data = world_data(&w, "restart");
        assert_true(called(&w, rows[i].call));
        expect(json_object_get(world_data(&w, "restart.started"), "names"), NULL, rows[i].names);
        assert_string_equal(sw_str(data, "state"), "success");
        assert_int_equal(sw_int(data, "up"), sw_int(data, "all"));
        assert_string_equal(sw_str(world_data(&w, "restart.ended"), "state"), "success");
        assert_true(w.now_ms >= START_MS + ops.boot_ms);
        world_finish(&w);
    }
}

static void what_does_not_run_is_not_restarted(void **state) {
    static const struct {
        const char *process, *template;
    } rows[] = {{"clock", "restart.nothing"},
                {"wbe", "restart.unknown_type"},
                {"web.3", "restart.unknown_type"},
                {"run", "restart.unknown_type"},
                {"run.4711", "restart.unknown_type"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        SW_AUTO(sw_text)
        char *command =
            sw_printf(COMMAND("restart", IN_PRODUCTION ",\"process\":\"%s\""), rows[i].process);
        world_do(&w, command);
        expect(json_object_get(world_data(&w, rows[i].template), "types"), NULL,
               "web worker clock");
        assert_int_equal(ops_writes(&w), 0);
        assert_null(world_reply(&w, "restart"));
        world_finish(&w);
    }
}

static void a_dyno_that_does_not_come_up_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        if (i == 0) ops.crash = "web.2";
        if (i == 1) ops.stuck = "worker.1";
        world_do(&w, RESTART);
        const json_t *data = world_data(&w, "restart");
        assert_string_equal(sw_str(data, "state"), "failure");
        assert_string_equal(sw_str(data, "reason"),
                            i == 0 ? "crashed: web.2" : "not up in time: worker.1");
        assert_int_equal(sw_int(data, "up"), 2);
        assert_true(json_is_true(json_object_get(data, "done")));
        assert_in_range(w.now_ms - START_MS, i * 600000, i * 620000 + 20000);
        world_finish(&w);
    }
}

/* One that had crashed before is a reason to restart, and no failure of it. */
static void a_dyno_that_had_crashed_comes_up(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    ops.lag_ms = 6000;
    json_object_set_new(json_array_get(json_object_get(ops_app(&w), "dynos"), 0), "state",
                        json_string("crashed"));
    w.faults[0] = (struct fault){"GET /apps/" SHOP "/dynos", 1, 1, "{\"status\":503,\"json\":{}}",
                                 false}; /* and is asked again */
    world_do(&w, RESTART);
    assert_string_equal(sw_str(world_data(&w, "restart"), "state"), "success");
    assert_int_equal(world_count(&w, "promote.waiting"), 1);
    world_finish(&w);
}

static void many_dynos_fit_into_a_plan_and_are_restarted_once(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bool effect = i == 1;
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        for (int n = 3; n <= 400; n++)
            ops_dyno(&w, &ops, "web", n);
        w.faults[0] =
            (struct fault){"DELETE /apps/" SHOP "/dynos", 0, 1, "{\"error\":\"unsure\"}", effect};
        world_do(&w, RESTART);
        assert_string_equal(sw_str(world_data(&w, "restart"), "state"), "success");
        assert_int_equal(sw_int(world_data(&w, "restart"), "up"), 401);
        assert_int_equal(ops.effects, 1);
        assert_int_equal(ops_writes(&w), effect ? 1 : 2);
        assert_in_range(w.state_max_bytes, 1, 16 * 1024);
        world_finish(&w);
    }
}

static void more_dynos_than_a_message_shows_are_counted(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    for (int i = 3; i <= 400; i++)
        ops_dyno(&w, &ops, "web", i);
    world_do(&w, PS);
    const json_t *data = world_data(&w, "ps.list");
    size_t lines = json_array_size(json_object_get(data, "lines")), types = 4;
    assert_int_equal(sw_int(data, "more"), 402 - (lines - types));
    assert_in_range(lines, 300, 304);
    world_finish(&w);
}

static void maintenance_that_is_so_already_is_not_asked_for(void **state) {
    static const struct {
        const char *state;
        bool before;
    } rows[] = {{"on", true}, {"off", false}, {"on", false}, {"off", true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        json_object_set_new(ops_app(&w), "maintenance", json_boolean(rows[i].before));
        SW_AUTO(sw_text)
        char *command =
            sw_printf(COMMAND("maintenance", IN_PRODUCTION ",\"state\":\"%s\""), rows[i].state);
        world_do(&w, command);
        assert_int_equal(ops_writes(&w), i < 2 ? 0 : 1);
        assert_int_equal(json_is_true(json_object_get(ops_app(&w), "maintenance")),
                         !strcmp(rows[i].state, "on"));
        const json_t *data = world_data(&w, i < 2 ? "maintenance.already" : "maintenance");
        assert_string_equal(sw_str(data, "mode"), rows[i].state);
        world_finish(&w);
    }
}

static void ps_shows_each_type_and_its_dynos(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    world_do(&w, PS);
    const json_t *data = world_data(&w, "ps.list");
    json_t *lines = json_object_get(data, "lines");
    SW_AUTO(sw_json) json_t *names = json_array();
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line) {
        const char *type = sw_str(line, "type");
        json_array_append_new(names, json_string(type[0] ? type : sw_str(line, "name")));
    }
    expect(names, NULL, "web web.1 web.2 worker worker.1 clock run run.4711");
    line = json_array_get(lines, 1);
    assert_string_equal(sw_str(line, "state"), "up");
    assert_int_equal(sw_int(line, "version"), 17);
    assert_int_equal(sw_int(line, "at_ms"), START_MS - 3600 * 1000);
    assert_int_equal(sw_int(json_array_get(lines, 0), "quantity"), 2);
    assert_string_equal(sw_str(world_reply(&w, "ps.list"), "to"), "say");
    assert_int_equal(sw_int(data, "more"), 0);
    assert_int_equal(ops_writes(&w), 0);
    world_finish(&w);
}

static void ps_of_an_app_that_wants_a_code_says_so(void **state) {
    (void)state;
    struct world w;
    struct ops ops;
    world_init(&w);
    ops_init(&w, &ops);
    w.faults[0] = (struct fault){"GET /apps/" SHOP "/formation", 0, 1,
                                 "{\"status\":403,\"json\":{\"id\":\"two_factor\"}}", false};
    world_do(&w, PS);
    const json_t *data = world_data(&w, "change.two_factor");
    assert_string_equal(sw_str(data, "app"), "storefront-production");
    assert_string_equal(sw_str(data, "task"), "ps");
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollback_goes_to_the_newest_release_that_it_may_go_to),
        cmocka_unit_test(what_it_cannot_go_to_is_refused_with_what_it_can),
        cmocka_unit_test(an_app_without_a_past_cannot_go_back),
        cmocka_unit_test(a_release_that_the_list_is_too_short_for_is_asked_for),
        cmocka_unit_test(a_rollback_fails_with_its_release_phase),
        cmocka_unit_test(a_release_phase_that_does_not_end_is_not_followed_for_ever),
        cmocka_unit_test(an_operation_on_the_app_stops_a_rollback),
        cmocka_unit_test(a_restart_means_all_or_a_type_or_one),
        cmocka_unit_test(what_does_not_run_is_not_restarted),
        cmocka_unit_test(a_dyno_that_does_not_come_up_is_named),
        cmocka_unit_test(a_dyno_that_had_crashed_comes_up),
        cmocka_unit_test(many_dynos_fit_into_a_plan_and_are_restarted_once),
        cmocka_unit_test(more_dynos_than_a_message_shows_are_counted),
        cmocka_unit_test(maintenance_that_is_so_already_is_not_asked_for),
        cmocka_unit_test(ps_shows_each_type_and_its_dynos),
        cmocka_unit_test(ps_of_an_app_that_wants_a_code_says_so),
    };
    return cmocka_run_group_tests_name("executor_change", tests, NULL, NULL);
}
