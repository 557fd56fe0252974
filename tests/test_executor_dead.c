/* test_executor_dead.c -- a grant that is known to be dead is not called with again, by any plan. */
#include "executor_github.h"

#define DEAD_HEROKU "dead/T0SIM1/U0ADA/heroku"
#define DEAD_GITHUB "dead/T0SIM1/U0ADA/github"
#define NO_TOKEN "{\"status\":401,\"json\":{}}"
#define LIST "{\"handler\":\"pipelines\",\"task\":\"pipelines\"}"
#define INFO "{\"handler\":\"pipelines\",\"task\":\"info\",\"pipeline\":\"storefront\"}"

static json_t *revoked(const char *user, const char *provider, int version) {
    return world_msg(
        SW_KIND_REVOKED,
        json_pack("{s:s, s:s, s:i}", "user", user, "provider", provider, "version", version),
        json_object());
}

static void world_revoke(struct world *w, const char *user, const char *provider, int version) {
    SW_AUTO(sw_json) json_t *m = revoked(user, provider, version);
    world_deliver(w, m);
}

static void is_dead(const struct world *w, const char *key, int version) {
    assert_int_equal(sw_int(json_object_get(w->facts, key), "version"), version);
}

/* What was asked of auth last. */
static void asked(const struct world *w, const char *provider, int version) {
    size_t at = json_array_size(w->sent);
    while (at > 0 && strcmp(sw_str(json_array_get(w->sent, at - 1), "actor"), "auth") != 0)
        at--;
    if (at == 0) fail_msg("auth was not asked");
    const json_t *sent = json_array_get(w->sent, at - 1), *body = json_object_get(sent, "body");
    assert_string_equal(sw_str(sent, "kind"), SW_KIND_REGRANT);
    assert_string_equal(sw_str(body, "provider"), provider);
    assert_int_equal(sw_int(body, "version"), version);
    assert_true(json_is_true(json_object_get(body, "refused")));
}

static size_t calls(const struct world *w, const char *match) {
    size_t i, n = 0;
    json_t *call;
    json_array_foreach(w->calls, i, call) {
        n += !strncmp(json_string_value(call), match, strlen(match));
    }
    return n;
}

static void the_first_401_of_one_plan_is_the_last_of_all(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    w.ungrant = true;
    w.faults[0] = (struct fault){"GET /pipelines", 0, 9, NO_TOKEN, false};
    world_granted(&w, LIST, false);
    world_run(&w);
    is_dead(&w, DEAD_HEROKU, 1);
    assert_int_equal(json_array_size(w.calls), 1);
    for (size_t i = 1; i <= 20; i++) {
        world_granted(&w, i % 2 ? LIST : PROMOTE, false);
        world_run(&w);
        assert_int_equal(json_array_size(w.calls), 1);
        assert_int_equal(json_array_size(w.sent), i + 1);
        asked(&w, "heroku", 1);
    }
    assert_int_equal(world_kept(&w), 0);
    world_finish(&w);
}

