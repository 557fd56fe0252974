/* grammar_rules.c -- every command: its pattern in named pieces, and its help beside it; see
 * grammar.h.
 *
 * Each piece takes its own leading blank and never gives back what it took (possessive
 * quantifiers), so a line is read once from left to right. The words between pieces (from, to)
 * cannot be stages or codes in disguise: each optional piece begins with a word of its own, and a
 * code comes last. */
#include "actors/grammar_priv.h"

#define BLANK " ++"                  /* spaces only: a tab is not a blank */
#define WHITE "[ \\t\\n\\v\\f\\r]"   /* white space of ASCII */
#define SLUG "[-_.0-9a-z]++"         /* names as Heroku makes them */
#define NAME "[-_.0-9A-Za-z]++"      /* names as people type them */
#define RUN "[^ ]++"                 /* anything without a space: slashes, capitals, tabs, NUL */
#define WORD "[^ \\t\\n\\v\\f\\r]++" /* anything without white space */
#define CODE "[cbdefghijklnrtuv]{32,64}|[0-9]{6}" /* a YubiKey's modhex, or six digits */
#define GROUP(field, regex) "(?<" field ">" regex ")"
#define STAGE_APP(stage, app) GROUP(stage, SLUG) "(?:/" GROUP(app, RUN) ")?+"

#define OPTIONAL(regex) "(?:" regex ")?+"

/* A piece that must be there is named, for the error; the others are said in their comment. */
static const struct sw__piece promote[] = {
    {"the task", "promote"},
    {NULL, GROUP("forced", "!") "?+"},                                  /* only directly after it */
    {"the name of a pipeline", BLANK GROUP("pipeline", SLUG)},          /* what is promoted */
    {NULL, OPTIONAL(BLANK "from" BLANK STAGE_APP("from", "from_app"))}, /* its source */
    {NULL, OPTIONAL(BLANK "(?:to|in|on)" BLANK STAGE_APP("to", "to_app"))}, /* its target */
    {NULL, OPTIONAL(BLANK GROUP("second_factor", CODE))}, /* with or without stages */
    {NULL, " *+"},                                        /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece deploy[] = {
    {"the task", "deploy"},
    {NULL, "(?::default)?+"},          /* the one subtask there is, spelled out */
    {NULL, GROUP("forced", "!") "?+"}, /* directly after it */
    {"the name of a pipeline", BLANK GROUP("pipeline", SLUG)}, /* what is deployed */
    {NULL, OPTIONAL("/" GROUP("branch", RUN))}, /* any ref of git: slashes, capitals */
    {NULL,
     OPTIONAL(BLANK "(?:to|in|on)" BLANK STAGE_APP("environment", "application"))}, /* where */
    {NULL, OPTIONAL(BLANK GROUP("second_factor", CODE)) " *+"}, /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece releases[] = {
    {"the task", "releases"},
    {"the name of a pipeline", WHITE "++" GROUP("pipeline", SLUG)}, /* whose releases */
    {NULL, OPTIONAL(WHITE "++in" WHITE "++" GROUP("environment", SLUG)
                        OPTIONAL("/" GROUP("application", WORD)))}, /* in, and no other word */
    {NULL, WHITE "*+"},                                             /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece pipelines[] = {
    {"the task", "pipelines?+"},         /* one pipeline or several: both list them */
    {NULL, OPTIONAL(":(?:" WORD ")?+")}, /* whatever subtask */
    {NULL, OPTIONAL(WHITE "(?s:.*+)")},  /* whatever arguments: the list is the answer */
    {NULL, NULL},
};

static const struct sw__piece pipelines_info[] = {
    {"the task", "pipelines?+:info"},
    {"the name of a pipeline", WHITE GROUP("pipeline", NAME)}, /* after exactly one blank */
    {NULL, WHITE "*+"},                                        /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece info[] = {
    {"the task", "info"},
    {"the name of a pipeline", BLANK GROUP("pipeline", NAME)}, /* which pipeline */
    {NULL, " *+"},                                             /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece login[] = {
    {"the task", "login"},
    {NULL, " *+"}, /* and nothing else */
    {NULL, NULL},
};

static const struct sw__piece logout[] = {
    {"the task", "logout"},
    {NULL, " *+"}, /* and nothing else: forgetting is not undone */
    {NULL, NULL},
};

static const struct sw__piece help[] = {
    {"the task", "help"},
    {NULL, OPTIONAL(":(?:" WORD ")?+")},         /* whatever subtask is a topic too */
    {NULL, OPTIONAL(BLANK GROUP("topic", RUN))}, /* the command in question */
    {NULL, " *+"},                               /* and nothing else */
    {NULL, NULL},
};

const struct sw__rule sw__grammar_rules[] = {
    {"promote", "default", "promote", "promote", promote},
    {"deploy", "default", "deploy", "deploy", deploy},
    {"releases", "default", "releases", "releases", releases},
    {"pipelines", "info", "pipelines", "info", pipelines_info},
    {"pipelines", NULL, "pipelines", "pipelines", pipelines},
    {"pipeline", "info", "pipelines", "info", pipelines_info},
    {"pipeline", NULL, "pipelines", "pipelines", pipelines},
    {"info", "default", "pipelines", "info", info},
    {"login", "default", "login", "login", login},
    {"logout", "default", "logout", "logout", logout},
    {"help", NULL, "help", "help", help},
    {NULL, NULL, NULL, NULL, NULL},
};

static const struct sw_command commands[] = {
    {"promote",
     "promote[!] PIPELINE [from STAGE[/APP]] [to|in|on STAGE[/APP]] [CODE]",
     "Promote a release to the next stage; CODE is a one-time code where an app asks for one",
     {"promote storefront", "promote storefront from staging to production",
      "promote billing from stg to prod/billing-eu 123456"}},
    {"releases",
     "releases PIPELINE [in STAGE[/APP]]",
     "Show the latest releases of a stage, of production unless told otherwise",
     {"releases storefront", "releases storefront in staging"}},
    {"pipelines", "pipelines", "List the pipelines that you can see", {"pipelines"}},
    {"info",
     "info PIPELINE",
     "Show one pipeline with its stages and apps; also pipelines:info PIPELINE",
     {"info storefront", "pipelines:info storefront"}},
    {"login", "login", "Link your Heroku account, or show which one is linked", {"login"}},
    {"logout", "logout", "Forget your linked accounts and their tokens", {"logout"}},
    {"deploy",
     "deploy[!] PIPELINE[/REF] [to|in|on STAGE[/APP]] [CODE]",
     "Deploy a branch to a stage; understood, but not carried out in this version",
     {"deploy storefront", "deploy storefront/main to staging",
      "deploy! billing/hot-fix to prod/billing-eu 123456"}},
    {"help", "help [COMMAND]", "Show the commands, or one of them", {"help", "help promote"}},
    {NULL, NULL, NULL, {NULL}},
};

const struct sw_command *sw_grammar_commands(void) {
    return commands;
}
