/* executor_ops.h -- the part of Heroku that rollback, restart, maintenance and ps ask; see executor_heroku.h.
 *
 * shapes   an app of executor_heroku.h + {dynos [..], formation [..], maintenance}; storefront-production
 *          runs v17 and has v12 (expired), v13 (failed), v14, v15 (not eligible), v16
 * units    *_ms
 * errors   cmocka fails the test
 * owner    ops_init after world_init; nothing to free
 * source   Heroku Platform API
 * limits   none
 */
#ifndef EXECUTOR_OPS_H
#define EXECUTOR_OPS_H

#include "executor_world.h"

#define SHOP "app-storefront-production"
#define COMMAND(task, more)                                                                        \
    "{\"task\":\"" task "\",\"handler\":\"" task "\",\"pipeline\":\"storefront\"" more "}"
#define IN_PRODUCTION ",\"environment\":\"production\""
#define ROLLBACK COMMAND("rollback", "")
#define RESTART COMMAND("restart", IN_PRODUCTION)
#define MAINTENANCE COMMAND("maintenance", IN_PRODUCTION ",\"state\":\"on\"")
#define PS COMMAND("ps", IN_PRODUCTION)

struct ops {
    int64_t boot_ms, phase_ms; /* until dynos are up, and a release has ended */
    int64_t lag_ms;            /* until a dyno is restarted, and each after it */
    int effects;               /* what was changed */
    size_t page;               /* releases on a page */
    int dynos;                 /* made so far */
    const char *stuck, *crash; /* names of dynos that never come up, or crash */
    bool phase_fails;
};

static inline json_t *ops_app(const struct world *w) {
    return json_object_get(w->heroku.apps, SHOP);
}

static inline void ops_start(struct ops *o, json_t *dyno, int64_t now_ms, const char *state) {
    char at[40];
    fake_time(now_ms, at, sizeof at);
    json_object_set_new(dyno, "id", json_sprintf("d-%d", ++o->dynos));
    json_object_set_new(dyno, "state", json_string(state));
    json_object_set_new(dyno, "created_at", json_string(at));
    json_object_set_new(dyno, "updated_at", json_string(at));
    json_object_set_new(dyno, "start_ms", json_integer(now_ms));
}

static inline void ops_dyno(struct world *w, struct ops *o, const char *type, int n) {
    json_t *dyno =
        json_pack("{s:s, s:o, s:s, s:{s:i}}", "type", type, "name", json_sprintf("%s.%d", type, n),
                  "size", "Basic", "release", "version", 17);
    ops_start(o, dyno, w->heroku.now_ms, "up");
    json_array_append_new(json_object_get(ops_app(w), "dynos"), dyno);
}

static inline json_t *ops_move(struct world *w, struct ops *o) {
    json_t *app = ops_app(w), *one;
    size_t i;
    json_array_foreach(json_object_get(app, "dynos"), i, one) {
        const char *name = sw_str(one, "name");
        json_int_t restart_ms = sw_int(one, "restart_ms");
        if (restart_ms > 0 && w->now_ms >= restart_ms) {
            json_object_del(one, "restart_ms");
            ops_start(o, one, restart_ms, "starting");
        }
        bool late = w->now_ms < sw_int(one, "start_ms") + o->boot_ms;
        if (strcmp(sw_str(one, "state"), "starting") != 0 || late) continue;
        if (o->stuck && !strcmp(name, o->stuck)) continue;
        bool bad = o->crash && !strcmp(name, o->crash);
        json_object_set_new(one, "state", json_string(bad ? "crashed" : "up"));
    }
    json_array_foreach(json_object_get(app, "releases"), i, one) {
        bool late = w->now_ms < sw_int(one, "made_ms") + o->phase_ms;
        if (strcmp(sw_str(one, "status"), "pending") != 0 || late) continue;
        json_object_set_new(one, "status", json_string(o->phase_fails ? "failed" : "succeeded"));
    }
    return app;
}

static inline json_t *ops_releases(const struct ops *o, const json_t *app, const char *range) {
    size_t max = 0;
    if (sscanf(range, "version ..; order=desc,max=%zu", &max) != 1) fail_msg("Range: %s", range);
    json_t *list = json_array(), *all = json_object_get(app, "releases");
    if (max > o->page) max = o->page;
    for (size_t i = 0; i < max && i < json_array_size(all); i++)
        json_array_append(list, json_array_get(all, i));
    json_t *http = fake_ok(206, list);
    if (max < json_array_size(all))
        json_object_set_new(http, "next_range", json_string("version ..1; order=desc,max=50"));
    return http;
}

static inline json_t *ops_release_at(const json_t *app, int version) {
    size_t i;
    json_t *release;
    json_array_foreach(json_object_get(app, "releases"), i, release) {
        if (sw_int(release, "version") == version) return release;
    }
    return NULL;
}

static inline json_t *ops_rollback(struct world *w, const json_t *request) {
    const char *id = sw_str(json_object_get(request, "json"), "release");
    int version = 0;
    if (sscanf(id, "r-" SHOP "-%d", &version) != 1) fail_msg("release: %s", id);
    SW_AUTO(sw_text) char *description = sw_printf("Rollback to v%d", version);
    json_t *made = fake_release(&w->heroku, SHOP, "pending", description, "ada@example.com");
    json_object_set_new(made, "made_ms", json_integer(w->now_ms));
    return fake_ok(201, json_incref(made));
}

