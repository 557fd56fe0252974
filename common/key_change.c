/* key_change.c -- a key comes, takes over, goes; see key_file.h.
 *
 * The secret of a pair comes before its public key and goes after it, so that whoever reads between the two writes can still
 * open all that is sealed for it. */
#include "common/key_file.h"
#include "common/mem.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 112

struct change {
    const char *dir, *name;
    char *error;
    size_t room;
    int lock; /* the directory */
    bool pair;
    struct sw__key_file file; /* of the secrets */
};

static int fail(const struct change *c, int r, const char *what) {
    snprintf(c->error, c->room, "%s/%s: %s", c->dir, c->name, what);
    return r;
}

static int begin(struct change *c, const char *dir, const char *name, char *error, size_t room) {
    *c = (struct change){.dir = dir, .name = name, .error = error, .room = room, .lock = -1};
    if (sodium_init() < 0 || !sw_ring_is_name(name)) return fail(c, -EINVAL, "no such key file");
    sodium_mlock(&c->file, sizeof(c->file));
    c->pair = sw__is_pair(name);
    c->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->lock < 0 || flock(c->lock, LOCK_EX) < 0) {
        snprintf(error, room, "%s: %s", dir, strerror(errno));
        return -errno;
    }
    return sw__key_file_read(dir, name, "key", &c->file, error, room);
}

static int end(struct change *c, int r) {
    sodium_munlock(&c->file, sizeof(c->file)); /* wipes */
    if (c->lock >= 0) close(c->lock);
    return r;
}

static void print(const struct sw__key_file *file, char text[SW_RING_MAX * LINE_MAX_BYTES]) {
    size_t size = 0;
    for (unsigned i = 0; i < file->count; i++) {
        const struct sw_ring_key *about = &file->about[i];
        char hex[2 * SW__KEY_BYTES + 1], at[32] = "1970-01-01T00:00:00Z";
        time_t seconds = (time_t)(about->since_ms / 1000);
        struct tm tm;
        if (gmtime_r(&seconds, &tm)) strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
        sodium_bin2hex(hex, sizeof(hex), file->key[i], SW__KEY_BYTES);
        size += (size_t)snprintf(text + size, LINE_MAX_BYTES, "%s %s %s\n", hex,
                                 sw_standing_names[about->standing], at);
        sodium_memzero(hex, sizeof(hex));
    }
}

/* The new file as a whole, in place of the old one; mode and owner stay. */
static int replace(const char *path, const char *text, const struct stat *old) {
    SW_AUTO(sw_text) char *next = sw_printf("%s.next-XXXXXX", path);
    size_t size = strlen(text);
    int fd = mkostemp(next, O_CLOEXEC);
    if (fd < 0) return -errno;
    int r = 0;
    if ((old->st_uid != geteuid() || old->st_gid != getegid()) &&
        fchown(fd, old->st_uid, old->st_gid) < 0)
        r = -errno;
    if (r == 0 && fchmod(fd, old->st_mode & 07777) < 0) r = -errno;
    if (r == 0) {
        ssize_t n = write(fd, text, size);
        r = n == (ssize_t)size ? 0 : n < 0 ? -errno : -EIO;
    }
    if (r == 0 && fsync(fd) < 0) r = -errno;
    if (close(fd) < 0 && r == 0) r = -errno;
    if (r == 0 && rename(next, path) < 0) r = -errno;
    if (r < 0) unlink(next);
    return r;
}

static int write_file(const struct change *c, const char *ending, const struct sw__key_file *file) {
    char path[4096], text[SW_RING_MAX * LINE_MAX_BYTES];
    struct stat old = {
        .st_mode = !strcmp(ending, "pub") ? 0644 : 0600, .st_uid = geteuid(), .st_gid = getegid()};
    int r = sw__key_file_path(path, c->dir, c->name, ending);
    if (r == 0 && stat(path, &old) < 0 && errno != ENOENT) r = -errno;
    print(file, text);
    if (r == 0) r = replace(path, text, &old);
    sodium_memzero(text, sizeof(text));
    if (r == 0 && fsync(c->lock) < 0) r = -errno;
    if (r < 0) snprintf(c->error, c->room, "%s/%s.%s: %s", c->dir, c->name, ending, strerror(-r));
    return r;
}

static int write_public(const struct change *c) {
    struct sw__key_file pub;
    if (!c->pair) return 0;
    sw__key_file_public(&c->file, &pub);
    return write_file(c, "pub", &pub);
}

