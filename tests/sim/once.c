/* once.c -- `slipway-sim once`: types commands and prints what came of each; see once.h.
 *
 * A command is answered when its person got something private, when a message that stays as it is
 * was said in the channel, or when the message that changes shows an end. */
#include "once.h"

#include "show.h"
#include "slack.h"
#include "walk.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 60
#define QUIET_MS 1000     /* nothing more comes when nothing came for so long */
#define QUIET_LINK_MS 300 /* the same after signing in, of which less is to come */
#define QUIET_MAX_MS 8000
#define QUIET_HAPPENS_MS 4000 /* the same where messages follow webhooks, each at its pace */
#define QUIET_HAPPENS_MAX_MS 30000
#define LINES_MAX 32

struct once {
    const char *url, *ingress, *line[LINES_MAX]; /* without "/h " */
    size_t lines;
    const char *text; /* the line that is typed now */
    char *filled;     /* owns it where it held "{id}" */
    const char *team_id, *channel, *user, *account;
    bool stable, no_link, fresh;
    int64_t timeout_ms;
    const struct sim_team *team;
    struct sim_walk *walk;
    json_t *seen;     /* ts -> message: there before the command */
    json_t *messages; /* of the command, each once; "only": who alone sees it */
    int printed;
    json_int_t journal_at; /* entries up to here are older than the command */
    json_int_t told_at;    /* and so are webhooks */
    bool happens;          /* the button is one of the page's: what messages became counts, too */
};

static bool seen_before(const struct once *o, const json_t *message) {
    const char *ts = sim_json_text(message, "ts");
    const json_t *known = ts != NULL ? json_object_get(o->seen, ts) : NULL;
    return ts == NULL || (known != NULL && (!o->happens || json_equal(known, message)));
}

static bool listed(const json_t *messages, const json_t *message) {
    const char *ts = sim_json_text(message, "ts");
    size_t i;
    json_t *other;
    json_array_foreach(messages, i, other) {
        if (ts != NULL && strcmp(ts, json_string_value(json_object_get(other, "ts"))) == 0) {
            return true;
        }
    }
    return false;
}

/* What all people of the channel see, each message once. */
static int look(struct once *o) {
    json_t *messages = json_array();
    for (const struct sim_user *user = o->team->users; user->id != NULL; user++) {
        SIM_FREE char *path =
            sim_fmt("/sim/view?team=%s&channel=%s&viewer=%s", o->team_id, o->channel, user->id);
        json_auto_t *view = NULL;
        int r = sim_walk_get(o->walk, path, &view);
        if (r < 0) {
            json_decref(messages);
            return r;
        }
        size_t i;
        json_t *message;
        json_array_foreach(json_object_get(view, "messages"), i, message) {
            if (json_is_true(json_object_get(message, "ephemeral"))) {
                json_object_set_new(message, "only", json_string(user->name));
            }
            if (seen_before(o, message) || listed(messages, message)) continue;
            json_array_append(messages, message);
        }
    }
    json_decref(o->messages);
    o->messages = messages;
    return 0;
}

/* The message that changes belongs to the command whose id is its op; those of notices hold a slash.
 * While the command goes on it begins with an ellipsis. */
static bool is_final(const json_t *message) {
    if (json_is_true(json_object_get(message, "ephemeral"))) return true;
    const json_t *metadata = json_object_get(message, "metadata");
    const char *text = sim_json_text(message, "text");
    if (metadata == NULL) return sim_json_text(message, "bot") != NULL;
    const char *op = sim_json_text(json_object_get(metadata, "event_payload"), "op");
    return op != NULL && strchr(op, '/') == NULL && text != NULL &&
           strncmp(text, "\xe2\x80\xa6", 3) != 0;
}

/* Something was said, and no message of an operation is still changing. */
static bool answered(const struct once *o) {
    size_t i;
    json_t *message;
    bool any = false;
    json_array_foreach(o->messages, i, message) {
        const json_t *metadata = json_object_get(message, "metadata");
        const char *op = sim_json_text(json_object_get(metadata, "event_payload"), "op");
        bool final = is_final(message);
        if (!final && op != NULL && strchr(op, '/') == NULL) return false;
        any = any || final;
    }
    return any;
}

static int journal(struct once *o, json_t **ret) {
    SIM_FREE char *path = sim_fmt("/sim/journal?since=%lld", (long long)o->journal_at);
    return sim_walk_get(o->walk, path, ret);
}

static int told(struct once *o, json_t **ret) {
    SIM_FREE char *path = sim_fmt("/sim/webhooks?since=%lld", (long long)o->told_at);
    return sim_walk_get(o->walk, path, ret);
}

