/* redis_acl.h -- which user of Redis may do what: one for each role, and one for the operator.
 *
 * shapes   DIR/users.acl (Redis' aclfile): users slipway-<role> and slipway-operator, the default user off; DIR/slipway-<role> and
 *          DIR/slipway-operator: their passwords, what SLIPWAY_REDIS_PASSWORD_FILE names
 * units    none
 * errors   -errno and one line that names the file
 * owner    files are 0600 and the caller's; passwords are wiped
 * source   Redis "ACL", version 7 (selectors); PROTO.md "who sends what"; common/lua
 * limits   two passwords a user: current and previous
 */
#ifndef SW_REDIS_ACL_H
#define SW_REDIS_ACL_H

#include <stddef.h>

/* Makes the passwords that are missing, and writes users.acl anew. Of one that is there, lines of other users stay. */
int sw_redis_acl_write(const char *dir, char *error, size_t room);

#endif
