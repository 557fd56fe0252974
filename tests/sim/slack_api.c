/* slack_api.c -- the Web API methods; see slack.h. Every refusal is 200 with ok:false. */
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

void sim_slack_unknown(struct sim *sim, struct sim_req *req) {
    (void)sim;
    SIM_FREE char *method = sim_strdup(strrchr(req->path, '/') + 1);
    sim_reply_json(
        req, 200,
        json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "unknown_method", "req_method", method));
}

static json_t *args_of_form(const struct sim_req *req) {
    json_t *args = sim_form_parse(req->body, req->body_len);
    static const char *const parts[] = {"blocks", "attachments", "metadata"};
    for (size_t i = 0; args != NULL && i < SIM_ARRAY_LEN(parts); i++) {
        const char *text = sim_json_text(args, parts[i]);
        json_t *part = text != NULL ? json_loads(text, 0, NULL) : NULL;
        if (part != NULL) json_object_set_new(args, parts[i], part);
    }
    return args;
}

json_t *sim_slack_enter(struct sim *sim, struct sim_req *req, const char *scope,
                        struct sim_caller *ret) {
    if (!sim_slack_bearer(sim, req, scope, ret) || !sim_rate_method(sim, req, ret->team)) {
        return NULL;
    }
    const char *type = sim_req_header(req, "Content-Type");
    bool form = type == NULL || strncmp(type, "application/json", 16) != 0;
    json_t *args = form ? args_of_form(req) : sim_req_json(req);
    if (!json_is_object(args)) {
        json_decref(args);
        sim_slack_refuse(req, form ? "invalid_form_data" : "invalid_json");
        return NULL;
    }
    return args;
}

static struct sim_channel *channel_of(struct sim *sim, struct sim_req *req, const json_t *args,
                                      const struct sim_caller *caller) {
    const struct sim_team *team = caller->team;
    const char *id = sim_json_text(args, "channel");
    struct sim_channel *channel = sim_channel_find(sim, team, id);
    static const char *const all[] = {"T0SIM1", "T0SIM2"};
    for (size_t i = 0; channel == NULL && i < SIM_ARRAY_LEN(all); i++) {
        const struct sim_team *t = sim_team_find(all[i]);
        const struct sim_user *user = sim_user_find(t, id);
        if (user != NULL && (team == NULL || team == t)) channel = sim_channel_dm(sim, t, user);
    }
    if (channel == NULL) {
        sim_slack_refuse(req, "channel_not_found");
    } else if (channel->is_archived) {
        sim_slack_refuse(req, "is_archived");
    } else if (!channel->bot_in && (channel->is_private || channel->dm != NULL ||
                                    !sim_scope_has(caller->scope, "chat:write.public"))) {
        sim_slack_refuse(req, "not_in_channel");
    } else {
        return channel;
    }
    return NULL;
}

static bool content_ok(struct sim_req *req, const json_t *args, size_t text_max) {
    SIM_FREE char *why = NULL;
    const char *error = sim_block_check(args, text_max, &why);
    if (error == NULL) return true;
    json_t *reply = json_pack("{s:b, s:s}", "ok", 0, "error", error);
    if (why != NULL) {
        json_object_set_new(reply, "errors", json_pack("[s]", why));
        json_object_set_new(reply, "response_metadata", json_pack("{s:[s]}", "messages", why));
    }
    sim_reply_json(req, 200, reply);
    return false;
}

json_t *sim_message_json(const struct sim_channel *channel, const struct sim_message *message) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "message", "user",
                          channel->team->bot_user, "bot_id", channel->team->bot_id, "team",
                          channel->team->id, "ts", message->ts, "text", message->text);
    if (message->blocks != NULL) json_object_set(o, "blocks", message->blocks);
    if (message->metadata != NULL) json_object_set(o, "metadata", message->metadata);
    if (message->thread_ts[0] != '\0') {
        json_object_set_new(o, "thread_ts", json_string(message->thread_ts));
    }
    if (message->broadcast) json_object_set_new(o, "subtype", json_string("thread_broadcast"));
    return o;
}

