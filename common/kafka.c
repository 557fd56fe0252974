/* kafka.c -- see kafka.h. */
#include "common/kafka.h"

#include "common/kafka_priv.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/run_priv.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <sodium.h>
#include <sys/eventfd.h>

#define COMPLAINT_MS 60000
#define PURGE_MS 200
#define NEWEST_MS 50

struct sw_kafka {
    zloop_t *loop;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* where all that concerns us comes */
    int wake;                /* readable when something came */
    struct sw_kafka_events events;
    char *topic;
    bool reads, paused, leaving, broken;
    int64_t complaint_due_ms;
    uint8_t password[crypto_generichash_BYTES]; /* its hash */
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg) {
    struct sw_kafka *kafka = arg;
    (void)rk;
    int r = message->err == RD_KAFKA_RESP_ERR_NO_ERROR                ? 0
            : message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE    ? -EMSGSIZE
            : message->err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE      ? -EMSGSIZE
            : message->err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ? -EMSGSIZE
                                                                      : -EIO;
    kafka->events.delivered(kafka->events.arg, message->_private, r,
                            rd_kafka_err2str(message->err));
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *arg) {
    struct sw_kafka *kafka = arg;
    char words[512];
    if (err != RD_KAFKA_RESP_ERR__FATAL) {
        sw_log(SW_LOG_DEBUG, "kafka", SW_S("why", reason)); /* the log has a line of it */
        return;
    }
    rd_kafka_fatal_error(rk, words, sizeof(words));
    sw_log(SW_LOG_ERROR, "kafka: this client is at its end", SW_S("why", words));
    kafka->broken = true;
}

static void complain(const char *what, rd_kafka_error_t *error) {
    if (!error) return;
    sw_log(SW_LOG_WARN, what, SW_S("why", rd_kafka_error_string(error)));
    rd_kafka_error_destroy(error);
}

/* Offsets that were stored are committed by librdkafka while a partition goes. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *arg) {
    struct sw_kafka *kafka = arg;
    bool ours = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    for (int i = 0; !ours && i < partitions->cnt; i++)
        kafka->events.lost(kafka->events.arg, partitions->elems[i].partition);
    sw_log(SW_LOG_INFO, ours ? "kafka: partitions taken" : "kafka: partitions given away",
           SW_I("count", partitions->cnt));
    if (ours) {
        complain("kafka: partitions not taken", rd_kafka_incremental_assign(rk, partitions));
        /* One that went while it was paused comes back so. */
        (kafka->paused ? rd_kafka_pause_partitions : rd_kafka_resume_partitions)(rk, partitions);
    } else {
        complain("kafka: partitions not given away", rd_kafka_incremental_unassign(rk, partitions));
    }
}

static int on_wake(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_kafka *kafka = arg;
    uint64_t times;
    (void)loop;
    (void)item;
    if (read(kafka->wake, &times, sizeof(times)) < 0 && errno != EAGAIN) return 0;
    if (kafka->reads) {
        kafka->events.woken(kafka->events.arg);
    } else {
        rd_kafka_poll(kafka->rk, 0);
    }
    kafka->events.turn(kafka->events.arg);
    return 0;
}

static void hash_password(const char *password, uint8_t ret[crypto_generichash_BYTES]) {
    const char *text = password ? password : "";
    crypto_generichash(ret, crypto_generichash_BYTES, (const uint8_t *)text, strlen(text), NULL, 0);
}

static int open_client(zloop_t *loop, const struct sw_conf *conf, rd_kafka_type_t type,
                       rd_kafka_conf_t *rk_conf, const struct sw_kafka_events *events,
                       struct sw_kafka **ret, char *error, size_t room) {
    const uint64_t one = 1;
    char words[400];
    struct sw_kafka *kafka = sw_zalloc(sizeof(*kafka));
    rd_kafka_conf_set_opaque(rk_conf, kafka);
    rd_kafka_conf_set_log_cb(rk_conf, sw__kafka_log);
    rd_kafka_conf_set_error_cb(rk_conf, on_error);
    kafka->rk = rd_kafka_new(type, rk_conf, words, sizeof(words));
    if (!kafka->rk) {
        rd_kafka_conf_destroy(rk_conf);
        free(kafka);
        snprintf(error, room, "SLIPWAY_KAFKA_OPTIONS: %s", words);
        return -EINVAL;
    }
    kafka->loop = loop;
    kafka->events = *events;
    kafka->topic = sw_strdup(conf->kafka_topic);
    kafka->reads = type == RD_KAFKA_CONSUMER;
    hash_password(conf->kafka_password.current, kafka->password);
    rd_kafka_set_log_queue(kafka->rk, NULL); /* lines come in our thread, like all else */
    if (kafka->reads) rd_kafka_poll_set_consumer(kafka->rk);
    kafka->queue =
        kafka->reads ? rd_kafka_queue_get_consumer(kafka->rk) : rd_kafka_queue_get_main(kafka->rk);
    kafka->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (kafka->wake < 0) abort();
    rd_kafka_queue_io_event_enable(kafka->queue, kafka->wake, &one, sizeof(one));
    zmq_pollitem_t item = {NULL, kafka->wake, ZMQ_POLLIN, 0};
    zloop_poller(loop, &item, on_wake, kafka);
    *ret = kafka;
    return 0;
}

