/* id_token.h -- what an id_token claims; whether that is true and meant for us, its reader decides.
 *
 * shapes   "<header>.<claims>.<signature>", each unpadded base64url; the claims are a JSON object
 * units    none
 * errors   NULL: it is no such token, is too long, or names a claim twice
 * owner    the caller decrefs
 * source   RFC 7519; OpenID Connect Core 2 and 3.1.3.7
 * limits   16 KiB of claims (Slack's hold pictures in a dozen sizes); header and signature are not read
 */
#ifndef SW_ID_TOKEN_H
#define SW_ID_TOKEN_H

#include <jansson.h>

json_t *sw_id_token_claims(const char *token);

#endif
