/* append.c -- see append.h. */
#include "common/append.h"

#include "common/crash.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

#define GROUP_MAX 128
#define WORDS 6 /* of one append */
#define MEMORY_EVERY_MS 1000
#define MEMORY_FULL 85 /* percent */
#define MEMORY_HIGH 70 /* from here on only what people typed comes in */
/* What is read faster than it is handled stays in Kafka, and so much of a mailbox is in Redis. */
#define DEEP "<10000"
#define DEEP_MS 200 /* until it is tried again */

struct item {
    void *owner;
    const struct sw_append *append;
    bool retry;
    enum sw_verdict verdict; /* what Redis said, while replicas are waited for */
    char *bytes;
    size_t size;
};

struct sw_appends {
    struct sw_run *run;
    sw_verdict_fn *fn;
    bool patient;
    struct memory {
        bool full, high;
    } memory[SW_REDISES];       /* of each Redis */
    int64_t deep_until_ms;      /* patient: a mailbox is full */
    zlistx_t *queue[SW_SHARDS]; /* struct item */
    size_t queued;
    int64_t memory_at_ms;
};

struct append_group {
    struct sw_appends *appends;
    struct sw_shard *shard;
    size_t count;
    struct item *item[GROUP_MAX];
};

static void item_destroy(struct item *item) {
    free(item->bytes);
    free(item);
}

static struct item *next(struct sw_appends *appends, unsigned shard) {
    struct item *item = zlistx_first(appends->queue[shard]);
    if (!item) return NULL;
    zlistx_detach(appends->queue[shard], zlistx_cursor(appends->queue[shard]));
    appends->queued--;
    return item;
}

static void queue(struct sw_appends *appends, unsigned shard, struct item *item) {
    zlistx_add_end(appends->queue[shard], item);
    appends->queued++;
}

static void unsaid(struct sw_appends *appends, unsigned shard, struct item *item) {
    if (!appends->patient && !appends->fn(item->owner, item->append, SW_UNSAID)) {
        item_destroy(item);
        return;
    }
    item->retry = true;
    queue(appends, shard, item);
}

/* False: it is queued again. */
static bool said(struct append_group *group, struct item *item, redisReply *const *word) {
    const struct sw_append *a = item->append;
    const char *what = word[0]->str, *endpoint = word[2]->str;
    struct sw_id id;
    enum sw_verdict verdict = !strcmp(what, "shed")  ? SW_SHED
                              : !strcmp(what, "dup") ? SW_DUPLICATE
                                                     : SW_APPENDED;
    if (verdict == SW_APPENDED && endpoint[0] && sw__id_parse(word[1]->str, &id))
        sw_wire_entry(group->appends->run->wire, endpoint, a->actor, group->shard->number, a->bulk,
                      id.gen, id.seq, item->bytes, item->size);
    sw_log(SW_LOG_INFO, "taken in", SW_S("cmd", a->m->cmd), SW_S("kind", a->m->kind),
           SW_S("inst", a->m->inst), SW_S("what", what));
    if (group->appends->patient && verdict == SW_SHED) {
        group->appends->deep_until_ms = sw__boot_ms() + DEEP_MS;
        queue(group->appends, group->shard->number, item);
        return false;
    }
    item->verdict = verdict;
    return true;
}

static const struct memory *memory_of(const struct sw_appends *appends, unsigned shard) {
    return &appends->memory[appends->run->shard[shard].ledger->number];
}

static const char *limit_of(const struct sw_appends *appends, unsigned shard,
                            const struct sw_append *a) {
    if (a->counted) return a->m->inst;
    if (!a->bulk) return "";
    return memory_of(appends, shard)->high ? "<0" : appends->patient ? DEEP : "";
}

/* Of what is read from the stream: this Redis takes no more just now. */
static bool is_full(const struct sw_appends *appends, unsigned ledger) {
    return appends->memory[ledger].full || (appends->patient && appends->memory[ledger].high);
}

static bool is_deep(const struct sw_appends *appends) {
    return appends->patient && sw__boot_ms() < appends->deep_until_ms;
}

/* Replicas have it, or have not said so: what was asked is asked again, and is known by its dedupe key. */
static void on_sure(void *arg, bool sure) {
    struct append_group *group = arg;
    struct sw_appends *appends = group->appends;
    for (size_t i = 0; i < group->count; i++) {
        struct item *item = group->item[i];
        if (sure || item->verdict == SW_SHED) {
            appends->fn(item->owner, item->append, item->verdict);
            item_destroy(item);
        } else {
            unsaid(appends, group->shard->number, item);
        }
    }
    free(group);
}

static void on_appended(void *arg, const redisReply *r) {
    struct append_group *group = arg;
    struct sw_appends *appends = group->appends;
    bool ok = r && r->type == REDIS_REPLY_ARRAY && r->elements == 2 + 3 * group->count;
    if (r && r->type == REDIS_REPLY_ERROR) {
        sw__log_refused(appends->run, r);
        if (!strncmp(r->str, "NOSCRIPT", 8)) sw_redis_reset(group->shard->ledger->redis);
    }
    if (ok) {
        SW_CRASH("after-append");
        sw__clock(group->shard->ledger, atoll(r->element[1]->str));
    }
    size_t kept = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct item *item = group->item[i];
        if (!ok) {
            /* Lost, a new generation, or full: asked again. */
            unsaid(appends, group->shard->number, item);
        } else if (said(group, item, &r->element[2 + 3 * i])) {
            group->item[kept++] = item;
        }
    }
    group->count = kept;
    if (r && !ok && r->type == REDIS_REPLY_ARRAY) sw__pump(appends->run);
    sw_redis_sure(group->shard->ledger->redis, on_sure, group);
}

