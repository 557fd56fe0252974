/* responder_sub.c -- one subject in one channel: its message, one reply with its history, and its failures; see
 * responder_feed.h.
 *
 * sub/<installation>/<id> is {op, n, final, urgent, p, ts, ch, log_ts, parent, log, digest, cast, told, ...}:
 *   n        of the newest notice; final: its subject has ended, urgent: it goes before others, test: somebody looks for it
 *   p        its message: "" none, "shown", "digest" a line of another one, "deaf" closed: it was deleted, or Slack takes none
 *   ts, ch, log_ts  where the message and the reply stand
 *   parent, log     {template, data}, until Slack has confirmed it; new_parent, new_log: that is not shown yet, nor under way
 *   hash, log_hash  of what is shown or under way, so that the same is not shown twice
 *   at_ms, log_at_ms  when it was posted or updated last: SLIPWAY_UPDATE_MS lies between two
 *   cast     {id, template, data}: a failure that is to be told, told: the ids of the last ones that were
 *   busy, call      what is under way ("parent", "update", "log", "relog", "cast"), and the number of the call; one at most
 *   frozen, log_frozen  it cannot be changed any more
 *   rep, tries, plain   of the call under way, as in responder_conv.c
 *   digest, in, kind, state  of a line: the digest's id, and what was counted there
 * A digest is a subject too: responder_digest.c. */
#include "actors/responder_feed.h"
#include "actors/templates.h"
#include "common/mem.h"
#include "common/seal.h"

#include <string.h>

#define TOLD_MAX 20

bool sw__sub_is(const struct sw__sub *s, const char *key, const char *value) {
    return !strcmp(sw_str(s->state, key), value);
}

void sw__sub_set(struct sw__sub *s, const char *key, const char *value) {
    if (value[0]) {
        json_object_set_new(s->state, key, json_string(value));
    } else {
        json_object_del(s->state, key);
    }
    s->changed = true;
}

bool sw__sub_flag(const struct sw__sub *s, const char *key) {
    return json_is_true(json_object_get(s->state, key));
}

void sw__sub_set_flag(struct sw__sub *s, const char *key, bool on) {
    if (on) {
        json_object_set_new(s->state, key, json_true());
    } else {
        json_object_del(s->state, key);
    }
    s->changed = true;
}

static void hash_of(const char *text, char ret[SW__SUB_ID]) {
    uint8_t sum[32];
    sw_sha256(text, strlen(text), sum);
    sw_hex(sum, (SW__SUB_ID - 1) / 2, ret);
}

void sw__sub_id(const char *op, char ret[SW__SUB_ID]) {
    hash_of(op, ret);
}

/* ---- what a notice brings ---- */

/* The message and the reply have the same life. */
static const struct piece {
    const char *name, *fresh, *hash, *at, *frozen;
} parent_piece = {"parent", "new_parent", "hash", "at_ms", "frozen"},
  log_piece = {"log", "new_log", "log_hash", "log_at_ms", "log_frozen"};

static void merge_piece(struct sw__sub *s, const struct piece *piece, json_t *content) {
    char hash[SW__SUB_ID];
    if (!sw_str(content, "template")[0]) return;
    SW_AUTO(sw_text) char *text = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
    hash_of(text, hash);
    bool fresh = !sw__sub_is(s, piece->hash, hash);
    sw__sub_set_flag(s, piece->fresh, fresh);
    /* What is under way may have to be said again. */
    if (fresh || json_object_get(s->state, piece->name))
        json_object_set(s->state, piece->name, content);
}

void sw__sub_told(struct sw__sub *s, const char *cast) {
    json_t *told = json_object_get(s->state, "told");
    if (!cast[0]) return;
    if (!told) {
        json_object_set_new(s->state, "told", json_array());
        told = json_object_get(s->state, "told");
    }
    json_array_append_new(told, json_string(cast));
    if (json_array_size(told) > TOLD_MAX) json_array_remove(told, 0);
}

static bool was_told(const struct sw__sub *s, const char *cast) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(s->state, "told"), i, one) {
        if (!strcmp(json_string_value(one), cast)) return true;
    }
    return false;
}

/* A failure that people see in the channel anyway, in a new message or in a digest that is not posted yet, is not said again. */
static void merge_cast(struct sw__sub *s, json_t *cast) {
    const char *id = sw_str(cast, "id");
    if (!id[0] || !sw_str(cast, "template")[0] || was_told(s, id)) return;
    if (sw__sub_is(s, "p", "shown") || sw__sub_is(s, "busy", "parent")) {
        if (sw__sub_is(s, "busy", "cast") &&
            !strcmp(sw_str(json_object_get(s->state, "cast"), "id"), id))
            return;
        json_object_set(s->state, sw__sub_is(s, "busy", "cast") ? "cast_next" : "cast", cast);
    } else if (sw__sub_is(s, "p", "digest")) {
        json_object_set(s->state, "cast", cast); /* its digest's, from the next plan on */
    } else {
        sw__sub_told(s, id);
    }
}

