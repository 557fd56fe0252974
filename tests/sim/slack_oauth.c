/* slack_oauth.c -- where the application is installed, and what an operator of the sim may ask and
 * set of it; see slack_oauth.h. */
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

#define LIFE_S 43200 /* of a rotated token */

struct sim_slack_auth *sim_slack_auth_create(void) {
    static const char *const teams[] = {"T0SIM1", "T0SIM2"};
    struct sim_slack_auth *auth = sim_alloc(sizeof(*auth));
    auth->codes = sim_map_create();
    auth->tokens = sim_map_create();
    auth->refreshes = sim_map_create();
    auth->expires_s = LIFE_S;
    for (size_t i = 0; i < SIM_ARRAY_LEN(teams); i++) {
        const struct sim_team *team = sim_team_find(teams[i]);
        auth->install[i] = (struct sim_install){
            .id = team->id, .name = team->name, .bot = team->bot_user, .team = team};
    }
    auth->install[SIM_ARRAY_LEN(teams)] =
        (struct sim_install){.id = SIM_ORG_ID, .name = SIM_ORG_NAME, .bot = "U0BOTE"};
    return auth;
}

static void token_free(void *value) {
    struct sim_slack_token *token = value;
    free(token->scope);
    free(token);
}

void sim_slack_auth_destroy(struct sim_slack_auth *auth) {
    if (auth == NULL) return;
    sim_map_destroy(auth->codes, sim_slack_code_free);
    sim_map_destroy(auth->tokens, token_free);
    sim_map_destroy(auth->refreshes, token_free);
    free(auth);
}

struct sim_install *sim_install_find(struct sim *sim, const char *id) {
    struct sim_slack_auth *auth = sim->slack_auth;
    for (size_t i = 0; id != NULL && i < SIM_ARRAY_LEN(auth->install); i++) {
        if (strcmp(auth->install[i].id, id) == 0) return &auth->install[i];
    }
    return NULL;
}

/* A workspace that installed the application itself keeps that installation. */
bool sim_install_org_wide(const struct sim *sim, const struct sim_team *team) {
    bool org = false;
    for (size_t i = 0; i < SIM_ARRAY_LEN(sim->slack_auth->install); i++) {
        const struct sim_install *install = &sim->slack_auth->install[i];
        if (install->team == team && install->by != NULL) return false;
        if (install->team == NULL) org = install->by != NULL;
    }
    return org;
}

bool sim_scope_has(const char *list, const char *scope) {
    size_t len = strlen(scope);
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, ", ");
        if (n == len && memcmp(at, scope, n) == 0) return true;
        at += n;
        at += strspn(at, ", ");
    }
    return false;
}

struct install_tokens {
    const struct sim_install *install;
    int good;
};

static void count_good(const char *key, void *value, void *arg) {
    (void)key;
    struct install_tokens *count = arg;
    const struct sim_slack_token *token = value;
    bool in_time = token->dies_ms == 0 || sim_mono_ms() < token->dies_ms;
    count->good += token->install == count->install && token->ended == NULL && in_time;
}

json_t *sim_slack_auth_state(const struct sim *sim) {
    const struct sim_slack_auth *auth = sim->slack_auth;
    json_t *installs = json_object();
    for (size_t i = 0; i < SIM_ARRAY_LEN(auth->install); i++) {
        const struct sim_install *install = &auth->install[i];
        if (install->by == NULL) continue;
        struct install_tokens count = {.install = install};
        sim_map_each(auth->tokens, count_good, &count);
        json_object_set_new(installs, install->id,
                            json_pack("{s:s, s:s, s:i}", "by", install->by->id, "scope",
                                      install->scope, "tokens", count.good));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:b, s:{s:I, s:I}}", "installs", installs, "issued",
                     (json_int_t)auth->issued, "refreshed", (json_int_t)auth->refreshed, "refused",
                     (json_int_t)auth->refused, "rotation", auth->rotation, "events", "delivered",
                     (json_int_t)auth->events_delivered, "given_up",
                     (json_int_t)auth->events_given_up);
}

void sim_slack_auth_config(struct sim *sim, const json_t *body) {
    const json_t *grid = json_object_get(body, "grid");
    if (grid != NULL) sim->slack_auth->grid = json_is_true(grid);
}

/* At Slack rotation cannot be switched off any more; here a test may. */
void sim_slack_rotation(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    const json_t *on = json_object_get(body, "on");
    int64_t expires_s = sim_json_int(body, "expires_in", LIFE_S);
    if (!json_is_boolean(on) || expires_s < 0 || expires_s > 1000000) {
        sim_reply_error(req, 422, "invalid_params", "Expected {on: true|false, expires_in?}.");
        return;
    }
    sim->slack_auth->rotation = json_is_true(on);
    sim->slack_auth->expires_s = expires_s;
    sim_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}
