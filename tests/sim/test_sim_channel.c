/* test_sim_channel.c -- channels of the simulated Slack: what an application may ask and do, what it is told of
 * them, how often it may post. */
#include "slack_world.h"

#include <stdlib.h>

static const char *const options[] = {SLACK_OPTIONS, NULL};
static const char *const bench_options[] = {"--bench-teams", "3", "--bench-channels", "7", NULL};

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    ingress_start_of(&sim);
    return 0;
}

static int start_bench(void **state) {
    (void)state;
    client_start(&sim, bench_options);
    return 0;
}

static struct client_reply of_channel(const char *token, const char *method, const char *channel) {
    SIM_FREE char *json = sim_fmt("{\"channel\":\"%s\"}", channel);
    return slack_call(token, method, json);
}

static void tell(const char *channel, const char *what) {
    SIM_FREE char *json =
        sim_fmt("{\"channel\":\"%s\",\"do\":\"%s\",\"name\":\"ships\"}", channel, what);
    client_tell(&sim, "/sim/channel", json);
}

static bool is_set(const struct client_reply *reply, const char *key) {
    return json_is_true(json_object_get(json_object_get(reply->json, "channel"), key));
}

static void a_channel_says_what_it_is(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", SLACK_SCOPES);
    const char *token = client_text(one, "access_token");
    REPLY open = of_channel(token, "conversations.info", "C0OPS");
    assert_ok(&open);
    assert_string_equal(client_text(json_object_get(open.json, "channel"), "name"), "ops");
    assert_true(is_set(&open, "is_channel") && is_set(&open, "is_member"));
    assert_false(is_set(&open, "is_private") || is_set(&open, "is_archived"));
    REPLY by_name = of_channel(token, "conversations.info", "#ops");
    assert_refused(&by_name, "channel_not_found");
    REPLY foreign = of_channel(token, "conversations.info", "C0OTHER");
    assert_refused(&foreign, "channel_not_found");
    tell("C0OPS", "hide");
    REPLY hidden = of_channel(token, "conversations.info", "C0OPS");
    assert_true(is_set(&hidden, "is_private") && is_set(&hidden, "is_group"));
    tell("C0OPS", "remove_bot");
    REPLY gone = of_channel(token, "conversations.info", "C0OPS");
    assert_refused(&gone, "channel_not_found"); /* as if it did not exist */
    REPLY join = of_channel(token, "conversations.join", "C0OPS");
    assert_refused(&join, "method_not_supported_for_channel_type");
}

static void each_method_needs_its_scope(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", "chat:write,channels:read");
    const char *token = client_text(one, "access_token");
    REPLY open = of_channel(token, "conversations.info", "C0OPS");
    assert_ok(&open);
    REPLY join = of_channel(token, "conversations.join", "C0OPS");
    assert_refused(&join, "missing_scope");
    assert_string_equal(client_text(join.json, "needed"), "channels:join");
    tell("C0OPS", "hide");
    REPLY hidden = of_channel(token, "conversations.info", "C0OPS");
    assert_refused(&hidden, "missing_scope");
    assert_string_equal(client_text(hidden.json, "needed"), "groups:read");
    REPLY list = slack_call(token, "conversations.list", "{\"types\":\"private_channel\"}");
    assert_refused(&list, "missing_scope");
}

static void the_bot_joins_what_is_public_and_posts_where_it_is(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", "chat:write,channels:join");
    const char *token = client_text(one, "access_token");
    tell("C0OPS", "remove_bot");
    REPLY out = slack_say(token, "C0OPS");
    assert_refused(&out, "not_in_channel");
    REPLY join = of_channel(token, "conversations.join", "C0OPS");
    assert_ok(&join);
    assert_null(json_object_get(join.json, "warning"));
    REPLY again = of_channel(token, "conversations.join", "C0OPS");
    assert_string_equal(client_text(again.json, "warning"), "already_in_channel");
    REPLY in = slack_say(token, "C0OPS");
    assert_ok(&in);
    tell("C0OPS", "archive");
    REPLY archived = slack_say(token, "C0OPS");
    assert_refused(&archived, "is_archived");
    tell("C0OPS", "delete");
    REPLY gone = slack_say(token, "C0OPS");
    assert_refused(&gone, "channel_not_found");
    client_tell(&sim, "/sim/reset", "{}");
    REPLY back = slack_say(token, "C0OPS");
    assert_ok(&back);
}

