/* test_grammar_slack.c -- what Slack and keyboards make of a text, where a mistake is marked, and that time grows no
 * faster than the text; see actors/grammar.h. */
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

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static void what_slack_makes_of_a_text_is_undone(void **state) {
    static const struct {
        const char *typed, *ref; /* after "deploy x/"; NULL: it is not one word then */
    } rows[] = {
        {"a&amp;b", "a&b"},
        {"a&lt;b&gt;c", "a<b>c"},
        {"a&amp;lt;b", "a&lt;b"}, /* once */
        {"a&ampb&;&amp", "a&ampb&;&amp"},
        {"a&quot;b", "a&quot;b"}, /* Slack escapes three */
        {"<@U024BE7LH|bob>", "@bob"},
        {"<@U024BE7LH>", "@U024BE7LH"},
        {"<!here>", "@here"},
        {"<!subteam^S1|@ops>", "@ops"},
        {"<https://x.example/a&amp;b>", "https://x.example/a&b"},
        {"<http://main.example|main.example>", "main.example"},
        {"<mailto:a@b.example|a@b.example>", "a@b.example"},
        {"<https://x|a b>", NULL},
        {"<https://x|>", "https://x"},
        {"<https://x|a|b>", "a|b"},
        {"<x>", "<x>"},
        {"<>", "<>"},
        {"<@>", "<@>"},
        {"<https", "<https"},
        {"<https://x", "<https://x"},
        {"<<@U1|bob>>", "<@bob>"},
        {"<@U1<@U2|bob>", "<@U1@bob"},
        {"<HTTPS://x>", "<HTTPS://x>"},
        {"<#C1|ops>", "<#C1|ops>"}, /* it says which channel: stays */
        {"\xe2\x80\x98\xe2\x80\x99\xe2\x80\x9a\xe2\x80\x9b", "''''"},
        {"\xe2\x80\x9c\xe2\x80\x9d\xe2\x80\x9e\xe2\x80\x9f", "\"\"\"\""},
        {"a\xe2\x80\x90\xe2\x80\x91\xe2\x80\x92\xe2\x80\x93\xe2\x80\x94\xe2\x80\x95\xe2\x88\x92"
         "b",
         "a-------b"},
        {"\xe2\x80\xa6\xe2\x82\xac", "\xe2\x80\xa6\xe2\x82\xac"}, /* other characters stay */
        {"a\xc2\xa0"
         "b\xe2\x80\xaf"
         "c",
         "a\xc2\xa0"
         "b\xe2\x80\xaf"
         "c"}, /* no blanks */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256] = "deploy x/";
        json_t *o;
        const char *ref;

        strcat(text, rows[i].typed);
        o = sw_grammar_parse(text, strlen(text));
        ref = text_of(o, "branch");
        if (rows[i].ref ? !ref || strcmp(ref, rows[i].ref) : ref != NULL) {
            fail_msg("[%s] is %s", rows[i].typed, ref ? ref : "null");
        }
        json_decref(o);
    }
}

/* Keyboards that know better do so in names, too. */
static void typography_does_not_hide_a_name(void **state) {
    static const char text[] = "promote store\xe2\x80\x93"
                               "front to &lt;prod&gt;";
    static const char good[] = "promote <http://store.io|store.io> from stg";
    json_t *o = sw_grammar_parse(text, strlen(text)), *e = sw_grammar_explain(text, strlen(text));

    (void)state;
    assert_null(text_of(o, "pipeline"));
    assert_string_equal(text_of(e, "line"), "promote store-front to <prod>");
    assert_string_equal(text_of(e, "what"), "'<prod>' is not a stage");
    json_decref(o);
    json_decref(e);
    o = sw_grammar_parse(good, strlen(good));
    assert_string_equal(text_of(o, "pipeline"), "store.io");
    json_decref(o);
}

