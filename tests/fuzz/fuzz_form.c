/* fuzz_form.c -- any bytes as a form, as cookies and as a signed slash command: what is kept is whole UTF-8, what is
 * appended packs and opens.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages.c common/{mem,seal,keys,out,decision}.c proto/{msg,value}.c \
 *       tests/fuzz/fuzz_form.c -lmsgpackc -ljansson -lsodium -o fuzz && ./fuzz -max_len=70000 tests/fuzz/corpus/form */
#include "actors/form.h"
#include "actors/ingress.h"
#include "common/mem.h"
#include "common/seal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECRET "secret"
#define NOW_S 1795000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sw_keys *ingress, *parser;

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_form: %s\n", what);
    abort();
}

static void free_keys(void) {
    sw_keys_destroy(ingress);
    sw_keys_destroy(parser);
}

static void load_keys(void) {
    char dir[] = "/tmp/slipway-fuzz-XXXXXX", error[256];
    check(mkdtemp(dir) && sw_keys_make(dir) == 0, "no directory for keys");
    check(sw_keys_load(dir, "ingress", &ingress, error, sizeof(error)) == 0, "no keys");
    check(sw_keys_load(dir, "parser", &parser, error, sizeof(error)) == 0, "no keys");
    SW_AUTO(sw_text) char *clean = sw_printf("rm -r '%s'", dir);
    check(system(clean) == 0, "the directory stays");
    atexit(free_keys);
}

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
    char signature[68] = "v0=";
    uint8_t mac[32];
    const struct sw_conf conf = {.hooks = (char[]){"https://hooks.slack.com"},
                                 .slack_secret = {.current = (char[]){SECRET}}};
    const struct sw_ctx ctx = {.now_ms = NOW_S * 1000LL, .conf = &conf, .keys = ingress};
    SW_AUTO(sw_text) char *base = sw_malloc(size + 32);
    int n = sprintf(base, "v0:%d:", NOW_S);
    memcpy(base + n, data, size);
    sw_hmac(SECRET, base, (size_t)n + size, mac);
    sw_hex(mac, sizeof(mac), signature + 3);
    const struct sw_request request = {.method = "POST",
                                       .path = "/slack/commands",
                                       .query = "",
                                       .body = (const char *)data,
                                       .body_size = size,
                                       .content_type = "",
                                       .cookie = "",
                                       .authorization = "",
                                       .slack_signature = signature,
                                       .slack_timestamp = "1795000000",
                                       .heroku_hmac = ""};
    struct sw_decision d;
    sw_ingress_decide(&ctx, &request, "", NULL, &d);
    check(d.appends <= 1, "more than one command");
    check(d.reply.status == 200 || (d.reply.status == 413 && size > 65536), "not told in a 200");
    if (d.appends) {
        const struct sw_msg *m = d.append[0].m;
        char *packed = NULL;
        size_t packed_size;
        json_t *text = NULL;
        check(sw_msg_pack(m, &packed, &packed_size) == 0, "it does not pack");
        check(sw_unseal(parser, sw_msg_box(m, "text"), m->cmd, &text) == 0, "it does not open");
        json_decref(text);
        free(packed);
    }
    sw_decision_finish(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!ingress) load_keys();
    try_parts(data, size);
    try_slash(data, size);
    return 0;
}
