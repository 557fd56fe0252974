/* probe.h -- whether others can be reached from here: each asked once, all at the same time.
 *
 * shapes   `url` http or https; any answer counts, whatever its status. "tcp://host:port": whether it takes a connection
 * units    *_ms milliseconds
 * errors   in `error`: "" where it was reached
 * owner    the caller; `url` is borrowed
 * source   libcurl multi interface; RFC 9110 Date
 * limits   SW_PROBES at once; no redirects; what is answered is not read
 */
#ifndef SW_PROBE_H
#define SW_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_PROBES 64

struct sw_probe {
    const char *url;
    int status;      /* of HTTP; 0 none */
    bool dated;      /* the answer said what time it is there, to the second */
    int64_t skew_ms; /* this machine's clock before that */
    char error[256];
};

/* Returns when each has answered or failed, and not later than that. */
void sw_probe(struct sw_probe *probe, size_t count, int64_t timeout_ms);

#endif
