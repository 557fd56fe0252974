/* templates.h -- what a person reads: a template and its data give one Slack message.
 *
 * shapes   rendered: {"text": mrkdwn, the fallback, "blocks": [...]}; data is what `reply.v1` holds
 * units    *_ms since 1970 UTC
 * errors   none: an id that is not in the table gives a general text with the command's id
 * owner    the caller owns what is returned; all input is borrowed
 * source   PROTO.md reply.v1; tests/golden/ has one example of each row
 * limits   50 blocks, texts of 3000 characters; lists are cut and say how many more there are
 */
#ifndef SW_TEMPLATES_H
#define SW_TEMPLATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct sw_template_in {
    const char *id;
    const json_t *data;
    const char *cmd;       /* the command id, shown where something went wrong */
    const char *asker;     /* who is named as the asker where all see it; NULL: not said */
    const char *link;      /* sealed box {url} of the login card; NULL: none */
    const char *dashboard; /* base URL for links to Heroku; NULL: none */
};

json_t *sw_template_render(const struct sw_template_in *in);
/* True where the parser says it, so that nothing was posted before it for this command. */
bool sw_template_only(const char *id);
/* Row number `i` of the table: its id, and the variant of an id that has several; NULL beyond. */
const char *sw_template_row(size_t i, const char **ret_when);

#endif
