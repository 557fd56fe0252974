/* cli_keys.c -- `slipway keys init`, `slipway dead list`; see cli.h. */
#include "actors/cli.h"
#include "common/conf.h"
#include "common/dead.h"
#include "common/seal.h"

#include <stdio.h>
#include <string.h>

static int load(struct sw_conf *conf, const char *command) {
    char error[512];
    if (sw_conf_load(conf, error, sizeof(error)) == 0) return 0;
    fprintf(stderr, "slipway %s: %s\n", command, error);
    return -1;
}

int sw_cli_keys(int argc, char **argv) {
    static const char usage[] =
        "usage: slipway keys init\n\n"
        "Makes every key file that is missing in SLIPWAY_KEY_DIR: a pair for each actor, the token "
        "key\n"
        "of auth and the state key of ingress and auth. Files that exist stay as they are.\n";
    struct sw_conf conf;
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return fputs(usage, stdout), 0;
    if (argc != 2 || strcmp(argv[1], "init") != 0) return fputs(usage, stderr), 2;
    if (load(&conf, "keys") < 0) return 1;
    int r = sw_keys_make(conf.key_dir);
    if (r < 0)
        fprintf(stderr, "slipway keys: SLIPWAY_KEY_DIR %s: %s\n", conf.key_dir, strerror(-r));
    if (r == 0) printf("keys are in %s\n", conf.key_dir);
    sw_conf_finish(&conf);
    return r < 0;
}

int sw_cli_dead(int argc, char **argv) {
    static const char usage[] = "usage: slipway dead list\n\n"
                                "Prints the dead letters of the Redis at SLIPWAY_REDIS, one JSON "
                                "object a line: what could not be\n"
                                "handled, and why.\n";
    struct sw_conf conf;
    char error[512];
    unsigned count;
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return fputs(usage, stdout), 0;
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "list") != 0)) return fputs(usage, stderr), 2;
    if (load(&conf, "dead") < 0) return 1;
    int r = sw_dead_list(&conf, stdout, &count, error, sizeof(error));
    if (r < 0) fprintf(stderr, "slipway dead: %s\n", error);
    if (r == 0 && count == 0) fputs("no dead letters\n", stderr);
    sw_conf_finish(&conf);
    return r < 0;
}
