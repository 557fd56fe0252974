/* auth_tend.c -- what notifier hears: whether it may still look after a pipeline as its owner, and who people are elsewhere;
 * see auth_priv.h.
 *
 * Nobody typed what notifier asks for: no card, nothing kept for after a sign-in, no reply. */
#include "actors/auth_priv.h"

#include <string.h>

bool sw__auth_is_quiet(const struct sw_msg *request) {
    return !strcmp(sw_str(json_object_get(request->body, "command"), "handler"), "tend");
}

/* Of a plan that has begun executor tells what became of it. */
static void tell(const struct sw__auth *a, const struct sw_msg *request, const char *what,
                 const char *reason) {
    const json_t *command = json_object_get(request->body, "command");
    json_t *body =
        json_pack("{s:O?, s:s, s:s, s:{s:s}}", "who", json_object_get(request->body, "who"), "op",
                  request->cmd, "do", what, "pipeline", "id", sw_str(command, "pipeline"));
    if (reason) json_object_set_new(body, "reason", json_string(reason));
    struct sw_msg *m = sw_msg_from(request, SW_KIND_ROUTE, body);
    json_object_clear(m->boxes);
    sw_resume(a->out, "notifier", m);
}

void sw__auth_quiet_away(const struct sw__auth *a, const struct sw_msg *request) {
    if (!sw__auth_is_regrant(request)) tell(a, request, "away", NULL);
}

int sw__auth_quiet_refuse(const struct sw__auth *a, const char *user,
                          const struct sw_msg *request) {
    const json_t *account;
    const char *ended;
    if (sw__auth_is_regrant(request)) return 0;
    int r = sw__auth_look(a, SW_HEROKU, user, &account, &ended);
    if (r < 0) return r;
    /* Linked, under a key that is not here now: that is no word of anybody's. */
    bool unread = account && !strcmp(ended, "unreadable");
    tell(a, request, unread ? "away" : "lost", unread ? NULL : "unlinked");
    return 0;
}

void sw__auth_person(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                     const json_t *account, bool gone) {
    if (p == SW_SLACK) return;
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "user", user, "provider", p->name, "id",
                  sw_str(account, "id"), "name", sw_str(account, p->identity), "gone", (int)gone);
    json_object_clear(sw_send_bulk(a->out, "notifier", SW_KIND_PERSON, body)->boxes);
}
