/* happen_ci.c -- the checks of a commit: two runs of a suite, a status, and Heroku CI; see happen.h. */
#include "happen.h"

#include <string.h>

#define HEROKU_CI "continuous-integration/heroku"

static bool fails(const struct sim_story *story) {
    return story->fail != NULL && strcmp(story->fail, "ci") == 0;
}

enum sim_step sim__ci_begins(struct sim *sim, struct sim_story *story) {
    /* A commit that nobody pushed has green checks already; this one has none yet. */
    json_object_set_new(story->repo->checks, story->sha,
                        json_pack("{s:[], s:[]}", "statuses", "runs"));
    sim__say_suite(sim, story, "queued", NULL);
    sim__say_workflow(sim, story, "requested", NULL);
    return SIM_STEP_NEXT;
}

/* Of Heroku CI there is no webhook: its status at GitHub tells, and GET /pipelines/{id}/test-runs. */
static void run_set(const struct sim_story *story, const char *status) {
    char at[32];
    if (story->run == NULL) return;
    sim_time_iso(sim_now_ms(), at);
    json_object_set_new(story->run, "status", json_string(status));
    json_object_set_new(story->run, "updated_at", json_string(at));
}

static void run_begin(struct sim_story *story) {
    char id[37], at[32];
    if (story->app == NULL) return;
    struct sim_pipeline *pipeline = story->app->pipeline;
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), at);
    story->run = json_pack(
        "{s:s, s:b, s:s, s:s, s:s, s:b, s:n, s:s, s:{s:s}, s:s, s:n, s:i, s:n, s:{s:s}, s:s, s:s, "
        "s:o, s:n}",
        "actor_email", story->account->email, "clear_cache", 0, "commit_branch", story->branch,
        "commit_message", story->message, "commit_sha", story->sha, "debug", 0, "app_setup",
        "created_at", at, "dyno", "size", "performance-m", "id", id, "message", "number",
        (int)json_array_size(pipeline->runs) + 1, "organization", "pipeline", "id",
        sim_json_text(pipeline->info, "id"), "status", "pending", "updated_at", at, "user",
        sim_account_ref(story->account), "warning_message");
    json_array_append(pipeline->runs, story->run);
}

enum sim_step sim__ci_queued(struct sim *sim, struct sim_story *story) {
    sim__say_check(sim, story, "test", "queued", "created");
    sim__say_status(sim, story, HEROKU_CI, "pending", "The tests are queued");
    run_begin(story);
    return SIM_STEP_NEXT;
}

enum sim_step sim__ci_runs(struct sim *sim, struct sim_story *story) {
    sim__say_workflow(sim, story, "in_progress", NULL);
    sim__say_check(sim, story, "lint", "in_progress", "created");
    sim__say_status(sim, story, "ci/test", "pending", "Tests run");
    run_set(story, "running");
    return SIM_STEP_NEXT;
}

enum sim_step sim__ci_lint(struct sim *sim, struct sim_story *story) {
    sim__say_check(sim, story, "lint", "success", "completed");
    return SIM_STEP_NEXT;
}

enum sim_step sim__ci_tests(struct sim *sim, struct sim_story *story) {
    sim__say_check(sim, story, "test", fails(story) ? "failure" : "success", "completed");
    sim__say_status(sim, story, "ci/test", fails(story) ? "failure" : "success",
                    fails(story) ? "2 of 312 tests failed" : "All tests passed");
    return SIM_STEP_NEXT;
}

enum sim_step sim__ci_ends(struct sim *sim, struct sim_story *story) {
    const char *end = fails(story) ? "failure" : "success";
    sim__say_workflow(sim, story, "completed", end);
    sim__say_suite(sim, story, "completed", end);
    return SIM_STEP_NEXT;
}

enum sim_step sim__ci_told(struct sim *sim, struct sim_story *story) {
    sim__say_status(sim, story, HEROKU_CI, fails(story) ? "failure" : "success",
                    fails(story) ? "The tests failed" : "The tests passed");
    run_set(story, fails(story) ? "failed" : "succeeded");
    return fails(story) ? SIM_STEP_END : SIM_STEP_NEXT;
}
