/* dice.h -- chances that are the same on every machine: xorshift.
 *
 * shapes   none
 * units    none
 * errors   none
 * owner    the file that includes it: one sequence, from one seed to the next
 * source   Marsaglia, "Xorshift RNGs"
 * limits   from seed 0 comes nothing but 0
 */
#ifndef SW_TESTS_DICE_H
#define SW_TESTS_DICE_H

#include <stddef.h>
#include <stdint.h>

/* Orders that a test of a whole conversation throws; under a sanitizer each takes ten times as long. */
#if defined(__SANITIZE_ADDRESS__)
#define ORDERS 100
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ORDERS 100
#endif
#endif
#ifndef ORDERS
#define ORDERS 1000
#endif

static uint64_t dice;

static inline void dice_seed(uint64_t seed) {
    dice = seed * 0x9e3779b97f4a7c15u;
}

static inline size_t below(size_t n) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return n ? dice % n : 0;
}

#endif
