/* test_log.c -- every line is one JSON object, whatever is logged, and no secret is on it. */
#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char line[SW_LOG_LINE_BYTES + 1];

/* The line as an object; fails where it is not exactly one line with one. */
static json_t *parsed(size_t size) {
    json_error_t error;
    assert_true(size > 0 && size <= SW_LOG_LINE_BYTES);
    line[size] = 0;
    assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
    json_t *o = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
    if (!o) fail_msg("%s in: %.*s", error.text, (int)size, line);
    return o;
}

#define LINE(...) parsed(LINE_SIZE(__VA_ARGS__, {.name = NULL}))
#define LINE_SIZE(msg, ...)                                                                        \
    sw_log_line(line, 1728000000007, SW_LOG_WARN, msg, (const struct sw_field[]){__VA_ARGS__})

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    if (!text) fail_msg("no text %s", key);
    return text;
}

static void a_line_says_when_who_and_what(void **state) {
    (void)state;
    sw_log_init("executor", "info");
    json_t *o = LINE("committed", SW_S("cmd", "01J9"), SW_I("shard", -7), SW_B("late", true),
                     SW_S("nothing", NULL), SW_E("code", -ESTALE), SW_E("odd", 99999));
    json_t *want = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:b, s:n, s:s, s:i}", "ts",
                             "2024-10-04T00:00:00.007Z", "level", "warn", "actor", "executor",
                             "pid", (int)getpid(), "msg", "committed", "cmd", "01J9", "shard", -7,
                             "late", 1, "nothing", "code", "ESTALE", "odd", 99999);
    assert_true(json_equal(o, want));
    assert_memory_equal(line, "{\"ts\":\"", 7); /* in this order, for people */
    json_decref(want);
    json_decref(o);
}

static void all_is_escaped(void **state) {
    (void)state;
    char text[257];
    size_t n = 0;
    for (int c = 1; c < 256; c++) {
        text[n++] = (char)c;
    }
    text[n] = 0;
    json_t *o =
        LINE(text, SW_S("a", "\"}\n{\"msg\":\"forged\"}"), SW_S("b", "čau 🚢 \\ \x7f \xc2\x9b[31m"));
    assert_string_equal(text_of(o, "a"), "\"}\n{\"msg\":\"forged\"}");
    assert_string_equal(text_of(o, "b"), "čau 🚢 \\ \x7f \xc2\x9b[31m");
    assert_null(strchr(line, '\x1b'));
    assert_null(strchr(line, '\x7f'));
    assert_null(strstr(line, "\xc2\x9b")); /* C1 "control sequence" */
    assert_memory_equal(text_of(o, "msg"), text, 127);
    json_decref(o);
}

static void what_is_not_utf8_is_replaced(void **state) {
    (void)state;
    static const char *const wrong[] = {"\xff",         "\xc3",
                                        "\xc0\xaf",     "\xe2\x82",
                                        "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xe0\x80\xaf", "\xf0\x80\x80\x80"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *o = LINE(wrong[i]);
        assert_memory_equal(text_of(o, "msg"), "\xef\xbf\xbd", 3);
        json_decref(o);
    }
}

static void what_looks_like_a_secret_is_hidden(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"token HRKU-AAhush_-9 refused", "token HRKU-[redacted] refused"},
        {"HRKU-hush", "HRKU-[redacted]"},
        {"xoxb-12-hush, xoxp-hush;xoxe.xoxp-1-hush",
         "xoxb-[redacted], xoxp-[redacted];xoxe.[redacted]"},
        {"xapp-1-hush", "xapp-[redacted]"},
        {"Authorization: Bearer 01234567-89ab-cdef-hush", "Authorization: Bearer [redacted]"},
        {"authorization: bearer 01234567-89ab-cdef-hush", "authorization: bearer [redacted]"},
        {"see <https://hooks.slack.com/commands/T1/2/hush|here>",
         "see <https://hooks.slack.com/[redacted]|here>"},
        {"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F2%2Fhush&x=1",
         "response_url=https%3A%2F%2Fhooks.slack.com%2F[redacted]&x=1"},
        {"{\"u\":\"https:\\/\\/hooks.slack.com\\/commands\\/T1\\/2\\/hush\"}",
         "{\"u\":\"https:\\/\\/hooks.slack.com\\/[redacted]\"}"},
        {"POST http://127.0.0.1:1/commands/T1/2/hush 404",
         "POST http://127.0.0.1:1/commands/T[redacted] 404"},
        {"%2fcommands%2fT1%2f2%2fhush", "%2fcommands%2fT[redacted]"},
        {"grant_type=code&client_secret=hush&access_token=hush",
         "grant_type=code&client_secret=[redacted]&access_token=[redacted]"},
        {"{\"access_token\": \"hush\", \"n\": 1}", "{\"access_token\": \"[redacted]\", \"n\": 1}"},
        {"\"refresh_token\\\":\\\"hush\\\"", "\"refresh_token\\\":\\\"[redacted]\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *o = LINE(rows[i].text, SW_S("field", rows[i].text));
        assert_null(strstr(line, "hush"));
        assert_string_equal(text_of(o, "msg"), rows[i].shown);
        assert_string_equal(text_of(o, "field"), rows[i].shown);
        json_decref(o);
    }
}

