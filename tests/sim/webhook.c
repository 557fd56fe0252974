/* webhook.c -- app webhooks: what becomes of an app is told to the hooks that somebody registered; see heroku.h.
 *
 * A hook of level sync that does not answer with 2xx is tried again, with growing gaps and the same event
 * id; the attempt id changes every time. One of level notify is told once. An app without a hook tells its
 * releases to <ingress>/webhooks/heroku, signed with --webhook-secret: as if there were one of level sync. */
#include "happen.h"
#include "heroku.h"
#include "out.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_NOBODY 4 /* without a registered hook */
#define TRIES_SYNC 12
#define GAP_MAX_MS 30000
#define KEPT 500 /* events and deliveries of an app */

struct delivery {
    json_t *body;
    json_t *hook;  /* {shown, secret, authorization, gone?}; NULL: nobody registered one */
    json_t *shown; /* as /webhook-deliveries has it; NULL like the hook */
    unsigned tries;
};

static void delivery_free(struct delivery *d) {
    json_decref(d->body);
    json_decref(d->hook);
    json_decref(d->shown);
    free(d);
}

static void delivery_try(struct sim *sim, void *arg, bool dropped);

static bool is_last(const struct delivery *d) {
    if (d->hook == NULL) return d->tries >= TRIES_NOBODY;
    const char *level = sim_json_text2(d->hook, "shown", "level");
    return strcmp(level, "sync") != 0 || d->tries >= TRIES_SYNC;
}

/* How the last attempt went, and what comes next; next_ms: 0 nothing. */
static void note(struct delivery *d, const struct sim_out_answer *answer, const char *status,
                 int64_t next_ms) {
    if (d->shown == NULL) return;
    char now[32], next[32];
    bool good = strcmp(status, "succeeded") == 0;
    sim_time_iso(sim_now_ms(), now);
    sim_time_iso(sim_now_ms() + next_ms, next);
    json_t *last = json_object_get(d->shown, "last_attempt");
    json_object_set_new(last, "status", json_string(good ? "succeeded" : "failed"));
    json_object_set_new(last, "updated_at", json_string(now));
    if (answer->status != 0) json_object_set_new(last, "code", json_integer(answer->status));
    if (!good) {
        json_object_set_new(last, "error_class",
                            json_string(answer->status != 0 ? "BadResponse"
                                        : answer->timed_out ? "Timeout"
                                                            : "ConnectionError"));
    }
    json_object_set_new(d->shown, "status", json_string(status));
    json_object_set_new(d->shown, "updated_at", json_string(now));
    json_object_set_new(d->shown, "next_attempt_at",
                        next_ms != 0 ? json_string(next) : json_null());
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct delivery *d = arg;
    sim_event_told(sim, "Heroku",
                   sim_json_text2(json_object_get(d->body, "webhook_metadata"), "event", "include"),
                   d->body, answer->status);
    if (answer->status >= 200 && answer->status < 300) {
        sim->webhooks_sent++;
        note(d, answer, "succeeded", 0);
        delivery_free(d);
    } else if (sim->stopping || is_last(d)) {
        sim->webhooks_failed++;
        note(d, answer, "failed", 0);
        delivery_free(d);
    } else {
        int64_t gap_ms = sim->conf.hook_retry_ms << (d->tries - 1);
        if (gap_ms > GAP_MAX_MS) gap_ms = GAP_MAX_MS;
        note(d, answer, "retrying", gap_ms);
        sim_timer_add(sim, gap_ms, true, delivery_try, d);
    }
}

static char *signature_of(const char *secret, const char *body, size_t len) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof(mac), sodium_base64_VARIANT_ORIGINAL)];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(text, sizeof(text), mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    return sim_fmt("Heroku-Webhook-Hmac-SHA256: %s", text);
}

static void attempt_begins(struct delivery *d) {
    char attempt[37], now[32];
    sim_uuid_random(attempt);
    sim_time_iso(sim_now_ms(), now);
    json_t *metadata = json_object_get(d->body, "webhook_metadata");
    json_object_set_new(metadata, "attempt", json_pack("{s:s}", "id", attempt));
    d->tries++;
    if (d->shown == NULL) return;
    json_object_set_new(d->shown, "num_attempts", json_integer(d->tries));
    json_object_set_new(d->shown, "last_attempt",
                        json_pack("{s:s, s:n, s:n, s:s, s:s, s:s}", "id", attempt, "code",
                                  "error_class", "status", "scheduled", "created_at", now,
                                  "updated_at", now));
}

static void delivery_try(struct sim *sim, void *arg, bool dropped) {
    struct delivery *d = arg;
    bool gone = d->hook != NULL ? json_object_get(d->hook, "gone") != NULL
                                : sim->conf.ingress == NULL || sim->conf.webhook_secret == NULL;
    if (dropped || gone) {
        delivery_free(d);
        return;
    }
    attempt_begins(d);
    const char *authorization = sim_json_text(d->hook, "authorization");
    const char *secret =
        d->hook != NULL ? sim_json_text(d->hook, "secret") : sim->conf.webhook_secret;
    SIM_FREE char *body = json_dumps(d->body, JSON_COMPACT);
    SIM_FREE char *url = d->hook != NULL ? sim_strdup(sim_json_text2(d->hook, "shown", "url"))
                                         : sim_fmt("%s/webhooks/heroku", sim->conf.ingress);
    SIM_FREE char *signature = signature_of(secret, body, strlen(body));
    SIM_FREE char *fixed =
        authorization != NULL ? sim_fmt("Authorization: %s", authorization) : NULL;
    const char *headers[] = {"Content-Type: application/json", "User-Agent: Heroku-Webhooks/1.0",
                             signature, fixed, NULL};
    sim_out_hook(sim, url, headers, body, answered, d);
}

