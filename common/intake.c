/* intake.c -- see intake.h. */
#include "common/intake_priv.h"

#include "common/crash.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/span.h"
#include "common/wire.h"

#include <inttypes.h>
#include <sodium.h>

#define PAGE_MS 12000
#define WAITING_MAX 4096
#define REFUSALS_MS 60000
#define UNNOTICED_MS 5000 /* longer than a balancer takes to hear that it is not ready */

struct intent { /* one request that was decided to be taken in */
    struct sw_intake *intake;
    uint64_t number;
    struct sw_waiting *waiting; /* NULL: answered */
    struct sw_decision decision;
    unsigned left, duplicates, sheds;
    bool page; /* everything is taken in; the page is awaited */
    int64_t began_at_ms, deadline_ms;
    struct sw_span *span; /* NULL none */
};

static void number_key(uint64_t number, char key[24]) {
    snprintf(key, 24, "%" PRIu64, number);
}

static void intent_destroy(void **p) {
    struct intent *intent = *p;
    if (!intent) return;
    sw_decision_finish(&intent->decision);
    free(intent->span);
    free(intent);
    *p = NULL;
}

void sw__intake_count(const char *outcome, int64_t began_at_ms) {
    sw_metric_add(SW_M_ACKS, 1, outcome);
    sw_metric_observe(SW_M_ACK_MS, sw__boot_ms() - began_at_ms, outcome);
}

static void reply(struct intent *intent, struct sw_reply *with, const char *outcome) {
    if (!intent->waiting) return;
    sw__intake_count(outcome, intent->began_at_ms);
    SW_CRASH("before-answer");
    if (intent->span) {
        intent->span->status = with->status;
        sw_otlp_add(intent->intake->run->otlp, intent->span);
    }
    sw_door_answer(sw_take(&intent->waiting), with);
    SW_CRASH("after-answer");
}

static void forget(struct intent *intent) {
    char key[24];
    number_key(intent->number, key);
    zhashx_delete(intent->intake->intents, key);
}

/* Every append has its verdict. */
static void settle(struct intent *intent) {
    struct sw_decision *d = &intent->decision;
    if (intent->sheds) {
        reply(intent, &d->shed, "shed");
    } else if (d->partly) {
        reply(intent, &d->away, "away");
    } else if (intent->duplicates == d->appends) {
        reply(intent, &d->duplicate, "duplicate");
    } else if (d->wait && intent->waiting) {
        intent->page = true;
        intent->deadline_ms = sw__boot_ms() + PAGE_MS;
        return;
    } else {
        reply(intent, &d->reply, "ok");
    }
    forget(intent);
}

/* Redis' word about one append, or that there is none. */
static bool on_verdict(void *owner, const struct sw_append *append, enum sw_verdict verdict) {
    struct intent *intent = owner;
    (void)append;
    if (verdict == SW_UNSAID) {
        if (intent->waiting) return true;
        /* Told "not confirmed" already: it must not run now. */
        if (--intent->left == 0) forget(intent);
        return false;
    }
    if (verdict == SW_SHED) intent->sheds++;
    if (verdict == SW_DUPLICATE) intent->duplicates++;
    if (--intent->left == 0) settle(intent);
    return false;
}

void sw__intake_turn(struct sw_intake *intake) {
    sw__appends_turn(intake->appends);
}

void sw__intake_context(const struct sw_run *run, struct sw_ctx *ctx) {
    *ctx = (struct sw_ctx){
        .now_ms = sw__now_ms(run), .attempt = 1, .conf = &run->conf, .keys = run->keys};
    randombytes_buf(ctx->seed, sizeof(ctx->seed));
}

