/* signature.h -- who sent these bytes: the signatures of Slack, Heroku and GitHub.
 *
 * shapes   Slack: "v0=" and 64 lower case hex digits of HMAC-SHA256("v0:<timestamp>:<raw body>"); Heroku: base64 of
 *          HMAC-SHA256(raw body); GitHub: "sha256=" and 64 lower case hex digits of HMAC-SHA256(raw body)
 * units    Slack's timestamp: seconds since 1970 UTC, digits only
 * errors   -ENOKEY no secret is configured, -ENODATA a header is missing, -ESTALE more than 300 s away from now (either
 *          side), -EBADMSG anything else that is not right
 * owner    none
 * source   Slack "Verifying requests from Slack"; Heroku "App Webhooks"; GitHub "Validating webhook
 *          deliveries" (X-Hub-Signature-256)
 * limits   none; the current and the previous secret count, in constant time
 */
#ifndef SW_SIGNATURE_H
#define SW_SIGNATURE_H

#include "common/conf.h"
#include "common/door.h"

#define SW_SIGNATURE_HEX 64

/* ret: the hex digits, one of a kind for these bytes and this second. */
int sw_signature_slack(const struct sw_secret *secret, int64_t now_ms,
                       const struct sw_request *request, char ret[SW_SIGNATURE_HEX + 1]);
int sw_signature_heroku(const struct sw_secret *secret, const struct sw_request *request);
int sw_signature_github(const struct sw_secret *secret, const struct sw_request *request);

#endif
