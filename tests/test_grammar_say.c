/* test_grammar_say.c -- what is said about a line, and what hostile bytes cannot do; see actors/grammar.h. */
#include "actors/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODHEX32 "cccccbdefghijklnrtuvcbdefghijkln"
#define MODHEX44 MODHEX32 "rtuvcbdefghi"

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static void nul_is_a_character_like_others(void **state) {
    static const char ref[] = "deploy x/a\0b to y/\0";
    static const char task[] = "promote\0 x";
    json_t *o = sw_grammar_parse(ref, sizeof ref - 1);

    (void)state;
    assert_true(json_is_true(json_object_get(o, "valid")));
    assert_int_equal(json_string_length(json_object_get(o, "branch")), 3);
    assert_memory_equal(text_of(o, "branch"), "a\0b", 3);
    assert_int_equal(json_string_length(json_object_get(o, "application")), 1);
    json_decref(o);
    o = sw_grammar_parse(task, sizeof task - 1);
    assert_string_equal(text_of(o, "task"), "promote");
    assert_true(json_is_false(json_object_get(o, "valid")));
    assert_null(text_of(o, "pipeline"));
    json_decref(o);
}

static void bytes_that_are_not_utf8_are_refused_and_still_shown(void **state) {
    static const char *const texts[] = {
        "deploy x/\xff",         "deploy x/\xc0\xaf",
        "deploy x/\xed\xa0\x80", "deploy x/\xf4\x90\x80\x80",
        "deploy x/\xe2\x82",     "deploy:\xfe x",
        "promote x to y/\xf5",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *o = sw_grammar_parse(texts[i], strlen(texts[i]));
        char *dump = json_dumps(o, 0);

        assert_non_null(dump);
        assert_true(json_is_false(json_object_get(o, "valid")));
        assert_null(text_of(o, "branch"));
        free(dump);
        json_decref(o);
    }
}

static void examples_of_every_command_are_valid(void **state) {
    size_t commands = 0;

    (void)state;
    const struct sw_command *c;

    for (; (c = sw_grammar_command_at(commands)); commands++) {
        assert_ptr_equal(sw_grammar_command(c->name), c);
        assert_true(strlen(c->summary) > 10 && strlen(c->summary) < 100);
        assert_int_equal(strncmp(c->usage, c->name, strlen(c->name)), 0);
        assert_non_null(c->examples[0]);
        for (size_t i = 0; i < 4 && c->examples[i]; i++) {
            json_t *o = sw_grammar_parse(c->examples[i], strlen(c->examples[i]));
            json_t *e = sw_grammar_explain(c->examples[i], strlen(c->examples[i]));

            assert_true(json_is_true(json_object_get(o, "valid")));
            if (strcmp(c->name, "help")) {
                assert_string_equal(text_of(e, "command"), c->name);
            }
            json_decref(o);
            json_decref(e);
        }
    }
    assert_int_equal(commands, 24);
    assert_string_equal(sw_grammar_command("pipeline")->name, "pipelines");
    assert_string_equal(sw_grammar_command("pipelines:info")->name, "info");
    assert_null(sw_grammar_command("promote:x"));
    assert_null(sw_grammar_command(""));
}

