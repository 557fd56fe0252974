/* admin.c -- state, reset, config and releases from outside; see state.h. */
#include "fault.h"
#include "github.h"
#include "heroku.h"
#include "journal.h"
#include "oauth.h"
#include "sentry.h"
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

static void ok(struct sim_req *req) {
    sim_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}

/* No foreign web page may type, reset or kill through the browser of the person who runs a demo. Any port is
 * good: there may be a tunnel in front. */
bool sim_admin_enter(struct sim_req *req) {
    const char *host = sim_req_header(req, "Host"), *origin = sim_req_header(req, "Origin");
    bool host_ok = host == NULL || sim_is_local(host);
    bool origin_ok =
        origin == NULL || (strncmp(origin, "http://", 7) == 0 && sim_is_local(origin + 7));
    if (host_ok && origin_ok) return true;
    sim_reply_error(req, 403, "forbidden", "Only pages of the sim itself may ask this.");
    return false;
}

void sim_admin_unknown(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_reply_error(req, 404, "not_found", "The sim has no such page.");
}

void sim_admin_state(struct sim *sim, struct sim_req *req) {
    const struct sim_slack *slack = sim->slack;
    const struct sim_heroku *heroku = sim->heroku;
    json_t *state = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "promotions", (json_int_t)heroku->promotions,
        "promotions_refused", (json_int_t)heroku->promotions_refused, "releases",
        (json_int_t)heroku->releases, "messages", (json_int_t)slack->messages, "ephemerals",
        (json_int_t)slack->ephemerals, "updates", (json_int_t)slack->updates, "rate_violations",
        (json_int_t)slack->rate_violations, "user_errors", (json_int_t)slack->user_errors);
    json_object_set_new(state, "builds", json_integer((json_int_t)heroku->builds));
    json_object_set_new(state, "builds_refused", json_integer((json_int_t)heroku->builds_refused));
    json_object_set_new(state, "rollbacks", json_integer((json_int_t)heroku->rollbacks));
    json_object_set_new(state, "restarts", json_integer((json_int_t)heroku->restarts));
    sim_github_counts(sim, state);
    json_object_set_new(state, "requests", sim_journal_totals(sim));
    json_object_set_new(state, "posts", sim_route_counts());
    json_object_set_new(state, "response_urls", sim_url_state(sim));
    json_object_set_new(state, "tokens", sim_oauth_totals(sim));
    json_object_set_new(state, "slack", sim_slack_auth_state(sim));
    json_object_set_new(state, "webhooks",
                        json_pack("{s:I, s:I}", "delivered", (json_int_t)sim->webhooks_sent,
                                  "given_up", (json_int_t)sim->webhooks_failed));
    sim_reply_json(req, 200, state);
}

void sim_admin_reset(struct sim *sim, struct sim_req *req) {
    sim_timer_forget(sim);
    sim_heroku_forget(sim);
    sim_github_forget(sim);
    sim_slack_forget(sim);
    sim_journal_forget(sim->journal);
    sim_fault_forget(sim);
    sim_sentry_forget(sim);
    sim_route_forget();
    sim->webhooks_sent = sim->webhooks_failed = 0;
    json_array_clear(sim->told);
    ok(req);
}

static void set_text(char **at, const json_t *body, const char *key) {
    const json_t *value = json_object_get(body, key);
    if (value == NULL) return;
    free(*at);
    *at = sim_strdup(json_string_value(value));
}

static void set_count(int64_t *at, const json_t *body, const char *key) {
    int64_t value = sim_json_int(body, key, -1);
    if (value >= 0 && value <= 1000000000) *at = value;
}

/* "promote_ms": [min, max] */
static void set_span(int64_t *min_at, int64_t *max_at, const json_t *body, const char *key) {
    const json_t *span = json_object_get(body, key);
    int64_t min_ms = json_integer_value(json_array_get(span, 0));
    int64_t max_ms = json_integer_value(json_array_get(span, 1));
    if (json_array_size(span) != 2 || min_ms < 0 || max_ms < min_ms || max_ms >= 1000000000) return;
    *min_at = min_ms;
    *max_at = max_ms;
}

