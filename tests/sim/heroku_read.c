/* heroku_read.c -- the read-only endpoints; see heroku.h. */
#include "heroku.h"

#include <stdlib.h>
#include <string.h>

void sim_not_found(struct sim_req *req, const char *what) {
    SIM_FREE char *message = sim_fmt("Couldn't find that %s.", what);
    sim_reply_json(
        req, 404,
        json_pack("{s:s, s:s, s:s}", "resource", what, "id", "not_found", "message", message));
}

static struct sim_pipeline *pipeline_of(struct sim *sim, struct sim_req *req) {
    struct sim_pipeline *p = sim_map_get(sim->heroku->pipeline_by, req->arg[0]);
    if (p == NULL) sim_not_found(req, "pipeline");
    return p;
}

struct sim_app *sim_app_of(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_find(sim, req->arg[0]);
    if (app == NULL) sim_not_found(req, "app");
    return app;
}

void sim_pipeline_list(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", "name", NULL};
    sim_list_reply(req, json_copy(sim->heroku->pipelines), fields);
}

void sim_pipeline_get(struct sim *sim, struct sim_req *req) {
    const struct sim_pipeline *p = pipeline_of(sim, req);
    if (p != NULL) sim_reply_json(req, 200, json_incref(p->info));
}

void sim_pipeline_couplings(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", NULL};
    const struct sim_pipeline *p = pipeline_of(sim, req);
    if (p != NULL) sim_list_reply(req, json_copy(p->couplings), fields);
}

void sim_pipeline_runs(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"number", "id", NULL};
    const struct sim_pipeline *p = pipeline_of(sim, req);
    if (p != NULL) sim_list_reply(req, json_copy(p->runs), fields);
}

void sim_pipeline_run(struct sim *sim, struct sim_req *req) {
    const struct sim_pipeline *p = pipeline_of(sim, req);
    size_t i;
    json_t *run;
    json_array_foreach(p != NULL ? p->runs : NULL, i, run) {
        if (sim_json_int(run, "number", 0) != strtoll(req->arg[1], NULL, 10)) continue;
        sim_reply_json(req, 200, json_deep_copy(run));
        return;
    }
    if (p != NULL) sim_not_found(req, "test run");
}

void sim_app_get(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app != NULL) sim_reply_json(req, 200, json_incref(app->info));
}

void sim_app_coupling(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL) return;
    size_t i;
    json_t *coupling;
    json_array_foreach(app->pipeline->couplings, i, coupling) {
        if (strcmp(sim_json_text2(coupling, "app", "id"), app->id) != 0) continue;
        sim_reply_json(req, 200, json_incref(coupling));
        return;
    }
}

void sim_app_filter(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", "name", NULL};
    json_auto_t *body = sim_req_json(req);
    const json_t *ids = json_object_get(json_object_get(body, "in"), "id");
    if (!json_is_array(ids)) {
        sim_reply_error(req, 400, "bad_request", "Expected {in: {id: [...]}}.");
        return;
    }
    json_t *found = json_array();
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id) {
        const struct sim_app *app = sim_app_find(sim, json_string_value(id));
        if (app != NULL && strcmp(app->id, json_string_value(id)) == 0) {
            json_array_append(found, app->info);
        }
    }
    sim_list_reply(req, found, fields);
}

void sim_app_releases(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"version", "id", NULL};
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    sim_list_reply(req, json_copy(app->releases), fields);
}

void sim_app_release(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    json_t *release = sim_release_find(app, req->arg[1]);
    if (release == NULL) {
        sim_not_found(req, "release");
        return;
    }
    sim_reply_json(req, 200, json_incref(release));
}

void sim_app_slug(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    size_t i;
    json_t *release;
    json_array_foreach(app->releases, i, release) {
        const char *id = sim_json_text2(release, "slug", "id");
        if (id == NULL || strcmp(id, req->arg[1]) != 0) continue;
        sim_reply_json(req, 200, json_incref(sim_map_get(sim->heroku->slugs, id)));
        return;
    }
    sim_not_found(req, "slug");
}

void sim_account_get(struct sim *sim, struct sim_req *req) {
    char at[32];
    sim_time_iso(sim->started_ms - (int64_t)500 * 86400000, at);
    SIM_FREE char *name = sim_strndup(req->account->email, strcspn(req->account->email, "@"));
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:b, s:s, s:s, s:b, s:s, s:s, s:s, s:n, s:n, s:b, s:b, s:s}",
                             "allow_tracking", 1, "beta", 0, "created_at", at, "email",
                             req->account->email, "federated", 0, "id", req->account->id,
                             "last_login", at, "name", name, "suspended_at", "delinquent_at",
                             "two_factor_authentication", 1, "verified", 1, "updated_at", at));
}

void sim_account_limits(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_reply_json(req, 200, json_pack("{s:i}", "remaining", (int)req->account->tokens));
}
