/* heroku_build.c -- builds: source in, slug and release out, one at a time and app; see heroku.h.
 *
 * A build is pending while its source is fetched and compiled. When it succeeds its slug and its
 * release are there at once, and the release goes through its own phase. A build that was cancelled
 * has failed. */
#include "heroku.h"
#include "out.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_WAIT_MS 20000

/* A running build; the transfer, the timer and the app hold one reference each. */
struct sim_build {
    unsigned refs;
    json_t *info;
    struct sim_app *app; /* NULL: over, cancelled or forgotten */
    const struct sim_account *account;
    bool has_source;
};

static void build_unref(struct sim_build *build) {
    if (--build->refs != 0) return;
    json_decref(build->info);
    free(build);
}

void sim_build_forget(struct sim_app *app) {
    struct sim_build *build = app->build;
    if (build == NULL) return;
    app->build = NULL;
    build->app = NULL;
    build_unref(build);
}

static void tell(struct sim *sim, struct sim_app *app, const char *action, json_t *info,
                 json_t *previous) {
    struct sim_webhook what = {.include = "api:build",
                               .action = action,
                               .resource = "build",
                               .data = info,
                               .previous = previous,
                               .actor = json_object_get(info, "user")};
    sim_webhook_tell(sim, app, &what);
}

/* The build has ended. */
static void mark(struct sim *sim, struct sim_build *build, const char *status) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    json_auto_t *previous = json_pack("{s:s, s:O}", "status", "pending", "updated_at",
                                      json_object_get(build->info, "updated_at"));
    json_object_set_new(build->info, "status", json_string(status));
    json_object_set_new(build->info, "updated_at", json_string(at));
    tell(sim, build->app, "update", build->info, previous);
}

static bool is_sha(const char *text) {
    return text != NULL && strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40;
}

/* What was built becomes a slug and a release, which goes on by itself. */
static void build_ship(struct sim *sim, struct sim_build *build) {
    char slug[37], commit[41], at[32];
    const char *version = sim_json_text2(build->info, "source_blob", "version");
    sim_uuid_random(slug);
    sim_random_hex(commit, 40);
    if (is_sha(version)) memcpy(commit, version, sizeof(commit));
    sim_time_iso(sim_now_ms(), at);
    (void)sim_slug_add(sim->heroku, slug, commit, at);
    SIM_FREE char *description = sim_fmt("Deploy %.8s", commit);
    json_t *release = sim_release_add(sim, build->app, build->account, slug, description);
    json_object_set_new(build->info, "slug", json_pack("{s:s}", "id", slug));
    json_object_set_new(build->info, "release",
                        json_pack("{s:s}", "id", sim_json_text(release, "id")));
    mark(sim, build, "succeeded");
    sim_release_phase(sim, build->app, release);
}

static void build_is_over(struct sim *sim, void *arg, bool dropped) {
    struct sim_build *build = arg;
    if (!dropped && build->app != NULL) {
        if (sim_fail_take(build->app, SIM_FAIL_BUILD) || !build->has_source) {
            mark(sim, build, "failed");
        } else {
            build_ship(sim, build);
        }
        sim_build_forget(build->app);
    }
    build_unref(build);
}

static void source_is_there(struct sim *sim, struct sim_build *build, bool good) {
    build->has_source = good;
    int64_t spread_ms = sim->conf.build_max_ms - sim->conf.build_min_ms;
    int64_t ms = sim->conf.build_min_ms + randombytes_uniform((uint32_t)spread_ms + 1);
    sim_timer_add(sim, ms, true, build_is_over, build);
}

static void source_came(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    /* A gzipped tarball; its first two bytes say so. */
    source_is_there(sim, arg,
                    answer->status == 200 && answer->body_len > 2 &&
                        memcmp(answer->body, "\x1f\x8b", 2) == 0);
}

static void build_start(struct sim *sim, struct sim_build *build) {
    struct sim_out_req out = {.method = "GET",
                              .url = sim_json_text2(build->info, "source_blob", "url"),
                              .timeout_ms = SOURCE_WAIT_MS};
    build->refs++;
    /* Only this machine is asked: a link to anywhere else is a source that cannot be had. */
    if (strncmp(out.url, "http://", 7) == 0 && sim_is_local(out.url + 7)) {
        sim_out_start(sim, &out, source_came, build);
    } else {
        source_came(sim, build, &(struct sim_out_answer){.body = ""});
    }
}

