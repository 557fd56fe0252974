/* test_responder_feed_model.c -- notices, answers and timers in any order, whatever Slack says: nothing waits for ever. */
#include "feed_world.h"

#include <stdio.h>
#include <time.h>

#define OPS 7
#define STEPS 300

struct model {
    struct feed f;
    uint64_t random;
    int n[OPS], failed[OPS]; /* of the newest notice, and of the newest failure */
    bool closes;             /* Slack may say that the channel is gone */
    bool refuses;            /* it may refuse a call for good */
};

static unsigned pick(struct model *m, unsigned below) {
    m->random = m->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(m->random >> 33) % below;
}

static char *op_of(unsigned i) {
    return sw_printf("n/commit/1/c%u./%s", i, i % 3 ? "C0DEPLOY" : "C0OTHER");
}

static void tell(struct model *m, unsigned i, int n, const char *status) {
    SW_AUTO(sw_text) char *op = op_of(i);
    json_t *body = notice(op, i % 3 ? "C0DEPLOY" : "C0OTHER", n, status);
    if (pick(m, 5) == 0) json_object_set_new(body, "urgent", json_true());
    if (pick(m, 9) == 0) json_object_set_new(body, "test", json_true());
    feed_send(&m->f, body);
}

static void tell_some(struct model *m) {
    static const char *const statuses[] = {"pending", "failed", "succeeded"};
    unsigned i = pick(m, OPS);
    bool old = m->n[i] > 1 && pick(m, 6) == 0;
    unsigned status = pick(m, 3);
    if (!old) m->n[i]++;
    if (!old && status == 1) m->failed[i] = m->n[i];
    tell(m, i, old ? m->n[i] - 1 : m->n[i], statuses[status]);
}

static const char *answer_of(struct model *m) {
    static const char *const trouble[] = {
        TOO_FAST, UNREACHED, LOST, SICK, SAYS("internal_error"), "{\"error\":\"timeout\"}",
    };
    static const char *const refusals[] = {
        SAYS("invalid_blocks"),      SAYS("msg_too_long"),
        SAYS("cant_update_message"), SAYS("message_not_found"),
        SAYS("thread_not_found"),    SAYS("no_such_word"),
        "{\"status\":404}",          "{\"status\":200,\"json\":{\"ok\":true}}",
    };
    static const char *const closed[] = {SAYS("channel_not_found"), SAYS("is_archived")};
    if (m->closes && pick(m, 12) == 0) return closed[pick(m, 2)];
    if (m->refuses && pick(m, 12) == 0)
        return refusals[pick(m, sizeof(refusals) / sizeof(*refusals))];
    return pick(m, 2) ? NULL : trouble[pick(m, sizeof(trouble) / sizeof(*trouble))];
}

static void answer_some(struct model *m) {
    size_t i = pick(m, (unsigned)world_count(&m->f.w));
    const char *trouble = answer_of(m);
    bool ok = trouble && strstr(trouble, "\"ok\":true");
    m->f.trouble = NULL;
    if (ok || pick(m, 8) == 0) free(feed_slack(&m->f, i)); /* done, whatever is said */
    m->f.trouble = trouble;
    feed_answer(&m->f, i);
    m->f.trouble = NULL;
}

static void step(struct model *m) {
    unsigned what = pick(m, 10);
    if (what < 2) {
        tell_some(m);
    } else if (what < 6 && world_count(&m->f.w) > 0) {
        answer_some(m);
    } else if (json_object_size(m->f.w.timers) > 0) {
        world_fire(&m->f.w);
        feed_note(&m->f);
    } else {
        m->f.w.now_ms += pick(m, 90000);
    }
}

static bool has(const json_t *state, const char *key) {
    return json_object_get(state, key) != NULL;
}

