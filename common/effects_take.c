/* effects_take.c -- what is owed where a shard changes hands.
 *
 * When a shard is lost, calls under way go on: the same process often takes the shard again after a reconnect, and then settles
 * what it did. What another process owns by then is refused by the ledger. */
#include "common/effects_priv.h"
#include "common/log.h"
#include "common/mem.h"

#include <hiredis/hiredis.h>

#define LOST_MS 60000 /* how long a call of a lost shard is kept */
#define MARK_MS                                                                                    \
    64000 /* a mark lasts no longer; one that does is of before the server's clock went back */

struct taking {
    struct sw_shard *shard;
    unsigned life;
    json_t *records; /* id -> bytes are not JSON: id -> record */
};

/* A mark of an owner before: nobody knows whether the call was made. It may still be under way until then. */
static void inherit(struct sw_effect *effect, int64_t not_after_ms) {
    int64_t wait_ms = not_after_ms - sw__shard_now_ms(effect->shard);
    sw__effect_unlist(effect);
    effect->unsure = true;
    if (wait_ms > MARK_MS) wait_ms = MARK_MS;
    sw__effect_at(effect, sw__boot_ms() + (wait_ms > 0 ? wait_ms : 0));
}

/* What was known before the shard was lost. Another may have owned it meanwhile: where the mark is not ours, so may the call be. */
static void readopt(struct sw_effect *effect, const char *mark, const char *until) {
    struct sw_run *run = effect->shard->run;
    bool waits = effect->state != SW_EFFECT_ANSWERED && effect->state != SW_EFFECT_RUNNING;
    size_t n = strlen(effect->epoch);
    bool foreign = until && ((size_t)(until - mark) != n || memcmp(mark, effect->epoch, n) != 0);
    effect->lost = false;
    if (waits && foreign) {
        inherit(effect, atoll(until + 1));
    } else if (effect->state == SW_EFFECT_ANSWERED) {
        zlistx_add_end(run->effects->answered[effect->shard->number], effect);
    } else if (effect->state == SW_EFFECT_READY || effect->state == SW_EFFECT_MARKING) {
        sw__effect_ready(effect);
    }
}

static void adopt(struct sw_shard *shard, const char *id, const json_t *record, const char *mark) {
    struct sw_run *run = shard->run;
    char key[SW_EFFECT_KEY];
    sw__effect_key(shard, id, key);
    const char *until = mark ? strchr(mark, ':') : NULL;
    struct sw_effect *effect = zhashx_lookup(run->effects->known, key);
    if (effect) {
        readopt(effect, mark, until);
        return;
    }
    effect = sw__effect_know(shard, id, record);
    if (!effect) return;
    /* Of an older generation: it may have been marked in what Redis has forgotten. */
    bool older = strncmp(id, shard->gen, strlen(shard->gen)) != 0 || id[strlen(shard->gen)] != '-';
    if (effect->once && until) {
        inherit(effect, atoll(until + 1));
    } else if (effect->once && older) {
        inherit(effect, sw__shard_now_ms(shard) + run->conf.write_timeout_ms * 16 / 15);
    } else {
        sw__effect_ready(effect);
    }
}

/* What we knew and Redis does not: settled by the call before, or by another owner. */
static void drop_lost(struct sw_shard *shard) {
    zlistx_t *keys = zhashx_keys(shard->run->effects->known);
    for (const char *key = zlistx_first(keys); key; key = zlistx_next(keys)) {
        struct sw_effect *effect = zhashx_lookup(shard->run->effects->known, key);
        if (!effect || effect->shard != shard || !effect->lost) continue;
        if (effect->call) shard->run->effects->active--;
        sw__effect_unlist(effect);
        sw__effect_forget(effect);
    }
    zlistx_destroy(&keys);
}

static void on_marks(void *arg, const redisReply *reply) {
    struct taking *taking = arg;
    struct sw_shard *shard = taking->shard;
    if (reply && shard->life == taking->life && sw__reply_is_list(shard, reply)) {
        const char *id;
        json_t *record;
        json_object_foreach(taking->records, id, record) {
            const char *mark = NULL;
            for (size_t i = 0; i + 1 < reply->elements; i += 2) {
                if (!strcmp(reply->element[i]->str, id)) mark = reply->element[i + 1]->str;
            }
            adopt(shard, id, record, mark);
        }
        drop_lost(shard);
        sw__pump(shard->run);
    }
    json_decref(taking->records);
    free(taking);
}

static void on_owed(void *arg, const redisReply *reply) {
    struct taking *taking = arg;
    if (!reply || taking->shard->life != taking->life) return;
    if (!sw__reply_is_list(taking->shard, reply)) return; /* reset: on_marks sees another life */
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        json_t *record = NULL;
        const redisReply *id = reply->element[i], *data = reply->element[i + 1];
        if (sw__effect_unpack(taking->shard->run, taking->shard->prefix, id->str, data->str,
                              data->len, &record) == -EBADMSG)
            sw_log(SW_LOG_ERROR, "an effect is not ours", SW_I("shard", taking->shard->number),
                   SW_S("id", id->str));
        if (record) json_object_set_new(taking->records, id->str, record);
    }
}

/* Two reads on one connection: the second one's answer comes after the first one's. */
void sw__effects_taken(struct sw_shard *shard) {
    char owed[64], marks[64];
    struct taking *taking = sw_malloc(sizeof(*taking));
    *taking = (struct taking){shard, shard->life, json_object()};
    snprintf(owed, sizeof(owed), "%s%s:fx", shard->prefix, shard->run->role);
    snprintf(marks, sizeof(marks), "%s%s:fx:started", shard->prefix, shard->run->role);
    if (sw_redis_words(shard->ledger->redis, on_owed, taking, "HGETALL", owed, NULL) < 0 ||
        sw_redis_words(shard->ledger->redis, on_marks, taking, "HGETALL", marks, NULL) < 0) {
        json_decref(taking->records);
        free(taking);
    }
}

void sw__effects_lost(struct sw_shard *shard) {
    struct sw_effects *effects = shard->run->effects;
    if (!effects) return;
    zlistx_purge(effects->ready[shard->number]);
    zlistx_purge(effects->bulk[shard->number]);
    zlistx_purge(effects->answered[shard->number]);
    for (struct sw_effect *e = zhashx_first(effects->known); e; e = zhashx_next(effects->known)) {
        if (e->shard != shard) continue;
        e->lost = true;
        e->lost_at_ms = sw__boot_ms();
    }
}

/* Once in a while: what was lost and did not come back. */
void sw__effects_tidy(struct sw_effects *effects) {
    zlistx_t *keys = zhashx_keys(effects->known);
    for (const char *key = zlistx_first(keys); key; key = zlistx_next(keys)) {
        struct sw_effect *effect = zhashx_lookup(effects->known, key);
        if (!effect->lost || effect->call) continue;
        if (sw__boot_ms() - effect->lost_at_ms < LOST_MS) continue;
        sw__effect_unlist(effect);
        sw__effect_forget(effect);
    }
    zlistx_destroy(&keys);
}
