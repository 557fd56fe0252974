/* metrics.h -- what this process counts; a row of the table is all it takes to count more.
 *
 * shapes   Prometheus text exposition 0.0.4; every name begins with slipway_
 * units    in the name: _ms; _total only goes up
 * errors   a number of labels that is not the table's aborts: a bug of this program
 * owner    the loop thread; no locks
 * source   Prometheus "Exposition formats", "Metric and label naming"
 * limits   64 label combinations a metric, later ones are counted together as "other"; label
 *          values 63 characters
 */
#ifndef SW_METRICS_H
#define SW_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* COUNTER(id, name, labels, help)  GAUGE(same)  HISTOGRAM(id, name, labels, bounds, help)
 * labels: "" or up to two names; bounds: one of those in metrics.c */
#define SW_METRICS_TABLE(COUNTER, GAUGE, HISTOGRAM)                                                \
    GAUGE(OWED, "owed", "actor,lane", "Messages not yet acknowledged")                             \
    GAUGE(OLDEST_AGE_MS, "oldest_age_ms", "", "Age of the oldest message owed")                    \
    COUNTER(COMMITS, "commits_total", "", "Commits that the ledger confirmed")                     \
    HISTOGRAM(COMMIT_BATCH, "commit_batch", "", sizes, "Messages handled in one commit")           \
    COUNTER(GAPS, "gaps_total", "", "Ids that did not come by wire in time and were fetched")      \
    COUNTER(SWEEPS_FOUND, "sweeps_found_total", "", "Messages that only the sweep found")          \
    COUNTER(WIRE_SENT, "wire_sent_total", "", "Messages pushed after their commit")                \
    COUNTER(WIRE_SKIPPED, "wire_skipped_total", "", "Messages left to the sweep: peer not there")  \
    COUNTER(LEASE_MOVES, "lease_moves_total", "", "Shards taken or lost")                          \
    GAUGE(SHARDS_OWNED, "shards_owned", "", "Shards owned now")                                    \
    COUNTER(STALE, "stale_total", "", "Commits refused because the shard has another owner")       \
    COUNTER(RETRIES, "retries_total", "upstream", "HTTP calls tried again")                        \
    COUNTER(DEAD, "dead_total", "reason", "Messages that became dead letters")                     \
    COUNTER(EFFECTS, "effects_total", "upstream,outcome", "HTTP calls that ended")                 \
    HISTOGRAM(EFFECT_MS, "effect_ms", "upstream", times, "How long an HTTP call took")             \
    COUNTER(ACKS, "acks_total", "outcome", "Answers to slash commands and webhooks")               \
    COUNTER(REFUSED, "refused_total", "reason", "HTTP requests refused at the door")               \
    COUNTER(ANSWER_REPEATED, "answer_repeated_total", "", "Answers posted that may be doubles")    \
    COUNTER(HANDLED, "handled_total", "kind", "Messages handled")                                  \
    COUNTER(TOKEN_REFRESHES, "token_refreshes_total", "provider,outcome",                          \
            "Answers to refreshes of tokens")                                                      \
    HISTOGRAM(TOKEN_AGE_MS, "token_age_ms", "provider", ages,                                      \
              "Age of a token when its successor came")                                            \
    COUNTER(LINKS, "links_total", "provider,what", "Accounts linked, unlinked and revoked")        \
    COUNTER(SEAL_BROKEN, "seal_broken_total", "what", "Boxes and rows that did not open")          \
    GAUGE(KAFKA_LAG, "kafka_lag", "partition", "Records of the stream that are not taken in yet")  \
    COUNTER(STREAM_RECORDS, "stream_records_total", "outcome", "Records read from the stream")     \
    COUNTER(STREAM_PRODUCED, "stream_produced_total", "outcome", "Webhooks given to the stream")   \
    COUNTER(RELOADS, "reloads_total", "what,outcome", "Keys and secrets read again")               \
    COUNTER(REPORTS, "reports_total", "outcome", "Reports of unexpected errors")                   \
    COUNTER(NOTICES, "notices_total", "verdict",                                                   \
            "What became of events, for each of their routes")                                     \
    COUNTER(SLOW_HANDLERS, "slow_handlers_total", "", "Calls of a handler over 5 ms")

enum sw_metric {
#define SW_METRIC_ID(id, name, labels, help) SW_M_##id,
#define SW_METRIC_HISTOGRAM_ID(id, name, labels, bounds, help) SW_M_##id,
    SW_METRICS_TABLE(SW_METRIC_ID, SW_METRIC_ID, SW_METRIC_HISTOGRAM_ID) SW_METRICS
};

/* The value, then the label values (strings) in the table's order:
 *   sw_metric_add(SW_M_COMMITS, 1); sw_metric_add(SW_M_EFFECTS, 1, "heroku", "ok"); */
#define sw_metric_add(metric, ...) SW_METRIC_CALL(sw_metric_count, metric, __VA_ARGS__, NULL)
#define sw_metric_set(metric, ...) SW_METRIC_CALL(sw_metric_gauge, metric, __VA_ARGS__, NULL)
#define sw_metric_observe(metric, ...) SW_METRIC_CALL(sw_metric_sample, metric, __VA_ARGS__, NULL)
#define SW_METRIC_CALL(fn, metric, value, ...) fn(metric, value, (const char *const[]){__VA_ARGS__})

const char *sw_metric_name(enum sw_metric metric); /* with slipway_ */
void sw_metric_count(enum sw_metric metric, int64_t n, const char *const *labels);
void sw_metric_gauge(enum sw_metric metric, int64_t value, const char *const *labels);
void sw_metric_sample(enum sw_metric metric, int64_t value, const char *const *labels);

/* For sw_tally: a histogram gets the value, a counter goes up by it. */
void sw_metric_tally(enum sw_metric metric, int64_t value, const char *const *labels);

/* What was counted: for tests and readiness; 0 where never. A histogram: how many samples. */
#define sw_metric_value(...) SW_METRIC_VALUE(__VA_ARGS__, NULL)
#define SW_METRIC_VALUE(metric, ...) sw_metric_read(metric, (const char *const[]){__VA_ARGS__})
int64_t sw_metric_read(enum sw_metric metric, const char *const *labels);

/* Everything as text; the caller frees. */
char *sw_metrics_text(void);
/* Forgets every value (tests). */
void sw_metrics_reset(void);

#endif
