/* grammar_pieces.h -- what the patterns of the commands are made of.
 *
 * shapes   macros for PCRE2, without PCRE2_UTF; each takes its own leading blank and never gives back what it took
 * units    bytes
 * errors   none
 * owner    static data
 * source   grammar.h; possessive quantifiers: a line is read once, from left to right
 * limits   none of their own
 */
#ifndef SW_GRAMMAR_PIECES_H
#define SW_GRAMMAR_PIECES_H

#include "actors/grammar_priv.h"

#define BLANK " ++"                  /* spaces only: a tab is not a blank */
#define WHITE "[ \\t\\n\\v\\f\\r]"   /* white space of ASCII */
#define SLUG "[-_.0-9a-z]++"         /* names as Heroku makes them */
#define NAME "[-_.0-9A-Za-z]++"      /* names as people type them */
#define RUN "[^ ]++"                 /* anything without a space: slashes, capitals, tabs, NUL */
#define WORD "[^ \\t\\n\\v\\f\\r]++" /* anything without white space */
#define CODE "[cbdefghijklnrtuv]{32,64}|[0-9]{6}" /* a YubiKey's modhex, or six digits */
#define ENDS "(?![^ ])"                           /* the word ends here */
#define GROUP(field, regex) "(?<" field ">" regex ")"
#define STAGE_APP(stage, app) GROUP(stage, SLUG) "(?:/" GROUP(app, RUN) ")?+"
#define OPTIONAL(regex) "(?:" regex ")?+"

#define A_PIPELINE "a pipeline: its name has lower-case letters, digits, '-', '_' and '.'"

/* Pieces that several commands have. A piece that must be there is named, for the error. */
#define TASK(word)                                                                                 \
    { "the task", word, NULL }
#define FORCED                                                                                     \
    { NULL, GROUP("forced", "!") "?+", NULL } /* only directly after the task */
#define PIPELINE                                                                                   \
    { "the name of a pipeline", BLANK GROUP("pipeline", SLUG), A_PIPELINE }
#define IN                                                                                         \
    { "a stage ('in STAGE')", BLANK "in" ENDS, "'in', which the stage must follow" }
#define STAGE                                                                                      \
    { "the stage after 'in'", BLANK STAGE_APP("environment", "application"), "a stage" }
#define MAYBE_IN_STAGE                                                                             \
    { NULL, OPTIONAL(BLANK "in" BLANK STAGE_APP("environment", "application")), NULL }
#define NOTHING_ELSE                                                                               \
    { NULL, " *+", NULL }
#define END                                                                                        \
    { NULL, NULL, NULL }

#define RULE_END                                                                                   \
    { NULL, NULL, NULL, NULL }
#define COMMAND_END                                                                                \
    {                                                                                              \
        {NULL, NULL, NULL, NULL, {NULL}}, {                                                        \
            RULE_END                                                                               \
        }                                                                                          \
    }

#endif
