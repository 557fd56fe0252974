/* test_executor.c -- each step of a plan with each kind of answer, and what comes late. */
#include "executor_world.h"

#include <errno.h>

#define RELEASES "{\"task\":\"releases\",\"handler\":\"releases\",\"pipeline\":\"storefront\"}"
#define INFO "{\"task\":\"info\",\"handler\":\"pipelines\",\"pipeline\":\"storefront\"}"
#define LIST "{\"task\":\"pipelines\",\"handler\":\"pipelines\"}"

#define REFUSED "{\"status\":422,\"json\":{\"id\":\"invalid_params\",\"message\":\"Not so.\"}}"
#define MISSING "{\"status\":404,\"json\":{\"id\":\"not_found\",\"message\":\"Nowhere.\"}}"
#define FACTOR "{\"status\":403,\"json\":{\"id\":\"two_factor\",\"message\":\"A second factor.\"}}"
#define UNAUTHORIZED                                                                               \
    "{\"status\":401,\"json\":{\"id\":\"unauthorized\",\"message\":\"Bad credentials.\"}}"
#define SICK "{\"status\":503,\"json\":{\"id\":\"unavailable\",\"message\":\"Try later.\"}}"
#define BUSY "{\"status\":429,\"json\":{\"id\":\"rate_limit\",\"message\":\"Slow down.\"}}"
#define TIMEOUT "{\"error\":\"timeout\"}"
#define CONNECT "{\"error\":\"connect\"}"
#define UNSURE "{\"error\":\"unsure\"}"
#define UNSURE_504 "{\"error\":\"unsure\",\"status\":504}"
#define CUT_JSON "{\"error\":\"bad_json\",\"status\":201}"
#define BODILESS "{\"status\":200}"
#define ODD_REFUSAL "{\"error\":\"bad_json\",\"status\":403}"
#define NAMELESS "{\"status\":201,\"json\":{}}"
#define EMPTY "{\"status\":200,\"json\":[]}"

static const char lost[] = "{\"error\":\"unsure\"}";

struct row {
    const char *command, *step, *http;
    const char *next;     /* the step after it; NULL: the plan is over */
    const char *template; /* a reply that must come; NULL: none at all */
    const char *parent;   /* the state that the parent shows then; NULL: no update */
};

