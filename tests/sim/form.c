/* form.c -- forms, percent escapes and HTML escapes; see util.h. */
#include "util.h"

#include <ctype.h>
#include <string.h>

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool unescape(struct sim_buf *buf, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (len - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
                return false;
            c = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        }
        sim_buf_add(buf, &c, 1);
    }
    sim_buf_add(buf, "", 0);
    return true;
}

static bool parse_pair(json_t *form, const char *pair, size_t len) {
    const char *equals = memchr(pair, '=', len);
    size_t key_len = equals != NULL ? (size_t)(equals - pair) : len;
    struct sim_buf key = {0}, value = {0};
    bool ok = unescape(&key, pair, key_len);
    if (ok && equals != NULL) ok = unescape(&value, equals + 1, len - key_len - 1);
    if (ok) {
        json_t *text = json_stringn(value.data != NULL ? value.data : "", value.len);
        ok = text != NULL && json_object_set_new(form, key.data, text) == 0;
    }
    sim_buf_free(&key);
    sim_buf_free(&value);
    return ok;
}

json_t *sim_form_parse(const char *body, size_t len) {
    json_t *form = json_object();
    size_t at = 0;
    while (at < len) {
        const char *end = memchr(body + at, '&', len - at);
        size_t pair_len = end != NULL ? (size_t)(end - body) - at : len - at;
        if (pair_len != 0 && !parse_pair(form, body + at, pair_len)) {
            json_decref(form);
            return NULL;
        }
        at += pair_len + 1;
    }
    return form;
}

static void url_escape(struct sim_buf *buf, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
            sim_buf_add(buf, &text[i], 1);
        } else {
            sim_buf_printf(buf, "%%%02X", c);
        }
    }
}

void sim_form_add(struct sim_buf *buf, const char *key, const char *value, size_t value_len) {
    if (buf->len != 0) sim_buf_add(buf, "&", 1);
    sim_buf_printf(buf, "%s=", key);
    url_escape(buf, value, value_len);
}

void sim_html_escape(struct sim_buf *buf, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            sim_buf_add(buf, "&amp;", 5);
            break;
        case '<':
            sim_buf_add(buf, "&lt;", 4);
            break;
        case '>':
            sim_buf_add(buf, "&gt;", 4);
            break;
        case '"':
            sim_buf_add(buf, "&quot;", 6);
            break;
        case '\'':
            sim_buf_add(buf, "&#39;", 5);
            break;
        default:
            sim_buf_add(buf, c, 1);
        }
    }
}
