/* records.c -- writes records, reads them back, and shows how far a group is; for tests and benches, with any broker.
 * `kafka_records --help` says how. */
#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES (4 * 1024 * 1024)

struct args {
    const char *brokers, *what, *topic, *group, *prefix, *extra;
    long count, keys, wait_ms;
    int number; /* of partitions, or one of them */
};

static size_t undelivered;

static int usage(FILE *out) {
    fputs("usage: kafka_records --brokers HOST:PORT,... COMMAND [option...]\n\n"
          "  write TOPIC                  lines of stdin: KEY TAB VALUE; an empty key is none; "
          "prints how many\n"
          "  write TOPIC --count N        N made ones (event records of type push, event ids 1 to "
          "N) instead\n"
          "        [--keys K]             their sources are PREFIX1 ... PREFIXK in turn (1)\n"
          "        [--prefix PREFIX]      (github/)\n"
          "        [--extra TEXT]         more members of each, as ',\"a\":1'\n"
          "  topic TOPIC PARTITIONS       makes it, where it is not there\n"
          "  leader TOPIC PARTITION       the id of the node that leads it\n"
          "  read TOPIC                   all that is there: PARTITION TAB OFFSET TAB KEY TAB "
          "HEADERS TAB VALUE\n"
          "        [--count N]            waits until it has N, and ends\n"
          "  committed GROUP TOPIC        PARTITION TAB COMMITTED TAB END, a line a partition; -1: "
          "nothing\n"
          "        [--wait-ms MS]         how long each of them waits at most (10000)\n"
          "  --set NAME=VALUE             a setting of librdkafka's, any number of times\n"
          "Exit status 1: not all was delivered, or not all came.\n",
          out);
    return out == stderr ? 2 : 0;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg) {
    (void)rk;
    (void)arg;
    if (!message->err) undelivered--;
}

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    if (level <= 3) fprintf(stderr, "%s: %s\n", facility, text);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char words[512];
    if (rd_kafka_conf_set(conf, name, value, words, sizeof(words)) == RD_KAFKA_CONF_OK) return;
    fprintf(stderr, "kafka_records: %s\n", words);
    exit(2);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char words[512];
    rd_kafka_t *rk = rd_kafka_new(type, conf, words, sizeof(words));
    if (rk) return rk;
    fprintf(stderr, "kafka_records: %s\n", words);
    exit(2);
}

static void put(rd_kafka_t *rk, const struct args *a, const char *key, const char *value,
                size_t size) {
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_TOPIC, {.cstr = a->topic}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {*key ? (void *)(uintptr_t)key : NULL, strlen(key)}}},
        {RD_KAFKA_VTYPE_VALUE, {.mem = {(void *)(uintptr_t)value, size}}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}}};
    rd_kafka_error_t *error;
    while ((error = rd_kafka_produceva(rk, what, sizeof(what) / sizeof(what[0])))) {
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "kafka_records: %s\n", rd_kafka_error_string(error));
            exit(1);
        }
        rd_kafka_error_destroy(error);
        rd_kafka_poll(rk, 10);
    }
    undelivered++;
    rd_kafka_poll(rk, 0);
}

static int do_write(const struct args *a, rd_kafka_conf_t *conf) {
    static char line[LINE_MAX_BYTES], key[256];
    long n = 0;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    set(conf, "linger.ms", "5");
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    for (; n < a->count; n++) {
        snprintf(key, sizeof(key), "%s%ld", a->prefix, n % a->keys + 1);
        int size = snprintf(line, sizeof(line),
                            "{\"v\":1,\"source\":\"%s\",\"type\":\"push\",\"event_id\":\"%ld\","
                            "\"at_ms\":%" PRId64 "%s}",
                            key, n + 1, (int64_t)time(NULL) * 1000, a->extra);
        put(rk, a, key, line, (size_t)size);
    }
    while (!a->count && fgets(line, sizeof(line), stdin)) {
        size_t size = strcspn(line, "\n");
        char *tab = memchr(line, '\t', size);
        if (!tab) continue;
        *tab = '\0';
        put(rk, a, line, tab + 1, size - (size_t)(tab + 1 - line));
        n++;
    }
    rd_kafka_flush(rk, (int)a->wait_ms);
    if (undelivered) rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(rk);
    printf("%ld\n", n - (long)undelivered);
    return undelivered ? 1 : 0;
}

/* The topic's partitions; the caller destroys. */
static rd_kafka_topic_partition_list_t *partitions(rd_kafka_t *rk, const struct args *a) {
    const struct rd_kafka_metadata *meta;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, a->topic, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &meta, (int)a->wait_ms);
    if (err) {
        fprintf(stderr, "kafka_records: %s\n", rd_kafka_err2str(err));
        exit(1);
    }
    for (int i = 0; meta->topic_cnt && i < meta->topics[0].partition_cnt; i++)
        rd_kafka_topic_partition_list_add(list, a->topic, meta->topics[0].partitions[i].id)
            ->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_metadata_destroy(meta);
    rd_kafka_topic_destroy(topic);
    return list;
}

