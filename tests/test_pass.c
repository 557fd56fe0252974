/* test_pass.c -- a message to another installation's shard: it arrives, once, whatever is asked again. */
#include "run_world.h"

#include "common/effects_priv.h"
#include "common/seal.h"
#include "proto/value.h"

#define FAR "T0FAR" /* of another shard than INST */

/* {"to"}: passes a message there; without it: counts that it arrived. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *to = sw_str(in->body, "to");
    const json_t *count;
    (void)ctx;
    if (to[0]) {
        sw_pass(out, "executor", sw_msg_create(SW_KIND_GRANTED, in->cmd, to, in->born_ms));
        sw_store(out, "asked", json_true(), 0);
        return 0;
    }
    int r = sw_fact(out, "arrived", &count);
    if (r < 0) return r;
    sw_store(out, "arrived", json_integer(json_integer_value(count) + 1), 0);
    return 0;
}

static const char *const kinds[] = {SW_KIND_GRANTED, NULL};
static const struct sw_actor actor = {"executor", kinds, NULL, handle};

static void look_at(struct world *w, const char *installation) {
    snprintf(w->prefix, sizeof(w->prefix), "sw:{%02u}:", sw__shard_of(installation));
}

/* How often it arrived there, once that is at least `least`. */
static int64_t arrivals(struct world *w, const char *installation, int64_t least) {
    look_at(w, installation);
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        SW_AUTO(sw_json) json_t *value = stored(w, "arrived");
        int64_t n = json_integer_value(value);
        look_at(w, installation);
        if (n >= least || now_ms() > deadline_ms) return n;
        poll(NULL, 0, 5);
    }
}

/* Until nothing is owed any more by the shard that passed it. */
static void wait_for_settling(struct world *w, const char *installation) {
    look_at(w, installation);
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;
         number(w, "HLEN %sexecutor:%s", "fx") || number(w, "XLEN %s%s", "executor");) {
        if (now_ms() > deadline_ms) fail_msg("it stays owed");
        poll(NULL, 0, 5);
    }
}

static void ask_for(struct world *w, const char *to) {
    look_at(w, INST);
    append(w, json_pack("{s:s}", "to", to));
    appended(w);
}

static void it_arrives_in_the_other_shard_and_in_the_own_one(void **state) {
    struct world *w = *state;
    assert_int_not_equal(sw__shard_of(INST), sw__shard_of(FAR));
    ask_for(w, FAR);
    ask_for(w, INST);
    w->run = start(w, &actor);
    assert_int_equal(arrivals(w, FAR, 1), 1);
    assert_int_equal(arrivals(w, INST, 1), 1);
    wait_for_settling(w, INST);
}

/* Owes the passing of a message by hand; `id` is what it is sealed for, NULL: not at all. */
static void owe(struct world *w, const char *id) {
    SW_AUTO(sw_text) char *dir = sw_printf("%s/keys", w->redis.dir), *bytes = NULL;
    struct sw_run run = {.role = "executor"};
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", FAR, 1);
    SW_AUTO(sw_json)
    json_t *record = json_pack("{s:{s:s, s:s, s:s, s:b, s:o}, s:o}", "q", "up", "ledger", "actor",
                               "executor", "repeat", "safe", "quiet", 1, "message",
                               sw_msg_to_json(m), "m", sw_msg_to_json(m));
    char error[128];
    size_t size;
    sw_msg_destroy(m);
    look_at(w, INST);
    assert_int_equal(sw_keys_load(dir, "executor", &run.keys, error, sizeof(error)), 0);
    assert_int_equal(id ? sw__effect_pack(&run, w->prefix, id, record, &bytes, &size)
                        : sw_value_pack(record, &bytes, &size),
                     0);
    sw_keys_destroy(run.keys);
    freeReplyObject(ask(&w->redis, "HSET %sexecutor:fx 7-7.0.0 %b", w->prefix, bytes, size));
}

/* As after a crash between the append and its settling: the effect is owed once more. */
static void asked_again_it_is_there_once(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        owe(w, "7-7.0.0");
        w->run = start(w, &actor);
        assert_int_equal(arrivals(w, FAR, 1), 1);
        wait_for_settling(w, INST);
        end(w->run, SIGTERM);
        w->run = 0;
    }
    w->run = start(w, &actor);
    wait_for_settling(w, FAR); /* what a second append would have caused is handled */
    assert_int_equal(arrivals(w, FAR, 1), 1);
}

/* Whoever can write to Redis holds no key: his requests are not made, nor those moved to another place. */
static void what_was_not_owed_here_is_refused(void **state) {
    static const char *const ids[] = {NULL, "7-7.0.1", ""};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        owe(w, ids[i]);
        w->run = start(w, &actor);
        assert_int_equal(arrivals(w, INST, (int64_t)i + 1),
                         (int64_t)i + 1); /* its handler is told */
        wait_for_settling(w, INST);
        end(w->run, SIGTERM);
        w->run = 0;
        assert_int_equal(arrivals(w, FAR, 0), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_arrives_in_the_other_shard_and_in_the_own_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(asked_again_it_is_there_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_owed_here_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
