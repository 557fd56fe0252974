/* slack.h -- the simulated Slack: workspaces, people, channels, messages and response_urls.
 *
 * shapes   message {ts, user|bot, text, blocks, ephemeral, edited, thread_ts, broadcast?, metadata};
 *          one that was broadcast is in its thread and in the channel
 *          response_url /commands/<team>/<n>/<random>, of a click /actions/...; those minted
 *          elsewhere are taken on first use when the team exists, and write to its first channel
 * units    ts is seconds.microseconds, unique over the run; *_ms
 * errors   Web API: 200 with {ok:false, error} in Slack's names; response_url: 404 when spent,
 *          expired or unknown, 400 for a body Slack would refuse
 * owner    the one thread of the sim
 * source   docs.slack.dev (chat.*, conversations.*, Block Kit, handling user interaction, rate limits)
 * limits   5 posts and 30 minutes per response_url, 1,000,000 of them; 5,000 messages kept per
 *          channel, 50 with --bench-teams; text 40,000 characters (chat.update 4,000); Block Kit limits
 *          in slack_block.c
 *
 * Admin, JSON:
 *   POST /sim/channel  {channel, do, name?, tell?: true, team?}: what its people do to a channel. do is
 *                      archive, unarchive, rename (to name), delete, remove_bot, invite_bot, hide (make it
 *                      private), show, or create (a public one: name, team). What Slack tells the
 *                      application of it goes to <ingress>/slack/events, as channel_... or group_...
 *   GET /sim/rates     {refused, channels: [{channel, team, posts, most_in_1_s, most_in_10_s}]} of those in
 *                      which the bot posted: the most that ever came in such a span (32 are the most that
 *                      are counted)
 *   GET /sim/bench     {teams: [{team, token, bot, user, channels: [id]}]} of --bench-teams
 */
#ifndef SIM_SLACK_H
#define SIM_SLACK_H

#include "out.h"

#define SIM_CHANNEL_KEPT 5000
#define SIM_POSTS_KEPT 32

struct sim_bucket {
    double tokens;
    int64_t at_ms; /* monotonic; 0: full */
};
struct sim_message {
    char ts[32], thread_ts[32];
    const struct sim_user *user; /* the person who wrote it, NULL: the bot */
    const struct sim_user *only; /* ephemeral: the person who sees it, NULL: unknown person */
    bool ephemeral, edited, broadcast;
    char *text;
    json_t *blocks, *metadata, *attachments; /* or NULL */
};
struct sim_channel {
    char id[24], name[84], first_name[84]; /* first_name: as at the start; "": made since */
    const struct sim_team *team;
    const struct sim_user *dm; /* a direct message channel: with whom */
    bool bot_in, is_private, is_archived, is_deleted;
    struct sim_message **ring; /* of `room` places */
    size_t room, first, count;
    struct sim_bucket bucket;        /* the 1 message a second rule */
    int64_t post_ms[SIM_POSTS_KEPT]; /* when the newest came, at n modulo */
    uint64_t posts;
    int most_in_1_s, most_in_10_s;
};
struct sim_user {
    const char *id, *name;
};
struct sim_team {
    const char *id, *domain, *name, *bot_user, *bot_id;
    const struct sim_user *users;    /* ends with a NULL id */
    const struct sim_user *channels; /* as at the start, the same way; NULL: none */
};
struct sim_slack {
    struct sim_channel **channel;
    size_t channels, channel_room, kept; /* kept: messages a channel */
    struct sim_map *channel_by;          /* id -> channel */
    struct sim_map *method_by;           /* "team method" -> struct sim_bucket */
    struct sim_map *urls;                /* path -> struct url */
    struct url *url_first, *url_last;
    uint64_t url_minted, url_refused, url_by_uses[6];
    uint64_t messages, ephemerals, updates, rate_violations, rate_refused;
    uint64_t user_errors; /* commands whose person saw an error from Slack itself */
    int64_t last_ts_us;
};

