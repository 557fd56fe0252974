/* responder_note.c -- one message to a person or a channel, by the first way that works.
 *
 * The ways: response_url, (say: the channel), an ephemeral message, a direct message (direct: that
 * one only). All that the next step needs is in the job, which travels with the call and comes back
 * with its answer; only the posts that a response_url had are counted in the conversation.
 */
#include "actors/blocks.h"
#include "actors/responder_priv.h"
#include "actors/templates.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool flag(const json_t *job, const char *key) {
    return json_is_true(json_object_get(job, key));
}

static void set_flag(json_t *job, const char *key, bool on) {
    if (on) {
        json_object_set_new(job, key, json_true());
    } else {
        json_object_del(job, key);
    }
}

static void set_step(json_t *job, const char *step) {
    json_object_set_new(job, "step", json_string(step));
    json_object_del(job, "repeat");
    json_object_del(job, "tries");
    json_object_del(job, "place");
    json_object_del(job, "plain");
}

/* The message itself; takes nothing. */
static json_t *content(const struct sw_ctx *ctx, const struct sw_msg *in, const json_t *job) {
    bool say = !strcmp(sw_str(job, "to"), "say");
    struct sw_template_in what = {.id = sw_str(job, "template"),
                                  .data = json_object_get(job, "data"),
                                  .cmd = in->cmd,
                                  .link = sw_msg_box(in, "link"),
                                  .dashboard = ctx->conf->dashboard};
    if (say) what.asker = sw_str(json_object_get(job, "who"), "user");
    json_t *message = sw_template_render(&what);
    const json_t *folded = json_object_get(job, "folded");
    json_t *line, *blocks = json_object_get(message, "blocks");
    size_t i;
    json_array_foreach((json_t *)folded, i, line) { /* templates leave room for all of them */
        if (json_array_size(blocks) < SW_BLOCKS_MAX)
            json_array_append_new(blocks, sw_block_section(json_incref(line)));
    }
    if (flag(job, "plain")) json_object_del(message, "blocks");
    return message;
}

static void call(const struct sw_msg *in, struct sw_out *out, json_t *request, json_t *job) {
    if (flag(job, "repeat")) json_object_set_new(request, "repeated", json_true());
    sw__bot_http(in, out, request, json_incref(job));
}

/* Counts a post to the response_url; *ret_free tells whether one was left. */
static int count_post(struct sw_out *out, const json_t *job, bool *ret_free) {
    const json_t *conv;
    char key[200];
    /* The only answer of its command: nothing else counts, so nothing is read or written. */
    if (sw_template_only(sw_str(job, "template"))) {
        *ret_free = true;
        return 0;
    }
    if (!sw__responder_key(key, sizeof(key), "conv", sw_str(job, "op"))) return -EBADMSG;
    int r = sw_fact(out, key, &conv);
    if (r < 0) return r;
    json_int_t urls = sw_int(conv, "urls");
    *ret_free = urls < SW__URL_POSTS;
    if (!*ret_free) return 0;
    json_t *next = conv ? json_copy((json_t *)conv) : json_object();
    json_object_set_new(next, "urls", json_integer(urls + 1));
    sw_store(out, key, next, SW__CONV_TTL_MS);
    return 0;
}

/* 1: posted; 0: this way is closed. */
static int by_hook(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                   json_t *job) {
    bool say = !strcmp(sw_str(job, "to"), "say");
    const char *box = sw_msg_box(in, "response_url");
    bool left;
    /* The box opens only for its own command, and a notice that joins a conversation is another. */
    if (!box || strcmp(in->cmd, sw_str(job, "op")) || ctx->now_ms - in->born_ms > SW__URL_MS)
        return 0;
    if (!flag(job, "counted")) {
        int r = count_post(out, job, &left);
        if (r < 0) return r;
        if (!left) return 0;
        set_flag(job, "counted", true);
    }
    json_t *message = content(ctx, in, job);
    json_object_set_new(message, "response_type", json_string(say ? "in_channel" : "ephemeral"));
    json_object_set_new(message, "replace_original", json_false());
    call(in, out, sw__slack_hook(box, message), job);
    return 1;
}

