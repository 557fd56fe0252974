/* plan_tend.c -- looks after a pipeline for whoever routed it, while nobody waits: may they still see it, do its events come?
 *
 * Nobody typed it, so nobody is told: notifier hears what is so. Only a definite word of Heroku, of GitHub or of auth is a
 * conclusion; an outage, a limit or a plan that did not come to its end is "away", and is looked at again. See plan_tend.h. */
#include "actors/plan_tend.h"

#include <string.h>

static const char *pipeline_id(const struct sw__plan *p) {
    return sw__word(p, "pipeline");
}

/* route.v1, in the lane of what can wait; takes `more` (NULL: nothing more to say). */
static void tell(struct sw__plan *p, const char *what, json_t *more) {
    json_t *name = json_object_get(json_object_get(p->state, "pipeline"), "name");
    json_t *body =
        json_pack("{s:O, s:s, s:s, s:{s:s, s:O*}}", "who", json_object_get(p->state, "who"), "op",
                  p->in->cmd, "do", what, "pipeline", "id", pipeline_id(p), "name", name);
    if (more) json_object_update_new(body, more);
    json_object_clear(sw_send_bulk(p->out, "notifier", SW_KIND_ROUTE, body)->boxes);
}

static void away(struct sw__plan *p) {
    tell(p, "away", NULL);
    sw__plan_close(p);
}

static void lost(struct sw__plan *p, const char *reason) {
    tell(p, "lost", json_pack("{s:s}", "reason", reason));
    sw__plan_close(p);
}

static bool begins(struct sw__plan *p) {
    sw__set(p->state, "start_ms", json_integer(p->ctx->now_ms));
    sw__plan_budget(p, SW__WRITE_BUDGET_MS); /* many calls, and nobody waits */
    if (sw__id_valid(pipeline_id(p))) return true;
    lost(p, "gone"); /* no pipeline has such a name */
    return false;
}

int sw__tend_start(struct sw__plan *p) {
    if (begins(p)) sw__plan_go(p, "tend_pipeline");
    return 0;
}

void sw__tend_pipeline_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "id name", "/pipelines/%s", pipeline_id(p)));
}

int sw__tend_pipeline_said(struct sw__plan *p, const struct sw__said *said) {
    if (sw__tend_scarce(p, said)) return 0;
    sw__set(p->state, "pipeline",
            json_pack("{s:s, s:o}", "id", pipeline_id(p), "name",
                      sw__text(sw_str(said->json, "name"), 100)));
    sw__plan_go(p, "couplings");
    return 0;
}

/* What was missed needs the apps alone: their names come with the events. */
int sw__tend_missed(struct sw__plan *p) {
    if (!begins(p)) return 0;
    sw__set(p->state, "pipeline", json_pack("{s:s}", "id", pipeline_id(p)));
    sw__plan_go(p, "couplings");
    return 0;
}

int sw__tend_finish(struct sw__plan *p) {
    json_t *hooks = json_object_get(p->state, "hooks"), *apps = json_object_get(p->state, "apps");
    const char *hub = sw_str(hooks, "github");
    const json_t *repo = json_object_get(p->state, "repo");
    if (!strcmp(hub, "away")) {
        away(p);
        return 0;
    }
    json_t *more =
        json_pack("{s:o, s:O}", "apps", apps ? json_incref(apps) : json_array(), "hooks", hooks);
    if (repo)
        sw__set(more, "repo",
                json_pack("{s:I, s:s}", "id", sw_int(repo, "id"), "name", sw_str(repo, "name")));
    else if (!strcmp(hub, "denied"))
        sw__set(more, "github", json_string("lost"));
    tell(p, "sync", more);
    sw__plan_close(p);
    return 0;
}

/* Notifier takes silence for all of it. */
int sw__missed_finish(struct sw__plan *p) {
    bool part = sw_int(p->state, "left") || !strcmp(sw_str(p->state, "unrecorded"), "away");
    if (part)
        away(p);
    else
        sw__plan_close(p);
    return 0;
}

/* Of a call that all of it needs: the pipeline, its couplings, its apps. */
void sw__tend_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool no = said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR;
    if (no && (said->status == 404 || said->status == 410))
        lost(p, "gone");
    else if (no && (said->status == 401 || said->status == 403))
        lost(p, "denied");
    else
        away(p);
}

/* Without GitHub the rest goes on; and what GitHub shows is no more than one account's right. */
static void without_github(struct sw__plan *p) {
    json_object_del(p->state, "hub");
    json_object_del(p->state, "github");
    sw__plan_do_without(p);
}

void sw__tend_silent(struct sw__plan *p, const char *why) {
    bool out = !strcmp(why, "signed_out");
    if (out && !strcmp(sw_str(p->state, "up"), "github"))
        without_github(p);
    else if (out)
        lost(p, "unlinked");
    else
        away(p);
}

bool sw__tend_scarce(struct sw__plan *p, const struct sw__said *said) {
    if (!sw__plan_kind(p)->silent) return false; /* somebody asked for it */
    if (said->rate_remaining < 0 || said->rate_remaining >= SW__TEND_RESERVE) return false;
    away(p);
    return true;
}

void sw__tend_event(struct sw__plan *p, json_t *event) {
    json_object_del(event, "dedupe"); /* it did not come by a door */
    json_object_clear(sw_send_bulk(p->out, "notifier", SW_KIND_EVENT, event)->boxes);
}
