/* show.c -- printing; see show.h. */
#include "show.h"

#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct how {
    const struct sim_team *team;
    bool calm; /* only what is the same each time */
};

static void print_indented(const struct how *how, const char *indent, const json_t *message) {
    SIM_FREE char *all = sim_plain_message(message, how->team);
    SIM_FREE char *text = how->calm ? sim_plain_stable(all) : sim_strdup(all);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        printf("%s%s\n", line[0] != '\0' ? indent : "", line);
    }
}

static const char *author(const struct how *how, const json_t *message) {
    const struct sim_user *user = sim_user_find(how->team, sim_json_text(message, "user"));
    return user != NULL ? user->name : "Slipway";
}

static void print_message(const struct how *how, const json_t *message) {
    const char *only = sim_json_text(message, "only");
    const json_t *thread = json_object_get(message, "thread");
    bool edited = json_is_true(json_object_get(message, "edited"));
    printf("\n%s", author(how, message));
    if (only != NULL) printf("  (only visible to @%s)", only);
    if (json_is_true(json_object_get(message, "broadcast"))) printf("  (in the thread, and here)");
    if (edited) printf("  (edited while it went on; this is the last state)");
    printf("\n");
    print_indented(how, "  ", message);
    size_t i;
    json_t *reply;
    json_array_foreach(thread, i, reply) {
        if (i == 0) printf("  | thread\n");
        print_indented(how, "  |   ", reply);
    }
}

static void sort_texts(json_t *texts) {
    for (size_t i = 1; i < json_array_size(texts); i++) {
        for (size_t j = i; j > 0; j--) {
            json_t *a = json_array_get(texts, j - 1), *b = json_array_get(texts, j);
            if (strcmp(json_string_value(a), json_string_value(b)) <= 0) break;
            json_incref(a);
            json_array_set(texts, j - 1, b);
            json_array_set_new(texts, j, a);
        }
    }
}

/* What one platform received; `calm`: only what is the same each time: how often something was
 * polled, and in which order messages reached Slack, is a matter of time. */
static void print_received(const json_t *entries, const char *name, const char *upstreams,
                           bool calm) {
    json_auto_t *lines = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry) {
        const char *upstream = sim_json_text(entry, "upstream");
        if (upstream == NULL || strstr(upstreams, upstream) == NULL) continue;
        SIM_FREE char *line =
            sim_fmt("%s %s %lld", sim_json_text(entry, "method"), sim_json_text(entry, "path"),
                    (long long)sim_json_int(entry, "status", 0));
        SIM_FREE char *shown = calm ? sim_plain_stable(line) : sim_strdup(line);
        size_t n = json_array_size(lines);
        const char *last = n != 0 ? json_string_value(json_array_get(lines, n - 1)) : "";
        if (calm && strncmp(shown, "GET ", 4) == 0 && strcmp(last, shown) == 0) continue;
        json_array_append_new(lines, json_string(shown));
    }
    if (json_array_size(lines) == 0) return;
    printf("\n%s received:\n", name);
    if (calm && strcmp(name, "Slack") == 0) sort_texts(lines);
    json_array_foreach(lines, i, entry) {
        printf("%s\n", json_string_value(entry));
    }
}

void sim_show_messages(const json_t *messages, const struct sim_team *team, bool calm) {
    const struct how how = {.team = team, .calm = calm};
    size_t i;
    json_t *message;
    json_array_foreach(messages, i, message) {
        print_message(&how, message);
    }
}

void sim_show_received(const json_t *entries, bool calm) {
    print_received(entries, "Heroku", "heroku heroku_id kolkrabbi", calm);
    print_received(entries, "GitHub", "github github_web", calm);
    print_received(entries, "Sentry", "sentry", calm);
    print_received(entries, "Slack", "slack slack_web hooks", calm);
}

void sim_show_told(const json_t *webhooks) {
    static const char *const platforms[] = {"GitHub", "Heroku"};
    for (size_t p = 0; p < SIM_ARRAY_LEN(platforms); p++) {
        size_t i;
        json_t *webhook;
        bool begun = false;
        json_array_foreach(webhooks, i, webhook) {
            const char *detail = sim_json_text(webhook, "detail");
            long long status = sim_json_int(webhook, "status", 0);
            if (strcmp(sim_json_text(webhook, "who"), platforms[p]) != 0) continue;
            if (!begun) printf("\n%s told Slipway:\n", platforms[p]);
            begun = true;
            printf("%s%s%s", sim_json_text(webhook, "type"), detail != NULL ? " " : "",
                   detail != NULL ? detail : "");
            if (status != 200) printf(" (answered %lld)", status);
            printf("\n");
        }
    }
}
