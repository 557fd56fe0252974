/* test_curve.c -- the files of the wire's keys, and the list of who has which. */
#include "common/curve.h"
#include "common/mem.h"
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

static char dir[64], error[512];

static int setup_dir(void **state) {
    (void)state;
    return keys_dir_make(dir) == 0 ? sw_keys_curve(dir, error, sizeof(error)) : -1;
}

static int teardown_dir(void **state) {
    (void)state;
    keys_dir_remove(dir);
    return 0;
}

static struct sw_curve *loaded(const char *role) {
    struct sw_curve *curve = NULL;
    if (sw_curve_load(dir, role, &curve, error, sizeof(error)) < 0) fail_msg("%s", error);
    return curve;
}

static void makes_what_is_missing_and_changes_nothing(void **state) {
    static char before[2 * ROLES][KEYS_TEXT_BYTES];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2 * ROLES; i++) {
            char name[32], text[KEYS_TEXT_BYTES];
            struct stat st;
            snprintf(name, sizeof(name), "curve-%s.%s", roles[i / 2], i % 2 ? "pub" : "key");
            assert_int_equal(keys_read(dir, name, text), 0);
            assert_int_equal(strlen(text), 65);
            assert_int_equal(stat(keys_path(dir, name), &st), 0);
            assert_int_equal(st.st_mode & 0777, i % 2 ? 0644 : 0600);
            if (round) assert_string_equal(text, before[i]);
            strcpy(before[i], text);
        }
        assert_int_equal(sw_keys_curve(dir, error, sizeof(error)), 0);
    }
    unlink(keys_path(dir, "curve-auth.key"));
    assert_int_equal(sw_keys_curve(dir, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/curve-auth.pub is there without curve-auth.key"));
}

static void each_key_belongs_to_its_role(void **state) {
    const char *id = NULL;
    (void)state;
    struct sw_curve *auth = loaded("auth"), *parser = loaded("parser");
    assert_string_equal(sw_curve_find(auth, sw_curve_public(parser), &id), "parser");
    assert_string_equal(id, sw_curve_id(parser));
    assert_memory_equal(sw_curve_key(auth, "parser", id), sw_curve_public(parser), 32);
    assert_null(sw_curve_key(auth, "auth", id));
    assert_null(sw_curve_key(auth, "nobody", id));
    assert_null(sw_curve_key(auth, "parser", ""));
    assert_null(sw_curve_key(auth, "parser", "0123"));
    assert_null(sw_curve_find(auth, (const uint8_t[32]){9}, &id));
    sw_curve_destroy(auth);
    sw_curve_destroy(parser);
}

/* "curve-auth": which keys, in which order. */
static void expect_known(const struct sw_curve *curve, const char *first, const char *second) {
    SW_AUTO(sw_json) json_t *known = json_object();
    sw_curve_known(curve, known);
    assert_int_equal(json_object_size(known), ROLES);
    const json_t *list = json_object_get(known, "curve-auth");
    assert_int_equal(json_array_size(list), second ? 2 : 1);
    assert_string_equal(json_string_value(json_array_get(list, 0)), first);
    if (second) assert_string_equal(json_string_value(json_array_get(list, 1)), second);
}

static void a_process_says_first_which_key_it_has(void **state) {
    char old[9], next[9];
    (void)state;
    struct sw_curve *auth = loaded("auth"), *parser = loaded("parser");
    snprintf(old, sizeof(old), "%s", sw_curve_id(auth));
    expect_known(auth, old, NULL);
    assert_int_equal(sw_ring_add(dir, "curve-auth", next, error, sizeof(error)), 0);
    assert_int_equal(sw_curve_reload(auth, error, sizeof(error)), 0);
    assert_int_equal(sw_curve_reload(parser, error, sizeof(error)), 0);
    expect_known(auth, old, next);
    expect_known(parser, old, next);
    assert_int_equal(sw_ring_rotate(dir, "curve-auth", next, error, sizeof(error)), 0);
    assert_int_equal(sw_curve_reload(auth, error, sizeof(error)), 0);
    assert_int_equal(sw_curve_reload(parser, error, sizeof(error)), 0);
    expect_known(auth, old, next);   /* until it is started again */
    expect_known(parser, next, old); /* as the file says */
    struct sw_curve *restarted = loaded("auth");
    expect_known(restarted, next, old);
    assert_int_equal(sw_ring_retire(dir, "curve-auth", old, error, sizeof(error)), 0);
    assert_int_equal(sw_curve_reload(auth, error, sizeof(error)), 0);
    assert_false(sw_curve_current(auth));
    assert_int_equal(sw_curve_reload(restarted, error, sizeof(error)), 0);
    assert_true(sw_curve_current(restarted));
    sw_curve_destroy(auth);
    sw_curve_destroy(parser);
    sw_curve_destroy(restarted);
}

static void without_files_there_is_no_such_wire(void **state) {
    struct sw_curve *curve = NULL;
    (void)state;
    unlink(keys_path(dir, "curve-auth.key"));
    assert_int_equal(sw_curve_load(dir, "auth", &curve, error, sizeof(error)), -ENOENT);
    assert_true(error[0]); /* a .pub without it: not nothing */
    unlink(keys_path(dir, "curve-auth.pub"));
    assert_int_equal(sw_curve_load(dir, "auth", &curve, error, sizeof(error)), -ENOENT);
    assert_string_equal(error, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_dir, teardown_dir)
        TEST(makes_what_is_missing_and_changes_nothing),
        TEST(each_key_belongs_to_its_role),
        TEST(a_process_says_first_which_key_it_has),
        TEST(without_files_there_is_no_such_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
