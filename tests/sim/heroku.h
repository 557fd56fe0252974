/* heroku.h -- the simulated Heroku: pipelines, apps, releases, promotions and their accounts.
 *
 * shapes   every resource is kept as the JSON it is answered with (Platform API v3)
 * units    *_ms; expires_in in seconds
 * errors   answered as {id, message}: 400 bad_request, 401 unauthorized, 403 two_factor and
 *          forbidden, 404 not_found, 406 not_acceptable, 409 conflict,
 *          416 requested_range_not_satisfiable, 422 invalid_params, 429 rate_limit
 * owner    the one thread of the sim; resources live until the sim ends, what was made while running until reset
 * source   Platform API reference, its JSON schema; "App Webhooks"; RFC 6749 and 7636 for OAuth
 * limits   list pages 200, at most 1000; 4500 request tokens per account, 75 back per minute; 500 events and
 *          deliveries of webhooks an app
 *
 * Webhooks are told of api:release, api:build and dyno (create, update), api:dyno (create) and api:app
 * (update). Gaps between attempts of a hook of level sync: --hook-retry-ms, doubled each time, 12 in all.
 */
#ifndef SIM_HEROKU_H
#define SIM_HEROKU_H

#include "state.h"

#define SIM_STAGE_APPS 8

enum sim_fail { SIM_FAIL_NOT, SIM_FAIL_TARGET, SIM_FAIL_RELEASE, SIM_FAIL_BUILD, SIM_FAIL_DYNOS };

struct sim_build;

struct sim_account {
    const char *email;
    char id[37];
    double tokens;
    int64_t tokens_at_ms;
};
struct sim_app {
    char id[37];
    json_t *info, *releases; /* releases: array, oldest first */
    json_t *releases_first;  /* as at the start, for reset */
    const char *stage;
    struct sim_pipeline *pipeline;
    bool two_factor;
    bool denied[3];          /* per account: may look, may not change anything */
    int64_t open_until[3];   /* per account: a pre-authorization, monotonic ms */
    json_t *builds;          /* array, oldest first */
    struct sim_build *build; /* the one that runs, or NULL */
    json_t *dynos, *formation;
    enum sim_fail fail;
    int64_t fail_times;          /* -1: for ever */
    json_t *hooks;               /* [{shown, secret, authorization?, gone?}] */
    json_t *events, *deliveries; /* of the hooks, oldest first */
    char first_name[64];
};
struct sim_pipeline {
    json_t *info, *couplings;
    json_t *runs; /* of Heroku CI, oldest first */
    struct sim_app *app[SIM_STAGE_APPS];
    size_t apps;
};
struct sim_heroku {
    struct sim_account account[3];
    json_t *pipelines;           /* array of the infos, in order of id */
    struct sim_map *pipeline_by; /* id and name -> struct sim_pipeline */
    struct sim_map *app_by;      /* id and name -> struct sim_app */
    struct sim_app *app[64];
    size_t apps;
    struct sim_map *slugs;  /* id -> json */
    struct sim_map *promos; /* id -> struct promo */
    bool repositories_api;  /* the accounts have the feature behind GET /pipelines/{id}/repo */
    uint64_t promotions, promotions_refused, releases;
    uint64_t builds, builds_refused, rollbacks, restarts;
};

struct sim_heroku *sim_heroku_create(const struct sim *sim);
void sim_heroku_destroy(struct sim_heroku *heroku);
void sim_heroku_forget(struct sim *sim);
struct sim_account *sim_account_find(struct sim *sim, const char *email);
struct sim_app *sim_app_find(struct sim *sim, const char *id_or_name);
json_t *sim_account_ref(const struct sim_account *account); /* {email, id}, new */

/* heroku_enter.c: false when the call was refused and answered. */
bool sim_heroku_enter(struct sim *sim, struct sim_req *req);
void sim_heroku_leave(struct sim_req *req);                         /* ETag, 304 */
bool sim_app_open(struct sim_req *req, const struct sim_app *app);  /* two_factor */
bool sim_app_write(struct sim_req *req, const struct sim_app *app); /* forbidden, two_factor */

/* heroku_read.c */
struct sim_app *sim_app_of(struct sim *sim, struct sim_req *req); /* arg[0]; NULL: answered */
void sim_not_found(struct sim_req *req, const char *what);

/* heroku_list.c: answers `items` (new) by the Range header; fields[0] is the default order. */
void sim_list_reply(struct sim_req *req, json_t *items, const char *const *fields);

/* heroku_release.c */
json_t *sim_slug_add(struct sim_heroku *heroku, const char *id, const char *commit,
                     const char *created_at);
