/* templates_ops.c -- rollback, restart, maintenance, and what runs of an app; see templates.h. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

#define APP "{app:bold}[ ({to.stage})]"
#define BACK "[{from:v}" SW__TO "]{back:v}"
#define DYNOS "[{process:code} of ][{!process}the dynos of ]" APP
#define PAGE "[{?on}Visitors see the maintenance page.][{!on}Visitors see the app again.]"

static void rollback(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_apps(in, card);
    sw__card_took(in, card);
}

static void restart(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_more(card, sw_filled("[{?all}{up} of {all} are up again]", in->data, SW_SECTION_MAX));
    sw__card_took(in, card);
}

static void put_choice(struct sw_mrkdwn *m, const json_t *release, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{version:v}[" SW__DOT "{description}][" SW__DOT "{at_ms:date}]",
                   release);
}

static void choices(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *list = json_object_get(in->data, "choices");
    if (json_array_size(list) == 0) {
        sw__card_more(card, sw_filled("There is none that {app:code} can go back to.", in->data,
                                      SW_SECTION_MAX));
        return;
    }
    sw__card_more(card, sw_filled("It can go back to these:", in->data, SW_SECTION_MAX));
    sw__card_list(card, &(struct sw__list){
                            .items = list, .put = put_choice, .line_chars = 800, .data = in->data});
    sw__card_more(card, sw_filled("[For example: {example:typed}]", in->data, SW_SECTION_MAX));
}

static const char *mark_of(const json_t *dyno) {
    const char *state = sw_str(dyno, "state");
    if (!strcmp(state, "up")) return SW__GOOD;
    if (!strcmp(state, "crashed")) return SW__BAD;
    return !strcmp(state, "starting") ? SW__BUSY : SW__DOUBT;
}

/* A type, or one of its dynos. */
static void put_line(struct sw_mrkdwn *m, const json_t *line, const json_t *data) {
    (void)data;
    if (json_object_get(line, "type")) {
        json_int_t quantity = sw_int(line, "quantity");
        sw_mrkdwn_fill(m, quantity < 0 ? "{type:bold}" : "{type:bold}: {quantity}", line);
        sw_mrkdwn_fill(m, "[" SW__DOT "{size}]", line);
        return;
    }
    sw_mrkdwn_put(m, mark_of(line));
    sw_mrkdwn_fill(m, "{name:code} {state}[ since {at_ms:date}][" SW__DOT "{version:v}]", line);
}

static void ps(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *lines = json_object_get(in->data, "lines");
    json_int_t more = sw_int(in->data, "more");
    if (json_array_size(lines) == 0) sw__card_more(card, json_string("Nothing runs."));
    sw__card_list(card, &(struct sw__list){.items = lines,
                                           .put = put_line,
                                           .line_chars = 400,
                                           .more = more,
                                           .hint = "Heroku's dashboard has them all.",
                                           .data = in->data});
}

#define PARENT(kind, state, words, more_words, build_fn)                                           \
    {                                                                                              \
        .id = kind, .key = "state", .when = state, .lead = words, .more = more_words,              \
        .flags = SW__PARENT, .build = build_fn                                                     \
    }
#define LINE(name, words)                                                                          \
    { .id = name, .lead = words, .flags = SW__BARE }
#define ENDED(state, words)                                                                        \
    { .id = "restart.ended", .key = "state", .when = state, .lead = words, .flags = SW__BARE }
#define IMPOSSIBLE(reason_word, words)                                                             \
    {                                                                                              \
        .id = "rollback.impossible", .key = "why", .when = reason_word,                            \
        .lead = words " Nothing was done.", .build = choices                                       \
    }
#define UNKNOWN(reason_word, words)                                                                \
    {                                                                                              \
        .id = "change.unknown", .key = "why", .when = reason_word, .lead = words,                  \
        .more = "[Please look before you do that to {app:code} again: {type:typed}]"               \
                "[\nHeroku said: {reason}]",                                                       \
    }

