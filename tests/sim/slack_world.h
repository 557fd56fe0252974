/* slack_world.h -- a test's way through the simulated Slack's pages: install, refresh, call.
 *
 * shapes   `sim` of client.h, started with SLACK_OPTIONS
 * units    none
 * errors   fail the test
 * owner    a json_t * or text that is returned is the caller's
 * source   none
 * limits   none
 */
#ifndef SIM_SLACK_WORLD_H
#define SIM_SLACK_WORLD_H

#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SLACK_OPTIONS                                                                              \
    "--slack-client-id", "sid", "--slack-client-secret", "ssec", "--bot-token",                    \
        "T0SIM1=xoxb-of-the-file", "--secret", "shh"
#define SLACK_BASIC "Authorization: Basic c2lkOnNzZWM=" /* sid:ssec */
#define SLACK_CALLBACK "http://127.0.0.1:9/slack/install/callback"
#define SLACK_SCOPES                                                                               \
    "commands,chat:write,chat:write.public,im:write,channels:read,channels:join,groups:read"

/* Slack's no is a 200. */
static inline void assert_refused(const struct client_reply *reply, const char *error) {
    assert_int_equal(reply->status, 200);
    if (!json_is_false(json_object_get(reply->json, "ok"))) fail_msg("%s", reply->body);
    assert_string_equal(client_text(reply->json, "error"), error);
}

static inline void assert_ok(const struct client_reply *reply) {
    assert_int_equal(reply->status, 200);
    if (!json_is_true(json_object_get(reply->json, "ok"))) fail_msg("%s", reply->body);
}

/* The code of a page on which `button` was pressed; `cookie` is a header or NULL. */
static inline char *slack_press(const char *page, const char *button, const char *query,
                                const char *callback, const char *cookie) {
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", cookie, NULL};
    SIM_FREE char *form =
        sim_fmt("%s&client_id=sid&state=s1&redirect_uri=%s&%s", button, callback, query);
    REPLY reply = client_call(&sim, "POST", page, headers, form);
    assert_int_equal(reply.status, 302);
    char location[512];
    client_header(&reply, "Location", location, sizeof(location));
    SIM_FREE char *begin = sim_fmt("%s?code=", callback);
    assert_memory_equal(location, begin, strlen(begin));
    assert_non_null(strstr(location, "&state=s1"));
    const char *code = location + strlen(begin);
    return sim_strndup(code, strcspn(code, "&"));
}

static inline char *install_code(const char *team, const char *scopes, const char *cookie) {
    SIM_FREE char *button = sim_fmt("team=%s", team);
    SIM_FREE char *query = sim_fmt("user_scope=&scope=%s", scopes);
    return slack_press("/oauth/v2/authorize", button, query, SLACK_CALLBACK, cookie);
}

static inline struct client_reply slack_access(const char *form) {
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", SLACK_BASIC, NULL};
    return client_call(&sim, "POST", "/api/oauth.v2.access", headers, form);
}

/* What oauth.v2.access answered; new. */
static inline json_t *slack_install(const char *team, const char *scopes) {
    SIM_FREE char *code = install_code(team, scopes, NULL);
    SIM_FREE char *form = sim_fmt("code=%s&redirect_uri=" SLACK_CALLBACK, code);
    REPLY reply = slack_access(form);
    assert_ok(&reply);
    return json_incref(reply.json);
}

static inline struct client_reply slack_refresh(const char *refresh_token) {
    SIM_FREE char *form = sim_fmt("grant_type=refresh_token&refresh_token=%s", refresh_token);
    return slack_access(form);
}

static inline struct client_reply slack_call(const char *token, const char *method,
                                             const char *json) {
    SIM_FREE char *auth = sim_fmt("Authorization: Bearer %s", token);
    SIM_FREE char *path = sim_fmt("/api/%s", method);
    const char *headers[] = {auth, "Content-Type: application/json; charset=utf-8", NULL};
    return client_call(&sim, "POST", path, headers, json);
}

static inline struct client_reply slack_say(const char *token, const char *channel) {
    SIM_FREE char *json = sim_fmt("{\"channel\":\"%s\",\"text\":\"hello\"}", channel);
    return slack_call(token, "chat.postMessage", json);
}

#endif
