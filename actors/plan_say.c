/* plan_say.c -- what GitHub is told of a deployment: its phases in order, and its end.
 *
 * Whoever reads statuses tells the phases apart by the words of their descriptions, so these are a
 * contract: "build running", "release phase running", "release phase completed". It is bookkeeping:
 * what GitHub does not take is never in the way of what happens at Heroku. The last word comes when
 * the person knows already and the locks are free. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define DESCRIPTION_BYTES_MAX 140
#define WIND_MS (5 * 60 * 1000LL)

static const struct phase {
    const char *name, *state, *words;
    bool last;
} phases[] = {
    {"build", "pending", "build running", false},
    {"release", "pending", "build done, release phase running", false},
    {"restart", "pending", "release phase completed, dynos restart", false},
    {"success", "success", "it runs", true},
    {"failure", "failure", "it failed", true},
    {"error", "error", "it did not come to its end", true},
    {"inactive", "inactive", "cancelled", true},
};

static const struct phase *phase_of(const char *name) {
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (!strcmp(phases[i].name, name)) return &phases[i];
    }
    return NULL;
}

static json_t *targets(const struct sw__plan *p) {
    return json_object_get(p->state, "targets");
}

static json_t *saying(const struct sw__plan *p) {
    return json_object_get(p->state, "say");
}

/* The one that is spoken of. */
static json_t *subject(const struct sw__plan *p) {
    const char *id = sw_str(saying(p), "app");
    size_t i;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        if (!strcmp(sw_str(target, "id"), id)) return target;
    }
    return NULL;
}

bool sw__wind_runs(const struct sw__plan *p) {
    return json_object_get(p->state, "winding") != NULL;
}

void sw__github_untold(struct sw__plan *p) {
    if (sw__wind_runs(p))
        sw__set(p->state, "unclosed", json_true()); /* its last state is not known there */
    if (json_object_get(p->state, "untold")) return;
    sw__set(p->state, "untold", json_true());
    if (!sw__wind_runs(p)) sw__report_thread(p, "github.untold", NULL);
}

/* ---- one status ---- */

static json_t *words_of(const struct sw__plan *p, const json_t *target, const struct phase *phase) {
    const char *reason = sw_str(target, "reason");
    if (!reason[0]) reason = sw_str(p->state, "reason");
    if (!strcmp(phase->name, "success") && json_object_get(target, "version")) {
        SW_AUTO(sw_text)
        char *text =
            sw_printf("%.100s runs v%d", sw_str(target, "name"), (int)sw_int(target, "version"));
        return sw__text(text, DESCRIPTION_BYTES_MAX);
    }
    bool bad = !strcmp(phase->state, "failure") || !strcmp(phase->state, "error");
    return sw__text(bad && reason[0] ? reason : phase->words, DESCRIPTION_BYTES_MAX);
}

/* Heroku's page about it; NULL: there is none yet. Never the log's own address, which is signed. */
static json_t *page_of(const struct sw__plan *p, const json_t *target) {
    const char *app = sw_str(target, "name"), *build = sw_str(target, "build");
    const char *release = sw_str(target, "release"), *dashboard = p->ctx->conf->dashboard;
    if (!sw__id_valid(app)) return NULL;
    if (sw__id_valid(release))
        return json_sprintf("%s/apps/%s/activity/releases/%s", dashboard, app, release);
    if (sw__id_valid(build))
        return json_sprintf("%s/apps/%s/activity/builds/%s", dashboard, app, build);
    return NULL;
}

static int wind_next(struct sw__plan *p);

static int go_on(struct sw__plan *p) {
    SW_AUTO(sw_text) char *then = sw_strdup(sw_str(saying(p), "then"));
    json_object_del(p->state, "say");
    if (sw__wind_runs(p)) return wind_next(p);
    if (!then[0]) return sw__plan_next(p);
    sw__plan_go(p, then);
    return 0;
}

