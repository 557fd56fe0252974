/* audit.h -- reads the audit: who did what through Slipway, and how it ended.
 *
 * shapes   stream sw:{SS}:audit:<installation>, field m = one entry as JSON (actor.h "sw_audit"); set sw:{SS}:audits: the
 *          shard's installations that have one
 * units    as in the entry
 * errors   as sync.h, with its one line
 * owner    the callback borrows the entry
 * source   actor.h "sw_audit"
 * limits   about SLIPWAY_AUDIT_MAX entries an installation, the oldest go
 */
#ifndef SW_AUDIT_H
#define SW_AUDIT_H

#include "common/conf.h"

#include <jansson.h>

struct sw_audit_query {
    const char *installation;    /* NULL: every one */
    const char *user, *pipeline; /* NULL: any */
    const char *cmd;             /* NULL: any */
    int64_t since_ms;            /* 0: all */
    size_t last;                 /* 0: all that match, else the newest so many */
};

/* `entry` is {"error", "id"} where what stands there is no entry. */
typedef void sw_audit_fn(void *arg, const char *installation, const json_t *entry);

/* Oldest first, over all installations in the order in which they were written. */
int sw_audit_read(const struct sw_conf *conf, const struct sw_audit_query *query, sw_audit_fn *fn,
                  void *arg, char *error, size_t room);

#endif
