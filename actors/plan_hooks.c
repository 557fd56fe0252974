/* plan_hooks.c -- every app of the pipeline has one webhook of ours, that brings all we know what to do with.
 *
 * Ours is the one that leads to this installation's ingress. A list tells whether it is there, so it is looked for before it
 * is made, and again before a write whose outcome is unknown is repeated. What one app refuses is no reason to leave out the
 * others. See plan_tend.h. */
#include "actors/pages.h"
#include "actors/plan_tend.h"

#include <string.h>

#define PATH "/webhooks/heroku"
#define LEVEL "sync" /* Heroku tries again, for three days */

/* The last are left out first, where Heroku does not know them: it documents the crash of a dyno nowhere. */
static const char *const entities[] = {"api:release", "api:build", "api:app", "api:dyno", "dyno"};
#define ENTITIES (sizeof entities / sizeof *entities)
#define FEWER_MAX 2

static json_t *hook(const struct sw__plan *p) {
    return json_object_get(p->state, "hook");
}

static const char *app_id(const struct sw__plan *p) {
    const json_t *apps = json_object_get(p->state, "apps");
    return sw_str(json_array_get(apps, (size_t)sw_int(hook(p), "at")), "id");
}

static size_t wanted(const struct sw__plan *p) {
    return ENTITIES - (size_t)sw_int(hook(p), "fewer");
}

/* Of the repository's something may be known already: that there is none to be seen. */
static int settle(struct sw__plan *p, const char *how) {
    if (!json_object_get(p->state, "hooks")) sw__set(p->state, "hooks", json_object());
    sw__set(json_object_get(p->state, "hooks"), "heroku", json_string(how));
    json_object_del(p->state, "hook");
    return sw__hooks_github(p);
}

static int done(struct sw__plan *p) {
    json_int_t all = (json_int_t)json_array_size(json_object_get(p->state, "apps"));
    json_int_t bad = sw_int(hook(p), "bad");
    const char *how = bad == 0 ? "ok" : bad < all ? "some" : "none";
    return settle(p, how);
}

static int ask(struct sw__plan *p) {
    json_object_del(p->state, "range");
    if (!app_id(p)[0]) return done(p);
    sw__plan_go(p, "hook_list");
    return 0;
}

int sw__hooks_start(struct sw__plan *p) {
    sw__set(p->state, "hook", json_pack("{s:i, s:i, s:i}", "at", 0, "bad", 0, "fewer", 0));
    if (sw_conf_secret(p->ctx->conf, "webhook_secret")) return ask(p);
    return settle(p, "no_secret");
}

static int next(struct sw__plan *p, bool good) {
    json_t *h = hook(p);
    json_object_del(h, "extra");
    sw__set(h, "at", json_integer(sw_int(h, "at") + 1));
    if (!good) sw__set(h, "bad", json_integer(sw_int(h, "bad") + 1));
    return ask(p);
}

/* ---- the list ---- */

void sw__hook_ask(struct sw__plan *p, const char *id) {
    json_t *request = sw__request("GET", "id url include level", "/apps/%s/webhooks", id);
    sw__request_range(request, sw_str(p->state, "range"));
    sw__plan_call(p, request);
}

static const json_t *nth_of_ours(const struct sw__plan *p, const json_t *list, size_t n) {
    SW_AUTO(sw_text) char *url = sw_public_url(p->ctx->conf, PATH);
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        bool ours = !strcmp(sw_str(one, "url"), url) && sw__id_valid(sw_str(one, "id"));
        if (ours && n-- == 0) return one;
    }
    return NULL;
}

const json_t *sw__hook_ours(const struct sw__plan *p, const json_t *list) {
    return nth_of_ours(p, list, 0);
}

bool sw__hook_brings(const json_t *list, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t k;
        json_t *one;
        bool there = false;
        json_array_foreach((json_t *)list, k, one) {
            there = there || (json_is_string(one) && !strcmp(json_string_value(one), names[i]));
        }
        if (!there) return false;
    }
    return true;
}

void sw__hook_list_call(struct sw__plan *p) {
    sw__hook_ask(p, app_id(p));
}

/* What it brings besides does no harm. */
static bool is_right(const struct sw__plan *p, const json_t *ours) {
    const json_t *include = json_object_get(ours, "include");
    return sw__hook_brings(include, entities, wanted(p)) && !strcmp(sw_str(ours, "level"), LEVEL);
}

