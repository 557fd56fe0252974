/* test_kafka_group.c -- readers that share a group, with librdkafka's mock cluster in this process. */
#include "common/kafka.h"
#include "common/mem.h"
#include "common/run_priv.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#define PATIENCE_MS 60000
#define PARTITIONS 2

struct reader {
    struct sw_kafka *kafka;
    int64_t next[PARTITIONS]; /* one after the newest that was read */
    int lost;
};

static rd_kafka_t *host, *writer;
static rd_kafka_mock_cluster_t *cluster;
static zloop_t *loop;
static struct sw_conf conf;
static int64_t written;

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static rd_kafka_t *client(const char *brokers) {
    char words[256];
    rd_kafka_conf_t *rk_conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(rk_conf, quiet);
    if (brokers) rd_kafka_conf_set(rk_conf, "bootstrap.servers", brokers, words, sizeof(words));
    return rd_kafka_new(RD_KAFKA_PRODUCER, rk_conf, words, sizeof(words));
}

static int begin(void **state) {
    (void)state;
    host = client(NULL);
    cluster = rd_kafka_mock_cluster_new(host, 1);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    writer = client(brokers);
    conf.kafka = (char *)(uintptr_t)brokers;
    conf.kafka_topic = "events";
    conf.kafka_group = "group";
    conf.kafka_options = "session.timeout.ms=4000 heartbeat.interval.ms=100";
    loop = zloop_new();
    if (sodium_init() < 0) return -1;
    return rd_kafka_mock_topic_create(cluster, "events", PARTITIONS, 1) ? -1 : 0;
}

static int end(void **state) {
    (void)state;
    zloop_destroy(&loop);
    rd_kafka_destroy(writer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}

static void on_lost(void *arg, int32_t partition) {
    struct reader *reader = arg;
    (void)partition;
    reader->lost++;
}

static void nothing(void *arg) {
    (void)arg;
}

static void join(struct reader *reader) {
    char error[512];
    const struct sw_kafka_events events = {
        .woken = nothing, .lost = on_lost, .turn = nothing, .arg = reader};
    if (sw_kafka_reader(loop, &conf, &events, &reader->kafka, error, sizeof(error)) < 0)
        fail_msg("%s", error);
}

static void leave(struct reader *reader) {
    int64_t until_ms = sw__boot_ms() + PATIENCE_MS;
    while (!sw_kafka_left(reader->kafka)) {
        if (sw__boot_ms() > until_ms) fail_msg("does not leave");
    }
    sw_kafka_destroy(reader->kafka);
}

/* One record into each partition. */
static void write_each(void) {
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int32_t p = 0; p < PARTITIONS && !err; p++) {
        rd_kafka_vu_t what[] = {{RD_KAFKA_VTYPE_TOPIC, {.cstr = "events"}},
                                {RD_KAFKA_VTYPE_PARTITION, {.i32 = p}},
                                {RD_KAFKA_VTYPE_VALUE, {.mem = {"x", 1}}},
                                {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}}};
        rd_kafka_error_t *error = rd_kafka_produceva(writer, what, 4);
        assert_null(error);
    }
    assert_int_equal(rd_kafka_flush(writer, PATIENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    written++;
}

static void read_some(struct reader *reader) {
    struct rd_kafka_message_s *message[16];
    struct sw_kafka_record record;
    size_t count = sw_kafka_read(reader->kafka, message, 16);
    for (size_t i = 0; i < count; i++) {
        sw_kafka_look(message[i], &record);
        assert_true(record.offset <= reader->next[record.partition]); /* none is passed over */
        reader->next[record.partition] = record.offset + 1;
        sw_kafka_free(message[i]);
    }
}

/* How many partitions it has read to their ends. */
static int up_to_date(const struct reader *reader) {
    int count = 0;
    for (int p = 0; p < PARTITIONS; p++)
        count += reader->next[p] == written;
    return count;
}

static void until(const char *what, bool (*look)(const struct reader *), struct reader *reader,
                  struct reader *other) {
    int64_t until_ms = sw__boot_ms() + PATIENCE_MS;
    while (!look(reader)) {
        read_some(reader);
        if (other) read_some(other);
        if (sw__boot_ms() > until_ms) fail_msg("never: %s", what);
        rd_kafka_poll(writer, 1);
    }
}

static bool has_all(const struct reader *reader) {
    return up_to_date(reader) == PARTITIONS;
}

static bool has_half(const struct reader *reader) {
    return up_to_date(reader) == PARTITIONS / 2;
}

static bool has_lost(const struct reader *reader) {
    return reader->lost == PARTITIONS / 2;
}

static void test_a_partition_that_went_while_paused_is_read_when_it_comes_back(void **state) {
    struct reader first = {0}, second = {0};
    (void)state;
    join(&first);
    write_each();
    until("the first reads all", has_all, &first, NULL);
    sw_kafka_pause(first.kafka, true);
    join(&second);
    until("half of it goes", has_lost, &first, &second);
    write_each();
    until("the second reads its half", has_half, &second, &first);
    sw_kafka_pause(first.kafka, false);
    leave(&second);
    write_each();
    until("the first reads all again", has_all, &first, NULL);
    leave(&first);
}

/* What a lag is counted from. */
static void test_the_newest_record_is_known_while_paused(void **state) {
    struct reader reader = {0};
    (void)state;
    join(&reader);
    write_each();
    until("it reads all", has_all, &reader, NULL);
    sw_kafka_pause(reader.kafka, true);
    for (int times = 0; times < 3; times++) {
        int64_t until_ms = sw__boot_ms() + PATIENCE_MS;
        write_each();
        while (sw_kafka_newest(reader.kafka, 1) != written) {
            read_some(&reader);
            if (sw__boot_ms() > until_ms) fail_msg("never: the newest is known");
        }
    }
    assert_int_equal(reader.next[1], written - 3);
    leave(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_partition_that_went_while_paused_is_read_when_it_comes_back),
        cmocka_unit_test(test_the_newest_record_is_known_while_paused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