void sw__intake_take(struct sw_intake *intake, struct sw_waiting *waiting, struct sw_decision *d,
                     const char *path, int64_t began_at_ms) {
    char key[24];
    if (d->refused) sw_metric_add(SW_M_REFUSED, 1, d->refused);
    if (d->appends == 0 || zhashx_size(intake->intents) >= WAITING_MAX) {
        bool is_away = d->appends || d->partly;
        sw_metric_add(SW_M_ACKS, 1, is_away ? "away" : d->reply.status < 400 ? "ok" : "refused");
        sw_door_answer(waiting, is_away ? &d->away : &d->reply);
        sw_decision_finish(d);
        return;
    }
    struct intent *intent = sw_zalloc(sizeof(*intent));
    intent->intake = intake;
    intent->number = intake->last_number;
    intent->waiting = waiting;
    intent->span = sw__span_request(intake->run, path, d);
    intent->decision = *d;
    intent->began_at_ms = began_at_ms;
    intent->deadline_ms = sw__boot_ms() + SW__ANSWER_MS;
    number_key(intent->number, key);
    zhashx_insert(intake->intents, key, intent);
    for (unsigned i = 0; i < d->appends; i++) {
        if (sw__appends_add(intake->appends, intent, &intent->decision.append[i]) == 0)
            intent->left++;
    }
    if (intent->left == 0) {
        reply(intent, &intent->decision.away, "away");
        forget(intent);
    }
    sw__pump(intake->run);
}

/* With a wrong secret Slack says "dispatch_failed" and nothing more: why is found here, though nobody can fill the log. */
static void log_unsigned(struct sw_intake *intake, const struct sw_request *request,
                         const struct sw_decision *d) {
    if (!d->refused || (d->reply.status != 401 && strcmp(d->refused, "no_secret") != 0)) return;
    intake->refusals++;
    if (sw__boot_ms() < intake->refusal_due_ms) return;
    sw_log(SW_LOG_WARN, "not taken in: not signed with the secret that is set",
           SW_S("path", request->path), SW_S("reason", d->refused),
           SW_I("count", (int64_t)intake->refusals));
    intake->refusals = 0;
    intake->refusal_due_ms = sw__boot_ms() + REFUSALS_MS;
}

static void on_request(void *arg, struct sw_waiting *waiting, const struct sw_request *request) {
    struct sw_intake *intake = arg;
    struct sw_decision d = {0};
    struct sw_ctx ctx;
    char wait_id[200];
    sw__intake_context(intake->run, &ctx);
    snprintf(wait_id, sizeof(wait_id), "%s|%" PRIu64, sw_wire_endpoint(intake->run->wire),
             ++intake->last_number);
    SW_CRASH("after-request");
    intake->decide(&ctx, request, wait_id, NULL, &d);
    log_unsigned(intake, request, &d);
    if (d.source[0]) {
        sw__intake_hook(intake, waiting, request, &d);
    } else {
        sw__intake_take(intake, waiting, &d, request->path, sw__boot_ms());
    }
}

static void on_refused(void *arg, const char *reason) {
    (void)arg;
    sw_metric_add(SW_M_REFUSED, 1, reason);
}

void sw__intake_page(struct sw_intake *intake, const struct sw_msg *page) {
    const char *wait = sw_str(page->body, "wait"), *number = strrchr(wait, '|');
    const char *own = sw_wire_endpoint(intake->run->wire);
    /* One for the process that had this address before is none for us. */
    if (!number || strlen(own) != (size_t)(number - wait) || strncmp(wait, own, strlen(own)) != 0)
        return;
    struct intent *intent = zhashx_lookup(intake->intents, number + 1);
    if (!intent) return;
    const json_t *body = page->body;
    struct sw_reply r = {.status = (int)sw_int(body, "status"), .type = "text/html; charset=utf-8"};
    if (sw_str(body, "html")[0]) r.body = sw_strdup(sw_str(body, "html"));
    if (sw_str(body, "location")[0]) r.location = sw_strdup(sw_str(body, "location"));
    if (sw_str(body, "cookie")[0]) r.cookie = sw_strdup(sw_str(body, "cookie"));
    reply(intent, &r, "page");
    sw_reply_finish(&r);
    /* Auth may have read the entry before Redis' answer was read here: appends still point to it. */
    if (intent->page) forget(intent);
}