int sw_kafka_writer(zloop_t *loop, const struct sw_conf *conf, int patience_ms,
                    const struct sw_kafka_events *events, struct sw_kafka **ret, char *error,
                    size_t room) {
    char patience[16];
    snprintf(patience, sizeof(patience), "%d", patience_ms);
    const struct sw__kafka_setting usual[] = {{"linger.ms", "2"}, {0}};
    const struct sw__kafka_setting ours[] = {
        {"enable.idempotence", "true"},          {"acks", "all"},
        {"message.timeout.ms", patience},        {"queue.buffering.max.messages", "4096"},
        {"queue.buffering.max.kbytes", "65536"}, {0}};
    rd_kafka_conf_t *rk_conf;
    int r = sw__kafka_conf(conf, usual, ours, &rk_conf, error, room);
    if (r < 0) return r;
    rd_kafka_conf_set_dr_msg_cb(rk_conf, on_delivered);
    return open_client(loop, conf, RD_KAFKA_PRODUCER, rk_conf, events, ret, error, room);
}

int sw_kafka_reader(zloop_t *loop, const struct sw_conf *conf, const struct sw_kafka_events *events,
                    struct sw_kafka **ret, char *error, size_t room) {
    /* A killed member is missed after ten seconds; a topic that is made later is seen as soon. */
    const struct sw__kafka_setting usual[] = {{"session.timeout.ms", "10000"},
                                              {"auto.commit.interval.ms", "1000"},
                                              {"topic.metadata.refresh.interval.ms", "10000"},
                                              {"allow.auto.create.topics", "true"},
                                              {"queued.max.messages.kbytes", "16384"},
                                              {0}};
    /* A new group begins with what is there: an event of before its first day is one that nobody was told of yet, and what it is
     * too old for is the handler's. Only stored offsets are committed, so the automatic commit knows of nothing else. */
    const struct sw__kafka_setting ours[] = {
        {"group.id", conf->kafka_group},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"enable.auto.offset.store", "false"},
        {"enable.auto.commit", "true"},
        {"auto.offset.reset", "earliest"},
        {0}};
    rd_kafka_conf_t *rk_conf;
    int r = sw__kafka_conf(conf, usual, ours, &rk_conf, error, room);
    if (r < 0) return r;
    rd_kafka_conf_set_rebalance_cb(rk_conf, on_rebalance);
    r = open_client(loop, conf, RD_KAFKA_CONSUMER, rk_conf, events, ret, error, room);
    if (r < 0) return r;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, conf->kafka_topic, RD_KAFKA_PARTITION_UA);
    if (rd_kafka_subscribe((*ret)->rk, topics) != RD_KAFKA_RESP_ERR_NO_ERROR) abort();
    rd_kafka_topic_partition_list_destroy(topics);
    return 0;
}

void sw_kafka_destroy(struct sw_kafka *kafka) {
    if (!kafka) return;
    zmq_pollitem_t item = {NULL, kafka->wake, ZMQ_POLLIN, 0};
    zloop_poller_end(kafka->loop, &item);
    rd_kafka_queue_io_event_enable(kafka->queue, -1, NULL, 0);
    if (!kafka->reads) {
        rd_kafka_purge(kafka->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(kafka->rk, PURGE_MS);
    }
    rd_kafka_queue_destroy(kafka->queue);
    rd_kafka_destroy_flags(kafka->rk, kafka->reads ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0);
    close(kafka->wake);
    free(kafka->topic);
    free(kafka);
}

void sw_kafka_tick(struct sw_kafka *kafka, const char *password) {
    uint8_t hash[crypto_generichash_BYTES];
    char user[256] = "";
    size_t size = sizeof(user);
    if (!kafka->reads) rd_kafka_poll(kafka->rk, 0);
    hash_password(password, hash);
    if (!password || !memcmp(hash, kafka->password, sizeof(hash))) return;
    memcpy(kafka->password, hash, sizeof(hash));
    rd_kafka_conf_get(rd_kafka_conf(kafka->rk), "sasl.username", user, &size);
    complain("kafka: the new password is not taken",
             rd_kafka_sasl_set_credentials(kafka->rk, user, password));
}

bool sw_kafka_broken(const struct sw_kafka *kafka) {
    return kafka->broken;
}

int sw_kafka_write(struct sw_kafka *kafka, const char *topic, const struct sw_kafka_record *record,
                   const struct sw_kafka_header *headers, void *opaque) {
    rd_kafka_headers_t *hs = rd_kafka_headers_new(8);
    for (; headers && headers->name; headers++)
        rd_kafka_header_add(hs, headers->name, -1, headers->value, -1);
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_TOPIC, {.cstr = topic}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {(void *)(uintptr_t)record->key, record->key_size}}},
        {RD_KAFKA_VTYPE_VALUE, {.mem = {(void *)(uintptr_t)record->value, record->value_size}}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_OPAQUE, {.ptr = opaque}},
        {RD_KAFKA_VTYPE_HEADERS, {.headers = hs}}};
    rd_kafka_error_t *error = rd_kafka_produceva(kafka->rk, what, sizeof(what) / sizeof(what[0]));
    if (!error) return 0;
    rd_kafka_resp_err_t err = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(hs);
    return err == RD_KAFKA_RESP_ERR__QUEUE_FULL          ? -EAGAIN
           : err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? -EMSGSIZE
                                                         : -EIO;
}

