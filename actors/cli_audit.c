/* cli_audit.c -- `slipway audit`; see cli.h. */
#include "actors/cli.h"
#include "common/audit.h"
#include "common/mem.h"
#include "proto/value.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LAST_MAX 1000000

static const char usage[] =
    "usage: slipway audit [INSTALLATION] [--json] [--last N] [--user U] [--pipeline P]\n\n"
    "Prints who did what through Slipway, through which account and how it ended, oldest first, "
    "from\n"
    "the Redis at SLIPWAY_REDIS. INSTALLATION is a Slack team (T...), or the enterprise (E...) of "
    "an\n"
    "installation for a whole organisation; without it, all of them.\n\n"
    "  --json        one JSON object a line, with all that is known\n"
    "  --last N      only the newest N that match (1 to 1000000)\n"
    "  --user U      only what the Slack user U (U...), or the operator U (login@host), did\n"
    "  --pipeline P  only what was done to the pipeline P\n\n"
    "A line: time (UTC), installation, user, command as typed, accounts, outcome, \"forced\" where "
    "the\n"
    "checks were skipped, details, command id. What only reads, and what was refused before it "
    "began\n(a line that is no command, cancelling what is not one's own), has no entry.\n";

struct output {
    bool json;
    size_t count;
};

static void print_column(const char *text) {
    fputs("  ", stdout);
    sw_cli_print_text(text[0] ? text : "-");
}

static void print_time(int64_t ms) {
    char text[32];
    sw_cli_time(ms, text);
    fputs(text, stdout);
}

static void print_accounts(const json_t *accounts) {
    const char *heroku = sw_str(accounts, "heroku"), *github = sw_str(accounts, "github");
    SW_AUTO(sw_text)
    char *text = sw_printf("%s%s%s%s%s", heroku[0] ? "heroku:" : "", heroku,
                           heroku[0] && github[0] ? "," : "", github[0] ? "github:" : "", github);
    print_column(text);
}

static void print_line(const char *installation, const json_t *entry) {
    const json_t *detail = json_object_get(entry, "detail");
    print_time(sw_int(entry, "at_ms"));
    print_column(installation);
    if (sw_str(entry, "error")[0]) {
        print_column(sw_str(entry, "error"));
        print_column(sw_str(entry, "id"));
        putchar('\n');
        return;
    }
    const json_t *who = json_object_get(entry, "who");
    print_column(sw_str(who, sw_str(who, "user")[0] ? "user" : "operator"));
    print_column(sw_str(entry, "line"));
    print_accounts(json_object_get(entry, "accounts"));
    print_column(sw_str(entry, "outcome"));
    if (json_is_true(json_object_get(entry, "forced"))) print_column("forced");
    if (json_is_string(detail)) {
        print_column(json_string_value(detail));
    } else if (detail && !json_is_null(detail)) {
        SW_AUTO(sw_text) char *text = json_dumps(detail, JSON_COMPACT | JSON_ENCODE_ANY);
        print_column(text);
    }
    print_column(sw_str(entry, "cmd"));
    putchar('\n');
}

static void print_entry(void *arg, const char *installation, const json_t *entry) {
    struct output *output = arg;
    output->count++;
    if (!output->json) {
        print_line(installation, entry);
        return;
    }
    SW_AUTO(sw_json) json_t *line = json_pack("{s:s}", "installation", installation);
    if (line) json_object_update(line, (json_t *)entry);
    sw_cli_print_json(line);
}

static int wrong(const char *what, const char *about) {
    fprintf(stderr, "slipway audit: %s%s\n%s", what, about, usage);
    return -1;
}

static bool parse_last(const char *text, size_t *ret) {
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        n = n * 10 + (size_t)(*p - '0');
        if (n > LAST_MAX) return false;
    }
    *ret = n;
    return n > 0;
}

static int parse(int argc, char **argv, struct sw_audit_query *query, bool *ret_json) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value;
        if (!strcmp(word, "--json")) {
            *ret_json = true;
        } else if ((value = sw_cli_value("--last", argc, argv, &i))) {
            if (!parse_last(value, &query->last))
                return wrong("--last wants a whole number from 1 to 1000000, not ", value);
        } else if ((value = sw_cli_value("--user", argc, argv, &i))) {
            query->user = value;
        } else if ((value = sw_cli_value("--pipeline", argc, argv, &i))) {
            query->pipeline = value;
        } else if (!strcmp(word, "--last") || !strcmp(word, "--user") ||
                   !strcmp(word, "--pipeline")) {
            return wrong("there is no value behind ", word);
        } else if (word[0] == '-' || !word[0]) {
            return wrong("unknown option ", word);
        } else if (query->installation) {
            return wrong("one installation at most, and there is also ", word);
        } else {
            query->installation = word;
        }
    }
    return 0;
}

int sw_cli_audit(int argc, char **argv) {
    struct sw_audit_query query = {0};
    struct output output = {0};
    struct sw_conf conf;
    char error[512];
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("audit");
    if (parse(argc, argv, &query, &output.json) < 0) return SW_EXIT_USAGE;
    int r = sw_cli_load("audit", &conf);
    if (r) return r;
    r = sw_audit_read(&conf, &query, print_entry, &output, error, sizeof(error));
    if (r == 0 && output.count == 0)
        fprintf(stderr, "no audit entries%s in the Redis at SLIPWAY_REDIS %s\n",
                query.installation || query.user || query.pipeline ? " that match" : "",
                conf.redis);
    sw_conf_finish(&conf);
    return r < 0 ? sw_cli_fail("audit", r, error) : sw_cli_written("audit");
}
