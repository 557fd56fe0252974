/* heroku_world.c -- the fixtures: accounts, pipelines, apps and their first releases; see heroku.h.
 *
 * Ids of fixtures come from the seed, so that they are the same in every run. Ids made while
 * running are random: a webhook or a promotion must never repeat the id of an earlier run. */
#include "heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILLERS 240 /* pipelines without apps, so that a default page does not hold them all */

struct app_row {
    const char *pipeline, *name, *stage;
    int version; /* of the newest release; five are made */
    bool two_factor;
};
static const struct app_row app_rows[] = {
    {"storefront", "storefront-dev", "development", 57, false},
    {"storefront", "storefront-staging", "staging", 42, false},
    {"storefront", "storefront-production", "production", 17, false},
    {"billing", "billing-staging", "staging", 12, false},
    {"billing", "billing-eu", "production", 9, false},
    {"billing", "billing-us", "production", 8, false},
    {"atlas", "atlas-staging", "staging", 23, true},
    {"atlas", "atlas-production", "production", 20, true},
    {"zebra", "zebra-staging", "staging", 6, false},
    {"zebra", "zebra-production", "production", 5, false},
};
static const char *const emails[] = {"ada@example.com", "bob@example.com", "cyd@example.com"};

/* The first digit places a pipeline in the list: the named ones first, zebra on the last page. */
static void pipeline_id(const struct sim *sim, const char *name, char first, char ret[37]) {
    SIM_FREE char *label = sim_fmt("pipeline %s", name);
    sim_uuid_seeded(sim->conf.seed, label, ret);
    if (first != '\0') ret[0] = first;
    if (first == '\0') ret[0] = "456789abcd"[(unsigned char)ret[0] % 10];
}

static void iso_days_ago(const struct sim *sim, int days, char ret[32]) {
    sim_time_iso(sim->started_ms - (int64_t)days * 86400000, ret);
}

static struct sim_pipeline *pipeline_add(const struct sim *sim, struct sim_heroku *h,
                                         const char *name, char first) {
    char id[37], at[32];
    pipeline_id(sim, name, first, id);
    iso_days_ago(sim, 400, at);
    struct sim_pipeline *p = sim_alloc(sizeof(*p));
    p->info = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "id", id, "name", name,
                        "created_at", at, "updated_at", at, "owner", "id", h->account[0].id, "type",
                        "user", "generation", "id", h->account[0].id, "name", "cedar");
    p->couplings = json_array();
    p->runs = json_array();
    (void)sim_map_put(h->pipeline_by, id, p);
    (void)sim_map_put(h->pipeline_by, name, p);
    json_array_append(h->pipelines, p->info);
    return p;
}

static json_t *app_info(const struct sim *sim, const struct sim_heroku *h, const char *id,
                        const char *name) {
    char at[32], region[37], stack[37];
    iso_days_ago(sim, 300, at);
    sim_uuid_seeded(sim->conf.seed, "region", region);
    sim_uuid_seeded(sim->conf.seed, "stack", stack);
    SIM_FREE char *git = sim_fmt("https://git.heroku.com/%s.git", name);
    SIM_FREE char *web = sim_fmt("https://%s.herokuapp.example/", name);
    json_t *info =
        json_pack("{s:b, s:n, s:n, s:{s:s, s:s}, s:s, s:s, s:s, s:b, s:s}", "acm", 0, "archived_at",
                  "buildpack_provided_description", "build_stack", "id", stack, "name", "heroku-24",
                  "created_at", at, "git_url", git, "id", id, "maintenance", 0, "name", name);
    json_t *rest =
        json_pack("{s:o, s:n, s:n, s:{s:s, s:s}, s:s, s:n, s:n, s:n, s:{s:s, s:s}, "
                  "s:s, s:s}",
                  "owner", sim_account_ref(&h->account[0]), "organization", "team", "region", "id",
                  region, "name", "us", "released_at", at, "repo_size", "slug_size", "space",
                  "stack", "id", stack, "name", "heroku-24", "updated_at", at, "web_url", web);
    json_object_update(info, rest);
    json_decref(rest);
    return info;
}

static void releases_fill(const struct sim *sim, struct sim_heroku *h, struct sim_app *app,
                          const struct app_row *row) {
    for (int version = row->version > 4 ? row->version - 4 : 1; version <= row->version;
         version++) {
        char id[37], slug[37], commit[41], at[32];
        SIM_FREE char *label = sim_fmt("release %s %d", row->name, version);
        sim_uuid_seeded(sim->conf.seed, label, id);
        /* What runs in a later stage was built earlier, hence from another commit. */
        SIM_FREE char *built = sim_fmt("slug %s %d", row->name, version);
        sim_uuid_seeded(sim->conf.seed, built, slug);
        sim_hex_seeded(sim->conf.seed, built, commit, 40);
        iso_days_ago(sim, (row->version - version) * 3 + 1, at);
        json_t *s = sim_slug_add(h, slug, commit, at);
        SIM_FREE char *description = sim_fmt("Deploy %.7s", sim_json_text(s, "commit"));
        json_t *r = sim_release_new(app, id, sim_account_ref(&h->account[version % 2]), slug,
                                    description, at);
        json_object_set_new(r, "version", json_integer(version));
        json_object_set_new(r, "status", json_string("succeeded"));
        json_object_set_new(r, "current", json_boolean(version == row->version));
        json_array_append_new(app->releases, r);
    }
    app->releases_first = json_deep_copy(app->releases);
}

