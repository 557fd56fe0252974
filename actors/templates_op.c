/* templates_op.c -- what is said of any operation while it runs; see templates.h. */
#include "actors/templates_priv.h"

#define LINE(name, words)                                                                          \
    { .id = name, .lead = words, .flags = SW__BARE }

const struct sw__template sw__templates_op[] = {
    LINE("thread.more", "More updates were left out here: {n}."),
    LINE("thread.uninvited", "I am no member of this channel, so that the steps cannot be shown "
                             "in it. Next time they are, after `/invite`[ {bot:user}][ and my "
                             "name{!bot}]."),
    LINE("thread.slow", SW__BUSY "{upstream} has not answered yet; I am still trying."),
    {.id = "private.slow", .lead = SW__BUSY "{upstream} has not answered yet; I am still trying."},
    LINE("op.cancelling",
         SW__BUSY "[{by:user} cancels this. ]I stop, and say here what came of it."),
    {.id = "op.cancelled", .lead = SW__BAD "Cancelled before it began: nothing was changed."},
    LINE("op.too_late", SW__DOUBT "This can no longer be cancelled: it is under way at Heroku. I "
                                  "follow it to its end."),
    {0},
};
