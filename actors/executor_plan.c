/* executor_plan.c -- what every plan does: call, wait, tell, end; see executor_priv.h. */
#include "actors/executor_priv.h"

#include <errno.h>
#include <string.h>

#define RENEW_BELOW_MS 60000
#define GRANT_WAIT_MS 120000 /* longer than a flight of auth may last */

/* The plan keeps its boxes itself: others get only the one they need. */
static void dress(const struct sw__plan *p, struct sw_msg *m) {
    const char *url = sw_str(p->state, "response_url");
    sw_msg_set_box(m, "token", NULL);
    sw_msg_set_box(m, "code", NULL);
    sw_msg_set_box(m, "response_url", url[0] ? url : NULL);
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

static void disarm(struct sw__plan *p) {
    SW_AUTO(sw_text) char *name = sw_printf("plan/%s", p->in->cmd);
    sw_cancel(p->out, name);
}

void sw__plan_wait(struct sw__plan *p, int64_t delay_ms) {
    arm(p, delay_ms);
}

/* A grant that is always short-lived is not asked for at every call. */
static bool runs_out(const struct sw__plan *p) {
    json_int_t expires_ms = sw_int(json_object_get(p->state, "grant"), "expires_ms");
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

bool sw__plan_call(struct sw__plan *p, json_t *request) {
    if (runs_out(p)) {
        json_decref(request);
        sw__plan_regrant(p, false);
        return false;
    }
    add_code(p, request);
    sw__set(request, "bearer",
            json_pack("{s:s, s:s}", "$box", sw_str(p->state, "token"), "field", "token"));
    dress(p, sw_http(p->out, request, SW_KIND_EXECUTOR_HTTP, ticket(p)));
    return true;
}

void sw__plan_regrant(struct sw__plan *p, bool refused) {
    json_int_t version = sw_int(json_object_get(p->state, "grant"), "version");
    json_t *body = json_pack("{s:O, s:O, s:O, s:I, s:b}", "who", json_object_get(p->state, "who"),
                             "line", json_object_get(p->state, "line"), "command",
                             json_object_get(p->state, "command"), "version", version, "refused",
                             (int)refused);
    dress(p, sw_send(p->out, "auth", SW_KIND_REGRANT, body));
    sw__set(p->state, "waiting", json_true());
    arm(p, GRANT_WAIT_MS);
}

void sw__plan_reply(struct sw__plan *p, const char *to, const char *template, json_t *data,
                    int rank, bool final) {
    json_t *who = json_object_get(p->state, "who");
    if (!data) data = json_object();
    sw__set(data, "line", json_string(sw_str(p->state, "line")));
    sw__set(data, "user", json_string(sw_str(who, "user")));
    json_t *body = json_pack("{s:O, s:s, s:s, s:s, s:o}", "who", who, "op", p->in->cmd, "to", to,
                             "template", template, "data", data);
    if (rank > 0) sw__set(body, "rank", json_integer(rank));
    if (final) sw__set(body, "final", json_true());
    dress(p, sw_send(p->out, "responder", SW_KIND_REPLY, body));
}

/* Only locks of this very command: one that ran out may be another's by now. The facts were asked
 * for when the plan was loaded, so they are here. */
static void unlock(struct sw__plan *p) {
    size_t i;
    json_t *target;
    if (!json_is_true(json_object_get(p->state, "locked"))) return;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = sw_printf("lock/%s/%s", p->in->inst, sw_str(target, "id"));
        const json_t *lock = NULL;
        if (sw_fact(p->out, key, &lock) == 0 && lock && !strcmp(sw_str(lock, "op"), p->in->cmd))
            sw_forget(p->out, key);
    }
}

void sw__plan_close(struct sw__plan *p) {
    SW_AUTO(sw_text) char *end = sw_printf("end/%s", p->in->cmd);
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", p->in->cmd);
    unlock(p);
    disarm(p);
    sw_cancel(p->out, end);
    /* A grant that comes twice must not promote twice, so what wrote leaves a mark for a while. */
    if (json_object_get(p->state, "intent_ms"))
        sw_store(p->out, key, json_pack("{s:s}", "step", "done"), SW__PLAN_TTL_MS);
    else
        sw_forget(p->out, key);
    p->over = true;
}

void sw__plan_fail(struct sw__plan *p, const char *template, json_t *data) {
    if (json_is_true(json_object_get(p->state, "posted"))) {
        const char *message = sw_str(data, "message");
        if (message[0]) sw__set(p->state, "reason", json_string(message));
        bool factor = !strcmp(template, "promote.two_factor");
        sw__report_parent(p, factor ? "two_factor" : "failure", false);
    }
    sw__plan_reply(p, "private", template, data, 0, true);
    sw__plan_close(p);
}

static void ask_factor(struct sw__plan *p) {
    size_t i;
    json_t *target, *apps = json_array();
    json_array_append_new(apps, json_string(sw_str(json_object_get(p->state, "from"), "name")));
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append(apps, json_object_get(target, "name"));
    }
    bool typed = json_object_get(p->state, "code") != NULL;
    sw__plan_fail(p, "promote.two_factor",
                  json_pack("{s:o, s:b}", "apps", apps, "wrong", (int)typed));
}

void sw__plan_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool promote = !strcmp(sw_str(p->state, "kind"), "promote");
    if (said->kind == SW__SAID_FACTOR && promote) {
        ask_factor(p);
    } else if (said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR) {
        sw__plan_fail(p, "error.heroku",
                      json_pack("{s:o, s:i}", "message", sw__text(said->message, 300), "status",
                                said->status));
    } else {
        json_t *data = json_pack("{s:s}", "upstream", "Heroku");
        if (said->status) sw__set(data, "status", json_integer(said->status));
        sw__plan_fail(p, "error.upstream", data);
    }
}

void sw__plan_give_up(struct sw__plan *p, const char *why, bool told) {
    if (json_object_get(p->state, "intent_ms")) {
        sw__report_unknown(p, why, "");
    } else if (!told) {
        sw__plan_fail(p, "error.upstream",
                      json_pack("{s:s, s:s}", "upstream", "Heroku", "why", why));
    } else {
        bool posted = json_is_true(json_object_get(p->state, "posted"));
        if (posted) sw__report_parent(p, "failure", true);
        sw__plan_close(p);
    }
}
