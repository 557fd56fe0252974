/* executor_world.h -- executor between a ledger and a Heroku that live in this process, on a clock of their own.
 *
 * shapes   a message waits in `events` {due_ms, m}, a timer in `timers` name -> {due_ms, m}; `calls` are
 *          "METHOD /path" texts; `replies` are bodies of reply.v1; `sent` {actor, kind, body} all else;
 *          `channel` is what responder says of one
 * units    *_ms
 * errors   cmocka fails the test
 * owner    world_init, world_finish
 * source   common/actor.h sw_step
 * limits   8 faults, 4 more platforms (`more`)
 */
#ifndef EXECUTOR_WORLD_H
#define EXECUTOR_WORLD_H

#include "executor_heroku.h"

#include "actors/actors.h"
#include "common/request.h"

#define START_MS 1764000000000LL
#define LATENCY_MS 100
#define CMD "c0mmand"
#define PLAN "plan/" CMD

struct fault {
    const char *match; /* how "METHOD /path" begins */
    int skip, times;   /* the first `skip` go well, the next `times` do not */
    const char *http;  /* what the runtime says */
    bool effect;       /* Heroku does it nevertheless */
};

struct world;

/* Answers what is its own as fake_route does, NULL: it is another's. */
typedef json_t *world_route_fn(struct world *w, void *arg, const json_t *request);

struct world {
    int64_t now_ms;
    struct sw_conf conf;
    json_t *facts, *timers, *events, *replies, *sent, *calls, *audit;
    struct fake heroku;
    struct fault faults[8];
    bool (*chance)(struct world *w, const char *call, struct fault *ret); /* more faults */
    struct {
        world_route_fn *route;
        void *arg;
    } more[4]; /* asked before `heroku` */
    bool hub;  /* linked with GitHub */
    uint32_t random;
    bool twice;          /* every message comes twice; the second does nothing */
    bool ungrant;        /* how auth answers */
    bool mute;           /* auth does not answer */
    int version;         /* of the grant */
    const char *other;   /* whose account a renewed grant is, NULL: the same */
    int64_t grant_ms;    /* how long a grant lasts */
    int posts;           /* requests for a promotion */
    const char *code;    /* box of the one-time code that was typed */
    const char *channel; /* channel_state.v1 as JSON; NULL: responder does not answer */
    int64_t channel_ms;  /* after so long */
    json_t *last_post;
    size_t state_max_bytes;
};

static inline void world_init(struct world *w) {
    char error[200];
    memset(w, 0, sizeof *w);
    if (sw_conf_load(&w->conf, error, sizeof error) < 0) fail_msg("%s", error);
    w->now_ms = START_MS;
    w->facts = json_object();
    w->timers = json_object();
    w->events = json_array();
    w->replies = json_array();
    w->sent = json_array();
    w->calls = json_array();
    w->audit = json_array();
    w->version = 1;
    w->grant_ms = 8 * 3600 * 1000LL;
    fake_init(&w->heroku, START_MS - 3600 * 1000);
}

static inline void world_finish(struct world *w) {
    json_decref(w->facts);
    json_decref(w->timers);
    json_decref(w->events);
    json_decref(w->replies);
    json_decref(w->sent);
    json_decref(w->calls);
    json_decref(w->audit);
    json_decref(w->last_post);
    fake_finish(&w->heroku);
    sw_conf_finish(&w->conf);
}

/* Takes `body`; a message as sw_msg_to_json gives it. */
static inline json_t *world_msg(const char *kind, json_t *body, json_t *boxes) {
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "kind", kind, "cmd", CMD, "inst", "T0SIM1",
                     "born_ms", (json_int_t)START_MS, "body", body, "boxes", boxes);
}

