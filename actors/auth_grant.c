/* auth_grant.c -- what a command needs, and whether it is there: grant, wait, or sign in; see
 * auth_priv.h. */
#include "actors/auth_priv.h"

#include <string.h>

bool sw__auth_is_regrant(const struct sw_msg *request) {
    return !strcmp(request->kind, SW_KIND_REGRANT);
}

const struct sw_provider *sw__auth_about(const struct sw_msg *request) {
    return sw_provider(sw_str(request->body, "provider"));
}

bool sw__auth_is_refusal(const struct sw_msg *request, const struct sw_provider *p) {
    return sw__auth_is_regrant(request) && sw__auth_about(request) == p &&
           json_is_true(json_object_get(request->body, "refused"));
}

bool sw__auth_usable(const struct sw__auth *a, const struct sw_provider *p,
                     const struct sw_msg *request, const json_t *account) {
    const json_int_t expires_ms = sw_int(account, "expires_ms");
    if (sw__auth_is_refusal(request, p) &&
        sw_int(account, "version") <= sw_int(request->body, "version"))
        return false; /* the very token that was not taken */
    return !expires_ms || expires_ms > a->ctx->now_ms + SW__AUTH_SPARE_MS;
}

static bool is(const struct sw_msg *request, const char *handler) {
    return !strcmp(sw_str(json_object_get(request->body, "command"), "handler"), handler);
}

/* Whose token must be fresh. A plan that asks for one token anew has the other one still. */
static bool needs_fresh(const struct sw__auth *a, const struct sw_msg *request,
                        const struct sw_provider *p) {
    if (sw__auth_is_regrant(request)) return sw__auth_about(request) == p;
    if (p == SW_HEROKU || is(request, "deploy")) return true;
    return is(request, "promote") && sw_provider_set_up(p, a->ctx->conf);
}

/* Whether all accounts are there that it needs. */
static int is_ready(const struct sw__auth *a, const char *user, const struct sw_msg *request,
                    bool *ret) {
    *ret = true;
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *account;
        int r = sw__auth_account(a, p, user, &account);
        if (r < 0) return r;
        if (!account && (p == SW_HEROKU || needs_fresh(a, request, p))) *ret = false;
    }
    return 0;
}

/* Notes the command where this answers a refusal: a second one is definite. */
static int note_renewed(const struct sw__auth *a, const char *user, const struct sw_msg *request,
                        const struct sw_provider *p, const json_t *account) {
    SW_AUTO(sw_json) json_t *copy = json_deep_copy(account);
    json_t *renewed = json_object_get(copy, "renewed");
    if (!json_is_array(renewed)) {
        renewed = json_array();
        json_object_set_new(copy, "renewed", renewed);
    }
    if (json_array_size(renewed) >= SW__AUTH_RENEWED_MAX) json_array_remove(renewed, 0);
    json_array_append_new(renewed, json_string(request->cmd));
    return sw__auth_save(a, p, user, copy);
}

/* GitHub goes along wherever it is linked, fresh or not: the plan asks anew when it needs it. */
static int add_github(const struct sw__auth *a, const char *user, struct sw_msg *m) {
    const json_t *account;
    SW_AUTO(sw_json) json_t *tokens = NULL;
    int r = sw__auth_account(a, SW_GITHUB, user, &account);
    if (r < 0 || !account) return r;
    r = sw__auth_tokens(a, SW_GITHUB, user, account, &tokens);
    if (r < 0) return r;
    json_object_set_new(m->body, "github",
                        json_pack("{s:s, s:s, s:I, s:I}", "login", sw_str(account, "login"), "id",
                                  sw_str(account, "id"), "version", sw_int(account, "version"),
                                  "expires_ms", sw_int(account, "expires_ms")));
    sw_box(a->ctx, m, "executor", "github",
           json_pack("{s:s}", "token", sw_str(tokens, "access_token")));
    return 0;
}