/* {"fail": {"app", "where": "target|release|build|dynos|none", "times"?}} */
static bool set_fail(struct sim *sim, const json_t *fail) {
    static const char *const names[] = {[SIM_FAIL_NOT] = "none",
                                        [SIM_FAIL_TARGET] = "target",
                                        [SIM_FAIL_RELEASE] = "release",
                                        [SIM_FAIL_BUILD] = "build",
                                        [SIM_FAIL_DYNOS] = "dynos"};
    if (fail == NULL) return true;
    struct sim_app *app = sim_app_find(sim, sim_json_text(fail, "app"));
    const char *where = sim_json_text(fail, "where");
    size_t i = 0;
    while (where != NULL && i < SIM_ARRAY_LEN(names) && strcmp(where, names[i]) != 0) {
        i++;
    }
    if (app == NULL || where == NULL || i == SIM_ARRAY_LEN(names)) return false;
    app->fail = (enum sim_fail)i;
    app->fail_times = sim_json_int(fail, "times", -1);
    return true;
}

/* {"deny": {"app", "email", "allow"?: true}} */
static bool set_deny(struct sim *sim, const json_t *deny) {
    if (deny == NULL) return true;
    struct sim_app *app = sim_app_find(sim, sim_json_text(deny, "app"));
    const struct sim_account *account = sim_account_find(sim, sim_json_text(deny, "email"));
    if (app == NULL || account == NULL) return false;
    app->denied[account - sim->heroku->account] = !json_is_true(json_object_get(deny, "allow"));
    return true;
}

/* {"release": {"app", "version", "status"?, "eligible_for_rollback"?}}: an expired one and the like. */
static bool set_release(struct sim *sim, const json_t *o) {
    if (o == NULL) return true;
    const struct sim_app *app = sim_app_find(sim, sim_json_text(o, "app"));
    SIM_FREE char *version = sim_fmt("%lld", (long long)sim_json_int(o, "version", 0));
    json_t *release = app != NULL ? sim_release_find(app, version) : NULL;
    if (release == NULL) return false;
    const json_t *eligible = json_object_get(o, "eligible_for_rollback");
    const char *status = sim_json_text(o, "status");
    if (status != NULL) json_object_set_new(release, "status", json_string(status));
    if (eligible != NULL) {
        json_object_set_new(release, "eligible_for_rollback", json_boolean(json_is_true(eligible)));
    }
    return true;
}

/* {"channel": {"id", "bot_in"?, "private"?, "archived"?}} */
static bool set_channel(struct sim *sim, const json_t *o) {
    if (o == NULL) return true;
    struct sim_channel *channel = sim_channel_find(sim, NULL, sim_json_text(o, "id"));
    if (channel == NULL) return false;
    const json_t *bot_in = json_object_get(o, "bot_in"), *priv = json_object_get(o, "private");
    const json_t *archived = json_object_get(o, "archived");
    if (bot_in != NULL) channel->bot_in = json_is_true(bot_in);
    if (priv != NULL) channel->is_private = json_is_true(priv);
    if (archived != NULL) channel->is_archived = json_is_true(archived);
    return true;
}