static int remember(struct once *o) {
    json_auto_t *entries = NULL, *webhooks = NULL;
    o->happens = true; /* to know the newest of each */
    int r = look(o);
    o->happens = false;
    if (r >= 0) r = journal(o, &entries);
    if (r >= 0) r = told(o, &webhooks);
    if (r < 0) return r;
    size_t i;
    json_t *message, *entry;
    json_array_foreach(o->messages, i, message) {
        json_object_set(o->seen, sim_json_text(message, "ts"), message);
    }
    json_array_foreach(json_object_get(webhooks, "webhooks"), i, entry) {
        o->told_at = json_integer_value(json_object_get(entry, "n"));
    }
    json_array_foreach(json_object_get(entries, "entries"), i, entry) {
        o->journal_at = json_integer_value(json_object_get(entry, "n"));
    }
    return 0;
}

/* Waits until neither the channel nor the journal changed for so long. */
static int settle(struct once *o, int64_t quiet_ms, int64_t max_ms) {
    int64_t begin_ms = sim_mono_ms(), since_ms = begin_ms;
    size_t entries = 0;
    json_auto_t *before = NULL;
    while (sim_mono_ms() - since_ms < quiet_ms && sim_mono_ms() - begin_ms < max_ms) {
        json_auto_t *now = NULL;
        int r = look(o);
        if (r >= 0) r = journal(o, &now);
        if (r < 0) return r;
        size_t n = json_array_size(json_object_get(now, "entries"));
        if (n != entries || before == NULL || !json_equal(before, o->messages)) {
            since_ms = sim_mono_ms();
        }
        entries = n;
        json_decref(before);
        before = json_incref(o->messages);
        sim_walk_pause(LOOK_MS);
    }
    return 0;
}

static int wait_for_answer(struct once *o) {
    int64_t until_ms = sim_mono_ms() + o->timeout_ms;
    for (;;) {
        int r = look(o);
        if (r < 0) return r;
        if (answered(o)) return 0;
        if (sim_mono_ms() > until_ms) return -ETIMEDOUT;
        sim_walk_pause(LOOK_MS);
    }
}

/* Until all that the button began has ended, at GitHub and Heroku and then in the channel. */
static int wait_for_end(struct once *o) {
    int64_t until_ms = sim_mono_ms() + o->timeout_ms;
    for (;;) {
        json_auto_t *now = NULL;
        int r = told(o, &now);
        if (r < 0) return r;
        if (sim_json_int(now, "stories", 0) == 0) break;
        if (sim_mono_ms() > until_ms) return -ETIMEDOUT;
        sim_walk_pause(LOOK_MS);
    }
    return settle(o, QUIET_HAPPENS_MS, QUIET_HAPPENS_MAX_MS);
}

/* "[Label]" is a button instead of a command. */
static bool is_button(const char *text) {
    return text[0] == '[' && text[strlen(text) - 1] == ']';
}

static int print_all(struct once *o) {
    json_auto_t *received = NULL, *webhooks = NULL;
    int r = journal(o, &received);
    if (r >= 0) r = told(o, &webhooks);
    if (r < 0) return r;
    const char *name = sim_user_find(o->team, o->user)->name;
    if (o->printed++ > 0) printf("\n");
    printf(is_button(o->text) ? "@%s presses: %s\n" : "@%s types: /h %s\n", name, o->text);
    sim_show_messages(o->messages, o->team, o->stable);
    if (o->happens) sim_show_told(json_object_get(webhooks, "webhooks"));
    sim_show_received(json_object_get(received, "entries"), o->stable);
    fflush(stdout);
    return 0;
}

static int press_button(struct once *o) {
    SIM_FREE char *label = sim_strndup(o->text + 1, strlen(o->text) - 2), *ts = NULL;
    int r = sim_walk_press(o->walk, o->team_id, o->channel, o->user, label, &ts);
    if (r == -ENOENT) {
        r = sim_walk_happen(o->walk, sim_user_find(o->team, o->user)->name, label);
        o->happens = r == 0;
    }
    if (r == -ENOENT) fprintf(stderr, "slipway-sim once: nobody shows a button [%s]\n", label);
    if (ts != NULL) json_object_del(o->seen, ts);
    return r;
}

/* "{id}" stands for the id of the newest operation that has a message. */
static int fill_id(struct once *o) {
    const char *at = strstr(o->text, "{id}");
    if (at == NULL) return 0;
    SIM_FREE char *op = NULL, *ts = NULL;
    int r = sim_walk_op(o->walk, o->team_id, o->channel, o->user, &op, &ts);
    if (r == -ENOENT) fputs("slipway-sim once: there is no operation for {id}\n", stderr);
    if (r < 0) return r;
    free(o->filled);
    o->filled = sim_fmt("%.*s%s%s", (int)(at - o->text), o->text, op, at + strlen("{id}"));
    o->text = o->filled;
    json_object_del(o->seen, ts); /* what becomes of its message is part of the answer */
    return 0;
}

static int type_command(struct once *o) {
    if (is_button(o->text)) return press_button(o);
    json_auto_t *typed = NULL;
    json_auto_t *body = json_pack("{s:s, s:s, s:s, s:s}", "team", o->team_id, "channel", o->channel,
                                  "user", o->user, "text", o->text);
    if (body == NULL) return -EINVAL; /* not UTF-8 */
    return sim_walk_post(o->walk, "/sim/type", body, &typed);
}

