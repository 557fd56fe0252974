/* responder_feed.c -- who waits in a channel, and whose turn it is; see responder_feed.h.
 *
 * feed/<installation>/<channel> is {who, p, r, u, due, hold, booked, minute, count, digest}:
 *   p, r     [id]: subjects that wait for a place in the channel: new messages and broadcasts, then logs
 *   u        [[id, at_ms]]: subjects that wait for an update, each not before its time
 *   due      when the channel's timer comes
 *   hold     nothing is begun before: Slack was not reached
 *   booked   when the channel's next update has its token. Each channel books one at most, so that they take turns.
 *   minute, count, digest  how many subjects began in this minute, and the id of the digest that takes in the rest
 * What a subject needs is in the subject; that it stands in a list says only that it shall be looked at. */
#include "actors/responder_feed.h"
#include "common/mem.h"

#include <errno.h>
#include <string.h>

#define FEED_TTL_MS (7LL * 24 * 60 * 60 * 1000) /* someone waits: longer than any wait */
#define IDLE_TTL_MS 120000                      /* nobody does: the count of the minute */
#define FULL_MS 30000

static int feed_open(struct sw__feed *f, const struct sw_ctx *ctx, const struct sw_msg *in,
                     struct sw_out *out) {
    const json_t *who = json_object_get(in->body, "who");
    *f = (struct sw__feed){
        .ctx = ctx, .in = in, .out = out, .channel = sw_str(who, "channel"), .state = NULL};
    if (!sw_is_slack_id(f->channel, strlen(f->channel))) return -EBADMSG;
    SW_AUTO(sw_text) char *name = sw_printf("%s/%s", in->inst, f->channel);
    if (!sw__responder_key(f->key, sizeof(f->key), "feed", name)) return -EBADMSG;
    int r = sw_fact(out, f->key, &f->stored);
    if (r < 0) return r;
    f->state = f->stored ? json_deep_copy(f->stored) : json_object();
    if (!json_object_get(f->state, "who"))
        json_object_set_new(f->state, "who",
                            json_pack("{s:s, s:s, s:O*}", "team", sw_str(who, "team"), "channel",
                                      f->channel, "enterprise",
                                      json_object_get(who, "enterprise")));
    return 0;
}

static json_t *list_of(struct sw__feed *f, const char *name) {
    json_t *list = json_object_get(f->state, name);
    if (list) return list;
    json_object_set_new(f->state, name, json_array());
    return json_object_get(f->state, name);
}

static size_t waiting(const struct sw__feed *f) {
    return json_array_size(json_object_get(f->state, "p")) +
           json_array_size(json_object_get(f->state, "r")) +
           json_array_size(json_object_get(f->state, "u"));
}

int sw__feed_open_sub(struct sw__feed *f, const char *id, struct sw__sub **ret) {
    const json_t *stored;
    for (size_t i = 0; i < f->subs; i++) {
        if (strcmp(f->sub[i].id, id) != 0) continue;
        *ret = &f->sub[i];
        return 0;
    }
    if (f->subs == SW__FEED_SUBS) return -ENOBUFS;
    struct sw__sub *s = &f->sub[f->subs];
    *s = (struct sw__sub){.feed = f};
    snprintf(s->id, sizeof(s->id), "%s", id);
    snprintf(s->key, sizeof(s->key), "sub/%.64s/%s", f->in->inst, id);
    int r = sw_fact(f->out, s->key, &stored);
    if (r < 0) return r;
    s->state = stored ? json_deep_copy(stored) : json_object();
    f->subs++;
    *ret = s;
    return 0;
}

static void sub_close(struct sw__sub *s, int r) {
    if (r == 0 && s->gone) {
        sw_forget(s->feed->out, s->key);
    } else if (r == 0 && s->changed) {
        sw_store(s->feed->out, s->key, json_incref(s->state),
                 sw__sub_flag(s, "final") ? SW__SUB_DONE_MS : SW__SUB_OPEN_MS);
    }
    json_decref(s->state);
}

