/* admin_type.c -- POST /sim/type: a person types a slash command, signed as Slack signs it. */
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

struct typed {
    struct sim_req *req;
    struct sim_channel *channel;
    const struct sim_user *user;
    char *command, *text, *trigger_id;
};

static void show(struct sim *sim, const struct typed *t, const char *text, bool ephemeral) {
    json_auto_t *args = json_pack("{s:s}", "text", text);
    struct sim_message *m = sim_message_add(sim, t->channel, args);
    m->ephemeral = ephemeral;
    m->only = t->user;
    sim->slack->messages += !ephemeral;
    sim->slack->ephemerals += ephemeral;
}

/* An error of Slack's own, shown to the one who typed. */
static void show_error(struct sim *sim, const struct typed *t, const char *error) {
    SIM_FREE char *text = sim_fmt("%s failed with the error \"%s\"", t->command, error);
    sim->slack->user_errors++;
    show(sim, t, text, true);
}

/* A 200 with a body is an immediate reply; in_channel also shows what was typed. */
static void show_reply(struct sim *sim, const struct typed *t, const struct sim_out_answer *a) {
    bool is_json = a->type != NULL && strncmp(a->type, "application/json", 16) == 0;
    json_auto_t *body = is_json ? json_loadb(a->body, a->body_len, 0, NULL) : NULL;
    const char *type = sim_json_text(body, "response_type");
    bool in_channel = type != NULL && strcmp(type, "in_channel") == 0;
    if (in_channel) {
        SIM_FREE char *typed = sim_fmt("%s %s", t->command, t->text);
        json_auto_t *args = json_pack("{s:s}", "text", typed);
        sim_message_add(sim, t->channel, args)->user = t->user;
    }
    const char *text = is_json ? sim_json_text(body, "text") : a->body;
    if (text == NULL && json_object_get(body, "blocks") == NULL) return;
    if (!is_json) {
        show(sim, t, text, true);
        return;
    }
    struct sim_message *m = sim_message_add(sim, t->channel, body);
    m->ephemeral = !in_channel;
    m->only = t->user;
    sim->slack->messages += in_channel;
    sim->slack->ephemerals += !in_channel;
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct typed *t = arg;
    if (answer->status == 0) {
        show_error(sim, t, answer->timed_out ? "operation_timeout" : "dispatch_failed");
    } else if (answer->status != 200) {
        show_error(sim, t, answer->status < 500 ? "http_client_error" : "http_service_error");
    } else if (answer->body_len != 0) {
        show_reply(sim, t, answer);
    }
    json_t *body = json_stringn(answer->body, answer->body_len);
    sim_reply_json(t->req, 200,
                   json_pack("{s:i, s:o, s:f, s:s}", "status", (int)answer->status, "body",
                             body != NULL ? body : json_null(), "ms", answer->ms, "trigger_id",
                             t->trigger_id));
    sim_req_release(t->req);
    free(t->command);
    free(t->text);
    free(t->trigger_id);
    free(t);
}

static const struct sim_channel *channel_named(const struct sim *sim, const struct sim_team *team,
                                               const char *name, size_t len) {
    for (size_t i = 0; i < sim->slack->channels; i++) {
        const struct sim_channel *c = sim->slack->channel[i];
        if (c->team == team && c->dm == NULL && !c->is_deleted && strlen(c->name) == len &&
            memcmp(c->name, name, len) == 0)
            return c;
    }
    return NULL;
}

/* Slack does so for an app with should_escape: a channel that it knows goes out with its id. */
static void add_text(const struct sim *sim, struct sim_buf *form, const struct sim_team *team,
                     const json_t *text) {
    const char *at = json_string_value(text), *end = at + json_string_length(text);
    struct sim_buf out = {0};
    for (bool blank = true; at < end; blank = at[-1] == ' ') {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        size_t word = (size_t)((space != NULL ? space : end) - at);
        const struct sim_channel *c =
            blank && *at == '#' ? channel_named(sim, team, at + 1, word - 1) : NULL;
        size_t step = c != NULL ? word : 1;
        if (c != NULL) sim_buf_printf(&out, "<#%s|%s>", c->id, c->name);
        if (c == NULL) sim_buf_add(&out, at, step);
        at += step;
    }
    sim_form_add(form, "text", out.len > 0 ? out.data : "", out.len);
    sim_buf_free(&out);
}

static void form_of(const struct sim *sim, struct sim_buf *form, const struct typed *t,
                    const char *path, const json_t *args) {
    const struct sim_team *team = t->channel->team;
    SIM_FREE char *response_url = sim_fmt("%s%s", sim->base, path);
    const json_t *text = json_object_get(args, "text");
    const char *pairs[][2] = {
        {"token", "simulated"},
        {"team_id", team->id},
        {"team_domain", team->domain},
        {"channel_id", t->channel->id},
        {"channel_name", t->channel->name},
        {"user_id", t->user->id},
        {"user_name", t->user->name},
        {"command", t->command},
        {"api_app_id", SIM_SLACK_APP},
        {"is_enterprise_install", sim_install_org_wide(sim, team) ? "true" : "false"},
        {"response_url", response_url},
        {"trigger_id", t->trigger_id}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(pairs); i++) {
        sim_form_add(form, pairs[i][0], pairs[i][1], strlen(pairs[i][1]));
    }
    if (sim->slack_auth->grid) {
        sim_form_add(form, "enterprise_id", SIM_ORG_ID, strlen(SIM_ORG_ID));
        sim_form_add(form, "enterprise_name", SIM_ORG_NAME, strlen(SIM_ORG_NAME));
    }
    add_text(sim, form, team, text);
}

static void typed_send(struct sim *sim, struct typed *t, const json_t *args) {
    /* A test may repeat a trigger, or lie about the time. */
    const char *trigger = sim_json_text(args, "trigger_id");
    t->trigger_id = trigger != NULL ? sim_strdup(trigger) : sim_trigger_new();
    SIM_FREE char *path = sim_url_mint(sim, t->channel, t->user, t->trigger_id, NULL);
    struct sim_buf form = {0};
    form_of(sim, &form, t, path, args);
    sim_req_hold(t->req);
    sim_slack_send(sim, "/slack/commands", &form, args, answered, t);
    sim_buf_free(&form);
}

void sim_admin_type(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    const char *team_id = sim_json_text(args, "team"), *command = sim_json_text(args, "command");
    const struct sim_team *team = sim_team_find(team_id != NULL ? team_id : "T0SIM1");
    const struct sim_user *user =
        team != NULL ? sim_user_find(team, sim_json_text(args, "user")) : NULL;
    struct sim_channel *channel =
        team != NULL ? sim_channel_find(sim, team, sim_json_text(args, "channel")) : NULL;
    if (user == NULL || channel == NULL || sim_json_text(args, "text") == NULL) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {team, user, channel, text} of this workspace.");
        return;
    }
    if (sim->conf.ingress == NULL) {
        sim_reply_error(req, 409, "no_ingress", "No --ingress is set; POST /sim/config {ingress}.");
        return;
    }
    struct typed *t = sim_alloc(sizeof(*t));
    t->req = req;
    t->channel = channel;
    t->user = user;
    t->command = sim_strdup(command != NULL ? command : "/h");
    t->text = sim_strdup(sim_json_text(args, "text"));
    typed_send(sim, t, args);
}
