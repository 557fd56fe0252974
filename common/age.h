/* age.h -- how long the oldest entry of a stream has been there, from ids that say nothing of time.
 *
 * shapes   a short list of the stream's newest id, each with the time at which it was seen first
 * units    *_ms: one clock, the caller's
 * errors   none
 * owner    the caller
 * source   none
 * limits   SW_AGES ids: every second one is forgotten when they are full, so of a long queue the age is known to within a tenth
 *          of the longest, and never said to be more than it is; what was there when the list began is as old as the list at least
 */
#ifndef SW_AGE_H
#define SW_AGE_H

#include <stdbool.h>
#include <stdint.h>

#define SW_AGES 32

struct sw_id { /* of a stream entry */
    uint64_t gen, seq;
};

struct sw_age {
    struct {
        struct sw_id id;
        int64_t at_ms;
    } seen[SW_AGES];
    unsigned count;
    bool inherited; /* the first of them was there when the list began */
    struct sw_id oldest;
    int64_t step_ms; /* between those before the last one, at least */
    int64_t noted_at_ms, age_ms;
};

/* The stream as it is now; `oldest` {0, 0}: it is empty. */
void sw_age_note(struct sw_age *age, struct sw_id oldest, struct sw_id newest, int64_t now_ms);
/* As of the last note; where there was none for `silent_ms` time goes on. */
int64_t sw_age_ms(const struct sw_age *age, int64_t now_ms, int64_t silent_ms);

#endif
