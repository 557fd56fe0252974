/* templates.c -- finds the row, fills its words; see templates.h. */
#include "actors/templates.h"

#include "actors/templates_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

static const struct sw__template *const tables[] = {
    sw__templates_help,    sw__templates_login, sw__templates_read,
    sw__templates_promote, sw__templates_error, sw__templates_notice,
};
#define TABLES (sizeof(tables) / sizeof(*tables))

static const struct sw__template unknown = {
    .id = "unknown",
    .lead = "Here is an answer that this version has no words for ({id:code}).",
    .more =
        "It belongs to the command with the id {cmd:code}: whoever runs Slipway can look it up.",
};

void sw__card_add(struct sw__card *card, json_t *block) {
    if (json_array_size(card->blocks) < SW_BLOCKS_MAX) {
        json_array_append_new(card->blocks, block);
    } else {
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

static const struct sw__template *find(const char *id, const json_t *data) {
    for (size_t t = 0; t < TABLES; t++) {
        for (const struct sw__template *row = tables[t]; row->id; row++) {
            if (strcmp(row->id, id) != 0) continue;
            if (!row->when || !strcmp(row->when, sw_str(data, row->key))) return row;
        }
    }
    return NULL;
}

/* What was typed, and by whom where others read it as well. */
static void sign(const struct sw_template_in *in, struct sw__card *card) {
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    if (in->asker) sw_mrkdwn_user(&m, in->asker);
    sw_mrkdwn_fill(&m, in->asker ? "[: {line:typed}]" : "[{line:typed}]", in->data);
    sw__card_small(card, sw_mrkdwn_end(&m));
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
    if (row->lead) sw__card_lead(&card, sw_filled(row->lead, data, SW_SECTION_MAX));
    if (row->more) sw__card_more(&card, sw_filled(row->more, data, SW_SECTION_MAX));
    if (row->build) row->build(in, &card);
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
