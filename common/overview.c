/* overview.c -- asks Redis for everything at once, then adds it up; see overview.h. */
#include "common/mem.h"
#include "common/overview_priv.h"
#include "common/redis_map.h"
#include "common/sync.h"
#include "proto/msg.h"

#include <errno.h>
#include <string.h>

#define HOUR_MS 3600000
#define DEAD_MAX 50 /* looked at, of a shard */
#define INGRESS 0   /* the first role, which owns no shards */

redisReply *sw__overview_take(struct sw__reading *r) {
    redisReply *reply = NULL;
    if (r->failed == 0) r->failed = sw_sync_take(r->conf, r->redis, &reply, r->error, r->room);
    return r->failed < 0 ? NULL : reply;
}

static int64_t take_number(struct sw__reading *r) {
    redisReply *reply = sw__overview_take(r);
    int64_t n = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    return n;
}

const char *sw__overview_text(const redisReply *reply, size_t i) {
    return i < reply->elements && reply->element[i]->str ? reply->element[i]->str : "";
}

/* ---- a shard ---- */

static void ask_actor(redisContext *redis, const char *p, const char *actor, int64_t now_ms) {
    redisAppendCommand(redis, "HMGET %s%s:own gen until", p, actor);
    redisAppendCommand(redis, "XLEN %s%s", p, actor);
    redisAppendCommand(redis, "XRANGE %s%s - + COUNT 1", p, actor);
    redisAppendCommand(redis, "XLEN %s%s:bulk", p, actor);
    redisAppendCommand(redis, "XRANGE %s%s:bulk - + COUNT 1", p, actor);
    redisAppendCommand(redis, "HLEN %s%s:fx", p, actor);
    redisAppendCommand(redis, "HVALS %s%s:fx:started", p, actor);
    redisAppendCommand(redis, "ZCARD %s%s:timers", p, actor);
    redisAppendCommand(redis, "ZCOUNT %s%s:timers -inf %lld", p, actor, (long long)now_ms);
    redisAppendCommand(redis, "ZRANGE %s%s:timers 0 0 WITHSCORES", p, actor);
    redisAppendCommand(redis, "HLEN %s%s:tries", p, actor);
}

static void ask_shard(redisContext *redis, unsigned shard, int64_t now_ms) {
    char p[16];
    snprintf(p, sizeof(p), "sw:{%02u}:", shard);
    redisAppendCommand(redis, "HMGET %sgen run gen", p);
    redisAppendCommand(redis, "XLEN %sdead", p);
    redisAppendCommand(redis, "XREVRANGE %sdead + %lld COUNT %d", p, (long long)now_ms - HOUR_MS,
                       DEAD_MAX);
    redisAppendCommand(redis, "HSCAN %sowed 0 COUNT 500", p);
    for (unsigned i = INGRESS + 1; i < SW__ROLES; i++)
        ask_actor(redis, p, sw__roles[i], now_ms);
}

static void take_gen(struct sw__reading *r) {
    redisReply *reply = sw__overview_take(r);
    r->gen[0] = 0;
    if (!reply) return;
    bool now = !strcmp(sw__overview_text(reply, 0), r->run_id);
    if (now) snprintf(r->gen, sizeof(r->gen), "%s", sw__overview_text(reply, 1));
    *(now ? &r->gen_now : sw__overview_text(reply, 0)[0] ? &r->gen_older : &r->gen_none) += 1;
    freeReplyObject(reply);
}

static void take_dead(struct sw__reading *r) {
    r->dead += take_number(r);
    redisReply *reply = sw__overview_take(r);
    if (reply && reply->elements == DEAD_MAX) r->dead_more = true;
    for (size_t i = 0; reply && i < reply->elements; i++) {
        const redisReply *fields = reply->element[i]->element[1];
        r->dead_hour++;
        for (size_t f = 0; f + 1 < fields->elements; f += 2) {
            const char *actor = sw__overview_text(fields, f + 1);
            if (strcmp(sw__overview_text(fields, f), "actor") != 0) continue;
            int role = sw__role_find(actor, strlen(actor));
            if (role >= 0) r->sums[role].dead_hour++;
        }
    }
    freeReplyObject(reply);
}