struct sim_slack *sim_slack_create(const struct sim_conf *conf);
void sim_slack_destroy(struct sim_slack *slack);
void sim_slack_forget(struct sim *sim);
const struct sim_team *sim_team_find(const char *id);
const struct sim_user *sim_user_find(const struct sim_team *team, const char *id);
struct sim_channel *sim_channel_find(struct sim *sim, const struct sim_team *team, const char *id);
struct sim_channel *sim_channel_first(struct sim *sim, const struct sim_team *team);
struct sim_channel *sim_channel_add(struct sim_slack *slack, const struct sim_team *team,
                                    const char *id, const char *name);
struct sim_message *sim_channel_at(const struct sim_channel *channel, size_t i); /* 0: the oldest */
struct sim_channel *sim_channel_dm(struct sim *sim, const struct sim_team *team,
                                   const struct sim_user *user);

struct sim_message *sim_message_add(struct sim *sim, struct sim_channel *channel,
                                    const json_t *args);
struct sim_message *sim_message_find(const struct sim_channel *channel, const char *ts);
void sim_message_set(struct sim_message *message, const json_t *args);
void sim_message_remove(struct sim_channel *channel, struct sim_message *message);
bool sim_message_visible(const struct sim_message *message, const struct sim_user *viewer);
json_t *sim_message_json(const struct sim_channel *channel, const struct sim_message *message);

/* NULL when Slack would take the message, else its error name; *ret_why is new text or NULL. */
const char *sim_block_check(const json_t *args, size_t text_max, char **ret_why);

char *sim_url_mint(struct sim *sim, const struct sim_channel *channel, const struct sim_user *user,
                   const char *trigger_id,
                   const struct sim_message *source); /* new path; source: of a click, else NULL */
/* slack_send.c: args may hold skew_s and secret, for a test that lies. */
void sim_slack_send(struct sim *sim, const char *path, const struct sim_buf *form,
                    const json_t *args, sim_out_fn *fn, void *arg);
/* The event `body`; retry 0: the first try, else `reason` says how the one before went. */
void sim_slack_send_event(struct sim *sim, const char *body, unsigned retry, const char *reason,
                          sim_out_fn *fn, void *arg);
char *sim_trigger_new(void);

/* slack_rate.c: false: answered 429. sim_rate_post is for a message into a channel, which is counted. */
bool sim_rate_method(struct sim *sim, struct sim_req *req, const struct sim_team *team);
bool sim_rate_post(struct sim *sim, struct sim_req *req, struct sim_channel *channel);
void sim_rate_forget(struct sim_slack *slack);
void sim_rate_show(struct sim *sim, struct sim_req *req);

/* slack_bench.c: workspaces beside the two of the demo, as many as --bench-teams says. */
void sim_bench_create(struct sim_slack *slack, const struct sim_conf *conf);
void sim_bench_destroy(void);
const struct sim_team *sim_bench_team(const char *id);     /* or NULL */
const struct sim_team *sim_bench_token(const char *token); /* whose it is, or NULL */
void sim_bench_show(struct sim *sim, struct sim_req *req);

json_t *sim_url_state(struct sim *sim);
void sim_url_forget(struct sim *sim);
void sim_url_free(void *url);

void sim_slack_post(struct sim *sim, struct sim_req *req);
void sim_slack_update(struct sim *sim, struct sim_req *req);
void sim_slack_ephemeral(struct sim *sim, struct sim_req *req);
void sim_slack_open(struct sim *sim, struct sim_req *req);
void sim_slack_info(struct sim *sim, struct sim_req *req);
void sim_slack_join(struct sim *sim, struct sim_req *req);
void sim_slack_list(struct sim *sim, struct sim_req *req);
void sim_slack_auth_test(struct sim *sim, struct sim_req *req);
void sim_slack_unknown(struct sim *sim, struct sim_req *req);
void sim_hooks_post(struct sim *sim, struct sim_req *req);
void sim_slack_click(struct sim *sim, struct sim_req *req);
void sim_slack_view(struct sim *sim, struct sim_req *req);
void sim_channel_do(struct sim *sim, struct sim_req *req);

#endif
