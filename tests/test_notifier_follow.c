/* test_notifier_follow.c -- what executor does itself, and what Heroku tells of it, through sw_step. */
#include "notifier_world.h"

static json_t *promoted(const char *op, const char *email, int apps) {
    json_t *list = json_array();
    for (int i = 0; i < apps; i++)
        json_array_append_new(list, json_pack("{s:o, s:s}", "id", json_sprintf("app-%d", i), "name",
                                              "storefront-production"));
    return json_pack("{s:{s:s, s:s, s:s}, s:s, s:{s:s, s:s}, s:o, s:s, s:s}", "who", "team",
                     "T0SIM1", "user", "U0ADA", "channel", "C0DEPLOY", "op", op, "pipeline", "id",
                     "p1", "name", "storefront", "apps", list, "email", email, "state", "started");
}

static json_t *event(const char *app, int version, const char *status, const char *email,
                     int64_t at_ms) {
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:i, s:s, s:b, s:s}, s:{s:s}, s:I}", "source",
        "heroku/app-0", "type", "api:release", "action", "update", "event_id", "e1", "app", "id",
        app, "name", "storefront-production", "release", "id", "r1", "version", version, "status",
        status, "current", 0, "description", "Set X config vars", "actor", "email", email, "at_ms",
        (json_int_t)at_ms);
}

static int tell(struct world *w, int version, const char *status, const char *email) {
    return world_step(w, SW_KIND_EVENT, event("app-0", version, status, email, w->now_ms));
}

/* "to template op rank", for each reply. */
static void expect_replies(const struct world *w, const char *const *expected) {
    SW_AUTO(sw_json) json_t *sent = world_outputs(w, "send", NULL, NULL);
    size_t i;
    json_t *o;
    json_array_foreach(sent, i, o) {
        const json_t *body = json_object_get(o, "body");
        SW_AUTO(sw_text)
        char *is = sw_printf("%s %s %s %lld", sw_str(body, "to"), sw_str(body, "template"),
                             sw_str(body, "op"), (long long)sw_int(body, "rank"));
        assert_non_null(expected[i]);
        assert_string_equal(is, expected[i]);
        assert_string_equal(sw_str(o, "name"), "responder");
        assert_string_equal(sw_str(o, "kind"), "reply.v1");
        assert_true(json_is_true(json_object_get(o, "bulk")));
        assert_string_equal(sw_str(json_object_get(body, "who"), "channel"), "C0DEPLOY");
    }
    assert_null(expected[i]);
}

static void where_a_pipeline_was_promoted_is_remembered_and_hinted(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 2)), 0);
    SW_AUTO(sw_json) json_t *sources = world_outputs(&w, "source", NULL, NULL);
    assert_int_equal(json_array_size(sources), 2);
    assert_string_equal(sw_str(json_array_get(sources, 1), "name"), "heroku/app-1");
    const json_t *app = world_fact(&w, "app", "app-1");
    assert_string_equal(sw_str(app, "op"), "0001-a");
    assert_string_equal(sw_str(app, "email"), "ada@example.com");
    assert_int_equal(sw_int(app, "at_ms"), START_MS);
    SW_AUTO(sw_json) json_t *stores = world_outputs(&w, "store", NULL, NULL);
    assert_int_equal(sw_int(json_array_get(stores, 0), "ms"), 30 * DAY_MS);
    world_finish(&w);
}

static void many_apps_stay_within_what_one_call_may_do(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 100)),
                     0);
    assert_true(json_array_size(w.out) <= 64);
    world_finish(&w);
}

static void an_app_that_nobody_promoted_is_quiet(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    assert_int_equal(tell(&w, 7, "succeeded", "ada@example.com"), 0);
    expect_replies(&w, (const char *const[]){NULL});
    world_finish(&w);
}

static void a_release_of_the_promotion_is_told_in_its_thread(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
    w.now_ms += 5000;
    assert_int_equal(tell(&w, 7, "pending", "Ada@Example.com"), 0);
    expect_replies(&w, (const char *const[]){"thread release.notice.thread 0001-a 0", NULL});
    tell(&w, 7, "succeeded", "ada@example.com");
    expect_replies(&w, (const char *const[]){"thread release.notice.thread 0001-a 0", NULL});
    world_finish(&w);
}

