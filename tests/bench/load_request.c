/* load_request.c -- a slash command as Slack sends it: a form, signed (v0); and sorted samples. See load.h. */
#include "load.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t load_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sign(const char *secret, const char *stamp, const char *body, char hex[65]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)"v0:", 3);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)":", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, 65, mac, sizeof(mac));
}

/* A ':' of the origin is escaped; '/' may stand in a form as it is. */
static void form_origin(char *into, size_t room, const char *origin) {
    size_t n = 0;
    for (; *origin && n + 4 < room; origin++)
        n += (size_t)snprintf(into + n, room - n, *origin == ':' ? "%%3A" : "%c", *origin);
    into[n] = 0;
}

size_t load_request(const struct load *load, const struct run *run, uint64_t number, char *into,
                    size_t room) {
    char body[2048], origin[128], own[64], hex[65], stamp[24], secret_part[25];
    const char *team = run->team[number % run->teams];
    snprintf(own, sizeof(own), "http://127.0.0.1:%u", load->port);
    form_origin(origin, sizeof(origin), run->sim[0] ? run->sim : own);
    randombytes_buf(hex, 12);
    sodium_bin2hex(secret_part, sizeof(secret_part), (const unsigned char *)hex, 12);
    snprintf(stamp, sizeof(stamp), "%" PRId64, (int64_t)time(NULL));
    snprintf(body, sizeof(body),
             "token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=%s&team_domain=example-engineering"
             "&channel_id=C0DEPLOY&channel_name=deploys&user_id=U0ADA&user_name=ada&command=%%2Fh"
             "&text=%s&api_app_id=A0123456789&is_enterprise_install=false"
             "&response_url=%s/commands/%s/%" PRIu64 "/%s&trigger_id=%s.%u.%" PRIu64,
             team, run->text, origin, team, number, secret_part, stamp, load->port, number);
    sign(load->secret, stamp, body, hex);
    int n = snprintf(into, room,
                     "POST /slack/commands HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n"
                     "Accept: application/json,*/*\r\nX-Slack-Signature: v0=%s\r\n"
                     "X-Slack-Request-Timestamp: %s\r\n"
                     "Content-Type: application/x-www-form-urlencoded\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     hex, stamp, strlen(body), body);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

void samples_add(struct samples *samples, int64_t ns) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 4096;
        samples->us = realloc(samples->us, samples->room * sizeof(*samples->us));
        if (!samples->us) abort();
    }
    samples->us[samples->count++] = (uint32_t)(ns / 1000);
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t samples_at(struct samples *samples, double quantile) {
    if (samples->count == 0) return 0;
    qsort(samples->us, samples->count, sizeof(*samples->us), by_size);
    size_t at = (size_t)(quantile * (double)samples->count);
    return samples->us[at < samples->count ? at : samples->count - 1];
}
