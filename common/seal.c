/* seal.c -- libsodium behind seal.h.
 *
 * The key that two roles share is computed once, while loading; the role's own secret is wiped
 * right after. What stays is one locked, read-only allocation. */
#include "common/seal.h"

#include "common/mem.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 32768
#define CONTEXT_MAX 255
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define CIPHER_MAX (NONCE + VALUE_MAX + TAG)
#define AAD_MAX (SW__HEAD_MAX + 1 + CONTEXT_MAX)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* libsodium 1.0.18 takes some bytes over 127 for letters: one box would have several spellings. */
static bool decode(const char *text, uint8_t *bytes, size_t room, size_t *ret_size) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t size = strlen(text);
    return size / 4 * 3 <= room && strspn(text, alphabet) == size &&
           sodium_base642bin(bytes, room, text, size, NULL, ret_size, NULL, VARIANT) == 0;
}

static unsigned broken;

unsigned sw_seal_broken(void) {
    return broken;
}

/* What a sealed text is bound to: "<head>|<context>", unambiguous because a head has no '|'. */
static int bind_to(const char *head, const char *context, char aad[AAD_MAX + 1]) {
    if (strlen(context) > CONTEXT_MAX) return -EINVAL;
    return snprintf(aad, AAD_MAX + 1, "%s|%s", head, context);
}

/* "<head>.<base64url of nonce, cipher text, tag>" */
static int seal(const uint8_t key[32], const char *head, const char *context, const json_t *value,
                char **ret) {
    char aad[AAD_MAX + 1], plain[VALUE_MAX];
    uint8_t cipher[CIPHER_MAX];
    int aad_size = bind_to(head, context, aad);
    if (aad_size < 0) return aad_size;
    size_t size = json_dumpb(value, plain, sizeof(plain), JSON_COMPACT | JSON_ENCODE_ANY);
    if (size == 0 || size > sizeof(plain)) {
        sodium_memzero(plain, sizeof(plain));
        return size ? -EMSGSIZE : -EINVAL;
    }
    randombytes_buf(cipher, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(cipher + NONCE, NULL, (const uint8_t *)plain, size,
                                               (const uint8_t *)aad, (size_t)aad_size, NULL, cipher,
                                               key);
    sodium_memzero(plain, size);
    size_t head_size = strlen(head);
    size_t room = sodium_base64_ENCODED_LEN(NONCE + size + TAG, VARIANT);
    char *text = sw_malloc(head_size + 1 + room);
    memcpy(text, head, head_size);
    text[head_size] = '.';
    sodium_bin2base64(text + head_size + 1, room, cipher, NONCE + size + TAG, VARIANT);
    *ret = text;
    return 0;
}

static int unseal(const uint8_t key[32], const char *head, const char *context, const char *sealed,
                  json_t **ret) {
    char aad[AAD_MAX + 1], plain[VALUE_MAX];
    uint8_t cipher[CIPHER_MAX];
    size_t size;
    unsigned long long plain_size;
    int aad_size = bind_to(head, context, aad);
    if (aad_size < 0) return -EBADMSG;
    if (!decode(sealed, cipher, sizeof(cipher), &size) || size < NONCE + TAG ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            (uint8_t *)plain, &plain_size, NULL, cipher + NONCE, size - NONCE, (const uint8_t *)aad,
            (size_t)aad_size, cipher, key) < 0)
        return -EBADMSG;
    json_t *value = json_loadb(plain, plain_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    sodium_memzero(plain, plain_size);
    if (!value) return -EBADMSG;
    *ret = value;
    return 0;
}

int sw_seal(const struct sw_keys *keys, const char *to, const char *context, const json_t *value,
            char **ret) {
    char head[SW__HEAD_MAX + 1];
    int peer = sw__role_find(to, strlen(to));
    if (peer < 0) return -ENOKEY;
    snprintf(head, sizeof(head), "1.%s.%s", sw__roles[keys->role], sw__roles[peer]);
    return seal(keys->pair[peer], head, context, value, ret);
}

static int unseal_box(const struct sw_keys *keys, const char *box, const char *context,
                      json_t **ret) {
    char head[SW__HEAD_MAX + 1];
    if (strncmp(box, "1.", 2) != 0) return -EBADMSG;
    const char *from = box + 2;
    const char *dot = strchr(from, '.');
    const char *end = dot ? strchr(dot + 1, '.') : NULL;
    if (!end) return -EBADMSG;
    int peer = sw__role_find(from, (size_t)(dot - from));
    /* A box for somebody else would not open either; this spares the try. */
    if (peer < 0 || sw__role_find(dot + 1, (size_t)(end - dot - 1)) != (int)keys->role) {
        return -EBADMSG;
    }
    snprintf(head, sizeof(head), "%.*s", (int)(end - box), box);
    return unseal(keys->pair[peer], head, context, end + 1, ret);
}

int sw_unseal(const struct sw_keys *keys, const char *box, const char *context, json_t **ret) {
    int r = unseal_box(keys, box, context, ret);
    if (r == -EBADMSG) broken++;
    return r;
}

int sw_row_seal(const struct sw_keys *keys, const char *context, const json_t *value, char **ret) {
    if (!keys->has_token) return -ENOKEY;
    return seal(keys->token, "1", context, value, ret);
}

int sw_row_unseal(const struct sw_keys *keys, const char *row, const char *context, json_t **ret) {
    if (!keys->has_token) return -ENOKEY;
    int r = strncmp(row, "1.", 2) == 0 ? unseal(keys->token, "1", context, row + 2, ret) : -EBADMSG;
    if (r == -EBADMSG) broken++;
    return r;
}

int sw_mac(const struct sw_keys *keys, const char *purpose, const char *text,
           char ret[SW_MAC_CHARS + 1]) {
    crypto_auth_hmacsha256_state state;
    uint8_t mac[32];
    if (!keys->has_state) return -ENOKEY;
    crypto_auth_hmacsha256_init(&state, keys->state, sizeof(keys->state));
    /* With its NUL, so that purpose and text cannot be divided otherwise. */
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(ret, SW_MAC_CHARS + 1, mac, sizeof(mac), VARIANT);
    sodium_memzero(&state, sizeof(state));
    return 0;
}

bool sw_mac_valid(const struct sw_keys *keys, const char *purpose, const char *text,
                  const char *mac) {
    char wanted[SW_MAC_CHARS + 1];
    return sw_mac(keys, purpose, text, wanted) == 0 && strlen(mac) == SW_MAC_CHARS &&
           sodium_memcmp(wanted, mac, SW_MAC_CHARS) == 0;
}

void sw_hmac(const char *secret, const void *data, size_t size, uint8_t ret[32]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, data, size);
    crypto_auth_hmacsha256_final(&state, ret);
    sodium_memzero(&state, sizeof(state));
}

