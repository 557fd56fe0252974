/* happen.c -- people push, crash dynos and set config vars; the steps of a story; see happen.h. */
#include "happen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROES "0000000000000000000000000000000000000000"
#define RECOVERS_STEPS 10

static const char *const people[][2] = {{"ada", "ada-l"}, {"bob", "bob-b"}, {"cyd", "cyd-c"}};
static const char *const messages[] = {"Show the basket on phones",  "Round prices up in the cart",
                                       "Keep the basket for a week", "Say when an item is sold out",
                                       "Load product photos later",  "Sort orders by their day"};

void sim__story_free(struct sim_story *story) {
    story->sim->stories--;
    free(story->branch);
    free(story->message);
    free(story->fail);
    json_decref(story->suite);
    json_decref(story->workflow);
    json_decref(story->run);
    json_decref(story->deploy);
    json_decref(story->build);
    free(story);
}

static void story_step(struct sim *sim, void *arg, bool dropped) {
    struct sim_story *story = arg;
    enum sim_step next = dropped ? SIM_STEP_END : (*story->step)(sim, story);
    if (next == SIM_STEP_NEXT) story->step++;
    if (next == SIM_STEP_END || *story->step == NULL) {
        sim__story_free(story);
    } else {
        sim_timer_add(sim, sim->conf.event_ms, true, story_step, story);
    }
}

void sim__story_go(struct sim *sim, struct sim_story *story, sim_step_fn *const *steps) {
    story->step = steps;
    sim_timer_add(sim, 0, true, story_step, story);
}

static size_t person_at(const json_t *ask) {
    const char *user = sim_json_text(ask, "user");
    for (size_t i = 0; user != NULL && i < SIM_ARRAY_LEN(people); i++) {
        if (strcmp(people[i][0], user) == 0 || strcmp(people[i][1], user) == 0) return i;
    }
    return user == NULL ? 0 : SIM_ARRAY_LEN(people);
}

struct sim_story *sim__story_new(struct sim *sim, const json_t *ask) {
    const char *repo_name = sim_json_text(ask, "repo"), *fail = sim_json_text(ask, "fail");
    static const char *const fails[] = {"ci", "build", "release", "crash"};
    struct sim_repo *repo = sim__repo_find(sim, repo_name != NULL ? repo_name : "acme/storefront");
    size_t who = person_at(ask);
    bool fail_ok = fail == NULL;
    for (size_t i = 0; fail != NULL && i < SIM_ARRAY_LEN(fails); i++) {
        fail_ok = fail_ok || strcmp(fails[i], fail) == 0;
    }
    if (repo == NULL || who == SIM_ARRAY_LEN(people) || !fail_ok) return NULL;
    const char *message = sim_json_text(ask, "message");
    struct sim_story *story = sim_alloc(sizeof(*story));
    story->sim = sim;
    sim->stories++;
    story->repo = repo;
    story->person = &sim->github->person[who];
    story->account = &sim->heroku->account[who];
    story->fail = sim_strdup(fail);
    story->message = sim_strdup(
        message != NULL ? message : messages[sim->github->pushes++ % SIM_ARRAY_LEN(messages)]);
    for (size_t i = 0; i < sim->heroku->apps; i++) {
        struct sim_app *app = sim->heroku->app[i];
        bool here = strcmp(sim_json_text(app->pipeline->info, "name"), repo->name) == 0;
        if (here && strcmp(app->stage, "staging") == 0) story->app = app;
    }
    return story;
}

void sim__story_commit(struct sim_story *story, const char *branch) {
    SIM_FREE char *ref = sim_fmt("heads/%s", branch);
    const char *before = sim_json_text(story->repo->refs, ref);
    snprintf(story->before, sizeof(story->before), "%s", before != NULL ? before : ZEROES);
    free(story->branch);
    story->branch = sim_strdup(branch);
    sim__repo_move(story->repo, branch, story->message, story->sha);
    if (strcmp(branch, story->repo->branch) != 0) return;
    const char *name;
    json_t *head;
    /* Now the other branches lack what the default one has. */
    json_object_foreach(story->repo->refs, name, head) {
        bool other = strncmp(name, "heads/", 6) == 0 && strcmp(name + 6, branch) != 0;
        if (other) json_object_set_new(story->repo->behind, name + 6, json_true());
    }
}

static enum sim_step pushed(struct sim *sim, struct sim_story *story) {
    if (strcmp(story->before, ZEROES) == 0) {
        sim__say_ref(sim, story, "create", story->branch, "branch");
    }
    sim__say_push(sim, story);
    return SIM_STEP_NEXT;
}

static enum sim_step told(struct sim *sim, struct sim_story *story) {
    return story->then(sim, story);
}

void sim__story_push(struct sim *sim, struct sim_story *story, sim_step_fn *then) {
    static sim_step_fn *const steps[] = {pushed,
                                         told,
                                         sim__ci_begins,
                                         sim__ci_queued,
                                         sim__ci_runs,
                                         sim__ci_lint,
                                         sim__ci_tests,
                                         sim__ci_ends,
                                         sim__ci_told,
                                         sim__deploy_begins,
                                         sim__deploy_builds,
                                         sim__deploy_ends,
                                         NULL};
    story->then = then;
    sim__story_go(sim, story, steps);
}

