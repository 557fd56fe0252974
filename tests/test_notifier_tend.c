/* test_notifier_tend.c -- what is done by the clock, and who people are, through sw_step. */
#include "notifier_world.h"

#include <stdlib.h>

static const json_t *command_of(const struct world *w, size_t number, const char **ret_cmd) {
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", "auth", SW_KIND_COMMAND);
    const json_t *one = json_array_get(sent, number);
    if (!one) return NULL;
    if (ret_cmd) *ret_cmd = sw_str(one, "cmd");
    return json_object_get(one, "body");
}

static size_t commands(const struct world *w, const char *what) {
    size_t n = 0;
    const json_t *body;
    for (size_t i = 0; (body = command_of(w, i, NULL)); i++)
        n += !strcmp(sw_str(json_object_get(body, "command"), "what"), what);
    return n;
}

static void what_was_missed_is_asked_for_each_period_as_the_owner(void **state) {
    struct world w;
    char id[16];
    const char *first, *second;
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_until(&w, START_MS + HOUR_MS);
    const json_t *body = command_of(&w, 0, &first), *command = json_object_get(body, "command");
    assert_string_equal(sw_str(command, "task"), "tend");
    assert_string_equal(sw_str(command, "handler"), "tend");
    assert_string_equal(sw_str(command, "what"), "missed");
    assert_string_equal(sw_str(command, "pipeline"), "p1");
    assert_true(json_is_true(json_object_get(command, "valid")));
    assert_int_equal(sw_int(command, "since_ms"), START_MS);
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "U0ADA");
    assert_null(json_object_get(json_object_get(body, "who"), "email"));
    SW_AUTO(sw_text) char *before = sw_strdup(first);
    /* Silence: all of it was told. */
    int64_t asked_ms = sw_int(world_fact(&w, "pipe", "p1"), "missed_ms");
    world_until(&w, START_MS + 2 * HOUR_MS + 10 * MINUTE_MS);
    command = json_object_get(command_of(&w, 0, &second), "command");
    assert_int_equal(sw_int(command, "since_ms"), asked_ms);
    assert_true(asked_ms > START_MS);
    assert_string_not_equal(before, second); /* a plan of its own */
    world_finish(&w);
}

static int away(struct world *w, const char *op) {
    return world_route(w, "away", "U0ADA", "C0DEV",
                       json_pack("{s:{s:s}, s:s}", "pipeline", "id", "p1", "op", op));
}

static void what_nobody_could_be_asked_is_asked_for_again(void **state) {
    struct world w;
    char id[16];
    const char *cmd;
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_until(&w, START_MS + HOUR_MS);
    command_of(&w, 0, &cmd);
    SW_AUTO(sw_text) char *op = sw_strdup(cmd);
    int64_t asked_ms = sw_int(world_fact(&w, "pipe", "p1"), "missed_ms");
    assert_int_equal(away(&w, "0009-check"), 0); /* a check that could not be made is another */
    assert_int_equal(sw_int(world_fact(&w, "pipe", "p1"), "missed_ms"), asked_ms);
    assert_int_equal(away(&w, op), 0);
    world_until(&w, START_MS + 2 * HOUR_MS + 10 * MINUTE_MS);
    const json_t *command = json_object_get(command_of(&w, 0, NULL), "command");
    assert_int_equal(sw_int(command, "since_ms"), START_MS);
    world_finish(&w);
}

static void a_check_looks_at_the_channels_too(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
    world_add(&w, "p1", "U0ADA", "C0DEV", NULL, id);
    world_until(&w, START_MS + DAY_MS);
    assert_int_equal(commands(&w, "check"), 1);
    SW_AUTO(sw_json) json_t *asked = world_outputs(&w, "send", "responder", SW_KIND_CHANNEL);
    assert_int_equal(json_array_size(asked), 2);
    const json_t *body = json_object_get(json_array_get(asked, 0), "body");
    assert_string_equal(sw_str(body, "channel"), "C0OPS");
    assert_string_equal(sw_str(body, "from"), "notifier");
    assert_true(json_is_true(json_object_get(body, "join")));
    world_until(&w, START_MS + 2 * DAY_MS);
    assert_int_equal(commands(&w, "check"), 1);
    world_finish(&w);
}

/* To ask is to join: who removed the bot does not find it there again each day. */
static void a_check_does_not_bring_the_bot_back_where_it_was_removed(void **state) {
    static const struct {
        const char *reason;
        size_t asked;
    } rows[] = {{"archived", 1}, {"left", 0}, {"private", 0}, {"missing", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", NULL, id);
        json_t *pipe = json_object_get(w.facts, "pipe/T0SIM1/p1");
        json_object_set_new(json_array_get(json_object_get(pipe, "routes"), 0), "paused",
                            json_string(rows[i].reason));
        world_until(&w, START_MS + DAY_MS);
        assert_int_equal(commands(&w, "check"), 1);
        SW_AUTO(sw_json) json_t *asked = world_outputs(&w, "send", "responder", SW_KIND_CHANNEL);
        assert_int_equal(json_array_size(asked), rows[i].asked);
        world_finish(&w);
    }
}

static void pipelines_that_began_together_do_not_fall_due_together(void **state) {
    struct world w;
    char id[16], pipeline[16];
    const char *name;
    json_t *timer;
    (void)state;
    world_init(&w);
    for (int i = 0; i < 60; i++) {
        snprintf(pipeline, sizeof(pipeline), "p%d", i);
        world_add(&w, pipeline, "U0ADA", "C0OPS", NULL, id);
    }
    int in_minute[60] = {0}, most = 0;
    json_object_foreach(w.timers, name, timer) {
        int64_t in_ms = sw_int(timer, "due_ms") - START_MS;
        if (strncmp(name, "missed/", 7)) continue;
        assert_true(in_ms > 30 * MINUTE_MS - 1 && in_ms <= HOUR_MS);
        int *n = &in_minute[(in_ms - 1) / MINUTE_MS];
        if (++*n > most) most = *n;
    }
    assert_true(most < 12);
    world_finish(&w);
}

static void a_timer_of_what_is_gone_ends(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_step(&w, SW_KIND_NOTIFIER_TIMER,
                                world_json("{'job': 'tend', 'what': 'check', 'pipeline': 'p1'}")),
                     0);
    assert_int_equal(json_array_size(w.out), 0);
    assert_int_equal(world_step(&w, SW_KIND_NOTIFIER_TIMER, world_json("{'job': 'x'}")), -EBADMSG);
    world_finish(&w);
}

