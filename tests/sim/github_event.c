/* github_event.c -- what GitHub tells: a repository's webhooks what happens in it, a GitHub App who withdrew;
 * see github.h.
 *
 * GitHub sends an event once; whoever answers with an error hears nothing more of it, unless somebody asks
 * for that delivery again. A repository without a webhook tells the App, with --github-app-events. */
#include "github_priv.h"

#include "happen.h"
#include "out.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define APP_HOOK 5117
#define KEPT 500 /* deliveries of a webhook */

struct letter {
    json_t *hook;   /* NULL: the App's */
    json_t *record; /* of the delivery; of the App's it is thrown away */
    char *body;
};

static void letter_free(struct letter *letter) {
    json_decref(letter->hook);
    json_decref(letter->record);
    free(letter->body);
    free(letter);
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct letter *letter = arg;
    bool taken = answer->status >= 200 && answer->status < 300;
    ++*(taken ? &sim->webhooks_sent : &sim->webhooks_failed);
    sim_event_told(sim, "GitHub", sim_json_text(letter->record, "event"),
                   json_object_get(json_object_get(letter->record, "request"), "payload"),
                   answer->status);
    SIM_FREE char *refused = sim_fmt("Invalid HTTP Response: %ld", answer->status);
    const char *how = taken                 ? "OK"
                      : answer->status != 0 ? refused
                      : answer->timed_out   ? "timed out"
                                            : "failed to connect to host";
    json_object_set_new(letter->record, "status", json_string(how));
    json_object_set_new(letter->record, "status_code", json_integer(answer->status));
    json_object_set_new(letter->record, "duration", json_real(answer->ms / 1000));
    json_t *body = json_stringn(answer->body, answer->body_len);
    json_object_set_new(
        letter->record, "response",
        json_pack("{s:{}, s:o}", "headers", "payload", body != NULL ? body : json_string("")));
    if (letter->hook != NULL) {
        json_t *shown = json_object_get(letter->hook, "shown");
        json_object_set_new(shown, "last_response",
                            json_pack("{s:i, s:s, s:s}", "code", (int)answer->status, "status",
                                      taken ? "active" : "misconfigured", "message", how));
    }
    letter_free(letter);
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

/* GitHub's default is a form with the JSON in it. */
static char *form_of(const char *body) {
    struct sim_buf form = {0};
    sim_form_add(&form, "payload", body, strlen(body));
    return form.data;
}

static void letter_send(struct sim *sim, void *arg, bool dropped) {
    struct letter *letter = arg;
    const json_t *config = json_object_get(json_object_get(letter->hook, "shown"), "config");
    const char *secret = letter->hook != NULL ? sim_json_text(letter->hook, "secret")
                                              : sim->conf.github_webhook_secret;
    if (dropped || (letter->hook == NULL && sim->conf.ingress == NULL)) {
        letter_free(letter);
        return;
    }
    SIM_FREE char *app_url =
        letter->hook == NULL ? sim_fmt("%s/webhooks/github", sim->conf.ingress) : NULL;
    const char *url = app_url != NULL ? app_url : sim_json_text(config, "url");
    const char *type = sim_json_text(config, "content_type");
    bool form = type != NULL && strcmp(type, "form") == 0;
    SIM_FREE char *body = form ? form_of(letter->body) : sim_strdup(letter->body);
    SIM_FREE char *event = sim_fmt("X-GitHub-Event: %s", sim_json_text(letter->record, "event"));
    SIM_FREE char *guid = sim_fmt("X-GitHub-Delivery: %s", sim_json_text(letter->record, "guid"));
    SIM_FREE char *hook =
        sim_fmt("X-GitHub-Hook-ID: %lld",
                (long long)sim_json_int(json_object_get(letter->hook, "shown"), "id", APP_HOOK));
    SIM_FREE char *signature = secret != NULL ? signature_of(secret, body) : NULL;
    const char *headers[] = {
        form ? "Content-Type: application/x-www-form-urlencoded" : "Content-Type: application/json",
        "User-Agent: GitHub-Hookshot/5117a4e",
        event,
        guid,
        hook,
        letter->hook != NULL ? "X-GitHub-Hook-Installation-Target-Type: repository"
                             : "X-GitHub-Hook-Installation-Target-Type: integration",
        signature,
        NULL};
    sim_out_hook(sim, url, headers, body, answered, letter);
}

static json_t *record_new(struct sim *sim, const struct sim_repo *repo, const char *type,
                          const char *guid, const json_t *payload, bool again) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_t *repo_id = repo != NULL ? json_integer(repo->id) : json_null();
    return json_pack(
        "{s:I, s:s, s:s, s:b, s:f, s:s, s:i, s:s, s:s?, s:n, s:o, s:n, s:{s:{s:s, s:s}, s:O}}",
        "id", (json_int_t)sim__github_id(sim), "guid", guid, "delivered_at", at, "redelivery",
        again, "duration", 0.0, "status", "pending", "status_code", 0, "event", type, "action",
        sim_json_text(payload, "action"), "installation_id", "repository_id", repo_id,
        "throttled_at", "request", "headers", "X-GitHub-Event", type, "X-GitHub-Delivery", guid,
        "payload", payload);
}

