/* dead.c -- see dead.h. */
#include "common/dead.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/redis.h"
#include "common/run_priv.h"
#include "common/scripts.h"
#include "common/streams.h"
#include "common/sync.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define PAGE "20"   /* of up to 64 KiB, of each of 64 streams */
#define NOWHERE "-" /* the installation of what is no envelope */

struct sw_dead {
    const struct sw_conf *conf;
    struct sw_sync *sync;
    char *error;
    size_t room;
};

struct sw_dead *sw_dead_open(const struct sw_conf *conf, char *error, size_t room) {
    struct sw_dead *dead = sw_zalloc(sizeof(*dead));
    *dead = (struct sw_dead){conf, sw_sync_open(conf, error, room), error, room};
    return dead;
}

void sw_dead_close(struct sw_dead *dead) {
    if (!dead) return;
    sw_sync_close(dead->sync);
    free(dead);
}

/* ---- reading ---- */

/* `fields` and the message are the caller's to free. */
static void read_letter(unsigned shard, const redisReply *entry, json_t *fields,
                        struct sw_dead_letter *ret, struct sw_msg **ret_m) {
    const redisReply *pairs = entry->element[1];
    *ret = (struct sw_dead_letter){.shard = shard, .fields = fields, .error = -ENODATA};
    snprintf(ret->id, sizeof(ret->id), "%u/%.38s", shard, entry->element[0]->str);
    ret->at_ms = strtoll(entry->element[0]->str, NULL, 10);
    *ret_m = NULL;
    for (size_t i = 0; i + 1 < pairs->elements; i += 2) {
        const redisReply *value = pairs->element[i + 1];
        if (strcmp(pairs->element[i]->str, "m") != 0) {
            json_object_set_new(fields, pairs->element[i]->str,
                                json_stringn(value->str, value->len));
        } else if (value->len > 0) {
            ret->error = sw_msg_unpack(value->str, value->len, ret_m);
        }
    }
    ret->m = *ret_m;
    ret->actor = sw_str(fields, "actor");
    ret->reason = sw_str(fields, "reason");
    ret->lane = sw_str(fields, "lane");
}

static void tell(unsigned shard, const redisReply *entry, const struct sw_dead_query *query,
                 sw_dead_fn *fn, void *arg) {
    SW_AUTO(sw_json) json_t *fields = json_object();
    struct sw_dead_letter letter;
    struct sw_msg *m;
    read_letter(shard, entry, fields, &letter, &m);
    bool wanted = (!query->actor || !strcmp(query->actor, letter.actor)) &&
                  (!query->reason || !strcmp(query->reason, letter.reason)) &&
                  (!query->installation || (m && !strcmp(query->installation, m->inst)));
    if (wanted) fn(arg, &letter);
    sw_msg_destroy(m);
}

struct reading {
    const struct sw_stream *stream;
    const struct sw_dead_query *query;
    sw_dead_fn *fn;
    void *arg;
};

static bool on_entry(void *arg, size_t at, const redisReply *entry) {
    const struct reading *reading = arg;
    tell(reading->stream[at].shard, entry, reading->query, reading->fn, reading->arg);
    return false;
}

int sw_dead_read(struct sw_dead *dead, const struct sw_dead_query *query, sw_dead_fn *fn,
                 void *arg) {
    struct sw_stream stream[SW_SHARDS];
    struct reading reading = {stream, query, fn, arg};
    struct sw_streams_query streams = {.stream = stream, .page = PAGE, .since_ms = query->since_ms};
    for (unsigned shard = 0; shard < SW_SHARDS; shard++) {
        if (query->installation && shard != sw__shard_of(query->installation)) continue;
        stream[streams.streams++] =
            (struct sw_stream){.shard = shard, .key = sw_printf("sw:{%02u}:dead", shard)};
    }
    int r = sw_streams_read(dead->conf, dead->sync, &streams, on_entry, &reading, dead->error,
                            dead->room);
    for (size_t i = 0; i < streams.streams; i++)
        free(stream[i].key);
    return r;
}

static bool parse_id(const char *text, unsigned *ret_shard, const char **ret_entry) {
    struct sw_id id;
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 2 || text[digits] != '/') return false;
    *ret_shard = (unsigned)atoi(text);
    *ret_entry = text + digits + 1;
    return *ret_shard < SW_SHARDS && strlen(*ret_entry) < 42 &&
           strspn(*ret_entry, "0123456789-") == strlen(*ret_entry) && sw__id_parse(*ret_entry, &id);
}

int sw_dead_find(struct sw_dead *dead, const char *id, sw_dead_fn *fn, void *arg) {
    static const struct sw_dead_query all = {0};
    const char *entry;
    char key[32];
    unsigned shard;
    redisReply *reply;
    if (!parse_id(id, &shard, &entry)) {
        snprintf(dead->error, dead->room, "it is no id of a letter, such as 17/1764009191000-0");
        return -EINVAL;
    }
    redisContext *redis = sw_sync_of(dead->sync, shard);
    if (!redis) return -ENOTCONN;
    snprintf(key, sizeof(key), "sw:{%02u}:dead", shard);
    int r = sw_sync_ask(dead->conf, redis, &reply, dead->error, dead->room, "XRANGE", key, entry,
                        entry, NULL);
    if (r < 0) return r;
    if (reply->elements == 1) {
        tell(shard, reply->element[0], &all, fn, arg);
    } else {
        snprintf(dead->error, dead->room, "there is no such letter");
        r = -ENOENT;
    }
    freeReplyObject(reply);
    return r;
}

