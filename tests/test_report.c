/* test_report.c -- what is told of an error, how it is written, when it may be sent. */
#include "common/mem.h"
#include "common/metrics.h"
#include "common/report.h"
#include "common/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COMMAND "01jd6c5m0qhsy2k4w8ptbn" /* 22 characters, as ingress makes them */

static struct sw_msg *message(const char *cmd) {
    struct sw_msg *m = sw_msg_create("granted.v1", cmd, "T0SIM1", 1);
    json_object_set_new(
        m->body, "who",
        json_pack("{s:s, s:s, s:s}", "team", "T0SIM1", "user", "U0ADA", "channel", "C0DEPLOY"));
    return m;
}

static void assert_dsn(const char *text, const char *url, const char *key) {
    struct sw_dsn dsn;
    assert_int_equal(sw_dsn_parse(text, &dsn), 0);
    assert_string_equal(dsn.url, url);
    assert_string_equal(dsn.key, key);
}

static void a_dsn_names_the_endpoint_and_the_public_key(void **state) {
    (void)state;
    assert_dsn("https://abc123@o1.ingest.sentry.example/42",
               "https://o1.ingest.sentry.example/api/42/envelope/", "abc123");
    assert_dsn("http://k@127.0.0.1:8099/sentry/1", "http://127.0.0.1:8099/sentry/api/1/envelope/",
               "k");
    assert_dsn("https://public:secret@sentry.example/a/b/7",
               "https://sentry.example/a/b/api/7/envelope/", "public");
}

static void what_is_no_dsn_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        "https://sentry.example/1",
        "https://@sentry.example/1",
        "https://k@sentry.example",
        "https://k@sentry.example/",
        "https://k@sentry.example/one",
        "https://k@/1",
        "ftp://k@sentry.example/1",
        "https://k y@sentry.example/1",
        "https://k@sentry.example/1?x",
        "https://k@a@sentry.example/1",
    };
    struct sw_dsn dsn;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (sw_dsn_parse(bad[i], &dsn) != -EINVAL) fail_msg("taken: %s", bad[i]);
    }
}

static json_t *event_of(const struct sw_msg *m) {
    struct sw_report report = {.type = "dead letter",
                               .what = "poison",
                               .about = m,
                               .error = -ELOOP,
                               .shard = 7,
                               .entry = "1764000000000-12"};
    return sw_report_event("executor", &report, "0123456789abcdef0123456789abcdef", 1764000000123);
}

static void an_event_says_who_and_where(void **state) {
    struct sw_msg *m = message(COMMAND);
    SW_AUTO(sw_json) json_t *event = event_of(m);
    (void)state;
    SW_AUTO(sw_json)
    json_t *want = json_pack(
        "{s:s, s:f, s:s, s:s, s:s, s:s, s:s, s:{s:[{s:s, s:s}]}, s:[s, s, s, s],"
        " s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}, s:{s:s}}",
        "event_id", "0123456789abcdef0123456789abcdef", "timestamp", 1764000000.123, "platform",
        "c", "level", "error", "logger", "slipway", "release", "slipway@" SW_VERSION, "message",
        "dead letter: executor: poison: granted.v1", "exception", "values", "type", "dead letter",
        "value", "executor: poison: granted.v1", "fingerprint", "dead letter", "poison", "executor",
        "granted.v1", "tags", "actor", "executor", "errno", "ELOOP", "kind", "granted.v1",
        "installation", "T0SIM1", "command", COMMAND, "entry", "1764000000000-12", "shard", "7",
        "user", "id", "T0SIM1/U0ADA");
    SW_AUTO(sw_text) char *shown = json_dumps(event, 0);
    if (!json_equal(event, want)) fail_msg("%s", shown);
    sw_msg_destroy(m);
}

