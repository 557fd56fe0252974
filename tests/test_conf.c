/* test_conf.c -- settings: what is accepted, what is refused, and how that is said. */
#include "common/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/slipway-conf-XXXXXX";
static char error[512];

static int clear(void **state) {
    (void)state;
#define UNSET_TEXT(field, name, value, help) unsetenv("SLIPWAY_" name);
#define UNSET_NUMBER(field, name, value, min, max, help) unsetenv("SLIPWAY_" name);
#define UNSET_SECRET(field, name, roles, help) unsetenv("SLIPWAY_" name);
    SW_CONF_TABLE(UNSET_TEXT, UNSET_NUMBER, UNSET_SECRET)
    error[0] = 0;
    return 0;
}

static int make_dir(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    char path[sizeof(dir) + 8];
    (void)state;
    snprintf(path, sizeof(path), "%s/secret", dir);
    unlink(path);
    return rmdir(dir);
}

static const char *secret_file(const char *data, size_t size) {
    static char path[sizeof(dir) + 8];
    snprintf(path, sizeof(path), "%s/secret", dir);
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void expect_refused(const char *variable, const char *value, const char *says) {
    struct sw_conf conf;
    memset(&conf, 0xa5, sizeof(conf));
    struct sw_conf untouched = conf;
    setenv(variable, value, 1);
    if (sw_conf_load(&conf, error, sizeof(error)) != -EINVAL) {
        fail_msg("%s=%.40s was accepted", variable, value);
    }
    if (strncmp(error, variable, strlen(variable)) != 0 || !strstr(error, says) ||
        strchr(error, '\n')) {
        fail_msg("%s=%.40s is refused with: %s", variable, value, error);
    }
    assert_memory_equal(&conf, &untouched, sizeof(conf));
    unsetenv(variable);
}

static void load(struct sw_conf *conf) {
    if (sw_conf_load(conf, error, sizeof(error)) < 0) fail_msg("%s", error);
}

static void the_defaults_are_good_settings(void **state) {
    (void)state;
    struct sw_conf conf;
    load(&conf);
    assert_string_equal(conf.redis, "127.0.0.1:6379");
    assert_string_equal(conf.log, "info");
    assert_int_equal(conf.lease_ms, 10000);
    assert_string_equal(conf.base_url, "http://127.0.0.1:8080");
    assert_null(conf.slack_token.current);
    assert_null(sw_conf_secret(&conf, "slack_token"));
    sw_conf_finish(&conf);
    assert_null(conf.redis);
    sw_conf_finish(&conf); /* finished is as good as zeroed */
    sw_conf_finish(NULL);
}

static void what_is_set_counts_and_empty_is_not_set(void **state) {
    (void)state;
    struct sw_conf conf;
    setenv("SLIPWAY_REDIS", "/run/redis.sock", 1);
    setenv("SLIPWAY_HTTP", "[::1]:9000", 1);
    setenv("SLIPWAY_LEASE_MS", "00300", 1);
    setenv("SLIPWAY_LOG", "", 1);
    setenv("SLIPWAY_BATCH", "", 1);
    setenv("SLIPWAY_HEROKU_API", "http://127.0.0.1:5000//", 1);
    load(&conf);
    assert_string_equal(conf.redis, "/run/redis.sock");
    assert_string_equal(conf.base_url, "http://[::1]:9000");
    assert_int_equal(conf.lease_ms, 300);
    assert_string_equal(conf.log, "info");
    assert_int_equal(conf.batch, 64);
    assert_string_equal(conf.heroku_api, "http://127.0.0.1:5000"); /* paths follow */
    sw_conf_finish(&conf);
}

static void every_number_holds_its_limits(void **state) {
    (void)state;
    struct sw_conf conf;
    char text[32], says[64];
    /* The extremes of each; poll_min_ms is also bound to poll_max_ms. */
#define SKIP_TEXT(field, name, value, help)
#define TRY_NUMBER(field, name, value, min, max, help)                                             \
    snprintf(says, sizeof(says), "from %lld to %lld", (long long)(min), (long long)(max));         \
    snprintf(text, sizeof(text), "%lld", (long long)(max) + 1);                                    \
    expect_refused("SLIPWAY_" name, text, says);                                                   \
    snprintf(text, sizeof(text), "%lld", (long long)(min)-1);                                      \
    expect_refused("SLIPWAY_" name, text, says);                                                   \
    snprintf(text, sizeof(text), "%lld", (long long)(max));                                        \
    setenv("SLIPWAY_POLL_MAX_MS", "60000", 1);                                                     \
    setenv("SLIPWAY_" name, text, 1);                                                              \
    load(&conf);                                                                                   \
    assert_int_equal(conf.field, max);                                                             \
    sw_conf_finish(&conf);                                                                         \
    clear(NULL);
#define SKIP_SECRET(field, name, roles, help)
    SW_CONF_TABLE(SKIP_TEXT, TRY_NUMBER, SKIP_SECRET)
}

static void a_number_is_digits_and_nothing_else(void **state) {
    (void)state;
    static const char *const wrong[] = {"1e3",
                                        "+500",
                                        "-500",
                                        " 500",
                                        "500 ",
                                        "500ms",
                                        "0x1f4",
                                        "5_00",
                                        "five",
                                        "9223372036854775808",
                                        "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_refused("SLIPWAY_LEASE_MS", wrong[i], "is not a whole number from 300 to 60000");
    }
}

static void an_address_is_a_host_and_a_port(void **state) {
    (void)state;
    static const char *const wrong[] = {"localhost",   ":8080", "localhost:",     "localhost:x",
                                        "host:65536",  "a b:1", "http://host:80", "::1:80",
                                        "[::1]80",     "[]:80", "host:80/path",   "[::1:80",
                                        "user@host:80"};
    static const char *const right[] = {"localhost:1", "0.0.0.0:65535", "[::]:80", "*:80",
                                        "redis-master.svc:6379"};
    struct sw_conf conf;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_refused("SLIPWAY_HTTP", wrong[i], "is not host:port");
        expect_refused("SLIPWAY_ADMIN", wrong[i], "is not host:port");
        expect_refused("SLIPWAY_REDIS", wrong[i], "is not host:port");
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        setenv("SLIPWAY_HTTP", right[i], 1);
        load(&conf);
        assert_string_equal(conf.http, right[i]);
        sw_conf_finish(&conf);
    }
    clear(NULL);
    expect_refused("SLIPWAY_REDIS", "localhost:0", "port from 1 to 65535");
    expect_refused("SLIPWAY_REDIS", "0-31=a:1 33-63=b:1", "shard 32 has no address");
    clear(NULL);
    expect_refused("SLIPWAY_REDIS_USER", "ada", "needs SLIPWAY_REDIS_PASSWORD_FILE");
}