const struct sw__template sw__templates_ops[] = {
    PARENT("rollback", "success", SW__GOOD "{user:user} rolled back " APP ": " BACK, NULL,
           rollback),
    PARENT("rollback", "failure", SW__BAD "{user:user} could not roll back " APP ": " BACK,
           "[{reason}]", rollback),
    PARENT("rollback", "unknown",
           SW__DOUBT "{user:user} tried to roll back " APP ": " BACK " (the outcome is not known)",
           "[{reason}]", rollback),
    PARENT("rollback", "two_factor",
           SW__DOUBT "{user:user} needs a one-time code to roll back " APP ": " BACK,
           "Nothing was changed.", sw__card_took),
    PARENT("rollback", "cancelled", SW__BAD "The rollback of " APP ", " BACK ", was cancelled",
           "Nothing was changed.", sw__card_took),
    PARENT("rollback", NULL, SW__BUSY "{user:user} is rolling back " APP ": " BACK, NULL, rollback),
    LINE("rollback.started", "Started: {app:code} goes back[ from {from:v}] to {version:v}, as a "
                             "new release. The config vars of that release come back with it."),
    IMPOSSIBLE("unknown", "{app:code} has no release {version:v}."),
    IMPOSSIBLE("current", "{app:code} runs {version:v} already."),
    IMPOSSIBLE("expired", "{version:v} of {app:code} is too old: Heroku no longer keeps it."),
    IMPOSSIBLE("not_eligible", "{app:code} cannot go back to {version:v}, says Heroku."),
    IMPOSSIBLE(NULL, "{app:code} has no release before the one that runs."),

    PARENT("restart", "success", SW__GOOD "{user:user} restarted " DYNOS, NULL, restart),
    PARENT("restart", "failure",
           SW__BAD "{user:user}[{?done} restarted ][{!done} could not restart ]" DYNOS
                   "[{?done}, and not all is well]",
           "[{reason}]", restart),
    PARENT("restart", "unknown",
           SW__DOUBT "{user:user} tried to restart " DYNOS ": the outcome is not known",
           "[{reason}]", restart),
    PARENT("restart", "two_factor", SW__DOUBT "{user:user} needs a one-time code to restart " DYNOS,
           "Nothing was restarted.", sw__card_took),
    PARENT("restart", "cancelled", SW__BAD "The restart of " DYNOS " was cancelled",
           "Nothing was restarted.", sw__card_took),
    PARENT("restart", NULL, SW__BUSY "{user:user} is restarting " DYNOS, NULL, restart),
    LINE("restart.started", "Restarting {names:list} of {app:code}."),
    ENDED("success", SW__GOOD "[All are up again: {up}]"),
    ENDED(NULL, SW__BAD "Restarted, but {reason}."),
    {.id = "restart.nothing",
     .lead = "No dyno[ of the type {process:code}] runs in {app:code}. Nothing was restarted.",
     .more = "[{type:typed} shows what it is made of.]"},
    {.id = "restart.unknown_type",
     .lead = "{app:code} has no {process:code}.[ Its types are {types:list}.] Nothing was "
             "restarted.",
     .more = "[{type:typed} shows what runs.]"},

    PARENT("maintenance", "success", SW__GOOD "{user:user} turned maintenance {mode} for " APP,
           PAGE, sw__card_took),
    PARENT("maintenance", "failure",
           SW__BAD "{user:user} could not turn maintenance {mode} for " APP, "[{reason}]",
           sw__card_took),
    PARENT("maintenance", "unknown",
           SW__DOUBT "{user:user} turned maintenance {mode} for " APP
                     ", but the outcome is not known",
           "[{reason}]", sw__card_took),
    PARENT("maintenance", "two_factor",
           SW__DOUBT "{user:user} needs a one-time code to turn maintenance {mode} for " APP,
           "Nothing was changed.", sw__card_took),
    PARENT("maintenance", "cancelled", SW__BAD "Maintenance {mode} for " APP " was cancelled",
           "Nothing was changed.", sw__card_took),
    PARENT("maintenance", NULL, SW__BUSY "{user:user} is turning maintenance {mode} for " APP, NULL,
           sw__card_took),
    {.id = "maintenance.already",
     .lead = "Maintenance is {mode} for {app:bold} already: nothing was changed."},

    LINE("change.found", "Found: it has happened."),
    {.id = "change.two_factor",
     .lead =
         "Heroku wants a one-time code for {app:code}, which {task:code} does not take. Nothing "
         "was changed.",
     .more = "Please do it in Heroku's dashboard, or with Heroku's own command line."},
    UNKNOWN("look", "Heroku does not let me look what became of this {task}."),
    UNKNOWN("twice", "Heroku answered neither of two tries, and I see nothing of this {task}."),
    UNKNOWN("refused", "Heroku's first answer got lost, and it refused the second try: the first "
                       "one may be under way."),
    UNKNOWN("timeout", "This {task} takes longer than I can follow it."),
    UNKNOWN("signed_out", "Your Heroku access ended before this {task} did."),
    UNKNOWN(NULL, "I can no longer follow this {task}."),
    {.id = "ps.list",
     .lead = "What runs of {app:bold} ({pipeline}, {stage}):",
     .more = "[{?maintenance}" SW__DOUBT "Maintenance is on: visitors see the maintenance page.]",
     .build = ps},
    {0},
};
