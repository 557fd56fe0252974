/* plan_hub.c -- one deployment at GitHub for each target, made before Heroku is asked to change
 * anything: it is GitHub that has the last word about required checks.
 *
 * Its payload names this command: that is how one whose answer got lost is recognised. A deploy
 * needs it; a promotion goes on without. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define DESCRIPTION_BYTES_MAX 140

static json_t *targets(const struct sw__plan *p) {
    return json_object_get(p->state, "targets");
}

static json_t *current(const struct sw__plan *p) {
    return json_array_get(targets(p), (size_t)sw_int(p->state, "hub_at"));
}

static const char *stage(const struct sw__plan *p) {
    return sw_str(json_object_get(p->state, "to"), "stage");
}

static const char *task(const struct sw__plan *p) {
    return sw_str(p->state, "kind");
}

int sw__hub_start(struct sw__plan *p) {
    const char *why = sw_str(p->state, "unrecorded");
    bool forced = sw__forced(p);
    if (why[0]) sw__report_thread(p, "github.unrecorded", json_pack("{s:s}", "why", why));
    if (!json_object_get(p->state, "repo")) return sw__plan_next(p);
    if (forced) sw__report_thread(p, "github.forced", NULL);
    sw__set(p->state, "hub_at", json_integer(0));
    sw__plan_go(p, "gh_deployment");
    return 0;
}

/* Where a stage has several apps, each is a place of its own. */
static char *environment(const struct sw__plan *p, const json_t *target) {
    if (!json_is_true(json_object_get(json_object_get(p->state, "to"), "several")))
        return sw_strdup(stage(p));
    return sw_printf("%s/%s", stage(p), sw_str(target, "name"));
}

static json_t *description(const struct sw__plan *p, const json_t *target) {
    SW_AUTO(sw_text) char *words = NULL;
    if (sw__is_deploy(p))
        words = sw_printf("deploy of %s to %s", sw_str(p->state, "ref"), sw_str(target, "name"));
    else
        words =
            sw_printf("promotion of %s to %s", sw_str(json_object_get(p->state, "from"), "name"),
                      sw_str(target, "name"));
    return sw__text(words, DESCRIPTION_BYTES_MAX);
}

void sw__hub_call(struct sw__plan *p) {
    const json_t *target = current(p), *pipeline = json_object_get(p->state, "pipeline");
    SW_AUTO(sw_text) char *place = environment(p, target);
    json_t *payload =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "slipway", p->in->cmd, "app", sw_str(target, "name"),
                  "pipeline", sw_str(pipeline, "name"), "stage", stage(p), "user",
                  sw_str(json_object_get(p->state, "who"), "user"));
    json_t *request =
        sw__request_github("POST", "id message", "/repos/%s/deployments", sw__repo_name(p));
    sw__set(request, "json",
            json_pack("{s:s, s:s, s:b, s:O, s:s, s:o, s:o, s:b}", "ref", sw_str(p->state, "sha"),
                      "task", task(p), "auto_merge", 0, "required_contexts",
                      json_object_get(p->state, "required"), "environment", place, "description",
                      description(p, target), "payload", payload, "production_environment",
                      !strcmp(stage(p), "production")));
    /* Absent, GitHub wants all that was ever reported of the commit. */
    if (json_is_true(json_object_get(p->state, "unread")))
        json_object_del(json_object_get(request, "json"), "required_contexts");
    sw__plan_write(p, request, false);
}

static int next(struct sw__plan *p) {
    bool cancelling = json_object_get(p->state, "cancelling") != NULL;
    sw__count(p, "hub_at");
    if (!current(p) || cancelling) return sw__plan_next(p);
    sw__plan_go(p, "gh_deployment");
    return 0;
}

static bool take(struct sw__plan *p, const json_t *deployment) {
    json_int_t id = sw_int(deployment, "id");
    if (id <= 0) return false;
    sw__set(current(p), "deployment", json_sprintf("%lld", (long long)id));
    return true;
}

/* 202: it merged the default branch into the ref instead, and made nothing. */
int sw__hub_said(struct sw__plan *p, const struct sw__said *said) {
    if (said->status == 202) {
        sw__plan_fail(p, "error.merged",
                      json_pack("{s:s, s:o}", "repo", sw__repo_name(p), "message",
                                sw__text(sw_str(said->json, "message"), 300)));
        return 0;
    }
    if (take(p, said->json)) return next(p);
    sw__hub_lost(p, "look", "its answer names no deployment");
    return 0;
}

/* What GitHub itself found missing: its 409 lists all contexts, the green ones too. */
static json_t *contexts(const struct sw__said *said) {
    json_t *list = json_array(), *error, *context;
    size_t i, k;
    json_array_foreach(json_object_get(said->json, "errors"), i, error) {
        json_array_foreach(json_object_get(error, "contexts"), k, context) {
            if (strcmp(sw_str(context, "state"), "success") != 0)
                json_array_append_new(list,
                                      json_pack("{s:o, s:o}", "context",
                                                sw__text(sw_str(context, "context"), 200), "state",
                                                sw__text(sw_str(context, "state"), 40)));
        }
    }
    return list;
}

void sw__hub_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool refused = said->kind == SW__SAID_NO;
    if (refused && said->status == 409) {
        json_t *list = contexts(said);
        if (json_array_size(list) > 0) {
            sw__checks_fail(p, list);
            return;
        }
        json_decref(list);
        sw__plan_trouble(p, said);
    } else if (!sw__is_deploy(p)) {
        sw__github_untold(p);
        next(p);
    } else if (refused && (said->status == 403 || said->status == 404)) {
        sw__repo_closed(p, true);
    } else {
        sw__plan_trouble(p, said);
    }
}

void sw__hub_look(struct sw__plan *p) {
    SW_AUTO(sw_text) char *place = environment(p, current(p));
    SW_AUTO(sw_text) char *escaped = sw__escape(place, "");
    sw__plan_call(p,
                  sw__request_github("GET", "id payload.slipway payload.app",
                                     "/repos/%s/deployments?sha=%s&task=%s&environment=%s"
                                     "&per_page=30",
                                     sw__repo_name(p), sw_str(p->state, "sha"), task(p), escaped));
}

enum sw__seen sw__hub_seen(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)said->json, i, one) {
        const json_t *payload = json_object_get(one, "payload");
        if (strcmp(sw_str(payload, "slipway"), p->in->cmd) != 0 ||
            strcmp(sw_str(payload, "app"), sw_str(current(p), "name")) != 0)
            continue;
        if (take(p, one)) return SW__SEEN_YES;
    }
    return SW__SEEN_NOT;
}

int sw__hub_found(struct sw__plan *p) {
    return next(p);
}

void sw__hub_lost(struct sw__plan *p, const char *why, const char *reason) {
    (void)why;
    json_object_del(p->state, "write");
    if (!sw__is_deploy(p)) {
        sw__github_untold(p);
        next(p);
    } else if (reason[0]) {
        sw__plan_fail(p, "error.github", json_pack("{s:o}", "message", sw__text(reason, 300)));
    } else {
        sw__plan_fail(p, "error.upstream", json_pack("{s:s}", "upstream", "GitHub"));
    }
}