static void other_texts_are_checked_too(void **state) {
    (void)state;
    expect_refused("SLIPWAY_LOG", "verbose", "is not one of: debug, info, warn, error");
    expect_refused("SLIPWAY_LOG", "INFO", "is not one of");
    expect_refused("SLIPWAY_DURABILITY", "ram", "is not one of: disk, replicated, memory");
    expect_refused("SLIPWAY_RUN_DIR", "run", "is not an absolute path");
    expect_refused("SLIPWAY_HEROKU_API", "api.heroku.com", "is not http(s)://host");
    expect_refused("SLIPWAY_HEROKU_API", "https://", "is not http(s)://host");
    expect_refused("SLIPWAY_HEROKU_API", "https:///x", "is not http(s)://host");
    expect_refused("SLIPWAY_HEROKU_ID", "ftp://x", "is not http(s)://host");
    expect_refused("SLIPWAY_GITHUB_API", "api.github.com", "is not http(s)://host");
    expect_refused("SLIPWAY_GITHUB", "github.com", "is not http(s)://host");
    expect_refused("SLIPWAY_KOLKRABBI", "kolkrabbi", "is not http(s)://host");
    expect_refused("SLIPWAY_BASE_URL", "https://host/?a=b", "is not http(s)://host");
    expect_refused("SLIPWAY_SLACK_HOOKS", "https://a\nb", "control character");
    setenv("SLIPWAY_POLL_MAX_MS", "1000", 1);
    expect_refused("SLIPWAY_POLL_MIN_MS", "2000", "more than SLIPWAY_POLL_MAX_MS, 1000");
    char text[4200];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    expect_refused("SLIPWAY_HEROKU_CLIENT_ID", text, "longer than 4096 bytes");
}

