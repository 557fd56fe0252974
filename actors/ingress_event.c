/* ingress_event.c -- events from Slack: that it was uninstalled, or its tokens revoked, to auth; what became of a channel, to
 * notifier; see ingress.h.
 *
 * They concern the installation that Slack names in `authorizations`: an organization's id where all
 * of it installed Slipway, else the workspace's, also within an organization. */
#include "actors/form.h"
#include "actors/ingress_priv.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_BYTES 1024
#define DEDUPE_MS (24 * 3600 * 1000LL) /* Slack may send it again for so long */
#define EVENT_ID_MAX 64
#define IDS_MAX 100
#define CHANNEL_LENGTH 80

static bool is_id(const char *text) {
    return sw_is_slack_id(text, strlen(text));
}

/* Whose event it is, or "". */
static const char *inst_of(const json_t *event) {
    const json_t *whose = json_array_get(json_object_get(event, "authorizations"), 0);
    if (!json_is_object(whose)) whose = event; /* after an uninstall there may be none left */
    const bool org = json_is_true(json_object_get(whose, "is_enterprise_install"));
    const char *const of_team[] = {sw_str(whose, "team_id"), sw_str(event, "team_id")};
    const char *const of_org[] = {sw_str(whose, "enterprise_id"), sw_str(event, "enterprise_id")};
    const char *team = *of_team[0] ? of_team[0] : of_team[1];
    const char *id = !org && *team ? team : *of_org[0] ? of_org[0] : of_org[1];
    return is_id(id) ? id : "";
}

/* Who is told; NULL: nobody. */
static const char *actor_of(const char *type) {
    static const char *const ends[] = {"app_uninstalled", "tokens_revoked", NULL};
    static const char *const channels[] = {"channel_rename",
                                           "channel_archive",
                                           "channel_unarchive",
                                           "channel_deleted",
                                           "channel_left",
                                           "group_rename",
                                           "group_archive",
                                           "group_unarchive",
                                           "group_deleted",
                                           "group_left",
                                           NULL};
    if (sw_is_among(type, ends)) return "auth";
    return sw_is_among(type, channels) ? "notifier" : NULL;
}

/* {id, name?}; NULL: none is named. Slack gives the channel whole where its name is new, else its id. */
static json_t *channel_of(const json_t *inner) {
    const json_t *channel = json_object_get(inner, "channel");
    const char *id = json_is_string(channel) ? json_string_value(channel) : sw_str(channel, "id");
    SW_AUTO(sw_text) char *name = sw_text_cut(sw_str(channel, "name"), CHANNEL_LENGTH);
    if (!is_id(id)) return NULL;
    return json_pack("{s:s, s:s*}", "id", id, "name", *name ? name : NULL);
}

/* Whose bot tokens: at most IDS_MAX user ids. Tokens of people are none that we have. */
static void copy_bots(json_t *to, const json_t *from) {
    json_t *ids = json_array(), *id;
    size_t i;
    json_array_foreach(from, i, id) {
        const char *text = json_string_value(id);
        if (text && is_id(text) && json_array_size(ids) < IDS_MAX) json_array_append(ids, id);
    }
    json_object_set_new(to, "bots", ids);
}

/* Takes `channel`. */
static struct sw_msg *message(const struct sw__ask *ask, const json_t *event, const char *inst,
                              json_t *channel) {
    char id[SW_COMMAND_CHARS + 1];
    const json_t *inner = json_object_get(event, "event");
    const json_t *tokens = json_object_get(inner, "tokens");
    const json_int_t now_ms = ask->ctx->now_ms, time_s = sw_int(event, "event_time");
    /* Its clock may be before ours; what is installed after this came is not of before it. */
    const bool said = time_s > 0 && time_s <= now_ms / 1000;
    const char *app = sw_str(event, "api_app_id");
    sw_command_id(ask->ctx, 0, id);
    struct sw_msg *m = sw_msg_create(SW_KIND_EVENT, id, inst, ask->ctx->now_ms);
    json_object_update_new(m->body,
                           json_pack("{s:s, s:s, s:s, s:I}", "source", "slack", "type",
                                     sw_str(inner, "type"), "event_id", sw_str(event, "event_id"),
                                     "at_ms", said ? time_s * 1000 : now_ms));
    if (channel) {
        json_object_set_new(m->body, "channel", channel);
        return m;
    }
    if (is_id(app)) json_object_set_new(m->body, "app", json_string(app));
    if (tokens) copy_bots(m->body, json_object_get(tokens, "bot"));
    return m;
}

static void take_in(const struct sw__ask *ask, const json_t *event, struct sw_decision *d) {
    const json_t *inner = json_object_get(event, "event");
    const char *actor = actor_of(sw_str(inner, "type"));
    const char *id = sw_str(event, "event_id"), *inst = inst_of(event);
    SW_AUTO(sw_json) json_t *channel = NULL;
    if (!actor) {
        d->refused = "ignored"; /* counted, and Slack need not repeat it */
        d->reply = sw__reply(200, NULL, NULL);
        return;
    }
    const bool of_channel = !strcmp(actor, "notifier");
    if (of_channel) channel = channel_of(inner);
    if (!inst[0] || !id[0] || strlen(id) > EVENT_ID_MAX || !sw__is_printable(id, strlen(id)) ||
        (of_channel && !channel)) {
        sw__refuse(d, 400, "bad_event");
        return;
    }
    struct sw_append *append = sw__append(d, actor, message(ask, event, inst, sw_take(&channel)));
    snprintf(append->dedupe, sizeof(append->dedupe), "slack:%s", id);
    append->dedupe_ms = DEDUPE_MS;
    d->reply = d->duplicate = sw__reply(200, NULL, NULL);
    /* Slack tries again where it is not told 200. */
    d->shed = sw__reply(503, NULL, NULL);
    d->away = sw__reply(503, NULL, NULL);
}

void sw__ingress_slack_event(const struct sw__ask *ask, struct sw_decision *d) {
    char signature[SW_SIGNATURE_HEX + 1];
    if (!sw__is_from_slack(ask, signature, d)) return;
    SW_AUTO(sw_json)
    json_t *event =
        json_loadb(ask->request->body, ask->request->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *challenge = sw_str(event, "challenge");
    if (!json_is_object(event)) {
        sw__refuse(d, 400, "bad_json");
    } else if (strcmp(sw_str(event, "type"), "url_verification") != 0) {
        take_in(ask, event, d);
    } else if (!*challenge || strlen(challenge) > CHALLENGE_BYTES ||
               !sw__is_printable(challenge, strlen(challenge))) {
        sw__refuse(d, 400, "bad_challenge");
    } else {
        d->reply = sw__reply(200, NULL, sw_strdup(challenge));
    }
}
