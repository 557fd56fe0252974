/* heroku_write.c -- rollback, maintenance, names, pre-authorization; see heroku.h. */
#include "heroku.h"

#include <stdlib.h>
#include <string.h>

#define PREAUTH_MS (5 * 60 * 1000)

static void name_set(struct sim *sim, struct sim_app *app, const char *name) {
    (void)sim_map_take(sim->heroku->app_by, sim_json_text(app->info, "name"));
    (void)sim_map_put(sim->heroku->app_by, name, app);
    json_object_set_new(app->info, "name", json_string(name));
}

void sim_app_forget(struct sim *sim, struct sim_app *app) {
    sim_build_forget(app);
    json_array_clear(app->builds);
    json_array_clear(app->hooks);
    json_array_clear(app->events);
    json_array_clear(app->deliveries);
    json_object_set_new(app->info, "maintenance", json_false());
    name_set(sim, app, app->first_name);
    memset(app->open_until, 0, sizeof(app->open_until));
    sim_dyno_fill(sim, app);
}

static void touch(struct sim *sim, struct sim_app *app, const char *key, json_t *before,
                  json_t *actor) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_auto_t *previous = json_pack("{s:o, s:O}", key, before, "updated_at",
                                      json_object_get(app->info, "updated_at"));
    json_object_set_new(app->info, "updated_at", json_string(at));
    struct sim_webhook what = {.include = "api:app",
                               .action = "update",
                               .resource = "app",
                               .data = app->info,
                               .previous = previous,
                               .actor = actor};
    sim_webhook_tell(sim, app, &what);
}

static bool name_ok(const char *name) {
    size_t len = strlen(name);
    return len >= 3 && len <= 30 && name[0] >= 'a' && name[0] <= 'z' && name[len - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool rename_by(struct sim *sim, struct sim_app *app, const char *name, json_t *actor) {
    if (!name_ok(name) || sim_app_find(sim, name) != NULL) return false;
    json_t *before = json_string(sim_json_text(app->info, "name"));
    name_set(sim, app, name);
    touch(sim, app, "name", before, actor);
    return true;
}

void sim_app_patch(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_write(req, app)) return;
    json_auto_t *body = sim_req_json(req), *actor = sim_account_ref(req->account);
    const json_t *maintenance = json_object_get(body, "maintenance");
    const char *name = sim_json_text(body, "name");
    if (!json_is_boolean(maintenance) && name == NULL) {
        sim_reply_error(req, 422, "invalid_params", "maintenance must be true or false.");
        return;
    }
    if (name != NULL && !rename_by(sim, app, name, actor)) {
        sim_reply_error(req, 422, "invalid_params", "Name is invalid or already taken.");
        return;
    }
    if (json_is_boolean(maintenance)) {
        json_t *before = json_incref(json_object_get(app->info, "maintenance"));
        json_object_set_new(app->info, "maintenance", json_boolean(json_is_true(maintenance)));
        touch(sim, app, "maintenance", before, actor);
    }
    sim_reply_json(req, 200, json_deep_copy(app->info));
}

/* With the code once, the account needs none for this app for a while. */
void sim_app_preauth(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    app->open_until[req->account - sim->heroku->account] = sim_mono_ms() + PREAUTH_MS;
    sim_reply_json(
        req, 200, json_pack("{s:s, s:s}", "id", app->id, "name", sim_json_text(app->info, "name")));
}

/* NULL when it was refused and answered. */
static json_t *rollback_target(struct sim_req *req, const struct sim_app *app, const char *id) {
    json_t *release = strlen(id) == 36 ? sim_release_find(app, id) : NULL;
    if (release == NULL) {
        sim_not_found(req, "release");
        return NULL;
    }
    const char *status = sim_json_text(release, "status");
    if (strcmp(status, "expired") == 0) {
        sim_reply_error(req, 422, "invalid_params", "This release is expired.");
        return NULL;
    }
    if (!json_is_true(json_object_get(release, "eligible_for_rollback"))) {
        sim_reply_error(req, 422, "invalid_params", "This release is not eligible for rollback.");
        return NULL;
    }
    return release;
}

static json_t *add(struct sim *sim, struct sim_req *req, struct sim_app *app, const char *slug,
                   const char *description) {
    json_t *release = sim_release_add(sim, app, req->account, slug, description);
    sim_release_phase(sim, app, release);
    return json_deep_copy(release);
}

/* {release: id}: back to that one. {slug: id, description?}: a slug that is known already. */
void sim_release_post(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_write(req, app)) return;
    json_auto_t *body = sim_req_json(req);
    const char *id = sim_json_text(body, "release"), *slug = sim_json_text(body, "slug");
    if (id != NULL) {
        const json_t *to = rollback_target(req, app, id);
        if (to == NULL) return;
        sim->heroku->rollbacks++;
        SIM_FREE char *description =
            sim_fmt("Rollback to v%lld", (long long)sim_json_int(to, "version", 0));
        sim_reply_json(req, 201, add(sim, req, app, sim_json_text2(to, "slug", "id"), description));
    } else if (slug != NULL && sim_map_get(sim->heroku->slugs, slug) != NULL) {
        const char *description = sim_json_text(body, "description");
        sim_reply_json(req, 201,
                       add(sim, req, app, slug, description != NULL ? description : "Deploy"));
    } else {
        sim_reply_error(req, 422, "invalid_params", "Expected {release} or a known {slug}.");
    }
}
