/* slack_install.c -- oauth.v2.access: a code or a refresh token for a bot token; see slack_oauth.h.
 *
 * Without rotation an installation has one bot token, which a second install gives again, with more
 * scopes. With rotation each answer has a new pair: the spent refresh token is worth nothing, and of
 * the access tokens the last two are good. */
#include "slack_oauth.h"

#include "tokens.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void scopes_join(char *ret, size_t size, const char *more) {
    for (const char *at = more; *at != '\0'; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ", "), len = strlen(ret);
        SIM_FREE char *one = sim_strndup(at, n);
        if (!sim_scope_has(ret, one)) {
            snprintf(ret + len, size - len, "%s%s", len != 0 ? "," : "", one);
        }
        at += n;
    }
}

struct oldest {
    const struct sim_install *install;
    struct sim_slack_token *token;
    int live;
};

static void oldest_find(const char *key, void *value, void *arg) {
    (void)key;
    struct oldest *oldest = arg;
    struct sim_slack_token *token = value;
    if (token->install != oldest->install || token->ended != NULL || token->dies_ms == 0) return;
    oldest->live++;
    if (oldest->token == NULL || token->order < oldest->token->order) oldest->token = token;
}

/* A third one ends the oldest of the access tokens that run out. */
static void make_room(struct sim *sim, const struct sim_install *install) {
    struct oldest oldest = {.install = install};
    sim_map_each(sim->slack_auth->tokens, oldest_find, &oldest);
    if (oldest.live >= 2) oldest.token->ended = "token_revoked";
}

static void add_pair(struct sim *sim, json_t *reply, struct sim_install *install) {
    struct sim_slack_auth *auth = sim->slack_auth;
    char random[161];
    make_room(sim, install);
    sim_random_text(random, 160);
    SIM_FREE char *access = sim_fmt("xoxe.xoxb-1-%s", random);
    sim_random_text(random, 140);
    SIM_FREE char *refresh = sim_fmt("xoxe-1-%s", random);
    sim_slack_token_add(sim, auth->tokens, access, install)->dies_ms =
        sim_mono_ms() + auth->expires_s * 1000;
    (void)sim_slack_token_add(sim, auth->refreshes, refresh, install);
    json_object_set_new(reply, "access_token", json_string(access));
    json_object_set_new(reply, "refresh_token", json_string(refresh));
    json_object_set_new(reply, "expires_in", json_integer(auth->expires_s));
}

static void add_lasting(struct sim *sim, json_t *reply, struct sim_install *install) {
    if (install->lasting[0] == '\0') {
        char random[25];
        sim_random_text(random, 24);
        snprintf(install->lasting, sizeof(install->lasting), "xoxb-%u-%u-%s",
                 1000000000 + randombytes_uniform(1000000000),
                 1000000000 + randombytes_uniform(1000000000), random);
        (void)sim_slack_token_add(sim, sim->slack_auth->tokens, install->lasting, install);
    }
    json_object_set_new(reply, "access_token", json_string(install->lasting));
}

static void tokens_reply(struct sim *sim, struct sim_req *req, struct sim_install *install,
                         bool rotated, const struct sim_slack_code *code) {
    bool org = install->team == NULL;
    json_t *team =
        org ? json_null() : json_pack("{s:s, s:s}", "id", install->id, "name", install->name);
    json_t *enterprise = sim->slack_auth->grid
                             ? json_pack("{s:s, s:s}", "id", SIM_ORG_ID, "name", SIM_ORG_NAME)
                             : json_null();
    json_t *reply =
        json_pack("{s:b, s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "ok", 1, "app_id", SIM_SLACK_APP,
                  "token_type", "bot", "scope", install->scope, "bot_user_id", install->bot, "team",
                  team, "enterprise", enterprise, "is_enterprise_install", org);
    if (rotated) {
        add_pair(sim, reply, install);
    } else {
        add_lasting(sim, reply, install);
    }
    if (code != NULL) {
        json_object_set_new(reply, "authed_user", json_pack("{s:s}", "id", code->user->id));
    }
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_json(req, 200, reply);
}

static void code_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    struct sim_slack_code *code = sim_slack_code_take(sim, req, args, false);
    if (code == NULL) return;
    struct sim_install *install = code->install;
    install->by = code->user;
    scopes_join(install->scope, sizeof(install->scope), code->scope);
    if (install->team == NULL) sim->slack_auth->grid = true;
    sim->slack_auth->issued++;
    tokens_reply(sim, req, install, sim->slack_auth->rotation, code);
    sim_slack_code_free(code);
}

static void refresh_exchange(struct sim *sim, struct sim_req *req, const json_t *args) {
    const char *text = sim_json_text(args, "refresh_token");
    struct sim_slack_token *token =
        text != NULL ? sim_map_get(sim->slack_auth->refreshes, text) : NULL;
    sim_token_use(sim, text);
    if (token == NULL || token->ended != NULL) {
        sim->slack_auth->refused++;
        sim_slack_refuse(req, "invalid_refresh_token");
        return;
    }
    token->ended = "invalid_refresh_token"; /* used */
    sim->slack_auth->refreshed++;
    tokens_reply(sim, req, token->install, true, NULL);
}

void sim_install_access(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_slack_client_args(sim, req);
    if (args == NULL) return;
    const char *type = sim_json_text(args, "grant_type");
    if (type == NULL || strcmp(type, "authorization_code") == 0) {
        code_exchange(sim, req, args);
    } else if (strcmp(type, "refresh_token") == 0) {
        refresh_exchange(sim, req, args);
    } else {
        sim_slack_refuse(req, "invalid_grant_type");
    }
}
