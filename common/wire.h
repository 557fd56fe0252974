/* wire.h -- ZeroMQ between actors: fast, and never trusted to deliver.
 *
 * shapes   PROTO.md: 'L' head envelope (durable), 'T' envelope (tell), 'H' shard (a shard was handed over)
 * units    sizes are bytes
 * errors   sw_wire_create: -errno of bind; sends never fail: what a full or absent peer did not take is counted
 * owner    the loop thread
 * source   zguide ch. 3 "ROUTER", zmq_setsockopt
 * limits   1000 messages to and from each peer, 64 KiB an envelope, 256 peers; linger 200 ms
 */
#ifndef SW_WIRE_H
#define SW_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct _zloop_t;
struct sw_wire;

struct sw_wire_events {
    void (*entry)(void *arg, unsigned shard, unsigned lane, uint64_t gen, uint64_t seq,
                  const char *data, size_t size);
    void (*tell)(void *arg, const char *data, size_t size);
    void (*handed)(void *arg, unsigned shard);
    void (*turn)(void *arg); /* what was there is read */
    void *arg;
};

/* Listens on ipc in `dir`. */
int sw_wire_create(struct _zloop_t *loop, const char *dir, const char *name,
                   const struct sw_wire_events *events, struct sw_wire **ret);
void sw_wire_destroy(struct sw_wire *wire);
const char *sw_wire_endpoint(const struct sw_wire *wire);

void sw_wire_entry(struct sw_wire *wire, const char *endpoint, unsigned shard, unsigned lane,
                   uint64_t gen, uint64_t seq, const char *data, size_t size);
void sw_wire_tell(struct sw_wire *wire, const char *endpoint, const char *data, size_t size);
void sw_wire_hand(struct sw_wire *wire, const char *endpoint, unsigned shard);
/* Forgets peers that were not spoken to for a minute. */
void sw_wire_tidy(struct sw_wire *wire);

#endif