static const struct row rows[] = {
    {LIST, "pipelines", EMPTY, NULL, "pipelines.list", NULL},
    {LIST, "pipelines", SICK, NULL, "error.upstream", NULL},
    {LIST, "pipelines", REFUSED, NULL, "error.heroku", NULL},
    {LIST, "pipelines", FACTOR, NULL, "error.heroku", NULL},
    {LIST, "pipelines", BUSY, NULL, "error.upstream", NULL},
    {PROMOTE, "pipelines", EMPTY, NULL, "error.unknown_pipeline", NULL},
    {PROMOTE, "pipelines", TIMEOUT, NULL, "error.upstream", NULL},
    {PROMOTE, "pipelines", BODILESS, NULL, "error.upstream", NULL},
    {PROMOTE, "pipelines", NAMELESS, NULL, "error.upstream", NULL},
    {PROMOTE, "pipelines", UNSURE, NULL, "error.upstream", NULL},
    {PROMOTE, "pipelines", REFUSED, NULL, "error.heroku", NULL},
    {PROMOTE, "pipelines", UNAUTHORIZED, "pipelines", NULL, NULL},
    {PROMOTE, "couplings", EMPTY, NULL, "error.unknown_stage", NULL},
    {PROMOTE, "couplings", SICK, NULL, "error.upstream", NULL},
    {PROMOTE, "couplings", MISSING, NULL, "error.heroku", NULL},
    {PROMOTE, "couplings", UNAUTHORIZED, "couplings", NULL, NULL},
    {PROMOTE, "apps", EMPTY, NULL, "error.unknown_stage", NULL},
    {PROMOTE, "apps", CONNECT, NULL, "error.upstream", NULL},
    {PROMOTE, "apps", REFUSED, NULL, "error.heroku", NULL},
    {PROMOTE, "apps", UNAUTHORIZED, "apps", NULL, NULL},
    {INFO, "info", EMPTY, "info", NULL, NULL},
    {INFO, "info", MISSING, "info", NULL, NULL},
    {INFO, "info", SICK, NULL, "error.upstream", NULL},
    {INFO, "info", UNAUTHORIZED, "info", NULL, NULL},
    {RELEASES, "releases", EMPTY, NULL, "releases.list", NULL},
    {RELEASES, "releases", SICK, NULL, "error.upstream", NULL},
    {RELEASES, "releases", MISSING, NULL, "error.heroku", NULL},
    {RELEASES, "releases", UNAUTHORIZED, "releases", NULL, NULL},
    {PROMOTE, "source", EMPTY, NULL, "error.no_release", NULL},
    {PROMOTE, "source", SICK, NULL, "error.upstream", NULL},
    {PROMOTE, "source", MISSING, NULL, "error.heroku", NULL},
    {PROMOTE, "source", FACTOR, NULL, "promote.two_factor", NULL},
    {PROMOTE, "source", UNAUTHORIZED, "source", NULL, NULL},
    {PROMOTE, "before", BODILESS, NULL, "error.upstream", "failure"},
    {PROMOTE, "before", EMPTY, "post", NULL, NULL},
    {PROMOTE, "before", TIMEOUT, NULL, "error.upstream", "failure"},
    {PROMOTE, "before", MISSING, NULL, "error.heroku", "failure"},
    {PROMOTE, "before", FACTOR, NULL, "promote.two_factor", "two_factor"},
    {PROMOTE, "before", UNAUTHORIZED, "before", NULL, NULL},
    {PROMOTE, "post", REFUSED, NULL, "error.heroku", "failure"},
    {PROMOTE, "post", FACTOR, NULL, "promote.two_factor", "two_factor"},
    {PROMOTE, "post", BUSY, NULL, "error.upstream", "failure"},
    {PROMOTE, "post", CONNECT, NULL, "error.upstream", "failure"},
    {PROMOTE, "post", UNSURE, "look", "promote.checking", NULL},
    {PROMOTE, "post", UNSURE_504, "look", "promote.checking", NULL},
    {PROMOTE, "post", SICK, "look", "promote.checking", NULL},
    {PROMOTE, "post", TIMEOUT, "look", "promote.checking", NULL},
    {PROMOTE, "post", CUT_JSON, "look", "promote.checking", NULL},
    {PROMOTE, "post", NAMELESS, "look", "promote.checking", NULL},
    {PROMOTE, "post", BODILESS, "look", "promote.checking", NULL},
    {PROMOTE, "post", ODD_REFUSAL, NULL, "error.heroku", "failure"},
    {PROMOTE, "post", UNAUTHORIZED, "post", NULL, NULL},
    {PROMOTE, "look", EMPTY, "look_wait", NULL, NULL},
    {PROMOTE, "look", SICK, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "look", BODILESS, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "look", TIMEOUT, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "look", MISSING, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "look", UNAUTHORIZED, "look", NULL, NULL},
    {PROMOTE, "targets", EMPTY, "pause", NULL, NULL},
    {PROMOTE, "targets", SICK, "pause", "promote.waiting", NULL},
    {PROMOTE, "targets", TIMEOUT, "pause", "promote.waiting", NULL},
    {PROMOTE, "targets", BUSY, "pause", "promote.waiting", NULL},
    {PROMOTE, "targets", MISSING, "pause", "promote.waiting", NULL},
    {PROMOTE, "targets", REFUSED, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "targets", UNAUTHORIZED, "targets", NULL, NULL},
    {PROMOTE, "release", NAMELESS, "pause", "promote.phase", "running"},
    {PROMOTE, "release", SICK, "pause", "promote.waiting", NULL},
    {PROMOTE, "release", MISSING, "pause", "promote.waiting", NULL},
    {PROMOTE, "release", REFUSED, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "release", FACTOR, "pause", NULL, NULL},
    {PROMOTE, "targets", FACTOR, NULL, "promote.unknown", "unknown"},
    {PROMOTE, "release", UNAUTHORIZED, "release", NULL, NULL},
};
#define ROWS (sizeof rows / sizeof *rows)

