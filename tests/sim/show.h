/* show.h -- what came of a command, printed for people.
 *
 * shapes   messages as GET /sim/view gives them, "only" added to private ones: name of who sees it;
 *          entries as GET /sim/journal gives them. `calm`: only what is the same each time
 * units    none
 * errors   none
 * owner    the caller keeps what it passes
 * source   none
 * limits   none
 */
#ifndef SIM_SHOW_H
#define SIM_SHOW_H

#include "slack.h"

void sim_show_messages(const json_t *messages, const struct sim_team *team, bool calm);
/* Of webhooks as GET /sim/webhooks gives them: lines by platform; a status other than 200 is said. */
void sim_show_told(const json_t *webhooks);
/* Lines "METHOD /path status", by platform, in their order. */
void sim_show_received(const json_t *entries, bool calm);

#endif
