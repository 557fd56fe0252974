/* ingress_click.c -- a button that was clicked types a line for whoever clicked it; see ingress.h.
 *
 * The payload is JSON in a form, signed as a slash command is. Only our own buttons type; everything else that Slack
 * sends here (links, menus, views, shortcuts) is answered and counted. */
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "actors/signature.h"
#include "common/mem.h"
#include "common/seal.h"

#include <stdlib.h>
#include <string.h>

#define ACTION "type/" /* what the action_id of our buttons begins with, before a number */
#define NUMBER_DIGITS 4
#define TS_BYTES 32
#define CHANNEL_NAME_BYTES 256
#define TRIGGER_BYTES 256
#define AGAIN_S 15 /* a double click is quicker, a second try slower */

static const struct sw_reply empty = {.status = 200};

struct click { /* borrowed from the payload; "" where absent */
    const char *team, *enterprise, *user, *channel, *channel_name;
    const char *ts, *action, *at, *url, *trigger;
    size_t url_size; /* with a NUL in it, the text seems shorter */
    const json_t *value;
    bool org_wide;
};

static const char *in(const json_t *object, const char *name, const char *key) {
    return sw_str(json_object_get(object, name), key);
}

/* The one field `payload`, as JSON; NULL: there is none, or it is none. */
static json_t *read_payload(const struct sw_request *request) {
    SW_AUTO(sw_text) char *text = NULL;
    struct sw_form form = {request->body, request->body_size};
    struct sw_pair pair;
    size_t size = 0;
    while (sw_form_next(&form, &pair)) {
        if (pair.name_size != 7 || memcmp(pair.name, "payload", 7) != 0) continue;
        if (text) return NULL; /* which of them was signed for? */
        text = sw_malloc(pair.value_size + 1);
        size = sw_form_decode(pair.value, pair.value_size, text);
    }
    return text ? json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL) : NULL;
}

/* "type/0" to "type/9999" */
static bool is_ours(const char *action) {
    const char *number = action + strlen(ACTION);
    if (strncmp(action, ACTION, strlen(ACTION)) != 0) return false;
    size_t digits = strspn(number, "0123456789");
    return digits >= 1 && digits <= NUMBER_DIGITS && number[digits] == '\0';
}

static struct click click_of(const json_t *payload, const json_t *action) {
    const char *ts = in(payload, "container", "message_ts");
    const json_t *org = json_object_get(payload, "is_enterprise_install"); /* a text in commands */
    return (struct click){
        .team = in(payload, "team", "id"),
        .enterprise = in(payload, "enterprise", "id"),
        .user = in(payload, "user", "id"),
        .channel = in(payload, "channel", "id"),
        .channel_name = in(payload, "channel", "name"),
        .ts = *ts ? ts : in(payload, "message", "ts"),
        .action = sw_str(action, "action_id"),
        .at = sw_str(action, "action_ts"),
        .url = sw_str(payload, "response_url"),
        .url_size = json_string_length(json_object_get(payload, "response_url")),
        .trigger = sw_str(payload, "trigger_id"),
        .value = json_object_get(action, "value"),
        .org_wide = json_is_true(org) || !strcmp(sw_str(payload, "is_enterprise_install"), "true"),
    };
}

static bool is_id(const char *text) {
    return sw_is_slack_id(text, strlen(text));
}

static bool is_id_or_absent(const char *text) {
    return !*text || is_id(text);
}

static bool is_ts(const char *text) {
    size_t size = strspn(text, "0123456789.");
    return size >= 1 && size <= TS_BYTES && text[size] == '\0';
}

/* What a slash command must have, and the message, without which a double click would be two commands. */
static bool is_whole(const struct sw__ask *ask, const struct click *c) {
    return is_id(c->org_wide ? c->enterprise : c->team) && is_id_or_absent(c->team) &&
           is_id_or_absent(c->enterprise) && is_id(c->user) && is_id(c->channel) && is_ts(c->ts) &&
           json_is_string(c->value) && json_string_length(c->value) > 0 &&
           sw_conf_is_hook(ask->ctx->conf, c->url, c->url_size);
}

static void set(json_t *object, const char *key, const char *value) {
    if (*value) json_object_set_new_nocheck(object, key, json_string_nocheck(value));
}

static json_t *who_of(const struct click *c) {
    json_t *who =
        json_pack("{s:s, s:s, s:s}", "team", c->team, "user", c->user, "channel", c->channel);
    if (strlen(c->channel_name) <= CHANNEL_NAME_BYTES) set(who, "channel_name", c->channel_name);
    set(who, "enterprise", c->enterprise);
    return who;
}

/* The same button of the same message, clicked by the same person within some seconds: once, however often the request
 * comes. Later it is another click: what it wanted may have failed. The line counts too, because an update may put
 * another one under the same button. */
static void dedupe(const struct click *c, struct sw_append *append) {
    uint8_t hash[32];
    SW_AUTO(sw_text)
    char *text = sw_printf("%s %s %s %s %s %lld %s", c->org_wide ? c->enterprise : c->team,
                           c->channel, c->ts, c->action, c->user,
                           strtoll(c->at, NULL, 10) / AGAIN_S, json_string_value(c->value));
    sw_sha256(text, strlen(text), hash);
    strcpy(append->dedupe, "click:");
    sw_hex(hash, sizeof(hash), append->dedupe + strlen("click:"));
    append->dedupe_ms = SW__DEDUPE_MS;
}

static void take_in(const struct sw__ask *ask, const struct click *c, struct sw_decision *d) {
    size_t length;
    json_t *text = sw_text_json(json_string_value(c->value), json_string_length(c->value), &length);
    if (length > SW__TEXT_LENGTH) {
        json_decref(text);
        sw__refuse(d, 400, "bad_form");
        return;
    }
    struct sw_msg *m = sw__typed(ask, c->org_wide ? c->enterprise : c->team, who_of(c), text,
                                 json_string(strlen(c->trigger) <= TRIGGER_BYTES ? c->trigger : ""),
                                 json_string(c->url));
    struct sw_append *append = sw__append(d, "parser", m);
    append->counted = true;
    dedupe(c, append);
    d->reply = d->duplicate = empty;
    /* Slack shows no text of ours here; that the click failed it shows. */
    d->shed = sw__reply(503, NULL, sw_strdup("busy\n"));
    d->away = sw__reply(503, NULL, sw_strdup("away\n"));
}

void sw__ingress_click(const struct sw__ask *ask, struct sw_decision *d) {
    char signature[SW_SIGNATURE_HEX + 1];
    if (!sw__is_from_slack(ask, signature, d)) return;
    SW_AUTO(sw_json) json_t *payload = read_payload(ask->request);
    const json_t *action = json_array_get(json_object_get(payload, "actions"), 0);
    const struct click click = click_of(payload, action);
    if (!json_is_object(payload)) {
        sw__refuse(d, 400, "bad_json");
    } else if (strcmp(sw_str(payload, "type"), "block_actions") != 0 || !is_ours(click.action)) {
        d->refused = "ignored";
        d->reply = empty;
    } else if (!is_whole(ask, &click)) {
        sw__refuse(d, 400, "bad_form");
    } else {
        take_in(ask, &click, d);
    }
}
