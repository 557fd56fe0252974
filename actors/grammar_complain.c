/* grammar_complain.c -- what is wrong with a line, and where; see grammar_priv.h. */
#include "actors/grammar_priv.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_slug(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c && strchr("-_.", c));
}

static bool all(struct sw__span span, bool (*test)(char)) {
    for (size_t i = 0; i < span.size; i++) {
        if (!test(span.start[i])) {
            return false;
        }
    }
    return span.size > 0;
}

/* The word at `at` or after the blanks there; none: it is empty, at the end. */
static struct sw__span word_at(const struct sw__parsed *p, const char *at) {
    const char *end = p->text.start + p->text.size;

    while (at < end && *at == ' ') {
        at++;
    }
    return (struct sw__span){at, sw__grammar_word(at, (size_t)(end - at))};
}

void sw__grammar_blame(struct sw__parsed *p, struct sw__span bad, const char *verb,
                       const char *rest) {
    char shown[SW__EXCERPT];

    sw__grammar_clean(bad, true, shown, sizeof shown, NULL);
    p->bad = bad;
    snprintf(p->what, sizeof p->what, "'%s' %s%s", shown, verb, rest);
}

void sw__grammar_wrong(struct sw__parsed *p, struct sw__span bad, const char *first,
                       const char *second) {
    p->bad = bad;
    snprintf(p->what, sizeof p->what, "%s%s", first, second);
}

static struct sw__span nothing(const struct sw__parsed *p) {
    return (struct sw__span){p->text.start + p->text.size, 0};
}

static void complain_unknown(struct sw__parsed *p) {
    struct sw__span word = {p->text.start, sw__grammar_word(p->text.start, p->text.size)};

    if (p->text.size == 0) {
        sw__grammar_wrong(p, nothing(p), "no command was given", "");
    } else if (p->task.start) {
        sw__grammar_blame(p, p->task, "is not a command", "");
    } else if (word.size == 0) {
        sw__grammar_wrong(p, (struct sw__span){p->text.start, 1},
                          "the line must start with a command, not with a blank", "");
    } else {
        sw__grammar_blame(p, word, "is not a command; commands are lower-case words", "");
    }
}

static void complain_subtask(struct sw__parsed *p) {
    bool force = p->subtask.start[p->subtask.size - 1] == '!';
    char shown[SW__EXCERPT];

    sw__grammar_clean(p->subtask, true, shown, sizeof shown, NULL);
    p->bad = p->subtask;
    snprintf(p->what, sizeof p->what, "%s has no subtask '%s'%s", p->rule->task, shown,
             force ? "; '!' belongs directly after the command" : "");
}

/* A required piece is missing, or what stands in its place is not one. */
static void complain_piece(struct sw__parsed *p) {
    const char *at = p->text.start + p->good, *before = at;
    struct sw__span word = word_at(p, at);
    char shown[SW__EXCERPT], rest[SW__EXCERPT + 20];

    if (word.size == 0) {
        sw__grammar_wrong(p, nothing(p), p->failed->name, " is missing");
        return;
    }
    if (word.start > at && p->failed->like) {
        sw__grammar_blame(p, word, "is not ", p->failed->like);
        return;
    }
    if (*at == '!' && !strstr(p->command->usage, "[!]")) {
        p->bad = (struct sw__span){at, 1};
        snprintf(p->what, sizeof p->what, "%s takes no '!'", p->command->name);
        return;
    }
    while (before > p->text.start && before[-1] != ' ') {
        before--;
    }
    sw__grammar_clean((struct sw__span){before, (size_t)(at - before)}, true, shown, sizeof shown,
                      NULL);
    snprintf(rest, sizeof rest, "'%s' without a space", shown);
    sw__grammar_blame(p, word, "cannot follow ", rest);
}

static bool is_stage(struct sw__span word) {
    const char *app = memchr(word.start, '/', word.size);

    return all((struct sw__span){word.start, app ? (size_t)(app - word.start) : word.size},
               is_slug);
}

/* Is it one of the words of a usage, between blanks, brackets and bars? */
static bool usage_has(const char *usage, const char *word) {
    static const char around[] = " []|";
    size_t size = strlen(word);

    for (const char *at = usage; (at = strstr(at, word)); at++) {
        if (at > usage && strchr(around, at[-1]) && strchr(around, at[size])) {
            return true;
        }
    }
    return false;
}