static void calls_are_grouped_by_upstream_whatever_the_message(void **state) {
    struct sw_msg *m = message(COMMAND);
    struct sw_report report = {.type = "upstream",
                               .what = "tried again",
                               .upstream = "heroku",
                               .about = m,
                               .warning = true,
                               .status = 503,
                               .shard = 1};
    SW_AUTO(sw_json) json_t *event = sw_report_event("executor", &report, "e", 1);
    (void)state;
    SW_AUTO(sw_json)
    json_t *print = json_pack("[s, s, s, s]", "upstream", "tried again", "heroku", "");
    const json_t *tags = json_object_get(event, "tags");
    assert_true(json_equal(json_object_get(event, "fingerprint"), print));
    assert_string_equal(sw_str(event, "level"), "warning");
    assert_string_equal(sw_str(tags, "upstream"), "heroku");
    assert_string_equal(sw_str(tags, "status"), "503");
    sw_msg_destroy(m);
}

/* Everything that can stand in a message, and looks like what people and platforms must not see again. */
static void nothing_of_a_message_but_its_ids_is_told(void **state) {
    static const char *const canaries[] = {
        "canary gho_16C7e42F292c6912E7710c838347Ae178B4a",
        "xoxb-canary-123",
        "https://hooks.slack.com/commands/T0/1/canary",
        "canary",
        "HRKU-AAcanary1234",
        "CANARY",
        "deploy canary to production 123456",
        "0123canary",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++) {
        const char *c = canaries[i];
        struct sw_msg *m = sw_msg_create(c, c, c, 1);
        struct sw_report report = {.type = "t", .what = "w", .about = m, .shard = 1};
        static const char *const names[] = {"user", "line",  "command", "text",
                                            "url",  "token", "http",    "data"};
        json_t *who = json_object();
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            json_object_set_new(m->body, names[n], json_string(c));
            json_object_set_new(m->boxes, names[n], json_string(c));
        }
        snprintf(report.entry, sizeof(report.entry), "%s", c);
        SW_AUTO(sw_json) json_t *without = sw_report_event("auth", &report, "e", 1);
        json_object_set_new(who, "team", json_string(c));
        json_object_set_new(who, "user", json_string(c));
        json_object_set_new(who, "channel", json_string(c));
        json_object_set_new(m->body, "who", who);
        SW_AUTO(sw_json) json_t *with = sw_report_event("auth", &report, "e", 1);
        size_t size;
        SW_AUTO(sw_text) char *a = sw_report_envelope(without, 1, &size);
        SW_AUTO(sw_text) char *b = sw_report_envelope(with, 1, &size);
        if (strcasestr(a, "canary") || strcasestr(b, "canary")) fail_msg("%s\n%s", a, b);
        sw_msg_destroy(m);
    }
}

static void an_envelope_is_three_lines_with_the_length_of_the_third(void **state) {
    SW_AUTO(sw_json)
    json_t *event = json_pack("{s:s, s:s}", "event_id", "ab", "message", "gr\xc3\xbc\xc3\x9f\n");
    size_t size;
    SW_AUTO(sw_text) char *text = sw_report_envelope(event, 1764000000123, &size);
    (void)state;
    assert_string_equal(
        text, "{\"event_id\":\"ab\",\"sent_at\":\"2025-11-24T16:00:00Z\",\"sdk\":{\"name\":"
              "\"slipway\",\"version\":\"" SW_VERSION "\"}}\n"
              "{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":38}\n"
              "{\"event_id\":\"ab\",\"message\":\"gr\xc3\xbc\xc3\x9f\\n\"}\n");
    assert_int_equal(size, strlen(text));
}

