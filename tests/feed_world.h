/* feed_world.h -- notices for a responder between a ledger and a Slack with a clock, upon responder_world.h.
 *
 * shapes   a notice's parent, history and digest line say "<op> is v<n>"; `seen` is what Slack shows: ts -> {channel, text,
 *          blocks, thread_ts?, broadcast?}, `posts` is [{at_ms, channel}], `updates` channel -> how many
 * units    *_ms
 * errors   a wrong expectation fails the test
 * owner    feed_init, feed_finish
 * source   none
 * limits   Slack answers after `latency_ms`, calls are answered in order
 */
#ifndef FEED_WORLD_H
#define FEED_WORLD_H

#include "responder_world.h"

struct feed {
    struct world w;
    json_t *seen, *posts, *updates;
    json_t *born; /* when each call that waits was made */
    int64_t latency_ms;
    const char *trouble; /* what Slack answers instead; NULL: it is well */
    int next_ts;
};

static inline void feed_init(struct feed *f) {
    memset(f, 0, sizeof(*f));
    world_init(&f->w);
    f->seen = json_object();
    f->posts = json_array();
    f->updates = json_object();
    f->born = json_array();
    f->latency_ms = 200;
}

static inline void feed_finish(struct feed *f) {
    json_decref(f->seen);
    json_decref(f->posts);
    json_decref(f->updates);
    json_decref(f->born);
    world_finish(&f->w);
}

/* Calls that were made since the last time. */
static inline void feed_note(struct feed *f) {
    while (json_array_size(f->born) < world_count(&f->w)) {
        size_t i = json_array_size(f->born);
        const json_t *json = world_json(&f->w, i);
        json_array_append_new(f->born, json_integer(f->w.now_ms));
        if (!strcmp(world_method(&f->w, i), "chat.postMessage"))
            json_array_append_new(f->posts, json_pack("{s:I, s:s}", "at_ms", f->w.now_ms, "channel",
                                                      sw_str(json, "channel")));
        if (!strcmp(world_method(&f->w, i), "chat.update"))
            json_object_set_new(f->updates, sw_str(json, "channel"),
                                json_integer(sw_int(f->updates, sw_str(json, "channel")) + 1));
    }
}

static inline json_t *release(const char *name, int n, const char *status) {
    return json_pack("{s:s, s:{s:s, s:i, s:s}}", "template", "release.notice.thread", "data", "app",
                     name, "version", n, "status", status);
}

static inline json_t *notice(const char *op, const char *channel, int n, const char *status) {
    json_t *body = json_pack("{s:{s:s, s:s, s:s}, s:s, s:i, s:o, s:o}", "who", "team", "T0SIM1",
                             "user", "", "channel", channel, "op", op, "n", n, "parent",
                             release(op, n, status), "digest", release(op, n, status));
    SW_AUTO(sw_text) char *history = sw_printf("history %s", op);
    if (n > 1) json_object_set_new(body, "log", release(history, n, status));
    if (strcmp(status, "pending") != 0) json_object_set_new(body, "final", json_true());
    if (!strcmp(status, "failed")) {
        SW_AUTO(sw_text) char *id = sw_printf("fail-%d", n);
        json_t *cast = release("alarm", n, status);
        json_object_set_new(cast, "id", json_string(id));
        json_object_set_new(body, "broadcast", cast);
        json_object_set_new(json_object_get(json_object_get(body, "digest"), "data"), "state",
                            json_string("failed"));
    }
    return body;
}

/* Takes the notice. */
static inline void feed_send(struct feed *f, json_t *body) {
    assert_int_equal(world_step(&f->w, SW_KIND_NOTICE, "0009-event", body, json_object()), 0);
    feed_note(f);
}

static inline void feed_say(struct feed *f, const char *op, int n, const char *status) {
    feed_send(f, notice(op, "C0DEPLOY", n, status));
}

