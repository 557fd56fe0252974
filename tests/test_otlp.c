/* test_otlp.c -- spans: what they are children of, and how a collector reads them. */
#include "common/otlp.h"

#include "common/mem.h"
#include "proto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

static void a_span_is_a_child_of_what_caused_it(void **state) {
    struct sw_span span, child;
    char context[SW_TRACEPARENT_CHARS + 1];
    (void)state;
    sw_span_begin(&span, SW_SPAN_CONSUMER, PARENT, false);
    assert_string_equal(span.trace, TRACE);
    assert_string_equal(span.parent, SPAN);
    assert_string_equal(span.link, "");
    sw_span_context(&span, context);
    assert_true(sw_is_traceparent(context, strlen(context)));
    sw_span_begin(&child, SW_SPAN_CLIENT, context, false);
    assert_string_equal(child.trace, TRACE);
    assert_string_equal(child.parent, span.id);
    assert_string_not_equal(child.id, span.id);
    assert_true(child.start_ns >= span.start_ns);
}

static void what_nothing_caused_begins_a_trace(void **state) {
    static const char *const rows[] = {"", "garbage", "00-" TRACE "-" SPAN "-0", PARENT "x"};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_span one, other;
        sw_span_begin(&one, SW_SPAN_SERVER, rows[i], false);
        sw_span_begin(&other, SW_SPAN_SERVER, rows[i], false);
        assert_int_equal(strlen(one.trace), 32);
        assert_string_not_equal(one.trace, other.trace);
        assert_string_equal(one.parent, "");
    }
}

static void what_comes_late_begins_a_trace_that_names_the_one_before(void **state) {
    struct sw_span span;
    (void)state;
    sw_span_begin(&span, SW_SPAN_CONSUMER, PARENT, true);
    assert_string_not_equal(span.trace, TRACE);
    assert_string_equal(span.parent, "");
    assert_string_equal(span.link_trace, TRACE);
    assert_string_equal(span.link, SPAN);
}

/* Attributes as "key=text" and "key:integer", which JSON holds as text too. */
static char *flat(const json_t *attributes) {
    char *all = sw_strdup("");
    size_t i;
    const json_t *one;
    json_array_foreach(attributes, i, one) {
        const json_t *value = json_object_get(one, "value");
        const char *text = sw_str(value, "stringValue"), *number = sw_str(value, "intValue");
        assert_int_equal(json_object_size(value), 1);
        char *more = sw_printf("%s%s%s%s%s", all, i ? " " : "", sw_str(one, "key"),
                               number[0] ? ":" : "=", number[0] ? number : text);
        free(all);
        all = more;
    }
    return all;
}

/* The only span of a request whose frame is as it should be; `rest` is the span without its attributes. */
static void expect_request(const struct sw_span *span, const char *rest, const char *attributes) {
    SW_AUTO(sw_json) json_t *is = sw_otlp_request("executor", "nonce", span, 1);
    json_t *resource, *scope, *told;
    assert_int_equal(json_unpack(is, "{s:[{s:{s:o}, s:[{s:o, s:[o!]!}!]!}!]!}", "resourceSpans",
                                 "resource", "attributes", &resource, "scopeSpans", "scope", &scope,
                                 "spans", &told),
                     0);
    SW_AUTO(sw_text) char *of = flat(resource);
    assert_string_equal(of, "service.name=slipway-executor service.version=" SW_VERSION
                            " service.instance.id=nonce");
    assert_string_equal(sw_str(scope, "name"), "slipway");
    SW_AUTO(sw_text) char *has = flat(json_object_get(told, "attributes"));
    assert_string_equal(has, attributes);
    json_object_del(told, "attributes");
    SW_AUTO(sw_text) char *text = json_dumps(told, JSON_COMPACT);
    assert_string_equal(text, rest);
}

static void a_call_is_written_as_the_json_mapping_wants(void **state) {
    const struct sw_span span = {.kind = SW_SPAN_CLIENT,
                                 .trace = TRACE,
                                 .id = SPAN,
                                 .parent = "b7ad6b7169203331",
                                 .start_ns = 1795801714884000001,
                                 .end_ns = 1795801714885000002,
                                 .cmd = "c1",
                                 .inst = "T1",
                                 .method = "POST",
                                 .path = "/apps/:x/builds",
                                 .up = "heroku",
                                 .host = "api.heroku.com",
                                 .port = 443,
                                 .status = 503,
                                 .resends = 2,
                                 .error = "unsure"};
    (void)state;
    expect_request(&span,
                   "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
                   "\",\"name\":\"POST /apps/:x/builds\",\"kind\":3,"
                   "\"startTimeUnixNano\":\"1795801714884000001\","
                   "\"endTimeUnixNano\":\"1795801714885000002\",\"status\":{\"code\":2},"
                   "\"parentSpanId\":\"b7ad6b7169203331\"}",
                   "slipway.command=c1 slipway.installation=T1 http.request.method=POST "
                   "url.template=/apps/:x/builds http.response.status_code:503 "
                   "server.address=api.heroku.com server.port:443 http.request.resend_count:2 "
                   "slipway.upstream=heroku error.type=unsure");
}

