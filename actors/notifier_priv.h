/* notifier_priv.h -- who hears of what: pipelines with their routes, and what became of events.
 *
 * shapes   all keys name the installation, since two of them may share a shard
 *          src/<inst>/<source>     [pipeline id]
 *          pipe/<inst>/<pipeline>  {pipeline: {id, name}, apps: [{id, name, stage}], repo?: {id, name}, hooks?, checked_ms,
 *                                  owner: {user, team, channel, enterprise?, email?}, missed_ms: since when webhooks that were
 *                                  missed are to be asked for, before?: {op, ms}: the same, until the command `op` asked,
 *                                  routes: [{id, channel, channel_name?, team, by, since_ms, only?, stages?, states?, branch?,
 *                                  blind?: who made it does not see the repository, paused?: reason}]}
 *          route/<inst>/<id>, chan/<inst>/<channel>, owner/<inst>/<user>, all/<inst>   pipeline id, [pipeline id]
 *          subj/<inst>/<key>       {state (subject.h), n, shown: {channel: true}, op?: {op, channel, ms: of its last event}, bare?: the state of what
 *                                  Heroku told alone, where some route is blind, life?: 2 and on, older?: [the same of earlier lives]}
 *          link/<inst>/<name>      {key} or {wait: [event]}: the subject of dynos that run a release (sw_subject_link)
 *          why/<inst>/<event>      {type, source, at_ms, got_ms, of?, name?, sha?, op?, never?, verdicts: [{id, channel,
 *                                  pipeline, what, detail?, private?}], only?: [channel], where all of them are private}, four days
 *          sha/<inst>/<first 7>    [event id]
 *          person/<inst>/<provider>/<id, email or login>   {user}
 *          app/<inst>/<app id>, op/<inst>/<command>, seen/<inst>/<app id>/<version>   notifier_follow.c
 *          timers  missed/<inst>/<pipeline>, check/<inst>/<pipeline>
 *          jobs    bodies of notifier.timer.v1, also sent to itself where one call would do too much
 * units    *_ms
 * errors   0; -EAGAIN a fact is not loaded; -EBADMSG a body without what it must have
 * owner    a function that takes a json_t says so; else all is borrowed
 * source   PROTO.md route.v1, event.v1, channel_state.v1, person.v1
 * limits   200 pipelines, 50 routes a pipeline, 20 pipelines a source, 100 apps a pipeline, 50 channels an event
 */
#ifndef SW_NOTIFIER_PRIV_H
#define SW_NOTIFIER_PRIV_H

#include "actors/subject.h"
#include "common/actor.h"
#include "common/mem.h"

#define SW__ROUTES_MAX 50
#define SW__PIPELINES_MAX 200
#define SW__SHARED_MAX 20 /* pipelines of one source */
#define SW__CHANNELS_MAX 50
#define SW__APPS_KEPT 100
#define SW__STEP                                                                                   \
    20 /* pipelines or sources that one call changes; the rest is a message to itself */
#define SW__WHY_MS (4 * 24 * 60 * 60 * 1000LL) /* as long as a webhook's id is remembered */

struct sw__notify { /* one call of the handler */
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
};

/* notifier_state.c: a value by kind and name ("" where the kind has one only). */
char *sw__kept_key(const struct sw__notify *n, const char *kind, const char *name);
int sw__kept_get(const struct sw__notify *n, const char *kind, const char *name,
                 const json_t **ret);
/* Takes `value`; ttl_ms 0: for ever. */
void sw__kept_put(const struct sw__notify *n, const char *kind, const char *name, json_t *value,
                  int64_t ttl_ms);
void sw__kept_drop(const struct sw__notify *n, const char *kind, const char *name);
/* Whether a text may be part of a key: letters, digits and -_.:/@+, at most 120. */
bool sw__kept_name(const char *text);
/* The list under a key, with `id` in it or without; it must be loaded (sw__kept_get). An empty one is forgotten. */
void sw__list_put(const struct sw__notify *n, const char *kind, const char *name, const char *id,
                  bool in);
/* All that webhooks of a pipeline may come from; NULL: []. The caller owns. */
json_t *sw__sources_of(const json_t *pipe);
/* Brings src/ and the index of ingress in line with the pipeline, for each of `sources`: by a message to itself, and
 * what that does. */
void sw__sources_ask(const struct sw__notify *n, const char *pipeline, const json_t *sources);
int sw__sources_job(const struct sw__notify *n);
/* The id of a pipeline named as {id} or by its id alone. */
const char *sw__pipeline_id(const json_t *body);
const char *sw__pipeline_name(const json_t *pipe);

