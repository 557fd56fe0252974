/* test_cli_trace.c -- from the entries of a story to what `slipway trace` prints. */
#include "actors/cli_trace.h"
#include "common/mem.h"
#include "common/story_read.h"
#include "proto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BORN 1795801714000
#define MS(n) (BORN + (n))
#define HEAD                                                                                       \
    "c1  T1  came in at 2026-11-27T17:48:34Z\n\n"                                                  \
    "      at s  actor     waited ms    took ms  process   what\n"

struct line {
    int64_t at_ms;
    const char *words;
};

static json_t *steps_of(const struct line *lines) {
    json_t *steps = json_array();
    for (; lines->words; lines++) {
        json_t *step = sw_story_step(lines->words, MS(lines->at_ms));
        if (!step) fail_msg("no step: %s", lines->words);
        json_array_append_new(steps, step);
    }
    sw_story_join(steps);
    return steps;
}

/* A story of these; `owed` and `audit` are JSON. */
static json_t *story_of(const struct line *lines, const char *owed, const char *audit) {
    json_t *story = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "command", "c1", "installation",
                              "T1", "born_ms", (json_int_t)BORN, "steps", steps_of(lines), "owed",
                              json_loads(owed, 0, NULL), "audit", json_loads(audit, 0, NULL));
    assert_non_null(story);
    json_object_set_new(story, "ended", sw_story_ended(story));
    return story;
}

static void expect_text(const struct line *lines, const char *owed, const char *audit,
                        const char *want) {
    SW_AUTO(sw_json) json_t *story = story_of(lines, owed, audit);
    SW_AUTO(sw_text) char *text = NULL;
    size_t size;
    FILE *real = stdout;
    stdout = open_memstream(&text, &size);
    sw_cli_trace_print(story);
    fclose(stdout);
    stdout = real;
    assert_string_equal(text, want);
}

static const struct line promote[] = {
    {3, "h c1 T1 parser slash.v1 7-1 1795801714000 1795801714002 50 1 aaaaaaaa sauth=7-1"},
    {5, "h c1 T1 auth command.v1 7-1 1795801714000 1795801714004 1234 2 bbbbbbbb sexecutor=7-1"},
    {7, "h c1 T1 executor granted.v1 7-1 1795801714000 1795801714006 60 1 cccccccc t5000 aasked "
        "f2=heroku"},
    {90, "e c1 T1 executor 7-1.0.2 heroku POST /apps/:x/builds unsure 503 2 1795801714010 80 "
         "cccccccc once sexecutor=7-2"},
    {91, "h c1 T1 executor executor.http.v1 7-2 1795801714000 1795801714091 60 1 cccccccc t200"},
    {300, "h c1 T1 executor executor.timer.v1 7-3 1795801714000 1795801714299 60 1 cccccccc "
          "adone rthread=promote.phase Rparent=promote sresponder=7-1 zlater"},
    {0, NULL}};

static void a_promote_reads_as_it_went(void **state) {
    (void)state;
    expect_text(
        promote, "[]",
        "[{\"at_ms\":1795801714007,\"who\":{\"user\":\"U1\"},\"line\":\"promote "
        "\\u001b[2Jx\",\"outcome\":\"asked\"},{\"at_ms\":1795801714300,\"who\":{\"user\":\"U1\"},"
        "\"line\":\"promote "
        "x\",\"outcome\":\"done\"},{\"at_ms\":1795801715000,\"who\":{\"operator\":"
        "\"a@b\"},\"line\":\"slipway dead drop 1/7-1\",\"outcome\":\"done\"}]",
        HEAD
        "     0.000  ingress                                     took it in\n"
        "     0.003  parser            2       0.05  aaaaaaaa  slash.v1 -> auth\n"
        "     0.005  auth              1       1.23  bbbbbbbb  command.v1 -> executor; try 2\n"
        "     0.007  executor          1       0.06  cccccccc  granted.v1; audit: asked\n"
        "     0.090  executor                    80  cccccccc  POST heroku /apps/:x/builds: 503 "
        "unsure, 2 tries (it may have happened)\n"
        "     0.091  executor          1       0.06  cccccccc  executor.http.v1\n"
        "     0.300  executor                  0.06  cccccccc  executor.timer.v1 -> responder; "
        "audit: done; tells thread promote.phase, parent promote (the end)\n"
        "\nowed: nothing\n"
        "audit: 2026-11-27T17:48:34Z  U1  promote ?[2Jx  asked\n"
        "audit: 2026-11-27T17:48:34Z  U1  promote x  done\n"
        "audit: 2026-11-27T17:48:35Z  a@b  slipway dead drop 1/7-1  done\n"
        "ended: done after 0.300 s\n");
}

static void what_is_owed_says_that_it_has_not_ended(void **state) {
    static const struct line one[] = {
        {3, "h c1 T1 executor cancel.v1 7-9 1795801714000 1795801714002 50 1 aaaaaaaa"}, {0, NULL}};
    (void)state;
    expect_text(one,
                "[{\"what\":\"message\",\"actor\":\"auth\",\"lane\":\"urgent\",\"kind\":\"command."
                "v1\"},{\"what\":\"effect\",\"actor\":\"executor\",\"upstream\":\"heroku\","
                "\"method\":\"POST\",\"path\":\"/apps/:x/"
                "builds\",\"started\":true},{\"what\":\"timer\",\"actor\":\"executor\",\"kind\":"
                "\"executor.timer.v1\",\"due_ms\":1795801715000}]",
                "[]",
                HEAD "                                                        (what came before is "
                     "not kept any more)\n"
                     "     0.003  executor                  0.05  aaaaaaaa  cancel.v1\n"
                     "\nowed: message of auth, command.v1, urgent lane\n"
                     "owed: effect of executor, POST heroku /apps/:x/builds, perhaps under way\n"
                     "owed: timer of executor, executor.timer.v1, due 2026-11-27T17:48:35Z\n"
                     "not ended\n");
}

