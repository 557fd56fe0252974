/* responder_parent.c -- the message that changes: posted, then updated; see responder_conv.c. */
#include "actors/responder_priv.h"
#include "actors/templates.h"
#include "common/mem.h"

#include <string.h>

static json_t *render(const struct sw__conv *c) {
    const json_t *want = json_object_get(c->state, "want");
    json_t *message = sw_template_render(&(struct sw_template_in){
        .id = sw_str(want, "template"), .data = json_object_get(want, "data"), .cmd = c->in->cmd});
    if (sw__conv_flag(c, "plain")) json_object_set_new(message, "blocks", json_array());
    return message;
}

static void post(struct sw__conv *c) {
    json_t *message = render(c);
    json_object_set_new(message, "channel", json_string(sw__conv_channel(c)));
    json_object_set_new(
        message, "metadata",
        json_pack("{s:s, s:{s:s}}", "event_type", "slipway", "event_payload", "op", c->op));
    sw__conv_set(c, "p", "post");
    sw__conv_call(c, "parent", sw__slack_post(message), sw__conv_flag(c, "rep"));
}

static void wait(struct sw__conv *c, int64_t delay_ms) {
    sw__conv_set(c, "p", "wait");
    sw__conv_after(c, "parent", delay_ms);
}

static int place(struct sw__conv *c) {
    return sw__conv_place(c, wait, post);
}

static void update(struct sw__conv *c) {
    json_t *message = render(c);
    json_object_set(message, "channel", json_object_get(c->state, "ch"));
    json_object_set(message, "ts", json_object_get(c->state, "ts"));
    sw__conv_set(c, "up", "post");
    sw__conv_call(c, "update", sw__slack_call("chat.update", message, "safe"), false);
}

int sw__conv_say(struct sw__conv *c, const json_t *entry, json_t *folded, bool channel) {
    SW_AUTO(sw_json)
    json_t *reply = json_pack(
        "{s:s, s:I, s:s, s:O, s:O*, s:O*, s:O*, s:o*, s:b}", "to", "say", "number",
        sw__conv_count(c, "says"), "op", c->op, "who", json_object_get(c->state, "who"), "template",
        json_object_get(entry, "template"), "data", json_object_get(entry, "data"), "final",
        json_object_get(entry, "last"), "folded", folded, "no_post", !channel);
    /* The note counts its post in the stored conversation, so what we hold goes there and back. */
    const json_t *stored;
    sw_store(c->out, c->key, json_deep_copy(c->state), SW__CONV_TTL_MS);
    int r = sw__note_start(c->ctx, c->in, c->out, reply);
    if (r == 0) r = sw_fact(c->out, c->key, &stored);
    if (r == 0) json_object_set_new(c->state, "urls", json_integer(sw_int(stored, "urls")));
    return r;
}

/* A channel that only its members see: what to type so that it is better next time, once. */
static void advise(struct sw__conv *c, json_t *texts) {
    const char *bot = sw__bot_user(c->in, c->out);
    SW_AUTO(sw_json) json_t *data = json_pack("{s:s}", "bot", bot);
    SW_AUTO(sw_json)
    json_t *message = sw_template_render(
        &(struct sw_template_in){.id = "thread.uninvited", .data = data, .cmd = c->in->cmd});
    sw__conv_set_flag(c, "uninvited", false);
    json_array_append(texts, json_object_get(message, "text"));
}

/* The bot cannot post: the beginning is told, and the end with all that was to be said below. */
static int tell(struct sw__conv *c) {
    SW_AUTO(sw_json) json_t *want = json_incref(json_object_get(c->state, "want"));
    bool last = json_is_true(json_object_get(want, "last"));
    if (!last && sw__conv_flag(c, "begun")) return 0;
    sw__conv_set_flag(c, "begun", true);
    if (last) sw__conv_set_flag(c, "said", true);
    json_object_set_new(c->state, "shown", json_integer(sw_int(want, "rank")));
    json_object_del(c->state, "want");
    SW_AUTO(sw_json) json_t *folded = last ? sw__thread_fold(c) : json_array();
    if (sw__conv_flag(c, "uninvited")) advise(c, folded);
    return sw__conv_say(c, want, sw_take(&folded), false);
}

