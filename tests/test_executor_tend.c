/* test_executor_tend.c -- what nobody typed: is the pipeline still to be seen, and what was missed of it. */
#include "executor_hooks.h"

#define MINUTE (60 * 1000LL)
#define DAY (24 * 60 * MINUTE)
#define STAGING "app-storefront-staging"

/* ---- what is so ---- */

static void notifier_hears_apps_repository_and_webhooks(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    hooks_do(&b->w, TEND);
    const json_t *body = hooks_end(&b->w, "sync", ""), *apps = json_object_get(body, "apps");
    assert_string_equal(sw_str(json_object_get(body, "pipeline"), "name"), "storefront");
    assert_int_equal(json_array_size(apps), 3);
    assert_string_equal(sw_str(json_array_get(apps, 1), "id"), STAGING);
    assert_string_equal(sw_str(json_array_get(apps, 1), "name"), "storefront-staging");
    assert_string_equal(sw_str(json_array_get(apps, 1), "stage"), "staging");
    assert_int_equal(sw_int(json_object_get(body, "repo"), "id"), 4242);
    assert_string_equal(sw_str(json_object_get(body, "repo"), "name"), "acme/storefront");
    assert_int_equal(json_object_size(json_object_get(body, "hooks")), 2);
    assert_int_equal(b->h.urgent, 0); /* nobody waits for it */
    tended_end(b);
}

static void a_pipeline_without_a_repository_is_as_good(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    b->hub.unconnected = true;
    hooks_do(&b->w, TEND);
    assert_null(json_object_get(hooks_end(&b->w, "sync", ""), "repo"));
    tended_end(b);
}

static void a_repository_that_github_does_not_show_is_lost_and_the_rest_is_not(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    b->hub.closed = true;
    hooks_do(&b->w, TEND);
    const json_t *sync = hooks_end(&b->w, "sync", "");
    assert_null(json_object_get(sync, "repo"));
    assert_string_equal(sw_str(sync, "github"), "lost");
    assert_string_equal(sw_str(json_object_get(sync, "hooks"), "github"), "denied");
    assert_string_equal(sw_str(json_object_get(sync, "hooks"), "heroku"), "ok");
    tended_end(b);
}

static void only_a_definite_word_is_a_conclusion(void **state) {
    static const struct {
        const char *http, *what, *reason;
    } rows[] = {
        {"{\"status\":404,\"json\":{\"id\":\"not_found\"}}", "lost", "gone"},
        {"{\"status\":410,\"json\":{\"id\":\"gone\"}}", "lost", "gone"},
        {"{\"status\":403,\"json\":{\"id\":\"forbidden\"}}", "lost", "denied"},
        {"{\"status\":401,\"json\":{\"id\":\"unauthorized\"}}", "lost", "denied"}, /* each grant */
        {"{\"status\":400,\"json\":{\"id\":\"bad_request\"}}", "away", ""},
        {"{\"status\":429}", "away", ""},
        {"{\"status\":500}", "away", ""},
        {"{\"status\":503}", "away", ""},
        {"{\"error\":\"timeout\"}", "away", ""},
        {"{\"error\":\"connect\"}", "away", ""},
        {"{\"error\":\"refused\",\"status\":503}", "away", ""},
        {"{\"error\":\"too_big\"}", "away", ""},
        {"{\"status\":200,\"json\":[]}", "away", ""},
        {"{\"status\":200,\"json\":{\"id\":\"p-storefront\",\"name\":\"x\"},\"rate_remaining\":"
         "999}",
         "away", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = tended_begin(false);
        print_message("%s\n", rows[i].http);
        b->w.faults[0] = (struct fault){"GET /pipelines/p-storefront", 0, 9, rows[i].http, false};
        hooks_do(&b->w, TEND);
        hooks_end(&b->w, rows[i].what, rows[i].reason);
        tended_end(b);
    }
}

static void whose_grant_cannot_be_had_is_unlinked_or_away(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct tended *b = tended_begin(false);
        b->w.faults[0] = (struct fault){"GET /pipelines/p-storefront/pipeline-couplings", 0, 1,
                                        "{\"status\":401,\"json\":{}}", false};
        if (how == 0) b->w.ungrant = true;
        if (how == 1) b->w.mute = true;
        if (how == 2) b->w.other = "u-eve"; /* signed in as somebody else meanwhile */
        hooks_do(&b->w, TEND);
        hooks_end(&b->w, how == 0 ? "lost" : "away", how == 0 ? "unlinked" : "");
        tended_end(b);
    }
}

