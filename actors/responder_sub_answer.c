/* responder_sub_answer.c -- what Slack said of a subject's call, and what follows; see responder_sub.c. */
#include "actors/responder_feed.h"
#include "common/mem.h"

#include <string.h>

static const struct sw__post_words words = {"rep", "tries", "plain", SW__TRIES_LAST};

static void calm(struct sw__sub *s) {
    sw__sub_set_flag(s, "rep", false);
    json_object_del(s->state, "tries");
    json_object_del(s->state, "again_ms");
}

/* Shown, unless something newer came meanwhile. */
static void confirm(struct sw__sub *s, const char *piece, const char *fresh) {
    calm(s);
    if (!sw__sub_flag(s, fresh)) json_object_del(s->state, piece);
}

/* To be said again: nothing of it is shown. */
static void take_back(struct sw__sub *s, const char *fresh, const char *hash) {
    sw__sub_set_flag(s, fresh, true);
    json_object_del(s->state, hash);
}

static bool is_log(const char *what) {
    return !strcmp(what, "log") || !strcmp(what, "relog");
}

static void undo(struct sw__sub *s, const char *what) {
    if (!strcmp(what, "cast")) return; /* it is kept until it is told */
    if (is_log(what)) {
        take_back(s, "new_log", "log_hash");
    } else {
        take_back(s, "new_parent", "hash");
    }
}

static const char *error_of(const struct sw__sub *s) {
    return sw_str(json_object_get(json_object_get(s->feed->in->body, "http"), "json"), "error");
}

/* Nothing can be said in this channel any more: notifier pauses what leads here. Who waits here waits for nothing; what comes
 * after all begins anew. */
static void channel_gone(struct sw__sub *s, const char *reason) {
    struct sw__feed *f = s->feed;
    s->gone = true;
    sw__feed_clear(f);
    if (!reason) return; /* the token: auth has told it */
    sw_send(f->out, "notifier", SW_KIND_CHANNEL_STATE,
            json_pack("{s:O, s:s, s:b, s:s, s:s}", "who", json_object_get(f->state, "who"),
                      "channel", f->channel, "ok", 0, "reason", reason, "error", error_of(s)));
}

/* True: it was about the channel or the token, and that is the end. */
static bool is_gone(struct sw__sub *s) {
    const char *reason = sw__channel_reason(error_of(s));
    if (!reason && !sw__slack_is_shut(json_object_get(s->feed->in->body, "http"))) return false;
    channel_gone(s, reason);
    return true;
}

static void parent_done(struct sw__sub *s) {
    const json_t *json = json_object_get(json_object_get(s->feed->in->body, "http"), "json");
    const char *ts = sw_str(json, "ts"), *channel = sw_str(json, "channel");
    if (!ts[0]) {
        sw__sub_silence(s, "deaf");
        return;
    }
    sw__sub_set(s, "p", "shown");
    sw__sub_set(s, "ts", ts);
    sw__sub_set(s, "ch", channel[0] ? channel : s->feed->channel);
    json_object_del(s->state, "digest");
    confirm(s, "parent", "new_parent");
}

static void cast_done(struct sw__sub *s) {
    sw__sub_told(s, sw_str(json_object_get(s->state, "cast"), "id"));
    json_t *next = json_object_get(s->state, "cast_next");
    if (next) {
        json_object_set(s->state, "cast", next);
    } else {
        json_object_del(s->state, "cast");
    }
    json_object_del(s->state, "cast_next");
    sw__sub_set_flag(s, "alone", false);
    calm(s);
}

static void posted(struct sw__sub *s, const char *what) {
    const json_t *json = json_object_get(json_object_get(s->feed->in->body, "http"), "json");
    if (!strcmp(what, "parent")) {
        parent_done(s);
    } else if (!strcmp(what, "cast")) {
        cast_done(s);
    } else {
        sw__sub_set(s, "log_ts", sw_str(json, "ts"));
        confirm(s, "log", "new_log");
    }
}

/* Nobody knows where it stands, if it does. A message that may be missing is named in the digest instead; the digest itself
 * is tried until it is there. */
static int dropped(struct sw__sub *s, const char *what) {
    calm(s);
    if (!strcmp(what, "cast")) {
        cast_done(s);
        return 0;
    }
    if (strcmp(what, "parent") != 0)
        return 0; /* the next state of the history comes as a reply again */
    if (!json_object_get(s->state, "lines")) return sw__digest_put(s);
    undo(s, what);
    sw__sub_set_flag(s, "rep", true);
    sw__feed_hold(s->feed, sw__slack_backoff_ms(SW__TRIES));
    return 0;
}

