/* test_grammar.c -- every form that can be typed, and every trap in it; see actors/grammar.h. */
#include "actors/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MODHEX32 "cccccbdefghijklnrtuvcbdefghijkln"
#define MODHEX44 MODHEX32 "rtuvcbdefghi"
#define MODHEX64 MODHEX32 MODHEX32

static const char *const keys[] = {
    "task",   "subtask",       "handler",     "valid", "forced",   "pipeline",
    "branch", "environment",   "application", "from",  "from_app", "to",
    "to_app", "second_factor", "channel",     "error",
};
#define KEYS (sizeof keys / sizeof *keys)

struct row {
    const char *text;
    const char *task, *subtask, *handler; /* subtask NULL: "default" */
    bool forced;
    const char *pipeline, *branch, *environment, *application;
    const char *from, *from_app, *to, *to_app, *code;
    const char *wrong; /* not NULL: invalid, and the error contains this */
};

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static void expect_text(const struct row *row, const json_t *o, const char *key, const char *want) {
    const char *is = text_of(o, key);
    bool same = is && want ? !strcmp(is, want) : is == want;

    if (!same) {
        fail_msg("[%s]: %s is %s, expected %s", row->text, key, is ? is : "null",
                 want ? want : "null");
    }
}

static void expect_order(const char *text, const json_t *o) {
    const char *key;
    json_t *value;
    size_t i = 0;

    json_object_foreach((json_t *)(uintptr_t)o, key, value) {
        if (i >= KEYS || strcmp(key, keys[i])) {
            fail_msg("[%s]: key %zu is %s", text, i, key);
        }
        i++;
    }
    assert_int_equal(i, KEYS);
}

static void check_row(const struct row *row) {
    json_t *o = sw_grammar_parse(row->text, strlen(row->text));

    expect_order(row->text, o);
    expect_text(row, o, "task", row->task);
    expect_text(row, o, "subtask", row->subtask ? row->subtask : "default");
    expect_text(row, o, "handler", row->handler);
    expect_text(row, o, "pipeline", row->pipeline);
    expect_text(row, o, "branch", row->branch);
    expect_text(row, o, "environment", row->environment);
    expect_text(row, o, "application", row->application);
    expect_text(row, o, "from", row->from);
    expect_text(row, o, "from_app", row->from_app);
    expect_text(row, o, "to", row->to);
    expect_text(row, o, "to_app", row->to_app);
    expect_text(row, o, "second_factor", row->code);
    expect_text(row, o, "channel", NULL);
    if (json_is_true(json_object_get(o, "valid")) == (row->wrong != NULL) ||
        json_is_true(json_object_get(o, "forced")) != row->forced) {
        char *dump = json_dumps(o, 0);

        fail_msg("[%s]: %s", row->text, dump);
    }
    if (!row->wrong) {
        expect_text(row, o, "error", NULL);
    } else if (!text_of(o, "error") || !strstr(text_of(o, "error"), row->wrong) ||
               !strstr(text_of(o, "error"), ". Usage: ")) {
        fail_msg("[%s]: error is %s", row->text, text_of(o, "error"));
    }
    json_decref(o);
}

#define CHECK(rows)                                                                                \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++) {                                   \
        check_row(&(rows)[i]);                                                                     \
    }
/* Each takes the text, then the fields that are not null. */
#define PROMOTE(...)                                                                               \
    { .task = "promote", .handler = "promote", .text = __VA_ARGS__ }
#define DEPLOY(...)                                                                                \
    { .task = "deploy", .handler = "deploy", .text = __VA_ARGS__ }
#define RELEASES(...)                                                                              \
    { .task = "releases", .handler = "releases", .text = __VA_ARGS__ }
#define PIPELINES(...)                                                                             \
    { .task = "pipelines", .handler = "pipelines", .text = __VA_ARGS__ }
#define INFO(...)                                                                                  \
    { .task = "info", .handler = "pipelines", .text = __VA_ARGS__ }
#define HELP(word, ...)                                                                            \
    { .task = word, .handler = "help", .text = __VA_ARGS__ }

