/* ingress.h -- what is decided about each HTTP request; the one actor that is asked by HTTP.
 *
 * shapes   POST /slack/commands -> slash.v1 to parser; POST /slack/interactive: a click of a button of ours is slash.v1
 *          too, its value is what is typed; POST /webhooks/heroku and /webhooks/github -> a record (actors/event.h) for
 *          notifier, what ends an authorization to auth; POST /slack/events -> event.v1 to auth or notifier; the sign-in
 *          pages (actors/pages.h) -> web.v1 to auth, answered by page.v1
 * units    *_ms milliseconds since 1970 UTC
 * errors   told in the decision: 4xx and 503 with a reason word; what a signed Slack request lacks is told in a 200,
 *          because people see the body of a 200 only; of an answer to a click they see nothing but that it failed
 * owner    the caller finishes the decision
 * source   PROTO.md; Slack "Slash commands", "Verifying requests"; Heroku "App Webhooks"
 * limits   64 KiB from Slack, 25 MiB and a million values of a webhook, 4 KiB from browsers; 4000 characters of text
 */
#ifndef SW_INGRESS_H
#define SW_INGRESS_H

#include "common/door.h"

sw_decide_fn sw_ingress_decide;

#endif
