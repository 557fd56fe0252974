/* fuzz_signature.c -- "<timestamp>\n<signature>\n<body>": only what was signed, in time, is taken for signed. A signature
 * of "?" is replaced by the right one, so that a good timestamp is let in.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/signature.c \
 *       common/{mem,seal,metrics}.c common/key{s,_file}.c tests/fuzz/fuzz_signature.c -ljansson -lsodium -o fuzz && \
 *       ./fuzz tests/fuzz/corpus/signature */
#include "actors/signature.h"
#include "common/mem.h"
#include "common/seal.h"

#include <stdio.h>
#include <string.h>

#define SECRET "secret"
#define NOW_S 1795000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_signature: %s\n", what);
    abort();
}

/* The next line, ended; NULL where there is no further. */
static char *line_of(const char **at, size_t *left) {
    const char *end = memchr(*at, '\n', *left);
    if (!end) return NULL;
    size_t size = (size_t)(end - *at);
    char *line = sw_strndup(*at, size);
    *at += size + 1;
    *left -= size + 1;
    return line;
}

/* In time, by a plain reading of the digits. */
static bool in_time(const char *text) {
    char *end;
    long long seconds = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && strlen(text) <= 12 && seconds >= NOW_S - 300 &&
           seconds <= NOW_S + 300;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct sw_secret secret = {.current = (char[]){SECRET}, .previous = (char[]){"older"}};
    char expected[68] = "v0=", hex[SW_SIGNATURE_HEX + 1];
    uint8_t mac[32];
    const char *at = (const char *)data;
    size_t left = size;
    SW_AUTO(sw_text) char *timestamp = line_of(&at, &left);
    SW_AUTO(sw_text) char *signature = timestamp ? line_of(&at, &left) : NULL;
    if (!signature) return 0;
    SW_AUTO(sw_text) char *base = sw_malloc(strlen(timestamp) + left + 8);
    int n = sprintf(base, "v0:%s:", timestamp);
    memcpy(base + n, at, left);
    sw_hmac(SECRET, base, (size_t)n + left, mac);
    sw_hex(mac, sizeof(mac), expected + 3);
    bool right = !strcmp(signature, "?");
    const struct sw_request request = {.body = at,
                                       .body_size = left,
                                       .slack_signature = right ? expected : signature,
                                       .slack_timestamp = timestamp,
                                       .heroku_hmac = signature,
                                       .github_signature = signature};
    right |= !strcmp(signature, expected);
    int r = sw_signature_slack(&secret, NOW_S * 1000, &request, hex);
    check((r == 0) == (right && in_time(timestamp)), "Slack's signature is misjudged");
    if (r == 0) check(!strcmp(hex, expected + 3), "the key is not the signature");
    sw_hmac(SECRET, at, left, mac);
    SW_AUTO(sw_text) char *heroku = sw_base64(mac, sizeof(mac));
    r = sw_signature_heroku(&secret, &request);
    check((r == 0) == !strcmp(signature, heroku), "Heroku's signature is misjudged");
    char github[72] = "sha256=";
    sw_hex(mac, sizeof(mac), github + 7);
    r = sw_signature_github(&secret, &request);
    check((r == 0) == !strcmp(signature, github), "GitHub's signature is misjudged");
    return 0;
}
