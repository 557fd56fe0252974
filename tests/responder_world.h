/* responder_world.h -- responder between a ledger and a Slack that live in this process, on a clock of their own.
 *
 * shapes   `facts` key -> value; `timers` name -> {due_ms, kind, cmd, body, boxes}; `calls` the http outputs that
 *          wait for an answer, oldest first; `last` the outputs of the last step
 * units    *_ms
 * errors   cmocka fails the test
 * owner    world_init, world_finish
 * source   common/actor.h sw_step
 * limits   none
 */
#ifndef RESPONDER_WORLD_H
#define RESPONDER_WORLD_H

#include "actors/actors.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define START_MS 1764000000000LL
#define CMD "0001-cmd"

struct world {
    int64_t now_ms;
    struct sw_conf conf;
    struct sw_keys *keys; /* NULL: nothing is sealed or opened */
    char token[16];
    json_t *facts, *timers, *calls, *last;
    unsigned steps;
    bool no_url; /* messages come without a response_url */
    bool told;   /* a page has said it, too */
};

static inline void world_init(struct world *w) {
    memset(w, 0, sizeof(*w));
    w->now_ms = START_MS;
    strcpy(w->token, "xoxb-test");
    w->conf.slack_token.current = w->token;
    w->conf.digest = 20;
    w->conf.update_ms = 3000;
    w->facts = json_object();
    w->timers = json_object();
    w->calls = json_array();
}

static inline void world_finish(struct world *w) {
    json_decref(w->facts);
    json_decref(w->timers);
    json_decref(w->calls);
    json_decref(w->last);
}

static inline void world_apply(struct world *w) {
    size_t i;
    json_t *o;
    json_array_foreach(w->last, i, o) {
        const char *op = sw_str(o, "op"), *name = sw_str(o, "name");
        if (!strcmp(op, "store")) {
            assert_true(sw_int(o, "ms") > 0 || !strncmp(name, "bot/", 4));
            json_object_set_new(w->facts, name, json_deep_copy(json_object_get(o, "value")));
        } else if (!strcmp(op, "forget")) {
            json_object_del(w->facts, name);
        } else if (!strcmp(op, "cancel")) {
            json_object_del(w->timers, name);
        } else if (!strcmp(op, "after")) {
            json_t *timer = json_deep_copy(o);
            json_object_set_new(timer, "due_ms", json_integer(w->now_ms + sw_int(o, "ms")));
            json_object_set_new(w->timers, name, timer);
        } else if (!strcmp(op, "http")) {
            json_array_append_new(w->calls, json_deep_copy(o));
        } else if (strcmp(op, "send") != 0 ||
                   (strcmp(name, "auth") != 0 &&
                    strcmp(sw_str(o, "kind"), SW_KIND_CHANNEL_STATE) != 0)) {
            fail_msg("responder has no use for %s", op);
        }
    }
}

/* Takes all; the verdict. */
static inline int world_step(struct world *w, const char *kind, const char *cmd, json_t *body,
                             json_t *boxes) {
    struct sw_ctx ctx = {.now_ms = w->now_ms, .attempt = 1, .conf = &w->conf, .keys = w->keys};
    struct sw_msg *m = sw_msg_create(kind, cmd, "T0SIM1", START_MS);
    json_decref(m->body);
    m->body = body;
    json_object_update(m->boxes, boxes);
    json_decref(boxes);
    memcpy(ctx.seed, &w->steps, sizeof(w->steps));
    w->steps++;
    json_decref(w->last);
    w->last = NULL;
    int r = sw_step(&sw_actor_responder, &ctx, m, w->facts, &w->last);
    if (r == 0) world_apply(w);
    sw_msg_destroy(m);
    return r;
}

static inline json_t *who(void) {
    return json_pack("{s:s, s:s, s:s}", "team", "T0SIM1", "user", "U0ADA", "channel", "C0DEPLOY");
}

