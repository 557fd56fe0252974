/* cli_status_show.c -- what `slipway status` says to people; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

/* ---- the first line ---- */

static char *joined(const json_t *rows, enum sw__level level) {
    char *text = sw_strdup("");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        if (strcmp(sw_str(row, "level"), sw__levels[level]) != 0) continue;
        char *longer = sw_printf("%s%s%s", text, text[0] ? "; " : "", sw_str(row, "seen"));
        free(text);
        text = longer;
    }
    return text;
}

static json_int_t sum(const json_t *actors, const char *what, const char *part) {
    json_int_t n = 0;
    size_t i;
    json_t *actor;
    json_array_foreach(actors, i, actor) n += sw_int(json_object_get(actor, what), part);
    return n;
}

char *sw__status_line(const json_t *overview, const json_t *rows) {
    const json_t *actors = json_object_get(overview, "actors");
    SW_AUTO(sw_text) char *failed = joined(rows, SW__FAIL);
    SW_AUTO(sw_text) char *warned = joined(rows, SW__WARN);
    if (failed[0]) return sw_printf("not well: %s%s%s", failed, warned[0] ? "; " : "", warned);
    if (warned[0]) return sw_printf("well, but: %s", warned);
    size_t i, count = 0;
    json_t *actor;
    json_array_foreach(actors, i, actor) count +=
        json_array_size(json_object_get(actor, "processes"));
    return sw_printf("well: processes %zu, messages owed %lld, calls owed %lld", count,
                     (long long)(sum(actors, "owed", "urgent") + sum(actors, "owed", "bulk")),
                     (long long)sum(actors, "calls", "owed"));
}

/* ---- the table ---- */

static void span_or(const char *none, int64_t ms, char ret[32]) {
    if (ms <= 0)
        snprintf(ret, 32, "%s", none);
    else
        sw__span(ms, ret);
}

static void show_actor(const json_t *actor, FILE *out) {
    const json_t *shards = json_object_get(actor, "shards"), *owed = json_object_get(actor, "owed");
    const json_t *calls = json_object_get(actor, "calls");
    const json_t *timers = json_object_get(actor, "timers");
    const json_t *oldest = json_object_get(actor, "oldest_ms");
    const int64_t urgent_ms = sw_int(oldest, "urgent"), bulk_ms = sw_int(oldest, "bulk");
    char age[32], next[32];
    fprintf(out, "%-10s %7zu", sw_str(actor, "actor"),
            json_array_size(json_object_get(actor, "processes")));
    if (!shards) {
        fputc('\n', out);
        return;
    }
    span_or("-", urgent_ms > bulk_ms ? urgent_ms : bulk_ms, age);
    span_or(sw_int(timers, "armed") ? "now" : "-", sw_int(timers, "next_ms"), next);
    fprintf(out, " %6lld %5lld %8lld %7lld %6lld %8s %6lld %7lld %7lld %8s %8lld %5lld\n",
            (long long)sw_int(shards, "owned"), (long long)sw_int(shards, "free"),
            (long long)sw_int(shards, "expired"), (long long)sw_int(owed, "urgent"),
            (long long)sw_int(owed, "bulk"), age, (long long)sw_int(calls, "owed"),
            (long long)sw_int(calls, "marked"), (long long)sw_int(timers, "armed"), next,
            (long long)sw_int(timers, "overdue"), (long long)sw_int(actor, "dead_hour"));
}

static void show_redis(const json_t *server, FILE *out) {
    const json_t *generations = json_object_get(server, "generations");
    const char *fsync = json_string_value(json_object_get(server, "fsync"));
    const json_int_t max = sw_int(server, "max_bytes");
    char used[32], most[32];
    if (sw_str(server, "error")[0]) {
        fprintf(out, "Redis at %s, shards %s: %s\n", sw_str(server, "address"),
                sw_str(server, "shards"), sw_str(server, "error"));
        return;
    }
    sw__bytes(sw_int(server, "used_bytes"), used);
    sw__bytes(max, most);
    fprintf(out, "Redis %s at %s, shards %s: %s, %lld replicas, ", sw_str(server, "version"),
            sw_str(server, "address"), sw_str(server, "shards"),
            !strcmp(sw_str(server, "role"), "master") ? "primary" : sw_str(server, "role"),
            (long long)sw_int(server, "replicas"));
    if (max)
        fprintf(out, "%s of %s (%lld %%)", used, most,
                (long long)(sw_int(server, "used_bytes") * 100 / max));
    else
        fprintf(out, "%s, no maxmemory", used);
    fprintf(out, ", appendonly %s, appendfsync %s; shards of its present life %lld, older %lld\n",
            json_is_true(json_object_get(server, "aof")) ? "yes" : "no", fsync ? fsync : "not told",
            (long long)sw_int(generations, "now"), (long long)sw_int(generations, "older"));
}

void sw__status_show(const json_t *overview, FILE *out) {
    const json_t *dead = json_object_get(overview, "dead");
    size_t i;
    json_t *one;
    fprintf(out, "%-10s %7s %6s %5s %8s %7s %6s %8s %6s %7s %7s %8s %8s %5s\n", "ACTOR", "LIVING",
            "OWNED", "FREE", "EXPIRED", "URGENT", "BULK", "OLDEST", "CALLS", "MARKED", "TIMERS",
            "NEXT", "OVERDUE", "DEAD");
    json_array_foreach(json_object_get(overview, "actors"), i, one) show_actor(one, out);
    fprintf(out, "\nDead letters: %lld, of the last hour %lld%s\n",
            (long long)sw_int(dead, "total"), (long long)sw_int(dead, "hour"),
            json_is_true(json_object_get(dead, "more")) ? " or more" : "");
    json_array_foreach(json_object_get(overview, "installations"), i, one)
        fprintf(out, "%s: %lld commands taken in and not yet read\n", sw_str(one, "installation"),
                (long long)sw_int(one, "owed"));
    if (json_is_true(json_object_get(overview, "partial")))
        fputs("There are more installations than were looked at.\n", out);
    json_array_foreach(json_object_get(overview, "redis"), i, one) show_redis(one, out);
}
