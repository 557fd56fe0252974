/* trace.h -- what a process was at when it ended, for the one that takes over its shards.
 *
 * shapes   file <run dir>/<role>-<nonce>.at: one page in memory that the kernel keeps whatever happens to the process; its owner
 *          holds a lock on it while it lives
 * units    ids as in the mailbox: generation and number
 * errors   none: without a file nothing is known (SW_ENDED_UNKNOWN)
 * owner    the loop thread; sw_trace_hung may be called by a signal handler
 * source   flock(2), mmap(2) MAP_SHARED
 * limits   this machine; files of the dead are kept for an hour; SW_TRACE_SHARDS shards
 */
#ifndef SW_TRACE_H
#define SW_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define SW_TRACE_SHARDS 64

enum sw_ended {
    SW_ENDED_QUIET,   /* nothing of the shard was under way, or it lives and only lost its lease */
    SW_ENDED_UNKNOWN, /* no file */
    SW_ENDED_BUSY,    /* not in a handler; commits were under way */
    SW_ENDED_CRASHED, /* in the handler of the entry */
    SW_ENDED_HUNG,    /* so too: it did not come back */
};

struct sw_ending {
    enum sw_ended how;
    unsigned lane;
    uint64_t gen, seq;
    bool
        blameless; /* it lives, or it ended by itself since its lease had run out: no entry is the reason */
};

/* Of this process; until it is called, and where it fails, the others do nothing. */
/* Answers how many processes of this role ended here after sw_trace_stale, each told to one process only. */
unsigned sw_trace_open(const char *dir, const char *role, const char *nonce);
/* Another owns a shard of this process: it ends, so that the next one of its role has to tell. */
void sw_trace_stale(void);
/* Ended on purpose. `released`: nobody will ask. */
void sw_trace_close(bool released);
void sw_trace_begin(unsigned shard, unsigned lane, uint64_t gen, uint64_t seq);
void sw_trace_end(void);
void sw_trace_busy(unsigned shard, bool busy);
void sw_trace_hung(void);

/* Of the process `nonce`, as far as it concerns `shard`. */
struct sw_ending sw_trace_read(const char *dir, const char *role, const char *nonce,
                               unsigned shard);

#endif
