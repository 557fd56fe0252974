/* plan_deploy_say.c -- what people see of a deploy, and the line to type where it is lost to us.
 * See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define SHORT_SHA 7

/* Heroku's page about the phase that the deploy is in; NULL: none yet. Never the log's own
 * address, which is signed. */
json_t *sw__deploy_log(const struct sw__plan *p) {
    const json_t *target = sw__deploy_target(p);
    const char *at = sw_str(p->state, "at"), *app = sw_str(target, "name");
    const char *dashboard = p->ctx->conf->dashboard;
    if (!at[0] || !sw__id_valid(app)) return NULL;
    if (!strcmp(at, "building"))
        return json_sprintf("%s/apps/%s/activity/builds/%s", dashboard, app,
                            sw_str(target, "build"));
    if (!strcmp(at, "releasing"))
        return json_sprintf("%s/apps/%s/activity/releases/%s", dashboard, app,
                            sw_str(target, "release"));
    return json_sprintf("%s/apps/%s/logs", dashboard, app);
}

static json_t *cancel_button(const struct sw__plan *p) {
    SW_AUTO(sw_text) char *line = sw_printf("cancel %s", p->in->cmd);
    return json_pack("[{s:s, s:s, s:s, s:s}]", "label", "Cancel", "line", line, "style", "danger",
                     "confirm", "The build is stopped; what runs now runs on.");
}

static bool may_be_cancelled(const struct sw__plan *p) {
    return !json_object_get(p->state, "outcome") && !json_object_get(p->state, "cancelling") &&
           !json_object_get(sw__deploy_target(p), "release");
}

void sw__deploy_describe(const struct sw__plan *p, json_t *data) {
    const json_t *target = sw__deploy_target(p);
    json_t *log = sw__deploy_log(p);
    sw__set(data, "app", json_string(sw_str(target, "name")));
    if (json_object_get(target, "version"))
        sw__set(data, "version", json_integer(sw_int(target, "version")));
    sw__set(data, "repo", json_string(sw__repo_name(p)));
    sw__set(data, "ref", json_string(sw_str(p->state, "ref")));
    sw__set(data, "sha", sw__text(sw_str(p->state, "sha"), SHORT_SHA));
    sw__set(data, "phase", json_string(sw_str(p->state, "at")));
    if (json_object_get(p->state, "dynos"))
        sw__set(data, "dynos", json_incref(json_object_get(p->state, "dynos")));
    if (log) sw__set(data, "log", log);
    if (json_object_get(p->state, "cancelling")) sw__set(data, "cancelling", json_true());
    if (may_be_cancelled(p)) sw__set(data, "buttons", cancel_button(p));
}

void sw__deploy_unknown(struct sw__plan *p, const char *why, const char *reason) {
    json_t *target = sw__deploy_target(p), *log = sw__deploy_log(p);
    SW_AUTO(sw_text)
    char *type =
        sw_printf("releases %s in %s", sw_str(json_object_get(p->state, "pipeline"), "name"),
                  sw_str(json_object_get(p->state, "to"), "stage"));
    json_t *data =
        json_pack("{s:s, s:O, s:s, s:s, s:o*}", "why", why, "app", json_object_get(target, "name"),
                  "type", type, "upstream", sw__plan_upstream(p), "log", log);
    if (reason[0]) sw__set(data, "reason", sw__text(reason, 300));
    sw__set(target, "state", json_string("unknown"));
    sw__plan_end(p, "unknown", "deploy.unknown", data);
}

/* GitHub learns of the phase, as far as it can; then this step. */
void sw__deploy_say(struct sw__plan *p, const char *phase, const char *step) {
    sw__github_say(p, sw__deploy_target(p), phase, step);
}
