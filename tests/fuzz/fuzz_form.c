/* fuzz_form.c -- any bytes as a form, as cookies and as a signed slash command: what is kept is whole UTF-8, what is
 * appended packs and opens.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages*.c common/{mem,seal,conf_hook,metrics,out,decision}.c common/key{s,_file}.c \
 *       proto/{msg,value}.c tests/fuzz/fuzz_form.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=70000 tests/fuzz/corpus/form */
#include "actors/form.h"
#include "tests/fuzz/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What jansson writes it must read: no broken UTF-8 got in. */
static void check_json(const json_t *value, const char *what) {
    SW_AUTO(sw_text) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    SW_AUTO(sw_json)
    json_t *again = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    check(again && json_equal(value, again), what);
}

static void try_parts(const uint8_t *data, size_t size) {
    SW_AUTO(sw_text) char *text = sw_strndup((const char *)data, size);
    SW_AUTO(sw_text) char *cut = sw_text_cut(text, 10);
    json_t *got = NULL;
    size_t length;
    check(strlen(cut) <= 10 * 4 + 3, "a text was not cut");
    if (sw_form_parse((const char *)data, size, &got) == 0) check_json(got, "a form is broken");
    json_decref(sw_take(&got));
    if (sw_cookies_parse(text, &got) == 0) check_json(got, "cookies are broken");
    json_decref(got);
    SW_AUTO(sw_json) json_t *any = sw_text_json((const char *)data, size, &length);
    check_json(any, "a text is broken");
    check(length <= size, "more characters than bytes");
}

static void try_slash(const uint8_t *data, size_t size) {
    int status = check_signed("/slack/commands", (const char *)data, size);
    check(status == 200 || (status == 413 && size > 65536), "not told in a 200");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!ingress) load_keys();
    try_parts(data, size);
    try_slash(data, size);
    return 0;
}
