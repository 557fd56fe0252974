/* cli_keys_live.c -- what the living processes have to do with a key; see cli_keys_priv.h. */
#include "actors/cli_keys_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 200
#define LOOKS 25 /* five seconds: a process looks at its files once a second, and says it at once */

void sw__keys_sleep(int64_t ms) {
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static const json_t *known_of(const json_t *process, const char *name) {
    return json_object_get(json_object_get(process, "known"), name);
}

bool sw__keys_unknown(const json_t *process, const char *name, const char *id) {
    return !sw_list_has(known_of(process, name), id);
}

bool sw__keys_not_sealing(const json_t *process, const char *name, const char *id) {
    const char *first = json_string_value(json_array_get(known_of(process, name), 0));
    return !first || strcmp(first, id) != 0;
}

/* One that does not say which keys it has may have any. */
bool sw__keys_sealing(const json_t *process, const char *name, const char *id) {
    const char *first = json_string_value(json_array_get(known_of(process, name), 0));
    return !first || !strcmp(first, id);
}

unsigned sw__keys_tell(const json_t *processes, const char *name, const char *id,
                       sw__process_fn *fn, const char *how) {
    unsigned count = 0;
    size_t i;
    json_t *process;
    json_array_foreach(processes, i, process) {
        if (!sw_key_process_needs(process, name) || !fn(process, name, id)) continue;
        count++;
        if (how)
            fprintf(stderr, "slipway keys: %s at %s %s key %s of %s\n", sw_str(process, "role"),
                    sw_str(process, "endpoint"), how, id, name);
    }
    return count;
}

static unsigned count(const json_t *processes, const struct sw__claim *claim, size_t claims,
                      sw__process_fn *fn, const char *how) {
    unsigned n = 0;
    for (size_t i = 0; i < claims; i++)
        n += sw__keys_tell(processes, claim[i].name, claim[i].id, fn, how);
    return n;
}

int sw__keys_exit(int r) {
    return r == -ENOENT ? SW_EXIT_SETTING : sw_cli_exit(r);
}

int sw__keys_wait(const struct sw_conf *conf, const struct sw__claim *claim, size_t claims,
                  sw__process_fn *fn, const char *how) {
    char error[SW__ERROR_MAX];
    for (int looks = 1;; looks++) {
        SW_AUTO(sw_json) json_t *processes = NULL;
        int r = sw_key_processes_read(conf, &processes, error, sizeof(error));
        if (r < 0) {
            sw_cli_fail("keys", r, error);
            return sw__keys_exit(r);
        }
        if (!count(processes, claim, claims, fn, looks < LOOKS ? NULL : how)) return 0;
        if (looks == LOOKS) return -EBUSY;
        sw__keys_sleep(LOOK_MS);
    }
}
