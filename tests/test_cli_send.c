/* test_cli_send.c -- `slipway send` to a real ingress, on a real redis-server, with a real parser. */
#include "actors/actors.h"
#include "actors/cli.h"
#include "actors/ingress.h"
#include "tests/cli_run.h"
#include "tests/run_world.h"

#define SEND(...)                                                                                  \
    run_cli(sw_cli_send, (char *[]){"send", "--team", INST, "--user=UADA", "--channel=COPS",       \
                                    __VA_ARGS__, NULL})

/* Has nobody to tell it to. */
static int listen_to(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    (void)ctx;
    (void)in;
    (void)out;
    return 0;
}

static const char *const kinds[] = {SW_KIND_REPLY, NULL};
static const struct sw_actor listener = {"responder", kinds, NULL, listen_to};

static pid_t children[3];

static pid_t play(const char *role, const struct sw_actor *actor, sw_decide_fn *decide) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    char *argv[] = {"slipway", NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(sw_run(role, actor, decide, 1, argv));
}

static void write_secret(const struct world *w, const char *name, const char *text) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/%s", w->redis.dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    setenv("SLIPWAY_SLACK_SECRET_FILE", path, 1);
}

/* Ingress says at which port it is. */
static int set_up_ingress(void **state) {
    int ends[2], r = set_up(state);
    char text[256] = "";
    size_t have = 0;
    const struct world *w = *state;
    write_secret(w, "secret", "one\n");
    setenv("SLIPWAY_HTTP", "127.0.0.1:0", 1);
    setenv("SLIPWAY_SWEEP_MS", "100", 1);
    unsetenv("SLIPWAY_BASE_URL");
    assert_int_equal(pipe(ends), 0);
    SW_AUTO(sw_text) char *fd = sw_printf("%d", ends[1]);
    setenv("SLIPWAY_READY_FD", fd, 1);
    children[0] = play("ingress", NULL, sw_ingress_decide);
    unsetenv("SLIPWAY_READY_FD");
    close(ends[1]);
    for (ssize_t n;
         have < sizeof(text) - 1 && (n = read(ends[0], text + have, sizeof(text) - 1 - have)) > 0;)
        have += (size_t)n;
    close(ends[0]);
    char *http = strstr(text, "http http://");
    assert_non_null(http);
    http[strcspn(http, "\n")] = 0;
    setenv("SLIPWAY_BASE_URL", http + strlen("http "), 1);
    return r;
}

static int end_all(void **state) {
    for (size_t i = 0; i < 3; i++) {
        end(children[i], SIGKILL);
        children[i] = 0;
    }
    return tear_down(state);
}

static void a_line_is_acknowledged_with_its_id_and_followed_to_its_end(void **state) {
    (void)state;
    children[1] = play("parser", &sw_actor_parser, NULL);
    children[2] = play("responder", &listener, NULL);
    struct shown shown = SEND("--wait", "--timeout=15", "--", "help", "deploy");
    if (shown.status != 0) fail_msg("%d: %s%s", shown.status, shown.out, shown.err);
    assert_memory_equal(shown.out, "acknowledged after ", 19);
    assert_non_null(strstr(shown.out, "\nended: answered after "));
    assert_non_null(strstr(shown.err, "parser     slash.v1\n"));
    assert_non_null(strstr(shown.err, "responder  reply.v1\n"));
    shown = SEND("--json", "--wait", "--timeout", "15", "--", "help");
    SW_AUTO(sw_json) json_t *document = json_loads(shown.out, 0, NULL);
    assert_int_equal(shown.status, 0);
    assert_true(json_is_true(json_object_get(document, "acknowledged")));
    assert_int_equal(strlen(sw_str(document, "id")), 22);
    assert_string_equal(sw_str(json_object_get(document, "ended"), "how"), "answered");
    assert_string_equal(shown.err, "");
}

static void what_does_not_end_in_time_is_told_with_what_to_type(void **state) {
    (void)state;
    struct shown shown = SEND("--wait", "--timeout", "1", "--", "help");
    assert_int_equal(shown.status, 1);
    assert_memory_equal(shown.out, "acknowledged after ", 19);
    assert_non_null(strstr(shown.err, "it has not ended after 1 s: slipway trace 0"));
    /* The same line within the same second is another command. */
    struct shown again[] = {SEND("--", "help"), SEND("--", "help")};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(again[i].status, 0);
    assert_string_not_equal(strchr(again[0].out, ':'), strchr(again[1].out, ':'));
}

static void each_way_to_fail_has_its_status(void **state) {
    const struct world *w = *state;
    write_secret(w, "other", "two\n");
    struct shown shown = SEND("--", "help");
    assert_int_equal(shown.status, 1);
    assert_non_null(strstr(shown.err, "it was not taken in: 401, bad_signature: the secret is"));
    assert_string_equal(shown.out, "");
    shown = SEND("--json", "--", "help");
    assert_non_null(strstr(shown.out, "\"acknowledged\":false,\"status\":401,"));
    shown = SEND("--url", "http://127.0.0.1:1/", "--", "help");
    assert_int_equal(shown.status, 69);
    assert_non_null(strstr(shown.err, "http://127.0.0.1:1/slack/commands: "));
    write_secret(w, "secret", "one\n");
    SW_AUTO(sw_text) char *long_line = sw_malloc(4002);
    memset(long_line, 'x', 4001);
    long_line[4001] = 0;
    shown = SEND("--", long_line);
    assert_int_equal(shown.status, 1);
    assert_non_null(strstr(shown.err, "it was not taken in: Slipway cannot use what Slack sent"));
    unsetenv("SLIPWAY_SLACK_SECRET_FILE");
    shown = SEND("--", "help");
    assert_int_equal(shown.status, 78);
    assert_non_null(strstr(shown.err, "SLIPWAY_SLACK_SECRET_FILE is not set"));
}

static void a_mistake_is_named_with_the_usage(void **state) {
    static const struct {
        const char *words[4], *says;
    } rows[] = {
        {{NULL}, "-- and a line are missing, such as -- help\nusage: slipway send"},
        {{"help"}, "not understood here, or without a value: help\n"},
        {{"--"}, "-- and a line are missing"},
        {{"--team"}, "not understood here, or without a value: --team\n"},
        {{"--team", "t1", "--", "x"}, "this is no id of Slack's: t1\n"},
        {{"--user=UADA", "--", "x"}, "--team, --user and --channel must say who types it"},
        {{"--channel=#ops", "--", "x"}, "this is no id of Slack's: #ops\n"},
        {{"--timeout=0", "--", "x"}, "--timeout wants 1 to 3600 seconds, not 0\n"},
        {{"--timeout=5s", "--", "x"}, "--timeout wants 1 to 3600 seconds, not 5s\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[6] = {"send"};
        for (size_t j = 0; j < 4 && rows[i].words[j]; j++)
            argv[j + 1] = (char *)rows[i].words[j];
        struct shown shown = run_cli(sw_cli_send, argv);
        if (shown.status != 64 || !strstr(shown.err, rows[i].says))
            fail_msg("row %zu: %d, %s", i, shown.status, shown.err);
    }
    assert_int_equal(run_cli(sw_cli_send, (char *[]){"send", "--help", NULL}).status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_ingress, end_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_acknowledged_with_its_id_and_followed_to_its_end),
        TEST(what_does_not_end_in_time_is_told_with_what_to_type),
        TEST(each_way_to_fail_has_its_status),
        cmocka_unit_test(a_mistake_is_named_with_the_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
