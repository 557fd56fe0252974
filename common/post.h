/* post.h -- one POST from the command line: asked, waited for, answered.
 *
 * shapes   headers end with NULL, each "Name: value"
 * units    *_ms milliseconds
 * errors   -ENOTCONN: nobody answered, and `error` says why; any HTTP status is an answer
 * owner    the caller
 * source   libcurl easy interface
 * limits   4 KiB of the answer are kept; no redirects; http and https only
 */
#ifndef SW_POST_H
#define SW_POST_H

#include <stddef.h>
#include <stdint.h>

struct sw_posted {
    int status;
    int64_t took_us;
    char id[64]; /* X-Slipway-Id, or "" */
    char body[4096];
};

int sw_post(const char *url, const char *const *headers, const char *body, int64_t timeout_ms,
            struct sw_posted *ret, char *error, size_t room);

#endif
