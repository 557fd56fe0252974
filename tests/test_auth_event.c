/* test_auth_event.c -- GitHub tells that somebody took our access away there. */
#include "auth_browser.h"
#include "auth_github.h"

static int up(void **state) {
    int r = world_up(state, &sw_actor_auth);
    set_up_github(*state);
    return r;
}

static struct sw_msg *event(const struct world *w, const char *id, const char *action) {
    SW_AUTO(sw_text) char *source = sw_printf("github/user/%s", id);
    return message(w, SW_KIND_EVENT, "c-event",
                   json_pack("{s:s, s:s, s:s, s:s, s:{s:i, s:s}}", "source", source, "type",
                             "github_app_authorization", "action", action, "event_id", "e1",
                             "sender", "id", 7, "login", "ada-l"));
}

/* The message to one of those whom the event concerns. */
static struct sw_msg *to_one(const struct world *w, const json_t *sent) {
    struct sw_msg *m =
        message(w, SW_KIND_EVENT, sw_str(sent, "cmd"), json_deep_copy(body_of(sent)));
    return m;
}

static void share(struct world *w, const char *id, const char *user) {
    SW_AUTO(sw_text) char *key = sw_printf("ghid/T1/%s", id);
    if (!json_object_get(w->facts, key))
        json_object_set_new(w->facts, key, json_pack("{s:[]}", "users"));
    json_array_append_new(json_object_get(json_object_get(w->facts, key), "users"),
                          json_string(user));
}

static void what_was_withdrawn_at_github_is_unlinked_here(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    link_github(w, "U1", 6, NOW, "ghr-first");
    share(w, "7", "U1");
    run(w, command(w, "c1", "deploy")); /* it waits for a refresh */
    run(w, event(w, "7", "revoked"));
    struct sw_msg *one = to_one(w, the(w, "send", "auth", SW_KIND_EVENT));
    run(w, one);
    assert_null(github(w));
    assert_non_null(account(w));
    assert_card(w, "withdrawn", false); /* who waited is told, */
    assert_string_equal(sw_str(audited(w, "unlinked"), "detail"), "withdrawn");
    assert_int_equal(count(w, "http", NULL, NULL), 0); /* and GitHub knows */
    assert_string_equal(sw_str(body_of(the(w, "send", "executor", SW_KIND_REVOKED)), "provider"),
                        "github");
    assert_null(json_object_get(w->facts, "ghid/T1/7"));
    run(w, command(w, "c2", "deploy"));
    assert_card(w, "withdrawn", true);
    run(w, event(w, "7", "revoked")); /* again: of nobody */
    assert_int_equal(json_array_size(w->outputs), 0);
}

static void each_person_of_ours_who_shares_the_account_is_unlinked(void **state) {
    struct world *w = *state;
    char user[16];
    for (int i = 0; i < 16; i++) {
        snprintf(user, sizeof(user), "U%d", i);
        share(w, "7", user);
    }
    run(w, event(w, "7", "revoked"));
    assert_int_equal(count(w, "send", "auth", SW_KIND_EVENT), 16);
}

static void an_event_that_is_late_or_of_another_leaves_the_account(void **state) {
    struct world *w = *state;
    link_github(w, "U1", 6, 0, NULL); /* linked an hour before NOW */
    share(w, "7", "U1");
    share(w, "8", "U1"); /* of an earlier account */
    SW_AUTO(sw_json) json_t *before = json_deep_copy(w->facts);
    w->now_ms = NOW - 2 * HOUR; /* it came before that */
    run(w, event(w, "7", "revoked"));
    run(w, to_one(w, the(w, "send", "auth", SW_KIND_EVENT)));
    assert_int_equal(json_array_size(w->outputs), 0);
    w->now_ms = NOW;
    run(w, event(w, "8", "revoked"));
    run(w, to_one(w, the(w, "send", "auth", SW_KIND_EVENT)));
    assert_int_equal(json_array_size(w->outputs), 0);
    run(w, event(w, "9", "revoked"));
    assert_int_equal(json_array_size(w->outputs), 0);
    assert_true(json_equal(before, w->facts));
    assert_int_equal(world_try(w, event(w, "7", "granted")), -EINVAL);
    assert_int_equal(world_try(w, event(w, "", "revoked")), -EINVAL);
}

static void who_shares_an_account_is_known_by_its_links(void **state) {
    struct world *w = *state;
    struct browser b;
    for (int i = 0; i < 16; i++) {
        SW_AUTO(sw_text) char *user = sw_printf("V%d", i);
        share(w, "7", user);
    }
    sign_in(w, &b, "login");
    at_github(w, &b);
    link_github(w, "U1", 6, 0, NULL);
    json_object_set_new(json_object_get(json_object_get(w->facts, ACCT), "github"), "id",
                        json_string("6")); /* another account is replaced */
    share(w, "6", "U1");
    finish_at_github(w, &b, oauth_token());
    the(w, "source", "github/user/7", NULL);
    const json_t *users = json_object_get(json_object_get(w->facts, "ghid/T1/7"), "users");
    assert_int_equal(json_array_size(users), 16); /* the oldest made room */
    assert_string_equal(json_string_value(json_array_get(users, 15)), "U1");
    assert_string_equal(json_string_value(json_array_get(users, 0)), "V1");
    assert_null(json_object_get(w->facts, "ghid/T1/6"));
    the(w, "http", NULL, SW_KIND_AUTH_HTTP); /* its token is withdrawn */
    run(w, command(w, "c9", "logout"));
    users = json_object_get(json_object_get(w->facts, "ghid/T1/7"), "users");
    assert_int_equal(json_array_size(users), 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(what_was_withdrawn_at_github_is_unlinked_here),
        T(each_person_of_ours_who_shares_the_account_is_unlinked),
        T(an_event_that_is_late_or_of_another_leaves_the_account),
        T(who_shares_an_account_is_known_by_its_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
