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

static void expect_line_in(enum sw_metrics_format format, const char *line) {
    char *text = sw_metrics_text(format);
    char wanted[300];
    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    if (!strstr(text, wanted)) fail_msg("no line %s in:\n%s", line, text);
    free(text);
}

static void expect_line(const char *line) {
    expect_line_in(SW_METRICS_PLAIN, line);
}

static void expect_no(const char *part) {
    char *text = sw_metrics_text(SW_METRICS_PLAIN);
    if (strstr(text, part)) fail_msg("%s is in:\n%s", part, text);
    free(text);
}

static void what_has_no_labels_is_there_from_the_start(void **state) {
    (void)state;
    expect_line("# TYPE slipway_commits_total counter");
    expect_line("slipway_commits_total 0");
    expect_line("slipway_gaps_total 0");
    expect_line("slipway_commit_batch_bucket{le=\"+Inf\"} 0");
    expect_line("slipway_commit_batch_count 0");
    expect_line("# TYPE slipway_handled_total counter");
    expect_no("slipway_handled_total{");
    expect_no("slipway_handled_total 0");
}

static void what_must_be_seen_the_first_time_begins_at_zero(void **state) {
    (void)state;
    expect_line("slipway_seal_broken_total{what=\"row\"} 0");
    expect_line("slipway_dead_total{reason=\"poison\"} 0");
    expect_line("slipway_reloads_total{what=\"keys\",outcome=\"failed\"} 0");
    sw_metric_add(SW_M_SEAL_BROKEN, 1, "row");
    expect_line("slipway_seal_broken_total{what=\"row\"} 1");
    expect_line("slipway_seal_broken_total{what=\"box\"} 0");
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
    expect_line("slipway_commit_batch_bucket{le=\"1.0\"} 2");
    expect_line("slipway_commit_batch_bucket{le=\"2.0\"} 3");
    expect_line("slipway_commit_batch_bucket{le=\"4.0\"} 4");
    expect_line("slipway_commit_batch_bucket{le=\"128.0\"} 4");
    expect_line("slipway_commit_batch_bucket{le=\"256.0\"} 5");
    expect_line("slipway_commit_batch_bucket{le=\"+Inf\"} 7");
    expect_line("slipway_commit_batch_sum 1520");
    expect_line("slipway_commit_batch_count 7");
    assert_int_equal(sw_metric_value(SW_M_COMMIT_BATCH), 7);
}

static void milliseconds_are_told_in_seconds_to_the_last_digit(void **state) {
    (void)state;
    sw_metric_observe(SW_M_EFFECT_MS, 30, "heroku");
    sw_metric_observe(SW_M_EFFECT_MS, 9007199254740993, "heroku"); /* no double has it */
    expect_line("slipway_effect_seconds_bucket{upstream=\"heroku\",le=\"0.025\"} 0");
    expect_line("slipway_effect_seconds_bucket{upstream=\"heroku\",le=\"0.05\"} 1");
    expect_line("slipway_effect_seconds_bucket{upstream=\"heroku\",le=\"1.0\"} 1");
    expect_line("slipway_effect_seconds_bucket{upstream=\"heroku\",le=\"30.0\"} 1");
    expect_line("slipway_effect_seconds_bucket{upstream=\"heroku\",le=\"+Inf\"} 2");
    expect_line("slipway_effect_seconds_sum{upstream=\"heroku\"} 9007199254741.023");
    expect_line("slipway_effect_seconds_count{upstream=\"heroku\"} 2");
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0"},        {1, "0.001"},      {10, "0.01"},   {100, "0.1"},   {1000, "1"},
                {1001, "1.001"}, {1000000, "1000"}, {-5, "-0.005"}, {-1500, "-1.5"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[80];
        sw_metric_set(SW_M_TIMER_LATE_MS, rows[i].ms, "auth");
        snprintf(line, sizeof(line), "slipway_timer_late_seconds{actor=\"auth\"} %s", rows[i].text);
        expect_line(line);
    }
}

static void openmetrics_names_families_and_units_and_ends(void **state) {
    (void)state;
    sw_metric_add(SW_M_COMMITS, 3);
    sw_metric_set(SW_M_BUILD, 1, "auth", "1.2.3");
    expect_line_in(SW_METRICS_OPEN, "# TYPE slipway_commits counter");
    expect_line_in(SW_METRICS_OPEN, "slipway_commits_total 3");
    expect_line_in(SW_METRICS_OPEN, "# TYPE slipway_build info");
    expect_line_in(SW_METRICS_OPEN, "slipway_build_info{actor=\"auth\",version=\"1.2.3\"} 1");
    expect_line_in(SW_METRICS_OPEN, "# UNIT slipway_effect_seconds seconds");
    expect_line_in(SW_METRICS_OPEN, "# UNIT process_cpu_seconds seconds");
    expect_line_in(SW_METRICS_OPEN, "# UNIT process_resident_memory_bytes bytes");
    expect_line_in(SW_METRICS_OPEN, "# EOF");
    expect_line("# TYPE slipway_build_info gauge");
    expect_no("# UNIT");
    expect_no("# EOF");
    char *text = sw_metrics_text(SW_METRICS_OPEN);
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    free(text);
}

