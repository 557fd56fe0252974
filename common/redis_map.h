/* redis_map.h -- which Redis holds which shard: SLIPWAY_REDIS, read.
 *
 * shapes   "host:port" (IPv6 in brackets), "/path/of/a/socket" or "sentinel://NAME@host:port,host:port"; or several of them,
 *          "0-31=ADDRESS 32-63=ADDRESS", each shard exactly once, where "7=ADDRESS" is one shard
 * units    none
 * errors   sw_redis_map_parse: -EINVAL and one line that says what is wrong, and names a gap or an overlap
 * owner    the caller; nothing is allocated
 * source   Redis "Sentinel client spec"
 * limits   SW_REDISES addresses, SW_SENTINELS sentinels of one
 */
#ifndef SW_REDIS_MAP_H
#define SW_REDIS_MAP_H

#include <stdbool.h>
#include <stddef.h>

#define SW_REDISES 16
#define SW_SENTINELS 8
#define SW_REDIS_SHARDS 64
#define SW_REDIS_HOST 272 /* a name of 253 characters and a port */

struct sw_redis_address {
    char master[64]; /* its name at the sentinels; "": `host[0]` is Redis itself */
    unsigned hosts;
    char host[SW_SENTINELS][SW_REDIS_HOST];
};

struct sw_redis_map {
    unsigned count;
    unsigned of[SW_REDIS_SHARDS]; /* shard -> address; keys without a shard live at the first, 0 */
    struct sw_redis_address address[SW_REDISES];
};

int sw_redis_map_parse(const char *text, struct sw_redis_map *ret, char *error, size_t room);
/* "host:port" or "[::1]:port" apart, without brackets; false: it is the path of a socket. */
bool sw_redis_host_split(const char *text, char host[SW_REDIS_HOST], int *ret_port);

#endif
