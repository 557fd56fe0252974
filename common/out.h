/* out.h -- the outbox: what one call of a handler wants done, before the ledger knows.
 *
 * shapes   a list of ops in the order given; sends and timers hold whole messages
 * units    *_ms milliseconds
 * errors   out.error: -E2BIG more than SW_OPS_MAX ops, -EINVAL a key, name or state value that is not one
 * owner    the runtime (or sw_step) inits and finishes; handlers see it through actor.h
 * source   actor.h
 * limits   64 ops; keys and names 200 characters
 */
#ifndef SW_OUT_H
#define SW_OUT_H

#include "common/actor.h"

#define SW_OPS_MAX 64
#define SW_KEY_MAX 200

enum sw_op_kind {
    SW_OP_SEND,
    SW_OP_AFTER,
    SW_OP_CANCEL,
    SW_OP_HTTP,
    SW_OP_STORE,
    SW_OP_FORGET,
    SW_OP_ANSWER,
    SW_OP_SOURCE,
    SW_OP_UNSOURCE,
    SW_OP_AUDIT,
    SW_OP_PASS,
    SW_OP_TALLY,
};

struct sw_op {
    enum sw_op_kind kind;
    char *name;       /* actor, timer, state key, waiting request, source, metric */
    bool bulk;        /* send: the bulk lane */
    int64_t ms;       /* after: delay; store: time to live; tally: what is counted */
    struct sw_msg *m; /* send, after, pass; http: the answer's message */
    json_t *value; /* store; http: the request; answer: the page; audit: the entry; tally: labels */
    enum sw_metric metric; /* tally */
};

/* Looks a stored value up: 0 and *ret (borrowed, NULL absent), or -EAGAIN. */
typedef int sw_fact_fn(void *arg, const char *key, const json_t **ret);

struct sw_out {
    const struct sw_msg *in;
    sw_fact_fn *fact;
    void *fact_arg;
    bool wanting; /* a fact was not loaded: -EAGAIN means "call again" */
    int error;
    size_t count;
    struct sw_op ops[SW_OPS_MAX];
};

void sw_out_init(struct sw_out *out, const struct sw_msg *in, sw_fact_fn *fact, void *fact_arg);
void sw_out_finish(struct sw_out *out);
/* Forgets the ops: a handler that returned an error leaves nothing. */
void sw_out_reset(struct sw_out *out);

#endif
