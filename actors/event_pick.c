/* event_pick.c -- takes the fields of a table out of a webhook, and nothing else; see event_priv.h. */
#include "actors/event_priv.h"
#include "actors/executor_priv.h"
#include "actors/form.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT_BYTES 300
#define LINK_BYTES 500
#define NAMES_MAX 10
#define NAME_BYTES 64
#define OP_CHARS 22 /* of sw_command_id */
#define OP_DIGITS "0123456789abcdefghjkmnpqrstvwxyz"
#define PAYLOAD_BYTES 4096
#define AHEAD_MS (3600 * 1000LL)
#define SECONDS_MAX 100000000000LL
#define KEEP_BYTES 80 /* what is no longer than this is never cut further: ids, hashes, times */
#define ELLIPSIS "\xe2\x80\xa6"

bool sw_event_is_id(const char *text) {
    size_t size = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return size > 0 && size <= SW_EVENT_ID_CHARS && !text[size];
}

/* One path, `size` bytes of it. */
static const json_t *follow(const json_t *at, const char *path, size_t size) {
    const char *end = path + size;
    while (at && path < end) {
        char name[NAME_BYTES];
        size_t n = 0;
        for (; path < end && *path != '.' && n < sizeof(name) - 1; path++)
            name[n++] = *path;
        name[n] = '\0';
        path += path < end;
        at = json_object_get(at, name);
    }
    return at;
}

static bool is_there(const json_t *value) {
    return value && !json_is_null(value) &&
           !(json_is_string(value) && !json_string_value(value)[0]);
}

const json_t *sw__event_at(const json_t *from, const char *path) {
    for (;;) {
        size_t size = strcspn(path, "|");
        const json_t *value = follow(from, path, size);
        if (is_there(value)) return value;
        if (!path[size]) return NULL;
        path += size + 1;
    }
}

static void put(json_t *record, const char *path, json_t *value) {
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        char name[NAME_BYTES];
        snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
        json_t *inner = json_object_get(record, name);
        if (!inner) {
            inner = json_object();
            json_object_set_new(record, name, inner);
        }
        record = inner;
    }
    json_object_set_new(record, path, value);
}

/* At most `most` bytes of `size`, the ellipsis among them, and whole characters. */
static json_t *cut(const char *text, size_t size, size_t most) {
    if (size <= most) return json_stringn(text, size);
    size = most - strlen(ELLIPSIS);
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return json_sprintf("%.*s" ELLIPSIS, (int)size, text);
}

static json_t *text_of(const json_t *value, const struct sw__row *row) {
    const char *text = json_string_value(value);
    if (!text) return NULL;
    size_t size = row->take == SW__LINE ? strcspn(text, "\r\n") : strlen(text);
    return size ? cut(text, size, row->most ? row->most : TEXT_BYTES) : NULL;
}

static json_t *made_of(const json_t *value, const char *chars, size_t least, size_t most) {
    const char *text = json_string_value(value);
    size_t size = text ? strspn(text, chars) : 0;
    return size >= least && size <= most && !text[size] ? json_string(text) : NULL;
}

static json_t *time_of(const json_t *value) {
    int64_t ms = json_is_string(value) ? sw__time_parse(json_string_value(value)) : 0;
    return ms > 0 ? json_integer(ms) : NULL;
}

static json_t *sha_of(const json_t *value) {
    json_t *sha = made_of(value, "0123456789abcdef", 40, 64);
    size_t size = json_string_length(sha);
    if (size == 40 || size == 64) return sha;
    json_decref(sha);
    return NULL;
}

static json_t *repo_of(const json_t *value) {
    json_t *name = made_of(value,
                           "0123456789abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./",
                           3, 200);
    const char *text = name ? json_string_value(name) : "";
    const char *slash = strchr(text, '/');
    if (slash && slash > text && slash[1] && !strchr(slash + 1, '/') && !strstr(text, ".."))
        return name;
    json_decref(name);
    return NULL;
}

/* A parameter whose name says that its value lets somebody in. */
static bool is_secret(const char *name, size_t size) {
    static const char *const words[] = {"token", "sig",  "secret", "pass",       "key",
                                        "auth",  "amz-", "goog",   "credential", "jwt",
                                        "code",  "%",    "policy", "sas"};
    SW_AUTO(sw_text) char *copy = sw_strndup(name, size);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcasestr(copy, words[i])) return true;
    }
    return false;
}

/* With who asks, or a signed one, or with what breaks out of where it will stand: none. */
static bool is_link(const char *url) {
    static const char https[] = "https://";
    size_t size = strlen(url), i = strlen(https);
    if (strncmp(url, https, i) != 0 || size > LINK_BYTES) return false;
    for (const char *at = url; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("\"'<>\\^`{|}", *at)) return false;
    }
    size_t host = strcspn(url + i, "/?#");
    if (host == 0 || memchr(url + i, '@', host)) return false;
    for (const char *at = url + strcspn(url, "?#"); *at;) {
        at++;
        size_t name = strcspn(at, "=&;?#");
        if (is_secret(at, name)) return false;
        at += strcspn(at, "&;?#");
    }
    return true;
}

