/* plan_tend.h -- what is done for those who routed while nobody looks: webhooks, access, missed events.
 *
 * shapes   plan_priv.h
 *          hooks {heroku: "ok"|"some"|"none"|"no_secret", github: "ok"|"denied"|"none"|"no_account"|"no_secret"|"app"}
 *          hook {at, bad, fewer, id?, extra?}: while those of Heroku are seen to; at: of apps
 *          missed {at, pages, range?, found [{event, hook, include}]}: Heroku's deliveries of the app at `at`
 *          again {hook, cursor, pages, deep, bad {guid: {id, n: attempts}}, good {guid: true}}: GitHub's
 *          left: how often something was left to the next run
 * units    *_ms
 * errors   as executor_priv.h
 * owner    as executor_priv.h
 * source   PROTO.md "route.v1"; Heroku "App Webhooks"; GitHub "Repository webhooks", "Redelivering webhooks"
 * limits   3 days back; 2,000 deliveries of an app and of the repository, 50 of these asked for again; stops where fewer
 *          than SW__TEND_RESERVE calls of the account's hour are left
 */
#ifndef SW_PLAN_TEND_H
#define SW_PLAN_TEND_H

#include "actors/plan_priv.h"

#define SW__TEND_RESERVE 1000
#define SW__MISSED_BACK_MS (3 * 24 * 3600 * 1000LL)

/* plan_hooks.c: a phase: every app of the state has our webhook, and the repository has.
 * state: hooks */
int sw__hooks_start(struct sw__plan *p);
void sw__hook_list_call(struct sw__plan *p);
int sw__hook_list_said(struct sw__plan *p, const struct sw__said *said);
void sw__hook_extra_call(struct sw__plan *p);
int sw__hook_extra_said(struct sw__plan *p, const struct sw__said *said);
void sw__hook_extra_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__hook_post_call(struct sw__plan *p);
void sw__hook_patch_call(struct sw__plan *p);
int sw__hook_write_said(struct sw__plan *p, const struct sw__said *said);
void sw__hook_write_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__hook_trouble(struct sw__plan *p, const struct sw__said *said);
enum sw__seen sw__hook_seen(struct sw__plan *p, const struct sw__said *said);
int sw__hook_found(struct sw__plan *p);
void sw__hook_lost(struct sw__plan *p, const char *why, const char *reason);
/* Asks for the webhooks of this app, from the state's range on. */
void sw__hook_ask(struct sw__plan *p, const char *app_id);
/* Whether the list goes on; the next call of sw__hook_ask asks for the rest. Then the end of it. */
bool sw__hook_more(struct sw__plan *p, const struct sw__said *said);
void sw__hook_end(struct sw__plan *p);
/* Whether all these names are in the list. */
bool sw__hook_brings(const json_t *list, const char *const *names, size_t n);
/* The one of them that is ours, or NULL. */
const json_t *sw__hook_ours(const struct sw__plan *p, const json_t *list);

/* plan_hooks_github.c: its second half; goes to the next phase. */
int sw__hooks_github(struct sw__plan *p);
void sw__gh_hooks_call(struct sw__plan *p);
int sw__gh_hooks_said(struct sw__plan *p, const struct sw__said *said);
void sw__gh_hook_post_call(struct sw__plan *p);
void sw__gh_hook_patch_call(struct sw__plan *p);
int sw__gh_hook_write_said(struct sw__plan *p, const struct sw__said *said);
void sw__gh_hook_trouble(struct sw__plan *p, const struct sw__said *said);
enum sw__seen sw__gh_hook_seen(struct sw__plan *p, const struct sw__said *said);
int sw__gh_hook_found(struct sw__plan *p);
void sw__gh_hook_lost(struct sw__plan *p, const char *why, const char *reason);
const json_t *sw__gh_hook_ours(const struct sw__plan *p, const json_t *list);
/* The id of a webhook or of a delivery, fit for a path; NULL: it has none. The caller frees. */
char *sw__gh_id(const json_t *one);

/* plan_tend.c: the kinds "tend" and "missed", which nobody typed. */
int sw__tend_start(struct sw__plan *p);
int sw__tend_missed(struct sw__plan *p);
void sw__tend_pipeline_call(struct sw__plan *p);
int sw__tend_pipeline_said(struct sw__plan *p, const struct sw__said *said);
int sw__tend_finish(struct sw__plan *p);
int sw__missed_finish(struct sw__plan *p);
void sw__tend_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__tend_silent(struct sw__plan *p, const char *why);
/* Too few calls are left: true, and the plan is over. */
bool sw__tend_scarce(struct sw__plan *p, const struct sw__said *said);
/* One that was missed, to notifier; takes it. */
void sw__tend_event(struct sw__plan *p, json_t *event);

/* plan_missed.c: phases: what Heroku could not deliver, and its CI, which has no webhook. */
int sw__missed_start(struct sw__plan *p);
/* Since when notifier wants to know, with what was still under way then, and not further back than platforms do. */
int64_t sw__missed_since(const struct sw__plan *p);
void sw__deliveries_call(struct sw__plan *p);
int sw__deliveries_said(struct sw__plan *p, const struct sw__said *said);
void sw__missed_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__missed_hooks_call(struct sw__plan *p);
int sw__missed_hooks_said(struct sw__plan *p, const struct sw__said *said);
void sw__missed_event_call(struct sw__plan *p);
int sw__missed_event_said(struct sw__plan *p, const struct sw__said *said);
void sw__missed_event_trouble(struct sw__plan *p, const struct sw__said *said);
int sw__test_runs_start(struct sw__plan *p);
void sw__test_runs_call(struct sw__plan *p);
int sw__test_runs_said(struct sw__plan *p, const struct sw__said *said);
void sw__test_runs_trouble(struct sw__plan *p, const struct sw__said *said);

/* plan_missed_github.c: a phase: what GitHub could not deliver, which it is asked to do again. */
int sw__again_start(struct sw__plan *p);
void sw__again_hooks_call(struct sw__plan *p);
int sw__again_hooks_said(struct sw__plan *p, const struct sw__said *said);
void sw__again_list_call(struct sw__plan *p);
int sw__again_list_said(struct sw__plan *p, const struct sw__said *said);
void sw__again_call(struct sw__plan *p);
int sw__again_said(struct sw__plan *p, const struct sw__said *said);
void sw__again_refused(struct sw__plan *p, const struct sw__said *said);
void sw__again_trouble(struct sw__plan *p, const struct sw__said *said);

#endif
