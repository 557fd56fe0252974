/* lease.c -- who owns which shard: taking, renewing, handing over, and losing.
 *
 * Times of the lease count on CLOCK_BOOTTIME from before the request was sent, so that this process believes in its lease
 * for less time than Redis does. */
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/run_priv.h"
#include "common/seal.h"
#include "common/wire.h"

#include <hiredis/hiredis.h>

#define OWNER_ARGS 4 /* run id, role, epoch, nonce */

unsigned sw__shard_of(const char *installation) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = installation; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    return (unsigned)((hash ^ (hash >> 32)) % SW_SHARDS);
}

void sw__shard_init(struct sw_run *run, struct sw_shard *shard, unsigned number) {
    shard->run = run;
    shard->number = number;
    snprintf(shard->prefix, sizeof(shard->prefix), "sw:{%02u}:", number);
    shard->next_due_ms = INT64_MAX;
    sw__mailbox_init(shard);
    sw__facts_init(shard);
}

void sw__shard_finish(struct sw_shard *shard) {
    for (unsigned i = 0; i < SW_LANES; i++) {
        zlistx_destroy(&shard->lane[i].queue);
        zlistx_destroy(&shard->lane[i].early);
    }
    zhashx_destroy(&shard->facts);
}

void sw__shard_reset(struct sw_shard *shard) {
    if (shard->state == SW_OURS || shard->state == SW_LEAVING) {
        sw_metric_add(SW_M_LEASE_MOVES, 1);
        sw__effects_lost(shard);
    }
    shard->state = SW_FREE;
    shard->life++;
    shard->batches = 0;
    shard->counting = shard->ticking = shard->releasing = false;
    shard->next_due_ms = INT64_MAX;
    shard->held_until_at_ms = 0;
    sw_trace_busy(shard->number, false);
    shard->retry_at_ms = sw__boot_ms();
    sw__batch_destroy(sw_take(&shard->open));
    sw__mailbox_clear(shard);
    sw__facts_clear(shard);
}

static const char *word(const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ERROR) return "error";
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || !reply->element[0]->str)
        return "";
    return reply->element[0]->str;
}

bool sw__reply_is(struct sw_shard *shard, const redisReply *reply, const char *want) {
    const char *got = word(reply);
    if (!strcmp(got, want)) return true;
    if (!strcmp(got, "stale")) {
        sw_trace_stale(); /* counted by the next process of this role: this one is asked no more */
        sw__die(shard->run, "another process owns a shard of this one");
    }
    if (!strcmp(got, "error")) {
        if (!strncmp(reply->str, "NOSCRIPT", 8))
            sw_redis_reset(shard->ledger->redis); /* loads them */
        sw__reply_refused(shard, reply);
        return false;
    }
    /* 'gen': Redis came back and may be older; 'order': a commit before this one was refused. */
    sw__shard_reset(shard);
    return false;
}

/* A full Redis refuses each shard again and again: one line a second says it. */
void sw__log_refused(struct sw_run *run, const redisReply *reply) {
    int64_t now_ms = sw__boot_ms();
    run->refusals++;
    if (now_ms - run->refused_at_ms < 1000) return;
    sw_log(SW_LOG_WARN, "redis refused", SW_I("times", run->refusals),
           SW_S("error", reply->type == REDIS_REPLY_ERROR ? reply->str : "another type"));
    run->refused_at_ms = now_ms;
    run->refusals = 0;
}

/* Full, loading or busy. */
void sw__reply_refused(struct sw_shard *shard, const redisReply *reply) {
    sw__log_refused(shard->run, reply);
    sw__shard_reset(shard);
    shard->retry_at_ms = sw__boot_ms() + 200;
}

bool sw__reply_is_list(struct sw_shard *shard, const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ARRAY) return true;
    sw__reply_refused(shard, reply);
    return false;
}

static unsigned owned(const struct sw_ledger *ledger) {
    unsigned n = 0;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        const struct sw_shard *shard = &ledger->run->shard[i];
        n += shard->ledger == ledger && (shard->state == SW_OURS || shard->state == SW_TAKING);
    }
    return n;
}

