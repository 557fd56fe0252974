/* happen.h -- what happens at GitHub and Heroku without Slipway, and how it is told by webhooks.
 *
 * shapes   webhooks leave at once, in order. With --shuffle-events each waits for a while that the seed
 *          decides; with --repeat-events each is delivered twice, as the same event
 * units    *_ms; a step is --event-ms
 * errors   none
 * owner    the one thread of the sim
 * source   none
 * limits   a shuffled webhook is late by 20 steps at most
 */
#ifndef SIM_HAPPEN_H
#define SIM_HAPPEN_H

#include "state.h"

#define SIM_SHUFFLE_STEPS 20

/* post.c */
int64_t sim_event_delay_ms(struct sim *sim);

#endif