static void take_installations(struct sw__reading *r) {
    redisReply *reply = sw__overview_take(r);
    if (!reply) return;
    if (strcmp(sw__overview_text(reply, 0), "0") != 0) r->partial = true;
    const redisReply *pairs = reply->element[1];
    for (size_t i = 0; i + 1 < pairs->elements; i += 2) {
        int64_t owed = atoll(sw__overview_text(pairs, i + 1));
        if (owed < 1 || owed * 10 < r->conf->owed_max) continue;
        json_array_append_new(
            r->installations,
            json_pack("{s:s, s:I}", "installation", sw__overview_text(pairs, i), "owed", owed));
    }
    freeReplyObject(reply);
}

/* How long ago the command of the first entry came in; what cannot be read has no age. */
static int64_t take_age(struct sw__reading *r, char id[48]) {
    redisReply *reply = sw__overview_take(r);
    struct sw_msg *m = NULL;
    int64_t age_ms = 0;
    id[0] = 0;
    if (reply && reply->elements == 1) {
        const redisReply *entry = reply->element[0], *fields = entry->element[1];
        snprintf(id, 48, "%s", sw__overview_text(entry, 0));
        if (fields->elements >= 2 &&
            sw_msg_unpack(fields->element[1]->str, fields->element[1]->len, &m) == 0)
            age_ms = r->now_ms - m->born_ms;
        sw_msg_destroy(m);
    }
    freeReplyObject(reply);
    return age_ms > 0 ? age_ms : 0;
}

static int64_t take_lane(struct sw__reading *r, struct sw__sums *s, unsigned shard, unsigned lane) {
    char id[48];
    int64_t owed = take_number(r), age_ms = take_age(r, id);
    s->owed[lane] += owed;
    if (age_ms > s->oldest_ms[lane]) s->oldest_ms[lane] = age_ms;
    if (lane == 0 && age_ms > SW_OVERVIEW_OLD_MS)
        json_array_append_new(s->waiting, json_pack("{s:i, s:s, s:I}", "shard", (int)shard, "id",
                                                    id, "age_ms", age_ms));
    return owed;
}

static int64_t take_calls(struct sw__reading *r, struct sw__sums *s) {
    int64_t calls = take_number(r);
    redisReply *reply = sw__overview_take(r);
    s->calls += calls;
    for (size_t i = 0; reply && i < reply->elements; i++) {
        const char *until = strchr(sw__overview_text(reply, i), ':');
        int64_t late_ms = until ? r->now_ms - atoll(until + 1) : 0;
        s->marked++;
        s->late += late_ms > 0;
        if (late_ms > s->late_ms) s->late_ms = late_ms;
    }
    freeReplyObject(reply);
    return calls;
}

static int64_t take_timers(struct sw__reading *r, struct sw__sums *s) {
    s->armed += take_number(r);
    int64_t overdue = take_number(r);
    redisReply *reply = sw__overview_take(r);
    if (reply && reply->elements == 2) {
        int64_t due_ms = (int64_t)strtod(sw__overview_text(reply, 1), NULL);
        if (!s->due_ms || due_ms < s->due_ms) s->due_ms = due_ms;
    }
    freeReplyObject(reply);
    s->overdue += overdue;
    return overdue;
}

