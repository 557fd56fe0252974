/* mailbox.c -- one owner, entries in id order, from three ways: the wire, a gap fetch, a sweep.
 *
 * `tail` is the id up to which everything was taken in. What the wire brings beyond a hole waits in `early` for gap_ms, since
 * several senders interleave; then the hole is read from the stream, and what the stream does not have never was. So `tail`
 * follows what Redis shows, or says at the take-over, and no id that the wire alone knows: what came below it would be lost. */
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/run_priv.h"
#include "common/wire.h"
#include "proto/kinds.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

bool sw__id_parse(const char *text, struct sw_id *ret) {
    struct sw_id id;
    int end = 0;
    if (sscanf(text, "%" SCNu64 "-%" SCNu64 "%n", &id.gen, &id.seq, &end) != 2 || text[end])
        return false;
    *ret = id;
    return true;
}

int sw__id_compare(struct sw_id a, struct sw_id b) {
    if (a.gen != b.gen) return a.gen < b.gen ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static void id_format(struct sw_id id, char text[48]) {
    snprintf(text, 48, "%" PRIu64 "-%" PRIu64, id.gen, id.seq);
}

static bool follows(struct sw_id tail, struct sw_id id) {
    return id.gen == tail.gen ? id.seq == tail.seq + 1 : id.gen > tail.gen && id.seq == 0;
}

static void entry_destroy(struct sw_entry *entry) {
    if (!entry) return;
    sw_msg_destroy(entry->m);
    free(entry);
}

static void entry_destructor(void **p) {
    entry_destroy(*p);
    *p = NULL;
}

static int entry_comparator(const void *a, const void *b) {
    return sw__id_compare(((const struct sw_entry *)a)->id, ((const struct sw_entry *)b)->id);
}

void sw__mailbox_init(struct sw_shard *shard) {
    for (unsigned i = 0; i < SW_LANES; i++) {
        struct sw_lane *lane = &shard->lane[i];
        snprintf(lane->mailbox, sizeof(lane->mailbox), i == 0 ? "%s" : "%s:bulk", shard->run->role);
        lane->queue = zlistx_new();
        lane->early = zlistx_new();
        zlistx_set_destructor(lane->queue, entry_destructor);
        zlistx_set_destructor(lane->early, entry_destructor);
        zlistx_set_comparator(lane->early, entry_comparator);
    }
}

void sw__mailbox_clear(struct sw_shard *shard) {
    for (unsigned i = 0; i < SW_LANES; i++) {
        struct sw_lane *lane = &shard->lane[i];
        zlistx_purge(lane->queue);
        zlistx_purge(lane->early);
        lane->gap_at_ms = 0;
        lane->fetching = lane->more = false;
        lane->tail = lane->seen = (struct sw_id){0, 0};
        lane->owed = 0;
        lane->age = (struct sw_age){0};
    }
}

static struct sw_entry *entry_create(unsigned lane, struct sw_id id, const char *data,
                                     size_t size) {
    struct sw_entry *entry = sw_zalloc(sizeof(*entry));
    entry->lane = lane;
    entry->id = id;
    entry->error = sw_msg_unpack(data, size, &entry->m);
    return entry;
}

static void enqueue(struct sw_shard *shard, struct sw_lane *lane, struct sw_entry *entry) {
    lane->tail = entry->id;
    zlistx_add_end(lane->queue, entry);
    if (entry->m) sw__turn_want(shard, entry);
    sw__pump(shard->run);
}

static void gaps(struct sw_run *run);

static int on_gap_due(zloop_t *loop, int timer, void *arg) {
    struct sw_run *run = arg;
    (void)loop;
    (void)timer;
    run->gaps_armed = false;
    gaps(run);
    sw__turn_end(run);
    return 0;
}

static void arm(struct sw_run *run) {
    if (run->gaps_armed) return;
    run->gaps_armed = true;
    zloop_timer(run->loop, (size_t)run->conf.gap_ms, 1, on_gap_due, run);
}

/* What waited behind the gap and now follows. */
static void take_early(struct sw_shard *shard, struct sw_lane *lane) {
    struct sw_entry *entry;
    while ((entry = zlistx_first(lane->early))) {
        int order = sw__id_compare(entry->id, lane->tail);
        if (order > 0 && !follows(lane->tail, entry->id)) {
            lane->gap_at_ms = sw__boot_ms(); /* another gap */
            arm(shard->run);
            return;
        }
        entry = zlistx_detach(lane->early, zlistx_cursor(lane->early));
        if (order > 0) {
            enqueue(shard, lane, entry);
        } else {
            entry_destroy(entry);
        }
    }
    lane->gap_at_ms = 0;
}

static void hold_early(struct sw_run *run, struct sw_lane *lane, struct sw_entry *entry) {
    /* Beyond the bound the sweep will find it. */
    if (zlistx_size(lane->early) >= SW_QUEUE_MAX || zlistx_find(lane->early, entry)) {
        entry_destroy(entry);
        return;
    }
    zlistx_insert(lane->early, entry, false);
    if (lane->gap_at_ms) return;
    lane->gap_at_ms = sw__boot_ms();
    arm(run);
}

static void more_up_to(struct sw_lane *lane, struct sw_id id) {
    lane->more = true;
    if (sw__id_compare(lane->seen, id) < 0) lane->seen = id;
}

static void receive(struct sw_shard *shard, const char *from, unsigned lane_number, struct sw_id id,
                    const char *data, size_t size) {
    struct sw_lane *lane = &shard->lane[lane_number];
    if (sw__id_compare(id, lane->tail) <= 0) return;
    if (lane->more || zlistx_size(lane->queue) >= SW_QUEUE_MAX) {
        more_up_to(lane, id); /* it stays in Redis and is read when there is room */
        return;
    }
    struct sw_entry *entry = entry_create(lane_number, id, data, size);
    if (from && !(entry->m && sw_kind_may(entry->m->kind, from, shard->run->role))) {
        sw_wire_refuse(shard->run->wire, "kind", from);
        entry_destroy(entry); /* what stands in Redis under this id is found by the sweep */
        return;
    }
    if (follows(lane->tail, id) && !lane->fetching) {
        enqueue(shard, lane, entry);
        if (zlistx_size(lane->early) > 0) take_early(shard, lane);
    } else {
        hold_early(shard->run, lane, entry);
    }
}

void sw__mailbox_receive(struct sw_shard *shard, unsigned lane, struct sw_id id, const char *data,
                         size_t size) {
    receive(shard, NULL, lane, id, data, size);
}

void sw__mailbox_hear(struct sw_shard *shard, const char *from, unsigned lane, struct sw_id id,
                      const char *data, size_t size) {
    receive(shard, from, lane, id, data, size);
}

struct fetch {
    struct sw_shard *shard;
    unsigned life, lane;
    struct sw_id upto;
    bool given; /* Redis says that it gave all ids up to there */
};

static void fetch(struct sw_shard *shard, unsigned lane_number, struct sw_id upto, bool given);

/* All there is up to `upto` is read: what waits below it is not in Redis. */
static void drop_claims(struct sw_shard *shard, struct sw_lane *lane, struct sw_id upto) {
    struct sw_entry *entry;
    while ((entry = zlistx_first(lane->early)) && sw__id_compare(entry->id, upto) <= 0) {
        if (sw__id_compare(entry->id, lane->tail) > 0) sw_wire_refuse(shard->run->wire, "id", NULL);
        entry_destroy(zlistx_detach(lane->early, zlistx_cursor(lane->early)));
    }
    if (sw__id_compare(lane->seen, lane->tail) > 0 && sw__id_compare(lane->seen, upto) <= 0)
        lane->seen = lane->tail;
}

static void on_page(void *arg, const redisReply *reply) {
    struct fetch f = *(struct fetch *)arg;
    struct sw_shard *shard = f.shard;
    struct sw_lane *lane = &shard->lane[f.lane];
    free(arg);
    if (!reply || shard->life != f.life) return;
    lane->fetching = false;
    if (!sw__reply_is_list(shard, reply)) return;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *e = reply->element[i];
        struct sw_id id;
        if (e->elements != 2 || e->element[1]->elements < 2 ||
            !sw__id_parse(e->element[0]->str, &id))
            continue;
        if (sw__id_compare(id, lane->tail) <= 0) continue;
        const redisReply *bytes = e->element[1]->element[1];
        enqueue(shard, lane, entry_create(f.lane, id, bytes->str, bytes->len));
    }
    if (reply->elements < (size_t)atoi(SW_PAGE)) {
        /* All there is: holes up to here were never filled, or were handled before. */
        lane->more = false;
        if (f.given && sw__id_compare(lane->tail, f.upto) < 0) lane->tail = f.upto;
        drop_claims(shard, lane, f.upto);
    } else if (sw__id_compare(lane->tail, f.upto) < 0) {
        if (zlistx_size(lane->queue) < SW_QUEUE_MAX) {
            fetch(shard, f.lane, f.upto, f.given);
        } else {
            more_up_to(lane, f.upto);
        }
    }
    /* Not before all pages are read: what a new generation begins with follows upon whatever comes last of the old one. */
    if (!lane->fetching && !lane->more) take_early(shard, lane);
}

