/* test_seal.c -- boxes open for their recipient, in their context, unchanged; and for nobody else. */
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
#include <time.h>
#include <unistd.h>

static struct sw_keys *keys[ROLES];
static char dir[64];
static char error[512];

static int setup(void **state) {
    (void)state;
    if (keys_dir_make(dir) < 0) return -1;
    for (size_t i = 0; i < ROLES; i++) {
        if (sw_keys_load(dir, roles[i], &keys[i], error, sizeof(error)) < 0) return -1;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < ROLES; i++) {
        sw_keys_destroy(keys[i]);
    }
    keys_dir_remove(dir);
    return 0;
}

static struct sw_keys *of(const char *role) {
    for (size_t i = 0; i < ROLES; i++) {
        if (strcmp(roles[i], role) == 0) return keys[i];
    }
    fail_msg("no role %s", role);
    return NULL;
}

static char *sealed(const char *from, const char *to, const char *context) {
    char *box = NULL;
    json_t *value = json_pack("{s:s}", "token", "HRKU-secret");
    assert_int_equal(sw_seal(of(from), to, context, value, &box), 0);
    json_decref(value);
    return box;
}

static void expect_closed(const struct sw_keys *who, const char *box, const char *context) {
    json_t *value = NULL;
    int r = sw_unseal(who, box, context, &value);
    if (r != -EBADMSG || value) fail_msg("%.200s: %d in context %.40s", box, r, context);
}

static void a_box_opens_for_its_recipient_and_nobody_else(void **state) {
    (void)state;
    for (size_t from = 0; from < ROLES; from++) {
        for (size_t to = 0; to < ROLES; to++) {
            char *box = sealed(roles[from], roles[to], "cmd-1");
            assert_null(strstr(box, "HRKU"));
            for (size_t who = 0; who < ROLES; who++) {
                json_t *value = NULL;
                int r = sw_unseal(keys[who], box, "cmd-1", &value);
                if (r != (who == to ? 0 : -EBADMSG)) {
                    fail_msg("%s opens %s: %d", roles[who], box, r);
                }
                if (r < 0) continue;
                assert_string_equal(json_string_value(json_object_get(value, "token")),
                                    "HRKU-secret");
                json_decref(value);
            }
            free(box);
        }
    }
}

static void a_box_is_bound_to_its_context(void **state) {
    (void)state;
    char *box = sealed("auth", "executor", "cmd-1");
    char *twice = sealed("auth", "executor", "cmd-1");
    assert_string_not_equal(box, twice); /* a fresh nonce each time */
    expect_closed(of("executor"), box, "cmd-2");
    expect_closed(of("executor"), box, "");
    expect_closed(of("executor"), box, "cmd-1 ");
    free(twice);
    free(box);
}

