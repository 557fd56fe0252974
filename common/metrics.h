/* metrics.h -- what this process counts; a row of the table is all it takes to count more.
 *
 * shapes   OpenMetrics text 1.0.0, or Prometheus text exposition 0.0.4; OPERATIONS.md "Metrics" has each with its meaning
 * units    base units in the name: _seconds, _bytes; what is named _seconds is given and kept in milliseconds, as the id says;
 *          _total only goes up
 * errors   a number of labels that is not the table's aborts: a bug of this program
 * owner    the loop thread; no locks
 * source   OpenMetrics 1.0.0; Prometheus "Exposition formats", "Metric and label naming"
 * limits   256 label combinations a metric, later ones are counted together as "other"; label
 *          values 63 characters
 */
#ifndef SW_METRICS_H
#define SW_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
/* COUNTER(id, name, labels, help)  GAUGE(same)  INFO(same)  HISTOGRAM(id, name, labels, bounds, help)
 * labels: "" or up to two names; bounds: one of those in metrics.c */
#define SW_METRICS_TABLE(COUNTER, GAUGE, INFO, HISTOGRAM)                                          \
    INFO(BUILD, "slipway_build_info", "actor,version", "What runs here, always 1")                 \
    GAUGE(READY, "slipway_ready", "actor", "1: this process takes its part, as /readyz says")      \
    GAUGE(REDIS_UP, "slipway_redis_up", "actor", "1: every Redis that it needs is connected")          \
    GAUGE(OWED, "slipway_owed", "actor,lane", "Messages and calls that are owed, of the shards owned here") \
    GAUGE(OLDEST_AGE_MS, "slipway_oldest_age_seconds", "actor,lane", "How long the oldest of them has been owed") \
    GAUGE(TIMER_LATE_MS, "slipway_timer_late_seconds", "actor", "How long a timer has been due that did not go off") \
    COUNTER(HANDLED, "slipway_handled_total", "kind", "Messages handled")                          \
    COUNTER(SLOW_HANDLERS, "slipway_slow_handlers_total", "", "Calls of a handler over 5 ms")      \
    COUNTER(COMMITS, "slipway_commits_total", "", "Commits that the ledger confirmed")             \
    HISTOGRAM(COMMIT_BATCH, "slipway_commit_batch", "", sizes, "Messages handled in one commit")   \
    HISTOGRAM(COMMIT_MS, "slipway_commit_seconds", "", quick, "How long Redis took to confirm a commit") \
    COUNTER(GAPS, "slipway_gaps_total", "", "Ids that did not come by wire in time and were fetched") \
    COUNTER(SWEEPS_FOUND, "slipway_sweeps_found_total", "", "Messages that only the sweep found")  \
    COUNTER(WIRE_SENT, "slipway_wire_sent_total", "", "Messages pushed after their commit")        \
    COUNTER(WIRE_SKIPPED, "slipway_wire_skipped_total", "", "Messages left to the sweep: peer not there") \
    COUNTER(WIRE_REFUSED, "slipway_wire_refused_total", "reason", "What came by wire and was not let in") \
    GAUGE(SHARDS_OWNED, "slipway_shards_owned", "actor", "Shards owned now; 64 for all processes of an actor") \
    COUNTER(LEASE_MOVES, "slipway_lease_moves_total", "", "Shards taken or lost")                  \
    COUNTER(STALE, "slipway_stale_total", "", "Processes of this role that ended here since another owned their shard") \
    COUNTER(DEAD, "slipway_dead_total", "reason", "Messages that became dead letters")             \
    GAUGE(DEAD_LETTERS, "slipway_dead_letters", "actor", "Dead letters of all actors that lie in the shards owned here") \
    COUNTER(EFFECTS, "slipway_effects_total", "upstream,outcome", "HTTP calls that ended")         \
    HISTOGRAM(EFFECT_MS, "slipway_effect_seconds", "upstream", times, "How long an HTTP call took, each try") \
    COUNTER(RETRIES, "slipway_retries_total", "upstream,reason", "HTTP calls tried again")         \
    GAUGE(UPSTREAM_BROKEN, "slipway_upstream_broken", "upstream", "1: it failed 20 times in a row, and calls wait for it") \
    COUNTER(ANSWER_REPEATED, "slipway_answer_repeated_total", "", "Answers posted that may be doubles") \
    COUNTER(ACKS, "slipway_acks_total", "outcome", "Answers of the door to slash commands, webhooks and browsers") \
    HISTOGRAM(ACK_MS, "slipway_ack_seconds", "outcome", quick, "How long the answer took where something was taken in") \
    COUNTER(REFUSED, "slipway_refused_total", "reason", "HTTP requests refused at the door")       \
    COUNTER(TOKEN_REFRESHES, "slipway_token_refreshes_total", "provider,outcome", "Answers to refreshes of tokens") \
    HISTOGRAM(TOKEN_AGE_MS, "slipway_token_age_seconds", "provider", ages, "Age of a token when its successor came") \
    COUNTER(LINKS, "slipway_links_total", "provider,what", "Accounts linked, unlinked and revoked") \
    COUNTER(SEAL_BROKEN, "slipway_seal_broken_total", "what", "Boxes and rows that did not open")  \
    COUNTER(RELOADS, "slipway_reloads_total", "what,outcome", "Keys and secrets read again")       \
    GAUGE(KAFKA_LAG, "slipway_kafka_lag", "partition", "Records of the stream that are not taken in yet") \
    COUNTER(STREAM_RECORDS, "slipway_stream_records_total", "outcome", "Records read from the stream") \
    COUNTER(STREAM_PRODUCED, "slipway_stream_produced_total", "outcome", "Webhooks given to the stream") \
    COUNTER(NOTICES, "slipway_notices_total", "verdict", "What became of events, for each of their routes") \
    COUNTER(REPORTS, "slipway_reports_total", "outcome", "Reports of unexpected errors")           \
    COUNTER(SPANS, "slipway_spans_total", "outcome", "Spans of traces: sent, refused, failed, dropped") \
    GAUGE(START_MS, "process_start_time_seconds", "", "When this process began, since 1970 UTC")   \
    COUNTER(CPU_MS, "process_cpu_seconds_total", "", "CPU time of this process")                   \
    GAUGE(MEMORY, "process_resident_memory_bytes", "", "Memory of this process that is in RAM")    \
    GAUGE(OPEN_FDS, "process_open_fds", "", "Files and sockets that are open")                     \
    GAUGE(MAX_FDS, "process_max_fds", "", "How many may be open")
