/* ledger.c -- the Redis servers of this process, each with its own shards, clock and fate. */
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/redis_map.h"
#include "common/run_priv.h"

#define SILENT_MS 2000 /* Redis owes an answer for so long: it hangs */

/* Redis TIME as far as it is known; before that this machine's own. */
static int64_t time_of(const struct sw_ledger *ledger) {
    if (ledger->clock_offset_ms) return sw__boot_ms() + ledger->clock_offset_ms;
    return sw_clock_ms(CLOCK_REALTIME);
}

int64_t sw__now_ms(const struct sw_run *run) {
    return time_of(&run->ledger[0]);
}

int64_t sw__shard_now_ms(const struct sw_shard *shard) {
    return time_of(shard->ledger);
}

void sw__clock(struct sw_ledger *ledger, int64_t redis_ms) {
    ledger->clock_offset_ms = redis_ms - sw__boot_ms();
}

static void on_up(void *arg) {
    struct sw_ledger *ledger = arg;
    sw_log(SW_LOG_INFO, "redis is there", SW_I("address", ledger->number));
    ledger->live_at_ms = 0;
    sw__lease_tick(ledger->run);
    sw__pump(ledger->run);
}

static void on_down(void *arg) {
    struct sw_ledger *ledger = arg;
    struct sw_run *run = ledger->run;
    sw_log(SW_LOG_WARN, "redis is away", SW_I("address", ledger->number));
    for (unsigned i = 0; run->actor && i < SW_SHARDS; i++) {
        if (run->shard[i].ledger == ledger) sw__shard_reset(&run->shard[i]);
    }
    sw__pump(run);
}

static void on_turn(void *arg) {
    struct sw_ledger *ledger = arg;
    sw__turn_end(ledger->run);
}

/* Before anything asks which shard is where. */
void sw__ledgers_init(struct sw_run *run, const struct sw_redis_map *map) {
    run->ledgers = map->count;
    for (unsigned i = 0; i < map->count; i++)
        run->ledger[i] = (struct sw_ledger){.run = run, .number = i};
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        run->shard[i].ledger = &run->ledger[map->of[i]];
        run->ledger[map->of[i]].shards++;
    }
}

void sw__ledgers_open(struct sw_run *run, const struct sw_redis_map *map) {
    for (unsigned i = 0; i < run->ledgers; i++) {
        struct sw_redis_events events = {on_up, on_down, on_turn, &run->ledger[i]};
        run->ledger[i].redis = sw_redis_create(run->loop, &map->address[i], &run->conf, &events);
    }
}

void sw__ledgers_close(struct sw_run *run) {
    for (unsigned i = 0; i < run->ledgers; i++)
        sw_redis_destroy(run->ledger[i].redis);
    for (unsigned i = 0; i < run->ledgers; i++)
        run->ledger[i].redis = NULL;
}

void sw__ledgers_flush(struct sw_run *run) {
    for (unsigned i = 0; i < run->ledgers; i++) {
        if (run->ledger[i].redis) sw_redis_flush(run->ledger[i].redis);
    }
}

void sw__ledgers_tick(struct sw_run *run) {
    for (unsigned i = 0; i < run->ledgers; i++)
        sw_redis_tick(run->ledger[i].redis);
}

bool sw__ledger_open(const struct sw_ledger *ledger) {
    return sw_redis_up(ledger->redis) && !sw_redis_few(ledger->redis);
}

bool sw__ledger_well(const struct sw_ledger *ledger) {
    return sw__ledger_open(ledger) && sw_redis_silent_ms(ledger->redis) <= SILENT_MS;
}

unsigned sw__ledgers_up(const struct sw_run *run) {
    unsigned n = 0;
    for (unsigned i = 0; i < run->ledgers; i++)
        n += sw_redis_up(run->ledger[i].redis);
    return n;
}
