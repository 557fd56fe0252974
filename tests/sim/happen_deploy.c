/* happen_deploy.c -- what Heroku does with a green commit: it deploys the default branch to the staging app,
 * and makes a review app of a pull request; see happen.h. */
#include "happen.h"

#include <string.h>

static void status(struct sim *sim, struct sim_story *story, const char *state,
                   const char *description) {
    const json_t *shown = json_object_get(story->deploy, "shown");
    SIM_FREE char *url =
        sim_fmt("https://%s.herokuapp.example/", sim_json_text(shown, "environment"));
    SIM_FREE char *log = sim_fmt("https://dashboard.heroku.example/apps/%s/activity",
                                 sim_json_text(shown, "environment"));
    bool good = strcmp(state, "success") == 0;
    json_auto_t *ask = json_pack("{s:s, s:s, s:s}", "description", description, "log_url", log,
                                 "environment_url", good ? url : "");
    (void)sim__deploy_status_add(sim, story->repo, story->person, story->deploy, ask, state);
}

static bool is_default(const struct sim_story *story) {
    return strcmp(story->branch, story->repo->branch) == 0;
}

static void fail_arm(struct sim_story *story) {
    static const struct {
        const char *word;
        enum sim_fail where;
    } rows[] = {
        {"build", SIM_FAIL_BUILD}, {"release", SIM_FAIL_RELEASE}, {"crash", SIM_FAIL_DYNOS}};
    for (size_t i = 0; story->fail != NULL && i < SIM_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].word, story->fail) != 0) continue;
        story->app->fail = rows[i].where;
        story->app->fail_times = 1;
    }
}

enum sim_step sim__deploy_begins(struct sim *sim, struct sim_story *story) {
    bool live = is_default(story);
    if (live ? story->app == NULL : story->pull == NULL) return SIM_STEP_END;
    if (live && story->app->build != NULL) return SIM_STEP_AGAIN; /* Heroku waits for it, too */
    SIM_FREE char *review = live ? NULL
                                 : sim_fmt("%s-pr-%lld", story->repo->name,
                                           (long long)sim_json_int(story->pull, "number", 0));
    const char *environment = live ? sim_json_text(story->app->info, "name") : review;
    json_auto_t *ask = json_pack("{s:s, s:s, s:b}", "ref", live ? story->sha : story->branch,
                                 "environment", environment, "transient_environment", !live);
    story->deploy = json_incref(sim__deploy_add(sim, story->repo, story->person, ask, story->sha));
    status(sim, story, "pending", "Heroku begins");
    if (live) {
        fail_arm(story);
        story->build = json_incref(sim_build_auto(sim, story->app, story->account, story->sha));
    }
    return SIM_STEP_NEXT;
}

static bool is(const json_t *object, const char *word) {
    return strcmp(sim_json_text(object, "status"), word) == 0;
}

enum sim_step sim__deploy_builds(struct sim *sim, struct sim_story *story) {
    size_t told = json_array_size(json_object_get(story->deploy, "statuses"));
    if (told == 1) status(sim, story, "in_progress", "Building");
    if (story->build == NULL) return SIM_STEP_NEXT;
    if (is(story->build, "pending")) return SIM_STEP_AGAIN;
    if (is(story->build, "succeeded")) return SIM_STEP_NEXT;
    status(sim, story, "failure", "Build failed");
    return SIM_STEP_END;
}

enum sim_step sim__deploy_ends(struct sim *sim, struct sim_story *story) {
    const json_t *release = NULL;
    if (story->build != NULL) {
        release = sim_release_find(story->app, sim_json_text2(story->build, "release", "id"));
        if (release == NULL) return SIM_STEP_END; /* a reset took it away */
        if (is(release, "pending")) return SIM_STEP_AGAIN;
    }
    bool good = release == NULL || is(release, "succeeded");
    status(sim, story, good ? "success" : "failure",
           good ? "Deployed to Heroku" : "Release command failed");
    bool crashes = story->fail != NULL && strcmp(story->fail, "crash") == 0;
    if (crashes && story->build != NULL) {
        sim__recover_later(sim, story->app, NULL, sim->conf.dyno_max_ms);
    }
    return SIM_STEP_NEXT;
}
