/* report.c -- groups what is like, and sends one envelope at a time; see report.h.
 *
 * The first of its like is sent at once: its process may not live long. Then it is quiet for the gap, and what came in
 * that time is one event.
 *
 * Nothing here may harm the work: no call waits, the table has a fixed size, and what goes wrong with Sentry is only counted. */
#include "common/report.h"

#include "common/call.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal.h"

#include <curl/curl.h>
#include <sodium.h>
#include <string.h>

#define GROUPS 64
#define COMMANDS 16
#define TRIES 4
#define CALL_MS 5000
#define BACKOFF_MS 1000

struct group {
    json_t *event; /* NULL: free */
    json_t *commands;
    json_int_t count; /* 0: quiet, all of it was sent */
    int64_t last_ms;
    uint64_t number; /* in the order they began */
    int64_t due_at_ms;
    unsigned tries;
};

struct sw_reporter {
    struct _zloop_t *loop;
    const char *actor;
    struct sw_dsn dsn;
    int64_t gap_ms;
    void (*turn)(void *arg);
    void *turn_arg;
    struct sw_calls *calls; /* made for the first event */
    struct sw_call *call;
    struct group group[GROUPS];
    struct group *sending;
    int64_t not_before_at_ms; /* Sentry said so, or did not answer */
    uint64_t begun;
    unsigned waiting; /* groups that are not free */
    bool draining;
};

struct sw_reporter *sw_reporter_create(struct _zloop_t *loop, const char *actor, const char *dsn,
                                       int64_t gap_ms, void (*turn)(void *arg), void *arg) {
    struct sw_dsn parsed;
    if (!dsn) return NULL;
    if (sw_dsn_parse(dsn, &parsed) < 0) {
        sw_log(SW_LOG_ERROR, "SLIPWAY_SENTRY_DSN_FILE holds no DSN: nothing will be reported");
        return NULL;
    }
    struct sw_reporter *reporter = sw_zalloc(sizeof(*reporter));
    reporter->loop = loop;
    reporter->actor = actor;
    reporter->dsn = parsed;
    reporter->gap_ms = gap_ms;
    reporter->turn = turn;
    reporter->turn_arg = arg;
    return reporter;
}

void sw_reporter_aim(struct sw_reporter *reporter, const char *dsn) {
    struct sw_dsn parsed;
    if (!reporter || !dsn) return;
    if (sw_dsn_parse(dsn, &parsed) == 0) {
        reporter->dsn = parsed;
    } else {
        sw_log(SW_LOG_ERROR, "SLIPWAY_SENTRY_DSN_FILE holds no DSN: the one before stays");
    }
}

static void group_free(struct sw_reporter *reporter, struct group *group) {
    if (!group->event) return;
    json_decref(group->event);
    json_decref(group->commands);
    *group = (struct group){0};
    reporter->waiting--;
}

void sw_reporter_destroy(struct sw_reporter *reporter) {
    if (!reporter) return;
    if (reporter->call) sw_calls_cancel(reporter->calls, reporter->call);
    for (unsigned i = 0; i < GROUPS; i++)
        group_free(reporter, &reporter->group[i]);
    sw_calls_destroy(reporter->calls);
    free(reporter);
}

/* ---- grouping ---- */

static void count_in(struct group *group, json_t *event) {
    const char *cmd = sw_str(json_object_get(event, "tags"), "command");
    size_t i;
    const json_t *known;
    if (group->count++ == 0) { /* the first since the last event was sent: a new event */
        json_decref(group->event);
        group->event = json_incref((json_t *)event);
        group->tries = 0;
    }
    group->last_ms = sw_clock_ms(CLOCK_REALTIME);
    if (!cmd[0] || json_array_size(group->commands) >= COMMANDS) return;
    json_array_foreach(group->commands, i, known) {
        if (!strcmp(json_string_value(known), cmd)) return;
    }
    json_array_append_new(group->commands, json_string(cmd));
}

static bool is_like(const struct group *group, const json_t *event) {
    return group && group->event &&
           json_equal(json_object_get(group->event, "fingerprint"),
                      json_object_get(event, "fingerprint"));
}

/* What is being sent is written already. */
static struct group *like(struct sw_reporter *reporter, const json_t *event) {
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *group = &reporter->group[i];
        if (group != reporter->sending && is_like(group, event)) return group;
    }
    return NULL;
}

static struct group *place(struct sw_reporter *reporter) {
    struct group *oldest = NULL;
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *group = &reporter->group[i];
        if (!group->event) return group;
        if (group == reporter->sending) continue;
        if (!oldest || group->number < oldest->number) oldest = group;
    }
    sw_metric_add(SW_M_REPORTS, oldest->count, "dropped");
    group_free(reporter, oldest);
    return oldest;
}