struct asked {
    struct sw_shard *shard;
    unsigned life;
    int64_t at_ms;
    bool renew;
};

static struct asked *asked_create(struct sw_shard *shard, bool renew) {
    struct asked *asked = sw_malloc(sizeof(*asked));
    *asked = (struct asked){shard, shard->life, sw__boot_ms(), renew};
    return asked;
}

/* Run id, role, epoch and nonce stand before the arguments of every script that only an owner may call. */
int sw__owner_eval(struct sw_shard *shard, enum sw_script script, size_t argc, const char **argv,
                   const size_t *sizes, sw_redis_fn *fn, void *arg) {
    const char *head[OWNER_ARGS] = {sw_redis_run_id(shard->ledger->redis), shard->run->role,
                                    shard->epoch, shard->run->nonce};
    const char **all = sw_malloc(sizeof(*all) * (OWNER_ARGS + argc));
    size_t *all_sizes = sw_malloc(sizeof(*all_sizes) * (OWNER_ARGS + argc));
    for (size_t i = 0; i < OWNER_ARGS + argc; i++) {
        all[i] = i < OWNER_ARGS ? head[i] : argv[i - OWNER_ARGS];
        all_sizes[i] = i < OWNER_ARGS || !sizes ? strlen(all[i]) : sizes[i - OWNER_ARGS];
    }
    int r = sw_redis_eval(shard->ledger->redis, script, shard->prefix, (int)(OWNER_ARGS + argc),
                          all, all_sizes, fn, arg);
    free(all);
    free(all_sizes);
    return r;
}

static void on_taken(void *arg, const redisReply *reply) {
    struct asked asked = *(struct asked *)arg;
    struct sw_shard *shard = asked.shard;
    free(arg);
    if (!reply || shard->life != asked.life) return;
    const char *got = word(reply);
    if (!strcmp(got, "held")) {
        /* Just after it may have run out, and no later than the usual round. */
        int64_t wait_ms = atoll(reply->element[1]->str) + 5,
                round_ms = shard->run->conf.lease_ms * 3 / 10;
        shard->state = SW_FREE;
        shard->retry_at_ms = sw__boot_ms() + (wait_ms < round_ms ? wait_ms : round_ms);
        return;
    }
    if (!sw__reply_is(shard, reply, "mine") || reply->elements < 9) return;
    snprintf(shard->epoch, sizeof(shard->epoch), "%s", reply->element[1]->str);
    snprintf(shard->gen, sizeof(shard->gen), "%s", reply->element[2]->str);
    sw__clock(shard->ledger, atoll(reply->element[3]->str));
    shard->state = SW_OURS;
    shard->seq = 0;
    shard->held_until_at_ms = asked.at_ms + shard->run->conf.lease_ms;
    shard->renew_sent_at_ms = asked.at_ms;
    shard->cautious = strcmp(reply->element[4]->str, "1") != 0 ? SW_CAUTIOUS : 0;
    if (shard->cautious)
        shard->ended = sw_trace_read(shard->run->conf.run_dir, shard->run->role,
                                     reply->element[8]->str, shard->number);
    shard->suspicion = shard->ended;
    shard->next_due_ms = reply->element[7]->len ? atoll(reply->element[7]->str) : INT64_MAX;
    sw_metric_add(SW_M_LEASE_MOVES, 1);
    sw__mailbox_taken(shard, reply->element[5]->str, reply->element[6]->str);
    sw__effects_taken(shard);
}

static void take(struct sw_shard *shard) {
    char lease[24];
    snprintf(lease, sizeof(lease), "%lld", (long long)shard->run->conf.lease_ms);
    shard->state = SW_TAKING;
    const char *argv[] = {sw_redis_run_id(shard->ledger->redis), shard->run->role,
                          shard->run->nonce, sw_wire_endpoint(shard->run->wire), lease};
    size_t sizes[5];
    for (int i = 0; i < 5; i++)
        sizes[i] = strlen(argv[i]);
    struct asked *asked = asked_create(shard, true);
    if (sw_redis_eval(shard->ledger->redis, SW_SCRIPT_TAKE, shard->prefix, 5, argv, sizes, on_taken,
                      asked) < 0) {
        free(asked);
        shard->state = SW_FREE;
    }
}

