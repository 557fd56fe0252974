/* cli_check.c -- rows of what was looked at, and how amounts are said; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <stdarg.h>
#include <string.h>

#define ROW_MAX 1024

const char *const sw__levels[] = {"ok", "warn", "fail"};

void sw__row(json_t *rows, const char *check, enum sw__level level, const char *mend,
             const char *format, ...) {
    char seen[ROW_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(seen, sizeof(seen), format, args);
    va_end(args);
    json_t *text = json_string(seen);
    if (!text) text = json_string("what was seen is no text"); /* cut within a character */
    json_t *row =
        json_pack("{s:s, s:s, s:o}", "check", check, "level", sw__levels[level], "seen", text);
    if (level != SW__OK && mend) json_object_set_new(row, "mend", json_string(mend));
    json_array_append_new(rows, row);
}

enum sw__level sw__rows_worst(const json_t *rows) {
    enum sw__level worst = SW__OK;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        for (unsigned level = SW__OK; level <= SW__FAIL; level++) {
            if (level > worst && !strcmp(sw_str(row, "level"), sw__levels[level])) worst = level;
        }
    }
    return worst;
}

void sw__span(int64_t ms, char ret[32]) {
    static const struct {
        int64_t from_ms, unit_ms;
        const char *unit;
    } units[] = {{172800000, 86400000, "d"},
                 {7200000, 3600000, "h"},
                 {120000, 60000, "min"},
                 {1000, 1000, "s"},
                 {0, 1, "ms"}};
    size_t i = 0;
    const int64_t size = ms < 0 ? -ms : ms;
    while (size < units[i].from_ms)
        i++;
    snprintf(ret, 32, "%lld %s", (long long)(ms / units[i].unit_ms), units[i].unit);
}

void sw__bytes(int64_t bytes, char ret[32]) {
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double n = (double)bytes;
    size_t i = 0;
    while (n >= 1024 && i < 4)
        n /= 1024, i++;
    snprintf(ret, 32, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}
