/* plan_report.c -- what people see of an operation, and what notifier learns.
 * See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define RANK_LAST 1000000
#define REASON_BYTES_MAX 300

static json_t *apps_of(const struct sw__plan *p) {
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
    const struct sw__kind *kind = sw__plan_kind(p);
    json_t *pipeline = json_object_get(p->state, "pipeline");
    bool last = json_object_get(p->state, "outcome") != NULL;
    json_t *data =
        json_pack("{s:O, s:O, s:{s:O*}, s:o, s:s, s:s, s:O*, s:b}", "pipeline",
                  json_object_get(pipeline, "name"), "pipeline_id", json_object_get(pipeline, "id"),
                  "to", "stage", json_object_get(json_object_get(p->state, "to"), "stage"), "apps",
                  apps_of(p), "state", state, "op", p->in->cmd, "reason",
                  json_object_get(p->state, "reason"), "forced", (int)sw__forced(p));
    if (last) sw__set(data, "took_ms", json_integer(p->ctx->now_ms - sw_int(p->state, "start_ms")));
    const char *by = sw_str(json_object_get(p->state, "cancelling"), "user");
    if (by[0]) sw__set(data, "by", json_string(by));
    if (kind->describe) kind->describe(p, data);
    sw__green_describe(p, data);
    int rank = last ? RANK_LAST : (int)sw__count(p, "rank");
    sw__plan_reply(p, "parent", kind->name, data, rank, final);
}

void sw__report_thread(struct sw__plan *p, const char *template, json_t *data) {
    sw__plan_reply(p, "thread", template, data, 0, false);
}

void sw__report_offer(struct sw__plan *p, const char *state) {
    sw__set(p->state, "start_ms", json_integer(p->ctx->now_ms));
    sw__set(p->state, "posted", json_true());
    sw__report_parent(p, state, false);
}

void sw__report_begin(struct sw__plan *p) {
    size_t i;
    json_t *target;
    if (json_object_get(p->state, "begun")) return;
    const struct sw__kind *kind = sw__plan_kind(p);
    json_t *targets = json_object_get(p->state, "targets");
    json_array_foreach(kind->still || kind->sets ? NULL : targets, i, target) {
        SW_AUTO(sw_text) char *source = sw_printf("heroku/%s", sw_str(target, "id"));
        sw_source(p->out, source);
    }
    sw__set(p->state, "begun", json_true());
    sw__report_offer(p, "started");
    sw__report_promoted(p, "started");
}

void sw__report_promoted(struct sw__plan *p, const char *state) {
    if (sw__plan_kind(p)->still) return;
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
    if (sw__plan_kind(p)->sets) json_object_set_new(m->body, "sets", json_true());
    json_object_clear(m->boxes);
}

bool sw__report_settled(const json_t *target) {
    const char *state = sw_str(target, "state");
    return strcmp(state, "waiting") != 0 && strcmp(state, "release") != 0;
}

void sw__report_target(struct sw__plan *p, json_t *target, const char *state, const char *reason) {
    if (sw__report_settled(target)) return;
    sw__set(target, "state", json_string(state));
    if (reason[0]) sw__set(target, "reason", sw__text(reason, REASON_BYTES_MAX));
    sw__report_thread(p, "promote.target",
                      json_pack("{s:O, s:O*, s:s, s:O*}", "app", json_object_get(target, "name"),
                                "version", json_object_get(target, "version"), "state", state,
                                "reason", json_object_get(target, "reason")));
}

/* What is known of each target, and the line that shows the rest. */
void sw__report_unknown(struct sw__plan *p, const char *why, const char *reason) {
    size_t i;
    json_t *target;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        if (!sw__report_settled(target)) sw__set(target, "state", json_string("unknown"));
    }
    SW_AUTO(sw_text)
    char *type =
        sw_printf("releases %s in %s", sw_str(json_object_get(p->state, "pipeline"), "name"),
                  sw_str(json_object_get(p->state, "to"), "stage"));
    json_t *data = json_pack("{s:s, s:o, s:s, s:s}", "why", why, "apps", apps_of(p), "type", type,
                             "upstream", sw__plan_upstream(p));
    if (reason[0]) sw__set(data, "reason", sw__text(reason, REASON_BYTES_MAX));
    sw__plan_end(p, "unknown", "promote.unknown", data);
}

static json_t *app_names(const struct sw__plan *p) {
    json_t *names = json_array(), *target;
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append(names, json_object_get(target, "name"));
    }
    return names;
}

/* Who did what through which accounts, in the terms of `slipway audit`. */
void sw__report_audit(struct sw__plan *p, const char *outcome) {
    json_t *who = json_object_get(p->state, "who"), *names = app_names(p);
    json_t *command = json_object_get(p->state, "command");
    json_t *entry = json_pack(
        "{s:I, s:s, s:O, s:s, s:s, s:b, s:{s:O*, s:O*}, s:O*, s:O*, s:s, s:O*}", "at_ms",
        (json_int_t)p->ctx->now_ms, "cmd", p->in->cmd, "who", who, "line", sw_str(p->state, "line"),
        "task", sw_str(command, "task"), "forced", (int)sw__forced(p), "accounts", "heroku",
        json_object_get(json_object_get(p->state, "account"), "email"), "github",
        json_object_get(json_object_get(p->state, "github"), "login"), "pipeline",
        json_object_get(json_object_get(p->state, "pipeline"), "name"), "stage",
        json_object_get(json_object_get(p->state, "to"), "stage"), "outcome", outcome, "detail",
        json_object_get(p->state, "reason"));
    if (json_object_get(p->state, "untold") && !json_object_get(entry, "detail"))
        sw__set(entry, "detail", json_string("GitHub was not told"));
    if (json_array_size(names) > 0) json_object_set(entry, "apps", names);
    json_decref(names);
    sw_audit(p->out, entry);
}