static void channels_are_listed_by_pages(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", SLACK_SCOPES);
    const char *token = client_text(one, "access_token");
    client_tell(&sim, "/sim/channel", "{\"do\":\"create\",\"name\":\"new-one\"}");
    static const char *const names[] = {"deploys", "ops", "new-one"};
    SIM_FREE char *cursor = sim_strdup("");
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        SIM_FREE char *ask = sim_fmt("{\"limit\":1,\"cursor\":\"%s\"}", cursor);
        REPLY page = slack_call(token, "conversations.list", ask);
        assert_ok(&page);
        const json_t *first = json_array_get(json_object_get(page.json, "channels"), 0);
        assert_string_equal(client_text(first, "name"), names[i]);
        free(cursor);
        cursor =
            sim_strdup(client_text(json_object_get(page.json, "response_metadata"), "next_cursor"));
    }
    assert_string_equal(cursor, "");
}

static void what_becomes_of_a_channel_is_told(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"rename", "channel_rename"},
                                          {"archive", "channel_archive"},
                                          {"unarchive", "channel_unarchive"},
                                          {"remove_bot", "channel_left"},
                                          {"delete", "channel_deleted"}};
    for (unsigned i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        tell("C0OPS", rows[i][0]);
        struct ingress_request got = ingress_wait(sim.ingress, i);
        assert_string_equal(got.path, "/slack/events");
        assert_memory_equal(got.signature, "v0=", 3);
        json_auto_t *body = json_loads(got.body, 0, NULL);
        assert_string_equal(client_text(body, "team_id"), "T0SIM1");
        const json_t *event = json_object_get(body, "event");
        assert_string_equal(client_text(event, "type"), rows[i][1]);
        const json_t *channel = json_object_get(event, "channel");
        if (i == 0) assert_string_equal(client_text(channel, "name"), "ships");
        if (i != 0) assert_string_equal(json_string_value(channel), "C0OPS");
    }
    tell("C0DEPLOY", "hide");
    tell("C0DEPLOY", "archive");
    struct ingress_request got = ingress_wait(sim.ingress, SIM_ARRAY_LEN(rows));
    assert_non_null(strstr(got.body, "\"group_archive\""));
    tell("C0DEPLOY", "remove_bot");
    (void)ingress_wait(sim.ingress, SIM_ARRAY_LEN(rows) + 1);
    tell("C0DEPLOY", "unarchive"); /* nobody tells who is not in it */
    REPLY wrong = client_post(&sim, "/sim/channel", "{\"channel\":\"C0DEPLOY\",\"do\":\"paint\"}");
    assert_int_equal(wrong.status, 422);
    assert_int_equal(ingress_count(sim.ingress), SIM_ARRAY_LEN(rows) + 2);
}

static void a_broadcast_reply_is_in_the_thread_and_in_the_channel(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", SLACK_SCOPES);
    const char *token = client_text(one, "access_token");
    REPLY parent = slack_say(token, "C0DEPLOY");
    SIM_FREE char *json = sim_fmt("{\"channel\":\"C0DEPLOY\",\"text\":\"it failed\",\"thread_ts\":"
                                  "\"%s\",\"reply_broadcast\":true}",
                                  client_text(parent.json, "ts"));
    REPLY reply = slack_call(token, "chat.postMessage", json);
    assert_ok(&reply);
    assert_string_equal(client_text(json_object_get(reply.json, "message"), "subtype"),
                        "thread_broadcast");
    json_auto_t *view = client_view(&sim, "U0ADA");
    assert_int_equal(json_array_size(view), 2);
    const json_t *thread = json_object_get(json_array_get(view, 0), "thread");
    assert_int_equal(json_array_size(thread), 1);
    assert_true(json_equal(json_array_get(thread, 0), json_array_get(view, 1)));
    assert_true(json_is_true(json_object_get(json_array_get(view, 1), "broadcast")));
}