static void the_first_word_chooses_who_answers(void **state) {
    static const struct row rows[] = {
        HELP("help", "help"),
        HELP("help", "help promote"),
        HELP("help", "help:a:b", .subtask = "a:b"),
        HELP("help", "help:a\tb", .subtask = "a", .wrong = "has no meaning"),
        HELP("help", "help me out", .wrong = "'out'"),
        HELP(NULL, "", .wrong = "no command"),
        HELP(NULL, "\n", .wrong = "no command"),
        HELP(NULL, "Deploy storefront", .wrong = "'Deploy' is not a command; commands are lower"),
        HELP(NULL, "PROMOTE storefront", .wrong = "lower-case"),
        HELP(NULL, " promote storefront", .wrong = "blank"),
        HELP(NULL, "!promote storefront", .wrong = "'!promote'"),
        HELP(NULL, "\npromote storefront", .wrong = "is not a command"),
        HELP(NULL, "Hello\npromote storefront", .wrong = "is not a command"),
        HELP("promot", "promot storefront", .wrong = "'promot' is not a command"),
        HELP("promotes", "promotes storefront", .wrong = "is not a command"),
        HELP("promote.x", "promote.x storefront", .wrong = "is not a command"),
        HELP("frob", "frob:nicate:now x", .subtask = "nicate:now", .wrong = "'frob'"),
        HELP("undo", "undo storefront", .wrong = "'undo'"),
        {.text = "login", .task = "login", .handler = "login"},
        {.text = "login  ", .task = "login", .handler = "login"},
        {.text = "login\n", .task = "login", .handler = "login"},
        {.text = "login me", .task = "login", .handler = "login", .wrong = "'me'"},
        {.text = "login:x", .task = "login", .subtask = "x", .handler = "login", .wrong = "'x'"},
        {.text = "logout", .task = "logout", .handler = "logout"},
        {.text = "logout everybody", .task = "logout", .handler = "logout", .wrong = "'everybody'"},
        {.text = "logout\nlogin", .task = "logout", .handler = "logout", .wrong = "logout"},
    };

    (void)state;
    CHECK(rows);
}

static void promote_takes_stages_and_apps_in_their_order(void **state) {
    static const struct row rows[] = {
        PROMOTE("promote my-pipeline", .pipeline = "my-pipeline"),
        PROMOTE("promote   store_front.2  ", .pipeline = "store_front.2"),
        PROMOTE("promote storefront\n", .pipeline = "storefront"),
        PROMOTE("promote! storefront", .forced = true, .pipeline = "storefront"),
        PROMOTE("promote x from staging", .pipeline = "x", .from = "staging"),
        PROMOTE("promote x to production", .pipeline = "x", .to = "production"),
        PROMOTE("promote x in production", .pipeline = "x", .to = "production"),
        PROMOTE("promote x on production", .pipeline = "x", .to = "production"),
        PROMOTE("promote x from staging to production", .pipeline = "x", .from = "staging",
                .to = "production"),
        PROMOTE("promote x  from  staging   to    production ", .pipeline = "x", .from = "staging",
                .to = "production"),
        PROMOTE("promote x from staging/a-b to production/c.d", .pipeline = "x", .from = "staging",
                .from_app = "a-b", .to = "production", .to_app = "c.d"),
        PROMOTE("promote x from a/B/c//d to b/\xc3\xa9/f", .pipeline = "x", .from = "a",
                .from_app = "B/c//d", .to = "b", .to_app = "\xc3\xa9/f"),
        PROMOTE("promote x to prod/billing-eu", .pipeline = "x", .to = "production",
                .to_app = "billing-eu"),
        PROMOTE("promote x from staging to staging", .pipeline = "x", .from = "staging",
                .to = "staging"),
        PROMOTE("promote storefront on friday", .pipeline = "storefront", .to = "friday"),
        PROMOTE("promote from from from to to", .pipeline = "from", .from = "from", .to = "to"),
        PROMOTE("promote to to to", .pipeline = "to", .to = "to"),
        PROMOTE("promote to", .pipeline = "to"),
    };

    (void)state;
    CHECK(rows);
}