/* The timer that is armed already may come too early, which does no harm. */
static void arm(struct sw__feed *f) {
    int64_t due = sw_int(f->state, "due");
    if (f->next_ms == 0 || (due > f->ctx->now_ms && due <= f->next_ms)) return;
    json_object_set_new(f->state, "due", json_integer(f->next_ms));
    sw_after(f->out, f->key, f->next_ms - f->ctx->now_ms, SW_KIND_RESPONDER_TIMER,
             json_pack("{s:s, s:O}", "job", "feed", "who", json_object_get(f->state, "who")));
}

/* What need not be kept. */
static void tidy(struct sw__feed *f) {
    static const char *const lists[] = {"p", "r", "u"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (json_array_size(json_object_get(f->state, lists[i])) == 0)
            json_object_del(f->state, lists[i]);
    }
    if (sw_int(f->state, "hold") <= f->ctx->now_ms) json_object_del(f->state, "hold");
    if (waiting(f) == 0) json_object_del(f->state, "who");
}

static int feed_close(struct sw__feed *f, int r) {
    if (r == 0) arm(f);
    tidy(f);
    for (size_t i = 0; i < f->subs; i++)
        sub_close(&f->sub[i], r);
    bool nothing = !f->stored && json_object_size(f->state) == 0;
    if (r == 0 && !nothing && !json_equal(f->state, f->stored))
        sw_store(f->out, f->key, json_incref(f->state), waiting(f) ? FEED_TTL_MS : IDLE_TTL_MS);
    json_decref(f->state);
    return r;
}

/* ---- the lists ---- */

bool sw__feed_waits(const struct sw__feed *f, const char *list, const char *id) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(f->state, list), i, one) {
        const json_t *name = json_is_array(one) ? json_array_get(one, 0) : one;
        if (!strcmp(json_string_value(name), id)) return true;
    }
    return false;
}

bool sw__feed_wait(struct sw__feed *f, const char *list, const char *id, bool first) {
    json_t *ids = list_of(f, list);
    if (sw__feed_waits(f, list, id)) return true;
    if (json_array_size(ids) >= SW__FEED_MAX) return false;
    json_array_insert_new(ids, first ? 0 : json_array_size(ids), json_string(id));
    return true;
}

bool sw__feed_wait_update(struct sw__feed *f, const char *id, int64_t at_ms) {
    json_t *list = list_of(f, "u"), *one;
    size_t i;
    json_array_foreach(list, i, one) {
        if (strcmp(json_string_value(json_array_get(one, 0)), id) != 0) continue;
        json_array_set_new(one, 1, json_integer(at_ms));
        return true;
    }
    if (json_array_size(list) >= SW__FEED_MAX) return false;
    json_array_append_new(list, json_pack("[s, I]", id, (json_int_t)at_ms));
    return true;
}

void sw__feed_clear(struct sw__feed *f) {
    json_object_del(f->state, "p");
    json_object_del(f->state, "r");
    json_object_del(f->state, "u");
}

void sw__feed_hold(struct sw__feed *f, int64_t delay_ms) {
    json_object_set_new(f->state, "hold", json_integer(f->ctx->now_ms + delay_ms));
}

/* ---- whose turn it is ---- */

static void come_back(struct sw__feed *f, int64_t at_ms) {
    int64_t least = f->ctx->now_ms + 1;
    if (at_ms < least) at_ms = least;
    if (f->next_ms == 0 || at_ms < f->next_ms) f->next_ms = at_ms;
}

/* The first id of a list, which leaves it. */
static void pop(json_t *list, size_t i, char ret[SW__SUB_ID]) {
    const json_t *one = json_array_get(list, i);
    if (json_is_array(one)) one = json_array_get(one, 0);
    snprintf(ret, SW__SUB_ID, "%s", json_string_value(one));
    json_array_remove(list, i);
}

