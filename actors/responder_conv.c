/* responder_conv.c -- a message that changes, and the replies below it; see responder_priv.h.
 *
 * conv/<op> is {who, urls, p, ts, ch, shown, want, n, up, q, t, lost, ...}:
 *   p      the parent: "" none, "wait" for its place, "post" under way, "shown", "hook" (the bot
 *          cannot post here: response_url tells the beginning and the end; begun, said: done)
 *   want   {rank, template, data, last}: the newest state, until Slack confirmed it; n counts the
 *          states, so that an answer tells which one it was about; shown is the rank people see
 *   up     an update of the parent: "" none, "post" under way, "wait" for its timer
 *   q, t   replies not yet posted; the first is "post" under way or "wait"s for its place
 *   lost   how many replies were left out, told at the end of the thread
 *   rep, tries, plain and trep, ttries, tplain: of the parent's and the first reply's call that it
 *          was repeated, how often it did not reach Slack, that it goes without blocks
 *   uninvited  the channel is closed to the bot, which is still to be told
 * One parent call and one reply at most are under way; what comes meanwhile is folded or queued.
 */
#include "actors/responder_priv.h"

#include "common/mem.h"

#include <errno.h>
#include <string.h>

bool sw__conv_flag(const struct sw__conv *c, const char *key) {
    return json_is_true(json_object_get(c->state, key));
}

void sw__conv_set_flag(struct sw__conv *c, const char *key, bool on) {
    if (on) {
        json_object_set_new(c->state, key, json_true());
    } else {
        json_object_del(c->state, key);
    }
}

bool sw__conv_is(const struct sw__conv *c, const char *key, const char *value) {
    return !strcmp(sw_str(c->state, key), value);
}

void sw__conv_set(struct sw__conv *c, const char *key, const char *value) {
    json_object_set_new(c->state, key, json_string(value));
}

json_int_t sw__conv_count(struct sw__conv *c, const char *key) {
    json_int_t n = sw_int(c->state, key) + 1;
    json_object_set_new(c->state, key, json_integer(n));
    return n;
}

const char *sw__conv_channel(const struct sw__conv *c) {
    return sw_str(json_object_get(c->state, "who"), "channel");
}

#define RANK_LAST 1000000 /* executor's last states have it, also where the final word is private */

/* Loads the conversation that `in` names; the caller saves it. */
static int load(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                struct sw__conv *ret) {
    struct sw__conv c = {.ctx = ctx, .in = in, .out = out, .op = sw_str(in->body, "op")};
    const json_t *state;
    if (!sw__responder_key(c.key, sizeof(c.key), "conv", c.op)) return -EBADMSG;
    int r = sw_fact(out, c.key, &state);
    if (r < 0) return r;
    c.state = state ? json_deep_copy(state) : json_object();
    if (!json_object_get(c.state, "who"))
        json_object_set(c.state, "who", json_object_get(in->body, "who"));
    *ret = c;
    return 0;
}

static int save(struct sw__conv *c, int r) {
    if (r == 0) {
        sw_store(c->out, c->key, json_incref(c->state), SW__CONV_TTL_MS);
    }
    json_decref(c->state);
    return r;
}

/* A lower rank than the one that is shown, or that will be, is late news. */
static void take_state(struct sw__conv *c, const json_t *reply) {
    const json_t *want = json_object_get(c->state, "want");
    json_int_t rank = sw_int(reply, "rank");
    if (rank < sw_int(c->state, "shown") || rank < sw_int(want, "rank")) return;
    const json_t *data = json_object_get(reply, "data");
    json_object_set_new(
        c->state, "want",
        json_pack("{s:I, s:s, s:O?, s:b}", "rank", rank, "template", sw_str(reply, "template"),
                  "data", data, "last",
                  json_is_true(json_object_get(reply, "final")) || rank >= RANK_LAST));
    sw__conv_count(c, "n");
}

/* Whatever can be done now is done. */
static int go(struct sw__conv *c) {
    int r = sw__parent_go(c);
    return r < 0 ? r : sw__thread_go(c);
}

int sw__conv_reply(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    struct sw__conv c;
    int r = load(ctx, in, out, &c);
    if (r < 0) return r;
    if (!strcmp(sw_str(in->body, "to"), "parent")) {
        take_state(&c, in->body);
    } else {
        sw__thread_take(&c, in->body);
    }
    return save(&c, go(&c));
}

/* Arms the timer of a job of this conversation. */
void sw__conv_after(struct sw__conv *c, const char *job, int64_t delay_ms) {
    SW_AUTO(sw_text) char *name = sw_printf("%s/%s", job, c->op);
    sw_after(c->out, name, delay_ms, SW_KIND_RESPONDER_TIMER,
             json_pack("{s:s, s:s, s:O}", "job", job, "op", c->op, "who",
                       json_object_get(c->state, "who")));
}

void sw__conv_call(struct sw__conv *c, const char *job, json_t *request, bool repeat) {
    const json_t *want = json_object_get(c->state, "want");
    if (repeat) json_object_set_new(request, "repeated", json_true());
    sw__bot_http(c->in, c->out, request,
                 json_pack("{s:s, s:s, s:O, s:I, s:I}", "job", job, "op", c->op, "who",
                           json_object_get(c->state, "who"), "rank", sw_int(want, "rank"), "n",
                           sw_int(c->state, "n")));
}

int sw__conv_place(struct sw__conv *c, void (*wait)(struct sw__conv *c, int64_t delay_ms),
                   void (*post)(struct sw__conv *c)) {
    int64_t delay_ms;
    int r = sw__chan_take(c->ctx, c->out, sw__conv_channel(c), &delay_ms);
    if (r < 0) return r;
    if (delay_ms > 0) {
        wait(c, delay_ms);
    } else {
        post(c);
    }
    return 0;
}

int sw__conv_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *job = sw_str(in->body, "job");
    struct sw__conv c;
    int r = load(ctx, in, out, &c);
    if (r < 0) return r;
    if (!strcmp(job, "thread") || !strcmp(job, "late")) {
        r = sw__thread_due(&c, job);
    } else {
        r = sw__parent_due(&c, job);
    }
    return save(&c, r < 0 ? r : go(&c));
}

int sw__conv_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *job = sw_str(in->body, "job");
    const json_t *http = json_object_get(in->body, "http");
    struct sw__conv c;
    int r = load(ctx, in, out, &c);
    if (r < 0) return r;
    c.answered = json_object_get(http, "status") != NULL;
    c.outcome = sw__bot_outcome(in, out, http, false, &c.wait_ms);
    if (!strcmp(job, "thread")) {
        r = sw__thread_http(&c);
    } else {
        r = sw__parent_http(&c, job);
    }
    return save(&c, r < 0 ? r : go(&c));
}