/* It goes on trying by itself; who reads the log has to know what that is about. */
static void unread(struct sw_kafka *kafka, rd_kafka_resp_err_t err) {
    bool missing = err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (sw__boot_ms() < kafka->complaint_due_ms) return;
    kafka->complaint_due_ms = sw__boot_ms() + COMPLAINT_MS;
    sw_log(SW_LOG_WARN,
           missing ? "kafka: there is no such topic: create it, or set SLIPWAY_KAFKA_TOPIC"
                   : "kafka: the topic cannot be read",
           SW_S("topic", kafka->topic), SW_S("why", rd_kafka_err2str(err)));
}

size_t sw_kafka_read(struct sw_kafka *kafka, rd_kafka_message_t **ret, size_t most) {
    ssize_t n = rd_kafka_consume_batch_queue(kafka->queue, 0, ret, most);
    size_t kept = 0;
    for (ssize_t i = 0; i < n; i++) {
        if (!ret[i]->err) {
            ret[kept++] = ret[i];
        } else {
            unread(kafka, ret[i]->err);
            rd_kafka_message_destroy(ret[i]);
        }
    }
    return kept;
}

void sw_kafka_look(const rd_kafka_message_t *m, struct sw_kafka_record *ret) {
    *ret =
        (struct sw_kafka_record){m->key, m->key_len, m->payload, m->len, m->partition, m->offset};
}

void sw_kafka_free(rd_kafka_message_t *message) {
    rd_kafka_message_destroy(message);
}

void sw_kafka_pause(struct sw_kafka *kafka, bool pause) {
    rd_kafka_topic_partition_list_t *ours;
    if (pause == kafka->paused) return;
    kafka->paused = pause;
    if (rd_kafka_assignment(kafka->rk, &ours) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (pause) {
        rd_kafka_pause_partitions(kafka->rk, ours);
    } else {
        rd_kafka_resume_partitions(kafka->rk, ours);
    }
    rd_kafka_topic_partition_list_destroy(ours);
}

void sw_kafka_store(struct sw_kafka *kafka, int32_t partition, int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka->topic, partition)->offset = offset;
    /* Of a partition that went meanwhile it is refused, and its next owner reads it again. */
    (void)rd_kafka_offsets_store(kafka->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

int64_t sw_kafka_newest(const struct sw_kafka *kafka, int32_t partition) {
    int64_t low, high;
    /* What is known comes with the records, and a paused reader fetches none. */
    rd_kafka_resp_err_t err =
        kafka->paused
            ? rd_kafka_query_watermark_offsets(kafka->rk, kafka->topic, partition, &low, &high,
                                               NEWEST_MS)
            : rd_kafka_get_watermark_offsets(kafka->rk, kafka->topic, partition, &low, &high);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ? high : -1;
}

bool sw_kafka_left(struct sw_kafka *kafka) {
    rd_kafka_message_t *message;
    if (!kafka->leaving) {
        kafka->leaving = true;
        rd_kafka_queue_io_event_enable(kafka->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(kafka->queue); /* as its documentation asks */
        kafka->queue = rd_kafka_queue_new(kafka->rk);
        complain("kafka: the group cannot be left",
                 rd_kafka_consumer_close_queue(kafka->rk, kafka->queue));
    }
    if (rd_kafka_consume_batch_queue(kafka->queue, 0, &message, 1) == 1)
        rd_kafka_message_destroy(message);
    return rd_kafka_consumer_closed(kafka->rk);
}

const char *sw_kafka_version(void) {
    return rd_kafka_version_str();
}
