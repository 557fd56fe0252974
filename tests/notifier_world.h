/* notifier_world.h -- notifier between a ledger and those it tells, in this process, on a clock of its own.
 *
 * shapes   `facts` its state; `timers` name -> {due_ms, cmd, inst, body}; `out` all outputs of the last message and of those
 *          that it sent to itself, as in common/step.c
 * units    *_ms
 * errors   cmocka fails the test; world_step gives what the handler returned
 * owner    world_init, world_finish; what a function returns is borrowed of the world unless it says so
 * source   common/actor.h sw_step
 * limits   none
 */
#ifndef NOTIFIER_WORLD_H
#define NOTIFIER_WORLD_H

#include "actors/actors.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define START_MS 1764000000000LL
#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct world {
    int64_t now_ms;
    const char *inst;
    struct sw_conf conf;
    unsigned count; /* of messages: each has a command of its own, and a seed */
    json_t *facts, *timers, *out;
};

static inline void world_init(struct world *w) {
    *w = (struct world){.now_ms = START_MS,
                        .inst = "T0SIM1",
                        .conf = {.tend_ms = HOUR_MS, .check_ms = DAY_MS},
                        .facts = json_object(),
                        .timers = json_object(),
                        .out = json_array()};
}

static inline void world_finish(struct world *w) {
    json_decref(w->facts);
    json_decref(w->timers);
    json_decref(w->out);
}

static inline void world_apply(struct world *w, const json_t *o) {
    const char *op = sw_str(o, "op"), *name = sw_str(o, "name");
    if (!strcmp(op, "store"))
        json_object_set_new(w->facts, name, json_deep_copy(json_object_get(o, "value")));
    if (!strcmp(op, "forget")) json_object_del(w->facts, name);
    if (!strcmp(op, "cancel")) json_object_del(w->timers, name);
    if (!strcmp(op, "after"))
        json_object_set_new(w->timers, name,
                            json_pack("{s:I, s:O, s:O, s:O}", "due_ms",
                                      (json_int_t)(w->now_ms + sw_int(o, "ms")), "cmd",
                                      json_object_get(o, "cmd"), "inst", json_object_get(o, "inst"),
                                      "body", json_object_get(o, "body")));
}

/* One message; takes `body`. What it sends to itself is handled at once, in order. */
static inline int world_deliver(struct world *w, const char *kind, const char *cmd, json_t *body) {
    struct sw_ctx ctx = {.now_ms = w->now_ms, .attempt = 1, .conf = &w->conf};
    struct sw_msg *m = sw_msg_create(kind, cmd, w->inst, w->now_ms);
    json_t *outputs = NULL, *o;
    size_t i;
    memcpy(ctx.seed, &w->count, sizeof(w->count));
    w->count++;
    json_decref(m->body);
    m->body = body;
    sw_msg_set_box(m, "response_url", "2.box");
    int r = sw_step(&sw_actor_notifier, &ctx, m, w->facts, &outputs);
    sw_msg_destroy(m);
    json_array_foreach(outputs, i, o) {
        world_apply(w, o);
        json_array_append(w->out, o);
    }
    json_array_foreach(outputs, i, o) {
        if (r == 0 && !strcmp(sw_str(o, "op"), "send") && !strcmp(sw_str(o, "name"), "notifier"))
            r = world_deliver(w, sw_str(o, "kind"), sw_str(o, "cmd"),
                              json_deep_copy(json_object_get(o, "body")));
    }
    json_decref(outputs);
    return r;
}

static inline int world_step(struct world *w, const char *kind, json_t *body) {
    char cmd[32];
    snprintf(cmd, sizeof(cmd), "%04u-command", w->count);
    json_array_clear(w->out);
    return world_deliver(w, kind, cmd, body);
}

/* JSON in which ' stands for ". */
static inline json_t *world_json(const char *text) {
    char *copy = sw_strdup(text);
    json_error_t error;
    for (char *at = copy; *at; at++)
        if (*at == '\'') *at = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY, &error);
    if (!value) fail_msg("%s: %s", text, error.text);
    free(copy);
    return value;
}

/* All of the world's timers that are due until then, each at its time. */
static inline void world_until(struct world *w, int64_t until_ms) {
    json_array_clear(w->out);
    for (;;) {
        const char *name, *first = NULL;
        json_t *timer;
        json_object_foreach(w->timers, name, timer) {
            if (sw_int(timer, "due_ms") <= until_ms &&
                (!first ||
                 sw_int(timer, "due_ms") < sw_int(json_object_get(w->timers, first), "due_ms")))
                first = name;
        }
        if (!first) break;
        SW_AUTO(sw_json) json_t *due = json_incref(json_object_get(w->timers, first));
        json_object_del(w->timers, first);
        if (sw_int(due, "due_ms") > w->now_ms) w->now_ms = sw_int(due, "due_ms");
        assert_int_equal(world_deliver(w, SW_KIND_NOTIFIER_TIMER, sw_str(due, "cmd"),
                                       json_deep_copy(json_object_get(due, "body"))),
                         0);
    }
    w->now_ms = until_ms;
}

/* Outputs of this op and, unless NULL, of this name and kind: a new list. */
static inline json_t *world_outputs(const struct world *w, const char *op, const char *name,
                                    const char *kind) {
    json_t *list = json_array(), *o;
    size_t i;
    json_array_foreach(w->out, i, o) {
        if (!strcmp(sw_str(o, "op"), op) && (!name || !strcmp(sw_str(o, "name"), name)) &&
            (!kind || !strcmp(sw_str(o, "kind"), kind)))
            json_array_append(list, o);
    }
    return list;
}

