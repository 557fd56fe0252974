/* request.h -- from an effect as a handler gave it to an HTTP call, and from its result to an answer.
 *
 * shapes   actor.h "An HTTP call"
 * units    *_ms milliseconds
 * errors   -EACCES a secret does not open or is not configured, or a URL that is not under the allowed origin;
 *          -EINVAL a request that is not one, or a path that climbs
 * owner    the caller finishes what it got: sw_call takes it
 * source   actor.h; RFC 3986
 * limits   48 KiB kept of an answer's JSON; of an error's `errors` 10, with 50 contexts
 */
#ifndef SW_REQUEST_H
#define SW_REQUEST_H

#include "common/call.h"
#include "common/conf.h"

#include <jansson.h>

struct sw_keys;

/* The base URL of an upstream; NULL: none of those ("hooks": the request names the whole of it). */
const char *sw_request_base(const struct sw_conf *conf, const char *up);
bool sw_request_once(const json_t *request);
/* Writes a JSON body that names no secret down as text, once: "json" becomes "body". */
void sw_request_freeze(json_t *request);
/* `context`: the command whose boxes the request names. */
int sw_request_build(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *request, struct sw_call_request *ret);
/* {"status", "json", ...}: what the answer's "http" holds. */
json_t *sw_request_answer(const json_t *request, const struct sw_call_result *result);
/* Only the listed fields of an object, or of each element of a list; "a.b" looks inside objects and lists alike. */
json_t *sw_request_project(const json_t *value, const json_t *fields);

#endif
