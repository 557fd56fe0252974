/* responder.c -- the only one that talks to Slack; see responder_priv.h. */
#include "actors/actors.h"
#include "actors/responder_feed.h"
#include "actors/responder_priv.h"
#include "actors/templates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool sw__responder_key(char *into, size_t room, const char *prefix, const char *name) {
    int n = snprintf(into, room, "%s/%s", prefix, name);
    return name[0] && n > 0 && (size_t)n < room && strlen(name) <= SW__OP_MAX;
}

static bool is_note(const char *to) {
    return !strcmp(to, "private") || !strcmp(to, "say") || !strcmp(to, "direct");
}

static int on_reply(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *to = sw_str(in->body, "to");
    const json_t *who = json_object_get(in->body, "who");
    const char *op = sw_str(in->body, "op");
    if (!op[0] || strlen(op) > SW__OP_MAX || !sw_str(in->body, "template")[0] ||
        !sw_str(who, "channel")[0])
        return -EBADMSG;
    if (is_note(to)) return sw__note_start(ctx, in, out, in->body);
    if (!strcmp(to, "parent") || !strcmp(to, "thread")) return sw__conv_reply(ctx, in, out);
    return -EBADMSG;
}

/* Whose timer or answer it is; those that name no job of this table belong to a conversation. */
static const struct job {
    const char *name;
    sw_handle_fn *due, *http;
} jobs[] = {
    {"note", sw__note_due, sw__note_http},
    {"channel", sw__channel_due, sw__channel_http},
    {"feed", sw__feed_due, NULL},
    {"sub", sw__feed_sub_due, sw__feed_sub_http},
};
static const struct job conversation = {"", sw__conv_due, sw__conv_http};

static const struct job *job_of(const struct sw_msg *in) {
    const char *name = sw_str(in->body, "job");
    for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
        if (!strcmp(name, jobs[i].name)) return &jobs[i];
    }
    return &conversation;
}

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    if (!strcmp(in->kind, SW_KIND_BOT)) return sw__bot_take(ctx, in, out);
    int r = sw__bot_load(in, out);
    if (r < 0) return r;
    if (!strcmp(in->kind, SW_KIND_REPLY)) return on_reply(ctx, in, out);
    if (!strcmp(in->kind, SW_KIND_CHANNEL)) return sw__channel_ask(ctx, in, out);
    if (!strcmp(in->kind, SW_KIND_NOTICE)) return sw__feed_notice(ctx, in, out);
    const struct job *job = job_of(in);
    sw_handle_fn *handler = !strcmp(in->kind, SW_KIND_RESPONDER_HTTP) ? job->http : job->due;
    return handler ? handler(ctx, in, out) : -EBADMSG;
}

static void want_key(struct sw_out *out, const char *prefix, const char *name) {
    const json_t *unused;
    char key[200];
    /* Only read ahead: the handler asks again and hears what is missing. */
    if (sw__responder_key(key, sizeof(key), prefix, name)) (void)sw_fact(out, key, &unused);
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    const json_t *who = json_object_get(in->body, "who");
    bool reply = !strcmp(in->kind, SW_KIND_REPLY);
    want_key(out, "bot", in->inst);
    if (!strcmp(in->kind, SW_KIND_BOT) || !strcmp(in->kind, SW_KIND_CHANNEL)) return;
    if (!strcmp(in->kind, SW_KIND_NOTICE) || !strcmp(sw_str(in->body, "job"), "sub") ||
        !strcmp(sw_str(in->body, "job"), "feed")) {
        sw__feed_want(in, out);
        return;
    }
    if (reply && is_note(sw_str(in->body, "to"))) {
        if (!sw_template_only(sw_str(in->body, "template")))
            want_key(out, "conv", sw_str(in->body, "op"));
        return;
    }
    if (!reply && job_of(in) != &conversation) return;
    want_key(out, "conv", sw_str(in->body, "op"));
    want_key(out, "chan", sw_str(who, "channel"));
}

static const char *const kinds[] = {
    SW_KIND_REPLY,           SW_KIND_BOT, SW_KIND_CHANNEL, SW_KIND_NOTICE, SW_KIND_RESPONDER_HTTP,
    SW_KIND_RESPONDER_TIMER, NULL};

const struct sw_actor sw_actor_responder = {
    .name = "responder", .kinds = kinds, .want = want, .handle = handle};
