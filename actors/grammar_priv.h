/* grammar_priv.h -- one parser for each command, as data that grammar.c runs.
 *
 * shapes   a command is what is said of it and its rules, in one place; a rule is chosen by (task, subtask), of
 *          several the first whose first piece matches; its pattern is its pieces joined; groups are named as the
 *          fields of the command object
 * units    sizes and offsets are bytes
 * errors   none
 * owner    static data; struct sw__parsed borrows the text it was made from
 * source   PCRE2 "pcre2pattern": possessive quantifiers never give back, so that matching is linear
 * limits   SW__PIECES pieces a rule, SW__RULES_EACH rules a command
 */
#ifndef SW_GRAMMAR_PRIV_H
#define SW_GRAMMAR_PRIV_H

#include "actors/grammar.h"

#include <stdbool.h>

#define SW__PIECES 8
#define SW__RULES_EACH 4
#define SW__LISTS 3    /* of words that a filter has: events, stages, states */
#define SW__EXCERPT 48 /* room for a quoted piece of the text */

struct sw__piece {
    const char *
        name; /* what is missing where it does not match; NULL: it may be empty, it always matches */
    const char *regex; /* takes its own leading blank */
    const char *like;  /* what another word in its place is not; NULL: it cannot be another */
};

struct sw__rule {
    const char *task;
    const char *subtask; /* NULL: any that no other rule of the task has */
    const char *handler;
    const struct sw__piece *pieces;
};

struct sw__command {
    struct sw_command said;
    struct sw__rule rules[SW__RULES_EACH]; /* they end with a NULL task */
};

/* The commands of a file each; they end with a NULL name. */
extern const struct sw__command sw__grammar_ship[], sw__grammar_look[], sw__grammar_follow[],
    sw__grammar_run[], sw__grammar_lock[], sw__grammar_route[], sw__grammar_you[];
/* The command at this place; NULL after the last. */
const struct sw__command *sw__grammar_at(size_t i);

struct sw__span { /* start NULL: absent */
    const char *start;
    size_t size;
};

enum sw__field {
    SW__FORCED,
    SW__PIPELINE,
    SW__BRANCH,
    SW__ENVIRONMENT,
    SW__APPLICATION,
    SW__FROM,
    SW__FROM_APP,
    SW__TO,
    SW__TO_APP,
    SW__SECOND_FACTOR,
    SW__CHANNEL,
    SW__TOPIC,   /* of help; not a field of the object */
    SW__VERSION, /* from here on only for the commands that have it */
    SW__PROCESS,
    SW__ID,
    SW__REASON,
    SW__STATE,
    SW__FILTERS, /* read by itself (grammar_filter.c): not a field of the object */
    SW__FIELDS
};

struct sw__parsed {
    char *normal; /* what Slack made of the text is undone in it; the spans point into it */
    struct sw__span text, task, subtask;
    struct sw__span field[SW__FIELDS]; /* all absent where not valid */
    const struct sw__rule *rule;       /* NULL: the first word is no command */
    const struct sw_command *command;  /* whose rule it is */
    unsigned lists[SW__LISTS];         /* of the filters: a bit for each word that was named */
    bool own[SW__FIELDS];              /* the fields that the rule knows */
    size_t utf8;                       /* bytes of UTF-8 that it starts with */
    size_t good;                       /* bytes that the pieces took before the first that failed */
    const struct sw__piece
        *failed; /* the required piece that did not match; NULL: something is left over */
    bool fits;   /* the rule takes this subtask */
    bool valid;
    char what[256];      /* what is wrong */
    struct sw__span bad; /* where; its size is 0 where something is missing */
};

/* A part of a text on its way to be shown: where it went, in characters. */
struct sw__place {
    struct sw__span span;
    size_t at, length;
};

/* Fills `what` and `bad` of a command that is not valid. */
void sw__grammar_complain(struct sw__parsed *p);
/* The same of one piece: what it is not, or cannot; what is wrong at a place; a word too many. */
void sw__grammar_blame(struct sw__parsed *p, struct sw__span bad, const char *verb,
                       const char *rest);
void sw__grammar_wrong(struct sw__parsed *p, struct sw__span bad, const char *first,
                       const char *second);
void sw__grammar_stray(struct sw__parsed *p, struct sw__span word);
/* Is the span exactly this word? */
bool sw__grammar_is(struct sw__span span, const char *word);
/* Short names of stages become long ones. */
struct sw__span sw__grammar_stage(struct sw__span stage);
/* The filters of a route; false: it has complained. */
bool sw__grammar_filters(struct sw__parsed *p);
/* Their lists, null where there is none. */
void sw__grammar_filters_put(const struct sw__parsed *p, json_t *object);
/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *sw__grammar_string(const char *text, size_t size);
/* Bytes of the character at `text`, 0 where it is not UTF-8. */
size_t sw__grammar_utf8(const char *text, size_t size);
/* The bytes before the first space. */
size_t sw__grammar_word(const char *text, size_t size);
/* Writes at most `size` bytes, the text without what Slack and keyboards made of it; returns how many. */
size_t sw__grammar_normal(const char *text, size_t size, char *out);
/* The bytes of <#C1|ops> at `text`, 0 where it is none; what it says of the channel. */
size_t sw__grammar_channel(const char *text, size_t size, struct sw__span *ret_name);
/* A text to be shown, always UTF-8: without control characters and, with `mask`, without anything
 * that looks like a one-time code; cut with an ellipsis to fit `room`, which includes the final
 * NUL. `place` may be NULL. */
void sw__grammar_clean(struct sw__span text, bool mask, char *out, size_t room,
                       struct sw__place *place);

#endif
