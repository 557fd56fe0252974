/* slack_block.c -- the limits Slack puts on a message; see slack.h.
 *
 * Limits count characters, not bytes. The first thing wrong is reported with a JSON pointer, the
 * way Slack does in response_metadata. */
#include "slack.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 50
#define METADATA_MAX_BYTES 8192

static size_t chars_of(const char *text) {
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

static bool wrong(char **ret_why, const char *what, size_t block, const char *pointer) {
    free(*ret_why);
    *ret_why = sim_fmt("%s [json-pointer:/blocks/%zu%s]", what, block, pointer);
    return false;
}

static bool text_ok(const json_t *text, size_t max, size_t block, const char *pointer, char **why) {
    if (!json_is_object(text)) return wrong(why, "must provide an object", block, pointer);
    const char *type = sim_json_text(text, "type"), *value = sim_json_text(text, "text");
    if (type == NULL || (strcmp(type, "mrkdwn") != 0 && strcmp(type, "plain_text") != 0)) {
        return wrong(why, "must be one of: mrkdwn, plain_text", block, pointer);
    }
    if (value == NULL || value[0] == '\0') {
        return wrong(why, "must be more than 0 characters", block, pointer);
    }
    if (chars_of(value) > max) return wrong(why, "must be less than allowed", block, pointer);
    return true;
}

static bool style_ok(const json_t *object, size_t block, const char *pointer, char **why) {
    const char *style = sim_json_text(object, "style");
    bool known = style == NULL || strcmp(style, "primary") == 0 || strcmp(style, "danger") == 0;
    return known || wrong(why, "must be one of: primary, danger", block, pointer);
}

static bool plain_ok(const json_t *text, size_t max, size_t block, const char *pointer,
                     char **why) {
    const char *type = sim_json_text(text, "type");
    if (type != NULL && strcmp(type, "plain_text") != 0) {
        return wrong(why, "must be plain_text", block, pointer);
    }
    return text_ok(text, max, block, pointer, why);
}

static bool confirm_ok(const json_t *confirm, size_t block, char **why) {
    if (confirm == NULL) return true;
    return plain_ok(json_object_get(confirm, "title"), 100, block, "/elements/confirm/title",
                    why) &&
           text_ok(json_object_get(confirm, "text"), 300, block, "/elements/confirm/text", why) &&
           plain_ok(json_object_get(confirm, "confirm"), 30, block, "/elements/confirm/confirm",
                    why) &&
           plain_ok(json_object_get(confirm, "deny"), 30, block, "/elements/confirm/deny", why) &&
           style_ok(confirm, block, "/elements/confirm/style", why);
}

static bool button_ok(const json_t *element, size_t block, char **why) {
    const char *type = sim_json_text(element, "type");
    if (type == NULL) return wrong(why, "missing required field: type", block, "/elements");
    if (strcmp(type, "button") != 0) return true;
    const char *value = sim_json_text(element, "value"), *url = sim_json_text(element, "url");
    if (value != NULL && chars_of(value) > 2000) {
        return wrong(why, "must be less than 2001 characters", block, "/elements/value");
    }
    if (url != NULL && chars_of(url) > 3000) {
        return wrong(why, "must be less than 3001 characters", block, "/elements/url");
    }
    const char *action = sim_json_text(element, "action_id");
    if (action != NULL && chars_of(action) > 255) {
        return wrong(why, "must be less than 256 characters", block, "/elements/action_id");
    }
    return confirm_ok(json_object_get(element, "confirm"), block, why) &&
           style_ok(element, block, "/elements/style", why) &&
           plain_ok(json_object_get(element, "text"), 75, block, "/elements/text", why);
}

static bool section_ok(const json_t *b, size_t block, char **why) {
    const json_t *text = json_object_get(b, "text"), *fields = json_object_get(b, "fields");
    if (text == NULL && fields == NULL)
        return wrong(why, "missing required field: text", block, "");
    if (text != NULL && !text_ok(text, 3000, block, "/text/text", why)) return false;
    if (json_array_size(fields) > 10) return wrong(why, "no more than 10 items", block, "/fields");
    size_t i;
    json_t *field;
    json_array_foreach(fields, i, field) {
        if (!text_ok(field, 2000, block, "/fields", why)) return false;
    }
    const json_t *accessory = json_object_get(b, "accessory");
    return accessory == NULL || button_ok(accessory, block, why);
}

static bool elements_ok(const json_t *b, size_t block, size_t max, bool context, char **why) {
    const json_t *elements = json_object_get(b, "elements");
    size_t n = json_array_size(elements), i;
    if (n == 0 || n > max) return wrong(why, "wrong number of items", block, "/elements");
    json_t *element;
    json_array_foreach(elements, i, element) {
        const char *type = sim_json_text(element, "type");
        if (type == NULL) return wrong(why, "missing required field: type", block, "/elements");
        if (!context && !button_ok(element, block, why)) return false;
        if (context && strcmp(type, "image") != 0 &&
            !text_ok(element, 3000, block, "/elements/text", why)) {
            return false;
        }
    }
    return true;
}

static bool header_ok(const json_t *b, size_t block, char **why) {
    const json_t *text = json_object_get(b, "text");
    const char *type = sim_json_text(text, "type");
    if (type != NULL && strcmp(type, "plain_text") != 0) {
        return wrong(why, "must be plain_text", block, "/text/type");
    }
    return text_ok(text, 150, block, "/text/text", why);
}

static bool block_ok(const json_t *b, size_t block, char **why) {
    const char *type = sim_json_text(b, "type"), *id = sim_json_text(b, "block_id");
    if (type == NULL) return wrong(why, "missing required field: type", block, "");
    if (id != NULL && chars_of(id) > 255) {
        return wrong(why, "must be less than 256 characters", block, "/block_id");
    }
    if (strcmp(type, "section") == 0) return section_ok(b, block, why);
    if (strcmp(type, "header") == 0) return header_ok(b, block, why);
    if (strcmp(type, "context") == 0) return elements_ok(b, block, 10, true, why);
    if (strcmp(type, "actions") == 0) return elements_ok(b, block, 25, false, why);
    static const char *const others[] = {"divider", "image", "rich_text", "markdown",
                                         "video",   "input", "file"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(others); i++) {
        if (strcmp(type, others[i]) == 0) return true;
    }
    return wrong(why, "unsupported type", block, "/type");
}

/* Two buttons of one name could not be told apart when one is pressed. */
static bool is_new_id(json_t *ids, const json_t *element) {
    const char *id = sim_json_text(element, "action_id");
    if (id == NULL) return true;
    bool is_new = json_object_get(ids, id) == NULL;
    json_object_set_new(ids, id, json_true());
    return is_new;
}

static bool ids_ok(const json_t *blocks, char **why) {
    json_auto_t *ids = json_object();
    size_t i, k;
    json_t *block, *element;
    json_array_foreach(blocks, i, block) {
        bool ok = is_new_id(ids, json_object_get(block, "accessory"));
        json_array_foreach(json_object_get(block, "elements"), k, element) {
            ok = is_new_id(ids, element) && ok;
        }
        if (!ok) return wrong(why, "action_id is already used", i, "/elements/action_id");
    }
    return true;
}

static const char *metadata_check(const json_t *metadata) {
    if (metadata == NULL || json_is_null(metadata)) return NULL;
    if (sim_json_text(metadata, "event_type") == NULL ||
        !json_is_object(json_object_get(metadata, "event_payload"))) {
        return "invalid_metadata_format";
    }
    SIM_FREE char *text = json_dumps(metadata, JSON_COMPACT);
    return text != NULL && strlen(text) > METADATA_MAX_BYTES ? "metadata_too_large" : NULL;
}

const char *sim_block_check(const json_t *args, size_t text_max, char **ret_why) {
    const char *text = sim_json_text(args, "text");
    const json_t *blocks = json_object_get(args, "blocks");
    if (sim_json_text(args, "markdown_text") != NULL) {
        return text != NULL || blocks != NULL ? "markdown_text_conflict" : NULL;
    }
    /* Slack itself takes blocks without text; the sim insists on the notification fallback. */
    if (text == NULL || text[0] == '\0') return "no_text";
    if (chars_of(text) > text_max) return "msg_too_long";
    if (json_array_size(json_object_get(args, "attachments")) > 100) return "too_many_attachments";
    if (blocks != NULL && !json_is_null(blocks)) {
        if (!json_is_array(blocks)) return "invalid_blocks_format";
        if (json_array_size(blocks) > BLOCKS_MAX) {
            *ret_why = sim_fmt("no more than %d items allowed [json-pointer:/blocks]", BLOCKS_MAX);
            return "invalid_blocks";
        }
        size_t i;
        json_t *b;
        json_array_foreach(blocks, i, b) {
            if (!block_ok(b, i, ret_why)) return "invalid_blocks";
        }
        if (!ids_ok(blocks, ret_why)) return "invalid_blocks";
    }
    return metadata_check(json_object_get(args, "metadata"));
}
