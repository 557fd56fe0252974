/* subject_commit.c -- what a commit and its tests come to; see subject_ci.c. */
#include "actors/subject_priv.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 6

/* Of a context that is kept in short form only level and letter are known. */
static const char *level_of(const json_t *part) {
    const json_t *value = json_array_get(part, 2);
    return json_is_string(value) ? json_string_value(value) : sw_str(value, "l");
}

static char letter_of(const json_t *part) {
    const json_t *value = json_array_get(part, 2);
    const char *mark = json_string_value(value);
    return mark ? mark[0] ? mark[1] : 0 : sw_str(value, "s")[0];
}

static bool is_more_exact(char level, char than) {
    return (than == 's' && (level == 'w' || level == 'r')) || (than == 'w' && level == 'r') ||
           (than == 'h' && level == 'c');
}

/* Whether runs of the app are known, for which a suite or a workflow run only stands in; a workflow
 * that failed though none of its runs did has a failure of its own. */
static bool is_covered(const json_t *parts, char level, const char *app, char letter) {
    bool covered = false, failed = false;
    const char *unused;
    json_t *other;
    if (level != 's' && level != 'w' && level != 'h') return false;
    json_object_foreach((json_t *)parts, unused, other) {
        if (!is_more_exact(level_of(other)[0], level) ||
            !sw__is(json_array_get(other, 2), "a", app))
            continue;
        covered = true;
        failed = failed || letter_of(other) == 'f';
    }
    return covered && !(level == 'w' && letter == 'f' && !failed);
}

static bool counts(const json_t *parts, const json_t *part) {
    const json_t *value = json_array_get(part, 2);
    char level = level_of(part)[0];
    if (json_is_string(value)) return level == 'c' || level == 'r' || level == 'h';
    return !is_covered(parts, level, sw_str(value, "a"), letter_of(part));
}

struct sums {
    size_t all, running, failed, cancelled, skipped;
    int64_t last_ms;
};

static struct sums sum(const json_t *state) {
    const json_t *parts = json_object_get(state, "part");
    struct sums s = {0};
    const char *unused;
    json_t *part;
    json_object_foreach((json_t *)parts, unused, part) {
        int64_t at_ms = json_integer_value(json_array_get(part, 0));
        char letter = letter_of(part);
        if (!counts(parts, part)) continue;
        s.all++;
        s.running += letter == 'q';
        s.failed += letter == 'f';
        s.cancelled += letter == 'c';
        s.skipped += letter == 'n';
        if (at_ms > s.last_ms) s.last_ms = at_ms;
    }
    return s;
}

/* The one that began to fail first: as long as it does, others that fail as well call nobody again. */
static const json_t *first_failed(const json_t *state, const char **ret_hash) {
    const json_t *parts = json_object_get(state, "part"), *found = NULL;
    const char *hash;
    json_t *part;
    json_object_foreach((json_t *)parts, hash, part) {
        if (letter_of(part) != 'f' || !counts(parts, part)) continue;
        json_int_t at = json_integer_value(json_array_get(part, 0));
        json_int_t best = json_integer_value(json_array_get(found, 0));
        if (found && (at > best || (at == best && strcmp(hash, *ret_hash) > 0))) continue;
        found = part;
        *ret_hash = hash;
    }
    return found;
}

static const char *phase(const json_t *state) {
    struct sums s = sum(state);
    if (s.failed > 0) return s.running > 0 ? "failing" : "failed";
    if (s.running > 0) return "started";
    if (s.cancelled > 0) return "cancelled";
    return s.all > 0 ? "succeeded" : NULL;
}

static const char *state_of(const char *phase) {
    if (!phase || !strcmp(phase, "cancelled")) return "";
    return !strcmp(phase, "failing") ? "failed" : phase;
}