/* A release of app-0 by ada; executor's word of it is `state` with `seen`, 0: no version yet. */
static void expect_followed(const char *state, int seen, int version, const char *description,
                            bool told) {
    struct world w;
    world_init(&w);
    json_t *body = promoted("0001-a", "ada@example.com", 1);
    json_object_set_new(body, "state", json_string(state));
    if (seen > 0)
        json_object_set_new(json_array_get(json_object_get(body, "apps"), 0), "version",
                            json_integer(seen));
    world_step(&w, SW_KIND_PROMOTED, body);
    body = event("app-0", version, "succeeded", "ada@example.com", w.now_ms + 1000);
    json_object_set_new(json_object_get(body, "release"), "description", json_string(description));
    assert_int_equal(world_step(&w, SW_KIND_EVENT, body), 0);
    expect_replies(&w, told ? (const char *const[]){"thread release.notice.thread 0001-a 0", NULL}
                            : (const char *const[]){NULL});
    world_finish(&w);
}

static void what_executor_follows_is_not_told_twice(void **state) {
    static const struct {
        const char *state, *description;
        int seen, version;
        bool told;
    } rows[] = {
        {"started", "Promote storefront-staging v42 1f0c2d3", 0, 7, false},
        {"started", "Deploy 1f0c2d3", 0, 7, false},
        {"started", "Rollback to v5", 0, 7, false},
        {"started", "Set X config vars", 0, 7, true},                    /* by hand, meanwhile */
        {"done", "Promote storefront-staging v42 1f0c2d3", 7, 7, false}, /* a late webhook */
        {"done", "Promote storefront-staging v42 1f0c2d3", 7, 8, true},
        {"done", "Promote storefront-staging v42 1f0c2d3", 0, 7, true}, /* executor never knew */
        {"done", "Set X config vars", 7, 8, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        expect_followed(rows[i].state, rows[i].seen, rows[i].version, rows[i].description,
                        rows[i].told);
    }
}

static void any_other_release_has_its_own_conversation(void **state) {
    static const struct {
        const char *email;
        int64_t after_ms;
        const char *reply;
    } rows[] = {
        {"bob@example.com", 0, "parent release.notice release/app-0/7 1"},
        {"ada@example.com", 0, "thread release.notice.thread 0001-a 0"},
        {"ada@example.com", 29 * MINUTE_MS, "thread release.notice.thread 0001-a 0"},
        {"ada@example.com", 30 * MINUTE_MS, "parent release.notice release/app-0/7 1"},
        {"ada@example.com", -40 * MINUTE_MS, "parent release.notice release/app-0/7 1"},
        {"", 0, "parent release.notice release/app-0/7 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_init(&w);
        world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
        w.now_ms += rows[i].after_ms;
        assert_int_equal(tell(&w, 7, "pending", rows[i].email), 0);
        expect_replies(&w, (const char *const[]){rows[i].reply, NULL});
        world_finish(&w);
    }
}

static void nobody_is_the_same_person_as_nobody(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "", 1));
    tell(&w, 7, "pending", "");
    expect_replies(&w, (const char *const[]){"parent release.notice release/app-0/7 1", NULL});
    world_finish(&w);
}

static void a_change_updates_the_notice_and_is_told_below_it(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
    tell(&w, 7, "pending", "bob@example.com");
    expect_replies(&w, (const char *const[]){"parent release.notice release/app-0/7 1", NULL});
    tell(&w, 7, "failed", "bob@example.com");
    expect_replies(&w,
                   (const char *const[]){"parent release.notice release/app-0/7 2",
                                         "thread release.notice.thread release/app-0/7 0", NULL});
    SW_AUTO(sw_json) json_t *sent = world_outputs(&w, "send", NULL, NULL);
    const json_t *body = json_object_get(json_array_get(sent, 0), "body");
    const json_t *data = json_object_get(body, "data");
    assert_true(json_is_true(json_object_get(body, "final")));
    assert_string_equal(sw_str(data, "status"), "failed");
    assert_string_equal(sw_str(data, "email"), "bob@example.com");
    assert_string_equal(sw_str(json_object_get(data, "pipeline"), "name"), "storefront");
    assert_int_equal(sw_int(data, "version"), 7);
    world_finish(&w);
}

