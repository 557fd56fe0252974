/* auth.c -- who may speak as whom; auth alone writes accounts; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

static int on_login(struct sw__auth *a, const json_t *account) {
    if (!account) {
        sw__auth_card(a, a->in, "login", false);
        return 0;
    }
    sw__auth_reply(a, a->in, "login.linked", json_pack("{s:s}", "email", sw_str(account, "email")),
                   true);
    return 0;
}

/* Heroku is not told: what is forgotten here runs out there by itself. */
static int on_logout(struct sw__auth *a, const char *user, const json_t *account) {
    SW_AUTO(sw_text) char *pend = sw__auth_key(a, "pend", user);
    SW_AUTO(sw_text) char *email = sw_strdup(sw_str(account, "email"));
    if (account) {
        int r = sw__auth_unlink(a, user, "logout");
        if (r < 0) return r;
    }
    sw_forget(a->out, pend);
    sw__auth_reply(a, a->in, account ? "logout.done" : "logout.none",
                   account ? json_pack("{s:s}", "email", email) : json_object(), true);
    return 0;
}

static int grant_now(struct sw__auth *a, const char *user, const json_t *account) {
    SW_AUTO(sw_json) json_t *tokens = NULL, *copy = json_deep_copy(account);
    int r = sw__auth_tokens(a, user, account, &tokens);
    if (r < 0) return r;
    sw__auth_grant(a, a->in, copy, tokens);
    if (!json_equal(copy, account)) sw__auth_save(a, user, copy);
    return 0;
}

static int on_command(struct sw__auth *a) {
    const char *user = sw_str(json_object_get(a->in->body, "who"), "user");
    const char *handler = sw_str(json_object_get(a->in->body, "command"), "handler");
    const json_t *account;
    int r = sw__auth_account(a, user, &account);
    if (r < 0) return r;
    if (!strcmp(handler, "login")) return on_login(a, account);
    if (!strcmp(handler, "logout")) return on_logout(a, user, account);
    if (!account) return sw__auth_keep(a, a->in, "missing");
    if (sw__auth_usable(a, a->in, account)) return grant_now(a, user, account);
    return sw__auth_join(a, user, account, a->in);
}

/* The token that this command was given because the one before was refused is the newest there is:
 * Heroku does not want this account any more. */
static bool refused_again(const struct sw_msg *in, const json_t *account) {
    size_t i;
    json_t *cmd;
    if (!json_is_true(json_object_get(in->body, "refused")) ||
        sw_int(in->body, "version") != sw_int(account, "version"))
        return false;
    json_array_foreach(json_object_get(account, "renewed"), i, cmd) {
        if (json_is_string(cmd) && !strcmp(json_string_value(cmd), in->cmd)) return true;
    }
    return false;
}

static int on_regrant(struct sw__auth *a) {
    const char *user = sw_str(json_object_get(a->in->body, "who"), "user");
    const json_t *account;
    int r = sw__auth_account(a, user, &account);
    if (r < 0) return r;
    if (account && refused_again(a->in, account)) {
        r = sw__auth_unlink(a, user, "refused");
        if (r < 0) return r;
        sw__auth_refuse(a, a->in, "refused");
        return 0;
    }
    if (!account) {
        sw__auth_refuse(a, a->in, "missing");
        return 0;
    }
    if (sw__auth_usable(a, a->in, account)) return grant_now(a, user, account);
    return sw__auth_join(a, user, account, a->in);
}

static const struct {
    const char *kind;
    int (*handle)(struct sw__auth *a);
} handlers[] = {
    {SW_KIND_COMMAND, on_command},
    {SW_KIND_REGRANT, on_regrant},
    {SW_KIND_REFRESHED, sw__auth_refreshed},
    {SW_KIND_DUE, sw__auth_due},
    {SW_KIND_WEB, sw__auth_web},
    {SW_KIND_AUTH_HTTP, sw__auth_http},
    {SW_KIND_AUTH_TIMER, sw__auth_timer},
};

/* Whom a message is about; NULL where a browser has yet to show it. */
static const char *user_of(const struct sw_msg *in) {
    const json_t *who = json_object_get(in->body, "who");
    if (!strcmp(in->kind, SW_KIND_WEB)) return NULL;
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
    if (user && !id_valid(user)) return -EINVAL;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (!strcmp(handlers[i].kind, in->kind)) r = handlers[i].handle(&a);
    }
    free(a.card);
    return r;
}

/* The account is what nearly every message needs; the rest is asked for where it is. */
static void want(const struct sw_msg *in, struct sw_out *out) {
    const struct sw__auth a = {.in = in, .out = out};
    const char *user = user_of(in);
    const json_t *account;
    if (user) (void)sw__auth_account(&a, user, &account);
}

static const char *const kinds[] = {
    SW_KIND_COMMAND, SW_KIND_REGRANT,   SW_KIND_REFRESHED,  SW_KIND_DUE,
    SW_KIND_WEB,     SW_KIND_AUTH_HTTP, SW_KIND_AUTH_TIMER, NULL};

const struct sw_actor sw_actor_auth = {
    .name = "auth", .kinds = kinds, .want = want, .handle = handle};
