/* executor_github.h -- the part of GitHub that executor asks, in this process, on the test's clock.
 *
 * shapes   one repository, acme/storefront, that the pipeline storefront is connected to; requests and
 *          answers as in executor_heroku.h; a platform of executor_world.h's `more`
 * units    *_ms
 * errors   cmocka fails the test where nobody should ask
 * owner    hub_init (sets w->hub), hub_finish
 * source   GitHub REST API: deployments, statuses, checks, branches, rules
 * limits   none
 */
#ifndef EXECUTOR_GITHUB_H
#define EXECUTOR_GITHUB_H

#include "executor_world.h"

#include <stdlib.h>

#define HUB_REPO "/repos/acme/storefront"
#define SHA_MAIN "4f2a9c10aa0b5a7c1f8e3d2b4c5d6e7f80912345"
#define SHA_CART "2222222222222222222222222222222222222222"

struct hub {
    json_t *refs;                  /* name: sha; of slugs the id of the release */
    json_t *protection, *rules;    /* contexts */
    json_t *states, *runs;         /* as GitHub lists them */
    json_t *deployments;           /* [{id, ..., statuses: [{state, description, ...}]}] */
    json_t *asked;                 /* bodies of all POSTs that had an effect */
    bool unconnected, old;         /* the pipeline; known by the old service only */
    bool closed, readonly;         /* what the GitHub account may */
    bool no_commit;                /* of the source's slug */
    int merges, conflicts, vetoes; /* how the next POSTs of a deployment are refused */
    int64_t green_ms;              /* from then on all runs have passed; 0: never */
    int made, told;                /* deployments, statuses */
};

static inline json_t *hub_error(int status, const char *message) {
    return json_pack("{s:i, s:{s:s}}", "status", status, "json", "message", message);
}

static inline bool hub_is(const char *path, const char *prefix) {
    size_t size = strlen(prefix);
    return !strncmp(path, prefix, size) && (!path[size] || path[size] == '?');
}

/* The page of a list that the query asks for. */
static inline json_t *hub_page(const json_t *list, const char *path) {
    const char *per = strstr(path, "per_page="), *page = strstr(path, "&page=");
    size_t size = per ? (size_t)atoi(per + 9) : 30, n = page ? (size_t)atoi(page + 6) : 1;
    json_t *slice = json_array();
    assert_true(size > 0 && size <= 100 && n > 0);
    for (size_t i = (n - 1) * size; i < n * size && i < json_array_size(list); i++)
        json_array_append(slice, json_array_get(list, i));
    return slice;
}

static inline void hub_state(struct hub *h, const char *context, const char *state) {
    json_array_append_new(h->states, json_pack("{s:s, s:s}", "context", context, "state", state));
}

/* `end` NULL: it runs. */
static inline void hub_run(struct hub *h, json_int_t id, const char *name, json_int_t app,
                           const char *end) {
    json_array_append_new(h->runs, json_pack("{s:I, s:s, s:s, s:s?, s:{s:I}}", "id", id, "name",
                                             name, "status", end ? "completed" : "in_progress",
                                             "conclusion", end, "app", "id", app));
}

static inline void hub_move(struct hub *h, int64_t now_ms) {
    size_t i;
    json_t *run;
    if (!h->green_ms || now_ms < h->green_ms) return;
    json_array_foreach(h->runs, i, run) {
        json_object_set_new(run, "status", json_string("completed"));
        json_object_set_new(run, "conclusion", json_string("success"));
    }
}

static inline json_t *hub_deploy(struct hub *h, const json_t *request) {
    json_t *body = json_object_get(request, "json");
    assert_true(json_is_false(json_object_get(body, "auto_merge")));
    assert_int_equal(strlen(sw_str(body, "ref")), 40);
    assert_true(strlen(sw_str(body, "description")) <= 140);
    const json_t *required = json_object_get(body, "required_contexts");
    assert_true(!required || json_is_array(required));
    if (h->readonly) return hub_error(404, "Not Found");
    if (h->merges > 0 && h->merges--)
        return json_pack("{s:i, s:{s:s}}", "status", 202, "json", "message",
                         "Auto-merged main into hot-fix on deployment.");
    if (h->conflicts > 0 && h->conflicts--)
        return hub_error(409, "Conflict merging main into hot-fix.");
    if (h->vetoes > 0 && h->vetoes--) {
        json_t *http = hub_error(409, "Conflict: Commit status checks failed for main.");
        json_object_set_new(json_object_get(http, "json"), "errors",
                            json_pack("[{s:s, s:s, s:[{s:s, s:s}, {s:s, s:s}]}]", "field",
                                      "required_contexts", "code", "invalid", "contexts", "context",
                                      "ci/test", "state", "success", "context", "lint", "state",
                                      "failure"));
        return http;
    }
    h->made++;
    json_array_append(h->asked, body);
    json_t *one = json_deep_copy(body);
    json_object_set_new(one, "id", json_integer(7000000000 + h->made));
    json_object_set(one, "sha", json_object_get(body, "ref"));
    json_object_set_new(one, "statuses", json_array());
    json_array_insert_new(h->deployments, 0, one);
    return fake_ok(201, json_incref(one));
}

