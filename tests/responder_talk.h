/* responder_talk.h -- parents and threads for tests of the responder, upon responder_world.h.
 *
 * shapes   promote() is the data of a parent; parent() and thread() say something in a conversation
 * units    none
 * errors   a wrong expectation fails the test
 * owner    the test
 * source   none
 * limits   none
 */
#ifndef SW_TESTS_RESPONDER_TALK_H
#define SW_TESTS_RESPONDER_TALK_H

#include "responder_world.h"

static inline json_t *promote(const char *state) {
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i}, s:{s:s}}", "user", "U0ADA", "line",
                     "promote storefront", "pipeline", "storefront", "state", state, "from",
                     "stage", "staging", "version", 42, "to", "stage", "production");
}

static inline void parent(struct world *w, const char *op, const char *state, int rank,
                          bool final) {
    assert_int_equal(world_reply(w, op, "parent", "promote", promote(state), rank, final), 0);
}

static inline void thread(struct world *w, const char *op, int number) {
    json_t *data = json_pack("{s:s, s:i}", "app", "storefront-production", "version", number);
    assert_int_equal(world_reply(w, op, "thread", "promote.phase", data, -1, false), 0);
}

static inline void expect_method(const struct world *w, size_t i, const char *method) {
    assert_true(i < world_count(w));
    assert_string_equal(world_method(w, i), method);
}

static inline void answer(struct world *w, const char *http) {
    assert_int_equal(world_answer(w, 0, http), 0);
}

/* Posted and confirmed, without a trace in the channel's pace. */
static inline void shown(struct world *w, const char *op) {
    parent(w, op, "started", 1, false);
    answer(w, OK_TS);
    assert_int_equal(world_count(w), 0);
    w->now_ms += 10000;
}

static inline void expect_text(const struct world *w, size_t i, const char *text) {
    if (!world_shows(world_json(w, i), text)) {
        SW_AUTO(sw_text) char *all = json_dumps(world_json(w, i), 0);
        fail_msg("no \"%s\" in %s", text, all);
    }
}

#endif
