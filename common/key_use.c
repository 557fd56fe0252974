/* key_use.c -- finds which keys what stands in Redis names; see key_use.h. */
#include "common/key_use.h"

#include "common/mem.h"
#include "common/seal_priv.h"
#include "common/sync.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#define PAGE "200"
#define ID SW_KEY_ID_CHARS
#define NAMED_MAX 32 /* different ids in one value */

/* ---- in a value ---- */

struct sw_key_use *sw_key_use_of(struct sw_key_uses *uses, const char *id) {
    for (size_t i = 0; i < uses->count; i++) {
        if (strncmp(uses->use[i].id, id, ID) == 0) return &uses->use[i];
    }
    if (uses->count == SW_KEY_USES) return NULL;
    struct sw_key_use *use = &uses->use[uses->count++];
    *use = (struct sw_key_use){0};
    memcpy(use->id, id, ID);
    return use;
}

static bool is_id(const char *text) {
    for (int i = 0; i < ID; i++) {
        if (!strchr("0123456789abcdef", text[i]) || !text[i]) return false;
    }
    return true;
}

/* "2" or ".<role>" stands right before `dot`. */
static bool follows_role(const char *data, const char *dot) {
    for (unsigned i = 0; i < SW__ROLES; i++) {
        size_t size = strlen(sw__roles[i]);
        if ((size_t)(dot - data) <= size || dot[-1 - (ptrdiff_t)size] != '.') continue;
        if (memcmp(dot - size, sw__roles[i], size) == 0) return true;
    }
    return false;
}

/* The next id from *at on; NULL: none. */
static const char *next_id(const char *data, size_t size, size_t *at, bool *ret_row) {
    while (*at < size) {
        const char *dot = memchr(data + *at, '.', size - *at);
        if (!dot) return NULL;
        *at = (size_t)(dot - data) + 1;
        if (size - *at <= ID || dot[1 + ID] != '.' || !is_id(dot + 1)) continue;
        *ret_row = dot > data && dot[-1] == '2';
        if (*ret_row || follows_role(data, dot)) return dot + 1;
    }
    return NULL;
}

void sw_key_use_note(struct sw_key_uses *uses, enum sw_key_where where, const char *data,
                     size_t size) {
    struct sw_key_use *named[NAMED_MAX];
    size_t count = 0, at = 0;
    const char *id;
    bool row;
    while ((id = next_id(data, size, &at, &row))) {
        struct sw_key_use *use = sw_key_use_of(uses, id);
        if (!use) continue;
        if (row && where == SW_KEY_IN_STATE) {
            use->rows++;
            continue;
        }
        size_t i = 0;
        while (i < count && named[i] != use)
            i++;
        if (i < count) continue; /* a value counts once */
        if (count < NAMED_MAX) named[count++] = use;
        if (where == SW_KEY_IN_STATE) use->values++;
        if (where == SW_KEY_OWED) use->owed++;
        if (where == SW_KEY_DEAD) use->letters++;
    }
}

/* ---- in Redis ---- */

struct reading {
    const struct sw_conf *conf;
    redisContext *redis; /* the one that is read */
    char *error;
    size_t room;
    struct sw_key_uses *uses;
    const struct sw_ring *token, *responder;
    sw_key_stale_fn *stale;
    void *arg;
};

static int take(struct reading *r, redisReply **ret) {
    return sw_sync_take(r->conf, r->redis, ret, r->error, r->room);
}

static void append(struct reading *r, const char *command, const redisReply *key) {
    const char *argv[] = {command, key->str};
    const size_t sizes[] = {strlen(command), key->len};
    redisAppendCommandArgv(r->redis, 2, argv, sizes);
}