/* Reads (tail, upto] in pages. */
static void fetch(struct sw_shard *shard, unsigned lane_number, struct sw_id upto, bool given) {
    struct sw_lane *lane = &shard->lane[lane_number];
    char key[80], from[49], to[48];
    if (lane->fetching) return;
    snprintf(key, sizeof(key), "%s%s", shard->prefix, lane->mailbox);
    from[0] = '(';
    id_format(lane->tail, from + 1);
    id_format(upto, to);
    struct fetch *f = sw_malloc(sizeof(*f));
    *f = (struct fetch){shard, shard->life, lane_number, upto, given};
    if (sw_redis_words(shard->ledger->redis, on_page, f, "XRANGE", key, from, to, "COUNT", SW_PAGE,
                       NULL) < 0) {
        free(f);
        return;
    }
    lane->fetching = true;
}

/* Replay from the very start up to what the stream had when the lease was taken. */
void sw__mailbox_taken(struct sw_shard *shard, const char *last_urgent, const char *last_bulk) {
    const char *last[SW_LANES] = {last_urgent, last_bulk};
    for (unsigned i = 0; i < SW_LANES; i++) {
        struct sw_id upto = {0, 0};
        if (sw__id_parse(last[i], &upto) && (upto.gen || upto.seq)) fetch(shard, i, upto, true);
    }
}

