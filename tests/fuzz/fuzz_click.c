/* fuzz_click.c -- any bytes as the payload of a signed click, and as its form: answered, and one command at most.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages*.c common/{mem,seal,conf_hook,metrics,out,decision}.c common/key{s,_file}.c \
 *       proto/{msg,value}.c tests/fuzz/fuzz_click.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=20000 tests/fuzz/corpus/click */
#include "tests/fuzz/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_body(const char *body, size_t size) {
    int status = check_signed("/slack/interactive", body, size);
    check(status == 200 || status == 400 || (status == 413 && size > 65536), "another answer");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SW_AUTO(sw_text) char *form = sw_malloc(8 + 3 * size + 1);
    if (!ingress) load_keys();
    strcpy(form, "payload=");
    for (size_t i = 0; i < size; i++) {
        sprintf(form + 8 + 3 * i, "%%%02x", data[i]);
    }
    try_body(form, strlen(form));
    try_body((const char *)data, size);
    return 0;
}