/* The world at a step, with the message that waits there; the caller frees both. */
static json_t *arrive(struct world *w, const struct row *row) {
    world_init(w);
    if (!strcmp(row->step, "look"))
        w->faults[0] = (struct fault){"POST /pipeline-promotions", 0, 1, lost, false};
    world_granted(w, row->command, false);
    return world_until(w, row->step);
}

static void answer(struct world *w, const struct row *row, json_t *m) {
    json_t *http = json_loads(row->http, 0, NULL);
    assert_non_null(http);
    json_object_set_new(json_object_get(m, "body"), "http", http);
    json_array_clear(w->replies);
    json_array_clear(w->sent);
    world_deliver(w, m);
}

static void check_next(struct world *w, const struct row *row) {
    const json_t *plan = json_object_get(w->facts, PLAN);
    const char *step = sw_str(plan, "step");
    if (row->next) {
        assert_string_equal(step, row->next);
        assert_int_equal(world_finals(w), 0);
        return;
    }
    if (plan) assert_string_equal(step, "done");
    world_is_over(w);
}

static void check_said(struct world *w, const struct row *row) {
    const json_t *parent = world_reply(w, "promote");
    if (!row->template) {
        assert_int_equal(json_array_size(w->replies), 0);
        return;
    }
    if (!world_reply(w, row->template)) {
        SW_AUTO(sw_text) char *dump = json_dumps(w->replies, JSON_INDENT(1));
        fail_msg("%s after %s: not %s but %s", row->step, row->http, row->template, dump);
    }
    assert_string_equal(sw_str(json_object_get(parent, "data"), "state"),
                        row->parent ? row->parent : "");
}

static void each_answer_leads_to_its_step(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct world w;
        SW_AUTO(sw_json) json_t *m = arrive(&w, &rows[i]);
        answer(&w, &rows[i], m);
        check_next(&w, &rows[i]);
        check_said(&w, &rows[i]);
        world_finish(&w);
    }
}

static void a_401_asks_for_a_grant_and_does_the_very_step_again(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].http, UNAUTHORIZED) != 0) continue;
        struct world w;
        SW_AUTO(sw_json) json_t *m = arrive(&w, &rows[i]);
        answer(&w, &rows[i], m);
        assert_int_equal(json_array_size(w.sent), 1);
        const json_t *sent = json_array_get(w.sent, 0), *body = json_object_get(sent, "body");
        assert_string_equal(sw_str(sent, "actor"), "auth");
        assert_string_equal(sw_str(sent, "kind"), SW_KIND_REGRANT);
        assert_true(json_is_true(json_object_get(body, "refused")));
        assert_string_equal(sw_str(body, "line"), "a typed line");
        size_t calls = json_array_size(w.calls);
        SW_AUTO(sw_json) json_t *granted = world_next(&w);
        assert_string_equal(sw_str(granted, "kind"), SW_KIND_GRANTED);
        world_deliver(&w, granted);
        assert_string_equal(sw_str(json_object_get(w.facts, PLAN), "step"), rows[i].step);
        assert_int_equal(json_array_size(w.calls), calls + 1);
        world_run(&w);
        assert_int_equal(world_finals(&w), 1);
        world_finish(&w);
    }
}

static void expect_nothing(struct world *w, const json_t *m) {
    SW_AUTO(sw_json) json_t *outputs = world_step(w, m);
    if (json_array_size(outputs) == 0) return;
    SW_AUTO(sw_text) char *dump = json_dumps(outputs, JSON_INDENT(1));
    fail_msg("expected nothing: %s", dump);
}

