/* executor_deploy.h -- builds and dynos of a Heroku in this process, and GitHub's archive link.
 *
 * shapes   as executor_heroku.h; builds {id, app, status, made_ms, ...}, dynos of the app that is deployed to
 * units    *_ms, from one event to the next
 * errors   cmocka fails the test
 * owner    deploy_fake_init, deploy_fake_finish
 * source   Heroku Platform API, GitHub REST API
 * limits   one app
 */
#ifndef EXECUTOR_DEPLOY_H
#define EXECUTOR_DEPLOY_H

#include "executor_world.h"

#define APP "app-storefront-staging"
#define SHA "4f2a9c10aa0b5a7c1f8e3d2b4c5d6e7f80912345"
#define DEPLOY "{\"task\":\"deploy\",\"handler\":\"deploy\",\"pipeline\":\"storefront\"}"
#define STARTED_BY "ada@example.com"

#define ON "/apps/" APP
#define LOST "{\"error\":\"unsure\"}"
#define LATE "{\"error\":\"timeout\"}"
#define SICK "{\"status\":503,\"json\":{}}"
#define AUTH "{\"status\":401,\"json\":{\"id\":\"unauthorized\",\"message\":\"Bad token.\"}}"
#define NO "{\"status\":403,\"json\":{\"id\":\"forbidden\",\"message\":\"You may not.\"}}"
#define GONE "{\"status\":404,\"json\":{\"id\":\"not_found\",\"message\":\"Not there.\"}}"

struct deploy_fake {
    json_t *builds; /* newest first */
    json_t *last;   /* the last request for one */
    int64_t build_ms, release_ms, dyno_ms;
    int64_t late_ms; /* from the end of the build to its release */
    bool build_fails, release_fails, crashes, no_dynos, one_off, quiet; /* quiet: no description */
    bool busy; /* another's build runs: 409 */
    bool needs_code, opened;
    int posts, made, deletes;
    int deployments;
    json_t *statuses; /* of the deployment at GitHub */
};

static inline void deploy_fake_move(struct world *w, struct deploy_fake *f) {
    size_t i;
    json_t *build;
    json_array_foreach(f->builds, i, build) {
        int64_t made_ms = sw_int(build, "made_ms");
        json_t *release = json_object_get(build, "its");
        if (!strcmp(sw_str(build, "status"), "pending") && w->now_ms >= made_ms + f->build_ms)
            json_object_set_new(build, "status",
                                json_string(f->build_fails ? "failed" : "succeeded"));
        if (!release && !strcmp(sw_str(build, "status"), "succeeded") &&
            w->now_ms >= made_ms + f->build_ms + f->late_ms) {
            release = fake_release(&w->heroku, APP, "pending", "Deploy 4f2a9c10", STARTED_BY);
            json_object_set(build, "its", release);
            json_object_set_new(build, "release", json_pack("{s:s}", "id", sw_str(release, "id")));
        }
        if (release && !strcmp(sw_str(release, "status"), "pending") &&
            w->now_ms >= made_ms + f->build_ms + f->release_ms)
            json_object_set_new(release, "status",
                                json_string(f->release_fails ? "failed" : "succeeded"));
    }
}

static inline json_t *deploy_fake_post(struct world *w, struct deploy_fake *f,
                                       const json_t *request) {
    const json_t *blob = json_object_get(json_object_get(request, "json"), "source_blob");
    const json_t *url = json_object_get(blob, "url");
    char at[40];
    f->posts++;
    json_decref(f->last);
    f->last = json_deep_copy(request);
    assert_string_equal(sw_str(url, "$box"), "answer-box");
    assert_string_equal(sw_str(url, "field"), "location");
    if (f->busy) return fake_error(409, "conflict", "A build is running.");
    f->made++;
    fake_time(w->now_ms, at, sizeof at);
    SW_AUTO(sw_text) char *id = sw_printf("build-%d", f->made);
    json_t *source = json_pack("{s:O, s:O}", "version", json_object_get(blob, "version"),
                               "version_description", json_object_get(blob, "version_description"));
    if (f->quiet) json_object_set_new(source, "version_description", json_null());
    json_t *build = json_pack("{s:s, s:s, s:s, s:I, s:o, s:{s:s}, s:n}", "id", id, "status",
                              "pending", "created_at", at, "made_ms", (json_int_t)w->now_ms,
                              "source_blob", source, "user", "email", STARTED_BY, "release");
    json_array_insert_new(f->builds, 0, build);
    return fake_ok(201, json_incref(build));
}

static inline json_t *deploy_fake_build(const struct deploy_fake *f, const char *id) {
    size_t i;
    json_t *build;
    json_array_foreach(f->builds, i, build) {
        if (!strcmp(sw_str(build, "id"), id)) return build;
    }
    return NULL;
}

static inline json_t *deploy_fake_stop(struct deploy_fake *f, json_t *build) {
    f->deletes++;
    if (strcmp(sw_str(build, "status"), "pending") != 0)
        return fake_error(422, "invalid_params", "This build is not running any more.");
    json_object_set_new(build, "status", json_string("failed"));
    return fake_ok(200, json_incref(build));
}

static inline json_t *deploy_fake_dyno(const char *name, const char *state, json_int_t version) {
    SW_AUTO(sw_text) char *type = sw_strndup(name, strcspn(name, "."));
    return json_pack("{s:s, s:s, s:s, s:{s:I}}", "name", name, "type", type, "state", state,
                     "release", "version", version);
}