int sw__github_say(struct sw__plan *p, json_t *target, const char *phase, const char *then) {
    const struct phase *row = phase_of(phase);
    const char *before = sw_str(target, "gh");
    bool needless = !row || !strcmp(before, phase) || !json_object_get(target, "deployment") ||
                    json_object_get(p->state, "hub_gone");
    sw__set(p->state, "say",
            json_pack("{s:s, s:s, s:s}", "app", sw_str(target, "id"), "phase", phase, "then",
                      then ? then : ""));
    if (needless) return go_on(p);
    sw__set(saying(p), "words", words_of(p, target, row));
    sw__plan_go(p, "gh_status");
    return 0;
}

static char *path(const struct sw__plan *p) {
    return sw_printf("/repos/%s/deployments/%s/statuses", sw__repo_name(p),
                     sw_str(subject(p), "deployment"));
}

void sw__say_call(struct sw__plan *p) {
    const struct phase *phase = phase_of(sw_str(saying(p), "phase"));
    SW_AUTO(sw_text) char *at = path(p);
    json_t *request = sw__request_github("POST", "id", "%s", at), *page = page_of(p, subject(p));
    json_t *body = json_pack("{s:s, s:O}", "state", phase->state, "description",
                             json_object_get(saying(p), "words"));
    if (page) sw__set(body, "log_url", page);
    if (!strcmp(phase->state, "success")) sw__set(body, "auto_inactive", json_true());
    sw__set(request, "json", body);
    sw__plan_write(p, request, false);
}

/* Told, or given up: it is not told again. */
static int told(struct sw__plan *p) {
    json_object_del(p->state, "write");
    sw__set(subject(p), "gh", json_incref(json_object_get(saying(p), "phase")));
    return go_on(p);
}

int sw__say_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    return told(p);
}

void sw__say_trouble(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    sw__github_untold(p);
    told(p);
}

bool sw__github_says(const struct sw__plan *p) {
    return saying(p) && !sw__wind_runs(p) && !strcmp(sw_str(p->state, "up"), "github");
}

int sw__github_gone(struct sw__plan *p) {
    sw__set(p->state, "hub_gone", json_true());
    sw__github_untold(p);
    return told(p);
}

void sw__say_look(struct sw__plan *p) {
    SW_AUTO(sw_text) char *at = path(p);
    sw__plan_call(p, sw__request_github("GET", "state description", "%s?per_page=10", at));
}

enum sw__seen sw__say_seen(struct sw__plan *p, const struct sw__said *said) {
    const struct phase *phase = phase_of(sw_str(saying(p), "phase"));
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)said->json, i, one) {
        if (!strcmp(sw_str(one, "state"), phase->state) &&
            !strcmp(sw_str(one, "description"), sw_str(saying(p), "words")))
            return SW__SEEN_YES;
    }
    return SW__SEEN_NOT;
}

int sw__say_found(struct sw__plan *p) {
    return told(p);
}

void sw__say_lost(struct sw__plan *p, const char *why, const char *reason) {
    (void)why;
    (void)reason;
    sw__github_untold(p);
    told(p);
}

/* ---- the end ---- */

static const char *last_phase(const struct sw__plan *p, const json_t *target) {
    const char *state = sw_str(target, "state"), *outcome = sw_str(p->state, "outcome");
    if (!strcmp(state, "success") || !strcmp(state, "failure")) return state;
    if (!strcmp(state, "unknown")) return "error";
    return !strcmp(outcome, "cancelled") || !strcmp(outcome, "expired") ? "inactive" : "error";
}

/* The next deployment that is open. */
static int wind_next(struct sw__plan *p) {
    size_t i;
    json_t *target;
    json_array_foreach(targets(p), i, target) {
        const struct phase *said = phase_of(sw_str(target, "gh"));
        if (!json_object_get(target, "deployment") || (said && said->last)) continue;
        if (!json_object_get(p->state, "hub_gone"))
            return sw__github_say(p, target, last_phase(p, target), NULL);
        sw__github_untold(p);
    }
    sw__wind_end(p);
    return 0;
}

void sw__wind_end(struct sw__plan *p) {
    if (json_object_get(p->state, "unclosed")) sw__report_thread(p, "github.unclosed", NULL);
    sw__plan_close(p);
}

void sw__wind_start(struct sw__plan *p) {
    sw__set(p->state, "winding", json_true());
    sw__plan_budget(p, WIND_MS);
    wind_next(p);
}
