/* subject_join.c -- values whose join does not depend on the order of arrival; see subject_priv.h. */
#include "actors/subject_priv.h"

#include <stdio.h>
#include <string.h>

static json_t *part_of(json_t *state, const char *name) {
    json_t *part = json_object_get(state, name);
    if (part) return part;
    part = !strcmp(name, "line") || !strcmp(name, "seen") ? json_array() : json_object();
    json_object_set_new(state, name, part);
    return part;
}

/* Any order will do, if it is always the same one. */
static int compare_values(const json_t *a, const json_t *b) {
    if (json_equal((json_t *)a, (json_t *)b)) return 0;
    SW_AUTO(sw_text) char *x = json_dumps(a, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_COMPACT);
    SW_AUTO(sw_text) char *y = json_dumps(b, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_COMPACT);
    return strcmp(x ? x : "", y ? y : "");
}

static int compare_ints(json_int_t a, json_int_t b) {
    return a < b ? -1 : a > b;
}

/* [at_ms, rank, ...]: the newer, of those of one time what is further, then any. */
static int compare(const json_t *a, const json_t *b) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < 2; i++)
        r = compare_ints(json_integer_value(json_array_get(a, i)),
                         json_integer_value(json_array_get(b, i)));
    for (size_t i = 2; r == 0 && i < json_array_size(a); i++)
        r = compare_values(json_array_get(a, i), json_array_get(b, i));
    return r;
}

static void set_newest(json_t *all, const char *name, json_t *entry) {
    const json_t *old = json_object_get(all, name);
    if (!old || compare(entry, old) > 0)
        json_object_set_new(all, name, entry);
    else
        json_decref(entry);
}

void sw__fold_reg(json_t *state, const char *name, int64_t at_ms, int64_t rank, json_t *value) {
    if (value)
        set_newest(part_of(state, "reg"), name,
                   json_pack("[I, I, o]", (json_int_t)at_ms, (json_int_t)rank, value));
}

void sw__fold_first(json_t *state, int64_t at_ms) {
    json_t *first = json_object_get(state, "first");
    if (!first || at_ms < json_integer_value(first))
        json_object_set_new(state, "first", json_integer(at_ms));
}

/* ---- parts ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The set of names only grows, so that a name which is not among the first will never be again. */
static void cut_parts(json_t *parts) {
    size_t count = json_object_size(parts), i = 0;
    const char *name;
    json_t *entry;
    if (count <= SW__PARTS) return;
    char(*names)[24] = sw_malloc(count * sizeof(*names));
    const char **sorted = sw_malloc(count * sizeof(*sorted));
    json_object_foreach(parts, name, entry) {
        snprintf(names[i], sizeof(*names), "%s", name);
        sorted[i] = names[i];
        i++;
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (i = SW__PARTS; i < count; i++) {
        json_t *value = json_array_get(json_object_get(parts, sorted[i]), 2);
        if (i >= SW__PARTS + SW__SHORT)
            json_object_del(parts, sorted[i]);
        else if (json_is_object(value))
            json_array_set_new(json_object_get(parts, sorted[i]), 2,
                               json_sprintf("%.1s%.1s", sw_str(value, "l"), sw_str(value, "s")));
    }
    free(sorted);
    free(names);
}

void sw__fold_part(json_t *state, const char *name, int64_t at_ms, int64_t rank, json_t *value) {
    json_t *parts = part_of(state, "part");
    char hash[24];
    snprintf(hash, sizeof(hash), "%010llx", (unsigned long long)(sw__hash(name) & 0xffffffffffULL));
    const json_t *old = json_object_get(parts, hash);
    /* Of two of one time and rank the value decides, and a short one has nothing to compare. */
    if (json_is_string(json_array_get(old, 2))) {
        json_t *mark = json_sprintf("%.1s%.1s", sw_str(value, "l"), sw_str(value, "s"));
        json_decref(value);
        value = mark;
    }
    set_newest(parts, hash, json_pack("[I, I, o]", (json_int_t)at_ms, (json_int_t)rank, value));
    cut_parts(parts);
}

/* ---- times ---- */

/* Puts a number into a list in ascending order, once. */
static void put_number(json_t *list, json_int_t number) {
    size_t i = json_array_size(list);
    while (i > 0 && json_integer_value(json_array_get(list, i - 1)) > number)
        i--;
    if (i > 0 && json_integer_value(json_array_get(list, i - 1)) == number) return;
    json_array_insert_new(list, i, json_integer(number));
}

void sw__fold_time(json_t *state, const char *name, int64_t at_ms) {
    json_t *sets = part_of(state, "set"), *times = json_object_get(sets, name);
    const char *key, *last = NULL;
    json_t *unused;
    if (!times) {
        times = json_array();
        json_object_set_new(sets, name, times);
    }
    put_number(times, at_ms);
    if (json_array_size(times) > SW__TIMES) json_array_remove(times, 0);
    if (json_object_size(sets) <= SW__DYNOS) return;
    json_object_foreach(sets, key, unused) {
        if (!last || strcmp(key, last) > 0) last = key;
    }
    SW_AUTO(sw_text) char *copy = sw_strdup(last);
    json_object_del(sets, copy);
}

/* ---- lines ---- */

static json_int_t hash_of(const json_t *line) {
    SW_AUTO(sw_text) char *text = json_dumps(line, JSON_SORT_KEYS | JSON_COMPACT);
    return (json_int_t)(sw__hash(text ? text : "") & 0x7fffffff);
}

/* The smallest hashes of all lines there ever were: as long as they are few, their number. */
static void count_line(json_t *seen, const json_t *line) {
    put_number(seen, hash_of(line));
    if (json_array_size(seen) > SW__SEEN) json_array_remove(seen, SW__SEEN);
}

static void cut_lines(json_t *state, json_t *lines, const json_t *line) {
    json_t *one;
    size_t i;
    if (json_array_size(lines) <= SW__LINES) return;
    bool first = !json_object_get(state, "seen");
    json_t *seen = part_of(state, "seen");
    if (first) {
        json_array_foreach(lines, i, one) {
            count_line(seen, one);
        }
    }
    count_line(seen, line);
    json_array_remove(lines, SW__LINES_FIRST);
}

void sw__fold_line(json_t *state, int64_t at_ms, int64_t rank, const char *word, json_t *args) {
    json_t *lines = part_of(state, "line");
    SW_AUTO(sw_json)
    json_t *line = json_pack("[I, I, s, o]", (json_int_t)at_ms, (json_int_t)rank, word, args);
    size_t i = json_array_size(lines);
    int r = 1;
    while (i > 0 && (r = compare(json_array_get(lines, i - 1), line)) > 0)
        i--;
    if (i > 0 && r == 0) return;
    json_array_insert(lines, i, line);
    cut_lines(state, lines, line);
}

/* ---- reading ---- */

const json_t *sw__reg(const json_t *state, const char *name) {
    return json_array_get(json_object_get(json_object_get(state, "reg"), name), 2);
}

int64_t sw__reg_at(const json_t *state, const char *name) {
    return json_integer_value(
        json_array_get(json_object_get(json_object_get(state, "reg"), name), 0));
}
