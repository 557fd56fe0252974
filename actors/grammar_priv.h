/* grammar_priv.h -- one parser for each command, as data that grammar.c runs.
 *
 * shapes   a rule is chosen by (task, subtask); its pattern is its pieces joined; groups are named
 *          as the fields of the command object
 * units    sizes and offsets are bytes
 * errors   none
 * owner    static data; struct sw__parsed borrows the text it was made from
 * source   PCRE2 "pcre2pattern": possessive quantifiers never give back, so that matching is linear
 * limits   SW__PIECES pieces a rule
 */
#ifndef SW_GRAMMAR_PRIV_H
#define SW_GRAMMAR_PRIV_H

#include "actors/grammar.h"

#include <stdbool.h>

#define SW__PIECES 8
#define SW__EXCERPT 48 /* room for a quoted piece of the text */

struct sw__piece {
    const char *name;  /* what is missing where it does not match; NULL: it may be empty, it always
                          matches */
    const char *regex; /* takes its own leading blank */
};

struct sw__rule {
    const char *task;
    const char *subtask; /* NULL: any */
    const char *handler;
    const char *command; /* whose usage helps: a name of the table in grammar.h */
    const struct sw__piece *pieces;
};

/* Ends with a NULL task; for one task, the rules with a subtask come first. */
extern const struct sw__rule sw__grammar_rules[];

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
    SW__TOPIC, /* of help; not a field of the object */
    SW__FIELDS
};

struct sw__parsed {
    struct sw__span text, task, subtask;
    struct sw__span field[SW__FIELDS]; /* all absent where not valid */
    const struct sw__rule *rule;       /* NULL: the first word is no command */
    size_t good;                       /* bytes that the pieces took before the first that failed */
    const struct sw__piece
        *failed; /* the required piece that did not match; NULL: something is left over */
    bool fits;   /* the rule takes this subtask */
    bool valid;
    char what[256]; /* what is wrong */
};

/* Fills `what` of a command that is not valid. */
void sw__grammar_complain(struct sw__parsed *p);
/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *sw__grammar_string(const char *text, size_t size);
/* Bytes of the character at `text`, 0 where it is not UTF-8. */
size_t sw__grammar_utf8(const char *text, size_t size);
/* The bytes before the first space. */
size_t sw__grammar_word(const char *text, size_t size);
/* A text to be shown, always UTF-8: without control characters and, with `mask`, without anything
 * that looks like a one-time code; cut with an ellipsis to fit `room`, which includes the final
 * NUL. */
void sw__grammar_clean(const char *text, size_t size, bool mask, char *out, size_t room);

#endif
