/* test_up.c -- `slipway up` with roles that only say they are ready and wait. This program is all
 * of it: started as `up` it is the supervisor, started as a role (which is what `up` does with
 * /proc/self/exe) it is that role, else it is the test. */
#include "actors/cli.h"
#include "common/mem.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

struct fixture {
    char dir[64];
    pid_t pid;
    int out; /* what `up` prints */
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* True until `deadline_ms`; gives the others a moment in between. */
static bool patient(int64_t deadline_ms) {
    poll(NULL, 0, 2);
    return now_ms() < deadline_ms;
}

static bool lives(pid_t pid) {
    return pid > 0 && kill(pid, 0) == 0;
}

static int play_role(const char *role) {
    const char *fd = getenv("SLIPWAY_READY_FD"), *http = getenv("SLIPWAY_HTTP");
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP); /* its settings are wrong from now on */
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (!fd || !http) return 3;
    if (getenv("TEST_WRONG") && strcmp(role, getenv("TEST_WRONG")) == 0) {
        fprintf(stderr, "slipway %s: wrong\n", role);
        return EX_CONFIG;
    }
    if (strcmp(role, "ingress") == 0) {
        bool any = strcmp(http, "127.0.0.1:0") == 0;
        dprintf(atoi(fd), "http http://%s\n", any ? "127.0.0.1:4711" : http);
    } else if (strcmp(http, "127.0.0.1:4711") != 0 ||
               strcmp(getenv("SLIPWAY_BASE_URL"), "http://127.0.0.1:4711") != 0) {
        return 4; /* the port that ingress chose is not known to the others */
    }
    dprintf(atoi(fd), "admin http://127.0.0.1:%d\n", (int)getpid());
    close(atoi(fd));
    sigwait(&set, &signal);
    return signal == SIGHUP ? EX_CONFIG : 0;
}

static pid_t run_up(const char *dir, int *ret_out, const char *option, const char *value) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        SW_AUTO(sw_text) char *run = sw_printf("%s/run", dir);
        SW_AUTO(sw_text) char *data = sw_printf("%s/data", dir);
        SW_AUTO(sw_text) char *keys = sw_printf("%s/keys", dir);
        setenv("SLIPWAY_RUN_DIR", run, 1);
        setenv("SLIPWAY_DATA_DIR", data, 1);
        setenv("SLIPWAY_KEY_DIR", keys, 1);
        setenv("SLIPWAY_HTTP", "127.0.0.1:0", 1);
        unsetenv("SLIPWAY_REDIS");
        unsetenv("SLIPWAY_BASE_URL");
        execl("/proc/self/exe", "slipway", "up", option, value, NULL);
        _exit(99);
    }
    close(ends[1]);
    *ret_out = ends[0];
    return pid;
}

static void read_line(int fd, char *line, size_t room) {
    size_t have = 0;
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (have < room - 1 && (have == 0 || line[have - 1] != '\n')) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_true(now_ms() < deadline_ms);
        if (poll(&wait, 1, 100) <= 0) continue;
        ssize_t n = read(fd, line + have, 1);
        if (n <= 0) break;
        have++;
    }
    line[have] = '\0';
}

static json_t *actors(const struct fixture *f) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/run/actors.json", f->dir);
    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    return all;
}

static pid_t pid_of(const json_t *all, const char *role) {
    size_t i;
    json_t *actor;
    json_array_foreach(json_object_get(all, "actors"), i, actor) {
        if (strcmp(json_string_value(json_object_get(actor, "role")), role) == 0) {
            return (pid_t)json_integer_value(json_object_get(actor, "pid"));
        }
    }
    return 0;
}

static json_t *wait_for_count(const struct fixture *f, size_t count) {
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        json_t *all = actors(f);
        size_t n = json_array_size(json_object_get(all, "actors"));
        if (n == count) return all;
        json_decref(all);
        if (!patient(deadline_ms)) fail_msg("%zu actors instead of %zu", n, count);
    }
}

