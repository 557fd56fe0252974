/* templates_route.c -- which channel hears of what, and why it does or does not; see templates.h. */
#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <stdio.h>
#include <string.h>

#define FILTERS                                                                                    \
    "[{?only}only {only:list}][{!only}everything][ in {stages:list}][ when {states:list}]"         \
    "[ on branches like {branch:code}]"

static void more(struct sw__card *card, const char *pattern, const json_t *data) {
    sw__card_more(card, sw_filled(pattern, data, SW_SECTION_MAX));
}

/* Why a route is paused, for the middle of a sentence, and what ends that. */
static const struct reason {
    const char *paused, *words, *remedy;
} reasons[] = {
    {"unlinked", "its owner is not connected with Heroku any more", "{resume:typed} takes it over"},
    {"denied", "its owner may not see the pipeline any more", "{resume:typed} takes it over"},
    {"gone", "the pipeline is not there any more", "{end:typed} removes it"},
    {"github", "its owner may not see the repository any more", "{resume:typed} takes it over"},
    {"archived", "the channel is archived", "it goes on when that ends"},
    {"missing", "the channel is not there any more", "{end:typed} removes it"},
    {"private", "the bot is not in the channel", "invite it, then {resume:typed}"},
    {"left", "the bot was removed from the channel", "invite it, then {resume:typed}"},
    {"scope", "the bot lacks a permission at Slack", "when it has it, {resume:typed}"},
    {"no_bot", "the bot is not installed", "when it is, {resume:typed}"},
    {"", "of its channel or its owner", "{resume:typed} lets it go on"},
};

static const struct reason *reason_of(const char *paused) {
    const struct reason *row = reasons;
    while (row->paused[0] && strcmp(row->paused, paused) != 0)
        row++;
    return row;
}

/* `words` with what has to be typed for a route: its id, and for `resume` its pipeline. */
static void typed(struct sw_mrkdwn *m, const char *pattern, const json_t *route) {
    const char *id = sw_str(route, "id");
    SW_AUTO(sw_json)
    json_t *lines =
        json_pack("{s:o, s:o, s:o}", "test", json_sprintf("route test %.60s", id), "end",
                  json_sprintf("unroute %.60s", id), "resume",
                  json_sprintf("route resume %.60s %.100s", id, sw_str(route, "pipeline")));
    sw_mrkdwn_fill(m, pattern, lines);
}

static void small_typed(struct sw__card *card, const char *pattern, const json_t *route) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    typed(&m, pattern, route);
    sw__card_small(card, sw_mrkdwn_end(&m));
}

/* Which events will not come, and what helps. */
static void hooks(struct sw__card *card, const json_t *data) {
    static const struct {
        const char *up, *state, *words;
    } rows[] = {
        {"heroku", "some",
         "Heroku events of some apps will not come: Heroku did not let you make a webhook there. "
         "Who may manage those apps types the same line."},
        {"heroku", "none",
         "Heroku events will not come: Heroku did not let you make a webhook for any of its apps. "
         "Who may manage them types the same line."},
        {"heroku", "no_secret",
         "Heroku events will not come: whoever runs Slipway has not set "
         "`SLIPWAY_HEROKU_WEBHOOK_SECRET_FILE`."},
        {"heroku", "away",
         "Heroku did not answer when its webhooks were looked at. It is tried again within a day, "
         "or now, where you type the same line."},
        {"github", "away",
         "GitHub did not answer when its webhooks were looked at. It is tried again within a day, "
         "or now, where you type the same line."},
        {"github", "denied",
         "GitHub events will not come: GitHub did not let you make a webhook[ in {repo:code}]. "
         "Who administers the repository types the same line."},
        {"github", "none",
         "[{?repo}GitHub events will not come: there is no webhook in {repo:code}. Type the same "
         "line again to make one.][{!repo}GitHub events will not come: the pipeline is not "
         "connected with a repository at Heroku. Once it is, they come by themselves.]"},
        {"github", "no_secret",
         "GitHub events will not come: whoever runs Slipway has not set "
         "`SLIPWAY_GITHUB_WEBHOOK_SECRET_FILE`."},
        {"github", "no_account",
         "GitHub events will not come: you are not connected with GitHub. Type `/h login`, "
         "then the same line again."},
    };
    const json_t *state = json_object_get(data, "hooks");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(sw_str(state, rows[i].up), rows[i].state) != 0) continue;
        struct sw_mrkdwn m;
        sw_mrkdwn_init(&m, SW_SECTION_MAX);
        sw_mrkdwn_put(&m, SW__DOUBT);
        sw_mrkdwn_fill(&m, rows[i].words, data);
        sw__card_more(card, sw_mrkdwn_end(&m));
    }
}

