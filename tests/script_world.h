/* script_world.h -- the ledger's scripts on a redis-server of the test's own, called as the executor of a shard would.
 *
 * shapes   run id "run1", nonce "me", epoch 1
 * units    none
 * errors   fail the test
 * owner    as in redis_world.h
 * source   common/lua
 * limits   27 arguments a call
 */
#ifndef SW_TESTS_SCRIPT_WORLD_H
#define SW_TESTS_SCRIPT_WORLD_H

#include "common/redis.h"
#include "common/run_priv.h"
#include "common/scripts.h"
#include "redis_world.h"

static char prefix[16];

static inline void speak_to(const char *installation) {
    snprintf(prefix, sizeof(prefix), "sw:{%02u}:", sw__shard_of(installation));
}

/* The status word of a script called as an owner would. */
static inline char *run_script(const struct redis_world *w, enum sw_script script, ...) {
    const char *argv[32] = {"EVAL", sw_script_text[script], "1", prefix};
    int argc = 4;
    va_list args;
    va_start(args, script);
    while ((argv[argc] = va_arg(args, const char *)))
        argc++;
    va_end(args);
    redisReply *reply = redisCommandArgv(w->c, argc, argv, NULL);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s", reply->str);
    char *word = sw_strdup(reply->element[0]->str);
    freeReplyObject(reply);
    return word;
}

static inline void take(const struct redis_world *w) {
    free(run_script(w, SW_SCRIPT_TAKE, "run1", "executor", "me", "ipc://x", "60000", NULL));
    SW_AUTO(sw_text)
    char *word = run_script(w, SW_SCRIPT_TAKE, "run1", "executor", "me", "ipc://x", "60000", NULL);
    assert_string_equal(word, "mine");
}

static inline void put(const struct redis_world *w, const char *id) {
    freeReplyObject(ask(w, "XADD %sexecutor %s m x", prefix, id));
}

#endif
