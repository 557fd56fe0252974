/* overview_redis.c -- what a Redis says of itself; see overview_priv.h. */
#include "common/clock.h"
#include "common/mem.h"
#include "common/overview_priv.h"
#include "common/sync.h"

#include <errno.h>
#include <string.h>

/* The value of a line "name:value" of INFO; "" where there is none. */
static void info(const char *text, const char *name, char *ret, size_t room) {
    SW_AUTO(sw_text) char *line = sw_printf("\n%s:", name);
    const char *found = strstr(text, line);
    const char *value = found ? found + strlen(line) : "";
    snprintf(ret, room, "%.*s", (int)strcspn(value, "\r\n"), value);
}

static void set_text(json_t *server, const char *key, const char *text, const char *name) {
    char value[128];
    info(text, name, value, sizeof(value));
    json_object_set_new(server, key, json_string(value));
}

static void set_number(json_t *server, const char *key, const char *text, const char *name) {
    char value[128];
    info(text, name, value, sizeof(value));
    json_object_set_new(server, key, json_integer(atoll(value)));
}

/* Those that follow, not those that still copy. */
static void set_replicas(json_t *server, const char *text) {
    json_int_t count = 0;
    for (const char *at = text; (at = strstr(at, ",state=online,")); at++)
        count++;
    json_object_set_new(server, "replicas", json_integer(count));
}

static void describe(json_t *server, const char *text) {
    char value[128];
    set_text(server, "version", text, "redis_version");
    set_text(server, "role", text, "role");
    set_replicas(server, text);
    set_number(server, "used_bytes", text, "used_memory");
    set_number(server, "max_bytes", text, "maxmemory");
    set_text(server, "policy", text, "maxmemory_policy");
    info(text, "master_link_status", value, sizeof(value));
    json_object_set_new(server, "link", json_string(value));
    info(text, "aof_enabled", value, sizeof(value));
    json_object_set_new(server, "aof", json_boolean(!strcmp(value, "1")));
    info(text, "aof_last_write_status", value, sizeof(value));
    json_object_set_new(server, "written", json_boolean(strcmp(value, "err") != 0));
    info(text, "loading", value, sizeof(value));
    json_object_set_new(server, "loading", json_boolean(!strcmp(value, "1")));
}

/* The clock, and what kind of Redis it is. */
void sw__overview_greet(struct sw__reading *r, json_t *server) {
    int64_t before_ms = sw_clock_ms(CLOCK_REALTIME);
    redisAppendCommand(r->redis, "TIME");
    redisReply *time = sw__overview_take(r);
    int64_t after_ms = sw_clock_ms(CLOCK_REALTIME);
    if (!time) return;
    r->now_ms = atoll(sw__overview_text(time, 0)) * 1000 + atoll(sw__overview_text(time, 1)) / 1000;
    freeReplyObject(time);
    int64_t skew_ms = before_ms + (after_ms - before_ms) / 2 - r->now_ms;
    json_object_set_new(server, "skew_ms", json_integer(skew_ms));
}

/* What a user or a managed Redis may be refused is no failure: `ret_refused` gets the error, the caller frees the reply or NULL. */
static redisReply *take_perhaps(struct sw__reading *r, char *ret_refused, size_t room) {
    redisReply *reply = NULL;
    ret_refused[0] = 0;
    if (r->failed < 0) return NULL;
    int e = sw_sync_take(r->conf, r->redis, &reply, ret_refused, room);
    if (e == 0 || e == -EIO) return e == 0 ? reply : NULL;
    r->failed = e;
    snprintf(r->error, r->room, "%s", ret_refused);
    return NULL;
}

void sw__overview_ask_server(redisContext *redis, unsigned shard) {
    redisAppendCommand(redis, "INFO");
    redisAppendCommand(redis, "CONFIG GET appendfsync");
    /* As the commands that write do. */
    redisAppendCommand(redis, "EVAL %s 1 sw:{%02u}:", "return 0", shard);
}

static void take_rights(struct sw__reading *r, json_t *server) {
    char refused[512];
    redisReply *fsync = take_perhaps(r, refused, sizeof(refused));
    const char *said = fsync ? sw__overview_text(fsync, 1) : "";
    json_object_set_new(server, "fsync", said[0] ? json_string(said) : json_null());
    freeReplyObject(fsync);
    freeReplyObject(take_perhaps(r, refused, sizeof(refused)));
    json_object_set_new(server, "scripts", json_boolean(!strstr(refused, "NOPERM")));
    json_object_set_new(server, "user",
                        json_string(r->conf->redis_user[0] ? r->conf->redis_user : "default"));
}

void sw__overview_take_server(struct sw__reading *r, json_t *server) {
    redisReply *text = sw__overview_take(r);
    if (text) {
        info(text->str, "run_id", r->run_id, sizeof(r->run_id));
        describe(server, text->str);
    }
    freeReplyObject(text);
    take_rights(r, server);
}
