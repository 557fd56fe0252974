/* mock.c -- librdkafka's mock cluster as a process of its own, for tests without Java.
 *
 * kafka_mock [--brokers N] [--topic NAME:PARTITIONS]...
 * prints `kafka HOST:PORT,...` and lives until its stdin ends; each line of stdin is a command, answered by `ok` or what is wrong. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int brokers = 1;

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static int usage(FILE *out) {
    fputs("usage: kafka_mock [--brokers N] [--topic NAME:PARTITIONS]...\n\n"
          "Prints `kafka HOST:PORT,...` and lives until its stdin ends. A topic that is not made "
          "is made with\n"
          "4 partitions when somebody asks for it. Commands, one a line of stdin, each answered by "
          "`ok` or an error:\n"
          "  down [BROKER]              takes a broker away (all, where none is named)\n"
          "  up [BROKER]                brings it back\n"
          "  rtt BROKER MS              makes its answers that slow\n"
          "  topic NAME PARTITIONS      makes a topic\n"
          "  topic-error NAME CODE      all about that topic fails so (0: no more)\n"
          "  error API CODE COUNT       the next COUNT requests of that kind fail so (produce is "
          "API 0)\n"
          "  leader TOPIC PARTITION BROKER\n",
          out);
    return out == stderr ? 2 : 0;
}

static bool make_topic(rd_kafka_mock_cluster_t *cluster, const char *name, int partitions) {
    return rd_kafka_mock_topic_create(cluster, name, partitions, brokers) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool set_down(rd_kafka_mock_cluster_t *cluster, int broker, bool down) {
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int b = 1; b <= brokers && !err; b++) {
        if (broker > 0 && b != broker) continue;
        err = down ? rd_kafka_mock_broker_set_down(cluster, b)
                   : rd_kafka_mock_broker_set_up(cluster, b);
    }
    return !err;
}

static bool push_errors(rd_kafka_mock_cluster_t *cluster, int api, int code, int count) {
    rd_kafka_resp_err_t errors[1000];
    if (count < 1 || count > 1000) return false;
    for (int i = 0; i < count; i++)
        errors[i] = (rd_kafka_resp_err_t)code;
    rd_kafka_mock_push_request_errors_array(cluster, (int16_t)api, (size_t)count, errors);
    return true;
}

static bool command(rd_kafka_mock_cluster_t *cluster, const char *line) {
    char word[32] = "", name[256];
    int a = 0, b = 0, c = 0;
    sscanf(line, "%31s", word);
    if (!strcmp(word, "down") || !strcmp(word, "up")) {
        sscanf(line, "%*s %d", &a);
        return set_down(cluster, a, word[0] == 'd');
    }
    if (sscanf(line, "rtt %d %d", &a, &b) == 2)
        return rd_kafka_mock_broker_set_rtt(cluster, a, b) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (sscanf(line, "topic %255s %d", name, &a) == 2) return make_topic(cluster, name, a);
    if (sscanf(line, "topic-error %255s %d", name, &a) == 2) {
        rd_kafka_mock_topic_set_error(cluster, name, (rd_kafka_resp_err_t)a);
        return true;
    }
    if (sscanf(line, "error %d %d %d", &a, &b, &c) == 3) return push_errors(cluster, a, b, c);
    if (sscanf(line, "leader %255s %d %d", name, &a, &b) == 3)
        return rd_kafka_mock_partition_set_leader(cluster, name, a, b) ==
               RD_KAFKA_RESP_ERR_NO_ERROR;
    return false;
}

int main(int argc, char **argv) {
    char words[512], line[512];
    const char *topic[64];
    int topics = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) return usage(stdout);
        if (i + 1 == argc) return usage(stderr);
        if (!strcmp(argv[i], "--brokers")) {
            brokers = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "--topic") && topics < 64 && strchr(argv[i + 1], ':')) {
            topic[topics++] = argv[++i];
        } else {
            return usage(stderr);
        }
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, quiet);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof(words));
    rd_kafka_mock_cluster_t *cluster = rk ? rd_kafka_mock_cluster_new(rk, brokers) : NULL;
    if (!cluster) return 1;
    for (int i = 0; i < topics; i++) {
        const char *colon = strchr(topic[i], ':');
        snprintf(words, sizeof(words), "%.*s", (int)(colon - topic[i]), topic[i]);
        if (!make_topic(cluster, words, atoi(colon + 1))) return 1;
    }
    printf("kafka %s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        puts(command(cluster, line) ? "ok" : "not understood, or not done");
        fflush(stdout);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    return 0;
}
