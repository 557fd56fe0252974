/* heroku_repo.c -- which repository a pipeline is connected to: the new endpoint, behind a feature
 * of the account, and the old service beside the platform; see heroku.h.
 *
 * The new one knows storefront alone, so that whoever asks needs both. */
#include "heroku.h"
#include "oauth.h"

#include <string.h>

static const struct {
    const char *pipeline, *repo;
    int id;
    bool is_new;
} connected[] = {
    {"storefront", "acme/storefront", 7001, true},
    {"billing", "acme/billing", 7002, false},
    {"atlas", "acme/atlas", 7003, false},
};

static int find(const struct sim *sim, const char *id_or_name) {
    const struct sim_pipeline *p = sim_map_get(sim->heroku->pipeline_by, id_or_name);
    for (size_t i = 0; p != NULL && i < SIM_ARRAY_LEN(connected); i++) {
        if (strcmp(sim_json_text(p->info, "name"), connected[i].pipeline) == 0) return (int)i;
    }
    return -1;
}

void sim_repo_get(struct sim *sim, struct sim_req *req) {
    const char *accept = sim_req_header(req, "Accept");
    int i = find(sim, req->arg[0]);
    if (i < 0 || !connected[i].is_new || !sim->heroku->repositories_api ||
        strstr(accept, "version=3.repositories-api") == NULL) {
        sim_not_found(req, "pipeline repo");
        return;
    }
    SIM_FREE char *url = sim_fmt("https://github.com/%s", connected[i].repo);
    sim_reply_json(req, 200,
                   json_pack("{s:i, s:s, s:s, s:s}", "id", connected[i].id, "full_name",
                             connected[i].repo, "html_url", url, "name",
                             strchr(connected[i].repo, '/') + 1));
}

void sim_repo_kolkrabbi(struct sim *sim, struct sim_req *req) {
    const char *auth = sim_req_header(req, "Authorization");
    bool bearer = auth != NULL && strncmp(auth, "Bearer ", 7) == 0;
    req->account = bearer ? sim_oauth_bearer(sim, auth + 7) : NULL;
    if (req->account == NULL) {
        sim_reply_error(req, 401, "unauthorized", "Invalid credentials provided.");
        return;
    }
    int i = find(sim, req->arg[0]);
    if (i < 0) {
        sim_reply_error(req, 404, "not_found", "Pipeline is not connected to a repository.");
        return;
    }
    const json_t *info =
        ((struct sim_pipeline *)sim_map_get(sim->heroku->pipeline_by, req->arg[0]))->info;
    sim_reply_json(req, 200,
                   json_pack("{s:{s:i, s:s, s:s}, s:{s:s}}", "repository", "id", connected[i].id,
                             "name", connected[i].repo, "type", "github", "pipeline", "id",
                             sim_json_text(info, "id")));
}