static void the_mistake_is_marked_under_the_line(void **state) {
    static const struct {
        const char *text, *line, *mark;
    } rows[] = {
        {"promote x to prod", "promote x to prod", NULL},
        {"promote x please", "promote x please", "          ^^^^^^"},
        {"promote", "promote", "        ^"},
        {"promote  ", "promote", "        ^"},
        {"", "", "^"},
        {"  promote x", "  promote x", "^"},
        {"Promote x", "Promote x", "^^^^^^^"},
        {"prmote x", "prmote x", "^^^^^^"},
        {"promote:a x", "promote:a x", "        ^"},
        {"promote! X", "promote! X", "         ^"},
        {"promote x to", "promote x to", "             ^"},
        {"promote x to a from  b", "promote x to a from  b", "               ^^^^^^^"},
        {"promote x/y", "promote x/y", "        ^^^"},
        {"promote x 123456 no", "promote x [code] no", "                 ^^"},
        {"promote x 1234567", "promote x [code]", "          ^^^^^^"},
        {"promote x \xc3\xa9t\xc3\xa9 \xc3\xa0", "promote x \xc3\xa9t\xc3\xa9 \xc3\xa0",
         "          ^^^"},
        {"promote \xc3\xa9\xc3\xa9", "promote \xc3\xa9\xc3\xa9", "        ^^"},
        {"promote <@U1|bob> now", "promote @bob now", "        ^^^^"},
        {"deploy x <#C1|ops> now", "deploy x #ops now", "         ^^^^"},
        {"deploy <#C1|ops>", "deploy #ops", "       ^^^^"},
        {"deploy x/<#C1> y", "deploy x/#C1 y", "             ^"},
        {"deploy x/\xff", "deploy x/\xef\xbf\xbd", "         ^"},
        {"restart x in stg web\tb", "restart x in stg web b", "                 ^^^^^"},
        {"route x to", "route x to", "           ^"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *e = sw_grammar_explain(rows[i].text, strlen(rows[i].text));
        const char *mark = text_of(e, "mark");

        assert_string_equal(text_of(e, "line"), rows[i].line);
        if (rows[i].mark ? !mark || strcmp(mark, rows[i].mark) : mark != NULL) {
            fail_msg("[%s] is marked [%s]", rows[i].text, mark ? mark : "null");
        }
        if (mark) {
            assert_int_equal(json_integer_value(json_object_get(e, "at")), strspn(mark, " "));
        } else {
            assert_true(json_is_null(json_object_get(e, "at")));
        }
        json_decref(e);
    }
}

static size_t characters(const char *text) {
    size_t n = 0;

    for (; *text; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

/* Wherever it is in whatever text: a mark has blanks, then ^, and ends with the line or one place after. */
static void a_mark_never_leaves_its_line(void **state) {
    static const char *const heads[] = {"", "promote ", "promote x to ", "lock x because ",
                                        "deploy x/"};
    static const char *const tails[] = {
        "a", " ", "\xc3\xa9", "\xf0\x9f\x9a\x80", "123456 ", "<#C1|a> ", "\xff", "\n", "&lt;"};
    char *text = malloc(5000);

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (size_t j = 0; j < sizeof tails / sizeof *tails; j++) {
            for (size_t times = 0; times < 600; times += 1 + times / 3) {
                size_t size = strlen(strcpy(text, heads[i]));
                json_t *e;
                const char *mark;

                for (size_t n = 0; n < times; n++, size += strlen(tails[j])) {
                    strcpy(text + size, tails[j]);
                }
                strcpy(text + size, " !");
                e = sw_grammar_explain(text, size + 2);
                mark = text_of(e, "mark");
                assert_true(strlen(text_of(e, "line")) <= SW_GRAMMAR_LINE_BYTES);
                if (mark) {
                    size_t blanks = strspn(mark, " ");

                    assert_true(mark[blanks] == '^');
                    assert_int_equal(blanks + strspn(mark + blanks, "^"), strlen(mark));
                    assert_true(strlen(mark) <= characters(text_of(e, "line")) + 2);
                }
                json_decref(e);
            }
        }
    }
    free(text);
}

/* The least of a few times of one parse and one explain, so that nobody else in the way counts. */
static double parse_ms(const char *text, size_t size) {
    double least = 1e9;

    for (int i = 0; i < 3; i++) {
        struct timespec from, to;
        double ms;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        json_decref(sw_grammar_parse(text, size));
        json_decref(sw_grammar_explain(text, size));
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
        least = ms < least ? ms : least;
    }
    return least;
}

/* Four times the text may take eight times as long, where a square would be sixteen; the shape of the text stays. */
static void time_grows_no_faster_than_the_text(void **state) {
    static const char *const heads[] = {
        "",
        "lock x because ",
        "route x to ",
        "restart x in ",
        "cancel ",
        "rollback x to v",
        "deploy x/",
        "route x to #a only ci ",
        "route x to #a branch ",
    };
    static const char *const tails[] = {
        "<",       "<#", "<#C1|",    "<@U1|", "<https:",      "&amp;",   "&",     "because ",
        "<#C1|a>", "a|", "123 ",     "c",     "\xe2\x80\x93", "\xe2",    "\0x",   " to",
        " in ",    ".1", "\xc3\xa9", ",",     "ci,",          "ci and ", "&lt;#",
    };
    const size_t small = SW_GRAMMAR_MAX_BYTES / 8 - 8;
    char *text = malloc(SW_GRAMMAR_MAX_BYTES);

    (void)state;
    parse_ms("help", 4); /* the patterns are compiled at the first use */
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (size_t j = 0; j < sizeof tails / sizeof *tails; j++) {
            size_t size = strlen(heads[i]);
            size_t step = strlen(tails[j]) > 0 ? strlen(tails[j]) : 2; /* that with a NUL */
            double one = 0, four = 1e9;

            memcpy(text, heads[i], size);
            for (; size + step < 4 * small; size += step) {
                memcpy(text + size, tails[j], step);
            }
            /* Not if the machine was slow for a moment: one that is square is so every time. */
            for (int tries = 0; tries < 3 && four > 8 * one + 0.2; tries++) {
                one = parse_ms(text, small);
                four = parse_ms(text, size);
            }
            if (four > 8 * one + 0.2) {
                fail_msg("%s then many [%s]: %.3f ms, then %.3f", heads[i], tails[j], one, four);
            }
        }
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_slack_makes_of_a_text_is_undone),
        cmocka_unit_test(typography_does_not_hide_a_name),
        cmocka_unit_test(the_mistake_is_marked_under_the_line),
        cmocka_unit_test(a_mark_never_leaves_its_line),
        cmocka_unit_test(time_grows_no_faster_than_the_text),
    };

    return cmocka_run_group_tests_name("grammar_slack", tests, NULL, NULL);
}
