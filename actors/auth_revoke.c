/* auth_revoke.c -- a pair that nobody shall use any more is withdrawn at its provider; see
 * auth_priv.h.
 *
 * GitHub takes a token by its text. At Heroku the authorization that holds the pair is looked for in
 * the person's list, and deleted by its id: "~" would be the key of their own command line. Only this
 * pair: another workspace of the same person has one of its own.
 *
 * What goes on is a message {step: "revoke", at, user, provider, since_ms, tries, pages, renewed} with
 * the pair in a box, an owed call or a timer: `at` is "list", "delete" or "renew" (a pair whose access
 * has run out is refreshed once, to be able to ask at all). */
#include "actors/auth_priv.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PAGES_MAX 10
#define RANGE "id ..; max=50" /* with the longest tokens a page fits into a box */
#define LASTS_MS (24 * 3600 * 1000LL)
#define BACKOFF_MS 4000LL  /* soon: what is withdrawn is a way in until then */
#define BACKOFF_DOUBLES 10 /* about an hour */

bool sw__auth_is_revocation(const struct sw_msg *in) {
    return !strcmp(sw_str(in->body, "step"), "revoke");
}

static json_t *secret_of(const char *box, const char *field) {
    return json_pack("{s:s, s:s}", "$box", box, "field", field);
}

static json_t *from_heroku(const struct sw__auth *a, const char *at, const char *box,
                           const char *path, const char *range) {
    if (!strcmp(at, "renew"))
        return sw_provider_token_request(SW_HEROKU, a->ctx->conf,
                                         json_pack("{s:s, s:o}", "grant_type", "refresh_token",
                                                   "refresh_token",
                                                   secret_of(box, "refresh_token")));
    json_t *request = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "up", SW_HEROKU->api, "method",
                                !strcmp(at, "delete") ? "DELETE" : "GET", "path", path, "bearer",
                                secret_of(box, "access_token"), "repeat", "safe", "seal", 1);
    if (strcmp(at, "delete") != 0) {
        json_object_set_new(request, "headers", json_pack("{s:s}", "Range", range));
        json_object_set_new(
            request, "fields",
            json_pack("[s, s, s]", "id", "access_token.token", "refresh_token.token"));
    }
    return request;
}

static json_t *from_github(const struct sw__auth *a, const char *box) {
    SW_AUTO(sw_text)
    char *client = sw_url_escape(sw_provider_client(SW_GITHUB, a->ctx->conf));
    SW_AUTO(sw_text) char *path = sw_printf("/applications/%s/token", client);
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s}}, s:{s:o}, s:s}", "up", SW_GITHUB->api,
                     "method", "DELETE", "path", path, "basic", "user",
                     sw_provider_client(SW_GITHUB, a->ctx->conf), "password", "$conf",
                     SW_GITHUB->secret, "json", "access_token", secret_of(box, "access_token"),
                     "repeat", "safe");
}

/* The pair, and where a sign-out is answered; nothing else goes along for a day. */
static void carry(const struct sw__auth *a, struct sw_msg *m, const char *box) {
    const char *url = sw_msg_box(a->in, "response_url");
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "pair", box);
    if (url) sw_msg_set_box(m, "response_url", url);
}

/* The next call of a revocation; body is taken. */
static void call(const struct sw__auth *a, const struct sw_provider *p, json_t *body,
                 const char *at, const char *box, const char *path, const char *range) {
    json_object_set_new(body, "at", json_string(at));
    json_t *request = p == SW_GITHUB ? from_github(a, box) : from_heroku(a, at, box, path, range);
    carry(a, sw_http(a->out, request, SW_KIND_AUTH_HTTP, body), box);
}

static void start(const struct sw__auth *a, const struct sw_provider *p, json_t *body,
                  const char *box) {
    json_object_set_new(body, "pages", json_integer(1));
    json_object_set_new(body, "renewed", json_false());
    call(a, p, body, p == SW_GITHUB ? "delete" : "list", box, "/oauth/authorizations", RANGE);
}