static void stage_aliases_are_resolved_only_as_whole_stages(void **state) {
    static const struct row rows[] = {
        PROMOTE("promote x from stg to prd", .pipeline = "x", .from = "staging",
                .to = "production"),
        PROMOTE("promote prod from prod to prod/prod", .pipeline = "prod", .from = "production",
                .to = "production", .to_app = "prod"),
        PROMOTE("promote x to prods", .pipeline = "x", .to = "prods"),
        PROMOTE("promote x to stag", .pipeline = "x", .to = "stag"),
        DEPLOY("deploy stg/stg to stg", .pipeline = "stg", .branch = "stg",
               .environment = "staging"),
        RELEASES("releases prd in prd", .pipeline = "prd", .environment = "production"),
    };

    (void)state;
    CHECK(rows);
}

static void a_one_time_code_ends_the_line(void **state) {
    static const struct row rows[] = {
        PROMOTE("promote x 123456", .pipeline = "x", .code = "123456"),
        PROMOTE("promote x from a 012345  ", .pipeline = "x", .from = "a", .code = "012345"),
        PROMOTE("promote! x from a to b/c 123456", .forced = true, .pipeline = "x", .from = "a",
                .to = "b", .to_app = "c", .code = "123456"),
        PROMOTE("promote x " MODHEX32, .pipeline = "x", .code = MODHEX32),
        PROMOTE("promote x to b " MODHEX44, .pipeline = "x", .to = "b", .code = MODHEX44),
        PROMOTE("promote x " MODHEX64, .pipeline = "x", .code = MODHEX64),
        DEPLOY("deploy x/y 123456", .pipeline = "x", .branch = "y", .code = "123456"),
        DEPLOY("deploy x to y/z " MODHEX44, .pipeline = "x", .environment = "y", .application = "z",
               .code = MODHEX44),
        /* Six digits are a name where a name must be. */
        PROMOTE("promote 123456", .pipeline = "123456"),
        PROMOTE("promote x to 123456", .pipeline = "x", .to = "123456"),
        PROMOTE("promote 123456 from 123456 123456", .pipeline = "123456", .from = "123456",
                .code = "123456"),
        PROMOTE("promote x 12345", .wrong = "one-time code"),
        PROMOTE("promote x 1234567", .wrong = "one-time code"),
        PROMOTE("promote x \xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6", .wrong = "meaning"),
        PROMOTE("promote x " MODHEX64 "c", .wrong = "one-time code"),
        PROMOTE("promote x cccccbdefghijklnrtuvcbdefghijkl", .wrong = "one-time code"),
        PROMOTE("promote x CCCCCBDEFGHIJKLNRTUVCBDEFGHIJKLN", .wrong = "one-time code"),
        PROMOTE("promote x 123456 123456", .wrong = "one-time code"),
        PROMOTE("promote x 123456 to y", .wrong = "'to y' cannot stand"),
        RELEASES("releases x 123456", .wrong = "one-time code"),
    };

    (void)state;
    CHECK(rows);
}

