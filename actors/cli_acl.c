/* cli_acl.c -- `slipway acl`; see cli.h. */
#include "actors/cli.h"
#include "common/redis_acl.h"

#include <stdio.h>

static const char usage[] =
    "usage: slipway acl DIR\n\n"
    "Writes the users of Slipway's Redis (version 7 or newer) into DIR, which must be there:\n\n"
    "  users.acl       for `aclfile` in redis.conf: slipway-<role> for each of the seven roles,\n"
    "                  which may only what the role needs, slipway-operator for the commands,\n"
    "                  and the default user off; lines of other users stay as they are\n"
    "  slipway-<role>  its password, made where it is missing: SLIPWAY_REDIS_USER is the same\n"
    "                  name, and SLIPWAY_REDIS_PASSWORD_FILE names the file\n\n"
    "To change a password write the new one above the old one, run this again, let Redis read\n"
    "users.acl (redis-cli ACL LOAD) and replace the file where it is used; then take the old\n"
    "line out, run this, and ACL LOAD once more. Run it after each upgrade, too.\n";

int sw_cli_acl(int argc, char **argv) {
    char error[4200];
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("acl");
    if (argc != 2 || argv[1][0] == '-' || !argv[1][0]) return fputs(usage, stderr), SW_EXIT_USAGE;
    if (sw_redis_acl_write(argv[1], error, sizeof(error)) < 0) {
        fprintf(stderr, "slipway acl: %s\n", error);
        return SW_EXIT_FAILED;
    }
    printf("%s/users.acl is written; redis-cli ACL LOAD lets Redis read it.\n", argv[1]);
    return sw_cli_written("acl");
}
