/* keys.c -- what a role holds, and the first key files; see seal.h. */
#include "common/curve.h"
#include "common/mem.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX (2 * SW__KEY_BYTES)

const char *const sw__roles[SW__ROLES] = {"ingress",   "parser",    "auth",    "executor",
                                          "responder", "refresher", "notifier"};

int sw__role_find(const char *name, size_t size) {
    for (int i = 0; i < SW__ROLES; i++) {
        if (strlen(sw__roles[i]) == size && memcmp(sw__roles[i], name, size) == 0) return i;
    }
    return -ENOENT;
}

bool sw__is_pair(const char *name) {
    size_t size = strlen(SW__CURVE);
    if (!strncmp(name, SW__CURVE, size)) name += size;
    return sw__role_find(name, strlen(name)) >= 0;
}

int sw__ids_find(const struct sw__ids *ids, const char *id, size_t size) {
    for (unsigned i = 0; size == SW_KEY_ID_CHARS && i < ids->count; i++) {
        if (memcmp(ids->id[i], id, size) == 0) return (int)i;
    }
    return -1;
}

static void take_ids(const struct sw__key_file *file, struct sw__ids *ret) {
    ret->count = file->count;
    for (unsigned i = 0; i < file->count; i++)
        memcpy(ret->id[i], file->about[i].id, sizeof(ret->id[i]));
}

/* Whoever has the .pub seals for its keys: we must hold the secret of each. More of them may be here already, since a key comes
 * to its owner first and goes from it last. */
static int check_public(const char *dir, const char *role, const struct sw__ids *own, char *error,
                        size_t room) {
    struct sw__key_file pub;
    int r = sw__key_file_read(dir, role, "pub", &pub, error, room);
    for (unsigned i = 0; r == 0 && i < pub.count; i++) {
        if (sw__ids_find(own, pub.about[i].id, SW_KEY_ID_CHARS) >= 0) continue;
        snprintf(error, room, "%s/%s.pub: does not belong to %s.key", dir, role, role);
        r = -EINVAL;
    }
    return r;
}

static int share(struct sw__peer *peer, const struct sw__key_file *own,
                 const struct sw__key_file *pub, const char *dir, const char *role, char *error,
                 size_t room) {
    take_ids(pub, &peer->ids);
    for (unsigned i = 0; i < own->count; i++) {
        for (unsigned j = 0; j < pub->count; j++) {
            if (crypto_box_beforenm(peer->shared[i][j], pub->key[j], own->key[i]) == 0) continue;
            snprintf(error, room, "%s/%s.pub: not a public key", dir, role);
            return -EINVAL;
        }
    }
    return 0;
}

static int load_pairs(struct sw_keys *keys, const char *dir, struct sw__key_file *own, char *error,
                      size_t room) {
    struct sw__key_file pub;
    const char *me = sw__roles[keys->role];
    int r = sw__key_file_read(dir, me, "key", own, error, room);
    if (r < 0) return r;
    for (unsigned i = 0; r == 0 && i < SW__ROLES; i++) {
        if (i == keys->role) {
            sw__key_file_public(own, &pub);
        } else {
            r = sw__key_file_read(dir, sw__roles[i], "pub", &pub, error, room);
        }
        if (r == 0) r = share(&keys->peer[i], own, &pub, dir, sw__roles[i], error, room);
    }
    return r < 0 ? r : check_public(dir, me, &keys->peer[keys->role].ids, error, room);
}

static int load_secrets(const char *dir, const char *name, struct sw__key_file *file,
                        struct sw__secrets *ret, char *error, size_t room) {
    int r = sw__key_file_read(dir, name, "key", file, error, room);
    if (r < 0) return r;
    take_ids(file, &ret->ids);
    memcpy(ret->key, file->key, sizeof(ret->key));
    return 0;
}

int sw_keys_load(const char *dir, const char *role, struct sw_keys **ret, char *error,
                 size_t room) {
    int me = sw__role_find(role, strlen(role));
    if (me < 0 || sodium_init() < 0) {
        snprintf(error, room, me < 0 ? "%s: no such role" : "%s: no randomness", role);
        return -EINVAL;
    }
    struct sw_keys *keys = sodium_malloc(sizeof(*keys));
    struct sw__key_file *file = sodium_malloc(sizeof(*file)); /* secrets stay in locked memory */
    if (!keys || !file) abort();
    memset(keys, 0, sizeof(*keys));
    keys->role = (unsigned)me;
    bool auth = !strcmp(role, "auth");
    int r = load_pairs(keys, dir, file, error, room);
    if (r == 0 && auth) r = load_secrets(dir, "token", file, &keys->token, error, room);
    if (r == 0 && (auth || !strcmp(role, "ingress")))
        r = load_secrets(dir, "state", file, &keys->state, error, room);
    sodium_free(file);
    if (r < 0) {
        sw_keys_destroy(keys);
        return r;
    }
    sodium_mprotect_readonly(keys);
    *ret = keys;
    return 0;
}

static bool has_current(const struct sw__ids *ids, const struct sw__ids *next, const char *name,
                        char *error, size_t room) {
    if (!ids->count || sw__ids_find(next, ids->id[0], SW_KEY_ID_CHARS) >= 0) return true;
    snprintf(error, room, "%s: key %s is not there any more, and it seals until now", name,
             ids->id[0]);
    return false;
}

