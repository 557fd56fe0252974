/* github.h -- the simulated GitHub: three repositories, their checks, deployments and people.
 *
 * shapes   REST API 2022-11-28 under /github, pages and OAuth of github.com under /github.com.
 *          Repositories acme/storefront (main, hot-fix, feature/cart, tag v1.2), acme/billing
 *          (trunk), acme/atlas (main); a commit is known when a ref ever pointed to it or when a
 *          slug of the pipeline of the same name was built from it, and its checks start green,
 *          but for the branch slow-ci of storefront: its tests end 8 s after somebody first looks.
 *          People ada-l (administers everything), bob-b (writes storefront, reads billing), cyd-c
 *          (sees none). feature/cart is behind main: a deployment with auto_merge makes a merge commit
 * units    ids are numbers and never repeat; *_ms; expires_in and x-ratelimit-reset in seconds
 * errors   {message, documentation_url, status, errors?}: 400 unknown API version, 401 bad
 *          credentials, 403 no User-Agent, no right or no request left, 404 what may not be seen,
 *          409 merge conflict and failed contexts, 422 validation and unknown refs
 * owner    the one thread of the sim; tokens outlive a reset, everything else is as at the start
 * source   GitHub REST API reference (deployments, statuses, checks, rules, rate limits), "Creating
 *          a deployment"; the 409 body as clients print it
 * limits   pages of 30, at most 100; 5000 requests per person and window of one hour; 500 deliveries a
 *          webhook. An event is sent once to each webhook of its repository; it is delivered again, with
 *          the same GUID, only when POST .../deliveries/{id}/attempts asks for it
 *
 * Admin, POST and JSON but for the first; `times` is 1 when absent, `state` of a push is green:
 *   GET /sim/github              {repos: [{full_name, refs, deployments: [.., statuses]}], people}
 *   /sim/github/checks           {repo, ref|sha, context, state, kind?: status|check, suite?, text?}
 *   /sim/github/push             {repo, ref, state?}: a new commit, its checks in that state
 *   /sim/github/auto_merge       {repo, times?}: the next deployments answer 202
 *   /sim/github/conflict         {repo, times?}: the next deployments answer 409, conflict merging
 *   /sim/github/access           {repo, login, right: none|read|write|admin}
 *   /sim/revoke, /sim/expire     {github: login}; revoke with {event: true} also sends the event
 *                                github_app_authorization to <ingress>/webhooks/github, once
 *   /sim/config                  {github_app: oauth|expiring, github_pool, github_window,
 *                                github_expires_in, github_client_id, github_client_secret,
 *                                github_redirect_uri}
 */
#ifndef SIM_GITHUB_H
#define SIM_GITHUB_H

#include "state.h"

enum sim_right { SIM_RIGHT_NONE, SIM_RIGHT_READ, SIM_RIGHT_WRITE, SIM_RIGHT_ADMIN };

struct sim_person {
    const char *login, *name;
    int id;
    int64_t used, window_end_ms; /* requests of this hour */
};
struct sim_repo {
    const char *name, *full_name, *branch; /* branch: the default one */
    int id;
    enum sim_right right[3]; /* by place of the person */
    json_t *refs;            /* {"heads/main": sha, "tags/v1.2": sha} */
    json_t *behind;          /* {branch: true}: lacks commits of the default branch */
    json_t *commits;         /* {sha: message} */
    json_t *checks;          /* {sha: {statuses: [..], runs: [newest first]}}, made when needed */
    json_t *deployments;     /* [{shown: {..}, statuses: [oldest first]}], oldest first */
    json_t *hooks;           /* [{shown: {..}, secret, deliveries: [oldest first]}] */
    json_t *pulls;           /* as GitHub shows them, oldest first */
    int64_t pushed_s;        /* the newest push */
    int64_t auto_merges, conflicts; /* how many of the next deployments */
};
struct sim_github {
    struct sim_person person[3];
    struct sim_repo repo[3];
    struct sim_map *codes, *grants, *tokens, *archives;
    int64_t next_id;
    uint64_t pushes;                         /* how many messages of commits were taken */
    uint64_t deployments, refused, statuses; /* since reset, as /sim/state shows them */
};

struct sim_github *sim_github_create(const struct sim *sim);
void sim_github_destroy(struct sim_github *github);
void sim_github_forget(struct sim *sim);
void sim_github_counts(const struct sim *sim, json_t *state);
void sim_github_config(struct sim *sim, const json_t *body);
struct sim_person *sim_person_find(struct sim *sim, const char *login);

/* github_enter.c: false when the call was refused and answered. */
bool sim_github_enter(struct sim *sim, struct sim_req *req);
void sim_github_error(struct sim_req *req, unsigned status, const char *message);

/* github_token.c */
struct sim_person *sim_github_bearer(const struct sim_req *req);
bool sim_github_end(struct sim *sim, const char *login, bool revoke, int *ret_count);

/* github_event.c: tells the ingress; false where there is none, no secret, or no such person. */
bool sim_github_tell_revoked(struct sim *sim, const char *login);

/* Handlers of the API. */
void sim_github_user(struct sim *sim, struct sim_req *req);
void sim_github_repo(struct sim *sim, struct sim_req *req);
void sim_github_branch(struct sim *sim, struct sim_req *req);
void sim_github_rules(struct sim *sim, struct sim_req *req);
void sim_github_commit(struct sim *sim, struct sim_req *req);
void sim_github_status(struct sim *sim, struct sim_req *req);
void sim_github_runs(struct sim *sim, struct sim_req *req);
void sim_github_tarball(struct sim *sim, struct sim_req *req);
void sim_repo_hook_post(struct sim *sim, struct sim_req *req);
void sim_repo_hook_list(struct sim *sim, struct sim_req *req);
void sim_repo_hook_get(struct sim *sim, struct sim_req *req);
void sim_repo_hook_patch(struct sim *sim, struct sim_req *req);
void sim_repo_hook_delete(struct sim *sim, struct sim_req *req);
void sim_repo_delivery_list(struct sim *sim, struct sim_req *req);
void sim_repo_delivery_get(struct sim *sim, struct sim_req *req);
void sim_repo_delivery_again(struct sim *sim, struct sim_req *req);
void sim_deploy_post(struct sim *sim, struct sim_req *req);
void sim_deploy_list(struct sim *sim, struct sim_req *req);
void sim_deploy_get(struct sim *sim, struct sim_req *req);
void sim_deploy_status_post(struct sim *sim, struct sim_req *req);
void sim_deploy_status_list(struct sim *sim, struct sim_req *req);
void sim_github_grant_end(struct sim *sim, struct sim_req *req);
void sim_github_token_end(struct sim *sim, struct sim_req *req);
void sim_github_unknown(struct sim *sim, struct sim_req *req);

/* Handlers of github.com. */
void sim_github_page(struct sim *sim, struct sim_req *req);
void sim_github_allow(struct sim *sim, struct sim_req *req);
void sim_github_token(struct sim *sim, struct sim_req *req);
void sim_github_download(struct sim *sim, struct sim_req *req);
void sim_github_lost(struct sim *sim, struct sim_req *req);

/* Handlers of the admin. */
void sim_github_show(struct sim *sim, struct sim_req *req);
void sim_github_checks(struct sim *sim, struct sim_req *req);
void sim_github_push(struct sim *sim, struct sim_req *req);
void sim_github_merge(struct sim *sim, struct sim_req *req);
void sim_github_conflict(struct sim *sim, struct sim_req *req);
void sim_github_access(struct sim *sim, struct sim_req *req);

#endif
