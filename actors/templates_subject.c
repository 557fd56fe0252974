/* templates_subject.c -- what a channel reads of a pipeline: one message a subject, its history below
 * it, a failure, a line in a digest; see templates.h and subject.h. */
#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <stdio.h>
#include <string.h>

#define BY "[, by {by:user}][, by {by_name}]"
#define FROM "[, begun by {by:user}][, begun by {by_name}]"
#define COMMIT                                                                                     \
    "[{by:user} ][{by_name} ][{?forced}force-][{?count}pushed {count} commit][{?several}s]"        \
    "[{?count} to ][{!count}CI of ]{repo:bold}[ {branch:code}] ({sha:code})[: {message}]"
#define PULL "#{number} {title:bold} in {repo:bold}[ ({head:code}" SW__TO "{base:code})]"
#define WHAT "{repo:bold}[ {ref:code}] ({sha:code})" SW__TO "{env:code}[ ({stage})]"
#define APP "{app:bold}[ ({stage})]"
#define VERSION "[ as {version:v}]"
#define REVIEW "[Review app for #{number}][{!number}Review app {env:code}] of {repo:bold}"
#define CRASHED "{name:code} of " APP " crashed[{?many} {n} times][{?over} {n} times or more]"

/* ---- small print: where to look, and how long it took ---- */

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

static void put_link(struct sw_mrkdwn *m, const char *url, const char *words) {
    bool tls = !strncmp(url, "https://", 8);
    const char *host = url + (tls ? 8 : 0);
    size_t size = tls ? strspn(host, HOST_CHARS) : 0;
    bool hub = !strncmp(url, "https://github.com/", 19);
    bool heroku = !strncmp(url, "https://dashboard.heroku.com/", 29);
    /* Who reads "at github.com" shall get there: no name and password before it, no other port. */
    if (size == 0 || size > 100 || (host[size] && !strchr("/?#", host[size]))) return;
    SW_AUTO(sw_text)
    char *all = hub || heroku ? sw_printf("%s, at %s", words, hub ? "GitHub" : "Heroku")
                              : sw_printf("%s, at %.*s", words, (int)size, host);
    struct sw_mrkdwn link;
    sw_mrkdwn_init(&link, SW_SECTION_MAX);
    bool good = sw_mrkdwn_link(&link, url, all);
    SW_AUTO(sw_json) json_t *text = sw_mrkdwn_end(&link);
    if (!good) return;
    if (m->chars > 0) sw_mrkdwn_put(m, SW__DOT);
    sw_mrkdwn_put(m, json_string_value(text));
}

static void small_print(const struct sw_template_in *in, struct sw__card *card, const char *words) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    put_link(&m, sw_str(in->data, "details"), "Details of the failure");
    put_link(&m, sw_str(in->data, "url"), words);
    if (json_is_integer(json_object_get(in->data, "took_ms"))) {
        if (m.chars > 0) sw_mrkdwn_put(&m, SW__DOT);
        sw_mrkdwn_fill(&m, m.chars > 0 ? "it took {took_ms:took}" : "It took {took_ms:took}",
                       in->data);
    }
    sw__card_small(card, sw_mrkdwn_end(&m));
}

static void commit(const struct sw_template_in *in, struct sw__card *card) {
    small_print(in, card, "The changes");
}

static void pull(const struct sw_template_in *in, struct sw__card *card) {
    small_print(in, card, "The pull request");
}

static void other(const struct sw_template_in *in, struct sw__card *card) {
    small_print(in, card, "More about it");
}

/* One place to look, the nearest to what failed. */
static void failure(const struct sw_template_in *in, struct sw__card *card) {
    const char *details = sw_str(in->data, "details");
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    put_link(&m, details, "Details of the failure");
    if (m.chars == 0) put_link(&m, sw_str(in->data, "url"), "More about it");
    sw__card_small(card, sw_mrkdwn_end(&m));
}

