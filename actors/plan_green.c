/* plan_green.c -- checks that are not ready yet: offers to wait for them, and waits.
 *
 * The offer is the parent, with two buttons that type `wait` and `cancel`. Nobody is asked twice,
 * and nothing waits for ever. What was shown is deployed: its commit was fixed before. See
 * plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define OFFER_MS (10 * 60 * 1000LL)
#define SPARE_MS (5 * 60 * 1000LL) /* the step's own timer comes first */

bool sw__green_waits(const struct sw__plan *p) {
    return json_object_get(p->state, "green_until_ms") != NULL;
}

static json_t *button(const struct sw__plan *p, const char *label, const char *command,
                      const char *style) {
    SW_AUTO(sw_text) char *line = sw_printf("%s %s", command, p->in->cmd);
    return json_pack("{s:s, s:s, s:s}", "label", label, "line", line, "style", style);
}

/* Only while it has not gone on. */
void sw__green_describe(const struct sw__plan *p, json_t *data) {
    json_t *pending = json_object_get(p->state, "pending");
    bool promote = !strcmp(sw_str(p->state, "kind"), "promote");
    if (!pending) return;
    json_t *buttons = json_array();
    if (!sw__green_waits(p))
        json_array_append_new(
            buttons,
            button(p, promote ? "Promote when green" : "Deploy when green", "wait", "primary"));
    json_array_append_new(buttons, button(p, "Cancel", "cancel", "danger"));
    sw__set(data, "pending", json_incref(pending));
    if (sw__green_waits(p))
        sw__set(data, "until_ms", json_incref(json_object_get(p->state, "green_until_ms")));
    if (json_object_get(p->state, "outcome"))
        json_decref(buttons);
    else
        sw__set(data, "buttons", buttons);
}

int sw__green_pending(struct sw__plan *p, json_t *contexts) {
    json_t *names = json_array(), *one;
    size_t i;
    json_array_foreach(contexts, i, one) json_array_append(names, json_object_get(one, "context"));
    json_decref(contexts);
    bool moved = !json_equal(names, json_object_get(p->state, "pending"));
    sw__set(p->state, "pending", names);
    if (sw__green_waits(p)) {
        if (moved) sw__report_parent(p, "green", false);
        return sw__green_again(p);
    }
    sw__plan_budget(p, OFFER_MS + SPARE_MS);
    sw__report_offer(p, "offered");
    sw__plan_go(p, "offer");
    return 0;
}

static void end_without(struct sw__plan *p, const char *reason) {
    sw__set(p->state, "reason", json_string(reason));
    sw__plan_end(p, "expired", NULL, NULL);
}

/* ---- the offer ---- */

void sw__offer_call(struct sw__plan *p) {
    sw__plan_wait(p, OFFER_MS);
}

void sw__offer_due(struct sw__plan *p) {
    end_without(p, "Nobody said within 10 minutes that it should wait for them.");
}

void sw__offer_go(struct sw__plan *p) {
    json_int_t wait_ms = p->ctx->conf->green_wait_ms;
    sw__set(p->state, "green_until_ms", json_integer(p->ctx->now_ms + wait_ms));
    sw__plan_budget(p, wait_ms + SPARE_MS);
    sw__report_parent(p, "green", false);
    sw__checks_ask(p);
}

/* ---- waiting ---- */

int sw__green_again(struct sw__plan *p) {
    if (p->ctx->now_ms >= sw_int(p->state, "green_until_ms"))
        end_without(p, "They were not green in time.");
    else
        sw__plan_go(p, "green");
    return 0;
}

int sw__green_done(struct sw__plan *p) {
    bool waited = sw__green_waits(p);
    json_object_del(p->state, "pending");
    json_object_del(p->state, "green_until_ms");
    if (waited) {
        sw__poll_moved(p);
        sw__plan_budget(p, SW__WRITE_BUDGET_MS);
        sw__report_thread(p, "github.green", NULL);
    }
    return sw__plan_next(p);
}
