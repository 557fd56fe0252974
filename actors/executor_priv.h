/* executor_priv.h -- a plan: what executor remembers of one command between two messages.
 *
 * shapes   plan/<cmd>  {kind, phase, who, line, command, account, grant, github?, step, n, up, token,
 *                      hub?, code?, response_url?, targets?, write?, wrote?, outcome?, ...}: token, hub
 *                      (GitHub's), code, response_url are boxes; `n` counts what the plan asked for,
 *                      so that an answer or a timer with another number is a late duplicate; targets
 *                      [{id, name, state, ...}] are the apps that it changes, to {stage} where they
 *                      are; write {step, intent_ms, posted_ms, unsure, looks, settled_ms} the write
 *                      whose outcome is not known yet; wrote: Heroku may have changed something; the
 *                      rest belongs to the phases (plan_*.c)
 *          dead/<installation>/<user>/<provider>  {version}, for a day: a grant of this version or an
 *                      older one was refused, or its account is gone
 *          a kind is a list of phases; a phase begins with a function and goes on by steps until one
 *          of them calls sw__plan_next; a step is one call or one timer
 *          timers      plan/<cmd> the step's, end/<cmd> the plan's budget, slow/<cmd> a call that
 *                      takes long; body {step, n}
 *          a plan waits for exactly one thing: an answer, a timer, or a grant with a timer
 * units    *_ms are milliseconds since 1970 UTC or, as a delay, milliseconds
 * errors   said, phases: 0, or -EAGAIN of sw_fact; nothing else
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
#define SW__WRITE_BUDGET_MS (30 * 60 * 1000LL)
#define SW__READ_BUDGET_MS (5 * 60 * 1000LL)

enum sw__said_kind {
    SW__SAID_OK,
    SW__SAID_NO,     /* a definite 4xx */
    SW__SAID_FACTOR, /* a one-time code is wanted, or was wrong */
    SW__SAID_AWAY,   /* nothing came of it: not reached, overloaded, out of time */
    SW__SAID_UNSURE, /* a write that may or may not have happened */
};

struct sw__said { /* an answer of Heroku or GitHub, classified once */
    enum sw__said_kind kind;
    int status;
    const json_t *json;        /* borrowed, NULL where there is none */
    const char *message;       /* its own words, or "" */
    const char *next_range;    /* "" on the last page */
    const char *next_cursor;   /* GitHub's for the same */
    json_int_t rate_remaining; /* -1 unknown */
};

enum sw__grant { SW__GRANT_HEROKU, SW__GRANT_GITHUB, SW__GRANTS };

struct sw__plan {
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    json_t *state;
    json_int_t dead[SW__GRANTS]; /* the newest version that is known to be dead, 0: none */
    bool renewed;                /* the grant came with this very message: no other is asked for */
    bool over;                   /* closed, or nothing to do: nothing is stored */
    int error;                   /* of the phase that began last: the message is handled again */
};

enum sw__seen { /* one look at what a write may have done */
                SW__SEEN_NOT,
                SW__SEEN_MORE, /* not yet all: look again at once */
                SW__SEEN_YES,  /* and what was seen is in the state */
};

struct sw__step {
    const char *name;
    bool write; /* its call is no "safe" one */
    bool list;  /* a list answers it, else an object */
    bool id;    /* an object with an id that may stand in a path */
    bool any;   /* whatever a success is answered with: nothing of it is used */
    bool link;  /* a redirect answers it, whose address comes as box "answer" */
    bool quiet; /* bookkeeping: nobody is told how it fares */
    /* Asks or arms, and nothing else: it is done again with a new grant. */
    void (*call)(struct sw__plan *p);
    int (*said)(struct sw__plan *p, const struct sw__said *said);     /* all went well */
    void (*trouble)(struct sw__plan *p, const struct sw__said *said); /* NULL: sw__plan_trouble */
    void (*due)(struct sw__plan *p);                                  /* the step's timer */
    int (*heard)(struct sw__plan *p); /* another actor's answer, with the timer's number */
    void (*go)(struct sw__plan *p);   /* the person typed `wait`; NULL: does not wait for that */
    /* Of a write whose outcome is unknown (plan_check.c): asks; tells; goes on as if it had been
     * answered; or gives up, where nobody can say (why: "look", "twice", "refused"). */
    void (*look)(struct sw__plan *p);
    bool look_object; /* an object answers it, else a list */
    enum sw__seen (*seen)(struct sw__plan *p, const struct sw__said *said);
    int (*found)(struct sw__plan *p);
    void (*lost)(struct sw__plan *p, const char *why, const char *reason);
};

typedef int sw__phase_fn(struct sw__plan *p);

