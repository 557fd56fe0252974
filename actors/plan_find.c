/* plan_find.c -- a pipeline by its name, its stages, and the names of its apps.
 *
 * Every page is read: a list that stops early would not know the last pipeline, and two pipelines
 * of one name must not be mistaken for each other. See executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define NAMES_BYTES_MAX (16 * 1024)
#define NEAR_MAX 10
#define SAME_MAX 5
#define SOME_MAX 20
#define NAME_BYTES_MAX 100

static bool is_kind(const struct sw__plan *p, const char *kind) {
    return !strcmp(sw_str(p->state, "kind"), kind);
}

static json_t *list_of(struct sw__plan *p, const char *key) {
    if (!json_object_get(p->state, key)) sw__set(p->state, key, json_array());
    return json_object_get(p->state, key);
}

/* Asks for the next page if there is one. */
static bool next_page(struct sw__plan *p, const struct sw__said *said) {
    if (said->next_range[0] && sw__count(p, "pages") < SW__PAGES_MAX) {
        sw__set(p->state, "range", json_string(said->next_range));
        sw__plan_go(p, sw_str(p->state, "step"));
        return true;
    }
    if (said->next_range[0]) sw__count(p, "more");
    json_object_del(p->state, "range");
    json_object_del(p->state, "pages");
    return false;
}

int sw__find_start(struct sw__plan *p) {
    sw__plan_go(p, "pipelines");
    return 0;
}

void sw__find_pages_call(struct sw__plan *p) {
    json_t *request = sw__request("GET", "id name", "/pipelines");
    sw__request_range(request, sw_str(p->state, "range"));
    sw__plan_call(p, request);
}

static void keep_name(struct sw__plan *p, const char *name) {
    json_int_t bytes = sw_int(p->state, "names_bytes") + (json_int_t)strlen(name);
    if (bytes > NAMES_BYTES_MAX) {
        sw__count(p, "more");
        return;
    }
    json_array_append_new(list_of(p, "names"), sw__text(name, NAME_BYTES_MAX));
    sw__set(p->state, "names_bytes", json_integer(bytes));
}

/* The nearest names first; of two that are as near, the one that came first. What shares less than
 * half of the longer name is not near at all. */
static void keep_near(struct sw__plan *p, const char *name) {
    json_t *near = list_of(p, "near");
    const char *wanted = sw__word(p, "pipeline");
    size_t longer = strlen(name) > strlen(wanted) ? strlen(name) : strlen(wanted);
    json_int_t d = sw__distance(wanted, name);
    size_t at = json_array_size(near);
    if (strlen(wanted) > NAME_BYTES_MAX) d = (json_int_t)longer; /* so long is no name */
    if (json_array_size(list_of(p, "some")) < SOME_MAX)
        json_array_append_new(list_of(p, "some"), sw__text(name, NAME_BYTES_MAX));
    if ((size_t)d * 2 > longer) return;
    while (at > 0 && sw_int(json_array_get(near, at - 1), "d") > d)
        at--;
    if (at == NEAR_MAX) return;
    json_array_insert_new(near, at,
                          json_pack("{s:o, s:I}", "name", sw__text(name, NAME_BYTES_MAX), "d", d));
    if (json_array_size(near) > NEAR_MAX) json_array_remove(near, NEAR_MAX);
}

static void keep_match(struct sw__plan *p, const char *id, const char *name) {
    json_t *same = list_of(p, "same");
    if (sw__id_valid(id) && json_array_size(same) < SAME_MAX)
        json_array_append_new(
            same, json_pack("{s:s, s:o}", "id", id, "name", sw__text(name, NAME_BYTES_MAX)));
}

