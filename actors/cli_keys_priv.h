/* cli_keys_priv.h -- between the files of `slipway keys`.
 *
 * shapes   each command gets the words behind its name
 * units    *_ms milliseconds
 * errors   what main returns, enum sw_exit; a line says why
 * owner    the caller finishes the settings
 * source   cli.h
 * limits   none
 */
#ifndef SW_CLI_KEYS_PRIV_H
#define SW_CLI_KEYS_PRIV_H

#include "actors/cli.h"
#include "common/key_use.h"

#define SW__RINGS_MAX 16
#define SW__ERROR_MAX 5000 /* a path and a few words */

struct sw__rings {
    unsigned count;
    struct sw__named_ring {
        const char *name;
        struct sw_ring ring;
    } at[SW__RINGS_MAX];
};

int sw__keys_list(const struct sw_conf *conf, int argc, char **argv);
int sw__keys_reseal(const struct sw_conf *conf, int argc, char **argv);
int sw__keys_retire(const struct sw_conf *conf, int argc, char **argv);

extern const char sw__keys_list_usage[], sw__keys_reseal_usage[], sw__keys_retire_usage[];

/* "slipway keys: ..." on standard error; SW_EXIT_FAILED. */
int sw__keys_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What is wrong with what was typed (NULL: a word is missing) and how it is typed; SW_EXIT_USAGE. */
int sw__keys_wrong(const char *usage_text, const char *word);
/* The rings that are in the directory, where `token` and `state` may be missing; SW_EXIT_SETTING: one is not as it should
 * be, or none is there. */
int sw__keys_rings(const struct sw_conf *conf, struct sw__rings *ret);
const struct sw_ring *sw__keys_ring(const struct sw__rings *rings, const char *name); /* or NULL */

/* True: the process stands in the way of what is to be done with the key `id` of `name`. */
typedef bool sw__process_fn(const json_t *process, const char *name, const char *id);
bool sw__keys_unknown(const json_t *process, const char *name, const char *id);
bool sw__keys_not_sealing(const json_t *process, const char *name, const char *id);
bool sw__keys_sealing(const json_t *process, const char *name, const char *id);
/* Says which processes stand in the way, and how ("does not know"); how many. */
unsigned sw__keys_tell(const json_t *processes, const char *name, const char *id,
                       sw__process_fn *fn, const char *how);

struct sw__claim {
    const char *name, *id;
};
/* The status for what sw_key_processes_read answers: another Redis than that of the keys is a wrong setting. */
int sw__keys_exit(int r);
/* Looks until no living process stands in the way of any claim, for five seconds; then says which: -EBUSY. Where that is not
 * known it says why: the status. */
int sw__keys_wait(const struct sw_conf *conf, const struct sw__claim *claim, size_t claims,
                  sw__process_fn *fn, const char *how);

/* --offline is for what does not run: SW_EXIT_FAILED where a Redis answers, which is asked then, but not by `may_be_new` where no Slipway
 * ever ran. */
int sw__keys_refuse_running(const struct sw_conf *conf, bool may_be_new);

void sw__keys_sleep(int64_t ms);

#endif