static void put_dyno(struct sw_mrkdwn *m, const json_t *dyno, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(
        m, SW__BULLET "{name:code}[{?once} once][{?many} {n} times][{?over} {n} times or more]",
        dyno);
}

static void crash(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_list(card, &(struct sw__list){.items = json_object_get(in->data, "dynos"),
                                           .put = put_dyno,
                                           .line_chars = 120,
                                           .more = sw_int(in->data, "more"),
                                           .data = in->data});
    const char *pipeline = sw_str(in->data, "pipeline"), *stage = sw_str(in->data, "stage");
    SW_AUTO(sw_json) json_t *data = json_copy((json_t *)in->data);
    if (pipeline[0] && stage[0])
        json_object_set_new(data, "look",
                            json_sprintf("ps %s in %s/%s", pipeline, stage, sw_str(data, "app")));
    sw__card_small(card, sw_filled("[Release {version:v}. ][{look:typed} shows its dynos.]", data,
                                   SW_SECTION_MAX));
}

/* ---- the history ---- */

static const struct line {
    const char *say, *words;
} lines[] = {
    {"pushed", "[{by:user} ][{by_name} ][{?forced}force-]pushed {count} commit[{?several}s][ to "
               "{branch:code}]"},
    {"ci_started", SW__BUSY "{name:code} began"},
    {"ci_passed", SW__GOOD "{name:code} passed"},
    {"ci_skipped", "{name:code} was skipped"},
    {"ci_cancelled", SW__DOUBT "{name:code} was cancelled"},
    {"ci_failed", SW__BAD "{name:code} failed[: {why}]"},
    {"pull_opened", "Opened" BY},
    {"pull_draft", "Made a draft" BY},
    {"pull_ready", "Ready for review" BY},
    {"pull_reopened", "Opened again" BY},
    {"pull_closed", SW__BAD "Closed without a merge" BY},
    {"pull_merged", SW__GOOD "Merged" BY},
    {"asked", "Asked for" BY},
    {"deploying", SW__BUSY "Deploying"},
    {"building", SW__BUSY "Building" BY},
    {"built", "Built"},
    {"releasing", SW__BUSY "Releasing[ {version:v}]: release phase"},
    {"restarting", SW__BUSY "Restarting"},
    {"released", SW__GOOD "Released" VERSION},
    {"live", SW__GOOD "Live[: {version:v} is up]"},
    {"gone", "Replaced by another one"},
    {"failed", SW__BAD "Failed[: {why}]"},
    {"not_built", SW__BAD "The build failed"},
    {"not_released", SW__BAD "The release[ {version:v}] failed"},
    {"crashed", SW__BAD "{name:code} crashed"},
    {"created", "Created" BY},
    {"deleted", "Deleted" BY},
    {"published", "Release published" BY},
    {"app_created", "Created" BY},
    {"app_destroyed", "Destroyed" BY},
    {"app_renamed", "Renamed[ from {was:code}]" BY},
    {"maintenance_on", "Maintenance on" BY},
    {"maintenance_off", "Maintenance off" BY},
    {"more", "[{?over}More than ]{n} lines are left out here"},
};

#define CLOCK_MS (20 * 60 * 60 * 1000LL) /* what lies further apart needs its date */

static void put_line(struct sw_mrkdwn *m, const json_t *line, const json_t *data) {
    const char *say = sw_str(line, "say");
    bool dated = json_object_get(data, "dated") != NULL;
    sw_mrkdwn_fill(m, dated ? "[{at_ms:date}  ]" : "[{at_ms:clock}  ]", line);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        if (strcmp(lines[i].say, say) != 0) continue;
        sw_mrkdwn_fill(m, lines[i].words, line);
        return;
    }
    sw_mrkdwn_put(m, "?");
}

