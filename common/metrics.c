/* metrics.c -- a short list of series for each row of the table; see metrics.h. metrics_text.c prints them. */
#include "common/metrics_priv.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 256 /* a topic may have as many partitions, all read by one process */

/* Upper bounds of a histogram's buckets, ended by 0. */
static const int64_t sizes[SW__BOUNDS_MAX + 1] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
static const int64_t times[SW__BOUNDS_MAX + 1] = {5,   10,   25,   50,   100,   250,
                                                  500, 1000, 2500, 5000, 10000, 30000};
static const int64_t quick[SW__BOUNDS_MAX + 1] = {1,   2,   5,   10,   25,   50,
                                                  100, 250, 500, 1000, 2000, 3000};

static const int64_t ages[SW__BOUNDS_MAX + 1] = {600000,   1800000,  3600000,  7200000,
                                                 14400000, 18000000, 21600000, 25200000,
                                                 28800000, 43200000, 86400000};

const struct sw__metric_row sw__metric_rows[SW_METRICS] = {
#define COUNTER_ROW(id, name, labels, help) {name, "counter", labels, help, NULL},
#define GAUGE_ROW(id, name, labels, help) {name, "gauge", labels, help, NULL},
#define INFO_ROW(id, name, labels, help) {name, "info", labels, help, NULL},
#define HISTOGRAM_ROW(id, name, labels, bounds, help) {name, "histogram", labels, help, bounds},
    SW_METRICS_TABLE(COUNTER_ROW, GAUGE_ROW, INFO_ROW, HISTOGRAM_ROW)};

/* What must be seen from its first time on: of a series that begins with 1 Prometheus does not know that it grew. */
static const struct {
    enum sw_metric metric;
    const char *labels[SW__LABELS_MAX + 1];
} known[] = {
    {SW_M_SEAL_BROKEN, {"box"}},
    {SW_M_SEAL_BROKEN, {"row"}},
    {SW_M_DEAD, {"poison"}},
    {SW_M_DEAD, {"unknown_kind"}},
    {SW_M_DEAD, {"malformed"}},
    {SW_M_DEAD, {"newer_version"}},
    {SW_M_DEAD, {"too_big"}},
    {SW_M_DEAD, {"refused"}},
    {SW_M_RELOADS, {"keys", "failed"}},
    {SW_M_RELOADS, {"secrets", "failed"}},
    {SW_M_ACKS, {"away"}},
    {SW_M_ACKS, {"shed"}},
    {SW_M_STREAM_RECORDS, {"poison"}},
    {SW_M_STREAM_PRODUCED, {"failed"}},
    {SW_M_STREAM_PRODUCED, {"ledger"}},
    {SW_M_REPORTS, {"failed"}},
    {SW_M_REPORTS, {"dropped"}},
};

static struct {
    size_t count;
    struct sw__series *series; /* grows to SERIES_MAX and one for "other" */
} metrics[SW_METRICS];

const char *sw_metric_name(enum sw_metric metric) {
    return sw__metric_rows[metric].name;
}

/* Cuts at a whole character, so that the page stays UTF-8. */
static void copy_label(char into[SW__VALUE_BYTES], const char *value) {
    size_t size = strnlen(value, SW__VALUE_BYTES);
    if (size == SW__VALUE_BYTES) {
        size--;
        while (size && ((unsigned char)value[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memcpy(into, value, size);
    into[size] = 0;
}

/* Labels as they are kept; a number of them that is not the table's is a bug of this program. */
static struct sw__series with_labels(enum sw_metric metric, const char *const *labels) {
    struct sw__series wanted = {0};
    const char *names = sw__metric_rows[metric].labels;
    size_t n = !names[0] ? 0 : strchr(names, ',') ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        assert(labels[i]);
        copy_label(wanted.labels[i], labels[i]);
    }
    assert(!labels[n]);
    return wanted;
}

static struct sw__series *find(enum sw_metric metric, const struct sw__series *wanted) {
    for (size_t i = 0; i < metrics[metric].count; i++) {
        struct sw__series *s = &metrics[metric].series[i];
        if (strcmp(s->labels[0], wanted->labels[0]) == 0 &&
            strcmp(s->labels[1], wanted->labels[1]) == 0)
            return s;
    }
    return NULL;
}

static struct sw__series *find_or_add(enum sw_metric metric, const char *const *labels) {
    struct sw__series wanted = with_labels(metric, labels);
    struct sw__series *s = find(metric, &wanted);
    if (s) return s;
    if (metrics[metric].count >= SERIES_MAX) {
        for (size_t i = 0; i < SW__LABELS_MAX && labels[i]; i++) {
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
    struct sw__series *s = find_or_add(metric, labels);
    assert(sw__metric_rows[metric].type[0] == 'c' && n >= 0);
    s->value += n;
}

void sw_metric_gauge(enum sw_metric metric, int64_t value, const char *const *labels) {
    struct sw__series *s = find_or_add(metric, labels);
    assert(sw__metric_rows[metric].type[0] == 'g' || sw__metric_rows[metric].type[0] == 'i');
    s->value = value;
}

void sw_metric_sample(enum sw_metric metric, int64_t value, const char *const *labels) {
    struct sw__series *s = find_or_add(metric, labels);
    const int64_t *bounds = sw__metric_rows[metric].bounds;
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
    if (sw__metric_rows[metric].bounds) {
        sw_metric_sample(metric, value, labels);
    } else {
        sw_metric_count(metric, value, labels);
    }
}

int64_t sw_metric_read(enum sw_metric metric, const char *const *labels) {
    struct sw__series wanted = with_labels(metric, labels);
    const struct sw__series *s = find(metric, &wanted);
    if (!s) return 0;
    return sw__metric_rows[metric].bounds ? (int64_t)s->samples : s->value;
}

const struct sw__series *sw__metric_series(enum sw_metric metric, size_t *ret_count) {
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].metric == metric) (void)find_or_add(metric, known[i].labels);
    }
    *ret_count = metrics[metric].count;
    return metrics[metric].series;
}

void sw_metrics_reset(void) {
    for (size_t m = 0; m < SW_METRICS; m++) {
        free(metrics[m].series);
        metrics[m].series = NULL;
        metrics[m].count = 0;
    }
}
