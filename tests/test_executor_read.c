/* test_executor_read.c -- pipelines, info and releases, and how a pipeline and its apps are found. */
#include "executor_world.h"

#include "actors/executor_priv.h"

#define LIST "{\"task\":\"pipelines\",\"handler\":\"pipelines\"}"

/* The texts of a list, joined. */
static void expect_list(const json_t *data, const char *key, const char *expected) {
    SW_AUTO(sw_text) char *joined = sw_strdup("");
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(data, key), i, item) {
        char *longer = sw_printf("%s%s%s", joined, i ? " " : "", json_string_value(item));
        free(joined);
        joined = longer;
    }
    assert_string_equal(joined, expected);
}

static void lists_every_page_sorted(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    w.heroku.page = 1;
    world_do(&w, LIST);
    expect_list(world_data(&w, "pipelines.list"), "names", "billing storefront zebra");
    assert_int_equal(sw_int(world_data(&w, "pipelines.list"), "more"), 0);
    assert_string_equal(sw_str(world_reply(&w, "pipelines.list"), "to"), "say");
    assert_int_equal(json_array_size(w.calls), 3);
    world_finish(&w);
}

static void a_list_without_end_is_cut_and_says_so(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 5000; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("a-pipeline-of-thirty-letters-%04d", i);
        fake_pipeline(&w.heroku, name);
    }
    world_do(&w, LIST);
    const json_t *data = world_data(&w, "pipelines.list");
    assert_int_equal(json_array_size(w.calls), SW__PAGES_MAX);
    assert_true(json_array_size(json_object_get(data, "names")) > 400);
    assert_true(sw_int(data, "more") > 3000);
    assert_in_range(w.state_max_bytes, 1, 32 * 1024);
    world_finish(&w);
}

static void the_last_pipeline_of_many_pages_is_found(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.page = 1;
    fake_app(&w.heroku, "p-zebra", "production", "zebra-prod", 3);
    world_do(&w, "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"zebra\"}");
    assert_string_equal(sw_str(world_data(&w, "pipelines.info"), "name"), "zebra");
    world_finish(&w);
}

static void an_unknown_pipeline_shows_the_nearest_first(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.page = 2;
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"biling\"}");
    const json_t *data = world_data(&w, "error.unknown_pipeline");
    assert_string_equal(sw_str(data, "name"), "biling");
    expect_list(data, "near", "billing");
    assert_string_equal(sw_str(world_reply(&w, "error.unknown_pipeline"), "to"), "private");
    world_finish(&w);
}

static void where_none_is_near_it_shows_what_can_be_seen(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"qqqqqq\"}");
    const json_t *data = world_data(&w, "error.unknown_pipeline");
    assert_int_equal(json_array_size(json_object_get(data, "near")), 0);
    assert_true(json_array_size(json_object_get(data, "names")) > 1);
    world_finish(&w);
}

static void a_text_of_pages_is_near_to_nothing(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    char name[4000];
    memset(name, 'q', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    SW_AUTO(sw_text)
    char *command =
        sw_printf("{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"%s\"}", name);
    world_do(&w, command);
    const json_t *data = world_data(&w, "error.unknown_pipeline");
    assert_int_equal(json_array_size(json_object_get(data, "near")), 0);
    world_finish(&w);
}

static void ten_near_names_are_enough(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 300; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("shop-%03d", i);
        fake_pipeline(&w.heroku, name);
    }
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"shop-29\"}");
    const json_t *near = json_object_get(world_data(&w, "error.unknown_pipeline"), "near");
    assert_int_equal(json_array_size(near), 10);
    assert_string_equal(json_string_value(json_array_get(near, 0)), "shop-029");
    world_finish(&w);
}

static void two_pipelines_of_one_name_are_told_apart_by_id(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.heroku.page = 1;
    json_array_append_new(w.heroku.pipelines,
                          json_pack("{s:s, s:s}", "id", "p-other", "name", "billing"));
    world_granted(&w, "{\"handler\":\"promote\",\"task\":\"promote\",\"pipeline\":\"billing\"}",
                  false);
    world_run(&w);
    expect_list(world_data(&w, "error.ambiguous_pipeline"), "ids", "p-billing p-other");
    assert_int_equal(w.posts, 0);
    world_finish(&w);

    world_init(&w);
    world_do(&w, "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"p-billing\"}");
    assert_string_equal(sw_str(world_data(&w, "pipelines.info"), "name"), "billing");
    world_finish(&w);
}

static void info_shows_stages_with_apps_and_releases(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    fake_app(&w.heroku, "p-billing", "review", "billing-pr-1", 1);
    json_object_set_new(json_object_get(w.heroku.apps, "app-billing-us"), "hidden", json_true());
    world_do(&w, "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"billing\"}");
    SW_AUTO(sw_text)
    char *stages = json_dumps(json_object_get(world_data(&w, "pipelines.info"), "stages"),
                              JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        stages, "[{\"apps\":[],\"count\":1,\"stage\":\"review\"},"
                "{\"apps\":[{\"name\":\"billing-staging\",\"status\":\"succeeded\",\"version\":9}],"
                "\"count\":1,\"stage\":\"staging\"},"
                "{\"apps\":[{\"name\":\"billing-eu\",\"status\":\"succeeded\",\"version\":5}],"
                "\"count\":1,\"stage\":\"production\"}]");
    world_finish(&w);
}

static void info_asks_for_ten_releases_at_most(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 150; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("an-app-with-a-name-of-thirty-%02d", i);
        fake_app(&w.heroku, "p-zebra", "production", name, 1);
    }
    world_do(&w, "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"zebra\"}");
    assert_int_equal(json_array_size(w.calls), 3 + 10);
    assert_in_range(w.state_max_bytes, 1, 32 * 1024);
    world_finish(&w);
}

