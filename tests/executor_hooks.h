/* executor_hooks.h -- webhooks of Heroku and GitHub, and what they could not deliver; a platform of executor_world.h's `more`.
 *
 * shapes   heroku {app id: [{id, url, include, level}]}; github [{id, active, events, config}]; deliveries {app id: [as Heroku
 *          lists failed ones, the newest first]}, events {id: as Heroku shows it}, runs: of Heroku CI; attempts: as GitHub
 *          lists deliveries, the newest first; again [delivery id]: what it was asked for; route: bodies of route.v1
 * units    *_ms
 * errors   cmocka fails the test
 * owner    hooks_init, hooks_finish; or tended_begin, tended_end
 * source   Heroku "App Webhooks", GitHub "Repository webhooks"
 * limits   one repository, that of executor_github.h
 */
#ifndef EXECUTOR_HOOKS_H
#define EXECUTOR_HOOKS_H

#include "executor_github.h"

#include <sodium.h>

#define HOOK_URL "https://slipway.example/webhooks/heroku"
#define GH_HOOK_URL "https://slipway.example/webhooks/github"
#define TEND                                                                                       \
    "{\"task\":\"tend\",\"handler\":\"tend\",\"pipeline\":\"p-storefront\",\"what\":\"check\"}"
#define MISSED                                                                                     \
    "{\"task\":\"tend\",\"handler\":\"tend\",\"pipeline\":\"p-storefront\",\"what\":\"missed\","   \
    "\"since_ms\":1763996400000}" /* an hour before the start */

struct hooks {
    json_t *heroku, *github, *deliveries, *events, *runs, *attempts, *again;
    const char *unknown; /* an entity that Heroku does not know */
    size_t page;         /* hooks, and attempts, on a page */
    bool closed;         /* GitHub shows its webhooks to administrators only */
    int made, changed;   /* writes that had an effect */
    int urgent;          /* calls that others wait for */
    json_t *last;        /* the body of the last one */
};

static inline bool hooks_has(const json_t *list, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        if (name && !strcmp(json_string_value(one), name)) return true;
    }
    return false;
}

static inline json_t *hooks_list(const struct hooks *h, const char *app) {
    if (!json_object_get(h->heroku, app)) json_object_set_new(h->heroku, app, json_array());
    return json_object_get(h->heroku, app);
}

static inline void hooks_keep(struct hooks *h, const json_t *request) {
    json_decref(h->last);
    h->last = json_deep_copy(json_object_get(request, "json"));
}

/* Secrets are named, and only there; what is kept is what the platform shows. */
static inline void hooks_check(const json_t *secret, const char *name) {
    assert_string_equal(sw_str(secret, "$conf"), name);
}

static inline json_t *hooks_write(struct hooks *h, const json_t *request, const char *app,
                                  const char *id) {
    const json_t *body = json_object_get(request, "json");
    hooks_check(json_object_get(body, "secret"), "webhook_secret");
    if (hooks_has(json_object_get(body, "include"), h->unknown))
        return fake_error(422, "invalid_params", "Include contains an unknown entity.");
    json_t *list = hooks_list(h, app);
    SW_AUTO(sw_text) char *new = sw_printf("hook-%s-%d", app, h->made);
    json_t *one = json_pack(
        "{s:s, s:O, s:O, s:O}", "id", id ? id : new, "url", json_object_get(body, "url"), "include",
        json_object_get(body, "include"), "level", json_object_get(body, "level"));
    size_t at = 0;
    while (id && at < json_array_size(list) &&
           strcmp(sw_str(json_array_get(list, at), "id"), id) != 0)
        at++;
    hooks_keep(h, request);
    id ? h->changed++ : h->made++;
    id ? json_array_set_new(list, at, one) : json_array_append_new(list, one);
    return fake_ok(id ? 200 : 201, json_incref(one));
}

static inline json_t *hooks_delete(struct hooks *h, const char *app, const char *id) {
    json_t *list = hooks_list(h, app);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(sw_str(json_array_get(list, i), "id"), id) != 0) continue;
        json_array_remove(list, i);
        return fake_ok(200, json_pack("{s:s}", "id", id));
    }
    return fake_error(404, "not_found", "Couldn't find that webhook.");
}

static inline json_t *hooks_page(const struct hooks *h, const json_t *list, const json_t *request) {
    const char *range = sw_str(json_object_get(request, "headers"), "Range");
    size_t from = 0;
    if (strstr(range, "page-") && sscanf(range, "page-%zu", &from) != 1) fail_msg("%s", range);
    json_t *page = json_array();
    for (size_t i = from; i < from + h->page && i < json_array_size(list); i++)
        json_array_append(page, json_array_get(list, i));
    bool more = from + h->page < json_array_size(list);
    json_t *http = fake_ok(more ? 206 : 200, page);
    if (more) json_object_set_new(http, "next_range", json_sprintf("page-%zu", from + h->page));
    return http;
}