static int save(const struct change *c) {
    int r = write_file(c, "key", &c->file);
    return r < 0 ? r : write_public(c);
}

/* Puts the key at `from` to `to`, those between move by one. */
static void move(struct sw__key_file *file, unsigned from, unsigned to) {
    struct sw_ring_key about = file->about[from];
    uint8_t key[SW__KEY_BYTES];
    memcpy(key, file->key[from], sizeof(key));
    for (unsigned i = from; i != to; i = i > to ? i - 1 : i + 1) {
        unsigned next = i > to ? i - 1 : i + 1;
        file->about[i] = file->about[next];
        memcpy(file->key[i], file->key[next], sizeof(key));
    }
    file->about[to] = about;
    memcpy(file->key[to], key, sizeof(key));
    sodium_memzero(key, sizeof(key));
}

static void stand(struct sw_ring_key *about, enum sw_standing standing) {
    about->standing = standing;
    about->since_ms = time(NULL) * 1000LL;
}

static int find_added(const struct sw__key_file *file) {
    for (unsigned i = 1; i < file->count; i++) {
        if (file->about[i].standing == SW_KEY_ADDED) return (int)i;
    }
    return -1;
}

static void make_key(struct change *c) {
    unsigned i = c->file.count++;
    randombytes_buf(c->file.key[i], SW__KEY_BYTES);
    sw__key_id(c->file.key[i], c->pair, c->file.about[i].id);
    stand(&c->file.about[i], SW_KEY_ADDED);
    move(&c->file, i, 1);
}

int sw_ring_add(const char *dir, const char *name, char ret_id[SW_KEY_ID_CHARS + 1], char *error,
                size_t room) {
    struct change c;
    int r = begin(&c, dir, name, error, room);
    int added = r == 0 ? find_added(&c.file) : -1;
    if (added >= 0) {
        memcpy(ret_id, c.file.about[added].id, SW_KEY_ID_CHARS + 1);
        r = fail(&c, -EEXIST, "a key is added already and not yet in use");
    } else if (r == 0 && c.file.count == SW_RING_MAX) {
        r = fail(&c, -ENOSPC, "the ring is full: retire an old key first");
    }
    if (r == 0) {
        make_key(&c);
        memcpy(ret_id, c.file.about[1].id, SW_KEY_ID_CHARS + 1);
        r = save(&c);
    }
    return end(&c, r);
}

int sw_ring_rotate(const char *dir, const char *name, char ret_id[SW_KEY_ID_CHARS + 1], char *error,
                   size_t room) {
    struct change c;
    int r = begin(&c, dir, name, error, room);
    int added = r == 0 ? find_added(&c.file) : -1;
    if (r == 0 && added < 0) r = fail(&c, -ENOENT, "no key is added");
    if (r == 0) {
        stand(&c.file.about[0], SW_KEY_FORMER);
        stand(&c.file.about[added], SW_KEY_CURRENT);
        move(&c.file, (unsigned)added, 0);
        memcpy(ret_id, c.file.about[0].id, SW_KEY_ID_CHARS + 1);
        r = save(&c);
    }
    return end(&c, r);
}

int sw_ring_retire(const char *dir, const char *name, const char *id, char *error, size_t room) {
    struct change c;
    unsigned i = 0;
    int r = begin(&c, dir, name, error, room);
    while (r == 0 && i < c.file.count && strcmp(c.file.about[i].id, id) != 0)
        i++;
    if (r == 0 && i == c.file.count) r = fail(&c, -ENOENT, "no such key");
    if (r == 0 && i == 0) r = fail(&c, -EBUSY, "the key is current");
    if (r == 0) {
        move(&c.file, i, c.file.count - 1);
        sodium_memzero(c.file.key[--c.file.count], SW__KEY_BYTES);
        r = write_public(&c);
        if (r == 0) r = write_file(&c, "key", &c.file);
    }
    return end(&c, r);
}

int sw_ring_read(const char *dir, const char *name, struct sw_ring *ret, char *error, size_t room) {
    struct sw__key_file file;
    char first[256];
    if (sodium_init() < 0) return -EINVAL;
    int r = sw__key_file_read(dir, name, "key", &file, error, room);
    if (r == -ENOENT && sw__is_pair(name))
        r = sw__key_file_read(dir, name, "pub", &file, first, sizeof(first)) < 0 ? r : 0;
    if (r == 0) {
        ret->count = file.count;
        memcpy(ret->key, file.about, sizeof(ret->key));
    }
    sodium_memzero(&file, sizeof(file));
    return r;
}
