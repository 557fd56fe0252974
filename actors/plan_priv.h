/* plan_priv.h -- the phases and steps that plan_kinds.c and plan_steps.c put into their tables.
 *
 * shapes   executor_priv.h; a phase is int (plan), a step's functions are named after the step
 *          lock/<installation>/<app id>  {op, user, since_ms, until_ms}: one operation at a time
 *          held/<installation>  {"<pipeline id>/<stage or *>": {pipeline, stage?, user, who, reason?,
 *                               since_ms}}: locks that people set
 *          ops/<installation>   [{id, kind, user, line, pipeline?, stage?, apps?, state, since_ms,
 *                               end_ms?}]: what runs, and what ended last
 * units    *_ms
 * errors   as executor_priv.h
 * owner    as executor_priv.h
 * source   executor_priv.h
 * limits   200 locks of people in 40 KiB, 100 operations in 48 KiB
 */
#ifndef SW_PLAN_PRIV_H
#define SW_PLAN_PRIV_H

#include "actors/executor_priv.h"

/* Longer than any plan: only a plan that was lost leaves a lock behind. */
#define SW__LOCK_TTL_MS (60 * 60 * 1000LL)

/* plan_find.c: the pipeline, its stages and apps.
 * state: pipeline {id, name}, apps [{id, stage, name}], counts {stage: n} */
int sw__find_start(struct sw__plan *p);
void sw__find_pages_call(struct sw__plan *p);
int sw__find_pages_said(struct sw__plan *p, const struct sw__said *said);
void sw__find_couplings_call(struct sw__plan *p);
int sw__find_couplings_said(struct sw__plan *p, const struct sw__said *said);
void sw__find_apps_call(struct sw__plan *p);
int sw__find_apps_said(struct sw__plan *p, const struct sw__said *said);

/* plan_read.c */
int sw__info_start(struct sw__plan *p);
void sw__info_call(struct sw__plan *p);
int sw__info_said(struct sw__plan *p, const struct sw__said *said);
void sw__info_trouble(struct sw__plan *p, const struct sw__said *said);
int sw__releases_start(struct sw__plan *p);
void sw__releases_call(struct sw__plan *p);
int sw__releases_said(struct sw__plan *p, const struct sw__said *said);

/* plan_choose.c: which apps; false: the plan is over, the person knows why.
 * state: from {stage, id, name}, to {stage, several}, targets [{id, name, state}] */
bool sw__choose_promote(struct sw__plan *p);
bool sw__choose_releases(struct sw__plan *p); /* state: app {stage, id, name} */
/* The one app of the command's environment and application; no stage given: `stage`, NULL: staging,
 * else production, else development, whichever has apps. state: to, targets */
bool sw__choose_target(struct sw__plan *p, const char *stage);
/* Whether the pipeline has this stage; false: the plan is over. */
bool sw__choose_has_stage(struct sw__plan *p, const char *stage);
/* A new list of the state's apps in `stage`. */
json_t *sw__choose_stage(const json_t *state, const char *stage);

/* plan_lock.c */
/* A phase: nobody's lock is in the way, and the targets are ours until the end. */
int sw__lock_start(struct sw__plan *p);
/* Loads what sw__lock_free needs. */
int sw__lock_load(struct sw__plan *p);
/* Only locks of this very command: one that ran out may be another's by now. */
void sw__lock_free(struct sw__plan *p);
char *sw__held_key(const struct sw__plan *p);
/* The end: somebody has locked it. */
void sw__lock_held(struct sw__plan *p, const json_t *lock);

/* plan_hold.c: phases */
int sw__hold_lock(struct sw__plan *p);
int sw__hold_unlock(struct sw__plan *p);
int sw__hold_list(struct sw__plan *p);

/* plan_ops.c: the operations of this installation, for `status` and `cancel`. */
int sw__ops_load(struct sw__plan *p);
void sw__ops_note(struct sw__plan *p, const char *state);
char *sw__ops_key(const struct sw__plan *p);

/* plan_status.c: phases */
/* A new list of at most `max` that run, of the asker's channel or the asker's own; *ret_more: how
 * many others there are. */
json_t *sw__ops_running(const struct sw__plan *p, size_t max, json_int_t *ret_more);
int sw__status_start(struct sw__plan *p);
int sw__cancel_start(struct sw__plan *p);
int sw__wait_start(struct sw__plan *p);