static void a_secret_is_the_lines_of_its_file(void **state) {
    (void)state;
    struct sw_conf conf;
    setenv("SLIPWAY_SLACK_TOKEN_FILE", secret_file("xoxb-one\n", 9), 1);
    load(&conf);
    assert_string_equal(conf.slack_token.current, "xoxb-one");
    assert_null(conf.slack_token.previous);
    assert_string_equal(sw_conf_secret(&conf, "slack_token"), "xoxb-one");
    assert_null(sw_conf_secret(&conf, "heroku_secret"));
    assert_null(sw_conf_secret(&conf, "redis"));
    assert_null(sw_conf_secret(&conf, ""));
    sw_conf_finish(&conf);

    secret_file("\n  new\t\r\n\n old", 14);
    load(&conf);
    assert_string_equal(conf.slack_token.current, "new");
    assert_string_equal(conf.slack_token.previous, "old");
    sw_conf_finish(&conf);

    /* Kubernetes mounts 0440 of root with a group, or 0644: not for us to judge. */
    assert_int_equal(chmod(getenv("SLIPWAY_SLACK_TOKEN_FILE"), 0644), 0);
    load(&conf);
    sw_conf_finish(&conf);
}

static void a_bad_secret_is_named_but_never_shown(void **state) {
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        const char *says;
    } rows[] = {
        {"", 0, "is empty"},
        {" \n\t\r\n", 5, "is empty"},
        {"hush1\nhush2\nhush3\n", 18, "more than two lines"},
        {"hush\0hush", 9, "control character"},
        {"hush\x1bhush", 9, "control character"},
    };
    static char big[4097];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_refused("SLIPWAY_SLACK_SECRET_FILE", secret_file(rows[i].data, rows[i].size),
                       rows[i].says);
        assert_null(strstr(error, "hush"));
    }
    memset(big, 'h', sizeof(big));
    expect_refused("SLIPWAY_SLACK_SECRET_FILE", secret_file(big, sizeof(big)), "longer than 4096");
    assert_null(strstr(error, "hhh"));
    /* Somebody gave the secret where its file belongs. */
    expect_refused("SLIPWAY_SLACK_TOKEN_FILE", "xoxb-hush", "No such file");
    assert_null(strstr(error, "hush"));
    expect_refused("SLIPWAY_SLACK_TOKEN_FILE", dir, "Is a directory");
    expect_refused("SLIPWAY_REDIS", "redis://:hush@host:6379", "is not host:port");
    assert_null(strstr(error, "hush"));
}

static void secrets_are_read_again_all_or_none(void **state) {
    (void)state;
    struct sw_conf conf;
    const char *files[SW_CONF_SECRETS];
    const char *path = secret_file("one\n", 4);
    assert_int_equal(sw_conf_secret_files(files), 0);
    setenv("SLIPWAY_SLACK_SECRET_FILE", path, 1);
    setenv("SLIPWAY_HEROKU_SECRET_FILE", path, 1);
    load(&conf);
    assert_int_equal(sw_conf_secret_files(files), 2);
    assert_string_equal(files[0], path);
    secret_file("two\none\n", 8);
    assert_int_equal(sw_conf_secrets_reload(&conf, error, sizeof(error)), 0);
    assert_string_equal(conf.slack_secret.current, "two");
    assert_string_equal(conf.slack_secret.previous, "one");
    assert_string_equal(conf.heroku_secret.current, "two");
    secret_file("\n", 1);
    assert_int_equal(sw_conf_secrets_reload(&conf, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "SLIPWAY_SLACK_SECRET_FILE: the file is empty"));
    assert_string_equal(conf.slack_secret.current, "two");
    assert_string_equal(conf.base_url, "http://127.0.0.1:8080"); /* and all else as it was */
    sw_conf_finish(&conf);
}

