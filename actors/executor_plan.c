/* executor_plan.c -- what every plan does: call, wait, tell, end; see executor_priv.h. */
#include "actors/executor_priv.h"
#include "actors/plan_priv.h"

#include <string.h>

#define RENEW_BELOW_MS 60000
#define GRANT_WAIT_MS 120000 /* longer than a flight of auth may last */

/* The plan keeps its boxes itself: others get only the one they need. */
static void dress(const struct sw__plan *p, struct sw_msg *m) {
    const char *url = sw_str(p->state, "response_url");
    sw_msg_set_box(m, "token", NULL);
    sw_msg_set_box(m, "github", NULL);
    sw_msg_set_box(m, "code", NULL);
    sw_msg_set_box(m, "answer", NULL);
    sw_msg_set_box(m, "response_url", url[0] ? url : NULL);
}

void sw__plan_send(struct sw__plan *p, const char *actor, const char *kind, json_t *body) {
    dress(p, sw_send(p->out, actor, kind, body));
}

const struct sw__kind *sw__plan_kind(const struct sw__plan *p) {
    return sw__kind_find(sw_str(p->state, "kind"));
}

int sw__plan_next(struct sw__plan *p) {
    json_int_t phase = sw_int(p->state, "phase");
    bool cancelling = json_object_get(p->state, "cancelling") != NULL;
    if (cancelling && !json_object_get(p->state, "wrote")) {
        sw__plan_end(p, "cancelled", NULL, NULL);
        return 0;
    }
    sw__set(p->state, "phase", json_integer(phase + 1));
    int r = sw__plan_kind(p)->phases[phase](p);
    if (r < 0) p->error = r; /* what went before may have no way to say so: trouble, lost */
    return r;
}

void sw__plan_go(struct sw__plan *p, const char *step) {
    const struct sw__step *next = sw__step_find(step); /* `step` may be the state's own text */
    sw__set(p->state, "step", json_string(next->name));
    next->call(p);
}

/* What comes back must name the step and the number of this very call. */
static json_t *ticket(struct sw__plan *p) {
    json_int_t n = sw__count(p, "n");
    return json_pack("{s:s, s:I}", "step", sw_str(p->state, "step"), "n", n);
}

static void arm(struct sw__plan *p, int64_t delay_ms) {
    SW_AUTO(sw_text) char *name = sw_printf("plan/%s", p->in->cmd);
    dress(p, sw_after(p->out, name, delay_ms, SW_KIND_EXECUTOR_TIMER, ticket(p)));
}

static void disarm(struct sw__plan *p, const char *timer) {
    SW_AUTO(sw_text) char *name = sw_printf("%s/%s", timer, p->in->cmd);
    sw_cancel(p->out, name);
}

void sw__plan_wait(struct sw__plan *p, int64_t delay_ms) {
    arm(p, delay_ms);
}

void sw__plan_budget(struct sw__plan *p, int64_t budget_ms) {
    SW_AUTO(sw_text) char *name = sw_printf("end/%s", p->in->cmd);
    dress(p, sw_after(p->out, name, budget_ms, SW_KIND_EXECUTOR_TIMER,
                      json_pack("{s:s, s:I}", "step", "end", "n", sw__count(p, "budget"))));
}

static bool is_silent(const struct sw__plan *p) {
    const struct sw__kind *kind = sw__plan_kind(p); /* of what is not understood there is none */
    return kind && kind->silent;
}

/* Once for each plan: a person who waits wants to know that it goes on, not how often. */
static void arm_slow(struct sw__plan *p) {
    if (json_object_get(p->state, "slow") || is_silent(p)) return;
    SW_AUTO(sw_text) char *name = sw_printf("slow/%s", p->in->cmd);
    json_t *body = json_pack("{s:s, s:I}", "step", "slow", "n", sw_int(p->state, "n"));
    dress(p, sw_after(p->out, name, p->ctx->conf->slow_ms, SW_KIND_EXECUTOR_TIMER, body));
}

bool sw__plan_has_github(const struct sw__plan *p) {
    return json_object_get(p->state, "hub") != NULL;
}

bool sw__plan_spares(const struct sw__plan *p) {
    const struct sw__kind *kind = sw__plan_kind(p);
    return !strcmp(sw_str(p->state, "up"), "github") && !kind->acts && !kind->hub && !kind->silent;
}

const char *sw__plan_upstream(const struct sw__plan *p) {
    return !strcmp(sw_str(p->state, "up"), "github") ? "GitHub" : "Heroku";
}

/* A grant that is always short-lived is not asked for at every call. */
static bool runs_out(const struct sw__plan *p, enum sw__grant grant) {
    json_int_t expires_ms = sw_int(sw__grant_held(p, grant), "expires_ms");
    if (p->renewed || p->ctx->now_ms < sw_int(p->state, "renewed_ms") + RENEW_BELOW_MS)
        return false;
    return expires_ms > 0 && expires_ms < p->ctx->now_ms + RENEW_BELOW_MS;
}

