/* templates_promote.c -- a promotion: the message that changes, its thread, its private ends. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

#define WHAT "{pipeline:bold}[ {from.version:v}]: {from.stage}" SW__TO "{to.stage}"

void sw__put_app(struct sw_mrkdwn *m, const json_t *app) {
    const char *state = sw_str(app, "state");
    const char *pattern = SW__BUSY "{name}: waiting";
    if (!strcmp(state, "success")) pattern = SW__GOOD "{name}[ runs {version:v}]";
    if (!strcmp(state, "release")) pattern = SW__BUSY "{name}[ {version:v}]: release phase";
    if (!strcmp(state, "failure")) pattern = SW__BAD "{name}[ {version:v}] failed[: {reason}]";
    if (!strcmp(state, "unknown"))
        pattern = SW__DOUBT "{name}[ {version:v}]: not known[, {reason}]";
    sw_mrkdwn_fill(m, pattern, app);
}

void sw__card_apps(const struct sw_template_in *in, struct sw__card *card) {
    /* What never began has no state worth telling. */
    bool over = !strcmp(sw_str(in->data, "state"), "failure");
    struct sw_mrkdwn m;
    size_t i;
    json_t *app;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    json_array_foreach(json_object_get(in->data, "apps"), i, app) {
        if (over && !strcmp(sw_str(app, "state"), "waiting")) continue;
        sw__card_line(card, &m, 700);
        sw__put_app(&m, app);
    }
    sw__card_more(card, sw_mrkdwn_end(&m));
}

void sw__card_took(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_small(card, sw_filled("[It took {took_ms:took}]", in->data, SW_SECTION_MAX));
}

static void parent(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_apps(in, card);
    sw__card_took(in, card);
}

#define PARENT(state, words, more_words, build_fn)                                                 \
    {                                                                                              \
        .id = "promote", .key = "state", .when = state, .lead = words, .more = more_words,         \
        .flags = SW__PARENT, .build = build_fn                                                     \
    }
#define LINE(name, words)                                                                          \
    { .id = name, .lead = words, .flags = SW__BARE }

#define UNKNOWN(reason_word, words)                                                                \
    {                                                                                              \
        .id = "promote.unknown", .key = "why", .when = reason_word, .lead = words,                 \
        .more = "[Please look before you promote again: {type:typed}][\nHeroku said: {reason}]",   \
        .build = sw__card_apps                                                                     \
    }

const struct sw__template sw__templates_promote[] = {
    PARENT("success", SW__GOOD "{user:user} promoted " WHAT, NULL, parent),
    PARENT("failure", SW__BAD "{user:user} could not promote " WHAT, "[{reason}]", parent),
    PARENT("partial", SW__BAD "{user:user} promoted only a part of " WHAT, "[{reason}]", parent),
    PARENT("unknown", SW__DOUBT "{user:user} tried to promote " WHAT ": the outcome is not known",
           "[{reason}]", parent),
    PARENT("two_factor", SW__DOUBT "{user:user} needs a one-time code to promote " WHAT,
           "Nothing was promoted.", sw__card_took),
    PARENT("cancelled", SW__BAD "The promotion of " WHAT " was cancelled[ by {by:user}]",
           "Nothing was promoted.", sw__card_took),
    PARENT(NULL, SW__BUSY "{user:user} is promoting " WHAT, NULL, parent),
    LINE("promote.started", "Started: {from.app:code}[ {from.version:v}]" SW__TO "{to.apps:list}"),
    LINE("promote.phase", SW__BUSY "{app:code}[ {version:v}] is in its release phase."),
    {.id = "promote.target",
     .key = "state",
     .when = "success",
     .lead = SW__GOOD "{app:code} now runs the new release[: {version:v}].",
     .flags = SW__BARE},
    {.id = "promote.target",
     .key = "state",
     .when = "failure",
     .lead = SW__BAD "{app:code}[ {version:v}] failed[: {reason}]. What ran there before runs on.",
     .flags = SW__BARE},
    LINE("promote.target",
         SW__DOUBT "{app:code}[ {version:v}]: the outcome is not known[: {reason}]."),
    LINE("promote.waiting", SW__BUSY "Heroku does not answer at the moment. I keep asking."),
    LINE("promote.checking",
         SW__DOUBT "{upstream}'s answer got lost. I check what has happened before "
                   "anything is done again."),
    LINE("promote.found", "Found: the promotion is under way. I follow it."),
    LINE("promote.again", "Nothing has happened at {upstream}, so I try once more."),
    {.id = "promote.two_factor",
     .lead = "[{?wrong}Heroku did not accept that one-time code.]"
             "[{!wrong}Heroku wants a one-time code for this.] Nothing was changed.",
     .more = "[Type the same line again with a fresh code at its end: {line:typed} `CODE`]"
             "[\nIt is about {apps:list}.]"},
    UNKNOWN("look", "Heroku does not let me look what became of this promotion."),
    UNKNOWN("twice", "Heroku answered neither of two tries, and I see nothing of this promotion."),
    UNKNOWN("refused", "Heroku's first answer got lost, and it refused the second try: the first "
                       "one may be under way."),
    UNKNOWN("timeout", "This promotion takes longer than I can follow it."),
    UNKNOWN("signed_out", "Your Heroku access ended before this promotion did."),
    UNKNOWN(NULL, "I can no longer follow this promotion."),
    {0},
};
