/* metrics_priv.h -- the table and its series, for those that count (metrics.c) and that print (metrics_text.c).
 *
 * shapes   a row for each metric, a short list of series for each row
 * units    as in metrics.h
 * errors   none of its own
 * owner    the loop thread
 * source   metrics.h
 * limits   as in metrics.h
 */
#ifndef SW_METRICS_PRIV_H
#define SW_METRICS_PRIV_H

#include "common/metrics.h"

#include <stdbool.h>

#define SW__LABELS_MAX 2
#define SW__VALUE_BYTES 64
#define SW__BOUNDS_MAX 12

struct sw__metric_row {
    const char *name, *type, *labels, *help;
    const int64_t *bounds; /* of a histogram: of its buckets, ended by 0 */
};
extern const struct sw__metric_row sw__metric_rows[SW_METRICS];

struct sw__series {
    char labels[SW__LABELS_MAX][SW__VALUE_BYTES];
    int64_t value;                   /* of a histogram: the sum of its samples */
    uint64_t samples;                /* of a histogram */
    uint64_t bucket[SW__BOUNDS_MAX]; /* not cumulated */
};
/* Those of one metric, and how many. */
const struct sw__series *sw__metric_series(enum sw_metric metric, size_t *ret_count);

#endif
