/* test_cli_manifest.c -- `slipway manifest` as a shell sees it: a manifest on standard output, or why not. */
#include "actors/cli.h"
#include "common/mem.h"
#include "proto/value.h"

#include "tests/cli_run.h"

#include <string.h>

static struct shown run(const char *const *words) {
    char *argv[16] = {(char *)"manifest"};
    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = (char *)words[i];
    return run_cli(sw_cli_manifest, argv);
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static json_t *parsed(const struct shown *said) {
    json_t *value = json_loads(said->out, 0, NULL);
    assert_int_equal(said->status, 0);
    if (!value) fail_msg("no JSON: %s", said->out);
    return value;
}

static void a_base_url_gives_all_that_slack_must_know(void **state) {
    (void)state;
    struct shown said = RUN("https://slipway.example.com:8443/chat/");
    SW_AUTO(sw_json) json_t *app = parsed(&said);
    SW_AUTO(sw_json)
    json_t *want = json_loads(
        "{\"features\":{\"bot_user\":{\"display_name\":\"Slipway\",\"always_online\":true},"
        "\"slash_commands\":[{\"command\":\"/h\",\"url\":\"https://slipway.example.com:8443/chat/"
        "slack/commands\",\"description\":\"Heroku Pipelines from here\",\"usage_hint\":\"help\","
        "\"should_escape\":true}]},\"oauth_config\":{\"redirect_urls\":["
        "\"https://slipway.example.com:8443/chat/slack/install/callback\","
        "\"https://slipway.example.com:8443/chat/auth/slack/callback\"],\"scopes\":{\"bot\":["
        "\"commands\",\"chat:write\",\"chat:write.public\",\"im:write\",\"channels:read\","
        "\"channels:join\",\"groups:read\"],\"user\":[\"openid\","
        "\"profile\"]}},\"settings\":{"
        "\"event_subscriptions\":{\"request_url\":\"https://slipway.example.com:8443/chat/slack/"
        "events\",\"bot_events\":[\"app_uninstalled\",\"tokens_revoked\",\"channel_rename\","
        "\"channel_archive\",\"channel_unarchive\",\"channel_deleted\",\"channel_left\",\"group_"
        "rename\",\"group_archive\",\"group_unarchive\",\"group_deleted\",\"group_left\"]},"
        "\"interactivity\":{"
        "\"is_enabled\":true,\"request_url\":\"https://slipway.example.com:8443/chat/slack/"
        "interactive\"},\"org_deploy_enabled\":true,\"socket_mode_enabled\":false,"
        "\"token_rotation_enabled\":true}}",
        0, NULL);
    assert_non_null(want);
    const json_t *display = json_object_get(app, "display_information");
    assert_string_equal(sw_str(display, "name"), "Slipway");
    assert_true(strlen(sw_str(display, "description")) <= 140);
    json_object_del(app, "display_information");
    if (!json_equal(app, want)) fail_msg("%s", said.out);
    assert_string_equal(said.err, "");
}

static void name_and_command_are_ones_own(void **state) {
    (void)state;
    struct shown said =
        RUN("--name", "Werft \xc3\xbc", "--command", "/heroku-2", "https://a.example");
    SW_AUTO(sw_json) json_t *app = parsed(&said);
    const json_t *features = json_object_get(app, "features");
    assert_string_equal(sw_str(json_object_get(app, "display_information"), "name"),
                        "Werft \xc3\xbc");
    assert_string_equal(sw_str(json_object_get(features, "bot_user"), "display_name"),
                        "Werft \xc3\xbc");
    const json_t *slash = json_array_get(json_object_get(features, "slash_commands"), 0);
    assert_string_equal(sw_str(slash, "command"), "/heroku-2");
    assert_string_equal(sw_str(slash, "url"), "https://a.example/slack/commands");
}

static void what_is_no_https_url_is_refused(void **state) {
    static const char *const urls[] = {
        "slipway.example.com",
        "http://slipway.example.com",
        "https://",
        "https:///path",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://me@a.example",
        "https://a.example:port",
        "https://a.example:",
        "https://a.example:1234567",
        "https://a b.example",
        "https://a.example/\"x",
        "ftp://127.0.0.1",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "HTTPS://a.example",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        struct shown said = RUN(urls[i]);
        print_message("%s\n", urls[i]);
        assert_int_equal(said.status, 64);
        assert_string_equal(said.out, "");
        assert_non_null(strstr(said.err, "is no https URL"));
    }
}

static void this_machine_is_allowed_with_a_warning(void **state) {
    static const char *const urls[] = {"http://127.0.0.1:8080", "http://localhost",
                                       "http://localhost:1/x"};
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        struct shown said = RUN(urls[i]);
        json_decref(parsed(&said));
        assert_non_null(strstr(said.err, "Slack takes https only"));
    }
}

static void wrong_usage_is_told(void **state) {
    static const char a[] = "https://a.example", b[] = "https://b.example";
    static const struct {
        const char *words[5], *says;
    } rows[] = {
        {{NULL}, "BASE_URL is missing\nusage: "},
        {{a, b, NULL}, "https://b.example is not understood here\nusage: "},
        {{"--what", a, NULL}, "--what is not understood here\nusage: "},
        {{a, "--name", NULL}, "--name wants a word behind it\nusage: "},
        {{"--name", "", a, NULL}, "--name takes 1 to 35 characters"},
        {{"--name", "a name that is one longer than Slack's", a, NULL}, "--name takes 1 to 35"},
        {{"--name", "\xff", a, NULL}, "--name takes 1 to 35 characters"},
        {{"--command", "h", a, NULL}, "--command takes a slash"},
        {{"--command", "/", a, NULL}, "--command takes a slash"},
        {{"--command", "/H", a, NULL}, "--command takes a slash"},
        {{"--command", "/h x", a, NULL}, "--command takes a slash"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct shown said = run(rows[i].words);
        print_message("row %zu\n", i);
        assert_int_equal(said.status, 64);
        assert_string_equal(said.out, "");
        if (!strstr(said.err, rows[i].says)) fail_msg("no %s in %s", rows[i].says, said.err);
    }
    struct shown help = RUN("--help");
    assert_int_equal(help.status, 0);
    assert_non_null(strstr(help.out, "BASE_URL"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_url_gives_all_that_slack_must_know),
        cmocka_unit_test(name_and_command_are_ones_own),
        cmocka_unit_test(what_is_no_https_url_is_refused),
        cmocka_unit_test(this_machine_is_allowed_with_a_warning),
        cmocka_unit_test(wrong_usage_is_told),
    };
    return cmocka_run_group_tests_name("cli_manifest", tests, NULL, NULL);
}
