/* call.h -- HTTP out: libcurl's multi interface on the loop.
 *
 * shapes   a call is taken whole and answered once, by its callback, never from within sw_calls_start
 * units    *_ms milliseconds; sizes are bytes
 * errors   none: what goes wrong is in the result
 * owner    the loop thread; the caller keeps `arg`; the result lives during the callback
 * source   libcurl multi_socket API; libcurl resends by itself on a reused connection that died, unless a body without CURLOPT_SEEKFUNCTION was sent;
 *          GitHub "Rate limits for the REST API"
 * limits   an answer of 8 MiB; a Location of 8 KiB; no redirects; http and https only
 */
#ifndef SW_CALL_H
#define SW_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct _zloop_t;
struct curl_slist;
struct sw_calls;
struct sw_call;

struct sw_call_request {
    const char *method;
    char *url;                  /* taken, wiped */
    struct curl_slist *headers; /* taken, wiped */
    char *body;                 /* taken, wiped; NULL: none */
    size_t body_size;
    int64_t timeout_ms;
    bool once; /* nothing below repeats it: on a connection of its own, or */
    bool
        shared; /* with `once` and a body: on one that others used, and what is lost with it is an error */
};

struct sw_call_result {
    int status; /* 0: no answer */
    bool sent;  /* something of the request may have reached the other side */
    bool timed_out, too_big;
    bool too_fast; /* 429, or GitHub's 403 for the same: nothing was done */
    bool json;     /* by its content type */
    const char *body;
    size_t body_size;
    const char *next_range;  /* "" where absent, as all below */
    const char *next_cursor; /* of a Link to the next page: GitHub's "cursor" */
    const char *rate_limits; /* X-Sentry-Rate-Limits */
    const char *location;    /* NULL where absent or too long; secret */
    int64_t retry_after_ms;  /* -1 where absent; of a 403 too fast perhaps by X-RateLimit-Reset */
    int64_t rate_remaining;  /* -1 where absent */
    int64_t took_ms;
};

typedef void sw_call_fn(void *arg, const struct sw_call_result *result);

/* `turn` is called when answers were handled. */
struct sw_calls *sw_calls_create(struct _zloop_t *loop, void (*turn)(void *arg), void *arg);
void sw_calls_destroy(struct sw_calls *calls);
struct sw_call *sw_calls_start(struct sw_calls *calls, const struct sw_call_request *request,
                               sw_call_fn *fn, void *arg);
/* The callback will not be called. */
void sw_calls_cancel(struct sw_calls *calls, struct sw_call *call);
/* Overwrites text that held a secret and frees it. */
void sw_wipe_free(char *text);
void sw_wipe_headers(struct curl_slist *headers);

#endif
