/* templates_priv.h -- a row of the table, and the card that it fills.
 *
 * shapes   a row: words as patterns (blocks.h), and for lists a function that adds blocks;
 *          rows of one id differ in the value of `key`, the one without `when` is for all others
 * units    none
 * errors   none
 * owner    rows are static; a card owns its text and blocks until it is rendered
 * source   templates.h
 * limits   SW__BODY_MAX blocks a card; what does not fit is left out, and the message says so
 */
#ifndef SW_TEMPLATES_PRIV_H
#define SW_TEMPLATES_PRIV_H

#include "actors/blocks.h"
#include "actors/templates.h"

#define SW__ONLY 1u /* the parser's */
#define SW__BARE 2u /* a line in a thread: the command that was typed is not repeated */
/* The message of an operation, which changes: its first line says who typed what. Its id is the
 * name of executor's kind of plan. */
#define SW__PARENT (4u | SW__BARE)

#define SW__GOOD "\xe2\x9c\x94 "  /* check mark */
#define SW__BAD "\xe2\x9c\x96 "   /* cross */
#define SW__BUSY "\xe2\x80\xa6 "  /* ellipsis */
#define SW__DOUBT "\xe2\x9a\xa0 " /* warning sign */
#define SW__TO " \xe2\x86\x92 "   /* arrow */
#define SW__DOT " \xc2\xb7 "      /* middle dot */
#define SW__BULLET "\xe2\x80\xa2 "

/* Of Slack's 50 blocks: the rest is for buttons, the small print, and what responder folds in. */
#define SW__BODY_MAX 24
#define SW__LIST_CHARS 12000 /* of one list: more is nothing that people read in a channel */

struct sw__card {
    json_t *text; /* the fallback: the lead */
    json_t *blocks;
    bool cut; /* the body was longer than SW__BODY_MAX: the message says so */
};

/* A list in one message: split into sections, and cut where it is long, which is told. */
struct sw__list {
    const json_t *items;
    void (*put)(struct sw_mrkdwn *m, const json_t *item, const json_t *data); /* one of them */
    size_t line_chars;   /* what one of them takes at most */
    const char *between; /* NULL: each has its own line */
    json_int_t more;     /* how many more there are that the data does not hold */
    const char *hint;    /* "And N more: " and this pattern, which says what to type; or NULL */
    const json_t *data;
};

struct sw__template {
    const char *id;
    const char *lead; /* the main words, also the fallback; NULL: `build` gives them */
    const char *more; /* a second paragraph; NULL or empty when filled: none */
    const char *key, *when;
    unsigned flags;
    void (*build)(const struct sw_template_in *in, struct sw__card *card);
};

extern const struct sw__template sw__templates_help[], sw__templates_login[], sw__templates_read[],
    sw__templates_promote[], sw__templates_op[], sw__templates_hold[], sw__templates_error[],
    sw__templates_ops[], sw__templates_notice[], sw__templates_deploy[], sw__templates_github[],
    sw__templates_channel[], sw__templates_digest[], sw__templates_subject[], sw__templates_route[];

/* Takes a block. */
void sw__card_add(struct sw__card *card, json_t *block);
/* The lead: a section, and the fallback. Takes the text. */
void sw__card_lead(struct sw__card *card, json_t *text);
/* A paragraph, small print; takes the text, nothing is added where it is empty. */
void sw__card_more(struct sw__card *card, json_t *text);
void sw__card_small(struct sw__card *card, json_t *text);
/* Makes room in `m` for a line of up to `chars`: where it is full, its text becomes a section. */
void sw__card_line(struct sw__card *card, struct sw_mrkdwn *m, size_t chars);
/* A link to the pipeline that data.<key> is the id of, in Heroku's dashboard, where there is one. */
void sw__card_pipeline(const struct sw_template_in *in, struct sw__card *card, const char *key,
                       const char *words);
/* All of a list, or as much as one message holds and how many more there are. */
void sw__card_list(struct sw__card *card, const struct sw__list *list);
/* An app of a promotion, by its state: one line. */
void sw__put_app(struct sw_mrkdwn *m, const json_t *app);
/* The apps of an operation that changes some of them, but for what it never began. */
void sw__card_apps(const struct sw_template_in *in, struct sw__card *card);
/* How long it took, where that is known. */
void sw__card_took(const struct sw_template_in *in, struct sw__card *card);

#endif
