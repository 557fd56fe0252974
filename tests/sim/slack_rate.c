/* slack_rate.c -- Slack's limits: a message a second and channel, tiers for the other methods; see slack.h.
 *
 * A tier is so many calls a minute of one method by one workspace, which may come at once. Channels
 * are counted whether limits are on or not. */
#include "slack.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *method;
    int per_minute;
} tiers[] = {{"chat.postMessage", 600}, /* of a whole workspace: "several hundred" */
             {"chat.postEphemeral", 100}, {"chat.update", 50},        {"conversations.info", 50},
             {"conversations.join", 50},  {"conversations.open", 50}, {"conversations.list", 20}};

static bool take(struct sim_bucket *bucket, double most, double per_s) {
    int64_t now_ms = sim_mono_ms();
    double tokens = bucket->tokens + (double)(now_ms - bucket->at_ms) / 1000 * per_s;
    bucket->tokens = bucket->at_ms == 0 || tokens > most ? most : tokens;
    bucket->at_ms = now_ms;
    if (bucket->tokens < 1) return false;
    bucket->tokens -= 1;
    return true;
}

static void refuse(struct sim *sim, struct sim_req *req, const char *retry_after_s) {
    sim->slack->rate_refused++;
    sim_reply_header(req, "Retry-After", retry_after_s);
    sim_reply_json(req, 429, json_pack("{s:b, s:s}", "ok", 0, "error", "ratelimited"));
}

bool sim_rate_method(struct sim *sim, struct sim_req *req, const struct sim_team *team) {
    const char *method = strrchr(req->path, '/') + 1;
    for (size_t i = 0; sim->conf.rate_limits && i < SIM_ARRAY_LEN(tiers); i++) {
        if (strcmp(tiers[i].method, method) != 0) continue;
        SIM_FREE char *key = sim_fmt("%s %s", team != NULL ? team->id : "", method);
        struct sim_bucket *bucket = sim_map_get(sim->slack->method_by, key);
        if (bucket == NULL) {
            bucket = sim_alloc(sizeof(*bucket));
            (void)sim_map_put(sim->slack->method_by, key, bucket);
        }
        if (take(bucket, tiers[i].per_minute, tiers[i].per_minute / 60.0)) return true;
        SIM_FREE char *retry_after_s = sim_fmt("%d", 60 / tiers[i].per_minute + 1);
        refuse(sim, req, retry_after_s);
        return false;
    }
    return true;
}

static int within(const struct sim_channel *channel, int64_t now_ms, int64_t span_ms) {
    int n = 0;
    for (uint64_t i = 0; i < SIM_POSTS_KEPT && i < channel->posts; i++) {
        n += channel->post_ms[(channel->posts - 1 - i) % SIM_POSTS_KEPT] > now_ms - span_ms;
    }
    return n;
}

static void count(struct sim_channel *channel) {
    int64_t now_ms = sim_mono_ms();
    channel->post_ms[channel->posts++ % SIM_POSTS_KEPT] = now_ms;
    int second = within(channel, now_ms, 1000), ten = within(channel, now_ms, 10000);
    if (second > channel->most_in_1_s) channel->most_in_1_s = second;
    if (ten > channel->most_in_10_s) channel->most_in_10_s = ten;
}

/* What is refused counts, too: who asks too often is to be seen. */
bool sim_rate_post(struct sim *sim, struct sim_req *req, struct sim_channel *channel) {
    count(channel);
    if (take(&channel->bucket, (double)sim->conf.rate_burst, 1)) return true;
    sim->slack->rate_violations++;
    if (!sim->conf.enforce_rate) return true;
    refuse(sim, req, "1");
    return false;
}

void sim_rate_forget(struct sim_slack *slack) {
    sim_map_destroy(slack->method_by, free);
    slack->method_by = sim_map_create();
}

void sim_rate_show(struct sim *sim, struct sim_req *req) {
    json_t *channels = json_array();
    for (size_t i = 0; i < sim->slack->channels; i++) {
        const struct sim_channel *channel = sim->slack->channel[i];
        if (channel->posts == 0) continue;
        json_array_append_new(channels,
                              json_pack("{s:s, s:s, s:I, s:i, s:i}", "channel", channel->id, "team",
                                        channel->team->id, "posts", (json_int_t)channel->posts,
                                        "most_in_1_s", channel->most_in_1_s, "most_in_10_s",
                                        channel->most_in_10_s));
    }
    sim_reply_json(req, 200,
                   json_pack("{s:I, s:o}", "refused", (json_int_t)sim->slack->rate_refused,
                             "channels", channels));
}
