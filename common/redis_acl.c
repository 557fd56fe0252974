/* redis_acl.c -- see redis_acl.h.
 *
 * Redis checks each call of a script against its caller's user, so a role whose process was taken over can do with any script
 * what stands here and no more: its own keys; write-only, to whom it sends. */
#include "common/redis_acl.h"

#include "common/mem.h"
#include "proto/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S "sw:{[0-9][0-9]}:" /* the prefix of any shard */
#define USER "slipway-"
#define LINE_BYTES 4096

enum {
    AUDITS = 1,   /* writes who did what */
    SOURCES = 2,  /* says whom a webhook's source concerns */
    LOOKS_UP = 4, /* asks that */
    ONCE = 8,     /* appends with a dedupe key: doors, and what goes to another shard */
    COUNTS = 16,  /* what an installation owes */
    OPERATES = 32,
};

static const struct row {
    const char *role;
    unsigned may;
} rows[] = {
    {"ingress", ONCE | COUNTS | LOOKS_UP},
    {"parser", COUNTS},
    {"auth", COUNTS | ONCE | AUDITS | SOURCES},
    {"executor", AUDITS | SOURCES},
    {"responder", 0},
    {"notifier", ONCE | AUDITS | SOURCES | LOOKS_UP},
    {"refresher", 0},
    {"operator", OPERATES},
};
#define ROLES (sizeof(rows) / sizeof(*rows) - 1) /* the operator comes last */

/* What greets a server, and whatever no key is needed for. */
static const char everybody[] = " +info +ping +role +time +wait +script|load";

/* Of its own keys: mailboxes, lease, state, effects, timers, tries; and each shard's generation. */
static const char own[] =
    " +evalsha +exists +get +set +del +hget +hmget +hgetall +hset +hdel +hexists +hlen +hkeys"
    " +hincrby +xadd +xdel +xlen +xrange +xrevrange +xinfo|stream +zadd +zrem +zrange"
    " +zrangebyscore +zremrangebyscore +zscore";

/* Reads all there is, where what is secret is sealed; puts messages into mailboxes; ends dead letters. */
static const char operates[] =
    " ~sw:* +acl|whoami +eval +evalsha +exists +type +scan +get +hget +hmget +hgetall +hscan +hlen "
    "+hkeys +hvals +xlen"
    " +xrange +xrevrange +xinfo|stream +zcard +zcount +zrange +zrangebyscore +zscore +smembers"
    " +config|get"
    " (+eval +evalsha +hset +hincrby +xadd +xdel +sadd +set +hget +get ~" S " ~" S "gen ~" S
    "owed ~" S "dead ~" S "audits ~" S "audit:* ~" S "seen:*)";

static void write_sends(FILE *out, const struct row *row) {
    for (size_t i = 0; i < ROLES; i++) {
        const char *to = rows[i].role;
        if (!sw_kind_sends(row->role, to)) continue;
        fprintf(out, " (+xadd +xlen %%W~" S "%s %%W~" S "%s:bulk) (+hget %%R~" S "%s:own)", to, to,
                to);
    }
}

static void write_rules(FILE *out, const struct row *row) {
    fprintf(out, " resetchannels -@all%s", everybody);
    if (row->may & OPERATES) {
        fputs(operates, out);
        for (size_t i = 0; i < ROLES; i++)
            fprintf(out, " (+xadd %%W~" S "%s %%W~" S "%s:bulk)", rows[i].role, rows[i].role);
        fputc('\n', out);
        return;
    }
    fprintf(out, " ~" S " ~" S "gen ~sw: ~sw:live:%s ~sw:keys:%s ~" S "%s ~" S "%s:*%s", row->role,
            row->role, row->role, row->role, own);
    write_sends(out, row);
    fputs(" (+xadd +xlen %W~" S "dead %W~" S "story)", out);
    if (row->may & AUDITS) fputs(" (+xadd +sadd %W~" S "audits %W~" S "audit:*)", out);
    if (row->may & ONCE) fputs(" (+get +set ~" S "seen:*)", out);
    if (row->may & COUNTS) fputs(" (+hget +hincrby ~" S "owed)", out);
    if (row->may & SOURCES) fputs(" (+evalsha +sadd +srem ~sw:src:*) (+incr ~sw:sources)", out);
    if (row->may & LOOKS_UP) fputs(" (+smembers %R~sw:src:*) (+get %R~sw:sources)", out);
    fputc('\n', out);
}

