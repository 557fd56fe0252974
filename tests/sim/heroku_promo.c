/* heroku_promo.c -- promotions and how their targets move; see heroku.h.
 *
 * A target is pending without a release, then pending with a release in its release phase, then
 * succeeded or failed. The promotion is completed when no target is pending, good or bad. */
#include "heroku.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct target {
    json_t *info;
    struct sim_app *app;
    json_t *release; /* borrowed from the app, NULL before it exists */
};
struct promo {
    json_t *info;
    struct sim_account *account;
    char *description, *slug_id;
    size_t targets, open;
    struct target target[SIM_STAGE_APPS];
};
struct step {
    struct promo *promo;
    struct target *target;
    int64_t rest_ms; /* from the release to the end */
};

static int stage_rank(const char *stage) {
    static const char *const order[] = {"development", "staging", "production"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(order); i++) {
        if (strcmp(order[i], stage) == 0) return (int)i;
    }
    return -1;
}

void sim_promo_free(void *value) {
    struct promo *promo = value;
    for (size_t i = 0; i < promo->targets; i++) {
        json_decref(promo->target[i].info);
    }
    json_decref(promo->info);
    free(promo->description);
    free(promo->slug_id);
    free(promo);
}

static void invalid(struct sim *sim, struct sim_req *req, const char *message) {
    sim->heroku->promotions_refused++;
    sim_reply_error(req, 422, "invalid_params", message);
}

static void target_end(struct promo *promo, struct target *target, const char *error) {
    json_object_set_new(target->info, "status",
                        json_string(error != NULL ? "failed" : "succeeded"));
    if (error != NULL) json_object_set_new(target->info, "error_message", json_string(error));
    if (--promo->open != 0) return;
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_object_set_new(promo->info, "status", json_string("completed"));
    json_object_set_new(promo->info, "updated_at", json_string(at));
}

static void release_is_over(struct sim *sim, void *arg, bool dropped) {
    struct step *step = arg;
    struct target *target = step->target;
    if (!dropped) {
        bool bad = sim_fail_take(target->app, SIM_FAIL_RELEASE);
        sim_release_settle(sim, target->app, target->release, !bad);
        target_end(step->promo, target, bad ? "Release command failed." : NULL);
    }
    free(step);
}

static void release_begins(struct sim *sim, void *arg, bool dropped) {
    struct step *step = arg;
    struct promo *promo = step->promo;
    struct target *target = step->target;
    if (dropped) {
        free(step);
    } else if (sim_fail_take(target->app, SIM_FAIL_TARGET)) {
        target_end(promo, target, "The slug could not be copied to this app.");
        free(step);
    } else {
        target->release =
            sim_release_add(sim, target->app, promo->account, promo->slug_id, promo->description);
        json_object_set_new(target->info, "release",
                            json_pack("{s:s}", "id", sim_json_text(target->release, "id")));
        sim_timer_add(sim, step->rest_ms, true, release_is_over, step);
    }
}

static void promo_start(struct sim *sim, struct promo *promo) {
    int64_t spread_ms = sim->conf.promote_max_ms - sim->conf.promote_min_ms;
    promo->open = promo->targets;
    for (size_t i = 0; i < promo->targets; i++) {
        int64_t ms = sim->conf.promote_min_ms + randombytes_uniform((uint32_t)spread_ms + 1);
        struct step *step = sim_alloc(sizeof(*step));
        *step = (struct step){.promo = promo, .target = &promo->target[i], .rest_ms = ms - ms / 2};
        sim_timer_add(sim, ms / 2, true, release_begins, step);
    }
}

/* The source's release: the one pinned, else the current one. NULL when it was refused. */
static json_t *source_release(struct sim *sim, struct sim_req *req, const json_t *source,
                              const struct sim_app *app) {
    const json_t *pin = json_object_get(source, "release");
    json_t *release = sim_release_current(app);
    if (pin != NULL && !json_is_null(pin))
        release = sim_release_find(app, sim_json_text(pin, "id"));
    const char *status = sim_json_text(release, "status");
    if (release == NULL || strcmp(status, "succeeded") != 0) {
        invalid(sim, req,
                pin != NULL ? "The source release is not one that can be promoted."
                            : "The source app has no release to promote.");
        return NULL;
    }
    return release;
}

/* Fills promo->target; false when it was refused. */
static bool targets_take(struct sim *sim, struct sim_req *req, const json_t *body,
                         struct promo *promo, const struct sim_app *source) {
    const json_t *targets = json_object_get(body, "targets");
    if (json_array_size(targets) == 0 || json_array_size(targets) > SIM_STAGE_APPS) {
        invalid(sim, req, "At least one target app is required.");
        return false;
    }
    size_t i;
    json_t *t;
    json_array_foreach(targets, i, t) {
        struct sim_app *app = sim_app_find(sim, sim_json_text2(t, "app", "id"));
        if (app == NULL || app->pipeline != source->pipeline) {
            invalid(sim, req, "A target app is not in this pipeline.");
            return false;
        }
        if (app == source) {
            invalid(sim, req, "Cannot promote an app to itself.");
            return false;
        }
        if (stage_rank(app->stage) <= stage_rank(source->stage)) {
            invalid(sim, req, "A target app is not in a later stage than the source app.");
            return false;
        }
        for (size_t k = 0; k < promo->targets; k++) {
            if (promo->target[k].app == app) {
                invalid(sim, req, "A target app is listed twice.");
                return false;
            }
        }
        promo->target[promo->targets++].app = app;
    }
    return true;
}

