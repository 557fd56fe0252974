/* plan_change.h -- rollback, restart, maintenance of one app, and `ps`, which shows one.
 *
 * shapes   plan_priv.h; targets has the one app that is changed
 *          back {id, version, from}: the release that a rollback goes to, and the version that it leaves
 *          dynos {old [ids], newest_ms, names, up, all, until_ms}: of a restart; `old` ran before
 *          types [{type, size, quantity}], maintenance: what `ps` has read so far
 * units    *_ms
 * errors   as executor_priv.h
 * owner    as executor_priv.h
 * source   executor_priv.h
 * limits   100 dynos are told apart, 300 shown; a restart is followed for 10 minutes
 */
#ifndef SW_PLAN_CHANGE_H
#define SW_PLAN_CHANGE_H

#include "actors/plan_priv.h"

/* plan_change.c: what the three have in common. */
/* A phase: the one app; no stage given: production. */
int sw__change_choose(struct sw__plan *p);
json_t *sw__change_target(const struct sw__plan *p);
/* "<task> storefront in production/storefront-production", to be typed. */
char *sw__change_line(const struct sw__plan *p, const char *task);
/* The end where a call failed and nothing was written; no code can be typed for these. */
void sw__change_trouble(struct sw__plan *p, const struct sw__said *said);
/* The end where nobody can say what became of it. */
void sw__change_unknown(struct sw__plan *p, const char *why, const char *reason);
/* Says that a write whose answer got lost was found. */
void sw__change_found(struct sw__plan *p);

/* plan_rollback.c */
int sw__back_start(struct sw__plan *p);
void sw__back_list_call(struct sw__plan *p);
int sw__back_list_said(struct sw__plan *p, const struct sw__said *said);
void sw__back_one_call(struct sw__plan *p);
int sw__back_one_said(struct sw__plan *p, const struct sw__said *said);
void sw__back_one_trouble(struct sw__plan *p, const struct sw__said *said);
int sw__back_tell(struct sw__plan *p);
int sw__back_write(struct sw__plan *p);
void sw__back_call(struct sw__plan *p);
int sw__back_said(struct sw__plan *p, const struct sw__said *said);
void sw__back_look(struct sw__plan *p);
enum sw__seen sw__back_seen(struct sw__plan *p, const struct sw__said *said);
int sw__back_found(struct sw__plan *p);
void sw__back_describe(const struct sw__plan *p, json_t *data);

/* plan_restart.c */
int sw__restart_start(struct sw__plan *p);
void sw__restart_dynos_call(struct sw__plan *p);
int sw__restart_before_said(struct sw__plan *p, const struct sw__said *said);
void sw__restart_types_call(struct sw__plan *p);
int sw__restart_types_said(struct sw__plan *p, const struct sw__said *said);
int sw__restart_write(struct sw__plan *p);
void sw__restart_call(struct sw__plan *p);
int sw__restart_said(struct sw__plan *p, const struct sw__said *said);
enum sw__seen sw__restart_seen(struct sw__plan *p, const struct sw__said *said);
int sw__restart_found(struct sw__plan *p);
int sw__restart_watch(struct sw__plan *p);
int sw__restart_watch_said(struct sw__plan *p, const struct sw__said *said);
void sw__restart_watch_trouble(struct sw__plan *p, const struct sw__said *said);
void sw__restart_due(struct sw__plan *p);
void sw__restart_describe(const struct sw__plan *p, json_t *data);

/* plan_maintenance.c */
int sw__maintenance_start(struct sw__plan *p);
void sw__maintenance_look(struct sw__plan *p);
int sw__maintenance_before_said(struct sw__plan *p, const struct sw__said *said);
int sw__maintenance_write(struct sw__plan *p);
void sw__maintenance_call(struct sw__plan *p);
int sw__maintenance_said(struct sw__plan *p, const struct sw__said *said);
enum sw__seen sw__maintenance_seen(struct sw__plan *p, const struct sw__said *said);
int sw__maintenance_found(struct sw__plan *p);
void sw__maintenance_describe(const struct sw__plan *p, json_t *data);

/* plan_ps.c */
int sw__ps_start(struct sw__plan *p);
void sw__ps_app_call(struct sw__plan *p);
int sw__ps_app_said(struct sw__plan *p, const struct sw__said *said);
void sw__ps_types_call(struct sw__plan *p);
int sw__ps_types_said(struct sw__plan *p, const struct sw__said *said);
void sw__ps_dynos_call(struct sw__plan *p);
int sw__ps_dynos_said(struct sw__plan *p, const struct sw__said *said);

#endif
