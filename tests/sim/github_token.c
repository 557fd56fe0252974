/* github_token.c -- the tokens of OAuth apps (gho_, no end) and of GitHub Apps (ghu_ for eight
 * hours, ghr_ good for one use); which of the two is `github_app` of the config; see github.h. */
#include "github_priv.h"

#include "oauth_priv.h"
#include "tokens.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REFRESH_LIFE_S 15897600

static void grant_free(void *value) {
    struct sim_github_grant *grant = value;
    free(grant->scope);
    free(grant);
}

void sim_github_destroy(struct sim_github *g) {
    if (g == NULL) return;
    sim_map_destroy(g->codes, sim__github_code_free);
    sim_map_destroy(g->tokens, free);
    sim_map_destroy(g->grants, grant_free);
    sim_map_destroy(g->archives, free);
    for (size_t i = 0; i < SIM_ARRAY_LEN(g->repo); i++) {
        sim__repo_finish(&g->repo[i]);
    }
    free(g);
}

static bool is_alive(const struct sim_github_token *token) {
    bool expired = token->dies_ms != 0 && sim_mono_ms() >= token->dies_ms;
    return !token->dead && !token->grant->dead && !expired;
}

struct sim_person *sim_github_bearer(const struct sim_req *req) {
    return req->github != NULL && is_alive(req->github) ? req->github->grant->person : NULL;
}

/* JSON to those who ask for it, else the form that GitHub has always answered. */
static void answer(struct sim_req *req, json_t *json) {
    const char *accept = sim_req_header(req, "Accept");
    sim_reply_header(req, "Cache-Control", "no-store");
    if (accept != NULL && strstr(accept, "application/json") != NULL) {
        sim_reply_json(req, 200, json);
        return;
    }
    struct sim_buf form = {0};
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value) {
        SIM_FREE char *text = json_is_integer(value)
                                  ? sim_fmt("%lld", (long long)json_integer_value(value))
                                  : sim_strdup(json_string_value(value));
        sim_form_add(&form, key, text, strlen(text));
    }
    sim_reply_data(req, 200, "application/x-www-form-urlencoded; charset=utf-8", form.data,
                   form.len);
    sim_buf_free(&form);
    json_decref(json);
}

/* Errors come as 200: a client that looks at the status only is lost. */
static void refuse(struct sim_req *req, const char *error, const char *description) {
    answer(req, json_pack("{s:s, s:s, s:s}", "error", error, "error_description", description,
                          "error_uri", "https://docs.github.com/apps"));
}

static void tokens_reply(struct sim *sim, struct sim_req *req, struct sim_github_grant *grant) {
    struct sim_github_token *token = sim_alloc(sizeof(*token));
    bool expires = grant->refresh[0] != '\0';
    char access[41];
    memcpy(access, expires ? "ghu_" : "gho_", 4);
    sim_random_text(access + 4, 36);
    token->grant = grant;
    token->dies_ms = expires ? sim_mono_ms() + sim->conf.github_expires_s * 1000 : 0;
    (void)sim_map_put(sim->github->tokens, access, token);
    sim_token_note(sim, "github.access", access);
    json_t *json = json_pack("{s:s, s:s, s:s}", "access_token", access, "token_type", "bearer",
                             "scope", expires ? "" : grant->scope);
    if (expires) {
        json_object_set_new(json, "expires_in", json_integer(sim->conf.github_expires_s));
        json_object_set_new(json, "refresh_token", json_string(grant->refresh));
        json_object_set_new(json, "refresh_token_expires_in", json_integer(REFRESH_LIFE_S));
    }
    answer(req, json);
}

/* A grant is kept under its refresh token, or, where there is none, under a name of its own. */
static void grant_keep(struct sim *sim, struct sim_github_grant *grant, bool expires) {
    char name[96] = "ghr_";
    sim_random_text(name + 4, 76);
    if (expires) {
        memcpy(grant->refresh, name, sizeof(name));
        sim_token_note(sim, "github.refresh", name);
    }
    (void)sim_map_put(sim->github->grants, name, grant);
}

static void code_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "code"), *uri = sim_json_text(args, "redirect_uri");
    struct sim_github_code *code = text != NULL ? sim_map_take(sim->github->codes, text) : NULL;
    if (code == NULL || sim_mono_ms() >= code->dies_ms ||
        !sim__pkce_ok(code->challenge, sim_json_text(args, "code_verifier"))) {
        refuse(req, "bad_verification_code", "The code passed is incorrect or expired.");
    } else if (uri != NULL && strcmp(uri, code->redirect_uri) != 0) {
        refuse(req, "redirect_uri_mismatch",
               "The redirect_uri must match the one of the authorization.");
    } else {
        struct sim_github_grant *grant = sim_alloc(sizeof(*grant));
        grant->person = code->person;
        grant->scope = sim_strdup(code->scope);
        grant_keep(sim, grant, strcmp(sim->conf.github_app, "expiring") == 0);
        tokens_reply(sim, req, grant);
    }
    sim__github_code_free(code);
}

