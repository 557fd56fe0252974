/* notifier_filter.c -- what a route lets through; see notifier_priv.h. */
#include "actors/notifier_priv.h"

/* The bytes of the character at `text`. */
static size_t char_bytes(const char *text) {
    size_t n = 1;
    while (((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Only the last `*` can take more: what stands before it has found the earliest place there is. So no pattern takes more
 * than its length times that of the text. */
static bool is_like(const char *pattern, const char *text) {
    const char *star = NULL, *after = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            after = text;
        } else if (*pattern == '?') {
            pattern++;
            text += char_bytes(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++after;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* No list: anything. */
static bool lets(const json_t *route, const char *key, const char *word) {
    const json_t *list = json_object_get(route, key);
    return json_array_size(list) == 0 || sw_list_has(list, word);
}

/* Stage and branch hold always, but an event that does not know its own goes with what is shown already. The words do
 * not: what was shown as failed must not stay so, and all of a subject is one message. */
const char *sw__filter_refuses(const json_t *route, const struct sw_subject_facts *facts,
                               const char *state, bool shown) {
    const char *branch = sw_str(route, "branch");
    if (!lets(route, "stages", facts->stage) && (facts->stage[0] || !shown)) return "stages";
    if (branch[0] && !(shown && !facts->branch[0]) &&
        (!facts->branch[0] || !is_like(branch, facts->branch)))
        return "branch";
    if (shown) return NULL;
    if (!lets(route, "only", facts->word)) return "only";
    return lets(route, "states", state) ? NULL : "states";
}
