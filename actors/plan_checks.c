/* plan_checks.c -- whether what is required is green: commit statuses and check runs, to the end.
 *
 * Both kinds report under the same names, so each name is looked for in both, and the worst of what
 * was found counts. Of the runs of one app and one name only the newest counts: a pending rerun
 * blocks again what had passed. What was never reported is not ready. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define PAGE 100
#define APPS_MAX 8 /* that report under one name */
#define SHORT_SHA 7

void sw__checks_ask(struct sw__plan *p) {
    sw__set(p->state, "checks", json_pack("{s:{}, s:{}}", "states", "runs"));
    sw__set(p->state, "page", json_integer(1));
    sw__plan_go(p, "commit_states");
}

static void ask_page(struct sw__plan *p, const char *fields, const char *what) {
    sw__plan_call(p, sw__request_github("GET", fields, "/repos/%s/commits/%s/%sper_page=%d&page=%d",
                                        sw__repo_name(p), sw_str(p->state, "sha"), what, PAGE,
                                        (int)sw_int(p->state, "page")));
}

static bool is_required(const struct sw__plan *p, const char *context) {
    return sw_list_has(json_object_get(p->state, "required"), context);
}

/* Goes to the next page, if there is one: true. Beyond the last that is asked for, what was not
 * seen is not ready. */
static bool more(struct sw__plan *p, const json_t *list, const char *step) {
    if (json_array_size(list) < PAGE || sw__count(p, "page") > SW__PAGES_MAX) return false;
    sw__plan_go(p, step);
    return true;
}

void sw__commit_states_call(struct sw__plan *p) {
    ask_page(p, "statuses.context statuses.state", "status?");
}

int sw__commit_states_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *states = json_object_get(json_object_get(p->state, "checks"), "states"), *one;
    json_t *list = json_object_get(said->json, "statuses");
    size_t i;
    json_array_foreach(list, i, one) {
        const char *context = sw_str(one, "context");
        if (is_required(p, context)) sw__set(states, context, sw__text(sw_str(one, "state"), 40));
    }
    if (more(p, list, "commit_states")) return 0;
    sw__set(p->state, "page", json_integer(1));
    sw__plan_go(p, "runs");
    return 0;
}

void sw__runs_call(struct sw__plan *p) {
    ask_page(p,
             "check_runs.id check_runs.name check_runs.status check_runs.conclusion "
             "check_runs.app.id",
             "check-runs?filter=all&");
}

static void note_run(struct sw__plan *p, const json_t *run) {
    json_t *runs = json_object_get(json_object_get(p->state, "checks"), "runs");
    const char *name = sw_str(run, "name"), *state = "pending";
    json_int_t app = sw_int(json_object_get(run, "app"), "id");
    json_int_t pinned = sw_int(json_object_get(p->state, "pinned"), name);
    if (!is_required(p, name) || (pinned > 0 && app != pinned)) return;
    if (!strcmp(sw_str(run, "status"), "completed")) state = sw_str(run, "conclusion");
    json_t *apps = json_object_get(runs, name);
    if (!apps) {
        sw__set(runs, name, json_object());
        apps = json_object_get(runs, name);
    }
    SW_AUTO(sw_text) char *key = sw_printf("%lld", (long long)app);
    const json_t *known = json_object_get(apps, key);
    if (!known && json_object_size(apps) >= APPS_MAX) return;
    if (known && sw_int(known, "id") > sw_int(run, "id")) return;
    sw__set(apps, key,
            json_pack("{s:I, s:o}", "id", sw_int(run, "id"), "state", sw__text(state, 40)));
}

/* ---- what it amounts to ---- */

static int badness(const char *state) {
    static const char *const good[] = {"success", "neutral", "skipped"};
    static const char *const open[] = {"pending", "missing", "expected"};
    for (size_t i = 0; i < 3; i++) {
        if (!strcmp(state, good[i])) return 0;
        if (!strcmp(state, open[i])) return 1;
    }
    return 2;
}

/* The worst of all that was reported under this name. */
static const char *state_of(const struct sw__plan *p, const char *context) {
    const json_t *checks = json_object_get(p->state, "checks");
    const json_t *apps = json_object_get(json_object_get(checks, "runs"), context);
    const char *worst = sw_str(json_object_get(checks, "states"), context), *app;
    json_t *run;
    json_object_foreach((json_t *)apps, app, run) {
        const char *state = sw_str(run, "state");
        if (!worst[0] || badness(state) > badness(worst)) worst = state;
    }
    return worst[0] ? worst : "missing";
}

/* Those that are at least so bad. */
static json_t *contexts(const struct sw__plan *p, int least) {
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(p->state, "required"), i, one) {
        const char *state = state_of(p, json_string_value(one));
        if (badness(state) >= least)
            json_array_append_new(list, json_pack("{s:O, s:s}", "context", one, "state", state));
    }
    return list;
}

/* The line that goes on without them. */
static char *forced_line(const struct sw__plan *p) {
    const char *line = sw_str(p->state, "line");
    size_t word = strcspn(line, " ");
    return sw_printf("%.*s%s%s", (int)word, line, word > 0 && line[word - 1] == '!' ? "" : "!",
                     line + word);
}

void sw__checks_fail(struct sw__plan *p, json_t *list) {
    const json_t *first = json_array_get(list, 0);
    SW_AUTO(sw_text) char *type = forced_line(p);
    SW_AUTO(sw_json) json_t *name = sw__text(sw_str(first, "context"), 200);
    SW_AUTO(sw_text)
    char *reason =
        sw_printf("%zu of its checks failed or are missing, among them %s (%s)",
                  json_array_size(list), json_string_value(name), sw_str(first, "state"));
    sw__set(p->state, "reason", sw__text(reason, 300));
    sw__plan_fail(p, "error.checks",
                  json_pack("{s:s, s:s, s:o, s:o, s:s}", "repo", sw__repo_name(p), "ref",
                            sw_str(p->state, "ref"), "sha",
                            sw__text(sw_str(p->state, "sha"), SHORT_SHA), "contexts", list, "type",
                            type));
}

/* GitHub counts what was skipped as not passed, so it is not asked for it again. */
static void forget_skipped(struct sw__plan *p) {
    json_t *required = json_object_get(p->state, "required");
    for (size_t i = json_array_size(required); i > 0; i--) {
        const char *context = json_string_value(json_array_get(required, i - 1));
        if (!strcmp(state_of(p, context), "skipped")) json_array_remove(required, i - 1);
    }
}

static int decide(struct sw__plan *p) {
    SW_AUTO(sw_json) json_t *open = contexts(p, 1);
    SW_AUTO(sw_json) json_t *failed = contexts(p, 2);
    if (json_array_size(open) == 0) forget_skipped(p);
    json_object_del(p->state, "checks");
    if (json_array_size(failed) > 0) {
        sw__checks_fail(p, json_incref(open));
        return 0;
    }
    return json_array_size(open) > 0 ? sw__green_pending(p, json_incref(open)) : sw__green_done(p);
}

int sw__runs_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *list = json_object_get(said->json, "check_runs"), *run;
    size_t i;
    json_array_foreach(list, i, run) note_run(p, run);
    return more(p, list, "runs") ? 0 : decide(p);
}

/* While a person waits for them anyway, an outage is waited for as well. */
void sw__checks_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_AWAY && sw__green_waits(p))
        sw__green_again(p);
    else if (said->kind == SW__SAID_NO && (said->status == 404 || said->status == 422))
        decide(p); /* a commit that GitHub does not have: nothing was reported of it */
    else
        sw__plan_trouble(p, said);
}