static json_t *build_info(const struct sim_app *app, const struct sim_account *account,
                          const json_t *blob) {
    char id[37], at[32], signature[65], slot[25];
    sim_uuid_random(id);
    sim_random_hex(signature, 64);
    sim_random_text(slot, 24);
    sim_time_iso(sim_now_ms(), at);
    SIM_FREE char *stream =
        sim_fmt("https://build-output.example/streams/%.2s/%s.log?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                "&X-Amz-Credential=%s&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                "&X-Amz-Signature=%s",
                id, id, slot, signature);
    json_t *source = json_pack("{s:O, s:O?, s:O?, s:O?}", "url", json_object_get(blob, "url"),
                               "version", json_object_get(blob, "version"), "version_description",
                               json_object_get(blob, "version_description"), "checksum",
                               json_object_get(blob, "checksum"));
    static const char *const kept[] = {"version", "version_description", "checksum"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(kept); i++) {
        if (json_object_get(source, kept[i]) == NULL) {
            json_object_set_new(source, kept[i], json_null());
        }
    }
    return json_pack("{s:{s:s}, s:[{s:s, s:s}], s:s, s:s, s:s, s:o, s:n, s:n, s:s, s:s, s:s, s:o}",
                     "app", "id", app->id, "buildpacks", "name", "heroku/ruby", "url",
                     "https://buildpacks.example/ruby.tgz", "created_at", at, "id", id,
                     "output_stream_url", stream, "source_blob", source, "release", "slug", "stack",
                     "heroku-24", "status", "pending", "updated_at", at, "user",
                     sim_account_ref(account));
}

static struct sim_build *build_new(struct sim *sim, struct sim_app *app,
                                   const struct sim_account *account, const json_t *blob) {
    struct sim_build *build = sim_alloc(sizeof(*build));
    build->refs = 1;
    build->app = app;
    build->account = account;
    build->info = build_info(app, account, blob);
    app->build = build;
    json_array_append(app->builds, build->info);
    sim->heroku->builds++;
    tell(sim, app, "create", build->info, NULL);
    return build;
}

json_t *sim_build_auto(struct sim *sim, struct sim_app *app, const struct sim_account *account,
                       const char *sha) {
    if (app->build != NULL) return NULL;
    SIM_FREE char *url = sim_fmt("https://source.example/%s.tar.gz?X-Amz-Signature=%s", sha, sha);
    json_auto_t *blob = json_pack("{s:s, s:s}", "url", url, "version", sha);
    struct sim_build *build = build_new(sim, app, account, blob);
    build->refs++;
    source_is_there(sim, build, true);
    return build->info;
}

void sim_build_post(struct sim *sim, struct sim_req *req) {
    struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL) return;
    json_auto_t *body = sim_req_json(req);
    const json_t *blob = json_object_get(body, "source_blob");
    sim->heroku->builds_refused++; /* until it is not */
    if (!sim_app_write(req, app)) return;
    if (body == NULL) {
        sim_reply_error(req, 400, "bad_request", "The request body is not valid JSON.");
    } else if (sim_json_text(blob, "url") == NULL) {
        sim_reply_error(req, 422, "invalid_params", "source_blob needs a url.");
    } else if (app->build != NULL) {
        sim_reply_error(req, 409, "conflict", "A build of this app is already running.");
    } else {
        struct sim_build *build = build_new(sim, app, req->account, blob);
        sim->heroku->builds_refused--;
        sim_reply_json(req, 201, json_deep_copy(build->info));
        build_start(sim, build);
    }
}

void sim_build_list(struct sim *sim, struct sim_req *req) {
    static const char *const fields[] = {"id", "created_at", NULL};
    const struct sim_app *app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return;
    sim_list_reply(req, json_copy(app->builds), fields);
}

static json_t *build_of(struct sim *sim, struct sim_req *req, struct sim_app **ret_app) {
    struct sim_app *app = *ret_app = sim_app_of(sim, req);
    if (app == NULL || !sim_app_open(req, app)) return NULL;
    size_t i;
    json_t *build;
    json_array_foreach(app->builds, i, build) {
        if (strcmp(sim_json_text(build, "id"), req->arg[1]) == 0) return build;
    }
    sim_not_found(req, "build");
    return NULL;
}

void sim_build_get(struct sim *sim, struct sim_req *req) {
    struct sim_app *app;
    json_t *build = build_of(sim, req, &app);
    if (build != NULL) sim_reply_json(req, 200, json_incref(build));
}

void sim_build_delete(struct sim *sim, struct sim_req *req) {
    struct sim_app *app;
    json_t *build = build_of(sim, req, &app);
    if (build == NULL || !sim_app_write(req, app)) return;
    if (app->build == NULL || app->build->info != build) {
        sim_reply_error(req, 422, "invalid_params", "This build is not running any more.");
        return;
    }
    mark(sim, app->build, "failed");
    sim_build_forget(app);
    sim_reply_json(req, 200, json_deep_copy(build));
}
