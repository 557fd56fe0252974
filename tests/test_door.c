/* test_door.c -- the HTTP door over real sockets: what it answers, bounds and survives. */
#include "tests/house.h"

#include "common/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void tells_the_decider_all_it_needs(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h);
    (void)state;
    struct answer a = ask(fd, "POST /echo?q=%20a&b=%zz HTTP/1.1\r\n" HOST "Content-Type: t/x\r\n"
                              "cookie: c=1\r\nAUTHORIZATION: Basic x\r\nx-slack-signature: v0=s\r\n"
                              "X-Slack-Request-Timestamp: 12\r\nheroku-webhook-hmac-sha256: hh=\r\n"
                              "x-github-event: <e>\r\nX-GitHub-Delivery: <d>\r\n"
                              "X-HUB-SIGNATURE-256: <s>\r\nX-GITHUB-HOOK-ID: <h>\r\n"
                              "Accept: <a>\r\naccept: b\r\n"
                              "Content-Length: 3\r\n\r\na=b");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body,
                        "POST|/echo|q=%20a&b=%zz|3|a=b|t/x|c=1|Basic x|v0=s|12|hh=<e><d><s><h><a>");
    a = ask(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(a.body, "GET|/echo||0|||||||");
    assert_non_null(strstr(a.head, "Content-Type: text/plain"));
    assert_null(strcasestr(a.head, "server:"));
    assert_null(strcasestr(a.head, "chunked"));
    a = ask(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.size, 20);
    a = ask(fd, "POST /empty HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.size, 0);
    assert_non_null(strstr(a.head, "Content-Length: 0\r\n"));
    close(fd);
    house_close(h);
}

static void keeps_a_path_as_it_was_sent(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h);
    (void)state;
    ask(fd, "GET /a%00b/%2e%2e+c? HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(h->seen, "GET|/a%00b/%2e%2e+c||0|||||||");
    close(fd);
    house_close(h);
}

static void answers_pipelined_requests_in_order(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h);
    (void)state;
    say_text(fd, "POST /echo?1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
                 "POST /echo?2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\ncd");
    for (int i = 1; i <= 2; i++) {
        struct answer a = hear(fd);
        hear_body(fd, &a);
        assert_int_equal(a.body[11], '0' + i);
    }
    close(fd);
    house_close(h);
}

static void gathers_a_body_that_comes_in_pieces(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h);
    char head[200], *body = sw_malloc(HOUSE_BODY_MAX);
    (void)state;
    memset(body, 'x', HOUSE_BODY_MAX);
    for (size_t size = HOUSE_BODY_MAX; size > 100; size /= 7) {
        snprintf(head, sizeof(head),
                 "POST /echo HTTP/1.1\r\n" HOST
                 "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
                 size);
        say_text(fd, head);
        assert_int_equal(hear(fd).status, 100);
        say(fd, body, size / 2);
        say(fd, body + size / 2, size - size / 2);
        struct answer a = hear(fd);
        hear_body(fd, &a);
        snprintf(head, sizeof(head), "POST|/echo||%zu|xxx", size);
        assert_memory_equal(a.body, head, strlen(head));
    }
    free(body);
    close(fd);
    house_close(h);
}

