/* story_read.c -- reads the story of a command from all shards, and what is still owed of it; see story_read.h.
 *
 * An id begins with its time, so what was written before is not read. The clocks of Redis and of who made the id may differ. */
#include "common/story_read.h"

#include "common/audit.h"
#include "common/mem.h"
#include "common/redis_map.h"
#include "common/run_priv.h"
#include "common/story.h"
#include "common/streams.h"
#include "common/sync.h"
#include "proto/msg.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <string.h>

#define PAGE "500"
#define CLOCKS_MS 300000
#define NAMED_MAX 10

static const char *const actors[] = {"parser",    "auth",     "executor",
                                     "responder", "notifier", "refresher"};

struct reading {
    const struct sw_conf *conf;
    struct sw_sync *sync;
    bool away[SW_SHARDS]; /* of a Redis that cannot be reached, while another can */
    const char *begin;
    int64_t since_ms, oldest_ms;
    json_t *commands; /* id -> {"shard", "installation"}: those that it may be */
    json_t *steps, *owed;
    char *error;
    size_t room;
};

typedef void entry_fn(struct reading *reading, unsigned shard, void *arg, const char *id,
                      const redisReply *value);

struct visit {
    struct reading *reading;
    const struct sw_stream *stream;
    entry_fn *fn;
    void *arg;
};

static bool on_entry(void *arg, size_t at, const redisReply *entry) {
    const struct visit *v = arg;
    const redisReply *fields = entry->element[1];
    if (fields->elements >= 2)
        v->fn(v->reading, v->stream[at].shard, v->arg, entry->element[0]->str, fields->element[1]);
    return false;
}

/* Every entry of some streams, in the order of their ids. */
static int each(struct reading *reading, const struct sw_stream *stream, size_t streams,
                int64_t since_ms, entry_fn *fn, void *arg) {
    const struct sw_streams_query query = {
        .stream = stream, .streams = streams, .page = PAGE, .since_ms = since_ms};
    struct visit visit = {reading, stream, fn, arg};
    return sw_streams_read(reading->conf, reading->sync, &query, on_entry, &visit, reading->error,
                           reading->room);
}

/* Once more are known than are named, none is looked at any more. */
static bool is_asked_for(const struct reading *reading, const char *cmd) {
    return json_object_size(reading->commands) <= NAMED_MAX &&
           !strncmp(cmd, reading->begin, strlen(reading->begin));
}

static void note_command(struct reading *reading, unsigned shard, const char *cmd,
                         const char *installation) {
    if (json_object_get(reading->commands, cmd)) return;
    json_object_set_new(reading->commands, cmd,
                        json_pack("{s:i, s:s}", "shard", (int)shard, "installation", installation));
}

static void on_story(struct reading *reading, unsigned shard, void *arg, const char *id,
                     const redisReply *value) {
    const char *cmd = value->str && value->len > 2 ? value->str + 2 : "";
    int64_t at_ms = strtoll(id, NULL, 10);
    (void)arg;
    if (!is_asked_for(reading, cmd)) return; /* most are others': not taken apart */
    json_t *step = sw_story_step(value->str, at_ms);
    if (!step) return;
    note_command(reading, shard, sw_str(step, "command"), sw_str(step, "installation"));
    json_array_append_new(reading->steps, step);
}

static int read_steps(struct reading *reading) {
    struct sw_stream stream[SW_SHARDS];
    size_t count = 0;
    for (unsigned shard = 0; shard < SW_SHARDS; shard++) {
        if (!reading->away[shard])
            stream[count++] = (struct sw_stream){shard, sw_printf("sw:{%02u}:story", shard)};
    }
    int64_t since_ms = reading->since_ms > CLOCKS_MS ? reading->since_ms - CLOCKS_MS : 0;
    int r = each(reading, stream, count, since_ms, on_story, NULL);
    while (count)
        free(stream[--count].key);
    return r;
}

/* ---- what is still owed ---- */

static void owe(struct reading *reading, unsigned shard, const char *cmd, const char *inst,
                json_t *what) {
    note_command(reading, shard, cmd, inst);
    json_object_set_new(what, "command", json_string(cmd));
    json_array_append_new(reading->owed, what);
}