void sim_admin_config(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    if (!json_is_object(body) || !set_fail(sim, json_object_get(body, "fail")) ||
        !set_deny(sim, json_object_get(body, "deny")) ||
        !set_release(sim, json_object_get(body, "release")) ||
        !set_channel(sim, json_object_get(body, "channel"))) {
        sim_reply_error(
            req, 422, "invalid_params",
            "Expected some of {ingress, actors, redirect_uri, webhook_secret, secret, "
            "promote_ms: [min, max], build_ms, dyno_ms, expires_in, enforce_rate, rate_limits, "
            "rate_burst, heroku_pool, hook_retry_ms, event_ms, shuffle_events, "
            "repeat_events, github_..., grid, repositories_api, fail, deny, release, "
            "channel}.");
        return;
    }
    set_text(&sim->conf.ingress, body, "ingress");
    set_text(&sim->conf.actors_file, body, "actors");
    set_text(&sim->conf.redirect_uri, body, "redirect_uri");
    set_text(&sim->conf.webhook_secret, body, "webhook_secret");
    if (sim_json_text(body, "secret") != NULL) set_text(&sim->conf.signing_secret, body, "secret");
    set_span(&sim->conf.promote_min_ms, &sim->conf.promote_max_ms, body, "promote_ms");
    set_span(&sim->conf.build_min_ms, &sim->conf.build_max_ms, body, "build_ms");
    set_span(&sim->conf.dyno_min_ms, &sim->conf.dyno_max_ms, body, "dyno_ms");
    const json_t *repositories = json_object_get(body, "repositories_api");
    if (repositories != NULL) sim->heroku->repositories_api = json_is_true(repositories);
    sim_github_config(sim, body);
    sim_slack_auth_config(sim, body);
    set_count(&sim->conf.expires_in_s, body, "expires_in");
    set_count(&sim->conf.rate_burst, body, "rate_burst");
    set_count(&sim->conf.heroku_pool, body, "heroku_pool");
    set_count(&sim->conf.hook_retry_ms, body, "hook_retry_ms");
    set_count(&sim->conf.event_ms, body, "event_ms");
    set_count(&sim->conf.shuffle_seed, body, "shuffle_events");
    if (json_object_get(body, "shuffle_events") != NULL) {
        sim->shuffle = (uint64_t)sim->conf.shuffle_seed;
    }
    const json_t *repeat = json_object_get(body, "repeat_events");
    if (repeat != NULL) sim->conf.repeat_events = json_is_true(repeat);
    if (json_object_get(body, "heroku_pool") != NULL) {
        for (size_t i = 0; i < SIM_ARRAY_LEN(sim->heroku->account); i++) {
            sim->heroku->account[i].tokens = (double)sim->conf.heroku_pool;
        }
    }
    const json_t *enforce = json_object_get(body, "enforce_rate");
    if (enforce != NULL) sim->conf.enforce_rate = json_is_true(enforce);
    const json_t *limits = json_object_get(body, "rate_limits");
    if (limits != NULL) sim->conf.enforce_rate = sim->conf.rate_limits = json_is_true(limits);
    ok(req);
}

struct outside {
    struct sim_app *app;
    json_t *release;
    bool good;
};

static void outside_settles(struct sim *sim, void *arg, bool dropped) {
    struct outside *o = arg;
    if (!dropped) sim_release_settle(sim, o->app, o->release, o->good);
    json_decref(o->release);
    free(o);
}

/* A release somebody makes on the command line: {app, email?, fail?, release_ms?, description?}. */
void sim_admin_release(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    struct sim_app *app = sim_app_find(sim, sim_json_text(body, "app"));
    const char *email = sim_json_text(body, "email");
    const struct sim_account *account =
        sim_account_find(sim, email != NULL ? email : "bob@example.com");
    if (app == NULL || account == NULL) {
        sim_reply_error(req, 422, "invalid_params", "Expected {app, email?} known to the sim.");
        return;
    }
    char slug[37], commit[41], at[32];
    sim_uuid_random(slug);
    sim_random_hex(commit, 40);
    sim_time_iso(sim_now_ms(), at);
    (void)sim_slug_add(sim->heroku, slug, commit, at);
    SIM_FREE char *deploy = sim_fmt("Deploy %.7s", commit);
    const char *description = sim_json_text(body, "description");
    struct outside *o = sim_alloc(sizeof(*o));
    o->app = app;
    o->good = !json_is_true(json_object_get(body, "fail"));
    o->release = json_incref(
        sim_release_add(sim, app, account, slug, description != NULL ? description : deploy));
    int64_t release_ms = sim_json_int(body, "release_ms", 0);
    json_t *reply = json_incref(o->release);
    if (release_ms > 0) {
        sim_timer_add(sim, release_ms, true, outside_settles, o);
    } else {
        outside_settles(sim, o, false);
    }
    sim_reply_json(req, 201, reply);
}
