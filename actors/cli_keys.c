/* cli_keys.c -- `slipway keys`: which command it is; init, add, rotate; see cli.h. */
#include "actors/cli.h"
#include "actors/cli_keys_priv.h"
#include "common/seal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: slipway keys init|curve|list|add|rotate|reseal|retire [--help]\n\n"
    "The key files in SLIPWAY_KEY_DIR: a pair for each actor, the token key of auth (tokens at "
    "rest) and\n"
    "the state key of ingress and auth (links and forms). Each file is a ring of at most four "
    "keys: the\n"
    "first one seals, all open. Processes that run see a change within a second. To change "
    "keys:\n\n"
    "  slipway keys add all      a new key in each file, which seals nothing yet; where files are\n"
    "                            copied to other machines, copy them now\n"
    "  slipway keys rotate all   the new keys take over, once all processes know them; copy again\n"
    "  slipway keys reseal       tokens at rest are sealed anew\n"
    "  slipway keys list         what still needs the old ones\n"
    "  slipway keys retire ID    an old key goes, once nothing needs it\n\n"
    "With `slipway keys curve` also a pair for each actor's end of the wire between machines; a "
    "process\n"
    "takes its pair when it starts, so restart the actor between rotate and retire.\n";

static const char init_usage[] =
    "usage: slipway keys init\n\n"
    "Makes every key file that is missing in SLIPWAY_KEY_DIR: a pair for each actor, the token "
    "key\n"
    "of auth and the state key of ingress and auth. Files that exist stay as they are.\n";

static const char curve_usage[] =
    "usage: slipway keys curve\n\n"
    "Makes every missing pair of the wire between machines in SLIPWAY_KEY_DIR: curve-ACTOR.key "
    "(for that\n"
    "actor's machines only) and curve-ACTOR.pub (for all). Files that exist stay as they are. "
    "With\n"
    "SLIPWAY_WIRE=tcp://ADDRESS:PORT an actor needs its own .key and all of the .pub; only those "
    "keys\n"
    "are let in.\n";

static const char add_usage[] =
    "usage: slipway keys add NAME|all\n\n"
    "Makes a new key in the file of NAME: an actor, token, state or curve-ACTOR. It opens and does "
    "not seal\n"
    "until `slipway keys rotate`. Processes that run know it a second later.\n";

static const char rotate_usage[] =
    "usage: slipway keys rotate NAME|all [--offline]\n\n"
    "The key that was added becomes the current one: it seals from now on, and the one before "
    "still opens.\n"
    "Refuses while a living process that needs the key does not know it: then its files are not "
    "these, or\n"
    "it cannot read them, and its log says why.\n\n"
    "  --offline  asks no process: for an installation that does not run, nor its Redis\n";

