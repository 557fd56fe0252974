/* subject_deployment.c -- GitHub's deployments, and those of review apps; see subject_priv.h.
 *
 * The words of a status' description tell the phases apart: our own executor's (plan_say.c) and
 * Heroku's. "inactive" is what GitHub says of what another deployment replaced: it ends only what
 * never came to an end of its own. Heroku makes a deployment for each app that a push deploys by
 * itself, named like the app, and tells of the build as well: that is one subject, the app's. So is
 * the deployment of a deploy of ours. A promotion's is not: its release does not say the commit. */
#include "actors/subject_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 12 of ".../pr-12"; 0: it does not end so. */
static long pull_number(const char *environment) {
    size_t n = strlen(environment), at = n;
    while (at > 0 && isdigit((unsigned char)environment[at - 1]))
        at--;
    if (at == n || n - at > 9 || at < 3 || strncmp(environment + at - 3, "pr-", 3) != 0) return 0;
    if (at > 3 && isalnum((unsigned char)environment[at - 4])) return 0;
    return strtol(environment + at, NULL, 10);
}

static const char *environment_of(const json_t *event) {
    return sw_str(json_object_get(event, "deployment"), "environment");
}

static bool is_review(const json_t *event) {
    return json_is_true(json_object_get(json_object_get(event, "deployment"), "transient")) ||
           pull_number(environment_of(event)) > 0;
}

static bool is_sha(const char *ref) {
    return strlen(ref) == 40 && strspn(ref, "0123456789abcdef") == 40;
}

/* The id of the app of the pipeline that is named so; "": none. */
static const char *app_of(const json_t *pipeline, const char *name) {
    json_t *app;
    size_t i;
    json_array_foreach(json_object_get(pipeline, "apps"), i, app) {
        if (name[0] && sw__is(app, "name", name)) return sw_str(app, "id");
    }
    return "";
}

/* The id of the stage's app where it has one only; "": it has not. */
static const char *only_app_of(const json_t *pipeline, const char *stage) {
    const char *found = "";
    json_t *app;
    size_t i;
    json_array_foreach(json_object_get(pipeline, "apps"), i, app) {
        if (!sw__is(app, "stage", stage)) continue;
        if (found[0]) return "";
        found = sw_str(app, "id");
    }
    return found;
}

/* The id of the app of which Heroku tells as well. Executor's are named "staging", or "production/an-app" (plan_hub.c). */
static const char *deployed_app(const json_t *event, const json_t *pipeline) {
    const json_t *deployment = json_object_get(event, "deployment");
    const char *name = environment_of(event), *slash = strchr(name, '/');
    const char *app = app_of(pipeline, name);
    if (app[0] || !sw_str(deployment, "op")[0] || !sw__is(deployment, "task", "deploy")) return app;
    return slash ? app_of(pipeline, slash + 1) : only_app_of(pipeline, name);
}

static int key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char repo[72], id[40], tail[48];
    const char *app = deployed_app(event, pipeline);
    const char *sha = sw_str(json_object_get(event, "deployment"), "sha");
    (void)ret_why;
    sw__id_of(event, "repo.id", repo, sizeof(repo));
    sw__id_of(event, "deployment.id", id, sizeof(id));
    if (!id[0]) return -EBADMSG;
    if (app[0] && is_sha(sha) && !is_review(event)) {
        snprintf(tail, sizeof(tail), "%.8s", sha);
        return sw__key(ret, "deploy", app, tail);
    }
    if (!is_review(event)) return sw__key(ret, "deployment", repo, id);
    sw__key_tail(environment_of(event), sizeof(tail) - 1, tail);
    return sw__key(ret, "review", repo, tail);
}

static bool says(const char *text, const char *words) {
    size_t n = strlen(words);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == words[i])
            i++;
        if (i == n) return true;
    }
    return false;
}

