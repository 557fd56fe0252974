/* cli_common.c -- what the commands share; see cli.h. */
#include "actors/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum sw_exit sw_cli_exit(int r) {
    return r >= 0 ? SW_EXIT_DONE : r == -ENOTCONN ? SW_EXIT_AWAY : SW_EXIT_FAILED;
}

int sw_cli_fail(const char *command, int r, const char *error) {
    fprintf(stderr, "slipway %s: %s\n", command, error);
    return sw_cli_exit(r);
}

int sw_cli_written(const char *command) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return SW_EXIT_DONE;
    fprintf(stderr, "slipway %s: cannot write all of it\n", command);
    return SW_EXIT_FAILED;
}

bool sw_cli_asks_help(int argc, char **argv) {
    return argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

void sw_cli_print_json(const json_t *json) {
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
}

/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: what follows would be shown as another text. */
static bool turns_direction(const unsigned char *p) {
    if (*p != 0xe2) return false;
    if (p[1] == 0x80) return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae);
    return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

void sw_cli_print_text(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (turns_direction(p)) {
            putchar('?');
            p += 2;
        } else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
            putchar('?'); /* a control character of Latin 1, in UTF-8 */
            p++;
        } else {
            putchar(*p < ' ' || *p == 0x7f ? '?' : *p);
        }
    }
}

void sw_cli_time(int64_t ms, char ret[32]) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm at;
    bool known = ms > 0 && gmtime_r(&seconds, &at) && at.tm_year < 8100 &&
                 strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &at) > 0;
    if (!known) strcpy(ret, "-");
}

const char *sw_cli_value(const char *name, int argc, char **argv, int *i) {
    size_t size = strlen(name);
    const char *word = argv[*i];
    if (strncmp(word, name, size) != 0) return NULL;
    if (word[size] == '=') return word + size + 1;
    return word[size] || *i + 1 >= argc ? NULL : argv[++*i];
}