static int fail(const char *path, int r, char *error, size_t room) {
    snprintf(error, room, "%s: %s", path, strerror(-r));
    return r;
}

/* 32 random bytes as text, in a file that nobody had. */
static int make_password(const char *path) {
    unsigned char key[32];
    char text[sizeof(key) * 2 + 1];
    randombytes_buf(key, sizeof(key));
    sodium_bin2hex(text, sizeof(text), key, sizeof(key));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = fd < 0 || dprintf(fd, "%s\n", text) < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0) close(fd);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(text, sizeof(text));
    return r;
}

/* " #<SHA-256>" of each line of the file. -EINVAL: none, or more than two. */
static int write_hashes(FILE *out, const char *path) {
    char line[LINE_BYTES];
    int count = 0;
    FILE *file = fopen(path, "re");
    if (!file) return -errno;
    while (fgets(line, sizeof(line), file)) {
        unsigned char hash[crypto_hash_sha256_BYTES];
        char hex[sizeof(hash) * 2 + 1];
        size_t from = strspn(line, " \t"), end = strcspn(line, "\r\n");
        while (end > from && strchr(" \t", line[end - 1]))
            end--;
        if (end <= from) continue;
        crypto_hash_sha256(hash, (unsigned char *)line + from, end - from);
        sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
        fprintf(out, " #%s", hex);
        count++;
    }
    sodium_memzero(line, sizeof(line));
    fclose(file);
    return count == 1 || count == 2 ? 0 : -EINVAL;
}

static int write_user(FILE *out, const char *dir, const struct row *row, char *error, size_t room) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/" USER "%s", dir, row->role);
    int r = make_password(path);
    if (r < 0 && r != -EEXIST) return fail(path, r, error, room);
    fprintf(out, "user " USER "%s on", row->role);
    r = write_hashes(out, path);
    if (r == -EINVAL) {
        snprintf(error, room, "%s: one line, the password, or two: current and previous", path);
        return r;
    }
    if (r < 0) return fail(path, r, error, room);
    write_rules(out, row);
    return 0;
}

static bool is_ours(const char *line) {
    if (!strncmp(line, "user default ", strlen("user default "))) return true;
    if (strncmp(line, "user " USER, strlen("user " USER)) != 0) return false;
    const char *name = line + strlen("user " USER);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const size_t size = strlen(rows[i].role);
        if (!strncmp(name, rows[i].role, size) && name[size] == ' ') return true;
    }
    return false;
}

/* Replicas, sentinels and people have users, too. */
static void keep_others(FILE *out, const char *path) {
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &size, file) > 0) {
        if (!is_ours(line) && line[0] != '\n') fputs(line, out);
    }
    free(line);
    if (file) fclose(file);
}

int sw_redis_acl_write(const char *dir, char *error, size_t room) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/users.acl", dir);
    SW_AUTO(sw_text) char *fresh = sw_printf("%s/users.acl.new", dir);
    int r = 0,
        fd = sodium_init() < 0 ? -1 : open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out) return fail(fresh, -errno, error, room);
    /* Nobody signs in as it. But what Redis reads of its own file at its start runs as it, and transactions that it may not
     * run are passed over: without these rights a restart would forget them. */
    fputs("user default off ~* &* +@all\n", out);
    for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(*rows); i++)
        r = write_user(out, dir, &rows[i], error, room);
    keep_others(out, path);
    if (r == 0 && (fflush(out) != 0 || fsync(fd) < 0)) r = fail(fresh, -errno, error, room);
    fclose(out);
    if (r == 0 && rename(fresh, path) < 0) r = fail(path, -errno, error, room);
    if (r < 0) unlink(fresh);
    return r;
}
