/* fuzz_hook.c -- any bytes as a signed webhook of Heroku or GitHub: answered, and of what goes on each installation has one.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages*.c common/{mem,seal,conf_hook,metrics,out,decision}.c common/key{s,_file}.c \
 *       proto/{msg,value}.c tests/fuzz/fuzz_hook.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=20000 tests/fuzz/corpus/hook */
#include "actors/ingress.h"
#include "common/mem.h"
#include "common/seal.h"
#include "tests/plain_request.h"

#include <stdio.h>
#include <string.h>

#define SECRET "secret"
#define COUNT 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_hook: %s\n", what);
    abort();
}

static bool is_answer(int status) {
    return status == 200 || status == 400 || status == 413;
}

static void check_appends(const struct sw_decision *d, const char *source, const char *actor) {
    check(d->appends == COUNT, "an installation is left out");
    for (size_t i = 0; i < d->appends; i++) {
        const struct sw_append *a = &d->append[i];
        char *packed = NULL;
        size_t packed_size;
        check(!strcmp(a->actor, actor), "another's");
        check(strlen(a->dedupe) > 4 && strlen(a->dedupe) < sizeof(a->dedupe) - 1, "a cut key");
        check(!i || strcmp(a->dedupe, d->append[i - 1].dedupe) != 0, "two with one key");
        check(!strcmp(sw_str(a->m->body, "source"), source), "another source");
        check(sw_msg_pack(a->m, &packed, &packed_size) == 0, "it does not pack");
        free(packed);
    }
}

static void try_path(const struct sw_request *request, const char *actor) {
    static const uint8_t seed[32] = {1};
    const struct sw_conf conf = {.webhook_secret = {.current = (char[]){SECRET}},
                                 .github_webhook_secret = {.current = (char[]){SECRET}}};
    struct sw_ctx ctx = {.now_ms = 1795000000000LL, .conf = &conf};
    struct sw_decision first, second;
    SW_AUTO(sw_json) json_t *installations = json_array();
    memcpy(ctx.seed, seed, sizeof(seed));
    for (int i = 0; i < COUNT; i++) {
        json_array_append_new(installations, json_sprintf("T%d", i));
    }
    sw_ingress_decide(&ctx, request, "", NULL, &first);
    check(first.appends == 0 && is_answer(first.reply.status), "another answer");
    if (first.source[0]) {
        check(first.away.status == 503, "it would not come again");
        sw_ingress_decide(&ctx, request, "", installations, &second);
        check(second.reply.status == 200 && !second.source[0], "another answer");
        check_appends(&second, first.source, actor);
        sw_decision_finish(&second);
    }
    sw_decision_finish(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t mac[32];
    char github[72] = "sha256=";
    struct sw_request request = plain_request("POST", "", (const char *)data, size);
    request.github_event = "github_app_authorization";
    request.github_delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
    request.github_signature = github;
    sw_hmac(SECRET, data, size, mac);
    SW_AUTO(sw_text) char *heroku = sw_base64(mac, sizeof(mac));
    sw_hex(mac, sizeof(mac), github + strlen(github));
    request.heroku_hmac = heroku;
    request.path = "/webhooks/heroku";
    try_path(&request, "notifier");
    request.path = "/webhooks/github";
    try_path(&request, "auth");
    return 0;
}