static void take_actor(struct sw__reading *r, struct sw__sums *s, unsigned shard) {
    redisReply *own = sw__overview_take(r);
    int64_t until_ms = own ? atoll(sw__overview_text(own, 1)) : 0, owed = 0;
    /* A lease of an older generation is void: as good as given back. */
    bool valid = own && r->gen[0] && !strcmp(sw__overview_text(own, 0), r->gen);
    freeReplyObject(own);
    for (unsigned lane = 0; lane < SW_LANES; lane++)
        owed += take_lane(r, s, shard, lane);
    owed += take_calls(r, s);
    owed += take_timers(r, s);
    s->tries += take_number(r);
    if (valid && until_ms > r->now_ms) {
        s->owned++;
        return;
    }
    bool expired = valid && until_ms > 0;
    *(expired ? &s->expired : &s->free) += 1;
    json_t *one = json_pack("{s:i, s:I}", "shard", (int)shard, "owed", owed);
    if (expired) json_object_set_new(one, "expired_ms", json_integer(r->now_ms - until_ms));
    json_array_append_new(s->unowned, one);
}

static void take_shard(struct sw__reading *r, unsigned shard) {
    take_gen(r);
    take_dead(r);
    take_installations(r);
    for (unsigned i = INGRESS + 1; i < SW__ROLES; i++)
        take_actor(r, &r->sums[i], shard);
}

/* ---- a server ---- */

static void take_living(struct sw__reading *r, struct sw__sums *s) {
    redisReply *reply = sw__overview_take(r);
    for (size_t i = 0; reply && i + 1 < reply->elements; i += 2) {
        if (!r->living && strtod(sw__overview_text(reply, i + 1), NULL) > (double)r->now_ms)
            json_array_append_new(s->processes, json_string(sw__overview_text(reply, i)));
    }
    freeReplyObject(reply);
}

/* The shards that stand there. */
static bool is_at(const struct sw_redis_map *map, unsigned number, unsigned shard) {
    return map->of[shard] == number;
}

static unsigned first_at(const struct sw_redis_map *map, unsigned number) {
    unsigned shard = 0;
    while (shard + 1 < SW_SHARDS && !is_at(map, number, shard))
        shard++;
    return shard;
}

static void read_shards(struct sw__reading *r, json_t *server, const struct sw_redis_map *map,
                        unsigned number) {
    r->gen_now = r->gen_older = r->gen_none = 0;
    for (unsigned shard = 0; r->failed == 0 && shard < SW_SHARDS; shard++) {
        if (is_at(map, number, shard)) take_shard(r, shard);
    }
    json_object_set_new(server, "generations",
                        json_pack("{s:I, s:I, s:I}", "now", r->gen_now, "older", r->gen_older,
                                  "none", r->gen_none));
}

static void read_server(struct sw__reading *r, json_t *server, const struct sw_redis_map *map,
                        unsigned number) {
    sw__overview_greet(r, server);
    if (r->failed < 0) return;
    sw__overview_ask_server(r->redis, first_at(map, number));
    for (unsigned i = 0; i < SW__ROLES; i++)
        redisAppendCommand(r->redis, "ZRANGE sw:live:%s 0 -1 WITHSCORES", sw__roles[i]);
    for (unsigned shard = 0; shard < SW_SHARDS; shard++) {
        if (is_at(map, number, shard)) ask_shard(r->redis, shard, r->now_ms);
    }
    sw__overview_take_server(r, server);
    for (unsigned i = 0; i < SW__ROLES; i++)
        take_living(r, &r->sums[i]);
    r->living = r->living || r->failed == 0;
    read_shards(r, server, map, number);
}

/* "host:port", or the master's name: which of several it is. */
static json_t *server_json(const struct sw_redis_map *map, unsigned number) {
    const struct sw_redis_address *address = &map->address[number];
    char shards[SW_SHARDS * 4] = "";
    for (unsigned from = 0, to; from < SW_SHARDS; from = to + 1) {
        size_t used = strlen(shards);
        to = from;
        if (!is_at(map, number, from)) continue;
        while (to + 1 < SW_SHARDS && is_at(map, number, to + 1))
            to++;
        snprintf(shards + used, sizeof(shards) - used, from == to ? "%s%u" : "%s%u-%u",
                 used ? "," : "", from, to);
    }
    return json_pack("{s:s, s:s}", "address",
                     address->master[0] ? address->master : address->host[0], "shards", shards);
}

