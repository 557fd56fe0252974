/* github_priv.h -- what the github_*.c share; see github.h.
 *
 * shapes   code -> grant -> tokens; a grant is one person's consent
 * units    *_ms on the monotonic clock; 0 = never dies
 * errors   lookups answer the request themselves and return NULL
 * owner    the maps of struct sim_github own their values
 * source   none
 * limits   none
 */
#ifndef SIM_GITHUB_PRIV_H
#define SIM_GITHUB_PRIV_H

#include "github.h"

struct sim_github_code {
    struct sim_person *person;
    int64_t dies_ms;
    char *redirect_uri, *challenge, *scope; /* challenge NULL: no PKCE */
};
struct sim_github_grant {
    struct sim_person *person;
    char *scope;
    char refresh[96]; /* "" for an app whose tokens do not expire */
    bool dead;
};
struct sim_github_token {
    struct sim_github_grant *grant;
    int64_t dies_ms;
    bool dead; /* a refresh ended it */
};

/* github_enter.c */
json_t *sim__github_slice(struct sim_req *req, const json_t *items); /* the page asked for, new */
char *sim__github_url(const struct sim_req *req);                    /* of the request itself */
void sim__github_invalid(struct sim_req *req, const char *resource, const char *field,
                         const char *code, const char *message); /* 422; message may be NULL */
char *sim__node_id(const char *kind, int64_t id);

/* github_oauth.c */
void sim__github_code_free(void *code);

/* github_status.c: another status of a deployment {shown, statuses}; borrowed. */
json_t *sim__deploy_status_add(struct sim *sim, struct sim_repo *repo,
                               const struct sim_person *person, json_t *deploy, const json_t *ask,
                               const char *state);

/* github_world.c */
void sim__repo_finish(struct sim_repo *repo);
struct sim_repo *sim__repo_of(struct sim *sim, struct sim_req *req, enum sim_right need);
struct sim_repo *sim__repo_find(struct sim *sim, const char *full_name);
bool sim__repo_sha(struct sim *sim, const struct sim_repo *repo, const char *ref, char ret_sha[41]);
const char *sim__repo_branch(const struct sim_repo *repo, const char *ref); /* or NULL; borrowed */
void sim__repo_move(struct sim_repo *repo, const char *branch, const char *message,
                    char ret_sha[41]);
json_t *sim__person_json(const struct sim *sim, const struct sim_person *person);
int64_t sim__github_id(struct sim *sim);

json_t *sim__repo_json(const struct sim *sim,
                       const struct sim_repo *repo); /* as webhooks have it */

/* github_event.c: an event to the webhooks of its repository; `payload` is new and gets repository and
 * sender. A ping to one that was made; a delivery once more. */
void sim__github_tell(struct sim *sim, struct sim_repo *repo, const struct sim_person *sender,
                      const char *type, json_t *payload);
void sim__github_ping(struct sim *sim, struct sim_repo *repo, json_t *hook);
void sim__github_again(struct sim *sim, struct sim_repo *repo, json_t *hook, json_t *record);

/* github_check.c: the context of a commit as deployments see them, new; all of them when `wanted`
 * is not an array. *ret_good: each was successful. */
json_t *sim__check_contexts(struct sim *sim, struct sim_repo *repo, const char *sha,
                            const json_t *wanted, bool *ret_good);
/* The status or run that it became; borrowed. */
json_t *sim__check_set(struct sim *sim, struct sim_repo *repo, const char *sha,
                       const json_t *check);

/* github_deploy.c: {shown, statuses}, told; borrowed. */
json_t *sim__deploy_add(struct sim *sim, struct sim_repo *repo, const struct sim_person *person,
                        const json_t *ask, const char *sha);

#endif
