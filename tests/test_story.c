/* test_story.c -- what an entry of the story says, and what it never says. */
#include "common/story.h"

#include "common/effects_priv.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define CMD "01m8f1z464j6n8qhqjn7pp"

static struct sw_run *a_run(void) {
    struct sw_run *run = sw_zalloc(sizeof(*run));
    run->role = "executor";
    run->conf.story_max = 100;
    run->ledger[0].clock_offset_ms = 1;
    snprintf(run->nonce, sizeof(run->nonce), "41c51fcedeadbeef");
    return run;
}

static struct sw_msg *a_message(const char *user) {
    struct sw_msg *m = sw_msg_create("granted.v1", CMD, "T0SIM1", 1000);
    json_object_set_new(m->body, "who", json_pack("{s:s}", "user", user));
    json_object_set_new(m->body, "line", json_string("promote storefront CANARY"));
    return m;
}

static int no_fact(void *arg, const char *key, const json_t **ret) {
    (void)arg;
    (void)key;
    *ret = NULL;
    return 0;
}

static void outputs(struct sw_out *out) {
    sw_http(out, json_pack("{s:s, s:s}", "up", "heroku", "path", "/apps/CANARY"),
            SW_KIND_EXECUTOR_HTTP, NULL);
    sw_after(out, "CANARY", 5000, SW_KIND_EXECUTOR_TIMER, NULL);
    sw_audit(out, json_pack("{s:s, s:s}", "outcome", "asked", "line", "CANARY"));
    sw_send(out, "responder", SW_KIND_REPLY,
            json_pack("{s:s, s:s, s:{s:s}}", "to", "thread", "template", "promote.phase", "data",
                      "x", "CANARY"));
    sw_send(out, "responder", SW_KIND_REPLY,
            json_pack("{s:s, s:s, s:i}", "to", "parent", "template", "promote", "rank", 1000000));
    sw_store(out, "CANARY", json_string("CANARY"), 0);
    sw_answer(out, "CANARY", json_pack("{s:i}", "status", 303));
}

static char *hop(unsigned lane, const char *user, const char *dead, int64_t story_max) {
    struct sw_run *run = a_run();
    struct sw_entry entry = {.id = {7, 3}, .lane = lane, .handled_ms = 1005, .took_us = 42};
    struct sw_out out;
    entry.m = a_message(user);
    run->conf.story_max = story_max;
    sw_out_init(&out, entry.m, no_fact, NULL);
    outputs(&out);
    char *text = sw__story_hop(run, &entry, &out, dead);
    sw_out_finish(&out);
    sw_msg_destroy(entry.m);
    free(run);
    return text;
}

static void a_hop_says_what_it_caused_and_nothing_that_was_typed(void **state) {
    (void)state;
    SW_AUTO(sw_text) char *text = hop(0, "U1", NULL, 100);
    assert_string_equal(text, "h " CMD " T0SIM1 executor granted.v1 7-3 1000 1005 42 1 41c51fce "
                              "f0=heroku t5000 aasked rthread=promote.phase Rparent=promote p303");
}

static void a_dead_letter_says_why(void **state) {
    (void)state;
    SW_AUTO(sw_text) char *text = hop(0, "U1", "poison", 100);
    assert_non_null(strstr(text, " 41c51fce xpoison "));
}

static void what_nobody_typed_has_no_story(void **state) {
    (void)state;
    assert_null(hop(0, "", NULL, 100)); /* notices */
    assert_null(hop(1, "U1", NULL, 100));
    assert_null(hop(0, "U1", NULL, 0));
}

static char *effect(const char *id, bool bulk, const char *outcome) {
    struct sw_run *run = a_run();
    struct sw_shard shard = {.run = run};
    struct sw_effect e = {.shard = &shard, .once = true, .bulk = bulk, .tries = 2};
    snprintf(e.id, sizeof(e.id), "%s", id);
    e.m = a_message("U1");
    e.request = json_pack("{s:s, s:s, s:s, s:s}", "up", "heroku", "method", "POST", "path",
                          "/apps/CANARY/builds?token=CANARY", "bearer", "CANARY");
    char *text = sw__story_effect(&e, outcome, 503);
    sw_msg_destroy(e.m);
    json_decref(e.request);
    free(run);
    return text;
}

static void an_effect_says_where_it_went_and_how_it_ended(void **state) {
    (void)state;
    SW_AUTO(sw_text) char *text = effect("7-3.0.1", false, "unsure");
    const char *head =
        "e " CMD " T0SIM1 executor 7-3.0.1 heroku POST /apps/:x/builds unsure 503 2 ";
    assert_memory_equal(text, head, strlen(head));
    assert_non_null(strstr(text, " 0 41c51fce once"));
    assert_null(strstr(text, "CANARY"));
}

static void effects_of_what_has_time_have_no_story(void **state) {
    (void)state;
    assert_null(effect("7-3.1.1", false, "ok"));
    assert_null(effect("7-3.0.1", true, "ok"));
}

static void a_path_keeps_only_words_of_its_api(void **state) {
    static const struct {
        const char *path, *is;
    } rows[] = {
        {"", ""},
        {"/", ""},
        {"/account", "/account"},
        {"/apps/storefront-staging/releases/12", "/apps/:x/releases/:x"},
        {"/repos/acme/store/tarball/main?token=secret", "/repos/:x/:x/tarball/:x"},
        {"/chat.postMessage", "/chat.postMessage"},
        {"/chat.postMessageX", "/:x"},
        {"/applications/Iv1.abc/token", "/applications/:x/token"},
        {"//x#frag/ment", "/:x"},
        {"https://elsewhere/apps", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char is[SW_PATH_CHARS];
        sw_path_template(rows[i].path, is);
        assert_string_equal(is, rows[i].is);
    }
    char longest[2000], is[SW_PATH_CHARS];
    for (size_t at = 0; at + 20 < sizeof(longest); at += 10)
        snprintf(longest + at, 20, "/pipelines");
    sw_path_template(longest, is);
    assert_true(strlen(is) < SW_PATH_CHARS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hop_says_what_it_caused_and_nothing_that_was_typed),
        cmocka_unit_test(a_dead_letter_says_why),
        cmocka_unit_test(what_nobody_typed_has_no_story),
        cmocka_unit_test(an_effect_says_where_it_went_and_how_it_ended),
        cmocka_unit_test(effects_of_what_has_time_have_no_story),
        cmocka_unit_test(a_path_keeps_only_words_of_its_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
