/* plan_status.c -- `status`, `cancel`, `wait`: about a plan of another command.
 *
 * What is said is said at once, from what is known here; what is done is a message to the other
 * plan, whose handler has the last word. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define RUNNING_SHOWN 40

static const json_t *ops_of(const struct sw__plan *p) {
    SW_AUTO(sw_text) char *key = sw__ops_key(p);
    const json_t *ops = NULL;
    return sw_fact(p->out, key, &ops) < 0 ? NULL : ops; /* it was loaded before */
}

/* What is typed in another channel, perhaps a private one, concerns those who are there. */
static bool is_seen(const struct sw__plan *p, const json_t *op) {
    const json_t *who = json_object_get(p->state, "who");
    return !strcmp(sw_str(op, "channel"), sw_str(who, "channel")) ||
           !strcmp(sw_str(op, "user"), sw_str(who, "user"));
}

static const json_t *op_find(const struct sw__plan *p, const char *id) {
    size_t i;
    json_t *op;
    json_array_foreach((json_t *)ops_of(p), i, op) {
        if (!strcmp(sw_str(op, "id"), id)) return is_seen(p, op) ? op : NULL;
    }
    return NULL;
}

json_t *sw__ops_running(const struct sw__plan *p, size_t max, json_int_t *ret_more) {
    json_t *list = json_array(), *op;
    size_t i;
    *ret_more = 0;
    json_array_foreach((json_t *)ops_of(p), i, op) {
        if (json_object_get(op, "end_ms")) continue;
        if (is_seen(p, op) && json_array_size(list) < max)
            json_array_append(list, op);
        else
            ++*ret_more;
    }
    return list;
}

static void tell_none(struct sw__plan *p) {
    sw__plan_fail(p, "error.no_operation",
                  json_pack("{s:o}", "id", sw__text(sw__word(p, "id"), 64)));
}

static int tell_one(struct sw__plan *p, const char *id) {
    const json_t *op = op_find(p, id), *plan = NULL;
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", id);
    int r = sw_fact(p->out, key, &plan);
    if (r < 0) return r;
    if (!op) {
        tell_none(p);
        return 0;
    }
    json_t *one = json_deep_copy(op), *targets = json_array(), *target;
    size_t i;
    json_array_foreach(json_object_get(plan, "targets"), i, target) {
        json_array_append_new(targets, json_pack("{s:O, s:O, s:O*, s:O*}", "name",
                                                 json_object_get(target, "name"), "state",
                                                 json_object_get(target, "state"), "version",
                                                 json_object_get(target, "version"), "reason",
                                                 json_object_get(target, "reason")));
    }
    sw__set(one, "targets", targets);
    sw__plan_reply(p, "private", "status.one", json_pack("{s:o}", "op", one), 0, true);
    sw__plan_close(p);
    return 0;
}

int sw__status_start(struct sw__plan *p) {
    const char *id = sw__word(p, "id");
    if (id[0]) return tell_one(p, id);
    json_int_t more;
    json_t *running = sw__ops_running(p, RUNNING_SHOWN, &more), *ended = json_array(), *op;
    size_t i;
    json_array_foreach((json_t *)ops_of(p), i, op) {
        if (json_object_get(op, "end_ms") && is_seen(p, op)) json_array_append(ended, op);
    }
    sw__plan_reply(p, "private", "status.list",
                   json_pack("{s:o, s:o, s:I}", "running", running, "ended", ended, "more", more),
                   0, true);
    sw__plan_close(p);
    return 0;
}

/* The other plan, if it is this person's and not at its end; else the person was told, *ret NULL. */
static int other_plan(struct sw__plan *p, const json_t **ret) {
    const char *id = sw__word(p, "id"), *user = sw_str(json_object_get(p->state, "who"), "user");
    const json_t *op = op_find(p, id), *plan = NULL;
    SW_AUTO(sw_text) char *key = sw_printf("plan/%s", id);
    int r = sw_fact(p->out, key, &plan);
    *ret = NULL;
    if (r < 0) return r;
    bool over = !plan || !strcmp(sw_str(plan, "step"), "done") || json_object_get(plan, "outcome");
    if (!op || (over && !json_object_get(op, "end_ms"))) {
        tell_none(p);
    } else if (over) {
        sw__plan_fail(p, "error.op_ended", json_pack("{s:O}", "op", op));
    } else if (strcmp(sw_str(op, "user"), user) != 0) {
        sw__plan_fail(p, "error.not_yours",
                      json_pack("{s:s, s:s}", "id", id, "by", sw_str(op, "user")));
    } else {
        *ret = plan;
    }
    return 0;
}

static void send(struct sw__plan *p, const char *kind) {
    struct sw_msg *m = sw_msg_create(kind, sw__word(p, "id"), p->in->inst, p->in->born_ms);
    sw__set(m->body, "by", json_incref(json_object_get(p->state, "who")));
    sw_resume(p->out, "executor", m);
}

static int answer(struct sw__plan *p, const char *template, const json_t *plan) {
    sw__plan_reply(p, "private", template,
                   json_pack("{s:s, s:s}", "id", sw__word(p, "id"), "of", sw_str(plan, "line")), 0,
                   true);
    sw__plan_close(p);
    return 0;
}

int sw__cancel_start(struct sw__plan *p) {
    const json_t *plan;
    int r = other_plan(p, &plan);
    if (r < 0 || !plan) return r;
    send(p, SW_KIND_CANCEL);
    return answer(p, "cancel.asked", plan);
}

int sw__wait_start(struct sw__plan *p) {
    const json_t *plan;
    int r = other_plan(p, &plan);
    if (r < 0 || !plan) return r;
    const struct sw__step *step = sw__step_find(sw_str(plan, "step"));
    /* It waits already: the same is true of it, and nothing is left to be sent. */
    if (json_object_get(plan, "green_until_ms")) return answer(p, "wait.asked", plan);
    if (!step || !step->go) return answer(p, "wait.nothing", plan);
    send(p, SW_KIND_GO);
    return answer(p, "wait.asked", plan);
}
