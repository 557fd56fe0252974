/* ingress_hook.c -- webhooks of Heroku and GitHub; see ingress.h.
 *
 * Of an event only the fields named here go on: a webhook also carries addresses that are secrets in
 * themselves. Each installation that its source concerns gets a message of its own, however many
 * they are; where not all of them are confirmed the sender is told 503, and of what comes again the
 * dedupe keys let only the missing ones in. Heroku sends again by itself; GitHub when it is told to,
 * and without it the first call that is refused says the same. */
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "actors/signature.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEDUPE_MS (4 * 24 * 3600 * 1000LL) /* Heroku retries, GitHub offers to, for three days */
#define TEXT_LENGTH 300
#define ID_MAX 64
#define ID_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

static bool is_id(const char *text) {
    size_t size = strspn(text, ID_CHARS);
    return size > 0 && size <= ID_MAX && !text[size];
}

static void copy(json_t *to, const char *key, const json_t *from) {
    const char *text = json_string_value(json_object_get(from, key));
    if (!text) return;
    SW_AUTO(sw_text) char *cut = sw_text_cut(text, TEXT_LENGTH);
    json_object_set_new(to, key, json_string(cut));
}

/* "2026-01-02T03:04:05Z", perhaps with parts of a second; 0: not one. */
static int64_t ms_of(const char *text) {
    struct tm tm = {0};
    int64_t ms = 0, unit = 100;
    const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!at) return 0;
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9'; at++) {
            ms += (*at - '0') * unit;
            unit /= 10;
        }
    }
    if (strcmp(at, "Z") != 0 && strcmp(at, "+00:00") != 0) return 0;
    return timegm(&tm) * 1000LL + ms;
}

static int64_t at_ms_of(const json_t *hook, int64_t now_ms) {
    const char *const texts[] = {sw_str(json_object_get(hook, "data"), "updated_at"),
                                 sw_str(hook, "published_at"), sw_str(hook, "created_at")};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t ms = ms_of(texts[i]);
        if (ms > 0) return ms;
    }
    return now_ms;
}

static const char *event_id_of(const json_t *hook) {
    const char *id =
        sw_str(json_object_get(json_object_get(hook, "webhook_metadata"), "event"), "id");
    return *id ? id : sw_str(hook, "id");
}

/* The body of event.v1. */
static json_t *event_of(const json_t *hook, const char *source, int64_t now_ms) {
    const json_t *data = json_object_get(hook, "data"), *version = json_object_get(data, "version");
    const json_t *actor = json_object_get(hook, "actor");
    json_t *app = json_object(), *release = json_object(), *by = json_object();
    copy(app, "id", json_object_get(data, "app"));
    copy(app, "name", json_object_get(data, "app"));
    copy(release, "id", data);
    copy(release, "status", data);
    copy(release, "description", data);
    if (json_is_integer(version))
        json_object_set_new(release, "version", json_integer(json_integer_value(version)));
    if (json_is_boolean(json_object_get(data, "current")))
        json_object_set(release, "current", json_object_get(data, "current"));
    copy(by, "email", *sw_str(actor, "email") ? actor : json_object_get(data, "user"));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "source", source, "type",
                     "api:release", "action", sw_str(hook, "action"), "event_id", event_id_of(hook),
                     "app", app, "release", release, "actor", by, "at_ms",
                     (json_int_t)at_ms_of(hook, now_ms));
}

static bool is_release(const json_t *hook) {
    const char *action = sw_str(hook, "action");
    return !strcmp(sw_str(hook, "resource"), "release") &&
           (!strcmp(action, "create") || !strcmp(action, "update"));
}