/* What a subject that is left alone may not hold. */
static const char *waits_for(const json_t *state) {
    const char *p = sw_str(state, "p");
    bool shown = !strcmp(p, "shown"), deaf = !strcmp(p, "deaf");
    if (has(state, "busy")) return "an answer";
    if (!p[0]) return "its message";
    if (shown && has(state, "new_parent") && !has(state, "frozen")) return "an update";
    if (shown && has(state, "new_log") && !has(state, "log_frozen")) return "its history";
    if (has(state, "cast") || has(state, "cast_next")) return "a failure that is told";
    if (!shown && !deaf && p[0] && has(state, "digest")) return "its line";
    return NULL;
}

/* What it takes for shown is what Slack shows. */
static void check_shown(const struct model *m, const json_t *state) {
    const json_t *parent = json_object_get(m->f.seen, sw_str(state, "ts"));
    const json_t *log = json_object_get(m->f.seen, sw_str(state, "log_ts"));
    SW_AUTO(sw_text) char *text = sw_printf("v%d ", (int)sw_int(state, "n"));
    /* Of what is refused twice the next state is awaited. */
    if (strcmp(sw_str(state, "p"), "shown") != 0 || has(state, "plain") || has(state, "lines"))
        return;
    if (!has(state, "frozen") && !strstr(sw_str(parent, "text"), text))
        fail_msg("%s is not shown, but %s", text, sw_str(parent, "text"));
    if (log && !has(state, "log_frozen") && !strstr(sw_str(log, "text"), text))
        fail_msg("%s is not in the history, but %s", text, sw_str(log, "text"));
}

static void check_told(const struct model *m, const json_t *state) {
    for (unsigned i = 0; i < OPS && !m->closes; i++) {
        SW_AUTO(sw_text) char *op = op_of(i);
        SW_AUTO(sw_text) char *id = sw_printf("\"fail-%d\"", m->failed[i]);
        SW_AUTO(sw_text) char *told = json_dumps(json_object_get(state, "told"), JSON_COMPACT);
        if (strcmp(op, sw_str(state, "op")) != 0 || !m->failed[i]) continue;
        if (!strcmp(sw_str(state, "p"), "shown") && (!told || !strstr(told, id)))
            fail_msg("%s: %s was not told", op, id);
    }
}

static void check_nothing_waits(const struct model *m) {
    const char *key, *what;
    json_t *state;
    json_object_foreach(m->f.w.facts, key, state) {
        bool feed = !strncmp(key, "feed/", 5);
        if (feed && (has(state, "p") || has(state, "r") || has(state, "u")))
            fail_msg("%s: somebody waits", key);
        if (strncmp(key, "sub/", 4) != 0) continue;
        check_shown(m, state);
        check_told(m, state);
        what = waits_for(state);
        if (!what) continue;
        SW_AUTO(sw_text) char *text = json_dumps(state, JSON_INDENT(2));
        fail_msg("%s waits for %s: %s", key, what, text);
    }
}

static void whatever_happens_in_whatever_order_nothing_waits_for_ever(void **state) {
    const char *given = getenv("SW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    (void)state;
    print_message("SW_SEED=%llu\n", (unsigned long long)seed);
    for (unsigned run = 0; run < 200; run++) {
        struct model m = {.random = seed + run, .closes = run % 4 == 3, .refuses = run % 2};
        feed_init(&m.f);
        m.f.w.conf.digest = pick(&m, 2) ? 20 : 1 + pick(&m, 3);
        for (int i = 0; i < STEPS; i++)
            step(&m);
        feed_settle(&m.f);
        /* Of a channel that was gone the next state begins anew. */
        for (unsigned i = 0; m.closes && i < OPS; i++)
            tell(&m, i, ++m.n[i], "succeeded");
        feed_settle(&m.f);
        check_nothing_waits(&m);
        feed_finish(&m.f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_in_whatever_order_nothing_waits_for_ever),
    };
    return cmocka_run_group_tests_name("responder_feed_model", tests, NULL, NULL);
}
