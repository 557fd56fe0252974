/* plan_maintenance.c -- maintenance on and off: one PATCH, and none where it is so already.
 *
 * What is asked for can be seen at any time, so a lost answer is no riddle. See plan_change.h. */
#include "actors/plan_change.h"

#include <string.h>

static bool wants_on(const struct sw__plan *p) {
    return !strcmp(sw__word(p, "state"), "on");
}

static bool is_so(const struct sw__plan *p, const json_t *app) {
    const json_t *now = json_object_get(app, "maintenance");
    return json_is_boolean(now) && json_is_true(now) == wants_on(p);
}

int sw__maintenance_start(struct sw__plan *p) {
    sw__plan_go(p, "maintenance_before");
    return 0;
}

void sw__maintenance_look(struct sw__plan *p) {
    sw__plan_call(
        p, sw__request("GET", "id maintenance", "/apps/%s", sw_str(sw__change_target(p), "id")));
}

int sw__maintenance_before_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *name = json_object_get(sw__change_target(p), "name");
    if (is_so(p, said->json)) {
        sw__set(p->state, "reason", json_string("it was so already"));
        sw__plan_end(p, "success", "maintenance.already",
                     json_pack("{s:O, s:s}", "app", name, "mode", sw__word(p, "state")));
        return 0;
    }
    sw__report_begin(p);
    return sw__plan_next(p);
}

int sw__maintenance_write(struct sw__plan *p) {
    sw__plan_go(p, "maintenance");
    return 0;
}

void sw__maintenance_call(struct sw__plan *p) {
    json_t *request =
        sw__request("PATCH", "id maintenance", "/apps/%s", sw_str(sw__change_target(p), "id"));
    sw__set(request, "json", json_pack("{s:b}", "maintenance", (int)wants_on(p)));
    sw__plan_write(p, request, true);
}

static int done(struct sw__plan *p) {
    json_object_del(p->state, "code");
    sw__set(sw__change_target(p), "state", json_string("success"));
    sw__plan_end(p, "success", NULL, NULL);
    return 0;
}

int sw__maintenance_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    return done(p);
}

enum sw__seen sw__maintenance_seen(struct sw__plan *p, const struct sw__said *said) {
    return is_so(p, said->json) ? SW__SEEN_YES : SW__SEEN_NOT;
}

int sw__maintenance_found(struct sw__plan *p) {
    sw__change_found(p);
    return done(p);
}

void sw__maintenance_describe(const struct sw__plan *p, json_t *data) {
    sw__set(data, "app", json_string(sw_str(sw__change_target(p), "name")));
    sw__set(data, "mode", json_string(sw__word(p, "state")));
    sw__set(data, "on", json_boolean(wants_on(p)));
}
