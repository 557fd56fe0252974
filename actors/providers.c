/* providers.c -- see providers.h. */
#include "actors/providers.h"

#include "actors/form.h"
#include "actors/pages.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

#define TRIES 2 /* one call, and one repeat where its outcome is unknown */

const struct sw_provider sw_providers[] = {
    {.name = "heroku",
     .label = "Heroku",
     .callback = SW_PATH_CALLBACK,
     .web = "heroku_id",
     .token_path = "/oauth/token",
     .secret = "heroku_secret",
     .api = "heroku",
     .identity_path = "/account",
     .identity = "email",
     .life_s = 3600}, /* soon enough to be safe */
    {.name = "github",
     .label = "GitHub",
     .callback = SW_PATH_CALLBACK_GITHUB,
     .web = "github_web",
     .token_path = "/login/oauth/access_token",
     .secret = "github_secret",
     .api = "github",
     .identity_path = "/user",
     .identity = "login",
     .life_s = 0},
    {0},
};

const struct sw_provider sw_slack = {.name = "slack",
                                     .label = "Slack",
                                     .callback = SW_PATH_CALLBACK_SLACK,
                                     .web = "slack",
                                     .token_path = "/oauth.v2.access",
                                     .secret = "slack_client_secret",
                                     .api = "slack",
                                     .identity = "id"};

const struct sw_provider *sw_provider(const char *name) {
    if (!name[0]) return SW_HEROKU;
    if (!strcmp(name, sw_slack.name)) return SW_SLACK;
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        if (!strcmp(p->name, name)) return p;
    }
    return NULL;
}

const char *sw_provider_client(const struct sw_provider *p, const struct sw_conf *conf) {
    const char *client = p == SW_GITHUB  ? conf->github_client_id
                         : p == SW_SLACK ? conf->slack_client_id
                                         : conf->heroku_client_id;
    return client ? client : "";
}

bool sw_provider_set_up(const struct sw_provider *p, const struct sw_conf *conf) {
    return p == SW_HEROKU || sw_provider_client(p, conf)[0];
}

/* Where its pages are. */
static const char *web_of(const struct sw_provider *p, const struct sw_conf *conf) {
    return p == SW_GITHUB ? conf->github_web : p == SW_SLACK ? conf->slack_web : conf->heroku_id;
}

bool sw_provider_is_issuer(const struct sw_provider *p, const struct sw_conf *conf,
                           const char *issuer) {
    const char *base = web_of(p, conf);
    const size_t size = strlen(base);
    if (strncmp(issuer, base, size) != 0) return false;
    /* GitHub's has a path. */
    return !issuer[size] || (p == SW_GITHUB && !strcmp(issuer + size, "/login/oauth"));
}

char *sw_provider_authorize_url(const struct sw_provider *p, const struct sw_conf *conf,
                                const char *state, const char *back, const char *challenge) {
    const bool github = p == SW_GITHUB;
    const char *asked = github ? conf->github_scope : conf->heroku_scope;
    SW_AUTO(sw_text) char *client = sw_url_escape(sw_provider_client(p, conf));
    SW_AUTO(sw_text) char *scope = sw_url_escape(asked ? asked : "");
    SW_AUTO(sw_text) char *redirect = sw_url_escape(back);
    SW_AUTO(sw_text) char *state_text = sw_url_escape(state);
    return sw_printf("%s%s?client_id=%s&response_type=code&scope=%s&state=%s"
                     "&redirect_uri=%s&code_challenge=%s&code_challenge_method=S256",
                     web_of(p, conf), github ? "/login/oauth/authorize" : "/oauth/authorize",
                     client, scope, state_text, redirect, challenge);
}

json_t *sw_provider_token_request(const struct sw_provider *p, const struct sw_conf *conf,
                                  json_t *form) {
    json_t *secret = json_pack("{s:s}", "$conf", p->secret);
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:o, s:[s, s, s, s], s:s, s:b}", "up", p->web, "method", "POST",
                  "path", p->token_path, "form", form, "fields", "access_token", "refresh_token",
                  "expires_in", "error", "repeat", "once", "seal", 1);
    if (p == SW_SLACK) { /* it prefers HTTP Basic */
        json_object_set_new(
            request, "basic",
            json_pack("{s:s, s:o}", "user", sw_provider_client(p, conf), "password", secret));
        return request;
    }
    json_object_set_new(form, "client_secret", secret);
    /* Heroku knows the client by its secret. */
    if (p == SW_GITHUB)
        json_object_set_new(form, "client_id", json_string(sw_provider_client(p, conf)));
    return request;
}

bool sw_provider_once_more(const json_t *http, json_int_t tries) {
    const char *error = sw_str(http, "error");
    return tries < TRIES && (!strcmp(error, "unsure") || !strcmp(error, "timeout"));
}

const char *sw_provider_blames_us(const struct sw_provider *p, const json_t *http,
                                  const json_t *answer) {
    static const char *const words[] = {"bad_client_secret",
                                        "invalid_client_id",
                                        "invalid_client",
                                        "bad_redirect_uri",
                                        "oauth_authorization_url_mismatch",
                                        "invalid_scope",
                                        "no_scopes",
                                        "incorrect_client_credentials",
                                        "redirect_uri_mismatch",
                                        "application_suspended",
                                        "unauthorized_client",
                                        NULL};
    const json_t *json = answer ? answer : json_object_get(http, "json");
    /* Without its secret the request could not even be made. */
    if (!strcmp(sw_str(http, "error"), "refused") && sw_int(http, "status") == 0)
        return "there is no client secret that Slipway could use";
    if (sw_str(http, "error")[0] || sw_int(http, "status") >= 500) return NULL;
    for (size_t i = 0; words[i]; i++) {
        if (!strcmp(words[i], sw_str(json, "error")) || !strcmp(words[i], sw_str(json, "id")))
            return words[i];
    }
    return p == SW_HEROKU && strstr(sw_str(json, "message"), "client") ? "invalid_client" : NULL;
}

/* A definite no to this token. Words that blame us (a wrong client secret, say) are none: one
 * mistake in the settings must not unlink everybody. Heroku says "unauthorized" for both, so that
 * its message is looked at as well. GitHub and Slack say it with a 200, and only their word counts. */
bool sw_provider_refused(const struct sw_provider *p, const json_t *http, const json_t *answer) {
    static const char *const ours[] = {"invalid_client",      "invalid_request",
                                       "unauthorized_client", "unsupported_grant_type",
                                       "invalid_scope",       NULL};
    static const char *const githubs[] = {"bad_refresh_token", "invalid_grant", NULL};
    static const char *const slacks[] = {"invalid_refresh_token", "token_revoked",
                                         "account_inactive", NULL};
    const json_t *json = json_object_get(http, "json");
    const json_int_t status = sw_int(http, "status");
    if (sw_str(http, "error")[0]) return false;
    if (!json) json = answer;
    if (p == SW_GITHUB || p == SW_SLACK)
        return status >= 200 && status < 500 &&
               sw_is_among(sw_str(json, "error"), p == SW_SLACK ? slacks : githubs);
    /* Heroku says it in JSON; what else there is on the way to it (a firewall, a proxy) does not. */
    if (!json_is_object(json) || (status != 400 && status != 401 && status != 403)) return false;
    if (strstr(sw_str(json, "message"), "client")) return false;
    return !sw_is_among(sw_str(json, "error"), ours) && !sw_is_among(sw_str(json, "id"), ours);
}