struct sw__kind {        /* what differs between commands */
    const char *name;    /* also its parent's template */
    const char *handler; /* of the command */
    bool acts;           /* has a parent, a place in `status`, locks, and an entry in the audit */
    bool audited;        /* has an entry in the audit, and nothing of the other three */
    bool still;          /* makes no release, so notifier need not know of it */
    bool sets;           /* makes no release, and changes what the app is: maintenance */
    bool hub; /* does not act, and yet signs in at GitHub: its account is more than a look */
    sw__phase_fn *const *phases; /* NULL-terminated; the last one ends the plan */
    /* Adds to the data of its parent; NULL: nothing. */
    void (*describe)(const struct sw__plan *p, json_t *data);
    /* The end where nobody can say what became of it. NULL: sw__report_unknown. */
    void (*unknown)(struct sw__plan *p, const char *why, const char *reason);
    /* Somebody wants it to stop: true where it ends or will; false: too late. NULL: as long as
     * Heroku was asked to change nothing. */
    bool (*cancel)(struct sw__plan *p);
    /* Nobody typed it, so nothing is ever said to anybody: called where it ends before its last
     * phase (why: as sw__plan_give_up, or the outcome); and where a call failed. NULL: typed. */
    void (*silent)(struct sw__plan *p, const char *why);
    void (*trouble)(struct sw__plan *p, const struct sw__said *said);
};

/* plan_kinds.c, plan_steps.c: the tables; NULL where there is none. */
const struct sw__kind *sw__kind_find(const char *name);
const struct sw__kind *sw__kind_of(const json_t *command);
const struct sw__step *sw__step_find(const char *name);

/* executor.c: what `cancel` does where the kind does not say otherwise. */
bool sw__plan_cancel_before(struct sw__plan *p);

/* executor_plan.c */
const struct sw__kind *sw__plan_kind(const struct sw__plan *p);
/* The next phase of the plan's kind. */
int sw__plan_next(struct sw__plan *p);
void sw__plan_go(struct sw__plan *p, const char *step);
/* Performs a call for this step (true), or asks for a grant first; where nobody signs in for it and
 * the grant is known to be dead, it has failed without a call. Takes `request`. */
bool sw__plan_call(struct sw__plan *p, json_t *request);
/* The same for a write; `heroku`: it changes something there. */
bool sw__plan_write(struct sw__plan *p, json_t *request, bool heroku);
void sw__plan_wait(struct sw__plan *p, int64_t delay_ms);
/* How long the plan may last from now on. */
void sw__plan_budget(struct sw__plan *p, int64_t budget_ms);
/* Asks auth for another grant; the step is done again when it comes. */
void sw__plan_regrant(struct sw__plan *p, enum sw__grant grant, bool refused);
bool sw__plan_has_github(const struct sw__plan *p);
/* As if the call of this step had been refused for want of a grant. */
void sw__plan_do_without(struct sw__plan *p);
/* What was asked last is GitHub's, and only to be shown: nobody signs in for that. */
bool sw__plan_spares(const struct sw__plan *p);
/* "Heroku" or "GitHub": whom the plan asked last. */
const char *sw__plan_upstream(const struct sw__plan *p);
/* A message to another actor; takes `body`. */
void sw__plan_send(struct sw__plan *p, const char *actor, const char *kind, json_t *body);
/* A reply to the person; takes `data` (NULL: {}), adds line and user. */
void sw__plan_reply(struct sw__plan *p, const char *to, const char *template, json_t *data,
                    int rank, bool final);
/* The end, however it came: outcome "success", "failure", "partial", "unknown", "cancelled",
 * "expired", "two_factor". Updates the parent where there is one, says `template` (NULL: nothing;
 * takes `data`) to the person alone, frees locks, and ends the GitHub deployments that are open. */
void sw__plan_end(struct sw__plan *p, const char *outcome, const char *template, json_t *data);
/* The end of the plan itself: timers, the last entry of the audit. */
void sw__plan_close(struct sw__plan *p);
/* sw__plan_end for a plan that could not do what was asked. */
void sw__plan_fail(struct sw__plan *p, const char *template, json_t *data);
/* The end where a call failed and nothing was written. */
void sw__plan_trouble(struct sw__plan *p, const struct sw__said *said);
/* The end when the budget is used up or no grant can be had; told: the person knows already. */
void sw__plan_give_up(struct sw__plan *p, const char *why, bool told);

/* executor_dead.c: what is known of this person's grants; 0 or -EAGAIN. */
int sw__dead_load(struct sw__plan *p, const json_t *who);
/* revoked.v1 */
int sw__dead_revoked(const struct sw_msg *in, struct sw_out *out);
/* The call that was answered last was refused: nobody calls with this grant again. */
void sw__dead_note(struct sw__plan *p);
bool sw__dead_is(const struct sw__plan *p, enum sw__grant grant);
enum sw__grant sw__grant_of(const char *up); /* whose token goes to this upstream */
const char *sw__grant_provider(enum sw__grant grant);
const json_t *sw__grant_held(const struct sw__plan *p, enum sw__grant grant); /* NULL: none */

/* executor_call.c: {method, path, fields}; `fields` are separated by blanks. */
json_t *sw__request(const char *method, const char *fields, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
json_t *sw__request_github(const char *method, const char *fields, const char *path, ...)
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
json_int_t sw__count(struct sw__plan *p, const char *key);       /* ++state[key] */
void sw__set(json_t *object, const char *key, json_t *value);    /* takes; NULL aborts */
const char *sw__word(const struct sw__plan *p, const char *key); /* of the command */
bool sw__forced(const struct sw__plan *p); /* the command was typed with a `!` */

#endif
