/* auth.c -- who may speak as whom; auth alone writes accounts; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

static int on_command(struct sw__auth *a) {
    const char *user = sw_str(json_object_get(a->in->body, "who"), "user");
    const char *handler = sw_str(json_object_get(a->in->body, "command"), "handler");
    if (!strcmp(handler, "login")) return sw__auth_login(a, user);
    if (!strcmp(handler, "logout")) return sw__auth_logout(a, user);
    if (!strcmp(handler, "whoami")) return sw__auth_whoami(a, user);
    return sw__auth_serve(a, user, a->in);
}

/* The token that was refused is the newest there is: this command was given it because the one
 * before was refused, or there is no way to another. The provider does not want this account any
 * more. */
static bool is_definite(const struct sw_msg *in, const struct sw_provider *p,
                        const json_t *account) {
    const json_int_t version = sw_int(account, "version");
    size_t i;
    json_t *cmd;
    if (!sw__auth_is_refusal(in, p)) return false;
    if (!sw__auth_renewable(account)) return sw_int(in->body, "version") >= version;
    if (sw_int(in->body, "version") != version) return false;
    json_array_foreach(json_object_get(account, "renewed"), i, cmd) {
        if (json_is_string(cmd) && !strcmp(json_string_value(cmd), in->cmd)) return true;
    }
    return false;
}

static int on_regrant(struct sw__auth *a) {
    const char *user = sw_str(json_object_get(a->in->body, "who"), "user");
    const struct sw_provider *p = sw__auth_about(a->in);
    const json_t *account;
    if (!p) return -EINVAL;
    int r = sw__auth_account(a, p, user, &account);
    if (r < 0) return r;
    if (!account || !is_definite(a->in, p, account)) return sw__auth_serve(a, user, a->in);
    r = sw__auth_unlink(a, p, user, "refused");
    if (r < 0) return r;
    return sw__auth_refuse(a, user, a->in, "refused", p);
}

static int on_web(struct sw__auth *a) {
    return sw__auth_is_install(a->in) ? sw__auth_install_web(a) : sw__auth_web(a);
}

static int on_event(struct sw__auth *a) {
    return !strcmp(sw_str(a->in->body, "source"), "slack") ? sw__auth_slack_event(a)
                                                           : sw__auth_github_event(a);
}

static int on_http(struct sw__auth *a) {
    if (sw__auth_is_revocation(a->in)) return sw__auth_revoke_http(a);
    return sw__auth_is_install(a->in) ? sw__auth_install_http(a) : sw__auth_http(a);
}

static int on_timer(struct sw__auth *a) {
    return sw__auth_is_revocation(a->in) ? sw__auth_revoke_timer(a) : sw__auth_timer(a);
}

static const struct {
    const char *kind;
    int (*handle)(struct sw__auth *a);
    bool person; /* is about one, or it is refused; else it may be */
} handlers[] = {
    {SW_KIND_COMMAND, on_command, true},
    {SW_KIND_REGRANT, on_regrant, true},
    {SW_KIND_REFRESHED, sw__auth_refreshed, true},
    {SW_KIND_DUE, sw__auth_due, true},
    {SW_KIND_WEB, on_web, false},
    {SW_KIND_INSTALL, sw__auth_installed, false},
    {SW_KIND_BOT_REFUSED, sw__auth_bot_refused, false},
    {SW_KIND_EVENT, on_event, false},
    {SW_KIND_AUTH_HTTP, on_http, false},
    {SW_KIND_RESEAL, sw__auth_reseal, true},
    {SW_KIND_AUTH_TIMER, on_timer, true},
};

/* Whom a message is about; "" where it does not say, as before a browser has shown it. */
static const char *user_of(const struct sw_msg *in) {
    const json_t *who = json_object_get(in->body, "who");
    return who ? sw_str(who, "user") : sw_str(in->body, "user");
}

/* It becomes part of keys, so it must not hold their separator. */
static bool id_valid(const char *id) {
    const size_t size = strlen(id);
    if (size == 0 || size > 64) return false;
    for (; *id; id++) {
        if (*id == '/' || (unsigned char)*id <= ' ') return false;
    }
    return true;
}

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    struct sw__auth a = {.ctx = ctx, .in = in, .out = out};
    const char *user = user_of(in);
    int r = -ENOTSUP;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(handlers[i].kind, in->kind) != 0) continue;
        if ((handlers[i].person || user[0]) && !id_valid(user)) return -EINVAL;
        r = handlers[i].handle(&a);
    }
    free(a.card);
    return r;
}

/* The account is what nearly every message needs; the rest is asked for where it is. */
static void want(const struct sw_msg *in, struct sw_out *out) {
    const struct sw__auth a = {.in = in, .out = out};
    const char *user = user_of(in);
    if (user[0]) sw__auth_want(&a, user);
}

static const char *const kinds[] = {SW_KIND_COMMAND,     SW_KIND_REGRANT,    SW_KIND_REFRESHED,
                                    SW_KIND_DUE,         SW_KIND_WEB,        SW_KIND_INSTALL,
                                    SW_KIND_BOT_REFUSED, SW_KIND_EVENT,      SW_KIND_RESEAL,
                                    SW_KIND_AUTH_HTTP,   SW_KIND_AUTH_TIMER, NULL};

const struct sw_actor sw_actor_auth = {
    .name = "auth", .kinds = kinds, .want = want, .handle = handle};
