/* test_executor_ops.c -- rollback, restart, maintenance: each write against all that may become of it. */
#include "executor_ops.h"

#include "actors/plan_change.h"

#include <stdlib.h>

#define LOST "{\"error\":\"unsure\"}"
#define SICK "{\"status\":503,\"json\":{}}"
#define REFUSED "{\"status\":422,\"json\":{\"id\":\"invalid_params\",\"message\":\"No.\"}}"
#define DENIED "{\"status\":403,\"json\":{\"id\":\"forbidden\",\"message\":\"No.\"}}"

static const struct task {
    const char *name, *command, *write, *look;
} tasks[] = {
    {"rollback", ROLLBACK, "POST /apps/" SHOP "/releases", "GET /apps/" SHOP "/releases"},
    {"restart", RESTART, "DELETE /apps/" SHOP "/dynos", "GET /apps/" SHOP "/dynos"},
    {"maintenance", MAINTENANCE, "PATCH /apps/" SHOP, "GET /apps/" SHOP},
};
#define TASKS (sizeof tasks / sizeof *tasks)

static void each_write_has_the_end_that_became_of_it(void **state) {
    static const struct {
        const char *name;
        struct fault fault;
        bool no_look; /* Heroku does not let us look */
        const char *end, *said;
        int effects, writes;
    } rows[] = {
        {"ok", {0}, false, "success", NULL, 1, 1},
        {"422", {NULL, 0, 1, REFUSED, false}, false, "failure", "error.heroku", 0, 1},
        {"429", {NULL, 0, 1, "{\"status\":429}", false}, false, "failure", "error.upstream", 0, 1},
        {"not reached",
         {NULL, 0, 1, "{\"error\":\"connect\"}", false},
         false,
         "failure",
         "error.upstream",
         0,
         1},
        {"401 once", {NULL, 0, 1, "{\"status\":401,\"json\":{}}", false}, 0, "success", 0, 1, 2},
        {"503, then ok", {NULL, 0, 1, SICK, false}, false, "success", "promote.again", 1, 2},
        {"503 after the effect", {NULL, 0, 1, SICK, true}, false, "success", "change.found", 1, 1},
        {"cut after the effect", {NULL, 0, 1, LOST, true}, false, "success", "change.found", 1, 1},
        {"cut before it", {NULL, 0, 1, LOST, false}, false, "success", "promote.again", 1, 2},
        {"lost, then lost after the effect",
         {NULL, 1, 1, LOST, true},
         false,
         "success",
         "change.found",
         1,
         2},
        {"lost twice", {NULL, 0, 9, LOST, false}, false, "unknown", "change.unknown", 0, 2},
        {"lost, no look", {NULL, 0, 1, LOST, true}, true, "unknown", "change.unknown", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows * TASKS; i++) {
        const struct task *task = &tasks[i % TASKS];
        size_t row = i / TASKS;
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        w.twice = true;
        w.faults[0] = rows[row].fault;
        w.faults[0].match = task->write;
        if (rows[row].fault.skip) w.faults[1] = (struct fault){task->write, 0, 1, LOST, false};
        if (rows[row].no_look) w.faults[2] = (struct fault){task->look, 1, 99, DENIED, false};
        world_do(&w, task->command);
        print_message("%s: %s\n", task->name, rows[row].name);
        assert_string_equal(world_state(&w, task->name), rows[row].end);
        assert_int_equal(ops.effects, rows[row].effects);
        assert_int_equal(ops_writes(&w), rows[row].writes);
        if (rows[row].said) assert_non_null(world_reply(&w, rows[row].said));
        const json_t *audit = json_array_get(w.audit, json_array_size(w.audit) - 1);
        assert_string_equal(sw_str(audit, "task"), task->name);
        assert_in_range(w.state_max_bytes, 1, 32 * 1024);
        world_finish(&w);
    }
}

static void a_one_time_code_is_named_where_none_can_be_typed(void **state) {
    (void)state;
    for (size_t i = 0; i < TASKS * 2; i++) {
        const struct task *task = &tasks[i % TASKS];
        bool typed = i >= TASKS;
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        w.heroku.needs_code = true;
        if (typed) w.code = "right-code-box";
        world_do(&w, task->command);
        assert_string_equal(world_state(&w, task->name), typed ? "success" : "two_factor");
        assert_int_equal(ops.effects, typed);
        if (!typed)
            assert_string_equal(sw_str(world_data(&w, "change.two_factor"), "task"), task->name);
        world_finish(&w);
    }
}

static void a_lock_of_a_person_stops_rollback_only(void **state) {
    (void)state;
    for (size_t i = 0; i < TASKS; i++) {
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        json_object_set_new(w.facts, "held/T0SIM1",
                            json_pack("{s:{s:s, s:s, s:s, s:I}}", "p-storefront/production",
                                      "pipeline", "storefront", "stage", "production", "user",
                                      "U0BOB", "since_ms", (json_int_t)START_MS - 60000));
        world_granted(&w, tasks[i].command, false);
        world_run(&w);
        assert_int_equal(ops.effects, i > 0);
        assert_int_equal(world_count(&w, "error.held"), i == 0);
        assert_string_equal(world_state(&w, tasks[i].name), i > 0 ? "success" : "");
        world_finish(&w);
    }
}

/* Heroku tells of a release, and of maintenance; not of a restart. */
static void what_heroku_tells_of_is_told_to_notifier_first(void **state) {
    (void)state;
    for (size_t i = 0; i < TASKS; i++) {
        struct world w;
        struct ops ops;
        size_t k, told = 0;
        json_t *sent;
        world_init(&w);
        ops_init(&w, &ops);
        world_do(&w, tasks[i].command);
        json_array_foreach(w.sent, k, sent) {
            if (strcmp(sw_str(sent, "actor"), "notifier") != 0) continue;
            bool sets = json_is_true(json_object_get(json_object_get(sent, "body"), "sets"));
            assert_int_equal(sets, !strcmp(tasks[i].name, "maintenance"));
            told++;
        }
        assert_int_equal(told, strcmp(tasks[i].name, "restart") ? 2 : 0);
        world_finish(&w);
    }
}

static bool anything_fails(struct world *w, const char *call, struct fault *ret) {
    static const struct fault of_write[] = {
        {NULL, 0, 0, LOST, false},
        {NULL, 0, 0, LOST, true},
        {NULL, 0, 0, SICK, false},
        {NULL, 0, 0, "{\"error\":\"unsure\",\"status\":504}", true},
        {NULL, 0, 0, "{\"error\":\"connect\"}", false},
        {NULL, 0, 0, "{\"status\":401,\"json\":{}}", false},
        {NULL, 0, 0, REFUSED, false},
    };
    static const struct fault of_read[] = {
        {NULL, 0, 0, "{\"error\":\"timeout\"}", false},
        {NULL, 0, 0, SICK, false},
        {NULL, 0, 0, "{\"status\":401,\"json\":{}}", false},
        {NULL, 0, 0, DENIED, false},
    };
    bool write = strncmp(call, "GET ", 4) != 0 && strcmp(call, "POST /filters/apps") != 0;
    uint32_t percent = world_random(w) % 100;
    if (percent >= (write ? 70 : 4)) return false;
    *ret = write ? of_write[world_random(w) % 7] : of_read[world_random(w) % 4];
    return true;
}

static void whatever_fails_nothing_is_done_twice(void **state) {
    const char *given = getenv("SW_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
    int good = 0, bad = 0, unknown = 0;
    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t i = 0; i < 240; i++) {
        const struct task *task = &tasks[i % TASKS];
        struct world w;
        struct ops ops;
        world_init(&w);
        ops_init(&w, &ops);
        w.twice = true;
        w.chance = anything_fails;
        w.random = (seed + i) * 2654435761u | 1;
        ops.boot_ms = world_random(&w) % 30000;
        ops.phase_ms = world_random(&w) % 30000;
        world_do(&w, task->command);
        const char *end = world_state(&w, task->name);
        if (ops.effects > 1) fail_msg("seed %u: %s was done twice", seed + i, task->name);
        if (!strcmp(end, "success")) assert_int_equal(ops.effects, 1);
        if (!strcmp(end, "failure") || !end[0]) assert_int_equal(ops.effects, 0);
        good += !strcmp(end, "success");
        bad += !strcmp(end, "failure");
        unknown += !strcmp(end, "unknown");
        world_finish(&w);
    }
    print_message("success %d, failure %d, unknown %d\n", good, bad, unknown);
    assert_true(good > 0 && bad > 0 && unknown > 0);
}

static void only_what_our_rollback_makes_is_ours(void **state) {
    static const struct {
        int version;
        const char *email, *description;
        bool ours;
    } rows[] = {
        {18, "ada@example.com", "Rollback to v1", true},
        {18, "", "Rollback to v1", true},
        {18, "ada@example.com", "", true},
        {18, "ada@example.com", "Rollback to v1: by hand", true},
        {17, "ada@example.com", "Rollback to v1", false},
        {18, "bob@example.com", "Rollback to v1", false},
        {18, "ada@example.com", "Rollback to v16", false},
        {18, "ada@example.com", "Deploy 1234567", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SW_AUTO(sw_json)
        json_t *plan = json_pack("{s:{s:s}, s:{s:i}, s:I, s:[{s:s, s:i}]}", "account", "email",
                                 "ada@example.com", "back", "version", 1, "intent_ms",
                                 (json_int_t)START_MS, "targets", "id", SHOP, "before", 17);
        char at[40];
        fake_time(START_MS, at, sizeof at);
        SW_AUTO(sw_json)
        json_t *list = json_pack("[{s:s, s:i, s:s, s:s, s:{s:s}}]", "id", "r-1", "version",
                                 rows[i].version, "created_at", at, "description",
                                 rows[i].description, "user", "email", rows[i].email);
        struct sw__plan p = {.state = plan};
        enum sw__seen seen = sw__back_seen(&p, &(struct sw__said){.json = list});
        if ((seen == SW__SEEN_YES) != rows[i].ours) fail_msg("row %zu: %d", i, (int)seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_has_the_end_that_became_of_it),
        cmocka_unit_test(a_one_time_code_is_named_where_none_can_be_typed),
        cmocka_unit_test(a_lock_of_a_person_stops_rollback_only),
        cmocka_unit_test(what_heroku_tells_of_is_told_to_notifier_first),
        cmocka_unit_test(whatever_fails_nothing_is_done_twice),
        cmocka_unit_test(only_what_our_rollback_makes_is_ours),
    };
    return cmocka_run_group_tests_name("executor_ops", tests, NULL, NULL);
}
