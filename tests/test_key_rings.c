/* test_key_rings.c -- keys change under what was sealed: all of a ring opens, the first seals, a retired one is gone. */
#include "common/key_file.h"
#include "common/mem.h"
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static char dir[64], error[512];

static int setup_dir(void **state) {
    (void)state;
    return keys_dir_make(dir);
}

static int teardown_dir(void **state) {
    (void)state;
    keys_dir_remove(dir);
    return 0;
}

static struct sw_keys *loaded(const char *role) {
    struct sw_keys *k = NULL;
    if (sw_keys_load(dir, role, &k, error, sizeof(error)) < 0) fail_msg("%s", error);
    return k;
}

static void write_file(const char *name, const char *text) {
    assert_int_equal(keys_write(dir, name, text), 0);
}

static void read_file(const char *name, char ret[KEYS_TEXT_BYTES]) {
    assert_int_equal(keys_read(dir, name, ret), 0);
}

static void add(const char *name, char id[9]) {
    if (sw_ring_add(dir, name, id, error, sizeof(error)) < 0) fail_msg("%s", error);
}

static void rotate(const char *name, char id[9]) {
    if (sw_ring_rotate(dir, name, id, error, sizeof(error)) < 0) fail_msg("%s", error);
}

static struct sw_ring ring_of(const char *name) {
    struct sw_ring ring;
    if (sw_ring_read(dir, name, &ring, error, sizeof(error)) < 0) fail_msg("%s", error);
    return ring;
}

static void expect_ring(const char *name, const char *first, const char *second) {
    struct sw_ring ring = ring_of(name);
    assert_int_equal(ring.count, second ? 2 : 1);
    assert_string_equal(ring.key[0].id, first);
    assert_int_equal(ring.key[0].standing, SW_KEY_CURRENT);
    if (second) assert_string_equal(ring.key[1].id, second);
    assert_in_range(ring.key[0].since_ms, (time(NULL) - 60) * 1000LL, time(NULL) * 1000LL);
}

static char *box_of(const struct sw_keys *from, const char *to) {
    SW_AUTO(sw_json) json_t *value = json_string("v");
    char *box = NULL;
    assert_int_equal(sw_seal(from, to, "c", value, &box), 0);
    return box;
}

static char *row_of(const struct sw_keys *auth) {
    SW_AUTO(sw_json) json_t *value = json_string("v");
    char *row = NULL;
    assert_int_equal(sw_row_seal(auth, "T/U/heroku", value, &row), 0);
    return row;
}

static int opened(const struct sw_keys *k, const char *box) {
    SW_AUTO(sw_json) json_t *value = NULL;
    return sw_unseal(k, box, "c", &value);
}

static int row_opened(const struct sw_keys *auth, const char *row) {
    SW_AUTO(sw_json) json_t *value = NULL;
    return sw_row_unseal(auth, row, "T/U/heroku", &value);
}

static void a_row_opens_until_its_key_is_retired(void **state) {
    (void)state;
    char old[9], next[9], ended[9];
    struct sw_keys *first = loaded("auth");
    char *row = row_of(first);
    snprintf(old, sizeof(old), "%s", ring_of("token").key[0].id);
    assert_memory_equal(row, "2.", 2);
    assert_memory_equal(row + 2, old, 8);

    add("token", next);
    expect_ring("token", old, next);
    struct sw_keys *second = loaded("auth");
    char *behind = row_of(second); /* the added key opens, and does not seal yet */
    assert_int_equal(row_opened(first, behind), 0);
    assert_true(sw_row_current(second, row));

    rotate("token", ended);
    assert_string_equal(ended, next);
    expect_ring("token", next, old);
    struct sw_keys *third = loaded("auth");
    char *new_row = row_of(third);
    assert_memory_equal(new_row + 2, next, 8);
    assert_int_equal(row_opened(third, row), 0);
    assert_int_equal(row_opened(second, new_row), 0); /* one that did not rotate yet */
    assert_int_equal(row_opened(first, new_row), -ENOKEY);
    assert_false(sw_row_current(third, row));
    assert_true(sw_row_current(third, new_row));

    assert_int_equal(sw_ring_retire(dir, "token", old, error, sizeof(error)), 0);
    expect_ring("token", next, NULL);
    struct sw_keys *fourth = loaded("auth");
    unsigned broken = sw_seal_broken();
    assert_int_equal(row_opened(fourth, row), -ENOKEY);
    assert_int_equal(sw_seal_broken(), broken + 1); /* told, as one that was changed is */
    assert_int_equal(row_opened(fourth, new_row), 0);
    free(row);
    free(behind);
    free(new_row);
    struct sw_keys *all[] = {first, second, third, fourth};
    for (size_t i = 0; i < 4; i++)
        sw_keys_destroy(all[i]);
}

