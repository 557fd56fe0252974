/* event.h -- what of a webhook goes on: the record of the stream, which is the body of event.v1.
 *
 * shapes   record: {v: 1, source, type, event_id, dedupe, at_ms, action?, ...}, the fields of PROTO.md "Events" and no others; ids of
 *          GitHub are integers, those of Heroku texts. `dedupe` names the event once: "gh:<hook id>:<delivery>",
 *          "wh:<event id>"
 * units    at_ms since 1970 UTC, by the platform's clock; sizes are bytes
 * errors   -ENOENT of a kind that nobody is told of; -EBADMSG without what it must have
 * owner    the caller owns *ret; all else is borrowed
 * source   GitHub "Webhook events and payloads"; Heroku "App Webhooks"
 * limits   32 KiB a record as compact JSON, whatever comes; 300 bytes a text unless said, marked with an ellipsis where cut
 */
#ifndef SW_EVENT_H
#define SW_EVENT_H

#include "common/door.h" /* SW_EVENT_BYTES */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SW_EVENT_ID_CHARS 64

/* [0-9A-Za-z-], 1 to 64: what may be part of a key. */
bool sw_event_is_id(const char *text);

/* `name`: X-GitHub-Event; `hook_id`: X-GitHub-Hook-ID, "" where there is none. */
int sw_event_github(const json_t *payload, const char *name, const char *hook_id,
                    const char *delivery, int64_t now_ms, json_t **ret);
int sw_event_heroku(const json_t *payload, int64_t now_ms, json_t **ret);

#endif
