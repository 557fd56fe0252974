/* test_parser.c -- rows of (typed text) -> (who gets what), through sw_step. */
#include "actors/actors.h"
#include "common/mem.h"
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_ID "0001-test"

static struct sw_keys *ingress_keys, *parser_keys, *executor_keys;
static char key_dir[64];

static int make_keys(void **state) {
    char error[256] = "";

    (void)state;
    if (keys_dir_make(key_dir) < 0 ||
        sw_keys_load(key_dir, "ingress", &ingress_keys, error, sizeof error) < 0 ||
        sw_keys_load(key_dir, "parser", &parser_keys, error, sizeof error) < 0 ||
        sw_keys_load(key_dir, "executor", &executor_keys, error, sizeof error) < 0) {
        print_error("keys: %s\n", error);
        return -1;
    }
    return 0;
}

static int forget_keys(void **state) {
    (void)state;
    sw_keys_destroy(ingress_keys);
    sw_keys_destroy(parser_keys);
    sw_keys_destroy(executor_keys);
    keys_dir_remove(key_dir);
    return 0;
}

static const json_t *who(void) {
    static json_t *person;

    if (!person) {
        person = json_pack("{s:s, s:s, s:s}", "team", "T1", "user", "U1", "channel", "C1");
    }
    return person;
}

/* slash.v1 as ingress makes it; `box` (taken) is what it sealed. */
static struct sw_msg *slash(json_t *box) {
    struct sw_ctx ctx = {.now_ms = 1, .attempt = 1, .keys = ingress_keys};
    struct sw_msg *m = sw_msg_create(SW_KIND_SLASH, COMMAND_ID, "T1", 1);

    json_object_set(m->body, "who", (json_t *)who());
    json_object_set_new(m->body, "command", json_string("/h"));
    sw_box(&ctx, m, "parser", "text", box);
    sw_msg_set_box(m, "response_url", "1.ingress.responder.opaque");
    return m;
}

static int step(struct sw_msg *in, json_t **ret) {
    struct sw_ctx ctx = {.now_ms = 2, .attempt = 1, .keys = parser_keys};
    int r = sw_step(&sw_actor_parser, &ctx, in, NULL, ret);

    sw_msg_destroy(in);
    return r;
}

/* The one output of a typed text; the caller frees. */
static json_t *typed(const char *text) {
    json_t *outputs = NULL, *one;

    assert_int_equal(
        step(slash(json_pack("{s:s, s:s}", "text", text, "trigger_id", "1.2")), &outputs), 0);
    assert_int_equal(json_array_size(outputs), 1);
    one = json_incref(json_array_get(outputs, 0));
    json_decref(outputs);
    assert_string_equal(sw_str(one, "op"), "send");
    assert_string_equal(sw_str(one, "cmd"), COMMAND_ID);
    assert_true(json_equal(json_object_get(json_object_get(one, "body"), "who"), who()));
    /* The answer's way goes along, the text does not. */
    assert_non_null(json_object_get(json_object_get(one, "boxes"), "response_url"));
    assert_null(json_object_get(json_object_get(one, "boxes"), "text"));
    return one;
}

