/* oauth_list.c -- a person's authorizations at Heroku, and how they end; see oauth.h. */
#include "oauth.h"

#include "oauth_priv.h"

#include <stdlib.h>
#include <string.h>

#define NEVER_MS INT64_MAX

static bool is_api_key(const struct grant *grant) {
    return grant->refresh[0] == '\0';
}

void sim__api_keys_create(struct sim *sim) {
    for (size_t i = 0; i < SIM_ARRAY_LEN(sim->heroku->account); i++) {
        struct grant *key = sim__grant_create(sim, &sim->heroku->account[i], "global", NULL);
        (void)sim__token_create(sim, key, NEVER_MS);
    }
}

static json_t *scope_list(const struct grant *grant) {
    json_t *list = json_array();
    SIM_FREE char *copy = sim_strdup(grant->scope);
    char *save = NULL;
    for (char *word = strtok_r(copy, " ,", &save); word != NULL;
         word = strtok_r(NULL, " ,", &save)) {
        json_array_append_new(list, json_string(word));
    }
    return list;
}

/* Seconds that are left, null where it never ends. */
static json_t *expires_in(int64_t dies_ms) {
    int64_t left_ms = dies_ms - sim_mono_ms();
    return dies_ms == NEVER_MS ? json_null() : json_integer(left_ms > 0 ? left_ms / 1000 : 0);
}

static json_t *grant_json(const struct sim *sim, const struct grant *grant) {
    json_t *client = json_null(), *refresh = json_null(), *user = sim_account_ref(grant->account);
    if (!is_api_key(grant)) {
        const char *id = sim->conf.client_id;
        client =
            json_pack("{s:s, s:n, s:s, s:s}", "id", id != NULL ? id : "any", "ignores_delinquent",
                      "name", "Slipway", "redirect_uri", grant->redirect_uri);
        refresh = json_pack("{s:n, s:s, s:s}", "expires_in", "id", grant->refresh_id, "token",
                            grant->refresh);
    }
    json_object_set_new(user, "full_name", json_null());
    return json_pack("{s:s, s:{s:o, s:s, s:s}, s:o, s:o, s:n, s:n, s:s, s:o, s:o, s:s, s:s}", "id",
                     grant->id, "access_token", "expires_in", expires_in(grant->access_dies_ms),
                     "id", grant->access_id, "token", grant->access, "refresh_token", refresh,
                     "client", client, "grant", "session", "description",
                     is_api_key(grant) ? "Long-lived user authorization" : "Slipway", "scope",
                     scope_list(grant), "user", user, "created_at", grant->created_at, "updated_at",
                     grant->updated_at);
}

struct find {
    const struct sim *sim;
    const struct sim_account *account;
    const char *id;      /* "~": the API key */
    struct grant *found; /* the one of that id */
    json_t *list;        /* all of the account */
};

static void find_grant(const char *key, void *value, void *arg) {
    (void)key;
    struct find *find = arg;
    struct grant *grant = value;
    if (grant->dead || grant->account != find->account) return;
    if (find->list != NULL) json_array_append_new(find->list, grant_json(find->sim, grant));
    if (find->id == NULL) return;
    bool api_key = strcmp(find->id, "~") == 0 && is_api_key(grant);
    if (api_key || strcmp(find->id, grant->id) == 0) find->found = grant;
}

void sim_oauth_list(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", "updated_at", NULL};
    struct find find = {.sim = sim, .account = req->account, .list = json_array()};
    sim_map_each(sim->oauth->grants, find_grant, &find);
    sim_list_reply(req, find.list, fields);
}

void sim_oauth_delete(struct sim *sim, struct sim_req *req) {
    struct find find = {.sim = sim, .account = req->account, .id = req->arg[0]};
    sim_map_each(sim->oauth->grants, find_grant, &find);
    if (find.found == NULL) {
        sim_reply_error(req, 404, "not_found", "Couldn't find that OAuth authorization.");
        return;
    }
    find.found->dead = true;
    sim->oauth->deleted++;
    if (is_api_key(find.found)) sim->oauth->api_keys_deleted++;
    sim_reply_json(req, 200, grant_json(sim, find.found));
}
