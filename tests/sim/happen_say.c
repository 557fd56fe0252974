/* happen_say.c -- GitHub's events as their payloads are; see happen.h. */
#include "happen.h"

#include <stdlib.h>
#include <string.h>

#define ZEROES "0000000000000000000000000000000000000000"

static void tell(struct sim *sim, const struct sim_story *story, const char *type,
                 json_t *payload) {
    sim__github_tell(sim, story->repo, story->person, type, payload);
}

static json_t *author_of(const struct sim_story *story) {
    SIM_FREE char *email = sim_strdup(story->account->email);
    return json_pack("{s:s, s:s, s:s}", "name", story->person->name, "email", email, "username",
                     story->person->login);
}

static json_t *commit_of(const struct sim *sim, const struct sim_story *story) {
    char at[32], tree[41];
    sim_time_iso(sim_now_ms(), at);
    sim_hex_seeded(story->sha, "tree", tree, 40);
    SIM_FREE char *url =
        sim_fmt("%s/github.com/%s/commit/%s", sim->base, story->repo->full_name, story->sha);
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:[], s:[], s:[s]}", "id",
                     story->sha, "tree_id", tree, "distinct", 1, "message", story->message,
                     "timestamp", at, "url", url, "author", author_of(story), "committer",
                     author_of(story), "added", "removed", "modified", "app/basket.rb");
}

/* Also of a tag, which is a ref without commits of its own. */
void sim__say_push(struct sim *sim, const struct sim_story *story) {
    bool tag = strncmp(story->branch, "tags/", 5) == 0;
    bool created = strcmp(story->before, ZEROES) == 0;
    SIM_FREE char *ref = sim_fmt("refs/%s%s", tag ? "" : "heads/", story->branch);
    SIM_FREE char *compare = sim_fmt("%s/github.com/%s/compare/%.12s...%.12s", sim->base,
                                     story->repo->full_name, story->before, story->sha);
    json_t *commits = json_array();
    if (!tag) json_array_append_new(commits, commit_of(sim, story));
    tell(sim, story, "push",
         json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:b, s:b, s:b, s:n, s:s, s:o, s:o}", "ref", ref,
                   "before", story->before, "after", story->sha, "pusher", "name",
                   story->person->login, "email", story->account->email, "created", created,
                   "deleted", 0, "forced", 0, "base_ref", "compare", compare, "commits", commits,
                   "head_commit", commit_of(sim, story)));
}

void sim__say_ref(struct sim *sim, const struct sim_story *story, const char *type, const char *ref,
                  const char *ref_type) {
    json_t *payload =
        json_pack("{s:s, s:s, s:s}", "ref", ref, "ref_type", ref_type, "pusher_type", "user");
    if (strcmp(type, "create") == 0) {
        json_object_set_new(payload, "master_branch", json_string(story->repo->branch));
        json_object_set_new(payload, "description", json_null());
    }
    tell(sim, story, type, payload);
}

void sim__say_pull(struct sim *sim, const struct sim_story *story, const char *action) {
    json_t *payload = json_pack("{s:s, s:O, s:o}", "action", action, "number",
                                json_object_get(story->pull, "number"), "pull_request",
                                json_deep_copy(story->pull));
    if (strcmp(action, "synchronize") == 0) {
        json_object_set_new(payload, "before", json_string(story->before));
        json_object_set_new(payload, "after", json_string(story->sha));
    }
    if (strcmp(action, "labeled") == 0) {
        const json_t *labels = json_object_get(story->pull, "labels");
        json_object_set(payload, "label", json_array_get(labels, json_array_size(labels) - 1));
    }
    tell(sim, story, "pull_request", payload);
}

static json_t *pulls_of(const struct sim_story *story) {
    if (story->pull == NULL) return json_array();
    return json_pack("[{s:O, s:O, s:{s:s, s:s}}]", "id", json_object_get(story->pull, "id"),
                     "number", json_object_get(story->pull, "number"), "head", "ref", story->branch,
                     "sha", story->sha);
}

void sim__say_check(struct sim *sim, const struct sim_story *story, const char *name,
                    const char *state, const char *action) {
    json_auto_t *check =
        json_pack("{s:s, s:s, s:s}", "context", name, "kind", "check", "state", state);
    json_t *run = json_deep_copy(sim__check_set(sim, story->repo, story->sha, check));
    json_t *suite = json_deep_copy(story->suite);
    json_object_set_new(run, "check_suite", suite);
    json_object_set_new(run, "pull_requests", pulls_of(story));
    tell(sim, story, "check_run", json_pack("{s:s, s:o}", "action", action, "check_run", run));
}

