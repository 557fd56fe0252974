/* plan_missed.c -- what Heroku could not deliver: it says so for days, and still knows what it was.
 *
 * Heroku itself tries again for three days; only what it gave up is fetched, and told as if it had come. A repeat does no
 * harm, since notifier folds it into what it knows. Heroku CI has no webhook at all: its newest runs are looked at here.
 * See plan_tend.h. */
#include "actors/event.h"
#include "actors/plan_tend.h"

#include <string.h>

#define UNDER_WAY_MS                                                                               \
    120000 /* a delivery that did not yet end when it was looked at last, by other clocks */
#define PAGES_MAX 20
#define RANGE "seq ..; order=desc,max=100"
#define RUNS_RANGE "number ..; order=desc,max=20"

static json_t *missed(const struct sw__plan *p) {
    return json_object_get(p->state, "missed");
}

static json_t *found(const struct sw__plan *p) {
    return json_object_get(missed(p), "found");
}

static const char *app_id(const struct sw__plan *p) {
    const json_t *apps = json_object_get(p->state, "apps");
    return sw_str(json_array_get(apps, (size_t)sw_int(missed(p), "at")), "id");
}

int64_t sw__missed_since(const struct sw__plan *p) {
    int64_t asked_ms = sw_int(json_object_get(p->state, "command"), "since_ms") - UNDER_WAY_MS;
    int64_t least_ms = sw_int(p->state, "start_ms") - SW__MISSED_BACK_MS;
    return asked_ms > least_ms ? asked_ms : least_ms;
}

static int ask(struct sw__plan *p) {
    if (!app_id(p)[0]) {
        json_object_del(p->state, "missed");
        return sw__plan_next(p);
    }
    sw__plan_go(p, "deliveries");
    return 0;
}

int sw__missed_start(struct sw__plan *p) {
    sw__set(p->state, "missed", json_pack("{s:i, s:i}", "at", 0, "pages", 0));
    return ask(p);
}

static int next_app(struct sw__plan *p) {
    json_int_t at = sw_int(missed(p), "at") + 1;
    sw__set(p->state, "missed", json_pack("{s:I, s:i}", "at", at, "pages", 0));
    return ask(p);
}

/* The brackets are Heroku's; escaped, for they may not stand in an address. */
void sw__deliveries_call(struct sw__plan *p) {
    const char *range = sw_str(missed(p), "range");
    json_t *request =
        sw__request("GET", "status created_at updated_at event.id event.include webhook.id",
                    "/apps/%s/webhook-deliveries?eq%%5Bstatus%%5D=failed", app_id(p));
    sw__request_range(request, range[0] ? range : RANGE);
    sw__plan_call(p, request);
}

static int64_t time_of(const json_t *one, const char *key, const char *other) {
    int64_t at_ms = sw__time_parse(sw_str(one, key));
    return at_ms >= 0 ? at_ms : sw__time_parse(sw_str(one, other));
}

/* By the time of its last try: it may have been made three days before that. */
static void take(struct sw__plan *p, const json_t *delivery) {
    const json_t *event = json_object_get(delivery, "event");
    const char *id = sw_str(event, "id");
    const char *hook = sw_str(json_object_get(delivery, "webhook"), "id");
    if (strcmp(sw_str(delivery, "status"), "failed") != 0 || !sw__id_valid(id)) return;
    if (time_of(delivery, "updated_at", "created_at") < sw__missed_since(p)) return;
    json_array_append_new(found(p),
                          json_pack("{s:s, s:o, s:o}", "event", id, "hook", sw__text(hook, 64),
                                    "include", sw__text(sw_str(event, "include"), 64)));
}

/* A page at a time: what is kept of it has its limit. */
static int fetch(struct sw__plan *p) {
    if (json_array_size(found(p)) > 0)
        sw__plan_go(p, "missed_event");
    else if (json_object_get(missed(p), "range"))
        sw__plan_go(p, "deliveries");
    else
        return next_app(p);
    return 0;
}

int sw__deliveries_said(struct sw__plan *p, const struct sw__said *said) {
    const size_t count = json_array_size(said->json);
    const json_t *last = json_array_get(said->json, count ? count - 1 : 0);
    json_t *one, *m = missed(p);
    size_t i;
    if (sw__tend_scarce(p, said)) return 0;
    sw__set(m, "found", json_array());
    json_array_foreach((json_t *)said->json, i, one) {
        take(p, one);
    }
    bool old = last &&
               time_of(last, "created_at", "updated_at") < sw__missed_since(p) - SW__MISSED_BACK_MS;
    bool more = said->next_range[0] && !old;
    json_int_t pages = sw_int(m, "pages") + 1;
    sw__set(m, "pages", json_integer(pages));
    if (more && pages < PAGES_MAX)
        sw__set(m, "range", json_string(said->next_range));
    else
        json_object_del(m, "range");
    if (more && pages >= PAGES_MAX) sw__count(p, "left");
    if (json_array_size(found(p)) == 0) return fetch(p);
    sw__plan_go(p, "missed_hooks"); /* which webhook is ours */
    return 0;
}