/* How it ended, by the last line. */
static void the_end_is_what_the_person_was_told_last(void **state) {
#define PARSED "h c1 T1 parser slash.v1 7-1 1795801714000 1795801714002 50 1 aaaaaaaa"
    static const struct {
        struct line lines[3];
        const char *owed, *audit, *how;
        int64_t after_ms;
    } rows[] = {
        {{{3, PARSED " Rprivate=help"}}, "[]", "[]", "answered", 3},
        {{{3, PARSED " rprivate=help"}}, "[]", "[]", "without an answer", 3},
        {{{3, PARSED}}, "[{\"what\":\"timer\"}]", "[]", NULL, 0},
        /* What goes on behind the end does not undo it. */
        {{{3, PARSED " Rparent=promote"}, {9, PARSED}},
         "[{\"what\":\"timer\"}]",
         "[{\"outcome\":\"asked\"},{\"outcome\":\"failed\"}]",
         "failed",
         3},
        {{{3, PARSED " Rparent=promote"}}, "[]", "[{\"outcome\":\"asked\"}]", "answered", 3},
        {{{3, PARSED " xpoison Rprivate=error.internal"}}, "[]", "[]", "dead letter", 3},
        /* A letter that was retried is none any more; what an operator did is not how the command ended. */
        {{{3, PARSED " xrefused"}, {9, PARSED " Rprivate=help"}},
         "[]",
         "[{\"who\":{\"operator\":\"a@b\"},\"at_ms\":1795801714005,\"line\":\"slipway dead retry "
         "1/7-1\",\"outcome\":\"done\"}]",
         "answered",
         9},
        {{{3, PARSED " xrefused"}, {9, PARSED " xrefused"}},
         "[]",
         "[{\"who\":{\"operator\":\"a@b\"},\"at_ms\":1795801714005,\"line\":\"slipway dead retry "
         "1/7-1\",\"outcome\":\"done\"}]",
         "dead letter",
         9},
        {{{3, PARSED " p303"}}, "[]", "[]", "page", 3},
        {{{3, PARSED " p503"}}, "[]", "[]", "without an answer", 3},
        {{{0, NULL}}, "[]", "[]", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json)
        json_t *story = story_of(rows[i].lines, rows[i].owed, rows[i].audit);
        const json_t *ended = json_object_get(story, "ended");
        if (rows[i].how && strcmp(sw_str(ended, "how"), rows[i].how) != 0)
            fail_msg("%zu: %s", i, sw_str(ended, "how"));
        if (!rows[i].how) assert_true(json_is_null(ended));
        assert_int_equal(sw_int(ended, "after_ms"), rows[i].after_ms);
    }
}

static void every_step_knows_its_cause(void **state) {
    static const char *const causes[] = {"door",         "parser=7-1",       "auth=7-1",
                                         "executor=7-1", "executor=7-1.0.2", "executor=7-2"};
    SW_AUTO(sw_json) json_t *steps = steps_of(promote);
    (void)state;
    for (size_t i = 0; i < json_array_size(steps); i++)
        assert_string_equal(sw_str(json_array_get(steps, i), "cause"), causes[i]);
}

static void what_is_no_entry_is_no_step(void **state) {
    static const char *const rows[] = {
        "",
        "h",
        "h c1 T1 parser slash.v1 7-1 1 2 3 1",
        "x c1 T1 parser slash.v1 7-1 1 2 3 1 aaaaaaaa",
        "e c1 T1 executor 7-1.0.2 heroku POST /x ok 200 1 1 1 cccccccc",
        "h c1 T1 \xff slash.v1 7-1 1 2 3 1 aaaaaaaa",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_null(sw_story_step(rows[i], 1));
}

static void an_id_begins_with_its_time(void **state) {
    static const struct {
        const char *begin;
        int r;
        int64_t ms;
    } rows[] = {
        {"01m8f1z464j6n8qhqjn7pp", 0, 1795801714884},
        {"01m8f1z464", 0, 1795801714884},
        {"01m8f1z46", 0, 1795801714880},
        {"0", 0, 0},
        {"", -EINVAL, 0},
        {"01M8", -EINVAL, 0},
        {"01m8 x", -EINVAL, 0},
        {"c1.u", -EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t ms = 0;
        assert_int_equal(sw_story_since(rows[i].begin, &ms), rows[i].r);
        if (rows[i].r == 0) assert_int_equal(ms, rows[i].ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_promote_reads_as_it_went),
        cmocka_unit_test(what_is_owed_says_that_it_has_not_ended),
        cmocka_unit_test(the_end_is_what_the_person_was_told_last),
        cmocka_unit_test(every_step_knows_its_cause),
        cmocka_unit_test(what_is_no_entry_is_no_step),
        cmocka_unit_test(an_id_begins_with_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