static void app_add(const struct sim *sim, struct sim_heroku *h, const struct app_row *row) {
    struct sim_app *app = sim_alloc(sizeof(*app));
    struct sim_pipeline *p = sim_map_get(h->pipeline_by, row->pipeline);
    char coupling[37], at[32];
    SIM_FREE char *label = sim_fmt("app %s", row->name);
    SIM_FREE char *coupling_label = sim_fmt("coupling %s", row->name);
    sim_uuid_seeded(sim->conf.seed, label, app->id);
    sim_uuid_seeded(sim->conf.seed, coupling_label, coupling);
    iso_days_ago(sim, 300, at);
    app->info = app_info(sim, h, app->id, row->name);
    app->releases = json_array();
    app->stage = row->stage;
    app->pipeline = p;
    app->two_factor = row->two_factor;
    p->app[p->apps++] = app;
    json_array_append_new(p->couplings, json_pack("{s:{s:s}, s:s, s:s, s:{s:s}, s:s, s:s}", "app",
                                                  "id", app->id, "created_at", at, "id", coupling,
                                                  "pipeline", "id", sim_json_text(p->info, "id"),
                                                  "stage", row->stage, "updated_at", at));
    h->app[h->apps++] = app;
    (void)sim_map_put(h->app_by, app->id, app);
    (void)sim_map_put(h->app_by, row->name, app);
    releases_fill(sim, h, app, row);
    app->builds = json_array();
    app->hooks = json_array();
    app->events = json_array();
    app->deliveries = json_array();
    snprintf(app->first_name, sizeof(app->first_name), "%s", row->name);
    sim_dyno_fill(sim, app);
}

struct sim_heroku *sim_heroku_create(const struct sim *sim) {
    struct sim_heroku *h = sim_alloc(sizeof(*h));
    h->pipelines = json_array();
    h->pipeline_by = sim_map_create();
    h->app_by = sim_map_create();
    h->slugs = sim_map_create();
    h->promos = sim_map_create();
    h->repositories_api = true;
    for (size_t i = 0; i < SIM_ARRAY_LEN(emails); i++) {
        h->account[i].email = emails[i];
        h->account[i].tokens = (double)sim->conf.heroku_pool;
        h->account[i].tokens_at_ms = sim_mono_ms();
        sim_uuid_seeded(sim->conf.seed, emails[i], h->account[i].id);
    }
    (void)pipeline_add(sim, h, "storefront", '1');
    (void)pipeline_add(sim, h, "billing", '2');
    (void)pipeline_add(sim, h, "atlas", '3');
    (void)pipeline_add(sim, h, "zebra", 'f');
    for (int i = 1; i <= FILLERS; i++) {
        SIM_FREE char *name = sim_fmt("service-%03d", i);
        (void)pipeline_add(sim, h, name, '\0');
    }
    for (size_t i = 0; i < SIM_ARRAY_LEN(app_rows); i++) {
        app_add(sim, h, &app_rows[i]);
    }
    return h;
}

void sim_heroku_forget(struct sim *sim) {
    struct sim_heroku *h = sim->heroku;
    sim_map_destroy(h->promos, sim_promo_free);
    h->promos = sim_map_create();
    h->promotions = h->promotions_refused = h->releases = 0;
    h->builds = h->builds_refused = h->rollbacks = h->restarts = 0;
    h->repositories_api = true;
    for (size_t i = 0; i < h->apps; i++) {
        struct sim_app *app = h->app[i];
        json_decref(app->releases);
        app->releases = json_deep_copy(app->releases_first);
        memset(app->denied, 0, sizeof(app->denied));
        app->fail = SIM_FAIL_NOT;
        json_array_clear(app->pipeline->runs);
        sim_app_forget(sim, app);
    }
    for (size_t i = 0; i < SIM_ARRAY_LEN(h->account); i++) {
        h->account[i].tokens = (double)sim->conf.heroku_pool;
    }
}

static void slug_free(void *slug) {
    json_decref(slug);
}

void sim_heroku_destroy(struct sim_heroku *h) {
    if (h == NULL) return;
    sim_map_destroy(h->promos, sim_promo_free);
    for (size_t i = 0; i < h->apps; i++) {
        sim_build_forget(h->app[i]);
        json_decref(h->app[i]->builds);
        json_decref(h->app[i]->hooks);
        json_decref(h->app[i]->events);
        json_decref(h->app[i]->deliveries);
        json_decref(h->app[i]->dynos);
        json_decref(h->app[i]->formation);
        json_decref(h->app[i]->info);
        json_decref(h->app[i]->releases);
        json_decref(h->app[i]->releases_first);
        free(h->app[i]);
    }
    size_t i;
    json_t *info;
    json_array_foreach(h->pipelines, i, info) {
        struct sim_pipeline *p = sim_map_take(h->pipeline_by, sim_json_text(info, "id"));
        json_decref(p->info);
        json_decref(p->couplings);
        json_decref(p->runs);
        free(p);
    }
    json_decref(h->pipelines);
    sim_map_destroy(h->pipeline_by, NULL);
    sim_map_destroy(h->app_by, NULL);
    sim_map_destroy(h->slugs, slug_free);
    free(h);
}

json_t *sim_account_ref(const struct sim_account *account) {
    return json_pack("{s:s, s:s}", "email", account->email, "id", account->id);
}

struct sim_account *sim_account_find(struct sim *sim, const char *email) {
    for (size_t i = 0; email != NULL && i < SIM_ARRAY_LEN(sim->heroku->account); i++) {
        if (strcmp(sim->heroku->account[i].email, email) == 0) return &sim->heroku->account[i];
    }
    return NULL;
}

struct sim_app *sim_app_find(struct sim *sim, const char *id_or_name) {
    return id_or_name != NULL ? sim_map_get(sim->heroku->app_by, id_or_name) : NULL;
}