static void a_message_is_written_with_its_place(void **state) {
    const struct sw_span span = {.kind = SW_SPAN_CONSUMER,
                                 .trace = TRACE,
                                 .id = SPAN,
                                 .link_trace = TRACE,
                                 .link = "b7ad6b7169203331",
                                 .start_ns = 1,
                                 .end_ns = 2,
                                 .cmd = "c1",
                                 .message = "granted.v1",
                                 .entry = "7-1",
                                 .shard = 57,
                                 .attempt = 2};
    (void)state;
    expect_request(&span,
                   "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
                   "\",\"name\":\"process granted.v1\",\"kind\":5,"
                   "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\","
                   "\"status\":{\"code\":0},\"links\":[{\"traceId\":\"" TRACE
                   "\",\"spanId\":\"b7ad6b7169203331\"}]}",
                   "slipway.command=c1 messaging.system=slipway messaging.operation.name=process "
                   "messaging.operation.type=process messaging.destination.name=executor "
                   "messaging.message.id=7-1 slipway.kind=granted.v1 slipway.shard:57 "
                   "slipway.attempt:2");
}

static void a_request_is_written_with_its_route(void **state) {
    const struct sw_span span = {.kind = SW_SPAN_SERVER,
                                 .trace = TRACE,
                                 .id = SPAN,
                                 .start_ns = 1,
                                 .end_ns = 2,
                                 .cmd = "c1",
                                 .method = "GET",
                                 .path = "/link/:x",
                                 .status = 303};
    (void)state;
    expect_request(&span,
                   "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
                   "\",\"name\":\"GET /link/:x\",\"kind\":2,"
                   "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\","
                   "\"status\":{\"code\":0}}",
                   "slipway.command=c1 http.request.method=GET http.route=/link/:x "
                   "http.response.status_code:303");
}

static void what_no_json_can_hold_is_left_out(void **state) {
    const struct sw_span span = {.kind = SW_SPAN_CONSUMER,
                                 .trace = TRACE,
                                 .id = SPAN,
                                 .cmd = "\xff",
                                 .message = "\xc3(",
                                 .entry = "7-1"};
    (void)state;
    SW_AUTO(sw_json) json_t *is = sw_otlp_request("executor", "nonce", &span, 1);
    SW_AUTO(sw_text) char *text = json_dumps(is, JSON_COMPACT);
    assert_non_null(strstr(text, "\"name\":\"?\""));
    assert_non_null(strstr(text, "\"7-1\""));
}

static void what_the_collector_refused_is_counted_where_it_says_so(void **state) {
    static const struct {
        const char *body;
        int64_t n;
    } rows[] = {
        {"", 0},
        {"{}", 0},
        {"garbage", 0},
        {"{\"partialSuccess\":{}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"7\",\"errorMessage\":\"x\"}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":7}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"-7\"}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":[]}}", 0},
        {"[1]", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(sw_otlp_rejected(rows[i].body, strlen(rows[i].body)), rows[i].n);
}

static void where_no_collector_is_named_there_is_nothing(void **state) {
    struct sw_span span = {.kind = SW_SPAN_CLIENT};
    (void)state;
    assert_null(sw_otlp_create(NULL, "", "executor", "nonce", NULL, NULL));
    sw_otlp_add(NULL, &span);
    sw_otlp_tick(NULL, 0);
    assert_true(sw_otlp_drained(NULL));
    sw_otlp_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_is_a_child_of_what_caused_it),
        cmocka_unit_test(what_nothing_caused_begins_a_trace),
        cmocka_unit_test(what_comes_late_begins_a_trace_that_names_the_one_before),
        cmocka_unit_test(a_call_is_written_as_the_json_mapping_wants),
        cmocka_unit_test(a_message_is_written_with_its_place),
        cmocka_unit_test(a_request_is_written_with_its_route),
        cmocka_unit_test(what_no_json_can_hold_is_left_out),
        cmocka_unit_test(what_the_collector_refused_is_counted_where_it_says_so),
        cmocka_unit_test(where_no_collector_is_named_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
