/* stream_in.c -- see stream_in.h.
 *
 * One batch is under way at a time: whom its sources concern is asked (stream_index.c), then record by record is passed by, appended
 * or put aside (stream_dead.c), and when Redis and Kafka have confirmed all of it its offsets are stored, so a process that dies
 * loses nothing; what is read again is known by its dedupe key. While nothing goes on the reader is paused and still asked, which
 * keeps it in its group: what comes all the same is held for the next batch. */
#include "common/stream_in.h"

#include "common/append.h"
#include "common/crash.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/stream_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>

#define BATCH 1000
#define APPENDS_MAX 512
#define LAG_MS 5000
#define AGAIN_MS 100
#define STUCK_MS 3000

enum phase { IDLE, ASKING, WORKING };

struct part { /* a partition that this process has had */
    int32_t number;
    int64_t done;  /* everything before was taken in; -1: nothing is known */
    int64_t batch; /* the same when this batch is done; -1: it has none of it */
    bool lost;     /* it went while this batch was under way */
    bool going;    /* it went during this very read */
};

struct sw_stream_in {
    struct sw_run *run;
    struct sw_kafka *kafka;
    struct sw_appends *appends;
    struct sw__index *index;
    struct sw__dead_topic *dead;
    struct part *part;
    size_t parts;
    struct rd_kafka_message_s
        *message[3 * BATCH]; /* this batch, the next, and what comes though paused */
    bool stale[3 * BATCH];   /* of a partition that went: another reads it */
    size_t held;             /* messages here, this batch first */
    size_t count;            /* of this batch */
    enum phase phase;
    size_t at;        /* the record that is looked at */
    json_t *record;   /* it, while not all of its installations are told */
    struct taken *to; /* what became of it so far */
    size_t next_inst;
    struct sw_ctx ctx;
    unsigned number;    /* of the command ids under ctx */
    size_t outstanding; /* appends and letters */
    size_t skipped;
    int64_t lag_at_ms, again_at_ms, began_ms;
    size_t lag_next; /* the partition whose lag is looked at next */
    char source[SW_EVENT_SOURCE_MAX + 1];
};

struct taken { /* one record that concerns somebody */
    size_t left;
    bool fresh; /* somebody had not seen it before */
};

struct append {
    struct sw_stream_in *in;
    struct taken *of;
    struct sw_append a;
};

static struct part *part_of(struct sw_stream_in *in, int32_t number) {
    for (size_t i = 0; i < in->parts; i++) {
        if (in->part[i].number == number) return &in->part[i];
    }
    in->part = sw_realloc(in->part, (in->parts + 1) * sizeof(*in->part));
    in->part[in->parts] = (struct part){.number = number, .done = -1, .batch = -1};
    return &in->part[in->parts++];
}

/* What a set of the index may be called; NULL: it concerns nobody. */
static const char *source_of(void *arg, size_t i) {
    struct sw_stream_in *in = arg;
    struct sw_kafka_record r;
    sw_kafka_look(in->message[i], &r);
    if (!r.key || !r.key_size || r.key_size > SW_EVENT_SOURCE_MAX ||
        memchr(r.key, '\0', r.key_size))
        return NULL;
    memcpy(in->source, r.key, r.key_size);
    in->source[r.key_size] = '\0';
    return in->source;
}

/* ---- the end of a batch ---- */

static void store_offsets(struct sw_stream_in *in) {
    for (size_t i = 0; i < in->parts; i++) {
        struct part *part = &in->part[i];
        if (part->batch >= 0 && !part->lost) {
            part->done = part->batch;
            sw_kafka_store(in->kafka, part->number, part->done);
        }
        part->batch = -1;
        part->lost = false;
    }
}

static void end_batch(struct sw_stream_in *in) {
    SW_CRASH("before-offsets");
    store_offsets(in);
    if (in->skipped) sw_metric_add(SW_M_STREAM_RECORDS, (int64_t)in->skipped, "skipped");
    in->skipped = 0;
    for (size_t i = 0; i < in->count; i++)
        sw_kafka_free(in->message[i]);
    in->held -= in->count;
    memmove(in->message, in->message + in->count, in->held * sizeof(in->message[0]));
    memmove(in->stale, in->stale + in->count, in->held * sizeof(in->stale[0]));
    in->count = 0;
    in->phase = IDLE;
}

/* ---- a record ---- */

static void taken_end(struct taken *taken) {
    if (--taken->left > 0) return;
    sw_metric_add(SW_M_STREAM_RECORDS, 1, taken->fresh ? "appended" : "duplicate");
    free(taken);
}

static bool on_verdict(void *owner, const struct sw_append *a, enum sw_verdict verdict) {
    struct append *append = owner;
    (void)a;
    if (verdict == SW_APPENDED) append->of->fresh = true;
    append->in->outstanding--;
    taken_end(append->of);
    sw_msg_destroy(append->a.m);
    struct sw_stream_in *in = append->in;
    free(append);
    sw__pump(in->run);
    return false;
}

