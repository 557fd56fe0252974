/* test_key_use.c -- which keys a value names, whatever else stands in it. */
#include "common/key_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A "0123abcd"
#define B "ffffffff"

static void each_key_is_counted_by_where_it_is_named(void **state) {
    (void)state;
    static const struct {
        enum sw_key_where where;
        const char *value;
        size_t rows, owed, values, letters; /* of A */
        size_t others;
    } rows[] = {
        {SW_KEY_IN_STATE, "{\"row\":\"2." A ".AAAA\"}", 1, 0, 0, 0, 0},
        {SW_KEY_IN_STATE, "x2." A ".AAAA", 1, 0, 0, 0, 0}, /* whatever byte says the length */
        {SW_KEY_IN_STATE, "2." A ".AAAA 2." A ".BBBB", 2, 0, 0, 0, 0},
        {SW_KEY_IN_STATE, "2." A ".AAAA 2." B ".BBBB", 1, 0, 0, 0, 1},
        {SW_KEY_IN_STATE, "2.auth." A ".executor." B ".AAAA", 0, 0, 1, 0, 1},
        {SW_KEY_IN_STATE, "2.auth." B ".executor." A ".AAAA", 0, 0, 1, 0, 1},
        {SW_KEY_IN_STATE, "2.auth." A ".auth." A ".AAAA 2.auth." A ".auth." A ".A", 0, 0, 1, 0, 0},
        {SW_KEY_OWED, "2.auth." A ".auth." A ".AAAA 2.auth." A ".auth." A ".A", 0, 1, 0, 0, 0},
        {SW_KEY_OWED, "2." A ".AAAA", 0, 1, 0, 0, 0},
        {SW_KEY_DEAD, "2.parser." A ".auth." B ".AAAA", 0, 0, 0, 1, 1},
        /* What only looks like it. */
        {SW_KEY_OWED, "v." A ".AAAA", 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "." A ".", 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "nobody." A ".auth", 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "2." A, 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "2.0123ABCD.", 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "2.0123abcde.", 0, 0, 0, 0, 0},
        {SW_KEY_OWED, "", 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_key_uses uses = {0};
        const struct sw_key_use *use = sw_key_use_of(&uses, A);
        /* Exactly the bytes, so that a sanitizer sees one more. */
        size_t size = strlen(rows[i].value);
        char *exact = malloc(size + !size);
        assert_non_null(exact);
        memcpy(exact, rows[i].value, size);
        sw_key_use_note(&uses, rows[i].where, exact, size);
        free(exact);
        if (use->rows != rows[i].rows || use->owed != rows[i].owed ||
            use->values != rows[i].values || use->letters != rows[i].letters ||
            uses.count != 1 + rows[i].others)
            fail_msg("%s: %zu rows, %zu owed, %zu values, %zu letters, %zu ids", rows[i].value,
                     use->rows, use->owed, use->values, use->letters, uses.count);
    }
}

static void what_is_asked_for_is_counted_though_there_are_many_others(void **state) {
    (void)state;
    static struct sw_key_uses uses;
    const struct sw_key_use *use = sw_key_use_of(&uses, A);
    for (unsigned i = 0; i < 2 * SW_KEY_USES; i++) {
        char text[64];
        int n = snprintf(text, sizeof(text), "2.auth.%08x.executor." A ".x", i);
        sw_key_use_note(&uses, SW_KEY_OWED, text, (size_t)n);
    }
    assert_int_equal(use->owed, 2 * SW_KEY_USES);
    assert_int_equal(uses.count, SW_KEY_USES);
    assert_null(sw_key_use_of(&uses, B));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_counted_by_where_it_is_named),
        cmocka_unit_test(what_is_asked_for_is_counted_though_there_are_many_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
