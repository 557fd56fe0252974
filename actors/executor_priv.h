/* executor_priv.h -- a plan: what executor remembers of one command between two messages.
 *
 * shapes   plan/<cmd>  {kind, who, line, command, account, grant, step, n, token, code?,
 *                      response_url?, ...}: the boxes are sealed texts; `n` counts what the plan
 *                      asked for, so that an answer or a timer with another number is a late
 *                      duplicate; the rest belongs to the steps (plan_*.c)
 *          lock/<installation>/<app id>  {op, user, since_ms, until_ms}
 *          timers      plan/<cmd> the step's, end/<cmd> the plan's budget; body {step, n}
 *          a plan waits for exactly one thing: an answer, a timer, or a grant with a timer
 * units    *_ms are milliseconds since 1970 UTC or, as a delay, milliseconds
 * errors   said: 0, or -EAGAIN of sw_fact; nothing else
 * owner    the handler's call owns `state` until it is stored
 * source   sagas (Garcia-Molina, Salem); reference behaviour in PROTO.md's terms
 * limits   a plan under 32 KiB: 100 apps, 20 targets, 20 pages
 */
#ifndef SW_EXECUTOR_PRIV_H
#define SW_EXECUTOR_PRIV_H

#include "common/actor.h"
#include "common/mem.h"

#define SW__APPS_MAX 100
#define SW__TARGETS_MAX 20
#define SW__PAGES_MAX 20
#define SW__PLAN_TTL_MS (60 * 60 * 1000LL)
/* Longer than any plan: only a plan that was lost leaves a lock behind. */
#define SW__LOCK_TTL_MS (60 * 60 * 1000LL)
#define SW__WRITE_BUDGET_MS (30 * 60 * 1000LL)
#define SW__READ_BUDGET_MS (5 * 60 * 1000LL)

enum sw__said_kind {
    SW__SAID_OK,
    SW__SAID_NO,     /* a definite 4xx */
    SW__SAID_FACTOR, /* a one-time code is wanted, or was wrong */
    SW__SAID_AWAY,   /* nothing came of it: not reached, overloaded, out of time */
    SW__SAID_UNSURE, /* a write that may or may not have happened */
};

struct sw__said { /* an answer of Heroku, classified once */
    enum sw__said_kind kind;
    int status;
    const json_t *json;        /* borrowed, NULL where there is none */
    const char *message;       /* Heroku's own words, or "" */
    const char *next_range;    /* "" on the last page */
    json_int_t rate_remaining; /* -1 unknown */
};

struct sw__plan {
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    json_t *state;
    bool renewed; /* the grant came with this very message: no other is asked for */
    bool over;    /* closed, or nothing to do: nothing is stored */
};

struct sw__step {
    const char *name;
    bool write; /* its call is no "safe" one */
    bool list;  /* a list answers it, else an object */
    /* Asks or arms, and nothing else: it is done again with a new grant. */
    void (*call)(struct sw__plan *p);
    int (*said)(struct sw__plan *p, const struct sw__said *said);     /* all went well */
    void (*trouble)(struct sw__plan *p, const struct sw__said *said); /* NULL: sw__plan_trouble */
    void (*due)(struct sw__plan *p);                                  /* the step's timer */
};

/* executor.c: NULL where there is no such step. */
const struct sw__step *sw__step_find(const char *name);

/* executor_plan.c */
void sw__plan_go(struct sw__plan *p, const char *step);
/* Performs a call of Heroku for this step, or asks for a grant first (false); takes `request`. */
bool sw__plan_call(struct sw__plan *p, json_t *request);
void sw__plan_wait(struct sw__plan *p, int64_t delay_ms);
/* Asks auth for another grant; the step is done again when it comes. */
void sw__plan_regrant(struct sw__plan *p, bool refused);
/* A reply to the person; takes `data` (NULL: {}), adds line and user. */
void sw__plan_reply(struct sw__plan *p, const char *to, const char *template, json_t *data,
                    int rank, bool final);