static json_t *names_of(const json_t *list) {
    static const struct sw__row whole = {.take = SW__TEXT};
    json_t *names = json_array();
    for (size_t i = 0; i < json_array_size(list) && json_array_size(names) < NAMES_MAX; i++) {
        json_t *name = text_of(json_object_get(json_array_get(list, i), "name"), &whole);
        if (name) json_array_append_new(names, name);
    }
    return names;
}

static json_t *op_of(const char *text, char end) {
    size_t size = strspn(text, OP_DIGITS);
    return size == OP_CHARS && text[size] == end ? json_stringn(text, size) : NULL;
}

/* GitHub gives a payload back as it was posted: as an object, or as the text of one. */
static json_t *op_of_payload(const json_t *value) {
    const char *text = json_string_value(value);
    SW_AUTO(sw_json) json_t *parsed = NULL;
    if (text && strlen(text) <= PAYLOAD_BYTES) value = parsed = json_loads(text, 0, NULL);
    return op_of(sw_str(value, "slipway"), '\0');
}

static json_t *op_of_words(const json_t *value) {
    static const char mark[] = "(slipway ";
    const char *text = json_string_value(value), *at = NULL;
    for (const char *next = text; next && (next = strstr(next, mark)); next++)
        at = next; /* the last is ours: what stands before it is a person's */
    return at ? op_of(at + strlen(mark), ')') : NULL;
}

static json_t *take(const json_t *value, const struct sw__row *row) {
    switch (row->take) {
    case SW__TEXT:
    case SW__LINE:
        return text_of(value, row);
    case SW__WORD:
        return made_of(value,
                       "0123456789abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.:-",
                       1, SW_EVENT_ID_CHARS);
    case SW__NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= 0
                   ? json_integer(json_integer_value(value))
                   : NULL;
    case SW__TIME:
        return time_of(value);
    case SW__SHA:
        return sha_of(value);
    case SW__REPO:
        return repo_of(value);
    case SW__FLAG:
        return json_boolean(json_is_true(value));
    case SW__PERHAPS:
        return json_is_boolean(value) ? json_boolean(json_is_true(value)) : NULL;
    case SW__LINK:
        return json_is_string(value) && is_link(json_string_value(value))
                   ? json_string(json_string_value(value))
                   : NULL;
    case SW__NAMES:
        return names_of(value);
    case SW__COUNT:
        return json_integer((json_int_t)json_array_size(value));
    case SW__OP:
        return op_of_payload(value);
    case SW__OP_WORDS:
        return op_of_words(value);
    }
    return NULL;
}

int sw__event_pick(json_t *record, const json_t *payload, const struct sw__row *rows) {
    for (; rows->to; rows++) {
        json_t *value = take(sw__event_at(payload, rows->from), rows);
        if (!value && rows->must) return -EBADMSG;
        if (value) put(record, rows->to, value);
    }
    return 0;
}

int64_t sw__event_ms(const json_t *payload, const char *paths, int64_t now_ms) {
    for (;;) {
        size_t size = strcspn(paths, "|");
        const json_t *value = follow(payload, paths, size);
        json_int_t seconds = json_integer_value(value);
        int64_t ms = json_is_string(value)   ? sw__time_parse(json_string_value(value))
                     : seconds < SECONDS_MAX ? seconds * 1000
                                             : 0;
        if (ms > 0 && ms < now_ms + AHEAD_MS) return ms;
        if (!paths[size]) return now_ms;
        paths += size + 1;
    }
}

struct longest {
    json_t *holder; /* an object or a list */
    const char *key;
    size_t index, size;
};

static void find_longest(json_t *holder, struct longest *most) {
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(holder, key, value) {
        size_t size = json_string_length(value);
        if (size > most->size) *most = (struct longest){holder, key, 0, size};
        find_longest(value, most);
    }
    json_array_foreach(holder, i, value) {
        size_t size = json_string_length(value);
        if (size > most->size) *most = (struct longest){holder, NULL, i, size};
    }
}

void sw__event_fit(json_t *record, size_t most) {
    while (json_dumpb(record, NULL, 0, JSON_COMPACT) > most) {
        struct longest at = {.size = KEEP_BYTES};
        find_longest(record, &at);
        if (!at.holder) return;
        const char *text = json_string_value(at.key ? json_object_get(at.holder, at.key)
                                                    : json_array_get(at.holder, at.index));
        if (!at.key) {
            json_array_set_new(at.holder, at.index, cut(text, at.size, at.size / 2));
        } else if (!strncmp(text, "https://", 8)) {
            json_object_del(at.holder, at.key); /* half of a link is none */
        } else {
            json_object_set_new(at.holder, at.key, cut(text, at.size, at.size / 2));
        }
    }
}

int sw__event_fill(json_t *record, const json_t *payload, const struct sw__row *const tables[3]) {
    for (size_t i = 0; i < 3; i++) {
        int r = tables[i] ? sw__event_pick(record, payload, tables[i]) : 0;
        if (r < 0) return r;
    }
    sw__event_fit(record, SW_EVENT_BYTES);
    return 0;
}
