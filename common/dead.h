/* dead.h -- the dead letters: what could not be handled, kept with the reason.
 *
 * shapes   stream sw:{SS}:dead, fields actor, reason, m (one envelope); one JSON object a line is printed
 * units    at_ms is milliseconds since 1970 UTC
 * errors   as sync.h, with its one line
 * owner    the caller
 * source   ARCHITECTURE.md "Poison"
 * limits   about 10,000 a shard, the oldest go
 */
#ifndef SW_DEAD_H
#define SW_DEAD_H

#include "common/conf.h"

/* Prints every dead letter, oldest first in each shard, without its boxes; ret_count how many. */
int sw_dead_list(const struct sw_conf *conf, FILE *out, unsigned *ret_count, char *error,
                 size_t room);

#endif
