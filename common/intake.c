/* intake.c -- see intake.h. */
#include "common/intake.h"

#include "common/crash.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/wire.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>

#define ANSWER_MS 2000
#define PAGE_MS 12000
#define WAITING_MAX 4096
#define GROUP_MAX 128
#define MEMORY_EVERY_MS 1000
#define MEMORY_FULL 85 /* percent */
#define REFUSALS_MS 60000

struct intent { /* one request that was decided to be taken in */
    struct sw_intake *intake;
    uint64_t number;
    struct sw_waiting *waiting; /* NULL: answered */
    struct sw_decision decision;
    unsigned left, duplicates, sheds;
    bool page; /* everything is taken in; the page is awaited */
    int64_t deadline_ms;
};

struct item { /* one append of an intent */
    struct intent *intent;
    unsigned index;
    bool retry;
    char *bytes;
    size_t size;
};

struct sw_intake {
    struct sw_run *run;
    struct sw_door *door;
    sw_decide_fn *decide;
    uint64_t last_number;
    zhashx_t *intents;          /* number as text -> struct intent */
    zlistx_t *queue[SW_SHARDS]; /* struct item */
    size_t queued;
    int64_t memory_at_ms;
    bool memory_full, quiet;
    int64_t refusal_due_ms; /* when the log takes another one */
    uint64_t refusals;      /* that it did not take */
};

static void number_key(uint64_t number, char key[24]) {
    snprintf(key, 24, "%" PRIu64, number);
}

static void intent_destroy(void **p) {
    struct intent *intent = *p;
    if (!intent) return;
    sw_decision_finish(&intent->decision);
    free(intent);
    *p = NULL;
}

static void item_destroy(struct item *item) {
    free(item->bytes);
    free(item);
}

static void reply(struct intent *intent, struct sw_reply *with, const char *outcome) {
    if (!intent->waiting) return;
    sw_metric_add(SW_M_ACKS, 1, outcome);
    SW_CRASH("before-answer");
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

struct append_group {
    struct sw_intake *intake;
    struct sw_shard *shard;
    size_t count;
    struct item *item[GROUP_MAX];
};

static void requeue(struct sw_intake *intake, unsigned shard, struct item *item) {
    if (!item->intent->waiting) { /* told "not confirmed" already: it must not run now */
        struct intent *intent = item->intent;
        item_destroy(item);
        if (--intent->left == 0) forget(intent);
        return;
    }
    item->retry = true;
    zlistx_add_end(intake->queue[shard], item);
    intake->queued++;
}

static void taken_in(struct append_group *group, size_t i, const char *what, const char *id_text,
                     const char *endpoint) {
    struct item *item = group->item[i];
    struct intent *intent = item->intent;
    struct sw_id id;
    if (!strcmp(what, "shed")) intent->sheds++;
    if (!strcmp(what, "dup")) intent->duplicates++;
    if (!strcmp(what, "new") && endpoint[0] && sw__id_parse(id_text, &id))
        sw_wire_entry(group->intake->run->wire, endpoint, group->shard->number, 0, id.gen, id.seq,
                      item->bytes, item->size);
    const struct sw_msg *m = intent->decision.append[item->index].m;
    sw_log(SW_LOG_INFO, "taken in", SW_S("cmd", m->cmd), SW_S("kind", m->kind),
           SW_S("inst", m->inst), SW_S("what", what));
    item_destroy(item);
    if (--intent->left == 0) settle(intent);
}

static void on_appended(void *arg, const redisReply *reply_arg) {
    struct append_group *group = arg;
    const redisReply *r = reply_arg;
    bool ok = r && r->type == REDIS_REPLY_ARRAY && r->elements == 2 + 3 * group->count;
    if (r && r->type == REDIS_REPLY_ERROR) {
        sw__log_refused(group->intake->run, r);
        if (!strncmp(r->str, "NOSCRIPT", 8)) sw_redis_reset(group->intake->run->redis);
    }
    if (ok) {
        SW_CRASH("after-append");
        sw__clock(group->intake->run, atoll(r->element[1]->str));
    }
    for (size_t i = 0; i < group->count; i++) {
        if (ok) {
            taken_in(group, i, r->element[2 + 3 * i]->str, r->element[3 + 3 * i]->str,
                     r->element[4 + 3 * i]->str);
        } else {
            /* Lost, a new generation, or full: asked again until the deadline says it aloud. */
            requeue(group->intake, group->shard->number, group->item[i]);
        }
    }
    if (r && !ok && r->type == REDIS_REPLY_ARRAY) sw__pump(group->intake->run);
    free(group);
}

static void send_group(struct sw_intake *intake, unsigned number) {
    struct sw_run *run = intake->run;
    const char *argv[2 + 6 * GROUP_MAX];
    size_t sizes[2 + 6 * GROUP_MAX];
    char owed_max[24], ms[GROUP_MAX][24];
    struct append_group *group = sw_malloc(sizeof(*group));
    int argc = 0;
    group->intake = intake;
    group->shard = &run->shard[number];
    group->count = 0;
    snprintf(owed_max, sizeof(owed_max), "%" PRId64,
             intake->memory_full ? (int64_t)0 : run->conf.owed_max);
    argv[argc++] = sw_redis_run_id(run->redis);
    argv[argc++] = owed_max;
    struct item *item;
    while (group->count < GROUP_MAX && (item = zlistx_first(intake->queue[number]))) {
        zlistx_detach(intake->queue[number], zlistx_cursor(intake->queue[number]));
        intake->queued--;
        const struct sw_append *a = &item->intent->decision.append[item->index];
        snprintf(ms[group->count], 24, "%" PRId64, a->dedupe_ms);
        argv[argc++] = item->retry ? "1" : "0";
        argv[argc++] = a->dedupe;
        argv[argc++] = ms[group->count];
        argv[argc++] = a->counted ? a->m->inst : "";
        argv[argc++] = a->actor;
        argv[argc++] = item->bytes;
        group->item[group->count++] = item;
    }
    for (int i = 0; i < argc; i++)
        sizes[i] = strlen(argv[i]);
    for (size_t i = 0; i < group->count; i++)
        sizes[2 + 6 * i + 5] = group->item[i]->size;
    SW_CRASH("before-append");
    if (sw_redis_eval(run->redis, SW_SCRIPT_APPEND, group->shard->prefix, argc, argv, sizes,
                      on_appended, group) < 0) {
        for (size_t i = 0; i < group->count; i++)
            requeue(intake, number, group->item[i]);
        free(group);
    }
}

void sw__intake_turn(struct sw_intake *intake) {
    if (!intake->queued || !sw_redis_up(intake->run->redis)) return;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        size_t rounds = (zlistx_size(intake->queue[i]) + GROUP_MAX - 1) / GROUP_MAX;
        while (rounds-- > 0)
            send_group(intake, i);
    }
}

