/* plan_check.c -- the POST's outcome is not known: looks before anything is repeated.
 *
 * Found: that promotion is followed. Not found at two looks, the last of them later than Heroku can
 * still be at work on the first POST: it is done once more, once only. Could not look: the person
 * is told. See executor_priv.h. */
#include "actors/executor_priv.h"

#include <string.h>

#define SKEW_MS 60000  /* Heroku's clock and ours */
#define SETTLE_MS 5000 /* from a promotion to its releases */
#define LOOKS_MIN 2

void sw__check_start(struct sw__plan *p, bool answered) {
    /* After an answer Heroku may only make releases; a call that was cut may still be worked on
     * until Heroku's own limit. */
    int64_t rest_ms = SETTLE_MS + (answered ? 0 : p->ctx->conf->write_timeout_ms);
    sw__set(p->state, "settled_ms", json_integer(sw_int(p->state, "posted_ms") + rest_ms));
    sw__count(p, "unsure");
    sw__set(p->state, "looks", json_integer(0));
    sw__set(p->state, "cursor", json_integer(0));
    sw__report_thread(p, "promote.checking", NULL);
    sw__plan_go(p, "look");
}

json_t *sw__check_request(const json_t *target) {
    json_t *request = sw__request("GET", "id version status description user.email created_at",
                                  "/apps/%s/releases", sw_str(target, "id"));
    sw__request_range(request, "version ..; order=desc,max=10");
    return request;
}

static json_t *cursor_target(const struct sw__plan *p) {
    size_t at = (size_t)sw_int(p->state, "cursor");
    return json_array_get(json_object_get(p->state, "targets"), at);
}

void sw__look_call(struct sw__plan *p) {
    sw__plan_call(p, sw__check_request(cursor_target(p)));
}

/* Whether `release` is what our POST makes. What is not said counts as ours: to follow another's
 * release misleads one person, to promote twice harms all. */
static bool is_ours(const json_t *state, const json_t *target, const json_t *release) {
    const char *email = sw_str(json_object_get(state, "account"), "email");
    const char *by = sw_str(json_object_get(release, "user"), "email");
    const char *description = sw_str(release, "description");
    int64_t at_ms = sw__time_parse(sw_str(release, "created_at"));
    if (!sw__id_valid(sw_str(release, "id"))) return false;
    if (sw_int(release, "version") <= sw_int(target, "before")) return false;
    if (at_ms >= 0 && at_ms < sw_int(state, "intent_ms") - SKEW_MS) return false;
    if (by[0] && email[0] && strcmp(by, email) != 0) return false;
    if (!description[0]) return true;
    return !strncmp(description, "Promote", strlen("Promote")) &&
           strstr(description, sw_str(json_object_get(state, "from"), "name"));
}

bool sw__check_found(const json_t *state, json_t *target, const json_t *releases) {
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)releases, i, release) {
        if (!is_ours(state, target, release)) continue;
        sw__set(target, "release", json_string(sw_str(release, "id")));
        sw__set(target, "version", json_integer(sw_int(release, "version")));
        return true;
    }
    return false;
}

static bool any_found(const struct sw__plan *p) {
    size_t i;
    json_t *target;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        if (json_object_get(target, "release")) return true;
    }
    return false;
}

/* Every target was looked at, and none has it. */
static void not_found(struct sw__plan *p) {
    bool settled = p->ctx->now_ms >= sw_int(p->state, "settled_ms");
    sw__set(p->state, "cursor", json_integer(0));
    if (sw__count(p, "looks") < LOOKS_MIN || !settled) {
        sw__plan_go(p, "look_wait");
    } else if (sw_int(p->state, "unsure") > 1) {
        sw__report_unknown(p, "twice", "");
    } else {
        sw__report_thread(p, "promote.again", NULL);
        sw__plan_go(p, "post");
    }
}

int sw__look_said(struct sw__plan *p, const struct sw__said *said) {
    (void)sw__check_found(p->state, cursor_target(p), said->json); /* any_found asks all of them */
    sw__count(p, "cursor");
    if (cursor_target(p)) {
        sw__plan_go(p, "look");
    } else if (any_found(p)) {
        json_object_del(p->state, "code");
        sw__report_thread(p, "promote.found", NULL);
        sw__set(p->state, "found_ms", json_integer(p->ctx->now_ms));
        sw__watch_start(p);
    } else {
        not_found(p);
    }
    return 0;
}

void sw__look_trouble(struct sw__plan *p, const struct sw__said *said) {
    sw__report_unknown(p, "look", said->message);
}

void sw__look_wait(struct sw__plan *p) {
    sw__plan_wait(p, p->ctx->conf->check_gap_ms);
}

void sw__look_due(struct sw__plan *p) {
    sw__plan_go(p, "look");
}