bool sw__hook_more(struct sw__plan *p, const struct sw__said *said) {
    bool goes_on = said->next_range[0] && sw__count(p, "pages") < SW__PAGES_MAX;
    if (goes_on) sw__set(p->state, "range", json_string(said->next_range));
    return goes_on;
}

void sw__hook_end(struct sw__plan *p) {
    json_object_del(p->state, "range");
    json_object_del(p->state, "pages");
}

int sw__hook_list_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *ours = sw__hook_ours(p, said->json), *extra = nth_of_ours(p, said->json, 1);
    if (sw__tend_scarce(p, said)) return 0;
    if (extra && strcmp(sw_str(extra, "id"), sw_str(hook(p), "extra")) != 0) {
        sw__set(hook(p), "extra", json_string(sw_str(extra, "id")));
        sw__plan_go(p, "hook_extra");
        return 0;
    }
    if (!ours && sw__hook_more(p, said)) {
        sw__plan_go(p, "hook_list");
        return 0;
    }
    sw__hook_end(p);
    /* Nobody shows which secret it has: while ours is being changed, each is given the new one. */
    bool rotates = p->ctx->conf->webhook_secret.previous != NULL;
    if (ours && is_right(p, ours) && !rotates) return next(p, true);
    if (ours) sw__set(hook(p), "id", json_string(sw_str(ours, "id")));
    sw__plan_go(p, ours ? "hook_patch" : "hook_post");
    return 0;
}

/* Who looks after it while nobody waits draws no conclusion from an outage. */
void sw__hook_trouble(struct sw__plan *p, const struct sw__said *said) {
    sw__hook_end(p);
    if (sw__plan_kind(p)->silent && said->kind == SW__SAID_AWAY)
        sw__plan_trouble(p, said);
    else
        next(p, false);
}

/* ---- one too many: two people who routed at the same moment, say ---- */

void sw__hook_extra_call(struct sw__plan *p) {
    json_t *request =
        sw__request("DELETE", "id", "/apps/%s/webhooks/%s", app_id(p), sw_str(hook(p), "extra"));
    sw__set(request, "repeat", json_string("check"));
    sw__plan_call(p, request);
}

int sw__hook_extra_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    return ask(p);
}

/* Repeated events do no harm: it is left for the next time. */
void sw__hook_extra_trouble(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    ask(p);
}

/* ---- the write ---- */

static void write(struct sw__plan *p, json_t *request) {
    json_t *include = json_array();
    for (size_t i = 0; i < wanted(p); i++)
        json_array_append_new(include, json_string(entities[i]));
    SW_AUTO(sw_text) char *url = sw_public_url(p->ctx->conf, PATH);
    sw__set(request, "json",
            json_pack("{s:o, s:s, s:s, s:{s:s}}", "include", include, "level", LEVEL, "url", url,
                      "secret", "$conf", "webhook_secret"));
    sw__plan_write(p, request, false);
}

void sw__hook_post_call(struct sw__plan *p) {
    write(p, sw__request("POST", "id", "/apps/%s/webhooks", app_id(p)));
}

void sw__hook_patch_call(struct sw__plan *p) {
    write(p, sw__request("PATCH", "id", "/apps/%s/webhooks/%s", app_id(p), sw_str(hook(p), "id")));
}

int sw__hook_write_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    return next(p, true);
}

/* One of the entities is none of Heroku's: fewer are better than no webhook. */
void sw__hook_write_trouble(struct sw__plan *p, const struct sw__said *said) {
    json_int_t fewer = sw_int(hook(p), "fewer");
    if (said->kind != SW__SAID_NO || said->status != 422 || fewer >= FEWER_MAX) {
        sw__hook_trouble(p, said);
        return;
    }
    sw__set(hook(p), "fewer", json_integer(fewer + 1));
    ask(p); /* perhaps what is there is all that can be had */
}

enum sw__seen sw__hook_seen(struct sw__plan *p, const struct sw__said *said) {
    const json_t *ours = sw__hook_ours(p, said->json);
    if (!ours && sw__hook_more(p, said)) return SW__SEEN_MORE;
    sw__hook_end(p);
    return ours && is_right(p, ours) ? SW__SEEN_YES : SW__SEEN_NOT;
}

int sw__hook_found(struct sw__plan *p) {
    return next(p, true);
}

void sw__hook_lost(struct sw__plan *p, const char *why, const char *reason) {
    (void)why;
    (void)reason;
    json_object_del(p->state, "write");
    sw__hook_end(p);
    next(p, false);
}