static void merge_line(struct sw__sub *s, const json_t *notice) {
    json_t *line = json_object_get(notice, "digest");
    if (!sw_str(line, "template")[0]) line = json_object_get(notice, "parent");
    json_object_set(s->state, "digest", line);
    const char *said = sw_str(json_object_get(line, "data"), "state");
    bool failed = !strcmp(sw_str(json_object_get(line, "data"), "phase"), "failed");
    if (said[0]) {
        sw__sub_set(s, "state", said);
    } else {
        sw__sub_set(s, "state",
                    failed                     ? "failed"
                    : sw__sub_flag(s, "final") ? "succeeded"
                                               : "started");
    }
}

bool sw__sub_merge(struct sw__sub *s, const json_t *notice) {
    json_int_t n = sw_int(notice, "n");
    if (n <= sw_int(s->state, "n")) return false;
    json_object_set_new(s->state, "n", json_integer(n));
    sw__sub_set(s, "op", sw_str(notice, "op"));
    sw__sub_set_flag(s, "final", json_is_true(json_object_get(notice, "final")));
    sw__sub_set_flag(s, "test", json_is_true(json_object_get(notice, "test")));
    sw__sub_set_flag(s, "urgent",
                     json_is_true(json_object_get(notice, "urgent")) || sw__sub_flag(s, "test"));
    if (sw__sub_is(s, "p", "deaf")) return true;
    if (!sw__sub_is(s, "p", "shown")) merge_line(s, notice);
    merge_cast(s, json_object_get(notice, "broadcast"));
    merge_piece(s, &parent_piece, json_object_get(notice, "parent"));
    merge_piece(s, &log_piece, json_object_get(notice, "log"));
    return true;
}

void sw__sub_silence(struct sw__sub *s, const char *how) {
    static const char *const words[] = {"parent",     "log",     "cast",  "cast_next",
                                        "new_parent", "new_log", "hash",  "log_hash",
                                        "rep",        "tries",   "plain", "alone"};
    sw__sub_set(s, "p", how);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        json_object_del(s->state, words[i]);
}

/* ---- what it needs ---- */

static bool needs_update(const struct sw__sub *s, const struct piece *piece) {
    const char *ts = piece == &parent_piece ? "ts" : "log_ts";
    return sw__sub_is(s, "p", "shown") && sw_str(s->state, ts)[0] &&
           sw__sub_flag(s, piece->fresh) && !sw__sub_flag(s, piece->frozen);
}

static int64_t update_at(const struct sw__sub *s, const struct piece *piece) {
    int64_t again = sw_int(s->state, "again_ms");
    int64_t at_ms = sw_int(s->state, piece->at) + s->feed->ctx->conf->update_ms;
    return at_ms > again ? at_ms : again;
}

static bool needs_log(const struct sw__sub *s) {
    return sw__sub_is(s, "p", "shown") && sw__sub_is(s, "log_ts", "") &&
           sw__sub_flag(s, log_piece.fresh) && !sw__sub_flag(s, log_piece.frozen);
}

static int plan_new(struct sw__sub *s) {
    struct sw__feed *f = s->feed;
    if (sw__feed_waits(f, "p", s->id)) return 0;
    if (json_object_get(s->state, "lines")) { /* a digest: there is one of it */
        if (!sw__feed_wait(f, "p", s->id, false)) sw__feed_full(s);
        return 0;
    }
    bool many = !sw__sub_flag(s, "test") && sw__digest_due(f);
    if (many || !sw__feed_wait(f, "p", s->id, sw__sub_flag(s, "urgent"))) return sw__digest_put(s);
    return 0;
}

static void plan_update(struct sw__sub *s) {
    bool parent = needs_update(s, &parent_piece), log = needs_update(s, &log_piece);
    int64_t at_ms = update_at(s, parent ? &parent_piece : &log_piece);
    if (!parent && !log) return;
    if (parent && log && update_at(s, &log_piece) < at_ms) at_ms = update_at(s, &log_piece);
    if (!sw__feed_wait_update(s->feed, s->id, at_ms)) sw__feed_full(s);
}

int sw__sub_plan(struct sw__sub *s) {
    struct sw__feed *f = s->feed;
    if (s->gone || !sw__sub_is(s, "busy", "") || sw__sub_is(s, "p", "deaf")) return 0;
    if (sw__sub_is(s, "p", "digest")) return sw__digest_put(s);
    if (sw__sub_is(s, "p", "")) return sw__sub_flag(s, "new_parent") ? plan_new(s) : 0;
    bool first = sw__sub_flag(s, "urgent"), room = true;
    if (json_object_get(s->state, "cast")) room = sw__feed_wait(f, "p", s->id, first);
    if (needs_log(s)) room = sw__feed_wait(f, "r", s->id, false) && room;
    if (!room) sw__feed_full(s);
    plan_update(s);
    return 0;
}

