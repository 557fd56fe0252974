/* reload.c -- keys and secrets are read again when their files change.
 *
 * What changed is seen by what stat says, followed through links: Kubernetes swaps a directory's link. It is noted before the
 * files are read, so that a file written meanwhile is read again. What is wrong is told once a change; until it is right,
 * the process goes on with what it has. Nobody may keep a pointer to keys or secrets across the loop. */
#include "common/curve.h"
#include "common/key_file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/report.h"
#include "common/run_priv.h"
#include "common/seal.h"
#include "common/wire.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

#define LOOK_MS 1000

static void stamp_file(crypto_hash_sha256_state *hash, const char *path) {
    struct stat st;
    int64_t is[7] = {0};
    if (stat(path, &st) == 0) {
        const int64_t found[7] = {(int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size,
                                  st.st_mtim.tv_sec,  st.st_mtim.tv_nsec, st.st_ctim.tv_sec,
                                  st.st_ctim.tv_nsec};
        memcpy(is, found, sizeof(is));
    }
    crypto_hash_sha256_update(hash, (const uint8_t *)is, sizeof(is));
}

static void stamp_keys(const struct sw_run *run, uint8_t ret[32]) {
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    for (const char *const *name = sw_ring_names; *name; name++) {
        SW_AUTO(sw_text) char *key = sw_printf("%s/%s.key", run->conf.key_dir, *name);
        SW_AUTO(sw_text) char *pub = sw_printf("%s/%s.pub", run->conf.key_dir, *name);
        stamp_file(&hash, key);
        stamp_file(&hash, pub);
    }
    crypto_hash_sha256_final(&hash, ret);
}

static void stamp_secrets(uint8_t ret[32]) {
    crypto_hash_sha256_state hash;
    const char *path[SW_CONF_SECRETS];
    size_t count = sw_conf_secret_files(path);
    crypto_hash_sha256_init(&hash);
    for (size_t i = 0; i < count; i++)
        stamp_file(&hash, path[i]);
    crypto_hash_sha256_final(&hash, ret);
}

/* `error` names a file or a variable, never what stands in it. */
static void tell(const char *what, int r, const char *error) {
    sw_metric_add(SW_M_RELOADS, 1, what, r == 0 ? "ok" : "failed");
    if (r == 0) {
        sw_log(SW_LOG_INFO, "read again", SW_S("what", what));
    } else {
        sw_log(SW_LOG_ERROR, "not read again: the ones before stay", SW_S("what", what),
               SW_S("error", error));
    }
}

/* The next thing said is which keys are known. */
static void say_known(struct sw_run *run) {
    for (unsigned i = 0; i < run->ledgers; i++)
        run->ledger[i].live_at_ms = 0;
}

static void reload_keys(struct sw_run *run) {
    struct sw_keys *keys;
    char error[512];
    int r = sw_keys_load(run->conf.key_dir, run->role, &keys, error, sizeof(error));
    /* Files of before a rotation, or of somewhere else: what rests under the keys in use would not open, and be dropped. */
    if (r == 0 && !sw_keys_follow(run->keys, keys, error, sizeof(error))) {
        sw_keys_destroy(keys);
        r = -EKEYREVOKED;
    }
    if (r == 0) {
        sw_keys_destroy(run->keys);
        run->keys = keys;
        say_known(run);
    }
    tell("keys", r, error);
}

static void reload_curve(struct sw_run *run) {
    char error[512];
    const struct sw_curve *curve = sw_wire_curve(run->wire);
    if (!curve) return;
    int r = sw_wire_reload(run->wire, error, sizeof(error));
    if (r == 0) say_known(run);
    tell("curve keys", r, error);
    if (!sw_curve_current(curve))
        sw_log(SW_LOG_ERROR, "the wire's key is retired: nobody lets this process in any more",
               SW_S("key", sw_curve_id(curve)));
}

static void reload_secrets(struct sw_run *run) {
    char error[512];
    int r = sw_conf_secrets_reload(&run->conf, error, sizeof(error));
    if (r == 0) sw_reporter_aim(run->reporter, run->conf.sentry_dsn.current);
    tell("secrets", r, error);
}

void sw__reload_begin(struct sw_run *run) {
    stamp_keys(run, run->keys_stamp);
    stamp_secrets(run->secrets_stamp);
}

void sw__reload_tick(struct sw_run *run) {
    uint8_t stamp[32];
    int64_t now_ms = sw__boot_ms();
    if (now_ms - run->reload_at_ms < LOOK_MS) return;
    run->reload_at_ms = now_ms;
    stamp_keys(run, stamp);
    if (memcmp(stamp, run->keys_stamp, sizeof(stamp)) != 0) {
        memcpy(run->keys_stamp, stamp, sizeof(stamp));
        reload_keys(run);
        reload_curve(run);
    }
    stamp_secrets(stamp);
    if (memcmp(stamp, run->secrets_stamp, sizeof(stamp)) != 0) {
        memcpy(run->secrets_stamp, stamp, sizeof(stamp));
        reload_secrets(run);
    }
}