static inline void world_queue(struct world *w, int64_t due_ms, json_t *m) {
    size_t at = json_array_size(w->events);
    while (at > 0 && sw_int(json_array_get(w->events, at - 1), "due_ms") > due_ms)
        at--;
    json_array_insert_new(w->events, at,
                          json_pack("{s:I, s:o}", "due_ms", (json_int_t)due_ms, "m", m));
}

static inline void world_granted(struct world *w, const char *command, bool renewal) {
    json_t *typed = json_loads(command, 0, NULL);
    if (!typed) fail_msg("no JSON: %s", command);
    if (!json_object_get(typed, "valid")) json_object_set_new(typed, "valid", json_true());
    SW_AUTO(sw_text) char *token = sw_printf("token-box-%d", w->version);
    json_t *body =
        json_pack("{s:{s:s, s:s, s:s}, s:s, s:o, s:{s:s, s:s}, s:{s:i, s:I}, s:b}", "who", "team",
                  "T0SIM1", "user", "U0ADA", "channel", "C0DEPLOY", "line", "a typed line",
                  "command", typed, "account", "id", renewal && w->other ? w->other : "u-ada",
                  "email", "ada@example.com", "grant", "version", w->version, "expires_ms",
                  (json_int_t)(w->now_ms + w->grant_ms), "renewal", (int)renewal);
    json_t *boxes = json_pack("{s:s, s:s}", "token", token, "response_url", "url-box");
    if (w->hub) {
        json_object_set_new(boxes, "github", json_string("hub-box"));
        json_object_set_new(body, "github",
                            json_pack("{s:s, s:i}", "login", "ada-l", "version", w->version));
    }
    if (w->code && !renewal) json_object_set_new(boxes, "code", json_string(w->code));
    world_queue(w, w->now_ms, world_msg(SW_KIND_GRANTED, body, boxes));
}

/* As the runtime does: only what was asked for is kept. */
static inline void world_filter(json_t *http, const json_t *fields) {
    const json_t *json = json_object_get(http, "json");
    if (sw_int(http, "status") >= 300 || !json || !fields) return;
    json_object_set_new(http, "json", sw_request_project(json, fields));
}

static inline struct fault *world_fault(struct world *w, const char *call) {
    for (size_t i = 0; i < 8; i++) {
        struct fault *f = &w->faults[i];
        if (!f->match || strncmp(call, f->match, strlen(f->match)) != 0 || f->times == 0) continue;
        if (f->skip-- > 0) continue;
        f->times--;
        return f;
    }
    return NULL;
}

/* Each call with the token of its platform, and a write is never left to the runtime to repeat. */
static inline void world_check_call(const struct world *w, const json_t *request) {
    const json_t *headers = json_object_get(request, "headers");
    const json_t *bearer = json_object_get(request, "bearer");
    const char *up = sw_str(request, "up"), *method = sw_str(request, "method");
    SW_AUTO(sw_text) char *token = sw_printf("token-box-%d", w->version);
    bool github = !strcmp(up, "github");
    bool safe = !strcmp(method, "GET") || !strcmp(sw_str(request, "path"), "/filters/apps") ||
                strstr(sw_str(request, "path"), "/pre-authorizations");
    assert_string_equal(sw_str(request, "repeat"), safe ? "safe" : "check");
    assert_string_equal(sw_str(bearer, "$box"), github ? "hub-box" : token);
    assert_string_equal(sw_str(bearer, "field"), "token");
    if (!strcmp(up, "heroku"))
        assert_int_equal(
            strncmp(sw_str(headers, "Accept"), "application/vnd.heroku+json; version=3", 38), 0);
}

static inline json_t *world_route(struct world *w, const json_t *request) {
    for (size_t i = 0; i < 4 && w->more[i].route; i++) {
        json_t *http = w->more[i].route(w, w->more[i].arg, request);
        if (http) return http;
    }
    assert_string_equal(sw_str(request, "up"), "heroku");
    return fake_route(&w->heroku, request);
}

