/* cli_keys_list.c -- `slipway keys list`: what there is, and what needs it; see cli_keys_priv.h. */
#include "actors/cli_keys_priv.h"
#include "common/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char sw__keys_list_usage[] =
    "usage: slipway keys list [--json]\n\n"
    "Prints the keys in SLIPWAY_KEY_DIR, by their ids, and what in the Redis at SLIPWAY_REDIS "
    "names them:\n\n"
    "  STANDING  current (seals), added (opens; `slipway keys rotate` puts it to use), former "
    "(opens)\n"
    "  SINCE     when it got this standing (UTC)\n"
    "  ROWS      tokens at rest; `slipway keys reseal` seals them with the current key\n"
    "  OWED      messages, timers and calls that are not done\n"
    "  STORED    other sealed values in the state of actors\n"
    "  DEAD      dead letters; a former key may go all the same\n"
    "  KNOWN     living processes that know it, of those that need it\n"
    "  SEALING   of these, those that seal with it\n\n"
    "  --json    one JSON object a line: name, key, standing (null: no file has it), since_ms, and "
    "unless\n"
    "            Redis is away rows, owed, stored, dead, needing (processes), knowing, sealing\n";

static void print_since(int64_t since_ms) {
    time_t seconds = (time_t)(since_ms / 1000);
    struct tm at;
    char text[32] = "-";
    if (gmtime_r(&seconds, &at)) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &at);
    printf("  %-20s", text);
}

static void print_use(const struct sw_key_use *use) {
    printf("  %6zu  %6zu  %6zu  %6zu", use->rows, use->owed, use->values, use->letters);
}

static bool needs(const json_t *process, const char *name, const char *id) {
    (void)process;
    (void)name;
    (void)id;
    return true;
}

static void print_key(const char *name, const struct sw_ring_key *key, struct sw_key_uses *uses,
                      const json_t *processes) {
    printf("%-15s  %-8s  %-8s", name, key->id, sw_standing_names[key->standing]);
    print_since(key->since_ms);
    if (processes) {
        unsigned all = sw__keys_tell(processes, name, key->id, needs, NULL);
        unsigned unknown = sw__keys_tell(processes, name, key->id, sw__keys_unknown, NULL);
        unsigned idle = sw__keys_tell(processes, name, key->id, sw__keys_not_sealing, NULL);
        print_use(sw_key_use_of(uses, key->id));
        printf("  %3u/%-3u  %3u", all - unknown, all, all - idle);
    }
    putchar('\n');
}

/* `key` NULL: no file has it. */
static void print_json(const char *name, const struct sw_ring_key *key,
                       const struct sw_key_use *use, const json_t *processes) {
    SW_AUTO(sw_json)
    json_t *line =
        json_pack("{s:s*, s:s, s:o, s:o}", "name", name, "key", key ? key->id : use->id, "standing",
                  key ? json_string(sw_standing_names[key->standing]) : json_null(), "since_ms",
                  key ? json_integer(key->since_ms) : json_null());
    if (processes) {
        SW_AUTO(sw_json)
        json_t *uses = json_pack("{s:I, s:I, s:I, s:I}", "rows", (json_int_t)use->rows, "owed",
                                 (json_int_t)use->owed, "stored", (json_int_t)use->values, "dead",
                                 (json_int_t)use->letters);
        json_object_update(line, uses);
    }
    if (processes && key) {
        unsigned all = sw__keys_tell(processes, name, key->id, needs, NULL);
        unsigned unknown = sw__keys_tell(processes, name, key->id, sw__keys_unknown, NULL);
        unsigned idle = sw__keys_tell(processes, name, key->id, sw__keys_not_sealing, NULL);
        SW_AUTO(sw_json)
        json_t *known = json_pack("{s:i, s:i, s:i}", "needing", (int)all, "knowing",
                                  (int)(all - unknown), "sealing", (int)(all - idle));
        json_object_update(line, known);
    }
    sw_cli_print_json(line);
}

static void print_all_json(const struct sw__rings *rings, struct sw_key_uses *uses, size_t expected,
                           const json_t *processes) {
    for (unsigned i = 0; i < rings->count; i++) {
        for (unsigned j = 0; j < rings->at[i].ring.count; j++) {
            const struct sw_ring_key *key = &rings->at[i].ring.key[j];
            print_json(rings->at[i].name, key, sw_key_use_of(uses, key->id), processes);
        }
    }
    for (size_t i = expected; processes && i < uses->count; i++)
        print_json(NULL, NULL, &uses->use[i], processes);
}

/* Ids are known before the scan, so that there is room for each of them. */
static void expect(const struct sw__rings *rings, struct sw_key_uses *uses) {
    uses->count = 0;
    for (unsigned i = 0; i < rings->count; i++) {
        for (unsigned j = 0; j < rings->at[i].ring.count; j++)
            sw_key_use_of(uses, rings->at[i].ring.key[j].id);
    }
}

static void print_foreign(const struct sw_key_uses *uses, size_t from) {
    for (size_t i = from; i < uses->count; i++) {
        printf("%-15s  %-8s  %-8s  %-20s", "-", uses->use[i].id, "no file", "-");
        print_use(&uses->use[i]);
        putchar('\n');
    }
}

int sw__keys_list(const struct sw_conf *conf, int argc, char **argv) {
    struct sw__rings rings;
    struct sw_key_uses uses;
    char error[SW__ERROR_MAX];
    SW_AUTO(sw_json) json_t *processes = NULL;
    const bool json = argc > 0 && !strcmp(argv[0], "--json");
    if (argc > json) return sw__keys_wrong(sw__keys_list_usage, argv[json]);
    int r = sw__keys_rings(conf, &rings);
    if (r) return r;
    expect(&rings, &uses);
    size_t expected = uses.count;
    r = sw_key_uses_read(conf, &uses, error, sizeof(error));
    if (r == 0) r = sw_key_processes_read(conf, &processes, error, sizeof(error));
    if (json) {
        print_all_json(&rings, &uses, expected, r < 0 ? NULL : processes);
        if (r < 0) sw__keys_fail("what needs them is not known: %s", error);
        return r < 0 ? sw__keys_exit(r) : SW_EXIT_DONE;
    }
    printf("%-15s  %-8s  %-8s  %-20s", "NAME", "KEY", "STANDING", "SINCE");
    puts(r < 0 ? "" : "    ROWS    OWED  STORED    DEAD    KNOWN  SEALING");
    for (unsigned i = 0; i < rings.count; i++) {
        for (unsigned j = 0; j < rings.at[i].ring.count; j++)
            print_key(rings.at[i].name, &rings.at[i].ring.key[j], &uses, processes);
    }
    if (r < 0) return sw__keys_fail("what needs them is not known: %s", error), sw__keys_exit(r);
    print_foreign(&uses, expected);
    for (unsigned i = 0; i < rings.count; i++) {
        for (unsigned j = 0; j < rings.at[i].ring.count; j++)
            sw__keys_tell(processes, rings.at[i].name, rings.at[i].ring.key[j].id, sw__keys_unknown,
                          "does not know");
    }
    return 0;
}
