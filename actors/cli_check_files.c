/* cli_check_files.c -- key files and files of secrets; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/key_file.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define ERROR_MAX 5000 /* a path and a few words */

/* Whether others may read or change it. */
static void check_mode(const char *path, bool secret, json_t *rows) {
    struct stat st;
    if (stat(path, &st) < 0) return; /* who reads it says so */
    const unsigned mode = st.st_mode & 0777;
    SW_AUTO(sw_text) char *mend = sw_printf("chmod %s %s", secret ? "600" : "644", path);
    if (mode & 0022)
        sw__row(rows, "key-files", SW__FAIL, mend, "others may change %s (mode %04o)", path, mode);
    else if (secret && (mode & 0004))
        sw__row(rows, "key-files", SW__WARN, mend, "everybody may read %s (mode %04o)", path, mode);
}

/* Of the wire between machines. */
static bool is_curve(const char *name) {
    return strncmp(name, "curve-", 6) == 0;
}

static bool has_pub(const char *name) {
    return strcmp(name, "token") != 0 && strcmp(name, "state") != 0;
}

static bool is_there(const struct sw_conf *conf, const char *name, const char *ending) {
    struct stat st;
    SW_AUTO(sw_text) char *path = sw_printf("%s/%s.%s", conf->key_dir, name, ending);
    return stat(path, &st) == 0;
}

static void check_ring(const struct sw_conf *conf, const char *name, json_t *rows, json_t *rings) {
    char error[ERROR_MAX];
    struct sw_ring ring;
    SW_AUTO(sw_text) char *key = sw_printf("%s/%s.key", conf->key_dir, name);
    SW_AUTO(sw_text) char *pub = sw_printf("%s/%s.pub", conf->key_dir, name);
    check_mode(key, true, rows);
    check_mode(pub, false, rows);
    if (has_pub(name) && !is_there(conf, name, "pub")) {
        sw__row(rows, "key-files", SW__FAIL, "copy it from where the keys were made",
                "%s is missing: nobody here can speak to %s", pub,
                is_curve(name) ? name + strlen("curve-") : name);
        return;
    }
    int r = sw_ring_read(conf->key_dir, name, &ring, error, sizeof(error));
    if (r < 0) {
        sw__row(rows, "key-files", SW__FAIL,
                r == -EACCES ? "run this as the user of the actors"
                             : "copy it and its pair from where the keys were made",
                "%s", error);
        return;
    }
    json_t *ids = json_array();
    for (unsigned i = 0; i < ring.count; i++)
        json_array_append_new(ids, json_string(ring.key[i].id));
    json_array_append_new(rings, json_pack("{s:s, s:o}", "name", name, "keys", ids));
}

/* How many of its files are there: of the wire's, or of the others. */
static unsigned count_files(const struct sw_conf *conf, bool curve) {
    unsigned count = 0;
    for (const char *const *name = sw_ring_names; *name; name++) {
        if (is_curve(*name) == curve)
            count += is_there(conf, *name, "key") + is_there(conf, *name, "pub");
    }
    return count;
}

static void check_keys(const struct sw_conf *conf, json_t *rows, json_t *rings) {
    const bool auth = is_there(conf, "auth", "key"), curve = count_files(conf, true) > 0;
    if (!count_files(conf, false)) {
        sw__row(rows, "key-files", SW__FAIL,
                "slipway keys init, where there are none yet; else set SLIPWAY_KEY_DIR",
                "no keys are in SLIPWAY_KEY_DIR %s", conf->key_dir);
        return;
    }
    for (const char *const *name = sw_ring_names; *name; name++) {
        /* Those without a .pub are for auth, and ingress: where none of them runs they are not missed. */
        if (!has_pub(*name) && !auth && !is_there(conf, *name, "key")) continue;
        if (!is_curve(*name) || curve) check_ring(conf, *name, rows, rings);
    }
}

