/* span.h -- which spans the runtime makes (otlp.h): a request that was taken in, a message that was handled, an effect.
 *
 * shapes   a span of a message or an effect goes out when the ledger has confirmed what it tells of: once
 * units    none
 * errors   none
 * owner    the caller frees what it got; NULL throughout where no collector is named
 * source   ARCHITECTURE.md "Traces"
 * limits   an hour: what is caused later begins a trace of its own, which names the one before
 */
#ifndef SW_SPAN_H
#define SW_SPAN_H

#include "common/otlp.h"
#include "common/run_priv.h"

struct sw_decision;
struct sw_effect;

/* Begins it, and makes what the handler causes its children. */
struct sw_span *sw__span_message(const struct sw_shard *shard, struct sw_entry *entry);
/* It was not handled yet: as before, and freed. */
void sw__span_undo(struct sw_span *span, struct sw_entry *entry);

struct sw_span *sw__span_effect(const struct sw_effect *effect);
/* Ends it, and makes the handling of the answer its child. */
void sw__span_answer(struct sw_effect *effect, const char *outcome, int status);

/* Begins it, and makes all that is taken in its children; what is refused has no span, so nobody outside can make many. */
struct sw_span *sw__span_request(const struct sw_run *run, const char *path, struct sw_decision *d);

#endif
