/* grammar_you.c -- the commands about who types, and about the commands; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define YOU "You"

static const struct sw__piece login[] = {TASK("login"), NOTHING_ELSE, END};

/* Forgetting is not undone, so nothing may follow that could have meant less. */
static const struct sw__piece logout[] = {TASK("logout"), NOTHING_ELSE, END};

static const struct sw__piece whoami[] = {TASK("whoami"), NOTHING_ELSE, END};

static const struct sw__piece help[] = {
    TASK("help"),
    {NULL, OPTIONAL(":(?:" WORD ")?+"), NULL},         /* whatever subtask is a topic too */
    {NULL, OPTIONAL(BLANK GROUP("topic", RUN)), NULL}, /* the command in question */
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_you[] = {
    {{"login", YOU, "login", "Link your own Heroku account, then your GitHub account", {"login"}},
     {{"login", "default", "login", login}, RULE_END}},
    {{"whoami", YOU, "whoami", "Show which accounts of yours are linked", {"whoami"}},
     {{"whoami", "default", "whoami", whoami}, RULE_END}},
    {{"logout", YOU, "logout", "Forget your linked accounts and their tokens", {"logout"}},
     {{"logout", "default", "logout", logout}, RULE_END}},
    {{"help", YOU, "help [COMMAND]", "Show the commands, or one of them", {"help", "help promote"}},
     {{"help", NULL, "help", help}, RULE_END}},
    COMMAND_END,
};
