/* slack_hooks.c -- response_urls: who may still post to one, and where it writes; see slack.h. */
#include "slack.h"
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_LIFE_MS (30 * 60 * 1000)
#define URL_USES 5
#define URLS_MAX 1000000
#define URLS_LISTED 1000

struct url {
    struct url *next; /* in the order they were made, which is the order they are forgotten in */
    int64_t made_ms;
    struct sim_channel *channel;
    const struct sim_user *user; /* NULL: minted elsewhere */
    char *trigger_id;            /* NULL: minted elsewhere */
    char source_ts[32];          /* of a click: the message with the button, else "" */
    unsigned uses, refused;
    char path[];
};

void sim_url_free(void *value) {
    struct url *url = value;
    free(url->trigger_id);
    free(url);
}

static void drop_oldest(struct sim_slack *slack) {
    struct url *url = slack->url_first;
    slack->url_first = url->next;
    if (slack->url_first == NULL) slack->url_last = NULL;
    (void)sim_map_take(slack->urls, url->path);
    sim_url_free(url);
}

void sim_url_forget(struct sim *sim) {
    struct sim_slack *slack = sim->slack;
    while (slack->url_first != NULL) {
        drop_oldest(slack);
    }
    memset(slack->url_by_uses, 0, sizeof(slack->url_by_uses));
    slack->url_refused = 0;
}

static struct url *url_add(struct sim_slack *slack, const char *path) {
    /* An hour is kept so that "expired" can still be told from "unknown". */
    int64_t now_ms = sim_mono_ms();
    while (slack->url_first != NULL && (sim_map_count(slack->urls) >= URLS_MAX ||
                                        now_ms - slack->url_first->made_ms > 2 * URL_LIFE_MS)) {
        drop_oldest(slack);
    }
    size_t len = strlen(path);
    struct url *url = sim_alloc(sizeof(*url) + len + 1);
    memcpy(url->path, path, len + 1);
    url->made_ms = now_ms;
    (void)sim_map_put(slack->urls, path, url);
    if (slack->url_last != NULL) slack->url_last->next = url;
    if (slack->url_first == NULL) slack->url_first = url;
    slack->url_last = url;
    slack->url_by_uses[0]++;
    return url;
}

char *sim_url_mint(struct sim *sim, const struct sim_channel *channel, const struct sim_user *user,
                   const char *trigger_id, const struct sim_message *source) {
    char random[25];
    sim_random_text(random, 24);
    sim_token_note(sim, "slack.response_url", random);
    char *path = sim_fmt("/%s/%s/%llu/%s", source != NULL ? "actions" : "commands",
                         channel->team->id, (unsigned long long)++sim->slack->url_minted, random);
    struct url *url = url_add(sim->slack, path);
    url->channel = sim_channel_find(sim, channel->team, channel->id);
    url->user = user;
    url->trigger_id = sim_strdup(trigger_id);
    if (source != NULL) snprintf(url->source_ts, sizeof(url->source_ts), "%s", source->ts);
    return path;
}

static struct url *url_of(struct sim *sim, const struct sim_req *req) {
    struct url *url = sim_map_get(sim->slack->urls, req->path);
    if (url != NULL) return url;
    const struct sim_team *team = sim_team_find(req->arg[0]);
    if (team == NULL) return NULL;
    url = url_add(sim->slack, req->path);
    url->channel = sim_channel_first(sim, team);
    return url;
}

static void refuse(struct sim_req *req, unsigned status, const char *error) {
    if (status == 404) {
        sim_reply_json(req, 404, json_pack("{s:b, s:s}", "ok", 0, "error", error));
    } else {
        sim_reply_text(req, status, "text/plain; charset=utf-8", error);
    }
}

static bool content_ok(struct sim_req *req, const json_t *body) {
    if (!json_is_object(body)) {
        refuse(req, 400, "invalid_payload");
        return false;
    }
    if (json_is_true(json_object_get(body, "delete_original"))) return true;
    SIM_FREE char *why = NULL;
    const char *error = sim_block_check(body, 40000, &why);
    if (error != NULL) refuse(req, 400, error);
    return error == NULL;
}

/* A click's URL may change or remove the message with the button. A slash command's URL never edits
 * an earlier answer, whatever replace_original says. */
static bool edits_source(struct sim *sim, const struct url *url, const json_t *body) {
    struct sim_message *source =
        url->source_ts[0] != '\0' ? sim_message_find(url->channel, url->source_ts) : NULL;
    if (json_is_true(json_object_get(body, "delete_original"))) {
        if (source != NULL) sim_message_remove(url->channel, source);
        return true;
    }
    if (source == NULL || !json_is_true(json_object_get(body, "replace_original"))) return false;
    sim_message_set(source, body);
    source->edited = true;
    sim->slack->updates++;
    return true;
}

static void add_message(struct sim *sim, const struct url *url, const json_t *body) {
    const char *type = sim_json_text(body, "response_type");
    struct sim_message *message = sim_message_add(sim, url->channel, body);
    message->ephemeral = type == NULL || strcmp(type, "in_channel") != 0;
    message->only = url->user;
    sim->slack->messages += !message->ephemeral;
    sim->slack->ephemerals += message->ephemeral;
}

void sim_hooks_post(struct sim *sim, struct sim_req *req) {
    struct url *url = url_of(sim, req);
    if (url == NULL) {
        refuse(req, 404, "no_team");
        return;
    }
    bool expired = sim_mono_ms() - url->made_ms > URL_LIFE_MS;
    if (expired || url->uses >= URL_USES) {
        url->refused++;
        sim->slack->url_refused++;
        refuse(req, 404, expired ? "expired_url" : "used_url");
        return;
    }
    json_auto_t *body = sim_req_json(req);
    if (!content_ok(req, body)) return;
    sim->slack->url_by_uses[url->uses++]--;
    sim->slack->url_by_uses[url->uses]++;
    if (!edits_source(sim, url, body)) add_message(sim, url, body);
    sim_reply_text(req, 200, "text/plain; charset=utf-8", "ok");
}

static json_t *url_json(const struct url *url) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i}", "team", url->channel->team->id, "channel",
                          url->channel->id, "user", url->user->id, "uses", (int)url->uses,
                          "refused", (int)url->refused);
    if (url->trigger_id != NULL) {
        json_object_set_new(o, "trigger_id", json_string(url->trigger_id));
    }
    return o;
}

/* The counts are about all of them; the list has the first ones the sim itself minted. */
json_t *sim_url_state(struct sim *sim) {
    const struct sim_slack *slack = sim->slack;
    json_t *by_uses = json_object(), *list = json_array();
    for (size_t i = 0; i < SIM_ARRAY_LEN(slack->url_by_uses); i++) {
        char name[8];
        snprintf(name, sizeof(name), "%zu", i);
        json_object_set_new(by_uses, name, json_integer((json_int_t)slack->url_by_uses[i]));
    }
    for (const struct url *u = slack->url_first; u != NULL; u = u->next) {
        if (json_array_size(list) == URLS_LISTED) break;
        if (u->user != NULL) json_array_append_new(list, url_json(u));
    }
    return json_pack("{s:I, s:o, s:I, s:o}", "known", (json_int_t)sim_map_count(slack->urls),
                     "by_uses", by_uses, "refused", (json_int_t)slack->url_refused, "list", list);
}
