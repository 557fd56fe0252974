/* auth_link.c -- the tokens that stand in URLs; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <string.h>

#define RANDOM_CHARS 43

char *sw__auth_random(const struct sw__auth *a, const char *label) {
    uint8_t random[32];
    sw_derive(a->ctx->seed, label, random, sizeof(random));
    return sw_base64url(random, sizeof(random));
}

char *sw__auth_id(const struct sw__auth *a, const char *label) {
    uint8_t random[16];
    char *hex = sw_malloc(2 * sizeof(random) + 1);
    sw_derive(a->ctx->seed, label, random, sizeof(random));
    sw_hex(random, sizeof(random), hex);
    return hex;
}

char *sw__auth_hash(const char *text) {
    uint8_t hash[32];
    char *hex = sw_malloc(2 * sizeof(hash) + 1);
    sw_sha256(text, strlen(text), hash);
    sw_hex(hash, sizeof(hash), hex);
    return hex;
}

char *sw__auth_token(const struct sw__auth *a, const char *purpose, const char *random) {
    SW_AUTO(sw_text) char *text = sw_printf("%s.%s", a->in->inst, random);
    char mac[SW_MAC_CHARS + 1];
    /* auth holds the state key, or it would not have started. */
    if (sw_mac(a->ctx->keys, purpose, text, mac) < 0) abort();
    return sw_printf("%s.%s", text, mac);
}

char *sw__auth_offer_key(const char *purpose, const char *random) {
    SW_AUTO(sw_text) char *hash = sw__auth_hash(random);
    return sw_printf("%s/%s", purpose, hash);
}

/* The random part of a token of this installation, or NULL. */
static char *random_of(const struct sw__auth *a, const char *purpose, const char *token) {
    const size_t inst_size = strlen(a->in->inst), size = inst_size + 1 + RANDOM_CHARS;
    if (strlen(token) != size + 1 + SW_MAC_CHARS || strncmp(token, a->in->inst, inst_size) != 0 ||
        token[inst_size] != '.' || token[size] != '.')
        return NULL;
    SW_AUTO(sw_text) char *text = sw_strndup(token, size);
    if (!sw_mac_valid(a->ctx->keys, purpose, text, token + size + 1)) return NULL;
    return sw_strdup(text + inst_size + 1);
}

int sw__auth_offer(const struct sw__auth *a, const char *purpose, const char *token, char **ret_key,
                   char **ret_random, const json_t **ret) {
    SW_AUTO(sw_text) char *random = random_of(a, purpose, token);
    const json_t *offer = NULL;
    *ret = NULL;
    if (!random) return 0;
    SW_AUTO(sw_text) char *key = sw__auth_offer_key(purpose, random);
    int r = sw_fact(a->out, key, &offer);
    if (r < 0) return r;
    if (!offer || sw_int(offer, "created_ms") <= a->ctx->now_ms - SW__AUTH_OFFER_MS) return 0;
    *ret = offer;
    *ret_key = sw_take(&key);
    *ret_random = sw_take(&random);
    return 0;
}