/* A reply of command `op`; takes `data`. */
static inline int world_reply(struct world *w, const char *op, const char *to, const char *template,
                              json_t *data, int rank, bool final) {
    json_t *boxes = w->no_url ? json_object() : json_pack("{s:s}", "response_url", "box-of-url");
    json_t *body = json_pack("{s:o, s:s, s:s, s:s, s:o}", "who", who(), "op", op, "to", to,
                             "template", template, "data", data ? data : json_object());
    if (rank >= 0) json_object_set_new(body, "rank", json_integer(rank));
    if (final) json_object_set_new(body, "final", json_true());
    if (w->told) json_object_set_new(body, "told", json_true());
    json_object_set_new(boxes, "link", json_string("box-of-link"));
    return world_step(w, SW_KIND_REPLY, strncmp(op, "release/", 8) ? op : "0009-event", body,
                      boxes);
}

static inline size_t world_count(const struct world *w) {
    return json_array_size(w->calls);
}

static inline const json_t *world_request(const struct world *w, size_t i) {
    return json_object_get(json_array_get(w->calls, i), "value");
}

/* "hooks" or the method of Slack's API. */
static inline const char *world_method(const struct world *w, size_t i) {
    const json_t *request = world_request(w, i);
    if (!strcmp(sw_str(request, "up"), "hooks")) return "hooks";
    return sw_str(request, "path") + 1;
}

static inline const json_t *world_json(const struct world *w, size_t i) {
    return json_object_get(world_request(w, i), "json");
}

/* Answers call `i` with an http object as JSON text; a quiet call that went well is not told. */
static inline int world_answer(struct world *w, size_t i, const char *http) {
    json_t *call = json_incref(json_array_get(w->calls, i));
    json_t *answer = json_loads(http, 0, NULL);
    assert_non_null(call);
    assert_non_null(answer);
    json_array_remove(w->calls, i);
    json_int_t status = sw_int(answer, "status");
    bool quiet = json_is_true(json_object_get(json_object_get(call, "value"), "quiet"));
    int r = 0;
    if (quiet && status >= 200 && status < 300) {
        json_decref(answer);
    } else {
        json_t *body = json_deep_copy(json_object_get(call, "body"));
        json_object_set_new(body, "http", answer);
        r = world_step(w, sw_str(call, "kind"), sw_str(call, "cmd"), body,
                       json_deep_copy(json_object_get(call, "boxes")));
    }
    json_decref(call);
    return r;
}

#define OK_TS "{\"status\":200,\"json\":{\"ok\":true,\"ts\":\"1.1\",\"channel\":\"C0DEPLOY\"}}"
#define OK_PLAIN "{\"status\":200,\"json\":{\"ok\":true}}"
#define SAYS(error) "{\"status\":200,\"json\":{\"ok\":false,\"error\":\"" error "\"}}"
#define TOO_FAST "{\"status\":429,\"retry_after\":7}"
#define LOST "{\"error\":\"unsure\"}"
#define SICK "{\"error\":\"unsure\",\"status\":503}"
#define UNREACHED "{\"error\":\"connect\"}"

/* Turns the clock to the next timer and fires it; false: none is armed. */
static inline bool world_fire(struct world *w) {
    const char *name, *first = NULL;
    json_t *timer;
    int64_t due_ms = 0;
    json_object_foreach(w->timers, name, timer) {
        if (!first || sw_int(timer, "due_ms") < due_ms) {
            first = name;
            due_ms = sw_int(timer, "due_ms");
        }
    }
    if (!first) return false;
    timer = json_incref(json_object_get(w->timers, first));
    json_object_del(w->timers, first);
    if (due_ms > w->now_ms) w->now_ms = due_ms;
    assert_int_equal(world_step(w, sw_str(timer, "kind"), sw_str(timer, "cmd"),
                                json_deep_copy(json_object_get(timer, "body")),
                                json_deep_copy(json_object_get(timer, "boxes"))),
                     0);
    json_decref(timer);
    return true;
}

static inline int64_t world_timer_ms(const struct world *w) {
    const char *name;
    json_t *timer;
    assert_int_equal(json_object_size(w->timers), 1);
    json_object_foreach(w->timers, name, timer) {
        return sw_int(timer, "due_ms") - w->now_ms;
    }
    return -1;
}

static inline const json_t *world_conv(const struct world *w, const char *op) {
    SW_AUTO(sw_text) char *key = sw_printf("conv/%s", op);
    return json_object_get(w->facts, key);
}

static inline bool world_shows(const json_t *json, const char *text) {
    SW_AUTO(sw_text) char *all = json_dumps(json, JSON_ENCODE_ANY);
    return all && strstr(all, text);
}

#endif