static void a_newer_grant_is_used_and_one_that_is_older_still_is_not(void **state) {
    static const struct {
        int dead, version;
        size_t asked;
    } rows[] = {{0, 1, 0}, {1, 1, 1}, {1, 2, 0}, {5, 5, 1}, {5, 6, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.version = rows[i].version;
        if (rows[i].dead) world_revoke(&w, "U0ADA", "heroku", rows[i].dead);
        world_do(&w, LIST);
        assert_non_null(world_reply(&w, "pipelines.list"));
        assert_int_equal(json_array_size(w.sent), rows[i].asked);
        is_dead(&w, DEAD_HEROKU, rows[i].dead);
        world_finish(&w);
    }

    /* Auth is asked for a grant that is newer than what is dead, not than what the plan has. */
    struct world w;
    world_init(&w);
    world_granted(&w, LIST, false); /* with the first one */
    w.version = 5;
    world_revoke(&w, "U0ADA", "heroku", 5);
    world_run(&w);
    world_is_over(&w);
    asked(&w, "heroku", 5);
    assert_int_equal(w.version, 6);
    assert_non_null(world_reply(&w, "pipelines.list"));
    world_finish(&w);
}

static void what_is_dead_stays_dead_and_comes_in_any_order(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    world_revoke(&w, "U0ADA", "heroku", 5);
    world_revoke(&w, "U0ADA", "heroku", 4);
    is_dead(&w, DEAD_HEROKU, 5);
    world_revoke(&w, "U0ADA", "heroku", 7);
    is_dead(&w, DEAD_HEROKU, 7);
    /* Nothing of these is granted to executor, or says which it is. */
    world_revoke(&w, "bot", "slack", 7);
    world_revoke(&w, "", "heroku", 7);
    world_revoke(&w, "U0ADA", "heroku", 0);
    assert_int_equal(json_object_size(w.facts), 1);
    world_finish(&w);
}

static void other_people_and_installations_go_on(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    world_revoke(&w, "U0BOB", "heroku", 9);
    world_revoke(&w, "U0BOB", "github", 9);
    json_object_set_new(w.facts, "dead/T0SIM2/U0ADA/heroku", json_pack("{s:i}", "version", 9));
    world_do(&w, PROMOTE);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(calls(&w, "POST /pipeline-promotions"), 1);
    for (size_t i = 0; i < json_array_size(w.sent); i++) {
        assert_string_not_equal(sw_str(json_array_get(w.sent, i), "kind"), SW_KIND_REGRANT);
    }
    world_finish(&w);
}

/* While a plan waits for the answer (or timer) of `step`, access ends; what was asked is answered all
 * the same, and nothing is asked any more. */
static void revoked_during_a_call_it_makes_no_further_one(void **state) {
    static const struct {
        const char *step, *state, *why; /* why: of the unknown outcome */
        bool told;                      /* the parent is there */
    } rows[] = {
        {"pipelines", "", "", false},
        {"apps", "", "", false},
        {"source", "failure", "", true},
        {"before", "failure", "", true},
        {"post", "unknown", "signed_out", true},
        {"targets", "unknown", "signed_out", true},
        {"pause", "unknown", "signed_out", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.ungrant = true;
        world_granted(&w, PROMOTE, false);
        SW_AUTO(sw_json) json_t *m = world_until(&w, rows[i].step);
        world_revoke(&w, "U0ADA", "heroku", 1);
        size_t made = json_array_size(w.calls);
        world_deliver(&w, m);
        world_run(&w);
        assert_int_equal(json_array_size(w.calls), made);
        asked(&w, "heroku", 1);
        assert_string_equal(world_state(&w, "promote"), rows[i].state);
        if (rows[i].why[0])
            assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "why"), rows[i].why);
        if (!rows[i].told) assert_int_equal(json_array_size(w.replies), 0); /* auth's card only */
        assert_int_equal(world_finals(&w), rows[i].told);
        assert_int_equal(json_object_size(w.timers), 0);
        world_finish(&w);
    }
}

static void a_write_whose_answer_was_lost_is_not_looked_for_with_a_dead_grant(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        w.twice = true;
        w.ungrant = true;
        w.faults[0] = (struct fault){"POST /pipeline-promotions", 0, 9,
                                     "{\"error\":\"unsure\",\"status\":503}", i == 1};
        world_granted(&w, PROMOTE, false);
        SW_AUTO(sw_json) json_t *m = world_until(&w, "post");
        world_revoke(&w, "U0ADA", "heroku", 1);
        size_t made = json_array_size(w.calls);
        world_deliver(&w, m);
        world_run(&w);
        world_is_over(&w);
        assert_int_equal(json_array_size(w.calls), made);
        assert_string_equal(world_state(&w, "promote"), "unknown");
        assert_string_equal(sw_str(world_data(&w, "promote.unknown"), "why"), "signed_out");
        world_finish(&w);
    }
}

static void when_all_is_over_nothing_happens(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.twice = true;
    world_do(&w, PROMOTE);
    size_t replies = json_array_size(w.replies), sent = json_array_size(w.sent);
    world_revoke(&w, "U0ADA", "heroku", 1);
    world_run(&w);
    assert_int_equal(json_array_size(w.replies), replies);
    assert_int_equal(json_array_size(w.sent), sent);
    assert_string_equal(world_state(&w, "promote"), "success");
    world_finish(&w);
}

