/* metrics_text.c -- what was counted, as Prometheus reads it; see metrics.h.
 *
 * Both formats have the same names, labels and numbers, so that no series changes with whoever asks. */
#include "common/mem.h"
#include "common/metrics_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *text, size_t size, const char *end) {
    size_t n = strlen(end);
    return size >= n && !memcmp(text + size - n, end, n);
}

/* OpenMetrics' name of a family is that of its samples without what the type adds. */
static size_t family_size(const struct sw__metric_row *row) {
    size_t size = strlen(row->name);
    if (!strcmp(row->type, "counter")) return size - strlen("_total");
    return !strcmp(row->type, "info") ? size - strlen("_info") : size;
}

static const char *unit_of(const struct sw__metric_row *row) {
    size_t size = family_size(row);
    if (ends_with(row->name, size, "_seconds")) return "seconds";
    return ends_with(row->name, size, "_bytes") ? "bytes" : "";
}

static void print_escaped(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '\n') {
            fputs("\\n", out);
        } else {
            if (*text == '"' || *text == '\\') fputc('\\', out);
            fputc(*text, out);
        }
    }
}

/* Milliseconds become seconds, digit for digit. `real`: always with a point, as OpenMetrics wants bounds to be. */
static void number(char text[32], const struct sw__metric_row *row, int64_t value, bool real) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    const char *sign = value < 0 ? "-" : "";
    int at;
    if (unit_of(row)[0] != 's') {
        snprintf(text, 32, "%s%" PRIu64 "%s", sign, size, real ? ".0" : "");
        return;
    }
    at = snprintf(text, 32, "%s%" PRIu64 ".%03u", sign, size / 1000, (unsigned)(size % 1000));
    while (text[at - 1] == '0' && text[at - 2] != '.')
        text[--at] = 0;
    if (!real && ends_with(text, (size_t)at, ".0")) text[at - 2] = 0;
}

/* {actor="parser",lane="bulk",le="5.0"}, or nothing. */
static void print_labels(FILE *out, const struct sw__metric_row *row, const struct sw__series *s,
                         const char *le) {
    const char *names = row->labels;
    bool open = false;
    for (size_t i = 0; names[0]; i++) {
        size_t size = strcspn(names, ",");
        fprintf(out, "%c%.*s=\"", open ? ',' : '{', (int)size, names);
        print_escaped(out, s->labels[i]);
        fputc('"', out);
        names += size + (names[size] == ',');
        open = true;
    }
    if (le) fprintf(out, "%cle=\"%s\"", open ? ',' : '{', le);
    if (open || le) fputc('}', out);
}

static void print_histogram(FILE *out, const struct sw__metric_row *row,
                            const struct sw__series *s) {
    uint64_t sum = 0;
    char text[32];
    for (size_t i = 0; i < SW__BOUNDS_MAX && row->bounds[i]; i++) {
        number(text, row, row->bounds[i], true);
        sum += s->bucket[i];
        fprintf(out, "%s_bucket", row->name);
        print_labels(out, row, s, text);
        fprintf(out, " %" PRIu64 "\n", sum);
    }
    fprintf(out, "%s_bucket", row->name);
    print_labels(out, row, s, "+Inf");
    fprintf(out, " %" PRIu64 "\n%s_sum", s->samples, row->name);
    print_labels(out, row, s, NULL);
    number(text, row, s->value, false);
    fprintf(out, " %s\n%s_count", text, row->name);
    print_labels(out, row, s, NULL);
    fprintf(out, " %" PRIu64 "\n", s->samples);
}

static void print_series(FILE *out, const struct sw__metric_row *row, const struct sw__series *s) {
    char text[32];
    if (row->bounds) {
        print_histogram(out, row, s);
        return;
    }
    number(text, row, s->value, false);
    fputs(row->name, out);
    print_labels(out, row, s, NULL);
    fprintf(out, " %s\n", text);
}

static void print_head(FILE *out, const struct sw__metric_row *row, enum sw_metrics_format format) {
    bool open = format == SW_METRICS_OPEN;
    int size = (int)(open ? family_size(row) : strlen(row->name));
    const char *unit = unit_of(row);
    fprintf(out, "# HELP %.*s %s\n", size, row->name, row->help);
    fprintf(out, "# TYPE %.*s %s\n", size, row->name,
            !open && !strcmp(row->type, "info") ? "gauge" : row->type);
    if (open && unit[0]) fprintf(out, "# UNIT %.*s %s\n", size, row->name, unit);
}

char *sw_metrics_text(enum sw_metrics_format format) {
    static const struct sw__series nothing; /* what has no labels is there from the start, as 0 */
    char *text = NULL;
    size_t size, count;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    for (size_t m = 0; m < SW_METRICS; m++) {
        const struct sw__metric_row *row = &sw__metric_rows[m];
        const struct sw__series *series = sw__metric_series((enum sw_metric)m, &count);
        print_head(out, row, format);
        for (size_t i = 0; i < count; i++)
            print_series(out, row, &series[i]);
        if (!count && !row->labels[0]) print_series(out, row, &nothing);
    }
    if (format == SW_METRICS_OPEN) fputs("# EOF\n", out);
    if (fclose(out) != 0) abort();
    return text;
}

const char *sw_metrics_type(enum sw_metrics_format format) {
    return format == SW_METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                     : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- which of them ---- */

/* One range of Accept, up to its comma: "type/sub; a=b; q=0.5". */
struct range {
    char type[64];
    bool other; /* it asks for a version that is not this one */
    int q;      /* thousandths */
};

static int thousandths(const char *text) {
    int q = text[0] == '1' ? 1000 : 0;
    static const int place[] = {100, 10, 1};
    for (int i = 0; text[1] == '.' && i < 3 && text[2 + i] >= '0' && text[2 + i] <= '9'; i++)
        q += (text[2 + i] - '0') * place[i];
    return q > 1000 ? 1000 : q;
}

static struct range read_range(const char *text, size_t size) {
    struct range range = {.q = 1000};
    bool first = true;
    for (size_t at = 0; at < size;) {
        char part[64];
        size_t end = at, n = 0;
        for (; end < size && text[end] != ';'; end++) {
            if (text[end] != ' ' && text[end] != '\t' && n + 1 < sizeof(part))
                part[n++] = text[end];
        }
        part[n] = 0;
        at = end + 1;
        if (first) {
            strcpy(range.type, part);
        } else if (!strncasecmp(part, "q=", 2)) {
            range.q = thousandths(part + 2);
        } else if (!strncasecmp(part, "version=", 8)) {
            range.other = strcmp(part + 8, "1.0.0") != 0;
        }
        first = false;
    }
    return range;
}

enum sw_metrics_format sw_metrics_format(const char *accept) {
    int open = 0, plain = 0;
    while (*accept) {
        size_t size = strcspn(accept, ",");
        struct range range = read_range(accept, size);
        if (!strcasecmp(range.type, "application/openmetrics-text")) {
            if (!range.other && range.q > open) open = range.q;
        } else if (!strcasecmp(range.type, "text/plain") && range.q > plain) {
            plain = range.q;
        }
        accept += size + (accept[size] == ',');
    }
    return open && open >= plain ? SW_METRICS_OPEN : SW_METRICS_PLAIN;
}
