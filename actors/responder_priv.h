/* responder_priv.h -- the two ways of the responder, and what they share.
 *
 * shapes   conv/<op>   a conversation's state: responder_conv.c
 *          chan/<id>   {tat, floor}: when the channel takes its next message (one a second)
 *          bot/<installation>  the bot token: {version, box (to responder, context "bot/<installation>/<version>"), bot_user},
 *            or {version, gone: true}; absent: the token of the settings, where there is one
 *          jobs        bodies of timers and of answers: {"job": "note", ...} carries all it needs,
 *                      the others name an op and find the rest in its conversation
 * units    *_ms
 * errors   -EAGAIN a fact is not loaded; -EHOSTUNREACH no way to the person is left; -EBADMSG
 *          a body without what it must have
 * owner    functions with "take" in their comment take a json_t; the rest borrow
 * source   Slack: response_url takes 5 posts in 30 minutes, chat.postMessage 1/s a channel
 * limits   50 waiting replies and 128 KiB in a thread; a conversation is remembered 24 h
 */
#ifndef SW_RESPONDER_PRIV_H
#define SW_RESPONDER_PRIV_H

#include "common/actor.h"

#include <stdbool.h>

#define SW__CONV_TTL_MS (24 * 60 * 60 * 1000LL)
#define SW__URL_POSTS 5
#define SW__URL_MS (29 * 60 * 1000LL) /* of 30: the post needs time as well */
#define SW__CHAN_GAP_MS 1000
#define SW__CHAN_BURST 3  /* Slack bears short bursts */
#define SW__TRIES 6       /* of a call that did not reach Slack */
#define SW__TRIES_LAST 60 /* the same where there is no other way: an hour */
#define SW__OP_MAX 150

/* What an answer of Slack means for us. */
enum sw__outcome {
    SW__DONE,
    SW__AGAIN,  /* too fast: after a while, *ret_wait_ms */
    SW__UNSURE, /* it may have happened */
    SW__UNSENT, /* it has not happened: no connection */
    SW__BLOCKS, /* Slack does not like the blocks: without them */
    SW__GONE,   /* never: another way is needed */
};
enum sw__outcome sw__slack_outcome(const json_t *http, bool hook, int64_t *ret_wait_ms);

/* responder_bot.c: the bot token. What Slack said of a call, as above; where it does not take the token, auth is told, and
 * SW__UNSENT means that another one shall try it. */
enum sw__outcome sw__bot_outcome(const struct sw_msg *in, struct sw_out *out, const json_t *http,
                                 bool hook, int64_t *ret_wait_ms);