/* One that is up soon, one that is up later (or crashes), and somebody's console of long ago. */
static inline json_t *deploy_fake_dynos(struct world *w, struct deploy_fake *f) {
    json_t *list = json_array(), *build = json_array_get(f->builds, 0);
    json_int_t version = sw_int(json_object_get(w->heroku.apps, APP), "version");
    int64_t since_ms = w->now_ms - sw_int(build, "made_ms") - f->build_ms - f->release_ms;
    bool second = since_ms >= f->dyno_ms;
    if (f->no_dynos) return fake_ok(200, list);
    if (f->one_off) json_array_append_new(list, deploy_fake_dyno("run.9", "up", 7));
    json_array_append_new(list, deploy_fake_dyno("web.1", "up", version));
    json_array_append_new(list, deploy_fake_dyno("web.2",
                                                 !second      ? "starting"
                                                 : f->crashes ? "crashed"
                                                              : "up",
                                                 second ? version : version - 1));
    return fake_ok(200, list);
}

/* GitHub without any rule about what must be green. */
static inline json_t *deploy_fake_github(struct deploy_fake *f, const json_t *request) {
    const char *method = sw_str(request, "method"), *path = sw_str(request, "path") + 22;
    json_t *body = json_object_get(request, "json");
    bool get = !strcmp(method, "GET");
    if (!*path) return fake_ok(200, json_pack("{s:s}", "default_branch", "main"));
    if (!strncmp(path, "/branches/", 10)) return fake_ok(200, json_pack("{s:b}", "protected", 0));
    if (!strncmp(path, "/rules/branches/", 16)) return fake_ok(200, json_array());
    if (!strncmp(path, "/commits/main", 13)) return fake_ok(200, json_pack("{s:s}", "sha", SHA));
    if (!strcmp(path, "/tarball/" SHA) && get) {
        assert_true(json_is_true(json_object_get(request, "location")));
        assert_true(json_is_true(json_object_get(request, "seal")));
        return json_pack("{s:i, s:{s:s}}", "status", 302, "json", "location", "https://signed");
    }
    if (!strcmp(path, "/deployments") && !get) {
        assert_string_equal(sw_str(body, "ref"), SHA);
        f->deployments++;
        return fake_ok(201, json_pack("{s:i}", "id", 77));
    }
    if (!strcmp(path, "/deployments/77/statuses") && !get) {
        json_array_append(f->statuses, body);
        return fake_ok(201, json_pack("{s:i}", "id", 1));
    }
    if (!strncmp(path, "/deployments/77/statuses", 24))
        return fake_ok(200, json_incref(f->statuses));
    if (!strncmp(path, "/deployments?", 13)) return fake_ok(200, json_array());
    fail_msg("nobody asks GitHub for %s %s", method, path);
    return NULL;
}

static inline json_t *deploy_fake_route(struct world *w, void *arg, const json_t *request) {
    struct deploy_fake *f = arg;
    const char *method = sw_str(request, "method"), *path = sw_str(request, "path");
    const json_t *code =
        json_object_get(json_object_get(request, "headers"), "Heroku-Two-Factor-Code");
    bool get = !strcmp(method, "GET");
    deploy_fake_move(w, f);
    if (!strncmp(path, "/repos/acme/storefront", 22)) return deploy_fake_github(f, request);
    if (!strcmp(path, "/pipelines/p-storefront/repo"))
        return fake_ok(200, json_pack("{s:s}", "full_name", "acme/storefront"));
    if (strncmp(path, "/apps/" APP "/", strlen("/apps/" APP "/")) != 0) return NULL;
    path += strlen("/apps/" APP "/");
    if (!strcmp(path, "pre-authorizations")) {
        assert_string_equal(method, "PUT");
        f->opened = !strcmp(sw_str(code, "$box"), "right-code-box");
        return f->opened ? fake_ok(200, json_object())
                         : fake_error(403, "two_factor", "A second factor is required.");
    }
    if (f->needs_code && !f->opened)
        return fake_error(403, "two_factor", "A second factor is required.");
    if (!strcmp(path, "builds"))
        return get ? fake_ok(200, json_incref(f->builds)) : deploy_fake_post(w, f, request);
    if (!strncmp(path, "builds/", 7)) {
        json_t *build = deploy_fake_build(f, path + 7);
        if (!build) return fake_error(404, "not_found", "Couldn't find that build.");
        return get ? fake_ok(200, json_incref(build)) : deploy_fake_stop(f, build);
    }
    return !strcmp(path, "dynos") ? deploy_fake_dynos(w, f) : NULL;
}

static inline void deploy_fake_init(struct world *w, struct deploy_fake *f) {
    *f = (struct deploy_fake){.build_ms = 20000, .release_ms = 16000, .dyno_ms = 9000};
    f->builds = json_array();
    f->statuses = json_array();
    w->hub = true;
    w->more[0].route = deploy_fake_route;
    w->more[0].arg = f;
}

static inline void deploy_fake_finish(struct deploy_fake *f) {
    json_decref(f->builds);
    json_decref(f->last);
    json_decref(f->statuses);
}

static inline void begin(struct world *w, struct deploy_fake *f) {
    world_init(w);
    deploy_fake_init(w, f);
    w->twice = true;
}

static inline void finish(struct world *w, struct deploy_fake *f) {
    world_finish(w);
    deploy_fake_finish(f);
}

static inline void typed(struct world *w, const char *command) {
    world_granted(w, command, false);
}

static inline void run(struct world *w) {
    typed(w, DEPLOY);
    world_run(w);
    world_is_over(w);
}

static inline const char *outcome(const struct world *w) {
    return sw_str(world_data(w, "deploy"), "state");
}

#endif