/* When a message may be posted here: nobody who types is before it, and the workspace has a token. */
static int post_at(const struct sw__feed *f, int64_t *ret_at_ms) {
    int64_t method_ms, floor_ms, at_ms;
    int r = sw__chan_idle(f->out, f->channel, &at_ms);
    if (r == 0) r = sw__pace_method(f, "chat.postMessage", &method_ms, &floor_ms);
    if (r < 0) return r;
    if (at_ms < method_ms) at_ms = method_ms;
    if (at_ms < sw_int(f->state, "hold")) at_ms = sw_int(f->state, "hold");
    *ret_at_ms = at_ms;
    return 0;
}

/* 1: a call was begun, or the next may be; 0: nobody can go on now. */
static int turn_post(struct sw__feed *f) {
    json_t *news = list_of(f, "p"), *logs = list_of(f, "r");
    json_t *list = json_array_size(news) ? news : logs;
    struct sw__sub *s;
    char id[SW__SUB_ID];
    int64_t at_ms;
    if (json_array_size(list) == 0) return 0;
    int r = post_at(f, &at_ms);
    if (r < 0) return r;
    if (at_ms > f->ctx->now_ms) {
        come_back(f, at_ms);
        return 0;
    }
    pop(list, 0, id);
    r = sw__feed_open_sub(f, id, &s);
    if (r < 0) return r;
    if (!sw__sub_post(s)) return 1;
    r = sw__chan_spend(f->ctx, f->out, f->channel);
    if (r == 0) r = sw__pace_method_take(f, "chat.postMessage", f->ctx->now_ms);
    return r < 0 ? r : 1;
}

/* The one that has waited longest of those whose time has come; none: comes back for the first. */
static bool due_update(struct sw__feed *f, const json_t *list, size_t *ret) {
    size_t i;
    json_t *one;
    int64_t first = 0;
    json_array_foreach((json_t *)list, i, one) {
        int64_t at_ms = json_integer_value(json_array_get(one, 1));
        if (at_ms <= f->ctx->now_ms) {
            *ret = i;
            return true;
        }
        if (first == 0 || at_ms < first) first = at_ms;
    }
    if (first) come_back(f, first);
    return false;
}

/* Whether the channel has a token for an update; it books one where there is none. */
static int book(struct sw__feed *f, bool *ret_now) {
    int64_t now = f->ctx->now_ms, booked = sw_int(f->state, "booked"), at_ms, floor_ms;
    int r = sw__pace_method(f, "chat.update", &at_ms, &floor_ms);
    if (r < 0) return r;
    *ret_now = false;
    if (sw_int(f->state, "hold") > now) {
        come_back(f, sw_int(f->state, "hold"));
        return 0;
    }
    if (booked && booked >= floor_ms) {
        *ret_now = booked <= now;
        if (booked > now) come_back(f, booked);
        if (booked <= now) json_object_del(f->state, "booked");
        return 0;
    }
    json_object_del(f->state, "booked");
    *ret_now = at_ms <= now;
    if (at_ms > now) {
        json_object_set_new(f->state, "booked", json_integer(at_ms));
        come_back(f, at_ms);
    }
    return sw__pace_method_take(f, "chat.update", at_ms > now ? at_ms : now);
}

static int turn_update(struct sw__feed *f) {
    json_t *list = list_of(f, "u");
    struct sw__sub *s;
    char id[SW__SUB_ID];
    size_t i;
    bool now;
    if (!due_update(f, list, &i)) return 0;
    int r = book(f, &now);
    if (r < 0 || !now) return r;
    pop(list, i, id);
    r = sw__feed_open_sub(f, id, &s);
    if (r < 0) return r;
    (void)sw__sub_update(s); /* nothing to update: its token is lost, which is rare */
    return 1;
}

