/* responder_slack.c -- calls of Slack, what their answers mean, and one channel's pace. */
#include "actors/form.h"
#include "actors/responder_priv.h"

#include <errno.h>
#include <string.h>

#define WAIT_MAX_MS (60 * 60 * 1000LL)

/* Slack warns that a part of these may have succeeded. */
static const char *const unsure[] = {"fatal_error", "internal_error", "service_unavailable",
                                     "request_timeout", NULL};
static const char *const too_fast[] = {"ratelimited", "rate_limited", NULL};
static const char *const blocks[] = {"invalid_blocks",
                                     "invalid_blocks_format",
                                     "msg_blocks_too_long",
                                     "msg_too_long",
                                     "metadata_too_large",
                                     "block_mismatch",
                                     "invalid_metadata_format",
                                     "no_text",
                                     "invalid_attachments",
                                     "invalid_arguments",
                                     NULL};

static int64_t wait_of(const json_t *http) {
    int64_t wait_ms = sw_int(http, "retry_after") * 1000;
    return wait_ms < 1000 ? 1000 : wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms;
}

enum sw__outcome sw__slack_outcome(const json_t *http, bool hook, int64_t *ret_wait_ms) {
    const char *error = sw_str(http, "error");
    int64_t status = sw_int(http, "status");
    const json_t *json = json_object_get(http, "json");
    *ret_wait_ms = 0;
    if (status == 429) {
        *ret_wait_ms = wait_of(http);
        return SW__AGAIN;
    }
    if (!strcmp(error, "connect")) return SW__UNSENT;
    if (!strcmp(error, "refused")) return SW__GONE;
    /* An answer that could not be read says nothing about the message. */
    if (error[0]) return hook && status >= 200 && status < 300 ? SW__DONE : SW__UNSURE;
    if (status >= 500) return SW__UNSURE;
    if (status < 200 || status >= 300) return SW__GONE;
    if (hook || json_is_true(json_object_get(json, "ok"))) return SW__DONE;
    error = sw_str(json, "error");
    if (sw_is_among(error, too_fast)) {
        *ret_wait_ms = wait_of(http);
        return SW__AGAIN;
    }
    return sw_is_among(error, unsure)   ? SW__UNSURE
           : sw_is_among(error, blocks) ? SW__BLOCKS
                                        : SW__GONE;
}

bool sw__slack_is_shut(const json_t *http) {
    static const char *const words[] = {"token_expired", "token_revoked", "account_inactive",
                                        "invalid_auth",  "not_authed",    NULL};
    return !strcmp(sw_str(http, "error"), "refused") ||
           sw_is_among(sw_str(json_object_get(http, "json"), "error"), words);
}

json_t *sw__slack_call(const char *method, json_t *args, const char *repeat) {
    json_t *request =
        json_pack("{s:s, s:s, s:[s, s, s, s], s:o, s:s}", "up", "slack", "method", "POST", "fields",
                  "ok", "error", "ts", "channel", "json", args, "repeat", repeat);
    json_object_set_new(request, "path", json_sprintf("/%s", method));
    return request;
}

json_t *sw__slack_post(json_t *message) {
    json_object_set_new(message, "unfurl_links", json_false());
    json_object_set_new(message, "unfurl_media", json_false());
    return sw__slack_call("chat.postMessage", message, "once");
}

/* Quiet: that it went well is all it can say, and nothing follows from it. */
json_t *sw__slack_hook(const char *box, json_t *json) {
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:o, s:s, s:b}", "up", "hooks", "method", "POST",
                     "url", "$box", box, "field", "url", "json", json, "repeat", "once", "quiet",
                     1);
}

int64_t sw__slack_backoff_ms(int64_t tries) {
    return tries < 1 ? 1000 : tries > 6 ? 64000 : 1000LL << tries;
}

static bool set_once(json_t *state, const char *flag) {
    if (json_is_true(json_object_get(state, flag))) return false;
    json_object_set_new(state, flag, json_true());
    return true;
}

