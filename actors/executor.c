/* executor.c -- owns the plans: each answer, timer or grant is the next step of one.
 *
 * A step's call only asks, so it can be done again with another grant. What a call led to is
 * decided in `said` and `trouble`. An answer or a timer that is not the one the plan waits for is a
 * late duplicate and does nothing. See executor_priv.h. */
#include "actors/executor_priv.h"

#include "actors/actors.h"
#include "actors/plan_priv.h"

#include <errno.h>
#include <string.h>

#define REFUSALS_MAX 3

static void keep_box(struct sw__plan *p, const char *as, const char *name) {
    const char *box = sw_msg_box(p->in, name);
    if (box) sw__set(p->state, as, json_string(box));
}

static int begin(struct sw__plan *p) {
    json_t *body = p->in->body, *command = json_object_get(body, "command");
    json_t *who = json_object_get(body, "who");
    const struct sw__kind *kind = sw__kind_of(command);
    if (!json_is_object(command) || !json_is_object(who) || !sw_msg_box(p->in, "token"))
        return -EBADMSG;
    p->state = json_pack("{s:O, s:o, s:O, s:O*, s:O*, s:O*}", "who", who, "line",
                         sw__text(sw_str(body, "line"), 600), "command", command, "account",
                         json_object_get(body, "account"), "grant", json_object_get(body, "grant"),
                         "github", json_object_get(body, "github"));
    keep_box(p, "token", "token");
    keep_box(p, "hub", "github");
    keep_box(p, "code", "code");
    keep_box(p, "response_url", "response_url");
    if (!kind || !json_is_true(json_object_get(command, "valid"))) {
        sw__plan_reply(p, "private", "error.unsupported",
                       json_pack("{s:s}", "task", sw_str(command, "task")), 0, true);
        p->over = true;
        return 0;
    }
    sw__set(p->state, "kind", json_string(kind->name));
    sw__plan_budget(p, kind->acts ? SW__WRITE_BUDGET_MS : SW__READ_BUDGET_MS);
    if (kind->acts) {
        sw__ops_note(p, "running");
        sw__report_audit(p, "asked"); /* what is done at once has one entry */
    }
    return sw__plan_next(p);
}

/* Late, or twice: nothing changes. */
static int ignore(struct sw__plan *p) {
    p->over = true;
    return 0;
}

/* The account that `key` holds, here and in the new grant, is not the same. */
static bool is_another(const struct sw__plan *p, const char *key) {
    const json_t *old = json_object_get(p->state, key), *new = json_object_get(p->in->body, key);
    return old && new &&strcmp(sw_str(old, "id"), sw_str(new, "id")) != 0;
}

/* Signed in as somebody else meanwhile: what one began the other does not go on with. */
static int swapped(struct sw__plan *p) {
    if (json_object_get(p->state, "wrote") || sw__wind_runs(p))
        sw__plan_give_up(p, "signed_out", false);
    else
        sw__plan_fail(p, "error.other_account", NULL);
    return 0;
}

/* The very step that was refused, or not begun, is done with the new grant. */
static int granted(struct sw__plan *p) {
    json_t *body = p->in->body, *grant = json_object_get(body, "grant");
    bool waiting = json_is_true(json_object_get(p->state, "waiting"));
    bool renewal = json_is_true(json_object_get(body, "renewal"));
    if (!waiting || !renewal || !json_is_object(grant) || !sw_msg_box(p->in, "token"))
        return ignore(p);
    if (is_another(p, "account") || is_another(p, "github")) return swapped(p);
    sw__set(p->state, "grant", json_incref(grant));
    keep_box(p, "token", "token");
    keep_box(p, "hub", "github");
    if (json_is_object(json_object_get(body, "github")))
        sw__set(p->state, "github", json_incref(json_object_get(body, "github")));
    json_object_del(p->state, "waiting");
    sw__set(p->state, "renewed_ms", json_integer(p->ctx->now_ms));
    SW_AUTO(sw_text) char *timer = sw_printf("plan/%s", p->in->cmd);
    sw_cancel(p->out, timer);
    p->renewed = true;
    sw__step_find(sw_str(p->state, "step"))->call(p);
    return 0;
}

/* What a look is answered with depends on what it looks for. */
static bool is_list(const struct sw__plan *p, const struct sw__step *step) {
    if (strcmp(step->name, "look") != 0) return step->list;
    const json_t *write = json_object_get(p->state, "write");
    return !sw__step_find(sw_str(write, "step"))->look_object;
}

static bool is_unauthorized(const struct sw__said *said) {
    return said->kind == SW__SAID_NO && said->status == 401;
}

/* A code was typed, and this call went without it: some apps want it even to be read. */
static bool wants_code(const struct sw__plan *p, const struct sw__step *step) {
    return !step->write && json_object_get(p->state, "code") &&
           !json_object_get(p->state, "factor");
}