/* ---- what an operator does with one ---- */

/* Who is at the terminal, also behind sudo; in a container often nothing but a number. */
static json_t *operator_here(void) {
    char host[256] = "", name[256];
    const struct passwd *user = getpwuid(getuid());
    gethostname(host, sizeof(host) - 1);
    if (getlogin_r(name, sizeof(name)) != 0 || !name[0]) {
        if (user)
            snprintf(name, sizeof(name), "%s", user->pw_name);
        else
            snprintf(name, sizeof(name), "uid %u", (unsigned)getuid());
    }
    return json_sprintf("%s@%s", name, host);
}

static char *audit_entry(const struct sw_dead_letter *letter, const char *line) {
    SW_AUTO(sw_json) json_t *at = operator_here();
    SW_AUTO(sw_text)
    char *detail = sw_printf("%s %s %s %s", letter->id, letter->actor,
                             letter->m ? letter->m->kind : "-", letter->reason);
    SW_AUTO(sw_json)
    json_t *entry =
        json_pack("{s:I, s:s, s:s, s:{s:O*}, s:s, s:s, s:b, s:{}, s:s, s:s*}", "at_ms",
                  (json_int_t)sw_clock_ms(CLOCK_REALTIME), "actor", "operator", "cmd",
                  letter->m ? letter->m->cmd : "", "who", "operator", at, "line", line, "task",
                  "dead", "forced", 0, "accounts", "outcome", "done", "detail", detail);
    return json_dumps(entry, JSON_COMPACT);
}

static int pack_again(struct sw_dead *dead, const struct sw_dead_letter *letter, char **ret,
                      size_t *ret_size) {
    struct sw_msg again = *letter->m;
    SW_AUTO(sw_json) json_t *body = json_copy(letter->m->body);
    json_object_set_new(body, "retried", json_true());
    again.body = body;
    int r = sw_msg_pack(&again, ret, ret_size);
    if (r == -EMSGSIZE) r = sw_msg_pack(letter->m, ret, ret_size);
    if (r < 0) snprintf(dead->error, dead->room, "it is too large");
    return r;
}

/* As sw__batch_add counts: what its handling will take off the number that is owed. */
static const char *counted_of(const struct sw_msg *m) {
    bool web = !strcmp(m->kind, SW_KIND_WEB) && !strcmp(m->inst, SW_INST_INSTALL);
    return web || !strcmp(m->kind, SW_KIND_SLASH) ? m->inst : "";
}

int sw_dead_settle(struct sw_dead *dead, const struct sw_dead_letter *letter, bool retry,
                   const char *line, char ret_entry[SW_DEAD_ID]) {
    SW_AUTO(sw_text) char *bytes = NULL;
    SW_AUTO(sw_text) char *entry = audit_entry(letter, line);
    char prefix[16], max[24];
    size_t size = 0, sizes[11];
    redisReply *reply;
    int r = retry ? pack_again(dead, letter, &bytes, &size) : 0;
    if (r < 0) return r;
    redisContext *redis = sw_sync_of(dead->sync, letter->shard);
    if (!redis) return -ENOTCONN;
    snprintf(prefix, sizeof(prefix), "sw:{%02u}:", letter->shard);
    snprintf(max, sizeof(max), "%" PRId64, dead->conf->audit_max);
    const char *mailbox = letter->lane[0] ? letter->lane : letter->actor;
    const char *argv[11] = {"EVAL",
                            sw_script_text[SW_SCRIPT_DEAD],
                            "1",
                            prefix,
                            strchr(letter->id, '/') + 1,
                            retry ? mailbox : "",
                            retry ? bytes : "",
                            retry ? counted_of(letter->m) : "",
                            letter->m ? letter->m->inst : NOWHERE,
                            max,
                            entry};
    for (size_t i = 0; i < 11; i++)
        sizes[i] = retry && i == 6 ? size : strlen(argv[i]);
    redisAppendCommandArgv(redis, 11, argv, sizes);
    r = sw_sync_take(dead->conf, redis, &reply, dead->error, dead->room);
    if (r < 0) return r;
    if (!strcmp(reply->element[0]->str, "gone")) {
        snprintf(dead->error, dead->room, "it is not there any more");
        r = -ENOENT;
    } else if (!strcmp(reply->element[0]->str, "gen")) {
        snprintf(dead->error, dead->room, "no Slipway ever ran on this Redis");
        r = -EAGAIN;
    } else {
        snprintf(ret_entry, SW_DEAD_ID, "%s", reply->element[1]->str);
    }
    freeReplyObject(reply);
    return r;
}
