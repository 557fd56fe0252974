/* slack_send.c -- what Slack itself sends to an application: signed forms; see slack.h. */
#include "slack.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_WAITS_MS 3000 /* then the person is shown operation_timeout */

static char *signature_of(const char *secret, const char *stamp, const char *body, size_t len) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)"v0:", 3);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)":", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    return sim_fmt("X-Slack-Signature: v0=%s", hex);
}

struct parcel {
    const char *path, *type, *body, *retry, *reason; /* the last two: headers or NULL */
    size_t body_len;
    const json_t *args;
};

static void send_signed(struct sim *sim, const struct parcel *parcel, sim_out_fn *fn, void *arg) {
    SIM_FREE char *stamp =
        sim_fmt("%lld", (long long)(sim_now_ms() / 1000 +
                                    (int32_t)sim_json_int(parcel->args, "skew_s", 0)));
    const char *secret = sim_json_text(parcel->args, "secret");
    if (secret == NULL) secret = sim->conf.signing_secret;
    SIM_FREE char *signature = signature_of(secret, stamp, parcel->body, parcel->body_len);
    SIM_FREE char *stamp_header = sim_fmt("X-Slack-Request-Timestamp: %s", stamp);
    SIM_FREE char *url = sim_fmt("%s%s", sim->conf.ingress, parcel->path);
    const char *headers[] = {parcel->type,
                             "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
                             "Accept: application/json,*/*",
                             stamp_header,
                             signature,
                             parcel->retry,
                             parcel->reason,
                             NULL};
    struct sim_out_req out = {.method = "POST",
                              .url = url,
                              .headers = headers,
                              .body = parcel->body,
                              .body_len = parcel->body_len,
                              .timeout_ms = SLACK_WAITS_MS};
    sim_out_start(sim, &out, fn, arg);
}

void sim_slack_send(struct sim *sim, const char *path, const struct sim_buf *form,
                    const json_t *args, sim_out_fn *fn, void *arg) {
    struct parcel parcel = {.path = path,
                            .type = "Content-Type: application/x-www-form-urlencoded",
                            .body = form->data,
                            .body_len = form->len,
                            .args = args};
    send_signed(sim, &parcel, fn, arg);
}

void sim_slack_send_event(struct sim *sim, const char *body, unsigned retry, const char *reason,
                          sim_out_fn *fn, void *arg) {
    SIM_FREE char *number = retry != 0 ? sim_fmt("X-Slack-Retry-Num: %u", retry) : NULL;
    SIM_FREE char *why = retry != 0 ? sim_fmt("X-Slack-Retry-Reason: %s", reason) : NULL;
    struct parcel parcel = {.path = "/slack/events",
                            .type = "Content-Type: application/json",
                            .body = body,
                            .body_len = strlen(body),
                            .retry = number,
                            .reason = why};
    send_signed(sim, &parcel, fn, arg);
}

char *sim_trigger_new(void) {
    char hex[33];
    sim_random_hex(hex, 32);
    return sim_fmt("%lld.%u.%s", (long long)sim_now_ms() * 10, randombytes_uniform(900000000) + 1,
                   hex);
}
