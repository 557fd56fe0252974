/* auth_install.c -- the bot token of an installation; see auth_priv.h. */
#include "actors/auth_priv.h"

int sw__auth_bot_announce(const struct sw__auth *a, const json_t *account) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *known = account;
    int r = account ? sw__auth_tokens(a, SW_SLACK, SW_BOT, account, &tokens)
                    : sw__auth_account(a, SW_SLACK, SW_BOT, &known);
    if (r < 0) return r;
    json_t *body =
        json_pack("{s:I, s:b, s:s, s:I}", "version", sw_int(known, "version"), "gone", !account,
                  "bot_user", sw_str(known, "id"), "expires_ms", sw_int(account, "expires_ms"));
    struct sw_msg *m = sw_send(a->out, "responder", SW_KIND_BOT, body);
    json_object_clear(m->boxes);
    if (account)
        sw_box(a->ctx, m, "responder", "bot",
               json_pack("{s:s}", "token", sw_str(tokens, "access_token")));
    return 0;
}
