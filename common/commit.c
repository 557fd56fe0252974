/* commit.c -- many acknowledgements, with all that they caused, in one call of commit.lua.
 *
 * A batch remembers what has to follow once Redis has said yes: pushes on the wire, effects to start, pages to answer. On any
 * other answer nothing follows: the shard is reset and its mailbox replayed. */
#include "common/crash.h"
#include "common/effects_priv.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/otlp.h"
#include "common/request.h"
#include "common/run_priv.h"
#include "common/story.h"
#include "common/wire.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>

#define BATCH_BYTES (1024 * 1024)

/* What follows, in the order of the ops. */
enum follow_kind {
    FOLLOW_MESSAGE,
    FOLLOW_SEND,
    FOLLOW_FACT,
    FOLLOW_EFFECT,
    FOLLOW_ANSWER,
    FOLLOW_TALLY
};

struct follow {
    enum follow_kind kind;
    unsigned lane;
    const char *name, *bytes; /* of the arguments */
    size_t size;
    json_t *value;        /* effect: its record; answer: the packed tell */
    struct sw_span *span; /* message: NULL none */
};

struct sw_batch {
    struct sw_shard *shard;
    unsigned life;
    int64_t sent_at_ms;
    size_t messages, bytes;
    char **argv;
    size_t *sizes;
    int argc, room;
    struct follow *follow;
    size_t follows, follows_room;
    size_t last; /* message added, in `follow` */
};

static void push(struct sw_batch *batch, char *bytes, size_t size) {
    if (batch->argc == batch->room) {
        batch->room = batch->room ? batch->room * 2 : 128;
        batch->argv = sw_realloc(batch->argv, sizeof(*batch->argv) * (size_t)batch->room);
        batch->sizes = sw_realloc(batch->sizes, sizeof(*batch->sizes) * (size_t)batch->room);
    }
    batch->argv[batch->argc] = bytes;
    batch->sizes[batch->argc++] = size;
    batch->bytes += size;
}

static const char *push_text(struct sw_batch *batch, const char *text) {
    push(batch, sw_strdup(text), strlen(text));
    return batch->argv[batch->argc - 1];
}

static void push_int(struct sw_batch *batch, int64_t number) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    push_text(batch, text);
}

static struct follow *follow(struct sw_batch *batch, enum follow_kind kind) {
    if (batch->follows == batch->follows_room) {
        batch->follows_room = batch->follows_room ? batch->follows_room * 2 : 64;
        batch->follow = sw_realloc(batch->follow, sizeof(*batch->follow) * batch->follows_room);
    }
    struct follow *f = &batch->follow[batch->follows++];
    *f = (struct follow){.kind = kind};
    return f;
}

struct sw_batch *sw__batch_create(struct sw_shard *shard) {
    struct sw_batch *batch = sw_zalloc(sizeof(*batch));
    batch->shard = shard;
    batch->life = shard->life;
    sw_trace_busy(shard->number, true);
    push_text(batch, sw_redis_run_id(shard->ledger->redis));
    push_text(batch, shard->run->role);
    push_text(batch, shard->epoch);
    push_text(batch, shard->run->nonce);
    push_int(batch, (int64_t)shard->seq);
    return batch;
}

void sw__batch_destroy(struct sw_batch *batch) {
    if (!batch) return;
    for (int i = 0; i < batch->argc; i++)
        free(batch->argv[i]);
    for (size_t i = 0; i < batch->follows; i++) {
        json_decref(batch->follow[i].value);
        free(batch->follow[i].span);
    }
    free(batch->argv);
    free(batch->sizes);
    free(batch->follow);
    free(batch);
}

bool sw__batch_full(const struct sw_batch *batch) {
    return batch->messages >= (size_t)batch->shard->run->conf.batch || batch->bytes >= BATCH_BYTES;
}

static int push_message(struct sw_batch *batch, const struct sw_msg *m) {
    char *bytes;
    size_t size;
    int r = sw_msg_pack(m, &bytes, &size);
    if (r < 0) return r;
    push(batch, bytes, size);
    return 0;
}

static int add_send(struct sw_batch *batch, const struct sw_op *op) {
    char mailbox[SW_KEY_MAX + 8];
    snprintf(mailbox, sizeof(mailbox), op->bulk ? "%s:bulk" : "%s", op->name);
    push_text(batch, "S");
    push_text(batch, mailbox);
    int r = push_message(batch, op->m);
    if (r < 0) return r;
    struct follow *f = follow(batch, FOLLOW_SEND);
    f->name = batch->argv[batch->argc - 2]; /* the mailbox */
    f->lane = op->bulk;
    f->bytes = batch->argv[batch->argc - 1];
    f->size = batch->sizes[batch->argc - 1];
    return 0;
}