static void what_only_resembles_one_is_shown(void **state) {
    (void)state;
    static const char *const rows[] = {
        "1.auth.executor.MaAnixMzTAMeaWMAyZH4EGzffQaWcBJkGsMIv-i1YVLR0A",
        "pipeline 01234567-89ab-cdef-0123-456789abcdef",
        "POST /slack/commands",
        "the access_token is gone",
        "Bearer token",
        "HRKU-",
        "hooks.slack.com: timed out",
        "box xoxo-xoxo",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *o = LINE(rows[i]);
        assert_string_equal(text_of(o, "msg"), rows[i]);
        json_decref(o);
    }
}

static void long_texts_and_long_lines_are_cut_and_say_so(void **state) {
    (void)state;
    char *text = malloc(100001);
    assert_non_null(text);
    static const char *const units[] = {"x", "\x01", "š", "🚢", "\xff", "HRKU-hush ", "\""};
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        size_t unit = strlen(units[u]);
        for (size_t i = 0; i < 100000; i++) {
            text[i] = units[u][i % unit];
        }
        for (size_t size = 0; size < 100000; size += size < 5000 ? 97 : 30011) {
            char was = text[size];
            text[size] = 0;
            json_t *o = LINE(text, SW_S("b", text), SW_S("c", text), SW_S("d", text),
                             SW_I("last", INT64_MIN));
            bool cut = json_is_true(json_object_get(o, "cut"));
            assert_true(cut == (strstr(line, "…") || !json_object_get(o, "last")));
            if (size < 150) assert_false(cut);
            if (size > 1100) assert_true(cut);
            assert_null(strstr(line, "hush"));
            json_decref(o);
            text[size] = was;
        }
    }
    free(text);
}

static void one_long_text_leaves_room_for_the_fields_after_it(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    json_t *o = LINE(text, SW_S("cmd", "01J9"));
    assert_string_equal(text_of(o, "cmd"), "01J9");
    assert_true(json_is_true(json_object_get(o, "cut")));
    json_decref(o);
}

static void any_bytes_make_one_json_object(void **state) {
    (void)state;
    static const char *const parts[] = {"HRKU-",        "Bearer ",  "%2Fcommands%2FT",
                                        "access_token", "=",        "\":\"",
                                        "\\",           "\xe2\x80", "hooks.slack.com\\/"};
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 2000; i++) {
        char text[3000];
        size_t n = 0, size = (size_t)rand_r(&seed) % 2900;
        while (n < size) {
            if (rand_r(&seed) % 20) {
                text[n++] = (char)(1 + rand_r(&seed) % 255);
            } else {
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", parts[rand_r(&seed) % 9]);
            }
        }
        text[n] = 0;
        char *exact = strdup(text); /* so that the sanitizer sees a read beyond */
        json_decref(LINE(exact, SW_S("a", exact), SW_I("b", i), SW_S("c", exact)));
        free(exact);
    }
}

static int calls;

static const char *costly(void) {
    calls++;
    return "x";
}

/* Through the real file descriptor: one write for one line, and only from the least level on. */
static void only_wanted_levels_are_written(void **state) {
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    sw_log_init("parser", "warn");
    errno = EXDEV;
    sw_log(SW_LOG_INFO, "not this", SW_S("a", costly()));
    sw_log(SW_LOG_WARN, "this", SW_S("a", costly()));
    sw_log(SW_LOG_ERROR, "and this");
    int after = errno;
    sw_log_init("parser", "nonsense"); /* leaves the level as it was */
    bool debug = sw_log_wants(SW_LOG_DEBUG), warn = sw_log_wants(SW_LOG_WARN);
    dup2(saved, STDERR_FILENO);
    close(saved);
    char got[8192];
    ssize_t n = read(ends[0], got, sizeof(got) - 1);
    close(ends[0]);
    close(ends[1]);
    assert_true(n > 0);
    got[n] = 0;
    assert_int_equal(after, EXDEV);
    assert_int_equal(calls, 1);
    assert_true(!debug && warn);
    assert_null(strstr(got, "not this"));
    assert_non_null(strstr(got, "\"level\":\"warn\",\"actor\":\"parser\""));
    assert_non_null(strstr(got, "\"msg\":\"this\",\"a\":\"x\"}\n"));
    assert_non_null(strstr(got, "\"msg\":\"and this\"}\n"));
}

/* A full pipe or a closed one: the line is lost and nothing else. */
static void a_stderr_that_takes_nothing_is_no_failure(void **state) {
    (void)state;
    int saved = dup(STDERR_FILENO);
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDERR_FILENO);
    errno = EXDEV;
    sw_log(SW_LOG_ERROR, "lost");
    close(STDERR_FILENO);
    sw_log(SW_LOG_ERROR, "lost too");
    int after = errno;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(full);
    assert_int_equal(after, EXDEV);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_when_who_and_what),
        cmocka_unit_test(all_is_escaped),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(what_looks_like_a_secret_is_hidden),
        cmocka_unit_test(what_only_resembles_one_is_shown),
        cmocka_unit_test(long_texts_and_long_lines_are_cut_and_say_so),
        cmocka_unit_test(one_long_text_leaves_room_for_the_fields_after_it),
        cmocka_unit_test(any_bytes_make_one_json_object),
        cmocka_unit_test(only_wanted_levels_are_written),
        cmocka_unit_test(a_stderr_that_takes_nothing_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
