/* test_metrics.c -- what was counted is what Prometheus reads. */
#include "common/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reset(void **state) {
    (void)state;
    sw_metrics_reset();
    return 0;
}

static void expect_line(const char *line) {
    char *text = sw_metrics_text();
    char wanted[300];
    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    if (!strstr(text, wanted)) fail_msg("no line %s in:\n%s", line, text);
    free(text);
}

static void expect_no(const char *part) {
    char *text = sw_metrics_text();
    if (strstr(text, part)) fail_msg("%s is in:\n%s", part, text);
    free(text);
}

static void what_has_no_labels_is_there_from_the_start(void **state) {
    (void)state;
    expect_line("# TYPE slipway_commits_total counter");
    expect_line("slipway_commits_total 0");
    expect_line("slipway_shards_owned 0");
    expect_line("slipway_commit_batch_bucket{le=\"+Inf\"} 0");
    expect_line("slipway_commit_batch_count 0");
    expect_line("# TYPE slipway_dead_total counter");
    expect_no("slipway_dead_total{");
    expect_no("slipway_dead_total 0");
}

static void counters_add_and_gauges_are_set(void **state) {
    (void)state;
    sw_metric_add(SW_M_COMMITS, 1);
    sw_metric_add(SW_M_COMMITS, 41);
    sw_metric_add(SW_M_DEAD, 0, "attempts"); /* known before it happens */
    sw_metric_add(SW_M_EFFECTS, 2, "heroku", "ok");
    sw_metric_add(SW_M_EFFECTS, 3, "heroku", "unsure");
    sw_metric_add(SW_M_EFFECTS, 4, "slack", "ok");
    sw_metric_set(SW_M_OWED, 7, "parser", "bulk");
    sw_metric_set(SW_M_OWED, -1, "parser", "bulk");
    expect_line("slipway_commits_total 42");
    expect_line("slipway_dead_total{reason=\"attempts\"} 0");
    expect_line("slipway_effects_total{upstream=\"heroku\",outcome=\"ok\"} 2");
    expect_line("slipway_effects_total{upstream=\"heroku\",outcome=\"unsure\"} 3");
    expect_line("slipway_effects_total{upstream=\"slack\",outcome=\"ok\"} 4");
    expect_line("slipway_owed{actor=\"parser\",lane=\"bulk\"} -1");
    assert_int_equal(sw_metric_value(SW_M_COMMITS), 42);
    assert_int_equal(sw_metric_value(SW_M_EFFECTS, "heroku", "unsure"), 3);
    assert_int_equal(sw_metric_value(SW_M_EFFECTS, "heroku", "never"), 0);
    sw_metrics_reset();
    assert_int_equal(sw_metric_value(SW_M_COMMITS), 0);
}

static void a_histogram_counts_what_is_at_most_the_bound(void **state) {
    (void)state;
    static const int64_t batches[] = {1, 1, 2, 3, 256, 257, 1000};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        sw_metric_observe(SW_M_COMMIT_BATCH, batches[i]);
    }
    expect_line("slipway_commit_batch_bucket{le=\"1\"} 2");
    expect_line("slipway_commit_batch_bucket{le=\"2\"} 3");
    expect_line("slipway_commit_batch_bucket{le=\"4\"} 4");
    expect_line("slipway_commit_batch_bucket{le=\"128\"} 4");
    expect_line("slipway_commit_batch_bucket{le=\"256\"} 5");
    expect_line("slipway_commit_batch_bucket{le=\"+Inf\"} 7");
    expect_line("slipway_commit_batch_sum 1520");
    expect_line("slipway_commit_batch_count 7");
    assert_int_equal(sw_metric_value(SW_M_COMMIT_BATCH), 7);

    sw_metric_observe(SW_M_EFFECT_MS, 30, "heroku");
    expect_line("slipway_effect_ms_bucket{upstream=\"heroku\",le=\"25\"} 0");
    expect_line("slipway_effect_ms_bucket{upstream=\"heroku\",le=\"50\"} 1");
    expect_line("slipway_effect_ms_bucket{upstream=\"heroku\",le=\"30000\"} 1");
    expect_line("slipway_effect_ms_bucket{upstream=\"heroku\",le=\"+Inf\"} 1");
    expect_line("slipway_effect_ms_sum{upstream=\"heroku\"} 30");
    expect_line("slipway_effect_ms_count{upstream=\"heroku\"} 1");
}

