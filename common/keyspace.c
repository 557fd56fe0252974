/* keyspace.c -- see keyspace.h. */
#include "common/keyspace.h"

#include "common/mem.h"
#include "common/run_priv.h"
#include "common/seal_priv.h"
#include "common/sync.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define PAGE "1000"
#define FIRST_MAX 5

static bool is(const char *text, size_t size, const char *word) {
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

static bool begins(const char *text, size_t size, const char *with) {
    return size > strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* Behind "sw:{17}:". */
static enum sw_key_kind kind_of_shard(const char *rest, size_t size, const char **ret_role) {
    static const char *const words[] = {"gen", "owed", "dead", "audits", "story"};
    static const char *const families[] = {"seen:", "audit:"};
    static const char *const work[] = {"",        ":bulk", ":own",  ":fx", ":fx:started",
                                       ":timers", ":tm",   ":tries"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (is(rest, size, words[i])) return SW_KEY_SHARED;
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        if (begins(rest, size, families[i])) return SW_KEY_SHARED;
    const char *colon = memchr(rest, ':', size);
    size_t name = colon ? (size_t)(colon - rest) : size;
    int role = sw__role_find(rest, name);
    if (role < 0) return SW_KEY_UNKNOWN;
    *ret_role = sw__roles[role];
    if (begins(rest + name, size - name, ":s:")) return SW_KEY_STATE;
    for (size_t i = 0; i < sizeof(work) / sizeof(*work); i++)
        if (is(rest + name, size - name, work[i])) return SW_KEY_WORK;
    return SW_KEY_UNKNOWN;
}

enum sw_key_kind sw_keyspace_kind(const char *key, size_t size, const char **ret_role) {
    static const char *const families[] = {"sw:src:", "sw:live:", "sw:keys:"};
    *ret_role = NULL;
    if (size > 8 && !memcmp(key, "sw:{", 4) && !memcmp(key + 6, "}:", 2)) {
        const char tens = key[4], ones = key[5];
        bool shard = tens >= '0' && tens <= '9' && ones >= '0' && ones <= '9' &&
                     (tens - '0') * 10 + ones - '0' < SW_SHARDS;
        return shard ? kind_of_shard(key + 8, size - 8, ret_role) : SW_KEY_UNKNOWN;
    }
    if (is(key, size, "sw:sources")) return SW_KEY_SHARED;
    if (begins(key, size, families[0])) return SW_KEY_SHARED;
    for (size_t i = 1; i < sizeof(families) / sizeof(*families); i++) {
        size_t head = strlen(families[i]);
        if (begins(key, size, families[i]) && sw__role_find(key + head, size - head) >= 0)
            return SW_KEY_SHARED;
    }
    return SW_KEY_UNKNOWN;
}

struct counts {
    json_int_t looked, unknown, state[SW__ROLES];
    json_t *first;
    bool partial;
};

static void count(struct counts *c, const redisReply *key) {
    const char *role;
    enum sw_key_kind kind = sw_keyspace_kind(key->str, key->len, &role);
    c->looked++;
    if (kind == SW_KEY_STATE) c->state[sw__role_find(role, strlen(role))]++;
    if (kind != SW_KEY_UNKNOWN) return;
    c->unknown++;
    json_t *name = json_array_size(c->first) < FIRST_MAX ? json_stringn(key->str, key->len) : NULL;
    if (name) json_array_append_new(c->first, name); /* what is no UTF-8 is only counted */
}

static int scan(const struct sw_conf *conf, redisContext *redis, int64_t until_ms, struct counts *c,
                char *error, size_t room) {
    char cursor[32] = "0";
    do {
        redisReply *reply;
        int r = sw_sync_ask(conf, redis, &reply, error, room, "SCAN", cursor, "MATCH", "sw:*",
                            "COUNT", PAGE, NULL);
        if (r < 0) return r;
        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        for (size_t i = 0; i < reply->element[1]->elements; i++)
            count(c, reply->element[1]->element[i]);
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0 && sw__boot_ms() < until_ms);
    if (strcmp(cursor, "0") != 0) c->partial = true;
    return 0;
}

int sw_keyspace_read(const struct sw_conf *conf, int64_t most_ms, json_t **ret, char *error,
                     size_t room) {
    struct counts c = {.first = json_array()};
    struct sw_sync *sync = sw_sync_open(conf, error, room);
    const unsigned servers = sw_sync_count(sync);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < servers; i++) {
        redisContext *redis = sw_sync_at(sync, i);
        int64_t until_ms = sw__boot_ms() + most_ms / servers;
        r = redis ? scan(conf, redis, until_ms, &c, error, room) : -ENOTCONN;
    }
    sw_sync_close(sync);
    json_t *state = json_object();
    for (unsigned i = 0; i < SW__ROLES; i++)
        json_object_set_new(state, sw__roles[i], json_integer(c.state[i]));
    json_t *all = json_pack("{s:I, s:b, s:o, s:I, s:o}", "looked", c.looked, "partial", c.partial,
                            "state", state, "unknown", c.unknown, "first", c.first);
    if (r < 0)
        json_decref(all);
    else
        *ret = all;
    return r;
}
