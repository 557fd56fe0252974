/* happen_pull.c -- pull requests: opened with a review app, labeled, merged, closed; see happen.h. */
#include "happen.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_NUMBER 12

static bool is_open(const json_t *pull) {
    return strcmp(sim_json_text(pull, "state"), "open") == 0;
}

json_t *sim__pull_of_branch(const struct sim_repo *repo, const char *branch) {
    size_t i;
    json_t *pull;
    json_array_foreach(repo->pulls, i, pull) {
        if (is_open(pull) && strcmp(sim_json_text2(pull, "head", "ref"), branch) == 0) return pull;
    }
    return NULL;
}

static json_t *pull_find(const struct sim_repo *repo, int64_t number) {
    for (size_t i = json_array_size(repo->pulls); i-- > 0;) {
        json_t *pull = json_array_get(repo->pulls, i);
        bool meant = number == 0 ? is_open(pull) : sim_json_int(pull, "number", 0) == number;
        if (meant) return pull;
    }
    return NULL;
}

static void touch(json_t *pull, const char *key) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_object_set_new(pull, key, json_string(at));
    json_object_set_new(pull, "updated_at", json_string(at));
}

static json_t *pull_new(struct sim *sim, const struct sim_story *story, int number,
                        const char *title) {
    SIM_FREE char *base_ref = sim_fmt("heads/%s", story->repo->branch);
    SIM_FREE char *html =
        sim_fmt("%s/github.com/%s/pull/%d", sim->base, story->repo->full_name, number);
    SIM_FREE char *url =
        sim_fmt("%s/github/repos/%s/pulls/%d", sim->base, story->repo->full_name, number);
    SIM_FREE char *head_label = sim_fmt("acme:%s", story->branch);
    SIM_FREE char *base_label = sim_fmt("acme:%s", story->repo->branch);
    json_t *pull = json_pack(
        "{s:s, s:I, s:s, s:i, s:s, s:b, s:s, s:o, s:s, s:n, s:n, s:n, s:[], s:b, s:b, "
        "s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}",
        "url", url, "id", (json_int_t)sim__github_id(sim), "html_url", html, "number", number,
        "state", "open", "locked", 0, "title", title, "user", sim__person_json(sim, story->person),
        "body", "What it does, and why.", "closed_at", "merged_at", "merge_commit_sha", "labels",
        "draft", 0, "merged", 0, "head", "label", head_label, "ref", story->branch, "sha",
        story->sha, "base", "label", base_label, "ref", story->repo->branch, "sha",
        sim_json_text(story->repo->refs, base_ref));
    static const char *const counts[] = {"commits", "additions", "deletions", "changed_files"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(counts); i++) {
        json_object_set_new(pull, counts[i], json_integer(1));
    }
    touch(pull, "created_at");
    return pull;
}

static enum sim_step opened(struct sim *sim, struct sim_story *story) {
    sim__say_pull(sim, story, "opened");
    return SIM_STEP_NEXT;
}

static void open_one(struct sim *sim, struct sim_story *story, const json_t *ask) {
    int number = FIRST_NUMBER + (int)json_array_size(story->repo->pulls);
    SIM_FREE char *made = sim_fmt("feature/%d", number);
    const char *branch = sim_json_text(ask, "branch"), *title = sim_json_text(ask, "title");
    sim__story_commit(story, branch != NULL ? branch : made);
    story->pull = pull_new(sim, story, number, title != NULL ? title : story->message);
    json_array_append_new(story->repo->pulls, story->pull);
    sim__story_push(sim, story, opened);
}

static enum sim_step merged(struct sim *sim, struct sim_story *story) {
    SIM_FREE char *ref = sim_strdup(sim_json_text2(story->pull, "head", "ref"));
    SIM_FREE char *full = sim_fmt("heads/%s", ref);
    sim__say_pull(sim, story, "closed");
    story->pull = NULL; /* what follows is about the default branch */
    json_object_del(story->repo->refs, full);
    sim__say_ref(sim, story, "delete", ref, "branch");
    return SIM_STEP_NEXT;
}

static void merge(struct sim *sim, struct sim_story *story) {
    json_t *pull = story->pull;
    free(story->message);
    story->message =
        sim_fmt("Merge pull request #%lld from acme/%s", (long long)sim_json_int(pull, "number", 0),
                sim_json_text2(pull, "head", "ref"));
    sim__story_commit(story, story->repo->branch);
    json_object_set_new(pull, "state", json_string("closed"));
    json_object_set_new(pull, "merged", json_true());
    json_object_set_new(pull, "merge_commit_sha", json_string(story->sha));
    json_object_set_new(pull, "merged_by", sim__person_json(sim, story->person));
    touch(pull, "merged_at");
    touch(pull, "closed_at");
    sim__story_push(sim, story, merged);
}

static enum sim_step closed(struct sim *sim, struct sim_story *story) {
    sim__say_pull(sim, story, "closed");
    return SIM_STEP_NEXT;
}

static enum sim_step labeled(struct sim *sim, struct sim_story *story) {
    sim__say_pull(sim, story, "labeled");
    return SIM_STEP_NEXT;
}

/* False: the action is not known. */
static bool change(struct sim *sim, struct sim_story *story, const json_t *ask,
                   const char *action) {
    static sim_step_fn *const close_steps[] = {closed, NULL};
    static sim_step_fn *const label_steps[] = {labeled, NULL};
    if (strcmp(action, "merge") == 0 && is_open(story->pull)) {
        merge(sim, story);
    } else if (strcmp(action, "close") == 0 && is_open(story->pull)) {
        json_object_set_new(story->pull, "state", json_string("closed"));
        touch(story->pull, "closed_at");
        sim__story_go(sim, story, close_steps);
    } else if (strcmp(action, "label") == 0) {
        const char *label = sim_json_text(ask, "label");
        json_array_append_new(
            json_object_get(story->pull, "labels"),
            json_pack("{s:I, s:s, s:s, s:b}", "id", (json_int_t)sim__github_id(sim), "name",
                      label != NULL ? label : "bug", "color", "d73a4a", "default", 1));
        sim__story_go(sim, story, label_steps);
    } else {
        return false;
    }
    return true;
}

void sim_happen_pull(struct sim *sim, struct sim_req *req) {
    json_auto_t *ask = sim_req_json(req);
    const char *action = sim_json_text(ask, "action");
    struct sim_story *story = action != NULL ? sim__story_new(sim, ask) : NULL;
    if (story != NULL && strcmp(action, "open") == 0) {
        open_one(sim, story, ask);
    } else if (story != NULL) {
        story->pull = pull_find(story->repo, sim_json_int(ask, "number", 0));
        if (story->pull == NULL || !change(sim, story, ask, action)) {
            sim__story_free(story);
            story = NULL;
        }
    }
    if (story == NULL) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {repo?, user?, action: open|merge|close|label, number?, title?, "
                        "label?}, and but for open a pull request that is open.");
        return;
    }
    const json_t *pull = story->pull;
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:I, s:s, s:s}", "ok", 1, "number",
                             (json_int_t)sim_json_int(pull, "number", 0), "sha",
                             sim_json_text2(pull, "head", "sha"), "branch",
                             sim_json_text2(pull, "head", "ref")));
}
