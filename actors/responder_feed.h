/* responder_feed.h -- what a channel is told of a pipeline: subjects that change, and the pace at which they may.
 *
 * shapes   sub/<installation>/<id>: a subject, id = 16 hex of its op: responder_sub.c says what it holds;
 *          feed/<installation>/<channel>: who waits in a channel: responder_feed.c;
 *          pace/<installation>/<method> {tat, floor}: a token bucket: responder_pace.c;
 *          jobs "feed" (a channel's timer), "sub" (a subject's call, or its own timer where the lists were full)
 * units    *_ms
 * errors   as responder_priv.h
 * owner    a feed owns its state and the subjects that were opened with it until it is closed, which stores what changed
 * source   Slack "Rate limits": chat.postMessage 1/s a channel and several hundred a minute a workspace, chat.update tier 3
 * limits   SW__FEED_MAX subjects wait in each list of a channel, SW__FEED_SUBS are handled in one call
 */
#ifndef SW_RESPONDER_FEED_H
#define SW_RESPONDER_FEED_H

#include "actors/responder_priv.h"

#define SW__FEED_MAX 200
#define SW__FEED_CALLS 4 /* that one turn begins: each is a subject, and so is the digest */
#define SW__FEED_SUBS (SW__FEED_CALLS * 2 + 4)
#define SW__SUB_OPEN_MS (30LL * 24 * 60 * 60 * 1000)
#define SW__SUB_DONE_MS (3LL * 24 * 60 * 60 * 1000)
#define SW__SUB_ID 17
#define SW__DIGEST_LINES 30

struct sw__feed;

struct sw__sub {
    struct sw__feed *feed;
    char id[SW__SUB_ID];
    char key[200];
    json_t *state; /* empty: not known yet */
    bool changed, gone;
};

struct sw__feed { /* one channel during one call */
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    const char *channel;
    char key[200];
    const json_t *stored;
    json_t *state;
    struct sw__sub sub[SW__FEED_SUBS];
    size_t subs;
    int64_t next_ms; /* when something that waits may go on; 0: nothing does */
};

/* responder_pace.c. A method of this workspace: when there is a token, taking the one of `at_ms`, and 429. */
int sw__pace_method(const struct sw__feed *f, const char *method, int64_t *ret_at_ms,
                    int64_t *ret_floor_ms);
int sw__pace_method_take(const struct sw__feed *f, const char *method, int64_t at_ms);
int sw__pace_method_close(const struct sw__feed *f, const char *method, int64_t wait_ms);

/* responder_feed.c */
int sw__feed_notice(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__feed_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__feed_sub_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__feed_sub_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
void sw__feed_want(const struct sw_msg *in, struct sw_out *out);
/* A list of ids: "p" parents and broadcasts, "r" logs, both wait for a place; where it stands already nothing changes.
 * False: it is full. */
bool sw__feed_wait(struct sw__feed *f, const char *list, const char *id, bool first);
/* Waits for an update, not before `at_ms`. False: the list is full. */
bool sw__feed_wait_update(struct sw__feed *f, const char *id, int64_t at_ms);
bool sw__feed_waits(const struct sw__feed *f, const char *list, const char *id);
/* A list is full: the subject has a timer of its own, and asks again. */
void sw__feed_full(struct sw__sub *s);
/* Nobody waits any more. */
void sw__feed_clear(struct sw__feed *f);
/* Nothing is begun in this channel until then. */
void sw__feed_hold(struct sw__feed *f, int64_t delay_ms);
/* A place among the subjects of this call; -EAGAIN. */
int sw__feed_open_sub(struct sw__feed *f, const char *id, struct sw__sub **ret);

/* responder_sub.c: one subject. */
void sw__sub_id(const char *op, char ret[SW__SUB_ID]);
/* Takes in a notice.v1; false: it is not newer than what is held. */
bool sw__sub_merge(struct sw__sub *s, const json_t *notice);
/* Has it wait for what it needs; -EAGAIN. */
int sw__sub_plan(struct sw__sub *s);
/* Begins what it needs of a place, of an update; false: nothing. */
bool sw__sub_post(struct sw__sub *s);
bool sw__sub_update(struct sw__sub *s);
bool sw__sub_is(const struct sw__sub *s, const char *key, const char *value);
void sw__sub_set(struct sw__sub *s, const char *key, const char *value);
bool sw__sub_flag(const struct sw__sub *s, const char *key);
void sw__sub_set_flag(struct sw__sub *s, const char *key, bool on);
/* Its message is a line of the digest, or it is closed: what it would have shown is forgotten. */
void sw__sub_silence(struct sw__sub *s, const char *how);
void sw__sub_told(struct sw__sub *s, const char *cast);
/* responder_sub_answer.c: its call was answered; -EAGAIN. */
int sw__sub_answered(struct sw__sub *s);

/* responder_digest.c: from now on `s` is a line of the channel's digest, or its line there is told anew. */
int sw__digest_put(struct sw__sub *s);
/* More new subjects than a channel bears in a minute: `s` does not get a message of its own. Counts it. */
bool sw__digest_due(struct sw__feed *f);
/* {template, data} of a digest's message; the caller owns it. */
json_t *sw__digest_message(const struct sw__sub *digest);

#endif
