/* templates_login.c -- who the person is at Heroku; see templates.h. */
#include "actors/templates_priv.h"

#define AFTER                                                                                      \
    "[{?kept}As soon as that is done I go on with {line:typed}.]"                                  \
    "[{!kept}Then please type {line:typed} again.]"

/* The address is a secret: only the runtime puts it in its place. */
static void button(const struct sw_template_in *in, struct sw__card *card) {
    if (!in->link) {
        sw__card_more(card, json_string("Type `/h login` for the link."));
        return;
    }
    sw__card_add(card, sw_block_button("Connect Heroku",
                                       json_pack("{s:s, s:s}", "$box", in->link, "field", "url")));
    sw__card_small(
        card,
        json_string("Only you see this. The link is for you alone and works for 10 minutes."));
}

const struct sw__template sw__templates_login[] = {
    {.id = "login.card",
     .key = "reason",
     .when = "login",
     .lead =
         "Connect your Heroku account: what you ask for here is then done with your own rights.",
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "refused",
     .lead = "Heroku no longer accepts the access that I had for you. Please connect your account "
             "again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "logout",
     .lead = "You signed out while this was waiting, so it was not done.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .lead = "For this I need your Heroku account, once: it is done with your own rights.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.linked",
     .lead = "You are connected to Heroku as {email:bold}.",
     .more = "For another account type `/h logout` and then `/h login`."},
    {.id = "login.done",
     .lead = SW__GOOD "You are connected to Heroku as {email:bold}."
                      "[{?resumed} I go on with what you typed before.]"},
    {.id = "logout.done",
     .lead = SW__GOOD "I forgot your Heroku account[ {email:bold}] and all access to it.",
     .more = "Heroku lists what you have authorized in your account settings, under Applications."},
    {.id = "logout.none",
     .lead = "You are not connected to Heroku, so there is nothing to forget."},
    {0},
};
