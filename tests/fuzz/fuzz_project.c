/* fuzz_project.c -- any bytes as the payload of each type of webhook: what goes on is a record that fits, the same each time.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_project.c \
 *       build-clang-asan/{actors/libactors.a,common/libcommon.a,proto/libproto.a} LIBRARIES -o fuzz && \
 *       ./fuzz -max_len=20000 tests/fuzz/corpus/project */
#include "actors/event.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS 1795000000000LL
#define TEXT_BYTES 1000
#define DEPTH 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_project: %s\n", what);
    abort();
}

static void check_value(const json_t *value, unsigned depth) {
    const char *key, *text = json_string_value(value);
    json_t *inner;
    size_t i;
    check(depth <= DEPTH, "it is deep");
    json_object_foreach((json_t *)value, key, inner) check_value(inner, depth + 1);
    json_array_foreach((json_t *)value, i, inner) check_value(inner, depth + 1);
    check(json_array_size(value) <= 10, "a long list");
    if (!text) return;
    check(*text && strlen(text) <= TEXT_BYTES, "an empty or a long text");
    check(strlen(text) == json_string_length(value), "a text with an end in it");
}

static void check_record(int r, const json_t *record, int again, const json_t *same) {
    check(r == again && json_equal(record, same) == (record != NULL),
          "another one the second time");
    if (!record) return;
    check(json_dumpb(record, NULL, 0, JSON_COMPACT) <= SW_EVENT_BYTES, "it does not fit");
    check(!sw_event_fault(record, sw_str(record, "source"), INT64_MAX / 2),
          "the stream does not take it");
    check_value(record, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {
        "push",       "pull_request",      "status",  "check_run", "check_suite", "workflow_run",
        "deployment", "deployment_status", "release", "create",    "delete",      "repository"};
    SW_AUTO(sw_json)
    json_t *payload =
        json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!json_is_object(payload)) return 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        SW_AUTO(sw_json) json_t *record = NULL, *same = NULL;
        int r = sw_event_github(payload, types[i], "5117", "d-1", NOW_MS, &record);
        int again = sw_event_github(payload, types[i], "5117", "d-1", NOW_MS, &same);
        check_record(r, record, again, same);
    }
    SW_AUTO(sw_json) json_t *record = NULL, *same = NULL;
    int r = sw_event_heroku(payload, NOW_MS, &record);
    int again = sw_event_heroku(payload, NOW_MS, &same);
    check_record(r, record, again, same);
    return 0;
}
