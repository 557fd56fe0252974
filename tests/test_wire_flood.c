/* test_wire_flood.c -- what a stranger, and a role gone bad, may throw at the wire between machines: nothing stops, nothing crashes. */
#include "common/wire_priv.h"
#include "dice.h"
#include "wire_world.h"

#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define BAD_HANDSHAKES 1000
#define AT_ONCE 50
#define FILES 400 /* that may be open; half of them as connections */
#define MESSAGES 2000

static const char greeting[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
#define GREETING 64

static void dice_begin(void) {
    uint64_t seed = 0;
    while (seed == 0)
        randombytes_buf(&seed, sizeof(seed));
    printf("seed %llu\n", (unsigned long long)seed);
    dice_seed(seed);
}

/* HELLO of a client that does not know the server's key, or rubbish. */
static void bad_handshake(int fd, int n) {
    uint8_t hello[202] = {4, 200, 5, 'H', 'E', 'L', 'L', 'O', 1, 0};
    if (n % 4 == 0) return; /* says nothing, and hangs up */
    say(fd, greeting, n % 4 == 1 ? (size_t)below(GREETING) : GREETING);
    for (size_t i = n % 4 == 2 ? 10 : 0; i < sizeof(hello); i++)
        hello[i] = (uint8_t)below(256);
    if (n % 4 > 1) say(fd, hello, sizeof(hello));
}

static void a_thousand_bad_handshakes_stop_nobody(void **state) {
    struct world w;
    dice_begin();
    int fd[AT_ONCE];
    uint8_t public[32], secret[32];
    char text[16];
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    tell_until_heard(&w, parser, auth, "before");
    for (int n = 0; n < BAD_HANDSHAKES; n += AT_ONCE) {
        struct stranger s = stranger_open(ZMQ_DEALER);
        crypto_box_keypair(public, secret);
        stranger_curve(&s, sw_curve_public(sw_wire_curve(auth->wire)), public, secret);
        stranger_connect(&s, auth);
        for (int i = 0; i < AT_ONCE; i++)
            bad_handshake(fd[i] = dial(auth), i);
        snprintf(text, sizeof(text), "good %d", n);
        tell(parser, auth, text); /* once: by the connection that it has nothing is lost */
        UNTIL(&w, !strcmp(auth->last, text));
        UNTIL(&w, refused("key") >= n / AT_ONCE + 1);
        for (int i = 0; i < AT_ONCE; i++)
            close(fd[i]);
        stranger_close(&s);
    }
    struct party *executor = party(&w, "executor"); /* who comes now is served as well */
    tell_until_heard(&w, executor, auth, "after");
    UNTIL(&w, failed() >= BAD_HANDSHAKES / 2);
    UNTIL(&w, auth->wire->connections == 2); /* all others were counted out again */
    assert_int_equal(auth->strange, 0);
    world_close(&w);
}

/* Calls and says nothing, in a process of its own, whose files are not ours; until it is told to end. */
static void call_and_wait(const struct party *p, int calls, int end) {
    char byte;
    for (int i = 0; i < calls; i++)
        (void)dial_soon(p);
    (void)!read(end, &byte, 1);
    _exit(0);
}

static void beyond_a_number_of_connections_nobody_new_is_let_in(void **state) {
    struct rlimit files, few;
    struct world w;
    int end[2];
    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    few = files;
    few.rlim_cur = FILES;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    tell_until_heard(&w, parser, auth, "before");
    assert_int_equal(pipe(end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(end[1]);
        call_and_wait(auth, FILES * 3 / 2, end[0]);
    }
    setrlimit(RLIMIT_NOFILE, &few);
    UNTIL(&w, refused("connections") > 0);
    tell(parser, auth, "connected already");
    UNTIL(&w, !strcmp(auth->last, "connected already"));
    assert_in_range(auth->wire->connections, FILES / 4, FILES * 3 / 4);
    close(end[0]);
    close(end[1]);
    waitpid(pid, NULL, 0);
    struct party *executor = party(&w, "executor");
    tell_until_heard(&w, executor, auth, "after");
    assert_false(auth->wire->paused);
    setrlimit(RLIMIT_NOFILE, &files);
    world_close(&w);
}

static void throw_frames(void *socket) {
    static const char tags[] = "LTHLTHX";
    uint8_t bytes[300];
    unsigned frames = 1 + below(6);
    for (unsigned i = 0; i < frames; i++) {
        size_t size = below(4) ? below(64) : below(sizeof(bytes));
        for (size_t j = 0; j < size; j++)
            bytes[j] = (uint8_t)below(256);
        if (i == 0 && below(8)) bytes[0] = (uint8_t)tags[below(7)], size = 1;
        if (i == 1 && below(2)) size = below(2) ? 20 : 1;
        zmq_send(socket, bytes, size, i + 1 < frames ? ZMQ_SNDMORE : 0);
    }
}

/* What the bytes say is judged behind the wire; here they must not break it. */
static void throw_all(struct world *w, struct party *target, struct stranger *s) {
    dice_begin();
    SW_AUTO(sw_text) char *at = place(target);
    assert_int_equal(zmq_connect(s->socket, at), 0);
    for (int n = 0; n < MESSAGES; n++) {
        throw_frames(s->socket);
        if (n % 100 == 0) turn(w);
    }
    zmq_send(s->socket, "T", 1, ZMQ_SNDMORE);
    zmq_send(s->socket, "end", 3, 0);
    UNTIL(w, !strcmp(target->last, "end"));
    assert_true(refused("frames") > MESSAGES / 4);
}

static void frames_of_any_shape_are_read(void **state) {
    struct world w;
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        world_open(&w, plain);
        struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
        struct stranger s = stranger_open(ZMQ_DEALER);
        if (!plain)
            stranger_curve(&s, sw_curve_public(sw_wire_curve(auth->wire)),
                           sw_curve_public(sw_wire_curve(parser->wire)),
                           sw_curve_secret(sw_wire_curve(parser->wire)));
        throw_all(&w, auth, &s);
        tell_until_heard(&w, parser, auth, "good");
        stranger_close(&s);
        world_close(&w);
    }
}

/* More than any envelope: the connection ends, before the bytes are taken in. */
static void a_message_beyond_the_limit_ends_its_connection(void **state) {
    struct world w;
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    struct stranger s = stranger_open(ZMQ_DEALER);
    SW_AUTO(sw_text) char *at = place(auth), *large = sw_zalloc(1024 * 1024);
    stranger_curve(&s, sw_curve_public(sw_wire_curve(auth->wire)),
                   sw_curve_public(sw_wire_curve(parser->wire)),
                   sw_curve_secret(sw_wire_curve(parser->wire)));
    zmq_connect(s.socket, at);
    zmq_send(s.socket, "T", 1, ZMQ_SNDMORE);
    zmq_send(s.socket, large, 1024 * 1024, 0);
    UNTIL(&w, stranger_met(&s, ZMQ_EVENT_DISCONNECTED));
    tell_until_heard(&w, parser, auth, "good");
    stranger_close(&s);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_bad_handshakes_stop_nobody),
        cmocka_unit_test(beyond_a_number_of_connections_nobody_new_is_let_in),
        cmocka_unit_test(frames_of_any_shape_are_read),
        cmocka_unit_test(a_message_beyond_the_limit_ends_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