static void late_answers_and_those_of_another_step_do_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct world w;
        SW_AUTO(sw_json) json_t *m = arrive(&w, &rows[i]);
        json_t *body = json_object_get(m, "body");
        json_int_t n = sw_int(body, "n");
        json_object_set_new(body, "n", json_integer(n - 1));
        expect_nothing(&w, m);
        json_object_set_new(body, "n", json_integer(n));
        json_object_set_new(body, "step", json_string("pause"));
        expect_nothing(&w, m);
        json_object_set_new(body, "step", json_string("no such step"));
        expect_nothing(&w, m);
        json_object_set_new(body, "step", json_string(rows[i].step));
        json_object_set_new(m, "kind", json_string(SW_KIND_EXECUTOR_TIMER));
        expect_nothing(&w, m);
        json_object_set_new(m, "kind", json_string(SW_KIND_EXECUTOR_HTTP));
        json_object_del(w.facts, PLAN);
        expect_nothing(&w, m);
        world_finish(&w);
    }
}

static void an_answer_without_http_is_an_outage(void **state) {
    (void)state;
    struct world w;
    SW_AUTO(sw_json) json_t *m = arrive(&w, &rows[0]);
    json_object_set_new(json_object_get(m, "body"), "http", json_string("?"));
    world_deliver(&w, m);
    assert_non_null(world_reply(&w, "error.upstream"));
    world_finish(&w);
}

static void a_grant_that_comes_twice_begins_once(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json)
    json_t *granted = json_incref(json_object_get(json_array_get(w.events, 0), "m"));
    world_run(&w);
    world_is_over(&w);
    expect_nothing(&w, granted);
    assert_int_equal(w.posts, 1);
    world_finish(&w);
}

static void a_renewed_grant_without_a_plan_does_nothing(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE, true);
    expect_nothing(&w, json_object_get(json_array_get(w.events, 0), "m"));
    json_array_clear(w.events);
    SW_AUTO(sw_json)
    json_t *gone =
        world_msg(SW_KIND_UNGRANTED, json_pack("{s:s}", "reason", "gone"), json_object());
    expect_nothing(&w, gone);
    world_finish(&w);
}

static void what_no_plan_can_do_is_said(void **state) {
    static const char *const commands[] = {
        "{\"task\":\"fly\",\"handler\":\"fly\",\"pipeline\":\"storefront\"}",
        "{\"task\":\"promote\",\"handler\":\"promote\",\"valid\":false}",
        "{}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct world w;
        world_init(&w);
        world_granted(&w, commands[i], false);
        world_run(&w);
        world_data(&w, "error.unsupported");
        world_is_over(&w);
        assert_int_equal(json_object_size(w.facts), 0);
        assert_int_equal(json_array_size(w.calls), 0);
        world_finish(&w);
    }
}

static void a_grant_without_a_token_goes_to_the_dead_letters(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, PROMOTE, false);
    json_t *kept = json_object_get(json_array_get(w.events, 0), "m");
    json_object_del(json_object_get(kept, "boxes"), "token");
    struct sw_msg *m = sw_msg_from_json(kept);
    const struct sw_ctx ctx = {.now_ms = w.now_ms, .attempt = 1, .conf = &w.conf};
    json_t *outputs = NULL;
    assert_int_equal(sw_step(&sw_actor_executor, &ctx, m, w.facts, &outputs), -EBADMSG);
    sw_msg_destroy(m);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_leads_to_its_step),
        cmocka_unit_test(a_401_asks_for_a_grant_and_does_the_very_step_again),
        cmocka_unit_test(late_answers_and_those_of_another_step_do_nothing),
        cmocka_unit_test(an_answer_without_http_is_an_outage),
        cmocka_unit_test(a_grant_that_comes_twice_begins_once),
        cmocka_unit_test(a_renewed_grant_without_a_plan_does_nothing),
        cmocka_unit_test(what_no_plan_can_do_is_said),
        cmocka_unit_test(a_grant_without_a_token_goes_to_the_dead_letters),
    };
    return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
