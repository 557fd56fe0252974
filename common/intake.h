/* intake.h -- the door of the ledger: what ingress lets in is durable before it is acknowledged.
 *
 * shapes   requests (door.h) in, entries of mailboxes out, in groups: many requests, one write, one fsync
 * units    *_ms milliseconds
 * errors   sw__intake_create: as sw_door_create and sw_kafka_writer, with one line
 * owner    the loop thread
 * source   ARCHITECTURE.md "The door"
 * limits   an answer within 2 s, a page within 12 s; 4096 requests wait at once, later ones get the `away` answer
 */
#ifndef SW_INTAKE_H
#define SW_INTAKE_H

#include "common/door.h"
#include "common/run_priv.h"

struct sw_intake;

int sw__intake_create(struct sw_run *run, sw_decide_fn *decide, struct sw_intake **ret, char *error,
                      size_t room);
void sw__intake_destroy(struct sw_intake *intake);
unsigned sw__intake_port(const struct sw_intake *intake);
void sw__intake_turn(struct sw_intake *intake);  /* sends what is queued */
void sw__intake_flush(struct sw_intake *intake); /* sends the answers given since */
void sw__intake_tick(struct sw_intake *intake);  /* deadlines */
void sw__intake_page(struct sw_intake *intake, const struct sw_msg *page);
/* The process is about to end. Where others than this machine reach the door, it goes on taking requests for a while. */
void sw__intake_leave(struct sw_intake *intake);
/* After that: no new requests; true when none is on its way any more. */
bool sw__intake_drained(struct sw_intake *intake);

#endif
