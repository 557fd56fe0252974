/* plan_read.c -- `info` and `releases`: reading, then one message; see executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define INFO_APPS_MAX 10
#define RELEASES_MAX 25
#define DESCRIPTION_BYTES_MAX 200

static json_t *pipeline_text(const struct sw__plan *p, const char *key) {
    return json_string(sw_str(json_object_get(p->state, "pipeline"), key));
}

static json_t *info_stage(const struct sw__plan *p, const char *stage, json_t *apps) {
    json_t *shown = json_array(), *app;
    json_int_t count = sw_int(json_object_get(p->state, "counts"), stage);
    size_t i;
    json_array_foreach(apps, i, app) {
        json_array_append_new(shown,
                              json_pack("{s:O, s:O*, s:O*}", "name", json_object_get(app, "name"),
                                        "version", json_object_get(app, "version"), "status",
                                        json_object_get(app, "status")));
    }
    count += (json_int_t)json_array_size(apps);
    json_decref(apps);
    return json_pack("{s:s, s:o, s:I}", "stage", stage, "apps", shown, "count", count);
}

/* As far as it is known; nothing where this person has not linked GitHub. */
static void info_repo(const struct sw__plan *p, json_t *data) {
    const json_t *repo = json_object_get(p->state, "repo");
    json_t *required = json_object_get(p->state, "required");
    if (!strcmp(sw_str(p->state, "unrecorded"), "no_repo"))
        sw__set(data, "unconnected", json_true());
    if (!repo) return;
    sw__set(data, "repo", json_string(sw_str(repo, "name")));
    sw__set(data, "branch", json_string(sw_str(repo, "branch")));
    if (!required) return;
    sw__set(data, "required", json_incref(required));
    if (json_array_size(required) == 0) sw__set(data, "free", json_true());
}

static void info_tell(struct sw__plan *p) {
    static const char *const stages[] = {"test", "review", "development", "staging", "production"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        json_t *stage = info_stage(p, stages[i], sw__choose_stage(p->state, stages[i]));
        if (sw_int(stage, "count") > 0) json_array_append(list, stage);
        json_decref(stage);
    }
    json_t *data = json_pack("{s:o, s:o, s:o}", "name", pipeline_text(p, "name"), "id",
                             pipeline_text(p, "id"), "stages", list);
    info_repo(p, data);
    sw__plan_reply(p, "say", "pipelines.info", data, 0, true);
    sw__plan_close(p);
}

/* The next app whose release is asked for, until all, or enough of them, are known. */
static void info_next(struct sw__plan *p) {
    json_int_t at = sw_int(p->state, "cursor");
    size_t count = json_array_size(json_object_get(p->state, "apps"));
    if (at >= (json_int_t)count || at >= INFO_APPS_MAX)
        info_tell(p);
    else
        sw__plan_go(p, "info");
}

int sw__info_start(struct sw__plan *p) {
    sw__set(p->state, "cursor", json_integer(0));
    info_next(p);
    return 0;
}

static json_t *info_app(const struct sw__plan *p) {
    size_t at = (size_t)sw_int(p->state, "cursor");
    return json_array_get(json_object_get(p->state, "apps"), at);
}

void sw__info_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "version status", "/apps/%s/releases", sw_str(info_app(p), "id"));
    sw__request_range(request, "version ..; order=desc,max=1");
    sw__plan_call(p, request);
}

int sw__info_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *release = json_array_get(said->json, 0);
    if (release) {
        json_t *app = info_app(p);
        sw__set(app, "version", json_integer(sw_int(release, "version")));
        sw__set(app, "status", sw__text(sw_str(release, "status"), 20));
    }
    sw__count(p, "cursor");
    info_next(p);
    return 0;
}

/* One app that may not be read leaves its own line empty, and nothing else. */
void sw__info_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind != SW__SAID_NO && said->kind != SW__SAID_FACTOR) {
        sw__plan_trouble(p, said);
        return;
    }
    sw__count(p, "cursor");
    info_next(p);
}

int sw__releases_start(struct sw__plan *p) {
    if (sw__choose_releases(p)) sw__plan_go(p, "releases");
    return 0;
}

void sw__releases_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "version status description user.email created_at current",
                    "/apps/%s/releases", sw_str(json_object_get(p->state, "app"), "id"));
    sw__request_range(request, "version ..; order=desc,max=25");
    sw__plan_call(p, request);
}

static json_t *release_line(const json_t *release) {
    const char *email = sw_str(json_object_get(release, "user"), "email");
    int64_t at_ms = sw__time_parse(sw_str(release, "created_at"));
    json_t *line = json_pack("{s:I, s:o, s:o, s:o, s:b}", "version", sw_int(release, "version"),
                             "status", sw__text(sw_str(release, "status"), 20), "description",
                             sw__text(sw_str(release, "description"), DESCRIPTION_BYTES_MAX),
                             "user", sw__text(email, 100), "current",
                             (int)json_is_true(json_object_get(release, "current")));
    if (at_ms >= 0) sw__set(line, "at_ms", json_integer(at_ms));
    return line;
}

int sw__releases_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *app = json_object_get(p->state, "app"), *lines = json_array(), *release;
    size_t i;
    json_array_foreach((json_t *)said->json, i, release) {
        if (i < RELEASES_MAX) json_array_append_new(lines, release_line(release));
    }
    sw__plan_reply(p, "say", "releases.list",
                   json_pack("{s:o, s:O, s:O, s:o}", "pipeline", pipeline_text(p, "name"), "stage",
                             json_object_get(app, "stage"), "app", json_object_get(app, "name"),
                             "releases", lines),
                   0, true);
    sw__plan_close(p);
    return 0;
}
