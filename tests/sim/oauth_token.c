/* oauth_token.c -- the token endpoint and the life of tokens; see oauth.h. */
#include "oauth.h"

#include "github.h"
#include "oauth_priv.h"
#include "slack_oauth.h"
#include "tokens.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void code_free(void *value) {
    struct code *code = value;
    if (code == NULL) return;
    free(code->redirect_uri);
    free(code->challenge);
    free(code->scope);
    free(code);
}

static void grant_free(void *value) {
    struct grant *grant = value;
    free(grant->scope);
    free(grant->redirect_uri);
    free(grant);
}

struct token *sim__token_create(struct sim *sim, struct grant *grant, int64_t dies_ms) {
    struct token *token = sim_alloc(sizeof(*token));
    snprintf(grant->access, sizeof(grant->access), "HRKU-");
    sim_random_text(grant->access + 5, 60);
    sim_uuid_random(grant->access_id);
    sim_time_iso(sim_now_ms(), grant->updated_at);
    grant->access_dies_ms = token->dies_ms = dies_ms;
    token->grant = grant;
    (void)sim_map_put(sim->oauth->tokens, grant->access, token);
    sim_token_note(sim, grant->refresh[0] != '\0' ? "heroku.access" : "heroku.api_key",
                   grant->access);
    return token;
}

struct grant *sim__grant_create(struct sim *sim, struct sim_account *account, const char *scope,
                                const char *redirect_uri) {
    struct grant *grant = sim_alloc(sizeof(*grant));
    grant->account = account;
    grant->scope = sim_strdup(scope != NULL ? scope : "global");
    grant->redirect_uri = sim_strdup(redirect_uri);
    sim_uuid_random(grant->id);
    sim_time_iso(sim_now_ms(), grant->created_at);
    if (redirect_uri == NULL) {
        (void)sim_map_put(sim->oauth->grants, grant->id, grant);
        return grant;
    }
    snprintf(grant->refresh, sizeof(grant->refresh), "HRKU-");
    sim_random_text(grant->refresh + 5, 60);
    sim_uuid_random(grant->refresh_id);
    (void)sim_map_put(sim->oauth->grants, grant->refresh, grant);
    sim_token_note(sim, "heroku.refresh", grant->refresh);
    return grant;
}

void sim_oauth_create(struct sim *sim) {
    sim->oauth = sim_alloc(sizeof(*sim->oauth));
    sim->oauth->codes = sim_map_create();
    sim->oauth->grants = sim_map_create();
    sim->oauth->tokens = sim_map_create();
    sim__api_keys_create(sim);
}

void sim_oauth_destroy(struct sim_oauth *oauth) {
    if (oauth == NULL) return;
    sim_map_destroy(oauth->codes, code_free);
    sim_map_destroy(oauth->tokens, free);
    sim_map_destroy(oauth->grants, grant_free);
    free(oauth);
}

struct sim_account *sim_oauth_bearer(struct sim *sim, const char *text) {
    const struct token *token = sim_map_get(sim->oauth->tokens, text);
    if (token == NULL || token->grant->dead || sim_mono_ms() >= token->dies_ms) return NULL;
    return token->grant->account;
}

json_t *sim_oauth_totals(const struct sim *sim) {
    const struct sim_oauth *oauth = sim->oauth;
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "issued", (json_int_t)oauth->issued, "refreshed",
                     (json_int_t)oauth->refreshed, "refused", (json_int_t)oauth->refused, "deleted",
                     (json_int_t)oauth->deleted, "api_keys_deleted",
                     (json_int_t)oauth->api_keys_deleted);
}

static void refuse(struct sim *sim, struct sim_req *req, unsigned status, const char *id,
                   const char *message) {
    sim->oauth->refused++;
    sim_reply_json(req, status,
                   json_pack("{s:s, s:s, s:s, s:s}", "id", id, "message", message, "error", id,
                             "error_description", message));
}

static void tokens_reply(struct sim *sim, struct sim_req *req, struct grant *grant) {
    char nonce[33];
    sim_random_hex(nonce, 32);
    (void)sim__token_create(sim, grant, sim_mono_ms() + sim->conf.expires_in_s * 1000);
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_json(req, 200,
                   json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "access_token", grant->access,
                             "refresh_token", grant->refresh, "expires_in",
                             (json_int_t)sim->conf.expires_in_s, "token_type", "Bearer", "user_id",
                             grant->account->id, "session_nonce", nonce));
}

