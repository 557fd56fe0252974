/* cli_conf.c -- settings of a command that asks Redis, and which are missing; see cli.h. */
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

int sw_cli_load(const char *command, struct sw_conf *ret_conf) {
    char error[512];
    if (sw_cli_conf(ret_conf, error, sizeof(error)) == 0) return SW_EXIT_DONE;
    return sw_cli_fail(command, 0, error), SW_EXIT_SETTING;
}

size_t sw_cli_missing(const struct sw_conf *conf, struct sw_missing ret[SW_MISSING_MAX]) {
    const bool slack = conf->slack_client_id[0], heroku = conf->heroku_client_id[0];
    const struct {
        bool missing;
        struct sw_missing what;
    } rows[] = {
        {!conf->slack_secret.current,
         {"SLACK_SECRET_FILE", "ingress", "what Slack sends is refused"}},
        {!slack, {"SLACK_CLIENT_ID", "every role", "nobody can add it to Slack or sign in"}},
        {slack && !conf->slack_client_secret.current,
         {"SLACK_CLIENT_SECRET_FILE", "auth and refresher",
          "nobody can add it to Slack or sign in"}},
        {!heroku, {"HEROKU_CLIENT_ID", "every role", "nobody can sign in"}},
        {heroku && !conf->heroku_secret.current,
         {"HEROKU_SECRET_FILE", "auth and refresher", "nobody can sign in"}},
        {conf->github_client_id[0] && !conf->github_secret.current,
         {"GITHUB_SECRET_FILE", "auth and refresher", "nobody can link GitHub"}},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].missing) ret[count++] = rows[i].what;
    }
    return count;
}

bool sw_cli_base_is_wrong(const struct sw_conf *conf) {
    const bool real = !strncmp(conf->slack_web, "https://", 8);
    return real && strncmp(conf->base_url, "https://", 8) != 0;
}
