/* plan_choose.c -- which apps a command means, and what to say where that is not clear.
 * See executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define EXAMPLE_BYTES_MAX 300

static const char *const stages[] = {"development", "staging", "production"};
#define STAGES (int)(sizeof stages / sizeof *stages)

/* Its place on the way to production, -1 where it is none. */
static int place(const char *stage) {
    for (int i = 0; i < STAGES; i++) {
        if (!strcmp(stages[i], stage)) return i;
    }
    return -1;
}

json_t *sw__choose_stage(const json_t *state, const char *stage) {
    json_t *apps = json_array(), *app;
    size_t i;
    json_array_foreach(json_object_get(state, "apps"), i, app) {
        if (!strcmp(sw_str(app, "stage"), stage)) json_array_append(apps, app);
    }
    return apps;
}

static bool has_apps(const json_t *state, const char *stage) {
    SW_AUTO(sw_json) json_t *apps = sw__choose_stage(state, stage);
    return json_array_size(apps) > 0;
}

static json_t *names_of(const json_t *apps) {
    json_t *names = json_array(), *app;
    size_t i;
    json_array_foreach((json_t *)apps, i, app) {
        json_array_append(names, json_object_get(app, "name"));
    }
    return names;
}

static json_t *find(const json_t *apps, const char *name, size_t size) {
    size_t i;
    json_t *app;
    json_array_foreach((json_t *)apps, i, app) {
        const char *known = sw_str(app, "name");
        if (strlen(known) == size && !memcmp(known, name, size)) return app;
    }
    return NULL;
}

static const char *pipeline_name(const struct sw__plan *p) {
    return sw_str(json_object_get(p->state, "pipeline"), "name");
}

static void unknown_stage(struct sw__plan *p, const char *stage) {
    json_t *known = json_array();
    for (int i = 0; i < STAGES; i++) {
        if (has_apps(p->state, stages[i])) json_array_append_new(known, json_string(stages[i]));
    }
    sw__plan_fail(p, "error.unknown_stage",
                  json_pack("{s:s, s:o, s:o}", "pipeline", pipeline_name(p), "stage",
                            sw__text(stage, 100), "stages", known));
}

static void unknown_app(struct sw__plan *p, const char *side, const char *stage, json_t *app,
                        const json_t *apps) {
    sw__plan_fail(p, "error.unknown_app",
                  json_pack("{s:s, s:s, s:o, s:o, s:s}", "pipeline", pipeline_name(p), "stage",
                            stage, "app", app, "apps", names_of(apps), "side", side));
}

static const char *bang(const struct sw__plan *p) {
    return sw__forced(p) ? "!" : "";
}

/* The line to type instead, with an app in the place where one was missing. */
static json_t *example(const struct sw__plan *p, const char *side, const char *from, const char *to,
                       const char *app) {
    bool is_from = !strcmp(side, "from");
    const char *from_app = is_from ? app : sw__word(p, "from_app");
    const char *to_app = is_from ? sw__word(p, "to_app") : app;
    const char *task = sw__word(p, "task"), *state = sw__word(p, "state");
    const char *branch = sw__word(p, "branch"), *version = sw__word(p, "version");
    const char *process = sw__word(p, "process");
    SW_AUTO(sw_text) char *text = NULL;
    if (!strcmp(side, "in")) {
        text = sw_printf("%s%s%s%s %s%s%s in %s/%s%s%s%s%s", task, bang(p), state[0] ? " " : "",
                         state, pipeline_name(p), branch[0] ? "/" : "", branch, to, app,
                         version[0] ? " to v" : "", version, process[0] ? " " : "", process);
    } else {
        text = sw_printf("promote%s %s from %s%s%s to %s%s%s", bang(p), pipeline_name(p), from,
                         from_app[0] ? "/" : "", from_app, to, to_app[0] ? "/" : "", to_app);
    }
    return sw__text(text, EXAMPLE_BYTES_MAX);
}

