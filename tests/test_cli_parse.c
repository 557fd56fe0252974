/* test_cli_parse.c -- `slipway parse` as a shell sees it: arguments and standard input to one JSON line. */
#include "actors/cli.h"
#include "actors/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs it in a child with `input` on its standard input; returns what it exits with. */
static int run(char **argv, const char *input, size_t input_size, char *output, size_t room) {
    FILE *in = tmpfile(), *out = tmpfile();
    int argc = 0, status;
    pid_t child;
    size_t size;

    assert_non_null(in);
    assert_non_null(out);
    assert_int_equal(fwrite(input, 1, input_size, in), input_size);
    rewind(in);
    while (argv[argc]) {
        argc++;
    }
    (void)fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(fileno(in), 0) < 0 || dup2(fileno(out), 1) < 0) {
            _exit(99);
        }
        rewind(stdin);
        status = sw_cli_parse(argc, argv);
        (void)fflush(stdout);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    rewind(out);
    size = fread(output, 1, room - 1, out);
    output[size] = '\0';
    (void)fclose(in);
    (void)fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void arguments_give_exactly_one_object(void **state) {
    static const char want[] =
        "{\"task\":\"promote\",\"subtask\":\"default\",\"handler\":\"promote\",\"valid\":true,"
        "\"forced\":true,\"pipeline\":\"storefront\",\"branch\":null,\"environment\":null,"
        "\"application\":null,\"from\":\"staging\",\"from_app\":\"a\",\"to\":\"production\","
        "\"to_app\":\"b\",\"second_factor\":\"123456\",\"channel\":null,\"error\":null}\n";
    char *quoted[] = {"parse", "--", "promote! storefront from stg/a to prod/b 123456", NULL};
    char *words[] = {"parse", "--", "promote!", "storefront", "from",
                     "stg/a", "to", "prod/b",   "123456",     NULL};
    char output[1024];

    (void)state;
    assert_int_equal(run(quoted, "", 0, output, sizeof output), 0);
    assert_string_equal(output, want);
    assert_int_equal(run(words, "", 0, output, sizeof output), 0);
    assert_string_equal(output, want);
}

static void standard_input_may_hold_nul_and_end_with_a_newline(void **state) {
    static const char text[] = "deploy x/a\0b to y\n";
    char *argv[] = {"parse", "-", NULL};
    char output[1024];

    (void)state;
    assert_int_equal(run(argv, text, sizeof text - 1, output, sizeof output), 0);
    assert_non_null(strstr(output, "\"branch\":\"a\\u0000b\",\"environment\":\"y\""));
    assert_int_equal(run(argv, "", 0, output, sizeof output), 0);
    assert_non_null(strstr(output, "\"task\":null,\"subtask\":\"default\",\"handler\":\"help\""));
}

static void too_much_input_is_invalid_not_cut(void **state) {
    char *argv[] = {"parse", "-", NULL};
    size_t size = SW_GRAMMAR_MAX_BYTES + 100;
    char *text = malloc(size), output[1024];

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "promote x", 9);
    assert_int_equal(run(argv, text, size, output, sizeof output), 0);
    assert_non_null(strstr(output, "\"valid\":false"));
    free(text);
}

static void an_invalid_line_is_a_result_and_wrong_usage_is_not(void **state) {
    char *prose[] = {"parse", "--", "promote this is an invalid command", NULL};
    char *dash[] = {"parse", "--", "-", NULL};
    char *none[] = {"parse", NULL};
    char *bare[] = {"parse", "promote", NULL};
    char output[1024];

    (void)state;
    assert_int_equal(run(prose, "", 0, output, sizeof output), 0);
    assert_non_null(strstr(output, "\"valid\":false,\"forced\":false,\"pipeline\":null"));
    assert_int_equal(run(dash, "promote x", 9, output, sizeof output), 0);
    assert_non_null(strstr(output, "'-' is not a command"));
    assert_int_equal(run(none, "", 0, output, sizeof output), 64);
    assert_string_equal(output, "");
    assert_int_equal(run(bare, "", 0, output, sizeof output), 64);
}

/* Two bars end the first cell and the second; all others belong to a usage. */
static void the_table_has_a_row_for_each_command(void **state) {
    char *argv[] = {"parse", "--table", NULL}, output[8192];
    size_t rows = 0, commands = 0;

    (void)state;
    assert_int_equal(run(argv, "", 0, output, sizeof output), 0);
    while (sw_grammar_command_at(commands)) {
        commands++;
    }
    for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n"), rows++) {
        int bars = 0;

        for (const char *at = line; *at; at++) {
            bars += *at == '|' && (at == line || at[-1] != '\\');
        }
        assert_int_equal(bars, 3);
        if (rows >= 2) {
            const char *name = sw_grammar_command_at(rows - 2)->name;

            assert_memory_equal(line, "| `/h ", 6);
            assert_memory_equal(line + 6, name, strlen(name));
        }
    }
    assert_int_equal(rows, commands + 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_give_exactly_one_object),
        cmocka_unit_test(standard_input_may_hold_nul_and_end_with_a_newline),
        cmocka_unit_test(too_much_input_is_invalid_not_cut),
        cmocka_unit_test(the_table_has_a_row_for_each_command),
        cmocka_unit_test(an_invalid_line_is_a_result_and_wrong_usage_is_not),
    };

    return cmocka_run_group_tests_name("cli_parse", tests, NULL, NULL);
}