static void note_age(struct sw_lane *lane, const char *oldest, const char *newest) {
    struct sw_id first = {0, 0}, last = {0, 0};
    (void)sw__id_parse(oldest, &first);
    (void)sw__id_parse(newest, &last);
    sw_age_note(&lane->age, first, last, sw__boot_ms());
}

static void on_tended(void *arg, const redisReply *reply) {
    struct asked asked = *(struct asked *)arg;
    struct sw_shard *shard = asked.shard;
    free(arg);
    if (!reply || shard->life != asked.life ||
        (shard->state != SW_OURS && shard->state != SW_LEAVING))
        return;
    if (!sw__reply_is(shard, reply, "ok") || reply->elements < 9) return;
    sw__clock(shard->ledger, atoll(reply->element[1]->str));
    if (asked.renew) shard->held_until_at_ms = asked.at_ms + shard->run->conf.lease_ms;
    for (unsigned lane = 0; lane < SW_LANES; lane++) {
        shard->lane[lane].owed = reply->element[4 + lane]->integer;
        note_age(&shard->lane[lane], reply->element[6 + lane]->str, reply->element[2 + lane]->str);
        sw__mailbox_sweep(shard, lane, reply->element[2 + lane]->str);
    }
    shard->dead = reply->element[8]->integer;
}

static void tend(struct sw_shard *shard) {
    char lease[24];
    int64_t now_ms = sw__boot_ms();
    bool renew = now_ms - shard->renew_sent_at_ms >= shard->run->conf.lease_ms * 3 / 10;
    snprintf(lease, sizeof(lease), "%lld", renew ? (long long)shard->run->conf.lease_ms : 0LL);
    if (renew) shard->renew_sent_at_ms = now_ms;
    const char *argv[] = {lease};
    struct asked *asked = asked_create(shard, renew);
    if (sw__owner_eval(shard, SW_SCRIPT_TEND, 1, argv, NULL, on_tended, asked) < 0) free(asked);
}

static void on_released(void *arg, const redisReply *reply) {
    struct asked asked = *(struct asked *)arg;
    struct sw_shard *shard = asked.shard;
    free(arg);
    if (!reply || shard->life != asked.life) return;
    sw__shard_reset(shard);
    shard->retry_at_ms = sw__boot_ms() + shard->run->conf.lease_ms * 3 / 10;
    if (shard->ledger->peer[0]) sw_wire_hand(shard->run->wire, shard->ledger->peer, shard->number);
}

/* Nothing of the shard may be on its way, and no call that must not be repeated. */
void sw__lease_released(struct sw_shard *shard) {
    bool grace = shard->run->draining && sw__boot_ms() >= shard->run->drain_at_ms;
    if (shard->releasing || shard->batches || shard->open) return;
    if (sw__effects_marked(shard) && !grace) return;
    struct asked *asked = asked_create(shard, false);
    shard->releasing =
        sw__owner_eval(shard, SW_SCRIPT_RELEASE, 0, NULL, NULL, on_released, asked) >= 0;
    if (!shard->releasing) free(asked);
}

void sw__lease_leave(struct sw_shard *shard) {
    if (shard->state != SW_OURS) return;
    if (shard->open) sw__batch_send(shard);
    shard->state = SW_LEAVING;
    sw__lease_released(shard);
}

