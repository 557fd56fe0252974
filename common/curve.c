/* curve.c -- reads the keys of the wire between machines; see curve.h. */
#include "common/curve.h"

#include "common/mem.h"
#include "common/seal_priv.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct ring { /* public keys of one role */
    struct sw__ids ids;
    uint8_t key[SW_RING_MAX][SW_CURVE_BYTES];
};

struct sw_curve {
    char *dir;
    unsigned role;
    uint8_t *secret; /* sodium_malloc */
    uint8_t public[SW_CURVE_BYTES];
    char id[SW_KEY_ID_CHARS + 1];
    struct ring ring[SW__ROLES];
};

static int read_file(const char *dir, const char *role, const char *ending,
                     struct sw__key_file *ret, char *error, size_t room) {
    char name[32];
    snprintf(name, sizeof(name), SW__CURVE "%s", role);
    return sw__key_file_read(dir, name, ending, ret, error, room);
}

static int read_rings(const char *dir, struct ring ret[SW__ROLES], char *error, size_t room) {
    struct sw__key_file file;
    for (unsigned i = 0; i < SW__ROLES; i++) {
        int r = read_file(dir, sw__roles[i], "pub", &file, error, room);
        if (r < 0) return r;
        ret[i].ids.count = file.count;
        for (unsigned j = 0; j < file.count; j++) {
            memcpy(ret[i].ids.id[j], file.about[j].id, sizeof(ret[i].ids.id[j]));
            memcpy(ret[i].key[j], file.key[j], SW_CURVE_BYTES);
        }
    }
    return 0;
}

/* One key for two roles would make each of them the other. */
static int refuse_shared(const struct ring ring[SW__ROLES], char *error, size_t room) {
    for (unsigned i = 1; i < SW__ROLES; i++) {
        for (unsigned n = 0; n < i * ring[i].ids.count; n++) {
            const struct ring *other = &ring[n / ring[i].ids.count];
            const uint8_t *key = ring[i].key[n % ring[i].ids.count];
            for (unsigned j = 0; j < other->ids.count; j++) {
                if (memcmp(other->key[j], key, SW_CURVE_BYTES) != 0) continue;
                snprintf(error, room,
                         SW__CURVE "%s.pub and " SW__CURVE "%s.pub hold the same key %s",
                         sw__roles[i], sw__roles[other - ring], other->ids.id[j]);
                return -EINVAL;
            }
        }
    }
    return 0;
}

static int take_pair(struct sw_curve *curve, char *error, size_t room) {
    struct sw__key_file *file = sodium_malloc(sizeof(*file)); /* secrets stay in locked memory */
    const char *role = sw__roles[curve->role];
    char ignored[512];
    if (!file) abort();
    int r = read_file(curve->dir, role, "key", file, error, room);
    if (r == 0) {
        memcpy(curve->secret, file->key[0], SW_CURVE_BYTES);
        memcpy(curve->id, file->about[0].id, sizeof(curve->id));
        crypto_scalarmult_base(curve->public, curve->secret);
        sodium_mprotect_readonly(curve->secret);
    } else if (r == -ENOENT &&
               read_file(curve->dir, role, "pub", file, ignored, sizeof(ignored)) == -ENOENT) {
        error[0] = 0; /* neither: this installation has none */
    }
    sodium_free(file);
    return r;
}

int sw_curve_load(const char *dir, const char *role, struct sw_curve **ret, char *error,
                  size_t room) {
    int me = sw__role_find(role, strlen(role));
    if (me < 0 || sodium_init() < 0) {
        snprintf(error, room, me < 0 ? "%s: no such role" : "%s: no randomness", role);
        return -EINVAL;
    }
    struct sw_curve *curve = sw_zalloc(sizeof(*curve));
    curve->dir = sw_strdup(dir);
    curve->role = (unsigned)me;
    curve->secret = sodium_malloc(SW_CURVE_BYTES);
    if (!curve->secret) abort();
    int r = take_pair(curve, error, room);
    if (r == 0) r = sw_curve_reload(curve, error, room);
    if (r == 0 && !sw_curve_current(curve)) {
        snprintf(error, room, "%s/" SW__CURVE "%s.pub: does not hold key %s of " SW__CURVE "%s.key",
                 dir, role, curve->id, role);
        r = -EINVAL;
    }
    if (r < 0) {
        sw_curve_destroy(curve);
        return r;
    }
    *ret = curve;
    return 0;
}

int sw_curve_reload(struct sw_curve *curve, char *error, size_t room) {
    struct ring ring[SW__ROLES];
    int r = read_rings(curve->dir, ring, error, room);
    if (r == 0) r = refuse_shared(ring, error, room);
    if (r == 0) memcpy(curve->ring, ring, sizeof(ring));
    return r;
}

void sw_curve_destroy(struct sw_curve *curve) {
    if (!curve) return;
    sodium_free(curve->secret); /* wipes */
    free(curve->dir);
    free(curve);
}

const uint8_t *sw_curve_secret(const struct sw_curve *curve) {
    return curve->secret;
}

const uint8_t *sw_curve_public(const struct sw_curve *curve) {
    return curve->public;
}

const char *sw_curve_id(const struct sw_curve *curve) {
    return curve->id;
}

bool sw_curve_current(const struct sw_curve *curve) {
    const char *id, *role = sw_curve_find(curve, curve->public, &id);
    return role && !strcmp(role, sw__roles[curve->role]);
}

const char *sw_curve_find(const struct sw_curve *curve, const uint8_t key[SW_CURVE_BYTES],
                          const char **ret_id) {
    for (unsigned i = 0; i < SW__ROLES; i++) {
        for (unsigned j = 0; j < curve->ring[i].ids.count; j++) {
            if (memcmp(curve->ring[i].key[j], key, SW_CURVE_BYTES) != 0) continue;
            *ret_id = curve->ring[i].ids.id[j];
            return sw__roles[i];
        }
    }
    return NULL;
}

const uint8_t *sw_curve_key(const struct sw_curve *curve, const char *role, const char *id) {
    int i = sw__role_find(role, strlen(role));
    int j = i < 0 ? -1 : sw__ids_find(&curve->ring[i].ids, id, strlen(id));
    return j < 0 ? NULL : curve->ring[i].key[j];
}

void sw_curve_known(const struct sw_curve *curve, json_t *known) {
    for (unsigned i = 0; i < SW__ROLES; i++) {
        const struct sw__ids *ids = &curve->ring[i].ids;
        const bool own = i == curve->role;
        SW_AUTO(sw_text) char *name = sw_printf(SW__CURVE "%s", sw__roles[i]);
        json_t *list = json_array();
        if (own) json_array_append_new(list, json_string(curve->id));
        for (unsigned j = 0; j < ids->count; j++) {
            if (!own || strcmp(ids->id[j], curve->id) != 0)
                json_array_append_new(list, json_string(ids->id[j]));
        }
        json_object_set_new(known, name, list);
    }
}