/* A one-time code goes where it was typed for: with the write, and where Heroku asked for it. */
static void add_code(const struct sw__plan *p, json_t *request) {
    const char *code = sw_str(p->state, "code");
    bool write = strcmp(sw_str(request, "repeat"), "safe") != 0;
    if (!code[0] || (!write && !json_is_true(json_object_get(p->state, "factor")))) return;
    sw__set(json_object_get(request, "headers"), "Heroku-Two-Factor-Code",
            json_pack("{s:s, s:s}", "$box", code, "field", "code"));
}

/* Nobody signs in for it, and nothing is asked with a grant that is known to be dead: as if it had
 * been refused once more. */
void sw__plan_do_without(struct sw__plan *p) {
    const struct sw__said said = {.kind = SW__SAID_NO,
                                  .status = 401,
                                  .message = "",
                                  .next_range = "",
                                  .next_cursor = "",
                                  .rate_remaining = -1};
    const struct sw__step *step = sw__step_find(sw_str(p->state, "step"));
    step->trouble ? step->trouble(p, &said) : sw__plan_trouble(p, &said);
}

bool sw__plan_call(struct sw__plan *p, json_t *request) {
    const char *up = sw_str(request, "up");
    enum sw__grant grant = sw__grant_of(up);
    sw__set(p->state, "up", json_string(up));
    bool dead = sw__dead_is(p, grant), spared = sw__plan_spares(p);
    if (dead || (!spared && runs_out(p, grant))) {
        json_decref(request);
        spared ? sw__plan_do_without(p) : sw__plan_regrant(p, grant, dead);
        return false;
    }
    if (!strcmp(up, "heroku")) add_code(p, request);
    if (is_silent(p)) sw__set(request, "bulk", json_true()); /* nobody waits */
    const char *box = sw_str(p->state, grant == SW__GRANT_GITHUB ? "hub" : "token");
    sw__set(request, "bearer", json_pack("{s:s, s:s}", "$box", box, "field", "token"));
    dress(p, sw_http(p->out, request, SW_KIND_EXECUTOR_HTTP, ticket(p)));
    arm_slow(p);
    return true;
}

bool sw__plan_write(struct sw__plan *p, json_t *request, bool heroku) {
    const char *step = sw_str(p->state, "step");
    json_t *write = json_object_get(p->state, "write");
    sw__set(request, "repeat", json_string("check"));
    if (!sw__plan_call(p, request)) return false;
    if (!write || strcmp(sw_str(write, "step"), step) != 0) {
        /* The first intent stands: what a repeat finds may be the first one's. */
        write = json_pack("{s:s, s:I}", "step", step, "intent_ms", (json_int_t)p->ctx->now_ms);
        sw__set(p->state, "write", write);
    }
    sw__set(write, "posted_ms", json_integer(p->ctx->now_ms));
    if (!heroku || json_object_get(p->state, "wrote")) return true;
    sw__set(p->state, "wrote", json_true());
    sw__set(write, "first", json_true()); /* refused, nothing was changed at all */
    return true;
}

void sw__plan_regrant(struct sw__plan *p, enum sw__grant grant, bool refused) {
    /* Of a dead one perhaps a newer version than this plan's own. */
    json_int_t version = refused ? p->dead[grant] : sw_int(sw__grant_held(p, grant), "version");
    json_t *body = json_pack(
        "{s:O, s:O, s:O, s:s, s:I, s:b}", "who", json_object_get(p->state, "who"), "line",
        json_object_get(p->state, "line"), "command", json_object_get(p->state, "command"),
        "provider", sw__grant_provider(grant), "version", version, "refused", (int)refused);
    sw__plan_send(p, "auth", SW_KIND_REGRANT, body);
    sw__set(p->state, "waiting", json_true());
    arm(p, GRANT_WAIT_MS);
}

void sw__plan_reply(struct sw__plan *p, const char *to, const char *template, json_t *data,
                    int rank, bool final) {
    json_t *who = json_object_get(p->state, "who");
    if (is_silent(p)) {
        json_decref(data);
        return;
    }
    if (!data) data = json_object();
    sw__set(data, "line", json_string(sw_str(p->state, "line")));
    sw__set(data, "user", json_string(sw_str(who, "user")));
    json_t *body = json_pack("{s:O, s:s, s:s, s:s, s:o}", "who", who, "op", p->in->cmd, "to", to,
                             "template", template, "data", data);
    if (rank > 0) sw__set(body, "rank", json_integer(rank));
    if (final) sw__set(body, "final", json_true());
    sw__plan_send(p, "responder", SW_KIND_REPLY, body);
}

