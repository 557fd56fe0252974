/* stream_dead.c -- records that nobody can read go to <topic>-dead, with the reason; see stream_priv.h. */
#include "common/stream_priv.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"

#include <errno.h>
#include <inttypes.h>

#define PATIENCE_MS 10000
#define AGAIN_MS 1000
#define COMPLAINT_MS 60000
#define KEY_SHOWN 100

struct letter {
    struct sw__dead_topic *dead;
    const struct rd_kafka_message_s *message;
    const char *reason;
    bool without_value; /* it is too large for that topic */
    bool under_way;
    void *place;
};

struct sw__dead_topic {
    struct sw_run *run;
    void (*sent)(void *arg);
    void *arg;
    struct sw_kafka *kafka; /* made when the first one comes */
    char *topic;
    zlistx_t *letters;
    int64_t again_at_ms, complaint_due_ms;
    int64_t said_due_ms, unsaid; /* letters that the log left out */
};

static void complain(struct sw__dead_topic *dead, const char *why) {
    if (sw__boot_ms() < dead->complaint_due_ms) return;
    dead->complaint_due_ms = sw__boot_ms() + COMPLAINT_MS;
    sw_log(
        SW_LOG_WARN,
        "kafka: the topic of dead records takes none, and the stream waits: create it (its name is "
        "SLIPWAY_KAFKA_TOPIC with -dead)",
        SW_S("topic", dead->topic), SW_S("why", why));
}

/* Whoever floods the topic does not flood the log: each letter says the same of itself. */
static void say(struct sw__dead_topic *dead, const struct letter *letter) {
    struct sw_kafka_record record;
    sw_metric_add(SW_M_STREAM_RECORDS, 1, "poison");
    if (sw__boot_ms() < dead->said_due_ms) {
        dead->unsaid++;
        return;
    }
    sw_kafka_look(letter->message, &record);
    sw_log(SW_LOG_WARN, "kafka: a record is put aside", SW_S("reason", letter->reason),
           SW_S("topic", dead->run->conf.kafka_topic), SW_I("partition", record.partition),
           SW_I("offset", record.offset), SW_I("left_out", dead->unsaid));
    dead->unsaid = 0;
    dead->said_due_ms = sw__boot_ms() + COMPLAINT_MS;
}

static void on_delivered(void *arg, void *opaque, int r, const char *why) {
    struct sw__dead_topic *dead = arg;
    struct letter *letter = opaque;
    letter->under_way = false;
    if (r == -EMSGSIZE && !letter->without_value) {
        letter->without_value = true;
    } else if (r < 0) {
        complain(dead, why);
    } else {
        say(dead, letter);
        zlistx_detach(dead->letters, letter->place);
        free(letter);
        dead->sent(dead->arg);
    }
}

static void on_turn(void *arg) {
    struct sw__dead_topic *dead = arg;
    sw__turn_end(dead->run);
}

static int open_writer(struct sw__dead_topic *dead) {
    char error[512];
    const struct sw_kafka_events events = {.delivered = on_delivered, .turn = on_turn, .arg = dead};
    int r = sw_kafka_writer(dead->run->loop, &dead->run->conf, PATIENCE_MS, &events, &dead->kafka,
                            error, sizeof(error));
    if (r < 0) complain(dead, error);
    return r;
}

static void send_letter(struct letter *letter) {
    struct sw__dead_topic *dead = letter->dead;
    struct sw_kafka_record record;
    char partition[16], offset[24], key[KEY_SHOWN + 1];
    if (!dead->kafka && open_writer(dead) < 0) return;
    sw_kafka_look(letter->message, &record);
    snprintf(partition, sizeof(partition), "%" PRId32, record.partition);
    snprintf(offset, sizeof(offset), "%" PRId64, record.offset);
    snprintf(key, sizeof(key), "%.*s",
             (int)(record.key_size < KEY_SHOWN ? record.key_size : KEY_SHOWN),
             record.key ? record.key : "");
    const struct sw_kafka_header headers[] = {{"reason", letter->reason},
                                              {"topic", dead->run->conf.kafka_topic},
                                              {"partition", partition},
                                              {"offset", offset},
                                              {"key", key},
                                              {NULL, NULL}};
    if (letter->without_value) {
        record.value = NULL;
        record.value_size = 0;
    }
    int r = sw_kafka_write(dead->kafka, dead->topic, &record, headers, letter);
    letter->under_way = r == 0;
    if (r == -EMSGSIZE) letter->without_value = true;
    if (r < 0) complain(dead, strerror(-r));
}

void sw__dead_topic_add(struct sw__dead_topic *dead, const struct rd_kafka_message_s *message,
                        const char *reason) {
    struct letter *letter = sw_zalloc(sizeof(*letter));
    *letter = (struct letter){.dead = dead, .message = message, .reason = reason};
    letter->place = zlistx_add_end(dead->letters, letter);
    send_letter(letter);
}

/* What was under way in it may not have been told. */
static void close_writer(struct sw__dead_topic *dead) {
    sw_kafka_destroy(sw_take(&dead->kafka));
    for (struct letter *l = zlistx_first(dead->letters); l; l = zlistx_next(dead->letters))
        l->under_way = false;
}

void sw__dead_topic_tick(struct sw__dead_topic *dead) {
    if (!dead->kafka && !zlistx_size(dead->letters)) return;
    if (dead->kafka && sw_kafka_broken(dead->kafka)) close_writer(dead);
    if (dead->kafka) sw_kafka_tick(dead->kafka, dead->run->conf.kafka_password.current);
    if (sw__boot_ms() < dead->again_at_ms) return;
    dead->again_at_ms = sw__boot_ms() + AGAIN_MS;
    for (struct letter *l = zlistx_first(dead->letters); l; l = zlistx_next(dead->letters)) {
        if (!l->under_way) send_letter(l);
    }
}

struct sw__dead_topic *sw__dead_topic_create(struct sw_run *run, void (*sent)(void *arg),
                                             void *arg) {
    struct sw__dead_topic *dead = sw_zalloc(sizeof(*dead));
    *dead = (struct sw__dead_topic){.run = run, .sent = sent, .arg = arg};
    dead->topic = sw_printf("%s-dead", run->conf.kafka_topic);
    dead->letters = zlistx_new();
    return dead;
}

static void on_left(void *arg) {
    (void)arg;
}

void sw__dead_topic_destroy(struct sw__dead_topic *dead) {
    struct letter *letter;
    if (!dead) return;
    dead->sent = on_left;
    sw_kafka_destroy(dead->kafka);
    while ((letter = zlistx_first(dead->letters))) {
        zlistx_detach(dead->letters, letter->place);
        free(letter);
    }
    zlistx_destroy(&dead->letters);
    free(dead->topic);
    free(dead);
}