static inline json_t *hub_deployment(const struct hub *h, const char *id) {
    size_t i;
    json_t *one;
    json_array_foreach(h->deployments, i, one) {
        if (sw_int(one, "id") == atoll(id)) return one;
    }
    fail_msg("no deployment %s", id);
    return NULL;
}

static inline json_t *hub_statuses(struct hub *h, const json_t *request, const char *id) {
    json_t *body = json_object_get(request, "json");
    json_t *statuses = json_object_get(hub_deployment(h, id), "statuses");
    if (strcmp(sw_str(request, "method"), "POST") != 0)
        return fake_ok(200, hub_page(statuses, sw_str(request, "path")));
    assert_true(strlen(sw_str(body, "description")) <= 140);
    h->told++;
    json_array_append(h->asked, body);
    json_array_insert(statuses, 0, body);
    return fake_ok(201, json_pack("{s:i}", "id", h->told));
}

static inline json_t *hub_list(const struct hub *h, const char *path) {
    size_t i;
    json_t *one;
    SW_AUTO(sw_json) json_t *list = json_array();
    json_array_foreach(h->deployments, i, one) {
        SW_AUTO(sw_text) char *sha = sw_printf("sha=%s&", sw_str(one, "sha"));
        if (strstr(path, sha)) json_array_append(list, one);
    }
    return fake_ok(200, hub_page(list, path));
}

static inline json_t *hub_contexts(const json_t *names, const char *app_key) {
    json_t *list = json_array(), *name;
    size_t i;
    json_array_foreach((json_t *)names, i, name) {
        json_array_append_new(list, json_pack("{s:O, s:n}", "context", name, app_key));
    }
    return list;
}

static inline json_t *hub_branch(const struct hub *h) {
    return fake_ok(200, json_pack("{s:s, s:{s:b, s:{s:O, s:o}}}", "name", "main", "protection",
                                  "enabled", 1, "required_status_checks", "contexts", h->protection,
                                  "checks", hub_contexts(h->protection, "app_id")));
}

static inline json_t *hub_rules(const struct hub *h, const char *path) {
    SW_AUTO(sw_json)
    json_t *list =
        json_pack("[{s:s}, {s:s, s:{s:b, s:o}}]", "type", "deletion", "type",
                  "required_status_checks", "parameters", "strict_required_status_checks_policy", 0,
                  "required_status_checks", hub_contexts(h->rules, "integration_id"));
    return fake_ok(200, hub_page(list, path));
}

static inline json_t *hub_commit(const struct hub *h, const char *path) {
    const char *rest = path + strlen(HUB_REPO "/commits/");
    size_t ref = strcspn(rest, "?");
    char sha[48] = "";
    SW_AUTO(sw_text) char *name = sw_strndup(rest, ref);
    if (sscanf(rest, "%40[0-9a-f]/", sha) == 1 && strlen(sha) == 40 && rest[40] == '/') {
        if (!strncmp(rest + 40, "/status?", 8))
            return fake_ok(200, json_pack("{s:s, s:o}", "state", "pending", "statuses",
                                          hub_page(h->states, path)));
        assert_int_equal(strncmp(rest + 40, "/check-runs?filter=all&", 23), 0);
        return fake_ok(200,
                       json_pack("{s:I, s:o}", "total_count", (json_int_t)json_array_size(h->runs),
                                 "check_runs", hub_page(h->runs, path)));
    }
    const char *known = sw_str(h->refs, name);
    if (!known[0]) return hub_error(422, "No commit found for SHA");
    return fake_ok(200, json_pack("{s:s}", "sha", known));
}

