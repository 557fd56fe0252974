/* plan_report.c -- what people see of a promotion, and what notifier learns.
 * See executor_priv.h. */
#include "actors/executor_priv.h"

#include <string.h>

#define RANK_LAST 1000000
#define REASON_BYTES_MAX 300

static json_t *report_apps(const struct sw__plan *p) {
    json_t *apps = json_array(), *target;
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append_new(apps, json_pack("{s:O, s:O, s:O*, s:O*}", "name",
                                              json_object_get(target, "name"), "state",
                                              json_object_get(target, "state"), "version",
                                              json_object_get(target, "version"), "reason",
                                              json_object_get(target, "reason")));
    }
    return apps;
}

/* One message that changes; a later one has a higher rank, the last the highest. */
void sw__report_parent(struct sw__plan *p, const char *state, bool final) {
    json_t *from = json_object_get(p->state, "from"),
           *pipeline = json_object_get(p->state, "pipeline");
    bool last = strcmp(state, "started") != 0 && strcmp(state, "running") != 0;
    json_t *data = json_pack(
        "{s:O, s:O, s:{s:O, s:O, s:O}, s:{s:O, s:o}, s:s, s:s, s:O*}", "pipeline",
        json_object_get(pipeline, "name"), "pipeline_id", json_object_get(pipeline, "id"), "from",
        "stage", json_object_get(from, "stage"), "app", json_object_get(from, "name"), "version",
        json_object_get(from, "version"), "to", "stage",
        json_object_get(json_object_get(p->state, "to"), "stage"), "apps", report_apps(p), "state",
        state, "op", p->in->cmd, "reason", json_object_get(p->state, "reason"));
    if (last) sw__set(data, "took_ms", json_integer(p->ctx->now_ms - sw_int(p->state, "start_ms")));
    int rank = last ? RANK_LAST : (int)sw__count(p, "rank");
    sw__plan_reply(p, "parent", "promote", data, rank, final);
}

void sw__report_thread(struct sw__plan *p, const char *template, json_t *data) {
    sw__plan_reply(p, "thread", template, data, 0, false);
}

void sw__report_promoted(struct sw__plan *p, const char *state) {
    json_t *apps = json_array(), *target;
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append_new(apps, json_pack("{s:O, s:O, s:O*, s:O*}", "id",
                                              json_object_get(target, "id"), "name",
                                              json_object_get(target, "name"), "release_id",
                                              json_object_get(target, "release"), "version",
                                              json_object_get(target, "version")));
    }
    json_t *pipeline = json_object_get(p->state, "pipeline");
    struct sw_msg *m =
        sw_send(p->out, "notifier", SW_KIND_PROMOTED,
                json_pack("{s:O, s:s, s:{s:O, s:O}, s:o, s:s, s:s}", "who",
                          json_object_get(p->state, "who"), "op", p->in->cmd, "pipeline", "id",
                          json_object_get(pipeline, "id"), "name",
                          json_object_get(pipeline, "name"), "apps", apps, "email",
                          sw_str(json_object_get(p->state, "account"), "email"), "state", state));
    sw_msg_set_box(m, "token", NULL);
    sw_msg_set_box(m, "code", NULL);
    sw_msg_set_box(m, "response_url", NULL);
}

/* What is known of each target, and the line that shows the rest. */
void sw__report_unknown(struct sw__plan *p, const char *why, const char *reason) {
    size_t i;
    json_t *target;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        const char *state = sw_str(target, "state");
        if (!strcmp(state, "waiting") || !strcmp(state, "release"))
            sw__set(target, "state", json_string("unknown"));
    }
    SW_AUTO(sw_text)
    char *type =
        sw_printf("releases %s in %s", sw_str(json_object_get(p->state, "pipeline"), "name"),
                  sw_str(json_object_get(p->state, "to"), "stage"));
    json_t *data = json_pack("{s:s, s:o, s:s}", "why", why, "apps", report_apps(p), "type", type);
    if (reason[0]) sw__set(data, "reason", sw__text(reason, REASON_BYTES_MAX));
    sw__report_promoted(p, "done");
    sw__report_parent(p, "unknown", false);
    sw__plan_reply(p, "private", "promote.unknown", data, 0, true);
    sw__plan_close(p);
}