void sw__intake_tick(struct sw_intake *intake) {
    int64_t now_ms = sw__boot_ms();
    zlistx_t *keys = NULL;
    for (struct intent *i = zhashx_first(intake->intents); i; i = zhashx_next(intake->intents)) {
        if (now_ms < i->deadline_ms || !i->waiting) continue;
        reply(i, i->page ? &i->decision.reply : &i->decision.away, "away");
        if (!i->page) continue; /* its appends still point to it */
        if (!keys) keys = zlistx_new();
        zlistx_add_end(keys, i);
    }
    struct intent *i;
    while (keys && (i = zlistx_first(keys))) {
        zlistx_detach(keys, zlistx_cursor(keys));
        forget(i);
    }
    zlistx_destroy(&keys);
    if (intake->out) sw__stream_out_tick(intake->out);
    sw__intake_hooks_tick(intake);
    sw__appends_tick(intake->appends);
}

/* Without a base URL it is the address itself, whose port the system may have chosen only now: pages and redirects lead to it. */
static void learn_port(struct sw_conf *conf, unsigned port) {
    SW_AUTO(sw_text) char *unknown = sw_printf("http://%s", conf->http);
    size_t size = strlen(unknown);
    if (strcmp(conf->base_url, unknown) != 0 || strcmp(unknown + size - 2, ":0") != 0) return;
    free(conf->base_url);
    conf->base_url = sw_printf("%.*s:%u", (int)size - 2, unknown, port);
}

/* The most that GitHub sends; ingress says what else it takes of each path. */
static const struct sw_door_path large[] = {
    {"/webhooks/github", 25 * 1024 * 1024}, {"/webhooks/heroku", 25 * 1024 * 1024}, {NULL, 0}};

int sw__intake_create(struct sw_run *run, sw_decide_fn *decide, struct sw_intake **ret, char *error,
                      size_t room) {
    struct sw_intake *intake = sw_zalloc(sizeof(*intake));
    struct sw_door_limits limits = {.body_bytes = 1024 * 1024,
                                    .paths = large,
                                    .connections = (unsigned)run->conf.connections,
                                    .idle_s = 15};
    intake->run = run;
    intake->decide = decide;
    intake->intents = zhashx_new();
    zhashx_set_destructor(intake->intents, intent_destroy);
    intake->appends = sw__appends_create(run, false, on_verdict);
    intake->hooks = zlistx_new();
    int r = sw_door_create(run->loop, run->conf.http, &limits, on_request, on_refused, intake,
                           &intake->door);
    if (r < 0) snprintf(error, room, "SLIPWAY_HTTP %s: %s", run->conf.http, strerror(-r));
    if (r == 0 && run->conf.kafka[0]) r = sw__stream_out_create(run, &intake->out, error, room);
    if (r < 0) {
        sw__intake_destroy(intake);
        return r;
    }
    sw_door_on_turn(intake->door, sw__turn_end, run);
    learn_port(&run->conf, sw_door_port(intake->door));
    *ret = intake;
    return 0;
}

void sw__intake_flush(struct sw_intake *intake) {
    sw_door_flush(intake->door);
}

void sw__intake_destroy(struct sw_intake *intake) {
    if (!intake) return;
    sw__stream_out_destroy(intake->out);
    sw__intake_hooks_destroy(intake);
    sw__appends_destroy(intake->appends);
    zhashx_destroy(&intake->intents);
    sw_door_destroy(intake->door);
    free(intake);
}

unsigned sw__intake_port(const struct sw_intake *intake) {
    return sw_door_port(intake->door);
}

/* Whoever reaches it from this machine knows its state at once; a balancer elsewhere hears of it seconds later, and Slack does not
 * repeat a command that was refused meanwhile. */
static bool is_near(const char *address) {
    return !strncmp(address, "127.", 4) || !strncmp(address, "localhost:", 10) ||
           !strncmp(address, "[::1]:", 6);
}

void sw__intake_leave(struct sw_intake *intake) {
    const struct sw_conf *conf = &intake->run->conf;
    int64_t half_ms = conf->drain_ms / 2;
    if (half_ms > UNNOTICED_MS) half_ms = UNNOTICED_MS;
    intake->open_until_ms = sw__boot_ms() + (is_near(conf->http) ? 0 : half_ms);
    sw_door_leave(intake->door);
}

bool sw__intake_drained(struct sw_intake *intake) {
    if (sw__boot_ms() < intake->open_until_ms) return false;
    sw_door_quiesce(intake->door);
    return zhashx_size(intake->intents) == 0 && zlistx_size(intake->hooks) == 0 &&
           !sw_door_is_busy(intake->door);
}
