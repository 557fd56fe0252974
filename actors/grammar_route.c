/* grammar_route.c -- the commands about which channel hears of what; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define ROUTES "Channels"
/* As Slack names it (<#C1|ops>), or as it was typed where Slack did not know it; one group either way. */
#define MENTIONED "<#" GROUP("channel", "[0-9A-Z]{1,32}+") "(?:\\|[^<>]*+)?+>"
#define TYPED "#" GROUP("channel", "[^\\x00-\\x20<>#|\\x7f]{1,320}+")
#define CHANNEL "(?|" MENTIONED "|" TYPED ")" ENDS
#define BARE "(?<=^route)" /* nothing was named */

static const struct sw__piece route[] = {
    TASK("route"),
    {"the name of a pipeline", "(?:" BARE "(?= *+\\z)|" BLANK GROUP("pipeline", SLUG) ")",
     A_PIPELINE}, /* what is reported; none: list it */
    {"a channel ('to #CHANNEL')", "(?:" BARE "|" BLANK "to" ENDS ")",
     "'to', which the channel must follow"},
    {"the channel after 'to'", "(?:" BARE "|" BLANK CHANNEL ")", "a channel: it looks like #ops"},
    NOTHING_ELSE,
    END,
};

static const struct sw__piece unroute[] = {
    TASK("unroute"),
    {NULL, OPTIONAL(BLANK GROUP("pipeline", SLUG) ENDS OPTIONAL(BLANK "from" BLANK CHANNEL)),
     NULL}, /* what, and where; none: all of this channel, here */
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_route[] = {
    {{"route",
      ROUTES,
      "route [PIPELINE to #CHANNEL]",
      "Tell a channel what happens to a pipeline; understood, but not carried out yet",
      {"route storefront to #ops", "route"}},
     {{"route", "default", "route", route}, RULE_END}},
    {{"unroute",
      ROUTES,
      "unroute [PIPELINE [from #CHANNEL]]",
      "Tell it no longer what happens to a pipeline; understood, but not carried out yet",
      {"unroute storefront from #ops", "unroute storefront", "unroute"}},
     {{"unroute", "default", "route", unroute}, RULE_END}},
    COMMAND_END,
};
