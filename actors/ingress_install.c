/* ingress_install.c -- installing: to Slack and back; see ingress.h.
 *
 * The way to Slack leaves nothing behind here: state and cookie hold all, and a MAC over both says
 * that they are ours and belong together. On the way back the state is good once, for ten minutes.
 * An administrator of an organization starts at Slack and comes without a state: then a form takes
 * its place, so that no page of somebody else's can install for whoever looks at it. */
#include "actors/ingress_priv.h"
#include "actors/pages.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "sw_install"
#define LIFE_MS (10 * 60 * 1000LL)
#define RANDOM_CHARS 43
#define TIME_CHARS_MAX 12
#define TIME_DIGITS "0123456789abcdefghijklmnopqrstuvwxyz"
#define CODE_MAX 1024

/* What a MAC is for: one is never taken for the other. */
#define STATE "install"
#define FORM "install-form"

static bool is_random(const char *text) {
    return strlen(text) == RANDOM_CHARS && strspn(text, SW__TOKEN_CHARS) == RANDOM_CHARS;
}

static char *new_random(const struct sw__ask *ask, const char *label) {
    uint8_t random[32];
    sw_derive(ask->ctx->seed, label, random, sizeof(random));
    return sw_base64url(random, sizeof(random));
}

static char *time36(int64_t ms) {
    char text[16], *at = text + sizeof(text);
    *--at = '\0';
    do {
        *--at = TIME_DIGITS[ms % 36];
        ms /= 36;
    } while (ms > 0);
    return sw_strdup(at);
}

/* A browser that has one keeps it: a second tab must not break the first. */
static char *cookie_of(const struct sw__ask *ask, const json_t *cookies) {
    const char *kept = sw_cookie_find(ask->ctx->conf, cookies, COOKIE);
    return is_random(kept) ? sw_strdup(kept) : new_random(ask, "install/cookie");
}

static char *set_cookie(const struct sw__ask *ask, const char *cookie) {
    return sw_cookie_make(ask->ctx->conf, COOKIE, cookie, (int)(LIFE_MS / 1000));
}

/* "<time>.<what>.<mac>": what is said to be ours, until when; `what` is random, or empty for a form. */
static char *sign(const struct sw__ask *ask, const char *purpose, const char *what,
                  const char *bound_to) {
    char mac[SW_MAC_CHARS + 1];
    SW_AUTO(sw_text) char *at = time36(ask->ctx->now_ms);
    SW_AUTO(sw_text) char *text = sw_printf("%s.%s.%s", at, what, bound_to);
    /* ingress holds the state key, or it would not have started. */
    if (sw_mac(ask->ctx->keys, purpose, text, mac) < 0) abort();
    return sw_printf("%s.%s.%s", at, what, mac);
}

/* -EBADMSG: not ours, or of another browser; -ESTALE: too old. */
static int check(const struct sw__ask *ask, const char *purpose, const char *text, size_t what_size,
                 const char *bound_to) {
    const size_t digits = strspn(text, TIME_DIGITS);
    if (digits < 1 || digits > TIME_CHARS_MAX || !bound_to[0] ||
        strlen(text) != digits + 1 + what_size + 1 + SW_MAC_CHARS || text[digits] != '.' ||
        text[digits + 1 + what_size] != '.')
        return -EBADMSG;
    SW_AUTO(sw_text)
    char *said = sw_printf("%.*s.%s", (int)(digits + 1 + what_size), text, bound_to);
    if (!sw_mac_valid(ask->ctx->keys, purpose, said, text + digits + what_size + 2))
        return -EBADMSG;
    const int64_t age_ms = ask->ctx->now_ms - strtoll(text, NULL, 36);
    return age_ms >= LIFE_MS || age_ms < -LIFE_MS ? -ESTALE : 0;
}

static const char *client_of(const struct sw__ask *ask) {
    const char *client = ask->ctx->conf->slack_client_id;
    return client ? client : "";
}

static void again(struct sw_decision *d, const char *refused, int status, const char *title,
                  const char *text) {
    d->refused = refused;
    d->reply = sw__reply(status, SW__HTML, sw_page_again(title, text));
}

/* True where it says so: without a Slack app there is nothing to install. */
static bool not_set_up(const struct sw__ask *ask, struct sw_decision *d) {
    if (client_of(ask)[0]) return false;
    d->refused = "not_set_up";
    d->reply = sw__page(503, "Not set up yet",
                        "This Slipway does not know its Slack app (SLIPWAY_SLACK_CLIENT_ID). Tell "
                        "the person who runs it; nothing was changed.");
    return true;
}

static void bad_request(struct sw_decision *d) {
    again(d, "bad_form", 400, "This request is not understood",
          "Something in it is missing, too large, or comes twice. Nothing was changed.");
}

void sw__ingress_home(const struct sw__ask *ask, struct sw_decision *d) {
    d->reply = sw__reply(200, SW__HTML, sw_page_home(client_of(ask)[0] != '\0'));
}

