/* otlp.c -- keeps spans and sends them, a batch at a time; see otlp.h.
 *
 * Nothing here may harm the work: no call waits, the queue has a fixed size, and what goes wrong with the collector is only
 * counted. */
#include "common/otlp.h"

#include "common/call.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"

#include <curl/curl.h>
#include <string.h>

#define QUEUE 2048
#define BATCH 128
#define WAIT_MS 1000
#define TRIES 5
#define CALL_MS 5000
#define BACKOFF_MS 500
#define LOG_MS 60000

struct sw_otlp {
    struct _zloop_t *loop;
    char *url;
    const char *role, *instance;
    void (*turn)(void *arg);
    void *turn_arg;
    struct sw_calls *calls; /* made for the first batch */
    struct sw_call *call;
    struct sw_span queue[QUEUE]; /* a ring */
    size_t first, count;
    struct sw_span batch[BATCH]; /* being sent */
    size_t batched;
    unsigned tries;
    int64_t due_at_ms;        /* of what waits in the queue */
    int64_t not_before_at_ms; /* the collector said so, or did not answer */
    int64_t logged_at_ms;
    bool told; /* the time before which not is the collector's */
    bool draining;
};

struct sw_otlp *sw_otlp_create(struct _zloop_t *loop, const char *url, const char *role,
                               const char *instance, void (*turn)(void *arg), void *arg) {
    if (!url[0]) return NULL;
    struct sw_otlp *otlp = sw_zalloc(sizeof(*otlp));
    otlp->loop = loop;
    otlp->url = sw_strdup(url);
    otlp->role = role;
    otlp->instance = instance;
    otlp->turn = turn;
    otlp->turn_arg = arg;
    return otlp;
}

void sw_otlp_destroy(struct sw_otlp *otlp) {
    if (!otlp) return;
    if (otlp->call) sw_calls_cancel(otlp->calls, otlp->call);
    sw_calls_destroy(otlp->calls);
    free(otlp->url);
    free(otlp);
}

void sw_otlp_add(struct sw_otlp *otlp, const struct sw_span *span) {
    if (!otlp) return;
    if (otlp->count == QUEUE) {
        otlp->first = (otlp->first + 1) % QUEUE;
        otlp->count--;
        sw_metric_add(SW_M_SPANS, 1, "dropped");
    }
    if (otlp->count == 0) otlp->due_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + WAIT_MS;
    struct sw_span *place = &otlp->queue[(otlp->first + otlp->count++) % QUEUE];
    *place = *span;
    if (!place->end_ns) sw_span_end(place);
}

/* One line a minute: a collector that is away is no reason to fill the log. */
static void log_refused(struct sw_otlp *otlp, int status) {
    int64_t now_at_ms = sw_clock_ms(CLOCK_BOOTTIME);
    if (otlp->logged_at_ms && now_at_ms - otlp->logged_at_ms < LOG_MS) return;
    otlp->logged_at_ms = now_at_ms;
    sw_log(SW_LOG_WARN, "the collector did not take spans", SW_I("status", status));
}

static void end_batch(struct sw_otlp *otlp, const char *outcome) {
    if (otlp->batched) sw_metric_add(SW_M_SPANS, (int64_t)otlp->batched, outcome);
    otlp->batched = otlp->tries = 0;
}

/* The batch stays, for a time when the collector takes it. */
static void keep(struct sw_otlp *otlp, int64_t wait_ms) {
    otlp->told = wait_ms >= 0;
    if (!otlp->told) wait_ms = (int64_t)BACKOFF_MS << otlp->tries;
    otlp->not_before_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + wait_ms;
    if (++otlp->tries >= TRIES || otlp->draining) end_batch(otlp, "failed");
}

static void on_answer(void *arg, const struct sw_call_result *result) {
    struct sw_otlp *otlp = arg;
    int status = result->status;
    otlp->call = NULL;
    if (status >= 200 && status < 300) {
        int64_t rejected = sw_otlp_rejected(result->body, result->body_size);
        if (rejected > (int64_t)otlp->batched) rejected = (int64_t)otlp->batched;
        if (rejected) sw_metric_add(SW_M_SPANS, rejected, "refused");
        otlp->batched -= (size_t)rejected;
        end_batch(otlp, "sent");
        return;
    }
    log_refused(otlp, status);
    if (!status || status == 429 || status == 502 || status == 503 || status == 504) {
        keep(otlp, result->retry_after_ms);
    } else {
        end_batch(otlp, "refused");
    }
}

static void fill_batch(struct sw_otlp *otlp) {
    while (otlp->count > 0 && otlp->batched < BATCH) {
        otlp->batch[otlp->batched++] = otlp->queue[otlp->first];
        otlp->first = (otlp->first + 1) % QUEUE;
        otlp->count--;
    }
    otlp->due_at_ms = sw_clock_ms(CLOCK_BOOTTIME) + WAIT_MS;
}

static void start(struct sw_otlp *otlp) {
    SW_AUTO(sw_json)
    json_t *json = sw_otlp_request(otlp->role, otlp->instance, otlp->batch, otlp->batched);
    struct sw_call_request request = {
        .method = "POST", .url = sw_strdup(otlp->url), .timeout_ms = CALL_MS};
    request.body = json_dumps(json, JSON_COMPACT);
    request.body_size = strlen(request.body);
    request.headers = curl_slist_append(NULL, "Content-Type: application/json");
    request.headers = curl_slist_append(request.headers, "Expect:");
    if (!otlp->calls) otlp->calls = sw_calls_create(otlp->loop, otlp->turn, otlp->turn_arg);
    otlp->call = sw_calls_start(otlp->calls, &request, on_answer, otlp);
}

void sw_otlp_tick(struct sw_otlp *otlp, int64_t now_at_ms) {
    if (!otlp || otlp->call || now_at_ms < otlp->not_before_at_ms) return;
    if (!otlp->batched && otlp->count > 0 &&
        (otlp->count >= BATCH || now_at_ms >= otlp->due_at_ms || otlp->draining))
        fill_batch(otlp);
    if (otlp->batched) start(otlp);
}

bool sw_otlp_drained(struct sw_otlp *otlp) {
    if (!otlp) return true;
    /* Once more, however long it was to wait: there is no later. */
    if (!otlp->draining && !otlp->told) otlp->not_before_at_ms = 0;
    otlp->draining = true;
    if (!otlp->batched && !otlp->count) return true;
    return !otlp->call && sw_clock_ms(CLOCK_BOOTTIME) < otlp->not_before_at_ms;
}
