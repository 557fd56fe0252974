/* blocks.c -- text that cannot do harm; see blocks.h. */
#include "actors/blocks.h"

#include "common/mem.h"
#include "proto/value.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ELLIPSIS "\xe2\x80\xa6"
#define LAST_MS 253402300799000LL /* the year 9999 */

void sw_mrkdwn_init(struct sw_mrkdwn *m, size_t limit) {
    *m = (struct sw_mrkdwn){.limit = limit, .room = 256};
    m->bytes = sw_malloc(m->room);
    m->bytes[0] = 0;
}

static void append(struct sw_mrkdwn *m, const char *bytes, size_t size, size_t chars) {
    if (m->size + size >= m->room) {
        m->room = 2 * (m->size + size + 1);
        m->bytes = sw_realloc(m->bytes, m->room);
    }
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
    m->bytes[m->size] = 0;
    m->chars += chars;
}

json_t *sw_mrkdwn_end(struct sw_mrkdwn *m) {
    if (m->full) append(m, ELLIPSIS, strlen(ELLIPSIS), 1);
    json_t *text = json_stringn(m->bytes, m->size);
    free(m->bytes);
    *m = (struct sw_mrkdwn){0};
    /* Our words are UTF-8 and values are cut between characters. */
    return text ? text : json_string("?");
}

/* One character is kept back for the ellipsis. */
size_t sw_mrkdwn_left(const struct sw_mrkdwn *m) {
    return m->full || m->chars + 1 >= m->limit ? 0 : m->limit - 1 - m->chars;
}

/* All of it or nothing: a token is an escape, a mention, a mark. */
static bool token(struct sw_mrkdwn *m, const char *bytes, size_t size, size_t chars, size_t keep) {
    if (sw_mrkdwn_left(m) < chars + keep) {
        m->full = true;
        return false;
    }
    append(m, bytes, size, chars);
    return true;
}

/* Bytes of the character that starts here; 0 where it is none. */
static size_t char_bytes(const char *text, size_t size) {
    unsigned char c = (unsigned char)text[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    if (c >= 0xf5 || n == 0 || n > size) return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    }
    return n;
}

static size_t chars_of(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Characters that turn the direction of what follows: a name could pose as another one. */
static bool turns_direction(const char *c, size_t n) {
    if (n != 3 || (unsigned char)c[0] != 0xe2) return false;
    unsigned char a = (unsigned char)c[1], b = (unsigned char)c[2];
    return (a == 0x80 && ((b >= 0xaa && b <= 0xae) || b == 0x8e || b == 0x8f)) ||
           (a == 0x81 && b >= 0xa6 && b <= 0xa9);
}

void sw_mrkdwn_put(struct sw_mrkdwn *m, const char *markup) {
    token(m, markup, strlen(markup), chars_of(markup), 0);
}

/* How many characters stand as they are: most text is nothing else. */
static size_t plain_run(const char *text, size_t size, char quote) {
    size_t n = 0;
    while (n < size && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '&' && text[n] != '<' &&
           text[n] != '>' && text[n] != quote)
        n++;
    return n;
}

#define PRE "```"

/* `quote`: the text stands between these marks, so that it may not hold them; 0: none; `pre`: the
 * marks are PRE, and lines stay lines. */
static void put_value(struct sw_mrkdwn *m, const char *text, size_t size, char quote, bool pre) {
    size_t keep = pre ? strlen(PRE) : quote ? 1 : 0;
    size_t shown = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < size;) {
        size_t run = plain_run(text + i, size - i, quote);
        if (run > 0 && shown + run <= SW_VALUE_MAX && sw_mrkdwn_left(m) >= run + keep) {
            append(m, text + i, run, run);
            shown += run;
            i += run;
            continue;
        }
        size_t n = char_bytes(text + i, size - i);
        const char *c = text + i;
        i += n ? n : 1;
        if (n && turns_direction(c, n)) continue;
        if (++shown > SW_VALUE_MAX) {
            token(m, ELLIPSIS, strlen(ELLIPSIS), 1, keep);
            return;
        }
        if (n == 0) {
            ok = token(m, "?", 1, 1, keep);
        } else if (*c == '&') {
            ok = token(m, "&amp;", 5, 5, keep);
        } else if (*c == '<') {
            ok = token(m, "&lt;", 4, 4, keep);
        } else if (*c == '>') {
            ok = token(m, "&gt;", 4, 4, keep);
        } else if (n == 1 && ((unsigned char)*c < 0x20 || *c == 0x7f)) {
            ok = token(m, (quote && !pre) || *c != '\n' ? " " : "\n", 1, 1, keep);
        } else if (quote && *c == quote) {
            ok = token(m, "'", 1, 1, keep);
        } else {
            ok = token(m, c, n, 1, keep);
        }
    }
}

