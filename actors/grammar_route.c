/* grammar_route.c -- the commands about which channel hears of what; see grammar_priv.h.
 *
 * A pipeline may be called `test` or `resume`: what follows decides. `route test` shows the routes of a pipeline of
 * that name, `route test to #ops` makes one; with another word behind it, it is the command. */
#include "actors/grammar_pieces.h"

#define ROUTES "Channels"
/* As Slack names it (<#C1|ops>), or as it was typed where Slack did not know it; one group either way. An id that
 * was typed is none: whom Slack does not offer a private channel shall not name it. */
#define MENTIONED "<#" GROUP("channel", "[A-Z][0-9A-Z]{0,31}+") "(?:\\|[^<>]*+)?+>"
#define TYPED "#(?![A-Z][0-9A-Z]*+" ENDS ")" GROUP("channel", "[^\\x00-\\x20<>#|\\x7f]{1,320}+")
#define CHANNEL "(?|" MENTIONED "|" TYPED ")" ENDS
#define TO(word) " ++" word " ++(?!to" ENDS ")[^ ]" /* it is the command, not a pipeline */

#define ROUTE_ID "r[0-9a-z]{3,15}+"
#define A_ROUTE "the id of a route: it looks like r7k2, and 'route' shows it"
#define A_CHANNEL "a channel: it looks like #ops"

static const struct sw__piece list[] = {
    TASK("route(?= *+(?:[^ ]++ *+)?+\\z)"),
    {"the name of a pipeline", "(?:(?<=^route)(?= *+\\z)|" BLANK GROUP("pipeline", SLUG) ENDS ")",
     A_PIPELINE},
    NOTHING_ELSE,
    END,
};

static const struct sw__piece test[] = {
    TASK("route(?=" TO("test") ")"),
    {NULL, BLANK "test", NULL},
    {"the id of a route", BLANK GROUP("id", ROUTE_ID) ENDS, A_ROUTE},
    NOTHING_ELSE,
    END,
};

/* The pipeline is named, too: executor knows pipelines, and notifier knows ids. */
static const struct sw__piece resume[] = {
    TASK("route(?=" TO("resume") ")"),
    {NULL, BLANK "resume", NULL},
    {"the id of a route", BLANK GROUP("id", ROUTE_ID) ENDS, A_ROUTE},
    {"the name of its pipeline", BLANK GROUP("pipeline", SLUG) ENDS, A_PIPELINE},
    NOTHING_ELSE,
    END,
};

static const struct sw__piece route[] = {
    TASK("route(?!" TO("(?:test|resume)") ")"),
    PIPELINE, /* what is reported */
    {"a channel ('to #CHANNEL')", BLANK "to" ENDS, "'to', which the channel must follow"},
    {"the channel after 'to'", BLANK CHANNEL, A_CHANNEL},
    {NULL, OPTIONAL(BLANK GROUP("filters", "[^ ][\\x00-\\xff]*+")), NULL}, /* grammar_filter.c */
    NOTHING_ELSE,
    END,
};

static const struct sw__piece unroute[] = {
    TASK("unroute"),
    FORCED, /* all of this channel, without being asked once more */
    {NULL, OPTIONAL(BLANK GROUP("pipeline", SLUG) ENDS OPTIONAL(BLANK "from" BLANK CHANNEL)),
     NULL}, /* what (the id of a route looks like a name), and where: here; none: all of it */
    NOTHING_ELSE,
    END,
};

static const struct sw__piece why[] = {
    TASK("why"),
    {"the id of an event", BLANK GROUP("id", "[-_.0-9A-Za-z]{1,64}+") ENDS,
     "the id of an event, or the first 7 letters of a commit"},
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_route[] = {
    {{"route",
      ROUTES,
      "route [PIPELINE [to #CHANNEL [only EVENTS] [in STAGES] [when STATES] [branch PATTERN]]]",
      "Tell a channel what happens to a pipeline; without a channel, show which channels hear of "
      "it",
      {"route storefront to #ops",
       "route storefront to #ops only deploys, crashes in staging and production when failed",
       "route storefront", "route"}},
     {{"route", "default", "route_list", list}, {"route", "default", "route", route}, RULE_END}},
    {{"route test",
      ROUTES,
      "route test ID",
      "Post a message as the route would, to see that it arrives",
      {"route test r7k2"}},
     {{"route", "default", "route_test", test}, RULE_END}},
    {{"route resume",
      ROUTES,
      "route resume ID PIPELINE",
      "Let a route that was paused go on, from now on in your name",
      {"route resume r7k2 storefront"}},
     {{"route", "default", "route_resume", resume}, RULE_END}},
    {{"unroute",
      ROUTES,
      "unroute[!] [ID | PIPELINE [from #CHANNEL]]",
      "Stop what a channel is told of a pipeline; no channel: this one, no words: all it is told",
      {"unroute r7k2", "unroute storefront from #ops", "unroute storefront", "unroute"}},
     {{"unroute", "default", "unroute", unroute}, RULE_END}},
    {{"why",
      ROUTES,
      "why ID",
      "Explain why an event or a commit was shown in a channel, or was not",
      {"why 4f2a9c1", "why 0b7c6f52-5a3e-11ef-8d2a-3f1c0a9b7e64"}},
     {{"why", "default", "why", why}, RULE_END}},
    COMMAND_END,
};
