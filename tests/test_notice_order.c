/* test_notice_order.c -- whatever the order in which events arrive, a channel ends with the same messages and the same threads:
 * notifier's handler, its notices, responder's feed and a Slack. */
#include "tests/dice.h"
#include "tests/feed_world.h"
#include "tests/subject_histories.h"

#define CONFIG(status) RELEASE("44", status, "Set GREETING config vars")

/* A push, its CI, its deploy to staging as GitHub and Heroku tell it, one to production that fails, a release, a pull request
 * and a tag. */
static const char *const events[] = {
    "0 {" PUSH,
    "1 {" SUITE("'status':'queued'"),
    "2 {" WORKFLOW(RUNS),
    "3 {" RUN("1", "lint", RUNS),
    "4 {" RUN("2", "test", RUNS),
    "5 {" STATUS("ci/circle", "pending"),
    "9 {" RUN("1", "lint", DONE("success")),
    "20 {" STATUS("ci/circle", "success"),
    "30 {" RUN("2", "test", DONE("success")),
    "31 {" WORKFLOW(DONE("success")),
    "31 {" SUITE(DONE("success")),
    "40 {" ASKED("99", "storefront-staging"),
    "41 {" IS("99", "storefront-staging", "pending", ""),
    "41 {'type':'api:build','app':{'id':'a1'},'build':{'id':'b1','status':'pending','commit':'" SHA
    "'}}",
    "100 {" BUILD("b1", "succeeded"),
    "100 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
    "120 {" RELEASE("43", "succeeded", "Deploy 4f2a9c1d"),
    "121 {" IS("99", "storefront-staging", "success", ""),
    "125 {" DYNO("web.1", "up", "43"),
    "126 {" DYNO("web.2", "up", "43"),
    "140 {" ASKED("100", "production"),
    "141 {" IS("100", "production", "in_progress", ""),
    "170 {" IS("100", "production", "failure", "the release phase failed"),
    "200 {" CONFIG("pending"),
    "210 {" CONFIG("succeeded"),
    "0 {" PULL("opened", ",'draft':true"),
    "60 {" PULL("ready_for_review", ""),
    "90 {" PULL("closed", ",'merged':true"),
    "220 {" TAG("create"),
};
#define EVENTS (sizeof(events) / sizeof(*events))
#define SUBJECTS 6

struct chain {
    struct feed f;
    json_t *facts; /* notifier's */
    unsigned count;
};

static void chain_init(struct chain *c) {
    SW_AUTO(sw_json) json_t *sources = quoted("{'a':['p1']}");
    *c = (struct chain){.facts = json_object()};
    feed_init(&c->f);
    c->f.w.now_ms = T0_MS;
    json_t *pipe = quoted(PIPELINE);
    json_object_set_new(pipe, "owner",
                        quoted("{'user':'U0ADA','team':'T0SIM1','channel':'C0DEPLOY'}"));
    json_object_set_new(
        pipe, "routes",
        json_pack("[{s:s, s:s, s:s}]", "id", "r7k2", "channel", "C0DEPLOY", "team", "T0SIM1"));
    json_object_set_new(c->facts, "pipe/T0SIM1/p1", pipe);
    json_object_set(c->facts, "src/T0SIM1/github/7", json_object_get(sources, "a"));
    json_object_set(c->facts, "src/T0SIM1/heroku/a1", json_object_get(sources, "a"));
    json_object_set_new(c->facts, "person/T0SIM1/github/11", quoted("{'user':'U0ADA'}"));
    json_object_set_new(c->facts, "person/T0SIM1/heroku/h11", quoted("{'user':'U0ADA'}"));
}

static void chain_finish(struct chain *c) {
    feed_finish(&c->f);
    json_decref(c->facts);
}

/* What notifier sends is responder's at once: a mailbox keeps its order. */
static void arrive(struct chain *c, const json_t *event) {
    static struct sw_conf conf;
    struct sw_ctx ctx = {.now_ms = c->f.w.now_ms, .attempt = 1, .conf = &conf};
    struct sw_msg *m = sw_msg_create(SW_KIND_EVENT, "0001-event", "T0SIM1", c->f.w.now_ms);
    SW_AUTO(sw_json) json_t *outputs = NULL;
    json_t *o;
    size_t i;
    memcpy(ctx.seed, &c->count, sizeof(c->count));
    c->count++;
    json_object_update(m->body, (json_t *)event);
    assert_int_equal(sw_step(&sw_actor_notifier, &ctx, m, c->facts, &outputs), 0);
    sw_msg_destroy(m);
    json_array_foreach(outputs, i, o) {
        const char *op = sw_str(o, "op"), *name = sw_str(o, "name");
        if (!strcmp(op, "store")) json_object_set(c->facts, name, json_object_get(o, "value"));
        if (!strcmp(op, "forget")) json_object_del(c->facts, name);
        if (strcmp(op, "send") != 0) continue;
        assert_string_equal(sw_str(o, "kind"), SW_KIND_NOTICE);
        feed_send(&c->f, json_deep_copy(json_object_get(o, "body")));
    }
}

