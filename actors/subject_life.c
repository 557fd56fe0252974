/* subject_life.c -- whether an event is of what a subject was, or begins it anew; see subject.h.
 *
 * An id says most: it is the subject's for ever. Of one that is new, when it began counts, and not
 * when it was told: the end of a deployment is told a moment after the release that it made. */
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A build's, a deployment's, a release's as its lines name it; "": none. */
static void id_of(const json_t *event, char *ret, size_t room) {
    json_int_t version = sw_int(json_object_get(event, "release"), "version");
    if (version <= 0) version = sw_int(json_object_get(event, "dyno"), "release");
    if (version > 0) {
        snprintf(ret, room, "v%lld", (long long)version);
        return;
    }
    sw__id_of(event, "build.id", ret, room);
    if (!ret[0]) sw__id_of(event, "deployment.id", ret, room);
}

bool sw_subject_knows(const json_t *state, const json_t *event) {
    char id[72], about[24];
    const json_t *line;
    size_t i;
    id_of(event, id, sizeof(id));
    if (!id[0]) return false;
    json_array_foreach(json_object_get(state, "line"), i, line) {
        if (sw__is(json_array_get(line, 3), "i", id)) return true;
    }
    /* A deployment of which nothing is known but that it waits has no line. */
    snprintf(about, sizeof(about), "%lld", (long long)sw_int(sw__reg(state, "about"), "id"));
    return !strcmp(id, about);
}

/* 0: it cannot be told. */
static int64_t began_ms(const json_t *state, const json_t *event) {
    const char *type = sw_str(event, "type");
    const char *object = !strcmp(type, "api:build")     ? "build"
                         : !strcmp(type, "api:release") ? "release"
                                                        : "deployment";
    json_int_t ms = sw_int(json_object_get(event, object), "began_ms");
    /* GitHub may hear of a deploy's end before Heroku has made the release. */
    if (!strcmp(object, "release") && sw__is(state, "kind", "deployment")) return 0;
    if (ms > 0) return ms;
    return json_object_get(event, "status") || !json_object_get(event, object) ? 0 : sw__at(event);
}

int sw_subject_is_past(const json_t *state, const json_t *event) {
    const struct sw__view *view = sw__view_of(state);
    int64_t at_ms = view && view->ended_ms ? began_ms(state, event) : 0;
    if (at_ms <= 0) return -ENODATA;
    return view->ended(view->phase(state)) && at_ms > view->ended_ms(state);
}