/* Their names in order, a blank between two of them. */
static inline void world_expect_outputs(const struct world *w, const char *op,
                                        const char *expected) {
    char names[4096] = "";
    SW_AUTO(sw_json) json_t *list = world_outputs(w, op, NULL, NULL);
    size_t i, used = 0;
    json_t *o;
    json_array_foreach(list, i, o) {
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? " " : "",
                                 sw_str(o, "name"));
    }
    assert_string_equal(names, expected);
}

static inline const json_t *world_fact(const struct world *w, const char *kind, const char *name) {
    SW_AUTO(sw_text)
    char *key =
        name[0] ? sw_printf("%s/%s/%s", kind, w->inst, name) : sw_printf("%s/%s", kind, w->inst);
    return json_object_get(w->facts, key);
}

/* "to template user" of each reply in order, "; " between them; a notice is "notice channel n". Caller frees. */
static inline char *world_told(const struct world *w) {
    char *all = sw_strdup("");
    json_t *o;
    size_t i;
    json_array_foreach(w->out, i, o) {
        const json_t *body = json_object_get(o, "body"), *who = json_object_get(body, "who");
        bool reply = !strcmp(sw_str(o, "kind"), SW_KIND_REPLY);
        bool notice = !strcmp(sw_str(o, "kind"), SW_KIND_NOTICE);
        if (!reply && !notice) continue;
        const char *to = sw_str(body, "to");
        const char *whom =
            !strcmp(to, "say") || notice ? sw_str(who, "channel") : sw_str(who, "user");
        SW_AUTO(sw_text)
        /* A subject's first is one more than the time. */
        char *one = notice ? sw_printf("notice %s %lld", whom, (long long)sw_int(body, "n") % 1000)
                           : sw_printf("%s %s %s", to, sw_str(body, "template"), whom);
        char *next = sw_printf("%s%s%s", all, all[0] ? "; " : "", one);
        free(all);
        all = next;
        /* Only the one who typed it has the response_url. */
        bool box = json_object_size(json_object_get(o, "boxes")) > 0;
        if (strcmp(to, "thread") && strcmp(to, "parent"))
            assert_int_equal(box, !strcmp(to, "private"));
    }
    return all;
}

static inline void world_expect(const struct world *w, const char *expected) {
    SW_AUTO(sw_text) char *told = world_told(w);
    assert_string_equal(told, expected);
}

/* The data of the first reply with this template. */
static inline const json_t *world_data(const struct world *w, const char *template) {
    json_t *o;
    size_t i;
    json_array_foreach(w->out, i, o) {
        const json_t *body = json_object_get(o, "body");
        if (!strcmp(sw_str(body, "template"), template)) return json_object_get(body, "data");
    }
    fail_msg("no reply %s", template);
    return NULL;
}

/* ---- what others say ---- */

#define WHO(user, channel) "'who': {'team': 'T0SIM1', 'user': '" user "', 'channel': '" channel "'}"
#define OWNER(user)                                                                                \
    "'owner': {'team': 'T0SIM1', 'user': '" user "', 'channel': 'C0DEV', 'email': '" user          \
    "@example.com'}"

/* Takes and completes: who, op, do. */
static inline int world_route(struct world *w, const char *what, const char *user,
                              const char *channel, json_t *body) {
    json_object_update_new(body, json_pack("{s:{s:s, s:s, s:s}, s:s}", "who", "team", "T0SIM1",
                                           "user", user, "channel", channel, "do", what));
    return world_step(w, SW_KIND_ROUTE, body);
}

/* As executor looks it up: pipeline p1 "storefront", two apps, repository 7 "acme/storefront". */
static inline json_t *world_seen(const char *pipeline, const char *name, const char *user) {
    json_t *body = json_pack(
        "{s:{s:s, s:s}, s:[{s:o, s:s, s:s}, {s:o, s:s, s:s}], s:{s:i, s:s}, s:{s:s, s:s}, "
        "s:{s:s, s:s, s:s, s:o}}",
        "pipeline", "id", pipeline, "name", name, "apps", "id", json_sprintf("%s-prod", pipeline),
        "name", "storefront-production", "stage", "production", "id",
        json_sprintf("%s-stag", pipeline), "name", "storefront-staging", "stage", "staging", "repo",
        "id", 7, "name", "acme/storefront", "hooks", "heroku", "ok", "github", "ok", "owner",
        "team", "T0SIM1", "user", user, "channel", "C0DEV", "email",
        json_sprintf("%s@example.com", user));
    return body;
}

/* `filters`: more of the route, as JSON with '; NULL: none. The new route's id, in `ret`. */
static inline void world_add(struct world *w, const char *pipeline, const char *user,
                             const char *channel, const char *filters, char ret[16]) {
    json_t *body = world_seen(pipeline, !strcmp(pipeline, "p1") ? "storefront" : pipeline, user);
    json_t *route = filters ? world_json(filters) : json_object();
    json_object_set_new(route, "channel", json_string(channel));
    json_object_set_new(body, "route", route);
    assert_int_equal(world_route(w, "add", user, "C0DEV", body), 0);
    snprintf(ret, 16, "%s", sw_str(world_data(w, "route.added"), "id"));
}

static inline int world_resume(struct world *w, const char *user, const char *id) {
    json_t *body = world_seen("p1", "storefront", user);
    json_object_set_new(body, "id", json_string(id));
    return world_route(w, "resume", user, "C0OPS", body);
}

#endif