static void context(const struct sw_run *run, struct sw_ctx *ctx) {
    *ctx = (struct sw_ctx){
        .now_ms = sw__now_ms(run), .attempt = 1, .conf = &run->conf, .keys = run->keys};
    randombytes_buf(ctx->seed, sizeof(ctx->seed));
}

/* Queues the appends of what was decided; takes `d`. */
static void take_in(struct sw_intake *intake, struct sw_waiting *waiting, struct sw_decision *d) {
    char key[24];
    if (d->refused) sw_metric_add(SW_M_REFUSED, 1, d->refused);
    if (d->appends == 0 || zhashx_size(intake->intents) >= WAITING_MAX) {
        sw_metric_add(SW_M_ACKS, 1, d->appends ? "away" : d->reply.status < 400 ? "ok" : "refused");
        sw_door_answer(waiting, d->appends ? &d->away : &d->reply);
        sw_decision_finish(d);
        return;
    }
    struct intent *intent = sw_zalloc(sizeof(*intent));
    intent->intake = intake;
    intent->number = intake->last_number;
    intent->waiting = waiting;
    intent->decision = *d;
    intent->deadline_ms = sw__boot_ms() + ANSWER_MS;
    number_key(intent->number, key);
    zhashx_insert(intake->intents, key, intent);
    for (unsigned i = 0; i < d->appends; i++) {
        struct item *item = sw_zalloc(sizeof(*item));
        item->intent = intent;
        item->index = i;
        if (sw_msg_pack(d->append[i].m, &item->bytes, &item->size) < 0) {
            free(item);
            continue;
        }
        unsigned shard = sw__shard_of(d->append[i].m->inst);
        zlistx_add_end(intake->queue[shard], item);
        intake->queued++;
        intent->left++;
    }
    if (intent->left == 0) {
        reply(intent, &intent->decision.away, "away");
        forget(intent);
    }
    sw__pump(intake->run);
}

/* A webhook waits for the names of the installations that its source concerns. */
struct lookup {
    struct sw_intake *intake;
    struct sw_waiting *waiting;
    struct sw_request request;
    struct sw_decision first;
};

static void on_installations(void *arg, const redisReply *r) {
    struct lookup *lookup = arg;
    struct sw_decision d = {0};
    struct sw_ctx ctx;
    if (r && r->type == REDIS_REPLY_ARRAY) {
        SW_AUTO(sw_json) json_t *list = json_array();
        for (size_t i = 0; i < r->elements; i++)
            json_array_append_new(list, json_string(r->element[i]->str));
        context(lookup->intake->run, &ctx);
        lookup->intake->last_number++;
        lookup->intake->decide(&ctx, &lookup->request, "", list, &d);
        take_in(lookup->intake, lookup->waiting, &d);
    } else {
        sw_metric_add(SW_M_ACKS, 1, "away");
        sw_door_answer(lookup->waiting, &lookup->first.away);
    }
    sw_decision_finish(&lookup->first);
    free((char *)lookup->request.body);
    free((char *)lookup->request.path);
    free((char *)lookup->request.heroku_hmac);
    free((char *)lookup->request.github_event);
    free((char *)lookup->request.github_delivery);
    free((char *)lookup->request.github_signature);
    free((char *)lookup->request.github_hook);
    free(lookup);
}

