/* grammar_run.c -- the commands about what runs in a stage; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define RUNNING "Run"
/* A type (web) or one dyno (web.1). It is shorter than a one-time code of letters and starts with one. */
#define PROCESS GROUP("process", "[A-Za-z][-_0-9A-Za-z]{0,29}+(?:\\.[0-9]{1,5}+)?+") ENDS

static const struct sw__piece restart[] = {
    TASK("restart"),
    PIPELINE,
    IN,
    STAGE,
    {NULL, OPTIONAL(BLANK PROCESS), NULL}, /* only these; none: all of them */
    NOTHING_ELSE,
    END,
};

static const struct sw__piece maintenance[] = {
    TASK("maintenance"),
    {"'on' or 'off'", BLANK GROUP("state", "on|off") ENDS, "'on' or 'off'"}, /* first of all */
    PIPELINE,
    IN,
    STAGE,
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_run[] = {
    {{"restart",
      RUNNING,
      "restart PIPELINE in STAGE[/APP] [TYPE]",
      "Restart the dynos of a stage: all of them, those of a type, or one of them",
      {"restart storefront in staging", "restart storefront in staging web",
       "restart billing in prod/billing-eu web.1"}},
     {{"restart", "default", "restart", restart}, RULE_END}},
    {{"maintenance",
      RUNNING,
      "maintenance on|off PIPELINE in STAGE[/APP]",
      "Show visitors a maintenance page instead of the app, or no longer",
      {"maintenance on storefront in staging", "maintenance off billing in prod/billing-eu"}},
     {{"maintenance", "default", "maintenance", maintenance}, RULE_END}},
    COMMAND_END,
};
