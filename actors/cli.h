/* cli.h -- commands of the binary for an operator, beside the actors.
 *
 * shapes   int sw_cli_<command>(int argc, char **argv), argv[0] is the command's own name
 * units    none
 * errors   what main returns: 0 done, 1 it could not be written, 2 wrong usage (one line says why)
 * owner    the caller
 * source   none
 * limits   none
 */
#ifndef SW_CLI_H
#define SW_CLI_H

#include "common/conf.h"

/* sw_conf_load for a command beside what runs: a Redis and directories that nobody named are those of
 * `slipway up` here, where it has any. */
int sw_cli_conf(struct sw_conf *ret_conf, char *error, size_t room);

/* `slipway parse -- TEXT` or `slipway parse -` (standard input): prints the command object. */
int sw_cli_parse(int argc, char **argv);
/* `slipway up`: every role and a private Redis on one machine, until SIGTERM or Ctrl-C. */
int sw_cli_up(int argc, char **argv);

/* `slipway keys`: makes key files, shows what needs each key, changes keys while everything runs. */
int sw_cli_keys(int argc, char **argv);
/* `slipway manifest URL`: prints the manifest of its Slack app. */
int sw_cli_manifest(int argc, char **argv);
/* `slipway dead list`: prints the dead letters. */
int sw_cli_dead(int argc, char **argv);
/* `slipway audit`: prints who did what. */
int sw_cli_audit(int argc, char **argv);

#endif