static void added(const struct sw_template_in *in, struct sw__card *card) {
    more(card, "[{?resumed}What was paused of it goes on, in your name.]", in->data);
    more(card, "[Heroku's events of {left_out} of its apps are left out: it has too many.]",
         in->data);
    hooks(card, in->data);
    small_typed(card, "{test:typed} posts a sample, {end:typed} ends it.", in->data);
}

static void only_hooks(const struct sw_template_in *in, struct sw__card *card) {
    hooks(card, in->data);
}

/* Nobody has just typed a line. */
static void hooks_stopped(const struct sw_template_in *in, struct sw__card *card) {
    hooks(card, in->data);
    small_typed(card, "Here that line is {resume:typed}. Whoever types it becomes the owner.",
                in->data);
}

static void put_route(struct sw_mrkdwn *m, const json_t *route, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m,
                   SW__BULLET "{id:code} {pipeline:bold} in {channel:channel}: " FILTERS SW__DOT
                              "{owner:user}",
                   route);
    const char *paused = sw_str(route, "paused");
    if (!paused[0]) return;
    sw_mrkdwn_put(m, SW__DOT "paused: ");
    sw_mrkdwn_put(m, reason_of(paused)->words);
    sw_mrkdwn_put(m, "; ");
    typed(m, reason_of(paused)->remedy, route);
}

static void routes(struct sw__card *card, const struct sw_template_in *in, const char *key,
                   const char *title, json_int_t left) {
    const json_t *items = json_object_get(in->data, key);
    if (json_array_size(items) == 0) return;
    if (title) more(card, title, in->data);
    sw__card_list(card, &(struct sw__list){.items = items,
                                           .put = put_route,
                                           .line_chars = 1200,
                                           .more = left,
                                           .hint = "`/h route PIPELINE` shows those of one.",
                                           .data = in->data});
}

static void list(const struct sw_template_in *in, struct sw__card *card) {
    bool here = json_array_size(json_object_get(in->data, "here")) > 0;
    bool others = json_array_size(json_object_get(in->data, "others")) > 0;
    const char *lead = here ? "Reported in {channel:channel}:"
                            : "Nothing[ of {pipeline:bold}] is reported in {channel:channel}.";
    sw__card_lead(card, sw_filled(lead, in->data, SW_SECTION_MAX));
    json_int_t left = sw_int(in->data, "more");
    routes(card, in, "here", NULL, others ? 0 : left);
    routes(card, in, "others", "In other channels:", left);
    more(card, "`/h route PIPELINE to #CHANNEL` begins it, `/h unroute ID` ends it.", in->data);
}

static void put_removed(struct sw_mrkdwn *m, const json_t *route, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{pipeline:bold} in {channel:channel} ({id:code})", route);
}

static void put_resume(struct sw_mrkdwn *m, const json_t *route, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{pipeline:bold}: ", route);
    typed(m, "{resume:typed}", route);
}

static void put_pipeline(struct sw_mrkdwn *m, const json_t *route, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{pipeline:bold} ({id:code})", route);
}

static void listed(struct sw__card *card, const struct sw_template_in *in,
                   void (*put)(struct sw_mrkdwn *m, const json_t *item, const json_t *data)) {
    sw__card_list(card, &(struct sw__list){.items = json_object_get(in->data, "routes"),
                                           .put = put,
                                           .line_chars = 1200,
                                           .data = in->data});
}

static void removed(const struct sw_template_in *in, struct sw__card *card) {
    listed(card, in, put_removed);
}

static void resumable(const struct sw_template_in *in, struct sw__card *card) {
    listed(card, in, put_resume);
}

static void pipelines(const struct sw_template_in *in, struct sw__card *card) {
    listed(card, in, put_pipeline);
}

static void take_over(const struct sw_template_in *in, struct sw__card *card) {
    small_typed(card, "Who may see it can take over: {resume:typed}", in->data);
}

static void tested(const struct sw_template_in *in, struct sw__card *card) {
    const char *paused = sw_str(in->data, "paused");
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    if (paused[0]) {
        sw_mrkdwn_fill(&m, SW__DOUBT "{id:code} is paused, so nothing was posted: ", in->data);
        sw_mrkdwn_put(&m, reason_of(paused)->words);
        sw_mrkdwn_put(&m, "; ");
        typed(&m, reason_of(paused)->remedy, in->data);
    } else {
        sw_mrkdwn_fill(&m,
                       "A sample is on its way to {channel:channel}, as {id:code} would post an "
                       "event of {pipeline:bold}.",
                       in->data);
    }
    sw__card_lead(card, sw_mrkdwn_end(&m));
}