/* plan_promote.c */
int sw__promote_choose(struct sw__plan *p);
int sw__source_start(struct sw__plan *p);
void sw__source_call(struct sw__plan *p);
int sw__source_said(struct sw__plan *p, const struct sw__said *said);
int sw__promote_tell(struct sw__plan *p);
int sw__post_start(struct sw__plan *p);
void sw__post_call(struct sw__plan *p);
int sw__post_said(struct sw__plan *p, const struct sw__said *said);
void sw__post_look(struct sw__plan *p);
enum sw__seen sw__post_seen(struct sw__plan *p, const struct sw__said *said);
int sw__post_found(struct sw__plan *p);
bool sw__promote_take(const struct sw__plan *p, json_t *target, const json_t *releases);
void sw__promote_describe(const struct sw__plan *p, json_t *data);
/* plan_before.c: the newest version of each target, as it is before anything is changed.
 * state: targets[].before */
int sw__before_start(struct sw__plan *p);
void sw__before_call(struct sw__plan *p);
int sw__before_said(struct sw__plan *p, const struct sw__said *said);
/* A list of the target's latest releases, for finding ours among them. */
json_t *sw__before_request(const json_t *target);
/* The target at the state's cursor; NULL beyond the last. */
json_t *sw__cursor_target(const struct sw__plan *p);
/* Whether `release` is newer than what was before, made by this person since the write began, and
 * its description has `words`; what is not said counts as ours. */
bool sw__before_is_ours(const struct sw__plan *p, const json_t *target, const json_t *release,
                        const char *verb, const char *words);

/* plan_check.c */
void sw__check_start(struct sw__plan *p, bool answered);
void sw__look_call(struct sw__plan *p);
int sw__look_said(struct sw__plan *p, const struct sw__said *said);
void sw__look_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__look_wait(struct sw__plan *p);
void sw__look_due(struct sw__plan *p);

/* plan_watch.c */
int sw__watch_start(struct sw__plan *p);
void sw__watch_round(struct sw__plan *p);
void sw__watch_wait(struct sw__plan *p);
void sw__watch_next(struct sw__plan *p); /* goes on with the round, from the cursor */
void sw__watch_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__targets_call(struct sw__plan *p);
int sw__targets_said(struct sw__plan *p, const struct sw__said *said);
void sw__release_call(struct sw__plan *p);
int sw__release_said(struct sw__plan *p, const struct sw__said *said);
void sw__release_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__missing_call(struct sw__plan *p);
int sw__missing_said(struct sw__plan *p, const struct sw__said *said);
int sw__promote_finish(struct sw__plan *p);

/* plan_deploy.c: phases and their steps.
 * state: targets[0] {build, release, version}; archive: the box with the link to the source */
json_t *sw__deploy_target(const struct sw__plan *p); /* borrowed */
int sw__deploy_choose(struct sw__plan *p);
int sw__preauth_start(struct sw__plan *p); /* a code that was typed opens the app */
void sw__preauth_call(struct sw__plan *p);
int sw__preauth_said(struct sw__plan *p, const struct sw__said *said);
int sw__deploy_tell(struct sw__plan *p);
int sw__archive_start(struct sw__plan *p);
void sw__archive_call(struct sw__plan *p);
int sw__archive_said(struct sw__plan *p, const struct sw__said *said);
int sw__build_start(struct sw__plan *p);
void sw__build_call(struct sw__plan *p);
int sw__build_said(struct sw__plan *p, const struct sw__said *said);
void sw__build_look(struct sw__plan *p);
enum sw__seen sw__build_seen(struct sw__plan *p, const struct sw__said *said);
int sw__build_found(struct sw__plan *p);

/* plan_deploy_watch.c: phases and their steps.
 * state: at "building", "releasing", "restarting"; until_ms; dynos {up, all} */
void sw__deploy_round(struct sw__plan *p);
void sw__deploy_trouble(struct sw__plan *p, const struct sw__said *said);
bool sw__deploy_cancel(struct sw__plan *p);
int sw__building_start(struct sw__plan *p);
void sw__building_call(struct sw__plan *p);
int sw__building_said(struct sw__plan *p, const struct sw__said *said);
void sw__build_cancel_call(struct sw__plan *p);
int sw__build_cancel_said(struct sw__plan *p, const struct sw__said *said);
void sw__build_cancel_trouble(struct sw__plan *p, const struct sw__said *said);
enum sw__seen sw__build_cancel_seen(struct sw__plan *p, const struct sw__said *said);
int sw__build_cancel_found(struct sw__plan *p);
void sw__build_cancel_lost(struct sw__plan *p, const char *why, const char *reason);
int sw__releasing_start(struct sw__plan *p);
void sw__build_release_call(struct sw__plan *p);
int sw__build_release_said(struct sw__plan *p, const struct sw__said *said);
int sw__dynos_start(struct sw__plan *p);
void sw__dynos_call(struct sw__plan *p);
int sw__dynos_said(struct sw__plan *p, const struct sw__said *said);
int sw__deploy_finish(struct sw__plan *p);