static void a_line_that_does_not_fit_executes_nothing(void **state) {
    static const struct row rows[] = {
        PROMOTE("promote this is an invalid command", .wrong = "'is' has no meaning"),
        PROMOTE("promote storefront please", .wrong = "'please' has no meaning"),
        PROMOTE("promote storefront to production please", .wrong = "'please'"),
        PROMOTE("promote storefront to production, please",
                .wrong = "'production,' has no meaning"),
        PROMOTE("promote storefront from staging to production now 123456", .wrong = "'now'"),
        PROMOTE("promote", .wrong = "the name of a pipeline is missing"),
        PROMOTE("promote!", .wrong = "the name of a pipeline is missing"),
        PROMOTE("promote  ", .wrong = "the name of a pipeline is missing"),
        PROMOTE("promote !x", .wrong = "'!x' is not a pipeline"),
        PROMOTE("promote!! x", .wrong = "'!'"),
        PROMOTE("promote!x", .wrong = "'x' cannot follow"),
        PROMOTE("promote ! x", .wrong = "'!'"),
        PROMOTE("promote Storefront", .wrong = "'Storefront' is not a pipeline"),
        PROMOTE("promote \xc3\xa9t\xc3\xa9", .wrong = "\xc3\xa9t\xc3\xa9"),
        PROMOTE("promote storeFront", .wrong = "'storeFront'"),
        PROMOTE("promote x/y", .wrong = "'x/y'"),
        PROMOTE("promote/x", .wrong = "'/x' cannot follow"),
        PROMOTE("promote x from", .wrong = "a stage must follow 'from'"),
        PROMOTE("promote x to ", .wrong = "a stage must follow 'to'"),
        PROMOTE("promote x from staging to", .wrong = "a stage must follow 'to'"),
        PROMOTE("promote x fromstaging", .wrong = "'fromstaging'"),
        PROMOTE("promote xfrom staging", .wrong = "'staging'"),
        PROMOTE("promote x to Production", .wrong = "'Production' is not a stage"),
        PROMOTE("promote x to /app", .wrong = "'/app' is not a stage"),
        PROMOTE("promote x to prod/", .wrong = "'prod/'"),
        PROMOTE("promote x to a from b", .wrong = "'from b' cannot stand"),
        PROMOTE("promote x to a to b", .wrong = "'to b' cannot stand"),
        PROMOTE("promote x from a from b", .wrong = "'from b' cannot stand"),
        PROMOTE("promote x into prod", .wrong = "'into'"),
        PROMOTE("promote:x y", .subtask = "x", .wrong = "promote has no subtask 'x'"),
        PROMOTE("promote:default y", .subtask = "default", .wrong = "':default' cannot follow"),
        PROMOTE("promote: y", .wrong = "':' cannot follow"),
        PROMOTE("promoteX y", .wrong = "'X'"),
        /* A blank is a space, and nothing else is. */
        PROMOTE("promote\tx", .wrong = "cannot follow"),
        PROMOTE("promote x\tto y", .wrong = "meaning"),
        PROMOTE("promote x to\ty", .wrong = "meaning"),
        PROMOTE("promote x\xc2\xa0to y", .wrong = "meaning"),
        PROMOTE("promote x\r\n", .wrong = "meaning"),
        PROMOTE("promote x\n\n", .wrong = "meaning"),
        PROMOTE("promote x\npromote y", .wrong = "meaning"),
        PROMOTE("promote x\n123456", .wrong = "meaning"),
    };

    (void)state;
    CHECK(rows);
}

static void deploy_is_parsed_with_refs_of_any_kind(void **state) {
    static const struct row rows[] = {
        DEPLOY("deploy hello", .pipeline = "hello"),
        DEPLOY("deploy! hello", .forced = true, .pipeline = "hello"),
        DEPLOY("deploy hello/main", .pipeline = "hello", .branch = "main"),
        DEPLOY("deploy hello/feature/Big-One/2", .pipeline = "hello",
               .branch = "feature/Big-One/2"),
        DEPLOY("deploy hello/\xe6\x97\xa5#1!", .pipeline = "hello", .branch = "\xe6\x97\xa5#1!"),
        DEPLOY("deploy hello/a\tb\xc2\xa0"
               "c\nd",
               .pipeline = "hello",
               .branch = "a\tb\xc2\xa0"
                         "c\nd"),
        DEPLOY("deploy hello/main\n", .pipeline = "hello", .branch = "main"),
        DEPLOY("deploy hello/123456", .pipeline = "hello", .branch = "123456"),
        DEPLOY("deploy hello to production", .pipeline = "hello", .environment = "production"),
        DEPLOY("deploy hello/main in staging", .pipeline = "hello", .branch = "main",
               .environment = "staging"),
        DEPLOY("deploy! hello/main on prod/hello-eu 123456", .forced = true, .pipeline = "hello",
               .branch = "main", .environment = "production", .application = "hello-eu",
               .code = "123456"),
        DEPLOY("deploy:default hello", .subtask = "default", .pipeline = "hello"),
        DEPLOY("deploy:default! hello", .subtask = "default!", .wrong = "'default!'"),
        DEPLOY("deploy:x! hello", .subtask = "x!", .wrong = "'!' belongs directly after"),
        DEPLOY("deploy:lock hello", .subtask = "lock", .wrong = "deploy has no subtask 'lock'"),
        DEPLOY("deploy!:x hello", .wrong = "':x'"),
        DEPLOY("deploy", .wrong = "the name of a pipeline is missing"),
        DEPLOY("deploy hello/", .wrong = "'hello/'"),
        DEPLOY("deploy hello from staging", .wrong = "'from staging' cannot stand"),
        DEPLOY("deploy hello to", .wrong = "a stage must follow 'to'"),
        DEPLOY("deploy hello/main staging", .wrong = "'staging'"),
        DEPLOY("deploy the thing", .wrong = "'thing'"),
    };

    (void)state;
    CHECK(rows);
}

