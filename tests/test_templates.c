/* test_templates.c -- each row of the table against its golden file, and what holds for any data.
 *
 * SW_GOLDEN=write writes the "out" of all golden files; the "in" is written by hand. */
#include "actors/blocks.h"
#include "golden.h"
#include "proto/value.h"

#include <dirent.h>
#include <stdio.h>

static json_t *render(const char *id, const json_t *in, const json_t *data) {
    return sw_template_render(
        &(struct sw_template_in){.id = id,
                                 .data = data,
                                 .cmd = "0001-abc",
                                 .asker = json_string_value(json_object_get(in, "asker")),
                                 .link = json_string_value(json_object_get(in, "link")),
                                 .dashboard = json_string_value(json_object_get(in, "dashboard"))});
}

static void each_row_gives_what_its_golden_file_says(void **state) {
    const char *id, *when, *mode = getenv("SW_GOLDEN");
    bool write = mode && !strcmp(mode, "write");
    (void)state;
    for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
        SW_AUTO(sw_json) json_t *file = golden(id, when);
        const json_t *in = json_object_get(file, "in");
        SW_AUTO(sw_json) json_t *out = render(id, in, json_object_get(in, "data"));
        if (write) {
            SW_AUTO(sw_text) char *path = golden_path(id, when);
            json_object_set(file, "out", out);
            assert_int_equal(json_dump_file(file, path, JSON_INDENT(1)), 0);
        }
        if (!json_equal(out, json_object_get(file, "out"))) {
            SW_AUTO(sw_text) char *is = json_dumps(out, JSON_INDENT(1));
            fail_msg("%s%s%s is not as in its golden file but\n%s", id, when ? "+" : "",
                     when ? when : "", is);
        }
    }
}

static void no_golden_file_is_without_its_row(void **state) {
    SW_AUTO(sw_text) char *path = golden_path("", NULL);
    const char *id, *when;
    size_t rows = 0, files = 0;
    struct dirent *entry;
    (void)state;
    *strrchr(path, '/') = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        files += strstr(entry->d_name, ".json") != NULL;
    closedir(dir);
    while ((id = sw_template_row(rows, &when)))
        rows++;
    assert_int_equal(files, rows);
}