int sw__keys_fail(const char *format, ...) {
    va_list args;
    fputs("slipway keys: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return SW_EXIT_FAILED;
}

int sw__keys_wrong(const char *usage_text, const char *word) {
    if (word)
        sw__keys_fail("'%s' is not understood here", word);
    else
        sw__keys_fail("a word is missing");
    return fputs(usage_text, stderr), SW_EXIT_USAGE;
}

int sw__keys_rings(const struct sw_conf *conf, struct sw__rings *ret) {
    char error[SW__ERROR_MAX];
    ret->count = 0;
    for (const char *const *name = sw_ring_names; *name; name++) {
        struct sw__named_ring *at = &ret->at[ret->count];
        int r = sw_ring_read(conf->key_dir, *name, &at->ring, error, sizeof(error));
        if (r == -ENOENT) continue;
        if (r < 0) return sw__keys_fail("%s", error), SW_EXIT_SETTING;
        at->name = *name;
        ret->count++;
    }
    if (ret->count) return 0;
    sw__keys_fail("SLIPWAY_KEY_DIR %s: no keys are there; `slipway keys init` makes them",
                  conf->key_dir);
    return SW_EXIT_SETTING;
}

const struct sw_ring *sw__keys_ring(const struct sw__rings *rings, const char *name) {
    for (unsigned i = 0; i < rings->count; i++) {
        if (!strcmp(rings->at[i].name, name)) return &rings->at[i].ring;
    }
    return NULL;
}

/* ---- init, add, rotate ---- */

static int init(const struct sw_conf *conf, int argc, char **argv) {
    if (argc > 0) return sw__keys_wrong(init_usage, argv[0]);
    char error[SW__ERROR_MAX];
    if (sw_keys_init(conf->key_dir, error, sizeof(error)) < 0)
        return sw__keys_fail("SLIPWAY_KEY_DIR: %s", error), SW_EXIT_SETTING;
    printf("keys are in %s\n", conf->key_dir);
    return 0;
}

static int curve(const struct sw_conf *conf, int argc, char **argv) {
    if (argc > 0) return sw__keys_wrong(curve_usage, argv[0]);
    char error[SW__ERROR_MAX];
    if (sw_keys_curve(conf->key_dir, error, sizeof(error)) < 0)
        return sw__keys_fail("SLIPWAY_KEY_DIR: %s", error), SW_EXIT_SETTING;
    printf("keys of the wire between machines are in %s\n", conf->key_dir);
    return 0;
}

static bool is_curve(const char *name) {
    return strncmp(name, "curve-", 6) == 0;
}

static int add(const struct sw_conf *conf, int argc, char **argv) {
    char id[SW_KEY_ID_CHARS + 1], error[SW__ERROR_MAX];
    bool all = argc > 0 && !strcmp(argv[0], "all");
    struct sw_ring ring;
    int failed = 0;
    if (argc < 1 || (!all && !sw_ring_is_name(argv[0])))
        return sw__keys_wrong(add_usage, argc < 1 ? NULL : argv[0]);
    if (argc > 1) return sw__keys_wrong(add_usage, argv[1]);
    for (const char *const *name = sw_ring_names; *name; name++) {
        if (!all && strcmp(*name, argv[0]) != 0) continue;
        if (all && is_curve(*name) &&
            sw_ring_read(conf->key_dir, *name, &ring, error, sizeof(error)) == -ENOENT)
            continue; /* nothing between machines */
        int r = sw_ring_add(conf->key_dir, *name, id, error, sizeof(error));
        if (r == 0)
            printf("%s: %s is added; `slipway keys rotate %s` puts it to use\n", *name, id, *name);
        if (r == -EEXIST && all) printf("%s: %s is added already\n", *name, id);
        if (r < 0 && (r != -EEXIST || !all)) failed = sw__keys_fail("%s", error);
    }
    return failed;
}

static const char *added_in(const struct sw_ring *ring) {
    for (unsigned i = 1; i < ring->count; i++) {
        if (ring->key[i].standing == SW_KEY_ADDED) return ring->key[i].id;
    }
    return NULL;
}

/* Those to be rotated stay, others go. */
static int choose(struct sw__rings *rings, const char *word) {
    unsigned kept = 0;
    bool all = !strcmp(word, "all");
    for (unsigned i = 0; i < rings->count; i++) {
        if (!all && strcmp(rings->at[i].name, word) != 0) continue;
        if (added_in(&rings->at[i].ring)) rings->at[kept++] = rings->at[i];
    }
    rings->count = kept;
    if (kept) return 0;
    return sw__keys_fail("no key was added that could take over; `slipway keys add %s` makes one",
                         word);
}

static int wait_known(const struct sw_conf *conf, const struct sw__rings *rings) {
    struct sw__claim claim[SW__RINGS_MAX];
    for (unsigned i = 0; i < rings->count; i++)
        claim[i] = (struct sw__claim){rings->at[i].name, added_in(&rings->at[i].ring)};
    int r = sw__keys_wait(conf, claim, rings->count, sw__keys_unknown, "does not know");
    if (r == -EBUSY)
        return sw__keys_fail("nothing was changed: its files are not those in SLIPWAY_KEY_DIR %s "
                             "(copy them), or it cannot read them (its log says why)",
                             conf->key_dir);
    if (r) sw__keys_fail("nothing was changed (--offline: for an installation that does not run)");
    return r;
}

static int rotate(const struct sw_conf *conf, int argc, char **argv) {
    char id[SW_KEY_ID_CHARS + 1], error[SW__ERROR_MAX];
    struct sw__rings rings;
    bool offline = argc > 1 && !strcmp(argv[1], "--offline");
    if (argc < 1 || (strcmp(argv[0], "all") != 0 && !sw_ring_is_name(argv[0])))
        return sw__keys_wrong(rotate_usage, argc < 1 ? NULL : argv[0]);
    if (argc > 1 + offline) return sw__keys_wrong(rotate_usage, argv[1 + offline]);
    int r = sw__keys_rings(conf, &rings);
    if (!r) r = choose(&rings, argv[0]);
    if (!r) r = offline ? sw__keys_refuse_running(conf, true) : wait_known(conf, &rings);
    if (r) return r;
    for (unsigned i = 0; i < rings.count; i++) {
        const char *name = rings.at[i].name;
        if (sw_ring_rotate(conf->key_dir, name, id, error, sizeof(error)) < 0)
            return sw__keys_fail("%s", error);
        printf(is_curve(name) ? "%s: %s is used by whatever starts from now on, %s is still let "
                                "in: restart that actor\n"
                              : "%s: %s seals from now on, %s still opens\n",
               name, id, rings.at[i].ring.key[0].id);
    }
    return 0;
}

static bool asks_help(const char *word) {
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int sw_cli_keys(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(const struct sw_conf *conf, int argc, char **argv);
        const char *usage;
    } rows[] = {
        {"init", init, init_usage},
        {"curve", curve, curve_usage},
        {"list", sw__keys_list, sw__keys_list_usage},
        {"add", add, add_usage},
        {"rotate", rotate, rotate_usage},
        {"reseal", sw__keys_reseal, sw__keys_reseal_usage},
        {"retire", sw__keys_retire, sw__keys_retire_usage},
    };
    struct sw_conf conf;
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("keys");
    for (size_t i = 0; argc > 1 && i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(argv[1], rows[i].name) != 0) continue;
        for (int word = 2; word < argc; word++) {
            if (asks_help(argv[word])) return fputs(rows[i].usage, stdout), sw_cli_written("keys");
        }
        int r = sw_cli_load("keys", &conf);
        if (r) return r;
        r = rows[i].run(&conf, argc - 2, argv + 2);
        sw_conf_finish(&conf);
        const int written = sw_cli_written("keys");
        return r ? r : written;
    }
    return sw__keys_wrong(usage, argc > 1 ? argv[1] : NULL);
}
