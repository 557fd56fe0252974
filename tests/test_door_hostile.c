/* test_door_hostile.c -- requests that mean different things to different servers are refused by the door. */
#include "tests/house.h"

#include "common/mem.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROW(name, text, status, reason)                                                            \
    { name, text, sizeof(text) - 1, status, reason }

static void refuses_what_is_ambiguous_and_closes(void **state) {
    static const struct {
        const char *name, *text;
        size_t size;
        int status;
        const char *reason;
    } rows[] = {
        ROW("CL and TE", POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400, "transfer_encoding"),
        ROW("TE", POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "transfer_encoding"),
        ROW("bad chunk", POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400,
            "transfer_encoding"),
        ROW("unknown TE", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400,
            "transfer_encoding"),
        ROW("identity TE", POST "TRANSFER-ENCODING: identity\r\nContent-Length: 1\r\n\r\nx", 400,
            "transfer_encoding"),
        ROW("two CL", POST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400,
            "doubled_header"),
        ROW("same CL twice", POST "Content-Length: 4\r\nContent-length: 4\r\n\r\nabcd", 400,
            "doubled_header"),
        ROW("CL list", POST "Content-Length: 4, 4\r\n\r\nabcd", 400, "malformed"),
        ROW("CL +4", POST "Content-Length: +4\r\n\r\nabcd", 400, "malformed"),
        ROW("CL -1", POST "Content-Length: -1\r\n\r\nabcd", 400, "malformed"),
        ROW("CL 4x", POST "Content-Length: 4x\r\n\r\nabcd", 400, "malformed"),
        ROW("CL 0x4", POST "Content-Length: 0x4\r\n\r\nabcd", 400, "malformed"),
        ROW("CL empty", POST "Content-Length:\r\n\r\nabcd", 400, "malformed"),
        ROW("CL then space", POST "Content-Length: 4 \r\n\r\nabcd", 400, "malformed"),
        ROW("CL huge", POST "Content-Length: 99999999999999999999999\r\n\r\nabcd", 413,
            "malformed"),
        ROW("CL beyond", POST "Content-Length: 65537\r\n\r\nabcd", 413, "too_large"),
        ROW("CL overflow", POST "Content-Length: 18446744073709551615\r\n\r\nabcd", 413,
            "too_large"),
        ROW("space before colon", POST "Content-Length : 4\r\n\r\nabcd", 400, "bad_header"),
        ROW("space before TE's colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400,
            "bad_header"),
        ROW("space in a name", POST "X A: b\r\n" NONE, 400, "bad_header"),
        ROW("empty name", POST ": b\r\n" NONE, 400, "bad_header"),
        ROW("no colon", POST "X-A b\r\n" NONE, 400, "malformed"),
        ROW("NUL in a value", POST "X-A: a\0b\r\n" NONE, 400, "bad_header"),
        ROW("NUL in the last value", POST "Content-Length: 0\r\nX-A: a\0b\r\n\r\n", 400,
            "bad_header"),
        ROW("NUL ends a value", POST "X-A: a\0\r\n" NONE, 400, "bad_header"),
        ROW("NUL in CL", POST "Content-Length: 0\0001\r\n\r\n", 400, "bad_header"),
        ROW("NUL in a name", POST "X-\0A: a\r\n" NONE, 400, "malformed"),
        ROW("NUL in the path", "POST /ec\0ho HTTP/1.1\r\n" HOST NONE, 400, "bad_request_line"),
        ROW("NUL in the query", "POST /?a\0b=1 HTTP/1.1\r\n" HOST NONE, 400, "bad_request_line"),
        ROW("CR in a value", POST "X-A: a\rb\r\n" NONE, 400, "bad_header"),
        ROW("control in a value", POST "X-A: a\x01\r\n" NONE, 400, "bad_header"),
        ROW("DEL in a value", POST "X-A: a\x7f\r\n" NONE, 400, "bad_header"),
        ROW("folded value", POST "X-A: a\r\n b\r\n" NONE, 400, "bad_header"),
        ROW("folded by a tab", POST "Content-Length: 0\r\n\t1\r\n\r\n", 400, "bad_header"),
        ROW("bare LF", "POST /echo HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 400, "bad_header"),
        ROW("one bare LF", POST "X-A: b\nContent-Length: 0\r\n\r\n", 400, "bad_header"),
        ROW("bare LF at the end", POST "Content-Length: 0\r\n\n", 400, "bad_header"),
        ROW("bare LF, last header", POST "Content-Length: 0\n\r\n", 400, "bad_header"),
        ROW("no Host", "POST /echo HTTP/1.1\r\n" NONE, 400, "no_host"),
        ROW("two Host", POST "Host: y\r\n" NONE, 400, "doubled_header"),
        ROW("two types", POST "Content-Type: a/b\r\nContent-Type: a/b\r\n" NONE, 400,
            "doubled_header"),
        ROW("two signatures", POST "X-Slack-Signature: v0=a\r\nx-slack-signature: v0=a\r\n" NONE,
            400, "doubled_header"),
        ROW("two timestamps",
            POST "X-Slack-Request-Timestamp: 1\r\nX-Slack-Request-Timestamp: 1\r\n" NONE, 400,
            "doubled_header"),
        ROW("two of another X-Slack", POST "X-Slack-Retry-Num: 1\r\nX-SLACK-RETRY-NUM: 1\r\n" NONE,
            400, "doubled_header"),
        ROW("two HMAC",
            POST "Heroku-Webhook-Hmac-SHA256: a\r\nHeroku-Webhook-Hmac-SHA256: a\r\n" NONE, 400,
            "doubled_header"),
        ROW("two events", POST "X-GitHub-Event: a\r\nX-GitHub-Event: a\r\n" NONE, 400,
            "doubled_header"),
        ROW("two deliveries", POST "X-GitHub-Delivery: a\r\nx-github-delivery: b\r\n" NONE, 400,
            "doubled_header"),
        ROW("two signatures of GitHub",
            POST "X-Hub-Signature-256: sha256=a\r\nX-Hub-Signature-256: sha256=b\r\n" NONE, 400,
            "doubled_header"),
        ROW("two hooks", POST "X-GitHub-Hook-ID: 1\r\nx-github-hook-id: 2\r\n" NONE, 400,
            "doubled_header"),
        ROW("two cookies", POST "Cookie: a=1\r\nCookie: a=2\r\n" NONE, 400, "doubled_header"),
        ROW("PUT", "PUT /echo HTTP/1.1\r\n" HOST NONE, 405, "method"),
        ROW("CONNECT", "CONNECT /echo HTTP/1.1\r\n" HOST "\r\n", 405, "method"),
        ROW("post", "post /echo HTTP/1.1\r\n" HOST NONE, 405, "method"),
        ROW("an odd method", "BREW /echo HTTP/1.1\r\n" HOST NONE, 405, "method"),
        ROW("absolute URI", "GET http://x/echo HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request_line"),
        ROW("star", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request_line"),
        ROW("space in the URI", "GET /ec ho HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request_line"),
        ROW("two spaces", "GET  /echo HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request_line"),
        ROW("raw bytes in the path", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400,
            "bad_request_line"),
        ROW("HTTP/1.7", "GET /echo HTTP/1.7\r\n" HOST "\r\n", 505, "version"),
    };
    struct house *h = house_open(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t more;
        int fd = dial(h);
        print_message("          %s\n", rows[i].name);
        say(fd, rows[i].text, rows[i].size);
        say_text(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* must not be taken for a request */
        struct answer a = hear(fd);
        assert_int_equal(a.status, rows[i].status);
        hear_body(fd, &a);
        assert_true(closes(fd, &more));
        assert_int_equal(more, 0);
        assert_reason(h, rows[i].reason);
        close(fd);
    }
    assert_int_equal(h->asked, 0);
    house_close(h);
}

static void refuses_large_heads(void **state) {
    static const struct {
        size_t size;
        const char *format;
        int status;
    } rows[] = {
        {15000, "GET /echo HTTP/1.1\r\n" HOST "X-A: %s\r\n\r\n", 200},
        {17000, "GET /echo HTTP/1.1\r\n" HOST "X-A: %s\r\n\r\n", 431},
        {65536, "GET /echo HTTP/1.1\r\n" HOST "X-A: %s\r\n\r\n", 431},
        {8100, "GET /echo?%s HTTP/1.1\r\n" HOST "\r\n", 200},
        {8200, "GET /echo?%s HTTP/1.1\r\n" HOST "\r\n", 414},
        {65536, "GET /echo?%s HTTP/1.1\r\n" HOST "\r\n", 414},
    };
    struct house *h = house_open(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *long_text = sw_malloc(rows[i].size + 1), *request = NULL;
        int fd = dial(h);
        memset(long_text, 'a', rows[i].size);
        long_text[rows[i].size] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        assert_true(asprintf(&request, rows[i].format, long_text) > 0);
#pragma GCC diagnostic pop
        say_text(fd, request);
        int status = hear(fd).status;
        /* A close while bytes are on their way may overtake the answer. */
        if (rows[i].size < 60000 || status != 0) assert_int_equal(status, rows[i].status);
        close(fd);
        free(request);
        free(long_text);
    }
    house_close(h);
}

static void survives_every_changed_byte(void **state) {
    static const char good[] =
        "POST /empty?a=b HTTP/1.1\r\nHost: example.com\r\nX-Slack-Signature: "
        "v0=00\r\nX-Slack-Request-Timestamp: 17\r\nContent-Length: "
        "5\r\nContent-Type: a/b\r\n\r\nhello";
    static const char bytes[] = {0, '\n', '\r', ' ', ':', '\t', '%', '0', (char)0xff};
    struct house *h = house_open(NULL);
    char text[sizeof(good)];
    size_t size = sizeof(good) - 1, taken = 0;
    (void)state;
    for (size_t at = 0; at < size - 5; at++) {
        for (size_t b = 0; b < sizeof(bytes); b++) {
            size_t more, asked = h->asked;
            memcpy(text, good, size);
            text[at] = bytes[b];
            int fd = dial(h);
            say(fd, text, size);
            struct pollfd p = {.fd = fd, .events = POLLIN};
            (void)poll(&p, 1, 20); /* nothing comes where the change made it wait for more */
            shutdown(fd, SHUT_WR);
            if (!closes(fd, &more)) fail_msg("open after byte %zu became %d", at, bytes[b]);
            assert_true(h->asked <= asked + 1);
            if (h->asked > asked && text[at] != good[at]) {
                taken++; /* then nothing but that one byte differs */
                assert_true(strstr(h->seen, "|5|hello|") || strstr(h->seen, "|0||"));
            }
            close(fd);
        }
    }
    assert_true(taken > 100);
    int fd = dial(h);
    assert_int_equal(ask(fd, good).status, 200);
    close(fd);
    house_close(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_ambiguous_and_closes),
        cmocka_unit_test(refuses_large_heads),
        cmocka_unit_test(survives_every_changed_byte),
    };
    zsys_handler_set(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
