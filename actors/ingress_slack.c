/* ingress_slack.c -- slash commands from Slack; clicks are in ingress_click.c, events in ingress_event.c; see ingress.h.
 *
 * The signature is checked over the raw bytes before anything is read, with one exception that Slack
 * makes: ssl_check, which is answered and does nothing. */
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "actors/signature.h"
#include "common/mem.h"

#include <string.h>

#define COMMAND_BYTES 64
#define CHANNEL_NAME_BYTES 256
#define TRIGGER_BYTES 256

#define TOLD(text) "{\"response_type\":\"ephemeral\",\"text\":\"" text "\"}"
#define BUSY                                                                                       \
    TOLD("Slipway still has too many commands of this workspace to do. This one was not run: "     \
         "please try again in a minute.")
#define AWAY                                                                                       \
    TOLD("Slipway could not store this command. It was not run, unless an answer to it appears "   \
         "later: please check before you repeat it.")

enum field {
    TEAM,
    ENTERPRISE,
    ORG_WIDE,
    USER,
    CHANNEL,
    CHANNEL_NAME,
    COMMAND,
    TEXT,
    RESPONSE_URL,
    TRIGGER,
    FIELDS,
};

static const struct {
    const char *name;
    size_t size;
} fields[FIELDS] = {
#define FIELD(text)                                                                                \
    { text, sizeof(text) - 1 }
    [TEAM] = FIELD("team_id"),
    [ENTERPRISE] = FIELD("enterprise_id"),
    [ORG_WIDE] = FIELD("is_enterprise_install"),
    [USER] = FIELD("user_id"),
    [CHANNEL] = FIELD("channel_id"),
    [CHANNEL_NAME] = FIELD("channel_name"),
    [COMMAND] = FIELD("command"),
    [TEXT] = FIELD("text"),
    [RESPONSE_URL] = FIELD("response_url"),
    [TRIGGER] = FIELD("trigger_id"),
#undef FIELD
};

struct slash {
    struct {
        const char *text; /* decoded, not ended; NULL: absent */
        size_t size;
    } field[FIELDS];
    char *decoded;
};

static const struct sw_reply empty = {.status = 200};

/* Something a person can do about, so the person is told; nothing is appended. */
static void tell(struct sw_decision *d, int field, const char *what) {
    d->refused = "bad_form";
    d->reply =
        sw__reply(200, SW__JSON,
                  sw_printf(TOLD("Slipway cannot use what Slack sent: `%s` %s. Nothing was run."),
                            fields[field].name, what));
}

/* Returns a field that came twice, or FIELDS. */
static int read_form(const struct sw_request *request, struct slash *ret) {
    struct sw_form form = {request->body, request->body_size};
    struct sw_pair pair;
    char *to = ret->decoded = sw_malloc(request->body_size + 1);
    while (sw_form_next(&form, &pair)) {
        int i = 0;
        while (i < FIELDS && (fields[i].size != pair.name_size ||
                              memcmp(fields[i].name, pair.name, pair.name_size) != 0)) {
            i++;
        }
        if (i == FIELDS) continue;
        if (ret->field[i].text) return i;
        ret->field[i].text = to;
        ret->field[i].size = sw_form_decode(pair.value, pair.value_size, to);
        to += ret->field[i].size;
    }
    return FIELDS;
}

static bool is(const struct slash *s, int field, const char *text) {
    return s->field[field].size == strlen(text) && s->field[field].text &&
           !memcmp(s->field[field].text, text, strlen(text));
}

static bool has(const struct slash *s, int field) {
    return s->field[field].size > 0;
}

bool sw__is_printable(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e) return false;
    }
    return true;
}

/* "/h": a slash and what follows, in any script, but nothing that breaks a line. */
static bool is_command(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f) return false;
    }
    return size >= 2 && size <= COMMAND_BYTES && text[0] == '/';
}

/* True where all that is needed is there and is what it should be; else the person is told. */
static bool check(const struct sw__ask *ask, const struct slash *s, struct sw_decision *d) {
    const int needed[] = {is(s, ORG_WIDE, "true") ? ENTERPRISE : TEAM, USER, CHANNEL, COMMAND,
                          RESPONSE_URL};
    static const int ids[] = {TEAM, ENTERPRISE, USER, CHANNEL};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (has(s, needed[i])) continue;
        tell(d, needed[i], "is missing");
        return false;
    }
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        int id = ids[i];
        if (!has(s, id) || sw_is_slack_id(s->field[id].text, s->field[id].size)) continue;
        tell(d, id, "is not an id");
        return false;
    }
    if (!is_command(s->field[COMMAND].text, s->field[COMMAND].size)) {
        tell(d, COMMAND, "is not the name of a command");
        return false;
    }
    /* Only Slack's own hooks, or a stolen signing secret could make us post anywhere. */
    if (!sw_conf_is_hook(ask->ctx->conf, s->field[RESPONSE_URL].text,
                         s->field[RESPONSE_URL].size)) {
        tell(d, RESPONSE_URL, "is not an address of Slack's");
        return false;
    }
    return true;
}

