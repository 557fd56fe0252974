/* auth_openid.c -- Slack says who is in the browser, before anything is linked; see auth_priv.h.
 *
 * A link can be forwarded, and whoever opens it would lend her accounts to the person it was made for.
 * So Slack is asked first (OpenID Connect, code flow); only its word that it is that person leads on.
 *
 * The signature of its id_token is not looked at, nor its header, and there are no keys of Slack's to
 * be had: the token comes over TLS from Slack itself, to a client that said its secret (OpenID Connect
 * Core 3.1.3.7, point 6). What it says is checked, all of it. */
#include "actors/auth_priv.h"
#include "actors/id_token.h"

#include <string.h>

#define CLAIM "https://slack.com/"
#define NAME_MAX_BYTES 256

/* A click in an org-wide installation may have no workspace: then the person chooses. */
static char *team_wanted(const struct sw__way *way) {
    SW_AUTO(sw_text) char *team = sw_url_escape(sw_str(way->who, "team"));
    return team[0] ? sw_printf("&team=%s", team) : sw_strdup("");
}

char *sw__auth_openid_url(const struct sw__auth *a, const struct sw__way *way, const char *state,
                          const char *back, const char *nonce) {
    SW_AUTO(sw_text) char *client = sw_url_escape(sw_provider_client(SW_SLACK, a->ctx->conf));
    SW_AUTO(sw_text) char *state_text = sw_url_escape(state);
    SW_AUTO(sw_text) char *team = team_wanted(way);
    SW_AUTO(sw_text) char *redirect = sw_url_escape(back);
    return sw_printf("%s/openid/connect/authorize?response_type=code&scope=openid%%20profile"
                     "&client_id=%s&state=%s%s&nonce=%s&redirect_uri=%s",
                     a->ctx->conf->slack_web, client, state_text, team, nonce, redirect);
}

/* Its access token is not asked for: it could only say the same again. */
json_t *sw__auth_openid_request(const struct sw__auth *a, const char *box, const char *back) {
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s}}, s:{s:s, s:{s:s, s:s}, s:s}, s:[s], "
                     "s:s, s:b}",
                     "up", "slack", "method", "POST", "path", "/openid.connect.token", "basic",
                     "user", sw_provider_client(SW_SLACK, a->ctx->conf), "password", "$conf",
                     SW_SLACK->secret, "form", "grant_type", "authorization_code", "code", "$box",
                     box, "field", "code", "redirect_uri", back, "fields", "id_token", "repeat",
                     "once", "seal", 1);
}

/* A list of one is as good as a text; of several, it is for others as well. */
static bool is_for(const json_t *audience, const char *client) {
    const json_t *only = json_array_size(audience) == 1 ? json_array_get(audience, 0) : audience;
    return json_is_string(only) && !strcmp(json_string_value(only), client);
}

static bool is_id(const char *text) {
    return sw_is_slack_id(text, strlen(text));
}

/* The workspace, or the organization where Slack names only that. */
static const char *team_in(const json_t *claims) {
    const char *team = sw_str(claims, CLAIM "team_id");
    return team[0] ? team : sw_str(claims, CLAIM "enterprise_id");
}

/* The claim for which the token is not the answer to this sign-in; NULL: it is. */
static const char *unfit(const struct sw__auth *a, const json_t *claims, const char *verifier) {
    uint8_t hash[32];
    sw_sha256(verifier, strlen(verifier), hash);
    SW_AUTO(sw_text) char *nonce = sw_base64url(hash, sizeof(hash));
    if (strcmp(sw_str(claims, "iss"), a->ctx->conf->slack_web) != 0) return "iss";
    if (!is_for(json_object_get(claims, "aud"), sw_provider_client(SW_SLACK, a->ctx->conf)))
        return "aud";
    if (sw_int(claims, "exp") <= a->ctx->now_ms / 1000) return "exp";
    if (strcmp(sw_str(claims, "nonce"), nonce) != 0) return "nonce";
    if (!is_id(sw_str(claims, CLAIM "user_id"))) return "user_id";
    if (!is_id(team_in(claims))) return "team_id";
    return NULL;
}

/* In a Grid people are known by the same id in all workspaces, and Slack may name either. Where a
 * channel is shared with another company, `team` is the person's own workspace, and not the one that
 * installed us: what counts is where the command came from. */
