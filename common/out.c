/* out.c -- the outbox; see out.h and actor.h. */
#include "common/out.h"

#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>

void sw_out_init(struct sw_out *out, const struct sw_msg *in, sw_fact_fn *fact, void *fact_arg) {
    out->in = in;
    out->fact = fact;
    out->fact_arg = fact_arg;
    out->wanting = false;
    out->error = 0;
    out->count = 0;
}

void sw_out_reset(struct sw_out *out) {
    for (size_t i = 0; i < out->count; i++) {
        free(out->ops[i].name);
        sw_msg_destroy(out->ops[i].m);
        json_decref(out->ops[i].value);
    }
    out->count = 0;
}

void sw_out_finish(struct sw_out *out) {
    sw_out_reset(out);
}

/* Ops beyond the limit go to a scrap place, so that callers need no check; the call fails as a whole. */
static struct sw_op *push(struct sw_out *out, enum sw_op_kind kind, const char *name) {
    if (strlen(name) > SW_KEY_MAX) out->error = -EINVAL;
    if (out->count == SW_OPS_MAX) {
        out->error = -E2BIG;
        struct sw_op *last = &out->ops[--out->count];
        free(last->name);
        sw_msg_destroy(last->m);
        json_decref(last->value);
    }
    struct sw_op *op = &out->ops[out->count++];
    *op = (struct sw_op){.kind = kind, .name = sw_strdup(name)};
    return op;
}

int sw_fact(struct sw_out *out, const char *key, const json_t **ret) {
    *ret = NULL; /* whoever looks before it returns -EAGAIN finds nothing */
    for (size_t i = out->count; i > 0; i--) {
        const struct sw_op *op = &out->ops[i - 1];
        if ((op->kind == SW_OP_STORE || op->kind == SW_OP_FORGET) && !strcmp(op->name, key)) {
            *ret = op->kind == SW_OP_STORE ? op->value : NULL;
            return 0;
        }
    }
    int r = out->fact(out->fact_arg, key, ret);
    if (r == -EAGAIN) out->wanting = true;
    return r;
}

static struct sw_msg *emit(struct sw_out *out, const char *actor, const char *kind, json_t *body,
                           bool bulk) {
    struct sw_op *op = push(out, SW_OP_SEND, actor);
    op->bulk = bulk;
    op->m = sw_msg_from(out->in, kind, body);
    return op->m;
}

struct sw_msg *sw_send(struct sw_out *out, const char *actor, const char *kind, json_t *body) {
    return emit(out, actor, kind, body, false);
}

struct sw_msg *sw_send_bulk(struct sw_out *out, const char *actor, const char *kind, json_t *body) {
    return emit(out, actor, kind, body, true);
}

void sw_resume(struct sw_out *out, const char *actor, struct sw_msg *m) {
    struct sw_op *op = push(out, SW_OP_SEND, actor);
    op->m = m;
}

struct sw_msg *sw_after(struct sw_out *out, const char *name, int64_t delay_ms, const char *kind,
                        json_t *body) {
    struct sw_op *op = push(out, SW_OP_AFTER, name);
    op->ms = delay_ms > 0 ? delay_ms : 0;
    op->m = sw_msg_from(out->in, kind, body);
    return op->m;
}

void sw_cancel(struct sw_out *out, const char *name) {
    push(out, SW_OP_CANCEL, name);
}

struct sw_msg *sw_http(struct sw_out *out, json_t *request, const char *kind, json_t *body) {
    struct sw_op *op = push(out, SW_OP_HTTP, "");
    if (!request) out->error = -EINVAL;
    op->value = request;
    op->m = sw_msg_from(out->in, kind, body);
    return op->m;
}

void sw_store(struct sw_out *out, const char *key, json_t *value, int64_t ttl_ms) {
    struct sw_op *op = push(out, SW_OP_STORE, key);
    if (!value) out->error = -EINVAL;
    op->value = value;
    op->ms = ttl_ms;
}

void sw_forget(struct sw_out *out, const char *key) {
    push(out, SW_OP_FORGET, key);
}

void sw_answer(struct sw_out *out, const char *wait, json_t *page) {
    struct sw_op *op = push(out, SW_OP_ANSWER, wait);
    if (!page) out->error = -EINVAL;
    op->value = page;
}

void sw_source(struct sw_out *out, const char *source) {
    push(out, SW_OP_SOURCE, source);
}

void sw_unsource(struct sw_out *out, const char *source) {
    push(out, SW_OP_UNSOURCE, source);
}

void sw_audit(struct sw_out *out, json_t *entry) {
    struct sw_op *op = push(out, SW_OP_AUDIT, "");
    if (!json_is_object(entry)) out->error = -EINVAL;
    op->value = entry;
}

void sw_pass(struct sw_out *out, const char *actor, struct sw_msg *m) {
    struct sw_op *op = push(out, SW_OP_PASS, actor);
    op->m = m;
}

void sw_tally(struct sw_out *out, enum sw_metric metric, int64_t value, const char *label,
              const char *label_2) {
    struct sw_op *op = push(out, SW_OP_TALLY, sw_metric_name(metric));
    op->metric = metric;
    op->ms = value;
    op->value = json_array();
    if (label) json_array_append_new(op->value, json_string(label));
    if (label && label_2) json_array_append_new(op->value, json_string(label_2));
}

json_t *sw_msg_to_json(const struct sw_msg *m) {
    json_t *kept =
        json_pack("{s:s, s:s, s:s, s:I, s:O, s:O}", "kind", m->kind, "cmd", m->cmd, "inst", m->inst,
                  "born_ms", (json_int_t)m->born_ms, "body", m->body, "boxes", m->boxes);
    if (m->parent[0]) json_object_set_new(kept, "parent", json_string(m->parent));
    return kept;
}

struct sw_msg *sw_msg_from_json(const json_t *kept) {
    json_t *body = json_object_get(kept, "body");
    json_t *boxes = json_object_get(kept, "boxes");
    if (!json_is_object(body) || !json_is_object(boxes) || !sw_str(kept, "kind")[0]) return NULL;
    struct sw_msg *m = sw_msg_create(sw_str(kept, "kind"), sw_str(kept, "cmd"),
                                     sw_str(kept, "inst"), sw_int(kept, "born_ms"));
    json_decref(m->body);
    m->body = json_copy(body); /* handlers change no value they did not make */
    json_object_update(m->boxes, boxes);
    const char *parent = sw_str(kept, "parent");
    if (sw_is_traceparent(parent, strlen(parent)))
        memcpy(m->parent, parent, SW_TRACEPARENT_CHARS + 1);
    return m;
}

void sw_box(const struct sw_ctx *ctx, struct sw_msg *m, const char *to, const char *name,
            json_t *value) {
    char *box = NULL;
    int r = value ? sw_seal(ctx->keys, to, m->cmd, value, &box) : -EINVAL;
    json_decref(value);
    /* Only a wrong role name or a value that is no JSON comes here: a bug, and nothing may go out unsealed. */
    if (r < 0) abort();
    sw_msg_set_box(m, name, box);
    free(box);
}

int sw_open(const struct sw_ctx *ctx, const struct sw_msg *in, const char *name, json_t **ret) {
    const char *box = sw_msg_box(in, name);
    if (!box) return -ENOENT;
    return sw_unseal(ctx->keys, box, in->cmd, ret) < 0 ? -EBADMSG : 0;
}