static void poison(struct sw_stream_in *in, const char *reason) {
    in->outstanding++;
    sw__dead_topic_add(in->dead, in->message[in->at], reason);
}

static void on_dead(void *arg) {
    struct sw_stream_in *in = arg;
    in->outstanding--;
    sw__pump(in->run);
}

/* -EAGAIN: too many are on their way. */
static int tell(struct sw_stream_in *in, const struct sw__concern *concern) {
    for (; in->next_inst < concern->count; in->next_inst++) {
        if (in->outstanding >= APPENDS_MAX) return -EAGAIN;
        struct append *append = sw_zalloc(sizeof(*append));
        append->in = in;
        append->of = in->to;
        sw_event_append(&in->ctx, "notifier", in->record, concern->inst[in->next_inst],
                        in->number++, &append->a);
        append->a.bulk = true;
        if (sw__appends_add(in->appends, append, &append->a) < 0) {
            /* Too deep or too large for an envelope, for each of them alike. */
            sw_msg_destroy(append->a.m);
            free(append);
            return -EMSGSIZE;
        }
        in->outstanding++;
        in->to->left++;
    }
    return 0;
}

static int go_on(struct sw_stream_in *in, const struct sw__concern *concern) {
    int r = tell(in, concern);
    if (r == -EAGAIN) return r;
    json_decref(sw_take(&in->record));
    if (r < 0 && in->to->left == 1) {
        free(sw_take(&in->to));
        poison(in, "envelope");
    } else {
        taken_end(sw_take(&in->to));
    }
    return 0;
}

