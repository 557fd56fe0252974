/* turn.c -- one turn of the process: handle what is queued, and send it to be committed. */
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/report.h"
#include "common/run_priv.h"
#include "common/seal.h"
#include "common/span.h"
#include "common/watchdog.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>

#define SLOW_US 5000
#define URGENT_A_TURN 512
#define BULK_A_TURN 64 /* what somebody waits for is not behind more than that, of whatever shard */

static bool accepts(const struct sw_actor *actor, const char *kind) {
    for (const char *const *k = actor->kinds; *k; k++) {
        if (!strcmp(*k, kind)) return true;
    }
    return false;
}

void sw__turn_want(struct sw_shard *shard, const struct sw_entry *entry) {
    struct sw_out out;
    if (!shard->run->actor->want || !accepts(shard->run->actor, entry->m->kind)) return;
    sw_out_init(&out, entry->m, sw__facts_get, shard);
    shard->run->actor->want(entry->m, &out);
    sw_out_finish(&out);
}

static void report(const struct sw_shard *shard, const struct sw_entry *entry, const char *type,
                   const char *what, int error) {
    struct sw_report told = {
        .type = type, .what = what, .about = entry->m, .error = error, .shard = (int)shard->number};
    snprintf(told.entry, sizeof(told.entry), "%" PRIu64 "-%" PRIu64, entry->id.gen, entry->id.seq);
    sw_report(shard->run->reporter, &told);
}

static int call(struct sw_shard *shard, struct sw_entry *entry, struct sw_out *out) {
    struct sw_run *run = shard->run;
    struct sw_ctx ctx = {.now_ms = sw__shard_now_ms(shard),
                         .attempt = entry->attempt ? entry->attempt : 1,
                         .conf = &run->conf,
                         .keys = run->keys};
    entry->handled_ms = ctx.now_ms;
    if (!entry->m) return entry->error;
    if (!accepts(run->actor, entry->m->kind)) return -ENOTSUP;
    /* The first crash was not counted: this would be the fourth. */
    if (entry->attempt >= SW_TRIES) return -ELOOP;
    randombytes_buf(ctx.seed, sizeof(ctx.seed));
    int64_t start_us = sw__boot_us();
    unsigned broken = sw_seal_broken();
    sw_trace_begin(shard->number, entry->lane, entry->id.gen, entry->id.seq);
    sw_watchdog_begin();
    int r = run->actor->handle(&ctx, entry->m, out);
    sw_watchdog_end();
    sw_trace_end();
    if (sw_seal_broken() != broken) {
        sw_log(SW_LOG_ERROR, "a row or a box does not open: changed, or its key is not here",
               SW_S("cmd", entry->m->cmd), SW_S("kind", entry->m->kind),
               SW_I("shard", shard->number));
        report(shard, entry, "seal", "does not open", 0);
    }
    entry->took_us = sw__boot_us() - start_us;
    if (entry->took_us > SLOW_US) sw_metric_add(SW_M_SLOW_HANDLERS, 1);
    return r == 0 ? out->error : r;
}

static const char *reason_of(int error) {
    switch (-error) {
    case ELOOP:
        return "poison";
    case ENOTSUP:
        return "unknown_kind";
    case EBADMSG:
        return "malformed";
    case EPROTONOSUPPORT:
        return "newer_version";
    case EMSGSIZE:
        return "too_big";
    default:
        return "refused";
    }
}

/* The person is told, unless telling is what failed. */
static void tell_person(const struct sw_run *run, const struct sw_entry *entry,
                        struct sw_out *out) {
    json_t *who = entry->m ? json_object_get(entry->m->body, "who") : NULL;
    if (!who || !strcmp(run->role, "responder")) return;
    /* `slipway dead retry` put it back: its person was told when it died first. */
    if (json_is_true(json_object_get(entry->m->body, "retried"))) return;
    sw_send(out, "responder", SW_KIND_REPLY,
            json_pack("{s:O, s:s, s:s, s:s, s:{s:s}, s:b}", "who", who, "op", entry->m->cmd, "to",
                      "private", "template", "error.internal", "data", "id", entry->m->cmd, "final",
                      1));
}

