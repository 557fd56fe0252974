/* cli_send.c -- `slipway send`: a line as Slack would send it, and what becomes of it; see cli.h. */
#include "actors/cli.h"
#include "actors/pages.h"
#include "common/mem.h"
#include "common/post.h"
#include "common/seal.h"
#include "common/story_read.h"
#include "proto/msg.h"
#include "proto/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POST_MS 10000 /* Slack waits three seconds */
#define LOOK_MS 200

static const char usage[] =
    "usage: slipway send --team T --user U --channel C [--url URL] [--wait] [--timeout S] "
    "[--json]\n"
    "                    -- LINE...\n\n"
    "Sends LINE, as one types it behind /h, to ingress as Slack would: one request, signed with "
    "the\n"
    "secret in SLIPWAY_SLACK_SECRET_FILE. Says whether it was acknowledged, after how long, and "
    "the id of\n"
    "the command, which `slipway trace ID` follows. For a look after an installation or an "
    "upgrade: `help`\n"
    "changes nothing.\n\n"
    "It acts as the user that you name: what that person may do at Heroku is done, if LINE says "
    "so.\n"
    "The answer goes to an address at SLIPWAY_SLACK_HOOKS that does not exist, and then to where "
    "answers\n"
    "go that have none: privately to that user, in that channel where the bot may post there. "
    "Name your\n"
    "own: an answer that reaches nobody is a dead letter.\n\n"
    "  --team T        the Slack team\n"
    "  --user U        who types it\n"
    "  --channel C     where\n"
    "  --url URL       ingress (without it SLIPWAY_BASE_URL, else http:// and SLIPWAY_HTTP)\n"
    "  --wait          waits until it has ended and nothing of it is owed, telling each step\n"
    "  --timeout S     waits no longer (1 to 3600 seconds; 60)\n"
    "  --json          one JSON document\n";

struct words {
    const char *url, *team, *user, *channel;
    bool wait, json;
    int64_t timeout_s;
    char *line;
};

/* ---- what was typed ---- */

static int wrong(const char *what, const char *about) {
    fprintf(stderr, "slipway send: %s%s\n%s", what, about, usage);
    return SW_EXIT_USAGE;
}

static char *join(int argc, char **argv) {
    char *line = sw_strdup(argc > 0 ? argv[0] : "");
    for (int i = 1; i < argc; i++) {
        char *longer = sw_printf("%s %s", line, argv[i]);
        free(line);
        line = longer;
    }
    return line;
}

static int parse(int argc, char **argv, struct words *words) {
    const char *timeout = "60";
    int i = 1;
    *words = (struct words){0};
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct {
            const char *name, **value;
        } rows[] = {{"--url", &words->url},
                    {"--team", &words->team},
                    {"--user", &words->user},
                    {"--channel", &words->channel},
                    {"--timeout", &timeout}};
        const char *value = NULL, *word = argv[i];
        for (size_t j = 0; j < sizeof(rows) / sizeof(*rows) && !value; j++) {
            value = sw_cli_value(rows[j].name, argc, argv, &i);
            if (value) *rows[j].value = value;
        }
        if (!strcmp(word, "--wait")) {
            words->wait = true;
        } else if (!strcmp(word, "--json")) {
            words->json = true;
        } else if (!value) {
            return wrong("not understood here, or without a value: ", word);
        }
    }
    char *end;
    words->timeout_s = strtol(timeout, &end, 10);
    if (*end || timeout[0] < '0' || timeout[0] > '9' || words->timeout_s < 1 ||
        words->timeout_s > 3600)
        return wrong("--timeout wants 1 to 3600 seconds, not ", timeout);
    const char *const ids[] = {words->team, words->user, words->channel};
    for (size_t j = 0; j < 3; j++) {
        if (ids[j] && !sw_is_slack_id(ids[j], strlen(ids[j])))
            return wrong("this is no id of Slack's: ", ids[j]);
    }
    if (i + 1 >= argc) return wrong("-- and a line are missing, such as -- help", "");
    if (!words->team || !words->user || !words->channel)
        return wrong("--team, --user and --channel must say who types it, and where", "");
    words->line = join(argc - i - 1, argv + i + 1);
    return 0;
}

