/* cli_doctor.c -- `slipway doctor`: looks at one thing after the other, and says how to mend what is wrong; see cli.h. */
#include "actors/cli.h"
#include "actors/cli_check_priv.h"
#include "common/key_use.h"
#include "common/keyspace.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_MS 5000
#define REFUSED_MAX 100

static const char usage[] =
    "usage: slipway doctor [--json]\n\n"
    "Looks at one thing after the other, as this machine and this user see it: settings and "
    "secrets, key\n"
    "files, clocks, each Redis and what is in it, processes and leases, and whether all that is "
    "called can be\n"
    "reached. A line each: ok, warn or FAIL, and what was seen; below it, how to mend it. It "
    "changes nothing,\n"
    "prints no secret, and goes on where Redis is away or keys are missing.\n\n"
    "  --json  one JSON object a line: check, level (ok, warn, fail), seen, and where it is not ok "
    "mend\n\n"
    "Exit status: 0 nothing failed, 1 something failed, 64 usage.\n";

struct doctor {
    struct sw_conf conf;
    bool json;
    size_t count[3]; /* by level */
};

static void print(struct doctor *d, const json_t *row) {
    const char *level = json_string_value(json_object_get(row, "level"));
    const char *mend = json_string_value(json_object_get(row, "mend"));
    for (unsigned i = SW__OK; i <= SW__FAIL; i++)
        d->count[i] += !strcmp(level, sw__levels[i]);
    if (d->json) {
        sw_cli_print_json(row);
        return;
    }
    printf("%-5s %-16s ", !strcmp(level, "fail") ? "FAIL" : level,
           json_string_value(json_object_get(row, "check")));
    sw_cli_print_text(json_string_value(json_object_get(row, "seen")));
    if (mend) {
        fputs("\n                       mend: ", stdout);
        sw_cli_print_text(mend);
    }
    putchar('\n');
}

/* Prints the rows as soon as they are there, and empties them. */
static void tell(struct doctor *d, json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) print(d, row);
    json_array_clear(rows);
    fflush(stdout);
}

/* Each setting that is refused is told, then left out, so that the rest can be looked at. */
static int load(struct doctor *d, json_t *rows, json_t *refused) {
    char error[512];
    for (int i = 0; i < REFUSED_MAX; i++) {
        if (sw_cli_conf(&d->conf, error, sizeof(error)) == 0) return 0;
        const size_t size = strcspn(error, ":");
        SW_AUTO(sw_text) char *name = sw_strndup(error, size);
        SW_AUTO(sw_text) char *mend = sw_printf("set %s to what it must be, or not at all", name);
        sw__row(rows, "settings", SW__FAIL, mend, "%s", error);
        if (strncmp(name, "SLIPWAY_", 8) != 0 || !getenv(name)) break;
        json_array_append_new(refused, json_string(name + 8));
        unsetenv(name);
    }
    return -1;
}

static void look_at_keys(const struct doctor *d, const json_t *rings, json_t *rows) {
    char error[512];
    SW_AUTO(sw_json) json_t *processes = NULL;
    /* Where it fails, a row of Redis or of the actors has said so. */
    if (sw_key_processes_read(&d->conf, &processes, error, sizeof(error)) == 0)
        sw__check_known(processes, rings, rows);
}

static void look_at_redis(struct doctor *d, const json_t *rings, json_t *rows) {
    char error[512];
    size_t i;
    json_t *server;
    SW_AUTO(sw_json) json_t *overview = NULL;
    SW_AUTO(sw_json) json_t *before = NULL;
    SW_AUTO(sw_json) json_t *space = NULL;
    if (sw__check_look(&d->conf, &before, &overview, error, sizeof(error)) < 0) {
        sw__row(rows, "redis", SW__FAIL,
                strstr(error, "NOPERM") ? "give its user what `slipway acl` says"
                                        : "start it, or set SLIPWAY_REDIS (and its user and "
                                          "password)",
                "%s", error);
        return;
    }
    json_array_foreach(json_object_get(overview, "redis"), i, server) {
        const json_t *skew = json_object_get(server, "skew_ms");
        SW_AUTO(sw_text)
        char *whose =
            sw_printf("Redis at %s", json_string_value(json_object_get(server, "address")));
        if (skew) sw__check_clock(whose, json_integer_value(skew), 0, rows);
    }
    sw__check_redis(&d->conf, overview, rows);
    sw__check_work(&d->conf, overview, before, rows);
    tell(d, rows);
    look_at_keys(d, rings, rows);
    if (sw_keyspace_read(&d->conf, SPACE_MS, &space, error, sizeof(error)) == 0)
        sw__check_space(overview, space, rows);
    else
        sw__row(rows, "orphans", SW__WARN, "let the others that failed be mended first", "%s",
                error);
}

static int examine(struct doctor *d) {
    SW_AUTO(sw_json) json_t *rows = json_array();
    SW_AUTO(sw_json) json_t *refused = json_array();
    SW_AUTO(sw_json) json_t *rings = NULL;
    if (load(d, rows, refused) < 0) {
        tell(d, rows);
        return SW_EXIT_FAILED;
    }
    sw__check_setup(&d->conf, refused, rows);
    sw__check_files(&d->conf, rows, &rings);
    tell(d, rows);
    look_at_redis(d, rings, rows);
    tell(d, rows);
    sw__check_reach(&d->conf, rows);
    tell(d, rows);
    sw_conf_finish(&d->conf);
    if (!d->json)
        printf("\n%zu ok, %zu warnings, %zu failed\n", d->count[SW__OK], d->count[SW__WARN],
               d->count[SW__FAIL]);
    int written = sw_cli_written("doctor");
    return written ? written : d->count[SW__FAIL] ? SW_EXIT_FAILED : SW_EXIT_DONE;
}

int sw_cli_doctor(int argc, char **argv) {
    struct doctor d = {0};
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("doctor");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") != 0) {
            fprintf(stderr, "slipway doctor: '%s' is not understood here\n%s", argv[i], usage);
            return SW_EXIT_USAGE;
        }
        d.json = true;
    }
    return examine(&d);
}
