/* slack_oauth.h -- Slack's pages for installing and signing in, and the tokens that they lead to.
 *
 * shapes   pages /oauth/v2/authorize (buttons team=T0SIM1|T0SIM2|E0SIM, deny) and
 *          /openid/connect/authorize (buttons account=<name of a person>, deny); a cookie of this host
 *          keeps who is signed in at Slack. code -> install -> tokens, or code -> person
 *          bot token xoxb-..., with rotation xoxe.xoxb-1-... that comes with a refresh token xoxe-1-...
 *          POST /sim/rotation {on, expires_in?}: for what is issued from now on
 *          POST /sim/uninstall {team, order?: ["app_uninstalled", "tokens_revoked"], delay_ms?,
 *          event_time?, retry_ms?: [3]}: ends the tokens, then tells the application in that order
 *          POST /sim/expire, /sim/revoke {slack: T0SIM1|T0SIM2|E0SIM}: ends its access tokens, or all
 *          POST /sim/config {grid}: both workspaces belong to the organization E0SIM, as they do once
 *          it was installed there
 * units    *_ms on the monotonic clock, 0: does not run out; expires_in and event_time in seconds
 * errors   pages: 400 with Slack's name; API: 200 with {ok:false, error} in Slack's names
 * owner    the one thread of the sim; a reset keeps codes, tokens and installations
 * source   docs.slack.dev: "Installing with OAuth", "Using token rotation", "Sign in with Slack",
 *          oauth.v2.access, openid.connect.token, openid.connect.userInfo, "The Events API"
 * limits   a code lives 10 minutes and is good for one try; two rotated access tokens live at a time
 */
#ifndef SIM_SLACK_OAUTH_H
#define SIM_SLACK_OAUTH_H

#include "slack.h"

#define SIM_SLACK_APP "A0SLIPWAY"
#define SIM_ORG_ID "E0SIM"
#define SIM_ORG_NAME "Sim Org"

struct sim_install {             /* of the application */
    const char *id, *name, *bot; /* bot: id of its user */
    const struct sim_team *team; /* NULL: the organization, so every workspace */
    const struct sim_user *by;   /* who installed it; NULL: not installed */
    char scope[512];             /* with commas; those of earlier installs stay */
    char lasting[80];            /* its token that does not run out; "": there is none */
};
struct sim_slack_code {
    bool openid;
    struct sim_install *install;
    const struct sim_team *team; /* of the person */
    const struct sim_user *user;
    int64_t dies_ms;
    char *redirect_uri, *scope, *nonce; /* nonce may be NULL */
};
struct sim_slack_token {         /* also a refresh token */
    struct sim_install *install; /* NULL: of a person who signed in */
    const struct sim_team *team;
    const struct sim_user *user;
    char *scope;       /* of a person's */
    const char *ended; /* how Slack refuses it, a literal; NULL: good */
    int64_t dies_ms;
    uint64_t order; /* a later one is newer */
};
struct sim_slack_auth {
    struct sim_install install[3];
    struct sim_map *codes, *tokens, *refreshes;
    bool rotation, grid;
    int64_t expires_s;
    uint64_t order, issued, refreshed, refused, events_delivered, events_given_up;
};
struct sim_caller {
    const struct sim_team *team;   /* NULL: every workspace */
    const char *scope;             /* NULL: a token of the command line, which may do anything */
    struct sim_slack_token *token; /* NULL: of the command line */
};

struct sim_slack_auth *sim_slack_auth_create(void);
void sim_slack_auth_destroy(struct sim_slack_auth *auth);
json_t *sim_slack_auth_state(const struct sim *sim); /* new */
void sim_slack_auth_config(struct sim *sim, const json_t *body);
struct sim_install *sim_install_find(struct sim *sim, const char *id);
/* Whether commands of this workspace come from the organization's installation. */
bool sim_install_org_wide(const struct sim *sim, const struct sim_team *team);
bool sim_scope_has(const char *list, const char *scope); /* commas or spaces between */

/* slack_token.c */
void sim_slack_refuse(struct sim_req *req, const char *error);
/* The caller of an API method; `needed` is a scope or NULL. false: refused and answered. */
bool sim_slack_bearer(struct sim *sim, struct sim_req *req, const char *needed,
                      struct sim_caller *ret);
/* slack_api.c: the arguments of a method, new; NULL when the call was refused and answered. */
json_t *sim_slack_enter(struct sim *sim, struct sim_req *req, const char *scope,
                        struct sim_caller *ret);
void sim_slack_scope_missing(struct sim_req *req, const char *needed, const char *provided);
/* slack_event.c: tells the application, and again where it does not take it; `inner` is new. */
void sim_slack_tell(struct sim *sim, const struct sim_install *install, json_t *inner);
/* Form or JSON, new; NULL: the application did not prove who it is, and was answered. */
json_t *sim_slack_client_args(struct sim *sim, struct sim_req *req);
/* A code that may be used, and is used up by this; NULL: answered. */
struct sim_slack_code *sim_slack_code_take(struct sim *sim, struct sim_req *req, const json_t *args,
                                           bool openid);
void sim_slack_code_free(void *code);
struct sim_slack_token *sim_slack_token_add(struct sim *sim, struct sim_map *map, const char *text,
                                            struct sim_install *install);
/* Ends all tokens with Slack's word `how`; NULL: lets the access tokens run out. How many. */
int sim_slack_tokens_end(struct sim *sim, struct sim_install *install, const char *how);
/* {slack: id} of /sim/revoke and /sim/expire; false: it is about something else. */
bool sim_slack_end(struct sim *sim, struct sim_req *req, bool revoke);

/* Handlers. */
void sim_openid_page(struct sim *sim, struct sim_req *req);
void sim_openid_allow(struct sim *sim, struct sim_req *req);
void sim_openid_token(struct sim *sim, struct sim_req *req);
void sim_openid_user(struct sim *sim, struct sim_req *req);
void sim_install_page(struct sim *sim, struct sim_req *req);
void sim_install_allow(struct sim *sim, struct sim_req *req);
void sim_install_access(struct sim *sim, struct sim_req *req);
void sim_slack_revoke(struct sim *sim, struct sim_req *req);
void sim_slack_rotation(struct sim *sim, struct sim_req *req);
void sim_slack_uninstall(struct sim *sim, struct sim_req *req);

#endif
