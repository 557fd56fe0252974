/* cli_status.c -- `slipway status`: is it well, and if not, where does it hang; see cli.h. */
#include "actors/cli.h"
#include "actors/cli_check_priv.h"
#include "common/mem.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MS 1000

static const char usage[] =
    "usage: slipway status [--watch] [--json]\n\n"
    "Says whether Slipway is well and, if not, where it hangs: from Redis alone, so from any "
    "machine that\n"
    "reaches SLIPWAY_REDIS. The first line is the answer, and why. Not well: an actor without a "
    "process, a\n"
    "shard without an owner for longer than SLIPWAY_LEASE_MS, something urgent that nobody came "
    "to within\n"
    "60 s, timers or calls past their time, a Redis that is wrongly set up or full (85 %).\n\n"
    "  --watch  once a second; where it is no terminal, the first line each time\n"
    "  --json   one JSON object, with --watch one a line\n\n"
    "LIVING processes; shards OWNED, FREE (nobody's), EXPIRED (their owner's lease ran out); "
    "messages owed\n"
    "(URGENT, BULK), OLDEST: since the command of what is next came in; CALLS owed, MARKED: begun "
    "and not to\n"
    "be repeated; TIMERS armed, the NEXT, OVERDUE; DEAD letters of the last hour.\n\n"
    "JSON: well (bool), line, rows ([{check, level, seen, mend?}], what is not as it should be), "
    "at_ms, actors\n"
    "([{actor, processes, dead_hour, tries, shards: {owned, free, expired}, unowned, owed: "
    "{urgent, bulk},\n"
    "oldest_ms, waiting, calls: {owed, marked, late, late_ms}, timers: {armed, overdue, "
    "next_ms}}]), dead:\n"
    "{total, hour, more}, installations ([{installation, owed}]: a tenth of SLIPWAY_OWED_MAX or "
    "more), "
    "partial,\n"
    "redis ([{address, shards, version, role, replicas, used_bytes, max_bytes, policy, aof, "
    "fsync,\n"
    "generations: {now, older, none}, ...}]).\n\n"
    "Exit status: 0 well, 1 not well, 64 usage, 69 no Redis, 78 a setting is wrong.\n";

struct status {
    struct sw_conf conf;
    bool watch, json, terminal;
    json_t *before; /* what was seen the last time */
};

/* What is only a setting, and no more than a warning, is `slipway doctor`'s to say. */
static void judge(const struct sw_conf *conf, const json_t *overview, const json_t *before,
                  json_t *rows) {
    SW_AUTO(sw_json) json_t *all = json_array();
    SW_AUTO(sw_json) json_t *redis = json_array();
    size_t i;
    json_t *row;
    sw__check_work(conf, overview, before, all);
    sw__check_redis(conf, overview, redis);
    json_array_foreach(redis, i, row) {
        const char *check = json_string_value(json_object_get(row, "check"));
        const char *level = json_string_value(json_object_get(row, "level"));
        if (!strcmp(level, sw__levels[SW__FAIL]) || !strcmp(check, "redis-memory"))
            json_array_append(all, row);
    }
    json_array_foreach(all, i, row) {
        if (strcmp(json_string_value(json_object_get(row, "level")), sw__levels[SW__OK]) != 0)
            json_array_append(rows, row);
    }
}

static void print_json(bool well, const char *line, const json_t *rows, const json_t *overview) {
    SW_AUTO(sw_json)
    json_t *all = json_pack("{s:b, s:s, s:O}", "well", well, "line", line, "rows", rows);
    if (overview) json_object_update(all, (json_t *)(uintptr_t)overview);
    sw_cli_print_json(all);
}

/* A terminal keeps its place: home, each line to its end, and what is below. */
static void print_page(const char *line, const json_t *overview) {
    SW_AUTO(sw_text) char *text = NULL;
    size_t size;
    FILE *page = open_memstream(&text, &size);
    if (!page) abort();
    fprintf(page, "%s\n\n", line);
    if (overview) sw__status_show(overview, page);
    fclose(page);
    fputs("\033[H", stdout);
    for (const char *at = text; *at; at++) {
        if (*at == '\n') fputs("\033[K", stdout);
        putchar(*at);
    }
    fputs("\033[J", stdout);
}

/* The exit status that one look alone would have. */
static int show(struct status *s) {
    char error[512], now[32];
    json_t *overview = NULL;
    SW_AUTO(sw_json) json_t *rows = json_array();
    int r = sw__check_look(&s->conf, &s->before, &overview, error, sizeof(error));
    if (r < 0 && !s->watch) {
        if (s->json) {
            sw__row(rows, "redis", SW__FAIL, "start it, or set SLIPWAY_REDIS", "%s", error);
            print_json(false, error, rows, NULL);
        }
        return sw_cli_fail("status", r, error);
    }
    if (r < 0)
        sw__row(rows, "redis", SW__FAIL, "start it, or set SLIPWAY_REDIS", "%s", error);
    else
        judge(&s->conf, overview, s->before, rows);
    const bool well = sw__rows_worst(rows) != SW__FAIL;
    SW_AUTO(sw_text) char *line = sw__status_line(overview, rows);
    if (s->json) {
        print_json(well, line, rows, overview);
    } else if (!s->watch) {
        printf("%s\n\n", line);
        sw__status_show(overview, stdout);
    } else if (s->terminal) {
        print_page(line, overview);
    } else {
        sw_cli_time(time(NULL) * 1000LL, now);
        printf("%s  %s\n", now, line);
    }
    json_decref(s->before);
    s->before = overview;
    return r < 0 ? (int)sw_cli_exit(r) : !well;
}

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

/* As the first process of a container it would not be ended by a signal that it does not handle. */
static void end_on_signals(void) {
    const struct sigaction end = {.sa_handler = on_signal};
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
}

/* With --watch the last look says how it ends. */
static int run(struct status *s) {
    if (s->watch && s->terminal && !s->json) fputs("\033[2J", stdout);
    int status = show(s);
    if (s->watch) end_on_signals();
    while (fflush(stdout) == 0 && s->watch && !stopped) {
        poll(NULL, 0, WATCH_MS);
        if (!stopped) status = show(s);
    }
    json_decref(s->before);
    int written = sw_cli_written("status");
    return written ? written : status;
}

int sw_cli_status(int argc, char **argv) {
    struct status s = {.terminal = isatty(STDOUT_FILENO)};
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("status");
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--watch")) {
            s.watch = true;
        } else if (!strcmp(argv[i], "--json")) {
            s.json = true;
        } else {
            fprintf(stderr, "slipway status: '%s' is not understood here\n%s", argv[i], usage);
            return SW_EXIT_USAGE;
        }
    }
    int status = sw_cli_load("status", &s.conf);
    if (status) return status;
    status = run(&s);
    sw_conf_finish(&s.conf);
    return status;
}
