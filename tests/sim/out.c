/* out.c -- a curl multi handle on the loop's own thread; see out.h. */
#include "out.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES (1024 * 1024)
#define HOOK_WAITS_MS 10000

struct call {
    struct call *prev, *next;
    CURL *curl;
    struct curl_slist *headers;
    struct sim_buf body;
    sim_out_fn *fn;
    void *arg;
};

struct sim_out {
    CURLM *multi;
    struct call *calls;
};

struct sim_out *sim_out_create(void) {
    struct sim_out *out = sim_alloc(sizeof(*out));
    out->multi = curl_multi_init();
    if (out->multi == NULL) abort();
    return out;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg) {
    struct call *call = arg;
    if (call->body.len + size * n > ANSWER_MAX_BYTES) return 0;
    sim_buf_add(&call->body, data, size * n);
    return size * n;
}

static void call_setup(struct call *call, const struct sim_out_req *req) {
    CURL *curl = call->curl;
    for (size_t i = 0; req->headers != NULL && req->headers[i] != NULL; i++) {
        call->headers = curl_slist_append(call->headers, req->headers[i]);
    }
    call->headers = curl_slist_append(call->headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, req->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, req->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* Only this machine is asked, and its certificate is nobody's. */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
    if (strcmp(req->method, "GET") != 0) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, req->method);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, req->body != NULL ? req->body : "");
    }
}

void sim_out_start(struct sim *sim, const struct sim_out_req *req, sim_out_fn *fn, void *arg) {
    struct call *call = sim_alloc(sizeof(*call));
    call->fn = fn;
    call->arg = arg;
    call->curl = curl_easy_init();
    if (call->curl == NULL) abort();
    call_setup(call, req);
    call->next = sim->out->calls;
    if (call->next != NULL) call->next->prev = call;
    sim->out->calls = call;
    if (curl_multi_add_handle(sim->out->multi, call->curl) != CURLM_OK) abort();
}

void sim_out_hook(struct sim *sim, const char *url, const char *const *headers, const char *body,
                  sim_out_fn *fn, void *arg) {
    struct sim_out_req out = {.method = "POST",
                              .url = url,
                              .headers = headers,
                              .body = body,
                              .body_len = strlen(body),
                              .timeout_ms = HOOK_WAITS_MS};
    const char *host = strstr(url, "://");
    if (host != NULL && sim_is_local(host + 3)) {
        sim_out_start(sim, &out, fn, arg);
    } else {
        fn(sim, arg, &(struct sim_out_answer){.body = ""});
    }
}

static void call_end(struct sim *sim, struct call *call, CURLcode code, bool ended) {
    struct sim_out *out = sim->out;
    struct sim_out_answer answer = {.body = call->body.data != NULL ? call->body.data : "",
                                    .body_len = call->body.len,
                                    .timed_out = code == CURLE_OPERATION_TIMEDOUT};
    if (ended && code == CURLE_OK) {
        double seconds = 0;
        curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &answer.status);
        curl_easy_getinfo(call->curl, CURLINFO_CONTENT_TYPE, &answer.type);
        curl_easy_getinfo(call->curl, CURLINFO_TOTAL_TIME, &seconds);
        answer.ms = seconds * 1000;
    }
    if (call->prev != NULL) call->prev->next = call->next;
    if (call->next != NULL) call->next->prev = call->prev;
    if (out->calls == call) out->calls = call->next;
    curl_multi_remove_handle(out->multi, call->curl);
    call->fn(sim, call->arg, &answer);
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    sim_buf_free(&call->body);
    free(call);
}

void sim_out_run(struct sim *sim, int fd, int signal_fd, int64_t wait_ms) {
    struct sim_out *out = sim->out;
    if (out->calls != NULL) {
        int running = 0, left = 0;
        curl_multi_perform(out->multi, &running);
        for (CURLMsg *m; (m = curl_multi_info_read(out->multi, &left)) != NULL;) {
            if (m->msg != CURLMSG_DONE) continue;
            char *call = NULL;
            CURLcode code = m->data.result;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
            call_end(sim, (struct call *)(void *)call, code, true);
            wait_ms = 0; /* what the callback changed may be ready to run */
        }
    }
    struct curl_waitfd fds[] = {{.fd = fd, .events = CURL_WAIT_POLLIN},
                                {.fd = signal_fd, .events = CURL_WAIT_POLLIN}};
    curl_multi_poll(out->multi, fds, SIM_ARRAY_LEN(fds), (int)wait_ms, NULL);
}

void sim_out_destroy(struct sim *sim, struct sim_out *out) {
    if (out == NULL) return;
    while (out->calls != NULL) {
        call_end(sim, out->calls, CURLE_OK, false);
    }
    curl_multi_cleanup(out->multi);
    free(out);
}
