/* grammar_say.c -- what is wrong with a line, in words that can be shown; see grammar_priv.h. */
#include "actors/grammar_priv.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6"    /* U+2026 */
#define MASK "[code]"

size_t sw__grammar_utf8(const char *text, size_t size) {
    const unsigned char *b = (const unsigned char *)text;
    size_t more = b[0] < 0x80 ? 0 : b[0] < 0xc2 ? 4 : b[0] < 0xe0 ? 1 : b[0] < 0xf0 ? 2 : 3;

    if (b[0] > 0xf4 || more >= 4 || more >= size) {
        return 0;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Too long for what they say, surrogates, beyond U+10FFFF. */
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
        (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f)) {
        return 0;
    }
    return more + 1;
}

json_t *sw__grammar_string(const char *text, size_t size) {
    json_t *whole = json_stringn(text, size);
    SW_AUTO(sw_text) char *fixed = NULL;
    size_t used = 0;

    if (whole) {
        return whole;
    }
    fixed = sw_malloc(3 * size + 1);
    for (size_t at = 0; at < size;) {
        size_t step = sw__grammar_utf8(text + at, size - at);

        memcpy(fixed + used, step ? text + at : REPLACEMENT, step ? step : 3);
        used += step ? step : 3;
        at += step ? step : 1;
    }
    return json_stringn(fixed, used);
}

size_t sw__grammar_word(const char *text, size_t size) {
    const char *blank = size > 0 ? memchr(text, ' ', size) : NULL;

    return blank ? (size_t)(blank - text) : size;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Capitals too: a YubiKey types them where caps lock is on. */
static bool is_modhex(char c) {
    return c && strchr("cbdefghijklnrtuvCBDEFGHIJKLNRTUV", c);
}

/* The bytes at `text` that may be a one-time code or most of one: also as "123 456", or mistyped.
 */
static size_t secret(const char *text, size_t size) {
    size_t letters = 0, digits = 0, at = 0;

    while (letters < size && is_modhex(text[letters])) {
        letters++;
    }
    if (letters >= 24) {
        return letters;
    }
    while (at < size &&
           (is_digit(text[at]) || (digits > 0 && at + 1 < size && is_digit(text[at + 1]) &&
                                   (text[at] == ' ' || text[at] == '-')))) {
        digits += is_digit(text[at++]);
    }
    return digits >= 5 ? at : 0;
}

/* The bytes at `text` that belong to one run of letters or digits, so that none is looked at twice.
 */
static size_t run(const char *text, size_t size) {
    size_t n = 0;

    while (n < size && (is_digit(text[0]) ? is_digit(text[n]) : is_modhex(text[n]))) {
        n++;
    }
    return n;
}

void sw__grammar_clean(const char *text, size_t size, bool mask, char *out, size_t room) {
    size_t used = 0, plain_until = 0;

    for (size_t at = 0; at < size;) {
        size_t hidden = mask && at >= plain_until ? secret(text + at, size - at) : 0;
        size_t step = sw__grammar_utf8(text + at, size - at);
        const char *piece = !step ? REPLACEMENT : text + at;
        size_t piece_size = !step ? 3 : step;

        if (hidden > 0) {
            piece = MASK, piece_size = strlen(MASK), step = hidden;
        } else if (step == 1 && ((unsigned char)text[at] < 0x20 || text[at] == 0x7f)) {
            piece = " ";
        }
        if (used + piece_size + strlen(ELLIPSIS) >= room) {
            used += strlen(strcpy(out + used, ELLIPSIS));
            break;
        }
        if (hidden == 0 && at >= plain_until) {
            plain_until = at + run(text + at, size - at);
        }
        memcpy(out + used, piece, piece_size);
        used += piece_size;
        at += step ? step : 1;
    }
    out[used] = '\0';
}

static bool is_slug(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c && strchr("-_.", c));
}

static bool all(const char *text, size_t size, bool (*test)(char)) {
    for (size_t i = 0; i < size; i++) {
        if (!test(text[i])) {
            return false;
        }
    }
    return size > 0;
}

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && *at == ' ') {
        at++;
    }
    return at;
}

static void quote(const char *text, size_t size, char *out) {
    sw__grammar_clean(text, size, true, out, SW__EXCERPT);
}

