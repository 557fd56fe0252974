/* subject.c -- what an event is about, and the state that all events of a subject join into.
 *
 * Nothing here looks at what arrived before: an event adds values whose join does not depend on the
 * order, and what a subject is in is read of the joined state only. See subject_priv.h. */
#include "actors/blocks.h"
#include "actors/subject_priv.h"

#include <errno.h>
#include <string.h>

static const struct sw__about *const abouts[] = {
    sw__about_ci, sw__about_github, sw__about_deployment, sw__about_heroku, sw__about_app};

static const struct sw__about *about(const json_t *event) {
    const char *type = sw_str(event, "type");
    for (size_t t = 0; t < sizeof(abouts) / sizeof(*abouts); t++) {
        for (const struct sw__about *row = abouts[t]; row->type; row++) {
            if (!strcmp(row->type, type)) return row;
        }
    }
    return NULL;
}

const struct sw__view *sw__view_of(const json_t *state) {
    static const struct sw__view *const views[] = {
        &sw__view_commit,     &sw__view_pull,   &sw__view_tag,
        &sw__view_deployment, &sw__view_review, &sw__view_deploy,
        &sw__view_release,    &sw__view_crash,  &sw__view_app,
    };
    const char *kind = sw_str(state, "kind");
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
        if (!strcmp(views[i]->kind, kind)) return views[i];
    }
    return NULL;
}

int sw_subject_key(const json_t *event, const json_t *pipeline, char ret[SW_SUBJECT_KEY],
                   const char **ret_why) {
    const struct sw__about *row = about(event);
    const char *why = "an event that is never shown";
    char key[SW_SUBJECT_KEY] = "";
    int r = !row ? -ENOENT : sw__at(event) <= 0 ? -EBADMSG : row->key(event, pipeline, key, &why);
    if (ret_why) *ret_why = r == -EBADMSG ? "an event without what it must have" : r ? why : "";
    if (r == 0) memcpy(ret, key, sizeof(key));
    return r;
}

void sw_subject_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const struct sw__about *row = about(event);
    *ret = (struct sw_subject_facts){.word = "", .state = ""};
    if (row) row->facts(event, pipeline, ret);
}

/* The kind of a subject of this kind after an event of that one; NULL: it is not of it. What GitHub
 * and Heroku both tell of is Heroku's, who knows more. */
static const char *joined(const char *kind, const char *of_event) {
    static const char *const both[] = {"deployment", "deploy", NULL};
    if (!of_event[0] || !strcmp(kind, of_event)) return kind;
    return sw__is_in(kind, both) && sw__is_in(of_event, both) ? "deploy" : NULL;
}

json_t *sw_subject_fold(const json_t *state, const json_t *event, bool *ret_changed) {
    const struct sw__about *row = about(event);
    const char *kind = row && sw__at(event) > 0 ? row->kind(event) : NULL;
    json_t *next = json_deep_copy(state);
    if (kind && state) kind = joined(sw_str(state, "kind"), kind);
    if (!kind || !*kind) {
        *ret_changed = false;
        return next ? next : json_object();
    }
    if (!next) next = json_object();
    json_object_set_new(next, "kind", json_string(kind));
    row->fold(next, event);
    *ret_changed = !state || !json_equal(state, next);
    return next;
}

static const char *phase_of(const json_t *state) {
    const struct sw__view *view = sw__view_of(state);
    return view ? view->phase(state) : NULL;
}

const char *sw_subject_state(const json_t *state) {
    const struct sw__view *view = sw__view_of(state);
    return view ? view->state(phase_of(state)) : "";
}

bool sw_subject_ended(const json_t *state) {
    const struct sw__view *view = sw__view_of(state);
    return !view || view->ended(phase_of(state));
}

/* ---- people ---- */

static void add_person(json_t *people, const json_t *by) {
    const char *key = sw_str(by, "p"), *slash = strchr(key, '/');
    json_t *one;
    size_t i;
    if (!slash || json_array_size(people) == 5) return;
    json_array_foreach(people, i, one) {
        const char *provider = sw_str(one, "provider");
        if (!strncmp(provider, key, (size_t)(slash - key)) && sw__is(one, "id", slash + 1)) return;
    }
    json_array_append_new(
        people, json_pack("{s:s%, s:s}", "provider", key, (size_t)(slash - key), "id", slash + 1));
}

json_t *sw_subject_people(const json_t *state) {
    const struct sw__view *view = sw__view_of(state);
    json_t *people = json_array(), *line;
    SW_AUTO(sw_json) json_t *data = json_object();
    size_t i;
    if (view) view->show(state, phase_of(state), NULL, data);
    add_person(people, json_object_get(data, "by"));
    json_array_foreach(json_object_get(state, "line"), i, line) {
        add_person(people, json_object_get(json_array_get(line, 3), "by"));
    }
    return people;
}

/* {"p", "n"} becomes a mention where the person is linked, else a name. */
static void name_person(json_t *data, const json_t *people) {
    SW_AUTO(sw_json) json_t *by = json_incref(json_object_get(data, "by"));
    if (!by) return;
    json_t *user = json_object_get(people, sw_str(by, "p"));
    json_object_del(data, "by");
    if (json_is_string(user))
        json_object_set(data, "by", user);
    else
        json_object_set(data, "by_name", json_object_get(by, "n"));
}

/* ---- the history as it is shown ---- */

/* A dyno that is up is said once, however often it comes up. */
static void add_up(json_t *lines, const json_t *state) {
    const json_t *up = json_object_get(json_object_get(state, "reg"), "up");
    SW_AUTO(sw_json) json_t *holder = json_pack("{s:O}", "line", lines);
    if (!up) return;
    int64_t at_ms = -json_integer_value(json_array_get(up, 1));
    sw__fold_line(holder, at_ms, sw__phase_rank("live"), "live",
                  json_incref(json_array_get(up, 2)));
}