/* Of one route, in a sentence. */
static void put_verdict(struct sw_mrkdwn *m, const json_t *verdict, const json_t *data) {
    static const char *const rows[][2] = {
        {"posted", "shown"},
        {"paused", "not shown, it is paused: "},
        {"stages", "not shown, it hears of other stages[ than {detail:code}]"},
        {"branch", "not shown, it hears of other branches[ than {detail:code}]"},
        {"only", "not shown, it does not hear of {detail:code}"},
        {"states", "not shown, it waits for another state[ than {detail:code}]"},
        {"blind", "not shown, who made the route does not see the repository"},
        {"old", "not shown, it says nothing new"},
        {"own", "not shown again: the message of {detail:code} tells it"},
        {"limit", "not shown: too many channels hear of this event"},
    };
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{id:code} in {channel:channel}: ", verdict);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(sw_str(verdict, "what"), rows[i][0])) sw_mrkdwn_fill(m, rows[i][1], verdict);
    }
    if (!strcmp(sw_str(verdict, "what"), "paused"))
        sw_mrkdwn_put(m, reason_of(sw_str(verdict, "detail"))->words);
}

#define LATE_MS 60000 /* what came sooner needs no second time */

static void why(const struct sw_template_in *in, struct sw__card *card) {
    size_t i;
    json_t *event;
    sw__card_lead(card, sw_filled("What became of {id:code}[, the newest {newest} of its events]:",
                                  in->data, SW_SECTION_MAX));
    json_array_foreach(json_object_get(in->data, "events"), i, event) {
        const json_t *verdicts = json_object_get(event, "verdicts");
        bool late = sw_int(event, "got_ms") / 2 - sw_int(event, "at_ms") / 2 >= LATE_MS / 2;
        more(card,
             late ? "{type:code}[ {name:code}][ of {of:bold}], {at_ms:date}[, here {got_ms:date}]"
                    "[: never shown, {never}]"
                  : "{type:code}[ {name:code}][ of {of:bold}], {at_ms:date}[: never shown, "
                    "{never}]",
             event);
        if (json_array_size(verdicts) == 0 && !json_object_get(event, "never"))
            more(card, "No route concerns it.", event);
        sw__card_list(
            card, &(struct sw__list){
                      .items = verdicts, .put = put_verdict, .line_chars = 900, .data = in->data});
    }
}

static void put_source(struct sw_mrkdwn *m, const json_t *pipe, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{pipeline:bold}: [repository {repo:code}, ][apps {apps:list}]",
                   pipe);
}

static void why_unknown(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *whose = json_object_get(in->data, "whose");
    if (json_array_size(whose) == 0) {
        more(card, "No pipeline is reported anywhere yet, so nothing is listened to.", in->data);
        return;
    }
    more(card, "Events of these are listened to:", in->data);
    sw__card_list(card, &(struct sw__list){.items = whose,
                                           .put = put_source,
                                           .line_chars = 1200,
                                           .more = sw_int(in->data, "more"),
                                           .data = in->data});
    more(card,
         "What GitHub sent stands in the repository's settings, *Webhooks*, *Recent deliveries*; "
         "what Heroku sent, in `heroku webhooks:deliveries -a APP`. What failed there is fetched "
         "within the hour.",
         in->data);
}

#define ROW(name, words, more_words, ...)                                                          \
    { .id = name, .lead = words, .more = more_words, __VA_ARGS__ }
#define LOST(why_, words, more_words)                                                              \
    ROW("route.lost", "{pipeline:bold} is not reported any more: " words, more_words,              \
        .key = "paused", .when = why_, .flags = SW__BARE)
#define LOST_HERE(why_, words, build_)                                                             \
    ROW("route.lost.channel", "{pipeline:bold} is not reported here any more: " words, NULL,       \
        .key = "paused", .when = why_, .flags = SW__BARE, .build = build_)
#define PAUSED(why_, words, more_words, build_)                                                    \
    ROW("route.paused", words, more_words, .key = "reason", .when = why_, .flags = SW__BARE,       \
        .build = build_)

