/* util.c -- memory, time and ids; see util.h. */
#include "util.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *sim_alloc(size_t bytes) {
    void *p = calloc(1, bytes != 0 ? bytes : 1);
    if (p == NULL) abort();
    return p;
}

void *sim_realloc(void *p, size_t bytes) {
    void *q = realloc(p, bytes);
    if (q == NULL) abort();
    return q;
}

char *sim_strdup(const char *text) {
    return text == NULL ? NULL : sim_strndup(text, strlen(text));
}

char *sim_strndup(const char *text, size_t len) {
    char *copy = sim_realloc(NULL, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *sim_fmt(const char *fmt, ...) {
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) abort();
    return text;
}

void sim_free_text(char **text) {
    free(*text);
    *text = NULL;
}

void sim_buf_add(struct sim_buf *buf, const void *data, size_t len) {
    if (buf->len + len + 1 > buf->size) {
        size_t size = buf->size != 0 ? buf->size : 256;
        while (size < buf->len + len + 1) {
            size *= 2;
        }
        buf->data = sim_realloc(buf->data, size);
        buf->size = size;
    }
    if (len != 0) memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void sim_buf_printf(struct sim_buf *buf, const char *fmt, ...) {
    SIM_FREE char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) abort();
    sim_buf_add(buf, text, (size_t)n);
}

void sim_buf_free(struct sim_buf *buf) {
    free(buf->data);
    *buf = (struct sim_buf){0};
}

static int64_t clock_ms(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t sim_now_ms(void) {
    return clock_ms(CLOCK_REALTIME);
}

int64_t sim_mono_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

void sim_time_iso(int64_t ms, char ret[32]) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void sim_random_text(char *ret, size_t chars) {
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < chars; i++) {
        ret[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
    }
    ret[chars] = '\0';
}

void sim_random_hex(char *ret, size_t chars) {
    for (size_t i = 0; i < chars; i++) {
        ret[i] = "0123456789abcdef"[randombytes_uniform(16)];
    }
    ret[chars] = '\0';
}

static void uuid_format(unsigned char raw[16], char ret[37]) {
    raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
    raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
    char *out = ret;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        snprintf(out, 3, "%02x", raw[i]);
        out += 2;
    }
}

void sim_uuid_random(char ret[37]) {
    unsigned char raw[16];
    randombytes_buf(raw, sizeof(raw));
    uuid_format(raw, ret);
}

static void seeded_bytes(const char *seed, const char *label, unsigned char *ret, size_t bytes) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, bytes);
    crypto_generichash_update(&state, (const unsigned char *)seed, strlen(seed) + 1);
    crypto_generichash_update(&state, (const unsigned char *)label, strlen(label));
    crypto_generichash_final(&state, ret, bytes);
}

void sim_uuid_seeded(const char *seed, const char *label, char ret[37]) {
    unsigned char raw[16];
    seeded_bytes(seed, label, raw, sizeof(raw));
    uuid_format(raw, ret);
}

void sim_hex_seeded(const char *seed, const char *label, char *ret, size_t chars) {
    unsigned char raw[64];
    seeded_bytes(seed, label, raw, sizeof(raw));
    for (size_t i = 0; i < chars; i++) {
        ret[i] = "0123456789abcdef"[(raw[(i / 2) % sizeof(raw)] >> (i % 2 * 4)) & 15];
    }
    ret[chars] = '\0';
}

const char *sim_json_text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

const char *sim_json_text2(const json_t *object, const char *key, const char *key2) {
    return sim_json_text(json_object_get(object, key), key2);
}

int64_t sim_json_int(const json_t *object, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static char network[32]; /* "10.77." */

void sim_local_network(const char *address) {
    const char *dot = strchr(address, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
    if (second == NULL) return;
    snprintf(network, sizeof(network), "%.*s", (int)(second + 1 - address), address);
}

bool sim_is_local(const char *host) {
    static const char *const names[] = {"127.0.0.1", "localhost"};
    if (network[0] != '\0' && strncmp(host, network, strlen(network)) == 0) return true;
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(host, names[i], len) == 0 && strchr(":/", host[len]) != NULL) return true;
    }
    return false;
}
