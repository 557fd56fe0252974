/* webhook.c -- app webhooks: each change of a release is told to the ingress; see heroku.h.
 *
 * A delivery that is not answered with 2xx is tried again three times with the same event id; the
 * attempt id changes every time. */
#include "heroku.h"
#include "out.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4
#define RETRY_MS 500

struct delivery {
    json_t *body;
    unsigned tries;
};

static void delivery_free(struct delivery *d) {
    json_decref(d->body);
    free(d);
}

static void delivery_try(struct sim *sim, void *arg, bool dropped);

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct delivery *d = arg;
    if (answer->status >= 200 && answer->status < 300) {
        sim->webhooks_sent++;
        delivery_free(d);
    } else if (sim->stopping || d->tries >= TRIES) {
        sim->webhooks_failed++;
        delivery_free(d);
    } else {
        sim_timer_add(sim, (int64_t)RETRY_MS << (d->tries - 1), true, delivery_try, d);
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

static void delivery_try(struct sim *sim, void *arg, bool dropped) {
    struct delivery *d = arg;
    if (dropped || sim->conf.ingress == NULL || sim->conf.webhook_secret == NULL) {
        delivery_free(d);
        return;
    }
    char attempt[37];
    sim_uuid_random(attempt);
    json_t *metadata = json_object_get(d->body, "webhook_metadata");
    json_object_set_new(metadata, "attempt", json_pack("{s:s}", "id", attempt));
    d->tries++;
    SIM_FREE char *body = json_dumps(d->body, JSON_COMPACT);
    SIM_FREE char *url = sim_fmt("%s/webhooks/heroku", sim->conf.ingress);
    SIM_FREE char *signature = signature_of(sim->conf.webhook_secret, body, strlen(body));
    const char *headers[] = {"Content-Type: application/json", "User-Agent: Heroku-Webhooks/1.0",
                             signature, NULL};
    sim_out_hook(sim, url, headers, body, answered, d);
}

void sim_webhook_send(struct sim *sim, const char *action, json_t *release, json_t *previous) {
    if (sim->conf.ingress == NULL || sim->conf.webhook_secret == NULL) {
        json_decref(previous);
        return;
    }
    char event[37], delivery[37], webhook[37], now[32];
    sim_uuid_random(event);
    sim_uuid_random(delivery);
    sim_uuid_seeded(sim->conf.seed, "webhook", webhook);
    sim_time_iso(sim_now_ms(), now);
    const json_t *user = json_object_get(release, "user");
    struct delivery *d = sim_alloc(sizeof(*d));
    d->body = json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:o, s:n, s:s, s:s, s:s, s:{s:{s:s}, s:{s:s, "
        "s:s}, "
        "s:{s:s}}}",
        "id", event, "action", action, "resource", "release", "version",
        "application/vnd.heroku+json; version=3", "actor", "email", sim_json_text(user, "email"),
        "id", sim_json_text(user, "id"), "data", json_deep_copy(release), "previous_data",
        previous != NULL ? previous : json_object(), "sequence", "created_at", now, "updated_at",
        now, "published_at", now, "webhook_metadata", "delivery", "id", delivery, "event", "id",
        event, "include", "api:release", "webhook", "id", webhook);
    delivery_try(sim, d, false);
}