static json_t *json_of(const struct slash *s, int field) {
    const char *text = s->field[field].text;
    return sw_text_json(text ? text : "", s->field[field].size, NULL);
}

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new_nocheck(object, key, value);
}

static json_t *who_of(const struct slash *s) {
    json_t *who = json_object();
    set(who, "team", json_of(s, TEAM));
    set(who, "user", json_of(s, USER));
    set(who, "channel", json_of(s, CHANNEL));
    if (has(s, CHANNEL_NAME) && s->field[CHANNEL_NAME].size <= CHANNEL_NAME_BYTES)
        set(who, "channel_name", json_of(s, CHANNEL_NAME));
    if (has(s, ENTERPRISE)) set(who, "enterprise", json_of(s, ENTERPRISE));
    return who;
}

struct sw_msg *sw__typed(const struct sw__ask *ask, const char *inst, json_t *who, json_t *text,
                         json_t *trigger, json_t *url) {
    char id[SW_COMMAND_CHARS + 1];
    sw_command_id(ask->ctx, 0, id);
    struct sw_msg *m = sw_msg_create(SW_KIND_SLASH, id, inst, ask->ctx->now_ms);
    json_t *typed = json_object(), *address = json_object();
    set(m->body, "who", who);
    set(typed, "text", text);
    set(typed, "trigger_id", trigger);
    set(address, "url", url);
    sw_box(ask->ctx, m, "parser", "text", typed);
    sw_box(ask->ctx, m, "responder", "response_url", address);
    return m;
}

/* Takes `text`, the typed text. */
static struct sw_msg *message(const struct sw__ask *ask, const struct slash *s, json_t *text) {
    int owner = is(s, ORG_WIDE, "true") ? ENTERPRISE : TEAM;
    char inst[40] = "";
    memcpy(inst, s->field[owner].text, s->field[owner].size); /* an id: at most 32 */
    struct sw_msg *m =
        sw__typed(ask, inst, who_of(s), text,
                  s->field[TRIGGER].size <= TRIGGER_BYTES ? json_of(s, TRIGGER) : json_string(""),
                  json_of(s, RESPONSE_URL));
    set(m->body, "command", json_of(s, COMMAND));
    return m;
}

static void take_in(const struct sw__ask *ask, const char *signature, struct slash *s,
                    struct sw_decision *d) {
    size_t length;
    int doubled = read_form(ask->request, s);
    if (doubled < FIELDS) {
        tell(d, doubled, "came twice");
        return;
    }
    if (!check(ask, s, d)) return;
    json_t *text =
        sw_text_json(s->field[TEXT].text ? s->field[TEXT].text : "", s->field[TEXT].size, &length);
    if (length > SW__TEXT_LENGTH) {
        json_decref(text);
        tell(d, TEXT, "is longer than 4000 characters");
        return;
    }
    struct sw_append *append = sw__append(d, "parser", message(ask, s, text));
    memcpy(append->dedupe, "sig:", 4);
    memcpy(append->dedupe + 4, signature, SW_SIGNATURE_HEX + 1);
    append->dedupe_ms = SW__DEDUPE_MS;
    append->counted = true;
    d->reply = d->duplicate = empty;
    d->shed = sw__reply(200, SW__JSON, sw_strdup(BUSY));
    d->away = sw__reply(200, SW__JSON, sw_strdup(AWAY));
    /* `slipway send` follows it. Slack, whose triggers are numbers, gets the shorter answer, which is made only once. */
    if (s->field[TRIGGER].size > 5 && !memcmp(s->field[TRIGGER].text, "send.", 5))
        memcpy(d->reply.id, append->m->cmd, SW_COMMAND_CHARS + 1);
}

static bool is_ssl_check(const struct sw_request *request) {
    struct sw_form form = {request->body, request->body_size};
    struct sw_pair pair;
    if (!memmem(request->body, request->body_size, "ssl_check=1", 11)) return false;
    while (sw_form_next(&form, &pair)) {
        if (pair.name_size == 9 && !memcmp(pair.name, "ssl_check", 9) && pair.value_size == 1 &&
            pair.value[0] == '1')
            return true;
    }
    return false;
}

void sw__ingress_slash(const struct sw__ask *ask, struct sw_decision *d) {
    char signature[SW_SIGNATURE_HEX + 1];
    struct slash slash = {0};
    if (is_ssl_check(ask->request)) {
        d->reply = empty;
        return;
    }
    if (!sw__is_from_slack(ask, signature, d)) return;
    take_in(ask, signature, &slash, d);
    free(slash.decoded);
}
