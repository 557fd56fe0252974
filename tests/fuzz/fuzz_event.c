/* fuzz_event.c -- any bytes as a signed event of Slack's: answered, and one message at most.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages*.c common/{mem,seal,conf_hook,metrics,out,decision}.c common/key{s,_file}.c \
 *       proto/{msg,value}.c tests/fuzz/fuzz_event.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=20000 tests/fuzz/corpus/event */
#include "tests/fuzz/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!ingress) load_keys();
    int status = check_signed("/slack/events", (const char *)data, size);
    check(status == 200 || status == 400 || (status == 413 && size > 65536), "another answer");
    return 0;
}