int sw__auth_revoke(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *tokens) {
    SW_AUTO(sw_text) char *box = NULL;
    const json_t *who = json_object_get(a->in->body, "who");
    const bool asked =
        !strcmp(a->in->kind, SW_KIND_COMMAND); /* a sign-out, by somebody who reads */
    bool held;
    /* A bot token is the installation itself: that is the workspace's to end. */
    if (p == SW_SLACK) return 0;
    int r = sw__auth_holds(a, p, user, sw_str(tokens, "access_token"), &held);
    if (r < 0 || held) return r;
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, tokens, &box);
    if (r < 0) return r;
    start(a, p,
          json_pack("{s:s, s:s, s:s, s:I, s:i, s:O*, s:s*}", "step", "revoke", "user", user,
                    "provider", p->name, "since_ms", (json_int_t)a->ctx->now_ms, "tries", 0, "who",
                    asked ? who : NULL, "line", asked ? sw_str(a->in->body, "line") : NULL),
          box);
    return 0;
}

static json_t *next_body(const struct sw__auth *a) {
    json_t *body = json_deep_copy(a->in->body);
    json_object_del(body, "http");
    return body;
}

static int done(const struct sw__auth *a, const struct sw_provider *p) {
    sw_tally(a->out, SW_M_LINKS, 1, p->name, "revoked");
    return 0;
}

int sw__auth_leave(const struct sw__auth *a, const struct sw_provider *p) {
    sw_tally(a->out, SW_M_LINKS, 1, p->name, "left");
    /* What is typed is a sign-out; `who` alone may come from a browser. */
    if (!sw_str(a->in->body, "line")[0] || !json_object_get(a->in->body, "who")) return 0;
    sw__auth_reply(a, a->in, "logout.left", json_pack("{s:s, s:b}", "by", p->label, p->name, 1),
                   true);
    return 0;
}

/* The provider is away: again in a while, for a day. */
static int put_off(const struct sw__auth *a, const struct sw_provider *p) {
    const json_t *old = a->in->body;
    const json_int_t tries = sw_int(old, "tries");
    uint32_t random;
    if (sw_int(old, "since_ms") + LASTS_MS <= a->ctx->now_ms) return sw__auth_leave(a, p);
    SW_AUTO(sw_text)
    char *name = sw_printf("revoke/%s/%s/%s", a->in->cmd, sw_str(old, "user"), p->name);
    const int64_t most_ms = BACKOFF_MS << (tries < BACKOFF_DOUBLES ? tries : BACKOFF_DOUBLES);
    sw_derive(a->ctx->seed, "revoke", &random, sizeof(random));
    json_t *body = next_body(a);
    json_object_set_new(body, "tries", json_integer(tries + 1));
    const int64_t delay_ms = most_ms / 2 + random % (most_ms / 2);
    carry(a, sw_after(a->out, name, delay_ms, SW_KIND_AUTH_TIMER, body), sw_msg_box(a->in, "pair"));
    return 0;
}

enum verdict { OK, UNAUTHORIZED, NOT_THERE, REFUSED, AWAY };

static enum verdict verdict_of(const json_t *http) {
    const json_int_t status = sw_int(http, "status");
    if (sw_str(http, "error")[0] || status == 429 || status >= 500) return AWAY;
    if (status >= 200 && status < 300) return OK;
    if (status == 401) return UNAUTHORIZED;
    return status == 404 || status == 410 || status == 422 ? NOT_THERE : REFUSED;
}

static bool is(const json_t *authorization, const char *noun, const json_t *tokens) {
    const char *token = sw_str(json_object_get(authorization, noun), "token");
    return token[0] && (!strcmp(token, sw_str(tokens, "access_token")) ||
                        !strcmp(token, sw_str(tokens, "refresh_token")));
}

static bool is_id(const char *id) {
    size_t size = strlen(id);
    if (size < 8 || size > 64) return false;
    for (; *id; id++) {
        if (!isalnum((unsigned char)*id) && *id != '-') return false;
    }
    return true;
}

/* Whether the account that is linked now lives by this authorization: a new sign-in may have been given the old one. */
static int in_use(const struct sw__auth *a, const char *user, const json_t *authorization,
                  bool *ret) {
    static const char *const nouns[] = {"access_token", "refresh_token"};
    *ret = false;
    for (size_t i = 0; i < 2 && !*ret; i++) {
        const char *token = sw_str(json_object_get(authorization, nouns[i]), "token");
        int r = sw__auth_holds(a, SW_HEROKU, user, token, ret);
        if (r < 0) return r;
    }
    return 0;
}

