/* ingress_web.c -- the pages of the sign-in, which auth answers; see ingress.h.
 *
 * A token names its installation, and so its shard, under a MAC: what nobody handed out ends here. */
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "actors/pages.h"
#include "common/mem.h"
#include "common/seal.h"

#include <stdio.h>
#include <string.h>

#define QUERY_BYTES 4096
#define COOKIE_BYTES 4096
#define BOX_BYTES 30000 /* seal.h takes 32 KiB */
#define RANDOM_CHARS 43
#define AGAIN_MS 60000 /* longer than Redis is asked for one request */
#define TOKEN_MAX (32 + 1 + RANDOM_CHARS + 1 + SW_MAC_CHARS)

struct token {
    char inst[33], random[RANDOM_CHARS + 1];
};

/* "<installation>.<random>.<mac>" */
static bool read_token(const struct sw__ask *ask, const char *purpose, const char *text,
                       struct token *ret) {
    char signed_part[TOKEN_MAX + 1];
    size_t size = strlen(text);
    if (size > TOKEN_MAX || size <= 1 + RANDOM_CHARS + 1 + SW_MAC_CHARS) return false;
    size_t inst_size = size - 1 - RANDOM_CHARS - 1 - SW_MAC_CHARS;
    const char *random = text + inst_size + 1, *mac = random + RANDOM_CHARS + 1;
    if (!sw_is_slack_id(text, inst_size) || random[-1] != '.' || mac[-1] != '.' ||
        strspn(random, SW__TOKEN_CHARS) != RANDOM_CHARS ||
        strspn(mac, SW__TOKEN_CHARS) != SW_MAC_CHARS)
        return false;
    memcpy(signed_part, text, (size_t)(mac - 1 - text));
    signed_part[mac - 1 - text] = '\0';
    if (!sw_mac_valid(ask->ctx->keys, purpose, signed_part, mac)) return false;
    memcpy(ret->inst, text, inst_size);
    ret->inst[inst_size] = '\0';
    memcpy(ret->random, random, RANDOM_CHARS);
    ret->random[RANDOM_CHARS] = '\0';
    return true;
}

static void bad_link(struct sw_decision *d) {
    d->refused = "bad_link";
    d->reply =
        sw__page(404, "This link does not work",
                 "It is not one that Slipway made, or not all of it was copied. Type /h login "
                 "in Slack to get a new one.");
}

static void bad_form(struct sw_decision *d) {
    d->refused = "bad_form";
    d->reply = sw__page(400, "This request is not understood",
                        "It is too large, or something in it comes twice. Type /h login in Slack "
                        "to start again.");
}

static struct sw_reply away(void) {
    return sw__page(
        503, "Not possible right now",
        "Slipway cannot keep what you ask for, or cannot say that it did. Please try again in a "
        "minute.");
}

/* What was asked for goes on all the same, and may yet come to its end. */
static struct sw_reply late(void) {
    return sw__page(504, "This takes too long",
                    "A service that had to be asked has not answered yet. What you began may still "
                    "be done: look into Slack in a minute, and start again if it was not.");
}

void sw__web_append(const struct sw__ask *ask, const char *inst, const char *path, json_t *web,
                    struct sw_decision *d) {
    char id[SW_COMMAND_CHARS + 1];
    if (!*ask->wait_id) { /* nobody could bring the page back */
        json_decref(web);
        d->refused = "no_wait";
        d->reply = away();
        return;
    }
    if (json_dumpb(web, NULL, 0, JSON_COMPACT) > BOX_BYTES) {
        json_decref(web);
        bad_form(d);
        return;
    }
    sw_command_id(ask->ctx, 0, id);
    struct sw_msg *m = sw_msg_create(SW_KIND_WEB, id, inst, ask->ctx->now_ms);
    json_object_set_new(m->body, "wait", json_string(ask->wait_id));
    json_object_set_new(m->body, "method", json_string(ask->request->method));
    json_object_set_new(m->body, "path", json_string(path));
    sw_box(ask->ctx, m, "auth", "web", web);
    struct sw_append *append = sw__append(d, "auth", m);
    /* Where Redis' answer is lost it is asked again, and what is good once must not seem to come twice. */
    snprintf(append->dedupe, sizeof(append->dedupe), "web:%s", id);
    append->dedupe_ms = AGAIN_MS;
    d->wait = true;
    d->reply = late();
    d->shed = away();
    d->away = away();
}

/* Takes `web`. */
static void take_in(const struct sw__ask *ask, const char *path, const struct token *token,
                    json_t *web, struct sw_decision *d) {
    json_object_set_new(web, "token", json_string(token->random));
    sw__web_append(ask, token->inst, path, web, d);
}

json_t *sw__web_read(const struct sw_request *request) {
    SW_AUTO(sw_json) json_t *query = NULL;
    SW_AUTO(sw_json) json_t *form = NULL;
    SW_AUTO(sw_json) json_t *cookies = NULL;
    if (strlen(request->query) > QUERY_BYTES || strlen(request->cookie) > COOKIE_BYTES ||
        sw_form_parse(request->query, strlen(request->query), &query) < 0 ||
        sw_form_parse(request->body, request->body_size, &form) < 0 ||
        sw_cookies_parse(request->cookie, &cookies) < 0)
        return NULL;
    return json_pack("{s:O, s:O, s:O}", "query", query, "form", form, "cookies", cookies);
}

void sw__ingress_link(const struct sw__ask *ask, struct sw_decision *d) {
    const char *text = ask->request->path + strlen(SW_PATH_LINK "/");
    struct token token;
    if (!read_token(ask, "link", text, &token)) {
        bad_link(d);
        return;
    }
    json_t *web = sw__web_read(ask->request);
    if (!web) {
        bad_form(d);
        return;
    }
    /* The path goes on in clear, so the token leaves it; auth looks for it in the query too. */
    json_object_set_new(json_object_get(web, "query"), "token", json_string(text));
    take_in(ask, SW_PATH_LINK, &token, web, d);
}

void sw__ingress_callback(const struct sw__ask *ask, struct sw_decision *d) {
    struct token token;
    json_t *web = sw__web_read(ask->request);
    if (!web) {
        bad_form(d);
        return;
    }
    if (!read_token(ask, "state", sw_str(json_object_get(web, "query"), "state"), &token)) {
        json_decref(web);
        bad_link(d);
        return;
    }
    take_in(ask, ask->request->path, &token, web, d); /* one of the three, whole */
}
