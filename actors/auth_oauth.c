/* auth_oauth.c -- to a provider and back: the code becomes tokens, the tokens an account; see
 * auth_priv.h.
 *
 * exchange: POST for tokens, its answer sealed; then account: who they belong to. The browser waits
 * until both are there; after Heroku it is sent on to GitHub where that is missing. With Slack it ends
 * at the exchange (auth_openid.c). */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

#define FIELD_MAX 320

bool sw__auth_is_of(const json_t *secret, const struct sw__way *way) {
    return !strcmp(sw_str(secret, "user"), sw_str(way->who, "user")) &&
           !strcmp(sw_str(secret, "provider"), way->p->name);
}

int sw__auth_go(struct sw__auth *a, const struct sw__way *way, const char *set_cookie) {
    SW_AUTO(sw_text) char *random = sw__auth_random(a, "state");
    SW_AUTO(sw_text) char *verifier = sw__auth_random(a, "verifier");
    SW_AUTO(sw_text) char *key = sw__auth_offer_key("state", random);
    SW_AUTO(sw_text) char *token = sw__auth_token(a, "state", random);
    SW_AUTO(sw_text) char *back = sw_public_url(a->ctx->conf, way->p->callback);
    SW_AUTO(sw_text) char *box = NULL;
    SW_AUTO(sw_json)
    json_t *secret = json_pack("{s:s, s:s, s:s}", "code_verifier", verifier, "user",
                               sw_str(way->who, "user"), "provider", way->p->name);
    uint8_t hash[32];
    int r = sw_seal(a->ctx->keys, "auth", key, secret, &box);
    if (r < 0) return r;
    sw_store(a->out, key,
             json_pack("{s:O?, s:s, s:I, s:s, s:s, s:s*}", "who", way->who, "provider",
                       way->p->name, "created_ms", (json_int_t)a->ctx->now_ms, "cookie",
                       way->cookie, "verifier", box, "link", way->link),
             SW__AUTH_OFFER_MS);
    sw_sha256(verifier, strlen(verifier), hash);
    SW_AUTO(sw_text) char *challenge = sw_base64url(hash, sizeof(hash));
    /* Slack takes no PKCE for signing in; it says the nonce again, which serves the same end. */
    SW_AUTO(sw_text)
    char *location = way->p == SW_SLACK
                         ? sw__auth_openid_url(a, way, token, back, challenge)
                         : sw_provider_authorize_url(way->p, a->ctx->conf, token, back, challenge);
    json_t *page = json_pack("{s:i, s:s}", "status", 303, "location", location);
    if (set_cookie) json_object_set_new(page, "cookie", json_string(set_cookie));
    sw_answer(a->out, way->wait, page);
    return 0;
}

static json_t *body_of(const struct sw__way *way, const char *step, int tries) {
    return json_pack("{s:s, s:s, s:s, s:O?, s:s, s:s*, s:i}", "step", step, "provider",
                     way->p->name, "wait", way->wait, "who", way->who, "cookie", way->cookie,
                     "link", way->link, "tries", tries);
}

static json_t *token_request(const struct sw__auth *a, const struct sw_provider *p, const char *box,
                             const char *back) {
    return sw_provider_token_request(p, a->ctx->conf,
                                     json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:s}",
                                               "grant_type", "authorization_code", "code", "$box",
                                               box, "field", "code", "code_verifier", "$box", box,
                                               "field", "code_verifier", "redirect_uri", back));
}

void sw__auth_exchange(const struct sw__auth *a, const struct sw__way *way, const char *box,
                       int tries) {
    SW_AUTO(sw_text) char *back = sw_public_url(a->ctx->conf, way->p->callback);
    json_t *request = way->p == SW_SLACK ? sw__auth_openid_request(a, box, back)
                                         : token_request(a, way->p, box, back);
    struct sw_msg *m = sw_http(a->out, request, SW_KIND_AUTH_HTTP, body_of(way, "exchange", tries));
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "oauth", box);
}

static void ask_account(const struct sw__auth *a, const struct sw__way *way, const json_t *tokens,
                        const char *box) {
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:[s, s], s:s}", "up", way->p->api, "method",
                  "GET", "path", way->p->identity_path, "bearer", "$box", box, "field",
                  "access_token", "fields", "id", way->p->identity, "repeat", "safe");
    struct sw_msg *m = sw_http(a->out, request, SW_KIND_AUTH_HTTP, body_of(way, "account", 1));
    json_object_set_new(m->body, "expires_in", json_integer(sw_int(tokens, "expires_in")));
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "tokens", box);
}

static bool succeeded(const json_t *http) {
    return !sw_str(http, "error")[0] && sw_int(http, "status") >= 200 &&
           sw_int(http, "status") < 300;
}