static void limits_of_sentry_are_read(void **state) {
    static const struct {
        int status;
        int64_t retry_after_ms;
        const char *limits;
        int64_t want_ms;
    } rows[] = {
        {200, -1, "", 0},
        {429, -1, "", 60000},
        {429, 17000, "", 17000},
        {503, 5000, "", 5000},
        {503, -1, "", 0},
        {200, -1, "60::organization", 60000},
        {200, -1, "60:error:project:quota", 60000},
        {200, -1, "60:default;error:key", 60000},
        {429, 5000, "120:transaction:key", 0},
        {429, 5000, "30:transaction:key, 90:error;session:organization:x, 10::key", 90000},
        {200, -1, "nonsense, -5:error:x, :error:x, 7", 0},
        {200, -1, "99999999999:error:x", 86400000},
        {200, -1, "2.5:error:x", 2500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = sw_report_limit_ms(rows[i].status, rows[i].retry_after_ms, rows[i].limits);
        if (ms != rows[i].want_ms) fail_msg("%s: %lld", rows[i].limits, (long long)ms);
    }
}

static void of_too_many_reports_the_oldest_is_dropped_and_counted(void **state) {
    char words[70][8];
    struct sw_reporter *reporter =
        sw_reporter_create(NULL, "executor", "http://k@127.0.0.1:1/1", 60000, NULL, NULL);
    (void)state;
    sw_metrics_reset();
    assert_non_null(reporter);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 70; i++) {
            snprintf(words[i], sizeof(words[i]), "w%d", i);
            struct sw_report report = {.type = "t", .what = words[i], .shard = -1};
            /* 64 have room; each of the others takes the place of the oldest, which counted twice. */
            sw_report(reporter, &report);
            sw_report(reporter, &report);
        }
    }
    assert_int_equal(sw_metric_value(SW_M_REPORTS, "dropped"), 2 * (2 * 70 - 64));
    sw_reporter_tick(reporter, 0); /* nothing is due: no call, and no loop is needed */
    sw_reporter_destroy(reporter);
    sw_metrics_reset();
}

static void without_a_dsn_there_is_no_reporter_and_nothing_happens(void **state) {
    const struct sw_report report = {.type = "t", .what = "w", .shard = -1};
    (void)state;
    assert_null(sw_reporter_create(NULL, "executor", NULL, 1, NULL, NULL));
    assert_null(sw_reporter_create(NULL, "executor", "no DSN", 1, NULL, NULL));
    sw_report(NULL, &report);
    sw_reporter_tick(NULL, 1);
    assert_true(sw_reporter_drained(NULL));
    sw_reporter_destroy(NULL);
}

/* ---- what a process leaves behind ---- */

