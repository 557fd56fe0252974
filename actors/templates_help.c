/* templates_help.c -- what can be typed, and what was mistyped; see templates.h. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

static void put_examples(struct sw_mrkdwn *m, const json_t *data, const json_t *examples) {
    size_t i;
    json_t *example;
    json_array_foreach((json_t *)examples, i, example) {
        json_t *one =
            json_pack("{s:O, s:O*}", "example", example, "slash", json_object_get(data, "slash"));
        sw_mrkdwn_put(m, i == 0 ? "For example:" : "");
        sw_mrkdwn_fill(m, "\n{example:typed}", one);
        json_decref(one);
    }
}

static void help(const struct sw_template_in *in, struct sw__card *card) {
    bool topic = sw_str(in->data, "topic")[0] != 0;
    struct sw_mrkdwn m;
    size_t i;
    json_t *command;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    json_array_foreach(json_object_get(in->data, "commands"), i, command) {
        json_t *one = json_pack("{s:O*, s:O*, s:O*}", "usage", json_object_get(command, "usage"),
                                "summary", json_object_get(command, "summary"), "slash",
                                json_object_get(in->data, "slash"));
        sw__card_line(card, &m, 700);
        sw_mrkdwn_fill(&m, "{usage:typed}[\n{summary}]", one);
        json_decref(one);
        if (topic && json_array_size(json_object_get(command, "examples")) > 0) {
            sw_mrkdwn_put(&m, "\n");
            put_examples(&m, in->data, json_object_get(command, "examples"));
        }
    }
    sw__card_more(card, sw_mrkdwn_end(&m));
    if (topic) return;
    json_t *hint = json_pack("{s:s, s:O*}", "hint", "help promote", "slash",
                             json_object_get(in->data, "slash"));
    sw__card_small(card,
                   sw_filled("{hint:typed} tells more about one of them.", hint, SW_SECTION_MAX));
    json_decref(hint);
}

static void usage(const struct sw_template_in *in, struct sw__card *card) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    put_examples(&m, in->data, json_object_get(in->data, "examples"));
    sw__card_more(card, sw_mrkdwn_end(&m));
}

const struct sw__template sw__templates_help[] = {
    {.id = "help",
     .lead = "[{?unknown}I do not know {unknown:code}. ]"
             "[{?suggestion}Did you mean {suggestion:typed}? ]"
             "[{?topic}About {topic:code}:][{!topic}This is what you can type:]",
     .flags = SW__ONLY,
     .build = help},
    {.id = "usage",
     .lead = "I could not read that[: {error}]. Nothing was done.",
     .more = "[It goes like this: {usage:typed}]",
     .flags = SW__ONLY,
     .build = usage},
    {.id = "not_yet",
     .lead = "I understand {name:code}, but this version cannot do it yet. Nothing was done.",
     .flags = SW__ONLY},
    {0},
};
