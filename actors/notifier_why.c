/* notifier_why.c -- why an event was shown, or was not: kept for each that came, four days; see notifier_priv.h. */
#include "actors/form.h"
#include "actors/notifier_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 10
#define SHOWN_MAX 8 /* events of a commit or an operation in one answer */
#define SOURCES_MAX 30
#define SHORT 7
#define NAME_CHARS 140 /* as long as GitHub's are */

/* The commit that an event is about, "" where it is none. */
static const char *sha_of(const json_t *event) {
    static const char *const paths[][2] = {{NULL, "sha"},         {NULL, "after"},
                                           {"deployment", "sha"}, {"release", "commit"},
                                           {"build", "commit"},   {"run", "sha"}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const json_t *at = paths[i][0] ? json_object_get(event, paths[i][0]) : event;
        if (sw_str(at, paths[i][1])[0]) return sw_str(at, paths[i][1]);
    }
    return sw_str(json_object_get(json_object_get(event, "pull"), "head"), "sha");
}

/* What of several alike it is: a check, a dyno, an environment; "" where there is one only. */
static const char *name_of(const json_t *event) {
    static const char *const paths[][2] = {
        {"run", "name"}, {"workflow", "name"}, {"dyno", "name"}, {"deployment", "environment"}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const char *name = sw_str(json_object_get(event, paths[i][0]), paths[i][1]);
        if (name[0]) return name;
    }
    return sw_str(event, "context");
}

static bool is_commit(const char *text) {
    size_t size = strspn(text, "0123456789abcdef");
    return size >= SHORT && size <= 40 && !text[size];
}

static void short_of(const char *sha, char ret[SHORT + 1]) {
    snprintf(ret, SHORT + 1, "%s", sha);
}

/* `id` as the newest of a list; NULL: it is there. Caller owns. */
static json_t *with(const json_t *list, const char *id) {
    if (sw_list_has(list, id)) return NULL;
    json_t *next = list ? json_copy((json_t *)list) : json_array();
    json_array_append_new(next, json_string(id));
    if (json_array_size(next) > EVENTS_MAX) json_array_remove(next, 0);
    return next;
}

static int note_commit(const struct sw__notify *n, const char *sha, const char *event) {
    char name[SHORT + 1];
    const json_t *list;
    if (!is_commit(sha)) return 0;
    short_of(sha, name);
    int r = sw__kept_get(n, "sha", name, &list);
    json_t *next = r < 0 ? NULL : with(list, event);
    if (next) sw__kept_put(n, "sha", name, next, SW__WHY_MS);
    return r;
}

static int note_op(const struct sw__notify *n, const char *op, const char *event) {
    const json_t *was;
    if (!op || !sw__kept_name(op)) return 0;
    int r = sw__kept_get(n, "op", op, &was);
    json_t *next = r < 0 || !was ? NULL : with(json_object_get(was, "events"), event);
    if (!next) return r;
    json_t *value = json_copy((json_t *)was);
    json_object_set_new(value, "events", next);
    sw__kept_put(n, "op", op, value, SW__WHY_MS);
    return 0;
}

/* A repeat says less than the first time: that stays. */
static bool is_repeat(const json_t *record) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(record, "verdicts"), i, one) {
        if (strcmp(sw_str(one, "what"), "old") != 0) return false;
    }
    return json_array_size(json_object_get(record, "verdicts")) > 0;
}

int sw__why_note(const struct sw__notify *n, json_t *taken, const struct sw__own *own) {
    const json_t *event = n->in->body, *known = NULL;
    const char *id = sw_str(event, "event_id"), *sha = sha_of(event);
    const char *name = sw_str(json_object_get(event, "repo"), "name");
    SW_AUTO(sw_json) json_t *record = taken;
    int r = is_repeat(record) ? sw__kept_get(n, "why", id, &known) : 0;
    if (r == 0) r = note_commit(n, sha, id);
    if (r == 0) r = note_op(n, own->op, id);
    if (r < 0 || known) return r;
    if (!name[0]) name = sw_str(json_object_get(event, "app"), "name");
    if (!name[0]) name = sw_str(record, "of"); /* of an app that the event does not name */
    json_object_update_new(
        record, json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", id, "type", sw_str(event, "type"),
                          "source", sw_str(event, "source"), "at_ms", sw_int(event, "at_ms"),
                          "got_ms", (json_int_t)n->ctx->now_ms));
    SW_AUTO(sw_text) char *of = sw_text_cut(name, NAME_CHARS);
    if (name[0]) json_object_set_new(record, "of", json_string(of));
    SW_AUTO(sw_text) char *which = sw_text_cut(name_of(event), NAME_CHARS);
    if (which[0]) json_object_set_new(record, "name", json_string(which));
    if (is_commit(sha)) json_object_set_new(record, "sha", json_string(sha));
    if (own->op) json_object_set_new(record, "op", json_string(own->op));
    sw__kept_put(n, "why", id, json_incref(record), SW__WHY_MS);
    return 0;
}

