/* test_notifier_life.c -- a commit that is deployed to an app again is a message of its own, in whatever order each of its lives is
 * told, through sw_step. */
#include "tests/dice.h"
#include "tests/notifier_world.h"
#include "tests/subject_histories.h"

#define EVENTS_MAX 16
#define LIVES_MAX 3
#define KEY "n/deploy/a1/4f2a9c1d/"
#define STAGING "storefront-staging"

/* Each life ends before the next one begins. */
static const struct row {
    const char *name;
    const char *lives[LIVES_MAX][EVENTS_MAX];
    const char *parents[LIVES_MAX]; /* how they begin, without the marks before them */
} rows[] = {
    {"a push that Heroku deploys, and a deploy of ours of the same commit",
     {{"0 {" BUILD("b1", "pending"), "60 {" BUILD("b1", "succeeded"),
       "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
       "80 {" RELEASE("43", "succeeded", "Deploy 4f2a9c1d"), "85 {" DYNO("web.1", "up", "43"),
       "86 {" DYNO("web.2", "up", "43")},
      {"200 {" ASKED("100", STAGING), "201 {" IS("100", STAGING, "pending", ""),
       "202 {" BUILD("b2", "pending"), "230 {" BUILD("b2", "succeeded"),
       "230 {" RELEASE("44", "pending", "Deploy 4f2a9c1d"),
       "240 {" RELEASE("44", "succeeded", "Deploy 4f2a9c1d"),
       "241 {" IS("100", STAGING, "success", ""), "245 {" DYNO("web.1", "up", "44")}},
     {"Live: `4f2a9c1` in *storefront-staging* (staging) as v43",
      "Live: `main` at `4f2a9c1` in *storefront-staging* (staging) as v44"}},
    {"a build that fails, a release that does, and what mends it",
     {{"0 {" ASKED("99", STAGING), "1 {" IS("99", STAGING, "pending", ""),
       "2 {" BUILD("b1", "pending"), "30 {" BUILD("b1", "failed"),
       "31 {" IS("99", STAGING, "failure", "the build failed")},
      {"40 {" ASKED("100", STAGING), "41 {" BUILD("b2", "pending"), "60 {" BUILD("b2", "succeeded"),
       "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
       "80 {" RELEASE("43", "failed", "Deploy 4f2a9c1d"),
       "81 {" IS("100", STAGING, "failure", "the release phase failed")},
      {"90 {" BUILD("b3", "pending"), "95 {" BUILD("b3", "succeeded"),
       "96 {" RELEASE("44", "pending", "Deploy 4f2a9c1d"),
       "99 {" RELEASE("44", "succeeded", "Deploy 4f2a9c1d")}},
     {"The build of `main` at `4f2a9c1` for *storefront-staging* (staging) failed",
      "The release of `main` at `4f2a9c1` for *storefront-staging* (staging) failed",
      "Released `4f2a9c1` to *storefront-staging* (staging) as v44"}},
    {"deployments of which Heroku tells nothing",
     {{"0 {" ASKED("99", STAGING), "1 {" IS("99", STAGING, "queued", ""),
       "9 {" IS("99", STAGING, "error", "checks failed")},
      {"60 {" ASKED("100", STAGING), "61 {" IS("100", STAGING, "pending", ""),
       "70 {" IS("100", STAGING, "success", ""), "900 {" IS("100", STAGING, "inactive", "")}},
     {"The deploy of *acme/storefront* `main` (`4f2a9c1`)",
      "Live: *acme/storefront* `main` (`4f2a9c1`)"}},
    {0},
};

/* ---- the row's events ---- */

struct told {
    json_t *lives[LIVES_MAX]; /* lists of events */
};

static json_t *object_of(const json_t *event) {
    static const char *const names[] = {"build", "release", "deployment"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        json_t *object = json_object_get(event, names[i]);
        if (object) return object;
    }
    return NULL;
}

