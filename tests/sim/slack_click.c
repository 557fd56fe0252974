/* slack_click.c -- POST /sim/click: a person presses a button, and Slack tells the application with
 * a signed block_actions payload; see slack.h. */
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

struct click {
    struct sim_req *req;
    struct sim_channel *channel;
    const struct sim_user *user;
    const struct sim_message *message; /* only until the payload is written */
    const json_t *button;
    char *block_id, *trigger_id;
};

static void click_free(struct click *click) {
    free(click->block_id);
    free(click->trigger_id);
    free(click);
}

static bool is_it(const json_t *element, const char *action_id) {
    const char *type = sim_json_text(element, "type"), *id = sim_json_text(element, "action_id");
    return type != NULL && id != NULL && strcmp(type, "button") == 0 && strcmp(id, action_id) == 0;
}

/* Finds the button; where the application named no block, Slack does. */
static bool button_find(struct click *click, const char *action_id) {
    size_t i, k;
    json_t *block, *element;
    json_array_foreach(click->message->blocks, i, block) {
        const json_t *accessory = json_object_get(block, "accessory");
        if (is_it(accessory, action_id)) click->button = accessory;
        json_array_foreach(json_object_get(block, "elements"), k, element) {
            if (is_it(element, action_id)) click->button = element;
        }
        if (click->button == NULL) continue;
        const char *id = sim_json_text(block, "block_id");
        click->block_id = id != NULL ? sim_strdup(id) : sim_fmt("b%zu", i);
        return true;
    }
    return false;
}

static json_t *action_json(const struct click *click) {
    static const char *const kept[] = {"action_id", "text", "value", "style", "confirm", "type"};
    int64_t now_ms = sim_now_ms();
    SIM_FREE char *at =
        sim_fmt("%lld.%06lld", (long long)(now_ms / 1000), (long long)(now_ms % 1000) * 1000);
    json_t *action = json_pack("{s:s, s:s}", "block_id", click->block_id, "action_ts", at);
    for (size_t i = 0; i < SIM_ARRAY_LEN(kept); i++) {
        json_t *value = json_object_get(click->button, kept[i]);
        if (value != NULL) json_object_set(action, kept[i], value);
    }
    return action;
}

static json_t *payload_of(const struct sim *sim, const struct click *click, const char *path) {
    const struct sim_team *team = click->channel->team;
    const struct sim_message *message = click->message;
    SIM_FREE char *url = sim_fmt("%s%s", sim->base, path);
    json_t *payload = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:s}, s:s, s:s, s:{s:s, s:s, s:s, s:b}, s:s, s:{s:s, s:s}, s:n, "
        "s:b, s:{s:s, s:s}, s:s, s:{s:{}}, s:[o]}",
        "type", "block_actions", "user", "id", click->user->id, "username", click->user->name,
        "name", click->user->name, "team_id", team->id, "api_app_id", SIM_SLACK_APP, "token",
        "simulated", "container", "type", "message", "message_ts", message->ts, "channel_id",
        click->channel->id, "is_ephemeral", message->ephemeral, "trigger_id", click->trigger_id,
        "team", "id", team->id, "domain", team->domain, "enterprise", "is_enterprise_install",
        sim_install_org_wide(sim, team), "channel", "id", click->channel->id, "name",
        click->channel->name, "response_url", url, "state", "values", "actions",
        action_json(click));
    if (sim->slack_auth->grid) {
        json_object_set_new(payload, "enterprise",
                            json_pack("{s:s, s:s}", "id", SIM_ORG_ID, "name", SIM_ORG_NAME));
    }
    if (message->thread_ts[0] != '\0') {
        json_object_set_new(json_object_get(payload, "container"), "thread_ts",
                            json_string(message->thread_ts));
    }
    /* Of an ephemeral message Slack keeps no copy that it could send. */
    if (!message->ephemeral) {
        json_object_set_new(payload, "message", sim_message_json(click->channel, message));
    }
    return payload;
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct click *click = arg;
    sim->slack->user_errors += answer->status != 200; /* a warning beside the button */
    json_t *body = json_stringn(answer->body, answer->body_len);
    sim_reply_json(click->req, 200,
                   json_pack("{s:i, s:o, s:f, s:s}", "status", (int)answer->status, "body",
                             body != NULL ? body : json_null(), "ms", answer->ms, "trigger_id",
                             click->trigger_id));
    sim_req_release(click->req);
    click_free(click);
}

static void click_send(struct sim *sim, struct click *click, const json_t *args) {
    click->trigger_id = sim_trigger_new();
    SIM_FREE char *path =
        sim_url_mint(sim, click->channel, click->user, click->trigger_id, click->message);
    json_auto_t *payload = payload_of(sim, click, path);
    SIM_FREE char *text = json_dumps(payload, JSON_COMPACT);
    if (text == NULL) abort();
    struct sim_buf form = {0};
    sim_form_add(&form, "payload", text, strlen(text));
    sim_req_hold(click->req);
    sim_slack_send(sim, "/slack/interactive", &form, args, answered, click);
    sim_buf_free(&form);
}

void sim_slack_click(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    const char *team_id = sim_json_text(args, "team"), *action = sim_json_text(args, "action_id");
    const struct sim_team *team = sim_team_find(team_id != NULL ? team_id : "T0SIM1");
    struct click *click = sim_alloc(sizeof(*click));
    click->req = req;
    click->user = team != NULL ? sim_user_find(team, sim_json_text(args, "user")) : NULL;
    click->channel =
        team != NULL ? sim_channel_find(sim, team, sim_json_text(args, "channel")) : NULL;
    if (click->channel != NULL) {
        click->message = sim_message_find(click->channel, sim_json_text(args, "ts"));
    }
    if (click->user == NULL || click->channel == NULL || action == NULL) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {team, user, channel, ts, action_id} of this workspace.");
    } else if (sim->conf.ingress == NULL) {
        sim_reply_error(req, 409, "no_ingress", "No --ingress is set; POST /sim/config {ingress}.");
    } else if (click->message == NULL || !sim_message_visible(click->message, click->user) ||
               !button_find(click, action)) {
        sim_reply_error(req, 404, "not_found", "This person sees no such button.");
    } else {
        click_send(sim, click, args);
        return;
    }
    click_free(click);
}
