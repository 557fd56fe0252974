/* run_priv.h -- what the files of the runtime share: one process, its shards, their mailboxes and batches.
 *
 * shapes   struct sw_run: the process; struct sw_shard: one (shard, actor) it may own; struct sw_lane: one mailbox
 * units    *_ms: *_at_ms count on CLOCK_BOOTTIME, now_ms and due_ms are Redis TIME
 * errors   none of its own
 * owner    the loop thread owns everything here
 * source   ARCHITECTURE.md "The runtime"
 * limits   SW_SHARDS shards; queues are bounded by the stream they mirror and by SW_QUEUE_MAX
 */
#ifndef SW_RUN_PRIV_H
#define SW_RUN_PRIV_H

#include "common/actor.h"
#include "common/age.h"
#include "common/out.h"
#include "common/redis.h"
#include "common/trace.h"

#include <czmq.h>

#define SW_SHARDS 64
#define SW_LANES 2        /* urgent, bulk */
#define SW_QUEUE_MAX 4096 /* entries held in memory of one lane; the rest stays in Redis */
#define SW_PAGE "500"     /* entries of one XRANGE */
#define SW_CAUTIOUS 256   /* entries handled one at a time after an unclean take-over */
#define SW_TRIES 3
#define SW_FACTS_MAX 4096 /* cached values of one shard */

struct redisReply;
struct sw_wire;
struct sw_effects;
struct sw_otlp;
struct sw_reporter;
struct sw_run;
struct sw_span;

struct sw_entry { /* a message in a mailbox */
    struct sw_id id;
    unsigned lane;
    unsigned attempt;            /* 0: not counted */
    struct sw_msg *m;            /* NULL: what stands there is no envelope */
    int error;                   /* why not */
    int64_t handled_ms, took_us; /* its handler's last call */
};

struct sw_lane {
    char mailbox[48];  /* "executor", "executor:bulk" */
    struct sw_id tail; /* every id up to here was taken in */
    struct sw_id seen; /* the stream's newest as far as it is known */
    zlistx_t *queue;   /* struct sw_entry, in order */
    zlistx_t *early;   /* struct sw_entry after a gap, in order */
    int64_t gap_at_ms; /* when the gap opened, 0: none */
    bool fetching;
    bool more;    /* more entries wait in Redis: the queue was full */
    int64_t owed; /* length of the stream at the last sweep */
    struct sw_age age;
};

enum sw_shard_state {
    SW_FREE, /* not ours */
    SW_TAKING,
    SW_OURS,
    SW_LEAVING, /* no new messages; released when nothing is under way */
};

struct sw_ledger { /* one Redis, with the shards that it holds */
    struct sw_run *run;
    unsigned number, shards;
    struct sw_redis *redis;
    int64_t clock_offset_ms; /* its TIME - CLOCK_BOOTTIME */
    int64_t live_at_ms;      /* when this process stood in its set of the living last */
    unsigned share;          /* of its shards this process should own at most */
    unsigned living;         /* processes of this actor */
    unsigned next_take;      /* the shard after the last one asked for */
    bool crowded;            /* too many shards were held, and all were busy, at the last count */
    char peer[128];          /* another living process of this actor, "" none */
};

struct sw_batch;
struct sw_shard {
    struct sw_run *run;
    struct sw_ledger *ledger;
    unsigned number;
    char prefix[16]; /* "sw:{17}:" */
    enum sw_shard_state state;
    char epoch[24], gen[24];
    uint64_t seq;  /* of the next commit */
    unsigned life; /* raised at every reset: replies to an older life are ignored */
    int64_t held_until_at_ms, renew_sent_at_ms;
    struct sw_lane lane[SW_LANES];
    unsigned cautious;          /* entries still to be handled one at a time */
    bool counting;              /* the count of tries of the head is under way */
    struct sw_ending ended;     /* of the owner before, until its entry comes by */
    struct sw_ending suspicion; /* the same, kept: which entries may be the reason */
    zhashx_t *facts;            /* key -> struct fact (facts.c) */
    size_t facts_max;           /* how many there may be before the clean ones are forgotten */
    struct sw_batch *open;      /* being filled */
    unsigned batches;           /* on their way */
    int64_t next_due_ms;        /* INT64_MAX: no timer armed */
    bool ticking;
    unsigned calls;      /* effects of this shard that are known here */
    int64_t dead;        /* letters, at the last sweep */
    int64_t retry_at_ms; /* when taking is tried again */
    bool releasing;      /* the lease was given back; the answer is on its way */
};

