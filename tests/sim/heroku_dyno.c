/* heroku_dyno.c -- dynos and formation: each release and each restart starts new ones; see heroku.h.
 *
 * A restarted dyno keeps its name and gets a new id; it is starting, then up, or crashed where the
 * app is told to fail with "dynos". */
#include "heroku.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct start {
    struct sim_app *app;
    char id[37];
    bool crashes;
};

static int quantity(const struct sim_app *app, const char *type) {
    bool production = strcmp(app->stage, "production") == 0;
    if (strcmp(type, "web") == 0) return production ? 2 : 1;
    return production ? 1 : 0;
}

static const char *command_of(const char *type) {
    return strcmp(type, "web") == 0 ? "./bin/web -p $PORT" : "./bin/worker";
}

static json_t *dyno_new(const struct sim_app *app, const char *type, const char *name,
                        const char *state) {
    char id[37], at[32];
    const json_t *release = sim_release_current(app);
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), at);
    return json_pack("{s:{s:s, s:s}, s:n, s:s, s:s, s:s, s:s, s:{s:s, s:I}, s:s, s:s, s:s, s:s}",
                     "app", "id", app->id, "name", sim_json_text(app->info, "name"), "attach_url",
                     "command", command_of(type), "created_at", at, "id", id, "name", name,
                     "release", "id", sim_json_text(release, "id"), "version",
                     (json_int_t)sim_json_int(release, "version", 0), "size", "Standard-1X",
                     "state", state, "type", type, "updated_at", at);
}

static json_t *formation_new(const struct sim *sim, const struct sim_app *app, const char *type) {
    char id[37], at[32];
    SIM_FREE char *label = sim_fmt("formation %s %s", sim_json_text(app->info, "name"), type);
    sim_uuid_seeded(sim->conf.seed, label, id);
    sim_time_iso(sim->started_ms - (int64_t)86400000, at);
    return json_pack("{s:{s:s, s:s}, s:s, s:s, s:s, s:i, s:s, s:s, s:s}", "app", "id", app->id,
                     "name", sim_json_text(app->info, "name"), "command", command_of(type),
                     "created_at", at, "id", id, "quantity", quantity(app, type), "size",
                     "Standard-1X", "type", type, "updated_at", at);
}

void sim_dyno_fill(const struct sim *sim, struct sim_app *app) {
    static const char *const types[] = {"web", "worker"};
    json_decref(app->dynos);
    json_decref(app->formation);
    app->dynos = json_array();
    app->formation = json_array();
    char at[32];
    sim_time_iso(sim->started_ms - (int64_t)7200000, at);
    for (size_t i = 0; i < SIM_ARRAY_LEN(types); i++) {
        json_array_append_new(app->formation, formation_new(sim, app, types[i]));
        for (int n = 1; n <= quantity(app, types[i]); n++) {
            SIM_FREE char *name = sim_fmt("%s.%d", types[i], n);
            json_t *dyno = dyno_new(app, types[i], name, "up");
            json_object_set_new(dyno, "created_at", json_string(at));
            json_object_set_new(dyno, "updated_at", json_string(at));
            json_array_append_new(app->dynos, dyno);
        }
    }
}

static void tell(struct sim *sim, struct sim_app *app, const char *include, const char *action,
                 json_t *dyno, json_t *previous) {
    struct sim_webhook what = {.include = include,
                               .action = action,
                               .resource = "dyno",
                               .data = dyno,
                               .previous = previous,
                               .actor = json_object_get(app->info, "owner")};
    sim_webhook_tell(sim, app, &what);
}

static void change(struct sim *sim, struct sim_app *app, json_t *dyno, const char *state) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_auto_t *previous = json_pack("{s:O, s:O}", "state", json_object_get(dyno, "state"),
                                      "updated_at", json_object_get(dyno, "updated_at"));
    json_object_set_new(dyno, "state", json_string(state));
    json_object_set_new(dyno, "updated_at", json_string(at));
    tell(sim, app, "dyno", "update", dyno, previous);
}