static void who_is_not_linked_with_github_any_more_keeps_the_rest(void **state) {
    (void)state;
    struct tended *b = tended_begin(true);
    b->w.ungrant = true;
    b->w.faults[0] = (struct fault){"GET " HUB_REPO, 0, 1, "{\"status\":401,\"json\":{}}", false};
    hooks_do(&b->w, TEND);
    assert_string_equal(sw_str(hooks_end(&b->w, "sync", ""), "github"), "lost");
    tended_end(b);
}

/* Whichever call fails without a definite word, of both kinds. */
static void an_outage_anywhere_is_away_and_nothing_else(void **state) {
    static const char *const kinds[] = {TEND, MISSED};
    static const char *const faults[] = {"{\"status\":503}", "{\"error\":\"timeout\"}",
                                         "{\"status\":429}"};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct tended *first = tended_begin(true);
        hooks_do(&first->w, TEND); /* so that all is there */
        json_array_clear(first->w.calls);
        hooks_do(&first->w, kinds[k]);
        for (size_t i = 0; i < json_array_size(first->w.calls); i++) {
            const char *call = json_string_value(json_array_get(first->w.calls, i));
            struct tended *b = tended_begin(true);
            hooks_do(&b->w, TEND);
            json_array_clear(b->w.sent);
            b->w.faults[0] = (struct fault){call, 0, 99, faults[i % 3], false};
            print_message("%s\n", call);
            hooks_do(&b->w, kinds[k]);
            hooks_end(&b->w, "away", "");
            tended_end(b);
        }
        tended_end(first);
    }
}

static void a_name_that_no_pipeline_has_asks_nothing(void **state) {
    (void)state;
    struct tended *b = tended_begin(false);
    b->w.twice = false; /* nothing is remembered of it */
    world_granted(&b->w,
                  "{\"task\":\"tend\",\"handler\":\"tend\",\"pipeline\":\"../x\",\"what\":"
                  "\"check\"}",
                  false);
    world_run(&b->w);
    assert_int_equal(json_array_size(b->w.calls), 0);
    assert_string_equal(sw_str(hooks_told(&b->w, SW_KIND_ROUTE, 0), "reason"), "gone");
    tended_end(b);
}

/* ---- what Heroku could not deliver ---- */

static void deliver(struct tended *b, const char *app, const char *event, const char *hook,
                    const char *status, int64_t made_ms, int64_t last_ms) {
    char made[40], last[40];
    fake_time(made_ms, made, sizeof made);
    fake_time(last_ms, last, sizeof last);
    if (!json_object_get(b->h.deliveries, app))
        json_object_set_new(b->h.deliveries, app, json_array());
    json_array_insert_new(json_object_get(b->h.deliveries, app), 0,
                          json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:i}", "id",
                                    event, "status", status, "created_at", made, "updated_at", last,
                                    "event", "id", event, "include", "api:release", "webhook", "id",
                                    hook, "level", "sync", "num_attempts", 20));
    json_object_set_new(
        b->h.events, event,
        json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:{s:s, s:s}, s:i, s:s, s:b, s:s, "
                  "s:s, s:s}, s:{}, s:s}}",
                  "id", event, "created_at", made, "payload", "action", "update", "resource",
                  "release", "actor", "id", "u-1", "email", "bob@example.com", "data", "id", "r-1",
                  "app", "id", app, "name", "storefront-staging", "version", 43, "status",
                  "succeeded", "current", 1, "description", "Deploy 1234567", "updated_at", made,
                  "output_stream_url", "https://signed.example", "previous_data", "version", "1"));
}

static const char *hook_of(const struct tended *b, const char *app) {
    return sw_str(json_array_get(hooks_list(&b->h, app), 0), "id");
}

/* With a webhook at each app, and nothing told yet. */
static struct tended *with_hooks(bool github) {
    struct tended *b = tended_begin(github);
    hooks_do(&b->w, TEND);
    json_array_clear(b->w.sent);
    json_array_clear(b->w.calls);
    b->w.now_ms = START_MS;
    return b;
}

