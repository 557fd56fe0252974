/* state.h -- the whole sim in one struct, and the doors of its parts.
 *
 * shapes   struct sim: one per process, passed everywhere; each part keeps its own state behind
 *          its pointer (slack.h, slack_oauth.h, heroku.h, oauth.h, github.h, sentry.h, journal.h, out.h)
 * units    *_ms, *_s
 * errors   none
 * owner    main.c creates and destroys; everything runs on the one thread of the loop
 * source   none
 * limits   8 bot tokens
 */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include "sim.h"
#include "util.h"

struct sim_conf {
    int port;
    char *host; /* the address it listens on; NULL: 127.0.0.1 */
    bool enforce_rate, quiet;
    bool rate_limits; /* of Slack, by method, too */
    int bench_teams, bench_channels;
    int64_t hook_retry_ms;  /* until the second attempt of a webhook */
    int64_t event_ms;       /* one step of what happens by itself */
    int64_t shuffle_seed;   /* 0: webhooks leave in their order */
    bool github_app_events; /* the App hears of repositories that have no webhook */
    bool repeat_events;     /* each of them twice */
    char *ingress, *actors_file, *signing_secret, *webhook_secret;
    char *client_id, *client_secret, *redirect_uri, *seed;
    char *github_client_id, *github_client_secret, *github_redirect_uri, *github_webhook_secret;
    char *slack_client_id, *slack_client_secret;
    char *github_app;                 /* "oauth" or "expiring" */
    char *bot_token[8], *bot_team[8]; /* bot_team NULL: good for every workspace */
    size_t bot_tokens;
    int64_t promote_min_ms, promote_max_ms;
    int64_t build_min_ms, build_max_ms; /* up to the build's end; its release phase comes on top */
    int64_t dyno_min_ms, dyno_max_ms;   /* from starting to up */
    int64_t expires_in_s;
    int64_t journal_entries;
    int64_t rate_burst;  /* messages a channel takes at once before 1 a second counts */
    int64_t heroku_pool; /* request tokens per account */
    int64_t github_pool, github_window_s; /* requests per person in that time */
    int64_t github_expires_s;             /* life of a ghu_ token */
};

struct sim {
    struct sim_conf conf;
    char base[64]; /* http://HOST:PORT */
    bool stopping;
    struct sim_http *http;
    struct sim_timers *timers;
    struct sim_out *out;
    struct sim_journal *journal;
    struct sim_fault *faults;
    struct sim_slack *slack;
    struct sim_slack_auth *slack_auth;
    struct sim_heroku *heroku;
    struct sim_oauth *oauth;
    struct sim_github *github;
    json_t *sentry;     /* {events, refused}, or NULL */
    json_t *issued;     /* tokens.h */
    json_t *actor_seen; /* last /metrics per pid, for rates */
    uint64_t webhooks_sent, webhooks_failed;
    uint64_t shuffle;         /* state of the generator */
    json_t *told;             /* webhooks, or NULL */
    uint64_t told_n, stories; /* how many were; happen.h: how many go on */
    int64_t started_ms;
};

/* route.c */
struct sim_route {
    const char *method, *pattern;
    enum sim_upstream upstream;
    bool platform; /* Heroku Platform API: token, Accept and rate are checked first */
    void (*handle)(struct sim *sim, struct sim_req *req);
};
const struct sim_route *sim_route_find(struct sim_req *req);
void sim_route_count(const struct sim_route *route);
json_t *sim_route_counts(void);
void sim_route_forget(void);

/* http.c */
int sim_http_create(struct sim *sim);
void sim_http_destroy(struct sim *sim);
int sim_http_fd(const struct sim *sim);
int64_t
sim_http_run(struct sim *sim); /* ms until it wants to run again, -1 = when its fd is ready */

/* admin.c, admin_type.c, admin_actors.c */
bool sim_admin_enter(struct sim_req *req); /* false: refused and answered */
void sim_admin_state(struct sim *sim, struct sim_req *req);
void sim_admin_reset(struct sim *sim, struct sim_req *req);
void sim_admin_config(struct sim *sim, struct sim_req *req);
void sim_admin_release(struct sim *sim, struct sim_req *req);
void sim_admin_unknown(struct sim *sim, struct sim_req *req);
void sim_admin_type(struct sim *sim, struct sim_req *req);
void sim_admin_actors(struct sim *sim, struct sim_req *req);
void sim_admin_kill(struct sim *sim, struct sim_req *req);
void sim_actors_kill(const struct sim *sim, const char *role); /* SIGKILL, all of them */

#endif
