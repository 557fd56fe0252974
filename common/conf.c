/* conf.c -- settings from the environment; see conf.h. */
#include "common/conf.h"

#include "common/mem.h"
#include "common/redis_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "SLIPWAY_"
#define VALUE_MAX 4096

struct line { /* where the one line about a failure goes */
    char *text;
    size_t room;
};

static int __attribute__((format(printf, 3, 4)))
fail(const struct line *error, const char *name, const char *format, ...) {
    int used = snprintf(error->text, error->room, PREFIX "%s: ", name);
    if (used >= 0 && (size_t)used < error->room) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text + used, error->room - (size_t)used, format, args);
        va_end(args);
    }
    return -EINVAL;
}

/* The variable's value. One that is set but empty counts as not set: compose files and Kubernetes
 * templates cannot leave a variable out. */
static int read_variable(const char *name, const char **ret, const struct line *error) {
    char variable[64];
    snprintf(variable, sizeof(variable), PREFIX "%s", name);
    const char *value = getenv(variable);
    if (!value || !value[0]) {
        *ret = NULL;
        return 0;
    }
    if (strlen(value) > VALUE_MAX) {
        return fail(error, name, "is longer than %d bytes", VALUE_MAX);
    }
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return fail(error, name, "holds a control character");
        }
    }
    *ret = value;
    return 0;
}

static int load_text(char **field, const char *name, const char *standard,
                     const struct line *error) {
    const char *value;
    int r = read_variable(name, &value, error);
    if (r < 0) return r;
    *field = sw_strdup(value ? value : standard);
    return 0;
}

/* Digits only: no sign, space, unit or other base that somebody might mean differently. */
static bool parse_digits(const char *text, int64_t *ret) {
    int64_t n = 0;
    if (!text[0]) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n)) {
            return false;
        }
    }
    *ret = n;
    return true;
}

static int load_number(int64_t *field, const char *name, int64_t standard, int64_t min, int64_t max,
                       const struct line *error) {
    const char *value;
    int64_t n = standard;
    int r = read_variable(name, &value, error);
    if (r < 0) return r;
    if (value && (!parse_digits(value, &n) || n < min || n > max)) {
        return fail(error, name, "\"%.32s\" is not a whole number from %lld to %lld", value,
                    (long long)min, (long long)max);
    }
    *field = n;
    return 0;
}

static void free_secret(struct sw_secret *secret) {
    sodium_free(secret->current);
    sodium_free(secret->previous);
    secret->current = secret->previous = NULL;
}

/* One line of a secret file, without white space around it; NULL where it is blank. */
static char *copy_line(const char *line, size_t size) {
    while (size && strchr(" \t\r", line[size - 1])) {
        size--;
    }
    while (size && strchr(" \t", line[0])) {
        line++;
        size--;
    }
    if (!size) return NULL;
    char *copy = sodium_malloc(size + 1);
    if (!copy) abort();
    memcpy(copy, line, size);
    copy[size] = 0;
    return copy;
}

/* Never says what it read: only what is wrong with it. */
static int parse_secret(struct sw_secret *field, const char *name, const char *data, size_t size,
                        const struct line *error) {
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if ((c < ' ' && !strchr("\t\r\n", c)) || c == 0 || c == 0x7f) {
            return fail(error, name, "the file holds a control character");
        }
    }
    while (start < size) {
        const char *end = memchr(data + start, '\n', size - start);
        size_t length = end ? (size_t)(end - data) - start : size - start;
        char *copy = copy_line(data + start, length);
        start += length + 1;
        if (!copy) continue;
        if (!field->current) {
            field->current = copy;
        } else if (!field->previous) {
            field->previous = copy;
        } else {
            sodium_free(copy);
            return fail(error, name, "the file has more than two lines: current and previous");
        }
    }
    if (!field->current) return fail(error, name, "the file is empty");
    return 0;
}

static int load_secret(struct sw_secret *field, const char *name, const struct line *error) {
    const char *path;
    int r = read_variable(name, &path, error);
    if (r < 0 || !path) return r;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* The path is not shown: somebody may have put the secret itself there. */
    if (fd < 0) return fail(error, name, "cannot read the file it names: %s", strerror(errno));
    char *data = sodium_malloc(VALUE_MAX + 1);
    if (!data) abort();
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, data + size, VALUE_MAX + 1 - size)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        size += (size_t)n;
    }
    if (n < 0) {
        r = fail(error, name, "cannot read the file it names: %s", strerror(errno));
    } else if (size > VALUE_MAX) {
        r = fail(error, name, "the file is longer than %d bytes", VALUE_MAX);
    } else {
        r = parse_secret(field, name, data, size, error);
    }
    close(fd);
    sodium_free(data);
    return r;
}

/* What of a value may be shown: one with an '@' may hold a password. */
static const char *shown(const char *value) {
    return strchr(value, '@') ? "..." : value;
}

