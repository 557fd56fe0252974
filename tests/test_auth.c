/* test_auth.c -- commands and grants; the rest is in test_auth_*.c. */
#include "auth_world.h"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void a_linked_person_is_granted(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    struct sw_msg *m = command(w, "c1", "promote");
    box(m, w->ingress, "executor", "code", json_pack("{s:s}", "code", "123456"));
    run(w, m);
    const json_t *granted = the(w, "send", "executor", SW_KIND_GRANTED), *body = body_of(granted);
    assert_string_equal(sw_str(granted, "cmd"), "c1");
    assert_string_equal(sw_str(body, "line"), "promote storefront");
    assert_string_equal(sw_str(json_object_get(body, "command"), "handler"), "promote");
    assert_string_equal(sw_str(json_object_get(body, "account"), "email"), "ada@example.com");
    assert_int_equal(sw_int(json_object_get(body, "grant"), "version"), 5);
    assert_int_equal(sw_int(json_object_get(body, "grant"), "expires_ms"), NOW + HOUR);
    assert_true(json_is_false(json_object_get(body, "renewal")));
    assert_token(w, granted, "HRKU-access");
    assert_string_not_equal(sw_str(json_object_get(granted, "boxes"), "code"), "");
    assert_string_not_equal(sw_str(json_object_get(granted, "boxes"), "response_url"), "");
    assert_int_equal(json_array_size(w->outputs), 1);
}

static void login_of_a_linked_person_says_so(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, command(w, "c1", "login"));
    const json_t *data = json_object_get(body_of(reply(w, "login.linked")), "data");
    assert_string_equal(sw_str(data, "email"), "ada@example.com");
}

static void login_offers_a_link_that_only_responder_can_read(void **state) {
    struct world *w = *state;
    run(w, command(w, "c1", "login"));
    assert_card(w, "login", false);
    SW_AUTO(sw_json) json_t *link = opened(reply(w, "login.card"), "link", w->responder);
    const char *random = sw_str(link, "url") + strlen("https://slipway.example/link/T1.");
    char text[44];
    snprintf(text, sizeof(text), "%.43s", random);
    const char *secrets[] = {text, NULL};
    assert_hidden(w, secrets);
    assert_int_equal(sw_int(the(w, "store", NULL, NULL), "ms"), 10 * MINUTE);
    assert_null(json_object_get(w->facts, PEND));
}

static void a_command_of_a_stranger_is_kept_behind_a_card(void **state) {
    struct world *w = *state;
    struct sw_msg *m = command(w, "c1", "promote");
    box(m, w->ingress, "executor", "code", json_pack("{s:s}", "code", "123456"));
    run(w, m);
    assert_card(w, "missing", true);
    const json_t *boxes = json_object_get(reply(w, "login.card"), "boxes");
    assert_int_equal(json_object_size(boxes), 2); /* link and response_url: the code stays here */
    assert_string_not_equal(sw_str(boxes, "response_url"), "");
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
    assert_int_equal(sw_int(the(w, "store", PEND, NULL), "ms"), 10 * MINUTE);
}

static void five_commands_are_kept_and_the_sixth_is_told(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        run(w, command(w, "c1", "promote"));
        assert_card(w, "missing", true);
    }
    run(w, command(w, "c6", "promote"));
    assert_card(w, "missing", false);
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 5);
    w->now_ms += 11 * MINUTE; /* those are too old to go on: there is room again */
    run(w, command(w, "c7", "promote"));
    assert_card(w, "missing", true);
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 1);
}

/* As long as Slack lets a text be: what is stored is 64 KiB at most, else each of them goes dead. */
static struct sw_msg *long_command(const struct world *w) {
    struct sw_msg *m = command(w, "c1", "promote");
    char ref[20001];
    memset(ref, 'x', sizeof(ref) - 1);
    ref[sizeof(ref) - 1] = '\0';
    json_object_set_new(json_object_get(m->body, "command"), "to_app", json_string(ref));
    return m;
}

static void long_commands_are_kept_while_there_is_room(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 4; i++) {
        run(w, long_command(w));
        assert_card(w, "missing", i < 2);
    }
    assert_int_equal(json_array_size(json_object_get(w->facts, PEND)), 2);
    run(w, command(w, "c5", "promote"));
    assert_card(w, "missing", true);
}

static void long_commands_wait_for_a_refresh_while_there_is_room(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 1, NOW + 30000);
    for (int i = 0; i < 4; i++) {
        run(w, long_command(w));
        assert_int_equal(count(w, "send", "responder", NULL), i < 2 ? 0 : 1);
    }
    assert_int_equal(waiting(w), 2);
}

static void an_account_serves_its_person_in_its_installation_only(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, ask(w, SW_KIND_COMMAND, "c1", "U2", "promote"));
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    struct sw_msg *m = command(w, "c1", "promote");
    strcpy(m->inst, "T2");
    run(w, m);
    assert_int_equal(count(w, "send", "executor", NULL), 0);
}

static void a_row_of_another_person_is_never_used(void **state) {
    struct world *w = *state;
    link_up(w, "U2", 5, NOW + HOUR);
    json_object_set(w->facts, ACCT, json_object_get(w->facts, "acct/T1/U2"));
    const unsigned alarms = sw_seal_broken();
    run(w, command(w, "c1", "promote"));
    assert_true(sw_seal_broken() > alarms); /* the runtime tells who runs it */
    assert_card(w, "unreadable", true);
    assert_int_equal(count(w, "send", "executor", SW_KIND_GRANTED), 0);
    assert_null(account(w));
    run(w, command(w, "c2", "promote")); /* and it is said until they connect again */
    assert_card(w, "unreadable", true);
}