/* As ingress tells it: each thing began when it was first told of. */
static void begin_all(json_t *events) {
    json_t *event, *other;
    size_t i, k;
    json_array_foreach(events, i, event) {
        json_t *object = object_of(event);
        json_array_foreach(events, k, other) {
            const json_t *id = json_object_get(object_of(other), "id");
            if (!object || !id || !json_equal((json_t *)id, json_object_get(object, "id")))
                continue;
            json_object_set(object, "began_ms", json_object_get(other, "at_ms"));
            break;
        }
    }
}

static void told_init(struct told *t, const struct row *row) {
    *t = (struct told){0};
    for (size_t l = 0; l < LIVES_MAX; l++) {
        t->lives[l] = json_array();
        for (size_t i = 0; i < EVENTS_MAX && row->lives[l][i]; i++) {
            json_t *event = event_of(row->lives[l][i]);
            bool hub = json_object_get(event, "repo") != NULL;
            json_object_set_new(event, "event_id", json_sprintf("e%zu-%zu", l, i));
            json_object_set_new(event, "source", json_string(hub ? "github/7" : "heroku/a1"));
            json_array_append_new(t->lives[l], event);
        }
        begin_all(t->lives[l]);
    }
}

static void told_finish(struct told *t) {
    for (size_t l = 0; l < LIVES_MAX; l++)
        json_decref(t->lives[l]);
}

/* Seed 0: as it happened. Else shuffled, some of it again, and some of what was told before. */
static json_t *order_of(const struct told *t, size_t life, unsigned seed) {
    json_t *order = json_copy(t->lives[life]);
    json_t *event;
    size_t i;
    if (seed == 0) return order;
    for (size_t l = 0; l <= life; l++) {
        json_array_foreach(t->lives[l], i, event) {
            if (below(4) == 0) json_array_append(order, event);
        }
    }
    for (i = json_array_size(order); i > 1; i--) {
        size_t k = below(i);
        json_t *one = json_incref(json_array_get(order, i - 1));
        json_array_set(order, i - 1, json_array_get(order, k));
        json_array_set_new(order, k, one);
    }
    return order;
}

/* ---- what a channel holds ---- */

static void begin(struct world *w) {
    world_init(w);
    w->now_ms = T0_MS;
    json_t *pipe = quoted(PIPELINE);
    json_object_set_new(pipe, "owner",
                        quoted("{'user':'U0ADA','team':'T0SIM1','channel':'C0DEPLOY'}"));
    json_object_set_new(pipe, "routes",
                        quoted("[{'id':'r7k2','channel':'C0DEPLOY','team':'T0SIM1'}]"));
    json_object_set_new(w->facts, "pipe/T0SIM1/p1", pipe);
    json_object_set_new(w->facts, "src/T0SIM1/github/7", quoted("['p1']"));
    json_object_set_new(w->facts, "src/T0SIM1/heroku/a1", quoted("['p1']"));
}

static void arrive(struct world *w, json_t *held, const json_t *event) {
    size_t i;
    json_t *o;
    w->now_ms += 1000;
    assert_int_equal(world_step(w, SW_KIND_EVENT, json_deep_copy(event)), 0);
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", "responder", SW_KIND_NOTICE);
    json_array_foreach(sent, i, o) {
        json_t *body = json_copy(json_object_get(o, "body"));
        json_object_del(body, "n");
        json_object_set_new(held, sw_str(body, "op"), body);
    }
}

/* {op: the newest notice} of all that is told in this order; the caller owns. */
static json_t *held_after(const struct told *t, unsigned seed) {
    struct world w;
    json_t *held = json_object(), *event;
    size_t i;
    begin(&w);
    dice_seed(seed);
    for (size_t l = 0; l < LIVES_MAX; l++) {
        SW_AUTO(sw_json) json_t *order = order_of(t, l, seed);
        json_array_foreach(order, i, event) {
            arrive(&w, held, event);
        }
    }
    world_finish(&w);
    return held;
}