static void a_near_miss_names_the_nearest_command(void **state) {
    static const char *const near[][2] = {
        {"promot", "promote"},
        {"porm ote", NULL},
        {"pormote", "promote"},
        {"Promote", "promote"},
        {"DEPLOY", "deploy"},
        {"deplyo", "deploy"},
        {"pipline", "pipelines"},
        {"release", "releases"},
        {"hlep", "help"},
        {"signin", NULL},
        {"logon", "login"},
        {"lgout", "logout"},
        {"", NULL},
        {"a", NULL},
        {"storefront", NULL},
        {"inf", "info"},
        {"xy", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const char *is = sw_grammar_nearest(near[i][0], strlen(near[i][0]));

        if (near[i][1] ? !is || strcmp(is, near[i][1]) : i != 1 && is != NULL) {
            fail_msg("%s is near %s, expected %s", near[i][0], is, near[i][1]);
        }
    }
}

static void expect_explained(const char *text, const char *key, const char *want) {
    json_t *e = sw_grammar_explain(text, strlen(text));
    const char *is = text_of(e, key);

    if ((is == NULL) != (want == NULL) || (is && strcmp(is, want))) {
        fail_msg("[%s]: %s is %s, expected %s", text, key, is ? is : "null", want ? want : "null");
    }
    json_decref(e);
}

static void the_line_never_holds_a_code(void **state) {
    static const char *const lines[][2] = {
        {"promote x from a to b 123456", "promote x from a to b"},
        {"promote x   123456 ", "promote x"},
        {"promote x " MODHEX44, "promote x"},
        {"deploy x/123456 123456", "deploy x/123456"},
        {"promote 123456", "promote 123456"},
        {"promote x to 123456", "promote x to [code]"},
        {"deploy x/main in 123456/a 654321", "deploy x/main in [code]/a"},
        {"promote x 123456 to y", "promote x [code] to y"},
        {"promote x please " MODHEX44, "promote x please [code]"},
        {"promote x please CCCCCBDEFGHIJKLNRTUVCBDEFGHIJKLN", "promote x please [code]"},
        {"promote x 123 456", "promote x [code]"},
        {"promote x 123-456.", "promote x [code]."},
        {"promote x 1234567", "promote x [code]"},
        {"prmote x 123456", "prmote x [code]"},
        {"pipelines 123456", "pipelines [code]"},
        {"help 123456", "help [code]"},
        {"promote x v42 now", "promote x v42 now"},
        {"promote\tx\ny\x01", "promote x y "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        json_t *o = sw_grammar_parse(lines[i][0], strlen(lines[i][0]));

        expect_explained(lines[i][0], "line", lines[i][1]);
        if (text_of(o, "error")) {
            assert_null(strstr(text_of(o, "error"), "123456"));
            assert_null(strstr(text_of(o, "error"), "cccccbd"));
        }
        json_decref(o);
    }
}

static void help_knows_its_topic_and_unknown_words_their_neighbour(void **state) {
    (void)state;
    expect_explained("help promote", "topic", "promote");
    expect_explained("help:promote", "topic", "promote");
    expect_explained("help pipelines:info", "topic", "info");
    expect_explained("help", "topic", NULL);
    expect_explained("help", "unknown", NULL);
    expect_explained("help prmote", "unknown", "prmote");
    expect_explained("help prmote", "suggestion", "promote");
    expect_explained("help prmote", "what", NULL);
    expect_explained("prmote x", "unknown", "prmote");
    expect_explained("prmote:y x", "unknown", "prmote");
    expect_explained("prmote x", "suggestion", "promote");
    expect_explained("Promote x", "suggestion", "promote");
    expect_explained("", "unknown", NULL);
    expect_explained(" promote x", "unknown", NULL);
    expect_explained("promote x y", "unknown", NULL);
    expect_explained("promote x y", "command", "promote");
    expect_explained("promote x y", "what", "'y' has no meaning at this place");
    expect_explained("pipelines:info", "command", "info");
}

static double parse_ms(const char *text, size_t size) {
    struct timespec from, to;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    json_decref(sw_grammar_parse(text, size));
    json_decref(sw_grammar_explain(text, size));
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* A text that is not linear takes minutes; sanitizers make each byte dearer, not the shape worse. The
 * bound is for one parse and one explain. */
#if defined(__SANITIZE_ADDRESS__)
#define MOST_MS 100
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOST_MS 100
#endif
#endif
#ifndef MOST_MS
#define MOST_MS 10
#endif

static void hostile_texts_take_linear_time(void **state) {
    static const char *const heads[] = {
        "",         "promote ",          "promote x ",      "promote x from a/",
        "promote:", "promote x from a ", "deploy x/",       "deploy x to y/a ",
        "help ",    "releases x ",       "pipelines:info ", "pipelines ",
    };
    static const char *const tails[] = {
        "a",   " ", "a/", " from a", " to", "c",        "1",    "1 ",
        "12-", "!", ":",  "\t",      "\n",  "\xc3\xa9", "\xff",
    };
    char *text = malloc(SW_GRAMMAR_MAX_BYTES);

    (void)state;
    parse_ms("help", 4); /* the patterns are compiled at the first use */
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (size_t j = 0; j < sizeof tails / sizeof *tails; j++) {
            size_t size = strlen(heads[i]), step = strlen(tails[j]);
            double ms;

            memcpy(text, heads[i], size);
            for (; size + step + 2 < SW_GRAMMAR_MAX_BYTES; size += step) {
                memcpy(text + size, tails[j], step);
            }
            text[size++] = '!';
            ms = parse_ms(text, size);
            for (int tries = 1; ms >= MOST_MS && tries < 5; tries++) {
                double again = parse_ms(text, size); /* another process may have been in the way */
                if (again < ms) ms = again;
            }
            if (ms >= MOST_MS) {
                fail_msg("%s then many [%s]: %.1f ms", heads[i], tails[j], ms);
            }
        }
    }
    free(text);
}

static void a_text_over_the_limit_is_refused(void **state) {
    size_t size = SW_GRAMMAR_MAX_BYTES + 1;
    char *text = malloc(size);
    json_t *o;

    (void)state;
    memset(text, ' ', size);
    memcpy(text, "promote x", 9);
    o = sw_grammar_parse(text, size);
    assert_true(json_is_false(json_object_get(o, "valid")));
    assert_non_null(strstr(text_of(o, "error"), "longer than 65536 bytes"));
    json_decref(o);
    o = sw_grammar_parse(text, size - 1);
    assert_true(json_is_true(json_object_get(o, "valid")));
    json_decref(o);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nul_is_a_character_like_others),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused_and_still_shown),
        cmocka_unit_test(examples_of_every_command_are_valid),
        cmocka_unit_test(a_near_miss_names_the_nearest_command),
        cmocka_unit_test(the_line_never_holds_a_code),
        cmocka_unit_test(help_knows_its_topic_and_unknown_words_their_neighbour),
        cmocka_unit_test(hostile_texts_take_linear_time),
        cmocka_unit_test(a_text_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests_name("grammar_say", tests, NULL, NULL);
}