bool sw_bytes_equal(const void *a, const void *b, size_t size) {
    return sodium_memcmp(a, b, size) == 0;
}

void sw_sha256(const void *data, size_t size, uint8_t ret[32]) {
    crypto_hash_sha256(ret, data, size);
}

static char *encode(const void *data, size_t size, int variant) {
    size_t room = sodium_base64_encoded_len(size, variant);
    return sodium_bin2base64(sw_malloc(room), room, data, size, variant);
}

char *sw_base64url(const void *data, size_t size) {
    return encode(data, size, VARIANT);
}

int sw_base64url_decode(const char *text, void *ret, size_t room) {
    size_t size;
    return decode(text, ret, room, &size) ? (int)size : -EBADMSG;
}

char *sw_base64(const void *data, size_t size) {
    return encode(data, size, sodium_base64_VARIANT_ORIGINAL);
}

void sw_hex(const void *data, size_t size, char *ret_text) {
    sodium_bin2hex(ret_text, 2 * size + 1, data, size);
}

void sw_derive(const uint8_t seed[32], const char *label, void *ret, size_t size) {
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t key[crypto_stream_chacha20_KEYBYTES];
    /* Each label has a key of its own, used once: a nonce of zeros is safe. */
    crypto_generichash(key, sizeof(key), (const uint8_t *)label, strlen(label), seed, 32);
    crypto_stream_chacha20(ret, size, nonce, key);
    sodium_memzero(key, sizeof(key));
}
