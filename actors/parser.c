/* parser.c -- turns what was typed into a typed command; help and mistakes are answered at once.
 *
 * A one-time code leaves the text here, in a box that only the executor opens: neither the command nor the
 * line that goes on holds it, and the box with the text stays behind. */
#include "actors/actors.h"
#include "actors/grammar.h"
#include "common/mem.h"

#include <errno.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct typed {
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    json_t *command; /* sw_grammar_parse */
    json_t *explain; /* sw_grammar_explain */
};

static bool said(const json_t *object, const char *key) {
    return json_is_string(json_object_get(object, key));
}

/* Copies what is said there, under a name of the template's. */
static void copy(json_t *to, const char *name, const json_t *from, const char *key) {
    if (said(from, key)) {
        json_object_set(to, name, json_object_get(from, key));
    }
}

/* Only the person sees it, and nothing follows. Takes `data`. */
static void answer(struct typed *t, const char *template, json_t *data) {
    struct sw_msg *m;

    copy(data, "line", t->explain, "line");
    copy(data, "slash", t->in->body, "command");
    m = sw_send(t->out, "responder", SW_KIND_REPLY,
                json_pack("{s:O, s:s, s:s, s:s, s:o, s:b}", "who",
                          json_object_get(t->in->body, "who"), "op", t->in->cmd, "to", "private",
                          "template", template, "data", data, "final", 1));
    sw_msg_set_box(m, "text", NULL);
}

static json_t *examples_of(const struct sw_command *command) {
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof command->examples / sizeof *command->examples; i++) {
        if (command->examples[i]) {
            json_array_append_new(list, json_string(command->examples[i]));
        }
    }
    return list;
}

/* `route` is also about `route test`. */
static bool is_about(const char *topic, const char *name) {
    size_t size = strlen(topic);

    return !strncmp(topic, name, size) && (!name[size] || name[size] == ' ');
}

/* {commands: [{name, group, usage, summary, examples? (of the topic)}], topic?, unknown?, suggestion?, line, slash}:
 * all commands, or the one that was asked about. */
static void answer_help(struct typed *t) {
    const char *topic = json_string_value(json_object_get(t->explain, "topic"));
    json_t *list = json_array();
    json_t *data = json_pack("{s:o}", "commands", list);
    const struct sw_command *c;

    for (size_t i = 0; (c = sw_grammar_command_at(i)); i++) {
        if (!topic || is_about(topic, c->name)) {
            json_t *examples = topic ? examples_of(c) : NULL;
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o*}", "name", c->name,
                                                  "group", c->group, "usage", c->usage, "summary",
                                                  c->summary, "examples", examples));
        }
    }
    copy(data, "topic", t->explain, "topic");
    copy(data, "unknown", t->explain, "unknown");
    copy(data, "suggestion", t->explain, "suggestion");
    answer(t, "help", data);
}

/* {error, mark, usage, examples, line, slash} */
static void answer_usage(struct typed *t) {
    const struct sw_command *c = sw_grammar_command(sw_str(t->explain, "command"));
    json_t *data = json_pack("{s:s, s:o}", "usage", c->usage, "examples", examples_of(c));

    copy(data, "error", t->explain, "what");
    copy(data, "mark", t->explain, "mark");
    answer(t, "usage", data);
}

/* Whoever reads it takes a NUL for the end: nothing shall become another name by it. */
static void show_nul(json_t *command) {
    const char *key, *text;
    json_t *value;
    void *next;

    json_object_foreach_safe(command, next, key, value) {
        size_t size = json_string_length(value);

        text = json_string_value(value);
        if (text && strlen(text) < size) {
            SW_AUTO(sw_text) char *shown = sw_malloc(3 * size + 1);
            size_t used = 0;

            for (size_t i = 0; i < size; i++) {
                size_t step = text[i] ? 1 : strlen(REPLACEMENT);

                memcpy(shown + used, text[i] ? text + i : REPLACEMENT, step);
                used += step;
            }
            json_string_setn(value, shown, used);
        }
    }
}

static void pass_on(struct typed *t) {
    SW_AUTO(sw_json) json_t *code = json_incref(json_object_get(t->command, "second_factor"));
    struct sw_msg *m;

    json_object_set_new(t->command, "second_factor", json_null());
    show_nul(t->command);
    m = sw_send(t->out, "auth", SW_KIND_COMMAND,
                json_pack("{s:O, s:O, s:O}", "who", json_object_get(t->in->body, "who"), "line",
                          json_object_get(t->explain, "line"), "command", t->command));
    sw_msg_set_box(m, "text", NULL);
    if (json_is_string(code)) {
        sw_box(t->ctx, m, "executor", "code", json_pack("{s:O}", "code", code));
    }
}

/* Slack's own id: #123 may have been typed, but an id begins with a letter. */
static bool is_known(const char *channel) {
    return channel[0] >= 'A' && sw_is_slack_id(channel, strlen(channel));
}

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_json) json_t *box = NULL;
    SW_AUTO(sw_json) json_t *command = NULL;
    SW_AUTO(sw_json) json_t *explain = NULL;
    const json_t *text;
    const char *handler, *channel;
    struct typed t;
    int r;

    r = sw_open(ctx, in, "text", &box);
    if (r < 0) return r;
    text = json_object_get(box, "text");
    if (!json_is_string(text) || !json_is_object(json_object_get(in->body, "who"))) {
        return -EBADMSG;
    }
    command = sw_grammar_parse(json_string_value(text), json_string_length(text));
    explain = sw_grammar_explain(json_string_value(text), json_string_length(text));
    t = (struct typed){ctx, in, out, command, explain};
    handler = sw_str(command, "handler");
    channel = sw_str(command, "channel");
    if (!strcmp(handler, "help")) {
        answer_help(&t);
    } else if (!json_is_true(json_object_get(command, "valid"))) {
        answer_usage(&t);
    } else if (channel[0] && !is_known(channel)) {
        answer(&t, "error.unknown_channel",
               json_pack("{s:O}", "name", json_object_get(command, "channel")));
    } else {
        pass_on(&t);
    }
    return 0;
}

static const char *const kinds[] = {SW_KIND_SLASH, NULL};

const struct sw_actor sw_actor_parser = {
    .name = "parser",
    .kinds = kinds,
    .handle = handle,
};