static size_t chars_of(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool starts(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

/* Nothing of it can act: no mention, link or escape but our own, nothing invisible. */
static void check_text(const char *id, const json_t *value, size_t limit) {
    const char *text = json_string_value(value);
    if (!text) fail_msg("%s: a text is missing", id);
    if (!text[0] || chars_of(text) > limit || json_string_length(value) != strlen(text))
        fail_msg("%s: %zu characters: %.200s", id, chars_of(text), text);
    for (const char *at = text; *at; at++) {
        bool good = (unsigned char)*at >= 0x20 || *at == '\n';
        if (*at == '&') good = starts(at, "&amp;") || starts(at, "&lt;") || starts(at, "&gt;");
        if (*at == '<')
            good = starts(at, "<@U0ADA>") || starts(at, "<@U0BOB>") || starts(at, "<#C0OPS>") ||
                   starts(at, "<#C0DEPLOY>") || starts(at, "<!date^1") ||
                   starts(at, "<https://dashboard.heroku.com/pipelines/") ||
                   starts(at, "<https://dashboard.heroku.com/apps/") ||
                   starts(at, "<https://github.com/acme/storefront/") ||
                   starts(at, "<https://storefront-") ||
                   starts(at, "<https://ci.example.com/builds/17?tab=log&amp;line=4|");
        if (*at == '\xe2' && (starts(at, "\xe2\x80\xae") || starts(at, "\xe2\x81\xa6")))
            good = false;
        if (!good) fail_msg("%s: %.40s", id, at);
    }
}

static void check_object(const char *id, const json_t *object, size_t limit) {
    assert_string_equal(sw_str(object, "type"), "mrkdwn");
    assert_true(json_is_true(json_object_get(object, "verbatim")));
    check_text(id, json_object_get(object, "text"), limit);
}

static void check_plain(const char *id, const json_t *object, size_t limit) {
    const json_t *text = json_object_get(object, "text");
    assert_string_equal(sw_str(object, "type"), "plain_text");
    if (json_string_length(text) == 0 || chars_of(json_string_value(text)) > limit)
        fail_msg("%s: a label of %zu characters", id, json_string_length(text));
}

static void check_actions(const char *id, const json_t *elements) {
    json_t *button;
    size_t i;
    assert_true(json_array_size(elements) >= 1 && json_array_size(elements) <= 25);
    json_array_foreach((json_t *)elements, i, button) {
        const json_t *confirm = json_object_get(button, "confirm");
        check_plain(id, json_object_get(button, "text"), 75);
        if (confirm) check_plain(id, json_object_get(confirm, "text"), 300);
        if (!json_object_get(button, "url"))
            assert_true(chars_of(sw_str(button, "value")) <= 2000 && sw_str(button, "value")[0]);
    }
}

static void check_message(const char *id, const json_t *out) {
    const json_t *blocks = json_object_get(out, "blocks");
    json_t *block, *part;
    size_t i, k;
    check_text(id, json_object_get(out, "text"), 3000);
    assert_true(json_array_size(blocks) >= 1 && json_array_size(blocks) <= 50);
    json_array_foreach((json_t *)blocks, i, block) {
        const char *type = sw_str(block, "type");
        const json_t *fields = json_object_get(block, "fields");
        if (!strcmp(type, "section")) {
            if (!fields) check_object(id, json_object_get(block, "text"), 3000);
            assert_true(json_array_size(fields) <= 10);
            json_array_foreach((json_t *)fields, k, part) {
                check_object(id, part, 2000);
            }
        } else if (!strcmp(type, "context")) {
            assert_int_equal(json_array_size(json_object_get(block, "elements")), 1);
            check_object(id, json_array_get(json_object_get(block, "elements"), 0), 3000);
        } else {
            assert_string_equal(type, "actions");
            check_actions(id, json_object_get(block, "elements"));
        }
    }
}

/* A copy of `value` with every string, but `keep`, and every integer replaced. */
static json_t *replaced(const json_t *value, const char *keep, const json_t *by) {
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        json_t *copy = json_object();
        json_object_foreach((json_t *)value, key, item) {
            json_object_set_new(copy, key, replaced(item, keep, by));
        }
        return copy;
    }
    if (json_is_array(value)) {
        json_t *copy = json_array();
        json_array_foreach((json_t *)value, i, item) {
            json_array_append_new(copy, replaced(item, keep, by));
        }
        return copy;
    }
    if (json_is_string(value) && keep && !strcmp(keep, json_string_value(value)))
        return json_string(keep);
    if (json_is_string(value) || !json_is_string(by)) return json_deep_copy(by);
    return json_deep_copy(value);
}

static void no_value_can_act_or_break_a_limit(void **state) {
    SW_AUTO(sw_text) char *many = sw_malloc(40001);
    const char *id, *when;
    (void)state;
    for (size_t i = 0; i < 40000; i += 4)
        memcpy(many + i, "\xf0\x9d\x84\x9e", 4);
    many[40000] = 0;
    json_t *values[] = {
        json_string("<!channel> <@U0EVE> <http://evil.example|x> &amp; & `*_~ \n\t\x01 [{line}]"),
        json_string("\xe2\x80\xaegnirts\xe2\x81\xa6 @here #general"),
        json_string("`````*****"),
        json_stringn("a\0b", 3),
        json_string(many),
        json_string(""),
        json_null(),
        json_integer(-1),
        json_integer(0x7fffffffffffffffLL),
        json_real(1e300),
        json_true(),
        json_object(),
        json_array(),
        json_pack("[[i, n]]", 1),
    };
    for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
        for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
            SW_AUTO(sw_json) json_t *file = golden(id, when);
            const json_t *in = json_object_get(file, "in");
            SW_AUTO(sw_json)
            json_t *data = replaced(json_object_get(in, "data"), when, values[v]);
            SW_AUTO(sw_json) json_t *out = render(id, in, data);
            check_message(id, out);
        }
        json_decref(values[v]);
    }
}

static void data_that_is_no_object_gives_a_message(void **state) {
    const char *id, *when;
    json_t *datas[] = {NULL, json_null(), json_array(), json_string("x"), json_object()};
    (void)state;
    for (size_t d = 0; d < 5; d++) {
        for (size_t i = 0; (id = sw_template_row(i, &when)); i++) {
            json_t *out = render(id, NULL, datas[d]);
            check_message(id, out);
            json_decref(out);
        }
        json_decref(datas[d]);
    }
}