/* Each page of the keys that match, until there is no other. */
static int scan_one(struct reading *r, const char *match,
                    int (*page)(struct reading *, redisReply **key, size_t count)) {
    char cursor[32] = "0";
    do {
        redisReply *reply;
        int e = sw_sync_ask(r->conf, r->redis, &reply, r->error, r->room, "SCAN", cursor, "MATCH",
                            match, "COUNT", PAGE, NULL);
        if (e < 0) return e;
        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        e = page(r, reply->element[1]->element, reply->element[1]->elements);
        freeReplyObject(reply);
        if (e < 0) return e;
    } while (strcmp(cursor, "0") != 0);
    return 0;
}

static int note_stream(struct reading *r, const char *key) {
    size_t size = strlen(key);
    bool dead = size > 5 && !strcmp(key + size - 5, ":dead");
    char from[64] = "-";
    for (;;) {
        redisReply *reply;
        int e = sw_sync_ask(r->conf, r->redis, &reply, r->error, r->room, "XRANGE", key, from, "+",
                            "COUNT", PAGE, NULL);
        if (e < 0) return e;
        size_t count = reply->elements;
        for (size_t i = 0; i < count; i++) {
            const redisReply *fields = reply->element[i]->element[1];
            for (size_t j = 1; j < fields->elements; j += 2)
                sw_key_use_note(r->uses, dead ? SW_KEY_DEAD : SW_KEY_OWED, fields->element[j]->str,
                                fields->element[j]->len);
        }
        if (count) snprintf(from, sizeof(from), "(%s", reply->element[count - 1]->element[0]->str);
        freeReplyObject(reply);
        if (!count) return 0;
    }
}

