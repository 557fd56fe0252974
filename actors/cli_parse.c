/* cli_parse.c -- `slipway parse`: what a text means, as one JSON object; or all that can be typed; see cli.h. */
#include "actors/cli.h"
#include "actors/grammar.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: slipway parse -- TEXT...   (several are joined by one space)\n"
    "       slipway parse -            (the text comes from standard input, NUL bytes included)\n"
    "       slipway parse --table      (every command, as the README has them)\n";

/* One byte more than the grammar takes is enough to know that it is too long. */
static char *read_all(size_t *ret_size) {
    char *text = sw_malloc(SW_GRAMMAR_MAX_BYTES + 2);

    *ret_size = fread(text, 1, SW_GRAMMAR_MAX_BYTES + 2, stdin);
    return text;
}

static char *join(char **words, int count, size_t *ret_size) {
    size_t size = 0;
    char *text;

    for (int i = 0; i < count; i++) {
        size += strlen(words[i]) + 1;
    }
    text = sw_malloc(size + 1);
    *ret_size = 0;
    for (int i = 0; i < count; i++) {
        size_t word = strlen(words[i]);

        memcpy(text + *ret_size, words[i], word);
        *ret_size += word;
        if (i + 1 < count) {
            text[(*ret_size)++] = ' ';
        }
    }
    return text;
}

/* In a table of Markdown a bar would end the cell, in code too. */
static void print_cell(const char *text) {
    for (; *text; text++) {
        if (*text == '|') {
            (void)putchar('\\');
        }
        (void)putchar(*text);
    }
}

static void print_table(void) {
    const struct sw_command *c;

    (void)fputs("| command | what it does |\n|---|---|\n", stdout);
    for (size_t i = 0; (c = sw_grammar_command_at(i)); i++) {
        (void)fputs("| `/h ", stdout);
        print_cell(c->usage);
        (void)fputs("` | ", stdout);
        print_cell(c->summary);
        (void)fputs(" |\n", stdout);
    }
}

int sw_cli_parse(int argc, char **argv) {
    SW_AUTO(sw_text) char *text = NULL;
    SW_AUTO(sw_json) json_t *command = NULL;
    size_t size = 0;

    if (sw_cli_asks_help(argc, argv)) {
        (void)fputs(usage, stdout);
        return sw_cli_written("parse");
    }
    if (argc == 2 && !strcmp(argv[1], "--table")) {
        print_table();
        return sw_cli_written("parse");
    }
    if (argc == 2 && !strcmp(argv[1], "-")) {
        text = read_all(&size);
    } else if (argc >= 2 && !strcmp(argv[1], "--")) {
        text = join(argv + 2, argc - 2, &size);
    } else {
        (void)fputs(usage, stderr);
        return SW_EXIT_USAGE;
    }
    command = sw_grammar_parse(text, size);
    sw_cli_print_json(command);
    return sw_cli_written("parse");
}
