/* templates_channel.c -- why a channel cannot be told of a pipeline; see templates.h. */
#include "actors/templates_priv.h"

#define NOT_DONE ", so it was not routed. Nothing was done."
#define REFUSED(why, words, more_words)                                                            \
    { .id = "error.channel", .key = "reason", .when = why, .lead = words, .more = more_words }

const struct sw__template sw__templates_channel[] = {
    {.id = "error.unknown_channel",
     .lead = "Slack does not know #{name} here. Nothing was done.",
     .more = "Choose it from the list that Slack offers while you type, and for a private channel "
             "invite the bot first (`/invite` in it). If it was from that list: whoever installed "
             "this app has to bring its settings at Slack up to date, as `slipway manifest` prints "
             "them.",
     .flags = SW__ONLY},
    REFUSED("missing", "I do not see {channel:channel}" NOT_DONE,
            "If it is private, type `/invite` and my name there, and then the same again here. "
            "Otherwise it may have been deleted."),
    REFUSED("archived", "{channel:channel} is archived" NOT_DONE,
            "Nobody can post there. Choose another one, or unarchive it and type the same again."),
    REFUSED("private", "{channel:channel} is private and I am not in it" NOT_DONE,
            "Type `/invite` and my name there, and then the same again here."),
    REFUSED("scope", "Slack does not let me post in {channel:channel}[ ({error:code})]" NOT_DONE,
            "Either only some people may post there, or this app was installed before it asked for "
            "the right to: whoever installed it can install it once more."),
    REFUSED("no_bot",
            "I am not installed in this workspace as a bot, and could not post in "
            "{channel:channel}" NOT_DONE,
            "Whoever runs Slipway has to install it here first."),
    REFUSED(NULL, "Slack does not answer whether I may post in {channel:channel}" NOT_DONE,
            "Type the same again in a minute."),
    {0},
};
