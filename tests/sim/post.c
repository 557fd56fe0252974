/* post.c -- in which order and how often webhooks leave; see happen.h. */
#include "happen.h"

#include <string.h>

/* splitmix64: the same seed gives the same delays. */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int64_t sim_event_delay_ms(struct sim *sim) {
    if (sim->conf.shuffle_seed == 0) return 0;
    uint64_t span_ms = (uint64_t)sim->conf.event_ms * SIM_SHUFFLE_STEPS + 1;
    return (int64_t)(next(&sim->shuffle) % span_ms);
}
