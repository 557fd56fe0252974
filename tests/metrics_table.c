/* metrics_table.c -- prints the table of common/metrics.h for scripts/metrics: name, type, labels and meaning, by tabs. */
#include "common/metrics_priv.h"

#include <stdio.h>

int main(void) {
    for (size_t i = 0; i < SW_METRICS; i++) {
        const struct sw__metric_row *row = &sw__metric_rows[i];
        printf("%s\t%s\t%s\t%s\n", row->name, row->type, row->labels, row->help);
    }
    return 0;
}
