/* heroku_release.c -- slugs and releases: how they are made and how they end; see heroku.h. */
#include "heroku.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *sim_slug_add(struct sim_heroku *heroku, const char *id, const char *commit,
                     const char *created_at) {
    char stack[37];
    sim_uuid_seeded("", "stack", stack);
    SIM_FREE char *url = sim_fmt("https://slugs.example/%s", id);
    SIM_FREE char *checksum = sim_fmt("SHA256:%s%.24s", commit, commit);
    json_t *slug = json_pack("{s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:i, "
                             "s:{s:s, s:s}, s:s}",
                             "blob", "method", "get", "url", url, "buildpack_provided_description",
                             "Ruby", "checksum", checksum, "commit", commit, "commit_description",
                             "", "created_at", created_at, "id", id, "process_types", "web",
                             "./bin/web -p $PORT", "worker", "./bin/worker", "size", 2048, "stack",
                             "id", stack, "name", "heroku-24", "updated_at", created_at);
    json_decref(sim_map_put(heroku->slugs, id, slug));
    return slug;
}

json_t *sim_release_new(const struct sim_app *app, const char *id, json_t *account_ref,
                        const char *slug_id, const char *description, const char *created_at) {
    return json_pack("{s:[], s:[{s:s, s:s}], s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:{s:s}, s:s, s:o, "
                     "s:i, s:b, s:n, s:b}",
                     "addon_plan_names", "artifacts", "type", "slug", "id", slug_id, "app", "name",
                     sim_json_text(app->info, "name"), "id", app->id, "created_at", created_at,
                     "description", description, "id", id, "updated_at", created_at, "slug", "id",
                     slug_id, "status", "pending", "user", account_ref, "version", 0, "current", 0,
                     "output_stream_url", "eligible_for_rollback", 1);
}

static void tell(struct sim *sim, struct sim_app *app, const char *action, json_t *release,
                 json_t *previous) {
    struct sim_webhook what = {.include = "api:release",
                               .action = action,
                               .resource = "release",
                               .data = release,
                               .previous = previous,
                               .actor = json_object_get(release, "user")};
    sim_webhook_tell(sim, app, &what);
}

static int64_t last_version(const struct sim_app *app) {
    size_t n = json_array_size(app->releases);
    return n == 0 ? 0 : sim_json_int(json_array_get(app->releases, n - 1), "version", 0);
}

json_t *sim_release_add(struct sim *sim, struct sim_app *app, const struct sim_account *account,
                        const char *slug_id, const char *description) {
    char id[37], at[32];
    sim_uuid_random(id);
    sim_time_iso(sim_now_ms(), at);
    json_t *release = sim_release_new(app, id, sim_account_ref(account), slug_id, description, at);
    json_object_set_new(release, "version", json_integer(last_version(app) + 1));
    json_object_set_new(release, "eligible_for_rollback", json_false());
    SIM_FREE char *stream = sim_fmt("https://release-output.example/%s", id);
    json_object_set_new(release, "output_stream_url", json_string(stream));
    json_array_append_new(app->releases, release);
    sim->heroku->releases++;
    tell(sim, app, "create", release, NULL);
    return release;
}

json_t *sim_release_current(const struct sim_app *app) {
    size_t i;
    json_t *release;
    json_array_foreach(app->releases, i, release) {
        if (json_is_true(json_object_get(release, "current"))) return release;
    }
    return NULL;
}

void sim_release_settle(struct sim *sim, struct sim_app *app, json_t *release, bool good) {
    char at[32];
    bool good_now = false;
    sim_time_iso(sim_now_ms(), at);
    json_t *previous =
        json_pack("{s:s, s:O, s:b}", "status", sim_json_text(release, "status"), "updated_at",
                  json_object_get(release, "updated_at"), "current", 0);
    if (good) {
        json_t *current = sim_release_current(app);
        /* A slow older release that ends late does not take over from a newer one. */
        bool newest = sim_json_int(current, "version", 0) < sim_json_int(release, "version", 0);
        if (newest && current != NULL) json_object_set_new(current, "current", json_false());
        json_object_set_new(release, "current", json_boolean(newest));
        good_now = newest;
    }
    json_object_set_new(release, "eligible_for_rollback", json_boolean(good));
    json_object_set_new(release, "status", json_string(good ? "succeeded" : "failed"));
    json_object_set_new(release, "updated_at", json_string(at));
    tell(sim, app, "update", release, previous);
    json_decref(previous);
    if (good_now) sim_dyno_restart(sim, app, NULL);
}

struct phase {
    struct sim_app *app;
    json_t *release;
};

static void phase_is_over(struct sim *sim, void *arg, bool dropped) {
    struct phase *phase = arg;
    if (!dropped) {
        bool bad = sim_fail_take(phase->app, SIM_FAIL_RELEASE);
        sim_release_settle(sim, phase->app, phase->release, !bad);
    }
    json_decref(phase->release);
    free(phase);
}

void sim_release_phase(struct sim *sim, struct sim_app *app, json_t *release) {
    struct phase *phase = sim_alloc(sizeof(*phase));
    *phase = (struct phase){.app = app, .release = json_incref(release)};
    /* As long as with a promotion, of which it is the second half. */
    int64_t spread_ms = sim->conf.promote_max_ms - sim->conf.promote_min_ms;
    int64_t ms = sim->conf.promote_min_ms + randombytes_uniform((uint32_t)spread_ms + 1);
    sim_timer_add(sim, ms - ms / 2, true, phase_is_over, phase);
}

json_t *sim_release_find(const struct sim_app *app, const char *id_or_version) {
    if (id_or_version == NULL) return NULL;
    const char *digits = id_or_version[0] == 'v' ? id_or_version + 1 : id_or_version;
    size_t i;
    json_t *release;
    json_array_foreach(app->releases, i, release) {
        char version[24];
        snprintf(version, sizeof(version), "%lld", (long long)sim_json_int(release, "version", 0));
        if (strcmp(version, digits) == 0) return release;
        if (strcmp(sim_json_text(release, "id"), id_or_version) == 0) return release;
    }
    return NULL;
}

bool sim_fail_take(struct sim_app *app, enum sim_fail where) {
    if (app->fail != where || app->fail_times == 0) return false;
    if (app->fail_times > 0) app->fail_times--;
    return true;
}
