/* auth_github.h -- people with an account at GitHub, beside that at Heroku or alone.
 *
 * shapes   as in auth_world.h; "g1" is the link of what link_github made
 * units    *_ms milliseconds
 * errors   as in auth_world.h
 * owner    the caller owns messages until run takes them
 * source   actors/auth_priv.h
 * limits   none
 */
#ifndef SW_TESTS_AUTH_GITHUB_H
#define SW_TESTS_AUTH_GITHUB_H

#include "auth_world.h"

#define FLIGHT_GITHUB "flight/T1/U1/github"

static inline void set_up_github(struct world *w) {
    free(w->conf.github_client_id);
    w->conf.github_client_id = sw_strdup("Iv1.client");
}

/* expires_ms 0: a token that does not run out; refresh NULL: and no other comes after it. */
static inline void link_github(struct world *w, const char *user, json_int_t version,
                               int64_t expires_ms, const char *refresh) {
    SW_AUTO(sw_text) char *context = sw_printf("T1/%s/github", user);
    SW_AUTO(sw_text) char *key = sw_printf("acct/T1/%s", user);
    SW_AUTO(sw_text) char *row = NULL;
    SW_AUTO(sw_json) json_t *tokens = json_pack("{s:s}", "access_token", "gho-access");
    if (refresh) json_object_set_new(tokens, "refresh_token", json_string(refresh));
    assert_int_equal(sw_row_seal(w->auth, context, tokens, &row), 0);
    if (!json_object_get(w->facts, key)) json_object_set_new(w->facts, key, json_object());
    json_object_set_new(json_object_get(w->facts, key), "github",
                        json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:b, s:[]}", "row", row,
                                  "id", "7", "login", "ada-l", "version", version, "link", "g1",
                                  "expires_ms", (json_int_t)expires_ms, "linked_ms",
                                  (json_int_t)(NOW - HOUR), "has_refresh", refresh != NULL,
                                  "renewed"));
}

static inline const json_t *github(const struct world *w) {
    return json_object_get(json_object_get(w->facts, ACCT), "github");
}

static inline size_t waiting_for_github(const struct world *w) {
    return json_array_size(json_object_get(json_object_get(w->facts, FLIGHT_GITHUB), "waiting"));
}

static inline struct sw_msg *regrant_github(const struct world *w, const char *cmd,
                                            json_int_t version, bool refused) {
    struct sw_msg *m = regrant(w, cmd, version, refused);
    json_object_set_new(m->body, "provider", json_string("github"));
    return m;
}

/* What refresher says of the token at GitHub; expires_in 0: nothing of it. */
static inline struct sw_msg *github_refreshed(const struct world *w, json_int_t version,
                                              const char *outcome, int expires_in) {
    const json_t *flight = json_object_get(w->facts, FLIGHT_GITHUB);
    struct sw_msg *m = message(w, SW_KIND_REFRESHED, "c-refresh",
                               json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "user", "U1", "provider",
                                         "github", "link", "g1", "version", version, "flight",
                                         sw_str(flight, "flight"), "outcome", outcome));
    if (expires_in) json_object_set_new(m->body, "expires_in", json_integer(expires_in));
    if (!strcmp(outcome, "ok"))
        box(m, w->refresher, "auth", "pair",
            json_pack("{s:s, s:s}", "access_token", "ghu-second", "refresh_token", "ghr-second"));
    return m;
}

/* The box `github` of a grant. */
static inline void assert_github(const struct world *w, const json_t *granted, const char *token) {
    SW_AUTO(sw_json) json_t *value = opened(granted, "github", w->executor);
    assert_string_equal(sw_str(value, "token"), token);
}

/* The card says that this is missing. */
static inline void assert_missing(const struct world *w, bool heroku, bool github_too) {
    const json_t *data = json_object_get(body_of(reply(w, "login.card")), "data");
    assert_int_equal(json_is_true(json_object_get(data, "heroku")), heroku);
    assert_int_equal(json_is_true(json_object_get(data, "github")), github_too);
    assert_int_equal(json_is_true(json_object_get(data, "two")), heroku && github_too);
}

/* The only line of the audit. */
static inline const json_t *audited(const struct world *w, const char *task) {
    const json_t *entry = json_object_get(the(w, "audit", NULL, NULL), "value");
    assert_string_equal(sw_str(entry, "task"), task);
    assert_string_equal(sw_str(json_object_get(entry, "who"), "user"), "U1");
    return entry;
}

#endif