static void look_up(struct sw_intake *intake, struct sw_waiting *waiting,
                    const struct sw_request *request, struct sw_decision *d) {
    char key[160];
    struct lookup *lookup = sw_zalloc(sizeof(*lookup));
    char *body = sw_malloc(request->body_size + 1);
    memcpy(body, request->body, request->body_size);
    body[request->body_size] = 0;
    *lookup = (struct lookup){.intake = intake, .waiting = waiting, .first = *d};
    lookup->request = (struct sw_request){.method = "POST",
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
    snprintf(key, sizeof(key), "sw:src:%s", d->source);
    if (sw_redis_words(intake->run->redis, on_installations, lookup, "SMEMBERS", key, NULL) < 0)
        on_installations(lookup, NULL);
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
    context(intake->run, &ctx);
    snprintf(wait_id, sizeof(wait_id), "%s|%" PRIu64, sw_wire_endpoint(intake->run->wire),
             ++intake->last_number);
    SW_CRASH("after-request");
    intake->decide(&ctx, request, wait_id, NULL, &d);
    log_unsigned(intake, request, &d);
    if (d.source[0]) {
        look_up(intake, waiting, request, &d);
    } else {
        take_in(intake, waiting, &d);
    }
}

static void on_refused(void *arg, const char *reason) {
    (void)arg;
    sw_metric_add(SW_M_REFUSED, 1, reason);
}

void sw__intake_page(struct sw_intake *intake, const struct sw_msg *page) {
    const char *wait = sw_str(page->body, "wait"), *number = strchr(wait, '|');
    struct intent *intent = number ? zhashx_lookup(intake->intents, number + 1) : NULL;
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

static void on_memory(void *arg, const redisReply *r) {
    struct sw_intake *intake = arg;
    unsigned long long used = 0, max = 0;
    if (!r || r->type != REDIS_REPLY_STRING) return;
    const char *u = strstr(r->str, "\nused_memory:"), *m = strstr(r->str, "\nmaxmemory:");
    if (u) used = strtoull(u + 13, NULL, 10);
    if (m) max = strtoull(m + 11, NULL, 10);
    intake->memory_full = max > 0 && used / max * 100 + used % max * 100 / max >= MEMORY_FULL;
}

void sw__intake_tick(struct sw_intake *intake) {
    int64_t now_ms = sw__boot_ms();
    if (now_ms - intake->memory_at_ms >= MEMORY_EVERY_MS && sw_redis_up(intake->run->redis)) {
        intake->memory_at_ms = now_ms;
        (void)sw_redis_words(intake->run->redis, on_memory, intake, "INFO", "memory", NULL);
    }
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
    /* What waits for Redis and was answered "not confirmed" must not be appended later. */
    for (unsigned s = 0; intake->queued && s < SW_SHARDS && !sw_redis_up(intake->run->redis); s++) {
        for (size_t n = zlistx_size(intake->queue[s]); n > 0; n--) {
            struct item *item = zlistx_first(intake->queue[s]);
            zlistx_detach(intake->queue[s], zlistx_cursor(intake->queue[s]));
            intake->queued--;
            requeue(intake, s, item);
        }
    }
    if (intake->queued) sw__pump(intake->run);
}

/* Without a base URL it is the address itself, whose port the system may have chosen only now: pages and redirects lead to it. */
static void learn_port(struct sw_conf *conf, unsigned port) {
    SW_AUTO(sw_text) char *unknown = sw_printf("http://%s", conf->http);
    size_t size = strlen(unknown);
    if (strcmp(conf->base_url, unknown) != 0 || strcmp(unknown + size - 2, ":0") != 0) return;
    free(conf->base_url);
    conf->base_url = sw_printf("%.*s:%u", (int)size - 2, unknown, port);
}

int sw__intake_create(struct sw_run *run, sw_decide_fn *decide, struct sw_intake **ret) {
    struct sw_intake *intake = sw_zalloc(sizeof(*intake));
    struct sw_door_limits limits = {
        .body_bytes = 1024 * 1024, .connections = (unsigned)run->conf.connections, .idle_s = 15};
    intake->run = run;
    intake->decide = decide;
    intake->intents = zhashx_new();
    zhashx_set_destructor(intake->intents, intent_destroy);
    for (unsigned i = 0; i < SW_SHARDS; i++)
        intake->queue[i] = zlistx_new();
    int r = sw_door_create(run->loop, run->conf.http, &limits, on_request, on_refused, intake,
                           &intake->door);
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
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct item *item;
        while ((item = zlistx_first(intake->queue[i]))) {
            zlistx_detach(intake->queue[i], zlistx_cursor(intake->queue[i]));
            item_destroy(item);
        }
        zlistx_destroy(&intake->queue[i]);
    }
    zhashx_destroy(&intake->intents);
    sw_door_destroy(intake->door);
    free(intake);
}

unsigned sw__intake_port(const struct sw_intake *intake) {
    return sw_door_port(intake->door);
}

bool sw__intake_drained(struct sw_intake *intake) {
    if (!intake->quiet) sw_door_quiesce(intake->door);
    intake->quiet = true;
    return zhashx_size(intake->intents) == 0;
}