static void complain_unknown(struct sw__parsed *p) {
    size_t word = sw__grammar_word(p->text.start, p->text.size);
    char shown[SW__EXCERPT];

    if (p->text.size == 0) {
        snprintf(p->what, sizeof p->what, "no command was given");
    } else if (p->task.start) {
        quote(p->task.start, p->task.size, shown);
        snprintf(p->what, sizeof p->what, "'%s' is not a command", shown);
    } else if (word == 0) {
        snprintf(p->what, sizeof p->what, "the line must start with a command, not with a blank");
    } else {
        quote(p->text.start, word, shown);
        snprintf(p->what, sizeof p->what, "'%s' is not a command; commands are lower-case words",
                 shown);
    }
}

static void complain_subtask(struct sw__parsed *p) {
    char shown[SW__EXCERPT];
    bool force = p->subtask.start[p->subtask.size - 1] == '!';

    quote(p->subtask.start, p->subtask.size, shown);
    snprintf(p->what, sizeof p->what, "%s has no subtask '%s'%s", p->rule->task, shown,
             force ? "; '!' belongs directly after the command" : "");
}

/* A required piece is missing, or what stands in its place is not one. */
static void complain_piece(struct sw__parsed *p) {
    const char *end = p->text.start + p->text.size;
    const char *rest = skip_blanks(p->text.start + p->good, end);
    bool blank = rest > p->text.start + p->good;
    char shown[SW__EXCERPT];

    quote(rest, sw__grammar_word(rest, (size_t)(end - rest)), shown);
    if (rest == end) {
        snprintf(p->what, sizeof p->what, "%s is missing", p->failed->name);
    } else if (!blank) {
        snprintf(p->what, sizeof p->what, "'%s' cannot follow '%s' without a space", shown,
                 p->rule->task);
    } else if (p->rule->subtask && !strcmp(p->rule->subtask, "info")) {
        snprintf(p->what, sizeof p->what,
                 "one space and then the name of a pipeline must follow, not '%s'", shown);
    } else {
        snprintf(
            p->what, sizeof p->what,
            "'%s' is not a pipeline: its name has lower-case letters, digits, '-', '_' and '.'",
            shown);
    }
}

static bool is_stage(const char *word, size_t size) {
    const char *app = memchr(word, '/', size);

    return all(word, app ? (size_t)(app - word) : size, is_slug);
}

/* A stage's preposition that did not become part of the command. */
static void complain_stage(struct sw__parsed *p, const char *word, const char *stage, size_t size) {
    const char *usage = sw_grammar_command(p->rule->command)->usage;
    char shown[SW__EXCERPT];

    quote(stage, size, shown);
    if (!strstr(usage, word) || is_stage(stage, size)) {
        snprintf(p->what, sizeof p->what, "'%s %s' cannot stand at this place", word, shown);
    } else if (size == 0) {
        snprintf(p->what, sizeof p->what, "a stage must follow '%s'", word);
    } else {
        snprintf(p->what, sizeof p->what, "'%s' is not a stage", shown);
    }
}

/* All that is required was there, but the line goes on. */
static void complain_rest(struct sw__parsed *p) {
    static const char *const stage_words[] = {"from", "to", "in", "on", NULL};
    const char *end = p->text.start + p->text.size;
    const char *rest = skip_blanks(p->text.start + p->good, end);
    char shown[SW__EXCERPT];
    size_t word;

    while (rest > p->text.start && rest[-1] != ' ') {
        rest--; /* only the end of a word was too much: the whole word is shown */
    }
    word = sw__grammar_word(rest, (size_t)(end - rest));
    for (const char *const *w = stage_words; *w; w++) {
        if (strlen(*w) == word && !memcmp(*w, rest, word)) {
            const char *stage = skip_blanks(rest + word, end);

            complain_stage(p, *w, stage, sw__grammar_word(stage, (size_t)(end - stage)));
            return;
        }
    }
    quote(rest, word, shown);
    if (all(rest, word, is_digit) || (word >= 24 && all(rest, word, is_modhex))) {
        snprintf(
            p->what, sizeof p->what,
            "a one-time code is 6 digits, or 32 to 64 letters of a YubiKey, and ends the line");
    } else {
        snprintf(p->what, sizeof p->what, "'%s' has no meaning at this place", shown);
    }
}

void sw__grammar_complain(struct sw__parsed *p) {
    bool whole = p->rule && p->good > 0;

    if (p->text.size > SW_GRAMMAR_MAX_BYTES) {
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
        snprintf(p->what, sizeof p->what, "the text is not UTF-8");
    }
}
