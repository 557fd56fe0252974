/* fuzz_msg.c -- whatever comes off the wire is refused, or packs again to what means the same.
 *
 * The corpus is that of vectors/make.py.
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. proto/msg.c proto/value.c \
 *       tests/fuzz/fuzz_msg.c -lmsgpackc -ljansson -o fuzz && ./fuzz -max_len=65537 tests/fuzz/corpus/msg */
#include "proto/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_msg: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sw_msg *m = NULL, *again = NULL;
    char *packed;
    size_t packed_size;
    if (sw_msg_unpack((const char *)data, size, &m) < 0) {
        check(!m, "a refused envelope was returned");
        return 0;
    }
    /* Longer only where a 32 bit real becomes one of 64 bits. */
    int r = sw_msg_pack(m, &packed, &packed_size);
    if (r < 0) {
        check(size > SW_MSG_MAX_BYTES / 2, "an accepted envelope does not pack");
    } else {
        check(sw_msg_unpack(packed, packed_size, &again) == 0, "what was packed is refused");
        check(strcmp(m->kind, again->kind) == 0 && strcmp(m->cmd, again->cmd) == 0 &&
                  strcmp(m->inst, again->inst) == 0 && m->born_ms == again->born_ms &&
                  json_equal(m->body, again->body) && json_equal(m->boxes, again->boxes),
              "what was packed means something else");
        free(packed);
    }
    sw_msg_destroy(again);
    sw_msg_destroy(m);
    return 0;
}
