/* heroku_enter.c -- what every Platform API call meets first: Accept, token, rate; see heroku.h. */
#include "heroku.h"
#include "oauth.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWO_FACTOR_CODE "123456"

static void pool_refill(const struct sim *sim, struct sim_account *account) {
    int64_t now_ms = sim_mono_ms();
    account->tokens += (double)(now_ms - account->tokens_at_ms) * 75 / 60000;
    account->tokens_at_ms = now_ms;
    if (account->tokens > (double)sim->conf.heroku_pool) {
        account->tokens = (double)sim->conf.heroku_pool;
    }
}

static bool accept_ok(const struct sim_req *req) {
    const char *accept = sim_req_header(req, "Accept");
    return accept != NULL && strstr(accept, "application/vnd.heroku+json") != NULL &&
           strstr(accept, "version=3") != NULL;
}

bool sim_heroku_enter(struct sim *sim, struct sim_req *req) {
    char id[37];
    sim_uuid_random(id);
    sim_reply_header(req, "Request-Id", id);
    const char *auth = sim_req_header(req, "Authorization");
    bool bearer = auth != NULL && strncmp(auth, "Bearer ", 7) == 0;
    req->account = bearer ? sim_oauth_bearer(sim, auth + 7) : NULL;
    if (req->account == NULL) {
        sim_reply_error(req, 401, "unauthorized", "Invalid credentials provided.");
        return false;
    }
    if (!accept_ok(req)) {
        sim_reply_error(req, 406, "not_acceptable",
                        "The Accept header must be application/vnd.heroku+json; version=3.");
        return false;
    }
    pool_refill(sim, req->account);
    bool is_free = strcmp(req->path, "/account/rate-limits") == 0;
    bool out = !is_free && req->account->tokens < 1;
    if (!is_free && !out) req->account->tokens -= 1;
    char remaining[24];
    snprintf(remaining, sizeof(remaining), "%d", (int)req->account->tokens);
    sim_reply_header(req, "RateLimit-Remaining", remaining);
    if (out) {
        sim_reply_error(req, 429, "rate_limit", "Your account reached the API rate limit.");
        return false;
    }
    return true;
}

void sim_heroku_leave(struct sim_req *req) {
    if (req->reply.status != 200 || strcmp(req->method, "GET") != 0) return;
    unsigned char hash[16];
    char hex[2 * sizeof(hash) + 1];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)req->reply.body,
                       req->reply.body_len, NULL, 0);
    SIM_FREE char *etag = sim_fmt("W/\"%s\"", sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
    sim_reply_header(req, "ETag", etag);
    const char *known = sim_req_header(req, "If-None-Match");
    if (known != NULL && strcmp(known, etag) == 0) sim_reply_data(req, 304, NULL, "", 0);
}

bool sim_app_open(struct sim_req *req, const struct sim_app *app) {
    if (!app->two_factor) return true;
    const char *code = sim_req_header(req, "Heroku-Two-Factor-Code");
    if (code != NULL && strcmp(code, TWO_FACTOR_CODE) == 0) return true;
    if (app->open_until[req->account - req->sim->heroku->account] > sim_mono_ms()) return true;
    json_t *body = json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", "two_factor", "message",
                             "A second authentication factor is required.", "app", "id", app->id,
                             "name", sim_json_text(app->info, "name"));
    sim_reply_json(req, 403, body);
    return false;
}

bool sim_app_write(struct sim_req *req, const struct sim_app *app) {
    if (app->denied[req->account - req->sim->heroku->account]) {
        sim_reply_error(req, 403, "forbidden", "You do not have access to change this app.");
        return false;
    }
    return sim_app_open(req, app);
}

void sim_heroku_unknown(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_reply_error(req, 404, "not_found", "The requested API endpoint was not found.");
}
