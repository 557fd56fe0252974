/* test_notifier_filter.c -- what a route lets through, through sw_step. */
#include "notifier_events.h"

/* A route with this filter, and what becomes of an event of it: the first that the subject has. */
static void filters_let_through_what_they_say(void **state) {
    enum { PUSH, PUSH_BRANCH, CHECK_OK, CHECK_BAD, RELEASE_PROD, RELEASE_STAG, RELEASE_BAD };
    static const struct {
        const char *filter;
        int event;
        const char *what;
    } rows[] = {
        {NULL, PUSH, "posted"},
        {"{'only': ['pushes']}", PUSH, "posted"},
        {"{'only': ['ci', 'deploys']}", PUSH, "only"},
        {"{'only': ['ci', 'deploys']}", CHECK_OK, "posted"},
        {"{'only': ['releases']}", RELEASE_PROD, "posted"},
        {"{'only': ['pushes']}", RELEASE_PROD, "only"},
        {"{'stages': ['production']}", RELEASE_PROD, "posted"},
        {"{'stages': ['production']}", RELEASE_STAG, "stages"},
        {"{'stages': ['staging', 'production']}", RELEASE_STAG, "posted"},
        {"{'stages': ['production']}", PUSH, "stages"},
        {"{'branch': 'main'}", PUSH, "posted"},
        {"{'branch': 'ma*'}", PUSH, "posted"},
        {"{'branch': 'release/*'}", PUSH, "branch"},
        {"{'branch': 'release/*'}", PUSH_BRANCH, "posted"},
        {"{'branch': 'main'}", RELEASE_PROD, "branch"},
        {"{'states': ['failed']}", CHECK_BAD, "posted"},
        {"{'states': ['failed']}", CHECK_OK, "states"},
        {"{'states': ['failed']}", RELEASE_BAD, "posted"},
        {"{'states': ['failed']}", RELEASE_PROD, "states"},
        {"{'states': ['started', 'succeeded']}", RELEASE_PROD, "posted"},
        {"{'states': ['failed']}", PUSH, "states"},
        {"{'only': ['releases'], 'stages': ['staging'], 'states': ['failed']}", RELEASE_BAD,
         "stages"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        world_add(&w, "p1", "U0ADA", "C0OPS", rows[i].filter, id);
        json_t *body =
            rows[i].event == PUSH           ? push(&w, "e1", "main")
            : rows[i].event == PUSH_BRANCH  ? push(&w, "e1", "release/7")
            : rows[i].event == CHECK_OK     ? check(&w, "e1", "completed", "success")
            : rows[i].event == CHECK_BAD    ? check(&w, "e1", "completed", "failure")
            : rows[i].event == RELEASE_PROD ? release(&w, "p1-prod", "e1", 7, "succeeded")
            : rows[i].event == RELEASE_STAG ? release(&w, "p1-stag", "e1", 7, "succeeded")
                                            : release(&w, "p1-prod", "e1", 7, "failed");
        assert_int_equal(event(&w, body), 0);
        assert_string_equal(verdict(&w, "e1", 0), rows[i].what);
        world_expect(&w, !strcmp(rows[i].what, "posted") ? "notice C0OPS 1" : "");
        world_finish(&w);
    }
}

static void what_is_shown_goes_on_whatever_the_words_say(void **state) {
    struct world w;
    char id[16];
    (void)state;
    world_init(&w);
    world_add(&w, "p1", "U0ADA", "C0OPS", "{'only': ['ci'], 'states': ['failed']}", id);
    event(&w, push(&w, "d1", "main"));
    assert_string_equal(verdict(&w, "d1", 0), "only");
    event(&w, check(&w, "d2", "in_progress", NULL));
    assert_string_equal(verdict(&w, "d2", 0), "states");
    event(&w, check(&w, "d3", "completed", "failure"));
    world_expect(&w, "notice C0OPS 3");
    event(&w, check(&w, "d4", "completed", "success"));
    world_expect(&w, "notice C0OPS 4"); /* it must not stay red */
    world_finish(&w);
}

static void a_glob_is_matched_whatever_the_pattern(void **state) {
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        {"main", "main", true},
        {"main", "mains", false},
        {"main", "", false},
        {"*", "", true},
        {"*", "a/b", true},
        {"release/*", "release/7", true},
        {"release/*", "release", false},
        {"*/fix", "ada/fix", true},
        {"*/fix", "ada/fix2", false},
        {"*fix*", "ada/fix/2", true},
        {"v?.?", "v1.2", true},
        {"v?.?", "v1.22", false},
        {"?", "\xc3\xa4", true},
        {"a*b*c", "axxbyyc", true},
        {"a*b*c", "axxbyy", false},
        {"**", "x", true},
        {"[a]", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        char id[16];
        print_message("row %zu\n", i);
        world_init(&w);
        json_t *route = json_pack("{s:s}", "branch", rows[i].pattern);
        SW_AUTO(sw_text) char *filter = json_dumps(route, 0);
        json_decref(route);
        world_add(&w, "p1", "U0ADA", "C0OPS", filter, id);
        event(&w, push(&w, "d1", rows[i].text));
        const char *what = verdict(&w, "d1", 0);
        /* A push to no branch is none. */
        if (rows[i].text[0]) assert_string_equal(what, rows[i].match ? "posted" : "branch");
        world_finish(&w);
    }
}

/* What would take for ever where each star is tried everywhere. */
static void a_pattern_of_many_stars_is_as_quick(void **state) {
    struct world w;
    char id[16], pattern[201], text[251];
    (void)state;
    world_init(&w);
    for (int i = 0; i < 200; i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[199] = 'b';
    pattern[200] = '\0';
    memset(text, 'a', 250);
    text[250] = '\0';
    json_t *route = json_pack("{s:s}", "branch", pattern);
    SW_AUTO(sw_text) char *filter = json_dumps(route, 0);
    json_decref(route);
    world_add(&w, "p1", "U0ADA", "C0OPS", filter, id);
    event(&w, push(&w, "d1", text));
    assert_string_equal(verdict(&w, "d1", 0), "branch");
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_let_through_what_they_say),
        cmocka_unit_test(what_is_shown_goes_on_whatever_the_words_say),
        cmocka_unit_test(a_glob_is_matched_whatever_the_pattern),
        cmocka_unit_test(a_pattern_of_many_stars_is_as_quick),
    };
    return cmocka_run_group_tests_name("notifier_filter", tests, NULL, NULL);
}
