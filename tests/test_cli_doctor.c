/* test_cli_doctor.c -- `slipway doctor` with a real redis-server, and things broken one by one: each names its mend. */
#include "actors/cli.h"
#include "cli_run.h"
#include "common/seal.h"
#include "redis_world.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SECRET "doctor-must-not-say-this"

static struct shown shown;

/* In the world's directory. */
static char *path_of(const struct redis_world *w, const char *leaf) {
    return sw_printf("%s/%s", w->dir, leaf);
}

static void write_secret(const struct redis_world *w) {
    SW_AUTO(sw_text) char *path = path_of(w, "secret");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(SECRET "\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    setenv("SLIPWAY_SLACK_SECRET_FILE", path, 1);
}

/* Everything called leads to a port where nobody listens. */
static void lead_nowhere(void) {
    static const char *const urls[] = {"SLACK_API", "SLACK_HOOKS", "HEROKU_API", "HEROKU_ID"};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* kept, and never listens */
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    getsockname(fd, (struct sockaddr *)&at, &size);
    SW_AUTO(sw_text) char *url = sw_printf("http://127.0.0.1:%d", ntohs(at.sin_port));
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        SW_AUTO(sw_text) char *name = sw_printf("SLIPWAY_%s", urls[i]);
        setenv(name, url, 1);
    }
    setenv("SLIPWAY_SLACK", url, 1);
    setenv("SLIPWAY_BASE_URL", url, 1);
}

static int set_up(void **state) {
    const struct redis_world *w = redis_world_enter(state, redis_world_fit);
    SW_AUTO(sw_text) char *keys = path_of(w, "keys");
    SW_AUTO(sw_text) char *run = path_of(w, "run");
    assert_int_equal(sw_keys_make(keys), 0);
    setenv("SLIPWAY_KEY_DIR", keys, 1);
    setenv("SLIPWAY_RUN_DIR", run, 1);
    setenv("SLIPWAY_HEROKU_CLIENT_ID", "", 1);
    write_secret(w);
    lead_nowhere();
    return 0;
}

static void doctor(const char *option) {
    char *argv[] = {(char *)"doctor", (char *)(uintptr_t)option, NULL};
    shown = run_cli(sw_cli_doctor, argv);
    assert_null(strstr(shown.out, SECRET));
    assert_null(strstr(shown.err, SECRET));
}

/* The line that begins with `level` and `check` says `seen`, and the one below it `mend`. */
static void expect(const char *level, const char *check, const char *seen, const char *mend) {
    SW_AUTO(sw_text) char *copy = sw_strdup(shown.out);
    SW_AUTO(sw_text) char *begin = sw_printf("%-5s %-16s ", level, check);
    char *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        if (strncmp(line, begin, strlen(begin)) != 0 || !strstr(line, seen)) continue;
        if (mend && !(rest && strstr(strsep(&rest, "\n"), mend))) break;
        return;
    }
    fail_msg("no %s%s / %s in\n%s", begin, seen, mend ? mend : "", shown.out);
}

static void where_nothing_runs_it_says_what_is_right_and_what_is_not(void **state) {
    (void)state;
    setenv("SLIPWAY_OTLP", getenv("SLIPWAY_SLACK"), 1);
    doctor(NULL);
    unsetenv("SLIPWAY_OTLP");
    expect("warn", "upstream", "OpenTelemetry: http://127.0.0.1:", "let this machine out");
    expect("ok", "redis-fsync", "is always", NULL);
    expect("ok", "key-files", "9 rings in ", NULL);
    expect("ok", "secret-files", "1 files", NULL);
    expect("ok", "clock", "that of Redis", NULL);
    expect("ok", "orphans", "none among 0 keys", NULL);
    expect("warn", "settings", "SLIPWAY_HEROKU_CLIENT_ID is not set here", "set SLIPWAY_HEROKU_");
    expect("FAIL", "actors", "no actor is running", "slipway up");
    expect("FAIL", "upstream", "Slack: http://127.0.0.1:", "let this machine out");
    expect("warn", "base-url", "cannot be reached from here", "nothing, where only Slack");
    assert_int_equal(shown.status, 1);
}

