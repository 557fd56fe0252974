/* conf_hook.c -- which address a response_url may have; see conf.h.
 *
 * It is the one address that somebody else chooses, so it is not parsed, which two parsers may do in
 * two ways: it is the origin that is set, byte for byte, and then a path that can mean only one thing. */
#include "common/conf.h"

#include <string.h>

#define BYTES_MAX 1024

static bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-_.~", c));
}

/* Climbs, or says nothing. */
static bool is_dots(const char *part, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (part[i] != '.') return false;
    }
    return size <= 2;
}

bool sw_conf_is_hook(const struct sw_conf *conf, const char *url, size_t size) {
    size_t at = strlen(conf->hooks);
    if (size > BYTES_MAX || size <= at || memcmp(url, conf->hooks, at) != 0) return false;
    while (at < size) {
        if (url[at++] != '/') return false;
        size_t part = at;
        while (at < size && is_plain(url[at])) {
            at++;
        }
        if (is_dots(url + part, at - part)) return false;
    }
    return true;
}
