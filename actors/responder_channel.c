/* responder_channel.c -- may the bot post in this channel (channel.v1)? See responder_priv.h.
 *
 * ask/<command>/<channel> {number}: a question that is open; its number tells its answers from those of a question asked
 * before. The job travels with each call: {job: "channel", step, number, tries, who, channel, from, join, keep}. What Slack
 * does not say in time is answered "away" by a timer, whatever the call is doing then. */
#include "actors/form.h"
#include "actors/responder_priv.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>

#define AWAY_MS 15000
#define ASK_TTL_MS 60000
#define TRIES 4

struct ask {
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    json_t *job;
    char *key, *again; /* also the names of its timers */
};

static void ask_finish(struct ask *a) {
    json_decref(a->job);
    free(a->key);
    free(a->again);
}

static int ask_init(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                    struct ask *ret) {
    const char *channel = sw_str(in->body, "channel");
    if (!sw_is_slack_id(channel, strlen(channel))) return -EBADMSG;
    *ret = (struct ask){.ctx = ctx, .in = in, .out = out, .job = json_copy(in->body)};
    json_object_del(ret->job, "http");
    ret->key = sw_printf("ask/%s/%s", in->cmd, channel);
    ret->again = sw_printf("%s/again", ret->key);
    return 0;
}

/* Why the bot cannot post there, in the words of channel_state.v1. */
const char *sw__channel_reason(const char *error) {
    static const char *const missing[] = {"channel_not_found", NULL};
    static const char *const archived[] = {"is_archived", NULL};
    static const char *const closed[] = {"not_in_channel", "method_not_supported_for_channel_type",
                                         "too_many_members", NULL};
    static const char *const scope[] = {"missing_scope",
                                        "no_permission",
                                        "not_allowed_token_type",
                                        "restricted_action",
                                        "restricted_action_read_only_channel",
                                        "restricted_action_thread_only_channel",
                                        "restricted_action_non_threadable_channel",
                                        "access_denied",
                                        "ekm_access_denied",
                                        "enterprise_is_restricted",
                                        "team_access_not_granted",
                                        NULL};
    return sw_is_among(error, missing)    ? "missing"
           : sw_is_among(error, archived) ? "archived"
           : sw_is_among(error, closed)   ? "private"
           : sw_is_among(error, scope)    ? "scope"
                                          : NULL;
}

/* `channel` as Slack describes it, or NULL; `reason` NULL: the bot may post. */
static void answer(struct ask *a, const json_t *channel, const char *reason, const char *error) {
    json_t *body = json_pack("{s:O*, s:O*, s:O*, s:b}", "who", json_object_get(a->job, "who"),
                             "channel", json_object_get(a->job, "channel"), "keep",
                             json_object_get(a->job, "keep"), "ok", reason == NULL);
    const char *name = sw_str(channel, "name");
    json_t *private = json_object_get(channel, "is_private");
    if (name[0]) json_object_set_new(body, "name", json_string(name));
    if (json_is_boolean(private)) json_object_set(body, "private", private);
    if (reason) json_object_set_new(body, "reason", json_string(reason));
    if (error[0]) json_object_set_new(body, "error", json_string(error));
    sw_forget(a->out, a->key);
    sw_cancel(a->out, a->key);
    sw_cancel(a->out, a->again);
    sw_send(a->out, sw_str(a->job, "from"), SW_KIND_CHANNEL_STATE, body);
}

/* Slack reads only forms in what it calls reading. */
static void call(struct ask *a) {
    const char *channel = sw_str(a->job, "channel");
    bool join = !strcmp(sw_str(a->job, "step"), "join");
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s, s], s:s, s:b}", "up", "slack", "method",
                  "POST", "path", join ? "/conversations.join" : "/conversations.info", "fields",
                  "channel.id", "channel.name", "channel.is_member", "channel.is_private",
                  "channel.is_archived", "channel.is_im", "repeat", "safe", "paced", 1);
    json_object_set_new(request, join ? "json" : "form", json_pack("{s:s}", "channel", channel));
    sw__bot_http(a->in, a->out, request, json_incref(a->job));
}

static void step(struct ask *a, const char *name) {
    json_object_set_new(a->job, "step", json_string(name));
    call(a);
}

