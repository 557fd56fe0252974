/* story_step.c -- from words to steps, and from steps to a tree; see story_read.h. */
#include "common/mem.h"
#include "common/story_read.h"
#include "proto/value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define WORDS_MAX 160
#define ID_TIME_CHARS 10

int sw_story_since(const char *begin, int64_t *ret_ms) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    int64_t ms = 0;
    size_t size = strlen(begin);
    if (size == 0 || strspn(begin, digits) != size) return -EINVAL;
    for (size_t i = 0; i < ID_TIME_CHARS; i++) {
        const char *digit = i < size ? strchr(digits, begin[i]) : digits;
        ms = ms * 32 + (digit - digits);
    }
    *ret_ms = ms;
    return 0;
}

static void append(json_t *step, const char *list, json_t *value) {
    json_t *all = json_object_get(step, list);
    if (!all) json_object_set_new(step, list, all = json_array());
    json_array_append_new(all, value);
}

static json_t *number(const char *text) {
    return json_integer(strtoll(text, NULL, 10));
}

/* "-" stands for nothing. */
static json_t *word(const char *text) {
    return json_string(strcmp(text, "-") != 0 ? text : "");
}

static void take_cause(json_t *step, char *mark) {
    char *text = mark + 1, *value = strchr(text, '=');
    if (value && strchr("frR", *mark)) *value++ = 0;
    switch (*mark) {
    case 'f':
        append(step, "effects", json_sprintf("%s.0.%s", sw_str(step, "entry"), text));
        break;
    case 't':
        append(step, "timers", number(text));
        break;
    case 'a':
        append(step, "audit", word(text));
        break;
    case 'r':
    case 'R':
        append(step, "answers",
               json_pack("{s:s, s:s, s:b}", "to", text, "template", value ? value : "", "final",
                         *mark == 'R'));
        break;
    case 'p':
        json_object_set_new(step, "page", number(text));
        break;
    case 'x':
        json_object_set_new(step, "dead", word(text));
        break;
    case 's':
        append(step, "sent", json_string(text));
        break;
    default:
        break; /* of a later version */
    }
}

static json_t *message_step(char **w, size_t n) {
    json_t *step =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "step", "message",
                  "command", w[1], "installation", w[2], "actor", w[3], "kind", w[4], "entry", w[5],
                  "born_ms", number(w[6]), "handled_ms", number(w[7]), "took_us", number(w[8]),
                  "try", number(w[9]), "process", w[10]);
    for (size_t i = 11; step && i < n; i++)
        take_cause(step, w[i]);
    return step;
}

static json_t *effect_step(char **w, size_t n) {
    json_t *step =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:b}",
                  "step", "effect", "command", w[1], "installation", w[2], "actor", w[3], "effect",
                  w[4], "upstream", w[5], "method", word(w[6]), "path", word(w[7]), "outcome", w[8],
                  "status", number(w[9]), "tries", number(w[10]), "began_ms", number(w[11]),
                  "took_ms", number(w[12]), "process", w[13], "once", !strcmp(w[14], "once"));
    if (step)
        json_object_set_new(step, "cause",
                            json_sprintf("%s=%.*s", w[3], (int)strcspn(w[4], "."), w[4]));
    for (size_t i = 15; step && i < n; i++)
        take_cause(step, w[i]);
    return step;
}

json_t *sw_story_step(const char *words, int64_t at_ms) {
    SW_AUTO(sw_text) char *copy = sw_strdup(words);
    char *w[WORDS_MAX], *rest = copy;
    size_t n = 0;
    while (n < WORDS_MAX && rest)
        w[n++] = strsep(&rest, " ");
    json_t *step = n >= 11 && !strcmp(w[0], "h")   ? message_step(w, n)
                   : n >= 15 && !strcmp(w[0], "e") ? effect_step(w, n)
                                                   : NULL;
    if (step) json_object_set_new(step, "at_ms", json_integer(at_ms));
    return step;
}

/* ---- what caused what ---- */

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), n = strlen(end);
    return size >= n && !strcmp(text + size - n, end);
}

static bool sent(const json_t *step, const char *what) {
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(step, "sent"), i, one) {
        if (!strcmp(json_string_value(one), what)) return true;
    }
    return false;
}

/* Each actor counts its own entries, so its name belongs to theirs. */
static json_t *name_of(const json_t *step) {
    const char *effect = sw_str(step, "effect");
    return json_sprintf("%s=%s", sw_str(step, "actor"), effect[0] ? effect : sw_str(step, "entry"));
}