static void a_person_without_an_id_is_no_person(void **state) {
    struct world *w = *state;
    static const char *const users[] = {"", "U1/x", "U 1"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world_try(w, ask(w, SW_KIND_COMMAND, "c1", users[i], "login")), -EINVAL);
    }
}

static void logout_forgets_everything_of_the_person(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, command(w, "c1", "logout"));
    assert_string_equal(sw_str(json_object_get(body_of(reply(w, "logout.done")), "data"), "email"),
                        "ada@example.com");
    const json_t *gone = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_true(json_is_true(json_object_get(gone, "gone")));
    assert_int_equal(json_object_size(w->facts), 0);
    run(w, command(w, "c2", "logout"));
    reply(w, "logout.none");
    assert_int_equal(count(w, "send", "refresher", NULL), 0);
    run(w, command(w, "c3", "promote"));
    run(w, command(w, "c4", "logout")); /* what waits for a sign-in as well */
    assert_null(json_object_get(w->facts, PEND));
}

static void a_newer_token_is_granted_at_once(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    for (int refused = 0; refused < 2; refused++) {
        run(w, regrant(w, "c1", 4, refused));
        const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
        assert_true(json_is_true(json_object_get(body_of(m), "renewal")));
        assert_int_equal(sw_int(json_object_get(body_of(m), "grant"), "version"), 5);
        assert_int_equal(count(w, "send", NULL, NULL), 1);
    }
}

static void a_refused_token_is_renewed_once_and_then_unlinked(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, regrant(w, "c1", 5, true));
    the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_int_equal(count(w, "send", "executor", NULL), 0);
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    const json_t *m = the(w, "send", "executor", SW_KIND_GRANTED);
    assert_true(json_is_true(json_object_get(body_of(m), "renewal")));
    json_int_t version = sw_int(account(w), "version");
    run(w, regrant(w, "c1", version, true));
    assert_card(w, "refused", false);
    assert_string_equal(sw_str(body_of(the(w, "send", "executor", SW_KIND_UNGRANTED)), "reason"),
                        "refused");
    assert_null(account(w));
    /* Who comes after that is not linked. */
    run(w, regrant(w, "c2", version, true));
    assert_card(w, "refused", false);
    the(w, "send", "executor", SW_KIND_UNGRANTED);
}

static void a_renewal_at_once_counts_as_well(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, regrant(w, "c1", 4, true));
    the(w, "send", "executor", SW_KIND_GRANTED);
    run(w, regrant(w, "c1", 5, true));
    assert_card(w, "refused", false);
    assert_null(account(w));
}

static void a_refusal_of_another_command_renews_again(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    run(w, regrant(w, "c1", 5, true));
    run(w, refreshed(w, "l1", 5, "ok", NULL));
    json_int_t version = sw_int(account(w), "version");
    run(w, regrant(w, "c2", version, true)); /* never saw an older one: not proven */
    the(w, "send", "refresher", SW_KIND_REFRESH);
    run(w, refreshed(w, "l1", version, "ok", NULL));
    assert_int_equal(sw_int(account(w), "version"), version + 1); /* also within one millisecond */
}

static void the_list_of_renewals_is_bounded(void **state) {
    struct world *w = *state;
    link_up(w, "U1", 5, NOW + HOUR);
    for (int i = 0; i < 40; i++) {
        char cmd[16];
        snprintf(cmd, sizeof(cmd), "c%d", i);
        run(w, regrant(w, cmd, 4, true));
    }
    assert_int_equal(json_array_size(json_object_get(account(w), "renewed")), 32);
}

static void a_regrant_of_a_stranger_ends_the_plan(void **state) {
    struct world *w = *state;
    run(w, regrant(w, "c1", 5, false));
    assert_card(w, "missing", false);
    const json_t *data = json_object_get(body_of(reply(w, "login.card")), "data");
    assert_true(json_is_false(json_object_get(data, "again"))); /* it may have done its work */
    the(w, "send", "executor", SW_KIND_UNGRANTED);
    assert_null(json_object_get(w->facts, PEND)); /* a plan that has begun does not begin again */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_linked_person_is_granted),
        T(login_of_a_linked_person_says_so),
        T(login_offers_a_link_that_only_responder_can_read),
        T(a_command_of_a_stranger_is_kept_behind_a_card),
        T(five_commands_are_kept_and_the_sixth_is_told),
        T(long_commands_are_kept_while_there_is_room),
        T(long_commands_wait_for_a_refresh_while_there_is_room),
        T(an_account_serves_its_person_in_its_installation_only),
        T(a_row_of_another_person_is_never_used),
        T(a_person_without_an_id_is_no_person),
        T(logout_forgets_everything_of_the_person),
        T(a_newer_token_is_granted_at_once),
        T(a_refused_token_is_renewed_once_and_then_unlinked),
        T(a_renewal_at_once_counts_as_well),
        T(a_refusal_of_another_command_renews_again),
        T(the_list_of_renewals_is_bounded),
        T(a_regrant_of_a_stranger_ends_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