/* Both directions share a key, so the names in front are what keeps them apart. */
static void a_box_does_not_open_under_other_names(void **state) {
    (void)state;
    char changed[256];
    char *box = sealed("auth", "executor", "cmd-1");
    const char *rest = strrchr(box, '.');
    char auth_id[9], executor_id[9];
    assert_int_equal(sscanf(box, "2.auth.%8[0-9a-f].executor.%8[0-9a-f].", auth_id, executor_id),
                     2);
    /* A and E: the ids of auth's and of executor's key. */
    static const struct {
        const char *head, *who;
        int r;
    } rows[] = {
        {"2.executor.E.auth.A", "auth", -EBADMSG},
        {"2.executor.A.auth.E", "auth", -ENOKEY},
        {"2.parser.A.executor.E", "executor", -ENOKEY},
        {"2.executor.E.executor.E", "executor", -EBADMSG},
        {"2.auth.A.auth.A", "auth", -EBADMSG},
        {"3.auth.A.executor.E", "executor", -EBADMSG},
        {"1.auth.executor", "executor", -EBADMSG},
        {"2.auth.executor", "executor", -EBADMSG},
        {"2.auth.A.parser.E", "executor", -EBADMSG},
        {"2.auth.E.executor.E", "executor", -ENOKEY},
        {"2.auth.A.executor.A", "executor", -ENOKEY},
        {"2.auth.A.executor.00000000", "executor", -ENOKEY},
        {"2.auth.A0.executor.E", "executor", -EBADMSG},
        {"2.auth..executor.E", "executor", -EBADMSG},
        {"2.Auth.A.executor.E", "executor", -EBADMSG},
        {"2..A.executor.E", "executor", -EBADMSG},
        {"2.auth.A", "executor", -EBADMSG},
        {"2", "executor", -EBADMSG},
        {"", "executor", -EBADMSG},
        {"2.auth.A.executor.E.", "executor", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = 0;
        for (const char *p = rows[i].head; *p; p++) {
            bool id = (*p == 'A' || *p == 'E') && p[-1] == '.' && p[1] != 'u';
            n += (size_t)snprintf(changed + n, sizeof(changed) - n, id ? "%s" : "%.1s",
                                  !id         ? p
                                  : *p == 'A' ? auth_id
                                              : executor_id);
        }
        snprintf(changed + n, sizeof(changed) - n, "%s", rest);
        json_t *value = NULL;
        int r = sw_unseal(of(rows[i].who), changed, "cmd-1", &value);
        if (r != rows[i].r || value) fail_msg("%s: %d", rows[i].head, r);
    }
    free(box);
}

static void a_changed_box_does_not_open(void **state) {
    (void)state;
    char *box = sealed("auth", "executor", "c");
    size_t size = strlen(box), head = (size_t)(strrchr(box, '.') + 1 - box);
    for (size_t i = head; i < size; i++) {
        char was = box[i];
        for (int other = 0; other < 256; other++) { /* 0 too: every prefix */
            if ((char)other == was) continue;
            box[i] = (char)other;
            expect_closed(of("executor"), box, "c");
        }
        box[i] = was;
    }
    char *longer = malloc(size + 5);
    assert_non_null(longer);
    static const char *const tails[] = {"A", "=", "==", "AAAA", ".", " "};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(longer, size + 5, "%s%s", box, tails[i]);
        expect_closed(of("executor"), longer, "c");
    }
    free(longer);
    free(box);
}

static void any_text_may_claim_to_be_a_box(void **state) {
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    char *box = sealed("auth", "executor", "c"), text[300], head[64];
    size_t head_size = (size_t)(strrchr(box, '.') + 1 - box);
    snprintf(head, sizeof(head), "%.*s", (int)head_size, box);
    const char *const heads[] = {"", "2.", head, "2.auth.", "2.auth.executor"};
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(text, sizeof(text), "%s", heads[(size_t)rand_r(&seed) % 5]);
        for (int more = rand_r(&seed) % 120; more > 0; more--) {
            text[n++] = (char)(1 + rand_r(&seed) % 255);
        }
        text[n] = 0;
        expect_closed(of("executor"), text, "c");
    }
    char *huge = malloc(200001); /* more than any box holds */
    assert_non_null(huge);
    memset(huge, 'A', 200000);
    huge[200000] = 0;
    memcpy(huge, head, head_size);
    expect_closed(of("executor"), huge, "c");
    free(huge);
    free(box);
}

static void values_and_contexts_have_limits(void **state) {
    (void)state;
    char context[300], *box = NULL;
    json_t *value = json_stringn("", 0), *back;
    char *text = malloc(32768);
    assert_non_null(text);
    memset(context, 'c', sizeof(context));
    memset(text, 'x', 32768);

    context[255] = 0;
    assert_int_equal(sw_seal(of("auth"), "auth", context, value, &box), 0);
    assert_int_equal(sw_unseal(of("auth"), box, context, &back), 0);
    assert_string_equal(json_string_value(back), "");
    json_decref(back);
    context[255] = 'c';
    context[256] = 0;
    expect_closed(of("auth"), box, context);
    free(box);
    assert_int_equal(sw_seal(of("auth"), "auth", context, value, &box), -EINVAL);

    json_t *most = json_stringn(text, 32768 - 2); /* and its quotes */
    assert_int_equal(sw_seal(of("auth"), "auth", "c", most, &box), 0);
    assert_int_equal(sw_unseal(of("auth"), box, "c", &back), 0);
    assert_true(json_equal(most, back));
    json_decref(back);
    free(box);
    json_t *more = json_stringn(text, 32768 - 1);
    assert_int_equal(sw_seal(of("auth"), "auth", "c", more, &box), -EMSGSIZE);
    assert_int_equal(sw_seal(of("auth"), "nobody", "c", value, &box), -ENOKEY);
    json_decref(more);
    json_decref(most);
    json_decref(value);
    free(text);
}