static int take_in(struct sw_stream_in *in, const struct sw__concern *concern) {
    struct sw_kafka_record r;
    const char *fault = NULL;
    sw_kafka_look(in->message[in->at], &r);
    if (r.value_size > SW_EVENT_BYTES) {
        poison(in, "too_large");
        return 0;
    }
    json_t *record =
        r.value ? json_loadb(r.value, r.value_size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    fault = record ? sw_event_fault(record, source_of(in, in->at), in->ctx.now_ms) : "not_json";
    if (fault) {
        json_decref(record);
        poison(in, fault);
        return 0;
    }
    in->record = record;
    in->to = sw_zalloc(sizeof(*in->to));
    in->to->left = 1; /* until all are told */
    in->next_inst = 0;
    return go_on(in, concern);
}

/* -EAGAIN: to be looked at again. */
static int look_at(struct sw_stream_in *in) {
    struct sw_kafka_record r;
    const char *source = source_of(in, in->at);
    const struct sw__concern *concern = source ? sw__index_find(in->index, source) : NULL;
    sw_kafka_look(in->message[in->at], &r);
    if (in->record) return go_on(in, concern);
    if (in->stale[in->at]) return 0;
    struct part *part = part_of(in, r.partition);
    if (part->done < 0) part->done = r.offset;
    part->batch = r.offset + 1;
    if (!r.key_size) {
        if (in->outstanding >= APPENDS_MAX) return -EAGAIN;
        poison(in, "no_key");
        return 0;
    }
    if (!concern || !concern->count) {
        in->skipped++;
        return 0;
    }
    if (in->outstanding >= APPENDS_MAX) return -EAGAIN;
    return take_in(in, concern);
}

/* ---- a batch ---- */

static void work(struct sw_stream_in *in) {
    while (in->at < in->count) {
        if (look_at(in) == -EAGAIN) return;
        in->at++;
    }
    if (in->outstanding == 0) end_batch(in);
}

static void on_said(void *arg, bool known) {
    struct sw_stream_in *in = arg;
    in->phase = known ? WORKING : IDLE;
    if (!known) in->again_at_ms = sw__boot_ms() + AGAIN_MS;
    sw__pump(in->run);
}

static void begin(struct sw_stream_in *in) {
    in->count = in->held < BATCH ? in->held : BATCH;
    in->at = 0;
    in->began_ms = sw__boot_ms();
    in->number = 0;
    in->ctx = (struct sw_ctx){.now_ms = sw__now_ms(in->run), .attempt = 1};
    randombytes_buf(in->ctx.seed, sizeof(in->ctx.seed));
    in->phase = ASKING;
    if (sw__index_ask(in->index, source_of, in->count) < 0) in->phase = IDLE;
}

static void read_more(struct sw_stream_in *in) {
    size_t first = in->held;
    struct sw_kafka_record r;
    in->held += sw_kafka_read(in->kafka, in->message + first, BATCH);
    for (size_t i = first; i < in->held; i++) {
        sw_kafka_look(in->message[i], &r);
        in->stale[i] = part_of(in, r.partition)->going;
    }
    for (size_t i = 0; i < in->parts; i++)
        in->part[i].going = false;
}

/* Redis is away or full, or the topic of the dead takes nothing. */
static bool is_stuck(const struct sw_stream_in *in) {
    return !sw__appends_open(in->appends) ||
           (in->phase != IDLE && sw__boot_ms() - in->began_ms >= STUCK_MS);
}

static void advance(struct sw_stream_in *in) {
    bool open = sw__appends_open(in->appends);
    sw_kafka_pause(in->kafka, is_stuck(in));
    if (in->phase == WORKING) work(in);
    if (in->phase != IDLE || in->run->draining) return;
    if (in->held < BATCH) read_more(in);
    if (in->held && open && sw__boot_ms() >= in->again_at_ms) begin(in);
}

static void on_woken(void *arg) {
    struct sw_stream_in *in = arg;
    sw__pump(in->run);
}

static void on_turn(void *arg) {
    struct sw_stream_in *in = arg;
    sw__turn_end(in->run);
}

static void on_lost(void *arg, int32_t partition) {
    struct sw_stream_in *in = arg;
    char label[300];
    struct sw_kafka_record r;
    struct part *part = part_of(in, partition);
    part->going = true;
    part->lost = in->phase == WORKING; /* before that the batch has nothing of it */
    part->done = -1;
    for (size_t i = in->phase == IDLE ? 0 : in->at; i < in->held; i++) {
        sw_kafka_look(in->message[i], &r);
        in->stale[i] = in->stale[i] || r.partition == partition;
    }
    snprintf(label, sizeof(label), "%.50s/%" PRId32, in->run->conf.kafka_topic, partition);
    sw_metric_set(SW_M_KAFKA_LAG, 0, label);
}

void sw__stream_in_turn(struct sw_stream_in *in) {
    advance(in);
    sw__appends_turn(in->appends);
}

static void show_lag(struct sw_stream_in *in, const struct part *part) {
    char label[300];
    int64_t newest = part->done < 0 ? -1 : sw_kafka_newest(in->kafka, part->number);
    if (newest < part->done || newest < 0) return;
    snprintf(label, sizeof(label), "%.50s/%" PRId32, in->run->conf.kafka_topic, part->number);
    sw_metric_set(SW_M_KAFKA_LAG, newest - part->done, label);
}

/* One partition at a time: while the reader is paused each look asks a broker, and the loop waits for it. */
static void show_lags(struct sw_stream_in *in) {
    int64_t now_ms = sw__boot_ms();
    if (!in->parts || now_ms - in->lag_at_ms < LAG_MS / (int64_t)in->parts) return;
    in->lag_at_ms = now_ms;
    show_lag(in, &in->part[in->lag_next++ % in->parts]);
}

void sw__stream_in_tick(struct sw_stream_in *in) {
    sw_kafka_tick(in->kafka, in->run->conf.kafka_password.current);
    if (sw_kafka_broken(in->kafka)) sw__die(in->run, "kafka's reader is at its end");
    sw__dead_topic_tick(in->dead);
    sw__appends_tick(in->appends);
    /* Somebody else may ask for our partitions meanwhile, and the group wants to hear of us. */
    if (is_stuck(in) && in->held <= 2 * BATCH && !in->run->draining) read_more(in);
    show_lags(in);
    sw__pump(in->run);
}

bool sw__stream_in_drained(struct sw_stream_in *in) {
    if (sw__ledgers_up(in->run) < in->run->ledgers) return true; /* nothing can be finished */
    return in->phase == IDLE && sw_kafka_left(in->kafka);
}

int sw__stream_in_create(struct sw_run *run, struct sw_stream_in **ret, char *error, size_t room) {
    struct sw_stream_in *in = sw_zalloc(sizeof(*in));
    const struct sw_kafka_events events = {
        .woken = on_woken, .lost = on_lost, .turn = on_turn, .arg = in};
    in->run = run;
    in->appends = sw__appends_create(run, true, on_verdict);
    in->index = sw__index_create(run, on_said, in);
    in->dead = sw__dead_topic_create(run, on_dead, in);
    int r = sw_kafka_reader(run->loop, &run->conf, &events, &in->kafka, error, room);
    if (r < 0) {
        sw__stream_in_destroy(in);
        return r;
    }
    *ret = in;
    return 0;
}

void sw__stream_in_destroy(struct sw_stream_in *in) {
    if (!in) return;
    sw__appends_destroy(in->appends);
    sw__dead_topic_destroy(in->dead);
    for (size_t i = 0; i < in->held; i++)
        sw_kafka_free(in->message[i]);
    sw_kafka_destroy(in->kafka);
    sw__index_destroy(in->index);
    json_decref(in->record);
    free(in->to);
    free(in->part);
    free(in);
}
