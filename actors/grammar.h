/* grammar.h -- what a person typed, as a typed command: one parser for each, whole line or nothing.
 *
 * shapes   a command is {task, subtask, handler, valid, forced, pipeline, branch, environment, application,
 *          from, from_app, to, to_app, second_factor, channel, error}, always all of them, in this order;
 *          null where absent, nothing is defaulted. After them, only for the commands that have them: version
 *          ("42", without v), process, id, reason, state ("on", "off"); of `route PIPELINE to #CHANNEL` only,
 *          stages, states: lists of the words that grammar_filter.c knows; its `branch` is a pattern. valid is true exactly where the first
 *          word is a known command and its whole line fits; where it is false, only task, subtask, handler and
 *          error are set. handler is the family that answers: `pipeline` and `info NAME` are of "pipelines" (a
 *          pipeline is named: its card; none: the list), the forms of `route` are "route", "route_list",
 *          "route_test" and "route_resume"; an unknown or missing first
 *          word is answered by "help"
 * units    sizes are bytes of UTF-8; NUL and control characters are characters like others; a reason, `at` and
 *          `mark` count characters
 * errors   none: every text gives a command; bytes that are not UTF-8 make it invalid
 * owner    the loop thread (patterns are compiled once, match data is shared); the caller frees values
 * source   the ancestor's grammar, its traps included: a blank is a space (U+0020), a tab or a newline is not, nor
 *          is a space that does not break; `releases`, and the one blank of `pipelines:info NAME`, take any white
 *          space. A slug is lower-case letters, digits, - _ . and REF, APP are any run without a space. One newline
 *          at the end of the text ends the line and belongs to nothing. Differs from it on purpose: a stage must
 *          follow from, to, in, on; trailing text is refused for `info`, `releases` too; a stage stays
 *          what was typed after aliases (prod, prd: production; stg: staging).
 *          What Slack and keyboards make of a text is undone before it is read (grammar_slack.c): <@U1|bob> is
 *          @bob, <@U1> is @U1, <!here> is @here, <https://x|label> is label, <https://x> is https://x; &amp; &lt;
 *          &gt; are & < >; typographic quotes and dashes are ' " and -. <#C1|ops> alone stays, because it says
 *          which channel is meant: `channel` is "C1" then, and "ops" where #ops was typed; it is shown as #ops.
 *          "&lt;#" stays, too: nobody names a channel so that Slack has not offered
 * limits   64 KiB a text, time linear in it; 40 bytes of it quoted in an error, 512 in a line; 200 characters a
 *          reason
 */
#ifndef SW_GRAMMAR_H
#define SW_GRAMMAR_H

#include <jansson.h>
#include <stddef.h>

#define SW_GRAMMAR_MAX_BYTES 65536
#define SW_GRAMMAR_LINE_BYTES 512
#define SW_GRAMMAR_REASON_LENGTH 200

struct sw_command {      /* what `help` and the README say about a command */
    const char *name;    /* as in `help NAME` */
    const char *group;   /* the title it is shown under; those of one group follow one another */
    const char *usage;   /* "releases PIPELINE [in STAGE[/APP]]" */
    const char *summary; /* one line, no full stop */
    const char *examples[4]; /* each of them is valid; NULL-terminated */
};

/* The command at this place of the order in which they are shown; NULL after the last. */
const struct sw_command *sw_grammar_command_at(size_t i);
/* By name, or by another word for it ("pipeline"); NULL: no such command. */
const struct sw_command *sw_grammar_command(const char *name);
/* The command word within two edits of `word`, whatever its case; NULL: none is near. */
const char *sw_grammar_nearest(const char *word, size_t size);

/* The version of the library that matches patterns. */
const char *sw_grammar_engine(void);
/* The command object; never NULL. */
json_t *sw_grammar_parse(const char *text, size_t size);
/* What a reply to the person needs besides, never NULL; null where absent:
 *   line        the text as it may be kept and shown: no one-time code, nothing that looks like one where the line
 *               is invalid or in a reason, no control characters, cut at the limit
 *   unknown     the first word that is no command, or the topic of `help` that is none
 *   suggestion  the command that was perhaps meant by it
 *   topic       the name of the command that `help` was asked about
 *   what        what is wrong with the line, without the usage
 *   command     the name of the command whose usage helps
 *   at          where in `line` that is
 *   mark        a line to show under `line` in a fixed width: blanks, then ^ under what is wrong, or one ^ where
 *               something is missing. */
json_t *sw_grammar_explain(const char *text, size_t size);

#endif
