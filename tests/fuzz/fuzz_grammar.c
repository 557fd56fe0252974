/* fuzz_grammar.c -- any bytes are a command line: what must hold for all of them.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/grammar*.c common/mem.c \
 *       tests/fuzz/fuzz_grammar.c -lpcre2-8 -ljansson -o fuzz && \
 *       ./fuzz -max_len=4096 -dict=tests/fuzz/grammar.dict tests/fuzz/corpus/grammar */
#include "actors/grammar.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds, const char *what) {
    if (!holds) {
        (void)fprintf(stderr, "grammar: %s\n", what);
        abort();
    }
}

static int is_set(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);

    must(value != NULL, key);
    return !json_is_null(value) && !json_is_false(value);
}

/* A command has at most three keys of its own, after the sixteen. */
static void check_own(const json_t *o, int valid) {
    static const char *const own[] = {"version", "process", "id",     "reason",
                                      "state",   "only",    "stages", "states"};
    size_t keys = 16;

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const json_t *value = json_object_get(o, own[i]);

        must(!value || json_is_null(value) || valid, "an invalid line sets no key of its own");
        keys += value != NULL;
    }
    must(keys <= 19 && json_object_size(o) == keys, "always the same keys");
}

static void check_command(const json_t *o) {
    static const char *const fields[] = {
        "forced",   "pipeline", "branch", "environment",   "application", "from",
        "from_app", "to",       "to_app", "second_factor", "channel",
    };
    const int valid = is_set(o, "valid");

    must(is_set(o, "handler") && is_set(o, "subtask"), "somebody answers");
    must(valid != is_set(o, "error"), "an error exactly where invalid");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        must(is_set(o, fields[i]) ? valid : 1, "an invalid line sets no field");
    }
    check_own(o, valid);
}

/* What is shown as it is, and read again as it was. */
static int is_plain(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] < 0x20 || data[i] == 0x7f || data[i] == '&' || data[i] == '<') {
            return 0;
        }
    }
    return size <= SW_GRAMMAR_LINE_BYTES / 2;
}

/* Blanks, then ^, no longer than the line and a place after it; only where something is wrong. */
static void check_mark(const json_t *o, const json_t *e) {
    const char *line = json_string_value(json_object_get(e, "line"));
    const char *mark = json_string_value(json_object_get(e, "mark"));
    size_t blanks = mark ? strspn(mark, " ") : 0;

    must(!mark || !is_set(o, "valid"), "only mistakes are marked");
    if (mark) {
        must(mark[blanks] == '^' && strspn(mark + blanks, "^") == strlen(mark + blanks), "a mark");
        must(strlen(mark) <= strlen(line) + 2, "a mark under its line");
        must((size_t)json_integer_value(json_object_get(e, "at")) == blanks, "the same place");
    }
}

/* What is kept and shown is a line without a code, that otherwise means the same. */
static void check_line(const json_t *o, const json_t *e, int plain) {
    const char *line = json_string_value(json_object_get(e, "line"));
    json_t *again;

    must(line && strlen(line) <= SW_GRAMMAR_LINE_BYTES, "a line that fits");
    again = sw_grammar_parse(line, strlen(line));
    if (plain && is_set(o, "valid") && is_set(o, "pipeline")) {
        must(!is_set(again, "second_factor"), "the code is cut off");
        json_object_set_new(again, "second_factor",
                            json_incref(json_object_get(o, "second_factor")));
        must(json_equal(again, o), "and nothing else");
    }
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *o = sw_grammar_parse((const char *)data, size);
    json_t *e = sw_grammar_explain((const char *)data, size);
    char *dump = json_dumps(o, JSON_COMPACT);
    json_t *again = dump ? json_loads(dump, JSON_ALLOW_NUL, NULL) : NULL;

    check_command(o);
    check_line(o, e, is_plain(data, size));
    check_mark(o, e);
    must(again && json_equal(again, o), "it survives JSON");
    json_decref(again);
    free(dump);
    json_decref(e);
    json_decref(o);
    return 0;
}
