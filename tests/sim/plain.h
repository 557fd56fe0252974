/* plain.h -- Slack messages as lines of text, for `slipway-sim once`.
 *
 * shapes   a message as GET /sim/view gives it -> its text: sections, fields, context and buttons in order,
 *          or `text` where it has no blocks
 * units    none
 * errors   none: what is not known is shown as it is
 * owner    the caller; results are new
 * source   docs.slack.dev "Formatting message text", "Block Kit"
 * limits   none
 */
#ifndef SIM_PLAIN_H
#define SIM_PLAIN_H

#include "slack.h"

/* mrkdwn without its marks: *bold* -> bold, <@U0ADA> -> @ada, <url|text> -> text, &amp; -> &. */
char *sim_plain_text(const char *mrkdwn, const struct sim_team *team);
/* Lines, each ended by a newline. */
char *sim_plain_message(const json_t *message, const struct sim_team *team);
/* Replaces what differs between two runs of the same thing: ids by an ellipsis, durations by N. */
char *sim_plain_stable(const char *text);

#endif
