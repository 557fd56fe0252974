/* cli_keys_end.c -- `slipway keys reseal` and `retire`: an old key is needed no more, and goes; see cli_keys_priv.h. */
#include "actors/cli_keys_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_S 600
#define PORTION 50 /* people of one send, */
#define PORTION_MS 100
#define LOOK_MS 1000
#define TELL_EVERY 5            /* looks */
#define GAP_MS 3000             /* a door's append is over by then, and what moved has arrived */
#define STATE_MS (10 * 60000LL) /* links and forms are good for so long */

const char sw__keys_reseal_usage[] =
    "usage: slipway keys reseal [--timeout SECONDS]\n\n"
    "Asks auth to seal anew, with the current keys, each person's tokens at rest that are under a "
    "former\n"
    "key, 500 people a second, and waits until none is left; also the bot tokens that responder "
    "keeps.\n\n"
    "  --timeout SECONDS  waits no longer (1 to 86400; 600 without it)\n";

const char sw__keys_retire_usage[] =
    "usage: slipway keys retire ID [--offline]\n\n"
    "Takes a key out of its file for ever; ID as `slipway keys list` prints it. Refuses while it "
    "is\n"
    "current, while a living process seals with it, while anything in Redis names it (dead letters "
    "are\n"
    "only told), and for a state key that was current less than ten minutes ago. Redis is looked "
    "through\n"
    "twice, three seconds apart.\n\n"
    "  --offline  asks neither Redis nor processes: for an installation that does not run. What "
    "its\n"
    "             Redis keeps under this key will not open again\n";

/* ---- reseal ---- */

static void note_person(void *people, const char *installation, const char *user) {
    json_array_append_new(people, json_pack("[s, s]", installation, user));
}

static int read_stale(const struct sw_conf *conf, const struct sw__rings *rings, json_t **ret) {
    char error[SW__ERROR_MAX];
    json_t *people = json_array();
    int r =
        sw_key_stale_read(conf, sw__keys_ring(rings, "token"), sw__keys_ring(rings, "responder"),
                          note_person, people, error, sizeof(error));
    if (r < 0) {
        json_decref(people);
        return sw_cli_fail("keys", r, error);
    }
    *ret = people;
    return 0;
}

/* One that still has the old order would take the old key for the current one. */
static int wait_sealing(const struct sw_conf *conf, const struct sw__rings *rings) {
    const struct sw__claim claim[] = {
        {"token", sw__keys_ring(rings, "token")->key[0].id},
        {"responder", sw__keys_ring(rings, "responder")->key[0].id},
    };
    int r = sw__keys_wait(conf, claim, 2, sw__keys_not_sealing, "does not seal with");
    if (r) sw__keys_fail("nothing was asked for");
    return r < 0 ? SW_EXIT_FAILED : r;
}

static int send_all(const struct sw_conf *conf, const json_t *people) {
    char error[SW__ERROR_MAX];
    size_t all = json_array_size(people), sent = 0, portion;
    for (size_t i = 0; i < all; i += portion) {
        int r = sw_key_reseal_send(conf, people, i, PORTION, &portion, error, sizeof(error));
        sent += portion;
        if (r < 0) {
            sw__keys_fail("%s; %zu of %zu were asked for", error, sent, all);
            return sw_cli_exit(r);
        }
        if (sent < all) sw__keys_sleep(PORTION_MS);
        if (sent % 1000 == 0) fprintf(stderr, "asked for %zu of %zu\n", sent, all);
    }
    return 0;
}

/* 0, or the status: it is told what is wrong. */
static int parse_timeout(int argc, char **argv, int64_t *ret_s) {
    char *end;
    *ret_s = TIMEOUT_S;
    if (argc == 0) return 0;
    if (strcmp(argv[0], "--timeout") != 0) return sw__keys_wrong(sw__keys_reseal_usage, argv[0]);
    if (argc < 2) return sw__keys_wrong(sw__keys_reseal_usage, NULL);
    errno = 0;
    *ret_s = strtol(argv[1], &end, 10);
    if (errno || argv[1][0] < '0' || argv[1][0] > '9' || *end || *ret_s < 1 || *ret_s > 86400)
        return sw__keys_wrong(sw__keys_reseal_usage, argv[1]);
    return argc > 2 ? sw__keys_wrong(sw__keys_reseal_usage, argv[2]) : 0;
}

int sw__keys_reseal(const struct sw_conf *conf, int argc, char **argv) {
    struct sw__rings rings;
    SW_AUTO(sw_json) json_t *people = NULL;
    int64_t timeout_s;
    time_t began = time(NULL);
    int r = parse_timeout(argc, argv, &timeout_s);
    if (!r) r = sw__keys_rings(conf, &rings);
    if (r) return r;
    if (!sw__keys_ring(&rings, "token") || !sw__keys_ring(&rings, "responder"))
        return sw__keys_fail("SLIPWAY_KEY_DIR %s: token.key and responder.pub must be there",
                             conf->key_dir),
               SW_EXIT_SETTING;
    r = wait_sealing(conf, &rings);
    if (!r) r = read_stale(conf, &rings, &people);
    if (r) return r;
    size_t all = json_array_size(people), left = all;
    if (all == 0) return puts("everything is sealed with the current keys"), 0;
    if ((r = send_all(conf, people))) return r;
    for (unsigned looks = 1; left > 0; looks++) {
        SW_AUTO(sw_json) json_t *rest = NULL;
        sw__keys_sleep(LOOK_MS);
        if ((r = read_stale(conf, &rings, &rest))) return r;
        left = json_array_size(rest);
        if (left && time(NULL) - began >= timeout_s)
            return sw__keys_fail("%zu of %zu are not sealed anew after %lld s: they are asked for, "
                                 "and auth does it when it comes to it",
                                 left, all, (long long)timeout_s);
        if (left && looks % TELL_EVERY == 0) fprintf(stderr, "%zu of %zu left\n", left, all);
    }
    printf("%zu sealed anew\n", all);
    return 0;
}