void sw_report(struct sw_reporter *reporter, const struct sw_report *report) {
    if (!reporter) return;
    uint8_t random[16];
    char id[33];
    randombytes_buf(random, sizeof(random));
    sw_hex(random, sizeof(random), id);
    json_t *event = sw_report_event(reporter->actor, report, id, sw_clock_ms(CLOCK_REALTIME));
    struct group *group = like(reporter, event);
    if (group) {
        count_in(group, event);
        json_decref(event);
        return;
    }
    int64_t wait_ms = is_like(reporter->sending, event) ? reporter->gap_ms : 0;
    group = place(reporter);
    *group = (struct group){.event = json_incref(event),
                            .commands = json_array(),
                            .number = reporter->begun++,
                            .due_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + wait_ms};
    reporter->waiting++;
    count_in(group, event);
    json_decref(event);
}

/* ---- sending ---- */

/* The group stays, for a time when Sentry takes it. */
static void keep(struct sw_reporter *reporter, struct group *group, int64_t wait_ms) {
    int64_t at_ms = sw_clock_ms(CLOCK_BOOTTIME) + wait_ms;
    if (at_ms > reporter->not_before_at_ms) reporter->not_before_at_ms = at_ms;
    if (++group->tries < TRIES && !reporter->draining) return;
    sw_metric_add(SW_M_REPORTS, group->count, "failed");
    group_free(reporter, group);
}

static void on_answer(void *arg, const struct sw_call_result *result) {
    struct sw_reporter *reporter = arg;
    struct group *group = sw_take(&reporter->sending);
    reporter->call = NULL;
    int64_t limit_ms = result->status ? sw_report_limit_ms(result->status, result->retry_after_ms,
                                                           result->rate_limits)
                                      : 0;
    if (limit_ms) reporter->not_before_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + limit_ms;
    if (result->status >= 200 && result->status < 300) {
        sw_metric_add(SW_M_REPORTS, group->count, "sent");
        group->count = 0;
        json_array_clear(group->commands);
        group->due_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + reporter->gap_ms;
    } else if (!result->status || result->status == 429 || result->status >= 500) {
        sw_log(SW_LOG_WARN, "sentry did not take a report", SW_I("status", result->status),
               SW_I("limit_ms", limit_ms));
        keep(reporter, group, limit_ms ? 0 : (int64_t)BACKOFF_MS << group->tries);
    } else {
        sw_log(SW_LOG_WARN, "sentry refused a report", SW_I("status", result->status));
        sw_metric_add(SW_M_REPORTS, group->count, "refused");
        group_free(reporter, group);
    }
}

/* Quiet groups whose gap is over are forgotten. */
static void sweep(struct sw_reporter *reporter, int64_t now_at_ms) {
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *group = &reporter->group[i];
        if (group->event && group->count == 0 &&
            (group->due_at_ms <= now_at_ms || reporter->draining))
            group_free(reporter, group);
    }
}

static void finish_event(struct group *group) {
    json_object_set_new(group->event, "extra",
                        json_pack("{s:I, s:I, s:O}", "count", group->count, "last_ms",
                                  (json_int_t)group->last_ms, "commands", group->commands));
}

static void start(struct sw_reporter *reporter, struct group *group) {
    SW_AUTO(sw_text)
    char *auth =
        sw_printf("X-Sentry-Auth: Sentry sentry_version=7, sentry_client=slipway/" SW_VERSION
                  ", sentry_key=%s",
                  reporter->dsn.key);
    struct sw_call_request request = {
        .method = "POST", .url = sw_strdup(reporter->dsn.url), .timeout_ms = CALL_MS};
    finish_event(group);
    request.body =
        sw_report_envelope(group->event, sw_clock_ms(CLOCK_REALTIME), &request.body_size);
    request.headers = curl_slist_append(NULL, auth);
    request.headers =
        curl_slist_append(request.headers, "Content-Type: application/x-sentry-envelope");
    request.headers = curl_slist_append(request.headers, "Expect:");
    if (!reporter->calls)
        reporter->calls = sw_calls_create(reporter->loop, reporter->turn, reporter->turn_arg);
    reporter->sending = group;
    reporter->call = sw_calls_start(reporter->calls, &request, on_answer, reporter);
}

void sw_reporter_tick(struct sw_reporter *reporter, int64_t now_at_ms) {
    struct group *first = NULL;
    if (!reporter || !reporter->waiting || reporter->call) return;
    sweep(reporter, now_at_ms);
    if (now_at_ms < reporter->not_before_at_ms) return;
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *group = &reporter->group[i];
        if (!group->event || group->count == 0) continue;
        if (group->due_at_ms > now_at_ms && !reporter->draining) continue;
        if (!first || group->due_at_ms < first->due_at_ms) first = group;
    }
    if (first) start(reporter, first);
}

bool sw_reporter_drained(struct sw_reporter *reporter) {
    if (!reporter || !reporter->waiting) return true;
    reporter->draining = true;
    if (!reporter->call) sweep(reporter, sw_clock_ms(CLOCK_BOOTTIME));
    if (!reporter->waiting) return true;
    return !reporter->call && sw_clock_ms(CLOCK_BOOTTIME) < reporter->not_before_at_ms;
}
