/* test_blocks.c -- text for Slack: what is escaped, what is cut, and where. */
#include "actors/blocks.h"
#include "common/mem.h"
#include "proto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

static void expect(json_t *text, const char *expected) {
    assert_string_equal(json_string_value(text), expected);
    assert_int_equal(json_string_length(text), strlen(expected));
    json_decref(text);
}

static void expect_fill(const char *pattern, const char *data, const char *expected) {
    SW_AUTO(sw_json) json_t *value = json_loads(data, JSON_DECODE_ANY, NULL);
    if (!value) fail_msg("not JSON: %s", data);
    expect(sw_filled(pattern, value, 3000), expected);
}

static void values_are_escaped_and_our_words_are_not(void **state) {
    static const struct {
        const char *text, *plain, *code;
    } rows[] = {
        {"a<b>&c", "a&lt;b&gt;&amp;c", "`a&lt;b&gt;&amp;c`"},
        {"<!channel>", "&lt;!channel&gt;", "`&lt;!channel&gt;`"},
        {"&amp;", "&amp;amp;", "`&amp;amp;`"},
        {"a`b", "a`b", "`a'b`"},
        {"a\nb", "a\nb", "`a b`"},
        {"a\tb\x7f\x01", "a b  ", "`a b  `"},
        {"\xe2\x80\xae"
         "evil\xe2\x81\xa9",
         "evil", "`evil`"},
        {"\xc3\xa4\xf0\x9d\x84\x9e", "\xc3\xa4\xf0\x9d\x84\x9e", "`\xc3\xa4\xf0\x9d\x84\x9e`"},
        {"", "", "`?`"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *data = json_pack("{s:s}", "x", rows[i].text);
        expect(sw_filled("{x}", data, 100), rows[i].plain);
        expect(sw_filled("{x:code}", data, 100), rows[i].code);
    }
    expect_fill("<b> & *{x:bold}*", "{\"x\":\"a*b\"}", "<b> & **a'b**");
}

static void bytes_that_are_no_characters_are_replaced(void **state) {
    static const char bytes[] = "a\xff\xc3(\xe2\x82\0\xf0\x9d\x84";
    struct sw_mrkdwn m;
    (void)state;
    sw_mrkdwn_init(&m, 100);
    sw_mrkdwn_text(&m, bytes, sizeof(bytes) - 1);
    expect(sw_mrkdwn_end(&m), "a?"
                              "?(?? ???");
}

/* Cut at each possible place: whole tokens, then the ellipsis, never more than the limit. */
static void cuts_fall_between_characters_and_never_inside_a_token(void **state) {
    SW_AUTO(sw_json)
    json_t *data = json_pack("{s:s, s:s, s:I}", "x", "a<\xc3\xa4&\xf0\x9d\x84\x9e", "u", "U0ADA",
                             "at", (json_int_t)1764000000000LL);
    static const char *const tokens[] = {
        "a",
        "&lt;",
        "\xc3\xa4",
        "&amp;",
        "\xf0\x9d\x84\x9e",
        " ",
        "<@U0ADA>",
        "<!date^1764000000^{date_short_pretty} {time}|2025-11-24 16:00 UTC>",
    };
    (void)state;
    for (size_t limit = 1; limit < 100; limit++) {
        SW_AUTO(sw_json) json_t *text = sw_filled("{x} {u:user}{at:date}", data, limit);
        const char *at = json_string_value(text);
        size_t chars = 0, k = 0;
        for (const char *c = at; *c; c++)
            chars += ((unsigned char)*c & 0xc0) != 0x80;
        assert_true(chars <= limit);
        for (; k < 8 && !strncmp(at, tokens[k], strlen(tokens[k])); k++)
            at += strlen(tokens[k]);
        if (k < 8) {
            assert_string_equal(at, ELLIPSIS);
        } else {
            assert_string_equal(at, "");
        }
    }
}

static void marks_are_closed_where_a_value_is_cut(void **state) {
    SW_AUTO(sw_json) json_t *data = json_pack("{s:s}", "x", "abcdefghij");
    (void)state;
    expect(sw_filled("{x:code}", data, 13), "`abcdefghij`");
    expect(sw_filled("{x:code}", data, 8), "`abcde`" ELLIPSIS);
    expect(sw_filled("{x:bold}", data, 5), "*ab*" ELLIPSIS);
    expect(sw_filled("{x:code}", data, 3), ELLIPSIS);
    expect(sw_filled("ab{x:code}", data, 5), "ab" ELLIPSIS);
}

static void one_value_does_not_take_all_the_room(void **state) {
    char many[2001];
    (void)state;
    memset(many, 'x', 2000);
    many[2000] = 0;
    SW_AUTO(sw_json) json_t *data = json_pack("{s:s}", "x", many);
    SW_AUTO(sw_json) json_t *text = sw_filled("{x} end", data, 3000);
    assert_int_equal(json_string_length(text), SW_VALUE_MAX + strlen(ELLIPSIS " end"));
    assert_non_null(strstr(json_string_value(text), ELLIPSIS " end"));
}

static void only_a_slack_id_becomes_a_mention(void **state) {
    static const struct {
        const char *id, *shown;
    } rows[] = {
        {"U0ADA", "<@U0ADA>"},
        {"W012ABC", "<@W012ABC>"},
        {"", "someone"},
        {"U", "U"},
        {"C0DEPLOY", "C0DEPLOY"},
        {"U0ADA>", "U0ADA&gt;"},
        {"u0ada", "u0ada"},
        {"U0ADA|x", "U0ADA|x"},
        {"!channel", "!channel"},
        {"U0123456789012345678901234567890", "U0123456789012345678901234567890"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_mrkdwn m;
        sw_mrkdwn_init(&m, 100);
        sw_mrkdwn_user(&m, rows[i].id);
        expect(sw_mrkdwn_end(&m), rows[i].shown);
    }
    SW_AUTO(sw_json)
    json_t *data = json_pack("{s:s, s:s, s:s}", "a", "C0OPS", "b", "U0ADA", "c", "");
    expect(sw_filled("{a:channel} {b:channel} {c:channel}", data, 100), "<#C0OPS> U0ADA a channel");
}

static void patterns_are_filled(void **state) {
    static const struct {
        const char *pattern, *data, *text;
    } rows[] = {
        {"{a} and {b.c}", "{\"a\":\"x\",\"b\":{\"c\":7}}", "x and 7"},
        {"{a}", "{}", "?"},
        {"{a.b.c}", "{\"a\":{\"b\":1}}", "?"},
        {"{a}", "null", "?"},
        {"{a}", "{\"a\":{}}", "?"},
        {"{a:v} {b:v} {c:v}", "{\"a\":42,\"b\":\"v42\",\"c\":\"vx\"}", "v42 v42 vvx"},
        {"{a:took}", "{\"a\":6200}", "6 s"},
        {"{a:took}", "{\"a\":75000}", "1 min 15 s"},
        {"{a:took}", "{\"a\":300}", "under 1 s"},
        {"{a:date}", "{\"a\":-1}", "?"},
        {"{a:date}", "{\"a\":\"x\"}", "x"},
        {"{a:typed}", "{\"a\":\"help\"}", "`/h help`"},
        {"{a:typed}", "{\"a\":\"help\",\"slash\":\"/hq\"}", "`/hq help`"},
        {"{a:typed}", "{\"a\":\"help\",\"slash\":\"<!x>\"}", "`/h help`"},
        {"{a:list}.", "{\"a\":[\"x\",\"y<\",7]}", "`x`, `y&lt;`, `?`."},
        {"[({a}) ]{b}", "{\"b\":1}", "1"},
        {"[({a}) ]{b}", "{\"a\":0,\"b\":1}", "1"},
        {"[({a}) ]{b}", "{\"a\":\"\",\"b\":1}", "1"},
        {"[({a}) ]{b}", "{\"a\":[],\"b\":1}", "1"},
        {"[({a}) ]{b}", "{\"a\":\"x\",\"b\":1}", "(x) 1"},
        {"[{?a}yes][{!a}no]", "{\"a\":true}", "yes"},
        {"[{?a}yes][{!a}no]", "{\"a\":false}", "no"},
        {"[always]", "{}", "always"},
        {"{a}", "{\"a\":\"{b} [c]\",\"b\":1}", "{b} [c]"},
        {"{unclosed", "{}", "?"},
        {"[unclosed", "{}", "unclosed"},
        {"[{a}", "{}", ""},
        {"", "{}", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        expect_fill(rows[i].pattern, rows[i].data, rows[i].text);
}

static void only_an_address_of_the_web_becomes_a_link(void **state) {
    static const struct {
        const char *url, *bare, *named; /* NULL: not at all */
    } rows[] = {
        {"https://a.example/b?c=d&e#f", "<https://a.example/b?c=d&amp;e#f|a.example/b?c=d&amp;e#f>",
         "<https://a.example/b?c=d&amp;e#f|There>"},
        {"http://127.0.0.1:8080/x", "<http://127.0.0.1:8080/x|127.0.0.1:8080/x>",
         "<http://127.0.0.1:8080/x|There>"},
        {"javascript:alert(1)", "javascript:alert(1)", NULL},
        {"https://a.example/|x>", "https://a.example/|x&gt;", NULL},
        {"https://a.example/ <!here>", "https://a.example/ &lt;!here&gt;", NULL},
        {"https://a.example/\n", "https://a.example/\n", NULL},
        {"", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_mrkdwn m;
        SW_AUTO(sw_json) json_t *data = json_pack("{s:s}", "x", rows[i].url);
        expect(sw_filled("{x:link}", data, 3000), rows[i].bare);
        sw_mrkdwn_init(&m, 3000);
        assert_int_equal(sw_mrkdwn_link(&m, rows[i].url, "There"), rows[i].named != NULL);
        expect(sw_mrkdwn_end(&m), rows[i].named ? rows[i].named : "");
    }
    expect_fill("{at:clock}", "{\"at\":1764252000000}",
                "<!date^1764252000^{time_secs}|2025-11-27 14:00 UTC>");
}

static void a_long_list_says_how_many_more(void **state) {
    json_t *list = json_array();
    (void)state;
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_sprintf("app-%d", i));
    SW_AUTO(sw_json) json_t *data = json_pack("{s:o}", "a", list);
    SW_AUTO(sw_json) json_t *whole = sw_filled("{a:list}", data, 3000);
    assert_non_null(strstr(json_string_value(whole), "`app-29` and 70 more"));
    SW_AUTO(sw_json) json_t *little = sw_filled("{a:list}", data, 100);
    assert_non_null(strstr(json_string_value(little), " more"));
    assert_true(json_string_length(little) <= 100);
}

static void blocks_are_as_slack_wants_them(void **state) {
    json_t *blocks[] = {
        sw_block_section(json_string("a")),
        sw_block_context(json_string("b")),
        sw_block_fields(json_pack("[s, s, s, s, s, s, s, s, s, s, s]", "1", "2", "3", "4", "5", "6",
                                  "7", "8", "9", "10", "11")),
        sw_block_button("Go", json_string("https://example.com")),
    };
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_non_null(blocks[i]);
    json_t *section = json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "section", "text", "type",
                                "mrkdwn", "text", "a", "verbatim", 1);
    assert_true(json_equal(blocks[0], section));
    assert_int_equal(json_array_size(json_object_get(blocks[2], "fields")), 10);
    json_decref(section);
    for (size_t i = 0; i < 4; i++)
        json_decref(blocks[i]);
}

static size_t count_of(const json_t *text) {
    size_t n = 0;
    for (const char *c = json_string_value(text); *c; c++)
        n += ((unsigned char)*c & 0xc0) != 0x80;
    return n;
}

static void a_button_types_a_whole_line_or_is_not_there(void **state) {
    char label[801], line[2002];
    (void)state;
    for (size_t i = 0; i < 798; i += 2)
        memcpy(label + i, "\xc3\xa4", 3);
    memset(line, 'x', 2001);
    line[2001] = 0;
    json_t *buttons = json_pack("[{s:s, s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s}, "
                                "{s:s}, n, i, {s:s, s:s, s:s}]",
                                "label", label, "line", "deploy a/b&c <x>", "confirm", label,
                                "label", "long", "line", line, "label", "two lines", "line", "a\nb",
                                "label", "", "line", "x", "label", "none", "line", "no label", 7,
                                "label", "\xe2\x80\xaeok\n<@U>", "line", "x", "style", "huge");
    line[2000] = 0;
    json_array_append_new(buttons, json_pack("{s:s, s:s, s:s, s:s}", "label", "Go", "line", line,
                                             "style", "danger", "confirm", "Sure?"));
    assert_non_null(buttons);
    SW_AUTO(sw_json) json_t *block = sw_block_actions(buttons);
    const json_t *all = json_object_get(block, "elements");
    assert_int_equal(json_array_size(all), 3);
    const json_t *first = json_array_get(all, 0), *second = json_array_get(all, 1),
                 *third = json_array_get(all, 2);
    /* A value is what is typed, as it is; only what is shown is cut. */
    assert_string_equal(sw_str(first, "value"), "deploy a/b&c <x>");
    assert_int_equal(count_of(sw_data_at(first, "text.text")), 75);
    assert_int_equal(count_of(sw_data_at(first, "confirm.text.text")), 300);
    assert_int_equal(count_of(sw_data_at(first, "confirm.title.text")), 13);
    assert_null(json_object_get(first, "style"));
    assert_string_equal(json_string_value(sw_data_at(second, "text.text")), "ok <@U>");
    assert_string_equal(json_string_value(sw_data_at(second, "text.type")), "plain_text");
    assert_null(json_object_get(second, "style"));
    assert_null(json_object_get(second, "confirm"));
    assert_string_equal(sw_str(second, "action_id"), "type/2");
    assert_string_equal(sw_str(third, "value"), line);
    assert_string_equal(sw_str(third, "style"), "danger");
    assert_string_equal(json_string_value(sw_data_at(third, "confirm.style")), "danger");
    json_decref(buttons);
}

static void more_buttons_than_slack_takes_are_left_out(void **state) {
    json_t *buttons = json_array();
    (void)state;
    assert_null(sw_block_actions(NULL));
    assert_null(sw_block_actions(buttons));
    for (int i = 0; i < 30; i++)
        json_array_append_new(buttons, json_pack("{s:s, s:s}", "label", "x", "line", "x"));
    SW_AUTO(sw_json) json_t *block = sw_block_actions(buttons);
    assert_int_equal(json_array_size(json_object_get(block, "elements")), 25);
    json_decref(buttons);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped_and_our_words_are_not),
        cmocka_unit_test(bytes_that_are_no_characters_are_replaced),
        cmocka_unit_test(cuts_fall_between_characters_and_never_inside_a_token),
        cmocka_unit_test(marks_are_closed_where_a_value_is_cut),
        cmocka_unit_test(one_value_does_not_take_all_the_room),
        cmocka_unit_test(only_a_slack_id_becomes_a_mention),
        cmocka_unit_test(patterns_are_filled),
        cmocka_unit_test(only_an_address_of_the_web_becomes_a_link),
        cmocka_unit_test(a_long_list_says_how_many_more),
        cmocka_unit_test(a_button_types_a_whole_line_or_is_not_there),
        cmocka_unit_test(more_buttons_than_slack_takes_are_left_out),
        cmocka_unit_test(blocks_are_as_slack_wants_them),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