/* The step before number `n` that sent its message; of a timer the newest of its actor that armed one. */
static const json_t *sender(const json_t *steps, size_t n) {
    const json_t *step = json_array_get(steps, n), *earlier;
    bool timer = ends_with(sw_str(step, "kind"), ".timer.v1");
    SW_AUTO(sw_text) char *what = sw_printf("%s=%s", sw_str(step, "actor"), sw_str(step, "entry"));
    for (size_t i = n; i-- > 0;) {
        earlier = json_array_get(steps, i);
        if (sent(earlier, what)) return earlier;
        if (timer && json_object_get(earlier, "timers") &&
            !strcmp(sw_str(earlier, "actor"), sw_str(step, "actor")))
            return earlier;
    }
    return NULL;
}

static bool comes_in(const char *kind) {
    return !strcmp(kind, "slash.v1") || !strcmp(kind, "web.v1") || !strcmp(kind, "event.v1");
}

static void join(json_t *steps, size_t n) {
    json_t *step = json_array_get(steps, n);
    const char *kind = sw_str(step, "kind");
    bool timer = ends_with(kind, ".timer.v1");
    const json_t *by = sender(steps, n);
    int64_t since_ms = by && !timer ? sw_int(by, "at_ms") : 0;
    if (by) {
        json_object_set_new(step, "cause", name_of(by));
    } else if (comes_in(kind)) {
        json_object_set_new(step, "cause", json_string("door"));
        since_ms = sw_int(step, "born_ms");
    } else {
        json_object_set_new(step, "cause", json_string(timer ? "timer" : "unknown"));
    }
    if (since_ms) { /* clocks of several machines: a little before is at once */
        int64_t waited_ms = sw_int(step, "handled_ms") - since_ms;
        json_object_set_new(step, "waited_ms", json_integer(waited_ms > 0 ? waited_ms : 0));
    }
}

void sw_story_join(json_t *steps) {
    for (size_t n = 0; n < json_array_size(steps); n++) {
        if (!strcmp(sw_str(json_array_get(steps, n), "step"), "message")) join(steps, n);
    }
}

/* ---- how it ended ---- */

static bool tells_end(const json_t *step) {
    size_t i;
    const json_t *answer;
    json_array_foreach(json_object_get(step, "answers"), i, answer) {
        if (json_is_true(json_object_get(answer, "final"))) return true;
    }
    return false;
}

static const char *operator_of(const json_t *entry) {
    return sw_str(json_object_get(entry, "who"), "operator");
}

/* When an operator made one of its letters owed again, the last time; 0 never. */
static int64_t retried_ms(const json_t *story) {
    static const char retry[] = "slipway dead retry ";
    int64_t at_ms = 0;
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(story, "audit"), i, entry) {
        bool is = operator_of(entry)[0] && !strncmp(sw_str(entry, "line"), retry, strlen(retry));
        if (is && sw_int(entry, "at_ms") > at_ms) at_ms = sw_int(entry, "at_ms");
    }
    return at_ms;
}

json_t *sw_story_ended(const json_t *story) {
    const char *how = NULL, *dead = NULL;
    int64_t at_ms = 0, mended_ms = retried_ms(story);
    size_t i;
    const json_t *step, *entry;
    json_array_foreach(json_object_get(story, "steps"), i, step) {
        const char *why = sw_str(step, "dead");
        if (why[0] && sw_int(step, "at_ms") <= mended_ms) continue;
        bool page = json_object_get(step, "page") && sw_int(step, "page") < 400;
        if (why[0]) dead = why;
        if (!why[0] && !tells_end(step) && !page) continue;
        how = page ? "page" : "answered";
        at_ms = sw_int(step, "at_ms");
    }
    json_array_foreach(json_object_get(story, "audit"), i, entry) {
        const char *outcome = sw_str(entry, "outcome");
        if (operator_of(entry)[0]) continue; /* what was done with its letters */
        if (outcome[0] && strcmp(outcome, "asked") != 0 && how) how = outcome;
    }
    if (dead) how = "dead letter";
    bool owed = json_array_size(json_object_get(story, "owed")) > 0;
    if (!how && !owed && json_array_size(json_object_get(story, "steps"))) {
        how = "without an answer";
        step = json_array_get(json_object_get(story, "steps"),
                              json_array_size(json_object_get(story, "steps")) - 1);
        at_ms = sw_int(step, "at_ms");
    }
    if (!how) return json_null();
    return json_pack("{s:s, s:I}", "how", how, "after_ms",
                     (json_int_t)(at_ms - sw_int(story, "born_ms")));
}
