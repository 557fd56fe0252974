/* intake_hook.c -- webhooks: by the stream where there is one, else to those whom they concern, who are looked up first; see intake.h.
 *
 * Of an event for notifier only its record is kept meanwhile: nothing is left to be decided, and what was sent may be large. */
#include "common/intake_priv.h"

#include "common/mem.h"
#include "common/metrics.h"

#include <hiredis/hiredis.h>

struct hook {
    struct sw_intake *intake;
    struct sw_waiting *waiting; /* NULL: answered */
    struct sw_request request;  /* without a record: to decide again */
    struct sw_decision first;
    json_t *found;   /* installations */
    unsigned asked;  /* Redis servers that owe their part */
    bool incomplete; /* one of them did not say */
    int64_t began_at_ms, deadline_ms;
    char path[64];
    void *place; /* in the list */
};

static void hook_destroy(struct hook *hook) {
    sw_decision_finish(&hook->first);
    json_decref(hook->found);
    free((char *)hook->request.body);
    free((char *)hook->request.path);
    free((char *)hook->request.heroku_hmac);
    free((char *)hook->request.github_event);
    free((char *)hook->request.github_delivery);
    free((char *)hook->request.github_signature);
    free((char *)hook->request.github_hook);
    free(hook);
}

static void done(struct hook *hook) {
    zlistx_detach(hook->intake->hooks, hook->place);
    hook_destroy(hook);
}

static void answer(struct hook *hook, struct sw_reply *with, const char *outcome) {
    if (!hook->waiting) return;
    sw__intake_count(outcome, hook->began_at_ms);
    sw_door_answer(sw_take(&hook->waiting), with);
}

static void away(struct hook *hook) {
    if (hook->waiting && hook->first.record && hook->intake->out)
        sw_metric_add(SW_M_STREAM_PRODUCED, 1, "failed");
    answer(hook, &hook->first.away, "away");
}

/* Who is known is told; where a Redis did not say its part, the sender hears so, and repeats it for the others. */
static void go_on(struct hook *hook) {
    struct sw_intake *intake = hook->intake;
    struct sw_decision d = {0};
    struct sw_ctx ctx;
    if (hook->incomplete && json_array_size(hook->found) == 0) away(hook);
    if (hook->waiting) {
        sw__intake_context(intake->run, &ctx);
        intake->last_number++;
        if (hook->first.record) {
            d = hook->first;
            memset(&hook->first, 0, sizeof(hook->first));
            sw_decision_route(&ctx, "notifier", true, d.record, hook->found, &d);
        } else {
            intake->decide(&ctx, &hook->request, "", hook->found, &d);
        }
        d.partly = hook->incomplete;
        sw__intake_take(intake, sw_take(&hook->waiting), &d, hook->path, hook->began_at_ms);
    }
    done(hook);
}

static void on_installations(void *arg, const redisReply *r) {
    struct hook *hook = arg;
    bool said = r && r->type == REDIS_REPLY_ARRAY;
    if (!said) hook->incomplete = true;
    for (size_t i = 0; said && i < r->elements; i++)
        json_array_append_new(hook->found, json_string(r->element[i]->str));
    if (--hook->asked == 0) go_on(hook);
}

/* Each Redis knows those of its own shards. */
static void look_up(struct hook *hook) {
    struct sw_run *run = hook->intake->run;
    char key[160];
    snprintf(key, sizeof(key), "sw:src:%s", hook->first.source);
    hook->deadline_ms = sw__boot_ms() + SW__ANSWER_MS;
    hook->found = json_array();
    hook->asked = run->ledgers;
    for (unsigned i = 0; i < run->ledgers; i++) {
        if (sw_redis_words(run->ledger[i].redis, on_installations, hook, "SMEMBERS", key, NULL) < 0)
            on_installations(hook, NULL);
    }
}

static void on_produced(void *arg, bool ok) {
    struct hook *hook = arg;
    sw_metric_add(SW_M_STREAM_PRODUCED, 1, ok ? "ok" : "ledger");
    if (!ok) {
        look_up(hook);
        return;
    }
    answer(hook, &hook->first.reply, "ok");
    done(hook);
}

static struct sw_request copy_of(const struct sw_request *request) {
    char *body = sw_malloc(request->body_size + 1);
    memcpy(body, request->body, request->body_size);
    body[request->body_size] = 0;
    return (struct sw_request){.method = "POST",
                               .path = sw_strdup(request->path),
                               .query = "",
                               .body = body,
                               .body_size = request->body_size,
                               .content_type = "application/json",
                               .cookie = "",
                               .authorization = "",
                               .slack_signature = "",
                               .slack_timestamp = "",
                               .heroku_hmac = sw_strdup(request->heroku_hmac),
                               .github_event = sw_strdup(request->github_event),
                               .github_delivery = sw_strdup(request->github_delivery),
                               .github_signature = sw_strdup(request->github_signature),
                               .github_hook = sw_strdup(request->github_hook)};
}

void sw__intake_hook(struct sw_intake *intake, struct sw_waiting *waiting,
                     const struct sw_request *request, struct sw_decision *d) {
    struct hook *hook = sw_zalloc(sizeof(*hook));
    *hook = (struct hook){
        .intake = intake, .waiting = waiting, .first = *d, .began_at_ms = sw__boot_ms()};
    snprintf(hook->path, sizeof(hook->path), "%s", request->path);
    if (!d->record) hook->request = copy_of(request);
    hook->place = zlistx_add_end(intake->hooks, hook);
    if (!d->record || !intake->out) {
        look_up(hook);
        return;
    }
    hook->deadline_ms = INT64_MAX; /* the stream's own comes first */
    if (sw__stream_out_send(intake->out, d->source, d->record, on_produced, hook) < 0)
        on_produced(hook, false);
}

/* A Redis that hangs gives no answer, and its sender is owed one. */
void sw__intake_hooks_tick(struct sw_intake *intake) {
    int64_t now_ms = sw__boot_ms();
    for (struct hook *h = zlistx_first(intake->hooks); h; h = zlistx_next(intake->hooks)) {
        if (now_ms >= h->deadline_ms) away(h);
    }
}

void sw__intake_hooks_destroy(struct sw_intake *intake) {
    struct hook *hook;
    while ((hook = zlistx_first(intake->hooks)))
        done(hook);
    zlistx_destroy(&intake->hooks);
}