static int turn(struct sw__feed *f) {
    /* Uninstalled meanwhile: what comes after the next installation begins with the newest states. */
    if (!sw__bot_able(f->ctx, f->in, f->out)) sw__feed_clear(f);
    for (int i = 0; i < SW__FEED_CALLS; i++) {
        int posted = turn_post(f);
        if (posted < 0) return posted;
        int updated = turn_update(f);
        if (updated < 0) return updated;
        if (!posted && !updated) return 0;
    }
    come_back(f, 0); /* more at once than one call of the handler shall do */
    return 0;
}

/* ---- what comes ---- */

int sw__feed_notice(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *op = sw_str(in->body, "op");
    const json_t *parent = json_object_get(in->body, "parent");
    struct sw__feed f;
    struct sw__sub *s;
    char id[SW__SUB_ID];
    if (!op[0] || strlen(op) > SW__OP_MAX || sw_int(in->body, "n") <= 0 ||
        !sw_str(parent, "template")[0])
        return -EBADMSG;
    if (!sw__bot_able(ctx, in, out)) return 0; /* nowhere to say it: auth has told the person */
    int r = feed_open(&f, ctx, in, out);
    if (r < 0) return r;
    sw__sub_id(op, id);
    r = sw__feed_open_sub(&f, id, &s);
    if (r == 0 && sw__sub_merge(s, in->body)) r = sw__sub_plan(s);
    if (r == 0 && s->changed) r = turn(&f);
    return feed_close(&f, r);
}

int sw__feed_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    struct sw__feed f;
    int r = feed_open(&f, ctx, in, out);
    if (r < 0) return r;
    json_object_del(f.state, "due");
    return feed_close(&f, turn(&f));
}

static int on_sub(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                  bool http) {
    struct sw__feed f;
    struct sw__sub *s;
    char id[SW__SUB_ID];
    int r = feed_open(&f, ctx, in, out);
    if (r < 0) return r;
    snprintf(id, sizeof(id), "%s", sw_str(in->body, "sub"));
    r = sw__feed_open_sub(&f, id, &s);
    if (r == 0 && http) r = sw__sub_answered(s);
    if (r == 0) r = sw__sub_plan(s);
    if (r == 0) r = turn(&f);
    return feed_close(&f, r);
}

int sw__feed_sub_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    return on_sub(ctx, in, out, false);
}

int sw__feed_sub_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    return on_sub(ctx, in, out, true);
}

void sw__feed_full(struct sw__sub *s) {
    sw_after(s->feed->out, s->key, FULL_MS, SW_KIND_RESPONDER_TIMER,
             json_pack("{s:s, s:s, s:O}", "job", "sub", "sub", s->id, "who",
                       json_object_get(s->feed->state, "who")));
}

void sw__feed_want(const struct sw_msg *in, struct sw_out *out) {
    const char *channel = sw_str(json_object_get(in->body, "who"), "channel");
    const char *op = sw_str(in->body, "op");
    bool notice = !strcmp(in->kind, SW_KIND_NOTICE);
    const json_t *unused;
    char id[SW__SUB_ID];
    snprintf(id, sizeof(id), "%s", sw_str(in->body, "sub"));
    if (notice) sw__sub_id(op, id);
    SW_AUTO(sw_text) char *feed = sw_printf("feed/%s/%s", in->inst, channel);
    SW_AUTO(sw_text) char *sub = sw_printf("sub/%s/%s", in->inst, id);
    SW_AUTO(sw_text) char *chan = sw_printf("chan/%s", channel);
    SW_AUTO(sw_text) char *pace = sw_printf("pace/%s/chat.postMessage", in->inst);
    const char *const keys[] = {feed, id[0] ? sub : NULL, notice ? chan : NULL,
                                notice ? pace : NULL};
    if (strlen(channel) > SW__OP_MAX) return;
    /* Only read ahead: the handler asks again and hears what is missing. */
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (keys[i]) (void)sw_fact(out, keys[i], &unused);
    }
}
