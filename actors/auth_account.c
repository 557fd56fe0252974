/* auth_account.c -- what is kept of a person; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

/* Where the provider does not say how long a token lives: soon enough to be safe. */
#define LIFE_UNKNOWN_S 3600
#define LIFE_MAX_S (365 * 24 * 3600)

char *sw__auth_key(const struct sw__auth *a, const char *noun, const char *user) {
    return sw_printf("%s/%s/%s", noun, a->in->inst, user);
}

int sw__auth_account(const struct sw__auth *a, const char *user, const json_t **ret) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "acct", user);
    const json_t *person;
    int r = sw_fact(a->out, key, &person);
    if (r < 0) return r;
    *ret = json_object_get(person, SW__AUTH_PROVIDER);
    return 0;
}

int sw__auth_tokens(const struct sw__auth *a, const char *user, const json_t *account,
                    json_t **ret) {
    SW_AUTO(sw_text) char *context = sw_printf("%s/%s/%s", a->in->inst, user, SW__AUTH_PROVIDER);
    return sw_row_unseal(a->ctx->keys, sw_str(account, "row"), context, ret);
}

int sw__auth_issue(const struct sw__auth *a, const char *user, json_t *account,
                   const json_t *tokens, json_int_t expires_in_s) {
    SW_AUTO(sw_text) char *context = sw_printf("%s/%s/%s", a->in->inst, user, SW__AUTH_PROVIDER);
    SW_AUTO(sw_text) char *row = NULL;
    json_int_t version = sw_int(account, "version") + 1;
    int r = sw_row_seal(a->ctx->keys, context, tokens, &row);
    if (r < 0) return r;
    if (version < a->ctx->now_ms) version = a->ctx->now_ms;
    if (expires_in_s <= 0) expires_in_s = LIFE_UNKNOWN_S;
    if (expires_in_s > LIFE_MAX_S) expires_in_s = LIFE_MAX_S;
    json_object_set_new(account, "row", json_string(row));
    json_object_set_new(account, "version", json_integer(version));
    json_object_set_new(account, "expires_ms", json_integer(a->ctx->now_ms + expires_in_s * 1000));
    json_object_set_new(account, "renewed", json_array());
    return 0;
}

void sw__auth_save(const struct sw__auth *a, const char *user, const json_t *account) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "acct", user);
    json_t *person = json_object();
    json_object_set_new(person, SW__AUTH_PROVIDER, json_deep_copy(account));
    sw_store(a->out, key, person, 0);
}

void sw__auth_announce(const struct sw__auth *a, const char *user, const json_t *account) {
    json_t *body = json_pack("{s:s, s:s, s:I, s:b, s:I}", "user", user, "provider",
                             SW__AUTH_PROVIDER, "version", sw_int(account, "version"), "gone",
                             account == NULL, "expires_ms", sw_int(account, "expires_ms"));
    json_object_clear(sw_send(a->out, "refresher", SW_KIND_ACCOUNT, body)->boxes);
}

int sw__auth_unlink(struct sw__auth *a, const char *user, const char *reason) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "acct", user);
    int r = sw__auth_land(a, user, NULL, reason);
    if (r < 0) return r;
    sw_forget(a->out, key);
    sw__auth_announce(a, user, NULL);
    return 0;
}