/* plan_deploy_say.c */
json_t *sw__deploy_log(const struct sw__plan *p); /* an address, NULL: none yet; the caller frees */
void sw__deploy_describe(const struct sw__plan *p, json_t *data);
void sw__deploy_unknown(struct sw__plan *p, const char *why, const char *reason);
/* GitHub learns of the phase (sw__github_say), then goes to `step`. */
void sw__deploy_say(struct sw__plan *p, const char *phase, const char *step);

/* plan_repo.c: the repository that the pipeline is connected to.
 * state: repo {name}; unrecorded: why GitHub is left out ("no_repo", "no_access", "no_commit",
 *        "away"), which only a promotion may go on with */
bool sw__is_deploy(const struct sw__plan *p);
const char *sw__repo_name(const struct sw__plan *p); /* "" where there is none */
bool sw__repo_name_valid(const char *name);          /* "owner/name", fit to stand in a path */
int sw__repo_start(struct sw__plan *p);
void sw__repo_call(struct sw__plan *p);
void sw__repo_old_call(struct sw__plan *p);
int sw__repo_said(struct sw__plan *p, const struct sw__said *said);
int sw__repo_old_said(struct sw__plan *p, const struct sw__said *said);
void sw__repo_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__repo_old_trouble(struct sw__plan *p, const struct sw__said *said);
/* A promotion goes on without GitHub. */
int sw__repo_without(struct sw__plan *p, const char *why);
/* An error that only a promotion can do without: true where it goes on. */
bool sw__repo_spared(struct sw__plan *p, const struct sw__said *said);

/* plan_route.c: phases and their steps. state: repo {id, name}, absent where this
 * person does not see it; hooks {github: "no_account", "denied", "none", "away" without a repository};
 * channel {channel, channel_name?, private?} */
int sw__route_repo_start(struct sw__plan *p);
void sw__route_repo_call(struct sw__plan *p);
int sw__route_repo_said(struct sw__plan *p, const struct sw__said *said);
void sw__route_repo_trouble(struct sw__plan *p, const struct sw__said *said);
int sw__route_channel_start(struct sw__plan *p);
void sw__route_channel_call(struct sw__plan *p);
void sw__route_channel_due(struct sw__plan *p);
int sw__route_channel_heard(struct sw__plan *p);
int sw__route_add(struct sw__plan *p);
int sw__route_resume(struct sw__plan *p);
int sw__route_list(struct sw__plan *p);
int sw__route_test(struct sw__plan *p);
int sw__unroute(struct sw__plan *p);
int sw__why(struct sw__plan *p);

/* plan_ref.c: its default branch; of a deploy the commit that its ref means, of a promotion the one
 * that its source was built from.
 * state: repo {branch}, ref, sha */
int sw__ref_start(struct sw__plan *p);
void sw__branch_call(struct sw__plan *p);
int sw__branch_said(struct sw__plan *p, const struct sw__said *said);
void sw__branch_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__ref_call(struct sw__plan *p);
int sw__ref_said(struct sw__plan *p, const struct sw__said *said);
void sw__ref_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__slug_call(struct sw__plan *p);
int sw__slug_said(struct sw__plan *p, const struct sw__said *said);
void sw__slug_trouble(struct sw__plan *p, const struct sw__said *said);
/* `text` as a part of a path or a query; `keep`: bytes that stay besides the unreserved ones. */
char *sw__escape(const char *text, const char *keep);
/* The end: this GitHub account may not see it, or not `write` to it. */
void sw__repo_closed(struct sw__plan *p, bool write);

/* plan_required.c: which contexts must be green, by the default branch's protection and rules.
 * state: required [context], pinned {context: app id} */
int sw__checks_start(struct sw__plan *p);
void sw__protection_call(struct sw__plan *p);
int sw__protection_said(struct sw__plan *p, const struct sw__said *said);
void sw__protection_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__rules_call(struct sw__plan *p);
int sw__rules_said(struct sw__plan *p, const struct sw__said *said);
void sw__rules_trouble(struct sw__plan *p, const struct sw__said *said);

