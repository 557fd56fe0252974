/* seal_priv.h -- between seal.c (boxes), keys.c (what a role holds) and the key_*.c (files, and what names them).
 *
 * shapes   a ring: at most SW_RING_MAX keys, the first one seals, all open; peer[role].shared[i][j]: the key that our pair i and
 *          the role's pair j share
 * units    bytes
 * errors   sw__role_find: -ENOENT; sw__key_file_read: -errno of the file, -EINVAL what stands there is no ring
 * owner    sw_keys_load allocates with sodium_malloc and makes it read-only; who reads a key file wipes it
 * source   seal.h
 * limits   names of roles 9 characters
 */
#ifndef SW_SEAL_PRIV_H
#define SW_SEAL_PRIV_H

#include "common/key_file.h"
#include "common/seal.h"

#define SW__ROLES 7
#define SW__KEY_BYTES 32
#define SW__CURVE "curve-" /* and a role: its pair on the wire between machines (curve.h) */
#define SW__HEAD_MAX 39    /* "2.<from>.<from id>.<to>.<to id>" */

struct sw__ids {
    unsigned count;
    char id[SW_RING_MAX][SW_KEY_ID_CHARS + 1];
};

struct sw__secrets { /* count 0: this role does not hold it */
    struct sw__ids ids;
    uint8_t key[SW_RING_MAX][SW__KEY_BYTES];
};

struct sw__peer {
    struct sw__ids ids;
    uint8_t shared[SW_RING_MAX][SW_RING_MAX][SW__KEY_BYTES];
};

struct sw_keys {
    unsigned role;
    struct sw__peer peer[SW__ROLES]; /* with this role's own pairs under its own number */
    struct sw__secrets token, state;
};

extern const char *const sw__roles[SW__ROLES];
int sw__role_find(const char *name, size_t size);
/* Whether files of this name are a pair: those of a role, and its curve-<role>. */
bool sw__is_pair(const char *name);
/* The place of the key `id` in the ring, or -1. */
int sw__ids_find(const struct sw__ids *ids, const char *id, size_t size);

struct sw__key_file {
    unsigned count;
    uint8_t key[SW_RING_MAX][SW__KEY_BYTES];
    struct sw_ring_key about[SW_RING_MAX]; /* the same order */
};

/* "<dir>/<name>.<ending>": "key" or "pub". */
int sw__key_file_path(char path[4096], const char *dir, const char *name, const char *ending);
/* `name` is a role, curve-<role>, "token" or "state". `error` says what is wrong with which file. */
int sw__key_file_read(const char *dir, const char *name, const char *ending,
                      struct sw__key_file *ret, char *error, size_t room);
/* How a key is named; `pair`: the secret of one, which its public key names. */
void sw__key_id(const uint8_t key[SW__KEY_BYTES], bool pair, char ret[SW_KEY_ID_CHARS + 1]);
/* The public keys of a role's secrets, in the same order. */
void sw__key_file_public(const struct sw__key_file *secret, struct sw__key_file *ret);

#endif
