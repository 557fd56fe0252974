/* stream_out.c -- see stream_out.h.
 *
 * While Kafka is away one record at a time waits to see whether it is back; all others go by the ledger at once. One that was given
 * up here and is delivered all the same is known by its dedupe key. */
#include "common/stream_out.h"

#include "common/door.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/mem.h"

#include <errno.h>

#define PATIENCE_MS 3000
#define COMPLAINT_MS 60000

struct sw_stream_out {
    struct sw_run *run;
    struct sw_kafka *kafka;
    zlistx_t *waiting; /* struct record, in the order sent */
    size_t asked;      /* of them, those whose caller still waits */
    bool away;
    int64_t complaint_due_ms;
};

struct record {
    struct sw_stream_out *out;
    sw_produced_fn *fn; /* NULL: was told */
    void *arg;
    void *place;
    int64_t deadline_ms;
};

static void tell(struct record *record, bool ok) {
    sw_produced_fn *fn = record->fn;
    if (!fn) return;
    record->fn = NULL;
    record->out->asked--;
    fn(record->arg, ok);
}

static void failed(struct sw_stream_out *out, const char *why) {
    out->away = true;
    if (sw__boot_ms() < out->complaint_due_ms) return;
    out->complaint_due_ms = sw__boot_ms() + COMPLAINT_MS;
    sw_log(SW_LOG_WARN, "kafka takes no records: webhooks go through Redis alone",
           SW_S("topic", out->run->conf.kafka_topic), SW_S("why", why));
}

static void on_delivered(void *arg, void *opaque, int r, const char *why) {
    struct sw_stream_out *out = arg;
    struct record *record = opaque;
    if (r == -EIO) failed(out, why);
    if (r == 0 && out->away) {
        out->away = false;
        out->complaint_due_ms = 0;
        sw_log(SW_LOG_INFO, "kafka takes records again");
    }
    zlistx_detach(out->waiting, record->place);
    tell(record, r == 0);
    free(record);
}

static void on_turn(void *arg) {
    struct sw_stream_out *out = arg;
    sw__turn_end(out->run);
}

static int open_writer(struct sw_stream_out *out, char *error, size_t room) {
    const struct sw_kafka_events events = {.delivered = on_delivered, .turn = on_turn, .arg = out};
    return sw_kafka_writer(out->run->loop, &out->run->conf, PATIENCE_MS, &events, &out->kafka,
                           error, room);
}

/* What it did not tell of in time is told as failed. */
static void close_writer(struct sw_stream_out *out) {
    struct record *record;
    sw_kafka_destroy(sw_take(&out->kafka));
    while ((record = zlistx_first(out->waiting)))
        on_delivered(out, record, -ECANCELED, "");
}

int sw__stream_out_send(struct sw_stream_out *out, const char *source, const json_t *json,
                        sw_produced_fn *fn, void *arg) {
    if (!out->kafka || (out->away && out->asked)) return -EAGAIN;
    SW_AUTO(sw_text) char *value = json_dumps(json, JSON_COMPACT);
    if (!value) return -EIO;
    struct sw_kafka_record r = {
        .key = source, .key_size = strlen(source), .value = value, .value_size = strlen(value)};
    if (r.value_size > SW_EVENT_BYTES) return -EMSGSIZE;
    struct record *record = sw_zalloc(sizeof(*record));
    *record = (struct record){
        .out = out, .fn = fn, .arg = arg, .deadline_ms = sw__boot_ms() + PATIENCE_MS};
    int sent = sw_kafka_write(out->kafka, out->run->conf.kafka_topic, &r, NULL, record);
    if (sent < 0) {
        free(record);
        return sent;
    }
    record->place = zlistx_add_end(out->waiting, record);
    out->asked++;
    return 0;
}

void sw__stream_out_tick(struct sw_stream_out *out) {
    char error[512];
    int64_t now_ms = sw__boot_ms();
    for (struct record *r = zlistx_first(out->waiting); r && r->deadline_ms <= now_ms;
         r = zlistx_next(out->waiting)) {
        if (r->fn) failed(out, "no report in time");
        tell(r, false);
    }
    if (out->kafka && sw_kafka_broken(out->kafka)) close_writer(out);
    if (!out->kafka && open_writer(out, error, sizeof(error)) < 0) failed(out, error);
    if (out->kafka) sw_kafka_tick(out->kafka, out->run->conf.kafka_password.current);
}

int sw__stream_out_create(struct sw_run *run, struct sw_stream_out **ret, char *error,
                          size_t room) {
    struct sw_stream_out *out = sw_zalloc(sizeof(*out));
    out->run = run;
    out->waiting = zlistx_new();
    int r = open_writer(out, error, room);
    if (r < 0) {
        sw__stream_out_destroy(out);
        return r;
    }
    *ret = out;
    return 0;
}

void sw__stream_out_destroy(struct sw_stream_out *out) {
    if (!out) return;
    for (struct record *record = zlistx_first(out->waiting); record;
         record = zlistx_next(out->waiting))
        record->fn = NULL;
    close_writer(out);
    zlistx_destroy(&out->waiting);
    free(out);
}
