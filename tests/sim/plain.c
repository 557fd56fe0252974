/* plain.c -- mrkdwn and Block Kit to text; see plain.h. */
#include "plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void put(struct sim_buf *out, const char *text) {
    sim_buf_add(out, text, strlen(text));
}

/* One that is not known keeps its id. */
static const char *channel_name(const struct sim_team *team, const char *id) {
    for (const struct sim_user *c = team->channels; c != NULL && c->id != NULL; c++) {
        if (strcmp(c->id, id) == 0) return c->name;
    }
    return id;
}

/* <@U0ADA>, <#C0OPS>, <#C0OPS|ops>, <!here>, <!date^...|fallback>, <url|text>; `len` without the brackets. */
static void put_link(struct sim_buf *out, const char *inner, size_t len,
                     const struct sim_team *team) {
    const char *bar = memchr(inner, '|', len);
    SIM_FREE char *label = bar != NULL ? sim_strndup(bar + 1, len - (size_t)(bar + 1 - inner))
                                       : sim_strndup(inner, len);
    const struct sim_user *user = inner[0] == '@' ? sim_user_find(team, label + 1) : NULL;
    if (user != NULL) {
        sim_buf_printf(out, "@%s", user->name);
    } else if (inner[0] == '#') {
        sim_buf_printf(out, "#%s", bar != NULL ? label : channel_name(team, label + 1));
    } else {
        put(out, label);
    }
}

static size_t entity(const char *at, char *ret) {
    static const char *const known[] = {"&amp;", "&lt;", "&gt;"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(known); i++) {
        if (strncmp(at, known[i], strlen(known[i])) != 0) continue;
        *ret = "&<>"[i];
        return strlen(known[i]);
    }
    return 0;
}

/* A mark opens after a blank or a bracket and closes before one, as in Slack. */
static bool may_open(const char *text, const char *at) {
    return at == text || strchr(" \n(\"*_~`", at[-1]) != NULL;
}

static bool may_close(const char *at) {
    return at[1] == '\0' || strchr(" \n.,:;!?)\"*_~`", at[1]) != NULL;
}

/* Where the mark at `at` is closed, in the same line; NULL: it is a character like others. */
static const char *closing(const char *text, const char *at) {
    if (!may_open(text, at)) return NULL;
    for (const char *end = at + 1; *end != '\0' && *end != '\n'; end++) {
        if (*end == *at && end > at + 1 && end[-1] != ' ' && may_close(end)) return end;
    }
    return NULL;
}

char *sim_plain_text(const char *mrkdwn, const struct sim_team *team) {
    static const char marks[] = "*_~`";
    const char *closes[sizeof(marks) - 1] = {NULL}; /* where those that are open end */
    struct sim_buf out = {0};
    for (const char *at = mrkdwn; *at != '\0';) {
        const char *end = *at == '<' ? strchr(at, '>') : NULL;
        const char *mark = strchr(marks, *at);
        const char **close = mark != NULL ? &closes[mark - marks] : NULL;
        bool in_code = closes[3] != NULL && at != closes[3];
        char c;
        size_t len = entity(at, &c);
        if (end != NULL) {
            put_link(&out, at + 1, (size_t)(end - at - 1), team);
            at = end + 1;
        } else if (len != 0) {
            sim_buf_add(&out, &c, 1);
            at += len;
        } else if (close != NULL && *close == at) {
            *close = NULL;
            at++;
        } else {
            if (close != NULL && !in_code) *close = closing(mrkdwn, at);
            if (close == NULL || in_code || *close == NULL) sim_buf_add(&out, at, 1);
            at++;
        }
    }
    sim_buf_add(&out, "", 0);
    return out.data;
}

static void put_text(struct sim_buf *out, const json_t *text, const struct sim_team *team) {
    const char *mrkdwn =
        json_is_string(text) ? json_string_value(text) : sim_json_text(text, "text");
    if (mrkdwn == NULL) return;
    const char *type = sim_json_text(text, "type");
    bool plain = type != NULL && strcmp(type, "plain_text") == 0;
    SIM_FREE char *shown = plain ? sim_strdup(mrkdwn) : sim_plain_text(mrkdwn, team);
    put(out, shown);
}

