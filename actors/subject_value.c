/* subject_value.c -- what is taken from events, which hold texts of anybody; see subject_priv.h. */
#include "actors/blocks.h"
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ELLIPSIS "\xe2\x80\xa6"
#define PLAIN "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

uint64_t sw__hash(const char *text) {
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
    return hash;
}

bool sw__is(const json_t *object, const char *key, const char *word) {
    return !strcmp(sw_str(object, key), word);
}

bool sw__is_in(const char *word, const char *const *words) {
    for (; *words; words++) {
        if (!strcmp(word, *words)) return true;
    }
    return false;
}

void sw__copy(char *ret, size_t room, const char *text) {
    snprintf(ret, room, "%s", text);
}

void sw__put(json_t *object, const char *key, json_t *value) {
    if (value) json_object_set_new(object, key, value);
}

int64_t sw__at(const json_t *event) {
    return sw_int(event, "at_ms");
}

json_t *sw__words(const json_t *object, const char *path, size_t max) {
    const json_t *value = sw_data_at(object, path);
    const char *text = json_string_value(value);
    size_t size = json_string_length(value), used = size > max ? max - strlen(ELLIPSIS) : size;
    bool any = false;
    if (!text || size == 0) return NULL;
    while (used < size && used > 0 && ((unsigned char)text[used] & 0xc0) == 0x80)
        used--;
    char *line = sw_malloc(used + sizeof(ELLIPSIS));
    for (size_t i = 0; i < used; i++) {
        bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        line[i] = control ? ' ' : text[i];
        any = any || line[i] != ' ';
    }
    memcpy(line + used, ELLIPSIS, sizeof(ELLIPSIS));
    json_t *words = any ? json_stringn(line, used + (used < size ? strlen(ELLIPSIS) : 0)) : NULL;
    free(line);
    return words;
}

void sw__id_of(const json_t *object, const char *path, char *ret, size_t room) {
    const json_t *value = sw_data_at(object, path);
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    ret[0] = 0;
    if (json_is_integer(value) && json_integer_value(value) > 0)
        snprintf(ret, room, "%lld", (long long)json_integer_value(value));
    else if (!text[strspn(text, PLAIN "-_")] && strlen(text) < room)
        sw__copy(ret, room, text);
}

json_t *sw__url(const json_t *object, const char *path, size_t max) {
    const json_t *value = sw_data_at(object, path);
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    if (!text || strncmp(text, "https://", 8) != 0 || size > max || strlen(text) != size)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f ||
            strchr("<>|\"`\\", text[i]))
            return NULL;
    }
    return json_stringn(text, size);
}

json_t *sw__person_github(const json_t *user) {
    char id[72];
    json_t *name = sw__words(user, "login", SW__NAME_BYTES);
    sw__id_of(user, "id", id, sizeof(id));
    if (!name) return NULL;
    return json_pack("{s:o*, s:o}", "p", id[0] ? json_sprintf("github/%s", id) : NULL, "n", name);
}

json_t *sw__person_heroku(const json_t *actor) {
    char id[72];
    json_t *name = sw__words(actor, "email", SW__NAME_BYTES);
    sw__id_of(actor, "id", id, sizeof(id));
    if (!name) return NULL;
    return json_pack("{s:o, s:o}", "p",
                     json_sprintf("heroku/%s", id[0] ? id : json_string_value(name)), "n", name);
}

void sw__key_tail(const char *text, size_t room, char *ret) {
    size_t size = strlen(text);
    char begin[41];
    if (size < room && !text[strspn(text, PLAIN "-_./")]) {
        memcpy(ret, text, size + 1);
        return;
    }
    for (size = 0; text[size] && size < sizeof(begin) - 1; size++)
        begin[size] = strchr(PLAIN "-_./", text[size]) ? text[size] : '-';
    begin[size] = 0;
    snprintf(ret, room, "%s~%016llx", begin, (unsigned long long)sw__hash(text));
}

int sw__key(char *ret, const char *kind, const char *id, const char *tail) {
    if (!id[0] || !tail[0]) return -EBADMSG;
    snprintf(ret, SW_SUBJECT_KEY, "%s/%s/%s", kind, id, tail);
    return 0;
}

const char *sw__stage_word(const char *word) {
    static const struct {
        const char *said, *stage;
    } rows[] = {{"development", "development"},
                {"dev", "development"},
                {"staging", "staging"},
                {"stg", "staging"},
                {"stage", "staging"},
                {"production", "production"},
                {"prod", "production"},
                {"prd", "production"},
                {"review", "review"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcasecmp(rows[i].said, word)) return rows[i].stage;
    }
    return "";
}

const char *sw__stage_of_app(const json_t *pipeline, const char *id, const char *name) {
    json_t *app;
    size_t i;
    json_array_foreach(json_object_get(pipeline, "apps"), i, app) {
        if ((id[0] && sw__is(app, "id", id)) || (name[0] && sw__is(app, "name", name)))
            return sw_str(app, "stage");
    }
    return "";
}

void sw__fold_repo(json_t *state, const json_t *event) {
    json_t *name = sw__words(event, "repo.name", 140);
    if (!name) return;
    sw__fold_reg(
        state, "repo", sw__at(event), 0,
        json_pack("{s:o, s:o*}", "name", name, "url", sw__url(event, "repo.url", SW__URL_BYTES)));
}

/* ---- phases of what is deployed ---- */

static const struct {
    const char *name, *state;
    bool ended;
} phases[] = {
    {"queued", "started", false},     {"building", "started", false},
    {"deploying", "started", false},  {"releasing", "started", false},
    {"restarting", "started", false}, {"released", "succeeded", true},
    {"live", "succeeded", true},      {"gone", "", true},
    {"failed", "failed", true},
};

int sw__phase_rank(const char *phase) {
    for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
        if (!strcmp(phases[i].name, phase)) return (int)i + 1;
    }
    return 0;
}

const char *sw__phase_state(const char *phase) {
    int rank = sw__phase_rank(phase ? phase : "");
    return rank > 0 ? phases[rank - 1].state : "";
}

bool sw__phase_ended(const char *phase) {
    int rank = sw__phase_rank(phase ? phase : "");
    return rank > 0 && phases[rank - 1].ended;
}