bool sim__pkce_ok(const char *challenge, const char *verifier) {
    if (challenge == NULL) return true;
    if (verifier == NULL || strlen(verifier) < 43 || strlen(verifier) > 128) return false;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    crypto_hash_sha256(hash, (const unsigned char *)verifier, strlen(verifier));
    sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return strcmp(text, challenge) == 0;
}

static void code_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "code"), *uri = sim_json_text(args, "redirect_uri");
    /* Taken out whatever happens next: a code is good for one try. */
    struct code *code = text != NULL ? sim_map_take(sim->oauth->codes, text) : NULL;
    bool ok = code != NULL && sim_mono_ms() < code->dies_ms &&
              (uri == NULL || strcmp(uri, code->redirect_uri) == 0) &&
              sim__pkce_ok(code->challenge, sim_json_text(args, "code_verifier"));
    if (!ok) {
        refuse(sim, req, 400, "invalid_grant", "The code is not valid, or no longer.");
    } else {
        struct grant *grant =
            sim__grant_create(sim, code->account, code->scope, code->redirect_uri);
        sim->oauth->issued++;
        tokens_reply(sim, req, grant);
    }
    code_free(code);
}

static void refresh_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "refresh_token");
    struct grant *grant = text != NULL ? sim_map_get(sim->oauth->grants, text) : NULL;
    sim_token_use(sim, text);
    if (grant == NULL || grant->dead || grant->refresh[0] == '\0') {
        refuse(sim, req, 400, "invalid_grant", "The refresh token is not valid, or no longer.");
        return;
    }
    sim->oauth->refreshed++;
    tokens_reply(sim, req, grant);
}

void sim_oauth_token(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    if (!json_is_object(args)) {
        json_decref(args);
        args = sim_form_parse(req->body, req->body_len);
    }
    const char *type = sim_json_text(args, "grant_type"), *id = sim_json_text(args, "client_id");
    const char *secret = sim_json_text(args, "client_secret");
    bool secret_ok = secret != NULL && (sim->conf.client_secret == NULL ||
                                        strcmp(secret, sim->conf.client_secret) == 0);
    /* Heroku does not ask for client_id here, but a wrong one is wrong. */
    bool id_ok = id == NULL || sim->conf.client_id == NULL || strcmp(id, sim->conf.client_id) == 0;
    if (!secret_ok || !id_ok) {
        refuse(sim, req, 401, "unauthorized", "Invalid client credentials.");
    } else if (type != NULL && strcmp(type, "authorization_code") == 0) {
        code_exchange(sim, req, args);
    } else if (type != NULL && strcmp(type, "refresh_token") == 0) {
        refresh_exchange(sim, req, args);
    } else {
        refuse(sim, req, 400, "unsupported_grant_type", "The grant type is not supported.");
    }
}

struct end_tokens {
    const struct sim_account *account;
    int count;
};

static void token_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end_tokens *end = arg;
    struct token *token = value;
    if (token->grant->account != end->account || token->grant->refresh[0] == '\0') return;
    token->dies_ms = 0;
    end->count++;
}

static void grant_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end_tokens *end = arg;
    struct grant *grant = value;
    if (grant->account != end->account || grant->dead || grant->refresh[0] == '\0') return;
    grant->dead = true;
    end->count++;
}

static void end_all(struct sim *sim, struct sim_req *req, struct sim_map *map,
                    void (*fn)(const char *, void *, void *)) {
    json_auto_t *body = sim_req_json(req);
    struct end_tokens end = {.account = sim_account_find(sim, sim_json_text(body, "email"))};
    const char *login = sim_json_text(body, "github");
    if (json_is_true(json_object_get(body, "event")) && !sim_github_tell_revoked(sim, login)) {
        sim_reply_error(req, 422, "invalid_params",
                        "An event needs {github: login}, an ingress and GitHub's webhook secret.");
        return;
    }
    bool github =
        login != NULL && sim_github_end(sim, login, map == sim->oauth->grants, &end.count);
    if (end.account == NULL && !github) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {email} or {github: login} of one of the accounts, or "
                        "{slack: T0SIM1, T0SIM2 or E0SIM}.");
        return;
    }
    if (end.account != NULL) sim_map_each(map, fn, &end);
    sim_reply_json(req, 200, json_pack("{s:b, s:i}", "ok", 1, "count", end.count));
}

void sim_oauth_revoke(struct sim *sim, struct sim_req *req) {
    if (!sim_slack_end(sim, req, true)) end_all(sim, req, sim->oauth->grants, grant_end);
}

void sim_oauth_expire(struct sim *sim, struct sim_req *req) {
    if (!sim_slack_end(sim, req, false)) end_all(sim, req, sim->oauth->tokens, token_end);
}