struct mailbox {
    const char *actor;
    bool bulk;
};

static void on_mail(struct reading *reading, unsigned shard, void *arg, const char *id,
                    const redisReply *value) {
    const struct mailbox *mailbox = arg;
    struct sw_msg *m;
    if (sw_msg_unpack(value->str, value->len, &m) < 0) return;
    if (is_asked_for(reading, m->cmd)) {
        owe(reading, shard, m->cmd, m->inst,
            json_pack("{s:s, s:s, s:s, s:s, s:s}", "what", "message", "actor", mailbox->actor,
                      "lane", mailbox->bulk ? "bulk" : "urgent", "entry", id, "kind", m->kind));
    }
    sw_msg_destroy(m);
}

typedef void row_fn(struct reading *reading, unsigned shard, const char *actor, const char *name,
                    const redisReply *value);

/* Every row of the hash sw:{SS}:<actor>:<rest>; one that Redis shows twice is there twice. */
static int each_row(struct reading *reading, unsigned shard, const char *actor, const char *rest,
                    row_fn *fn) {
    redisContext *redis = sw_sync_of(reading->sync, shard);
    char key[64], cursor[32] = "0";
    snprintf(key, sizeof(key), "sw:{%02u}:%s:%s", shard, actor, rest);
    if (!redis) return -ENOTCONN;
    do {
        redisReply *page;
        int r = sw_sync_ask(reading->conf, redis, &page, reading->error, reading->room, "HSCAN",
                            key, cursor, "COUNT", PAGE, NULL);
        if (r < 0) return r;
        const redisReply *rows = page->element[1];
        snprintf(cursor, sizeof(cursor), "%s", page->element[0]->str);
        for (size_t i = 0; i + 1 < rows->elements; i += 2)
            fn(reading, shard, actor, rows->element[i]->str, rows->element[i + 1]);
        freeReplyObject(page);
    } while (strcmp(cursor, "0") != 0);
    return 0;
}

/* Of what a row names, asked for by itself: few are ours. NULL: none, or it is gone meanwhile. */
static char *row_of(struct reading *reading, unsigned shard, const char *actor, const char *command,
                    const char *rest, const char *name) {
    redisContext *redis = sw_sync_of(reading->sync, shard);
    redisReply *reply;
    char key[64];
    snprintf(key, sizeof(key), "sw:{%02u}:%s:%s", shard, actor, rest);
    if (!redis || sw_sync_ask(reading->conf, redis, &reply, reading->error, reading->room, command,
                              key, name, NULL) < 0)
        return NULL;
    char *text = reply->type == REDIS_REPLY_STRING ? sw_strdup(reply->str) : NULL;
    freeReplyObject(reply);
    return text;
}

/* A box, a new line, and {q: request, m: message}; nothing is done with it, so nobody asks whether it is ours. */
static void on_effect(struct reading *reading, unsigned shard, const char *actor, const char *name,
                      const redisReply *value) {
    SW_AUTO(sw_json) json_t *record = NULL;
    const char *end = memchr(value->str, '\n', value->len);
    size_t skip = end ? (size_t)(end - value->str) + 1 : 0;
    if (sw_value_unpack(value->str + skip, value->len - skip, &record) < 0) return;
    const json_t *m = json_object_get(record, "m"), *q = json_object_get(record, "q");
    if (!is_asked_for(reading, sw_str(m, "cmd"))) return;
    SW_AUTO(sw_text)
    char *mark = row_of(reading, shard, actor, "HGET", "fx:started", name);
    char path[SW_PATH_CHARS];
    sw_path_template(sw_str(q, "path"), path);
    owe(reading, shard, sw_str(m, "cmd"), sw_str(m, "inst"),
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "what", "effect", "actor", actor, "effect",
                  name, "upstream", sw_str(q, "up"), "method", sw_str(q, "method"), "path", path,
                  "started", mark != NULL));
}

