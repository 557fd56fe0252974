/* test_sim_plain.c -- what `slipway-sim once` makes of Slack's markup. */
#include "plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct sim_user users[] = {{"U0ADA", "ada"}, {NULL, NULL}};
static const struct sim_user channels[] = {{"C0OPS", "ops"}, {NULL, NULL}};
static const struct sim_team team = {"T0SIM1", "sim-one", "Sim One", "U0BOT1",
                                     "B0BOT1", users,     channels};

/* slack_world.c has the real one, and half of the sim with it. */
const struct sim_user *sim_user_find(const struct sim_team *where, const char *id) {
    return where == &team && id != NULL && strcmp(id, "U0ADA") == 0 ? &users[0] : NULL;
}

static void markup_becomes_what_a_person_reads(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"*bold* and _it_ and ~out~ and `code`", "bold and it and out and code"},
        {"a_b_c 2*3*4 x~y", "a_b_c 2*3*4 x~y"},
        {"`a`, `b`.", "a, b."},
        {"*b*: `release/*` and `a_ _b`", "b: release/* and a_ _b"},
        {"such as release/*, or * alone", "such as release/*, or * alone"},
        {"<@U0ADA> typed", "@ada typed"},
        {"<@U0EVE> typed", "@U0EVE typed"},
        {"<#C0OPS|ops>", "#ops"},
        {"<#C0OPS>", "#ops"},
        {"<#C0NEW>", "#C0NEW"},
        {"<https://example.com/x|this page>", "this page"},
        {"<https://example.com/x>", "https://example.com/x"},
        {"<!date^1790000000^{date}|2026-09-21>", "2026-09-21"},
        {"&lt;@U0ADA&gt; &amp;amp; R&amp;D", "<@U0ADA> &amp; R&D"},
        {"1 < 2", "1 < 2"},
        {"<unfinished", "<unfinished"},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *text = sim_plain_text(rows[i][0], &team);
        assert_string_equal(text, rows[i][1]);
    }
}

static void blocks_are_read_in_order(void **state) {
    (void)state;
    static const char message[] =
        "{\"text\":\"fallback\",\"blocks\":["
        "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"*one*\"}},"
        "{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"f1\"},"
        "{\"type\":\"mrkdwn\",\"text\":\"f2\"}]},"
        "{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"action_id\":\"a\",\"url\":"
        "\"http://x/\",\"text\":{\"type\":\"plain_text\",\"text\":\"Go *on*\"}},"
        "{\"type\":\"button\",\"action_id\":\"b\",\"value\":\"help\",\"text\":"
        "{\"type\":\"plain_text\",\"text\":\"Help\"}}]},"
        "{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":\"small\"}]}]}";
    json_auto_t *json = json_loads(message, 0, NULL);
    SIM_FREE char *text = sim_plain_message(json, &team);
    assert_string_equal(text, "one\nf1\nf2\n[Go *on*]\n[Help]\nsmall\n");
}

static void without_blocks_the_text_is_shown(void **state) {
    (void)state;
    json_auto_t *json = json_pack("{s:s}", "text", "a &amp; b");
    SIM_FREE char *text = sim_plain_message(json, &team);
    assert_string_equal(text, "a & b\n");
}

static void ids_and_durations_are_left_out_where_asked(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"GET /apps/01234567-89ab-cdef-0123-456789abcdef/releases 200",
         "GET /apps/\xe2\x80\xa6/releases 200"},
        {"took 7.2 s, 350 ms or 12s", "took N s, N ms or Ns"},
        {"v42 in 2 stages", "v42 in 2 stages"},
        {"01234567-89ab", "01234567-89ab"},
        {"POST /deployments/1795550434076/statuses 201",
         "POST /deployments/\xe2\x80\xa6/statuses 201"},
        {"at 4c8904aa0d2edab92fe1f2f8b63e541f524e9502", "at \xe2\x80\xa6"},
        {"at 4c8904a, 123456 times", "at 4c8904a, 123456 times"},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *text = sim_plain_stable(rows[i][0]);
        assert_string_equal(text, rows[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_what_a_person_reads),
        cmocka_unit_test(blocks_are_read_in_order),
        cmocka_unit_test(without_blocks_the_text_is_shown),
        cmocka_unit_test(ids_and_durations_are_left_out_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
