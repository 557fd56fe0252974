/* otlp.h -- spans of what this process does, sent to a collector: OTLP over HTTP, as JSON.
 *
 * shapes   one POST of an ExportTraceServiceRequest to SLIPWAY_OTLP for each batch; ids as hex, times and integers as text, as the
 *          JSON mapping wants; resource service.name "slipway-<role>", service.version, service.instance.id
 * units    *_ns since 1970 by this machine's clock; *_at_ms on CLOCK_BOOTTIME
 * errors   none that the caller sees: what the collector does not take is counted (slipway_spans_total) and dropped
 * owner    the loop thread; a span is copied when it is added
 * source   OpenTelemetry "OTLP Specification 1", "Semantic conventions" 1.30 (HTTP, messaging); W3C "Trace Context"
 * limits   2048 spans wait, the oldest is dropped; 128 a batch, sent when there are so many or after a second; one batch at a
 *          time, tried five times; never a text that somebody typed, an id of a path, or a secret
 */
#ifndef SW_OTLP_H
#define SW_OTLP_H

#include "common/story.h"
#include "proto/msg.h"

#include <stdbool.h>

struct _zloop_t;
struct sw_otlp;

enum sw_span_kind { /* OTLP's numbers */
                    SW_SPAN_SERVER = 2,
                    SW_SPAN_CLIENT = 3,
                    SW_SPAN_CONSUMER = 5,
};

struct sw_span {
    enum sw_span_kind kind;
    char trace[33], id[17];
    char parent[17];               /* "" none */
    char link_trace[33], link[17]; /* what began it long ago, "" none */
    int64_t start_ns, end_ns;      /* end 0: now, when it is added */
    char cmd[64], inst[64];        /* "" none, as all texts */
    char message[32], entry[48];   /* CONSUMER: kind and id */
    int shard;
    unsigned attempt;
    char method[12], path[SW_PATH_CHARS]; /* SERVER, CLIENT; a template */
    char up[16], host[64];                /* CLIENT */
    int port, status;                     /* 0 none */
    unsigned resends;
    char error[24];
    char was[SW_TRACEPARENT_CHARS + 1]; /* CONSUMER: what the message named as its cause */
};

/* Begins a span as a child of `parent` (a traceparent), as the root of a new trace where that is none; `afresh`: as a root that
 * only names it. */
void sw_span_begin(struct sw_span *ret, enum sw_span_kind kind, const char *parent, bool afresh);
void sw_span_end(struct sw_span *span);
/* The traceparent of what it causes. */
void sw_span_context(const struct sw_span *span, char ret[SW_TRACEPARENT_CHARS + 1]);

/* ---- pure ---- */

/* ExportTraceServiceRequest. */
json_t *sw_otlp_request(const char *role, const char *instance, const struct sw_span *spans,
                        size_t count);
/* How many of them a 2xx answer refused; 0 also where it makes no sense. */
int64_t sw_otlp_rejected(const char *body, size_t size);

/* ---- the exporter; each takes NULL, where no collector is named, and does nothing ---- */

/* NULL where `url` is "". `turn` as for sw_calls_create. */
struct sw_otlp *sw_otlp_create(struct _zloop_t *loop, const char *url, const char *role,
                               const char *instance, void (*turn)(void *arg), void *arg);
void sw_otlp_destroy(struct sw_otlp *otlp);
void sw_otlp_add(struct sw_otlp *otlp, const struct sw_span *span);
/* Sends what is due. */
void sw_otlp_tick(struct sw_otlp *otlp, int64_t now_at_ms);
/* From now on nothing waits to become more. True: nothing is left that could be sent now. */
bool sw_otlp_drained(struct sw_otlp *otlp);

#endif