/* One that cannot be read is in the answer with its error, while another can. */
static int read_all(struct sw__reading *r, json_t *servers) {
    struct sw_redis_map map;
    bool any = false;
    int failed = sw_redis_map_parse(r->conf->redis, &map, r->error, r->room);
    if (failed < 0) return failed;
    struct sw_sync *sync = sw_sync_open(r->conf, r->error, r->room);
    for (unsigned i = 0; i < sw_sync_count(sync); i++) {
        json_t *server = server_json(&map, i);
        json_array_append_new(servers, server);
        r->redis = sw_sync_at(sync, i);
        r->failed = r->redis ? 0 : -ENOTCONN;
        if (r->redis) read_server(r, server, &map, i);
        any = any || r->failed == 0;
        if (r->failed < 0) {
            failed = r->failed;
            json_object_set_new(server, "error", json_string(r->error));
        }
    }
    sw_sync_close(sync);
    return any ? 0 : failed;
}

/* ---- all of it ---- */

static json_t *actor_json(const struct sw__reading *r, unsigned role) {
    const struct sw__sums *s = &r->sums[role];
    json_t *one = json_pack("{s:s, s:O, s:I}", "actor", sw__roles[role], "processes", s->processes,
                            "dead_hour", s->dead_hour);
    if (role == INGRESS) return one;
    json_t *more = json_pack(
        "{s:I, s:{s:I, s:I, s:I}, s:O, s:{s:I, s:I}, s:{s:I, s:I}, s:O, s:{s:I, s:I, s:I, s:I},"
        " s:{s:I, s:I, s:o}}",
        "tries", s->tries, "shards", "owned", s->owned, "free", s->free, "expired", s->expired,
        "unowned", s->unowned, "owed", "urgent", s->owed[0], "bulk", s->owed[1], "oldest_ms",
        "urgent", s->oldest_ms[0], "bulk", s->oldest_ms[1], "waiting", s->waiting, "calls", "owed",
        s->calls, "marked", s->marked, "late", s->late, "late_ms", s->late_ms, "timers", "armed",
        s->armed, "overdue", s->overdue, "next_ms",
        s->due_ms ? json_integer(s->due_ms - r->now_ms) : json_null());
    json_object_update(one, more);
    json_decref(more);
    return one;
}

static void begin(struct sw__reading *r) {
    r->installations = json_array();
    for (unsigned i = 0; i < SW__ROLES; i++) {
        r->sums[i].processes = json_array();
        r->sums[i].unowned = json_array();
        r->sums[i].waiting = json_array();
    }
}

static void end(struct sw__reading *r) {
    json_decref(r->installations);
    for (unsigned i = 0; i < SW__ROLES; i++) {
        json_decref(r->sums[i].processes);
        json_decref(r->sums[i].unowned);
        json_decref(r->sums[i].waiting);
    }
}

int sw_overview_read(const struct sw_conf *conf, json_t **ret, char *error, size_t room) {
    struct sw__reading r = {.conf = conf, .error = error, .room = room};
    SW_AUTO(sw_json) json_t *servers = json_array();
    begin(&r);
    int failed = read_all(&r, servers);
    if (failed == 0) {
        json_t *actors = json_array();
        for (unsigned i = 0; i < SW__ROLES; i++)
            json_array_append_new(actors, actor_json(&r, i));
        *ret =
            json_pack("{s:I, s:o, s:{s:I, s:I, s:b}, s:O, s:b, s:O}", "at_ms", r.now_ms, "actors",
                      actors, "dead", "total", r.dead, "hour", r.dead_hour, "more", r.dead_more,
                      "installations", r.installations, "partial", r.partial, "redis", servers);
    }
    end(&r);
    return failed;
}