static void on_timer(struct reading *reading, unsigned shard, const char *actor, const char *name,
                     const redisReply *value) {
    struct sw_msg *m;
    if (sw_msg_unpack(value->str, value->len, &m) < 0) return;
    if (is_asked_for(reading, m->cmd)) {
        SW_AUTO(sw_text) char *due = row_of(reading, shard, actor, "ZSCORE", "timers", name);
        owe(reading, shard, m->cmd, m->inst,
            json_pack("{s:s, s:s, s:s, s:I}", "what", "timer", "actor", actor, "kind", m->kind,
                      "due_ms", (json_int_t)(due ? strtoll(due, NULL, 10) : 0)));
    }
    sw_msg_destroy(m);
}

static int read_owed_of(struct reading *reading, unsigned shard, const char *actor) {
    int r = 0;
    for (int bulk = 0; r == 0 && bulk < SW_LANES; bulk++) {
        struct mailbox mailbox = {actor, bulk};
        SW_AUTO(sw_text)
        char *key = sw_printf("sw:{%02u}:%s%s", shard, actor, bulk ? ":bulk" : "");
        r = each(reading, &(struct sw_stream){shard, key}, 1, 0, on_mail, &mailbox);
    }
    if (r == 0) r = each_row(reading, shard, actor, "fx", on_effect);
    if (r == 0) r = each_row(reading, shard, actor, "tm", on_timer);
    return r;
}

/* In the shards that have a story of it; in all where none has: it may have come in just now. */
static int read_owed(struct reading *reading) {
    bool has[SW_SHARDS] = {false};
    const bool all = json_object_size(reading->commands) == 0;
    const char *cmd;
    json_t *where;
    int r = 0;
    json_object_foreach(reading->commands, cmd, where) has[sw_int(where, "shard")] = true;
    for (unsigned shard = 0; shard < SW_SHARDS; shard++) {
        if (all) has[shard] = !reading->away[shard];
        for (size_t i = 0; r == 0 && has[shard] && i < sizeof(actors) / sizeof(*actors); i++)
            r = read_owed_of(reading, shard, actors[i]);
    }
    return r;
}

/* ---- the whole ---- */

/* The newest oldest: from then on all stories are there. 0: there is none at all. */
static int read_oldest(struct reading *reading) {
    int r = 0;
    for (unsigned shard = 0; r == 0 && shard < SW_SHARDS; shard++) {
        if (reading->away[shard]) continue;
        redisContext *redis = sw_sync_of(reading->sync, shard);
        redisReply *first;
        char key[32];
        snprintf(key, sizeof(key), "sw:{%02u}:story", shard);
        r = !redis ? -ENOTCONN
                   : sw_sync_ask(reading->conf, redis, &first, reading->error, reading->room,
                                 "XRANGE", key, "-", "+", "COUNT", "1", NULL);
        if (r < 0) return r;
        int64_t at_ms = first->elements ? strtoll(first->element[0]->element[0]->str, NULL, 10) : 0;
        if (at_ms && (!reading->oldest_ms || at_ms < reading->oldest_ms))
            reading->oldest_ms = at_ms;
        freeReplyObject(first);
    }
    return r;
}

struct by_other { /* whose message a step without a cause was */
    const char *what;
    char cmd[64];
};

static void on_other(struct reading *reading, unsigned shard, void *arg, const char *id,
                     const redisReply *value) {
    struct by_other *other = arg;
    size_t size = strlen(other->what);
    (void)reading;
    (void)shard;
    (void)id;
    for (const char *at = value->str; (at = strstr(at, other->what)); at += size) {
        if (at[size] && at[size] != ' ') continue;
        snprintf(other->cmd, sizeof(other->cmd), "%.*s", (int)strcspn(value->str + 2, " "),
                 value->str + 2);
    }
}

/* A cancel, say, is a message of the command that typed it. */
static int find_others(struct reading *reading, unsigned shard) {
    size_t i;
    json_t *step;
    int r = 0;
    json_array_foreach(reading->steps, i, step) {
        if (r < 0 || strcmp(sw_str(step, "cause"), "unknown") != 0) continue;
        SW_AUTO(sw_text) char *key = sw_printf("sw:{%02u}:story", shard);
        SW_AUTO(sw_text)
        char *what = sw_printf(" s%s=%s", sw_str(step, "actor"), sw_str(step, "entry"));
        struct by_other other = {.what = what};
        r = each(reading, &(struct sw_stream){shard, key}, 1, 0, on_other, &other);
        if (other.cmd[0]) json_object_set_new(step, "of", json_string(other.cmd));
    }
    return r;
}

