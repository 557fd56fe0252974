/* oauth_token.c -- the token endpoint and the life of tokens; see oauth.h. */
#include "oauth.h"

#include "github.h"
#include "oauth_priv.h"
#include "tokens.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim__code_free(void *value) {
    struct code *code = value;
    if (code == NULL) return;
    free(code->redirect_uri);
    free(code->challenge);
    free(code);
}

struct sim_oauth *sim_oauth_create(void) {
    struct sim_oauth *oauth = sim_alloc(sizeof(*oauth));
    oauth->codes = sim_map_create();
    oauth->grants = sim_map_create();
    oauth->tokens = sim_map_create();
    return oauth;
}

void sim_oauth_destroy(struct sim_oauth *oauth) {
    if (oauth == NULL) return;
    sim_map_destroy(oauth->codes, sim__code_free);
    sim_map_destroy(oauth->tokens, free);
    sim_map_destroy(oauth->grants, free);
    free(oauth);
}

struct sim_account *sim_oauth_bearer(struct sim *sim, const char *text) {
    const struct token *token = sim_map_get(sim->oauth->tokens, text);
    if (token == NULL || token->grant->dead || sim_mono_ms() >= token->dies_ms) return NULL;
    return token->grant->account;
}

json_t *sim_oauth_totals(const struct sim *sim) {
    return json_pack("{s:I, s:I, s:I}", "issued", (json_int_t)sim->oauth->issued, "refreshed",
                     (json_int_t)sim->oauth->refreshed, "refused", (json_int_t)sim->oauth->refused);
}

static void refuse(struct sim *sim, struct sim_req *req, unsigned status, const char *id,
                   const char *message) {
    sim->oauth->refused++;
    sim_reply_json(req, status,
                   json_pack("{s:s, s:s, s:s, s:s}", "id", id, "message", message, "error", id,
                             "error_description", message));
}

static void tokens_reply(struct sim *sim, struct sim_req *req, struct grant *grant) {
    struct token *token = sim_alloc(sizeof(*token));
    char access[66] = "HRKU-", nonce[33];
    sim_random_text(access + 5, 60);
    sim_random_hex(nonce, 32);
    token->grant = grant;
    token->dies_ms = sim_mono_ms() + sim->conf.expires_in_s * 1000;
    (void)sim_map_put(sim->oauth->tokens, access, token);
    sim_token_note(sim, "heroku.access", access);
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_json(req, 200,
                   json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "access_token", access,
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
        struct grant *grant = sim_alloc(sizeof(*grant));
        grant->account = code->account;
        sim_uuid_random(grant->id);
        snprintf(grant->refresh, sizeof(grant->refresh), "HRKU-");
        sim_random_text(grant->refresh + 5, 60);
        (void)sim_map_put(sim->oauth->grants, grant->refresh, grant);
        sim_token_note(sim, "heroku.refresh", grant->refresh);
        sim->oauth->issued++;
        tokens_reply(sim, req, grant);
    }
    sim__code_free(code);
}

static void refresh_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "refresh_token");
    struct grant *grant = text != NULL ? sim_map_get(sim->oauth->grants, text) : NULL;
    if (grant == NULL || grant->dead) {
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

static json_t *grant_json(const struct grant *grant) {
    return json_pack("{s:s, s:[s], s:o}", "id", grant->id, "scope", "global", "user",
                     sim_account_ref(grant->account));
}

struct find_grant {
    const struct sim_account *account;
    const char *id; /* NULL: all */
    struct grant *found;
    json_t *list;
};

static void find_grant(const char *key, void *value, void *arg) {
    (void)key;
    struct find_grant *find = arg;
    struct grant *grant = value;
    if (grant->dead || grant->account != find->account) return;
    if (find->list != NULL) json_array_append_new(find->list, grant_json(grant));
    if (find->id != NULL && strcmp(find->id, grant->id) == 0) find->found = grant;
}

void sim_oauth_list(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", NULL};
    struct find_grant find = {.account = req->account, .list = json_array()};
    sim_map_each(sim->oauth->grants, find_grant, &find);
    sim_list_reply(req, find.list, fields);
}

/* The id may be "~": the authorization this very token belongs to. */
void sim_oauth_delete(struct sim *sim, struct sim_req *req) {
    struct find_grant find = {.account = req->account, .id = req->arg[0]};
    const struct token *own =
        sim_map_get(sim->oauth->tokens, sim_req_header(req, "Authorization") + strlen("Bearer "));
    sim_map_each(sim->oauth->grants, find_grant, &find);
    if (strcmp(req->arg[0], "~") == 0) find.found = own->grant;
    if (find.found == NULL) {
        sim_reply_error(req, 404, "not_found", "Couldn't find that OAuth authorization.");
        return;
    }
    find.found->dead = true;
    sim_reply_json(req, 200, grant_json(find.found));
}

struct end_tokens {
    const struct sim_account *account;
    int count;
};

static void token_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end_tokens *end = arg;
    struct token *token = value;
    if (token->grant->account != end->account) return;
    token->dies_ms = 0;
    end->count++;
}

static void grant_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end_tokens *end = arg;
    struct grant *grant = value;
    if (grant->account != end->account || grant->dead) return;
    grant->dead = true;
    end->count++;
}

static void end_all(struct sim *sim, struct sim_req *req, struct sim_map *map,
                    void (*fn)(const char *, void *, void *)) {
    json_auto_t *body = sim_req_json(req);
    struct end_tokens end = {.account = sim_account_find(sim, sim_json_text(body, "email"))};
    const char *login = sim_json_text(body, "github");
    bool github =
        login != NULL && sim_github_end(sim, login, map == sim->oauth->grants, &end.count);
    if (end.account == NULL && !github) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {email} or {github: login} of one of the accounts.");
        return;
    }
    if (end.account != NULL) sim_map_each(map, fn, &end);
    sim_reply_json(req, 200, json_pack("{s:b, s:i}", "ok", 1, "count", end.count));
}

void sim_oauth_revoke(struct sim *sim, struct sim_req *req) {
    end_all(sim, req, sim->oauth->grants, grant_end);
}

void sim_oauth_expire(struct sim *sim, struct sim_req *req) {
    end_all(sim, req, sim->oauth->tokens, token_end);
}
