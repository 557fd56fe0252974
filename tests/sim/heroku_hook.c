/* heroku_hook.c -- webhooks of an app: registering, changing, ending; their deliveries and events; see heroku.h. */
#include "heroku.h"
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

static const char *const entities[] = {
    "api:addon",        "api:addon-attachment", "api:app",  "api:build",
    "api:collaborator", "api:domain",           "api:dyno", "api:formation",
    "api:release",      "api:sni-endpoint",     "dyno"};

static bool include_ok(const json_t *include) {
    size_t i;
    json_t *one;
    json_array_foreach(include, i, one) {
        bool known = false;
        for (size_t k = 0; k < SIM_ARRAY_LEN(entities) && json_is_string(one); k++) {
            known = known || strcmp(json_string_value(one), entities[k]) == 0;
        }
        if (!known) return false;
    }
    return json_array_size(include) != 0;
}

/* False: refused and answered. What a PATCH leaves out stays as it is. */
static bool fields_ok(struct sim_req *req, const json_t *body, bool all) {
    const json_t *include = json_object_get(body, "include");
    const char *level = sim_json_text(body, "level"), *url = sim_json_text(body, "url");
    const char *wrong = NULL;
    if (!json_is_object(body)) {
        sim_reply_error(req, 400, "bad_request", "The request body is not valid JSON.");
        return false;
    }
    if ((all || include != NULL) && !include_ok(include)) wrong = "include is not valid.";
    if ((all || level != NULL) &&
        (level == NULL || (strcmp(level, "notify") != 0 && strcmp(level, "sync") != 0))) {
        wrong = "level must be notify or sync.";
    }
    if ((all || url != NULL) && (url == NULL || strncmp(url, "http", 4) != 0)) {
        wrong = "url must be an HTTPS URL.";
    }
    if (wrong != NULL) sim_reply_error(req, 422, "invalid_params", wrong);
    return wrong == NULL;
}

static void fields_set(struct sim *sim, struct sim_req *req, json_t *hook, const json_t *body) {
    static const char *const keys[] = {"include", "level", "url"};
    json_t *shown = json_object_get(hook, "shown");
    for (size_t i = 0; i < SIM_ARRAY_LEN(keys); i++) {
        json_t *value = json_object_get(body, keys[i]);
        if (value != NULL) json_object_set_new(shown, keys[i], json_deep_copy(value));
    }
    json_t *authorization = json_object_get(body, "authorization");
    if (authorization != NULL) json_object_set(hook, "authorization", authorization);
    const char *secret = sim_json_text(body, "secret");
    bool asked = json_object_get(body, "secret") != NULL || !json_object_get(hook, "secret");
    if (secret != NULL) {
        json_object_set_new(hook, "secret", json_string(secret));
    } else if (asked) {
        /* Made here: this header is the only place where it is ever shown. */
        char made[65];
        sim_random_hex(made, 64);
        json_object_set_new(hook, "secret", json_string(made));
        sim_reply_header(req, "Heroku-Webhook-Secret", made);
        sim_token_note(sim, "heroku.webhook_secret", made);
    }
    char now[32];
    sim_time_iso(sim_now_ms(), now);
    json_object_set_new(shown, "updated_at", json_string(now));
}

void sim_hook_post(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_write(req, app)) return;
    json_auto_t *body = sim_req_json(req);
    if (!fields_ok(req, body, true)) return;
    char id[37], now[32];
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), now);
    json_t *hook = json_pack("{s:{s:{s:s, s:s}, s:s, s:s}}", "shown", "app", "id", app->id, "name",
                             sim_json_text(app->info, "name"), "created_at", now, "id", id);
    fields_set(sim, req, hook, body);
    json_array_append_new(app->hooks, hook);
    sim_reply_json(req, 201, json_deep_copy(json_object_get(hook, "shown")));
}

static json_t *hook_of(struct sim_req *req, const struct sim_app *app, size_t *ret_at) {
    size_t i;
    json_t *hook;
    json_array_foreach(app->hooks, i, hook) {
        *ret_at = i;
        if (strcmp(sim_json_text2(hook, "shown", "id"), req->arg[1]) == 0) return hook;
    }
    sim_not_found(req, "webhook");
    return NULL;
}

void sim_hook_get(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    size_t at;
    json_t *hook = app != NULL && sim_app_open(req, app) ? hook_of(req, app, &at) : NULL;
    if (hook != NULL) sim_reply_json(req, 200, json_deep_copy(json_object_get(hook, "shown")));
}

void sim_hook_patch(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    size_t at;
    json_t *hook = app != NULL && sim_app_write(req, app) ? hook_of(req, app, &at) : NULL;
    json_auto_t *body = sim_req_json(req);
    if (hook == NULL || !fields_ok(req, body, false)) return;
    fields_set(sim, req, hook, body);
    sim_reply_json(req, 200, json_deep_copy(json_object_get(hook, "shown")));
}

void sim_hook_delete(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    size_t at;
    json_t *hook = app != NULL && sim_app_write(req, app) ? hook_of(req, app, &at) : NULL;
    if (hook == NULL) return;
    json_object_set_new(hook, "gone", json_true()); /* for deliveries that are on their way */
    sim_reply_json(req, 200, json_deep_copy(json_object_get(hook, "shown")));
    json_array_remove(app->hooks, at);
}

static void list(struct sim_req *req, json_t *items) {
    static const char *const fields[] = {"id", "created_at", "seq", NULL};
    sim_list_reply(req, items, fields);
}

/* In the order in which they were made: "seq" of a Range, which Heroku itself does not show; and of these the ones in the
 * status that is asked for (?eq[status]=failed). */
static json_t *records(struct sim_req *req, const json_t *items) {
    const char *status = sim_req_query(req, "eq[status]");
    json_t *kept = json_array(), *item;
    size_t i;
    json_array_foreach(items, i, item) {
        const char *is = sim_json_text(item, "status");
        if (status != NULL && (is == NULL || strcmp(is, status) != 0)) continue;
        json_t *copy = json_copy(item);
        json_object_set_new(copy, "seq", json_integer((json_int_t)i));
        json_array_append_new(kept, copy);
    }
    return kept;
}

void sim_hook_list(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    json_t *shown = json_array();
    size_t i;
    json_t *hook;
    json_array_foreach(app->hooks, i, hook) {
        json_array_append(shown, json_object_get(hook, "shown"));
    }
    list(req, shown);
}

/* One by its id or, where the path has none, all of them. */
static void records_reply(struct sim *sim, struct sim_req *req, bool events) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    json_t *items = events ? app->events : app->deliveries;
    if (req->arg[1] == NULL) {
        list(req, records(req, items));
        return;
    }
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        if (strcmp(sim_json_text(item, "id"), req->arg[1]) != 0) continue;
        sim_reply_json(req, 200, json_deep_copy(item));
        return;
    }
    sim_not_found(req, events ? "webhook event" : "webhook delivery");
}

void sim_hook_events(struct sim *sim, struct sim_req *req) {
    records_reply(sim, req, true);
}

void sim_hook_deliveries(struct sim *sim, struct sim_req *req) {
    records_reply(sim, req, false);
}
