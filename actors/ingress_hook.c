/* ingress_hook.c -- webhooks of Heroku and GitHub; see ingress.h.
 *
 * Of an event only the fields of a table go on (event.h): a webhook also carries addresses that are
 * secrets in themselves. Each installation that its source concerns gets a message of its own,
 * however many they are; where not all of them are confirmed the sender is told 503, and of what
 * comes again the dedupe keys let only the missing ones in. Heroku sends again by itself; GitHub
 * when it is told to. */
#include "actors/event.h"
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "actors/signature.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOGIN_LENGTH 300
#define VALUES_MAX 1000000 /* an empty object is three bytes there and 230 here */
#define FORM "application/x-www-form-urlencoded"

/* Tells whom the source concerns; the body's `source` says which. Notifier's come by the stream or in the bulk lane, auth's at once. */
static void tell(const struct sw__ask *ask, const char *actor, json_t *body,
                 struct sw_decision *d) {
    const bool streams = !strcmp(actor, "notifier");
    /* Heroku tries again where it is not told 200, and GitHub shows it to who can make it. */
    d->shed = sw__reply(503, NULL, NULL);
    d->away = sw__reply(503, NULL, NULL);
    if (ask->installations) {
        sw_decision_route(ask->ctx, actor, streams, body, ask->installations, d);
        return;
    }
    snprintf(d->source, sizeof(d->source), "%s", sw_str(body, "source"));
    if (streams) d->record = json_incref(body);
}

/* No fewer values than there are: those within texts count as well. */
static size_t values_of(const char *body, size_t size) {
    size_t n = 1;
    for (size_t i = 0; i < size; i++)
        n += (size_t)(body[i] == ',') + (size_t)(body[i] == '[') + (size_t)(body[i] == '{');
    return n;
}

/* NULL: refused. */
static json_t *hook_of(const struct sw__ask *ask, struct sw_decision *d) {
    if (values_of(ask->request->body, ask->request->body_size) > VALUES_MAX) {
        sw__refuse(d, 413, "too_many_values");
        return NULL;
    }
    json_t *hook = json_loadb(ask->request->body, ask->request->body_size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(hook)) return hook;
    json_decref(hook);
    sw__refuse(d, 400, "bad_json");
    return NULL;
}

/* What was made of an event: r and `record` as in event.h. */
static void take_in(const struct sw__ask *ask, int r, json_t *record, struct sw_decision *d) {
    if (r == -ENOENT) {
        d->refused = "ignored";
    } else if (r < 0) {
        sw__refuse(d, 400, "bad_event");
    } else {
        tell(ask, "notifier", record, d);
    }
}

void sw__ingress_heroku_hook(const struct sw__ask *ask, struct sw_decision *d) {
    int r = sw_signature_heroku(&ask->ctx->conf->webhook_secret, ask->request);
    if (r < 0) {
        sw__refuse_signature(d, r);
        return;
    }
    SW_AUTO(sw_json) json_t *hook = hook_of(ask, d), *record = NULL;
    if (!hook) return;
    d->reply = d->duplicate = sw__reply(200, NULL, NULL);
    r = sw_event_heroku(hook, ask->ctx->now_ms, &record);
    take_in(ask, r, record, d);
}

/* The body of event.v1: somebody took away what the app may do in their name. */
static json_t *revoked_of(const json_t *sender, const char *delivery) {
    long long id = json_integer_value(json_object_get(sender, "id"));
    json_t *from = json_pack("{s:o}", "id", json_sprintf("%lld", id));
    const char *login = sw_str(sender, "login");
    SW_AUTO(sw_text) char *cut = sw_text_cut(login, LOGIN_LENGTH);
    if (*login) json_object_set_new(from, "login", json_string(cut));
    return json_pack("{s:o, s:s, s:s, s:s, s:o}", "source", json_sprintf("github/user/%lld", id),
                     "type", "github_app_authorization", "action", "revoked", "event_id", delivery,
                     "sender", from);
}

static void revoked(const struct sw__ask *ask, const json_t *hook, struct sw_decision *d) {
    const char *delivery = ask->request->github_delivery;
    const json_t *sender = json_object_get(hook, "sender");
    /* Its name stands in a header, which nobody signs: what happened in a repository says the same of other things, and whoever
     * has the repository can send it here under any name. */
    if (strcmp(sw_str(hook, "action"), "revoked") != 0 || json_object_get(hook, "repository") ||
        json_object_get(hook, "organization")) {
        d->refused = "ignored";
    } else if (sw_int(sender, "id") <= 0 || !sw_event_is_id(delivery)) {
        sw__refuse(d, 400, "bad_event");
    } else {
        SW_AUTO(sw_json) json_t *event = revoked_of(sender, delivery);
        json_object_set_new(event, "dedupe", json_sprintf("gh:%s", delivery));
        tell(ask, "auth", event, d);
    }
}

void sw__ingress_github_hook(const struct sw__ask *ask, struct sw_decision *d) {
    const struct sw_request *request = ask->request;
    int r = sw_signature_github(&ask->ctx->conf->github_webhook_secret, request);
    if (r < 0) {
        sw__refuse_signature(d, r);
        return;
    }
    if (!strncasecmp(request->content_type, FORM, strlen(FORM))) {
        d->refused = "bad_content_type";
        d->reply = sw__reply(
            415, NULL,
            sw_strdup("Nothing was taken in: this is a form. In the settings of this webhook, set "
                      "\"Content type\" to application/json, and redeliver.\n"));
        return;
    }
    SW_AUTO(sw_json) json_t *hook = hook_of(ask, d), *record = NULL;
    if (!hook) return;
    d->reply = d->duplicate = sw__reply(200, NULL, NULL);
    if (!strcmp(request->github_event, "ping")) {
        d->refused = "ping";
    } else if (!strcmp(request->github_event, "github_app_authorization")) {
        revoked(ask, hook, d);
    } else {
        r = sw_event_github(hook, request->github_event, request->github_hook,
                            request->github_delivery, ask->ctx->now_ms, &record);
        take_in(ask, r, record, d);
    }
}