static void send_group(struct sw_appends *appends, unsigned number) {
    struct sw_run *run = appends->run;
    const char *argv[2 + WORDS * GROUP_MAX];
    size_t sizes[2 + WORDS * GROUP_MAX];
    char owed_max[24], ms[GROUP_MAX][24], mailbox[GROUP_MAX][48];
    struct append_group *group = sw_malloc(sizeof(*group));
    int argc = 0;
    struct item *item;
    *group = (struct append_group){.appends = appends, .shard = &run->shard[number]};
    snprintf(owed_max, sizeof(owed_max), "%" PRId64,
             memory_of(appends, number)->full ? (int64_t)0 : run->conf.owed_max);
    argv[argc++] = sw_redis_run_id(group->shard->ledger->redis);
    argv[argc++] = owed_max;
    while (group->count < GROUP_MAX && (item = next(appends, number))) {
        const struct sw_append *a = item->append;
        snprintf(ms[group->count], sizeof(ms[0]), "%" PRId64, a->dedupe_ms);
        snprintf(mailbox[group->count], sizeof(mailbox[0]), a->bulk ? "%s:bulk" : "%s", a->actor);
        argv[argc++] = item->retry ? "1" : "0";
        argv[argc++] = a->dedupe;
        argv[argc++] = ms[group->count];
        argv[argc++] = limit_of(appends, number, a);
        argv[argc++] = mailbox[group->count];
        argv[argc++] = item->bytes;
        group->item[group->count++] = item;
    }
    for (int i = 0; i < argc; i++) {
        bool bytes = i >= 2 && (i - 2) % WORDS == WORDS - 1;
        sizes[i] = bytes ? group->item[(i - 2) / WORDS]->size : strlen(argv[i]);
    }
    SW_CRASH("before-append");
    if (sw_redis_eval(group->shard->ledger->redis, SW_SCRIPT_APPEND, group->shard->prefix, argc,
                      argv, sizes, on_appended, group) < 0) {
        for (size_t i = 0; i < group->count; i++)
            unsaid(appends, number, group->item[i]);
        free(group);
    }
}

bool sw__appends_open(const struct sw_appends *appends) {
    for (unsigned i = 0; i < appends->run->ledgers; i++) {
        if (!sw__ledger_open(&appends->run->ledger[i]) || is_full(appends, i)) return false;
    }
    return !is_deep(appends);
}

void sw__appends_turn(struct sw_appends *appends) {
    if (!appends->queued || is_deep(appends)) return;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        const struct sw_ledger *ledger = appends->run->shard[i].ledger;
        if (!sw__ledger_open(ledger)) continue;
        if (appends->patient && is_full(appends, ledger->number)) continue;
        size_t rounds = (zlistx_size(appends->queue[i]) + GROUP_MAX - 1) / GROUP_MAX;
        while (rounds-- > 0)
            send_group(appends, i);
    }
}

int sw__appends_add(struct sw_appends *appends, void *owner, const struct sw_append *append) {
    struct item *item = sw_zalloc(sizeof(*item));
    int r = sw_msg_pack(append->m, &item->bytes, &item->size);
    if (r < 0) {
        free(item);
        return r;
    }
    item->owner = owner;
    item->append = append;
    queue(appends, sw__shard_of(append->m->inst), item);
    return 0;
}

static void on_memory(void *arg, const redisReply *r) {
    struct memory *memory = arg;
    unsigned long long used = 0, max = 0;
    if (!r || r->type != REDIS_REPLY_STRING) return;
    const char *u = strstr(r->str, "\nused_memory:"), *m = strstr(r->str, "\nmaxmemory:");
    if (u) used = strtoull(u + 13, NULL, 10);
    if (m) max = strtoull(m + 11, NULL, 10);
    unsigned long long percent = max > 0 ? used / max * 100 + used % max * 100 / max : 0;
    memory->full = percent >= MEMORY_FULL;
    memory->high = percent >= MEMORY_HIGH;
}

void sw__appends_tick(struct sw_appends *appends) {
    int64_t now_ms = sw__boot_ms();
    bool look = now_ms - appends->memory_at_ms >= MEMORY_EVERY_MS;
    if (look) appends->memory_at_ms = now_ms;
    for (unsigned i = 0; look && i < appends->run->ledgers; i++)
        (void)sw_redis_words(appends->run->ledger[i].redis, on_memory, &appends->memory[i], "INFO",
                             "memory", NULL);
    /* What waits for Redis and was answered "not confirmed" must not be appended later. */
    for (unsigned s = 0; appends->queued && s < SW_SHARDS && !appends->patient; s++) {
        if (sw__ledger_open(appends->run->shard[s].ledger)) continue;
        for (size_t n = zlistx_size(appends->queue[s]); n > 0; n--)
            unsaid(appends, s, next(appends, s));
    }
    if (appends->queued) sw__pump(appends->run);
}

struct sw_appends *sw__appends_create(struct sw_run *run, bool patient, sw_verdict_fn *fn) {
    struct sw_appends *appends = sw_zalloc(sizeof(*appends));
    appends->run = run;
    appends->patient = patient;
    appends->fn = fn;
    for (unsigned i = 0; i < SW_SHARDS; i++)
        appends->queue[i] = zlistx_new();
    return appends;
}

void sw__appends_destroy(struct sw_appends *appends) {
    if (!appends) return;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct item *item;
        while ((item = next(appends, i)))
            item_destroy(item);
        zlistx_destroy(&appends->queue[i]);
    }
    free(appends);
}
