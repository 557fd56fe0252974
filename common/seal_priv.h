/* seal_priv.h -- between seal.c (boxes) and keys.c (files); nobody else includes it.
 *
 * shapes   pair[role]: the key that the loaded role shares with `role`
 * units    bytes
 * errors   sw__role_find: -ENOENT
 * owner    sw_keys_load allocates with sodium_malloc and makes it read-only
 * source   seal.h
 * limits   names of roles 15 characters
 */
#ifndef SW_SEAL_PRIV_H
#define SW_SEAL_PRIV_H

#include "common/seal.h"

#define SW__ROLES 7
#define SW__HEAD_MAX 33 /* "1.<from>.<to>" */

struct sw_keys {
    uint8_t pair[SW__ROLES][32];
    uint8_t token[32], state[32];
    unsigned role;
    bool has_token, has_state;
};

extern const char *const sw__roles[SW__ROLES];
int sw__role_find(const char *name, size_t size);

#endif