/* The number tells apart what one call says several times. */
static void wait(const struct sw_ctx *ctx, struct sw_out *out, json_t *job, int64_t delay_ms) {
    uint8_t bytes[8];
    char hex[2 * sizeof(bytes) + 1], name[64];
    sw_derive(ctx->seed, "note", bytes, sizeof(bytes));
    sw_hex(bytes, sizeof(bytes), hex);
    snprintf(name, sizeof(name), "note/%s/%lld", hex, (long long)sw_int(job, "number"));
    sw_after(out, name, delay_ms, SW_KIND_RESPONDER_TIMER, json_incref(job));
}

static void by_post(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                    json_t *job, const char *channel) {
    json_t *message = content(ctx, in, job);
    json_object_set_new(message, "channel", json_string(channel));
    if (!flag(job, "plain"))
        json_object_set_new(message, "metadata",
                            json_pack("{s:s, s:{s:s}}", "event_type", "slipway", "event_payload",
                                      "op", sw_str(job, "op")));
    call(in, out, sw__slack_post(message), job);
}

static const char *channel_of(const json_t *job) {
    const char *dm = sw_str(job, "dm");
    return dm[0] ? dm : sw_str(json_object_get(job, "who"), "channel");
}

/* 1: posted or waiting for its place. `place`: it has one already. */
static int by_channel(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                      json_t *job) {
    const char *channel = channel_of(job);
    int64_t delay_ms;
    int r = flag(job, "place") ? sw__chan_closed(ctx, out, channel, &delay_ms)
                               : sw__chan_take(ctx, out, channel, &delay_ms);
    if (r < 0) return r;
    if (flag(job, "place") && delay_ms > 0) r = sw__chan_take(ctx, out, channel, &delay_ms);
    if (r < 0) return r;
    set_flag(job, "place", delay_ms > 0);
    if (delay_ms > 0) {
        wait(ctx, out, job, delay_ms);
    } else {
        by_post(ctx, in, out, job, channel);
    }
    return 1;
}

static int by_ephemeral(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                        json_t *job) {
    const json_t *who = json_object_get(job, "who");
    if (!sw_str(who, "user")[0]) return 0;
    json_t *message = content(ctx, in, job);
    json_object_set(message, "channel", json_object_get(who, "channel"));
    json_object_set(message, "user", json_object_get(who, "user"));
    call(in, out, sw__slack_call("chat.postEphemeral", message, "once"), job);
    return 1;
}

static int by_open(const struct sw_msg *in, struct sw_out *out, json_t *job) {
    const char *user = sw_str(json_object_get(job, "who"), "user");
    if (!user[0]) return 0;
    call(in, out, sw__slack_call("conversations.open", json_pack("{s:s}", "users", user), "safe"),
         job);
    return 1;
}

static int try_step(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                    json_t *job, const char *step) {
    if (!strcmp(step, "hook")) return by_hook(ctx, in, out, job);
    if (!sw__bot_able(ctx, in, out)) return 0;
    if (!strcmp(step, "open")) return by_open(in, out, job);
    if (!strcmp(step, "ephemeral")) return by_ephemeral(ctx, in, out, job);
    return by_channel(ctx, in, out, job);
}

/* The way after this one; NULL: there is none. */
static const char *step_after(const json_t *job, const char *step) {
    bool say = !strcmp(sw_str(job, "to"), "say");
    if (!strcmp(step, "hook") && say && !flag(job, "no_post")) return "post";
    if (!strcmp(step, "hook") || !strcmp(step, "post")) return "ephemeral";
    return !strcmp(step, "ephemeral") ? "open" : NULL;
}

/* A dead letter, but for what the person was told by a page as well. */
static int no_way(const json_t *job) {
    return flag(job, "told") ? 0 : -EHOSTUNREACH;
}

/* From the job's step on, the first way that is open. */
static int go(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out, json_t *job) {
    for (;;) {
        int r = try_step(ctx, in, out, job, sw_str(job, "step"));
        if (r != 0) return r < 0 ? r : 0;
        const char *next = step_after(job, sw_str(job, "step"));
        if (!next) return no_way(job);
        set_step(job, next);
    }
}

