/* templates_error.c -- what went wrong, and what to type now; see templates.h. */
#include "actors/templates_priv.h"

#define ROW(name, words, more_words)                                                               \
    { .id = name, .lead = words, .more = more_words }

static void no_repo(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_pipeline(in, card, "pipeline_id", "Open it at Heroku");
}

const struct sw__template sw__templates_error[] = {
    ROW("error.unknown_pipeline", "I see no pipeline named {name:code}.[ Near it: {near:list}.]",
        "[{?names}You can see {names:list}. ]`/h pipelines` lists all that you can see."),
    ROW("error.ambiguous_pipeline",
        "There are several pipelines named {name:code}. Nothing was done.",
        "[Type the id of the one you mean instead of its name: {ids:list}]"),
    ROW("error.unknown_stage",
        "{pipeline:bold} has no apps in a stage {stage:code}.[ It has {stages:list}.]", NULL),
    ROW("error.unknown_app",
        "The stage {stage} of {pipeline:bold} has no app {app:code}.[ It has {apps:list}.]", NULL),
    ROW("error.ambiguous",
        "The stage {stage} of {pipeline:bold} has several apps: {apps:list}. Nothing was done.",
        "[Say which one you mean: {example:typed}][\nor all of them: {example_all:typed}]"),
    ROW("error.too_many",
        "{count} apps of {stage} at once are too many: at most {max} go into one promotion.",
        "Name some of them, separated by commas."),
    ROW("error.no_source", "{pipeline:bold} has nothing before {stage} that could be promoted.",
        NULL),
    ROW("error.promote_order",
        "A promotion goes from development to staging to production, so not from {from} to {to}.",
        NULL),
    ROW("error.not_promotable", "What is in {stage} cannot be promoted.", NULL),
    ROW("error.no_release", "{app:code} ({stage}) has no release that could be promoted.", NULL),
    ROW("error.locked",
        "{by:user} has been at work on {app:code} since {since_ms:date}. Nothing was done.",
        "Type the same again when that is over.[ It is {op:code}: `/h status` and its id show how "
        "far "
        "it is.]"),
    ROW("error.held",
        "{by:user} has locked {pipeline:bold}[ ({stage})][: {reason}]. Nothing was done.",
        "[It has been locked since {since_ms:date}.][ To go on anyway type {steal:typed}: it takes "
        "the "
        "lock away, and its owner is told.]"),
    ROW("error.no_operation", "Nothing that runs has the id {id:code}.",
        "`/h status` lists what runs."),
    ROW("error.not_yours",
        "Only who started {id:code} can do that, and that is {by:user}. Nothing was done.", NULL),
    {.id = "error.no_repo",
     .lead = "{pipeline:bold} is not connected to a repository at GitHub, so there is nothing to "
             "deploy from. Nothing was done.",
     .more =
         "It is connected in the settings of the pipeline, at Heroku; then type the same again.",
     .build = no_repo},
    ROW("error.unknown_ref",
        "{repo:bold} has no branch, tag or commit {ref:code} that you can see. Nothing was done.",
        NULL),
    ROW("error.github", "GitHub refused it[: {message}][ (status {status})]. Nothing was changed.",
        "[{hint}]"),
    ROW("error.heroku", "Heroku refused it[: {message}]. Nothing was changed.", NULL),
    ROW("error.upstream",
        "{upstream} does not answer as it should at the moment[ (status {status})]. Nothing was "
        "changed.",
        "Please type the same again in a few minutes."),
    ROW("error.other_account",
        "You signed in with another account while this was under way, so I stopped. Nothing was "
        "changed.",
        "`/h whoami` shows as whom you act now; type the same again to do it like that."),
    ROW("error.unsupported",
        "This version cannot run [{task:code}][{!task}that]. Nothing was done.",
        "`/h help` lists what it can."),
    ROW("error.internal",
        "Something went wrong on my side, and I could not finish this. Please check what has "
        "happened before you repeat it.",
        "[Whoever runs Slipway finds it by the id {id:code}.]"),
    {0},
};
