/* test_kafka.c -- which settings of Kafka's library are taken, and what is said of the others. No broker. */
#include "common/kafka.h"
#include "common/mem.h"

#include <czmq.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static struct sw_conf conf;
static char error[512];

static int clear(void **state) {
    (void)state;
    error[0] = '\0';
    conf.kafka = "127.0.0.1:1,[::1]:2";
    conf.kafka_topic = "events";
    conf.kafka_group = "group";
    conf.kafka_options = "";
    conf.kafka_password.current = NULL;
    return sodium_init() < 0 ? -1 : 0;
}

static void nothing_lost(void *arg, int32_t partition) {
    (void)arg;
    (void)partition;
}

/* Both kinds say the same; 0 or what they say. */
static int made(void) {
    const struct sw_kafka_events events = {.lost = nothing_lost};
    struct sw_kafka *kafka = NULL;
    zloop_t *loop = zloop_new();
    int r = sw_kafka_writer(loop, &conf, 1000, &events, &kafka, error, sizeof(error));
    if (r == 0) sw_kafka_destroy(kafka);
    char first[sizeof(error)];
    strcpy(first, error);
    int second = sw_kafka_reader(loop, &conf, &events, &kafka, error, sizeof(error));
    if (second == 0) sw_kafka_destroy(kafka);
    assert_int_equal(r, second);
    assert_string_equal(first, error);
    zloop_destroy(&loop);
    return r;
}

static void test_settings_of_the_library_are_passed_on(void **state) {
    static char *const good[] = {
        "",
        "fetch.min.bytes=2 compression.codec=lz4",
        "  session.timeout.ms=20000 ",
        "security.protocol=SASL_PLAINTEXT sasl.mechanisms=PLAIN sasl.username=me",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        conf.kafka_options = good[i];
        conf.kafka_password.current = "secret";
        if (made() != 0) fail_msg("%s: %s", good[i], error);
    }
}

static void test_a_setting_that_cannot_be_is_named_and_its_value_is_not(void **state) {
    static const struct {
        char *options, *says;
    } rows[] = {
        {"no.such=hunter2", "SLIPWAY_KAFKA_OPTIONS: librdkafka has no setting \"no.such\""},
        {"fetch.min.bytes=hunter2",
         "SLIPWAY_KAFKA_OPTIONS: librdkafka does not take this value of \"fetch.min.bytes\""},
        {"linger.ms=1 hunter2", "SLIPWAY_KAFKA_OPTIONS: number 2 is not name=value"},
        {"=hunter2", "SLIPWAY_KAFKA_OPTIONS: number 1 is not name=value"},
        {"sasl.password=hunter2", "SLIPWAY_KAFKA_OPTIONS: \"sasl.password\" belongs into the file "
                                  "that SLIPWAY_KAFKA_PASSWORD_FILE names"},
        {"enable.idempotence=false",
         "SLIPWAY_KAFKA_OPTIONS: \"enable.idempotence\" is set by Slipway itself"},
        {"auto.offset.reset=latest",
         "SLIPWAY_KAFKA_OPTIONS: \"auto.offset.reset\" is set by Slipway itself"},
        {"log_cb=1", "SLIPWAY_KAFKA_OPTIONS: \"log_cb\" is set by Slipway itself"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        conf.kafka_options = rows[i].options;
        assert_int_equal(made(), -EINVAL);
        assert_string_equal(error, rows[i].says);
    }
}

static void test_brokers_and_topic_are_looked_at(void **state) {
    static char *const brokers[] = {"kafka",   "kafka:",  ":9092", "a:1,",
                                    "a:1 b:2", "a:65536", "a:0"};
    static char *const topics[] = {"a/b", "..x y"};
    (void)state;
    for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++) {
        conf.kafka = brokers[i];
        if (made() == 0) fail_msg("%s was taken", brokers[i]);
        assert_memory_equal(error, "SLIPWAY_KAFKA: ", 15);
    }
    conf.kafka = "a:1";
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        conf.kafka_topic = topics[i];
        assert_int_equal(made(), -EINVAL);
        assert_memory_equal(error, "SLIPWAY_KAFKA_TOPIC: ", 21);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_settings_of_the_library_are_passed_on, clear),
        cmocka_unit_test_setup(test_a_setting_that_cannot_be_is_named_and_its_value_is_not, clear),
        cmocka_unit_test_setup(test_brokers_and_topic_are_looked_at, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
