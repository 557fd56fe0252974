/* test_template_names.c -- what actors say exists: read from their sources. */
#include "actors/blocks.h"
#include "golden.h"
#include "proto/value.h"

#include <dirent.h>
#include <stdio.h>

static char *source_of(const char *name) {
    const char *tests = getenv("SW_TESTS");
    SW_AUTO(sw_text) char *path = sw_printf("%s/../%s", tests ? tests : "tests", name);
    size_t room = 256 * 1024;
    char *text = sw_malloc(room);
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be read", path);
    text[fread(text, 1, room - 1, f)] = 0;
    fclose(f);
    return text;
}

static size_t check_first_lines(const char *operation) {
    const char *id, *when;
    size_t found = 0;
    for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
        if (strcmp(id, operation) != 0) continue;
        SW_AUTO(sw_json) json_t *file = golden(id, when);
        const json_t *data = sw_data_at(file, "in.data"), *blocks = sw_data_at(file, "out.blocks");
        const json_t *elements = json_object_get(json_array_get(blocks, 0), "elements");
        SW_AUTO(sw_text)
        char *first = sw_printf("<@%s> typed `/h %s`", sw_str(data, "user"), sw_str(data, "line"));
        if (strcmp(sw_str(json_array_get(elements, 0), "text"), first) != 0)
            fail_msg("%s, variant %s: its first line is not %s", id, when ? when : "-", first);
        found++;
    }
    return found;
}

/* A kind of plan that acts has a message of its name: executor's report says so. */
static void the_first_line_of_each_operation_says_who_typed_what(void **state) {
    SW_AUTO(sw_text) char *text = source_of("actors/plan_kinds.c");
    size_t kinds = 0;
    (void)state;
    for (char *at = text; (at = strstr(at, ".acts = true")); at++) {
        char name[64] = "";
        for (char *from = text; (from = strstr(from, "{.name = \"")) && from < at; from++)
            sscanf(from, "{.name = \"%63[a-z_]", name);
        if (check_first_lines(name) == 0) fail_msg("no template %s for its operation", name);
        kinds++;
    }
    assert_true(kinds > 0);
}

/* The families are those of the table: what begins like one of them is meant to be in it. Words
 * of `release.` are also fields of an answer, and one of `error.` is OpenTelemetry's. */
static bool is_template(const char *word) {
    const char *id, *when;
    if (strspn(word, "abcdefghijklmnopqrstuvwxyz_.") != strlen(word)) return false;
    if (!strcmp(word, "error.type")) return false;
    if (!strncmp(word, "release.", 8)) return !strncmp(word, "release.notice", 14);
    for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
        const char *dot = strchr(id, '.');
        if (dot && !strncmp(word, id, (size_t)(dot - id) + 1)) return word[dot - id + 1] != 0;
    }
    return false;
}

static bool has_row(const char *word) {
    const char *id, *when;
    for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
        if (!strcmp(id, word)) return true;
    }
    return false;
}

/* The text in quotes number `number` of the call at `at`; false: there is none. */
static bool quoted(const char *at, size_t number, char *into, size_t room) {
    const char *end = at + strcspn(at, ";");
    for (;; number--) {
        const char *from = memchr(at, '"', (size_t)(end - at));
        const char *to = from ? memchr(from + 1, '"', (size_t)(end - from - 1)) : NULL;
        if (!to || (size_t)(to - from) >= room) return false;
        if (number == 0) return snprintf(into, room, "%.*s", (int)(to - from - 1), from + 1) > 0;
        at = to + 1;
    }
}

/* Whoever says something by these names it in the call, or lets the caller do so. */
static size_t check_calls(const char *path, const char *text) {
    static const struct {
        const char *call;
        size_t number;
    } rows[] = {{"sw__plan_fail(p, ", 0},
                {"sw__report_thread(p, ", 0},
                {"sw__plan_reply(p, \"", 1},
                {"sw__auth_reply(a, ", 0},
                {"answer(&t, ", 0}};
    size_t found = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (const char *at = text; (at = strstr(at, rows[i].call)); at++) {
            char word[128];
            if (!quoted(at, rows[i].number, word, sizeof(word))) continue;
            if (strspn(word, "abcdefghijklmnopqrstuvwxyz_.") != strlen(word)) continue;
            if (!has_row(word)) fail_msg("%s: no template %s", path, word);
            found++;
        }
    }
    return found;
}

static size_t check_source(const char *path) {
    SW_AUTO(sw_text) char *text = source_of(path);
    size_t found = check_calls(path, text);
    for (char *at = strchr(text, '"'), *end; at && (end = strpbrk(at + 1, "\"\n"));
         at = strchr(*end == '"' ? end + 1 : end, '"')) {
        char next = *end;
        *end = 0;
        if (is_template(at + 1)) {
            found++;
            if (!has_row(at + 1)) fail_msg("%s: no template %s", path, at + 1);
        }
        *end = next;
    }
    return found;
}

static void every_template_that_an_actor_names_exists(void **state) {
    static const char *const folders[] = {"actors", "common"};
    const char *tests = getenv("SW_TESTS");
    size_t found = 0;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_text) char *folder = sw_printf("%s/../%s", tests ? tests : "tests", folders[i]);
        DIR *dir = opendir(folder);
        struct dirent *entry;
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
            size_t n = strlen(entry->d_name);
            if (n < 3 || strcmp(entry->d_name + n - 2, ".c") != 0) continue;
            /* What these name in quotes are fields of webhooks; they say nothing to anybody. */
            if (!strncmp(entry->d_name, "event_", 6)) continue;
            SW_AUTO(sw_text) char *path = sw_printf("%s/%s", folders[i], entry->d_name);
            found += check_source(path);
        }
        closedir(dir);
    }
    assert_true(found > 60); /* the table and its users */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_of_each_operation_says_who_typed_what),
        cmocka_unit_test(every_template_that_an_actor_names_exists),
    };
    return cmocka_run_group_tests_name("template_names", tests, NULL, NULL);
}