static inline json_t *hooks_of_app(struct hooks *h, const json_t *request, const char *app,
                                   const char *rest) {
    const char *method = sw_str(request, "method");
    bool get = !strcmp(method, "GET");
    char id[80];
    if (!strcmp(rest, "webhooks"))
        return get ? hooks_page(h, hooks_list(h, app), request)
                   : hooks_write(h, request, app, NULL);
    if (sscanf(rest, "webhooks/%79s", id) == 1 && !strcmp(method, "DELETE"))
        return hooks_delete(h, app, id);
    if (sscanf(rest, "webhooks/%79s", id) == 1 && !strcmp(method, "PATCH"))
        return hooks_write(h, request, app, id);
    if (!strcmp(rest, "webhook-deliveries?eq%5Bstatus%5D=failed"))
        return hooks_page(h, json_object_get(h->deliveries, app), request);
    if (sscanf(rest, "webhook-events/%79s", id) == 1) {
        json_t *event = json_object_get(h->events, id);
        return event ? fake_ok(200, json_incref(event)) : fake_error(404, "not_found", "Gone.");
    }
    return NULL;
}

static inline json_t *hooks_gh_write(struct hooks *h, const json_t *request, json_int_t id) {
    const json_t *body = json_object_get(request, "json"),
                 *config = json_object_get(body, "config");
    hooks_check(json_object_get(config, "secret"), "github_webhook_secret");
    SW_AUTO(sw_json) json_t *shown = json_copy((json_t *)config);
    json_object_set_new(shown, "secret", json_string("********"));
    json_t *one = json_pack("{s:I, s:s, s:O, s:O, s:O}", "id", id ? id : (json_int_t)900, "name",
                            "web", "active", json_object_get(body, "active"), "events",
                            json_object_get(body, "events"), "config", shown);
    hooks_keep(h, request);
    id ? h->changed++ : h->made++;
    if (id) json_array_clear(h->github);
    json_array_append_new(h->github, one);
    return json_pack("{s:i, s:O}", "status", id ? 200 : 201, "json", one);
}

static inline json_t *hooks_attempts(const struct hooks *h, const char *path) {
    const char *cursor = strstr(path, "&cursor=v1_");
    size_t from = cursor ? (size_t)atoi(cursor + 11) : 0, i;
    json_t *page = json_array();
    for (i = from; i < from + h->page && i < json_array_size(h->attempts); i++)
        json_array_append(page, json_array_get(h->attempts, i));
    json_t *http = fake_ok(200, page);
    if (i < json_array_size(h->attempts))
        json_object_set_new(http, "next_cursor", json_sprintf("v1_%zu", i));
    return http;
}

static inline json_t *hooks_github(struct hooks *h, const json_t *request) {
    const char *path = sw_str(request, "path"), *method = sw_str(request, "method");
    char id[40];
    int end = 0;
    if (strncmp(path, HUB_REPO "/hooks", strlen(HUB_REPO "/hooks")) != 0) return NULL;
    if (h->closed) return hub_error(404, "Not Found");
    if (!strcmp(method, "POST") && !strcmp(path, HUB_REPO "/hooks")) {
        assert_string_equal(sw_str(json_object_get(request, "json"), "name"), "web");
        return hooks_gh_write(h, request, 0);
    }
    if (!strcmp(path, HUB_REPO "/hooks?per_page=100")) return fake_ok(200, json_incref(h->github));
    if (!strcmp(method, "PATCH") && sscanf(path, HUB_REPO "/hooks/%39[0-9]%n", id, &end) == 1)
        return hooks_gh_write(h, request, atoll(id));
    if (!strncmp(path, HUB_REPO "/hooks/900/deliveries?per_page=100", 54))
        return hooks_attempts(h, path);
    if (sscanf(path, HUB_REPO "/hooks/900/deliveries/%39[0-9]/attempts%n", id, &end) == 1 && end) {
        json_array_append_new(h->again, json_string(id));
        return json_pack("{s:i, s:{}}", "status", 202, "json");
    }
    fail_msg("nobody asks GitHub for %s %s", method, path);
    return NULL;
}

