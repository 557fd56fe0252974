/* test_msg.c -- the envelope, against golden vectors that another encoder wrote (vectors/make.py). */
#include "proto/msg.h"

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

#define FROM_HEX_MAX 8192

static unsigned seed;

static json_t *vectors(void) {
    char path[4096];
    json_error_t error;
    const char *tests = getenv("SW_TESTS");
    snprintf(path, sizeof(path), "%s/vectors/msg.json", tests ? tests : "tests");
    json_t *list = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!list) fail_msg("%s:%d: %s", path, error.line, error.text);
    return list;
}

static size_t from_hex(const char *hex, char ret[FROM_HEX_MAX]) {
    size_t size = strlen(hex) / 2;
    assert_true(size <= FROM_HEX_MAX);
    for (size_t i = 0; i < size; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        ret[i] = (char)strtoul(byte, NULL, 16);
    }
    return size;
}

/* From an allocation of exactly that size, so that the sanitizer sees every byte read beyond. */
static int unpack(const char *data, size_t size, struct sw_msg **ret) {
    char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    int r = sw_msg_unpack(exact, size, ret);
    free(exact);
    return r;
}

static void expect_meaning(const char *name, const struct sw_msg *m, const json_t *envelope) {
    json_t *is = json_pack("{s:i, s:s, s:s, s:s, s:I, s:O, s:O}", "v", 1, "k", m->kind, "c", m->cmd,
                           "i", m->inst, "t", (json_int_t)m->born_ms, "b", m->body, "s", m->boxes);
    if (m->parent[0]) json_object_set_new(is, "p", json_string(m->parent));
    if (!json_equal(is, envelope)) {
        char *text = json_dumps(is, JSON_COMPACT);
        fail_msg("%s: means %s", name, text);
    }
    json_decref(is);
}

static void expect_bytes(const char *name, const struct sw_msg *m, const char *data, size_t size) {
    char *packed;
    size_t packed_size;
    assert_int_equal(sw_msg_pack(m, &packed, &packed_size), 0);
    if (packed_size != size || memcmp(packed, data, size) != 0) {
        fail_msg("%s: packed as %zu other bytes, wanted %zu", name, packed_size, size);
    }
    free(packed);
}

static void agrees_with_every_golden_vector(void **state) {
    (void)state;
    json_t *list = vectors();
    json_t *vector;
    size_t i, good = 0;
    json_array_foreach(list, i, vector) {
        char data[FROM_HEX_MAX];
        const char *name = sw_str(vector, "name");
        const char *error = sw_str(vector, "error");
        size_t size = from_hex(sw_str(vector, "hex"), data);
        int want = strcmp(error, "EBADMSG") == 0           ? -EBADMSG
                   : strcmp(error, "EPROTONOSUPPORT") == 0 ? -EPROTONOSUPPORT
                                                           : 0;
        struct sw_msg *m = NULL;
        int r = unpack(data, size, &m);
        if (r != want) fail_msg("%s: %d, wanted %d", name, r, want);
        if (r < 0) {
            assert_null(m); /* untouched on failure */
            continue;
        }
        good++;
        expect_meaning(name, m, json_object_get(vector, "envelope"));
        if (json_is_true(json_object_get(vector, "canonical"))) expect_bytes(name, m, data, size);
        sw_msg_destroy(m);
    }
    assert_true(good >= 10 && json_array_size(list) - good >= 40);
    json_decref(list);
}

static struct sw_msg *sample(void) {
    struct sw_msg *m = sw_msg_create("command.v1", "01J9ZC3", "T0SIM1", 1728000000123);
    json_object_set_new(m->body, "line", json_string("promote storefront to production"));
    json_object_set_new(m->body, "list", json_pack("[i, n, b, f, {s:s}]", 1, 1, 0.25, "a", "ž"));
    sw_msg_set_box(m, "response_url", "1.ingress.responder.AAAA");
    return m;
}

static void refuses_every_prefix_of_an_envelope(void **state) {
    (void)state;
    struct sw_msg *m = sample(), *back = NULL;
    char *data;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &data, &size), 0);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(unpack(data, i, &back), -EBADMSG);
    }
    free(data);
    sw_msg_destroy(m);
}

