/* slack_token.c -- who calls: the application by its secret, or by a token; see slack_oauth.h. */
#include "slack_oauth.h"

#include "tokens.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void sim_slack_refuse(struct sim_req *req, const char *error) {
    sim_reply_json(req, 200, json_pack("{s:b, s:s}", "ok", 0, "error", error));
}

void sim_slack_scope_missing(struct sim_req *req, const char *needed, const char *provided) {
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "error", "missing_scope", "needed",
                             needed, "provided", provided));
}

static bool of_command_line(const struct sim *sim, const char *text, struct sim_caller *ret) {
    const struct sim_conf *conf = &sim->conf;
    *ret = (struct sim_caller){0};
    for (size_t i = 0; i < conf->bot_tokens; i++) {
        if (strcmp(conf->bot_token[i], text) != 0) continue;
        ret->team = sim_team_find(conf->bot_team[i]);
        return true;
    }
    ret->team = sim_bench_token(text);
    return ret->team != NULL || (conf->bot_tokens == 0 && strncmp(text, "xoxb-", 5) == 0);
}

bool sim_slack_bearer(struct sim *sim, struct sim_req *req, const char *needed,
                      struct sim_caller *ret) {
    const char *auth = sim_req_header(req, "Authorization");
    if (auth == NULL || strncmp(auth, "Bearer ", 7) != 0) {
        sim_slack_refuse(req, "not_authed");
        return false;
    }
    struct sim_slack_token *token = sim_map_get(sim->slack_auth->tokens, auth + 7);
    if (token == NULL) {
        if (of_command_line(sim, auth + 7, ret)) return true;
        sim_slack_refuse(req, "invalid_auth");
        return false;
    }
    const char *scope = token->install != NULL ? token->install->scope : token->scope;
    if (token->ended != NULL) {
        sim_slack_refuse(req, token->ended);
    } else if (token->dies_ms != 0 && sim_mono_ms() >= token->dies_ms) {
        sim_slack_refuse(req, "token_expired");
    } else if (needed != NULL && !sim_scope_has(scope, needed)) {
        sim_slack_scope_missing(req, needed, scope);
    } else {
        *ret = (struct sim_caller){.team = token->team, .scope = scope, .token = token};
        return true;
    }
    return false;
}

/* HTTP Basic into {client_id, client_secret} of `args`, where it was used. */
static void basic_read(const struct sim_req *req, json_t *args) {
    const char *auth = sim_req_header(req, "Authorization");
    char text[1024];
    size_t len = 0;
    if (auth == NULL || strncmp(auth, "Basic ", 6) != 0 ||
        sodium_base642bin((unsigned char *)text, sizeof(text) - 1, auth + 6, strlen(auth + 6), NULL,
                          &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return;
    }
    text[len] = '\0';
    char *colon = strchr(text, ':');
    if (colon == NULL) return;
    *colon = '\0';
    json_object_set_new(args, "client_id", json_string(text));
    json_object_set_new(args, "client_secret", json_string(colon + 1));
}

json_t *sim_slack_client_args(struct sim *sim, struct sim_req *req) {
    const char *type = sim_req_header(req, "Content-Type");
    bool form = type == NULL || strncmp(type, "application/json", 16) != 0;
    json_t *args = form ? sim_form_parse(req->body, req->body_len) : sim_req_json(req);
    if (json_is_object(args)) basic_read(req, args);
    const char *id = sim_json_text(args, "client_id"), *known_id = sim->conf.slack_client_id;
    const char *secret = sim_json_text(args, "client_secret");
    const char *known = sim->conf.slack_client_secret, *wrong = NULL;
    if (!json_is_object(args)) {
        wrong = form ? "invalid_form_data" : "invalid_json";
    } else if (id == NULL || (known_id != NULL && strcmp(id, known_id) != 0)) {
        wrong = "invalid_client_id";
    } else if (secret == NULL || (known != NULL && strcmp(secret, known) != 0)) {
        wrong = "bad_client_secret";
    }
    if (wrong == NULL) return args;
    sim->slack_auth->refused++;
    sim_slack_refuse(req, wrong);
    json_decref(args);
    return NULL;
}

void sim_slack_code_free(void *value) {
    struct sim_slack_code *code = value;
    if (code == NULL) return;
    free(code->redirect_uri);
    free(code->scope);
    free(code->nonce);
    free(code);
}

struct sim_slack_code *sim_slack_code_take(struct sim *sim, struct sim_req *req, const json_t *args,
                                           bool openid) {
    const char *text = sim_json_text(args, "code"), *uri = sim_json_text(args, "redirect_uri");
    struct sim_slack_code *code = text != NULL ? sim_map_take(sim->slack_auth->codes, text) : NULL;
    const char *wrong = NULL;
    if (code == NULL || sim_mono_ms() >= code->dies_ms) {
        wrong = "invalid_code";
    } else if (code->openid != openid) {
        wrong = "oauth_authorization_url_mismatch";
    } else if (uri == NULL || strcmp(uri, code->redirect_uri) != 0) {
        wrong = "bad_redirect_uri";
    }
    if (wrong == NULL) return code;
    sim->slack_auth->refused++;
    sim_slack_refuse(req, wrong);
    sim_slack_code_free(code);
    return NULL;
}

struct sim_slack_token *sim_slack_token_add(struct sim *sim, struct sim_map *map, const char *text,
                                            struct sim_install *install) {
    struct sim_slack_token *token = sim_alloc(sizeof(*token));
    token->install = install;
    token->team = install != NULL ? install->team : NULL;
    token->order = ++sim->slack_auth->order;
    (void)sim_map_put(map, text, token);
    sim_token_note(sim,
                   install == NULL                     ? "slack.user"
                   : map == sim->slack_auth->refreshes ? "slack.bot_refresh"
                                                       : "slack.bot",
                   text);
    return token;
}
struct end {
    const struct sim_install *install;
    const char *how; /* NULL: they run out, now */
    int count;
};

static void token_end(const char *key, void *value, void *arg) {
    (void)key;
    struct end *end = arg;
    struct sim_slack_token *token = value;
    if (token->install != end->install || token->ended != NULL) return;
    token->ended = end->how;
    if (end->how == NULL) token->dies_ms = 1; /* long ago */
    end->count++;
}

int sim_slack_tokens_end(struct sim *sim, struct sim_install *install, const char *how) {
    struct end end = {.install = install, .how = how};
    sim_map_each(sim->slack_auth->tokens, token_end, &end);
    if (how == NULL) return end.count;
    sim_map_each(sim->slack_auth->refreshes, token_end, &end);
    install->lasting[0] = '\0';
    return end.count;
}

bool sim_slack_end(struct sim *sim, struct sim_req *req, bool revoke) {
    json_auto_t *body = sim_req_json(req);
    struct sim_install *install = sim_install_find(sim, sim_json_text(body, "slack"));
    if (install == NULL) return false;
    int count = sim_slack_tokens_end(sim, install, revoke ? "token_revoked" : NULL);
    sim_reply_json(req, 200, json_pack("{s:b, s:i}", "ok", 1, "count", count));
    return true;
}

/* A token of the command line is for the whole run: it stays. */
void sim_slack_revoke(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    if (!sim_slack_bearer(sim, req, NULL, &caller)) return;
    bool issued = caller.token != NULL;
    if (issued) caller.token->ended = "token_revoked";
    if (issued && caller.token->install != NULL && caller.token->dies_ms == 0) {
        caller.token->install->lasting[0] = '\0';
    }
    sim_reply_json(req, 200, json_pack("{s:b, s:b}", "ok", 1, "revoked", issued));
}
