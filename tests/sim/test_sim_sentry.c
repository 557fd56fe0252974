/* test_sim_sentry.c -- the simulated Sentry takes what the protocol allows and nothing else. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef"
#define HEAD "{\"event_id\":\"" ID "\",\"sent_at\":\"2026-11-24T19:00:00Z\"}"
#define EVENT_OF(id, more)                                                                         \
    "{\"event_id\":\"" id "\",\"timestamp\":1790000000.5,\"platform\":\"c\",\"level\":\"error\","  \
    "\"message\":\"it broke\"" more "}"

#define AUTH "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=test/1, sentry_key=abc"

static struct client_reply send_it(const char *auth, const char *body) {
    const char *headers[] = {"Content-Type: application/x-sentry-envelope", auth, NULL};
    return client_call(&sim, "POST", "/sentry/api/1/envelope/", headers, body);
}

static char *envelope(const char *event) {
    return sim_fmt("%s\n{\"type\":\"event\",\"length\":%zu}\n%s\n", HEAD, strlen(event), event);
}

static json_t *seen(const char *name) {
    REPLY reply = client_get(&sim, "/sim/sentry");
    assert_int_equal(reply.status, 200);
    return json_incref(json_object_get(reply.json, name));
}

static void an_event_is_kept(void **state) {
    (void)state;
    SIM_FREE char *body = envelope(EVENT_OF(ID, ",\"tags\":{\"actor\":\"executor\"}"));
    REPLY reply = send_it(AUTH, body);
    assert_int_equal(reply.status, 200);
    assert_string_equal(client_text(reply.json, "id"), ID);
    json_auto_t *events = seen("events"), *refused = seen("refused");
    assert_int_equal(json_array_size(refused), 0);
    assert_int_equal(json_array_size(events), 1);
    const json_t *event = json_array_get(events, 0);
    assert_string_equal(client_text(event, "message"), "it broke");
    assert_string_equal(sim_json_text2(event, "tags", "actor"), "executor");
}

static void the_dsn_in_the_header_opens_too(void **state) {
    (void)state;
    static const struct {
        const char *auth, *dsn;
        long status;
    } rows[] = {{NULL, "http://abc@127.0.0.1:1/sentry/1", 200},
                {AUTH, "http://abc@127.0.0.1:1/sentry/1", 200},
                {NULL, "http://abc@127.0.0.1:1/sentry/2", 403},
                {AUTH, "http://other@127.0.0.1:1/sentry/1", 403},
                {NULL, "abc", 403}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *body = sim_fmt("{\"event_id\":\"" ID "\",\"dsn\":\"%s\"}\n"
                                      "{\"type\":\"event\"}\n%s",
                                      rows[i].dsn, EVENT_OF(ID, ""));
        REPLY reply = send_it(rows[i].auth, body);
        assert_int_equal(reply.status, rows[i].status);
    }
    SIM_FREE char *body = envelope(EVENT_OF(ID, ""));
    REPLY nobody = send_it(NULL, body);
    assert_int_equal(nobody.status, 401);
    REPLY old = send_it("X-Sentry-Auth: Sentry sentry_version=6, sentry_key=abc", body);
    assert_int_equal(old.status, 401);
}

static void broken_frames_are_refused(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "nonsense",
        HEAD,
        HEAD "\n",
        HEAD "\n{\"length\":3}\nabc",
        HEAD "\n{\"type\":\"event\",\"length\":9999}\n" EVENT_OF(ID, ""),
        HEAD "\n{\"type\":\"event\",\"length\":10}\n" EVENT_OF(ID, ""),
        HEAD "\n{\"type\":\"event\"}\nnonsense\n",
        "{\"event_id\":\"123\"}\n{\"type\":\"event\"}\n" EVENT_OF(ID, ""),
        "{}\n{\"type\":\"event\"}\n" EVENT_OF(ID, "")};
    for (size_t i = 0; i < SIM_ARRAY_LEN(bodies); i++) {
        REPLY reply = send_it(AUTH, bodies[i]);
        if (reply.status != 400) fail_msg("row %zu: %ld %s", i, reply.status, reply.body);
    }
    SIM_FREE char *good = envelope(EVENT_OF(ID, ""));
    const char *headers[] = {"Content-Type: application/json", AUTH, NULL};
    REPLY type = client_call(&sim, "POST", "/sentry/api/1/envelope/", headers, good);
    assert_int_equal(type.status, 400);
    json_auto_t *refused = seen("refused"), *events = seen("events");
    assert_int_equal(json_array_size(refused), SIM_ARRAY_LEN(bodies) + 1);
    assert_string_equal(client_text(json_array_get(refused, 10), "reason"),
                        "the content type is not application/x-sentry-envelope");
    assert_int_equal(json_array_size(events), 0);
}

static void events_have_rules(void **state) {
    (void)state;
#define FIELDS(time, platform, level, rest)                                                        \
    "{\"event_id\":\"" ID "\",\"timestamp\":" time ",\"platform\":\"" platform                     \
    "\",\"level\":\"" level "\"" rest "}"
#define SAID ",\"message\":\"m\""
    static const struct {
        const char *event;
        long status;
    } rows[] = {
        {EVENT_OF("fedcba9876543210fedcba9876543210", ""), 400},
        {FIELDS("\"2026-11-24T19:00:00Z\"", "native", "warning", SAID), 200},
        {FIELDS("\"yesterday\"", "c", "error", SAID), 400},
        {FIELDS("null", "c", "error", SAID), 400},
        {FIELDS("1790000000", "cobol", "error", SAID), 400},
        {FIELDS("1790000000", "c", "bad", SAID), 400},
        {FIELDS("1790000000", "c", "error", ""), 400},
        {FIELDS("1790000000", "c", "error", ",\"exception\":{\"values\":[{\"type\":\"T\"}]}"), 200},
        {FIELDS("1790000000", "c", "error", ",\"exception\":{\"values\":[]}"), 400},
        {FIELDS("1790000000", "c", "error", ",\"logentry\":{\"formatted\":\"m\"}"), 200},
        {EVENT_OF(ID, ",\"tags\":{\"a b\":\"x\"}"), 400},
        {EVENT_OF(ID, ",\"tags\":{\"a\":7}"), 400},
        {EVENT_OF(ID, ",\"tags\":{\"a\":\"x\\ny\"}"), 400},
        {EVENT_OF(ID, ",\"release\":\"\""), 400},
        {EVENT_OF(ID, ",\"fingerprint\":[]"), 400},
        {EVENT_OF(ID, ",\"extra\":[]"), 400},
        {EVENT_OF(ID, ",\"user\":{\"id\":\"T0SIM1/U0ADA\"},\"fingerprint\":[\"a\",\"b\"]"), 200},
    };
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        SIM_FREE char *body = envelope(rows[i].event);
        REPLY reply = send_it(AUTH, body);
        if (reply.status != rows[i].status) fail_msg("row %zu: %s", i, reply.body);
    }
}

static void too_much_is_told_and_a_reset_forgets(void **state) {
    (void)state;
    SIM_FREE char *body = envelope(EVENT_OF(ID, ""));
    REPLY fault = client_post(&sim, "/sim/faults",
                              "{\"match\":\"POST /sentry/api/1/envelope\",\"kind\":\"429\","
                              "\"retry_after\":7,\"times\":1}");
    assert_int_equal(fault.status, 201);
    REPLY limited = send_it(AUTH, body);
    char after[16];
    assert_int_equal(limited.status, 429);
    assert_string_equal(client_header(&limited, "Retry-After", after, sizeof(after)), "7");
    assert_non_null(client_text(limited.json, "detail"));
    REPLY taken = send_it(AUTH, body);
    assert_int_equal(taken.status, 200);
    json_auto_t *events = seen("events");
    assert_int_equal(json_array_size(events), 1);
    client_tell(&sim, "/sim/reset", "");
    json_auto_t *none = seen("events");
    assert_int_equal(json_array_size(none), 0);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, client_set_up, client_tear_down)
    const struct CMUnitTest tests[] = {ROW(an_event_is_kept), ROW(the_dsn_in_the_header_opens_too),
                                       ROW(broken_frames_are_refused), ROW(events_have_rules),
                                       ROW(too_much_is_told_and_a_reset_forgets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
