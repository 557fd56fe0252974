/* seal.c -- libsodium behind seal.h.
 *
 * The keys that two roles share are computed once, while loading; the role's own secrets are wiped
 * right after. What stays is one locked, read-only allocation. */
#include "common/seal.h"

#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX SW_SEAL_MAX_BYTES
#define CONTEXT_MAX 255
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define CIPHER_MAX (NONCE + VALUE_MAX + TAG)
#define AAD_MAX (SW__HEAD_MAX + 1 + CONTEXT_MAX)
#define VERSION "2."
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

static int counted(const char *what, int r) {
    if (r < 0) {
        broken++;
        sw_metric_add(SW_M_SEAL_BROKEN, 1, what);
    }
    return r;
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
    int role = sw__role_find(to, strlen(to));
    if (role < 0) return -ENOKEY;
    const struct sw__peer *peer = &keys->peer[role];
    snprintf(head, sizeof(head), VERSION "%s.%s.%s.%s", sw__roles[keys->role],
             keys->peer[keys->role].ids.id[0], sw__roles[role], peer->ids.id[0]);
    return seal(peer->shared[0][0], head, context, value, ret);
}

/* The text up to the next dot; *at goes behind it. */
static const char *next_part(const char **at, size_t *ret_size) {
    const char *part = *at, *dot = strchr(part, '.');
    *ret_size = dot ? (size_t)(dot - part) : 0;
    if (dot) *at = dot + 1;
    return part;
}

static int unseal_box(const struct sw_keys *keys, const char *box, const char *context,
                      json_t **ret) {
    char head[SW__HEAD_MAX + 1];
    size_t from_size, from_id_size, to_size, to_id_size;
    if (strncmp(box, VERSION, strlen(VERSION)) != 0) return -EBADMSG;
    const char *at = box + strlen(VERSION);
    const char *from = next_part(&at, &from_size), *from_id = next_part(&at, &from_id_size);
    const char *to = next_part(&at, &to_size), *to_id = next_part(&at, &to_id_size);
    int role = sw__role_find(from, from_size);
    /* A box for somebody else would not open either; this spares the try. */
    if (role < 0 || sw__role_find(to, to_size) != (int)keys->role) return -EBADMSG;
    if (from_id_size != SW_KEY_ID_CHARS || to_id_size != SW_KEY_ID_CHARS) return -EBADMSG;
    const struct sw__peer *peer = &keys->peer[role];
    int theirs = sw__ids_find(&peer->ids, from_id, from_id_size);
    int ours = sw__ids_find(&keys->peer[keys->role].ids, to_id, to_id_size);
    if (theirs < 0 || ours < 0) return -ENOKEY;
    snprintf(head, sizeof(head), "%.*s", (int)(at - 1 - box), box);
    return unseal(peer->shared[ours][theirs], head, context, at, ret);
}

int sw_unseal(const struct sw_keys *keys, const char *box, const char *context, json_t **ret) {
    return counted("box", unseal_box(keys, box, context, ret));
}

int sw_row_seal(const struct sw_keys *keys, const char *context, const json_t *value, char **ret) {
    char head[SW__HEAD_MAX + 1];
    if (!keys->token.ids.count) return -ENOKEY;
    snprintf(head, sizeof(head), VERSION "%s", keys->token.ids.id[0]);
    return seal(keys->token.key[0], head, context, value, ret);
}

/* The place of the row's key; -EBADMSG not a row, -ENOKEY of a key that is not in the ring. */
static int row_key(const struct sw_keys *keys, const char *row, const char **ret_text) {
    size_t size;
    if (strncmp(row, VERSION, strlen(VERSION)) != 0) return -EBADMSG;
    *ret_text = row + strlen(VERSION);
    const char *id = next_part(ret_text, &size);
    if (size != SW_KEY_ID_CHARS) return -EBADMSG;
    int i = sw__ids_find(&keys->token.ids, id, size);
    return i < 0 ? -ENOKEY : i;
}

static int unseal_row(const struct sw_keys *keys, const char *row, const char *context,
                      json_t **ret) {
    char head[SW__HEAD_MAX + 1];
    const char *text;
    int i = row_key(keys, row, &text);
    if (i < 0) return i;
    snprintf(head, sizeof(head), VERSION "%s", keys->token.ids.id[i]);
    return unseal(keys->token.key[i], head, context, text, ret);
}

int sw_row_unseal(const struct sw_keys *keys, const char *row, const char *context, json_t **ret) {
    if (!keys->token.ids.count) return -ENOKEY;
    return counted("row", unseal_row(keys, row, context, ret));
}

bool sw_row_current(const struct sw_keys *keys, const char *row) {
    const char *text;
    return row_key(keys, row, &text) == 0;
}

bool sw_row_known(const struct sw_keys *keys, const char *row) {
    const char *text;
    return row_key(keys, row, &text) != -ENOKEY;
}

static void mac_of(const uint8_t key[SW__KEY_BYTES], const char *purpose, const char *text,
                   char ret[SW_MAC_CHARS + 1]) {
    crypto_auth_hmacsha256_state state;
    uint8_t mac[32];
    crypto_auth_hmacsha256_init(&state, key, SW__KEY_BYTES);
    /* With its NUL, so that purpose and text cannot be divided otherwise. */
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(ret, SW_MAC_CHARS + 1, mac, sizeof(mac), VARIANT);
    sodium_memzero(&state, sizeof(state));
}

int sw_mac(const struct sw_keys *keys, const char *purpose, const char *text,
           char ret[SW_MAC_CHARS + 1]) {
    if (!keys->state.ids.count) return -ENOKEY;
    mac_of(keys->state.key[0], purpose, text, ret);
    return 0;
}

bool sw_mac_valid(const struct sw_keys *keys, const char *purpose, const char *text,
                  const char *mac) {
    char wanted[SW_MAC_CHARS + 1];
    bool valid = false;
    if (strlen(mac) != SW_MAC_CHARS) return false;
    for (unsigned i = 0; i < keys->state.ids.count; i++) {
        mac_of(keys->state.key[i], purpose, text, wanted);
        valid = sodium_memcmp(wanted, mac, SW_MAC_CHARS) == 0 || valid;
    }
    return valid;
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
