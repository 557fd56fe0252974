/* auth_flight.c -- one refresh at a time for a token, and who waits for it; see auth_priv.h.
 *
 * A flight ends by refresher's answer, by its timer, or because the account went away. An answer is
 * taken by link and version, not by flight: a pair that comes late is still the newest one. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

/* Heroku's has the name of a time when there was no other. */
static int flight_of(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                     char **ret_key, const json_t **ret) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "flight", user);
    *ret_key = p == SW_HEROKU ? sw_take(&key) : sw_printf("%s/%s", key, p->name);
    return sw_fact(a->out, *ret_key, ret);
}

/* Of both flights together: a sign-out ends both in one call. */
static int count_waiting(const struct sw__auth *a, const char *user, size_t *ret) {
    *ret = 0;
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        SW_AUTO(sw_text) char *key = NULL;
        const json_t *flight;
        int r = flight_of(a, p, user, &key, &flight);
        if (r < 0) return r;
        *ret += json_array_size(json_object_get(flight, "waiting"));
    }
    return 0;
}

/* The old one may be joined: of this very token, and its timer not long overdue. */
static bool flies(const struct sw__auth *a, const json_t *flight, const json_t *account) {
    return flight && !strcmp(sw_str(flight, "link"), sw_str(account, "link")) &&
           sw_int(flight, "version") == sw_int(account, "version") &&
           sw_int(flight, "started_ms") > a->ctx->now_ms - 2 * SW__AUTH_FLIGHT_MS &&
           sw_int(flight, "started_ms") <=
               a->ctx->now_ms + SW__AUTH_FLIGHT_MS; /* a clock set back */
}

int sw__auth_flying(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *account, bool *ret) {
    SW_AUTO(sw_text) char *key = NULL;
    const json_t *flight;
    int r = flight_of(a, p, user, &key, &flight);
    *ret = r == 0 && flies(a, flight, account);
    return r;
}

/* Asks refresher: at once where somebody waits for it, in the bulk lane where it is merely due. */
static int start(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                 const json_t *account, bool urgent, const char *key, json_t *flight) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    SW_AUTO(sw_text) char *label = sw_printf("flight/%s", p->name);
    SW_AUTO(sw_text) char *id = sw__auth_id(a, label);
    int r = sw__auth_tokens(a, p, user, account, &tokens);
    if (r < 0) return r;
    json_object_set_new(flight, "flight", json_string(id));
    json_object_set_new(flight, "link", json_string(sw_str(account, "link")));
    json_object_set_new(flight, "version", json_integer(sw_int(account, "version")));
    json_object_set_new(flight, "started_ms", json_integer(a->ctx->now_ms));
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:I, s:s}", "user", user, "provider", p->name, "link",
                  sw_str(account, "link"), "version", sw_int(account, "version"), "flight", id);
    struct sw_msg *m = urgent ? sw_send(a->out, "refresher", SW_KIND_REFRESH, body)
                              : sw_send_bulk(a->out, "refresher", SW_KIND_REFRESH, body);
    json_object_clear(m->boxes);
    sw_box(a->ctx, m, "refresher", "refresh_token",
           json_pack("{s:s}", "refresh_token", sw_str(tokens, "refresh_token")));
    m = sw_after(a->out, key, SW__AUTH_FLIGHT_MS, SW_KIND_AUTH_TIMER,
                 json_pack("{s:s, s:s, s:s}", "user", user, "provider", p->name, "flight", id));
    json_object_clear(m->boxes);
    return 0;
}

int sw__auth_join(struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t *account, const struct sw_msg *request) {
    SW_AUTO(sw_text) char *key = NULL;
    SW_AUTO(sw_json) json_t *flight = NULL;
    const json_t *old;
    size_t others;
    int r = flight_of(a, p, user, &key, &old);
    if (r < 0) return r;
    bool new = !flies(a, old, account);
    if (!request && !new) return 0;
    r = count_waiting(a, user, &others);
    if (r < 0) return r;
    const size_t most =
        request && sw__auth_is_quiet(request) ? SW__AUTH_QUIET_MAX : SW__AUTH_WAITING_MAX;
    if (request && (others >= most || !sw__auth_renewable(account))) {
        sw__auth_sorry(a, request, p);
        return 0;
    }
    flight = old ? json_deep_copy(old) : json_object();
    json_t *waiting = json_object_get(flight, "waiting");
    if (!json_is_array(waiting)) {
        waiting = json_array();
        json_object_set_new(flight, "waiting", waiting);
    }
    if (request) json_array_append_new(waiting, sw_msg_to_json(request));
    if (request && json_dumpb(waiting, NULL, 0, JSON_COMPACT) > SW__AUTH_KEPT_BYTES) {
        sw__auth_sorry(a, request, p);
        return 0;
    }
    if (new) r = start(a, p, user, account, strcmp(a->in->kind, SW_KIND_DUE) != 0, key, flight);
    if (r < 0) return r;
    sw_store(a->out, key, sw_take(&flight), 0);
    return 0;
}

