/* grammar_follow.c -- the commands about a command that was typed before; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define FOLLOW "Follow"
#define ID GROUP("id", "[-_.0-9A-Za-z]{1,64}+") ENDS /* as the answer to a command shows it */
#define AN_ID "the id of a command"

static const struct sw__piece status[] = {
    TASK("status"),
    {NULL, OPTIONAL(BLANK ID), NULL}, /* of one command; none: of all that go on */
    NOTHING_ELSE,
    END,
};

static const struct sw__piece wait[] = {
    TASK("wait"),
    {AN_ID, BLANK ID, AN_ID},
    NOTHING_ELSE,
    END,
};

static const struct sw__piece cancel[] = {
    TASK("cancel"),
    {AN_ID, BLANK ID, AN_ID},
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_follow[] = {
    {{"status",
      FOLLOW,
      "status [ID]",
      "Show what is going on in this channel, or how far one command is",
      {"status", "status 01k9v3n2q8x7r5t4w6y0zb"}},
     {{"status", "default", "status", status}, RULE_END}},
    {{"wait",
      FOLLOW,
      "wait ID",
      "Let a deploy start by itself as soon as the required checks are green",
      {"wait 01k9v3n2q8x7r5t4w6y0zb"}},
     {{"wait", "default", "wait", wait}, RULE_END}},
    {{"cancel",
      FOLLOW,
      "cancel ID",
      "Stop a command while that can still be done",
      {"cancel 01k9v3n2q8x7r5t4w6y0zb"}},
     {{"cancel", "default", "cancel", cancel}, RULE_END}},
    COMMAND_END,
};