/* ---- what the channel shows in the end ---- */

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What stands in the channel, or in a thread of it, each a line; times of messages are left out, and so is which came first.
 * A failure is said to the channel once more only where its message was there before it. */
static char *all_of(const json_t *seen, const char *thread) {
    char *lines[64], *all = sw_strdup("");
    size_t count = 0;
    const char *ts;
    json_t *message;
    json_object_foreach((json_t *)seen, ts, message) {
        if (strcmp(sw_str(message, "thread_ts"), thread) || json_object_get(message, "broadcast"))
            continue;
        SW_AUTO(sw_json) json_t *copy = json_copy(message);
        json_object_del(copy, "thread_ts");
        SW_AUTO(sw_text) char *text = json_dumps(copy, JSON_SORT_KEYS);
        SW_AUTO(sw_text) char *replies = thread[0] ? NULL : all_of(seen, ts);
        assert_true(count < 64);
        lines[count++] =
            sw_printf("%s%s\n%s", thread[0] ? "    " : "", text, replies ? replies : "");
    }
    qsort(lines, count, sizeof(*lines), compare_texts);
    for (size_t i = 0; i < count; i++) {
        char *longer = sw_printf("%s%s", all, lines[i]);
        free(lines[i]);
        free(all);
        all = longer;
    }
    return all;
}

/* A parent for each subject, at most one reply in its thread, at most one failure. */
static bool is_single(const json_t *seen) {
    SW_AUTO(sw_json) json_t *replies = json_object();
    const char *ts, *thread;
    json_t *message;
    size_t parents = 0, casts = 0, logs = 0;
    json_object_foreach((json_t *)seen, ts, message) {
        thread = sw_str(message, "thread_ts");
        bool cast = json_object_get(message, "broadcast") != NULL;
        parents += !thread[0];
        casts += cast;
        logs += thread[0] && !cast;
        if (thread[0] && !cast) json_object_set_new(replies, thread, json_true());
    }
    return parents == SUBJECTS && casts <= 1 && logs == json_object_size(replies);
}

/* ---- orders ---- */

/* Seed 0: as it happened. Some arrive twice, the second time at any later moment. */
static size_t order_of(unsigned seed, size_t order[2 * EVENTS]) {
    size_t count = EVENTS;
    for (size_t i = 0; i < EVENTS; i++)
        order[i] = i;
    if (seed == 0) return count;
    dice_seed(seed);
    for (size_t i = 0; i < EVENTS; i++)
        if (below(4) == 0) order[count++] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = below(i), one = order[i - 1];
        order[i - 1] = order[j];
        order[j] = one;
    }
    return count;
}

static char *told(unsigned seed, json_t *const *all) {
    struct chain c;
    size_t order[2 * EVENTS], count = order_of(seed, order);
    chain_init(&c);
    for (size_t i = 0; i < count; i++) {
        arrive(&c, all[order[i]]);
        feed_run(&c.f, seed ? (int64_t)below(2500) : 1000);
    }
    feed_settle(&c.f);
    feed_check_pace(&c.f);
    char *text = all_of(c.f.seen, "");
    if (!is_single(c.f.seen))
        fail_msg("seed %u: not %d single messages:\n%s", seed, SUBJECTS, text);
    chain_finish(&c);
    return text;
}

/* The first line that is another one; cmocka cuts long texts. */
static void differ(unsigned seed, const char *is, const char *expected) {
    while (*is && *is == *expected) {
        is++;
        expected++;
    }
    fail_msg("seed %u: here\n%.400s\nand not\n%.400s", seed, is, expected);
}

static void any_order_of_arrival_ends_in_the_same_threads(void **state) {
    json_t *all[EVENTS];
    (void)state;
    for (size_t i = 0; i < EVENTS; i++) {
        all[i] = event_of(events[i]);
        json_object_set_new(all[i], "event_id", json_sprintf("e%zu", i));
        if (!json_object_get(all[i], "source"))
            json_object_set_new(
                all[i], "source",
                json_string(json_object_get(all[i], "repo") ? "github/7" : "heroku/a1"));
    }
    SW_AUTO(sw_text) char *expected = told(0, all);
    for (unsigned seed = 1; seed <= ORDERS; seed++) {
        SW_AUTO(sw_text) char *is = told(seed, all);
        if (strcmp(is, expected) != 0) differ(seed, is, expected);
    }
    print_message("          seeds 1 to %d\n", ORDERS);
    for (size_t i = 0; i < EVENTS; i++)
        json_decref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_arrival_ends_in_the_same_threads)};
    return cmocka_run_group_tests_name("notice_order", tests, NULL, NULL);
}
