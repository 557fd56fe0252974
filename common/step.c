/* step.c -- one call of a handler without I/O, for table tests; see actor.h. */
#include "common/mem.h"
#include "common/out.h"

#include <errno.h>
#include <string.h>

struct facts {
    const json_t *all;
    json_t *loaded; /* {key: true} */
};

/* Each has to be loaded first, as in a process that began a moment ago. */
static int fact_of_object(void *arg, const char *key, const json_t **ret) {
    const struct facts *facts = arg;
    *ret = json_object_get(facts->all, key);
    if (json_is_null(*ret)) *ret = NULL;
    if (json_object_get(facts->loaded, key)) return 0;
    json_object_set_new(facts->loaded, key, json_true());
    *ret = NULL;
    return -EAGAIN;
}

static json_t *op_to_json(const struct sw_op *op) {
    static const char *const names[] = {
        [SW_OP_SEND] = "send",     [SW_OP_AFTER] = "after",   [SW_OP_CANCEL] = "cancel",
        [SW_OP_HTTP] = "http",     [SW_OP_STORE] = "store",   [SW_OP_FORGET] = "forget",
        [SW_OP_ANSWER] = "answer", [SW_OP_SOURCE] = "source", [SW_OP_AUDIT] = "audit",
        [SW_OP_PASS] = "pass",     [SW_OP_TALLY] = "tally",   [SW_OP_UNSOURCE] = "unsource",
    };
    json_t *o = json_pack("{s:s, s:s}", "op", names[op->kind], "name", op->name);
    if (op->bulk) json_object_set_new(o, "bulk", json_true());
    if (op->kind == SW_OP_AFTER || op->kind == SW_OP_STORE || op->kind == SW_OP_TALLY)
        json_object_set_new(o, "ms", json_integer(op->ms));
    if (op->value) json_object_set(o, "value", op->value);
    if (op->m) {
        json_object_set_new(o, "kind", json_string(op->m->kind));
        json_object_set_new(o, "cmd", json_string(op->m->cmd));
        json_object_set_new(o, "inst", json_string(op->m->inst));
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
            const json_t *all, json_t **ret_outputs) {
    SW_AUTO(sw_json) json_t *loaded = json_object();
    struct facts facts = {all, loaded};
    struct sw_out out;
    int r;
    if (!accepts(actor, in->kind)) return -ENOTSUP;
    sw_out_init(&out, in, fact_of_object, &facts);
    if (actor->want) actor->want(in, &out);
    for (bool again = true; again;) {
        sw_out_finish(&out);
        sw_out_init(&out, in, fact_of_object, &facts);
        r = actor->handle(ctx, in, &out);
        again = r == -EAGAIN && out.wanting;
    }
    if (r == 0) r = out.error;
    if (r == 0 && out.wanting) r = -EDEADLK; /* it was done without what it asked for */
    if (r == 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < out.count; i++)
            json_array_append_new(list, op_to_json(&out.ops[i]));
        *ret_outputs = list;
    }
    sw_out_finish(&out);
    return r;
}
