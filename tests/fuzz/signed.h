/* signed.h -- a body as Slack would have signed it, decided by ingress: what must hold whatever is in it.
 *
 * shapes   check_signed(path, body) runs the one decision; a program includes this once
 * units    sizes are bytes
 * errors   none: what does not hold ends the program
 * owner    keys are made at the first use and freed at exit
 * source   actors/ingress.h
 * limits   the body fits what the path takes, or is answered with 413
 */
#ifndef SW_TESTS_FUZZ_SIGNED_H
#define SW_TESTS_FUZZ_SIGNED_H

#include "actors/ingress.h"
#include "common/mem.h"
#include "common/seal.h"
#include "tests/plain_request.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECRET "secret"
#define NOW_S 1795000000

static struct sw_keys *ingress, *parser;

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz: %s\n", what);
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

/* One message at most, which packs, and of a command the text opens for parser; returns the status of the answer. */
static inline int check_signed(const char *path, const char *body, size_t size) {
    char signature[68] = "v0=";
    uint8_t mac[32];
    const struct sw_conf conf = {.hooks = (char[]){"https://hooks.slack.com"},
                                 .slack_secret = {.current = (char[]){SECRET}}};
    const struct sw_ctx ctx = {.now_ms = NOW_S * 1000LL, .conf = &conf, .keys = ingress};
    SW_AUTO(sw_text) char *base = sw_malloc(size + 32);
    int n = sprintf(base, "v0:%d:", NOW_S), status;
    memcpy(base + n, body, size);
    sw_hmac(SECRET, base, (size_t)n + size, mac);
    sw_hex(mac, sizeof(mac), signature + 3);
    struct sw_request request = plain_request("POST", path, body, size);
    request.slack_signature = signature;
    request.slack_timestamp = "1795000000";
    struct sw_decision d;
    sw_ingress_decide(&ctx, &request, "", NULL, &d);
    check(d.appends <= 1, "more than one command");
    if (d.appends) {
        const struct sw_msg *m = d.append[0].m;
        char *packed = NULL;
        size_t packed_size;
        json_t *text = NULL;
        const bool command = !strcmp(m->kind, SW_KIND_SLASH);
        check(strlen(d.append[0].dedupe) > (command ? 20 : 6), "it could be twice");
        check(sw_msg_pack(m, &packed, &packed_size) == 0, "it does not pack");
        check(!command || sw_unseal(parser, sw_msg_box(m, "text"), m->cmd, &text) == 0,
              "it does not open");
        json_decref(text);
        free(packed);
    }
    status = d.reply.status;
    sw_decision_finish(&d);
    return status;
}

#endif