static void ambiguous(struct sw__plan *p, const char *side, const char *from, const char *to,
                      const json_t *apps) {
    const char *first = sw_str(json_array_get(apps, 0), "name");
    json_t *data = json_pack("{s:s, s:s, s:o, s:s, s:o}", "pipeline", pipeline_name(p), "stage",
                             !strcmp(side, "from") ? from : to, "apps", names_of(apps), "side",
                             side, "example", example(p, side, from, to, first));
    if (!strcmp(side, "to")) sw__set(data, "example_all", example(p, side, from, to, "*"));
    sw__plan_fail(p, "error.ambiguous", data);
}

/* The one app of a stage that is meant; borrowed from `apps`, NULL: the person knows why. */
static json_t *one_app(struct sw__plan *p, const char *side, const char *from, const char *to,
                       const char *name, const json_t *apps) {
    if (name[0]) {
        json_t *app = find(apps, name, strlen(name));
        if (!app)
            unknown_app(p, side, !strcmp(side, "from") ? from : to, sw__text(name, 100), apps);
        return app;
    }
    if (json_array_size(apps) == 1) return json_array_get(apps, 0);
    ambiguous(p, side, from, to, apps);
    return NULL;
}

/* Names separated by commas, each once; false: the person knows why. */
static bool pick_named(struct sw__plan *p, const char *stage, const char *names, const json_t *apps,
                       json_t *picked) {
    for (const char *name = names; *name;) {
        size_t size = strcspn(name, ",");
        json_t *app = find(apps, name, size);
        if (size > 0 && !app) {
            SW_AUTO(sw_text) char *unknown = sw_strndup(name, size);
            unknown_app(p, "to", stage, sw__text(unknown, 100), apps);
            return false;
        }
        if (app && !find(picked, name, size)) json_array_append(picked, app);
        name += size + (name[size] == ',');
    }
    return true;
}

/* A new list of apps, empty: the person knows why. */
static json_t *pick_targets(struct sw__plan *p, const char *from, const char *to) {
    SW_AUTO(sw_json) json_t *apps = sw__choose_stage(p->state, to);
    const char *names = sw__word(p, "to_app");
    json_t *picked = json_array();
    if (!strcmp(names, "*")) {
        json_array_extend(picked, apps);
    } else if (strchr(names, ',')) {
        if (!pick_named(p, to, names, apps, picked)) {
            json_array_clear(picked);
            return picked;
        }
        if (json_array_size(picked) == 0) ambiguous(p, "to", from, to, apps);
    } else {
        json_t *app = one_app(p, "to", from, to, names, apps);
        if (app) json_array_append(picked, app);
    }
    if (json_array_size(picked) > SW__TARGETS_MAX) {
        sw__plan_fail(p, "error.too_many",
                      json_pack("{s:s, s:I, s:i}", "stage", to, "count",
                                (json_int_t)json_array_size(picked), "max", SW__TARGETS_MAX));
        json_array_clear(picked);
    }
    return picked;
}

/* The stage that is promoted from: the one named, else the nearest before `to` that has apps;
 * NULL: the person knows why. */
static const char *source_stage(struct sw__plan *p, const char *to) {
    const char *from = sw__word(p, "from");
    if (!from[0]) {
        for (int i = place(to) - 1; i >= 0; i--) {
            if (has_apps(p->state, stages[i])) return stages[i];
        }
        sw__plan_fail(p, "error.no_source",
                      json_pack("{s:s, s:s}", "pipeline", pipeline_name(p), "stage", to));
        return NULL;
    }
    if (place(from) < 0 || !has_apps(p->state, from)) {
        unknown_stage(p, from);
        return NULL;
    }
    if (place(from) >= place(to)) {
        sw__plan_fail(p, "error.promote_order", json_pack("{s:s, s:s}", "from", from, "to", to));
        return NULL;
    }
    return from;
}

static bool promotable(struct sw__plan *p, const char *stage) {
    if (strcmp(stage, "review") != 0 && strcmp(stage, "test") != 0) return true;
    sw__plan_fail(p, "error.not_promotable", json_pack("{s:s}", "stage", stage));
    return false;
}