static void started(struct sim *sim, void *arg, bool dropped) {
    struct start *start = arg;
    size_t i;
    json_t *dyno;
    json_array_foreach(start->app->dynos, i, dyno) {
        if (dropped || strcmp(sim_json_text(dyno, "id"), start->id) != 0) continue;
        change(sim, start->app, dyno, start->crashes ? "crashed" : "up");
    }
    free(start);
}

bool sim_dyno_crash(struct sim *sim, struct sim_app *app, const char *name) {
    size_t i;
    json_t *dyno;
    json_array_foreach(app->dynos, i, dyno) {
        if (strcmp(sim_json_text(dyno, "name"), name) != 0) continue;
        if (strcmp(sim_json_text(dyno, "state"), "up") != 0) return false;
        change(sim, app, dyno, "crashed");
        return true;
    }
    return false;
}

static bool is_meant(const json_t *dyno, const char *which) {
    static const char *const keys[] = {"id", "name", "type"};
    for (size_t i = 0; which != NULL && i < SIM_ARRAY_LEN(keys); i++) {
        if (strcmp(sim_json_text(dyno, keys[i]), which) == 0) return true;
    }
    return which == NULL;
}

void sim_dyno_restart(struct sim *sim, struct sim_app *app, const char *which) {
    bool crashes = sim_fail_take(app, SIM_FAIL_DYNOS);
    SIM_FREE char *meant = sim_strdup(which); /* it may be the id of one that goes */
    int64_t spread_ms = sim->conf.dyno_max_ms - sim->conf.dyno_min_ms;
    for (size_t i = 0; i < json_array_size(app->dynos); i++) {
        const json_t *old = json_array_get(app->dynos, i);
        if (!is_meant(old, meant)) continue;
        json_t *dyno =
            dyno_new(app, sim_json_text(old, "type"), sim_json_text(old, "name"), "starting");
        struct start *start = sim_alloc(sizeof(*start));
        start->app = app;
        start->crashes = crashes;
        snprintf(start->id, sizeof(start->id), "%s", sim_json_text(dyno, "id"));
        json_array_set_new(app->dynos, i, dyno);
        tell(sim, app, "api:dyno", "create", dyno, NULL);
        tell(sim, app, "dyno", "create", dyno, NULL);
        int64_t ms = sim->conf.dyno_min_ms + randombytes_uniform((uint32_t)spread_ms + 1);
        sim_timer_add(sim, ms, true, started, start);
    }
}

void sim_dyno_list(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"name", "id", NULL};
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    sim_list_reply(req, json_copy(app->dynos), fields);
}

void sim_dyno_get(struct sim *sim, struct sim_req *req) {
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    size_t i;
    json_t *dyno;
    json_array_foreach(app->dynos, i, dyno) {
        if (strcmp(sim_json_text(dyno, "name"), req->arg[1]) != 0 &&
            strcmp(sim_json_text(dyno, "id"), req->arg[1]) != 0) {
            continue;
        }
        sim_reply_json(req, 200, json_incref(dyno));
        return;
    }
    sim_not_found(req, "dyno");
}

/* DELETE of all, of a type or of one: each time new ones start. */
void sim_dyno_delete(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_write(req, app)) return;
    size_t i, n = 0;
    json_t *dyno;
    json_array_foreach(app->dynos, i, dyno) {
        n += is_meant(dyno, req->arg[1]);
    }
    if (n == 0 && req->arg[1] != NULL) {
        sim_not_found(req, "dyno");
        return;
    }
    sim->heroku->restarts++;
    sim_dyno_restart(sim, app, req->arg[1]);
    sim_reply_json(req, 202, json_object());
}

void sim_dyno_formation(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"type", "id", NULL};
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    sim_list_reply(req, json_copy(app->formation), fields);
}
