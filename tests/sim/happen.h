/* happen.h -- what happens at GitHub and Heroku without Slipway, step by step, and how webhooks tell it.
 *
 * shapes   a story is one push or pull request with all that follows: a list of steps, one every --event-ms.
 *          Webhooks leave at once, in order. With --shuffle-events each waits for a while that the seed
 *          decides; with --repeat-events each is delivered twice, as the same event
 * units    *_ms; a step is --event-ms
 * errors   422 for what is not known
 * owner    the one thread of the sim; a story frees itself after its last step
 * source   GitHub "Webhook events and payloads"; Heroku "GitHub Integration", "Review Apps", "Heroku CI"
 * limits   a shuffled webhook is late by 20 steps at most
 *
 * Admin, POST and JSON; user is ada (the default), bob or cyd, repo acme/storefront when absent:
 *   /sim/push   {repo, user, branch?, message?, fail?: ci|build|release|crash}: push, check suite, checks,
 *               Heroku CI; on the default branch, when they are green, Heroku deploys it to the staging app.
 *               With {tag} instead: a tag and its release. -> {ok, sha, branch}
 *   /sim/pull   {repo, user, action: open|merge|close|label, number?, title?, label?}: the newest open one
 *               when no number is given; an open one gets a review app. -> {ok, number, sha, branch}
 *   /sim/crash  {app?, dyno?}: a dyno crashes and is started again ten steps later
 *   /sim/vars   {app?, user?, name?}: somebody sets a config var, which makes a release. -> the release
 *   GET /sim/buttons           {buttons: [{label, path, ask}]}: those of the page
 *   GET /sim/webhooks?since=n  {stories: how many go on, webhooks: [{n, at_ms, who: GitHub|Heroku, type, detail?,
 *                              status}]}: each attempt that was answered, oldest first; 2,000 are kept
 */
#ifndef SIM_HAPPEN_H
#define SIM_HAPPEN_H

#include "github_priv.h"
#include "heroku.h"

#define SIM_SHUFFLE_STEPS 20

enum sim_step { SIM_STEP_NEXT, SIM_STEP_AGAIN, SIM_STEP_END };
struct sim_story;
typedef enum sim_step sim_step_fn(struct sim *sim, struct sim_story *story);

struct sim_story {
    struct sim *sim;
    sim_step_fn *const *step; /* the next one; the list ends with NULL */
    sim_step_fn *then;        /* of sim__story_push */
    struct sim_repo *repo;
    const struct sim_person *person;
    const struct sim_account *account; /* the same person at Heroku */
    struct sim_app *app;               /* to which the default branch goes; may be NULL */
    json_t *pull;                      /* borrowed from the repository, or NULL */
    char *branch, *message, *fail;     /* fail: NULL or the word */
    char sha[41], before[41];          /* before: zeroes for a new branch */
    json_t *suite, *workflow, *run;    /* of CI; run: Heroku's */
    json_t *deploy, *build;            /* deploy {shown, statuses} */
};

/* post.c */
int64_t sim_event_delay_ms(struct sim *sim);
void sim_event_told(struct sim *sim, const char *who, const char *type, const json_t *payload,
                    long status); /* a webhook was answered; status 0: not */
void sim_event_show(struct sim *sim, struct sim_req *req);

/* happen.c: a story of {repo, user, message, fail}, NULL where one is not known; its first commit; its steps,
 * after which it is freed; a dyno that crashed starts again (`dyno` NULL: all do). */
struct sim_story *sim__story_new(struct sim *sim, const json_t *ask);
void sim__story_commit(struct sim_story *story, const char *branch);
void sim__story_go(struct sim *sim, struct sim_story *story, sim_step_fn *const *steps);
/* The steps of a push: GitHub tells it, `then` tells what else it was, CI runs, and it is deployed. */
void sim__story_push(struct sim *sim, struct sim_story *story, sim_step_fn *then);
void sim__story_free(struct sim_story *story);
void sim__recover_later(struct sim *sim, struct sim_app *app, const char *dyno, int64_t delay_ms);

/* happen_pull.c: the open one, borrowed, or NULL. */
json_t *sim__pull_of_branch(const struct sim_repo *repo, const char *branch);

/* happen_say.c: payloads of GitHub's events, told at once. */
void sim__say_push(struct sim *sim, const struct sim_story *story);
void sim__say_ref(struct sim *sim, const struct sim_story *story, const char *type, const char *ref,
                  const char *ref_type); /* create or delete */
void sim__say_pull(struct sim *sim, const struct sim_story *story, const char *action);
void sim__say_check(struct sim *sim, const struct sim_story *story, const char *name,
                    const char *state, const char *action); /* also sets it */
void sim__say_status(struct sim *sim, const struct sim_story *story, const char *context,
                     const char *state, const char *text); /* also sets it */
void sim__say_suite(struct sim *sim, struct sim_story *story, const char *status,
                    const char *conclusion);
void sim__say_workflow(struct sim *sim, struct sim_story *story, const char *action,
                       const char *conclusion);
void sim__say_release(struct sim *sim, const struct sim_story *story, const char *tag);

/* Steps. */
sim_step_fn sim__ci_begins, sim__ci_queued, sim__ci_runs, sim__ci_lint, sim__ci_tests, sim__ci_ends,
    sim__ci_told;
sim_step_fn sim__deploy_begins, sim__deploy_builds, sim__deploy_ends;

/* Handlers of the admin. */
void sim_happen_push(struct sim *sim, struct sim_req *req);
void sim_happen_pull(struct sim *sim, struct sim_req *req);
void sim_happen_crash(struct sim *sim, struct sim_req *req);
void sim_happen_vars(struct sim *sim, struct sim_req *req);
void sim_happen_buttons(struct sim *sim, struct sim_req *req);

#endif