/* host:port, where the host may be an IPv6 address in brackets. */
static int check_address(const char *name, const char *value, int64_t min_port,
                         const struct line *error) {
    const char *colon = strrchr(value, ':');
    int64_t port;
    if (!colon || colon == value || !parse_digits(colon + 1, &port) || port < min_port ||
        port > 65535) {
        return fail(error, name, "\"%.100s\" is not host:port, port from %d to 65535", shown(value),
                    (int)min_port);
    }
    size_t size = (size_t)(colon - value);
    bool bracketed = value[0] == '[' && value[size - 1] == ']' && size > 2;
    const char *allowed = bracketed ? "0123456789abcdefABCDEF:.%"
                                    : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789.-_*";
    const char *host = bracketed ? value + 1 : value;
    if (strspn(host, allowed) < (bracketed ? size - 2 : size)) {
        return fail(error, name, "\"%.100s\" is not host:port (IPv6 in brackets)", shown(value));
    }
    return 0;
}

/* An http or https URL without query; a slash at its end is dropped so that paths can follow. */
static int check_url(const char *name, char *value, const struct line *error) {
    size_t scheme = strncmp(value, "https://", 8) == 0  ? 8
                    : strncmp(value, "http://", 7) == 0 ? 7
                                                        : 0;
    if (!scheme || !value[scheme] || value[scheme] == '/' || strpbrk(value, " \"'<>?#@\\")) {
        return fail(error, name, "\"%.100s\" is not http(s)://host[:port][/path]", shown(value));
    }
    for (size_t size = strlen(value); value[size - 1] == '/'; size--) {
        value[size - 1] = 0;
    }
    return 0;
}

static int check_word(const char *name, const char *value, const char *const *words,
                      const struct line *error) {
    char list[100] = "";
    for (size_t i = 0; words[i]; i++) {
        size_t used = strlen(list);
        if (strcmp(words[i], value) == 0) return 0;
        snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
    }
    return fail(error, name, "\"%.32s\" is not one of: %s", value, list);
}

static int check_path(const char *name, const char *value, const struct line *error) {
    if (value[0] != '/') return fail(error, name, "\"%.100s\" is not an absolute path", value);
    return 0;
}

static int check_redis(const struct sw_conf *conf, const struct line *error) {
    struct sw_redis_map map;
    char why[256];
    if (sw_redis_map_parse(conf->redis, &map, why, sizeof(why)) < 0)
        return fail(error, "REDIS", "%s", why);
    if (conf->redis_user[0] && !conf->redis_password.current)
        return fail(error, "REDIS_USER", "needs " PREFIX "REDIS_PASSWORD_FILE");
    return 0;
}

static int check_texts(struct sw_conf *conf, const struct line *error) {
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    static const char *const durabilities[] = {"disk", "replicated", "memory", NULL};
    const struct {
        const char *name;
        char *value;
    } urls[] = {
        {"BASE_URL", conf->base_url},     {"SLACK_API", conf->slack_api},
        {"SLACK_HOOKS", conf->hooks},     {"HEROKU_API", conf->heroku_api},
        {"HEROKU_ID", conf->heroku_id},   {"HEROKU_DASHBOARD", conf->dashboard},
        {"GITHUB_API", conf->github_api}, {"GITHUB", conf->github_web},
        {"KOLKRABBI", conf->kolkrabbi},   {"OTLP", conf->otlp},
    };
    int r = check_redis(conf, error);
    if (r == 0) r = check_address("HTTP", conf->http, 0, error);
    if (r == 0) r = check_address("ADMIN", conf->admin, 0, error);
    if (r == 0) r = check_path("RUN_DIR", conf->run_dir, error);
    if (r == 0) r = check_path("DATA_DIR", conf->data_dir, error);
    if (r == 0) r = check_path("KEY_DIR", conf->key_dir, error);
    if (r == 0) r = check_word("LOG", conf->log, levels, error);
    if (r == 0) r = check_word("DURABILITY", conf->durability, durabilities, error);
    for (size_t i = 0; r == 0 && i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (urls[i].value[0]) r = check_url(urls[i].name, urls[i].value, error);
    }
    if (r == 0 && conf->poll_min_ms > conf->poll_max_ms) {
        r = fail(error, "POLL_MIN_MS", "%lld is more than " PREFIX "POLL_MAX_MS, %lld",
                 (long long)conf->poll_min_ms, (long long)conf->poll_max_ms);
    }
    return r;
}

static bool is_one_of(const char *role, const char *roles) {
    if (!role || strcmp(roles, "every role") == 0) return true;
    size_t size = strlen(role);
    for (const char *word = roles; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        if (length == size && memcmp(word, role, size) == 0) return true;
        word += length;
    }
    return false;
}

int sw_conf_load(struct sw_conf *ret_conf, char *error_text, size_t room) {
    return sw_conf_load_role(ret_conf, NULL, error_text, room);
}

