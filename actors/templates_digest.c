/* templates_digest.c -- many subjects in one message; see templates.h and responder_digest.c. */
#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

#define LINE_CHARS 700

static const struct kind {
    const char *kind, *one, *many, *started;
} kinds[] = {
    {"deployment", "deployment", "deployments", "under way"},
    {"deploy", "deploy", "deploys", "under way"},
    {"release", "release", "releases", "under way"},
    {"crash", "crash", "crashes", "under way"},
    {"commit", "commit", "commits", "under way"},
    {"pull", "pull request", "pull requests", "open"},
    {"review", "review app", "review apps", "under way"},
    {"tag", "tag", "tags", "under way"},
    {"app", "change of an app", "changes of apps", "under way"},
};

static const struct kind other = {"", "other thing", "other things", ""};

/* A count of ours; what else stands there counts as none. */
static json_int_t sane(json_int_t n) {
    return n < 0 || n > 1000000 ? 0 : n;
}

static json_int_t sum_of(const json_t *counts) {
    const char *state;
    json_t *n;
    json_int_t sum = 0;
    json_object_foreach((json_t *)counts, state, n) sum += sane(json_integer_value(n));
    return sum;
}

/* "12 commits (2 failed, 3 under way)": of what went well nothing more is said. */
static void put_kind(struct sw_mrkdwn *m, const struct kind *kind, const json_t *counts) {
    json_int_t n = sum_of(counts), failed = sw_int(counts, "failed");
    SW_AUTO(sw_json)
    json_t *data =
        json_pack("{s:I, s:s, s:I, s:I, s:s}", "n", n, "word", n == 1 ? kind->one : kind->many,
                  "failed", failed, "started", sw_int(counts, "started"), "going", kind->started);
    if (n <= 0) return;
    if (m->chars > 0) sw_mrkdwn_put(m, ", ");
    sw_mrkdwn_fill(m, "{n} {word}", data);
    sw_mrkdwn_fill(
        m, failed > 0 ? " ({failed} failed[, {started} {going}])" : "[ ({started} {going})]", data);
}

static json_t *counts_text(const json_t *counts) {
    struct sw_mrkdwn m;
    const char *name;
    json_t *of_kind;
    json_int_t others = 0;
    sw_mrkdwn_init(&m, 500);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        put_kind(&m, &kinds[i], json_object_get(counts, kinds[i].kind));
    json_object_foreach((json_t *)counts, name, of_kind) {
        size_t i = 0;
        while (i < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].kind, name) != 0)
            i++;
        if (i == sizeof(kinds) / sizeof(*kinds)) others += sum_of(of_kind);
    }
    SW_AUTO(sw_json) json_t *rest = json_pack("{s:I}", "rest", others);
    put_kind(&m, &other, rest);
    return sw_mrkdwn_end(&m);
}

/* NULL: what cannot be shown in a line. */
static json_t *line_of(const json_t *item) {
    const json_t *line = json_object_get(item, "line");
    const char *id = sw_str(line, "template");
    if (!strcmp(id, "digest")) return NULL;
    SW_AUTO(sw_json)
    json_t *message = sw_template_render(
        &(struct sw_template_in){.id = id, .data = json_object_get(line, "data")});
    json_t *text = json_object_get(message, "text");
    bool fits = json_string_length(text) > 0 && json_string_length(text) <= LINE_CHARS;
    return fits ? json_incref(text) : NULL;
}

static bool is_failed(const json_t *item) {
    return !strcmp(sw_str(item, "state"), "failed");
}

/* Those that failed first, then the newest. */
static json_t *lines_of(const json_t *items) {
    json_t *lines = json_array();
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = json_array_size(items); i > 0; i--) {
            const json_t *item = json_array_get(items, i - 1);
            if (is_failed(item) != (pass == 0)) continue;
            SW_AUTO(sw_json) json_t *line = line_of(item);
            if (line) json_array_append(lines, line);
        }
    }
    return lines;
}

static void put_line(struct sw_mrkdwn *m, const json_t *item, const json_t *data) {
    (void)data;
    sw_mrkdwn_put(m, json_string_value(item));
}

static json_t *names_of(const json_t *names) {
    struct sw_mrkdwn m;
    size_t i;
    json_t *name;
    sw_mrkdwn_init(&m, 300);
    json_array_foreach((json_t *)names, i, name) {
        sw_mrkdwn_put(&m, i == 0 ? " in " : ", ");
        sw_mrkdwn_bold(&m, json_string_value(name), json_string_length(name));
    }
    return sw_mrkdwn_end(&m);
}

static void build(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *data = in->data;
    SW_AUTO(sw_json) json_t *lines = lines_of(json_object_get(data, "lines"));
    SW_AUTO(sw_json) json_t *names = names_of(json_object_get(data, "pipelines"));
    SW_AUTO(sw_json) json_t *counts = counts_text(json_object_get(data, "counts"));
    json_int_t total = sane(sw_int(data, "total"));
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    SW_AUTO(sw_json) json_t *about = json_pack("{s:I}", "total", total);
    sw_mrkdwn_fill(&m, "*{total} more*", about);
    sw_mrkdwn_put(&m, json_string_value(names));
    if (json_string_length(counts) > 0) sw_mrkdwn_put(&m, ": ");
    sw_mrkdwn_put(&m, json_string_value(counts));
    sw__card_lead(card, sw_mrkdwn_end(&m));
    sw__card_list(card, &(struct sw__list){.items = lines,
                                           .put = put_line,
                                           .line_chars = LINE_CHARS,
                                           .more = total - (json_int_t)json_array_size(lines),
                                           .data = data});
}

const struct sw__template sw__templates_digest[] = {
    {.id = "digest", .flags = SW__BARE, .build = build},
    {0},
};
