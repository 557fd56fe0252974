/* keys.c -- the key files of seal.h. */
#include "common/mem.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32
#define HEX (2 * KEY_BYTES)

const char *const sw__roles[SW__ROLES] = {"ingress",   "parser",    "auth",    "executor",
                                          "responder", "refresher", "notifier"};

int sw__role_find(const char *name, size_t size) {
    for (int i = 0; i < SW__ROLES; i++) {
        if (strlen(sw__roles[i]) == size && memcmp(sw__roles[i], name, size) == 0) return i;
    }
    return -ENOENT;
}

static int path_of(char path[4096], const char *dir, const char *name, const char *ending) {
    int n = snprintf(path, 4096, "%s/%s.%s", dir, name, ending);
    return n < 0 || n >= 4096 ? -ENAMETOOLONG : 0;
}

static int read_hex(const char *path, uint8_t ret[KEY_BYTES]) {
    char text[HEX + 3]; /* one more than a line feed, to see that there is no more */
    size_t size = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    while (size < sizeof(text) && (n = read(fd, text + size, sizeof(text) - size)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        size += (size_t)n;
    }
    close(fd);
    while (size > HEX && strchr("\r\n", text[size - 1])) {
        size--;
    }
    size_t bytes = 0;
    uint8_t key[KEY_BYTES];
    int r = size == HEX && sodium_hex2bin(key, sizeof(key), text, size, NULL, &bytes, NULL) == 0 &&
                    bytes == KEY_BYTES
                ? 0
                : -EINVAL;
    if (r == 0) memcpy(ret, key, KEY_BYTES);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(key, sizeof(key));
    return r;
}

/* read_hex, and on failure the line that names the file. */
static int load(const char *dir, const char *name, const char *ending, uint8_t ret[KEY_BYTES],
                char *error, size_t room) {
    char path[4096];
    int r = path_of(path, dir, name, ending);
    if (r == 0) r = read_hex(path, ret);
    if (r == -EINVAL) snprintf(error, room, "%s: not a key of %d hex digits", path, HEX);
    if (r < 0 && r != -EINVAL) snprintf(error, room, "%s: %s", path, strerror(-r));
    return r;
}

static int load_pairs(struct sw_keys *keys, const char *dir, uint8_t secret[KEY_BYTES], char *error,
                      size_t room) {
    uint8_t own[KEY_BYTES], pub[KEY_BYTES];
    int r = load(dir, sw__roles[keys->role], "key", secret, error, room);
    if (r < 0) return r;
    crypto_scalarmult_base(own, secret);
    for (unsigned i = 0; i < SW__ROLES; i++) {
        r = load(dir, sw__roles[i], "pub", pub, error, room);
        if (r < 0) return r;
        if (i == keys->role && sodium_memcmp(pub, own, KEY_BYTES) != 0) {
            snprintf(error, room, "%s/%s.pub: does not belong to %s.key", dir, sw__roles[i],
                     sw__roles[i]);
            return -EINVAL;
        }
        if (crypto_box_beforenm(keys->pair[i], pub, secret) < 0) {
            snprintf(error, room, "%s/%s.pub: not a public key", dir, sw__roles[i]);
            return -EINVAL;
        }
    }
    return 0;
}

int sw_keys_load(const char *dir, const char *role, struct sw_keys **ret, char *error,
                 size_t room) {
    uint8_t secret[KEY_BYTES];
    int me = sw__role_find(role, strlen(role));
    if (me < 0 || sodium_init() < 0) {
        snprintf(error, room, me < 0 ? "%s: no such role" : "%s: no randomness", role);
        return -EINVAL;
    }
    struct sw_keys *keys = sodium_malloc(sizeof(*keys));
    if (!keys) abort();
    memset(keys, 0, sizeof(*keys));
    keys->role = (unsigned)me;
    keys->has_token = strcmp(role, "auth") == 0;
    keys->has_state = keys->has_token || strcmp(role, "ingress") == 0;
    sodium_mlock(secret, sizeof(secret));
    int r = load_pairs(keys, dir, secret, error, room);
    sodium_munlock(secret, sizeof(secret)); /* wipes */
    if (r == 0 && keys->has_token) r = load(dir, "token", "key", keys->token, error, room);
    if (r == 0 && keys->has_state) r = load(dir, "state", "key", keys->state, error, room);
    if (r < 0) {
        sw_keys_destroy(keys);
        return r;
    }
    sodium_mprotect_readonly(keys);
    *ret = keys;
    return 0;
}

void sw_keys_destroy(struct sw_keys *keys) {
    sodium_free(keys); /* wipes; accepts NULL */
}

/* Writes a new file; -EEXIST where there is one. */
static int write_hex(const char *path, const uint8_t key[KEY_BYTES], mode_t mode) {
    char text[HEX + 2];
    sodium_bin2hex(text, HEX + 1, key, KEY_BYTES);
    text[HEX] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return -errno;
    int r = fchmod(fd, mode) < 0 ? -errno : 0; /* whatever the umask says */
    if (r == 0) {
        ssize_t n = write(fd, text, HEX + 1);
        r = n == HEX + 1 ? 0 : n < 0 ? -errno : -EIO;
    }
    if (r == 0 && fsync(fd) < 0) r = -errno;
    if (close(fd) < 0 && r == 0) r = -errno;
    if (r < 0) unlink(path);
    sodium_memzero(text, sizeof(text));
    return r;
}

/* The secret of `path`, made now where it is missing. */
static int read_or_make(const char *path, uint8_t ret[KEY_BYTES]) {
    int r = read_hex(path, ret);
    if (r != -ENOENT) return r;
    randombytes_buf(ret, KEY_BYTES);
    r = write_hex(path, ret, 0600);
    return r == -EEXIST ? read_hex(path, ret) : r; /* somebody else was faster */
}

static int make_pair(const char *dir, const char *role) {
    char key_path[4096], pub_path[4096];
    uint8_t secret[KEY_BYTES], pub[KEY_BYTES], old[KEY_BYTES];
    int r = path_of(key_path, dir, role, "key");
    if (r == 0) r = path_of(pub_path, dir, role, "pub");
    if (r < 0) return r;
    /* A public key alone is a copy: its secret lives elsewhere and must not get a rival here. */
    if (access(key_path, F_OK) < 0 && access(pub_path, F_OK) == 0) return -EINVAL;
    r = read_or_make(key_path, secret);
    if (r == 0) {
        crypto_scalarmult_base(pub, secret);
        r = write_hex(pub_path, pub, 0644);
        if (r == -EEXIST) {
            r = read_hex(pub_path, old);
            if (r == 0 && sodium_memcmp(old, pub, KEY_BYTES) != 0) r = -EINVAL;
        }
    }
    sodium_memzero(secret, sizeof(secret));
    return r;
}

static int make_secret(const char *dir, const char *name) {
    char path[4096];
    uint8_t secret[KEY_BYTES];
    int r = path_of(path, dir, name, "key");
    if (r < 0) return r;
    r = read_or_make(path, secret);
    sodium_memzero(secret, sizeof(secret));
    return r;
}

/* mkdir -p; only the last one is private. */
static int make_dir(const char *dir) {
    SW_AUTO(sw_text) char *path = sw_strdup(dir);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST) return -errno;
        *p = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST) return -errno;
    return 0;
}

int sw_keys_make(const char *dir) {
    if (sodium_init() < 0) return -EINVAL;
    int r = dir[0] ? make_dir(dir) : -EINVAL;
    for (unsigned i = 0; r == 0 && i < SW__ROLES; i++) {
        r = make_pair(dir, sw__roles[i]);
    }
    if (r == 0) r = make_secret(dir, "token");
    if (r == 0) r = make_secret(dir, "state");
    return r;
}
