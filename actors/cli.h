/* cli.h -- commands of the binary for an operator, beside the actors.
 *
 * shapes   int sw_cli_<command>(int argc, char **argv), argv[0] is the command's own name
 * units    none
 * errors   what main returns, enum sw_exit; one line says why
 * owner    the caller
 * source   none
 * limits   none
 */
#ifndef SW_CLI_H
#define SW_CLI_H

#include "common/conf.h"

#include <jansson.h>
#include <stdint.h>

/* Of every command and role; the numbers are those of sysexits.h. An actor that was told `stale` ends with 75. */
enum sw_exit {
    SW_EXIT_DONE = 0,
    SW_EXIT_FAILED = 1,   /* it could not be done, or something was found */
    SW_EXIT_USAGE = 64,   /* what was typed is not understood */
    SW_EXIT_AWAY = 69,    /* Redis, or what was asked, cannot be reached */
    SW_EXIT_SETTING = 78, /* a setting or a key is wrong */
};
/* For a negative errno of common/sync.h and what is built on it. */
enum sw_exit sw_cli_exit(int r);
/* "slipway COMMAND: ERROR" on standard error; the status for `r`. */
int sw_cli_fail(const char *command, int r, const char *error);
/* 0 where all was written; else a line says so, and the status. */
int sw_cli_written(const char *command);
bool sw_cli_asks_help(int argc, char **argv); /* one word, --help or -h */
/* On a line of its own. */
void sw_cli_print_json(const json_t *json);
/* What people typed, as text: whatever a terminal might obey becomes '?'. */
void sw_cli_print_text(const char *text);
/* "2026-11-27T17:01:02Z", or "-". */
void sw_cli_time(int64_t ms, char ret[32]);
/* The value of the option `name` at *i: behind '=' or the next word, to which *i then points. NULL: another option, or no
 * value. */
const char *sw_cli_value(const char *name, int argc, char **argv, int *i);

/* sw_conf_load for a command beside what runs: a Redis and directories that nobody named are those of
 * `slipway up` here, where it has any. */
int sw_cli_conf(struct sw_conf *ret_conf, char *error, size_t room);
/* The same for `command`: 0, or its status after a line that says why. */
int sw_cli_load(const char *command, struct sw_conf *ret_conf);

/* A setting that is not there (without SLIPWAY_), who needs it, and what does not work until it is. */
struct sw_missing {
    const char *name, *roles, *without;
};
#define SW_MISSING_MAX 6
size_t sw_cli_missing(const struct sw_conf *conf, struct sw_missing ret[SW_MISSING_MAX]);
/* True: Slack and browsers are sent to SLIPWAY_BASE_URL, and it is no https URL. */
bool sw_cli_base_is_wrong(const struct sw_conf *conf);

/* `slipway parse -- TEXT` or `slipway parse -` (standard input): prints the command object. */
int sw_cli_parse(int argc, char **argv);
/* `slipway up`: every role and a private Redis on one machine, until SIGTERM or Ctrl-C. */
int sw_cli_up(int argc, char **argv);

/* `slipway status`: whether it is well, and where it hangs; 1: not well, 69: no Redis. */
int sw_cli_status(int argc, char **argv);
/* `slipway doctor`: looks at everything an operator may have set wrongly; 1: something failed. */
int sw_cli_doctor(int argc, char **argv);

/* `slipway keys`: makes key files, shows what needs each key, changes keys while everything runs. */
int sw_cli_keys(int argc, char **argv);
/* `slipway acl DIR`: writes the users of Redis, and their passwords. */
int sw_cli_acl(int argc, char **argv);
/* `slipway manifest URL`: prints the manifest of its Slack app. */
int sw_cli_manifest(int argc, char **argv);
/* `slipway dead`: lists, shows, retries and drops dead letters. */
int sw_cli_dead(int argc, char **argv);
/* `slipway send`: a line as Slack would send it. */
int sw_cli_send(int argc, char **argv);
/* `slipway version`: what runs here; not in the library of the tests, which would be linked anew at each commit. */
int sw_cli_version(int argc, char **argv);
extern const char sw_commit[]; /* of the build, or "unknown" */
/* `slipway audit`: prints who did what. */
int sw_cli_audit(int argc, char **argv);
/* `slipway trace`: tells what a command went through. */
int sw_cli_trace(int argc, char **argv);

#endif