static inline json_t *world_answer(struct world *w, const json_t *request) {
    SW_AUTO(sw_text)
    char *call = sw_printf("%s %s", sw_str(request, "method"), sw_str(request, "path"));
    bool post = !strcmp(call, "POST /pipeline-promotions");
    world_check_call(w, request);
    json_array_append_new(w->calls, json_string(call));
    if (post) {
        w->posts++;
        json_decref(w->last_post);
        w->last_post = json_deep_copy(request);
    }
    w->heroku.now_ms = w->now_ms;
    fake_move(&w->heroku);
    struct fault by_chance;
    const struct fault *f = world_fault(w, call);
    if (!f && w->chance && w->chance(w, call, &by_chance)) f = &by_chance;
    json_t *http = !f || f->effect ? world_route(w, request) : NULL;
    if (f) {
        json_decref(http);
        http = json_loads(f->http, 0, NULL);
        if (!http) fail_msg("no JSON: %s", f->http);
    }
    json_t *copy = json_deep_copy(http);
    json_decref(http);
    world_filter(copy, json_object_get(request, "fields"));
    return copy;
}

/* As responder does: what is under `keep` comes back. */
static inline void world_channel(struct world *w, const json_t *asked) {
    json_t *state = w->channel ? json_loads(w->channel, 0, NULL) : NULL;
    if (!state) return;
    assert_string_equal(sw_str(asked, "from"), "executor");
    json_object_set(state, "who", json_object_get(asked, "who"));
    json_object_set(state, "channel", json_object_get(asked, "channel"));
    json_object_set(state, "keep", json_object_get(asked, "keep"));
    world_queue(w, w->now_ms + w->channel_ms,
                world_msg(SW_KIND_CHANNEL_STATE, state, json_object()));
}

static inline void world_send(struct world *w, const json_t *op) {
    const char *actor = sw_str(op, "name"), *kind = sw_str(op, "kind");
    json_t *body = json_object_get(op, "body");
    assert_null(json_object_get(json_object_get(op, "boxes"), "token"));
    assert_null(json_object_get(json_object_get(op, "boxes"), "code"));
    if (!strcmp(kind, SW_KIND_REPLY)) {
        assert_string_equal(actor, "responder");
        bool direct = !strcmp(sw_str(body, "to"), "direct"); /* to somebody else */
        assert_string_equal(sw_str(json_object_get(op, "boxes"), "response_url"),
                            direct ? "" : "url-box");
        json_array_append(w->replies, body);
        return;
    }
    json_array_append_new(w->sent,
                          json_pack("{s:s, s:s, s:O}", "actor", actor, "kind", kind, "body", body));
    if (!strcmp(kind, SW_KIND_CHANNEL)) world_channel(w, body);
    if (strcmp(kind, SW_KIND_REGRANT) != 0) return;
    assert_int_equal(sw_int(body, "version"), w->version);
    if (w->mute) return;
    if (w->ungrant) {
        world_queue(
            w, w->now_ms,
            world_msg(SW_KIND_UNGRANTED, json_pack("{s:s}", "reason", "refused"), json_object()));
        return;
    }
    w->version++;
    SW_AUTO(sw_text) char *command = json_dumps(json_object_get(body, "command"), JSON_ENCODE_ANY);
    world_granted(w, command, true);
}

