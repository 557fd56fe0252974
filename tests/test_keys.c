/* test_keys.c -- key files: made once, private, and each role needs only its own. */
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES (2 * ROLES + 2)
static char own[64]; /* this test's directory */
static char error[512];

static int setup_own(void **state) {
    (void)state;
    return keys_dir_make(own);
}

static int teardown_own(void **state) {
    (void)state;
    keys_dir_remove(own);
    return 0;
}

static void write_file(const char *name, const char *text) {
    assert_int_equal(keys_write(own, name, text), 0);
}

/* Valid until the second next. */
static char *read_text(const char *name) {
    static char text[2][KEYS_TEXT_BYTES];
    static int turn;
    turn = !turn;
    assert_int_equal(keys_read(own, name, text[turn]), 0);
    return text[turn];
}

static void makes_every_file_once_and_private(void **state) {
    (void)state;
    char before[FILES][256];
    static const char *const others[] = {"token.key", "state.key"};
    struct stat st;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < FILES; i++) {
            char name[32];
            snprintf(name, sizeof(name), i < 14 ? "%s.%s" : "%s%s",
                     i < 14 ? roles[i / 2] : others[i - 14],
                     i >= 14 ? ""
                     : i % 2 ? "pub"
                             : "key");
            const char *text = read_text(name);
            assert_int_equal(strlen(text), 65);
            assert_int_equal(stat(keys_path(own, name), &st), 0);
            assert_int_equal(st.st_mode & 0777, i < 14 && i % 2 ? 0644 : 0600);
            if (round) assert_string_equal(text, before[i]);
            strcpy(before[i], text);
        }
        assert_int_equal(sw_keys_make(own), 0);
    }
    unlink(keys_path(own, "parser.pub")); /* comes back from its key */
    unlink(keys_path(own, "state.key"));  /* is made anew */
    assert_int_equal(sw_keys_make(own), 0);
    assert_string_equal(read_text("parser.pub"), before[3]);
    assert_string_not_equal(read_text("state.key"), before[15]);
}

static void makes_no_rival_for_a_key_that_lives_elsewhere(void **state) {
    (void)state;
    unlink(keys_path(own, "parser.key"));
    assert_int_equal(sw_keys_init(own, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/parser.pub is there without parser.key"));
    assert_int_equal(access(keys_path(own, "parser.key"), F_OK), -1);
}

static void keeps_a_public_key_that_does_not_belong_and_says_so(void **state) {
    (void)state;
    const char *theirs = read_text("auth.pub");
    write_file("parser.pub", theirs);
    assert_int_equal(sw_keys_init(own, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/parser."));
    assert_string_equal(read_text("parser.pub"), theirs);
    unlink(keys_path(own, "parser.pub"));
    write_file("state.key", "");
    assert_int_equal(sw_keys_init(own, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/state.key: "));
}

static void makes_the_directory_and_its_parents(void **state) {
    char deep[160];
    struct sw_keys *k;
    (void)state;
    snprintf(deep, sizeof(deep), "%s/a/b", own);
    assert_int_equal(sw_keys_make(deep), 0);
    assert_int_equal(sw_keys_load(deep, "notifier", &k, error, sizeof(error)), 0);
    sw_keys_destroy(k);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    keys_dir_remove(deep);
    *strrchr(deep, '/') = 0;
    keys_dir_remove(deep);
    assert_int_equal(sw_keys_make(""), -EINVAL);
}

static void a_role_needs_its_own_files_only(void **state) {
    (void)state;
    struct sw_keys *k = NULL;
    static const char *const foreign[] = {"token.key", "state.key", "auth.key", "ingress.key"};
    for (size_t i = 0; i < 4; i++) {
        unlink(keys_path(own, foreign[i]));
    }
    assert_int_equal(sw_keys_load(own, "executor", &k, error, sizeof(error)), 0);
    sw_keys_destroy(k);
    k = NULL;
    assert_int_equal(sw_keys_load(own, "ingress", &k, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/ingress.key: No such file"));
    assert_null(k);
}

static void bad_key_files_are_named(void **state) {
    (void)state;
    struct sw_keys *k = NULL;
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char longer[80], short_one[80], letter[80];
    snprintf(longer, sizeof(longer), "%s00", zeros);
    snprintf(short_one, sizeof(short_one), "%.62s\n", zeros);
    snprintf(letter, sizeof(letter), "%.63sg\n", zeros);
    const char *const wrong[] = {"", "\n", longer, short_one, letter};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_file("parser.key", wrong[i]);
        assert_int_equal(sw_keys_load(own, "parser", &k, error, sizeof(error)), -EINVAL);
        assert_non_null(strstr(error, "not a key of 64 hex digits"));
    }
    /* Right in form, but its public key is another's; and a public key that no secret has. */
    write_file("parser.key", zeros);
    assert_int_equal(sw_keys_load(own, "parser", &k, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "does not belong"));
    write_file("executor.pub", zeros);
    assert_int_equal(sw_keys_load(own, "auth", &k, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/executor.pub"));
    unlink(keys_path(own, "responder.pub"));
    assert_int_equal(sw_keys_load(own, "responder", &k, error, sizeof(error)), -EINVAL);
    assert_int_equal(sw_keys_load(own, "nobody", &k, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "no such role"));
    assert_null(k);
    sw_keys_destroy(NULL);
}

#define OWN(f) cmocka_unit_test_setup_teardown(f, setup_own, teardown_own)

int main(void) {
    const struct CMUnitTest tests[] = {
        OWN(makes_every_file_once_and_private),
        OWN(makes_no_rival_for_a_key_that_lives_elsewhere),
        OWN(keeps_a_public_key_that_does_not_belong_and_says_so),
        OWN(makes_the_directory_and_its_parents),
        OWN(a_role_needs_its_own_files_only),
        OWN(bad_key_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
