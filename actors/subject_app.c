/* subject_app.c -- dynos that crash or come up, and what happens to an app itself; see
 * subject_priv.h. */
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 8

static void day_of(int64_t at_ms, char ret[16]) {
    time_t at = (time_t)(at_ms / 1000);
    struct tm utc;
    if (!gmtime_r(&at, &utc) || !strftime(ret, 16, "%Y-%m-%d", &utc)) sw__copy(ret, 16, "day");
}

/* ---- dynos ---- */

static const json_t *dyno_of(const json_t *event) {
    return json_object_get(event, "dyno");
}

/* Those of the formation; of a one-off or a release phase others tell. */
static bool is_process(const json_t *event) {
    const char *name = sw_str(dyno_of(event), "name");
    return name[0] && strncmp(name, "run.", 4) != 0 && strncmp(name, "release.", 8) != 0;
}

static bool is_up(const json_t *event) {
    return sw__is(dyno_of(event), "state", "up") && is_process(event) &&
           sw_int(dyno_of(event), "release") > 0;
}

static int up_link(const json_t *event, json_int_t version, char *ret) {
    char app[72], tail[24];
    sw__id_of(event, "app.id", app, sizeof(app));
    snprintf(tail, sizeof(tail), "v%lld", (long long)version);
    return version > 0 ? sw__key(ret, "up", app, tail) : -ENOENT;
}

int sw_subject_link(const json_t *event, char ret[SW_SUBJECT_KEY]) {
    const char *type = sw_str(event, "type");
    json_int_t version = 0;
    if (!strcmp(type, "api:release"))
        version = sw_int(json_object_get(event, "release"), "version");
    else if ((!strcmp(type, "dyno") || !strcmp(type, "api:dyno")) && is_up(event))
        version = sw_int(dyno_of(event), "release");
    return up_link(event, version, ret) == 0 ? 0 : -ENOENT;
}

static int crash_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char app[72], tail[24];
    json_int_t version = sw_int(dyno_of(event), "release");
    (void)pipeline;
    *ret_why = !is_process(event) ? "a dyno that somebody or a release phase ran"
                                  : "a dyno that did not crash";
    if (!is_process(event) || !sw__is(dyno_of(event), "state", "crashed")) return -ENOENT;
    sw__id_of(event, "app.id", app, sizeof(app));
    if (version > 0)
        snprintf(tail, sizeof(tail), "v%lld", (long long)version);
    else
        day_of(sw__at(event), tail);
    return sw__key(ret, "crash", app, tail);
}

static void crash_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const json_t *app = json_object_get(event, "app");
    bool crashed = sw__is(dyno_of(event), "state", "crashed");
    ret->word = crashed ? "crashes" : "deploys";
    ret->state = crashed ? "failed" : is_up(event) ? "succeeded" : "";
    sw__copy(ret->stage, sizeof(ret->stage),
             sw__stage_of_app(pipeline, sw_str(app, "id"), sw_str(app, "name")));
}

/* "": an event for the subject that its link leads to. */
static const char *crash_kind(const json_t *event) {
    if (is_up(event)) return "";
    return is_process(event) && sw__is(dyno_of(event), "state", "crashed") ? "crash" : NULL;
}

/* The newest release's first dyno: ordered by version, then the earlier. */
static void fold_up(json_t *state, const json_t *event) {
    json_int_t version = sw_int(dyno_of(event), "release");
    sw__fold_reg(state, "up", version, -sw__at(event), json_pack("{s:I}", "version", version));
}

static void crash_fold(json_t *state, const json_t *event) {
    json_int_t version = sw_int(dyno_of(event), "release");
    json_t *name = sw__words(event, "dyno.name", 40);
    if (is_up(event)) {
        json_decref(name);
        fold_up(state, event);
        return;
    }
    if (!name) return;
    sw__fold_app(state, event);
    if (version > 0) sw__fold_reg(state, "version", 0, 0, json_integer(version));
    sw__fold_time(state, json_string_value(name), sw__at(event));
    sw__fold_line(state, sw__at(event), 0, "crashed", json_pack("{s:o}", "name", name));
}

static const char *no_phase(const json_t *state) {
    (void)state;
    return NULL;
}

static const char *crash_state(const char *phase) {
    (void)phase;
    return "failed";
}

static bool crash_ended(const char *phase) {
    (void)phase;
    return true;
}

/* By name, as people look for them. */
static json_t *dynos_of(const json_t *state, json_int_t *ret_more) {
    const json_t *sets = json_object_get(state, "set");
    json_t *list = json_array(), *times;
    const char *name;
    size_t i;
    *ret_more = 0;
    json_object_foreach((json_t *)sets, name, times) {
        for (i = 0; i < json_array_size(list); i++) {
            if (strcmp(sw_str(json_array_get(list, i), "name"), name) > 0) break;
        }
        size_t n = json_array_size(times);
        json_array_insert_new(list, i,
                              json_pack("{s:s, s:i, s:b, s:b, s:b}", "name", name, "n", (int)n,
                                        "once", n == 1, "many", n > 1 && n < SW__TIMES, "over",
                                        n == SW__TIMES));
    }
    for (; json_array_size(list) > SHOWN_MAX; (*ret_more)++)
        json_array_remove(list, SHOWN_MAX);
    return list;
}

