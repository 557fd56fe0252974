/* plan_route.c -- which channel hears of a pipeline: looked up as the person who asks, kept by notifier.
 *
 * A person can route only what they see: the pipeline with their Heroku account, and GitHub's events of a repository
 * that their GitHub account sees; without that the route has no repository, and nothing of it comes to the channel.
 * A private channel is one that Slack offered to them (the grammar takes no id that was typed), and the bot has been
 * invited to it by somebody inside: conversations.info cannot say whether this person is in it, too. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define CHANNEL_WAIT_MS 20000

/* What the repository's hook is without a repository. */
static int without(struct sw__plan *p, const char *why) {
    json_object_del(p->state, "repo");
    sw__set(json_object_get(p->state, "hooks"), "github", json_string(why));
    return sw__plan_next(p);
}

int sw__route_repo_start(struct sw__plan *p) {
    sw__set(p->state, "hooks", json_object());
    sw__plan_budget(p, SW__WRITE_BUDGET_MS); /* webhooks of a hundred apps take their time */
    if (json_object_get(p->state, "repo")) {
        sw__plan_go(p, "route_repo");
        return 0;
    }
    if (!sw__plan_has_github(p)) return without(p, "no_account");
    return without(p, strcmp(sw_str(p->state, "unrecorded"), "no_repo") ? "away" : "none");
}

void sw__route_repo_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request_github("GET", "id full_name", "/repos/%s", sw__repo_name(p)));
}

int sw__route_repo_said(struct sw__plan *p, const struct sw__said *said) {
    json_int_t id = sw_int(said->json, "id");
    if (id <= 0) return without(p, "away");
    json_t *repo = json_object_get(p->state, "repo");
    sw__set(repo, "id", json_integer(id));
    if (sw__repo_name_valid(sw_str(said->json, "full_name")))
        sw__set(repo, "name", json_incref(json_object_get(said->json, "full_name")));
    return sw__plan_next(p);
}

void sw__route_repo_trouble(struct sw__plan *p, const struct sw__said *said) {
    (void)without(p, said->kind == SW__SAID_AWAY ? "away" : "denied");
}

/* ---- the channel: only responder asks Slack ---- */

int sw__route_channel_start(struct sw__plan *p) {
    sw__plan_go(p, "route_channel");
    return 0;
}

void sw__route_channel_call(struct sw__plan *p) {
    sw__plan_wait(p, CHANNEL_WAIT_MS); /* its number is the answer's, too */
    sw__plan_send(p, "responder", SW_KIND_CHANNEL,
                  json_pack("{s:O, s:s, s:s, s:b, s:{s:O}}", "who",
                            json_object_get(p->state, "who"), "channel", sw__word(p, "channel"),
                            "from", "executor", "join", 1, "keep", "n",
                            json_object_get(p->state, "n")));
}

/* `error`: Slack's own word, or NULL. */
static void refuse(struct sw__plan *p, const char *reason, json_t *error) {
    sw__plan_fail(p, "error.channel",
                  json_pack("{s:s, s:s, s:O*}", "channel", sw__word(p, "channel"), "reason", reason,
                            "error", error));
}

void sw__route_channel_due(struct sw__plan *p) {
    refuse(p, "away", NULL);
}

int sw__route_channel_heard(struct sw__plan *p) {
    const json_t *body = p->in->body;
    if (!json_is_true(json_object_get(body, "ok"))) {
        refuse(p, sw_str(body, "reason"), json_object_get(body, "error"));
        return 0;
    }
    sw__set(p->state, "channel",
            json_pack("{s:s, s:O*, s:O*}", "channel", sw__word(p, "channel"), "channel_name",
                      json_object_get(body, "name"), "private", json_object_get(body, "private")));
    return sw__plan_next(p);
}

/* ---- what notifier is told: it answers the person, and writes the audit ---- */

/* The end of the plan; takes `body`. */
static int tell(struct sw__plan *p, const char *what, json_t *body) {
    sw__set(body, "who", json_incref(json_object_get(p->state, "who")));
    sw__set(body, "op", json_string(p->in->cmd));
    sw__set(body, "do", json_string(what));
    sw__plan_send(p, "notifier", SW_KIND_ROUTE, body);
    sw__plan_close(p);
    return 0;
}

/* The pipeline as this person sees it, who is answerable for it from now on. */
static json_t *seen(const struct sw__plan *p) {
    const json_t *who = json_object_get(p->state, "who"), *repo = json_object_get(p->state, "repo");
    const json_t *account = json_object_get(p->state, "account");
    json_t *owner = json_pack(
        "{s:O, s:O, s:O, s:O*, s:O*}", "user", json_object_get(who, "user"), "team",
        json_object_get(who, "team"), "channel", json_object_get(who, "channel"), "enterprise",
        json_object_get(who, "enterprise"), "email", json_object_get(account, "email"));
    json_t *apps = json_object_get(p->state, "apps");
    json_t *body =
        json_pack("{s:O, s:o, s:o, s:O}", "pipeline", json_object_get(p->state, "pipeline"), "apps",
                  apps ? json_incref(apps) : json_array(), "owner", owner, "hooks",
                  json_object_get(p->state, "hooks"));
    json_int_t left_out = sw_int(p->state, "left_out");
    if (repo) sw__set(body, "repo", json_incref((json_t *)repo));
    if (left_out > 0) sw__set(body, "left_out", json_integer(left_out));
    return body;
}

int sw__route_add(struct sw__plan *p) {
    static const char *const filters[] = {"only", "stages", "states", "branch"};
    const json_t *command = json_object_get(p->state, "command");
    json_t *body = seen(p), *route = json_object_get(p->state, "channel");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        json_t *filter = json_object_get(command, filters[i]);
        if (filter && !json_is_null(filter)) sw__set(route, filters[i], json_incref(filter));
    }
    sw__set(body, "route", json_incref(route));
    return tell(p, "add", body);
}

int sw__route_resume(struct sw__plan *p) {
    json_t *body = seen(p);
    sw__set(body, "id", json_string(sw__word(p, "id")));
    return tell(p, "resume", body);
}

int sw__route_list(struct sw__plan *p) {
    const char *pipeline = sw__word(p, "pipeline");
    return tell(p, "list", json_pack("{s:s*}", "pipeline", pipeline[0] ? pipeline : NULL));
}

int sw__route_test(struct sw__plan *p) {
    return tell(p, "test", json_pack("{s:s}", "id", sw__word(p, "id")));
}

int sw__why(struct sw__plan *p) {
    return tell(p, "why", json_pack("{s:s}", "id", sw__word(p, "id")));
}

/* A pipeline of the channel, or a route by its id, which may be a name as well: notifier knows. */
int sw__unroute(struct sw__plan *p) {
    const char *pipeline = sw__word(p, "pipeline"), *channel = sw__word(p, "channel");
    json_t *here = json_object_get(json_object_get(p->state, "who"), "channel");
    json_t *body = json_pack("{s:s*, s:o}", "pipeline", pipeline[0] ? pipeline : NULL, "channel",
                             channel[0] ? json_string(channel) : json_incref(here));
    if (!pipeline[0] && sw__forced(p)) sw__set(body, "sure", json_true());
    return tell(p, "remove", body);
}
