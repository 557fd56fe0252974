/* fuzz_install.c -- any bytes as what a browser brings back from Slack: three lines, query, cookies and form. Without a MAC
 * of ours nothing of it is taken in.
 *
 * live: clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. actors/form.c actors/signature.c \
 *       actors/ingress*.c actors/pages*.c common/{mem,seal,conf_hook,metrics,out,decision}.c common/key{s,_file}.c \
 *       proto/{msg,value}.c tests/fuzz/fuzz_install.c -lmsgpackc -ljansson -lsodium -o fuzz && \
 *       ./fuzz -max_len=20000 tests/fuzz/corpus/install */
#include "tests/fuzz/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *line(const uint8_t **at, size_t *left) {
    const uint8_t *end = memchr(*at, '\n', *left);
    size_t n = end ? (size_t)(end - *at) : *left;
    char *text = sw_strndup((const char *)*at, n);
    *left -= n + (end ? 1 : 0);
    *at += n + (end ? 1 : 0);
    return text;
}

static void visit(const char *method, const char *path, const char *query, const char *cookie,
                  const char *body) {
    const struct sw_conf conf = {.http = (char[]){"127.0.0.1:1"},
                                 .slack_web = (char[]){"https://slack.example"},
                                 .slack_client_id = (char[]){"1.2"},
                                 .slack_scope = (char[]){"commands"}};
    const struct sw_ctx ctx = {.now_ms = NOW_S * 1000LL, .conf = &conf, .keys = ingress};
    struct sw_request request = plain_request(method, path, body, strlen(body));
    request.query = query;
    request.cookie = cookie;
    struct sw_decision d;
    sw_ingress_decide(&ctx, &request, "ipc:///x|1", NULL, &d);
    check(d.appends == 0, "something was taken in");
    check(d.reply.status >= 200 && d.reply.status <= 503, "no answer");
    const char *set = d.reply.cookie ? d.reply.cookie : "";
    check(!strpbrk(set, "\r\n") &&
              (!*set || strspn(set + 11, "0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == 43),
          "a cookie of its own making");
    sw_decision_finish(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!ingress) load_keys();
    SW_AUTO(sw_text) char *query = line(&data, &size);
    SW_AUTO(sw_text) char *cookie = line(&data, &size);
    SW_AUTO(sw_text) char *body = line(&data, &size);
    visit("GET", "/slack/install", query, cookie, "");
    visit("GET", "/slack/install/callback", query, cookie, "");
    visit("POST", "/slack/install/callback", query, cookie, body);
    return 0;
}
