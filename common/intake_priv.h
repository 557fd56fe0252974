/* intake_priv.h -- what the files of the intake share.
 *
 * shapes   struct sw_intake: the door, the requests that wait for the ledger, and the webhooks that wait for more before
 * units    *_ms milliseconds
 * errors   none
 * owner    the loop thread
 * source   intake.h
 * limits   as there
 */
#ifndef SW_INTAKE_PRIV_H
#define SW_INTAKE_PRIV_H

#include "common/append.h"
#include "common/intake.h"
#include "common/stream_out.h"

#define SW__ANSWER_MS 2000

struct sw_intake {
    struct sw_run *run;
    struct sw_door *door;
    sw_decide_fn *decide;
    uint64_t last_number;
    zhashx_t *intents; /* number as text -> struct intent */
    struct sw_appends *appends;
    zlistx_t *hooks;           /* struct hook, in the order in which they came */
    struct sw_stream_out *out; /* NULL: no Kafka */
    int64_t open_until_ms;     /* after sw__intake_leave */
    int64_t refusal_due_ms;    /* when the log takes another one */
    uint64_t refusals;         /* that it did not take */
};

/* intake.c */
void sw__intake_context(const struct sw_run *run, struct sw_ctx *ctx);
/* Queues the appends of what was decided on a request that came at `began_at_ms`; takes `d`. */
void sw__intake_take(struct sw_intake *intake, struct sw_waiting *waiting, struct sw_decision *d,
                     const char *path, int64_t began_at_ms);
/* Counts an answer to a request that came at `began_at_ms`. */
void sw__intake_count(const char *outcome, int64_t began_at_ms);

/* intake_hook.c: a webhook waits until it is known whom its source concerns; takes `d`. */
void sw__intake_hook(struct sw_intake *intake, struct sw_waiting *waiting,
                     const struct sw_request *request, struct sw_decision *d);
void sw__intake_hooks_tick(struct sw_intake *intake);
void sw__intake_hooks_destroy(struct sw_intake *intake);

#endif
