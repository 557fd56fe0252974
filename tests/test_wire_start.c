/* test_wire_start.c -- SLIPWAY_WIRE: what it may say, and what a process without the right keys refuses to start with. */
#include "wire_world.h"

static void expect_refused(struct world *w, const char *setting, const char *why) {
    char error[512] = "";
    int r = party_try(w, "auth", setting, error, sizeof(error));
    if (r >= 0) fail_msg("%s is taken", setting);
    if (!strstr(error, why)) fail_msg("%s: \"%s\" does not say \"%s\"", setting, error, why);
    assert_null(strchr(error, '\n'));
}

static void without_keys_only_this_machine_is_spoken_to(void **state) {
    struct world w;
    (void)state;
    world_open(&w, true);
    expect_refused(&w, "tcp://192.0.2.1:7400", "`slipway keys curve` makes them");
    expect_refused(&w, "tcp://[2001:db8::1]:0", "`slipway keys curve` makes them");
    expect_refused(&w, "tcp://[::ffff:127.0.0.1]:0", "`slipway keys curve` makes them");
    expect_refused(&w, "tcp://128.0.0.1:0", "`slipway keys curve` makes them");
    struct party *auth = party(&w, "auth"), *parser = party_at(&w, "parser", "tcp://127.9.9.9:0");
    assert_null(sw_wire_curve(auth->wire));
    assert_non_null(strstr(sw_wire_endpoint(parser->wire), "tcp://127.9.9.9:"));
    tell_until_heard(&w, parser, auth, "plain");
    sw_wire_hand(auth->wire, sw_wire_endpoint(parser->wire), 1);
    UNTIL(&w, parser->hands == 1);
    /* Nor to anybody else, whatever Redis says. */
    int64_t skipped = sw_metric_value(SW_M_WIRE_SKIPPED);
    sw_wire_tell(auth->wire, "tcp://192.0.2.1:7400#.x", "parser", "x", 1);
    sw_wire_tell(auth->wire, "tcp://127.0.0.1:7400#00000000.x", "parser", "x", 1);
    sw_wire_tell(auth->wire, "ipc:///tmp/x", "parser", "x", 1);
    assert_int_equal(sw_metric_value(SW_M_WIRE_SKIPPED), skipped + 3);
    world_close(&w);
}

static void an_address_that_is_none_is_refused(void **state) {
    static const char *const bad[] = {"",
                                      "tcp",
                                      "tcp://",
                                      "tcp://x:1",
                                      "tcp://localhost:7400",
                                      "tcp://127.0.0.1",
                                      "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1:x",
                                      "tcp://127.0.0.1:65536",
                                      "tcp://127.0.0.1:123456",
                                      "tcp://127.0.0.1:1x",
                                      "tcp://127.0.0.1:-1",
                                      "tcp://*:1",
                                      "tcp://::1",
                                      "tcp://[::1]",
                                      "tcp://[::1]1",
                                      "tcp://[::1:1",
                                      "tcp://fd00::g:1",
                                      "tcp://[127.0.0.1]:1",
                                      "ipc://x",
                                      "udp://127.0.0.1:1",
                                      "tcp://127.0.0.1:1;127.0.0.1:2"};
    struct world w;
    (void)state;
    world_open(&w, false);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_refused(&w, bad[i], "must be ipc, or tcp://ADDRESS:PORT");
    expect_refused(&w, "tcp://0.0.0.0:7400", "means all of them");
    expect_refused(&w, "tcp://[::]:7400", "means all of them");
    expect_refused(&w, "tcp://[::ffff:0.0.0.0]:7400", "means all of them");
    expect_refused(&w, "tcp://192.0.2.1:7400",
                   "SLIPWAY_WIRE tcp://192.0.2.1:7400: "); /* not here */
    struct party *auth = party(&w, "auth");
    SW_AUTO(sw_text) char *taken = place(auth);
    expect_refused(&w, taken, "in use");
    world_close(&w);
}

static void an_address_of_version_six_is_spoken_to(void **state) {
    struct world w;
    char error[512];
    (void)state;
    world_open(&w, false);
    struct party *auth = &w.party[0];
    if (party_try(&w, "auth", "tcp://[::1]:0", error, sizeof(error)) < 0) {
        world_close(&w);
        skip(); /* this machine has none */
    }
    w.parties = 1;
    SW_AUTO(sw_text)
    char *taken = place(auth), *bare = sw_printf("tcp://::1%s", strrchr(taken, ':'));
    expect_refused(&w, bare, "in use"); /* a pod's address comes without brackets */
    assert_memory_equal(sw_wire_endpoint(auth->wire), "tcp://[::1]:", 12);
    struct party *parser = party(&w, "parser");
    tell_until_heard(&w, parser, auth, "six");
    tell_until_heard(&w, auth, parser, "four");
    world_close(&w);
}

static void who_has_some_keys_needs_all_that_belong(void **state) {
    struct world w;
    char pub[KEYS_TEXT_BYTES], other[KEYS_TEXT_BYTES];
    (void)state;
    world_open(&w, false);
    assert_int_equal(keys_read(w.dir, "curve-auth.pub", pub), 0);
    assert_int_equal(keys_read(w.dir, "curve-parser.pub", other), 0);
    /* Also on loopback: nobody goes on without keys because one got lost. */
    unlink(keys_path(w.dir, "curve-parser.pub"));
    expect_refused(&w, TCP, "curve-parser.pub: No such file");
    keys_write(w.dir, "curve-parser.pub", pub);
    expect_refused(&w, TCP, "hold the same key");
    keys_write(w.dir, "curve-parser.pub", other);
    keys_write(w.dir, "curve-auth.pub", "garbage\n");
    expect_refused(&w, TCP, "curve-auth.pub: line 1: not a key");
    SW_AUTO(sw_text) char *foreign = sw_printf("%064d\n", 9);
    keys_write(w.dir, "curve-auth.pub", foreign);
    expect_refused(&w, TCP, "does not hold key");
    keys_write(w.dir, "curve-auth.pub", pub);
    unlink(keys_path(w.dir, "curve-auth.key"));
    expect_refused(&w, TCP, "curve-auth.key: No such file");
    world_close(&w);
}

static void files_that_are_wrong_change_nothing(void **state) {
    struct world w;
    char error[512];
    (void)state;
    world_open(&w, false);
    struct party *auth = party(&w, "auth"), *parser = party(&w, "parser");
    keys_write(w.dir, "curve-parser.pub", "");
    assert_int_equal(sw_wire_reload(auth->wire, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, "curve-parser.pub"));
    tell_until_heard(&w, parser, auth, "as before");
    world_close(&w);
}

/* A rolling change from one to the other: nothing goes by wire between them, and all of it by Redis. */
static void another_kind_of_wire_is_passed_by(void **state) {
    struct world w;
    (void)state;
    world_open(&w, false);
    struct party *ipc = party_at(&w, "auth", "ipc"), *tcp = party(&w, "parser");
    struct party *same = party_at(&w, "parser", "ipc");
    tell(ipc, tcp, "x");
    tell(tcp, ipc, "x");
    assert_int_equal(sw_metric_value(SW_M_WIRE_SKIPPED), 2);
    tell_until_heard(&w, same, ipc, "as ever");
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_keys_only_this_machine_is_spoken_to),
        cmocka_unit_test(an_address_that_is_none_is_refused),
        cmocka_unit_test(an_address_of_version_six_is_spoken_to),
        cmocka_unit_test(who_has_some_keys_needs_all_that_belong),
        cmocka_unit_test(files_that_are_wrong_change_nothing),
        cmocka_unit_test(another_kind_of_wire_is_passed_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
