/* grammar_filter.c -- the filters of a route: only EVENTS, in STAGES, when STATES, branch PATTERN; see grammar_priv.h.
 *
 * They come in any order, each once, and lists are written as people write them: commas, blanks, "and". Read word by
 * word and not by a pattern, so that a word that is not known is marked, with those that are. */
#include "actors/grammar_priv.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRANCH_BYTES_MAX 250
#define KNOWN_BYTES 128

static const struct filter {
    const char *word, *key;
    const char *one, *some; /* what it lists */
    const char *known[12];  /* NULL-terminated */
} filters[SW__LISTS] = {
    {"only",
     "only",
     "an event",
     "events",
     {"deploys", "releases", "ci", "pulls", "pushes", "tags", "crashes", "apps", "reviews"}},
    {"in", "stages", "a stage", "stages", {"development", "staging", "production", "review"}},
    {"when", "states", "a state", "states", {"started", "succeeded", "failed"}},
};
static const char branch[] = "branch";

struct reader {
    struct sw__parsed *p;
    const char *at, *end;
};

/* The bytes up to a blank or, with `comma`, up to a comma; what was before it is skipped. */
static struct sw__span peek(struct reader *r, bool comma) {
    size_t size = 0;

    while (r->at < r->end && (*r->at == ' ' || (comma && *r->at == ','))) {
        r->at++;
    }
    while (r->at + size < r->end && r->at[size] != ' ' && !(comma && r->at[size] == ',')) {
        size++;
    }
    return (struct sw__span){r->at, size};
}

static const struct filter *filter_of(struct sw__span word) {
    for (size_t i = 0; i < SW__LISTS; i++) {
        if (sw__grammar_is(word, filters[i].word)) {
            return &filters[i];
        }
    }
    return NULL;
}

static bool begins_filter(struct sw__span word) {
    return filter_of(word) || sw__grammar_is(word, branch);
}

/* "events are deploys, releases, ..." */
static void known(const struct filter *f, char out[KNOWN_BYTES]) {
    int used = snprintf(out, KNOWN_BYTES, "%s are", f->some);

    for (size_t i = 0; f->known[i]; i++) {
        used +=
            snprintf(out + used, KNOWN_BYTES - (size_t)used, "%s %s", i ? "," : "", f->known[i]);
        assert(used < KNOWN_BYTES);
    }
}

/* Nothing follows the word of a filter: the mark is where something should. */
static bool missing(struct reader *r, const char *word, const char *thing, const char *more) {
    struct sw__span next = peek(r, false);
    char text[KNOWN_BYTES + 64];

    snprintf(text, sizeof text, "%s must follow '%s'%s%s", thing, word, *more ? ": " : "", more);
    sw__grammar_wrong(r->p, next, text, "");
    return false;
}

static bool take_list(struct reader *r, const struct filter *f) {
    unsigned *list = &r->p->lists[f - filters];
    char all[KNOWN_BYTES], rest[KNOWN_BYTES + 16];
    struct sw__span word;

    known(f, all);
    for (; (word = peek(r, true)).size > 0 && !begins_filter(word); r->at += word.size) {
        struct sw__span meant = f->one[2] == 's' ? sw__grammar_stage(word) : word;
        size_t i = 0;

        if (sw__grammar_is(word, "and")) {
            continue;
        }
        while (f->known[i] && !sw__grammar_is(meant, f->known[i])) {
            i++;
        }
        if (!f->known[i]) {
            snprintf(rest, sizeof rest, "%s; %s", f->one, all);
            sw__grammar_blame(r->p, word, "is not ", rest);
            return false;
        }
        *list |= 1u << i;
    }
    return *list || missing(r, f->word, f->one, all);
}

/* What no branch is called, though other characters are odd enough. */
static bool is_pattern(struct sw__span word) {
    for (size_t i = 0; i < word.size; i++) {
        unsigned char c = (unsigned char)word.start[i];

        if (c <= ' ' || c == 0x7f || strchr("~^:\\[", c)) {
            return false;
        }
    }
    return word.size > 0 && word.size <= BRANCH_BYTES_MAX;
}

/* As one types it in a shell, too: in quotes. */
static struct sw__span unquoted(struct sw__span word) {
    while (word.size > 0 && word.start[word.size - 1] == ',') {
        word.size--;
    }
    if (word.size > 2 && (*word.start == '\'' || *word.start == '"') &&
        word.start[word.size - 1] == *word.start) {
        word = (struct sw__span){word.start + 1, word.size - 2};
    }
    return word;
}

static bool take_branch(struct reader *r) {
    struct sw__span word = peek(r, false), pattern = unquoted(word);

    if (word.size == 0 || begins_filter(word)) {
        return missing(r, branch, "the name of a branch, or a pattern such as release/*,", "");
    }
    if (!is_pattern(pattern)) {
        sw__grammar_blame(r->p, word, "is not ",
                          "a branch or a pattern: those look like main and release/*");
        return false;
    }
    r->p->field[SW__BRANCH] = pattern;
    r->at += word.size;
    return true;
}

bool sw__grammar_filters(struct sw__parsed *p) {
    struct sw__span all = p->field[SW__FILTERS], word;
    struct reader r = {p, all.start, all.start + all.size};

    while ((word = peek(&r, true)).size > 0) {
        const struct filter *f = filter_of(word);
        bool again = f ? p->lists[f - filters] : p->field[SW__BRANCH].start != NULL;

        if (!begins_filter(word)) {
            sw__grammar_stray(p, word);
            return false;
        }
        if (again) {
            sw__grammar_blame(p, word, "is there twice", "");
            return false;
        }
        r.at += word.size;
        if (f ? !take_list(&r, f) : !take_branch(&r)) {
            return false;
        }
    }
    return true;
}

void sw__grammar_filters_put(const struct sw__parsed *p, json_t *object) {
    for (size_t l = 0; l < SW__LISTS; l++) {
        json_t *list = p->valid && p->lists[l] ? json_array() : json_null();

        for (size_t i = 0; json_is_array(list) && filters[l].known[i]; i++) {
            if (p->lists[l] & (1u << i)) {
                json_array_append_new(list, json_string(filters[l].known[i]));
            }
        }
        if (json_object_set_new(object, filters[l].key, list)) {
            abort(); /* out of memory, as in mem.c */
        }
    }
}