static bool is_said(const json_t *shown, const char *word, const json_t *args) {
    json_t *one;
    size_t i;
    if (!json_object_get(args, "i")) return false;
    json_array_foreach((json_t *)shown, i, one) {
        if (sw__is(one, "say", word) && json_equal(json_object_get(one, "args"), args)) return true;
    }
    return false;
}

/* How many lines the state no longer holds, from the middle; NULL: none. */
static json_t *dropped(const json_t *state) {
    size_t seen = json_array_size(json_object_get(state, "seen"));
    if (seen <= SW__LINES) return NULL;
    return json_pack("{s:s, s:{s:I, s:b}}", "say", "more", "args", "n",
                     (json_int_t)(seen - SW__LINES), "over", seen == SW__SEEN);
}

static json_t *history(const json_t *state, const struct sw__view *view) {
    json_t *shown = json_array(), *line;
    SW_AUTO(sw_json) json_t *lines = json_copy(json_object_get(state, "line"));
    SW_AUTO(sw_json) json_t *more = dropped(state);
    size_t i;
    add_up(lines, state);
    json_array_foreach(lines, i, line) {
        const char *word = json_string_value(json_array_get(line, 2));
        json_t *args = json_array_get(line, 3);
        if (more && i == SW__LINES_FIRST) json_array_append(shown, more);
        if ((view->hides && view->hides(state, line)) || is_said(shown, word, args)) continue;
        json_array_append_new(shown, json_pack("{s:O, s:s, s:O}", "at_ms", json_array_get(line, 0),
                                               "say", word, "args", args));
    }
    return shown;
}

static json_t *log_lines(const json_t *state, const struct sw__view *view, const json_t *people) {
    SW_AUTO(sw_json) json_t *shown = history(state, view);
    json_t *lines = json_array(), *one;
    size_t i;
    json_array_foreach(shown, i, one) {
        json_t *line = json_copy(json_object_get(one, "args"));
        json_object_del(line, "i");
        json_object_del(line, "l");
        json_object_del(line, "a");
        name_person(line, people);
        sw__put(line, "at_ms", json_incref(json_object_get(one, "at_ms")));
        sw__put(line, "say", json_incref(json_object_get(one, "say")));
        json_array_append_new(lines, line);
    }
    return lines;
}

/* ---- the notice ---- */

#define DATA_BYTES 11500 /* of 12 KiB: the rest is what stands around it */

static json_t *part(const char *template, const json_t *data) {
    return json_pack("{s:s, s:O}", "template", template, "data", data);
}

/* What one line needs. */
static json_t *brief(const json_t *data) {
    static const char *const long_keys[] = {"failing", "running", "dynos", "description"};
    json_t *copy = json_copy((json_t *)data);
    for (size_t i = 0; i < sizeof(long_keys) / sizeof(*long_keys); i++)
        json_object_del(copy, long_keys[i]);
    return copy;
}

/* Lines of the middle go until all fits. */
static void fit(json_t *notice) {
    json_t *lines = sw_data_at(notice, "log.data.lines");
    for (;;) {
        size_t size = json_dumpb(notice, NULL, 0, JSON_COMPACT);
        if (size <= DATA_BYTES || json_array_size(lines) < 4) return;
        size_t middle = SW__LINES_FIRST < json_array_size(lines) / 2 ? SW__LINES_FIRST
                                                                     : json_array_size(lines) / 2;
        json_t *one = json_array_get(lines, middle);
        if (!sw__is(one, "say", "more")) {
            one = json_pack("{s:s, s:i}", "say", "more", "n", 1);
            json_array_set_new(lines, middle, one);
            continue;
        }
        json_object_set_new(one, "n", json_integer(sw_int(one, "n") + 1));
        json_array_remove(lines, middle + 1);
    }
}

json_t *sw_subject_notice(const json_t *state, const json_t *pipeline, const json_t *people) {
    const struct sw__view *view = sw__view_of(state);
    SW_AUTO(sw_json) json_t *data = json_object();
    if (!view) return json_object();
    const char *phase = view->phase(state);
    SW_AUTO(sw_text) char *alarm = view->alarm ? view->alarm(state) : NULL;
    SW_AUTO(sw_text) char *template = sw_printf("subject.%s", view->kind);
    sw__put(data, "kind", json_string(view->kind));
    sw__put(data, "phase", phase ? json_string(phase) : NULL);
    view->show(state, phase, pipeline, data);
    name_person(data, people);
    SW_AUTO(sw_json) json_t *short_data = brief(data);
    SW_AUTO(sw_json) json_t *lines = log_lines(state, view, people);
    /* A digest counts by state, and names the pipelines. */
    sw__put(short_data, "state", json_string(view->state(phase)));
    sw__put(short_data, "pipeline", sw__words(pipeline, "pipeline.name", 60));
    json_t *notice = json_pack("{s:o, s:o, s:b}", "parent", part(template, data), "digest",
                               part("subject.digest", short_data), "final", view->ended(phase));
    if (alarm) {
        json_t *broadcast = part("subject.failed", short_data);
        json_object_set_new(broadcast, "id", json_string(alarm));
        json_object_set_new(notice, "broadcast", broadcast);
    }
    if (json_array_size(lines) > 1)
        json_object_set_new(
            notice, "log",
            json_pack("{s:s, s:{s:O}}", "template", "subject.log", "data", "lines", lines));
    fit(notice);
    return notice;
}