/* A message to itself. Takes `job`. */
void sw__tell_self(const struct sw__notify *n, json_t *job);
/* The answer to who typed it; takes `data`. */
void sw__tell_answer(const struct sw__notify *n, const char *template, json_t *data);
/* A direct message to the owner of `pipe`; takes `data`. */
void sw__tell_owner(const struct sw__notify *n, const json_t *owner, const char *template,
                    json_t *data);
/* Once in the channel of a route; takes `data`. */
void sw__tell_channel(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                      const char *template, json_t *data);
/* In the channel of a route: why it ends, and how somebody can take it over. */
void sw__tell_lost(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                   const char *reason);
/* What people see of a route: {id, pipeline, channel, only?, stages?, states?, branch?, owner, paused?}. Caller owns. */
json_t *sw__routed_shown(const json_t *pipe, const json_t *route);
json_t *sw__routed_find(const json_t *pipe, const char *key, const char *value); /* borrowed */
/* It leads to a private channel, and who asks is neither there nor answerable for it: they need not know of it. */
bool sw__routed_hidden(const struct sw__notify *n, const json_t *pipe, const json_t *route);
/* Whether it is paused because of its owner's rights, or because of its channel. */
bool sw__paused_by_owner(const json_t *route);
/* Whether this was found out by the rights of who owns it now: somebody else may have taken it over meanwhile. */
bool sw__found_by_owner(const struct sw__notify *n, const json_t *pipe);
void sw__routed_audit(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                      const char *task);

/* notifier_route.c, notifier_remove.c, notifier_show.c: route.v1 */
int sw__routed_v1(const struct sw__notify *n);
int sw__routed_remove(const struct sw__notify *n);
int sw__routed_drop(const struct sw__notify *n); /* one route of those that were removed */
int sw__routed_list(const struct sw__notify *n);
int sw__routed_test(const struct sw__notify *n);

/* notifier_pause.c */
int sw__routed_lost(const struct sw__notify *n);
int sw__channel_state(const struct sw__notify *n);
int sw__channel_event(const struct sw__notify *n);
int sw__channel_job(const struct sw__notify *n, const json_t *job);

/* notifier_tend.c */
void sw__clock_arm(const struct sw__notify *n, const char *pipeline);
void sw__clock_stop(const struct sw__notify *n, const char *pipeline);
int sw__clock_due(const struct sw__notify *n);
int sw__clock_away(const struct sw__notify *n);
/* Whether the bot may post there: what is not so pauses its routes. */
void sw__clock_ask(const struct sw__notify *n, const json_t *pipe, const char *channel);
int sw__clock_hurry(
    const struct sw__notify *n); /* the pipelines of body.user are checked at once */
int sw__person_v1(const struct sw__notify *n);
/* {"<provider>/<id>": user} of those of `people` who are linked; *ret is the caller's. */
int sw__people_here(const struct sw__notify *n, const json_t *people, json_t **ret);

/* notifier_event.c, notifier_want.c, notifier_filter.c */
int sw__event_v1(const struct sw__notify *n);
void sw__event_want(const struct sw__notify *n);
/* NULL: it passes; else the word of the filter that does not let it: "stages", "branch", "only", "states". */
const char *sw__filter_refuses(const json_t *route, const struct sw_subject_facts *facts,
                               const char *state, bool shown);

/* notifier_life.c: what is deployed again once it has ended is a message of its own. */
struct sw__life {
    const json_t *was; /* what is kept of it; NULL: it begins */
    json_int_t number; /* from 1 */
    size_t index; /* among the older ones; their count: the newest; beyond it: one that begins */
};
/* Of which life the event is; `kept` is what is kept of the subject, or NULL. */
struct sw__life sw__life_of(const json_t *kept, const json_t *event);
/* What is to be kept of the subject when `value` is this life's; takes `value`. */
json_t *sw__life_put(const json_t *kept, const struct sw__life *life, json_t *value);

/* notifier_follow.c: what executor does, or has done, itself. */
struct sw__own {
    const char *op, *channel; /* NULL: nobody's operation */
    bool once;                /* this event, and no other of its subject */
};
int sw__promoted_v1(const struct sw__notify *n);
/* Whose operation the event belongs to; tells it where the operation itself does not. `routed`: some channel hears of it
 * by a route. */
int sw__follow(const struct sw__notify *n, bool routed, struct sw__own *ret);
void sw__follow_want(const struct sw__notify *n);

/* notifier_why.c */
int sw__why_answer(const struct sw__notify *n);
/* What became of the event of this call; takes `record`. `own` may be without an op. */
int sw__why_note(const struct sw__notify *n, json_t *record, const struct sw__own *own);
void sw__why_want(const struct sw__notify *n);

#endif
