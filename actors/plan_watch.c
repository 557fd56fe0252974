/* plan_watch.c -- follows a promotion until each of its targets has its own end.
 *
 * A round asks for the promotion's targets, then for the release of each target that has one: a
 * promotion that is completed says nothing about the release phase. Where the promotion's id got
 * lost, a target's release is looked for among the app's. Between rounds a timer waits, longer each
 * time that nothing moved. See executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define MISSING_MS (2 * 60 * 1000LL) /* the other targets have theirs by then */

static json_t *targets(const struct sw__plan *p) {
    return json_object_get(p->state, "targets");
}

static json_t *target_data(const json_t *target) {
    return json_pack("{s:O, s:O*, s:O}", "app", json_object_get(target, "name"), "version",
                     json_object_get(target, "version"), "state", json_object_get(target, "state"));
}

/* A target has come to its end: the parent shows it after this round. */
static void settle(struct sw__plan *p, json_t *target, const char *state, const char *reason) {
    if (sw__report_settled(target)) return;
    sw__report_target(p, target, state, reason);
    sw__set(p->state, "moved", json_true());
}

static size_t count_state(const struct sw__plan *p, const char *state) {
    size_t i, n = 0;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        if (!strcmp(sw_str(target, "state"), state)) n++;
    }
    return n;
}

int sw__promote_finish(struct sw__plan *p) {
    size_t good = count_state(p, "success"), unknown = count_state(p, "unknown");
    const char *outcome = "partial";
    if (unknown > 0)
        outcome = "unknown";
    else if (good == json_array_size(targets(p)))
        outcome = "success";
    else if (good == 0)
        outcome = "failure";
    sw__plan_end(p, outcome, NULL, NULL);
    return 0;
}

static int end_round(struct sw__plan *p) {
    size_t i, open = 0;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        if (!sw__report_settled(target)) open++;
    }
    if (open == 0) return sw__plan_next(p);
    if (json_is_true(json_object_get(p->state, "moved"))) {
        sw__report_parent(p, "running", false);
        sw__poll_moved(p);
        json_object_del(p->state, "moved");
    }
    sw__plan_go(p, "pause");
    return 0;
}

/* Heroku tells the releases of some apps with a one-time code only, and ours is used up: then the
 * word of the promotion counts, as it does for Heroku's own command line. */
static bool is_blind(const struct sw__plan *p) {
    return json_is_true(json_object_get(p->state, "blind"));
}

/* The next call of this round, from the target at the cursor on. */
static int next(struct sw__plan *p) {
    bool known = json_object_get(p->state, "promotion") != NULL;
    for (json_t *target; (target = sw__cursor_target(p)); sw__count(p, "cursor")) {
        if (sw__report_settled(target)) continue;
        if (is_blind(p)) {
            if (json_object_get(target, "done")) settle(p, target, "success", "");
            continue;
        }
        if (json_object_get(target, "release")) {
            sw__plan_go(p, "release");
            return 0;
        }
        if (!known) {
            sw__plan_go(p, "missing");
            return 0;
        }
    }
    return end_round(p);
}

void sw__watch_next(struct sw__plan *p) {
    next(p);
}

void sw__watch_round(struct sw__plan *p) {
    bool wanted = false;
    size_t i;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        if (sw__report_settled(target)) continue;
        if (is_blind(p) || !json_object_get(target, "release")) wanted = true;
    }
    sw__set(p->state, "cursor", json_integer(0));
    if (wanted && json_object_get(p->state, "promotion"))
        sw__plan_go(p, "targets");
    else
        next(p);
}

int sw__watch_start(struct sw__plan *p) {
    if (json_object_get(p->state, "promotion"))
        sw__plan_go(p, "pause"); /* it was made a moment ago */
    else
        sw__watch_round(p);
    return 0;
}

void sw__watch_wait(struct sw__plan *p) {
    sw__poll_wait(p);
}

/* After the POST, a call that fails says nothing about the promotion: it is asked again until the
 * time is over. Only where Heroku will not let us look is there no use in that. 404: what was just
 * made may not be visible everywhere yet. */
void sw__watch_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool final = said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR;
    if (final && said->status != 404) {
        const struct sw__kind *kind = sw__plan_kind(p);
        (kind->unknown ? kind->unknown : sw__report_unknown)(p, "look", said->message);
        return;
    }
    if (!json_is_true(json_object_get(p->state, "troubled"))) {
        sw__report_thread(p, "promote.waiting", NULL);
        sw__set(p->state, "troubled", json_true());
    }
    end_round(p);
}

void sw__targets_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "app.id status error_message release.id",
                                 "/pipeline-promotions/%s/promotion-targets",
                                 sw_str(p->state, "promotion")));
}

static json_t *target_of(const struct sw__plan *p, const char *app) {
    size_t i;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        if (!strcmp(sw_str(target, "id"), app)) return target;
    }
    return NULL;
}

int sw__targets_said(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *one;
    sw__poll_rate(p, said);
    json_array_foreach((json_t *)said->json, i, one) {
        json_t *target = target_of(p, sw_str(json_object_get(one, "app"), "id"));
        const char *release = sw_str(json_object_get(one, "release"), "id");
        const char *reason = sw_str(one, "error_message");
        if (!target) continue;
        if (sw__id_valid(release)) sw__set(target, "release", json_string(release));
        if (!strcmp(sw_str(one, "status"), "succeeded")) sw__set(target, "done", json_true());
        if (!strcmp(sw_str(one, "status"), "failed"))
            settle(p, target, "failure", reason[0] ? reason : "Heroku did not say why");
    }
    return next(p);
}

void sw__release_call(struct sw__plan *p) {
    const json_t *target = sw__cursor_target(p);
    sw__plan_call(p, sw__request("GET", "id version status", "/apps/%s/releases/%s",
                                 sw_str(target, "id"), sw_str(target, "release")));
}

int sw__release_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *target = sw__cursor_target(p);
    const char *status = sw_str(said->json, "status");
    json_int_t version = sw_int(said->json, "version");
    sw__poll_rate(p, said);
    if (version > 0) sw__set(target, "version", json_integer(version));
    if (!strcmp(status, "succeeded")) {
        settle(p, target, "success", "");
    } else if (!strcmp(status, "failed")) {
        settle(p, target, "failure", "its release phase failed");
    } else if (!strcmp(sw_str(target, "state"), "waiting")) {
        sw__set(target, "state", json_string("release"));
        sw__report_thread(p, "promote.phase", target_data(target));
        sw__set(p->state, "moved", json_true());
        sw__count(p, "cursor");
        return sw__github_say(p, target, "release", "round");
    }
    sw__count(p, "cursor");
    return next(p);
}

void sw__release_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_FACTOR && json_object_get(p->state, "promotion")) {
        sw__set(p->state, "blind", json_true());
        next(p);
        return;
    }
    sw__watch_trouble(p, said);
}

void sw__missing_call(struct sw__plan *p) {
    sw__plan_call(p, sw__before_request(sw__cursor_target(p)));
}

int sw__missing_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *target = sw__cursor_target(p);
    sw__poll_rate(p, said);
    if (sw__promote_take(p, target, said->json)) {
        return next(p); /* this target again, now with its release */
    }
    if (p->ctx->now_ms >= sw_int(p->state, "found_ms") + MISSING_MS)
        settle(p, target, "unknown", "no release of this promotion was seen");
    sw__count(p, "cursor");
    return next(p);
}
