/* auth_web.c -- what a browser asks for: link, way to a provider, way back; see auth_priv.h.
 *
 * The link page changes nothing, whoever opens it (Slack, a mail scanner); its form proves by
 * cookie and token that a browser showed the page. From there on all is bound to that cookie. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

#define COOKIE "sw_link"
/* The ways to Slack, Heroku and GitHub: each may take its ten minutes. */
#define COOKIE_S (3 * (int)(SW__AUTH_OFFER_MS / 1000))
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define CODE_MAX 1024
#define AGAIN "Type /h login in Slack to get a new link."

/* It stays when the way is done: another card in a second tab may be on its way, too. */
static char *set_cookie(const struct sw__auth *a, const char *value) {
    return sw_cookie_make(a->ctx->conf, COOKIE, value, COOKIE_S);
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
                        "A link works once, in one browser, for ten minutes. " AGAIN);
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

int sw__auth_steps(const struct sw__auth *a, const json_t *who, const struct sw_provider **ret,
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

/* True where the browser is the one that was noted, by the hash of its cookie. */
static bool same_browser(const struct visit *v, const json_t *noted) {
    SW_AUTO(sw_text) char *hash = sw__auth_hash(v->cookie);
    const char *kept = sw_str(noted, "cookie");
    return v->cookie[0] && strlen(kept) == strlen(hash) && sw_bytes_equal(kept, hash, strlen(hash));
}

/* False: the page says what is missing. Without Slack nobody can be linked: it could be anybody. */
static bool is_set_up(const struct sw__auth *a, const struct visit *v,
                      const struct sw_provider *p) {
    if (sw_provider_client(p, a->ctx->conf)[0]) return true;
    SW_AUTO(sw_text)
    char *text = sw_printf("This installation has no client id at %s, so no account can be linked. "
                           "Tell the person who runs it; nothing was changed.",
                           p->label);
    sw__auth_page_error(a, v->wait, 503, "Not set up yet", text);
    return false;
}

struct shown { /* a link, as a browser shows it */
    char *key, *random;
    const json_t *link;
    const struct sw_provider *first; /* after Slack */
    json_t *names;
};

static void shown_finish(struct shown *s) {
    free(s->key);
    free(s->random);
    json_decref(s->names);
}

/* *ret is false where the page has said why it cannot be. Once its button was pressed, a link is for
 * that browser alone: a second click and the way back by the browser's button find it still there. */
static int look_up(struct sw__auth *a, const struct visit *v, struct shown *s, bool *ret) {
    *ret = false;
    int r = sw__auth_offer(a, "link", v->token, &s->key, &s->random, &s->link);
    if (r < 0) return r;
    if (!s->link || (json_object_get(s->link, "cookie") && !same_browser(v, s->link))) {
        gone(a, v);
        return 0;
    }
    r = sw__auth_steps(a, json_object_get(s->link, "who"), &s->first, &s->names);
    if (r < 0) return r;
    *ret = is_set_up(a, v, SW_SLACK) && is_set_up(a, v, s->first);
    return 0;
}

static int show(struct sw__auth *a, const struct visit *v, const struct shown *s) {
    char csrf[SW_MAC_CHARS + 1];
    /* A browser that has one keeps it: another card in a second tab must not break the first. */
    bool kept = strlen(v->cookie) == SW_MAC_CHARS && strspn(v->cookie, BASE64URL) == SW_MAC_CHARS;
    SW_AUTO(sw_text) char *cookie = kept ? sw_strdup(v->cookie) : sw__auth_random(a, "cookie");
    SW_AUTO(sw_text) char *text = csrf_text(s->random, cookie);
    int r = sw_mac(a->ctx->keys, "csrf", text, csrf);
    if (r < 0) return r;
    sw__auth_page(a, v->wait, 200, sw_page_link(s->names, csrf), set_cookie(a, cookie));
    return 0;
}

static int start(struct sw__auth *a, const struct visit *v, const struct shown *s) {
    SW_AUTO(sw_text) char *text = csrf_text(s->random, v->cookie);
    if (!v->cookie[0] || !sw_mac_valid(a->ctx->keys, "csrf", text, sw_str(v->form, "csrf"))) {
        other_browser(a, v);
        return 0;
    }
    SW_AUTO(sw_text) char *cookie = sw__auth_hash(v->cookie);
    SW_AUTO(sw_text) char *cookie_text = set_cookie(a, v->cookie);
    const struct sw__way way = {.p = SW_SLACK,
                                .wait = v->wait,
                                .who = json_object_get(s->link, "who"),
                                .cookie = cookie,
                                .link = s->key};
    json_t *taken = json_copy((json_t *)s->link);
    json_object_set_new(taken, "cookie", json_string(cookie));
    sw_store(a->out, s->key, taken,
             sw_int(s->link, "created_ms") + SW__AUTH_OFFER_MS - a->ctx->now_ms);
    return sw__auth_go(a, &way, cookie_text);
}

/* Reading changes nothing; the button starts the way. */
static int link_page(struct sw__auth *a, const struct visit *v, bool pressed) {
    struct shown s = {0};
    bool usable;
    int r = look_up(a, v, &s, &usable);
    if (r >= 0 && usable) r = pressed ? start(a, v, &s) : show(a, v, &s);
    shown_finish(&s);
    return r;
}

static int exchange(struct sw__auth *a, const struct visit *v, const struct sw_provider *p,
                    const char *key, const json_t *state, const char *code) {
    SW_AUTO(sw_json) json_t *secret = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    const struct sw__way way = {.p = p,
                                .wait = v->wait,
                                .who = json_object_get(state, "who"),
                                .cookie = sw_str(state, "cookie"),
                                .link = sw_str(state, "link")};
    int r = sw_unseal(a->ctx->keys, sw_str(state, "verifier"), key, &secret);
    if (r < 0) return r;
    if (!sw__auth_is_of(secret, &way)) return -EBADMSG;
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
        SW_AUTO(sw_text) char *what = sw__auth_not_linked(p);
        text = sw_printf("%s. If you change your mind, type /h login in Slack.", what);
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

/* Whose callback a path is; NULL: nobody's. */
static const struct sw_provider *whose(const char *path) {
    if (!strcmp(path, SW_SLACK->callback)) return SW_SLACK;
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        if (!strcmp(path, p->callback)) return p;
    }
    return NULL;
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
                      .cookie =
                          sw_cookie_find(a->ctx->conf, json_object_get(web, "cookies"), COOKIE)};
    const bool get = !strcmp(method, "GET"), post = !strcmp(method, "POST");
    const struct sw_provider *back = whose(path);
    v.token = token_of(path, v.query);
    if (v.token && (get || post)) return link_page(a, &v, post);
    if (back && get) return callback(a, &v, back);
    if (v.token || back) {
        sw__auth_page_error(a, v.wait, 405, "That is not how this page is used", AGAIN);
    } else {
        sw__auth_page_error(a, v.wait, 404, "No such page", AGAIN);
    }
    return 0;
}