static void assert_gone(const json_t *all) {
    size_t i;
    json_t *actor;
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    pid_t redis = (pid_t)json_integer_value(json_object_get(json_object_get(all, "redis"), "pid"));
    assert_true(redis > 0);
    while (lives(redis) && patient(deadline_ms)) {
    }
    assert_false(lives(redis));
    json_array_foreach(json_object_get(all, "actors"), i, actor) {
        pid_t pid = (pid_t)json_integer_value(json_object_get(actor, "pid"));
        while (lives(pid) && patient(deadline_ms)) {
        }
        assert_false(lives(pid));
    }
}

static int set_up(void **state) {
    struct fixture *f = sw_zalloc(sizeof(*f));
    strcpy(f->dir, "/tmp/slipway-test-up-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->pid = run_up(f->dir, &f->out, NULL, NULL);
    char line[256];
    read_line(f->out, line, sizeof(line));
    assert_memory_equal(line, "ready in ", 9);
    assert_non_null(strstr(line, " ms  http://127.0.0.1:4711\n"));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    if (f->pid > 0) {
        kill(f->pid, SIGTERM);
        waitpid(f->pid, NULL, 0);
    }
    close(f->out);
    SW_AUTO(sw_text) char *remove = sw_printf("rm -rf '%s'", f->dir);
    assert_int_equal(system(remove), 0);
    free(f);
    return 0;
}

static void every_role_runs_and_is_listed(void **state) {
    struct fixture *f = *state;
    SW_AUTO(sw_json) json_t *all = wait_for_count(f, 7);
    const char *role[] = {"ingress",   "parser",   "auth",     "executor",
                          "responder", "notifier", "refresher"};
    for (size_t i = 0; i < 7; i++) {
        assert_true(lives(pid_of(all, role[i])));
    }
    assert_string_equal(json_string_value(json_object_get(all, "ingress")),
                        "http://127.0.0.1:4711");
}

static void starts_again(const struct fixture *f, int signal) {
    SW_AUTO(sw_json) json_t *before = wait_for_count(f, 7);
    pid_t old = pid_of(before, "executor");
    assert_int_equal(kill(old, signal), 0);
    pid_t new = old;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; new == old || !new;) {
        SW_AUTO(sw_json) json_t *all = actors(f);
        new = pid_of(all, "executor");
        assert_true(patient(deadline_ms));
    }
    assert_true(lives(new));
    assert_false(lives(old));
}

static void a_killed_role_is_started_again(void **state) {
    starts_again(*state, SIGKILL);
}

static void a_setting_that_goes_wrong_later_ends_its_role_only(void **state) {
    starts_again(*state, SIGHUP);
}

static void a_killed_redis_is_started_again_with_its_data(void **state) {
    struct fixture *f = *state;
    SW_AUTO(sw_json) json_t *all = wait_for_count(f, 7);
    json_t *redis = json_object_get(all, "redis");
    const char *socket = json_string_value(json_object_get(redis, "socket"));
    SW_AUTO(sw_text) char *set = sw_printf("redis-cli -s '%s' set kept yes", socket);
    SW_AUTO(sw_text)
    char *get = sw_printf("redis-cli -s '%s' get kept 2>&1 | grep -qx yes", socket);
    SW_AUTO(sw_text)
    char *config = sw_printf("redis-cli -s '%s' config get appendfsync | grep -qx always", socket);
    assert_int_equal(system(set), 0);
    assert_int_equal(system(config), 0);
    kill((pid_t)json_integer_value(json_object_get(redis, "pid")), SIGKILL);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (system(get) != 0) {
        assert_true(patient(deadline_ms));
    }
}