static void without_redis_the_rest_is_looked_at(void **state) {
    struct redis_world *w = *state;
    redis_world_stop(w);
    doctor(NULL);
    expect("FAIL", "redis", "no Redis at SLIPWAY_REDIS", "start it");
    expect("ok", "key-files", "9 rings in ", NULL);
    expect("FAIL", "upstream", "Heroku: ", "let this machine out");
}

static void each_wrong_setting_is_named_and_the_rest_looked_at(void **state) {
    (void)state;
    setenv("SLIPWAY_LEASE_MS", "soon", 1);
    setenv("SLIPWAY_SLACK_TOKEN_FILE", "/nowhere/" SECRET, 1);
    doctor(NULL);
    expect("FAIL", "settings", "SLIPWAY_LEASE_MS: \"soon\"", "set SLIPWAY_LEASE_MS to");
    expect("FAIL", "settings", "SLIPWAY_SLACK_TOKEN_FILE: cannot read", "set SLIPWAY_SLACK_TOKEN");
    expect("ok", "redis-fsync", "is always", NULL);
    unsetenv("SLIPWAY_LEASE_MS");
    unsetenv("SLIPWAY_SLACK_TOKEN_FILE");
}

static void wrong_settings_of_redis_say_how_to_set_them(void **state) {
    const struct redis_world *w = *state;
    freeReplyObject(ask(w, "CONFIG SET appendfsync everysec"));
    freeReplyObject(ask(w, "CONFIG SET maxmemory 0"));
    doctor(NULL);
    expect("FAIL", "redis-fsync", "is everysec", "CONFIG SET appendfsync always");
    expect("warn", "redis-maxmemory", "has no maxmemory", "CONFIG SET maxmemory");
}

static void a_user_who_may_not_run_scripts_or_ask_config_is_told(void **state) {
    const struct redis_world *w = *state;
    freeReplyObject(ask(w, "ACL SETUSER default -@scripting -config"));
    doctor(NULL);
    expect("FAIL", "redis-user", "user default may not run scripts", "slipway acl");
    expect("warn", "redis-fsync", "refuses CONFIG", "provider");
    freeReplyObject(ask(w, "ACL SETUSER default -xlen"));
    doctor(NULL);
    expect("FAIL", "redis", "NOPERM", "slipway acl");
}

static void keys_that_are_missing_or_open_are_named(void **state) {
    const struct redis_world *w = *state;
    SW_AUTO(sw_text) char *parser = path_of(w, "keys/parser.pub");
    SW_AUTO(sw_text) char *auth = path_of(w, "keys/auth.key");
    SW_AUTO(sw_text) char *token = path_of(w, "keys/token.key");
    assert_int_equal(unlink(parser), 0);
    assert_int_equal(unlink(token), 0);
    assert_int_equal(chmod(auth, 0644), 0);
    doctor(NULL);
    expect("FAIL", "key-files", "parser.pub is missing", "copy it");
    expect("FAIL", "key-files", "token.key: No such file", "copy it");
    expect("warn", "key-files", "auth.key (mode 0644)", "chmod 600 ");
    assert_int_equal(chmod(auth, 0620), 0);
    doctor(NULL);
    expect("FAIL", "key-files", "others may change ", "chmod 600 ");
    setenv("SLIPWAY_KEY_DIR", "/nowhere", 1);
    doctor(NULL);
    expect("FAIL", "key-files", "no keys are in SLIPWAY_KEY_DIR /nowhere", "slipway keys init");
}

static void keys_that_do_not_belong_together_are_named(void **state) {
    const struct redis_world *w = *state;
    SW_AUTO(sw_text) char *executor = path_of(w, "keys/executor.pub");
    SW_AUTO(sw_text) char *responder = path_of(w, "keys/responder.pub");
    assert_int_equal(unlink(responder), 0);
    assert_int_equal(link(executor, responder), 0);
    doctor(NULL);
    expect("FAIL", "key-files", "responder.pub: does not belong to responder.key", "copy it");
}

/* A pod has its own secret keys and all public ones. */
static void a_pod_that_has_only_its_own_keys_is_right(void **state) {
    const struct redis_world *w = *state;
    SW_AUTO(sw_text)
    char *command = sw_printf("cd %s/keys && mkdir kept && mv parser.key *.pub kept && rm *.key && "
                              "mv kept/* . && rmdir kept",
                              w->dir);
    assert_int_equal(system(command), 0);
    doctor(NULL);
    expect("ok", "key-files", "7 rings in ", NULL);
}

