/* cli_check_space.c -- keys that nobody looks after, and keys that processes do not know; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "actors/cli_keys_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

static json_int_t owed(const json_t *actor) {
    const json_t *messages = json_object_get(actor, "owed");
    return sw_int(messages, "urgent") + sw_int(messages, "bulk") +
           sw_int(json_object_get(actor, "calls"), "owed") +
           sw_int(json_object_get(actor, "timers"), "armed");
}

/* Every actor belongs to a Slipway: what has no process is missing, not too much. */
static size_t check_orphans(const json_t *overview, const json_t *space, json_t *rows) {
    size_t i, found = 0;
    json_t *actor;
    json_array_foreach(json_object_get(overview, "actors"), i, actor) {
        const char *name = sw_str(actor, "actor");
        const json_int_t state = sw_int(json_object_get(space, "state"), name), work = owed(actor);
        if (json_array_size(json_object_get(actor, "processes")) || (!state && !work)) continue;
        found++;
        SW_AUTO(sw_text) char *mend = sw_printf("start it: slipway %s", name);
        sw__row(rows, "orphans", SW__WARN, mend,
                "%s has no process, and %lld messages, calls and timers and %lld values are kept "
                "for it",
                name, (long long)work, (long long)state);
    }
    return found;
}

static size_t check_unknown(const json_t *space, json_t *rows) {
    const json_int_t count = sw_int(space, "unknown");
    const char *first = json_string_value(json_array_get(json_object_get(space, "first"), 0));
    if (!count) return 0;
    sw__row(rows, "orphans", SW__WARN,
            "upgrade, where a newer Slipway wrote them; else redis-cli UNLINK them",
            "%lld under sw: of no kind that this version knows%s%s", (long long)count,
            first ? ", such as " : "", first ? first : "");
    return 1;
}

void sw__check_space(const json_t *overview, const json_t *space, json_t *rows) {
    const size_t found = check_orphans(overview, space, rows) + check_unknown(space, rows);
    const bool partial = json_is_true(json_object_get(space, "partial"));
    if (!found)
        sw__row(rows, "orphans", SW__OK, NULL, "none among %lld keys%s",
                (long long)sw_int(space, "looked"), partial ? " (there are more)" : "");
}

/* ---- keys ---- */

static const char *sealing(const json_t *process, const char *name) {
    const json_t *known = json_object_get(json_object_get(process, "known"), name);
    return json_string_value(json_array_get(known, 0));
}

static size_t check_ring(const json_t *process, const json_t *ring, json_t *rows) {
    const char *name = sw_str(ring, "name"), *seals = sealing(process, name);
    const char *role = sw_str(process, "role"), *endpoint = sw_str(process, "endpoint");
    const json_t *ids = json_object_get(ring, "keys");
    const char *current = json_string_value(json_array_get(ids, 0));
    if (!current || !sw_key_process_needs(process, name)) return 0;
    if (sw__keys_unknown(process, name, current)) {
        sw__row(rows, "keys", SW__FAIL,
                "copy the key files to where it runs: it reads them again within a second; its log "
                "says why where it does not",
                "%s at %s does not know key %s of %s, which seals here", role, endpoint, current,
                name);
        return 1;
    }
    if (!seals || sw_list_has(ids, seals)) return 0;
    sw__row(rows, "keys", SW__FAIL,
            "copy the newest key files here, or let SLIPWAY_KEY_DIR name those that it reads",
            "%s at %s seals with key %s of %s, which is not in the files here", role, endpoint,
            seals, name);
    return 1;
}

void sw__check_known(const json_t *processes, const json_t *rings, json_t *rows) {
    size_t i, j, found = 0;
    json_t *process, *ring;
    if (!json_array_size(rings) || !json_array_size(processes)) return;
    json_array_foreach(processes, i, process) {
        json_array_foreach(rings, j, ring) found += check_ring(process, ring, rows);
    }
    if (!found)
        sw__row(rows, "keys", SW__OK, NULL, "all %zu processes know the keys of the files here",
                json_array_size(processes));
}
