/* event_tree.h -- payloads for tables: a good one, with one of its leaves changed, and secrets where nobody looks.
 *
 * shapes   a path is names joined by dots; leaf 0 is the first in the order of json_object_foreach, depth first
 * units    none
 * errors   tree_leaf: NULL beyond the last
 * owner    the caller owns what tree_with returns
 * source   actors/event.h
 * limits   200 bytes a path
 */
#ifndef SW_TESTS_EVENT_TREE_H
#define SW_TESTS_EVENT_TREE_H

#include "actors/event.h"
#include "common/mem.h"
#include "proto/value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TREE_NOW 1795000000000LL
#define TREE_PLANTED "planted-5ecret"

static inline json_t *tree_load(const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    if (!value) fail_msg("%s at %d: %s", error.text, error.position, text);
    return value;
}

/* JSON is easier to read with its quotes as apostrophes, and line ends in its texts as they are; the caller frees. */
static inline char *tree_json(const char *text) {
    char *json = sw_zalloc(2 * strlen(text) + 1);
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '\n') json[n++] = '\\';
        json[n++] = *text == '\'' ? '"' : *text == '\n' ? 'n' : *text;
    }
    return json;
}

/* Sets what is at `path` to a copy of `value`; NULL takes it away. */
static inline void tree_set(json_t *at, const char *path, const json_t *value) {
    char name[64];
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
        at = json_object_get(at, name);
    }
    if (value) {
        json_object_set_new(at, path, json_deep_copy(value));
    } else {
        json_object_del(at, path);
    }
}

static inline const json_t *tree_at(const json_t *at, const char *path) {
    char name[64];
    while (at && *path) {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        at = json_object_get(at, name);
        path += size + (path[size] == '.');
    }
    return at;
}

/* The path of leaf number *left, which becomes 0 when it is found. */
static inline bool tree_leaf(const json_t *value, size_t *left, char path[200]) {
    const char *key;
    json_t *inner;
    size_t end = strlen(path);
    json_object_foreach((json_t *)value, key, inner) {
        snprintf(path + end, 200 - end, "%s%s", end ? "." : "", key);
        if (json_object_size(inner) > 0 ? tree_leaf(inner, left, path) : (*left)-- == 0)
            return true;
        path[end] = '\0';
    }
    return false;
}

/* In each object that there is, fields as GitHub and Heroku have them whose values let somebody in. */
static inline void tree_plant(json_t *value) {
    static const char *const names[] = {"output_stream_url", "clone_url", "git_url",  "token",
                                        "archive_url",       "password",  "config",   "env",
                                        "access_token",      "secret",    "email_at", "url_signed"};
    const char *key;
    json_t *inner;
    size_t i;
    json_object_foreach(value, key, inner) tree_plant(inner);
    json_array_foreach(value, i, inner) tree_plant(inner);
    if (!json_is_object(value)) return;
    for (i = 0; i < sizeof(names) / sizeof(*names); i++)
        json_object_set_new(
            value, names[i],
            json_string("https://x:" TREE_PLANTED "@example.com/?X-Amz-Signature=" TREE_PLANTED));
}

static inline void tree_assert_clean(const json_t *record) {
    SW_AUTO(sw_text) char *text = json_dumps(record, 0);
    if (strstr(text, TREE_PLANTED)) fail_msg("a secret goes on: %s", text);
}

/* Values that no leaf should have. */
static inline json_t *tree_hostile(size_t number) {
    static const char *const rows[] = {
        "null",
        "[]",
        "{}",
        "[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}",
        "true",
        "-1",
        "9223372036854775807",
        "1.5e300",
        "\"\"",
        "\"\\u0001\\u001f\\n\\r\\t\"",
        "\"../../etc\"",
        "\"https://u:p@example.com/\"",
        "\"https://example.com/?X-Amz-Signature=1\"",
        "\"<!channel> *bold* `code`\"",
        "\"\\ud83d\\ude80\\u2028\\u202e\"",
        "\"0000000000000000000000000000000000000000\"",
    };
    if (number < sizeof(rows) / sizeof(*rows))
        return json_loads(rows[number], JSON_DECODE_ANY, NULL);
    if (number > sizeof(rows) / sizeof(*rows)) return NULL;
    char *huge = sw_zalloc(300001);
    for (size_t i = 0; i < 300000; i += 3)
        memcpy(huge + i, "\xe2\x82\xac", 3);
    json_t *value = json_string(huge);
    free(huge);
    return value;
}

/* What a table says of one type. `make` gives the record of a payload as event.h does; `musts` are paths joined by a space. */
typedef int tree_make(const char *name, const json_t *payload, json_t **ret);

static inline bool tree_is_must(const char *musts, const char *path) {
    size_t size = strlen(path);
    for (const char *at = musts; (at = strstr(at, path)); at++) {
        if ((at == musts || at[-1] == ' ') && (!at[size] || at[size] == ' ')) return true;
    }
    return false;
}

/* Exactly these fields; planted secrets change nothing; without what it must have there is none, without all else there is; and
 * whatever stands in a field, it is a record that fits, or none. */
static inline void tree_check(const char *name, const char *text, const char *want,
                              const char *musts, tree_make *make) {
    SW_AUTO(sw_json) json_t *good = tree_load(text), *wanted = tree_load(want), *record = NULL;
    assert_int_equal(make(name, good, &record), 0);
    SW_AUTO(sw_text) char *got = json_dumps(record, JSON_INDENT(1));
    if (!json_equal(record, wanted)) fail_msg("%s: %s", name, got);
    SW_AUTO(sw_json) json_t *planted = json_deep_copy(good), *clean = NULL;
    tree_plant(planted);
    assert_int_equal(make(name, planted, &clean), 0);
    tree_assert_clean(clean);
    assert_true(json_equal(clean, wanted));
    for (size_t leaf = 0;; leaf++) {
        char path[200] = "";
        size_t left = leaf;
        if (!tree_leaf(good, &left, path)) break;
        for (size_t n = 0;; n++) {
            SW_AUTO(sw_json) json_t *bad = json_deep_copy(good), *value = NULL, *out = NULL;
            if (n > 0 && !(value = tree_hostile(n - 1))) break;
            tree_set(bad, path, value);
            int r = make(name, bad, &out);
            if (r != 0 && r != -EBADMSG && r != -ENOENT) fail_msg("%s: %s gave %d", name, path, r);
            if (n == 0 && tree_is_must(musts, path) == (r == 0))
                fail_msg("%s: without %s it gave %d", name, path, r);
            if (r != 0) {
                assert_null(out);
                continue;
            }
            assert_true(json_dumpb(out, NULL, 0, JSON_COMPACT) <= SW_EVENT_BYTES);
            assert_null(sw_event_fault(out, sw_str(out, "source"), INT64_MAX / 2));
        }
    }
}

#endif