static void replicas_follow_the_file_on_hangup(void **state) {
    struct fixture *f = *state;
    SW_AUTO(sw_text) char *path = sw_printf("%s/run/replicas", f->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("executor=3\nparser=2\n", file);
    fclose(file);
    kill(f->pid, SIGHUP);
    json_decref(wait_for_count(f, 10));
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("executor=1\nparser=1\n", file);
    fclose(file);
    kill(f->pid, SIGHUP);
    json_decref(wait_for_count(f, 7));
}

static void sigterm_ends_all_of_it(void **state) {
    struct fixture *f = *state;
    SW_AUTO(sw_json) json_t *all = wait_for_count(f, 7);
    int status;
    kill(f->pid, SIGTERM);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_gone(all);
}

static void nothing_outlives_a_killed_supervisor(void **state) {
    struct fixture *f = *state;
    SW_AUTO(sw_json) json_t *all = wait_for_count(f, 7);
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    f->pid = 0;
    assert_gone(all);
}

static void a_second_one_in_the_same_directory_refuses(void **state) {
    struct fixture *f = *state;
    int out, status;
    pid_t pid = run_up(f->dir, &out, NULL, NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(out);
    assert_int_equal(WEXITSTATUS(status), 1);
    json_decref(wait_for_count(f, 7)); /* and the first is as well as before */
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    const char *value[] = {"", "x", "-1", "17", "executor", "executor=", "cook=1", "executor=1x"};
    for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
        int out, status;
        pid_t pid = run_up("/nonexistent", &out, "--replicas", value[i]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(out);
        if (WEXITSTATUS(status) != EX_USAGE) {
            fail_msg("--replicas '%s': status %d", value[i], WEXITSTATUS(status));
        }
    }
}

/* What `up` says of these settings, with which it ends by itself. */
static char *said_until(int status_wanted, const char *const *settings) {
    int ends[2], status;
    char text[4096];
    size_t have = 0;
    ssize_t n;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        setenv("SLIPWAY_RUN_DIR", "/dev/null/run", 1); /* which cannot be made */
        for (; settings[0]; settings += 2)
            setenv(settings[0], settings[1], 1);
        execl("/proc/self/exe", "slipway", "up", NULL);
        _exit(99);
    }
    close(ends[1]);
    while (have < sizeof(text) - 1 && (n = read(ends[0], text + have, sizeof(text) - 1 - have)) > 0)
        have += (size_t)n;
    text[have] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), status_wanted);
    return sw_strdup(text);
}

static char *doubts(const char *const *settings) {
    return said_until(EX_CONFIG, settings);
}

static void a_redis_of_its_own_has_no_replicas(void **state) {
    (void)state;
    const char *const settings[] = {"SLIPWAY_DURABILITY", "replicated", NULL};
    SW_AUTO(sw_text) char *said = doubts(settings);
    assert_non_null(strstr(said, "replicated needs SLIPWAY_REDIS, one with replicas\n"));
}

/* The first that starts, and one of those that wait for it. */
static void a_wrong_setting_ends_all_of_it_with_78(void **state) {
    static const char *const roles[] = {"ingress", "notifier"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char dir[] = "/tmp/slipway-test-up-XXXXXX";
        assert_non_null(mkdtemp(dir));
        SW_AUTO(sw_text) char *data = sw_printf("%s/data", dir);
        SW_AUTO(sw_text) char *keys = sw_printf("%s/keys", dir);
        const char *const settings[] = {"SLIPWAY_RUN_DIR",
                                        dir,
                                        "SLIPWAY_DATA_DIR",
                                        data,
                                        "SLIPWAY_KEY_DIR",
                                        keys,
                                        "SLIPWAY_HTTP",
                                        "127.0.0.1:0",
                                        "TEST_WRONG",
                                        roles[i],
                                        NULL};
        SW_AUTO(sw_text) char *said = said_until(EX_CONFIG, settings);
        SW_AUTO(sw_text) char *own = sw_printf("slipway %s: wrong\n", roles[i]);
        SW_AUTO(sw_text)
        char *end = sw_printf("slipway up: %s 1 ended with status 78: a setting is wrong, it is "
                              "not started again\n",
                              roles[i]);
        const char *first = strstr(said, own);
        if (!first || !strstr(first, end) || strstr(first + 1, own)) fail_msg("%s", said);
        SW_AUTO(sw_text) char *remove = sw_printf("rm -rf '%s'", dir);
        assert_int_equal(system(remove), 0);
    }
}