static void commands_go_to_auth_as_they_were_understood(void **state) {
    static const struct {
        const char *text, *line, *handler, *key, *value, *code;
    } rows[] = {
        {"login", "login", "login", NULL, NULL, NULL},
        {"logout", "logout", "logout", NULL, NULL, NULL},
        {"pipelines", "pipelines", "pipelines", "pipeline", NULL, NULL},
        {"info Store", "info Store", "pipelines", "pipeline", "Store", NULL},
        {"pipelines:info s", "pipelines:info s", "pipelines", "pipeline", "s", NULL},
        {"releases s in stg", "releases s in stg", "releases", "environment", "staging", NULL},
        {"promote s", "promote s", "promote", "pipeline", "s", NULL},
        {"promote! s to prod 246802", "promote! s to prod", "promote", "to", "production",
         "246802"},
        {"deploy s", "deploy s", "deploy", "pipeline", "s", NULL},
        {"deploy! s/main to prod 246802", "deploy! s/main to prod", "deploy", "branch", "main",
         "246802"},
        {"rollback s in stg to v7", "rollback s in stg to v7", "rollback", "version", "7", NULL},
        {"restart s in stg web", "restart s in stg web", "restart", "process", "web", NULL},
        {"ps s in stg", "ps s in stg", "ps", "environment", "staging", NULL},
        {"maintenance on s in stg/a", "maintenance on s in stg/a", "maintenance", "state", "on",
         NULL},
        {"lock s/prd because it burns", "lock s/prd because it burns", "lock", "reason", "it burns",
         NULL},
        {"unlock! s", "unlock! s", "unlock", "reason", NULL, NULL},
        {"locks", "locks", "locks", "pipeline", NULL, NULL},
        {"status", "status", "status", "id", NULL, NULL},
        {"cancel 01abc", "cancel 01abc", "cancel", "id", "01abc", NULL},
        {"wait 01abc", "wait 01abc", "wait", "id", "01abc", NULL},
        {"whoami", "whoami", "whoami", "pipeline", NULL, NULL},
        {"promote s cccccbdefghijklnrtuvcbdefghijkln", "promote s", "promote", "pipeline", "s",
         "cccccbdefghijklnrtuvcbdefghijkln"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *one = typed(rows[i].text), *opened = NULL;
        const json_t *body = json_object_get(one, "body");
        const json_t *command = json_object_get(body, "command");
        const char *box = sw_str(json_object_get(one, "boxes"), "code");
        char *dump = json_dumps(body, 0);

        assert_string_equal(sw_str(one, "name"), "auth");
        assert_string_equal(sw_str(one, "kind"), SW_KIND_COMMAND);
        assert_string_equal(sw_str(body, "line"), rows[i].line);
        assert_string_equal(sw_str(command, "handler"), rows[i].handler);
        assert_true(json_is_true(json_object_get(command, "valid")));
        assert_true(json_is_null(json_object_get(command, "second_factor")));
        if (rows[i].key) {
            assert_string_equal(sw_str(command, rows[i].key), rows[i].value ? rows[i].value : "");
        }
        if (rows[i].code) {
            assert_null(strstr(dump, rows[i].code));
            assert_int_equal(sw_unseal(executor_keys, box, COMMAND_ID, &opened), 0);
            assert_string_equal(sw_str(opened, "code"), rows[i].code);
            json_decref(opened);
        } else {
            assert_string_equal(box, "");
        }
        free(dump);
        json_decref(one);
    }
}

static void a_nul_is_no_end_of_a_name(void **state) {
    static const char text[] = "deploy s/main\0b to prod/s-eu\0";
    json_t *outputs = NULL;

    (void)state;
    assert_int_equal(
        step(slash(json_pack("{s:s%, s:s}", "text", text, sizeof(text) - 1, "trigger_id", "1.2")),
             &outputs),
        0);
    const json_t *body = json_object_get(json_array_get(outputs, 0), "body");
    const json_t *command = json_object_get(body, "command");
    assert_string_equal(sw_str(command, "branch"), "main\xef\xbf\xbd"
                                                   "b");
    assert_string_equal(sw_str(command, "application"), "s-eu\xef\xbf\xbd");
    json_decref(outputs);
}

static void help_and_mistakes_are_answered_in_private(void **state) {
    static const struct {
        const char *text, *template, *key, *value;
        size_t commands; /* 0: the template has none */
    } rows[] = {
        {"", "help", "unknown", "", 24},
        {"help", "help", "topic", "", 24},
        {"help promote", "help", "topic", "promote", 1},
        {"help pipelines:info", "help", "topic", "info", 1},
        {"help frobnicate", "help", "unknown", "frobnicate", 24},
        {"prmote storefront", "help", "suggestion", "promote", 24},
        {"prmote storefront 246802", "help", "line", "prmote storefront [code]", 24},
        {"Promote storefront", "help", "suggestion", "promote", 24},
        {"help", "help", "slash", "/h", 24},
        {"promote this is an invalid command", "usage", "error",
         "'is' has no meaning at this place", 0},
        {"promote this is an invalid command", "usage", "line",
         "promote this is an invalid command", 0},
        {"promote s 246802 to prod", "usage", "line", "promote s [code] to prod", 0},
        {"pipelines:info", "usage", "usage", "info PIPELINE", 0},
        {"deploy:lock s", "usage", "error", "deploy has no subtask 'lock'", 0},
        {"deploy s to", "usage", "mark", "            ^", 0},
        {"lock s 246802", "usage", "mark", "       ^^^^^^", 0},
        {"help route", "help", "topic", "route", 3}, /* all its forms */
        {"route s to #ops", "error.unknown_channel", "name", "ops", 0},
        {"unroute s from #ops", "error.unknown_channel", "name", "ops", 0},
        {"route s to #123", "error.unknown_channel", "name", "123", 0},
        {"route s to #ops", "error.unknown_channel", "line", "route s to #ops", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *one = typed(rows[i].text);
        const json_t *body = json_object_get(one, "body");
        const json_t *data = json_object_get(body, "data");
        char *dump = json_dumps(one, 0);

        assert_string_equal(sw_str(one, "name"), "responder");
        assert_string_equal(sw_str(one, "kind"), SW_KIND_REPLY);
        assert_string_equal(sw_str(body, "to"), "private");
        assert_string_equal(sw_str(body, "op"), COMMAND_ID);
        assert_string_equal(sw_str(body, "template"), rows[i].template);
        assert_true(json_is_true(json_object_get(body, "final")));
        assert_string_equal(sw_str(data, rows[i].key), rows[i].value);
        assert_int_equal(json_array_size(json_object_get(data, "commands")), rows[i].commands);
        assert_null(strstr(dump, "246802"));
        assert_null(json_object_get(json_object_get(one, "boxes"), "code"));
        free(dump);
        json_decref(one);
    }
}

static void a_message_that_is_not_a_command_is_refused(void **state) {
    json_t *outputs = NULL;
    struct sw_msg *m = slash(json_pack("{s:s}", "text", "help"));

    (void)state;
    sw_msg_set_box(m, "text", NULL);
    assert_int_equal(step(m, &outputs), -ENOENT);
    m = slash(json_pack("{s:s}", "text", "help"));
    strcpy(m->cmd, "0002-other"); /* the box belongs to another command */
    assert_int_equal(step(m, &outputs), -EBADMSG);
    assert_int_equal(step(slash(json_pack("{s:i}", "text", 1)), &outputs), -EBADMSG);
    m = slash(json_pack("{s:s}", "text", "help"));
    json_object_del(m->body, "who");
    assert_int_equal(step(m, &outputs), -EBADMSG);
    assert_null(outputs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nul_is_no_end_of_a_name),
        cmocka_unit_test(commands_go_to_auth_as_they_were_understood),
        cmocka_unit_test(help_and_mistakes_are_answered_in_private),
        cmocka_unit_test(a_message_that_is_not_a_command_is_refused),
    };

    return cmocka_run_group_tests_name("parser", tests, make_keys, forget_keys);
}