void sw__why_want(const struct sw__notify *n) {
    char name[SHORT + 1];
    const json_t *unused;
    const char *sha = sha_of(n->in->body);
    if (!is_commit(sha)) return;
    short_of(sha, name);
    (void)sw__kept_get(n, "sha", name, &unused);
}

/* Adds what is known of an event, without what only members of a private channel may hear. */
static void put(const struct sw__notify *n, const json_t *record, json_t *into) {
    const char *here = sw_str(json_object_get(n->in->body, "who"), "channel");
    const json_t *only = json_object_get(record, "only");
    size_t i;
    json_t *one;
    if (only && !sw_list_has(only, here)) return;
    json_t *shown = json_copy((json_t *)record), *verdicts = json_array();
    json_array_foreach(json_object_get(record, "verdicts"), i, one) {
        if (!json_object_get(one, "private") || !strcmp(sw_str(one, "channel"), here))
            json_array_append(verdicts, one);
    }
    json_object_set_new(shown, "verdicts", verdicts);
    json_array_append_new(into, shown);
}

/* The records of these events, the newest last; of a commit only those of all the letters that were typed. */
static int records(const struct sw__notify *n, const json_t *ids, const char *sha, json_t *into) {
    size_t i;
    json_t *id;
    int result = 0;
    json_array_foreach((json_t *)ids, i, id) {
        const json_t *one;
        int r = sw__kept_get(n, "why", json_string_value(id), &one);
        if (r < 0) result = r; /* ask for all of them before waiting */
        if (r < 0 || !one || strncmp(sw_str(one, "sha"), sha, strlen(sha)) != 0) continue;
        put(n, one, into);
        if (json_array_size(into) > SHOWN_MAX) json_array_remove(into, 0);
    }
    return result;
}

/* By the id of an event or a delivery, of a commit, of an operation. */
static int find(const struct sw__notify *n, const char *id, json_t *into) {
    const json_t *one, *list = NULL, *op = NULL;
    char name[SHORT + 1];
    SW_AUTO(sw_text) char *lower = sw_strdup(id);
    for (char *at = lower; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    int r = sw__kept_get(n, "why", id, &one);
    if (r < 0) return r;
    if (one) {
        put(n, one, into);
        return 0;
    }
    short_of(lower, name);
    if (is_commit(lower)) r = sw__kept_get(n, "sha", name, &list);
    int second = sw__kept_get(n, "op", id, &op);
    if (r == 0) r = second;
    if (r == 0) r = records(n, list, lower, into);
    return r == 0 ? records(n, json_object_get(op, "events"), "", into) : r;
}

static bool is_hidden(const struct sw__notify *n, const json_t *pipe) {
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (!sw__routed_hidden(n, pipe, route)) return false;
    }
    return true;
}

/* Whose events arrive at all: [{pipeline, repo?, apps: [name]}] */
static int sources(const struct sw__notify *n, json_t *into, json_int_t *ret_more) {
    const json_t *all, *pipe;
    size_t i, k;
    json_t *id, *app;
    int r = sw__kept_get(n, "all", "", &all);
    json_array_foreach((json_t *)all, i, id) {
        int one = i < SOURCES_MAX ? sw__kept_get(n, "pipe", json_string_value(id), &pipe) : 0;
        if (one < 0) r = one;
        if (i >= SOURCES_MAX) (*ret_more)++;
        if (one < 0 || i >= SOURCES_MAX || !pipe || is_hidden(n, pipe)) continue;
        json_t *names = json_array();
        json_array_foreach(json_object_get(pipe, "apps"), k, app) {
            json_array_append_new(names, json_string(sw_str(app, "name")));
        }
        json_t *shown = json_pack("{s:s, s:o}", "pipeline", sw__pipeline_name(pipe), "apps", names);
        const char *repo = sw_str(json_object_get(pipe, "repo"), "name");
        if (repo[0]) json_object_set_new(shown, "repo", json_string(repo));
        json_array_append_new(into, shown);
    }
    return r;
}

int sw__why_answer(const struct sw__notify *n) {
    const char *id = sw_str(n->in->body, "id");
    SW_AUTO(sw_json) json_t *found = json_array(), *whose = json_array();
    json_int_t more = 0;
    json_t *data;
    int r = sw__kept_name(id) ? find(n, id, found) : 0;
    if (r == 0 && json_array_size(found) == 0) r = sources(n, whose, &more);
    if (r < 0) return r;
    if (json_array_size(found) > 0) {
        data = json_pack("{s:s, s:O}", "id", id, "events", found);
        if (json_array_size(found) == SHOWN_MAX)
            json_object_set_new(data, "newest", json_integer(SHOWN_MAX));
        sw__tell_answer(n, "route.why", data);
        return 0;
    }
    data = json_pack("{s:s, s:O}", "id", id, "whose", whose);
    if (more > 0) json_object_set_new(data, "more", json_integer(more));
    sw__tell_answer(n, "route.why.unknown", data);
    return 0;
}
