/* test_mailbox.c -- a mailbox that is read in pages while the wire brings what is newer: in order, and nothing is passed over. */
#include "common/metrics.h"
#include "common/run_priv.h"
#include "common/wire.h"
#include "proto/kinds.h"
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

static void nothing(void *arg) {
    (void)arg;
}

/* Owns shard 0; without Redis and wire. */
static struct sw_run *run_new(int64_t gap_ms) {
    struct sw_run *run = sw_zalloc(sizeof(*run));
    run->loop = zloop_new();
    run->actor = &actor;
    run->role = actor.name;
    run->conf.gap_ms = gap_ms;
    sw__shard_init(run, &run->shard[0], 0);
    run->shard[0].state = SW_OURS;
    return run;
}

static void run_end(struct sw_run *run) {
    if (run->shard[0].ledger) sw_redis_destroy(run->shard[0].ledger->redis);
    sw__mailbox_clear(&run->shard[0]);
    sw__shard_finish(&run->shard[0]);
    sw_wire_destroy(run->wire);
    zloop_destroy(&run->loop);
    free(run);
}

static void turn_once(struct sw_run *run) {
    zloop_timer(run->loop, 1, 1, step, run);
    zloop_start(run->loop);
}

/* To the Redis of the test. */
static void run_connect(struct sw_run *run) {
    struct sw_redis_events events = {nothing, nothing, nothing, run};
    struct sw_redis_map map;
    static char memory[] = "memory";
    char error[128];
    assert_int_equal(sw_redis_map_parse(getenv("SLIPWAY_REDIS"), &map, error, sizeof(error)), 0);
    run->conf.durability = memory;
    sw__ledgers_init(run, &map);
    struct sw_redis *conn = sw_redis_create(run->loop, &map.address[0], &run->conf, &events);
    run->shard[0].ledger->redis = conn;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; !sw_redis_up(conn);) {
        if (now_ms() > deadline_ms) fail_msg("redis is not up");
        turn_once(run);
    }
}

/* With a socket in a directory of the caller's. */
static void run_listen(struct sw_run *run, char *dir) {
    struct sw_wire_events events = {.turn = nothing};
    char ipc[] = "ipc", error[256];
    assert_non_null(mkdtemp(dir));
    struct sw_conf conf = {.wire = ipc, .run_dir = dir};
    assert_int_equal(
        sw_wire_create(run->loop, &conf, "executor", "x", &events, &run->wire, error, 256), 0);
}

/* Runs the loop for a moment at a time, until there are `count` entries. */
static void run_until(struct sw_run *run, size_t count) {
    const struct sw_lane *lane = &run->shard[0].lane[BULK];
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; zlistx_size(lane->queue) < count;) {
        if (now_ms() > deadline_ms) fail_msg("%zu entries of %zu", zlistx_size(lane->queue), count);
        turn_once(run);
    }
}

static void what_is_newer_waits_until_the_old_pages_are_read(void **state) {
    struct redis_world redis;
    (void)state;
    redis_world_start(&redis, NULL);
    for (int i = 0; i < OLD; i++)
        freeReplyObject(ask(&redis, "XADD " STREAM " 1-%d m x", i));
    freeReplyObject(ask(&redis, "XADD " STREAM " 2-0 m x"));
    struct sw_run *run = run_new(600000); /* only pages bring what is missing */
    struct sw_shard *shard = &run->shard[0];
    run_connect(run);
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
    run_end(run);
    redis_world_end(&redis);
}

static void hear(struct sw_shard *shard, const char *from, const char *kind) {
    struct sw_msg *m = sw_msg_create(kind, "c", "T1", 1);
    struct sw_id id = shard->lane[0].tail;
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    sw__mailbox_hear(shard, from, 0, (struct sw_id){id.gen, id.seq + 1}, bytes, size);
    free(bytes);
    sw_msg_destroy(m);
}

