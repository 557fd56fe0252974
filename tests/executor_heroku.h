/* executor_heroku.h -- the part of Heroku that executor asks, in this process, on the test's clock.
 *
 * shapes   requests as in common/actor.h, answers as the runtime's {status, json, next_range?}
 * units    *_ms
 * errors   cmocka fails the test where nobody should ask
 * owner    fake_init, fake_finish
 * source   Heroku Platform API
 * limits   none
 */
#ifndef EXECUTOR_HEROKU_H
#define EXECUTOR_HEROKU_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/value.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct fake {
    int64_t now_ms;           /* set by who asks */
    int64_t begin_ms, end_ms; /* a promotion's release, and its end, after the POST */
    json_t *pipelines, *couplings, *apps, *promotions;
    size_t page; /* pipelines on a page */
    int made;    /* promotions */
    bool needs_code;
};

static inline void fake_time(int64_t at_ms, char *text, size_t room) {
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    strftime(text, room, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
}

/* A release of an app, the newest. */
static inline json_t *fake_release(struct fake *f, const char *app_id, const char *status,
                                   const char *description, const char *email) {
    json_t *app = json_object_get(f->apps, app_id), *list = json_object_get(app, "releases");
    json_int_t version = sw_int(app, "version") + 1;
    char at[40];
    fake_time(f->now_ms, at, sizeof at);
    SW_AUTO(sw_text) char *id = sw_printf("r-%s-%d", app_id, (int)version);
    json_object_set_new(app, "version", json_integer(version));
    json_t *release = json_pack(
        "{s:s, s:I, s:s, s:b, s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "id", id, "version", version,
        "status", status, "current", !strcmp(status, "succeeded"), "description", description,
        "created_at", at, "user", "id", "u-1", "email", email, "slug", "id", id);
    size_t i;
    json_t *old;
    if (!strcmp(status, "succeeded")) {
        json_array_foreach(list, i, old) {
            json_object_set_new(old, "current", json_false());
        }
    }
    json_array_insert_new(list, 0, release);
    return release;
}

static inline void fake_app(struct fake *f, const char *pipeline, const char *stage,
                            const char *name, json_int_t version) {
    SW_AUTO(sw_text) char *id = sw_printf("app-%s", name);
    json_array_append_new(f->couplings,
                          json_pack("{s:s, s:{s:s}, s:s, s:s}", "pipeline", pipeline, "app", "id",
                                    id, "stage", stage, "id", "coupling"));
    json_object_set_new(f->apps, id,
                        json_pack("{s:s, s:s, s:I, s:[]}", "id", id, "name", name, "version",
                                  version - 1, "releases"));
    fake_release(f, id, "succeeded", "Deploy 1234567", "bob@example.com");
}

static inline void fake_pipeline(struct fake *f, const char *name) {
    SW_AUTO(sw_text) char *id = sw_printf("p-%s", name);
    json_array_append_new(f->pipelines,
                          json_pack("{s:s, s:s, s:s}", "id", id, "name", name, "owner", "someone"));
}

/* Heroku moves on: releases begin and end. */
static inline void fake_move(struct fake *f) {
    const char *id;
    json_t *promotion, *target;
    json_object_foreach(f->promotions, id, promotion) {
        size_t i;
        json_int_t made_ms = sw_int(promotion, "made_ms");
        json_array_foreach(json_object_get(promotion, "targets"), i, target) {
            const char *app_id = sw_str(json_object_get(target, "app"), "id");
            const json_t *app = json_object_get(f->apps, app_id);
            json_t *release = json_object_get(target, "made");
            if (strcmp(sw_str(target, "status"), "pending") != 0) continue;
            if (!release && f->now_ms >= made_ms + f->begin_ms) {
                if (json_object_get(app, "fails")) {
                    json_object_set_new(target, "status", json_string("failed"));
                    json_object_set_new(target, "error_message",
                                        json_string("No room for this slug."));
                    continue;
                }
                release = fake_release(f, app_id, "pending", sw_str(promotion, "description"),
                                       "ada@example.com");
                json_object_set(target, "made", release);
                json_object_set_new(target, "release",
                                    json_pack("{s:s}", "id", sw_str(release, "id")));
            }
            if (release && f->now_ms >= made_ms + f->end_ms) {
                bool bad = json_object_get(app, "phase_fails") != NULL;
                json_object_set_new(release, "status", json_string(bad ? "failed" : "succeeded"));
                json_object_set_new(target, "status", json_string("succeeded")); /* says nothing */
            }
        }
    }
}

static inline json_t *fake_ok(int status, json_t *json) {
    return json_pack("{s:i, s:o, s:i}", "status", status, "json", json, "rate_remaining", 4000);
}

static inline json_t *fake_error(int status, const char *id, const char *message) {
    return fake_ok(status, json_pack("{s:s, s:s}", "id", id, "message", message));
}

static inline bool fake_code(const json_t *request) {
    const json_t *code =
        json_object_get(json_object_get(request, "headers"), "Heroku-Two-Factor-Code");
    return !strcmp(sw_str(code, "$box"), "right-code-box");
}

static inline json_t *fake_promote(struct fake *f, const json_t *request) {
    const json_t *body = json_object_get(request, "json"), *one;
    const json_t *source = json_object_get(body, "source");
    const char *app_id = sw_str(json_object_get(source, "app"), "id");
    const char *release = sw_str(json_object_get(source, "release"), "id");
    if (f->needs_code && !fake_code(request))
        return fake_error(403, "two_factor", "Two factor authentication is required.");
    f->made++;
    SW_AUTO(sw_text) char *id = sw_printf("promotion-%d", f->made);
    SW_AUTO(sw_text)
    char *description =
        sw_printf("Promote %s v%d abcdef1", sw_str(json_object_get(f->apps, app_id), "name"), 1);
    if (!release[0]) fail_msg("the source's release is not pinned");
    json_t *targets = json_array();
    size_t i;
    json_array_foreach(json_object_get(body, "targets"), i, one) {
        json_array_append_new(targets, json_pack("{s:{s:s}, s:s, s:n, s:n}", "app", "id",
                                                 sw_str(json_object_get(one, "app"), "id"),
                                                 "status", "pending", "error_message", "release"));
    }
    json_object_set_new(f->promotions, id,
                        json_pack("{s:I, s:o, s:s}", "made_ms", (json_int_t)f->now_ms, "targets",
                                  targets, "description", description));
    return fake_ok(201, json_pack("{s:s, s:s}", "id", id, "status", "pending"));
}

static inline json_t *fake_pages(struct fake *f, const char *range) {
    size_t from = 0, count = json_array_size(f->pipelines);
    if (range[0] && sscanf(range, "id page-%zu..", &from) != 1) fail_msg("Range: %s", range);
    json_t *page = json_array();
    for (size_t i = from; i < count && i < from + f->page; i++)
        json_array_append(page, json_array_get(f->pipelines, i));
    bool more = from + f->page < count;
    json_t *http = fake_ok(more ? 206 : 200, page);
    SW_AUTO(sw_text) char *next = sw_printf("id page-%zu..; max=200", from + f->page);
    if (more) json_object_set_new(http, "next_range", json_string(next));
    return http;
}

static inline json_t *fake_releases(const json_t *app, const char *range) {
    size_t max = 0;
    if (sscanf(range, "version ..; order=desc,max=%zu", &max) != 1) fail_msg("Range: %s", range);
    json_t *list = json_array(), *all = json_object_get(app, "releases");
    for (size_t i = 0; i < max && i < json_array_size(all); i++)
        json_array_append(list, json_array_get(all, i));
    return fake_ok(206, list);
}

static inline json_t *fake_release_of(const json_t *app, const char *id) {
    size_t i;
    json_t *release;
    json_array_foreach(json_object_get(app, "releases"), i, release) {
        if (!strcmp(sw_str(release, "id"), id)) return fake_ok(200, json_incref(release));
    }
    return fake_error(404, "not_found", "Couldn't find that release.");
}

static inline json_t *fake_couplings(struct fake *f, const char *pipeline) {
    json_t *list = json_array(), *coupling;
    size_t i;
    json_array_foreach(f->couplings, i, coupling) {
        if (!strcmp(sw_str(coupling, "pipeline"), pipeline)) json_array_append(list, coupling);
    }
    return fake_ok(200, list);
}

static inline json_t *fake_filter_apps(struct fake *f, const json_t *request) {
    json_t *list = json_array(), *id;
    size_t i;
    json_array_foreach(
        json_object_get(json_object_get(json_object_get(request, "json"), "in"), "id"), i, id) {
        json_t *app = json_object_get(f->apps, json_string_value(id));
        if (app && !json_object_get(app, "hidden")) json_array_append(list, app);
    }
    return fake_ok(200, list);
}

static inline json_t *fake_route(struct fake *f, const json_t *request) {
    const char *method = sw_str(request, "method"), *path = sw_str(request, "path");
    const char *range = sw_str(json_object_get(request, "headers"), "Range");
    char a[80], b[80];
    int end = 0;
    if (!strcmp(path, "/pipelines")) return fake_pages(f, range);
    if (!strcmp(path, "/filters/apps")) return fake_filter_apps(f, request);
    if (!strcmp(path, "/pipeline-promotions") && !strcmp(method, "POST"))
        return fake_promote(f, request);
    if (sscanf(path, "/pipelines/%79[^/]/pipeline-couplings%n", a, &end) == 1 && end > 0)
        return fake_couplings(f, a);
    if (sscanf(path, "/pipeline-promotions/%79[^/]/promotion-targets%n", a, &end) == 1 && end > 0) {
        json_t *promotion = json_object_get(f->promotions, a);
        if (!promotion) return fake_error(404, "not_found", "Couldn't find that promotion.");
        return fake_ok(200, json_incref(json_object_get(promotion, "targets")));
    }
    if (sscanf(path, "/apps/%79[^/]/releases", a) == 1 &&
        json_object_get(json_object_get(f->apps, a), "locked") && !fake_code(request))
        return fake_error(403, "two_factor", "Two factor authentication is required.");
    if (sscanf(path, "/apps/%79[^/]/releases/%79[^/]", a, b) == 2)
        return fake_release_of(json_object_get(f->apps, a), b);
    if (sscanf(path, "/apps/%79[^/]/releases%n", a, &end) == 1 && end > 0)
        return fake_releases(json_object_get(f->apps, a), range);
    fail_msg("nobody asks for %s %s", method, path);
    return NULL;
}

static inline void fake_init(struct fake *f, int64_t now_ms) {
    *f = (struct fake){.now_ms = now_ms, .begin_ms = 3000, .end_ms = 7000, .page = 200};
    f->pipelines = json_array();
    f->couplings = json_array();
    f->apps = json_object();
    f->promotions = json_object();
    fake_pipeline(f, "storefront");
    fake_app(f, "p-storefront", "development", "storefront-dev", 50);
    fake_app(f, "p-storefront", "staging", "storefront-staging", 42);
    fake_app(f, "p-storefront", "production", "storefront-production", 17);
    fake_pipeline(f, "billing");
    fake_app(f, "p-billing", "staging", "billing-staging", 9);
    fake_app(f, "p-billing", "production", "billing-eu", 5);
    fake_app(f, "p-billing", "production", "billing-us", 6);
    fake_pipeline(f, "zebra");
}

static inline void fake_finish(struct fake *f) {
    json_decref(f->pipelines);
    json_decref(f->couplings);
    json_decref(f->apps);
    json_decref(f->promotions);
}

#endif
