/* github_event.c -- what GitHub tells a GitHub App of its own accord; see github.h.
 *
 * GitHub sends an event once; whoever answers with an error hears nothing more of it. */
#include "github_priv.h"

#include "out.h"

#include <sodium.h>
#include <string.h>

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    (void)arg;
    bool taken = answer->status >= 200 && answer->status < 300;
    ++*(taken ? &sim->webhooks_sent : &sim->webhooks_failed);
}

static char *signature_of(const char *secret, const char *body) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    return sim_fmt("X-Hub-Signature-256: sha256=%s",
                   sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac)));
}

bool sim_github_tell_revoked(struct sim *sim, const char *login) {
    const char *secret = sim->conf.github_webhook_secret;
    const struct sim_person *person = sim_person_find(sim, login);
    if (person == NULL || sim->conf.ingress == NULL || secret == NULL) return false;
    char id[37];
    sim_uuid_random(id);
    json_auto_t *event =
        json_pack("{s:s, s:o}", "action", "revoked", "sender", sim__person_json(sim, person));
    SIM_FREE char *body = json_dumps(event, JSON_COMPACT);
    SIM_FREE char *url = sim_fmt("%s/webhooks/github", sim->conf.ingress);
    SIM_FREE char *delivery = sim_fmt("X-GitHub-Delivery: %s", id);
    SIM_FREE char *signature = signature_of(secret, body);
    const char *headers[] = {"Content-Type: application/json",
                             "User-Agent: GitHub-Hookshot/5117a4e",
                             "X-GitHub-Event: github_app_authorization",
                             "X-GitHub-Hook-ID: 5117",
                             "X-GitHub-Hook-Installation-Target-Type: integration",
                             delivery,
                             signature,
                             NULL};
    sim_out_hook(sim, url, headers, body, answered, NULL);
    return true;
}
