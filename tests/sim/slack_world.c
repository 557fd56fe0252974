/* slack_world.c -- workspaces, people, channels and the messages in them; see slack.h. */
#include "slack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct sim_user users_1[] = {{"U0ADA", "ada"}, {"U0BOB", "bob"}, {NULL, NULL}};
static const struct sim_user users_2[] = {{"U0CYD", "cyd"}, {NULL, NULL}};
static const struct sim_user channels_1[] = {
    {"C0DEPLOY", "deploys"}, {"C0OPS", "ops"}, {NULL, NULL}};
static const struct sim_user channels_2[] = {{"C0OTHER", "general"}, {NULL, NULL}};
static const struct sim_team teams[] = {
    {"T0SIM1", "sim-one", "Sim One", "U0BOT1", "B0BOT1", users_1, channels_1},
    {"T0SIM2", "sim-two", "Sim Two", "U0BOT2", "B0BOT2", users_2, channels_2},
};

const struct sim_team *sim_team_find(const char *id) {
    for (size_t i = 0; id != NULL && i < SIM_ARRAY_LEN(teams); i++) {
        if (strcmp(teams[i].id, id) == 0) return &teams[i];
    }
    return id != NULL ? sim_bench_team(id) : NULL;
}

const struct sim_user *sim_user_find(const struct sim_team *team, const char *id) {
    for (const struct sim_user *u = team->users; id != NULL && u->id != NULL; u++) {
        if (strcmp(u->id, id) == 0 || strcmp(u->name, id) == 0) return u;
    }
    return NULL;
}

struct sim_channel *sim_channel_add(struct sim_slack *slack, const struct sim_team *team,
                                    const char *id, const char *name) {
    if (slack->channels == slack->channel_room) {
        slack->channel_room = slack->channel_room != 0 ? 2 * slack->channel_room : 64;
        slack->channel = sim_realloc(slack->channel, slack->channel_room * sizeof(*slack->channel));
    }
    struct sim_channel *channel = sim_alloc(sizeof(*channel));
    snprintf(channel->id, sizeof(channel->id), "%s", id);
    snprintf(channel->name, sizeof(channel->name), "%s", name);
    channel->team = team;
    channel->bot_in = true;
    slack->channel[slack->channels++] = channel;
    (void)sim_map_put(slack->channel_by, channel->id, channel);
    return channel;
}

/* What was deleted cannot be found any more. */
struct sim_channel *sim_channel_find(struct sim *sim, const struct sim_team *team, const char *id) {
    if (id == NULL) return NULL;
    struct sim_channel *channel = sim_map_get(sim->slack->channel_by, id);
    for (size_t i = 0; id[0] == '#' && channel == NULL && i < sim->slack->channels; i++) {
        struct sim_channel *one = sim->slack->channel[i];
        bool here = (team == NULL || one->team == team) && !one->is_deleted;
        if (here && strcmp(one->name, id + 1) == 0) channel = one;
    }
    if (channel == NULL || channel->is_deleted) return NULL;
    return team == NULL || channel->team == team ? channel : NULL;
}

struct sim_channel *sim_channel_first(struct sim *sim, const struct sim_team *team) {
    for (size_t i = 0; i < sim->slack->channels; i++) {
        if (sim->slack->channel[i]->team == team) return sim->slack->channel[i];
    }
    return NULL;
}

struct sim_channel *sim_channel_dm(struct sim *sim, const struct sim_team *team,
                                   const struct sim_user *user) {
    char id[24];
    snprintf(id, sizeof(id), "D%s", user->id + 1);
    struct sim_channel *channel = sim_channel_find(sim, team, id);
    if (channel == NULL) channel = sim_channel_add(sim->slack, team, id, "directmessage");
    channel->dm = user;
    return channel;
}

static void message_free(struct sim_message *message) {
    if (message == NULL) return;
    free(message->text);
    json_decref(message->blocks);
    json_decref(message->metadata);
    json_decref(message->attachments);
    free(message);
}

