/* call.c -- libcurl on zloop; see call.h. */
#include "common/call.h"

#include "common/mem.h"

#include <curl/curl.h>
#include <czmq.h>
#include <sodium.h>

#define ANSWER_BYTES (8u * 1024 * 1024)
#define HEADER_CHARS 512
#define CURSOR_CHARS 128
#define CURSOR_SET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"
#define LOCATION_BYTES 8192
#define RESET_MAX_S 86400
#define IDLE_HANDLES 64
#define IDLE_S 20L /* less than what servers and what lies between wait before they hang up */

struct sw_call {
    struct sw_calls *calls;
    CURL *easy;
    sw_call_fn *fn;
    void *arg;
    char *url, *body;
    size_t body_size, body_sent;
    struct curl_slist *headers;
    char *answer;
    size_t size, room;
    bool too_big;
    char next_range[HEADER_CHARS], rate_limits[HEADER_CHARS], next_cursor[CURSOR_CHARS];
    char *location;
    int64_t retry_after_ms, rate_remaining;
    int64_t github_remaining, github_reset_s; /* -1 where absent */
};

struct sw_calls {
    zloop_t *loop;
    void (*turn)(void *arg);
    void *turn_arg;
    CURLM *multi;
    int timer;
    zlistx_t *idle; /* CURL handles to use again */
};

void sw_wipe_free(char *text) {
    if (text) sodium_memzero(text, strlen(text));
    free(text);
}

void sw_wipe_headers(struct curl_slist *headers) {
    for (struct curl_slist *h = headers; h; h = h->next)
        sodium_memzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

static void call_destroy(struct sw_call *call) {
    if (call->easy) curl_easy_cleanup(call->easy);
    sw_wipe_free(call->url);
    sw_wipe_free(call->body);
    sw_wipe_headers(call->headers);
    sw_wipe_free(call->location);
    if (call->answer) sodium_memzero(call->answer, call->size);
    free(call->answer);
    free(call);
}

/* GitHub says "too fast" with a 403 too, and when its counter starts anew in seconds since 1970. */
static void judge_speed(const struct sw_call *call, struct sw_call_result *result) {
    bool empty = call->github_remaining == 0;
    bool told = call->retry_after_ms >= 0 || empty;
    result->too_fast = result->status == 429 || (result->status == 403 && told);
    if (!result->too_fast || !empty || call->retry_after_ms >= 0 || call->github_reset_s < 0)
        return;
    int64_t wait_s = call->github_reset_s - (int64_t)time(NULL);
    if (wait_s > RESET_MAX_S) return;
    result->retry_after_ms = wait_s > 0 ? wait_s * 1000 : 0;
}

static void finish(struct sw_calls *calls, CURL *easy, CURLcode code) {
    struct sw_call *call;
    char *type = NULL;
    long status = 0, request_size = 0;
    curl_off_t took_us = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    struct sw_call_result result = {
        .status = code == CURLE_OK ? (int)status : 0,
        .sent = code == CURLE_OK || request_size > 0,
        .timed_out = code == CURLE_OPERATION_TIMEDOUT,
        .too_big = call->too_big,
        .json = type && strstr(type, "json"),
        .body = call->answer ? call->answer : "",
        .body_size = call->size,
        .next_range = call->next_range,
        .next_cursor = call->next_cursor,
        .location = call->location,
        .rate_limits = call->rate_limits,
        .retry_after_ms = call->retry_after_ms,
        .rate_remaining = call->rate_remaining,
        .took_ms = took_us / 1000,
    };
    judge_speed(call, &result);
    curl_multi_remove_handle(calls->multi, easy);
    call->fn(call->arg, &result);
    if (zlistx_size(calls->idle) < IDLE_HANDLES) {
        curl_easy_reset(easy);
        zlistx_add_end(calls->idle, easy);
        call->easy = NULL;
    }
    call_destroy(call);
}

static void reap(struct sw_calls *calls) {
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(calls->multi, &left))) {
        if (msg->msg == CURLMSG_DONE) finish(calls, msg->easy_handle, msg->data.result);
    }
    calls->turn(calls->turn_arg);
}

