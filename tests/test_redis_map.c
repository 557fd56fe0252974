/* Which Redis holds which shard: what SLIPWAY_REDIS may be, and what is said of what it may not. */
#include "common/redis_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const struct {
    const char *text, *error; /* NULL: it is right */
} rows[] = {
    {"127.0.0.1:6379", NULL},
    {"redis.internal:6379", NULL},
    {"[::1]:6379", NULL},
    {"/run/redis.sock", NULL},
    {"/odd=path/redis.sock", NULL},
    {"sentinel://main@a:26379,b:26379,[::1]:26379", NULL},
    {"0-31=a:1 32-63=b:2", NULL},
    {"32-63=b:2 0-31=a:1", NULL},
    {"  0-31=a:1   32-63=/run/b.sock ", NULL},
    {"0=a:1 1-62=sentinel://main@c:1,d:2 63=b:2", NULL},
    {"0-63=a:1", NULL},
    {"", "\"\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"localhost", "\"localhost\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"localhost:0", "\"localhost:0\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"localhost:70000",
     "\"localhost:70000\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"user:secret@host:6379", "\"...\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"0-30=a:1 32-63=b:2", "shard 31 has no address"},
    {"0-9=a:1 32-63=b:2", "the shards 10 to 31 have no address"},
    {"0-31=a:1", "the shards 32 to 63 have no address"},
    {"0-32=a:1 32-63=b:2", "shard 32 has two addresses"},
    {"0-31=a:1 32-64=b:2", "\"32-64\" is not a range of shards from 0 to 63"},
    {"31-0=a:1 32-63=b:2", "\"31-0\" is not a range of shards from 0 to 63"},
    {"0-=a:1 32-63=b:2", "\"0-\" is not a range of shards from 0 to 63"},
    {"0-31=a:1 b:2", "\"b:2\" is not SHARDS=ADDRESS, like 0-31=host:port"},
    {"0-31=a:1 32-63=", "\"32-63=\" is not SHARDS=ADDRESS, like 0-31=host:port"},
    {"0-31=a:1 32-63=b", "\"b\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"sentinel://a:26379", "\"sentinel://a:26379\" is not sentinel://NAME@host:port,host:port"},
    {"sentinel://main@", "\"\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"sentinel://main@a:1,", "\"\" is not host:port (IPv6 in brackets), port from 1 to 65535"},
    {"sentinel://main@a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9", "more than 8 sentinels"},
    {"0=a:1 1=a:1 2=a:1 3=a:1 4=a:1 5=a:1 6=a:1 7=a:1 8=a:1 9=a:1 10=a:1 11=a:1 12=a:1 13=a:1 "
     "14=a:1 15=a:1 16-63=a:1",
     "more than 16 addresses"},
};

static void what_is_wrong_with_an_address_is_said(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_redis_map map;
        char error[256] = "";
        int r = sw_redis_map_parse(rows[i].text, &map, error, sizeof(error));
        if ((r == 0) != !rows[i].error || (rows[i].error && strcmp(error, rows[i].error) != 0))
            fail_msg("%s: %d %s", rows[i].text, r, error);
    }
}

static void each_shard_has_the_address_of_its_range(void **state) {
    (void)state;
    struct sw_redis_map map;
    char error[256];
    assert_int_equal(
        sw_redis_map_parse("0-9=sentinel://m@x:1,y:2 10=[::1]:3 11-63=/s", &map, error, 256), 0);
    assert_int_equal(map.count, 3);
    for (unsigned i = 0; i < SW_REDIS_SHARDS; i++)
        assert_int_equal(map.of[i], i < 10 ? 0 : i == 10 ? 1 : 2);
    assert_string_equal(map.address[0].master, "m");
    assert_int_equal(map.address[0].hosts, 2);
    assert_string_equal(map.address[0].host[1], "y:2");
    assert_string_equal(map.address[2].host[0], "/s");
}

static void a_host_is_told_from_a_path(void **state) {
    (void)state;
    char host[SW_REDIS_HOST];
    int port = 0;
    assert_true(sw_redis_host_split("[::1]:3", host, &port));
    assert_string_equal(host, "::1");
    assert_int_equal(port, 3);
    assert_true(sw_redis_host_split("a.b:6379", host, &port));
    assert_string_equal(host, "a.b");
    assert_false(sw_redis_host_split("/run/a:3", host, &port));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_an_address_is_said),
        cmocka_unit_test(each_shard_has_the_address_of_its_range),
        cmocka_unit_test(a_host_is_told_from_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