/* clang-format on */

enum sw_metric {
#define SW_METRIC_ID(id, name, labels, help) SW_M_##id,
#define SW_METRIC_HISTOGRAM_ID(id, name, labels, bounds, help) SW_M_##id,
    SW_METRICS_TABLE(SW_METRIC_ID, SW_METRIC_ID, SW_METRIC_ID, SW_METRIC_HISTOGRAM_ID) SW_METRICS
};

/* The value, then the label values (strings) in the table's order:
 *   sw_metric_add(SW_M_COMMITS, 1); sw_metric_add(SW_M_EFFECTS, 1, "heroku", "ok"); */
#define sw_metric_add(metric, ...) SW_METRIC_CALL(sw_metric_count, metric, __VA_ARGS__, NULL)
#define sw_metric_set(metric, ...) SW_METRIC_CALL(sw_metric_gauge, metric, __VA_ARGS__, NULL)
#define sw_metric_observe(metric, ...) SW_METRIC_CALL(sw_metric_sample, metric, __VA_ARGS__, NULL)
#define SW_METRIC_CALL(fn, metric, value, ...) fn(metric, value, (const char *const[]){__VA_ARGS__})

const char *sw_metric_name(enum sw_metric metric);
void sw_metric_count(enum sw_metric metric, int64_t n, const char *const *labels);
void sw_metric_gauge(enum sw_metric metric, int64_t value, const char *const *labels);
void sw_metric_sample(enum sw_metric metric, int64_t value, const char *const *labels);

/* For sw_tally: a histogram gets the value, a counter goes up by it. */
void sw_metric_tally(enum sw_metric metric, int64_t value, const char *const *labels);

/* What was counted: for tests and readiness; 0 where never. A histogram: how many samples. */
#define sw_metric_value(...) SW_METRIC_VALUE(__VA_ARGS__, NULL)
#define SW_METRIC_VALUE(metric, ...) sw_metric_read(metric, (const char *const[]){__VA_ARGS__})
int64_t sw_metric_read(enum sw_metric metric, const char *const *labels);

enum sw_metrics_format { SW_METRICS_PLAIN, SW_METRICS_OPEN };
/* What the header Accept of a request prefers; "": plain. */
enum sw_metrics_format sw_metrics_format(const char *accept);
const char *sw_metrics_type(enum sw_metrics_format format); /* for Content-Type */
/* Everything as text; the caller frees. */
char *sw_metrics_text(enum sw_metrics_format format);
/* Forgets every value (tests). */
void sw_metrics_reset(void);

#endif