static int on_fd(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_calls *calls = arg;
    int running, flags = 0;
    (void)loop;
    if (item->revents & ZMQ_POLLIN) flags |= CURL_CSELECT_IN;
    if (item->revents & ZMQ_POLLOUT) flags |= CURL_CSELECT_OUT;
    if (item->revents & ZMQ_POLLERR) flags |= CURL_CSELECT_ERR;
    curl_multi_socket_action(calls->multi, item->fd, flags, &running);
    reap(calls);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    struct sw_calls *calls = arg;
    short events = what == CURL_POLL_IN      ? ZMQ_POLLIN
                   : what == CURL_POLL_OUT   ? ZMQ_POLLOUT
                   : what == CURL_POLL_INOUT ? ZMQ_POLLIN | ZMQ_POLLOUT
                                             : 0;
    zmq_pollitem_t item = {NULL, fd, events, 0};
    (void)easy;
    (void)socket_arg;
    zloop_poller_end(calls->loop, &item);
    if (events) zloop_poller(calls->loop, &item, on_fd, calls);
    return 0;
}

static int on_timeout(zloop_t *loop, int timer, void *arg) {
    struct sw_calls *calls = arg;
    int running;
    (void)loop;
    if (calls->timer == timer) calls->timer = -1;
    curl_multi_socket_action(calls->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(calls);
    return 0;
}

static int on_timer(CURLM *multi, long delay_ms, void *arg) {
    struct sw_calls *calls = arg;
    (void)multi;
    if (calls->timer >= 0) zloop_timer_end(calls->loop, calls->timer);
    calls->timer =
        delay_ms < 0 ? -1 : zloop_timer(calls->loop, (size_t)delay_ms, 1, on_timeout, calls);
    return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
    struct sw_call *call = arg;
    size_t more = size * n;
    if (call->size + more > ANSWER_BYTES) {
        call->too_big = true;
        return 0;
    }
    if (call->size + more + 1 > call->room) {
        size_t room = (call->size + more + 1) * 2;
        char *bigger = sw_malloc(room);
        /* realloc could leave a copy of a token behind. */
        if (call->size) {
            memcpy(bigger, call->answer, call->size);
            sodium_memzero(call->answer, call->size);
        }
        free(call->answer);
        call->answer = bigger;
        call->room = room;
    }
    memcpy(call->answer + call->size, data, more);
    call->size += more;
    call->answer[call->size] = 0;
    return more;
}

static size_t on_send(char *into, size_t size, size_t n, void *arg) {
    struct sw_call *call = arg;
    size_t left = call->body_size - call->body_sent;
    size_t part = left < size * n ? left : size * n;
    memcpy(into, call->body + call->body_sent, part);
    call->body_sent += part;
    return part;
}

/* On a connection that dies after the request was sent on it, and before, libcurl sends the request again by itself, unless it
 * would have to rewind a body that it cannot rewind. Nothing of the body sent means nothing done. */
static void send_once(struct sw_call *call) {
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)call->body_size);
    curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_MAXAGE_CONN, IDLE_S);
}

/* The value of the header `name`, of *ret_size bytes, or NULL where the line is another. */
static const char *value_of(const char *line, size_t size, const char *name, size_t *ret_size) {
    size_t n = strlen(name);
    if (size <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') return NULL;
    const char *from = line + n + 1, *to = line + size;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == '\r' || to[-1] == '\n' || to[-1] == ' '))
        to--;
    *ret_size = (size_t)(to - from);
    return from;
}

static bool header_is(const char *line, size_t size, const char *name, char value[HEADER_CHARS]) {
    size_t n;
    const char *from = value_of(line, size, name, &n);
    if (!from || n >= HEADER_CHARS) return false;
    memcpy(value, from, n);
    value[n] = 0;
    return true;
}

static bool take_location(struct sw_call *call, const char *line, size_t size) {
    size_t n;
    const char *from = value_of(line, size, "Location", &n);
    if (!from) return false;
    sw_wipe_free(call->location);
    call->location = n && n <= LOCATION_BYTES ? sw_strndup(from, n) : NULL;
    return true;
}

/* Link: <https://api.github.com/...?per_page=100&cursor=v1_42>; rel="next", <...>; rel="prev" (RFC 8288). */
static bool take_cursor(struct sw_call *call, const char *line, size_t size) {
    size_t n;
    const char *from = value_of(line, size, "Link", &n);
    if (!from) return false;
    SW_AUTO(sw_text) char *links = sw_strndup(from, n);
    for (char *rest = links, *link; (link = strsep(&rest, ","));) {
        if (!strstr(link, "rel=\"next\"")) continue;
        const char *at = strpbrk(link, "?");
        at = at ? strstr(at, "cursor=") : NULL;
        if (!at || (at[-1] != '?' && at[-1] != '&')) continue;
        at += strlen("cursor=");
        size_t length = strspn(at, CURSOR_SET);
        bool whole = at[length] == '&' || at[length] == '>';
        if (whole && length < CURSOR_CHARS)
            snprintf(call->next_cursor, sizeof(call->next_cursor), "%.*s", (int)length, at);
    }
    return true;
}