static void dresses_pages_against_leaks_and_frames(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h);
    (void)state;
    struct answer a = ask(fd, "GET /page HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(a.head, "Content-Type: text/html"));
    assert_non_null(strstr(a.head, "Set-Cookie: a=b; HttpOnly\r\n"));
    assert_non_null(strstr(a.head, "X-Slipway-Id: 01b\r\n"));
    assert_non_null(strstr(a.head, "Referrer-Policy: no-referrer\r\n"));
    assert_non_null(strstr(a.head, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(a.head, "frame-ancestors 'none'"));
    a = ask(fd, "GET /away HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 302);
    assert_non_null(strstr(a.head, "Location: https://example.com/\r\n"));
    a = ask(fd, "GET /split HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 500);
    assert_null(strstr(a.head, "evil"));
    a = ask(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.size, 400000);
    close(fd);
    house_close(h);
}

static void sees_an_end_that_came_with_the_request(void **state) {
    static const char *const texts[] = {
        "GET /empty HTTP/1.1\r\n" HOST "\r\n",
        POST "Content-Length: 5\r\n\r\nhell",
        "GET /em",
    };
    struct house *h = house_open(NULL);
    size_t answers;
    int fd[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        fd[i] = dial(h);
        say_text(fd[i], texts[i]);
        shutdown(fd[i], SHUT_WR);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(closes(fd[i], &answers));
        assert_int_equal(answers, i == 0);
        close(fd[i]);
    }
    house_close(h);
}

static void answers_later_and_in_any_order(void **state) {
    struct house *h = house_open(NULL);
    int fd[4], other = dial(h);
    (void)state;
    for (int i = 0; i < 4; i++) {
        fd[i] = dial(h);
        say_text(fd[i], "POST /later HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nwait");
        wait_asked(h, (size_t)i + 1);
    }
    assert_int_equal(ask(other, "GET /release HTTP/1.1\r\n" HOST "\r\n").status, 200);
    for (int i = 3; i >= 0; i--) {
        struct answer a = hear(fd[i]);
        hear_body(fd[i], &a);
        assert_string_equal(a.body, "released");
        a = ask(fd[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* and the connection goes on */
        assert_string_equal(a.body, "GET|/echo||0|||||||");
        close(fd[i]);
    }
    close(other);
    house_close(h);
}

static void an_answer_does_not_wait_for_a_tick(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h), other = dial(h);
    int64_t best_ms = 1000;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        say_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
        wait_asked(h, 2 * i + 1);
        int64_t from = zclock_mono();
        assert_int_equal(ask(other, "GET /release HTTP/1.1\r\n" HOST "\r\n").status, 200);
        struct answer a = hear(fd);
        hear_body(fd, &a);
        int64_t spent_ms = zclock_mono() - from;
        if (spent_ms < best_ms) best_ms = spent_ms;
    }
    assert_true(best_ms < 200); /* of five, so that a busy machine passes */
    close(fd);
    close(other);
    house_close(h);
}

static void answering_a_peer_that_is_gone_is_safe(void **state) {
    struct house *h = house_open(NULL);
    int other = dial(h);
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        int fd = dial(h);
        say_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
        wait_asked(h, i + 1);
        if (i % 2) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close(fd);
    }
    assert_int_equal(ask(other, "GET /release HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_int_equal(ask(other, "GET /empty HTTP/1.1\r\n" HOST "\r\n").status, 200);
    close(other);
    house_close(h);
}

static void a_closing_door_says_so_to_those_who_wait(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h), silent = dial(h);
    (void)state;
    say_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    wait_asked(h, 1);
    house_close(h); /* answers it once more, after the door is gone */
    assert_int_equal(hear(fd).status, 503);
    assert_true(is_closed(silent));
    close(fd);
    close(silent);
}

static void drains_without_new_connections(void **state) {
    struct house *h = house_open(NULL);
    int fd = dial(h), idle = dial(h), other = dial(h);
    unsigned port = sw_door_port(h->door);
    (void)state;
    assert_int_equal(ask(idle, "GET /empty HTTP/1.1\r\n" HOST "\r\n").status, 200);
    say_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    wait_asked(h, 2);
    struct answer a = ask(other, "GET /quiesce HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.head, "Connection: close"));
    assert_true(is_closed(other));
    assert_int_equal(dial_port(port), -1);
    a = ask(idle, "GET /release HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(a.head, "Connection: close"));
    a = hear(fd);
    hear_body(fd, &a);
    assert_string_equal(a.body, "released");
    assert_true(is_closed(fd));
    close(fd);
    close(idle);
    close(other);
    house_close(h);
}

/* Sends one byte whenever nothing comes back for a while; true when the peer gave up in time. */
static bool trickle(int fd, const char *text, int64_t least_ms, int64_t most_ms) {
    int64_t from = zclock_mono();
    for (;; text++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (*text && send(fd, text, 1, MSG_NOSIGNAL) < 0) break;
        if (!*text) text--;
        if (poll(&p, 1, 100) == 1) break;
        if (zclock_mono() - from > most_ms) return false;
    }
    int64_t spent = zclock_mono() - from;
    return is_closed(fd) && spent >= least_ms;
}

static void gives_up_on_silence_and_on_trickles(void **state) {
    const struct sw_door_limits limits = {
        .body_bytes = HOUSE_BODY_MAX, .connections = 10, .idle_s = 1, .request_s = 1};
    static const char *const slow[] = {
        "G",                                        /* never says a whole line */
        "GET /echo HTTP/1.1\r\nX: aaaaaaaaaaaaaaa", /* never ends its head */
    };
    struct house *h = house_open(&limits);
    (void)state;
    int fd = dial(h);
    assert_true(is_closed(fd)); /* silence */
    close(fd);
    for (size_t i = 0; i < 2; i++) {
        char text[400];
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        memcpy(text, slow[i], strlen(slow[i]));
        fd = dial(h);
        if (i) say_text(fd, "GET /echo HTTP/1.1\r\n");
        assert_true(trickle(fd, i ? text + 20 : text, 500, 6000));
        close(fd);
    }
    assert_reason(h, "slow");
    fd = dial(h);
    say_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5000\r\n\r\n");
    assert_true(trickle(fd, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                        500, 6000));
    close(fd);
    assert_int_equal(h->asked, 0);
    house_close(h);
}

/* Says the head of a request to `path` whose body has `size` bytes. */
static int begin(struct house *h, const char *path, size_t size) {
    char head[200];
    int fd = dial(h);
    snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", path,
             size);
    say_text(fd, head);
    return fd;
}

/* Sends so many bytes, or as many as are taken. */
static void pour(int fd, size_t size) {
    static char block[65536];
    while (size > 0) {
        ssize_t n = send(fd, block, size < sizeof(block) ? size : sizeof(block), MSG_NOSIGNAL);
        if (n <= 0) return;
        size -= (size_t)n;
    }
}

static void only_the_named_paths_take_more(void **state) {
    static const struct sw_door_path paths[] = {{"/echo", 200000}, {NULL, 0}};
    const struct sw_door_limits limits = {
        .body_bytes = 1000, .paths = paths, .connections = 10, .idle_s = 20};
    static const struct {
        const char *path;
        size_t size;
        int status;
    } rows[] = {{"/echo", 200000, 200},  {"/echo?x=1", 1001, 200}, {"/echo", 200001, 413},
                {"/echoes", 1000, 200},  {"/echoes", 1001, 413},   {"/ech", 1001, 413},
                {"/x?/echo", 1001, 413}, {"/echo/", 1001, 413}};
    struct house *h = house_open(&limits);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = begin(h, rows[i].path, rows[i].size);
        if (rows[i].status == 200) pour(fd, rows[i].size); /* 413 comes before any of it */
        assert_int_equal(hear(fd).status, rows[i].status);
        close(fd);
    }
    house_close(h);
}

static void large_bodies_leave_room_for_small_ones(void **state) {
    const size_t mib = 1024 * 1024;
    const struct sw_door_path paths[] = {{"/large", 60 * mib}, {NULL, 0}};
    const struct sw_door_limits limits = {
        .body_bytes = HOUSE_BODY_MAX, .paths = paths, .connections = 10, .idle_s = 20};
    struct house *h = house_open(&limits);
    (void)state;
    int a = begin(h, "/large", 60 * mib), b = begin(h, "/large", 60 * mib);
    pour(a, 59 * mib);
    pour(b, 59 * mib);
    assert_reason(h, "no_room");
    int c = begin(h, "/echo", HOUSE_BODY_MAX);
    pour(c, HOUSE_BODY_MAX);
    assert_int_equal(hear(c).status, 200);
    pour(a, mib);
    assert_int_equal(hear(a).status, 200);
    close(a);
    close(b);
    b = begin(h, "/large", 60 * mib); /* all was given back */
    pour(b, 60 * mib);
    assert_int_equal(hear(b).status, 200);
    close(b);
    close(c);
    house_close(h);
}

static void serves_no_more_connections_than_allowed(void **state) {
    const struct sw_door_limits limits = {.body_bytes = 10, .connections = 2, .idle_s = 20};
    struct house *h = house_open(&limits);
    int a = dial(h), b = dial(h);
    (void)state;
    assert_int_equal(ask(a, "GET /empty HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_int_equal(ask(b, "GET /empty HTTP/1.1\r\n" HOST "\r\n").status, 200);
    int c = dial(h); /* waits in the kernel */
    struct pollfd p = {.fd = c, .events = POLLIN};
    say_text(c, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(poll(&p, 1, 100), 0);
    assert_int_equal(h->asked, 2);
    close(a);
    assert_int_equal(hear(c).status, 200);
    close(b);
    close(c);
    house_close(h);
}

static void never(void *arg, struct sw_waiting *waiting, const struct sw_request *request) {
    (void)arg;
    (void)waiting;
    (void)request;
}

static void an_address_must_be_one_and_free(void **state) {
    static const char *const bad[] = {
        "",       "127.0.0.1",    "127.0.0.1:",       "127.0.0.1:x",
        "::1:80", "127.0.0.1:-1", "127.0.0.1:100000", "no such host:1"};
    const struct sw_door_limits limits = {.body_bytes = 10, .connections = 2, .idle_s = 20};
    struct house *h = house_open(NULL);
    zloop_t *loop = zloop_new();
    struct sw_door *door = NULL;
    char taken[64];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sw_door_create(loop, bad[i], &limits, never, NULL, NULL, &door), -EINVAL);
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", sw_door_port(h->door));
    assert_int_equal(sw_door_create(loop, taken, &limits, never, NULL, NULL, &door), -EADDRINUSE);
    assert_null(door);
    if (sw_door_create(loop, "[::1]:0", &limits, never, NULL, NULL, &door) == 0) {
        assert_true(sw_door_port(door) > 0);
        sw_door_destroy(door);
    }
    zloop_destroy(&loop);
    house_close(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_decider_all_it_needs),
        cmocka_unit_test(keeps_a_path_as_it_was_sent),
        cmocka_unit_test(answers_pipelined_requests_in_order),
        cmocka_unit_test(gathers_a_body_that_comes_in_pieces),
        cmocka_unit_test(dresses_pages_against_leaks_and_frames),
        cmocka_unit_test(sees_an_end_that_came_with_the_request),
        cmocka_unit_test(answers_later_and_in_any_order),
        cmocka_unit_test(an_answer_does_not_wait_for_a_tick),
        cmocka_unit_test(answering_a_peer_that_is_gone_is_safe),
        cmocka_unit_test(a_closing_door_says_so_to_those_who_wait),
        cmocka_unit_test(drains_without_new_connections),
        cmocka_unit_test(gives_up_on_silence_and_on_trickles),
        cmocka_unit_test(only_the_named_paths_take_more),
        cmocka_unit_test(large_bodies_leave_room_for_small_ones),
        cmocka_unit_test(serves_no_more_connections_than_allowed),
        cmocka_unit_test(an_address_must_be_one_and_free),
    };
    zsys_handler_set(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