static inline json_t *hub_github(struct hub *h, const json_t *request) {
    const char *path = sw_str(request, "path"), *method = sw_str(request, "method");
    char id[40];
    int end = 0;
    if (h->closed) return hub_error(404, "Not Found");
    if (hub_is(path, HUB_REPO))
        return fake_ok(200, json_pack("{s:i, s:s, s:s}", "id", 4242, "full_name", "acme/storefront",
                                      "default_branch", "main"));
    if (hub_is(path, HUB_REPO "/branches/main")) return hub_branch(h);
    if (hub_is(path, HUB_REPO "/rules/branches/main")) return hub_rules(h, path);
    if (!strncmp(path, HUB_REPO "/commits/", strlen(HUB_REPO "/commits/")))
        return hub_commit(h, path);
    if (hub_is(path, HUB_REPO "/deployments"))
        return !strcmp(method, "POST") ? hub_deploy(h, request) : hub_list(h, path);
    if (sscanf(path, HUB_REPO "/deployments/%39[0-9]/statuses%n", id, &end) == 1 && end > 0)
        return hub_statuses(h, request, id);
    if (!strncmp(path, HUB_REPO "/tarball/", strlen(HUB_REPO "/tarball/")))
        return json_pack("{s:i, s:{s:s}}", "status", 302, "json", "location", "signed");
    fail_msg("nobody asks GitHub for %s", path);
    return NULL;
}

static inline json_t *hub_heroku(struct hub *h, const json_t *request) {
    const char *path = sw_str(request, "path");
    const char *accept = sw_str(json_object_get(request, "headers"), "Accept");
    char app[80], id[80], pipeline[80];
    int end = 0;
    if (sscanf(path, "/pipelines/%79[^/]/repo%n", pipeline, &end) == 1 && end > 0 && !path[end]) {
        assert_string_equal(accept, "application/vnd.heroku+json; version=3.repositories-api");
        if (h->old || h->unconnected || strcmp(pipeline, "p-storefront") != 0)
            return fake_error(404, "not_found", "Couldn't find that repo.");
        return fake_ok(200, json_pack("{s:s}", "full_name", "acme/storefront"));
    }
    if (sscanf(path, "/apps/%79[^/]/slugs/%79[^/]%n", app, id, &end) != 2) return NULL;
    if (h->no_commit) return fake_ok(200, json_pack("{s:s, s:n}", "id", id, "commit"));
    return fake_ok(200, json_pack("{s:s, s:s}", "id", id, "commit", SHA_MAIN));
}

static inline json_t *hub_route(struct world *w, void *arg, const json_t *request) {
    struct hub *h = arg;
    const char *up = sw_str(request, "up"), *path = sw_str(request, "path");
    hub_move(h, w->now_ms);
    if (!strcmp(up, "github")) return hub_github(h, request);
    if (strcmp(up, "kolkrabbi") != 0) return hub_heroku(h, request);
    if (h->unconnected || strcmp(path, "/pipelines/p-storefront/repository") != 0)
        return fake_error(404, "not_found", "Pipeline is not connected.");
    return fake_ok(200,
                   json_pack("{s:{s:i, s:s}}", "repository", "id", 1, "name", "acme/storefront"));
}

static inline void hub_init(struct hub *h, struct world *w) {
    memset(h, 0, sizeof *h);
    h->refs = json_pack("{s:s, s:s}", "main", SHA_MAIN, "feature/c%C3%A4rt", SHA_CART);
    h->protection = json_array();
    h->rules = json_array();
    h->states = json_array();
    h->runs = json_array();
    h->deployments = json_array();
    h->asked = json_array();
    w->hub = true;
    for (size_t i = 0; i < 4; i++) {
        if (w->more[i].route) continue;
        w->more[i].route = hub_route;
        w->more[i].arg = h;
        return;
    }
    fail_msg("no room for GitHub");
}

static inline void hub_finish(struct hub *h) {
    json_decref(h->refs);
    json_decref(h->protection);
    json_decref(h->rules);
    json_decref(h->states);
    json_decref(h->runs);
    json_decref(h->deployments);
    json_decref(h->asked);
}

/* "pending, success": the states of one deployment, oldest first; the caller frees. */
static inline char *hub_told(const struct hub *h, size_t at) {
    json_t *statuses = json_object_get(json_array_get(h->deployments, at), "statuses");
    char *text = sw_strdup("");
    for (size_t i = json_array_size(statuses); i > 0; i--) {
        char *longer = sw_printf("%s%s%s", text, text[0] ? ", " : "",
                                 sw_str(json_array_get(statuses, i - 1), "state"));
        free(text);
        text = longer;
    }
    return text;
}

#endif