/* What is dropped stays owed in Redis, if it is there: the id is not passed over. */
static void a_role_is_heard_with_its_own_kinds_only(void **state) {
    static const struct {
        const char *from, *kind;
        bool heard;
    } rows[] = {
        {"auth", SW_KIND_GRANTED, true},
        {"parser", SW_KIND_GRANTED, false},
        {"responder", SW_KIND_GRANTED, false},
        {"ingress", SW_KIND_GRANTED, false},
        {"executor", SW_KIND_CANCEL, true},
        {"notifier", SW_KIND_CANCEL, false},
        {"responder", SW_KIND_CHANNEL_STATE, true},
        {"executor", SW_KIND_EXECUTOR_HTTP, true},
        {"auth", SW_KIND_EXECUTOR_HTTP, false},
        {"executor", SW_KIND_AUTH_HTTP, false},
        {"auth", SW_KIND_REPLY, false},
        {"auth", "unheard.v1", false},
        {NULL, SW_KIND_GRANTED, true},
        {NULL, "unheard.v1", true},
    };
    struct sw_run *run = run_new(600000);
    struct sw_shard *shard = &run->shard[0];
    char dir[] = "/tmp/slipway-mailbox-XXXXXX";
    (void)state;
    run_listen(run, dir);
    size_t heard = 0, refused = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_id before = shard->lane[0].tail;
        hear(shard, rows[i].from, rows[i].kind);
        heard += rows[i].heard;
        refused += !rows[i].heard;
        if (zlistx_size(shard->lane[0].queue) != heard)
            fail_msg("%s from %s", rows[i].kind, rows[i].from);
        if (!rows[i].heard) assert_int_equal(sw__id_compare(before, shard->lane[0].tail), 0);
    }
    sw__mailbox_hear(shard, "auth", 0, (struct sw_id){1, 1}, "no envelope", 11);
    assert_int_equal(zlistx_size(shard->lane[0].queue), heard);
    assert_int_equal(sw_metric_value(SW_M_WIRE_REFUSED, "kind"), refused + 1);
    run_end(run);
    rmdir(dir);
}

/* Who has a key of some role may claim any id: what Redis has must be read all the same, however the next id is. */
static void an_id_that_only_the_wire_claims_hides_nothing(void **state) {
    static const struct sw_id claims[] = {{1, 1000000}, {1, UINT64_MAX}, {UINT64_MAX, 7}};
    struct redis_world redis;
    struct sw_run *run = run_new(1);
    struct sw_shard *shard = &run->shard[0];
    char dir[] = "/tmp/slipway-mailbox-XXXXXX";
    (void)state;
    redis_world_start(&redis, NULL);
    run->turning = true; /* nothing but the mailbox has a turn here */
    run_listen(run, dir);
    run_connect(run);
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c", "T1", 1);
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    freeReplyObject(ask(&redis, "XADD " STREAM " 1-0 m x"));
    sw__mailbox_taken(shard, "0-0", "1-0");
    run_until(run, 1);
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        sw__mailbox_hear(shard, "auth", BULK, claims[i], bytes, size);
        for (int64_t end_ms = now_ms() + PATIENCE_MS; zlistx_size(shard->lane[BULK].early) > 0;) {
            if (now_ms() > end_ms) fail_msg("claim %zu waits for ever", i);
            turn_once(run);
        }
        freeReplyObject(ask(&redis, "XADD " STREAM " 1-%d m x", (int)i + 1));
        sw__mailbox_hear(shard, "auth", BULK, (struct sw_id){1, i + 1}, bytes, size);
        if (zlistx_size(shard->lane[BULK].queue) != i + 2) fail_msg("claim %zu hid an entry", i);
    }
    free(bytes);
    sw_msg_destroy(m);
    run_end(run);
    redis_world_end(&redis);
    rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_that_only_the_wire_claims_hides_nothing),
        cmocka_unit_test(what_is_newer_waits_until_the_old_pages_are_read),
        cmocka_unit_test(a_role_is_heard_with_its_own_kinds_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