json_t *sim_release_new(const struct sim_app *app, const char *id, json_t *account_ref,
                        const char *slug_id, const char *description, const char *created_at);
json_t *sim_release_add(struct sim *sim, struct sim_app *app, const struct sim_account *account,
                        const char *slug_id, const char *description); /* borrowed */
void sim_release_settle(struct sim *sim, struct sim_app *app, json_t *release, bool good);
/* Runs the release phase of a new release: settles it after a while, as the app's `fail` says. */
void sim_release_phase(struct sim *sim, struct sim_app *app, json_t *release);
json_t *sim_release_current(const struct sim_app *app); /* borrowed, or NULL */
json_t *sim_release_find(const struct sim_app *app, const char *id_or_version); /* borrowed */
bool sim_fail_take(struct sim_app *app, enum sim_fail where);

/* heroku_build.c */
void sim_build_forget(struct sim_app *app);
/* One that Heroku begins itself, with the source in hand; borrowed; NULL: another one runs. */
json_t *sim_build_auto(struct sim *sim, struct sim_app *app, const struct sim_account *account,
                       const char *sha);

/* heroku_dyno.c */
void sim_dyno_fill(const struct sim *sim, struct sim_app *app);
void sim_dyno_restart(struct sim *sim, struct sim_app *app, const char *which); /* NULL: all */
bool sim_dyno_crash(struct sim *sim, struct sim_app *app,
                    const char *name); /* false: it is not up */

/* heroku_write.c: everything that was changed is as it was. */
void sim_app_forget(struct sim *sim, struct sim_app *app);

/* webhook.c: tells the hooks of an app; nothing of it is taken over. */
struct sim_webhook {
    const char *include, *action, *resource;
    json_t *data, *previous, *actor; /* previous may be NULL; actor {email, id} */
};
void sim_webhook_tell(struct sim *sim, struct sim_app *app, const struct sim_webhook *what);

/* Handlers. */
void sim_pipeline_list(struct sim *sim, struct sim_req *req);
void sim_pipeline_get(struct sim *sim, struct sim_req *req);
void sim_pipeline_couplings(struct sim *sim, struct sim_req *req);
void sim_app_get(struct sim *sim, struct sim_req *req);
void sim_app_filter(struct sim *sim, struct sim_req *req);
void sim_app_coupling(struct sim *sim, struct sim_req *req);
void sim_app_releases(struct sim *sim, struct sim_req *req);
void sim_app_release(struct sim *sim, struct sim_req *req);
void sim_app_slug(struct sim *sim, struct sim_req *req);
void sim_account_get(struct sim *sim, struct sim_req *req);
void sim_account_limits(struct sim *sim, struct sim_req *req);
void sim_app_patch(struct sim *sim, struct sim_req *req);
void sim_app_preauth(struct sim *sim, struct sim_req *req);
void sim_release_post(struct sim *sim, struct sim_req *req);
void sim_build_post(struct sim *sim, struct sim_req *req);
void sim_build_list(struct sim *sim, struct sim_req *req);
void sim_build_get(struct sim *sim, struct sim_req *req);
void sim_build_delete(struct sim *sim, struct sim_req *req);
void sim_dyno_list(struct sim *sim, struct sim_req *req);
void sim_dyno_get(struct sim *sim, struct sim_req *req);
void sim_dyno_delete(struct sim *sim, struct sim_req *req);
void sim_dyno_formation(struct sim *sim, struct sim_req *req);
void sim_repo_get(struct sim *sim, struct sim_req *req);
void sim_repo_kolkrabbi(struct sim *sim, struct sim_req *req);
void sim_promo_post(struct sim *sim, struct sim_req *req);
void sim_promo_get(struct sim *sim, struct sim_req *req);
void sim_promo_targets(struct sim *sim, struct sim_req *req);
void sim_hook_post(struct sim *sim, struct sim_req *req);
void sim_hook_list(struct sim *sim, struct sim_req *req);
void sim_hook_get(struct sim *sim, struct sim_req *req);
void sim_hook_patch(struct sim *sim, struct sim_req *req);
void sim_hook_delete(struct sim *sim, struct sim_req *req);
void sim_hook_events(struct sim *sim, struct sim_req *req);
void sim_hook_deliveries(struct sim *sim, struct sim_req *req);
void sim_pipeline_runs(struct sim *sim, struct sim_req *req);
void sim_pipeline_run(struct sim *sim, struct sim_req *req);
void sim_heroku_unknown(struct sim *sim, struct sim_req *req);
void sim_promo_free(void *promo);

#endif
