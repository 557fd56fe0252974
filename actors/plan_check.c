/* plan_check.c -- a write's outcome is not known: looks before anything is repeated.
 *
 * Found: the plan goes on as if it had been answered. Not found at two looks, the last of them
 * later than the first write can still be at work: it is done once more, once only. Could not look:
 * the person is told. What to look at, the step of the write says. See executor_priv.h. */
#include "actors/plan_priv.h"

#define SETTLE_MS 5000 /* from a write to what it makes */
#define LOOKS_MIN 2

static json_t *the_write(const struct sw__plan *p) {
    return json_object_get(p->state, "write");
}

static const struct sw__step *its_step(const struct sw__plan *p) {
    return sw__step_find(sw_str(the_write(p), "step"));
}

void sw__check_start(struct sw__plan *p, bool answered) {
    json_t *write = the_write(p);
    /* After an answer only what it makes may be awaited; a call that was cut may still be worked on
     * until Heroku's own limit. */
    int64_t rest_ms = SETTLE_MS + (answered ? 0 : p->ctx->conf->write_timeout_ms);
    sw__set(write, "settled_ms", json_integer(sw_int(write, "posted_ms") + rest_ms));
    sw__set(write, "unsure", json_integer(sw_int(write, "unsure") + 1));
    sw__set(write, "looks", json_integer(0));
    sw__set(p->state, "cursor", json_integer(0));
    if (!its_step(p)->quiet)
        sw__report_thread(p, "promote.checking",
                          json_pack("{s:s}", "upstream", sw__plan_upstream(p)));
    sw__plan_go(p, "look");
}

void sw__look_call(struct sw__plan *p) {
    its_step(p)->look(p);
}

/* All was looked at, and it is not there. */
static void not_found(struct sw__plan *p) {
    json_t *write = the_write(p);
    const struct sw__step *step = its_step(p);
    bool settled = p->ctx->now_ms >= sw_int(write, "settled_ms");
    json_int_t looks = sw_int(write, "looks") + 1;
    sw__set(p->state, "cursor", json_integer(0));
    sw__set(write, "looks", json_integer(looks));
    if (looks < LOOKS_MIN || !settled) {
        sw__plan_go(p, "look_wait");
    } else if (sw_int(write, "unsure") > 1) {
        step->lost(p, "twice", "");
    } else {
        if (!step->quiet)
            sw__report_thread(p, "promote.again",
                              json_pack("{s:s}", "upstream", sw__plan_upstream(p)));
        sw__plan_go(p, step->name);
    }
}

int sw__look_said(struct sw__plan *p, const struct sw__said *said) {
    const struct sw__step *step = its_step(p);
    enum sw__seen seen = step->seen(p, said);
    if (seen == SW__SEEN_MORE) {
        sw__plan_go(p, "look");
    } else if (seen == SW__SEEN_NOT) {
        not_found(p);
    } else {
        json_object_del(p->state, "write");
        return step->found(p);
    }
    return 0;
}

void sw__look_trouble(struct sw__plan *p, const struct sw__said *said) {
    its_step(p)->lost(p, "look", said->message);
}

void sw__look_wait(struct sw__plan *p) {
    sw__plan_wait(p, p->ctx->conf->check_gap_ms);
}

void sw__look_due(struct sw__plan *p) {
    sw__plan_go(p, "look");
}