char *sw__auth_not_linked(const struct sw_provider *p) {
    return p == SW_SLACK ? sw_strdup("Nothing was linked")
                         : sw_printf("%s was not linked", p->label);
}

/* Typing /h login again would not help. */
static void page_of_settings(const struct sw__auth *a, const struct sw__way *way,
                             const char *wrong) {
    SW_AUTO(sw_text) char *title = sw_printf("This Slipway is not set up for %s", way->p->label);
    SW_AUTO(sw_text) char *what = sw__auth_not_linked(way->p);
    SW_AUTO(sw_text)
    char *text = sw_printf("Its settings and its app at %s do not fit together: %s. %s. Tell the "
                           "person who runs it.",
                           way->p->label, wrong, what);
    sw__auth_page_error(a, way->wait, 502, title, text);
}

/* GitHub and Slack say no with a 200. */
void sw__auth_page_failure(const struct sw__auth *a, const struct sw__way *way, const json_t *http,
                           const json_t *answer) {
    const json_int_t status = sw_int(http, "status");
    const char *wrong = sw_provider_blames_us(way->p, http, answer);
    if (wrong && !strcmp(sw_str(a->in->body, "step"), "exchange")) {
        page_of_settings(a, way, wrong);
        return;
    }
    const bool no = !sw_str(http, "error")[0] && status < 500 && status != 429 &&
                    (status >= 400 || sw_str(answer, "error")[0]);
    SW_AUTO(sw_text)
    char *title = sw_printf(
        no ? "%s did not accept this sign-in" : "%s cannot be reached right now", way->p->label);
    SW_AUTO(sw_text) char *what = sw__auth_not_linked(way->p);
    SW_AUTO(sw_text) char *text = sw_printf("%s. Type /h login in Slack to try again.", what);
    sw__auth_page_error(a, way->wait, 502, title, text);
}

/* Heroku's pair must have its second half; GitHub's may be a token without an end. */
static bool are_tokens(const struct sw_provider *p, const json_t *answer) {
    const char *access = sw_str(answer, "access_token"), *refresh = sw_str(answer, "refresh_token");
    return access[0] && (refresh[0] || p == SW_GITHUB) && strlen(access) <= SW__AUTH_TOKEN_MAX &&
           strlen(refresh) <= SW__AUTH_TOKEN_MAX;
}

static int on_exchange(struct sw__auth *a, const struct sw__way *way, const json_t *http) {
    SW_AUTO(sw_json) json_t *answer = NULL, *secret = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    const json_t *body = a->in->body;
    const char *oauth = sw_msg_box(a->in, "oauth");
    int r = sw_open(a->ctx, a->in, "oauth", &secret);
    if (r < 0) return r;
    if (!sw__auth_is_of(secret, way)) return -EBADMSG;
    if (sw_provider_once_more(http, sw_int(body, "tries"))) {
        sw__auth_exchange(a, way, oauth, (int)sw_int(body, "tries") + 1);
        return 0;
    }
    r = sw_open(a->ctx, a->in, "answer", &answer);
    if (r < 0 && r != -ENOENT) return r;
    if (way->p == SW_SLACK) return sw__auth_openid(a, way, http, answer, secret);
    if (!succeeded(http) || !are_tokens(way->p, answer)) {
        sw__auth_page_failure(a, way, http, answer);
        return 0;
    }
    SW_AUTO(sw_json)
    json_t *tokens =
        json_pack("{s:s, s:O, s:O}", "access_token", sw_str(answer, "access_token"), "user",
                  json_object_get(secret, "user"), "provider", json_object_get(secret, "provider"));
    const char *refresh = sw_str(answer, "refresh_token");
    if (refresh[0]) json_object_set_new(tokens, "refresh_token", json_string(refresh));
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, tokens, &box);
    if (r < 0) return r;
    ask_account(a, way, answer, box);
    return 0;
}

/* {id, email or login} as texts, or NULL: the answer is not one. */
static json_t *identity_of(const struct sw_provider *p, const json_t *http) {
    const json_t *json = json_object_get(http, "json");
    const char *known = sw_str(json, p->identity);
    const json_t *id = json_object_get(json, "id");
    if (!succeeded(http)) return NULL;
    SW_AUTO(sw_text)
    char *text = json_is_integer(id) ? sw_printf("%lld", (long long)json_integer_value(id))
                                     : sw_strdup(sw_str(json, "id"));
    if (!text[0] || strlen(text) > FIELD_MAX || !known[0] || strlen(known) > FIELD_MAX) return NULL;
    return json_pack("{s:s, s:s}", "id", text, p->identity, known);
}