void sim_slack_post(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, "chat:write", &caller);
    if (args == NULL) return;
    struct sim_channel *channel = channel_of(sim, req, args, &caller);
    if (channel == NULL || !content_ok(req, args, 40000) || !sim_rate_post(sim, req, channel))
        return;
    const struct sim_message *message = sim_message_add(sim, channel, args);
    sim->slack->messages++;
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:s, s:s, s:o}", "ok", 1, "channel", channel->id, "ts",
                             message->ts, "message", sim_message_json(channel, message)));
}

void sim_slack_update(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, "chat:write", &caller);
    if (args == NULL) return;
    struct sim_channel *channel = channel_of(sim, req, args, &caller);
    if (channel == NULL) return;
    struct sim_message *message = sim_message_find(channel, sim_json_text(args, "ts"));
    if (message == NULL || message->ephemeral) {
        sim_slack_refuse(req, "message_not_found");
    } else if (message->user != NULL) {
        sim_slack_refuse(req, "cant_update_message");
    } else if (content_ok(req, args, 4000)) {
        sim_message_set(message, args);
        message->edited = true;
        sim->slack->updates++;
        sim_reply_json(req, 200,
                       json_pack("{s:b, s:s, s:s, s:s, s:o}", "ok", 1, "channel", channel->id, "ts",
                                 message->ts, "text", message->text, "message",
                                 sim_message_json(channel, message)));
    }
}

void sim_slack_ephemeral(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, "chat:write", &caller);
    if (args == NULL) return;
    struct sim_channel *channel = channel_of(sim, req, args, &caller);
    if (channel == NULL || !content_ok(req, args, 40000)) return;
    const struct sim_user *user = sim_user_find(channel->team, sim_json_text(args, "user"));
    if (user == NULL) {
        sim_slack_refuse(req, "user_not_in_channel");
        return;
    }
    if (!sim_rate_post(sim, req, channel)) return;
    struct sim_message *message = sim_message_add(sim, channel, args);
    message->ephemeral = true;
    message->only = user;
    sim->slack->ephemerals++;
    sim_reply_json(req, 200, json_pack("{s:b, s:s}", "ok", 1, "message_ts", message->ts));
}

void sim_slack_open(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    json_auto_t *args = sim_slack_enter(sim, req, "im:write", &caller);
    if (args == NULL) return;
    const char *users = sim_json_text(args, "users");
    if (users == NULL) {
        sim_slack_refuse(req, "users_list_not_supplied");
        return;
    }
    static const char *const all[] = {"T0SIM1", "T0SIM2"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(all); i++) {
        const struct sim_team *t = sim_team_find(all[i]);
        const struct sim_user *user = sim_user_find(t, users);
        if (user == NULL || (caller.team != NULL && caller.team != t)) continue;
        const struct sim_channel *channel = sim_channel_dm(sim, t, user);
        sim_reply_json(req, 200,
                       json_pack("{s:b, s:{s:s}}", "ok", 1, "channel", "id", channel->id));
        return;
    }
    sim_slack_refuse(req, "user_not_found");
}

void sim_slack_auth_test(struct sim *sim, struct sim_req *req) {
    struct sim_caller caller;
    if (!sim_slack_bearer(sim, req, NULL, &caller)) return;
    const struct sim_team *team = caller.team;
    if (team == NULL) team = sim_team_find("T0SIM1");
    bool org = caller.token != NULL && caller.token->team == NULL;
    SIM_FREE char *url = sim_fmt("https://%s.slack.example/", team->domain);
    sim_reply_json(req, 200,
                   json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "ok", 1, "url", url,
                             "team", team->domain, "user", "slipway", "team_id",
                             org ? SIM_ORG_ID : team->id, "user_id",
                             org ? caller.token->install->bot : team->bot_user, "bot_id",
                             team->bot_id, "is_enterprise_install", org));
}