static bool ended(const char *phase) {
    return !phase || (strcmp(phase, "started") != 0 && strcmp(phase, "failing") != 0);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* Names of the contexts with this letter, in order; *ret_more: how many are not named. */
static json_t *names_of(const json_t *state, char letter, size_t all, json_int_t *ret_more) {
    const json_t *parts = json_object_get(state, "part");
    json_t *names[SW__PARTS], *part, *list = json_array();
    const char *unused;
    size_t n = 0;
    json_object_foreach((json_t *)parts, unused, part) {
        json_t *name = json_object_get(json_array_get(part, 2), "n");
        if (name && n < SW__PARTS && letter_of(part) == letter && counts(parts, part))
            names[n++] = name;
    }
    qsort(names, n, sizeof(*names), compare_texts);
    for (size_t i = 0; i < n && i < NAMES_MAX; i++)
        json_array_append(list, names[i]);
    *ret_more = (json_int_t)(all - json_array_size(list));
    return list;
}

static void put_names(const json_t *state, json_t *data, const char *key, char letter, size_t all) {
    SW_AUTO(sw_text) char *more_key = sw_printf("%s_more", key);
    json_int_t more;
    json_t *list = names_of(state, letter, all, &more);
    sw__put(data, key, list);
    if (more > 0) sw__put(data, more_key, json_integer(more));
}

static void show_failure(const json_t *state, json_t *data) {
    const char *hash;
    const json_t *first = json_array_get(first_failed(state, &hash), 2);
    sw__put(data, "name", json_incref(json_object_get(first, "n")));
    sw__put(data, "details", json_incref(json_object_get(first, "u")));
}

static void show_push(const json_t *state, json_t *data) {
    const json_t *push = sw__reg(state, "push");
    json_object_update(data, (json_t *)push);
    if (!push) {
        sw__put(data, "branch", json_incref((json_t *)sw__reg(state, "branch")));
        sw__put(data, "message", json_incref((json_t *)sw__reg(state, "message")));
    } else if (sw_int(push, "count") > 1) {
        sw__put(data, "several", json_true());
    }
    if (!json_object_get(data, "url") && sw_str(sw__reg(state, "repo"), "url")[0])
        sw__put(data, "url",
                json_sprintf("%s/commit/%s", sw_str(sw__reg(state, "repo"), "url"),
                             json_string_value(sw__reg(state, "sha"))));
}

static void show(const json_t *state, const char *phase, const json_t *pipeline, json_t *data) {
    struct sums s = sum(state);
    const char *sha = json_string_value(sw__reg(state, "sha"));
    const char *repo = sw_str(sw__reg(state, "repo"), "name");
    if (!repo[0]) repo = sw_str(json_object_get(pipeline, "repo"), "name");
    if (!repo[0]) repo = sw_str(json_object_get(pipeline, "pipeline"), "name");
    if (repo[0]) sw__put(data, "repo", json_string(repo));
    sw__put(data, "sha", json_sprintf("%.7s", sha ? sha : ""));
    show_push(state, data);
    if (s.all == 0) return;
    sw__put(data, "all", json_integer((json_int_t)s.all));
    sw__put(data, "done", json_integer((json_int_t)(s.all - s.running)));
    if (s.all > 1) sw__put(data, "many", json_true());
    if (s.skipped > 0) sw__put(data, "skipped", json_integer((json_int_t)s.skipped));
    if (s.running > 0) put_names(state, data, "running", 'q', s.running);
    if (s.failed > 0) put_names(state, data, "failing", 'f', s.failed);
    if (s.failed == 0 && s.cancelled > 0) put_names(state, data, "failing", 'c', s.cancelled);
    if (s.failed > 0) show_failure(state, data);
    int64_t first_ms = json_integer_value(json_object_get(state, "first"));
    if (s.running == 0 && phase && s.last_ms > first_ms)
        sw__put(data, "took_ms", json_integer(s.last_ms - first_ms));
}

static char *alarm(const json_t *state) {
    const char *hash;
    const json_t *first = first_failed(state, &hash);
    if (!first) return NULL;
    return sw_printf("ci/%s/%lld", hash, (long long)json_integer_value(json_array_get(first, 0)));
}

static bool hides(const json_t *state, const json_t *line) {
    const json_t *args = json_array_get(line, 3), *word = json_array_get(line, 2);
    bool failed = !strcmp(json_string_value(word), "ci_failed");
    return is_covered(json_object_get(state, "part"), sw_str(args, "l")[0], sw_str(args, "a"),
                      failed ? 'f' : 0);
}

const struct sw__view sw__view_commit = {.kind = "commit",
                                         .phase = phase,
                                         .state = state_of,
                                         .ended = ended,
                                         .show = show,
                                         .alarm = alarm,
                                         .hides = hides};
