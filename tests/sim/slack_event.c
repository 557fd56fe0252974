/* slack_event.c -- what Slack tells the application: that an administrator removed it, what becomes of
 * channels; see slack_oauth.h.
 *
 * What is not answered with 2xx in 3 seconds is sent again three times: at once, after a minute and
 * after five more. The second event does not wait for that, only for the first answer to the first. */
#include "slack_oauth.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 4

struct event {
    struct event *next; /* to be sent after the first try of this one, or NULL */
    char *body;
    const char *reason; /* a literal */
    unsigned tries;
    int64_t retry_ms[TRIES - 1];
};

static void event_free(struct event *event) {
    if (event == NULL) return;
    event_free(event->next);
    free(event->body);
    free(event);
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer);

static void event_try(struct sim *sim, void *arg, bool dropped) {
    struct event *event = arg;
    if (dropped || sim->conf.ingress == NULL) {
        event_free(event);
        return;
    }
    sim_slack_send_event(sim, event->body, event->tries, event->reason, answered, event);
    event->tries++;
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct event *event = arg;
    struct event *next = event->next;
    event->next = NULL;
    if (next != NULL) event_try(sim, next, sim->stopping);
    event->reason = answer->timed_out     ? "http_timeout"
                    : answer->status == 0 ? "connection_failed"
                                          : "http_error";
    if (answer->status >= 200 && answer->status < 300) {
        sim->slack_auth->events_delivered++;
        event_free(event);
    } else if (sim->stopping || event->tries == TRIES) {
        sim->slack_auth->events_given_up++;
        event_free(event);
    } else {
        sim_timer_add(sim, event->retry_ms[event->tries - 1], true, event_try, event);
    }
}

static json_t *inner_of(const char *type, const struct sim_install *install) {
    json_t *inner = json_pack("{s:s}", "type", type);
    if (strcmp(type, "tokens_revoked") == 0) {
        json_object_set_new(inner, "tokens",
                            json_pack("{s:[], s:[s]}", "oauth", "bot", install->bot));
    }
    return inner;
}

/* Of the whole organization no workspace is named. */
static char *body_of(const struct sim *sim, const struct sim_install *install, json_t *inner,
                     int64_t event_time_s) {
    bool org = install->team == NULL;
    const char *team = org ? NULL : install->id;
    const char *enterprise = sim->slack_auth->grid || org ? SIM_ORG_ID : NULL;
    char id[12], context[65];
    sim_random_text(id, 11);
    sim_random_hex(context, 64);
    SIM_FREE char *event_id = sim_fmt("Ev%s", id);
    json_auto_t *event = json_pack(
        "{s:s, s:s?, s:s?, s:s, s:o, s:s, s:s, s:I, s:[{s:s?, s:s?, s:s, s:b, s:b}], s:b, s:s}",
        "token", "simulated", "team_id", team, "enterprise_id", enterprise, "api_app_id",
        SIM_SLACK_APP, "event", inner, "type", "event_callback", "event_id", event_id, "event_time",
        (json_int_t)event_time_s, "authorizations", "enterprise_id", enterprise, "team_id", team,
        "user_id", install->bot, "is_bot", 1, "is_enterprise_install", org, "is_ext_shared_channel",
        0, "event_context", context);
    return json_dumps(event, JSON_COMPACT);
}

static bool order_ok(const json_t *order) {
    size_t i;
    json_t *type;
    json_array_foreach(order, i, type) {
        const char *text = json_string_value(type);
        if (text == NULL) return false;
        if (strcmp(text, "app_uninstalled") != 0 && strcmp(text, "tokens_revoked") != 0)
            return false;
    }
    return json_array_size(order) >= 1 && json_array_size(order) <= 8;
}

static const int64_t slacks_ms[TRIES - 1] = {0, 60000, 300000};

void sim_slack_tell(struct sim *sim, const struct sim_install *install, json_t *inner) {
    struct event *event = sim_alloc(sizeof(*event));
    event->body = body_of(sim, install, inner, sim_now_ms() / 1000);
    memcpy(event->retry_ms, slacks_ms, sizeof(slacks_ms));
    event_try(sim, event, false);
}

static struct event *events_of(const struct sim *sim, const struct sim_install *install,
                               const json_t *order, const json_t *args) {
    const json_t *retry_ms = json_object_get(args, "retry_ms");
    int64_t event_time_s = sim_json_int(args, "event_time", sim_now_ms() / 1000);
    struct event *first = NULL, **at = &first;
    size_t i;
    json_t *type;
    json_array_foreach(order, i, type) {
        struct event *event = *at = sim_alloc(sizeof(*event));
        event->body =
            body_of(sim, install, inner_of(json_string_value(type), install), event_time_s);
        for (size_t k = 0; k < SIM_ARRAY_LEN(event->retry_ms); k++) {
            const json_t *own_ms = json_array_get(retry_ms, k);
            event->retry_ms[k] =
                json_is_integer(own_ms) ? json_integer_value(own_ms) : slacks_ms[k];
        }
        at = &event->next;
    }
    return first;
}

/* The tokens end at once, whatever becomes of the events. An order without app_uninstalled is
 * somebody who only takes the tokens back. */
void sim_slack_uninstall(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_req_json(req);
    struct sim_install *install = sim_install_find(sim, sim_json_text(args, "team"));
    json_auto_t *both = json_pack("[s, s]", "app_uninstalled", "tokens_revoked");
    const json_t *order = json_object_get(args, "order");
    if (order == NULL) order = both;
    if (install == NULL || !order_ok(order)) {
        sim_reply_error(req, 422, "invalid_params",
                        "Expected {team: T0SIM1|T0SIM2|E0SIM, order?: [app_uninstalled, "
                        "tokens_revoked], delay_ms?, event_time?, retry_ms?: [3]}.");
        return;
    }
    if (sim->conf.ingress == NULL) {
        sim_reply_error(req, 409, "no_ingress", "No --ingress is set; POST /sim/config {ingress}.");
        return;
    }
    struct event *first = events_of(sim, install, order, args);
    bool gone = false;
    for (size_t i = 0; i < json_array_size(order); i++) {
        gone |= strcmp(json_string_value(json_array_get(order, i)), "app_uninstalled") == 0;
    }
    int count = sim_slack_tokens_end(sim, install, gone ? "account_inactive" : "token_revoked");
    if (gone) {
        install->by = NULL;
        install->scope[0] = '\0';
    }
    sim_timer_add(sim, sim_json_int(args, "delay_ms", 0), true, event_try, first);
    sim_reply_json(req, 200, json_pack("{s:b, s:i}", "ok", 1, "count", count));
}