static void log_handled(const struct sw_shard *shard, const struct sw_entry *entry,
                        const char *dead) {
    enum sw_log_level level = dead ? SW_LOG_ERROR : SW_LOG_INFO;
    if (!sw_log_wants(level)) return;
    char id[48];
    snprintf(id, sizeof(id), "%" PRIu64 "-%" PRIu64, entry->id.gen, entry->id.seq);
    const char *cmd = entry->m ? entry->m->cmd : "", *kind = entry->m ? entry->m->kind : "";
    if (dead) {
        sw_log(level, "dead letter", SW_S("cmd", cmd), SW_S("kind", kind),
               SW_I("shard", shard->number), SW_S("id", id), SW_S("reason", dead));
    } else {
        sw_log(level, "handled", SW_S("cmd", cmd), SW_S("kind", kind), SW_I("shard", shard->number),
               SW_S("id", id));
    }
}

/* True: acknowledged in the open batch; false: a fact is on its way. */
static bool handle(struct sw_shard *shard, struct sw_entry *entry) {
    struct sw_run *run = shard->run;
    struct sw_out out;
    struct sw_span *span = sw__span_message(shard, entry);
    sw_out_init(&out, entry->m, sw__facts_get, shard);
    int r = call(shard, entry, &out);
    if (r == -EAGAIN && out.wanting) {
        sw__span_undo(span, entry);
        sw_out_finish(&out);
        return false;
    }
    if (!shard->open) shard->open = sw__batch_create(shard);
    if (r == 0) r = sw__batch_add(shard->open, entry, &out, NULL);
    const char *dead = r < 0 ? reason_of(r) : NULL;
    if (dead) {
        report(shard, entry, "dead letter", dead, r);
        sw_out_reset(&out);
        tell_person(run, entry, &out);
        sw_metric_add(SW_M_DEAD, 1, dead);
        r = sw__batch_add(shard->open, entry, &out, dead);
        /* Only the telling can be too large; the entry itself fitted when it came. */
        if (r < 0) {
            sw_out_reset(&out);
            r = sw__batch_add(shard->open, entry, &out, dead);
        }
    }
    log_handled(shard, entry, dead);
    if (span) sw__batch_span(shard->open, span, dead);
    sw_out_finish(&out);
    run->handled++;
    sw_metric_add(SW_M_HANDLED, 1, entry->m ? entry->m->kind : "");
    return true;
}

/* Whether it was this entry's handler in which the owner before ended. */
static bool ended_in(const struct sw_ending *ended, const struct sw_entry *entry) {
    return (ended->how == SW_ENDED_CRASHED || ended->how == SW_ENDED_HUNG) &&
           ended->lane == entry->lane && ended->gen == entry->id.gen && ended->seq == entry->id.seq;
}

/* How the owner before ended is told once, when the entry comes by: it is owed still, and says whose it is. */
static void tell_ending(struct sw_shard *shard, const struct sw_entry *entry) {
    struct sw_ending *ended = &shard->ended;
    bool in_handler = ended->how == SW_ENDED_CRASHED || ended->how == SW_ENDED_HUNG;
    if (ended->how == SW_ENDED_QUIET || (in_handler && !ended_in(ended, entry))) return;
    const char *what = !in_handler                   ? "ended without releasing its lease"
                       : ended->how == SW_ENDED_HUNG ? "hung"
                                                     : "crashed";
    sw_log(SW_LOG_ERROR, "the process before ended in its work",
           SW_S("cmd", entry->m ? entry->m->cmd : ""), SW_S("how", what),
           SW_I("shard", shard->number), SW_I("tries", entry->attempt));
    report(shard, entry, "process", what, 0);
    ended->how = SW_ENDED_QUIET;
}

