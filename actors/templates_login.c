/* templates_login.c -- who the person is at Heroku and GitHub; see templates.h. */
#include "actors/templates_priv.h"

#define AFTER                                                                                      \
    "[{?kept}As soon as that is done I go on with {line:typed}.]"                                  \
    "[{?again}Then please type {line:typed} again.]"
/* An installation of an organization does not know who connected in one of a workspace. */
#define ORG                                                                                        \
    "[{?org} I am installed for your whole organization: whoever connected in a single workspace " \
    "before connects once more.]"
/* What is missing, and who is known: an account, or both. */
#define MISSING "your[ Heroku{?heroku}][ and{?two}][ GitHub{?github}] account[s{?two}]"
#define KNOWN "[ to Heroku as {email:bold}][{?both} and][ to GitHub as {login:bold}]"

static const char *label_of(const json_t *data) {
    const bool heroku = json_is_true(json_object_get(data, "heroku"));
    const bool github = json_is_true(json_object_get(data, "github"));
    if (heroku && github) return "Connect Heroku and GitHub";
    return github ? "Connect GitHub" : "Connect Heroku";
}

/* The address is a secret: only the runtime puts it in its place. */
static void button(const struct sw_template_in *in, struct sw__card *card) {
    if (!in->link) {
        sw__card_more(card, json_string("Type `/h login` for the link."));
        return;
    }
    sw__card_add(card, sw_block_button(label_of(in->data),
                                       json_pack("{s:s, s:s}", "$box", in->link, "field", "url")));
    sw__card_small(
        card,
        json_string("Only you see this. The link is for you alone and works for 10 minutes."));
}

const struct sw__template sw__templates_login[] = {
    {.id = "login.card",
     .key = "reason",
     .when = "login",
     .lead = "[You are connected to Heroku as {email:bold}. ]"
             "[You are connected to GitHub as {login:bold}. ]Connect " MISSING
             ": what you ask for here is then done with your own rights.",
     .more = ORG,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "refused",
     .lead = "[{by}][{!by}Heroku] no longer accepts the access that I had for you. Please connect "
             "your account again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "logout",
     .lead = "You signed out while this was waiting, so I did not go on with it.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "lost",
     .lead =
         "The answer to my last renewal of your access at {by} got lost on the way, and it takes "
         "nothing older. Connecting again is all it takes: nothing is wrong with your account.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "withdrawn",
     .lead = "My access was taken away in your settings at {by}, so I forgot your account there. "
             "To go on, connect it again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "unreadable",
     .lead = "I cannot read the access that I kept for you at {by}, so I dropped it unused. Please "
             "connect your account again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "uninstalled",
     .lead = "I was removed from this workspace for a while and forgot all accounts then. Please "
             "connect yours again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .key = "reason",
     .when = "expired",
     .lead = "The access that you gave me at {by} has run out, and it cannot be renewed. Please "
             "connect your account again.",
     .more = AFTER,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.card",
     .lead = "For this I need " MISSING ", once: it is done with your own rights.",
     .more = AFTER ORG,
     .flags = SW__BARE,
     .build = button},
    {.id = "login.linked",
     .lead = "You are connected" KNOWN ".",
     .more = "For another account type `/h logout` and then `/h login`."},
    {.id = "login.done",
     .lead = SW__GOOD "You are connected" KNOWN ".[ {next} comes next, in your browser.]"
                      "[{?resumed} I go on with what you typed before.]"},
    {.id = "logout.done",
     .lead = SW__GOOD "I forgot[ your Heroku account {email:bold}][{?both} and]"
                      "[ your GitHub account {login:bold}] and all access to[ it{!both}]"
                      "[ them{?both}].",
     .more = "I withdraw it at[ Heroku{?email}][{?both} and][ GitHub{?login}], too. If that is "
             "refused, I tell you."},
    {.id = "logout.left",
     .lead = SW__DOUBT "I forgot your account at {by}, but could not withdraw the access that I "
                       "had there.",
     .more =
         "To take it away, open[{?heroku} dashboard.heroku.com, Account settings, Applications,]"
         "[{?github} github.com, Settings, Applications,] and revoke this app there."},
    {.id = "logout.none",
     .lead = "No account of yours is connected, so there is nothing to forget."},
    {.id = "whoami",
     .lead = "[At Heroku you are {email:bold}, connected {email_ms:date}.]"
             "[{!email}You are not connected to Heroku.]"
             "[\nAt GitHub you are {login:bold}, connected {login_ms:date}.]"
             "[\n{?github}You are not connected to GitHub.]",
     .more = "[`/h login` connects you.{?missing}]"},
    {.id = "error.no_github",
     .lead = "This needs GitHub, which is not set up here. Nothing was done.",
     .more = "Whoever runs Slipway can set it up. What Heroku has built already goes on with "
             "`/h promote`."},
    {0},
};