struct sw_run {
    zloop_t *loop;
    const struct sw_actor *actor;
    const char *role;
    struct sw_conf conf;
    struct sw_keys *keys;
    struct sw_ledger ledger[SW_REDISES]; /* the first has what belongs to no shard */
    unsigned ledgers;
    struct sw_wire *wire;
    struct sw_effects *effects;
    struct sw_reporter *reporter; /* NULL: nothing is reported */
    struct sw_otlp *otlp;         /* NULL: no traces */
    char nonce[33];
    struct sw_shard shard[SW_SHARDS];
    unsigned next_turn;                        /* the shard whose turn begins */
    uint8_t keys_stamp[32], secrets_stamp[32]; /* of the files as they were read */
    int64_t reload_at_ms;                      /* when they were looked at last */
    int64_t swept_at_ms;
    bool pump_wanted, turning, draining;
    bool gaps_armed;       /* a timer looks after gaps */
    int64_t refused_at_ms; /* when a refusal of Redis was logged last */
    int64_t refusals;      /* since then */
    int64_t drain_at_ms;
    uint64_t handled;
};

/* run.c */
int64_t sw__boot_ms(void);
int64_t sw__boot_us(void);
void sw__pump(struct sw_run *run); /* something is queued: to be handled at the end of this turn */
void sw__turn_end(void *run); /* after each event: handles what is queued, sends what that caused */
_Noreturn void sw__die(const struct sw_run *run, const char *why);

/* ledger.c */
void sw__ledgers_init(struct sw_run *run, const struct sw_redis_map *map);
void sw__ledgers_open(struct sw_run *run, const struct sw_redis_map *map);
void sw__ledgers_close(struct sw_run *run);
void sw__ledgers_flush(struct sw_run *run);
void sw__ledgers_tick(struct sw_run *run);
unsigned sw__ledgers_up(const struct sw_run *run);    /* how many */
bool sw__ledger_open(const struct sw_ledger *ledger); /* it can confirm */
bool sw__ledger_well(const struct sw_ledger *ledger); /* and answers */
int64_t sw__now_ms(const struct sw_run *run);         /* by the first's TIME: for doors */
int64_t
sw__shard_now_ms(const struct sw_shard *shard); /* by its own: two servers have two clocks */
void sw__clock(struct sw_ledger *ledger, int64_t redis_ms); /* what it said just now */

/* reload.c */
void sw__reload_begin(struct sw_run *run); /* before the first keys are read */
void sw__reload_tick(struct sw_run *run);

/* lease.c */
void sw__lease_tick(struct sw_run *run); /* takes, renews, sweeps, hands over */
void sw__lease_leave(struct sw_shard *shard);
void sw__lease_gone(struct sw_run *run); /* out of the set of the living */
void sw__lease_released(struct sw_shard *shard);
/* Ours no more, nothing kept: after a lost connection, a changed generation, a refused commit. */
void sw__shard_reset(struct sw_shard *shard);
void sw__shard_init(struct sw_run *run, struct sw_shard *shard, unsigned number);
void sw__shard_finish(struct sw_shard *shard);
unsigned sw__shard_of(const char *installation);
/* A script that only the owner may call; sizes NULL: the arguments are texts. Errors as sw_redis_eval: `arg` is then the caller's. */
int sw__owner_eval(struct sw_shard *shard, enum sw_script script, size_t argc, const char **argv,
                   const size_t *sizes, sw_redis_fn *fn, void *arg);
