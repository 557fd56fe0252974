/* plan_poll.c -- waits between two looks, longer each time that nothing moved.
 * See plan_priv.h. */
#include "actors/plan_priv.h"

#define RATE_RESERVE 300 /* calls of the account's hour that are left to its owner */
#define RATE_WAIT_MS 30000

void sw__poll_wait(struct sw__plan *p) {
    const struct sw_conf *conf = p->ctx->conf;
    int64_t wait_ms = sw_int(p->state, "wait_ms");
    if (wait_ms < conf->poll_min_ms) wait_ms = conf->poll_min_ms;
    int64_t longer_ms = wait_ms + wait_ms / 2;
    if (longer_ms > conf->poll_max_ms) longer_ms = conf->poll_max_ms;
    sw__set(p->state, "wait_ms", json_integer(longer_ms));
    bool scarce = json_is_true(json_object_get(p->state, "scarce"));
    sw__plan_wait(p, scarce && wait_ms < RATE_WAIT_MS ? RATE_WAIT_MS : wait_ms);
}

void sw__poll_moved(struct sw__plan *p) {
    json_object_del(p->state, "wait_ms");
}

void sw__poll_rate(struct sw__plan *p, const struct sw__said *said) {
    if (said->rate_remaining < 0) return;
    sw__set(p->state, "scarce", json_boolean(said->rate_remaining < RATE_RESERVE));
}