/* ---- the request ---- */

static char *form_of(const struct sw_conf *conf, const struct words *words) {
    struct timespec now;
    SW_AUTO(sw_text) char *line = sw_url_escape(words->line);
    SW_AUTO(sw_text)
    char *hook = sw_printf("%s/commands/%s/0/slipway-send", conf->hooks, words->team);
    SW_AUTO(sw_text) char *url = sw_url_escape(hook);
    clock_gettime(CLOCK_REALTIME, &now);
    /* What is the same within a second would be taken for Slack's own repetition. */
    return sw_printf("team_id=%s&channel_id=%s&user_id=%s&command=%%2Fh&text=%s&response_url=%s"
                     "&trigger_id=send.%lld.%09ld",
                     words->team, words->channel, words->user, line, url, (long long)now.tv_sec,
                     now.tv_nsec);
}

static int post(const struct sw_conf *conf, const struct words *words, struct sw_posted *ret,
                char *error, size_t room) {
    const char *base = words->url ? words->url : conf->base_url;
    size_t size = strlen(base);
    while (size > 0 && base[size - 1] == '/')
        size--;
    SW_AUTO(sw_text) char *url = sw_printf("%.*s/slack/commands", (int)size, base);
    SW_AUTO(sw_text) char *form = form_of(conf, words);
    const long long now = (long long)time(NULL);
    SW_AUTO(sw_text) char *text = sw_printf("v0:%lld:%s", now, form);
    uint8_t mac[32];
    char hex[2 * sizeof(mac) + 1];
    sw_hmac(conf->slack_secret.current, text, strlen(text), mac);
    sw_hex(mac, sizeof(mac), hex);
    SW_AUTO(sw_text) char *signature = sw_printf("X-Slack-Signature: v0=%s", hex);
    SW_AUTO(sw_text) char *timestamp = sw_printf("X-Slack-Request-Timestamp: %lld", now);
    const char *const headers[] = {signature, timestamp, NULL};
    return sw_post(url, headers, form, POST_MS, ret, error, room);
}

/* NULL: it was taken in; else why not, in words. The caller frees. */
static char *refusal_of(const struct sw_posted *posted) {
    SW_AUTO(sw_json) json_t *told = json_loads(posted->body, 0, NULL);
    if (posted->status == 200 && posted->body[0])
        return sw_printf("it was not taken in: %s", sw_str(told, "text"));
    if (posted->status == 200) return NULL;
    if (posted->status == 401)
        return sw_printf("it was not taken in: 401, %.*s: the secret is another one than that of "
                         "ingress, or the clocks differ",
                         (int)strcspn(posted->body, "\n"), posted->body);
    return sw_printf("it was not taken in: %d, %.*s", posted->status,
                     (int)strcspn(posted->body, "\n"), posted->body);
}

/* ---- what becomes of it ---- */

/* Steps beyond the first `told`. */
static size_t tell_steps(const json_t *story, size_t told) {
    const json_t *steps = json_object_get(story, "steps");
    for (; told < json_array_size(steps); told++) {
        const json_t *step = json_array_get(steps, told);
        const bool effect = !strcmp(sw_str(step, "step"), "effect");
        fprintf(stderr, "%9.3f s  %-10s %s%s%s\n",
                (double)(sw_int(step, "at_ms") - sw_int(story, "born_ms")) / 1000,
                sw_str(step, "actor"), sw_str(step, effect ? "upstream" : "kind"),
                effect ? ": " : "", effect ? sw_str(step, "outcome") : "");
    }
    return told;
}

/* A timer that only tidies up may be armed for long. */
static bool is_owed(const json_t *story) {
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(story, "owed"), i, one) {
        if (strcmp(sw_str(one, "what"), "timer") != 0) return true;
    }
    return false;
}