static void what_heroku_gave_up_is_told_as_if_it_had_come(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    int64_t long_ago = START_MS - 2 * DAY, now = START_MS - MINUTE;
    deliver(b, STAGING, "e-old", hook_of(b, STAGING), "failed", long_ago,
            START_MS - 2 * 60 * MINUTE);
    /* Perhaps still under way when it was looked at last. */
    deliver(b, STAGING, "e-one", hook_of(b, STAGING), "failed", long_ago, START_MS - 61 * MINUTE);
    deliver(b, STAGING, "e-else", "hook-of-others", "failed", long_ago, now);
    deliver(b, STAGING, "e-goes-on", hook_of(b, STAGING), "retrying", now, now);
    deliver(b, STAGING, "e-two", hook_of(b, STAGING), "failed", now, now);
    hooks_do(&b->w, MISSED);
    const json_t *one = hooks_told(&b->w, SW_KIND_EVENT, 0);
    assert_string_equal(sw_str(one, "event_id"), "e-one");
    assert_string_equal(sw_str(one, "source"), "heroku/" STAGING);
    assert_string_equal(sw_str(one, "type"), "api:release");
    assert_int_equal(sw_int(json_object_get(one, "release"), "version"), 43);
    assert_string_equal(sw_str(json_object_get(one, "actor"), "email"), "bob@example.com");
    assert_null(json_object_get(one, "dedupe"));
    assert_string_equal(sw_str(hooks_told(&b->w, SW_KIND_EVENT, 1), "event_id"), "e-two");
    assert_null(hooks_told(&b->w, SW_KIND_EVENT, 2));
    hooks_silent(&b->w);
    SW_AUTO(sw_text) char *all = json_dumps(b->w.sent, 0);
    assert_null(strstr(all, "signed.example"));
    tended_end(b);
}

static void where_nothing_was_missed_few_calls_say_so(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    hooks_do(&b->w, MISSED);
    hooks_silent(&b->w);
    /* couplings, the failed ones of each app, CI, connection, the repository's webhooks and deliveries */
    assert_int_equal(json_array_size(b->w.calls), 1 + 3 + 1 + 1 + 2);
    tended_end(b);
}

static void an_app_or_an_event_that_is_not_shown_is_passed_over(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    deliver(b, STAGING, "e-one", hook_of(b, STAGING), "failed", START_MS, START_MS);
    deliver(b, STAGING, "e-two", hook_of(b, STAGING), "failed", START_MS, START_MS);
    json_object_del(b->h.events, "e-one");
    b->w.faults[0] = (struct fault){"GET /apps/app-storefront-dev/webhook-deliveries", 0, 1,
                                    "{\"status\":403,\"json\":{\"id\":\"forbidden\"}}", false};
    b->w.faults[1] = (struct fault){"GET /pipelines/p-storefront/test-runs", 0, 1,
                                    "{\"status\":404,\"json\":{\"id\":\"not_found\"}}", false};
    hooks_do(&b->w, MISSED);
    assert_string_equal(sw_str(hooks_told(&b->w, SW_KIND_EVENT, 0), "event_id"), "e-two");
    hooks_silent(&b->w);
    tended_end(b);
}

static void all_of_a_storm_are_told_page_by_page(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    for (int i = 0; i < 260; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("6f9619ff-8b86-d011-b42d-00cf4fc9%04d", i);
        deliver(b, STAGING, id, hook_of(b, STAGING), "failed", START_MS, START_MS);
    }
    hooks_do(&b->w, MISSED);
    assert_non_null(hooks_told(&b->w, SW_KIND_EVENT, 259));
    assert_null(hooks_told(&b->w, SW_KIND_EVENT, 260));
    hooks_silent(&b->w);
    tended_end(b);
}

static void a_storm_that_does_not_end_is_looked_at_again(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    b->h.page = 1;
    for (int i = 0; i < 25; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("e-%d", i);
        deliver(b, STAGING, id, hook_of(b, STAGING), "failed", START_MS, START_MS);
    }
    hooks_do(&b->w, MISSED);
    assert_null(hooks_told(&b->w, SW_KIND_EVENT, 20));
    hooks_end(&b->w, "away", "");
    tended_end(b);
}

static void it_leaves_the_account_its_calls(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    deliver(b, STAGING, "e-one", hook_of(b, STAGING), "failed", START_MS, START_MS);
    b->w.faults[0] = (struct fault){"GET /apps/" STAGING "/webhook-deliveries", 0, 1,
                                    "{\"status\":200,\"json\":[],\"rate_remaining\":999}", false};
    hooks_do(&b->w, MISSED);
    hooks_end(&b->w, "away", "");
    assert_null(hooks_told(&b->w, SW_KIND_EVENT, 0));
    tended_end(b);
}