/* -EAGAIN; once it is 0 none of the others has to wait. */
int sw__bot_load(const struct sw_msg *in, struct sw_out *out);
/* There is a token. */
bool sw__bot_able(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
/* Its user, "" where that is not known. */
const char *sw__bot_user(const struct sw_msg *in, struct sw_out *out);
/* Any call of responder's: adds the token where it goes to Slack's API; takes both. */
void sw__bot_http(const struct sw_msg *in, struct sw_out *out, json_t *request, json_t *body);
/* A new token, or that it is gone (bot.v1). */
int sw__bot_take(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);

/* No call with this token is taken (any more): it was withdrawn, or there is none. */
bool sw__slack_is_shut(const json_t *http);
/* A call of Slack's Web API, without its token; takes `args`. */
json_t *sw__slack_call(const char *method, json_t *args, const char *repeat);
/* chat.postMessage, without previews of what it links to; takes `message`. */
json_t *sw__slack_post(json_t *message);
/* A post to the response_url of this command; takes `json`. */
json_t *sw__slack_hook(const char *box, json_t *json);
/* What follows from the answer to a post, which may not be doubled. `words` name in `state` that it was repeated, how often it
 * did not reach Slack, that it goes without blocks. */
enum sw__next {
    SW__NEXT_DONE,
    SW__NEXT_NOW,   /* again, changed or for the second time */
    SW__NEXT_LATER, /* the same after *wait_ms */
    SW__NEXT_PLACE, /* too fast: its channel is closed for *wait_ms */
    SW__NEXT_DROP,  /* nobody knows whether it happened, or it cannot be brought to happen */
    SW__NEXT_GONE,  /* never: another way is needed */
};
struct sw__post_words {
    const char *repeated, *tries, *plain;
    int tries_max;
};
enum sw__next sw__post_next(json_t *state, const struct sw__post_words *words,
                            enum sw__outcome outcome, bool answered, int64_t *wait_ms);
/* How long to wait before try number `tries` (from 1). */
int64_t sw__slack_backoff_ms(int64_t tries);

/* Takes a place in the channel's queue: 0 and the delay until it. */
int sw__chan_take(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                  int64_t *ret_delay_ms);
/* Slack said Retry-After: nobody posts there for so long. */
int sw__chan_close(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                   int64_t wait_ms);
/* How long the channel is closed, 0: open. For a place that was taken earlier. */
int sw__chan_closed(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                    int64_t *ret_delay_ms);

/* For what has time: when all places are over that were taken, and taking one then and there, never ahead. So no command waits
 * for it. */
int sw__chan_idle(struct sw_out *out, const char *channel, int64_t *ret_at_ms);
int sw__chan_spend(const struct sw_ctx *ctx, struct sw_out *out, const char *channel);

/* private and say: one message, by the first way that works. `reply` is a reply.v1's body. */
int sw__note_start(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                   const json_t *reply);
/* Its timer is due, or its call was answered. */
int sw__note_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__note_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);

/* parent and thread: a message that changes, and replies below it. */
int sw__conv_reply(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__conv_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__conv_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);

/* responder_channel.c: channel.v1, and the timers and answers of its job "channel". */
int sw__channel_ask(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__channel_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
int sw__channel_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
/* The reason of channel_state.v1 for Slack's word; NULL: it does not speak of the channel. */
const char *sw__channel_reason(const char *error);

/* One conversation during one call; responder_conv.c says what its state holds. */
struct sw__conv {
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    const char *op;
    char key[200];
    json_t *state;
    enum sw__outcome outcome; /* of the answer that came, if one came */
    int64_t wait_ms;
    bool answered; /* Slack said something, if only that it is not well */
};
bool sw__conv_flag(const struct sw__conv *c, const char *key);
void sw__conv_set_flag(struct sw__conv *c, const char *key, bool on);
bool sw__conv_is(const struct sw__conv *c, const char *key, const char *value);
void sw__conv_set(struct sw__conv *c, const char *key, const char *value);
json_int_t sw__conv_count(struct sw__conv *c, const char *key);
const char *sw__conv_channel(const struct sw__conv *c);
void sw__conv_after(struct sw__conv *c, const char *job, int64_t delay_ms);
/* Takes `request`. */
void sw__conv_call(struct sw__conv *c, const char *job, json_t *request, bool repeat);
/* Takes a place in the channel: posts at once, or waits for it. */
int sw__conv_place(struct sw__conv *c, void (*wait)(struct sw__conv *c, int64_t delay_ms),
                   void (*post)(struct sw__conv *c));
/* `entry` {template, data, last?} as a message of its own, below it the texts `folded` (taken, may
 * be NULL); `channel`: the bot may try to post it. */
int sw__conv_say(struct sw__conv *c, const json_t *entry, json_t *folded, bool channel);

int sw__parent_go(struct sw__conv *c);
int sw__parent_due(struct sw__conv *c, const char *job);
int sw__parent_http(struct sw__conv *c, const char *job);

void sw__thread_take(struct sw__conv *c, const json_t *reply);
int sw__thread_go(struct sw__conv *c);
int sw__thread_due(struct sw__conv *c, const char *job);
int sw__thread_http(struct sw__conv *c);
/* The waiting replies as texts, at most what fits; none wait any more. Caller owns. */
json_t *sw__thread_fold(struct sw__conv *c);

/* "conv/<op>" and the like; false where it would be too long to be a key. */
bool sw__responder_key(char *into, size_t room, const char *prefix, const char *name);

#endif