static int64_t number_or(const char *text, int64_t otherwise) {
    char *end;
    long long n = strtoll(text, &end, 10);
    return end == text || *end || n < 0 ? otherwise : n;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg) {
    struct sw_call *call = arg;
    char value[HEADER_CHARS];
    if (take_location(call, line, size * n) || take_cursor(call, line, size * n)) return size * n;
    if (header_is(line, size * n, "Next-Range", value)) {
        snprintf(call->next_range, sizeof(call->next_range), "%s", value);
    } else if (header_is(line, size * n, "X-Sentry-Rate-Limits", value)) {
        snprintf(call->rate_limits, sizeof(call->rate_limits), "%s", value);
    } else if (header_is(line, size * n, "Retry-After", value)) {
        int64_t seconds = number_or(value, -1);
        call->retry_after_ms = seconds < 0 || seconds > 86400 ? -1 : seconds * 1000;
    } else if (header_is(line, size * n, "RateLimit-Remaining", value)) {
        call->rate_remaining = number_or(value, -1);
    } else if (header_is(line, size * n, "X-RateLimit-Remaining", value)) {
        call->github_remaining = call->rate_remaining = number_or(value, -1);
    } else if (header_is(line, size * n, "X-RateLimit-Reset", value)) {
        call->github_reset_s = number_or(value, -1);
    }
    return size * n;
}

struct sw_calls *sw_calls_create(zloop_t *loop, void (*turn)(void *arg), void *arg) {
    struct sw_calls *calls = sw_zalloc(sizeof(*calls));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    calls->loop = loop;
    calls->turn = turn;
    calls->turn_arg = arg;
    calls->timer = -1;
    calls->idle = zlistx_new();
    calls->multi = curl_multi_init();
    if (!calls->multi) abort();
    curl_multi_setopt(calls->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(calls->multi, CURLMOPT_SOCKETDATA, calls);
    curl_multi_setopt(calls->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(calls->multi, CURLMOPT_TIMERDATA, calls);
    return calls;
}

void sw_calls_destroy(struct sw_calls *calls) {
    if (!calls) return;
    CURL *easy;
    while ((easy = zlistx_first(calls->idle))) {
        zlistx_detach(calls->idle, zlistx_cursor(calls->idle));
        curl_easy_cleanup(easy);
    }
    zlistx_destroy(&calls->idle);
    curl_multi_cleanup(calls->multi);
    free(calls);
}

static CURL *handle(struct sw_calls *calls) {
    CURL *easy = zlistx_first(calls->idle);
    if (easy) {
        zlistx_detach(calls->idle, zlistx_cursor(calls->idle));
        return easy;
    }
    easy = curl_easy_init();
    if (!easy) abort();
    return easy;
}

struct sw_call *sw_calls_start(struct sw_calls *calls, const struct sw_call_request *request,
                               sw_call_fn *fn, void *arg) {
    struct sw_call *call = sw_zalloc(sizeof(*call));
    CURL *easy = handle(calls);
    const bool shared = request->once && request->shared && request->body_size > 0;
    *call = (struct sw_call){.calls = calls,
                             .easy = easy,
                             .fn = fn,
                             .arg = arg,
                             .url = request->url,
                             .body = request->body,
                             .body_size = request->body_size,
                             .headers = request->headers,
                             .retry_after_ms = -1,
                             .rate_remaining = -1,
                             .github_remaining = -1,
                             .github_reset_s = -1};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "slipway/" SW_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    if (shared) {
        send_once(call);
    } else if (call->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->body_size);
    }
    if (strcmp(request->method, "GET") != 0 &&
        (strcmp(request->method, "POST") != 0 || !call->body))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->once && !shared) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    curl_multi_add_handle(calls->multi, easy);
    return call;
}

void sw_calls_cancel(struct sw_calls *calls, struct sw_call *call) {
    curl_multi_remove_handle(calls->multi, call->easy);
    call_destroy(call);
}
