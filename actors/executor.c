/* executor.c -- owns the plans: each answer, timer or grant is the next step of one.
 *
 * A step's call only asks, so it can be done again with another grant. What a call led to is
 * decided in `said` and `trouble`. An answer or a timer that is not the one the plan waits for is a
 * late duplicate and does nothing. See executor_priv.h. */
#include "actors/executor_priv.h"

#include "actors/actors.h"

#include <errno.h>
#include <string.h>

#define REFUSALS_MAX 3

static const struct sw__step steps[] = {
    {"pipelines", false, true, sw__find_pages_call, sw__find_pages_said, NULL, NULL},
    {"couplings", false, true, sw__find_couplings_call, sw__find_couplings_said, NULL, NULL},
    {"apps", false, true, sw__find_apps_call, sw__find_apps_said, NULL, NULL},
    {"info", false, true, sw__info_call, sw__info_said, sw__info_trouble, NULL},
    {"releases", false, true, sw__releases_call, sw__releases_said, NULL, NULL},
    {"source", false, true, sw__source_call, sw__source_said, NULL, NULL},
    {"before", false, true, sw__before_call, sw__before_said, NULL, NULL},
    {"post", true, false, sw__post_call, sw__post_said, sw__post_trouble, NULL},
    {"look", false, true, sw__look_call, sw__look_said, sw__look_trouble, NULL},
    {"look_wait", false, false, sw__look_wait, NULL, NULL, sw__look_due},
    {"targets", false, true, sw__targets_call, sw__targets_said, sw__watch_trouble, NULL},
    {"release", false, false, sw__release_call, sw__release_said, sw__release_trouble, NULL},
    {"missing", false, true, sw__missing_call, sw__missing_said, sw__watch_trouble, NULL},
    {"pause", false, false, sw__watch_wait, NULL, NULL, sw__watch_round},
};

const struct sw__step *sw__step_find(const char *name) {
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!strcmp(steps[i].name, name)) return &steps[i];
    }
    return NULL;
}

/* The family of plans that answers; NULL: none yet. */
static const char *plan_kind(const json_t *command) {
    const char *handler = sw_str(command, "handler");
    if (!strcmp(handler, "pipelines")) return sw_str(command, "pipeline")[0] ? "info" : "pipelines";
    if (!strcmp(handler, "releases")) return "releases";
    if (!strcmp(handler, "promote")) return "promote";
    return NULL;
}

static void keep_box(struct sw__plan *p, const char *name) {
    const char *box = sw_msg_box(p->in, name);
    if (box) sw__set(p->state, name, json_string(box));
}

static int begin(struct sw__plan *p) {
    json_t *body = p->in->body, *command = json_object_get(body, "command");
    json_t *who = json_object_get(body, "who");
    const char *kind = plan_kind(command);
    if (!json_is_object(command) || !json_is_object(who) || !sw_msg_box(p->in, "token"))
        return -EBADMSG;
    p->state = json_pack("{s:O, s:o, s:O, s:O*, s:O*}", "who", who, "line",
                         sw__text(sw_str(body, "line"), 600), "command", command, "account",
                         json_object_get(body, "account"), "grant", json_object_get(body, "grant"));
    keep_box(p, "token");
    keep_box(p, "code");
    keep_box(p, "response_url");
    if (!kind || !json_is_true(json_object_get(command, "valid"))) {
        sw__plan_reply(p, "private", "error.unsupported",
                       json_pack("{s:s}", "task", sw_str(command, "task")), 0, true);
        p->over = true;
        return 0;
    }
    bool writes = !strcmp(kind, "promote");
    sw__set(p->state, "kind", json_string(kind));
    SW_AUTO(sw_text) char *end = sw_printf("end/%s", p->in->cmd);
    struct sw_msg *m = sw_after(p->out, end, writes ? SW__WRITE_BUDGET_MS : SW__READ_BUDGET_MS,
                                SW_KIND_EXECUTOR_TIMER, json_pack("{s:s}", "step", "end"));
    sw_msg_set_box(m, "token", NULL);
    sw_msg_set_box(m, "code", NULL);
    sw__plan_go(p, "pipelines");
    return 0;
}

/* Late, or twice: nothing changes. */
static int ignore(struct sw__plan *p) {
    p->over = true;
    return 0;
}