static bool is_person(const json_t *who, const json_t *claims) {
    const char *team = team_in(claims), *org = sw_str(who, "enterprise");
    if (strcmp(sw_str(claims, CLAIM "user_id"), sw_str(who, "user")) != 0) return false;
    if (!strcmp(team, sw_str(who, "team"))) return true;
    return org[0] && (!strcmp(team, org) || !strcmp(sw_str(claims, CLAIM "enterprise_id"), org));
}

/* That a sign-in was refused; nothing is typed in a browser: the line is the task. Takes `detail`. */
static void note_refused(const struct sw__auth *a, const struct sw__way *way, char *detail) {
    sw_audit(a->out, json_pack("{s:O?, s:s, s:s, s:b, s:{}, s:s, s:s}", "who", way->who, "line",
                               "login", "task", "login", "forced", 0, "accounts", "outcome",
                               "refused", "detail", detail));
    sw_tally(a->out, SW_M_LINKS, 1, SW_SLACK->name, "refused");
    free(detail);
}

static void page_of_unfit(const struct sw__auth *a, const struct sw__way *way, const char *claim) {
    SW_AUTO(sw_text)
    char *text =
        sw_printf("Its answer does not belong to this sign-in (%s), so nothing was linked. "
                  "Type /h login in Slack to try again. If that does not help, tell the "
                  "person who runs Slipway.",
                  claim);
    note_refused(a, way, sw_printf("Slack's answer does not belong to the sign-in: %s", claim));
    sw__auth_page_error(a, way->wait, 502, "Slack did not say who you are", text);
}

/* What a claim of these says, or NULL. */
static const char *name_in(const json_t *claims, const char *claim) {
    const char *name = sw_str(claims, claim);
    return name[0] && strlen(name) <= NAME_MAX_BYTES ? name : NULL;
}

static const char *team_name_in(const json_t *claims) {
    const char *name = name_in(claims, CLAIM "team_name");
    return name ? name : name_in(claims, CLAIM "team_domain");
}

static void page_of_other(const struct sw__auth *a, const struct sw__way *way,
                          const json_t *claims) {
    const char *user = sw_str(claims, CLAIM "user_id"), *team = team_in(claims);
    const char *name = name_in(claims, "name"), *team_name = team_name_in(claims);
    SW_AUTO(sw_text)
    char *text =
        sw_printf("Slack says that you are %s in %s. The link was made for somebody else, "
                  "or for you in another workspace, so nothing was linked. To connect your "
                  "own accounts, type /h login in Slack and open the link that you get "
                  "there; do not use one that somebody sent to you.",
                  name ? name : user, team_name ? team_name : team);
    note_refused(a, way,
                 sw_printf("Slack says that it was %s of %s who opened the link", user, team));
    sw__auth_page_error(a, way->wait, 403, "This link was not made for you", text);
}

/* On to the services, with the names that Slack has said. */
static int go_on(struct sw__auth *a, const struct sw__way *way, const json_t *claims) {
    SW_AUTO(sw_json) json_t *who = json_copy((json_t *)way->who), *names = NULL;
    const char *name = name_in(claims, "name"), *team_name = team_name_in(claims);
    struct sw__way next = {.wait = way->wait, .who = who, .cookie = way->cookie};
    if (name) json_object_set_new(who, "name", json_string(name));
    if (team_name) json_object_set_new(who, "team_name", json_string(team_name));
    int r = sw__auth_steps(a, who, &next.p, &names);
    if (r < 0) return r;
    return sw__auth_go(a, &next, NULL);
}

int sw__auth_openid(struct sw__auth *a, const struct sw__way *way, const json_t *http,
                    const json_t *answer, const json_t *secret) {
    SW_AUTO(sw_json) json_t *claims = NULL;
    if (!json_is_true(json_object_get(answer, "ok"))) {
        sw__auth_page_failure(a, way, http, answer);
        return 0;
    }
    claims = sw_id_token_claims(sw_str(answer, "id_token"));
    const char *claim = claims ? unfit(a, claims, sw_str(secret, "code_verifier")) : "id_token";
    /* Slack has spoken: whatever it said, the link is used up. */
    if (way->link[0]) sw_forget(a->out, way->link);
    if (claim) {
        page_of_unfit(a, way, claim);
        return 0;
    }
    if (is_person(way->who, claims)) return go_on(a, way, claims);
    page_of_other(a, way, claims);
    return 0;
}