static void start(struct ask *a) {
    uint8_t bytes[8];
    char number[2 * sizeof(bytes) + 1];
    sw_derive(a->ctx->seed, "ask", bytes, sizeof(bytes));
    sw_hex(bytes, sizeof(bytes), number);
    json_object_set_new(a->job, "job", json_string("channel"));
    json_object_set_new(a->job, "number", json_string(number));
    if (!sw__bot_able(a->ctx, a->in, a->out)) {
        answer(a, NULL, "no_bot", "");
        return;
    }
    sw_store(a->out, a->key, json_pack("{s:s}", "number", number), ASK_TTL_MS);
    step(a, "info");
    json_t *away = json_copy(a->job);
    json_object_set_new(away, "step", json_string("away"));
    sw_after(a->out, a->key, AWAY_MS, SW_KIND_RESPONDER_TIMER, away);
}

int sw__channel_ask(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *from = sw_str(in->body, "from");
    struct ask a;
    if (strcmp(from, "executor") != 0 && strcmp(from, "notifier") != 0) return -EBADMSG;
    int r = ask_init(ctx, in, out, &a);
    if (r < 0) return r;
    start(&a);
    ask_finish(&a);
    return 0;
}

/* What is still open, or was answered "away" and is open no more. */
static int is_open(const struct ask *a, bool *ret_open) {
    const json_t *stored;
    int r = sw_fact(a->out, a->key, &stored);
    if (r == 0) *ret_open = !strcmp(sw_str(stored, "number"), sw_str(a->job, "number"));
    return r;
}

int sw__channel_due(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    struct ask a;
    bool open = false;
    int r = ask_init(ctx, in, out, &a);
    if (r < 0) return r;
    r = is_open(&a, &open);
    if (r == 0 && open) {
        if (!strcmp(sw_str(a.job, "step"), "away")) {
            answer(&a, NULL, "away", "");
        } else {
            call(&a);
        }
    }
    ask_finish(&a);
    return r;
}

static void described(struct ask *a, const json_t *channel) {
    bool member = json_is_true(json_object_get(channel, "is_member"));
    bool private = json_is_true(json_object_get(channel, "is_private"));
    bool direct = json_is_true(json_object_get(channel, "is_im"));
    bool joined = !strcmp(sw_str(a->job, "step"), "join");
    if (json_is_true(json_object_get(channel, "is_archived"))) {
        answer(a, channel, "archived", "");
    } else if (member || joined || direct) {
        answer(a, channel, NULL, "");
    } else if (private) {
        answer(a, channel, "private", "");
    } else if (json_is_true(json_object_get(a->job, "join"))) {
        step(a, "join");
    } else { /* chat:write.public: a public channel is open to it */
        answer(a, channel, NULL, "");
    }
}

static void later(struct ask *a, int64_t wait_ms) {
    json_int_t tries = sw_int(a->job, "tries") + 1;
    json_object_set_new(a->job, "tries", json_integer(tries));
    if (tries > TRIES || wait_ms >= AWAY_MS) return; /* the other timer answers */
    sw_after(a->out, a->again, wait_ms, SW_KIND_RESPONDER_TIMER, json_incref(a->job));
}

static void answered(struct ask *a) {
    const json_t *http = json_object_get(a->in->body, "http");
    const json_t *json = json_object_get(http, "json");
    const char *error = sw_str(json, "error"), *reason = sw__channel_reason(error);
    int64_t wait_ms;
    switch (sw__bot_outcome(a->in, a->out, http, false, &wait_ms)) {
    case SW__DONE:
        described(a, json_object_get(json, "channel"));
        return;
    case SW__AGAIN:
        later(a, wait_ms);
        return;
    case SW__UNSURE: /* a question, and a joining, may be repeated */
    case SW__UNSENT:
        later(a, sw__slack_backoff_ms(sw_int(a->job, "tries")));
        return;
    case SW__BLOCKS:
    case SW__GONE:
        break;
    }
    if (!reason) reason = sw__slack_is_shut(http) ? "no_bot" : "away";
    answer(a, NULL, reason, error);
}

int sw__channel_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    struct ask a;
    bool open = false;
    int r = ask_init(ctx, in, out, &a);
    if (r < 0) return r;
    r = is_open(&a, &open);
    if (r == 0 && open) answered(&a);
    ask_finish(&a);
    return r;
}
