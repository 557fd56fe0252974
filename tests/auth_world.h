/* auth_world.h -- a small world around auth and refresher: keys, a clock, and state that remembers.
 *
 * shapes   run() is one call through sw_step; what it stores and forgets is there at the next call
 * units    now_ms is 2026 by default
 * errors   a call that fails where it must not fails the test
 * owner    world_down frees; outputs belong to the world until the next run
 * source   common/actor.h
 * limits   none
 */
#ifndef SW_TESTS_AUTH_WORLD_H
#define SW_TESTS_AUTH_WORLD_H

#include "actors/actors.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795000000000LL
#define MINUTE (60 * 1000LL)
#define HOUR (60 * MINUTE)

struct world {
    char dir[64];
    struct sw_keys *auth, *refresher, *executor, *responder, *ingress;
    struct sw_conf conf;
    const struct sw_actor *actor;
    json_t *facts, *outputs;
    int64_t now_ms;
    uint32_t calls; /* each call has another seed */
};

static inline struct sw_keys *world_keys(const struct world *w, const char *role) {
    struct sw_keys *keys = NULL;
    char error[256] = "";
    if (sw_keys_load(w->dir, role, &keys, error, sizeof(error)) < 0) fail_msg("%s", error);
    return keys;
}

static inline int world_up(void **state, const struct sw_actor *actor) {
    struct world *w = sw_zalloc(sizeof(*w));
    strcpy(w->dir, "/tmp/sw-auth-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(sw_keys_make(w->dir), 0);
    w->auth = world_keys(w, "auth");
    w->refresher = world_keys(w, "refresher");
    w->executor = world_keys(w, "executor");
    w->responder = world_keys(w, "responder");
    w->ingress = world_keys(w, "ingress");
    w->conf.base_url = sw_strdup("https://slipway.example");
    w->conf.http = sw_strdup("127.0.0.1:8080");
    w->conf.slack_web = sw_strdup("https://slack.example");
    w->conf.slack_client_id = sw_strdup("25.11");
    w->conf.heroku_id = sw_strdup("https://id.heroku.example");
    w->conf.heroku_client_id = sw_strdup("client&1");
    w->conf.heroku_scope = sw_strdup("identity write-protected");
    w->conf.github_web = sw_strdup("https://github.example");
    w->conf.github_client_id = sw_strdup(""); /* not set up, until a test says so */
    w->conf.github_scope = sw_strdup("repo");
    w->conf.refresh_ms = 6 * HOUR;
    w->actor = actor;
    w->facts = json_object();
    w->now_ms = NOW;
    *state = w;
    return 0;
}

static inline int world_down(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *clean = sw_printf("rm -rf '%s'", w->dir);
    sw_keys_destroy(w->auth);
    sw_keys_destroy(w->refresher);
    sw_keys_destroy(w->executor);
    sw_keys_destroy(w->responder);
    sw_keys_destroy(w->ingress);
    free(w->conf.base_url);
    free(w->conf.http);
    free(w->conf.slack_web);
    free(w->conf.slack_client_id);
    free(w->conf.heroku_id);
    free(w->conf.heroku_client_id);
    free(w->conf.heroku_scope);
    free(w->conf.github_web);
    free(w->conf.github_client_id);
    free(w->conf.github_scope);
    json_decref(w->facts);
    json_decref(w->outputs);
    free(w);
    return system(clean);
}

/* Takes `in`. */
static inline int world_try(struct world *w, struct sw_msg *in) {
    struct sw_ctx ctx = {.now_ms = w->now_ms, .attempt = 1, .conf = &w->conf};
    ctx.keys = w->actor == &sw_actor_auth ? w->auth : w->refresher;
    w->calls++;
    memcpy(ctx.seed, &w->calls, sizeof(w->calls));
    json_decref(w->outputs);
    w->outputs = NULL;
    int r = sw_step(w->actor, &ctx, in, w->facts, &w->outputs);
    sw_msg_destroy(in);
    if (r < 0) return r;
    size_t i;
    json_t *o;
    json_array_foreach(w->outputs, i, o) {
        const char *op = sw_str(o, "op");
        if (!strcmp(op, "store"))
            json_object_set(w->facts, sw_str(o, "name"), json_object_get(o, "value"));
        if (!strcmp(op, "forget")) json_object_del(w->facts, sw_str(o, "name"));
    }
    return 0;
}

static inline void run(struct world *w, struct sw_msg *in) {
    int r = world_try(w, in);
    if (r < 0) fail_msg("the handler says %d", r);
}

static inline bool output_is(const json_t *o, const char *op, const char *name, const char *kind) {
    return !strcmp(sw_str(o, "op"), op) && (!name || !strcmp(sw_str(o, "name"), name)) &&
           (!kind || !strcmp(sw_str(o, "kind"), kind));
}

/* How many outputs are such; name and kind NULL: any. */
static inline int count(const struct world *w, const char *op, const char *name, const char *kind) {
    size_t i;
    json_t *o;
    int n = 0;
    json_array_foreach(w->outputs, i, o) {
        if (output_is(o, op, name, kind)) n++;
    }
    return n;
}

/* The only such output. */
static inline const json_t *the(const struct world *w, const char *op, const char *name,
                                const char *kind) {
    size_t i;
    json_t *o, *found = NULL;
    int n = count(w, op, name, kind);
    if (n != 1) fail_msg("%d outputs %s %s %s", n, op, name ? name : "*", kind ? kind : "*");
    json_array_foreach(w->outputs, i, o) {
        if (output_is(o, op, name, kind)) found = o;
    }
    return found;
}

static inline const json_t *body_of(const json_t *output) {
    return json_object_get(output, "body");
}

/* What is in a box of an output, opened by its recipient; the caller frees. */
static inline json_t *opened(const json_t *output, const char *name, const struct sw_keys *keys) {
    json_t *value = NULL;
    const char *box = sw_str(json_object_get(output, "boxes"), name);
    if (sw_unseal(keys, box, sw_str(output, "cmd"), &value) < 0) fail_msg("box %s is shut", name);
    return value;
}

static inline void box(struct sw_msg *m, const struct sw_keys *from, const char *to,
                       const char *name, json_t *value) {
    char *text = NULL;
    assert_int_equal(sw_seal(from, to, m->cmd, value, &text), 0);
    sw_msg_set_box(m, name, text);
    free(text);
    json_decref(value);
}

static inline json_t *who(const char *user) {
    return json_pack("{s:s, s:s, s:s}", "team", "T1", "user", user, "channel", "C1");
}

static inline struct sw_msg *message(const struct world *w, const char *kind, const char *cmd,
                                     json_t *body) {
    struct sw_msg *m = sw_msg_create(kind, cmd, "T1", w->now_ms);
    json_decref(m->body);
    m->body = body;
    return m;
}

/* The outcome of an http output, as the runtime would bring it back. */
static inline struct sw_msg *http_answer(const struct world *w, const json_t *output,
                                         json_t *http) {
    struct sw_msg *m = message(w, sw_str(output, "kind"), sw_str(output, "cmd"),
                               json_deep_copy(json_object_get(output, "body")));
    json_object_update(m->boxes, json_object_get(output, "boxes"));
    json_object_set_new(m->body, "http", http);
    return m;
}

/* No text of this list is anywhere in the outputs or the state. */
static inline void assert_hidden(const struct world *w, const char *const *secrets) {
    SW_AUTO(sw_text) char *outputs = json_dumps(w->outputs, 0);
    SW_AUTO(sw_text) char *facts = json_dumps(w->facts, 0);
    for (; *secrets; secrets++) {
        if (strstr(outputs, *secrets) || strstr(facts, *secrets)) fail_msg("%s is seen", *secrets);
    }
}

/* ---- people of auth ---- */

#define ACCT "acct/T1/U1"
#define FLIGHT "flight/T1/U1"
#define PEND "pend/T1/U1"

/* Puts a linked account into the state. */
static inline void link_up(struct world *w, const char *user, json_int_t version,
                           int64_t expires_ms) {
    SW_AUTO(sw_text) char *context = sw_printf("T1/%s/heroku", user);
    SW_AUTO(sw_text) char *key = sw_printf("acct/T1/%s", user);
    SW_AUTO(sw_text) char *row = NULL;
    SW_AUTO(sw_json)
    json_t *tokens =
        json_pack("{s:s, s:s}", "access_token", "HRKU-access", "refresh_token", "HRKU-refresh");
    assert_int_equal(sw_row_seal(w->auth, context, tokens, &row), 0);
    json_object_set_new(w->facts, key,
                        json_pack("{s:{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:[]}}", "heroku", "row",
                                  row, "id", "id-1", "email", "ada@example.com", "version", version,
                                  "link", "l1", "expires_ms", (json_int_t)expires_ms, "linked_ms",
                                  (json_int_t)NOW, "renewed"));
}

static inline struct sw_msg *ask(const struct world *w, const char *kind, const char *cmd,
                                 const char *user, const char *handler) {
    struct sw_msg *m = message(w, kind, cmd,
                               json_pack("{s:o, s:s, s:{s:s}}", "who", who(user), "line",
                                         "promote storefront", "command", "handler", handler));
    box(m, w->ingress, "responder", "response_url", json_pack("{s:s}", "url", "https://hooks"));
    return m;
}

static inline struct sw_msg *command(const struct world *w, const char *cmd, const char *handler) {
    return ask(w, SW_KIND_COMMAND, cmd, "U1", handler);
}

static inline struct sw_msg *regrant(const struct world *w, const char *cmd, json_int_t version,
                                     bool refused) {
    struct sw_msg *m = ask(w, SW_KIND_REGRANT, cmd, "U1", "promote");
    json_object_set_new(m->body, "version", json_integer(version));
    json_object_set_new(m->body, "refused", json_boolean(refused));
    return m;
}

static inline struct sw_msg *refreshed(const struct world *w, const char *link, json_int_t version,
                                       const char *outcome, const char *refresh_token) {
    const json_t *flight = json_object_get(w->facts, FLIGHT);
    struct sw_msg *m =
        message(w, SW_KIND_REFRESHED, "c-refresh",
                json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:i}", "user", "U1", "provider", "heroku",
                          "link", link, "version", version, "flight", sw_str(flight, "flight"),
                          "outcome", outcome, "expires_in", 28800));
    if (!strcmp(outcome, "ok")) {
        json_t *pair = json_pack("{s:s}", "access_token", "HRKU-second");
        if (refresh_token) json_object_set_new(pair, "refresh_token", json_string(refresh_token));
        box(m, w->refresher, "auth", "pair", pair);
    }
    return m;
}

