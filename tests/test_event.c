/* test_event.c -- what an event record must be, and what it becomes. */
#include "common/door.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEY "github/42"
#define NOW_MS 1795000000000LL

static json_t *record(void) {
    return json_pack("{s:i, s:s, s:s, s:s, s:I}", "v", 1, "source", KEY, "type", "push", "event_id",
                     "d-1", "at_ms", (json_int_t)5);
}

static void test_a_record_from_outside_is_refused_with_a_word(void **state) {
    SW_AUTO(sw_text) char *long_id = sw_malloc(102);
    memset(long_id, 'a', 101);
    long_id[101] = '\0';
    const struct {
        const char *name;
        json_t *value;
        const char *word;
    } rows[] = {
        {"v", json_integer(2), "version"},
        {"v", json_string("1"), "version"},
        {"source", json_string("github/43"), "source_is_not_key"},
        {"source", json_null(), "source_is_not_key"},
        {"type", json_string(""), "type"},
        {"type", json_string("a b"), "type"},
        {"event_id", json_integer(7), "event_id"},
        {"event_id", json_string(long_id), "event_id"},
        {"dedupe", json_string("x*"), "dedupe"},
        {"at_ms", json_integer(NOW_MS + 3600001), "at_ms"}, /* it would stay the newest */
        {"at_ms", json_integer(NOW_MS + 3600000), NULL},
        {"more", json_string("is ignored"), NULL},
        {"dedupe", json_string("gh:7:d-1"), NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        SW_AUTO(sw_json) json_t *r = record();
        json_object_set_new(r, rows[i].name, rows[i].value);
        const char *word = sw_event_fault(r, KEY, NOW_MS);
        if (!rows[i].word) assert_null(word);
        if (rows[i].word) assert_string_equal(word, rows[i].word);
    }
    SW_AUTO(sw_json) json_t *list = json_array(), *of_person = record();
    assert_string_equal(sw_event_fault(list, KEY, NOW_MS), "not_an_object");
    json_object_set_new(of_person, "source", json_string("github/user/7"));
    assert_string_equal(sw_event_fault(of_person, "github/user/7", NOW_MS), "source");
}

static void test_one_event_has_one_dedupe_key_of_each_installation(void **state) {
    const struct sw_ctx ctx = {.now_ms = 1795000000000LL, .attempt = 1};
    SW_AUTO(sw_json) json_t *r = record();
    struct sw_append a, b;
    (void)state;
    sw_event_append(&ctx, "notifier", r, "T1", 0, &a);
    json_object_set_new(r, "dedupe", json_string("gh:7:d-1"));
    sw_event_append(&ctx, "notifier", r, "E2", 1, &b);
    assert_string_equal(a.dedupe, "ev:github/42:d-1:T1");
    assert_string_equal(b.dedupe, "gh:7:d-1:E2");
    assert_string_equal(b.m->inst, "E2");
    assert_string_equal(b.m->kind, SW_KIND_EVENT);
    assert_null(json_object_get(b.m->body, "dedupe"));
    assert_true(json_equal(a.m->body, b.m->body));
    assert_string_not_equal(a.m->cmd, b.m->cmd);
    sw_msg_destroy(a.m);
    sw_msg_destroy(b.m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_from_outside_is_refused_with_a_word),
        cmocka_unit_test(test_one_event_has_one_dedupe_key_of_each_installation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