static void on_live(void *arg, const redisReply *reply) {
    struct sw_ledger *ledger = arg;
    struct sw_run *run = ledger->run;
    if (!reply) return;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1) {
        sw__log_refused(run, reply); /* the wrong user, say: without an answer nothing is taken */
        return;
    }
    sw__clock(ledger, atoll(reply->element[0]->str));
    ledger->living = (unsigned)reply->elements - 1;
    ledger->peer[0] = 0;
    for (size_t i = 1; i < reply->elements; i++) {
        if (strcmp(reply->element[i]->str, sw_wire_endpoint(run->wire)) != 0)
            snprintf(ledger->peer, sizeof(ledger->peer), "%s", reply->element[i]->str);
    }
    if (!run->actor || run->draining) return;
    unsigned living = ledger->living ? ledger->living : 1, surplus = owned(ledger);
    ledger->share = (ledger->shards + living - 1) / living;
    surplus = surplus > ledger->share ? surplus - ledger->share : 0;
    for (unsigned i = 0; i < SW_SHARDS && surplus; i++) {
        struct sw_shard *shard = &run->shard[i];
        if (shard->ledger != ledger || shard->state != SW_OURS) continue;
        /* One that is busy may go at the next count; one that always is must go at some time. */
        if (sw__effects_marked(shard) && !ledger->crowded) continue;
        sw__lease_leave(shard);
        surplus--;
    }
    ledger->crowded = surplus > 0;
}

/* In each Redis: whoever still lives, and what each knows, must be known where only that one is there. */
static void stand_in_live(struct sw_ledger *ledger, int64_t ttl_ms) {
    const struct sw_run *run = ledger->run;
    char ttl[24];
    snprintf(ttl, sizeof(ttl), "%lld", (long long)ttl_ms);
    SW_AUTO(sw_text) char *known = sw_keys_known(run->keys, sw_wire_curve(run->wire));
    const char *argv[] = {run->role, sw_wire_endpoint(run->wire), ttl, known};
    size_t sizes[] = {strlen(argv[0]), strlen(argv[1]), strlen(argv[2]), strlen(argv[3])};
    (void)sw_redis_eval(ledger->redis, SW_SCRIPT_LIVE, "sw:", 4, argv, sizes, on_live, ledger);
}

void sw__lease_gone(struct sw_run *run) {
    for (unsigned i = 0; i < run->ledgers; i++)
        stand_in_live(&run->ledger[i], 0);
}

/* The share is known once the living were counted. Those that follow the last one asked for come first: where nearly all
 * are held by others, the same few would be asked for again and again. */
static void take_some(struct sw_ledger *ledger, int64_t now_ms) {
    unsigned mine = owned(ledger);
    for (unsigned n = 0, first = ledger->next_take; n < SW_SHARDS; n++) {
        struct sw_shard *shard = &ledger->run->shard[(first + n) % SW_SHARDS];
        if (mine >= ledger->share) break;
        if (shard->ledger != ledger || shard->state != SW_FREE || now_ms < shard->retry_at_ms)
            continue;
        take(shard);
        mine++;
        ledger->next_take = (shard->number + 1) % SW_SHARDS;
    }
}

static void tend_some(struct sw_run *run, int64_t now_ms) {
    bool sweep = now_ms - run->swept_at_ms >= run->conf.sweep_ms;
    if (sweep) run->swept_at_ms = now_ms;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct sw_shard *shard = &run->shard[i];
        bool holding = shard->state == SW_OURS || shard->state == SW_LEAVING;
        if (holding && !shard->releasing &&
            (sweep || now_ms - shard->renew_sent_at_ms >= run->conf.lease_ms * 3 / 10))
            tend(shard);
        if (shard->state == SW_LEAVING) sw__lease_released(shard);
    }
}

void sw__lease_tick(struct sw_run *run) {
    int64_t now_ms = sw__boot_ms();
    for (unsigned i = 0; i < run->ledgers; i++) {
        struct sw_ledger *ledger = &run->ledger[i];
        if (!sw_redis_up(ledger->redis) || run->draining ||
            now_ms - ledger->live_at_ms < run->conf.lease_ms * 3 / 10)
            continue;
        ledger->live_at_ms = now_ms;
        stand_in_live(ledger, run->conf.lease_ms);
    }
    if (!run->actor) return;
    tend_some(run, now_ms);
    for (unsigned i = 0; i < run->ledgers && !run->draining; i++) {
        if (sw_redis_up(run->ledger[i].redis)) take_some(&run->ledger[i], now_ms);
    }
}
