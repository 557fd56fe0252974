/* auth_say.c -- what a person is told: cards, regrets, and who they are; see auth_priv.h. */
#include "actors/auth_priv.h"
#include "actors/form.h"

#include <string.h>

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
    a->card = sw_public_url(a->ctx->conf, path);
}

/* Where an account is missing that was there, the card says what became of it. */
static int say_why(const struct sw__auth *a, const char *user, const json_t *missing,
                   const char **reason, const struct sw_provider **ret) {
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const char *why;
        if (!json_object_get(missing, p->name)) continue;
        int r = sw__auth_why(a, p, user, &why);
        if (r < 0) return r;
        if (!why[0]) continue;
        *reason = why;
        *ret = p;
        return 0;
    }
    return 0;
}

int sw__auth_card(struct sw__auth *a, const char *user, const struct sw_msg *request,
                  const char *reason, const struct sw_provider *p, bool kept) {
    SW_AUTO(sw_json) json_t *data = NULL, *missing = NULL;
    const bool login = !strcmp(reason, "login"); /* the card is all that was asked for */
    int r = sw__auth_identities(a, user, false, &data);
    if (r < 0) return r;
    r = sw__auth_missing(a, user, &missing);
    if (r < 0) return r;
    if (!p) r = say_why(a, user, missing, &reason, &p);
    if (r < 0) return r;
    if (!a->card) offer(a, request);
    json_object_update(data, missing);
    /* It was installed for one workspace before, maybe: who linked there is not known here. */
    json_object_set_new(data, "org", json_boolean(a->in->inst[0] == 'E'));
    json_object_set_new(data, "reason", json_string(reason));
    json_object_set_new(data, "kept", json_boolean(kept));
    /* See sw__auth_sorry. */
    json_object_set_new(data, "again",
                        json_boolean(!kept && !login && !sw__auth_is_regrant(request)));
    if (p) json_object_set_new(data, "by", json_string(p->label));
    /* Final also where the command goes on after it: without the card it never would. */
    struct sw_msg *m = sw__auth_reply(a, request, "login.card", sw_take(&data), true);
    sw_box(a->ctx, m, "responder", "link", json_pack("{s:s}", "url", a->card));
    return 0;
}

/* Only a regrant has a plan waiting in executor, which need not know all that can become of an account. */
static void ungrant(const struct sw__auth *a, const struct sw_msg *request, const char *reason) {
    static const char *const said[] = {"missing", "upstream", "logout", NULL};
    if (!sw__auth_is_regrant(request)) return;
    if (!sw_is_among(reason, said)) reason = "refused";
    const struct sw_provider *p = sw__auth_about(request);
    struct sw_msg *m =
        sw_msg_from(request, SW_KIND_UNGRANTED,
                    json_pack("{s:s, s:s}", "reason", reason, "provider", p ? p->name : "heroku"));
    json_object_clear(m->boxes);
    sw_resume(a->out, "executor", m);
}

int sw__auth_refuse(struct sw__auth *a, const char *user, const struct sw_msg *request,
                    const char *reason, const struct sw_provider *p) {
    int r = sw__auth_is_quiet(request) ? sw__auth_quiet_refuse(a, user, request)
                                       : sw__auth_card(a, user, request, reason, p, false);
    if (r < 0) return r;
    ungrant(a, request, reason);
    return 0;
}

/* A plan that has begun may have done its work: nobody is told that nothing was changed, or to type
 * it again. */
void sw__auth_sorry(const struct sw__auth *a, const struct sw_msg *request,
                    const struct sw_provider *p) {
    if (sw__auth_is_quiet(request)) {
        sw__auth_quiet_away(a, request);
    } else if (sw__auth_is_regrant(request)) {
        sw__auth_reply(a, request, "error.internal", json_pack("{s:s}", "id", request->cmd), true);
    } else {
        sw__auth_reply(a, request, "error.upstream", json_pack("{s:s}", "upstream", p->label),
                       true);
    }
    ungrant(a, request, "upstream");
}

void sw__auth_no_github(const struct sw__auth *a, const struct sw_msg *request) {
    sw__auth_reply(a, request, "error.no_github", json_object(), true);
}

int sw__auth_whoami(struct sw__auth *a, const char *user) {
    SW_AUTO(sw_json) json_t *data = NULL, *missing = NULL;
    int r = sw__auth_all_readable(a, user);
    if (r < 0) return r;
    r = sw__auth_identities(a, user, true, &data);
    if (r < 0) return r;
    r = sw__auth_missing(a, user, &missing);
    if (r < 0) return r;
    json_object_update(data, missing);
    sw__auth_reply(a, a->in, "whoami", sw_take(&data), true);
    return 0;
}

int sw__auth_login(struct sw__auth *a, const char *user) {
    SW_AUTO(sw_json) json_t *data = NULL, *missing = NULL;
    int r = sw__auth_all_readable(a, user);
    if (r < 0) return r;
    r = sw__auth_missing(a, user, &missing);
    if (r < 0) return r;
    if (json_object_size(missing) > 0) return sw__auth_card(a, user, a->in, "login", NULL, false);
    r = sw__auth_identities(a, user, false, &data);
    if (r < 0) return r;
    sw__auth_reply(a, a->in, "login.linked", sw_take(&data), true);
    return 0;
}

/* Answers at once; the providers are told after that. */
int sw__auth_logout(struct sw__auth *a, const char *user) {
    SW_AUTO(sw_text) char *pend = sw__auth_key(a, "pend", user);
    SW_AUTO(sw_text) char *acct = sw__auth_key(a, "acct", user);
    SW_AUTO(sw_json) json_t *data = NULL;
    int r = sw__auth_identities(a, user, false, &data);
    if (r < 0) return r;
    const bool any = json_object_size(data) > 0;
    json_t *accounts = json_object();
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        json_t *known = json_object_get(data, p->identity);
        if (known) json_object_set(accounts, p->name, known);
    }
    sw__auth_audit(a, user, "logout", accounts, any ? NULL : "nothing was linked");
    for (const struct sw_provider *p = sw_providers; p->name; p++) {
        const json_t *stored;
        r = sw__auth_stored(a, p, user, &stored);
        if (r < 0) return r;
        if (!stored) continue; /* what has ended is forgotten, too */
        r = sw__auth_unlink(a, p, user, "logout");
        if (r < 0) return r;
    }
    sw_forget(a->out, acct); /* also why there was none */
    sw_forget(a->out, pend);
    sw__auth_reply(a, a->in, any ? "logout.done" : "logout.none", sw_take(&data), true);
    return 0;
}
