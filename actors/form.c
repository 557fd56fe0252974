/* form.c -- forms, cookies, broken UTF-8; see form.h. */
#include "actors/form.h"

#include "common/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define NAME_MAX 64
#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS "\xe2\x80\xa6"

bool sw_form_next(struct sw_form *form, struct sw_pair *ret) {
    while (form->left > 0) {
        const char *pair = form->at, *end = memchr(pair, '&', form->left);
        size_t size = end ? (size_t)(end - pair) : form->left;
        size_t step = end ? size + 1 : size;
        form->at += step;
        form->left -= step;
        if (size == 0) continue;
        const char *equals = memchr(pair, '=', size);
        ret->name = pair;
        ret->name_size = equals ? (size_t)(equals - pair) : size;
        ret->value = equals ? equals + 1 : pair + size;
        ret->value_size = size - (size_t)(ret->value - pair);
        return true;
    }
    return false;
}

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t sw_form_decode(const char *raw, size_t size, char *ret) {
    char *to = ret;
    for (size_t i = 0; i < size; i++) {
        if (raw[i] == '+') {
            *to++ = ' ';
        } else if (raw[i] == '%' && size - i > 2 && hex_of(raw[i + 1]) >= 0 &&
                   hex_of(raw[i + 2]) >= 0) {
            *to++ = (char)(hex_of(raw[i + 1]) * 16 + hex_of(raw[i + 2]));
            i += 2;
        } else {
            *to++ = raw[i];
        }
    }
    return (size_t)(to - ret);
}

/* The name as a C string, or false: not one that is kept. */
static bool name_of(const char *raw, size_t size, char ret[NAME_MAX + 1]) {
    char name[3 * NAME_MAX];
    if (size > sizeof(name)) return false;
    size_t n = sw_form_decode(raw, size, name);
    if (n == 0 || n > NAME_MAX) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '.' && c != '-')) return false;
    }
    memcpy(ret, name, n);
    ret[n] = '\0';
    return true;
}

int sw_form_parse(const char *text, size_t size, json_t **ret) {
    SW_AUTO(sw_json) json_t *form = json_object();
    SW_AUTO(sw_text) char *value = sw_malloc(size + 1);
    struct sw_form left = {text, size};
    struct sw_pair pair;
    char name[NAME_MAX + 1];
    for (size_t pairs = 0; sw_form_next(&left, &pair); pairs++) {
        if (pairs == SW_FORM_PAIRS) return -E2BIG;
        if (!name_of(pair.name, pair.name_size, name)) continue;
        if (json_object_get(form, name)) return -EEXIST;
        size_t n = sw_form_decode(pair.value, pair.value_size, value);
        json_object_set_new(form, name, sw_text_json(value, n, NULL));
    }
    *ret = sw_take(&form);
    return 0;
}

int sw_cookies_parse(const char *header, json_t **ret) {
    SW_AUTO(sw_json) json_t *cookies = json_object();
    char name[NAME_MAX + 1];
    const char *at = header;
    for (size_t pairs = 0; *at; pairs++) {
        if (pairs == SW_FORM_PAIRS) return -E2BIG;
        at += strspn(at, " \t");
        size_t size = strcspn(at, ";");
        const char *end = at + size, *next = *end ? end + 1 : end;
        while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (equals && name_of(at, (size_t)(equals - at), name) && !json_object_get(cookies, name))
            json_object_set_new(cookies, name,
                                sw_text_json(equals + 1, (size_t)(end - equals - 1), NULL));
        at = next;
    }
    *ret = sw_take(&cookies);
    return 0;
}

/* The size of the character at s; negative: so many bytes are the start of none. */
static int character(const uint8_t *s, size_t left) {
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4) return -1;
    int more = s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    uint8_t least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i <= more; i++) {
        if ((size_t)i >= left || s[i] < least || s[i] > most) return -i;
        least = 0x80;
        most = 0xbf;
    }
    return more + 1;
}

/* Like the text, with U+FFFD for what is none; the size of it is returned. */
static size_t repair(const uint8_t *s, size_t size, char *ret) {
    char *to = ret;
    for (size_t i = 0; i < size;) {
        int n = character(s + i, size - i);
        size_t step = (size_t)(n > 0 ? n : -n), put = n > 0 ? step : strlen(REPLACEMENT);
        memcpy(to, n > 0 ? (const char *)s + i : REPLACEMENT, put);
        to += put;
        i += step;
    }
    return (size_t)(to - ret);
}

json_t *sw_text_json(const char *text, size_t size, size_t *ret_length) {
    const uint8_t *s = (const uint8_t *)text;
    size_t length = 0;
    bool broken = false;
    for (size_t i = 0; i < size; length++) {
        int n = character(s + i, size - i);
        broken |= n < 0;
        i += (size_t)(n > 0 ? n : -n);
    }
    if (ret_length) *ret_length = length;
    if (!broken) return json_stringn_nocheck(text, size);
    SW_AUTO(sw_text) char *repaired = sw_malloc(3 * size);
    size_t n = repair(s, size, repaired);
    return json_stringn_nocheck(repaired, n);
}

char *sw_text_cut(const char *text, size_t most) {
    const uint8_t *s = (const uint8_t *)text;
    size_t size = strlen(text), i = 0, length = 0;
    while (i < size && length < most) {
        int n = character(s + i, size - i);
        i += (size_t)(n > 0 ? n : -n);
        length++;
    }
    return i < size ? sw_printf("%.*s" ELLIPSIS, (int)i, text) : sw_strdup(text);
}

bool sw_is_among(const char *word, const char *const *words) {
    for (; *words; words++) {
        if (!strcmp(word, *words)) return true;
    }
    return false;
}
