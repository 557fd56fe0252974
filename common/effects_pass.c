/* effects_pass.c -- a message for another installation's shard, as a call of the ledger itself.
 *
 * Only doors append to shards that they do not own, so this asks as a door does: with a dedupe key, which
 * makes it safe to ask again. It is never given up: there is no one to tell. */
#include "common/crash.h"
#include "common/effects_priv.h"
#include "common/mem.h"
#include "common/wire.h"

#include <hiredis/hiredis.h>

#define SEEN_MS "86400000" /* a call is owed for so long only where all of it stands still */

/* The effect may be forgotten before Redis answers, so it is found again by its key. */
struct passing {
    struct sw_run *run;
    char key[SW_EFFECT_KEY];
    unsigned to;
    char *bytes;
    size_t size;
};

static void passing_destroy(struct passing *p) {
    free(p->bytes);
    free(p);
}

/* Where its owner lives, so that it need not wait for the sweep. */
static void push_on(const struct passing *p, const char *id_text, const char *endpoint) {
    struct sw_id id;
    if (!endpoint[0] || !sw__id_parse(id_text, &id)) return;
    if (!strcmp(endpoint, sw_wire_endpoint(p->run->wire))) {
        sw__mailbox_receive(&p->run->shard[p->to], 0, id, p->bytes, p->size);
    } else {
        sw_wire_entry(p->run->wire, endpoint, p->run->role, p->to, 0, id.gen, id.seq, p->bytes,
                      p->size);
    }
}

static void on_pass_sure(void *arg, bool sure) {
    struct passing *p = arg;
    struct sw_effect *effect = zhashx_lookup(p->run->effects->known, p->key);
    p->run->effects->active--;
    if (effect && effect->state == SW_EFFECT_RUNNING) {
        if (sure) {
            sw__effect_answer(effect, json_pack("{s:i}", "status", 204));
        } else {
            sw__effect_later(effect); /* full, away, or a new generation of that shard */
        }
    }
    sw__pump(p->run);
    passing_destroy(p);
}

static void on_passed(void *arg, const redisReply *reply) {
    struct passing *p = arg;
    struct sw_redis *redis = p->run->shard[p->to].ledger->redis;
    bool ok = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 5;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        sw__log_refused(p->run, reply);
        if (!strncmp(reply->str, "NOSCRIPT", 8)) sw_redis_reset(redis);
    }
    if (ok) {
        SW_CRASH("after-pass");
        push_on(p, reply->element[3]->str, reply->element[4]->str);
        sw_redis_sure(redis, on_pass_sure, p);
    } else {
        on_pass_sure(p, false);
    }
}

/* The message of the request, packed; NULL: not one, or too large. */
static char *pack(const struct sw_effect *effect, unsigned *ret_to, size_t *ret_size) {
    struct sw_msg *m = sw_msg_from_json(json_object_get(effect->request, "message"));
    char *bytes = NULL;
    if (!m) return NULL;
    *ret_to = sw__shard_of(m->inst);
    if (sw_msg_pack(m, &bytes, ret_size) < 0) bytes = NULL;
    sw_msg_destroy(m);
    return bytes;
}

void sw__effect_pass(struct sw_effect *effect) {
    struct sw_run *run = effect->shard->run;
    struct passing *p = sw_zalloc(sizeof(*p));
    char seen[SW_EFFECT_KEY + 32];
    p->run = run;
    p->bytes = pack(effect, &p->to, &p->size);
    effect->state = SW_EFFECT_RUNNING;
    if (!p->bytes) {
        sw__effect_answer(effect, json_pack("{s:s}", "error", "refused"));
        passing_destroy(p);
        return;
    }
    snprintf(p->key, sizeof(p->key), "%u/%s", effect->shard->number, effect->id);
    snprintf(seen, sizeof(seen), "pass:%s/%s", run->role, p->key);
    struct sw_redis *redis = run->shard[p->to].ledger->redis;
    const char *argv[] = {sw_redis_run_id(redis),
                          "1", /* what is owed already is not shed */
                          "1",
                          seen,
                          SEEN_MS,
                          "",
                          sw_str(effect->request, "actor"),
                          p->bytes};
    size_t sizes[sizeof(argv) / sizeof(*argv)];
    for (size_t i = 0; i + 1 < sizeof(argv) / sizeof(*argv); i++)
        sizes[i] = strlen(argv[i]);
    sizes[sizeof(argv) / sizeof(*argv) - 1] = p->size;
    SW_CRASH("before-pass");
    run->effects->active++;
    if (sw_redis_eval(redis, SW_SCRIPT_APPEND, run->shard[p->to].prefix,
                      sizeof(argv) / sizeof(*argv), argv, sizes, on_passed, p) < 0) {
        run->effects->active--;
        sw__effect_later(effect);
        passing_destroy(p);
    }
}
