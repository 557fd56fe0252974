/* cli_conf.c -- settings of a command that asks Redis; see cli.h. */
#include "actors/cli.h"
#include "actors/up_priv.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sw_cli_conf(struct sw_conf *ret_conf, char *error, size_t room) {
    const char *named = getenv("SLIPWAY_REDIS");
    /* This is where somebody who is not root ran it. */
    int r = access(".slipway", F_OK) == 0 ? sw__up_conf_defaults() : 0;
    if (r < 0) return snprintf(error, room, ".slipway: %s", strerror(-r)), r;
    r = sw_conf_load(ret_conf, error, room);
    if (r < 0 || (named && named[0])) return r;
    SW_AUTO(sw_text) char *own = sw_printf("%s/redis.sock", ret_conf->run_dir);
    if (access(own, F_OK) < 0) return 0;
    free(ret_conf->redis);
    ret_conf->redis = sw_strdup(own);
    return 0;
}