/* What else it needs is looked at anew: it may wait for the other token next. */
static int land_one(struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const struct sw_msg *request, const char *reason) {
    const json_t *account;
    int r = sw__auth_account(a, p, user, &account);
    if (r < 0) return r;
    if (!account) return sw__auth_refuse(a, user, request, reason, p);
    if (sw__auth_usable(a, p, request, account)) return sw__auth_serve(a, user, request);
    sw__auth_sorry(a, request, p);
    return 0;
}

int sw__auth_land(struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const char *reason) {
    SW_AUTO(sw_text) char *key = NULL;
    SW_AUTO(sw_json) json_t *waiting = NULL;
    const json_t *flight;
    json_t *kept;
    size_t i;
    int r = flight_of(a, p, user, &key, &flight);
    if (r < 0 || !flight) return r;
    waiting = json_incref(json_object_get(flight, "waiting"));
    sw_forget(a->out, key);
    sw_cancel(a->out, key);
    json_array_foreach(waiting, i, kept) {
        struct sw_msg *request = sw_msg_from_json(kept);
        if (!request) continue;
        r = land_one(a, p, user, request, reason);
        sw_msg_destroy(request);
        if (r < 0) return r;
    }
    return 0;
}

/* A flight ended without a new token: what is left of the old one serves as far as it can. */
static int give_up(struct sw__auth *a, const struct sw_provider *p, const char *user) {
    SW_AUTO(sw_text) char *key = NULL;
    const json_t *flight;
    int r = flight_of(a, p, user, &key, &flight);
    if (r < 0) return r;
    if (!flight || strcmp(sw_str(flight, "flight"), sw_str(a->in->body, "flight")) != 0) return 0;
    return sw__auth_land(a, p, user, "missing");
}

static int take_pair(struct sw__auth *a, const struct sw_provider *p, const char *user,
                     const json_t *account) {
    SW_AUTO(sw_json) json_t *copy = json_deep_copy(account);
    SW_AUTO(sw_json) json_t *pair = NULL, *old = NULL;
    int r = sw_open(a->ctx, a->in, "pair", &pair);
    if (r < 0) return r;
    if (!sw_str(pair, "access_token")[0]) return -EBADMSG;
    if (!sw_str(pair, "refresh_token")[0]) {
        if (sw__auth_tokens(a, p, user, account, &old) < 0)
            return sw__auth_unlink(a, p, user, "unreadable");
        json_object_set(pair, "refresh_token", json_object_get(old, "refresh_token"));
    }
    r = sw__auth_issue(a, p, user, copy, pair, sw_int(a->in->body, "expires_in"));
    if (r < 0) return r;
    r = sw__auth_save(a, p, user, copy);
    if (r < 0) return r;
    sw_tally(a->out, SW_M_TOKEN_AGE_MS, a->ctx->now_ms - sw_int(account, "version"), p->name, NULL);
    r = sw__auth_land(a, p, user, "");
    if (r < 0) return r;
    sw__auth_announce(a, p, user, copy);
    sw__auth_person(a, p, user, copy, false);
    return p == SW_SLACK ? sw__auth_bot_announce(a, copy) : 0;
}

/* A pair that came too late. Of the same link it is left alone: at Heroku both are of one authorization. */
static int take_late(struct sw__auth *a, const struct sw_provider *p, const char *user) {
    SW_AUTO(sw_json) json_t *pair = NULL;
    const json_t *account;
    int r = sw__auth_kept(a, p, user, &account);
    if (r < 0) return r;
    if (account && !strcmp(sw_str(account, "link"), sw_str(a->in->body, "link"))) return 0;
    r = sw_open(a->ctx, a->in, "pair", &pair);
    return r < 0 ? r : sw__auth_revoke(a, p, user, pair);
}

int sw__auth_refreshed(struct sw__auth *a) {
    const json_t *body = a->in->body;
    const char *user = sw_str(body, "user"), *outcome = sw_str(body, "outcome");
    const struct sw_provider *p = sw__auth_about(a->in);
    const bool ok = !strcmp(outcome, "ok");
    const json_t *account;
    if (!p) return -EINVAL;
    /* Also one whose row cannot be read now: the new pair makes it whole. */
    int r = sw__auth_kept(a, p, user, &account);
    if (r < 0) return r;
    /* Else signed out, signed in anew, or refreshed meanwhile: this is of no account. */
    bool same = account && !strcmp(sw_str(account, "link"), sw_str(body, "link")) &&
                sw_int(account, "version") == sw_int(body, "version");
    if (same && ok) return take_pair(a, p, user, account);
    if (same && (!strcmp(outcome, "refused") || !strcmp(outcome, "lost")))
        return sw__auth_unlink(a, p, user, outcome);
    r = ok ? take_late(a, p, user) : 0;
    return r < 0 ? r : give_up(a, p, user);
}

int sw__auth_timer(struct sw__auth *a) {
    const struct sw_provider *p = sw__auth_about(a->in);
    if (!p) return -EINVAL;
    return give_up(a, p, sw_str(a->in->body, "user"));
}