void sw__ingress_install(const struct sw__ask *ask, struct sw_decision *d) {
    const struct sw_conf *conf = ask->ctx->conf;
    if (not_set_up(ask, d)) return;
    SW_AUTO(sw_json) json_t *web = sw__web_read(ask->request);
    SW_AUTO(sw_text) char *cookie = cookie_of(ask, json_object_get(web, "cookies"));
    SW_AUTO(sw_text) char *random = new_random(ask, "install/state");
    SW_AUTO(sw_text) char *state = sign(ask, STATE, random, cookie);
    SW_AUTO(sw_text) char *back = sw_public_url(conf, SW_PATH_INSTALL_CALLBACK);
    SW_AUTO(sw_text) char *back_text = sw_url_escape(back);
    SW_AUTO(sw_text) char *client = sw_url_escape(client_of(ask));
    SW_AUTO(sw_text) char *scope = sw_url_escape(conf->slack_scope);
    d->reply.status = 303;
    d->reply.cookie = set_cookie(ask, cookie);
    d->reply.location = sw_printf("%s/oauth/v2/authorize?client_id=%s&scope=%s&user_scope=&"
                                  "redirect_uri=%s&state=%s",
                                  conf->slack_web, client, scope, back_text, state);
}

/* Slack sends a browser back with an error instead of a code. */
static void not_allowed(struct sw_decision *d, const char *error) {
    if (!strcmp(error, "access_denied")) {
        again(d, "denied", 403, "Slipway was not installed",
              "You did not allow it, or Slack did not let you. Nothing was changed.");
    } else {
        again(d, "denied", 502, "Slack did not install Slipway",
              "It answered with an error. Nothing was changed.");
    }
}

static void refuse(struct sw_decision *d, int r) {
    if (r == -ESTALE) {
        again(d, "stale", 410, "This took longer than ten minutes",
              "Nothing was changed. Please start again.");
    } else {
        again(d, "bad_state", 403, "This did not start in this browser",
              "Start here and go on in the same browser, with cookies allowed. Nothing was "
              "changed.");
    }
}

/* To auth, which exchanges the code; `once` names what is good for one request. */
static void exchange(const struct sw__ask *ask, const char *field, const char *code,
                     const char *once, struct sw_decision *d) {
    uint8_t hash[32];
    sw__web_append(ask, SW_INST_INSTALL, SW_PATH_INSTALL_CALLBACK,
                   json_pack("{s:{s:s}}", field, "code", code), d);
    if (d->appends == 0) return;
    struct sw_append *append = &d->append[0];
    sw_sha256(once, strlen(once), hash);
    strcpy(append->dedupe, "install:");
    sw_hex(hash, sizeof(hash), append->dedupe + strlen("install:"));
    append->dedupe_ms = LIFE_MS;
    append->counted = true;
    d->duplicate = sw__reply(410, SW__HTML,
                             sw_page_again("This was done already",
                                           "Slack's answer is good once, and it was used. The "
                                           "page that it gave says whether Slipway is installed."));
}

/* An administrator's way: what Slack sent is shown, and only a click goes on with it. */
static void show_form(const struct sw__ask *ask, const json_t *web, const char *code,
                      struct sw_decision *d) {
    SW_AUTO(sw_text) char *cookie = cookie_of(ask, json_object_get(web, "cookies"));
    SW_AUTO(sw_text) char *bound_to = sw_printf("%s.%s", cookie, code);
    SW_AUTO(sw_text) char *csrf = sign(ask, FORM, "", bound_to);
    d->reply = sw__reply(200, SW__HTML, sw_page_install_form(code, csrf));
    d->reply.cookie = set_cookie(ask, cookie);
}

void sw__ingress_install_callback(const struct sw__ask *ask, struct sw_decision *d) {
    if (not_set_up(ask, d)) return;
    SW_AUTO(sw_json) json_t *web = sw__web_read(ask->request);
    const bool post = !strcmp(ask->request->method, "POST");
    const json_t *sent = json_object_get(web, post ? "form" : "query");
    const char *code = sw_str(sent, "code"), *error = sw_str(sent, "error");
    const char *state = sw_str(sent, "state"), *csrf = sw_str(sent, "csrf");
    const char *cookie = sw_cookie_find(ask->ctx->conf, json_object_get(web, "cookies"), COOKIE);
    int r = 0;
    if (post) {
        SW_AUTO(sw_text) char *bound_to = sw_printf("%s.%s", cookie, code);
        r = check(ask, FORM, csrf, 0, cookie[0] ? bound_to : "");
    } else if (state[0]) {
        r = check(ask, STATE, state, RANDOM_CHARS, cookie);
    }
    if (!web) {
        bad_request(d);
    } else if (r < 0) {
        refuse(d, r);
    } else if (error[0]) {
        not_allowed(d, error);
    } else if (!code[0] || strlen(code) > CODE_MAX) {
        bad_request(d);
    } else if (!post && !state[0]) {
        show_form(ask, web, code, d);
    } else {
        exchange(ask, post ? "form" : "query", code, post ? code : state, d);
    }
}
