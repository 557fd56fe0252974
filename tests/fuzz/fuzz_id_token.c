/* fuzz_id_token.c -- any bytes as an id_token: an object, or nothing.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/id_token.c \
 *       common/{mem,seal,metrics}.c common/key{s,_file}.c proto/value.c tests/fuzz/fuzz_id_token.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=40000 tests/fuzz/corpus/id_token */
#include "actors/id_token.h"
#include "common/mem.h"
#include "common/seal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *token) {
    SW_AUTO(sw_json) json_t *claims = sw_id_token_claims(token);
    if (claims && !json_is_object(claims)) abort();
}

/* As a token, and as the claims of one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SW_AUTO(sw_text) char *token = sw_strndup((const char *)data, size);
    SW_AUTO(sw_text) char *encoded = sw_base64url(data, size);
    SW_AUTO(sw_text) char *whole = sw_printf("e30.%s.c2ln", encoded);
    check(token);
    check(whole);
    return 0;
}