/* An app that one may not look into is none that events are missed of. */
void sw__missed_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_AWAY)
        sw__plan_trouble(p, said);
    else
        next_app(p);
}

void sw__missed_hooks_call(struct sw__plan *p) {
    sw__hook_ask(p, app_id(p));
}

/* What others are told of this app, and miss, is not ours. */
int sw__missed_hooks_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *ours = sw__hook_ours(p, said->json);
    if (sw__tend_scarce(p, said)) return 0;
    if (!ours && sw__hook_more(p, said)) {
        sw__plan_go(p, "missed_hooks");
        return 0;
    }
    sw__hook_end(p);
    for (size_t i = json_array_size(found(p)); i > 0; i--) {
        const json_t *one = json_array_get(found(p), i - 1);
        if (!ours || strcmp(sw_str(one, "hook"), sw_str(ours, "id")) != 0)
            json_array_remove(found(p), i - 1);
    }
    return fetch(p);
}

/* The oldest first, as they would have come. What is signed or secret in it is not asked for. */
void sw__missed_event_call(struct sw__plan *p) {
    const json_t *one = json_array_get(found(p), json_array_size(found(p)) - 1);
    sw__plan_call(
        p, sw__request("GET",
                       "created_at payload.action payload.resource payload.actor.id "
                       "payload.actor.email payload.previous_data.name "
                       "payload.previous_data.maintenance payload.data.id payload.data.name "
                       "payload.data.app.id payload.data.app.name payload.data.version "
                       "payload.data.status payload.data.current payload.data.description "
                       "payload.data.slug.id payload.data.slug.commit payload.data.release.id "
                       "payload.data.release.version payload.data.source_blob.version "
                       "payload.data.source_blob.version_description payload.data.maintenance "
                       "payload.data.type payload.data.state payload.data.updated_at "
                       "payload.data.user.id payload.data.user.email",
                       "/apps/%s/webhook-events/%s", app_id(p), sw_str(one, "event")));
}

static int next_event(struct sw__plan *p) {
    json_array_remove(found(p), json_array_size(found(p)) - 1);
    return fetch(p);
}

/* As the webhook would have brought it. */
int sw__missed_event_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *one = json_array_get(found(p), json_array_size(found(p)) - 1);
    json_t *payload = json_object_get(said->json, "payload"), *event = NULL;
    if (sw__tend_scarce(p, said)) return 0;
    if (!json_is_object(payload)) return next_event(p);
    SW_AUTO(sw_json) json_t *hook = json_copy(payload);
    sw__set(hook, "created_at", json_incref(json_object_get(said->json, "created_at")));
    sw__set(hook, "webhook_metadata",
            json_pack("{s:{s:O, s:O}}", "event", "id", json_object_get(one, "event"), "include",
                      json_object_get(one, "include")));
    if (sw_event_heroku(hook, p->ctx->now_ms, &event) == 0) sw__tend_event(p, event);
    return next_event(p);
}

void sw__missed_event_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_AWAY)
        sw__plan_trouble(p, said);
    else
        next_event(p); /* Heroku knows it no more */
}

/* ---- Heroku CI ---- */

int sw__test_runs_start(struct sw__plan *p) {
    sw__plan_go(p, "test_runs");
    return 0;
}

void sw__test_runs_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "id number status commit_sha commit_branch commit_message updated_at",
                    "/pipelines/%s/test-runs", sw_str(json_object_get(p->state, "pipeline"), "id"));
    sw__request_range(request, RUNS_RANGE);
    sw__plan_call(p, request);
}

static void tell_run(struct sw__plan *p, json_t *run) {
    SW_AUTO(sw_text) char *id = sw_printf("%s-%s", sw_str(run, "id"), sw_str(run, "status"));
    json_t *event = NULL;
    sw__set(run, "pipeline",
            json_pack("{s:s}", "id", sw_str(json_object_get(p->state, "pipeline"), "id")));
    SW_AUTO(sw_json)
    json_t *hook = json_pack("{s:s, s:s, s:s, s:O}", "id", id, "action", "update", "resource",
                             "test-run", "data", run);
    if (sw_event_heroku(hook, p->ctx->now_ms, &event) == 0) sw__tend_event(p, event);
}

int sw__test_runs_said(struct sw__plan *p, const struct sw__said *said) {
    if (sw__tend_scarce(p, said)) return 0;
    for (size_t i = json_array_size(said->json); i > 0; i--) { /* the newest comes first */
        SW_AUTO(sw_json) json_t *run = json_deep_copy(json_array_get(said->json, i - 1));
        if (json_is_object(run) && sw__time_parse(sw_str(run, "updated_at")) >= sw__missed_since(p))
            tell_run(p, run);
    }
    return sw__plan_next(p);
}

/* A pipeline without CI. */
void sw__test_runs_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_AWAY)
        sw__plan_trouble(p, said);
    else
        sw__plan_next(p);
}
