/* github_repo.c -- who one is, repositories, branches, rules, commits and archives; see github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

#define ARCHIVE_LIFE_MS (5 * 60 * 1000)

struct archive { /* one signed link */
    char sha[41];
    int64_t dies_ms;
};

/* What must be green before main of storefront and trunk of billing: the first by protection of
 * the branch, the second by a ruleset. */
static const char *const required[] = {"ci/test", "lint"};

static json_t *contexts_new(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < SIM_ARRAY_LEN(required); i++) {
        json_array_append_new(list, json_string(required[i]));
    }
    return list;
}

void sim_github_user(struct sim *sim, struct sim_req *req) {
    const struct sim_person *person = sim_github_bearer(req);
    if (person == NULL) {
        sim_github_error(req, 401, "Requires authentication");
        return;
    }
    json_t *user = sim__person_json(sim, person);
    json_object_set_new(user, "name", json_string(person->name));
    json_object_set_new(user, "email", json_null());
    /* Only tokens of OAuth apps have scopes. */
    if (req->github->grant->refresh[0] == '\0') {
        sim_reply_header(req, "X-OAuth-Scopes", req->github->grant->scope);
    }
    sim_reply_json(req, 200, user);
}

void sim_github_repo(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    enum sim_right right = repo->right[sim_github_bearer(req) - sim->github->person];
    bool push = right >= SIM_RIGHT_WRITE, admin = right == SIM_RIGHT_ADMIN;
    json_t *json = sim__repo_json(sim, repo);
    json_object_set_new(json, "permissions",
                        json_pack("{s:b, s:b, s:b, s:b, s:b}", "admin", admin, "maintain", admin,
                                  "push", push, "triage", push, "pull", 1));
    sim_reply_json(req, 200, json);
}

void sim_github_branch(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    SIM_FREE char *name = sim_fmt("heads/%s", req->arg[2]);
    const char *sha = sim_json_text(repo->refs, name);
    if (sha == NULL) {
        sim_github_error(req, 404, "Branch not found");
        return;
    }
    bool is_default = strcmp(req->arg[2], repo->branch) == 0;
    bool by_protection = is_default && strcmp(repo->name, "storefront") == 0;
    bool by_ruleset = is_default && strcmp(repo->name, "billing") == 0;
    json_t *contexts = by_protection ? contexts_new() : json_array(), *checks = json_array();
    size_t i;
    json_t *context;
    json_array_foreach(contexts, i, context) {
        json_array_append_new(checks, json_pack("{s:O, s:n}", "context", context, "app_id"));
    }
    SIM_FREE char *url = sim__github_url(req);
    SIM_FREE char *protection_url = sim_fmt("%s/protection", url);
    sim_reply_json(req, 200,
                   json_pack("{s:s, s:{s:s}, s:b, s:{s:b, s:{s:s, s:o, s:o}}, s:s}", "name",
                             req->arg[2], "commit", "sha", sha, "protected",
                             by_protection || by_ruleset, "protection", "enabled", by_protection,
                             "required_status_checks", "enforcement_level",
                             by_protection ? "non_admins" : "off", "contexts", contexts, "checks",
                             checks, "protection_url", protection_url));
}

/* A branch that does not exist has the rules that it would have: none here, but no 404. */
void sim_github_rules(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    json_auto_t *rules = json_array();
    if (strcmp(repo->name, "billing") == 0 && strcmp(req->arg[2], repo->branch) == 0) {
        json_auto_t *contexts = contexts_new();
        json_t *checks = json_array();
        size_t i;
        json_t *context;
        json_array_foreach(contexts, i, context) {
            json_array_append_new(checks, json_pack("{s:O}", "context", context));
        }
        json_array_append_new(
            rules, json_pack("{s:s, s:s, s:s, s:i}", "type", "deletion", "ruleset_source_type",
                             "Repository", "ruleset_source", repo->full_name, "ruleset_id", 31));
        json_array_append_new(
            rules,
            json_pack("{s:s, s:s, s:s, s:i, s:{s:b, s:b, s:o}}", "type", "required_status_checks",
                      "ruleset_source_type", "Repository", "ruleset_source", repo->full_name,
                      "ruleset_id", 31, "parameters", "strict_required_status_checks_policy", 0,
                      "do_not_enforce_on_create", 0, "required_status_checks", checks));
    }
    sim_reply_json(req, 200, sim__github_slice(req, rules));
}

void sim_github_commit(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    char sha[41], at[32];
    if (!sim__repo_sha(sim, repo, req->arg[2], sha)) {
        SIM_FREE char *message = sim_fmt("No commit found for SHA: %s", req->arg[2]);
        sim_github_error(req, 422, message);
        return;
    }
    const char *accept = sim_req_header(req, "Accept");
    if (accept != NULL && strstr(accept, "application/vnd.github.sha") != NULL) {
        sim_reply_text(req, 200, "application/vnd.github.sha; charset=utf-8", sha);
        return;
    }
    const char *message = sim_json_text(repo->commits, sha);
    sim_time_iso(sim->started_ms - 86400000, at);
    SIM_FREE char *html = sim_fmt("%s/github.com/%s/commit/%s", sim->base, repo->full_name, sha);
    sim_reply_json(req, 200,
                   json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}, s:o, s:[]}",
                             "sha", sha, "html_url", html, "commit", "message",
                             message != NULL ? message : "Built before", "author", "name", "Ada L",
                             "email", "ada@example.com", "date", at, "committer", "name", "Ada L",
                             "email", "ada@example.com", "date", at, "author",
                             sim__person_json(sim, &sim->github->person[0]), "parents"));
}

/* Whoever holds the link may fetch: that is why it is a secret, and why it does not live long. */
void sim_github_tarball(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return;
    struct archive *archive = sim_alloc(sizeof(*archive));
    const char *ref = req->arg[2] != NULL ? req->arg[2] : repo->branch;
    if (!sim__repo_sha(sim, repo, ref, archive->sha)) {
        free(archive);
        sim_github_error(req, 404, "Not Found");
        return;
    }
    char token[30];
    sim_random_text(token, sizeof(token) - 1);
    archive->dies_ms = sim_mono_ms() + ARCHIVE_LIFE_MS;
    SIM_FREE char *url = sim_fmt("%s/github.com/archive/%s/legacy.tar.gz/%s?token=%s", sim->base,
                                 repo->full_name, archive->sha, token);
    (void)sim_map_put(sim->github->archives, token, archive);
    sim_reply_header(req, "Location", url);
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_text(req, 302, "text/html; charset=utf-8", "");
}

/* A tar file without entries, as gzip writes it: 1024 zeroes. */
void sim_github_download(struct sim *sim, struct sim_req *req) {
    static const unsigned char empty_tar[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0x18, 0x05, 0xa3,
        0x60, 0x14, 0x8c, 0x54, 0x00, 0x00, 0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00};
    const char *token = sim_req_query(req, "token");
    const struct archive *archive =
        token != NULL ? sim_map_get(sim->github->archives, token) : NULL;
    if (archive == NULL || sim_mono_ms() >= archive->dies_ms ||
        strcmp(archive->sha, req->arg[2]) != 0) {
        sim_reply_text(req, 404, "text/plain; charset=utf-8", "404: Not Found");
        return;
    }
    sim_reply_data(req, 200, "application/x-gzip", empty_tar, sizeof(empty_tar));
}