/* The very step that was refused, or not begun, is done with the new grant. */
static int granted(struct sw__plan *p) {
    json_t *body = p->in->body, *grant = json_object_get(body, "grant");
    bool waiting = json_is_true(json_object_get(p->state, "waiting"));
    bool renewal = json_is_true(json_object_get(body, "renewal"));
    if (!waiting || !renewal || !json_is_object(grant) || !sw_msg_box(p->in, "token"))
        return ignore(p);
    sw__set(p->state, "grant", json_incref(grant));
    keep_box(p, "token");
    json_object_del(p->state, "waiting");
    sw__set(p->state, "renewed_ms", json_integer(p->ctx->now_ms));
    SW_AUTO(sw_text) char *timer = sw_printf("plan/%s", p->in->cmd);
    sw_cancel(p->out, timer);
    p->renewed = true;
    sw__step_find(sw_str(p->state, "step"))->call(p);
    return 0;
}

static bool is_unauthorized(const struct sw__said *said) {
    return said->kind == SW__SAID_NO && said->status == 401;
}

/* A code was typed, and this call went without it: some apps want it even to be read. */
static bool wants_code(const struct sw__plan *p, const struct sw__step *step) {
    return !step->write && json_object_get(p->state, "code") &&
           !json_object_get(p->state, "factor");
}

static int answered(struct sw__plan *p, const struct sw__step *step) {
    struct sw__said said = sw__said_from(json_object_get(p->in->body, "http"), step->write);
    if (is_unauthorized(&said) && sw__count(p, "refusals") < REFUSALS_MAX) {
        /* Refused means not done: unless an earlier try is in doubt, nothing was written. */
        if (step->write && sw_int(p->state, "unsure") == 0) json_object_del(p->state, "intent_ms");
        sw__plan_regrant(p, true);
        return 0;
    }
    if (said.kind == SW__SAID_OK &&
        !(step->list ? json_is_array(said.json) : json_is_object(said.json)))
        said.kind = step->write ? SW__SAID_UNSURE : SW__SAID_AWAY; /* nothing that Heroku says */
    if (said.kind == SW__SAID_OK) {
        sw__set(p->state, "refusals", json_integer(0));
        return step->said(p, &said);
    }
    if (said.kind == SW__SAID_FACTOR && wants_code(p, step)) {
        sw__set(p->state, "factor", json_true());
        step->call(p);
        return 0;
    }
    step->trouble ? step->trouble(p, &said) : sw__plan_trouble(p, &said);
    return 0;
}

static int advance(struct sw__plan *p) {
    const json_t *body = p->in->body;
    const char *name = sw_str(body, "step");
    bool timer = !strcmp(p->in->kind, SW_KIND_EXECUTOR_TIMER);
    bool waiting = json_is_true(json_object_get(p->state, "waiting"));
    if (timer && !strcmp(name, "end")) {
        sw__plan_give_up(p, "timeout", false);
        return 0;
    }
    const struct sw__step *step = sw__step_find(name);
    if (!step || strcmp(name, sw_str(p->state, "step")) != 0) return ignore(p);
    if (sw_int(body, "n") != sw_int(p->state, "n")) return ignore(p);
    if (!timer) return waiting || !step->said ? ignore(p) : answered(p, step);
    if (!waiting && !step->due) return ignore(p);
    waiting ? sw__plan_give_up(p, "grant", false) : step->due(p);
    return 0;
}

/* The facts that an end needs, before anything is decided. */
static int load_locks(struct sw__plan *p) {
    int r = 0;
    size_t i;
    json_t *target;
    if (!json_is_true(json_object_get(p->state, "locked"))) return 0;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = sw_printf("lock/%s/%s", p->in->inst, sw_str(target, "id"));
        const json_t *lock = NULL;
        int one = sw_fact(p->out, key, &lock);
        if (one < 0) r = one;
    }
    return r;
}

static int resume(struct sw__plan *p) {
    int r = load_locks(p);
    if (r < 0) return r;
    if (!strcmp(p->in->kind, SW_KIND_GRANTED)) return granted(p);
    if (strcmp(p->in->kind, SW_KIND_UNGRANTED) != 0) return advance(p);
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
    int r = sw_fact(out, key, &stored);
    if (r < 0) return r;
    if (stored && !strcmp(sw_str(stored, "step"), "done")) return 0;
    if (!stored && (strcmp(in->kind, SW_KIND_GRANTED) != 0 || renewal)) return 0;
    if (stored) p.state = json_deep_copy(stored);
    r = stored ? resume(&p) : begin(&p);
    state = p.state;
    if (r < 0 || p.over) return r;
    sw_store(out, key, json_incref(p.state), SW__PLAN_TTL_MS);
    return 0;
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", in->cmd);
    const json_t *plan = NULL;
    (void)sw_fact(out, key, &plan); /* named here, read by handle */
}

static const char *const kinds[] = {
    SW_KIND_GRANTED, SW_KIND_UNGRANTED, SW_KIND_EXECUTOR_HTTP, SW_KIND_EXECUTOR_TIMER, NULL,
};

const struct sw_actor sw_actor_executor = {
    .name = "executor", .kinds = kinds, .want = want, .handle = handle};
