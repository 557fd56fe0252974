/* test_wire_curve.c -- I30: who is let in on the wire between machines, who is not, and what each may say. */
#include "wire_world.h"

#include <errno.h>
#include <sodium.h>

static void roles_hear_each_other_and_know_who_speaks(void **state) {
    struct world w;
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *executor = party(&w, "executor");
    struct party *ingress = party(&w, "ingress");
    tell_until_heard(&w, auth, executor, "one");
    tell_until_heard(&w, executor, auth, "two");
    tell_until_heard(&w, ingress, auth, "three");
    tell_until_heard(&w, auth, auth, "itself");
    sw_wire_entry(auth->wire, sw_wire_endpoint(executor->wire), "executor:bulk", 1, 0, 2, 3, "e",
                  1);
    UNTIL(&w, executor->entries == 1);
    assert_string_equal(executor->from, "auth");
    world_close(&w);
}

static void only_its_own_role_hands_a_shard(void **state) {
    struct world w;
    (void)state;
    world_open(&w, false);
    struct party *one = party(&w, "auth"), *other = party(&w, "auth");
    struct party *parser = party(&w, "parser");
    sw_wire_hand(one->wire, sw_wire_endpoint(other->wire), 7);
    UNTIL(&w, other->hands == 1);
    /* "H" of parser: its wire would not send it. */
    struct stranger s = stranger_open(ZMQ_DEALER);
    stranger_curve(&s, sw_curve_public(sw_wire_curve(other->wire)),
                   sw_curve_public(sw_wire_curve(parser->wire)),
                   sw_curve_secret(sw_wire_curve(parser->wire)));
    SW_AUTO(sw_text) char *at = place(other);
    zmq_connect(s.socket, at);
    zmq_send(s.socket, "H", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    zmq_send(s.socket, "\7", 1, ZMQ_DONTWAIT);
    UNTIL(&w, refused("frames") == 1);
    assert_int_equal(other->hands, 1);
    stranger_close(&s);
    world_close(&w);
}

static void an_unknown_key_is_not_let_in(void **state) {
    struct world w;
    uint8_t public[32], secret[32];
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    struct stranger s = stranger_open(ZMQ_DEALER);
    crypto_box_keypair(public, secret);
    stranger_curve(&s, sw_curve_public(sw_wire_curve(auth->wire)), public, secret);
    stranger_connect(&s, auth);
    UNTIL(&w, refused("key") > 0);
    UNTIL(&w, stranger_met(&s, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED));
    tell_until_heard(&w, parser, auth, "good");
    assert_int_equal(auth->strange, 0);
    stranger_close(&s);
    world_close(&w);
}

/* NULL, PLAIN, and what spoke before there were mechanisms. */
static void who_has_no_key_is_not_let_in(void **state) {
    static const char old[] = "\x01\x00\x02\x00T\x02\x00x";
    static const char second[] = "\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0\0\1T\0\1x";
    struct world w;
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    for (int plain = 0; plain < 2; plain++) {
        struct stranger s = stranger_open(ZMQ_DEALER);
        if (plain) {
            zmq_setsockopt(s.socket, ZMQ_PLAIN_USERNAME, "auth", 4);
            zmq_setsockopt(s.socket, ZMQ_PLAIN_PASSWORD, "x", 1);
        }
        int64_t before = failed();
        stranger_connect(&s, auth);
        UNTIL(&w, failed() > before);
        stranger_close(&s);
    }
    int fd = dial(auth);
    say(fd, old, sizeof(old) - 1);
    UNTIL(&w, is_ended(fd));
    close(fd);
    fd = dial(auth);
    say(fd, second, sizeof(second) - 1);
    UNTIL(&w, is_ended(fd));
    close(fd);
    tell_until_heard(&w, parser, auth, "good");
    assert_int_equal(auth->strange, 0);
    world_close(&w);
}

static void change(struct world *w, int (*how)(const char *, const char *, char *, char *, size_t),
                   const char *name, char id[9]) {
    char error[512];
    if (how(w->dir, name, id, error, sizeof(error)) < 0) fail_msg("%s", error);
    for (unsigned i = 0; i < w->parties; i++)
        assert_int_equal(sw_wire_reload(w->party[i].wire, error, sizeof(error)), 0);
}

static void retire(struct world *w, const char *name, const char *id) {
    char error[512];
    if (sw_ring_retire(w->dir, name, id, error, sizeof(error)) < 0) fail_msg("%s", error);
    for (unsigned i = 0; i < w->parties; i++)
        assert_int_equal(sw_wire_reload(w->party[i].wire, error, sizeof(error)), 0);
}

static void two_keys_are_valid_until_the_old_one_is_retired(void **state) {
    struct world w;
    char next[9], old[9];
    (void)state;
    world_open(&w, false);
    struct party *executor = party(&w, "executor"), *before = party(&w, "auth");
    snprintf(old, sizeof(old), "%s", sw_curve_id(sw_wire_curve(before->wire)));
    change(&w, sw_ring_add, "curve-auth", next);
    struct party *between = party(&w, "auth"); /* an added key is not in use yet */
    assert_string_equal(sw_curve_id(sw_wire_curve(between->wire)), old);
    change(&w, sw_ring_rotate, "curve-auth", next);
    struct party *after = party(&w, "auth");
    assert_string_equal(sw_curve_id(sw_wire_curve(after->wire)), next);
    tell_until_heard(&w, before, executor, "old");
    tell_until_heard(&w, after, executor, "new");
    tell_until_heard(&w, executor, before, "to old");
    tell_until_heard(&w, executor, after, "to new");
    tell_until_heard(&w, before, after, "old to new");
    tell_until_heard(&w, after, before, "new to old");
    assert_int_equal(refused("retired") + refused("key") + refused("server_key"), 0);

    retire(&w, "curve-auth", old);
    assert_false(sw_curve_current(sw_wire_curve(before->wire)));
    tell(before, executor, "too late"); /* by the connection that it has */
    UNTIL(&w, refused("retired") == 1);
    tell_until_heard(&w, after, executor, "still");
    int64_t skipped = sw_metric_value(SW_M_WIRE_SKIPPED);
    tell(executor, before, "to nobody");
    assert_int_equal(sw_metric_value(SW_M_WIRE_SKIPPED), skipped + 1);
    assert_int_equal(refused("server_key"), 1);
    world_close(&w);
}

/* Its files come a little later than those of the one who is told. */
static void who_was_refused_once_is_let_in_when_its_key_is_known(void **state) {
    struct world w;
    char next[9], error[512];
    (void)state;
    world_open(&w, false);
    struct party *executor = party(&w, "executor");
    assert_int_equal(sw_ring_add(w.dir, "curve-auth", next, error, sizeof(error)), 0);
    assert_int_equal(sw_ring_rotate(w.dir, "curve-auth", next, error, sizeof(error)), 0);
    struct party *auth = party(&w, "auth");
    UNTIL(&w, (tell(auth, executor, "who?"), refused("key") > 0));
    assert_int_equal(sw_wire_reload(executor->wire, error, sizeof(error)), 0);
    tell_until_heard(&w, auth, executor, "now");
    world_close(&w);
}

static void send_to(struct party *from, const char *endpoint, const char *role) {
    sw_wire_tell(from->wire, endpoint, role, "secret", 6);
}

static void whoever_has_not_the_key_of_the_role_is_not_spoken_to(void **state) {
    struct world w;
    uint8_t public[32], secret[32];
    char place_of[64] = "";
    size_t size = sizeof(place_of);
    int on = 1;
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *executor = party(&w, "executor");
    const char *id = sw_curve_id(sw_wire_curve(executor->wire));
    const char *own = sw_curve_id(sw_wire_curve(auth->wire));
    /* In the middle: it has the address, not the key. */
    struct stranger s = stranger_open(ZMQ_ROUTER);
    crypto_box_keypair(public, secret);
    zmq_setsockopt(s.socket, ZMQ_CURVE_SERVER, &on, sizeof(on));
    zmq_setsockopt(s.socket, ZMQ_CURVE_SECRETKEY, secret, 32);
    assert_int_equal(zmq_bind(s.socket, TCP), 0);
    zmq_getsockopt(s.socket, ZMQ_LAST_ENDPOINT, place_of, &size);
    SW_AUTO(sw_text) char *middle = sw_printf("%s#%s.x", place_of, id);
    send_to(auth, middle, "executor");
    UNTIL(&w, stranger_met(&s, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL));
    char byte;
    assert_int_equal(zmq_recv(s.socket, &byte, 1, ZMQ_DONTWAIT), -1);
    stranger_close(&s);
    /* What an endpoint in Redis may also say. */
    int64_t skipped = sw_metric_value(SW_M_WIRE_SKIPPED);
    SW_AUTO(sw_text) char *unknown = sw_printf("%s#00000000.x", place_of);
    SW_AUTO(sw_text) char *none = sw_printf("%s#.x", place_of);
    SW_AUTO(sw_text) char *named = sw_printf("tcp://localhost:1#%s.x", id);
    SW_AUTO(sw_text) char *two = sw_printf("tcp://127.0.0.1:1;127.0.0.1:2#%s.x", id);
    SW_AUTO(sw_text) char *role = sw_printf("%s#%s.x", place_of, own);
    const char *const bad[] = {unknown,           none,     named, two, role, "ipc:///tmp/x.sock",
                               "tcp://127.0.0.1", place_of, "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        send_to(auth, bad[i], "executor");
    assert_int_equal(sw_metric_value(SW_M_WIRE_SKIPPED),
                     skipped + (int)(sizeof(bad) / sizeof(*bad)));
    /* One that is spoken to as executor is not spoken to as auth. */
    tell_until_heard(&w, auth, executor, "good");
    int64_t before = refused("server_key");
    send_to(auth, sw_wire_endpoint(executor->wire), "auth");
    assert_int_equal(refused("server_key"), before + 1);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_hear_each_other_and_know_who_speaks),
        cmocka_unit_test(only_its_own_role_hands_a_shard),
        cmocka_unit_test(an_unknown_key_is_not_let_in),
        cmocka_unit_test(who_has_no_key_is_not_let_in),
        cmocka_unit_test(two_keys_are_valid_until_the_old_one_is_retired),
        cmocka_unit_test(who_was_refused_once_is_let_in_when_its_key_is_known),
        cmocka_unit_test(whoever_has_not_the_key_of_the_role_is_not_spoken_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
