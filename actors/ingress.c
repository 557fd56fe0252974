/* ingress.c -- which path is asked for, and what all paths share; see ingress.h. */
#include "actors/ingress.h"

#include "actors/ingress_priv.h"
#include "actors/pages.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLACK_BYTES (64 * 1024)
#define HOOK_BYTES (25 * 1024 * 1024) /* the most that GitHub sends */
#define BROWSER_BYTES 4096

static const struct {
    const char *path;
    bool prefix;
    const char *methods; /* joined by a space */
    size_t body_bytes;
    void (*decide)(const struct sw__ask *ask, struct sw_decision *d);
} paths[] = {
    {"/slack/commands", false, "POST", SLACK_BYTES, sw__ingress_slash},
    {"/slack/interactive", false, "POST", SLACK_BYTES, sw__ingress_click},
    {"/slack/events", false, "POST", SLACK_BYTES, sw__ingress_slack_event},
    {"/webhooks/heroku", false, "POST", HOOK_BYTES, sw__ingress_heroku_hook},
    {"/webhooks/github", false, "POST", HOOK_BYTES, sw__ingress_github_hook},
    {SW_PATH_CALLBACK, false, "GET", BROWSER_BYTES, sw__ingress_callback},
    {SW_PATH_CALLBACK_GITHUB, false, "GET", BROWSER_BYTES, sw__ingress_callback},
    {SW_PATH_CALLBACK_SLACK, false, "GET", BROWSER_BYTES, sw__ingress_callback},
    {SW_PATH_LINK "/", true, "GET POST", BROWSER_BYTES, sw__ingress_link},
    {SW_PATH_INSTALL, false, "GET", BROWSER_BYTES, sw__ingress_install},
    {SW_PATH_INSTALL_CALLBACK, false, "GET POST", BROWSER_BYTES, sw__ingress_install_callback},
    {"/", false, "GET HEAD", BROWSER_BYTES, sw__ingress_home},
};

struct sw_reply sw__reply(int status, const char *type, char *body) {
    return (struct sw_reply){.status = status, .type = type, .body = body};
}

void sw__refuse(struct sw_decision *d, int status, const char *reason) {
    d->refused = reason;
    d->reply = sw__reply(status, NULL, sw_printf("%s\n", reason));
}

void sw__refuse_signature(struct sw_decision *d, int r) {
    if (r == -ENOKEY) {
        sw__refuse(d, 503, "no_secret");
    } else {
        sw__refuse(d, 401,
                   r == -ENODATA  ? "no_signature"
                   : r == -ESTALE ? "stale"
                                  : "bad_signature");
    }
}

bool sw__is_from_slack(const struct sw__ask *ask, char ret_signature[SW_SIGNATURE_HEX + 1],
                       struct sw_decision *d) {
    int r = sw_signature_slack(&ask->ctx->conf->slack_secret, ask->ctx->now_ms, ask->request,
                               ret_signature);
    if (r < 0) sw__refuse_signature(d, r);
    return r >= 0;
}

struct sw_reply sw__page(int status, const char *title, const char *text) {
    return sw__reply(status, SW__HTML, sw_page_error(title, text));
}

static void not_found(const struct sw__ask *ask, struct sw_decision *d) {
    (void)ask;
    d->refused = "not_found";
    d->reply = sw__page(404, "No such page", "Type /h login in Slack to get a link that works.");
}

struct sw_append *sw__append(struct sw_decision *d, const char *actor, struct sw_msg *m) {
    struct sw_append *append = sw_decision_add(d);
    append->actor = actor;
    append->m = m;
    return append;
}

/* Is `word` one of the words of `list`? No method is the start of another. */
static bool has_word(const char *list, const char *word) {
    const char *at = strstr(list, word);
    return at && *word && (!at[strlen(word)] || at[strlen(word)] == ' ');
}

void sw_ingress_decide(const struct sw_ctx *ctx, const struct sw_request *request,
                       const char *wait_id, const json_t *installations, struct sw_decision *ret) {
    const struct sw__ask ask = {ctx, request, wait_id, installations};
    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        bool here = paths[i].prefix ? !strncmp(request->path, paths[i].path, strlen(paths[i].path))
                                    : !strcmp(request->path, paths[i].path);
        if (!here) continue;
        if (!has_word(paths[i].methods, request->method)) {
            sw__refuse(ret, 405, "method");
        } else if (request->body_size > paths[i].body_bytes) {
            sw__refuse(ret, 413, "too_large");
        } else {
            paths[i].decide(&ask, ret);
        }
        return;
    }
    not_found(&ask, ret);
}