static void history(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *items = json_object_get(in->data, "lines");
    int64_t first_ms = sw_int(json_array_get(items, 0), "at_ms");
    int64_t last_ms = sw_int(json_array_get(items, json_array_size(items) - 1), "at_ms");
    SW_AUTO(sw_json) json_t *data = json_object();
    if (last_ms / 2 - first_ms / 2 > CLOCK_MS / 2) json_object_set_new(data, "dated", json_true());
    sw__card_list(
        card, &(struct sw__list){.items = items, .put = put_line, .line_chars = 700, .data = data});
}

/* ---- one line of a digest: what the subject's own message begins with ---- */

#define LINE_CHARS 280
#define LINE_BYTES 540 /* the digest shows no line of more than 600 */

static void digest(const struct sw_template_in *in, struct sw__card *card) {
    const struct sw__template *row = sw__templates_subject;
    SW_AUTO(sw_text) char *id = sw_printf("subject.%s", sw_str(in->data, "kind"));
    struct sw_mrkdwn m;
    while (row->lead && (strcmp(row->id, id) != 0 ||
                         (row->when && strcmp(row->when, sw_str(in->data, row->key)) != 0)))
        row++;
    sw_mrkdwn_init(&m, LINE_CHARS);
    sw_mrkdwn_fill(&m, row->lead ? row->lead : "Something happened", in->data);
    m.limit = SW_SECTION_MAX;
    if (m.size + strlen(sw_str(in->data, "url")) < LINE_BYTES)
        put_link(&m, sw_str(in->data, "url"), "more");
    sw__card_lead(card, sw_mrkdwn_end(&m));
}

#define ROW(name, phase_word, words, more_words, build_fn)                                         \
    {                                                                                              \
        .id = "subject." name, .key = "phase", .when = phase_word, .lead = words,                  \
        .more = more_words, .flags = SW__BARE, .build = build_fn                                   \
    }
#define FAILED(kind_word, words)                                                                   \
    {                                                                                              \
        .id = "subject.failed", .key = "kind", .when = kind_word, .lead = SW__BAD words,           \
        .flags = SW__BARE, .build = failure                                                        \
    }
#define FAILING "CI failed: {failing:list}[ and {failing_more} more]"

