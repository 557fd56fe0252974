/* executor_call.c -- what is asked of Heroku, and what its answers mean; see executor_priv.h. */
#include "actors/executor_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ACCEPT "application/vnd.heroku+json; version=3"
#define DISTANCE_BYTES 64

void sw__set(json_t *object, const char *key, json_t *value) {
    /* Every value is made here of valid UTF-8, so only the want of memory comes here. */
    if (json_object_set_new(object, key, value) < 0) abort();
}

json_int_t sw__count(struct sw__plan *p, const char *key) {
    json_int_t n = sw_int(p->state, key) + 1;
    sw__set(p->state, key, json_integer(n));
    return n;
}

static json_t *__attribute__((format(printf, 5, 0)))
request_to(const char *up, const char *accept, const char *method, const char *fields,
           const char *path, va_list args) {
    json_t *list = json_array(), *o = json_object();
    for (const char *f = fields; *f;) {
        size_t size = strcspn(f, " ");
        json_array_append_new(list, json_stringn(f, size));
        f += size + strspn(f + size, " ");
    }
    sw__set(o, "up", json_string(up));
    sw__set(o, "method", json_string(method));
    sw__set(o, "path", json_vsprintf(path, args));
    sw__set(o, "headers", json_object());
    if (accept) sw__set(json_object_get(o, "headers"), "Accept", json_string(accept));
    sw__set(o, "fields", list);
    sw__set(o, "repeat", json_string("safe"));
    return o;
}

json_t *sw__request(const char *method, const char *fields, const char *path, ...) {
    va_list args;
    va_start(args, path);
    json_t *o = request_to("heroku", ACCEPT, method, fields, path, args);
    va_end(args);
    return o;
}

json_t *sw__request_github(const char *method, const char *fields, const char *path, ...) {
    va_list args;
    va_start(args, path);
    json_t *o = request_to("github", NULL, method, fields, path, args);
    va_end(args);
    return o;
}

const char *sw__word(const struct sw__plan *p, const char *key) {
    return sw_str(json_object_get(p->state, "command"), key);
}

bool sw__forced(const struct sw__plan *p) {
    return json_is_true(json_object_get(json_object_get(p->state, "command"), "forced"));
}

void sw__request_range(json_t *request, const char *range) {
    if (range[0]) sw__set(json_object_get(request, "headers"), "Range", json_string(range));
}

bool sw__id_valid(const char *id) {
    size_t size = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return size > 0 && size <= 64 && id[size] == '\0';
}

/* The call failed without an answer. A write is only known not to have happened when no byte of it
 * was sent. */
static enum sw__said_kind error_kind(const char *error, bool write) {
    if (!write || !strcmp(error, "connect") || !strcmp(error, "refused")) return SW__SAID_AWAY;
    return SW__SAID_UNSURE;
}

static enum sw__said_kind status_kind(const struct sw__said *said, bool write) {
    const char *id = sw_str(said->json, "id");
    if (said->status >= 200 && said->status <= 299) return SW__SAID_OK;
    if (said->status == 429) return SW__SAID_AWAY;
    if (said->status == 408 || said->status >= 500 || said->status < 200)
        return write ? SW__SAID_UNSURE : SW__SAID_AWAY;
    if (!strcmp(id, "two_factor")) return SW__SAID_FACTOR;
    if (said->status == 401 && strcasestr(said->message, "factor")) return SW__SAID_FACTOR;
    return SW__SAID_NO;
}

struct sw__said sw__said_from(const json_t *http, bool write) {
    const json_t *rate = json_object_get(http, "rate_remaining");
    const char *error = sw_str(http, "error");
    json_int_t status = sw_int(http, "status");
    struct sw__said said = {
        .status = status > 0 && status < 1000 ? (int)status : 0,
        .json = json_object_get(http, "json"),
        .next_range = sw_str(http, "next_range"),
        .next_cursor = sw_str(http, "next_cursor"),
        .rate_remaining = json_is_integer(rate) ? json_integer_value(rate) : -1,
    };
    said.message = sw_str(said.json, "message");
    /* A 4xx is definite, however odd its body. */
    bool definite = said.status >= 400 && said.status < 500;
    said.kind = error[0] && !definite ? error_kind(error, write) : status_kind(&said, write);
    return said;
}

int64_t sw__time_parse(const char *text) {
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest) return -1;
    int64_t at_ms = (int64_t)timegm(&tm) * 1000;
    if (*rest == '.') {
        int64_t scale_ms = 100;
        for (rest++; isdigit((unsigned char)*rest); rest++, scale_ms /= 10)
            at_ms += (*rest - '0') * scale_ms;
    }
    int hours = 0, minutes = 0, used = 0;
    if (!strcmp(rest, "Z")) return at_ms;
    if ((*rest != '+' && *rest != '-') ||
        sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) < 2)
        return -1;
    if (used != 5 || rest[6] != '\0') return -1;
    int64_t offset_ms = (hours * 60 + minutes) * 60000LL;
    return *rest == '+' ? at_ms - offset_ms : at_ms + offset_ms;
}

json_t *sw__text(const char *text, size_t room) {
    size_t size = strnlen(text, room + 1);
    if (size > room) {
        size = room;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    json_t *value = json_stringn(text, size);
    return value ? value : json_string("?");
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

unsigned sw__distance(const char *a, const char *b) {
    unsigned rows[3][DISTANCE_BYTES + 1];
    size_t a_size = strnlen(a, DISTANCE_BYTES), b_size = strnlen(b, DISTANCE_BYTES);
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        last[j] = before[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_size];
}
