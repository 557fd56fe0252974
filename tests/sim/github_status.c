/* github_status.c -- one deployment and its statuses; see github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX 140

static json_t *deploy_of(struct sim_req *req, const struct sim_repo *repo) {
    size_t i;
    json_t *deploy;
    json_array_foreach(repo->deployments, i, deploy) {
        SIM_FREE char *id =
            sim_fmt("%lld", (long long)sim_json_int(json_object_get(deploy, "shown"), "id", 0));
        if (strcmp(id, req->arg[2]) == 0) return deploy;
    }
    sim_github_error(req, 404, "Not Found");
    return NULL;
}

void sim_deploy_get(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    const json_t *deploy = repo != NULL ? deploy_of(req, repo) : NULL;
    if (deploy != NULL) sim_reply_json(req, 200, json_incref(json_object_get(deploy, "shown")));
}

void sim_deploy_status_list(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    const json_t *deploy = repo != NULL ? deploy_of(req, repo) : NULL;
    if (deploy == NULL) return;
    const json_t *statuses = json_object_get(deploy, "statuses");
    json_auto_t *newest_first = json_array();
    for (size_t i = json_array_size(statuses); i-- > 0;) {
        json_array_append(newest_first, json_array_get(statuses, i));
    }
    sim_reply_json(req, 200, sim__github_slice(req, newest_first));
}

static size_t characters(const char *text) {
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text & 0xc0) != 0x80) n++;
    }
    return n;
}

/* log_url, its old name target_url and environment_url become links on pages of GitHub. */
static bool link_ok(struct sim_req *req, const json_t *ask, const char *field) {
    const json_t *value = json_object_get(ask, field);
    const char *url = json_string_value(value);
    if (value == NULL || json_is_null(value)) return true;
    if (url != NULL &&
        (url[0] == '\0' || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)) {
        return true;
    }
    sim__github_invalid(req, "DeploymentStatus", field, "custom", "must use http(s) scheme");
    return false;
}

static bool status_ok(struct sim_req *req, const json_t *ask) {
    static const char *const states[] = {"error",  "failure", "inactive", "in_progress",
                                         "queued", "pending", "success"};
    if (!json_is_object(ask)) {
        sim_github_error(req, 400, "Problems parsing JSON");
        return false;
    }
    const char *state = sim_json_text(ask, "state");
    bool known = false;
    for (size_t i = 0; state != NULL && i < SIM_ARRAY_LEN(states); i++) {
        known = known || strcmp(states[i], state) == 0;
    }
    if (!known) {
        sim__github_invalid(req, "DeploymentStatus", "state",
                            state == NULL ? "missing_field" : "custom",
                            "state is not included in the list");
        return false;
    }
    const char *description = sim_json_text(ask, "description");
    if (description != NULL && characters(description) > DESCRIPTION_MAX) {
        sim__github_invalid(req, "DeploymentStatus", "description", "custom",
                            "description is too long (maximum is 140 characters)");
        return false;
    }
    return link_ok(req, ask, "log_url") && link_ok(req, ask, "target_url") &&
           link_ok(req, ask, "environment_url");
}

static const char *text_or(const json_t *ask, const char *field, const char *otherwise) {
    const char *text = sim_json_text(ask, field);
    return text != NULL ? text : otherwise;
}

/* Of what is retired GitHub tells nobody. */
static void tell(struct sim *sim, struct sim_repo *repo, const struct sim_person *person,
                 json_t *shown, json_t *status) {
    if (strcmp(sim_json_text(status, "state"), "inactive") == 0) return;
    sim__github_tell(sim, repo, person, "deployment_status",
                     json_pack("{s:s, s:o, s:o, s:n, s:n, s:n}", "action", "created",
                               "deployment_status", json_deep_copy(status), "deployment",
                               json_deep_copy(shown), "check_run", "workflow", "workflow_run"));
}

json_t *sim__deploy_status_add(struct sim *sim, struct sim_repo *repo,
                               const struct sim_person *person, json_t *deploy, const json_t *ask,
                               const char *state) {
    json_t *shown = json_object_get(deploy, "shown");
    char at[32];
    int64_t id = sim__github_id(sim);
    sim_time_iso(sim_now_ms(), at);
    const char *log = text_or(ask, "log_url", text_or(ask, "target_url", ""));
    SIM_FREE char *node = sim__node_id("DES", id);
    SIM_FREE char *url = sim_fmt("%s/statuses/%lld", sim_json_text(shown, "url"), (long long)id);
    json_t *status = json_pack(
        "{s:s, s:I, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O}", "url", url, "id",
        (json_int_t)id, "node_id", node, "state", state, "creator", sim__person_json(sim, person),
        "description", text_or(ask, "description", ""), "environment",
        text_or(ask, "environment", sim_json_text(shown, "environment")), "target_url", log,
        "log_url", log, "environment_url", text_or(ask, "environment_url", ""), "created_at", at,
        "updated_at", at, "deployment_url", json_object_get(shown, "url"), "repository_url",
        json_object_get(shown, "repository_url"));
    json_object_set_new(shown, "updated_at", json_string(at));
    json_object_set(shown, "environment", json_object_get(status, "environment"));
    json_array_append_new(json_object_get(deploy, "statuses"), status);
    sim->github->statuses++;
    tell(sim, repo, person, shown, status);
    return status;
}

/* A success retires what was deployed to the same place before; production is never retired. */
static void retire_earlier(struct sim *sim, const struct sim_person *person, struct sim_repo *repo,
                           const json_t *deploy) {
    const char *environment = sim_json_text(json_object_get(deploy, "shown"), "environment");
    size_t i;
    json_t *other;
    json_array_foreach(repo->deployments, i, other) {
        if (other == deploy) break;
        const json_t *shown = json_object_get(other, "shown");
        const json_t *statuses = json_object_get(other, "statuses");
        size_t n = json_array_size(statuses);
        const char *last = n != 0 ? sim_json_text(json_array_get(statuses, n - 1), "state") : "";
        bool keeps = json_is_true(json_object_get(shown, "transient_environment")) ||
                     json_is_true(json_object_get(shown, "production_environment")) ||
                     strcmp(sim_json_text(shown, "environment"), environment) != 0;
        if (keeps || strcmp(last, "success") != 0) continue;
        (void)sim__deploy_status_add(sim, repo, person, other, NULL, "inactive");
    }
}

void sim_deploy_status_post(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_WRITE);
    json_t *deploy = repo != NULL ? deploy_of(req, repo) : NULL;
    json_auto_t *ask = sim_req_json(req);
    if (deploy == NULL || !status_ok(req, ask)) return;
    const struct sim_person *person = sim_github_bearer(req);
    const char *state = sim_json_text(ask, "state");
    json_t *status = sim__deploy_status_add(sim, repo, person, deploy, ask, state);
    if (strcmp(state, "success") == 0 && !json_is_false(json_object_get(ask, "auto_inactive"))) {
        retire_earlier(sim, person, repo, deploy);
    }
    sim_reply_json(req, 201, json_incref(status));
}
