/* templates_notice.c -- releases that Heroku tells us about; see templates.h. */
#include "actors/templates_priv.h"

static void small(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_small(card,
                   sw_filled("{pipeline.name:bold}[" SW__DOT "{email}][" SW__DOT "{at_ms:date}]",
                             in->data, SW_SECTION_MAX));
}

#define NOTICE(status, words)                                                                      \
    {                                                                                              \
        .id = "release.notice", .key = "status", .when = status, .lead = words,                    \
        .more = "[{description}]", .flags = SW__BARE, .build = small                               \
    }
#define THREAD(status, words)                                                                      \
    {                                                                                              \
        .id = "release.notice.thread", .key = "status", .when = status, .lead = words,             \
        .flags = SW__BARE                                                                          \
    }

const struct sw__template sw__templates_notice[] = {
    NOTICE("succeeded", SW__GOOD "{app:bold} {version:v} is released"),
    NOTICE("failed", SW__BAD "The release {version:v} of {app:bold} failed"),
    NOTICE(NULL, SW__BUSY "{app:bold} {version:v} is being released"),
    THREAD("succeeded", "Heroku reports: {app:code} {version:v} is released."),
    THREAD("failed", "Heroku reports: the release {version:v} of {app:code} failed."),
    THREAD(NULL, "Heroku reports: {app:code} {version:v} is being released."),
    {0},
};