/* What a process does not have cannot be taken from it: `slipway up` names all files to everybody. */
static void a_role_reads_its_own_secrets_only(void **state) {
    (void)state;
    static const struct {
        const char *role;
        bool signing, bot, heroku, dsn;
    } rows[] = {{"ingress", true, false, false, true},   {"parser", false, false, false, true},
                {"auth", false, false, true, true},      {"executor", false, false, false, true},
                {"responder", false, true, false, true}, {"notifier", false, false, false, true},
                {"refresher", false, false, true, true}, {NULL, true, true, true, true}};
    const char *path = secret_file("one\n", 4);
    setenv("SLIPWAY_SLACK_SECRET_FILE", path, 1);
    setenv("SLIPWAY_SLACK_TOKEN_FILE", path, 1);
    setenv("SLIPWAY_HEROKU_SECRET_FILE", path, 1);
    setenv("SLIPWAY_SENTRY_DSN_FILE", path, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_conf conf;
        assert_int_equal(sw_conf_load_role(&conf, rows[i].role, error, sizeof(error)), 0);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(conf.slack_secret.current != NULL, rows[i].signing);
            assert_int_equal(sw_conf_secret(&conf, "slack_token") != NULL, rows[i].bot);
            assert_int_equal(conf.heroku_secret.current != NULL, rows[i].heroku);
            assert_int_equal(conf.sentry_dsn.current != NULL, rows[i].dsn);
            assert_int_equal(sw_conf_secrets_reload(&conf, error, sizeof(error)), 0);
        }
        sw_conf_finish(&conf);
    }
}

static void an_unreadable_secret_is_refused(void **state) {
    (void)state;
    if (geteuid() == 0) skip(); /* root reads everything */
    const char *path = secret_file("hush\n", 5);
    assert_int_equal(chmod(path, 0), 0);
    expect_refused("SLIPWAY_SLACK_TOKEN_FILE", path, "Permission denied");
}

static void an_error_fits_the_room_it_is_given(void **state) {
    (void)state;
    struct sw_conf conf;
    char small[12];
    memset(small, 'z', sizeof(small));
    setenv("SLIPWAY_LEASE_MS", "x", 1);
    assert_int_equal(sw_conf_load(&conf, small, sizeof(small) - 1), -EINVAL);
    assert_string_equal(small, "SLIPWAY_LE");
    assert_int_equal(small[sizeof(small) - 1], 'z');
}

static void help_has_one_aligned_line_for_each_setting(void **state) {
    (void)state;
    char *text = NULL;
    size_t size, lines = 0, settings = 0, column = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sw_conf_help(out);
    assert_int_equal(fclose(out), 0);
#define COUNT_TEXT(field, name, value, help) settings++;
#define COUNT_NUMBER(field, name, value, min, max, help) settings++;
#define COUNT_SECRET(field, name, roles, help) settings++;
    SW_CONF_TABLE(COUNT_TEXT, COUNT_NUMBER, COUNT_SECRET)
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        size_t name = strcspn(line, " ");
        size_t at = name + strspn(line + name, " ");
        if (!column) column = at;
        assert_int_equal(at, column);
        if (strncmp(line, "SLIPWAY_LEASE_MS ", 17) == 0) {
            assert_non_null(strstr(line, " 10000 "));
            assert_non_null(strstr(line, " ms "));
            assert_non_null(strstr(line, "(300 to 60000)"));
        }
    }
    assert_int_equal(lines, settings);
    free(text);
}

#define TEST(f) cmocka_unit_test_setup(f, clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_defaults_are_good_settings),
        TEST(what_is_set_counts_and_empty_is_not_set),
        TEST(every_number_holds_its_limits),
        TEST(a_number_is_digits_and_nothing_else),
        TEST(an_address_is_a_host_and_a_port),
        TEST(other_texts_are_checked_too),
        TEST(a_secret_is_the_lines_of_its_file),
        TEST(a_bad_secret_is_named_but_never_shown),
        TEST(secrets_are_read_again_all_or_none),
        TEST(a_role_reads_its_own_secrets_only),
        TEST(an_unreadable_secret_is_refused),
        TEST(an_error_fits_the_room_it_is_given),
        TEST(help_has_one_aligned_line_for_each_setting),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