static inline json_t *ops_restart(struct world *w, struct ops *o, const json_t *app,
                                  const char *what) {
    size_t i, n = 0;
    json_t *dyno;
    json_array_foreach(json_object_get(app, "dynos"), i, dyno) {
        if (what && strcmp(what, sw_str(dyno, "name")) && strcmp(what, sw_str(dyno, "type")))
            continue;
        n++;
        if (strcmp(sw_str(dyno, "type"), "run"))
            json_object_set_new(dyno, "restart_ms",
                                json_integer(w->now_ms + o->lag_ms * (json_int_t)n));
    }
    ops_move(w, o);
    return n ? fake_ok(202, json_object()) : fake_error(404, "not_found", "No such dyno.");
}

static inline json_t *ops_write(struct world *w, struct ops *o, const json_t *request) {
    const char *method = sw_str(request, "method"), *path = sw_str(request, "path");
    char what[80] = "";
    json_t *http = NULL, *app = ops_app(w);
    if (w->heroku.needs_code && !fake_code(request))
        return fake_error(403, "two_factor", "Two factor authentication is required.");
    if (!strcmp(method, "POST") && !strcmp(path, "/apps/" SHOP "/releases")) {
        http = ops_rollback(w, request);
    } else if (!strcmp(method, "PATCH") && !strcmp(path, "/apps/" SHOP)) {
        json_object_set(app, "maintenance",
                        json_object_get(json_object_get(request, "json"), "maintenance"));
        http = fake_ok(200, json_incref(app));
    } else if (!strcmp(method, "DELETE")) {
        if (sscanf(path, "/apps/" SHOP "/formations/%79s", what) != 1)
            (void)sscanf(path, "/apps/" SHOP "/dynos/%79s", what);
        http = ops_restart(w, o, app, what[0] ? what : NULL);
    } else {
        fail_msg("nobody asks for %s %s", method, path);
    }
    o->effects += sw_int(http, "status") < 300;
    return http;
}

static inline json_t *ops_route(struct world *w, void *arg, const json_t *request) {
    struct ops *o = arg;
    const char *method = sw_str(request, "method"), *path = sw_str(request, "path");
    json_t *app = ops_move(w, o);
    int version = 0;
    if (strncmp(path, "/apps/" SHOP, strlen("/apps/" SHOP)) != 0) return NULL;
    if (strcmp(method, "GET") != 0) return ops_write(w, o, request);
    if (!strcmp(path, "/apps/" SHOP)) return fake_ok(200, json_incref(app));
    if (!strcmp(path, "/apps/" SHOP "/dynos"))
        return fake_ok(200, json_deep_copy(json_object_get(app, "dynos")));
    if (!strcmp(path, "/apps/" SHOP "/formation"))
        return fake_ok(200, json_incref(json_object_get(app, "formation")));
    if (!strcmp(path, "/apps/" SHOP "/releases"))
        return ops_releases(o, app, sw_str(json_object_get(request, "headers"), "Range"));
    if (sscanf(path, "/apps/" SHOP "/releases/%d", &version) != 1) return NULL;
    json_t *release = ops_release_at(app, version);
    return release ? fake_ok(200, json_incref(release))
                   : fake_error(404, "not_found", "Couldn't find that release.");
}

static inline void ops_init(struct world *w, struct ops *o) {
    static const struct {
        const char *status;
        bool eligible;
    } rows[] = {{"expired", false},   {"failed", false},   {"succeeded", true},
                {"succeeded", false}, {"succeeded", true}, {"succeeded", true}};
    json_t *app = ops_app(w);
    *o = (struct ops){.boot_ms = 5000, .phase_ms = 4000, .page = 50};
    json_object_set_new(app, "releases", json_array());
    json_object_set_new(app, "version", json_integer(11));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *r = fake_release(&w->heroku, SHOP, rows[i].status, "Deploy", "bob@example.com");
        json_object_set_new(r, "eligible_for_rollback", json_boolean(rows[i].eligible));
    }
    json_object_set_new(app, "maintenance", json_false());
    json_object_set_new(app, "dynos", json_array());
    json_object_set_new(app, "formation",
                        json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}, {s:s, s:s, s:i}]", "type",
                                  "web", "size", "Basic", "quantity", 2, "type", "worker", "size",
                                  "Basic", "quantity", 1, "type", "clock", "size", "Basic",
                                  "quantity", 0));
    ops_dyno(w, o, "web", 1);
    ops_dyno(w, o, "web", 2);
    ops_dyno(w, o, "worker", 1);
    ops_dyno(w, o, "run", 4711);
    w->more[0].route = ops_route;
    w->more[0].arg = o;
}

/* How often something was asked to change. */
static inline int ops_writes(const struct world *w) {
    int n = 0;
    size_t i;
    json_t *call;
    json_array_foreach(w->calls, i, call) {
        const char *text = json_string_value(call);
        n += strncmp(text, "GET ", 4) != 0 && strcmp(text, "POST /filters/apps") != 0;
    }
    return n;
}

#endif