static void crash_show(const json_t *state, const char *phase, const json_t *pipeline,
                       json_t *data) {
    json_int_t more;
    json_t *dynos = dynos_of(state, &more);
    (void)phase;
    sw__show_app(state, pipeline, data);
    sw__put(data, "pipeline", sw__words(pipeline, "pipeline.name", 60));
    json_object_update(data, json_array_get(dynos, 0));
    sw__put(data, "others", json_integer((json_int_t)json_array_size(dynos) - 1 + more));
    sw__put(data, "version", json_incref((json_t *)sw__reg(state, "version")));
    if (json_array_size(dynos) > 1) sw__put(data, "dynos", json_incref(dynos));
    if (more > 0) sw__put(data, "more", json_integer(more));
    json_decref(dynos);
}

const struct sw__view sw__view_crash = {.kind = "crash",
                                        .phase = no_phase,
                                        .state = crash_state,
                                        .ended = crash_ended,
                                        .show = crash_show};

/* ---- the app itself ---- */

/* What an update changed of what is shown; NULL: nothing. */
static const char *change_of(const json_t *event) {
    const json_t *app = json_object_get(event, "app");
    const json_t *previous = json_object_get(event, "previous");
    const json_t *was = json_object_get(previous, "maintenance");
    const json_t *is = json_object_get(app, "maintenance");
    const char *name = sw_str(previous, "name");
    if (sw__is(event, "action", "create")) return "app_created";
    if (sw__is(event, "action", "destroy")) return "app_destroyed";
    if (!sw__is(event, "action", "update")) return NULL;
    if (name[0] && !sw__is(app, "name", name)) return "app_renamed";
    if (json_is_boolean(was) && json_is_boolean(is) && was != is)
        return json_is_true(is) ? "maintenance_on" : "maintenance_off";
    return NULL;
}

static int app_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char app[72], day[16];
    (void)pipeline;
    *ret_why = "a setting of an app changed that is not shown";
    if (!change_of(event)) return -ENOENT;
    sw__id_of(event, "app.id", app, sizeof(app));
    day_of(sw__at(event), day);
    return sw__key(ret, "app", app, day);
}

static void app_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const json_t *app = json_object_get(event, "app");
    ret->word = "apps";
    sw__copy(ret->stage, sizeof(ret->stage),
             sw__stage_of_app(pipeline, sw_str(app, "id"), sw_str(app, "name")));
}

static const char *app_kind(const json_t *event) {
    return change_of(event) ? "app" : NULL;
}

static void app_fold(json_t *state, const json_t *event) {
    const char *word = change_of(event);
    json_t *by = sw__person_heroku(json_object_get(event, "actor"));
    json_t *value = json_pack("{s:s, s:o*}", "w", word, "by", by);
    if (!strcmp(word, "app_renamed")) sw__put(value, "was", sw__words(event, "previous.name", 60));
    json_t *args = json_copy(value);
    json_object_del(args, "w");
    sw__fold_app(state, event);
    sw__fold_line(state, sw__at(event), 0, word, args);
    sw__fold_reg(state, "last", sw__at(event), 0, value);
}

static const char *app_phase(const json_t *state) {
    static const char *const known[] = {"app_renamed", "app_destroyed", "maintenance_on",
                                        "maintenance_off"};
    for (size_t i = 0; i < 4; i++) {
        if (sw__is(sw__reg(state, "last"), "w", known[i])) return known[i];
    }
    return NULL;
}

static const char *app_state(const char *phase) {
    (void)phase;
    return "";
}

static bool app_ended(const char *phase) {
    return !phase || strcmp(phase, "maintenance_on") != 0;
}

static void app_show(const json_t *state, const char *phase, const json_t *pipeline, json_t *data) {
    const json_t *last = sw__reg(state, "last");
    (void)phase;
    sw__show_app(state, pipeline, data);
    sw__put(data, "by", json_incref(json_object_get(last, "by")));
    sw__put(data, "was", json_incref(json_object_get(last, "was")));
}

const struct sw__view sw__view_app = {
    .kind = "app", .phase = app_phase, .state = app_state, .ended = app_ended, .show = app_show};

const struct sw__about sw__about_app[] = {
    {"dyno", crash_key, crash_facts, crash_kind, crash_fold},
    {"api:dyno", crash_key, crash_facts, crash_kind, crash_fold},
    {"api:app", app_key, app_facts, app_kind, app_fold},
    {0},
};
