/* cli_dead.c -- `slipway dead list`; see cli.h. */
#include "actors/cli.h"
#include "common/conf.h"
#include "common/dead.h"

#include <stdio.h>
#include <string.h>

int sw_cli_dead(int argc, char **argv) {
    static const char usage[] = "usage: slipway dead list\n\n"
                                "Prints the dead letters of the Redis at SLIPWAY_REDIS, one JSON "
                                "object a line: what could not be\n"
                                "handled, and why.\n";
    struct sw_conf conf;
    char error[512];
    unsigned count;
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("dead");
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "list") != 0))
        return fputs(usage, stderr), SW_EXIT_USAGE;
    if (sw_cli_conf(&conf, error, sizeof(error)) < 0)
        return sw_cli_fail("dead", 0, error), SW_EXIT_SETTING;
    int r = sw_dead_list(&conf, stdout, &count, error, sizeof(error));
    if (r == 0 && count == 0)
        fprintf(stderr, "no dead letters in the Redis at SLIPWAY_REDIS %s\n", conf.redis);
    sw_conf_finish(&conf);
    return r < 0 ? sw_cli_fail("dead", r, error) : sw_cli_written("dead");
}