static const json_t *life_in(const json_t *held, size_t number) {
    char op[80];
    if (number == 1) return json_object_get(held, KEY "C0DEPLOY");
    snprintf(op, sizeof(op), KEY "%zu/C0DEPLOY", number);
    return json_object_get(held, op);
}

static void check_lives(const struct row *row, const json_t *held) {
    size_t count = 0;
    for (; count < LIVES_MAX && row->parents[count]; count++) {
        const json_t *notice = life_in(held, count + 1);
        if (!notice) fail_msg("%s: there is no message %zu", row->name, count + 1);
        SW_AUTO(sw_text) char *parent = shown(json_object_get(notice, "parent"));
        if (!strstr(parent, row->parents[count]))
            fail_msg("%s: message %zu is\n%s", row->name, count + 1, parent);
        assert_true(json_is_true(json_object_get(notice, "final")));
    }
    assert_int_equal(json_object_size(held), count);
}

static void each_deploy_of_a_commit_is_a_message_in_any_order_of_its_events(void **state) {
    (void)state;
    for (const struct row *row = rows; row->name; row++) {
        struct told t;
        told_init(&t, row);
        SW_AUTO(sw_json) json_t *expected = held_after(&t, 0);
        check_lives(row, expected);
        for (unsigned seed = 1; seed <= ORDERS; seed++) {
            SW_AUTO(sw_json) json_t *held = held_after(&t, seed);
            if (json_equal(held, expected)) continue;
            SW_AUTO(sw_text) char *is = json_dumps(held, JSON_SORT_KEYS | JSON_INDENT(1));
            fail_msg("%s, seed %u: %s", row->name, seed, is);
        }
        told_finish(&t);
    }
    print_message("          seeds 1 to %d of each row\n", ORDERS);
}

/* What the first life has not heard of comes to it still, if it began before that one's end. */
static void what_comes_late_goes_to_the_life_that_it_began_in(void **state) {
    struct world w;
    struct told t;
    json_t *event;
    size_t i;
    (void)state;
    begin(&w);
    told_init(&t, &rows[1]);
    SW_AUTO(sw_json) json_t *held = json_object();
    for (size_t l = 0; l < LIVES_MAX; l++) {
        json_array_foreach(t.lives[l], i, event) {
            if (l > 0 || !json_object_get(event, "repo")) arrive(&w, held, event);
        }
    }
    json_array_foreach(t.lives[0], i, event) {
        if (json_object_get(event, "repo")) arrive(&w, held, event);
    }
    SW_AUTO(sw_json) json_t *expected = held_after(&t, 0);
    assert_true(json_equal(held, expected));
    told_finish(&t);
    world_finish(&w);
}

/* A commit that is tried again and again: old lives are forgotten, and each is still a message. */
static void the_oldest_of_many_lives_are_forgotten(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    SW_AUTO(sw_json) json_t *held = json_object();
    for (int i = 0; i < 10; i++) {
        SW_AUTO(sw_text) char *line = sw_printf("%d {" BUILD("b%d", "failed"), 100 * i, i);
        SW_AUTO(sw_json) json_t *event = event_of(line);
        json_object_set_new(event, "event_id", json_sprintf("e%d", i));
        json_object_set_new(event, "source", json_string("heroku/a1"));
        arrive(&w, held, event);
    }
    assert_int_equal(json_object_size(held), 10);
    assert_non_null(life_in(held, 10));
    const json_t *kept = world_fact(&w, "subj", "deploy/a1/4f2a9c1d");
    assert_int_equal(json_array_size(json_object_get(kept, "older")), 4);
    assert_int_equal(sw_int(kept, "life"), 10);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_deploy_of_a_commit_is_a_message_in_any_order_of_its_events),
        cmocka_unit_test(what_comes_late_goes_to_the_life_that_it_began_in),
        cmocka_unit_test(the_oldest_of_many_lives_are_forgotten),
    };
    return cmocka_run_group_tests_name("notifier_life", tests, NULL, NULL);
}
