/* clock.h -- what a clock of this machine says.
 *
 * shapes   none
 * units    milliseconds
 * errors   none: the clocks that are asked are always there
 * owner    none
 * source   clock_gettime(2)
 * limits   for the runtime and programs: a handler has the time from its context
 */
#ifndef SW_CLOCK_H
#define SW_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t sw_clock_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
