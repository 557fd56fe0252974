/* subject_heroku.c -- builds and releases of an app; see subject_priv.h.
 *
 * A build and the release that it makes are one subject, since a release's description says
 * "Deploy <the commit's first eight>". Whatever else makes a release has a subject of its own. */
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHORT_SHA 8

static bool is_hex(const char *text, size_t least) {
    size_t n = strspn(text, "0123456789abcdef");
    return n >= least && n <= 64 && !text[n];
}

/* The first eight of the commit that a build or a release is about; "": none. */
static void sha8_of(const json_t *event, char ret[SHORT_SHA + 1]) {
    const json_t *release = json_object_get(event, "release");
    const char *commit = sw_str(json_object_get(event, "build"), "commit");
    if (release) {
        const char *words = sw_str(release, "description");
        commit = !strncmp(words, "Deploy ", 7) ? words + 7 : "";
    }
    snprintf(ret, SHORT_SHA + 1, "%.8s", is_hex(commit, SHORT_SHA) ? commit : "");
}

static bool is_build(const json_t *event) {
    return sw__is(event, "type", "api:build");
}

static const char *status_of(const json_t *event) {
    static const char *const known[] = {"pending", "succeeded", "failed"};
    const json_t *object = json_object_get(event, is_build(event) ? "build" : "release");
    for (size_t i = 0; i < 3; i++) {
        if (sw__is(object, "status", known[i])) return known[i];
    }
    return NULL;
}

static int key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char app[72], sha[SHORT_SHA + 1], id[48];
    (void)pipeline;
    sw__id_of(event, "app.id", app, sizeof(app));
    sha8_of(event, sha);
    *ret_why = is_build(event) ? "a build that neither runs nor ended"
                               : "a release that neither runs nor ended";
    if (!status_of(event)) return -ENOENT;
    if (sha[0]) return sw__key(ret, "deploy", app, sha);
    sw__id_of(event, is_build(event) ? "build.id" : "release.version", id, sizeof(id));
    return sw__key(ret, is_build(event) ? "deploy" : "release", app, id);
}

static void facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const char *status = status_of(event);
    const json_t *app = json_object_get(event, "app");
    char sha[SHORT_SHA + 1];
    bool release = sw__is(event, "type", "api:release");
    sha8_of(event, sha);
    ret->word = release && !sha[0] ? "releases" : "deploys";
    /* A build that ended well is half of a deploy. */
    ret->state = !status                                   ? ""
                 : !strcmp(status, "failed")               ? "failed"
                 : release && !strcmp(status, "succeeded") ? "succeeded"
                                                           : "started";
    sw__copy(ret->stage, sizeof(ret->stage),
             sw__stage_of_app(pipeline, sw_str(app, "id"), sw_str(app, "name")));
}

static const char *kind(const json_t *event) {
    char sha[SHORT_SHA + 1];
    if (!status_of(event)) return NULL;
    sha8_of(event, sha);
    return is_build(event) || sha[0] ? "deploy" : "release";
}

static int rank_of(const char *status) {
    return !strcmp(status, "pending") ? 1 : !strcmp(status, "succeeded") ? 2 : 3;
}

void sw__fold_app(json_t *state, const json_t *event) {
    char id[72];
    sw__id_of(event, "app.id", id, sizeof(id));
    json_t *name = sw__words(event, "app.name", 60);
    /* Who does not name the app, as builds do not, says less than who does, however new it is. */
    sw__fold_reg(state, "app", name ? sw__at(event) : 0, 0,
                 json_pack("{s:s, s:o*}", "id", id, "name", name));
}

static void fold_build(json_t *state, const json_t *event) {
    const char *status = status_of(event);
    int64_t at_ms = sw__at(event);
    SW_AUTO(sw_json) json_t *by = sw__person_heroku(json_object_get(event, "actor"));
    char id[48], sha[SHORT_SHA + 1];
    sw__id_of(event, "build.id", id, sizeof(id));
    sha8_of(event, sha);
    sw__fold_app(state, event);
    sw__fold_reg(state, "build", at_ms, rank_of(status),
                 json_pack("{s:s, s:s, s:s, s:O*}", "id", id, "w", status, "sha", sha, "by", by));
    if (!strcmp(status, "pending")) {
        sw__fold_line(state, at_ms, 1, "building", json_pack("{s:s, s:O*}", "i", id, "by", by));
    } else {
        bool ok = !strcmp(status, "succeeded");
        sw__fold_line(state, at_ms, ok ? 2 : 9, ok ? "built" : "not_built",
                      json_pack("{s:s}", "i", id));
    }
}