bool sw_keys_follow(const struct sw_keys *keys, const struct sw_keys *next, char *error,
                    size_t room) {
    for (unsigned i = 0; i < SW__ROLES; i++) {
        if (!has_current(&keys->peer[i].ids, &next->peer[i].ids, sw__roles[i], error, room))
            return false;
    }
    return has_current(&keys->token.ids, &next->token.ids, "token", error, room) &&
           has_current(&keys->state.ids, &next->state.ids, "state", error, room);
}

void sw_keys_destroy(struct sw_keys *keys) {
    sodium_free(keys); /* wipes; accepts NULL */
}

static void add_ids(json_t *known, const char *name, const struct sw__ids *ids) {
    json_t *list = json_array();
    for (unsigned i = 0; i < ids->count; i++)
        json_array_append_new(list, json_string(ids->id[i]));
    if (ids->count) json_object_set(known, name, list);
    json_decref(list);
}

char *sw_keys_known(const struct sw_keys *keys, const struct sw_curve *curve) {
    json_t *known = json_object();
    for (unsigned i = 0; i < SW__ROLES; i++)
        add_ids(known, sw__roles[i], &keys->peer[i].ids);
    add_ids(known, "token", &keys->token.ids);
    add_ids(known, "state", &keys->state.ids);
    if (curve) sw_curve_known(curve, known);
    char *text = json_dumps(known, JSON_COMPACT);
    json_decref(known);
    return text;
}

/* Writes a new file of one key; -EEXIST where there is one. */
static int write_hex(const char *path, const uint8_t key[SW__KEY_BYTES], mode_t mode) {
    char text[HEX + 2];
    sodium_bin2hex(text, HEX + 1, key, SW__KEY_BYTES);
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

/* The ring of <name>.key, made now where it is missing. */
static int read_or_make(const char *dir, const char *name, struct sw__key_file *ret, char *error,
                        size_t room) {
    char path[4096];
    uint8_t key[SW__KEY_BYTES];
    int r = sw__key_file_read(dir, name, "key", ret, error, room);
    if (r != -ENOENT) return r;
    r = sw__key_file_path(path, dir, name, "key");
    if (r < 0) return r;
    randombytes_buf(key, sizeof(key));
    r = write_hex(path, key, 0600);
    sodium_memzero(key, sizeof(key));
    if (r < 0 && r != -EEXIST) { /* there now: somebody else was faster */
        snprintf(error, room, "%s: %s", path, strerror(-r));
        return r;
    }
    return sw__key_file_read(dir, name, "key", ret, error, room);
}

static int make_pair(const char *dir, const char *role, char *error, size_t room) {
    char key_path[4096], pub_path[4096];
    struct sw__key_file secret, pub;
    struct sw__ids ids;
    int r = sw__key_file_path(key_path, dir, role, "key");
    if (r == 0) r = sw__key_file_path(pub_path, dir, role, "pub");
    if (r < 0) return r;
    /* A public key alone is a copy: its secret lives elsewhere and must not get a rival here. */
    if (access(key_path, F_OK) < 0 && access(pub_path, F_OK) == 0) {
        snprintf(error, room, "%s is there without %s.key: bring that back, or remove it", pub_path,
                 role);
        return -EINVAL;
    }
    r = read_or_make(dir, role, &secret, error, room);
    if (r == 0) {
        sw__key_file_public(&secret, &pub);
        take_ids(&pub, &ids);
        r = write_hex(pub_path, pub.key[0], 0644);
        if (r == -EEXIST)
            r = check_public(dir, role, &ids, error, room);
        else if (r < 0)
            snprintf(error, room, "%s: %s", pub_path, strerror(-r));
    }
    sodium_memzero(&secret, sizeof(secret));
    return r;
}

static int make_secret(const char *dir, const char *name, char *error, size_t room) {
    struct sw__key_file secret;
    int r = read_or_make(dir, name, &secret, error, room);
    sodium_memzero(&secret, sizeof(secret));
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

int sw_keys_init(const char *dir, char *error, size_t room) {
    int r = dir[0] && sodium_init() >= 0 ? make_dir(dir) : -EINVAL;
    snprintf(error, room, "%s: %s", dir, strerror(-r)); /* where nothing below says more */
    for (unsigned i = 0; r == 0 && i < SW__ROLES; i++) {
        r = make_pair(dir, sw__roles[i], error, room);
    }
    if (r == 0) r = make_secret(dir, "token", error, room);
    if (r == 0) r = make_secret(dir, "state", error, room);
    return r;
}

int sw_keys_curve(const char *dir, char *error, size_t room) {
    int r = dir[0] && sodium_init() >= 0 ? make_dir(dir) : -EINVAL;
    snprintf(error, room, "%s: %s", dir, strerror(-r));
    for (unsigned i = 0; r == 0 && i < SW__ROLES; i++) {
        char name[32];
        snprintf(name, sizeof(name), SW__CURVE "%s", sw__roles[i]);
        r = make_pair(dir, name, error, room);
    }
    return r;
}

int sw_keys_make(const char *dir) {
    char error[4200];
    return sw_keys_init(dir, error, sizeof(error));
}
