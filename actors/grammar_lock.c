/* grammar_lock.c -- the commands about who may deploy; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define LOCKS "Locks"
#define MAYBE_STAGE                                                                                \
    { NULL, OPTIONAL("/" GROUP("environment", SLUG)), NULL }
/* A character of UTF-8 each: the text has been found to be that before it is matched. */
#define REASON GROUP("reason", "(?:[\\x00-\\x7f\\xc0-\\xff][\\x80-\\xbf]*+){1,200}+")
#define MAYBE_REASON                                                                               \
    { NULL, OPTIONAL(BLANK "because" BLANK REASON), NULL }

static const struct sw__piece lock[] = {
    TASK("lock"), PIPELINE, MAYBE_STAGE, /* of it alone; none: all of the pipeline */
    MAYBE_REASON,                        /* all that follows */
    NOTHING_ELSE, END,
};

static const struct sw__piece unlock[] = {
    TASK("unlock"), FORCED, /* also what somebody else has locked */
    PIPELINE,       MAYBE_STAGE, MAYBE_REASON, NOTHING_ELSE, END,
};

static const struct sw__piece locks[] = {TASK("locks"), NOTHING_ELSE, END};

const struct sw__command sw__grammar_lock[] = {
    {{"lock",
      LOCKS,
      "lock PIPELINE[/STAGE] [because REASON]",
      "Let nobody else deploy or promote there until you unlock it",
      {"lock storefront", "lock storefront/production because the database is being moved"}},
     {{"lock", "default", "lock", lock}, RULE_END}},
    {{"unlock",
      LOCKS,
      "unlock[!] PIPELINE[/STAGE] [because REASON]",
      "Free what you locked; ! frees what somebody else locked, who is told",
      {"unlock storefront", "unlock storefront/production",
       "unlock! billing because ada is on holiday"}},
     {{"unlock", "default", "unlock", unlock}, RULE_END}},
    {{"locks", LOCKS, "locks", "List what is locked, by whom and why", {"locks"}},
     {{"locks", "default", "locks", locks}, RULE_END}},
    COMMAND_END,
};