static void a_wire_between_machines_without_keys_is_told(void **state) {
    const struct redis_world *w = *state;
    char why[512];
    SW_AUTO(sw_text) char *keys = path_of(w, "keys");
    SW_AUTO(sw_text) char *mine = path_of(w, "keys/curve-auth.key");
    SW_AUTO(sw_text) char *theirs = path_of(w, "keys/curve-parser.pub");
    setenv("SLIPWAY_WIRE", "tcp://127.0.0.1:0", 1);
    doctor(NULL);
    expect("warn", "wire", "whoever is on this machine", "slipway keys curve");
    setenv("SLIPWAY_WIRE", "tcp://10.0.0.1:7400", 1);
    doctor(NULL);
    expect("FAIL", "wire", "no actor starts", "slipway keys curve");
    assert_int_equal(sw_keys_curve(keys, why, sizeof(why)), 0);
    doctor(NULL);
    expect("ok", "wire", "with keys", NULL);
    expect("ok", "key-files", "16 rings in ", NULL);
    assert_int_equal(unlink(mine), 0);
    doctor(NULL);
    expect("FAIL", "wire", "curve-auth.key is missing: auth cannot speak", "copy it");
    assert_int_equal(unlink(theirs), 0);
    doctor(NULL);
    expect("FAIL", "key-files", "curve-parser.pub is missing: nobody here can speak to parser",
           "copy it");
    unsetenv("SLIPWAY_WIRE");
}

static void a_secret_that_everybody_may_read_is_named_by_its_setting(void **state) {
    const struct redis_world *w = *state;
    SW_AUTO(sw_text) char *secret = path_of(w, "secret");
    assert_int_equal(chmod(secret, 0644), 0);
    doctor(NULL);
    expect("warn", "secret-files", "everybody may read \"$SLIPWAY_SLACK_SECRET_FILE\"",
           "chmod 600 \"$SLIPWAY_SLACK_SECRET_FILE\"");
    assert_null(strstr(shown.out, secret));
}

static void keys_of_no_known_kind_are_found(void **state) {
    const struct redis_world *w = *state;
    freeReplyObject(ask(w, "SET sw:{01}:what 1"));
    freeReplyObject(ask(w, "SET sw:{01}:auth:s:acct/T1/U1 1"));
    freeReplyObject(ask(w, "SET other 1"));
    doctor(NULL);
    expect("warn", "orphans",
           "1 under sw: of no kind that this version knows, such as sw:{01}:what", "UNLINK");
    expect("warn", "orphans", "auth has no process, and 0 messages, calls and timers and 1 values",
           "slipway auth");
}

static void json_is_an_object_a_line(void **state) {
    (void)state;
    doctor("--json");
    SW_AUTO(sw_text) char *copy = sw_strdup(shown.out);
    char *rest = copy, *line;
    size_t count = 0;
    while ((line = strsep(&rest, "\n")) && line[0]) {
        SW_AUTO(sw_json) json_t *row = json_loads(line, 0, NULL);
        assert_true(json_is_string(json_object_get(row, "check")));
        assert_true(json_is_string(json_object_get(row, "seen")));
        const char *level = json_string_value(json_object_get(row, "level"));
        assert_true(!strcmp(level, "ok") || json_is_string(json_object_get(row, "mend")));
        count++;
    }
    assert_true(count > 15);
    doctor("--jason");
    assert_int_equal(shown.status, 64);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, redis_world_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(where_nothing_runs_it_says_what_is_right_and_what_is_not),
        TEST(without_redis_the_rest_is_looked_at),
        TEST(each_wrong_setting_is_named_and_the_rest_looked_at),
        TEST(wrong_settings_of_redis_say_how_to_set_them),
        TEST(a_user_who_may_not_run_scripts_or_ask_config_is_told),
        TEST(keys_that_are_missing_or_open_are_named),
        TEST(keys_that_do_not_belong_together_are_named),
        TEST(a_pod_that_has_only_its_own_keys_is_right),
        TEST(a_wire_between_machines_without_keys_is_told),
        TEST(a_secret_that_everybody_may_read_is_named_by_its_setting),
        TEST(keys_of_no_known_kind_are_found),
        TEST(json_is_an_object_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
