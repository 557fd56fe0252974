/* slack_view.c -- GET /sim/view: a channel as one person sees it; see slack.h. */
#include "slack.h"

static json_t *message_json(const struct sim_channel *channel, const struct sim_message *m) {
    json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:[]}", "ts", m->ts, "text", m->text, "ephemeral",
                          m->ephemeral, "edited", m->edited, "thread");
    if (m->user != NULL) {
        json_object_set_new(o, "user", json_string(m->user->id));
    } else {
        json_object_set_new(o, "bot", json_string(channel->team->bot_id));
    }
    if (m->blocks != NULL) json_object_set(o, "blocks", m->blocks);
    if (m->attachments != NULL) json_object_set(o, "attachments", m->attachments);
    if (m->metadata != NULL) json_object_set(o, "metadata", m->metadata);
    if (m->thread_ts[0] != '\0') {
        json_object_set_new(o, "thread_ts", json_string(m->thread_ts));
    }
    if (m->broadcast) json_object_set_new(o, "broadcast", json_true());
    return o;
}

/* An ephemeral message whose reader is unknown (its response_url was minted elsewhere) is shown
 * to everybody, else nothing could check it. */
bool sim_message_visible(const struct sim_message *m, const struct sim_user *viewer) {
    return !m->ephemeral || m->only == NULL || m->only == viewer;
}

static json_t *view(const struct sim_channel *channel, const struct sim_user *viewer) {
    json_t *messages = json_array();
    struct sim_map *parents = sim_map_create();
    for (size_t i = 0; i < channel->count; i++) {
        const struct sim_message *m = sim_channel_at(channel, i);
        if (!sim_message_visible(m, viewer)) continue;
        json_t *o = message_json(channel, m);
        json_t *parent = m->thread_ts[0] != '\0' ? sim_map_get(parents, m->thread_ts) : NULL;
        if (parent != NULL) json_array_append(json_object_get(parent, "thread"), o);
        if (parent != NULL && !m->broadcast) {
            json_decref(o);
        } else {
            json_array_append_new(messages, o);
            (void)sim_map_put(parents, m->ts, o);
        }
    }
    sim_map_destroy(parents, NULL);
    return messages;
}

void sim_slack_view(struct sim *sim, struct sim_req *req) {
    const struct sim_team *team = sim_team_find(sim_req_query(req, "team"));
    if (team == NULL) {
        sim_reply_error(req, 404, "not_found", "No such team: T0SIM1 or T0SIM2.");
        return;
    }
    const struct sim_user *viewer = sim_user_find(team, sim_req_query(req, "viewer"));
    struct sim_channel *channel = sim_channel_find(sim, team, sim_req_query(req, "channel"));
    const struct sim_user *dm = sim_user_find(team, sim_req_query(req, "channel"));
    if (channel == NULL && dm != NULL) channel = sim_channel_dm(sim, team, dm);
    if (channel == NULL || (channel->dm != NULL && channel->dm != viewer)) {
        sim_reply_error(req, 404, "not_found", "No such channel for this viewer.");
        return;
    }
    sim_reply_json(req, 200, json_pack("{s:o}", "messages", view(channel, viewer)));
}
