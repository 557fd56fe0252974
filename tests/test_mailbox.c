/* test_mailbox.c -- a mailbox that is read in pages while the wire brings what is newer: in order, and nothing is passed over. */
#include "common/run_priv.h"
#include "redis_world.h"

#define OLD 512 /* entries of a generation before: more than one page */
#define BULK 1
#define STREAM "sw:{00}:executor:bulk"

static const struct sw_actor actor = {.name = "executor"};

static int step(zloop_t *loop, int timer, void *arg) {
    struct sw_run *run = arg;
    (void)loop;
    (void)timer;
    sw__ledgers_flush(run);
    return -1; /* ends this round of the loop */
}

static void turn(void *arg) {
    (void)arg;
}

/* Runs the loop for a moment at a time, until there are `count` entries. */
static void run_until(struct sw_run *run, size_t count) {
    const struct sw_lane *lane = &run->shard[0].lane[BULK];
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; zlistx_size(lane->queue) < count;) {
        if (now_ms() > deadline_ms) fail_msg("%zu entries of %zu", zlistx_size(lane->queue), count);
        zloop_timer(run->loop, 1, 1, step, run);
        zloop_start(run->loop);
    }
}

static void what_is_newer_waits_until_the_old_pages_are_read(void **state) {
    struct redis_world redis;
    struct sw_run *run = sw_zalloc(sizeof(*run));
    struct sw_shard *shard = &run->shard[0];
    struct sw_redis_events events = {turn, turn, turn, run};
    (void)state;
    redis_world_start(&redis, NULL);
    for (int i = 0; i < OLD; i++)
        freeReplyObject(ask(&redis, "XADD " STREAM " 1-%d m x", i));
    freeReplyObject(ask(&redis, "XADD " STREAM " 2-0 m x"));
    run->loop = zloop_new();
    run->actor = &actor;
    run->role = actor.name;
    run->conf.gap_ms = 600000; /* only pages bring what is missing */
    sw__shard_init(run, shard, 0);
    shard->state = SW_OURS;
    struct sw_redis_map map;
    char error[128], memory[] = "memory";
    assert_int_equal(sw_redis_map_parse(getenv("SLIPWAY_REDIS"), &map, error, sizeof(error)), 0);
    run->conf.durability = memory;
    sw__ledgers_init(run, &map);
    struct sw_redis *conn = sw_redis_create(run->loop, &map.address[0], &run->conf, &events);
    shard->ledger->redis = conn;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; !sw_redis_up(conn);) {
        if (now_ms() > deadline_ms) fail_msg("redis is not up");
        zloop_timer(run->loop, 1, 1, step, run);
        zloop_start(run->loop);
    }
    sw__mailbox_taken(shard, "0-0", "1-511");
    sw__mailbox_receive(shard, BULK, (struct sw_id){2, 0}, "x", 1);
    run_until(run, OLD + 1);
    uint64_t next = 0;
    for (struct sw_entry *e = zlistx_first(shard->lane[BULK].queue); e;
         e = zlistx_next(shard->lane[BULK].queue)) {
        assert_int_equal(e->id.gen, next < OLD ? 1 : 2);
        assert_int_equal(e->id.seq, next < OLD ? next : 0);
        next++;
    }
    sw_redis_destroy(conn);
    sw__mailbox_clear(shard);
    sw__shard_finish(shard);
    zloop_destroy(&run->loop);
    redis_world_end(&redis);
    free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_newer_waits_until_the_old_pages_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