static void keep(json_t *list, json_t *item) {
    if (json_array_size(list) == KEPT) json_array_remove(list, 0);
    json_array_append_new(list, item);
}

/* One delivery of the event whose body this is, to a hook or to nobody's. */
static void deliver(struct sim *sim, struct sim_app *app, json_t *event, json_t *hook) {
    char id[37], now[32], nobodys[37];
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), now);
    sim_uuid_seeded(sim->conf.seed, "webhook", nobodys);
    const char *event_id = sim_json_text(event, "id");
    const char *hook_id = hook != NULL ? sim_json_text2(hook, "shown", "id") : nobodys;
    const char *include =
        sim_json_text2(json_object_get(event, "webhook_metadata"), "event", "include");
    struct delivery *d = sim_alloc(sizeof(*d));
    d->body = json_deep_copy(event);
    json_t *metadata = json_object_get(d->body, "webhook_metadata");
    json_object_set_new(metadata, "delivery", json_pack("{s:s}", "id", id));
    json_object_set_new(metadata, "webhook", json_pack("{s:s}", "id", hook_id));
    if (hook != NULL) {
        d->hook = json_incref(hook);
        d->shown = json_pack("{s:s, s:{s:s, s:s}, s:s, s:i, s:n, s:n, s:s, s:s, s:{s:s, s:s}}",
                             "created_at", now, "event", "id", event_id, "include", include, "id",
                             id, "num_attempts", 0, "next_attempt_at", "last_attempt", "status",
                             "pending", "updated_at", now, "webhook", "id", hook_id, "level",
                             sim_json_text2(hook, "shown", "level"));
        keep(app->deliveries, json_incref(d->shown));
    }
    sim_timer_add(sim, sim_event_delay_ms(sim), true, delivery_try, d);
}

static bool wants(const json_t *hook, const char *include) {
    const json_t *list = json_object_get(json_object_get(hook, "shown"), "include");
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        if (strcmp(json_string_value(one), include) == 0) return true;
    }
    return false;
}

/* A release names its commit in what webhooks carry, and so does a build once it has a slug. */
static json_t *data_of(const struct sim *sim, const json_t *data) {
    json_t *copy = json_deep_copy(data), *slug = json_object_get(copy, "slug");
    const char *id = sim_json_text(slug, "id");
    const json_t *known = id != NULL ? sim_map_get(sim->heroku->slugs, id) : NULL;
    if (known != NULL) {
        json_object_set(slug, "commit", json_object_get(known, "commit"));
        json_object_set(slug, "commit_description", json_object_get(known, "commit_description"));
    }
    return copy;
}

static json_t *event_new(const struct sim *sim, const struct sim_webhook *what) {
    char id[37], now[32];
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), now);
    return json_pack("{s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:n, s:s, s:s, s:s, s:{s:{s:s, s:s}}}",
                     "id", id, "action", what->action, "resource", what->resource, "version",
                     "application/vnd.heroku+json; version=3", "actor", what->actor, "data",
                     data_of(sim, what->data), "previous_data",
                     what->previous != NULL ? json_incref(what->previous) : json_object(),
                     "sequence", "created_at", now, "updated_at", now, "published_at", now,
                     "webhook_metadata", "event", "id", id, "include", what->include);
}

static void event_keep(struct sim_app *app, const json_t *event, const char *include) {
    static const char *const parts[] = {"action",        "actor",    "data",
                                        "previous_data", "resource", "version"};
    json_t *payload = json_object();
    for (size_t i = 0; i < SIM_ARRAY_LEN(parts); i++) {
        json_object_set(payload, parts[i], json_object_get(event, parts[i]));
    }
    keep(app->events,
         json_pack("{s:O, s:O, s:s, s:o, s:O}", "created_at", json_object_get(event, "created_at"),
                   "id", json_object_get(event, "id"), "include", include, "payload", payload,
                   "updated_at", json_object_get(event, "updated_at")));
}

void sim_webhook_tell(struct sim *sim, struct sim_app *app, const struct sim_webhook *what) {
    int times = sim->conf.repeat_events ? 2 : 1;
    json_auto_t *event = event_new(sim, what);
    bool kept = false, hooks = json_array_size(app->hooks) != 0;
    size_t i;
    json_t *hook;
    json_array_foreach(app->hooks, i, hook) {
        if (!wants(hook, what->include)) continue;
        if (!kept) event_keep(app, event, what->include);
        kept = true;
        for (int n = 0; n < times; n++) {
            deliver(sim, app, event, hook);
        }
    }
    bool nobodys = !hooks && sim->conf.ingress != NULL && sim->conf.webhook_secret != NULL &&
                   strcmp(what->include, "api:release") == 0;
    for (int n = 0; nobodys && n < times; n++) {
        deliver(sim, app, event, NULL);
    }
}
