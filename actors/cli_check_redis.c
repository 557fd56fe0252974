/* cli_check_redis.c -- how each Redis is set up; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

#define FULL_WARN 70 /* from here on webhooks are shed */
#define FULL_FAIL 85 /* and from here on commands */
#define SKEW_WARN_MS 1000
#define SKEW_FAIL_MS 60000

void sw__check_clock(const char *whose, int64_t skew_ms, int64_t exact_ms, json_t *rows) {
    const int64_t size = skew_ms < 0 ? -skew_ms : skew_ms;
    char span[32];
    enum sw__level level = size >= SKEW_FAIL_MS              ? SW__FAIL
                           : size >= SKEW_WARN_MS + exact_ms ? SW__WARN
                                                             : SW__OK;
    sw__span(size, span);
    sw__row(rows, "clock", level,
            "set both clocks by NTP (timedatectl set-ntp true): Slack's signatures are good for "
            "5 minutes",
            "this machine's clock is %s %s that of %s", level == SW__OK ? "less than 1 s" : span,
            level == SW__OK ? "from"
            : skew_ms < 0   ? "behind"
                            : "before",
            whose);
}

static void check_version(const json_t *server, const char *address, json_t *rows) {
    const char *version = sw_str(server, "version");
    sw__row(rows, "redis-version", atoi(version) >= 7 ? SW__OK : SW__FAIL,
            "run Redis 7 or newer: the scripts need it", "Redis %s at %s", version, address);
}

static void check_role(const json_t *server, const char *address, json_t *rows) {
    const char *role = sw_str(server, "role");
    const bool master = !strcmp(role, "master");
    const bool loading = json_is_true(json_object_get(server, "loading"));
    sw__row(rows, "redis-role", master && !loading ? SW__OK : SW__FAIL,
            loading ? "wait: it reads its file" : "let SLIPWAY_REDIS name the primary",
            "%s is %s%s", address,
            master                   ? "a primary"
            : !strcmp(role, "slave") ? "a replica, which takes no writes"
                                     : role,
            loading ? " and still loads its file" : "");
}

static void check_memory(const json_t *server, const char *address, json_t *rows) {
    const int64_t used = sw_int(server, "used_bytes"), max = sw_int(server, "max_bytes");
    const char *policy = sw_str(server, "policy");
    char used_text[32], max_text[32];
    sw__row(rows, "redis-eviction", !strcmp(policy, "noeviction") ? SW__OK : SW__FAIL,
            "redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf",
            "maxmemory-policy of %s is %s%s", address, policy,
            strcmp(policy, "noeviction") != 0 ? ": it forgets work" : "");
    sw__bytes(used, used_text);
    sw__bytes(max, max_text);
    if (max == 0) {
        sw__row(rows, "redis-maxmemory", SW__WARN,
                "redis-cli CONFIG SET maxmemory <bytes>, and in redis.conf: about 3/4 of what the "
                "machine has for it",
                "%s uses %s and has no maxmemory: it is killed before anything is shed", address,
                used_text);
        return;
    }
    const int64_t percent = used * 100 / max;
    sw__row(rows, "redis-memory",
            percent >= FULL_FAIL   ? SW__FAIL
            : percent >= FULL_WARN ? SW__WARN
                                   : SW__OK,
            "give it more (redis-cli CONFIG SET maxmemory <bytes>), or find out what is owed: "
            "slipway status",
            "%s uses %s of %s (%lld %%)%s", address, used_text, max_text, (long long)percent,
            percent >= FULL_FAIL   ? ": commands are refused at the door"
            : percent >= FULL_WARN ? ": webhooks are refused at the door"
                                   : "");
}

static void check_file(const struct sw_conf *conf, const json_t *server, const char *address,
                       json_t *rows) {
    const char *fsync = json_string_value(json_object_get(server, "fsync"));
    const bool aof = json_is_true(json_object_get(server, "aof"));
    if (!strcmp(conf->durability, "memory")) {
        sw__row(rows, "redis-file", SW__WARN, "set SLIPWAY_DURABILITY=disk, but in tests",
                "SLIPWAY_DURABILITY is memory: what %s confirmed may be lost with it", address);
        return;
    }
    sw__row(rows, "redis-file", aof ? SW__OK : SW__FAIL,
            "redis-cli CONFIG SET appendonly yes, and in redis.conf",
            aof ? "%s appends to its file" : "%s keeps nothing on disk (appendonly no)", address);
    if (!json_is_true(json_object_get(server, "written")))
        sw__row(rows, "redis-file", SW__FAIL, "free space on its disk, and look at Redis' log",
                "%s could not write to its file the last time", address);
    if (!fsync) {
        sw__row(rows, "redis-fsync", SW__WARN,
                "make sure by its provider's own means that appendfsync is always",
                "%s refuses CONFIG, as a managed Redis does: nobody can see its appendfsync here",
                address);
    } else {
        sw__row(rows, "redis-fsync", !strcmp(fsync, "always") ? SW__OK : SW__FAIL,
                "redis-cli CONFIG SET appendfsync always, and in redis.conf",
                "appendfsync of %s is %s", address, fsync);
    }
}

static void check_replicas(const struct sw_conf *conf, const json_t *server, const char *address,
                           json_t *rows) {
    const int64_t have = sw_int(server, "replicas"), want = conf->wait;
    if (strcmp(conf->durability, "replicated") != 0) return;
    sw__row(rows, "redis-replicas", have >= want ? SW__OK : SW__FAIL,
            "start them (replicaof), or set SLIPWAY_WAIT to fewer",
            "%lld replicas follow %s, and SLIPWAY_DURABILITY replicated waits for %lld%s",
            (long long)have, address, (long long)want,
            have >= want ? "" : ": nothing is confirmed");
}

static void check_generations(const json_t *server, const char *address, json_t *rows) {
    const json_t *generations = json_object_get(server, "generations");
    const int64_t now = sw_int(generations, "now"), older = sw_int(generations, "older");
    sw__row(rows, "redis-generation", older ? SW__WARN : SW__OK,
            "nothing, where it came back just now: the actors take each shard anew",
            older ? "of %lld shards at %s nobody has seen that it was started again"
                  : "%lld shards at %s are of its present life",
            (long long)(older ? older : now), address);
}

static void check_user(const json_t *server, const char *address, json_t *rows) {
    const bool may = json_is_true(json_object_get(server, "scripts"));
    sw__row(rows, "redis-user", may ? SW__OK : SW__FAIL,
            "give it what `slipway acl` says, or set SLIPWAY_REDIS_USER and "
            "SLIPWAY_REDIS_PASSWORD_FILE to the operator's",
            may ? "user %s may read and run scripts at %s" : "user %s may not run scripts at %s",
            sw_str(server, "user"), address);
}

void sw__check_redis(const struct sw_conf *conf, const json_t *overview, json_t *rows) {
    size_t i;
    json_t *server;
    json_array_foreach(json_object_get(overview, "redis"), i, server) {
        const char *address = sw_str(server, "address"), *error = sw_str(server, "error");
        if (error[0]) {
            sw__row(rows, "redis", SW__FAIL,
                    strstr(error, "NOPERM") ? "give its user what `slipway acl` says"
                                            : "start it, or set SLIPWAY_REDIS",
                    "shards %s: %s", sw_str(server, "shards"), error);
            continue;
        }
        check_version(server, address, rows);
        check_role(server, address, rows);
        check_memory(server, address, rows);
        check_file(conf, server, address, rows);
        check_replicas(conf, server, address, rows);
        check_user(server, address, rows);
        check_generations(server, address, rows);
    }
}
