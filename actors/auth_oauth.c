/* auth_oauth.c -- the code becomes tokens, the tokens an account; see auth_priv.h.
 *
 * exchange: POST /oauth/token, its answer sealed; then account: GET /account, to know whose they
 * are. The browser waits until both are there. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

#define TRIES 2 /* one call, and one repeat where its outcome is unknown */
#define FIELD_MAX 320
#define AGAIN "Nothing was linked. Type /h login in Slack to try again."

static json_t *body_of(const char *step, const char *wait, const json_t *who, int tries) {
    return json_pack("{s:s, s:s, s:O?, s:i}", "step", step, "wait", wait, "who", who, "tries",
                     tries);
}

void sw__auth_exchange(const struct sw__auth *a, const char *wait, const json_t *who,
                       const char *box, int tries) {
    SW_AUTO(sw_text) char *back = sw__auth_url(a, SW_PATH_CALLBACK);
    json_t *request = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s}, s:s}, s:[s, s, s, s, s], "
        "s:s, s:b}",
        "up", "heroku_id", "method", "POST", "path", "/oauth/token", "form", "grant_type",
        "authorization_code", "code", "$box", box, "field", "code", "code_verifier", "$box", box,
        "field", "code_verifier", "client_secret", "$conf", "heroku_secret", "redirect_uri", back,
        "fields", "access_token", "refresh_token", "expires_in", "user_id", "token_type", "repeat",
        "once", "seal", 1);
    struct sw_msg *m =
        sw_http(a->out, request, SW_KIND_AUTH_HTTP, body_of("exchange", wait, who, tries));
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "oauth", box);
}

static void ask_account(const struct sw__auth *a, const json_t *tokens, const char *box) {
    const json_t *body = a->in->body;
    json_t *request = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:[s, s], s:s}", "up", "heroku",
                                "method", "GET", "path", "/account", "bearer", "$box", box, "field",
                                "access_token", "fields", "id", "email", "repeat", "safe");
    struct sw_msg *m =
        sw_http(a->out, request, SW_KIND_AUTH_HTTP,
                body_of("account", sw_str(body, "wait"), json_object_get(body, "who"), 1));
    json_object_set_new(m->body, "expires_in", json_integer(sw_int(tokens, "expires_in")));
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "tokens", box);
}

static bool succeeded(const json_t *http) {
    return !sw_str(http, "error")[0] && sw_int(http, "status") >= 200 &&
           sw_int(http, "status") < 300;
}

/* Heroku said no, or nothing that can be used. */
static void page_of_failure(const struct sw__auth *a, const json_t *http) {
    const char *wait = sw_str(a->in->body, "wait");
    const json_int_t status = sw_int(http, "status");
    if (!sw_str(http, "error")[0] && status >= 400 && status < 500 && status != 429) {
        sw__auth_page_error(a, wait, 502, "Heroku did not accept this sign-in", AGAIN);
    } else {
        sw__auth_page_error(a, wait, 502, "Heroku cannot be reached right now", AGAIN);
    }
}

static int on_exchange(struct sw__auth *a, const json_t *http) {
    SW_AUTO(sw_json) json_t *answer = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    const json_t *body = a->in->body;
    const char *error = sw_str(http, "error"), *oauth = sw_msg_box(a->in, "oauth");
    if (oauth && (!strcmp(error, "unsure") || !strcmp(error, "timeout")) &&
        sw_int(body, "tries") < TRIES) {
        sw__auth_exchange(a, sw_str(body, "wait"), json_object_get(body, "who"), oauth,
                          (int)sw_int(body, "tries") + 1);
        return 0;
    }
    int r = sw_open(a->ctx, a->in, "answer", &answer);
    if (r < 0 && r != -ENOENT) return r;
    const char *access = sw_str(answer, "access_token"), *refresh = sw_str(answer, "refresh_token");
    if (!succeeded(http) || !access[0] || !refresh[0] || strlen(access) > SW__AUTH_TOKEN_MAX ||
        strlen(refresh) > SW__AUTH_TOKEN_MAX) {
        page_of_failure(a, http);
        return 0;
    }
    SW_AUTO(sw_json)
    json_t *tokens = json_pack("{s:s, s:s}", "access_token", access, "refresh_token", refresh);
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, tokens, &box);
    if (r < 0) return r;
    ask_account(a, answer, box);
    return 0;
}

/* A new account for this person, or another one in the old one's place. */
static int link_account(const struct sw__auth *a, const char *user, const json_t *identity,
                        const json_t *tokens, json_t **ret) {
    SW_AUTO(sw_json) json_t *account = NULL;
    const json_t *old;
    uint8_t random[16];
    char link[33];
    int r = sw__auth_account(a, user, &old);
    if (r < 0) return r;
    sw_derive(a->ctx->seed, "account", random, sizeof(random));
    sw_hex(random, sizeof(random), link);
    account = json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", sw_str(identity, "id"), "email",
                        sw_str(identity, "email"), "link", link, "linked_ms",
                        (json_int_t)a->ctx->now_ms, "version", sw_int(old, "version"));
    r = sw__auth_issue(a, user, account, tokens, sw_int(a->in->body, "expires_in"));
    if (r < 0) return r;
    *ret = sw_take(&account);
    return 0;
}

static int on_account(struct sw__auth *a, const json_t *http) {
    SW_AUTO(sw_json) json_t *tokens = NULL, *account = NULL;
    const json_t *body = a->in->body, *who = json_object_get(body, "who");
    const json_t *identity = json_object_get(http, "json");
    const char *user = sw_str(who, "user"), *email = sw_str(identity, "email");
    int resumed;
    if (!succeeded(http) || !email[0] || strlen(email) > FIELD_MAX || !sw_str(identity, "id")[0] ||
        strlen(sw_str(identity, "id")) > FIELD_MAX) {
        page_of_failure(a, http);
        return 0;
    }
    int r = sw_open(a->ctx, a->in, "tokens", &tokens);
    if (r < 0) return r;
    r = link_account(a, user, identity, tokens, &account);
    if (r < 0) return r;
    sw__auth_page(a, sw_str(body, "wait"), 200, sw_page_done(who, email), sw__auth_cookie(a, ""));
    struct sw_msg *done = sw__auth_reply(a, a->in, "login.done", json_object(), true);
    r = sw__auth_land(a, user, account, "");
    if (r < 0) return r;
    r = sw__auth_resume(a, user, account, tokens, &resumed);
    if (r < 0) return r;
    json_t *data = json_object_get(done->body, "data");
    json_object_set_new(data, "email", json_string(email));
    json_object_set_new(data, "resumed", json_integer(resumed));
    sw__auth_save(a, user, account);
    sw__auth_announce(a, user, account);
    return 0;
}

int sw__auth_http(struct sw__auth *a) {
    const json_t *http = json_object_get(a->in->body, "http");
    if (!strcmp(sw_str(a->in->body, "step"), "exchange")) return on_exchange(a, http);
    if (!strcmp(sw_str(a->in->body, "step"), "account")) return on_account(a, http);
    return -EINVAL;
}