static int note_hash(struct reading *r, const char *key) {
    char cursor[32] = "0";
    do {
        redisReply *reply;
        int e = sw_sync_ask(r->conf, r->redis, &reply, r->error, r->room, "HSCAN", key, cursor,
                            "COUNT", PAGE, NULL);
        if (e < 0) return e;
        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        for (size_t i = 1; i < reply->element[1]->elements; i += 2)
            sw_key_use_note(r->uses, SW_KEY_OWED, reply->element[1]->element[i]->str,
                            reply->element[1]->element[i]->len);
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    return 0;
}

typedef void value_fn(struct reading *, const char *key, const redisReply *value);

/* The values of the keys, asked for at once; a key may have gone meanwhile. */
static int read_values(struct reading *r, redisReply **key, size_t count, value_fn *fn) {
    for (size_t i = 0; i < count; i++)
        append(r, "GET", key[i]);
    for (size_t i = 0; i < count; i++) {
        redisReply *value;
        int e = take(r, &value);
        if (e < 0) return e;
        if (value->type == REDIS_REPLY_STRING) fn(r, key[i]->str, value);
        freeReplyObject(value);
    }
    return 0;
}

static void note_state(struct reading *r, const char *key, const redisReply *value) {
    (void)key;
    sw_key_use_note(r->uses, SW_KEY_IN_STATE, value->str, value->len);
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* Dedupe keys hold ids of entries, the audit holds nothing sealed: most keys, spared. */
static bool is_of_interest(const char *key) {
    const char *name = strchr(key, '}');
    return !name || (!begins(name, "}:seen:") && !begins(name, "}:audit"));
}

static void swap(redisReply **a, redisReply **b) {
    redisReply *kept = *a;
    *a = *b;
    *b = kept;
}

/* Strings come first when it is done, *ret_strings of them; streams and hashes are read at once. */
static int note_by_type(struct reading *r, redisReply **key, size_t count, size_t *ret_strings) {
    SW_AUTO(sw_text) char *type = sw_zalloc(count + 1);
    for (size_t i = 0; i < count; i++)
        append(r, "TYPE", key[i]);
    for (size_t i = 0; i < count; i++) {
        redisReply *reply;
        int e = take(r, &reply);
        if (e < 0) return e;
        type[i] = !strcmp(reply->str, "stream")   ? 'x'
                  : !strcmp(reply->str, "hash")   ? 'h'
                  : !strcmp(reply->str, "string") ? 's'
                                                  : 0;
        freeReplyObject(reply);
    }
    size_t strings = 0;
    for (size_t i = 0; i < count; i++) {
        int e = type[i] == 'x'   ? note_stream(r, key[i]->str)
                : type[i] == 'h' ? note_hash(r, key[i]->str)
                                 : 0;
        if (e < 0) return e;
        if (type[i] == 's') swap(&key[strings++], &key[i]);
    }
    *ret_strings = strings;
    return 0;
}

static int note_page(struct reading *r, redisReply **key, size_t count) {
    size_t kept = 0, strings;
    for (size_t i = 0; i < count; i++) {
        if (is_of_interest(key[i]->str)) swap(&key[kept++], &key[i]);
    }
    int e = note_by_type(r, key, kept, &strings);
    return e < 0 ? e : read_values(r, key, strings, note_state);
}

/* In every Redis that holds shards. */
static int scan(struct reading *r, const char *match,
                int (*page)(struct reading *, redisReply **key, size_t count)) {
    struct sw_sync *sync = sw_sync_open(r->conf, r->error, r->room);
    int e = 0;
    for (unsigned i = 0; e == 0 && i < sw_sync_count(sync); i++) {
        r->redis = sw_sync_at(sync, i);
        e = r->redis ? scan_one(r, match, page) : -ENOTCONN;
    }
    sw_sync_close(sync);
    return e;
}

int sw_key_uses_read(const struct sw_conf *conf, struct sw_key_uses *uses, char *error,
                     size_t room) {
    struct reading r = {.conf = conf, .error = error, .room = room, .uses = uses};
    return scan(&r, "sw:{*", note_page);
}

/* ---- what is to be sealed anew ---- */

/* A key of the ring that does not seal any more; one that is not in it would not open. */
static bool names_older(const struct sw_ring *ring, const redisReply *value, bool rows) {
    struct sw_key_uses uses = {0};
    sw_key_use_note(&uses, SW_KEY_IN_STATE, value->str, value->len);
    for (unsigned i = 1; i < ring->count; i++) {
        for (size_t j = 0; j < uses.count; j++) {
            if (strcmp(uses.use[j].id, ring->key[i].id) != 0) continue;
            if (rows ? uses.use[j].rows : uses.use[j].values) return true;
        }
    }
    return false;
}

static void look_at_person(struct reading *r, const char *key, const redisReply *value) {
    const char *name = strstr(key, ":s:acct/");
    const char *inst = name ? name + strlen(":s:acct/") : "", *slash = strchr(inst, '/');
    if (!slash || !names_older(r->token, value, true)) return;
    SW_AUTO(sw_text) char *installation = sw_strndup(inst, (size_t)(slash - inst));
    r->stale(r->arg, installation, slash + 1);
}

static void look_at_bot(struct reading *r, const char *key, const redisReply *value) {
    const char *name = strstr(key, ":s:bot/");
    if (name && names_older(r->responder, value, false))
        r->stale(r->arg, name + strlen(":s:bot/"), "bot");
}

static int people_page(struct reading *r, redisReply **key, size_t count) {
    return read_values(r, key, count, look_at_person);
}

static int bots_page(struct reading *r, redisReply **key, size_t count) {
    return read_values(r, key, count, look_at_bot);
}

int sw_key_stale_read(const struct sw_conf *conf, const struct sw_ring *token,
                      const struct sw_ring *responder, sw_key_stale_fn *fn, void *arg, char *error,
                      size_t room) {
    struct reading r = {.conf = conf,
                        .error = error,
                        .room = room,
                        .token = token,
                        .responder = responder,
                        .stale = fn,
                        .arg = arg};
    int e = scan(&r, "sw:{*}:auth:s:acct/*", people_page);
    if (e == 0) e = scan(&r, "sw:{*}:responder:s:bot/*", bots_page);
    return e;
}