enum sw__next sw__post_next(json_t *state, const struct sw__post_words *words,
                            enum sw__outcome outcome, bool answered, int64_t *wait_ms) {
    json_int_t tries = sw_int(state, words->tries) + 1;
    switch (outcome) {
    case SW__DONE:
        return SW__NEXT_DONE;
    case SW__AGAIN:
        return SW__NEXT_PLACE;
    case SW__UNSURE: /* once more, and then nobody knows which message is ours */
        if (!set_once(state, words->repeated)) return SW__NEXT_DROP;
        *wait_ms = 2000;
        return answered ? SW__NEXT_LATER : SW__NEXT_NOW;
    case SW__UNSENT:
        json_object_set_new(state, words->tries, json_integer(tries));
        *wait_ms = sw__slack_backoff_ms(tries);
        return tries > words->tries_max ? SW__NEXT_DROP : SW__NEXT_LATER;
    case SW__BLOCKS:
        return set_once(state, words->plain) ? SW__NEXT_NOW : SW__NEXT_DROP;
    case SW__GONE:
        break;
    }
    return SW__NEXT_GONE;
}

static int chan_fact(struct sw_out *out, const char *channel, char *key, size_t room,
                     int64_t *ret_tat, int64_t *ret_floor) {
    const json_t *chan;
    if (!sw__responder_key(key, room, "chan", channel)) return -EBADMSG;
    int r = sw_fact(out, key, &chan);
    if (r < 0) return r;
    *ret_tat = sw_int(chan, "tat");
    *ret_floor = sw_int(chan, "floor");
    return 0;
}

static void chan_store(const struct sw_ctx *ctx, struct sw_out *out, const char *key, int64_t tat,
                       int64_t floor_ms) {
    int64_t last = tat > floor_ms ? tat : floor_ms;
    int64_t ttl_ms = (last > ctx->now_ms ? last - ctx->now_ms : 0) + 60000;
    sw_store(out, key,
             json_pack("{s:I, s:I}", "tat", (json_int_t)tat, "floor", (json_int_t)floor_ms),
             ttl_ms);
}

/* Each message takes the channel for a second; `tat` is when all places taken so far are over. */
int sw__chan_take(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                  int64_t *ret_delay_ms) {
    char key[200];
    int64_t tat, floor_ms;
    int r = chan_fact(out, channel, key, sizeof(key), &tat, &floor_ms);
    if (r < 0) return r;
    int64_t place = tat - (SW__CHAN_BURST - 1) * SW__CHAN_GAP_MS;
    if (place < ctx->now_ms) place = ctx->now_ms;
    tat = (tat > place ? tat : place) + SW__CHAN_GAP_MS;
    chan_store(ctx, out, key, tat, floor_ms);
    *ret_delay_ms = place - ctx->now_ms;
    return 0;
}

int sw__chan_close(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                   int64_t wait_ms) {
    char key[200];
    int64_t tat, floor_ms;
    int r = chan_fact(out, channel, key, sizeof(key), &tat, &floor_ms);
    if (r < 0) return r;
    if (floor_ms < ctx->now_ms + wait_ms) floor_ms = ctx->now_ms + wait_ms;
    /* Places begin when it opens, and without a burst. */
    int64_t least = floor_ms + (SW__CHAN_BURST - 1) * SW__CHAN_GAP_MS;
    chan_store(ctx, out, key, tat > least ? tat : least, floor_ms);
    return 0;
}

int sw__chan_closed(const struct sw_ctx *ctx, struct sw_out *out, const char *channel,
                    int64_t *ret_delay_ms) {
    char key[200];
    int64_t tat, floor_ms;
    int r = chan_fact(out, channel, key, sizeof(key), &tat, &floor_ms);
    if (r < 0) return r;
    *ret_delay_ms = floor_ms > ctx->now_ms ? floor_ms - ctx->now_ms : 0;
    return 0;
}

int sw__chan_idle(struct sw_out *out, const char *channel, int64_t *ret_at_ms) {
    char key[200];
    int64_t tat, floor_ms;
    int r = chan_fact(out, channel, key, sizeof(key), &tat, &floor_ms);
    if (r == 0) *ret_at_ms = tat > floor_ms ? tat : floor_ms;
    return r;
}

int sw__chan_spend(const struct sw_ctx *ctx, struct sw_out *out, const char *channel) {
    char key[200];
    int64_t tat, floor_ms;
    int r = chan_fact(out, channel, key, sizeof(key), &tat, &floor_ms);
    if (r < 0) return r;
    chan_store(ctx, out, key, (tat > ctx->now_ms ? tat : ctx->now_ms) + SW__CHAN_GAP_MS, floor_ms);
    return 0;
}