const struct sw__template sw__templates_route[] = {
    ROW("route.added",
        SW__GOOD "[{?changed}Changed: ]{pipeline:bold} is reported in {channel:channel} from now "
                 "on: " FILTERS ".",
        NULL, .build = added),
    ROW("route.too_many", "This pipeline is reported in {max} channels already, and no more fit.",
        "Nothing was changed. `/h unroute ID` ends one of them.", .key = "what", .when = "routes"),
    ROW("route.too_many", "{max} pipelines are reported already, and no more fit.",
        "Nothing was changed. `/h route` shows them, `/h unroute ID` ends one.", .key = "what"),
    ROW("route.none",
        "[{?id}There is no route {id:code}.][{?pipeline}{pipeline:bold} is not reported in "
        "{channel:channel}.][{?bare}Nothing is reported in {channel:channel}.] Nothing was "
        "changed.",
        "`/h route` shows what is reported where.", .flags = 0),
    ROW("route.removed",
        SW__GOOD "[{?one}{one.pipeline:bold} is not reported in {one.channel:channel} any more.]"
                 "[{?count}{count} routes are removed:]",
        NULL, .build = removed),
    ROW("route.sure", "All that is reported in {channel:channel} would end:",
        "Nothing was changed yet. `/h unroute!` ends all of it, `/h unroute ID` one.",
        .build = removed),
    ROW("route.removed.owner",
        "{by:user} removed a route of yours: {pipeline:bold} is not reported in "
        "{channel:channel} any more.",
        "`/h route PIPELINE to #CHANNEL` begins it again.", .flags = SW__BARE),
    {.id = "route.list", .build = list},
    {.id = "route.tested", .build = tested},
    ROW("route.test",
        "This is a test of {id:code}: what happens to {pipeline:bold} is shown here (" FILTERS ").",
        "{by:user} asked for it. Nothing has happened.", .flags = SW__BARE),
    ROW("route.resumed",
        SW__GOOD "{pipeline:bold} is reported in {channel:channel}[{!changed} again], in your "
                 "name[{?changed} from now on. It was not paused].",
        NULL, .build = only_hooks),
    ROW("route.resumed.channel",
        "{pipeline:bold} is reported here again, in the name of {by:user}.", NULL,
        .flags = SW__BARE),
    ROW("route.taken", "{by:user} has taken over what is reported of {pipeline:bold}.",
        "Nothing of it is done in your name any more.", .flags = SW__BARE),
    ROW("route.goes_on", "{pipeline:bold} is reported again, as before.",
        "Heroku and GitHub let you see it again.", .flags = SW__BARE),
    ROW("route.hooks", "Some events of {pipeline:bold} do not come any more.", NULL,
        .flags = SW__BARE, .build = hooks_stopped),
    LOST("unlinked", "you are not connected with Heroku any more.",
         "Type `/h login` and connect: then it goes on by itself. Or somebody else takes it over, "
         "which the channel was told."),
    LOST("denied", "Heroku does not let you see it any more.",
         "Somebody who may can take it over, which the channel was told."),
    ROW("route.lost",
        "GitHub's events of {pipeline:bold} are not reported any more: GitHub does not let you "
        "see[ {repo:code}][{!repo} its repository] any more.",
        "Heroku's events go on. Type `/h login` if you are not connected with GitHub. Or somebody "
        "else takes it over, which the channel was told.",
        .key = "paused", .when = "github", .flags = SW__BARE),
    LOST(NULL, "it is not there any more at Heroku.",
         "`/h route` shows what is left of it, `/h unroute ID` removes that."),
    LOST_HERE("unlinked", "{owner:user} is not connected with Heroku any more.", take_over),
    LOST_HERE("denied", "{owner:user} may not see it any more at Heroku.", take_over),
    ROW("route.lost.channel",
        "GitHub's events of {pipeline:bold} are not reported here any more: {owner:user} may not "
        "see[ {repo:code}][{!repo} its repository] any more. Heroku's go on.",
        NULL, .key = "paused", .when = "github", .flags = SW__BARE, .build = take_over),
    LOST_HERE(NULL, "it is not there any more at Heroku.", NULL),
    PAUSED("archived", "{channel:channel} is archived: nothing is reported there meanwhile.",
           "When it is no longer archived, it goes on by itself.", pipelines),
    PAUSED("missing", "{channel:channel} is not there any more, so nothing is reported in it.",
           "`/h route PIPELINE to #CHANNEL` names another channel, `/h unroute ID` removes this "
           "one.",
           pipelines),
    PAUSED("left",
           "The bot was removed from {channel:channel}: nothing is reported there meanwhile.",
           "Invite it again (`/invite`), then type:", resumable),
    PAUSED("private", "The bot is not in {channel:channel}: nothing is reported there meanwhile.",
           "Invite it (`/invite`), then type:", resumable),
    PAUSED(NULL,
           "Slack does not let the bot post in {channel:channel}: nothing is reported there "
           "meanwhile.",
           "Whoever manages the workspace's apps installs Slipway again; then type:", resumable),
    ROW("route.back", "{channel:channel} is open again: what was reported there is reported again.",
        NULL, .flags = SW__BARE, .build = pipelines),
    ROW("route.renamed",
        "{channel:channel} has a new name. What is reported there goes on, nothing has to be done.",
        NULL, .flags = SW__BARE, .build = pipelines),
    {.id = "route.why", .build = why},
    ROW("route.why.unknown",
        "Nothing is known of {id:code}: it never arrived, it is of a repository or app that no "
        "route concerns, or it is older than four days.",
        NULL, .build = why_unknown),
    {0},
};