static void label_values_are_escaped_and_bounded(void **state) {
    (void)state;
    char text[200];
    sw_metric_add(SW_M_HANDLED, 1, "a\"b\\c\nd");
    expect_line("slipway_handled_total{kind=\"a\\\"b\\\\c\\nd\"} 1");
    memset(text, 'k', 63);
    text[63] = 0;
    sw_metric_add(SW_M_HANDLED, 1, text);
    strcpy(text + 63, "more");
    sw_metric_add(SW_M_HANDLED, 1, text); /* the same, once cut */
    assert_int_equal(sw_metric_value(SW_M_HANDLED, text), 2);
    strcpy(text + 62, "š and more"); /* would be cut inside a character */
    sw_metric_add(SW_M_HANDLED, 1, text);
    sw_metric_add(SW_M_HANDLED, 1, text);
    assert_int_equal(sw_metric_value(SW_M_HANDLED, text), 2);
    expect_no("k\xc5\"");
}

static void too_many_label_values_are_counted_as_other(void **state) {
    (void)state;
    char kind[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(kind, sizeof(kind), "k%d", i);
        sw_metric_add(SW_M_HANDLED, 1, kind);
        snprintf(kind, sizeof(kind), "o%d", i);
        sw_metric_add(SW_M_EFFECTS, 1, "heroku", kind);
    }
    sw_metric_add(SW_M_HANDLED, 1, "k0");
    assert_int_equal(sw_metric_value(SW_M_HANDLED, "k0"), 2);
    assert_int_equal(sw_metric_value(SW_M_HANDLED, "k63"), 1);
    assert_int_equal(sw_metric_value(SW_M_HANDLED, "other"), 1000 - 64);
    assert_int_equal(sw_metric_value(SW_M_EFFECTS, "other", "other"), 1000 - 64);
}

/* Every line: a comment for each name before its samples, then name, labels and a whole number. */
static void the_page_is_well_formed(void **state) {
    (void)state;
    sw_metric_add(SW_M_RETRIES, 1, "slack");
    sw_metric_observe(SW_M_EFFECT_MS, 3, "slack");
    char *text = sw_metrics_text(), *save = NULL;
    char name[64] = "", type[16];
    size_t metrics = 0;
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char read_name[64];
        long long value;
        if (sscanf(line, "# HELP %63s", read_name) == 1) {
            strcpy(name, read_name);
            assert_memory_equal(name, "slipway_", 8);
            assert_true(strlen(line) > strlen("# HELP ") + strlen(name) + 5);
            metrics++;
        } else if (sscanf(line, "# TYPE %63s %15s", read_name, type) == 2) {
            assert_string_equal(read_name, name);
            bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
            assert_int_equal(total, strcmp(type, "counter") == 0);
        } else {
            assert_memory_equal(line, name, strlen(name));
            assert_int_equal(sscanf(strrchr(line, ' '), " %lld", &value), 1);
        }
    }
    assert_int_equal(metrics, SW_METRICS);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_has_no_labels_is_there_from_the_start, reset),
        cmocka_unit_test_setup(counters_add_and_gauges_are_set, reset),
        cmocka_unit_test_setup(a_histogram_counts_what_is_at_most_the_bound, reset),
        cmocka_unit_test_setup(label_values_are_escaped_and_bounded, reset),
        cmocka_unit_test_setup(too_many_label_values_are_counted_as_other, reset),
        cmocka_unit_test_setup(the_page_is_well_formed, reset),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sw_metrics_reset();
    return failed;
}
