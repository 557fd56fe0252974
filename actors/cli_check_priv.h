/* cli_check_priv.h -- what `slipway status` and `slipway doctor` look at, a row each.
 *
 * shapes   row {"check", "level": "ok", "warn" or "fail", "seen", "mend"? (what to do; not of "ok")}; `overview` as
 *          common/overview.h, `before` another one of a moment ago, or NULL
 * units    *_ms milliseconds
 * errors   none: what cannot be looked at is a row
 * owner    the caller; rows are appended to `rows`
 * source   cli.h
 * limits   no secret is ever in a row
 */
#ifndef SW_CLI_CHECK_PRIV_H
#define SW_CLI_CHECK_PRIV_H

#include "common/conf.h"

#include <jansson.h>
#include <stdbool.h>

enum sw__level { SW__OK, SW__WARN, SW__FAIL };
extern const char *const sw__levels[];

/* `mend` is not used where the level is ok. */
void sw__row(json_t *rows, const char *check, enum sw__level level, const char *mend,
             const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The worst level of the rows. */
enum sw__level sw__rows_worst(const json_t *rows);
/* "850 ms", "12 s", "3 min", "5 h", "2 d" */
void sw__span(int64_t ms, char ret[32]);
/* "512 B", "1.5 MB" */
void sw__bytes(int64_t bytes, char ret[32]);

/* ---- pure ---- */

/* How each Redis is set up: role, memory, what it keeps. */
void sw__check_redis(const struct sw_conf *conf, const json_t *overview, json_t *rows);
/* `skew_ms`: this machine's clock before that of `whose`; times of a second are exact to `exact_ms`. */
void sw__check_clock(const char *whose, int64_t skew_ms, int64_t exact_ms, json_t *rows);
/* Whether somebody does the work: processes, leases, what waits, timers, calls, dead letters. An entry that waits is told only
 * where `before` (not NULL) has it too: one look cannot tell it from one that is being handled. */
void sw__check_work(const struct sw_conf *conf, const json_t *overview, const json_t *before,
                    json_t *rows);
/* True: a second look is needed for sw__check_work. */
bool sw__check_waits(const json_t *overview);
/* sw_overview_read, and that second look, of which the first is then *before (to be released). */
int sw__check_look(const struct sw_conf *conf, json_t **before, json_t **ret_overview, char *error,
                   size_t room);

/* Keys that nobody looks after; `space` as common/keyspace.h. */
void sw__check_space(const json_t *overview, const json_t *space, json_t *rows);
/* What every living process must know of the rings in `rings`, [{"name", "keys": [id, the current one first]}]; `processes` as
 * common/key_use.h. */
void sw__check_known(const json_t *processes, const json_t *rings, json_t *rows);

/* ---- of this machine ---- */

/* What is missing, but for the settings in `refused` (names), which were told already; the URL, the directory of sockets. */
void sw__check_setup(const struct sw_conf *conf, const json_t *refused, json_t *rows);
/* Key files and files of secrets; *ret_rings for sw__check_known, to be released. */
void sw__check_files(const struct sw_conf *conf, json_t *rows, json_t **ret_rings);
/* Whether everything that is called or waited for can be reached: some seconds. */
void sw__check_reach(const struct sw_conf *conf, json_t *rows);

/* ---- rendering; `rows` are those of status ---- */

/* "well" or "not well: ..." without a line's end; the caller frees. */
char *sw__status_line(const json_t *overview, const json_t *rows);
/* What is there, as a table for people. */
void sw__status_show(const json_t *overview, FILE *out);

#endif
