/* app_world.h -- an app of the simulated Heroku whose work takes 0.1 s, and how a test follows it.
 *
 * shapes   `sim` of client.h, entered as ada@example.com
 * units    none
 * errors   fail the test; what does not end within 20 s fails it too
 * owner    app_world_start, then client_tear_down; a json_t * that is returned is the caller's
 * source   none
 * limits   none
 */
#ifndef SIM_APP_WORLD_H
#define SIM_APP_WORLD_H

#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static inline void app_world_start(void) {
    static const char *const options[] = {"--heroku-pool",
                                          "1000000",
                                          "--promote-ms",
                                          "100-200",
                                          "--build-ms",
                                          "100-200",
                                          "--dyno-ms",
                                          "100-200",
                                          "--client-id",
                                          "cid",
                                          "--client-secret",
                                          "csec",
                                          NULL};
    client_start(&sim, options);
    client_enter(&sim, "ada@example.com");
}

/* Asks until `key` is no longer `from`; new. */
static inline json_t *wait_until_not(const char *path, const char *key, const char *from) {
    for (int64_t until_ms = sim_mono_ms() + 20000; sim_mono_ms() < until_ms;) {
        REPLY reply = client_api(&sim, "GET", path, NULL, NULL);
        assert_int_equal(reply.status, 200);
        if (strcmp(client_text(reply.json, key), from) != 0) return json_incref(reply.json);
    }
    fail_msg("%s stays %s", path, from);
    return NULL;
}

static inline json_t *release_end(const char *app, const char *id) {
    SIM_FREE char *path = sim_fmt("/apps/%s/releases/%s", app, id);
    return wait_until_not(path, "status", "pending");
}

static inline void fail_at(const char *app, const char *where) {
    SIM_FREE char *config =
        sim_fmt("{\"fail\":{\"app\":\"%s\",\"where\":\"%s\",\"times\":1}}", app, where);
    REPLY set = client_post(&sim, "/sim/config", config);
    assert_int_equal(set.status, 200);
}

/* How many dynos are in `state`; *ret_all is how many there are. */
static inline size_t dynos_in(const char *app, const char *state, size_t *ret_all) {
    SIM_FREE char *path = sim_fmt("/apps/%s/dynos", app);
    REPLY reply = client_api(&sim, "GET", path, NULL, NULL);
    assert_int_equal(reply.status, 200);
    size_t i, n = 0;
    json_t *dyno;
    json_array_foreach(reply.json, i, dyno) {
        n += strcmp(client_text(dyno, "state"), state) == 0;
    }
    *ret_all = json_array_size(reply.json);
    return n;
}

static inline void wait_for_dynos(const char *app, const char *state) {
    for (int64_t until_ms = sim_mono_ms() + 20000; sim_mono_ms() < until_ms;) {
        size_t all;
        if (dynos_in(app, state, &all) == all && all != 0) return;
    }
    fail_msg("the dynos of %s are not %s", app, state);
}

#endif