static inline void world_apply(struct world *w, const json_t *op) {
    const char *what = sw_str(op, "op"), *name = sw_str(op, "name");
    json_t *m = world_msg(sw_str(op, "kind"), json_incref(json_object_get(op, "body")),
                          json_incref(json_object_get(op, "boxes")));
    if (!strcmp(what, "send")) {
        world_send(w, op);
    } else if (!strcmp(what, "store")) {
        SW_AUTO(sw_text) char *dump = json_dumps(json_object_get(op, "value"), JSON_COMPACT);
        if (strlen(dump) > w->state_max_bytes) w->state_max_bytes = strlen(dump);
        json_object_set(w->facts, name, json_object_get(op, "value"));
    } else if (!strcmp(what, "forget")) {
        json_object_del(w->facts, name);
    } else if (!strcmp(what, "audit")) {
        json_array_append(w->audit, json_object_get(op, "value"));
    } else if (!strcmp(what, "cancel")) {
        json_object_del(w->timers, name);
    } else if (!strcmp(what, "after")) {
        json_object_set_new(
            w->timers, name,
            json_pack("{s:I, s:O}", "due_ms", (json_int_t)w->now_ms + sw_int(op, "ms"), "m", m));
    } else if (!strcmp(what, "http")) {
        const json_t *request = json_object_get(op, "value");
        json_t *http = world_answer(w, request);
        if (json_is_true(json_object_get(request, "seal")) && json_object_get(http, "json")) {
            json_object_set_new(json_object_get(m, "boxes"), "answer", json_string("answer-box"));
            json_object_del(http, "json");
        }
        json_object_set_new(json_object_get(m, "body"), "http", http);
        world_queue(w, w->now_ms + LATENCY_MS, json_incref(m));
    }
    json_decref(m);
}

/* One message, handled; the caller frees the outputs. */
static inline json_t *world_step(struct world *w, const json_t *kept) {
    struct sw_msg *m = sw_msg_from_json(kept);
    const struct sw_ctx ctx = {.now_ms = w->now_ms, .attempt = 1, .conf = &w->conf};
    json_t *outputs = NULL;
    assert_non_null(m);
    int r = sw_step(&sw_actor_executor, &ctx, m, w->facts, &outputs);
    if (r < 0) fail_msg("%s: %s", m->kind, strerror(-r));
    sw_msg_destroy(m);
    return outputs;
}

static inline void world_deliver(struct world *w, const json_t *m) {
    SW_AUTO(sw_json) json_t *outputs = world_step(w, m);
    size_t i;
    json_t *op;
    json_array_foreach(outputs, i, op) {
        world_apply(w, op);
    }
    if (!w->twice) return;
    SW_AUTO(sw_json) json_t *again = world_step(w, m);
    if (json_array_size(again) != 0)
        fail_msg("%s at step %s did something twice", sw_str(m, "kind"),
                 sw_str(json_object_get(m, "body"), "step"));
}

/* What happens next, taken out; NULL: nothing. */
static inline json_t *world_next(struct world *w) {
    json_t *event = json_array_get(w->events, 0), *timer, *first = NULL;
    const char *name, *first_name = NULL;
    json_object_foreach(w->timers, name, timer) {
        if (!first || sw_int(timer, "due_ms") < sw_int(first, "due_ms")) {
            first = timer;
            first_name = name;
        }
    }
    bool is_timer = first && (!event || sw_int(first, "due_ms") < sw_int(event, "due_ms"));
    json_t *what = is_timer ? first : event;
    if (!what) return NULL;
    if (sw_int(what, "due_ms") > w->now_ms) w->now_ms = sw_int(what, "due_ms");
    json_t *m = json_incref(json_object_get(what, "m"));
    is_timer ? json_object_del(w->timers, first_name) : json_array_remove(w->events, 0);
    return m;
}

static inline void world_run(struct world *w) {
    for (int i = 0; i < 3000; i++) {
        SW_AUTO(sw_json) json_t *m = world_next(w);
        if (!m) return;
        world_deliver(w, m);
    }
    fail_msg("it does not end");
}

/* Until the message that waits is an answer (or timer) of `step`; returned and taken out. */
static inline json_t *world_until(struct world *w, const char *step) {
    for (int i = 0; i < 300; i++) {
        json_t *m = world_next(w);
        if (!m) break;
        if (!strcmp(sw_str(json_object_get(m, "body"), "step"), step)) return m;
        world_deliver(w, m);
        json_decref(m);
    }
    fail_msg("never came to step %s", step);
    return NULL;
}