static void next_ts(struct sim_slack *slack, char ret[32]) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (us <= slack->last_ts_us) us = slack->last_ts_us + 1;
    slack->last_ts_us = us;
    snprintf(ret, 32, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

/* In a form it is a text. */
static bool is_on(const json_t *value) {
    const char *text = json_string_value(value);
    return json_is_true(value) || (text != NULL && strcmp(text, "true") == 0);
}

static void set_json(json_t **at, json_t *value) {
    json_decref(*at);
    *at = json_is_object(value) || json_is_array(value) ? json_incref(value) : NULL;
}

void sim_message_set(struct sim_message *message, const json_t *args) {
    const char *text = sim_json_text(args, "text");
    if (text == NULL) text = sim_json_text(args, "markdown_text");
    free(message->text);
    message->text = sim_strdup(text != NULL ? text : "");
    set_json(&message->blocks, json_object_get(args, "blocks"));
    set_json(&message->attachments, json_object_get(args, "attachments"));
    if (json_object_get(args, "metadata") != NULL) {
        set_json(&message->metadata, json_object_get(args, "metadata"));
    }
}

struct sim_message *sim_channel_at(const struct sim_channel *channel, size_t i) {
    return channel->ring[(channel->first + i) % channel->room];
}

static void make_room(const struct sim_slack *slack, struct sim_channel *channel) {
    if (channel->count < channel->room) return;
    if (channel->room >= slack->kept) {
        message_free(channel->ring[channel->first]);
        channel->first = (channel->first + 1) % channel->room;
        channel->count--;
        return;
    }
    size_t room = channel->room != 0 ? 2 * channel->room : 16;
    if (room > slack->kept) room = slack->kept;
    struct sim_message **ring = sim_alloc(room * sizeof(struct sim_message *));
    for (size_t i = 0; i < channel->count; i++) {
        ring[i] = sim_channel_at(channel, i);
    }
    free(channel->ring);
    channel->ring = ring;
    channel->room = room;
    channel->first = 0;
}

struct sim_message *sim_message_add(struct sim *sim, struct sim_channel *channel,
                                    const json_t *args) {
    struct sim_message *message = sim_alloc(sizeof(*message));
    next_ts(sim->slack, message->ts);
    const char *thread_ts = sim_json_text(args, "thread_ts");
    if (thread_ts != NULL) {
        snprintf(message->thread_ts, sizeof(message->thread_ts), "%s", thread_ts);
        message->broadcast = is_on(json_object_get(args, "reply_broadcast"));
    }
    sim_message_set(message, args);
    make_room(sim->slack, channel);
    channel->ring[(channel->first + channel->count++) % channel->room] = message;
    return message;
}

struct sim_message *sim_message_find(const struct sim_channel *channel, const char *ts) {
    for (size_t i = channel->count; ts != NULL && i-- > 0;) {
        struct sim_message *message = sim_channel_at(channel, i);
        if (strcmp(message->ts, ts) == 0) return message;
    }
    return NULL;
}

void sim_message_remove(struct sim_channel *channel, struct sim_message *message) {
    size_t kept = 0;
    for (size_t i = 0; i < channel->count; i++) {
        struct sim_message *m = sim_channel_at(channel, i);
        if (m == message) continue;
        channel->ring[(channel->first + kept++) % channel->room] = m;
    }
    channel->count = kept;
    message_free(message);
}

struct sim_slack *sim_slack_create(const struct sim_conf *conf) {
    struct sim_slack *slack = sim_alloc(sizeof(*slack));
    slack->urls = sim_map_create();
    slack->channel_by = sim_map_create();
    slack->method_by = sim_map_create();
    slack->kept = SIM_CHANNEL_KEPT;
    for (size_t i = 0; i < SIM_ARRAY_LEN(teams); i++) {
        for (const struct sim_user *c = teams[i].channels; c->id != NULL; c++) {
            sim_channel_add(slack, &teams[i], c->id, c->name);
        }
    }
    sim_bench_create(slack, conf);
    for (size_t i = 0; i < slack->channels; i++) {
        struct sim_channel *channel = slack->channel[i];
        memcpy(channel->first_name, channel->name, sizeof(channel->name));
    }
    return slack;
}

static void channel_empty(struct sim_channel *channel) {
    for (; channel->count > 0; channel->count--) {
        message_free(channel->ring[channel->first]);
        channel->first = (channel->first + 1) % channel->room;
    }
    channel->bot_in = true;
    channel->is_private = channel->is_archived = false;
    /* One that somebody made is gone; the others are there again, by their first names. */
    channel->is_deleted = channel->dm == NULL && channel->first_name[0] == '\0';
    if (channel->first_name[0] != '\0') {
        memcpy(channel->name, channel->first_name, sizeof(channel->name));
    }
    channel->bucket = (struct sim_bucket){0};
    channel->posts = 0;
    channel->most_in_1_s = channel->most_in_10_s = 0;
}

void sim_slack_forget(struct sim *sim) {
    struct sim_slack *slack = sim->slack;
    for (size_t i = 0; i < slack->channels; i++) {
        channel_empty(slack->channel[i]);
    }
    sim_url_forget(sim);
    sim_rate_forget(slack);
    slack->messages = slack->ephemerals = slack->updates = 0;
    slack->rate_violations = slack->rate_refused = slack->user_errors = 0;
}

void sim_slack_destroy(struct sim_slack *slack) {
    if (slack == NULL) return;
    for (size_t i = 0; i < slack->channels; i++) {
        channel_empty(slack->channel[i]);
        free(slack->channel[i]->ring);
        free(slack->channel[i]);
    }
    free(slack->channel);
    sim_map_destroy(slack->channel_by, NULL);
    sim_map_destroy(slack->method_by, free);
    sim_map_destroy(slack->urls, sim_url_free);
    sim_bench_destroy();
    free(slack);
}
