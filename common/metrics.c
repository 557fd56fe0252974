/* metrics.c -- a short list of series for each row of the table; see metrics.h. */
#include "common/metrics.h"

#include "common/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LABELS_MAX 2
#define SERIES_MAX 64
#define VALUE_BYTES 64
#define BOUNDS_MAX 12

/* Upper bounds of a histogram's buckets, ended by 0. */
static const int64_t sizes[BOUNDS_MAX + 1] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
static const int64_t times[BOUNDS_MAX + 1] = {5,   10,   25,   50,   100,   250,
                                              500, 1000, 2500, 5000, 10000, 30000};

static const int64_t ages[BOUNDS_MAX + 1] = {600000,   1800000,  3600000,  7200000,
                                             14400000, 18000000, 21600000, 25200000,
                                             28800000, 43200000, 86400000};

static const struct row {
    const char *name, *type, *labels, *help;
    const int64_t *bounds; /* of a histogram */
} rows[] = {
#define COUNTER_ROW(id, name, labels, help) {"slipway_" name, "counter", labels, help, NULL},
#define GAUGE_ROW(id, name, labels, help) {"slipway_" name, "gauge", labels, help, NULL},
#define HISTOGRAM_ROW(id, name, labels, bounds, help)                                              \
    {"slipway_" name, "histogram", labels, help, bounds},
    SW_METRICS_TABLE(COUNTER_ROW, GAUGE_ROW, HISTOGRAM_ROW)};

struct series {
    char labels[LABELS_MAX][VALUE_BYTES];
    int64_t value;               /* of a histogram: the sum of its samples */
    uint64_t samples;            /* of a histogram */
    uint64_t bucket[BOUNDS_MAX]; /* not cumulated */
};

static struct {
    size_t count;
    struct series *series; /* grows to SERIES_MAX and one for "other" */
} metrics[SW_METRICS];

const char *sw_metric_name(enum sw_metric metric) {
    return rows[metric].name;
}

/* Cuts at a whole character, so that the page stays UTF-8. */
static void copy_label(char into[VALUE_BYTES], const char *value) {
    size_t size = strnlen(value, VALUE_BYTES);
    if (size == VALUE_BYTES) {
        size--;
        while (size && ((unsigned char)value[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memcpy(into, value, size);
    into[size] = 0;
}

/* Labels as they are kept; a number of them that is not the table's is a bug of this program. */
static struct series with_labels(enum sw_metric metric, const char *const *labels) {
    struct series wanted = {0};
    const char *names = rows[metric].labels;
    size_t n = !names[0] ? 0 : strchr(names, ',') ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        assert(labels[i]);
        copy_label(wanted.labels[i], labels[i]);
    }
    assert(!labels[n]);
    return wanted;
}

static struct series *find(enum sw_metric metric, const struct series *wanted) {
    for (size_t i = 0; i < metrics[metric].count; i++) {
        struct series *s = &metrics[metric].series[i];
        if (strcmp(s->labels[0], wanted->labels[0]) == 0 &&
            strcmp(s->labels[1], wanted->labels[1]) == 0)
            return s;
    }
    return NULL;
}

static struct series *find_or_add(enum sw_metric metric, const char *const *labels) {
    struct series wanted = with_labels(metric, labels);
    struct series *s = find(metric, &wanted);
    if (s) return s;
    if (metrics[metric].count >= SERIES_MAX) {
        for (size_t i = 0; i < LABELS_MAX && labels[i]; i++) {
            strcpy(wanted.labels[i], "other");
        }
        s = find(metric, &wanted);
        if (s) return s;
    }
    size_t size = (metrics[metric].count + 1) * sizeof(*s);
    metrics[metric].series = sw_realloc(metrics[metric].series, size);
    s = &metrics[metric].series[metrics[metric].count++];
    *s = wanted;
    return s;
}

void sw_metric_count(enum sw_metric metric, int64_t n, const char *const *labels) {
    struct series *s = find_or_add(metric, labels);
    assert(rows[metric].type[0] == 'c' && n >= 0);
    s->value += n;
}

void sw_metric_gauge(enum sw_metric metric, int64_t value, const char *const *labels) {
    struct series *s = find_or_add(metric, labels);
    assert(rows[metric].type[0] == 'g');
    s->value = value;
}

void sw_metric_sample(enum sw_metric metric, int64_t value, const char *const *labels) {
    struct series *s = find_or_add(metric, labels);
    const int64_t *bounds = rows[metric].bounds;
    assert(bounds);
    s->value += value;
    s->samples++;
    for (size_t i = 0; bounds[i]; i++) {
        if (value <= bounds[i]) {
            s->bucket[i]++;
            return;
        }
    }
}

void sw_metric_tally(enum sw_metric metric, int64_t value, const char *const *labels) {
    if (rows[metric].bounds) {
        sw_metric_sample(metric, value, labels);
    } else {
        sw_metric_count(metric, value, labels);
    }
}

int64_t sw_metric_read(enum sw_metric metric, const char *const *labels) {
    struct series wanted = with_labels(metric, labels);
    const struct series *s = find(metric, &wanted);
    if (!s) return 0;
    return rows[metric].bounds ? (int64_t)s->samples : s->value;
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

/* {actor="parser",lane="bulk",le="5"}, or nothing. */
static void print_labels(FILE *out, const struct row *row, const struct series *s, const char *le) {
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

static void print_histogram(FILE *out, const struct row *row, const struct series *s) {
    uint64_t sum = 0;
    for (size_t i = 0; row->bounds[i]; i++) {
        char le[24];
        snprintf(le, sizeof(le), "%" PRId64, row->bounds[i]);
        sum += s->bucket[i];
        fprintf(out, "%s_bucket", row->name);
        print_labels(out, row, s, le);
        fprintf(out, " %" PRIu64 "\n", sum);
    }
    fprintf(out, "%s_bucket", row->name);
    print_labels(out, row, s, "+Inf");
    fprintf(out, " %" PRIu64 "\n%s_sum", s->samples, row->name);
    print_labels(out, row, s, NULL);
    fprintf(out, " %" PRId64 "\n%s_count", s->value, row->name);
    print_labels(out, row, s, NULL);
    fprintf(out, " %" PRIu64 "\n", s->samples);
}

static void print_series(FILE *out, const struct row *row, const struct series *s) {
    if (row->bounds) {
        print_histogram(out, row, s);
    } else {
        fputs(row->name, out);
        print_labels(out, row, s, NULL);
        fprintf(out, " %" PRId64 "\n", s->value);
    }
}

char *sw_metrics_text(void) {
    static const struct series nothing; /* what has no labels is there from the start, as 0 */
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    for (size_t m = 0; m < SW_METRICS; m++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", rows[m].name, rows[m].help, rows[m].name,
                rows[m].type);
        for (size_t i = 0; i < metrics[m].count; i++) {
            print_series(out, &rows[m], &metrics[m].series[i]);
        }
        if (!metrics[m].count && !rows[m].labels[0]) print_series(out, &rows[m], &nothing);
    }
    if (fclose(out) != 0) abort();
    return text;
}

void sw_metrics_reset(void) {
    for (size_t m = 0; m < SW_METRICS; m++) {
        free(metrics[m].series);
        metrics[m].series = NULL;
        metrics[m].count = 0;
    }
}
