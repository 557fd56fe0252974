/* auth_browser.h -- a browser on its way through the sign-in, and Slack, Heroku and GitHub as they answer.
 *
 * shapes   each step asserts its page, and keeps what the next one needs
 * units    none
 * errors   a page of another status fails the test and is shown
 * owner    the test owns the browser and the calls it is given
 * source   actors/auth_priv.h
 * limits   none
 */
#ifndef SW_TESTS_AUTH_BROWSER_H
#define SW_TESTS_AUTH_BROWSER_H

#include "actors/pages.h"
#include "auth_world.h"

#define BASE "https://slipway.example"

struct browser { /* what a browser remembers */
    char cookie[64], csrf[64], token[128], state[128], nonce[64];
    const char *user; /* whom its link was made for */
};

static inline struct sw_msg *web(const struct world *w, const char *method, const char *path,
                                 json_t *query, json_t *form, const char *cookie) {
    struct sw_msg *m =
        message(w, SW_KIND_WEB, "c-web",
                json_pack("{s:s, s:s, s:s}", "wait", "w1", "method", method, "path", path));
    json_t *cookies = json_object();
    if (cookie && cookie[0]) json_object_set_new(cookies, "__Host-sw_link", json_string(cookie));
    box(m, w->ingress, "auth", "web",
        json_pack("{s:o, s:o, s:o}", "query", query ? query : json_object(), "form",
                  form ? form : json_object(), "cookies", cookies));
    return m;
}

static inline const json_t *page(const struct world *w, int status) {
    const json_t *value = json_object_get(the(w, "answer", "w1", NULL), "value");
    if (sw_int(value, "status") != status) {
        fail_msg("page %d instead of %d: %s", (int)sw_int(value, "status"), status,
                 sw_str(value, "html"));
    }
    return value;
}

/* Nothing but the page. */
static inline void assert_only_page(const struct world *w, int status) {
    page(w, status);
    assert_int_equal(json_array_size(w->outputs), 1);
}

/* `text` up to `end`, after the first `start` in it. */
static inline void between(const char *text, const char *start, const char *end, char *into,
                           size_t room) {
    const char *from = strstr(text, start);
    into[0] = '\0';
    if (!from) {
        fail_msg("no %s in %s", start, text);
        return; /* never; but not every compiler knows */
    }
    from += strlen(start);
    snprintf(into, room, "%.*s", (int)strcspn(from, end), from);
}

/* Types a command as somebody without an account; the card's token. */
static inline void type_command(struct world *w, struct browser *b, const char *user,
                                const char *handler) {
    struct sw_msg *m = ask(w, SW_KIND_COMMAND, "c-typed", user, handler);
    run(w, m);
    b->user = user;
    SW_AUTO(sw_json)
    json_t *link = opened(the(w, "send", "responder", SW_KIND_REPLY), "link", w->responder);
    between(sw_str(link, "url"), BASE "/link/", "", b->token, sizeof(b->token));
}

static inline void get_link(struct world *w, struct browser *b) {
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b->token);
    run(w, web(w, "GET", path, NULL, NULL, b->cookie));
    const json_t *value = page(w, 200);
    between(sw_str(value, "cookie"), "__Host-sw_link=", ";", b->cookie, sizeof(b->cookie));
    between(sw_str(value, "html"), "name=\"csrf\" value=\"", "\"", b->csrf, sizeof(b->csrf));
}

static inline void post_link(struct world *w, const struct browser *b, const char *cookie,
                             const char *csrf) {
    SW_AUTO(sw_text) char *path = sw_printf("/link/%s", b->token);
    run(w, web(w, "POST", path, NULL, json_pack("{s:s}", "csrf", csrf), cookie));
}

static inline json_t *call_of(const struct world *w) {
    return json_incref((json_t *)the(w, "http", NULL, SW_KIND_AUTH_HTTP));
}

static inline void answer(struct world *w, const json_t *call, json_t *http, json_t *sealed) {
    struct sw_msg *m = http_answer(w, call, http);
    if (sealed) box(m, w->auth, "auth", "answer", sealed);
    run(w, m);
}

/* Where the browser was sent: a provider's page, to come back to ours. */
static inline const char *sent_to(const struct world *w, const char *start, const char *back) {
    const char *location = sw_str(page(w, 303), "location");
    assert_int_equal(strncmp(location, start, strlen(start)), 0);
    assert_non_null(strstr(location, back));
    return location;
}

/* ---- Slack ---- */

/* The button leads to Slack; keeps state and nonce. */
static inline void at_slack(struct world *w, struct browser *b) {
    post_link(w, b, b->cookie, b->csrf);
    const char *location = sent_to(w,
                                   "https://slack.example/openid/connect/authorize?"
                                   "response_type=code&scope=openid%20profile&client_id=25.11"
                                   "&state=T1.",
                                   "&redirect_uri=https%3A%2F%2Fslipway.example%2Fauth%2Fslack"
                                   "%2Fcallback");
    between(location, "&state=", "&", b->state, sizeof(b->state));
    between(location, "&nonce=", "&", b->nonce, sizeof(b->nonce));
}

static inline void back_from_openid(struct world *w, const char *cookie, const char *state,
                                    const char *key, const char *value) {
    run(w, web(w, "GET", SW_PATH_CALLBACK_SLACK,
               json_pack("{s:s, s:s}", "state", state, key, value), NULL, cookie));
}

