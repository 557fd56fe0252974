/* stream_in.h -- notifier's side of the stream: what concerns an installation goes into its mailbox, everything else is passed by.
 *
 * shapes   records as in PROTO.md "The stream", whoever wrote them
 * units    none
 * errors   sw__stream_in_create: as sw_kafka_reader
 * owner    the loop thread
 * source   ARCHITECTURE.md "The stream"
 * limits   a batch of 1000 records at a time, the next one read ahead by librdkafka; 512 appends on their way
 */
#ifndef SW_STREAM_IN_H
#define SW_STREAM_IN_H

#include "common/run_priv.h"

struct sw_stream_in;
int sw__stream_in_create(struct sw_run *run, struct sw_stream_in **ret, char *error, size_t room);
void sw__stream_in_destroy(struct sw_stream_in *in);
void sw__stream_in_turn(struct sw_stream_in *in);
void sw__stream_in_tick(struct sw_stream_in *in);
/* Finishes what is under way and leaves the group; true when done, to be asked again and again. */
bool sw__stream_in_drained(struct sw_stream_in *in);

#endif
