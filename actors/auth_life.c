/* auth_life.c -- how an account ends, and what is seen to while it lives; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

#define SHARED_MAX 16 /* people of an installation who linked the same account at GitHub */

/* ghid/: whom an event of GitHub about this account concerns. */
static char *sharers_key(const struct sw__auth *a, const char *id) {
    return sw_printf("ghid/%s/%s", a->in->inst, id);
}

int sw__auth_sharers(const struct sw__auth *a, const char *id, const json_t **ret) {
    SW_AUTO(sw_text) char *key = sharers_key(a, id);
    const json_t *kept;
    *ret = NULL;
    int r = sw_fact(a->out, key, &kept);
    if (r == 0) *ret = json_object_get(kept, "users");
    return r;
}

/* Puts a person in or takes them out; the oldest makes room. */
static int share(const struct sw__auth *a, const char *id, const char *user, bool in) {
    SW_AUTO(sw_text) char *key = sharers_key(a, id);
    SW_AUTO(sw_json) json_t *users = json_array();
    const json_t *old;
    json_t *one;
    size_t i;
    int r = sw__auth_sharers(a, id, &old);
    if (r < 0) return r;
    json_array_foreach(old, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), user) != 0)
            json_array_append(users, one);
    }
    if (!in && json_array_size(users) == json_array_size(old)) return 0;
    if (in) json_array_append_new(users, json_string(user));
    if (json_array_size(users) > SHARED_MAX) json_array_remove(users, 0);
    if (json_array_size(users) == 0) {
        sw_forget(a->out, key);
    } else {
        sw_store(a->out, key, json_pack("{s:o}", "users", sw_take(&users)), 0);
    }
    return 0;
}

/* No call is made any more with what executor was given of this account. */
static void tell_executor(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                          const json_t *account) {
    json_t *body = json_pack("{s:s, s:s, s:I}", "user", user, "provider", p->name, "version",
                             sw_int(account, "version"));
    json_object_clear(sw_send(a->out, "executor", SW_KIND_REVOKED, body)->boxes);
}

/* What is told of an account before it is forgotten. */
static int take_leave(struct sw__auth *a, const struct sw_provider *p, const char *user,
                      const json_t *account, const char *reason, json_t **ret_tokens) {
    const bool logout = !strcmp(reason, "logout");
    int r = 0;
    /* A sign-out is one line for all accounts, written where it is asked for. */
    if (!logout)
        sw__auth_audit(a, user, "unlinked",
                       json_pack("{s:s}", p->name, sw_str(account, p->identity)), reason);
    sw_tally(a->out, SW_M_LINKS, 1, p->name, "unlinked");
    if (p == SW_SLACK) return sw__auth_bot_announce(a, NULL);
    tell_executor(a, p, user, account);
    sw__auth_person(a, p, user, account, true);
    if (p == SW_GITHUB) r = share(a, sw_str(account, "id"), user, false);
    if (r < 0) return r;
    /* All other reasons mean that the provider has done so already, or that nothing opens. */
    if (!logout && strcmp(reason, "uninstalled") != 0) return 0;
    if (sw__auth_tokens(a, p, user, account, ret_tokens) == 0) return 0;
    *ret_tokens = NULL;
    return sw__auth_leave(a, p);
}

int sw__auth_unlink(struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const char *reason) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *account;
    int r = sw__auth_stored(a, p, user, &account);
    if (r < 0) return r;
    if (account) r = take_leave(a, p, user, account, reason, &tokens);
    if (r < 0) return r;
    r = sw__auth_forget(a, p, user, strcmp(reason, "logout") != 0 ? reason : NULL);
    if (r < 0) return r;
    if (tokens) r = sw__auth_revoke(a, p, user, tokens);
    if (r < 0) return r;
    r = sw__auth_land(a, p, user, reason);
    if (r < 0) return r;
    sw__auth_announce(a, p, user, NULL);
    return 0;
}