void sw_mrkdwn_text(struct sw_mrkdwn *m, const char *text, size_t size) {
    put_value(m, text, size, 0, false);
}

static void put_quoted(struct sw_mrkdwn *m, const char *text, size_t size, char quote) {
    /* Two marks with nothing between them would be shown as they are. */
    if (size == 0) {
        text = "?";
        size = 1;
    }
    if (!token(m, &quote, 1, 1, 2)) return;
    put_value(m, text, size, quote, false);
    append(m, &quote, 1, 1);
}

void sw_mrkdwn_bold(struct sw_mrkdwn *m, const char *text, size_t size) {
    put_quoted(m, text, size, '*');
}

void sw_mrkdwn_code(struct sw_mrkdwn *m, const char *text, size_t size) {
    put_quoted(m, text, size, '`');
}

void sw_mrkdwn_pre(struct sw_mrkdwn *m, const char *text, size_t size) {
    if (size == 0 || !token(m, PRE, strlen(PRE), strlen(PRE), strlen(PRE) + 1)) return;
    put_value(m, text, size, '`', true);
    append(m, PRE, strlen(PRE), strlen(PRE));
}

/* A mention of what has one of the `first` letters, else the text, else `none`. */
static void mention(struct sw_mrkdwn *m, const char *id, const char *first, char mark,
                    const char *none) {
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (n < 2 || n > 30 || id[n] || !strchr(first, id[0])) {
        if (!id[0]) id = none;
        sw_mrkdwn_text(m, id, strlen(id));
        return;
    }
    char text[40];
    int size = snprintf(text, sizeof(text), "<%c%s>", mark, id);
    token(m, text, (size_t)size, (size_t)size, 0);
}

void sw_mrkdwn_user(struct sw_mrkdwn *m, const char *id) {
    mention(m, id, "UW", '@', "someone");
}

void sw_mrkdwn_channel(struct sw_mrkdwn *m, const char *id) {
    mention(m, id, "CGD", '#', "a channel");
}

static void put_time(struct sw_mrkdwn *m, int64_t at_ms, const char *as) {
    time_t at = (time_t)(at_ms / 1000);
    struct tm utc;
    char day[48], date[128];
    if (at_ms < 0 || at_ms > LAST_MS || !gmtime_r(&at, &utc) ||
        !strftime(day, sizeof(day), "%Y-%m-%d %H:%M", &utc)) {
        sw_mrkdwn_put(m, "?");
        return;
    }
    int size = snprintf(date, sizeof(date), "<!date^%lld^%s|%s UTC>", (long long)at, as, day);
    token(m, date, (size_t)size, (size_t)size, 0);
}

void sw_mrkdwn_date(struct sw_mrkdwn *m, int64_t at_ms) {
    put_time(m, at_ms, "{date_short_pretty} {time}");
}

void sw_mrkdwn_clock(struct sw_mrkdwn *m, int64_t at_ms) {
    put_time(m, at_ms, "{time_secs}");
}

/* "verbatim": Slack finds no links, channels and mentions by itself in what we send. */
static json_t *mrkdwn_object(json_t *text) {
    return json_pack("{s:s, s:o, s:b}", "type", "mrkdwn", "text", text, "verbatim", 1);
}

