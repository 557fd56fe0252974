/* door_filter.c -- the strict header filter; see door_priv.h.
 *
 * libmicrohttpd ends each name and value with a zero where its delimiter stood and leaves them in
 * place, so in a clean block each header starts where the one before ended plus CR LF. A bare LF, a
 * folded line, a NUL or a second space breaks that chain; no other trace of them is left.
 * What MHD_OPTION_STRICT_FOR_CLIENT would check is checked here: the refusals that libmicrohttpd
 * 0.9.75 makes once the head is in (so only of a malformed Content-Length) carry their head twice. */
#include "common/door_priv.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define CRLF 2
#define OTHERS_MAX 8

enum field {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONTENT_TYPE,
    COOKIE,
    AUTHORIZATION,
    SLACK_SIGNATURE,
    SLACK_TIMESTAMP,
    HEROKU_HMAC,
    GITHUB_EVENT,
    GITHUB_DELIVERY,
    GITHUB_SIGNATURE,
    GITHUB_HOOK,
    ACCEPT, /* a list: more than one is no lie, and the first will do */
    FIELDS,
};

static const struct {
    const char *name;
    size_t size;
} fields[FIELDS] = {
#define FIELD(text)                                                                                \
    { text, sizeof(text) - 1 }
    [HOST] = FIELD("Host"),
    [CONTENT_LENGTH] = FIELD("Content-Length"),
    [TRANSFER_ENCODING] = FIELD("Transfer-Encoding"),
    [CONTENT_TYPE] = FIELD("Content-Type"),
    [COOKIE] = FIELD("Cookie"),
    [AUTHORIZATION] = FIELD("Authorization"),
    [SLACK_SIGNATURE] = FIELD("X-Slack-Signature"),
    [SLACK_TIMESTAMP] = FIELD("X-Slack-Request-Timestamp"),
    [HEROKU_HMAC] = FIELD("Heroku-Webhook-Hmac-SHA256"),
    [GITHUB_EVENT] = FIELD("X-GitHub-Event"),
    [GITHUB_DELIVERY] = FIELD("X-GitHub-Delivery"),
    [GITHUB_SIGNATURE] = FIELD("X-Hub-Signature-256"),
    [GITHUB_HOOK] = FIELD("X-GitHub-Hook-ID"),
    [ACCEPT] = FIELD("Accept"),
#undef FIELD
};

struct scan {
    const char *next; /* where the next header must start */
    const char *value[FIELDS];
    const char *others[OTHERS_MAX]; /* names of further X-Slack-* headers */
    size_t other_count;
    const char *reason; /* not NULL: refused */
};

static bool is_token(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && (!c || !strchr("-_!#$%&'*+.^`|~", c))) return false;
    }
    return size > 0;
}

/* No control characters; bytes above 0x7f are opaque and allowed. */
static bool is_value(const char *text, size_t size) {
    unsigned bad = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bad |= (unsigned)(c < 0x20 && c != '\t') | (unsigned)(c == 0x7f);
    }
    return !bad;
}

/* A further X-Slack-* header: only that it comes once matters. */
static bool is_new_other(struct scan *s, const char *name) {
    for (size_t i = 0; i < s->other_count; i++) {
        if (!strcasecmp(s->others[i], name)) return false;
    }
    if (s->other_count == OTHERS_MAX) return false;
    s->others[s->other_count++] = name;
    return true;
}

static enum MHD_Result see(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
                           const char *value, size_t value_size) {
    struct scan *s = arg;
    (void)kind;
    if (name != s->next || !value || !is_token(name, name_size) || !is_value(value, value_size)) {
        s->reason = "bad_header";
        return MHD_NO;
    }
    s->next = value + value_size + CRLF;
    int i = 0;
    while (i < FIELDS && (fields[i].size != name_size || strcasecmp(fields[i].name, name) != 0)) {
        i++;
    }
    if (i == TRANSFER_ENCODING) {
        s->reason = "transfer_encoding";
    } else if (i == ACCEPT) {
        if (!s->value[i]) s->value[i] = value;
    } else if (i < FIELDS) {
        if (s->value[i]) s->reason = "doubled_header";
        s->value[i] = value;
    } else if (!strncasecmp(name, "X-Slack-", 8) && !is_new_other(s, name)) {
        s->reason = "doubled_header";
    }
    return s->reason ? MHD_NO : MHD_YES;
}

static bool is_uri(const char *uri, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (uri[i] < 0x21 || uri[i] > 0x7e) return false;
    }
    return size > 0 && uri[0] == '/';
}

static bool has_method(const char *method) {
    return !strcmp(method, "POST") || !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* More than `limit`? libmicrohttpd has let only digits pass. */
static bool is_beyond(const char *digits, size_t limit) {
    uint64_t n = 0;
    for (; *digits; digits++) {
        n = n * 10 + (uint64_t)(*digits - '0');
        if (n > limit) return true;
    }
    return false;
}

static unsigned refuse(unsigned status, const char *reason, const char **ret_reason) {
    *ret_reason = reason;
    return status;
}

unsigned sw__head_check(struct MHD_Connection *connection, const struct sw__request_line *line,
                        size_t body_bytes, struct sw__head *ret, const char **ret_reason) {
    struct scan s = {.next = line->version + strlen(line->version) + CRLF};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!info || info->header_size > SW__HEAD_BYTES) return refuse(431, "header_size", ret_reason);
    if (line->uri_size > SW__URI_BYTES) return refuse(414, "uri_size", ret_reason);
    if (line->method + strlen(line->method) + 1 + line->uri_size + 1 != line->version ||
        !is_uri(line->uri, line->uri_size))
        return refuse(400, "bad_request_line", ret_reason);
    if (strcmp(line->version, "HTTP/1.1") != 0 && strcmp(line->version, "HTTP/1.0") != 0)
        return refuse(505, "version", ret_reason);
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, see, &s);
    if (!s.reason && !s.value[HOST] && !strcmp(line->version, "HTTP/1.1")) s.reason = "no_host";
    if (!s.reason && s.next + CRLF != line->method + info->header_size) s.reason = "bad_header";
    if (s.reason) return refuse(400, s.reason, ret_reason);
    if (!has_method(line->method)) return refuse(405, "method", ret_reason);
    if (s.value[CONTENT_LENGTH] && is_beyond(s.value[CONTENT_LENGTH], body_bytes))
        return refuse(413, "too_large", ret_reason);
    for (int i = 0; i < FIELDS; i++) {
        if (!s.value[i]) s.value[i] = "";
    }
    *ret = (struct sw__head){
        .content_type = s.value[CONTENT_TYPE],
        .cookie = s.value[COOKIE],
        .authorization = s.value[AUTHORIZATION],
        .slack_signature = s.value[SLACK_SIGNATURE],
        .slack_timestamp = s.value[SLACK_TIMESTAMP],
        .heroku_hmac = s.value[HEROKU_HMAC],
        .github_event = s.value[GITHUB_EVENT],
        .github_delivery = s.value[GITHUB_DELIVERY],
        .github_signature = s.value[GITHUB_SIGNATURE],
        .github_hook = s.value[GITHUB_HOOK],
        .accept = s.value[ACCEPT],
    };
    return 0;
}
