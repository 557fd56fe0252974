/* kafka_conf.c -- what Kafka's library is set to, and what it says; see kafka_priv.h. */
#include "common/kafka_priv.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/run_priv.h"

#include <ctype.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>

#define QUIET_MS 60000
#define FACILITIES 32
#define TOPIC_MAX 200 /* Kafka's 249, and "-dead" */

/* What both kinds need to be, or would break what is promised. */
static const char *const reserved[] = {"bootstrap.servers",
                                       "metadata.broker.list",
                                       "group.id",
                                       "group.instance.id",
                                       "client.id",
                                       "transactional.id",
                                       "enable.idempotence",
                                       "enable.gapless.guarantee",
                                       "acks",
                                       "request.required.acks",
                                       "message.timeout.ms",
                                       "delivery.timeout.ms",
                                       "queue.buffering.max.messages",
                                       "queue.buffering.max.kbytes",
                                       "partition.assignment.strategy",
                                       "enable.auto.commit",
                                       "auto.commit.enable",
                                       "enable.auto.offset.store",
                                       "auto.offset.reset",
                                       "enable.partition.eof",
                                       "offset.store.method",
                                       "log.queue",
                                       "opaque",
                                       NULL};

static int __attribute__((format(printf, 4, 5)))
fail(char *error, size_t room, const char *name, const char *format, ...) {
    int used = snprintf(error, room, "SLIPWAY_%s: ", name);
    if (used >= 0 && (size_t)used < room) {
        va_list args;
        va_start(args, format);
        vsnprintf(error + used, room - (size_t)used, format, args);
        va_end(args);
    }
    return -EINVAL;
}

/* host:port,host:port */
static int check_brokers(const char *text, char *error, size_t room) {
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        const char *end = at + size, *digits = end;
        while (digits > at && isdigit((unsigned char)digits[-1]))
            digits--;
        long port = digits < end && end - digits < 6 ? strtol(digits, NULL, 10) : 0;
        if (digits < at + 2 || digits[-1] != ':' || port < 1 || port > 65535 ||
            memchr(at, ' ', size))
            return fail(error, room, "KAFKA", "\"%.*s\" is not host:port", (int)size, at);
        if (!*end) return 0;
        at = end;
    }
}

static int check_topic(const char *text, char *error, size_t room) {
    size_t size = strlen(text);
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) size = 0;
    }
    if (size >= 1 && size <= TOPIC_MAX) return 0;
    return fail(error, room, "KAFKA_TOPIC",
                "\"%.100s\" is not a topic: 1 to %d of A-Z a-z 0-9 . _ -", text, TOPIC_MAX);
}

static bool is_reserved(const char *name) {
    size_t size = strlen(name);
    for (const char *const *r = reserved; *r; r++) {
        if (!strcmp(*r, name)) return true;
    }
    return size > 3 && !strcmp(name + size - 3, "_cb");
}

/* Values may be secrets, and librdkafka's own words would repeat them. */
static int set_option(rd_kafka_conf_t *rk_conf, const char *name, const char *value, char *error,
                      size_t room) {
    char words[512];
    if (!strcmp(name, "sasl.password"))
        return fail(
            error, room, "KAFKA_OPTIONS",
            "\"sasl.password\" belongs into the file that SLIPWAY_KAFKA_PASSWORD_FILE names");
    if (is_reserved(name))
        return fail(error, room, "KAFKA_OPTIONS", "\"%s\" is set by Slipway itself", name);
    switch (rd_kafka_conf_set(rk_conf, name, value, words, sizeof(words))) {
    case RD_KAFKA_CONF_OK:
        return 0;
    case RD_KAFKA_CONF_UNKNOWN:
        return fail(error, room, "KAFKA_OPTIONS", "librdkafka has no setting \"%.100s\"", name);
    default:
        return fail(error, room, "KAFKA_OPTIONS", "librdkafka does not take this value of \"%s\"",
                    name);
    }
}

static int set_options(rd_kafka_conf_t *rk_conf, const char *options, char *error, size_t room) {
    SW_AUTO(sw_text) char *copy = sw_strdup(options);
    char *rest = copy;
    int r = 0;
    for (int n = 1; r == 0; n++) {
        char *name = strtok_r(n == 1 ? copy : NULL, " ", &rest);
        if (!name) break;
        char *equals = strchr(name, '=');
        if (!equals || equals == name)
            return fail(error, room, "KAFKA_OPTIONS", "number %d is not name=value", n);
        *equals = '\0';
        r = set_option(rk_conf, name, equals + 1, error, room);
    }
    return r;
}

static void set_rows(rd_kafka_conf_t *rk_conf, const struct sw__kafka_setting *rows) {
    char words[512];
    for (; rows->name; rows++) {
        /* Ours are constants of this program, or were looked at: a bug. */
        if (rd_kafka_conf_set(rk_conf, rows->name, rows->value, words, sizeof(words)) !=
            RD_KAFKA_CONF_OK)
            abort();
    }
}

int sw__kafka_conf(const struct sw_conf *conf, const struct sw__kafka_setting *usual,
                   const struct sw__kafka_setting *ours, rd_kafka_conf_t **ret, char *error,
                   size_t room) {
    const struct sw__kafka_setting both[] = {
        {"bootstrap.servers", conf->kafka}, {"client.id", "slipway"}, {"log.queue", "true"}, {0}};
    const struct sw__kafka_setting secret[] = {{"sasl.password", conf->kafka_password.current},
                                               {0}};
    rd_kafka_conf_t *rk_conf = rd_kafka_conf_new();
    int r = check_brokers(conf->kafka, error, room);
    if (r == 0) r = check_topic(conf->kafka_topic, error, room);
    /* Back within two seconds, after however long it was away. */
    set_rows(rk_conf, (const struct sw__kafka_setting[]){{"reconnect.backoff.max.ms", "2000"},
                                                         {"log.connection.close", "false"},
                                                         {0}});
    set_rows(rk_conf, usual);
    if (r == 0) r = set_options(rk_conf, conf->kafka_options, error, room);
    if (r < 0) {
        rd_kafka_conf_destroy(rk_conf);
        return r;
    }
    set_rows(rk_conf, both);
    set_rows(rk_conf, ours);
    if (conf->kafka_password.current) set_rows(rk_conf, secret);
    *ret = rk_conf;
    return 0;
}

void sw__kafka_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    static struct {
        char facility[16];
        int64_t due_ms, left_out;
    } said[FACILITIES];
    enum sw_log_level ours = level <= 4 ? SW_LOG_WARN : level <= 6 ? SW_LOG_INFO : SW_LOG_DEBUG;
    int64_t now_ms = sw__boot_ms();
    size_t i = 0;
    (void)rk;
    /* Our settings are for writers and readers alike; each says which of them are not its own. */
    if (!strcmp(facility, "CONFWARN")) ours = SW_LOG_DEBUG;
    if (ours == SW_LOG_DEBUG || !sw_log_wants(ours)) {
        sw_log(ours, "kafka", SW_S("facility", facility), SW_S("text", text));
        return;
    }
    while (i < FACILITIES - 1 && said[i].facility[0] && strcmp(said[i].facility, facility) != 0)
        i++;
    if (!said[i].facility[0]) snprintf(said[i].facility, sizeof(said[i].facility), "%s", facility);
    if (now_ms < said[i].due_ms) {
        said[i].left_out++;
        return;
    }
    sw_log(ours, "kafka", SW_S("facility", facility), SW_S("text", text),
           SW_I("left_out", said[i].left_out));
    said[i].left_out = 0;
    said[i].due_ms = now_ms + QUIET_MS;
}