/* NULL: not a state that is known; "inactive" is "gone". */
static const char *phase_of_status(const json_t *status) {
    const char *state = sw_str(status, "state"), *words = sw_str(status, "description");
    if (!strcmp(state, "queued") || !strcmp(state, "waiting")) return "queued";
    if (!strcmp(state, "success")) return "live";
    if (!strcmp(state, "failure") || !strcmp(state, "error")) return "failed";
    if (!strcmp(state, "inactive")) return "gone";
    if (strcmp(state, "pending") != 0 && strcmp(state, "in_progress") != 0) return NULL;
    if (says(words, "release phase running")) return "releasing";
    if (says(words, "release phase completed") || says(words, "restart")) return "restarting";
    return "deploying";
}

/* "production", "production/an-app" as executor writes it, or the name of an app. */
static const char *stage_of(const char *environment, const json_t *pipeline) {
    const char *slash = strchr(environment, '/');
    const char *stage = sw__stage_of_app(pipeline, "", environment);
    char word[16] = "";
    if (!stage[0] && slash) stage = sw__stage_of_app(pipeline, "", slash + 1);
    if (stage[0]) return stage;
    size_t n = slash ? (size_t)(slash - environment) : strlen(environment);
    if (n < sizeof(word)) memcpy(word, environment, n);
    return sw__stage_word(word);
}

static void facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const json_t *deployment = json_object_get(event, "deployment");
    const json_t *status = json_object_get(event, "status");
    const char *phase = status ? phase_of_status(status) : "queued",
               *ref = sw_str(deployment, "ref");
    bool review = is_review(event);
    ret->word = review ? "reviews" : "deploys";
    ret->state = sw__phase_state(phase);
    sw__copy(ret->stage, sizeof(ret->stage),
             review ? "review" : stage_of(environment_of(event), pipeline));
    if (!is_sha(ref)) sw__copy(ret->branch, sizeof(ret->branch), ref);
}

static const char *kind(const json_t *event) {
    return is_review(event) ? "review" : "deployment";
}

static void fold_about(json_t *state, const json_t *event, json_t *by) {
    const json_t *deployment = json_object_get(event, "deployment");
    const char *ref = sw_str(deployment, "ref"), *sha = sw_str(deployment, "sha");
    json_int_t id = sw_int(deployment, "id");
    json_t *about =
        json_pack("{s:o*, s:o, s:I, s:O*}", "env", sw__words(deployment, "environment", 100), "sha",
                  json_sprintf("%.40s", is_sha(sha) ? sha : ""), "id", id, "by", by);
    if (!is_sha(ref)) sw__put(about, "ref", sw__words(deployment, "ref", 100));
    sw__fold_repo(state, event);
    /* The newest deployment of a review app is the one that it is about. */
    sw__fold_reg(state, "about", id, 0, about);
}

static void fold(json_t *state, const json_t *event) {
    const json_t *deployment = json_object_get(event, "deployment");
    const json_t *status = json_object_get(event, "status");
    const char *phase = status ? phase_of_status(status) : NULL;
    int64_t at_ms = sw__at(event);
    SW_AUTO(sw_json) json_t *by = sw__person_github(json_object_get(deployment, "creator"));
    char id[72];
    sw__id_of(deployment, "id", id, sizeof(id));
    fold_about(state, event, by);
    if (!status) {
        sw__fold_line(state, at_ms, 0, "asked", json_pack("{s:s, s:O*}", "i", id, "by", by));
        sw__fold_reg(state, "asked", at_ms, 0, json_integer(sw_int(deployment, "id")));
    }
    if (!phase) return;
    int rank = sw__phase_rank(phase);
    bool failed = !strcmp(phase, "failed");
    json_t *why = failed ? sw__words(status, "description", SW__TITLE_BYTES) : NULL;
    json_t *value = json_pack("{s:s, s:s, s:O*, s:o*, s:o*}", "w", phase, "id", id, "why", why,
                              "url", sw__url(status, "url", SW__URL_BYTES), "live",
                              sw__url(status, "environment_url", SW__URL_BYTES));
    sw__fold_reg(state, !strcmp(phase, "gone") ? "gone" : "state", at_ms, rank, value);
    if (strcmp(phase, "queued") != 0)
        sw__fold_line(state, at_ms, rank, phase, json_pack("{s:s, s:O*}", "i", id, "why", why));
    json_decref(why);
}

