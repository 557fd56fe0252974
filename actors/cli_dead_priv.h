/* cli_dead_priv.h -- between the files of `slipway dead`.
 *
 * shapes   each command gets Redis and the words behind its name
 * units    none
 * errors   what main returns, enum sw_exit; a line says why
 * owner    the caller closes
 * source   cli.h
 * limits   none
 */
#ifndef SW_CLI_DEAD_PRIV_H
#define SW_CLI_DEAD_PRIV_H

#include "actors/cli.h"
#include "common/dead.h"

struct sw__dead_words { /* as typed */
    struct sw_dead_query query;
    bool all, yes, json;
    char **ids;
    int count; /* of ids */
};

int sw__dead_list(struct sw_dead *dead, const struct sw__dead_words *words, const char *error);
int sw__dead_show(struct sw_dead *dead, const struct sw__dead_words *words, const char *error);
int sw__dead_retry(struct sw_dead *dead, const struct sw__dead_words *words, const char *error);
int sw__dead_drop(struct sw_dead *dead, const struct sw__dead_words *words, const char *error);

/* Why this version cannot handle it, in words; NULL: it can. */
const char *sw__dead_obstacle(const struct sw_dead_letter *letter);

#endif
