/* step.c -- one call of a handler without I/O, for table tests; see actor.h. */
#include "common/mem.h"
#include "common/out.h"

#include <errno.h>
#include <string.h>

static int fact_of_object(void *arg, const char *key, const json_t **ret) {
    *ret = json_object_get(arg, key);
    if (json_is_null(*ret)) *ret = NULL;
    return 0;
}

static json_t *op_to_json(const struct sw_op *op) {
    static const char *const names[] = {
        [SW_OP_SEND] = "send",     [SW_OP_AFTER] = "after",   [SW_OP_CANCEL] = "cancel",
        [SW_OP_HTTP] = "http",     [SW_OP_STORE] = "store",   [SW_OP_FORGET] = "forget",
        [SW_OP_ANSWER] = "answer", [SW_OP_SOURCE] = "source", [SW_OP_AUDIT] = "audit",
    };
    json_t *o = json_pack("{s:s, s:s}", "op", names[op->kind], "name", op->name);
    if (op->bulk) json_object_set_new(o, "bulk", json_true());
    if (op->kind == SW_OP_AFTER || op->kind == SW_OP_STORE)
        json_object_set_new(o, "ms", json_integer(op->ms));
    if (op->value) json_object_set(o, "value", op->value);
    if (op->m) {
        json_object_set_new(o, "kind", json_string(op->m->kind));
        json_object_set_new(o, "cmd", json_string(op->m->cmd));
        json_object_set(o, "body", op->m->body);
        json_object_set(o, "boxes", op->m->boxes);
    }
    return o;
}

static bool accepts(const struct sw_actor *actor, const char *kind) {
    for (const char *const *k = actor->kinds; *k; k++) {
        if (!strcmp(*k, kind)) return true;
    }
    return false;
}

int sw_step(const struct sw_actor *actor, const struct sw_ctx *ctx, const struct sw_msg *in,
            const json_t *facts, json_t **ret_outputs) {
    struct sw_out out;
    if (!accepts(actor, in->kind)) return -ENOTSUP;
    sw_out_init(&out, in, fact_of_object, (void *)facts);
    if (actor->want) actor->want(in, &out);
    int r = actor->handle(ctx, in, &out);
    if (r == 0) r = out.error;
    if (r == 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < out.count; i++)
            json_array_append_new(list, op_to_json(&out.ops[i]));
        *ret_outputs = list;
    }
    sw_out_finish(&out);
    return r;
}