static const char *phase(const json_t *state) {
    const json_t *now = sw__reg(state, "state"), *gone = sw__reg(state, "gone");
    int64_t asked_ms = sw__reg_at(state, "asked"), at_ms = sw__reg_at(state, "state");
    /* A review app that is deployed anew. */
    bool anew = asked_ms > at_ms &&
                json_integer_value(sw__reg(state, "asked")) != strtoll(sw_str(now, "id"), NULL, 10);
    const char *word = now && !anew ? sw_str(now, "w") : "deploying";
    bool is_late = sw__reg_at(state, "gone") < (anew ? asked_ms : at_ms);
    if (gone && !is_late && !sw__phase_ended(word)) return "gone";
    if (!strcmp(word, "deploying")) return NULL;
    for (const char *const *known =
             (const char *const[]){"queued", "releasing", "restarting", "live", "failed", NULL};
         *known; known++) {
        if (!strcmp(word, *known)) return *known;
    }
    return NULL;
}

static const char *state_of(const char *phase) {
    return phase ? sw__phase_state(phase) : "started";
}

static bool ended(const char *phase) {
    return phase && sw__phase_ended(phase);
}

static int64_t ended_ms(const json_t *state) {
    int64_t gone_ms = sw__reg_at(state, "gone"), at_ms = sw__reg_at(state, "state");
    const char *now = phase(state);
    return now && !strcmp(now, "gone") ? gone_ms : at_ms;
}

static void show(const json_t *state, const char *phase, const json_t *pipeline, json_t *data) {
    const json_t *about = sw__reg(state, "about"), *now = sw__reg(state, "state");
    const char *environment = sw_str(about, "env"), *stage = stage_of(environment, pipeline);
    long number = pull_number(environment);
    json_int_t asked = json_integer_value(sw__reg(state, "asked"));
    bool known = asked > 0 && asked == strtoll(sw_str(now, "id"), NULL, 10);
    int64_t took_ms = sw__reg_at(state, "state") - sw__reg_at(state, "asked");
    json_object_update(data, (json_t *)about);
    json_object_del(data, "id");
    sw__put(data, "sha", json_sprintf("%.7s", sw_str(about, "sha")));
    sw__put(data, "repo", json_incref(json_object_get(sw__reg(state, "repo"), "name")));
    if (number > 0) sw__put(data, "number", json_integer(number));
    if (stage[0] && strcmp(stage, environment) != 0) sw__put(data, "stage", json_string(stage));
    sw__put(data, "url", json_incref(json_object_get(now, "url")));
    if (phase && !strcmp(phase, "failed"))
        sw__put(data, "why", json_incref(json_object_get(now, "why")));
    if (phase && !strcmp(phase, "live"))
        sw__put(data, "live", json_incref(json_object_get(now, "live")));
    if (ended(phase) && known && strcmp(phase, "gone") != 0 && took_ms > 0)
        sw__put(data, "took_ms", json_integer(took_ms));
}

static char *alarm(const json_t *state) {
    const char *word = phase(state);
    if (!word || strcmp(word, "failed") != 0) return NULL;
    return sw_printf("%s/%s/%lld", "deployment", sw_str(sw__reg(state, "state"), "id"),
                     (long long)sw__reg_at(state, "state"));
}

const struct sw__about sw__about_deployment[] = {
    {"deployment", key, facts, kind, fold},
    {"deployment_status", key, facts, kind, fold},
    {0},
};
const struct sw__view sw__view_deployment = {.kind = "deployment",
                                             .phase = phase,
                                             .state = state_of,
                                             .ended = ended,
                                             .ended_ms = ended_ms,
                                             .show = show,
                                             .alarm = alarm};
const struct sw__view sw__view_review = {.kind = "review",
                                         .phase = phase,
                                         .state = state_of,
                                         .ended = ended,
                                         .show = show,
                                         .alarm = alarm};