/* Who speaks on a wire between machines has a pair for it, and where there is none plain tcp stays on this machine. */
static void check_wire(const struct sw_conf *conf, json_t *rows) {
    static const char tcp[] = "tcp://";
    if (strncmp(conf->wire, tcp, strlen(tcp)) != 0) return;
    const char *address = conf->wire + strlen(tcp);
    const bool here = !strncmp(address, "127.", 4) || !strncmp(address, "[::1]:", 6);
    if (!count_files(conf, true)) {
        sw__row(rows, "wire", here ? SW__WARN : SW__FAIL,
                "slipway keys curve; then copy each curve-ACTOR.key to where that actor runs, and "
                "every curve-*.pub to all",
                "SLIPWAY_WIRE is %s, and no keys for it are in %s: %s", conf->wire, conf->key_dir,
                here ? "whoever is on this machine can speak as an actor" : "no actor starts");
        return;
    }
    const size_t before = json_array_size(rows);
    for (const char *const *name = sw_ring_names; *name; name++) {
        SW_AUTO(sw_text) char *curve = sw_printf("curve-%s", *name);
        if (!has_pub(*name) || is_curve(*name) || !is_there(conf, *name, "key")) continue;
        if (is_there(conf, curve, "key")) continue;
        sw__row(rows, "wire", SW__FAIL, "copy it from where the keys were made",
                "%s/%s.key is missing: %s cannot speak on SLIPWAY_WIRE", conf->key_dir, curve,
                *name);
    }
    if (json_array_size(rows) == before)
        sw__row(rows, "wire", SW__OK, NULL, "SLIPWAY_WIRE is %s, with keys", conf->wire);
}

/* " \"$NAME\"" at the end of the list. The path is not said: somebody may have put the secret itself there. */
static void append(char **list, const char *variable) {
    char *longer = sw_printf("%s \"$%s\"", *list, variable);
    free(*list);
    *list = longer;
}

static void check_secrets(json_t *rows) {
    SW_AUTO(sw_text) char *readable = sw_strdup("");
    SW_AUTO(sw_text) char *writable = sw_strdup("");
    struct stat st;
    size_t count = 0;
#define NOTHING(...)
#define CHECK(field, name, roles, help)                                                            \
    {                                                                                              \
        const char *path = getenv("SLIPWAY_" name);                                                \
        if (path && path[0] && stat(path, &st) == 0) {                                             \
            count++;                                                                               \
            if (st.st_mode & 0022)                                                                 \
                append(&writable, "SLIPWAY_" name);                                                \
            else if (st.st_mode & 0004)                                                            \
                append(&readable, "SLIPWAY_" name);                                                \
        }                                                                                          \
    }
    SW_CONF_TABLE(NOTHING, NOTHING, CHECK)
    SW_AUTO(sw_text) char *close_readable = sw_printf("chmod 600%s", readable);
    SW_AUTO(sw_text) char *close_writable = sw_printf("chmod 600%s", writable);
    if (writable[0])
        sw__row(rows, "secret-files", SW__FAIL, close_writable, "others may change%s", writable);
    if (readable[0])
        sw__row(rows, "secret-files", SW__WARN, close_readable, "everybody may read%s", readable);
    if (!writable[0] && !readable[0])
        sw__row(rows, "secret-files", SW__OK, NULL, "%zu files, and none that everybody may read",
                count);
}

/* As an actor reads them when it starts: pairs that do not belong together. */
static void check_pairs(const struct sw_conf *conf, json_t *rows) {
    char error[ERROR_MAX];
    for (const char *const *name = sw_ring_names; *name; name++) {
        struct sw_keys *keys;
        if (!has_pub(*name) || is_curve(*name) || !is_there(conf, *name, "key")) continue;
        if (sw_keys_load(conf->key_dir, *name, &keys, error, sizeof(error)) == 0)
            sw_keys_destroy(keys);
        else
            sw__row(rows, "key-files", SW__FAIL,
                    "copy it and its pair from where the keys were made", "%s", error);
    }
}

void sw__check_files(const struct sw_conf *conf, json_t *rows, json_t **ret_rings) {
    json_t *rings = json_array();
    SW_AUTO(sw_json) json_t *mine = json_array();
    check_keys(conf, mine, rings);
    if (sw__rows_worst(mine) != SW__FAIL) check_pairs(conf, mine);
    if (!json_array_size(mine))
        sw__row(mine, "key-files", SW__OK, NULL, "%zu rings in %s", json_array_size(rings),
                conf->key_dir);
    json_array_extend(rows, mine);
    check_wire(conf, rows);
    check_secrets(rows);
    *ret_rings = rings;
}
