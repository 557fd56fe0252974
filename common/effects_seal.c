/* effects_seal.c -- what is owed says that it was owed here; see effects_priv.h.
 *
 * An effect names secrets, and the runtime puts them where the request says. So whoever can write to
 * Redis could have any of them sent anywhere, had he only to write down a request. A box of this role
 * for itself, bound to shard, id and every byte, says that a handler of ours asked for it. */
#include "common/effects_priv.h"
#include "common/mem.h"
#include "common/seal.h"
#include "proto/value.h"

#include <errno.h>
#include <string.h>

#define SEAL_MAX 512

static char *context_of(const char *prefix, const char *id, const char *bytes, size_t size) {
    uint8_t hash[32];
    char hex[2 * sizeof(hash) + 1];
    sw_sha256(bytes, size, hash);
    sw_hex(hash, sizeof(hash), hex);
    return sw_printf("fx/%s/%s/%s", prefix, id, hex);
}

int sw__effect_pack(const struct sw_run *run, const char *prefix, const char *id,
                    const json_t *record, char **ret, size_t *ret_size) {
    SW_AUTO(sw_text) char *bytes = NULL, *box = NULL;
    SW_AUTO(sw_json) json_t *empty = json_object();
    size_t size;
    int r = sw_value_pack(record, &bytes, &size);
    if (r < 0) return r;
    SW_AUTO(sw_text) char *context = context_of(prefix, id, bytes, size);
    r = sw_seal(run->keys, run->role, context, empty, &box);
    if (r < 0) return r;
    const size_t head = strlen(box) + 1;
    *ret = sw_malloc(head + size);
    *ret_size = head + size;
    memcpy(*ret, box, head - 1);
    (*ret)[head - 1] = '\n';
    memcpy(*ret + head, bytes, size);
    return 0;
}

static bool is_ours(const struct sw_run *run, const char *prefix, const char *id, const char *data,
                    size_t head, const char *bytes, size_t size) {
    SW_AUTO(sw_json) json_t *empty = NULL;
    SW_AUTO(sw_text) char *box = sw_strndup(data, head);
    SW_AUTO(sw_text) char *context = context_of(prefix, id, bytes, size);
    return sw_unseal(run->keys, box, context, &empty) == 0; /* what does not open is counted */
}

int sw__effect_unpack(const struct sw_run *run, const char *prefix, const char *id,
                      const char *data, size_t size, json_t **ret) {
    const char *end = memchr(data, '\n', size < SEAL_MAX ? size : SEAL_MAX);
    const size_t head = end ? (size_t)(end - data) : 0, skip = end ? head + 1 : 0;
    const bool ours = is_ours(run, prefix, id, data, head, data + skip, size - skip);
    int r = sw_value_unpack(data + skip, size - skip, ret);
    if (r < 0 || ours) return r;
    /* Nothing is left to call: its handler is told that it was refused, as where a secret does not open. */
    json_t *request = json_object_get(*ret, "q");
    SW_AUTO(sw_json) json_t *up = json_incref(json_object_get(request, "up"));
    SW_AUTO(sw_json) json_t *repeat = json_incref(json_object_get(request, "repeat"));
    json_object_set_new(*ret, "q", json_pack("{s:O*, s:O*}", "up", up, "repeat", repeat));
    return -EBADMSG;
}