static void read_page(struct sw__plan *p, const json_t *pipelines) {
    const char *wanted = sw_str(json_object_get(p->state, "command"), "pipeline");
    bool listing = is_kind(p, "pipelines");
    size_t i;
    json_t *pipeline;
    json_array_foreach((json_t *)pipelines, i, pipeline) {
        const char *id = sw_str(pipeline, "id"), *name = sw_str(pipeline, "name");
        if (listing) {
            keep_name(p, name);
        } else if (!strcmp(name, wanted) || !strcmp(id, wanted)) {
            keep_match(p, id, name);
        } else if (json_array_size(list_of(p, "same")) == 0) {
            keep_near(p, name);
        }
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static void tell_list(struct sw__plan *p) {
    json_t *names = list_of(p, "names"), *sorted = json_array();
    size_t count = json_array_size(names);
    json_t **order = sw_malloc((count + 1) * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(names, i);
    qsort(order, count, sizeof *order, by_name);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, order[i]);
    free(order);
    sw__plan_reply(p, "say", "pipelines.list",
                   json_pack("{s:o, s:I}", "names", sorted, "more", sw_int(p->state, "more")), 0,
                   true);
    sw__plan_close(p);
}

static void tell_unknown(struct sw__plan *p) {
    json_t *names = json_array(), *near;
    size_t i;
    json_array_foreach(list_of(p, "near"), i, near) {
        json_array_append(names, json_object_get(near, "name"));
    }
    json_t *data = json_pack("{s:o, s:o}", "name",
                             sw__text(sw__word(p, "pipeline"), NAME_BYTES_MAX), "near", names);
    /* Where none is near, the first of all that can be seen. */
    if (json_array_size(names) == 0) sw__set(data, "names", json_incref(list_of(p, "some")));
    sw__plan_fail(p, "error.unknown_pipeline", data);
}

/* Names are unique for one owner only; the id stands for the name then. */
static void tell_same(struct sw__plan *p) {
    json_t *ids = json_array(), *same;
    size_t i;
    json_array_foreach(list_of(p, "same"), i, same) {
        json_array_append(ids, json_object_get(same, "id"));
    }
    const char *wanted = sw_str(json_object_get(p->state, "command"), "pipeline");
    sw__plan_fail(p, "error.ambiguous_pipeline",
                  json_pack("{s:o, s:o}", "name", sw__text(wanted, NAME_BYTES_MAX), "ids", ids));
}

int sw__find_pages_said(struct sw__plan *p, const struct sw__said *said) {
    read_page(p, said->json);
    if (next_page(p, said)) return 0;
    size_t count = json_array_size(list_of(p, "same"));
    if (is_kind(p, "pipelines")) {
        tell_list(p);
    } else if (count != 1) {
        count ? tell_same(p) : tell_unknown(p);
    } else {
        sw__set(p->state, "pipeline", json_incref(json_array_get(list_of(p, "same"), 0)));
        json_object_del(p->state, "same");
        json_object_del(p->state, "near");
        json_object_del(p->state, "some");
        json_object_del(p->state, "more");
        sw__plan_go(p, "couplings");
    }
    return 0;
}

void sw__find_couplings_call(struct sw__plan *p) {
    json_t *request = sw__request("GET", "app.id stage", "/pipelines/%s/pipeline-couplings",
                                  sw_str(json_object_get(p->state, "pipeline"), "id"));
    sw__request_range(request, sw_str(p->state, "range"));
    sw__plan_call(p, request);
}

/* Review and test apps come and go in numbers, and are neither source nor target: they are only
 * counted. */
static void read_couplings(struct sw__plan *p, const json_t *couplings) {
    json_t *apps = list_of(p, "apps"), *coupling;
    if (!json_object_get(p->state, "counts")) sw__set(p->state, "counts", json_object());
    json_t *counts = json_object_get(p->state, "counts");
    size_t i;
    json_array_foreach((json_t *)couplings, i, coupling) {
        const char *stage = sw_str(coupling, "stage");
        const char *id = sw_str(json_object_get(coupling, "app"), "id");
        if (!strcmp(stage, "review") || !strcmp(stage, "test")) {
            sw__set(counts, stage, json_integer(sw_int(counts, stage) + 1));
        } else if (sw__id_valid(id) && json_array_size(apps) < SW__APPS_MAX) {
            json_array_append_new(apps,
                                  json_pack("{s:s, s:o}", "id", id, "stage", sw__text(stage, 20)));
        } else {
            sw__count(p, "left_out");
        }
    }
}

int sw__find_couplings_said(struct sw__plan *p, const struct sw__said *said) {
    read_couplings(p, said->json);
    if (next_page(p, said)) return 0;
    if (json_array_size(list_of(p, "apps")) == 0 || is_kind(p, "missed")) return sw__plan_next(p);
    sw__plan_go(p, "apps");
    return 0;
}

void sw__find_apps_call(struct sw__plan *p) {
    json_t *ids = json_array(), *app;
    size_t i;
    json_array_foreach(list_of(p, "apps"), i, app) {
        json_array_append(ids, json_object_get(app, "id"));
    }
    json_t *request = sw__request("POST", "id name", "/filters/apps");
    sw__set(request, "json", json_pack("{s:{s:o}}", "in", "id", ids));
    sw__plan_call(p, request);
}

/* Apps that Heroku does not name are ones this person may not see. */
int sw__find_apps_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *seen = json_array(), *app, *named;
    size_t i, j;
    json_array_foreach(list_of(p, "apps"), i, app) {
        json_array_foreach((json_t *)said->json, j, named) {
            const char *name = sw_str(named, "name");
            if (!name[0] || strcmp(sw_str(named, "id"), sw_str(app, "id")) != 0) continue;
            sw__set(app, "name", sw__text(name, NAME_BYTES_MAX));
            json_array_append(seen, app);
            break;
        }
    }
    sw__set(p->state, "apps", seen);
    return sw__plan_next(p);
}
