/* report.h -- unexpected errors go to Sentry: who, where and which command, never what was said.
 *
 * shapes   a DSN is http(s)://<key>@<host>[:<port>][/<path>]/<project>; each event is one POST of an envelope (header line, item
 *          header line, item) to <path>/api/<project>/envelope/; fingerprint [type, what, upstream or actor, kind]
 * units    *_at_ms on CLOCK_BOOTTIME, other *_ms milliseconds since 1970 UTC or durations
 * errors   none that the caller sees: what Sentry does not take is counted (slipway_reports_total) and dropped;
 *          sw_dsn_parse: -EINVAL
 * owner    the loop thread; the reporter keeps nothing of what it is given
 * source   Sentry "Envelopes", "Event Payloads", "Rate Limiting"; one call at a time over common/call.h
 * limits   64 groups wait, the oldest is dropped; of a group 16 command ids; 4 tries an event; texts that do not look like the
 *          id they should be are left out
 */
#ifndef SW_REPORT_H
#define SW_REPORT_H

#include "proto/msg.h"

#include <stdbool.h>

struct _zloop_t;
struct sw_reporter;

struct sw_report {
    const char *type; /* as all texts here but `entry` a constant of this program: "dead letter" */
    const char *what; /* "poison" */
    const char *upstream;       /* NULL: none */
    const struct sw_msg *about; /* NULL: none; its command, installation, kind and who are told */
    bool warning;               /* else an error */
    int status, error;          /* of HTTP, -errno; 0: none */
    int shard;                  /* -1: none */
    char entry[48];             /* "": none */
};

/* ---- pure ---- */

struct sw_dsn {
    char url[512]; /* of the envelope endpoint */
    char key[64];  /* the public one */
};
int sw_dsn_parse(const char *text, struct sw_dsn *ret);
/* The event without its count. */
json_t *sw_report_event(const char *actor, const struct sw_report *report, const char *event_id,
                        int64_t now_ms);
/* The caller frees. */
char *sw_report_envelope(const json_t *event, int64_t now_ms, size_t *ret_size);
/* For how long an answer forbids to send; `rate_limits` is X-Sentry-Rate-Limits, "" absent; retry_after_ms -1 absent. */
int64_t sw_report_limit_ms(int status, int64_t retry_after_ms, const char *rate_limits);

/* ---- the reporter; each takes NULL, where there is no DSN, and does nothing ---- */

/* NULL where `dsn` is NULL or none. `turn` as for sw_calls_create. The first report is sent at once,
 * all that are like it within gap_ms are one more. */
struct sw_reporter *sw_reporter_create(struct _zloop_t *loop, const char *actor, const char *dsn,
                                       int64_t gap_ms, void (*turn)(void *arg), void *arg);
/* Another DSN from now on; NULL or none: the one before stays. */
void sw_reporter_aim(struct sw_reporter *reporter, const char *dsn);
void sw_reporter_destroy(struct sw_reporter *reporter);
void sw_report(struct sw_reporter *reporter, const struct sw_report *report);
/* Sends what is due. */
void sw_reporter_tick(struct sw_reporter *reporter, int64_t now_at_ms);
/* From now on nothing waits for its gap. True: nothing is left that could be sent now. */
bool sw_reporter_drained(struct sw_reporter *reporter);

#endif
