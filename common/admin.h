/* admin.h -- what an operator asks of one process: is it alive, is it ready, what did it count.
 *
 * shapes   GET /healthz, /readyz: JSON {role, pid, version, shards, redis}; 200, or 503 when not; /metrics:
 *          metrics.h, in the format that Accept prefers
 * units    none
 * errors   sw__admin_create: as sw_door_create
 * owner    the loop thread
 * source   Kubernetes "Liveness, readiness"; liveness never depends on Redis
 * limits   as door.h
 */
#ifndef SW_ADMIN_H
#define SW_ADMIN_H

#include "common/door.h"
#include "common/run_priv.h"

int sw__admin_create(struct sw_run *run, struct sw_door **ret);
/* measure.c: the shards that are ours, and the gauges of this moment. */
unsigned sw__owned(const struct sw_run *run);
void sw__measure(const struct sw_run *run);
/* Redis is there, and every shard of this process' share was asked for. */
bool sw__ready(const struct sw_run *run);

#endif