static int add_store(struct sw_batch *batch, const struct sw_op *op) {
    int64_t expires_ms = op->ms > 0 ? sw__shard_now_ms(batch->shard) + op->ms : 0;
    json_t *stored = json_pack("[I, O]", (json_int_t)expires_ms, op->value);
    char *bytes;
    size_t size;
    int r = sw_value_pack(stored, &bytes, &size);
    json_decref(stored);
    if (r == 0 && size > SW_MSG_MAX_BYTES) {
        free(bytes);
        r = -EMSGSIZE;
    }
    if (r < 0) return r;
    push_text(batch, "K");
    follow(batch, FOLLOW_FACT)->name = push_text(batch, op->name);
    push_int(batch, op->ms > 0 ? op->ms : 0);
    push(batch, bytes, size);
    return 0;
}

static int add_effect(struct sw_batch *batch, json_t *request, const struct sw_msg *m,
                      const struct sw_entry *entry, unsigned n) {
    char id[64];
    snprintf(id, sizeof(id), "%" PRIu64 "-%" PRIu64 ".%u.%u", entry->id.gen, entry->id.seq,
             entry->lane, n);
    sw_request_freeze(request);
    json_t *record = json_pack("{s:O, s:o}", "q", request, "m", sw_msg_to_json(m));
    char *bytes;
    size_t size;
    int r = sw__effect_pack(batch->shard->run, batch->shard->prefix, id, record, &bytes, &size);
    if (r < 0) {
        json_decref(record);
        return r;
    }
    push_text(batch, "F");
    const char *name = push_text(batch, id);
    push(batch, bytes, size);
    struct follow *f = follow(batch, FOLLOW_EFFECT);
    f->name = name;
    f->value = record;
    return 0;
}

/* A message for another shard is a call of the ledger, and a quiet one: effects.c appends it there. */
static int add_pass(struct sw_batch *batch, const struct sw_op *op, const struct sw_entry *entry,
                    unsigned n) {
    SW_AUTO(sw_json)
    json_t *request = json_pack("{s:s, s:s, s:s, s:b, s:o}", "up", "ledger", "actor", op->name,
                                "repeat", "safe", "quiet", 1, "message", sw_msg_to_json(op->m));
    return add_effect(batch, request, op->m, entry, n);
}

static void add_tally(struct sw_batch *batch, const struct sw_op *op) {
    follow(batch, FOLLOW_TALLY)->value =
        json_pack("[i, I, O]", (int)op->metric, (json_int_t)op->ms, op->value);
}

static void tally(const json_t *row) {
    const json_t *given = json_array_get(row, 2);
    const char *labels[3] = {NULL, NULL, NULL};
    int metric;
    json_int_t value;
    if (json_unpack((json_t *)row, "[i, I]", &metric, &value) < 0) return;
    for (size_t i = 0; i < json_array_size(given) && i < 2; i++)
        labels[i] = json_string_value(json_array_get(given, i));
    sw_metric_tally((enum sw_metric)metric, value, labels);
}

static void add_answer(struct sw_batch *batch, const struct sw_op *op, const struct sw_msg *in) {
    struct sw_msg *page = sw_msg_create(SW_KIND_PAGE, in->cmd, in->inst, in->born_ms);
    json_object_update(page->body, op->value);
    json_object_set_new(page->body, "wait", json_string(op->name));
    follow(batch, FOLLOW_ANSWER)->value = sw_msg_to_json(page);
    sw_msg_destroy(page);
}

static void add_source(struct sw_batch *batch, const struct sw_op *op, const struct sw_msg *in) {
    char key[SW_KEY_MAX + 16];
    const char *argv[] = {op->kind == SW_OP_SOURCE ? "SADD" : "SREM", in->inst};
    const size_t sizes[] = {4, strlen(in->inst)};
    snprintf(key, sizeof(key), "sw:src:%s", op->name);
    /* A hint, where the shard lives: on the same connection and so before the commit; lost with it. */
    (void)sw_redis_eval(batch->shard->ledger->redis, SW_SCRIPT_SOURCE, key, 2, argv, sizes, NULL,
                        NULL);
}

/* Written down as JSON: an auditor may read it without us. */
static int add_audit(struct sw_batch *batch, const struct sw_op *op, const struct sw_msg *in) {
    struct sw_run *run = batch->shard->run;
    SW_AUTO(sw_json) json_t *entry = json_copy(op->value);
    json_object_set_new(entry, "actor", json_string(run->role));
    if (!json_object_get(entry, "at_ms"))
        json_object_set_new(entry, "at_ms", json_integer(sw__shard_now_ms(batch->shard)));
    if (!json_object_get(entry, "cmd")) json_object_set_new(entry, "cmd", json_string(in->cmd));
    char *bytes = json_dumps(entry, JSON_COMPACT);
    if (!bytes || strlen(bytes) > SW_MSG_MAX_BYTES) {
        free(bytes);
        return -EMSGSIZE;
    }
    push_text(batch, "A");
    push_text(batch, in->inst);
    push_int(batch, run->conf.audit_max);
    push(batch, bytes, strlen(bytes));
    return 0;
}

