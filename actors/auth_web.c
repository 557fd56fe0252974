/* auth_web.c -- what a browser asks for: link, way to a provider, way back; see auth_priv.h.
 *
 * The link page changes nothing, whoever opens it (Slack, a mail scanner); its form proves by
 * cookie and token that a browser showed the page. From there on all is bound to that cookie. */
#include "actors/auth_priv.h"

#include <string.h>

#define COOKIE "sw_link"
/* The link, the way to Heroku and the one to GitHub: each may take its ten minutes. */
#define COOKIE_S (3 * (int)(SW__AUTH_OFFER_MS / 1000))
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define CODE_MAX 1024
#define AGAIN "Type /h login in Slack to get a new link."

char *sw__auth_cookie(const struct sw__auth *a, const char *value) {
    const char *base = a->ctx->conf->base_url;
    return sw_printf("%s=%s; HttpOnly; SameSite=Lax; Path=/; Max-Age=%d%s", COOKIE, value,
                     value[0] ? COOKIE_S : 0,
                     base && !strncmp(base, "https://", 8) ? "; Secure" : "");
}

void sw__auth_page(const struct sw__auth *a, const char *wait, int status, char *html,
                   char *cookie) {
    json_t *page = json_pack("{s:i, s:s}", "status", status, "html", html);
    if (cookie) json_object_set_new(page, "cookie", json_string(cookie));
    sw_answer(a->out, wait, page);
    free(html);
    free(cookie);
}

void sw__auth_page_error(const struct sw__auth *a, const char *wait, int status, const char *title,
                         const char *text) {
    sw__auth_page(a, wait, status, sw_page_error(title, text), NULL);
}

struct visit { /* one request of a browser */
    const char *wait;
    const json_t *query, *form;
    const char *cookie; /* "" where there is none */
    const char *token;  /* of the path or the query */
};

static void gone(const struct sw__auth *a, const struct visit *v) {
    sw__auth_page_error(a, v->wait, 410, "This link has expired",
                        "A link works once, for ten minutes. " AGAIN);
}

static void other_browser(const struct sw__auth *a, const struct visit *v) {
    sw__auth_page_error(a, v->wait, 403, "This did not start in this browser",
                        "Open the link from Slack and go on in the same browser, with cookies "
                        "allowed. " AGAIN);
}

/* The form's proof: only who got the page and its cookie can know it. */
static char *csrf_text(const char *random, const char *cookie) {
    return sw_printf("%s.%s", random, cookie);
}

/* Where a sign-in leads: to what is missing, in the order of the table; to Heroku where nothing is,
 * for another account there. */
static int steps_of(const struct sw__auth *a, const json_t *who, const struct sw_provider **ret,
                    json_t **ret_names) {
    SW_AUTO(sw_json) json_t *missing = NULL, *names = json_array();
    int r = sw__auth_missing(a, sw_str(who, "user"), &missing);
    if (r < 0) return r;
    *ret = NULL;
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        if (!json_object_get(missing, p->name)) continue;
        if (!*ret) *ret = p;
        json_array_append_new(names, json_string(p->label));
    }
    if (!*ret) {
        *ret = SW_HEROKU;
        json_array_append_new(names, json_string(SW_HEROKU->label));
    }
    *ret_names = sw_take(&names);
    return 0;
}

static int show_link(struct sw__auth *a, const struct visit *v) {
    SW_AUTO(sw_json) json_t *names = NULL;
    const struct sw_provider *first;
    SW_AUTO(sw_text) char *key = NULL, *random = NULL;
    const json_t *link;
    char csrf[SW_MAC_CHARS + 1];
    int r = sw__auth_offer(a, "link", v->token, &key, &random, &link);
    if (r < 0) return r;
    if (!link) {
        gone(a, v);
        return 0;
    }
    const json_t *who = json_object_get(link, "who");
    r = steps_of(a, who, &first, &names);
    if (r < 0) return r;
    /* A browser that has one keeps it: another card in a second tab must not break the first. */
    bool kept = strlen(v->cookie) == SW_MAC_CHARS && strspn(v->cookie, BASE64URL) == SW_MAC_CHARS;
    SW_AUTO(sw_text) char *cookie = kept ? sw_strdup(v->cookie) : sw__auth_random(a, "cookie");
    SW_AUTO(sw_text) char *text = csrf_text(random, cookie);
    r = sw_mac(a->ctx->keys, "csrf", text, csrf);
    if (r < 0) return r;
    sw__auth_page(a, v->wait, 200, sw_page_link(who, names, csrf), sw__auth_cookie(a, cookie));
    return 0;
}

