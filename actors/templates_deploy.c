/* templates_deploy.c -- a deploy: the message that changes, its thread, its private end. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

#define WHAT "{pipeline:bold}[ {ref:code}][ ({sha:code})]" SW__TO "{app:code}[ ({to.stage})]"

static void link_to(const struct sw_template_in *in, struct sw__card *card) {
    const char *log = sw_str(in->data, "log");
    const char *what = strstr(log, "/builds/")     ? "The build and its log, at Heroku"
                       : strstr(log, "/releases/") ? "The release and its log, at Heroku"
                                                   : "The app, at Heroku";
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    sw_mrkdwn_link(&m, log, what);
    sw__card_small(card, sw_mrkdwn_end(&m));
}

static const char *phase_words(const struct sw_template_in *in) {
    const char *phase = sw_str(in->data, "phase");
    if (json_is_true(json_object_get(in->data, "cancelling")))
        return SW__BUSY "Cancelling: the build is being stopped";
    if (!strcmp(phase, "building")) return SW__BUSY "Building";
    if (!strcmp(phase, "releasing")) return SW__BUSY "Releasing[ {version:v}]: release phase";
    if (!strcmp(phase, "restarting"))
        return SW__BUSY "Restarting on the new release[ {version:v}][: {dynos.up} of {dynos.all} "
                        "dynos are up]";
    return SW__BUSY "Preparing";
}

static void small(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_small(card, sw_filled("[{?forced}Required checks were skipped (deploy!).]", in->data,
                                   SW_SECTION_MAX));
    sw__card_took(in, card);
}

static void running(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_more(card, sw_filled(phase_words(in), in->data, SW_SECTION_MAX));
    link_to(in, card);
    small(in, card);
}

static void ended(const struct sw_template_in *in, struct sw__card *card) {
    link_to(in, card);
    small(in, card);
}

#define PARENT(state, words, more_words, build_fn)                                                 \
    {                                                                                              \
        .id = "deploy", .key = "state", .when = state, .lead = words, .more = more_words,          \
        .flags = SW__PARENT, .build = build_fn                                                     \
    }
#define LINE(name, words, build_fn)                                                                \
    { .id = name, .lead = words, .flags = SW__BARE, .build = build_fn }
#define FAILED(phase_word, words)                                                                  \
    {                                                                                              \
        .id = "deploy.failed", .key = "phase", .when = phase_word, .lead = words,                  \
        .flags = SW__BARE, .build = link_to                                                        \
    }
#define UNKNOWN(reason_word, words)                                                                \
    {                                                                                              \
        .id = "deploy.unknown", .key = "why", .when = reason_word, .lead = words,                  \
        .more = "[Please look before you deploy to {app:code} again: {type:typed}]"                \
                "[{?reason}\n{upstream} said: {reason}]",                                          \
        .build = link_to                                                                           \
    }

const struct sw__template sw__templates_deploy[] = {
    PARENT("success", SW__GOOD "{user:user} deployed " WHAT "[, {version:v}]", NULL, ended),
    PARENT("failure", SW__BAD "The deploy of " WHAT "[ as {version:v}] failed", "[{reason}]",
           ended),
    PARENT("unknown", SW__DOUBT "{user:user} tried to deploy " WHAT ": the outcome is not known",
           "[{reason}]", ended),
    PARENT("two_factor", SW__DOUBT "{user:user} needs a one-time code to deploy " WHAT,
           "Nothing was deployed.", small),
    PARENT("cancelled", SW__BAD "The deploy of " WHAT " was cancelled[ by {by:user}]",
           "Nothing was deployed: what ran there runs on.", small),
    PARENT(NULL, SW__BUSY "{user:user} is deploying " WHAT, NULL, running),
    LINE("deploy.started", "Started: {repo:code} {ref:code}[ at {sha:code}]" SW__TO "{app:code}.",
         NULL),
    LINE("deploy.building", SW__BUSY "Heroku builds it for {app:code}.", link_to),
    LINE("deploy.releasing", SW__BUSY "Built. {app:code}[ {version:v}] is in its release phase.",
         link_to),
    LINE("deploy.restarting",
         SW__BUSY "Released[ as {version:v}]. The dynos of {app:code} restart.", link_to),
    LINE("deploy.done", SW__GOOD "{app:code} now runs the new release[: {version:v}].", NULL),
    LINE("deploy.found", "Found: the build is under way. I follow it.", NULL),
    FAILED("building", SW__BAD "{app:code} was not built[: {reason}]. What ran there runs on."),
    FAILED("releasing", SW__BAD
           "{app:code}[ {version:v}] was not released[: {reason}]. What ran there runs on."),
    FAILED(NULL, SW__BAD "{app:code} was released[ as {version:v}], but does not run well[: "
                         "{reason}]."),
    UNKNOWN("look", "Heroku does not let me look what became of this deploy."),
    UNKNOWN("twice", "Heroku answered neither of two tries, and I see no build of this deploy."),
    UNKNOWN("refused", "Heroku's first answer got lost, and it refused the second try: the first "
                       "one may be under way."),
    UNKNOWN("timeout", "This deploy takes longer than I can follow it."),
    UNKNOWN("signed_out", "Your access ended before this deploy did."),
    UNKNOWN(NULL, "I can no longer follow this deploy."),
    {0},
};