/* What comes back says whose it was, so that the person can be told when it goes dead. */
static void keep_who(const struct sw_op *op, const struct sw_msg *in) {
    json_t *who = in ? json_object_get(in->body, "who") : NULL;
    if (who && !json_object_get(op->m->body, "who")) json_object_set(op->m->body, "who", who);
}

static int add_op(struct sw_batch *batch, const struct sw_op *op, const struct sw_entry *entry,
                  unsigned n) {
    switch (op->kind) {
    case SW_OP_SEND:
        return add_send(batch, op);
    case SW_OP_AFTER:
        keep_who(op, entry->m);
        push_text(batch, "T");
        push_text(batch, op->name);
        push_int(batch, op->ms);
        if (sw__shard_now_ms(batch->shard) + op->ms < batch->shard->next_due_ms)
            batch->shard->next_due_ms = sw__shard_now_ms(batch->shard) + op->ms;
        return push_message(batch, op->m);
    case SW_OP_CANCEL:
        push_text(batch, "C");
        push_text(batch, op->name);
        return 0;
    case SW_OP_HTTP:
        keep_who(op, entry->m);
        return add_effect(batch, op->value, op->m, entry, n);
    case SW_OP_PASS:
        return add_pass(batch, op, entry, n);
    case SW_OP_TALLY:
        add_tally(batch, op);
        return 0;
    case SW_OP_STORE:
        return add_store(batch, op);
    case SW_OP_FORGET:
        push_text(batch, "D");
        follow(batch, FOLLOW_FACT)->name = push_text(batch, op->name);
        return 0;
    case SW_OP_ANSWER:
        add_answer(batch, op, entry->m);
        return 0;
    case SW_OP_SOURCE:
    case SW_OP_UNSOURCE:
        add_source(batch, op, entry->m);
        return 0;
    case SW_OP_AUDIT:
        return add_audit(batch, op, entry->m);
    }
    return -EINVAL;
}

/* What a later handler sees before the commit is confirmed. Deep copies: what it builds must not change what is stored. */
static void overlay(struct sw_shard *shard, const struct sw_out *out) {
    for (size_t i = 0; i < out->count; i++) {
        const struct sw_op *op = &out->ops[i];
        if (op->kind == SW_OP_STORE) {
            int64_t expires_ms = op->ms > 0 ? sw__shard_now_ms(shard) + op->ms : 0;
            sw__facts_set(shard, op->name, json_deep_copy(op->value), expires_ms);
        } else if (op->kind == SW_OP_FORGET) {
            sw__facts_set(shard, op->name, NULL, 0);
        }
    }
}

static void add_head(struct sw_batch *batch, const struct sw_entry *entry, const char *dead) {
    char id[48];
    snprintf(id, sizeof(id), "%" PRIu64 "-%" PRIu64, entry->id.gen, entry->id.seq);
    /* As the door counted it: commands, and what browsers ask for that no installation is known of. */
    bool counted =
        entry->m &&
        (!strcmp(entry->m->kind, SW_KIND_SLASH) ||
         (!strcmp(entry->m->kind, SW_KIND_WEB) && !strcmp(entry->m->inst, SW_INST_INSTALL)));
    follow(batch, FOLLOW_MESSAGE);
    push_text(batch, "M");
    push_text(batch, batch->shard->lane[entry->lane].mailbox);
    push_text(batch, id);
    push_text(batch, counted ? entry->m->inst : "");
    if (dead) {
        push_text(batch, "X");
        push_text(batch, dead);
        if (!entry->m || push_message(batch, entry->m) < 0) push_text(batch, "");
    }
    if (entry->attempt) {
        push_text(batch, "Y");
        push_text(batch, id);
    }
}

/* Behind all that the message caused: the script adds the ids that those got. */
static void add_story(struct sw_batch *batch, const struct sw_entry *entry,
                      const struct sw_out *out, const char *dead) {
    char *story = sw__story_hop(batch->shard->run, entry, out, dead);
    if (!story) return;
    push_text(batch, "W");
    push_int(batch, batch->shard->run->conf.story_max);
    push(batch, story, strlen(story));
}