static void each_provider_has_its_own_grants(void **state) {
    static const struct {
        const char *provider, *first; /* what is asked anew, and of whom */
        size_t before;                /* calls of Heroku until then */
    } rows[] = {{"heroku", "GET /pipelines", 0}, {"github", "GET " HUB_REPO, 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct hub h;
        world_init(&w);
        hub_init(&h, &w);
        w.mute = true; /* nothing more is done until auth answers */
        world_revoke(&w, "U0ADA", rows[i].provider, 1);
        world_granted(&w, PROMOTE, false);
        for (;;) {
            SW_AUTO(sw_json) json_t *m = world_next(&w);
            if (!m) fail_msg("auth was not asked");
            world_deliver(&w, m);
            if (json_array_size(w.sent) > 0) break;
        }
        asked(&w, rows[i].provider, 1);
        assert_true(calls(&w, "GET /pipelines") >= rows[i].before);
        assert_int_equal(calls(&w, rows[i].first), 0);
        world_granted(&w, PROMOTE, true); /* as executor_world.h would have answered */
        json_t *grant = json_object_get(json_array_get(w.events, 0), "m");
        json_object_set_new(json_object_get(json_object_get(grant, "body"),
                                            rows[i].provider[0] == 'h' ? "grant" : "github"),
                            "version", json_integer(2));
        world_run(&w);
        world_is_over(&w);
        assert_string_equal(world_state(&w, "promote"), "success");
        hub_finish(&h);
        world_finish(&w);
    }
}

static void what_is_only_shown_is_left_out_with_a_dead_github(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* known before, learned by the plan before */
        struct world w;
        struct hub h;
        world_init(&w);
        hub_init(&h, &w);
        w.twice = true;
        if (i == 0) world_revoke(&w, "U0ADA", "github", 1);
        w.faults[0] = (struct fault){"GET " HUB_REPO, 0, 9, NO_TOKEN, false};
        world_granted(&w, INFO, false);
        world_run(&w);
        is_dead(&w, DEAD_GITHUB, 1);
        is_dead(&w, DEAD_HEROKU, 0);
        world_granted(&w, INFO, false);
        world_run(&w);
        assert_int_equal(calls(&w, "GET " HUB_REPO), i);
        assert_int_equal(json_array_size(w.sent), 0); /* nobody signs in for that */
        assert_int_equal(world_count(&w, "pipelines.info"), 2);
        assert_string_equal(sw_str(world_data(&w, "pipelines.info"), "repo"), "");
        hub_finish(&h);
        world_finish(&w);
    }
}

static void without_github_the_promotion_goes_on_and_says_what_github_does_not_know(void **state) {
    (void)state;
    struct world w;
    struct hub h;
    world_init(&w);
    hub_init(&h, &w);
    w.twice = true;
    w.ungrant = true;
    world_granted(&w, PROMOTE, false);
    SW_AUTO(sw_json) json_t *m = world_until(&w, "post");
    size_t told = calls(&w, "POST " HUB_REPO), looked = calls(&w, "GET " HUB_REPO);
    world_revoke(&w, "U0ADA", "github", 1);
    world_deliver(&w, m);
    world_run(&w);
    world_is_over(&w);
    assert_string_equal(world_state(&w, "promote"), "success");
    assert_int_equal(calls(&w, "POST " HUB_REPO), told);
    assert_int_equal(calls(&w, "GET " HUB_REPO), looked);
    assert_int_equal(world_count(&w, "github.unclosed"), 1);
    hub_finish(&h);
    world_finish(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_401_of_one_plan_is_the_last_of_all),
        cmocka_unit_test(a_newer_grant_is_used_and_one_that_is_older_still_is_not),
        cmocka_unit_test(what_is_dead_stays_dead_and_comes_in_any_order),
        cmocka_unit_test(other_people_and_installations_go_on),
        cmocka_unit_test(revoked_during_a_call_it_makes_no_further_one),
        cmocka_unit_test(a_write_whose_answer_was_lost_is_not_looked_for_with_a_dead_grant),
        cmocka_unit_test(when_all_is_over_nothing_happens),
        cmocka_unit_test(each_provider_has_its_own_grants),
        cmocka_unit_test(what_is_only_shown_is_left_out_with_a_dead_github),
        cmocka_unit_test(without_github_the_promotion_goes_on_and_says_what_github_does_not_know),
    };
    return cmocka_run_group_tests_name("executor_dead", tests, NULL, NULL);
}