/* What Slack does with call `i`, and says. */
static inline char *feed_slack(struct feed *f, size_t i) {
    const json_t *json = world_json(&f->w, i);
    const char *method = world_method(&f->w, i);
    SW_AUTO(sw_text) char *ts = sw_printf("%d.1", ++f->next_ts);
    if (f->trouble) return sw_strdup(f->trouble);
    if (!strcmp(method, "chat.postMessage")) {
        json_object_set_new(f->seen, ts,
                            json_pack("{s:O, s:O, s:O*, s:O*, s:O*}", "channel",
                                      json_object_get(json, "channel"), "text",
                                      json_object_get(json, "text"), "blocks",
                                      json_object_get(json, "blocks"), "thread_ts",
                                      json_object_get(json, "thread_ts"), "broadcast",
                                      json_object_get(json, "reply_broadcast")));
    } else if (!strcmp(method, "chat.update")) {
        json_t *message = json_object_get(f->seen, sw_str(json, "ts"));
        if (!message) return sw_strdup(SAYS("message_not_found"));
        json_object_set(message, "text", json_object_get(json, "text"));
        json_object_set(message, "blocks", json_object_get(json, "blocks"));
    }
    return sw_printf("{\"status\":200,\"json\":{\"ok\":true,\"ts\":\"%s\",\"channel\":\"%s\"}}", ts,
                     sw_str(json, "channel"));
}

static inline void feed_answer(struct feed *f, size_t i) {
    SW_AUTO(sw_text) char *http = feed_slack(f, i);
    json_array_remove(f->born, i);
    assert_int_equal(world_answer(&f->w, i, http), 0);
    feed_note(f);
}

static inline int64_t feed_timer_ms(const struct feed *f) {
    const char *name;
    json_t *timer;
    int64_t due_ms = INT64_MAX;
    json_object_foreach(f->w.timers, name, timer) {
        if (sw_int(timer, "due_ms") < due_ms) due_ms = sw_int(timer, "due_ms");
    }
    return due_ms;
}

/* Lets the clock run: answers and timers, whichever comes first. False: nothing happens until then. */
static inline bool feed_next(struct feed *f, int64_t until_ms) {
    int64_t timer_ms = feed_timer_ms(f), answer_ms = INT64_MAX;
    if (world_count(&f->w) > 0)
        answer_ms = json_integer_value(json_array_get(f->born, 0)) + f->latency_ms;
    int64_t first_ms = timer_ms < answer_ms ? timer_ms : answer_ms;
    if (first_ms > until_ms || first_ms == INT64_MAX) {
        if (until_ms != INT64_MAX) f->w.now_ms = until_ms;
        return false;
    }
    if (first_ms > f->w.now_ms) f->w.now_ms = first_ms;
    if (answer_ms <= timer_ms) {
        feed_answer(f, 0);
    } else {
        assert_true(world_fire(&f->w));
        feed_note(f);
    }
    return true;
}

static inline void feed_run(struct feed *f, int64_t ms) {
    int64_t until_ms = f->w.now_ms + ms;
    while (feed_next(f, until_ms))
        continue;
}

/* Until nothing is left to do. */
static inline void feed_settle(struct feed *f) {
    for (int i = 0; feed_next(f, INT64_MAX); i++)
        assert_true(i < 200000);
}

/* How many messages show `text`; *ret_one (may be NULL) is the last of them. */
static inline int feed_shows(const struct feed *f, const char *text, const json_t **ret_one) {
    const char *ts;
    json_t *message;
    int n = 0;
    json_object_foreach(f->seen, ts, message) {
        if (!strstr(sw_str(message, "text"), text)) continue;
        n++;
        if (ret_one) *ret_one = message;
    }
    return n;
}

/* No channel got more than a message a second. */
static inline void feed_check_pace(const struct feed *f) {
    SW_AUTO(sw_json) json_t *last = json_object();
    size_t i;
    json_t *post;
    json_array_foreach(f->posts, i, post) {
        const json_t *before = json_object_get(last, sw_str(post, "channel"));
        if (before) assert_true(sw_int(post, "at_ms") - json_integer_value(before) >= 1000);
        json_object_set(last, sw_str(post, "channel"), json_object_get(post, "at_ms"));
    }
}

#endif
