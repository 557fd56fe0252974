/* test_auth_bot.c -- the bot token lives as an account does: flights, rounds, and who is told. */
#include "auth_world.h"

#define BOT_ACCT "acct/T1/bot"
#define BOT_FLIGHT "flight/T1/bot/slack"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

static void install(struct world *w, json_int_t version, int64_t expires_ms) {
    SW_AUTO(sw_text) char *row = NULL;
    SW_AUTO(sw_json)
    json_t *tokens =
        json_pack("{s:s, s:s}", "access_token", "xoxe.xoxb-1", "refresh_token", "xoxe-1");
    assert_int_equal(sw_row_seal(w->auth, "T1/bot/slack", tokens, &row), 0);
    json_object_set_new(
        w->facts, BOT_ACCT,
        json_pack("{s:{s:s, s:s, s:I, s:s, s:I, s:I, s:b, s:[], s:s}}", "slack", "row", row, "id",
                  "UBOT", "version", version, "link", "b1", "expires_ms", (json_int_t)expires_ms,
                  "linked_ms", (json_int_t)(NOW - HOUR), "has_refresh", 1, "renewed", "app", "A1"));
}

static const json_t *bot(const struct world *w) {
    return json_object_get(json_object_get(w->facts, BOT_ACCT), "slack");
}

static struct sw_msg *due(const struct world *w, json_int_t version) {
    return message(
        w, SW_KIND_DUE, "c-due",
        json_pack("{s:s, s:s, s:I}", "user", "bot", "provider", "slack", "version", version));
}

static struct sw_msg *answered(const struct world *w, const char *link, json_int_t version,
                               const char *outcome) {
    const char *flight = sw_str(json_object_get(w->facts, BOT_FLIGHT), "flight");
    struct sw_msg *m =
        message(w, SW_KIND_REFRESHED, "c-r",
                json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:i}", "user", "bot", "provider", "slack",
                          "link", link, "version", version, "flight", flight, "outcome", outcome,
                          "expires_in", 43200));
    if (!strcmp(outcome, "ok"))
        box(m, w->refresher, "auth", "pair",
            json_pack("{s:s, s:s}", "access_token", "xoxe.xoxb-2", "refresh_token", "xoxe-2"));
    return m;
}

static void a_bot_token_that_is_due_is_refreshed_and_told_to_responder(void **state) {
    static const char *const secrets[] = {"xoxe", NULL};
    struct world *w = *state;
    install(w, 5, NOW + 2 * HOUR);
    run(w, due(w, 5));
    const json_t *m = the(w, "send", "refresher", SW_KIND_REFRESH);
    assert_true(json_is_true(json_object_get(m, "bulk")));
    assert_string_equal(sw_str(body_of(m), "user"), "bot");
    SW_AUTO(sw_json) json_t *old = opened(m, "refresh_token", w->refresher);
    assert_string_equal(sw_str(old, "refresh_token"), "xoxe-1");
    assert_hidden(w, secrets);
    run(w, answered(w, "b1", 5, "ok"));
    m = the(w, "send", "responder", SW_KIND_BOT);
    SW_AUTO(sw_json) json_t *token = opened(m, "bot", w->responder);
    assert_string_equal(sw_str(token, "token"), "xoxe.xoxb-2");
    assert_true(json_is_false(json_object_get(body_of(m), "gone")));
    assert_int_equal(sw_int(body_of(m), "version"), NOW);
    assert_string_equal(sw_str(body_of(m), "bot_user"), "UBOT");
    assert_string_equal(sw_str(bot(w), "app"), "A1"); /* what else is known of it stays */
    assert_null(json_object_get(w->facts, BOT_FLIGHT));
    assert_hidden(w, secrets);
}

static void a_bot_token_that_slack_refuses_is_gone_for_responder_too(void **state) {
    struct world *w = *state;
    install(w, 5, NOW + 2 * HOUR);
    run(w, due(w, 5));
    run(w, answered(w, "b1", 5, "refused"));
    const json_t *m = the(w, "send", "responder", NULL);
    assert_string_equal(sw_str(m, "kind"), SW_KIND_BOT);
    assert_true(json_is_true(json_object_get(body_of(m), "gone")));
    assert_int_equal(sw_int(body_of(m), "version"), 5);
    assert_int_equal(json_object_size(json_object_get(m, "boxes")), 0);
    assert_true(json_is_true(
        json_object_get(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "gone")));
    assert_null(bot(w));
}

static void what_is_said_of_an_older_installation_changes_nothing(void **state) {
    static const char *const outcomes[] = {"ok", "refused", "failed"};
    struct world *w = *state;
    install(w, 5, NOW + 2 * HOUR);
    for (size_t i = 0; i < 3; i++) {
        run(w, answered(w, "b0", 5, outcomes[i]));
        assert_int_equal(json_array_size(w->outputs), 0);
        run(w, answered(w, "b1", 4, outcomes[i]));
        assert_int_equal(json_array_size(w->outputs), 0);
    }
    assert_int_equal(sw_int(bot(w), "version"), 5);
}

/* Nothing is wrong with the token: it is no reason to unlink. */
static void what_responder_cannot_open_is_told_again(void **state) {
    struct world *w = *state;
    install(w, 5, NOW + 2 * HOUR);
    run(w, message(w, SW_KIND_BOT_REFUSED, "c-b",
                   json_pack("{s:i, s:s}", "version", 5, "error", "unreadable")));
    const json_t *m = the(w, "send", "responder", SW_KIND_BOT);
    SW_AUTO(sw_json) json_t *token = opened(m, "bot", w->responder);
    assert_string_equal(sw_str(token, "token"), "xoxe.xoxb-1");
    assert_int_equal(sw_int(body_of(m), "version"), 5);
    assert_int_equal(json_array_size(w->outputs), 1);
    assert_int_equal(sw_int(bot(w), "version"), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(a_bot_token_that_is_due_is_refreshed_and_told_to_responder),
        T(a_bot_token_that_slack_refuses_is_gone_for_responder_too),
        T(what_is_said_of_an_older_installation_changes_nothing),
        T(what_responder_cannot_open_is_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
