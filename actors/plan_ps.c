/* plan_ps.c -- ps: what runs of an app, by type; see plan_change.h. */
#include "actors/plan_change.h"

#include <string.h>

#define TYPES_MAX 40
#define DYNOS_MAX 300

static const json_t *app_of(const struct sw__plan *p) {
    return json_object_get(p->state, "app");
}

int sw__ps_start(struct sw__plan *p) {
    if (sw__choose_releases(p)) sw__plan_go(p, "ps_app");
    return 0;
}

void sw__ps_app_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "id maintenance", "/apps/%s", sw_str(app_of(p), "id")));
}

int sw__ps_app_said(struct sw__plan *p, const struct sw__said *said) {
    bool on = json_is_true(json_object_get(said->json, "maintenance"));
    sw__set(p->state, "maintenance", json_boolean(on));
    sw__plan_go(p, "ps_types");
    return 0;
}

void sw__ps_types_call(struct sw__plan *p) {
    sw__plan_call(
        p, sw__request("GET", "type size quantity", "/apps/%s/formation", sw_str(app_of(p), "id")));
}

int sw__ps_types_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *types = json_array(), *one;
    size_t i;
    json_array_foreach((json_t *)said->json, i, one) {
        if (i == TYPES_MAX) break;
        json_array_append_new(types, json_pack("{s:o, s:o, s:I}", "type",
                                               sw__text(sw_str(one, "type"), 40), "size",
                                               sw__text(sw_str(one, "size"), 40), "quantity",
                                               sw_int(one, "quantity")));
    }
    sw__set(p->state, "types", types);
    sw__plan_go(p, "ps_dynos");
    return 0;
}

void sw__ps_dynos_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "name type size state updated_at release.version",
                                 "/apps/%s/dynos", sw_str(app_of(p), "id")));
}

static json_t *dyno_line(const json_t *dyno) {
    int64_t at_ms = sw__time_parse(sw_str(dyno, "updated_at"));
    json_int_t version = sw_int(json_object_get(dyno, "release"), "version");
    json_t *line = json_pack("{s:o, s:o}", "name", sw__text(sw_str(dyno, "name"), 40), "state",
                             sw__text(sw_str(dyno, "state"), 20));
    if (at_ms >= 0) sw__set(line, "at_ms", json_integer(at_ms));
    if (version > 0) sw__set(line, "version", json_integer(version));
    return line;
}

/* The dynos of a type, below it. */
static void add_dynos(json_t *lines, const json_t *all, const char *type) {
    size_t i;
    json_t *dyno;
    json_array_foreach((json_t *)all, i, dyno) {
        if (!strcmp(sw_str(dyno, "type"), type) && json_array_size(lines) < DYNOS_MAX)
            json_array_append_new(lines, dyno_line(dyno));
    }
}

static bool has_type(const json_t *types, const char *type) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)types, i, one) {
        if (!strcmp(sw_str(one, "type"), type)) return true;
    }
    return false;
}

int sw__ps_dynos_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *lines = json_array(), *types = json_object_get(p->state, "types"), *one;
    json_int_t all = (json_int_t)json_array_size(said->json), shown = 0;
    size_t i;
    /* One-off dynos are of no type that the app is made of. */
    json_array_foreach((json_t *)said->json, i, one) {
        const char *type = sw_str(one, "type");
        if (has_type(types, type) || json_array_size(types) >= TYPES_MAX) continue;
        json_array_append_new(types,
                              json_pack("{s:o, s:o, s:i}", "type", sw__text(type, 40), "size",
                                        sw__text(sw_str(one, "size"), 40), "quantity", -1));
    }
    json_array_foreach(types, i, one) {
        json_array_append(lines, one);
        shown -= (json_int_t)json_array_size(lines);
        add_dynos(lines, said->json, sw_str(one, "type"));
        shown += (json_int_t)json_array_size(lines);
    }
    sw__plan_reply(p, "say", "ps.list",
                   json_pack("{s:s, s:O, s:O, s:O, s:o, s:I}", "pipeline",
                             sw_str(json_object_get(p->state, "pipeline"), "name"), "stage",
                             json_object_get(app_of(p), "stage"), "app",
                             json_object_get(app_of(p), "name"), "maintenance",
                             json_object_get(p->state, "maintenance"), "lines", lines, "more",
                             all - shown),
                   0, true);
    sw__plan_close(p);
    return 0;
}