/* As long as the actors that send them allow. */
static void long_lists_are_cut_and_say_so(void **state) {
    json_t *names = json_array(), *releases = json_array(), *stages = json_array(),
           *apps = json_array();
    (void)state;
    for (int i = 0; i < 3000; i++)
        json_array_append_new(names, json_sprintf("pipeline-with-a-long-name-%d", i));
    for (int i = 0; i < 400; i++)
        json_array_append_new(releases,
                              json_pack("{s:i, s:s, s:o}", "version", i, "status", "succeeded",
                                        "description", json_sprintf("%0200d", i)));
    for (int i = 0; i < 300; i++)
        json_array_append_new(
            apps, json_pack("{s:o, s:s}", "name", json_sprintf("app-%d", i), "state", "success"));
    for (int i = 0; i < 30; i++)
        json_array_append_new(stages, json_pack("{s:s, s:O, s:i}", "stage", "production", "apps",
                                                apps, "count", 300));
    json_t *data = json_pack("{s:O, s:i, s:o, s:o, s:o, s:s, s:s, s:O}", "names", names, "more", 7,
                             "releases", releases, "stages", stages, "apps", apps, "state",
                             "success", "name", "p", "near", names);
    static const char *const ids[] = {"pipelines.list", "pipelines.info", "releases.list",
                                      "promote", "error.unknown_pipeline"};
    for (size_t i = 0; i < 5; i++) {
        json_t *out = render(ids[i], NULL, data);
        check_message(ids[i], out);
        SW_AUTO(sw_text) char *text = json_dumps(out, 0);
        if (strcmp(ids[i], "releases.list") && strcmp(ids[i], "promote"))
            assert_non_null(strstr(text, "more"));
        json_decref(out);
    }
    json_decref(names);
    json_decref(data);
}

static size_t times(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static void what_a_list_does_not_show_is_counted(void **state) {
    static const int counts[] = {1, 2, 149, 200, 600, 3000};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        json_t *names = json_array();
        for (int k = 0; k < counts[i]; k++)
            json_array_append_new(names, json_sprintf("pipeline-with-a-name-%d", k));
        SW_AUTO(sw_json) json_t *data = json_pack("{s:o, s:i}", "names", names, "more", i ? 7 : 0);
        SW_AUTO(sw_json) json_t *out = render("pipelines.list", NULL, data);
        check_message("pipelines.list", out);
        SW_AUTO(sw_text) char *text = json_dumps(out, 0);
        size_t shown = times(text, "`pipeline-with-a-name-");
        const char *and = strstr(text, "And ");
        size_t more = and? strtoul(and+4, NULL, 10) : 0;
        assert_int_equal(shown + more, (size_t)counts[i] + (i ? 7 : 0));
        if (counts[i] <= 200)
            assert_int_equal(shown, counts[i]); /* what people can read is shown */
        assert_true(strlen(text) < 20000);
    }
}

static void a_mistake_is_marked_below_its_line(void **state) {
    static const struct {
        int before, size, after;
        const char *shown;
    } rows[] = {
        {0, 1, 0, "```x\n^```"},
        {2, 3, 1, "```\xc3\xa4\xc3\xa4xxxb\n  ^^^```"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text)
        char *line = sw_printf("%.*s%.*s%.*s", 2 * rows[i].before, "\xc3\xa4\xc3\xa4", rows[i].size,
                               "xxxxx", rows[i].after, "bbbb");
        SW_AUTO(sw_text)
        char *mark = sw_printf("%*s%.*s", rows[i].before, "", rows[i].size, "^^^^");
        SW_AUTO(sw_json) json_t *data = json_pack("{s:s, s:s}", "line", line, "mark", mark);
        SW_AUTO(sw_json) json_t *out = render("usage", NULL, data);
        const json_t *block = json_array_get(json_object_get(out, "blocks"), 1);
        assert_string_equal(json_string_value(sw_data_at(block, "text.text")), rows[i].shown);
    }
    /* Any length, any place: both lines are there, and what is marked is what was meant. */
    for (size_t at = 0; at < 3900; at += 97) {
        char line[4001], mark[4001];
        memset(line, 'a', 4000);
        memset(mark, ' ', 4000);
        line[4000] = mark[at + 50] = 0;
        memset(line + at, 'X', 50);
        memset(mark + at, '^', 50);
        SW_AUTO(sw_json) json_t *data = json_pack("{s:s, s:s}", "line", line, "mark", mark);
        SW_AUTO(sw_json) json_t *out = render("usage", NULL, data);
        const json_t *block = json_array_get(json_object_get(out, "blocks"), 1);
        const char *text = json_string_value(sw_data_at(block, "text.text"));
        const char *end = strchr(text, '\n');
        check_message("usage", out);
        assert_non_null(end);
        assert_int_equal(strchr(text, 'X') - text - 3, strchr(end, '^') - end - 1);
        assert_int_equal(times(text, "X"), times(text, "^"));
    }
}

