/* test_age.c -- what is known of how long a queue's head has waited. */
#include "common/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct sw_id id(uint64_t seq) {
    return (struct sw_id){1, seq};
}

static void an_empty_queue_has_no_age(void **state) {
    (void)state;
    struct sw_age age = {0};
    assert_int_equal(sw_age_ms(&age, 5000, 2000), 0);
    sw_age_note(&age, (struct sw_id){0, 0}, (struct sw_id){0, 0}, 1000);
    assert_int_equal(sw_age_ms(&age, 90000, 2000), 0);
    sw_age_note(&age, id(1), id(3), 2000);
    assert_false(age.inherited);
    sw_age_note(&age, (struct sw_id){0, 0}, (struct sw_id){0, 0}, 9000);
    assert_int_equal(sw_age_ms(&age, 9000, 2000), 0);
}

static void it_is_that_of_the_oldest_entry_which_is_there(void **state) {
    (void)state;
    struct sw_age age = {0};
    sw_age_note(&age, (struct sw_id){0, 0}, (struct sw_id){0, 0}, 1000);
    sw_age_note(&age, id(1), id(10), 2000);
    assert_int_equal(sw_age_ms(&age, 2000, 2000), 0);
    sw_age_note(&age, id(1), id(20), 3000);
    assert_int_equal(sw_age_ms(&age, 3500, 2000), 1000); /* as of the note */
    sw_age_note(&age, id(11), id(20), 6000);             /* the first ten are done */
    assert_int_equal(sw_age_ms(&age, 6000, 2000), 3000);
    sw_age_note(&age, id(21), id(30), 7000);
    assert_int_equal(sw_age_ms(&age, 7000, 2000), 0);
}

static void time_goes_on_where_nobody_can_look(void **state) {
    (void)state;
    struct sw_age age = {0};
    sw_age_note(&age, id(1), id(1), 1000);
    sw_age_note(&age, id(1), id(1), 5000);
    assert_int_equal(sw_age_ms(&age, 6999, 2000), 4000);
    assert_int_equal(sw_age_ms(&age, 65000, 2000), 64000);
}

static void what_was_there_before_is_marked_until_it_is_done(void **state) {
    (void)state;
    struct sw_age age = {0};
    sw_age_note(&age, id(5), id(9), 1000);
    assert_true(age.inherited);
    sw_age_note(&age, id(8), id(12), 2000);
    assert_true(age.inherited);
    sw_age_note(&age, id(10), id(12), 3000);
    assert_false(age.inherited);
    assert_int_equal(sw_age_ms(&age, 3000, 2000), 1000);
}

/* Of an hour's queue the age is known to within six minutes, and is never said to be more. */
static void a_long_queue_is_remembered_less_exactly(void **state) {
    (void)state;
    struct sw_age age = {0};
    sw_age_note(&age, (struct sw_id){0, 0}, (struct sw_id){0, 0}, 1);
    for (int64_t s = 1; s <= 3600; s++)
        sw_age_note(&age, id(1), id((uint64_t)s), s * 1000);
    assert_int_equal(sw_age_ms(&age, 3600 * 1000, 2000), 3599 * 1000);
    for (uint64_t first = 2; first <= 3600; first++) {
        sw_age_note(&age, id(first), id(3600), 3600 * 1000);
        int64_t is_ms = 3600 * 1000 - (int64_t)first * 1000;
        int64_t said_ms = sw_age_ms(&age, 3600 * 1000, 2000);
        assert_true(said_ms <= is_ms);
        assert_true(said_ms >= is_ms - 360 * 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_has_no_age),
        cmocka_unit_test(it_is_that_of_the_oldest_entry_which_is_there),
        cmocka_unit_test(time_goes_on_where_nobody_can_look),
        cmocka_unit_test(what_was_there_before_is_marked_until_it_is_done),
        cmocka_unit_test(a_long_queue_is_remembered_less_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
