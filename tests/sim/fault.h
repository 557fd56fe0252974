/* fault.h -- what can be made to go wrong between a client and a simulated platform.
 *
 * shapes   a fault {match "METHOD /prefix", kind, status?, retry_after?, delay_ms?, times?, skip?,
 *          body?, role?}: in match a segment may be "*", and "$" at the end stands for the path's
 *          end; `body` has to occur in the request's; the first `skip` of those pass unharmed
 *          status  answer that code in the platform's own words (github.com's are HTML, and a
 *                  403 with retry_after is GitHub's secondary rate limit), do nothing
 *          429     the same with Retry-After
 *          slow    wait, then do and answer
 *          late    do at once, wait, then answer
 *          cut     do, then break the connection in the middle of the body
 *          lost    do, then close the connection without a byte
 *          close   like lost, but only for a request that reuses a kept-alive connection; others
 *                  pass and do not use the fault up
 *          kill    SIGKILL the processes of `role` (actors file), do nothing; killed: do it, too
 * units    delay_ms; retry_after in seconds
 * errors   POST /sim/faults answers 422 for a fault it does not understand
 * owner    the one thread of the sim
 * source   none
 * limits   the oldest matching fault with times left is taken; times absent or 0 = for ever
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "state.h"

struct sim_fault_hit {
    const char *kind; /* NULL: none */
    enum sim_ending ending;
    unsigned status; /* not 0: answer this, do nothing */
    int64_t delay_ms, retry_after_s;
    bool late; /* the answer waits, not the effect */
};

struct sim_fault_hit sim_fault_take(struct sim *sim, const struct sim_req *req);
void sim_fault_reply(struct sim_req *req, const struct sim_fault_hit *hit);
void sim_fault_forget(struct sim *sim);

void sim_fault_post(struct sim *sim, struct sim_req *req);
void sim_fault_delete(struct sim *sim, struct sim_req *req);
void sim_fault_list(struct sim *sim, struct sim_req *req);

#endif
