/* run.h -- one process: an actor with its mailboxes, or the door with its decider, until it is told to stop.
 *
 * shapes   GET /healthz, /readyz (JSON) and /metrics (Prometheus text) on SLIPWAY_ADMIN; a file descriptor named by
 *          SLIPWAY_READY_FD gets the lines "admin <url>" and, of ingress, "http <url>" when the process is ready
 * units    none
 * errors   exit status 0 drained after SIGTERM; 64 wrong usage; 75 ownership was lost (start me again); 78 a setting is
 *          wrong or Redis is unfit
 * owner    the process
 * source   ARCHITECTURE.md
 * limits   one run a process
 */
#ifndef SW_RUN_H
#define SW_RUN_H

#include "common/door.h"

/* Exactly one of `actor` and `decide` is not NULL. */
int sw_run(const char *role, const struct sw_actor *actor, sw_decide_fn *decide, int argc,
           char **argv);

#endif