static int person(struct world *w, const char *body) {
    return world_step(w, SW_KIND_PERSON, world_json(body));
}

static const char *here(const struct world *w, const char *name) {
    return sw_str(world_fact(w, "person", name), "user");
}

static void people_are_known_by_id_email_and_login(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(person(&w, "{'user': 'U0ADA', 'provider': 'heroku', 'id': 'h-1', "
                                "'name': 'Ada@Example.com', 'gone': false}"),
                     0);
    assert_int_equal(person(&w, "{'user': 'U0ADA', 'provider': 'github', 'id': '12', "
                                "'name': 'Ada', 'gone': false}"),
                     0);
    /* A login that is a number is no id. */
    person(&w, "{'user': 'U0EVE', 'provider': 'github', 'id': '13', 'name': '12'}");
    assert_string_equal(here(&w, "heroku/h-1"), "U0ADA");
    assert_string_equal(here(&w, "heroku/ada@example.com"), "U0ADA");
    assert_string_equal(here(&w, "github/12"), "U0ADA");
    assert_string_equal(here(&w, "github/ada"), "U0ADA");
    assert_string_equal(here(&w, "github/13"), "U0EVE");
    /* What is known is not written at each refresh. */
    person(&w, "{'user': 'U0ADA', 'provider': 'github', 'id': '12', 'name': 'Ada'}");
    assert_int_equal(json_array_size(w.out), 0);
    /* Only whose it is takes it away. */
    person(&w, "{'user': 'U0BOB', 'provider': 'github', 'id': '12', 'name': 'ada', 'gone': true}");
    assert_string_equal(here(&w, "github/12"), "U0ADA");
    person(&w, "{'user': 'U0ADA', 'provider': 'github', 'id': '12', 'name': 'ada', 'gone': true}");
    assert_string_equal(here(&w, "github/12"), "");
    assert_int_equal(person(&w, "{'user': 'U0ADA', 'provider': 'slack', 'id': '1'}"), -EBADMSG);
    assert_int_equal(person(&w, "{'provider': 'github', 'id': '1'}"), -EBADMSG);
    world_finish(&w);
}

static void who_signs_in_or_out_has_their_pipelines_checked_at_once(void **state) {
    static const struct {
        const char *kind, *body;
        int64_t ms; /* the other account comes next */
    } rows[] = {
        {SW_KIND_PERSON,
         "{'user': 'U0ADA', 'provider': 'heroku', 'id': 'h-1', "
         "'name': 'ada@example.com', 'gone': true}",
         0},
        {SW_KIND_PERSON,
         "{'user': 'U0ADA', 'provider': 'heroku', 'id': 'h-9', "
         "'name': 'ada@else.example', 'gone': false}",
         30000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16], pipeline[16];
        print_message("row %zu\n", i);
        world_init(&w);
        person(&w, "{'user': 'U0ADA', 'provider': 'heroku', 'id': 'h-1', "
                   "'name': 'ada@example.com'}");
        for (int p = 0; p < 25; p++) {
            snprintf(pipeline, sizeof(pipeline), "p%d", p);
            world_add(&w, pipeline, "U0ADA", "C0OPS", NULL, id);
        }
        world_add(&w, "other", "U0BOB", "C0OPS", NULL, id);
        assert_int_equal(world_step(&w, rows[i].kind, world_json(rows[i].body)), 0);
        world_until(&w, w.now_ms);
        assert_int_equal(commands(&w, "check"), rows[i].ms ? 0 : 25);
        if (rows[i].ms) world_until(&w, w.now_ms + rows[i].ms);
        assert_int_equal(commands(&w, "check"), 25);
        world_finish(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_missed_is_asked_for_each_period_as_the_owner),
        cmocka_unit_test(what_nobody_could_be_asked_is_asked_for_again),
        cmocka_unit_test(a_check_looks_at_the_channels_too),
        cmocka_unit_test(a_check_does_not_bring_the_bot_back_where_it_was_removed),
        cmocka_unit_test(pipelines_that_began_together_do_not_fall_due_together),
        cmocka_unit_test(a_timer_of_what_is_gone_ends),
        cmocka_unit_test(people_are_known_by_id_email_and_login),
        cmocka_unit_test(who_signs_in_or_out_has_their_pipelines_checked_at_once),
    };
    return cmocka_run_group_tests_name("notifier_tend", tests, NULL, NULL);
}