static void boxes_open_while_the_keys_of_both_sides_change(void **state) {
    (void)state;
    static const char *const sides[] = {"auth", "executor"};
    char ids[2][9], before[2][9];
    struct sw_keys *auth = loaded("auth"), *executor = loaded("executor");
    char *old = box_of(auth, "executor"), *old_self = box_of(executor, "executor");
    for (size_t i = 0; i < 2; i++) {
        snprintf(before[i], 9, "%s", ring_of(sides[i]).key[0].id);
        add(sides[i], ids[i]);
    }
    struct sw_keys *late_auth = loaded("auth"), *late_executor = loaded("executor");
    rotate("executor", ids[1]);
    struct sw_keys *between = loaded("auth");
    char *mixed = box_of(between, "executor"); /* an old pair and a new one */
    rotate("auth", ids[0]);
    struct sw_keys *new_auth = loaded("auth"), *new_executor = loaded("executor");
    char *box = box_of(new_auth, "executor"), *self = box_of(new_executor, "executor");
    char head[64];
    snprintf(head, sizeof(head), "2.auth.%s.executor.%s.", ids[0], ids[1]);
    assert_memory_equal(box, head, strlen(head));
    assert_int_equal(opened(late_executor, box), 0); /* it knows both, and seals with the old one */
    assert_int_equal(opened(executor, box), -ENOKEY);
    char *late = box_of(late_auth, "executor");
    assert_int_equal(opened(new_executor, late), 0);
    assert_int_equal(opened(new_executor, mixed), 0);
    assert_int_equal(opened(new_executor, old), 0);
    assert_int_equal(opened(new_executor, old_self), 0);
    assert_int_equal(opened(late_executor, self), 0);
    /* Nobody else opens them, whatever the number of keys. */
    struct sw_keys *parser = loaded("parser");
    assert_int_equal(opened(parser, box), -EBADMSG);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sw_ring_retire(dir, sides[i], before[i], error, sizeof(error)), 0);
    struct sw_keys *last = loaded("executor");
    assert_int_equal(opened(last, box), 0);
    assert_int_equal(opened(last, old), -ENOKEY);
    assert_int_equal(opened(last, old_self), -ENOKEY);
    char *texts[] = {old, old_self, box, self, late, mixed};
    for (size_t i = 0; i < 6; i++)
        free(texts[i]);
    struct sw_keys *all[] = {auth,     executor,     late_auth, late_executor, between,
                             new_auth, new_executor, parser,    last};
    for (size_t i = 0; i < 9; i++)
        sw_keys_destroy(all[i]);
}

