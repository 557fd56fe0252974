/* id_token.c -- see id_token.h. */
#include "actors/id_token.h"

#include "common/mem.h"
#include "common/seal.h"

#include <string.h>

#define CLAIMS_BYTES (16 * 1024)

json_t *sw_id_token_claims(const char *token) {
    const char *first = strchr(token, '.'), *last = first ? strchr(first + 1, '.') : NULL;
    char text[CLAIMS_BYTES];
    if (!last || strchr(last + 1, '.')) return NULL;
    SW_AUTO(sw_text) char *part = sw_strndup(first + 1, (size_t)(last - first - 1));
    int size = sw_base64url_decode(part, text, sizeof(text));
    if (size < 0) return NULL;
    SW_AUTO(sw_json) json_t *claims = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(claims) ? sw_take(&claims) : NULL;
}
