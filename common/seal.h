/* seal.h -- what is secret travels and rests in boxes; this is the only door to cryptography.
 *
 * shapes   box    "2.<from>.<key id>.<to>.<key id>.<base64url>": XChaCha20-Poly1305 under the key that the two roles share
 *                 (X25519 of their key pairs), bound to from, to, both key ids and `context`
 *          row    "2.<key id>.<base64url>": XChaCha20-Poly1305 under the token key, bound to key id and `context`
 *          mac    base64url HMAC-SHA256 under the state key, 43 characters
 *          files  <role>.key (only its role may read it), <role>.pub, token.key (auth), state.key (ingress and auth): each a
 *                 ring of 1 to 4 keys, a line each; the first one seals, all open (common/key_file.h)
 * units    sizes are bytes
 * errors   -ENOENT a key file is missing; -EINVAL a key file is malformed; -EBADMSG a box or row that does not open
 *          (wrong recipient, other context, changed); -ENOKEY one of a key that is not in the ring (retired), this role
 *          does not hold such keys, or no such role; -EMSGSIZE the value and -EINVAL the context is over the limit;
 *          sw_keys_make: -EINVAL also where a .pub is there without its .key or does not belong to it, else -errno of the file
 * owner    the caller frees text and values; keys live in locked memory and are wiped
 * source   libsodium: crypto_box_beforenm, crypto_aead_xchacha20poly1305_ietf; RFC 2104
 * limits   a value of 32 KiB; contexts of 255 characters
 */
#ifndef SW_SEAL_H
#define SW_SEAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_keys;
struct sw_curve;

#define SW_SEAL_MAX_BYTES (32 * 1024) /* of a value, as JSON */

/* The keys that `role` may hold, from `dir`. On failure `error` says which file. */
int sw_keys_load(const char *dir, const char *role, struct sw_keys **ret, char *error, size_t room);
void sw_keys_destroy(struct sw_keys *keys);
/* Whether `next` still opens what `keys` seals, as it does in every step of `slipway keys`; if not, `error` says what is
 * missing. */
bool sw_keys_follow(const struct sw_keys *keys, const struct sw_keys *next, char *error,
                    size_t room);
/* The ids of all keys held, those that seal first: {"auth": ["1a2b3c4d", ...], ..., "token": [...]}, and those of `curve` (NULL:
 * not on such a wire); the caller frees. */
char *sw_keys_known(const struct sw_keys *keys, const struct sw_curve *curve);
/* Makes a directory with every missing key file (0600); existing ones stay. */
int sw_keys_make(const char *dir);
/* The same; on failure `error` says which file it is, and why. */
int sw_keys_init(const char *dir, char *error, size_t room);
/* The same for the pairs of the wire between machines (common/curve.h). */
int sw_keys_curve(const char *dir, char *error, size_t room);

/* For a role; `context` is the command id unless the header of the user says otherwise. */
int sw_seal(const struct sw_keys *keys, const char *to, const char *context, const json_t *value,
            char **ret);
int sw_unseal(const struct sw_keys *keys, const char *box, const char *context, json_t **ret);

/* At rest: only auth holds the token key. Context: "<installation>/<user>/<provider>". */
int sw_row_seal(const struct sw_keys *keys, const char *context, const json_t *value, char **ret);
int sw_row_unseal(const struct sw_keys *keys, const char *row, const char *context, json_t **ret);
/* Sealed with the current token key; false too for what is no row. */
bool sw_row_current(const struct sw_keys *keys, const char *row);
/* False: it names a key that is not in the ring; nothing is said of what is no row at all. */
bool sw_row_known(const struct sw_keys *keys, const char *row);

#define SW_MAC_CHARS 43
/* How many boxes and rows did not open since the process began: an alarm, since only what we sealed comes here. */
unsigned sw_seal_broken(void);

/* HMAC under the current state key, and, under any key of the ring, its constant-time check. */
int sw_mac(const struct sw_keys *keys, const char *purpose, const char *text,
           char ret[SW_MAC_CHARS + 1]);
bool sw_mac_valid(const struct sw_keys *keys, const char *purpose, const char *text,
                  const char *mac);

/* HMAC-SHA256 of raw bytes with a secret of the platforms. */
void sw_hmac(const char *secret, const void *data, size_t size, uint8_t ret[32]);
bool sw_bytes_equal(const void *a, const void *b, size_t size); /* constant time */
void sw_sha256(const void *data, size_t size, uint8_t ret[32]);
/* Unpadded base64url; the caller frees. */
char *sw_base64url(const void *data, size_t size);
/* And back: how many bytes, or -EBADMSG: it is no such text, or more than `room`. */
int sw_base64url_decode(const char *text, void *ret, size_t room);
/* Standard base64 with padding (Heroku's webhooks); the caller frees. */
char *sw_base64(const void *data, size_t size);
void sw_hex(const void *data, size_t size, char *ret_text); /* 2 * size + 1 characters */
/* A stream of pseudo-random bytes of seed and label: same seed and label, same bytes. */
void sw_derive(const uint8_t seed[32], const char *label, void *ret, size_t size);

#endif