/* A process that ends with the signal after `what`; its nonce is "ab". */
static void die(const char *dir, void (*what)(void), int signal_number) {
    pid_t pid = fork();
    if (pid == 0) {
        sw_trace_open(dir, "executor", "ab");
        what();
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void in_a_handler(void) {
    sw_trace_busy(3, true);
    sw_trace_begin(3, 1, 17, 5);
}

static void hanging(void) {
    in_a_handler();
    sw_trace_hung();
}

static void after_a_handler(void) {
    in_a_handler();
    sw_trace_end();
}

static void after_a_commit(void) {
    after_a_handler();
    sw_trace_busy(3, false);
}

static void on_purpose(void) {
    in_a_handler();
    sw_trace_close(false);
}

static void stale(void) {
    in_a_handler();
    sw_trace_stale();
    sw_trace_close(false);
}

static unsigned stale_before(const char *dir, const char *role, const char *nonce) {
    int said[2] = {-1, -1};
    unsigned count = 0;
    assert_int_equal(pipe(said), 0);
    pid_t pid = fork();
    if (pid == 0) {
        count = sw_trace_open(dir, role, nonce);
        _exit(write(said[1], &count, sizeof(count)) != sizeof(count));
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(said[0], &count, sizeof(count)), sizeof(count));
    close(said[0]);
    close(said[1]);
    return count;
}

static void a_stale_process_is_counted_by_the_next_one_of_its_role(void **state) {
    char dir[] = "/tmp/sw-trace-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    die(dir, stale, SIGKILL);
    assert_int_equal(stale_before(dir, "exec", "cd"), 0);
    assert_int_equal(stale_before(dir, "executor", "cd"), 1);
    assert_int_equal(stale_before(dir, "executor", "ef"), 0); /* only once */
    assert_true(sw_trace_read(dir, "executor", "ab", 3).blameless);
    for (size_t i = 0; i < 4; i++) {
        static const char *const left[] = {"exec-cd", "executor-cd", "executor-ef", "executor-ab"};
        SW_AUTO(sw_text) char *path = sw_printf("%s/%s.at", dir, left[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void what_a_process_was_at_is_known_after_its_death(void **state) {
    static const struct {
        void (*what)(void);
        enum sw_ended here, elsewhere;
        bool blameless;
    } rows[] = {
        {in_a_handler, SW_ENDED_CRASHED, SW_ENDED_QUIET, false},
        {hanging, SW_ENDED_HUNG, SW_ENDED_QUIET, false},
        {after_a_handler, SW_ENDED_BUSY, SW_ENDED_QUIET, false},
        {after_a_commit, SW_ENDED_QUIET, SW_ENDED_QUIET, false},
        {on_purpose, SW_ENDED_QUIET, SW_ENDED_QUIET, true},
        {stale, SW_ENDED_QUIET, SW_ENDED_QUIET, true},
    };
    char dir[] = "/tmp/sw-trace-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    SW_AUTO(sw_text) char *path = sw_printf("%s/executor-ab.at", dir);
    assert_int_equal(sw_trace_read(dir, "executor", "ab", 3).how, SW_ENDED_UNKNOWN);
    assert_int_equal(sw_trace_read(dir, "executor", "../ab", 3).how, SW_ENDED_UNKNOWN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        die(dir, rows[i].what, SIGKILL);
        struct sw_ending ending = sw_trace_read(dir, "executor", "ab", 3);
        assert_int_equal(ending.how, rows[i].here);
        assert_int_equal(ending.blameless, rows[i].blameless);
        assert_int_equal(sw_trace_read(dir, "executor", "ab", 4).how, rows[i].elsewhere);
        if (ending.how == SW_ENDED_CRASHED || ending.how == SW_ENDED_HUNG)
            assert_true(ending.lane == 1 && ending.gen == 17 && ending.seq == 5);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* Who lives holds a lock; whoever looks around at its own start must not be taken for the dead one. */
static void the_dead_stay_dead_while_others_start(void **state) {
    char dir[] = "/tmp/sw-trace-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    die(dir, in_a_handler, SIGKILL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            sw_trace_open(dir, "executor", "cd");
    }
    for (int i = 0; i < 20000; i++) {
        struct sw_ending ending = sw_trace_read(dir, "executor", "ab", 3);
        if (ending.how != SW_ENDED_CRASHED || ending.blameless) fail_msg("%d at %d", ending.how, i);
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_text) char *path = sw_printf("%s/executor-%s.at", dir, i ? "ab" : "cd");
        (void)unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dead_stay_dead_while_others_start),
        cmocka_unit_test(a_dsn_names_the_endpoint_and_the_public_key),
        cmocka_unit_test(what_is_no_dsn_is_refused),
        cmocka_unit_test(an_event_says_who_and_where),
        cmocka_unit_test(calls_are_grouped_by_upstream_whatever_the_message),
        cmocka_unit_test(nothing_of_a_message_but_its_ids_is_told),
        cmocka_unit_test(an_envelope_is_three_lines_with_the_length_of_the_third),
        cmocka_unit_test(limits_of_sentry_are_read),
        cmocka_unit_test(of_too_many_reports_the_oldest_is_dropped_and_counted),
        cmocka_unit_test(without_a_dsn_there_is_no_reporter_and_nothing_happens),
        cmocka_unit_test(what_a_process_was_at_is_known_after_its_death),
        cmocka_unit_test(a_stale_process_is_counted_by_the_next_one_of_its_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
