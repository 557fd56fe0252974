/* grammar_ship.c -- the commands that bring a release somewhere, or back; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define SHIP "Deploy"

static const struct sw__piece deploy[] = {
    TASK("deploy"),
    {NULL, "(?::default)?+", NULL},                   /* the one subtask there is, spelled out */
    FORCED,                                           /* without the required checks */
    PIPELINE,                                         /* what is deployed */
    {NULL, OPTIONAL("/" GROUP("branch", RUN)), NULL}, /* any ref of git: slashes, capitals */
    {NULL, OPTIONAL(BLANK "(?:to|in|on)" BLANK STAGE_APP("environment", "application")),
     NULL},                                                           /* where */
    {NULL, OPTIONAL(BLANK GROUP("second_factor", CODE)) " *+", NULL}, /* and nothing else */
    END,
};

static const struct sw__piece promote[] = {
    TASK("promote"),
    FORCED,                                                                   /* the same */
    PIPELINE,                                                                 /* what is promoted */
    {NULL, OPTIONAL(BLANK "from" BLANK STAGE_APP("from", "from_app")), NULL}, /* its source */
    {NULL, OPTIONAL(BLANK "(?:to|in|on)" BLANK STAGE_APP("to", "to_app")), NULL}, /* its target */
    {NULL, OPTIONAL(BLANK GROUP("second_factor", CODE)), NULL}, /* with or without stages */
    NOTHING_ELSE,
    END,
};

static const struct sw__piece rollback[] = {
    TASK("rollback"),
    PIPELINE,       /* whose app goes back */
    MAYBE_IN_STAGE, /* in, and no other word: to says the version */
    {NULL, OPTIONAL(BLANK "to" BLANK "v" GROUP("version", "[0-9]{1,9}+") ENDS), NULL}, /* whereto */
    NOTHING_ELSE,
    END,
};

const struct sw__command sw__grammar_ship[] = {
    {{"deploy",
      SHIP,
      "deploy[!] PIPELINE[/REF] [to|in|on STAGE[/APP]] [CODE]",
      "Deploy a branch, tag or commit to a stage; ! skips the required checks",
      {"deploy storefront", "deploy storefront/main to staging",
       "deploy! billing/hot-fix to prod/billing-eu 123456"}},
     {{"deploy", "default", "deploy", deploy}, RULE_END}},
    {{"promote",
      SHIP,
      "promote[!] PIPELINE [from STAGE[/APP]] [to|in|on STAGE[/APP]] [CODE]",
      "Promote a release to the next stage; CODE is a one-time code where an app asks for one",
      {"promote storefront", "promote storefront from staging to production",
       "promote billing from stg to prod/billing-eu 123456"}},
     {{"promote", "default", "promote", promote}, RULE_END}},
    {{"rollback",
      SHIP,
      "rollback PIPELINE [in STAGE[/APP]] [to vN]",
      "Go back to the release before, or to the one that is named",
      {"rollback storefront", "rollback storefront in staging", "rollback billing in prod to v42"}},
     {{"rollback", "default", "rollback", rollback}, RULE_END}},
    COMMAND_END,
};