/* What Slack says of the person whom the link was made for. */
static inline json_t *claims(const struct world *w, const struct browser *b) {
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "iss",
                     "https://slack.example", "sub", b->user, "aud", "25.11", "exp",
                     (json_int_t)(w->now_ms / 1000 + 300), "nonce", b->nonce,
                     "https://slack.com/user_id", b->user, "https://slack.com/team_id", "T1",
                     "name", "Ada <L>", "https://slack.com/team_name", "Acme & Co");
}

/* Slack's answer to the code; takes `said`. */
static inline json_t *id_token(json_t *said) {
    SW_AUTO(sw_text) char *text = json_dumps(said, JSON_COMPACT);
    SW_AUTO(sw_text) char *payload = sw_base64url(text, strlen(text));
    SW_AUTO(sw_text) char *token = sw_printf("eyJhbGciOiJSUzI1NiJ9.%s.c2ln", payload);
    json_decref(said);
    return json_pack("{s:b, s:s}", "ok", 1, "id_token", token);
}

/* Back from Slack, and Slack says this of who was there; takes `said`. */
static inline void slack_says(struct world *w, struct browser *b, json_t *said) {
    back_from_openid(w, b->cookie, b->state, "code", "slack-code");
    json_t *call = call_of(w);
    answer(w, call, json_pack("{s:i}", "status", 200), id_token(said));
    json_decref(call);
}

/* From the link page through Slack to the first service; keeps the state. */
static inline void go(struct world *w, struct browser *b) {
    at_slack(w, b);
    slack_says(w, b, claims(w, b));
    between(sw_str(page(w, 303), "location"), "&state=", "&", b->state, sizeof(b->state));
}

/* ---- Heroku ---- */

static inline void back(struct world *w, const char *cookie, const char *state, const char *key,
                        const char *value) {
    run(w, web(w, "GET", SW_PATH_CALLBACK, json_pack("{s:s, s:s}", "state", state, key, value),
               NULL, cookie));
}

/* Everything up to the exchange of the code; the http output, which the caller decrefs. */
static inline json_t *come_back(struct world *w, struct browser *b, const char *handler) {
    memset(b, 0, sizeof(*b));
    type_command(w, b, "U1", handler);
    get_link(w, b);
    go(w, b);
    back(w, b->cookie, b->state, "code", "the-code");
    return call_of(w);
}

static inline json_t *tokens(void) {
    return json_pack("{s:s, s:s, s:i, s:s}", "access_token", "HRKU-new", "refresh_token",
                     "HRKU-next", "expires_in", 28800, "token_type", "Bearer");
}

/* Heroku gives tokens: the call for the account. Takes `call`. */
static inline json_t *exchanged(struct world *w, json_t *call) {
    answer(w, call, json_pack("{s:i}", "status", 200), tokens());
    json_decref(call);
    return call_of(w);
}

static inline json_t *ada(void) {
    return json_pack("{s:i, s:{s:s, s:s}}", "status", 200, "json", "id", "id-1", "email",
                     "ada<@example.com");
}

static inline void sign_in(struct world *w, struct browser *b, const char *handler) {
    json_t *call = exchanged(w, come_back(w, b, handler));
    answer(w, call, ada(), NULL);
    json_decref(call);
}

/* ---- and GitHub ---- */

/* The browser was sent to GitHub; keeps the new state. */
static inline void at_github(struct world *w, struct browser *b) {
    const char *location = sent_to(w,
                                   "https://github.example/login/oauth/authorize?"
                                   "client_id=Iv1.client&response_type=code&scope=repo&state=T1.",
                                   "&redirect_uri=https%3A%2F%2Fslipway.example%2Fauth%2Fgithub"
                                   "%2Fcallback&code_challenge=");
    assert_non_null(strstr(location, "&code_challenge_method=S256"));
    between(location, "&state=", "&", b->state, sizeof(b->state));
}

static inline void back_from_github(struct world *w, const char *cookie, const char *state,
                                    const char *key, const char *value) {
    run(w, web(w, "GET", SW_PATH_CALLBACK_GITHUB,
               json_pack("{s:s, s:s}", "state", state, key, value), NULL, cookie));
}

static inline json_t *github_user(void) {
    return json_pack("{s:i, s:{s:i, s:s}}", "status", 200, "json", "id", 7, "login", "ada-l");
}

/* From GitHub's page to the account; takes `given`, what the code is exchanged for. */
static inline void finish_at_github(struct world *w, struct browser *b, json_t *given) {
    back_from_github(w, b->cookie, b->state, "code", "the-code");
    json_t *call = call_of(w);
    answer(w, call, json_pack("{s:i}", "status", 200), given);
    json_decref(call);
    call = call_of(w);
    answer(w, call, github_user(), NULL);
    json_decref(call);
}

static inline json_t *oauth_token(void) {
    return json_pack("{s:s, s:s}", "access_token", "gho-new", "token_type", "bearer");
}

static inline json_t *expiring_token(void) {
    return json_pack("{s:s, s:s, s:i}", "access_token", "ghu-new", "refresh_token", "ghr-new",
                     "expires_in", 28800);
}

#endif