/* The last reply of this template, or NULL. */
static inline const json_t *world_reply(const struct world *w, const char *template) {
    for (size_t i = json_array_size(w->replies); i > 0; i--) {
        const json_t *reply = json_array_get(w->replies, i - 1);
        if (!strcmp(sw_str(reply, "template"), template)) return reply;
    }
    return NULL;
}

static inline int world_count(const struct world *w, const char *template) {
    int n = 0;
    size_t i;
    json_t *reply;
    json_array_foreach(w->replies, i, reply) {
        n += !strcmp(sw_str(reply, "template"), template);
    }
    return n;
}

/* What is stored, but for the list of operations and the grants that are dead. */
static inline size_t world_kept(const struct world *w) {
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(w->facts, key, value) {
        n += strncmp(key, "ops/", 4) != 0 && strncmp(key, "dead/", 5) != 0;
    }
    return n;
}

static inline int world_finals(const struct world *w) {
    int n = 0;
    size_t i;
    json_t *reply;
    json_array_foreach(w->replies, i, reply) {
        n += json_is_true(json_object_get(reply, "final"));
    }
    return n;
}

/* The end: said once, as the last thing, and nothing is left but a mark. */
static inline void world_is_over(struct world *w) {
    const char *key;
    json_t *value;
    size_t count = json_array_size(w->replies);
    assert_int_equal(world_finals(w), 1);
    /* But for what GitHub made of it, which is told later. */
    while (count > 1 &&
           !strcmp(sw_str(json_array_get(w->replies, count - 1), "template"), "github.unclosed"))
        count--;
    assert_true(json_is_true(json_object_get(json_array_get(w->replies, count - 1), "final")));
    assert_int_equal(json_object_size(w->timers), 0);
    json_object_foreach(w->facts, key, value) {
        bool ended =
            !strncmp(key, "ops/", 4) && json_object_get(json_array_get(value, 0), "end_ms") != NULL;
        if (!strncmp(key, "dead/", 5)) continue;
        if (!ended && (strcmp(key, PLAN) != 0 || strcmp(sw_str(value, "step"), "done") != 0))
            fail_msg("%s is left", key);
    }
}

static inline const json_t *world_data(const struct world *w, const char *template) {
    const json_t *reply = world_reply(w, template);
    if (!reply) {
        SW_AUTO(sw_text) char *dump = json_dumps(w->replies, JSON_INDENT(1));
        fail_msg("no reply %s in %s", template, dump);
    }
    return json_object_get(reply, "data");
}

/* The body of the last message of this kind to another actor, or NULL; *ret_count how many there are. */
static inline const json_t *world_sent(const struct world *w, const char *kind, int *ret_count) {
    const json_t *last = NULL;
    size_t i;
    json_t *one;
    *ret_count = 0;
    json_array_foreach(w->sent, i, one) {
        if (strcmp(sw_str(one, "kind"), kind) != 0) continue;
        ++*ret_count;
        last = json_object_get(one, "body");
    }
    return last;
}

/* The state in the last reply of this template, "" without one. */
static inline const char *world_state(const struct world *w, const char *template) {
    return sw_str(json_object_get(world_reply(w, template), "data"), "state");
}

/* A command, done to its end. */
static inline void world_do(struct world *w, const char *command) {
    world_granted(w, command, false);
    world_run(w);
    world_is_over(w);
}

/* Sets a mark on the app: its promotion, or its release phase, fails, or it cannot be read. */
static inline void world_breaks(struct world *w, const char *app, const char *how) {
    json_object_set_new(json_object_get(w->heroku.apps, app), how, json_true());
}

/* The next of w->random, which is not 0 at first. */
static inline uint32_t world_random(struct world *w) {
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return w->random;
}

#define PROMOTE "{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"storefront\"}"
#define PROMOTE_ALL                                                                                \
    "{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"billing\",\"to\":"               \
    "\"production\","                                                                              \
    "\"to_app\":\"*\"}"

#endif
