/* grammar_rules.c -- every command, in the order in which they are shown; see grammar.h.
 *
 * A file each holds those that belong together: pattern in named pieces, help and examples beside it. Each piece
 * takes its own leading blank and never gives back what it took (possessive quantifiers), so a line is read once
 * from left to right. The words between pieces (from, to) cannot be stages or codes in disguise: each optional piece
 * begins with a word of its own, and a code comes last. */
#include "actors/grammar_priv.h"

#include <string.h>

static const struct sw__command *const groups[] = {
    sw__grammar_ship, sw__grammar_look,  sw__grammar_follow, sw__grammar_run,
    sw__grammar_lock, sw__grammar_route, sw__grammar_you,
};

const struct sw__command *sw__grammar_at(size_t i) {
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (const struct sw__command *c = groups[g]; c->said.name; c++) {
            if (i-- == 0) {
                return c;
            }
        }
    }
    return NULL;
}

const struct sw_command *sw_grammar_command_at(size_t i) {
    const struct sw__command *c = sw__grammar_at(i);

    return c ? &c->said : NULL;
}

static bool has_rule(const struct sw__command *c, const char *name) {
    size_t task = strcspn(name, ":");
    const char *subtask = name[task] ? name + task + 1 : NULL;

    for (const struct sw__rule *r = c->rules; r->task; r++) {
        bool same = strlen(r->task) == task && !strncmp(r->task, name, task);
        bool bare = !r->subtask || !strcmp(r->subtask, "default");

        if (same && (subtask ? r->subtask && !strcmp(r->subtask, subtask) : bare)) {
            return true;
        }
    }
    return false;
}

const struct sw_command *sw_grammar_command(const char *name) {
    const struct sw__command *c;

    for (size_t i = 0; (c = sw__grammar_at(i)); i++) {
        if (!strcmp(c->said.name, name)) {
            return &c->said;
        }
    }
    for (size_t i = 0; (c = sw__grammar_at(i)); i++) {
        if (has_rule(c, name)) {
            return &c->said;
        }
    }
    return NULL;
}
