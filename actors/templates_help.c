/* templates_help.c -- what can be typed, and what was mistyped; see templates.h. */
#include "actors/templates_priv.h"
#include "common/mem.h"
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

/* Takes nothing; `data` is the whole answer's. */
static void put_command(struct sw_mrkdwn *m, const json_t *command, const json_t *data) {
    SW_AUTO(sw_json)
    json_t *one =
        json_pack("{s:O*, s:O*, s:O*}", "usage", json_object_get(command, "usage"), "summary",
                  json_object_get(command, "summary"), "slash", json_object_get(data, "slash"));
    const json_t *examples = json_object_get(command, "examples");
    sw_mrkdwn_fill(m, "{usage:typed}[\n{summary}]", one);
    if (!sw_str(data, "topic")[0] || json_array_size(examples) == 0) return;
    sw_mrkdwn_put(m, "\n");
    put_examples(m, data, examples);
}

static void help(const struct sw_template_in *in, struct sw__card *card) {
    bool topic = sw_str(in->data, "topic")[0] != 0;
    const char *group = "";
    struct sw_mrkdwn m;
    size_t i;
    json_t *command;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    json_array_foreach(json_object_get(in->data, "commands"), i, command) {
        const char *its = sw_str(command, "group");
        bool next = !topic && strcmp(group, its) != 0;
        if (next && m.chars > 0) {
            sw__card_more(card, sw_mrkdwn_end(&m));
            sw_mrkdwn_init(&m, SW_SECTION_MAX);
        }
        sw__card_line(card, &m, 1300);
        if (next) sw_mrkdwn_fill(&m, "[{group:bold}\n]", command);
        put_command(&m, command, in->data);
        group = its;
    }
    sw__card_more(card, sw_mrkdwn_end(&m));
    if (topic) return;
    SW_AUTO(sw_json)
    json_t *hint = json_pack("{s:s, s:O*}", "hint", "help promote", "slash",
                             json_object_get(in->data, "slash"));
    sw__card_small(card,
                   sw_filled("{hint:typed} tells more about one of them.", hint, SW_SECTION_MAX));
}

#define SHOWN 100 /* characters of a line around its mistake */

/* `count` characters on from `text`, or its end. */
static const char *on(const char *text, size_t count) {
    for (; *text && count > 0; count--) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    return text;
}

/* The line, and below it the mark: blanks, then ^. Of a long line, what is around the mark. */
static json_t *marked(const json_t *data) {
    const char *line = sw_str(data, "line"), *mark = sw_str(data, "mark");
    size_t at = strspn(mark, " "), size = strspn(mark + at, "^");
    size_t skip = at > SHOWN / 2 ? at - SHOWN / 2 : 0;
    const char *from = on(line, skip), *to = on(from, SHOWN);
    const char *dots = skip > 0 ? "..." : "";
    if (!line[0] || size == 0) return json_string("");
    if (size > SHOWN - (at - skip)) size = SHOWN - (at - skip);
    SW_AUTO(sw_text)
    char *text = sw_printf("%s%.*s%s\n%*s%.*s", dots, (int)(to - from), from, *to ? "..." : "",
                           (int)(strlen(dots) + at - skip), "", (int)size, mark + at);
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    sw_mrkdwn_pre(&m, text, strlen(text));
    return sw_mrkdwn_end(&m);
}

static void usage(const struct sw_template_in *in, struct sw__card *card) {
    json_t *mark = marked(in->data);
    bool said = json_string_length(mark) > 0; /* so it need not stand below once more */
    sw__card_more(card, mark);
    sw__card_more(card, sw_filled("[It goes like this: {usage:typed}]", in->data, SW_SECTION_MAX));
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    put_examples(&m, in->data, json_object_get(in->data, "examples"));
    sw__card_more(card, sw_mrkdwn_end(&m));
    if (!said) sw__card_small(card, sw_filled("[{line:typed}]", in->data, SW_SECTION_MAX));
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
     .flags = SW__ONLY | SW__BARE,
     .build = usage},
    {0},
};