int sw__auth_go(struct sw__auth *a, const struct sw__way *way, const char *set_cookie) {
    SW_AUTO(sw_text) char *random = sw__auth_random(a, "state");
    SW_AUTO(sw_text) char *verifier = sw__auth_random(a, "verifier");
    SW_AUTO(sw_text) char *key = sw__auth_offer_key("state", random);
    SW_AUTO(sw_text) char *token = sw__auth_token(a, "state", random);
    SW_AUTO(sw_text) char *back = sw__auth_url(a, way->p->callback);
    SW_AUTO(sw_text) char *box = NULL;
    SW_AUTO(sw_json) json_t *secret = json_pack("{s:s}", "code_verifier", verifier);
    uint8_t hash[32];
    int r = sw_seal(a->ctx->keys, "auth", key, secret, &box);
    if (r < 0) return r;
    sw_store(a->out, key,
             json_pack("{s:O?, s:s, s:I, s:s, s:s}", "who", way->who, "provider", way->p->name,
                       "created_ms", (json_int_t)a->ctx->now_ms, "cookie", way->cookie, "verifier",
                       box),
             SW__AUTH_OFFER_MS);
    sw_sha256(verifier, strlen(verifier), hash);
    SW_AUTO(sw_text) char *challenge = sw_base64url(hash, sizeof(hash));
    SW_AUTO(sw_text)
    char *location = sw_provider_authorize_url(way->p, a->ctx->conf, token, back, challenge);
    json_t *page = json_pack("{s:i, s:s}", "status", 303, "location", location);
    if (set_cookie) json_object_set_new(page, "cookie", json_string(set_cookie));
    sw_answer(a->out, way->wait, page);
    return 0;
}

static int post_link(struct sw__auth *a, const struct visit *v) {
    SW_AUTO(sw_text) char *key = NULL, *random = NULL;
    SW_AUTO(sw_json) json_t *names = NULL;
    const struct sw_provider *first;
    const json_t *link;
    int r = sw__auth_offer(a, "link", v->token, &key, &random, &link);
    if (r < 0) return r;
    if (!link) {
        gone(a, v);
        return 0;
    }
    SW_AUTO(sw_text) char *text = csrf_text(random, v->cookie);
    if (!v->cookie[0] || !sw_mac_valid(a->ctx->keys, "csrf", text, sw_str(v->form, "csrf"))) {
        other_browser(a, v);
        return 0;
    }
    const json_t *who = json_object_get(link, "who");
    r = steps_of(a, who, &first, &names);
    if (r < 0) return r;
    if (!sw_provider_client(first, a->ctx->conf)[0]) {
        SW_AUTO(sw_text)
        char *said = sw_printf("This installation has no OAuth client at %s. Tell the person who "
                               "runs it; nothing was changed.",
                               first->label);
        sw__auth_page_error(a, v->wait, 503, "Not set up yet", said);
        return 0;
    }
    /* The link is used up; what comes back is awaited under the state's name. */
    SW_AUTO(sw_text) char *cookie = sw__auth_hash(v->cookie);
    SW_AUTO(sw_text) char *set_cookie = sw__auth_cookie(a, v->cookie);
    const struct sw__way way = {.p = first, .wait = v->wait, .who = who, .cookie = cookie};
    sw_forget(a->out, key);
    return sw__auth_go(a, &way, set_cookie);
}

/* True where the browser that comes back is the one that was sent. */
static bool same_browser(const struct visit *v, const json_t *state) {
    SW_AUTO(sw_text) char *hash = sw__auth_hash(v->cookie);
    const char *kept = sw_str(state, "cookie");
    return v->cookie[0] && strlen(kept) == strlen(hash) && sw_bytes_equal(kept, hash, strlen(hash));
}

static int exchange(struct sw__auth *a, const struct visit *v, const struct sw_provider *p,
                    const char *key, const json_t *state, const char *code) {
    SW_AUTO(sw_json) json_t *secret = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    const struct sw__way way = {.p = p,
                                .wait = v->wait,
                                .who = json_object_get(state, "who"),
                                .cookie = sw_str(state, "cookie")};
    int r = sw_unseal(a->ctx->keys, sw_str(state, "verifier"), key, &secret);
    if (r < 0) return r;
    json_object_set_new(secret, "code", json_string(code));
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, secret, &box);
    if (r < 0) return r;
    sw__auth_exchange(a, &way, box, 1);
    return 0;
}

