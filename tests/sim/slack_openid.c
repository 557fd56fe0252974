/* slack_openid.c -- Sign in with Slack: a code for who the person is; see slack_oauth.h. */
#include "slack_oauth.h"

#include "tokens.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ID_LIFE_S 300
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static char *base64(const void *data, size_t len) {
    size_t size = sodium_base64_encoded_len(len, BASE64);
    char *text = sim_realloc(NULL, size);
    return sodium_bin2base64(text, size, data, len, BASE64);
}

/* OpenID Connect Core 3.1.3.6: the left half of the token's hash. */
static char *hash_of(const char *access_token) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)access_token, strlen(access_token));
    return base64(hash, sizeof(hash) / 2);
}

static void set(json_t *claims, const char *key, const char *value) {
    json_object_set_new(claims, key, json_string(value));
}

/* What the scopes of the sign-in let the application know of the person. */
static void add_person(const struct sim *sim, json_t *claims, const struct sim_team *team,
                       const struct sim_user *user, const char *scope) {
    set(claims, "sub", user->id);
    set(claims, "https://slack.com/user_id", user->id);
    set(claims, "https://slack.com/team_id", team->id);
    if (sim->slack_auth->grid) set(claims, "https://slack.com/enterprise_id", SIM_ORG_ID);
    if (sim_scope_has(scope, "email")) {
        SIM_FREE char *email = sim_fmt("%s@example.com", user->name);
        set(claims, "email", email);
        json_object_set_new(claims, "email_verified", json_true());
        json_object_set_new(claims, "date_email_verified", json_integer(1622128723));
    }
    if (!sim_scope_has(scope, "profile")) return;
    set(claims, "name", user->name);
    set(claims, "given_name", "");
    set(claims, "family_name", "");
    set(claims, "locale", "en-US");
    set(claims, "picture", "https://secure.gravatar.com/avatar/0.png");
    set(claims, "https://slack.com/team_name", team->name);
    set(claims, "https://slack.com/team_domain", team->domain);
    set(claims, "https://slack.com/user_image_24", "https://secure.gravatar.com/avatar/0.png");
    set(claims, "https://slack.com/team_image_34", "https://a.slack-edge.com/34.png");
    json_object_set_new(claims, "https://slack.com/team_image_default", json_true());
    if (!sim->slack_auth->grid) return;
    set(claims, "https://slack.com/enterprise_name", SIM_ORG_NAME);
    set(claims, "https://slack.com/enterprise_domain", "sim-org");
}

static json_t *claims_of(const struct sim *sim, const struct sim_slack_code *code,
                         const char *client_id, const char *access_token) {
    json_int_t now_s = sim_now_ms() / 1000;
    SIM_FREE char *at_hash = hash_of(access_token);
    json_t *claims =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "iss", sim->base, "aud", client_id, "exp",
                  now_s + ID_LIFE_S, "iat", now_s, "auth_time", now_s, "at_hash", at_hash);
    if (code->nonce != NULL) set(claims, "nonce", code->nonce);
    add_person(sim, claims, code->team, code->user, code->scope);
    return claims;
}

static char *segment(json_t *json) {
    SIM_FREE char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL) abort();
    return base64(text, strlen(text));
}

/* The signature is noise: whoever gets the token from the token endpoint itself knows from whom it
 * is (OpenID Connect Core 3.1.3.7, point 6), and the sim has no page of keys to check it with. */
static char *id_token(json_t *claims) {
    unsigned char noise[256];
    randombytes_buf(noise, sizeof(noise));
    SIM_FREE char *head = segment(json_pack("{s:s, s:s, s:s}", "alg", "RS256", "typ", "JWT", "kid",
                                            "simulated-and-never-published"));
    SIM_FREE char *body = segment(claims);
    SIM_FREE char *signature = base64(noise, sizeof(noise));
    return sim_fmt("%s.%s.%s", head, body, signature);
}

void sim_openid_token(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_slack_client_args(sim, req);
    if (args == NULL) return;
    const char *type = sim_json_text(args, "grant_type");
    if (type != NULL && strcmp(type, "authorization_code") != 0) {
        sim_slack_refuse(req, "invalid_grant_type");
        return;
    }
    struct sim_slack_code *code = sim_slack_code_take(sim, req, args, true);
    if (code == NULL) return;
    char random[33];
    sim_random_hex(random, 32);
    SIM_FREE char *access = sim_fmt("xoxp-%u-%u-%s", 1000000000 + randombytes_uniform(1000000000),
                                    1000000000 + randombytes_uniform(1000000000), random);
    struct sim_slack_token *token = sim_slack_token_add(sim, sim->slack_auth->tokens, access, NULL);
    token->team = code->team;
    token->user = code->user;
    token->scope = sim_strdup(code->scope);
    SIM_FREE char *jwt = id_token(claims_of(sim, code, sim_json_text(args, "client_id"), access));
    sim_token_note(sim, "slack.id_token", jwt);
    sim->slack_auth->issued++;
    sim_slack_code_free(code);
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "access_token", access, "token_type",
                             "Bearer", "id_token", jwt));
}

void sim_openid_user(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    if (!sim_slack_bearer(sim, req, "openid", &caller)) return;
    if (caller.token == NULL) { /* a bot's, which no scope of the command line changes */
        sim_slack_refuse(req, "missing_scope");
        return;
    }
    json_t *claims = json_pack("{s:b}", "ok", 1);
    add_person(sim, claims, caller.token->team, caller.token->user, caller.token->scope);
    sim_reply_json(req, 200, claims);
}
