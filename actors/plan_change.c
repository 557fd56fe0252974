/* plan_change.c -- what rollback, restart and maintenance have in common; see plan_change.h. */
#include "actors/plan_change.h"

#include <string.h>

#define REASON_BYTES_MAX 300

int sw__change_choose(struct sw__plan *p) {
    return sw__choose_target(p, "production") ? sw__plan_next(p) : 0;
}

json_t *sw__change_target(const struct sw__plan *p) {
    return json_array_get(json_object_get(p->state, "targets"), 0);
}

char *sw__change_line(const struct sw__plan *p, const char *task) {
    return sw_printf("%s %s in %s/%s", task, sw_str(json_object_get(p->state, "pipeline"), "name"),
                     sw_str(json_object_get(p->state, "to"), "stage"),
                     sw_str(sw__change_target(p), "name"));
}

void sw__change_trouble(struct sw__plan *p, const struct sw__said *said) {
    const json_t *app = sw__change_target(p);
    if (said->kind != SW__SAID_FACTOR) {
        sw__plan_trouble(p, said);
        return;
    }
    if (!app) app = json_object_get(p->state, "app"); /* ps, releases: nothing is changed */
    sw__plan_end(p, "two_factor", "change.two_factor",
                 json_pack("{s:O, s:s}", "app", json_object_get(app, "name"), "task",
                           sw__plan_kind(p)->name));
}

void sw__change_unknown(struct sw__plan *p, const char *why, const char *reason) {
    const char *task = sw__plan_kind(p)->name;
    bool rollback = !strcmp(task, "rollback");
    json_t *target = sw__change_target(p);
    SW_AUTO(sw_text) char *type = sw__change_line(p, rollback ? "releases" : "ps");
    json_t *data =
        json_pack("{s:s, s:O, s:s, s:O*, s:s}", "why", why, "app", json_object_get(target, "name"),
                  "task", task, "version", json_object_get(target, "version"), "type", type);
    if (reason[0]) sw__set(data, "reason", sw__text(reason, REASON_BYTES_MAX));
    if (!sw__report_settled(target)) sw__set(target, "state", json_string("unknown"));
    sw__plan_end(p, "unknown", "change.unknown", data);
}

void sw__change_found(struct sw__plan *p) {
    sw__report_thread(p, "change.found", NULL);
}
