/* probe.c -- see probe.h. */
#include "common/probe.h"

#include "common/clock.h"
#include "common/mem.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The head was enough. */
static size_t refuse(char *data, size_t size, size_t count, void *arg) {
    (void)data;
    (void)size;
    (void)count;
    (void)arg;
    return 0;
}

static CURL *create(struct sw_probe *probe, int64_t timeout_ms) {
    const bool tcp = !strncmp(probe->url, "tcp://", 6);
    SW_AUTO(sw_text) char *url = sw_printf("%s%s", tcp ? "http" : "", probe->url + (tcp ? 3 : 0));
    CURL *easy = curl_easy_init();
    if (!easy) abort();
    probe->error[0] = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, tcp ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, refuse);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "slipway-doctor");
    /* The others go through a proxy where the environment names one, as the actors' calls do. */
    if (tcp) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return easy;
}

static void conclude(CURL *easy, CURLcode result) {
    struct sw_probe *probe;
    struct curl_header *date;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    probe->status = (int)status;
    /* What came after the head, or did not, says nothing. */
    if (result != CURLE_OK && status == 0)
        snprintf(probe->error, sizeof(probe->error), "%s", curl_easy_strerror(result));
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK) return;
    time_t there = curl_getdate(date->value, NULL);
    probe->dated = there > 0;
    probe->skew_ms = sw_clock_ms(CLOCK_REALTIME) - (int64_t)there * 1000;
}

void sw_probe(struct sw_probe *probe, size_t count, int64_t timeout_ms) {
    CURL *easy[SW_PROBES];
    CURLM *multi = curl_multi_init();
    int running = 1, left;
    if (!multi) abort();
    if (count > SW_PROBES) count = SW_PROBES;
    for (size_t i = 0; i < count; i++) {
        easy[i] = create(&probe[i], timeout_ms);
        curl_multi_add_handle(multi, easy[i]);
    }
    while (running && curl_multi_perform(multi, &running) == CURLM_OK) {
        if (running && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) break;
    }
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        if (m->msg == CURLMSG_DONE) conclude(m->easy_handle, m->data.result);
    }
    for (size_t i = 0; i < count; i++) {
        curl_multi_remove_handle(multi, easy[i]);
        curl_easy_cleanup(easy[i]);
    }
    curl_multi_cleanup(multi);
}
