/* grammar_rows.h -- lines and what they mean, as rows of a table.
 *
 * shapes   VALID(text, "handler key=value key=a,b ..."), WRONG(text, "a part of the error"); CHECK(rows)
 * units    none
 * errors   cmocka fails the test
 * owner    static data
 * source   actors/grammar.h
 * limits   none
 */
#ifndef GRAMMAR_ROWS_H
#define GRAMMAR_ROWS_H

#include "actors/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *text;
    const char *said;  /* "handler key=value ...": all that is set of a valid line, in order */
    const char *wrong; /* else: the error contains this */
};

static inline const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

/* What a command sets, as a row says it. */
static inline void say(const json_t *o, char *out, size_t room) {
    const char *key;
    json_t *value;
    size_t used = (size_t)snprintf(out, room, "%s", text_of(o, "handler"));

    json_object_foreach((json_t *)(uintptr_t)o, key, value) {
        if (!strcmp(key, "task") || !strcmp(key, "subtask") || !strcmp(key, "handler") ||
            !strcmp(key, "valid")) {
            continue;
        }
        if (json_is_string(value)) {
            used +=
                (size_t)snprintf(out + used, room - used, " %s=%s", key, json_string_value(value));
        } else if (json_is_array(value)) {
            used += (size_t)snprintf(out + used, room - used, " %s", key);
            for (size_t i = 0; i < json_array_size(value); i++) {
                used += (size_t)snprintf(out + used, room - used, "%s%s", i ? "," : "=",
                                         json_string_value(json_array_get(value, i)));
            }
        } else if (json_is_true(value)) {
            used += (size_t)snprintf(out + used, room - used, " %s", key);
        }
        assert_true(used < room);
    }
}

static inline void check(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        json_t *o = sw_grammar_parse(rows[i].text, strlen(rows[i].text));
        const char *error = text_of(o, "error");
        char said[2048];

        say(o, said, sizeof said);
        if (json_is_true(json_object_get(o, "valid")) != (rows[i].said != NULL) ||
            (rows[i].said && strcmp(said, rows[i].said)) ||
            (rows[i].wrong && (!error || !strstr(error, rows[i].wrong)))) {
            fail_msg("[%s] says: %s", rows[i].text, said);
        }
        json_decref(o);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))
#define VALID(text, said)                                                                          \
    { text, said, NULL }
#define WRONG(text, wrong)                                                                         \
    { text, NULL, wrong }

#endif
