/* blocks_fill.c -- our words with values in their places; see blocks.h. */
#include "actors/blocks.h"
#include "common/mem.h"
#include "proto/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 30
#define KEY_MAX 64
#define WORDS_MAX 512

json_t *sw_data_at(const json_t *data, const char *path) {
    const json_t *value = data;
    while (value && *path) {
        char key[64];
        size_t n = strcspn(path, ".");
        if (n >= sizeof(key)) return NULL;
        memcpy(key, path, n);
        key[n] = 0;
        value = json_object_get(value, key);
        path += path[n] ? n + 1 : n;
    }
    return (json_t *)value;
}

static void put_release(struct sw_mrkdwn *m, const char *text, size_t size) {
    if (!(size > 1 && text[0] == 'v' && isdigit((unsigned char)text[1]))) sw_mrkdwn_put(m, "v");
    sw_mrkdwn_text(m, text, size);
}

/* With the slash command before it, as a person types it; its name may be told as "slash". */
static void put_typed(struct sw_mrkdwn *m, const char *text, size_t size, const json_t *data) {
    const char *slash = sw_str(data, "slash");
    SW_AUTO(sw_text)
    char *line = sw_printf("%s %.*s", slash[0] == '/' ? slash : "/h", (int)size, text);
    sw_mrkdwn_code(m, line, strlen(line));
}

#define URL_MAX 500
#define URL_CHARS                                                                                  \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/~%?=&#+@,;!$()"

bool sw_mrkdwn_link(struct sw_mrkdwn *m, const char *url, const char *words) {
    bool tls = !strncmp(url, "https://", 8);
    size_t size = strlen(url);
    if ((!tls && strncmp(url, "http://", 7) != 0) || url[strspn(url, URL_CHARS)] ||
        size > URL_MAX) {
        if (!words) sw_mrkdwn_text(m, url, size);
        return false;
    }
    const char *shown = url + (tls ? 8 : 7);
    struct sw_mrkdwn link;
    sw_mrkdwn_init(&link, SW_SECTION_MAX);
    sw_mrkdwn_put(&link, "<");
    sw_mrkdwn_text(&link, url, size);
    sw_mrkdwn_put(&link, "|");
    if (words)
        sw_mrkdwn_put(&link, words);
    else
        sw_mrkdwn_text(&link, shown, strlen(shown));
    sw_mrkdwn_put(&link, ">");
    SW_AUTO(sw_json) json_t *text = sw_mrkdwn_end(&link);
    sw_mrkdwn_put(m, json_string_value(text));
    return true;
}

static void put_how(struct sw_mrkdwn *m, const char *how, const char *text, size_t size) {
    if (!strcmp(how, "bold")) {
        sw_mrkdwn_bold(m, text, size);
    } else if (!strcmp(how, "code")) {
        sw_mrkdwn_code(m, text, size);
    } else if (!strcmp(how, "pre")) {
        sw_mrkdwn_pre(m, text, size);
    } else if (!strcmp(how, "user")) {
        sw_mrkdwn_user(m, text);
    } else if (!strcmp(how, "channel")) {
        sw_mrkdwn_channel(m, text);
    } else if (!strcmp(how, "link")) {
        sw_mrkdwn_link(m, text, NULL);
    } else if (!strcmp(how, "v")) {
        put_release(m, text, size);
    } else {
        sw_mrkdwn_text(m, text, size);
    }
}

static void put_number(struct sw_mrkdwn *m, const char *how, long long number) {
    char text[64];
    int n = snprintf(text, sizeof(text), "%lld", number);
    if (!strcmp(how, "date")) {
        sw_mrkdwn_date(m, number);
    } else if (!strcmp(how, "clock")) {
        sw_mrkdwn_clock(m, number);
    } else if (!strcmp(how, "took")) {
        long long s = number / 1000 + (number % 1000 >= 500);
        n = s < 60 ? snprintf(text, sizeof(text), "%lld s", s)
                   : snprintf(text, sizeof(text), "%lld min %lld s", s / 60, s % 60);
        sw_mrkdwn_text(m, s < 1 ? "under 1 s" : text, s < 1 ? strlen("under 1 s") : (size_t)n);
    } else {
        put_how(m, how, text, (size_t)n);
    }
}

static void put_list(struct sw_mrkdwn *m, const json_t *list) {
    size_t count = json_array_size(list), i;
    json_t *word;
    json_array_foreach((json_t *)list, i, word) {
        /* Room is kept for how many more there are. */
        if (i == LIST_MAX || sw_mrkdwn_left(m) < json_string_length(word) + 40) {
            char more[48];
            snprintf(more, sizeof(more), " and %zu more", count - i);
            sw_mrkdwn_put(m, more);
            return;
        }
        if (i > 0) sw_mrkdwn_put(m, ", ");
        const char *text = json_string_value(word);
        sw_mrkdwn_code(m, text ? text : "?", text ? json_string_length(word) : 1);
    }
}

static void fill_one(struct sw_mrkdwn *m, const char *path, const char *how, const json_t *data) {
    const json_t *value = sw_data_at(data, path);
    if (json_is_string(value) && !strcmp(how, "typed")) {
        put_typed(m, json_string_value(value), json_string_length(value), data);
    } else if (json_is_string(value)) {
        put_how(m, how, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        put_number(m, how, json_integer_value(value));
    } else if (json_array_size(value) > 0) {
        put_list(m, value);
    } else {
        sw_mrkdwn_put(m, "?");
    }
}

static bool is_something(const json_t *value) {
    return json_is_true(value) || json_is_real(value) || json_object_size(value) > 0 ||
           json_array_size(value) > 0 || json_string_length(value) > 0 ||
           (json_is_integer(value) && json_integer_value(value) != 0);
}

/* The next {key:how} of a pattern, at its brace; returns what follows it. */
static const char *read_key(const char *at, char *name, size_t room, const char **ret_how) {
    size_t n = strcspn(++at, "}");
    snprintf(name, room, "%.*s", (int)n, at);
    char *how = strchr(name, ':');
    if (how) *how++ = 0;
    *ret_how = how ? how : "text";
    return at + n + (at[n] ? 1 : 0);
}

/* Whether the part in brackets that starts here is said. */
static bool is_said(const char *at, const json_t *data) {
    const char *how;
    char name[KEY_MAX];
    at += strcspn(at, "{]");
    if (*at != '{') return true;
    read_key(at, name, sizeof(name), &how);
    if (name[0] == '!') return !is_something(sw_data_at(data, name + 1));
    return is_something(sw_data_at(data, name + (name[0] == '?')));
}

void sw_mrkdwn_fill(struct sw_mrkdwn *m, const char *pattern, const json_t *data) {
    while (*pattern) {
        const char *how;
        char words[WORDS_MAX], name[KEY_MAX];
        size_t n = strcspn(pattern, "{[]");
        if (n >= sizeof(words)) n = sizeof(words) - 1;
        if (n > 0) {
            snprintf(words, sizeof(words), "%.*s", (int)n, pattern);
            sw_mrkdwn_put(m, words);
            pattern += n;
        } else if (*pattern == '[' && !is_said(pattern, data)) {
            pattern += strcspn(pattern, "]");
        } else if (*pattern == '{') {
            pattern = read_key(pattern, name, sizeof(name), &how);
            if (name[0] != '?' && name[0] != '!') fill_one(m, name, how, data);
        } else {
            pattern++;
        }
    }
}

json_t *sw_filled(const char *pattern, const json_t *data, size_t limit) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, limit);
    sw_mrkdwn_fill(&m, pattern, data);
    return sw_mrkdwn_end(&m);
}
