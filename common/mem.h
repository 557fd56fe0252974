/* mem.h -- memory that is never NULL, and locals that release themselves.
 *
 * shapes   SW_AUTO(sw_msg) struct sw_msg *m = NULL; is destroyed when it leaves its scope; sw_take(&m) gives it away
 * units    bytes
 * errors   out of memory aborts: the ledger is the truth, so dying is safe
 * owner    the caller frees what it got
 * source   systemd's cleanup attribute idea
 * limits   none
 */
#ifndef SW_MEM_H
#define SW_MEM_H

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

void *sw_malloc(size_t size);
void *sw_zalloc(size_t size);
void *sw_realloc(void *old, size_t size);
char *sw_strdup(const char *text);
char *sw_strndup(const char *text, size_t size);
char *sw_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define SW_AUTO(noun) __attribute__((cleanup(noun##_cleanup)))
#define SW_CLEANUP(noun, type, destroy)                                                            \
    static inline void noun##_cleanup(type **p) {                                                  \
        destroy(*p);                                                                               \
    }
SW_CLEANUP(sw_text, char, free)
SW_CLEANUP(sw_json, json_t, json_decref)

/* The pointer's value; the variable becomes NULL. */
#define sw_take(p)                                                                                 \
    __extension__({                                                                                \
        __typeof__(*(p)) sw_taken = *(p);                                                          \
        *(p) = NULL;                                                                               \
        sw_taken;                                                                                  \
    })

#endif