static void token_die(const char *key, void *value, void *arg) {
    (void)key;
    struct sim_github_token *token = value;
    if (token->grant == arg) token->dead = true;
}

/* Both old tokens die, whether or not the new ones arrive. */
static void refresh_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "refresh_token");
    struct sim_github_grant *grant = text != NULL ? sim_map_get(sim->github->grants, text) : NULL;
    sim_token_use(sim, text);
    if (grant == NULL || grant->dead || grant->refresh[0] == '\0') {
        refuse(req, "bad_refresh_token", "The refresh token passed is incorrect or expired.");
        return;
    }
    (void)sim_map_take(sim->github->grants, text);
    sim_map_each(sim->github->tokens, token_die, grant);
    grant_keep(sim, grant, true);
    tokens_reply(sim, req, grant);
}

static bool is_client(const struct sim *sim, const char *id, const char *secret) {
    const char *want_id = sim->conf.github_client_id, *want = sim->conf.github_client_secret;
    return id != NULL && secret != NULL && (want_id == NULL || strcmp(id, want_id) == 0) &&
           (want == NULL || strcmp(secret, want) == 0);
}

void sim_github_token(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    if (!json_is_object(args)) {
        json_decref(args);
        args = sim_form_parse(req->body, req->body_len);
    }
    const char *type = sim_json_text(args, "grant_type");
    if (!is_client(sim, sim_json_text(args, "client_id"), sim_json_text(args, "client_secret"))) {
        refuse(req, "incorrect_client_credentials",
               "The client_id and/or client_secret passed are incorrect.");
    } else if (type != NULL && strcmp(type, "refresh_token") == 0) {
        refresh_exchange(sim, req, args);
    } else if (type == NULL || strcmp(type, "authorization_code") == 0) {
        code_exchange(sim, req, args);
    } else {
        refuse(req, "unsupported_grant_type", "The grant type is not supported.");
    }
}

static bool basic_ok(const struct sim *sim, const struct sim_req *req) {
    const char *auth = sim_req_header(req, "Authorization");
    char text[256];
    size_t len = 0;
    if (auth == NULL || strncasecmp(auth, "Basic ", 6) != 0) return false;
    if (sodium_base642bin((unsigned char *)text, sizeof(text) - 1, auth + 6, strlen(auth + 6), NULL,
                          &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return false;
    }
    text[len] = '\0';
    char *colon = strchr(text, ':');
    if (colon == NULL) return false;
    *colon = '\0';
    return is_client(sim, text, colon + 1) && strcmp(text, req->arg[0]) == 0;
}

struct end {
    const struct sim_person *person;
    int count;
};

static void grant_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end *end = arg;
    struct sim_github_grant *grant = value;
    if (grant->person != end->person || grant->dead) return;
    grant->dead = true;
    end->count++;
}

static void token_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end *end = arg;
    struct sim_github_token *token = value;
    if (token->grant->person != end->person || !is_alive(token)) return;
    token->dead = true;
    end->count++;
}

bool sim_github_end(struct sim *sim, const char *login, bool revoke, int *ret_count) {
    struct end end = {.person = sim_person_find(sim, login)};
    if (end.person == NULL) return false;
    if (revoke) {
        sim_map_each(sim->github->grants, grant_end, &end);
    } else {
        sim_map_each(sim->github->tokens, token_end, &end);
    }
    *ret_count += end.count;
    return true;
}

/* The living token that the application itself, with its secret, names in the body; NULL: answered. */
static struct sim_github_token *token_named(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    const char *text = sim_json_text(body, "access_token");
    struct sim_github_token *token = text != NULL ? sim_map_get(sim->github->tokens, text) : NULL;
    if (!basic_ok(sim, req)) {
        sim_github_error(req, 401, "Bad credentials");
    } else if (text == NULL) {
        sim__github_invalid(req, "OauthAccess", "access_token", "missing_field", NULL);
    } else if (token == NULL || !is_alive(token)) {
        sim_github_error(req, 404, "Not Found");
    } else {
        return token;
    }
    return NULL;
}

/* DELETE /applications/ID/grant: the person's consent and all tokens of it. */
void sim_github_grant_end(struct sim *sim, struct sim_req *req) {
    const struct sim_github_token *token = token_named(sim, req);
    if (token == NULL) return;
    int count = 0;
    (void)sim_github_end(sim, token->grant->person->login, true, &count);
    sim_reply_data(req, 204, NULL, "", 0);
}

/* DELETE /applications/ID/token: this one, with what renews it; the person's others live on. */
void sim_github_token_end(struct sim *sim, struct sim_req *req) {
    struct sim_github_token *token = token_named(sim, req);
    if (token == NULL) return;
    token->grant->dead = true;
    sim_reply_data(req, 204, NULL, "", 0);
}
