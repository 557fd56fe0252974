/* templates_github.c -- what GitHub adds to a deploy or a promotion: checks that are awaited, and
 * what could not be recorded; see templates.h.
 *
 * The states of waiting are variants of the operations' own messages. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

#define DEPLOY "{pipeline:bold}[ {ref:code}][ ({sha:code})]" SW__TO "{app:code}[ ({to.stage})]"
#define PROMOTE "{pipeline:bold}[ {from.version:v}]: {from.stage}" SW__TO "{to.stage}"

#define WAITING(name, what, state, words, more_words)                                              \
    {                                                                                              \
        .id = name, .key = "state", .when = state, .lead = words, .more = more_words,              \
        .flags = SW__PARENT                                                                        \
    }
#define PARENTS(name, what, done)                                                                  \
    WAITING(name, what, "offered", SW__DOUBT what ": its checks are not ready",                    \
            "Pending: {pending:list}.\nI can wait for them and go on as soon as all are green. "   \
            "Nothing is changed until then."),                                                     \
        WAITING(name, what, "green", SW__BUSY what " waits for its checks, until {until_ms:date}", \
                "Pending: {pending:list}."),                                                       \
        WAITING(name, what, "expired", SW__BAD what " was not " done,                              \
                "Its checks were not ready[: {pending:list}].[\n{reason}] Nothing was changed.")
#define LINE(name, words)                                                                          \
    { .id = name, .lead = words, .flags = SW__BARE }
#define UNRECORDED(reason_word, words)                                                             \
    {                                                                                              \
        .id = "github.unrecorded", .key = "why", .when = reason_word, .flags = SW__BARE,           \
        .lead = "Not recorded at GitHub, and no checks were asked for: " words                     \
    }

static void put_context(struct sw_mrkdwn *m, const json_t *context, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET "{context:code}: {state}", context);
}

static void checks(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_list(card, &(struct sw__list){.items = json_object_get(in->data, "contexts"),
                                           .put = put_context,
                                           .line_chars = 700,
                                           .data = in->data});
    sw__card_more(card, sw_filled("Type the same again when they are green.[ To go on without "
                                  "them: {type:typed}]",
                                  in->data, SW_SECTION_MAX));
}

static void closed(const struct sw_template_in *in, struct sw__card *card) {
    const char *url = sw_str(in->data, "url");
    if (strncmp(url, "https://", 8) && strncmp(url, "http://", 7)) return;
    sw__card_add(card, sw_block_button("Look at it at GitHub", json_string(url)));
}

const struct sw__template sw__templates_github[] = {
    PARENTS("deploy", DEPLOY, "deployed"),
    PARENTS("promote", PROMOTE, "promoted"),
    LINE("github.green", SW__GOOD "All required checks are green. I go on."),
    LINE("github.forced", SW__DOUBT "{user:user} forced this: no checks are asked for."),
    LINE("github.untold", SW__DOUBT "GitHub did not take what I told it about this. It is in "
                                    "nobody's way: what happens at Heroku goes on."),
    LINE("github.unclosed", SW__DOUBT "GitHub did not take how this ended: it goes on showing the "
                                      "deployment as under way."),
    UNRECORDED("no_repo", "the pipeline is not connected to a repository."),
    UNRECORDED("no_commit", "the release that is promoted names no commit of the repository."),
    UNRECORDED("no_access", "your GitHub account does not see the repository."),
    UNRECORDED(NULL, "GitHub does not answer."),
    {.id = "error.checks",
     .lead = "{repo:bold}[ {ref:code}][ ({sha:code})] is not green. Nothing was changed.",
     .build = checks},
    {.id = "error.merged",
     .lead = "GitHub did not make the deployment: it merged something in {repo:bold} first. "
             "Nothing was deployed.",
     .more = "[It said: {message}\n]Type the same again to take what came of that."},
    {.id = "error.repo_closed",
     .lead = "Your GitHub account[ {login:code}] [{?write}may not deploy][{!write}does not see] "
             "{repo:bold}. Nothing was done.",
     .more = "Ask for write access to it; or, where its organisation wants you to sign in with it "
             "first, do that at GitHub. Then type the same again.[ To go on without GitHub and its "
             "checks: "
             "{type:typed}]",
     .build = closed},
    {0},
};