static void runs_of_heroku_ci_that_moved_are_told(void **state) {
    (void)state;
    struct tended *b = with_hooks(false);
    static const int64_t ages_ms[] = {MINUTE, 30 * MINUTE, 2 * 60 * MINUTE};
    for (int i = 0; i < 3; i++) {
        char at[40];
        fake_time(START_MS - ages_ms[i], at, sizeof at);
        json_array_append_new(
            b->h.runs, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "id", "t-1", "number",
                                 9 - i, "status", "failed", "commit_sha", SHA_MAIN, "commit_branch",
                                 "main", "commit_message", "Fix it\n\nbody", "updated_at", at));
    }
    hooks_do(&b->w, MISSED);
    const json_t *older = hooks_told(&b->w, SW_KIND_EVENT, 0), *run = json_object_get(older, "run");
    assert_string_equal(sw_str(older, "source"), "pipeline/p-storefront");
    assert_string_equal(sw_str(older, "type"), "test-run");
    assert_int_equal(sw_int(run, "number"), 8);
    assert_string_equal(sw_str(run, "sha"), SHA_MAIN);
    assert_string_equal(sw_str(run, "message"), "Fix it");
    assert_string_equal(sw_str(json_object_get(older, "pipeline"), "id"), "p-storefront");
    assert_int_equal(sw_int(older, "at_ms"), START_MS - 30 * MINUTE);
    assert_int_equal(sw_int(json_object_get(hooks_told(&b->w, SW_KIND_EVENT, 1), "run"), "number"),
                     9);
    assert_null(hooks_told(&b->w, SW_KIND_EVENT, 2));
    tended_end(b);
}

/* ---- what GitHub could not deliver ---- */

/* An attempt, older than those before. */
static void attempt(struct tended *b, int id, const char *guid, int status, bool again,
                    int64_t age_ms) {
    char at[40];
    fake_time(START_MS - age_ms, at, sizeof at);
    json_array_append_new(b->h.attempts,
                          json_pack("{s:i, s:s, s:s, s:b, s:s, s:i}", "id", id, "guid", guid,
                                    "delivered_at", at, "redelivery", (int)again, "status",
                                    status == 200 ? "OK" : "failed", "status_code", status));
}

static void github_is_asked_for_what_nobody_took(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    attempt(b, 9, "g-later", 200, true, MINUTE); /* went well at last */
    attempt(b, 8, "g-twice", 502, true, 2 * MINUTE);
    attempt(b, 7, "g-well", 200, false, 3 * MINUTE);
    attempt(b, 6, "g-once", 504, false, 4 * MINUTE);
    attempt(b, 5, "g-later", 503, false, 5 * MINUTE);
    attempt(b, 4, "g-twice", 503, false, 6 * MINUTE);
    hooks_do(&b->w, MISSED);
    hooks_silent(&b->w);
    assert_int_equal(json_array_size(b->h.again), 2);
    assert_true(hooks_has(b->h.again, "8"));
    assert_true(hooks_has(b->h.again, "6"));
    tended_end(b);
}

static void all_attempts_of_three_days_are_counted_where_one_failed(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    b->h.page = 3;
    attempt(b, 99, "g-new", 503, false, MINUTE);
    for (int i = 0; i < 5; i++) /* nobody takes it: left alone */
        attempt(b, 90 - i, "g-five", 503, i < 4, 3 * 60 * MINUTE + i * MINUTE);
    attempt(b, 50, "g-day", 503, false, DAY);
    attempt(b, 49, "g-week", 503, false, 7 * DAY);
    hooks_do(&b->w, MISSED);
    assert_int_equal(json_array_size(b->h.again), 2);
    assert_true(hooks_has(b->h.again, "99"));
    assert_true(hooks_has(b->h.again, "50"));
    tended_end(b);
}

static void where_all_went_well_only_the_newest_are_looked_at(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    b->h.page = 2;
    for (int i = 0; i < 20; i++) {
        SW_AUTO(sw_text) char *guid = sw_printf("g-%d", i);
        attempt(b, 100 - i, guid, 202, false, (i + 1) * 20 * MINUTE);
    }
    hooks_do(&b->w, MISSED);
    assert_int_equal(json_array_size(b->w.calls), 6 + 1 + 2);
    assert_int_equal(json_array_size(b->h.again), 0);
    tended_end(b);
}

static void fifty_are_asked_for_and_the_rest_the_next_time(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    for (int i = 0; i < 70; i++) {
        SW_AUTO(sw_text) char *guid = sw_printf("0b989ba4-242f-11e5-81e1-c7b6966d25%02d", i);
        attempt(b, 100 + i, guid, 503, false, MINUTE);
    }
    hooks_do(&b->w, MISSED);
    assert_int_equal(json_array_size(b->h.again), 50);
    hooks_end(&b->w, "away", "");
    tended_end(b);
}