/* As the broker's own settings say otherwise. */
static int do_topic(const struct args *a, rd_kafka_conf_t *conf) {
    char words[256] = "";
    size_t count = 0;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(a->topic, a->number, -1, words, sizeof(words));
    if (!topic) {
        fprintf(stderr, "kafka_records: %s\n", words);
        return 2;
    }
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, (int)a->wait_ms);
    rd_kafka_resp_err_t err = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!err) {
        const rd_kafka_topic_result_t **made =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        err = count ? rd_kafka_topic_result_error(made[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
    }
    if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) err = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (err) fprintf(stderr, "kafka_records: %s\n", rd_kafka_err2str(err));
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    return err ? 1 : 0;
}

static int do_leader(const struct args *a, rd_kafka_conf_t *conf) {
    const rd_kafka_metadata_t *meta;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, a->topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &meta, (int)a->wait_ms);
    if (err) {
        fprintf(stderr, "kafka_records: %s\n", rd_kafka_err2str(err));
        return 1;
    }
    int32_t leader = -1;
    for (int i = 0; meta->topic_cnt && i < meta->topics[0].partition_cnt; i++)
        if (meta->topics[0].partitions[i].id == a->number)
            leader = meta->topics[0].partitions[i].leader;
    printf("%" PRId32 "\n", leader);
    rd_kafka_metadata_destroy(meta);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return leader < 0;
}

static void show(const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;
    printf("%" PRId32 "\t%" PRId64 "\t%.*s\t", m->partition, m->offset, (int)m->key_len,
           m->key ? (const char *)m->key : "");
    rd_kafka_message_headers(m, &headers);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        printf("%s%s=%.*s", i ? "," : "", name, (int)size, (const char *)value);
    printf("\t%.*s\n", (int)m->len, m->payload ? (const char *)m->payload : "");
}

static int do_read(const struct args *a, rd_kafka_conf_t *conf) {
    long n = 0, ended = 0;
    int64_t deadline_ms = now_ms() + a->wait_ms;
    set(conf, "group.id", "kafka_records");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.partition.eof", "true");
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = partitions(rk, a);
    rd_kafka_assign(rk, list);
    while ((a->count ? n < a->count : ended < list->cnt) && now_ms() < deadline_ms) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m) continue;
        if (!m->err) {
            show(m);
            n++;
        } else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return n >= a->count ? 0 : 1;
}

static int do_committed(const struct args *a, rd_kafka_conf_t *conf) {
    set(conf, "group.id", a->group);
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = partitions(rk, a);
    rd_kafka_resp_err_t err = rd_kafka_committed(rk, list, (int)a->wait_ms);
    for (int i = 0; i < list->cnt && !err; i++) {
        int64_t low, high = -1;
        rd_kafka_topic_partition_t *p = &list->elems[i];
        rd_kafka_query_watermark_offsets(rk, a->topic, p->partition, &low, &high, (int)a->wait_ms);
        printf("%" PRId32 "\t%" PRId64 "\t%" PRId64 "\n", p->partition,
               p->offset < 0 ? -1 : p->offset, high);
    }
    if (err) fprintf(stderr, "kafka_records: %s\n", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return err ? 1 : 0;
}

/* One option and its value; false: not understood. */
static bool option(struct args *a, rd_kafka_conf_t *conf, const char *name, char *value) {
    char *equals = strchr(value, '=');
    if (!strcmp(name, "--brokers")) {
        a->brokers = value;
    } else if (!strcmp(name, "--count")) {
        a->count = atol(value);
    } else if (!strcmp(name, "--keys")) {
        a->keys = atol(value) > 0 ? atol(value) : 1;
    } else if (!strcmp(name, "--prefix")) {
        a->prefix = value;
    } else if (!strcmp(name, "--extra")) {
        a->extra = value;
    } else if (!strcmp(name, "--wait-ms")) {
        a->wait_ms = atol(value);
    } else if (!strcmp(name, "--set") && equals) {
        *equals = '\0';
        set(conf, value, equals + 1);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct args a = {.prefix = "github/", .extra = "", .keys = 1, .wait_ms = 10000};
    const char *word[3] = {NULL};
    size_t words = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, quiet);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) return usage(stdout);
        if (argv[i][0] != '-' && words < 3) {
            word[words++] = argv[i];
        } else if (i + 1 == argc || !option(&a, conf, argv[i], argv[i + 1])) {
            return usage(stderr);
        } else {
            i++;
        }
    }
    if (!a.brokers || words < 2) return usage(stderr);
    set(conf, "bootstrap.servers", a.brokers);
    bool numbered = !strcmp(word[0], "topic") || !strcmp(word[0], "leader");
    a.topic = numbered || words == 2 ? word[1] : word[2];
    a.group = word[1];
    a.number = numbered && words == 3 ? atoi(word[2]) : 0;
    if (!strcmp(word[0], "write") && words == 2) return do_write(&a, conf);
    if (!strcmp(word[0], "read") && words == 2) return do_read(&a, conf);
    if (!strcmp(word[0], "committed") && words == 3) return do_committed(&a, conf);
    if (!strcmp(word[0], "topic") && words == 3) return do_topic(&a, conf);
    if (!strcmp(word[0], "leader") && words == 3) return do_leader(&a, conf);
    return usage(stderr);
}