static void on_audit(void *arg, const char *installation, const json_t *entry) {
    (void)installation;
    json_array_append(arg, (json_t *)entry);
}

static void strip(json_t *list) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        json_object_del(one, "command");
        json_object_del(one, "installation");
        json_object_del(one, "born_ms");
    }
}

static int put_together(struct reading *reading, json_t *story) {
    void *only = json_object_iter(reading->commands);
    const char *cmd = json_object_iter_key(only);
    json_t *where = json_object_iter_value(only), *audit = json_array();
    const json_t *first = json_array_get(reading->steps, 0);
    const json_t *born = json_object_get(first, "born_ms");
    struct sw_audit_query query = {.installation = sw_str(where, "installation"),
                                   .cmd = cmd,
                                   .since_ms = reading->since_ms - CLOCKS_MS};
    json_object_set_new(story, "command", json_string(cmd));
    json_object_update(story, where);
    json_object_set_new(story, "born_ms",
                        json_integer(born ? json_integer_value(born) : reading->since_ms));
    sw_story_join(reading->steps);
    int r = find_others(reading, (unsigned)sw_int(where, "shard"));
    if (r == 0)
        r = sw_audit_read(reading->conf, &query, on_audit, audit, reading->error, reading->room);
    strip(reading->steps);
    strip(reading->owed);
    json_object_set(story, "steps", reading->steps);
    json_object_set(story, "owed", reading->owed);
    json_object_set_new(story, "audit", audit);
    json_object_set_new(story, "ended", sw_story_ended(story));
    return r;
}

static void name_some(const struct reading *reading, json_t *story) {
    json_t *names = json_array(), *where;
    const char *cmd;
    json_object_foreach(reading->commands, cmd, where) {
        if (json_array_size(names) < NAMED_MAX) json_array_append_new(names, json_string(cmd));
    }
    json_object_set_new(story, "commands", names);
}

/* Each Redis is tried once: its shards are left out where it is away, and the story says so. Only where all are it fails. */
static int find_away(struct reading *reading, json_t *story) {
    struct sw_redis_map map;
    unsigned reached = 0;
    int r = sw_redis_map_parse(reading->conf->redis, &map, reading->error, reading->room);
    for (unsigned i = 0; r == 0 && i < map.count; i++) {
        if (sw_sync_at(reading->sync, i)) {
            reached++;
            continue;
        }
        json_object_set_new(story, "away", json_string(reading->error));
        for (unsigned shard = 0; shard < SW_SHARDS; shard++)
            reading->away[shard] = reading->away[shard] || map.of[shard] == i;
    }
    return r < 0 || reached ? r : -ENOTCONN;
}

static int read_all(struct reading *reading, json_t *story) {
    int r = find_away(reading, story);
    if (r == 0) r = read_steps(reading);
    if (r == 0) r = read_owed(reading);
    if (r < 0) return r;
    if (json_object_size(reading->commands) > 1) {
        name_some(reading, story);
    } else if (json_object_size(reading->commands) == 1) {
        r = put_together(reading, story);
    } else {
        r = read_oldest(reading);
        json_object_set_new(story, "oldest_ms", json_integer(reading->oldest_ms));
    }
    return r;
}

int sw_story_read(const struct sw_conf *conf, const char *begin, json_t **ret, char *error,
                  size_t room) {
    struct reading reading = {.conf = conf, .begin = begin, .error = error, .room = room};
    int r = sw_story_since(begin, &reading.since_ms);
    if (r < 0) return snprintf(error, room, "\"%.64s\" is not how an id begins", begin), r;
    json_t *story = json_object();
    reading.commands = json_object();
    reading.steps = json_array();
    reading.owed = json_array();
    reading.sync = sw_sync_open(conf, error, room);
    r = read_all(&reading, story);
    sw_sync_close(reading.sync);
    json_decref(reading.commands);
    json_decref(reading.steps);
    json_decref(reading.owed);
    if (r < 0) {
        json_decref(story);
        return r;
    }
    *ret = story;
    return 0;
}