/* ---- retire ---- */

static const struct sw_ring_key *find_key(const struct sw__rings *rings, const char *id,
                                          const char **ret_name) {
    for (unsigned i = 0; i < rings->count; i++) {
        for (unsigned j = 0; j < rings->at[i].ring.count; j++) {
            if (strcmp(rings->at[i].ring.key[j].id, id) != 0) continue;
            *ret_name = rings->at[i].name;
            return &rings->at[i].ring.key[j];
        }
    }
    return NULL;
}

static int refuse_standing(const struct sw_ring_key *key, const char *name) {
    if (key->standing == SW_KEY_CURRENT)
        return sw__keys_fail("%s is the current key of %s: `slipway keys add %s`, then rotate",
                             key->id, name, name);
    int64_t left_ms = key->since_ms + STATE_MS - time(NULL) * 1000LL;
    if (strcmp(name, "state") != 0 || key->standing != SW_KEY_FORMER || left_ms <= 0) return 0;
    return sw__keys_fail("links and forms made with %s are good for another %lld s", key->id,
                         (long long)(left_ms / 1000 + 1));
}

/* One look; a status: it is needed, or it is not known whether it is. */
static int refuse_needed(const struct sw_conf *conf, const char *name, const char *id,
                         bool tell_dead) {
    struct sw_key_uses uses = {0};
    char error[SW__ERROR_MAX];
    const struct sw_key_use *use = sw_key_use_of(&uses, id);
    const struct sw__claim claim = {name, id};
    const bool wire = !strncmp(name, "curve-", 6); /* a pair is taken at the start */
    int r = sw__keys_wait(conf, &claim, 1, sw__keys_sealing,
                          wire ? "must be started again: it has" : "may still seal with");
    if (r) return sw__keys_fail("%s stays", id), r < 0 ? SW_EXIT_FAILED : r;
    r = sw_key_uses_read(conf, &uses, error, sizeof(error));
    if (r < 0) return sw__keys_fail("%s; %s stays", error, id), sw_cli_exit(r);
    if (use->letters && tell_dead)
        fprintf(stderr, "slipway keys: dead letters with boxes that will not open again: %zu\n",
                use->letters);
    if (use->rows == 0 && use->owed == 0 && use->values == 0) return 0;
    return sw__keys_fail("%s is needed: rows %zu, owed %zu, stored %zu; it stays. `slipway keys "
                         "reseal` sees to rows and stored bot tokens, the rest passes by itself",
                         id, use->rows, use->owed, use->values);
}

int sw__keys_refuse_running(const struct sw_conf *conf, bool may_be_new) {
    char error[SW__ERROR_MAX];
    SW_AUTO(sw_json) json_t *processes = NULL;
    int r = sw_key_processes_read(conf, &processes, error, sizeof(error));
    if (r == -ENOTCONN || (r == -ENOENT && may_be_new)) return 0;
    if (r == -ENOENT) return sw__keys_fail("%s", error), SW_EXIT_SETTING;
    return sw__keys_fail("there is a Redis at SLIPWAY_REDIS %s: without --offline it is asked",
                         conf->redis);
}

int sw__keys_retire(const struct sw_conf *conf, int argc, char **argv) {
    struct sw__rings rings;
    char error[SW__ERROR_MAX];
    const char *name = NULL;
    bool offline = argc > 1 && !strcmp(argv[1], "--offline");
    if (argc < 1 || argv[0][0] == '-')
        return sw__keys_wrong(sw__keys_retire_usage, argc < 1 ? NULL : argv[0]);
    if (argc > 1 + offline) return sw__keys_wrong(sw__keys_retire_usage, argv[1 + offline]);
    int r = sw__keys_rings(conf, &rings);
    if (r) return r;
    const struct sw_ring_key *key = find_key(&rings, argv[0], &name);
    if (!key)
        return sw__keys_fail("no key %s is in %s; `slipway keys list` shows them", argv[0],
                             conf->key_dir);
    if (refuse_standing(key, name)) return 1;
    if (offline) {
        r = sw__keys_refuse_running(conf, false);
    } else if (!(r = refuse_needed(conf, name, key->id, true))) {
        sw__keys_sleep(GAP_MS);
        r = refuse_needed(conf, name, key->id, false);
    }
    if (r) return r;
    if (sw_ring_retire(conf->key_dir, name, key->id, error, sizeof(error)) < 0)
        return sw__keys_fail("%s", error);
    printf("%s: %s is gone\n", name, key->id);
    return 0;
}