static void put_button(struct sim_buf *out, const json_t *element, const struct sim_team *team) {
    const char *type = sim_json_text(element, "type");
    if (type == NULL || strcmp(type, "button") != 0) {
        put_text(out, json_object_get(element, "text"), team);
        return;
    }
    put(out, "[");
    put_text(out, json_object_get(element, "text"), team);
    put(out, "]");
}

static void put_list(struct sim_buf *out, const json_t *list, const char *between,
                     const struct sim_team *team) {
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element) {
        if (i != 0) put(out, between);
        if (json_object_get(element, "action_id") != NULL ||
            sim_json_text(element, "url") != NULL) {
            put_button(out, element, team);
        } else {
            put_text(out, element, team);
        }
    }
    if (json_array_size(list) != 0) put(out, "\n");
}

static void put_block(struct sim_buf *out, const json_t *block, const struct sim_team *team) {
    if (json_object_get(block, "text") != NULL) {
        put_text(out, json_object_get(block, "text"), team);
        put(out, "\n");
    }
    put_list(out, json_object_get(block, "fields"), "\n", team);
    const char *type = sim_json_text(block, "type");
    bool buttons = type != NULL && strcmp(type, "actions") == 0;
    put_list(out, json_object_get(block, "elements"), buttons ? "\n" : "  ", team);
    const json_t *accessory = json_object_get(block, "accessory");
    if (accessory != NULL) {
        put_button(out, accessory, team);
        put(out, "\n");
    }
}

char *sim_plain_message(const json_t *message, const struct sim_team *team) {
    struct sim_buf out = {0};
    const json_t *blocks = json_object_get(message, "blocks");
    size_t i;
    json_t *block;
    json_array_foreach(blocks, i, block) {
        put_block(&out, block, team);
    }
    if (json_array_size(blocks) == 0) {
        put_text(&out, json_object_get(message, "text"), team);
        put(&out, "\n");
    }
    sim_buf_add(&out, "", 0);
    return out.data;
}

/* 8-4-4-4-12 hexadecimal digits. */
static size_t uuid_len(const char *at) {
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? at[i] != '-' : !isxdigit((unsigned char)at[i])) return 0;
    }
    return 36;
}

/* A commit, or the number of something at GitHub: both are longer than any other. */
static size_t id_len(const char *text, const char *at) {
    if (at != text && isalnum((unsigned char)at[-1])) return 0;
    size_t hex = strspn(at, "0123456789abcdef"), digits = strspn(at, "0123456789");
    if (isalnum((unsigned char)at[hex])) return 0;
    return hex == 40 || (hex == digits && digits >= 10) ? hex : 0;
}

/* "7.2 s", "350 ms", "12s": the number's length, 0 when it is not a duration. */
static size_t duration_len(const char *text, const char *at) {
    if (at != text && (isalnum((unsigned char)at[-1]) || at[-1] == '.')) return 0;
    size_t len = strspn(at, "0123456789.");
    const char *unit = at + len + (at[len] == ' ');
    if (len == 0) return 0;
    size_t unit_len = strncmp(unit, "ms", 2) == 0 ? 2 : strncmp(unit, "s", 1) == 0 ? 1 : 0;
    return unit_len != 0 && !isalnum((unsigned char)unit[unit_len]) ? len : 0;
}

char *sim_plain_stable(const char *text) {
    struct sim_buf out = {0};
    for (const char *at = text; *at != '\0';) {
        size_t uuid = uuid_len(at), duration = duration_len(text, at);
        if (uuid == 0) uuid = id_len(text, at);
        if (uuid != 0) {
            put(&out, "\xe2\x80\xa6");
        } else if (duration != 0) {
            put(&out, "N");
        } else {
            sim_buf_add(&out, at, 1);
        }
        at += uuid != 0 ? uuid : duration != 0 ? duration : 1;
    }
    sim_buf_add(&out, "", 0);
    return out.data;
}
