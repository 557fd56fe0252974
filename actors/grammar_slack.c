/* grammar_slack.c -- undoes what Slack and keyboards make of a text before a program gets it; see grammar.h.
 *
 * One pass: what was written is not read again, and what was looked at for the end of a mention is either replaced
 * or copied as a whole. Nothing grows by it. */
#include "actors/grammar_priv.h"

#include <string.h>

#define SCHEME_BYTES 20

struct look { /* a text as it is in Slack or typed, and what it stands for */
    const char *from, *to;
};

static const struct look looks[] = {
    {"&amp;", "&"},         {"&lt;", "<"},          {"&gt;", ">"},
    {"\xe2\x80\x98", "'"}, /* U+2018 to U+201B: single quotes */
    {"\xe2\x80\x99", "'"},  {"\xe2\x80\x9a", "'"},  {"\xe2\x80\x9b", "'"},
    {"\xe2\x80\x9c", "\""}, /* U+201C to U+201F: double quotes */
    {"\xe2\x80\x9d", "\""}, {"\xe2\x80\x9e", "\""}, {"\xe2\x80\x9f", "\""},
    {"\xe2\x80\x90", "-"}, /* U+2010 to U+2015: hyphens and dashes */
    {"\xe2\x80\x91", "-"},  {"\xe2\x80\x92", "-"},  {"\xe2\x80\x93", "-"},
    {"\xe2\x80\x94", "-"},  {"\xe2\x80\x95", "-"},  {"\xe2\x88\x92", "-"}, /* U+2212: minus */
};

static bool starts(const char *text, size_t size, const char *with) {
    return size >= strlen(with) && !memcmp(text, with, strlen(with));
}

/* Copies without entities and typography, at most `size` bytes. A channel that was typed as Slack
 * writes one stays as Slack escaped it: only Slack says which channels somebody may name. */
static size_t plain(const char *text, size_t size, char *out) {
    size_t used = 0;

    for (size_t at = 0; at < size;) {
        const struct look *l = NULL;

        if (text[at] == '&' || (unsigned char)text[at] == 0xe2) {
            for (size_t i = 0; i < sizeof looks / sizeof *looks && !l; i++) {
                l = starts(text + at, size - at, looks[i].from) ? &looks[i] : NULL;
            }
            if (starts(text + at, size - at, "&lt;#")) l = NULL;
        }
        out[used++] = l ? *l->to : text[at];
        at += l ? strlen(l->from) : 1;
    }
    return used;
}

/* "https:", "mailto:": is it a link? */
static bool is_link(const char *text, size_t size) {
    size_t n = 0;

    while (n < size && n < SCHEME_BYTES && text[n] >= 'a' && text[n] <= 'z') {
        n++;
    }
    return n > 0 && n < size && text[n] == ':';
}

/* What stands between < and >: its text replaces it, if that is a mention or a link. */
static bool mention(const char *text, size_t size, char *out, size_t *used) {
    const char *bar = memchr(text, '|', size);
    size_t named = bar ? (size_t)(bar - text) : size;
    bool sigil = size > 1 && (text[0] == '@' || text[0] == '!');
    struct sw__span shown = {text + (sigil ? 1 : 0), named - (sigil ? 1 : 0)};

    if (!sigil && !is_link(text, named)) return false;
    if (bar && named + 1 < size) {
        shown = (struct sw__span){bar + 1, size - named - 1};
    }
    if (shown.size > 0 && shown.start[0] == '#' && *used > 0 && out[*used - 1] == '<') return false;
    if (sigil && (shown.size == 0 || shown.start[0] != '@')) {
        out[(*used)++] = '@';
    }
    *used += plain(shown.start, shown.size, out + *used);
    return true;
}

size_t sw__grammar_channel(const char *text, size_t size, struct sw__span *ret_name) {
    size_t id = 2, end;

    if (!starts(text, size, "<#")) return 0;
    while (id < size &&
           ((text[id] >= '0' && text[id] <= '9') || (text[id] >= 'A' && text[id] <= 'Z'))) {
        id++;
    }
    if (id == 2 || id == size || (text[id] != '|' && text[id] != '>')) return 0;
    for (end = id; end < size && text[end] != '>' && (end == id || text[end] != '<'); end++) {
    }
    if (end == size || text[end] != '>') return 0;
    *ret_name = end > id + 1 ? (struct sw__span){text + id + 1, end - id - 1}
                             : (struct sw__span){text + 2, id - 2};
    return end + 1;
}

size_t sw__grammar_normal(const char *text, size_t size, char *out) {
    size_t used = 0;

    for (size_t at = 0; at < size;) {
        size_t end = at + 1;

        if (text[at] == '<') {
            struct sw__span name;

            while (end < size && text[end] != '<' && text[end] != '>') {
                end++;
            }
            if (end < size && text[end] == '>' &&
                (sw__grammar_channel(text + at, end + 1 - at, &name) == 0) &&
                mention(text + at + 1, end - at - 1, out, &used)) {
                at = end + 1;
                continue;
            }
        } else {
            while (end < size && text[end] != '<') {
                end++;
            }
        }
        used += plain(text + at, end - at, out + used);
        at = end;
    }
    return used;
}