json_t *sw_block_section(json_t *text) {
    return json_pack("{s:s, s:o}", "type", "section", "text", mrkdwn_object(text));
}

json_t *sw_block_context(json_t *text) {
    return json_pack("{s:s, s:[o]}", "type", "context", "elements", mrkdwn_object(text));
}

json_t *sw_block_fields(json_t *texts) {
    json_t *fields = json_array();
    for (size_t i = 0; i < json_array_size(texts) && i < SW_FIELDS_MAX; i++)
        json_array_append_new(fields, mrkdwn_object(json_incref(json_array_get(texts, i))));
    json_decref(texts);
    return json_pack("{s:s, s:o}", "type", "section", "fields", fields);
}

json_t *sw_block_button(const char *label, json_t *url) {
    return json_pack("{s:s, s:[{s:s, s:s, s:s, s:{s:s, s:s}, s:o}]}", "type", "actions", "elements",
                     "type", "button", "action_id", "link", "style", "primary", "text", "type",
                     "plain_text", "text", label, "url", url);
}

/* One line without markup, as Slack shows it. */
static json_t *plain_text(const char *text, size_t size, size_t limit) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, limit);
    for (size_t i = 0, n; i < size; i += n ? n : 1) {
        const char *c = text + i;
        n = char_bytes(c, size - i);
        if (n && turns_direction(c, n)) continue;
        if (n == 1 && ((unsigned char)*c < 0x20 || *c == 0x7f)) c = " ";
        if (!token(&m, n ? c : "?", n ? n : 1, 1, 0)) break;
    }
    return sw_mrkdwn_end(&m);
}

/* Slack's own emoji names stay as they are typed. */
static json_t *plain_object(const char *text, size_t limit) {
    json_t *plain = plain_text(text, strlen(text), limit);
    if (json_string_length(plain) == 0) json_string_set(plain, "?");
    return json_pack("{s:s, s:o, s:b}", "type", "plain_text", "text", plain, "emoji", 0);
}

/* A whole line, as somebody could have typed it. */
static bool is_line(const json_t *line) {
    const char *text = json_string_value(line);
    if (!text || !text[0] || strlen(text) != json_string_length(line)) return false;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) return false;
    }
    return chars_of(text) <= SW_LINE_MAX;
}

static json_t *type_button(const json_t *from, size_t number) {
    const char *style = sw_str(from, "style"), *confirm = sw_str(from, "confirm");
    json_t *button = json_pack("{s:s, s:o, s:o, s:O}", "type", "button", "action_id",
                               json_sprintf("type/%zu", number), "text",
                               plain_object(sw_str(from, "label"), SW_LABEL_MAX), "value",
                               json_object_get(from, "line"));
    bool danger = !strcmp(style, "danger");
    if (danger || !strcmp(style, "primary"))
        json_object_set_new(button, "style", json_string(style));
    if (!confirm[0]) return button;
    json_t *ask = json_pack("{s:o, s:o, s:o, s:o}", "title", plain_object("Are you sure?", 100),
                            "text", plain_object(confirm, SW_CONFIRM_MAX), "confirm",
                            plain_object("Yes", 30), "deny", plain_object("No", 30));
    if (danger) json_object_set_new(ask, "style", json_string(style));
    json_object_set_new(button, "confirm", ask);
    return button;
}

json_t *sw_block_actions(const json_t *buttons) {
    json_t *elements = json_array(), *button;
    size_t i;
    json_array_foreach((json_t *)buttons, i, button) {
        if (json_array_size(elements) == SW_BUTTONS_MAX) break;
        if (!sw_str(button, "label")[0] || !is_line(json_object_get(button, "line"))) continue;
        json_array_append_new(elements, type_button(button, json_array_size(elements) + 1));
    }
    if (json_array_size(elements) > 0)
        return json_pack("{s:s, s:o}", "type", "actions", "elements", elements);
    json_decref(elements);
    return NULL;
}