static int tell_ingress(struct once *o) {
    json_auto_t *body = json_pack("{s:s}", "ingress", o->ingress), *ok = NULL;
    return sim_walk_post(o->walk, "/sim/config", body, &ok);
}

/* The sim forgets how the person was linked, but not that it was. */
static int reset(struct once *o) {
    json_auto_t *body = json_object(), *ok = NULL;
    return sim_walk_post(o->walk, "/sim/reset", body, &ok);
}

static int run_line(struct once *o) {
    int r = remember(o), answer;
    if (r >= 0) r = fill_id(o);
    if (r >= 0) r = type_command(o);
    if (r < 0) return r;
    if (o->happens) {
        answer = wait_for_end(o);
        r = print_all(o);
        return r < 0 ? r : answer;
    }
    do {
        answer = wait_for_answer(o);
        if (answer == 0) r = settle(o, QUIET_MS, QUIET_MAX_MS);
    } while (answer == 0 && r == 0 && !answered(o)); /* it went on after all */
    if (r >= 0) r = print_all(o);
    return r < 0 ? r : answer;
}

static int run(struct once *o) {
    int r = o->ingress != NULL ? tell_ingress(o) : 0;
    if (r >= 0 && !o->no_link) {
        r = sim_walk_link(o->walk, o->team_id, o->channel, o->user, o->account, o->timeout_ms);
        if (r >= 0) r = settle(o, QUIET_LINK_MS, QUIET_MAX_MS);
    }
    if (r >= 0 && o->fresh) r = reset(o);
    for (size_t i = 0; r >= 0 && i < o->lines; i++) {
        o->text = o->line[i];
        r = run_line(o);
    }
    return r;
}

static const struct option options[] = {
    {"sim", 1, NULL, 's'},     {"ingress", 1, NULL, 'I'}, {"text", 1, NULL, 't'},
    {"team", 1, NULL, 'T'},    {"channel", 1, NULL, 'C'}, {"user", 1, NULL, 'U'},
    {"account", 1, NULL, 'A'}, {"timeout", 1, NULL, 'W'}, {"stable", 0, NULL, 'S'},
    {"no-link", 0, NULL, 'N'}, {"fresh", 0, NULL, 'F'},   {NULL, 0, NULL, 0}};

static const char *without_command(const char *line) {
    if (strncmp(line, "/h", 2) != 0 || (line[2] != ' ' && line[2] != '\0')) return line;
    return line + (line[2] == ' ' ? 3 : 2);
}

static bool parse(struct once *o, int argc, char **argv) {
    for (int id; (id = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (id == 's') o->url = optarg;
        if (id == 'I') o->ingress = optarg;
        if (id == 't' && o->lines == LINES_MAX) return false;
        if (id == 't') o->line[o->lines++] = without_command(optarg);
        if (id == 'T') o->team_id = optarg;
        if (id == 'C') o->channel = optarg;
        if (id == 'U') o->user = optarg;
        if (id == 'A') o->account = optarg;
        if (id == 'W') o->timeout_ms = strtoll(optarg, NULL, 10) * 1000;
        if (id == 'S') o->stable = true;
        if (id == 'N') o->no_link = true;
        if (id == 'F') o->fresh = true;
        if (id == '?') return false;
    }
    o->team = sim_team_find(o->team_id);
    return optind == argc && o->url != NULL && o->timeout_ms > 0 && o->team != NULL &&
           sim_user_find(o->team, o->user) != NULL;
}

int sim_once_main(int argc, char **argv) {
    struct once o = {.team_id = "T0SIM1",
                     .channel = "C0DEPLOY",
                     .user = "U0ADA",
                     .account = "ada@example.com",
                     .timeout_ms = 60000};
    if (!parse(&o, argc, argv)) {
        fputs("usage: slipway-sim once --sim URL [--ingress URL] [--text '/h ...']...\n"
              "           [--team T0SIM1] [--channel C0DEPLOY] [--user U0ADA]\n"
              "           [--account ada@example.com] [--timeout SECONDS] [--no-link] [--fresh]\n"
              "           [--stable]\n"
              "Links the user by walking the sign-in pages, types each command (or presses the "
              "button '[Label]', also one of the page), prints what came of it.\n"
              "{id} in a command is the id of the newest operation.\n",
              stderr);
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) return 1;
    o.walk = sim_walk_create(o.url);
    o.seen = json_object();
    int r = run(&o);
    if (r == -ETIMEDOUT && sim_walk_why(o.walk)[0] == '\0') {
        fprintf(stderr, "slipway-sim once: no final answer within %lld s\n",
                (long long)o.timeout_ms / 1000);
    } else if (r < 0 && r != -ENOENT) {
        fprintf(stderr, "slipway-sim once: %s\n",
                sim_walk_why(o.walk)[0] != '\0' ? sim_walk_why(o.walk) : strerror(-r));
    }
    sim_walk_destroy(o.walk);
    json_decref(o.seen);
    json_decref(o.messages);
    free(o.filled);
    curl_global_cleanup();
    return r < 0 ? 1 : 0;
}