/* The status word of a script's answer; handles 'gen' and 'stale' itself: true only for the word `want`. */
bool sw__reply_is(struct sw_shard *shard, const struct redisReply *reply, const char *want);
/* For plain reads: a refused one (loading, busy) must not pass for "nothing there". False: the shard was reset. */
bool sw__reply_is_list(struct sw_shard *shard, const struct redisReply *reply);
void sw__reply_refused(struct sw_shard *shard, const struct redisReply *reply);
void sw__log_refused(struct sw_run *run, const struct redisReply *reply);

/* mailbox.c */
void sw__mailbox_init(struct sw_shard *shard);
void sw__mailbox_clear(struct sw_shard *shard);
void sw__mailbox_taken(struct sw_shard *shard, const char *last_urgent, const char *last_bulk);
void sw__mailbox_receive(struct sw_shard *shard, unsigned lane, struct sw_id id, const char *data,
                         size_t size);
/* The same from another process; `from`: the role that sent it, which may not send everything, or NULL. */
void sw__mailbox_hear(struct sw_shard *shard, const char *from, unsigned lane, struct sw_id id,
                      const char *data, size_t size);
void sw__mailbox_sweep(struct sw_shard *shard, unsigned lane, const char *newest);
void sw__mailbox_refill(struct sw_shard *shard); /* there is room again */
bool sw__id_parse(const char *text, struct sw_id *ret);
int sw__id_compare(struct sw_id a, struct sw_id b);

/* facts.c */
void sw__facts_init(struct sw_shard *shard);
void sw__facts_clear(struct sw_shard *shard);
int sw__facts_get(void *shard, const char *key, const json_t **ret); /* a sw_fact_fn */
void sw__facts_set(struct sw_shard *shard, const char *key, json_t *value, int64_t expires_ms);
void sw__facts_committed(struct sw_shard *shard, const char *key);
void sw__facts_trim(struct sw_shard *shard); /* never while a handler runs */

/* turn.c */
void sw__turn(struct sw_run *run);
void sw__turn_want(struct sw_shard *shard, const struct sw_entry *entry);

/* commit.c */
struct sw_batch *sw__batch_create(struct sw_shard *shard);
void sw__batch_destroy(struct sw_batch *batch);
/* Acknowledges `entry` with all of `out`, or leaves the batch as it was: -EMSGSIZE an output is too large. `dead`: NULL, or why
 * the entry becomes a dead letter. */
int sw__batch_add(struct sw_batch *batch, const struct sw_entry *entry, struct sw_out *out,
                  const char *dead);
/* The span of what was added last (takes); it goes out with the commit. */
void sw__batch_span(struct sw_batch *batch, struct sw_span *span, const char *dead);
bool sw__batch_full(const struct sw_batch *batch);
void sw__batch_send(struct sw_shard *shard);

/* timers.c */
void sw__timers_tick(struct sw_run *run);

/* effects.c */
struct sw_effects *sw__effects_create(struct sw_run *run);
void sw__effects_destroy(struct sw_effects *effects);
void sw__effects_taken(struct sw_shard *shard); /* reads what is owed */
/* The shard is not ours: calls under way go on, others are forgotten. */
void sw__effects_lost(struct sw_shard *shard);
void sw__effects_owe(struct sw_shard *shard, const char *id, const json_t *record);
void sw__effects_tidy(struct sw_effects *effects);
/* Those owed, by lane: how many, and for how long the oldest of them has been known here. */
void sw__effects_measure(const struct sw_effects *effects, int64_t ret_count[SW_LANES],
                         int64_t ret_age_ms[SW_LANES]);

/* effects_turn.c */
void sw__effects_tick(struct sw_run *run);         /* those that waited for a time */
void sw__effects_turn(struct sw_effects *effects); /* starts and settles */
/* A call that must not be repeated is under way. */
bool sw__effects_marked(const struct sw_shard *shard);

#endif
