/* curve.h -- who may speak on the wire between machines: this process' own pair, and the allow-list by role.
 *
 * shapes   files curve-<role>.key and curve-<role>.pub, rings as in common/key_file.h: the first line is the pair that a process of
 *          the role takes when it starts, and all lines of a .pub are let in
 * units    keys are SW_CURVE_BYTES bytes
 * errors   sw_curve_load, sw_curve_reload: -errno of a file, -EINVAL what stands there is no ring, or the .pub does not hold the
 *          key in use; `error` gets one line. -ENOENT of sw_curve_load with an empty `error`: this role has no such pair
 * owner    the caller destroys; the secret is in locked memory and is wiped (ZeroMQ keeps a copy of its own)
 * source   rfc.zeromq.org/spec/26 (CURVE), /27 (ZAP); a CURVE pair is an X25519 pair
 * limits   SW_RING_MAX keys of a role
 */
#ifndef SW_CURVE_H
#define SW_CURVE_H

#include "common/key_file.h"

#include <jansson.h>

#define SW_CURVE_BYTES 32

struct sw_curve;

int sw_curve_load(const char *dir, const char *role, struct sw_curve **ret, char *error,
                  size_t room);
/* Reads the allow-list again, all of it or nothing; the pair in use stays. */
int sw_curve_reload(struct sw_curve *curve, char *error, size_t room);
void sw_curve_destroy(struct sw_curve *curve);

const uint8_t *sw_curve_secret(const struct sw_curve *curve);
const uint8_t *sw_curve_public(const struct sw_curve *curve);
const char *sw_curve_id(const struct sw_curve *curve);
/* Whether others still let the pair in use in, as far as the files here say. */
bool sw_curve_current(const struct sw_curve *curve);

/* The role that has this public key and, in `ret_id`, the key's id; NULL: nobody's. */
const char *sw_curve_find(const struct sw_curve *curve, const uint8_t key[SW_CURVE_BYTES],
                          const char **ret_id);
/* The key `id` of a role; NULL: it is not in its ring. */
const uint8_t *sw_curve_key(const struct sw_curve *curve, const char *role, const char *id);

/* Adds {"curve-<role>": [ids]}: of this role the one in use first, of others in the order of their files. */
void sw_curve_known(const struct sw_curve *curve, json_t *known);

#endif
