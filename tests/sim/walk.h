/* walk.h -- a person at a browser, for `slipway-sim once`: pages, cookies, forms, the sim's admin API.
 *
 * shapes   one walk holds one cookie jar and the page that was read last
 * units    none
 * errors   negative errno; -EIO no answer, -EPROTO an answer that was not expected; sim_walk_why says which
 * owner    the caller; every call blocks, so never inside the sim's own loop
 * source   HTML forms (WHATWG "Form submission"); libcurl easy
 * limits   10 s a request, 10 redirects, pages of 1 MiB
 */
#ifndef SIM_WALK_H
#define SIM_WALK_H

#include "util.h"

struct sim_walk;

struct sim_walk *sim_walk_create(const char *sim_url);
void sim_walk_destroy(struct sim_walk *walk);
const char *sim_walk_why(const struct sim_walk *walk);
void sim_walk_pause(int pause_ms);

/* The sim's admin API; *ret is new. A status other than 200 is -EPROTO. */
int sim_walk_get(struct sim_walk *walk, const char *path, json_t **ret);
int sim_walk_post(struct sim_walk *walk, const char *path, const json_t *body, json_t **ret);

/* Presses the newest button with this label that `user` sees; -ENOENT where there is none. *ret_ts, of
 * its message, is the caller's, as are those below. */
int sim_walk_press(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                   const char *label, char **ret_ts);
/* Presses the page's own button with this label, as the person of this name; -ENOENT where there is none. */
int sim_walk_happen(struct sim_walk *walk, const char *name, const char *label);
/* The id (*ret) of the operation whose message is the newest; -ENOENT where there is none. */
int sim_walk_op(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                char **ret, char **ret_ts);

/* Signs `user` (one of the team) in at Slack, at Heroku as `account`, and at GitHub, wherever the way leads,
 * by typing login and walking the pages; 0 also where the login was not needed. */
int sim_walk_link(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                  const char *account, int64_t timeout_ms);

#endif