/* Refused, so not done: unless an earlier try is in doubt, nothing was written. */
static void undo_intent(struct sw__plan *p) {
    json_t *write = json_object_get(p->state, "write");
    if (!write || sw_int(write, "unsure") > 0) return;
    if (json_object_get(write, "first")) json_object_del(p->state, "wrote");
    json_object_del(p->state, "write");
}

static int write_answered(struct sw__plan *p, const struct sw__step *step,
                          const struct sw__said *said) {
    json_t *write = json_object_get(p->state, "write");
    if (said->kind == SW__SAID_UNSURE) {
        sw__check_start(p, said->status > 0);
        return 0;
    }
    if (said->kind == SW__SAID_OK) {
        json_object_del(p->state, "write");
        return step->said(p, said);
    }
    if (sw_int(write, "unsure") > 0) {
        /* Perhaps refused because the first one is under way after all: nobody can say. */
        step->lost(p, "refused", said->message);
        return 0;
    }
    undo_intent(p);
    step->trouble ? step->trouble(p, said) : sw__plan_trouble(p, said);
    return 0;
}

static int answered(struct sw__plan *p, const struct sw__step *step) {
    struct sw__said said = sw__said_from(json_object_get(p->in->body, "http"), step->write);
    if (is_unauthorized(&said)) sw__dead_note(p);
    if (is_unauthorized(&said) && !sw__plan_spares(p) && sw__count(p, "refusals") < REFUSALS_MAX) {
        if (step->write) undo_intent(p);
        sw__plan_regrant(p, sw__grant_of(sw_str(p->state, "up")), true);
        return 0;
    }
    if (step->link && (said.kind == SW__SAID_OK || said.status / 100 == 3))
        said.kind = sw_msg_box(p->in, "answer") ? SW__SAID_OK : SW__SAID_AWAY;
    if (said.kind == SW__SAID_OK && !step->any && !step->link &&
        !(is_list(p, step) ? json_is_array(said.json) : json_is_object(said.json)))
        said.kind = step->write ? SW__SAID_UNSURE : SW__SAID_AWAY; /* nothing that Heroku says */
    if (said.kind == SW__SAID_OK && step->id && !sw__id_valid(sw_str(said.json, "id")))
        said.kind = SW__SAID_UNSURE; /* taken, but under a name that cannot be asked for */
    if (said.kind == SW__SAID_OK) sw__set(p->state, "refusals", json_integer(0));
    if (step->write) return write_answered(p, step, &said);
    if (said.kind == SW__SAID_OK) return step->said(p, &said);
    if (said.kind == SW__SAID_FACTOR && wants_code(p, step)) {
        sw__set(p->state, "factor", json_true());
        step->call(p);
        return 0;
    }
    step->trouble ? step->trouble(p, &said) : sw__plan_trouble(p, &said);
    return 0;
}

/* The call that the plan waits for takes long. */
static int slow(struct sw__plan *p) {
    if (sw_int(p->in->body, "n") != sw_int(p->state, "n") || sw__wind_runs(p)) return ignore(p);
    bool posted = json_is_true(json_object_get(p->state, "posted"));
    sw__set(p->state, "slow", json_true());
    sw__plan_reply(p, posted ? "thread" : "private", posted ? "thread.slow" : "private.slow",
                   json_pack("{s:s}", "upstream", sw__plan_upstream(p)), 0, false);
    return 0;
}

static int advance(struct sw__plan *p) {
    const json_t *body = p->in->body;
    const char *name = sw_str(body, "step");
    bool timer = !strcmp(p->in->kind, SW_KIND_EXECUTOR_TIMER);
    bool waiting = json_is_true(json_object_get(p->state, "waiting"));
    if (timer && !strcmp(name, "end")) {
        if (sw_int(body, "n") != sw_int(p->state, "budget")) return ignore(p);
        sw__plan_give_up(p, "timeout", false);
        return 0;
    }
    if (timer && !strcmp(name, "slow")) return slow(p);
    const struct sw__step *step = sw__step_find(name);
    if (!step || strcmp(name, sw_str(p->state, "step")) != 0) return ignore(p);
    if (sw_int(body, "n") != sw_int(p->state, "n")) return ignore(p);
    if (!timer) return waiting || !step->said ? ignore(p) : answered(p, step);
    if (!waiting && !step->due) return ignore(p);
    if (!waiting) {
        step->due(p);
        return 0;
    }
    json_object_del(p->state, "waiting");
    if (sw__github_says(p)) return sw__github_gone(p);
    sw__plan_give_up(p, "grant", false);
    return 0;
}

