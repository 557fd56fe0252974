/* auth_account.c -- what is kept of a person; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <string.h>

#define LIFE_MAX_S (365 * 24 * 3600)

char *sw__auth_key(const struct sw__auth *a, const char *noun, const char *user) {
    return sw_printf("%s/%s/%s", noun, a->in->inst, user);
}

static int person_of(const struct sw__auth *a, const char *user, const json_t **ret) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "acct", user);
    return sw_fact(a->out, key, ret);
}

/* Documents of a time when there was only Heroku do not say it. */
bool sw__auth_renewable(const json_t *account) {
    return !json_is_false(json_object_get(account, "has_refresh"));
}

int sw__auth_stored(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t **ret) {
    const json_t *person;
    *ret = NULL;
    int r = person_of(a, user, &person);
    if (r == 0) *ret = json_object_get(person, p->name);
    return r;
}

/* "": it may be used; else why not. */
static int ended(const struct sw__auth *a, const json_t *account, const char **ret) {
    const json_int_t expires_ms = sw_int(account, "expires_ms");
    json_int_t gone_ms;
    int r = sw__auth_gone_ms(a, &gone_ms);
    if (r < 0) return r;
    const bool over = expires_ms && expires_ms <= a->ctx->now_ms + SW__AUTH_SPARE_MS;
    *ret = gone_ms && sw_int(account, "linked_ms") <= gone_ms ? "uninstalled"
           : over && !sw__auth_renewable(account)             ? "expired"
           /* Key files of another time must not cost anybody an account: the row is kept. */
           : !sw_row_known(a->ctx->keys, sw_str(account, "row")) ? "unreadable"
                                                                 : "";
    return 0;
}

int sw__auth_look(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t **ret, const char **ret_ended) {
    *ret_ended = "";
    int r = sw__auth_stored(a, p, user, ret);
    return r < 0 || !*ret ? r : ended(a, *ret, ret_ended);
}

int sw__auth_kept(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t **ret) {
    const char *why;
    int r = sw__auth_look(a, p, user, ret, &why);
    if (r < 0 || (why[0] && strcmp(why, "unreadable") != 0)) *ret = NULL;
    return r;
}

int sw__auth_account(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                     const json_t **ret) {
    const char *why;
    int r = sw__auth_look(a, p, user, ret, &why);
    if (r < 0 || why[0]) *ret = NULL;
    return r;
}

void sw__auth_want(const struct sw__auth *a, const char *user) {
    const json_t *person;
    json_int_t gone_ms;
    (void)person_of(a, user, &person); /* only named here; handle asks again */
    (void)sw__auth_gone_ms(a, &gone_ms);
}

int sw__auth_why(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                 const char **ret) {
    const json_t *person, *account;
    int r = sw__auth_look(a, p, user, &account, ret);
    if (r < 0 || account) return r;
    r = person_of(a, user, &person);
    if (r < 0) return r;
    *ret = sw_str(json_object_get(json_object_get(person, "was"), p->name), "reason");
    return 0;
}

static char *context_of(const struct sw__auth *a, const struct sw_provider *p, const char *user) {
    return sw_printf("%s/%s/%s", a->in->inst, user, p->name);
}

int sw__auth_tokens(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *account, json_t **ret) {
    SW_AUTO(sw_text) char *context = context_of(a, p, user);
    return sw_row_unseal(a->ctx->keys, sw_str(account, "row"), context, ret);
}

int sw__auth_holds(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                   const char *token, bool *ret) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *account;
    *ret = false;
    int r = sw__auth_stored(a, p, user, &account);
    if (r < 0 || !account || !token[0]) return r;
    if (sw__auth_tokens(a, p, user, account, &tokens) < 0) return 0; /* it is used by nobody */
    *ret = !strcmp(token, sw_str(tokens, "access_token")) ||
           !strcmp(token, sw_str(tokens, "refresh_token"));
    return 0;
}

int sw__auth_seal(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  json_t *account, const json_t *tokens) {
    SW_AUTO(sw_text) char *context = context_of(a, p, user);
    SW_AUTO(sw_text) char *row = NULL;
    int r = sw_row_seal(a->ctx->keys, context, tokens, &row);
    if (r == 0) json_object_set_new(account, "row", json_string(row));
    return r;
}

int sw__auth_issue(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                   json_t *account, const json_t *tokens, json_int_t expires_in_s) {
    const json_t *person;
    int r = person_of(a, user, &person);
    if (r < 0) return r;
    const json_t *was = json_object_get(json_object_get(person, "was"), p->name);
    json_int_t version = sw_int(account, "version") + 1;
    /* Above all that there were, whatever the clock says: executor calls with no older one. */
    if (version <= sw_int(was, "version")) version = sw_int(was, "version") + 1;
    if (version < a->ctx->now_ms) version = a->ctx->now_ms;
    r = sw__auth_seal(a, p, user, account, tokens);
    if (r < 0) return r;
    if (expires_in_s <= 0) expires_in_s = p->life_s;
    if (expires_in_s > LIFE_MAX_S) expires_in_s = LIFE_MAX_S;
    json_int_t expires_ms = expires_in_s ? a->ctx->now_ms + expires_in_s * 1000 : 0;
    json_object_set_new(account, "version", json_integer(version));
    json_object_set_new(account, "expires_ms", json_integer(expires_ms));
    json_object_set_new(account, "has_refresh",
                        json_boolean(sw_str(tokens, "refresh_token")[0] != '\0'));
    json_object_set_new(account, "renewed", json_array());
    return 0;
}