/* Names of config vars are told; should a value ever stand there, it is not. */
static json_t *description_of(const json_t *event) {
    json_t *words = sw__words(event, "release.description", 120);
    const char *text = json_string_value(words), *equals = text ? strchr(text, '=') : NULL;
    if (!equals) return words;
    json_t *cut = json_stringn(text, (size_t)(equals - text));
    json_decref(words);
    return cut;
}

static void fold_release(json_t *state, const json_t *event) {
    const char *status = status_of(event);
    int64_t at_ms = sw__at(event);
    SW_AUTO(sw_json) json_t *by = sw__person_heroku(json_object_get(event, "actor"));
    json_int_t version = sw_int(json_object_get(event, "release"), "version");
    char sha[SHORT_SHA + 1];
    sha8_of(event, sha);
    bool pending = !strcmp(status, "pending"), ok = !strcmp(status, "succeeded");
    SW_AUTO(sw_text) char *id = sw_printf("v%lld", (long long)version);
    sw__fold_app(state, event);
    if (pending || !sha[0]) sw__fold_first(state, at_ms);
    sw__fold_reg(state, "release", at_ms, rank_of(status),
                 json_pack("{s:I, s:s, s:s, s:O*, s:o*}", "v", version, "w", status, "sha", sha,
                           "by", by, "description", description_of(event)));
    sw__fold_line(state, at_ms,
                  pending ? 4
                  : ok    ? 6
                          : 9,
                  pending ? "releasing"
                  : ok    ? "released"
                          : "not_released",
                  json_pack("{s:s, s:I}", "i", id, "version", version));
}

static void fold(json_t *state, const json_t *event) {
    if (is_build(event))
        fold_build(state, event);
    else
        fold_release(state, event);
}

const struct sw__about sw__about_heroku[] = {
    {"api:build", key, facts, kind, fold},
    {"api:release", key, facts, kind, fold},
    {0},
};

/* ---- what it comes to ---- */

/* When the newest build began, as far as its lines are kept; 0: not known. */
static int64_t began_ms(const json_t *state) {
    const json_t *build = sw__reg(state, "build");
    json_t *line;
    size_t i;
    json_array_foreach(json_object_get(state, "line"), i, line) {
        if (!strcmp(json_string_value(json_array_get(line, 2)), "building") &&
            sw__is(json_array_get(line, 3), "i", sw_str(build, "id")))
            return json_integer_value(json_array_get(line, 0));
    }
    return 0;
}

/* Whether the newest release is of the newest build: not if that one began later. */
static bool is_of_build(const json_t *state) {
    const json_t *build = sw__reg(state, "build");
    int64_t release_ms = sw__reg_at(state, "release");
    if (!sw__reg(state, "release")) return false;
    if (!build) return true;
    if (sw__is(build, "w", "succeeded")) return release_ms >= began_ms(state);
    return release_ms > sw__reg_at(state, "build");
}

static const char *release_phase(const json_t *state) {
    const json_t *release = sw__reg(state, "release"), *up = sw__reg(state, "up");
    if (sw__is(release, "w", "failed")) return "failed";
    if (sw__is(release, "w", "pending")) return "releasing";
    return up && sw_int(up, "version") == sw_int(release, "v") ? "live" : "released";
}

static const char *deploy_phase(const json_t *state) {
    const json_t *build = sw__reg(state, "build");
    if (is_of_build(state)) return release_phase(state);
    if (sw__is(build, "w", "failed")) return "failed";
    return sw__is(build, "w", "succeeded") ? "releasing" : NULL;
}

static const char *state_of(const char *phase) {
    return phase ? sw__phase_state(phase) : "started";
}

static bool ended(const char *phase) {
    return phase && sw__phase_ended(phase);
}

/* Of what Heroku says, as the phase is; its dynos may come up any time later. */
static int64_t ended_ms(const json_t *state) {
    return sw__reg_at(state, is_of_build(state) ? "release" : "build");
}

static int64_t up_ms(const json_t *state) {
    return -json_integer_value(
        json_array_get(json_object_get(json_object_get(state, "reg"), "up"), 1));
}

