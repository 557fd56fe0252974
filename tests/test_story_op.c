/* test_story_op.c -- the story on a real redis-server: written by the commit and the settle that it tells of, or not at all. */
#include "common/mem.h"
#include "script_world.h"

#define INST "T0STORY"

static int set_up(void **state) {
    speak_to(INST);
    take(redis_world_enter(state, NULL));
    return 0;
}

/* The story's entries, one a line. */
static char *story(const struct redis_world *w) {
    redisReply *all = ask(w, "XRANGE %sstory - +", prefix);
    char *text = sw_strdup("");
    for (size_t i = 0; i < all->elements; i++) {
        char *more = sw_printf("%s%s\n", text, all->element[i]->element[1]->element[1]->str);
        free(text);
        text = more;
    }
    freeReplyObject(all);
    return text;
}

static void expect_story(const struct redis_world *w, const char *want) {
    SW_AUTO(sw_text) char *is = story(w);
    assert_string_equal(is, want);
}

static void owe(const struct redis_world *w, const char *id) {
    freeReplyObject(ask(w, "HSET %sexecutor:fx %s x", prefix, id));
}

/* The generation is the first part of the ids that scripts give; tests write it as G. */
static char *with_generation(const struct redis_world *w, const char *text) {
    redisReply *gen = ask(w, "HGET %sgen gen", prefix);
    const char *at = strchr(text, 'G');
    char *whole =
        at ? sw_printf("%.*s%s%s", (int)(at - text), text, gen->str, at + 1) : sw_strdup(text);
    freeReplyObject(gen);
    return whole;
}

static void a_hop_is_told_with_the_ids_of_what_it_sent(void **state) {
    const struct redis_world *w = *state;
    put(w, "1-1");
    put(w, "1-2");
    free(run_script(w, SW_SCRIPT_COMMIT, "run1", "executor", "1", "me", "0", "M", "executor", "1-1",
                    "", "S", "responder", "m1", "W", "100", "one", "M", "executor", "1-2", "", "W",
                    "100", "two", NULL));
    SW_AUTO(sw_text) char *want = with_generation(w, "one sresponder=G-0\ntwo\n");
    expect_story(w, want);
}

static void what_was_handled_before_is_not_told_again(void **state) {
    const struct redis_world *w = *state;
    put(w, "1-1");
    for (int seq = 0; seq < 3; seq++) {
        char text[8];
        snprintf(text, sizeof(text), "%d", seq);
        free(run_script(w, SW_SCRIPT_COMMIT, "run1", "executor", "1", "me", text, "M", "executor",
                        "1-1", "", "W", "100", "one", NULL));
    }
    expect_story(w, "one\n");
}

static void what_a_stale_owner_says_is_not_told(void **state) {
    const struct redis_world *w = *state;
    put(w, "1-1");
    SW_AUTO(sw_text)
    char *word = run_script(w, SW_SCRIPT_COMMIT, "run1", "executor", "9", "me", "0", "M",
                            "executor", "1-1", "", "W", "100", "one", NULL);
    assert_string_equal(word, "stale");
    expect_story(w, "");
}

static void an_effect_is_told_once_with_the_id_of_its_answer(void **state) {
    const struct redis_world *w = *state;
    owe(w, "1-1.0.0");
    owe(w, "1-1.0.1");
    owe(w, "1-1.0.2");
    for (int i = 0; i < 2; i++)
        free(run_script(w, SW_SCRIPT_SETTLE, "run1", "executor", "1", "me", "100", "1-1.0.0",
                        "answer", "first", "1-1.0.1", "", "quiet", "1-1.0.2", "answer", "", NULL));
    SW_AUTO(sw_text) char *want = with_generation(w, "first sexecutor=G-0\nquiet\n");
    expect_story(w, want);
    redisReply *mail = ask(w, "XLEN %sexecutor", prefix);
    assert_int_equal(mail->integer, 2);
    freeReplyObject(mail);
}

static void the_oldest_go(void **state) {
    const struct redis_world *w = *state;
    for (int i = 0; i < 100; i++) {
        char id[16], seq[16];
        snprintf(id, sizeof(id), "1-%d", i + 1);
        snprintf(seq, sizeof(seq), "%d", i);
        put(w, id);
        free(run_script(w, SW_SCRIPT_COMMIT, "run1", "executor", "1", "me", seq, "M", "executor",
                        id, "", "W", "20", id, NULL));
    }
    redisReply *length = ask(w, "XLEN %sstory", prefix);
    assert_in_range(length->integer, 20, 30); /* nodes of ten entries: redis_world.h */
    freeReplyObject(length);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hop_is_told_with_the_ids_of_what_it_sent, set_up,
                                        redis_world_leave),
        cmocka_unit_test_setup_teardown(what_was_handled_before_is_not_told_again, set_up,
                                        redis_world_leave),
        cmocka_unit_test_setup_teardown(what_a_stale_owner_says_is_not_told, set_up,
                                        redis_world_leave),
        cmocka_unit_test_setup_teardown(an_effect_is_told_once_with_the_id_of_its_answer, set_up,
                                        redis_world_leave),
        cmocka_unit_test_setup_teardown(the_oldest_go, set_up, redis_world_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