/* The provider sent the browser back with an error, or with nothing. */
static void page_of_error(const struct sw__auth *a, const struct visit *v,
                          const struct sw_provider *p, const char *error) {
    SW_AUTO(sw_text) char *title = NULL, *text = NULL;
    int status = 502;
    if (!strcmp(error, "access_denied")) {
        status = 403;
        title = sw_strdup("You did not allow it");
        text = sw_printf("%s was not linked. If you change your mind, type /h login in Slack.",
                         p->label);
    } else if (error[0]) {
        title = sw_printf("%s did not sign you in", p->label);
        text = sw_strdup("It answered with an error. " AGAIN);
    } else {
        status = 400;
        title = sw_strdup("Something is missing");
        text = sw_printf("This page must be opened by %s. " AGAIN, p->label);
    }
    sw__auth_page_error(a, v->wait, status, title, text);
}

/* RFC 9207: what one service gave out came back as another's, so that its code would go to the wrong one. */
static void other_issuer(const struct sw__auth *a, const struct visit *v,
                         const struct sw_provider *p) {
    SW_AUTO(sw_text)
    char *text = sw_printf("This page is for answers of %s, and that was none. Nothing was linked "
                           "by it. " AGAIN,
                           p->label);
    sw__auth_page_error(a, v->wait, 403, "This answer came from somewhere else", text);
}

/* `p` is whose path of ours was asked for: what one provider sends must not be taken for the other. */
static int callback(struct sw__auth *a, const struct visit *v, const struct sw_provider *p) {
    SW_AUTO(sw_text) char *key = NULL, *random = NULL;
    const char *code = sw_str(v->query, "code"), *error = sw_str(v->query, "error");
    const json_t *state;
    int r = sw__auth_offer(a, "state", sw_str(v->query, "state"), &key, &random, &state);
    if (r < 0) return r;
    if (!state || sw_provider(sw_str(state, "provider")) != p) {
        sw__auth_page_error(a, v->wait, 410, "This sign-in is over",
                            "It was finished already, or took longer than ten minutes. Slack "
                            "shows whether your account is linked: type /h login.");
        return 0;
    }
    if (!same_browser(v, state)) {
        other_browser(a, v);
        return 0;
    }
    /* Not what is waited for, so the state stays. */
    if (json_object_get(v->query, "iss") &&
        !sw_provider_is_issuer(p, a->ctx->conf, sw_str(v->query, "iss"))) {
        other_issuer(a, v, p);
        return 0;
    }
    sw_forget(a->out, key);
    if (!error[0] && code[0] && strlen(code) <= CODE_MAX)
        return exchange(a, v, p, key, state, code);
    page_of_error(a, v, p, error);
    return 0;
}

/* "/link/<token>", or "/link" with the token in the query; NULL: another page. */
static const char *token_of(const char *path, const json_t *query) {
    const size_t size = strlen(SW_PATH_LINK);
    if (strncmp(path, SW_PATH_LINK, size) != 0) return NULL;
    if (path[size] == '/') return path + size + 1;
    return path[size] ? NULL : sw_str(query, "token");
}

int sw__auth_web(struct sw__auth *a) {
    SW_AUTO(sw_json) json_t *web = NULL;
    const json_t *body = a->in->body;
    const char *path = sw_str(body, "path"), *method = sw_str(body, "method");
    int r = sw_open(a->ctx, a->in, "web", &web);
    if (r < 0) return r;
    struct visit v = {.wait = sw_str(body, "wait"),
                      .query = json_object_get(web, "query"),
                      .form = json_object_get(web, "form"),
                      .cookie = sw_str(json_object_get(web, "cookies"), COOKIE)};
    const bool get = !strcmp(method, "GET"), post = !strcmp(method, "POST");
    const struct sw_provider *back = sw_providers;
    while (back->name && strcmp(path, back->callback) != 0) {
        back++;
    }
    v.token = token_of(path, v.query);
    if (v.token && get) return show_link(a, &v);
    if (v.token && post) return post_link(a, &v);
    if (back->name && get) return callback(a, &v, back);
    if (v.token || back->name) {
        sw__auth_page_error(a, v.wait, 405, "That is not how this page is used", AGAIN);
    } else {
        sw__auth_page_error(a, v.wait, 404, "No such page", AGAIN);
    }
    return 0;
}
