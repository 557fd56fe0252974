/* effects_priv.h -- an effect as this process knows it, between effects.c (its life), effects_take.c (whose it is) and effects_turn.c (whose turn it is).
 *
 * shapes   READY -> (MARKING ->) RUNNING -> ANSWERED -> settled and gone; LATER waits for a time
 * units    *_ms on CLOCK_BOOTTIME
 * errors   none
 * owner    the table `known` owns every effect; the lists only point
 * source   ARCHITECTURE.md "Effects"
 * limits   SW_UPSTREAMS upstreams have a breaker of their own
 */
#ifndef SW_EFFECTS_PRIV_H
#define SW_EFFECTS_PRIV_H

#include "common/request.h"
#include "common/run_priv.h"

#define SW_EFFECT_KEY 96
#define SW_EFFECTS_AT_ONCE 64 /* of one shard, in one script call */
#define SW_UPSTREAMS 8
#define SW_BREAKER_FAILURES 20

enum sw_effect_state {
    SW_EFFECT_READY,
    SW_EFFECT_MARKING,
    SW_EFFECT_RUNNING,
    SW_EFFECT_LATER,
    SW_EFFECT_ANSWERED,
};

struct sw_effect {
    struct sw_shard *shard;
    char id[72];
    enum sw_effect_state state;
    json_t *request;
    struct sw_msg *m; /* the answer's message */
    bool once;        /* must not be repeated: marked first */
    bool bulk;        /* it has time: after all others, and never in all places */
    bool unsure;      /* LATER: nobody knows whether it was made; told when the time comes */
    bool lost;        /* the shard is not ours now */
    unsigned tries;
    int64_t at_ms;  /* LATER: when; MARKING, RUNNING: when the mark was sent */
    char epoch[24]; /* under which it was marked here, "" never */
    int64_t known_at_ms, retry_until_ms, lost_at_ms;
    struct sw_call *call;
    char *answer; /* ANSWERED: the packed message; "" none */
    size_t answer_size;
    char *story;          /* ANSWERED: its entry (story.h); NULL none */
    int64_t began_at_ms;  /* its first try here, 0: none yet */
    struct sw_span *span; /* NULL none */
};

struct sw_breaker {
    char up[16];
    unsigned failures; /* in a row */
    unsigned pauses;   /* in a row; 0: it is well, as far as is known */
    int64_t opened_at_ms, open_until_ms;
};

struct sw_effects {
    struct sw_run *run;
    struct sw_calls *calls;
    zhashx_t *known; /* "<shard>/<id>" -> struct sw_effect */
    /* Queues for each installation's shard: one noisy team does not starve others. */
    zlistx_t *ready[SW_SHARDS], *bulk[SW_SHARDS];
    zlistx_t *answered[SW_SHARDS];
    zlistx_t *later;
    unsigned active, next_shard;
    struct sw_breaker breaker[SW_UPSTREAMS];
};

/* Where it waits for its turn. */
static inline zlistx_t *sw__effect_queue(const struct sw_effect *effect) {
    struct sw_effects *effects = effect->shard->run->effects;
    return (effect->bulk ? effects->bulk : effects->ready)[effect->shard->number];
}

void sw__effect_key(const struct sw_shard *shard, const char *id, char key[SW_EFFECT_KEY]);
/* Known from now on; NULL where the record is not one. */
struct sw_effect *sw__effect_know(struct sw_shard *shard, const char *id, const json_t *record);
void sw__effect_ready(struct sw_effect *effect);
void sw__effect_at(struct sw_effect *effect, int64_t at_ms); /* LATER */
/* Gone from here: settled, or another's. */
void sw__effect_forget(struct sw_effect *effect);
struct sw_breaker *sw__breaker_of(struct sw_effects *effects, const char *up);
void sw__breaker_note(struct sw_effects *effects, const char *up, bool sick, int64_t began_at_ms);
void sw__effect_perform(struct sw_effect *effect);
/* A record {q: request, m: message} as it is owed, sealed by this role to itself; and back: -EBADMSG: it is not ours, and its
 * request has lost what it asks for (effects_seal.c). */
int sw__effect_pack(const struct sw_run *run, const char *prefix, const char *id,
                    const json_t *record, char **ret, size_t *ret_size);
int sw__effect_unpack(const struct sw_run *run, const char *prefix, const char *id,
                      const char *data, size_t size, json_t **ret);
/* Appends its message to another shard (effects_pass.c). */
void sw__effect_pass(struct sw_effect *effect);
/* It ended: takes `http`, what the handler is told. */
void sw__effect_answer(struct sw_effect *effect, json_t *http);
/* Tried again after a while. */
void sw__effect_later(struct sw_effect *effect);
/* "upstream": a warning for each, whatever the calls were; "seal": an alarm. */
void sw__effect_report(const struct sw_effect *effect, const char *type, const char *what,
                       int status);
/* At most SW_EFFECTS_AT_ONCE. */
void sw__effects_mark(struct sw_shard *shard, struct sw_effect *const *list, size_t count);
void sw__effects_settle(struct sw_shard *shard, struct sw_effect *const *list, size_t count);
void sw__effect_unsure(struct sw_effect *effect);
void sw__effect_unlist(struct sw_effect *effect);

#endif