/* One message with this body for each installation that the source concerns. */
static void route(const struct sw__ask *ask, const char *actor, const char *prefix, json_t *body,
                  struct sw_decision *d) {
    size_t i;
    json_t *inst;
    json_array_foreach((json_t *)ask->installations, i, inst) {
        char id[SW__ID_CHARS + 1];
        if (!sw_is_slack_id(json_string_value(inst), json_string_length(inst))) continue;
        sw__command_id(ask->ctx, (unsigned)d->appends, id);
        struct sw_msg *m =
            sw_msg_create(SW_KIND_EVENT, id, json_string_value(inst), ask->ctx->now_ms);
        json_object_update(m->body, body);
        struct sw_append *append = sw__append(d, actor, m);
        /* Two installations may live in one shard: each has the event once. */
        snprintf(append->dedupe, sizeof(append->dedupe), "%s:%s:%s", prefix,
                 sw_str(body, "event_id"), json_string_value(inst));
        append->dedupe_ms = DEDUPE_MS;
    }
    if (d->appends == 0) d->refused = "unrouted";
}

/* Asks whom the source concerns, then tells them; `d->source` says which. */
static void tell(const struct sw__ask *ask, const char *actor, const char *prefix, json_t *body,
                 struct sw_decision *d) {
    /* Heroku tries again where it is not told 200, and GitHub shows it to who can make it. */
    d->shed = sw__reply(503, NULL, NULL);
    d->away = sw__reply(503, NULL, NULL);
    if (!ask->installations) return;
    route(ask, actor, prefix, body, d);
    d->source[0] = '\0';
}

/* NULL: refused. */
static json_t *hook_of(const struct sw__ask *ask, struct sw_decision *d) {
    json_t *hook = json_loadb(ask->request->body, ask->request->body_size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(hook)) return hook;
    json_decref(hook);
    sw__refuse(d, 400, "bad_json");
    return NULL;
}

void sw__ingress_heroku_hook(const struct sw__ask *ask, struct sw_decision *d) {
    int r = sw_signature_heroku(&ask->ctx->conf->webhook_secret, ask->request);
    if (r < 0) {
        sw__refuse_signature(d, r);
        return;
    }
    SW_AUTO(sw_json) json_t *hook = hook_of(ask, d), *event = NULL;
    if (!hook) return;
    const char *app = sw_str(json_object_get(json_object_get(hook, "data"), "app"), "id");
    d->reply = d->duplicate = sw__reply(200, NULL, NULL);
    if (!is_release(hook)) {
        d->refused = "ignored";
        return;
    }
    if (!is_id(app) || !is_id(event_id_of(hook))) {
        sw__refuse(d, 400, "bad_event");
        return;
    }
    snprintf(d->source, sizeof(d->source), "heroku/%s", app);
    event = event_of(hook, d->source, ask->ctx->now_ms);
    tell(ask, "notifier", "wh", event, d);
}

/* The body of event.v1: somebody took away what the app may do in their name. */
static json_t *revoked_of(const json_t *hook, const char *source, const char *delivery) {
    const json_t *sender = json_object_get(hook, "sender");
    json_t *from = json_pack(
        "{s:o}", "id", json_sprintf("%lld", json_integer_value(json_object_get(sender, "id"))));
    copy(from, "login", sender);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "source", source, "type",
                     "github_app_authorization", "action", "revoked", "event_id", delivery,
                     "sender", from);
}

void sw__ingress_github_hook(const struct sw__ask *ask, struct sw_decision *d) {
    const char *delivery = ask->request->github_delivery;
    int r = sw_signature_github(&ask->ctx->conf->github_webhook_secret, ask->request);
    if (r < 0) {
        sw__refuse_signature(d, r);
        return;
    }
    SW_AUTO(sw_json) json_t *hook = hook_of(ask, d), *event = NULL;
    if (!hook) return;
    json_int_t id = json_integer_value(json_object_get(json_object_get(hook, "sender"), "id"));
    d->reply = d->duplicate = sw__reply(200, NULL, NULL);
    if (strcmp(ask->request->github_event, "github_app_authorization") != 0 ||
        strcmp(sw_str(hook, "action"), "revoked") != 0) {
        d->refused = "ignored";
        return;
    }
    if (id <= 0 || !is_id(delivery)) {
        sw__refuse(d, 400, "bad_event");
        return;
    }
    snprintf(d->source, sizeof(d->source), "github/user/%lld", (long long)id);
    event = revoked_of(hook, d->source, delivery);
    tell(ask, "auth", "gh", event, d);
}