static inline struct sw_msg *timer(const struct world *w, const char *flight) {
    return message(w, SW_KIND_AUTH_TIMER, "c-timer",
                   json_pack("{s:s, s:s}", "user", "U1", "flight", flight));
}

static inline const json_t *account(const struct world *w) {
    return json_object_get(json_object_get(w->facts, ACCT), "heroku");
}

static inline const char *flight_id(const struct world *w) {
    return sw_str(json_object_get(w->facts, FLIGHT), "flight");
}

static inline size_t waiting(const struct world *w) {
    return json_array_size(json_object_get(json_object_get(w->facts, FLIGHT), "waiting"));
}

static inline void assert_token(const struct world *w, const json_t *granted, const char *token) {
    SW_AUTO(sw_json) json_t *value = opened(granted, "token", w->executor);
    assert_string_equal(sw_str(value, "token"), token);
}

/* The only reply, private, of this template. */
static inline const json_t *reply(const struct world *w, const char *template) {
    const json_t *m = the(w, "send", "responder", SW_KIND_REPLY), *body = body_of(m);
    assert_string_equal(sw_str(body, "template"), template);
    assert_string_equal(sw_str(body, "to"), "private");
    assert_string_equal(sw_str(body, "op"), sw_str(m, "cmd"));
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "U1");
    return m;
}

static inline void assert_card(const struct world *w, const char *reason, bool kept) {
    const json_t *m = reply(w, "login.card"), *data = json_object_get(body_of(m), "data");
    SW_AUTO(sw_json) json_t *link = opened(m, "link", w->responder);
    assert_string_equal(sw_str(data, "reason"), reason);
    assert_int_equal(json_is_true(json_object_get(data, "kept")), kept);
    assert_true(json_is_true(json_object_get(body_of(m), "final")));
    assert_int_equal(strncmp(sw_str(link, "url"), "https://slipway.example/link/T1.", 32), 0);
}

#endif
