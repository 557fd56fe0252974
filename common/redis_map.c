/* redis_map.c -- see redis_map.h. */
#include "common/redis_map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SW_REDISES
#define SENTINEL "sentinel://"

struct line {
    char *text;
    size_t room;
};

static int __attribute__((format(printf, 2, 3)))
fail(const struct line *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, error->room, format, args);
    va_end(args);
    return -EINVAL;
}

/* Digits only, up to `most`; how many characters it took, 0: not a number. */
static size_t number(const char *text, unsigned most, unsigned *ret) {
    size_t size = strspn(text, "0123456789");
    unsigned long n = size && size < 6 ? strtoul(text, NULL, 10) : most + 1UL;
    *ret = (unsigned)n;
    return n <= most ? size : 0;
}

static bool is_host(const char *text, size_t size) {
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    static const char inside[] = "0123456789abcdefABCDEF:.%";
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) return strspn(text + 1, inside) >= size - 2;
    return size > 0 && strspn(text, name) >= size;
}

static int add_host(const char *text, size_t size, struct sw_redis_address *ret,
                    const struct line *error) {
    char host[SW_REDIS_HOST];
    unsigned port;
    snprintf(host, sizeof(host), "%.*s", (int)size, text);
    const char *colon = strrchr(host, ':');
    size_t digits = colon ? number(colon + 1, 65535, &port) : 0;
    if (size >= sizeof(host) || !digits || colon[1 + digits] || port == 0 ||
        !is_host(host, (size_t)(colon - host)))
        return fail(error, "\"%.100s\" is not host:port (IPv6 in brackets), port from 1 to 65535",
                    strchr(host, '@') ? "..." : host);
    if (ret->hosts == SW_SENTINELS) return fail(error, "more than %d sentinels", SW_SENTINELS);
    snprintf(ret->host[ret->hosts++], SW_REDIS_HOST, "%s", host);
    return 0;
}

static int parse_sentinels(const char *text, size_t size, struct sw_redis_address *ret,
                           const struct line *error) {
    const char *at = memchr(text, '@', size);
    size_t name = at ? (size_t)(at - text) : 0;
    if (!name || name >= sizeof(ret->master) || memchr(text, ',', name))
        return fail(error, "\"" SENTINEL "%.*s\" is not " SENTINEL "NAME@host:port,host:port",
                    (int)(size < 100 ? size : 100), text);
    snprintf(ret->master, sizeof(ret->master), "%.*s", (int)name, text);
    const char *end = text + size, *host = at + 1;
    for (;;) {
        const char *comma = memchr(host, ',', (size_t)(end - host));
        int r = add_host(host, (size_t)((comma ? comma : end) - host), ret, error);
        if (r < 0 || !comma) return r;
        host = comma + 1;
    }
}

static int parse_address(const char *text, size_t size, struct sw_redis_address *ret,
                         const struct line *error) {
    const size_t scheme = strlen(SENTINEL);
    *ret = (struct sw_redis_address){0};
    if (size > scheme && memcmp(text, SENTINEL, scheme) == 0)
        return parse_sentinels(text + scheme, size - scheme, ret, error);
    if (text[0] != '/') return add_host(text, size, ret, error);
    if (size > 107) return fail(error, "the path of a socket has at most 107 characters");
    ret->hosts = 1;
    snprintf(ret->host[0], SW_REDIS_HOST, "%.*s", (int)size, text);
    return 0;
}

/* "0-31=" or "7=": how many characters; 0: it is none, and the whole text is one address. */
static size_t range(const char *text, unsigned *ret_first, unsigned *ret_last) {
    size_t size = strspn(text, "0123456789-");
    if (!size || text[size] != '=') return 0;
    size_t a = number(text, SW_REDIS_SHARDS - 1, ret_first), b = 0;
    *ret_last = *ret_first;
    if (a && text[a] == '-') b = 1 + number(text + a + 1, SW_REDIS_SHARDS - 1, ret_last);
    if (!a || b == 1 || a + b != size || *ret_last < *ret_first) *ret_first = SW_REDIS_SHARDS;
    return size + 1;
}

static int add_range(const char *word, size_t size, struct sw_redis_map *ret,
                     const struct line *error) {
    unsigned first, last;
    size_t head = range(word, &first, &last);
    if (!head || head >= size)
        return fail(error, "\"%.*s\" is not SHARDS=ADDRESS, like 0-31=host:port",
                    (int)(size < 100 ? size : 100), word);
    if (first == SW_REDIS_SHARDS)
        return fail(error, "\"%.*s\" is not a range of shards from 0 to %d",
                    (int)(head < 40 ? head - 1 : 40), word, SW_REDIS_SHARDS - 1);
    if (ret->count == SW_REDISES) return fail(error, "more than %d addresses", SW_REDISES);
    for (unsigned i = first; i <= last; i++) {
        if (ret->of[i] != NOWHERE) return fail(error, "shard %u has two addresses", i);
        ret->of[i] = ret->count;
    }
    return parse_address(word + head, size - head, &ret->address[ret->count++], error);
}

static int find_gap(const struct sw_redis_map *map, const struct line *error) {
    unsigned first = 0, last;
    while (first < SW_REDIS_SHARDS && map->of[first] != NOWHERE)
        first++;
    if (first == SW_REDIS_SHARDS) return 0;
    for (last = first; last + 1 < SW_REDIS_SHARDS && map->of[last + 1] == NOWHERE;)
        last++;
    if (first == last) return fail(error, "shard %u has no address", first);
    return fail(error, "the shards %u to %u have no address", first, last);
}

int sw_redis_map_parse(const char *text, struct sw_redis_map *ret, char *error_text, size_t room) {
    const struct line error = {error_text, room};
    unsigned first, last;
    memset(ret, 0, sizeof(*ret));
    text += strspn(text, " ");
    if (!range(text, &first, &last)) {
        ret->count = 1;
        return parse_address(text, strlen(text), &ret->address[0], &error);
    }
    for (unsigned i = 0; i < SW_REDIS_SHARDS; i++)
        ret->of[i] = NOWHERE;
    for (size_t size; *text; text += size + strspn(text + size, " ")) {
        size = strcspn(text, " ");
        int r = add_range(text, size, ret, &error);
        if (r < 0) return r;
    }
    return find_gap(ret, &error);
}

bool sw_redis_host_split(const char *text, char host[SW_REDIS_HOST], int *ret_port) {
    const char *colon = strrchr(text, ':');
    if (text[0] == '/' || !colon) return false;
    size_t size = (size_t)(colon - text);
    if (size > 2 && text[0] == '[' && text[size - 1] == ']') text++, size -= 2;
    snprintf(host, SW_REDIS_HOST, "%.*s", (int)size, text);
    *ret_port = atoi(colon + 1);
    return true;
}