/* One of `account` and `was`, or none; takes was. */
static int put(const struct sw__auth *a, const struct sw_provider *p, const char *user,
               const json_t *account, json_t *was) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "acct", user);
    SW_AUTO(sw_json) json_t *past = was;
    const json_t *old;
    int r = sw_fact(a->out, key, &old);
    if (r < 0) return r;
    json_t *person = json_is_object(old) ? json_copy((json_t *)old) : json_object();
    json_t *pasts = json_object_get(old, "was");
    pasts = json_is_object(pasts) ? json_copy(pasts) : json_object();
    json_object_del(person, p->name);
    json_object_del(person, "was");
    json_object_del(pasts, p->name);
    if (account) json_object_set_new(person, p->name, json_deep_copy(account));
    if (past) json_object_set(pasts, p->name, past);
    const bool linked = json_object_size(person) > 0;
    if (json_object_size(pasts) > 0) {
        json_object_set_new(person, "was", pasts);
    } else {
        json_decref(pasts);
    }
    if (json_object_size(person) > 0) {
        sw_store(a->out, key, person, linked ? 0 : SW__AUTH_WAS_MS);
    } else {
        json_decref(person);
        sw_forget(a->out, key);
    }
    return 0;
}

int sw__auth_save(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t *account) {
    return put(a, p, user, account, NULL);
}

int sw__auth_forget(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const char *reason) {
    const json_t *account;
    int r = sw__auth_stored(a, p, user, &account);
    if (r < 0) return r;
    json_t *was = NULL;
    if (account && reason)
        was = json_pack("{s:s, s:I, s:I}", "reason", reason, "at_ms", (json_int_t)a->ctx->now_ms,
                        "version", sw_int(account, "version"));
    return put(a, p, user, NULL, was);
}

/* Every account has a timer. Where no other token comes after this one, its end is no reason to hurry. */
void sw__auth_announce(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                       const json_t *account) {
    const json_int_t ends_ms = sw__auth_renewable(account) ? sw_int(account, "expires_ms") : 0;
    const bool first = account && sw_int(account, "linked_ms") == a->ctx->now_ms;
    json_t *body = json_pack("{s:s, s:s, s:I, s:b, s:b, s:I}", "user", user, "provider", p->name,
                             "version", sw_int(account, "version"), "gone", !account, "first",
                             first, "expires_ms", ends_ms);
    json_object_clear(sw_send(a->out, "refresher", SW_KIND_ACCOUNT, body)->boxes);
}

void sw__auth_audit(const struct sw__auth *a, const char *user, const char *task, json_t *accounts,
                    const char *detail) {
    const json_t *who = json_object_get(a->in->body, "who");
    const char *line = sw_str(a->in->body, "line"); /* nothing is typed in a browser */
    json_t *person = json_is_object(who) ? json_deep_copy(who) : json_pack("{s:s}", "user", user);
    json_object_del(person, "name"); /* only pages call people by name */
    json_object_del(person, "team_name");
    sw_audit(a->out, json_pack("{s:o, s:s, s:s, s:b, s:o, s:s, s:s*}", "who", person, "line",
                               line[0] ? line : task, "task", task, "forced", 0, "accounts",
                               accounts, "outcome", "done", "detail", detail));
}

int sw__auth_identities(const struct sw__auth *a, const char *user, bool since, json_t **ret) {
    SW_AUTO(sw_json) json_t *found = json_object();
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *account;
        int r = sw__auth_account(a, p, user, &account);
        if (r < 0) return r;
        if (!account) continue;
        SW_AUTO(sw_text) char *since_key = sw_printf("%s_ms", p->identity);
        if (json_object_size(found) > 0) json_object_set_new(found, "both", json_true());
        json_object_set_new(found, p->identity, json_string(sw_str(account, p->identity)));
        if (since)
            json_object_set_new(found, since_key, json_integer(sw_int(account, "linked_ms")));
    }
    *ret = sw_take(&found);
    return 0;
}

int sw__auth_missing(const struct sw__auth *a, const char *user, json_t **ret) {
    SW_AUTO(sw_json) json_t *found = json_object();
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *account;
        int r = sw__auth_account(a, p, user, &account);
        if (r < 0) return r;
        if (account || !sw_provider_set_up(p, a->ctx->conf)) continue;
        if (json_object_size(found) > 0) json_object_set_new(found, "two", json_true());
        json_object_set_new(found, p->name, json_true());
        json_object_set_new(found, "missing", json_true());
    }
    *ret = sw_take(&found);
    return 0;
}