/* Frees locks and timers; the plan is over. */
void sw__plan_close(struct sw__plan *p);
/* The end without success: a private reply, the parent too where there is one; takes `data`. */
void sw__plan_fail(struct sw__plan *p, const char *template, json_t *data);
/* The end where a call failed and nothing was written. */
void sw__plan_trouble(struct sw__plan *p, const struct sw__said *said);
/* The end when the budget is used up or no grant can be had; told: the person knows already. */
void sw__plan_give_up(struct sw__plan *p, const char *why, bool told);

/* executor_call.c: {method, path, fields}; `fields` are separated by blanks. */
json_t *sw__request(const char *method, const char *fields, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
void sw__request_range(json_t *request, const char *range);
struct sw__said sw__said_from(const json_t *http, bool write);
/* An id that may stand in a path. */
bool sw__id_valid(const char *id);
/* ISO 8601 as Heroku writes it; -1 where it is none. */
int64_t sw__time_parse(const char *text);
/* At most `room` bytes of `text`, cut between characters. */
json_t *sw__text(const char *text, size_t room);
/* How far two names are apart: edits, a swap of neighbours counts one. */
unsigned sw__distance(const char *a, const char *b);
json_int_t sw__count(struct sw__plan *p, const char *key);    /* ++state[key] */
void sw__set(json_t *object, const char *key, json_t *value); /* takes; NULL aborts */

/* plan_find.c: the pipeline, its stages and apps.
 * state: pipeline {id, name}, apps [{id, stage, name}], counts {stage: n} */
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
 * state: from {stage, id, name}, to {stage}, targets [{id, name, state}] */
bool sw__choose_promote(struct sw__plan *p);
bool sw__choose_releases(struct sw__plan *p); /* state: app {stage, id, name} */
/* A new list of the state's apps in `stage`. */
json_t *sw__choose_stage(const json_t *state, const char *stage);

/* plan_promote.c */
int sw__promote_start(struct sw__plan *p);
void sw__source_call(struct sw__plan *p);
int sw__source_said(struct sw__plan *p, const struct sw__said *said);
void sw__before_call(struct sw__plan *p);
int sw__before_said(struct sw__plan *p, const struct sw__said *said);
void sw__post_call(struct sw__plan *p);
int sw__post_said(struct sw__plan *p, const struct sw__said *said);
void sw__post_trouble(struct sw__plan *p, const struct sw__said *said);

/* plan_check.c */
void sw__check_start(struct sw__plan *p, bool answered);
void sw__look_call(struct sw__plan *p);
int sw__look_said(struct sw__plan *p, const struct sw__said *said);
void sw__look_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__look_wait(struct sw__plan *p);
void sw__look_due(struct sw__plan *p);
/* Takes over the release of ours among `releases`, if there is one. */
bool sw__check_found(const json_t *state, json_t *target, const json_t *releases);
json_t *sw__check_request(const json_t *target);

/* plan_watch.c */
void sw__watch_start(struct sw__plan *p);
void sw__watch_round(struct sw__plan *p);
void sw__watch_wait(struct sw__plan *p);
void sw__watch_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__targets_call(struct sw__plan *p);
int sw__targets_said(struct sw__plan *p, const struct sw__said *said);
void sw__release_call(struct sw__plan *p);
int sw__release_said(struct sw__plan *p, const struct sw__said *said);
void sw__release_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__missing_call(struct sw__plan *p);
int sw__missing_said(struct sw__plan *p, const struct sw__said *said);

/* plan_report.c: what people see of a promotion, and what notifier learns */
void sw__report_parent(struct sw__plan *p, const char *state, bool final);
void sw__report_thread(struct sw__plan *p, const char *template, json_t *data);
void sw__report_promoted(struct sw__plan *p, const char *state);
/* The end where nobody can say what became of it. */
void sw__report_unknown(struct sw__plan *p, const char *why, const char *reason);

#endif
