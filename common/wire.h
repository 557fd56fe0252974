/* wire.h -- ZeroMQ between actors: fast, and never trusted to deliver.
 *
 * shapes   PROTO.md: 'L' head envelope (durable), 'T' envelope (tell), 'H' shard (a shard was handed over)
 *          endpoint: "ipc://<path>", or "tcp://<address>:<port>#<key id>.<name>", where the key id (empty without CURVE) says which
 *          key of its role the process has, and the name makes it unlike the process that had this address before
 * units    sizes are bytes
 * errors   sw_wire_create: -errno, with one line; sends never fail: what a full or absent peer did not take, or what must not be
 *          spoken to, is counted
 * owner    the loop thread
 * source   zguide ch. 3 "ROUTER", zmq_setsockopt, zmq_curve, rfc.zeromq.org/spec/27 (ZAP)
 * limits   1000 messages to and from each peer, 64 KiB an envelope, 512 peers; linger 200 ms
 */
#ifndef SW_WIRE_H
#define SW_WIRE_H

#include "common/conf.h"

struct _zloop_t;
struct sw_curve;
struct sw_wire;

/* `from` is the role that said it, as its key proves; NULL: there are no keys on this wire. */
struct sw_wire_events {
    void (*entry)(void *arg, const char *from, unsigned shard, unsigned lane, uint64_t gen,
                  uint64_t seq, const char *data, size_t size);
    void (*tell)(void *arg, const char *from, const char *data, size_t size);
    void (*handed)(void *arg, unsigned shard);
    void (*turn)(void *arg); /* what was there is read */
    void *arg;
};

/* Listens where SLIPWAY_WIRE says, as `role`; `name` is this process' own. */
int sw_wire_create(struct _zloop_t *loop, const struct sw_conf *conf, const char *role,
                   const char *name, const struct sw_wire_events *events, struct sw_wire **ret,
                   char *error, size_t room);
void sw_wire_destroy(struct sw_wire *wire);
const char *sw_wire_endpoint(const struct sw_wire *wire);
/* The keys of this wire; NULL: none. */
const struct sw_curve *sw_wire_curve(const struct sw_wire *wire);
/* The files of keys changed: whose key is gone is neither listened nor spoken to from now on. As sw_curve_reload. */
int sw_wire_reload(struct sw_wire *wire, char *error, size_t room);

/* `to`: the role that lives at `endpoint`, or a mailbox of it ("auth:bulk"). */
void sw_wire_entry(struct sw_wire *wire, const char *endpoint, const char *to, unsigned shard,
                   unsigned lane, uint64_t gen, uint64_t seq, const char *data, size_t size);
void sw_wire_tell(struct sw_wire *wire, const char *endpoint, const char *to, const char *data,
                  size_t size);
/* To another process of the same role. */
void sw_wire_hand(struct sw_wire *wire, const char *endpoint, unsigned shard);
/* Forgets peers that were not spoken to for a minute. */
void sw_wire_tidy(struct sw_wire *wire);
/* Counts what came and is not taken, by reason, and says it at most once a second. `who`: whom it came from as far as known. */
void sw_wire_refuse(struct sw_wire *wire, const char *reason, const char *who);

#endif
