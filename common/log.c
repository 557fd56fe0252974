/* log.c -- one line, built in a buffer of its own and written at once; see log.h. */
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES 1024
#define TAIL ",\"cut\":true}\n"

static const char *const levels[] = {"debug", "info", "warn", "error"};
static enum sw_log_level least = SW_LOG_INFO;
static char actor[32] = "-";

struct line {
    char *text;
    size_t used;
    bool cut;
};

/* What a secret looks like. `assigned`: the name is followed by ':' or '=' and then the secret. */
static const struct shape {
    const char *prefix;
    size_t least_bytes; /* shorter is a word, not a secret */
    bool assigned;
} shapes[] = {
    {"HRKU-", 1, false},
    {"xoxa-", 1, false},
    {"xoxb-", 1, false},
    {"xoxe-", 1, false},
    {"xoxe.", 1, false},
    {"xoxp-", 1, false},
    {"xoxr-", 1, false},
    {"xoxs-", 1, false},
    {"xapp-", 1, false},
    {"Bearer ", 8, false},
    /* As itself, in a form, and in JSON of those who escape slashes. */
    {"hooks.slack.com/", 1, false},
    {"hooks.slack.com%2F", 1, false},
    {"hooks.slack.com\\/", 1, false},
    {"/commands/T", 1, false},
    {"%2Fcommands%2FT", 1, false},
    {"\\/commands\\/T", 1, false},
    {"access_token", 1, true},
    {"refresh_token", 1, true},
    {"client_secret", 1, true},
};

/* How many bytes at `p` are secret, 0 for none; *ret_shown of them may be shown. */
static size_t secret_at(const char *p, size_t *ret_shown) {
    if (!strchr("HhXxBb/%\\AaRrCc", *p)) return 0;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t shown = strlen(shapes[i].prefix);
        if (strncasecmp(p, shapes[i].prefix, shown) != 0) continue;
        if (shapes[i].assigned) {
            size_t between = strspn(p + shown, "\\\"' :=");
            if (!memchr(p + shown, ':', between) && !memchr(p + shown, '=', between)) continue;
            shown += between;
        }
        size_t hidden = strcspn(p + shown, " \t\r\n\"'<>,;|&)}]");
        if (hidden < shapes[i].least_bytes) continue;
        *ret_shown = shown;
        return shown + hidden;
    }
    return 0;
}

/* Size of the UTF-8 character at `p`, 0 where it is not one. */
static size_t utf8_size(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) return 1;
    size_t size = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0; /* also at the end of the text */
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : size;
}

/* One character as it stands in JSON; returns how many bytes of `p` it was. C1 controls steer
 * terminals as C0 ones do. */
static size_t escape(const char *p, char ret[8]) {
    size_t size = utf8_size(p);
    unsigned char c = (unsigned char)*p;
    if (!size) {
        strcpy(ret, "\\ufffd");
        return 1;
    }
    if (size == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0) {
        snprintf(ret, 8, "\\u%04x", (unsigned char)p[1]);
    } else if (c == '"' || c == '\\') {
        snprintf(ret, 8, "\\%c", c);
    } else if (c == '\n') {
        strcpy(ret, "\\n");
    } else if (c == '\t') {
        strcpy(ret, "\\t");
    } else if (c < ' ' || c == 0x7f) {
        snprintf(ret, 8, "\\u%04x", c);
    } else {
        memcpy(ret, p, size);
        ret[size] = 0;
    }
    return size;
}

static bool put(struct line *line, const char *text, size_t room) {
    size_t size = strlen(text);
    if (line->used + size > room) return false;
    memcpy(line->text + line->used, text, size);
    line->used += size;
    return true;
}

/* The bytes of `p` that are not secret, then the mark; all or nothing. */
static bool put_redacted(struct line *line, const char *p, size_t shown, size_t room) {
    size_t before = line->used;
    while (shown) {
        char unit[8];
        size_t size = escape(p, unit);
        if (!put(line, unit, room)) break;
        p += size;
        shown -= size;
    }
    if (!shown && put(line, "[redacted]", room)) return true;
    line->used = before;
    return false;
}

