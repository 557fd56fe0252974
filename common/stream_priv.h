/* stream_priv.h -- what the files of the stream's port share.
 *
 * shapes   struct sw__concern: whom one source concerns; the index keeps many; letters: records on their way to <topic>-dead
 * units    *_ms milliseconds
 * errors   none
 * owner    the loop thread
 * source   stream_in.h
 * limits   100,000 sources are kept, then all are forgotten
 */
#ifndef SW_STREAM_PRIV_H
#define SW_STREAM_PRIV_H

#include "common/kafka.h"
#include "common/run_priv.h"

struct sw__concern {
    size_t count; /* 0: nobody */
    char **inst;
};

/* stream_index.c: `said` when every source that was asked for is known, or when Redis did not say (false): then nothing is kept. */
struct sw__index;
struct sw__index *sw__index_create(struct sw_run *run, void (*said)(void *arg, bool known),
                                   void *arg);
void sw__index_destroy(struct sw__index *index);
/* Looks whether what is kept still holds, then up all of `sources`. -ENOTCONN: Redis is away, and `said` is not called. */
int sw__index_ask(struct sw__index *index, const char *(*source)(void *arg, size_t i),
                  size_t count);
/* Valid until the next question. NULL: not asked for. */
const struct sw__concern *sw__index_find(struct sw__index *index, const char *source);

/* stream_dead.c: `sent` when it is in the topic of the dead; it is tried again until it is. */
struct sw__dead_topic;
struct sw__dead_topic *sw__dead_topic_create(struct sw_run *run, void (*sent)(void *arg),
                                             void *arg);
void sw__dead_topic_destroy(struct sw__dead_topic *dead);
/* The message stays the caller's, and there, until `sent`. */
void sw__dead_topic_add(struct sw__dead_topic *dead, const struct rd_kafka_message_s *message,
                        const char *reason);
void sw__dead_topic_tick(struct sw__dead_topic *dead);

#endif