/* `several`: it has more than one app. */
static void keep_stage(struct sw__plan *p, const char *stage) {
    SW_AUTO(sw_json) json_t *apps = sw__choose_stage(p->state, stage);
    sw__set(p->state, "to",
            json_pack("{s:s, s:b}", "stage", stage, "several", json_array_size(apps) > 1));
}

static void keep(struct sw__plan *p, const char *from, const json_t *source, const char *to,
                 const json_t *picked) {
    json_t *targets = json_array(), *app;
    size_t i;
    json_array_foreach((json_t *)picked, i, app) {
        json_array_append_new(targets,
                              json_pack("{s:O, s:O, s:s}", "id", json_object_get(app, "id"), "name",
                                        json_object_get(app, "name"), "state", "waiting"));
    }
    sw__set(p->state, "from",
            json_pack("{s:s, s:O, s:O}", "stage", from, "id", json_object_get(source, "id"), "name",
                      json_object_get(source, "name")));
    keep_stage(p, to);
    sw__set(p->state, "targets", targets);
}

bool sw__choose_promote(struct sw__plan *p) {
    const char *to = sw__word(p, "to")[0] ? sw__word(p, "to") : "production";
    if (!promotable(p, to) || !promotable(p, sw__word(p, "from"))) return false;
    if (place(to) < 0 || !has_apps(p->state, to)) {
        unknown_stage(p, to);
        return false;
    }
    const char *from = source_stage(p, to);
    if (!from) return false;
    SW_AUTO(sw_json) json_t *sources = sw__choose_stage(p->state, from);
    json_t *source = one_app(p, "from", from, to, sw__word(p, "from_app"), sources);
    if (!source) return false;
    SW_AUTO(sw_json) json_t *picked = pick_targets(p, from, to);
    if (json_array_size(picked) == 0) return false;
    keep(p, from, source, to, picked);
    json_object_del(p->state, "apps");
    return true;
}

bool sw__choose_has_stage(struct sw__plan *p, const char *stage) {
    if (place(stage) >= 0 && has_apps(p->state, stage)) return true;
    unknown_stage(p, stage);
    return false;
}

/* The app that the command names, or the only one of its stage; borrowed, NULL: the person knows. */
static json_t *named_app(struct sw__plan *p, const char *stage, json_t **ret_apps) {
    *ret_apps = sw__choose_stage(p->state, stage);
    if (json_array_size(*ret_apps) == 0) {
        unknown_stage(p, stage);
        return NULL;
    }
    return one_app(p, "in", "", stage, sw__word(p, "application"), *ret_apps);
}

bool sw__choose_releases(struct sw__plan *p) {
    const char *stage = sw__word(p, "environment");
    SW_AUTO(sw_json) json_t *apps = NULL;
    json_t *app = named_app(p, stage[0] ? stage : "production", &apps);
    if (!app) return false;
    sw__set(p->state, "app", json_incref(app));
    json_object_del(p->state, "apps");
    return true;
}

/* Never test or review; where there is a choice, what harms least. */
static const char *default_stage(const struct sw__plan *p) {
    static const char *const order[] = {"staging", "production", "development"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (has_apps(p->state, order[i])) return order[i];
    }
    return "staging";
}

bool sw__choose_target(struct sw__plan *p, const char *stage) {
    SW_AUTO(sw_json) json_t *apps = NULL;
    SW_AUTO(sw_text) char *name = sw_strdup(sw__word(p, "environment"));
    if (!name[0]) {
        free(name);
        name = sw_strdup(stage ? stage : default_stage(p));
    }
    json_t *app = named_app(p, name, &apps);
    if (!app) return false;
    keep_stage(p, name);
    sw__set(p->state, "targets",
            json_pack("[{s:O, s:O, s:s}]", "id", json_object_get(app, "id"), "name",
                      json_object_get(app, "name"), "state", "waiting"));
    json_object_del(p->state, "apps");
    return true;
}