static void every_value_comes_back(void **state) {
    (void)state;
    json_t *value = json_pack("{s:[i,f,b,n,s], s:s#}", "list", -7, 0.1, 1, "š 🚢", "nul", "a\0b", 3);
    json_t *back;
    char *box;
    assert_int_equal(sw_seal(of("parser"), "auth", "c", value, &box), 0);
    assert_int_equal(sw_unseal(of("auth"), box, "c", &back), 0);
    assert_true(json_equal(value, back));
    json_decref(back);
    json_decref(value);
    free(box);
}

static void rows_belong_to_auth_alone(void **state) {
    (void)state;
    json_t *value = json_pack("{s:s}", "refresh_token", "r"), *back = NULL;
    char *row = NULL;
    for (size_t i = 0; i < ROLES; i++) {
        int want = strcmp(roles[i], "auth") == 0 ? 0 : -ENOKEY;
        assert_int_equal(sw_row_seal(keys[i], "T/U/heroku", value, want ? &(char *){NULL} : &row),
                         want);
    }
    assert_int_equal(sw_row_unseal(of("executor"), row, "T/U/heroku", &back), -ENOKEY);
    assert_int_equal(sw_row_unseal(of("auth"), row, "T/U2/heroku", &back), -EBADMSG);
    assert_int_equal(sw_row_unseal(of("auth"), row + 1, "T/U/heroku", &back), -EBADMSG);
    assert_int_equal(sw_row_unseal(of("auth"), "", "T/U/heroku", &back), -EBADMSG);
    assert_int_equal(sw_row_unseal(of("auth"), "1.AAAA", "T/U/heroku", &back), -EBADMSG);
    assert_int_equal(sw_row_unseal(of("auth"), "2.00000000.AAAA", "T/U/heroku", &back), -ENOKEY);
    assert_true(sw_row_current(of("auth"), row));
    assert_false(sw_row_current(of("auth"), "2.00000000.AAAA"));
    assert_false(sw_row_current(of("auth"), ""));
    assert_int_equal(sw_row_unseal(of("auth"), row, "T/U/heroku", &back), 0);
    assert_true(json_equal(value, back));
    json_decref(back);
    json_decref(value);
    free(row);
}

static void macs_are_for_ingress_and_auth_and_one_purpose(void **state) {
    (void)state;
    char mac[SW_MAC_CHARS + 1], other[SW_MAC_CHARS + 1];
    for (size_t i = 0; i < ROLES; i++) {
        bool may = strcmp(roles[i], "auth") == 0 || strcmp(roles[i], "ingress") == 0;
        assert_int_equal(sw_mac(keys[i], "state", "abc", other), may ? 0 : -ENOKEY);
    }
    assert_int_equal(sw_mac(of("auth"), "state", "abc", mac), 0);
    assert_int_equal(strlen(mac), SW_MAC_CHARS);
    assert_true(sw_mac_valid(of("ingress"), "state", "abc", mac));
    assert_false(sw_mac_valid(of("ingress"), "state", "abd", mac));
    assert_false(sw_mac_valid(of("ingress"), "stat", "eabc", mac));
    assert_false(sw_mac_valid(of("ingress"), "cookie", "abc", mac));
    assert_false(sw_mac_valid(of("ingress"), "state", "abc", ""));
    assert_false(sw_mac_valid(of("parser"), "state", "abc", mac));
    mac[10] ^= 1;
    assert_false(sw_mac_valid(of("ingress"), "state", "abc", mac));
    mac[10] ^= 1;
    mac[SW_MAC_CHARS - 1] = 0;
    assert_false(sw_mac_valid(of("ingress"), "state", "abc", mac));
}

static void expect_hex(const void *data, size_t size, const char *want) {
    char hex[129];
    sw_hex(data, size, hex);
    assert_string_equal(hex, want);
}