static inline json_t *hooks_route(struct world *w, void *arg, const json_t *request) {
    struct hooks *h = arg;
    const char *path = sw_str(request, "path");
    char id[80];
    int end = 0;
    (void)w;
    h->urgent += !json_is_true(json_object_get(request, "bulk"));
    if (!strcmp(sw_str(request, "up"), "github")) return hooks_github(h, request);
    if (sscanf(path, "/apps/%79[^/]/%n", id, &end) == 1 && end)
        return hooks_of_app(h, request, id, path + end);
    if (sscanf(path, "/pipelines/%79[^/]/test-runs%n", id, &end) == 1 && end && !path[end])
        return fake_ok(200, json_incref(h->runs));
    if (sscanf(path, "/pipelines/%79[^/]%n", id, &end) == 1 && !path[end])
        return fake_ok(200, json_pack("{s:s, s:s}", "id", id, "name", id + 2));
    return NULL;
}

static inline void hooks_secret(struct sw_secret *secret) {
    secret->current = sodium_malloc(8);
    strcpy(secret->current, "s3cr3t!");
}

static inline void hooks_previous(struct sw_secret *secret) {
    secret->previous = sodium_malloc(8);
    strcpy(secret->previous, "before!");
}

/* Call it before hub_init, whose platform is asked later. */
static inline void hooks_init(struct hooks *h, struct world *w) {
    memset(h, 0, sizeof *h);
    h->heroku = json_object();
    h->github = json_array();
    h->deliveries = json_object();
    h->events = json_object();
    h->runs = json_array();
    h->attempts = json_array();
    h->again = json_array();
    h->page = 100;
    w->more[0].route = hooks_route;
    w->more[0].arg = h;
    free(w->conf.base_url);
    w->conf.base_url = sw_strdup("https://slipway.example");
    hooks_secret(&w->conf.webhook_secret);
    hooks_secret(&w->conf.github_webhook_secret);
}

static inline void hooks_finish(struct hooks *h) {
    json_decref(h->heroku);
    json_decref(h->github);
    json_decref(h->deliveries);
    json_decref(h->events);
    json_decref(h->runs);
    json_decref(h->attempts);
    json_decref(h->again);
    json_decref(h->last);
}

/* How many there are, of all apps and at GitHub. */
static inline size_t hooks_count(const struct hooks *h) {
    const char *app;
    json_t *list;
    size_t n = json_array_size(h->github);
    json_object_foreach(h->heroku, app, list) {
        n += json_array_size(list);
    }
    return n;
}

/* The nth of notifier's messages of this kind, or NULL. */
static inline const json_t *hooks_told(const struct world *w, const char *kind, size_t n) {
    size_t i;
    json_t *one;
    json_array_foreach(w->sent, i, one) {
        if (strcmp(sw_str(one, "kind"), kind) != 0) continue;
        assert_string_equal(sw_str(one, "actor"), "notifier");
        if (n-- == 0) return json_object_get(one, "body");
    }
    return NULL;
}

/* Done to its end: nobody was told anything, and nothing is left. */
static inline void hooks_do(struct world *w, const char *command) {
    world_granted(w, command, false);
    world_run(w);
    assert_int_equal(json_array_size(w->replies), 0);
    assert_int_equal(json_array_size(w->audit), 0);
    assert_int_equal(json_object_size(w->timers), 0);
    assert_int_equal(world_kept(w), 0);
    assert_true(w->state_max_bytes < 32 * 1024);
}

/* Nothing to be told of the pipeline. */
static inline void hooks_silent(const struct world *w) {
    if (hooks_told(w, SW_KIND_ROUTE, 0))
        fail_msg("told: %s", sw_str(hooks_told(w, SW_KIND_ROUTE, 0), "do"));
}

/* The only route.v1. */
static inline const json_t *hooks_end(const struct world *w, const char *what, const char *reason) {
    const json_t *body = hooks_told(w, SW_KIND_ROUTE, 0);
    if (!body) fail_msg("notifier was told nothing");
    assert_null(hooks_told(w, SW_KIND_ROUTE, 1));
    assert_string_equal(sw_str(body, "do"), what);
    assert_string_equal(sw_str(body, "reason"), reason);
    assert_string_equal(sw_str(body, "op"), CMD);
    assert_string_equal(sw_str(json_object_get(body, "pipeline"), "id"), "p-storefront");
    assert_string_equal(sw_str(json_object_get(body, "who"), "user"), "U0ADA");
    return body;
}

/* All three platforms; without `github` nobody linked it. */
struct tended {
    struct world w;
    struct hooks h;
    struct hub hub;
};

static inline struct tended *tended_begin(bool github) {
    struct tended *b = sw_zalloc(sizeof *b);
    world_init(&b->w);
    hooks_init(&b->h, &b->w);
    if (github) hub_init(&b->hub, &b->w);
    b->w.twice = true;
    return b;
}

static inline void tended_end(struct tended *b) {
    if (b->hub.refs) hub_finish(&b->hub);
    hooks_finish(&b->h);
    world_finish(&b->w);
    free(b);
}

#endif