static void refused(struct sw__sub *s, const char *what) {
    if (!strcmp(what, "parent")) {
        sw__sub_silence(s, "deaf");
    } else if (!strcmp(what, "log")) {
        sw__sub_set_flag(s, "log_frozen", true);
    } else if (sw__sub_flag(s, "alone")) {
        cast_done(s);
    } else { /* the thread is locked or gone, and a failure is still to be seen */
        sw__sub_set_flag(s, "alone", true);
    }
}

/* It stands first again in the list where it waited. */
static void wait_again(struct sw__sub *s, const char *what) {
    undo(s, what);
    sw__feed_wait(s->feed, !strcmp(what, "log") ? "r" : "p", s->id, true);
}

static int on_post(struct sw__sub *s, const char *what, enum sw__outcome outcome, bool answered,
                   int64_t wait_ms) {
    struct sw__feed *f = s->feed;
    switch (sw__post_next(s->state, &words, outcome, answered, &wait_ms)) {
    case SW__NEXT_DONE:
        posted(s, what);
        return 0;
    case SW__NEXT_PLACE:
        wait_again(s, what);
        /* Only for notices: a command finds out by itself. */
        sw__feed_hold(f, wait_ms);
        return sw__pace_method_close(f, "chat.postMessage", wait_ms);
    case SW__NEXT_LATER:
        wait_again(s, what);
        sw__feed_hold(f, wait_ms);
        return 0;
    case SW__NEXT_NOW: /* as soon as the channel has a place */
        wait_again(s, what);
        return 0;
    case SW__NEXT_DROP:
        return dropped(s, what);
    case SW__NEXT_GONE:
        if (!is_gone(s)) refused(s, what);
        return 0;
    }
    return 0;
}

static void update_refused(struct sw__sub *s, const char *what) {
    bool deleted = !strcmp(error_of(s), "message_not_found");
    if (is_gone(s)) return;
    if (is_log(what)) {
        sw__sub_set_flag(s, "log_frozen", true);
    } else if (deleted) { /* somebody does not want to see it */
        sw__sub_silence(s, "deaf");
    } else {
        sw__sub_set_flag(s, "frozen", true);
    }
}

static int on_update(struct sw__sub *s, const char *what, enum sw__outcome outcome,
                     int64_t wait_ms) {
    if (outcome == SW__UNSURE) outcome = SW__UNSENT; /* the same update may be made again */
    switch (sw__post_next(s->state, &words, outcome, true, &wait_ms)) {
    case SW__NEXT_DONE:
        if (is_log(what)) {
            confirm(s, "log", "new_log");
        } else {
            confirm(s, "parent", "new_parent");
        }
        return 0;
    case SW__NEXT_PLACE:
        undo(s, what);
        return sw__pace_method_close(s->feed, "chat.update", wait_ms);
    case SW__NEXT_LATER:
        undo(s, what);
        json_object_set_new(s->state, "again_ms", json_integer(s->feed->ctx->now_ms + wait_ms));
        return 0;
    case SW__NEXT_NOW:
        undo(s, what);
        return 0;
    case SW__NEXT_DROP: /* its next state is tried again */
        calm(s);
        return 0;
    case SW__NEXT_GONE:
        update_refused(s, what);
        return 0;
    }
    return 0;
}

int sw__sub_answered(struct sw__sub *s) {
    const json_t *body = s->feed->in->body, *http = json_object_get(body, "http");
    const char *what = sw_str(body, "what");
    int64_t wait_ms;
    if (!sw__sub_is(s, "busy", what) || sw_int(s->state, "call") != sw_int(body, "call")) return 0;
    bool answered = json_object_get(http, "status") != NULL;
    enum sw__outcome outcome = sw__bot_outcome(s->feed->in, s->feed->out, http, false, &wait_ms);
    sw__sub_set(s, "busy", "");
    /* Not made at all: the token that is kept does not open, and auth sends it again. */
    if (!strcmp(sw_str(http, "error"), "refused")) outcome = SW__UNSENT;
    if (!strcmp(what, "update") || !strcmp(what, "relog"))
        return on_update(s, what, outcome, wait_ms);
    return on_post(s, what, outcome, answered, wait_ms);
}