static void a_mac_of_any_key_of_the_ring_is_valid(void **state) {
    (void)state;
    char old[9], id[9], mac[SW_MAC_CHARS + 1], new_mac[SW_MAC_CHARS + 1];
    struct sw_keys *first = loaded("auth");
    assert_int_equal(sw_mac(first, "csrf", "t", mac), 0);
    snprintf(old, sizeof(old), "%s", ring_of("state").key[0].id);
    add("state", id);
    rotate("state", id);
    struct sw_keys *second = loaded("ingress");
    assert_int_equal(sw_mac(second, "csrf", "t", new_mac), 0);
    assert_string_not_equal(mac, new_mac);
    assert_true(sw_mac_valid(second, "csrf", "t", mac));
    assert_true(sw_mac_valid(second, "csrf", "t", new_mac));
    assert_false(sw_mac_valid(first, "csrf", "t", new_mac));
    assert_int_equal(sw_ring_retire(dir, "state", old, error, sizeof(error)), 0);
    struct sw_keys *third = loaded("ingress");
    assert_false(sw_mac_valid(third, "csrf", "t", mac));
    assert_true(sw_mac_valid(third, "csrf", "t", new_mac));
    sw_keys_destroy(first);
    sw_keys_destroy(second);
    sw_keys_destroy(third);
}

