/* test_executor_choose.c -- which apps a promotion means: rows of (command) -> (source, targets) or what is said. */
#include "executor_world.h"

#include "actors/executor_priv.h"

struct row {
    const char *rest; /* of the command, after the pipeline */
    const char *pipeline;
    const char *source, *targets;       /* what is posted; NULL: refused with */
    const char *template, *key, *value; /* and with this in its data */
};

static const struct row rows[] = {
    {"", "storefront", "staging", "production", NULL, NULL, NULL},
    {"\"to\":\"staging\"", "storefront", "dev", "staging", NULL, NULL, NULL},
    {"\"from\":\"development\"", "storefront", "dev", "production", NULL, NULL, NULL},
    {"\"from\":\"staging\",\"from_app\":\"storefront-staging\"", "storefront", "staging",
     "production", NULL, NULL, NULL},
    {"\"to\":\"production\",\"to_app\":\"billing-us\"", "billing", "staging", "us", NULL, NULL,
     NULL},
    {"\"to_app\":\"billing-us,billing-eu,billing-us\"", "billing", "staging", "us eu", NULL, NULL,
     NULL},
    {"\"to_app\":\"*\"", "billing", "staging", "eu us", NULL, NULL, NULL},
    {"", "billing", NULL, NULL, "error.ambiguous", "example",
     "promote billing from staging to production/billing-eu"},
    {"\"forced\":true", "billing", NULL, NULL, "error.ambiguous", "example_all",
     "promote! billing from staging to production/*"},
    {"\"to_app\":\",\"", "billing", NULL, NULL, "error.ambiguous", "side", "to"},
    {"\"to_app\":\"billing-eu,nope\"", "billing", NULL, NULL, "error.unknown_app", "app", "nope"},
    {"\"to_app\":\"nope\"", "billing", NULL, NULL, "error.unknown_app", "stage", "production"},
    {"\"from\":\"staging\",\"from_app\":\"billing-eu\"", "billing", NULL, NULL, "error.unknown_app",
     "side", "from"},
    {"\"to\":\"qa\"", "storefront", NULL, NULL, "error.unknown_stage", "stage", "qa"},
    {"\"to\":\"development\"", "billing", NULL, NULL, "error.unknown_stage", "stage",
     "development"},
    {"\"from\":\"development\"", "billing", NULL, NULL, "error.unknown_stage", "stage",
     "development"},
    {"\"from\":\"qa\"", "billing", NULL, NULL, "error.unknown_stage", "pipeline", "billing"},
    {"", "zebra", NULL, NULL, "error.unknown_stage", "stage", "production"},
    {"\"to\":\"staging\"", "billing", NULL, NULL, "error.no_source", "stage", "staging"},
    {"\"from\":\"production\"", "billing", NULL, NULL, "error.promote_order", "to", "production"},
    {"\"from\":\"production\",\"to\":\"staging\"", "billing", NULL, NULL, "error.promote_order",
     "from", "production"},
    {"\"to\":\"review\"", "billing", NULL, NULL, "error.not_promotable", "stage", "review"},
    {"\"from\":\"test\"", "billing", NULL, NULL, "error.not_promotable", "stage", "test"},
};

static void run(struct world *w, const char *pipeline, const char *rest) {
    SW_AUTO(sw_text)
    char *command =
        sw_printf("{\"task\":\"promote\",\"handler\":\"promote\",\"pipeline\":\"%s\"%s%s}",
                  pipeline, rest[0] ? "," : "", rest);
    world_granted(w, command, false);
    world_run(w);
    world_is_over(w);
}

static void check_posted(const struct world *w, const struct row *row) {
    const json_t *json = json_object_get(w->last_post, "json"), *target;
    SW_AUTO(sw_text) char *prefix = sw_printf("app-%s-", row->pipeline);
    char targets[200] = "";
    size_t i;
    const char *source = sw_str(json_object_get(json_object_get(json, "source"), "app"), "id");
    assert_string_equal(source + strlen(prefix), row->source);
    json_array_foreach(json_object_get(json, "targets"), i, target) {
        size_t size = strlen(targets);
        snprintf(targets + size, sizeof targets - size, "%s%s", size ? " " : "",
                 sw_str(json_object_get(target, "app"), "id") + strlen(prefix));
    }
    assert_string_equal(targets, row->targets);
}

static void each_command_means_its_apps_or_says_why_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        run(&w, rows[i].pipeline, rows[i].rest);
        if (rows[i].source) {
            check_posted(&w, &rows[i]);
        } else {
            assert_string_equal(sw_str(world_data(&w, rows[i].template), rows[i].key),
                                rows[i].value);
            assert_string_equal(sw_str(world_reply(&w, rows[i].template), "to"), "private");
            assert_int_equal(w.posts, 0);
        }
        world_finish(&w);
    }
}

static void two_sources_need_one_and_the_target_stays_in_the_example(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    fake_app(&w.heroku, "p-billing", "staging", "billing-trial", 3);
    run(&w, "billing", "\"to_app\":\"billing-us\"");
    const json_t *data = world_data(&w, "error.ambiguous");
    assert_string_equal(sw_str(data, "side"), "from");
    assert_string_equal(sw_str(data, "stage"), "staging");
    assert_string_equal(sw_str(data, "example"),
                        "promote billing from staging/billing-staging to production/billing-us");
    world_finish(&w);
}

static void apps_that_a_person_cannot_see_are_not_chosen(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    json_object_set_new(json_object_get(w.heroku.apps, "app-billing-eu"), "hidden", json_true());
    run(&w, "billing", "");
    assert_string_equal(sw_str(world_data(&w, "promote"), "state"), "success");
    world_finish(&w);
}

static void too_many_targets_are_refused(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < SW__TARGETS_MAX; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("billing-%d", i);
        fake_app(&w.heroku, "p-billing", "production", name, 1);
    }
    run(&w, "billing", "\"to_app\":\"*\"");
    const json_t *data = world_data(&w, "error.too_many");
    assert_int_equal(sw_int(data, "count"), SW__TARGETS_MAX + 2);
    assert_int_equal(sw_int(data, "max"), SW__TARGETS_MAX);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_means_its_apps_or_says_why_not),
        cmocka_unit_test(two_sources_need_one_and_the_target_stays_in_the_example),
        cmocka_unit_test(apps_that_a_person_cannot_see_are_not_chosen),
        cmocka_unit_test(too_many_targets_are_refused),
    };
    return cmocka_run_group_tests_name("executor_choose", tests, NULL, NULL);
}