void sw__plan_end(struct sw__plan *p, const char *outcome, const char *template, json_t *data) {
    if (is_silent(p)) {
        json_decref(data);
        sw__plan_kind(p)->silent(p, outcome);
        return;
    }
    const char *message = sw_str(data, "message");
    if (message[0] && !json_object_get(p->state, "reason"))
        sw__set(p->state, "reason", json_string(message));
    sw__set(p->state, "outcome", json_string(outcome));
    json_object_del(p->state, "waiting");
    bool posted = json_is_true(json_object_get(p->state, "posted"));
    if (posted) sw__report_promoted(p, "done"); /* from now on a release is somebody else's */
    if (posted) sw__report_parent(p, outcome, template == NULL);
    /* There is no message that could say so. */
    if (!posted && !template && !strcmp(outcome, "cancelled")) template = "op.cancelled";
    if (template)
        sw__plan_reply(p, "private", template, data, 0, true);
    else
        json_decref(data);
    sw__lock_free(p);
    if (sw__plan_kind(p)->acts) sw__ops_note(p, outcome);
    disarm(p, "plan");
    disarm(p, "slow");
    sw__wind_start(p);
}

/* The audit's word for it. */
static const char *audited(const char *outcome) {
    if (!strcmp(outcome, "success")) return "done";
    if (!strcmp(outcome, "two_factor")) return "refused";
    if (!strcmp(outcome, "expired")) return "cancelled";
    return !strcmp(outcome, "failure") ? "failed" : outcome;
}

void sw__plan_close(struct sw__plan *p) {
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", p->in->cmd);
    const struct sw__kind *kind = sw__plan_kind(p);
    if (kind->acts || kind->audited) sw__report_audit(p, audited(sw_str(p->state, "outcome")));
    disarm(p, "plan");
    disarm(p, "slow");
    disarm(p, "end");
    /* A grant that comes twice must not act twice, so what wrote leaves a mark for a while. */
    if (json_object_get(p->state, "wrote") || json_object_get(p->state, "hub_at"))
        sw_store(p->out, key, json_pack("{s:s}", "step", "done"), SW__PLAN_TTL_MS);
    else
        sw_forget(p->out, key);
    p->over = true;
}

void sw__plan_fail(struct sw__plan *p, const char *template, json_t *data) {
    sw__plan_end(p, "failure", template, data);
}

static void ask_factor(struct sw__plan *p) {
    size_t i;
    json_t *target, *apps = json_array(), *from = json_object_get(p->state, "from");
    if (from) json_array_append_new(apps, json_string(sw_str(from, "name")));
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append(apps, json_object_get(target, "name"));
    }
    bool typed = json_object_get(p->state, "code") != NULL;
    sw__plan_end(p, "two_factor", "promote.two_factor",
                 json_pack("{s:o, s:b}", "apps", apps, "wrong", (int)typed));
}

/* Its own words, for the middle of a sentence. */
static json_t *words_of(const struct sw__said *said) {
    size_t size = strlen(said->message);
    if (size > 0 && said->message[size - 1] == '.') size--;
    return sw__text(said->message, size < 300 ? size : 300);
}

void sw__plan_trouble(struct sw__plan *p, const struct sw__said *said) {
    const char *upstream = sw__plan_upstream(p);
    bool github = !strcmp(upstream, "GitHub");
    if (sw__plan_kind(p)->trouble) {
        sw__plan_kind(p)->trouble(p, said);
    } else if (said->kind == SW__SAID_FACTOR && json_object_get(p->state, "targets")) {
        ask_factor(p);
    } else if (said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR) {
        sw__plan_fail(p, github ? "error.github" : "error.heroku",
                      json_pack("{s:o, s:i}", "message", words_of(said), "status", said->status));
    } else {
        json_t *data = json_pack("{s:s}", "upstream", upstream);
        if (said->status) sw__set(data, "status", json_integer(said->status));
        sw__plan_fail(p, "error.upstream", data);
    }
}

void sw__plan_give_up(struct sw__plan *p, const char *why, bool told) {
    const struct sw__kind *kind = sw__plan_kind(p);
    if (kind->silent) {
        kind->silent(p, why);
    } else if (sw__wind_runs(p)) { /* the person knows how it ended: only GitHub does not */
        sw__github_untold(p);
        sw__wind_end(p);
    } else if (json_object_get(p->state, "wrote")) {
        kind->unknown ? kind->unknown(p, why, "") : sw__report_unknown(p, why, "");
    } else if (!told) {
        sw__plan_fail(p, "error.upstream",
                      json_pack("{s:s, s:s}", "upstream", sw__plan_upstream(p), "why", why));
    } else {
        sw__plan_end(p, "failure", NULL, NULL);
    }
}
