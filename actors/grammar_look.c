/* grammar_look.c -- the commands that only read; see grammar_priv.h. */
#include "actors/grammar_pieces.h"

#define LOOK "Look"

static const struct sw__piece pipelines[] = {
    TASK("pipelines?+"),                       /* one pipeline or several: both list them */
    {NULL, OPTIONAL(":(?:" WORD ")?+"), NULL}, /* whatever subtask */
    {NULL, OPTIONAL(WHITE "(?s:.*+)"), NULL},  /* whatever arguments: the list is the answer */
    END,
};

static const struct sw__piece pipelines_info[] = {
    TASK("pipelines?+:info"),
    {"the name of a pipeline", WHITE GROUP("pipeline", NAME),
     "the name of a pipeline, after one space"}, /* after exactly one blank */
    {NULL, WHITE "*+", NULL},                    /* and nothing else */
    END,
};

static const struct sw__piece info[] = {
    TASK("info"),
    {"the name of a pipeline", BLANK GROUP("pipeline", NAME), "the name of a pipeline"},
    NOTHING_ELSE,
    END,
};

static const struct sw__piece releases[] = {
    TASK("releases"),
    {"the name of a pipeline", WHITE "++" GROUP("pipeline", SLUG), A_PIPELINE}, /* whose releases */
    {NULL,
     OPTIONAL(WHITE "++in" WHITE "++" GROUP("environment", SLUG)
                  OPTIONAL("/" GROUP("application", WORD))),
     NULL},                   /* in, and no other word */
    {NULL, WHITE "*+", NULL}, /* and nothing else */
    END,
};

static const struct sw__piece ps[] = {
    TASK("ps"), PIPELINE, IN, STAGE, NOTHING_ELSE, END,
};

const struct sw__command sw__grammar_look[] = {
    {{"pipelines", LOOK, "pipelines", "List the pipelines that you can see", {"pipelines"}},
     {{"pipelines", NULL, "pipelines", pipelines},
      {"pipeline", NULL, "pipelines", pipelines},
      RULE_END}},
    {{"info",
      LOOK,
      "info PIPELINE",
      "Show one pipeline with its stages and apps; also pipelines:info PIPELINE",
      {"info storefront", "pipelines:info storefront"}},
     {{"info", "default", "pipelines", info},
      {"pipelines", "info", "pipelines", pipelines_info},
      {"pipeline", "info", "pipelines", pipelines_info},
      RULE_END}},
    {{"releases",
      LOOK,
      "releases PIPELINE [in STAGE[/APP]]",
      "Show the latest releases of a stage, of production unless told otherwise",
      {"releases storefront", "releases storefront in staging"}},
     {{"releases", "default", "releases", releases}, RULE_END}},
    {{"ps",
      LOOK,
      "ps PIPELINE in STAGE[/APP]",
      "Show the dynos of a stage and what they are doing",
      {"ps storefront in production", "ps billing in prod/billing-eu"}},
     {{"ps", "default", "ps", ps}, RULE_END}},
    COMMAND_END,
};
