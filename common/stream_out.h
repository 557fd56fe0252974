/* stream_out.h -- ingress' side of the stream: a record is in Kafka, or its caller goes another way.
 *
 * shapes   records as in PROTO.md "The stream"
 * units    none
 * errors   sw__stream_out_create: as sw_kafka_writer
 *          sw__stream_out_send: -EAGAIN Kafka is away or too many wait, -EMSGSIZE, -EIO; `fn` is then not called
 * owner    the loop thread
 * source   ARCHITECTURE.md "The stream"
 * limits   `fn` is called within 3 s; 4096 records wait at most
 */
#ifndef SW_STREAM_OUT_H
#define SW_STREAM_OUT_H

#include "common/run_priv.h"

struct sw_stream_out;
typedef void sw_produced_fn(void *arg, bool ok);

int sw__stream_out_create(struct sw_run *run, struct sw_stream_out **ret, char *error, size_t room);
void sw__stream_out_destroy(struct sw_stream_out *out); /* nobody is told any more */
int sw__stream_out_send(struct sw_stream_out *out, const char *source, const json_t *record,
                        sw_produced_fn *fn, void *arg);
void sw__stream_out_tick(struct sw_stream_out *out);

#endif