static void a_redelivery_is_asked_for_once_a_run_whatever_comes_of_it(void **state) {
    static const struct {
        const char *http;
        bool effect, away;
    } rows[] = {{"{\"status\":404,\"json\":{\"message\":\"Not Found\"}}", false, false},
                {"{\"error\":\"unsure\"}", true, true},
                {"{\"status\":502}", true, true},
                {"{\"status\":429}", false, true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tended *b = with_hooks(true);
        attempt(b, 2, "g-b", 503, false, MINUTE);
        attempt(b, 1, "g-a", 503, false, MINUTE);
        b->w.faults[0] = (struct fault){"POST " HUB_REPO "/hooks/900/deliveries/", 0, 1,
                                        rows[i].http, rows[i].effect};
        hooks_do(&b->w, MISSED);
        rows[i].away ? (void)hooks_end(&b->w, "away", "") : hooks_silent(&b->w);
        assert_int_equal(json_array_size(b->h.again), rows[i].effect ? 2 : 1);
        tended_end(b);
    }
}

static void who_does_not_administer_the_repository_misses_nothing_else(void **state) {
    (void)state;
    struct tended *b = with_hooks(true);
    attempt(b, 1, "g-a", 503, false, MINUTE);
    b->h.closed = true;
    hooks_do(&b->w, MISSED);
    hooks_silent(&b->w);
    assert_int_equal(json_array_size(b->h.again), 0);
    tended_end(b);
}

static void a_hundred_apps_fit(void **state) {
    (void)state;
    struct tended *b = tended_begin(false);
    for (int i = 0; i < 120; i++) {
        SW_AUTO(sw_text)
        char *name = sw_printf("a-rather-long-name-of-an-application-%03d", i);
        fake_app(&b->w.heroku, "p-storefront", "production", name, 1);
    }
    hooks_do(&b->w, TEND);
    assert_int_equal(hooks_count(&b->h), 100);
    json_array_clear(b->w.sent);
    for (int i = 0; i < 110; i++) {
        SW_AUTO(sw_text) char *id = sw_printf("6f9619ff-8b86-d011-b42d-00cf4fc9%04d", i);
        deliver(b, STAGING, id, "6f9619ff-8b86-d011-b42d-00cf4fc96400", "failed", b->w.now_ms,
                b->w.now_ms);
    }
    json_object_set_new((json_t *)json_array_get(hooks_list(&b->h, STAGING), 0), "id",
                        json_string("6f9619ff-8b86-d011-b42d-00cf4fc96400"));
    hooks_do(&b->w, MISSED);
    print_message("largest state: %zu bytes\n", b->w.state_max_bytes);
    assert_non_null(hooks_told(&b->w, SW_KIND_EVENT, 99));
    tended_end(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifier_hears_apps_repository_and_webhooks),
        cmocka_unit_test(a_pipeline_without_a_repository_is_as_good),
        cmocka_unit_test(a_repository_that_github_does_not_show_is_lost_and_the_rest_is_not),
        cmocka_unit_test(only_a_definite_word_is_a_conclusion),
        cmocka_unit_test(whose_grant_cannot_be_had_is_unlinked_or_away),
        cmocka_unit_test(who_is_not_linked_with_github_any_more_keeps_the_rest),
        cmocka_unit_test(an_outage_anywhere_is_away_and_nothing_else),
        cmocka_unit_test(a_name_that_no_pipeline_has_asks_nothing),
        cmocka_unit_test(what_heroku_gave_up_is_told_as_if_it_had_come),
        cmocka_unit_test(where_nothing_was_missed_few_calls_say_so),
        cmocka_unit_test(an_app_or_an_event_that_is_not_shown_is_passed_over),
        cmocka_unit_test(all_of_a_storm_are_told_page_by_page),
        cmocka_unit_test(a_storm_that_does_not_end_is_looked_at_again),
        cmocka_unit_test(it_leaves_the_account_its_calls),
        cmocka_unit_test(runs_of_heroku_ci_that_moved_are_told),
        cmocka_unit_test(github_is_asked_for_what_nobody_took),
        cmocka_unit_test(all_attempts_of_three_days_are_counted_where_one_failed),
        cmocka_unit_test(where_all_went_well_only_the_newest_are_looked_at),
        cmocka_unit_test(fifty_are_asked_for_and_the_rest_the_next_time),
        cmocka_unit_test(a_redelivery_is_asked_for_once_a_run_whatever_comes_of_it),
        cmocka_unit_test(who_does_not_administer_the_repository_misses_nothing_else),
        cmocka_unit_test(a_hundred_apps_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