/* 0, 1 where it has not ended in time, or a negative errno; ret_story: what was seen last. */
static int follow(const struct sw_conf *conf, const struct words *words, const char *id,
                  json_t **ret_story, char *error, size_t room) {
    const struct timespec pause = {0, LOOK_MS * 1000000L};
    const int64_t looks = words->timeout_s * 1000 / LOOK_MS;
    size_t told = 0;
    int quiet = 0;
    for (int64_t i = 0; i < looks; i++) {
        json_decref(*ret_story);
        *ret_story = NULL;
        int r = sw_story_read(conf, id, ret_story, error, room);
        if (r < 0) return r;
        if (!words->json) told = tell_steps(*ret_story, told);
        /* What moves while it is read may be seen nowhere: twice in a row. Without a story there is no other sign. */
        const bool known = json_object_get(*ret_story, "command");
        const char *away = sw_str(*ret_story, "away");
        if (!known && away[0]) return snprintf(error, room, "%s", away), -ENOTCONN;
        const bool ended = known ? json_is_object(json_object_get(*ret_story, "ended")) : true;
        quiet = ended && !is_owed(*ret_story) ? quiet + 1 : 0;
        if (quiet == 2) return 0;
        nanosleep(&pause, NULL);
    }
    return 1;
}

static bool ended_well(const char *how) {
    static const char *const well[] = {"answered", "page", "done"};
    for (size_t i = 0; i < sizeof(well) / sizeof(*well); i++) {
        if (!strcmp(how, well[i])) return true;
    }
    return !how[0]; /* no story is kept, and nothing is owed */
}

static int follow_and_tell(const struct sw_conf *conf, const struct words *words, const char *id,
                           json_t *document) {
    SW_AUTO(sw_json) json_t *story = NULL;
    char error[512];
    int r = follow(conf, words, id, &story, error, sizeof(error));
    if (r < 0) return sw_cli_fail("send", r, error);
    const json_t *ended = json_object_get(story, "ended");
    const char *how = sw_str(ended, "how");
    json_object_set(document, "ended", r == 0 && ended ? (json_t *)ended : json_null());
    if (r > 0) {
        fprintf(stderr, "slipway send: it has not ended after %lld s: slipway trace %s\n",
                (long long)words->timeout_s, id);
        return SW_EXIT_FAILED;
    }
    if (!words->json && how[0])
        printf("ended: %s after %.3f s\n", how, (double)sw_int(ended, "after_ms") / 1000);
    if (!words->json && !how[0]) puts("nothing of it is owed any more");
    return ended_well(how) ? SW_EXIT_DONE : SW_EXIT_FAILED;
}

static int send_line(const struct sw_conf *conf, const struct words *words) {
    struct sw_posted posted;
    char error[512];
    int r = post(conf, words, &posted, error, sizeof(error));
    if (r < 0) return sw_cli_fail("send", r, error);
    SW_AUTO(sw_text) char *refusal = refusal_of(&posted);
    SW_AUTO(sw_json)
    json_t *document = json_pack("{s:b, s:i, s:f, s:s*, s:s*}", "acknowledged", !refusal, "status",
                                 posted.status, "took_ms", (double)posted.took_us / 1000, "id",
                                 posted.id[0] ? posted.id : NULL, "why", refusal);
    r = 0;
    if (refusal) {
        r = sw_cli_fail("send", -1, refusal);
    } else if (!words->json) {
        printf("acknowledged after %.1f ms: %s\n", (double)posted.took_us / 1000,
               posted.id[0] ? posted.id : "its id is not known (an ingress before v0.5.0)");
        (void)fflush(stdout);
    }
    if (!refusal && words->wait && posted.id[0])
        r = follow_and_tell(conf, words, posted.id, document);
    else if (!refusal && words->wait)
        r = sw_cli_fail("send", -1, "without its id it cannot be followed");
    if (words->json) {
        json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
    }
    return r;
}

int sw_cli_send(int argc, char **argv) {
    struct words words;
    struct sw_conf conf = {0};
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("send");
    int r = parse(argc, argv, &words);
    if (r) return r;
    r = sw_cli_load("send", &conf);
    if (r == 0 && !conf.slack_secret.current) {
        sw_cli_fail("send", 0,
                    "SLIPWAY_SLACK_SECRET_FILE is not set: it names the file with Slack's "
                    "signing secret");
        r = SW_EXIT_SETTING;
    } else if (r == 0) {
        r = send_line(&conf, &words);
    }
    sw_conf_finish(&conf);
    free(words.line);
    const int written = sw_cli_written("send");
    return r ? r : written;
}