struct counting {
    struct sw_shard *shard;
    unsigned life;
    struct sw_entry *entry;
};

static void on_counted(void *arg, const redisReply *reply) {
    struct counting c = *(struct counting *)arg;
    free(arg);
    if (!reply || c.shard->life != c.life) return;
    if (reply->type != REDIS_REPLY_INTEGER) {
        sw__reply_refused(c.shard, reply);
        return;
    }
    c.shard->counting = false;
    c.entry->attempt = (unsigned)reply->integer;
    tell_ending(c.shard, c.entry);
    sw__pump(c.shard->run);
}

/* Whether this entry may be why the owner before ended. */
static bool suspect(const struct sw_ending *ended, const struct sw_entry *entry) {
    bool in_handler = ended->how == SW_ENDED_CRASHED || ended->how == SW_ENDED_HUNG;
    return in_handler ? ended_in(ended, entry) : !ended->blameless;
}

/* After an unclean take-over: one at a time, each try counted before it is made. True: it may be handled now. */
static bool counted(struct sw_shard *shard, struct sw_entry *entry) {
    char key[80], id[48];
    if (entry->attempt) return true;
    if (shard->counting || shard->batches || shard->open) return false;
    if (!suspect(&shard->suspicion, entry)) {
        entry->attempt = 1;
        tell_ending(shard, entry);
        return true;
    }
    snprintf(key, sizeof(key), "%s%s:tries", shard->prefix, shard->run->role);
    snprintf(id, sizeof(id), "%" PRIu64 "-%" PRIu64, entry->id.gen, entry->id.seq);
    struct counting *c = sw_malloc(sizeof(*c));
    *c = (struct counting){shard, shard->life, entry};
    if (sw_redis_words(shard->ledger->redis, on_counted, c, "HINCRBY", key, id, "1", NULL) < 0) {
        free(c);
        return false;
    }
    shard->counting = true;
    return false;
}

/* Handles what may be handled of one shard's lanes up to `last`; true: more can be done at once. */
static bool shard_turn(struct sw_shard *shard, unsigned last, unsigned *budget) {
    for (unsigned i = 0; i <= last; i++) {
        struct sw_lane *lane = &shard->lane[i];
        struct sw_entry *entry;
        while (shard->state == SW_OURS && (entry = zlistx_first(lane->queue))) {
            if (*budget == 0) {
                if (shard->open) sw__batch_send(shard);
                return true;
            }
            if (shard->batches >= (unsigned)shard->run->conf.depth) return false;
            if (shard->cautious && !counted(shard, entry)) return false;
            if (!handle(shard, entry)) break;
            (*budget)--;
            zlistx_delete(lane->queue, zlistx_cursor(lane->queue));
            if (shard->cautious) {
                shard->cautious--;
                sw__batch_send(shard);
                return false;
            }
            if (sw__batch_full(shard->open)) sw__batch_send(shard);
        }
    }
    /* What the other lane adds goes with it. */
    if (shard->open && last == SW_LANES - 1) sw__batch_send(shard);
    return false;
}

/* The budget is not always spent by the same shards. */
static bool lanes_turn(struct sw_run *run, unsigned first, unsigned last, unsigned budget) {
    bool more = false;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct sw_shard *shard = &run->shard[(first + i) % SW_SHARDS];
        if (shard->state == SW_OURS) more = shard_turn(shard, last, &budget) || more;
    }
    return more;
}

void sw__turn(struct sw_run *run) {
    unsigned first = run->next_turn++;
    bool more = lanes_turn(run, first, 0, URGENT_A_TURN);
    more = lanes_turn(run, first, SW_LANES - 1, BULK_A_TURN) || more;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        if (run->shard[i].state == SW_OURS) sw__mailbox_refill(&run->shard[i]);
    }
    if (more) sw__pump(run);
}