static void put_text(struct line *line, const char *p, size_t room) {
    static const char mark[] = "…\"";
    if (!put(line, "\"", room)) return;
    if (room > line->used + TEXT_BYTES) room = line->used + TEXT_BYTES;
    size_t end = room - (sizeof(mark) - 1);
    while (*p) {
        char unit[8];
        size_t shown, size = secret_at(p, &shown);
        bool fits = size ? put_redacted(line, p, shown, end)
                         : (size = escape(p, unit), put(line, unit, end));
        if (!fits) {
            line->cut = true;
            put(line, mark, room);
            return;
        }
        p += size;
    }
    put(line, "\"", room);
}

static void put_value(struct line *line, const struct sw_field *field, size_t room) {
    char number[24];
    const char *name = NULL;
    switch (field->type) {
    case SW_FIELD_TEXT:
        if (field->text) {
            put_text(line, field->text, room);
        } else {
            put(line, "null", room);
        }
        return;
    case SW_FIELD_BOOL:
        put(line, field->number ? "true" : "false", room);
        return;
    case SW_FIELD_ERRNO:
        name = strerrorname_np((int)(field->number < 0 ? -field->number : field->number));
        break;
    case SW_FIELD_INT:
        break;
    }
    if (name) {
        snprintf(number, sizeof(number), "\"%.20s\"", name);
    } else {
        snprintf(number, sizeof(number), "%lld", (long long)field->number);
    }
    put(line, number, room);
}

static void put_field(struct line *line, const struct sw_field *field, size_t room) {
    /* Quotes, colon, comma and the longest number, or a text cut to nothing. */
    if (line->used + strlen(field->name) + 32 > room) {
        line->cut = true;
        return;
    }
    put(line, ",\"", room);
    put(line, field->name, room);
    put(line, "\":", room);
    put_value(line, field, room);
}

size_t sw_log_line(char text[SW_LOG_LINE_BYTES], int64_t now_ms, enum sw_log_level level,
                   const char *msg, const struct sw_field *fields) {
    const size_t room = SW_LOG_LINE_BYTES - sizeof(TAIL); /* the tail always fits */
    struct line line = {.text = text};
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm utc;
    char when[32];
    gmtime_r(&now_s, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    line.used =
        (size_t)snprintf(text, room, "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"actor\":", when,
                         (int)(now_ms % 1000), levels[level]);
    put_text(&line, actor, room);
    put_field(&line, &(struct sw_field)SW_I("pid", getpid()), room);
    put_field(&line, &(struct sw_field)SW_S("msg", msg), room);
    for (; fields->name; fields++) {
        put_field(&line, fields, room);
    }
    put(&line, line.cut ? TAIL : "}\n", SW_LOG_LINE_BYTES);
    return line.used;
}

void sw_log_init(const char *who, const char *level) {
    snprintf(actor, sizeof(actor), "%s", who);
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i], level) == 0) least = (enum sw_log_level)i;
    }
}

static bool buffered;

bool sw_log_wants(enum sw_log_level level) {
    return level >= least;
}

/* Lines below warn wait for the end of the turn, so that one write takes many: never more than PIPE_BUF at once. */
static char waiting[SW_LOG_LINE_BYTES];
static size_t waiting_size;

void sw_log_flush(void) {
    int before = errno; /* logging about a failure must not change it */
    ssize_t n;
    do {
        n = waiting_size ? write(STDERR_FILENO, waiting, waiting_size) : 0;
    } while (n < 0 && errno == EINTR);
    waiting_size = 0;
    errno = before;
}

void sw_log_write(enum sw_log_level level, const char *msg, const struct sw_field *fields) {
    char text[SW_LOG_LINE_BYTES];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t size =
        sw_log_line(text, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, level, msg, fields);
    if (waiting_size + size > sizeof(waiting)) sw_log_flush();
    memcpy(waiting + waiting_size, text, size);
    waiting_size += size;
    if (level >= SW_LOG_WARN || !buffered) sw_log_flush();
}

void sw_log_buffer(void) {
    buffered = true;
}
