/* auth_bot.c -- the bot token of an installation: who is told of it, and how it ends; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

#define GONE_TTL_MS (30 * 24 * 3600 * 1000LL) /* every account is looked at in some hours */

static struct sw_msg *tell(const struct sw__auth *a, json_int_t version, bool gone,
                           const json_t *account) {
    json_t *body = json_pack("{s:I, s:b, s:s}", "version", version, "gone", gone, "bot_user",
                             sw_str(account, "id"));
    struct sw_msg *m = sw_send(a->out, "responder", SW_KIND_BOT, body);
    json_object_clear(m->boxes);
    return m;
}

int sw__auth_bot_announce(const struct sw__auth *a, const json_t *account) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *known = account;
    int r = account ? sw__auth_tokens(a, SW_SLACK, SW_BOT, account, &tokens)
                    : sw__auth_stored(a, SW_SLACK, SW_BOT, &known);
    if (r < 0) return r;
    struct sw_msg *m = tell(a, sw_int(known, "version"), !account, known);
    if (account)
        sw_box(a->ctx, m, "responder", "bot",
               json_pack("{s:s}", "token", sw_str(tokens, "access_token")));
    return 0;
}

/* Slack did not take the token of a call. It may be that responder has not heard of the next one yet, or cannot open what it
 * was told. */
int sw__auth_bot_refused(struct sw__auth *a) {
    const json_int_t version = sw_int(a->in->body, "version");
    const json_t *account;
    bool flying;
    if (version <= 0) return -EINVAL;
    int r = sw__auth_readable(a, SW_SLACK, SW_BOT);
    if (r < 0) return r;
    r = sw__auth_account(a, SW_SLACK, SW_BOT, &account);
    if (r < 0) return r;
    if (!account) {
        tell(a, version, true, NULL);
        return 0;
    }
    if (version < sw_int(account, "version") || !strcmp(sw_str(a->in->body, "error"), "unreadable"))
        return sw__auth_bot_announce(a, account);
    if (!strcmp(sw_str(a->in->body, "error"), "token_expired") && sw__auth_renewable(account))
        return sw__auth_join(a, SW_SLACK, SW_BOT, account, NULL);
    /* Renewing it may be what ended it: then its successor is on its way here. */
    r = sw__auth_flying(a, SW_SLACK, SW_BOT, account, &flying);
    return r < 0 || flying ? r : sw__auth_unlink(a, SW_SLACK, SW_BOT, "refused");
}

/* ---- what Slack tells by itself ---- */

int sw__auth_gone_ms(const struct sw__auth *a, json_int_t *ret) {
    SW_AUTO(sw_text) char *key = sw_printf("gone/%s", a->in->inst);
    const json_t *gone;
    *ret = 0;
    int r = sw_fact(a->out, key, &gone);
    if (r == 0) *ret = sw_int(gone, "at_ms");
    return r;
}

/* What was linked before the event is as good as gone, also where Slipway was installed anew since. */
static int remove_until(const struct sw__auth *a, json_int_t at_ms) {
    SW_AUTO(sw_text) char *key = sw_printf("gone/%s", a->in->inst);
    json_int_t before;
    int r = sw__auth_gone_ms(a, &before);
    if (r < 0 || before >= at_ms - 1) return r;
    sw_store(a->out, key, json_pack("{s:I}", "at_ms", at_ms - 1), GONE_TTL_MS);
    return 0;
}

/* The two events come in any order, and again: an installation that is not older than the event is another one and stays.
 * Slack's time has whole seconds, so that an event may seem up to one older than it is; then the next call is refused. */
int sw__auth_slack_event(struct sw__auth *a) {
    const json_t *body = a->in->body, *account;
    const char *app = sw_str(body, "app");
    const bool uninstalled = !strcmp(sw_str(body, "type"), "app_uninstalled");
    const json_int_t at_ms = sw_int(body, "at_ms");
    if (at_ms <= 0) return -EINVAL;
    int r = sw__auth_stored(a, SW_SLACK, SW_BOT, &account);
    if (r < 0) return r;
    const char *known = sw_str(account, "app");
    if (app[0] && known[0] && strcmp(app, known) != 0) return 0; /* an app that was there before */
    if (!uninstalled && !sw_list_has(json_object_get(body, "bots"), sw_str(account, "id")))
        return 0;
    const bool ends = account && sw_int(account, "linked_ms") < at_ms;
    if (ends) {
        r = sw__auth_unlink(a, SW_SLACK, SW_BOT, uninstalled ? "uninstalled" : "withdrawn");
        if (r < 0) return r;
    }
    if (!uninstalled) return 0;
    sw__auth_audit(a, SW_BOT, "uninstall", json_object(),
                   account && !ends ? "a newer installation stays" : NULL);
    return remove_until(a, at_ms);
}