static void the_format_is_the_one_that_is_preferred(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        enum sw_metrics_format format;
    } rows[] = {
        {"", SW_METRICS_PLAIN},
        {"*/*", SW_METRICS_PLAIN},
        {"text/plain", SW_METRICS_PLAIN},
        {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", SW_METRICS_PLAIN},
        {"application/openmetrics-text;version=1.0.0", SW_METRICS_OPEN},
        {"application/openmetrics-text; version=1.0.0; charset=utf-8", SW_METRICS_OPEN},
        {"Application/OpenMetrics-Text", SW_METRICS_OPEN},
        {"application/openmetrics-text;version=1.0.0,application/"
         "openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         SW_METRICS_OPEN},
        {"application/openmetrics-text;version=1.0.0;q=0.5, text/plain;q=0.7", SW_METRICS_PLAIN},
        {"text/plain;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6",
         SW_METRICS_OPEN},
        {"application/openmetrics-text;version=2.0.0", SW_METRICS_PLAIN},
        {"application/openmetrics-text;version=1.0.0;q=0", SW_METRICS_PLAIN},
        {"application/openmetrics-text;version=1.0.0;q=0.0, */*", SW_METRICS_PLAIN},
        {",,;;q=,=;application/openmetrics-text", SW_METRICS_PLAIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (sw_metrics_format(rows[i].accept) != rows[i].format)
            fail_msg("%s: not the format that is wanted", rows[i].accept);
    }
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
    assert_int_equal(sw_metric_value(SW_M_HANDLED, "k255"), 1);
    assert_int_equal(sw_metric_value(SW_M_HANDLED, "other"), 1000 - 256);
    assert_int_equal(sw_metric_value(SW_M_EFFECTS, "other", "other"), 1000 - 256);
}

/* Every line: a comment for each name before its samples, then name, labels and a number. */
static void well_formed(enum sw_metrics_format format) {
    char *text = sw_metrics_text(format), *save = NULL;
    char name[64] = "", type[16];
    size_t metrics = 0;
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char read_name[64];
        double value;
        if (sscanf(line, "# HELP %63s", read_name) == 1) {
            strcpy(name, read_name);
            assert_true(!strncmp(name, "slipway_", 8) || !strncmp(name, "process_", 8));
            assert_true(strlen(line) > strlen("# HELP ") + strlen(name) + 5);
            metrics++;
        } else if (sscanf(line, "# TYPE %63s %15s", read_name, type) == 2) {
            assert_string_equal(read_name, name);
            bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
            assert_int_equal(total, format == SW_METRICS_PLAIN && strcmp(type, "counter") == 0);
        } else if (line[0] == '#') {
            assert_int_equal(format, SW_METRICS_OPEN);
        } else {
            assert_memory_equal(line, name, strlen(name));
            assert_int_equal(sscanf(strrchr(line, ' '), " %lf", &value), 1);
        }
    }
    assert_int_equal(metrics, SW_METRICS);
    free(text);
}

static void the_page_is_well_formed(void **state) {
    (void)state;
    sw_metric_add(SW_M_RETRIES, 1, "slack", "failed");
    sw_metric_observe(SW_M_EFFECT_MS, 3, "slack");
    well_formed(SW_METRICS_PLAIN);
    well_formed(SW_METRICS_OPEN);
}

static void no_name_counts_in_other_than_base_units(void **state) {
    (void)state;
    for (size_t i = 0; i < SW_METRICS; i++) {
        const char *name = sw_metric_name((enum sw_metric)i);
        static const char *const others[] = {"_ms", "_ms_total", "_minutes", "_hours", "_kb"};
        for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
            size_t size = strlen(others[j]);
            assert_true(strlen(name) < size || strcmp(name + strlen(name) - size, others[j]) != 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_has_no_labels_is_there_from_the_start, reset),
        cmocka_unit_test_setup(what_must_be_seen_the_first_time_begins_at_zero, reset),
        cmocka_unit_test_setup(counters_add_and_gauges_are_set, reset),
        cmocka_unit_test_setup(a_histogram_counts_what_is_at_most_the_bound, reset),
        cmocka_unit_test_setup(milliseconds_are_told_in_seconds_to_the_last_digit, reset),
        cmocka_unit_test_setup(openmetrics_names_families_and_units_and_ends, reset),
        cmocka_unit_test_setup(the_format_is_the_one_that_is_preferred, reset),
        cmocka_unit_test_setup(no_name_counts_in_other_than_base_units, reset),
        cmocka_unit_test_setup(label_values_are_escaped_and_bounded, reset),
        cmocka_unit_test_setup(too_many_label_values_are_counted_as_other, reset),
        cmocka_unit_test_setup(the_page_is_well_formed, reset),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sw_metrics_reset();
    return failed;
}
