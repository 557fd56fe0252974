/* responder_bot.c -- the bot token of this installation; see responder_priv.h.
 *
 * It rests sealed by responder to itself, and only the runtime puts it into a call. Calls say by
 * which version they were made, so that auth is told which one Slack did not take. */
#include "actors/form.h"
#include "actors/responder_priv.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>

static char *key_of(const struct sw_msg *in) {
    return sw_printf("bot/%s", in->inst);
}

/* What a stored box was sealed with: no token of another installation, nor an older one, fits. */
static char *context_of(const struct sw_msg *in, json_int_t version) {
    return sw_printf("bot/%s/%lld", in->inst, (long long)version);
}

int sw__bot_load(const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *key = key_of(in);
    const json_t *unused;
    return sw_fact(out, key, &unused);
}

/* NULL: this workspace did not install it. */
static const json_t *bot_of(const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *key = key_of(in);
    const json_t *bot;
    return sw_fact(out, key, &bot) < 0 ? NULL : bot;
}

bool sw__bot_able(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *bot = bot_of(in, out);
    return bot ? sw_str(bot, "box")[0] != '\0' : ctx->conf->slack_token.current != NULL;
}

const char *sw__bot_user(const struct sw_msg *in, struct sw_out *out) {
    return sw_str(bot_of(in, out), "bot_user");
}

/* A token that is gone is a secret that nobody has: the call ends as refused without being made. */
static json_t *bearer_of(const struct sw_msg *in, const json_t *bot) {
    if (!bot) return json_pack("{s:s}", "$conf", "slack_token");
    if (!sw_str(bot, "box")[0]) return json_pack("{s:s}", "$conf", "no_token");
    SW_AUTO(sw_text) char *context = context_of(in, sw_int(bot, "version"));
    return json_pack("{s:s, s:s, s:s}", "$box", sw_str(bot, "box"), "field", "token", "context",
                     context);
}

void sw__bot_http(const struct sw_msg *in, struct sw_out *out, json_t *request, json_t *body) {
    json_object_del(body, "bot");
    if (!strcmp(sw_str(request, "up"), "slack")) {
        const json_t *bot = bot_of(in, out);
        json_object_set_new(request, "bearer", bearer_of(in, bot));
        if (bot) json_object_set(body, "bot", json_object_get(bot, "version"));
    }
    sw_http(out, request, SW_KIND_RESPONDER_HTTP, body);
}

static void tell_auth(struct sw_out *out, json_int_t version, const char *error) {
    json_t *body = json_pack("{s:I, s:s}", "version", version, "error", error);
    json_object_clear(sw_send(out, "auth", SW_KIND_BOT_REFUSED, body)->boxes);
}

enum sw__outcome sw__bot_outcome(const struct sw_msg *in, struct sw_out *out, const json_t *http,
                                 bool hook, int64_t *ret_wait_ms) {
    static const char *const words[] = {"token_expired", "token_revoked", "account_inactive",
                                        "invalid_auth", NULL};
    enum sw__outcome outcome = sw__slack_outcome(http, hook, ret_wait_ms);
    const char *word = sw_str(json_object_get(http, "json"), "error");
    const json_int_t version = sw_int(in->body, "bot");
    if (hook || !version) return outcome;
    const json_t *bot = bot_of(in, out);
    /* The call was not made: what is kept here does not open (changed, or of a key that is gone). This message goes another
     * way; auth has the token, and says it again. */
    if (!strcmp(sw_str(http, "error"), "refused") && sw_int(bot, "version") == version &&
        sw_str(bot, "box")[0])
        tell_auth(out, version, "unreadable");
    if (!sw_is_among(word, words)) return outcome;
    tell_auth(out, version, word);
    /* Nothing has happened at Slack: the next token, which may be here already, shall do it. */
    bool next = !strcmp(word, words[0]) || sw_int(bot, "version") > version;
    return next && sw_str(bot, "box")[0] ? SW__UNSENT : SW__GONE;
}

int sw__bot_take(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_json) json_t *secret = NULL;
    SW_AUTO(sw_text) char *key = key_of(in), *context = NULL, *box = NULL;
    const json_int_t version = sw_int(in->body, "version");
    const json_t *old;
    int r = sw_fact(out, key, &old);
    if (r < 0) return r;
    if (version <= 0) return -EBADMSG;
    if (version < sw_int(old, "version")) return 0;
    if (json_is_true(json_object_get(in->body, "gone"))) {
        sw_store(out, key, json_pack("{s:I, s:b}", "version", version, "gone", 1), 0);
        return 0;
    }
    r = sw_open(ctx, in, "bot", &secret);
    if (r < 0) return r;
    if (!sw_str(secret, "token")[0]) return -EBADMSG;
    context = context_of(in, version);
    r = sw_seal(ctx->keys, "responder", context, secret, &box);
    if (r < 0) return r;
    sw_store(out, key,
             json_pack("{s:I, s:s, s:s}", "version", version, "box", box, "bot_user",
                       sw_str(in->body, "bot_user")),
             0);
    return 0;
}