/* RFC 4231, cases 2 and 6; FIPS 180; RFC 4648. */
static void hashes_and_encodings_are_the_standard_ones(void **state) {
    (void)state;
    uint8_t out[32];
    char long_key[132];
    sw_hmac("Jefe", "what do ya want for nothing?", 28, out);
    expect_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, 131);
    long_key[131] = 0;
    sw_hmac(long_key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
    expect_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    sw_sha256("abc", 3, out);
    expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

    static const struct {
        const char *data, *url, *standard;
    } rows[] = {
        {"", "", ""}, {"f", "Zg", "Zg=="}, {"fo", "Zm8", "Zm8="}, {"\xfb\xff\xfe", "-__-", "+//+"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *url = sw_base64url(rows[i].data, strlen(rows[i].data));
        char *standard = sw_base64(rows[i].data, strlen(rows[i].data));
        assert_string_equal(url, rows[i].url);
        assert_string_equal(standard, rows[i].standard);
        free(url);
        free(standard);
    }
    assert_true(sw_bytes_equal("abc", "abd", 2));
    assert_false(sw_bytes_equal("abc", "abd", 3));
}

static void base64url_is_read_strictly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int size; /* or the error */
    } rows[] = {{"", 0},
                {"Zg", 1},
                {"-__-", 3},
                {"Zm9vYmFy", 6},
                {"Zm9vYmFyYg", -EBADMSG}, /* seven bytes, and there is room for six */
                {"Zg==", -EBADMSG},
                {"Zh", -EBADMSG}, /* bits that stand for nothing */
                {"Z", -EBADMSG},
                {"+//+", -EBADMSG},
                {"Z g", -EBADMSG},
                {"Zg\n", -EBADMSG},
                {"\xda\xe7", -EBADMSG}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[6];
        assert_int_equal(sw_base64url_decode(rows[i].text, out, sizeof(out)), rows[i].size);
        if (rows[i].size < 0) continue;
        char *again = sw_base64url(out, (size_t)rows[i].size);
        assert_string_equal(again, rows[i].text);
        free(again);
    }
}

static void derived_bytes_depend_on_seed_and_label_alone(void **state) {
    (void)state;
    uint8_t seed[32] = {1}, a[200], b[200];
    sw_derive(seed, "state", a, sizeof(a));
    sw_derive(seed, "state", b, sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
    sw_derive(seed, "state", b, 10);
    assert_memory_equal(a, b, 10); /* a stream: less of it is its beginning */
    sw_derive(seed, "other", b, sizeof(b));
    assert_memory_not_equal(a, b, 16);
    seed[31] = 1;
    sw_derive(seed, "state", b, sizeof(b));
    assert_memory_not_equal(a, b, 16);
    /* For ever the same: ids that were derived before an upgrade are derived again after it. */
    seed[31] = 0;
    sw_derive(seed, "state", a, 16);
    expect_hex(a, 16, "516e7008374f0bd606ce38ffa8bab4d2");
}

static void another_installation_opens_nothing(void **state) {
    (void)state;
    char other[64];
    struct sw_keys *theirs;
    assert_int_equal(keys_dir_make(other), 0);
    assert_int_equal(sw_keys_load(other, "executor", &theirs, error, sizeof(error)), 0);
    char *box = sealed("auth", "executor", "c");
    json_t *value = NULL;
    assert_int_equal(sw_unseal(theirs, box, "c", &value), -ENOKEY);
    assert_null(value);
    free(box);
    sw_keys_destroy(theirs);
    keys_dir_remove(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_opens_for_its_recipient_and_nobody_else),
        cmocka_unit_test(a_box_is_bound_to_its_context),
        cmocka_unit_test(a_box_does_not_open_under_other_names),
        cmocka_unit_test(a_changed_box_does_not_open),
        cmocka_unit_test(any_text_may_claim_to_be_a_box),
        cmocka_unit_test(values_and_contexts_have_limits),
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(rows_belong_to_auth_alone),
        cmocka_unit_test(macs_are_for_ingress_and_auth_and_one_purpose),
        cmocka_unit_test(hashes_and_encodings_are_the_standard_ones),
        cmocka_unit_test(base64url_is_read_strictly),
        cmocka_unit_test(derived_bytes_depend_on_seed_and_label_alone),
        cmocka_unit_test(another_installation_opens_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