int sw__auth_linked(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *old, const json_t *account) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const char *id = sw_str(account, "id"), *old_id = sw_str(old, "id");
    const bool other = old && strcmp(id, old_id) != 0;
    int r = 0;
    sw_tally(a->out, SW_M_LINKS, 1, p->name, "linked");
    if (other) sw__auth_person(a, p, user, old, true);
    sw__auth_person(a, p, user, account, false);
    if (p == SW_GITHUB) {
        SW_AUTO(sw_text) char *source = sw_printf("%s%s", SW__AUTH_GITHUB_USER, id);
        sw_source(a->out, source);
        r = share(a, id, user, true);
        if (r == 0 && other) r = share(a, old_id, user, false);
        if (r < 0) return r;
    }
    /* At Heroku a new pair of the same person may be of the same authorization. */
    if (!other && (p != SW_GITHUB || !old)) return 0;
    if (sw__auth_tokens(a, p, user, old, &tokens) < 0) return 0;
    bool held;
    r = sw__auth_holds(a, p, user, sw_str(tokens, "access_token"), &held);
    if (r < 0 || held) return r;
    tell_executor(a, p, user, old);
    return sw__auth_revoke(a, p, user, tokens);
}

int sw__auth_readable(struct sw__auth *a, const struct sw_provider *p, const char *user) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *account;
    int r = sw__auth_kept(a, p, user, &account);
    if (r < 0 || !account) return r;
    /* The runtime raises the alarm. Swapped with another's it is dropped; where only its key is not
     * here, nobody can use it, but it may come back. */
    r = sw__auth_tokens(a, p, user, account, &tokens);
    if (r == 0 || r == -ENOKEY) return 0;
    return sw__auth_unlink(a, p, user, "unreadable");
}

int sw__auth_all_readable(struct sw__auth *a, const char *user) {
    int r = 0;
    for (const struct sw_provider *p = sw_providers; r == 0 && p->name; p++) {
        r = sw__auth_readable(a, p, user);
    }
    return r;
}

/* Seals what is under an older key with the current one. */
static int reseal(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t *account) {
    SW_AUTO(sw_json) json_t *tokens = NULL, *copy = NULL;
    if (sw_row_current(a->ctx->keys, sw_str(account, "row"))) return 0;
    int r = sw__auth_tokens(a, p, user, account, &tokens);
    if (r < 0) return r;
    copy = json_deep_copy(account);
    r = sw__auth_seal(a, p, user, copy, tokens);
    return r < 0 ? r : sw__auth_save(a, p, user, copy);
}

/* Ends what has ended, and seals anew what is there; *ret is the account, NULL: none. */
static int tend(struct sw__auth *a, const struct sw_provider *p, const char *user,
                const json_t **ret) {
    const json_t *account;
    const char *ended;
    *ret = NULL;
    int r = sw__auth_look(a, p, user, &account, &ended);
    if (r < 0 || !account) return r;
    if (ended[0] && strcmp(ended, "unreadable") != 0) return sw__auth_unlink(a, p, user, ended);
    r = sw__auth_readable(a, p, user);
    if (r < 0) return r;
    r = sw__auth_account(a, p, user, &account);
    if (r < 0 || !account) return r;
    r = reseal(a, p, user, account);
    return r < 0 ? r : sw__auth_account(a, p, user, ret);
}

int sw__auth_due(struct sw__auth *a) {
    const char *user = sw_str(a->in->body, "user");
    const struct sw_provider *p = sw__auth_about(a->in);
    const json_t *before, *account;
    if (!p) return -EINVAL;
    int r = sw__auth_stored(a, p, user, &before);
    if (r < 0) return r;
    r = tend(a, p, user, &account);
    if (r < 0) return r;
    if (before && !account) return 0; /* refresher heard of it, or asks again in the next window */
    if (account && sw_int(account, "version") == sw_int(a->in->body, "version") &&
        sw_int(account, "expires_ms") && sw__auth_renewable(account))
        return sw__auth_join(a, p, user, account, NULL);
    sw__auth_announce(a, p, user, account); /* also where its timer is of another time */
    return p == SW_SLACK && account ? sw__auth_bot_announce(a, account) : 0;
}

int sw__auth_reseal(struct sw__auth *a) {
    const char *user = sw_str(a->in->body, "user");
    const json_t *account;
    if (!strcmp(user, SW_BOT)) {
        int r = tend(a, SW_SLACK, user, &account);
        return r == 0 && account ? sw__auth_bot_announce(a, account) : r;
    }
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        int r = tend(a, p, user, &account);
        if (r < 0) return r;
    }
    return 0;
}