static int on_list(const struct sw__auth *a, const json_t *http, const char *box) {
    SW_AUTO(sw_json) json_t *list = NULL, *tokens = NULL;
    const json_t *found = NULL;
    json_t *one;
    size_t i;
    bool used;
    int r = sw_open(a->ctx, a->in, "answer", &list);
    if (r < 0) return put_off(a, SW_HEROKU); /* no body, or one that is none */
    r = sw_open(a->ctx, a->in, "pair", &tokens);
    if (r < 0) return r;
    json_array_foreach(list, i, one) {
        if (is(one, "access_token", tokens) || is(one, "refresh_token", tokens)) found = one;
    }
    const char *range = sw_str(http, "next_range");
    const json_int_t pages = sw_int(a->in->body, "pages");
    if (!found && range[0] && pages < PAGES_MAX) {
        json_t *body = next_body(a);
        json_object_set_new(body, "pages", json_integer(pages + 1));
        call(a, SW_HEROKU, body, "list", box, "/oauth/authorizations", range);
        return 0;
    }
    if (!found || !is_id(sw_str(found, "id"))) return sw__auth_leave(a, SW_HEROKU);
    r = in_use(a, sw_str(a->in->body, "user"), found, &used);
    if (r < 0 || used) return r;
    SW_AUTO(sw_text) char *path = sw_printf("/oauth/authorizations/%s", sw_str(found, "id"));
    call(a, SW_HEROKU, next_body(a), "delete", box, path, NULL);
    return 0;
}

/* The access has run out, maybe: one refresh shows whether there is anything left to withdraw. */
static int renew(const struct sw__auth *a, const char *box) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    if (json_is_true(json_object_get(a->in->body, "renewed"))) return sw__auth_leave(a, SW_HEROKU);
    int r = sw_open(a->ctx, a->in, "pair", &tokens);
    if (r < 0) return r;
    if (!sw_str(tokens, "refresh_token")[0]) return done(a, SW_HEROKU);
    call(a, SW_HEROKU, next_body(a), "renew", box, NULL, NULL);
    return 0;
}

static int on_renewed(const struct sw__auth *a, const json_t *http) {
    SW_AUTO(sw_json) json_t *answer = NULL, *tokens = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    int r = sw_open(a->ctx, a->in, "answer", &answer);
    if (r < 0 && r != -ENOENT) return r;
    if (sw_provider_refused(SW_HEROKU, http, answer)) return done(a, SW_HEROKU);
    if (verdict_of(http) != OK || !sw_str(answer, "access_token")[0]) return put_off(a, SW_HEROKU);
    r = sw_open(a->ctx, a->in, "pair", &tokens);
    if (r < 0) return r;
    json_object_set(tokens, "access_token", json_object_get(answer, "access_token"));
    if (sw_str(answer, "refresh_token")[0])
        json_object_set(tokens, "refresh_token", json_object_get(answer, "refresh_token"));
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, tokens, &box);
    if (r < 0) return r;
    json_t *body = next_body(a);
    json_object_set_new(body, "renewed", json_true());
    json_object_set_new(body, "pages", json_integer(1));
    call(a, SW_HEROKU, body, "list", box, "/oauth/authorizations", RANGE);
    return 0;
}

int sw__auth_revoke_http(struct sw__auth *a) {
    const json_t *body = a->in->body, *http = json_object_get(body, "http");
    const struct sw_provider *p = sw__auth_about(a->in);
    const char *at = sw_str(body, "at"), *box = sw_msg_box(a->in, "pair");
    if (!p || !box) return -EINVAL;
    if (!strcmp(at, "renew")) return on_renewed(a, http);
    const enum verdict verdict = verdict_of(http);
    if (verdict == AWAY) return put_off(a, p);
    if (verdict == OK && !strcmp(at, "list")) return on_list(a, http, box);
    if (verdict == OK || (verdict == NOT_THERE && !strcmp(at, "delete"))) return done(a, p);
    if (verdict == UNAUTHORIZED && p == SW_HEROKU) return renew(a, box);
    return sw__auth_leave(a, p);
}

int sw__auth_revoke_timer(struct sw__auth *a) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const struct sw_provider *p = sw__auth_about(a->in);
    const char *box = sw_msg_box(a->in, "pair");
    bool held;
    if (!p || !box) return -EINVAL;
    int r = sw_open(a->ctx, a->in, "pair", &tokens);
    if (r < 0) return r;
    r = sw__auth_holds(a, p, sw_str(a->in->body, "user"), sw_str(tokens, "access_token"), &held);
    if (r < 0 || held) return r;
    start(a, p, next_body(a), box);
    return 0;
}