static int go_on(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out, json_t *job,
                 const char *next) {
    if (!next) return no_way(job);
    set_step(job, next);
    return go(ctx, in, out, job);
}

int sw__note_start(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                   const json_t *reply) {
    static const char *const keys[] = {"to", "who", "op", "template", "data", "folded", "number"};
    static const char *const flags[] = {"final", "no_post", "told"};
    bool direct = !strcmp(sw_str(reply, "to"), "direct"); /* to somebody who is not the asker */
    SW_AUTO(sw_json)
    json_t *job = json_pack("{s:s, s:s}", "job", "note", "step", direct ? "open" : "hook");
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        json_t *value = json_object_get(reply, keys[i]);
        if (value) json_object_set(job, keys[i], value);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        set_flag(job, flags[i], flag(reply, flags[i]));
    return go(ctx, in, out, job);
}

int sw__note_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_json) json_t *job = json_copy(in->body);
    return go(ctx, in, out, job);
}

static int done(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out, json_t *job,
                const json_t *answer) {
    const json_t *channel = json_object_get(answer, "channel");
    const char *dm = json_is_object(channel) ? sw_str(channel, "id") : sw_str(answer, "channel.id");
    if (!dm[0]) return no_way(job);
    json_object_set_new(job, "dm", json_string(dm));
    return go_on(ctx, in, out, job, "dm");
}

/* It may have been seen already. A message in a channel, and the final word by any way, are said
 * once more; when that is as uncertain, only the final word goes on to the next way. */
static int unsure(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                  json_t *job, bool answered) {
    const char *step = sw_str(job, "step");
    bool posted = !strcmp(step, "post") || !strcmp(step, "dm");
    if (flag(job, "repeat"))
        return flag(job, "final") ? go_on(ctx, in, out, job, step_after(job, step)) : 0;
    if (!posted && !flag(job, "final")) return 0;
    set_flag(job, "repeat", true);
    set_flag(job, "counted", false);
    /* Slack said that it is not well: at once would be too soon. */
    if (answered) {
        wait(ctx, out, job, 2000);
        return 0;
    }
    return go(ctx, in, out, job);
}

static int again(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out, json_t *job,
                 int64_t wait_ms) {
    const char *step = sw_str(job, "step");
    if (strcmp(step, "post") != 0 && strcmp(step, "dm") != 0) {
        wait(ctx, out, job, wait_ms);
        return 0;
    }
    int r = sw__chan_close(ctx, out, channel_of(job), wait_ms);
    if (r == 0) r = by_channel(ctx, in, out, job);
    return r < 0 ? r : 0;
}

int sw__note_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *http = json_object_get(in->body, "http");
    const char *step = sw_str(in->body, "step");
    int64_t wait_ms;
    enum sw__outcome outcome = sw__bot_outcome(in, out, http, !strcmp(step, "hook"), &wait_ms);
    bool asked = !strcmp(step, "open");
    if (outcome == SW__DONE && !asked) return 0;
    /* A question may be asked again. */
    if (outcome == SW__UNSURE && asked) outcome = SW__UNSENT;
    SW_AUTO(sw_json) json_t *job = json_copy(in->body);
    json_object_del(job, "http");
    int64_t tries = sw_int(job, "tries") + 1;
    switch (outcome) {
    case SW__DONE:
        return done(ctx, in, out, job, json_object_get(http, "json"));
    case SW__AGAIN:
        return again(ctx, in, out, job, wait_ms);
    case SW__UNSURE:
        return unsure(ctx, in, out, job, json_object_get(http, "status") != NULL);
    case SW__UNSENT:
        json_object_set_new(job, "tries", json_integer(tries));
        if (tries > (step_after(job, step) ? SW__TRIES : SW__TRIES_LAST)) break;
        wait(ctx, out, job, sw__slack_backoff_ms(tries));
        return 0;
    case SW__BLOCKS:
        if (flag(job, "plain")) break;
        set_flag(job, "plain", true);
        return go(ctx, in, out, job);
    case SW__GONE:
        break;
    }
    return go_on(ctx, in, out, job, step_after(job, step));
}