/* Whatever arrives is refused, or is an envelope that can be sent on and means the same there. */
static bool survives(const char *data, size_t size) {
    struct sw_msg *m = NULL, *again = NULL;
    char *packed;
    size_t packed_size;
    if (unpack(data, size, &m) < 0) {
        assert_null(m);
        return false;
    }
    assert_int_equal(sw_msg_pack(m, &packed, &packed_size), 0);
    assert_int_equal(unpack(packed, packed_size, &again), 0);
    assert_true(json_equal(m->body, again->body) && json_equal(m->boxes, again->boxes));
    free(packed);
    sw_msg_destroy(again);
    sw_msg_destroy(m);
    return true;
}

static void survives_every_flipped_bit_of_every_vector(void **state) {
    (void)state;
    json_t *list = vectors();
    json_t *vector;
    size_t i, accepted = 0;
    json_array_foreach(list, i, vector) {
        char data[FROM_HEX_MAX];
        size_t size = from_hex(sw_str(vector, "hex"), data);
        if (size > 300) continue;
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (char)(1 << bit % 8);
            accepted += survives(data, size);
            data[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    assert_true(accepted > 1000);
    json_decref(list);
}

static json_t *any_value(unsigned depth) {
    char text[8];
    json_t *value;
    switch (rand_r(&seed) % (depth ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rand_r(&seed) % 2);
    case 2:
        return json_integer(
            (json_int_t)(((uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed)) >>
                         rand_r(&seed) % 64));
    case 3:
        return json_integer(-(json_int_t)(rand_r(&seed) >> rand_r(&seed) % 31));
    case 4:
        return json_real(rand_r(&seed) / 7.0 - 1e8);
    case 5:
        snprintf(text, sizeof(text), "%x", (unsigned)rand_r(&seed) % 65536);
        return json_stringn(text, (size_t)rand_r(&seed) % (strlen(text) + 1));
    case 6:
        value = json_array();
        for (int n = rand_r(&seed) % 20; n > 0; n--) {
            json_array_append_new(value, any_value(depth - 1));
        }
        return value;
    default:
        value = json_object();
        for (int n = rand_r(&seed) % 20; n > 0; n--) {
            snprintf(text, sizeof(text), "k%d", rand_r(&seed) % 1000);
            json_object_set_new(value, text, any_value(depth - 1));
        }
        return value;
    }
}

static void any_value_comes_back_as_it_was(void **state) {
    (void)state;
    seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 500; i++) {
        json_t *value = any_value(3), *back;
        char *data;
        size_t size;
        assert_int_equal(sw_value_pack(value, &data, &size), 0);
        assert_int_equal(sw_value_unpack(data, size, &back), 0);
        assert_true(json_equal(value, back));
        json_decref(value);
        json_decref(back);
        free(data);
    }
}

static json_t *text_of(size_t size) {
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    json_t *value = json_stringn(text, size);
    free(text);
    return value;
}

static void an_envelope_ends_at_64_kib(void **state) {
    (void)state;
    struct sw_msg *m = sw_msg_create("reply.v1", "c", "i", 0), *back = NULL;
    char *data;
    size_t size, text_size = 65536 - 64;
    json_object_set_new(m->body, "x", text_of(text_size));
    assert_int_equal(sw_msg_pack(m, &data, &size), 0);
    text_size += SW_MSG_MAX_BYTES - size;
    free(data);

    json_object_set_new(m->body, "x", text_of(text_size));
    assert_int_equal(sw_msg_pack(m, &data, &size), 0);
    assert_int_equal(size, SW_MSG_MAX_BYTES);
    assert_int_equal(unpack(data, size, &back), 0);
    sw_msg_destroy(back);
    char *longer = calloc(1, size + 1);
    memcpy(longer, data, size);
    assert_int_equal(sw_msg_unpack(longer, size + 1, &back), -EMSGSIZE);
    free(longer);
    free(data);

    json_object_set_new(m->body, "x", text_of(text_size + 1));
    assert_int_equal(sw_msg_pack(m, &data, &size), -EMSGSIZE);
    sw_msg_destroy(m);
}

static void a_value_ends_at_1_mib(void **state) {
    (void)state;
    char *data;
    size_t size;
    json_t *value = text_of(SW_VALUE_MAX_BYTES - 5), *back;
    assert_int_equal(sw_value_pack(value, &data, &size), 0);
    assert_int_equal(size, SW_VALUE_MAX_BYTES);
    assert_int_equal(sw_value_unpack(data, size, &back), 0);
    assert_true(json_equal(value, back));
    json_decref(value);
    json_decref(back);
    free(data);
    value = text_of(SW_VALUE_MAX_BYTES - 4);
    assert_int_equal(sw_value_pack(value, &data, &size), -EMSGSIZE);
    json_decref(value);
}

/* What the other side refuses is refused here, where the handler that did it can be named. */
static void packs_nothing_that_would_not_be_unpacked(void **state) {
    (void)state;
    char name[300], *data;
    size_t size;
    struct sw_msg *m = sw_msg_create("reply.v1", "c", "i", 0);
    for (int i = 0; i <= SW_MSG_MAX_BOXES; i++) {
        snprintf(name, sizeof(name), "box%d", i);
        sw_msg_set_box(m, name, "1.a.b.C");
    }
    assert_int_equal(sw_msg_pack(m, &data, &size), -EBADMSG);
    sw_msg_set_box(m, "box0", NULL);
    assert_int_equal(sw_msg_pack(m, &data, &size), 0);
    free(data);

    memset(name, 'k', 256);
    name[256] = 0;
    json_object_set_new(m->body, name, json_true());
    assert_int_equal(sw_msg_pack(m, &data, &size), -EBADMSG);
    json_object_clear(m->body);

    json_t *deep = json_true();
    for (int i = 0; i < 15; i++) {
        deep = json_pack("[o]", deep);
    }
    json_object_set_new(m->body, "deep", deep);
    assert_int_equal(sw_msg_pack(m, &data, &size), -EBADMSG);
    sw_msg_destroy(m);
}

static void what_a_message_causes_carries_its_command_and_boxes(void **state) {
    (void)state;
    struct sw_msg *in = sample();
    struct sw_msg *m = sw_msg_from(in, "granted.v1", json_pack("{s:i}", "version", 3));
    struct sw_msg *empty = sw_msg_from(in, "ungranted.v1", NULL);
    assert_string_equal(m->kind, "granted.v1");
    assert_string_equal(m->cmd, in->cmd);
    assert_string_equal(m->inst, in->inst);
    assert_int_equal(m->born_ms, in->born_ms);
    assert_int_equal(sw_int(m->body, "version"), 3);
    assert_string_equal(sw_msg_box(m, "response_url"), "1.ingress.responder.AAAA");
    assert_int_equal(json_object_size(empty->body), 0);

    /* Its own set of boxes: what one adds or removes, the other does not see. */
    sw_msg_set_box(m, "token", "1.auth.executor.BBBB");
    sw_msg_set_box(empty, "response_url", NULL);
    assert_null(sw_msg_box(in, "token"));
    assert_null(sw_msg_box(empty, "response_url"));
    assert_non_null(sw_msg_box(in, "response_url"));
    sw_msg_destroy(empty);
    sw_msg_destroy(m);
    sw_msg_destroy(in);
    sw_msg_destroy(NULL);
}

static void reads_absent_and_other_types_as_nothing(void **state) {
    (void)state;
    json_t *o = json_pack("{s:s, s:i, s:n}", "text", "t", "number", 7, "nil");
    assert_string_equal(sw_str(o, "text"), "t");
    assert_string_equal(sw_str(o, "number"), "");
    assert_string_equal(sw_str(o, "nil"), "");
    assert_string_equal(sw_str(o, "absent"), "");
    assert_string_equal(sw_str(NULL, "text"), "");
    assert_int_equal(sw_int(o, "number"), 7);
    assert_int_equal(sw_int(o, "text"), 0);
    assert_int_equal(sw_int(NULL, "number"), 0);
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_every_golden_vector),
        cmocka_unit_test(refuses_every_prefix_of_an_envelope),
        cmocka_unit_test(survives_every_flipped_bit_of_every_vector),
        cmocka_unit_test(any_value_comes_back_as_it_was),
        cmocka_unit_test(an_envelope_ends_at_64_kib),
        cmocka_unit_test(a_value_ends_at_1_mib),
        cmocka_unit_test(packs_nothing_that_would_not_be_unpacked),
        cmocka_unit_test(what_a_message_causes_carries_its_command_and_boxes),
        cmocka_unit_test(reads_absent_and_other_types_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