static void the_body_leaves_room_for_buttons_and_says_that_it_was_cut(void **state) {
    json_t *commands = json_array();
    (void)state;
    for (int i = 0; i < 100; i++)
        json_array_append_new(commands, json_pack("{s:s, s:o, s:o}", "usage", "x", "group",
                                                  json_sprintf("group %d", i), "summary",
                                                  json_sprintf("%01000d", i)));
    SW_AUTO(sw_json)
    json_t *data = json_pack("{s:o, s:[{s:s, s:s}], s:s}", "commands", commands, "buttons", "label",
                             "Next", "line", "help x", "line", "help");
    SW_AUTO(sw_json) json_t *out = render("help", NULL, data);
    SW_AUTO(sw_text) char *text = json_dumps(out, 0);
    check_message("help", out);
    assert_non_null(strstr(text, "the rest was left out"));
    assert_non_null(strstr(text, "\"type/1\""));
    assert_non_null(strstr(text, "`/h help`"));
}

static void an_unknown_id_is_told_with_the_command(void **state) {
    (void)state;
    json_t *out = render("no.such", NULL, NULL);
    check_message("no.such", out);
    SW_AUTO(sw_text) char *text = json_dumps(out, 0);
    assert_non_null(strstr(text, "no.such"));
    assert_non_null(strstr(text, "0001-abc"));
    json_decref(out);
}

/* All that executor says of webhooks (plan_tend.h): who routes shall not wait for what never comes. */
static void each_webhook_that_is_not_there_is_told(void **state) {
    static const char *const hooks[][2] = {{"heroku", "some"},      {"heroku", "none"},
                                           {"heroku", "no_secret"}, {"github", "denied"},
                                           {"github", "none"},      {"github", "no_secret"},
                                           {"github", "away"},      {"github", "no_account"}};
    (void)state;
    for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
        print_message("row %zu\n", i);
        SW_AUTO(sw_json)
        json_t *data = json_pack("{s:s, s:s, s:s, s:{s:s}}", "id", "r7k2", "pipeline", "storefront",
                                 "repo", "acme/storefront", "hooks", hooks[i][0], hooks[i][1]);
        json_t *out = render("route.added", NULL, data);
        SW_AUTO(sw_text) char *text = json_dumps(out, JSON_ENSURE_ASCII);
        assert_non_null(strstr(text, "\\u26A0"));
        json_decref(out);
    }
}

static void only_what_the_parser_says_needs_no_budget(void **state) {
    (void)state;
    assert_true(sw_template_only("help"));
    assert_true(sw_template_only("usage"));
    assert_true(sw_template_only("error.unknown_channel"));
    assert_false(sw_template_only("login.card"));
    assert_false(sw_template_only("error.heroku"));
    assert_false(sw_template_only("no.such"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_gives_what_its_golden_file_says),
        cmocka_unit_test(no_golden_file_is_without_its_row),
        cmocka_unit_test(no_value_can_act_or_break_a_limit),
        cmocka_unit_test(data_that_is_no_object_gives_a_message),
        cmocka_unit_test(long_lists_are_cut_and_say_so),
        cmocka_unit_test(what_a_list_does_not_show_is_counted),
        cmocka_unit_test(a_mistake_is_marked_below_its_line),
        cmocka_unit_test(the_body_leaves_room_for_buttons_and_says_that_it_was_cut),
        cmocka_unit_test(an_unknown_id_is_told_with_the_command),
        cmocka_unit_test(each_webhook_that_is_not_there_is_told),
        cmocka_unit_test(only_what_the_parser_says_needs_no_budget),
    };
    return cmocka_run_group_tests_name("templates", tests, NULL, NULL);
}