int sw__batch_add(struct sw_batch *batch, const struct sw_entry *entry, struct sw_out *out,
                  const char *dead) {
    int argc = batch->argc;
    size_t follows = batch->follows;
    add_head(batch, entry, dead);
    for (unsigned n = 0; n < out->count; n++) {
        int r = add_op(batch, &out->ops[n], entry, n);
        if (r == 0) continue;
        while (batch->argc > argc)
            free(batch->argv[--batch->argc]);
        while (batch->follows > follows)
            json_decref(batch->follow[--batch->follows].value);
        return r;
    }
    add_story(batch, entry, out, dead);
    overlay(batch->shard, out);
    batch->last = follows;
    batch->messages++;
    return 0;
}

void sw__batch_span(struct sw_batch *batch, struct sw_span *span, const char *dead) {
    if (dead) snprintf(span->error, sizeof(span->error), "%s", dead);
    batch->follow[batch->last].span = span;
}

static void answer(struct sw_run *run, const struct follow *f) {
    struct sw_msg *page = sw_msg_from_json(f->value);
    char *bytes, endpoint[160];
    size_t size;
    if (!page) return;
    /* The name of a waiting request is "<endpoint>|<number>". */
    const char *wait = sw_str(page->body, "wait");
    snprintf(endpoint, sizeof(endpoint), "%.*s", (int)strcspn(wait, "|"), wait);
    if (sw_msg_pack(page, &bytes, &size) == 0) {
        sw_wire_tell(run->wire, endpoint, "ingress", bytes, size);
        free(bytes);
    }
    sw_msg_destroy(page);
}

static void push_on(struct sw_shard *shard, const struct follow *f, const char *id_text,
                    const char *endpoint) {
    struct sw_id id;
    if (!sw__id_parse(id_text, &id)) return;
    if (!strcmp(endpoint, sw_wire_endpoint(shard->run->wire))) {
        sw__mailbox_receive(shard, f->lane, id, f->bytes, f->size);
    } else {
        sw_wire_entry(shard->run->wire, endpoint, f->name, shard->number, f->lane, id.gen, id.seq,
                      f->bytes, f->size);
    }
}

/* Walks what follows beside Redis' results. False: some message had been handled before. */
static bool follow_up(struct sw_batch *batch, const redisReply *results) {
    struct sw_shard *shard = batch->shard;
    bool live = false, all = true;
    size_t at = 0;
    for (size_t i = 0; i < batch->follows; i++) {
        struct follow *f = &batch->follow[i];
        if (f->kind == FOLLOW_MESSAGE) {
            live = at < results->elements && results->element[at++]->integer == 1;
            all = all && live;
            if (live && f->span) sw_otlp_add(shard->run->otlp, f->span);
            continue;
        }
        if (!live) continue;
        if (f->kind == FOLLOW_SEND && at + 1 < results->elements) {
            push_on(shard, f, results->element[at]->str, results->element[at + 1]->str);
            at += 2;
        } else if (f->kind == FOLLOW_FACT) {
            sw__facts_committed(shard, f->name);
        } else if (f->kind == FOLLOW_EFFECT) {
            sw__effects_owe(shard, f->name, f->value);
        } else if (f->kind == FOLLOW_TALLY) {
            tally(f->value);
        } else if (f->kind == FOLLOW_ANSWER) {
            answer(shard->run, f);
        }
    }
    return all;
}

static void on_committed(void *arg, const redisReply *reply) {
    struct sw_batch *batch = arg;
    struct sw_shard *shard = batch->shard;
    if (reply && shard->life == batch->life && sw__reply_is(shard, reply, "ok")) {
        SW_CRASH("after-commit-before-wire");
        sw__clock(shard->ledger, atoll(reply->element[1]->str));
        sw_metric_add(SW_M_COMMITS, 1);
        sw_metric_observe(SW_M_COMMIT_BATCH, (int64_t)batch->messages);
        sw_metric_observe(SW_M_COMMIT_MS, sw__boot_ms() - batch->sent_at_ms);
        shard->batches--;
        sw_trace_busy(shard->number, shard->batches || shard->open);
        /* State of a message that had been handled before is in the overlay but not in Redis. */
        if (!follow_up(batch, reply->element[2])) sw__shard_reset(shard);
        sw__facts_trim(shard);
        if (shard->state == SW_LEAVING) sw__lease_released(shard);
        sw__pump(shard->run);
    }
    sw__batch_destroy(batch);
}

void sw__batch_send(struct sw_shard *shard) {
    struct sw_batch *batch = sw_take(&shard->open);
    SW_CRASH("before-commit");
    batch->sent_at_ms = sw__boot_ms();
    if (sw_redis_eval(shard->ledger->redis, SW_SCRIPT_COMMIT, shard->prefix, batch->argc,
                      (const char **)batch->argv, batch->sizes, on_committed, batch) < 0) {
        sw__batch_destroy(batch);
        return; /* the connection is gone: the shard is reset by its event */
    }
    shard->seq++;
    shard->batches++;
}
