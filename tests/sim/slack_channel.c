/* slack_channel.c -- conversations.info, .list and .join, and what its people do to a channel; see slack.h.
 *
 * A private channel that the bot is not in does not exist for it: channel_not_found. */
#include "slack_oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *channel_json(const struct sim *sim, const struct sim_channel *channel) {
    json_int_t since_s = sim->started_ms / 1000 - (json_int_t)400 * 86400;
    if (channel->dm != NULL) {
        return json_pack("{s:s, s:I, s:b, s:b, s:b, s:s}", "id", channel->id, "created", since_s,
                         "is_im", 1, "is_org_shared", 0, "is_archived", 0, "user", channel->dm->id);
    }
    json_t *json = json_pack(
        "{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:s, s:s, s:b}", "id", channel->id,
        "name", channel->name, "is_channel", !channel->is_private, "is_group", channel->is_private,
        "is_im", 0, "is_mpim", 0, "is_private", channel->is_private, "is_archived",
        channel->is_archived, "is_general", 0, "created", since_s, "name_normalized", channel->name,
        "creator", channel->team->users[0].id, "is_member", channel->bot_in);
    json_object_set_new(json, "context_team_id", json_string(channel->team->id));
    json_object_set_new(json, "shared_team_ids", json_pack("[s]", channel->team->id));
    json_object_set_new(json, "previous_names", json_array());
    return json;
}

static bool seen_by_bot(const struct sim_channel *channel) {
    return channel->bot_in || (!channel->is_private && channel->dm == NULL);
}

void sim_slack_info(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, NULL, &caller);
    if (args == NULL) return;
    const char *id = sim_json_text(args, "channel");
    if (id == NULL) id = sim_req_query(req, "channel");
    /* By id only, unlike chat.postMessage. */
    bool by_id = id != NULL && id[0] != '#';
    const struct sim_channel *channel = by_id ? sim_channel_find(sim, caller.team, id) : NULL;
    if (channel == NULL || !seen_by_bot(channel)) {
        sim_slack_refuse(req, "channel_not_found");
        return;
    }
    const char *needed = channel->dm != NULL   ? "im:read"
                         : channel->is_private ? "groups:read"
                                               : "channels:read";
    if (caller.scope != NULL && !sim_scope_has(caller.scope, needed)) {
        sim_slack_scope_missing(req, needed, caller.scope);
        return;
    }
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:o}", "ok", 1, "channel", channel_json(sim, channel)));
}

static const char *arg_text(const struct sim_req *req, const json_t *args, const char *name,
                            const char *otherwise) {
    const char *text = sim_json_text(args, name);
    if (text == NULL) text = sim_req_query(req, name);
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

/* types may be public_channel and private_channel; the cursor is the place to go on from. */
void sim_slack_list(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, NULL, &caller);
    if (args == NULL) return;
    const char *types = arg_text(req, args, "types", "public_channel");
    bool publics = sim_scope_has(types, "public_channel");
    bool privates = sim_scope_has(types, "private_channel");
    const char *needed = publics && !sim_scope_has(caller.scope, "channels:read")  ? "channels:read"
                         : privates && !sim_scope_has(caller.scope, "groups:read") ? "groups:read"
                                                                                   : NULL;
    if (caller.scope != NULL && needed != NULL) {
        sim_slack_scope_missing(req, needed, caller.scope);
        return;
    }
    bool live = strcmp(arg_text(req, args, "exclude_archived", "false"), "true") == 0 ||
                json_is_true(json_object_get(args, "exclude_archived"));
    int64_t limit = strtoll(arg_text(req, args, "limit", "0"), NULL, 10);
    limit = sim_json_int(args, "limit", limit > 0 ? limit : 100);
    size_t i = strtoul(arg_text(req, args, "cursor", "0"), NULL, 10);
    json_t *list = json_array();
    for (; i < sim->slack->channels && (int64_t)json_array_size(list) < limit; i++) {
        const struct sim_channel *channel = sim->slack->channel[i];
        bool wanted = channel->dm == NULL && (channel->is_private ? privates : publics);
        if (!wanted || channel->is_deleted || (live && channel->is_archived)) continue;
        if (caller.team != NULL && channel->team != caller.team) continue;
        if (seen_by_bot(channel)) json_array_append_new(list, channel_json(sim, channel));
    }
    SIM_FREE char *cursor = i < sim->slack->channels ? sim_fmt("%zu", i) : sim_strdup("");
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:o, s:{s:s}}", "ok", 1, "channels", list, "response_metadata",
                             "next_cursor", cursor));
}

