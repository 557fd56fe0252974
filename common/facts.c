/* facts.c -- what a handler may know of stored state: the overlay of what is not yet committed, then a cache, then Redis.
 *
 * The owner of a shard is the only writer of its keys, so a value once known stays true until it is written here. Stored
 * bytes are msgpack [expires_ms or 0, value]. */
#include "common/mem.h"
#include "common/run_priv.h"

#include <errno.h>
#include <hiredis/hiredis.h>

struct fact {
    json_t *value;      /* NULL: absent */
    int64_t expires_ms; /* 0: never */
    bool loading;
    unsigned dirty; /* writes on their way: it may not be forgotten */
};

static void fact_destroy(void **p) {
    struct fact *fact = *p;
    if (!fact) return;
    json_decref(fact->value);
    free(fact);
    *p = NULL;
}

void sw__facts_init(struct sw_shard *shard) {
    shard->facts = zhashx_new();
    shard->facts_max = SW_FACTS_MAX;
    zhashx_set_destructor(shard->facts, fact_destroy);
}

void sw__facts_clear(struct sw_shard *shard) {
    zhashx_purge(shard->facts);
    shard->facts_max = SW_FACTS_MAX;
}

/* What is needed again is read again. */
void sw__facts_trim(struct sw_shard *shard) {
    if (zhashx_size(shard->facts) <= shard->facts_max) return;
    zlistx_t *keys = zhashx_keys(shard->facts);
    for (const char *key = zlistx_first(keys); key; key = zlistx_next(keys)) {
        const struct fact *fact = zhashx_lookup(shard->facts, key);
        if (!fact->loading && !fact->dirty) zhashx_delete(shard->facts, key);
    }
    zlistx_destroy(&keys);
    /* Many may be on their way: looking at each of them again and again would cost more than they hold. */
    size_t twice = 2 * zhashx_size(shard->facts);
    shard->facts_max = twice > SW_FACTS_MAX ? twice : SW_FACTS_MAX;
}

static struct fact *fact_of(struct sw_shard *shard, const char *key) {
    struct fact *fact = zhashx_lookup(shard->facts, key);
    if (!fact) {
        fact = sw_zalloc(sizeof(*fact));
        zhashx_insert(shard->facts, key, fact);
    }
    return fact;
}

struct load {
    struct sw_shard *shard;
    unsigned life;
    char key[SW_KEY_MAX + 1];
};

static void on_value(void *arg, const redisReply *reply) {
    struct load *load = arg;
    struct sw_shard *shard = load->shard;
    if (reply && shard->life == load->life && reply->type != REDIS_REPLY_STRING &&
        reply->type != REDIS_REPLY_NIL) {
        sw__reply_refused(shard, reply);
    } else if (reply && shard->life == load->life) {
        struct fact *fact = zhashx_lookup(shard->facts, load->key);
        /* A handler may have written the key meanwhile: what it wrote is newer. */
        if (fact && fact->loading) {
            json_t *stored = NULL;
            fact->loading = false;
            if (reply->type == REDIS_REPLY_STRING &&
                sw_value_unpack(reply->str, reply->len, &stored) == 0) {
                fact->expires_ms = json_integer_value(json_array_get(stored, 0));
                fact->value = json_incref(json_array_get(stored, 1));
                json_decref(stored);
            }
        }
        sw__facts_trim(shard);
        sw__pump(shard->run);
    }
    free(load);
}

int sw__facts_get(void *arg, const char *key, const json_t **ret) {
    struct sw_shard *shard = arg;
    struct fact *fact = zhashx_lookup(shard->facts, key);
    if (fact && fact->loading) return -EAGAIN;
    if (fact) {
        bool expired = fact->expires_ms && fact->expires_ms <= sw__shard_now_ms(shard);
        *ret = expired ? NULL : fact->value;
        return 0;
    }
    if (strlen(key) > SW_KEY_MAX) return -EINVAL;
    char redis_key[SW_KEY_MAX + 64];
    snprintf(redis_key, sizeof(redis_key), "%s%s:s:%s", shard->prefix, shard->run->role, key);
    struct load *load = sw_malloc(sizeof(*load));
    *load = (struct load){.shard = shard, .life = shard->life};
    snprintf(load->key, sizeof(load->key), "%s", key);
    if (sw_redis_words(shard->ledger->redis, on_value, load, "GET", redis_key, NULL) < 0) {
        free(load);
        return -EAGAIN; /* the connection is gone: the shard will be reset */
    }
    fact_of(shard, key)->loading = true;
    return -EAGAIN;
}

void sw__facts_set(struct sw_shard *shard, const char *key, json_t *value, int64_t expires_ms) {
    struct fact *fact = fact_of(shard, key);
    json_decref(fact->value);
    fact->value = value;
    fact->expires_ms = expires_ms;
    fact->loading = false;
    fact->dirty++;
}

void sw__facts_committed(struct sw_shard *shard, const char *key) {
    struct fact *fact = zhashx_lookup(shard->facts, key);
    if (fact && fact->dirty) fact->dirty--;
}
