/* grammar_near.c -- finds a command by its name or by what nearly is one; see grammar.h. */
#include "actors/grammar_priv.h"

#include <string.h>

#define NEAR 2     /* edits */
#define LONGEST 24 /* no word that is longer is near a command */

const struct sw_command *sw_grammar_command(const char *name) {
    size_t task = strcspn(name, ":");
    const char *subtask = name[task] ? name + task + 1 : NULL;

    for (const struct sw_command *c = sw_grammar_commands(); c->name; c++) {
        if (!strcmp(c->name, name)) {
            return c;
        }
    }
    for (const struct sw__rule *r = sw__grammar_rules; r->task; r++) {
        if (strlen(r->task) != task || strncmp(r->task, name, task)) {
            continue;
        }
        if (subtask ? r->subtask && !strcmp(r->subtask, subtask)
                    : !r->subtask || !strcmp(r->subtask, "default")) {
            return sw_grammar_command(r->command);
        }
    }
    return NULL;
}

static char fold(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b, unsigned c) {
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Levenshtein's distance, one row at a time, capitals taken as small letters. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    unsigned row[LONGEST + 1];

    for (unsigned j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a_size; i++) {
        unsigned diagonal = row[0];

        row[0]++;
        for (size_t j = 0; j < b_size; j++) {
            unsigned replaced = diagonal + (fold(a[i]) != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = least(replaced, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[b_size];
}

const char *sw_grammar_nearest(const char *word, size_t size) {
    const char *near = NULL;
    unsigned best = NEAR + 1;

    if (size > LONGEST) {
        return NULL;
    }
    for (const struct sw_command *c = sw_grammar_commands(); c->name; c++) {
        unsigned d = distance(word, size, c->name, strlen(c->name));

        /* A word of one or two letters is not near just because it is short. */
        if (d < best && d < size) {
            best = d;
            near = c->name;
        }
    }
    return near;
}
