/* responder_thread.c -- the replies below the message, in the order sent; see responder_conv.c. */
#include "actors/responder_priv.h"
#include "actors/templates.h"
#include "common/mem.h"

#include <string.h>

#define QUEUE_MAX 50
#define QUEUE_BYTES (128 * 1024)
#define FOLD_MAX 20
#define LATE_MS 60000
#define MORE "thread.more"

static json_t *queue(struct sw__conv *c) {
    json_t *q = json_object_get(c->state, "q");
    if (q) return q;
    json_object_set_new(c->state, "q", json_array());
    return json_object_get(c->state, "q");
}

void sw__thread_take(struct sw__conv *c, const json_t *reply) {
    json_t *q = queue(c);
    json_t *entry = json_pack("{s:s, s:O*}", "template", sw_str(reply, "template"), "data",
                              json_object_get(reply, "data"));
    size_t bytes = json_dumpb(q, NULL, 0, 0) + json_dumpb(entry, NULL, 0, 0);
    if (json_array_size(q) >= QUEUE_MAX || bytes > QUEUE_BYTES) {
        json_decref(entry);
        sw__conv_count(c, "lost");
        return;
    }
    json_array_append_new(q, entry);
    /* Whoever starts a thread has sent its parent before, but what if not? */
    if (sw__conv_is(c, "p", "") && !json_object_get(c->state, "want"))
        sw__conv_after(c, "late", LATE_MS);
}

static json_t *render(const struct sw__conv *c, const json_t *entry, bool plain) {
    struct sw_template_in what = {
        .id = sw_str(entry, "template"), .data = json_object_get(entry, "data"), .cmd = c->in->cmd};
    json_t *message = sw_template_render(&what);
    if (plain) json_object_del(message, "blocks");
    return message;
}

static void pop(struct sw__conv *c) {
    json_array_remove(queue(c), 0);
    sw__conv_set(c, "t", "");
    sw__conv_set_flag(c, "trep", false);
    sw__conv_set_flag(c, "tplain", false);
    json_object_del(c->state, "ttries");
}

static void post(struct sw__conv *c) {
    json_t *message = render(c, json_array_get(queue(c), 0), sw__conv_flag(c, "tplain"));
    json_object_set(message, "channel", json_object_get(c->state, "ch"));
    json_object_set(message, "thread_ts", json_object_get(c->state, "ts"));
    sw__conv_set(c, "t", "post");
    sw__conv_call(c, "thread", sw__slack_post(message), sw__conv_flag(c, "trep"));
}

static void wait(struct sw__conv *c, int64_t delay_ms) {
    sw__conv_set(c, "t", "wait");
    sw__conv_after(c, "thread", delay_ms);
}

static int place(struct sw__conv *c) {
    return sw__conv_place(c, wait, post);
}

/* Without a thread: each one by itself. */
static int flush(struct sw__conv *c, bool channel) {
    while (json_array_size(queue(c)) > 0) {
        SW_AUTO(sw_json) json_t *entry = json_incref(json_array_get(queue(c), 0));
        pop(c);
        int r = sw__conv_say(c, entry, NULL, channel);
        if (r < 0) return r;
    }
    return 0;
}

/* What was left out is told when the rest has been. */
static void admit(struct sw__conv *c) {
    json_int_t lost = sw_int(c->state, "lost");
    if (lost == 0 || json_array_size(queue(c)) > 0) return;
    json_object_del(c->state, "lost");
    json_array_append_new(queue(c),
                          json_pack("{s:s, s:{s:I}}", "template", MORE, "data", "n", lost));
}

int sw__thread_go(struct sw__conv *c) {
    if (sw__conv_is(c, "p", "hook")) return sw__conv_flag(c, "said") ? flush(c, false) : 0;
    if (!sw__conv_is(c, "p", "shown") || !sw__conv_is(c, "t", "")) return 0;
    admit(c);
    return json_array_size(queue(c)) > 0 ? place(c) : 0;
}

static void fold_one(const struct sw__conv *c, json_t *texts, const json_t *entry) {
    SW_AUTO(sw_json) json_t *message = render(c, entry, false);
    json_array_append(texts, json_object_get(message, "text"));
}

json_t *sw__thread_fold(struct sw__conv *c) {
    json_t *texts = json_array();
    size_t count = json_array_size(queue(c));
    size_t shown = count > FOLD_MAX ? FOLD_MAX : count;
    json_int_t left = sw_int(c->state, "lost") + (json_int_t)(count - shown);
    for (size_t i = 0; i < shown; i++)
        fold_one(c, texts, json_array_get(queue(c), i));
    if (left > 0) {
        SW_AUTO(sw_json)
        json_t *more = json_pack("{s:s, s:{s:I}}", "template", MORE, "data", "n", left);
        fold_one(c, texts, more);
    }
    json_array_clear(queue(c));
    json_object_del(c->state, "lost");
    return texts;
}

int sw__thread_due(struct sw__conv *c, const char *job) {
    int64_t delay_ms;
    if (!strcmp(job, "late")) {
        bool alone = sw__conv_is(c, "p", "") && !json_object_get(c->state, "want");
        return alone ? flush(c, true) : 0;
    }
    if (!sw__conv_is(c, "t", "wait") || !sw__conv_is(c, "p", "shown")) return 0;
    int r = sw__chan_closed(c->ctx, c->out, sw__conv_channel(c), &delay_ms);
    if (r < 0) return r;
    if (delay_ms > 0) return place(c);
    post(c);
    return 0;
}

static void drop(struct sw__conv *c) {
    const json_t *entry = json_array_get(queue(c), 0);
    /* That something is missing is not counted as missing, or the thread would never end. */
    if (strcmp(sw_str(entry, "template"), MORE)) sw__conv_count(c, "lost");
    pop(c);
}

static int alone(struct sw__conv *c) {
    SW_AUTO(sw_json) json_t *entry = json_incref(json_array_get(queue(c), 0));
    pop(c);
    return sw__conv_say(c, entry, NULL, true);
}

static int on_post(struct sw__conv *c) {
    static const struct sw__post_words words = {"trep", "ttries", "tplain", SW__TRIES_LAST};
    int r = 0;
    switch (sw__post_next(c->state, &words, c->outcome, c->answered, &c->wait_ms)) {
    case SW__NEXT_DONE:
        pop(c);
        break;
    case SW__NEXT_PLACE:
        r = sw__chan_close(c->ctx, c->out, sw__conv_channel(c), c->wait_ms);
        if (r == 0) r = place(c);
        break;
    case SW__NEXT_LATER:
        wait(c, c->wait_ms);
        break;
    case SW__NEXT_NOW:
        post(c);
        break;
    case SW__NEXT_GONE: /* the thread is locked or gone */
        return alone(c);
    case SW__NEXT_DROP:
        drop(c);
        break;
    }
    return r;
}

int sw__thread_http(struct sw__conv *c) {
    if (!sw__conv_is(c, "t", "post") || json_array_size(queue(c)) == 0) return 0;
    return on_post(c);
}