const struct sw__template sw__templates_subject[] = {
    ROW("commit", "started", SW__BUSY COMMIT,
        "CI is running: {running:list}[ and {running_more} more][{?many} ({done} of {all} are "
        "done)]",
        commit),
    ROW("commit", "succeeded", SW__GOOD COMMIT,
        "CI passed[{?many}: all {all} checks][, {skipped} skipped]", commit),
    ROW("commit", "failing", SW__BAD COMMIT, FAILING " ({done} of {all} are done)", commit),
    ROW("commit", "failed", SW__BAD COMMIT, FAILING "[{?many} (of {all} checks)]", commit),
    ROW("commit", "cancelled", SW__DOUBT COMMIT,
        "CI was cancelled: {failing:list}[ and {failing_more} more]", commit),
    ROW("commit", NULL, COMMIT, NULL, commit),

    ROW("pull", "draft", "Draft " PULL BY, NULL, pull),
    ROW("pull", "merged", SW__GOOD "Merged " PULL BY, NULL, pull),
    ROW("pull", "closed", SW__BAD "Closed without a merge: " PULL BY, NULL, pull),
    ROW("pull", NULL, SW__BUSY "Pull request " PULL BY, NULL, pull),

    ROW("deployment", "queued", SW__BUSY "Waiting to deploy " WHAT BY, NULL, other),
    ROW("deployment", "releasing", SW__BUSY "Releasing " WHAT BY, NULL, other),
    ROW("deployment", "restarting", SW__BUSY "Restarting on " WHAT BY, NULL, other),
    ROW("deployment", "live", SW__GOOD "Live: " WHAT BY, "[{live:link}]", other),
    ROW("deployment", "failed", SW__BAD "The deploy of " WHAT " failed" FROM, "[{why}]", other),
    ROW("deployment", "gone", SW__DOUBT "The deploy of " WHAT " was replaced before it ended" FROM,
        NULL, other),
    ROW("deployment", NULL, SW__BUSY "Deploying " WHAT BY, NULL, other),

    ROW("review", "live", SW__GOOD REVIEW " is live[ at {live:link}]", NULL, other),
    ROW("review", "failed", SW__BAD REVIEW " could not be deployed", "[{why}]", other),
    ROW("review", "gone", SW__DOUBT REVIEW " is gone", NULL, other),
    ROW("review", NULL, SW__BUSY REVIEW " is being deployed" BY, NULL, other),

    ROW("deploy", "releasing", SW__BUSY "Releasing [{ref:code} at ][{sha:code} ]to " APP VERSION BY,
        NULL, other),
    ROW("deploy", "released", SW__GOOD "Released [{ref:code} at ][{sha:code} ]to " APP VERSION BY,
        "The dynos restart.", other),
    ROW("deploy", "live", SW__GOOD "Live: [{ref:code} at ][{sha:code} ]in " APP VERSION BY, NULL,
        other),
    ROW("deploy", "failed",
        SW__BAD "[{?not_built}The build of ][{?not_released}The release of ][{ref:code} at "
                "][{sha:code} ]for " APP " failed" FROM,
        "What ran there runs on.", other),
    ROW("deploy", NULL, SW__BUSY "Building [{ref:code} at ][{sha:code} ]for " APP BY, NULL, other),

    ROW("release", "released", SW__GOOD APP " {version:v} is released[: {description}]" BY, NULL,
        other),
    ROW("release", "live", SW__GOOD APP " {version:v} is live[: {description}]" BY, NULL, other),
    ROW("release", "failed",
        SW__BAD "The release {version:v} of " APP " failed[: {description}]" FROM,
        "What ran there runs on.", other),
    ROW("release", NULL, SW__BUSY "Releasing {version:v} of " APP "[: {description}]" BY, NULL,
        other),

    ROW("crash", NULL, SW__BAD CRASHED "[, and {others} more of its dynos did]", NULL, crash),

    ROW("app", "app_renamed", "The app {was:bold} is now called " APP BY, NULL, NULL),
    ROW("app", "app_destroyed", SW__DOUBT "The app " APP " was destroyed" BY, NULL, NULL),
    ROW("app", "maintenance_on", SW__DOUBT "Maintenance is on for " APP BY,
        "Visitors see the maintenance page.", NULL),
    ROW("app", "maintenance_off", SW__GOOD "Maintenance is off for " APP BY, NULL, NULL),
    ROW("app", NULL, "The app " APP " was created" BY, NULL, NULL),

    ROW("tag", "deleted", "The tag {ref:code} of {repo:bold} was deleted" BY, NULL, other),
    ROW("tag", "branch_deleted", "The branch {ref:code} of {repo:bold} was deleted" BY, NULL,
        other),
    ROW("tag", "published",
        "Release {ref:code}[ ({name})] of {repo:bold} was published" BY
        "[{?prerelease} (a pre-release)]",
        NULL, other),
    ROW("tag", NULL, "New tag {ref:code} in {repo:bold}" BY, NULL, other),

    FAILED("deployment", "The deploy of " WHAT " failed[: {why}]"),
    FAILED("review", REVIEW " could not be deployed[: {why}]"),
    FAILED("deploy", "[{?not_built}The build of ][{?not_released}The release of ][{ref:code} at "
                     "][{sha:code} ]for " APP " failed"),
    FAILED("release", "The release {version:v} of " APP " failed[: {description}]"),
    FAILED(NULL, "CI failed: {name:code} on {repo:bold}[ {branch:code}] ({sha:code})"),

    {.id = "subject.log", .lead = "What happened:", .flags = SW__BARE, .build = history},
    {.id = "subject.digest", .flags = SW__BARE, .build = digest},
    {0},
};
