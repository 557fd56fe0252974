/* post.c -- see post.h. */
#include "common/post.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t keep(char *data, size_t size, size_t count, void *arg) {
    struct sw_posted *posted = arg;
    size_t have = strlen(posted->body), room = sizeof(posted->body) - 1 - have;
    size_t n = size * count < room ? size * count : room;
    memcpy(posted->body + have, data, n);
    posted->body[have + n] = '\0';
    return size * count;
}

static void conclude(CURL *easy, struct sw_posted *ret) {
    struct curl_header *id;
    curl_off_t took_us = 0;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
    ret->status = (int)status;
    ret->took_us = took_us;
    if (curl_easy_header(easy, "X-Slipway-Id", 0, CURLH_HEADER, -1, &id) == CURLHE_OK)
        snprintf(ret->id, sizeof(ret->id), "%s", id->value);
}

int sw_post(const char *url, const char *const *headers, const char *body, int64_t timeout_ms,
            struct sw_posted *ret, char *error, size_t room) {
    struct curl_slist *list = NULL;
    CURL *easy = curl_easy_init();
    if (!easy) abort();
    memset(ret, 0, sizeof(*ret));
    for (; *headers; headers++)
        list = curl_slist_append(list, *headers);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ret);
    CURLcode result = curl_easy_perform(easy);
    if (result == CURLE_OK)
        conclude(easy, ret);
    else
        snprintf(error, room, "%s: %s", url, curl_easy_strerror(result));
    curl_easy_cleanup(easy);
    curl_slist_free_all(list);
    return result == CURLE_OK ? 0 : -ENOTCONN;
}
