/* append.h -- what a door or the stream takes in, on its way into mailboxes: many appends, one script, one fsync.
 *
 * shapes   struct sw_append (door.h) in, one verdict each out
 * units    none
 * errors   sw__appends_add: as sw_msg_pack; there is then no verdict
 * owner    the loop thread; the caller keeps an append until its verdict
 * source   ARCHITECTURE.md "The door"
 * limits   GROUP_MAX appends of a shard in one script; how many wait is the caller's to bound
 */
#ifndef SW_APPEND_H
#define SW_APPEND_H

#include "common/door.h"
#include "common/run_priv.h"

enum sw_verdict {
    SW_APPENDED,
    SW_DUPLICATE, /* seen before */
    SW_SHED,      /* too much is owed, or memory is full */
    SW_UNSAID,    /* Redis has not said */
};
/* Only of SW_UNSAID it counts what is returned: true asks again, with false it is forgotten. */
typedef bool sw_verdict_fn(void *owner, const struct sw_append *append, enum sw_verdict verdict);

struct sw_appends;
/* `patient`: waits while Redis is away or its memory is nearly full, or a mailbox deep, instead of being told SW_UNSAID and SW_SHED. */
struct sw_appends *sw__appends_create(struct sw_run *run, bool patient, sw_verdict_fn *fn);
void sw__appends_destroy(struct sw_appends *appends); /* no verdicts any more */
int sw__appends_add(struct sw_appends *appends, void *owner, const struct sw_append *append);
void sw__appends_turn(struct sw_appends *appends); /* sends what is queued */
void sw__appends_tick(struct sw_appends *appends);
/* Whether an append has a chance now. */
bool sw__appends_open(const struct sw_appends *appends);

#endif