static void a_channel_counts_how_often_it_is_written_to(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", SLACK_SCOPES);
    const char *token = client_text(one, "access_token");
    for (int i = 0; i < 3; i++) {
        REPLY said = slack_say(token, "C0OPS");
        assert_ok(&said);
    }
    REPLY said = slack_say(token, "C0DEPLOY");
    assert_ok(&said);
    REPLY rates = client_get(&sim, "/sim/rates");
    const json_t *channels = json_object_get(rates.json, "channels");
    assert_int_equal(json_array_size(channels), 2);
    static const char *const keys[] = {"posts", "most_in_10_s"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(keys); i++) {
        assert_int_equal(sim_json_int(json_array_get(channels, 0), keys[i], 0), 1);
        assert_int_equal(sim_json_int(json_array_get(channels, 1), keys[i], 0), 3);
    }
}

static void a_tier_ends_and_says_when_to_come_again(void **state) {
    (void)state;
    json_auto_t *one = slack_install("T0SIM1", SLACK_SCOPES);
    const char *token = client_text(one, "access_token");
    client_tell(&sim, "/sim/config", "{\"rate_limits\":true}");
    long limited = 0;
    for (int i = 0; i < 60 && limited == 0; i++) {
        REPLY info = of_channel(token, "conversations.info", "C0OPS");
        if (info.status == 200) continue;
        char after_s[8];
        assert_string_equal(client_text(info.json, "error"), "ratelimited");
        assert_string_equal(client_header(&info, "Retry-After", after_s, sizeof(after_s)), "2");
        limited = info.status;
    }
    assert_int_equal(limited, 429);
    REPLY other = of_channel(token, "conversations.join", "C0OPS"); /* a method of its own */
    assert_ok(&other);
    REPLY state_now = client_get(&sim, "/sim/rates");
    assert_true(sim_json_int(state_now.json, "refused", 0) >= 1);
}

static void many_workspaces_have_channels_and_tokens(void **state) {
    (void)state;
    REPLY bench = client_get(&sim, "/sim/bench");
    const json_t *teams = json_object_get(bench.json, "teams");
    assert_int_equal(json_array_size(teams), 3);
    size_t n, channels = 0;
    json_t *team;
    json_array_foreach(teams, n, team) {
        const json_t *own = json_object_get(team, "channels");
        channels += json_array_size(own);
        const char *first = json_string_value(json_array_get(own, 0));
        REPLY said = slack_say(client_text(team, "token"), first);
        assert_ok(&said);
        const json_t *other = json_array_get(teams, (n + 1) % 3);
        REPLY foreign = slack_say(client_text(other, "token"), first);
        assert_refused(&foreign, "channel_not_found");
    }
    assert_int_equal(channels, 7);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {
        ROW(a_channel_says_what_it_is),
        ROW(each_method_needs_its_scope),
        ROW(the_bot_joins_what_is_public_and_posts_where_it_is),
        ROW(channels_are_listed_by_pages),
        ROW(what_becomes_of_a_channel_is_told),
        ROW(a_broadcast_reply_is_in_the_thread_and_in_the_channel),
        ROW(a_channel_counts_how_often_it_is_written_to),
        ROW(a_tier_ends_and_says_when_to_come_again),
        cmocka_unit_test_setup_teardown(many_workspaces_have_channels_and_tokens, start_bench,
                                        client_tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