static void what_is_missing_is_said_before_somebody_tries(void **state) {
    (void)state;
    char file[] = "/tmp/slipway-up-secret-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0 && write(fd, "secret\n", 7) == 7);
    close(fd);
    const char *const nothing[] = {NULL};
    SW_AUTO(sw_text) char *all = doubts(nothing);
    static const char *const said[] = {
        "slipway up: SLIPWAY_SLACK_SECRET_FILE is not set: what Slack sends is refused\n",
        "slipway up: SLIPWAY_SLACK_CLIENT_ID is not set: nobody can add it to Slack or sign in\n",
        "slipway up: SLIPWAY_HEROKU_CLIENT_ID is not set: nobody can sign in\n",
        "slipway up: SLIPWAY_BASE_URL is no https URL: Slack sends nobody there\n",
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        assert_non_null(strstr(all, said[i]));
    const char *const ids[] = {"SLIPWAY_SLACK_CLIENT_ID",
                               "1",
                               "SLIPWAY_HEROKU_CLIENT_ID",
                               "2",
                               "SLIPWAY_GITHUB_CLIENT_ID",
                               "3",
                               NULL};
    SW_AUTO(sw_text) char *secrets = doubts(ids);
    assert_non_null(strstr(secrets, "SLIPWAY_SLACK_CLIENT_SECRET_FILE is not set"));
    assert_non_null(strstr(secrets, "SLIPWAY_HEROKU_SECRET_FILE is not set"));
    assert_non_null(strstr(secrets, "SLIPWAY_GITHUB_SECRET_FILE is not set"));
    assert_null(strstr(secrets, "CLIENT_ID"));
    const char *const complete[] = {"SLIPWAY_SLACK_CLIENT_ID",
                                    "1",
                                    "SLIPWAY_HEROKU_CLIENT_ID",
                                    "2",
                                    "SLIPWAY_SLACK_SECRET_FILE",
                                    file,
                                    "SLIPWAY_SLACK_CLIENT_SECRET_FILE",
                                    file,
                                    "SLIPWAY_HEROKU_SECRET_FILE",
                                    file,
                                    "SLIPWAY_BASE_URL",
                                    "https://slipway.example.com",
                                    NULL};
    SW_AUTO(sw_text) char *none = doubts(complete);
    assert_null(strstr(none, "SLIPWAY_"));
    unlink(file);
}

static void tokens_whose_key_is_gone_do_not_get_another(void **state) {
    struct fixture *f = *state;
    int status;
    SW_AUTO(sw_text) char *run = sw_printf("%s/run", f->dir);
    SW_AUTO(sw_text) char *data = sw_printf("%s/data", f->dir);
    SW_AUTO(sw_text) char *elsewhere = sw_printf("%s/elsewhere", f->dir);
    SW_AUTO(sw_text) char *key = sw_printf("%s/token.key", elsewhere);
    kill(f->pid, SIGTERM);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    const char *const typo[] = {"SLIPWAY_RUN_DIR", run, "SLIPWAY_DATA_DIR", data, "SLIPWAY_KEY_DIR",
                                elsewhere,         NULL};
    SW_AUTO(sw_text) char *said = doubts(typo);
    f->pid = 0;
    if (!strstr(said, "bring it back") || !strstr(said, key)) fail_msg("%s", said);
    assert_int_equal(access(key, F_OK), -1);
    close(f->out);
    f->pid = run_up(f->dir, &f->out, NULL, NULL); /* with its own it goes on */
    json_decref(wait_for_count(f, 7));
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "up") == 0) return sw_cli_up(argc - 1, argv + 1);
    if (argc > 1) return play_role(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_role_runs_and_is_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_role_is_started_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_setting_that_goes_wrong_later_ends_its_role_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_killed_redis_is_started_again_with_its_data, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(replicas_follow_the_file_on_hangup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sigterm_ends_all_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_outlives_a_killed_supervisor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_one_in_the_same_directory_refuses, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tokens_whose_key_is_gone_do_not_get_another, set_up,
                                        tear_down),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_redis_of_its_own_has_no_replicas),
        cmocka_unit_test(a_wrong_setting_ends_all_of_it_with_78),
        cmocka_unit_test(what_is_missing_is_said_before_somebody_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