/* ---- calls ---- */

static json_t *render(const struct sw__sub *s, const json_t *content) {
    json_t *message =
        sw_template_render(&(struct sw_template_in){.id = sw_str(content, "template"),
                                                    .data = json_object_get(content, "data"),
                                                    .cmd = s->feed->in->cmd,
                                                    .dashboard = s->feed->ctx->conf->dashboard});
    if (sw__sub_flag(s, "plain")) json_object_set_new(message, "blocks", json_array());
    return message;
}

static json_t *message_of(const struct sw__sub *s, const struct piece *piece) {
    if (!json_object_get(s->state, "lines") || piece != &parent_piece)
        return render(s, json_object_get(s->state, piece->name));
    SW_AUTO(sw_json) json_t *content = sw__digest_message(s);
    return render(s, content);
}

/* What is under way counts as shown; that it is not is said by the answer. */
static void under_way(struct sw__sub *s, const struct piece *piece) {
    const json_t *content = json_object_get(s->state, piece->name);
    char hash[SW__SUB_ID] = "";
    if (content) {
        SW_AUTO(sw_text) char *text = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
        hash_of(text, hash);
    }
    sw__sub_set(s, piece->hash, hash);
    sw__sub_set_flag(s, piece->fresh, false);
    json_object_set_new(s->state, piece->at, json_integer(s->feed->ctx->now_ms));
}

static void call(struct sw__sub *s, const char *what, json_t *request) {
    json_int_t number = sw_int(s->state, "call") + 1;
    sw__sub_set(s, "busy", what);
    json_object_set_new(s->state, "call", json_integer(number));
    json_object_set_new(request, "paced", json_true());
    json_object_set_new(request, "bulk", json_true());
    if (sw__sub_flag(s, "rep")) json_object_set_new(request, "repeated", json_true());
    sw__bot_http(s->feed->in, s->feed->out, request,
                 json_pack("{s:s, s:s, s:I, s:s, s:O}", "job", "sub", "sub", s->id, "call", number,
                           "what", what, "who", json_object_get(s->feed->state, "who")));
}

static void post(struct sw__sub *s, const char *what, json_t *message) {
    const char *channel = sw_str(s->state, "ch");
    if (!channel[0]) channel = s->feed->channel;
    json_object_set_new(message, "channel", json_string(channel));
    if (sw__sub_flag(s, "plain")) json_object_del(message, "blocks");
    call(s, what, sw__slack_post(message));
}

static void reply(struct sw__sub *s, const char *what, json_t *message) {
    if (!sw__sub_flag(s, "alone"))
        json_object_set(message, "thread_ts", json_object_get(s->state, "ts"));
    post(s, what, message);
}

bool sw__sub_post(struct sw__sub *s) {
    json_t *cast = json_object_get(s->state, "cast"), *message;
    if (!sw__sub_is(s, "busy", "")) return false; /* its answer has it wait again */
    if (sw__sub_is(s, "p", "") && sw__sub_flag(s, "new_parent")) {
        /* It comes last in the channel, and says what has failed. */
        sw__sub_told(s, sw_str(cast, "id"));
        json_object_del(s->state, "cast");
        message = message_of(s, &parent_piece);
        json_object_set_new(message, "metadata",
                            json_pack("{s:s, s:{s:s}}", "event_type", "slipway", "event_payload",
                                      "op", sw_str(s->state, "op")));
        under_way(s, &parent_piece);
        post(s, "parent", message);
        return true;
    }
    if (!sw__sub_is(s, "p", "shown")) return false;
    if (cast) {
        message = render(s, cast);
        if (!sw__sub_flag(s, "alone")) json_object_set_new(message, "reply_broadcast", json_true());
        reply(s, "cast", message);
        return true;
    }
    if (!needs_log(s)) return false;
    message = message_of(s, &log_piece);
    under_way(s, &log_piece);
    reply(s, "log", message);
    return true;
}

static bool is_due(const struct sw__sub *s, const struct piece *piece) {
    return needs_update(s, piece) && update_at(s, piece) <= s->feed->ctx->now_ms;
}

bool sw__sub_update(struct sw__sub *s) {
    bool parent = is_due(s, &parent_piece);
    const struct piece *piece = parent ? &parent_piece : &log_piece;
    if (!sw__sub_is(s, "busy", "") || !is_due(s, piece)) return false;
    json_t *message = message_of(s, piece);
    under_way(s, piece);
    json_object_set(message, "channel", json_object_get(s->state, "ch"));
    json_object_set(message, "ts", json_object_get(s->state, parent ? "ts" : "log_ts"));
    call(s, parent ? "update" : "relog", sw__slack_call("chat.update", message, "safe"));
    return true;
}