static void releases_are_those_of_production(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 30; i++)
        fake_release(&w.heroku, "app-storefront-production", "succeeded", "Set a variable",
                     "bob@example.com");
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"storefront\"}");
    const json_t *data = world_data(&w, "releases.list"), *list = json_object_get(data, "releases");
    assert_string_equal(sw_str(data, "stage"), "production");
    assert_string_equal(sw_str(data, "app"), "storefront-production");
    assert_int_equal(json_array_size(list), 25);
    SW_AUTO(sw_text)
    char *first = json_dumps(json_array_get(list, 0), JSON_COMPACT | JSON_SORT_KEYS);
    SW_AUTO(sw_text)
    char *expected =
        sw_printf("{\"at_ms\":%lld,\"current\":true,\"description\":\"Set a variable\","
                  "\"status\":\"succeeded\",\"user\":\"bob@example.com\",\"version\":47}",
                  START_MS - 3600 * 1000);
    assert_string_equal(first, expected);
    world_finish(&w);
}

static void releases_that_want_a_code_are_not_refused_without_a_word(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.faults[0] = (struct fault){"GET /apps/app-storefront-production/releases", 0, 1,
                                 "{\"status\":403,\"json\":{\"id\":\"two_factor\"}}", false};
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"storefront\"}");
    const json_t *data = world_data(&w, "change.two_factor");
    assert_string_equal(sw_str(data, "app"), "storefront-production");
    assert_string_equal(sw_str(data, "task"), "releases");
    world_finish(&w);
}

static void releases_of_a_stage_with_two_apps_need_one(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"billing\"}");
    const json_t *data = world_data(&w, "error.ambiguous");
    expect_list(data, "apps", "billing-eu billing-us");
    assert_string_equal(sw_str(data, "side"), "in");
    assert_string_equal(sw_str(data, "example"), "releases billing in production/billing-eu");
    world_finish(&w);

    world_init(&w);
    world_do(&w, "{\"handler\":\"releases\",\"task\":\"releases\",\"pipeline\":\"billing\","
                 "\"environment\":\"production\",\"application\":\"billing-us\"}");
    assert_string_equal(sw_str(world_data(&w, "releases.list"), "app"), "billing-us");
    world_finish(&w);
}

static void a_read_that_never_ends_is_given_up(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_granted(&w, LIST, false);
    json_decref(world_until(&w, "pipelines")); /* its answer never comes */
    world_run(&w);
    assert_string_equal(sw_str(world_data(&w, "error.upstream"), "why"), "timeout");
    world_is_over(&w);
    assert_int_equal(w.now_ms, START_MS + SW__READ_BUDGET_MS);
    world_finish(&w);
}

static void times_are_read_as_heroku_writes_them(void **state) {
    (void)state;
    assert_int_equal(sw__time_parse("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00Z"), 1795514400000LL);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00.123456Z"), 1795514400123LL);
    assert_int_equal(sw__time_parse("2026-11-24T11:30:00+01:30"), 1795514400000LL);
    assert_int_equal(sw__time_parse("2026-11-24T08:00:00-02:00"), 1795514400000LL);
    assert_int_equal(sw__time_parse(""), -1);
    assert_int_equal(sw__time_parse("2026-11-24"), -1);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00"), -1);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00+"), -1);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00+1:0"), -1);
    assert_int_equal(sw__time_parse("2026-11-24T10:00:00+01:00x"), -1);
    assert_int_equal(sw__time_parse("2026-13-24T10:00:00Z"), -1);
}

static void distance_counts_edits_and_swaps(void **state) {
    (void)state;
    assert_int_equal(sw__distance("", ""), 0);
    assert_int_equal(sw__distance("billing", "billing"), 0);
    assert_int_equal(sw__distance("billing", "biling"), 1);
    assert_int_equal(sw__distance("billing", "blliing"), 2);
    assert_int_equal(sw__distance("billing", "iblling"), 1);
    assert_int_equal(sw__distance("", "abc"), 3);
    assert_int_equal(sw__distance("abc", ""), 3);
}

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    SW_AUTO(sw_json) json_t *cut = sw__text("ab\xc3\xa9", 3);
    SW_AUTO(sw_json) json_t *whole = sw__text("ab\xc3\xa9", 4);
    assert_string_equal(json_string_value(cut), "ab");
    assert_string_equal(json_string_value(whole), "ab\xc3\xa9");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_every_page_sorted),
        cmocka_unit_test(a_list_without_end_is_cut_and_says_so),
        cmocka_unit_test(the_last_pipeline_of_many_pages_is_found),
        cmocka_unit_test(an_unknown_pipeline_shows_the_nearest_first),
        cmocka_unit_test(where_none_is_near_it_shows_what_can_be_seen),
        cmocka_unit_test(a_text_of_pages_is_near_to_nothing),
        cmocka_unit_test(ten_near_names_are_enough),
        cmocka_unit_test(two_pipelines_of_one_name_are_told_apart_by_id),
        cmocka_unit_test(info_shows_stages_with_apps_and_releases),
        cmocka_unit_test(info_asks_for_ten_releases_at_most),
        cmocka_unit_test(releases_are_those_of_production),
        cmocka_unit_test(releases_that_want_a_code_are_not_refused_without_a_word),
        cmocka_unit_test(releases_of_a_stage_with_two_apps_need_one),
        cmocka_unit_test(a_read_that_never_ends_is_given_up),
        cmocka_unit_test(times_are_read_as_heroku_writes_them),
        cmocka_unit_test(distance_counts_edits_and_swaps),
        cmocka_unit_test(texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests_name("executor_read", tests, NULL, NULL);
}