void sim__say_status(struct sim *sim, const struct sim_story *story, const char *context,
                     const char *state, const char *text) {
    json_auto_t *check = json_pack("{s:s, s:s, s:s, s:s}", "context", context, "kind", "status",
                                   "state", state, "text", text);
    json_t *status = json_deep_copy(sim__check_set(sim, story->repo, story->sha, check));
    SIM_FREE char *url =
        sim_fmt("%s/github.com/%s/commit/%s", sim->base, story->repo->full_name, story->sha);
    json_object_set_new(status, "sha", json_string(story->sha));
    json_object_set_new(status, "name", json_string(story->repo->full_name));
    json_object_set_new(status, "commit",
                        json_pack("{s:s, s:{s:s, s:o, s:o}, s:s, s:o, s:o}", "sha", story->sha,
                                  "commit", "message", story->message, "author", author_of(story),
                                  "committer", author_of(story), "html_url", url, "author",
                                  sim__person_json(sim, story->person), "committer",
                                  sim__person_json(sim, story->person)));
    json_object_set_new(status, "branches",
                        json_pack("[{s:s, s:{s:s}, s:b}]", "name", story->branch, "commit", "sha",
                                  story->sha, "protected", 0));
    tell(sim, story, "status", status);
}

/* The suite of the one app that checks commits here, and its workflow: made at first, then changed. */
static void begin(struct sim *sim, struct sim_story *story) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    int64_t id = sim__github_id(sim), run = sim__github_id(sim);
    story->suite = json_pack(
        "{s:I, s:s, s:s, s:s, s:n, s:s, s:s, s:o, s:{s:i, s:s, s:s}, s:s, s:s, s:i}", "id",
        (json_int_t)id, "head_branch", story->branch, "head_sha", story->sha, "status", "queued",
        "conclusion", "before", story->before, "after", story->sha, "pull_requests",
        pulls_of(story), "app", "id", 15368, "slug", "sim-actions", "name", "Simulated Actions",
        "created_at", at, "updated_at", at, "latest_check_runs_count", 2);
    SIM_FREE char *url = sim_fmt("%s/github.com/%s/actions/runs/%lld", sim->base,
                                 story->repo->full_name, (long long)run);
    story->workflow = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:n, s:i, s:I, s:s, s:i, s:s, s:s, s:o}",
        "id", (json_int_t)run, "name", "CI", "head_branch", story->branch, "head_sha", story->sha,
        "path", ".github/workflows/ci.yml", "display_title", story->message, "run_number",
        (json_int_t)(run % 1000), "event", story->pull != NULL ? "pull_request" : "push", "status",
        "queued", "conclusion", "workflow_id", 4711, "check_suite_id", (json_int_t)id, "html_url",
        url, "run_attempt", 1, "created_at", at, "updated_at", at, "actor",
        sim__person_json(sim, story->person));
}

static void change(json_t *object, const char *status, const char *conclusion) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_object_set_new(object, "status", json_string(status));
    json_object_set_new(object, "conclusion",
                        conclusion != NULL ? json_string(conclusion) : json_null());
    json_object_set_new(object, "updated_at", json_string(at));
}

void sim__say_suite(struct sim *sim, struct sim_story *story, const char *status,
                    const char *conclusion) {
    if (story->suite == NULL) begin(sim, story);
    change(story->suite, status, conclusion);
    tell(sim, story, "check_suite",
         json_pack("{s:s, s:o}", "action", conclusion != NULL ? "completed" : "requested",
                   "check_suite", json_deep_copy(story->suite)));
}

void sim__say_workflow(struct sim *sim, struct sim_story *story, const char *action,
                       const char *conclusion) {
    const char *status = strcmp(action, "requested") == 0 ? "queued" : action;
    change(story->workflow, status, conclusion);
    tell(sim, story, "workflow_run",
         json_pack("{s:s, s:o, s:{s:i, s:s, s:s, s:s}}", "action", action, "workflow_run",
                   json_deep_copy(story->workflow), "workflow", "id", 4711, "name", "CI", "path",
                   ".github/workflows/ci.yml", "state", "active"));
}

void sim__say_release(struct sim *sim, const struct sim_story *story, const char *tag) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    SIM_FREE char *url =
        sim_fmt("%s/github.com/%s/releases/tag/%s", sim->base, story->repo->full_name, tag);
    tell(sim, story, "release",
         json_pack("{s:s, s:{s:I, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:o, s:s}}", "action",
                   "published", "release", "id", (json_int_t)sim__github_id(sim), "tag_name", tag,
                   "target_commitish", story->repo->branch, "name", tag, "html_url", url, "draft",
                   0, "prerelease", 0, "created_at", at, "published_at", at, "author",
                   sim__person_json(sim, story->person), "body", story->message));
}
