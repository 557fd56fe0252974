/* github_admin.c -- what a test or a demo may change at GitHub, and see of it; see github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct sim_req *req, const char *expected) {
    sim_reply_error(req, 422, "invalid_params", expected);
}

static void ok_sha(struct sim_req *req, const char *sha) {
    sim_reply_json(req, 200, json_pack("{s:b, s:s}", "ok", 1, "sha", sha));
}

static void set_text(char **at, const json_t *body, const char *key) {
    const char *text = sim_json_text(body, key);
    if (text == NULL) return;
    free(*at);
    *at = sim_strdup(text);
}

void sim_github_config(struct sim *sim, const json_t *body) {
    struct sim_conf *conf = &sim->conf;
    set_text(&conf->github_app, body, "github_app");
    set_text(&conf->github_client_id, body, "github_client_id");
    set_text(&conf->github_client_secret, body, "github_client_secret");
    set_text(&conf->github_redirect_uri, body, "github_redirect_uri");
    conf->github_pool = sim_json_int(body, "github_pool", conf->github_pool);
    conf->github_window_s = sim_json_int(body, "github_window", conf->github_window_s);
    conf->github_expires_s = sim_json_int(body, "github_expires_in", conf->github_expires_s);
}

static json_t *deploys_shown(const struct sim_repo *repo) {
    json_t *list = json_array();
    for (size_t i = json_array_size(repo->deployments); i-- > 0;) {
        const json_t *deploy = json_array_get(repo->deployments, i);
        json_t *shown = json_copy(json_object_get(deploy, "shown"));
        json_object_set(shown, "statuses", json_object_get(deploy, "statuses"));
        json_array_append_new(list, shown);
    }
    return list;
}

void sim_github_show(struct sim *sim, struct sim_req *req) {
    json_t *repos = json_array(), *persons = json_array();
    for (size_t i = 0; i < SIM_ARRAY_LEN(sim->github->repo); i++) {
        const struct sim_repo *repo = &sim->github->repo[i];
        json_array_append_new(repos, json_pack("{s:s, s:s, s:O, s:O, s:o}", "full_name",
                                               repo->full_name, "default_branch", repo->branch,
                                               "refs", repo->refs, "behind", repo->behind,
                                               "deployments", deploys_shown(repo)));
    }
    for (size_t i = 0; i < SIM_ARRAY_LEN(sim->github->person); i++) {
        const struct sim_person *person = &sim->github->person[i];
        json_array_append_new(persons, json_pack("{s:s, s:i, s:I}", "login", person->login, "id",
                                                 person->id, "used", (json_int_t)person->used));
    }
    sim_reply_json(req, 200, json_pack("{s:o, s:o}", "repos", repos, "people", persons));
}

void sim_github_checks(struct sim *sim, struct sim_req *req) {
    json_auto_t *ask = sim_req_json(req);
    struct sim_repo *repo = sim__repo_find(sim, sim_json_text(ask, "repo"));
    const char *ref = sim_json_text(ask, "sha"), *kind = sim_json_text(ask, "kind");
    if (ref == NULL) ref = sim_json_text(ask, "ref");
    bool kind_ok = kind == NULL || strcmp(kind, "status") == 0 || strcmp(kind, "check") == 0;
    char sha[41];
    if (repo == NULL || ref == NULL || !sim__repo_sha(sim, repo, ref, sha) || !kind_ok ||
        sim_json_text(ask, "context") == NULL || sim_json_text(ask, "state") == NULL) {
        refuse(req,
               "Expected {repo, ref|sha, context, state, kind?: status|check, suite?, text?}.");
        return;
    }
    (void)sim__check_set(sim, repo, sha, ask);
    ok_sha(req, sha);
}

void sim_github_push(struct sim *sim, struct sim_req *req) {
    static const char *const contexts[][2] = {{"ci/test", "status"}, {"lint", "check"}};
    json_auto_t *ask = sim_req_json(req);
    struct sim_repo *repo = sim__repo_find(sim, sim_json_text(ask, "repo"));
    const char *branch = sim_json_text(ask, "ref"), *state = sim_json_text(ask, "state");
    if (repo == NULL || branch == NULL || branch[0] == '\0') {
        refuse(req, "Expected {repo, ref, state?}.");
        return;
    }
    char sha[41];
    sim__repo_move(repo, branch, "Pushed", sha);
    for (size_t i = 0; state != NULL && i < SIM_ARRAY_LEN(contexts); i++) {
        json_auto_t *check = json_pack("{s:s, s:s, s:s}", "context", contexts[i][0], "kind",
                                       contexts[i][1], "state", state);
        (void)sim__check_set(sim, repo, sha, check);
    }
    const char *name;
    json_t *head;
    /* Now the other branches lack what the default one has. */
    json_object_foreach(repo->refs, name, head) {
        bool other = strncmp(name, "heads/", 6) == 0 && strcmp(name + 6, repo->branch) != 0;
        if (other && strcmp(branch, repo->branch) == 0) {
            json_object_set_new(repo->behind, name + 6, json_true());
        }
    }
    ok_sha(req, sha);
}

/* {repo, times?}: how many of the next deployments. */
static void count_set(struct sim *sim, struct sim_req *req, bool merge) {
    json_auto_t *ask = sim_req_json(req);
    struct sim_repo *repo = sim__repo_find(sim, sim_json_text(ask, "repo"));
    int64_t times = sim_json_int(ask, "times", 1);
    if (repo == NULL || times < 0) {
        refuse(req, "Expected {repo, times?}.");
        return;
    }
    if (merge) {
        repo->auto_merges = times;
    } else {
        repo->conflicts = times;
    }
    sim_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}

void sim_github_merge(struct sim *sim, struct sim_req *req) {
    count_set(sim, req, true);
}

void sim_github_conflict(struct sim *sim, struct sim_req *req) {
    count_set(sim, req, false);
}

void sim_github_access(struct sim *sim, struct sim_req *req) {
    static const char *const rights[] = {"none", "read", "write", "admin"};
    json_auto_t *ask = sim_req_json(req);
    struct sim_repo *repo = sim__repo_find(sim, sim_json_text(ask, "repo"));
    const struct sim_person *person = sim_person_find(sim, sim_json_text(ask, "login"));
    const char *right = sim_json_text(ask, "right");
    for (size_t i = 0; repo != NULL && person != NULL && right != NULL; i++) {
        if (i == SIM_ARRAY_LEN(rights)) break;
        if (strcmp(rights[i], right) != 0) continue;
        repo->right[person - sim->github->person] = (enum sim_right)i;
        sim_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
        return;
    }
    refuse(req, "Expected {repo, login, right: none|read|write|admin}.");
}