static json_t *name_in_pipeline(const json_t *pipeline, const char *id) {
    size_t i;
    json_t *app;
    json_array_foreach(json_object_get(pipeline, "apps"), i, app) {
        if (!strcmp(sw_str(app, "id"), id)) return json_object_get(app, "name");
    }
    return NULL;
}

void sw__show_app(const json_t *state, const json_t *pipeline, json_t *data) {
    const json_t *app = sw__reg(state, "app");
    const char *stage = sw__stage_of_app(pipeline, sw_str(app, "id"), sw_str(app, "name"));
    json_t *name = json_object_get(app, "name");
    if (!name) name = name_in_pipeline(pipeline, sw_str(app, "id"));
    sw__put(data, "app", json_incref(name));
    if (stage[0]) sw__put(data, "stage", json_string(stage));
}

static void show_took(const json_t *state, const char *phase, int64_t from_ms, int64_t to_ms,
                      json_t *data) {
    if (phase && !strcmp(phase, "live") && up_ms(state) > to_ms) to_ms = up_ms(state);
    if (ended(phase) && from_ms > 0 && to_ms > from_ms)
        sw__put(data, "took_ms", json_integer(to_ms - from_ms));
}

static void show_deploy(const json_t *state, const char *phase, const json_t *pipeline,
                        json_t *data) {
    const json_t *build = sw__reg(state, "build"), *release = sw__reg(state, "release");
    bool released = is_of_build(state);
    const json_t *about = sw__reg(state, "about"), *hub = sw__reg(state, "state");
    const json_t *by = json_object_get(build ? build : release, "by");
    if (!by) by = json_object_get(about, "by");
    int64_t build_ms = sw__reg_at(state, "build");
    sw__show_app(state, pipeline, data);
    sw__put(data, "by", json_incref((json_t *)by));
    sw__put(data, "sha", json_sprintf("%.7s", sw_str(build ? build : release, "sha")));
    sw__put(data, "ref", json_incref(json_object_get(about, "ref")));
    sw__put(data, "url", json_incref(json_object_get(hub, "url")));
    if (released) sw__put(data, "version", json_incref(json_object_get(release, "v")));
    if (phase && !strcmp(phase, "failed"))
        sw__put(data, released ? "not_released" : "not_built", json_true());
    show_took(state, phase, began_ms(state), released ? sw__reg_at(state, "release") : build_ms,
              data);
}

static void show_release(const json_t *state, const char *phase, const json_t *pipeline,
                         json_t *data) {
    const json_t *release = sw__reg(state, "release");
    sw__show_app(state, pipeline, data);
    sw__put(data, "by", json_incref(json_object_get(release, "by")));
    sw__put(data, "version", json_incref(json_object_get(release, "v")));
    sw__put(data, "description", json_incref(json_object_get(release, "description")));
    show_took(state, phase, json_integer_value(json_object_get(state, "first")),
              sw__reg_at(state, "release"), data);
}

/* What GitHub tells of the same phases. */
static bool deploy_hides(const json_t *state, const json_t *line) {
    static const char *const phases[] = {"deploying", "releasing", "restarting", "live",
                                         "failed",    "gone",      NULL};
    (void)state;
    return sw__is_in(json_string_value(json_array_get(line, 2)), phases) &&
           !json_object_get(json_array_get(line, 3), "version");
}

static char *deploy_alarm(const json_t *state) {
    const char *word = deploy_phase(state);
    bool released = is_of_build(state);
    if (!word || strcmp(word, "failed") != 0) return NULL;
    return sw_printf("%s/%lld", released ? "release" : "build",
                     (long long)sw__reg_at(state, released ? "release" : "build"));
}

static char *release_alarm(const json_t *state) {
    if (strcmp(release_phase(state), "failed") != 0) return NULL;
    return sw_printf("release/%lld", (long long)sw__reg_at(state, "release"));
}

const struct sw__view sw__view_deploy = {.kind = "deploy",
                                         .phase = deploy_phase,
                                         .state = state_of,
                                         .ended = ended,
                                         .ended_ms = ended_ms,
                                         .show = show_deploy,
                                         .alarm = deploy_alarm,
                                         .hides = deploy_hides};
const struct sw__view sw__view_release = {.kind = "release",
                                          .phase = release_phase,
                                          .state = state_of,
                                          .ended = ended,
                                          .show = show_release,
                                          .alarm = release_alarm};
