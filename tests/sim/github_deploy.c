/* github_deploy.c -- deployments: made, refused in GitHub's order, listed; see github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *field;
    json_type type;
} fields[] = {{"ref", JSON_STRING},
              {"task", JSON_STRING},
              {"auto_merge", JSON_TRUE},
              {"required_contexts", JSON_ARRAY},
              {"environment", JSON_STRING},
              {"description", JSON_STRING},
              {"transient_environment", JSON_TRUE},
              {"production_environment", JSON_TRUE}};

/* Whether each field that is there has its type; null is as good as absent. */
static bool fields_ok(struct sim_req *req, const json_t *ask) {
    for (size_t i = 0; i < SIM_ARRAY_LEN(fields); i++) {
        const json_t *value = json_object_get(ask, fields[i].field);
        if (value == NULL || json_is_null(value)) continue;
        bool ok = fields[i].type == JSON_TRUE ? json_is_boolean(value)
                                              : json_typeof(value) == fields[i].type;
        size_t n;
        json_t *name;
        json_array_foreach(value, n, name) {
            ok = ok && json_is_string(name);
        }
        if (ok) continue;
        sim__github_invalid(req, "Deployment", fields[i].field, "invalid", NULL);
        return false;
    }
    return true;
}

static bool is_on(const json_t *ask, const char *field, bool otherwise) {
    const json_t *value = json_object_get(ask, field);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static void merged_reply(struct sim_req *req, const struct sim_repo *repo, const char *ref) {
    SIM_FREE char *message = sim_fmt("Auto-merged %s into %s on deployment.", repo->branch, ref);
    sim_reply_json(req, 202, json_pack("{s:s}", "message", message));
}

/* True when the answer was a merge or its conflict: nothing is deployed then. */
static bool merge_first(struct sim_req *req, struct sim_repo *repo, const json_t *ask,
                        const char *ref) {
    if (repo->conflicts > 0) {
        repo->conflicts--;
        SIM_FREE char *message = sim_fmt("Conflict merging %s into %s.", repo->branch, ref);
        sim_github_error(req, 409, message);
        return true;
    }
    const char *branch = sim__repo_branch(repo, ref);
    bool behind = branch != NULL && json_object_get(repo->behind, branch) != NULL;
    bool told = repo->auto_merges > 0;
    if (told) repo->auto_merges--;
    if (!told && !(behind && is_on(ask, "auto_merge", true))) return false;
    if (branch != NULL && strcmp(branch, repo->branch) != 0) {
        char sha[41];
        json_object_del(repo->behind, branch);
        SIM_FREE char *message = sim_fmt("Merge branch '%s' into %s", repo->branch, branch);
        sim__repo_move(repo, branch, message, sha);
    }
    merged_reply(req, repo, ref);
    return true;
}

static bool contexts_ok(struct sim *sim, struct sim_req *req, struct sim_repo *repo,
                        const json_t *ask, const char *ref, const char *sha) {
    bool good;
    json_t *contexts =
        sim__check_contexts(sim, repo, sha, json_object_get(ask, "required_contexts"), &good);
    if (good) {
        json_decref(contexts);
        return true;
    }
    SIM_FREE char *message = sim_fmt("Conflict: Commit status checks failed for %s.", ref);
    sim_reply_json(req, 409,
                   json_pack("{s:s, s:[{s:o, s:s, s:s, s:s}], s:s, s:s}", "message", message,
                             "errors", "contexts", contexts, "resource", "Deployment", "field",
                             "required_contexts", "code", "invalid", "documentation_url",
                             "https://docs.github.com/rest/deployments/deployments", "status",
                             "409"));
    return false;
}

static const char *text_or(const json_t *ask, const char *field, const char *otherwise) {
    const char *text = sim_json_text(ask, field);
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

static json_t *deploy_new(struct sim *sim, const struct sim_person *person,
                          const struct sim_repo *repo, const json_t *ask, const char *sha) {
    char at[32];
    int64_t id = sim__github_id(sim);
    const char *environment = text_or(ask, "environment", "production");
    const char *description = sim_json_text(ask, "description");
    json_t *payload = json_object_get(ask, "payload");
    sim_time_iso(sim_now_ms(), at);
    SIM_FREE char *node = sim__node_id("DE", id);
    SIM_FREE char *repository = sim_fmt("%s/github/repos/%s", sim->base, repo->full_name);
    SIM_FREE char *url = sim_fmt("%s/deployments/%lld", repository, (long long)id);
    SIM_FREE char *statuses = sim_fmt("%s/statuses", url);
    json_t *shown =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s?, s:o, s:s, s:s}", "url", url,
                  "id", (json_int_t)id, "node_id", node, "sha", sha, "ref",
                  sim_json_text(ask, "ref"), "task", text_or(ask, "task", "deploy"), "environment",
                  environment, "original_environment", environment, "payload",
                  payload != NULL && !json_is_null(payload) ? json_incref(payload) : json_object(),
                  "description", description, "creator", sim__person_json(sim, person),
                  "created_at", at, "updated_at", at);
    json_object_set_new(shown, "statuses_url", json_string(statuses));
    json_object_set_new(shown, "repository_url", json_string(repository));
    json_object_set_new(shown, "transient_environment",
                        json_boolean(is_on(ask, "transient_environment", false)));
    json_object_set_new(
        shown, "production_environment",
        json_boolean(is_on(ask, "production_environment", strcmp(environment, "production") == 0)));
    json_object_set_new(shown, "performed_via_github_app", json_null());
    return shown;
}