int sw__parent_go(struct sw__conv *c) {
    if (!json_object_get(c->state, "want")) return 0;
    if (sw__conv_is(c, "p", "") && !sw__bot_able(c->ctx, c->in, c->out))
        sw__conv_set(c, "p", "hook");
    if (sw__conv_is(c, "p", "")) return place(c);
    if (sw__conv_is(c, "p", "hook")) return tell(c);
    if (sw__conv_is(c, "p", "shown") && sw__conv_is(c, "up", "")) update(c);
    return 0;
}

int sw__parent_due(struct sw__conv *c, const char *job) {
    int64_t delay_ms;
    if (!strcmp(job, "update") && sw__conv_is(c, "up", "wait")) sw__conv_set(c, "up", "");
    if (strcmp(job, "parent") || !sw__conv_is(c, "p", "wait")) return 0;
    int r = sw__chan_closed(c->ctx, c->out, sw__conv_channel(c), &delay_ms);
    if (r < 0) return r;
    if (delay_ms > 0) return place(c);
    post(c);
    return 0;
}

/* What people see now is the state that the call was about. */
static void confirm(struct sw__conv *c) {
    const json_t *job = c->in->body;
    json_object_set_new(c->state, "shown", json_integer(sw_int(job, "rank")));
    if (sw_int(job, "n") == sw_int(c->state, "n")) json_object_del(c->state, "want");
    json_object_del(c->state, "tries");
}

static void posted(struct sw__conv *c) {
    const json_t *answer = json_object_get(json_object_get(c->in->body, "http"), "json");
    const char *ts = sw_str(answer, "ts");
    const char *channel = sw_str(answer, "channel");
    if (!ts[0]) {
        sw__conv_set(c, "p", "hook");
        return;
    }
    sw__conv_set(c, "p", "shown");
    sw__conv_set(c, "ts", ts);
    sw__conv_set(c, "ch", channel[0] ? channel : sw__conv_channel(c));
    confirm(c);
}

static int post_again(struct sw__conv *c) {
    int r = sw__chan_close(c->ctx, c->out, sw__conv_channel(c), c->wait_ms);
    if (r == 0) r = place(c);
    return r;
}

static bool is_uninvited(const struct sw__conv *c) {
    const json_t *answer = json_object_get(json_object_get(c->in->body, "http"), "json");
    return !strcmp(sw_str(answer, "error"), "not_in_channel");
}

static int on_post(struct sw__conv *c) {
    static const struct sw__post_words words = {"rep", "tries", "plain", SW__TRIES};
    switch (sw__post_next(c->state, &words, c->outcome, c->answered, &c->wait_ms)) {
    case SW__NEXT_DONE:
        posted(c);
        return 0;
    case SW__NEXT_PLACE:
        return post_again(c);
    case SW__NEXT_LATER:
        wait(c, c->wait_ms);
        return 0;
    case SW__NEXT_NOW:
        post(c);
        return 0;
    case SW__NEXT_GONE:
        sw__conv_set_flag(c, "uninvited", is_uninvited(c));
        break;
    case SW__NEXT_DROP:
        break;
    }
    sw__conv_set(c, "p", "hook");
    return 0;
}

static void on_update(struct sw__conv *c) {
    bool later = c->outcome == SW__UNSURE || c->outcome == SW__UNSENT;
    sw__conv_set(c, "up", "");
    if (c->outcome == SW__DONE) {
        confirm(c);
    } else if (c->outcome == SW__AGAIN) {
        sw__conv_set(c, "up", "wait");
        sw__conv_after(c, "update", c->wait_ms);
    } else if (later && sw__conv_count(c, "tries") <= SW__TRIES_LAST) {
        sw__conv_set(c, "up", "wait");
        sw__conv_after(c, "update", sw__slack_backoff_ms(sw_int(c->state, "tries")));
    } else if (c->outcome == SW__BLOCKS && !sw__conv_flag(c, "plain")) {
        sw__conv_set_flag(c, "plain", true);
    } else { /* somebody deleted it, or it cannot be changed any more */
        sw__conv_set_flag(c, "begun", true);
        sw__conv_set(c, "p", "hook");
    }
}

int sw__parent_http(struct sw__conv *c, const char *job) {
    if (!strcmp(job, "update")) {
        if (sw__conv_is(c, "up", "post")) on_update(c);
        return 0;
    }
    return sw__conv_is(c, "p", "post") ? on_post(c) : 0;
}
