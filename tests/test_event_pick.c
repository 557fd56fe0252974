/* test_event_pick.c -- what is taken of a field: how much, and what never is. */
#include "actors/event_priv.h"
#include "tests/event_tree.h"

static json_t *taken(enum sw__take take, const json_t *value, unsigned most) {
    const struct sw__row rows[] = {{"to.it", "from.it", take, false, most},
                                   {NULL, NULL, SW__TEXT, false, 0}};
    SW_AUTO(sw_json) json_t *payload = json_pack("{s:{s:O}}", "from", "it", value);
    json_t *record = json_object();
    assert_int_equal(sw__event_pick(record, payload, rows), 0);
    json_t *it = json_incref((json_t *)tree_at(record, "to.it"));
    json_decref(record);
    return it;
}

static void links_that_let_somebody_in_are_left_out(void **state) {
    static const char *const good[] = {
        "https://github.com/ada/api/pull/7",
        "https://ci.example.com:8443/build?id=7&utm_source=github#L10",
        "https://vercel.com/@ada/api",
        "https://x",
        "https://github.com/a/compare/a...b",
    };
    static const char *const bad[] = {
        "",
        "http://github.com/ada",
        "HTTPS://github.com",
        "ftp://x",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://?x",
        "https://u@h/",
        "https://u:p@h/x",
        "https://h/ x",
        "https://h/\n",
        "https://h/\xc3\xa9",
        "https://h/<b>",
        "https://h/|x",
        "https://h\\@evil/",
        "https://h/?X-Amz-Signature=1",
        "https://h/?a=1&x-amz-credential=2",
        "https://h/?token=1",
        "https://h/?access_token",
        "https://h/#access_token=1",
        "https://h/?a=1;sig=2",
        "https://h/?API_KEY=1",
        "https://h/?jwt=1",
        "https://h/?X-Goog-Expires=1",
        "https://h/?%74oken=1",
        "https://h/?code=1",
        "https://h/?password=1",
        "https://h/?a?secret=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        SW_AUTO(sw_json) json_t *value = json_string(good[i]), *got = taken(SW__LINK, value, 0);
        if (!json_equal(value, got)) fail_msg("%s is left out", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        SW_AUTO(sw_json) json_t *value = json_string(bad[i]), *got = taken(SW__LINK, value, 0);
        if (got) fail_msg("%s goes on", bad[i]);
    }
    SW_AUTO(sw_text) char *most = sw_zalloc(502);
    memset(most, 'a', 501);
    memcpy(most, "https://h/", 10);
    SW_AUTO(sw_json) json_t *longer = json_string(most), *none = taken(SW__LINK, longer, 0);
    assert_null(none);
    most[500] = '\0';
    SW_AUTO(sw_json) json_t *exact = json_string(most), *same = taken(SW__LINK, exact, 0);
    assert_true(json_equal(exact, same));
}

static void texts_are_cut_between_characters_and_say_so(void **state) {
    static const struct {
        const char *text, *want;
        enum sw__take take;
        unsigned most;
    } rows[] = {
        {"0123456789", "0123456789", SW__TEXT, 10},
        {"0123456789a", "0123456\xe2\x80\xa6", SW__TEXT, 10},
        {"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "\xe2\x82\xac\xe2\x82\xac\xe2\x80\xa6",
         SW__TEXT, 10},
        {"\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80\xe2\x80\xa6",
         SW__TEXT, 10},
        {"first\nsecond", "first\nsecond", SW__TEXT, 0},
        {"first\nsecond", "first", SW__LINE, 0},
        {"first\r\nsecond", "first", SW__LINE, 0},
        {"\nsecond", NULL, SW__LINE, 0},
        {"", NULL, SW__TEXT, 0},
        {"in_progress", "in_progress", SW__WORD, 0},
        {"in progress", NULL, SW__WORD, 0},
        {"<!here>", NULL, SW__WORD, 0},
        {"ada/api", "ada/api", SW__REPO, 0},
        {"ada", NULL, SW__REPO, 0},
        {"a/b/c", NULL, SW__REPO, 0},
        {"/b", NULL, SW__REPO, 0},
        {"a/", NULL, SW__REPO, 0},
        {"../..", NULL, SW__REPO, 0},
        {"a/b?c", NULL, SW__REPO, 0},
        {"6113728f27ae82c7b1a177c8d03f9e96e0adf246", "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
         SW__SHA, 0},
        {"6113728F27AE82C7B1A177C8D03F9E96E0ADF246", NULL, SW__SHA, 0},
        {"6113728f27ae82c7b1a177c8d03f9e96e0adf2461", NULL, SW__SHA, 0},
        {"6113728", NULL, SW__SHA, 0},
        {"{\"slipway\":\"01kb1d7v0000000000000z\"}", "01kb1d7v0000000000000z", SW__OP, 0},
        {"{\"slipway\":\"01kb1d7v0000000000000\"}", NULL, SW__OP, 0},
        {"{\"slipway\":\"01kb1d7v0000000000000/\"}", NULL, SW__OP, 0},
        {"{\"slipway\":7}", NULL, SW__OP, 0},
        {"{", NULL, SW__OP, 0},
        {"api@main 6113728 (slipway 01kb1d7v0000000000000z)", "01kb1d7v0000000000000z",
         SW__OP_WORDS, 0},
        {"(slipway 0000000000000000000000) x (slipway 01kb1d7v0000000000000z)",
         "01kb1d7v0000000000000z", SW__OP_WORDS, 0},
        {"(slipway 01kb1d7v0000000000000z", NULL, SW__OP_WORDS, 0},
        {"slipway 01kb1d7v0000000000000z)", NULL, SW__OP_WORDS, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json)
        json_t *value = json_string(rows[i].text), *got = taken(rows[i].take, value, rows[i].most);
        const char *text = json_string_value(got);
        if (!rows[i].want != !text || (text && strcmp(text, rows[i].want) != 0))
            fail_msg("row %zu: %s became %s", i, rows[i].text, text ? text : "nothing");
    }
}

static void flags_counts_and_names_are_what_they_seem(void **state) {
    static const struct {
        enum sw__take take;
        const char *value, *want;
    } rows[] = {
        {SW__FLAG, "true", "true"},
        {SW__FLAG, "\"true\"", "false"},
        {SW__FLAG, "null", "false"},
        {SW__PERHAPS, "false", "false"},
        {SW__PERHAPS, "null", NULL},
        {SW__PERHAPS, "1", NULL},
        {SW__NUMBER, "7", "7"},
        {SW__NUMBER, "-7", NULL},
        {SW__NUMBER, "7.0", NULL},
        {SW__NUMBER, "\"7\"", NULL},
        {SW__COUNT, "[1,{}]", "2"},
        {SW__COUNT, "{\"a\":1}", "0"},
        {SW__NAMES,
         "[{\"name\":\"a\",\"token\":1},{\"name\":7},7,{\"name\":\"\"},{\"name\":\"b\"}]",
         "[\"a\",\"b\"]"},
        {SW__NAMES, "7", "[]"},
        {SW__OP, "{\"slipway\":\"01kb1d7v0000000000000z\",\"user\":\"U1\"}",
         "\"01kb1d7v0000000000000z\""},
        {SW__OP, "[\"01kb1d7v0000000000000z\"]", NULL},
        {SW__TEXT, "7", NULL},
        {SW__TEXT, "[\"a\"]", NULL},
        {SW__LINK, "{}", NULL},
        {SW__SHA, "7", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        SW_AUTO(sw_json) json_t *got = taken(rows[i].take, value, 0);
        SW_AUTO(sw_text) char *text = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        if (!rows[i].want != !text || (text && strcmp(text, rows[i].want) != 0))
            fail_msg("row %zu: %s became %s", i, rows[i].value, text ? text : "nothing");
    }
    SW_AUTO(sw_json) json_t *many = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(many, json_pack("{s:s}", "name", "b"));
    SW_AUTO(sw_json) json_t *ten = taken(SW__NAMES, many, 0);
    assert_int_equal(json_array_size(ten), 10);
}

/* All texts at their longest, of characters that JSON writes as six: still what the stream takes, and ids are whole. */
static void a_record_fits_whatever_is_in_it(void **state) {
    SW_AUTO(sw_text) char *text = sw_zalloc(6001);
    SW_AUTO(sw_json) json_t *record = json_object(), *list = json_array();
    (void)state;
    memset(text, 1, 6000);
    memcpy(text + 100, "\xe2\x82\xac", 3);
    json_object_set_new(record, "source", json_string("github/7"));
    json_object_set_new(record, "sha", json_string("6113728f27ae82c7b1a177c8d03f9e96e0adf246"));
    json_object_set_new(record, "inner",
                        json_pack("{s:{s:s, s:s}}", "a", "text", text, "b", text + 3000));
    for (int i = 0; i < 10; i++)
        json_array_append_new(list, json_string(text + 4000));
    json_object_set(record, "list", list);
    SW_AUTO(sw_text) char *url = sw_zalloc(501);
    memset(url, 'a', 500);
    memcpy(url, "https://", 8);
    json_object_set_new(record, "url", json_string(url));
    static const size_t rooms[] = {SW_EVENT_BYTES, 12000, 8000};
    for (size_t i = 0; i < 3; i++) {
        sw__event_fit(record, rooms[i]);
        SW_AUTO(sw_text) char *all = json_dumps(record, JSON_COMPACT);
        assert_non_null(all);
        assert_true(strlen(all) <= rooms[i]);
        assert_true(strlen(all) > rooms[i] / 4);
        assert_string_equal(sw_str(record, "source"), "github/7");
        assert_int_equal(strlen(sw_str(record, "sha")), 40);
        assert_int_equal(json_array_size(list), 10);
        const char *left = sw_str(record, "url");
        assert_true(!*left || !strcmp(left, url)); /* whole, or none */
    }
}

static void times_of_the_platform_count_where_they_can_be_true(void **state) {
    static const struct {
        const char *payload;
        int64_t at_ms;
    } rows[] = {
        {"{\"a\":\"2026-01-02T03:04:05Z\",\"b\":1}", 1767323045000LL},
        {"{\"a\":\"2026-01-02T03:04:05.5-04:00\"}", 1767337445500LL},
        {"{\"a\":\"soon\",\"b\":{\"c\":1767323045}}", 1767323045000LL},
        {"{\"a\":1767323045}", 1767323045000LL},
        {"{\"a\":\"2026-11-18T12:10:00Z\"}", TREE_NOW},
        {"{\"a\":9223372036854775807}", TREE_NOW},
        {"{\"a\":-5}", TREE_NOW},
        {"{\"a\":{\"c\":1}}", TREE_NOW},
        {"{}", TREE_NOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *payload = tree_load(rows[i].payload);
        int64_t at_ms = sw__event_ms(payload, "a|b.c", TREE_NOW);
        if (at_ms != rows[i].at_ms) fail_msg("row %zu: %lld", i, (long long)at_ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_that_let_somebody_in_are_left_out),
        cmocka_unit_test(texts_are_cut_between_characters_and_say_so),
        cmocka_unit_test(flags_counts_and_names_are_what_they_seem),
        cmocka_unit_test(a_record_fits_whatever_is_in_it),
        cmocka_unit_test(times_of_the_platform_count_where_they_can_be_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