static bool deploy_refused(struct sim *sim, struct sim_req *req, struct sim_repo *repo,
                           const json_t *ask, char ret_sha[41]) {
    if (!json_is_object(ask)) {
        sim_github_error(req, 400, "Problems parsing JSON");
        return true;
    }
    if (!fields_ok(req, ask)) return true;
    const char *ref = sim_json_text(ask, "ref");
    if (ref == NULL) {
        sim_github_error(req, 422, "Invalid request.\n\n\"ref\" wasn't supplied.");
        return true;
    }
    if (!sim__repo_sha(sim, repo, ref, ret_sha)) {
        SIM_FREE char *message = sim_fmt("No ref found for: %s", ref);
        sim_github_error(req, 422, message);
        return true;
    }
    return merge_first(req, repo, ask, ref) || !contexts_ok(sim, req, repo, ask, ref, ret_sha);
}

json_t *sim__deploy_add(struct sim *sim, struct sim_repo *repo, const struct sim_person *person,
                        const json_t *ask, const char *sha) {
    json_t *shown = deploy_new(sim, person, repo, ask, sha);
    json_t *deploy = json_pack("{s:o, s:[]}", "shown", shown, "statuses");
    json_array_append_new(repo->deployments, deploy);
    sim->github->deployments++;
    sim__github_tell(sim, repo, person, "deployment",
                     json_pack("{s:s, s:o, s:n, s:n}", "action", "created", "deployment",
                               json_deep_copy(shown), "workflow", "workflow_run"));
    return deploy;
}

void sim_deploy_post(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_WRITE);
    json_auto_t *ask = sim_req_json(req);
    char sha[41];
    if (repo == NULL || deploy_refused(sim, req, repo, ask, sha)) {
        sim->github->refused++;
        return;
    }
    const json_t *deploy = sim__deploy_add(sim, repo, sim_github_bearer(req), ask, sha);
    sim_reply_json(req, 201, json_incref(json_object_get(deploy, "shown")));
}

static bool passes(const struct sim_req *req, const json_t *shown) {
    static const char *const filters[] = {"sha", "ref", "task", "environment"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(filters); i++) {
        const char *want = sim_req_query(req, filters[i]);
        if (want == NULL || want[0] == '\0' || strcmp(want, "none") == 0) continue;
        if (strcmp(want, sim_json_text(shown, filters[i])) != 0) return false;
    }
    return true;
}

void sim_deploy_list(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    json_auto_t *found = json_array();
    for (size_t i = json_array_size(repo->deployments); i-- > 0;) {
        json_t *shown = json_object_get(json_array_get(repo->deployments, i), "shown");
        if (passes(req, shown)) json_array_append(found, shown);
    }
    sim_reply_json(req, 200, sim__github_slice(req, found));
}
