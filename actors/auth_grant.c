/* auth_grant.c -- answers to a command: grant, card, or Heroku is away; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <string.h>

static bool is_regrant(const struct sw_msg *request) {
    return !strcmp(request->kind, SW_KIND_REGRANT);
}

static bool is_refusal(const struct sw_msg *request) {
    return is_regrant(request) && json_is_true(json_object_get(request->body, "refused"));
}

bool sw__auth_usable(const struct sw__auth *a, const struct sw_msg *request,
                     const json_t *account) {
    if (is_refusal(request) && sw_int(account, "version") <= sw_int(request->body, "version"))
        return false; /* the very token that Heroku did not take */
    return sw_int(account, "expires_ms") > a->ctx->now_ms + SW__AUTH_SPARE_MS;
}

static void note_renewed(const struct sw_msg *request, json_t *account) {
    json_t *renewed = json_object_get(account, "renewed");
    if (!json_is_array(renewed)) {
        renewed = json_array();
        json_object_set_new(account, "renewed", renewed);
    }
    if (json_array_size(renewed) >= SW__AUTH_RENEWED_MAX) json_array_remove(renewed, 0);
    json_array_append_new(renewed, json_string(request->cmd));
}

void sw__auth_grant(const struct sw__auth *a, const struct sw_msg *request, json_t *account,
                    const json_t *tokens) {
    json_t *body = json_pack(
        "{s:O?, s:s, s:O?, s:{s:s, s:s}, s:{s:I, s:I}, s:b}", "who",
        json_object_get(request->body, "who"), "line", sw_str(request->body, "line"), "command",
        json_object_get(request->body, "command"), "account", "id", sw_str(account, "id"), "email",
        sw_str(account, "email"), "grant", "version", sw_int(account, "version"), "expires_ms",
        sw_int(account, "expires_ms"), "renewal", is_regrant(request));
    struct sw_msg *m = sw_msg_from(request, SW_KIND_GRANTED, body);
    sw_box(a->ctx, m, "executor", "token",
           json_pack("{s:s}", "token", sw_str(tokens, "access_token")));
    if (is_refusal(request)) note_renewed(request, account);
    sw_resume(a->out, "executor", m);
}

struct sw_msg *sw__auth_reply(const struct sw__auth *a, const struct sw_msg *request,
                              const char *template, json_t *data, bool final) {
    const char *line = sw_str(request->body, "line");
    if (line[0]) json_object_set_new(data, "line", json_string(line));
    json_t *body = json_pack("{s:O?, s:s, s:s, s:s, s:o, s:b}", "who",
                             json_object_get(request->body, "who"), "op", request->cmd, "to",
                             "private", "template", template, "data", data, "final", final);
    struct sw_msg *m = sw_msg_from(request, SW_KIND_REPLY, body);
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "response_url", sw_msg_box(request, "response_url"));
    sw_resume(a->out, "responder", m);
    return m;
}

static void offer(struct sw__auth *a, const struct sw_msg *request) {
    SW_AUTO(sw_text) char *random = sw__auth_random(a, "link");
    SW_AUTO(sw_text) char *token = sw__auth_token(a, "link", random);
    SW_AUTO(sw_text) char *key = sw__auth_offer_key("link", random);
    SW_AUTO(sw_text) char *path = sw_printf("%s/%s", SW_PATH_LINK, token);
    sw_store(a->out, key,
             json_pack("{s:O?, s:I}", "who", json_object_get(request->body, "who"), "created_ms",
                       (json_int_t)a->ctx->now_ms),
             SW__AUTH_OFFER_MS);
    a->card = sw__auth_url(a, path);
}

void sw__auth_card(struct sw__auth *a, const struct sw_msg *request, const char *reason,
                   bool kept) {
    if (!a->card) offer(a, request);
    bool again = !kept && !is_regrant(request); /* see sw__auth_sorry */
    /* Final also where the command goes on after it: without the card it never would. */
    struct sw_msg *m = sw__auth_reply(
        a, request, "login.card",
        json_pack("{s:s, s:b, s:b}", "reason", reason, "kept", kept, "again", again), true);
    sw_box(a->ctx, m, "responder", "link", json_pack("{s:s}", "url", a->card));
}

/* Only a regrant has a plan waiting in executor. */
static void ungrant(const struct sw__auth *a, const struct sw_msg *request, const char *reason) {
    if (!is_regrant(request)) return;
    struct sw_msg *m =
        sw_msg_from(request, SW_KIND_UNGRANTED, json_pack("{s:s}", "reason", reason));
    json_object_clear(m->boxes);
    sw_resume(a->out, "executor", m);
}

void sw__auth_refuse(struct sw__auth *a, const struct sw_msg *request, const char *reason) {
    sw__auth_card(a, request, reason, false);
    ungrant(a, request, reason);
}

/* A plan that has begun may have done its work: nobody is told that nothing was changed, or to type
 * it again. */
void sw__auth_sorry(const struct sw__auth *a, const struct sw_msg *request) {
    if (is_regrant(request)) {
        sw__auth_reply(a, request, "error.internal", json_pack("{s:s}", "id", request->cmd), true);
    } else {
        sw__auth_reply(a, request, "error.upstream", json_pack("{s:s}", "upstream", "Heroku"),
                       true);
    }
    ungrant(a, request, "upstream");
}

static bool fresh(const struct sw__auth *a, int64_t born_ms) {
    return born_ms > a->ctx->now_ms - SW__AUTH_OFFER_MS;
}

int sw__auth_keep(struct sw__auth *a, const struct sw_msg *request, const char *reason) {
    SW_AUTO(sw_text)
    char *key = sw__auth_key(a, "pend", sw_str(json_object_get(request->body, "who"), "user"));
    SW_AUTO(sw_json) json_t *list = json_array();
    const json_t *old;
    json_t *kept;
    size_t i;
    int r = sw_fact(a->out, key, &old);
    if (r < 0) return r;
    json_array_foreach((json_t *)old, i, kept) {
        if (fresh(a, sw_int(kept, "born_ms"))) json_array_append(list, kept);
    }
    bool room = json_array_size(list) < SW__AUTH_PEND_MAX;
    if (room) {
        json_array_append_new(list, sw_msg_to_json(request));
        sw_store(a->out, key, sw_take(&list), SW__AUTH_OFFER_MS);
    }
    sw__auth_card(a, request, reason, room);
    return 0;
}

int sw__auth_resume(const struct sw__auth *a, const char *user, json_t *account,
                    const json_t *tokens, int *ret_count) {
    SW_AUTO(sw_text) char *key = sw__auth_key(a, "pend", user);
    const json_t *list;
    json_t *kept;
    size_t i;
    int count = 0;
    int r = sw_fact(a->out, key, &list);
    if (r < 0) return r;
    json_array_foreach((json_t *)list, i, kept) {
        struct sw_msg *request = sw_msg_from_json(kept);
        if (request && fresh(a, request->born_ms)) {
            sw__auth_grant(a, request, account, tokens);
            count++;
        }
        sw_msg_destroy(request);
    }
    if (list) sw_forget(a->out, key);
    *ret_count = count;
    return 0;
}
