/* ingress_world.h -- requests as Slack, Heroku, GitHub and browsers make them, for tables through sw_ingress_decide.
 *
 * shapes   ask() decides about w->request; sign() signs it as Slack does, seal() as Heroku
 *          does, seal_github() as GitHub does
 * units    now_ms is 2026 by default
 * errors   none
 * owner    world_down frees; the decision is the world's until the next ask
 * source   actors/ingress.h
 * limits   none
 */
#ifndef SW_TESTS_INGRESS_WORLD_H
#define SW_TESTS_INGRESS_WORLD_H

#include "actors/ingress.h"
#include "actors/pages.h"
#include "common/mem.h"
#include "common/seal.h"
#include "tests/plain_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1795000000000LL
#define NOW_S (NOW / 1000)
#define HOOKS "https://hooks.example"
#define SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define OLD_SECRET "the one before"
#define RANDOM43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-"

struct world {
    char dir[64];
    struct sw_keys *ingress, *auth, *parser, *responder;
    struct sw_conf conf;
    struct sw_ctx ctx;
    struct sw_request request;
    char signature[80], timestamp[32], hmac[64], hub[80];
    const char *wait_id;
    json_t *installations;
    struct sw_decision d;
};

static inline struct sw_keys *world_keys(const struct world *w, const char *role) {
    struct sw_keys *keys = NULL;
    char error[256] = "";
    if (sw_keys_load(w->dir, role, &keys, error, sizeof(error)) < 0) fail_msg("%s", error);
    return keys;
}

static inline void world_request(struct world *w, const char *method, const char *path,
                                 const char *body, size_t size) {
    w->request = plain_request(method, path, body, size);
}

static inline int world_up(void **state) {
    struct world *w = sw_zalloc(sizeof(*w));
    strcpy(w->dir, "/tmp/sw-ingress-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(sw_keys_make(w->dir), 0);
    w->ingress = world_keys(w, "ingress");
    w->auth = world_keys(w, "auth");
    w->parser = world_keys(w, "parser");
    w->responder = world_keys(w, "responder");
    w->conf.hooks = sw_strdup(HOOKS);
    w->conf.slack_secret.current = sw_strdup(SECRET);
    w->conf.webhook_secret.current = sw_strdup("hook secret");
    w->conf.github_webhook_secret.current = sw_strdup("hub secret");
    w->ctx = (struct sw_ctx){.now_ms = NOW, .attempt = 1, .conf = &w->conf, .keys = w->ingress};
    w->ctx.seed[0] = 1;
    w->wait_id = "ipc:///x|1";
    world_request(w, "GET", "/", "", 0);
    *state = w;
    return 0;
}

static inline int world_down(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *clean = sw_printf("rm -rf '%s'", w->dir);
    sw_keys_destroy(w->ingress);
    sw_keys_destroy(w->auth);
    sw_keys_destroy(w->parser);
    sw_keys_destroy(w->responder);
    free(w->conf.hooks);
    free(w->conf.slack_secret.current);
    free(w->conf.slack_secret.previous);
    free(w->conf.webhook_secret.current);
    free(w->conf.webhook_secret.previous);
    free(w->conf.github_webhook_secret.current);
    free(w->conf.github_webhook_secret.previous);
    json_decref(w->installations);
    sw_decision_finish(&w->d);
    free(w);
    return system(clean);
}

static inline void sign(struct world *w, const char *secret, int64_t seconds) {
    uint8_t mac[32];
    SW_AUTO(sw_text) char *base = sw_malloc(w->request.body_size + 40);
    int n = sprintf(base, "v0:%lld:", (long long)seconds);
    memcpy(base + n, w->request.body, w->request.body_size);
    sw_hmac(secret, base, (size_t)n + w->request.body_size, mac);
    strcpy(w->signature, "v0=");
    sw_hex(mac, sizeof(mac), w->signature + 3);
    sprintf(w->timestamp, "%lld", (long long)seconds);
    w->request.slack_signature = w->signature;
    w->request.slack_timestamp = w->timestamp;
}

static inline void seal(struct world *w, const char *secret) {
    uint8_t mac[32];
    sw_hmac(secret, w->request.body, w->request.body_size, mac);
    SW_AUTO(sw_text) char *text = sw_base64(mac, sizeof(mac));
    snprintf(w->hmac, sizeof(w->hmac), "%s", text);
    w->request.heroku_hmac = w->hmac;
}

static inline void seal_github(struct world *w, const char *secret) {
    uint8_t mac[32];
    sw_hmac(secret, w->request.body, w->request.body_size, mac);
    strcpy(w->hub, "sha256=");
    sw_hex(mac, sizeof(mac), w->hub + strlen(w->hub));
    w->request.github_signature = w->hub;
}

static inline const struct sw_decision *ask(struct world *w) {
    sw_decision_finish(&w->d);
    sw_ingress_decide(&w->ctx, &w->request, w->wait_id, w->installations, &w->d);
    return &w->d;
}

/* A command as Slack sends it, signed now. */
static inline const struct sw_decision *slash(struct world *w, const char *form) {
    world_request(w, "POST", "/slack/commands", form, strlen(form));
    sign(w, SECRET, NOW_S);
    return ask(w);
}

static inline void assert_refused(const struct sw_decision *d, int status, const char *reason) {
    assert_int_equal(d->appends, 0);
    assert_int_equal(d->reply.status, status);
    assert_non_null(d->refused);
    assert_string_equal(d->refused, reason);
}

/* Of a webhook two installations are told the same (takes `body`), each once; its sender tries again unless all of it is kept. */
static inline void assert_both_told(const struct sw_decision *d, const char *actor,
                                    const char *const insts[2], const char *const keys[2],
                                    json_t *body) {
    assert_string_equal(d->source, "");
    assert_int_equal(d->appends, 2);
    assert_null(d->refused);
    assert_int_equal(d->reply.status, 200);
    assert_int_equal(d->duplicate.status, 200);
    assert_int_equal(d->shed.status, 503);
    assert_int_equal(d->away.status, 503);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(d->append[i].actor, actor);
        assert_string_equal(d->append[i].m->kind, SW_KIND_EVENT);
        assert_string_equal(d->append[i].m->inst, insts[i]);
        assert_string_equal(d->append[i].dedupe, keys[i]);
        assert_int_equal(d->append[i].dedupe_ms, 4 * 24 * 3600 * 1000LL);
        assert_false(d->append[i].counted);
        assert_int_equal(json_object_size(d->append[i].m->boxes), 0);
        assert_true(json_equal(d->append[i].m->body, body));
    }
    assert_string_not_equal(d->append[0].m->cmd, d->append[1].m->cmd);
    json_decref(body);
}

/* What is in a box of the only append, opened as `keys`; the caller frees. */
static inline json_t *opened(const struct world *w, const struct sw_keys *keys, const char *name) {
    const struct sw_msg *m = w->d.append[0].m;
    json_t *value = NULL;
    assert_non_null(sw_msg_box(m, name));
    assert_int_equal(sw_unseal(keys, sw_msg_box(m, name), m->cmd, &value), 0);
    return value;
}

/* "<inst>.<random>.<mac>"; the caller frees. */
static inline char *token(const struct world *w, const char *purpose, const char *inst) {
    char mac[SW_MAC_CHARS + 1];
    SW_AUTO(sw_text) char *text = sw_printf("%s." RANDOM43, inst);
    assert_int_equal(sw_mac(w->ingress, purpose, text, mac), 0);
    return sw_printf("%s.%s", text, mac);
}

#endif