static void a_change_that_makes_no_sense_changes_nothing(void **state) {
    (void)state;
    char id[9], other[9], before[1024], after[1024];
    char first[9];
    snprintf(first, sizeof(first), "%s", ring_of("token").key[0].id);
    assert_int_equal(sw_ring_rotate(dir, "token", id, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/token: no key is added"));
    add("token", id);
    read_file("token.key", before);
    assert_int_equal(sw_ring_add(dir, "token", other, error, sizeof(error)), -EEXIST);
    assert_string_equal(other, id); /* which one it is */
    assert_int_equal(sw_ring_retire(dir, "token", first, error, sizeof(error)), -EBUSY);
    assert_int_equal(sw_ring_retire(dir, "token", "00000000", error, sizeof(error)), -ENOENT);
    assert_int_equal(sw_ring_add(dir, "nobody", other, error, sizeof(error)), -EINVAL);
    assert_int_equal(sw_ring_add(dir, "../token", other, error, sizeof(error)), -EINVAL);
    read_file("token.key", after);
    assert_string_equal(before, after);
    rotate("token", id);
    assert_int_equal(sw_ring_rotate(dir, "token", id, error, sizeof(error)), -ENOENT);
    for (unsigned i = 2; i < SW_RING_MAX; i++) {
        add("token", id);
        rotate("token", id);
    }
    assert_int_equal(ring_of("token").count, SW_RING_MAX);
    assert_int_equal(sw_ring_add(dir, "token", id, error, sizeof(error)), -ENOSPC);
    assert_non_null(strstr(error, "the ring is full"));
}

static void files_keep_their_modes_and_nothing_is_left_beside_them(void **state) {
    (void)state;
    char id[9];
    struct stat st;
    assert_int_equal(chmod(keys_path(dir, "auth.key"), 0640), 0);
    add("auth", id);
    rotate("auth", id);
    assert_int_equal(stat(keys_path(dir, "auth.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(stat(keys_path(dir, "auth.pub"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    DIR *d = opendir(dir);
    size_t count = 0;
    while (readdir(d))
        count++;
    closedir(d);
    assert_int_equal(count, 2 * ROLES + 2 + 2); /* and . and .. */
}

/* A key comes to its owner first and goes from it last: between the two writes all is well. */
static void a_public_key_needs_its_secret_but_not_the_other_way(void **state) {
    (void)state;
    char id[9], old_key[1024], old_pub[1024], new_pub[1024];
    struct sw_keys *k = NULL;
    read_file("auth.key", old_key);
    read_file("auth.pub", old_pub);
    add("auth", id);
    read_file("auth.pub", new_pub);
    write_file("auth.pub", old_pub);
    sw_keys_destroy(loaded("auth"));
    write_file("auth.pub", new_pub);
    write_file("auth.key", old_key);
    assert_int_equal(sw_keys_load(dir, "auth", &k, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "/auth.pub: does not belong to auth.key"));
    /* Where only the public key is, nothing can be added. */
    unlink(keys_path(dir, "auth.key"));
    assert_int_equal(sw_ring_add(dir, "auth", id, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/auth.key: No such file"));
    assert_int_equal(ring_of("auth").count, 2);
}

#define A "00000000000000000000000000000000000000000000000000000000000000aa"
#define B "00000000000000000000000000000000000000000000000000000000000000bb"

static void what_a_file_may_hold(void **state) {
    (void)state;
    static const struct {
        const char *text, *wrong;
    } rows[] = {
        {A "\n" B "\n", NULL},
        {A "\r\n\r\n" B, NULL},
        {A " current 2026-11-27T11:00:00Z\n" B " added 2026-11-27T11:00:00Z\n", NULL},
        {A " added 2026-11-27T11:00:00Z\n", NULL},
        {A "\n" A "\n", "holds key "},
        {A "\nxx\n", "line 2: not a key of 64 hex digits"},
        {A "0\n", "line 1: not a key of 64 hex digits"},
        {A " current\n", "line 1: not a key of 64 hex digits"},
        {A " new 2026-11-27T11:00:00Z\n", "line 1: not a key of 64 hex digits"},
        {A " current 2026-11-27\n", "line 1: not a key of 64 hex digits"},
        {A "\n" B "\n" A "\n" B "\n" A "\n", "holds more than 4 keys"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_keys *k = NULL;
        write_file("token.key", rows[i].text);
        int r = sw_keys_load(dir, "auth", &k, error, sizeof(error));
        sw_keys_destroy(k);
        if (r != (rows[i].wrong ? -EINVAL : 0)) fail_msg("%zu: %d %s", i, r, error);
        if (rows[i].wrong && !strstr(error, rows[i].wrong)) fail_msg("%zu: %s", i, error);
        if (strstr(error, "0000000000")) fail_msg("the key is told: %s", error);
    }
    /* By hand, without standings: all open; what is not marked as added never takes over by itself. */
    char id[9];
    write_file("token.key", A "\n" B "\n");
    assert_int_equal(ring_of("token").key[1].standing, SW_KEY_FORMER);
    assert_int_equal(sw_ring_rotate(dir, "token", id, error, sizeof(error)), -ENOENT);
    write_file("token.key", A "\n" B " added 2026-11-27T11:00:00Z\n");
    rotate("token", id);
    assert_int_equal(ring_of("token").key[1].standing, SW_KEY_FORMER);
}

#define OWN(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

/* Each step of `slipway keys` leaves the key that sealed before it; files of before a step do not. */
static void keys_that_follow_open_what_was_sealed(void **state) {
    (void)state;
    static const char *const names[] = {"executor", "auth", "token", "state"};
    for (size_t i = 0; i < 4; i++) {
        char id[9];
        struct sw_keys *first = loaded("auth"), *added, *rotated;
        add(names[i], id);
        added = loaded("auth");
        rotate(names[i], id);
        rotated = loaded("auth");
        assert_true(sw_keys_follow(first, added, error, sizeof(error)));
        assert_true(sw_keys_follow(added, rotated, error, sizeof(error)));
        assert_true(sw_keys_follow(first, rotated, error, sizeof(error))); /* a step was missed */
        assert_true(sw_keys_follow(rotated, added, error, sizeof(error)));
        assert_false(sw_keys_follow(rotated, first, error, sizeof(error)));
        assert_non_null(strstr(error, names[i]));
        assert_non_null(strstr(error, id));
        sw_keys_destroy(first);
        sw_keys_destroy(added);
        sw_keys_destroy(rotated);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        OWN(keys_that_follow_open_what_was_sealed),
        OWN(a_row_opens_until_its_key_is_retired),
        OWN(boxes_open_while_the_keys_of_both_sides_change),
        OWN(a_mac_of_any_key_of_the_ring_is_valid),
        OWN(a_change_that_makes_no_sense_changes_nothing),
        OWN(files_keep_their_modes_and_nothing_is_left_beside_them),
        OWN(a_public_key_needs_its_secret_but_not_the_other_way),
        OWN(what_a_file_may_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