static enum sim_step synchronized(struct sim *sim, struct sim_story *story) {
    if (story->pull != NULL) {
        char at[32];
        sim_time_iso(sim_now_ms(), at);
        json_t *head = json_object_get(story->pull, "head");
        json_object_set_new(head, "sha", json_string(story->sha));
        json_object_set_new(story->pull, "updated_at", json_string(at));
        sim__say_pull(sim, story, "synchronize");
    }
    return SIM_STEP_NEXT;
}

static void push_tag(struct sim *sim, struct sim_req *req, struct sim_story *story,
                     const char *tag) {
    SIM_FREE char *ref = sim_fmt("heads/%s", story->repo->branch);
    SIM_FREE char *name = sim_fmt("tags/%s", tag);
    snprintf(story->sha, sizeof(story->sha), "%s", sim_json_text(story->repo->refs, ref));
    snprintf(story->before, sizeof(story->before), ZEROES);
    story->branch = sim_strdup(name);
    json_object_set_new(story->repo->refs, name, json_string(story->sha));
    sim__say_ref(sim, story, "create", tag, "tag");
    sim__say_push(sim, story);
    sim__say_release(sim, story, tag);
    sim_reply_json(req, 200, json_pack("{s:b, s:s}", "ok", 1, "sha", story->sha));
    sim__story_free(story);
}

void sim_happen_push(struct sim *sim, struct sim_req *req) {
    json_auto_t *ask = sim_req_json(req);
    struct sim_story *story = sim__story_new(sim, ask);
    const char *branch = sim_json_text(ask, "branch"), *tag = sim_json_text(ask, "tag");
    if (story == NULL || (branch != NULL && branch[0] == '\0')) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {repo?, user?, branch?, message?, fail?: ci|build|release|crash, "
                        "tag?} known to the sim.");
        if (story != NULL) sim__story_free(story);
        return;
    }
    if (tag != NULL) {
        push_tag(sim, req, story, tag);
        return;
    }
    sim__story_commit(story, branch != NULL ? branch : story->repo->branch);
    story->pull = sim__pull_of_branch(story->repo, story->branch);
    sim_reply_json(
        req, 200,
        json_pack("{s:b, s:s, s:s}", "ok", 1, "sha", story->sha, "branch", story->branch));
    sim__story_push(sim, story, synchronized);
}

struct recovery {
    struct sim_app *app;
    char *dyno; /* NULL: all */
};

static void recover(struct sim *sim, void *arg, bool dropped) {
    struct recovery *recovery = arg;
    if (!dropped) sim_dyno_restart(sim, recovery->app, recovery->dyno);
    free(recovery->dyno);
    free(recovery);
}

void sim__recover_later(struct sim *sim, struct sim_app *app, const char *dyno, int64_t delay_ms) {
    struct recovery *recovery = sim_alloc(sizeof(*recovery));
    *recovery = (struct recovery){.app = app, .dyno = sim_strdup(dyno)};
    sim_timer_add(sim, delay_ms + sim->conf.event_ms * RECOVERS_STEPS, true, recover, recovery);
}

void sim_happen_crash(struct sim *sim, struct sim_req *req) {
    json_auto_t *ask = sim_req_json(req);
    const char *name = sim_json_text(ask, "app"), *dyno = sim_json_text(ask, "dyno");
    struct sim_app *app = sim_app_find(sim, name != NULL ? name : "storefront-production");
    if (dyno == NULL) dyno = "web.1";
    if (app == NULL || !sim_dyno_crash(sim, app, dyno)) {
        sim_reply_error(req, 422, "invalid_params", "Expected {app?, dyno?} of a dyno that is up.");
        return;
    }
    sim__recover_later(sim, app, dyno, 0);
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:s, s:s}", "ok", 1, "app", sim_json_text(app->info, "name"),
                             "dyno", dyno));
}

void sim_happen_vars(struct sim *sim, struct sim_req *req) {
    json_auto_t *ask = sim_req_json(req);
    const char *name = sim_json_text(ask, "app"), *var = sim_json_text(ask, "name");
    struct sim_app *app = sim_app_find(sim, name != NULL ? name : "storefront-staging");
    size_t who = person_at(ask);
    const json_t *current = app != NULL ? sim_release_current(app) : NULL;
    if (current == NULL || who == SIM_ARRAY_LEN(people)) {
        sim_reply_error(req, 422, "invalid_params", "Expected {app?, user?, name?}.");
        return;
    }
    SIM_FREE char *description = sim_fmt("Set %s config vars", var != NULL ? var : "GREETING");
    json_t *release = sim_release_add(sim, app, &sim->heroku->account[who],
                                      sim_json_text2(current, "slug", "id"), description);
    sim_release_phase(sim, app, release);
    sim_reply_json(req, 200, json_deep_copy(release));
}