/* Bounded by what the sweep before saw in the stream itself: what came since is likely still on the wire. */
void sw__mailbox_sweep(struct sw_shard *shard, unsigned lane_number, const char *newest) {
    struct sw_lane *lane = &shard->lane[lane_number];
    struct sw_id now_newest;
    if (lane->more && !lane->fetching && zlistx_size(lane->queue) < SW_QUEUE_MAX / 2 &&
        sw__id_parse(newest, &now_newest)) {
        fetch(shard, lane_number, now_newest, false);
    } else if (sw__id_compare(lane->tail, lane->seen) < 0 && !lane->fetching) {
        sw_metric_add(SW_M_SWEEPS_FOUND, 1);
        fetch(shard, lane_number, lane->seen, false);
    }
    if (sw__id_parse(newest, &now_newest) && sw__id_compare(lane->seen, now_newest) < 0)
        lane->seen = now_newest;
}

void sw__mailbox_refill(struct sw_shard *shard) {
    for (unsigned i = 0; i < SW_LANES; i++) {
        struct sw_lane *lane = &shard->lane[i];
        if (lane->more && zlistx_size(lane->queue) < SW_QUEUE_MAX / 2)
            fetch(shard, i, lane->seen, false);
    }
}

static void gaps(struct sw_run *run) {
    int64_t now_ms = sw__boot_ms();
    for (unsigned s = 0; s < SW_SHARDS; s++) {
        struct sw_shard *shard = &run->shard[s];
        if (shard->state != SW_OURS && shard->state != SW_LEAVING) continue;
        for (unsigned i = 0; i < SW_LANES; i++) {
            struct sw_lane *lane = &shard->lane[i];
            const struct sw_entry *last = zlistx_last(lane->early);
            /* What is fetched, or read when there is room, closes it too. */
            if (!lane->gap_at_ms || lane->fetching || lane->more || !last) continue;
            if (now_ms - lane->gap_at_ms < run->conf.gap_ms) {
                arm(run);
                continue;
            }
            sw_metric_add(SW_M_GAPS, 1);
            fetch(shard, i, last->id, false);
        }
    }
}