static void releases_takes_any_white_space(void **state) {
    static const struct row rows[] = {
        RELEASES("releases x", .pipeline = "x"),
        RELEASES("releases\tx\n in\r\nstg \t", .pipeline = "x", .environment = "staging"),
        RELEASES("releases x in staging", .pipeline = "x", .environment = "staging"),
        RELEASES("releases x in development", .pipeline = "x", .environment = "development"),
        RELEASES("releases x in prod/billing-eu", .pipeline = "x", .environment = "production",
                 .application = "billing-eu"),
        RELEASES("releases", .wrong = "the name of a pipeline is missing"),
        RELEASES("releases x to staging", .wrong = "'to staging' cannot stand"),
        RELEASES("releases x in", .wrong = "a stage must follow 'in'"),
        RELEASES("releases x in staging please", .wrong = "'please'"),
        RELEASES("releases x of last week", .wrong = "'of'"),
        RELEASES("releases:x y", .subtask = "x", .wrong = "'x'"),
        RELEASES("releases! x", .wrong = "'!'"),
    };

    (void)state;
    CHECK(rows);
}

static void pipelines_lists_unless_a_name_is_asked_for(void **state) {
    static const struct row rows[] = {
        PIPELINES("pipelines"),
        PIPELINES("pipelines of mine"),
        PIPELINES("pipelines\nplease"),
        PIPELINES("pipelines:"),
        PIPELINES("pipelines:list", .subtask = "list"),
        PIPELINES("pipelines:info:x y", .subtask = "info:x"),
        PIPELINES("pipelinesX", .wrong = "'pipelinesX'"),
        PIPELINES("pipelines!", .wrong = "'pipelines!'"),
        PIPELINES("pipelines:info storefront", .subtask = "info", .pipeline = "storefront"),
        PIPELINES("pipelines:info StoreFront", .subtask = "info", .pipeline = "StoreFront"),
        PIPELINES("pipelines:info\tx ", .subtask = "info", .pipeline = "x"),
        PIPELINES("pipelines:info  x", .subtask = "info", .wrong = "one space"),
        PIPELINES("pipelines:info", .subtask = "info", .wrong = "is missing"),
        PIPELINES("pipelines:info ", .subtask = "info", .wrong = "is missing"),
        PIPELINES("pipelines:info x y", .subtask = "info", .wrong = "'y'"),
        {.text = "pipeline", .task = "pipeline", .handler = "pipelines"},
        {.text = "pipeline:info x",
         .task = "pipeline",
         .subtask = "info",
         .handler = "pipelines",
         .pipeline = "x"},
        INFO("info storefront", .pipeline = "storefront"),
        INFO("info  StoreFront ", .pipeline = "StoreFront"),
        INFO("info", .wrong = "is missing"),
        INFO("info x y", .wrong = "'y'"),
        INFO("info\tx", .wrong = "cannot follow"),
        INFO("info:x y", .subtask = "x", .wrong = "'x'"),
    };

    (void)state;
    CHECK(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_chooses_who_answers),
        cmocka_unit_test(promote_takes_stages_and_apps_in_their_order),
        cmocka_unit_test(stage_aliases_are_resolved_only_as_whole_stages),
        cmocka_unit_test(a_one_time_code_ends_the_line),
        cmocka_unit_test(a_line_that_does_not_fit_executes_nothing),
        cmocka_unit_test(deploy_is_parsed_with_refs_of_any_kind),
        cmocka_unit_test(releases_takes_any_white_space),
        cmocka_unit_test(pipelines_lists_unless_a_name_is_asked_for),
    };

    return cmocka_run_group_tests_name("grammar", tests, NULL, NULL);
}
