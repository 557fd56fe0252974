/* mem.c -- see mem.h. */
#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *checked(void *p) {
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *sw_malloc(size_t size) {
    return checked(malloc(size ? size : 1));
}

void *sw_zalloc(size_t size) {
    return checked(calloc(1, size ? size : 1));
}

void *sw_realloc(void *old, size_t size) {
    return checked(realloc(old, size ? size : 1));
}

char *sw_strdup(const char *text) {
    return checked(strdup(text));
}

char *sw_strndup(const char *text, size_t size) {
    return checked(strndup(text, size));
}

char *sw_printf(const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int r = vasprintf(&text, format, args);
    va_end(args);
    return checked(r < 0 ? NULL : text);
}
