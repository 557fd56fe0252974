/* slack.h -- the simulated Slack: workspaces, people, channels, messages and response_urls.
 *
 * shapes   message {ts, user|bot, text, blocks, ephemeral, edited, thread_ts, metadata}
 *          response_url /commands/<team>/<n>/<random>, of a click /actions/...; those minted
 *          elsewhere are taken on first use when the team exists, and write to its first channel
 * units    ts is seconds.microseconds, unique over the run; *_ms
 * errors   Web API: 200 with {ok:false, error} in Slack's names; response_url: 404 when spent,
 *          expired or unknown, 400 for a body Slack would refuse
 * owner    the one thread of the sim
 * source   docs.slack.dev (chat.*, conversations.*, Block Kit, handling user interaction)
 * limits   5 posts and 30 minutes per response_url, 1,000,000 of them; 5,000 messages kept per
 *          channel; text 40,000 characters (chat.update 4,000); Block Kit limits in slack_block.c
 */
#ifndef SIM_SLACK_H
#define SIM_SLACK_H

#include "out.h"

#define SIM_CHANNEL_KEPT 5000

struct sim_message {
    char ts[32], thread_ts[32];
    const struct sim_user *user; /* the person who wrote it, NULL: the bot */
    const struct sim_user *only; /* ephemeral: the person who sees it, NULL: unknown person */
    bool ephemeral, edited;
    char *text;
    json_t *blocks, *metadata, *attachments; /* or NULL */
};
struct sim_channel {
    char id[24], name[32];
    const struct sim_team *team;
    const struct sim_user *dm; /* a direct message channel: with whom */
    bool bot_in, is_private, is_archived;
    struct sim_message *ring[SIM_CHANNEL_KEPT];
    size_t first, count;
    double tokens; /* of the 1 message a second rule */
    int64_t tokens_at_ms;
};
struct sim_user {
    const char *id, *name;
};
struct sim_team {
    const char *id, *domain, *name, *bot_user, *bot_id;
    const struct sim_user *users; /* ends with a NULL id */
};
struct sim_slack {
    struct sim_channel *channel[64];
    size_t channels;
    struct sim_map *urls; /* path -> struct url */
    struct url *url_first, *url_last;
    uint64_t url_minted, url_refused, url_by_uses[6];
    uint64_t messages, ephemerals, updates, rate_violations;
    uint64_t user_errors; /* commands whose person saw an error from Slack itself */
    int64_t last_ts_us;
};

struct sim_slack *sim_slack_create(void);
void sim_slack_destroy(struct sim_slack *slack);
void sim_slack_forget(struct sim *sim);
const struct sim_team *sim_team_find(const char *id);
const struct sim_user *sim_user_find(const struct sim_team *team, const char *id);
struct sim_channel *sim_channel_find(struct sim *sim, const struct sim_team *team, const char *id);
struct sim_channel *sim_channel_first(struct sim *sim, const struct sim_team *team);
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

json_t *sim_url_state(struct sim *sim);
void sim_url_forget(struct sim *sim);
void sim_url_free(void *url);

void sim_slack_post(struct sim *sim, struct sim_req *req);
void sim_slack_update(struct sim *sim, struct sim_req *req);
void sim_slack_ephemeral(struct sim *sim, struct sim_req *req);
void sim_slack_open(struct sim *sim, struct sim_req *req);
void sim_slack_join(struct sim *sim, struct sim_req *req);
void sim_slack_auth_test(struct sim *sim, struct sim_req *req);
void sim_slack_unknown(struct sim *sim, struct sim_req *req);
void sim_hooks_post(struct sim *sim, struct sim_req *req);
void sim_slack_click(struct sim *sim, struct sim_req *req);
void sim_slack_view(struct sim *sim, struct sim_req *req);

#endif
