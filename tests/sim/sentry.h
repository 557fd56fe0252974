/* sentry.h -- the simulated Sentry: one endpoint that takes envelopes, and is strict about them.
 *
 * shapes   POST /sentry/api/<project>/envelope/; its DSN is http://<key>@127.0.0.1:PORT/sentry/<project>
 *          with any key and project. GET /sim/sentry -> {events: [event], refused: [{reason}]}
 * units    none
 * errors   401 without a key, 403 for a DSN of another project or key, 400 for what breaks the
 *          protocol: {detail}
 * owner    the one thread of the sim
 * source   develop.sentry.dev: Envelopes, Event Payloads, authentication
 * limits   1,000 events and 1,000 refusals are kept; only items of type event are understood
 */
#ifndef SIM_SENTRY_H
#define SIM_SENTRY_H

#include "state.h"

void sim_sentry_post(struct sim *sim, struct sim_req *req);
void sim_sentry_show(struct sim *sim, struct sim_req *req);
void sim_sentry_forget(struct sim *sim);

/* sentry_event.c: NULL when the protocol allows it, else what is wrong, a literal. */
const char *sim_sentry_check(const json_t *event, const char *event_id);
bool sim_sentry_id(const char *text); /* 32 hexadecimal digits */

#endif
