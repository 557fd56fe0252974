/* templates.c -- finds the row, fills its words; see templates.h. */
#include "actors/templates.h"

#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

static const struct sw__template *const tables[] = {
    sw__templates_github, /* before those whose other variants it completes */
    sw__templates_help,    sw__templates_login,  sw__templates_read,    sw__templates_promote,
    sw__templates_op,      sw__templates_error,  sw__templates_notice,  sw__templates_ops,
    sw__templates_hold,    sw__templates_deploy, sw__templates_channel, sw__templates_digest,
    sw__templates_subject, sw__templates_route,
};
#define TABLES (sizeof(tables) / sizeof(*tables))

static const struct sw__template unknown = {
    .id = "unknown",
    .lead = "Here is an answer that this version has no words for ({id:code}).",
    .more =
        "It belongs to the command with the id {cmd:code}: whoever runs Slipway can look it up.",
};

void sw__card_add(struct sw__card *card, json_t *block) {
    if (json_array_size(card->blocks) < SW__BODY_MAX) {
        json_array_append_new(card->blocks, block);
    } else {
        card->cut = true;
        json_decref(block);
    }
}

void sw__card_lead(struct sw__card *card, json_t *text) {
    json_decref(card->text);
    card->text = json_incref(text);
    sw__card_add(card, sw_block_section(text));
}

/* Slack refuses a block without text. */
static bool is_empty(json_t *text) {
    if (json_string_length(text) > 0) return false;
    json_decref(text);
    return true;
}

void sw__card_more(struct sw__card *card, json_t *text) {
    if (!is_empty(text)) sw__card_add(card, sw_block_section(text));
}

void sw__card_small(struct sw__card *card, json_t *text) {
    if (!is_empty(text)) sw__card_add(card, sw_block_context(text));
}

void sw__card_line(struct sw__card *card, struct sw_mrkdwn *m, size_t chars) {
    if (sw_mrkdwn_left(m) < chars) {
        sw__card_more(card, sw_mrkdwn_end(m));
        sw_mrkdwn_init(m, SW_SECTION_MAX);
    } else if (m->chars > 0) {
        sw_mrkdwn_put(m, "\n");
    }
}

/* Only an id of letters, digits and dashes becomes part of an address. */
void sw__card_pipeline(const struct sw_template_in *in, struct sw__card *card, const char *key,
                       const char *words) {
    const char *id = sw_str(in->data, key);
    if (!in->dashboard || !id[0] ||
        id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")] ||
        strpbrk(in->dashboard, "<>|") || strlen(in->dashboard) + strlen(id) > 300)
        return;
    sw__card_small(card, json_sprintf("<%s/pipelines/%s|%s>", in->dashboard, id, words));
}

/* "and N more: ..." at the end, where the list did not fit or did not hold all there are. */
static void put_rest(struct sw__card *card, const struct sw__list *list, json_int_t rest) {
    struct sw_mrkdwn m;
    SW_AUTO(sw_json) json_t *count = json_pack("{s:I}", "n", rest);
    if (rest <= 0) return;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    sw_mrkdwn_fill(&m, "And {n} more", count);
    if (list->hint) sw_mrkdwn_put(&m, ": ");
    sw_mrkdwn_fill(&m, list->hint ? list->hint : ".", list->data);
    sw__card_more(card, sw_mrkdwn_end(&m));
}

void sw__card_list(struct sw__card *card, const struct sw__list *list) {
    const char *between = list->between ? list->between : "\n";
    size_t count = json_array_size(list->items), shown = 0, chars = 0;
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    for (; shown < count && chars + m.chars < SW__LIST_CHARS; shown++) {
        if (sw_mrkdwn_left(&m) < list->line_chars) {
            chars += m.chars;
            sw__card_more(card, sw_mrkdwn_end(&m));
            sw_mrkdwn_init(&m, SW_SECTION_MAX);
        }
        if (m.chars > 0) sw_mrkdwn_put(&m, between);
        list->put(&m, json_array_get(list->items, shown), list->data);
    }
    sw__card_more(card, sw_mrkdwn_end(&m));
    json_int_t more = list->more < 0 ? 0 : list->more > 1000000 ? 1000000 : list->more;
    put_rest(card, list, (json_int_t)(count - shown) + more);
}

static const struct sw__template *find(const char *id, const json_t *data) {
    for (size_t t = 0; t < TABLES; t++) {
        for (const struct sw__template *row = tables[t]; row->id; row++) {
            if (strcmp(row->id, id) != 0) continue;
            if (!row->when || !strcmp(row->when, sw_str(data, row->key))) return row;
        }
    }
    return NULL;
}

/* What has its place in each message, however long its body is. */
static void finish(const json_t *data, struct sw__card *card) {
    json_t *actions = sw_block_actions(json_object_get(data, "buttons"));
    if (card->cut)
        json_array_append_new(
            card->blocks, sw_block_context(json_string(
                              "There is more than one message can show: the rest was left out.")));
    if (actions) json_array_append_new(card->blocks, actions);
}

/* What was typed, and by whom where others read it as well. */
static void sign(const struct sw_template_in *in, struct sw__card *card) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    if (in->asker) sw_mrkdwn_user(&m, in->asker);
    sw_mrkdwn_fill(&m, in->asker ? "[: {line:typed}]" : "[{line:typed}]", in->data);
    json_t *text = sw_mrkdwn_end(&m);
    if (!is_empty(text)) json_array_append_new(card->blocks, sw_block_context(text));
}

json_t *sw_template_render(const struct sw_template_in *in) {
    struct sw__card card = {.text = json_string(""), .blocks = json_array()};
    const struct sw__template *row = find(in->id, in->data);
    SW_AUTO(sw_json) json_t *about = NULL;
    const json_t *data = in->data;
    if (!row) {
        row = &unknown;
        data = about = json_pack("{s:s, s:s}", "id", in->id, "cmd", in->cmd ? in->cmd : "");
    }
    if ((row->flags & SW__PARENT) == SW__PARENT)
        sw__card_small(&card,
                       sw_filled("[{?line}{user:user} typed {line:typed}]", data, SW_SECTION_MAX));
    if (row->lead) sw__card_lead(&card, sw_filled(row->lead, data, SW_SECTION_MAX));
    if (row->more) sw__card_more(&card, sw_filled(row->more, data, SW_SECTION_MAX));
    if (row->build) row->build(in, &card);
    finish(data, &card);
    if (!(row->flags & SW__BARE)) sign(in, &card);
    return json_pack("{s:o, s:o}", "text", card.text, "blocks", card.blocks);
}

bool sw_template_only(const char *id) {
    const struct sw__template *row = find(id, NULL);
    return row && (row->flags & SW__ONLY);
}

const char *sw_template_row(size_t i, const char **ret_when) {
    for (size_t t = 0; t < TABLES; t++) {
        for (const struct sw__template *row = tables[t]; row->id; row++) {
            if (i-- > 0) continue;
            *ret_when = row->when;
            return row->id;
        }
    }
    return NULL;
}