/* A new account for this person, or another one in the old one's place. */
static int link_account(struct sw__auth *a, const struct sw__way *way, const json_t *tokens,
                        json_t *account) {
    const struct sw_provider *p = way->p;
    const char *user = sw_str(way->who, "user");
    const json_t *old;
    SW_AUTO(sw_text) char *link = sw__auth_id(a, "account");
    int r = sw__auth_stored(a, p, user, &old);
    if (r < 0) return r;
    json_object_set_new(account, "link", json_string(link));
    json_object_set_new(account, "linked_ms", json_integer(a->ctx->now_ms));
    json_object_set_new(account, "version", json_integer(sw_int(old, "version")));
    r = sw__auth_issue(a, p, user, account, tokens, sw_int(a->in->body, "expires_in"));
    if (r < 0) return r;
    r = sw__auth_save(a, p, user, account);
    if (r < 0) return r;
    sw__auth_announce(a, p, user, account);
    r = sw__auth_linked(a, p, user, old, account);
    if (r < 0) return r;
    sw__auth_audit(a, user, "login", json_pack("{s:s}", p->name, sw_str(account, p->identity)),
                   NULL);
    return 0;
}

/* On to the next provider, or the end of the way; *ret_next is where it leads. */
static int go_on(struct sw__auth *a, const struct sw__way *way, const char *user,
                 const struct sw_provider **ret_next) {
    SW_AUTO(sw_json) json_t *missing = NULL, *accounts = json_array();
    *ret_next = NULL;
    int r = sw__auth_missing(a, user, &missing);
    if (r < 0) return r;
    /* Calls of a time when there was only Heroku did not take the cookie's hash along. */
    if (way->p == SW_HEROKU && json_object_get(missing, SW_GITHUB->name) && way->cookie[0]) {
        struct sw__way next = *way;
        next.p = *ret_next = SW_GITHUB;
        return sw__auth_go(a, &next, NULL);
    }
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *account;
        r = sw__auth_account(a, p, user, &account);
        if (r < 0) return r;
        if (account)
            json_array_append_new(accounts,
                                  json_pack("[s, s]", p->label, sw_str(account, p->identity)));
    }
    sw__auth_page(a, way->wait, 200, sw_page_done(way->who, accounts, a->ctx->conf->slack_web),
                  NULL);
    return 0;
}

/* A pair of nobody knows whom is of no use, but works; where one is linked already both may be of one authorization. */
static int give_back(const struct sw__auth *a, const struct sw__way *way, const json_t *tokens) {
    const char *user = sw_str(way->who, "user");
    const json_t *old;
    int r = sw__auth_stored(a, way->p, user, &old);
    return r < 0 || old ? r : sw__auth_revoke(a, way->p, user, tokens);
}

static int on_account(struct sw__auth *a, const struct sw__way *way, const json_t *http) {
    SW_AUTO(sw_json) json_t *account = identity_of(way->p, http), *data = NULL, *tokens = NULL;
    const char *user = sw_str(way->who, "user");
    const struct sw_provider *next;
    int resumed;
    int r = sw_open(a->ctx, a->in, "tokens", &tokens);
    if (r < 0) return r;
    if (!sw__auth_is_of(tokens, way)) return -EBADMSG;
    json_object_del(tokens, "user"); /* the row is bound to both */
    json_object_del(tokens, "provider");
    if (!account) {
        sw__auth_page_failure(a, way, http, NULL);
        return give_back(a, way, tokens);
    }
    r = link_account(a, way, tokens, account);
    if (r < 0) return r;
    r = go_on(a, way, user, &next);
    if (r < 0) return r;
    r = sw__auth_identities(a, user, false, &data);
    if (r < 0) return r;
    if (next) json_object_set_new(data, "next", json_string(next->label));
    struct sw_msg *done = sw__auth_reply(a, a->in, "login.done", sw_take(&data), true);
    /* The page says it too: who links before the bot is there hears it only so. */
    json_object_set_new(done->body, "told", json_true());
    r = sw__auth_land(a, way->p, user, "");
    if (r < 0) return r;
    r = sw__auth_resume(a, user, &resumed);
    if (r < 0) return r;
    json_object_set_new(json_object_get(done->body, "data"), "resumed", json_integer(resumed));
    return 0;
}

int sw__auth_http(struct sw__auth *a) {
    const json_t *body = a->in->body, *http = json_object_get(body, "http");
    const struct sw__way way = {.p = sw__auth_about(a->in),
                                .wait = sw_str(body, "wait"),
                                .who = json_object_get(body, "who"),
                                .cookie = sw_str(body, "cookie"),
                                .link = sw_str(body, "link")};
    if (!way.p) return -EINVAL;
    if (!strcmp(sw_str(body, "step"), "exchange")) return on_exchange(a, &way, http);
    if (!strcmp(sw_str(body, "step"), "account")) return on_account(a, &way, http);
    return -EINVAL;
}
