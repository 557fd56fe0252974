/* kafka.h -- Kafka on the loop: librdkafka's own threads talk to it, and what comes of that is told in ours.
 *
 * shapes   a writer has records delivered or not, each told once; a reader is a member of a group and gets messages
 * units    *_ms milliseconds
 * errors   sw_kafka_writer, sw_kafka_reader: -EINVAL a setting, and one line that names it, never a value of it
 *          sw_kafka_write: -EAGAIN too many wait, -EMSGSIZE too large, -EIO anything else; there is then no word about it
 * owner    the loop thread; a message is the caller's until sw_kafka_free
 * source   librdkafka's introduction and configuration pages; the only files that include its header are kafka.c and kafka_conf.c
 * limits   4096 records or 64 MiB wait in a writer; a reader holds 16 MiB and one fetch
 */
#ifndef SW_KAFKA_H
#define SW_KAFKA_H

#include "common/conf.h"

struct _zloop_t;
struct rd_kafka_message_s;
struct sw_kafka;

struct sw_kafka_events {
    void (*woken)(void *arg); /* reader: there may be messages */
    /* writer: 0, -EMSGSIZE or -EIO, and why in words */
    void (*delivered)(void *arg, void *record, int r, const char *why);
    void (*lost)(void *arg, int32_t partition); /* reader: it is another's now */
    void (*turn)(void *arg);                    /* all was told that there was to tell */
    void *arg;
};

struct sw_kafka_record {
    const char *key; /* NULL: none */
    size_t key_size;
    const char *value;
    size_t value_size;
    int32_t partition;
    int64_t offset;
};

struct sw_kafka_header {
    const char *name, *value;
};

/* `patience_ms`: a record that is not delivered by then is told as failed. */
int sw_kafka_writer(struct _zloop_t *loop, const struct sw_conf *conf, int patience_ms,
                    const struct sw_kafka_events *events, struct sw_kafka **ret, char *error,
                    size_t room);
int sw_kafka_reader(struct _zloop_t *loop, const struct sw_conf *conf,
                    const struct sw_kafka_events *events, struct sw_kafka **ret, char *error,
                    size_t room);
/* What waits in a writer is told as failed. A reader that did not leave is missed by its group. */
void sw_kafka_destroy(struct sw_kafka *kafka);
/* To be called now and then, whether or not something came; a password that changed is used from the next connection on. */
void sw_kafka_tick(struct sw_kafka *kafka, const char *password);
/* It will never work again: to be made anew. */
bool sw_kafka_broken(const struct sw_kafka *kafka);

/* Copies what it is given. `headers` end with a NULL name; NULL: none. */
int sw_kafka_write(struct sw_kafka *kafka, const char *topic, const struct sw_kafka_record *record,
                   const struct sw_kafka_header *headers, void *opaque);

/* At most `most` messages that are there; also what keeps the group's coordinator content. */
size_t sw_kafka_read(struct sw_kafka *kafka, struct rd_kafka_message_s **ret, size_t most);
void sw_kafka_look(const struct rd_kafka_message_s *message, struct sw_kafka_record *ret);
void sw_kafka_free(struct rd_kafka_message_s *message);
/* No new messages, without leaving the group; some that were under way may still come. */
void sw_kafka_pause(struct sw_kafka *kafka, bool pause);
/* Everything before `offset` is done with: committed within a second, or when the partition goes. */
void sw_kafka_store(struct sw_kafka *kafka, int32_t partition, int64_t offset);
/* One after the newest record of a partition, as far as it is known; negative: not. While it is paused the broker is asked,
 * and waited for 50 ms at most. */
int64_t sw_kafka_newest(const struct sw_kafka *kafka, int32_t partition);
/* Leaves the group; true once that is done, to be asked again and again. */
bool sw_kafka_left(struct sw_kafka *kafka);

/* Of the library that is linked. */
const char *sw_kafka_version(void);

#endif
