/* templates_read.c -- lists: pipelines, one pipeline, releases; see templates.h. */
#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

static void put_count(struct sw_mrkdwn *m, const char *pattern, json_int_t n) {
    SW_AUTO(sw_json) json_t *data = json_pack("{s:I}", "n", n);
    sw_mrkdwn_fill(m, pattern, data);
}

/* A number of things: what is beyond reason is not added up. */
static json_int_t count_of(const json_t *data, const char *key) {
    json_int_t n = sw_int(data, key);
    return n < 0 ? 0 : n > 1000000 ? 1000000 : n;
}

static void put_name(struct sw_mrkdwn *m, const json_t *name, const json_t *data) {
    (void)data;
    sw_mrkdwn_code(m, json_is_string(name) ? json_string_value(name) : "?",
                   json_is_string(name) ? json_string_length(name) : 1);
}

static void pipelines(const struct sw_template_in *in, struct sw__card *card) {
    sw__card_list(card, &(struct sw__list){.items = json_object_get(in->data, "names"),
                                           .put = put_name,
                                           .line_chars = 150,
                                           .between = ", ",
                                           .more = count_of(in->data, "more"),
                                           .hint = "`/h info PIPELINE` shows any one of them.",
                                           .data = in->data});
}

static void pipelines_lead(const struct sw_template_in *in, struct sw__card *card) {
    size_t count = json_array_size(json_object_get(in->data, "names"));
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    if (count == 0) {
        sw_mrkdwn_put(&m, "You can see no pipeline at Heroku. Whoever owns one can add you to it.");
    } else if (count == 1) {
        sw_mrkdwn_put(&m, "You can see one pipeline:");
    } else {
        put_count(&m, "You can see {n} pipelines:", (json_int_t)count + count_of(in->data, "more"));
    }
    sw__card_lead(card, sw_mrkdwn_end(&m));
    pipelines(in, card);
}

static const char *mark_of(const json_t *release) {
    const char *status = sw_str(release, "status");
    if (!strcmp(status, "failed")) return SW__BAD;
    if (!strcmp(status, "pending")) return SW__BUSY;
    return !strcmp(status, "succeeded") ? SW__GOOD : "";
}

/* A stage and its apps: one field. */
static json_t *stage_text(const json_t *stage) {
    const json_t *apps = json_object_get(stage, "apps");
    json_int_t count = count_of(stage, "count"), shown = 0;
    struct sw_mrkdwn m;
    size_t i;
    json_t *app;
    sw_mrkdwn_init(&m, SW_FIELD_MAX);
    sw_mrkdwn_fill(&m, "{stage:bold}", stage);
    json_array_foreach((json_t *)apps, i, app) {
        if (sw_mrkdwn_left(&m) < 300) break;
        bool failed = !strcmp(sw_str(app, "status"), "failed");
        sw_mrkdwn_fill(&m, "\n{name:code}[ {version:v}]", app);
        if (failed) sw_mrkdwn_put(&m, " failed");
        if (!strcmp(sw_str(app, "status"), "pending")) sw_mrkdwn_put(&m, " is being released");
        shown++;
    }
    if (count > shown)
        put_count(&m,
                  shown        ? "\nand {n} more"
                  : count == 1 ? "\n{n} app"
                               : "\n{n} apps",
                  count - shown);
    return sw_mrkdwn_end(&m);
}

static void info(const struct sw_template_in *in, struct sw__card *card) {
    json_t *texts = json_array(), *stage;
    size_t i;
    json_array_foreach(json_object_get(in->data, "stages"), i, stage) {
        json_array_append_new(texts, stage_text(stage));
    }
    if (json_array_size(texts) > 0) {
        sw__card_add(card, sw_block_fields(texts));
    } else {
        json_decref(texts);
        sw__card_more(card, json_string("It has no apps that you can see."));
    }
    sw__card_more(card, sw_filled("[Repository: {repo:bold}][, default branch {branch:code}]"
                                  "[{?unconnected}It is not connected to a repository.]"
                                  "[\nRequired checks: {required:list}]"
                                  "[{?free}\nNo checks are required.]",
                                  in->data, SW_SECTION_MAX));
    sw__card_pipeline(in, card, "id", "Open it at Heroku");
}

static void put_release(struct sw_mrkdwn *m, const json_t *release, const json_t *data) {
    (void)data;
    sw_mrkdwn_put(m, mark_of(release));
    sw_mrkdwn_fill(m,
                   json_is_true(json_object_get(release, "current")) ? "*{version:v}* (runs now)"
                                                                     : "{version:v}",
                   release);
    sw_mrkdwn_fill(m, "[" SW__DOT "{description}][" SW__DOT "{user}][" SW__DOT "{at_ms:date}]",
                   release);
}

static void releases(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *list = json_object_get(in->data, "releases");
    if (json_array_size(list) == 0) sw__card_more(card, json_string("There is none yet."));
    sw__card_list(card, &(struct sw__list){.items = list,
                                           .put = put_release,
                                           .line_chars = 800,
                                           .more = count_of(in->data, "more"),
                                           .hint = "Heroku's dashboard has them all.",
                                           .data = in->data});
}

const struct sw__template sw__templates_read[] = {
    {.id = "pipelines.list", .build = pipelines_lead},
    {.id = "pipelines.info", .lead = "Pipeline {name:bold}", .build = info},
    {.id = "releases.list",
     .lead = "Latest releases of {app:bold} ({pipeline}, {stage}):",
     .build = releases},
    {0},
};