/* As long as Heroku was asked to change nothing. A write at GitHub that is under way is awaited. */
bool sw__plan_cancel_before(struct sw__plan *p) {
    if (json_object_get(p->state, "wrote")) return false;
    if (!json_object_get(p->state, "write")) sw__plan_end(p, "cancelled", NULL, NULL);
    return true;
}

static json_t *cancelled_by(const struct sw__plan *p) {
    return json_pack("{s:O*}", "by",
                     json_object_get(json_object_get(p->state, "cancelling"), "user"));
}

static int cancel(struct sw__plan *p) {
    const struct sw__kind *kind = sw__plan_kind(p);
    if (sw__wind_runs(p)) return ignore(p);
    sw__set(p->state, "cancelling", json_incref(json_object_get(p->in->body, "by")));
    if (kind->cancel ? kind->cancel(p) : sw__plan_cancel_before(p)) {
        bool goes_on = json_object_get(p->state, "posted") && !json_object_get(p->state, "outcome");
        if (goes_on) sw__report_thread(p, "op.cancelling", cancelled_by(p));
        return 0;
    }
    json_object_del(p->state, "cancelling");
    sw__report_thread(p, "op.too_late", NULL);
    return 0;
}

static int go(struct sw__plan *p) {
    const struct sw__step *step = sw__step_find(sw_str(p->state, "step"));
    if (!step || !step->go) return ignore(p);
    step->go(p);
    return 0;
}

/* Another actor's answer: what the plan does not wait for is late, or comes twice. */
static int heard(struct sw__plan *p) {
    const struct sw__step *step = sw__step_find(sw_str(p->state, "step"));
    json_int_t n = sw_int(json_object_get(p->in->body, "keep"), "n");
    if (!step || !step->heard || n != sw_int(p->state, "n")) return ignore(p);
    SW_AUTO(sw_text) char *timer = sw_printf("plan/%s", p->in->cmd);
    sw_cancel(p->out, timer);
    return step->heard(p);
}

static int resume(struct sw__plan *p) {
    const char *kind = p->in->kind;
    int r = sw__lock_load(p);
    if (r < 0) return r;
    if (!strcmp(kind, SW_KIND_GRANTED)) return granted(p);
    if (!strcmp(kind, SW_KIND_CANCEL)) return cancel(p);
    if (!strcmp(kind, SW_KIND_GO)) return go(p);
    if (!strcmp(kind, SW_KIND_CHANNEL_STATE)) return heard(p);
    if (strcmp(kind, SW_KIND_UNGRANTED) != 0) return advance(p);
    if (!json_object_get(p->state, "waiting")) return ignore(p); /* twice */
    json_object_del(p->state, "waiting");
    if (sw__github_says(p)) return sw__github_gone(p);
    bool away = !strcmp(sw_str(p->in->body, "reason"), "upstream");
    sw__plan_give_up(p, away ? "upstream" : "signed_out", true);
    return 0;
}

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", in->cmd);
    SW_AUTO(sw_json) json_t *state = NULL;
    struct sw__plan p = {.ctx = ctx, .in = in, .out = out};
    const json_t *stored = NULL;
    bool renewal = json_is_true(json_object_get(in->body, "renewal"));
    if (!strcmp(in->kind, SW_KIND_REVOKED)) return sw__dead_revoked(in, out);
    int r = sw_fact(out, key, &stored);
    int ops = sw__ops_load(&p);
    if (r < 0 || ops < 0) return r < 0 ? r : ops;
    if (stored && !strcmp(sw_str(stored, "step"), "done")) return 0;
    if (!stored && (strcmp(in->kind, SW_KIND_GRANTED) != 0 || renewal)) return 0;
    r = sw__dead_load(&p, json_object_get(stored ? stored : in->body, "who"));
    if (r < 0) return r;
    if (stored) p.state = json_deep_copy(stored);
    r = stored ? resume(&p) : begin(&p);
    state = p.state;
    if (r == 0) r = p.error;
    if (r < 0 || p.over) return r;
    sw_store(out, key, json_incref(p.state), SW__PLAN_TTL_MS);
    return 0;
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", in->cmd);
    struct sw__plan p = {.in = in, .out = out};
    const json_t *plan = NULL;
    (void)sw_fact(out, key, &plan); /* named here, read by handle */
    (void)sw__ops_load(&p);
    (void)sw__dead_load(&p, json_object_get(in->body, "who"));
}

static const char *const kinds[] = {
    SW_KIND_GRANTED, SW_KIND_UNGRANTED,     SW_KIND_CANCEL,
    SW_KIND_GO,      SW_KIND_EXECUTOR_HTTP, SW_KIND_EXECUTOR_TIMER,
    SW_KIND_REVOKED, SW_KIND_CHANNEL_STATE, NULL,
};

const struct sw_actor sw_actor_executor = {
    .name = "executor", .kinds = kinds, .want = want, .handle = handle};