static int grant(const struct sw__auth *a, const char *user, const struct sw_msg *request) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *account, *about;
    int r = sw__auth_account(a, SW_HEROKU, user, &account);
    if (r < 0) return r;
    r = sw__auth_tokens(a, SW_HEROKU, user, account, &tokens);
    if (r < 0) return r;
    json_t *body = json_pack(
        "{s:O?, s:s, s:O?, s:{s:s, s:s}, s:{s:I, s:I}, s:b}", "who",
        json_object_get(request->body, "who"), "line", sw_str(request->body, "line"), "command",
        json_object_get(request->body, "command"), "account", "id", sw_str(account, "id"), "email",
        sw_str(account, "email"), "grant", "version", sw_int(account, "version"), "expires_ms",
        sw_int(account, "expires_ms"), "renewal", sw__auth_is_regrant(request));
    struct sw_msg *m = sw_msg_from(request, SW_KIND_GRANTED, body);
    sw_resume(a->out, "executor", m);
    sw_box(a->ctx, m, "executor", "token",
           json_pack("{s:s}", "token", sw_str(tokens, "access_token")));
    r = add_github(a, user, m);
    if (r < 0) return r;
    const struct sw_provider *p = sw__auth_about(request);
    if (!sw__auth_is_refusal(request, p)) return 0;
    r = sw__auth_account(a, p, user, &about);
    return r < 0 ? r : note_renewed(a, user, request, p, about);
}

static bool fresh(const struct sw__auth *a, int64_t born_ms) {
    return born_ms > a->ctx->now_ms - SW__AUTH_OFFER_MS;
}

/* For after the sign-in, which is offered. */
static int keep(struct sw__auth *a, const char *user, const struct sw_msg *request) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "pend", user);
    SW_AUTO(sw_json) json_t *list = json_array();
    const json_t *old;
    json_t *kept;
    size_t i;
    int r = sw_fact(a->out, key, &old);
    if (r < 0) return r;
    json_array_foreach((json_t *)old, i, kept) {
        if (fresh(a, sw_int(kept, "born_ms"))) json_array_append(list, kept);
    }
    bool room = json_array_size(list) < SW__AUTH_PEND_MAX;
    if (room) json_array_append_new(list, sw_msg_to_json(request));
    if (json_dumpb(list, NULL, 0, JSON_COMPACT) > SW__AUTH_KEPT_BYTES) room = false;
    if (room) {
        sw_store(a->out, key, sw_take(&list), SW__AUTH_OFFER_MS);
    }
    return sw__auth_card(a, user, request, "missing", NULL, room);
}

int sw__auth_serve(struct sw__auth *a, const char *user, const struct sw_msg *request) {
    const bool regrant = sw__auth_is_regrant(request);
    bool ready;
    int r = sw__auth_all_readable(a, user);
    if (r < 0) return r;
    if (!regrant && is(request, "deploy") && !sw_provider_set_up(SW_GITHUB, a->ctx->conf)) {
        sw__auth_no_github(a, request);
        return 0;
    }
    r = is_ready(a, user, request, &ready);
    if (r < 0) return r;
    if (!ready && regrant) return sw__auth_refuse(a, user, request, "missing", NULL);
    if (!ready && sw__auth_is_quiet(request)) return sw__auth_quiet_refuse(a, user, request);
    if (!ready) return keep(a, user, request);
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *account;
        if (!needs_fresh(a, request, p)) continue;
        r = sw__auth_account(a, p, user, &account);
        if (r < 0) return r;
        if (!sw__auth_usable(a, p, request, account))
            return sw__auth_join(a, p, user, account, request);
    }
    return grant(a, user, request);
}

int sw__auth_resume(struct sw__auth *a, const char *user, int *ret_count) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "pend", user);
    SW_AUTO(sw_json) json_t *rest = json_array(), *list = NULL;
    const json_t *old;
    json_t *kept;
    size_t i;
    *ret_count = 0;
    int r = sw_fact(a->out, key, &old);
    if (r < 0 || !old) return r;
    list = json_incref((json_t *)old);
    sw_forget(a->out, key); /* what is served may be kept once more */
    json_array_foreach(list, i, kept) {
        struct sw_msg *request = sw_msg_from_json(kept);
        bool ready = false;
        if (request && fresh(a, request->born_ms)) {
            r = is_ready(a, user, request, &ready);
            if (r >= 0 && !ready) json_array_append(rest, kept);
            if (r >= 0 && ready) r = sw__auth_serve(a, user, request);
            if (r >= 0 && ready) ++*ret_count;
        }
        sw_msg_destroy(request);
        if (r < 0) return r;
    }
    if (json_array_size(rest) == 0) return 0;
    r = sw_fact(a->out, key, &old);
    if (r < 0) return r;
    if (old) json_array_extend(rest, (json_t *)old);
    sw_store(a->out, key, sw_take(&rest), SW__AUTH_OFFER_MS);
    return 0;
}
