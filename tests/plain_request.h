/* plain_request.h -- a request as ingress gets it, with no header that it looks for.
 *
 * shapes   what is absent is ""; the caller puts in what its sender would have sent
 * units    size in bytes
 * errors   none
 * owner    everything is borrowed
 * source   common/door.h struct sw_request
 * limits   none
 */
#ifndef SW_TESTS_PLAIN_REQUEST_H
#define SW_TESTS_PLAIN_REQUEST_H

#include "common/door.h"

static inline struct sw_request plain_request(const char *method, const char *path,
                                              const char *body, size_t size) {
    return (struct sw_request){.method = method,
                               .path = path,
                               .query = "",
                               .body = body,
                               .body_size = size,
                               .content_type = "",
                               .cookie = "",
                               .authorization = "",
                               .slack_signature = "",
                               .slack_timestamp = "",
                               .heroku_hmac = "",
                               .github_event = "",
                               .github_delivery = "",
                               .github_signature = "",
                               .github_hook = ""};
}

#endif
