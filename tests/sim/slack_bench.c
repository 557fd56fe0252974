/* slack_bench.c -- many workspaces with many channels, for measuring; see slack.h.
 *
 * Team n is T0Bnnn, with the user U0Bnnn, the bot U0Knnn and the token xoxb-bench-T0Bnnn; its
 * channels are C0Bnnn and a number. Few messages are kept, so that memory stays flat. */
#include "slack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "xoxb-bench-"
#define KEPT 50

struct place { /* a team and the texts that it points to */
    struct sim_team team;
    struct sim_user users[2];
    char id[8], domain[16], name[16], user[8], bot[8], bot_id[8];
};
/* Teams are looked up by id alone everywhere, as the two of the demo are. */
static struct place *places;
static size_t count;

void sim_bench_create(struct sim_slack *slack, const struct sim_conf *conf) {
    if (conf->bench_teams == 0) return;
    count = (size_t)conf->bench_teams;
    slack->kept = KEPT;
    places = sim_alloc(count * sizeof(*places));
    for (size_t i = 0; i < count; i++) {
        struct place *p = &places[i];
        unsigned n = (unsigned)i % 1000;
        snprintf(p->id, sizeof(p->id), "T0B%03u", n);
        snprintf(p->domain, sizeof(p->domain), "bench-%03u", n);
        snprintf(p->name, sizeof(p->name), "Bench %03u", n);
        snprintf(p->user, sizeof(p->user), "U0B%03u", n);
        snprintf(p->bot, sizeof(p->bot), "U0K%03u", n);
        snprintf(p->bot_id, sizeof(p->bot_id), "B0K%03u", n);
        p->users[0] = (struct sim_user){p->user, "bench"};
        p->team = (struct sim_team){p->id, p->domain, p->name, p->bot, p->bot_id, p->users, NULL};
    }
    for (int i = 0; i < conf->bench_channels; i++) {
        const struct place *p = &places[(size_t)i % count];
        char id[24], name[24];
        snprintf(id, sizeof(id), "C%s%05d", p->id + 1, i);
        snprintf(name, sizeof(name), "bench-%05d", i);
        sim_channel_add(slack, &p->team, id, name);
    }
}

void sim_bench_destroy(void) {
    free(places);
    places = NULL;
    count = 0;
}

const struct sim_team *sim_bench_team(const char *id) {
    if (count == 0 || strlen(id) != 6 || strncmp(id, "T0B", 3) != 0) return NULL;
    size_t n = strtoul(id + 3, NULL, 10);
    return n < count && strcmp(places[n].id, id) == 0 ? &places[n].team : NULL;
}

const struct sim_team *sim_bench_token(const char *token) {
    if (strncmp(token, TOKEN, strlen(TOKEN)) != 0) return NULL;
    return sim_bench_team(token + strlen(TOKEN));
}

void sim_bench_show(struct sim *sim, struct sim_req *req) {
    json_t *teams = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct place *p = &places[i];
        SIM_FREE char *token = sim_fmt(TOKEN "%s", p->id);
        json_array_append_new(teams, json_pack("{s:s, s:s, s:s, s:s, s:[]}", "team", p->id, "token",
                                               token, "bot", p->bot, "user", p->user, "channels"));
    }
    for (size_t i = 0; i < sim->slack->channels; i++) {
        const struct sim_channel *channel = sim->slack->channel[i];
        if (sim_bench_team(channel->team->id) == NULL) continue;
        const json_t *team = json_array_get(teams, strtoul(channel->team->id + 3, NULL, 10));
        json_array_append_new(json_object_get(team, "channels"), json_string(channel->id));
    }
    sim_reply_json(req, 200, json_pack("{s:o}", "teams", teams));
}