static void a_state_is_told_once_and_late_news_not_at_all(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
    tell(&w, 7, "succeeded", "bob@example.com");
    expect_replies(&w, (const char *const[]){"parent release.notice release/app-0/7 2", NULL});
    static const char *const late[] = {"succeeded", "pending", "failed", "expired", "", "x"};
    for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
        assert_int_equal(tell(&w, 7, late[i], "bob@example.com"), 0);
        expect_replies(&w, (const char *const[]){NULL});
    }
    tell(&w, 8, "pending", "bob@example.com");
    expect_replies(&w, (const char *const[]){"parent release.notice release/app-0/8 1", NULL});
    world_finish(&w);
}

static void other_events_and_malformed_ones_do_no_harm(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
    assert_int_equal(world_step(&w, SW_KIND_EVENT, json_pack("{s:s}", "type", "api:release")),
                     -EBADMSG);
    json_t *body = event("app-0", 7, "pending", "", START_MS);
    json_object_set_new(body, "source", json_string("heroku/app 0"));
    assert_int_equal(world_step(&w, SW_KIND_EVENT, body), -EBADMSG);
    assert_int_equal(tell(&w, 0, "pending", "bob@example.com"), 0);
    expect_replies(&w, (const char *const[]){NULL});
    assert_int_equal(world_step(&w, SW_KIND_PROMOTED, json_object()), -EBADMSG);
    assert_int_equal(world_step(&w, SW_KIND_REPLY, json_object()), -ENOTSUP);
    world_finish(&w);
}

/* Two operations of one app, one after the other: the second one's start does not make the first one's late webhooks news. */
static void what_an_earlier_operation_told_stays_told(void **state) {
    struct world w;
    (void)state;
    world_init(&w);
    json_t *done = promoted("0001-a", "ada@example.com", 1);
    json_object_set_new(done, "state", json_string("done"));
    json_object_set_new(json_array_get(json_object_get(done, "apps"), 0), "version",
                        json_integer(7));
    world_step(&w, SW_KIND_PROMOTED, done);
    world_step(&w, SW_KIND_PROMOTED, promoted("0002-b", "bob@example.com", 1));
    assert_int_equal(tell(&w, 7, "succeeded", "ada@example.com"), 0);
    expect_replies(&w, (const char *const[]){NULL});
    tell(&w, 8, "succeeded", "ada@example.com");
    expect_replies(&w, (const char *const[]){"parent release.notice release/app-0/8 2", NULL});
    world_finish(&w);
}

/* Heroku leaves out who made a release at times. */
static void a_release_of_nobody_is_executor_s_while_it_makes_one(void **state) {
    static const struct {
        const char *description;
        int64_t after_ms;
        const char *told;
    } rows[] = {
        {"Promote storefront-staging v42 1f0c2d3", 1000, NULL},
        {"Set X config vars", 1000, "parent release.notice release/app-0/7 2"},
        {"Promote storefront-staging v42", 31 * MINUTE_MS,
         "parent release.notice release/app-0/7 2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        print_message("row %zu\n", i);
        world_init(&w);
        world_step(&w, SW_KIND_PROMOTED, promoted("0001-a", "ada@example.com", 1));
        json_t *body = event("app-0", 7, "succeeded", "", w.now_ms + rows[i].after_ms);
        json_object_set_new(json_object_get(body, "release"), "description",
                            json_string(rows[i].description));
        assert_int_equal(world_step(&w, SW_KIND_EVENT, body), 0);
        expect_replies(&w, (const char *const[]){rows[i].told, NULL});
        world_finish(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_pipeline_was_promoted_is_remembered_and_hinted),
        cmocka_unit_test(many_apps_stay_within_what_one_call_may_do),
        cmocka_unit_test(an_app_that_nobody_promoted_is_quiet),
        cmocka_unit_test(a_release_of_the_promotion_is_told_in_its_thread),
        cmocka_unit_test(what_executor_follows_is_not_told_twice),
        cmocka_unit_test(any_other_release_has_its_own_conversation),
        cmocka_unit_test(nobody_is_the_same_person_as_nobody),
        cmocka_unit_test(a_change_updates_the_notice_and_is_told_below_it),
        cmocka_unit_test(a_state_is_told_once_and_late_news_not_at_all),
        cmocka_unit_test(other_events_and_malformed_ones_do_no_harm),
        cmocka_unit_test(what_an_earlier_operation_told_stays_told),
        cmocka_unit_test(a_release_of_nobody_is_executor_s_while_it_makes_one),
    };
    return cmocka_run_group_tests_name("notifier_follow", tests, NULL, NULL);
}
