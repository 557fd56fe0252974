/* test_lease_clock.c -- leases on a redis-server whose clock went back: what ended in its future must not be kept for so long. */
#include "common/mem.h"
#include "script_world.h"

#define HOUR_MS 3600000

static int set_up(void **state) {
    speak_to("T0CLOCK");
    redis_world_enter(state, NULL);
    return 0;
}

/* As if the clock had gone back by so much since it was written. */
static void leave(const struct redis_world *w, int64_t ms) {
    freeReplyObject(
        ask(w, "HSET %sexecutor:own until %lld", prefix, (long long)(redis_ms(w) + ms)));
}

static int64_t left_ms(const struct redis_world *w) {
    redisReply *reply = ask(w, "HGET %sexecutor:own until", prefix);
    int64_t ms = atoll(reply->str) - redis_ms(w);
    freeReplyObject(reply);
    return ms;
}

static void others(const struct redis_world *w, const char *want) {
    SW_AUTO(sw_text)
    char *word = run_script(w, SW_SCRIPT_TAKE, "run1", "executor", "b", "ipc://b", "10000", NULL);
    assert_string_equal(word, want);
}

static void a_lease_of_another_time_ends_within_a_minute(void **state) {
    const struct redis_world *w = *state;
    take(w);
    leave(w, HOUR_MS);
    others(w, "held"); /* who holds it may live, and renews it meanwhile */
    assert_in_range(left_ms(w), 1, 60000);
    SW_AUTO(sw_text)
    char *word = run_script(w, SW_SCRIPT_TEND, "run1", "executor", "1", "me", "10000", NULL);
    if (strcmp(word, "ok") != 0) fail_msg("%s", word);
    leave(w, -1);
    others(w, "mine");
}

static void a_lease_of_this_time_is_left_alone(void **state) {
    const struct redis_world *w = *state;
    take(w);
    leave(w, 59000);
    others(w, "held");
    assert_in_range(left_ms(w), 50000, 59000);
}

static size_t living(const struct redis_world *w, const char *endpoint) {
    redisReply *reply = redisCommand(w->c, "EVAL %s 1 sw: executor %s 10000 {}",
                                     sw_script_text[SW_SCRIPT_LIVE], endpoint);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    size_t n = reply->elements - 1;
    freeReplyObject(reply);
    return n;
}

static void who_died_at_another_time_has_no_share(void **state) {
    const struct redis_world *w = *state;
    assert_int_equal(living(w, "ipc://a"), 1);
    assert_int_equal(living(w, "ipc://b"), 2);
    freeReplyObject(
        ask(w, "ZADD sw:live:executor %lld ipc://a", (long long)(redis_ms(w) + HOUR_MS)));
    assert_int_equal(living(w, "ipc://b"), 1);
    redisReply *known = ask(w, "HKEYS sw:keys:executor");
    assert_int_equal(known->elements, 1);
    freeReplyObject(known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, redis_world_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_lease_of_another_time_ends_within_a_minute),
        TEST(a_lease_of_this_time_is_left_alone),
        TEST(who_died_at_another_time_has_no_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
