/* otlp_span.c -- spans, and how OTLP writes them down; see otlp.h. */
#include "common/mem.h"
#include "common/otlp.h"
#include "common/seal.h"
#include "proto/value.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ID_BYTES 8
#define TRACE_BYTES 16
#define SAMPLED "01"

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Not all zero: that is none. */
static void make_id(char *ret, size_t bytes) {
    uint8_t random[TRACE_BYTES];
    do {
        randombytes_buf(random, bytes);
    } while (sodium_is_zero(random, bytes));
    sw_hex(random, bytes, ret);
}

void sw_span_begin(struct sw_span *ret, enum sw_span_kind kind, const char *parent, bool afresh) {
    memset(ret, 0, sizeof(*ret));
    ret->kind = kind;
    ret->start_ns = now_ns();
    make_id(ret->id, ID_BYTES);
    if (sw_is_traceparent(parent, strlen(parent))) {
        snprintf(afresh ? ret->link_trace : ret->trace, sizeof(ret->trace), "%.32s", parent + 3);
        snprintf(afresh ? ret->link : ret->parent, sizeof(ret->parent), "%.16s", parent + 36);
    }
    if (!ret->trace[0]) make_id(ret->trace, TRACE_BYTES);
}

void sw_span_end(struct sw_span *span) {
    span->end_ns = now_ns();
}

void sw_span_context(const struct sw_span *span, char ret[SW_TRACEPARENT_CHARS + 1]) {
    snprintf(ret, SW_TRACEPARENT_CHARS + 1, "00-%.32s-%.16s-" SAMPLED, span->trace, span->id);
}

static void add(json_t *attributes, const char *key, const char *type, json_t *value) {
    /* No text at all, or none that JSON can hold. */
    if (!value) return;
    json_array_append_new(attributes,
                          json_pack("{s:s, s:{s:o}}", "key", key, "value", type, value));
}

static void add_text(json_t *attributes, const char *key, const char *text) {
    if (text[0]) add(attributes, key, "stringValue", json_string(text));
}

static void add_int(json_t *attributes, const char *key, int64_t number) {
    add(attributes, key, "intValue", json_sprintf("%" PRId64, number));
}

static void add_message(json_t *attributes, const struct sw_span *span, const char *role) {
    add_text(attributes, "messaging.system", "slipway");
    add_text(attributes, "messaging.operation.name", "process");
    add_text(attributes, "messaging.operation.type", "process");
    add_text(attributes, "messaging.destination.name", role);
    add_text(attributes, "messaging.message.id", span->entry);
    add_text(attributes, "slipway.kind", span->message);
    add_int(attributes, "slipway.shard", span->shard);
    if (span->attempt > 1) add_int(attributes, "slipway.attempt", span->attempt);
}

static void add_http(json_t *attributes, const struct sw_span *span) {
    bool client = span->kind == SW_SPAN_CLIENT;
    add_text(attributes, "http.request.method", span->method);
    add_text(attributes, client ? "url.template" : "http.route", span->path);
    if (span->status) add_int(attributes, "http.response.status_code", span->status);
    if (!client) return;
    add_text(attributes, "server.address", span->host);
    if (span->port) add_int(attributes, "server.port", span->port);
    if (span->resends) add_int(attributes, "http.request.resend_count", span->resends);
    add_text(attributes, "slipway.upstream", span->up);
}

static json_t *attributes_of(const struct sw_span *span, const char *role) {
    json_t *attributes = json_array();
    add_text(attributes, "slipway.command", span->cmd);
    add_text(attributes, "slipway.installation", span->inst);
    if (span->kind == SW_SPAN_CONSUMER) {
        add_message(attributes, span, role);
    } else {
        add_http(attributes, span);
    }
    add_text(attributes, "error.type", span->error);
    return attributes;
}

static json_t *name_of(const struct sw_span *span) {
    json_t *name = span->kind == SW_SPAN_CONSUMER ? json_sprintf("process %s", span->message)
                   : span->path[0]                ? json_sprintf("%s %s", span->method, span->path)
                                                  : json_string(span->method);
    return name ? name : json_string("?");
}

static json_t *span_json(const struct sw_span *span, const char *role) {
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:{s:i}}", "traceId", span->trace, "spanId",
                  span->id, "name", name_of(span), "kind", (int)span->kind, "startTimeUnixNano",
                  json_sprintf("%" PRId64, span->start_ns), "endTimeUnixNano",
                  json_sprintf("%" PRId64, span->end_ns), "attributes", attributes_of(span, role),
                  "status", "code", span->error[0] ? 2 : 0);
    if (span->parent[0]) json_object_set_new(json, "parentSpanId", json_string(span->parent));
    if (span->link[0])
        json_object_set_new(
            json, "links",
            json_pack("[{s:s, s:s}]", "traceId", span->link_trace, "spanId", span->link));
    return json;
}

json_t *sw_otlp_request(const char *role, const char *instance, const struct sw_span *spans,
                        size_t count) {
    json_t *list = json_array(), *resource = json_array();
    SW_AUTO(sw_text) char *service = sw_printf("slipway-%s", role);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, span_json(&spans[i], role));
    add_text(resource, "service.name", service);
    add_text(resource, "service.version", SW_VERSION);
    add_text(resource, "service.instance.id", instance);
    return json_pack("{s:[{s:{s:o}, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans", "resource",
                     "attributes", resource, "scopeSpans", "scope", "name", "slipway", "version",
                     SW_VERSION, "spans", list);
}

int64_t sw_otlp_rejected(const char *body, size_t size) {
    SW_AUTO(sw_json) json_t *answer = json_loadb(body, size, 0, NULL);
    const json_t *partial = json_object_get(answer, "partialSuccess");
    const json_t *rejected = json_object_get(partial, "rejectedSpans");
    int64_t n = json_is_string(rejected) ? strtoll(json_string_value(rejected), NULL, 10)
                                         : json_integer_value(rejected);
    return n > 0 ? n : 0;
}