/* The words that bring a piece with them, and what that is. */
static const struct {
    const char *word, *thing;
} bringers[] = {
    {"from", "stage"}, {"to", "stage"}, {"in", "stage"}, {"on", "stage"}, {"because", "reason"},
};

/* Such a word, whose piece did not become part of the command. */
static void complain_after(struct sw__parsed *p, struct sw__span word, const char *thing) {
    struct sw__span next = word_at(p, word.start + word.size);
    bool stage = !strcmp(thing, "stage"), version = false;
    char name[16] = "";

    memcpy(name, word.start, word.size);
    if (!strcmp(name, "to") && p->own[SW__VERSION]) {
        thing = "version: they look like v42", version = true, stage = false;
    } else if (!strcmp(name, "from") && !strcmp(p->command->name, "unroute")) {
        thing = "channel: it looks like #ops", stage = false;
    }
    if (next.size == 0 && usage_has(p->command->usage, name)) {
        char first[8];

        snprintf(first, sizeof first, "%.*s", (int)strcspn(thing, ":"), thing);
        p->bad = nothing(p);
        snprintf(p->what, sizeof p->what, "a %s must follow '%s'", first, name);
    } else if (!usage_has(p->command->usage, name) || (stage && is_stage(next)) ||
               (version && p->good > (size_t)(next.start - p->text.start))) {
        struct sw__span both = {word.start, (size_t)(next.start + next.size - word.start)};

        sw__grammar_blame(p, next.size > 0 ? both : word, "cannot stand at this place", "");
    } else {
        sw__grammar_blame(p, next, "is not a ", thing);
    }
}

static bool looks_like_code(struct sw__span word) {
    char shown[SW__EXCERPT];

    sw__grammar_clean(word, true, shown, sizeof shown, NULL);
    return all(word, is_digit) || !strcmp(shown, "[code]");
}

/* All that is required was there, but the line goes on. */
static void complain_rest(struct sw__parsed *p) {
    const char *good = p->text.start + p->good;
    struct sw__span rest = word_at(p, good), word;

    if (p->own[SW__REASON] && memmem(p->text.start, p->good, " because ", 9)) {
        p->bad = (struct sw__span){good, (size_t)(p->text.start + p->text.size - good)};
        snprintf(p->what, sizeof p->what, "the reason is longer than %d characters",
                 SW_GRAMMAR_REASON_LENGTH);
        return;
    }
    while (rest.start > p->text.start && rest.start[-1] != ' ') {
        rest.start--; /* only the end of a word was too much: the whole word is shown */
    }
    word = word_at(p, rest.start);
    for (size_t i = 0; i < sizeof bringers / sizeof *bringers; i++) {
        if (sw__grammar_is(word, bringers[i].word)) {
            complain_after(p, word, bringers[i].thing);
            return;
        }
    }
    sw__grammar_stray(p, word);
}

void sw__grammar_stray(struct sw__parsed *p, struct sw__span word) {
    if (looks_like_code(word) && !usage_has(p->command->usage, "CODE")) {
        sw__grammar_wrong(p, word, p->command->name, " takes no one-time code");
    } else if (looks_like_code(word)) {
        sw__grammar_wrong(
            p, word,
            "a one-time code is 6 digits, or 32 to 64 letters of a YubiKey, and ends the line", "");
    } else {
        sw__grammar_blame(p, word, "has no meaning at this place", "");
    }
}

void sw__grammar_complain(struct sw__parsed *p) {
    bool whole = p->rule && p->good > 0;

    if (!p->normal) {
        snprintf(p->what, sizeof p->what, "the text is longer than %d bytes", SW_GRAMMAR_MAX_BYTES);
    } else if (!p->rule) {
        complain_unknown(p);
    } else if (whole && p->failed) {
        complain_piece(p);
    } else if (whole) {
        complain_rest(p);
    } else if (!p->fits) {
        complain_subtask(p);
    } else {
        sw__grammar_wrong(p, (struct sw__span){p->text.start + p->utf8, 1}, "the text is not UTF-8",
                          "");
    }
}