/* plan_checks.c: whether they are. state: page, checks {states {context: state}, runs {context:
 * {app: {id, state}}}} while they are asked for */
void sw__checks_ask(struct sw__plan *p);
void sw__commit_states_call(struct sw__plan *p);
int sw__commit_states_said(struct sw__plan *p, const struct sw__said *said);
void sw__runs_call(struct sw__plan *p);
int sw__runs_said(struct sw__plan *p, const struct sw__said *said);
void sw__checks_trouble(struct sw__plan *p, const struct sw__said *said);
/* The end: these [{context, state}] are not green; takes the list. */
void sw__checks_fail(struct sw__plan *p, json_t *contexts);

/* plan_green.c: some are not ready yet: offers to wait, and waits.
 * state: pending [context], green_until_ms */
int sw__green_pending(struct sw__plan *p, json_t *contexts); /* takes them: names */
bool sw__green_waits(const struct sw__plan *p);
void sw__green_describe(const struct sw__plan *p, json_t *data);
void sw__offer_call(struct sw__plan *p);
void sw__offer_due(struct sw__plan *p);
void sw__offer_go(struct sw__plan *p);
int sw__green_again(struct sw__plan *p); /* asks later, as long as there is time */
int sw__green_done(struct sw__plan *p);  /* all are green: the next phase */

/* plan_hub.c: one deployment at GitHub for each target. state: targets[].deployment, its id */
int sw__hub_start(struct sw__plan *p);
void sw__hub_call(struct sw__plan *p);
int sw__hub_said(struct sw__plan *p, const struct sw__said *said);
void sw__hub_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__hub_look(struct sw__plan *p);
enum sw__seen sw__hub_seen(struct sw__plan *p, const struct sw__said *said);
int sw__hub_found(struct sw__plan *p);
void sw__hub_lost(struct sw__plan *p, const char *why, const char *reason);

/* plan_say.c: what GitHub is told of a deployment. */
/* Of this target that it is in `phase` ("build", "release", "restart", "success", "failure",
 * "error", "inactive"), then goes to the step `then`, NULL: to the next phase; at once where there
 * is no deployment. What GitHub does not take is told once and never in the way. */
int sw__github_say(struct sw__plan *p, json_t *target, const char *phase, const char *then);
void sw__say_call(struct sw__plan *p);
int sw__say_said(struct sw__plan *p, const struct sw__said *said);
void sw__say_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__say_look(struct sw__plan *p);
enum sw__seen sw__say_seen(struct sw__plan *p, const struct sw__said *said);
int sw__say_found(struct sw__plan *p);
void sw__say_lost(struct sw__plan *p, const char *why, const char *reason);
/* It was not told: said once. */
void sw__github_untold(struct sw__plan *p);
/* A status is being told, and it is not the end of all; GitHub can no longer be told anything: what
 * happens at Heroku goes on. */
bool sw__github_says(const struct sw__plan *p);
int sw__github_gone(struct sw__plan *p);
/* The plan has ended and the person knows: GitHub's deployments that are open are ended too, then
 * the plan is closed. */
void sw__wind_start(struct sw__plan *p);
void sw__wind_end(struct sw__plan *p);
bool sw__wind_runs(const struct sw__plan *p);

/* plan_poll.c: waits between two looks at something that takes its time.
 * state: wait_ms, scarce */
void sw__poll_wait(struct sw__plan *p);  /* arms the step's timer, longer each time */
void sw__poll_moved(struct sw__plan *p); /* more may follow soon */
void sw__poll_rate(struct sw__plan *p, const struct sw__said *said);

/* plan_report.c: what people see of an operation, and what notifier learns */
void sw__report_parent(struct sw__plan *p, const char *state, bool final);
void sw__report_thread(struct sw__plan *p, const char *template, json_t *data);
void sw__report_promoted(struct sw__plan *p, const char *state);
/* The first message: the parent; targets become sources of webhooks. */
void sw__report_begin(struct sw__plan *p);
/* The parent alone: nothing has begun yet. */
void sw__report_offer(struct sw__plan *p, const char *state);
/* An entry of the audit. */
void sw__report_audit(struct sw__plan *p, const char *outcome);
/* The end where nobody can say what became of it. */
void sw__report_unknown(struct sw__plan *p, const char *why, const char *reason);
/* A target has come to its end: told once. */
void sw__report_target(struct sw__plan *p, json_t *target, const char *state, const char *reason);
bool sw__report_settled(const json_t *target);

#endif