static bool rights_ok(struct sim *sim, struct sim_req *req, const struct promo *promo,
                      const struct sim_app *source) {
    size_t who = (size_t)(req->account - sim->heroku->account);
    bool denied = source->denied[who];
    for (size_t i = 0; i < promo->targets; i++) {
        denied = denied || promo->target[i].app->denied[who];
    }
    if (denied) {
        sim->heroku->promotions_refused++;
        sim_reply_error(req, 403, "forbidden", "You do not have access to deploy to this app.");
        return false;
    }
    bool open = sim_app_open(req, source);
    for (size_t i = 0; open && i < promo->targets; i++) {
        open = sim_app_open(req, promo->target[i].app);
    }
    if (!open) sim->heroku->promotions_refused++;
    return open;
}

static void promo_describe(struct promo *promo, const struct sim *sim, const struct sim_app *source,
                           const json_t *release) {
    char id[37], at[32];
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), at);
    promo->slug_id = sim_strdup(sim_json_text2(release, "slug", "id"));
    const json_t *slug = sim_map_get(sim->heroku->slugs, promo->slug_id);
    promo->description =
        sim_fmt("Promote %s v%lld %.7s", sim_json_text(source->info, "name"),
                (long long)sim_json_int(release, "version", 0), sim_json_text(slug, "commit"));
    promo->info = json_pack("{s:s, s:s, s:{s:s}, s:{s:{s:s}, s:{s:s}}, s:s, s:s}", "created_at", at,
                            "id", id, "pipeline", "id", sim_json_text(source->pipeline->info, "id"),
                            "source", "app", "id", source->id, "release", "id",
                            sim_json_text(release, "id"), "status", "pending", "updated_at", at);
    for (size_t i = 0; i < promo->targets; i++) {
        char target_id[37];
        sim_uuid_random(target_id);
        promo->target[i].info =
            json_pack("{s:{s:s}, s:n, s:s, s:{s:s}, s:n, s:s}", "app", "id",
                      promo->target[i].app->id, "error_message", "id", target_id,
                      "pipeline_promotion", "id", id, "release", "status", "pending");
    }
}

static struct promo *promo_make(struct sim *sim, struct sim_req *req, const json_t *body,
                                struct promo *promo) {
    const json_t *source = json_object_get(body, "source");
    struct sim_app *app = sim_app_find(sim, sim_json_text2(source, "app", "id"));
    const char *pipeline = sim_json_text2(body, "pipeline", "id");
    if (pipeline == NULL || sim_map_get(sim->heroku->pipeline_by, pipeline) == NULL) {
        sim->heroku->promotions_refused++;
        sim_reply_error(req, 404, "not_found", "Couldn't find that pipeline.");
        return NULL;
    }
    if (app == NULL || app->pipeline != sim_map_get(sim->heroku->pipeline_by, pipeline)) {
        invalid(sim, req, "The source app is not in this pipeline.");
        return NULL;
    }
    if (!targets_take(sim, req, body, promo, app) || !rights_ok(sim, req, promo, app)) return NULL;
    const json_t *release = source_release(sim, req, source, app);
    if (release == NULL) return NULL;
    promo->account = req->account;
    promo_describe(promo, sim, app, release);
    return promo;
}

void sim_promo_post(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    if (!json_is_object(body)) {
        sim_reply_error(req, 400, "bad_request", "The request body is not valid JSON.");
        return;
    }
    struct promo *promo = sim_alloc(sizeof(*promo));
    if (promo_make(sim, req, body, promo) == NULL) {
        sim_promo_free(promo);
        return;
    }
    (void)sim_map_put(sim->heroku->promos, sim_json_text(promo->info, "id"), promo);
    sim->heroku->promotions++;
    promo_start(sim, promo);
    sim_reply_json(req, 201, json_deep_copy(promo->info));
}

static struct promo *promo_of(struct sim *sim, struct sim_req *req) {
    struct promo *promo = sim_map_get(sim->heroku->promos, req->arg[0]);
    if (promo == NULL) {
        sim_reply_error(req, 404, "not_found", "Couldn't find that pipeline promotion.");
    }
    return promo;
}

void sim_promo_get(struct sim *sim, struct sim_req *req) {
    const struct promo *promo = promo_of(sim, req);
    if (promo != NULL) sim_reply_json(req, 200, json_incref(promo->info));
}

void sim_promo_targets(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", NULL};
    const struct promo *promo = promo_of(sim, req);
    if (promo == NULL) return;
    json_t *targets = json_array();
    for (size_t i = 0; i < promo->targets; i++) {
        json_array_append(targets, promo->target[i].info);
    }
    sim_list_reply(req, targets, fields);
}