void sim_slack_join(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, "channels:join", &caller);
    if (args == NULL) return;
    struct sim_channel *channel =
        sim_channel_find(sim, caller.team, sim_json_text(args, "channel"));
    if (channel == NULL) {
        sim_slack_refuse(req, "channel_not_found");
    } else if (channel->dm != NULL || channel->is_private) {
        sim_slack_refuse(req, "method_not_supported_for_channel_type");
    } else if (channel->is_archived) {
        sim_slack_refuse(req, "is_archived");
    } else {
        json_t *reply = json_pack("{s:b}", "ok", 1);
        if (channel->bot_in) {
            json_object_set_new(reply, "warning", json_string("already_in_channel"));
            json_object_set_new(reply, "response_metadata",
                                json_pack("{s:[s]}", "warnings", "already_in_channel"));
        }
        channel->bot_in = true;
        json_object_set_new(reply, "channel", channel_json(sim, channel));
        sim_reply_json(req, 200, reply);
    }
}

/* Slack's event of what was done: {type, ...} or NULL. */
static json_t *event_of(const struct sim_channel *channel, const char *what, bool was_private) {
    static const struct {
        const char *what, *ending, *by; /* by: the key of who did it */
    } rows[] = {{"archive", "archive", "user"},
                {"unarchive", "unarchive", "user"},
                {"rename", "rename", NULL},
                {"delete", "deleted", "actor_id"},
                {"remove_bot", "left", "actor_id"}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].what, what) != 0) continue;
        int64_t now_ms = sim_now_ms();
        SIM_FREE char *type = sim_fmt("%s_%s", was_private ? "group" : "channel", rows[i].ending);
        SIM_FREE char *ts =
            sim_fmt("%lld.%06lld", (long long)(now_ms / 1000), (long long)(now_ms % 1000 * 1000));
        json_t *event = json_pack("{s:s, s:s}", "type", type, "event_ts", ts);
        if (rows[i].by == NULL) {
            json_object_set_new(event, "channel",
                                json_pack("{s:s, s:b, s:b, s:s, s:s, s:I}", "id", channel->id,
                                          "is_channel", !was_private, "is_mpim", 0, "name",
                                          channel->name, "name_normalized", channel->name,
                                          "created", (json_int_t)(now_ms / 1000)));
        } else {
            json_object_set_new(event, "channel", json_string(channel->id));
            json_object_set_new(event, rows[i].by, json_string(channel->team->users[0].id));
        }
        return event;
    }
    return NULL;
}

static bool name_ok(const char *name) {
    size_t len = name != NULL ? strlen(name) : 0;
    return len >= 1 && len <= 80 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

/* False: it is not known. */
static bool change(struct sim_channel *channel, const char *what, const char *name) {
    bool archive = strcmp(what, "archive") == 0, hide = strcmp(what, "hide") == 0;
    bool invite = strcmp(what, "invite_bot") == 0;
    if (archive || strcmp(what, "unarchive") == 0) {
        channel->is_archived = archive;
    } else if (hide || strcmp(what, "show") == 0) {
        channel->is_private = hide;
    } else if (invite || strcmp(what, "remove_bot") == 0) {
        channel->bot_in = invite;
    } else if (strcmp(what, "delete") == 0) {
        channel->is_deleted = true;
    } else if (strcmp(what, "rename") == 0 && name_ok(name)) {
        snprintf(channel->name, sizeof(channel->name), "%s", name);
    } else {
        return false;
    }
    return true;
}

static struct sim_channel *create(struct sim *sim, const json_t *args) {
    const char *name = sim_json_text(args, "name"), *team_id = sim_json_text(args, "team");
    const struct sim_team *team = sim_team_find(team_id != NULL ? team_id : "T0SIM1");
    char random[9];
    if (team == NULL || !name_ok(name)) return NULL;
    sim_random_hex(random, 8);
    for (char *c = random; *c != '\0'; c++) {
        if (*c >= 'a') *c = (char)(*c - 'a' + 'A');
    }
    SIM_FREE char *id = sim_fmt("C0%s", random);
    struct sim_channel *channel = sim_channel_add(sim->slack, team, id, name);
    channel->bot_in = false;
    return channel;
}

void sim_channel_do(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    const char *what = sim_json_text(args, "do");
    bool creates = what != NULL && strcmp(what, "create") == 0;
    struct sim_channel *channel =
        creates ? create(sim, args) : sim_channel_find(sim, NULL, sim_json_text(args, "channel"));
    bool was_private = channel != NULL && channel->is_private;
    bool was_in = channel != NULL && channel->bot_in;
    if (channel == NULL || what == NULL || channel->dm != NULL ||
        (!creates && !change(channel, what, sim_json_text(args, "name")))) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {channel, do: archive|unarchive|rename|delete|remove_bot|"
                        "invite_bot|hide|show, name?, tell?} or {do: create, name, team?}.");
        return;
    }
    json_t *event = event_of(channel, what, was_private);
    /* Of a private channel only its members hear. */
    bool heard = event != NULL && (was_in || !was_private) &&
                 !json_is_false(json_object_get(args, "tell")) && sim->conf.ingress != NULL;
    const struct sim_install *install = sim_install_find(sim, channel->team->id);
    if (heard && install != NULL) {
        sim_slack_tell(sim, install, event);
    } else {
        json_decref(event);
    }
    sim_reply_json(
        req, 200,
        json_pack("{s:b, s:s, s:s}", "ok", 1, "channel", channel->id, "name", channel->name));
}