int sw_conf_load_role(struct sw_conf *ret_conf, const char *role, char *error_text, size_t room) {
    const struct line line = {error_text, room};
    const struct line *error = &line;
    struct sw_conf loaded = {.role = role};
    struct sw_conf *conf = &loaded;
    int r = sodium_init() < 0 ? fail(error, "KEY_DIR", "libsodium finds no randomness") : 0;
#define LOAD_TEXT(field, name, value, help)                                                        \
    if (r == 0) r = load_text(&conf->field, name, value, error);
#define LOAD_NUMBER(field, name, value, min, max, help)                                            \
    if (r == 0) r = load_number(&conf->field, name, value, min, max, error);
#define LOAD_SECRET(field, name, roles, help)                                                      \
    if (r == 0 && is_one_of(role, roles)) r = load_secret(&conf->field, name, error);
    SW_CONF_TABLE(LOAD_TEXT, LOAD_NUMBER, LOAD_SECRET)
    if (r == 0) r = check_texts(conf, error);
    if (r < 0) {
        sw_conf_finish(conf);
        return r;
    }
    if (!conf->base_url[0]) {
        free(conf->base_url);
        conf->base_url = sw_printf("http://%s", conf->http);
    }
    *ret_conf = loaded;
    return 0;
}

void sw_conf_finish(struct sw_conf *conf) {
    if (!conf) return;
#define FREE_TEXT(field, name, value, help) free(conf->field);
#define FREE_NUMBER(field, name, value, min, max, help)
#define FREE_SECRET(field, name, roles, help) free_secret(&conf->field);
    SW_CONF_TABLE(FREE_TEXT, FREE_NUMBER, FREE_SECRET)
    memset(conf, 0, sizeof(*conf));
}

int sw_conf_secrets_reload(struct sw_conf *conf, char *error_text, size_t room) {
    const struct line line = {error_text, room};
    struct sw_conf loaded = {0};
    int r = 0;
#define READ_SECRET(field, name, roles, help)                                                      \
    if (r == 0 && is_one_of(conf->role, roles)) r = load_secret(&loaded.field, name, &line);
    SW_CONF_TABLE(SW_CONF_NO_TEXT, SW_CONF_NO_NUMBER, READ_SECRET)
#define SWAP_SECRET(field, name, roles, help)                                                      \
    {                                                                                              \
        struct sw_secret old = conf->field;                                                        \
        conf->field = loaded.field;                                                                \
        loaded.field = old;                                                                        \
    }
    if (r == 0) {
        SW_CONF_TABLE(SW_CONF_NO_TEXT, SW_CONF_NO_NUMBER, SWAP_SECRET)
    }
    sw_conf_finish(&loaded);
    return r;
}

size_t sw_conf_secret_files(const char *ret[SW_CONF_SECRETS]) {
    char error[128];
    const struct line line = {error, sizeof(error)};
    size_t count = 0;
#define FIND_FILE(field, name, roles, help)                                                        \
    if (read_variable(name, &ret[count], &line) == 0 && ret[count]) count++;
    SW_CONF_TABLE(SW_CONF_NO_TEXT, SW_CONF_NO_NUMBER, FIND_FILE)
    return count;
}

static const char *unit_of(const char *name) {
    size_t size = strlen(name);
    return size > 3 && strcmp(name + size - 3, "_MS") == 0 ? "ms" : "";
}

static void help_line(FILE *out, const char *name, const char *standard, const char *unit,
                      const char *help, const char *limits) {
    fprintf(out, PREFIX "%-26s  %-26s  %-4s  %s%s\n", name, standard, unit, help, limits);
}

static void help_number(FILE *out, const char *name, long long standard, long long min,
                        long long max, const char *help) {
    char number[32], limits[64];
    snprintf(number, sizeof(number), "%lld", standard);
    snprintf(limits, sizeof(limits), " (%lld to %lld)", min, max);
    help_line(out, name, number, unit_of(name), help, limits);
}

void sw_conf_help(FILE *out) {
#define HELP_TEXT(field, name, value, help)                                                        \
    help_line(out, name, value[0] ? value : "-", "", help, "");
#define HELP_NUMBER(field, name, value, min, max, help)                                            \
    help_number(out, name, value, min, max, help);
#define HELP_SECRET(field, name, roles, help)                                                      \
    help_line(out, name, "-", "file", help, " (" roles ")");
    SW_CONF_TABLE(HELP_TEXT, HELP_NUMBER, HELP_SECRET)
}

const char *sw_conf_secret(const struct sw_conf *conf, const char *wanted) {
#define FIND_SECRET(field, name, roles, help)                                                      \
    if (strcmp(wanted, #field) == 0) return conf->field.current;
    SW_CONF_TABLE(SW_CONF_NO_TEXT, SW_CONF_NO_NUMBER, FIND_SECRET)
    return NULL;
}