static void post(struct sim *sim, const struct sim_repo *repo, json_t *hook, const char *type,
                 const char *guid, json_t *payload, bool again) {
    struct letter *letter = sim_alloc(sizeof(*letter));
    letter->hook = json_incref(hook);
    letter->record = record_new(sim, repo, type, guid, payload, again);
    letter->body = json_dumps(payload, JSON_COMPACT);
    json_t *kept = json_object_get(hook, "deliveries");
    if (json_array_size(kept) == KEPT) json_array_remove(kept, 0);
    if (hook != NULL) json_array_append(kept, letter->record);
    sim_timer_add(sim, sim_event_delay_ms(sim), true, letter_send, letter);
}

static bool wants(const json_t *hook, const char *type) {
    const json_t *shown = json_object_get(hook, "shown");
    if (!json_is_true(json_object_get(shown, "active"))) return strcmp(type, "ping") == 0;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(shown, "events"), i, one) {
        const char *name = json_string_value(one);
        if (strcmp(name, type) == 0 || strcmp(name, "*") == 0) return true;
    }
    return false;
}

void sim__github_tell(struct sim *sim, struct sim_repo *repo, const struct sim_person *sender,
                      const char *type, json_t *payload) {
    char guid[37];
    sim_uuid_random(guid);
    json_t *repository = sim__repo_json(sim, repo);
    /* In a push, and nowhere else, it is a number. */
    if (strcmp(type, "push") == 0) {
        json_object_set_new(repository, "pushed_at", json_integer(repo->pushed_s));
    }
    json_object_set_new(payload, "repository", repository);
    json_object_set_new(payload, "sender", sim__person_json(sim, sender));
    int times = sim->conf.repeat_events ? 2 : 1;
    size_t i;
    json_t *hook;
    for (int n = 0; n < times; n++) {
        json_array_foreach(repo->hooks, i, hook) {
            if (wants(hook, type)) post(sim, repo, hook, type, guid, payload, false);
        }
        bool app = sim->conf.github_app_events && json_array_size(repo->hooks) == 0 &&
                   sim->conf.github_webhook_secret != NULL;
        if (app) post(sim, repo, NULL, type, guid, payload, false);
    }
    json_decref(payload);
}

void sim__github_ping(struct sim *sim, struct sim_repo *repo, json_t *hook) {
    char guid[37];
    sim_uuid_random(guid);
    json_auto_t *payload =
        json_pack("{s:s, s:O, s:O, s:o}", "zen", "Keep it logically awesome.", "hook_id",
                  json_object_get(json_object_get(hook, "shown"), "id"), "hook",
                  json_object_get(hook, "shown"), "repository", sim__repo_json(sim, repo));
    post(sim, repo, hook, "ping", guid, payload, false);
}

void sim__github_again(struct sim *sim, struct sim_repo *repo, json_t *hook, json_t *record) {
    post(sim, repo, hook, sim_json_text(record, "event"), sim_json_text(record, "guid"),
         json_object_get(json_object_get(record, "request"), "payload"), true);
}

bool sim_github_tell_revoked(struct sim *sim, const char *login) {
    const struct sim_person *person = sim_person_find(sim, login);
    if (person == NULL || sim->conf.ingress == NULL || sim->conf.github_webhook_secret == NULL) {
        return false;
    }
    char guid[37];
    sim_uuid_random(guid);
    json_auto_t *payload =
        json_pack("{s:s, s:o}", "action", "revoked", "sender", sim__person_json(sim, person));
    post(sim, NULL, NULL, "github_app_authorization", guid, payload, false);
    return true;
}
